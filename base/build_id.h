// BuildId: tells builds of a program apart, so that what one of them keeps in a cache is not taken
// for what another would make. Versions do not: they stay the same while a program is worked on.
#ifndef GANTRY_BASE_BUILD_ID_H_
#define GANTRY_BASE_BUILD_ID_H_

#include <string>

namespace gantry {

// The bytes of the ELF build id of the program or shared library that this code is linked into,
// different wherever code or data differ; empty where the linker wrote none.
std::string BuildId();

}  // namespace gantry

#endif  // GANTRY_BASE_BUILD_ID_H_
