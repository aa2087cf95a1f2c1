// Hand-assembled functions of the wasm convention, for holding a compiler to docs/abi.md: a
// callee that records what it is given and returns what it is told, a caller that checks
// what the callee did to the machine, and a function that tail-calls another. Their code is
// written from the ABI alone and checks every register that the ABI speaks of.
//
//   AbiTestSignature signature = RandomAbiSignature(random);
//   NativeCode callee([&](MachBuffer& b) { EmitRecordingCallee(signature, b); });
//   AbiTestContext context = ...;
//   // Give callee.entry() and &context to compiled code as code and callee context.
#ifndef GANTRY_ISA_AARCH64_WASM_ABI_TESTING_H_
#define GANTRY_ISA_AARCH64_WASM_ABI_TESTING_H_

#include <cstddef>
#include <cstdint>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "codegen/abi_testing.h"
#include "codegen/mach_buffer.h"
#include "isa_aarch64/wasm_abi.h"

namespace gantry::aarch64::testing {

using codegen::testing::AbiTestCall;
using codegen::testing::AbiTestContext;
using codegen::testing::AbiTestSignature;
using codegen::testing::AbiTestValue;
using codegen::testing::kBrokenAlignment;
using codegen::testing::kBrokenCalleeSaved;
using codegen::testing::kBrokenStackPointer;
using codegen::testing::MaskAbiValue;
using codegen::testing::RandomAbiSignature;
using codegen::testing::RandomAbiValues;

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

// For mprotect: of code whose indirect branches' targets are marked.
int ProtectionOfMarkedCode();

// Finished code in executable memory.
class NativeCode {
 public:
  // `marks_targets`: indirect branches into it that lead to no landing pad fault, where the host
  // can do that.
  explicit NativeCode(absl::FunctionRef<void(codegen::MachBuffer&)> emit,
                      bool marks_targets = false);
  explicit NativeCode(absl::Span<const uint8_t> bytes) { Map(bytes, false); }
  ~NativeCode();
  NativeCode(const NativeCode&) = delete;
  NativeCode& operator=(const NativeCode&) = delete;

  const void* entry() const { return memory_; }
  template <typename Function>
  Function* As() const {
    return reinterpret_cast<Function*>(memory_);
  }

 private:
  void Map(absl::Span<const uint8_t> bytes, bool marks_targets);

  void* memory_;
  size_t size_;
};

}  // namespace gantry::aarch64::testing

#endif  // GANTRY_ISA_AARCH64_WASM_ABI_TESTING_H_
