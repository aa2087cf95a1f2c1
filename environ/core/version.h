// The version of Gantry: part of every artifact, of cache keys, and of `gantry --version`.
#ifndef GANTRY_ENVIRON_CORE_VERSION_H_
#define GANTRY_ENVIRON_CORE_VERSION_H_

namespace gantry::environ {

inline constexpr char kVersion[] = "0.2.2";

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CORE_VERSION_H_
