// What the allocator knows about a function before it allocates: where each virtual register is
// defined, used and live, and where the loops are.
//
// Live ranges come from walking backwards from each use to the definition, one virtual register
// at a time (Boissinot et al., "Computing Liveness Sets for SSA-Form Programs", 2011, algorithm
// for "each use"). The work is the number of (register, block) pairs in which the register is
// live at the start; that can be quadratic, so it has a budget: registers that would exceed it
// are marked `everywhere` and treated as live in the whole function.
#ifndef GANTRY_CODEGEN_REGALLOC_LIVENESS_H_
#define GANTRY_CODEGEN_REGALLOC_LIVENESS_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "codegen/regalloc/interface.h"

namespace gantry::codegen::regalloc {

inline constexpr uint32_t kNoIndex = 0xFFFFFFFF;

// Program points: 2*i is where instruction i reads its early uses, 2*i+1 where it writes its late
// definitions. Half-open. A value that is live out of a block is so up to the point 2*i+2 of the
// block's terminator i; a value that nobody uses has an empty range at its definition.
struct LiveRange {
  uint32_t begin;
  uint32_t end;
};

// A use by an operand, or by an argument of an edge out of the block that `inst` ends.
struct Use {
  static constexpr uint32_t kEdgeArg = 0x80000000;
  uint32_t inst;
  // Position in Input::operands, or kEdgeArg + position in Input::edge_args.
  uint32_t operand;
};

// A loop as a range of blocks in final order: from a header to the last block that jumps back to
// it, cold blocks left out. Only heuristics depend on it, so it may be imprecise.
struct Loop {
  uint32_t parent = kNoIndex;
  uint32_t first_block = 0;
  uint32_t last_block = 0;
  uint32_t first_inst = 0;
  uint32_t end_inst = 0;
  uint32_t depth = 0;
  // The most registers of each class live at the start of any block.
  uint32_t pressure[kNumRegClasses] = {0, 0};
};

class Liveness {
 public:
  // kResourceExhausted if the input is past Limits.
  absl::Status Compute(const Input& input);

  absl::Span<const Use> UsesOf(uint32_t vreg) const {
    return absl::MakeConstSpan(uses_).subspan(use_begin_[vreg],
                                              use_begin_[vreg + 1] - use_begin_[vreg]);
  }
  absl::Span<const LiveRange> RangesOf(uint32_t vreg) const {
    return absl::MakeConstSpan(ranges_).subspan(range_begin_[vreg],
                                                range_begin_[vreg + 1] - range_begin_[vreg]);
  }
  // By binary search.
  bool IsLiveAt(uint32_t vreg, uint32_t point) const;
  // The point of the definition: for a parameter the first point of its block.
  uint32_t def_point(uint32_t vreg) const { return def_point_[vreg]; }
  uint32_t def_block(uint32_t vreg) const { return def_block_[vreg]; }
  bool is_param(uint32_t vreg) const { return is_param_[vreg] != 0; }
  // Live ranges were too much work; it has one, the whole function.
  bool is_everywhere(uint32_t vreg) const { return everywhere_[vreg] != 0; }
  uint32_t block_of(uint32_t inst) const { return block_of_[inst]; }
  // The innermost loop of a block, or kNoIndex.
  uint32_t loop_of(uint32_t block) const { return loop_of_[block]; }
  const Loop& loop(uint32_t index) const { return loops_[index]; }
  bool is_header(uint32_t block) const {
    return loop_of_[block] != kNoIndex && loops_[loop_of_[block]].first_block == block;
  }
  // How often a block is executed, relative to others.
  uint32_t frequency(uint32_t block) const { return frequency_[block]; }
  // Number of registers of the class live at the start of a block, its parameters left out.
  uint32_t live_in_count(size_t reg_class, uint32_t block) const {
    return live_in_count_[reg_class][block];
  }
  uint64_t work() const { return work_; }
  size_t num_ranges() const { return ranges_.size(); }

 private:
  absl::Status CheckLimits(const Input& input) const;
  void CollectUses(const Input& input);
  absl::Status ComputeRanges(const Input& input);
  // Fills live_blocks_ with the blocks at whose start the register is live, and stamps
  // live_out_. False if that takes more than `budget` blocks.
  bool FindLiveBlocks(const Input& input, uint32_t vreg, uint64_t budget);
  void SortLiveBlocks(uint32_t vreg);
  void AppendRanges(const Input& input, uint32_t vreg);
  void FindLoops(const Input& input);

  std::vector<uint32_t> use_begin_;
  std::vector<Use> uses_;
  std::vector<uint32_t> range_begin_;
  std::vector<LiveRange> ranges_;
  std::vector<uint32_t> def_point_;
  std::vector<uint32_t> def_block_;
  std::vector<uint8_t> is_param_;
  std::vector<uint8_t> everywhere_;
  std::vector<uint8_t> class_of_;
  std::vector<uint32_t> block_of_;
  std::vector<uint32_t> loop_of_;
  std::vector<uint32_t> loop_end_;
  std::vector<uint32_t> loop_stack_;
  std::vector<Loop> loops_;
  std::vector<uint32_t> frequency_;
  // Number of registers of each class live at the start of each block.
  std::vector<uint32_t> live_in_count_[kNumRegClasses];
  // Stamped with 1 + the register for which they are true.
  std::vector<uint32_t> live_in_;
  std::vector<uint32_t> live_out_;
  std::vector<uint32_t> live_blocks_;
  std::vector<uint32_t> worklist_;
  uint64_t work_ = 0;
};

}  // namespace gantry::codegen::regalloc

#endif  // GANTRY_CODEGEN_REGALLOC_LIVENESS_H_
