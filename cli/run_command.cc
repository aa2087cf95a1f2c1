// Tested from outside, by tests/cli.
#include "cli/run_command.h"

#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "api/engine.h"
#include "base/status_macros.h"
#include "cli/module_cache.h"
#include "cli/options.h"
#include "cli/program.h"

namespace gantry::cli {
namespace {

struct RunOptions {
  EngineOptions engine;
  GuestOptions guest;
  std::string invoke;
};

absl::StatusOr<int> Run(const RunOptions& options, const CLI::App& command) {
  ASSIGN_OR_RETURN(const std::vector<std::string> words, ProgramAndArguments(command));
  ASSIGN_OR_RETURN(const Config config, options.engine.ToConfig());
  ProgramSetup setup;
  setup.guest = options.guest;
  setup.arguments.assign(words.begin() + 1, words.end());
  ASSIGN_OR_RETURN(setup.fuel, options.engine.Fuel());
  ASSIGN_OR_RETURN(setup.async, options.engine.Async());
  ASSIGN_OR_RETURN(const Engine engine, Engine::Create(config));
  const std::string& path = words.front();
  const std::unique_ptr<ModuleCache> cache = ModuleCache::Open(options.engine);
  setup.load.cache = cache.get();
  ASSIGN_OR_RETURN(setup.load.verify_fully, options.engine.VerifiesFully());
  ASSIGN_OR_RETURN(Module module, LoadModule(engine, path, setup.load));

  Program program(engine, std::move(module), path);
  RETURN_IF_ERROR(program.Instantiate(setup));
  if (options.invoke.empty()) return program.RunStart();

  std::optional<int> exit_code;
  ASSIGN_OR_RETURN(const std::vector<Val> results,
                   program.Invoke(options.invoke, setup.arguments, &exit_code));
  for (const Val& value : results) std::printf("%s\n", value.ToString().c_str());
  return exit_code.value_or(0);
}

}  // namespace

void AddRunCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<RunOptions>();
  CLI::App* command = app.add_subcommand("run", "Run a WebAssembly program");
  command->footer(
      "Examples:\n"
      "  gantry run hello.wasm\n"
      "  gantry run --dir . --env LANG=C wordcount.wasm -l README.md\n"
      "  gantry run --dir /data::/ program.wasm\n"
      "  gantry run --invoke add math.wasm 1 2\n");
  options->engine.AddTo(*command);
  options->guest.AddTo(*command);
  command->add_option("--invoke", options->invoke,
                      "Call this export instead of _start, with ARGS by its type; results are "
                      "printed one a line");
  TakeProgramAndArguments(*command);
  command->callback([options, command, exit_code] {
    const absl::StatusOr<int> result = Run(*options, *command);
    *exit_code = result.ok() ? *result : ReportFailure(result.status());
  });
}

}  // namespace gantry::cli
