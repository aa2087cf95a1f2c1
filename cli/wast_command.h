// `gantry wast`.
#ifndef GANTRY_CLI_WAST_COMMAND_H_
#define GANTRY_CLI_WAST_COMMAND_H_

namespace CLI {
class App;
}

namespace gantry::cli {

// Adds the command; when it is given, *exit_code is the process's.
void AddWastCommand(CLI::App& app, int* exit_code);

}  // namespace gantry::cli

#endif  // GANTRY_CLI_WAST_COMMAND_H_
