// NativeDwarf: the DWARF of a WebAssembly module, made into that of its machine code, so that
// native debuggers show source lines, functions and variables of guests.
//
//   environ::NativeDebug debug = MakeNativeDwarf(module, text);
//
// Each entry of .debug_info is copied, with other places: ranges of wasm code become those of
// machine code by the text's address map, lines too; variables lie in linear memory, which is found
// by the context, or in locals, which are found in the frame (CompiledFunction::debug_area;
// functions without have no variables). The base of each function's frame is where the context
// lies, so that static variables can be shown in any frame of a guest. What can't be said natively,
// or makes no sense, is left out. Units of DWARF 2 to 4, as compilers write them for WebAssembly;
// what comes out is version 4.
//
// Sources: DWARF Debugging Information Format, version 4; DWARF for WebAssembly (addresses are
// offsets in the contents of the code section; DW_OP_WASM_location).
#ifndef GANTRY_CRANELIFT_SHARED_NATIVE_DWARF_H_
#define GANTRY_CRANELIFT_SHARED_NATIVE_DWARF_H_

#include <cstdint>

#include "absl/types/span.h"
#include "cranelift_shared/dwarf_reader.h"
#include "environ/core/linked_text.h"
#include "environ/core/native_debug.h"
#include "environ/translation/module_translation.h"

namespace gantry::cranelift {

// What is known of the machine code besides the text; registers by their numbers in DWARF.
struct NativeDwarfCode {
  // Of the frame pointer.
  uint8_t frame_pointer = 6;
  // CompiledFunction::debug_area by DefinedFuncIndex.
  absl::Span<const uint32_t> debug_areas;
};

// Empty where the module has no .debug_info.
environ::NativeDebug MakeNativeDwarf(const environ::ModuleTranslation& module,
                                     const environ::LinkedText& text,
                                     const NativeDwarfCode& target);

// The same of sections, for tests: `code_offset` is where the code section's contents begin in the
// module.
environ::NativeDebug MakeNativeDwarf(const DwarfSections& sections,
                                     const environ::ModuleTranslation& module, uint32_t code_offset,
                                     const environ::LinkedText& text,
                                     const NativeDwarfCode& target);

}  // namespace gantry::cranelift

#endif  // GANTRY_CRANELIFT_SHARED_NATIVE_DWARF_H_
