// How much of an artifact is checked before it is used (artifact.h).
#ifndef GANTRY_ENVIRON_ARTIFACT_VERIFICATION_H_
#define GANTRY_ENVIRON_ARTIFACT_VERIFICATION_H_

#include <cstdint>

namespace gantry::environ {

enum class Verification : uint8_t {
  kTrusted,  // headers, metadata, module data
  kFull,     // everything
};

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_ARTIFACT_VERIFICATION_H_
