// Program: a module file made ready to run with WASI, and its run.
//
//   ASSIGN_OR_RETURN(std::unique_ptr<Program> program, Program::Load(engine, path));
//   RETURN_IF_ERROR(program->Instantiate(setup));
//   ASSIGN_OR_RETURN(int exit_code, program->RunStart());
#ifndef GANTRY_CLI_PROGRAM_H_
#define GANTRY_CLI_PROGRAM_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "api/engine.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/val.h"
#include "cli/module_cache.h"
#include "cli/options.h"
#include "wasi/context.h"

namespace gantry::cli {

// Exit code of the command when a guest traps: that of a process ended by abort.
inline constexpr int kTrapExitCode = 134;

// What a guest's store carries.
struct HostState {
  std::unique_ptr<wasi::Context> wasi;
  // Between the guest's calls of bench.start and bench.end, the last pair of them.
  std::optional<absl::Time> bench_start;
  std::optional<absl::Duration> bench_time;
};

struct LoadChoices {
  // Where a module is looked for before it is compiled; null for nowhere.
  ModuleCache* cache = nullptr;
  // Of artifacts that are named.
  bool verify_fully = true;
};

// Everything that the options say about one run.
struct ProgramSetup {
  GuestOptions guest;
  std::vector<std::string> arguments;  // without argv[0]
  std::optional<uint64_t> fuel;
  bool async = false;  // each call of the guest on a stack of its own
  // Of preloaded modules.
  LoadChoices load;
};

// A module from a file, text or binary: compiled, or loaded where the file is an artifact.
absl::StatusOr<Module> LoadModule(const Engine& engine, const std::string& path,
                                  const LoadChoices& choices = {});

class Program {
 public:
  Program(const Engine& engine, Module module, std::string path);

  // Makes the store, WASI and the preloaded modules, and instantiates.
  absl::Status Instantiate(const ProgramSetup& setup);

  // Runs `_start` (or nothing where the module is a reactor whose `_initialize` is called)
  // and returns the guest's exit code. Error: a trap, or kNotFound where the module exports
  // neither.
  absl::StatusOr<int> RunStart();

  // Calls an export with arguments as text. An exit by the guest is in *exit_code.
  absl::StatusOr<std::vector<Val>> Invoke(const std::string& name,
                                          const std::vector<std::string>& arguments,
                                          std::optional<int>* exit_code);

  const HostState& host() const { return store_->data(); }

 private:
  // Each asynchronously where the setup says so.
  absl::StatusOr<Instance> InstantiateIn(const Linker& linker, const Module& module);
  absl::StatusOr<std::vector<Val>> Call(const Func& func, const std::vector<Val>& arguments);

  Engine engine_;
  Module module_;
  std::string path_;
  std::unique_ptr<StoreOf<HostState>> store_;
  std::optional<Instance> instance_;
  bool async_ = false;
};

// Prints what went wrong on standard error, a trap with its backtrace, and returns the exit
// code for it.
int ReportFailure(const absl::Status& status);

}  // namespace gantry::cli

#endif  // GANTRY_CLI_PROGRAM_H_
