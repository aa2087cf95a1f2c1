#include "wasm_translate/inline_plan.h"

#include <algorithm>
#include <array>

#include "absl/types/span.h"
#include "wasm_translate/function_validator.h"
#include "wasm_translate/visitor.h"

namespace gantry::wasm {
namespace {

// A call costs this and one for each argument.
constexpr uint32_t kCallCost = 6;
// Operators that become a call of a built-in or a loop.
constexpr uint32_t kBuiltinCost = 20;
// Bodies have about three bytes for each unit of cost; one of more than this many has not to be
// read to know.
constexpr uint32_t kMaxBytesPerCost = 6;
constexpr size_t kMaxLocals = 64;
// Sites with the most in their favour take callees of so many times the usual cost.
constexpr uint32_t kMaxFavour = 3;
// And those that call themselves, where they do.
constexpr uint32_t kRecursiveFavour = 2;

// Adds up what a body costs; fails at what the translator has no callback for.
class CostVisitor : public VisitorBase<CostVisitor> {
 public:
  struct Call {
    FuncIndex callee;
    uint32_t cost;
  };

  void Start(uint32_t max_cost) {
    max_cost_ = max_cost;
    cost_ = 0;
    failed_ = has_loop_ = returns_ = calls_indirectly_ = false;
    calls_.clear();
  }

  bool failed() const { return failed_ || cost_ > max_cost_; }
  uint32_t cost() const { return cost_; }
  bool has_loop() const { return has_loop_; }
  bool calls_indirectly() const { return calls_indirectly_; }
  bool returns() const { return returns_; }
  absl::Span<const Call> calls() const { return calls_; }

  void OnUnsupported(Opcode) { failed_ = true; }
  // Zeros to begin with; one at a time they are hardly ever needed.
  void OnLocals(uint32_t count, ValType) { Add(count / 8); }
  void OnBegin(const FunctionState& state) { state_ = &state; }

  void OnNop() {}
  void OnUnreachable() { Add(1); }
  void OnBlock(const ControlFrame&) {}
  void OnLoop(const ControlFrame&) {
    has_loop_ = true;
    Add(2);
  }
  void OnIf(const ControlFrame&) { Add(1); }
  void OnElse(const ControlFrame&, bool) {}
  void OnEnd(const ControlFrame& frame, bool) {
    if (frame.kind != FrameKind::kFunction) return;
    returns_ |= frame.end_live;
    if (state_->locals().size() > kMaxLocals) failed_ = true;
  }
  void OnBr(uint32_t) { Add(1); }
  void OnBrIf(uint32_t) { Add(1); }
  void OnBrTable(absl::Span<const uint32_t> depths) {
    Add(4 + static_cast<uint32_t>(depths.size()) / 2);
  }
  void OnReturn() {
    returns_ = true;
    Add(1);
  }
  void OnBrOnNull(uint32_t) { Add(1); }
  void OnBrOnNonNull(uint32_t) { Add(1); }

  void OnCall(FuncIndex callee, const FuncType& type) {
    const uint32_t cost = kCallCost + static_cast<uint32_t>(type.params().size());
    calls_.push_back({callee, cost});
    Add(cost);
  }
  void OnCallIndirect(TableIndex, TypeIndex, const FuncType& type) { AddIndirect(type); }
  void OnCallRef(TypeIndex, const FuncType& type) { AddIndirect(type); }
  // Calls like others, and branches behind them.
  void OnReturnCall(FuncIndex callee, const FuncType& type) {
    OnCall(callee, type);
    OnReturn();
  }
  void OnReturnCallIndirect(TableIndex, TypeIndex, const FuncType& type) {
    AddIndirect(type);
    OnReturn();
  }
  void OnReturnCallRef(TypeIndex, const FuncType& type) {
    AddIndirect(type);
    OnReturn();
  }

  void OnDrop(ValType) {}
  void OnSelect(ValType) { Add(1); }
  void OnLocalGet(LocalIndex, ValType) {}
  void OnLocalSet(LocalIndex, ValType) {}
  void OnLocalTee(LocalIndex, ValType) {}
  void OnGlobalGet(GlobalIndex, const GlobalType&) { Add(1); }
  void OnGlobalSet(GlobalIndex, const GlobalType&) { Add(1); }
  void OnI32Const(int32_t) {}
  void OnI64Const(int64_t) {}
  void OnF32Const(uint32_t) {}
  void OnF64Const(uint64_t) {}
  // A load.
  void OnV128Const(const std::array<uint8_t, 16>&) { Add(1); }

  void OnLoad(Opcode, const MemArg&) { Add(1); }
  void OnStore(Opcode, const MemArg&) { Add(1); }
  void OnLoadLane(Opcode, const MemArg&, uint8_t) { Add(2); }
  void OnStoreLane(Opcode, const MemArg&, uint8_t) { Add(2); }
  void OnLane(Opcode, uint8_t) { Add(1); }
  void OnShuffle(const std::array<uint8_t, 16>&) { Add(2); }
  void OnMemorySize(MemoryIndex) { Add(2); }
  void OnMemoryGrow(MemoryIndex) { Add(kBuiltinCost); }
  void OnMemoryInit(DataIndex, MemoryIndex) { Add(kBuiltinCost); }
  void OnMemoryCopy(MemoryIndex, MemoryIndex) { Add(kBuiltinCost); }
  void OnMemoryFill(MemoryIndex) { Add(kBuiltinCost); }
  void OnDataDrop(DataIndex) { Add(kBuiltinCost); }
  void OnTableGet(TableIndex, const TableType&) { Add(kBuiltinCost); }
  void OnTableSet(TableIndex, const TableType&) { Add(kBuiltinCost); }
  void OnTableSize(TableIndex) { Add(1); }
  void OnTableGrow(TableIndex, const TableType&) { Add(kBuiltinCost); }
  void OnTableFill(TableIndex, const TableType&) { Add(kBuiltinCost); }
  void OnTableCopy(TableIndex, TableIndex) { Add(kBuiltinCost); }
  void OnTableInit(ElemIndex, TableIndex) { Add(kBuiltinCost); }
  void OnElemDrop(ElemIndex) { Add(kBuiltinCost); }
  void OnRefNull(ValType) {}
  void OnRefIsNull(ValType) { Add(1); }
  void OnRefFunc(FuncIndex) { Add(1); }
  void OnRefAsNonNull(ValType) { Add(1); }
  void OnRefEq() { Add(1); }
  void OnGc(Opcode op, const GcImmediates&) {
    switch (op) {
      case Opcode::kRefI31:
      case Opcode::kI31GetS:
      case Opcode::kI31GetU:
      case Opcode::kAnyConvertExtern:
      case Opcode::kExternConvertAny:
        Add(2);
        return;
      default:
        failed_ = true;
    }
  }
  void OnSimple(Opcode) { Add(1); }

 private:
  void Add(uint32_t cost) { cost_ += cost; }
  void AddIndirect(const FuncType& type) {
    calls_indirectly_ = true;
    Add(2 * kCallCost + static_cast<uint32_t>(type.params().size()));
  }

  const FunctionState* state_ = nullptr;
  uint32_t max_cost_ = 0;
  uint32_t cost_ = 0;
  bool failed_ = false;
  bool has_loop_ = false;
  bool calls_indirectly_ = false;
  bool returns_ = false;
  std::vector<Call> calls_;
};

}  // namespace

InlinePlan::InlinePlan(const Module& module, Features features,
                       const ValidatorLimits& validator_limits, const InlineLimits& limits)
    : limits_(limits) {
  const uint32_t max_cost = limits.max_cost * kMaxFavour;
  const size_t max_bytes = size_t{max_cost} * kMaxBytesPerCost;
  FunctionValidator<CostVisitor> validator(module, features, validator_limits);
  CostVisitor visitor;
  std::vector<Call> calls;
  std::vector<uint32_t> call_ends;
  for (const FunctionBody& body : module.bodies) {
    ++work_;
    if (body.bytes.size() > max_bytes) continue;
    work_ += body.bytes.size();
    visitor.Start(max_cost);
    if (!validator.Run(body, visitor).ok() || visitor.failed() || !visitor.returns()) continue;
    positions_[body.func] = static_cast<uint32_t>(callees_.size());
    Callee callee;
    callee.cost = callee.own_cost = visitor.cost();
    callee.has_loop = visitor.has_loop();
    callee.is_leaf = !visitor.calls_indirectly();
    uint32_t self_calls = 0;
    for (const CostVisitor::Call& call : visitor.calls()) {
      self_calls += call.callee == body.func ? 1 : 0;
      calls.push_back({call.callee, call.cost});
    }
    callee.self_levels = SelfLevels(self_calls, callee.own_cost);
    callees_.push_back(callee);
    call_ends.push_back(static_cast<uint32_t>(calls.size()));
  }
  AddCalleesCosts(calls, call_ends);
}

// Levels that are whole within the limit: part of one more saves less than it costs in branches
// that are predicted worse.
uint32_t InlinePlan::SelfLevels(uint32_t self_calls, uint32_t cost) const {
  uint32_t levels = 0;
  uint64_t copies = 1, growth = 0;
  while (self_calls > 0 && levels < limits_.max_recursion) {
    copies *= self_calls;
    growth += copies * cost;
    if (growth > limits_.max_recursive_growth) break;
    ++levels;
  }
  return levels;
}

void InlinePlan::AddCalleesCosts(const std::vector<Call>& calls,
                                 const std::vector<uint32_t>& call_ends) {
  enum class State : uint8_t { kNew, kOpen, kDone };
  struct Visit {
    uint32_t function;
    uint32_t next_call;
  };
  std::vector<State> states(callees_.size(), State::kNew);
  std::vector<Visit> open;
  const auto begin = [&](uint32_t function) {
    states[function] = State::kOpen;
    open.push_back({function, function == 0 ? 0 : call_ends[function - 1]});
  };
  for (uint32_t root = 0; root < callees_.size(); ++root) {
    if (states[root] != State::kNew) continue;
    begin(root);
    while (!open.empty()) {
      ++work_;
      Visit& visit = open.back();
      if (visit.next_call == call_ends[visit.function]) {
        states[visit.function] = State::kDone;
        open.pop_back();
        continue;
      }
      const Call& call = calls[visit.next_call];
      const uint32_t callee = positions_.Get(call.callee);
      if (callee != kNone && states[callee] == State::kNew) {
        begin(callee);
        continue;
      }
      ++visit.next_call;
      Callee& caller = callees_[visit.function];
      // One that is not inlined at any usual site stays a call.
      const bool replaced = callee != kNone && states[callee] == State::kDone &&
                            callees_[callee].cost <= limits_.max_cost &&
                            (limits_.loops || !callees_[callee].has_loop);
      if (!replaced) {
        caller.is_leaf = false;
        continue;
      }
      caller.is_leaf &= callees_[callee].is_leaf;
      caller.cost += callees_[callee].cost - std::min(caller.cost, call.cost);
    }
  }
}

void InlineBudget::Start(const InlineLimits& limits, size_t body_size) {
  limits_ = limits;
  growth_ = limits.min_growth + uint64_t{body_size} * limits.growth_percent / 100;
  left_ = growth_;
}

bool InlineBudget::Take(const InlinePlan::Callee& callee, const Site& site) {
  if (site.is_cold || site.depth >= std::min(limits_.max_depth, kMaxInlineDepth)) return false;
  // Into itself a function goes by whole levels, which have their own limit; into others but once.
  if (site.recursion > 0) {
    const bool is_in_itself = site.recursion == site.depth + 1;
    return is_in_itself && site.recursion <= callee.self_levels &&
           callee.cost <= kRecursiveFavour * limits_.max_cost;
  }
  // A loop's own work outweighs the call, and it would share the caller's registers.
  if (callee.has_loop && !limits_.loops) return false;
  // In quarters of the usual cost.
  uint32_t favour = 4;
  if (site.loop_depth > 0) favour += 3;
  if (callee.is_leaf) favour += 2 * std::min<uint32_t>(site.constant_args, 2);
  favour = std::min(favour, 4 * kMaxFavour);
  // Inside of what is inlined already, less and less.
  // What goes on to call others saves one of several calls.
  if (!callee.is_leaf && site.loop_depth == 0) favour /= 2;
  const uint64_t limit = uint64_t{limits_.max_cost} * favour / 4 / (1 + site.depth / 2);
  if (callee.cost > limit) return false;
  // A callee of hardly more than its call's own cost is worth the last of the budget.
  const bool is_tiny = callee.cost <= kCallCost;
  const uint64_t kept = is_tiny || site.loop_depth > 0 ? 0 : growth_ / 4;
  // Nothing is had for nothing, or a body of nothing but calls could grow without limit.
  const uint64_t price = std::max<uint32_t>(callee.own_cost, 1);
  if (left_ < kept + price) return false;
  left_ -= price;
  return true;
}

}  // namespace gantry::wasm
