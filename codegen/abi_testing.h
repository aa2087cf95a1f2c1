// Signatures and values for holding compilers and trampolines to docs/abi.md, and what
// hand-assembled functions of an ISA (its wasm_abi_testing.h) and their tests agree on.
#ifndef GANTRY_CODEGEN_ABI_TESTING_H_
#define GANTRY_CODEGEN_ABI_TESTING_H_

#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "codegen/abi_places.h"

namespace gantry::codegen::testing {

struct AbiTestSignature {
  std::vector<AbiValue> params;
  std::vector<AbiValue> results;
  std::string ToString() const;
};

// 0 to `max_values` parameters and results, each of any class and size; `vectors`: also of 16
// bytes.
AbiTestSignature RandomAbiSignature(std::mt19937_64& random, uint32_t max_values = 40,
                                    bool vectors = true);

// A value in an array: as runtime::ValRaw.
struct alignas(16) AbiTestValue {
  uint64_t low = 0;
  uint64_t high = 0;
  friend bool operator==(const AbiTestValue&, const AbiTestValue&) = default;
};

// Random bits where a value of the type has them, zero elsewhere.
std::vector<AbiTestValue> RandomAbiValues(absl::Span<const AbiValue> types,
                                          std::mt19937_64& random);
// `value` without what its type does not cover. With `integers_extended`, the upper half of a
// 4-byte integer stays, so that a missing zero-extension shows.
AbiTestValue MaskAbiValue(AbiValue type, AbiTestValue value, bool integers_extended);

// What a recording callee or a tail caller has as its callee context. The pointer to the
// store stands where a VMContext has it.
struct AbiTestContext {
  uint64_t magic = 0;
  void* store = nullptr;
  void* builtins = nullptr;
  // In: results to return. Out: arguments received, as whole slots.
  const AbiTestValue* results = nullptr;
  AbiTestValue* arguments = nullptr;
  // Out: how often it was called, the caller's context it saw, rules broken (kBroken*).
  uint64_t calls = 0;
  uint64_t caller = 0;
  uint64_t broken = 0;
  // For tail callers: what to call, with which context and arguments.
  const void* tail_code = nullptr;
  AbiTestContext* tail_context = nullptr;
  const AbiTestValue* tail_arguments = nullptr;
};

// What a checking caller is given.
struct AbiTestCall {
  const void* code = nullptr;
  const void* vmctx = nullptr;
  const void* caller_vmctx = nullptr;
  const AbiTestValue* arguments = nullptr;
  AbiTestValue* results = nullptr;  // Out: whole slots.
};

inline constexpr uint64_t kBrokenAlignment =
    1;  // The stack pointer is no multiple of 16 at the call.
inline constexpr uint64_t kBrokenCalleeSaved = 2;   // A callee-saved register changed.
inline constexpr uint64_t kBrokenStackPointer = 4;  // Arguments not popped exactly.

}  // namespace gantry::codegen::testing

#endif  // GANTRY_CODEGEN_ABI_TESTING_H_
