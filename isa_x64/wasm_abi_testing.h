// Hand-assembled functions of the wasm convention, for holding a compiler to docs/abi.md: a
// callee that records what it is given and returns what it is told, a caller that checks
// what the callee did to the machine, and a function that tail-calls another. Their code is
// written from the ABI alone and checks every register that the ABI speaks of.
//
//   AbiTestSignature signature = RandomAbiSignature(random);
//   NativeCode callee([&](MachBuffer& b) { EmitRecordingCallee(signature, b); });
//   AbiTestContext context = ...;
//   // Give callee.entry() and &context to compiled code as code and callee context.
#ifndef GANTRY_ISA_X64_WASM_ABI_TESTING_H_
#define GANTRY_ISA_X64_WASM_ABI_TESTING_H_

#include <cstddef>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "codegen/mach_buffer.h"
#include "isa_x64/wasm_abi.h"

namespace gantry::x64::testing {

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

inline constexpr uint64_t kBrokenAlignment = 1;     // rsp not a multiple of 16 at the call.
inline constexpr uint64_t kBrokenCalleeSaved = 2;   // A callee-saved register changed.
inline constexpr uint64_t kBrokenStackPointer = 4;  // Arguments not popped exactly.

// A wasm function of `signature` whose context is an AbiTestContext: stores its arguments
// there, overwrites every register that a callee may overwrite, returns the results.
void EmitRecordingCallee(const AbiTestSignature& signature, codegen::MachBuffer& buffer);

// A wasm function of `signature` that tail-calls a function with parameters `tail_params` and
// the same results, as its AbiTestContext says. It also records its own arguments.
void EmitTailCaller(const AbiTestSignature& signature, absl::Span<const AbiValue> tail_params,
                    codegen::MachBuffer& buffer);

// uint64_t caller(const AbiTestCall*), C convention: calls a wasm function of `signature` with
// known values in all callee-saved registers and junk wherever the ABI leaves bits open;
// returns the rules broken.
void EmitCheckingCaller(const AbiTestSignature& signature, codegen::MachBuffer& buffer);

// Finished code in executable memory.
class NativeCode {
 public:
  explicit NativeCode(absl::FunctionRef<void(codegen::MachBuffer&)> emit);
  explicit NativeCode(absl::Span<const uint8_t> bytes) { Map(bytes); }
  ~NativeCode();
  NativeCode(const NativeCode&) = delete;
  NativeCode& operator=(const NativeCode&) = delete;

  const void* entry() const { return memory_; }
  template <typename Function>
  Function* As() const {
    return reinterpret_cast<Function*>(memory_);
  }

 private:
  void Map(absl::Span<const uint8_t> bytes);

  void* memory_;
  size_t size_;
};

}  // namespace gantry::x64::testing

#endif  // GANTRY_ISA_X64_WASM_ABI_TESTING_H_
