#include "environ/core/builtins.h"

#include "base/check.h"

namespace gantry::environ {
namespace {

using enum BuiltinType;

template <BuiltinType... kParams>
struct ParamList {
  static constexpr BuiltinType kList[] = {kParams...};
};

const BuiltinInfo kInfos[] = {
#define GANTRY_X(enumerator, name, result, fallible, ...) \
  {name, result, fallible, ParamList<__VA_ARGS__>::kList},
    GANTRY_BUILTINS(GANTRY_X)
#undef GANTRY_X
};

}  // namespace

const BuiltinInfo& GetBuiltinInfo(Builtin builtin) {
  const uint32_t index = static_cast<uint32_t>(builtin);
  CHECK(index < kBuiltinCount) << index;
  return kInfos[index];
}

std::ostream& operator<<(std::ostream& out, Builtin builtin) {
  return out << GetBuiltinInfo(builtin).name.data();
}

}  // namespace gantry::environ
