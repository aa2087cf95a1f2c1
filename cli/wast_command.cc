// Tested from outside, by tests/cli.
#include "cli/wast_command.h"

#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <system_error>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "api/engine.h"
#include "base/status_macros.h"
#include "cli/options.h"
#include "cli/program.h"
#include "wast/api_engine.h"
#include "wast/lists.h"
#include "wast/script_runner.h"
#include "wast/suite.h"
#include "wast/testsuite.h"

namespace gantry::cli {
namespace {

struct WastOptions {
  EngineOptions engine;
  std::vector<std::string> paths;
};

absl::StatusOr<std::vector<std::string>> Files(const std::vector<std::string>& paths) {
  std::vector<std::string> files;
  for (const std::string& path : paths) {
    std::error_code error;
    if (!std::filesystem::is_directory(path, error)) {
      files.push_back(path);
      continue;
    }
    const std::vector<std::string> found = wast::WastFiles(path);
    if (found.empty()) return absl::NotFoundError(absl::StrCat(path, ": no .wast file in it"));
    files.insert(files.end(), found.begin(), found.end());
  }
  return files;
}

// One engine for each set of features that a script wants.
class Engines {
 public:
  explicit Engines(const EngineOptions& options) : options_(options) {}

  absl::StatusOr<Engine> For(const std::string& path) {
    ASSIGN_OR_RETURN(const wasm::Features features,
                     options_.FeaturesOver(wast::FeaturesOfScript(path)));
    const auto found = engines_.find(features.bits());
    if (found != engines_.end()) return found->second;
    ASSIGN_OR_RETURN(Config config, options_.ToConfig());
    config.WasmFeatures(features);
    ASSIGN_OR_RETURN(const Engine engine, Engine::Create(config));
    engines_.emplace(features.bits(), engine);
    return engine;
  }

 private:
  const EngineOptions& options_;
  std::map<uint64_t, Engine> engines_;
};

absl::StatusOr<int> Run(const WastOptions& options) {
  ASSIGN_OR_RETURN(const std::vector<std::string> files, Files(options.paths));
  Engines engines(options.engine);
  wast::ApiEngine::Options run;
  ASSIGN_OR_RETURN(run.fuel, options.engine.Fuel());
  ASSIGN_OR_RETURN(run.async, options.engine.Async());
  // What is wrong with the options is told once, not for each script.
  for (const std::string& file : files) RETURN_IF_ERROR(engines.For(file).status());

  const wast::Lists& lists = wast::BuiltInLists();
  wast::Report total;
  for (const std::string& file : files) {
    const wast::SuiteReport suite = wast::RunSuite(
        {&file, 1},
        [&](const std::string& path) -> absl::StatusOr<std::unique_ptr<wast::ScriptEngine>> {
          ASSIGN_OR_RETURN(const Engine engine, engines.For(path));
          return wast::ApiEngine::Create(engine, run);
        },
        lists);
    for (const std::string& failure : suite.report.failures) std::printf("%s\n", failure.c_str());
    for (const std::string& line : suite.files) std::printf("%s\n", line.c_str());
    std::fflush(stdout);
    total.Add(suite.report);
  }
  for (const std::string& line : wast::DescribeSkips(total, lists)) {
    std::printf("%s\n", line.c_str());
  }
  std::printf("%zu of %zu listed messages that differ from the scripts' used\n",
              total.pairs_used.size(), lists.messages.size());
  std::printf("%s\n", total.Summary().c_str());
  return total.failed == 0 ? 0 : 1;
}

}  // namespace

void AddWastCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<WastOptions>();
  CLI::App* command = app.add_subcommand("wast", "Run conformance scripts");
  command->footer(
      "Each script runs with the features of WebAssembly 3.0, one under proposals/NAME/ also\n"
      "with that proposal; -W adds and takes away. A folder stands for all .wast files in it.\n"
      "Examples:\n"
      "  gantry wast testsuite/i32.wast\n"
      "  gantry wast -C compiler=cranelift -O opt-level=0 testsuite\n"
      "  gantry wast -W threads atomics.wast\n");
  options->engine.AddTo(*command);
  command->add_option("FILE", options->paths, "Scripts, or folders of them")->required();
  command->callback([options, exit_code] {
    const absl::StatusOr<int> result = Run(*options);
    *exit_code = result.ok() ? *result : ReportFailure(result.status());
  });
}

}  // namespace gantry::cli
