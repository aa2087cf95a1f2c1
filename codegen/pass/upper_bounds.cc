#include "codegen/pass/upper_bounds.h"

#include <algorithm>
#include <bit>

#include "codegen/pass/fold.h"

namespace gantry::codegen {
namespace {

// All ones up to the highest bit of `x`.
uint64_t Filled(uint64_t x) { return x == 0 ? 0 : ~uint64_t{0} >> std::countl_zero(x); }

}  // namespace

void UpperBounds::Start(const Function& func) {
  // The first walk takes parameters as unbounded; Enter cuts that down to their types.
  at_params_.assign(func.dfg.num_values(), ~uint64_t{0});
}

void UpperBounds::StartWalk(const Function& func) {
  const size_t count = func.dfg.num_values();
  bounds_.assign(count, ~uint64_t{0});
  at_params_.resize(count, ~uint64_t{0});
  found_.assign(count, 0);
  for (Value v : func.dfg.block_params(func.layout.entry())) found_[v.index()] = ~uint64_t{0};
  narrowed_.clear();
  scopes_.clear();
}

void UpperBounds::Narrow(Value value, uint64_t bound) {
  uint64_t& now = bounds_[value.index()];
  if (bound >= now) return;
  narrowed_.push_back({value, now});
  now = bound;
}

void UpperBounds::Undo(size_t narrowed) {
  while (narrowed_.size() > narrowed) {
    bounds_[narrowed_.back().value.index()] = narrowed_.back().before;
    narrowed_.pop_back();
  }
}

// What holds where the condition is true, or false.
void UpperBounds::NarrowBy(const DataFlowGraph& dfg, Value condition, bool truth) {
  if (!truth) Narrow(condition, 0);
  const Inst def = dfg.defining_inst(condition);
  if (def.is_none() || dfg.opcode(def) != Opcode::kIcmp) return;
  const InstData& data = dfg.inst(def);
  const Value x = data.arg(0), y = data.arg(1);
  const uint64_t x_bound = Of(x), y_bound = Of(y);
  switch (truth ? data.int_cc() : Inverse(data.int_cc())) {
    case IntCC::kEq:
      Narrow(x, y_bound);
      Narrow(y, x_bound);
      break;
    case IntCC::kUlt:
      Narrow(x, y_bound == 0 ? 0 : y_bound - 1);
      break;
    case IntCC::kUle:
      Narrow(x, y_bound);
      break;
    case IntCC::kUgt:
      Narrow(y, x_bound == 0 ? 0 : x_bound - 1);
      break;
    case IntCC::kUge:
      Narrow(y, x_bound);
      break;
    // At least a constant that is not negative: not negative itself.
    case IntCC::kSge:
    case IntCC::kSgt:
      if (const std::optional<uint64_t> bits = ConstantBits(dfg, y);
          bits.has_value() && *bits <= TypeMask(data.type()) / 2) {
        Narrow(x, TypeMask(data.type()) / 2);
      }
      break;
    default:
      break;
  }
}

void UpperBounds::Enter(const Function& func, const ControlFlowGraph& cfg,
                        const DominatorTree& dominators, Block block) {
  while (!scopes_.empty() && !dominators.Dominates(scopes_.back().block, block)) {
    Undo(scopes_.back().narrowed);
    scopes_.pop_back();
  }
  scopes_.push_back({block, narrowed_.size()});
  // Forward edges have been walked already; what comes round is from the last walk.
  bool comes_round = block == func.layout.entry();
  const absl::Span<const ControlFlowGraph::Pred> preds = cfg.preds(block);
  for (const ControlFlowGraph::Pred& pred : preds) {
    comes_round |= cfg.rpo_number(pred.block) >= cfg.rpo_number(block);
  }
  for (Value param : func.dfg.block_params(block)) {
    const Type type = func.dfg.value_type(param);
    if (!IsInt(type)) continue;
    const uint64_t bound = (comes_round ? at_params_ : found_)[param.index()];
    bounds_[param.index()] = std::min(bound, TypeMask(type));
  }
  if (preds.size() != 1) return;
  const Inst branch = func.layout.last_inst(preds[0].block);
  if (func.dfg.opcode(branch) == Opcode::kBrif) {
    NarrowBy(func.dfg, func.dfg.inst(branch).arg(0), preds[0].index == 0);
  }
}

namespace {

// What an instruction of one result can give at most, its operands' bounds being of_value(v).
template <typename OfValue>
uint64_t BoundOf(const DataFlowGraph& dfg, const InstData& data, OfValue of_value) {
  const Type type = data.type();
  const uint64_t all = TypeMask(type);
  const auto of = [&](size_t i) -> uint64_t { return of_value(data.arg(i)); };
  const auto constant = [&](size_t i) { return ConstantBits(dfg, data.arg(i)); };
  switch (data.opcode()) {
    case Opcode::kIconst:
      return data.const_bits();
    case Opcode::kIcmp:
    case Opcode::kFcmp:
    case Opcode::kVanyTrue:
    case Opcode::kVallTrue:
      return 1;
    case Opcode::kVbitmask:
      return (uint64_t{1} << LaneCount(type)) - 1;
    case Opcode::kVextractU:
      return TypeMask(LaneType(type));
    case Opcode::kUload8:
      return 0xFF;
    case Opcode::kUload16:
      return 0xFFFF;
    case Opcode::kUload32:
      return 0xFFFFFFFF;
    case Opcode::kUextend:
      return of(0);
    case Opcode::kIreduce:
      return of(0) <= all ? of(0) : all;
    case Opcode::kBand:
      return std::min(of(0), of(1));
    case Opcode::kBandNot:
      return of(0);
    case Opcode::kBor:
    case Opcode::kBxor:
      return Filled(of(0) | of(1));
    case Opcode::kSelect:
      return std::max(of(1), of(2));
    case Opcode::kIadd:
      return of(0) <= all - of(1) ? of(0) + of(1) : all;
    case Opcode::kImul:
      return of(0) == 0 || of(1) <= all / of(0) ? of(0) * of(1) : all;
    case Opcode::kIshl:
      if (const std::optional<uint64_t> amount = constant(1)) {
        const uint64_t by = *amount % TypeBits(type);
        return of(0) <= all >> by ? of(0) << by : all;
      }
      return all;
    case Opcode::kUshr:
      if (const std::optional<uint64_t> amount = constant(1)) {
        return of(0) >> *amount % TypeBits(type);
      }
      return of(0);
    case Opcode::kUdiv:
      if (const std::optional<uint64_t> by = constant(1); by.has_value() && *by != 0) {
        return of(0) / *by;
      }
      return of(0);
    case Opcode::kUrem:
      return std::min(of(0), of(1) == 0 ? 0 : of(1) - 1);
    case Opcode::kClz:
    case Opcode::kCtz:
    case Opcode::kPopcnt:
      return TypeBits(type);
    default:
      return all;
  }
}

uint64_t LocalBound(const DataFlowGraph& dfg, Value value, int depth) {
  const uint64_t all = TypeMask(dfg.value_type(value));
  const Inst def = dfg.defining_inst(value);
  if (def.is_none() || depth == 0) return all;
  const InstData& data = dfg.inst(def);
  if (dfg.num_results(def) != 1 || IsCall(data.opcode())) return all;
  return std::min(all, BoundOf(dfg, data, [&](Value v) { return LocalBound(dfg, v, depth - 1); }));
}

}  // namespace

uint64_t LocalUpperBound(const DataFlowGraph& dfg, Value value) {
  constexpr int kMaxDepth = 4;
  return LocalBound(dfg, value, kMaxDepth);
}

// Arguments of a branch, each as its edge knows it, to the parameters.
void UpperBounds::PassOn(const DataFlowGraph& dfg, Inst branch) {
  const bool is_brif = dfg.opcode(branch) == Opcode::kBrif;
  uint32_t way = 0;
  dfg.ForEachBlockCall(branch, [&](const BlockCall& call) {
    const absl::Span<const Value> params = dfg.block_params(call.block);
    const absl::Span<const Value> args = dfg.args_of(call);
    const size_t narrowed = narrowed_.size();
    if (is_brif && !args.empty()) NarrowBy(dfg, dfg.inst(branch).arg(0), way == 0);
    for (size_t i = 0; i < params.size(); ++i) {
      uint64_t& found = found_[params[i].index()];
      found = std::max(found, i < args.size() ? Of(args[i]) : ~uint64_t{0});
    }
    Undo(narrowed);
    ++way;
  });
}

void UpperBounds::VisitInst(const DataFlowGraph& dfg, Inst inst) {
  const InstData& data = dfg.inst(inst);
  if (IsTerminator(data.opcode())) {
    PassOn(dfg, inst);
    return;
  }
  switch (data.opcode()) {
    case Opcode::kTrapz:
      NarrowBy(dfg, data.arg(0), true);
      return;
    case Opcode::kTrapnz:
      NarrowBy(dfg, data.arg(0), false);
      return;
    default:
      break;
  }
  for (Value v : dfg.results(inst)) {
    const Type type = dfg.value_type(v);
    if (!IsInt(type) || v.index() >= bounds_.size()) continue;
    bounds_[v.index()] =
        dfg.num_results(inst) == 1 && !IsCall(data.opcode())
            ? std::min(BoundOf(dfg, data, [&](Value value) { return Of(value); }), TypeMask(type))
            : TypeMask(type);
  }
}

}  // namespace gantry::codegen
