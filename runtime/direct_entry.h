// Direct entries: calls of compiled functions from C++ with arguments and result in registers, for
// any signature with few of them, without an array of values between and without code for each
// signature. An entry does what an entry trampoline does (docs/abi.md) but for the array.
//
//   using Entry = host_arch::IntOutcome (*)(const VMFuncRef*, uint64_t, ..., double, float);
//
// A platform has them or not (kHasDirectEntry); everything else enters through the trampolines
// of the function's module. Tests: tests/runtime/native_test, api/typed_func_test.
#ifndef GANTRY_RUNTIME_DIRECT_ENTRY_H_
#define GANTRY_RUNTIME_DIRECT_ENTRY_H_

#include <cstddef>
#include <cstdint>

namespace gantry::runtime::host_arch {

// What an entry returns: the result, which is good where `trapped` is 0. A function without
// results is entered like one with an integer.
struct IntOutcome {
  uint64_t value;
  uint64_t trapped;
};
// The bits of a float are in the low half.
struct FloatOutcome {
  double value;
  uint64_t trapped;
};

// Integers (and references) and floats that arguments may have, each counted alone.
inline constexpr size_t kMaxDirectInts = 5;
inline constexpr size_t kMaxDirectFloats = 8;

#if defined(__x86_64__)
inline constexpr bool kHasDirectEntry = true;

extern "C" {
// Entries for functions with an integer result or none, and with a float. To be called as C
// functions of the function reference, five integers in the order of kDirectIntOrder (i32
// zero-extended; any value where the signature has fewer), and the floats in their order.
void gantry_enter_returning_int();
void gantry_enter_returning_float();
}

// Which of the function's integer arguments is the entry's first, second, ... integer. The
// registers of the two conventions then are the same for all but the first.
inline constexpr size_t kDirectIntOrder[kMaxDirectInts] = {0, 2, 1, 3, 4};

inline const void* EntryReturningInt() {
  return reinterpret_cast<const void*>(&gantry_enter_returning_int);
}
inline const void* EntryReturningFloat() {
  return reinterpret_cast<const void*>(&gantry_enter_returning_float);
}
#else
inline constexpr bool kHasDirectEntry = false;
inline constexpr size_t kDirectIntOrder[kMaxDirectInts] = {0, 1, 2, 3, 4};
inline const void* EntryReturningInt() { return nullptr; }
inline const void* EntryReturningFloat() { return nullptr; }
#endif

// Whether an address is in the code of a direct entry, for those who unwind the stack.
bool InDirectEntry(uintptr_t pc);

}  // namespace gantry::runtime::host_arch

#endif  // GANTRY_RUNTIME_DIRECT_ENTRY_H_
