// Tested by typed_func_test.cc.
#include "api/host_func.h"

#include "api/convert.h"
#include "api/val.h"

namespace gantry::api_internal {
namespace {

wasm::ValType AnyRefType() {
  return wasm::ValType::Ref(wasm::HeapType::Abstract(wasm::AbstractHeapType::kAny), true);
}

}  // namespace

// One for each type of reference: the names differ, the checks are those of a Val.
#define GANTRY_HOST_REFERENCE(Ref, type, make, get)                                            \
  template <>                                                                                  \
  wasm::ValType HostReference<Ref>::Type() {                                                   \
    return type;                                                                               \
  }                                                                                            \
  template <>                                                                                  \
  std::optional<Ref> HostReference<Ref>::Load(Store& store, const runtime::ValRaw& raw) {      \
    return FromRaw(store, type, raw).get();                                                    \
  }                                                                                            \
  template <>                                                                                  \
  absl::StatusOr<runtime::ValRaw> HostReference<Ref>::ToRaw(Store& store,                      \
                                                            const std::optional<Ref>& value) { \
    return api_internal::ToRaw(store, Val::make(value), type, "a reference");                  \
  }

GANTRY_HOST_REFERENCE(Func, wasm::ValType::FuncRef(), FuncRef, func_ref)
GANTRY_HOST_REFERENCE(ExternRef, wasm::ValType::ExternRef(), ExternRef, extern_ref)
GANTRY_HOST_REFERENCE(AnyRef, AnyRefType(), AnyRef, any_ref)
GANTRY_HOST_REFERENCE(ExnRef, wasm::ValType::ExnRef(), ExnRef, exn_ref)
#undef GANTRY_HOST_REFERENCE

}  // namespace gantry::api_internal
