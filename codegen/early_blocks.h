// EarlyBlocks: shrink-wrapping. Where a function leaves early by blocks that want no frame, these
// are emitted first, without one, and the frame is made on the way to the others.
//
//   early.Find(vcode, allocation, forwarded, rules);
//   ... the blocks that early.contains, with jumps to others led to prologues ...
//   for (uint32_t block : early.entries()) ... a prologue, then a jump to the block ...
//   ... the other blocks ...
//
// All ways into an early block lead through early blocks, so that no frame is ever given up but by
// a return.
//
// Tested by the backends' listings (frames.ir) and by everything that runs compiled code.
#ifndef GANTRY_CODEGEN_EARLY_BLOCKS_H_
#define GANTRY_CODEGEN_EARLY_BLOCKS_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "codegen/regalloc/interface.h"
#include "codegen/vcode.h"

namespace gantry::codegen {

class EarlyBlocks {
 public:
  // What the ISA says of its instructions and frames.
  struct Rules {
    // Whether the instruction is the same with and without a frame, registers apart.
    bool (*is_free_of_frame)(const MachInst&);
    // Whether it only says where arguments arrive.
    bool (*is_arguments)(const MachInst&);
    bool (*is_return)(const MachInst&);
    // What a frame saves.
    PRegSet saved;
    // In which a prologue looks for the stack limit.
    PReg vmctx;
  };

  void Clear();
  // Of allocated code. `forwarded` is ForwardJumps'.
  void Find(const VCode& vcode, const regalloc::Output& allocation,
            absl::Span<const uint32_t> forwarded, const Rules& rules);

  bool empty() const { return entries_.empty(); }
  // Early blocks have numbers below this.
  uint32_t limit() const { return static_cast<uint32_t>(early_.size()); }
  bool contains(uint32_t block) const { return block < early_.size() && early_[block] != 0; }
  // The blocks outside that early ones lead to, each of which has a prologue of its own. The last
  // is the first block of the rest, if that is among them: its prologue may fall through.
  absl::Span<const uint32_t> entries() const { return entries_; }

 private:
  std::vector<uint8_t> early_;
  std::vector<uint32_t> entries_;
};

// Positions in the allocation's lists of the first move and the first stack map that belong to the
// block at that position, or to one behind it.
size_t FirstEdit(const VCode& vcode, const regalloc::Output& allocation, uint32_t block);
size_t FirstStackMap(const regalloc::Output& allocation, uint32_t inst);

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_EARLY_BLOCKS_H_
