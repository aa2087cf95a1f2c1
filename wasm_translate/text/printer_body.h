// Function bodies and constant expressions as text, decoded operator by operator from the
// table of operators. Types are not checked: a body is refused only where it is malformed or
// needs a feature that is off.
//
//   BodyPrinter printer(module, options, names);
//   RETURN_IF_ERROR(printer.PrintBody(body, hints, &out));
//
// Text is flat, an operator a line, indented by depth up to a bound. What an immediate is by
// default is left out: table and memory 0, no offset, natural alignment.
//
// (WebAssembly 3.0, "Text Format", instructions.)
#ifndef GANTRY_WASM_TRANSLATE_TEXT_PRINTER_BODY_H_
#define GANTRY_WASM_TRANSLATE_TEXT_PRINTER_BODY_H_

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "wasm_translate/binary_reader.h"
#include "wasm_translate/binary_types.h"
#include "wasm_translate/module.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/operators.h"
#include "wasm_translate/text/printer_names.h"

namespace gantry::wasm::text {

class BodyPrinter {
 public:
  // Borrows module and names.
  BodyPrinter(const Module& module, const ParseOptions& options, PrinterNames& names);

  // The locals and the code. Hints are annotations before their branches. Errors: ErrorAt
  // and UnsupportedAt. Nothing is printed past `max_size` characters in all, which is
  // kResourceExhausted.
  absl::Status PrintBody(const FunctionBody& body, absl::Span<const BranchHints::Hint> hints,
                         uint64_t max_size, std::string* out);

  // Of the bodies so far, whether every hint was for a branch.
  bool hints_fit() const { return hints_fit_; }

  // Moves the reader past a constant expression and its end. An expression of one operator
  // is `(OPERATOR)`; one of several is their sequence, in `(KEYWORD ...)` unless the keyword
  // is empty. On error the reader has it.
  bool AppendExpression(BinaryReader& reader, absl::string_view keyword, std::string* out);

 private:
  struct Frame {
    bool is_if = false;  // and has had no else
    absl::string_view label;
    // The frame that the label meant before, or kNoFrame.
    uint32_t hidden = 0;
  };
  static constexpr uint32_t kNoFrame = ~uint32_t{0};

  bool Fail(absl::string_view message) { return reader_.Fail(operator_offset_, message); }

  bool PrintLocals();
  bool PrintOperators(uint64_t max_size);
  // Reads the code of an operator, prefix and all.
  bool ReadOpcode(Opcode* op);
  // Indents a line that stands in `depth` blocks.
  void BeginLine(size_t depth);
  void AppendHint(Opcode op);
  // block, loop, if and try_table: everything behind the name.
  bool AppendBlock(Opcode op);
  bool AppendBlockType();
  bool AppendCatches();
  void PopFrame();

  bool AppendImmediates(Opcode op);
  // One unsigned number of 32 bits, printed as an index.
  bool AppendIndex(NameSpace space);
  bool AppendLabel();
  bool AppendLabelTable();
  bool AppendNumber();
  bool AppendMemArg(uint32_t natural_align);
  bool AppendLane();
  bool AppendTypeAndIndex(NameSpace space);
  bool AppendTypeAndField();
  bool AppendTypeAndTable();
  // Two of one space, both left out where both are 0.
  bool AppendPair(NameSpace space);
  // A segment and what it is copied to, which comes first in the text.
  bool AppendSegmentAndTarget(NameSpace segment, NameSpace target);
  bool ReadMemoryIndex(uint32_t* index);
  void AppendUnlessZero(NameSpace space, uint32_t index);
  void AppendReferenceType(HeapType type, bool nullable);
  bool AppendHeapTypeOf(Opcode op);
  bool AppendSelectTypes();
  bool AppendCast();
  bool AppendVector();
  bool AppendConstant(Opcode op);

  TypeContext type_context() const;

  const Module& module_;
  const ParseOptions options_;
  PrinterNames& names_;

  BinaryReader reader_;
  std::string* out_ = nullptr;
  uint64_t operator_offset_ = 0;
  // Of the body at hand; none in a constant expression.
  FuncIndex func_;
  uint64_t body_offset_ = 0;
  uint32_t num_labels_ = 0;
  std::vector<Frame> frames_;
  // The innermost frame of each label.
  absl::flat_hash_map<absl::string_view, uint32_t> labels_;
  absl::Span<const BranchHints::Hint> hints_;
  bool hints_fit_ = true;
};

// ` (KEYWORD T T)`, ` (KEYWORD $x T)`: parameters or locals, `first` the number of the first
// one in its function.
void AppendVariables(absl::string_view keyword, FuncIndex func, uint32_t first,
                     absl::Span<const ValType> types, PrinterNames& names, std::string* out);

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_PRINTER_BODY_H_
