// The registers of x64. The width in which an instruction reads or writes a general register
// is part of the operand's C++ type: Gpr32 and Gpr64 are different types, so that adding a
// 32-bit register to a 64-bit one does not compile.
//
//   Gpr32 count = ecx;
//   Gpr64 index = Gpr64(count.gpr());   // Another view of the same register, said aloud.
//
// Gpr names a register without a width, for instructions whose width is a value (see
// assembler.h) and for register allocation, which moves and spills whole registers.
#ifndef GANTRY_ISA_X64_ASM_REGISTERS_H_
#define GANTRY_ISA_X64_ASM_REGISTERS_H_

#include <cstdint>

#include "base/check.h"

namespace gantry::x64 {

// Operand widths; the value is the logarithm of the number of bytes. General registers come
// in the first four.
enum class Width : uint8_t { k8 = 0, k16 = 1, k32 = 2, k64 = 3, k128 = 4 };

constexpr uint32_t BytesOf(Width width) { return 1u << static_cast<uint8_t>(width); }
constexpr uint32_t BitsOf(Width width) { return 8u << static_cast<uint8_t>(width); }

// A general register by its hardware encoding, 0 (rax) to 15 (r15).
class Gpr {
 public:
  explicit constexpr Gpr(uint8_t encoding) : encoding_(encoding) { DCHECK(encoding < 16); }
  constexpr uint8_t encoding() const { return encoding_; }
  friend constexpr bool operator==(Gpr, Gpr) = default;

 private:
  uint8_t encoding_;
};

// The low `W` bits of a general register. (The 8-bit registers are al to r15b; ah and its
// kin are not modelled.)
template <Width W>
class Reg {
  static_assert(W <= Width::k64);

 public:
  static constexpr Width kWidth = W;
  explicit constexpr Reg(Gpr gpr) : gpr_(gpr) {}
  explicit constexpr Reg(uint8_t encoding) : gpr_(encoding) {}
  constexpr Gpr gpr() const { return gpr_; }
  constexpr uint8_t encoding() const { return gpr_.encoding(); }
  friend constexpr bool operator==(Reg, Reg) = default;

 private:
  Gpr gpr_;
};

using Gpr8 = Reg<Width::k8>;
using Gpr16 = Reg<Width::k16>;
using Gpr32 = Reg<Width::k32>;
using Gpr64 = Reg<Width::k64>;

// A vector register by its hardware encoding, 0 to 15.
class Xmm {
 public:
  explicit constexpr Xmm(uint8_t encoding) : encoding_(encoding) { DCHECK(encoding < 16); }
  constexpr uint8_t encoding() const { return encoding_; }
  friend constexpr bool operator==(Xmm, Xmm) = default;

 private:
  uint8_t encoding_;
};

// The registers' own names.
// clang-format off
inline constexpr Gpr64 rax{0}, rcx{1}, rdx{2}, rbx{3}, rsp{4}, rbp{5}, rsi{6}, rdi{7};
inline constexpr Gpr64 r8{8}, r9{9}, r10{10}, r11{11}, r12{12}, r13{13}, r14{14}, r15{15};
inline constexpr Gpr32 eax{0}, ecx{1}, edx{2}, ebx{3}, esp{4}, ebp{5}, esi{6}, edi{7};
inline constexpr Gpr32 r8d{8}, r9d{9}, r10d{10}, r11d{11}, r12d{12}, r13d{13}, r14d{14}, r15d{15};
inline constexpr Gpr16 ax{0}, cx{1}, dx{2}, bx{3};
inline constexpr Gpr8 al{0}, cl{1}, dl{2}, bl{3}, spl{4}, bpl{5}, sil{6}, dil{7};
inline constexpr Xmm xmm0{0}, xmm1{1}, xmm2{2}, xmm3{3}, xmm4{4}, xmm5{5}, xmm6{6}, xmm7{7};
inline constexpr Xmm xmm8{8}, xmm9{9}, xmm10{10}, xmm11{11}, xmm12{12}, xmm13{13}, xmm14{14}, xmm15{15};
// clang-format on

// Conditions by hardware encoding.
enum class Condition : uint8_t {
  kOverflow = 0,
  kNotOverflow = 1,
  kBelow = 2,  // Also: carry.
  kAboveOrEqual = 3,
  kEqual = 4,  // Also: zero.
  kNotEqual = 5,
  kBelowOrEqual = 6,
  kAbove = 7,
  kNegative = 8,
  kNotNegative = 9,
  kParity = 10,  // After ucomis: unordered.
  kNotParity = 11,
  kLess = 12,
  kGreaterOrEqual = 13,
  kLessOrEqual = 14,
  kGreater = 15,
};

constexpr Condition Invert(Condition condition) {
  return static_cast<Condition>(static_cast<uint8_t>(condition) ^ 1);
}

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_ASM_REGISTERS_H_
