// Options that several commands share, and the files they name.
//
// Names follow the wasmtime command where it has the same thing: -O, -C and -W take
// comma-separated `name[=value]` lists.
#ifndef GANTRY_CLI_OPTIONS_H_
#define GANTRY_CLI_OPTIONS_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "api/config.h"

namespace CLI {
class App;
}

namespace gantry::cli {

// What makes an engine.
class EngineOptions {
 public:
  // Adds -O, -C, -W and --target to a command. This object must outlive the parse.
  void AddTo(CLI::App& command);

  // Error: kInvalidArgument naming the option that is not known or its bad value.
  absl::StatusOr<Config> ToConfig() const;

  // The proposals that -W names switched on or off in `base`; ToConfig starts from those of
  // WebAssembly 3.0.
  absl::StatusOr<wasm::Features> FeaturesOver(wasm::Features base) const;

  // Whether guests are called asynchronously, each call on a stack of its own (-O async=y).
  absl::StatusOr<bool> Async() const;
  // Where compiled modules are kept (-C cache); nothing where they are not.
  std::optional<std::string> ModuleCachePath() const;
  // Whether an artifact that is named on the command line is verified in full (-C verify).
  absl::StatusOr<bool> VerifiesFully() const;
  // The options as text, the same for the same code.
  std::string KeyText() const;

  // Fuel that each store starts with (-W fuel=N).
  absl::StatusOr<std::optional<uint64_t>> Fuel() const;

 private:
  std::vector<std::string> optimize_;
  std::vector<std::string> codegen_;
  std::vector<std::string> wasm_;
  std::string target_;
};

// One line on standard error: a cache can't be used, and that is all.
void ReportCacheFailure(const absl::Status& status);

// What a guest is given.
struct GuestOptions {
  struct Mapping {
    std::string host;
    std::string guest;
  };

  // Adds --dir, --env, --preload and --argv0.
  void AddTo(CLI::App& command);

  std::vector<Mapping> Directories() const;
  // Error: kInvalidArgument for an entry without a name.
  absl::StatusOr<std::vector<std::pair<std::string, std::string>>> Environment() const;
  // Pairs of module name and file.
  absl::StatusOr<std::vector<std::pair<std::string, std::string>>> Preloads() const;

  std::vector<std::string> directory_texts;
  std::vector<std::string> environment_texts;
  std::vector<std::string> preload_texts;
  std::string argv0;
};

// Makes a command end its own options at the first word that is none, which names FILE; all
// that follows belongs to the guest, words with dashes included.
void TakeProgramAndArguments(CLI::App& command);
// FILE and the guest's arguments after a parse. Error: kInvalidArgument where the file is
// missing or an option is not known.
absl::StatusOr<std::vector<std::string>> ProgramAndArguments(const CLI::App& command);

// The whole of a file; "-" is standard input.
// Errors: kNotFound, kPermissionDenied, ... with the path and the reason.
absl::StatusOr<std::vector<uint8_t>> ReadFile(const std::string& path);
// Writes by a temporary file and a rename, so that an older file is whole or replaced; "-" is
// standard output.
absl::Status WriteFile(const std::string& path, const std::vector<uint8_t>& bytes);

}  // namespace gantry::cli

#endif  // GANTRY_CLI_OPTIONS_H_
