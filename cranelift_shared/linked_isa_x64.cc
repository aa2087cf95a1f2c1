#include <iterator>

#include "absl/container/inlined_vector.h"
#include "cranelift_shared/linked_isas.h"
#include "environ/core/vm_offsets.h"
#include "isa_x64/asm/assembler.h"
#include "isa_x64/backend/isa.h"
#include "isa_x64/disassemble.h"
#include "isa_x64/trampolines.h"
#include "isa_x64/wasm_abi.h"

namespace gantry::cranelift {
namespace {

using codegen::CodeOffset;
using codegen::UnwindOp;
using environ::VMContextOffsets;
using environ::VMHostFuncContextOffsets;
using environ::VMStoreContextOffsets;

using AbiValues = absl::InlinedVector<x64::AbiValue, 16>;

AbiValues ToAbiValues(absl::Span<const AbiShape> shapes) {
  AbiValues values;
  for (const AbiShape& shape : shapes) {
    values.push_back({shape.is_vector ? x64::AbiClass::kVector : x64::AbiClass::kInt, shape.bytes});
  }
  return values;
}

constexpr x64::TrampolineLayout Layout(bool keeps_fuel) {
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
  };
}
// Trampolines and C++ have to agree on the arrays that values cross in.
static_assert(x64::kValRawBytes == environ::kValRawSize);

// DWARF's numbers (System V ABI, AMD64 supplement, figure 3.36), in x64::kCalleeSaved's order.
constexpr uint8_t kDwarfRbp = 6;
constexpr uint8_t kDwarfRsp = 7;
constexpr uint8_t kDwarfCalleeSaved[] = {3, 12, 13, 14, 15};
static_assert(std::size(kDwarfCalleeSaved) == std::size(x64::kCalleeSaved));

// Describes a trampoline's frame (x64::TrampolineFrame says when what holds).
void Describe(const x64::TrampolineFrame& trampoline, const codegen::MachBuffer& buffer,
              codegen::FrameInfo* frame, codegen::UnwindInfo* unwind) {
  *frame = codegen::FrameInfo();
  unwind->Add(trampoline.frame_pushed, UnwindOp::kCfaOffset, 0, 16);
  unwind->Add(trampoline.frame_pushed, UnwindOp::kSavedAt, kDwarfRbp, -16);
  unwind->Add(trampoline.frame_set, UnwindOp::kCfaRegister, kDwarfRbp);
  for (uint32_t i = 0; i < trampoline.saved_registers; ++i) {
    unwind->Add(trampoline.body, UnwindOp::kSavedAt, kDwarfCalleeSaved[i],
                -24 - 8 * static_cast<int32_t>(i));
  }
  // ret is one byte, ret with a count of bytes to pop is three.
  constexpr uint8_t kRet = 0xC3;
  const bool plain = buffer.bytes()[trampoline.frame_popped] == kRet;
  const CodeOffset behind_return = trampoline.frame_popped + (plain ? 1 : 3);
  unwind->Add(trampoline.frame_popped, UnwindOp::kRememberState);
  unwind->Add(trampoline.frame_popped, UnwindOp::kCfa, kDwarfRsp, 8);
  unwind->Add(trampoline.frame_popped, UnwindOp::kSame, kDwarfRbp);
  unwind->Add(behind_return, UnwindOp::kRestoreState);
}

class X64 : public LinkedIsa {
 public:
  absl::string_view name() const override { return "x64"; }
  absl::string_view architecture() const override { return "x86_64"; }
  absl::string_view default_triple() const override { return "x86_64-unknown-linux-gnu"; }
  std::unique_ptr<codegen::IsaBuilder> NewBuilder() const override { return x64::MakeIsaBuilder(); }
  const codegen::LabelKindTable& label_kinds() const override { return x64::kLabelKinds; }
  std::string Disassemble(absl::Span<const uint8_t> code) const override {
    return x64::Disassemble(code);
  }

  void EmitEntryTrampoline(const codegen::TargetIsa&, const AbiSignature& signature, bool fuel,
                           codegen::MachBuffer& buffer, codegen::FrameInfo* frame,
                           codegen::UnwindInfo* unwind) const override {
    const AbiValues params = ToAbiValues(signature.params);
    const AbiValues results = ToAbiValues(signature.results);
    Describe(x64::EmitEntryTrampoline({params, results}, Layout(fuel), buffer), buffer, frame,
             unwind);
  }
  void EmitExitTrampoline(const codegen::TargetIsa&, const AbiSignature& signature, bool fuel,
                          codegen::MachBuffer& buffer, codegen::FrameInfo* frame,
                          codegen::UnwindInfo* unwind) const override {
    const AbiValues params = ToAbiValues(signature.params);
    const AbiValues results = ToAbiValues(signature.results);
    Describe(x64::EmitExitTrampoline({params, results}, Layout(fuel), buffer), buffer, frame,
             unwind);
  }
  void EmitBuiltinShim(const codegen::TargetIsa&, environ::Builtin builtin, bool fuel,
                       codegen::MachBuffer& buffer, codegen::FrameInfo* frame,
                       codegen::UnwindInfo* unwind) const override {
    const environ::BuiltinInfo& info = environ::GetBuiltinInfo(builtin);
    const uint32_t index = static_cast<uint32_t>(builtin);
    Describe(info.is_cold() ? x64::EmitColdShim(index, info.has_context(), Layout(fuel), buffer)
                            : x64::EmitBuiltinShim(index, info.fallible, Layout(fuel), buffer),
             buffer, frame, unwind);
  }
};

}  // namespace

const LinkedIsa* X64Isa() {
  static const X64* const isa = new X64();
  return isa;
}

}  // namespace gantry::cranelift
