// What follows the forward pass: the moves on edges, where each spilled value is stored, which
// slot it gets, and the final edits, stack maps and debug locations.
//
// A value that is needed in memory is stored either right after its definition or at the places
// where it leaves its register for the first time, whichever is executed less often. Slots are
// shared by values whose live ranges, taken from first to last point, do not overlap.
#ifndef GANTRY_CODEGEN_REGALLOC_RESOLVE_H_
#define GANTRY_CODEGEN_REGALLOC_RESOLVE_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "codegen/regalloc/assign.h"
#include "codegen/regalloc/interface.h"
#include "codegen/regalloc/liveness.h"
#include "codegen/regalloc/parallel_move.h"

namespace gantry::codegen::regalloc {

class Resolver {
 public:
  absl::Status Run(const Input& input, const MachineEnv& env, const Liveness& liveness,
                   Assignment* assignment, Output* output);

  // Steps of the last Run beside those per instruction, value and edge.
  uint64_t work() const { return work_; }

 private:
  // A move on an edge, slots named by value.
  struct EdgeMove {
    Allocation from;
    Allocation to;
    // The value stored, if this is a store that a store at the definition would make needless.
    uint32_t stored = kNoIndex;
    // The value made anew, if `from` is none.
    uint32_t rematerialized = kNoIndex;
  };
  struct EdgeGroup {
    ProgramPoint point;
    EditPhase phase;
    IndexRange moves;
  };
  // The slots that a set of values shares.
  struct SlotSet {
    uint32_t representative;
    uint32_t begin;
    uint32_t end;
  };
  struct SlotPair {
    uint32_t param;
    uint32_t arg;
  };
  struct BusySlot {
    uint32_t end;
    SpillSlot slot;
  };
  // That a move before a terminator writes the slot.
  struct SlotWrite {
    SpillSlot slot;
    uint32_t point;
    friend auto operator<=>(const SlotWrite& a, const SlotWrite& b) = default;
  };
  struct LiveReference {
    uint32_t safepoint;
    uint32_t vreg;
  };

  void CollectEdgeMoves();
  void CollectEdge(uint32_t block, uint32_t edge);
  void CollectParams(const Edge& edge);
  void FindLiveReferences();
  void MergeSlotSets();
  bool Disjoint(uint32_t a, uint32_t b) const;
  absl::Status AssignSlots();
  SpillSlot NewSlot(RegClass reg_class);
  void EmitInstEdits();
  void EmitStoresAtDefs();
  void EmitEdges();
  void SortEdits();
  void NameSlots();
  void EmitStackMaps();
  void EmitDebugLocations();

  void AddEdit(ProgramPoint point, EditPhase phase, Allocation from, Allocation to,
               InstId rematerialized = InstId::None());
  static size_t IndexOf(uint64_t key) { return key & 0xFFFFFFFF; }
  bool IsDefinedByTerminator(uint32_t vreg) const;
  bool IsStoredAtDef(uint32_t vreg) const { return stored_at_def_[vreg] != 0; }
  void DecideStores();
  uint32_t SlotRepresentative(uint32_t vreg) const { return slot_set_[vreg]; }
  // The real slot of a place named by value; registers as they are.
  Allocation Real(Allocation place) const {
    return place.is_stack() ? Allocation(slot_[SlotRepresentative(place.slot().word())]) : place;
  }
  RegClass ClassOf(uint32_t vreg) const { return assignment_->values[vreg].reg_class; }

  const Input* input_ = nullptr;
  const MachineEnv* env_ = nullptr;
  const Liveness* liveness_ = nullptr;
  Assignment* assignment_ = nullptr;
  Output* out_ = nullptr;

  // While an edge is looked at: 1 + position in residences of the value at the end of its
  // source, and at the start of its target.
  std::vector<uint32_t> exit_of_;
  std::vector<uint32_t> entry_of_;
  std::vector<EdgeMove> edge_moves_;
  std::vector<EdgeGroup> edge_groups_;
  std::vector<SlotPair> slot_pairs_;
  std::vector<uint8_t> stored_at_def_;
  // Values that share a slot: representative, and a chain through the members.
  std::vector<uint32_t> slot_set_;
  std::vector<uint32_t> next_in_set_;
  std::vector<SlotSet> sets_;
  std::vector<SpillSlot> slot_;
  std::vector<BusySlot> busy_[kNumRegClasses];
  std::vector<SpillSlot> free_[kNumRegClasses];
  SpillSlot temporary_slot_[kNumRegClasses];
  std::vector<Edit> edits_;
  // Point, phase and position in edits_, from high bits to low.
  std::vector<uint64_t> order_;
  ParallelMoves moves_;
  std::vector<Move> sequence_;
  std::vector<SlotWrite> slot_writes_;
  std::vector<uint32_t> safepoints_;
  std::vector<LiveReference> live_references_;
  uint64_t work_ = 0;
};

}  // namespace gantry::codegen::regalloc

#endif  // GANTRY_CODEGEN_REGALLOC_RESOLVE_H_
