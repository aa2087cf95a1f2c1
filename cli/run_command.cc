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
#include "api/perf.h"
#include "api/profiler.h"
#include "api/trap.h"
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
  std::string coredump;
  std::string profile;
  std::string jitdump;
  bool perf_map = false;
  bool verbose = false;
};

absl::Status WriteText(const std::string& path, const std::string& text) {
  return WriteFile(path, std::vector<uint8_t>(text.begin(), text.end()));
}

void ReportTierUp(const Engine& engine) {
  const std::optional<TierUpStats> stats = engine.tier_up_stats();
  if (!stats) return;
  std::fprintf(stderr,
               "tier-up: %llu functions hot, %llu optimized (%llu bytes of code), %llu refused\n",
               static_cast<unsigned long long>(stats->requested),
               static_cast<unsigned long long>(stats->optimized),
               static_cast<unsigned long long>(stats->code_bytes),
               static_cast<unsigned long long>(stats->refused));
}

absl::StatusOr<int> RunProgram(const RunOptions& options, const ProgramSetup& setup,
                               Program& program) {
  RETURN_IF_ERROR(program.Instantiate(setup));
  if (options.invoke.empty()) return program.RunStart();

  std::optional<int> exit_code;
  ASSIGN_OR_RETURN(const std::vector<Val> results,
                   program.Invoke(options.invoke, setup.arguments, &exit_code));
  for (const Val& value : results) std::printf("%s\n", value.ToString().c_str());
  return exit_code.value_or(0);
}

absl::StatusOr<int> Run(const RunOptions& options, const CLI::App& command) {
  ASSIGN_OR_RETURN(const std::vector<std::string> words, ProgramAndArguments(command));
  ASSIGN_OR_RETURN(Config config, options.engine.ToConfig());
  config.CoredumpOnTrap(!options.coredump.empty());
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

  if (options.perf_map) RETURN_IF_ERROR(AppendPerfMap(module));
  std::unique_ptr<JitDump> jit_dump;
  if (!options.jitdump.empty()) {
    ASSIGN_OR_RETURN(jit_dump, JitDump::Create(options.jitdump));
    RETURN_IF_ERROR(jit_dump->Append(module));
  }
  Program program(engine, std::move(module), path);
  std::optional<GuestProfiler> profiler;
  if (!options.profile.empty()) {
    ASSIGN_OR_RETURN(profiler, GuestProfiler::Start());
  }
  absl::StatusOr<int> result = RunProgram(options, setup, program);
  // Whatever came of the program.
  if (options.verbose) ReportTierUp(engine);
  if (profiler) RETURN_IF_ERROR(WriteText(options.profile, profiler->Stop(path)));
  if (const std::optional<std::string> coredump = GetCoredump(result.status())) {
    RETURN_IF_ERROR(WriteText(options.coredump, *coredump));
  }
  return result;
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
  command->add_option("--coredump", options->coredump,
                      "Where the program traps, write a core dump of it (WebAssembly core dump "
                      "format) to this file");
  command->add_option("--profile", options->profile,
                      "Write to this file where the program spent its time, for "
                      "https://profiler.firefox.com");
  command->add_flag("--perf-map", options->perf_map,
                    "Tell perf the names of the program's functions (/tmp/perf-PID.map)");
  command->add_flag(
      "--verbose", options->verbose,
      "Say at the end, on standard error, how many functions were hot and have optimized "
      "code (-O tier-up)");
  command
      ->add_option("--jitdump", options->jitdump,
                   "Write the program's code with names and source lines to "
                   "DIR/jit-PID.dump, for `perf record -k mono` and `perf inject --jit`")
      ->type_name("DIR");
  TakeProgramAndArguments(*command);
  command->callback([options, command, exit_code] {
    const absl::StatusOr<int> result = Run(*options, *command);
    *exit_code = result.ok() ? *result : ReportFailure(result.status());
  });
}

}  // namespace gantry::cli
