// sink: a value that only rarely run code needs is computed there.
//
// Rarely run is a block that traps, is marked cold, or to which only such blocks lead. Nothing is
// moved towards its use within code that runs equally often: what counts is how long values live,
// and operands would live longer. Only pure operations move. Values that only what follows a loop
// needs are left in it: of LLVM's code none are (no function of Lua, one of SQLite), and looking
// for them took 2 % of compile time.
//
// Tests: codegen/filetest/testdata/pass_sink.ir; pass_test, pass_fuzz and linear_test, which take
// every pass.
#ifndef GANTRY_CODEGEN_PASS_SINK_H_
#define GANTRY_CODEGEN_PASS_SINK_H_

#include <cstdint>
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
  entity::EntitySet<Block> cold_;
  entity::EntitySet<Value> candidates_;
  std::vector<Value> worklist_;
  // The deepest block that dominates all uses seen so far of a value.
  entity::SecondaryMap<Value, Block> used_from_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_PASS_SINK_H_
