// What register allocation takes (Input, MachineEnv, Options) and gives (Output): plain data in
// flat arrays, no callbacks. The caller owns every array of the input; the output owns its
// arrays and keeps their memory from one function to the next.
//
//   regalloc::Input input = vcode.RegallocInput();
//   RETURN_IF_ERROR(allocator.Allocate(input, env, options, &output));
//   ... output.allocations[k] is the place of input.operands[k] ...
//
// Program order. Instructions are numbered 0..n-1 in final order, blocks too; a block owns a
// contiguous range of instructions, its last one is its terminator, and blocks follow each other
// without gaps. Block 0 is the entry: it has no predecessors and no parameters (what arrives in
// registers is defined by an instruction with fixed definitions).
//
// Input is SSA: a virtual register has one definition (an operand or a block parameter) that
// dominates its uses. An instruction writes its early definitions, reads its early uses, loses
// its clobbers, writes its late definitions and reads its late uses, in this order. So a late
// definition may share a register with an early use, and nothing else may.
//
// Edges. Each must be one of
//   (a) the only edge out of its block, whose terminator has no operands and no clobbers, or
//   (b) the only edge into its target.
// The caller splits the others. Moves of an edge (a) come before the terminator, those of (b)
// before the first instruction of the target; where both hold, before the terminator.
//
// A terminator may define values (a call with handlers): they are there at the start of each
// successor, so its edges must be of kind (b), and its edges' arguments may use them. All
// definitions of one instruction are in different places, so results and exception payloads of a
// call take different fixed registers.
//
// Moves. An instruction flagged kMove has two operands, {use early any, def late any} of one
// class, and the caller emits nothing for it. Both get the same place; where that takes a copy, an
// edit before the instruction makes it.
#ifndef GANTRY_CODEGEN_REGALLOC_INTERFACE_H_
#define GANTRY_CODEGEN_REGALLOC_INTERFACE_H_

#include <cstddef>
#include <cstdint>
#include <ostream>
#include <vector>

#include "absl/types/span.h"
#include "base/check.h"
#include "codegen/regalloc/reg.h"
#include "entity/entity_id.h"

namespace gantry::codegen::regalloc {

GANTRY_ENTITY_ID(InstId, "inst");
GANTRY_ENTITY_ID(BlockId, "block");

// Half-open range of positions in one of the flat arrays.
struct IndexRange {
  uint32_t begin = 0;
  uint32_t end = 0;
  constexpr uint32_t size() const { return end - begin; }
  constexpr bool empty() const { return begin == end; }
  friend constexpr bool operator==(IndexRange a, IndexRange b) = default;
};

// The place before or after an instruction.
class ProgramPoint {
 public:
  constexpr ProgramPoint() = default;
  static constexpr ProgramPoint Before(InstId inst) { return FromRaw(inst.raw() << 1); }
  static constexpr ProgramPoint After(InstId inst) { return FromRaw(inst.raw() << 1 | 1); }
  static constexpr ProgramPoint FromRaw(uint32_t raw) {
    ProgramPoint point;
    point.raw_ = raw;
    return point;
  }
  constexpr InstId inst() const { return InstId(raw_ >> 1); }
  constexpr bool is_after() const { return (raw_ & 1) != 0; }
  constexpr uint32_t raw() const { return raw_; }
  friend constexpr bool operator==(ProgramPoint a, ProgramPoint b) = default;
  friend constexpr auto operator<=>(ProgramPoint a, ProgramPoint b) = default;
  friend std::ostream& operator<<(std::ostream& out, ProgramPoint point) {
    return out << (point.is_after() ? "after " : "before ") << point.inst();
  }

 private:
  uint32_t raw_ = 0;
};

enum class OperandKind : uint8_t { kUse, kDef };
enum class OperandPosition : uint8_t { kEarly, kLate };
enum class Constraint : uint8_t {
  kAny,    // a register or a spill slot
  kReg,    // a register of the class
  kStack,  // a spill slot
  kFixed,  // the named register, which must be allocatable
  kReuse,  // late definitions only: the register of use operand k of the same instruction,
           // which must be an early kReg use of the same class
};

// One use or definition of a virtual register by an instruction. Eight bytes.
//
// The same register may be used by several operands of an instruction, with different
// constraints. A definition that nobody uses is a temporary: it holds its register from its
// position to the end of the instruction.
class Operand {
 public:
  static constexpr Operand Use(VReg reg, Constraint constraint = Constraint::kReg,
                               OperandPosition position = OperandPosition::kEarly) {
    return Operand(reg, OperandKind::kUse, position, constraint, 0);
  }
  static constexpr Operand Def(VReg reg, Constraint constraint = Constraint::kReg,
                               OperandPosition position = OperandPosition::kLate) {
    return Operand(reg, OperandKind::kDef, position, constraint, 0);
  }
  static constexpr Operand FixedUse(VReg reg, PReg fixed,
                                    OperandPosition position = OperandPosition::kEarly) {
    return Operand(reg, OperandKind::kUse, position, Constraint::kFixed,
                   static_cast<uint8_t>(fixed.index()));
  }
  static constexpr Operand FixedDef(VReg reg, PReg fixed,
                                    OperandPosition position = OperandPosition::kLate) {
    return Operand(reg, OperandKind::kDef, position, Constraint::kFixed,
                   static_cast<uint8_t>(fixed.index()));
  }
  // `input` is the position among the operands of the instruction.
  static constexpr Operand ReuseDef(VReg reg, uint8_t input) {
    return Operand(reg, OperandKind::kDef, OperandPosition::kLate, Constraint::kReuse, input);
  }
  // A scratch register of the instruction's own, apart from all its inputs and outputs: `reg`
  // is a virtual register that nothing else names.
  static constexpr Operand Temp(VReg reg) {
    return Def(reg, Constraint::kReg, OperandPosition::kEarly);
  }

  constexpr VReg reg() const { return reg_; }
  constexpr RegClass reg_class() const { return reg_.reg_class(); }
  // The same operand for another virtual register.
  constexpr Operand WithReg(VReg reg) const {
    Operand operand = *this;
    operand.reg_ = reg;
    return operand;
  }
  constexpr OperandKind kind() const { return kind_; }
  constexpr bool is_use() const { return kind_ == OperandKind::kUse; }
  constexpr bool is_def() const { return kind_ == OperandKind::kDef; }
  constexpr OperandPosition position() const { return position_; }
  constexpr bool is_early() const { return position_ == OperandPosition::kEarly; }
  constexpr bool is_late() const { return position_ == OperandPosition::kLate; }
  constexpr Constraint constraint() const { return constraint_; }
  // The register of kFixed, none for other constraints.
  constexpr PReg fixed() const {
    return constraint_ == Constraint::kFixed ? PReg::FromIndex(detail_) : PReg::None();
  }
  // The operand of kReuse.
  constexpr uint8_t reused_input() const { return detail_; }

  friend constexpr bool operator==(Operand a, Operand b) = default;
  friend std::ostream& operator<<(std::ostream& out, Operand operand);

 private:
  constexpr Operand(VReg reg, OperandKind kind, OperandPosition position, Constraint constraint,
                    uint8_t detail)
      : reg_(reg), kind_(kind), position_(position), constraint_(constraint), detail_(detail) {}

  VReg reg_;
  OperandKind kind_;
  OperandPosition position_;
  Constraint constraint_;
  uint8_t detail_;
};
static_assert(sizeof(Operand) == 8);

// Properties of an instruction, or-ed together.
enum InstFlags : uint8_t {
  kNoFlags = 0,
  kMove = 1 << 0,
  // Ends a block with successors.
  kBranch = 1 << 1,
  // Ends a block without: a return, tail call or trap.
  kReturn = 1 << 2,
  // Reference values that live across it must be in spill slots, and only there; the output
  // lists the slots.
  kSafepoint = 1 << 3,
  // Defines one value by a definition of constraint kReg and uses, clobbers and changes nothing
  // else, so that doing it again elsewhere gives the same value (a constant): the allocator may
  // do so in place of a reload.
  kRematerializable = 1 << 4,
  // Operands 0 and 1 are early uses of one class, and the result is the same if they are
  // exchanged. The allocator may give operand 0 the value of operand 1 and the other way
  // around; the caller sees only the places and need not know.
  kCommutative = 1 << 5,
};

// Eight bytes an instruction.
struct Inst {
  uint32_t operands_begin = 0;
  uint16_t operand_count = 0;
  uint8_t flags = kNoFlags;
  // Position in Input::clobber_sets. Where a late definition of the instruction has a fixed
  // register, that register is the definition's and not lost.
  uint8_t clobber_set = 0;

  bool is(InstFlags flag) const { return (flags & flag) != 0; }
};
static_assert(sizeof(Inst) == 8);

// A control-flow edge; a block's edges stand together in Input::edges.
struct Edge {
  BlockId target;
  // Position in Input::edge_args of as many registers as the target has parameters.
  uint32_t args_begin = 0;
};

struct Block {
  IndexRange insts;
  // In Input::edges, in the order of the terminator's targets.
  IndexRange edges;
  // In Input::preds; one entry per edge into the block, in any order.
  IndexRange preds;
  // In Input::block_params.
  IndexRange params;
  // Number of loops around the block.
  uint16_t loop_depth = 0;
  // Seldom executed (a path to a trap, a handler): spills here cost nothing.
  bool cold = false;
};

// From `begin` to `end` (half-open) the source variable `label` has the value of `reg`.
struct DebugValue {
  VReg reg;
  InstId begin;
  InstId end;
  uint32_t label = 0;
};

struct Input {
  absl::Span<const Inst> insts;
  absl::Span<const Operand> operands;
  // Set 0 is the empty set.
  absl::Span<const PRegSet> clobber_sets;
  absl::Span<const Block> blocks;
  absl::Span<const Edge> edges;
  absl::Span<const VReg> edge_args;
  absl::Span<const BlockId> preds;
  absl::Span<const VReg> block_params;
  // Virtual registers have numbers 0..num_vregs-1; not all need to occur.
  uint32_t num_vregs = 0;
  // Registers of class Int that hold references, in any order, each once.
  absl::Span<const VReg> reference_vregs;
  absl::Span<const DebugValue> debug_values;

  absl::Span<const Operand> OperandsOf(InstId inst) const {
    const Inst& data = insts[inst.index()];
    return operands.subspan(data.operands_begin, data.operand_count);
  }
  PRegSet ClobbersOf(InstId inst) const {
    return clobber_sets.empty() ? PRegSet() : clobber_sets[insts[inst.index()].clobber_set];
  }
  absl::Span<const Edge> EdgesOf(BlockId block) const {
    const IndexRange range = blocks[block.index()].edges;
    return edges.subspan(range.begin, range.size());
  }
  absl::Span<const BlockId> PredsOf(BlockId block) const {
    const IndexRange range = blocks[block.index()].preds;
    return preds.subspan(range.begin, range.size());
  }
  absl::Span<const VReg> ParamsOf(BlockId block) const {
    const IndexRange range = blocks[block.index()].params;
    return block_params.subspan(range.begin, range.size());
  }
  absl::Span<const VReg> ArgsOf(const Edge& edge) const {
    return edge_args.subspan(edge.args_begin, blocks[edge.target.index()].params.size());
  }
};

// The registers of a machine under a calling convention. One constant per ISA and setting.
struct MachineEnv {
  struct Class {
    // Tried in this order: first those that cost nothing to use, then those that cost a save
    // and restore per function (callee-saved).
    std::vector<PReg> preferred;
    std::vector<PReg> non_preferred;
    // For cyclic moves and moves from slot to slot; in none of the lists above.
    PReg scratch;
    // Size of a spill slot in words of 8 bytes, which is its alignment too.
    uint8_t slot_words = 1;
  };
  Class classes[kNumRegClasses];

  const Class& operator[](RegClass reg_class) const {
    return classes[static_cast<size_t>(reg_class)];
  }
};

// Settings, all part of the cache key: they change code, never its meaning.
struct Options {
  // Chaos: drawn from this seed when nonzero, the allocator spills where it need not, splits at
  // odd places and probes registers in odd orders.
  uint64_t chaos_seed = 0;
  // Chaos: every value lives in its spill slot between instructions.
  bool spill_everything = false;
};

// Past these the answer is a Status "function too large".
struct Limits {
  static constexpr size_t kMaxInsts = size_t{1} << 28;
  static constexpr size_t kMaxOperands = size_t{1} << 30;
  static constexpr size_t kMaxVRegs = size_t{1} << 28;
  static constexpr size_t kMaxSpillWords = size_t{1} << 24;
};

// Code that the allocator adds. Edits at one point are executed in the order given; those after
// an instruction come before those before the next one. The caller emits `to = from` by class,
// at the class's full width; one of the two is always a register. No edit changes flags or any
// place but `to`.
struct Edit {
  ProgramPoint point;
  // None if the value is made anew.
  Allocation from;
  Allocation to;
  // If some, do this kRematerializable instruction again, with its definition in register `to`,
  // which may be a scratch register.
  InstId rematerialized;

  friend bool operator==(const Edit& a, const Edit& b) = default;
};

// The references that live across one safepoint.
struct StackMap {
  InstId inst;
  // In Output::stack_map_slots, ascending, each once.
  IndexRange slots;
};

// From `begin` to `end` (half-open) the variable `label` is in `place`. "Before i" is here where
// the code of instruction i starts, edits before it done; "after i" is right after that code.
struct DebugLocation {
  uint32_t label = 0;
  ProgramPoint begin;
  ProgramPoint end;
  Allocation place;
};

// Work done, for finding what is not linear: counts, not times.
struct Statistics {
  uint64_t work = 0;
  uint32_t live_ranges = 0;
  // Edits by kind.
  uint32_t moves = 0;
  uint32_t spills = 0;
  uint32_t reloads = 0;
  uint32_t rematerializations = 0;
};

struct Output {
  // One per Input::operands. Those of a kMove instruction are for information.
  std::vector<Allocation> allocations;
  // Ascending by point.
  std::vector<Edit> edits;
  // Size of the spill area in words of 8 bytes; it starts 16-aligned where a slot needs it.
  uint32_t spill_words = 0;
  // One per safepoint in program order, with or without references.
  std::vector<StackMap> stack_maps;
  std::vector<SpillSlot> stack_map_slots;
  // Ascending by label, then begin. Where a value is nowhere to be found there is a gap.
  std::vector<DebugLocation> debug_locations;
  // Registers that the function may write: by definitions, edits and clobbers. What is
  // callee-saved among them is for the prologue to save.
  PRegSet written;
  Statistics statistics;

  absl::Span<const SpillSlot> SlotsOf(const StackMap& map) const {
    return absl::MakeConstSpan(stack_map_slots).subspan(map.slots.begin, map.slots.size());
  }
  // Empties everything and keeps the memory.
  void Clear();
};

}  // namespace gantry::codegen::regalloc

#endif  // GANTRY_CODEGEN_REGALLOC_INTERFACE_H_
