// Tested from outside, by tests/cli.
#include "cli/print_command.h"

#include <memory>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/status_macros.h"
#include "cli/module_input.h"
#include "cli/options.h"
#include "cli/program.h"
#include "cli/wasm_features_flag.h"
#include "wasm_translate/text/printer.h"

namespace gantry::cli {
namespace {

struct PrintCommandOptions {
  std::string file = "-";
  std::string output = "-";
  std::vector<std::string> wasm;
  bool no_names = false;
};

absl::Status Print(const PrintCommandOptions& options) {
  wasm::text::PrintOptions print;
  ASSIGN_OR_RETURN(print.parse.features, ParseWasmFeatures(options.wasm, wasm::Features::All()));
  print.names = !options.no_names;
  ASSIGN_OR_RETURN(const ModuleInput input, ModuleInput::Read(options.file));
  const absl::StatusOr<std::string> text = wasm::text::PrintModule(input.bytes(), print);
  if (!text.ok()) return input.Locate(text.status());
  return WriteFile(options.output, std::vector<uint8_t>(text->begin(), text->end()));
}

}  // namespace

void AddPrintCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<PrintCommandOptions>();
  CLI::App* command =
      app.add_subcommand("print", "Convert a module from the binary to the text format");
  command->footer(
      "Bodies are decoded but not validated. A text module is printed anew.\n"
      "Examples:\n"
      "  gantry print program.wasm\n"
      "  gantry print -o program.wat < program.wasm\n"
      "  gantry print -W simd=n program.wasm\n");
  command->add_option("FILE", options->file, "The module; - is standard input, as is nothing");
  command->add_option("-o,--output", options->output,
                      "Where the text goes; standard output where not given");
  command
      ->add_option("-W,--wasm", options->wasm,
                   "Proposals that the module may use, all where not said otherwise: NAME=y|n of "
                   "all-proposals, simd, gc, ...")
      ->allow_extra_args(false);
  command->add_flag("--no-names", options->no_names,
                    "Numbers instead of names; the name section becomes a custom section");
  command->callback([options, exit_code] {
    const absl::Status status = Print(*options);
    *exit_code = status.ok() ? 0 : ReportFailure(status);
  });
}

}  // namespace gantry::cli
