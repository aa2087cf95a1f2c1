// Where values that a WebAssembly function takes and gives lie, in terms that no ISA owns: classes,
// and places as an ISA's convention hands them out (docs/abi.md). The ISAs' wasm_abi.h say which
// registers those are.
//
//   const AbiValue params[] = {{AbiClass::kInt, 4}, {AbiClass::kVector, 8}};   // i32, f64
//   AbiPlace places[2];
//   uint32_t stack = AssignAbiPlaces({.ints = kInts, .vector_count = 8}, params, places);
//
// Tested by the ISAs' wasm_abi_test.
#ifndef GANTRY_CODEGEN_ABI_PLACES_H_
#define GANTRY_CODEGEN_ABI_PLACES_H_

#include <cstdint>

#include "absl/types/span.h"

namespace gantry::codegen {

// Which registers a value goes to.
enum class AbiClass : uint8_t { kInt, kVector };

// A value as the convention sees it: i32 is {kInt, 4}, i64 and funcref {kInt, 8}, other
// references (u32 handles) {kInt, 4}, f32 {kVector, 4}, f64 {kVector, 8}, v128 {kVector, 16}.
// Functions of IR also have integers of 1 and 2 bytes.
struct AbiValue {
  AbiClass abi_class;
  uint8_t bytes;
  friend bool operator==(const AbiValue&, const AbiValue&) = default;
};

// Where a value is.
struct AbiPlace {
  enum class Kind : uint8_t {
    kInt,     // In general register `encoding`; 4-byte values zero-extended to 64 bits.
    kVector,  // In vector register `encoding`.
    // Arguments: at `offset` from the stack pointer at the call instruction. Results: at `offset`
    // in the result area. 8 bytes (4-byte integers zero-extended), or 16 for 16-byte values.
    kMemory,
  };
  Kind kind;
  uint8_t encoding;
  uint32_t offset;
  friend bool operator==(const AbiPlace&, const AbiPlace&) = default;
};

// The registers for one list of values, by encoding and in order; vector registers from 0 on.
struct AbiRegisters {
  absl::Span<const uint8_t> ints;
  uint32_t vector_count;
};

// Fills places[i] for values[i] (the spans have equal length): each class is counted alone, and
// what finds no register goes to memory, in order. Returns the bytes of memory, a multiple of 16.
uint32_t AssignAbiPlaces(const AbiRegisters& registers, absl::Span<const AbiValue> values,
                         absl::Span<AbiPlace> places);

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_ABI_PLACES_H_
