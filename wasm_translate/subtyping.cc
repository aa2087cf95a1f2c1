#include "wasm_translate/subtyping.h"

#include <variant>

#include "base/check.h"

namespace gantry::wasm {
namespace {

// The abstract type just above a defined type.
AbstractHeapType KindOf(const SubType& type) {
  if (type.func() != nullptr) return AbstractHeapType::kFunc;
  if (type.struct_type() != nullptr) return AbstractHeapType::kStruct;
  return AbstractHeapType::kArray;
}

}  // namespace

bool IsSubtype(const Module& module, HeapType sub, HeapType super) {
  if (sub == super) return true;
  if (sub.is_shared() != super.is_shared()) return false;
  if (sub.is_concrete() && super.is_concrete()) {
    const uint32_t wanted = module.canonical_types[super.index()];
    for (TypeIndex at = sub.index(); at.is_some(); at = module.types[at].supertype) {
      if (module.canonical_types[at] == wanted) return true;
    }
    return false;
  }
  if (sub.is_concrete()) {
    return IsAbstractSubtype(KindOf(module.types[sub.index()]), super.abstract());
  }
  if (super.is_concrete()) {
    return module.types[super.index()].is_func() ? sub.Is(AbstractHeapType::kNoFunc)
                                                 : sub.Is(AbstractHeapType::kNone);
  }
  return IsAbstractSubtype(sub.abstract(), super.abstract());
}

bool IsSubtype(const Module& module, ValType sub, ValType super) {
  if (sub == super || sub.is_bottom()) return true;
  if (!sub.is_ref() || !super.is_ref()) return false;
  if (sub.is_nullable() && !super.is_nullable()) return false;
  return IsSubtype(module, sub.heap_type(), super.heap_type());
}

bool IsSubtype(const Module& module, const FieldType& sub, const FieldType& super) {
  if (sub.is_mutable != super.is_mutable || sub.storage.packed() != super.storage.packed()) {
    return false;
  }
  const ValType a = sub.storage.unpacked();
  const ValType b = super.storage.unpacked();
  return IsSubtype(module, a, b) && (!sub.is_mutable || IsSubtype(module, b, a));
}

bool IsSubtype(const Module& module, const FuncType& sub, const FuncType& super) {
  if (sub.params().size() != super.params().size() ||
      sub.results().size() != super.results().size()) {
    return false;
  }
  for (size_t i = 0; i < sub.params().size(); ++i) {
    if (!IsSubtype(module, super.params()[i], sub.params()[i])) return false;
  }
  for (size_t i = 0; i < sub.results().size(); ++i) {
    if (!IsSubtype(module, sub.results()[i], super.results()[i])) return false;
  }
  return true;
}

AbstractHeapType TopOf(const Module& module, HeapType type) {
  const AbstractHeapType abstract =
      type.is_abstract() ? type.abstract() : KindOf(module.types[type.index()]);
  for (AbstractHeapType top : {AbstractHeapType::kAny, AbstractHeapType::kFunc,
                               AbstractHeapType::kExtern, AbstractHeapType::kExn}) {
    if (IsAbstractSubtype(abstract, top)) return top;
  }
  UNREACHABLE();
}

}  // namespace gantry::wasm
