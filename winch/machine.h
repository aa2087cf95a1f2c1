// The words that the code generator and its macro assemblers share: machine registers without
// an ISA's names, sets of them, the kinds of values, places in memory.
//
// A register says nothing of width; operations take the kind of value that they work on, once.
#ifndef GANTRY_WINCH_MACHINE_H_
#define GANTRY_WINCH_MACHINE_H_

#include <bit>
#include <cstdint>

#include "base/check.h"

namespace gantry::winch {

// What a value is to the machine.
enum class ValueKind : uint8_t {
  kI32,  // zero-extended in its register, always
  kI64,
  kF32,  // the bits above a float are of no interest
  kF64,
  kV128,
  kRef,   // a handle into the store's heap; an i32 that stack maps list
  kFunc,  // a VMFuncRef*, as an i64
};

inline constexpr bool IsVector(ValueKind kind) {
  return kind >= ValueKind::kF32 && kind <= ValueKind::kV128;
}
inline constexpr bool Is32(ValueKind kind) {
  return kind == ValueKind::kI32 || kind == ValueKind::kRef || kind == ValueKind::kF32;
}
// Bytes of the stack slot of a value.
inline constexpr int32_t SlotBytes(ValueKind kind) { return kind == ValueKind::kV128 ? 16 : 8; }

enum class RegClass : uint8_t { kInt, kVector };
inline constexpr RegClass ClassOf(ValueKind kind) {
  return IsVector(kind) ? RegClass::kVector : RegClass::kInt;
}

// Integer registers are 0 to 31, vector registers 32 to 63, by their hardware encoding.
class Reg {
 public:
  static constexpr uint8_t kFirstVector = 32;
  static constexpr uint8_t kCount = 64;

  constexpr Reg() = default;
  static constexpr Reg Int(uint8_t encoding) { return Reg(encoding); }
  static constexpr Reg Vector(uint8_t encoding) {
    return Reg(static_cast<uint8_t>(kFirstVector + encoding));
  }
  static constexpr Reg FromCode(uint8_t code) { return Reg(code); }

  constexpr bool is_none() const { return code_ == kNone; }
  constexpr bool is_vector() const { return code_ >= kFirstVector; }
  constexpr uint8_t code() const { return code_; }
  constexpr uint8_t encoding() const { return code_ & (kFirstVector - 1); }
  friend constexpr bool operator==(Reg, Reg) = default;

 private:
  static constexpr uint8_t kNone = 0xFF;
  explicit constexpr Reg(uint8_t code) : code_(code) {}
  uint8_t code_ = kNone;
};

class RegSet {
 public:
  constexpr RegSet() = default;
  explicit constexpr RegSet(uint64_t bits) : bits_(bits) {}
  template <typename... Regs>
  static constexpr RegSet Of(Regs... regs) {
    return RegSet(((uint64_t{1} << regs.code()) | ... | 0));
  }
  static constexpr RegSet OfClass(RegClass reg_class) {
    return RegSet(reg_class == RegClass::kInt ? 0xFFFFFFFF : uint64_t{0xFFFFFFFF} << 32);
  }

  constexpr bool empty() const { return bits_ == 0; }
  constexpr bool contains(Reg reg) const { return (bits_ >> reg.code() & 1) != 0; }
  constexpr void add(Reg reg) { bits_ |= uint64_t{1} << reg.code(); }
  constexpr void remove(Reg reg) { bits_ &= ~(uint64_t{1} << reg.code()); }
  constexpr Reg first() const {
    DCHECK(bits_ != 0);
    return Reg::FromCode(static_cast<uint8_t>(std::countr_zero(bits_)));
  }
  constexpr Reg last() const {
    DCHECK(bits_ != 0);
    return Reg::FromCode(static_cast<uint8_t>(63 - std::countl_zero(bits_)));
  }
  constexpr Reg TakeFirst() {
    const Reg reg = first();
    bits_ &= bits_ - 1;
    return reg;
  }
  constexpr int size() const { return std::popcount(bits_); }
  constexpr uint64_t bits() const { return bits_; }

  friend constexpr RegSet operator|(RegSet a, RegSet b) { return RegSet(a.bits_ | b.bits_); }
  friend constexpr RegSet operator&(RegSet a, RegSet b) { return RegSet(a.bits_ & b.bits_); }
  // Without those of `b`.
  friend constexpr RegSet operator-(RegSet a, RegSet b) { return RegSet(a.bits_ & ~b.bits_); }
  constexpr RegSet& operator|=(RegSet b) { return *this = *this | b; }
  constexpr RegSet& operator-=(RegSet b) { return *this = *this - b; }
  friend constexpr bool operator==(RegSet, RegSet) = default;

 private:
  uint64_t bits_ = 0;
};

// [base + index + offset], the index of 64 bits or none.
struct MemOperand {
  Reg base;
  Reg index;
  int32_t offset = 0;
  // The instruction that accesses it may fault, which is a trap by `trap` (0: it cannot).
  uint8_t trap = 0;
};

enum class IntOp : uint8_t { kAdd, kSub, kAnd, kOr, kXor };
enum class ShiftOp : uint8_t { kShl, kShrS, kShrU, kRotl, kRotr };
// In the order of WebAssembly's comparisons.
enum class IntCond : uint8_t { kEq, kNe, kLtS, kLtU, kGtS, kGtU, kLeS, kLeU, kGeS, kGeU };
enum class FloatCond : uint8_t { kEq, kNe, kLt, kGt, kLe, kGe };

// What the flags hold after a comparison; its meaning is the macro assembler's.
struct Condition {
  uint8_t code = 0;
};

}  // namespace gantry::winch

#endif  // GANTRY_WINCH_MACHINE_H_
