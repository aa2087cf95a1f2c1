// MemoryVersions: which state of memory an access finds, told by numbers. Two loads of the
// same bytes with the same version read the same, whatever lies between them.
//
//   MemoryVersions versions;
//   versions.Compute(func, cfg, loops);
//   MemoryVersions::State state = versions.AtStart(block);
//   for (Inst inst : func.layout.insts(block)) {
//     ... versions.VersionFor(flags, state) for a load ...
//     MemoryVersions::Apply(func.dfg, inst, &state);
//   }
//
// Regions (MemFlags) are folded into a few classes; a store makes a new version of its class,
// a call of all. Where paths meet with different versions there is a new one; a loop makes new
// ones of what is written in it. One walk in reverse postorder, linear.
#ifndef GANTRY_CODEGEN_PASS_MEMORY_VERSIONS_H_
#define GANTRY_CODEGEN_PASS_MEMORY_VERSIONS_H_

#include <array>
#include <cstdint>
#include <vector>

#include "codegen/analysis/cfg.h"
#include "codegen/analysis/loops.h"
#include "codegen/ir/function.h"

namespace gantry::codegen {

class MemoryVersions {
 public:
  // Class 0 is what an access of region 0, which may overlap any, finds.
  static constexpr size_t kClasses = 16;
  using State = std::array<uint32_t, kClasses>;

  void Compute(const Function& func, const ControlFlowGraph& cfg, const LoopForest& loops);

  // Reachable blocks only.
  const State& AtStart(Block block) const { return at_start_[block.index()]; }

  // The version that a load finds; 0 for bytes that never change.
  static uint32_t VersionFor(MemFlags flags, const State& state) {
    return flags.readonly() ? 0 : state[ClassOf(flags)];
  }
  // The version that a store leaves for loads of the same flags.
  static uint32_t VersionAfter(Inst store) { return store.raw() + 1; }
  // What the instruction does to memory.
  static void Apply(const DataFlowGraph& dfg, Inst inst, State* state);

  static size_t ClassOf(MemFlags flags) {
    return flags.region() == 0 ? 0 : 1 + (flags.region() - 1) % (kClasses - 1);
  }
  // A bit per class; of an instruction, those whose loads may find other bytes after it.
  using ClassSet = uint32_t;
  static ClassSet WrittenBy(const DataFlowGraph& dfg, Inst inst);

 private:
  State Meet(const Function& func, const ControlFlowGraph& cfg, const LoopForest& loops,
             Block block) const;

  std::vector<State> at_start_, at_end_;
  std::vector<ClassSet> loop_writes_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_PASS_MEMORY_VERSIONS_H_
