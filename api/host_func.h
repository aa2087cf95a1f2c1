// Making host functions from plain C++ callables: the WebAssembly type is derived from the
// callable's signature at compile time, and the call unpacks raw slots without allocation.
//
// Used by Linker::Func; not called directly.
#ifndef GANTRY_API_HOST_FUNC_H_
#define GANTRY_API_HOST_FUNC_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "api/extern.h"
#include "api/store.h"
#include "runtime/val_raw.h"
#include "wasm_translate/types.h"

namespace gantry {

// How a C++ type travels: its WebAssembly type, and the way into and out of a raw slot.
template <typename T>
struct HostValue;

template <>
struct HostValue<int32_t> {
  static wasm::ValType Type() { return wasm::ValType::I32(); }
  static int32_t Load(const runtime::ValRaw& raw) { return raw.i32; }
  static void Store(int32_t value, runtime::ValRaw& raw) { raw = runtime::ValRaw::I32(value); }
};
template <>
struct HostValue<uint32_t> {
  static wasm::ValType Type() { return wasm::ValType::I32(); }
  static uint32_t Load(const runtime::ValRaw& raw) { return raw.u32; }
  static void Store(uint32_t value, runtime::ValRaw& raw) {
    raw = runtime::ValRaw::I32(static_cast<int32_t>(value));
  }
};
template <>
struct HostValue<int64_t> {
  static wasm::ValType Type() { return wasm::ValType::I64(); }
  static int64_t Load(const runtime::ValRaw& raw) { return raw.i64; }
  static void Store(int64_t value, runtime::ValRaw& raw) { raw = runtime::ValRaw::I64(value); }
};
template <>
struct HostValue<uint64_t> {
  static wasm::ValType Type() { return wasm::ValType::I64(); }
  static uint64_t Load(const runtime::ValRaw& raw) { return raw.u64; }
  static void Store(uint64_t value, runtime::ValRaw& raw) {
    raw = runtime::ValRaw::I64(static_cast<int64_t>(value));
  }
};
template <>
struct HostValue<float> {
  static wasm::ValType Type() { return wasm::ValType::F32(); }
  static float Load(const runtime::ValRaw& raw) { return raw.f32(); }
  static void Store(float value, runtime::ValRaw& raw) { raw = runtime::ValRaw::F32(value); }
};
// A vector: its halves, the low one first, as Val has them.
template <>
struct HostValue<std::array<uint64_t, 2>> {
  static wasm::ValType Type() { return wasm::ValType::V128(); }
  static std::array<uint64_t, 2> Load(const runtime::ValRaw& raw) {
    return {raw.words[0], raw.words[1]};
  }
  static void Store(const std::array<uint64_t, 2>& value, runtime::ValRaw& raw) {
    raw = runtime::ValRaw::V128(value[0], value[1]);
  }
};
template <>
struct HostValue<double> {
  static wasm::ValType Type() { return wasm::ValType::F64(); }
  static double Load(const runtime::ValRaw& raw) { return raw.f64(); }
  static void Store(double value, runtime::ValRaw& raw) { raw = runtime::ValRaw::F64(value); }
};

// How a result type travels: which value types it is, and how it is stored.
template <typename R>
struct HostResult {
  static std::vector<wasm::ValType> Types() { return {HostValue<R>::Type()}; }
  static absl::Status Store(R value, runtime::ValRaw* values) {
    HostValue<R>::Store(value, values[0]);
    return absl::OkStatus();
  }
};
template <>
struct HostResult<void> {
  static std::vector<wasm::ValType> Types() { return {}; }
};
template <>
struct HostResult<absl::Status> {
  static std::vector<wasm::ValType> Types() { return {}; }
  static absl::Status Store(absl::Status status, runtime::ValRaw*) { return status; }
};
template <typename... Rs>
struct HostResult<std::tuple<Rs...>> {
  static std::vector<wasm::ValType> Types() { return {HostValue<Rs>::Type()...}; }
  static absl::Status Store(const std::tuple<Rs...>& results, runtime::ValRaw* values) {
    size_t next = 0;
    std::apply([&](const Rs&... result) { (HostValue<Rs>::Store(result, values[next++]), ...); },
               results);
    return absl::OkStatus();
  }
};
template <typename R>
struct HostResult<absl::StatusOr<R>> {
  static std::vector<wasm::ValType> Types() { return HostResult<R>::Types(); }
  static absl::Status Store(absl::StatusOr<R> result, runtime::ValRaw* values) {
    if (!result.ok()) return std::move(result).status();
    return HostResult<R>::Store(*std::move(result), values);
  }
};

namespace api_internal {

template <bool kTakesCaller, typename R, typename... Args>
struct HostFuncParts {
  static FuncType Type() {
    const std::vector<wasm::ValType> params = {HostValue<Args>::Type()...};
    const std::vector<wasm::ValType> results = HostResult<R>::Types();
    return FuncType(absl::MakeConstSpan(params), absl::MakeConstSpan(results));
  }

  template <typename F>
  static Func::RawCallback Wrap(F callable) {
    return [callable = std::move(callable)](Caller& caller,
                                            runtime::ValRaw* values) mutable -> absl::Status {
      return Invoke(callable, caller, values, std::index_sequence_for<Args...>());
    };
  }

 private:
  template <typename F, size_t... kIndex>
  static absl::Status Invoke(F& callable, Caller& caller, runtime::ValRaw* values,
                             std::index_sequence<kIndex...>) {
    auto call = [&]() -> R {
      if constexpr (kTakesCaller) {
        return callable(caller, HostValue<Args>::Load(values[kIndex])...);
      } else {
        (void)caller;
        return callable(HostValue<Args>::Load(values[kIndex])...);
      }
    };
    if constexpr (std::is_void_v<R>) {
      (void)values;
      call();
      return absl::OkStatus();
    } else {
      return HostResult<R>::Store(call(), values);
    }
  }
};

template <typename R, typename... Args>
struct HostFuncSignature : HostFuncParts<false, R, std::decay_t<Args>...> {};
template <typename R, typename... Args>
struct HostFuncSignature<R, Caller&, Args...> : HostFuncParts<true, R, std::decay_t<Args>...> {};

template <typename Member>
struct MemberTraits;
template <typename C, typename R, typename... Args>
struct MemberTraits<R (C::*)(Args...)> : HostFuncSignature<R, Args...> {};
template <typename C, typename R, typename... Args>
struct MemberTraits<R (C::*)(Args...) const> : HostFuncSignature<R, Args...> {};

}  // namespace api_internal

// FuncType of a callable, and the callable as a RawCallback.
template <typename F>
struct HostFuncTraits : api_internal::MemberTraits<decltype(&F::operator())> {};
template <typename R, typename... Args>
struct HostFuncTraits<R (*)(Args...)> : api_internal::HostFuncSignature<R, Args...> {};

}  // namespace gantry

#endif  // GANTRY_API_HOST_FUNC_H_
