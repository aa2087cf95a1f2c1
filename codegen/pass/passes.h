// The passes there are.
//
//   unreachable    takes out blocks that the entry does not reach
//   block_params   replaces parameters that get the same value on every edge
//   dead_code      takes out instructions and parameters whose values nobody needs
//   gvn            value numbering, of loads too, constant folding and the rules of
//                  codegen/rewrite in one walk over the dominator tree; branches on constants
//                  become jumps
//
// Each is a class of this file behind Pass. The others have headers of their own: branches.h,
// dead_stores.h, hoist.h, if_convert.h, loop_invert.h, polls.h, sink.h, switches.h, widen.h.
// MakePass knows all of them by name.
#ifndef GANTRY_CODEGEN_PASS_PASSES_H_
#define GANTRY_CODEGEN_PASS_PASSES_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "codegen/pass/memory_versions.h"
#include "codegen/pass/pass.h"
#include "codegen/rewrite/rewriter.h"
#include "entity/entity_set.h"
#include "entity/secondary_map.h"

namespace gantry::codegen {

class UnreachablePass : public Pass {
 public:
  absl::string_view name() const override { return "unreachable"; }
  bool Run(Function* func, PassAnalyses* analyses) override;
};

// A parameter is replaced if all that ever arrives at it, going round through other
// parameters, is one value: an optimistic fixed point over "nothing yet, one value, several".
// An answer falls at most twice, and each edge is looked at once per fall.
class BlockParamsPass : public Pass {
 public:
  absl::string_view name() const override { return "block_params"; }
  bool Run(Function* func, PassAnalyses* analyses) override;

 private:
  // `arg` is handed on to the parameter `target`; the next such use of the same argument.
  struct Use {
    Value target;
    uint32_t next;
  };

  bool Round(Function* func, const ControlFlowGraph& cfg);
  void Collect(const Function& func, const ControlFlowGraph& cfg);
  void Meet(const DataFlowGraph& dfg, Value param, Value arriving);

  // What arrives at a parameter: none so far, one value, or the parameter itself, which
  // stands for several.
  entity::SecondaryMap<Value, Value> arrives_;
  // 1 + the first of a parameter's uses as an argument.
  entity::SecondaryMap<Value, uint32_t> first_use_;
  std::vector<Use> uses_;
  std::vector<Value> queue_;
  std::vector<Value> params_;
};

// Marks from what has effects backwards; what is not marked goes. A parameter is marked only
// if a marked instruction needs it, so that values which only go round a loop go too.
class DeadCodePass : public Pass {
 public:
  absl::string_view name() const override { return "dead_code"; }
  bool Run(Function* func, PassAnalyses* analyses) override;

 private:
  void Mark(const DataFlowGraph& dfg, Value value);
  void MarkOperands(const DataFlowGraph& dfg, Inst inst);
  void MarkArg(const DataFlowGraph& dfg, Inst branch, uint32_t target, uint32_t position);
  void MarkAll(const Function& func, const ControlFlowGraph& cfg);

  entity::EntitySet<Inst> live_insts_;
  entity::EntitySet<Value> live_params_;
  std::vector<Inst> insts_;
  std::vector<Value> params_;
};

// One table for the whole walk, open-addressed; an entry counts where its block dominates. A
// load takes the value of a dominating load or store of the same bytes between which and
// itself nothing can have written them. Before an instruction is numbered the rules of
// codegen/rewrite are applied to it until none matches.
class GvnPass : public Pass {
 public:
  absl::string_view name() const override { return "gvn"; }
  bool Run(Function* func, PassAnalyses* analyses) override;

  const rewrite::Rewriter& rewriter() const { return rewriter_; }
  // How often so many rules were applied to one instruction that the rest was left.
  uint64_t exhausted() const { return exhausted_; }

 private:
  // Where to go on: at an instruction that was made, or none to go on behind `inst`.
  Inst Visit(Inst inst);
  // Folds and rewrites. The same, and in *gone whether `inst` is no more.
  Inst Simplify(Inst inst, bool* gone);
  bool SimplifyVectorInst(Inst inst, bool* gone);
  void Number(Inst inst);
  void Finished(Inst inst);
  void Grow();
  bool FoldBranch(Inst inst);
  // The dominating instruction that is the same, or none, `inst` being in the table then.
  Inst FindOrInsert(Inst inst, uint32_t version);
  void Replace(Inst inst, Inst same);

  Function* func_ = nullptr;
  const DominatorTree* dominators_ = nullptr;
  rewrite::Rewriter rewriter_;
  // The instruction that rules were first applied to, while what they made is looked at.
  Inst rewritten_;
  int budget_ = 0;
  uint64_t exhausted_ = 0;
  std::vector<Inst> table_;
  size_t table_entries_ = 0;
  // Of each load or store in the table the version of memory it stands for.
  std::vector<uint32_t> version_;
  MemoryVersions versions_;
  MemoryVersions::State memory_;
  bool changed_ = false;
  bool branches_changed_ = false;
};

// Null if there is no pass of that name.
std::unique_ptr<Pass> MakePass(absl::string_view name);
// The names that MakePass knows.
absl::Span<const char* const> PassNames();

// All of them in the order of PassNames(): values first, then control flow, then places; `polls`
// only where code polls.
void AddDefaultPasses(PassPipeline* pipeline, bool polls = false);

// For passes that drop parameters: removes from every branch in the layout the arguments for
// which drop(target, position) is true.
template <typename Drop>
void DropBlockArgs(Function* func, Drop drop) {
  std::vector<Value> kept;
  for (Block block : func->layout.blocks()) {
    const Inst inst = func->layout.last_inst(block);
    func->dfg.MapBlockCalls(inst, [&](BlockCall call) {
      const absl::Span<const Value> args = func->dfg.args_of(call);
      kept.clear();
      for (size_t i = 0; i < args.size(); ++i) {
        if (!drop(call.block, i)) kept.push_back(args[i]);
      }
      if (kept.size() != args.size()) {
        call.args.Clear(func->dfg.value_lists());
        call.args = func->dfg.MakeList(kept);
      }
      return call;
    });
  }
}

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_PASS_PASSES_H_
