// `gantry print`.
#ifndef GANTRY_CLI_PRINT_COMMAND_H_
#define GANTRY_CLI_PRINT_COMMAND_H_

namespace CLI {
class App;
}

namespace gantry::cli {

// Adds the command; when it is given, *exit_code is the process's.
void AddPrintCommand(CLI::App& app, int* exit_code);

}  // namespace gantry::cli

#endif  // GANTRY_CLI_PRINT_COMMAND_H_
