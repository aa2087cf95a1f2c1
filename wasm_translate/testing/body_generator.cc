#include "wasm_translate/testing/body_generator.h"

#include <algorithm>
#include <utility>

namespace gantry::wasm::testing {
namespace {

// Operands in a frame, above which one goes with each step.
constexpr size_t kManyOperands = 10;

}  // namespace

OperatorLists::OperatorLists(Features features) {
  for (Opcode op : AllOpcodes()) {
    const OperatorInfo& info = GetOperatorInfo(op);
    if (!features.Has(info.feature)) continue;
    const bool of_vectors = info.feature == Feature::kSimd || info.feature == Feature::kRelaxedSimd;
    // Relaxed operators need vectors to work on.
    if (of_vectors && !features.Has(Feature::kSimd)) continue;
    switch (info.op_class) {
      case OperatorClass::kSimple:
        (of_vectors ? vector : numeric).push_back(op);
        if (!of_vectors && info.num_results == 1) by_result[info.results[0]].push_back(op);
        break;
      case OperatorClass::kLane:
        vector.push_back(op);
        break;
      case OperatorClass::kMemory:
        (info.feature == Feature::kThreads ? atomic : memory).push_back(op);
        break;
      case OperatorClass::kSpecial:
        if (op == Opcode::kI8x16Shuffle || op == Opcode::kV128Const) vector.push_back(op);
        if (op == Opcode::kAtomicFence) atomic.push_back(op);
        if (op >= Opcode::kStructNew && op <= Opcode::kArrayInitElem) aggregate.push_back(op);
        break;
      case OperatorClass::kInvalid:
        break;
    }
  }
}

BodyGenerator::BodyGenerator(GeneratorContext& context, const OperatorLists& operators,
                             FuncIndex func)
    : context_(context),
      source_(context.source),
      options_(context.options),
      module_(context.module),
      draft_(context.draft),
      operators_(operators),
      func_(func) {}

BodyDraft BodyGenerator::Run() {
  const FuncType& type = module_.func_type(func_);
  for (ValType param : type.params()) locals_.push_back({param, true, false});
  num_params_ = locals_.size();
  OpenFrame(FrameKind::kFunction, {}, type.results());
  for (size_t i = source_.Below(options_.max_locals + 1); i > 0; --i) {
    // Runs of one type now and then.
    const bool repeat = locals_.size() > num_params_ && source_.Percent(30);
    AddLocal(repeat ? locals_.back().type : context_.SomeValType());
  }
  const size_t steps = source_.Below(options_.max_steps + 1);
  for (size_t i = 0; i < steps && !source_.exhausted() && !frames_.empty(); ++i) Step();
  while (!frames_.empty()) CloseFrame();

  ByteWriter header;
  uint32_t runs = 0;
  for (size_t i = num_params_; i < locals_.size(); ++runs) {
    size_t end = i;
    while (end < locals_.size() && locals_[end].type == locals_[i].type) ++end;
    header.VarU64(end - i).Type(locals_[i].type);
    i = end;
  }
  ByteWriter out;
  out.VarU32(runs).Bytes(header.bytes());
  BodyDraft body;
  body.hints = hints_;
  for (BranchHint& hint : body.hints) hint.offset += static_cast<uint32_t>(out.size());
  body.bytes = out.Bytes(code_.bytes()).bytes();
  body.num_locals = static_cast<uint32_t>(locals_.size());
  return body;
}

void BodyGenerator::Step() {
  const OperatorWeights& weights = options_.weights;
  using StepFunction = bool (BodyGenerator::*)();
  const std::pair<uint32_t, StepFunction> groups[] = {
      {weights.constant, &BodyGenerator::StepConstant},
      {weights.variable, &BodyGenerator::StepVariable},
      {weights.numeric, &BodyGenerator::StepNumeric},
      {weights.parametric, &BodyGenerator::StepParametric},
      {weights.control, &BodyGenerator::StepControl},
      {weights.call, &BodyGenerator::StepCall},
      {weights.memory, module_.memories.empty() ? nullptr : &BodyGenerator::StepMemory},
      {weights.table, module_.tables.empty() ? nullptr : &BodyGenerator::StepTable},
      {weights.reference, context_.Has(Feature::kReferenceTypes) || context_.Has(Feature::kGc)
                              ? &BodyGenerator::StepReference
                              : nullptr},
      {weights.aggregate, operators_.aggregate.empty() ? nullptr : &BodyGenerator::StepAggregate},
      {weights.vector, operators_.vector.empty() ? nullptr : &BodyGenerator::StepVector},
      {weights.atomic, operators_.atomic.empty() ? nullptr : &BodyGenerator::StepAtomic},
  };
  uint32_t total = 0;
  for (const auto& [weight, step] : groups) total += step != nullptr ? weight : 0;
  size_t choice = source_.Below(total);
  for (const auto& [weight, step] : groups) {
    if (step == nullptr) continue;
    if (choice < weight) {
      // A step that cannot be taken here is no step.
      (this->*step)();
      break;
    }
    choice -= weight;
  }
  if (!frames_.empty() && available() > kManyOperands) Sink();
}

void BodyGenerator::OpenFrame(FrameKind kind, absl::Span<const ValType> params,
                              absl::Span<const ValType> results) {
  Frame frame;
  frame.kind = kind;
  frame.params.assign(params.begin(), params.end());
  frame.results.assign(results.begin(), results.end());
  frame.height = stack_.size();
  frame.num_set = set_locals_.size();
  frames_.push_back(std::move(frame));
  PushAll(params);
}

void BodyGenerator::CloseFrame() {
  if (innermost().counter.has_value()) CloseCountedLoop();
  Settle();
  if (innermost().kind == FrameKind::kIf &&
      (!context_.AllMatch(innermost().params, innermost().results) || source_.Percent(50))) {
    Op(Opcode::kElse);
    Frame& frame = innermost();
    ForgetSets(frame);
    frame.kind = FrameKind::kElse;
    frame.unreachable = false;
    stack_.resize(frame.height);
    PushAll(frame.params);
    // The other arm goes on if there is something to choose it by.
    if (!source_.exhausted()) return;
    Settle();
  }
  Op(Opcode::kEnd);
  const Frame frame = std::move(innermost());
  ForgetSets(frame);
  frames_.pop_back();
  stack_.resize(frame.height);
  PushAll(frame.results);
}

void BodyGenerator::Settle() {
  const std::vector<ValType> results = innermost().results;
  if (available() != results.size() && innermost().kind != FrameKind::kLoop &&
      source_.Percent(20)) {
    // Branches take along what they need and leave the rest behind.
    Need(results);
    if (frames_.size() == 1 && source_.Percent(50)) {
      Op(Opcode::kReturn);
    } else {
      Op(Opcode::kBr, {0});
    }
    MakeUnreachable();
    return;
  }
  if (innermost().unreachable && available() <= results.size() && TopMatches(results) &&
      source_.Percent(60)) {
    return;
  }
  const auto is_prefix = [&] {
    if (available() > results.size()) return false;
    for (size_t i = 0; i < available(); ++i) {
      if (!context_.Matches(stack_[innermost().height + i], results[i])) return false;
    }
    return true;
  };
  while (!is_prefix()) Sink();
  while (available() < results.size()) {
    const size_t next = available();
    Produce(results[next]);
    // What could not be produced made the rest unreachable.
    if (innermost().unreachable && available() <= next) return;
  }
}

void BodyGenerator::MakeUnreachable() {
  innermost().unreachable = true;
  stack_.resize(innermost().height);
}

uint32_t BodyGenerator::AddLocal(ValType type) {
  locals_.push_back({type, type.is_defaultable(), false});
  return static_cast<uint32_t>(locals_.size() - 1);
}

void BodyGenerator::MarkSet(uint32_t local) {
  if (locals_[local].is_set) return;
  locals_[local].is_set = true;
  set_locals_.push_back(local);
}

void BodyGenerator::ForgetSets(const Frame& frame) {
  for (size_t i = frame.num_set; i < set_locals_.size(); ++i) {
    locals_[set_locals_[i]].is_set = false;
  }
  set_locals_.resize(frame.num_set);
}

void BodyGenerator::Op(Opcode op, std::initializer_list<uint64_t> immediates) {
  Op(op);
  for (uint64_t immediate : immediates) code_.VarU64(immediate);
}

}  // namespace gantry::wasm::testing
