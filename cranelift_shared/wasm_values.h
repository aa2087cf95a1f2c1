// How values of wasm types pass between pieces of compiled code, whatever the compiler: the
// shape that the calling convention (docs/abi.md) and the trampolines see.
#ifndef GANTRY_CRANELIFT_SHARED_WASM_VALUES_H_
#define GANTRY_CRANELIFT_SHARED_WASM_VALUES_H_

#include <cstdint>

#include "environ/translation/module_translation.h"
#include "wasm_translate/types.h"

namespace gantry::cranelift {

// Register class and size of a value.
struct AbiShape {
  bool is_vector = false;
  uint8_t bytes = 0;

  friend bool operator==(const AbiShape&, const AbiShape&) = default;
};

// Whether values of a reference type are VMFuncRef pointers; others are handles into the
// store's heap.
inline bool IsFunctionReference(const environ::ModuleTranslation& module, wasm::ValType type) {
  if (!type.is_ref()) return false;
  const wasm::HeapType heap = type.heap_type();
  if (heap.is_abstract()) {
    return heap.abstract() == wasm::AbstractHeapType::kFunc ||
           heap.abstract() == wasm::AbstractHeapType::kNoFunc;
  }
  if (heap.is_canonical()) return heap.is_canonical_func();
  return module.parsed.types[heap.index()].is_func();
}

inline AbiShape ShapeOf(const environ::ModuleTranslation& module, wasm::ValType type) {
  switch (type.kind()) {
    case wasm::ValType::Kind::kI32:
      return {false, 4};
    case wasm::ValType::Kind::kI64:
      return {false, 8};
    case wasm::ValType::Kind::kF32:
      return {true, 4};
    case wasm::ValType::Kind::kF64:
      return {true, 8};
    case wasm::ValType::Kind::kV128:
      return {true, 16};
    default:
      return {false, static_cast<uint8_t>(IsFunctionReference(module, type) ? 8 : 4)};
  }
}

}  // namespace gantry::cranelift

#endif  // GANTRY_CRANELIFT_SHARED_WASM_VALUES_H_
