// EhFrameWriter: writes .eh_frame entry by entry, from the call frame instructions that functions
// bring along (unwind.h).
//
//   EhFrameWriter writer(isa.unwind_format(), /*is_wide=*/false, &bytes);
//   const size_t field = writer.AddFunction(code.size(), call_frame_instructions);
//   ... write into bytes[field] how far the function lies from there ...
//   writer.Finish();
//
// One common information entry, one frame description entry per function, a terminator (Linux
// Standard Base 5.0, core specification, 10.6; DWARF 5, 6.4).
//
// Tested by cranelift_shared:unwind_section_test and jit:object_test.
#ifndef GANTRY_CODEGEN_EH_FRAME_H_
#define GANTRY_CODEGEN_EH_FRAME_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "codegen/unwind.h"

namespace gantry::codegen {

class EhFrameWriter {
 public:
  // Appends the common entry to `out`, which must be empty and outlive the writer. Where `is_wide`,
  // distances to functions take 8 bytes, else 4.
  EhFrameWriter(const UnwindFormat& format, bool is_wide, std::vector<uint8_t>* out);

  // Appends the entry of a function of `size` bytes. Returns where in the section the function's
  // distance belongs, counted from that place; it is zero until the caller writes it.
  size_t AddFunction(uint64_t size, absl::Span<const uint8_t> instructions);

  // Appends what ends the section.
  void Finish();

 private:
  const bool is_wide_;
  std::vector<uint8_t>& out_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_EH_FRAME_H_
