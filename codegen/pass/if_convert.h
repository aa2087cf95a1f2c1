// if_convert: a branch around one or two cheap operations becomes a select.
//
// A mispredicted branch costs as much as a dozen operations, a predicted one nearly nothing, and
// waiting for both sides of a select costs what the slower takes. So only such branches go that
// hang on data just loaded, where prediction is often no better than chance, within one loop
// (exits are predicted well), and if both sides together are at most two operations of one cycle
// and no load.
//
// Tests: codegen/filetest/testdata/pass_if_convert.ir; pass_test, pass_fuzz and linear_test, which
// take every pass.
#ifndef GANTRY_CODEGEN_PASS_IF_CONVERT_H_
#define GANTRY_CODEGEN_PASS_IF_CONVERT_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "codegen/pass/pass.h"

namespace gantry::codegen {

class IfConvertPass : public Pass {
 public:
  absl::string_view name() const override { return "if_convert"; }
  bool Run(Function* func, PassAnalyses* analyses) override;

 private:
  // A way of the branch: straight to where both meet, or through a block that only it enters.
  struct Side {
    Block block;  // None for a straight way.
    BlockCall end;
  };

  bool Visit(Block block);
  Side Follow(Block from, const BlockCall& call);
  bool IsCheap(Block side, uint32_t* operations) const;
  bool HangsOnLoad(Value condition, Block block, int depth) const;

  Function* func_ = nullptr;
  const ControlFlowGraph* cfg_ = nullptr;
  const LoopForest* loops_ = nullptr;
  std::vector<Value> args_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_PASS_IF_CONVERT_H_
