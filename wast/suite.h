// Runs many script files and adds up.
#ifndef GANTRY_WAST_SUITE_H_
#define GANTRY_WAST_SUITE_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "wast/converter.h"
#include "wast/script_engine.h"
#include "wast/script_runner.h"

namespace gantry::wast {

struct SuiteReport {
  Report report;
  // Summary of each file, in order: "i32.wast: 460 passed, 0 failed, 0 skipped".
  std::vector<std::string> files;
  // What the converter cannot read: "FILE: why" for whole files, "FILE:LINE: why" for
  // single forms; and how many forms fall away because they depend on those.
  std::vector<std::string> unreadable;
  size_t dependent = 0;
};

// Each file is converted into a temporary folder of its own, which is removed again, and run
// on an engine of its own.
SuiteReport RunSuite(absl::Span<const std::string> files,
                     const std::function<std::unique_ptr<ScriptEngine>()>& make_engine,
                     const KnownFailures& known = {}, const ConvertOptions& options = {});

}  // namespace gantry::wast

#endif  // GANTRY_WAST_SUITE_H_
