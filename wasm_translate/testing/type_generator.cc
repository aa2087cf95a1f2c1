#include "wasm_translate/testing/type_generator.h"

#include <algorithm>
#include <utility>

namespace gantry::wasm::testing {
namespace {

constexpr size_t kMaxGroupSize = 4;
// Chains of supertypes stay short of the validator's limit.
constexpr int kMaxDepth = 8;

class TypeGenerator {
 public:
  explicit TypeGenerator(GeneratorContext& context)
      : context_(context), source_(context.source), module_(context.module) {}

  void Run() {
    const size_t groups = 1 + source_.Below(context_.options.max_type_groups);
    // What start functions, tags and blocks ask for most.
    AddFunc({}, {});
    for (size_t i = 0; i < groups && !source_.exhausted(); ++i) AddGroup();
    if (context_.Has(Feature::kExceptions)) AddHandlerTypes();
  }

 private:
  void Push(SubType type, TypeIndex group, uint32_t size) {
    type.group_start = group;
    type.group_size = size;
    module_.canonical_types.Push(module_.types.next_id().raw());
    module_.types.Push(std::move(type));
  }

  TypeIndex AddFunc(std::vector<ValType> params, std::vector<ValType> results) {
    const TypeIndex index = module_.types.next_id();
    SubType type;
    type.composite = FuncType(params, results);
    Push(std::move(type), index, 1);
    return index;
  }

  std::vector<ValType> SomeTypes(size_t most, uint32_t num_types) {
    std::vector<ValType> types(source_.Below(most + 1));
    for (ValType& type : types) type = context_.SomeValType(num_types);
    return types;
  }
  size_t MaxResults() const {
    return context_.Has(Feature::kMultiValue) ? context_.options.max_values : 1;
  }

  void AddGroup() {
    const bool gc = context_.Has(Feature::kGc);
    if (!gc) {
      const uint32_t known = static_cast<uint32_t>(module_.types.size());
      std::vector<ValType> params = SomeTypes(context_.options.max_values, known);
      AddFunc(std::move(params), SomeTypes(MaxResults(), known));
      return;
    }
    if (module_.types.size() > 1 && source_.Percent(10)) return CopyGroup();
    const TypeIndex group = module_.types.next_id();
    const uint32_t size =
        source_.Percent(30) ? static_cast<uint32_t>(1 + source_.Below(kMaxGroupSize)) : 1;
    // Kinds and supertypes first: the contents may refer to all of the group.
    for (uint32_t i = 0; i < size; ++i) Push(Outline(), group, size);
    for (uint32_t i = 0; i < size; ++i) Fill(TypeIndex(group.raw() + i));
  }

  int DepthOf(TypeIndex index) const {
    int depth = 0;
    for (; module_.types[index].supertype.is_some(); ++depth) {
      index = module_.types[index].supertype;
    }
    return depth;
  }

  SubType Outline() {
    SubType type;
    if (!module_.types.empty() && source_.Percent(30)) {
      const TypeIndex super = TypeIndex::FromIndex(source_.Below(module_.types.size()));
      if (!module_.types[super].is_final && DepthOf(super) < kMaxDepth) type.supertype = super;
    }
    type.is_final = source_.Percent(40);
    if (type.supertype.is_some()) {
      const SubType& super = module_.types[type.supertype];
      if (super.struct_type() != nullptr) {
        type.composite = StructType();
      } else if (super.array() != nullptr) {
        type.composite = ArrayType();
      }
      return type;
    }
    switch (source_.Below(3)) {
      case 0:
        type.composite = StructType();
        break;
      case 1:
        type.composite = ArrayType();
        break;
      default:
        break;
    }
    return type;
  }

  // The contents of a type whose kind and supertype are there.
  void Fill(TypeIndex index) {
    const SubType& type = module_.types[index];
    const uint32_t known = type.group_start.raw() + type.group_size;
    const SubType* super = type.supertype.is_some() ? &module_.types[type.supertype] : nullptr;
    CompositeType composite;
    if (type.is_func()) {
      composite = FillFunc(super != nullptr ? super->func() : nullptr, known);
    } else if (type.struct_type() != nullptr) {
      composite = FillStruct(super != nullptr ? super->struct_type() : nullptr, known);
    } else if (super != nullptr) {
      composite = ArrayType{Refined(super->array()->element)};
    } else {
      composite = ArrayType{SomeField(known)};
    }
    module_.types[index].composite = std::move(composite);
  }

  FuncType FillFunc(const FuncType* super, uint32_t known) {
    std::vector<ValType> params;
    std::vector<ValType> results;
    if (super == nullptr) {
      params = SomeTypes(context_.options.max_values, known);
      results = SomeTypes(MaxResults(), known);
      return FuncType(params, results);
    }
    for (ValType param : super->params()) params.push_back(context_.SomeSupertype(param));
    for (ValType result : super->results()) results.push_back(context_.SomeSubtype(result));
    return FuncType(params, results);
  }

  StructType FillStruct(const StructType* super, uint32_t known) {
    StructType type;
    if (super != nullptr) {
      for (const FieldType& field : super->fields) type.fields.push_back(Refined(field));
    }
    for (size_t i = source_.Below(context_.options.max_values + 1); i > 0; --i) {
      type.fields.push_back(SomeField(known));
    }
    return type;
  }

  FieldType SomeField(uint32_t known) {
    FieldType field;
    switch (source_.Below(8)) {
      case 6:
        field.storage = StorageType::I8();
        break;
      case 7:
        field.storage = StorageType::I16();
        break;
      default:
        field.storage = context_.SomeValType(known);
        break;
    }
    field.is_mutable = source_.Percent(70);
    return field;
  }

  // A field that matches `field`: mutable ones only as they are.
  FieldType Refined(FieldType field) {
    if (!field.is_mutable && !field.storage.is_packed()) {
      field.storage = context_.SomeSubtype(field.storage.unpacked());
    }
    return field;
  }

  // An earlier group again, word for word: equivalent types under other numbers.
  void CopyGroup() {
    const SubType& picked =
        module_.types[TypeIndex::FromIndex(source_.Below(module_.types.size()))];
    const TypeIndex original = picked.group_start;
    const uint32_t size = picked.group_size;
    const TypeIndex group = module_.types.next_id();
    auto moved = [&](TypeIndex index) {
      const bool inside = index.raw() >= original.raw() && index.raw() < original.raw() + size;
      return inside ? TypeIndex(index.raw() - original.raw() + group.raw()) : index;
    };
    auto moved_type = [&](ValType type) {
      if (!type.is_ref() || !type.heap_type().is_concrete()) return type;
      return ValType::ConcreteRef(moved(type.heap_type().index()), type.is_nullable());
    };
    auto moved_field = [&](FieldType field) {
      if (!field.storage.is_packed()) field.storage = moved_type(field.storage.unpacked());
      return field;
    };
    for (uint32_t i = 0; i < size; ++i) {
      const TypeIndex from(original.raw() + i);
      SubType type = module_.types[from];
      if (type.supertype.is_some()) type.supertype = moved(type.supertype);
      if (const FuncType* func = type.func()) {
        std::vector<ValType> params;
        std::vector<ValType> results;
        for (ValType param : func->params()) params.push_back(moved_type(param));
        for (ValType result : func->results()) results.push_back(moved_type(result));
        type.composite = FuncType(params, results);
      } else if (const StructType* struct_type = type.struct_type()) {
        StructType copy;
        for (const FieldType& field : struct_type->fields)
          copy.fields.push_back(moved_field(field));
        type.composite = std::move(copy);
      } else {
        type.composite = ArrayType{moved_field(type.array()->element)};
      }
      type.group_start = group;
      module_.canonical_types.Push(module_.canonical_types[from]);
      module_.types.Push(std::move(type));
    }
  }

  // For a possible tag, what its handlers receive: the parameters, and an exception behind.
  void AddHandlerTypes() {
    std::vector<FuncType> tags;
    for (TypeIndex index : context_.FuncTypes()) {
      const FuncType& type = module_.func_type(index);
      if (type.results().empty() && type.params().size() < context_.options.max_values) {
        tags.push_back(type);
      }
    }
    if (tags.empty() || !context_.Has(Feature::kMultiValue) || !source_.Percent(60)) return;
    const FuncType& tag = source_.Pick(tags);
    std::vector<ValType> results(tag.params().begin(), tag.params().end());
    if (results.size() > 1) AddFunc({}, results);
    if (context_.IsAllowed(ValType::ExnRef())) {
      results.push_back(ValType::ExnRef().WithNullable(
          !context_.Has(Feature::kFunctionReferences) || source_.Percent(50)));
      AddFunc({}, results);
    }
  }

  GeneratorContext& context_;
  ByteSource& source_;
  Module& module_;
};

}  // namespace

void GenerateTypes(GeneratorContext& context) { TypeGenerator(context).Run(); }

}  // namespace gantry::wasm::testing
