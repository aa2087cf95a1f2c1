// PackedFunctions: finished functions one behind the other in a few pieces of memory, as they wait
// for the text to be put together from them. A CompiledFunction of its own for each would take a
// dozen lists, and most of the time of functions that do nothing.
//
//   PackedFunctions functions;                    // one per thread
//   CompiledFunction out;                         // filled again and again
//   const PackedFunction* packed = functions.Add(out);
//   FunctionView view = packed->view();           // lives as long as `functions`
#ifndef GANTRY_ENVIRON_TRANSLATION_PACKED_FUNCTIONS_H_
#define GANTRY_ENVIRON_TRANSLATION_PACKED_FUNCTIONS_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "environ/core/linked_text.h"
#include "environ/translation/compiled_function.h"

namespace gantry::environ {

// What the text and its tables are made of: the lists of a CompiledFunction, wherever they lie.
struct FunctionView {
  absl::Span<const uint8_t> code;
  uint32_t alignment = 1;
  absl::Span<const CodeRelocation> relocations;
  absl::Span<const TrapRecord> traps;
  absl::Span<const AddressMapEntry> address_map;
  absl::Span<const InlineRange> inline_ranges;
  absl::Span<const InlineSite> inline_sites;
  absl::Span<const StackMapEntry> stack_maps;
  absl::Span<const uint32_t> stack_map_slots;
  absl::Span<const HandlerEntry> handlers;
  absl::Span<const uint8_t> unwind;
  FrameInfo frame;

  FunctionView() = default;
  FunctionView(const CompiledFunction& function);  // NOLINT(google-explicit-constructor)
};

// A function in a PackedFunctions.
class PackedFunction {
 public:
  FunctionView view() const;
  size_t code_size() const { return counts_[kCode]; }
  // CompiledFunction::debug_area.
  uint32_t debug_area() const { return debug_area_; }

 private:
  friend class PackedFunctions;
  // The lists that follow the object, in order of their elements' alignment.
  enum List : uint32_t {
    kRelocations,
    kTraps,
    kAddressMap,
    kInlineRanges,
    kInlineSites,
    kStackMaps,
    kStackMapSlots,
    kHandlers,
    kCode,
    kUnwind,
    kNumLists,
  };

  PackedFunction() = default;

  uint32_t counts_[kNumLists] = {};
  uint32_t alignment_ = 1;
  uint32_t debug_area_ = 0;
  FrameInfo frame_;
};

class PackedFunctions {
 public:
  PackedFunctions() = default;
  PackedFunctions(const PackedFunctions&) = delete;
  PackedFunctions& operator=(const PackedFunctions&) = delete;

  // A copy of what `function` has of a FunctionView, and its debug_area. Throws std::bad_alloc.
  const PackedFunction* Add(const CompiledFunction& function);
  // Everything that was added is gone.
  void clear();

 private:
  uint8_t* Allocate(size_t bytes);

  std::vector<std::unique_ptr<uint8_t[]>> pieces_;
  uint8_t* next_ = nullptr;
  size_t left_ = 0;
};

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_TRANSLATION_PACKED_FUNCTIONS_H_
