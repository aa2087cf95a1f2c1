// loop_invert: a loop that asks at its head whether to go on asks at its end
// instead.
//
//   head: c; brif c, body, exit    ->    head: c; brif c, body, exit    (once,
//   on the way in) body: ...; jump head                 body: ...; c; brif c,
//   body, exit
//
// One branch a round instead of two, and what the loop's first block does is
// done whenever the loop is entered, so that it can be moved in front. The
// head's few instructions are copied to the end of the only block that leads
// back to it; what the head defines and others use becomes parameters of the
// two blocks that it leads to, and stays as it is where no round changes it.
// Loops where that is not enough (uses where both meet again) stay.
//
// Tests: codegen/filetest/testdata/pass_loop_invert.ir; pass_test, pass_fuzz and linear_test, which
// take every pass.
#ifndef GANTRY_CODEGEN_PASS_LOOP_INVERT_H_
#define GANTRY_CODEGEN_PASS_LOOP_INVERT_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "codegen/analysis/loops.h"
#include "codegen/pass/pass.h"
#include "entity/secondary_map.h"

namespace gantry::codegen {

class LoopInvertPass : public Pass {
 public:
  absl::string_view name() const override { return "loop_invert"; }
  bool Run(Function* func, PassAnalyses* analyses) override;

 private:
  struct Candidate {
    Block header;
    Block latch;
    // Which way of the header's branch stays in the loop.
    uint32_t stay = 0;
    Block body, exit;
    // 1 + the first use of what the header defines, elsewhere.
    uint32_t first_use = 0;
    bool given_up = false;
  };
  struct Use {
    Inst inst;
    Block block;
    Value value;
    uint32_t next;
  };
  using Mapping = std::vector<std::pair<Value, Value>>;

  void FindCandidates();
  bool IsShort(Block header);
  void AddUses(Inst inst, Block block);
  bool Classify(const Candidate& candidate);
  void FindVarying(Block header);
  bool Varies(Value value) const;
  void Invert(size_t index);
  BlockCall Extended(const BlockCall& call, const Mapping& copies, const Mapping& params);
  void AddParams(Block block, Mapping* params);

  Function* func_ = nullptr;
  const ControlFlowGraph* cfg_ = nullptr;
  const DominatorTree* dominators_ = nullptr;
  const LoopForest* loops_ = nullptr;
  std::vector<Candidate> candidates_;
  // 1 + the candidate that has the block as its header.
  entity::SecondaryMap<Block, uint32_t> candidate_of_;
  std::vector<Use> uses_;
  // Of the loop at hand: what its header defines anew in each round, and what
  // of that the body and what follows the exit use.
  std::vector<Value> varying_;
  Mapping in_body_, in_exit_;
  std::vector<Value> args_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_PASS_LOOP_INVERT_H_
