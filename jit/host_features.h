// What the processor that runs this program can do, under the names that compilers use for
// their settings ("has_avx2"), so that an artifact which needs a feature is refused by name
// where the feature is missing. For programs that load artifacts and link no compiler.
#ifndef GANTRY_JIT_HOST_FEATURES_H_
#define GANTRY_JIT_HOST_FEATURES_H_

#include "absl/strings/string_view.h"

namespace gantry::jit {

// The target of code that runs here, "x86_64-unknown-linux-gnu".
absl::string_view HostTriple();

// Whether processor and operating system offer a feature. False for a name that is not known.
bool HostHasFeature(absl::string_view name);

}  // namespace gantry::jit

#endif  // GANTRY_JIT_HOST_FEATURES_H_
