// Tested from outside, by tests/cli.
#include "cli/program.h"

#include <cstdio>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "api/linker.h"
#include "api/trap.h"
#include "base/status_macros.h"
#include "cli/invoke_values.h"
#include "cli/module_input.h"
#include "wasi/link.h"

namespace gantry::cli {
namespace {

// The functions by which a program marks the part of itself that is to be measured.
absl::Status AddBenchMarks(Linker& linker) {
  RETURN_IF_ERROR(linker.Func("bench", "start", [](Caller& caller) {
    caller.data<HostState>()->bench_start = absl::Now();
  }));
  return linker.Func("bench", "end", [](Caller& caller) {
    HostState& host = *caller.data<HostState>();
    if (host.bench_start) host.bench_time = absl::Now() - *host.bench_start;
  });
}

absl::StatusOr<std::unique_ptr<wasi::Context>> MakeWasi(const ProgramSetup& setup,
                                                        const std::string& path) {
  wasi::ContextBuilder builder;
  std::vector<std::string> arguments = {setup.guest.argv0.empty() ? path : setup.guest.argv0};
  arguments.insert(arguments.end(), setup.arguments.begin(), setup.arguments.end());
  builder.Args(std::move(arguments));
  ASSIGN_OR_RETURN(const auto environment, setup.guest.Environment());
  for (const auto& [name, value] : environment) builder.Env(name, value);
  builder.InheritStdio();
  for (const GuestOptions::Mapping& mapping : setup.guest.Directories()) {
    builder.PreopenDirectory(mapping.host, mapping.guest);
  }
  return builder.Build();
}

}  // namespace

absl::StatusOr<Module> LoadModule(const Engine& engine, const std::string& path,
                                  const LoadChoices& choices) {
  ASSIGN_OR_RETURN(std::vector<uint8_t> contents, ReadFile(path));
  if (Module::IsArtifact(contents)) {
    absl::StatusOr<Module> module = Module::Deserialize(
        engine, contents,
        choices.verify_fully ? Module::Verification::kFull : Module::Verification::kTrusted);
    if (module.ok()) return module;
    return absl::Status(module.status().code(),
                        absl::StrCat(path, ": ", module.status().message()));
  }
  if (choices.cache != nullptr) {
    if (std::optional<Module> module = choices.cache->Find(engine, contents)) {
      return *std::move(module);
    }
  }
  ASSIGN_OR_RETURN(const ModuleInput input, ModuleInput::FromContents(path, std::move(contents)));
  absl::StatusOr<Module> module = Module::Compile(engine, input.bytes());
  if (!module.ok()) return input.Locate(module.status());
  if (choices.cache != nullptr) choices.cache->Insert(input.contents(), *module);
  return module;
}

Program::Program(const Engine& engine, Module module, std::string path)
    : engine_(engine), module_(std::move(module)), path_(std::move(path)) {}

absl::Status Program::Instantiate(const ProgramSetup& setup) {
  ASSIGN_OR_RETURN(std::unique_ptr<wasi::Context> wasi, MakeWasi(setup, path_));
  HostState host;
  host.wasi = std::move(wasi);
  store_ = std::make_unique<StoreOf<HostState>>(engine_, std::move(host));
  async_ = setup.async;
  if (setup.fuel) RETURN_IF_ERROR(store_->SetFuel(*setup.fuel));

  Linker linker(engine_);
  RETURN_IF_ERROR(wasi::AddToLinker(
      linker, [](Caller& caller) -> wasi::Context& { return *caller.data<HostState>()->wasi; }));
  RETURN_IF_ERROR(AddBenchMarks(linker));
  ASSIGN_OR_RETURN(const auto preloads, setup.guest.Preloads());
  for (const auto& [name, file] : preloads) {
    ASSIGN_OR_RETURN(const Module module, LoadModule(engine_, file, setup.load));
    ASSIGN_OR_RETURN(const Instance instance, InstantiateIn(linker, module));
    RETURN_IF_ERROR(linker.DefineInstance(*store_, name, instance));
  }
  ASSIGN_OR_RETURN(instance_, InstantiateIn(linker, module_));
  return absl::OkStatus();
}

absl::StatusOr<Instance> Program::InstantiateIn(const Linker& linker, const Module& module) {
  if (async_) return linker.InstantiateAsync(*store_, module).Wait();
  return linker.Instantiate(*store_, module);
}

absl::StatusOr<std::vector<Val>> Program::Call(const Func& func,
                                               const std::vector<Val>& arguments) {
  if (async_) return func.CallAsync(*store_, arguments).Wait();
  return func.Call(*store_, arguments);
}

absl::StatusOr<int> Program::RunStart() {
  const bool is_command = module_.GetExport("_start") != nullptr;
  const char* name = is_command ? "_start" : "_initialize";
  if (module_.GetExport(name) == nullptr) {
    return absl::NotFoundError(
        absl::StrCat(path_,
                     " exports neither _start nor _initialize, so there is nothing to "
                     "run; --invoke NAME calls one of its exports"));
  }
  ASSIGN_OR_RETURN(const Func start, instance_->GetFunc(*store_, name));
  const absl::Status status = Call(start, {}).status();
  if (const std::optional<int32_t> exit_code = GetExitCode(status)) return *exit_code;
  RETURN_IF_ERROR(status);
  return 0;
}

absl::StatusOr<std::vector<Val>> Program::Invoke(const std::string& name,
                                                 const std::vector<std::string>& arguments,
                                                 std::optional<int>* exit_code) {
  // A reactor wants its initialiser first.
  if (module_.GetExport("_start") == nullptr && module_.GetExport("_initialize") != nullptr) {
    ASSIGN_OR_RETURN(const Func initialize, instance_->GetFunc(*store_, "_initialize"));
    RETURN_IF_ERROR(Call(initialize, {}).status());
  }
  ASSIGN_OR_RETURN(const Func func, instance_->GetFunc(*store_, name));
  ASSIGN_OR_RETURN(const FuncType type, func.type(*store_));
  ASSIGN_OR_RETURN(const std::vector<Val> values, ParseArguments(type, arguments));
  absl::StatusOr<std::vector<Val>> results = Call(func, values);
  if (const std::optional<int32_t> code = GetExitCode(results.status())) {
    *exit_code = *code;
    return std::vector<Val>();
  }
  return results;
}

int ReportFailure(const absl::Status& status) {
  std::fflush(stdout);
  if (const std::optional<Trap> trap = GetTrap(status)) {
    std::fprintf(stderr, "gantry: %s\n", trap->ToString().c_str());
    return kTrapExitCode;
  }
  std::fprintf(stderr, "gantry: %s\n", std::string(status.message()).c_str());
  return 1;
}

}  // namespace gantry::cli
