// Runs a program that was compiled before, for counter.c: without a compiler, so that little is to
// be built for another machine, and reading the clock at the guest's calls of bench.start and
// bench.end and nowhere else.
//
//   run_artifact FILE.cwasm [ARGUMENT...]
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "api/config.h"
#include "api/engine.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/trap.h"
#include "api/val.h"
#include "base/status_macros.h"
#include "wasi/context.h"
#include "wasi/link.h"

namespace gantry {
namespace {

struct HostState {
  std::unique_ptr<wasi::Context> wasi;
  std::chrono::steady_clock::time_point mark;
};

absl::StatusOr<int> Run(const std::string& path, std::vector<std::string> arguments) {
  ASSIGN_OR_RETURN(const Engine engine, Engine::Create(Config()));
  ASSIGN_OR_RETURN(const Module module, Module::DeserializeFile(engine, path));
  HostState host;
  wasi::ContextBuilder builder;
  builder.Args(std::move(arguments));
  builder.InheritStdio();
  ASSIGN_OR_RETURN(host.wasi, builder.Build());
  StoreOf<HostState> store(engine, std::move(host));
  Linker linker(engine);
  RETURN_IF_ERROR(wasi::AddToLinker(
      linker, [](Caller& caller) -> wasi::Context& { return *caller.data<HostState>()->wasi; }));
  for (const char* name : {"start", "end"}) {
    RETURN_IF_ERROR(linker.Func("bench", name, [](Caller& caller) {
      caller.data<HostState>()->mark = std::chrono::steady_clock::now();
    }));
  }
  ASSIGN_OR_RETURN(const Instance instance, linker.Instantiate(store, module));
  ASSIGN_OR_RETURN(const Func start, instance.GetFunc(store, "_start"));
  const absl::Status status = start.Call(store, {}).status();
  if (const std::optional<int32_t> code = GetExitCode(status)) return *code;
  RETURN_IF_ERROR(status);
  return 0;
}

}  // namespace
}  // namespace gantry

int main(int argc, char** argv) {
  if (argc < 2) {
    std::fprintf(stderr, "usage: run_artifact FILE.cwasm [ARGUMENT...]\n");
    return 2;
  }
  const absl::StatusOr<int> result =
      gantry::Run(argv[1], std::vector<std::string>(argv + 1, argv + argc));
  if (result.ok()) return *result;
  std::fprintf(stderr, "%s\n", result.status().ToString().c_str());
  return 1;
}
