// Memory operands: a base with an offset, or with an index.
//
//   Address(sp, 16)                            // [sp, #16]
//   Address(x2, x3)                            // [x2, x3]
//   Address(x2, x3, /*scaled=*/true)           // [x2, x3, lsl #log2(size)]
//   Address(x2, w3, ExtendOp::kUxtw, false)    // [x2, w3, uxtw]
//
// A 32-bit index says how it is extended, so that no 32-bit computation slips into a 64-bit address
// unsaid (lessons row 8); a shift is by the width of the access and by nothing else (row 15).
#ifndef GANTRY_ISA_AARCH64_ASM_OPERANDS_H_
#define GANTRY_ISA_AARCH64_ASM_OPERANDS_H_

#include <cstdint>

#include "base/check.h"
#include "isa_aarch64/asm/instructions.h"
#include "isa_aarch64/asm/registers.h"

namespace gantry::aarch64 {

class Address {
 public:
  // Any offset; one that no instruction has takes the assembler's scratch register.
  explicit constexpr Address(XSp base, int64_t offset = 0) : base_(base), offset_(offset) {}
  constexpr Address(XSp base, X index, bool scaled = false)
      : base_(base), has_index_(true), scaled_(scaled), index_(index.encoding()) {}
  constexpr Address(XSp base, W index, ExtendOp extend, bool scaled = false)
      : base_(base), has_index_(true), scaled_(scaled), extend_(extend), index_(index.encoding()) {
    CHECK(extend == ExtendOp::kUxtw || extend == ExtendOp::kSxtw) << "not an index's extension";
  }

  constexpr XSp base() const { return base_; }
  constexpr bool has_index() const { return has_index_; }
  constexpr uint8_t index() const { return index_; }
  constexpr bool scaled() const { return scaled_; }
  constexpr ExtendOp extend() const { return extend_; }
  constexpr int64_t offset() const { return offset_; }

 private:
  XSp base_;
  bool has_index_ = false;
  bool scaled_ = false;
  ExtendOp extend_ = ExtendOp::kUxtx;
  uint8_t index_ = 31;
  int64_t offset_ = 0;
};

}  // namespace gantry::aarch64

#endif  // GANTRY_ISA_AARCH64_ASM_OPERANDS_H_
