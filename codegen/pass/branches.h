// branches: control flow made simpler.
//
// - A branch, trapz, trapnz or select whose condition is decided by a branch or check that
//   dominates it: the same value, or a comparison of the same operands that implies it. So goes the
//   branch of a bounds check behind one of the same index that reached further; its mask against
//   speculation stays.
// - A branch to a block that only traps becomes a trapz or trapnz.
// - A branch to a block that only jumps on goes on at once; so does one to a block that branches
//   on a constant which this edge brings, with a copy of the few instructions in between. A loop's
//   header is never passed over: loops stay loops.
// - Branches of which all ways are the same become jumps.
// - A block is joined to the only one that jumps to it.
//
// Tests: codegen/filetest/testdata/pass_branches.ir; pass_test, pass_fuzz and linear_test, which
// take every pass.
#ifndef GANTRY_CODEGEN_PASS_BRANCHES_H_
#define GANTRY_CODEGEN_PASS_BRANCHES_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "codegen/pass/pass.h"
#include "entity/secondary_map.h"

namespace gantry::codegen {

class BranchesPass : public Pass {
 public:
  absl::string_view name() const override { return "branches"; }
  bool Run(Function* func, PassAnalyses* analyses) override;

 private:
  // What a branch or check tells where it dominates.
  struct Fact {
    Value condition;
    bool truth = false;
    // What was known of the condition before, and 1 + the fact before this one about a comparison
    // with the same first operand.
    uint8_t known_before = 0;
    uint32_t next = 0;
    Value compared;
    // The comparison says that index + offset is at most `limit`, without wrapping.
    uint32_t next_bound = 0;
    Value index, limit;
    uint64_t offset = 0;
  };
  // index + offset, neither of which is above 32 bits.
  struct Sum {
    Value index;
    uint64_t offset;
  };
  // Whether a block's own ways have been looked at, and what is known of it then.
  enum class Visited : uint8_t { kNo, kUnknown, kLocal, kNotLocal };
  struct Scope {
    Block block;
    size_t facts;
  };

  // ---- What is known where.
  void FoldKnown(const DominatorTree& dominators, const ControlFlowGraph& cfg);
  void EnterBlock(Block block, const ControlFlowGraph& cfg);
  void Learn(Value condition, bool truth);
  void Forget(size_t facts);
  std::optional<bool> Known(Value condition);
  std::optional<Sum> AsSum(Value value) const;
  bool IsWithin(Value value, Value limit);
  void VisitInst(Inst inst);
  bool TrapInstead(Inst branch);

  // ---- Ways that lead on.
  void ForwardAll(const ControlFlowGraph& cfg, const LoopForest& loops);
  void CountUses();
  void CountUse(Value value, int32_t change) {
    if (uses_counted_) uses_[value] += static_cast<uint32_t>(change);
  }
  // Where the call ends up, without the blocks that can be passed over.
  BlockCall Forward(const BlockCall& from, bool one_of_several, const LoopForest& loops);
  bool IsLocal(Block block);
  bool IsShort(Block block) const;
  bool CopyForEdge(Block block, BlockCall target, BlockCall* call);
  BlockCall Substitute(const BlockCall& through, const BlockCall& call);
  Value Mapped(Value value, Block block, const BlockCall& call) const;
  std::optional<bool> ConditionOnEdge(Block block, const BlockCall& call);
  void FoldSameWays(Inst branch);

  // ---- Blocks that follow one another.
  void Merge(const ControlFlowGraph& cfg);
  bool CanJoin(const BlockCall& call) const;

  Function* func_ = nullptr;
  bool changed_ = false;
  bool branches_changed_ = false;

  std::vector<Fact> facts_;
  std::vector<Scope> scopes_;
  // 0 nothing, 1 false, 2 true.
  entity::SecondaryMap<Value, uint8_t> known_;
  // 1 + the last fact about a comparison with this first operand.
  entity::SecondaryMap<Value, uint32_t> comparisons_;
  // 1 + the last fact that bounds a sum with this index.
  entity::SecondaryMap<Value, uint32_t> bounds_;

  // Counted when something first asks for them.
  entity::SecondaryMap<Value, uint32_t> uses_;
  bool uses_counted_ = false;
  entity::SecondaryMap<Block, Visited> visited_;
  // For blocks made here the loop they are in does not matter: they are never passed over.
  size_t old_blocks_ = 0;
  size_t copied_ = 0;
  // Arguments that edges pass more than before, and how many they may.
  size_t added_args_ = 0;
  size_t max_added_args_ = 0;
  std::vector<Value> args_;
  std::vector<std::pair<Value, Value>> copies_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_PASS_BRANCHES_H_
