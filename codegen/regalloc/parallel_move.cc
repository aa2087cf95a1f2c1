#include "codegen/regalloc/parallel_move.h"

#include <algorithm>

#include "base/check.h"

namespace gantry::codegen::regalloc {
namespace {

constexpr uint32_t kEmitted = 0xFFFFFFFF;

bool IsSlotToSlot(Move move) { return move.from.is_stack() && move.to.is_stack(); }

}  // namespace

bool ParallelMoves::HasSlotToSlot(RegClass reg_class) const {
  return moves_.size() > 1 && std::any_of(moves_.begin(), moves_.end(), [&](const Move& move) {
           return IsSlotToSlot(move) && move.to.reg_class() == reg_class;
         });
}

size_t ParallelMoves::FindDestination(Allocation place) const {
  const auto found = std::lower_bound(moves_.begin(), moves_.end(), place,
                                      [](const Move& move, Allocation to) { return move.to < to; });
  if (found == moves_.end() || found->to != place) return moves_.size();
  return static_cast<size_t>(found - moves_.begin());
}

void ParallelMoves::Emit(Move move, const Temporaries& temporaries, std::vector<Move>* sequence) {
  if (!IsSlotToSlot(move)) {
    sequence->push_back(move);
    return;
  }
  const PReg scratch = temporaries.scratch[static_cast<size_t>(move.to.reg_class())];
  sequence->push_back(Move{move.from, scratch});
  sequence->push_back(Move{scratch, move.to});
}

uint32_t ParallelMoves::Resolve(const Temporaries& temporaries, std::vector<Move>* sequence) {
  if (moves_.size() == 1) {
    Emit(moves_[0], temporaries, sequence);
    moves_.clear();
    return 0;
  }
  std::sort(moves_.begin(), moves_.end(), [](const Move& a, const Move& b) { return a.to < b.to; });
  moves_.erase(std::unique(moves_.begin(), moves_.end()), moves_.end());
  const size_t count = moves_.size();
  readers_.assign(count, 0);
  for (size_t i = 0; i < count; ++i) {
    CHECK(i == 0 || moves_[i].to != moves_[i - 1].to) << "two moves into " << moves_[i].to;
    const size_t read = FindDestination(moves_[i].from);
    if (read < count) ++readers_[read];
  }

  // Trees, from the leaves: a move whose destination nobody reads any more.
  ready_.clear();
  for (size_t i = 0; i < count; ++i) {
    if (readers_[i] == 0) ready_.push_back(static_cast<uint32_t>(i));
  }
  while (!ready_.empty()) {
    const uint32_t i = ready_.back();
    ready_.pop_back();
    readers_[i] = kEmitted;
    Emit(moves_[i], temporaries, sequence);
    const size_t read = FindDestination(moves_[i].from);
    if (read < count && --readers_[read] == 0) ready_.push_back(static_cast<uint32_t>(read));
  }

  // What is left are cycles: save the first destination, and read the copy in the last move.
  uint32_t slots_used = 0;
  for (size_t start = 0; start < count; ++start) {
    if (readers_[start] == kEmitted) continue;
    const size_t reg_class = static_cast<size_t>(moves_[start].to.reg_class());
    bool scratch_is_busy = false;
    size_t i = start;
    do {
      scratch_is_busy |= IsSlotToSlot(moves_[i]);
      i = FindDestination(moves_[i].from);
    } while (i != start);
    Allocation saved = temporaries.scratch[reg_class];
    if (scratch_is_busy) {
      CHECK(temporaries.slot[reg_class].is_some());
      saved = temporaries.slot[reg_class];
      slots_used |= uint32_t{1} << reg_class;
    }
    Emit(Move{moves_[start].to, saved}, temporaries, sequence);
    for (;;) {
      readers_[i] = kEmitted;
      const size_t next = FindDestination(moves_[i].from);
      if (next == start) {
        Emit(Move{saved, moves_[i].to}, temporaries, sequence);
        break;
      }
      Emit(moves_[i], temporaries, sequence);
      i = next;
    }
  }
  moves_.clear();
  return slots_used;
}

}  // namespace gantry::codegen::regalloc
