// Why a guest was stopped: the meaning of the numbers that `codegen::TrapCode`, trap tables
// of artifacts and `VMStoreContext` carry.
//
//   absl::string_view text = TrapMessage(TrapCode::kIntegerDivideByZero);
//   // "integer divide by zero"
//
// One table: a code, its name for diagnostics of the compiler, and its message in the words
// of the official test scripts (which hold a prefix of it). The number 0 is no trap, so that
// it can stand for "cannot trap". Numbers are part of artifacts: append, never renumber.
#ifndef GANTRY_ENVIRON_CORE_TRAP_CODE_H_
#define GANTRY_ENVIRON_CORE_TRAP_CODE_H_

#include <cstdint>
#include <optional>
#include <ostream>

#include "absl/strings/string_view.h"

namespace gantry::environ {

// X(enumerator, number, name, message)
#define GANTRY_TRAP_CODES(X)                                                              \
  X(kUnreachable, 1, "unreachable", "unreachable")                                        \
  X(kMemoryOutOfBounds, 2, "heap_oob", "out of bounds memory access")                     \
  X(kUnalignedAtomic, 3, "unaligned_atomic", "unaligned atomic")                          \
  X(kTableOutOfBounds, 4, "table_oob", "out of bounds table access")                      \
  X(kUndefinedElement, 5, "undef_elem", "undefined element")                              \
  X(kUninitializedElement, 6, "uninit_elem", "uninitialized element")                     \
  X(kIndirectCallTypeMismatch, 7, "bad_sig", "indirect call type mismatch")               \
  X(kIntegerOverflow, 8, "int_ovf", "integer overflow")                                   \
  X(kIntegerDivideByZero, 9, "int_divz", "integer divide by zero")                        \
  X(kInvalidConversionToInteger, 10, "bad_toint", "invalid conversion to integer")        \
  X(kCallStackExhausted, 11, "stk_ovf", "call stack exhausted")                           \
  X(kOutOfFuel, 12, "out_of_fuel", "all fuel consumed")                                   \
  X(kInterrupt, 13, "interrupt", "interrupt")                                             \
  X(kNullReference, 14, "null_ref", "null reference")                                     \
  X(kNullFunctionReference, 15, "null_func", "null function reference")                   \
  X(kCastFailure, 16, "cast", "cast failure")                                             \
  X(kArrayOutOfBounds, 17, "array_oob", "out of bounds array access")                     \
  X(kUncaughtException, 18, "uncaught", "unhandled exception")                            \
  X(kExpectedSharedMemory, 19, "not_shared", "expected shared memory")                    \
  X(kHostError, 20, "host_error", "host function failed")                                 \
  X(kOutOfMemory, 21, "oom", "the host is out of memory")                                 \
  X(kCannotCompile, 22, "cannot_compile", "function uses what this compiler cannot make") \
  X(kNullI31Reference, 23, "null_i31", "null i31 reference")

enum class TrapCode : uint8_t {
#define GANTRY_X(enumerator, number, name, message) enumerator = number,
  GANTRY_TRAP_CODES(GANTRY_X)
#undef GANTRY_X
};

// Short name, as the compiler's text forms print it. "trap<N>" is what they print for a
// number outside the table; this returns "?" for it.
absl::string_view TrapName(TrapCode code);

// Message for a person, beginning with the words of the official scripts.
absl::string_view TrapMessage(TrapCode code);

// The code with this number; nothing where the table has none (a damaged artifact).
std::optional<TrapCode> TrapCodeFromNumber(uint8_t number);

// The code with this name; nothing where there is none.
std::optional<TrapCode> TrapCodeFromName(absl::string_view name);

std::ostream& operator<<(std::ostream& out, TrapCode code);

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CORE_TRAP_CODE_H_
