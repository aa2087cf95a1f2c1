#include "wast/script_parser.h"

#include <array>
#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "wasm_translate/text/lexer.h"
#include "wasm_translate/text/literals.h"
#include "wasm_translate/text/source.h"
#include "wasm_translate/text/text_parser.h"
#include "wasm_translate/text/token_cursor.h"
#include "wast/script_forms.h"

namespace gantry::wast {
namespace {

using wasm::AbstractHeapType;
using wasm::ValType;
using wasm::text::Literal;
using wasm::text::LiteralError;
using wasm::text::SourceText;
using wasm::text::TokenCursor;
using wasm::text::TokenKind;

struct Shape {
  absl::string_view name;
  uint8_t lanes;
  uint8_t bits;
  bool is_float;
};

constexpr Shape kShapes[] = {{"i8x16", 16, 8, false}, {"i16x8", 8, 16, false},
                             {"i32x4", 4, 32, false}, {"i64x2", 2, 64, false},
                             {"f32x4", 4, 32, true},  {"f64x2", 2, 64, true}};

struct Scalar {
  absl::string_view keyword;
  ValType type;
  uint8_t bits;
  bool is_float;
};

constexpr Scalar kScalars[] = {{"i32.const", ValType::I32(), 32, false},
                               {"i64.const", ValType::I64(), 64, false},
                               {"f32.const", ValType::F32(), 32, true},
                               {"f64.const", ValType::F64(), 64, true}};

// What may begin a script that is a module without parentheses around it.
constexpr absl::string_view kModuleFields[] = {"type",   "rec",    "import", "func",
                                               "table",  "memory", "tag",    "global",
                                               "export", "start",  "elem",   "data"};

std::optional<AbstractHeapType> HeapTypeByName(absl::string_view name) {
  for (int code = 0; code <= static_cast<int>(AbstractHeapType::kNoExn); ++code) {
    const auto type = static_cast<AbstractHeapType>(code);
    if (wasm::HeapType::Abstract(type).ToString() == name) return type;
  }
  return std::nullopt;
}

absl::string_view TextAt(const TokenCursor& cursor) { return cursor.TextOf(cursor.Peek()); }

bool AtWord(const TokenCursor& cursor) {
  return cursor.kind() == TokenKind::kKeyword || cursor.kind() == TokenKind::kNumber ||
         cursor.kind() == TokenKind::kReserved;
}

// An identifier, if one stands there.
std::string TakeName(TokenCursor& cursor) {
  if (!cursor.AtId()) return "";
  return wasm::text::IdName(cursor.TextOf(cursor.Take()));
}

absl::StatusOr<std::string> ExpectId(TokenCursor& cursor) {
  if (!cursor.AtId()) return cursor.Unexpected("an identifier");
  return TakeName(cursor);
}

// One number, or where `patterns` is set a pattern for NaNs.
absl::StatusOr<Pattern::Lane> ParseLane(TokenCursor& cursor, uint8_t bits, bool is_float,
                                        bool patterns) {
  if (!AtWord(cursor)) return cursor.Unexpected("a number");
  const absl::string_view text = TextAt(cursor);
  Pattern::Lane lane;
  if (patterns && is_float && text == "nan:canonical") {
    lane.kind = Pattern::LaneKind::kCanonicalNan;
  } else if (patterns && is_float && text == "nan:arithmetic") {
    lane.kind = Pattern::LaneKind::kArithmeticNan;
  } else {
    const Literal literal = !is_float    ? wasm::text::ParseInteger(text, bits)
                            : bits == 32 ? wasm::text::ParseF32(text)
                                         : wasm::text::ParseF64(text);
    if (literal.error == LiteralError::kRange) return cursor.Error("constant out of range");
    if (!literal.ok()) return cursor.Unexpected(is_float ? "a float" : "an integer");
    lane.bits = literal.bits;
  }
  cursor.Take();
  return lane;
}

absl::StatusOr<std::optional<uint32_t>> TakeHostNumber(TokenCursor& cursor) {
  if (!AtWord(cursor)) return std::nullopt;
  const Literal literal = wasm::text::ParseUnsigned(TextAt(cursor), 32);
  if (literal.error == LiteralError::kRange) return cursor.Error("constant out of range");
  if (!literal.ok()) return cursor.Unexpected("the number of a reference");
  cursor.Take();
  return static_cast<uint32_t>(literal.bits);
}

// "(ref.X ...)" behind its keyword, as a pattern.
absl::Status ParseReference(TokenCursor& cursor, absl::string_view kind, Pattern* pattern) {
  pattern->kind = Pattern::Kind::kReference;
  if (kind == "null") {
    pattern->kind = Pattern::Kind::kNull;
    if (cursor.kind() == TokenKind::kClose) return absl::OkStatus();
    pattern->heap = HeapTypeByName(TextAt(cursor));
    if (!pattern->heap.has_value()) return cursor.Unexpected("a heap type");
    cursor.Take();
    return absl::OkStatus();
  }
  if (kind == "host" || kind == "extern") {
    pattern->heap = kind == "host" ? AbstractHeapType::kAny : AbstractHeapType::kExtern;
    ASSIGN_OR_RETURN(pattern->host, TakeHostNumber(cursor));
    return absl::OkStatus();
  }
  pattern->heap = HeapTypeByName(kind);
  return absl::OkStatus();
}

bool IsReferenceKind(absl::string_view kind) {
  for (absl::string_view known :
       {"null", "host", "extern", "func", "any", "eq", "i31", "struct", "array", "exn"}) {
    if (kind == known) return true;
  }
  return false;
}

// One parenthesised constant or pattern, but not `either`.
absl::StatusOr<Pattern> ParseSimplePattern(TokenCursor& cursor, bool patterns) {
  const char* const expected = patterns ? "a result" : "a constant";
  if (cursor.kind() != TokenKind::kOpen || cursor.Peek(1).kind != TokenKind::kKeyword) {
    return cursor.Unexpected(expected);
  }
  const absl::string_view keyword = cursor.TextOf(cursor.Peek(1));
  Pattern pattern;
  for (const Scalar& scalar : kScalars) {
    if (keyword != scalar.keyword) continue;
    cursor.Take(2);
    pattern.type = scalar.type;
    pattern.lane_bits = scalar.bits;
    pattern.float_lanes = scalar.is_float;
    ASSIGN_OR_RETURN(const Pattern::Lane lane,
                     ParseLane(cursor, scalar.bits, scalar.is_float, patterns));
    pattern.lanes.push_back(lane);
    RETURN_IF_ERROR(cursor.ExpectClose());
    return pattern;
  }
  if (keyword == "v128.const") {
    cursor.Take(2);
    for (const Shape& shape : kShapes) {
      if (!cursor.TakeKeyword(shape.name)) continue;
      pattern.type = ValType::V128();
      pattern.lane_bits = shape.bits;
      pattern.float_lanes = shape.is_float;
      for (int lane = 0; lane < shape.lanes; ++lane) {
        ASSIGN_OR_RETURN(const Pattern::Lane parsed,
                         ParseLane(cursor, shape.bits, shape.is_float, patterns));
        pattern.lanes.push_back(parsed);
      }
      RETURN_IF_ERROR(cursor.ExpectClose());
      return pattern;
    }
    return cursor.Unexpected("the shape of a vector");
  }
  if (keyword.substr(0, 4) == "ref." && IsReferenceKind(keyword.substr(4))) {
    cursor.Take(2);
    RETURN_IF_ERROR(ParseReference(cursor, keyword.substr(4), &pattern));
    RETURN_IF_ERROR(cursor.ExpectClose());
    return pattern;
  }
  cursor.Take();
  return cursor.Unexpected(expected);
}

// Alternatives within alternatives are the same as all of them side by side.
absl::StatusOr<Pattern> ParsePattern(TokenCursor& cursor) {
  if (!cursor.AtOpen("either")) return ParseSimplePattern(cursor, /*patterns=*/true);
  Pattern either;
  either.kind = Pattern::Kind::kEither;
  size_t depth = 0;
  do {
    if (cursor.TakeOpen("either")) {
      ++depth;
    } else if (cursor.kind() == TokenKind::kClose) {
      cursor.Take();
      --depth;
    } else {
      ASSIGN_OR_RETURN(Pattern alternative, ParseSimplePattern(cursor, /*patterns=*/true));
      either.alternatives.push_back(std::move(alternative));
    }
  } while (depth > 0);
  return either;
}

absl::StatusOr<Value> ParseConstant(TokenCursor& cursor) {
  const TokenCursor begin = cursor;
  ASSIGN_OR_RETURN(const Pattern pattern, ParseSimplePattern(cursor, /*patterns=*/false));
  switch (pattern.kind) {
    case Pattern::Kind::kNull:
      if (!pattern.heap.has_value()) return begin.Unexpected("a constant with a heap type");
      return Value::Null(*pattern.heap);
    case Pattern::Kind::kReference:
      if (!pattern.host.has_value()) return begin.Unexpected("a constant");
      return *pattern.heap == AbstractHeapType::kAny ? Value::Host(*pattern.host)
                                                     : Value::Extern(*pattern.host);
    case Pattern::Kind::kLanes:
    case Pattern::Kind::kEither:
      break;
  }
  Value value;
  value.type = pattern.type;
  int at = 0;
  for (const Pattern::Lane& lane : pattern.lanes) {
    (at < 64 ? value.low : value.high) |= lane.bits << (at % 64);
    at += pattern.lane_bits;
  }
  return value;
}

bool AtAction(const TokenCursor& cursor) { return cursor.AtOpen("invoke") || cursor.AtOpen("get"); }

absl::StatusOr<Action> ParseAction(TokenCursor& cursor) {
  Action action;
  if (!AtAction(cursor)) return cursor.Unexpected("an action");
  if (cursor.TakeOpen("get")) {
    action.kind = Action::Kind::kGet;
  } else {
    cursor.Take(2);
  }
  action.instance = TakeName(cursor);
  ASSIGN_OR_RETURN(action.field, cursor.ExpectName());
  while (action.kind == Action::Kind::kInvoke && cursor.kind() == TokenKind::kOpen) {
    ASSIGN_OR_RETURN(const Value argument, ParseConstant(cursor));
    action.arguments.push_back(argument);
  }
  RETURN_IF_ERROR(cursor.ExpectClose());
  return action;
}

absl::StatusOr<std::string> TakeStrings(TokenCursor& cursor) {
  std::string bytes;
  while (cursor.AtString()) {
    ASSIGN_OR_RETURN(const std::string piece, cursor.ExpectString());
    bytes += piece;
  }
  return bytes;
}

// What one form holds.
class FormParser {
 public:
  // `source` holds the form; its text begins in `line`.
  FormParser(const SourceText& source, absl::Span<const wasm::text::Token> tokens, uint32_t line)
      : source_(source), cursor_(source, tokens), line_(line) {}

  // All commands of the form, one unless it is nothing but annotations.
  std::vector<Command> Parse() {
    while (true) {
      if (!threads_.empty() && cursor_.kind() == TokenKind::kClose) {
        cursor_.Take();
        EndThread();
        continue;
      }
      if (cursor_.AtEnd()) {
        // A thread that lacks its parenthesis.
        while (!threads_.empty()) {
          Command unclosed;
          unclosed.line = LineHere();
          unclosed.error = cursor_.Unexpected("\")\"");
          Add(std::move(unclosed));
          EndThread();
        }
        return std::move(commands_);
      }
      ParseNext();
    }
  }

 private:
  uint32_t LineHere() {
    const uint32_t offset = cursor_.Peek().offset;
    for (; counted_ < offset; ++counted_) {
      if (source_.text()[counted_] == '\n') ++line_;
    }
    return line_;
  }

  void Add(Command command) {
    (threads_.empty() ? commands_ : threads_.back().commands).push_back(std::move(command));
  }
  void EndThread() {
    Command thread = std::move(threads_.back());
    threads_.pop_back();
    Add(std::move(thread));
  }

  // One command, or the beginning of a thread. Moves on, whatever stands there.
  void ParseNext() {
    Command command;
    command.line = LineHere();
    const TokenCursor begin = cursor_;
    const absl::Status status =
        cursor_.AtOpen("thread") ? ParseThread(&command) : ParseCommand(&command);
    if (status.ok()) {
      if (command.kind == Command::Kind::kThread) {
        threads_.push_back(std::move(command));
      } else {
        Add(std::move(command));
      }
      return;
    }
    Command unreadable;
    unreadable.line = command.line;
    unreadable.error = status;
    Add(std::move(unreadable));
    cursor_ = begin;
    // A parenthesis that closes nothing is passed too.
    if (cursor_.kind() == TokenKind::kClose) {
      cursor_.Take();
    } else {
      cursor_.SkipForm();
    }
  }

  absl::Status ParseThread(Command* command) {
    if (threads_.size() == kMaxThreadDepth) return cursor_.Error("threads are nested too deep");
    cursor_.Take(2);
    command->kind = Command::Kind::kThread;
    ASSIGN_OR_RETURN(command->name, ExpectId(cursor_));
    while (cursor_.TakeOpen("shared")) {
      if (!cursor_.TakeOpen("module")) return cursor_.Unexpected("\"(module\"");
      ASSIGN_OR_RETURN(std::string instance, ExpectId(cursor_));
      command->shared.push_back(std::move(instance));
      RETURN_IF_ERROR(cursor_.ExpectClose());
      RETURN_IF_ERROR(cursor_.ExpectClose());
    }
    return absl::OkStatus();
  }

  absl::Status ParseCommand(Command* command) {
    if (cursor_.kind() != TokenKind::kOpen) return cursor_.Unexpected("a command");
    if (cursor_.AtOpen("module")) return ParseModuleCommand(command);
    if (AtAction(cursor_)) {
      command->kind = Command::Kind::kAction;
      ASSIGN_OR_RETURN(command->action, ParseAction(cursor_));
      return absl::OkStatus();
    }
    if (cursor_.TakeOpen("register")) {
      command->kind = Command::Kind::kRegister;
      ASSIGN_OR_RETURN(command->as, cursor_.ExpectName());
      command->name = TakeName(cursor_);
      return cursor_.ExpectClose();
    }
    if (cursor_.TakeOpen("wait")) {
      command->kind = Command::Kind::kWait;
      ASSIGN_OR_RETURN(command->name, ExpectId(cursor_));
      return cursor_.ExpectClose();
    }
    for (const Command::Kind kind : kAssertions) {
      if (!cursor_.AtOpen(CommandName(kind))) continue;
      cursor_.Take(2);
      command->kind = kind;
      return ParseAssertion(command);
    }
    cursor_.Take();
    return cursor_.Unexpected("a command");
  }

  static constexpr Command::Kind kAssertions[] = {
      Command::Kind::kAssertReturn,        Command::Kind::kAssertTrap,
      Command::Kind::kAssertException,     Command::Kind::kAssertExhaustion,
      Command::Kind::kAssertInvalid,       Command::Kind::kAssertMalformed,
      Command::Kind::kAssertInvalidCustom, Command::Kind::kAssertMalformedCustom,
      Command::Kind::kAssertUnlinkable,
  };

  // The rest of an assertion, behind its keyword.
  absl::Status ParseAssertion(Command* command) {
    switch (command->kind) {
      case Command::Kind::kAssertReturn: {
        ASSIGN_OR_RETURN(command->action, ParseAction(cursor_));
        while (cursor_.kind() == TokenKind::kOpen) {
          ASSIGN_OR_RETURN(Pattern pattern, ParsePattern(cursor_));
          command->expected.push_back(std::move(pattern));
        }
        return cursor_.ExpectClose();
      }
      case Command::Kind::kAssertException: {
        ASSIGN_OR_RETURN(command->action, ParseAction(cursor_));
        return cursor_.ExpectClose();
      }
      case Command::Kind::kAssertExhaustion: {
        ASSIGN_OR_RETURN(command->action, ParseAction(cursor_));
        break;
      }
      case Command::Kind::kAssertTrap:
        if (AtAction(cursor_)) {
          ASSIGN_OR_RETURN(command->action, ParseAction(cursor_));
          break;
        }
        [[fallthrough]];
      default:
        if (!cursor_.AtOpen("module")) return cursor_.Unexpected("a module");
        cursor_.Take(2);
        RETURN_IF_ERROR(ParseModule(command));
        break;
    }
    ASSIGN_OR_RETURN(command->text, cursor_.ExpectString());
    return cursor_.ExpectClose();
  }

  absl::Status ParseModuleCommand(Command* command) {
    cursor_.Take(2);
    if (cursor_.TakeKeyword("instance")) {
      command->kind = Command::Kind::kInstance;
      command->name = TakeName(cursor_);
      command->definition = TakeName(cursor_);
      return cursor_.ExpectClose();
    }
    command->kind =
        cursor_.TakeKeyword("definition") ? Command::Kind::kDefinition : Command::Kind::kModule;
    return ParseModule(command);
  }

  // Behind `(module`, or `(module definition`. An error of the module itself stays in it.
  absl::Status ParseModule(Command* command) {
    ScriptModule& module = command->module.emplace();
    command->name = TakeName(cursor_);
    if (cursor_.TakeKeyword("binary")) {
      module.form = ScriptModule::Form::kBinary;
      ASSIGN_OR_RETURN(const std::string bytes, TakeStrings(cursor_));
      module.bytes = std::vector<uint8_t>(bytes.begin(), bytes.end());
      return cursor_.ExpectClose();
    }
    if (cursor_.TakeKeyword("quote")) {
      module.form = ScriptModule::Form::kQuote;
      const uint32_t line = LineHere();
      ASSIGN_OR_RETURN(const std::string text, TakeStrings(cursor_));
      RETURN_IF_ERROR(cursor_.ExpectClose());
      module.bytes = Bytes(wasm::text::ParseText(SourceText(source_.name(), text, line)));
      return absl::OkStatus();
    }
    TokenCursor fields = cursor_;
    module.bytes = Bytes(wasm::text::ParseModuleFields(fields));
    if (module.bytes.ok()) {
      cursor_ = fields;
      return absl::OkStatus();
    }
    cursor_.SkipToClose();
    return absl::OkStatus();
  }

  static absl::StatusOr<std::vector<uint8_t>> Bytes(absl::StatusOr<wasm::text::TextModule> module) {
    if (!module.ok()) return module.status();
    return std::move(module->bytes);
  }

  const SourceText& source_;
  TokenCursor cursor_;
  // Line of the byte at `counted_`.
  uint32_t line_;
  uint32_t counted_ = 0;
  std::vector<Command> commands_;
  // Those that are open, outermost first.
  std::vector<Command> threads_;
};

Command Unreadable(uint32_t line, absl::Status error) {
  Command command;
  command.line = line;
  command.error = std::move(error);
  return command;
}

bool BeginsWithField(const TokenCursor& cursor) {
  for (absl::string_view field : kModuleFields) {
    if (cursor.AtOpen(field)) return true;
  }
  return false;
}

}  // namespace

Script ParseScript(absl::string_view name, absl::string_view text) {
  Script script;
  script.source = std::string(name);
  if (text.size() > SourceText::kMaxSize) {
    script.commands.push_back(
        Unreadable(1, absl::InvalidArgumentError("a script has at most 4 GiB")));
    return script;
  }
  for (const Form& form : SplitForms(text)) {
    const SourceText source(name, form.with_indent, form.line);
    const auto tokens = wasm::text::Tokenize(source);
    if (!tokens.ok()) {
      script.commands.push_back(Unreadable(form.line, tokens.status()));
      continue;
    }
    if (script.commands.empty() && BeginsWithField(TokenCursor(source, *tokens))) {
      Command command;
      command.kind = Command::Kind::kModule;
      command.line = form.line;
      auto module = wasm::text::ParseText(SourceText(name, text));
      command.module.emplace().bytes =
          module.ok() ? absl::StatusOr<std::vector<uint8_t>>(std::move(module->bytes))
                      : module.status();
      script.commands.push_back(std::move(command));
      return script;
    }
    for (Command& command : FormParser(source, *tokens, form.line).Parse()) {
      script.commands.push_back(std::move(command));
    }
  }
  return script;
}

}  // namespace gantry::wast
