// What stands behind operators: indices, labels, memory arguments, constants.

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "wasm_translate/text/code_reader.h"
#include "wasm_translate/text/literals.h"

namespace gantry::wasm::text {
namespace {

struct Shape {
  absl::string_view name;
  size_t lanes;
  int lane_width;
  bool is_float;
};

constexpr Shape kShapes[] = {
    {"i8x16", 16, 8, false}, {"i16x8", 8, 16, false}, {"i32x4", 4, 32, false},
    {"i64x2", 2, 64, false}, {"f32x4", 4, 32, true},  {"f64x2", 2, 64, true},
};

constexpr size_t kShuffleLanes = 16;

bool LooksLikeNumber(const TokenCursor& cursor) {
  return cursor.kind() == TokenKind::kNumber ||
         (cursor.kind() == TokenKind::kKeyword && IsNumber(cursor.TextOf(cursor.Peek())));
}

// A keyword "offset=8".
bool AtAttribute(const TokenCursor& cursor, absl::string_view prefix) {
  return cursor.kind() == TokenKind::kKeyword &&
         absl::StartsWith(cursor.TextOf(cursor.Peek()), prefix);
}

absl::Status ReadAttribute(TokenCursor& cursor, absl::string_view prefix,
                           absl::string_view out_of_range, uint64_t* value) {
  const Literal literal = ParseUnsigned(cursor.TextOf(cursor.Peek()).substr(prefix.size()), 64);
  if (literal.error == LiteralError::kSyntax) {
    return cursor.Unexpected(absl::StrCat(prefix, " with a number"));
  }
  if (literal.error == LiteralError::kRange) return cursor.Error(out_of_range);
  *value = literal.bits;
  return absl::OkStatus();
}

}  // namespace

absl::Status CodeReader::ReadInstruction(Opcode op, ByteWriter* out) {
  // Those of which the operands decide which operator it is.
  switch (op) {
    case Opcode::kSelect:
      return ReadSelect(out);
    case Opcode::kRefTest:
      return ReadRefOperator(Opcode::kRefTestNull, Opcode::kRefTest, out);
    case Opcode::kRefCast:
      return ReadRefOperator(Opcode::kRefCastNull, Opcode::kRefCast, out);
    default:
      out->Op(op);
      return ReadImmediates(op, out);
  }
}

absl::Status CodeReader::ReadImmediates(Opcode op, ByteWriter* out) {
  uint64_t bits = 0;
  uint32_t index = 0;
  switch (GetOperatorInfo(op).immediates) {
    case Immediates::kNone:
      return absl::OkStatus();
    case Immediates::kBlockType:
    case Immediates::kTryTable:
    case Immediates::kSelectTypes:
      break;
    case Immediates::kLabel:
      RETURN_IF_ERROR(ReadLabel(&index));
      out->VarU32(index);
      return absl::OkStatus();
    case Immediates::kLabelTable:
      return ReadLabelTable(out);
    case Immediates::kFunc:
      RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, Space::kFunc, &index));
      out->VarU32(index);
      return absl::OkStatus();
    case Immediates::kType:
      RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, Space::kType, &index));
      out->VarU32(index);
      return absl::OkStatus();
    case Immediates::kTypeTable:
      return ReadCallIndirect(out);
    case Immediates::kTag:
      RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, Space::kTag, &index));
      out->VarU32(index);
      return absl::OkStatus();
    case Immediates::kLocal:
      RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, locals_, "local", &index));
      out->VarU32(index);
      return absl::OkStatus();
    case Immediates::kGlobal:
      RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, Space::kGlobal, &index));
      out->VarU32(index);
      return absl::OkStatus();
    case Immediates::kTable:
      return ReadIndexOr0(Space::kTable, out);
    case Immediates::kTableTable:
      return ReadPairOr0(Space::kTable, out);
    case Immediates::kElemTable:
      return ReadSegment(Space::kElem, Space::kTable, out);
    case Immediates::kElem:
      RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, Space::kElem, &index));
      out->VarU32(index);
      return absl::OkStatus();
    case Immediates::kMemory:
      return ReadIndexOr0(Space::kMemory, out);
    case Immediates::kMemoryMemory:
      return ReadPairOr0(Space::kMemory, out);
    case Immediates::kDataMemory:
      needs_data_count_ = true;
      return ReadSegment(Space::kData, Space::kMemory, out);
    case Immediates::kData:
      needs_data_count_ = true;
      RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, Space::kData, &index));
      out->VarU32(index);
      return absl::OkStatus();
    case Immediates::kMemArg:
      return ReadMemArg(op, out);
    case Immediates::kMemArgLane:
      RETURN_IF_ERROR(ReadMemArg(op, out));
      return ReadLane(out);
    case Immediates::kLane:
      return ReadLane(out);
    case Immediates::kShuffle:
      return ReadShuffle(out);
    case Immediates::kI32:
      RETURN_IF_ERROR(ReadInteger(32, "an i32 constant", &bits));
      out->VarS64(static_cast<int32_t>(bits));
      return absl::OkStatus();
    case Immediates::kI64:
      RETURN_IF_ERROR(ReadInteger(64, "an i64 constant", &bits));
      out->VarS64(static_cast<int64_t>(bits));
      return absl::OkStatus();
    case Immediates::kF32:
      RETURN_IF_ERROR(ReadFloat(32, &bits));
      out->Fixed32(static_cast<uint32_t>(bits));
      return absl::OkStatus();
    case Immediates::kF64:
      RETURN_IF_ERROR(ReadFloat(64, &bits));
      out->Fixed64(bits);
      return absl::OkStatus();
    case Immediates::kV128:
      return ReadVector(out);
    case Immediates::kHeapType: {
      HeapType type = HeapType::Abstract(AbstractHeapType::kFunc);
      RETURN_IF_ERROR(types_.ReadHeapType(cursor_, &type));
      out->Heap(type);
      return absl::OkStatus();
    }
    case Immediates::kTypeField: {
      uint32_t field = 0;
      RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, Space::kType, &index));
      RETURN_IF_ERROR(types_.ReadFieldIndex(cursor_, index, &field));
      out->VarU32(index).VarU32(field);
      return absl::OkStatus();
    }
    case Immediates::kTypeCount: {
      uint32_t count = 0;
      RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, Space::kType, &index));
      RETURN_IF_ERROR(ReadU32(cursor_, "a number of elements", &count));
      out->VarU32(index).VarU32(count);
      return absl::OkStatus();
    }
    case Immediates::kTypeData:
      needs_data_count_ = true;
      return ReadIndices(Space::kType, Space::kData, out);
    case Immediates::kTypeElem:
      return ReadIndices(Space::kType, Space::kElem, out);
    case Immediates::kTypeType:
      return ReadIndices(Space::kType, Space::kType, out);
    case Immediates::kBrOnCast:
      return ReadBrOnCast(out);
    case Immediates::kFence:
      out->U8(0);
      return absl::OkStatus();
  }
  UNREACHABLE();
}

absl::Status CodeReader::ReadIndices(Space first, Space second, ByteWriter* out) {
  for (Space space : {first, second}) {
    uint32_t index = 0;
    RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, space, &index));
    out->VarU32(index);
  }
  return absl::OkStatus();
}

absl::Status CodeReader::ReadIndexOr0(Space space, ByteWriter* out) {
  uint32_t index = 0;
  if (IndexSpaces::AtIndex(cursor_)) RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, space, &index));
  out->VarU32(index);
  return absl::OkStatus();
}

absl::Status CodeReader::ReadPairOr0(Space space, ByteWriter* out) {
  if (IndexSpaces::AtIndex(cursor_)) return ReadIndices(space, space, out);
  out->VarU32(0).VarU32(0);
  return absl::OkStatus();
}

absl::Status CodeReader::ReadSegment(Space segment, Space target, ByteWriter* out) {
  const TokenKind next = cursor_.Peek(1).kind;
  uint32_t target_index = 0;
  if (IndexSpaces::AtIndex(cursor_) && (next == TokenKind::kNumber || next == TokenKind::kId)) {
    RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, target, &target_index));
  }
  uint32_t segment_index = 0;
  RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, segment, &segment_index));
  out->VarU32(segment_index).VarU32(target_index);
  return absl::OkStatus();
}

absl::Status CodeReader::ReadLabel(uint32_t* depth) {
  const bool named = cursor_.AtId();
  RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, label_ids_, "label", depth));
  if (named) *depth = static_cast<uint32_t>(labels_.size()) - 1 - *depth;
  return absl::OkStatus();
}

absl::Status CodeReader::ReadLabelTable(ByteWriter* out) {
  depths_.clear();
  do {
    RETURN_IF_ERROR(ReadLabel(&depths_.emplace_back()));
  } while (IndexSpaces::AtIndex(cursor_));
  out->VarU64(depths_.size() - 1);
  for (uint32_t depth : depths_) out->VarU32(depth);
  return absl::OkStatus();
}

absl::Status CodeReader::ReadCallIndirect(ByteWriter* out) {
  uint32_t table = 0;
  if (IndexSpaces::AtIndex(cursor_)) {
    RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, Space::kTable, &table));
  }
  uint32_t type = 0;
  RETURN_IF_ERROR(types_.ReadTypeUse(cursor_, false, &signature_, &type));
  out->VarU32(type).VarU32(table);
  return absl::OkStatus();
}

absl::Status CodeReader::ReadSelect(ByteWriter* out) {
  if (!cursor_.AtOpen("result")) {
    out->Op(Opcode::kSelect);
    return absl::OkStatus();
  }
  RETURN_IF_ERROR(types_.ReadSignature(cursor_, false, &signature_));
  out->Op(Opcode::kSelectTyped).TypeList(signature_.results);
  return absl::OkStatus();
}

absl::Status CodeReader::ReadRefOperator(Opcode with_null, Opcode without, ByteWriter* out) {
  ValType type;
  RETURN_IF_ERROR(types_.ReadRefType(cursor_, &type));
  out->Op(type.is_nullable() ? with_null : without).Heap(type.heap_type());
  return absl::OkStatus();
}

absl::Status CodeReader::ReadBrOnCast(ByteWriter* out) {
  uint32_t depth = 0;
  ValType from;
  ValType to;
  RETURN_IF_ERROR(ReadLabel(&depth));
  RETURN_IF_ERROR(types_.ReadRefType(cursor_, &from));
  RETURN_IF_ERROR(types_.ReadRefType(cursor_, &to));
  out->U8(static_cast<uint8_t>((from.is_nullable() ? 1 : 0) | (to.is_nullable() ? 2 : 0)));
  out->VarU32(depth).Heap(from.heap_type()).Heap(to.heap_type());
  return absl::OkStatus();
}

absl::Status CodeReader::ReadMemArg(Opcode op, ByteWriter* out) {
  const OperatorInfo& info = GetOperatorInfo(op);
  uint32_t memory = 0;
  // Before a lane a number is the memory's only if something that belongs to it follows.
  const Token& next = cursor_.Peek(1);
  const bool number_is_lane = info.immediates == Immediates::kMemArgLane && !cursor_.AtId() &&
                              next.kind != TokenKind::kNumber &&
                              !absl::StartsWith(cursor_.TextOf(next), "offset=") &&
                              !absl::StartsWith(cursor_.TextOf(next), "align=");
  if (IndexSpaces::AtIndex(cursor_) && !number_is_lane) {
    RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, Space::kMemory, &memory));
  }
  uint64_t offset = 0;
  if (AtAttribute(cursor_, "offset=")) {
    RETURN_IF_ERROR(ReadAttribute(cursor_, "offset=", "offset out of range", &offset));
    cursor_.Take();
  }
  int align = info.align_or_lanes;
  if (AtAttribute(cursor_, "align=")) {
    uint64_t bytes = 0;
    RETURN_IF_ERROR(
        ReadAttribute(cursor_, "align=", "alignment must not be larger than natural", &bytes));
    if (bytes == 0 || (bytes & (bytes - 1)) != 0) {
      return cursor_.Error("alignment must be a power of two");
    }
    align = __builtin_ctzll(bytes);
    cursor_.Take();
  }
  if (memory == 0) {
    out->VarU32(static_cast<uint32_t>(align));
  } else {
    out->VarU32(static_cast<uint32_t>(align) | 0x40).VarU32(memory);
  }
  out->VarU64(offset);
  return absl::OkStatus();
}

absl::Status CodeReader::ReadLane(ByteWriter* out) {
  constexpr absl::string_view kWhat = "a lane index";
  if (cursor_.kind() != TokenKind::kNumber) return cursor_.Unexpected(kWhat);
  const Literal literal = ParseUnsigned(cursor_.TextOf(cursor_.Peek()), 8);
  if (literal.error == LiteralError::kSyntax) return cursor_.Unexpected(kWhat);
  if (literal.error == LiteralError::kRange) return cursor_.Error("i8 constant out of range");
  out->U8(static_cast<uint8_t>(literal.bits));
  cursor_.Take();
  return absl::OkStatus();
}

absl::StatusOr<size_t> CodeReader::CountNumbers() const {
  TokenCursor ahead = cursor_;
  size_t count = 0;
  for (; LooksLikeNumber(ahead); ++count) {
    if (!IsNumber(ahead.TextOf(ahead.Peek()))) return ahead.Unexpected("a lane literal");
    ahead.Take();
  }
  if (ahead.kind() == TokenKind::kReserved || AtAttribute(ahead, "nan:")) {
    return ahead.Unexpected("a lane literal");
  }
  return count;
}

absl::Status CodeReader::ReadShuffle(ByteWriter* out) {
  ASSIGN_OR_RETURN(const size_t count, CountNumbers());
  if (count != kShuffleLanes) {
    return cursor_.Error(
        absl::StrCat("invalid lane length: 16 lane indices expected, not ", count));
  }
  for (size_t i = 0; i < kShuffleLanes; ++i) {
    const Literal literal = ParseUnsigned(cursor_.TextOf(cursor_.Peek()), 8);
    if (!literal.ok()) return cursor_.Error("i8 constant out of range");
    out->U8(static_cast<uint8_t>(literal.bits));
    cursor_.Take();
  }
  return absl::OkStatus();
}

absl::Status CodeReader::ReadInteger(int width, absl::string_view what, uint64_t* bits) {
  if (cursor_.kind() != TokenKind::kNumber) return cursor_.Unexpected(what);
  const Literal literal = ParseInteger(cursor_.TextOf(cursor_.Peek()), width);
  if (literal.error == LiteralError::kSyntax) return cursor_.Unexpected(what);
  if (literal.error == LiteralError::kRange) {
    return cursor_.Error(absl::StrCat("constant out of range for i", width));
  }
  *bits = literal.bits;
  cursor_.Take();
  return absl::OkStatus();
}

absl::Status CodeReader::ReadFloat(int width, uint64_t* bits) {
  const absl::string_view what = width == 32 ? "an f32 constant" : "an f64 constant";
  if (!LooksLikeNumber(cursor_)) return cursor_.Unexpected(what);
  const absl::string_view text = cursor_.TextOf(cursor_.Peek());
  const Literal literal = width == 32 ? ParseF32(text) : ParseF64(text);
  if (literal.error == LiteralError::kSyntax) return cursor_.Unexpected(what);
  if (literal.error == LiteralError::kRange) {
    return cursor_.Error(absl::StrCat("constant out of range for f", width));
  }
  *bits = literal.bits;
  cursor_.Take();
  return absl::OkStatus();
}

absl::Status CodeReader::ReadVector(ByteWriter* out) {
  const Shape* shape = nullptr;
  for (const Shape& candidate : kShapes) {
    if (cursor_.TakeKeyword(candidate.name)) {
      shape = &candidate;
      break;
    }
  }
  if (shape == nullptr) return cursor_.Unexpected("the shape of a vector");
  ASSIGN_OR_RETURN(const size_t count, CountNumbers());
  if (count != shape->lanes) {
    return cursor_.Error(
        absl::StrCat("wrong number of lane literals: ", shape->lanes, " expected, not ", count));
  }
  for (size_t i = 0; i < count; ++i) {
    uint64_t bits = 0;
    RETURN_IF_ERROR(shape->is_float ? ReadFloat(shape->lane_width, &bits)
                                    : ReadInteger(shape->lane_width, "an integer lane", &bits));
    for (int shift = 0; shift < shape->lane_width; shift += 8) {
      out->U8(static_cast<uint8_t>(bits >> shift));
    }
  }
  return absl::OkStatus();
}

}  // namespace gantry::wasm::text
