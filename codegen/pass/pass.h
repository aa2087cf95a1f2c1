// Pass: one transformation of a function. PassPipeline: passes in order, with what is needed
// to see and bisect them: dumps before and after, a skip list, a limit on runs, a record per
// run, the verifier behind each pass.
//
//   PassPipeline pipeline;                        // reused from function to function
//   AddDefaultPasses(&pipeline);
//   pipeline.options().verify = true;
//   RETURN_IF_ERROR(pipeline.Run(&func));
//
// Which pass broke a program is found by halving `bisect_limit`: runs are numbered from 0 in
// the order in which they happen, or from where StartAt says, and those from the limit on are
// skipped.
#ifndef GANTRY_CODEGEN_PASS_PASS_H_
#define GANTRY_CODEGEN_PASS_PASS_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "codegen/analysis/cfg.h"
#include "codegen/analysis/dominators.h"
#include "codegen/analysis/loops.h"
#include "codegen/ir/function.h"
#include "codegen/ir/verifier.h"

namespace gantry::codegen {

// Analyses that passes share. A pass that changes branches says so; the next that asks gets
// them computed anew.
class PassAnalyses {
 public:
  const ControlFlowGraph& cfg(const Function& func) {
    if (!cfg_valid_) cfg_.Compute(func);
    cfg_valid_ = true;
    return cfg_;
  }
  const DominatorTree& dominators(const Function& func) {
    if (!dominators_valid_) dominators_.Compute(cfg(func));
    dominators_valid_ = true;
    return dominators_;
  }
  const LoopForest& loops(const Function& func) {
    if (!loops_valid_) loops_.Compute(cfg(func), dominators(func));
    loops_valid_ = true;
    return loops_;
  }
  void Invalidate() { cfg_valid_ = dominators_valid_ = loops_valid_ = false; }

  // Steps that making them took so far.
  uint64_t work() const { return cfg_.work() + dominators_.work() + loops_.work(); }

 private:
  ControlFlowGraph cfg_;
  DominatorTree dominators_;
  LoopForest loops_;
  bool cfg_valid_ = false;
  bool dominators_valid_ = false;
  bool loops_valid_ = false;
};

// A pass object keeps its work space from run to run and nothing else.
class Pass {
 public:
  virtual ~Pass() = default;
  // A short name in lower case, for skip lists and dumps.
  virtual absl::string_view name() const = 0;
  // Transforms a well-formed function into one; true if anything changed. Invalidates the
  // analyses if it changed branches or blocks.
  virtual bool Run(Function* func, PassAnalyses* analyses) = 0;
  // Steps that all runs took so far, for tests that the work is linear: everything that a pass
  // does more often than once per instruction, block and edge counts. 0 where nothing does.
  uint64_t work() const { return work_; }

 protected:
  uint64_t work_ = 0;
};

// What one run of one pass did.
struct PassRecord {
  std::string pass;
  bool changed = false;
  int64_t nanoseconds = 0;
  // The pass's steps (Pass::work), those of analyses made for it, and one for each instruction,
  // block and value that there is.
  uint64_t work = 0;
  size_t insts_added = 0;
  size_t insts_removed = 0;
};

// What all runs of one pass did together.
struct PassTotals {
  std::string pass;
  uint64_t runs = 0;
  uint64_t changed = 0;
  uint64_t nanoseconds = 0;
  uint64_t work = 0;
  uint64_t insts_added = 0;
  uint64_t insts_removed = 0;
};

struct PassOptions {
  // Names of passes to leave out.
  std::vector<std::string> skip;
  uint64_t bisect_limit = std::numeric_limits<uint64_t>::max();
  // Verify before the first pass and behind each.
  bool verify = false;
  // Fill in records().
  bool record = false;
  // Fill in totals().
  bool measure = false;
  // Called with "before" and "after" around each run, if set.
  std::function<void(absl::string_view when, absl::string_view pass, const Function& func)> dump;
  // Called behind each run that changed something, if set.
  std::function<void(absl::string_view pass, const Function& func)> changed;
};

class PassPipeline {
 public:
  void Add(std::unique_ptr<Pass> pass) { passes_.push_back(std::move(pass)); }
  PassOptions& options() { return options_; }

  // Runs the passes over `func`. Fails only where the verifier does, with the pass's name.
  absl::Status Run(Function* func);

  // Of all runs since the pipeline was made, if options().record was set.
  const std::vector<PassRecord>& records() const { return records_; }
  // Per pass, if options().measure was set.
  const std::vector<PassTotals>& totals() const { return totals_; }
  // The number that the next run has, skipped ones included: what bisect_limit is compared with.
  uint64_t runs() const { return runs_; }
  void StartAt(uint64_t run) { runs_ = run; }

 private:
  bool IsSkipped(absl::string_view name) const;
  void AddToTotals(size_t pass, const PassRecord& record);
  absl::Status Verify(const Function& func, absl::string_view where);

  PassOptions options_;
  std::vector<std::unique_ptr<Pass>> passes_;
  std::vector<PassRecord> records_;
  std::vector<PassTotals> totals_;
  PassAnalyses analyses_;
  Verifier verifier_;
  uint64_t runs_ = 0;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_PASS_PASS_H_
