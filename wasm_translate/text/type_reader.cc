#include "wasm_translate/text/type_reader.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "wasm_translate/text/literals.h"

namespace gantry::wasm::text {
namespace {

enum TypeCode : uint8_t {
  kRecCode = 0x4E,
  kSubFinalCode = 0x4F,
  kSubCode = 0x50,
  kArrayCode = 0x5E,
  kStructCode = 0x5F,
};

struct AbstractName {
  absl::string_view heap;
  absl::string_view ref;
  AbstractHeapType type;
};

constexpr AbstractName kAbstractNames[] = {
    {"func", "funcref", AbstractHeapType::kFunc},
    {"extern", "externref", AbstractHeapType::kExtern},
    {"any", "anyref", AbstractHeapType::kAny},
    {"eq", "eqref", AbstractHeapType::kEq},
    {"i31", "i31ref", AbstractHeapType::kI31},
    {"struct", "structref", AbstractHeapType::kStruct},
    {"array", "arrayref", AbstractHeapType::kArray},
    {"exn", "exnref", AbstractHeapType::kExn},
    {"none", "nullref", AbstractHeapType::kNone},
    {"nofunc", "nullfuncref", AbstractHeapType::kNoFunc},
    {"noextern", "nullexternref", AbstractHeapType::kNoExtern},
    {"noexn", "nullexnref", AbstractHeapType::kNoExn},
};

const AbstractName* FindRefShorthand(const TokenCursor& cursor) {
  if (cursor.kind() != TokenKind::kKeyword) return nullptr;
  const absl::string_view word = cursor.TextOf(cursor.Peek());
  for (const AbstractName& name : kAbstractNames) {
    if (name.ref == word) return &name;
  }
  return nullptr;
}

std::optional<ValType> NumberType(absl::string_view word) {
  if (word == "i32") return ValType::I32();
  if (word == "i64") return ValType::I64();
  if (word == "f32") return ValType::F32();
  if (word == "f64") return ValType::F64();
  if (word == "v128") return ValType::V128();
  return std::nullopt;
}

}  // namespace

bool TypeReader::AtRefType(const TokenCursor& cursor) {
  return cursor.AtOpen("ref") || FindRefShorthand(cursor) != nullptr;
}

absl::Status TypeReader::ReadHeapType(TokenCursor& cursor, HeapType* type) {
  if (IndexSpaces::AtIndex(cursor)) {
    const Token& token = cursor.Peek();
    uint32_t index = 0;
    RETURN_IF_ERROR(spaces_.ReadIndex(cursor, Space::kType, &index));
    if (index > HeapType::kMaxIndex) {
      return cursor.ErrorAt(token, absl::StrCat("unknown type ", index));
    }
    *type = HeapType::Concrete(TypeIndex(index));
    return absl::OkStatus();
  }
  if (cursor.kind() == TokenKind::kKeyword) {
    const absl::string_view word = cursor.TextOf(cursor.Peek());
    for (const AbstractName& name : kAbstractNames) {
      if (name.heap != word) continue;
      *type = HeapType::Abstract(name.type);
      cursor.Take();
      return absl::OkStatus();
    }
  }
  return cursor.Unexpected("a heap type");
}

absl::Status TypeReader::ReadRefType(TokenCursor& cursor, ValType* type) {
  if (const AbstractName* name = FindRefShorthand(cursor)) {
    *type = ValType::Ref(HeapType::Abstract(name->type), true);
    cursor.Take();
    return absl::OkStatus();
  }
  if (!cursor.TakeOpen("ref")) return cursor.Unexpected("a reference type");
  const bool nullable = cursor.TakeKeyword("null");
  HeapType heap = HeapType::Abstract(AbstractHeapType::kFunc);
  RETURN_IF_ERROR(ReadHeapType(cursor, &heap));
  *type = ValType::Ref(heap, nullable);
  return cursor.ExpectClose();
}

absl::Status TypeReader::ReadValType(TokenCursor& cursor, ValType* type) {
  if (cursor.kind() == TokenKind::kKeyword) {
    if (const auto number = NumberType(cursor.TextOf(cursor.Peek()))) {
      *type = *number;
      cursor.Take();
      return absl::OkStatus();
    }
  }
  return AtRefType(cursor) ? ReadRefType(cursor, type) : cursor.Unexpected("a value type");
}

IndexType TypeReader::ReadIndexType(TokenCursor& cursor) {
  if (cursor.TakeKeyword("i64")) return IndexType::kI64;
  cursor.TakeKeyword("i32");
  return IndexType::kI32;
}

absl::Status TypeReader::ReadLimits(TokenCursor& cursor, Limits* limits) {
  auto read = [&cursor](uint64_t* bound) -> absl::Status {
    constexpr absl::string_view kWhat = "a size";
    if (cursor.kind() != TokenKind::kNumber) return cursor.Unexpected(kWhat);
    const Literal literal = ParseUnsigned(cursor.TextOf(cursor.Peek()), 64);
    if (literal.error == LiteralError::kSyntax) return cursor.Unexpected(kWhat);
    if (literal.error == LiteralError::kRange) return cursor.Error("i64 constant out of range");
    *bound = literal.bits;
    cursor.Take();
    return absl::OkStatus();
  };
  RETURN_IF_ERROR(read(&limits->min));
  return cursor.kind() == TokenKind::kNumber ? read(&limits->max.emplace()) : absl::OkStatus();
}

absl::Status TypeReader::ReadTableType(TokenCursor& cursor, TableType* type) {
  RETURN_IF_ERROR(ReadLimits(cursor, &type->limits));
  return ReadRefType(cursor, &type->element);
}

absl::Status TypeReader::ReadMemoryType(TokenCursor& cursor, MemoryType* type) {
  RETURN_IF_ERROR(ReadLimits(cursor, &type->limits));
  type->shared = cursor.TakeKeyword("shared");
  return ReadPageSize(cursor, type);
}

absl::Status TypeReader::ReadPageSize(TokenCursor& cursor, MemoryType* type) {
  if (!cursor.TakeOpen("pagesize")) return absl::OkStatus();
  const Token& token = cursor.Peek();
  uint32_t size = 0;
  RETURN_IF_ERROR(ReadU32(cursor, "a page size", &size));
  if (size == 0 || (size & (size - 1)) != 0) {
    return cursor.ErrorAt(token, "invalid custom page size: it must be a power of two");
  }
  type->page_size_log2 = static_cast<uint8_t>(__builtin_ctz(size));
  return cursor.ExpectClose();
}

absl::Status TypeReader::ReadGlobalType(TokenCursor& cursor, GlobalType* type) {
  type->is_mutable = cursor.TakeOpen("mut");
  RETURN_IF_ERROR(ReadValType(cursor, &type->content));
  return type->is_mutable ? cursor.ExpectClose() : absl::OkStatus();
}

void TypeReader::AddPlace(const Token& token) {
  if (!places_) return;
  section_.places.emplace_back(static_cast<uint32_t>(section_.bytes.size()), token.offset);
}

absl::Status TypeReader::ReadTypeField(TokenCursor& cursor) {
  AddPlace(cursor.Peek());
  ++section_.count;
  if (cursor.AtOpen("type")) return ReadTypeDefinition(cursor, true);
  cursor.Take(2);
  TokenCursor ahead = cursor;
  uint32_t size = 0;
  while (ahead.AtOpen("type")) {
    ahead.SkipForm();
    ++size;
  }
  // A group of one needs no group around it.
  if (size != 1) section_.bytes.U8(kRecCode).VarU32(size);
  while (cursor.AtOpen("type")) {
    AddPlace(cursor.Peek());
    RETURN_IF_ERROR(ReadTypeDefinition(cursor, size == 1));
  }
  return cursor.kind() == TokenKind::kClose ? cursor.ExpectClose()
                                            : cursor.Unexpected("a type or \")\"");
}

absl::Status TypeReader::ReadTypeDefinition(TokenCursor& cursor, bool alone) {
  cursor.Take(2);
  GivenName name;
  RETURN_IF_ERROR(spaces_.ReadGivenName(cursor, &name));
  TypeInfo info;
  RETURN_IF_ERROR(cursor.AtOpen("sub") ? ReadSubType(cursor, alone, &info)
                                       : ReadComposite(cursor, alone, &info));
  types_.push_back(std::move(info));
  return cursor.ExpectClose();
}

absl::Status TypeReader::ReadSubType(TokenCursor& cursor, bool alone, TypeInfo* info) {
  cursor.Take(2);
  const bool is_final = cursor.TakeKeyword("final");
  std::vector<uint32_t> supertypes;
  while (IndexSpaces::AtIndex(cursor)) {
    RETURN_IF_ERROR(spaces_.ReadIndex(cursor, Space::kType, &supertypes.emplace_back()));
  }
  const bool plain = is_final && supertypes.empty();
  if (!plain) {
    section_.bytes.U8(is_final ? kSubFinalCode : kSubCode).VarU64(supertypes.size());
    for (uint32_t supertype : supertypes) section_.bytes.VarU32(supertype);
  }
  RETURN_IF_ERROR(ReadComposite(cursor, alone && plain, info));
  return cursor.ExpectClose();
}

absl::Status TypeReader::ReadComposite(TokenCursor& cursor, bool plain, TypeInfo* info) {
  if (cursor.TakeOpen("func")) {
    RETURN_IF_ERROR(ReadSignature(cursor, true, &scratch_));
    info->func.emplace(scratch_.params, scratch_.results);
    section_.bytes.Func(*info->func);
    if (plain) by_signature_.emplace(*info->func, static_cast<uint32_t>(types_.size()));
  } else if (cursor.TakeOpen("struct")) {
    section_.bytes.U8(kStructCode);
    RETURN_IF_ERROR(ReadStruct(cursor, info));
  } else if (cursor.TakeOpen("array")) {
    FieldType element;
    RETURN_IF_ERROR(ReadField(cursor, &element));
    section_.bytes.U8(kArrayCode).Field(element);
  } else {
    return cursor.Unexpected("(func, (struct or (array");
  }
  return cursor.ExpectClose();
}

absl::Status TypeReader::ReadStruct(TokenCursor& cursor, TypeInfo* info) {
  std::vector<FieldType> fields;
  while (cursor.TakeOpen("field")) {
    GivenName name;
    RETURN_IF_ERROR(spaces_.ReadGivenName(cursor, &name));
    const auto index = static_cast<uint32_t>(fields.size());
    if (name.has_debug) {
      spaces_.field_names.push_back({static_cast<uint32_t>(types_.size()), index, name.debug});
      RETURN_IF_ERROR(ReadField(cursor, &fields.emplace_back()));
    }
    if (!name.id.empty()) {
      if (info->fields == nullptr) info->fields = std::make_unique<IdMap>();
      if (!info->fields->emplace(name.id, index).second) {
        return cursor.ErrorAt(*name.id_token,
                              absl::StrCat("duplicate field ", cursor.Shown(*name.id_token)));
      }
    }
    while (!name.has_debug && cursor.kind() != TokenKind::kClose) {
      RETURN_IF_ERROR(ReadField(cursor, &fields.emplace_back()));
    }
    RETURN_IF_ERROR(cursor.ExpectClose());
  }
  section_.bytes.VarU64(fields.size());
  for (const FieldType& field : fields) section_.bytes.Field(field);
  return absl::OkStatus();
}

absl::Status TypeReader::ReadField(TokenCursor& cursor, FieldType* type) {
  type->is_mutable = cursor.TakeOpen("mut");
  if (cursor.TakeKeyword("i8")) {
    type->storage = StorageType::I8();
  } else if (cursor.TakeKeyword("i16")) {
    type->storage = StorageType::I16();
  } else {
    ValType value;
    RETURN_IF_ERROR(ReadValType(cursor, &value));
    type->storage = value;
  }
  return type->is_mutable ? cursor.ExpectClose() : absl::OkStatus();
}

absl::Status TypeReader::ReadSignature(TokenCursor& cursor, bool names, Signature* signature) {
  signature->params.clear();
  signature->results.clear();
  signature->param_names.clear();
  while (cursor.TakeOpen("param")) {
    GivenName name;
    if (names) RETURN_IF_ERROR(spaces_.ReadGivenName(cursor, &name));
    while (name.has_debug || cursor.kind() != TokenKind::kClose) {
      RETURN_IF_ERROR(ReadValType(cursor, &signature->params.emplace_back()));
      if (names) signature->param_names.push_back(name);
      if (name.has_debug) break;
    }
    RETURN_IF_ERROR(cursor.ExpectClose());
  }
  while (cursor.TakeOpen("result")) {
    while (cursor.kind() != TokenKind::kClose) {
      RETURN_IF_ERROR(ReadValType(cursor, &signature->results.emplace_back()));
    }
    RETURN_IF_ERROR(cursor.ExpectClose());
  }
  // Out of their order they would only be found where nothing can be said about it.
  return cursor.AtOpen("param") || cursor.AtOpen("type")
             ? cursor.Unexpected("(type), (param) and (result) in this order")
             : absl::OkStatus();
}

absl::Status TypeReader::ReadExplicitType(TokenCursor& cursor, std::optional<uint32_t>* index) {
  index->reset();
  if (!cursor.TakeOpen("type")) return absl::OkStatus();
  RETURN_IF_ERROR(spaces_.ReadIndex(cursor, Space::kType, &index->emplace()));
  return cursor.ExpectClose();
}

absl::Status TypeReader::ReadTypeUse(TokenCursor& cursor, bool names, Signature* signature,
                                     uint32_t* index) {
  const Token& token = cursor.Peek();
  std::optional<uint32_t> explicit_index;
  RETURN_IF_ERROR(ReadExplicitType(cursor, &explicit_index));
  RETURN_IF_ERROR(ReadSignature(cursor, names, signature));
  return ResolveTypeUse(cursor, token, explicit_index, *signature, index);
}

absl::Status TypeReader::ReadBlockType(TokenCursor& cursor, Signature* signature,
                                       std::optional<uint32_t>* index) {
  const Token& token = cursor.Peek();
  std::optional<uint32_t> explicit_index;
  RETURN_IF_ERROR(ReadExplicitType(cursor, &explicit_index));
  RETURN_IF_ERROR(ReadSignature(cursor, false, signature));
  index->reset();
  if (!explicit_index.has_value() && signature->params.empty() && signature->results.size() <= 1) {
    return absl::OkStatus();
  }
  return ResolveTypeUse(cursor, token, explicit_index, *signature, &index->emplace());
}

absl::Status TypeReader::ResolveTypeUse(const TokenCursor& cursor, const Token& at,
                                        std::optional<uint32_t> explicit_index,
                                        const Signature& signature, uint32_t* index) {
  if (explicit_index.has_value()) {
    *index = *explicit_index;
    if (signature.empty()) return absl::OkStatus();
    if (*index >= types_.size()) {
      return cursor.ErrorAt(at, absl::StrCat("unknown type ", *index));
    }
    const FuncType* type = func(*index);
    if (type == nullptr || type->params() != absl::MakeConstSpan(signature.params) ||
        type->results() != absl::MakeConstSpan(signature.results)) {
      return cursor.ErrorAt(at, absl::StrCat("inline function type differs from type ", *index));
    }
    return absl::OkStatus();
  }
  FuncType type(signature.params, signature.results);
  const auto [entry, is_new] = by_signature_.emplace(type, static_cast<uint32_t>(types_.size()));
  *index = entry->second;
  if (!is_new) return absl::OkStatus();
  AddPlace(at);
  ++section_.count;
  section_.bytes.Func(type);
  types_.emplace_back().func = std::move(type);
  spaces_.DeclareUnnamed(Space::kType);
  return absl::OkStatus();
}

const FuncType* TypeReader::func(uint32_t index) const {
  return index < types_.size() && types_[index].func.has_value() ? &*types_[index].func : nullptr;
}

absl::Status TypeReader::ReadFieldIndex(TokenCursor& cursor, uint32_t type, uint32_t* field) {
  static const IdMap* const no_fields = new IdMap;
  const IdMap* fields = type < types_.size() ? types_[type].fields.get() : nullptr;
  return spaces_.ReadIndex(cursor, fields == nullptr ? *no_fields : *fields, "field", field);
}

}  // namespace gantry::wasm::text
