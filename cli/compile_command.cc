// Tested from outside, by tests/cli.
#include "cli/compile_command.h"

#include <cstdio>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "absl/time/time.h"
#include "api/engine.h"
#include "api/module.h"
#include "base/status_macros.h"
#include "cli/module_input.h"
#include "cli/options.h"
#include "cli/program.h"

namespace gantry::cli {
namespace {

struct CompileOptions {
  EngineOptions engine;
  std::string file;
  std::string output;
  std::string emit;
  bool timing = false;
};

// Prints dumps as they come, each under a heading that says what it is.
class PrintingSink : public DumpSink {
 public:
  void Dump(absl::string_view kind, absl::string_view function, absl::string_view text) override {
    std::printf(";; %.*s of %.*s\n%.*s\n", static_cast<int>(kind.size()), kind.data(),
                static_cast<int>(function.size()), function.data(), static_cast<int>(text.size()),
                text.data());
  }
};

void PrintTiming(const CompileTiming& timing) {
  absl::Duration total;
  for (const CompileTiming::Phase& phase : timing.phases) {
    if (!phase.is_part) total += phase.time;
  }
  std::fprintf(stderr, "%-28s %12s %7s %13s\n", "phase", "ms", "share", "steps");
  for (const CompileTiming::Phase& phase : timing.phases) {
    const std::string name = absl::StrCat(phase.is_part ? "  " : "", phase.name);
    std::fprintf(stderr, "%-28s %12.3f %6.1f%% %13llu%s%s\n", name.c_str(),
                 absl::ToDoubleMilliseconds(phase.time),
                 total > absl::ZeroDuration() ? 100 * absl::FDivDuration(phase.time, total) : 0.0,
                 static_cast<unsigned long long>(phase.work), phase.note.empty() ? "" : "  ",
                 phase.note.c_str());
  }
  std::fprintf(stderr, "%-28s %12.3f\n", "all threads", absl::ToDoubleMilliseconds(total));
  std::fprintf(stderr, "%-28s %12.3f\n", "wall", absl::ToDoubleMilliseconds(timing.wall));
  std::fprintf(stderr,
               "%llu functions, %llu calls inlined, %llu bytes of wasm, %llu bytes of code\n",
               static_cast<unsigned long long>(timing.functions),
               static_cast<unsigned long long>(timing.inlined_calls),
               static_cast<unsigned long long>(timing.wasm_bytes),
               static_cast<unsigned long long>(timing.code_bytes));
}

absl::StatusOr<ModuleInput> ReadModule(const std::string& path) {
  ASSIGN_OR_RETURN(std::vector<uint8_t> contents, ReadFile(path));
  if (Module::IsArtifact(contents)) {
    return absl::InvalidArgumentError(
        absl::StrCat(path, ": compiled already; the module that it was made of is needed"));
  }
  return ModuleInput::FromContents(path, std::move(contents));
}

absl::Status Compile(const CompileOptions& options) {
  ASSIGN_OR_RETURN(Config config, options.engine.ToConfig());
  PrintingSink sink;
  if (!options.emit.empty()) config.Dump(options.emit, &sink);
  config.CollectTiming(options.timing);
  ASSIGN_OR_RETURN(const Engine engine, Engine::Create(config));
  ASSIGN_OR_RETURN(const ModuleInput input, ReadModule(options.file));
  CompileTiming timing;
  // Not loaded: the target may be another machine.
  absl::StatusOr<std::vector<uint8_t>> artifact =
      Module::Precompile(engine, input.bytes(), options.timing ? &timing : nullptr);
  if (!artifact.ok()) return input.Locate(artifact.status());
  if (options.timing) PrintTiming(timing);

  // Looking inside alone writes nothing.
  const bool only_looking = options.output.empty() && (options.timing || !options.emit.empty());
  if (only_looking) return absl::OkStatus();
  std::string output = options.output;
  if (output.empty()) {
    absl::string_view stem = options.file;
    if (!absl::ConsumeSuffix(&stem, ".wasm")) absl::ConsumeSuffix(&stem, ".wat");
    output = absl::StrCat(stem, ".cwasm");
  }
  return WriteFile(output, *artifact);
}

}  // namespace

void AddCompileCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<CompileOptions>();
  CLI::App* command =
      app.add_subcommand("compile", "Compile a module to an artifact, or look inside");
  command->footer(
      "Examples:\n"
      "  gantry compile program.wasm -o program.cwasm\n"
      "  gantry compile --target aarch64-linux program.wasm\n"
      "  gantry compile --timing program.wasm\n"
      "  gantry compile --emit=ir,asm program.wasm\n"
      "  gantry compile --emit=ir-passes -C pass_skip=hoist+sink program.wasm\n");
  options->engine.AddTo(*command);
  command->add_option("FILE", options->file, "The module; - is standard input")->required();
  command->add_option("-o,--output", options->output,
                      "Where the artifact goes; FILE with .cwasm where not given");
  command->add_option("--emit", options->emit,
                      "Print these forms of each function: ir, ir-passes (behind each pass of the "
                      "mid-end that changed it), vcode, asm (a list)");
  command->add_flag("--timing", options->timing,
                    "Print the time of each phase and the steps it counted");
  command->callback([options, exit_code] {
    const absl::Status status = Compile(*options);
    *exit_code = status.ok() ? 0 : ReportFailure(status);
  });
}

}  // namespace gantry::cli
