// Registers as the code generator sees them: physical ones (PReg), virtual ones (VReg), the
// classes they come in, sets of physical registers, and the place that register allocation
// finally gives a value (Allocation).
//
//   const PReg rax(RegClass::kInt, 0);
//   const VReg v(7, RegClass::kVector);     // prints "v7v"
//   PRegSet clobbers = {rax, ...};
//
// All are a few bytes and trivially copyable. Spills, reloads and moves go by class alone: a
// class has one width, and that many bytes are always copied (lessons rows 1 and 2).
#ifndef GANTRY_CODEGEN_REGALLOC_REG_H_
#define GANTRY_CODEGEN_REGALLOC_REG_H_

#include <bit>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <initializer_list>
#include <ostream>
#include <utility>

#include "base/check.h"

namespace gantry::codegen {

// Int: general registers, 8 bytes. Vector: registers that hold f32, f64 and v128, 16 bytes.
enum class RegClass : uint8_t { kInt = 0, kVector = 1 };
inline constexpr size_t kNumRegClasses = 2;
inline constexpr RegClass kRegClasses[] = {RegClass::kInt, RegClass::kVector};

inline std::ostream& operator<<(std::ostream& out, RegClass reg_class) {
  return out << (reg_class == RegClass::kInt ? "int" : "vector");
}

// A physical register: class and hardware encoding (0..31).
class PReg {
 public:
  static constexpr size_t kMaxEncoding = 31;
  // Number of values of index().
  static constexpr size_t kCount = 64;

  constexpr PReg() = default;
  constexpr PReg(RegClass reg_class, uint8_t encoding)
      : raw_(static_cast<uint8_t>(static_cast<uint8_t>(reg_class) << 5 | (encoding & 31))) {
    DCHECK(encoding <= kMaxEncoding);
  }

  static constexpr PReg None() { return PReg(); }
  static constexpr PReg FromIndex(size_t index) {
    DCHECK(index < kCount);
    PReg reg;
    reg.raw_ = static_cast<uint8_t>(index);
    return reg;
  }

  constexpr bool is_none() const { return raw_ == kNoneRaw; }
  constexpr bool is_some() const { return raw_ != kNoneRaw; }
  // Neither of these is for none.
  constexpr RegClass reg_class() const { return static_cast<RegClass>(raw_ >> 5); }
  constexpr uint8_t encoding() const { return raw_ & 31; }
  // Position in an array over the registers of all classes.
  constexpr size_t index() const { return raw_; }

  friend constexpr bool operator==(PReg a, PReg b) = default;
  friend constexpr auto operator<=>(PReg a, PReg b) = default;
  // "i3" is the general register with encoding 3, "x3" the vector register.
  friend std::ostream& operator<<(std::ostream& out, PReg reg) {
    if (reg.is_none()) return out << "preg-none";
    return out << (reg.reg_class() == RegClass::kInt ? 'i' : 'x') << int{reg.encoding()};
  }
  template <typename H>
  friend H AbslHashValue(H state, PReg reg) {
    return H::combine(std::move(state), reg.raw_);
  }

 private:
  static constexpr uint8_t kNoneRaw = 0xFF;
  uint8_t raw_ = kNoneRaw;
};

// A set of physical registers of any class, iterated by class and then encoding.
class PRegSet {
 public:
  class iterator {
   public:
    constexpr explicit iterator(uint64_t rest) : rest_(rest) {}
    constexpr PReg operator*() const {
      return PReg::FromIndex(static_cast<size_t>(std::countr_zero(rest_)));
    }
    constexpr iterator& operator++() {
      rest_ &= rest_ - 1;
      return *this;
    }
    friend constexpr bool operator==(iterator a, iterator b) = default;

   private:
    uint64_t rest_;
  };

  constexpr PRegSet() = default;
  constexpr PRegSet(std::initializer_list<PReg> regs) {
    for (PReg reg : regs) insert(reg);
  }
  static constexpr PRegSet FromBits(uint64_t bits) {
    PRegSet set;
    set.bits_ = bits;
    return set;
  }
  // Every register with an encoding of the class.
  static constexpr PRegSet AllOf(RegClass reg_class) {
    return FromBits(uint64_t{0xFFFFFFFF} << (reg_class == RegClass::kInt ? 0 : 32));
  }

  constexpr void insert(PReg reg) { bits_ |= uint64_t{1} << reg.index(); }
  constexpr void erase(PReg reg) { bits_ &= ~(uint64_t{1} << reg.index()); }
  constexpr bool contains(PReg reg) const { return (bits_ >> reg.index() & 1) != 0; }
  constexpr bool empty() const { return bits_ == 0; }
  constexpr size_t size() const { return static_cast<size_t>(std::popcount(bits_)); }
  constexpr uint64_t bits() const { return bits_; }

  friend constexpr PRegSet operator|(PRegSet a, PRegSet b) { return FromBits(a.bits_ | b.bits_); }
  friend constexpr PRegSet operator&(PRegSet a, PRegSet b) { return FromBits(a.bits_ & b.bits_); }
  // Members of `a` that are not in `b`.
  friend constexpr PRegSet operator-(PRegSet a, PRegSet b) { return FromBits(a.bits_ & ~b.bits_); }
  constexpr PRegSet& operator|=(PRegSet other) { return *this = *this | other; }
  friend constexpr bool operator==(PRegSet a, PRegSet b) = default;

  constexpr iterator begin() const { return iterator(bits_); }
  constexpr iterator end() const { return iterator(0); }

  friend std::ostream& operator<<(std::ostream& out, PRegSet set) {
    out << '{';
    const char* separator = "";
    for (PReg reg : set) {
      out << separator << reg;
      separator = " ";
    }
    return out << '}';
  }

 private:
  uint64_t bits_ = 0;
};

// A virtual register: a number and a class. Numbers are dense over both classes together, so
// index() is a position in an array over all virtual registers of a function.
class VReg {
 public:
  // Past this a function is too large (never a wrap): see Limits in interface.h.
  static constexpr uint32_t kMaxIndex = (uint32_t{1} << 30) - 1;

  constexpr VReg() = default;
  constexpr VReg(uint32_t index, RegClass reg_class)
      : raw_(index << 1 | static_cast<uint32_t>(reg_class)) {
    DCHECK(index <= kMaxIndex);
  }
  static constexpr VReg None() { return VReg(); }

  constexpr bool is_none() const { return raw_ == kNoneRaw; }
  constexpr bool is_some() const { return raw_ != kNoneRaw; }
  constexpr size_t index() const { return raw_ >> 1; }
  constexpr RegClass reg_class() const { return static_cast<RegClass>(raw_ & 1); }
  // The bits, none included: for packing and hashing.
  constexpr uint32_t raw() const { return raw_; }

  friend constexpr bool operator==(VReg a, VReg b) = default;
  friend constexpr auto operator<=>(VReg a, VReg b) = default;
  // "v7i" is number 7 of class Int, "v7v" of class Vector.
  friend std::ostream& operator<<(std::ostream& out, VReg reg) {
    if (reg.is_none()) return out << "vreg-none";
    return out << 'v' << reg.index() << (reg.reg_class() == RegClass::kInt ? 'i' : 'v');
  }
  template <typename H>
  friend H AbslHashValue(H state, VReg reg) {
    return H::combine(std::move(state), reg.raw_);
  }

 private:
  static constexpr uint32_t kNoneRaw = 0xFFFFFFFF;
  uint32_t raw_ = kNoneRaw;
};

// A spill slot: its first word in the frame's spill area (words of 8 bytes), and the class that
// fixes its size and alignment. Slots of different classes never share a word.
class SpillSlot {
 public:
  static constexpr size_t kWordBytes = 8;
  static constexpr uint32_t kMaxWord = (uint32_t{1} << 28) - 1;

  constexpr SpillSlot() = default;
  constexpr SpillSlot(uint32_t word, RegClass reg_class)
      : raw_(word << 1 | static_cast<uint32_t>(reg_class)) {
    DCHECK(word <= kMaxWord);
  }
  constexpr bool is_none() const { return raw_ == kNoneRaw; }
  constexpr bool is_some() const { return raw_ != kNoneRaw; }
  constexpr uint32_t word() const { return raw_ >> 1; }
  // Distance in bytes from the start of the spill area.
  constexpr size_t byte_offset() const { return size_t{word()} * kWordBytes; }
  constexpr RegClass reg_class() const { return static_cast<RegClass>(raw_ & 1); }
  constexpr uint32_t raw() const { return raw_; }

  friend constexpr bool operator==(SpillSlot a, SpillSlot b) = default;
  friend constexpr auto operator<=>(SpillSlot a, SpillSlot b) = default;
  friend std::ostream& operator<<(std::ostream& out, SpillSlot slot) {
    if (slot.is_none()) return out << "slot-none";
    return out << "slot" << slot.word() << (slot.reg_class() == RegClass::kInt ? 'i' : 'v');
  }

 private:
  static constexpr uint32_t kNoneRaw = 0xFFFFFFFF;
  uint32_t raw_ = kNoneRaw;
};

// Where a value is: nowhere (none), in a physical register, or in a spill slot.
class Allocation {
 public:
  constexpr Allocation() = default;
  constexpr Allocation(PReg reg)  // NOLINT(google-explicit-constructor): a place is a register
      : raw_(reg.is_none() ? kNoneRaw : kRegTag | static_cast<uint32_t>(reg.index())) {}
  constexpr Allocation(SpillSlot slot)  // NOLINT(google-explicit-constructor): or a slot
      : raw_(slot.is_none() ? kNoneRaw : slot.raw()) {}

  constexpr bool is_none() const { return raw_ == kNoneRaw; }
  constexpr bool is_some() const { return raw_ != kNoneRaw; }
  constexpr bool is_reg() const { return (raw_ & ~uint32_t{0xFF}) == kRegTag; }
  constexpr bool is_stack() const { return raw_ < kRegTag; }
  // None if this is not a register.
  constexpr PReg reg() const { return is_reg() ? PReg::FromIndex(raw_ & 0xFF) : PReg::None(); }
  // None if this is not a slot.
  constexpr SpillSlot slot() const {
    return is_stack() ? SpillSlot(raw_ >> 1, static_cast<RegClass>(raw_ & 1)) : SpillSlot();
  }
  // Not for none.
  constexpr RegClass reg_class() const {
    return is_reg() ? reg().reg_class() : static_cast<RegClass>(raw_ & 1);
  }
  constexpr uint32_t raw() const { return raw_; }

  friend constexpr bool operator==(Allocation a, Allocation b) = default;
  friend constexpr auto operator<=>(Allocation a, Allocation b) = default;
  friend std::ostream& operator<<(std::ostream& out, Allocation place) {
    if (place.is_none()) return out << "none";
    if (place.is_reg()) return out << place.reg();
    return out << place.slot();
  }
  template <typename H>
  friend H AbslHashValue(H state, Allocation place) {
    return H::combine(std::move(state), place.raw_);
  }

 private:
  static constexpr uint32_t kNoneRaw = 0xFFFFFFFF;
  static constexpr uint32_t kRegTag = 0x80000000;
  uint32_t raw_ = kNoneRaw;
};

static_assert(sizeof(PReg) == 1 && sizeof(VReg) == 4 && sizeof(Allocation) == 4);

}  // namespace gantry::codegen

template <>
struct std::hash<gantry::codegen::VReg> {
  size_t operator()(gantry::codegen::VReg reg) const noexcept {
    return std::hash<uint32_t>()(reg.raw());
  }
};

#endif  // GANTRY_CODEGEN_REGALLOC_REG_H_
