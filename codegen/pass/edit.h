// Small changes that several passes make.
#ifndef GANTRY_CODEGEN_PASS_EDIT_H_
#define GANTRY_CODEGEN_PASS_EDIT_H_

#include "codegen/analysis/cfg.h"
#include "codegen/ir/function.h"

namespace gantry::codegen {

// A jump that makes the call; its list of arguments is then the jump's alone.
inline InstData JumpTo(const BlockCall& call) {
  InstData jump(Opcode::kJump, Type::kInvalid);
  jump.set_block_call(0, call);
  return jump;
}

// Takes out blocks that the entry does not reach; true if there were any. Analyses stay good.
inline bool RemoveUnreachableBlocks(const ControlFlowGraph& cfg, Function* func) {
  bool changed = false;
  for (Block block = func->layout.entry(); block.is_some();) {
    const Block next = func->layout.next(block);
    if (!cfg.is_reachable(block)) {
      func->layout.Remove(block);
      changed = true;
    }
    block = next;
  }
  return changed;
}

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_PASS_EDIT_H_
