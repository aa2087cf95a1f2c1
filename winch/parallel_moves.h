// ParallelMoves: values to registers, all at once: no move overwrites what another one still has
// to read. Stores to memory are not its business: they come first.
//
//   moves.FromReg(ValueKind::kI32, rax, rcx);
//   moves.FromReg(ValueKind::kI64, rcx, rax);     // an exchange, by the scratch register
//   moves.FromSlot(ValueKind::kI64, rdx, -24);
//   moves.Emit(masm);
#ifndef GANTRY_WINCH_PARALLEL_MOVES_H_
#define GANTRY_WINCH_PARALLEL_MOVES_H_

#include <array>
#include <cstdint>

#include "winch/machine.h"

namespace gantry::winch {

template <class Masm>
class ParallelMoves {
 public:
  void FromReg(ValueKind kind, Reg to, Reg from) {
    if (to == from) return;
    from_regs_.add(to);
    moves_[to.code()] = {kind, from, 0, 0};
    if (uses_[from.code()]++ == 0) read_.add(from);
  }
  void FromSlot(ValueKind kind, Reg to, int32_t slot) {
    from_slots_.add(to);
    moves_[to.code()] = {kind, Reg(), slot, 0};
  }
  void FromConstant(ValueKind kind, Reg to, uint64_t bits) {
    from_constants_.add(to);
    moves_[to.code()] = {kind, Reg(), 0, bits};
  }

  // Writes the moves, after which there are none.
  void Emit(Masm& masm) {
    while (!from_regs_.empty()) {
      RegSet ready = from_regs_ - read_;
      if (ready.empty()) {
        // Only cycles are left: one register's value steps aside.
        const Reg aside = from_regs_.first();
        const Reg scratch = aside.is_vector() ? Masm::kVectorScratch : Masm::kScratch;
        masm.Move(aside.is_vector() ? ValueKind::kV128 : ValueKind::kI64, scratch, aside);
        for (RegSet set = from_regs_; !set.empty();) {
          Move& move = moves_[set.TakeFirst().code()];
          if (move.from == aside) move.from = scratch;
        }
        uses_[aside.code()] = 0;
        read_.remove(aside);
        continue;
      }
      while (!ready.empty()) {
        const Reg to = ready.TakeFirst();
        const Move& move = moves_[to.code()];
        masm.Move(move.kind, to, move.from);
        from_regs_.remove(to);
        if (read_.contains(move.from) && --uses_[move.from.code()] == 0) {
          read_.remove(move.from);
          if (from_regs_.contains(move.from)) ready.add(move.from);
        }
      }
    }
    read_ = RegSet();
    for (; !from_slots_.empty();) {
      const Reg to = from_slots_.TakeFirst();
      masm.LoadSlot(moves_[to.code()].kind, to, moves_[to.code()].slot);
    }
    for (; !from_constants_.empty();) {
      const Reg to = from_constants_.TakeFirst();
      masm.LoadConstant(moves_[to.code()].kind, to, moves_[to.code()].bits);
    }
  }

 private:
  struct Move {
    ValueKind kind = ValueKind::kI32;
    Reg from;
    int32_t slot = 0;
    uint64_t bits = 0;
  };

  RegSet from_regs_;
  RegSet from_slots_;
  RegSet from_constants_;
  // Registers that are read, and how often.
  RegSet read_;
  std::array<uint8_t, Reg::kCount> uses_ = {};
  std::array<Move, Reg::kCount> moves_;
};

}  // namespace gantry::winch

#endif  // GANTRY_WINCH_PARALLEL_MOVES_H_
