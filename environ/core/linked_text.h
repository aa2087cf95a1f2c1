// LinkedText: the code of a compilation laid out in one section, every call resolved, with
// its tables concatenated. What the artifact writer stores and the loader maps.
//
// All tables are flat arrays sorted by text offset, made to be searched in place by a
// binary search; offsets are from the start of the text, which is at most 4 GiB - 1 long.
#ifndef GANTRY_ENVIRON_CORE_LINKED_TEXT_H_
#define GANTRY_ENVIRON_CORE_LINKED_TEXT_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "environ/core/func_key.h"

namespace gantry::environ {

// Stands for code that belongs to no wasm instruction.
inline constexpr uint32_t kNoWasmOffset = 0xFFFFFFFF;

// A call that returns to `offset` and whose exceptions with `tag` (kCatchAll: any) continue
// at `handler`. With kPoll: the instruction at `offset` reads from the poll page, and continues there
// where that faults.
struct HandlerEntry {
  static constexpr uint32_t kCatchAll = 0xFFFFFFFF;
  static constexpr uint32_t kPoll = 0xFFFFFFFE;
  uint32_t offset = 0;
  uint32_t tag = kCatchAll;
  uint32_t handler = 0;

  friend bool operator==(const HandlerEntry&, const HandlerEntry&) = default;
};

// Stands for code that lies in no inlined function, and as a parent for the function itself.
inline constexpr uint32_t kNoInlineSite = 0xFFFFFFFF;

// A call in whose place its callee's code stands. Part of the artifact's format.
struct InlineSite {
  // The site whose callee's code held the call; has a lower number.
  uint32_t parent = kNoInlineSite;
  // The callee, by its index among all functions of the module.
  uint32_t function = 0;
  // Of the call in the module; kNoWasmOffset where it is not known.
  uint32_t wasm_offset = kNoWasmOffset;

  friend bool operator==(const InlineSite&, const InlineSite&) = default;
};
static_assert(sizeof(InlineSite) == 12 && alignof(InlineSite) == 4);

// How a stack walk passes over the function's frame. The frame-pointer chain holds behind
// `frame_begin`; in front of it nothing is called but by cold code that makes a frame record first.
struct FrameInfo {
  static constexpr uint32_t kNoFrame = 0xFFFFFFFF;

  // Offset in the function; kNoFrame: all of it has no frame record.
  uint32_t frame_begin = 0;
  // Bytes between sp in the body and the saved frame pointer, or the return address in a function
  // without frame record.
  uint32_t frame_size = 0;

  // Bytes between sp and the return address at that offset in the function; negative where there
  // is a frame record.
  int64_t FramelessSize(uint32_t offset) const {
    if (frame_begin == kNoFrame) return frame_size;
    return offset < frame_begin ? 0 : -1;
  }

  friend bool operator==(const FrameInfo&, const FrameInfo&) = default;
};

// Where one function lies and what its frame looks like.
struct TextFunction {
  FuncKey key = FuncKey::BuiltinShim(0);
  uint32_t offset = 0;
  uint32_t size = 0;
  FrameInfo frame = {};

  friend bool operator==(const TextFunction&, const TextFunction&) = default;
};

// A stretch of stack_map_slots. Lists overlap where maps begin alike, so that many references live
// over many calls take no more than both.
struct SlotList {
  uint32_t first = 0;
  uint32_t count = 0;

  friend bool operator==(const SlotList&, const SlotList&) = default;
};
static_assert(sizeof(SlotList) == 8 && alignof(SlotList) == 4);

struct LinkedText {
  std::vector<uint8_t> text;
  uint32_t alignment = 16;
  // In order of offset.
  std::vector<TextFunction> functions;
  // Stretches of veneers between functions: offset and size. They have no frame.
  std::vector<std::pair<uint32_t, uint32_t>> veneers;

  std::vector<uint32_t> trap_offsets;
  std::vector<uint8_t> trap_codes;
  // Fuel that a trap gives back; one for each trap, or none at all.
  std::vector<uint32_t> trap_refunds;

  // Entry i covers [address_offsets[i], address_offsets[i + 1]).
  std::vector<uint32_t> address_offsets;
  std::vector<uint32_t> address_wasm_offsets;

  // Inlined code: [inline_offsets[i], inline_offsets[i + 1]) lies in the callee of the site
  // inline_range_sites[i] (kNoInlineSite: in none), a position in inline_sites.
  std::vector<uint32_t> inline_offsets;
  std::vector<uint32_t> inline_range_sites;
  std::vector<InlineSite> inline_sites;

  // The map of the return address stack_map_offsets[i] is slot_lists[stack_map_lists[i]].
  std::vector<uint32_t> stack_map_offsets;
  std::vector<uint32_t> stack_map_lists;
  std::vector<SlotList> slot_lists;
  std::vector<uint32_t> stack_map_slots;

  std::vector<HandlerEntry> handlers;

  // Contents of .eh_frame for a section that begins `eh_frame_distance` bytes after the
  // text; empty where unwind info is off.
  std::vector<uint8_t> eh_frame;
  uint32_t eh_frame_distance = 0;

  // Steps that laying it out took, for tests of linearity; not written anywhere.
  uint64_t work = 0;
};

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CORE_LINKED_TEXT_H_
