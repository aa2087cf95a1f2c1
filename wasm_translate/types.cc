#include "wasm_translate/types.h"

#include "base/check.h"

namespace gantry::wasm {
namespace {

const char* AbstractName(AbstractHeapType type) {
  switch (type) {
    case AbstractHeapType::kFunc:
      return "func";
    case AbstractHeapType::kExtern:
      return "extern";
    case AbstractHeapType::kAny:
      return "any";
    case AbstractHeapType::kEq:
      return "eq";
    case AbstractHeapType::kI31:
      return "i31";
    case AbstractHeapType::kStruct:
      return "struct";
    case AbstractHeapType::kArray:
      return "array";
    case AbstractHeapType::kExn:
      return "exn";
    case AbstractHeapType::kNone:
      return "none";
    case AbstractHeapType::kNoFunc:
      return "nofunc";
    case AbstractHeapType::kNoExtern:
      return "noextern";
    case AbstractHeapType::kNoExn:
      return "noexn";
  }
  UNREACHABLE();
}

// The abbreviation of a nullable reference to an abstract heap type.
std::string NullableAbstractName(AbstractHeapType type) {
  switch (type) {
    case AbstractHeapType::kNone:
      return "nullref";
    case AbstractHeapType::kNoFunc:
      return "nullfuncref";
    case AbstractHeapType::kNoExtern:
      return "nullexternref";
    case AbstractHeapType::kNoExn:
      return "nullexnref";
    default:
      return std::string(AbstractName(type)) + "ref";
  }
}

void AppendTypes(absl::Span<const ValType> types, std::string& out) {
  out += "(";
  for (size_t i = 0; i < types.size(); ++i) {
    if (i > 0) out += " ";
    out += types[i].ToString();
  }
  out += ")";
}

void AppendLimits(IndexType index_type, const Limits& limits, std::string& out) {
  if (index_type == IndexType::kI64) out += "i64 ";
  out += std::to_string(limits.min);
  if (limits.max.has_value()) out += " " + std::to_string(*limits.max);
}

}  // namespace

std::string HeapType::ToString() const {
  if (is_canonical()) return "#" + std::to_string(canonical_id());
  if (is_concrete()) return std::to_string(index().raw());
  if (is_shared()) return std::string("(shared ") + AbstractName(abstract()) + ")";
  return AbstractName(abstract());
}

std::string ValType::ToString() const {
  switch (kind()) {
    case Kind::kI32:
      return "i32";
    case Kind::kI64:
      return "i64";
    case Kind::kF32:
      return "f32";
    case Kind::kF64:
      return "f64";
    case Kind::kV128:
      return "v128";
    case Kind::kBottom:
      return "bot";
    case Kind::kRef:
      break;
  }
  const HeapType heap = heap_type();
  if (is_nullable() && heap.is_abstract() && !heap.is_shared()) {
    return NullableAbstractName(heap.abstract());
  }
  return std::string(is_nullable() ? "(ref null " : "(ref ") + heap.ToString() + ")";
}

FuncType::FuncType(absl::Span<const ValType> params, absl::Span<const ValType> results)
    : num_params_(static_cast<uint32_t>(params.size())) {
  types_.reserve(params.size() + results.size());
  types_.insert(types_.end(), params.begin(), params.end());
  types_.insert(types_.end(), results.begin(), results.end());
}

std::string FuncType::ToString() const {
  std::string out;
  AppendTypes(params(), out);
  out += " -> ";
  AppendTypes(results(), out);
  return out;
}

std::string StorageType::ToString() const {
  switch (packed_) {
    case Packed::kI8:
      return "i8";
    case Packed::kI16:
      return "i16";
    case Packed::kNone:
      return type_.ToString();
  }
  UNREACHABLE();
}

std::string TableType::ToString() const {
  std::string out;
  if (shared) out += "shared ";
  AppendLimits(index_type, limits, out);
  return out + " " + element.ToString();
}

std::string MemoryType::ToString() const {
  std::string out;
  AppendLimits(index_type, limits, out);
  if (shared) out += " shared";
  if (page_size_log2 != kDefaultPageSizeLog2) {
    out += " (pagesize " + std::to_string(page_size()) + ")";
  }
  return out;
}

std::string GlobalType::ToString() const {
  std::string out = content.ToString();
  if (is_mutable) out = "(mut " + out + ")";
  if (shared) out = "shared " + out;
  return out;
}

const char* ExternKindName(ExternKind kind) {
  switch (kind) {
    case ExternKind::kFunc:
      return "function";
    case ExternKind::kTable:
      return "table";
    case ExternKind::kMemory:
      return "memory";
    case ExternKind::kGlobal:
      return "global";
    case ExternKind::kTag:
      return "tag";
  }
  UNREACHABLE();
}

bool IsAbstractSubtype(AbstractHeapType sub, AbstractHeapType super) {
  if (sub == super) return true;
  using enum AbstractHeapType;
  switch (super) {
    case kFunc:
      return sub == kNoFunc;
    case kExtern:
      return sub == kNoExtern;
    case kExn:
      return sub == kNoExn;
    case kAny:
      return sub == kEq || sub == kI31 || sub == kStruct || sub == kArray || sub == kNone;
    case kEq:
      return sub == kI31 || sub == kStruct || sub == kArray || sub == kNone;
    case kI31:
    case kStruct:
    case kArray:
      return sub == kNone;
    case kNone:
    case kNoFunc:
    case kNoExtern:
    case kNoExn:
      return false;
  }
  UNREACHABLE();
}

AbstractHeapType TopOfHierarchy(HeapType type) {
  using enum AbstractHeapType;
  if (type.is_concrete()) {
    CHECK(type.is_canonical()) << type;
    return type.is_canonical_func() ? kFunc : kAny;
  }
  switch (type.abstract()) {
    case kFunc:
    case kNoFunc:
      return kFunc;
    case kExtern:
    case kNoExtern:
      return kExtern;
    case kExn:
    case kNoExn:
      return kExn;
    case kAny:
    case kEq:
    case kI31:
    case kStruct:
    case kArray:
    case kNone:
      return kAny;
  }
  UNREACHABLE();
}

}  // namespace gantry::wasm
