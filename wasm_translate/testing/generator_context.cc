#include "wasm_translate/testing/generator_context.h"

#include <limits>

#include "wasm_translate/operators.h"

namespace gantry::wasm::testing {
namespace {

struct AbstractType {
  AbstractHeapType type;
  Feature feature;
};

// In the validator's opinion nofunc and noextern came with gc, noexn with exceptions.
constexpr AbstractType kAbstractTypes[] = {
    {AbstractHeapType::kFunc, Feature::kReferenceTypes},
    {AbstractHeapType::kExtern, Feature::kReferenceTypes},
    {AbstractHeapType::kAny, Feature::kGc},
    {AbstractHeapType::kEq, Feature::kGc},
    {AbstractHeapType::kI31, Feature::kGc},
    {AbstractHeapType::kStruct, Feature::kGc},
    {AbstractHeapType::kArray, Feature::kGc},
    {AbstractHeapType::kNone, Feature::kGc},
    {AbstractHeapType::kNoFunc, Feature::kGc},
    {AbstractHeapType::kNoExtern, Feature::kGc},
    {AbstractHeapType::kExn, Feature::kExceptions},
    {AbstractHeapType::kNoExn, Feature::kExceptions},
};

template <typename Predicate>
std::vector<TypeIndex> TypesWhere(const Module& module, Predicate predicate) {
  std::vector<TypeIndex> found;
  for (size_t i = 0; i < module.types.size(); ++i) {
    const TypeIndex index = TypeIndex::FromIndex(i);
    if (predicate(module.types[index])) found.push_back(index);
  }
  return found;
}

}  // namespace

bool GeneratorContext::AllMatch(absl::Span<const ValType> sub,
                                absl::Span<const ValType> super) const {
  if (sub.size() != super.size()) return false;
  for (size_t i = 0; i < sub.size(); ++i) {
    if (!Matches(sub[i], super[i])) return false;
  }
  return true;
}

bool GeneratorContext::IsAllowed(ValType type) const {
  if (type.is_bottom()) return false;
  if (type.is_vector()) return Has(Feature::kSimd);
  if (!type.is_ref()) return true;
  if (!Has(Feature::kReferenceTypes)) return false;
  if (!type.is_nullable() && !Has(Feature::kFunctionReferences)) return false;
  const HeapType heap = type.heap_type();
  if (heap.is_concrete()) return Has(Feature::kFunctionReferences);
  for (const AbstractType& each : kAbstractTypes) {
    if (heap.Is(each.type)) return Has(each.feature);
  }
  return false;
}

ValType GeneratorContext::RefFuncType(FuncIndex func) const {
  if (!Has(Feature::kFunctionReferences)) return ValType::FuncRef();
  return ValType::ConcreteRef(module.functions[func], false);
}

std::vector<ValType> GeneratorContext::ReferenceTypes(uint32_t num_types) const {
  std::vector<ValType> types;
  auto add = [&](HeapType heap) {
    for (bool nullable : {true, false}) {
      const ValType type = ValType::Ref(heap, nullable);
      if (IsAllowed(type)) types.push_back(type);
    }
  };
  for (const AbstractType& each : kAbstractTypes) add(HeapType::Abstract(each.type));
  for (uint32_t i = 0; i < num_types; ++i) add(HeapType::Concrete(TypeIndex(i)));
  return types;
}

ValType GeneratorContext::SomeNumericType() {
  static constexpr ValType::Kind kKinds[] = {ValType::Kind::kI32, ValType::Kind::kI64,
                                             ValType::Kind::kF32, ValType::Kind::kF64};
  return ValType::OfSimpleKind(kKinds[source.Below(4)]);
}

std::optional<ValType> GeneratorContext::SomeReferenceType(uint32_t num_types) {
  const std::vector<ValType> types = ReferenceTypes(num_types);
  if (types.empty()) return std::nullopt;
  return source.Pick(types);
}

ValType GeneratorContext::SomeValType(uint32_t num_types) {
  const size_t choice = source.Below(16);
  if (choice >= 14 && Has(Feature::kSimd)) return ValType::V128();
  if (choice >= 9) {
    if (const auto type = SomeReferenceType(num_types)) return *type;
  }
  return SomeNumericType();
}

ValType GeneratorContext::SomeSubtype(ValType type) {
  if (!type.is_ref()) return type;
  std::vector<ValType> found = {type};
  for (ValType each : ReferenceTypes()) {
    if (Matches(each, type)) found.push_back(each);
  }
  return source.Pick(found);
}

ValType GeneratorContext::SomeSupertype(ValType type) {
  if (!type.is_ref()) return type;
  std::vector<ValType> found = {type};
  for (ValType each : ReferenceTypes()) {
    if (Matches(type, each)) found.push_back(each);
  }
  return source.Pick(found);
}

std::vector<TypeIndex> GeneratorContext::FuncTypes() const {
  return TypesWhere(module, [](const SubType& type) { return type.is_func(); });
}
std::vector<TypeIndex> GeneratorContext::StructTypes() const {
  return TypesWhere(module, [](const SubType& type) { return type.struct_type() != nullptr; });
}
std::vector<TypeIndex> GeneratorContext::ArrayTypes() const {
  return TypesWhere(module, [](const SubType& type) { return type.array() != nullptr; });
}

std::optional<TypeIndex> GeneratorContext::FindFuncType(absl::Span<const ValType> params,
                                                        absl::Span<const ValType> results) const {
  for (TypeIndex index : FuncTypes()) {
    const FuncType& type = module.func_type(index);
    if (type.params() == params && type.results() == results) return index;
  }
  return std::nullopt;
}

int32_t GeneratorContext::SomeI32() {
  static constexpr int32_t kEdges[] = {0,
                                       1,
                                       -1,
                                       2,
                                       31,
                                       32,
                                       33,
                                       127,
                                       128,
                                       -128,
                                       255,
                                       256,
                                       32767,
                                       32768,
                                       65535,
                                       65536,
                                       std::numeric_limits<int32_t>::max(),
                                       std::numeric_limits<int32_t>::min()};
  switch (source.Below(4)) {
    case 0:
      return static_cast<int32_t>(source.Below(64));
    case 1:
      return kEdges[source.Below(std::size(kEdges))];
    case 2:
      return static_cast<int8_t>(source.Byte());
    default:
      return static_cast<int32_t>(source.U32());
  }
}

int64_t GeneratorContext::SomeI64() {
  switch (source.Below(4)) {
    case 0:
      return SomeI32();
    case 1:
      return int64_t{SomeI32()} << 32 | static_cast<uint32_t>(SomeI32());
    case 2:
      return static_cast<int64_t>(uint64_t{1} << source.Below(64));
    default:
      return static_cast<int64_t>(source.U64());
  }
}

uint32_t GeneratorContext::SomeF32Bits() {
  static constexpr uint32_t kEdges[] = {
      0x00000000, 0x80000000, 0x3F800000, 0xBF800000, 0x3F000000, 0x40490FDB, 0x7F800000,
      0xFF800000, 0x7FC00000, 0xFFC00000, 0x7FA00000, 0x7FFFFFFF, 0x00000001, 0x007FFFFF,
      0x00800000, 0x7F7FFFFF, 0x4F000000, 0xCF000000, 0x4F800000, 0x5F000000, 0x4B000000};
  return source.Percent(30) ? source.U32() : kEdges[source.Below(std::size(kEdges))];
}

uint64_t GeneratorContext::SomeF64Bits() {
  static constexpr uint64_t kEdges[] = {
      0x0000000000000000, 0x8000000000000000, 0x3FF0000000000000, 0xBFF0000000000000,
      0x3FE0000000000000, 0x400921FB54442D18, 0x7FF0000000000000, 0xFFF0000000000000,
      0x7FF8000000000000, 0xFFF8000000000000, 0x7FF4000000000000, 0x7FFFFFFFFFFFFFFF,
      0x0000000000000001, 0x000FFFFFFFFFFFFF, 0x0010000000000000, 0x7FEFFFFFFFFFFFFF,
      0x41DFFFFFFFC00000, 0xC1E0000000000000, 0x43E0000000000000, 0x4330000000000000};
  return source.Percent(30) ? source.U64() : kEdges[source.Below(std::size(kEdges))];
}

void GeneratorContext::WriteConstant(ValType type, ByteWriter& out) {
  switch (type.kind()) {
    case ValType::Kind::kI32:
      out.Op(Opcode::kI32Const);
      out.VarS64(SomeI32());
      return;
    case ValType::Kind::kI64:
      out.Op(Opcode::kI64Const);
      out.VarS64(SomeI64());
      return;
    case ValType::Kind::kF32:
      out.Op(Opcode::kF32Const);
      out.Fixed32(SomeF32Bits());
      return;
    case ValType::Kind::kF64:
      out.Op(Opcode::kF64Const);
      out.Fixed64(SomeF64Bits());
      return;
    case ValType::Kind::kV128:
      out.Op(Opcode::kV128Const);
      out.Fixed64(source.Percent(50) ? source.U64() : SomeF64Bits());
      out.Fixed64(static_cast<uint64_t>(SomeI64()));
      return;
    case ValType::Kind::kRef:
    case ValType::Kind::kBottom:
      break;
  }
  UNREACHABLE();
}

void GeneratorContext::WriteInteger(IndexType type, uint64_t value, ByteWriter& out) {
  const bool wide = type == IndexType::kI64;
  out.Op(wide ? Opcode::kI64Const : Opcode::kI32Const);
  out.VarS64(wide ? static_cast<int64_t>(value) : static_cast<int32_t>(value));
}

std::string GeneratorContext::SomeName() {
  static constexpr const char* kPieces[] = {
      "a", "b", "memory", "0",    "-", ".", "_", " ",  "\"", "\\",   "\n", "\t", "é",
      "λ", "→", "漢",     "🙂", "/", "$", "%", ";;", "(;", "\x7f", "@x", "\'", "a b"};
  std::string name;
  for (size_t i = source.Below(5); i > 0; --i) name += kPieces[source.Below(std::size(kPieces))];
  if (source.Percent(3)) name.push_back('\0');
  return name;
}

}  // namespace gantry::wasm::testing
