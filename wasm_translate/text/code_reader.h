// Instructions of the text format, flat and folded, to their binary form: one walk over the
// tokens with a stack of its own, so that input drives no recursion.
//
//   CodeReader code(cursor, spaces, types, places);
//   RETURN_IF_ERROR(code.ReadExpression(&section));      // i32.const 1 (i32.const 2) i32.add
//   RETURN_IF_ERROR(code.ReadBody(func, signature, type, &section));   // (local ...) and those
//
// What a folded instruction says comes out after its operands: until then its bytes wait on a
// stack of bytes, each of which is copied once.
#ifndef GANTRY_WASM_TRANSLATE_TEXT_CODE_READER_H_
#define GANTRY_WASM_TRANSLATE_TEXT_CODE_READER_H_

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "wasm_translate/binary_writer.h"
#include "wasm_translate/operators.h"
#include "wasm_translate/text/index_spaces.h"
#include "wasm_translate/text/token_cursor.h"
#include "wasm_translate/text/type_reader.h"

namespace gantry::wasm::text {

// A branch hint: offset of its instruction from the start of the body, whether taken.
struct BranchHint {
  uint32_t offset;
  uint8_t value;
};

class CodeReader {
 public:
  // Borrows. Places are kept if `places`.
  CodeReader(TokenCursor& cursor, IndexSpaces& spaces, TypeReader& types, bool places)
      : cursor_(cursor), spaces_(spaces), types_(types), places_(places) {}

  // Instructions up to the parenthesis that closes what they are in, which stays; `end` is
  // written behind them.
  absl::Status ReadExpression(SectionEntries* out);
  // One folded instruction as an expression.
  absl::Status ReadFoldedExpression(SectionEntries* out);
  // Locals and instructions of a function up to the closing parenthesis, which stays. Writes
  // the body with its size in front. Names of locals and labels go to the index spaces.
  absl::Status ReadBody(uint32_t func, const Signature& signature, uint32_t type,
                        SectionEntries* out);

  // Takes the parameters of an imported function, of which the names go to the index spaces.
  absl::Status DeclareParameters(uint32_t func, const Signature& signature);

  // Of the body read last.
  const std::vector<BranchHint>& hints() const { return hints_; }
  // Whether any instruction so far needs a data count section.
  bool needs_data_count() const { return needs_data_count_; }

 private:
  enum class Context : uint8_t {
    kBody,       // up to the closing parenthesis of something that is no instruction
    kSingle,     // one folded instruction
    kFlat,       // block ... end
    kFolded,     // (block ...)
    kOperands,   // (i32.add ...)
    kCondition,  // (if ... before (then
    kThen,
    kAfterThen,
    kElse,
    kAfterElse,
  };

  struct Frame {
    Context context;
    Opcode op = Opcode::kNop;
    bool in_else = false;  // kFlat
    int8_t hint = kNoHint;
    uint32_t offset = 0;   // of the instruction in the text
    uint32_t pending = 0;  // bytes that wait
    absl::string_view label = {};
    absl::string_view debug_label = {};
    bool has_debug_label = false;
  };

  // A label in scope. The function's own has no name.
  struct Label {
    absl::string_view name;
    // What the name meant outside; kNoLabel for nothing.
    uint32_t shadowed;
  };

  static constexpr int8_t kNoHint = -1;
  static constexpr uint32_t kNoLabel = 0xFFFF'FFFF;

  absl::Status Run(Context root);
  bool AllowsFlat(Context context) const;
  absl::Status UnexpectedInstruction() const;

  absl::Status ReadFlat();
  absl::Status ReadEnd();
  absl::Status ReadElse();
  absl::Status CheckEndLabel();
  absl::Status ReadFolded();
  absl::Status OpenFolded(Opcode op, const Token& token);
  absl::Status OpenThen();
  absl::Status CloseFolded();
  void CloseBlock(const Token& token);

  // Label and block type behind a block operator, which is written with them.
  absl::Status ReadBlockHeader(Opcode op, Frame* frame, ByteWriter* out);
  absl::Status ReadCatches(ByteWriter* out);
  absl::Status ReadCatch(ByteWriter* out);
  void PushLabel(const Frame& frame);
  void PopLabel();

  absl::Status ReadHint();
  // The hint that stands before an instruction.
  absl::Status TakeHint(Opcode op, int8_t* hint);
  // Notes place and hint of what is written next.
  void Mark(uint32_t text_offset, int8_t hint);

  absl::Status ReadLocals(uint32_t func, const Signature& signature, uint32_t type);
  absl::Status DeclareLocal(uint32_t func, const GivenName& name, uint32_t index);

  // An operator that is no block, with its immediates. (code_immediates.cc)
  absl::Status ReadInstruction(Opcode op, ByteWriter* out);
  absl::Status ReadImmediates(Opcode op, ByteWriter* out);
  absl::Status ReadIndices(Space first, Space second, ByteWriter* out);
  absl::Status ReadIndexOr0(Space space, ByteWriter* out);
  // Two of `space`, or neither.
  absl::Status ReadPairOr0(Space space, ByteWriter* out);
  // A segment, before it maybe the table or memory.
  absl::Status ReadSegment(Space segment, Space target, ByteWriter* out);
  absl::Status ReadLabel(uint32_t* depth);
  absl::Status ReadLabelTable(ByteWriter* out);
  absl::Status ReadCallIndirect(ByteWriter* out);
  absl::Status ReadSelect(ByteWriter* out);
  absl::Status ReadRefOperator(Opcode with_null, Opcode without, ByteWriter* out);
  absl::Status ReadBrOnCast(ByteWriter* out);
  absl::Status ReadMemArg(Opcode op, ByteWriter* out);
  absl::Status ReadLane(ByteWriter* out);
  absl::Status ReadShuffle(ByteWriter* out);
  absl::Status ReadInteger(int width, absl::string_view what, uint64_t* bits);
  absl::Status ReadFloat(int width, uint64_t* bits);
  absl::Status ReadVector(ByteWriter* out);
  absl::StatusOr<size_t> CountNumbers() const;

  TokenCursor& cursor_;
  IndexSpaces& spaces_;
  TypeReader& types_;
  const bool places_;
  bool needs_data_count_ = false;

  // What is written to, and where its instructions stand in the text.
  ByteWriter* code_ = nullptr;
  std::vector<std::pair<uint32_t, uint32_t>>* code_places_ = nullptr;
  ByteWriter pending_;
  std::vector<Frame> frames_;

  // Of the function at hand.
  bool in_function_ = false;
  uint32_t func_ = 0;
  IdMap locals_;
  std::vector<ValType> local_types_;
  std::vector<Label> labels_;
  IdMap label_ids_;
  uint32_t next_label_ = 0;
  std::vector<BranchHint> hints_;
  int8_t hint_ = kNoHint;
  const Token* hint_token_ = nullptr;
  ByteWriter body_;
  std::vector<std::pair<uint32_t, uint32_t>> body_places_;

  // Reused.
  Signature signature_;
  std::vector<uint32_t> depths_;
};

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_CODE_READER_H_
