// Single-pass buffer for the machine code of one function: instructions are written straight
// into their final place, once, while labels are resolved, branches simplified, and veneers
// placed as the code goes by.
//
//   MachBuffer buffer(kLabelKinds);         // the ISA's table of label kinds
//   MachLabel loop = buffer.NewLabel();
//   buffer.Bind(loop);
//   uint8_t* p = buffer.BeginInstruction();
//   ... write at most kMaxInstructionBytes at p ...
//   buffer.EndInstruction(p);
//   buffer.AddJump(start, use, loop, kind); // registers the jump just written
//   RETURN_IF_ERROR(buffer.Finish());
//   Use(buffer.bytes(), buffer.traps());
//   buffer.Reset();                         // keeps its storage for the next function
//
// Branches. Jumps registered with AddJump and AddConditionalJump are simplified while they
// are the last thing in the buffer: one that leads to its own end vanishes, a conditional
// one over an unconditional one is inverted into it, a label that stands at an unconditional
// jump becomes an alias of that jump's target, and a jump that nothing can reach vanishes.
// So code may move back while the buffer ends in jumps: an offset is settled once anything
// else has been written or recorded behind it, and places in control flow are named by labels.
//
// Reach. A use of a label that is bound later waits in a queue per label kind; all uses of a
// kind reach equally far, so a queue is in order of deadlines and resolving is linear overall.
// The emitter asks NeedsIsland(distance) at least once every `distance` bytes, where control
// does not fall through (or after jumping around), and calls EmitIsland(distance) when told.
// An island holds pending constants and stubs, and veneers for the uses that would otherwise
// go out of reach within `distance`; a veneer is itself a use of a longer kind, queued again.
//
// Not thread-safe. Code beyond the size limit makes Finish fail; until then the buffer
// accepts calls and never writes outside its storage.
#ifndef GANTRY_CODEGEN_MACH_BUFFER_H_
#define GANTRY_CODEGEN_MACH_BUFFER_H_

#include <cstddef>
#include <cstdint>
#include <cstring>
#include <memory>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/check.h"
#include "codegen/code_records.h"
#include "codegen/label_kind.h"

namespace gantry::codegen {

// Per-function choices. The chaos settings make rare paths common in tests.
struct MachBufferSettings {
  // Every forward use that has a veneer form gets a veneer at the next island.
  bool force_veneers = false;
  // NeedsIsland says yes whenever at least this many bytes were written since the last
  // island; 0 for never.
  uint32_t force_island_period = 0;
  // Finish fails for code longer than this.
  CodeOffset max_size = 1u << 30;
};

// A handler of a call, before its label is resolved.
struct HandlerLabel {
  uint32_t tag;
  MachLabel target;
};

class MachBuffer {
 public:
  // Longer than any instruction, so that an encoder may write fixed amounts past its end.
  static constexpr size_t kMaxInstructionBytes = 32;
  static constexpr size_t kMaxConstantBytes = 64;

  // `kinds` must outlive the buffer.
  explicit MachBuffer(const LabelKindTable& kinds, const MachBufferSettings& settings = {});
  MachBuffer(const MachBuffer&) = delete;
  MachBuffer& operator=(const MachBuffer&) = delete;

  // Forgets everything but the storage.
  void Reset(const MachBufferSettings& settings = {});

  const LabelKindTable& label_kinds() const { return *kinds_; }

  // --- Bytes ---------------------------------------------------------------------------

  // Where the next byte goes. See "Branches" above for when it is settled.
  CodeOffset offset() const { return static_cast<CodeOffset>(cursor_ - begin_); }

  // Room for at least kMaxInstructionBytes at the end of the code. The caller writes there
  // and passes the end of what it wrote to EndInstruction before any other call.
  ABSL_ATTRIBUTE_ALWAYS_INLINE uint8_t* BeginInstruction() {
    if (ABSL_PREDICT_FALSE(cursor_ > safe_limit_)) Grow(kMaxInstructionBytes);
    return cursor_;
  }
  // The same, or null if there is no room; then BeginInstruction makes it.
  ABSL_ATTRIBUTE_ALWAYS_INLINE uint8_t* TryBeginInstruction() const {
    return ABSL_PREDICT_TRUE(cursor_ <= safe_limit_) ? cursor_ : nullptr;
  }
  ABSL_ATTRIBUTE_ALWAYS_INLINE void EndInstruction(uint8_t* end) {
    DCHECK(end >= cursor_ && end <= cursor_ + kMaxInstructionBytes);
    cursor_ = end;
  }

  // Little-endian data.
  void Put1(uint8_t value) { Put(value); }
  void Put2(uint16_t value) { Put(value); }
  void Put4(uint32_t value) { Put(value); }
  void Put8(uint64_t value) { Put(value); }
  void PutBytes(absl::Span<const uint8_t> bytes);
  // Fills with `fill` up to a multiple of `alignment`, a power of two, and raises
  // alignment() to it. For data; code is padded by the assembler's own nops.
  void AlignData(uint32_t alignment, uint8_t fill = 0);
  // Raises the alignment that the code's start must be given.
  void RequireAlignment(uint32_t alignment) {
    if (alignment > alignment_) alignment_ = alignment;
  }

  // Rewrites bytes that are there: `at + bytes.size()` must not exceed offset().
  void Overwrite(CodeOffset at, absl::Span<const uint8_t> bytes);

  // --- Labels --------------------------------------------------------------------------

  MachLabel NewLabel() { return NewLabels(1); }
  // `count` labels with consecutive ids; returns the first.
  MachLabel NewLabels(uint32_t count);
  // Binds `label`, unbound so far, to the end of the code, and simplifies jumps before it.
  void Bind(MachLabel label);
  bool IsBound(MachLabel label) const { return labels_[Root(label).index()].offset != kUnbound; }
  // Where a bound label leads.
  CodeOffset OffsetOf(MachLabel label) const {
    const CodeOffset offset = labels_[Root(label).index()].offset;
    DCHECK(offset != kUnbound) << label << " is not bound";
    return offset;
  }

  // The field of form `kind` at `use`, already written, refers to `label`. Uses of one kind
  // are registered in ascending order of offsets.
  void UseLabel(CodeOffset use, MachLabel label, LabelKind kind);

  // Registers the unconditional jump that was just written from `start` to offset(), whose
  // field of form `kind` is at `use`.
  void AddJump(CodeOffset start, CodeOffset use, MachLabel target, LabelKind kind);
  // The same for a conditional jump; `invert_mask`, little-endian, xor-ed onto the four bytes
  // at `start`, makes it jump on the opposite condition.
  void AddConditionalJump(CodeOffset start, CodeOffset use, MachLabel target, LabelKind kind,
                          uint32_t invert_mask);
  // Control does not come past this offset: says so behind a return, a trap, a tail call.
  // (Behind a jump the buffer knows.)
  void EndFlow() { flow_end_ = offset(); }

  // --- Islands -------------------------------------------------------------------------

  // Whether an island must be emitted here, given that the emitter asks again within
  // `distance` bytes: those of the code it writes until then, and 32 for each label used,
  // constant, or out-of-line trap in it (4 a target for a jump table). `next` is a label that is
  // bound here if no island comes in between, or none.
  bool NeedsIsland(uint32_t distance, MachLabel next = MachLabel()) {
    const uint64_t horizon = uint64_t{offset()} + distance + pending_bytes_;
    return ABSL_PREDICT_FALSE(horizon >= first_deadline_) && NeedsIslandSlow(distance, next);
  }
  // Emits an island here. Control must not fall into it.
  void EmitIsland(uint32_t distance);

  // --- Constants and out-of-line pieces ------------------------------------------------

  // A label for `bytes` (1 to kMaxConstantBytes, a power of two in size) in the constant
  // pool, aligned to its size. The same bytes share one place. For an immediate UseLabel.
  MachLabel Constant(absl::Span<const uint8_t> bytes);
  MachLabel Constant4(uint32_t value);
  MachLabel Constant8(uint64_t value);
  // A label for a jump table: four bytes per target, each (target - start of the table).
  // `entry_kind` is a 4-byte label kind, without bias.
  MachLabel JumpTable(absl::Span<const MachLabel> targets, LabelKind entry_kind);
  // A label for an out-of-line trapping instruction with `code`, at the present source
  // location.
  MachLabel OutOfLineTrap(TrapCode code);

  // --- Records -------------------------------------------------------------------------
  // All at the end of the code unless an offset is given; each settles the offset.

  // The instruction about to be written may fault with `code`.
  void AddTrap(TrapCode code) { AddTrapAt(SettledOffset(), code); }
  // The instruction at `at` may; for one that was just written.
  void AddTrapAt(CodeOffset at, TrapCode code) {
    SettledOffset();
    traps_.push_back({at, code});
  }
  // The field at `at` is filled by whoever places the code.
  void AddReloc(CodeOffset at, RelocKind kind, ExternalName name, int64_t addend) {
    relocs_.push_back({at, kind, name, addend});
  }
  // A call was just written, and returns here.
  void AddCallSite(absl::Span<const HandlerLabel> handlers = {});
  // Live references during the call that was just written.
  void AddStackMap(absl::Span<const uint32_t> slots);
  // What is written from here on comes from `loc` (which may be none).
  void SetSourceLoc(SourceLoc loc);
  SourceLoc source_loc() const { return current_loc_; }

  // --- The end -------------------------------------------------------------------------

  // Emits what is pending and resolves every use. All used labels must be bound.
  // kResourceExhausted ("function too large") if the code went over max_size or a use without
  // veneer form is out of reach. Nothing may be added afterwards.
  absl::Status Finish();

  // The rest only after a successful Finish; views live until Reset.
  absl::Span<const uint8_t> bytes() const {
    return {begin_, static_cast<size_t>(cursor_ - begin_)};
  }
  // Alignment that the code's start needs.
  uint32_t alignment() const { return alignment_; }
  // End of the code proper; what follows are constants, stubs and jump tables.
  CodeOffset code_end() const { return code_end_; }
  // In ascending order of offsets, as the instructions were written.
  absl::Span<const TrapRecord> traps() const { return traps_; }
  absl::Span<const RelocRecord> relocs() const { return relocs_; }
  absl::Span<const CallSite> call_sites() const { return call_sites_; }
  absl::Span<const CallHandler> call_handlers() const { return call_handlers_; }
  absl::Span<const StackMap> stack_maps() const { return stack_maps_; }
  absl::Span<const uint32_t> stack_map_slots() const { return stack_map_slots_; }
  absl::Span<const SourceLocEntry> source_locs() const { return source_locs_; }

  // Steps since Reset beside those per byte, label use and record: looking again at what waits to
  // be resolved, at jumps that may go, at labels that stand for others. For tests of linearity.
  uint64_t work() const { return work_; }

 private:
  static constexpr CodeOffset kUnbound = 0xFFFFFFFF;
  static constexpr uint32_t kNone = 0xFFFFFFFF;
  static constexpr uint64_t kNever = ~uint64_t{0};

  struct Label {
    CodeOffset offset = kUnbound;
    // Another label to which this one resolves, or kNone; only bound labels have one. Labels
    // bound to one place are aliases of one of them, their representative.
    mutable uint32_t alias = kNone;
  };
  struct Use {
    CodeOffset offset;
    MachLabel label;
  };
  // Unresolved uses of one kind, ascending by offset, from `head` on. (A use whose label has
  // been bound since is resolved when it is next looked at.)
  struct UseQueue {
    std::vector<Use> uses;
    size_t head = 0;
    CodeOffset compacted_at = 0;
    size_t size() const { return uses.size() - head; }
    bool empty() const { return uses.size() == head; }
  };
  // A jump at the end of the code. `queued`: its use is in the queue of its kind, and no use
  // of that kind but later jumps' is behind it.
  struct Jump {
    CodeOffset start;
    CodeOffset end;
    CodeOffset use;
    MachLabel target;
    uint32_t invert_mask;
    MachLabel label_at_start;  // Representative of the labels that stay at `start`, or none.
    LabelKind kind;
    bool conditional;
    bool queued;
  };
  struct PendingConstant {
    MachLabel label;
    uint32_t first_byte;
    uint32_t size;
  };
  struct PooledConstant {
    uint64_t hash;
    MachLabel label;
    uint32_t first_byte;
    uint32_t size;
    uint32_t generation;  // Entry is live if equal to the buffer's.
  };
  struct PendingTable {
    MachLabel label;
    uint32_t first_target;
    uint32_t target_count;
    LabelKind entry_kind;
  };
  struct PendingTrap {
    MachLabel label;
    TrapCode code;
    SourceLoc loc;
  };
  template <typename T>
  void Put(T value) {
    uint8_t* at = BeginInstruction();
    std::memcpy(at, &value, sizeof value);
    cursor_ = at + sizeof value;
  }
  ABSL_ATTRIBUTE_NOINLINE void Grow(size_t room);
  void EnsureRoom(size_t room) {
    if (static_cast<size_t>(end_ - cursor_) < room) Grow(room);
  }
  ABSL_ATTRIBUTE_NOINLINE bool NeedsIslandSlow(uint32_t distance, MachLabel next);

  MachLabel Root(MachLabel label) const {
    DCHECK(label.index() < labels_.size());
    return labels_[label.index()].alias == kNone ? label : RootSlow(label);
  }
  MachLabel RootSlow(MachLabel label) const;

  // The end of the code, as an offset that simplification will not move any more.
  CodeOffset SettledOffset() {
    jumps_.clear();
    label_at_end_ = MachLabel();
    flow_end_ = kUnbound;
    return offset();
  }
  MachLabel LabelAtEnd() const {
    return label_at_end_offset_ == offset() ? label_at_end_ : MachLabel();
  }
  void RewindTo(CodeOffset offset);
  void AddAnyJump(Jump jump);
  void RemoveLastJump();
  void SimplifyJumps();

  // Patches the use, or says that it is out of reach.
  bool TryPatch(CodeOffset use, CodeOffset target, LabelKind kind);
  // The same for a label; also false if it is not bound.
  bool TryResolve(const Use& use, LabelKind kind);
  bool TryResolveSettled(const Use& use, LabelKind kind);
  void Queue(CodeOffset use, MachLabel label, LabelKind kind);
  uint64_t Deadline(LabelKind kind) const;
  uint32_t VeneerBound(LabelKind kind) const;
  void DrainFront(LabelKind kind);
  void Compact(LabelKind kind);
  void RecomputePending();
  int DataPosition() const;
  void EmitVeneers(int kind_count, uint64_t distance, bool forced);
  void BindData(MachLabel label) { labels_[label.index()].offset = offset(); }
  void EmitPendingData();
  void EmitVeneer(const Use& use, LabelKind kind);
  void AlignCode();
  void SetTooLarge();

  uint8_t* cursor_ = nullptr;
  uint8_t* safe_limit_ = nullptr;  // Room for an instruction while cursor_ is not beyond.
  uint8_t* begin_ = nullptr;
  uint8_t* end_ = nullptr;
  const LabelKindTable* kinds_;
  MachBufferSettings settings_;
  std::unique_ptr<uint8_t[]> storage_;
  bool too_large_ = false;
  bool finished_ = false;
  uint32_t alignment_ = 1;
  CodeOffset code_end_ = 0;

  std::vector<Label> labels_;
  std::vector<Jump> jumps_;  // Contiguous; live while the last one ends the code.
  MachLabel label_at_end_;   // Representative; live while its offset is the code's end.
  CodeOffset label_at_end_offset_ = 0;
  CodeOffset flow_end_ = kUnbound;

  UseQueue queues_[LabelKindTable::kMaxKinds];
  // Uses that no veneer can help, waiting for their label to be bound in reach.
  std::vector<std::pair<Use, LabelKind>> stuck_;
  // No use goes out of reach before this offset; 0 makes NeedsIsland look every time.
  uint64_t first_deadline_ = kNever;
  // At most so many bytes would an island here take.
  uint64_t pending_bytes_ = 0;
  CodeOffset last_island_ = 0;

  std::vector<uint8_t> constant_bytes_;
  std::vector<PendingConstant> pending_constants_;
  std::vector<PooledConstant> constant_table_;  // Open addressing; size a power of two.
  uint32_t constant_count_ = 0;
  uint32_t generation_ = 1;
  std::vector<PendingTable> pending_tables_;
  std::vector<MachLabel> table_targets_;
  std::vector<PendingTrap> pending_traps_;
  uint64_t pending_data_bytes_ = 0;  // Bound on the size of the above, padding included.

  std::vector<TrapRecord> traps_;
  std::vector<RelocRecord> relocs_;
  std::vector<CallSite> call_sites_;
  std::vector<MachLabel> handler_labels_;  // Parallel to call_handlers_.
  std::vector<CallHandler> call_handlers_;
  std::vector<StackMap> stack_maps_;
  std::vector<uint32_t> stack_map_slots_;
  std::vector<SourceLocEntry> source_locs_;
  SourceLoc current_loc_;
  mutable uint64_t work_ = 0;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_MACH_BUFFER_H_
