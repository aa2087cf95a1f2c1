// early_return: what a function does last, where it is short, is done again where the function
// may leave before its first call.
//
// A function that often has nothing to do and else calls others need not make its frame, nor
// compare with the stack limit, before it knows (the ISA's emitter makes the frame where it is
// first wanted). That takes returns of their own for the early ways out, which otherwise meet the
// others.
//
// Tests: codegen/filetest/testdata/pass_early_return.ir; pass_test, pass_fuzz and linear_test,
// which take every pass.
#ifndef GANTRY_CODEGEN_PASS_EARLY_RETURN_H_
#define GANTRY_CODEGEN_PASS_EARLY_RETURN_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "codegen/pass/pass.h"

namespace gantry::codegen {

class EarlyReturnPass : public Pass {
 public:
  absl::string_view name() const override { return "early_return"; }
  bool Run(Function* func, PassAnalyses* analyses) override;

 private:
  // Blocks that are reached without a call, by no other way, and make none.
  void FindEarlyBlocks();
  bool IsEarly(Block block) const;
  // True if the way from there is short and ends in a return; finds out what it consists of.
  bool EndsSoon(const BlockCall& way);
  // Puts the way's instructions at the end of the block, which has no terminator.
  void Copy(const BlockCall& way, Block to);
  Value Mapped(Value value) const;

  Function* func_ = nullptr;
  const ControlFlowGraph* cfg_ = nullptr;
  std::vector<Block> early_;
  // Values of the blocks that are copied, and what stands for them in the copy.
  std::vector<std::pair<Value, Value>> mapping_;
  std::vector<Value> args_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_PASS_EARLY_RETURN_H_
