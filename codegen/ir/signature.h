// Signature: what a call passes and returns, and by which convention.
//
//   Signature signature(CallConv::kWasm);
//   signature.params = {{Type::kI64, ArgPurpose::kVmctx}, {Type::kI32}};
//   signature.returns = {{Type::kI32}};
#ifndef GANTRY_CODEGEN_IR_SIGNATURE_H_
#define GANTRY_CODEGEN_IR_SIGNATURE_H_

#include <cstdint>
#include <optional>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "codegen/ir/types.h"

namespace gantry::codegen {

enum class CallConv : uint8_t {
  kWasm,     // docs/abi.md; the only one with tail calls, callee pops its stack arguments.
  kSystemV,  // The C convention of x86-64 Unix.
};

// What a parameter is for. All but kNormal have places of their own in the convention.
enum class ArgPurpose : uint8_t {
  kNormal,
  kVmctx,        // The callee's VMContext.
  kCallerVmctx,  // The caller's; set at calls only, a body does not read it.
  kResultArea,   // Address of the area for results that fit no register.
};

struct AbiParam {
  Type type = Type::kInvalid;
  ArgPurpose purpose = ArgPurpose::kNormal;

  AbiParam() = default;
  // NOLINTNEXTLINE(google-explicit-constructor): lists of types read well.
  AbiParam(Type type, ArgPurpose purpose = ArgPurpose::kNormal) : type(type), purpose(purpose) {}

  friend bool operator==(const AbiParam&, const AbiParam&) = default;
  template <typename H>
  friend H AbslHashValue(H state, const AbiParam& p) {
    return H::combine(std::move(state), p.type, p.purpose);
  }
};

struct Signature {
  using ParamList = absl::InlinedVector<AbiParam, 12>;

  CallConv call_conv = CallConv::kWasm;
  ParamList params;
  ParamList returns;

  Signature() = default;
  explicit Signature(CallConv call_conv) : call_conv(call_conv) {}

  // Position of the first parameter of that purpose.
  std::optional<size_t> ParamWithPurpose(ArgPurpose purpose) const {
    for (size_t i = 0; i < params.size(); ++i) {
      if (params[i].purpose == purpose) return i;
    }
    return std::nullopt;
  }
  // Keeps the memory.
  void Clear() {
    call_conv = CallConv::kWasm;
    params.clear();
    returns.clear();
  }

  friend bool operator==(const Signature& a, const Signature& b) {
    return a.call_conv == b.call_conv && a.params == b.params && a.returns == b.returns;
  }
  template <typename H>
  friend H AbslHashValue(H state, const Signature& s) {
    return H::combine(std::move(state), s.call_conv, s.params, s.returns);
  }
};

constexpr const char* CallConvName(CallConv call_conv) {
  return call_conv == CallConv::kWasm ? "wasm" : "system_v";
}
inline std::optional<CallConv> CallConvFromName(absl::string_view name) {
  if (name == "wasm") return CallConv::kWasm;
  if (name == "system_v") return CallConv::kSystemV;
  return std::nullopt;
}
constexpr const char* ArgPurposeName(ArgPurpose purpose) {
  switch (purpose) {
    case ArgPurpose::kNormal:
      return "normal";
    case ArgPurpose::kVmctx:
      return "vmctx";
    case ArgPurpose::kCallerVmctx:
      return "caller_vmctx";
    case ArgPurpose::kResultArea:
      return "result_area";
  }
  return "normal";
}
inline std::optional<ArgPurpose> ArgPurposeFromName(absl::string_view name) {
  for (ArgPurpose purpose : {ArgPurpose::kNormal, ArgPurpose::kVmctx, ArgPurpose::kCallerVmctx,
                             ArgPurpose::kResultArea}) {
    if (name == ArgPurposeName(purpose)) return purpose;
  }
  return std::nullopt;
}

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_IR_SIGNATURE_H_
