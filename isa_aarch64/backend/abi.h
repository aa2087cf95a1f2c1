// Where arguments and results of a call are, under each calling convention (docs/abi.md).
//
//   AbiSignature abi;
//   RETURN_IF_ERROR(abi.Assign(signature));
//   abi.params()[0].reg   // a register, or none: then at `offset` among the stack arguments
#ifndef GANTRY_ISA_AARCH64_BACKEND_ABI_H_
#define GANTRY_ISA_AARCH64_BACKEND_ABI_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "codegen/ir/signature.h"
#include "codegen/regalloc/interface.h"
#include "codegen/regalloc/reg.h"
#include "isa_aarch64/wasm_abi.h"

namespace gantry::aarch64 {

constexpr codegen::PReg IntReg(uint8_t encoding) {
  return codegen::PReg(codegen::RegClass::kInt, encoding);
}
constexpr codegen::PReg VectorReg(uint8_t encoding) {
  return codegen::PReg(codegen::RegClass::kVector, encoding);
}

// x19 to x28, the same under both conventions.
codegen::PRegSet CalleeSavedSet();
// What a call may change.
codegen::PRegSet CallClobbers();

// Holds the fuel where that is counted, and is not allocated then.
inline constexpr codegen::PReg kFuelRegister = IntReg(28);

// The registers as the allocator sees them; `fuel_register`: without kFuelRegister.
const codegen::regalloc::MachineEnv& MachineEnvironment(bool fuel_register);

// The place of one argument or result.
struct ValuePlace {
  codegen::Type type = codegen::Type::kInvalid;
  // None if it is in memory.
  codegen::PReg reg;
  // From the start of the stack arguments, or of the result area.
  uint32_t offset = 0;
};

class AbiSignature {
 public:
  // Replaces the former content. kUnimplemented where the convention can't do it,
  // kResourceExhausted for more arguments than an instruction can address.
  absl::Status Assign(const codegen::Signature& signature);

  absl::Span<const ValuePlace> params() const { return params_; }
  absl::Span<const ValuePlace> returns() const { return returns_; }
  // Bytes of stack arguments, a multiple of 16.
  uint32_t stack_bytes() const { return stack_bytes_; }
  // Whether the callee takes them off the stack.
  bool callee_pops() const { return callee_pops_; }
  // Bytes of the result area, a multiple of 16; 0 if all results are in registers.
  uint32_t result_area_bytes() const { return result_area_bytes_; }
  // The register that its address is passed in.
  codegen::PReg result_area_reg() const { return result_area_reg_; }

 private:
  absl::Status AssignC(const codegen::Signature& signature);
  void AssignWasm(const codegen::Signature& signature);

  std::vector<AbiValue> values_;
  std::vector<AbiPlace> places_;
  std::vector<ValuePlace> params_;
  std::vector<ValuePlace> returns_;
  uint32_t stack_bytes_ = 0;
  uint32_t result_area_bytes_ = 0;
  codegen::PReg result_area_reg_;
  bool callee_pops_ = false;
};

}  // namespace gantry::aarch64

#endif  // GANTRY_ISA_AARCH64_BACKEND_ABI_H_
