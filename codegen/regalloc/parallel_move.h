// Parallel moves: a set of assignments that all read before any writes, put into an order of
// single moves that has the same effect.
//
//   ParallelMoves moves;
//   moves.Add(rax, rcx);
//   moves.Add(rcx, rax);
//   moves.Resolve(temporaries, &sequence);   // scratch = rcx; rcx = rax; rax = scratch
//
// Used for the moves on edges, before calls, and for arguments of any convention. After Xavier
// Leroy et al., "Tilting at windmills with Coq" (2008), whose windmills are the cycles with
// trees hanging off them that such a set consists of: the trees go first, from the leaves, then
// each cycle with a temporary. Time is O(n log n) in the number of moves.
#ifndef GANTRY_CODEGEN_REGALLOC_PARALLEL_MOVE_H_
#define GANTRY_CODEGEN_REGALLOC_PARALLEL_MOVE_H_

#include <cstdint>
#include <vector>

#include "codegen/regalloc/reg.h"

namespace gantry::codegen::regalloc {

// `to = from`, at the full width of the class.
struct Move {
  Allocation from;
  Allocation to;
  friend bool operator==(const Move& a, const Move& b) = default;
};

class ParallelMoves {
 public:
  // What the sequence may overwrite besides the destinations.
  struct Temporaries {
    // By class; neither source nor destination of any move.
    PReg scratch[kNumRegClasses];
    // By class; needed only for a cycle with a move from slot to slot in it, since the scratch
    // register is then in use.
    SpillSlot slot[kNumRegClasses];
  };

  // Both of one class and neither none. Every destination is added once, except that adding
  // the same move again changes nothing.
  void Add(Allocation from, Allocation to) {
    if (from != to) moves_.push_back(Move{from, to});
  }
  bool empty() const { return moves_.empty(); }
  void Clear() { moves_.clear(); }
  // Whether Resolve may ask for the class's temporary slot.
  bool HasSlotToSlot(RegClass reg_class) const;

  // Appends to `sequence` moves of which each has a register on one side at least, and empties
  // the set. Returns the classes (bit by class) whose temporary slot is used; that slot must be
  // some then, which is checked.
  uint32_t Resolve(const Temporaries& temporaries, std::vector<Move>* sequence);

 private:
  // Position in moves_ of the move into `place`, or moves_.size().
  size_t FindDestination(Allocation place) const;
  void Emit(Move move, const Temporaries& temporaries, std::vector<Move>* sequence);

  std::vector<Move> moves_;
  // Per move: how many others not yet emitted read its destination.
  std::vector<uint32_t> readers_;
  std::vector<uint32_t> ready_;
};

}  // namespace gantry::codegen::regalloc

#endif  // GANTRY_CODEGEN_REGALLOC_PARALLEL_MOVE_H_
