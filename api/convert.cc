// Tested by api_test.cc.
#include "api/convert.h"

#include "absl/strings/str_cat.h"
#include "api/engine_state.h"
#include "api/store_state.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace gantry::api_internal {
namespace {

using runtime::ValRaw;

absl::Status Mismatch(absl::string_view what, ValType expected, const Val& value) {
  return absl::InvalidArgumentError(absl::StrCat(what, ": a value of type ", expected.ToString(),
                                                 " is expected, given is one of type ",
                                                 value.type().ToString()));
}

absl::Status NullNotAllowed(absl::string_view what, ValType expected) {
  return absl::InvalidArgumentError(
      absl::StrCat(what, ": null is no value of type ", expected.ToString()));
}

absl::StatusOr<ValRaw> FuncToRaw(Store& store, const Val& value, ValType type,
                                 absl::string_view what) {
  const std::optional<Func>& func = value.func_ref();
  if (!func) {
    if (!type.is_nullable()) return NullNotAllowed(what, type);
    return ValRaw::FuncRef(nullptr);
  }
  RETURN_IF_ERROR(CheckStore(store, func->store_id(), "function"));
  const wasm::HeapType heap = type.heap_type();
  if (heap.Is(wasm::AbstractHeapType::kNoFunc)) return Mismatch(what, type, value);
  if (heap.is_canonical() && !store.engine().state()->runtime()->types().IsSubtype(
                                 func->raw()->type_id, heap.canonical_id())) {
    return Mismatch(what, type, value);
  }
  return ValRaw::FuncRef(func->raw());
}

// A handle that is not null, of a store's heap or an i31.
absl::StatusOr<ValRaw> HandleToRaw(Store& store, uint64_t store_id, uint32_t handle,
                                   absl::string_view what) {
  if ((handle & 1) != 0) return ValRaw::Reference(handle);
  RETURN_IF_ERROR(CheckStore(store, store_id, "reference"));
  if (store.state().runtime().references().Get(handle) == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(what,
                     ": the reference does not live any more (it was made in a host call "
                     "that has returned)"));
  }
  return ValRaw::Reference(handle);
}

// Whether an anyref that is not null has the type asked for. Objects of the GC heap do not
// exist, so it is an i31 or a value of the host.
bool AnyMatches(const AnyRef& reference, wasm::HeapType heap) {
  if (heap.Is(wasm::AbstractHeapType::kAny)) return true;
  return reference.is_i31() &&
         (heap.Is(wasm::AbstractHeapType::kEq) || heap.Is(wasm::AbstractHeapType::kI31));
}

absl::StatusOr<ValRaw> ReferenceToRaw(Store& store, const Val& value, ValType type,
                                      absl::string_view what) {
  if (value.kind() != Val::Default(type).kind()) return Mismatch(what, type, value);
  if (value.kind() == Val::Kind::kFuncRef) return FuncToRaw(store, value, type, what);
  if (value.is_null()) {
    if (!type.is_nullable()) return NullNotAllowed(what, type);
    return ValRaw::Reference(0);
  }
  const wasm::HeapType heap = type.heap_type();
  if (value.kind() == Val::Kind::kExternRef) {
    if (!heap.Is(wasm::AbstractHeapType::kExtern)) return Mismatch(what, type, value);
    return HandleToRaw(store, value.extern_ref()->store_id(), value.extern_ref()->raw(), what);
  }
  if (value.kind() == Val::Kind::kExnRef) {
    if (!heap.Is(wasm::AbstractHeapType::kExn)) return Mismatch(what, type, value);
    return HandleToRaw(store, value.exn_ref()->store_id(), value.exn_ref()->raw(), what);
  }
  if (!AnyMatches(*value.any_ref(), heap)) return Mismatch(what, type, value);
  return HandleToRaw(store, value.any_ref()->store_id(), value.any_ref()->raw(), what);
}

Val ReferenceFromRaw(Store& store, ValType type, const ValRaw& raw) {
  const Val::Kind kind = Val::Default(type).kind();
  if (kind == Val::Kind::kFuncRef) {
    if (raw.func_ref == nullptr) return Val::FuncRef(std::nullopt);
    return Val::FuncRef(Func::FromRaw(store.id(), raw.func_ref));
  }
  const uint32_t handle = raw.reference;
  if (handle == 0) return Val::Default(type);
  // An i31 belongs to no store.
  const uint64_t store_id = (handle & 1) != 0 ? 0 : store.id();
  store.state().runtime().references().Root(handle);
  if (kind == Val::Kind::kExternRef) return Val::ExternRef(ExternRef::FromRaw(store_id, handle));
  if (kind == Val::Kind::kExnRef) return Val::ExnRef(ExnRef::FromRaw(store_id, handle));
  return Val::AnyRef(AnyRef::FromRaw(store_id, handle));
}

}  // namespace

absl::StatusOr<ValRaw> ToRaw(Store& store, const Val& value, ValType type, absl::string_view what) {
  switch (type.kind()) {
    case ValType::Kind::kI32:
      if (value.kind() == Val::Kind::kI32) return ValRaw::I32(value.i32());
      break;
    case ValType::Kind::kI64:
      if (value.kind() == Val::Kind::kI64) return ValRaw::I64(value.i64());
      break;
    case ValType::Kind::kF32:
      if (value.kind() == Val::Kind::kF32) {
        return ValRaw::I32(static_cast<int32_t>(value.f32_bits()));
      }
      break;
    case ValType::Kind::kF64:
      if (value.kind() == Val::Kind::kF64) {
        return ValRaw::I64(static_cast<int64_t>(value.f64_bits()));
      }
      break;
    case ValType::Kind::kV128:
      if (value.kind() == Val::Kind::kV128) return ValRaw::V128(value.v128()[0], value.v128()[1]);
      break;
    case ValType::Kind::kRef:
      return ReferenceToRaw(store, value, type, what);
    case ValType::Kind::kBottom:
      break;
  }
  return Mismatch(what, type, value);
}

Val FromRaw(Store& store, ValType type, const ValRaw& raw) {
  switch (type.kind()) {
    case ValType::Kind::kI32:
      return Val::I32(raw.i32);
    case ValType::Kind::kI64:
      return Val::I64(raw.i64);
    case ValType::Kind::kF32:
      return Val::F32Bits(raw.f32_bits);
    case ValType::Kind::kF64:
      return Val::F64Bits(raw.f64_bits);
    case ValType::Kind::kV128:
      return Val::V128(raw.words[0], raw.words[1]);
    case ValType::Kind::kRef:
      return ReferenceFromRaw(store, type, raw);
    case ValType::Kind::kBottom:
      break;
  }
  UNREACHABLE() << type;
}

}  // namespace gantry::api_internal
