// The AArch64 assembler: writes instructions into a MachBuffer.
//
//   MachBuffer buffer(kLabelKinds);
//   Assembler as(buffer);
//   as.add(x0, x1, x2);
//   as.ldr(x3, Address(sp, 16));
//   as.Emit(Row::kVAdd4S, {n, m, d});       // any row of the table, its registers in their order
//
// Widths are the operands' C++ types; a row taken as a value says them itself. `kScratch` (x16) is
// overwritten where a method says so.
#ifndef GANTRY_ISA_AARCH64_ASM_ASSEMBLER_H_
#define GANTRY_ISA_AARCH64_ASM_ASSEMBLER_H_

#include <cstdint>

#include "absl/types/span.h"
#include "base/check.h"
#include "codegen/mach_buffer.h"
#include "isa_aarch64/asm/immediates.h"
#include "isa_aarch64/asm/instructions.h"
#include "isa_aarch64/asm/label_kinds.h"
#include "isa_aarch64/asm/operands.h"
#include "isa_aarch64/asm/registers.h"

namespace gantry::aarch64 {

// Free between any two instructions: never arguments, never allocated.
inline constexpr X kScratch = x16;
inline constexpr X kScratch2 = x17;
inline constexpr V kVectorScratch = v31;

class Assembler {
 public:
  explicit Assembler(codegen::MachBuffer& buffer) : buffer_(buffer) {}

  codegen::MachBuffer& buffer() { return buffer_; }
  void bind(codegen::MachLabel label) { buffer_.Bind(label); }

  // --- Any row. Registers by encoding, in the order of the row's shape; what an instruction
  // changes is given twice, as the same register.
  void Emit(Row row, absl::Span<const uint8_t> registers, uint32_t bits = 0);
  void Emit(PlainOp op) { Word(PlainInfoOf(op).word); }
  // One register, and two of a pair, from or to memory. An offset that the instruction does not
  // have takes kScratch. Memory is accessed by the last instruction written. The offset of a pair
  // must be in reach.
  void Emit(MemOp op, uint8_t reg, const Address& address);
  // A load that faults wherever the store does, whose result is nobody's (kVectorScratch, for 16
  // bytes). False and nothing for a single byte, which is written whole or not.
  bool EmitProbe(MemOp store, const Address& address);
  void Emit(PairOp op, uint8_t first, uint8_t second, XSp base, int32_t offset);
  // Base += offset before, after the access.
  void EmitPreIndexed(PairOp op, uint8_t first, uint8_t second, XSp base, int32_t offset);
  void EmitPostIndexed(PairOp op, uint8_t first, uint8_t second, XSp base, int32_t offset);
  // At the address in `base`, `bytes` 1, 2, 4 or 8. `s` is not read where the shape has none.
  void Emit(AtomicOp op, uint8_t bytes, uint8_t t, X base, uint8_t s = 31);

  // --- Integers.
#define GANTRY_A64_METHOD3(method, Name)                               \
  void method(W d, W n, W m) {                                         \
    Emit(Row::k##Name##W, {n.encoding(), m.encoding(), d.encoding()}); \
  }                                                                    \
  void method(X d, X n, X m) { Emit(Row::k##Name##X, {n.encoding(), m.encoding(), d.encoding()}); }
  GANTRY_A64_METHOD3(add, Add)
  GANTRY_A64_METHOD3(sub, Sub)
  GANTRY_A64_METHOD3(and_, And)
  GANTRY_A64_METHOD3(orr, Orr)
  GANTRY_A64_METHOD3(eor, Eor)
  GANTRY_A64_METHOD3(mul, Mul)
#undef GANTRY_A64_METHOD3
  void cmp(W n, W m) { Emit(Row::kCmpW, {n.encoding(), m.encoding()}); }
  void cmp(X n, X m) { Emit(Row::kCmpX, {n.encoding(), m.encoding()}); }
  // Any constant; kScratch is overwritten where it does not fit (so `n` must not be kScratch then).
  void add(XSp d, XSp n, int64_t imm);
  void sub(XSp d, XSp n, int64_t imm) { add(d, n, -imm); }
  void mov(X d, X n) { Emit(Row::kOrrX, {31, n.encoding(), d.encoding()}); }
  void mov(W d, W n) { Emit(Row::kOrrW, {31, n.encoding(), d.encoding()}); }
  void mov_sp(XSp d, XSp n) { Emit(Row::kAddImmX, {n.encoding(), d.encoding()}); }
  // In as few instructions as movz, movn, movk and orr take.
  void mov(X d, uint64_t imm);
  void mov(W d, uint32_t imm);
  // d = the address of the label, which is less than 1 MiB away.
  void adr(X d, codegen::MachLabel label);

  // --- Memory.
  void ldr(W t, const Address& address) { Emit(MemOp::kLdrW, t.encoding(), address); }
  void ldr(X t, const Address& address) { Emit(MemOp::kLdrX, t.encoding(), address); }
  void str(W t, const Address& address) { Emit(MemOp::kStrW, t.encoding(), address); }
  void str(X t, const Address& address) { Emit(MemOp::kStrX, t.encoding(), address); }
  void ldr_s(V t, const Address& address) { Emit(MemOp::kLdrS, t.encoding(), address); }
  void ldr_d(V t, const Address& address) { Emit(MemOp::kLdrD, t.encoding(), address); }
  void ldr_q(V t, const Address& address) { Emit(MemOp::kLdrQ, t.encoding(), address); }
  void str_s(V t, const Address& address) { Emit(MemOp::kStrS, t.encoding(), address); }
  void str_d(V t, const Address& address) { Emit(MemOp::kStrD, t.encoding(), address); }
  void str_q(V t, const Address& address) { Emit(MemOp::kStrQ, t.encoding(), address); }
  void ldp(X t, X u, XSp base, int32_t offset = 0) {
    Emit(PairOp::kLdpX, t.encoding(), u.encoding(), base, offset);
  }
  void stp(X t, X u, XSp base, int32_t offset = 0) {
    Emit(PairOp::kStpX, t.encoding(), u.encoding(), base, offset);
  }
  // From the constant pool: the label of a constant of 4, 8 or 16 bytes.
  void LoadConstant(V t, codegen::MachLabel constant, uint8_t bytes);

  // --- Control.
  void b(codegen::MachLabel target);
  void b(Condition cond, codegen::MachLabel target);
  void cbz(W t, codegen::MachLabel target) { CompareBranch(0x34000000, t.encoding(), target); }
  void cbz(X t, codegen::MachLabel target) { CompareBranch(0xB4000000, t.encoding(), target); }
  void cbnz(W t, codegen::MachLabel target) { CompareBranch(0x35000000, t.encoding(), target); }
  void cbnz(X t, codegen::MachLabel target) { CompareBranch(0xB5000000, t.encoding(), target); }
  // On bit `bit` of the register being zero, one.
  void tbz(X t, uint32_t bit, codegen::MachLabel target) { TestBranch(0x36000000, t, bit, target); }
  void tbnz(X t, uint32_t bit, codegen::MachLabel target) {
    TestBranch(0x37000000, t, bit, target);
  }
  void bl(codegen::MachLabel target);
  // To a name outside the function, which the caller's relocation fills: the offset of the field.
  codegen::CodeOffset b_name();
  codegen::CodeOffset bl_name();
  void br(X target);
  void blr(X target) { Word(0xD63F0000 | uint32_t{target.encoding()} << 5); }
  void ret();

  void Word(uint32_t word) { buffer_.Put4(word); }

 private:
  void CompareBranch(uint32_t word, uint8_t reg, codegen::MachLabel target);
  void TestBranch(uint32_t word, X reg, uint32_t bit, codegen::MachLabel target);
  uint32_t PairWord(PairOp op, uint8_t first, uint8_t second, XSp base, int32_t offset);

  codegen::MachBuffer& buffer_;
};

}  // namespace gantry::aarch64

#endif  // GANTRY_ISA_AARCH64_ASM_ASSEMBLER_H_
