// Runs the commands of a script against an engine, all of them, and says how each went.
//
//   Report report = RunScript(script, engine, BuiltInLists());
//   std::cout << report.failures ... << report.Summary();    // "812 passed, 0 failed, 3 skipped"
#ifndef GANTRY_WAST_SCRIPT_RUNNER_H_
#define GANTRY_WAST_SCRIPT_RUNNER_H_

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "wast/lists.h"
#include "wast/script.h"
#include "wast/script_engine.h"

namespace gantry::wast {

struct Report {
  uint64_t passed = 0;
  uint64_t failed = 0;
  uint64_t skipped = 0;
  // "FILE:LINE: COMMAND: what was expected, what came".
  std::vector<std::string> failures;
  // How many commands were skipped for each feature.
  std::map<std::string, uint64_t> skips;
  // Pairs of Lists::messages that were needed, by MessagePair::ToString.
  std::set<std::string> pairs_used;

  // "N passed, N failed, N skipped".
  std::string Summary() const;
  void Add(const Report& other);
};

// Every command counts once, those within a thread included. A command is skipped where the
// engine lacks a feature that `lists` names; where it is about an instance that is missing for
// that reason; and where it finds other results than it expects in an instance of which an
// `invoke` outside of assertions, so one for its effect, was skipped. An engine that does not
// execute makes skips of the feature "execution", which need not be listed. A thread runs beside
// the rest of the script until it is waited for, at the latest at the script's end.
Report RunScript(const Script& script, ScriptEngine& engine, const Lists& lists);

}  // namespace gantry::wast

#endif  // GANTRY_WAST_SCRIPT_RUNNER_H_
