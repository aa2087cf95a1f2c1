// The forward pass of the allocator: walks the blocks in order with the contents of all physical
// registers at hand, and gives every operand its place.
//
// A value is at any point in at most one register (its home), or only in memory. What is in
// memory only was stored before: `in_memory` says that on every path to here the spill slot has
// the value, or that the value can be made anew. When registers run out, the value with the
// most distant next use goes (Belady, "A study of replacement algorithms", 1966; on SSA form
// Braun and Hack, "Register Spilling and Live-Range Splitting for SSA-Form Programs", 2009),
// where a use beyond the current loop counts as very distant.
//
// Slots are not known yet: a slot of this pass is named by the value that it holds.
#ifndef GANTRY_CODEGEN_REGALLOC_ASSIGN_H_
#define GANTRY_CODEGEN_REGALLOC_ASSIGN_H_

#include <cstdint>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "codegen/regalloc/interface.h"
#include "codegen/regalloc/liveness.h"
#include "codegen/regalloc/parallel_move.h"

namespace gantry::codegen::regalloc {

inline constexpr uint8_t kNoReg = 0xFF;

// The slot of a value before slots are given out.
inline Allocation SlotOfValue(uint32_t vreg, RegClass reg_class) {
  return SpillSlot(vreg, reg_class);
}

// That a value is in a register, at the start or end of a block.
struct Residence {
  uint32_t vreg;
  uint8_t reg;
  // It is in memory too.
  bool in_memory;
};

struct BlockState {
  // Positions in Assignment::residences.
  IndexRange entry;
  IndexRange exit;
  // The entry is the exit of the only predecessor, less what is dead.
  bool inherits = false;
};

// Where edits at one program point stand among each other.
enum class EditPhase : uint8_t {
  kEdgeIn,      // moves of an edge into the block that starts here
  kParamStore,  // stores of the parameters of the block that starts here
  kInst,        // what one instruction needs
  kEdgeOut,     // moves of the edge out of the block that ends here
};

struct PendingEdit {
  enum class Kind : uint8_t { kMove, kLoad, kStore };
  ProgramPoint point;
  // The value of a load or store.
  uint32_t vreg = kNoIndex;
  Kind kind = Kind::kMove;
  EditPhase phase = EditPhase::kInst;
  uint8_t from = kNoReg;
  uint8_t to = kNoReg;
};

// What is known of each value.
struct ValueState {
  enum Flags : uint8_t {
    // See the comment on top. Always set while the value has no register.
    kInMemory = 1 << 0,
    kRematerializable = 1 << 1,
    kReference = 1 << 2,
    // Something reads the slot.
    kNeedsSlot = 1 << 3,
    // Is stored right after its definition, whatever the cost.
    kStoredAtDef = 1 << 4,
    // A block parameter that is in memory at the start of its block.
    kParamInMemory = 1 << 5,
    kTouched = 1 << 6,
    // Has debug labels.
    kLabelled = 1 << 7,
  };
  // The live range at hand and its position, and the next use after some earlier instruction:
  // kept current by Assigner as it goes.
  uint32_t live_begin = 0;
  uint32_t live_end = 0;
  uint32_t range_cursor = 0;
  uint32_t next_use = 0;
  uint32_t use_cursor = 0;
  // Sum of the frequencies of the places where it would have to be stored.
  uint32_t store_cost = 0;
  // Values that would do well in one register: union-find, after PrepareHints flat.
  uint32_t family = 0;
  uint8_t reg = kNoReg;
  // The register before the current instruction; only if touched.
  uint8_t source = kNoReg;
  // A register where the current instruction can read it; only if touched.
  uint8_t readable = kNoReg;
  // Where its definition put it: kNoReg if in memory.
  uint8_t def_reg = kNoReg;
  // Of the family's representative: a register that some member must be in, and the one that
  // a member got last.
  uint8_t family_fixed = kNoReg;
  uint8_t family_last = kNoReg;
  RegClass reg_class = RegClass::kInt;
  uint8_t flags = 0;

  bool is(Flags flag) const { return (flags & flag) != 0; }
  void set(Flags flag) { flags = static_cast<uint8_t>(flags | flag); }
  void clear(Flags flag) { flags = static_cast<uint8_t>(flags & ~flag); }
};

// Between the points begin and end (half-open, as in DebugLocation) the value is in the register;
// only for values with debug labels.
struct Stay {
  uint32_t vreg;
  uint32_t begin;
  uint32_t end;
  // If it is live after that, it is in memory from here on; kNoIndex: it is not.
  uint32_t memory;
  uint8_t reg;
};

// The result of the pass.
struct Assignment {
  std::vector<ValueState> values;
  std::vector<Residence> residences;
  std::vector<BlockState> blocks;
  std::vector<PendingEdit> edits;
  std::vector<Stay> stays;
  // The instruction that makes a kRematerializable value.
  std::vector<uint32_t> origin;
  uint64_t work = 0;
};

class Assigner {
 public:
  // Fills `assignment`, and output->allocations with slots named by value.
  absl::Status Run(const Input& input, const MachineEnv& env, const Options& options,
                   const Liveness& liveness, Assignment* assignment, Output* output);

 private:
  // The registers that the current instruction has spoken for.
  struct Step {
    uint32_t inst = 0;
    bool is_safepoint = false;
    // No value stays in a register over the instruction.
    bool empties_all = false;
    // Hold something of the instruction's own when it starts.
    PRegSet need_early;
    // Hold nothing from before when it ends.
    PRegSet busy_late;
    // Written before it starts or read when it starts.
    PRegSet reserved_early;
    // Belong to a late use or a definition.
    PRegSet reserved_late;
    // Read by a use and then written by the definition that reuses it.
    PRegSet reused;
  };
  struct Candidate {
    uint32_t vreg;
    uint32_t distance;
    uint32_t weight;
    // Where most predecessors have it, and by how much more than elsewhere.
    uint8_t reg;
    uint32_t votes;
    bool in_memory;
    bool is_param;
  };
  // How long a register is wanted.
  struct Chain {
    // A program point.
    uint32_t end = 0;
    // The next use of the last value of the chain; of no instruction if there is none.
    Use use = {kNoIndex, Use::kEdgeArg};
  };
  struct Clobber {
    uint32_t inst;
    PRegSet regs;
  };

  // assign.cc: set-up and the walk.
  void Prepare();
  void PrepareHints();
  absl::Status VisitBlock(uint32_t block);

  // assign_block.cc: what is in registers at the start of a block.
  void EnterBlock(uint32_t block);
  void InheritFrom(uint32_t pred, uint32_t block);
  void CollectCandidates(uint32_t block);
  void CollectLoopCandidates(uint32_t block);
  void VoteForParams(uint32_t block, uint32_t pred, uint32_t weight);
  static void Vote(Candidate* candidate, uint8_t reg, uint32_t weight);
  void SelectCandidates(uint32_t block);
  void PlaceCandidates(uint32_t block);
  void PlaceParam(uint32_t vreg, uint8_t hint);
  void PlaceParams(uint32_t block);
  void LeaveBlock(uint32_t block);
  IndexRange SaveState();

  // assign_inst.cc: one instruction.
  absl::Status VisitInst(uint32_t inst);
  absl::Status PlaceOperands();
  void UndoStep();
  void EvictAtWill();
  absl::Status LoadOperands();
  void SwapIfCommutative();
  void Displace();
  void FindNewHome(uint32_t vreg);
  void PlaceFixedUses();
  absl::Status PlaceReusedInputs();
  absl::Status PlaceUses();
  absl::Status PlaceUse(size_t k);
  void ReleaseDying();
  absl::Status PlaceDefs(bool early);
  absl::Status PlaceDef(size_t k);
  void Commit();
  absl::Status MakeReadable(uint32_t vreg, bool late);
  void UseMemory(uint32_t vreg);
  void FlushMoves();
  absl::Status NoRegister() const;

  // assign_choice.cc: choosing registers and victims.
  PReg Pick(uint32_t vreg, PRegSet free);
  // Of the registers `free`, those that something else needs or takes away before the chain ends.
  PRegSet Conflicts(PRegSet free, const Chain& chain);
  // The live range at hand alone, and with those that take over the register where it ends: of a
  // definition that reuses it, of a parameter.
  Chain ChainOf(uint32_t vreg);
  Chain FullChainOf(uint32_t vreg);
  PReg FirstInOrder(RegClass reg_class, PRegSet set) const;
  // The register in `mask` whose owner is best evicted, or none.
  PReg Victim(PRegSet mask, uint64_t* score);
  uint64_t EvictionScore(uint32_t vreg);
  uint32_t Distance(uint32_t vreg, uint32_t inst);
  // The first instruction after `inst`, in final order, that uses the value.
  uint32_t NextUse(uint32_t vreg, uint32_t inst) {
    ValueState& v = values_[vreg];
    if (v.next_use <= inst) AdvanceUse(vreg, inst);
    return v.next_use;
  }
  uint32_t NextClobber(uint32_t inst);
  uint32_t Family(uint32_t vreg);
  void JoinFamilies(uint32_t a, uint32_t b);

  // Small things.
  ValueState& value(uint32_t vreg) { return values_[vreg]; }
  PRegSet ClassRegs(uint32_t vreg) const {
    return allocatable_[static_cast<size_t>(values_[vreg].reg_class)];
  }
  void AdvanceRange(uint32_t vreg, uint32_t inst);
  void AdvanceUse(uint32_t vreg, uint32_t inst);
  bool LivesAfter(uint32_t vreg, uint32_t inst) {
    ValueState& v = values_[vreg];
    if (v.live_end <= 2 * inst) AdvanceRange(vreg, inst);
    return v.live_end > 2 * inst + 1;
  }
  bool IsLiveAtStart(uint32_t vreg, uint32_t inst) {
    ValueState& v = values_[vreg];
    if (v.live_end <= 2 * inst) AdvanceRange(vreg, inst);
    return v.live_begin <= 2 * inst && v.live_end > 2 * inst;
  }
  void Touch(uint32_t vreg);
  uint8_t SourceOf(uint32_t vreg) const {
    const ValueState& v = values_[vreg];
    return v.is(ValueState::kTouched) ? v.source : v.reg;
  }
  void SetHome(uint32_t vreg, PReg reg);
  void DropHome(uint32_t vreg);
  void BeginStay(uint32_t vreg);
  void EndStay(uint32_t vreg);
  // Puts a copy of the value into `reg` before the instruction.
  void CopyTo(uint32_t vreg, PReg reg);
  void StoreIfNeeded(uint32_t vreg);
  void Evict(PReg reg);
  bool MayKeepHome(uint32_t vreg);
  uint64_t Random();

  const Input* input_ = nullptr;
  const MachineEnv* env_ = nullptr;
  const Liveness* liveness_ = nullptr;
  Assignment* out_ = nullptr;
  ValueState* values_ = nullptr;
  Allocation* allocations_ = nullptr;
  bool spill_everything_ = false;
  uint64_t chaos_ = 0;

  PRegSet allocatable_[kNumRegClasses];
  std::vector<PReg> order_[kNumRegClasses];
  uint32_t owner_[PReg::kCount];
  PRegSet used_;
  PRegSet written_;
  uint32_t block_ = 0;
  uint32_t loop_ = kNoIndex;

  Step step_;
  std::vector<Operand> ops_;
  uint32_t fixed_value_[PReg::kCount];
  std::vector<uint32_t> touched_;
  std::vector<uint32_t> displaced_;
  // What the step has stored, and where its edits begin.
  std::vector<uint32_t> stored_;
  size_t first_edit_ = 0;
  ParallelMoves moves_;
  std::vector<Move> sequence_;
  std::vector<PendingEdit> loads_;

  std::vector<Candidate> candidates_;
  // Position + 1 in candidates_, 0 if the value is none.
  std::vector<uint32_t> candidate_of_;
  // The last edge into each block.
  std::vector<uint32_t> in_edge_;
  std::vector<uint32_t> param_of_arg_;
  // Where each register is fixed, ascending.
  std::vector<uint32_t> fixed_at_[PReg::kCount];
  uint32_t fixed_cursor_[PReg::kCount];
  PRegSet ever_fixed_;
  std::vector<Clobber> clobbers_;
  uint32_t clobber_cursor_ = 0;
  // By labelled value: since when it is in its register. The points at which a home that is set
  // or dropped now begins or ends, and from which on a dropped one is in memory.
  std::vector<uint32_t> stay_begin_;
  uint32_t begin_point_ = 0;
  uint32_t end_point_ = 0;
  // Operands of the loop that were looked at at its header: kMaxLoopOperands at most.
  uint32_t loop_operands_ = 0;
  uint32_t memory_point_ = 0;
};

}  // namespace gantry::codegen::regalloc

#endif  // GANTRY_CODEGEN_REGALLOC_ASSIGN_H_
