// Tested from outside, by tests/cli.
#include "cli/parse_command.h"

#include <memory>
#include <string>

#include "CLI/CLI.hpp"
#include "absl/status/status.h"
#include "base/status_macros.h"
#include "cli/module_input.h"
#include "cli/options.h"
#include "cli/program.h"

namespace gantry::cli {
namespace {

struct ParseCommandOptions {
  std::string file = "-";
  std::string output = "-";
  bool no_names = false;
};

absl::Status Parse(const ParseCommandOptions& options) {
  wasm::text::TextOptions text;
  text.names = !options.no_names;
  ASSIGN_OR_RETURN(const ModuleInput input, ModuleInput::Read(options.file, text));
  return WriteFile(options.output, input.bytes());
}

}  // namespace

void AddParseCommand(CLI::App& app, int* exit_code) {
  auto options = std::make_shared<ParseCommandOptions>();
  CLI::App* command =
      app.add_subcommand("parse", "Convert a module from the text to the binary format");
  command->footer(
      "The module is not validated. One in the binary format comes out as it is.\n"
      "Examples:\n"
      "  gantry parse program.wat -o program.wasm\n"
      "  gantry print program.wasm | sed s/i32.div_s/i32.div_u/ | gantry parse -o other.wasm\n");
  command->add_option("FILE", options->file, "The module; - is standard input, as is nothing");
  command->add_option("-o,--output", options->output,
                      "Where the module goes; standard output where not given");
  command->add_flag("--no-names", options->no_names, "Leave the name section out");
  command->callback([options, exit_code] {
    const absl::Status status = Parse(*options);
    *exit_code = status.ok() ? 0 : ReportFailure(status);
  });
}

}  // namespace gantry::cli
