// Tested from outside, by tests/cli.
#include "cli/settings_command.h"

#include <cstdio>
#include <string>
#include <vector>

#include "CLI/CLI.hpp"
#include "absl/status/statusor.h"
#include "api/engine.h"
#include "cli/program.h"

namespace gantry::cli {

void AddSettingsCommand(CLI::App& app, int* exit_code) {
  CLI::App* command = app.add_subcommand(
      "settings", "List the code generator's settings, each with its default (for -C NAME=VALUE)");
  command->callback([exit_code] {
    const absl::StatusOr<std::vector<SettingDescription>> settings = ListCompilerSettings();
    if (!settings.ok()) {
      *exit_code = ReportFailure(settings.status());
      return;
    }
    std::string group;
    for (const SettingDescription& setting : *settings) {
      if (setting.group != group) {
        group = setting.group;
        std::printf("%s settings:\n", group.c_str());
      }
      std::printf("  %-28s %-24s default %-8s %s\n", setting.name.c_str(), setting.type.c_str(),
                  setting.default_value.c_str(), setting.help.c_str());
    }
    *exit_code = 0;
  });
}

}  // namespace gantry::cli
