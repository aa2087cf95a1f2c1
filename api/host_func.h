// Making host functions from plain C++ callables: the WebAssembly type is derived from the
// callable's signature at compile time, and compiled code calls a function made for the callable,
// which unpacks raw slots without allocation.
//
//   linker.Func("env", "add", [](int32_t a, int32_t b) -> absl::StatusOr<int32_t> {...});
//   ASSIGN_OR_RETURN(Func f, Func::Wrap(store, [](Caller& caller, double x) { return 2 * x; }));
//
// Parameters and results: int32_t, uint32_t, int64_t, uint64_t, float, double,
// std::array<uint64_t, 2> for v128 (the low half first), and std::optional of Func, ExternRef,
// AnyRef and ExnRef, null being nothing. The first parameter may be Caller& or Caller. The result
// may be wrapped in StatusOr, or be Status, void, or a std::tuple of several. The callable is
// copied for each store.
//
// Tested by typed_func_test.
#ifndef GANTRY_API_HOST_FUNC_H_
#define GANTRY_API_HOST_FUNC_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <new>
#include <optional>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "api/extern.h"
#include "api/store.h"
#include "runtime/host_functions.h"
#include "runtime/store.h"
#include "runtime/val_raw.h"
#include "runtime/vm_structs.h"
#include "wasm_translate/types.h"

namespace gantry {

// How a C++ type travels: its WebAssembly type, and the way into and out of a raw slot. Those of
// references need the store (HostReference).
template <typename T>
struct HostValue;

namespace api_internal {

// The same for a reference: into a slot with every check, out of it as a root.
template <typename Ref>
struct HostReference {
  static wasm::ValType Type();
  static std::optional<Ref> Load(gantry::Store& store, const runtime::ValRaw& raw);
  static absl::StatusOr<runtime::ValRaw> ToRaw(gantry::Store& store,
                                               const std::optional<Ref>& value);
};

// Whether T is a std::optional of a reference.
template <typename T>
inline constexpr bool kIsReference = false;
template <>
inline constexpr bool kIsReference<std::optional<Func>> = true;
template <>
inline constexpr bool kIsReference<std::optional<ExternRef>> = true;
template <>
inline constexpr bool kIsReference<std::optional<AnyRef>> = true;
template <>
inline constexpr bool kIsReference<std::optional<ExnRef>> = true;

template <typename T>
wasm::ValType HostTypeOf() {
  if constexpr (kIsReference<T>) {
    return HostReference<typename T::value_type>::Type();
  } else {
    return HostValue<T>::Type();
  }
}
template <typename T>
T LoadHostValue(gantry::Store& store, const runtime::ValRaw& raw) {
  if constexpr (kIsReference<T>) {
    return HostReference<typename T::value_type>::Load(store, raw);
  } else {
    (void)store;
    return HostValue<T>::Load(raw);
  }
}
template <typename T>
absl::Status StoreHostValue(gantry::Store& store, const T& value, runtime::ValRaw& raw) {
  if constexpr (kIsReference<T>) {
    absl::StatusOr<runtime::ValRaw> converted =
        HostReference<typename T::value_type>::ToRaw(store, value);
    if (!converted.ok()) return std::move(converted).status();
    raw = *converted;
  } else {
    (void)store;
    HostValue<T>::Store(value, raw);
  }
  return absl::OkStatus();
}

}  // namespace api_internal

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
  static std::vector<wasm::ValType> Types() { return {api_internal::HostTypeOf<R>()}; }
  static absl::Status Store(gantry::Store& store, const R& value, runtime::ValRaw* values) {
    return api_internal::StoreHostValue(store, value, values[0]);
  }
  static R Load(gantry::Store& store, const runtime::ValRaw* values) {
    return api_internal::LoadHostValue<R>(store, values[0]);
  }
};
template <>
struct HostResult<void> {
  static std::vector<wasm::ValType> Types() { return {}; }
};
template <>
struct HostResult<absl::Status> {
  static std::vector<wasm::ValType> Types() { return {}; }
  static absl::Status Store(gantry::Store&, absl::Status status, runtime::ValRaw*) {
    return status;
  }
};
template <typename... Rs>
struct HostResult<std::tuple<Rs...>> {
  static std::vector<wasm::ValType> Types() { return {api_internal::HostTypeOf<Rs>()...}; }
  static absl::Status Store(gantry::Store& store, const std::tuple<Rs...>& results,
                            runtime::ValRaw* values) {
    return StoreAll(store, results, values, std::index_sequence_for<Rs...>());
  }
  static std::tuple<Rs...> Load(gantry::Store& store, const runtime::ValRaw* values) {
    return LoadAll(store, values, std::index_sequence_for<Rs...>());
  }

 private:
  template <size_t... kIndex>
  static absl::Status StoreAll(gantry::Store& store, const std::tuple<Rs...>& results,
                               runtime::ValRaw* values, std::index_sequence<kIndex...>) {
    (void)store;
    (void)results;
    (void)values;
    absl::Status status;
    (void)((status = api_internal::StoreHostValue(store, std::get<kIndex>(results), values[kIndex]))
               .ok() &&
           ...);
    return status;
  }
  template <size_t... kIndex>
  static std::tuple<Rs...> LoadAll(gantry::Store& store, const runtime::ValRaw* values,
                                   std::index_sequence<kIndex...>) {
    (void)store;
    (void)values;
    // In braces, so that roots are taken in the order of the results.
    return std::tuple<Rs...>{api_internal::LoadHostValue<Rs>(store, values[kIndex])...};
  }
};
template <typename R>
struct HostResult<absl::StatusOr<R>> {
  static std::vector<wasm::ValType> Types() { return HostResult<R>::Types(); }
  static absl::Status Store(gantry::Store& store, absl::StatusOr<R> result,
                            runtime::ValRaw* values) {
    if (!result.ok()) return std::move(result).status();
    return HostResult<R>::Store(store, *result, values);
  }
};

namespace api_internal {

// A host function before it is put into a store. The owner is that store.
struct HostFuncCode {
  runtime::HostCode runtime;
};

// A callable as one store has it.
template <typename F>
struct HostFuncData {
  HostFuncData(const F& of, void* owner)
      : store(static_cast<gantry::Store*>(owner)), callable(of) {}

  gantry::Store* const store;
  F callable;
};

enum class TakesCaller { kNo, kByReference, kByValue };

template <typename... Args>
FuncType FuncTypeOf(const std::vector<wasm::ValType>& results) {
  const std::vector<wasm::ValType> params = {HostTypeOf<Args>()...};
  return FuncType(absl::MakeConstSpan(params), absl::MakeConstSpan(results));
}

template <TakesCaller kTakesCaller, typename R, typename... Args>
struct HostFuncParts {
  static FuncType Type() { return FuncTypeOf<Args...>(HostResult<R>::Types()); }

  template <typename F>
  static HostFuncCode Code(F callable) {
    return {runtime::HostCode::For<HostFuncData<F>>(&Call<F>, std::move(callable))};
  }

 private:
  template <typename F>
  static runtime::HostOutcome Call(runtime::VMHostFuncContext* context,
                                   runtime::VMContext* caller_vmctx, runtime::ValRaw* values) {
    return runtime::Store::RunHostCall(context, values, [&] {
      auto& data = *static_cast<HostFuncData<F>*>(context->data);
      Caller caller(*data.store, caller_vmctx);
      return Invoke(data.callable, caller, values, std::index_sequence_for<Args...>());
    });
  }

  template <typename F, size_t... kIndex>
  static absl::Status Invoke(F& callable, Caller& caller, runtime::ValRaw* values,
                             std::index_sequence<kIndex...>) {
    const auto call = [&]() -> R {
      gantry::Store& store = caller.store();
      (void)store;
      if constexpr (kTakesCaller != TakesCaller::kNo) {
        return callable(caller, LoadHostValue<Args>(store, values[kIndex])...);
      } else {
        return callable(LoadHostValue<Args>(store, values[kIndex])...);
      }
    };
    if constexpr (std::is_void_v<R>) {
      (void)values;
      call();
      return absl::OkStatus();
    } else {
      return HostResult<R>::Store(caller.store(), call(), values);
    }
  }
};

template <typename R, typename... Args>
struct HostFuncSignature : HostFuncParts<TakesCaller::kNo, R, std::decay_t<Args>...> {};
template <typename R, typename... Args>
struct HostFuncSignature<R, Caller&, Args...>
    : HostFuncParts<TakesCaller::kByReference, R, std::decay_t<Args>...> {};
template <typename R, typename... Args>
struct HostFuncSignature<R, Caller, Args...>
    : HostFuncParts<TakesCaller::kByValue, R, std::decay_t<Args>...> {};

template <typename Member>
struct MemberTraits;
template <typename C, typename R, typename... Args>
struct MemberTraits<R (C::*)(Args...)> : HostFuncSignature<R, Args...> {};
template <typename C, typename R, typename... Args>
struct MemberTraits<R (C::*)(Args...) const> : HostFuncSignature<R, Args...> {};
template <typename C, typename R, typename... Args>
struct MemberTraits<R (C::*)(Args...) noexcept> : HostFuncSignature<R, Args...> {};
template <typename C, typename R, typename... Args>
struct MemberTraits<R (C::*)(Args...) const noexcept> : HostFuncSignature<R, Args...> {};

}  // namespace api_internal

// FuncType of a callable, and the code that calls it.
template <typename F>
struct HostFuncTraits : api_internal::MemberTraits<decltype(&F::operator())> {};
template <typename R, typename... Args>
struct HostFuncTraits<R (*)(Args...)> : api_internal::HostFuncSignature<R, Args...> {};
template <typename R, typename... Args>
struct HostFuncTraits<R (*)(Args...) noexcept> : api_internal::HostFuncSignature<R, Args...> {};

template <typename F>
absl::StatusOr<Func> Func::Wrap(Store& store, F callable) {
  try {
    return CreateFromCode(store, HostFuncTraits<F>::Type(),
                          HostFuncTraits<F>::Code(std::move(callable)));
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory");
  }
}

}  // namespace gantry

#endif  // GANTRY_API_HOST_FUNC_H_
