// Types as text, types by index under the printer's names for them.
//
//   AppendValType(type, names, &out);            // `i32`, `(ref null $t)`
//   PrintTypeSection(module, names, &out);       // each recursion group on lines of its own
//
// (WebAssembly 3.0, "Text Format", types.)
#ifndef GANTRY_WASM_TRANSLATE_TEXT_PRINTER_TYPES_H_
#define GANTRY_WASM_TRANSLATE_TEXT_PRINTER_TYPES_H_

#include <string>

#include "absl/types/span.h"
#include "wasm_translate/module.h"
#include "wasm_translate/text/printer_names.h"
#include "wasm_translate/types.h"

namespace gantry::wasm::text {

void AppendHeapType(HeapType type, PrinterNames& names, std::string* out);
// With the abbreviations: `anyref`.
void AppendValType(ValType type, PrinterNames& names, std::string* out);
// `(KEYWORD T T ...)` with a blank in front; nothing for no types.
void AppendTypeList(absl::string_view keyword, absl::Span<const ValType> types, PrinterNames& names,
                    std::string* out);

void AppendTableType(const TableType& type, PrinterNames& names, std::string* out);
void AppendMemoryType(const MemoryType& type, std::string* out);
void AppendGlobalType(const GlobalType& type, PrinterNames& names, std::string* out);

void PrintTypeSection(const Module& module, PrinterNames& names, std::string* out);

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_PRINTER_TYPES_H_
