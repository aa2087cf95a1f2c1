// CompiledCode: the machine code of one function with all that belongs to it, as views into the
// Context that made it; good until that Context compiles again.
#ifndef GANTRY_CODEGEN_COMPILED_CODE_H_
#define GANTRY_CODEGEN_COMPILED_CODE_H_

#include <cstdint>

#include "absl/types/span.h"
#include "codegen/code_records.h"
#include "codegen/unwind.h"

namespace gantry::codegen {

// All offsets are from the start of `bytes`, all lists ascend by them.
struct CompiledCode {
  absl::Span<const uint8_t> bytes;
  // What the start must be aligned to, a power of two.
  uint32_t alignment = 1;
  // Instructions end here; constants and jump tables follow.
  CodeOffset code_end = 0;
  absl::Span<const TrapRecord> traps;
  // Their names are the function's ExternalNames.
  absl::Span<const RelocRecord> relocs;
  absl::Span<const CallSite> call_sites;
  absl::Span<const CallHandler> call_handlers;
  absl::Span<const StackMap> stack_maps;
  absl::Span<const uint32_t> stack_map_slots;
  // Relative to the function's base location (Function::params), so that the same stencil
  // gives the same list wherever it stands; none where code comes from nowhere.
  absl::Span<const SourceLocEntry> source_locs;
  FrameInfo frame;
  // DWARF call frame instructions; empty if the setting unwind_info is off.
  absl::Span<const uint8_t> call_frame_instructions;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_COMPILED_CODE_H_
