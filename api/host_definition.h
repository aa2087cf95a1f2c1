// Functions of the host as linkers define them: each store has one function of each. Private to
// `api`.
#ifndef GANTRY_API_HOST_DEFINITION_H_
#define GANTRY_API_HOST_DEFINITION_H_

#include <memory>
#include <utility>
#include <vector>

#include "api/extern.h"
#include "api/host_func.h"
#include "runtime/host_functions.h"

namespace gantry::api_internal {

struct HostDefinition {
  HostDefinition(FuncType t, HostFuncCode c) : type(std::move(t)), code(std::move(c)) {}

  const FuncType type;
  const HostFuncCode code;
};

// The functions of the host among what a module imports, each once.
struct HostImports {
  HostImports(std::vector<std::shared_ptr<const HostDefinition>> d,
              std::vector<runtime::HostFunctionSet::Function> f)
      : definitions(std::move(d)), functions(std::move(f)) {}

  const std::vector<std::shared_ptr<const HostDefinition>> definitions;
  const runtime::HostFunctionSet functions;
};

}  // namespace gantry::api_internal

#endif  // GANTRY_API_HOST_DEFINITION_H_
