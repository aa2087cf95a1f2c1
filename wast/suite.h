// Runs many script files and adds up.
#ifndef GANTRY_WAST_SUITE_H_
#define GANTRY_WAST_SUITE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "wasm_translate/features.h"
#include "wast/lists.h"
#include "wast/script_engine.h"
#include "wast/script_runner.h"

namespace gantry::wast {

// The features that a script is written for: WebAssembly 3.0, and under `proposals/NAME/` what
// that proposal starts from and adds.
wasm::Features FeaturesOfScript(absl::string_view path);

// Makes the engine for one script. An error counts as a failure of the script.
using EngineFactory =
    std::function<absl::StatusOr<std::unique_ptr<ScriptEngine>>(const std::string& path)>;

struct SuiteReport {
  Report report;
  // Summary of each file, in order: "i32.wast: 460 passed, 0 failed, 0 skipped".
  std::vector<std::string> files;
};

// Each file runs on an engine of its own. A file that cannot be read is one failure.
SuiteReport RunSuite(absl::Span<const std::string> files, const EngineFactory& make_engine,
                     const Lists& lists);

// "12 skipped for simd: the compiler has no vectors yet", a line for each feature.
std::vector<std::string> DescribeSkips(const Report& report, const Lists& lists);

// What a run of the whole suite did not need: features under which nothing was skipped, and
// pairs of messages that no script asked for.
std::vector<std::string> UnusedFeatures(const Report& report, const Lists& lists);
std::vector<std::string> UnusedMessages(const Report& report, const Lists& lists);

}  // namespace gantry::wast

#endif  // GANTRY_WAST_SUITE_H_
