#include "absl/container/inlined_vector.h"
#include "cranelift_shared/linked_isas.h"
#include "environ/core/vm_offsets.h"
#include "isa_aarch64/asm/branch_protection.h"
#include "isa_aarch64/asm/label_kinds.h"
#include "isa_aarch64/backend/isa.h"
#include "isa_aarch64/disassemble.h"
#include "isa_aarch64/trampolines.h"
#include "isa_aarch64/wasm_abi.h"

namespace gantry::cranelift {
namespace {

using environ::VMContextOffsets;
using environ::VMHostFuncContextOffsets;
using environ::VMStoreContextOffsets;

using AbiValues = absl::InlinedVector<aarch64::AbiValue, 16>;

AbiValues ToAbiValues(absl::Span<const AbiShape> shapes) {
  AbiValues values;
  for (const AbiShape& shape : shapes) {
    values.push_back(
        {shape.is_vector ? aarch64::AbiClass::kVector : aarch64::AbiClass::kInt, shape.bytes});
  }
  return values;
}

aarch64::TrampolineLayout Layout(const codegen::TargetIsa& target, bool keeps_fuel) {
  return {
      .last_entry_pc = VMStoreContextOffsets::kLastEntryPc,
      .last_entry_sp = VMStoreContextOffsets::kLastEntrySp,
      .last_entry_fp = VMStoreContextOffsets::kLastEntryFp,
      .last_exit_pc = VMStoreContextOffsets::kLastExitPc,
      .last_exit_fp = VMStoreContextOffsets::kLastExitFp,
      .store = VMContextOffsets::kStore,
      .builtins = VMContextOffsets::kBuiltins,
      .host_call = VMHostFuncContextOffsets::kHostCall,
      .store_builtins = VMStoreContextOffsets::kBuiltins,
      .fuel = VMStoreContextOffsets::kFuel,
      .entry_mark = environ::kEntryMark,
      .keeps_fuel = keeps_fuel,
      .protection = aarch64::BranchProtection::Of(
          [&](const char* flag) { return target.isa_flags().Get(flag) == "true"; }),
  };
}
// Trampolines and C++ have to agree on the arrays that values cross in.
static_assert(aarch64::kValRawBytes == environ::kValRawSize);

class AArch64 : public LinkedIsa {
 public:
  absl::string_view name() const override { return "aarch64"; }
  absl::string_view architecture() const override { return "aarch64"; }
  absl::string_view default_triple() const override { return "aarch64-unknown-linux-gnu"; }
  std::unique_ptr<codegen::IsaBuilder> NewBuilder() const override {
    return aarch64::MakeIsaBuilder();
  }
  const codegen::LabelKindTable& label_kinds() const override { return aarch64::kLabelKinds; }
  std::string Disassemble(absl::Span<const uint8_t> code) const override {
    return aarch64::Disassemble(code);
  }

  void EmitEntryTrampoline(const codegen::TargetIsa& target, const AbiSignature& signature,
                           bool fuel, codegen::MachBuffer& buffer, codegen::FrameInfo* frame,
                           codegen::UnwindInfo* unwind) const override {
    *frame = codegen::FrameInfo();
    const AbiValues params = ToAbiValues(signature.params);
    const AbiValues results = ToAbiValues(signature.results);
    aarch64::EmitEntryTrampoline({params, results}, Layout(target, fuel), buffer, unwind);
  }
  void EmitExitTrampoline(const codegen::TargetIsa& target, const AbiSignature& signature,
                          bool fuel, codegen::MachBuffer& buffer, codegen::FrameInfo* frame,
                          codegen::UnwindInfo* unwind) const override {
    *frame = codegen::FrameInfo();
    const AbiValues params = ToAbiValues(signature.params);
    const AbiValues results = ToAbiValues(signature.results);
    aarch64::EmitExitTrampoline({params, results}, Layout(target, fuel), buffer, unwind);
  }
  void EmitBuiltinShim(const codegen::TargetIsa& target, environ::Builtin builtin, bool fuel,
                       codegen::MachBuffer& buffer, codegen::FrameInfo* frame,
                       codegen::UnwindInfo* unwind) const override {
    *frame = codegen::FrameInfo();
    const environ::BuiltinInfo& info = environ::GetBuiltinInfo(builtin);
    const uint32_t index = static_cast<uint32_t>(builtin);
    if (info.is_cold()) {
      return aarch64::EmitColdShim(index, info.has_context(), Layout(target, fuel), buffer, unwind);
    }
    aarch64::EmitBuiltinShim(index, info.fallible, Layout(target, fuel), buffer, unwind);
  }
};

}  // namespace

const LinkedIsa* AArch64Isa() {
  static const AArch64* const isa = new AArch64();
  return isa;
}

}  // namespace gantry::cranelift
