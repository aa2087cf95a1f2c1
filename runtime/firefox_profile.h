// Samples of guests as a profile that the Firefox profiler (profiler.firefox.com) opens: its
// "processed" format, as JSON.
//
// Tested by api:debugging_test.
#ifndef GANTRY_RUNTIME_FIREFOX_PROFILE_H_
#define GANTRY_RUNTIME_FIREFOX_PROFILE_H_

#include <string>

#include "absl/strings/string_view.h"
#include "runtime/sampler.h"

namespace gantry::runtime {

// Functions by the names of their modules, inlined ones as if they had been called, with source
// positions where the module has them. Samples outside of guests are under "host". The code must
// still be loaded. `name` is the profiled program's, `start_ms` the time of the start since 1970.
std::string FirefoxProfile(const Sampler::Samples& samples, absl::string_view name,
                           double start_ms);

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_FIREFOX_PROFILE_H_
