// The assembler for x64: a method per instruction, writing straight into a MachBuffer.
//
//   Assembler as(buffer);
//   const MachLabel loop = buffer.NewLabel();
//   as.mov(ecx, 10);
//   as.bind(loop);
//   as.add(eax, Mem32(rdi, rcx, Scale::k4));
//   as.sub(ecx, 1);
//   as.jcc(Condition::kNotEqual, loop);
//   as.ret();
//
// Methods bear the mnemonics (with an underscore where C++ has the word) and take operands in
// Intel order, destination first. Widths are types: add(eax, rcx) does not compile, nor does
// add(eax, Mem64(...)).
//
// Each family of instructions also has one method that takes the operation and the width as
// values, for callers that select them at run time (alu(AluOp::kAdd, Width::k32, dst, src));
// these take plain Gprs, so that the width is said exactly once.
//
// An instruction that may trap is preceded by buffer().AddTrap(code). Immediates are checked
// against the width (8 bits: -128 to 255, 16 bits likewise); for 64-bit operations they are
// sign-extended from 32 bits.
#ifndef GANTRY_ISA_X64_ASM_ASSEMBLER_H_
#define GANTRY_ISA_X64_ASM_ASSEMBLER_H_

#include <cstdint>

#include "absl/types/span.h"
#include "codegen/mach_buffer.h"
#include "isa_x64/asm/encoder.h"
#include "isa_x64/asm/instructions.inc"
#include "isa_x64/asm/label_kinds.h"
#include "isa_x64/asm/operands.h"
#include "isa_x64/asm/operations.h"
#include "isa_x64/asm/registers.h"

namespace gantry::x64 {

template <Width W>
concept NotByte = W == Width::k16 || W == Width::k32 || W == Width::k64;
template <Width W>
concept Wide = W == Width::k32 || W == Width::k64;

// The width of the general register that a lane of a vector register goes to and comes from.
constexpr Width LaneGpr(Width lane) { return lane == Width::k64 ? Width::k64 : Width::k32; }

class Assembler {
 public:
  // `buffer` has kLabelKinds and outlives the assembler.
  explicit Assembler(codegen::MachBuffer& buffer) : buffer_(buffer) {
    DCHECK(&buffer.label_kinds() == &kLabelKinds || buffer.label_kinds().kind_count == 2);
  }
  codegen::MachBuffer& buffer() { return buffer_; }

  // --- Operation and width as values ---------------------------------------------------

  void alu(AluOp op, Width width, Gpr dst, Gpr src);
  void alu(AluOp op, Width width, Gpr dst, const Address& src);
  void alu(AluOp op, Width width, const Address& dst, Gpr src);
  void alu(AluOp op, Width width, Gpr dst, int32_t imm);
  void alu(AluOp op, Width width, const Address& dst, int32_t imm);
  // Atomic read-modify-write of memory, in the order of all such (xchg with memory is another).
  // Not for cmp.
  void lock_alu(AluOp op, Width width, const Address& dst, Gpr src);
  void lock_alu(AluOp op, Width width, const Address& dst, int32_t imm);
  void lock_exchange(LockExchangeOp op, Width width, const Address& dst, Gpr src);
  void test(Width width, Gpr a, Gpr b);
  void test(Width width, const Address& a, Gpr b);
  void test(Width width, Gpr a, int32_t imm);
  void test(Width width, const Address& a, int32_t imm);
  // Amounts below the width.
  void shift_imm(ShiftOp op, Width width, Gpr dst, uint8_t amount);
  void shift_imm(ShiftOp op, Width width, const Address& dst, uint8_t amount);
  void shift_cl(ShiftOp op, Width width, Gpr dst);
  void shift_cl(ShiftOp op, Width width, const Address& dst);
  void unary(UnaryOp op, Width width, Gpr dst);
  void unary(UnaryOp op, Width width, const Address& dst);
  void gpr_rm(GprRmOp op, Width width, Gpr dst, Gpr src);
  void gpr_rm(GprRmOp op, Width width, Gpr dst, const Address& src);
  void imul(Width width, Gpr dst, Gpr src, int32_t imm);
  void imul(Width width, Gpr dst, const Address& src, int32_t imm);
  void bit(BitOp op, Width width, Gpr dst, Gpr index);
  void bit(BitOp op, Width width, Gpr dst, uint8_t index);
  void bit(BitOp op, Width width, const Address& dst, uint8_t index);
  void double_shift_imm(DoubleShiftOp op, Width width, Gpr dst, Gpr src, uint8_t amount);
  void double_shift_cl(DoubleShiftOp op, Width width, Gpr dst, Gpr src);
  // Widths 32 and 64.
  void bmi_rvm(BmiRvmOp op, Width width, Gpr dst, Gpr a, Gpr b);
  void bmi_rvm(BmiRvmOp op, Width width, Gpr dst, Gpr a, const Address& b);
  void bmi_rmv(BmiRmvOp op, Width width, Gpr dst, Gpr src, Gpr control);
  void bmi_rmv(BmiRmvOp op, Width width, Gpr dst, const Address& src, Gpr control);
  void bmi_vm(BmiVmOp op, Width width, Gpr dst, Gpr src);
  void bmi_vm(BmiVmOp op, Width width, Gpr dst, const Address& src);
  void rorx(Width width, Gpr dst, Gpr src, uint8_t amount);
  void rorx(Width width, Gpr dst, const Address& src, uint8_t amount);

  void mov(Width width, Gpr dst, Gpr src);
  void mov(Width width, Gpr dst, const Address& src);
  void mov(Width width, const Address& dst, Gpr src);
  void mov(Width width, const Address& dst, int32_t imm);
  // The shortest instruction that sets the whole register (for Width::k32: to the
  // zero-extended low half of `imm`) and leaves the flags alone.
  void mov_imm(Width width, Gpr dst, int64_t imm);
  // `from` is narrower than `to`; `to` is 16 to 64 bits. A movzx from 32 to 64 bits is a mov.
  void movzx(Width to, Gpr dst, Width from, Gpr src);
  void movzx(Width to, Gpr dst, Width from, const Address& src);
  void movsx(Width to, Gpr dst, Width from, Gpr src);
  void movsx(Width to, Gpr dst, Width from, const Address& src);
  void lea(Width width, Gpr dst, const Address& address);
  void xchg(Width width, Gpr a, Gpr b);
  // Locked by nature.
  void xchg(Width width, Gpr a, const Address& b);
  void bswap(Width width, Gpr dst);
  void cmov(Condition condition, Width width, Gpr dst, Gpr src);
  void cmov(Condition condition, Width width, Gpr dst, const Address& src);

  void sse(SseRvmOp op, Xmm dst, Xmm src);
  void sse(SseRvmOp op, Xmm dst, const AnyMem& src);
  void vex(SseRvmOp op, Xmm dst, Xmm a, Xmm b);
  void vex(SseRvmOp op, Xmm dst, Xmm a, const AnyMem& b);
  void sse(SseRmOp op, Xmm dst, Xmm src);
  void sse(SseRmOp op, Xmm dst, const AnyMem& src);
  void vex(SseRmOp op, Xmm dst, Xmm src);
  void vex(SseRmOp op, Xmm dst, const AnyMem& src);
  void sse(SseRvmImmOp op, Xmm dst, Xmm src, uint8_t imm);
  void sse(SseRvmImmOp op, Xmm dst, const AnyMem& src, uint8_t imm);
  void vex(SseRvmImmOp op, Xmm dst, Xmm a, Xmm b, uint8_t imm);
  void vex(SseRvmImmOp op, Xmm dst, Xmm a, const AnyMem& b, uint8_t imm);
  void sse(SseRmImmOp op, Xmm dst, Xmm src, uint8_t imm);
  void sse(SseRmImmOp op, Xmm dst, const AnyMem& src, uint8_t imm);
  void vex(SseRmImmOp op, Xmm dst, Xmm src, uint8_t imm);
  void vex(SseRmImmOp op, Xmm dst, const AnyMem& src, uint8_t imm);
  void sse(SseShiftImmOp op, Xmm dst, uint8_t amount);
  void vex(SseShiftImmOp op, Xmm dst, Xmm src, uint8_t amount);
  // Register to register: movss and movsd keep the upper lanes of `dst`.
  void sse(SseMoveOp op, Xmm dst, Xmm src);
  void sse(SseMoveOp op, Xmm dst, const AnyMem& src);
  void sse(SseMoveOp op, const AnyMem& dst, Xmm src);
  // Not for movss and movsd, whose register forms have three operands: vmov_merge.
  void vex(SseMoveOp op, Xmm dst, Xmm src);
  void vex(SseMoveOp op, Xmm dst, const AnyMem& src);
  void vex(SseMoveOp op, const AnyMem& dst, Xmm src);
  // movss or movsd: the low lane of `low`, the upper ones of `high`.
  void vmov_merge(SseMoveOp op, Xmm dst, Xmm high, Xmm low);
  // `width` is that of the general register.
  void cvt_to_gpr(CvtToGprOp op, Width width, Gpr dst, Xmm src);
  void cvt_to_gpr(CvtToGprOp op, Width width, Gpr dst, const AnyMem& src);
  void vcvt_to_gpr(CvtToGprOp op, Width width, Gpr dst, Xmm src);
  void vcvt_to_gpr(CvtToGprOp op, Width width, Gpr dst, const AnyMem& src);
  void cvt_from_gpr(CvtFromGprOp op, Width width, Xmm dst, Gpr src);
  void cvt_from_gpr(CvtFromGprOp op, Width width, Xmm dst, const Address& src);
  void vcvt_from_gpr(CvtFromGprOp op, Width width, Xmm dst, Xmm high, Gpr src);
  void vcvt_from_gpr(CvtFromGprOp op, Width width, Xmm dst, Xmm high, const Address& src);
  void mask_to_gpr(MaskToGprOp op, Gpr32 dst, Xmm src);
  void vmask_to_gpr(MaskToGprOp op, Gpr32 dst, Xmm src);
  // movd (32) and movq (64) between the register files.
  void mov_to_xmm(Width width, Xmm dst, Gpr src);
  void mov_to_gpr(Width width, Gpr dst, Xmm src);
  void vmov_to_xmm(Width width, Xmm dst, Gpr src);
  void vmov_to_gpr(Width width, Gpr dst, Xmm src);
  void fma(FmaOp op, Xmm dst, Xmm a, Xmm b);
  void fma(FmaOp op, Xmm dst, Xmm a, const AnyMem& b);
  void sse(InsertOp op, Xmm dst, Gpr src, uint8_t lane);
  void sse(InsertOp op, Xmm dst, const AnyMem& src, uint8_t lane);
  void vex(InsertOp op, Xmm dst, Xmm a, Gpr src, uint8_t lane);
  void vex(InsertOp op, Xmm dst, Xmm a, const AnyMem& src, uint8_t lane);
  void sse(ExtractOp op, Gpr dst, Xmm src, uint8_t lane);
  void sse(ExtractOp op, const AnyMem& dst, Xmm src, uint8_t lane);
  void vex(ExtractOp op, Gpr dst, Xmm src, uint8_t lane);
  void vex(ExtractOp op, const AnyMem& dst, Xmm src, uint8_t lane);
  void sse(SseHalfOp op, Xmm dst, const Mem64& src);
  void sse(SseHalfOp op, const Mem64& dst, Xmm src);
  void vex(SseHalfOp op, Xmm dst, Xmm a, const Mem64& src);
  void vex(SseHalfOp op, const Mem64& dst, Xmm src);
  // By the lanes of xmm0.
  void sse(BlendvOp op, Xmm dst, Xmm src);
  void sse(BlendvOp op, Xmm dst, const Mem128& src);
  void vex(BlendvOp op, Xmm dst, Xmm a, Xmm b, Xmm mask);
  void vex(BlendvOp op, Xmm dst, Xmm a, const Mem128& b, Xmm mask);
  void vex(VexRmOp op, Xmm dst, Xmm src);
  void vex(VexRmOp op, Xmm dst, const AnyMem& src);
  void vex(VexRvmImmOp op, Xmm dst, Xmm a, Xmm b, uint8_t imm);
  void vex(VexRvmImmOp op, Xmm dst, Xmm a, const AnyMem& b, uint8_t imm);
  void evex(EvexRvmOp op, Xmm dst, Xmm a, Xmm b);
  void evex(EvexRvmOp op, Xmm dst, Xmm a, const AnyMem& b);
  void evex(EvexRmOp op, Xmm dst, Xmm src);
  void evex(EvexRmOp op, Xmm dst, const AnyMem& src);
  void evex(EvexRvmImmOp op, Xmm dst, Xmm a, Xmm b, uint8_t imm);
  void evex(EvexRvmImmOp op, Xmm dst, Xmm a, const AnyMem& b, uint8_t imm);
  void evex(EvexShiftImmOp op, Xmm dst, Xmm src, uint8_t amount);
  void plain(PlainOp op);

  // --- Typed methods -------------------------------------------------------------------

#define GANTRY_X64_METHODS(name, Name, ...)           \
  template <Width W>                                  \
  void name(Reg<W> dst, Reg<W> src) {                 \
    alu(AluOp::k##Name, W, dst.gpr(), src.gpr());     \
  }                                                   \
  template <Width W>                                  \
  void name(Reg<W> dst, const Mem<W>& src) {          \
    alu(AluOp::k##Name, W, dst.gpr(), src.address()); \
  }                                                   \
  template <Width W>                                  \
  void name(const Mem<W>& dst, Reg<W> src) {          \
    alu(AluOp::k##Name, W, dst.address(), src.gpr()); \
  }                                                   \
  template <Width W>                                  \
  void name(Reg<W> dst, int32_t imm) {                \
    alu(AluOp::k##Name, W, dst.gpr(), imm);           \
  }                                                   \
  template <Width W>                                  \
  void name(const Mem<W>& dst, int32_t imm) {         \
    alu(AluOp::k##Name, W, dst.address(), imm);       \
  }
  GANTRY_X64_ALU(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS

#define GANTRY_X64_METHODS(name, Name)                     \
  template <Width W>                                       \
  void lock_##name(const Mem<W>& dst, Reg<W> src) {        \
    lock_alu(AluOp::k##Name, W, dst.address(), src.gpr()); \
  }                                                        \
  template <Width W>                                       \
  void lock_##name(const Mem<W>& dst, int32_t imm) {       \
    lock_alu(AluOp::k##Name, W, dst.address(), imm);       \
  }
  GANTRY_X64_LOCK_ALU(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
#define GANTRY_X64_METHODS(name, Name, ...)                              \
  template <Width W>                                                     \
  void lock_##name(const Mem<W>& dst, Reg<W> src) {                      \
    lock_exchange(LockExchangeOp::k##Name, W, dst.address(), src.gpr()); \
  }
  GANTRY_X64_LOCK_EXCHANGE(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS

  template <Width W>
  void test(Reg<W> a, Reg<W> b) {
    test(W, a.gpr(), b.gpr());
  }
  template <Width W>
  void test(const Mem<W>& a, Reg<W> b) {
    test(W, a.address(), b.gpr());
  }
  template <Width W>
  void test(Reg<W> a, int32_t imm) {
    test(W, a.gpr(), imm);
  }
  template <Width W>
  void test(const Mem<W>& a, int32_t imm) {
    test(W, a.address(), imm);
  }

#define GANTRY_X64_METHODS(name, Name, ...)                \
  template <Width W>                                       \
  void name(Reg<W> dst, uint8_t amount) {                  \
    shift_imm(ShiftOp::k##Name, W, dst.gpr(), amount);     \
  }                                                        \
  template <Width W>                                       \
  void name(const Mem<W>& dst, uint8_t amount) {           \
    shift_imm(ShiftOp::k##Name, W, dst.address(), amount); \
  }                                                        \
  template <Width W>                                       \
  void name##_cl(Reg<W> dst) {                             \
    shift_cl(ShiftOp::k##Name, W, dst.gpr());              \
  }                                                        \
  template <Width W>                                       \
  void name##_cl(const Mem<W>& dst) {                      \
    shift_cl(ShiftOp::k##Name, W, dst.address());          \
  }
  GANTRY_X64_SHIFT(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS

#define GANTRY_X64_METHODS(name, Name, ...)    \
  template <Width W>                           \
  void name(Reg<W> dst) {                      \
    unary(UnaryOp::k##Name, W, dst.gpr());     \
  }                                            \
  template <Width W>                           \
  void name(const Mem<W>& dst) {               \
    unary(UnaryOp::k##Name, W, dst.address()); \
  }
  GANTRY_X64_UNARY(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS

#define GANTRY_X64_METHODS(name, Name, constraint)                                         \
  template <Width W>                                                                       \
  requires constraint<W>                                                                   \
  void name(Reg<W> dst, Reg<W> src) { gpr_rm(GprRmOp::k##Name, W, dst.gpr(), src.gpr()); } \
  template <Width W>                                                                       \
  requires constraint<W>                                                                   \
  void name(Reg<W> dst, const Mem<W>& src) {                                               \
    gpr_rm(GprRmOp::k##Name, W, dst.gpr(), src.address());                                 \
  }
#define GANTRY_X64_ROW(name, Name, ...) GANTRY_X64_METHODS(name, Name, NotByte)
  GANTRY_X64_GPR_RM(GANTRY_X64_ROW)
#undef GANTRY_X64_ROW
#define GANTRY_X64_ROW(name, Name, ...) GANTRY_X64_METHODS(name, Name, Wide)
  GANTRY_X64_GPR_RM_WIDE(GANTRY_X64_ROW)
#undef GANTRY_X64_ROW
#undef GANTRY_X64_METHODS

  template <Width W>
  requires NotByte<W>
  void imul(Reg<W> dst, Reg<W> src, int32_t imm) { imul(W, dst.gpr(), src.gpr(), imm); }
  template <Width W>
  requires NotByte<W>
  void imul(Reg<W> dst, const Mem<W>& src, int32_t imm) { imul(W, dst.gpr(), src.address(), imm); }

#define GANTRY_X64_METHODS(name, Name, ...)                                               \
  template <Width W>                                                                      \
  requires NotByte<W>                                                                     \
  void name(Reg<W> dst, Reg<W> index) { bit(BitOp::k##Name, W, dst.gpr(), index.gpr()); } \
  template <Width W>                                                                      \
  requires NotByte<W>                                                                     \
  void name(Reg<W> dst, uint8_t index) { bit(BitOp::k##Name, W, dst.gpr(), index); }      \
  template <Width W>                                                                      \
  requires NotByte<W>                                                                     \
  void name(const Mem<W>& dst, uint8_t index) { bit(BitOp::k##Name, W, dst.address(), index); }
  GANTRY_X64_BIT(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS

#define GANTRY_X64_METHODS(name, Name, ...)                                    \
  template <Width W>                                                           \
  requires NotByte<W>                                                          \
  void name(Reg<W> dst, Reg<W> src, uint8_t amount) {                          \
    double_shift_imm(DoubleShiftOp::k##Name, W, dst.gpr(), src.gpr(), amount); \
  }                                                                            \
  template <Width W>                                                           \
  requires NotByte<W>                                                          \
  void name##_cl(Reg<W> dst, Reg<W> src) {                                     \
    double_shift_cl(DoubleShiftOp::k##Name, W, dst.gpr(), src.gpr());          \
  }
  GANTRY_X64_DOUBLE_SHIFT(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS

#define GANTRY_X64_METHODS(name, Name, ...)                         \
  template <Width W>                                                \
  requires Wide<W>                                                  \
  void name(Reg<W> dst, Reg<W> a, Reg<W> b) {                       \
    bmi_rvm(BmiRvmOp::k##Name, W, dst.gpr(), a.gpr(), b.gpr());     \
  }                                                                 \
  template <Width W>                                                \
  requires Wide<W>                                                  \
  void name(Reg<W> dst, Reg<W> a, const Mem<W>& b) {                \
    bmi_rvm(BmiRvmOp::k##Name, W, dst.gpr(), a.gpr(), b.address()); \
  }
  GANTRY_X64_BMI_RVM(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS

#define GANTRY_X64_METHODS(name, Name, ...)                                 \
  template <Width W>                                                        \
  requires Wide<W>                                                          \
  void name(Reg<W> dst, Reg<W> src, Reg<W> control) {                       \
    bmi_rmv(BmiRmvOp::k##Name, W, dst.gpr(), src.gpr(), control.gpr());     \
  }                                                                         \
  template <Width W>                                                        \
  requires Wide<W>                                                          \
  void name(Reg<W> dst, const Mem<W>& src, Reg<W> control) {                \
    bmi_rmv(BmiRmvOp::k##Name, W, dst.gpr(), src.address(), control.gpr()); \
  }
  GANTRY_X64_BMI_RMV(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS

#define GANTRY_X64_METHODS(name, Name, ...)                                                \
  template <Width W>                                                                       \
  requires Wide<W>                                                                         \
  void name(Reg<W> dst, Reg<W> src) { bmi_vm(BmiVmOp::k##Name, W, dst.gpr(), src.gpr()); } \
  template <Width W>                                                                       \
  requires Wide<W>                                                                         \
  void name(Reg<W> dst, const Mem<W>& src) {                                               \
    bmi_vm(BmiVmOp::k##Name, W, dst.gpr(), src.address());                                 \
  }
  GANTRY_X64_BMI_VM(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS

  template <Width W>
  requires Wide<W>
  void rorx(Reg<W> dst, Reg<W> src, uint8_t amount) { rorx(W, dst.gpr(), src.gpr(), amount); }
  template <Width W>
  requires Wide<W>
  void rorx(Reg<W> dst, const Mem<W>& src, uint8_t amount) {
    rorx(W, dst.gpr(), src.address(), amount);
  }

  template <Width W>
  void mov(Reg<W> dst, Reg<W> src) {
    mov(W, dst.gpr(), src.gpr());
  }
  template <Width W>
  void mov(Reg<W> dst, const Mem<W>& src) {
    mov(W, dst.gpr(), src.address());
  }
  template <Width W>
  void mov(const Mem<W>& dst, Reg<W> src) {
    mov(W, dst.address(), src.gpr());
  }
  template <Width W>
  void mov(const Mem<W>& dst, int32_t imm) {
    mov(W, dst.address(), imm);
  }
  template <Width W>
  requires Wide<W>
  void mov(Reg<W> dst, int64_t imm) { mov_imm(W, dst.gpr(), imm); }
  template <Width To, Width From>
  requires(To > From) void movzx(Reg<To> dst, Reg<From> src) {
    movzx(To, dst.gpr(), From, src.gpr());
  }
  template <Width To, Width From>
  requires(To > From) void movzx(Reg<To> dst, const Mem<From>& src) {
    movzx(To, dst.gpr(), From, src.address());
  }
  template <Width To, Width From>
  requires(To > From) void movsx(Reg<To> dst, Reg<From> src) {
    movsx(To, dst.gpr(), From, src.gpr());
  }
  template <Width To, Width From>
  requires(To > From) void movsx(Reg<To> dst, const Mem<From>& src) {
    movsx(To, dst.gpr(), From, src.address());
  }
  template <Width W>
  requires Wide<W>
  void lea(Reg<W> dst, const Address& address) { lea(W, dst.gpr(), address); }
  template <Width W>
  void xchg(Reg<W> a, Reg<W> b) {
    xchg(W, a.gpr(), b.gpr());
  }
  template <Width W>
  void xchg(Reg<W> a, const Mem<W>& b) {
    xchg(W, a.gpr(), b.address());
  }
  template <Width W>
  requires Wide<W>
  void bswap(Reg<W> dst) { bswap(W, dst.gpr()); }
  template <Width W>
  requires NotByte<W>
  void cmov(Condition condition, Reg<W> dst, Reg<W> src) {
    cmov(condition, W, dst.gpr(), src.gpr());
  }
  template <Width W>
  requires NotByte<W>
  void cmov(Condition condition, Reg<W> dst, const Mem<W>& src) {
    cmov(condition, W, dst.gpr(), src.address());
  }
  void setcc(Condition condition, Gpr8 dst);
  void setcc(Condition condition, const Mem8& dst);
  void push(Gpr64 src);
  void push(const Mem64& src);
  void push(int32_t imm);
  void pop(Gpr64 dst);
  void pop(const Mem64& dst);
  // Sign of eax into edx, of rax into rdx.
  void cdq();
  void cqo();

#define GANTRY_X64_METHODS(name, Name, prefix, map, opcode, width)                       \
  void name(Xmm dst, Xmm src) { sse(SseRvmOp::k##Name, dst, src); }                      \
  void name(Xmm dst, const Mem<Width::width>& src) { sse(SseRvmOp::k##Name, dst, src); } \
  void v##name(Xmm dst, Xmm a, Xmm b) { vex(SseRvmOp::k##Name, dst, a, b); }             \
  void v##name(Xmm dst, Xmm a, const Mem<Width::width>& b) { vex(SseRvmOp::k##Name, dst, a, b); }
  GANTRY_X64_SSE_RVM(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
#define GANTRY_X64_METHODS(name, Name, prefix, map, opcode, width)                      \
  void name(Xmm dst, Xmm src) { sse(SseRmOp::k##Name, dst, src); }                      \
  void name(Xmm dst, const Mem<Width::width>& src) { sse(SseRmOp::k##Name, dst, src); } \
  void v##name(Xmm dst, Xmm src) { vex(SseRmOp::k##Name, dst, src); }                   \
  void v##name(Xmm dst, const Mem<Width::width>& src) { vex(SseRmOp::k##Name, dst, src); }
  GANTRY_X64_SSE_RM(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
#define GANTRY_X64_METHODS(name, Name, prefix, map, opcode, width)                                \
  void name(Xmm dst, Xmm src, uint8_t imm) { sse(SseRvmImmOp::k##Name, dst, src, imm); }          \
  void name(Xmm dst, const Mem<Width::width>& src, uint8_t imm) {                                 \
    sse(SseRvmImmOp::k##Name, dst, src, imm);                                                     \
  }                                                                                               \
  void v##name(Xmm dst, Xmm a, Xmm b, uint8_t imm) { vex(SseRvmImmOp::k##Name, dst, a, b, imm); } \
  void v##name(Xmm dst, Xmm a, const Mem<Width::width>& b, uint8_t imm) {                         \
    vex(SseRvmImmOp::k##Name, dst, a, b, imm);                                                    \
  }
  GANTRY_X64_SSE_RVM_IMM(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
#define GANTRY_X64_METHODS(name, Name, prefix, map, opcode, width)                         \
  void name(Xmm dst, Xmm src, uint8_t imm) { sse(SseRmImmOp::k##Name, dst, src, imm); }    \
  void name(Xmm dst, const Mem<Width::width>& src, uint8_t imm) {                          \
    sse(SseRmImmOp::k##Name, dst, src, imm);                                               \
  }                                                                                        \
  void v##name(Xmm dst, Xmm src, uint8_t imm) { vex(SseRmImmOp::k##Name, dst, src, imm); } \
  void v##name(Xmm dst, const Mem<Width::width>& src, uint8_t imm) {                       \
    vex(SseRmImmOp::k##Name, dst, src, imm);                                               \
  }
  GANTRY_X64_SSE_RM_IMM(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
#define GANTRY_X64_METHODS(name, Name, ...)                                        \
  void name(Xmm dst, uint8_t amount) { sse(SseShiftImmOp::k##Name, dst, amount); } \
  void v##name(Xmm dst, Xmm src, uint8_t amount) { vex(SseShiftImmOp::k##Name, dst, src, amount); }
  GANTRY_X64_SSE_SHIFT_IMM(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
#define GANTRY_X64_METHODS(name, Name, prefix, map, load, store_prefix, store, width)        \
  void name(Xmm dst, Xmm src) { sse(SseMoveOp::k##Name, dst, src); }                         \
  void name(Xmm dst, const Mem<Width::width>& src) { sse(SseMoveOp::k##Name, dst, src); }    \
  void name(const Mem<Width::width>& dst, Xmm src) { sse(SseMoveOp::k##Name, dst, src); }    \
  void v##name(Xmm dst, const Mem<Width::width>& src) { vex(SseMoveOp::k##Name, dst, src); } \
  void v##name(const Mem<Width::width>& dst, Xmm src) { vex(SseMoveOp::k##Name, dst, src); }
  GANTRY_X64_SSE_MOVE(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
  void vmovaps(Xmm dst, Xmm src) { vex(SseMoveOp::kMovaps, dst, src); }
  void vmovapd(Xmm dst, Xmm src) { vex(SseMoveOp::kMovapd, dst, src); }
  void vmovdqa(Xmm dst, Xmm src) { vex(SseMoveOp::kMovdqa, dst, src); }
  void vmovss(Xmm dst, Xmm high, Xmm low) { vmov_merge(SseMoveOp::kMovss, dst, high, low); }
  void vmovsd(Xmm dst, Xmm high, Xmm low) { vmov_merge(SseMoveOp::kMovsd, dst, high, low); }

#define GANTRY_X64_METHODS(name, Name, prefix, opcode, width)                                \
  template <Width W>                                                                         \
  requires Wide<W>                                                                           \
  void name(Reg<W> dst, Xmm src) { cvt_to_gpr(CvtToGprOp::k##Name, W, dst.gpr(), src); }     \
  template <Width W>                                                                         \
  requires Wide<W>                                                                           \
  void name(Reg<W> dst, const Mem<Width::width>& src) {                                      \
    cvt_to_gpr(CvtToGprOp::k##Name, W, dst.gpr(), src);                                      \
  }                                                                                          \
  template <Width W>                                                                         \
  requires Wide<W>                                                                           \
  void v##name(Reg<W> dst, Xmm src) { vcvt_to_gpr(CvtToGprOp::k##Name, W, dst.gpr(), src); } \
  template <Width W>                                                                         \
  requires Wide<W>                                                                           \
  void v##name(Reg<W> dst, const Mem<Width::width>& src) {                                   \
    vcvt_to_gpr(CvtToGprOp::k##Name, W, dst.gpr(), src);                                     \
  }
  GANTRY_X64_CVT_TO_GPR(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
#define GANTRY_X64_METHODS(name, Name, ...)                                                  \
  template <Width W>                                                                         \
  requires Wide<W>                                                                           \
  void name(Xmm dst, Reg<W> src) { cvt_from_gpr(CvtFromGprOp::k##Name, W, dst, src.gpr()); } \
  template <Width W>                                                                         \
  requires Wide<W>                                                                           \
  void name(Xmm dst, const Mem<W>& src) {                                                    \
    cvt_from_gpr(CvtFromGprOp::k##Name, W, dst, src.address());                              \
  }                                                                                          \
  template <Width W>                                                                         \
  requires Wide<W>                                                                           \
  void v##name(Xmm dst, Xmm high, Reg<W> src) {                                              \
    vcvt_from_gpr(CvtFromGprOp::k##Name, W, dst, high, src.gpr());                           \
  }                                                                                          \
  template <Width W>                                                                         \
  requires Wide<W>                                                                           \
  void v##name(Xmm dst, Xmm high, const Mem<W>& src) {                                       \
    vcvt_from_gpr(CvtFromGprOp::k##Name, W, dst, high, src.address());                       \
  }
  GANTRY_X64_CVT_FROM_GPR(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
#define GANTRY_X64_METHODS(name, Name, ...)                                      \
  void name(Gpr32 dst, Xmm src) { mask_to_gpr(MaskToGprOp::k##Name, dst, src); } \
  void v##name(Gpr32 dst, Xmm src) { vmask_to_gpr(MaskToGprOp::k##Name, dst, src); }
  GANTRY_X64_MASK_TO_GPR(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
  void movd(Xmm dst, Gpr32 src) { mov_to_xmm(Width::k32, dst, src.gpr()); }
  void movq(Xmm dst, Gpr64 src) { mov_to_xmm(Width::k64, dst, src.gpr()); }
  void movd(Gpr32 dst, Xmm src) { mov_to_gpr(Width::k32, dst.gpr(), src); }
  void movq(Gpr64 dst, Xmm src) { mov_to_gpr(Width::k64, dst.gpr(), src); }
  void vmovd(Xmm dst, Gpr32 src) { vmov_to_xmm(Width::k32, dst, src.gpr()); }
  void vmovq(Xmm dst, Gpr64 src) { vmov_to_xmm(Width::k64, dst, src.gpr()); }
  void vmovd(Gpr32 dst, Xmm src) { vmov_to_gpr(Width::k32, dst.gpr(), src); }
  void vmovq(Gpr64 dst, Xmm src) { vmov_to_gpr(Width::k64, dst.gpr(), src); }

#define GANTRY_X64_METHODS(name, Name, wide, opcode, width)            \
  void name(Xmm dst, Xmm a, Xmm b) { fma(FmaOp::k##Name, dst, a, b); } \
  void name(Xmm dst, Xmm a, const Mem<Width::width>& b) { fma(FmaOp::k##Name, dst, a, b); }
  GANTRY_X64_FMA(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
#define GANTRY_X64_METHODS(name, Name, map, opcode, wide, width)               \
  void name(Xmm dst, Reg<LaneGpr(Width::width)> src, uint8_t lane) {           \
    sse(InsertOp::k##Name, dst, src.gpr(), lane);                              \
  }                                                                            \
  void name(Xmm dst, const Mem<Width::width>& src, uint8_t lane) {             \
    sse(InsertOp::k##Name, dst, src, lane);                                    \
  }                                                                            \
  void v##name(Xmm dst, Xmm a, Reg<LaneGpr(Width::width)> src, uint8_t lane) { \
    vex(InsertOp::k##Name, dst, a, src.gpr(), lane);                           \
  }                                                                            \
  void v##name(Xmm dst, Xmm a, const Mem<Width::width>& src, uint8_t lane) {   \
    vex(InsertOp::k##Name, dst, a, src, lane);                                 \
  }
  GANTRY_X64_INSERT(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
#define GANTRY_X64_METHODS(name, Name, opcode, wide, width)             \
  void name(Reg<LaneGpr(Width::width)> dst, Xmm src, uint8_t lane) {    \
    sse(ExtractOp::k##Name, dst.gpr(), src, lane);                      \
  }                                                                     \
  void name(const Mem<Width::width>& dst, Xmm src, uint8_t lane) {      \
    sse(ExtractOp::k##Name, dst, src, lane);                            \
  }                                                                     \
  void v##name(Reg<LaneGpr(Width::width)> dst, Xmm src, uint8_t lane) { \
    vex(ExtractOp::k##Name, dst.gpr(), src, lane);                      \
  }                                                                     \
  void v##name(const Mem<Width::width>& dst, Xmm src, uint8_t lane) {   \
    vex(ExtractOp::k##Name, dst, src, lane);                            \
  }
  GANTRY_X64_EXTRACT(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
#define GANTRY_X64_METHODS(name, Name, ...)                                                \
  void name(Xmm dst, const Mem64& src) { sse(SseHalfOp::k##Name, dst, src); }              \
  void name(const Mem64& dst, Xmm src) { sse(SseHalfOp::k##Name, dst, src); }              \
  void v##name(Xmm dst, Xmm a, const Mem64& src) { vex(SseHalfOp::k##Name, dst, a, src); } \
  void v##name(const Mem64& dst, Xmm src) { vex(SseHalfOp::k##Name, dst, src); }
  GANTRY_X64_SSE_HALF(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
#define GANTRY_X64_METHODS(name, Name, ...)                                                  \
  void name(Xmm dst, Xmm src) { sse(BlendvOp::k##Name, dst, src); }                          \
  void name(Xmm dst, const Mem128& src) { sse(BlendvOp::k##Name, dst, src); }                \
  void v##name(Xmm dst, Xmm a, Xmm b, Xmm mask) { vex(BlendvOp::k##Name, dst, a, b, mask); } \
  void v##name(Xmm dst, Xmm a, const Mem128& b, Xmm mask) {                                  \
    vex(BlendvOp::k##Name, dst, a, b, mask);                                                 \
  }
  GANTRY_X64_BLENDV(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
#define GANTRY_X64_METHODS(name, Name, map, opcode, width)         \
  void name(Xmm dst, Xmm src) { vex(VexRmOp::k##Name, dst, src); } \
  void name(Xmm dst, const Mem<Width::width>& src) { vex(VexRmOp::k##Name, dst, src); }
  GANTRY_X64_VEX_RM(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
#define GANTRY_X64_METHODS(name, Name, map, opcode, width)                                     \
  void name(Xmm dst, Xmm a, Xmm b, uint8_t imm) { vex(VexRvmImmOp::k##Name, dst, a, b, imm); } \
  void name(Xmm dst, Xmm a, const Mem<Width::width>& b, uint8_t imm) {                         \
    vex(VexRvmImmOp::k##Name, dst, a, b, imm);                                                 \
  }
  GANTRY_X64_VEX_RVM_IMM(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
#define GANTRY_X64_METHODS(name, Name, prefix, map, wide, opcode, width)    \
  void name(Xmm dst, Xmm a, Xmm b) { evex(EvexRvmOp::k##Name, dst, a, b); } \
  void name(Xmm dst, Xmm a, const Mem<Width::width>& b) { evex(EvexRvmOp::k##Name, dst, a, b); }
  GANTRY_X64_EVEX_RVM(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
#define GANTRY_X64_METHODS(name, Name, prefix, map, wide, opcode, width) \
  void name(Xmm dst, Xmm src) { evex(EvexRmOp::k##Name, dst, src); }     \
  void name(Xmm dst, const Mem<Width::width>& src) { evex(EvexRmOp::k##Name, dst, src); }
  GANTRY_X64_EVEX_RM(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
#define GANTRY_X64_METHODS(name, Name, prefix, map, wide, opcode, width)                         \
  void name(Xmm dst, Xmm a, Xmm b, uint8_t imm) { evex(EvexRvmImmOp::k##Name, dst, a, b, imm); } \
  void name(Xmm dst, Xmm a, const Mem<Width::width>& b, uint8_t imm) {                           \
    evex(EvexRvmImmOp::k##Name, dst, a, b, imm);                                                 \
  }
  GANTRY_X64_EVEX_RVM_IMM(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
#define GANTRY_X64_METHODS(name, Name, ...) \
  void name(Xmm dst, Xmm src, uint8_t amount) { evex(EvexShiftImmOp::k##Name, dst, src, amount); }
  GANTRY_X64_EVEX_SHIFT_IMM(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
#define GANTRY_X64_METHODS(name, Name, ...) \
  void name() { plain(PlainOp::k##Name); }
  GANTRY_X64_PLAIN(GANTRY_X64_METHODS)
#undef GANTRY_X64_METHODS
  void lfence();
  void mfence();

  // --- Control flow --------------------------------------------------------------------

  void bind(codegen::MachLabel label) { buffer_.Bind(label); }
  // The short form where the label is bound and near; jumps take part in simplification.
  void jmp(codegen::MachLabel target);
  void jcc(Condition condition, codegen::MachLabel target);
  // Always the short form, for a label about to be bound within 100 bytes.
  void jmp_short(codegen::MachLabel target);
  void jcc_short(Condition condition, codegen::MachLabel target);
  void jmp(Gpr64 target);
  void jmp(const Mem64& target);
  // A tail call.
  void jmp(codegen::ExternalName target);
  // To targets[index]; the index is in range and zero-extended, `table` is a scratch register
  // other than `index`; both are overwritten.
  void jmp_table(Gpr64 index, Gpr64 table, absl::Span<const codegen::MachLabel> targets);
  // Callers record the call site.
  void call(codegen::MachLabel target);
  void call(Gpr64 target);
  void call(const Mem64& target);
  void call(codegen::ExternalName target);
  // Address of something outside the function.
  void lea(Gpr64 dst, codegen::ExternalName name, int64_t addend = 0);
  void ret();
  // Also takes `bytes` of arguments off the stack; below 65536.
  void ret(uint32_t bytes);
  // The instruction that always faults, with its trap record.
  void ud2(codegen::TrapCode code);
  // `bytes` of instructions without effect, in as few as may be.
  void nop(uint32_t bytes);
  // Nops up to a multiple of `alignment`, a power of two; raises the buffer's alignment.
  void align(uint32_t alignment);

 private:
  codegen::MachBuffer& buffer_;
};

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_ASM_ASSEMBLER_H_
