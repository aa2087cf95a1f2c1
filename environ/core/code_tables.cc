#include "environ/core/code_tables.h"

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gantry::environ {
namespace {

absl::Status Damaged(const char* table, const char* why) {
  return absl::InvalidArgumentError(absl::StrCat("the table of ", table, " is damaged: ", why));
}

// Ascending (strictly where `strict`) and at most `limit`.
absl::Status CheckOffsets(const char* table, absl::Span<const uint32_t> offsets, uint64_t limit,
                          bool strict) {
  for (size_t i = 0; i < offsets.size(); ++i) {
    if (offsets[i] > limit) return Damaged(table, "an offset lies out of range");
    if (i > 0 && (strict ? offsets[i - 1] >= offsets[i] : offsets[i - 1] > offsets[i])) {
      return Damaged(table, "offsets are not in order");
    }
  }
  return absl::OkStatus();
}

// Position of the last element that is at most `value`; nothing where there is none.
std::optional<size_t> LastAtMost(absl::Span<const uint32_t> sorted, uint32_t value) {
  const auto after = std::upper_bound(sorted.begin(), sorted.end(), value);
  if (after == sorted.begin()) return std::nullopt;
  return static_cast<size_t>(after - sorted.begin()) - 1;
}

std::optional<size_t> Exactly(absl::Span<const uint32_t> sorted, uint32_t value) {
  const std::optional<size_t> position = LastAtMost(sorted, value);
  if (!position || sorted[*position] != value) return std::nullopt;
  return position;
}

}  // namespace

FunctionRecord FunctionRecord::From(const TextFunction& function) {
  FunctionRecord record;
  record.key = function.key.packed();
  record.offset = function.offset;
  record.size = function.size;
  record.frame_size = function.frame.frame_size;
  record.frame_begin = function.frame.frame_begin;
  return record;
}

absl::Status CodeTables::Validate(size_t text_size) const {
  uint64_t end = 0;
  for (const FunctionRecord& function : functions) {
    if (!FuncKey::FromPacked(function.key)) return Damaged("functions", "a key is not known");
    if (function.offset < end) return Damaged("functions", "two overlap");
    end = uint64_t{function.offset} + function.size;
    if (end > text_size) return Damaged("functions", "one reaches out of the text");
  }
  if (by_key.size() != functions.size()) return Damaged("keys", "lengths differ");
  for (size_t i = 0; i < by_key.size(); ++i) {
    if (by_key[i] >= functions.size()) return Damaged("keys", "a position is out of range");
    if (i > 0 && functions[by_key[i - 1]].key >= functions[by_key[i]].key) {
      return Damaged("keys", "keys are not in order");
    }
  }
  if (trap_offsets.size() != trap_codes.size() ||
      (!trap_refunds.empty() && trap_refunds.size() != trap_codes.size())) {
    return Damaged("traps", "lengths differ");
  }
  RETURN_IF_ERROR(CheckOffsets("traps", trap_offsets, text_size, true));
  if (address_offsets.size() != address_wasm_offsets.size()) {
    return Damaged("addresses", "lengths differ");
  }
  RETURN_IF_ERROR(CheckOffsets("addresses", address_offsets, text_size, false));
  if (inline_offsets.size() != inline_range_sites.size()) {
    return Damaged("inlined code", "lengths differ");
  }
  RETURN_IF_ERROR(CheckOffsets("inlined code", inline_offsets, text_size, true));
  for (const uint32_t site : inline_range_sites) {
    if (site != kNoInlineSite && site >= inline_sites.size()) {
      return Damaged("inlined code", "a site is out of range");
    }
  }
  for (size_t i = 0; i < inline_sites.size(); ++i) {
    if (inline_sites[i].parent != kNoInlineSite && inline_sites[i].parent >= i) {
      return Damaged("inlined code", "a site does not come behind its parent");
    }
  }
  if (stack_map_offsets.size() != stack_map_lists.size()) {
    return Damaged("stack maps", "lengths differ");
  }
  RETURN_IF_ERROR(CheckOffsets("stack maps", stack_map_offsets, text_size, true));
  for (const uint32_t list : stack_map_lists) {
    if (list >= slot_lists.size()) return Damaged("stack maps", "a list is out of range");
  }
  for (const SlotList& list : slot_lists) {
    if (uint64_t{list.first} + list.count > stack_map_slots.size()) {
      return Damaged("stack maps", "a list reaches out of the slots");
    }
  }
  uint32_t last_return = 0;
  for (const HandlerEntry& handler : handlers) {
    if (handler.offset < last_return || handler.offset > text_size ||
        handler.handler >= text_size) {
      return Damaged("handlers", "an offset is out of order or range");
    }
    last_return = handler.offset;
  }
  return absl::OkStatus();
}

const FunctionRecord* CodeTables::FindFunction(uint32_t offset) const {
  const auto after = std::upper_bound(
      functions.begin(), functions.end(), offset,
      [](uint32_t value, const FunctionRecord& function) { return value < function.offset; });
  if (after == functions.begin()) return nullptr;
  const FunctionRecord& function = *(after - 1);
  return offset - function.offset < function.size ? &function : nullptr;
}

const FunctionRecord* CodeTables::FindKey(const FuncKey& key) const {
  const auto found = std::lower_bound(
      by_key.begin(), by_key.end(), key.packed(),
      [this](uint32_t position, uint64_t packed) { return functions[position].key < packed; });
  if (found == by_key.end() || functions[*found].key != key.packed()) return nullptr;
  return &functions[*found];
}

std::optional<uint8_t> CodeTables::FindTrap(uint32_t offset) const {
  const std::optional<size_t> position = Exactly(trap_offsets, offset);
  if (!position) return std::nullopt;
  return trap_codes[*position];
}

uint32_t CodeTables::FindRefund(uint32_t offset) const {
  if (trap_refunds.empty()) return 0;
  const std::optional<size_t> position = Exactly(trap_offsets, offset);
  return position ? trap_refunds[*position] : 0;
}

std::optional<uint32_t> CodeTables::FindPoll(uint32_t offset) const {
  const auto [first, last] = std::equal_range(
      handlers.begin(), handlers.end(), HandlerEntry{offset},
      [](const HandlerEntry& a, const HandlerEntry& b) { return a.offset < b.offset; });
  for (auto handler = first; handler != last; ++handler) {
    if (handler->tag == HandlerEntry::kPoll) return handler->handler;
  }
  return std::nullopt;
}

std::optional<uint32_t> CodeTables::FindWasmOffset(uint32_t offset) const {
  const std::optional<size_t> position = LastAtMost(address_offsets, offset);
  if (!position || address_wasm_offsets[*position] == kNoWasmOffset) return std::nullopt;
  return address_wasm_offsets[*position];
}

std::optional<uint32_t> CodeTables::FindInlineSite(uint32_t offset) const {
  const std::optional<size_t> position = LastAtMost(inline_offsets, offset);
  if (!position || inline_range_sites[*position] == kNoInlineSite) return std::nullopt;
  return inline_range_sites[*position];
}

std::optional<absl::Span<const uint32_t>> CodeTables::FindStackMap(uint32_t return_offset) const {
  const std::optional<size_t> position = Exactly(stack_map_offsets, return_offset);
  if (!position) return std::nullopt;
  const SlotList& list = slot_lists[stack_map_lists[*position]];
  return stack_map_slots.subspan(list.first, list.count);
}

}  // namespace gantry::environ
