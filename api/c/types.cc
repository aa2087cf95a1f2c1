// Tested by wasm_test.c.
#include "api/c/types.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "api/c/gantry.h"
#include "api/c/guard.h"
#include "api/c/vectors.h"
#include "base/status_macros.h"

namespace gantry::c_api {

void SetBytes(absl::string_view bytes, wasm_byte_vec_t* out) {
  wasm_byte_vec_new(out, bytes.size(), bytes.data());
}

wasm_valtype_t FromValType(ValType type) {
  switch (type.kind()) {
    case ValType::Kind::kI32:
      return {WASM_I32};
    case ValType::Kind::kI64:
      return {WASM_I64};
    case ValType::Kind::kF32:
      return {WASM_F32};
    case ValType::Kind::kF64:
      return {WASM_F64};
    case ValType::Kind::kV128:
      return {GANTRY_V128};
    case ValType::Kind::kRef:
    case ValType::Kind::kBottom:
      break;
  }
  if (type.is_ref() && wasm::TopOfHierarchy(type.heap_type()) == wasm::AbstractHeapType::kFunc) {
    return {WASM_FUNCREF};
  }
  return {WASM_EXTERNREF};
}

absl::StatusOr<ValType> ToValType(wasm_valkind_t kind) {
  switch (kind) {
    case WASM_I32:
      return ValType::I32();
    case WASM_I64:
      return ValType::I64();
    case WASM_F32:
      return ValType::F32();
    case WASM_F64:
      return ValType::F64();
    case GANTRY_V128:
      return ValType::V128();
    case WASM_EXTERNREF:
      return ValType::ExternRef();
    case WASM_FUNCREF:
      return ValType::FuncRef();
    default:
      return absl::InvalidArgumentError(
          absl::StrCat(static_cast<int>(kind), " is no kind of value"));
  }
}

namespace {

void SetValtypes(absl::Span<const ValType> types, OwnedValtypes& out) {
  wasm_valtype_vec_new_uninitialized(&out.vec, types.size());
  if (out.vec.size != types.size()) throw std::bad_alloc();
  for (size_t i = 0; i < types.size(); ++i) {
    out.vec.data[i] = new wasm_valtype_t(FromValType(types[i]));
  }
}

absl::StatusOr<std::vector<ValType>> ToValTypes(const wasm_valtype_vec_t& vec) {
  std::vector<ValType> types;
  for (size_t i = 0; i < vec.size; ++i) {
    ASSIGN_OR_RETURN(const ValType type, ToValType(vec.data[i]->kind));
    types.push_back(type);
  }
  return types;
}

}  // namespace

std::unique_ptr<wasm_functype_t> FromFuncType(const FuncType& type) {
  auto made = std::make_unique<wasm_functype_t>(nullptr, nullptr);
  SetValtypes(type.params(), made->params);
  SetValtypes(type.results(), made->results);
  return made;
}

absl::StatusOr<FuncType> ToFuncType(const wasm_functype_t& type) {
  ASSIGN_OR_RETURN(const std::vector<ValType> params, ToValTypes(type.params.vec));
  ASSIGN_OR_RETURN(const std::vector<ValType> results, ToValTypes(type.results.vec));
  return FuncType(absl::MakeConstSpan(params), absl::MakeConstSpan(results));
}

wasm_limits_t FromLimits(const wasm::Limits& limits) {
  const uint64_t most = wasm_limits_max_default;
  return {static_cast<uint32_t>(std::min(limits.min, most)),
          static_cast<uint32_t>(std::min(limits.max.value_or(most), most))};
}

wasm::Limits ToLimits(const wasm_limits_t& limits) {
  wasm::Limits out;
  out.min = limits.min;
  if (limits.max != wasm_limits_max_default) out.max = limits.max;
  return out;
}

std::unique_ptr<wasm_externtype_t> FromExternType(const ExternType& type) {
  if (const auto* func = std::get_if<FuncType>(&type)) return FromFuncType(*func);
  if (const auto* table = std::get_if<TableType>(&type)) {
    return std::make_unique<wasm_tabletype_t>(FromValType(table->element),
                                              FromLimits(table->limits));
  }
  if (const auto* memory = std::get_if<MemoryType>(&type)) {
    return std::make_unique<wasm_memorytype_t>(FromLimits(memory->limits));
  }
  if (const auto* tag = std::get_if<TagType>(&type)) {
    return std::make_unique<wasm_tagtype_t>(FromFuncType(tag->type));
  }
  const auto& global = std::get<GlobalType>(type);
  return std::make_unique<wasm_globaltype_t>(
      FromValType(global.content),
      static_cast<wasm_mutability_t>(global.is_mutable ? WASM_VAR : WASM_CONST));
}

}  // namespace gantry::c_api

using gantry::c_api::Guard;

extern "C" {

static wasm_byte_t CopyByte(wasm_byte_t byte) { return byte; }
static void DeleteByte(wasm_byte_t) {}
GANTRY_DEFINE_VEC(byte, wasm_byte_t, CopyByte, DeleteByte)

// A type's copy and vector. A null element stays null.
#define GANTRY_DEFINE_TYPE(name, copy)                                \
  void wasm_##name##_delete(wasm_##name##_t* taken) { delete taken; } \
  wasm_##name##_t* wasm_##name##_copy(const wasm_##name##_t* type) {  \
    if (type == nullptr) return nullptr;                              \
    return Guard<wasm_##name##_t*>(nullptr, [&] { return copy; });    \
  }                                                                   \
  GANTRY_DEFINE_VEC(name, wasm_##name##_t*, wasm_##name##_copy, wasm_##name##_delete)

GANTRY_DEFINE_TYPE(valtype, new wasm_valtype_t(*type))
GANTRY_DEFINE_TYPE(functype, type->Copy())
GANTRY_DEFINE_TYPE(globaltype, type->Copy())
GANTRY_DEFINE_TYPE(tabletype, type->Copy())
GANTRY_DEFINE_TYPE(memorytype, type->Copy())
GANTRY_DEFINE_TYPE(tagtype, type->Copy())
GANTRY_DEFINE_TYPE(externtype, type->Copy())
GANTRY_DEFINE_TYPE(importtype, new wasm_importtype_t(*type))
GANTRY_DEFINE_TYPE(exporttype, new wasm_exporttype_t(*type))

wasm_valtype_t* wasm_valtype_new(wasm_valkind_t kind) {
  return Guard<wasm_valtype_t*>(nullptr, [&]() -> wasm_valtype_t* {
    if (const auto type = gantry::c_api::ToValType(kind); !type.ok()) {
      gantry::c_api::SetLastError(type.status());
      return nullptr;
    }
    return new wasm_valtype_t{kind};
  });
}
wasm_valkind_t wasm_valtype_kind(const wasm_valtype_t* type) { return type->kind; }

wasm_functype_t* wasm_functype_new(wasm_valtype_vec_t* taken_params,
                                   wasm_valtype_vec_t* taken_results) {
  wasm_functype_t* const made = Guard<wasm_functype_t*>(
      nullptr, [&] { return new wasm_functype_t(taken_params, taken_results); });
  if (made == nullptr) {
    wasm_valtype_vec_delete(taken_params);
    wasm_valtype_vec_delete(taken_results);
  }
  return made;
}
const wasm_valtype_vec_t* wasm_functype_params(const wasm_functype_t* type) {
  return &type->params.vec;
}
const wasm_valtype_vec_t* wasm_functype_results(const wasm_functype_t* type) {
  return &type->results.vec;
}

wasm_globaltype_t* wasm_globaltype_new(wasm_valtype_t* taken, wasm_mutability_t mutability) {
  if (taken == nullptr) return nullptr;
  const std::unique_ptr<wasm_valtype_t> content(taken);
  return Guard<wasm_globaltype_t*>(nullptr,
                                   [&] { return new wasm_globaltype_t(*content, mutability); });
}
const wasm_valtype_t* wasm_globaltype_content(const wasm_globaltype_t* type) {
  return &type->content;
}
wasm_mutability_t wasm_globaltype_mutability(const wasm_globaltype_t* type) {
  return type->mutability;
}

wasm_tabletype_t* wasm_tabletype_new(wasm_valtype_t* taken, const wasm_limits_t* limits) {
  if (taken == nullptr) return nullptr;
  const std::unique_ptr<wasm_valtype_t> element(taken);
  return Guard<wasm_tabletype_t*>(nullptr, [&] { return new wasm_tabletype_t(*element, *limits); });
}
const wasm_valtype_t* wasm_tabletype_element(const wasm_tabletype_t* type) {
  return &type->element;
}
const wasm_limits_t* wasm_tabletype_limits(const wasm_tabletype_t* type) { return &type->limits; }

wasm_memorytype_t* wasm_memorytype_new(const wasm_limits_t* limits) {
  return Guard<wasm_memorytype_t*>(nullptr, [&] { return new wasm_memorytype_t(*limits); });
}
const wasm_limits_t* wasm_memorytype_limits(const wasm_memorytype_t* type) { return &type->limits; }

wasm_tagtype_t* wasm_tagtype_new(wasm_functype_t* taken) {
  if (taken == nullptr) return nullptr;
  std::unique_ptr<wasm_functype_t> functype(taken);
  return Guard<wasm_tagtype_t*>(nullptr, [&] { return new wasm_tagtype_t(std::move(functype)); });
}
const wasm_functype_t* wasm_tagtype_functype(const wasm_tagtype_t* type) {
  return type->functype.get();
}

wasm_externkind_t wasm_externtype_kind(const wasm_externtype_t* type) { return type->kind; }

#define GANTRY_DEFINE_EXTERNTYPE(name)                                                           \
  wasm_externtype_t* wasm_##name##_as_externtype(wasm_##name##_t* type) { return type; }         \
  const wasm_externtype_t* wasm_##name##_as_externtype_const(const wasm_##name##_t* type) {      \
    return type;                                                                                 \
  }                                                                                              \
  wasm_##name##_t* wasm_externtype_as_##name(wasm_externtype_t* type) {                          \
    return type->kind == wasm_##name##_t::kKind ? static_cast<wasm_##name##_t*>(type) : nullptr; \
  }                                                                                              \
  const wasm_##name##_t* wasm_externtype_as_##name##_const(const wasm_externtype_t* type) {      \
    return type->kind == wasm_##name##_t::kKind ? static_cast<const wasm_##name##_t*>(type)      \
                                                : nullptr;                                       \
  }
GANTRY_DEFINE_EXTERNTYPE(functype)
GANTRY_DEFINE_EXTERNTYPE(globaltype)
GANTRY_DEFINE_EXTERNTYPE(tabletype)
GANTRY_DEFINE_EXTERNTYPE(memorytype)
GANTRY_DEFINE_EXTERNTYPE(tagtype)

wasm_importtype_t* wasm_importtype_new(wasm_name_t* taken_module, wasm_name_t* taken_name,
                                       wasm_externtype_t* taken) {
  if (taken == nullptr) return nullptr;
  wasm_importtype_t* const made = Guard<wasm_importtype_t*>(
      nullptr, [&] { return new wasm_importtype_t(taken_module, taken_name, taken); });
  if (made == nullptr) {
    wasm_byte_vec_delete(taken_module);
    wasm_byte_vec_delete(taken_name);
    wasm_externtype_delete(taken);
  }
  return made;
}
const wasm_name_t* wasm_importtype_module(const wasm_importtype_t* type) {
  return &type->module.vec;
}
const wasm_name_t* wasm_importtype_name(const wasm_importtype_t* type) { return &type->name.vec; }
const wasm_externtype_t* wasm_importtype_type(const wasm_importtype_t* type) {
  return type->type.get();
}

wasm_exporttype_t* wasm_exporttype_new(wasm_name_t* taken, wasm_externtype_t* taken_type) {
  if (taken_type == nullptr) return nullptr;
  wasm_exporttype_t* const made =
      Guard<wasm_exporttype_t*>(nullptr, [&] { return new wasm_exporttype_t(taken, taken_type); });
  if (made == nullptr) {
    wasm_byte_vec_delete(taken);
    wasm_externtype_delete(taken_type);
  }
  return made;
}
const wasm_name_t* wasm_exporttype_name(const wasm_exporttype_t* type) { return &type->name.vec; }
const wasm_externtype_t* wasm_exporttype_type(const wasm_exporttype_t* type) {
  return type->type.get();
}

}  // extern "C"
