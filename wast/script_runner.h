// Runs the commands of a script against an engine, all of them, and says how each went.
//
//   Report report = RunScript(script, engine);
//   std::cout << report.failures ... << report.Summary();    // "812 passed, 0 failed, 3 skipped"
#ifndef GANTRY_WAST_SCRIPT_RUNNER_H_
#define GANTRY_WAST_SCRIPT_RUNNER_H_

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "wast/script.h"
#include "wast/script_engine.h"

namespace gantry::wast {

struct Report {
  uint64_t passed = 0;
  uint64_t failed = 0;
  uint64_t skipped = 0;
  // "FILE:LINE: what was expected, what came".
  std::vector<std::string> failures;
  // Commands passed over, each with the reason.
  std::vector<std::string> skips;
  // Right refusals and traps whose message does not begin with the script's.
  std::vector<std::string> messages;

  // "N passed, N failed, N skipped".
  std::string Summary() const;
  void Add(const Report& other);
};

// Places that are known to fail: "FILE:LINE" (the file without its folder) and why.
using KnownFailures = std::map<std::string, std::string>;

// Every command that asserts or does something counts once. A command is skipped where the
// engine answers kUnimplemented, where the module is given as text, and where it is about an
// instance that an earlier skip or failure left missing. A failure at a known place counts as
// a skip, and no failure there as a failure.
Report RunScript(const Script& script, ScriptEngine& engine, const KnownFailures& known = {});

// Reads "FILE:LINE why" lines; empty ones and those that begin with # are comments.
KnownFailures ParseKnownFailures(absl::string_view text);

}  // namespace gantry::wast

#endif  // GANTRY_WAST_SCRIPT_RUNNER_H_
