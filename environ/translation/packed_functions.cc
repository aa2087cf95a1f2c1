#include "environ/translation/packed_functions.h"

#include <algorithm>
#include <cstring>
#include <memory>
#include <new>
#include <type_traits>
#include <utility>

namespace gantry::environ {
namespace {

constexpr size_t kPiece = size_t{64} << 10;
constexpr size_t kAlignment = 8;

template <typename T>
size_t BytesOf(const std::vector<T>& list) {
  static_assert(std::is_trivially_copyable_v<T> && alignof(T) <= alignof(uint32_t));
  return list.size() * sizeof(T);
}

template <typename T>
uint32_t Put(const std::vector<T>& list, uint8_t*& to) {
  if (!list.empty()) std::memcpy(to, list.data(), BytesOf(list));
  to += BytesOf(list);
  return static_cast<uint32_t>(list.size());
}

template <typename T>
absl::Span<const T> Take(uint32_t count, const uint8_t*& from) {
  const T* first = reinterpret_cast<const T*>(from);
  from += count * sizeof(T);
  return {first, count};
}

}  // namespace

FunctionView::FunctionView(const CompiledFunction& function)
    : code(function.code),
      alignment(function.alignment),
      relocations(function.relocations),
      traps(function.traps),
      address_map(function.address_map),
      inline_ranges(function.inline_ranges),
      inline_sites(function.inline_sites),
      stack_maps(function.stack_maps),
      stack_map_slots(function.stack_map_slots),
      handlers(function.handlers),
      unwind(function.unwind),
      frame(function.frame) {}

FunctionView PackedFunction::view() const {
  FunctionView view;
  const uint8_t* at = reinterpret_cast<const uint8_t*>(this + 1);
  view.relocations = Take<CodeRelocation>(counts_[kRelocations], at);
  view.traps = Take<TrapRecord>(counts_[kTraps], at);
  view.address_map = Take<AddressMapEntry>(counts_[kAddressMap], at);
  view.inline_ranges = Take<InlineRange>(counts_[kInlineRanges], at);
  view.inline_sites = Take<InlineSite>(counts_[kInlineSites], at);
  view.stack_maps = Take<StackMapEntry>(counts_[kStackMaps], at);
  view.stack_map_slots = Take<uint32_t>(counts_[kStackMapSlots], at);
  view.handlers = Take<HandlerEntry>(counts_[kHandlers], at);
  view.code = Take<uint8_t>(counts_[kCode], at);
  view.unwind = Take<uint8_t>(counts_[kUnwind], at);
  view.alignment = alignment_;
  view.frame = frame_;
  return view;
}

uint8_t* PackedFunctions::Allocate(size_t bytes) {
  bytes = (bytes + kAlignment - 1) & ~(kAlignment - 1);
  if (bytes > left_) {
    const size_t size = std::max(bytes, kPiece);
    // Not zeroed, as make_unique would have it.
    std::unique_ptr<uint8_t[]> owned(new uint8_t[size]);
    uint8_t* const piece = owned.get();
    pieces_.push_back(std::move(owned));
    // What is large lies alone, and the piece that was begun goes on.
    if (bytes >= kPiece) return piece;
    next_ = piece;
    left_ = size;
  }
  uint8_t* const at = next_;
  next_ += bytes;
  left_ -= bytes;
  return at;
}

const PackedFunction* PackedFunctions::Add(const CompiledFunction& function) {
  using List = PackedFunction::List;
  const size_t bytes = sizeof(PackedFunction) + BytesOf(function.relocations) +
                       BytesOf(function.traps) + BytesOf(function.address_map) +
                       BytesOf(function.inline_ranges) + BytesOf(function.inline_sites) +
                       BytesOf(function.stack_maps) + BytesOf(function.stack_map_slots) +
                       BytesOf(function.handlers) + BytesOf(function.code) +
                       BytesOf(function.unwind);
  uint8_t* to = Allocate(bytes);
  PackedFunction* packed = new (to) PackedFunction();
  to += sizeof(PackedFunction);
  uint32_t* const counts = packed->counts_;
  counts[List::kRelocations] = Put(function.relocations, to);
  counts[List::kTraps] = Put(function.traps, to);
  counts[List::kAddressMap] = Put(function.address_map, to);
  counts[List::kInlineRanges] = Put(function.inline_ranges, to);
  counts[List::kInlineSites] = Put(function.inline_sites, to);
  counts[List::kStackMaps] = Put(function.stack_maps, to);
  counts[List::kStackMapSlots] = Put(function.stack_map_slots, to);
  counts[List::kHandlers] = Put(function.handlers, to);
  counts[List::kCode] = Put(function.code, to);
  counts[List::kUnwind] = Put(function.unwind, to);
  packed->alignment_ = function.alignment;
  packed->debug_area_ = function.debug_area;
  packed->frame_ = function.frame;
  return packed;
}

void PackedFunctions::clear() {
  pieces_.clear();
  next_ = nullptr;
  left_ = 0;
}

}  // namespace gantry::environ
