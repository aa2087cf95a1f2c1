// What an InstancePre stands for. Private to `api`.
#ifndef GANTRY_API_INSTANCE_PRE_STATE_H_
#define GANTRY_API_INSTANCE_PRE_STATE_H_

#include <memory>
#include <utility>
#include <variant>
#include <vector>

#include "api/extern.h"
#include "api/host_definition.h"
#include "api/module.h"
#include "runtime/engine.h"
#include "runtime/instance.h"

namespace gantry::api_internal {

class InstancePreState {
 public:
  // A function of the host, which becomes one of each store.
  struct HostFunc {
    std::shared_ptr<const runtime::HostFunctionType> type;
    std::shared_ptr<const HostDefinition> definition;
  };
  using Import = std::variant<HostFunc, Extern>;

  InstancePreState(Module module, std::vector<Import> imports,
                   runtime::Instance::ImportTypes functions)
      : module_(std::move(module)), imports_(std::move(imports)), functions_(functions) {}

  const Module& module() const { return module_; }
  // In the order of the module's.
  const std::vector<Import>& imports() const { return imports_; }
  // Whether imported functions are known to be of the types asked for.
  runtime::Instance::ImportTypes functions() const { return functions_; }

 private:
  const Module module_;
  const std::vector<Import> imports_;
  const runtime::Instance::ImportTypes functions_;
};

}  // namespace gantry::api_internal

#endif  // GANTRY_API_INSTANCE_PRE_STATE_H_
