#include "wasm_translate/text/code_reader.h"

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "wasm_translate/text/literals.h"
#include "wasm_translate/text/operator_names.h"

namespace gantry::wasm::text {
namespace {

bool IsBlock(Opcode op) {
  return op == Opcode::kBlock || op == Opcode::kLoop || op == Opcode::kIf ||
         op == Opcode::kTryTable;
}

// The operator that a keyword names; `else` and `end` are none by themselves.
std::optional<Opcode> OperatorAt(const TokenCursor& cursor, const Token& token) {
  if (token.kind != TokenKind::kKeyword) return std::nullopt;
  const auto op = OpcodeByName(cursor.TextOf(token));
  if (op == Opcode::kElse || op == Opcode::kEnd) return std::nullopt;
  return op;
}

}  // namespace

absl::Status CodeReader::ReadExpression(SectionEntries* out) {
  code_ = &out->bytes;
  code_places_ = &out->places;
  in_function_ = false;
  RETURN_IF_ERROR(Run(Context::kBody));
  Mark(cursor_.Peek().offset, kNoHint);
  code_->Op(Opcode::kEnd);
  return absl::OkStatus();
}

absl::Status CodeReader::ReadFoldedExpression(SectionEntries* out) {
  if (cursor_.kind() != TokenKind::kOpen) return cursor_.Unexpected("a folded instruction");
  const Token& begin = cursor_.Peek();
  code_ = &out->bytes;
  code_places_ = &out->places;
  in_function_ = false;
  RETURN_IF_ERROR(Run(Context::kSingle));
  Mark(begin.offset, kNoHint);
  code_->Op(Opcode::kEnd);
  return absl::OkStatus();
}

absl::Status CodeReader::ReadBody(uint32_t func, const Signature& signature, uint32_t type,
                                  SectionEntries* out) {
  func_ = func;
  in_function_ = true;
  body_.Truncate(0);
  body_places_.clear();
  hints_.clear();
  next_label_ = 0;
  code_ = &body_;
  code_places_ = &body_places_;
  RETURN_IF_ERROR(ReadLocals(func, signature, type));
  labels_.push_back({"", kNoLabel});
  RETURN_IF_ERROR(Run(Context::kBody));
  labels_.pop_back();
  Mark(cursor_.Peek().offset, kNoHint);
  body_.Op(Opcode::kEnd);
  out->bytes.VarU64(body_.size());
  const size_t base = out->bytes.size();
  for (const auto& [offset, text_offset] : body_places_) {
    out->places.emplace_back(static_cast<uint32_t>(base + offset), text_offset);
  }
  out->bytes.Bytes(body_.bytes());
  return absl::OkStatus();
}

absl::Status CodeReader::DeclareParameters(uint32_t func, const Signature& signature) {
  locals_.clear();
  uint32_t index = 0;
  for (const GivenName& name : signature.param_names) {
    RETURN_IF_ERROR(DeclareLocal(func, name, index++));
  }
  return absl::OkStatus();
}

absl::Status CodeReader::ReadLocals(uint32_t func, const Signature& signature, uint32_t type) {
  RETURN_IF_ERROR(DeclareParameters(func, signature));
  local_types_.clear();
  auto index = static_cast<uint32_t>(signature.params.size());
  if (const FuncType* func_type = types_.func(type); func_type != nullptr && index == 0) {
    index = static_cast<uint32_t>(func_type->params().size());
  }
  while (cursor_.TakeOpen("local")) {
    GivenName name;
    RETURN_IF_ERROR(spaces_.ReadGivenName(cursor_, &name));
    RETURN_IF_ERROR(DeclareLocal(func, name, index));
    while (name.has_debug || cursor_.kind() != TokenKind::kClose) {
      RETURN_IF_ERROR(types_.ReadValType(cursor_, &local_types_.emplace_back()));
      ++index;
      if (name.has_debug) break;
    }
    RETURN_IF_ERROR(cursor_.ExpectClose());
  }
  // Runs of one type.
  uint32_t runs = 0;
  ByteWriter entries;
  for (size_t begin = 0; begin < local_types_.size(); ++runs) {
    size_t end = begin;
    while (end < local_types_.size() && local_types_[end] == local_types_[begin]) ++end;
    entries.VarU64(end - begin).Type(local_types_[begin]);
    begin = end;
  }
  body_.VarU32(runs).Bytes(entries.bytes());
  return absl::OkStatus();
}

absl::Status CodeReader::DeclareLocal(uint32_t func, const GivenName& name, uint32_t index) {
  if (!name.id.empty() && !locals_.emplace(name.id, index).second) {
    return cursor_.ErrorAt(*name.id_token,
                           absl::StrCat("duplicate local ", cursor_.Shown(*name.id_token)));
  }
  if (name.has_debug) spaces_.local_names.push_back({func, index, name.debug});
  return absl::OkStatus();
}

absl::Status CodeReader::Run(Context root) {
  frames_.clear();
  frames_.push_back({root});
  hint_ = kNoHint;
  do {
    switch (cursor_.kind()) {
      case TokenKind::kKeyword:
        RETURN_IF_ERROR(ReadFlat());
        break;
      case TokenKind::kOpen:
        RETURN_IF_ERROR(ReadFolded());
        break;
      case TokenKind::kClose: {
        int8_t hint = kNoHint;
        RETURN_IF_ERROR(TakeHint(Opcode::kEnd, &hint));
        if (frames_.back().context == Context::kBody) return absl::OkStatus();
        RETURN_IF_ERROR(CloseFolded());
        break;
      }
      case TokenKind::kAnnotation:
        RETURN_IF_ERROR(ReadHint());
        break;
      default:
        return UnexpectedInstruction();
    }
  } while (root != Context::kSingle || frames_.size() > 1);
  return absl::OkStatus();
}

bool CodeReader::AllowsFlat(Context context) const {
  switch (context) {
    case Context::kBody:
    case Context::kFlat:
    case Context::kFolded:
    case Context::kThen:
    case Context::kElse:
      return true;
    default:
      return false;
  }
}

absl::Status CodeReader::UnexpectedInstruction() const {
  switch (frames_.back().context) {
    case Context::kFlat:
      return cursor_.Unexpected("an instruction or end");
    case Context::kBody:
    case Context::kFolded:
    case Context::kThen:
    case Context::kElse:
      return cursor_.Unexpected("an instruction or \")\"");
    case Context::kSingle:
      return cursor_.Unexpected("a folded instruction");
    case Context::kOperands:
      return cursor_.Unexpected("a folded instruction or \")\"");
    case Context::kCondition:
      return cursor_.Unexpected("a folded instruction or (then");
    case Context::kAfterThen:
      return cursor_.Unexpected("(else or \")\"");
    case Context::kAfterElse:
      return cursor_.Unexpected("\")\"");
  }
  UNREACHABLE();
}

absl::Status CodeReader::ReadFlat() {
  if (!AllowsFlat(frames_.back().context)) return UnexpectedInstruction();
  const Token& token = cursor_.Peek();
  const absl::string_view word = cursor_.TextOf(token);
  const auto op = OpcodeByName(word);
  if (!op.has_value()) return UnexpectedInstruction();
  int8_t hint = kNoHint;
  RETURN_IF_ERROR(TakeHint(*op, &hint));
  if (op == Opcode::kEnd) return ReadEnd();
  if (op == Opcode::kElse) return ReadElse();
  Mark(token.offset, hint);
  cursor_.Take();
  if (!IsBlock(*op)) return ReadInstruction(*op, code_);
  Frame frame = {Context::kFlat, *op};
  RETURN_IF_ERROR(ReadBlockHeader(*op, &frame, code_));
  PushLabel(frame);
  frames_.push_back(frame);
  return absl::OkStatus();
}

absl::Status CodeReader::CheckEndLabel() {
  if (!cursor_.AtId()) return absl::OkStatus();
  const Token& token = cursor_.Peek();
  const absl::string_view name = spaces_.NameOf(cursor_.TextOf(token));
  if (name != frames_.back().label) {
    return cursor_.ErrorAt(token, absl::StrCat("mismatching label ", cursor_.Shown(token)));
  }
  cursor_.Take();
  return absl::OkStatus();
}

absl::Status CodeReader::ReadEnd() {
  if (frames_.back().context != Context::kFlat) return UnexpectedInstruction();
  const Token& token = cursor_.Take();
  RETURN_IF_ERROR(CheckEndLabel());
  CloseBlock(token);
  return absl::OkStatus();
}

absl::Status CodeReader::ReadElse() {
  Frame& frame = frames_.back();
  if (frame.context != Context::kFlat || frame.op != Opcode::kIf || frame.in_else) {
    return UnexpectedInstruction();
  }
  Mark(cursor_.Take().offset, kNoHint);
  RETURN_IF_ERROR(CheckEndLabel());
  frame.in_else = true;
  code_->Op(Opcode::kElse);
  return absl::OkStatus();
}

absl::Status CodeReader::ReadFolded() {
  Frame& frame = frames_.back();
  if (frame.context == Context::kCondition && cursor_.AtOpen("then")) return OpenThen();
  if (frame.context == Context::kAfterThen && cursor_.AtOpen("else")) {
    Mark(cursor_.Peek(1).offset, kNoHint);
    cursor_.Take(2);
    code_->Op(Opcode::kElse);
    frame.context = Context::kElse;
    return absl::OkStatus();
  }
  if (frame.context == Context::kAfterThen || frame.context == Context::kAfterElse) {
    return UnexpectedInstruction();
  }
  const Token& token = cursor_.Peek(1);
  const auto op = OperatorAt(cursor_, token);
  if (!op.has_value()) return UnexpectedInstruction();
  cursor_.Take(2);
  return OpenFolded(*op, token);
}

absl::Status CodeReader::OpenFolded(Opcode op, const Token& token) {
  Frame frame = {IsBlock(op) ? Context::kFolded : Context::kOperands, op};
  frame.offset = token.offset;
  RETURN_IF_ERROR(TakeHint(op, &frame.hint));
  if (frame.context == Context::kFolded && op != Opcode::kIf) {
    Mark(token.offset, frame.hint);
    RETURN_IF_ERROR(ReadBlockHeader(op, &frame, code_));
    PushLabel(frame);
  } else {
    const size_t begin = pending_.size();
    if (op == Opcode::kIf) {
      frame.context = Context::kCondition;
      RETURN_IF_ERROR(ReadBlockHeader(op, &frame, &pending_));
    } else {
      RETURN_IF_ERROR(ReadInstruction(op, &pending_));
    }
    frame.pending = static_cast<uint32_t>(pending_.size() - begin);
  }
  frames_.push_back(frame);
  return absl::OkStatus();
}

absl::Status CodeReader::OpenThen() {
  Frame& frame = frames_.back();
  cursor_.Take(2);
  Mark(frame.offset, frame.hint);
  const auto pending = absl::MakeConstSpan(pending_.bytes()).last(frame.pending);
  code_->Bytes(pending);
  pending_.Truncate(pending_.size() - frame.pending);
  PushLabel(frame);
  frame.context = Context::kThen;
  return absl::OkStatus();
}

absl::Status CodeReader::CloseFolded() {
  Frame& frame = frames_.back();
  switch (frame.context) {
    case Context::kOperands: {
      Mark(frame.offset, frame.hint);
      code_->Bytes(absl::MakeConstSpan(pending_.bytes()).last(frame.pending));
      pending_.Truncate(pending_.size() - frame.pending);
      frames_.pop_back();
      break;
    }
    case Context::kThen:
      frame.context = Context::kAfterThen;
      break;
    case Context::kElse:
      frame.context = Context::kAfterElse;
      break;
    case Context::kFolded:
    case Context::kAfterThen:
    case Context::kAfterElse:
      CloseBlock(cursor_.Peek());
      break;
    default:
      return UnexpectedInstruction();
  }
  cursor_.Take();
  return absl::OkStatus();
}

void CodeReader::CloseBlock(const Token& token) {
  Mark(token.offset, kNoHint);
  code_->Op(Opcode::kEnd);
  PopLabel();
  frames_.pop_back();
}

absl::Status CodeReader::ReadBlockHeader(Opcode op, Frame* frame, ByteWriter* out) {
  GivenName label;
  RETURN_IF_ERROR(spaces_.ReadGivenName(cursor_, &label));
  frame->label = label.id;
  frame->debug_label = label.debug;
  frame->has_debug_label = label.has_debug;
  std::optional<uint32_t> type;
  RETURN_IF_ERROR(types_.ReadBlockType(cursor_, &signature_, &type));
  out->Op(op);
  if (type.has_value()) {
    out->VarS64(*type);
  } else if (signature_.results.empty()) {
    out->U8(0x40);
  } else {
    out->Type(signature_.results[0]);
  }
  return op == Opcode::kTryTable ? ReadCatches(out) : absl::OkStatus();
}

absl::Status CodeReader::ReadCatches(ByteWriter* out) {
  auto at_catch = [](const TokenCursor& cursor) {
    return cursor.AtOpen("catch") || cursor.AtOpen("catch_ref") || cursor.AtOpen("catch_all") ||
           cursor.AtOpen("catch_all_ref");
  };
  TokenCursor ahead = cursor_;
  uint32_t count = 0;
  for (; at_catch(ahead); ++count) ahead.SkipForm();
  out->VarU32(count);
  for (; count > 0; --count) RETURN_IF_ERROR(ReadCatch(out));
  return absl::OkStatus();
}

absl::Status CodeReader::ReadCatch(ByteWriter* out) {
  cursor_.Take();
  const absl::string_view word = cursor_.TextOf(cursor_.Take());
  const uint8_t code = word == "catch" ? 0 : word == "catch_ref" ? 1 : word == "catch_all" ? 2 : 3;
  out->U8(code);
  if (code < 2) {
    uint32_t tag = 0;
    RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, Space::kTag, &tag));
    out->VarU32(tag);
  }
  uint32_t depth = 0;
  RETURN_IF_ERROR(ReadLabel(&depth));
  out->VarU32(depth);
  return cursor_.ExpectClose();
}

void CodeReader::PushLabel(const Frame& frame) {
  Label label = {frame.label, kNoLabel};
  const auto index = static_cast<uint32_t>(labels_.size());
  if (!label.name.empty()) {
    const auto [entry, is_new] = label_ids_.emplace(label.name, index);
    if (!is_new) label.shadowed = std::exchange(entry->second, index);
  }
  labels_.push_back(label);
  if (frame.has_debug_label && in_function_) {
    spaces_.label_names.push_back({func_, next_label_, frame.debug_label});
  }
  ++next_label_;
}

void CodeReader::PopLabel() {
  const Label& label = labels_.back();
  if (!label.name.empty()) {
    if (label.shadowed == kNoLabel) {
      label_ids_.erase(label.name);
    } else {
      label_ids_[label.name] = label.shadowed;
    }
  }
  labels_.pop_back();
}

absl::Status CodeReader::ReadHint() {
  if (!cursor_.AtAnnotation(kBranchHintAnnotation)) return UnexpectedInstruction();
  constexpr absl::string_view kPrefix = "@metadata.code.branch_hint annotation: ";
  if (!in_function_) return cursor_.Error(absl::StrCat(kPrefix, "not in a function"));
  if (hint_ != kNoHint) return cursor_.Error(absl::StrCat(kPrefix, "duplicate annotation"));
  hint_token_ = &cursor_.Take();
  if (!cursor_.AtString()) {
    return cursor_.Error(absl::StrCat(kPrefix, "unexpected token, expected a string"));
  }
  const std::string value = UnescapeString(cursor_.TextOf(cursor_.Peek()));
  if (value.size() != 1 || (value[0] != 0 && value[0] != 1)) {
    return cursor_.Error(absl::StrCat(kPrefix, "invalid value, expected \"\\00\" or \"\\01\""));
  }
  hint_ = value[0];
  cursor_.Take();
  if (cursor_.kind() != TokenKind::kClose) {
    return cursor_.Error(absl::StrCat(kPrefix, "unexpected token, expected \")\""));
  }
  cursor_.Take();
  return absl::OkStatus();
}

absl::Status CodeReader::TakeHint(Opcode op, int8_t* hint) {
  *hint = std::exchange(hint_, kNoHint);
  if (*hint == kNoHint || op == Opcode::kIf || op == Opcode::kBrIf) return absl::OkStatus();
  return cursor_.ErrorAt(*hint_token_,
                         "@metadata.code.branch_hint annotation: invalid target, expected if or "
                         "br_if behind it");
}

void CodeReader::Mark(uint32_t text_offset, int8_t hint) {
  const auto offset = static_cast<uint32_t>(code_->size());
  if (places_) code_places_->emplace_back(offset, text_offset);
  if (hint != kNoHint) hints_.push_back({offset, static_cast<uint8_t>(hint)});
}

}  // namespace gantry::wasm::text
