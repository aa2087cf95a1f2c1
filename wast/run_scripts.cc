// Runs conformance scripts from the command line:
//
//   run_scripts [--execute] [--messages] [--skips] [--unreadable] [--known=FILE] FILE-or-folder...
//
// Prints one line a file, every failure, what the flags ask for, and the totals. Modules are
// only validated unless --execute is given. `run_scripts --unreadable ... ` prints what
// wast/unreadable.txt holds.
#include <cstring>
#include <filesystem>
#include <iostream>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "api/config.h"
#include "api/engine.h"
#include "api/testing/test_flags.h"
#include "base/check.h"
#include "wast/api_engine.h"
#include "wast/file.h"
#include "wast/suite.h"
#include "wast/testsuite.h"
#include "wast/validate_engine.h"

int main(int argc, char** argv) {
  bool execute = false;
  bool messages = false;
  bool skips = false;
  bool unreadable = false;
  gantry::wast::KnownFailures known;
  std::vector<std::string> files;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--execute") {
      execute = true;
    } else if (argument == "--messages") {
      messages = true;
    } else if (argument == "--skips") {
      skips = true;
    } else if (argument == "--unreadable") {
      unreadable = true;
    } else if (argument.rfind("--known=", 0) == 0) {
      const auto list = gantry::wast::ReadFile(argument.substr(std::strlen("--known=")));
      if (!list.ok()) {
        std::cerr << list.status().message() << "\n";
        return 1;
      }
      known = gantry::wast::ParseKnownFailures(*list);
    } else if (std::filesystem::is_directory(argument)) {
      const auto found = gantry::wast::WastFiles(argument);
      files.insert(files.end(), found.begin(), found.end());
    } else {
      files.push_back(argument);
    }
  }
  gantry::Config config;
  gantry::AddTestCompilerFlags(config);
  const auto engine = gantry::Engine::Create(config);
  if (!engine.ok()) {
    std::cerr << engine.status().message() << "\n";
    return 1;
  }
  const gantry::wast::SuiteReport suite = gantry::wast::RunSuite(
      files,
      [&]() -> std::unique_ptr<gantry::wast::ScriptEngine> {
        if (execute) {
          auto created = gantry::wast::ApiEngine::Create(*engine);
          CHECK_OK(created.status());
          return *std::move(created);
        }
        return std::make_unique<gantry::wast::ValidateEngine>(gantry::wasm::ParseOptions());
      },
      known, {.without_tags = execute});
  auto print = [](const std::vector<std::string>& lines) {
    for (const std::string& line : lines) std::cout << line << "\n";
  };
  print(suite.files);
  if (skips) print(suite.report.skips);
  if (messages) print(suite.report.messages);
  if (unreadable) print(suite.unreadable);
  print(suite.report.failures);
  std::cout << suite.unreadable.size() << " unreadable, " << suite.dependent
            << " forms depend on those\n";
  std::cout << suite.report.Summary() << "\n";
  return suite.report.failed == 0 ? 0 : 1;
}
