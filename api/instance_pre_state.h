// What an InstancePre stands for. Private to `api`.
#ifndef GANTRY_API_INSTANCE_PRE_STATE_H_
#define GANTRY_API_INSTANCE_PRE_STATE_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "api/extern.h"
#include "api/host_definition.h"
#include "api/module.h"
#include "api/module_state.h"
#include "runtime/engine.h"
#include "runtime/home_shard.h"
#include "runtime/instance.h"

namespace gantry::api_internal {

class InstancePreState {
 public:
  // A function of the host, which becomes one of each store: its place in HostImports.
  struct HostFunc {
    size_t place;
  };
  using Import = std::variant<HostFunc, Extern>;

  // `host_imports`: null where there are none.
  InstancePreState(Module module, std::vector<Import> imports,
                   std::shared_ptr<const HostImports> host_imports,
                   runtime::Instance::ImportTypes functions)
      : module_(std::move(module)), imports_(std::move(imports)), functions_(functions) {
    for (uint32_t i = 0; i < runtime::kThreadShards; ++i) {
      // Holds the module, with a counter of its own.
      const std::shared_ptr<const ModuleState> counted(module_.state().get(),
                                                       [held = module_](const ModuleState*) {});
      handles_[i].module = Module(counted);
      handles_[i].runtime = {counted, counted->runtime().get()};
      if (host_imports == nullptr) continue;
      handles_[i].host_imports = std::shared_ptr<const HostImports>(
          host_imports.get(), [held = host_imports](const HostImports*) {});
    }
  }

  const Module& module() const { return module_; }

  // The same module in handles to be copied by the calling thread: threads that instantiate it
  // would wait for one another at the counter of a single one.
  struct Handles {
    std::optional<Module> module;
    std::shared_ptr<const runtime::Module> runtime;
    std::shared_ptr<const HostImports> host_imports;  // null: none
  };
  const Handles& handles() const { return handles_[runtime::HomeShard()]; }
  // In the order of the module's.
  const std::vector<Import>& imports() const { return imports_; }
  // Whether imported functions are known to be of the types asked for.
  runtime::Instance::ImportTypes functions() const { return functions_; }

 private:
  const Module module_;
  std::array<Handles, runtime::kThreadShards> handles_;
  const std::vector<Import> imports_;
  const runtime::Instance::ImportTypes functions_;
};

}  // namespace gantry::api_internal

#endif  // GANTRY_API_INSTANCE_PRE_STATE_H_
