// ValRaw: one argument or result on its way between C++ and compiled code: 16 bytes without
// a type. The function's type says which member is meant.
//
//   ValRaw values[2];
//   values[0] = ValRaw::I32(1);
//   values[1] = ValRaw::I64(-1);
#ifndef GANTRY_RUNTIME_VAL_RAW_H_
#define GANTRY_RUNTIME_VAL_RAW_H_

#include <bit>
#include <cstdint>

#include "environ/core/vm_offsets.h"

namespace gantry::runtime {

struct VMFuncRef;

// i32 and references use the low four bytes; makers zero the rest, as the ABI wants i32
// zero-extended. Floats travel as bits, so that a signalling NaN stays one.
union alignas(16) ValRaw {
  int32_t i32;
  uint32_t u32;
  int64_t i64;
  uint64_t u64;
  uint32_t f32_bits;
  uint64_t f64_bits;
  uint8_t v128[16];
  uint64_t words[2];
  uint32_t reference;  // handle into the store's reference heap, 0 for null
  VMFuncRef* func_ref;

  ValRaw() : words{0, 0} {}
  static ValRaw I32(int32_t value) { return FromWord(static_cast<uint32_t>(value)); }
  static ValRaw I64(int64_t value) { return FromWord(static_cast<uint64_t>(value)); }
  static ValRaw F32(float value) { return FromWord(std::bit_cast<uint32_t>(value)); }
  static ValRaw F64(double value) { return FromWord(std::bit_cast<uint64_t>(value)); }
  static ValRaw V128(uint64_t low, uint64_t high) {
    ValRaw raw = FromWord(low);
    raw.words[1] = high;
    return raw;
  }
  static ValRaw Reference(uint32_t handle) { return FromWord(handle); }
  static ValRaw FuncRef(VMFuncRef* func_ref) {
    return FromWord(reinterpret_cast<uintptr_t>(func_ref));
  }

  float f32() const { return std::bit_cast<float>(f32_bits); }
  double f64() const { return std::bit_cast<double>(f64_bits); }

 private:
  static ValRaw FromWord(uint64_t word) {
    ValRaw raw;
    raw.words[0] = word;
    return raw;
  }
};
static_assert(sizeof(ValRaw) == environ::kValRawSize);

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_VAL_RAW_H_
