// A function of the host as linkers define it: what each store has one function of. Private to
// `api`.
#ifndef GANTRY_API_HOST_DEFINITION_H_
#define GANTRY_API_HOST_DEFINITION_H_

#include <utility>
#include <variant>

#include "api/extern.h"
#include "api/host_func.h"

namespace gantry::api_internal {

struct HostDefinition {
  HostDefinition(FuncType t, std::variant<Func::RawCallback, HostFuncCode> c)
      : type(std::move(t)), code(std::move(c)) {}

  const FuncType type;
  const std::variant<Func::RawCallback, HostFuncCode> code;
};

}  // namespace gantry::api_internal

#endif  // GANTRY_API_HOST_DEFINITION_H_
