// Tested from outside, by tests/cli.
#include "cli/validate_command.h"

#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "base/status_macros.h"
#include "cli/module_input.h"
#include "cli/program.h"
#include "cli/wasm_features_flag.h"
#include "wasm_translate/module_validator.h"

namespace gantry::cli {
namespace {

struct ValidateCommandOptions {
  std::string file = "-";
  std::vector<std::string> wasm;
};

absl::Status Validate(const ValidateCommandOptions& options) {
  wasm::ParseOptions parse;
  ASSIGN_OR_RETURN(parse.features, ParseWasmFeatures(options.wasm));
  ASSIGN_OR_RETURN(const ModuleInput input, ModuleInput::Read(options.file));
  return input.Locate(wasm::ValidateModule(input.bytes(), parse));
}

}  // namespace

void AddValidateCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<ValidateCommandOptions>();
  CLI::App* command = app.add_subcommand("validate", "Say whether a module is valid");
  command->footer(
      "Text or binary. Nothing is printed for a valid module; what is wrong with another is,\n"
      "and the exit code is 1.\n"
      "Examples:\n"
      "  gantry validate program.wasm && echo good\n"
      "  gantry validate -W threads=y program.wat\n"
      "  gantry validate -W all-proposals=n,simd=y < program.wasm\n");
  command->add_option("FILE", options->file, "The module; - is standard input, as is nothing");
  command
      ->add_option("-W,--wasm", options->wasm,
                   "Proposals that the module may use, WebAssembly 3.0 where not said otherwise: "
                   "NAME=y|n of all-proposals, simd, gc, ...")
      ->allow_extra_args(false);
  command->callback([options, exit_code] {
    const absl::Status status = Validate(*options);
    *exit_code = status.ok() ? 0 : ReportFailure(status);
  });
}

}  // namespace gantry::cli
