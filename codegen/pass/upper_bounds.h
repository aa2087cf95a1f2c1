// UpperBounds: for each integer value the greatest it can be, unsigned, where it is defined.
//
//   UpperBounds bounds;
//   bounds.Compute(func, cfg, dominators);
//   bounds.WalkWith(func, cfg, dominators, [&](Inst inst) {
//     ... bounds.Of(value): here, with what branches on the way have told ...
//   });
//
// Bounds follow from constants, masks, shifts, narrow loads and comparisons; a parameter's is the
// greatest of its arguments', each as the edge knows it. What comes round a loop is taken as
// unbounded in a first walk, and as that walk found it in the second. Two walks over the dominator
// tree, linear.
#ifndef GANTRY_CODEGEN_PASS_UPPER_BOUNDS_H_
#define GANTRY_CODEGEN_PASS_UPPER_BOUNDS_H_

#include <cstdint>
#include <vector>

#include "codegen/analysis/cfg.h"
#include "codegen/analysis/dominators.h"
#include "codegen/ir/function.h"

namespace gantry::codegen {

class UpperBounds {
 public:
  void Compute(const Function& func, const ControlFlowGraph& cfg, const DominatorTree& dominators) {
    Start(func);
    for (int walk = 0; walk < 2; ++walk) {
      WalkWith(func, cfg, dominators, [](Inst) {});
      at_params_.swap(found_);
    }
  }

  // Walks the dominator tree once more, calling visit(inst) in front of each instruction. `visit`
  // may add instructions, but not change those there are.
  template <typename Visit>
  void WalkWith(const Function& func, const ControlFlowGraph& cfg, const DominatorTree& dominators,
                Visit visit) {
    StartWalk(func);
    for (Block block : dominators.preorder()) {
      Enter(func, cfg, dominators, block);
      for (Inst inst = func.layout.first_inst(block); inst.is_some();) {
        const Inst next = func.layout.next_inst(inst);
        visit(inst);
        VisitInst(func.dfg, inst);
        inst = next;
      }
    }
  }

  // Of an integer value; one made since the walk began is unbounded.
  uint64_t Of(Value value) const {
    return value.index() < bounds_.size() ? bounds_[value.index()] : ~uint64_t{0};
  }

 private:
  struct Narrowed {
    Value value;
    uint64_t before;
  };
  struct Scope {
    Block block;
    size_t narrowed;
  };

  void Start(const Function& func);
  void StartWalk(const Function& func);
  void Enter(const Function& func, const ControlFlowGraph& cfg, const DominatorTree& dominators,
             Block block);
  void VisitInst(const DataFlowGraph& dfg, Inst inst);
  void Narrow(Value value, uint64_t bound);
  void NarrowBy(const DataFlowGraph& dfg, Value condition, bool truth);
  void Undo(size_t narrowed);
  void PassOn(const DataFlowGraph& dfg, Inst branch);

  std::vector<uint64_t> bounds_;
  // Of parameters, from the last walk and from this one.
  std::vector<uint64_t> at_params_, found_;
  std::vector<Narrowed> narrowed_;
  std::vector<Scope> scopes_;
};

// The greatest that an integer value can be by the few operations that make it, whatever branches
// tell. Constant time.
uint64_t LocalUpperBound(const DataFlowGraph& dfg, Value value);

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_PASS_UPPER_BOUNDS_H_
