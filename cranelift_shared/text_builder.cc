#include "cranelift_shared/text_builder.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace gantry::cranelift {
namespace {

constexpr uint64_t kMaxText = std::numeric_limits<uint32_t>::max() - uint64_t{1};

}  // namespace

uint32_t TextBuilder::TargetId(const environ::FuncKey& key) {
  const uint64_t space = key.packed() >> 32;
  if (space != last_space_) {
    last_ids_ = &target_ids_[space];
    last_space_ = space;
  }
  std::vector<uint32_t>& ids = *last_ids_;
  if (key.index() >= ids.size()) ids.resize(uint64_t{key.index()} + 1);
  uint32_t& id = ids[key.index()];
  if (id == 0) {
    targets_.push_back(Target{.key = key});
    id = static_cast<uint32_t>(targets_.size());
  }
  return id - 1;
}

uint64_t TextBuilder::AlignedEnd(uint32_t alignment) const {
  return (uint64_t{out_.text.size()} + alignment - 1) & ~uint64_t{alignment - 1};
}

absl::Status TextBuilder::GrowTo(uint64_t end) {
  if (end > kMaxText) {
    return absl::ResourceExhaustedError(
        absl::StrCat("compiled code takes more than ", kMaxText, " bytes"));
  }
  out_.text.resize(end, rules_.padding_byte);
  return absl::OkStatus();
}

bool TextBuilder::TryPatch(const PendingCall& call, uint32_t destination) {
  const codegen::LinkRule& rule = rules_.rules[call.kind];
  const int64_t delta = int64_t{destination} + call.addend - int64_t{call.field};
  if (delta < rule.min_delta || delta > rule.max_delta) return false;
  rule.patch(out_.text.data() + call.field, delta);
  return true;
}

absl::Status TextBuilder::CallThroughVeneer(const PendingCall& call) {
  Target& target = targets_[call.target];
  if (target.veneer != kUnplaced && TryPatch(call, target.veneer)) return absl::OkStatus();
  const uint64_t offset = AlignedEnd(rules_.function_alignment);
  RETURN_IF_ERROR(GrowTo(offset + rules_.veneer_size));
  target.veneer = static_cast<uint32_t>(offset);
  veneers_.push_back(Veneer{.offset = target.veneer, .target = call.target});
  const bool continues = !out_.veneers.empty() &&
                         out_.veneers.back().first + out_.veneers.back().second == target.veneer;
  if (continues) {
    out_.veneers.back().second += rules_.veneer_size;
  } else {
    out_.veneers.emplace_back(target.veneer, rules_.veneer_size);
  }
  if (!TryPatch(call, target.veneer)) {
    return absl::ResourceExhaustedError(absl::StrCat(
        "a call to ", target.key.Symbol(), " at text offset ", call.field,
        " does not reach the end of its own function; compile that function by smaller parts"));
  }
  return absl::OkStatus();
}

absl::Status TextBuilder::SettlePending(uint64_t next_island) {
  for (int kind = 0; kind < rules_.rule_count; ++kind) {
    std::deque<PendingCall>& queue = pending_[kind];
    while (!queue.empty()) {
      ++out_.work;
      const PendingCall& call = queue.front();
      const Target& target = targets_[call.target];
      const bool placed = target.offset != kUnplaced;
      const bool direct = placed && !options_.force_jump_veneer && TryPatch(call, target.offset);
      if (!direct) {
        const int64_t reach = rules_.rules[kind].max_delta - call.addend;
        const bool can_wait = !placed && !options_.force_jump_veneer &&
                              static_cast<int64_t>(next_island) - int64_t{call.field} <= reach;
        if (can_wait) break;
        RETURN_IF_ERROR(CallThroughVeneer(call));
      }
      queue.pop_front();
    }
  }
  return absl::OkStatus();
}

void TextBuilder::Expect(const environ::FunctionView& function) {
  const uint32_t alignment = std::max<uint32_t>(function.alignment, rules_.function_alignment);
  expected_.text += function.code.size() + alignment - 1 + options_.padding;
  ++expected_.functions;
  expected_.traps += function.traps.size();
  // One more where the function ends.
  expected_.addresses += function.address_map.size() + 1;
  expected_.inline_ranges += function.inline_ranges.empty() ? 0 : function.inline_ranges.size() + 1;
  expected_.inline_sites += function.inline_sites.size();
  expected_.stack_maps += function.stack_maps.size();
  expected_.stack_map_slots += function.stack_map_slots.size();
  expected_.handlers += function.handlers.size();
}

void TextBuilder::Reserve() {
  out_.text.reserve(std::min(expected_.text, kMaxText));
  out_.functions.reserve(expected_.functions);
  targets_.reserve(expected_.functions);
  out_.trap_offsets.reserve(expected_.traps);
  out_.trap_codes.reserve(expected_.traps);
  out_.address_offsets.reserve(expected_.addresses);
  out_.address_wasm_offsets.reserve(expected_.addresses);
  out_.inline_offsets.reserve(expected_.inline_ranges);
  out_.inline_range_sites.reserve(expected_.inline_ranges);
  out_.inline_sites.reserve(expected_.inline_sites);
  out_.stack_map_offsets.reserve(expected_.stack_maps);
  out_.stack_map_lists.reserve(expected_.stack_maps);
  out_.stack_map_slots.reserve(expected_.stack_map_slots);
  out_.handlers.reserve(expected_.handlers);
}

void TextBuilder::AppendTables(uint32_t offset, const environ::FunctionView& function) {
  for (const environ::TrapRecord& trap : function.traps) {
    out_.trap_offsets.push_back(offset + trap.offset);
    out_.trap_codes.push_back(trap.code);
    // Only where there is any; those in front of the first have none.
    if (trap.refund != 0 || !out_.trap_refunds.empty()) {
      out_.trap_refunds.resize(out_.trap_codes.size() - 1);
      out_.trap_refunds.push_back(trap.refund);
    }
  }
  const auto add_address = [&](uint32_t at, uint32_t wasm_offset) {
    // Where one stretch is empty, the next one counts: so too where a function ends and
    // another begins without a gap.
    if (!out_.address_offsets.empty() && out_.address_offsets.back() == at) {
      out_.address_wasm_offsets.back() = wasm_offset;
      return;
    }
    out_.address_offsets.push_back(at);
    out_.address_wasm_offsets.push_back(wasm_offset);
  };
  for (const environ::AddressMapEntry& entry : function.address_map) {
    add_address(offset + entry.offset, entry.wasm_offset);
  }
  if (!function.address_map.empty()) {
    add_address(offset + static_cast<uint32_t>(function.code.size()), environ::kNoWasmOffset);
  }
  if (!function.inline_ranges.empty()) {
    const auto first_site = static_cast<uint32_t>(out_.inline_sites.size());
    const auto in_text = [&](uint32_t site) {
      return site == environ::kNoInlineSite ? site : first_site + site;
    };
    for (const environ::InlineSite& site : function.inline_sites) {
      out_.inline_sites.push_back({in_text(site.parent), site.function, site.wasm_offset});
    }
    const auto add_range = [&](uint32_t at, uint32_t site) {
      if (!out_.inline_offsets.empty() && out_.inline_offsets.back() == at) {
        out_.inline_range_sites.back() = site;
        return;
      }
      out_.inline_offsets.push_back(at);
      out_.inline_range_sites.push_back(site);
    };
    for (const environ::InlineRange& range : function.inline_ranges) {
      add_range(offset + range.offset, in_text(range.site));
    }
    // What follows is not inlined, and begins no table entry of its own.
    if (function.inline_ranges.back().site != environ::kNoInlineSite) {
      add_range(offset + static_cast<uint32_t>(function.code.size()), environ::kNoInlineSite);
    }
  }
  const auto first_slot = static_cast<uint32_t>(out_.stack_map_slots.size());
  out_.stack_map_slots.insert(out_.stack_map_slots.end(), function.stack_map_slots.begin(),
                              function.stack_map_slots.end());
  for (const environ::StackMapEntry& map : function.stack_maps) {
    // Most are empty, and most others are what the one before is.
    environ::SlotList list;
    if (map.slot_count != 0) list = {first_slot + map.first_slot, map.slot_count};
    if (out_.slot_lists.empty()) out_.slot_lists.emplace_back();
    uint32_t number = 0;
    if (list.count != 0) {
      if (!(out_.slot_lists.back() == list)) out_.slot_lists.push_back(list);
      number = static_cast<uint32_t>(out_.slot_lists.size() - 1);
    }
    out_.stack_map_offsets.push_back(offset + map.offset);
    out_.stack_map_lists.push_back(number);
  }
  for (environ::HandlerEntry handler : function.handlers) {
    handler.offset += offset;
    handler.handler += offset;
    out_.handlers.push_back(handler);
  }
}

absl::StatusOr<uint32_t> TextBuilder::Append(const environ::FuncKey& key,
                                             const environ::FunctionView& function) {
  if (targets_.empty()) Reserve();
  const uint32_t alignment = std::max<uint32_t>(function.alignment, rules_.function_alignment);
  out_.alignment = std::max(out_.alignment, alignment);
  // An island of one veneer for each waiting call and each call of this function is the
  // most that may have to fit behind it.
  size_t calls = function.relocations.size();
  for (const std::deque<PendingCall>& queue : pending_) calls += queue.size();
  const uint64_t end = AlignedEnd(alignment) + function.code.size() + options_.padding;
  RETURN_IF_ERROR(SettlePending(end + calls * rules_.veneer_size + 2 * uint64_t{alignment}));

  const uint64_t start = AlignedEnd(alignment);
  RETURN_IF_ERROR(GrowTo(start + function.code.size()));
  std::copy(function.code.begin(), function.code.end(), out_.text.begin() + start);
  const uint32_t offset = static_cast<uint32_t>(start);
  const uint32_t id = TargetId(key);
  CHECK(targets_[id].offset == kUnplaced) << key << " appended twice";
  targets_[id].offset = offset;
  out_.functions.push_back({.key = key,
                            .offset = offset,
                            .size = static_cast<uint32_t>(function.code.size()),
                            .frame = function.frame});
  AppendTables(offset, function);
  out_.work += 1 + function.code.size() + function.relocations.size() + function.traps.size() +
               function.address_map.size() + function.inline_sites.size() +
               function.inline_ranges.size() + function.stack_map_slots.size() +
               function.stack_maps.size() + function.handlers.size();

  for (const environ::CodeRelocation& relocation : function.relocations) {
    const codegen::LinkRule* rule = rules_.find(relocation.kind);
    CHECK(rule != nullptr) << "relocation kind " << int{relocation.kind} << " in " << key;
    CHECK_LE(uint64_t{relocation.offset} + rule->size, function.code.size());
    const PendingCall call = {.field = offset + relocation.offset,
                              .kind = relocation.kind,
                              .addend = relocation.addend,
                              .target = TargetId(relocation.target)};
    Target& target = targets_[call.target];
    if (target.first_use == kUnplaced) target.first_use = call.field;
    if (target.offset != kUnplaced && !options_.force_jump_veneer &&
        TryPatch(call, target.offset)) {
      continue;
    }
    pending_[call.kind].push_back(call);
  }
  if (options_.force_jump_veneer || options_.padding != 0) {
    // Calls that would not reach an island behind the padding get theirs in front of it.
    RETURN_IF_ERROR(SettlePending(end + calls * rules_.veneer_size + 2 * uint64_t{alignment}));
    RETURN_IF_ERROR(GrowTo(out_.text.size() + options_.padding));
  }
  return offset;
}

absl::StatusOr<environ::LinkedText> TextBuilder::Finish() && {
  for (const Target& target : targets_) {
    if (target.offset == kUnplaced) {
      return absl::InternalError(absl::StrCat("the code at text offset ", target.first_use,
                                              " calls ", target.key.Symbol(),
                                              ", which was not compiled"));
    }
  }
  RETURN_IF_ERROR(SettlePending(kMaxText));
  // Eight bytes behind each call can be read (docs/abi.md, "Entry mark").
  constexpr uint64_t kReadBehindCalls = 8;
  if (!out_.text.empty()) RETURN_IF_ERROR(GrowTo(out_.text.size() + kReadBehindCalls));
  for (const Veneer& veneer : veneers_) {
    rules_.write_veneer(out_.text.data() + veneer.offset,
                        int64_t{targets_[veneer.target].offset} - int64_t{veneer.offset});
  }
  return std::move(out_);
}

}  // namespace gantry::cranelift
