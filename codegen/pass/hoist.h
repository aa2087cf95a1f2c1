// hoist: moves what a loop computes anew in each iteration, though nothing in the loop changes
// it, in front of the loop.
//
// Moved are loads of memory that the loop does not write (fields of the VM that are movable from
// anywhere; other loads only where the loop's header does them first thing) and operations that
// take a machine some cycles, and those only while the values that are live through the loop are
// estimated to leave a register: cost is live range, not node count. What costs nothing where it
// stands (constants, extensions, sums that become part of an address, comparisons that become
// flags) is copied in front of the loop where something that is moved needs it, and never moved
// for itself.
//
// Tests: codegen/filetest/testdata/pass_hoist.ir; pass_test, pass_fuzz and linear_test, which take
// every pass.
#ifndef GANTRY_CODEGEN_PASS_HOIST_H_
#define GANTRY_CODEGEN_PASS_HOIST_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "codegen/analysis/loops.h"
#include "codegen/pass/memory_versions.h"
#include "codegen/pass/pass.h"
#include "entity/primary_map.h"
#include "entity/secondary_map.h"

namespace gantry::codegen {

class HoistPass : public Pass {
 public:
  absl::string_view name() const override { return "hoist"; }
  bool Run(Function* func, PassAnalyses* analyses) override;

 private:
  // What is known of a loop. Pressure is by register class: integers, floats.
  struct LoopFacts {
    Block preheader;
    MemoryVersions::ClassSet writes = 0;
    std::array<uint32_t, 2> pressure = {0, 0};
    bool calls = false;
  };
  // A value that can be had again outside of the loops that it is computed in.
  struct Copyable {
    // The innermost loop that it depends on, and how many instructions make it.
    Loop loop;
    uint32_t cost = 0;
  };

  void FindWrites();
  void MeasurePressure();
  void CountUse(Value value, Loop loop);
  bool VisitBlock(Block block);
  bool Visit(Inst inst, Loop loop, bool first_thing);
  Loop LoopOf(Value value) const;
  Loop CommonLoop(Loop a, Loop b);
  // The innermost loop that the instruction's operands, and the memory it reads, depend on;
  // `loop` itself if it can't be moved out of that.
  Loop DependsOn(Inst inst, Loop loop);
  bool HasRoom(Inst inst, Loop from, Loop until, uint32_t weight);
  bool IsOutside(Loop inner, Loop loop);
  Value CopyInFront(Value value, Loop outermost, Inst before);
  Block Preheader(Loop loop);
  void Move(Inst inst, Loop outermost, Loop innermost);

  Function* func_ = nullptr;
  const ControlFlowGraph* cfg_ = nullptr;
  const LoopForest* loops_ = nullptr;
  entity::PrimaryMap<Loop, LoopFacts> facts_;
  entity::SecondaryMap<Value, Copyable> copyable_;
  // The loop that a value was last counted in.
  entity::SecondaryMap<Value, Loop> counted_;
  // Loops around the blocks made as preheaders, by number of the block less the first of them.
  std::vector<Loop> new_block_loops_;
  std::vector<Value> args_;
  // Pressure is known: it is measured when something asks for it.
  bool measured_ = false;
  bool branches_changed_ = false;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_PASS_HOIST_H_
