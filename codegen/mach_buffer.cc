#include "codegen/mach_buffer.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace gantry::codegen {
namespace {

constexpr size_t kInitialCapacity = 16 * 1024;
// Places of the constants' table looked at for one of them. It is at most half full; only input
// that was made for it needs more, and gets its constant twice.
constexpr int kMaxProbes = 64;

uint64_t HashBytes(const uint8_t* bytes, size_t size) {
  uint64_t hash = size * 0x9E3779B97F4A7C15u;
  size_t i = 0;
  for (; i + 8 <= size; i += 8) {
    uint64_t word;
    std::memcpy(&word, bytes + i, 8);
    hash = (hash ^ word) * 0xD6E8FEB86659FD93u;
    hash ^= hash >> 32;
  }
  for (; i < size; ++i) hash = (hash ^ bytes[i]) * 0xD6E8FEB86659FD93u;
  return hash ^ (hash >> 29);
}

LabelKind KindAt(int index) { return static_cast<LabelKind>(index); }
int IndexOf(LabelKind kind) { return static_cast<int>(kind); }

}  // namespace

MachBuffer::MachBuffer(const LabelKindTable& kinds, const MachBufferSettings& settings)
    : kinds_(&kinds) {
  Reset(settings);
}

void MachBuffer::Reset(const MachBufferSettings& settings) {
  settings_ = settings;
  if (storage_ == nullptr) Grow(kInitialCapacity);
  cursor_ = begin_;
  too_large_ = false;
  finished_ = false;
  alignment_ = 1;
  code_end_ = 0;
  labels_.clear();
  jumps_.clear();
  label_at_end_ = MachLabel();
  flow_end_ = kUnbound;
  for (UseQueue& queue : queues_) {
    queue.uses.clear();
    queue.head = 0;
    queue.compacted_at = 0;
  }
  stuck_.clear();
  pending_bytes_ = 0;
  pending_data_bytes_ = 0;
  last_island_ = 0;
  constant_bytes_.clear();
  pending_constants_.clear();
  constant_count_ = 0;
  if (++generation_ == 0) {
    constant_table_.assign(constant_table_.size(), PooledConstant{});
    generation_ = 1;
  }
  pending_tables_.clear();
  table_targets_.clear();
  pending_traps_.clear();
  traps_.clear();
  relocs_.clear();
  call_sites_.clear();
  handler_labels_.clear();
  call_handlers_.clear();
  stack_maps_.clear();
  stack_map_slots_.clear();
  source_locs_.clear();
  current_loc_ = SourceLoc();
  work_ = 0;
  // As RecomputePending has it where nothing waits.
  first_deadline_ = settings_.force_island_period != 0 ? 0 : kNever;
}

// --- Bytes -----------------------------------------------------------------------------

void MachBuffer::Grow(size_t room) {
  const size_t used = cursor_ - begin_;
  if (used + room > size_t{settings_.max_size} + kMaxInstructionBytes && used > 0) {
    SetTooLarge();
    if (static_cast<size_t>(end_ - cursor_) >= room + kMaxInstructionBytes) return;
    // A single piece of data over the limit; the caller looks again.
    if (room > size_t{settings_.max_size} + kMaxInstructionBytes) return;
  }
  const size_t now = cursor_ - begin_;
  const size_t old_capacity = end_ - begin_;
  const size_t capacity =
      std::max({kInitialCapacity, 2 * old_capacity, now + room + kMaxInstructionBytes});
  std::unique_ptr<uint8_t[]> storage(new uint8_t[capacity]);
  // All of the old storage: past the size limit there may be fixups behind the cursor.
  if (old_capacity != 0) std::memcpy(storage.get(), begin_, old_capacity);
  storage_ = std::move(storage);
  begin_ = storage_.get();
  end_ = begin_ + capacity;
  cursor_ = begin_ + now;
  safe_limit_ = end_ - kMaxInstructionBytes;
}

// From here on only memory safety counts: the code starts over in the same storage, so that
// every offset handed out so far stays inside it.
void MachBuffer::SetTooLarge() {
  too_large_ = true;
  cursor_ = begin_;
  SettledOffset();
  for (UseQueue& queue : queues_) {
    queue.uses.clear();
    queue.head = 0;
  }
  stuck_.clear();
  source_locs_.clear();
  first_deadline_ = kNever;
}

void MachBuffer::PutBytes(absl::Span<const uint8_t> bytes) {
  EnsureRoom(bytes.size());
  if (ABSL_PREDICT_FALSE(static_cast<size_t>(end_ - cursor_) < bytes.size())) return;
  if (!bytes.empty()) std::memcpy(cursor_, bytes.data(), bytes.size());
  cursor_ += bytes.size();
}

void MachBuffer::AlignData(uint32_t alignment, uint8_t fill) {
  RequireAlignment(alignment);
  const uint32_t padding = (0 - offset()) & (alignment - 1);
  EnsureRoom(padding);
  std::memset(cursor_, fill, padding);
  cursor_ += padding;
}

void MachBuffer::AlignCode() {
  const uint32_t padding = (0 - offset()) & (uint32_t{kinds_->instruction_alignment} - 1);
  BeginInstruction();
  std::memset(cursor_, 0, padding);
  cursor_ += padding;
}

void MachBuffer::Overwrite(CodeOffset at, absl::Span<const uint8_t> bytes) {
  CHECK(at + bytes.size() <= offset() || too_large_) << "overwriting past the end of the code";
  if (too_large_) return;
  std::memcpy(begin_ + at, bytes.data(), bytes.size());
}

// --- Labels ----------------------------------------------------------------------------

MachLabel MachBuffer::NewLabels(uint32_t count) {
  const MachLabel first = MachLabel::FromIndex(labels_.size());
  CHECK(labels_.size() + count < MachLabel::kMaxIndex) << "too many labels";
  labels_.resize(labels_.size() + count);
  return first;
}

MachLabel MachBuffer::RootSlow(MachLabel label) const {
  uint32_t at = label.raw();
  while (labels_[at].alias != kNone) {
    const uint32_t next = labels_[at].alias;
    ++work_;
    // Halve the path, so that chains of jumps to jumps stay short.
    if (labels_[next].alias != kNone) labels_[at].alias = labels_[next].alias;
    at = next;
  }
  return MachLabel(at);
}

void MachBuffer::Bind(MachLabel label) {
  Label& entry = labels_[label.index()];
  CHECK(entry.offset == kUnbound) << label << " is bound twice";
  const MachLabel there = LabelAtEnd();
  entry.offset = offset();
  if (there.is_some()) {
    entry.alias = there.raw();
  } else {
    label_at_end_ = label;
    label_at_end_offset_ = offset();
  }
  if (!jumps_.empty()) SimplifyJumps();
}

bool MachBuffer::TryPatch(CodeOffset use, CodeOffset target, LabelKind kind) {
  const LabelKindInfo& info = (*kinds_)[kind];
  const int64_t delta = int64_t{target} - int64_t{use};
  if (ABSL_PREDICT_FALSE(delta < info.min_delta || delta > info.max_delta)) return false;
  info.patch(begin_ + use, static_cast<int32_t>(delta));
  return true;
}

bool MachBuffer::TryResolve(const Use& use, LabelKind kind) {
  const CodeOffset target = labels_[Root(use.label).index()].offset;
  return target != kUnbound && TryPatch(use.offset, target, kind);
}

// The same where jumps at the end may still be simplified: leaves alone what may move.
bool MachBuffer::TryResolveSettled(const Use& use, LabelKind kind) {
  const MachLabel root = Root(use.label);
  const CodeOffset target = labels_[root.index()].offset;
  if (target == kUnbound || root == LabelAtEnd()) return false;
  if (!jumps_.empty() && std::max(use.offset, target) >= jumps_.front().start) return false;
  return TryPatch(use.offset, target, kind);
}

void MachBuffer::Queue(CodeOffset use, MachLabel label, LabelKind kind) {
  UseQueue& queue = queues_[IndexOf(kind)];
  DCHECK(queue.empty() || queue.uses.back().offset < use || too_large_)
      << "uses of " << (*kinds_)[kind].name << " registered out of order";
  queue.uses.push_back({use, label});
  pending_bytes_ += VeneerBound(kind);
  const uint64_t deadline = uint64_t{use} + (*kinds_)[kind].max_delta;
  if (deadline < first_deadline_) first_deadline_ = deadline;
}

void MachBuffer::UseLabel(CodeOffset use, MachLabel label, LabelKind kind) {
  const CodeOffset target = labels_[Root(label).index()].offset;
  if (target != kUnbound) {
    // A resolved use must not see its label move with a jump before it.
    if (target == offset()) SettledOffset();
    if (TryPatch(use, target, kind)) return;
  }
  Queue(use, label, kind);
}

// --- Jumps -----------------------------------------------------------------------------

void MachBuffer::AddJump(CodeOffset start, CodeOffset use, MachLabel target, LabelKind kind) {
  AddAnyJump({start, offset(), use, target, 0, MachLabel(), kind, false, false});
}

void MachBuffer::AddConditionalJump(CodeOffset start, CodeOffset use, MachLabel target,
                                    LabelKind kind, uint32_t invert_mask) {
  AddAnyJump({start, offset(), use, target, invert_mask, MachLabel(), kind, true, false});
}

void MachBuffer::AddAnyJump(Jump jump) {
  if (label_at_end_offset_ == jump.start) jump.label_at_start = label_at_end_;
  if (!jumps_.empty() && jumps_.back().end != jump.start) jumps_.clear();

  const MachLabel root = Root(jump.target);
  if (!jump.conditional && jump.label_at_start.is_some() && root != jump.label_at_start) {
    labels_[jump.label_at_start.index()].alias = root.raw();
    jump.label_at_start = MachLabel();
  }
  label_at_end_ = MachLabel();

  const bool after_flow =
      flow_end_ == jump.start || (!jumps_.empty() && !jumps_.back().conditional);
  if (after_flow && jump.label_at_start.is_none()) {
    RewindTo(jump.start);
    return;
  }

  const CodeOffset target = labels_[root.index()].offset;
  if (target == kUnbound || !TryPatch(jump.use, target, jump.kind)) {
    Queue(jump.use, jump.target, jump.kind);
    jump.queued = true;
  }
  jumps_.push_back(jump);
}

// Takes the last bytes back, with the source locations that begin in them.
void MachBuffer::RewindTo(CodeOffset to) {
  cursor_ = begin_ + to;
  if (source_locs_.empty() || source_locs_.back().offset <= to) return;
  while (!source_locs_.empty() && source_locs_.back().offset >= to) {
    source_locs_.pop_back();
    ++work_;
  }
  source_locs_.push_back({to, current_loc_});
}

void MachBuffer::RemoveLastJump() {
  const Jump jump = jumps_.back();
  jumps_.pop_back();
  const MachLabel label = LabelAtEnd();
  if (jump.queued) {
    DCHECK(queues_[IndexOf(jump.kind)].uses.back().offset == jump.use);
    queues_[IndexOf(jump.kind)].uses.pop_back();
    pending_bytes_ -= VeneerBound(jump.kind);
  }
  RewindTo(jump.start);
  // What was bound behind the jump and what was bound before it now coincide.
  if (label.is_some()) {
    labels_[label.index()].offset = jump.start;
    if (jump.label_at_start.is_some()) labels_[jump.label_at_start.index()].alias = label.raw();
    label_at_end_ = label;
  } else {
    label_at_end_ = jump.label_at_start;
  }
  label_at_end_offset_ = jump.start;
}

void MachBuffer::SimplifyJumps() {
  while (!jumps_.empty()) {
    ++work_;
    const Jump& last = jumps_.back();
    if (last.end != offset()) {
      jumps_.clear();
      return;
    }
    const MachLabel here = LabelAtEnd();
    if (Root(last.target) == here) {
      RemoveLastJump();
      continue;
    }
    // jcc here; jmp there; here:   becomes   jncc there; here:
    if (last.conditional || last.label_at_start.is_some() || jumps_.size() < 2) return;
    Jump& condition = jumps_[jumps_.size() - 2];
    if (!condition.conditional || !condition.queued || Root(condition.target) != here) return;
    const MachLabel target = last.target;
    const CodeOffset target_offset = labels_[Root(target).index()].offset;
    const LabelKindInfo& info = (*kinds_)[condition.kind];
    if (target_offset != kUnbound) {
      const int64_t delta = int64_t{target_offset} - int64_t{condition.use};
      if (delta < info.min_delta || delta > info.max_delta) return;
    } else if (info.max_delta < (*kinds_)[last.kind].max_delta) {
      return;  // It might not reach so far.
    }
    RemoveLastJump();
    Jump& folded = jumps_.back();
    uint32_t head;
    std::memcpy(&head, begin_ + folded.start, sizeof head);
    head ^= folded.invert_mask;
    std::memcpy(begin_ + folded.start, &head, sizeof head);
    folded.target = target;
    UseQueue& queue = queues_[IndexOf(folded.kind)];
    if (target_offset != kUnbound && TryPatch(folded.use, target_offset, folded.kind)) {
      queue.uses.pop_back();
      pending_bytes_ -= VeneerBound(folded.kind);
      folded.queued = false;
    } else {
      queue.uses.back().label = target;
    }
  }
}

// --- Islands ---------------------------------------------------------------------------

uint64_t MachBuffer::Deadline(LabelKind kind) const {
  const UseQueue& queue = queues_[IndexOf(kind)];
  if (queue.empty()) return kNever;
  return uint64_t{queue.uses[queue.head].offset} + (*kinds_)[kind].max_delta;
}

uint32_t MachBuffer::VeneerBound(LabelKind kind) const {
  const LabelKindInfo& info = (*kinds_)[kind];
  return info.veneer_size == 0 ? 0 : info.veneer_size + kinds_->instruction_alignment - 1;
}

// Resolves uses at the head of the queue whose label has been bound.
void MachBuffer::DrainFront(LabelKind kind) {
  UseQueue& queue = queues_[IndexOf(kind)];
  const size_t drained_from = queue.head;
  while (!queue.empty() && TryResolveSettled(queue.uses[queue.head], kind)) ++queue.head;
  work_ += 1 + queue.head - drained_from;
  // Settled uses do not pile up in front of the live ones.
  if (queue.head > 1024 && queue.head > queue.size()) {
    work_ += queue.uses.size();
    queue.uses.erase(queue.uses.begin(), queue.uses.begin() + queue.head);
    queue.head = 0;
  }
}

// Resolves all that can be, wherever it stands in the queue.
void MachBuffer::Compact(LabelKind kind) {
  UseQueue& queue = queues_[IndexOf(kind)];
  work_ += queue.size();
  size_t kept = 0;
  for (size_t i = queue.head; i < queue.uses.size(); ++i) {
    const Use use = queue.uses[i];
    if (!TryResolveSettled(use, kind)) queue.uses[kept++] = use;
  }
  queue.uses.resize(kept);
  queue.head = 0;
  queue.compacted_at = offset();
}

void MachBuffer::RecomputePending() {
  pending_bytes_ = pending_data_bytes_;
  first_deadline_ = kNever;
  for (int i = 0; i < kinds_->kind_count; ++i) {
    pending_bytes_ += uint64_t{queues_[i].size()} * VeneerBound(KindAt(i));
    first_deadline_ = std::min(first_deadline_, Deadline(KindAt(i)));
  }
  if (settings_.force_island_period != 0 && !too_large_) first_deadline_ = 0;
}

bool MachBuffer::NeedsIslandSlow(uint32_t distance, MachLabel next) {
  if (too_large_) return false;
  bool needed = settings_.force_island_period != 0 &&
                offset() - last_island_ >= settings_.force_island_period;
  // The order of an island: veneers of the kinds that reach less than data does, data, the
  // other veneers.
  const int data_position = DataPosition();
  uint64_t horizon = uint64_t{offset()} + distance;
  for (int i = 0; i < kinds_->kind_count; ++i) {
    const LabelKind kind = KindAt(i);
    if (i == data_position) horizon += pending_data_bytes_;
    DrainFront(kind);
    UseQueue& queue = queues_[i];
    const auto due = [&] {
      size_t first = queue.head;
      while (first < queue.uses.size() && queue.uses[first].label == next) ++first;
      return first < queue.uses.size() &&
             horizon + uint64_t{queue.size()} * VeneerBound(kind) >
                 uint64_t{queue.uses[first].offset} + (*kinds_)[kind].max_delta;
    };
    // Compacting costs the length of the queue, so it is not done at every step of code.
    const uint32_t step = (*kinds_)[kind].max_delta / 16;
    if (due() && offset() - queue.compacted_at > step) {
      Compact(kind);
    }
    if (due()) needed = true;
    horizon += uint64_t{queue.size()} * VeneerBound(kind);
  }
  RecomputePending();
  return needed;
}

void MachBuffer::EmitVeneer(const Use& use, LabelKind kind) {
  const LabelKindInfo& info = (*kinds_)[kind];
  AlignCode();
  EnsureRoom(info.veneer_size);
  if (too_large_) return;
  const CodeOffset at = offset();
  // The emitter kept its word if this is in reach; the code is refused if not.
  if (!TryPatch(use.offset, at, kind)) {
    SetTooLarge();
    return;
  }
  info.write_veneer(begin_ + at);
  cursor_ += info.veneer_size;
  const Use onward{at + info.veneer_use_offset, use.label};
  if (!TryResolve(onward, info.veneer_kind)) Queue(onward.offset, onward.label, info.veneer_kind);
}

// Index of the first kind without veneers: that of loads from the constant pool.
int MachBuffer::DataPosition() const {
  int i = 0;
  while (i < kinds_->kind_count && kinds_->kinds[i].veneer_size != 0) ++i;
  return i;
}

// Gives veneers to the uses of the first `kind_count` kinds that could not be reached from
// `distance` bytes behind the island's end; all of them if forced.
void MachBuffer::EmitVeneers(int kind_count, uint64_t distance, bool forced) {
  size_t forced_count[LabelKindTable::kMaxKinds] = {};
  if (forced) {
    for (int i = 0; i < kind_count; ++i) forced_count[i] = queues_[i].size();
  }
  for (bool progress = true; progress && !too_large_;) {
    progress = false;
    // Veneers that may still follow, at an island here or at the next one.
    uint64_t veneers = 0;
    for (int i = 0; i < kind_count && !too_large_; ++i) {
      const LabelKind kind = KindAt(i);
      const uint32_t veneer = VeneerBound(kind);
      UseQueue& queue = queues_[i];
      const auto due = [&] {
        return offset() + distance + veneers + uint64_t{queue.size()} * veneer > Deadline(kind);
      };
      while (!queue.empty() && (forced_count[i] > 0 || due())) {
        const Use use = queue.uses[queue.head++];
        ++work_;
        if (forced_count[i] > 0) --forced_count[i];
        progress = true;
        if (TryResolve(use, kind)) continue;
        if (veneer == 0) {
          stuck_.push_back({use, kind});
        } else {
          EmitVeneer(use, kind);
        }
        if (too_large_) return;
      }
      DrainFront(kind);
      veneers += uint64_t{queue.size()} * veneer;
    }
  }
}

void MachBuffer::EmitIsland(uint32_t distance) {
  SettledOffset();
  const SourceLoc loc = current_loc_;
  SetSourceLoc(SourceLoc());
  // What would not reach past the data goes first.
  EmitVeneers(DataPosition(), distance + pending_data_bytes_, false);
  EmitPendingData();
  EmitVeneers(kinds_->kind_count, distance, settings_.force_veneers);
  AlignCode();
  last_island_ = offset();
  RecomputePending();
  SetSourceLoc(loc);
}

// --- Constants and out-of-line pieces --------------------------------------------------

MachLabel MachBuffer::Constant(absl::Span<const uint8_t> bytes) {
  const uint32_t size = static_cast<uint32_t>(bytes.size());
  CHECK(size != 0 && size <= kMaxConstantBytes && (size & (size - 1)) == 0)
      << "constants are 1 to 64 bytes, a power of two; this one has " << size;
  if (2 * (constant_count_ + 1) > constant_table_.size()) {
    std::vector<PooledConstant> old(std::max<size_t>(64, 2 * constant_table_.size()));
    old.swap(constant_table_);
    const size_t mask = constant_table_.size() - 1;
    for (const PooledConstant& entry : old) {
      if (entry.generation != generation_) continue;
      size_t slot = entry.hash & mask;
      while (constant_table_[slot].generation == generation_) slot = (slot + 1) & mask;
      constant_table_[slot] = entry;
    }
  }
  const uint64_t hash = HashBytes(bytes.data(), size);
  const size_t mask = constant_table_.size() - 1;
  size_t slot = hash & mask;
  for (int i = 0; constant_table_[slot].generation == generation_ && i < kMaxProbes; ++i) {
    ++work_;
    PooledConstant& entry = constant_table_[slot];
    if (entry.hash == hash && entry.size == size &&
        std::memcmp(&constant_bytes_[entry.first_byte], bytes.data(), size) == 0) {
      const CodeOffset at = labels_[entry.label.index()].offset;
      if (at != kUnbound && offset() - at > static_cast<uint32_t>(kinds_->constant_reach)) {
        entry.label = NewLabel();
        pending_constants_.push_back({entry.label, entry.first_byte, size});
        pending_data_bytes_ += 2 * size;
        pending_bytes_ += 2 * size;
      }
      return entry.label;
    }
    slot = (slot + 1) & mask;
  }
  const uint32_t first = static_cast<uint32_t>(constant_bytes_.size());
  constant_bytes_.insert(constant_bytes_.end(), bytes.begin(), bytes.end());
  const MachLabel label = NewLabel();
  constant_table_[slot] = {hash, label, first, size, generation_};
  ++constant_count_;
  pending_constants_.push_back({label, first, size});
  pending_data_bytes_ += 2 * size;
  pending_bytes_ += 2 * size;
  return label;
}

MachLabel MachBuffer::Constant4(uint32_t value) {
  uint8_t bytes[4];
  std::memcpy(bytes, &value, sizeof value);
  return Constant(bytes);
}

MachLabel MachBuffer::Constant8(uint64_t value) {
  uint8_t bytes[8];
  std::memcpy(bytes, &value, sizeof value);
  return Constant(bytes);
}

MachLabel MachBuffer::JumpTable(absl::Span<const MachLabel> targets, LabelKind entry_kind) {
  const MachLabel label = NewLabel();
  pending_tables_.push_back({label, static_cast<uint32_t>(table_targets_.size()),
                             static_cast<uint32_t>(targets.size()), entry_kind});
  table_targets_.insert(table_targets_.end(), targets.begin(), targets.end());
  pending_data_bytes_ += 4 * (uint64_t{targets.size()} + 1);
  pending_bytes_ += 4 * (uint64_t{targets.size()} + 1);
  return label;
}

MachLabel MachBuffer::OutOfLineTrap(TrapCode code) {
  const MachLabel label = NewLabel();
  pending_traps_.push_back({label, code, current_loc_});
  const uint32_t bound = kinds_->trap_size + kinds_->instruction_alignment - 1u;
  pending_data_bytes_ += bound;
  pending_bytes_ += bound;
  return label;
}

void MachBuffer::EmitPendingData() {
  work_ += pending_traps_.size() + table_targets_.size() + pending_constants_.size();
  if (!pending_traps_.empty()) {
    AlignCode();
    for (const PendingTrap& trap : pending_traps_) {
      uint8_t* at = BeginInstruction();
      SetSourceLoc(trap.loc);
      BindData(trap.label);
      AddTrap(trap.code);
      std::memcpy(at, kinds_->trap_bytes, sizeof kinds_->trap_bytes);
      EndInstruction(at + kinds_->trap_size);
    }
    pending_traps_.clear();
    SetSourceLoc(SourceLoc());
  }
  for (const PendingTable& table : pending_tables_) {
    AlignData(4);
    BindData(table.label);
    for (uint32_t i = 0; i < table.target_count; ++i) {
      Put4(4 * i);  // The entry is relative to the table, the use to itself.
      UseLabel(offset() - 4, table_targets_[table.first_target + i], table.entry_kind);
    }
  }
  pending_tables_.clear();
  table_targets_.clear();
  if (!pending_constants_.empty()) {
    // Largest first, so that only the first needs padding.
    for (uint32_t size = kMaxConstantBytes; size != 0; size /= 2) {
      bool first = true;
      for (const PendingConstant& constant : pending_constants_) {
        if (constant.size != size) continue;
        if (first) AlignData(size);
        first = false;
        EnsureRoom(size);
        BindData(constant.label);
        PutBytes({&constant_bytes_[constant.first_byte], size});
      }
    }
    pending_constants_.clear();
  }
  pending_data_bytes_ = 0;
}

// --- Records ---------------------------------------------------------------------------

void MachBuffer::AddCallSite(absl::Span<const HandlerLabel> handlers) {
  call_sites_.push_back({SettledOffset(), static_cast<uint32_t>(call_handlers_.size()),
                         static_cast<uint32_t>(handlers.size())});
  for (const HandlerLabel& handler : handlers) {
    call_handlers_.push_back({handler.tag, 0});
    handler_labels_.push_back(handler.target);
  }
}

void MachBuffer::AddStackMap(absl::Span<const uint32_t> slots) {
  stack_maps_.push_back({SettledOffset(), static_cast<uint32_t>(stack_map_slots_.size()),
                         static_cast<uint32_t>(slots.size())});
  stack_map_slots_.insert(stack_map_slots_.end(), slots.begin(), slots.end());
}

void MachBuffer::SetSourceLoc(SourceLoc loc) {
  if (loc == current_loc_) return;
  current_loc_ = loc;
  if (!source_locs_.empty() && source_locs_.back().offset == offset()) {
    source_locs_.back().loc = loc;
  } else {
    source_locs_.push_back({offset(), loc});
  }
}

// --- The end ---------------------------------------------------------------------------

absl::Status MachBuffer::Finish() {
  CHECK(!finished_) << "Finish called twice";
  finished_ = true;
  SettledOffset();
  code_end_ = offset();
  SetSourceLoc(SourceLoc());
  // Of most small functions nothing is left.
  bool waits = pending_data_bytes_ != 0 || !stuck_.empty();
  for (int i = 0; i < kinds_->kind_count; ++i) waits |= !queues_[i].empty();
  if (waits) {
    EmitVeneers(DataPosition(), pending_data_bytes_, false);
    EmitPendingData();
    for (int i = 0; i < kinds_->kind_count && !too_large_; ++i) {
      const LabelKind kind = KindAt(i);
      UseQueue& queue = queues_[i];
      work_ += queue.size();
      for (; queue.head < queue.uses.size() && !too_large_; ++queue.head) {
        const Use use = queue.uses[queue.head];
        if (TryResolve(use, kind)) continue;
        CHECK(IsBound(use.label)) << use.label << " is used and never bound";
        if (VeneerBound(kind) == 0) {
          SetTooLarge();
        } else {
          EmitVeneer(use, kind);
        }
      }
    }
    for (const auto& [use, kind] : stuck_) {
      if (TryResolve(use, kind)) continue;
      CHECK(IsBound(use.label)) << use.label << " is used and never bound";
      too_large_ = true;
    }
  }
  if (offset() > settings_.max_size) too_large_ = true;
  if (too_large_) {
    return absl::ResourceExhaustedError(absl::StrCat("function too large: its code exceeds ",
                                                     settings_.max_size,
                                                     " bytes or the reach of its branches"));
  }
  for (size_t i = 0; i < call_handlers_.size(); ++i) {
    CHECK(IsBound(handler_labels_[i])) << "handler " << handler_labels_[i] << " is not bound";
    call_handlers_[i].target = OffsetOf(handler_labels_[i]);
  }
  return absl::OkStatus();
}

}  // namespace gantry::codegen
