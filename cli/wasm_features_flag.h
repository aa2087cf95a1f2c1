// Which proposals modules may use, by -W NAME=y|n: names are those of wasm_translate/features.h,
// which are wasmtime's where it has the proposal; `all-proposals` stands for every one, and what is
// named besides it counts more, wherever it stands.
//
//   ASSIGN_OR_RETURN(const wasm::Features features, ParseWasmFeatures({"simd=n,threads"}));
#ifndef GANTRY_CLI_WASM_FEATURES_FLAG_H_
#define GANTRY_CLI_WASM_FEATURES_FLAG_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/flag_list.h"
#include "wasm_translate/features.h"

namespace gantry::cli {

// "all-proposals, mutable-global, ...": every name, for help and messages.
std::string WasmFeatureNames();

// Applies the entries to `features`; what is no name of a feature is left for the caller in
// `others`, in order. Error: kInvalidArgument for a value that is neither y nor n.
absl::Status ApplyWasmFeatures(const std::vector<FlagEntry>& entries, wasm::Features* features,
                               std::vector<FlagEntry>* others);

// For commands whose -W knows nothing but features: the lists of the option, applied to the
// features of WebAssembly 3.0. Error: kInvalidArgument also for a name that is none.
absl::StatusOr<wasm::Features> ParseWasmFeatures(const std::vector<std::string>& lists);

}  // namespace gantry::cli

#endif  // GANTRY_CLI_WASM_FEATURES_FLAG_H_
