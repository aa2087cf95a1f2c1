// Which types of one module may stand for which others.
//
// (WebAssembly 3.0, "Matching".)
#ifndef GANTRY_WASM_TRANSLATE_SUBTYPING_H_
#define GANTRY_WASM_TRANSLATE_SUBTYPING_H_

#include "wasm_translate/module.h"
#include "wasm_translate/types.h"

namespace gantry::wasm {

// Concrete types are compared up to equivalence, by Module::canonical_types, and along the
// declared supertypes, of which there are at most ValidatorLimits::subtyping_depth.
bool IsSubtype(const Module& module, HeapType sub, HeapType super);
bool IsSubtype(const Module& module, ValType sub, ValType super);
bool IsSubtype(const Module& module, const FieldType& sub, const FieldType& super);
bool IsSubtype(const Module& module, const FuncType& sub, const FuncType& super);

// The abstract type at the top of a heap type's hierarchy: any, func, extern or exn.
AbstractHeapType TopOf(const Module& module, HeapType type);

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_SUBTYPING_H_
