// MemFlags: what is known about one memory access, in 32 bits.
//
//   const MemFlags heap = MemFlags::Trapping(out_of_bounds).WithRegion(3);
//   const MemFlags vmctx = MemFlags::Trusted().WithReadonly().WithMovable();
//
// Accesses of different regions never overlap; region 0 is "anything" and overlaps all.
// Region numbers beyond that are the producer's own, open-ended.
#ifndef GANTRY_CODEGEN_IR_MEM_FLAGS_H_
#define GANTRY_CODEGEN_IR_MEM_FLAGS_H_

#include <cstdint>
#include <optional>

#include "base/check.h"
#include "codegen/code_records.h"

namespace gantry::codegen {

class MemFlags {
 public:
  static constexpr uint32_t kMaxRegion = 0xFFFF;

  // May not trap, may be unaligned, region 0, not read-only, not movable.
  constexpr MemFlags() = default;
  static constexpr MemFlags FromRaw(uint32_t raw) { return MemFlags(raw); }

  // An access that stops the guest with `code` when it faults.
  static constexpr MemFlags Trapping(TrapCode code) {
    return MemFlags(kTrapBit | uint32_t{static_cast<uint8_t>(code)} << kTrapShift);
  }
  // An access that can't fault and is aligned to its size: the VM's own structures.
  static constexpr MemFlags Trusted() { return MemFlags(kAlignedBit); }

  constexpr MemFlags WithTrap(std::optional<TrapCode> code) const {
    const uint32_t rest = raw_ & ~(kTrapBit | 0xFFu << kTrapShift);
    if (!code.has_value()) return MemFlags(rest);
    return MemFlags(rest | kTrapBit | uint32_t{static_cast<uint8_t>(*code)} << kTrapShift);
  }
  constexpr MemFlags WithRegion(uint32_t region) const {
    DCHECK(region <= kMaxRegion);
    return MemFlags((raw_ & ~kMaxRegion) | (region & kMaxRegion));
  }
  // The bytes never change while the function runs.
  constexpr MemFlags WithReadonly() const { return MemFlags(raw_ | kReadonlyBit); }
  // The access is valid wherever its address can be computed, not only where it stands.
  constexpr MemFlags WithMovable() const { return MemFlags(raw_ | kMovableBit); }
  // The address plus offset is a multiple of the access's size.
  constexpr MemFlags WithAligned() const { return MemFlags(raw_ | kAlignedBit); }

  constexpr uint32_t region() const { return raw_ & kMaxRegion; }
  // None where the access can't fault.
  constexpr std::optional<TrapCode> trap() const {
    if ((raw_ & kTrapBit) == 0) return std::nullopt;
    return static_cast<TrapCode>(raw_ >> kTrapShift & 0xFF);
  }
  constexpr bool can_trap() const { return (raw_ & kTrapBit) != 0; }
  constexpr bool readonly() const { return (raw_ & kReadonlyBit) != 0; }
  constexpr bool movable() const { return (raw_ & kMovableBit) != 0; }
  constexpr bool aligned() const { return (raw_ & kAlignedBit) != 0; }
  constexpr uint32_t raw() const { return raw_; }
  // True if all bits that are set mean something.
  constexpr bool well_formed() const { return raw_ >> 28 == 0; }

  friend constexpr bool operator==(MemFlags a, MemFlags b) = default;

 private:
  constexpr explicit MemFlags(uint32_t raw) : raw_(raw) {}

  static constexpr uint32_t kTrapShift = 16;
  static constexpr uint32_t kTrapBit = 1u << 24;
  static constexpr uint32_t kReadonlyBit = 1u << 25;
  static constexpr uint32_t kMovableBit = 1u << 26;
  static constexpr uint32_t kAlignedBit = 1u << 27;

  uint32_t raw_ = 0;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_IR_MEM_FLAGS_H_
