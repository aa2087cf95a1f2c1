// Memory operands. An Address is where; a Mem<W> is an address with the width that is read
// or written there, and instructions take the latter, so that the width of an access is
// checked by the compiler just like that of a register.
//
//   Address(rdi, 16)                               // [rdi + 16]
//   Address(rdi, rcx, Scale::k4, -8)               // [rdi + rcx*4 - 8]
//   Address(label)                                 // [rip + label]
//   Mem32(Address(rsp, 8))                         // dword ptr [rsp + 8]
//
// Addresses are made of 64-bit registers only: a 32-bit computation can't slip into 64-bit
// addressing (lessons row 8).
#ifndef GANTRY_ISA_X64_ASM_OPERANDS_H_
#define GANTRY_ISA_X64_ASM_OPERANDS_H_

#include <cstdint>

#include "base/check.h"
#include "codegen/label_kind.h"
#include "isa_x64/asm/registers.h"

namespace gantry::x64 {

// What an index is multiplied with; the value is the hardware's.
enum class Scale : uint8_t { k1 = 0, k2 = 1, k4 = 2, k8 = 3 };

// Kept as the bytes that follow an opcode (ModRM without its register field, SIB,
// displacement), so that emission is one store.
class Address {
 public:
  // [base + displacement]
  explicit constexpr Address(Gpr64 base, int32_t displacement = 0) {
    const uint8_t low = base.encoding() & 7;
    rex_ = base.encoding() >> 3;
    const uint32_t mode = ModeFor(displacement, low == 5);
    // The encoding of rsp and r12 means that a SIB byte follows.
    if (low == 4) {
      SetTail(mode << 6 | 4 | 0x24 << 8, 2, mode, displacement);
    } else {
      SetTail(mode << 6 | low, 1, mode, displacement);
    }
  }

  // [base + index * scale + displacement]. The index can't be rsp.
  constexpr Address(Gpr64 base, Gpr64 index, Scale scale, int32_t displacement = 0) {
    CHECK(index.encoding() != 4) << "rsp can't be an index";
    rex_ = static_cast<uint8_t>((base.encoding() >> 3) | (index.encoding() >> 3) << 1);
    const uint8_t low = base.encoding() & 7;
    const uint32_t mode = ModeFor(displacement, low == 5);
    SetTail(mode << 6 | 4 | Sib(scale, index, low) << 8, 2, mode, displacement);
  }

  // [index * scale + displacement]. The index can't be rsp.
  static constexpr Address Scaled(Gpr64 index, Scale scale, int32_t displacement = 0) {
    CHECK(index.encoding() != 4) << "rsp can't be an index";
    Address address;
    address.rex_ = static_cast<uint8_t>((index.encoding() >> 3) << 1);
    // Base 5 without a mode means no base and a 32-bit displacement.
    address.SetTail(4 | Sib(scale, index, 5) << 8, 2, 2, displacement);
    return address;
  }

  // The place of `label` plus `displacement`, relative to rip. For code and for the
  // constants and tables of the same buffer.
  explicit constexpr Address(codegen::MachLabel label, int32_t displacement = 0) : label_(label) {
    SetTail(5, 1, 2, displacement);
  }

  // For the encoder: ModRM, SIB and displacement, and how many bytes that is.
  constexpr uint64_t tail() const { return tail_; }
  constexpr uint8_t tail_length() const { return length_; }
  // REX.X in bit 1, REX.B in bit 0.
  constexpr uint8_t rex() const { return rex_; }
  // None unless relative to rip.
  constexpr codegen::MachLabel label() const { return label_; }

 private:
  constexpr Address() = default;

  // 0: no displacement, 1: one byte, 2: four bytes. With rbp and r13 as base there is no
  // form without one.
  static constexpr uint32_t ModeFor(int32_t displacement, bool always) {
    if (displacement == 0 && !always) return 0;
    return displacement >= -128 && displacement <= 127 ? 1 : 2;
  }
  static constexpr uint32_t Sib(Scale scale, Gpr64 index, uint8_t base) {
    return static_cast<uint32_t>(scale) << 6 | (index.encoding() & 7u) << 3 | base;
  }
  constexpr void SetTail(uint32_t head, uint8_t head_length, uint32_t mode, int32_t displacement) {
    constexpr uint8_t kBytes[] = {0, 1, 4};
    length_ = head_length + kBytes[mode];
    tail_ = head | uint64_t{static_cast<uint32_t>(displacement)} << (8 * head_length);
  }

  uint64_t tail_ = 0;
  codegen::MachLabel label_;
  uint8_t length_ = 0;
  uint8_t rex_ = 0;
};

// Memory of width `W` at an address.
template <Width W>
class Mem {
 public:
  explicit constexpr Mem(const Address& address) : address_(address) {}
  template <typename... Args>
  explicit constexpr Mem(Gpr64 base, Args... args) : address_(base, args...) {}
  explicit constexpr Mem(codegen::MachLabel label) : address_(label) {}
  constexpr const Address& address() const { return address_; }

 private:
  Address address_;
};

using Mem8 = Mem<Width::k8>;
using Mem16 = Mem<Width::k16>;
using Mem32 = Mem<Width::k32>;
using Mem64 = Mem<Width::k64>;
using Mem128 = Mem<Width::k128>;

// Memory whose width is a value; instructions check it against their own.
class AnyMem {
 public:
  constexpr AnyMem(Width width, const Address& address) : address_(address), width_(width) {}
  template <Width W>
  constexpr AnyMem(const Mem<W>& mem) : address_(mem.address()), width_(W) {}
  constexpr const Address& address() const { return address_; }
  constexpr Width width() const { return width_; }

 private:
  Address address_;
  Width width_;
};

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_ASM_OPERANDS_H_
