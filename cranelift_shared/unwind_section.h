// UnwindSection: the .eh_frame section of a text, from the call frame instructions that its
// functions bring along.
//
//   UnwindSection section(isa.unwind_format());
//   for (...) section.Add(offset, size, function.unwind);
//   std::vector<uint8_t> bytes = section.Finish(distance);     // from the text to the section
//
// One common information entry, one frame description entry per function, a terminator.
// Addresses are relative to the section, so text and section have to be mapped together.
// (Linux Standard Base 5.0, core specification, 10.6; DWARF 5, 6.4.)
#ifndef GANTRY_CRANELIFT_SHARED_UNWIND_SECTION_H_
#define GANTRY_CRANELIFT_SHARED_UNWIND_SECTION_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "codegen/unwind.h"

namespace gantry::cranelift {

class UnwindSection {
 public:
  explicit UnwindSection(const codegen::UnwindFormat& format) : format_(format) {}

  // Functions in any order; `instructions` may be empty.
  void Add(uint32_t offset, uint32_t size, absl::Span<const uint8_t> instructions);

  // The section, for a place `distance` bytes behind the start of the text (a multiple of 8).
  std::vector<uint8_t> Finish(uint64_t distance) const;

 private:
  struct Entry {
    uint32_t offset;
    uint32_t size;
    uint32_t first;
    uint32_t count;
  };

  const codegen::UnwindFormat& format_;
  std::vector<Entry> entries_;
  std::vector<uint8_t> instructions_;
};

}  // namespace gantry::cranelift

#endif  // GANTRY_CRANELIFT_SHARED_UNWIND_SECTION_H_
