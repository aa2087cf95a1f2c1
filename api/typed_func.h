// TypedFunc: a function whose type was checked once, so that a call costs little more than an
// indirect call of C++ and an entry into WebAssembly.
//
//   ASSIGN_OR_RETURN(TypedFunc<int32_t(int32_t, int32_t)> add,
//                    instance.GetTypedFunc<int32_t(int32_t, int32_t)>(store, "add"));
//   ASSIGN_OR_RETURN(int32_t sum, add.Call(store, 1, 2));
//
// Types of parameters and results are those of host functions (api/host_func.h); several results
// are a std::tuple, none is void. Up to five integers and eight floats with at most one result go
// in registers, from the caller's to those of the compiled function; other signatures through an
// array, without a check or an allocation.
#ifndef GANTRY_API_TYPED_FUNC_H_
#define GANTRY_API_TYPED_FUNC_H_

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <new>
#include <tuple>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/base/optimization.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "api/async.h"
#include "api/extern.h"
#include "api/host_func.h"
#include "api/store.h"
#include "runtime/direct_entry.h"
#include "runtime/store.h"
#include "runtime/val_raw.h"

namespace gantry {

namespace api_internal {

// Whether a function is of the store and exactly of the type. Error: kInvalidArgument naming both.
absl::Status CheckFuncType(Store& store, const Func& func, const FuncType& expected);
absl::Status FuncOfAnotherStore();

template <typename T>
inline constexpr bool kIsInt = std::is_integral_v<T>;
template <typename T>
inline constexpr bool kIsFloat = std::is_floating_point_v<T>;

// The full register of an integer argument, i32 zero-extended; 0 for a float.
template <typename T>
uint64_t IntRegister(T value) {
  if constexpr (kIsInt<T>) {
    return static_cast<std::make_unsigned_t<T>>(value);
  } else {
    return 0;
  }
}
// A float as a tuple of one, an integer as an empty one.
template <typename T>
auto FloatPart(T value) {
  if constexpr (kIsFloat<T>) {
    return std::tuple<T>(value);
  } else {
    return std::tuple<>();
  }
}

template <typename R>
R FromRegister(const runtime::host_arch::IntOutcome& outcome) {
  return static_cast<R>(outcome.value);
}
template <typename R>
R FromRegister(const runtime::host_arch::FloatOutcome& outcome) {
  if constexpr (std::is_same_v<R, float>) {
    return std::bit_cast<float>(static_cast<uint32_t>(std::bit_cast<uint64_t>(outcome.value)));
  } else {
    return outcome.value;
  }
}

}  // namespace api_internal

template <typename R, typename... Args>
class TypedFunc<R(Args...)> {
 public:
  // absl::Status, or absl::StatusOr of the result.
  using Result = std::conditional_t<std::is_void_v<R>, absl::Status,
                                    absl::StatusOr<std::conditional_t<std::is_void_v<R>, int, R>>>;

  // Errors: kInvalidArgument where the function is of another store, or not exactly of the type
  // (says both).
  static absl::StatusOr<TypedFunc> Create(Store& store, const Func& func) {
    try {
      absl::Status status = api_internal::CheckFuncType(
          store, func, api_internal::FuncTypeOf<Args...>(HostResult<R>::Types()));
      if (!status.ok()) return status;
      return TypedFunc(func);
    } catch (const std::bad_alloc&) {
      return absl::ResourceExhaustedError("out of memory");
    }
  }

  // Errors: a trap, or that of a host function; kInvalidArgument for another store's reference or
  // where `store` is not the function's.
  Result Call(Store& store, Args... args) const {
    if (ABSL_PREDICT_FALSE(store.id() != func_.store_id())) {
      return api_internal::FuncOfAnotherStore();
    }
    if constexpr (kDirect) {
      return CallDirectly(store, args...);
    } else {
      return CallByArray(store, args...);
    }
  }

  // The same on a stack of its own, to be awaited or driven: api/async.h.
  AsyncCall<Result> CallAsync(Store& store, Args... args) const {
    return RunAsync(store, [func = *this, &store, args...] { return func.Call(store, args...); });
  }

  const Func& func() const { return func_; }

 private:
  explicit TypedFunc(const Func& func) : func_(func) {}

  static constexpr size_t kInts = (size_t{0} + ... + size_t{api_internal::kIsInt<Args>});
  static constexpr size_t kFloats = (size_t{0} + ... + size_t{api_internal::kIsFloat<Args>});
  static constexpr bool kDirect =
      runtime::host_arch::kHasDirectEntry && kInts + kFloats == sizeof...(Args) &&
      kInts <= runtime::host_arch::kMaxDirectInts &&
      kFloats <= runtime::host_arch::kMaxDirectFloats &&
      (std::is_void_v<R> || api_internal::kIsInt<R> || api_internal::kIsFloat<R>);

  Result CallDirectly(Store& store, Args... args) const {
    namespace host_arch = runtime::host_arch;
    using Outcome = std::conditional_t<api_internal::kIsFloat<R>, host_arch::FloatOutcome,
                                       host_arch::IntOutcome>;
    const void* const address = api_internal::kIsFloat<R> ? host_arch::EntryReturningFloat()
                                                          : host_arch::EntryReturningInt();
    uint64_t ints[host_arch::kMaxDirectInts] = {};
    size_t next = 0;
    ((api_internal::kIsInt<Args> ? void(ints[next++] = api_internal::IntRegister(args)) : void()),
     ...);
    constexpr const auto& kOrder = host_arch::kDirectIntOrder;
    Outcome outcome{};
    absl::Status status = store.runtime().EnterWith([&] {
      outcome = std::apply(
          [&](auto... floats) {
            using Entry = Outcome (*)(const runtime::VMFuncRef*, uint64_t, uint64_t, uint64_t,
                                      uint64_t, uint64_t, decltype(floats)...);
            const auto enter = reinterpret_cast<Entry>(reinterpret_cast<uintptr_t>(address));
            return enter(func_.raw(), ints[kOrder[0]], ints[kOrder[1]], ints[kOrder[2]],
                         ints[kOrder[3]], ints[kOrder[4]], floats...);
          },
          std::tuple_cat(api_internal::FloatPart(args)...));
      return outcome.trapped != 0;
    });
    if constexpr (std::is_void_v<R>) {
      return status;
    } else {
      if (ABSL_PREDICT_FALSE(!status.ok())) return status;
      return api_internal::FromRegister<R>(outcome);
    }
  }

  Result CallByArray(Store& store, const Args&... args) const {
    try {
      // More than there are of either, and at least one.
      runtime::ValRaw values[1 + std::max(sizeof...(Args), kResults)];
      size_t next = 0;
      absl::Status status;
      (void)((status = api_internal::StoreHostValue(store, args, values[next++])).ok() && ...);
      if (!status.ok()) return status;
      status = store.runtime().Call(func_.raw(), values);
      if constexpr (std::is_void_v<R>) {
        return status;
      } else {
        if (!status.ok()) return status;
        return HostResult<R>::Load(store, values);
      }
    } catch (const std::bad_alloc&) {
      return absl::ResourceExhaustedError("out of memory");
    }
  }

  template <typename T>
  struct CountOf : std::integral_constant<size_t, 1> {};
  template <typename... Rs>
  struct CountOf<std::tuple<Rs...>> : std::integral_constant<size_t, sizeof...(Rs)> {};
  static constexpr size_t kResults = CountOf<R>::value;

  Func func_;
};

template <typename Signature>
absl::StatusOr<TypedFunc<Signature>> Func::Typed(Store& store) const {
  return TypedFunc<Signature>::Create(store, *this);
}

}  // namespace gantry

#endif  // GANTRY_API_TYPED_FUNC_H_
