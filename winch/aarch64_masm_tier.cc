// Counting entries and rounds of loops, on AArch64 (docs/abi.md, "Tier-up").
#include "isa_aarch64/asm/immediates.h"
#include "winch/aarch64_masm.h"

namespace gantry::winch {

using aarch64::Address;
using aarch64::Row;
using codegen::CodeOffset;

namespace {

// A word to be filled, jumped over where the condition holds.
CodeOffset JumpUnless(aarch64::Condition condition, codegen::MachBuffer& code) {
  code.Put4(0x54000040 | static_cast<uint32_t>(condition));
  const CodeOffset at = code.offset();
  code.Put4(0);
  return at;
}

}  // namespace

Condition AArch64Masm::CountDown(const TierCounter& counter) {
  Begin();
  const aarch64::X table(kS1);
  const aarch64::W count(kS2);
  as_.ldr(table, Address(GX(kVmctx), counter.table_offset));
  as_.ldr(count, Address(table, counter.counter_offset));
  RR(Row::kSubsImmW, kS2, kS2, *aarch64::AddBits(1));
  as_.str(count, Address(table, counter.counter_offset));
  return Of(aarch64::Condition::kMi);
}

// The number is in a vector register: a veneer on the way changes x16 and x17.
void AArch64Masm::CallCounterShim(const TierCounter& counter) {
  Begin();
  MoveImmediate(ValueKind::kI32, kS1, counter.function);
  RR(Row::kFmovSW, E(kVectorScratch), kS1);
  Call(counter.shim);
}

void AArch64Masm::LoadBetterCode(const TierCounter& counter, aarch64::Assembler& as) {
  const aarch64::X place(E(kScratch));
  as.ldr(place, Address(GX(kVmctx), counter.table_offset));
  as.add(place, place, counter.code_offset);
  as.Emit(aarch64::AtomicOp::kLdar, 8, aarch64::kScratch.encoding(), place);
}

AArch64Masm::CountedEntry AArch64Masm::EmitCountedEntry(const TierCounter& counter) {
  Begin();
  CountedEntry entry;
  entry.counter = counter;
  entry.run_out = buffer_.offset();
  if (Signs()) features_.protection.Sign(as_, nullptr);
  as_.EmitPreIndexed(aarch64::PairOp::kStpX, 29, 30, aarch64::sp, -16);
  as_.mov_sp(aarch64::x29, aarch64::sp);
  CallCounterShim(counter);
  as_.EmitPostIndexed(aarch64::PairOp::kLdpX, 29, 30, aarch64::sp, 16);
  entry.popped = buffer_.offset();
  if (Signs()) features_.protection.Authenticate(as_, nullptr);
  entry.authenticated = buffer_.offset();
  // There may be better code by now; else this is the function once more, its counter at rest.
  LoadBetterCode(counter, as_);
  entry.better = buffer_.offset();
  as_.br(aarch64::kScratch);
  return entry;
}

// x1 and the scratch registers are free at a function's entry: the caller's VMContext means nothing
// to WebAssembly.
AArch64Masm::EntryFields AArch64Masm::EmitEntryCount(const CountedEntry& entry,
                                                     codegen::MachBuffer& code) {
  aarch64::Assembler as(code);
  EntryFields fields;
  // adr x1, the function's first byte
  fields.self = code.offset();
  as.Word(0);
  LoadBetterCode(entry.counter, as);
  as.cmp(aarch64::kScratch, GX(kCallerVmctx));
  fields.better = JumpUnless(aarch64::Condition::kEq, code);
  const Address count(GX(kScratch), entry.counter.counter_offset - entry.counter.code_offset);
  as.ldr(aarch64::kScratch.w(), count);
  as.Emit(Row::kSubsImmW, {aarch64::kScratch.encoding(), aarch64::kScratch.encoding()},
          *aarch64::AddBits(1));
  as.str(aarch64::kScratch.w(), count);
  fields.run_out = JumpUnless(aarch64::Condition::kPl, code);
  return fields;
}

void AArch64Masm::PatchEntryCount(const CountedEntry& entry, const EntryFields& fields,
                                  CodeOffset begin, CodeOffset skip, codegen::MachBuffer& code) {
  const uint32_t back = skip - (begin + fields.self);
  OverwriteWord(code, fields.self,
                0x10000000 | (back & 3) << 29 | (back >> 2 & 0x7FFFF) << 5 | E(kCallerVmctx));
  const auto jump = [&](CodeOffset at, CodeOffset target) {
    OverwriteJump(code, at, target - (begin + at));
  };
  jump(fields.better, entry.better);
  jump(fields.run_out, entry.run_out);
}

}  // namespace gantry::winch
