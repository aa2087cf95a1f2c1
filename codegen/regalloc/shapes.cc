#include "codegen/regalloc/shapes.h"

#include <random>
#include <utility>
#include <vector>

namespace gantry::codegen::regalloc {
namespace {

constexpr RegClass kInt = RegClass::kInt;
constexpr RegClass kVector = RegClass::kVector;

PReg IntReg(uint8_t encoding) { return PReg(kInt, encoding); }

// What a call loses in LargeTestEnv(): i0..i8 and all vector registers.
PRegSet CallClobbers() {
  PRegSet set;
  for (uint8_t r = 0; r < 9; ++r) set.insert(IntReg(r));
  for (uint8_t r = 0; r < 15; ++r) set.insert(PReg(kVector, r));
  return set;
}

class Typical {
 public:
  Typical(uint32_t size, InputBuilder* out) : random_(size), out_(out), left_(size) {}

  void Run() {
    block_ = out_->AddBlock();
    vmctx_ = out_->NewVReg(kInt);
    std::vector<Operand> args = {Operand::FixedDef(vmctx_, IntReg(7))};
    for (uint8_t k = 0; k < 4; ++k) {
      locals_.push_back(out_->NewVReg(kInt));
      args.push_back(Operand::FixedDef(locals_.back(), IntReg(k)));
    }
    out_->Append(block_, std::move(args));
    base_ = Emit1({Operand::Use(vmctx_)});
    while (locals_.size() < kLocals) locals_.push_back(Constant());
    assignable_.assign(kLocals, true);
    while (left_ > 0) Body(/*depth=*/0, std::min<uint32_t>(left_, 200));
    out_->Append(block_, {Operand::FixedUse(locals_[0], IntReg(0))}, kReturn);
    out_->Finish();
  }

 private:
  static constexpr size_t kLocals = 14;

  uint32_t Below(uint32_t bound) { return static_cast<uint32_t>(random_() % bound); }
  // A few locals are much in use.
  uint32_t Local() { return Below(Below(2) == 0 ? 5 : kLocals); }
  void Assign(VReg value) {
    for (int tries = 0; tries < 4; ++tries) {
      const uint32_t local = Local();
      if (!assignable_[local]) continue;
      locals_[local] = value;
      return;
    }
  }
  VReg Emit1(std::vector<Operand> operands, uint8_t flags = kNoFlags) {
    const VReg def = out_->NewVReg(kInt);
    operands.push_back(Operand::Def(def));
    out_->Append(block_, std::move(operands), flags);
    return def;
  }
  VReg Constant() { return Emit1({}, kRematerializable); }
  VReg TwoAddress(VReg a, VReg b, bool commutative) {
    const VReg def = out_->NewVReg(kInt);
    out_->Append(block_,
                 {Operand::Use(a), Operand::Use(b, Constraint::kAny), Operand::ReuseDef(def, 0)},
                 commutative ? kCommutative : kNoFlags);
    return def;
  }

  void Body(uint32_t depth, uint32_t budget) {
    while (budget > 0 && left_ > 0) {
      --budget;
      --left_;
      const uint32_t kind = Below(100);
      if (kind < 40) {
        Assign(TwoAddress(locals_[Local()], Below(3) == 0 ? Constant() : locals_[Local()],
                          Below(2) == 0));
      } else if (kind < 50) {
        Assign(Emit1({Operand::Use(locals_[Local()])}));
      } else if (kind < 65) {
        Assign(Emit1({Operand::Use(base_), Operand::Use(locals_[Local()])}));
      } else if (kind < 75) {
        out_->Append(block_, {Operand::Use(base_), Operand::Use(locals_[Local()]),
                              Operand::Use(locals_[Local()])});
      } else if (kind < 79) {
        ShiftOrDivide();
      } else if (kind < 84) {
        Call();
      } else if (kind < 94) {
        If(depth, std::min<uint32_t>(budget, 4 + Below(16)));
      } else if (depth < 3) {
        Loop(depth, std::min<uint32_t>(budget, 10 + Below(40)));
      }
    }
  }

  void ShiftOrDivide() {
    const VReg def = out_->NewVReg(kInt);
    if (Below(4) != 0) {
      out_->Append(block_,
                   {Operand::Use(locals_[Local()]), Operand::FixedUse(locals_[Local()], IntReg(1)),
                    Operand::ReuseDef(def, 0)});
    } else {
      const VReg rest = out_->NewVReg(kInt);
      out_->Append(block_, {Operand::FixedUse(locals_[Local()], IntReg(0)),
                            Operand::FixedUse(Constant(), IntReg(2)),
                            Operand::Use(locals_[Local()], Constraint::kAny),
                            Operand::FixedDef(def, IntReg(0)), Operand::FixedDef(rest, IntReg(2))});
    }
    Assign(def);
  }

  void Call() {
    std::vector<Operand> operands = {Operand::FixedUse(vmctx_, IntReg(7))};
    for (uint8_t k = static_cast<uint8_t>(Below(4)); k > 0; --k) {
      operands.push_back(Operand::FixedUse(locals_[Local()], IntReg(k - 1)));
    }
    const VReg def = out_->NewVReg(kInt);
    operands.push_back(Operand::FixedDef(def, IntReg(0)));
    out_->Append(block_, std::move(operands), kSafepoint, CallClobbers());
    Assign(def);
  }

  void Branch(BlockId a, BlockId b, std::vector<VReg> args_a = {}, std::vector<VReg> args_b = {}) {
    out_->Append(block_,
                 {Operand::Use(locals_[Local()]), Operand::Use(locals_[Local()], Constraint::kAny)},
                 kBranch);
    out_->AddEdge(block_, a, std::move(args_a));
    out_->AddEdge(block_, b, std::move(args_b));
  }

  void If(uint32_t depth, uint32_t budget) {
    const uint16_t loop_depth = loop_depth_;
    const std::vector<VReg> before = locals_;
    const BlockId then_block = out_->AddBlock(loop_depth);
    BlockId else_block = BlockId::None();
    const bool has_else = Below(2) == 0;
    const BlockId start = block_;
    const Operand first = Operand::Use(locals_[Local()]);
    const Operand second = Operand::Use(locals_[Local()], Constraint::kAny);
    out_->Append(block_, {first, second}, kBranch);
    block_ = then_block;
    Body(depth, budget);
    const std::vector<VReg> after_then = locals_;
    const BlockId then_end = block_;
    locals_ = before;
    BlockId else_end = start;
    if (has_else) {
      else_block = out_->AddBlock(loop_depth);
      block_ = else_block;
      Body(depth, budget);
      else_end = block_;
    }
    const std::vector<VReg> after_else = locals_;
    const BlockId join = out_->AddBlock(loop_depth);
    std::vector<VReg> then_args;
    std::vector<VReg> else_args;
    for (size_t k = 0; k < kLocals; ++k) {
      if (after_then[k] == after_else[k]) continue;
      locals_[k] = out_->NewVReg(kInt);
      out_->AddParam(join, locals_[k]);
      then_args.push_back(after_then[k]);
      else_args.push_back(after_else[k]);
    }
    out_->AddEdge(start, then_block);
    out_->Jump(then_end, join, std::move(then_args));
    if (has_else) {
      out_->AddEdge(start, else_block);
      out_->Jump(else_end, join, std::move(else_args));
    } else {
      out_->AddEdge(start, join, std::move(else_args));
    }
    block_ = join;
  }

  void Loop(uint32_t depth, uint32_t budget) {
    const std::vector<bool> assignable = assignable_;
    std::vector<size_t> varying;
    for (size_t k = 0; k < kLocals; ++k) {
      assignable_[k] = assignable[k] && Below(2) == 0;
      if (assignable_[k]) varying.push_back(k);
    }
    ++loop_depth_;
    const BlockId header = out_->AddBlock(loop_depth_);
    std::vector<VReg> args;
    for (size_t k : varying) {
      args.push_back(locals_[k]);
      locals_[k] = out_->NewVReg(kInt);
      out_->AddParam(header, locals_[k]);
    }
    out_->Jump(block_, header, std::move(args));
    block_ = header;
    Body(depth + 1, budget);
    --loop_depth_;
    const BlockId after = out_->AddBlock(loop_depth_);
    std::vector<VReg> back_args;
    for (size_t k : varying) back_args.push_back(locals_[k]);
    Branch(header, after, std::move(back_args));
    block_ = after;
    assignable_ = assignable;
  }

  std::mt19937_64 random_;
  InputBuilder* out_;
  uint32_t left_;
  BlockId block_;
  uint16_t loop_depth_ = 0;
  VReg vmctx_;
  VReg base_;
  std::vector<VReg> locals_;
  std::vector<bool> assignable_;
};

VReg Define(BlockId block, InputBuilder* out, uint8_t flags = kNoFlags) {
  const VReg reg = out->NewVReg(kInt);
  out->Append(block, {Operand::Def(reg)}, flags);
  return reg;
}

// `size` values, all defined before any is used.
void ManyLocals(uint32_t size, InputBuilder* out) {
  const BlockId entry = out->AddBlock();
  std::vector<VReg> values;
  for (uint32_t k = 0; k < size; ++k) values.push_back(Define(entry, out));
  for (VReg value : values) out->Append(entry, {Operand::Use(value)});
  out->Append(entry, {}, kReturn);
  out->Finish();
}

// A row of if/else, with some values live through all of it.
void ManyBlocks(uint32_t size, InputBuilder* out) {
  BlockId block = out->AddBlock();
  std::vector<VReg> values;
  for (int k = 0; k < 40; ++k) values.push_back(Define(block, out));
  for (uint32_t k = 0; k < size / 4; ++k) {
    const BlockId a = out->AddBlock();
    const BlockId b = out->AddBlock();
    const BlockId join = out->AddBlock();
    out->Append(block, {Operand::Use(values[k % 40])}, kBranch);
    out->AddEdge(block, a);
    out->AddEdge(block, b);
    out->Jump(a, join);
    out->Jump(b, join);
    block = join;
  }
  for (VReg value : values) out->Append(block, {Operand::Use(value)});
  out->Append(block, {}, kReturn);
  out->Finish();
}

// One switch with distinct targets that meet in one block with parameters.
void WideSwitch(uint32_t size, InputBuilder* out) {
  const BlockId entry = out->AddBlock();
  std::vector<VReg> values;
  for (int k = 0; k < 20; ++k) values.push_back(Define(entry, out));
  std::vector<BlockId> arms;
  for (uint32_t k = 0; k < size / 4; ++k) arms.push_back(out->AddBlock());
  const BlockId join = out->AddBlock();
  const VReg first = out->NewVReg(kInt);
  const VReg second = out->NewVReg(kInt);
  out->AddParam(join, first);
  out->AddParam(join, second);
  out->Append(entry, {Operand::Use(values[0])}, kBranch);
  for (uint32_t k = 0; k < arms.size(); ++k) {
    out->AddEdge(entry, arms[k]);
    const VReg value = out->NewVReg(kInt);
    out->Append(arms[k], {Operand::Use(values[k % 20]), Operand::ReuseDef(value, 0)});
    out->Jump(arms[k], join, {value, values[(k + 1) % 20]});
  }
  out->Append(join, {Operand::Use(first), Operand::Use(second)}, kReturn);
  out->Finish();
}

void LongChain(uint32_t size, InputBuilder* out) {
  const BlockId entry = out->AddBlock();
  VReg value = Define(entry, out);
  const VReg other = Define(entry, out);
  for (uint32_t k = 0; k < size; ++k) {
    const VReg next = out->NewVReg(kInt);
    out->Append(entry, {Operand::Use(value), Operand::Use(other, Constraint::kAny),
                        Operand::ReuseDef(next, 0)});
    value = next;
  }
  out->Append(entry, {Operand::FixedUse(value, IntReg(0))}, kReturn);
  out->Finish();
}

// Loops in loops, each with a variable of its own that is used in the innermost.
void NestedLoops(uint32_t size, InputBuilder* out) {
  BlockId block = out->AddBlock();
  const VReg start = Define(block, out);
  const uint32_t depth = size / 4;
  std::vector<BlockId> headers;
  std::vector<VReg> params;
  for (uint32_t d = 0; d < depth; ++d) {
    const BlockId header = out->AddBlock(static_cast<uint16_t>(d + 1));
    const VReg param = out->NewVReg(kInt);
    out->AddParam(header, param);
    out->Jump(block, header, {d == 0 ? start : params.back()});
    params.push_back(param);
    headers.push_back(header);
    block = header;
  }
  for (uint32_t d = depth; d-- > 0;) {
    const VReg next = out->NewVReg(kInt);
    out->Append(block, {Operand::Use(params[d]), Operand::ReuseDef(next, 0)});
    const BlockId after = out->AddBlock(static_cast<uint16_t>(d));
    out->Append(block, {Operand::Use(next)}, kBranch);
    out->AddEdge(block, headers[d], {next});
    out->AddEdge(block, after);
    block = after;
  }
  out->Append(block, {Operand::Use(start)}, kReturn);
  out->Finish();
}

void LoopsInARow(uint32_t size, InputBuilder* out) {
  BlockId block = out->AddBlock();
  std::vector<VReg> values;
  for (int k = 0; k < 24; ++k) values.push_back(Define(block, out));
  for (uint32_t k = 0; k < size / 4; ++k) {
    const BlockId header = out->AddBlock(1);
    const VReg param = out->NewVReg(kInt);
    const VReg next = out->NewVReg(kInt);
    out->AddParam(header, param);
    out->Jump(block, header, {values[k % 24]});
    out->Append(header, {Operand::Use(param), Operand::Use(values[(k + 7) % 24], Constraint::kAny),
                         Operand::ReuseDef(next, 0)});
    block = out->AddBlock();
    out->Append(header, {Operand::Use(next)}, kBranch);
    out->AddEdge(header, header, {next});
    out->AddEdge(header, block);
  }
  for (VReg value : values) out->Append(block, {Operand::Use(value)});
  out->Append(block, {}, kReturn);
  out->Finish();
}

// Calls with many values and references live across each.
void ManyCalls(uint32_t size, InputBuilder* out) {
  const BlockId entry = out->AddBlock();
  std::vector<VReg> values;
  for (int k = 0; k < 60; ++k) {
    values.push_back(Define(entry, out));
    if (k % 4 == 0) out->MarkReference(values.back());
  }
  for (uint32_t k = 0; k < size; ++k) {
    const VReg result = out->NewVReg(kInt);
    out->Append(
        entry,
        {Operand::FixedUse(values[k % 60], IntReg(0)),
         Operand::FixedUse(values[(k + 11) % 60], IntReg(1)), Operand::FixedDef(result, IntReg(0))},
        kSafepoint, CallClobbers());
  }
  for (VReg value : values) out->Append(entry, {Operand::Use(value)});
  out->Append(entry, {}, kReturn);
  out->Finish();
}

// As many values as blocks, all live through all blocks: the budget of liveness.
void ManyLocalsManyBlocks(uint32_t size, InputBuilder* out) {
  BlockId block = out->AddBlock();
  std::vector<VReg> values;
  for (uint32_t k = 0; k < size / 4; ++k) values.push_back(Define(block, out));
  for (uint32_t k = 0; k < size / 4; ++k) {
    const BlockId next = out->AddBlock();
    out->Jump(block, next);
    block = next;
    out->Append(block, {Operand::Use(values[k])});
  }
  for (VReg value : values) out->Append(block, {Operand::Use(value)});
  out->Append(block, {}, kReturn);
  out->Finish();
}

// Many parameters on one loop: every local of a function, say.
void ManyParams(uint32_t size, InputBuilder* out) {
  const BlockId entry = out->AddBlock();
  const BlockId header = out->AddBlock(1);
  const BlockId after = out->AddBlock();
  std::vector<VReg> values;
  std::vector<VReg> params;
  for (uint32_t k = 0; k < size / 4; ++k) {
    values.push_back(Define(entry, out));
    params.push_back(out->NewVReg(kInt));
    out->AddParam(header, params.back());
  }
  out->Jump(entry, header, values);
  std::vector<VReg> rotated(params.begin() + 1, params.end());
  rotated.push_back(params[0]);
  out->Append(header, {Operand::Use(params[0])}, kBranch);
  out->AddEdge(header, header, rotated);
  out->AddEdge(header, after);
  for (VReg param : params) out->Append(after, {Operand::Use(param)});
  out->Append(after, {}, kReturn);
  out->Finish();
}

}  // namespace

void BuildTypical(uint32_t size, InputBuilder* builder) { Typical(size, builder).Run(); }

const NamedShape kPathologicalShapes[9] = {
    {"many_locals", ManyLocals},   {"many_blocks", ManyBlocks},
    {"wide_switch", WideSwitch},   {"long_chain", LongChain},
    {"nested_loops", NestedLoops}, {"loops_in_a_row", LoopsInARow},
    {"many_calls", ManyCalls},     {"many_locals_many_blocks", ManyLocalsManyBlocks},
    {"many_params", ManyParams},
};

}  // namespace gantry::codegen::regalloc
