#include "codegen/regalloc/liveness.h"

#include <algorithm>

#include "base/check.h"
#include "base/status_macros.h"

namespace gantry::codegen::regalloc {

absl::Status Liveness::CheckLimits(const Input& input) const {
  if (input.insts.size() > Limits::kMaxInsts || input.num_vregs > Limits::kMaxVRegs ||
      input.operands.size() > Limits::kMaxOperands ||
      input.edge_args.size() > Limits::kMaxOperands ||
      input.block_params.size() > Limits::kMaxOperands) {
    return absl::ResourceExhaustedError(
        "function too large: too many instructions or values for register allocation");
  }
  return absl::OkStatus();
}

absl::Status Liveness::Compute(const Input& input) {
  RETURN_IF_ERROR(CheckLimits(input));
  work_ = 0;
  CollectUses(input);
  RETURN_IF_ERROR(ComputeRanges(input));
  FindLoops(input);
  return absl::OkStatus();
}

void Liveness::CollectUses(const Input& input) {
  const uint32_t num_vregs = input.num_vregs;
  def_point_.assign(num_vregs, kNoIndex);
  def_block_.assign(num_vregs, kNoIndex);
  is_param_.assign(num_vregs, 0);
  class_of_.assign(num_vregs, 0);
  use_begin_.assign(size_t{num_vregs} + 2, 0);
  block_of_.resize(input.insts.size());

  const auto define = [&](VReg reg, uint32_t point, uint32_t block) {
    def_point_[reg.index()] = point;
    def_block_[reg.index()] = block;
    class_of_[reg.index()] = static_cast<uint8_t>(reg.reg_class());
  };
  // Counts go two places up, so that filling leaves use_begin_ as it is wanted.
  for (uint32_t b = 0; b < input.blocks.size(); ++b) {
    const Block& block = input.blocks[b];
    for (VReg param : input.ParamsOf(BlockId(b))) {
      define(param, 2 * block.insts.begin, b);
      is_param_[param.index()] = 1;
    }
    for (uint32_t i = block.insts.begin; i < block.insts.end; ++i) {
      block_of_[i] = b;
      const uint32_t begin = input.insts[i].operands_begin;
      for (uint32_t k = begin; k < begin + input.insts[i].operand_count; ++k) {
        const Operand operand = input.operands[k];
        if (operand.is_use()) {
          ++use_begin_[operand.reg().index() + 2];
        } else {
          define(operand.reg(), operand.is_early() ? 2 * i : 2 * i + 1, b);
        }
      }
    }
    for (const Edge& edge : input.EdgesOf(BlockId(b))) {
      for (VReg arg : input.ArgsOf(edge)) ++use_begin_[arg.index() + 2];
    }
  }
  for (size_t v = 2; v < use_begin_.size(); ++v) use_begin_[v] += use_begin_[v - 1];
  uses_.resize(use_begin_.back());

  for (uint32_t b = 0; b < input.blocks.size(); ++b) {
    const Block& block = input.blocks[b];
    for (uint32_t i = block.insts.begin; i < block.insts.end; ++i) {
      const uint32_t begin = input.insts[i].operands_begin;
      for (uint32_t k = begin; k < begin + input.insts[i].operand_count; ++k) {
        const Operand operand = input.operands[k];
        if (operand.is_use()) uses_[use_begin_[operand.reg().index() + 1]++] = Use{i, k};
      }
    }
    for (const Edge& edge : input.EdgesOf(BlockId(b))) {
      const absl::Span<const VReg> args = input.ArgsOf(edge);
      for (uint32_t k = 0; k < args.size(); ++k) {
        uses_[use_begin_[args[k].index() + 1]++] =
            Use{block.insts.end - 1, Use::kEdgeArg + edge.args_begin + k};
      }
    }
  }
  use_begin_.pop_back();
  work_ += input.operands.size() + input.edge_args.size() + input.blocks.size();
}

bool Liveness::FindLiveBlocks(const Input& input, uint32_t vreg, uint64_t budget) {
  const uint32_t stamp = vreg + 1;
  const uint32_t def_block = def_block_[vreg];
  live_blocks_.clear();
  uint64_t edges_walked = 0;
  const auto mark_live_in = [&](uint32_t block) {
    if (block == def_block || live_in_[block] == stamp) return;
    live_in_[block] = stamp;
    live_blocks_.push_back(block);
    worklist_.push_back(block);
  };
  uint32_t last_block = kNoIndex;
  for (const Use& use : UsesOf(vreg)) {
    const uint32_t block = block_of_[use.inst];
    if ((use.operand & Use::kEdgeArg) != 0) live_out_[block] = stamp;
    if (block == last_block) continue;
    last_block = block;
    mark_live_in(block);
    while (!worklist_.empty()) {
      const uint32_t live = worklist_.back();
      worklist_.pop_back();
      const absl::Span<const BlockId> preds = input.PredsOf(BlockId(live));
      edges_walked += preds.size() + 1;
      if (edges_walked > budget) {
        worklist_.clear();
        return false;
      }
      for (BlockId pred : preds) {
        const uint32_t p = pred.raw();
        live_out_[p] = stamp;
        mark_live_in(p);
      }
    }
  }
  work_ += edges_walked;
  return true;
}

void Liveness::SortLiveBlocks(uint32_t vreg) {
  if (live_blocks_.size() < 2) return;
  const auto [low, high] = std::minmax_element(live_blocks_.begin(), live_blocks_.end());
  const uint32_t first = *low;
  const uint32_t last = *high;
  if (last - first < live_blocks_.size() * 4) {
    live_blocks_.clear();
    for (uint32_t b = first; b <= last; ++b) {
      if (live_in_[b] == vreg + 1) live_blocks_.push_back(b);
    }
  } else {
    std::sort(live_blocks_.begin(), live_blocks_.end());
  }
}

void Liveness::AppendRanges(const Input& input, uint32_t vreg) {
  const absl::Span<const Use> uses = UsesOf(vreg);
  const size_t first_range = ranges_.size();
  const uint32_t def_block = def_block_[vreg];
  size_t use = 0;
  const auto append = [&](uint32_t block, uint32_t begin) {
    const IndexRange insts = input.blocks[block].insts;
    uint32_t end = begin;
    if (live_out_[block] == vreg + 1) {
      end = 2 * insts.end;
      while (use < uses.size() && uses[use].inst < insts.end) ++use;
    } else {
      for (; use < uses.size() && uses[use].inst < insts.end; ++use) end = 2 * uses[use].inst + 1;
    }
    if (ranges_.size() > first_range && ranges_.back().end == begin) {
      ranges_.back().end = end;
    } else {
      ranges_.push_back(LiveRange{begin, end});
    }
  };
  bool def_is_done = false;
  for (uint32_t block : live_blocks_) {
    if (!def_is_done && block > def_block) {
      append(def_block, def_point_[vreg]);
      def_is_done = true;
    }
    append(block, 2 * input.blocks[block].insts.begin);
    ++live_in_count_[class_of_[vreg]][block];
  }
  if (!def_is_done) append(def_block, def_point_[vreg]);
}

absl::Status Liveness::ComputeRanges(const Input& input) {
  const uint32_t num_vregs = input.num_vregs;
  const size_t num_blocks = input.blocks.size();
  live_in_.assign(num_blocks, 0);
  live_out_.assign(num_blocks, 0);
  for (auto& counts : live_in_count_) counts.assign(num_blocks, 0);
  everywhere_.assign(num_vregs, 0);
  range_begin_.clear();
  range_begin_.reserve(size_t{num_vregs} + 1);
  ranges_.clear();
  range_begin_.push_back(0);

  const uint64_t size = input.insts.size() + input.operands.size() + num_blocks;
  const uint64_t budget = 32 * size + (1 << 20);
  const uint64_t start = work_;
  for (uint32_t v = 0; v < num_vregs; ++v) {
    if (def_point_[v] != kNoIndex) {
      // Past the budget a register still has the walk that a short live range takes.
      const uint64_t spent = work_ - start;
      const uint64_t allowed = std::max<uint64_t>(spent < budget ? budget - spent : 0, 64);
      if (FindLiveBlocks(input, v, allowed)) {
        SortLiveBlocks(v);
        AppendRanges(input, v);
      } else {
        work_ += allowed;
        everywhere_[v] = 1;
        ranges_.push_back(LiveRange{0, static_cast<uint32_t>(2 * input.insts.size())});
      }
    }
    range_begin_.push_back(static_cast<uint32_t>(ranges_.size()));
  }
  for (VReg reg : input.reference_vregs) {
    if (everywhere_[reg.index()] != 0) {
      return absl::ResourceExhaustedError(
          "function too large: too many references live across too many blocks");
    }
  }
  return absl::OkStatus();
}

void Liveness::FindLoops(const Input& input) {
  const uint32_t num_blocks = static_cast<uint32_t>(input.blocks.size());
  loop_end_.assign(num_blocks, kNoIndex);
  for (uint32_t b = 0; b < num_blocks; ++b) {
    if (input.blocks[b].cold) continue;
    for (const Edge& edge : input.EdgesOf(BlockId(b))) {
      if (edge.target.raw() <= b) loop_end_[edge.target.index()] = b;
    }
  }
  loops_.clear();
  loop_stack_.clear();
  loop_of_.assign(num_blocks, kNoIndex);
  frequency_.resize(num_blocks);
  const auto leave = [&]() {
    const Loop& inner = loops_[loop_stack_.back()];
    loop_stack_.pop_back();
    if (loop_stack_.empty()) return;
    Loop& outer = loops_[loop_stack_.back()];
    for (size_t c = 0; c < kNumRegClasses; ++c) {
      outer.pressure[c] = std::max(outer.pressure[c], inner.pressure[c]);
    }
  };
  for (uint32_t b = 0; b < num_blocks; ++b) {
    while (!loop_stack_.empty() && loops_[loop_stack_.back()].last_block < b) leave();
    if (loop_end_[b] != kNoIndex) {
      Loop loop;
      loop.first_block = b;
      loop.last_block = loop_end_[b];
      if (!loop_stack_.empty()) {
        const Loop& parent = loops_[loop_stack_.back()];
        loop.parent = loop_stack_.back();
        loop.last_block = std::min(loop.last_block, parent.last_block);
        loop.depth = parent.depth;
      }
      ++loop.depth;
      loop.first_inst = input.blocks[b].insts.begin;
      loop.end_inst = input.blocks[loop.last_block].insts.end;
      loop_stack_.push_back(static_cast<uint32_t>(loops_.size()));
      loops_.push_back(loop);
    }
    uint32_t depth = input.blocks[b].loop_depth;
    if (!loop_stack_.empty()) {
      loop_of_[b] = loop_stack_.back();
      Loop& loop = loops_[loop_stack_.back()];
      depth = std::max(depth, loop.depth);
      for (size_t c = 0; c < kNumRegClasses; ++c) {
        loop.pressure[c] = std::max(loop.pressure[c], live_in_count_[c][b]);
      }
    }
    frequency_[b] = input.blocks[b].cold ? 1 : uint32_t{8} << 3 * std::min<uint32_t>(depth, 8);
  }
  while (!loop_stack_.empty()) leave();
}

bool Liveness::IsLiveAt(uint32_t vreg, uint32_t point) const {
  const absl::Span<const LiveRange> ranges = RangesOf(vreg);
  const auto after =
      std::upper_bound(ranges.begin(), ranges.end(), point,
                       [](uint32_t p, const LiveRange& range) { return p < range.end; });
  return after != ranges.end() && after->begin <= point;
}

}  // namespace gantry::codegen::regalloc
