// CodeTables: what is known about finished code by offset, as flat sorted arrays that are
// searched where they lie, in the memory of a compilation or in a mapped artifact.
//
//   CodeTables tables = view.tables();
//   RETURN_IF_ERROR(tables.Validate(text.size()));
//   const FunctionRecord* function = tables.FindFunction(offset);
//
// After Validate every lookup is safe whatever the arrays hold, takes logarithmic time,
// allocates nothing and takes no lock, so that signal handlers can use it.
#ifndef GANTRY_ENVIRON_CORE_CODE_TABLES_H_
#define GANTRY_ENVIRON_CORE_CODE_TABLES_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "environ/core/func_key.h"
#include "environ/core/linked_text.h"

namespace gantry::environ {

// One function in the text. Part of the artifact's format.
struct FunctionRecord {
  uint64_t key = 0;  // FuncKey::packed
  uint32_t offset = 0;
  uint32_t size = 0;
  uint32_t frame_size = 0;
  uint32_t frame_begin = 0;  // FrameInfo::frame_begin

  static FunctionRecord From(const TextFunction& function);
  // Only for a validated record.
  FuncKey func_key() const { return *FuncKey::FromPacked(key); }
  FrameInfo frame() const { return {frame_begin, frame_size}; }

  friend bool operator==(const FunctionRecord&, const FunctionRecord&) = default;
};
static_assert(sizeof(FunctionRecord) == 24 && alignof(FunctionRecord) == 8);

struct CodeTables {
  absl::Span<const FunctionRecord> functions;  // by offset, not overlapping
  absl::Span<const uint32_t> by_key;           // positions in `functions` in order of the keys
  absl::Span<const uint32_t> trap_offsets;
  absl::Span<const uint8_t> trap_codes;
  absl::Span<const uint32_t> trap_refunds;  // one each, or none at all
  // Of several entries at one offset (a function that ends where the next begins) the last
  // one counts.
  absl::Span<const uint32_t> address_offsets;
  absl::Span<const uint32_t> address_wasm_offsets;
  absl::Span<const uint32_t> inline_offsets;
  absl::Span<const uint32_t> inline_range_sites;
  absl::Span<const InlineSite> inline_sites;
  absl::Span<const uint32_t> stack_map_offsets;
  absl::Span<const uint32_t> stack_map_lists;
  absl::Span<const SlotList> slot_lists;
  absl::Span<const uint32_t> stack_map_slots;
  absl::Span<const HandlerEntry> handlers;

  // Error: kInvalidArgument naming the table that is not sorted, not of the length that its
  // companion asks for, or reaches out of a text of `text_size` bytes.
  absl::Status Validate(size_t text_size) const;

  // The function whose code holds the offset; null for veneers and padding.
  const FunctionRecord* FindFunction(uint32_t offset) const;
  // The function of this key; null where the text has none.
  const FunctionRecord* FindKey(const FuncKey& key) const;
  // Why the instruction at exactly this offset may trap; nothing where it cannot.
  std::optional<uint8_t> FindTrap(uint32_t offset) const;
  // Fuel that the trap at exactly this offset gives back.
  uint32_t FindRefund(uint32_t offset) const;
  // Where the poll of a page at exactly this offset continues when it faults; nothing where there is
  // none.
  std::optional<uint32_t> FindPoll(uint32_t offset) const;
  // The module offset of the wasm instruction that the code at `offset` belongs to.
  std::optional<uint32_t> FindWasmOffset(uint32_t offset) const;
  // The call, a position in inline_sites, in whose place the code at `offset` stands; nothing
  // where it was not inlined. Sites lead to their parents, in the end to none.
  std::optional<uint32_t> FindInlineSite(uint32_t offset) const;
  // Slots of live references at exactly this return address, each a distance from sp;
  // nothing where there is no safepoint (an empty span is a safepoint without references).
  std::optional<absl::Span<const uint32_t>> FindStackMap(uint32_t return_offset) const;
};

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CORE_CODE_TABLES_H_
