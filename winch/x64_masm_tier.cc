// Counting entries and rounds of loops, on x64 (docs/abi.md, "Tier-up").
#include "winch/x64_masm.h"

namespace gantry::winch {
namespace {

using x64::Address;
using x64::AluOp;
using x64::Mem64;
using x64::Width;

constexpr codegen::CodeOffset kFieldBytes = 4;

// `opcode` and four bytes to be filled, whose place it returns.
codegen::CodeOffset PutWithField(std::initializer_list<uint8_t> opcode, codegen::MachBuffer& code) {
  for (const uint8_t byte : opcode) code.Put1(byte);
  const codegen::CodeOffset field = code.offset();
  code.Put4(0);
  return field;
}

// The distance from behind the field.
void Patch(codegen::CodeOffset field, uint32_t delta, codegen::MachBuffer& code) {
  const uint8_t bytes[] = {static_cast<uint8_t>(delta), static_cast<uint8_t>(delta >> 8),
                           static_cast<uint8_t>(delta >> 16), static_cast<uint8_t>(delta >> 24)};
  code.Overwrite(field, bytes);
}

}  // namespace

Condition X64Masm::CountDown(const TierCounter& counter) {
  as_.mov(x64::r11, Mem64(G64(kVmctx), counter.table_offset));
  as_.alu(AluOp::kSub, Width::k32, Address(x64::r11, counter.counter_offset), 1);
  return {static_cast<uint8_t>(x64::Condition::kNegative)};
}

void X64Masm::CallCounterShim(const TierCounter& counter) {
  LoadConstant(ValueKind::kI32, kScratch, counter.function);
  Call(counter.shim);
}

X64Masm::CountedEntry X64Masm::EmitCountedEntry(const TierCounter& counter) {
  CountedEntry entry;
  entry.counter = counter;
  const codegen::MachLabel run_out = buffer_.NewLabel();
  buffer_.Bind(run_out);
  as_.push(x64::rbp);
  as_.mov(x64::rbp, x64::rsp);
  CallCounterShim(counter);
  as_.pop(x64::rbp);
  entry.popped = buffer_.offset();
  // There may be better code by now; else this is the function once more, its counter at rest.
  as_.mov(x64::r11, Mem64(G64(kVmctx), counter.table_offset));
  entry.better = buffer_.offset();
  as_.jmp(Mem64(x64::r11, counter.code_offset));
  entry.run_out = buffer_.OffsetOf(run_out);
  return entry;
}

// rsi and r11 are free at a function's entry: the caller's VMContext means nothing to WebAssembly.
X64Masm::EntryFields X64Masm::EmitEntryCount(const CountedEntry& entry, codegen::MachBuffer& code) {
  x64::Assembler as(code);
  EntryFields fields;
  // lea rsi, [rip + to the function's first byte]
  fields.self = PutWithField({0x48, 0x8D, 0x35}, code);
  as.mov(x64::r11, Mem64(G64(kVmctx), entry.counter.table_offset));
  as.cmp(x64::rsi, Mem64(x64::r11, entry.counter.code_offset));
  // jne, js: their targets are in another buffer.
  fields.better = PutWithField({0x0F, 0x85}, code);
  as.alu(AluOp::kSub, Width::k32, Address(x64::r11, entry.counter.counter_offset), 1);
  fields.run_out = PutWithField({0x0F, 0x88}, code);
  return fields;
}

void X64Masm::PatchEntryCount(const CountedEntry& entry, const EntryFields& fields,
                              codegen::CodeOffset skip, codegen::MachBuffer& code) {
  const auto patch = [&](codegen::CodeOffset field, codegen::CodeOffset target) {
    Patch(field, target - (skip + field + kFieldBytes), code);
  };
  patch(fields.self, skip);
  patch(fields.better, entry.better);
  patch(fields.run_out, entry.run_out);
}

}  // namespace gantry::winch
