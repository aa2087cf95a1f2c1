#include "codegen/vcode.h"

#include <algorithm>

#include "base/check.h"

namespace gantry::codegen {

void VCode::Clear() {
  insts_.clear();
  regalloc_insts_.clear();
  operands_.clear();
  source_locs_.clear();
  blocks_.clear();
  block_infos_.clear();
  edges_.clear();
  edge_args_.clear();
  preds_.clear();
  block_params_.clear();
  clobber_sets_.assign(1, PRegSet());
  reference_vregs_.clear();
  jump_tables_.clear();
  vector_constants_.clear();
  num_vregs_ = 0;
  frame = FrameNeeds();
  cold_calls = ColdCalls();
}

regalloc::Input VCode::RegallocInput() const {
  regalloc::Input input;
  input.insts = regalloc_insts();
  input.operands = operands();
  input.clobber_sets = clobber_sets_;
  input.blocks = blocks_;
  input.edges = edges_;
  input.edge_args = edge_args_;
  input.preds = preds_;
  input.block_params = block_params_;
  input.num_vregs = num_vregs_;
  input.reference_vregs = reference_vregs_;
  return input;
}

void VCodeBuilder::Start(const BlockOrder& order) {
  vcode_.Clear();
  const absl::Span<const BlockOrder::Node> nodes = order.nodes();
  vcode_.blocks_.resize(nodes.size());
  vcode_.block_infos_.resize(nodes.size());
  vcode_.preds_.assign(order.preds().begin(), order.preds().end());
  for (size_t i = 0; i < nodes.size(); ++i) {
    const BlockOrder::Node& node = nodes[i];
    regalloc::Block& block = vcode_.blocks_[i];
    block.edges = node.successors;
    block.preds = node.preds;
    block.loop_depth = node.loop_depth;
    block.cold = node.cold;
    vcode_.block_infos_[i].source_block = node.block;
    for (uint32_t successor : order.SuccessorsOf(node)) {
      vcode_.edges_.push_back({regalloc::BlockId(successor), 0});
    }
  }
}

void VCodeBuilder::BeginBlock(uint32_t block) {
  block_ = block;
  // Counted from the end until Finish.
  vcode_.blocks_[block].insts.end = static_cast<uint32_t>(vcode_.insts_.size());
  const uint32_t params = static_cast<uint32_t>(vcode_.block_params_.size());
  vcode_.blocks_[block].params = {params, params};
}

void VCodeBuilder::EndBlock() {
  vcode_.blocks_[block_].insts.begin = static_cast<uint32_t>(vcode_.insts_.size());
  vcode_.blocks_[block_].params.end = static_cast<uint32_t>(vcode_.block_params_.size());
}

uint8_t VCodeBuilder::ClobberSet(PRegSet clobbers) {
  std::vector<PRegSet>& sets = vcode_.clobber_sets_;
  for (size_t i = 0; i < sets.size(); ++i) {
    if (sets[i] == clobbers) return static_cast<uint8_t>(i);
  }
  CHECK_LT(sets.size(), size_t{256}) << "an ISA has few sets of clobbers";
  sets.push_back(clobbers);
  return static_cast<uint8_t>(sets.size() - 1);
}

void VCodeBuilder::Push(const MachInst& inst, absl::Span<const regalloc::Operand> operands,
                        uint8_t flags, PRegSet clobbers) {
  group_insts_.push_back(inst);
  regalloc::Inst shape;
  shape.operand_count = static_cast<uint16_t>(operands.size());
  shape.flags = flags;
  shape.clobber_set = clobbers.empty() ? 0 : ClobberSet(clobbers);
  group_regalloc_insts_.push_back(shape);
  group_operands_.insert(group_operands_.end(), operands.begin(), operands.end());
}

void VCodeBuilder::FlushGroup(SourceLoc loc) {
  if (group_insts_.empty()) return;
  vcode_.insts_.Prepend(group_insts_);
  vcode_.regalloc_insts_.Prepend(group_regalloc_insts_);
  vcode_.operands_.Prepend(group_operands_);
  SourceLoc* locs = vcode_.source_locs_.PrependUninitialized(group_insts_.size());
  std::fill_n(locs, group_insts_.size(), loc);
  group_insts_.clear();
  group_regalloc_insts_.clear();
  group_operands_.clear();
}

void VCodeBuilder::SetEdgeArgs(uint32_t edge, absl::Span<const VReg> args) {
  const regalloc::IndexRange edges = vcode_.blocks_[block_].edges;
  CHECK_LT(edge, edges.size());
  vcode_.edges_[edges.begin + edge].args_begin = static_cast<uint32_t>(vcode_.edge_args_.size());
  vcode_.edge_args_.insert(vcode_.edge_args_.end(), args.begin(), args.end());
}

bool VCodeBuilder::Finish() {
  if (vcode_.insts_.size() > regalloc::Limits::kMaxInsts ||
      vcode_.operands_.size() > regalloc::Limits::kMaxOperands ||
      vcode_.num_vregs_ > regalloc::Limits::kMaxVRegs) {
    return false;
  }
  uint32_t operand = 0;
  for (regalloc::Inst& inst : vcode_.regalloc_insts_.mutable_span()) {
    inst.operands_begin = operand;
    operand += inst.operand_count;
  }
  const uint32_t count = static_cast<uint32_t>(vcode_.insts_.size());
  for (regalloc::Block& block : vcode_.blocks_) {
    block.insts = {count - block.insts.begin, count - block.insts.end};
  }
  return true;
}

}  // namespace gantry::codegen
