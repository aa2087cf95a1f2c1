// sink: a value that only colder code needs is computed there.
//
// Colder is a block that is rarely run (it traps, is marked cold, or only such blocks lead to it)
// or one outside of the loop. Nothing is moved towards its use within code that runs equally
// often: what counts is how long values live, and operands would live longer. Only pure
// operations move.
#ifndef GANTRY_CODEGEN_PASS_SINK_H_
#define GANTRY_CODEGEN_PASS_SINK_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "codegen/pass/pass.h"
#include "entity/entity_set.h"
#include "entity/secondary_map.h"

namespace gantry::codegen {

class SinkPass : public Pass {
 public:
  absl::string_view name() const override { return "sink"; }
  bool Run(Function* func, PassAnalyses* analyses) override;

 private:
  void FindCold();
  bool FindCandidates();
  void Use(Value value, Block block);
  bool Visit(Inst inst, Block block);
  Block CommonDominator(Block a, Block b);

  Function* func_ = nullptr;
  const ControlFlowGraph* cfg_ = nullptr;
  const DominatorTree* dominators_ = nullptr;
  const LoopForest* loops_ = nullptr;
  entity::EntitySet<Block> cold_;
  entity::EntitySet<Value> candidates_;
  // Candidates with the colder block that led to each.
  std::vector<std::pair<Value, Block>> worklist_;
  // The deepest block that dominates all uses seen so far of a value.
  entity::SecondaryMap<Value, Block> used_from_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_PASS_SINK_H_
