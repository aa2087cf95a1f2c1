// The operand stack: taking what is there, producing what is missing.
#include <algorithm>
#include <array>

#include "wasm_translate/testing/body_generator.h"

namespace gantry::wasm::testing {
namespace {

// Locals of a body at most, those that steps add included.
constexpr size_t kMaxLocals = 100;
constexpr size_t kMaxFixedLength = 3;

}  // namespace

void BodyGenerator::PushAll(absl::Span<const ValType> types) {
  stack_.insert(stack_.end(), types.begin(), types.end());
}

ValType BodyGenerator::Pop() {
  if (available() == 0) {
    CHECK(innermost().unreachable) << "an operand is missing in live code";
    return ValType::Bottom();
  }
  const ValType type = stack_.back();
  stack_.pop_back();
  return type;
}

void BodyGenerator::Take(size_t count) {
  for (; count > 0; --count) Pop();
}

bool BodyGenerator::TopIs(ValType type) const {
  return available() > 0 && context_.Matches(stack_.back(), type);
}

bool BodyGenerator::TopMatches(absl::Span<const ValType> types, size_t skip) const {
  for (size_t i = 0; i < types.size(); ++i) {
    if (skip + i >= available()) return frames_.back().unreachable;
    if (!context_.Matches(stack_[stack_.size() - 1 - skip - i], types[types.size() - 1 - i])) {
      return false;
    }
  }
  return true;
}

void BodyGenerator::Need(absl::Span<const ValType> types) {
  if (innermost().unreachable && available() < types.size() && TopMatches(types) &&
      source_.Percent(60)) {
    return;
  }
  // The most of them that lie there in order.
  size_t there = std::min(available(), types.size());
  const auto match = [&] {
    for (size_t i = 0; i < there; ++i) {
      if (!context_.Matches(stack_[stack_.size() - there + i], types[i])) return false;
    }
    return true;
  };
  while (there > 0 && !match()) --there;
  for (size_t i = there; i < types.size(); ++i) Produce(types[i]);
}

bool BodyGenerator::Careful() { return context_.executable() && !source_.Percent(4); }

void BodyGenerator::ProduceConstant(ValType type) {
  context_.WriteConstant(type, code_);
  Push(type);
}

void BodyGenerator::ProduceInteger(IndexType type, uint64_t value) {
  context_.WriteInteger(type, value, code_);
  Push(ToValType(type));
}

bool BodyGenerator::ProduceLocal(ValType type) {
  // From the last one on: what was just computed is there.
  const size_t count = locals_.size();
  if (count == 0) return false;
  const size_t first = source_.Below(count);
  for (size_t i = 0; i < count; ++i) {
    const size_t local = count - 1 - (first + i) % count;
    if (!locals_[local].is_set || !context_.Matches(locals_[local].type, type)) continue;
    Op(Opcode::kLocalGet, {local});
    Push(locals_[local].type);
    return true;
  }
  return false;
}

bool BodyGenerator::ProduceGlobal(ValType type) {
  const size_t count = module_.globals.size();
  if (count == 0) return false;
  const size_t first = source_.Below(count);
  for (size_t i = 0; i < count; ++i) {
    const GlobalIndex global = GlobalIndex::FromIndex((first + i) % count);
    const ValType content = module_.globals[global].content;
    if (!context_.Matches(content, type)) continue;
    Op(Opcode::kGlobalGet, {global.raw()});
    Push(content);
    return true;
  }
  return false;
}

bool BodyGenerator::ProduceExpression(ValType type, int depth) {
  if (!type.is_numeric() || depth <= 0) return false;
  const Opcode op = source_.Pick(operators_.by_result[static_cast<size_t>(type.kind())]);
  const OperatorInfo& info = GetOperatorInfo(op);
  if (context_.executable() && MayTrap(op)) return false;
  for (size_t i = 0; i < info.num_params; ++i) {
    Produce(ValType::OfSimpleKind(static_cast<ValType::Kind>(info.params[i])), depth - 1);
  }
  Simple(op);
  return true;
}

void BodyGenerator::Produce(ValType type, int depth) {
  const size_t choice = source_.Below(10);
  if (choice >= 5 && ProduceLocal(type)) return;
  if (choice == 4 && ProduceGlobal(type)) return;
  if (type.is_ref()) return ProduceReference(type, depth);
  if (choice == 3 && ProduceExpression(type, depth)) return;
  ProduceConstant(type);
}

void BodyGenerator::ProduceReference(ValType type, int depth) {
  const size_t first = source_.Below(4);
  for (size_t i = 0; i < 4; ++i) {
    bool made = false;
    switch ((first + i) % 4) {
      case 0:
        // Null is what traps.
        made = !context_.executable() && ProduceNull(type);
        break;
      case 1:
        made = ProduceFunction(type);
        break;
      case 2:
        made = ProduceAggregate(type, depth);
        break;
      case 3:
        made = ProduceConverted(type, depth);
        break;
    }
    if (made) return;
  }
  if (ProduceNull(type) || ProduceLocal(type) || ProduceGlobal(type)) return;
  const bool non_null = !type.is_nullable() && context_.Has(Feature::kFunctionReferences);
  if (non_null && ProduceNull(type.WithNullable(true))) {
    Op(Opcode::kRefAsNonNull);
    Push(Pop().WithNullable(false));
    return;
  }
  Op(Opcode::kUnreachable);
  MakeUnreachable();
}

bool BodyGenerator::ProduceNull(ValType type) {
  if (!type.is_nullable() || !context_.Has(Feature::kReferenceTypes)) return false;
  const ValType null = context_.SomeSubtype(type).WithNullable(true);
  if (!context_.IsAllowed(null)) return false;
  Op(Opcode::kRefNull);
  code_.Heap(null.heap_type());
  Push(null);
  return true;
}

bool BodyGenerator::ProduceFunction(ValType type) {
  if (!context_.Has(Feature::kReferenceTypes)) return false;
  const size_t count = module_.functions.size();
  const size_t first = source_.Below(count);
  for (size_t i = 0; i < count; ++i) {
    const FuncIndex func = FuncIndex::FromIndex((first + i) % count);
    if (!module_.referenced_functions.contains(func)) continue;
    const ValType made = context_.RefFuncType(func);
    if (!context_.Matches(made, type)) continue;
    // A call of what lies later comes to an end.
    if (context_.executable() && func.raw() <= func_.raw()) continue;
    Op(Opcode::kRefFunc, {func.raw()});
    Push(made);
    return true;
  }
  return false;
}

bool BodyGenerator::ProduceAggregate(ValType type, int depth) {
  if (!context_.Has(Feature::kGc) || depth <= 0) return false;
  std::vector<TypeIndex> found;
  for (size_t i = 0; i < module_.types.size(); ++i) {
    const TypeIndex index = TypeIndex::FromIndex(i);
    if (!module_.types[index].is_func() &&
        context_.Matches(ValType::ConcreteRef(index, false), type)) {
      found.push_back(index);
    }
  }
  if (found.empty()) return false;
  const TypeIndex index = source_.Pick(found);
  if (const StructType* fields = module_.types[index].struct_type()) {
    bool defaultable = true;
    for (const FieldType& field : fields->fields) {
      defaultable = defaultable && field.storage.unpacked().is_defaultable();
    }
    const bool by_default = defaultable && source_.Percent(50);
    if (!by_default) {
      for (const FieldType& field : fields->fields) Produce(field.storage.unpacked(), depth - 1);
    }
    Op(by_default ? Opcode::kStructNewDefault : Opcode::kStructNew, {index.raw()});
    if (!by_default) Take(fields->fields.size());
  } else {
    const ValType element = module_.types[index].array()->element.storage.unpacked();
    if (element.is_defaultable() && source_.Percent(50)) {
      ProduceInteger(IndexType::kI32, 4 + source_.Below(8));
      Op(Opcode::kArrayNewDefault, {index.raw()});
      Take(1);
    } else {
      const size_t length = source_.Below(kMaxFixedLength + 1);
      for (size_t i = 0; i < length; ++i) Produce(element, depth - 1);
      Op(Opcode::kArrayNewFixed, {index.raw(), length});
      Take(length);
    }
  }
  Push(ValType::ConcreteRef(index, false));
  return true;
}

bool BodyGenerator::ProduceConverted(ValType type, int depth) {
  if (!context_.Has(Feature::kGc)) return false;
  const ValType i31 = AbstractRef(AbstractHeapType::kI31, false);
  if (context_.Matches(i31, type)) {
    Produce(ValType::I32(), 0);
    Op(Opcode::kRefI31);
    Take(1);
    Push(i31);
    return true;
  }
  const ValType made = AbstractRef(AbstractHeapType::kExtern, type.is_nullable());
  if (depth <= 0 || !context_.Matches(made, type)) return false;
  Produce(AbstractRef(AbstractHeapType::kAny, type.is_nullable()), depth - 1);
  const ValType operand = Pop();
  Op(Opcode::kExternConvertAny);
  Push(AbstractRef(AbstractHeapType::kExtern, !operand.is_bottom() && operand.is_nullable()));
  return true;
}

void BodyGenerator::Sink() {
  const ValType type = Pop();
  const size_t choice = source_.Below(4);
  if (choice == 1 || choice == 2) {
    const size_t first = source_.Below(locals_.size());
    for (size_t i = 0; i < locals_.size(); ++i) {
      const size_t local = (first + i) % locals_.size();
      if (locals_[local].reserved || !context_.Matches(type, locals_[local].type)) continue;
      Op(Opcode::kLocalSet, {local});
      MarkSet(static_cast<uint32_t>(local));
      return;
    }
  }
  if (choice == 3) {
    const size_t count = module_.globals.size();
    const size_t first = source_.Below(count);
    for (size_t i = 0; i < count; ++i) {
      const GlobalIndex global = GlobalIndex::FromIndex((first + i) % count);
      const GlobalType& to = module_.globals[global];
      if (!to.is_mutable || !context_.Matches(type, to.content)) continue;
      Op(Opcode::kGlobalSet, {global.raw()});
      return;
    }
  }
  Op(Opcode::kDrop);
}

std::optional<uint32_t> BodyGenerator::Stash() {
  if (available() == 0) return std::nullopt;
  const ValType type = stack_.back();
  std::optional<uint32_t> local;
  for (size_t i = locals_.size(); i-- > num_params_ && !local.has_value();) {
    if (locals_[i].type == type && !locals_[i].reserved) local = static_cast<uint32_t>(i);
  }
  if (!local.has_value()) {
    if (locals_.size() >= kMaxLocals || !context_.IsAllowed(type)) return std::nullopt;
    local = AddLocal(type);
  }
  Pop();
  Op(Opcode::kLocalSet, {*local});
  MarkSet(*local);
  return local;
}

void BodyGenerator::ProduceBounded(IndexType type, uint64_t limit, uint64_t multiple, bool take) {
  const ValType value = ToValType(type);
  const bool wide = type == IndexType::kI64;
  // The largest mask of ones below the limit.
  uint64_t mask = 0;
  while (mask * 2 + 1 <= limit && mask < 0x7FFFFFFF) mask = mask * 2 + 1;
  mask &= ~(multiple - 1);
  take = take && TopIs(value);
  if (mask == 0 || (!take && source_.Percent(40))) {
    const uint64_t most = std::min<uint64_t>(limit, 0x7FFFFFFF);
    ProduceInteger(type, source_.Below(static_cast<size_t>(most) + 1) & ~(multiple - 1));
    return;
  }
  if (!take) Produce(value, 0);
  ProduceInteger(type, mask);
  Op(wide ? Opcode::kI64And : Opcode::kI32And);
  Take(2);
  Push(value);
}

}  // namespace gantry::wasm::testing
