#include "codegen/pass/memory_versions.h"

#include <algorithm>

namespace gantry::codegen {
namespace {

constexpr uint32_t kAllClasses = (1u << MemoryVersions::kClasses) - 1;

}  // namespace

MemoryVersions::ClassSet MemoryVersions::WrittenBy(const DataFlowGraph& dfg, Inst inst) {
  const InstData& data = dfg.inst(inst);
  const Effects effects = Info(data.opcode()).effects;
  // Reading a register of the frame or doing nothing writes nothing, but neither is worth a
  // case of its own.
  // Counts in a register.
  if (data.opcode() == Opcode::kFuelCharge) return 0;
  if ((effects & (kSideEffect | kCalls)) != 0) return kAllClasses;
  if ((effects & kStores) == 0) return 0;
  // A slot's bytes can be reached under any flags.
  if (data.format() != Format::kStore || data.flags().region() == 0) return kAllClasses;
  return 1u | 1u << ClassOf(data.flags());
}

void MemoryVersions::Apply(const DataFlowGraph& dfg, Inst inst, State* state) {
  const ClassSet written = WrittenBy(dfg, inst);
  if (written == 0) return;
  for (size_t c = 0; c < kClasses; ++c) {
    if ((written >> c & 1) != 0) (*state)[c] = VersionAfter(inst);
  }
}

MemoryVersions::State MemoryVersions::Meet(const Function& func, const ControlFlowGraph& cfg,
                                           const LoopForest& loops, Block block) const {
  // Versions of merges lie above those of instructions.
  const uint32_t merge = static_cast<uint32_t>(func.dfg.num_insts()) + 1 + block.raw();
  State state;
  state.fill(merge);
  if (block == func.layout.entry()) return state;
  ClassSet fresh = loops.is_header(block) ? loop_writes_[loops.innermost(block).index()] : 0;
  bool first = true;
  for (const ControlFlowGraph::Pred& pred : cfg.preds(block)) {
    if (cfg.rpo_number(pred.block) >= cfg.rpo_number(block)) {
      // A latch brings what the loop wrote; a cycle without header may bring anything.
      if (!loops.is_header(block) || !loops.Contains(loops.innermost(block), pred.block)) {
        fresh = kAllClasses;
      }
      continue;
    }
    const State& before = at_end_[pred.block.index()];
    if (first) {
      state = before;
      first = false;
      continue;
    }
    for (size_t c = 0; c < kClasses; ++c) {
      if (state[c] != before[c]) state[c] = merge;
    }
  }
  for (size_t c = 0; c < kClasses; ++c) {
    if ((fresh >> c & 1) != 0) state[c] = merge;
  }
  return state;
}

void MemoryVersions::Compute(const Function& func, const ControlFlowGraph& cfg,
                             const LoopForest& loops) {
  const DataFlowGraph& dfg = func.dfg;
  at_start_.resize(cfg.num_block_ids());
  at_end_.resize(cfg.num_block_ids());
  loop_writes_.assign(loops.num_loops(), 0);
  for (Block block : cfg.reverse_postorder()) {
    const Loop loop = loops.innermost(block);
    if (loop.is_none()) continue;
    for (Inst inst : func.layout.insts(block)) loop_writes_[loop.index()] |= WrittenBy(dfg, inst);
  }
  // Inner loops have the greater numbers.
  for (size_t i = loops.num_loops(); i-- > 0;) {
    const Loop parent = loops.parent(Loop(static_cast<uint32_t>(i)));
    if (parent.is_some()) loop_writes_[parent.index()] |= loop_writes_[i];
  }
  for (Block block : cfg.reverse_postorder()) {
    State state = Meet(func, cfg, loops, block);
    at_start_[block.index()] = state;
    for (Inst inst : func.layout.insts(block)) Apply(dfg, inst, &state);
    at_end_[block.index()] = state;
  }
}

}  // namespace gantry::codegen
