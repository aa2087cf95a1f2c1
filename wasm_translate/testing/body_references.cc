// Steps on references, structs, arrays and i31.
#include <algorithm>
#include <utility>

#include "wasm_translate/testing/body_generator.h"

namespace gantry::wasm::testing {
namespace {

constexpr size_t kMaxLength = 12;
constexpr size_t kMaxFixedLength = 4;

bool IsPlain(const FieldType& field) {
  return field.storage.is_packed() || !field.storage.unpacked().is_ref();
}

}  // namespace

bool BodyGenerator::StepReference() {
  static constexpr Opcode kOperators[] = {
      Opcode::kRefNull,      Opcode::kRefIsNull,        Opcode::kRefFunc,          Opcode::kRefEq,
      Opcode::kRefAsNonNull, Opcode::kRefTest,          Opcode::kRefTestNull,      Opcode::kRefCast,
      Opcode::kRefCastNull,  Opcode::kAnyConvertExtern, Opcode::kExternConvertAny, Opcode::kRefI31,
      Opcode::kI31GetS,      Opcode::kI31GetU};
  const Opcode op = kOperators[source_.Below(std::size(kOperators))];
  if (!context_.Has(GetOperatorInfo(op).feature)) return false;
  const ValType i32 = ValType::I32();
  switch (op) {
    case Opcode::kRefNull: {
      const auto type = context_.SomeReferenceType(static_cast<uint32_t>(module_.types.size()));
      return type.has_value() && ProduceNull(type->WithNullable(true));
    }
    case Opcode::kRefFunc:
      return !module_.functions.empty() && ProduceFunction(ValType::FuncRef());
    case Opcode::kRefIsNull:
    case Opcode::kRefAsNonNull: {
      auto type = context_.SomeReferenceType(static_cast<uint32_t>(module_.types.size()));
      if (available() > 0 && stack_.back().is_ref()) type = stack_.back();
      if (!type.has_value() || (op == Opcode::kRefAsNonNull && Careful())) return false;
      Need({*type});
      const ValType operand = Pop();
      Op(op);
      if (op == Opcode::kRefIsNull) {
        Push(i32);
      } else {
        Push(operand.is_bottom() ? operand : operand.WithNullable(false));
      }
      return true;
    }
    case Opcode::kRefEq: {
      const ValType eq = AbstractRef(AbstractHeapType::kEq, true);
      Need({eq, eq});
      Op(op);
      Take(2);
      Push(i32);
      return true;
    }
    case Opcode::kRefTest:
    case Opcode::kRefTestNull:
      Cast(op);
      return true;
    case Opcode::kRefCast:
    case Opcode::kRefCastNull:
      if (Careful()) return false;
      Cast(op);
      return true;
    case Opcode::kAnyConvertExtern:
    case Opcode::kExternConvertAny:
      return Convert(op);
    case Opcode::kRefI31:
      Need({i32});
      Op(op);
      Take(1);
      Push(AbstractRef(AbstractHeapType::kI31, false));
      return true;
    case Opcode::kI31GetS:
    case Opcode::kI31GetU:
      Need({AbstractRef(AbstractHeapType::kI31, !context_.executable())});
      Op(op);
      Take(1);
      Push(i32);
      return true;
    default:
      UNREACHABLE();
  }
}

void BodyGenerator::Cast(Opcode op) {
  const auto some = context_.SomeReferenceType(static_cast<uint32_t>(module_.types.size()));
  if (!some.has_value()) return;
  const bool nullable = op == Opcode::kRefTestNull || op == Opcode::kRefCastNull;
  const bool test = op == Opcode::kRefTest || op == Opcode::kRefTestNull;
  const ValType to = some->WithNullable(nullable);
  const ValType from = AbstractRef(TopOf(module_, to.heap_type()), true);
  Need({from});
  Op(op);
  code_.Heap(to.heap_type());
  Take(1);
  Push(test ? ValType::I32() : to);
}

bool BodyGenerator::Convert(Opcode op) {
  const bool to_any = op == Opcode::kAnyConvertExtern;
  const AbstractHeapType from = to_any ? AbstractHeapType::kExtern : AbstractHeapType::kAny;
  const AbstractHeapType to = to_any ? AbstractHeapType::kAny : AbstractHeapType::kExtern;
  Need({AbstractRef(from, true)});
  const ValType operand = Pop();
  Op(op);
  Push(AbstractRef(to, !operand.is_bottom() && operand.is_nullable()));
  return true;
}

ValType BodyGenerator::ObjectType(TypeIndex index) {
  return ValType::ConcreteRef(index, !Careful());
}

// A length or an index that is seldom out of bounds, and never large.
void BodyGenerator::ProduceSmall() {
  ProduceInteger(IndexType::kI32, source_.Below(source_.Percent(50) ? 3 : kMaxLength));
}

bool BodyGenerator::StepAggregate() {
  const Opcode op = source_.Pick(operators_.aggregate);
  if (op <= Opcode::kStructSet) return StructOperator(op);
  if (op <= Opcode::kArrayInitElem) return ArrayOperator(op);
  return false;
}

bool BodyGenerator::StructOperator(Opcode op) {
  // What the operator is possible with.
  struct Target {
    TypeIndex type;
    uint32_t field;
  };
  std::vector<Target> targets;
  for (TypeIndex index : context_.StructTypes()) {
    const std::vector<FieldType>& fields = module_.types[index].struct_type()->fields;
    if (op == Opcode::kStructNew || op == Opcode::kStructNewDefault) {
      const bool defaultable = std::all_of(fields.begin(), fields.end(), [](const FieldType& f) {
        return f.storage.unpacked().is_defaultable();
      });
      if (op == Opcode::kStructNew || defaultable) targets.push_back({index, 0});
      continue;
    }
    for (uint32_t i = 0; i < fields.size(); ++i) {
      const bool fits = op == Opcode::kStructSet
                            ? fields[i].is_mutable
                            : fields[i].storage.is_packed() == (op != Opcode::kStructGet);
      if (fits) targets.push_back({index, i});
    }
  }
  if (targets.empty()) return false;
  const Target target = source_.Pick(targets);
  const std::vector<FieldType>& fields = module_.types[target.type].struct_type()->fields;
  const ValType made = ValType::ConcreteRef(target.type, false);
  switch (op) {
    case Opcode::kStructNew: {
      std::vector<ValType> operands;
      for (const FieldType& field : fields) operands.push_back(field.storage.unpacked());
      Need(operands);
      Op(op, {target.type.raw()});
      Take(operands.size());
      Push(made);
      return true;
    }
    case Opcode::kStructNewDefault:
      Op(op, {target.type.raw()});
      Push(made);
      return true;
    case Opcode::kStructSet:
      Need({ObjectType(target.type), fields[target.field].storage.unpacked()});
      Op(op, {target.type.raw(), target.field});
      Take(2);
      return true;
    default:
      Need({ObjectType(target.type)});
      Op(op, {target.type.raw(), target.field});
      Take(1);
      Push(fields[target.field].storage.unpacked());
      return true;
  }
}

bool BodyGenerator::ArrayOperator(Opcode op) {
  const ValType i32 = ValType::I32();
  if (op == Opcode::kArrayLen) {
    Need({AbstractRef(AbstractHeapType::kArray, !Careful())});
    Op(op);
    Take(1);
    Push(i32);
    return true;
  }
  std::vector<TypeIndex> targets;
  for (TypeIndex index : context_.ArrayTypes()) {
    const FieldType& element = module_.types[index].array()->element;
    bool fits = true;
    switch (op) {
      case Opcode::kArrayNewDefault:
        fits = element.storage.unpacked().is_defaultable();
        break;
      case Opcode::kArrayGet:
        fits = !element.storage.is_packed();
        break;
      case Opcode::kArrayGetS:
      case Opcode::kArrayGetU:
        fits = element.storage.is_packed();
        break;
      case Opcode::kArraySet:
      case Opcode::kArrayFill:
      case Opcode::kArrayCopy:
        fits = element.is_mutable;
        break;
      case Opcode::kArrayNewData:
        fits = IsPlain(element);
        break;
      case Opcode::kArrayNewElem:
        fits = !IsPlain(element);
        break;
      case Opcode::kArrayInitData:
        fits = element.is_mutable && IsPlain(element);
        break;
      case Opcode::kArrayInitElem:
        fits = element.is_mutable && !IsPlain(element);
        break;
      default:
        break;
    }
    if (fits) targets.push_back(index);
  }
  if (targets.empty()) return false;
  const TypeIndex index = source_.Pick(targets);
  const FieldType element = module_.types[index].array()->element;
  const ValType value = element.storage.unpacked();
  const ValType made = ValType::ConcreteRef(index, false);
  switch (op) {
    case Opcode::kArrayNew:
      Need({value});
      ProduceSmall();
      Op(op, {index.raw()});
      Take(2);
      Push(made);
      return true;
    case Opcode::kArrayNewDefault:
      ProduceSmall();
      Op(op, {index.raw()});
      Take(1);
      Push(made);
      return true;
    case Opcode::kArrayNewFixed: {
      const std::vector<ValType> operands(source_.Below(kMaxFixedLength + 1), value);
      Need(operands);
      Op(op, {index.raw(), operands.size()});
      Take(operands.size());
      Push(made);
      return true;
    }
    case Opcode::kArrayGet:
    case Opcode::kArrayGetS:
    case Opcode::kArrayGetU:
      Need({ObjectType(index)});
      ProduceSmall();
      Op(op, {index.raw()});
      Take(2);
      Push(value);
      return true;
    case Opcode::kArraySet:
      Need({ObjectType(index)});
      ProduceSmall();
      Produce(value);
      Op(op, {index.raw()});
      Take(3);
      return true;
    case Opcode::kArrayFill:
      Need({ObjectType(index)});
      ProduceSmall();
      Produce(value);
      ProduceSmall();
      Op(op, {index.raw()});
      Take(4);
      return true;
    case Opcode::kArrayCopy: {
      std::vector<TypeIndex> sources;
      for (TypeIndex each : context_.ArrayTypes()) {
        const StorageType from = module_.types[each].array()->element.storage;
        if (from.packed() == element.storage.packed() && context_.Matches(from.unpacked(), value)) {
          sources.push_back(each);
        }
      }
      const TypeIndex from = source_.Pick(sources);
      Need({ObjectType(index)});
      ProduceSmall();
      Produce(ObjectType(from));
      ProduceSmall();
      ProduceSmall();
      Op(op, {index.raw(), from.raw()});
      Take(5);
      return true;
    }
    default:
      return ArraySegment(op, index);
  }
}

bool BodyGenerator::ArraySegment(Opcode op, TypeIndex index) {
  const ValType value = module_.types[index].array()->element.storage.unpacked();
  const bool of_data = op == Opcode::kArrayNewData || op == Opcode::kArrayInitData;
  std::vector<uint32_t> segments;
  const size_t count = of_data ? draft_.data.size() : draft_.elements.size();
  for (uint32_t i = 0; i < count; ++i) {
    if (of_data || context_.Matches(draft_.elements[i].type, value)) segments.push_back(i);
  }
  // A data segment is named by what the data count section announces.
  if (segments.empty() || (of_data && !context_.Has(Feature::kBulkMemory))) return false;
  const uint32_t segment = source_.Pick(segments);
  const bool made = op == Opcode::kArrayNewData || op == Opcode::kArrayNewElem;
  if (!made) {
    Need({ObjectType(index)});
    ProduceSmall();
  }
  ProduceSmall();
  ProduceSmall();
  Op(op, {index.raw(), segment});
  Take(made ? 2 : 4);
  if (made) Push(ValType::ConcreteRef(index, false));
  if (of_data) draft_.data_count = true;
  return true;
}

}  // namespace gantry::wasm::testing
