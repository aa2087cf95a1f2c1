// Steps of control: blocks, branches, exceptions, calls.
#include <algorithm>
#include <utility>

#include "wasm_translate/testing/body_generator.h"

namespace gantry::wasm::testing {
namespace {

constexpr size_t kMaxCatches = 3;
constexpr size_t kMaxTargets = 6;
// Nested loops that count down, so that their product stays small.
constexpr int kMaxCountedLoops = 3;
constexpr size_t kMaxTrips = 5;

}  // namespace

bool BodyGenerator::StepControl() {
  static constexpr Opcode kOperators[] = {
      Opcode::kBlock,      Opcode::kBlock,       Opcode::kLoop,     Opcode::kLoop,
      Opcode::kIf,         Opcode::kIf,          Opcode::kElse,     Opcode::kEnd,
      Opcode::kEnd,        Opcode::kEnd,         Opcode::kBr,       Opcode::kBrIf,
      Opcode::kBrIf,       Opcode::kBrIf,        Opcode::kBrTable,  Opcode::kReturn,
      Opcode::kTryTable,   Opcode::kTryTable,    Opcode::kThrow,    Opcode::kThrowRef,
      Opcode::kBrOnNull,   Opcode::kBrOnNonNull, Opcode::kBrOnCast, Opcode::kBrOnCastFail,
      Opcode::kUnreachable};
  const Opcode op = kOperators[source_.Below(std::size(kOperators))];
  if (!context_.Has(GetOperatorInfo(op).feature)) return false;
  switch (op) {
    case Opcode::kBlock:
    case Opcode::kLoop:
    case Opcode::kIf:
      return Block(op);
    case Opcode::kElse:
      return Else();
    case Opcode::kEnd:
      if (frames_.size() == 1) return false;
      CloseFrame();
      return true;
    case Opcode::kBr:
    case Opcode::kBrIf:
      return Branch(op);
    case Opcode::kBrTable:
      return BranchTable();
    case Opcode::kReturn: {
      if (Careful()) return false;
      const std::vector<ValType> results = frames_[0].results;
      Need(results);
      Op(Opcode::kReturn);
      MakeUnreachable();
      return true;
    }
    case Opcode::kTryTable:
      return TryTable();
    case Opcode::kThrow:
      return Throw();
    case Opcode::kThrowRef:
      if (Careful()) return false;
      Need({ValType::ExnRef()});
      Op(Opcode::kThrowRef);
      MakeUnreachable();
      return true;
    case Opcode::kBrOnNull:
      return BranchOnNull();
    case Opcode::kBrOnNonNull:
      return BranchOnNonNull();
    case Opcode::kBrOnCast:
    case Opcode::kBrOnCastFail:
      return BranchOnCast(op);
    case Opcode::kUnreachable:
      if (Careful()) return false;
      Op(Opcode::kUnreachable);
      MakeUnreachable();
      return true;
    default:
      UNREACHABLE();
  }
}

BodyGenerator::BlockType BodyGenerator::SomeBlockType() {
  BlockType type;
  const size_t choice = source_.Below(3);
  if (choice == 1) {
    const ValType result = context_.SomeValType();
    type.results.push_back(result);
  } else if (choice == 2 && context_.Has(Feature::kMultiValue)) {
    const std::vector<TypeIndex> types = context_.FuncTypes();
    const TypeIndex index = source_.Pick(types);
    const FuncType& func = module_.func_type(index);
    type.params.assign(func.params().begin(), func.params().end());
    type.results.assign(func.results().begin(), func.results().end());
    // What has a short form is written in it.
    if (!type.params.empty() || type.results.size() > 1) type.index = index;
  }
  return type;
}

std::optional<BodyGenerator::BlockType> BodyGenerator::BlockTypeFor(
    absl::Span<const ValType> results) {
  BlockType type;
  type.results.assign(results.begin(), results.end());
  if (results.empty() || (results.size() == 1 && context_.IsAllowed(results[0]))) return type;
  type.index = context_.FindFuncType({}, results);
  if (!type.index.has_value() || !context_.Has(Feature::kMultiValue)) return std::nullopt;
  return type;
}

void BodyGenerator::WriteBlockType(const BlockType& type) {
  if (type.index.has_value()) {
    code_.VarS64(type.index->raw());
  } else if (type.results.empty()) {
    code_.U8(0x40);
  } else {
    code_.Type(type.results[0]);
  }
}

bool BodyGenerator::Block(Opcode op) {
  if (frames_.size() >= options_.max_depth) return false;
  const BlockType type = SomeBlockType();
  if (op == Opcode::kLoop && context_.executable()) {
    int counted = 0;
    for (const Frame& each : frames_) counted += each.counter.has_value() ? 1 : 0;
    if (counted >= kMaxCountedLoops) return false;
  }
  std::vector<ValType> operands = type.params;
  if (op == Opcode::kIf) operands.push_back(ValType::I32());
  Need(operands);
  std::optional<uint32_t> counter;
  if (op == Opcode::kLoop && context_.executable()) {
    counter = AddLocal(ValType::I32());
    locals_[*counter].reserved = true;
    context_.WriteInteger(IndexType::kI32, 1 + source_.Below(kMaxTrips), code_);
    Op(Opcode::kLocalSet, {*counter});
  }
  if (op == Opcode::kIf) Hint();
  Op(op);
  WriteBlockType(type);
  Take(operands.size());
  OpenFrame(op == Opcode::kBlock  ? FrameKind::kBlock
            : op == Opcode::kLoop ? FrameKind::kLoop
                                  : FrameKind::kIf,
            type.params, type.results);
  innermost().counter = counter;
  return true;
}

// The branch back at the end of a loop, taken as long as the counter is not zero.
void BodyGenerator::CloseCountedLoop() {
  if (innermost().unreachable) return;
  const std::vector<ValType> params = innermost().params;
  const uint64_t counter = *innermost().counter;
  Need(params);
  Op(Opcode::kLocalGet, {counter});
  context_.WriteInteger(IndexType::kI32, 1, code_);
  Op(Opcode::kI32Sub);
  Op(Opcode::kLocalTee, {counter});
  Op(Opcode::kBrIf, {0});
  Take(params.size());
  PushAll(params);
}

bool BodyGenerator::Else() {
  if (innermost().kind != FrameKind::kIf) return false;
  Settle();
  Op(Opcode::kElse);
  Frame& frame = innermost();
  ForgetSets(frame);
  frame.kind = FrameKind::kElse;
  frame.unreachable = false;
  stack_.resize(frame.height);
  PushAll(std::vector<ValType>(frame.params));
  return true;
}

void BodyGenerator::Hint() {
  if (!context_.Has(Feature::kBranchHinting) || !options_.custom_sections) return;
  if (!source_.Percent(20)) return;
  hints_.push_back({static_cast<uint32_t>(code_.size()), source_.Percent(50)});
}

std::vector<uint32_t> BodyGenerator::LabelsWhere(const FramePredicate& predicate) const {
  std::vector<uint32_t> depths;
  for (size_t depth = 0; depth < frames_.size(); ++depth) {
    if (predicate(frame(depth))) depths.push_back(static_cast<uint32_t>(depth));
  }
  return depths;
}

std::optional<uint32_t> BodyGenerator::SomeLabel() {
  // Branches back to a loop may not end.
  const bool forward = Careful();
  const std::vector<uint32_t> depths =
      LabelsWhere([&](const Frame& each) { return !forward || each.kind != FrameKind::kLoop; });
  if (depths.empty()) return std::nullopt;
  return source_.Pick(depths);
}

bool BodyGenerator::Branch(Opcode op) {
  const auto depth = SomeLabel();
  if (!depth.has_value()) return false;
  if (op == Opcode::kBr && context_.executable() && source_.Percent(60)) return false;
  const auto label = frame(*depth).label_types();
  std::vector<ValType> operands(label.begin(), label.end());
  if (op == Opcode::kBr) {
    Need(operands);
    Op(op, {*depth});
    MakeUnreachable();
    return true;
  }
  const std::vector<ValType> taken = operands;
  operands.push_back(ValType::I32());
  Need(operands);
  Hint();
  Op(op, {*depth});
  Take(operands.size());
  PushAll(taken);
  return true;
}

bool BodyGenerator::BranchTable() {
  const auto depth = SomeLabel();
  if (!depth.has_value()) return false;
  if (context_.executable() && source_.Percent(40)) return false;
  const auto label = frame(*depth).label_types();
  std::vector<ValType> operands(label.begin(), label.end());
  const size_t arity = operands.size();
  operands.push_back(ValType::I32());
  Need(operands);
  const bool forward = Careful();
  const std::vector<uint32_t> depths = LabelsWhere([&](const Frame& each) {
    return each.label_types().size() == arity && TopMatches(each.label_types(), 1) &&
           (!forward || each.kind != FrameKind::kLoop || &each == &frame(*depth));
  });
  const size_t targets = source_.Below(kMaxTargets + 1);
  Op(Opcode::kBrTable, {targets});
  for (size_t i = 0; i < targets; ++i) code_.VarU32(source_.Pick(depths));
  code_.VarU32(*depth);
  MakeUnreachable();
  return true;
}

bool BodyGenerator::BranchOnNull() {
  const auto depth = SomeLabel();
  if (!depth.has_value()) return false;
  const auto label = frame(*depth).label_types();
  std::vector<ValType> operands(label.begin(), label.end());
  const std::vector<ValType> taken = operands;
  auto type = context_.SomeReferenceType(static_cast<uint32_t>(module_.types.size()));
  if (available() > 0 && stack_.back().is_ref()) type = stack_.back();
  if (!type.has_value()) return false;
  operands.push_back(*type);
  Need(operands);
  Op(Opcode::kBrOnNull, {*depth});
  const ValType reference = Pop();
  Take(taken.size());
  PushAll(taken);
  Push(reference.is_bottom() ? reference : reference.WithNullable(false));
  return true;
}

bool BodyGenerator::BranchOnNonNull() {
  const auto takes_reference = [](const Frame& each) {
    return !each.label_types().empty() && each.label_types().back().is_ref();
  };
  std::vector<uint32_t> depths = LabelsWhere(takes_reference);
  if (depths.empty()) {
    const auto type = context_.SomeReferenceType(static_cast<uint32_t>(module_.types.size()));
    if (!type.has_value() || frames_.size() >= options_.max_depth) return false;
    const auto block = BlockTypeFor({*type});
    if (!block.has_value()) return false;
    Op(Opcode::kBlock);
    WriteBlockType(*block);
    OpenFrame(FrameKind::kBlock, {}, block->results);
    depths = {0};
  }
  const uint32_t depth = source_.Pick(depths);
  const auto label = frame(depth).label_types();
  std::vector<ValType> operands(label.begin(), label.end());
  const std::vector<ValType> rest(operands.begin(), operands.end() - 1);
  operands.back() = operands.back().WithNullable(true);
  Need(operands);
  Op(Opcode::kBrOnNonNull, {depth});
  Take(operands.size());
  PushAll(rest);
  return true;
}

bool BodyGenerator::BranchOnCast(Opcode op) {
  const auto takes_reference = [](const Frame& each) {
    return !each.label_types().empty() && each.label_types().back().is_ref();
  };
  std::vector<uint32_t> depths = LabelsWhere(takes_reference);
  if (depths.empty()) {
    const auto type = context_.SomeReferenceType(static_cast<uint32_t>(module_.types.size()));
    if (!type.has_value() || frames_.size() >= options_.max_depth) return false;
    const auto block = BlockTypeFor({*type});
    if (!block.has_value()) return false;
    Op(Opcode::kBlock);
    WriteBlockType(*block);
    OpenFrame(FrameKind::kBlock, {}, block->results);
    depths = {0};
  }
  const uint32_t depth = source_.Pick(depths);
  const auto label = frame(depth).label_types();
  const ValType taken = label.back();
  const bool on_success = op == Opcode::kBrOnCast;
  const ValType to = context_.SomeSubtype(taken);
  const ValType from = on_success ? context_.SomeSupertype(to) : context_.SomeSupertype(taken);
  const ValType rest = to.is_nullable() ? from.WithNullable(false) : from;
  if (!context_.Matches(to, from) || !context_.Matches(on_success ? to : rest, taken) ||
      !context_.IsAllowed(to) || !context_.IsAllowed(from)) {
    return false;
  }
  std::vector<ValType> operands(label.begin(), label.end());
  const std::vector<ValType> others(operands.begin(), operands.end() - 1);
  operands.back() = from;
  Need(operands);
  Op(op);
  code_.U8(static_cast<uint8_t>((from.is_nullable() ? 1 : 0) | (to.is_nullable() ? 2 : 0)));
  code_.VarU32(depth);
  code_.Heap(from.heap_type());
  code_.Heap(to.heap_type());
  Take(operands.size());
  PushAll(others);
  Push(on_success ? rest : to);
  return true;
}

bool BodyGenerator::Throw() {
  if (module_.tags.empty() || Careful()) return false;
  const TagIndex tag = TagIndex::FromIndex(source_.Below(module_.tags.size()));
  Need(module_.func_type(tag).params());
  Op(Opcode::kThrow, {tag.raw()});
  MakeUnreachable();
  return true;
}

// Clauses, with a block around for the label of the first where there is none yet.
std::vector<CatchClause> BodyGenerator::SomeCatches() {
  using Kind = CatchClause::Kind;
  std::vector<CatchClause> clauses;
  const size_t count = source_.Below(kMaxCatches + 1);
  for (size_t i = 0; i < count; ++i) {
    CatchClause clause;
    clause.kind = static_cast<Kind>(source_.Below(4));
    std::vector<ValType> caught;
    if (clause.kind == Kind::kCatch || clause.kind == Kind::kCatchRef) {
      if (module_.tags.empty()) continue;
      clause.tag = TagIndex::FromIndex(source_.Below(module_.tags.size()));
      const auto params = module_.func_type(clause.tag).params();
      caught.assign(params.begin(), params.end());
    }
    if (clause.kind == Kind::kCatchRef || clause.kind == Kind::kCatchAllRef) {
      caught.push_back(ValType::ExnRef().WithNullable(false));
    }
    const auto takes_it = [&](const Frame& each) {
      return context_.AllMatch(caught, each.label_types());
    };
    std::vector<uint32_t> depths = LabelsWhere(takes_it);
    if (depths.empty() && clauses.empty() && frames_.size() + 1 < options_.max_depth) {
      std::optional<BlockType> block = BlockTypeFor(caught);
      if (!block.has_value() && !caught.empty() && caught.back().is_ref()) {
        caught.back() = caught.back().WithNullable(true);
        block = BlockTypeFor(caught);
      }
      if (block.has_value()) {
        Op(Opcode::kBlock);
        WriteBlockType(*block);
        OpenFrame(FrameKind::kBlock, {}, block->results);
        depths = {0};
      }
    }
    if (depths.empty()) continue;
    clause.depth = source_.Pick(depths);
    clauses.push_back(clause);
  }
  return clauses;
}

bool BodyGenerator::TryTable() {
  if (frames_.size() + 1 >= options_.max_depth) return false;
  const std::vector<CatchClause> clauses = SomeCatches();
  const BlockType type = SomeBlockType();
  Need(type.params);
  Op(Opcode::kTryTable);
  WriteBlockType(type);
  code_.VarU64(clauses.size());
  for (const CatchClause& clause : clauses) {
    code_.U8(static_cast<uint8_t>(clause.kind));
    if (clause.tag.is_some()) code_.VarU32(clause.tag.raw());
    code_.VarU32(clause.depth);
  }
  Take(type.params.size());
  OpenFrame(FrameKind::kTryTable, type.params, type.results);
  return true;
}

bool BodyGenerator::StepCall() {
  static constexpr Opcode kOperators[] = {
      Opcode::kCall,         Opcode::kCall,         Opcode::kCall,
      Opcode::kCallIndirect, Opcode::kCallIndirect, Opcode::kCallRef,
      Opcode::kCallRef,      Opcode::kReturnCall,   Opcode::kReturnCallIndirect,
      Opcode::kReturnCallRef};
  const Opcode op = kOperators[source_.Below(std::size(kOperators))];
  if (!context_.Has(GetOperatorInfo(op).feature)) return false;
  switch (op) {
    case Opcode::kCall:
    case Opcode::kReturnCall:
      return Call(op);
    case Opcode::kCallIndirect:
    case Opcode::kReturnCallIndirect:
      return CallIndirect(op);
    default:
      return CallRef(op);
  }
}

// Types after a call is written: for a tail call the end of the code.
void BodyGenerator::FinishCall(Opcode op, const FuncType& type, size_t more_operands) {
  if (op == Opcode::kReturnCall || op == Opcode::kReturnCallIndirect ||
      op == Opcode::kReturnCallRef) {
    MakeUnreachable();
    return;
  }
  Take(type.params().size() + more_operands);
  PushAll(type.results());
}

bool BodyGenerator::Call(Opcode op) {
  const bool forward = Careful();
  std::vector<FuncIndex> found;
  for (size_t i = 0; i < module_.functions.size(); ++i) {
    const FuncIndex callee = FuncIndex::FromIndex(i);
    if (forward && callee.raw() <= func_.raw() && !module_.is_imported(callee)) continue;
    if (op == Opcode::kReturnCall &&
        !context_.AllMatch(module_.func_type(callee).results(), frames_[0].results)) {
      continue;
    }
    found.push_back(callee);
  }
  if (found.empty()) return false;
  const FuncIndex callee = source_.Pick(found);
  const FuncType& type = module_.func_type(callee);
  Need(type.params());
  Op(op, {callee.raw()});
  FinishCall(op, type, 0);
  return true;
}

bool BodyGenerator::CallIndirect(Opcode op) {
  const auto table = SomeTable();
  if (!table.has_value() || !context_.Matches(module_.tables[*table].element, ValType::FuncRef())) {
    return false;
  }
  const bool careful = Careful();
  // What there is to call where.
  struct Slot {
    TypeIndex type;
    uint64_t index;
  };
  std::vector<Slot> slots;
  const auto fits = [&](TypeIndex type) {
    return op == Opcode::kCallIndirect ||
           context_.AllMatch(module_.func_type(type).results(), frames_[0].results);
  };
  const std::vector<FuncIndex>& contents = draft_.table_functions[table->index()];
  for (size_t i = 0; i < contents.size(); ++i) {
    if (contents[i].is_none() || (careful && contents[i].raw() <= func_.raw())) continue;
    const TypeIndex type = module_.functions[contents[i]];
    if (fits(type)) slots.push_back({type, i});
  }
  const bool known = !slots.empty() && (careful || source_.Percent(60));
  Slot slot;
  if (known) {
    slot = source_.Pick(slots);
  } else {
    if (careful) return false;
    std::vector<TypeIndex> types;
    for (TypeIndex type : context_.FuncTypes()) {
      if (fits(type)) types.push_back(type);
    }
    if (types.empty()) return false;
    slot = {source_.Pick(types), 0};
  }
  const FuncType& type = module_.func_type(slot.type);
  std::vector<ValType> operands(type.params().begin(), type.params().end());
  const IndexType index_type = IndexTypeOf(*table);
  if (known) {
    Need(operands);
    ProduceInteger(index_type, slot.index);
  } else {
    operands.push_back(ToValType(index_type));
    Need(operands);
  }
  Op(op, {slot.type.raw(), table->raw()});
  FinishCall(op, type, 1);
  return true;
}

bool BodyGenerator::CallRef(Opcode op) {
  const bool careful = Careful();
  std::vector<TypeIndex> found;
  for (TypeIndex index : context_.FuncTypes()) {
    if (op == Opcode::kReturnCallRef &&
        !context_.AllMatch(module_.func_type(index).results(), frames_[0].results)) {
      continue;
    }
    // A function that comes later, so that there is one to call and an end to calls.
    bool callable = !careful;
    for (size_t i = func_.index() + 1; !callable && i < module_.functions.size(); ++i) {
      const FuncIndex func = FuncIndex::FromIndex(i);
      callable = module_.referenced_functions.contains(func) && module_.functions[func] == index;
    }
    if (callable) found.push_back(index);
  }
  if (found.empty()) return false;
  const TypeIndex index = source_.Pick(found);
  const FuncType& type = module_.func_type(index);
  std::vector<ValType> operands(type.params().begin(), type.params().end());
  if (careful) {
    Need(operands);
    if (!ProduceFunction(ValType::ConcreteRef(index, false))) return false;
  } else {
    operands.push_back(ValType::ConcreteRef(index, true));
    Need(operands);
  }
  Op(op, {index.raw()});
  FinishCall(op, type, 1);
  return true;
}

}  // namespace gantry::wasm::testing
