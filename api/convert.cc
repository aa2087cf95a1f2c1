// Tested by api_test.cc.
#include "api/convert.h"

#include "absl/strings/str_cat.h"
#include "api/engine_state.h"
#include "api/store_state.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "runtime/table.h"

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

absl::StatusOr<ValRaw> ExternToRaw(Store& store, const Val& value, ValType type,
                                   absl::string_view what) {
  const std::optional<ExternRef>& reference = value.extern_ref();
  if (!reference) {
    if (!type.is_nullable()) return NullNotAllowed(what, type);
    return ValRaw::Reference(0);
  }
  RETURN_IF_ERROR(CheckStore(store, reference->store_id(), "externref"));
  if (store.state().runtime().references().Get(reference->raw()) == nullptr) {
    return absl::InvalidArgumentError(
        absl::StrCat(what,
                     ": the externref does not live any more (it was made in a host call "
                     "that has returned)"));
  }
  return ValRaw::Reference(reference->raw());
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
      if (runtime::IsFuncReference(type)) {
        if (value.kind() == Val::Kind::kFuncRef) return FuncToRaw(store, value, type, what);
      } else if (value.kind() == Val::Kind::kExternRef) {
        return ExternToRaw(store, value, type, what);
      }
      break;
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
      if (runtime::IsFuncReference(type)) {
        if (raw.func_ref == nullptr) return Val::FuncRef(std::nullopt);
        return Val::FuncRef(Func::FromRaw(store.id(), raw.func_ref));
      }
      if (raw.reference == 0) return Val::ExternRef(std::nullopt);
      store.state().runtime().references().Root(raw.reference);
      return Val::ExternRef(ExternRef::FromRaw(store.id(), raw.reference));
    case ValType::Kind::kBottom:
      break;
  }
  UNREACHABLE() << type;
}

}  // namespace gantry::api_internal
