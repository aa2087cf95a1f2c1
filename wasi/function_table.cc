#include "wasi/function_table.h"

#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace gantry::wasi {
namespace {

template <typename Param>
constexpr ParamType ParamTypeOf() {
  static_assert(std::is_same_v<Param, uint32_t> || std::is_same_v<Param, uint64_t>);
  return std::is_same_v<Param, uint32_t> ? ParamType::kI32 : ParamType::kI64;
}

// What follows from the type of a method: the signature, and a call through values of 64 bits.
template <auto kMethod>
struct Binding;

template <typename Result, typename... Params, Result (Context::*kMethod)(GuestMemory, Params...)>
struct Binding<kMethod> {
  static_assert(sizeof...(Params) <= kMaxParams);
  static constexpr bool kHasResult = !std::is_void_v<Result>;
  static constexpr std::array<ParamType, sizeof...(Params)> kParams = {ParamTypeOf<Params>()...};

  static Outcome Call(Context& context, GuestMemory memory, const uint64_t* args,
                      uint32_t* result) {
    return CallWith(context, memory, args, result, std::index_sequence_for<Params...>());
  }

 private:
  template <size_t... kIndex>
  static Outcome CallWith(Context& context, GuestMemory memory,
                          [[maybe_unused]] const uint64_t* args, [[maybe_unused]] uint32_t* result,
                          std::index_sequence<kIndex...>) {
    if constexpr (kHasResult) {
      *result =
          static_cast<uint32_t>((context.*kMethod)(memory, static_cast<Params>(args[kIndex])...));
    } else {
      (context.*kMethod)(memory, static_cast<Params>(args[kIndex])...);
    }
    return context.exit_code().has_value() ? Outcome::kExited : Outcome::kReturned;
  }
};

enum class ResultKind { Code, None };

template <auto kMethod, size_t kCount>
constexpr bool Matches(ResultKind result, const std::array<ParamType, kCount>& params) {
  using Bound = Binding<kMethod>;
  if (Bound::kHasResult != (result == ResultKind::Code)) return false;
  if (Bound::kParams.size() != kCount) return false;
  for (size_t i = 0; i < kCount; ++i) {
    if (Bound::kParams[i] != params[i]) return false;
  }
  return true;
}

template <typename... Types>
constexpr std::array<ParamType, sizeof...(Types)> ParamList(Types... types) {
  return {types...};
}

constexpr ParamType I32 = ParamType::kI32;
constexpr ParamType I64 = ParamType::kI64;

#define GANTRY_WASI_FUNCTION(name, method, result, params)                       \
  static_assert(Matches<&Context::method>(ResultKind::result, ParamList params), \
                "functions.inc and Context disagree about " name);
#include "wasi/functions.inc"
#undef GANTRY_WASI_FUNCTION

constexpr FunctionInfo kFunctions[] = {
#define GANTRY_WASI_FUNCTION(name, method, result, params)                 \
  {name,                                                                   \
   absl::Span<const ParamType>(Binding<&Context::method>::kParams.data(),  \
                               Binding<&Context::method>::kParams.size()), \
   Binding<&Context::method>::kHasResult, &Binding<&Context::method>::Call},
#include "wasi/functions.inc"
#undef GANTRY_WASI_FUNCTION
};

}  // namespace

absl::Span<const FunctionInfo> FunctionTable() { return kFunctions; }

const FunctionInfo* FindFunction(absl::string_view name) {
  for (const FunctionInfo& function : kFunctions) {
    if (function.name == name) return &function;
  }
  return nullptr;
}

}  // namespace gantry::wasi
