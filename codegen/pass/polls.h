// polls: loops ask less often whether they are to stop.
//
// A front end puts a poll (poll_word, poll_page) at the head of every loop, so that no code runs
// for long without one. That holds with fewer of them:
//
//   * a loop whose rounds a constant bounds, and that is done after a few thousand instructions,
//     needs none;
//   * a small innermost loop is unrolled, and one round in several polls, the last one: loops of
//     few rounds then do not poll at all;
//   * what `loop_invert` has left in front of a loop polls for nobody;
//   * the address of what is asked is loaded where the ways to all polls part, so that who returns
//     before the first loop does not load it.
//
//   head(i): poll a; s; brif c, head(j), exit    ->    head(i): s; brif c, next, exit
//                                                      next: poll a; s'; brif c', head(j'), exit
//
// The poll in a round stays at its place in it, as everything else does. What is used behind the
// loop is handed to its exits as parameters. Loops where that is not enough (an exit that others
// lead to, uses where two exits meet), loops that call, and loops that charge fuel stay. Functions
// without polls are not touched.
//
// Tests: codegen/filetest/testdata/pass_polls.ir; pass_test, pass_fuzz and linear_test, which take
// every pass.
#ifndef GANTRY_CODEGEN_PASS_POLLS_H_
#define GANTRY_CODEGEN_PASS_POLLS_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "codegen/analysis/loops.h"
#include "codegen/pass/pass.h"
#include "entity/primary_map.h"
#include "entity/secondary_map.h"

namespace gantry::codegen {

class PollsPass : public Pass {
 public:
  absl::string_view name() const override { return "polls"; }
  bool Run(Function* func, PassAnalyses* analyses) override;

 private:
  // Of the blocks of which a loop is the innermost one.
  struct LoopFacts {
    uint32_t blocks = 0;
    // Those that take time.
    uint32_t insts = 0;
    uint32_t polls = 0;
    // Its head is among the blocks that poll.
    bool head_polls = false;
    bool calls = false;
    // Holds another loop.
    bool outer = false;
    // Something that is not copied.
    bool fixed = false;
    // Instructions until it is left, inner loops included; 0: no bound is known.
    uint64_t bound = 0;
    // The same of the loops in it, each once; all have to be bounded.
    uint64_t inner_bound = 0;
    bool inner_unbounded = false;
    // Whoever goes round it from outside polls there.
    bool covered = false;
    bool drops = false;
    // 1 + its position among the candidates.
    uint32_t candidate = 0;
  };
  struct Candidate {
    Loop loop;
    uint32_t first_block = 0;
    uint32_t num_blocks = 0;
    uint32_t rounds = 0;
    // 1 + the first use, outside of the loop, of what it defines.
    uint32_t first_use = 0;
  };
  struct Use {
    Inst inst;
    Block block;
    Value value;
    uint32_t next;
  };
  // A value that an exit hands on, and its parameter there.
  struct ExitValue {
    Block exit;
    Value value;
    Value param;
  };

  bool Analyze(PassAnalyses* analyses);
  bool RemoveRedundant();
  bool SinkAddresses();
  bool IsSmall(const LoopFacts& facts) const;
  void FindBounds();
  bool DropInBounded();
  std::optional<uint64_t> RoundsOf(Loop loop);
  std::optional<uint64_t> RoundsUntil(Loop loop, Block latch, Block test) const;
  uint32_t RemovePolls(Block block);

  void FindCandidates();
  void FindUses();
  bool FindExitValues(const Candidate& candidate);
  void PassExitValues(const Candidate& candidate);
  void Unroll(const Candidate& candidate);
  void CopyRound(const Candidate& candidate, bool polls);
  void CopyBlock(Block block, Block copy, bool polls);
  Value Copied(Value value) const;
  void LeadBack(absl::Span<const Block> latches, Block header, Block to);

  absl::Span<const Block> BlocksOf(const Candidate& candidate) const {
    return absl::MakeConstSpan(blocks_).subspan(candidate.first_block, candidate.num_blocks);
  }
  bool IsIn(Loop loop, Block block) const { return loops_->innermost(block) == loop; }

  Function* func_ = nullptr;
  const ControlFlowGraph* cfg_ = nullptr;
  const DominatorTree* dominators_ = nullptr;
  const LoopForest* loops_ = nullptr;
  entity::PrimaryMap<Loop, LoopFacts> facts_;
  std::vector<Candidate> candidates_;
  // Of the candidates, in reverse postorder.
  std::vector<Block> blocks_;
  std::vector<Use> uses_;
  // Of the loop at hand.
  std::vector<ExitValue> exit_values_;
  std::vector<Block> exits_;
  std::vector<Block> latches_;
  // Of the round at hand and the one before: what stands for the loop's values and blocks. Written
  // for each of these before it is read.
  entity::SecondaryMap<Value, Value> copies_, earlier_copies_;
  entity::SecondaryMap<Block, Block> block_copies_;
  std::vector<Block> copied_latches_;
  Block after_;
  std::vector<Value> args_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_PASS_POLLS_H_
