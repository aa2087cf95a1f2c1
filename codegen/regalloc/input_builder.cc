#include "codegen/regalloc/input_builder.h"

#include <algorithm>
#include <sstream>
#include <utility>

#include "base/check.h"

namespace gantry::codegen::regalloc {

BlockId InputBuilder::AddBlock(uint16_t loop_depth, bool cold) {
  plain_.emplace_back();
  plain_.back().loop_depth = loop_depth;
  plain_.back().cold = cold;
  return BlockId::FromIndex(plain_.size() - 1);
}

VReg InputBuilder::NewVReg(RegClass reg_class) { return VReg(num_vregs_++, reg_class); }

void InputBuilder::AddParam(BlockId block, VReg param) {
  plain_[block.index()].params.push_back(param);
}

void InputBuilder::Append(BlockId block, std::vector<Operand> operands, uint8_t flags,
                          PRegSet clobbers) {
  plain_[block.index()].insts.push_back(PlainInst{std::move(operands), flags, clobbers});
}

void InputBuilder::AddEdge(BlockId from, BlockId to, std::vector<VReg> args) {
  plain_[from.index()].edges.push_back(PlainEdge{to.raw(), std::move(args)});
}

void InputBuilder::Jump(BlockId from, BlockId to, std::vector<VReg> args) {
  Append(from, {}, kBranch);
  AddEdge(from, to, std::move(args));
}

void InputBuilder::SplitCriticalEdges(std::vector<uint32_t>* order) {
  std::vector<uint32_t> pred_count(plain_.size(), 0);
  for (const PlainBlock& block : plain_) {
    for (const PlainEdge& edge : block.edges) ++pred_count[edge.target];
  }
  std::vector<uint32_t> split_order;
  for (uint32_t b : *order) {
    split_order.push_back(b);
    const PlainInst& terminator = plain_[b].insts.back();
    const bool moves_at_end =
        plain_[b].edges.size() == 1 && terminator.operands.empty() && terminator.clobbers.empty();
    for (size_t e = 0; e < plain_[b].edges.size(); ++e) {
      const uint32_t target = plain_[b].edges[e].target;
      if (moves_at_end || pred_count[target] == 1) continue;
      PlainBlock middle;
      middle.loop_depth = std::min(plain_[b].loop_depth, plain_[target].loop_depth);
      middle.cold = plain_[b].cold || plain_[target].cold;
      middle.insts.push_back(PlainInst{{}, kBranch, PRegSet()});
      middle.edges.push_back(PlainEdge{target, std::move(plain_[b].edges[e].args)});
      plain_[b].edges[e] = PlainEdge{static_cast<uint32_t>(plain_.size()), {}};
      split_order.push_back(static_cast<uint32_t>(plain_.size()));
      plain_.push_back(std::move(middle));
    }
  }
  *order = std::move(split_order);
}

void InputBuilder::Finish(const std::vector<BlockId>& wanted_order) {
  std::vector<uint32_t> order;
  if (wanted_order.empty()) {
    for (uint32_t b = 0; b < plain_.size(); ++b) order.push_back(b);
  } else {
    for (BlockId block : wanted_order) order.push_back(block.raw());
  }
  SplitCriticalEdges(&order);
  std::vector<uint32_t> position(plain_.size());
  for (uint32_t b = 0; b < order.size(); ++b) position[order[b]] = b;

  insts_.clear();
  operands_.clear();
  clobber_sets_ = {PRegSet()};
  blocks_.clear();
  edges_.clear();
  edge_args_.clear();
  preds_.clear();
  block_params_.clear();
  const auto size = [](const auto& array) { return static_cast<uint32_t>(array.size()); };
  std::vector<uint32_t> pred_count(order.size(), 0);
  for (uint32_t old : order) {
    const PlainBlock& plain = plain_[old];
    Block block;
    block.loop_depth = plain.loop_depth;
    block.cold = plain.cold;
    block.params.begin = size(block_params_);
    block_params_.insert(block_params_.end(), plain.params.begin(), plain.params.end());
    block.params.end = size(block_params_);
    block.insts.begin = size(insts_);
    for (const PlainInst& plain_inst : plain.insts) {
      Inst inst;
      inst.operands_begin = size(operands_);
      inst.operand_count = static_cast<uint16_t>(plain_inst.operands.size());
      inst.flags = plain_inst.flags;
      const auto set = std::find(clobber_sets_.begin(), clobber_sets_.end(), plain_inst.clobbers);
      inst.clobber_set = static_cast<uint8_t>(set - clobber_sets_.begin());
      if (set == clobber_sets_.end()) clobber_sets_.push_back(plain_inst.clobbers);
      CHECK(clobber_sets_.size() <= 256);
      operands_.insert(operands_.end(), plain_inst.operands.begin(), plain_inst.operands.end());
      insts_.push_back(inst);
    }
    block.insts.end = size(insts_);
    block.edges.begin = size(edges_);
    for (const PlainEdge& edge : plain.edges) {
      edges_.push_back(Edge{BlockId(position[edge.target]), size(edge_args_)});
      edge_args_.insert(edge_args_.end(), edge.args.begin(), edge.args.end());
      ++pred_count[position[edge.target]];
    }
    block.edges.end = size(edges_);
    blocks_.push_back(block);
  }
  uint32_t next = 0;
  for (size_t b = 0; b < blocks_.size(); ++b) {
    blocks_[b].preds = IndexRange{next, next};
    next += pred_count[b];
  }
  preds_.resize(next);
  for (uint32_t b = 0; b < blocks_.size(); ++b) {
    for (uint32_t e = blocks_[b].edges.begin; e < blocks_[b].edges.end; ++e) {
      preds_[blocks_[edges_[e].target.index()].preds.end++] = BlockId(b);
    }
  }
  input_.insts = insts_;
  input_.operands = operands_;
  input_.clobber_sets = clobber_sets_;
  input_.blocks = blocks_;
  input_.edges = edges_;
  input_.edge_args = edge_args_;
  input_.preds = preds_;
  input_.block_params = block_params_;
  input_.num_vregs = num_vregs_;
  input_.reference_vregs = references_;
  input_.debug_values = debug_values_;
}

std::string InputText(const Input& input, const Output* output) {
  std::ostringstream out;
  size_t edit = 0;
  const auto edits_up_to = [&](ProgramPoint point) {
    for (; output != nullptr && edit < output->edits.size() &&
           output->edits[edit].point.raw() <= point.raw();
         ++edit) {
      const Edit& e = output->edits[edit];
      out << "      " << e.to << " = ";
      if (e.rematerialized.is_some()) {
        out << "again " << e.rematerialized << "\n";
      } else {
        out << e.from << "\n";
      }
    }
  };
  for (uint32_t b = 0; b < input.blocks.size(); ++b) {
    const Block& block = input.blocks[b];
    out << BlockId(b) << "(";
    for (VReg param : input.ParamsOf(BlockId(b))) out << " " << param;
    out << " ) depth " << block.loop_depth << (block.cold ? " cold" : "") << " preds";
    for (BlockId pred : input.PredsOf(BlockId(b))) out << " " << pred;
    out << ":\n";
    for (uint32_t i = block.insts.begin; i < block.insts.end; ++i) {
      edits_up_to(ProgramPoint::Before(InstId(i)));
      const Inst& inst = input.insts[i];
      out << "  " << InstId(i);
      if (inst.is(kMove)) out << " move";
      if (inst.is(kSafepoint)) out << " safepoint";
      if (inst.is(kRematerializable)) out << " constant";
      if (inst.is(kCommutative)) out << " commutative";
      if (inst.is(kReturn)) out << " return";
      const char* separator = " ";
      for (uint32_t k = 0; k < inst.operand_count; ++k) {
        out << separator << input.operands[inst.operands_begin + k];
        if (output != nullptr) out << " [" << output->allocations[inst.operands_begin + k] << "]";
        separator = ", ";
      }
      if (!input.ClobbersOf(InstId(i)).empty()) {
        out << " clobbers " << input.ClobbersOf(InstId(i));
      }
      if (output != nullptr && inst.is(kSafepoint)) {
        for (const StackMap& map : output->stack_maps) {
          if (map.inst != InstId(i)) continue;
          out << " map {";
          for (SpillSlot slot : output->SlotsOf(map)) out << " " << slot;
          out << " }";
        }
      }
      out << "\n";
      edits_up_to(ProgramPoint::After(InstId(i)));
    }
    for (const Edge& edge : input.EdgesOf(BlockId(b))) {
      out << "    -> " << edge.target << "(";
      for (VReg arg : input.ArgsOf(edge)) out << " " << arg;
      out << " )\n";
    }
  }
  return out.str();
}

}  // namespace gantry::codegen::regalloc
