#include "codegen/pass/dead_stores.h"

#include <algorithm>

namespace gantry::codegen {
namespace {

uint32_t BytesOf(const InstData& data) {
  switch (data.opcode()) {
    case Opcode::kUload8:
    case Opcode::kSload8:
    case Opcode::kIstore8:
      return 1;
    case Opcode::kUload16:
    case Opcode::kSload16:
    case Opcode::kIstore16:
      return 2;
    case Opcode::kUload32:
    case Opcode::kSload32:
    case Opcode::kIstore32:
      return 4;
    default:
      return TypeBytes(data.type());
  }
}

bool RegionsMeet(MemFlags a, MemFlags b) {
  return a.region() == b.region() || a.region() == 0 || b.region() == 0;
}

// Takes out the elements for which drop(element) is true.
template <typename State, typename Drop>
void Filter(State* state, Drop drop) {
  size_t kept = 0;
  for (size_t i = 0; i < state->size; ++i) {
    if (!drop(state->known[i])) state->known[kept++] = state->known[i];
  }
  state->size = kept;
}

}  // namespace

// What all ways on write again; nothing where one goes round a loop.
void DeadStoresPass::Meet(Block block, State* state) {
  state->size = 0;
  bool first = true;
  for (Block succ : cfg_->succs(block)) {
    ++work_;
    if (cfg_->rpo_number(succ) <= cfg_->rpo_number(block)) {
      state->size = 0;
      return;
    }
    const State& other = at_start_[succ.index()];
    if (first) {
      *state = other;
    } else {
      Filter(state, [&](const Bytes& bytes) {
        const auto end = other.known.begin() + static_cast<ptrdiff_t>(other.size);
        return std::find(other.known.begin(), end, bytes) == end;
      });
    }
    first = false;
    if (state->size == 0) return;
  }
}

bool DeadStoresPass::IsOverwritten(const Bytes& store, const State& state) const {
  for (size_t i = 0; i < state.size; ++i) {
    const Bytes& later = state.known[i];
    if (later.address != store.address || later.flags.region() != store.flags.region()) continue;
    if (later.flags.trap() != store.flags.trap()) continue;
    if (later.offset == store.offset && later.count == store.count) return true;
    if (!store.flags.can_trap() && later.offset <= store.offset &&
        int64_t{later.offset} + later.count >= int64_t{store.offset} + store.count) {
      return true;
    }
  }
  return false;
}

void DeadStoresPass::Read(const Bytes& load, State* state) {
  Filter(state, [&](const Bytes& later) {
    if (!RegionsMeet(load.flags, later.flags)) return false;
    const bool apart =
        load.address == later.address && (int64_t{load.offset} + load.count <= later.offset ||
                                          int64_t{later.offset} + later.count <= load.offset);
    return !apart;
  });
}

// Going backwards; true if the instruction was a dead store and is gone.
bool DeadStoresPass::Visit(Inst inst, State* state) {
  const DataFlowGraph& dfg = func_->dfg;
  const InstData& data = dfg.inst(inst);
  const Effects effects = Info(data.opcode()).effects;
  if (data.format() == Format::kStore) {
    const Bytes store = {data.arg(1), data.offset(), BytesOf(data), data.flags()};
    if (IsOverwritten(store, *state)) {
      func_->layout.Remove(inst);
      return true;
    }
    if (store.flags.can_trap()) {
      state->size = 0;
    } else {
      // Its effect must not come before a trap that is to come first.
      Filter(state, [](const Bytes& later) { return later.flags.can_trap(); });
      if (state->size == kMaxKnown) state->size = 0;
    }
    state->known[state->size++] = store;
    return false;
  }
  if (data.format() == Format::kLoad && !dfg.CanTrap(inst)) {
    if (!data.flags().readonly()) {
      Read({data.arg(0), data.offset(), BytesOf(data), data.flags()}, state);
    }
    return false;
  }
  if ((effects & ~kTerminator) != 0 || dfg.CanTrap(inst)) state->size = 0;
  return false;
}

bool DeadStoresPass::Run(Function* func, PassAnalyses* analyses) {
  func_ = func;
  cfg_ = &analyses->cfg(*func);
  at_start_.resize(cfg_->num_block_ids());
  bool changed = false;
  const absl::Span<const Block> order = cfg_->reverse_postorder();
  State state;
  for (size_t i = order.size(); i-- > 0;) {
    Meet(order[i], &state);
    for (Inst inst = func->layout.last_inst(order[i]); inst.is_some();) {
      const Inst prev = func->layout.prev_inst(inst);
      changed |= Visit(inst, &state);
      inst = prev;
    }
    at_start_[order[i].index()] = state;
  }
  return changed;
}

}  // namespace gantry::codegen
