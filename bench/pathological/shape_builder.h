// What the shapes have in common: one exported function with arguments that nobody knows, in a
// module with a memory of one page.
#ifndef GANTRY_BENCH_PATHOLOGICAL_SHAPE_BUILDER_H_
#define GANTRY_BENCH_PATHOLOGICAL_SHAPE_BUILDER_H_

#include <cstdint>
#include <utility>

#include "absl/types/span.h"
#include "bench/pathological/shapes.h"
#include "wasm_translate/testing/module_builder.h"

namespace gantry::bench {

using wasm::FuncIndex;
using wasm::Opcode;
using wasm::TypeIndex;
using wasm::ValType;
using wasm::testing::CodeBuilder;
using wasm::testing::ModuleBuilder;

// (i32, i32) -> i32: its arguments are locals 0 and 1.
inline wasm::FuncType FunctionOfTwo() {
  return wasm::FuncType({ValType::I32(), ValType::I32()}, {ValType::I32()});
}

// The module of that one function.
inline Bytes OneFunction(const CodeBuilder& code) {
  ModuleBuilder module;
  module.Memory(1, 1);
  module.ExportFunc("f", module.Func(FunctionOfTwo(), code));
  return module.Build();
}

// A br_table; the last depth is the default's.
inline void BrTable(CodeBuilder& code, absl::Span<const uint32_t> depths) {
  wasm::ByteWriter immediates;
  immediates.VarU64(depths.size() - 1);
  for (const uint32_t depth : depths) immediates.VarU32(depth);
  code.Op(Opcode::kBrTable, immediates.bytes());
}

// Pushes the i32 at `offset` of memory.
inline CodeBuilder& LoadAt(CodeBuilder& code, uint32_t offset) {
  return code.I32Const(0).Memory(Opcode::kI32Load, offset);
}

// SplitMix64 (Steele, Lea, Flood 2014): numbers that no pattern of a compiler fits.
inline uint64_t Scrambled(uint64_t number) {
  uint64_t z = (number + 1) * 0x9E3779B97F4A7C15;
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EB;
  return z ^ (z >> 31);
}

}  // namespace gantry::bench

#endif  // GANTRY_BENCH_PATHOLOGICAL_SHAPE_BUILDER_H_
