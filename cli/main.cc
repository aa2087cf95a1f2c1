// The `gantry` command.
#include <csignal>
#include <cstdio>
#include <exception>

#include "CLI/CLI.hpp"
#include "cli/bench_command.h"
#include "cli/compile_command.h"
#include "cli/parse_command.h"
#include "cli/print_command.h"
#include "cli/run_command.h"
#include "cli/settings_command.h"
#include "cli/validate_command.h"
#include "cli/wast_command.h"
#include "environ/core/version.h"

int main(int argc, char** argv) {
  CLI::App app("Gantry compiles and runs WebAssembly.", "gantry");
  app.set_version_flag("--version", std::string("gantry ") + gantry::environ::kVersion);
  app.require_subcommand(1);
  app.footer("`gantry COMMAND --help` shows a command's options with examples.");
  // Writing beyond a limit of files' sizes is an error like that of a full disk.
  std::signal(SIGXFSZ, SIG_IGN);
  int exit_code = 0;
  gantry::cli::AddRunCommand(app, &exit_code);
  gantry::cli::AddCompileCommand(app, &exit_code);
  gantry::cli::AddBenchCommand(app, &exit_code);
  gantry::cli::AddParseCommand(app, &exit_code);
  gantry::cli::AddPrintCommand(app, &exit_code);
  gantry::cli::AddSettingsCommand(app, &exit_code);
  gantry::cli::AddValidateCommand(app, &exit_code);
  gantry::cli::AddWastCommand(app, &exit_code);
  // CLI11 reports a bad command line by exception; it ends here.
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error);
  }
  return exit_code;
}
