#include "wasm_translate/type_section.h"

#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "wasm_translate/binary_types.h"
#include "wasm_translate/subtyping.h"

namespace gantry::wasm {
namespace {

enum TypeCode : uint8_t {
  kRecCode = 0x4E,
  kSubFinalCode = 0x4F,
  kSubCode = 0x50,
  kArrayCode = 0x5E,
  kStructCode = 0x5F,
  kFuncCode = 0x60,
};

class TypeSectionReader {
 public:
  TypeSectionReader(BinaryReader& reader, Features features, const ValidatorLimits& limits,
                    Module& module)
      : reader_(reader), limits_(limits), module_(module) {
    context_.features = features;
  }

  bool Read() {
    uint32_t groups;
    if (!reader_.Count(limits_.recursion_groups, "recursion groups", &groups)) return false;
    for (; groups > 0; --groups) {
      if (!ReadGroup()) return false;
    }
    return true;
  }

 private:
  bool Require(Feature feature, absl::string_view what) {
    return RequireFeature(reader_, start_, context_.features, feature, what);
  }

  bool ReadGroup() {
    start_ = reader_.offset();
    if (reader_.done()) return reader_.FailAtEnd();
    uint32_t size = 1;
    if (reader_.Peek() == kRecCode) {
      uint8_t code;
      if (!reader_.U8(&code) || !Require(Feature::kGc, "a recursion group")) return false;
      if (!reader_.Count(limits_.types, "types", &size)) return false;
    }
    if (module_.types.size() + size > limits_.types) {
      return reader_.Fail(start_, absl::StrCat("too many types: the limit is ", limits_.types));
    }
    const TypeIndex group = module_.types.next_id();
    if (size == 0) module_.empty_recursion_groups.push_back(group);
    // Types may refer to any of their own group.
    const bool recursive = context_.features.Has(Feature::kGc);
    context_.num_types = group.raw() + (recursive ? size : 0);
    offsets_.clear();
    for (uint32_t i = 0; i < size; ++i) {
      start_ = reader_.offset();
      offsets_.push_back(start_);
      SubType type;
      type.group_start = group;
      type.group_size = size;
      if (!ReadSubType(&type)) return false;
      module_.types.Push(std::move(type));
    }
    Canonicalize(group, size);
    for (uint32_t i = 0; i < size; ++i) {
      start_ = offsets_[i];
      if (!CheckSupertype(TypeIndex(group.raw() + i))) return false;
    }
    return true;
  }

  bool ReadSubType(SubType* type) {
    uint8_t code;
    if (!reader_.U8(&code)) return false;
    if (code == kSubCode || code == kSubFinalCode) {
      if (!Require(Feature::kGc, "a subtype declaration")) return false;
      type->is_final = code == kSubFinalCode;
      uint32_t supertypes;
      if (!reader_.VarU32(&supertypes)) return false;
      if (supertypes > 1) return reader_.Fail(start_, "multiple supertypes");
      if (supertypes == 1) {
        uint32_t index;
        if (!reader_.VarU32(&index)) return false;
        if (index >= module_.types.size()) {
          return reader_.Fail(start_, absl::StrCat("unknown type ", index));
        }
        type->supertype = TypeIndex(index);
      }
      if (!reader_.U8(&code)) return false;
    }
    switch (code) {
      case kFuncCode:
        return ReadFunc(&type->composite);
      case kStructCode:
        return Require(Feature::kGc, "a struct type") && ReadStruct(&type->composite);
      case kArrayCode: {
        ArrayType array;
        if (!Require(Feature::kGc, "an array type") || !ReadField(&array.element)) return false;
        type->composite = array;
        return true;
      }
      default:
        // The form is a LEB128 number of one byte.
        if ((code & 0x80) != 0) return reader_.Fail(start_, "integer representation too long");
        return reader_.Fail(start_, absl::StrCat("malformed type form 0x", absl::Hex(code)));
    }
  }

  bool ReadValTypes(uint32_t limit, absl::string_view what,
                    absl::InlinedVector<ValType, 16>* types) {
    uint32_t count;
    if (!reader_.Count(limit, what, &count)) return false;
    types->resize(count);
    for (ValType& type : *types) {
      if (!ReadValType(reader_, context_, &type)) return false;
    }
    return true;
  }

  bool ReadFunc(CompositeType* composite) {
    absl::InlinedVector<ValType, 16> params;
    absl::InlinedVector<ValType, 16> results;
    if (!ReadValTypes(limits_.function_params, "parameters", &params) ||
        !ReadValTypes(limits_.function_results, "results", &results)) {
      return false;
    }
    if (results.size() > 1 && !Require(Feature::kMultiValue, "a function with several results")) {
      return false;
    }
    *composite = FuncType(params, results);
    return true;
  }

  bool ReadField(FieldType* field) {
    if (!ReadStorageType(reader_, context_, &field->storage)) return false;
    const uint64_t offset = reader_.offset();
    uint8_t is_mutable;
    if (!reader_.U8(&is_mutable)) return false;
    if (is_mutable > 1) return reader_.Fail(offset, "malformed mutability");
    field->is_mutable = is_mutable == 1;
    return true;
  }

  bool ReadStruct(CompositeType* composite) {
    uint32_t count;
    if (!reader_.Count(limits_.struct_fields, "fields", &count)) return false;
    StructType type;
    type.fields.resize(count);
    for (FieldType& field : type.fields) {
      if (!ReadField(&field)) return false;
    }
    *composite = std::move(type);
    return true;
  }

  // A group as bytes that are equal exactly for equivalent groups.
  void AppendIndex(TypeIndex index, TypeIndex group, std::string& key) {
    const bool inside = index >= group;
    const uint32_t number = inside ? index.raw() - group.raw() : module_.canonical_types[index];
    key.push_back(inside ? 1 : 2);
    key.append(reinterpret_cast<const char*>(&number), sizeof(number));
  }
  void AppendValType(ValType type, TypeIndex group, std::string& key) {
    if (type.is_ref() && type.heap_type().is_concrete()) {
      key.push_back(type.is_nullable() ? 'N' : 'R');
      AppendIndex(type.heap_type().index(), group, key);
      return;
    }
    const uint32_t bits = type.bits();
    key.push_back('V');
    key.append(reinterpret_cast<const char*>(&bits), sizeof(bits));
  }
  void AppendField(const FieldType& field, TypeIndex group, std::string& key) {
    key.push_back(static_cast<char>(field.storage.packed()));
    key.push_back(field.is_mutable ? 1 : 0);
    AppendValType(field.storage.unpacked(), group, key);
  }
  void AppendCount(size_t count, std::string& key) {
    const uint32_t number = static_cast<uint32_t>(count);
    key.append(reinterpret_cast<const char*>(&number), sizeof(number));
  }

  void Canonicalize(TypeIndex group, uint32_t size) {
    std::string key;
    for (uint32_t i = 0; i < size; ++i) {
      const SubType& type = module_.types[TypeIndex(group.raw() + i)];
      key.push_back(type.is_final ? 'F' : 'O');
      if (type.supertype.is_some()) AppendIndex(type.supertype, group, key);
      if (const FuncType* func = type.func()) {
        key.push_back('f');
        AppendCount(func->params().size(), key);
        for (ValType param : func->params()) AppendValType(param, group, key);
        AppendCount(func->results().size(), key);
        for (ValType result : func->results()) AppendValType(result, group, key);
      } else if (const StructType* struct_type = type.struct_type()) {
        key.push_back('s');
        AppendCount(struct_type->fields.size(), key);
        for (const FieldType& field : struct_type->fields) AppendField(field, group, key);
      } else {
        key.push_back('a');
        AppendField(type.array()->element, group, key);
      }
    }
    const uint32_t first = groups_.emplace(std::move(key), group.raw()).first->second;
    for (uint32_t i = 0; i < size; ++i) module_.canonical_types.Push(first + i);
    depths_.resize(module_.types.size(), 0);
  }

  bool FailSubType(TypeIndex index, TypeIndex supertype, absl::string_view why) {
    return reader_.Fail(start_,
                        absl::StrCat("sub type ", index.raw(), " does not match super type ",
                                     supertype.raw(), ": ", why));
  }

  bool CheckSupertype(TypeIndex index) {
    const SubType& type = module_.types[index];
    if (type.supertype.is_none()) return true;
    const SubType& super = module_.types[type.supertype];
    depths_[index.index()] = depths_[type.supertype.index()] + 1;
    if (depths_[index.index()] > limits_.subtyping_depth) {
      return reader_.Fail(
          start_, absl::StrCat("subtyping too deep: the limit is ", limits_.subtyping_depth));
    }
    if (super.is_final) return FailSubType(index, type.supertype, "that is final");
    bool matches = false;
    if (type.func() != nullptr && super.func() != nullptr) {
      matches = IsSubtype(module_, *type.func(), *super.func());
    } else if (type.struct_type() != nullptr && super.struct_type() != nullptr) {
      const auto& fields = type.struct_type()->fields;
      const auto& super_fields = super.struct_type()->fields;
      matches = fields.size() >= super_fields.size();
      for (size_t i = 0; matches && i < super_fields.size(); ++i) {
        matches = IsSubtype(module_, fields[i], super_fields[i]);
      }
    } else if (type.array() != nullptr && super.array() != nullptr) {
      matches = IsSubtype(module_, type.array()->element, super.array()->element);
    }
    return matches || FailSubType(index, type.supertype, "their structures differ");
  }

  BinaryReader& reader_;
  const ValidatorLimits& limits_;
  Module& module_;
  TypeContext context_;
  uint64_t start_ = 0;
  std::vector<uint64_t> offsets_;
  std::vector<uint32_t> depths_;
  // First type of each group seen, by the group's bytes. The hash is not the same in every
  // process, so that no module can be made whose groups all collide.
  std::unordered_map<std::string, uint32_t, absl::Hash<std::string>> groups_;
};

}  // namespace

bool ReadTypeSection(BinaryReader& reader, Features features, const ValidatorLimits& limits,
                     Module* module) {
  return TypeSectionReader(reader, features, limits, *module).Read();
}

}  // namespace gantry::wasm
