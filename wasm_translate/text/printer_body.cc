#include "wasm_translate/text/printer_body.h"

#include <algorithm>
#include <cstring>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "wasm_translate/text/literals.h"
#include "wasm_translate/text/printer_types.h"

namespace gantry::wasm::text {
namespace {

// Deeper code is not indented further, so that what is printed stays linear.
constexpr size_t kMaxIndentation = 24;
constexpr size_t kBodyIndentation = 4;

bool IsPrefix(uint8_t byte) { return byte >= 0xFB && byte <= 0xFE; }

}  // namespace

void AppendVariables(absl::string_view keyword, FuncIndex func, uint32_t first,
                     absl::Span<const ValType> types, PrinterNames& names, std::string* out) {
  // Neighbours without names share a group.
  bool open = false;
  for (uint32_t i = 0; i < types.size(); ++i) {
    const uint32_t index = first + i;
    const bool named = names.HasAny(NameSpace::kLocal, func.raw(), index, index + 1);
    if (named && open) absl::StrAppend(out, ")");
    if (named || !open) absl::StrAppend(out, " (", keyword);
    names.AppendDefinition(NameSpace::kLocal, func.raw(), index, out);
    absl::StrAppend(out, " ");
    AppendValType(types[i], names, out);
    if (named) absl::StrAppend(out, ")");
    open = !named;
  }
  if (open) absl::StrAppend(out, ")");
}

BodyPrinter::BodyPrinter(const Module& module, const ParseOptions& options, PrinterNames& names)
    : module_(module), options_(options), names_(names) {}

TypeContext BodyPrinter::type_context() const {
  // Whether a type is there is for the validator.
  return {options_.features, std::numeric_limits<uint32_t>::max()};
}

absl::Status BodyPrinter::PrintBody(const FunctionBody& body,
                                    absl::Span<const BranchHints::Hint> hints, uint64_t max_size,
                                    std::string* out) {
  reader_ = BinaryReader(body.bytes, body.offset);
  out_ = out;
  func_ = body.func;
  body_offset_ = body.offset;
  hints_ = hints;
  num_labels_ = 0;
  frames_.clear();
  labels_.clear();
  frames_.push_back({});
  if (!PrintLocals() || !PrintOperators(max_size)) return reader_.status();
  if (!frames_.empty()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("text too large: the limit is ", max_size, " characters"));
  }
  hints_fit_ = hints_fit_ && hints_.empty();
  if (reader_.done()) return absl::OkStatus();
  operator_offset_ = reader_.offset();
  Fail("END opcode expected as the last byte of a function, found more after it");
  return reader_.status();
}

bool BodyPrinter::PrintLocals() {
  operator_offset_ = reader_.offset();
  uint32_t runs;
  if (!reader_.Count(options_.limits.function_locals, "locals", &runs)) return false;
  const size_t num_params = module_.func_type(func_).params().size();
  std::vector<ValType> locals;
  for (; runs > 0; --runs) {
    operator_offset_ = reader_.offset();
    uint32_t count;
    ValType type;
    if (!reader_.VarU32(&count) || !ReadValType(reader_, type_context(), &type)) return false;
    if (uint64_t{count} + locals.size() + num_params > options_.limits.function_locals) {
      return Fail(absl::StrCat("too many locals: the limit is ", options_.limits.function_locals));
    }
    locals.resize(locals.size() + count, type);
  }
  if (locals.empty()) return true;
  out_->append(kBodyIndentation - 1, ' ');
  AppendVariables("local", func_, static_cast<uint32_t>(num_params), locals, names_, out_);
  out_->push_back('\n');
  return true;
}

bool BodyPrinter::ReadOpcode(Opcode* op) {
  operator_offset_ = reader_.offset();
  uint8_t byte;
  if (!reader_.U8(&byte)) return false;
  uint32_t code = byte;
  if (IsPrefix(byte) && !reader_.VarU32(&code)) return false;
  const auto found = OpcodeFromEncoding(IsPrefix(byte) ? byte : 0, code);
  if (!found.has_value()) {
    const std::string hex = absl::StrCat(absl::Hex(code, absl::kZeroPad2));
    return Fail(IsPrefix(byte) ? absl::StrCat("illegal opcode ", absl::Hex(byte), " ", hex)
                               : absl::StrCat("illegal opcode ", hex));
  }
  *op = *found;
  return RequireFeature(reader_, operator_offset_, options_.features, GetOperatorInfo(*op).feature,
                        OpcodeName(*op));
}

void BodyPrinter::BeginLine(size_t depth) {
  out_->append(kBodyIndentation + 2 * std::min(depth, kMaxIndentation), ' ');
}

bool BodyPrinter::PrintOperators(uint64_t max_size) {
  while (!frames_.empty() && out_->size() <= max_size) {
    Opcode op;
    if (!ReadOpcode(&op)) return false;
    switch (op) {
      case Opcode::kEnd:
        PopFrame();
        if (frames_.empty()) return true;
        BeginLine(frames_.size() - 1);
        absl::StrAppend(out_, "end");
        break;
      case Opcode::kElse:
        if (!frames_.back().is_if) return Fail("unexpected else: there is no open if");
        frames_.back().is_if = false;
        BeginLine(frames_.size() - 2);
        absl::StrAppend(out_, "else");
        break;
      case Opcode::kBlock:
      case Opcode::kLoop:
      case Opcode::kIf:
      case Opcode::kTryTable:
        BeginLine(frames_.size() - 1);
        AppendHint(op);
        absl::StrAppend(out_, OpcodeName(op));
        if (!AppendBlock(op)) return false;
        break;
      default:
        BeginLine(frames_.size() - 1);
        AppendHint(op);
        absl::StrAppend(out_, OpcodeName(op));
        if (!AppendImmediates(op)) return false;
        break;
    }
    out_->push_back('\n');
  }
  return true;
}

bool BodyPrinter::AppendExpression(BinaryReader& reader, absl::string_view keyword,
                                   std::string* out) {
  reader_ =
      BinaryReader(absl::MakeConstSpan(reader.position(), reader.remaining()), reader.offset());
  std::string text;
  out_ = &text;
  func_ = FuncIndex::None();
  frames_.assign(1, {});
  size_t operators = 0;
  bool ok = true;
  while (true) {
    Opcode op = Opcode::kNop;
    ok = ReadOpcode(&op);
    if (!ok || op == Opcode::kEnd) break;
    absl::StrAppend(&text, operators == 0 ? "" : " ", OpcodeName(op));
    ++operators;
    // Blocks are not constant, so that an `end` is always that of the expression.
    ok = AppendImmediates(op);
    if (!ok) break;
  }
  absl::Span<const uint8_t> used;
  CHECK(reader.Bytes(reader_.offset() - reader.offset(), &used));
  if (!ok) {
    reader.TakeError(reader_);
    return false;
  }
  if (operators == 1) {
    absl::StrAppend(out, "(", text, ")");
  } else if (keyword.empty()) {
    absl::StrAppend(out, text);
  } else {
    absl::StrAppend(out, "(", keyword, operators == 0 ? "" : " ", text, ")");
  }
  return true;
}

void BodyPrinter::AppendHint(Opcode op) {
  if (hints_.empty()) return;
  const uint64_t offset = operator_offset_ - body_offset_;
  if (hints_.front().offset > offset) return;
  if (hints_.front().offset < offset || (op != Opcode::kBrIf && op != Opcode::kIf)) {
    // The hint is for no branch, and so may be those after it.
    hints_fit_ = false;
    while (!hints_.empty() && hints_.front().offset <= offset) hints_.remove_prefix(1);
    return;
  }
  absl::StrAppend(out_, "(@metadata.code.branch_hint \"\\0", hints_.front().likely ? 1 : 0, "\") ");
  hints_.remove_prefix(1);
}

bool BodyPrinter::AppendBlock(Opcode op) {
  const uint32_t label = num_labels_++;
  names_.AppendDefinition(NameSpace::kLabel, func_.raw(), label, out_);
  if (!AppendBlockType() || (op == Opcode::kTryTable && !AppendCatches())) return false;
  Frame frame;
  frame.is_if = op == Opcode::kIf;
  frame.label = names_.Identifier(NameSpace::kLabel, func_.raw(), label);
  if (!frame.label.empty()) {
    const auto index = static_cast<uint32_t>(frames_.size());
    const auto [place, inserted] = labels_.try_emplace(frame.label, index);
    frame.hidden = inserted ? kNoFrame : std::exchange(place->second, index);
  }
  frames_.push_back(frame);
  return true;
}

void BodyPrinter::PopFrame() {
  const Frame& frame = frames_.back();
  if (!frame.label.empty()) {
    if (frame.hidden == kNoFrame) {
      labels_.erase(frame.label);
    } else {
      labels_[frame.label] = frame.hidden;
    }
  }
  frames_.pop_back();
}

bool BodyPrinter::AppendBlockType() {
  if (reader_.done()) return reader_.FailAtEnd();
  const uint8_t first = reader_.Peek();
  uint8_t byte;
  if (first == 0x40) return reader_.U8(&byte);
  // A negative number of one byte is a value type, anything else a type index.
  if ((first & 0xC0) == 0x40) {
    ValType type;
    if (!ReadValType(reader_, type_context(), &type)) return false;
    AppendTypeList("result", {type}, names_, out_);
    return true;
  }
  const uint64_t start = reader_.offset();
  int64_t index;
  if (!reader_.VarS33(&index)) return false;
  if (index < 0) return reader_.Fail(start, "malformed block type");
  absl::StrAppend(out_, " (type ");
  names_.AppendUse(NameSpace::kType, static_cast<uint32_t>(index), out_);
  absl::StrAppend(out_, ")");
  return true;
}

bool BodyPrinter::AppendCatches() {
  static constexpr absl::string_view kNames[] = {"catch", "catch_ref", "catch_all",
                                                 "catch_all_ref"};
  uint32_t count;
  if (!reader_.Count(options_.limits.function_size, "catch clauses", &count)) return false;
  for (; count > 0; --count) {
    uint8_t kind;
    if (!reader_.U8(&kind)) return false;
    if (kind > 3) return Fail("malformed catch clause");
    absl::StrAppend(out_, " (", kNames[kind]);
    if (kind <= 1 && !AppendIndex(NameSpace::kTag)) return false;
    if (!AppendLabel()) return false;
    absl::StrAppend(out_, ")");
  }
  return true;
}

bool BodyPrinter::AppendImmediates(Opcode op) {
  const OperatorInfo& info = GetOperatorInfo(op);
  switch (info.immediates) {
    case Immediates::kNone:
      return true;
    case Immediates::kBlockType:
    case Immediates::kTryTable:
      return Fail("constant expression required");
    case Immediates::kLabel:
      return AppendLabel();
    case Immediates::kLabelTable:
      return AppendLabelTable();
    case Immediates::kFunc:
      return AppendIndex(NameSpace::kFunc);
    case Immediates::kType:
      return AppendIndex(NameSpace::kType);
    case Immediates::kTypeTable:
      return AppendTypeAndTable();
    case Immediates::kTag:
      return AppendIndex(NameSpace::kTag);
    case Immediates::kLocal: {
      uint32_t index;
      if (!reader_.VarU32(&index)) return false;
      out_->push_back(' ');
      names_.AppendUse(NameSpace::kLocal, func_.raw(), index, out_);
      return true;
    }
    case Immediates::kGlobal:
      return AppendIndex(NameSpace::kGlobal);
    case Immediates::kTable: {
      uint32_t table;
      if (!reader_.VarU32(&table)) return false;
      AppendUnlessZero(NameSpace::kTable, table);
      return true;
    }
    case Immediates::kTableTable:
      return AppendPair(NameSpace::kTable);
    case Immediates::kElemTable:
      return AppendSegmentAndTarget(NameSpace::kElem, NameSpace::kTable);
    case Immediates::kElem:
      return AppendIndex(NameSpace::kElem);
    case Immediates::kMemory: {
      uint32_t memory;
      if (!ReadMemoryIndex(&memory)) return false;
      AppendUnlessZero(NameSpace::kMemory, memory);
      return true;
    }
    case Immediates::kMemoryMemory:
      return AppendPair(NameSpace::kMemory);
    case Immediates::kDataMemory:
      return AppendSegmentAndTarget(NameSpace::kData, NameSpace::kMemory);
    case Immediates::kData:
      return AppendIndex(NameSpace::kData);
    case Immediates::kMemArg:
      return AppendMemArg(info.align_or_lanes);
    case Immediates::kMemArgLane:
      return AppendMemArg(info.align_or_lanes) && AppendLane();
    case Immediates::kLane:
      return AppendLane();
    case Immediates::kShuffle:
      for (int i = 0; i < 16; ++i) {
        if (!AppendLane()) return false;
      }
      return true;
    case Immediates::kI32:
    case Immediates::kI64:
    case Immediates::kF32:
    case Immediates::kF64:
      return AppendConstant(op);
    case Immediates::kV128:
      return AppendVector();
    case Immediates::kSelectTypes:
      return AppendSelectTypes();
    case Immediates::kHeapType:
      return AppendHeapTypeOf(op);
    case Immediates::kTypeField:
      return AppendTypeAndField();
    case Immediates::kTypeCount:
      return AppendIndex(NameSpace::kType) && AppendNumber();
    case Immediates::kTypeData:
      return AppendTypeAndIndex(NameSpace::kData);
    case Immediates::kTypeElem:
      return AppendTypeAndIndex(NameSpace::kElem);
    case Immediates::kTypeType:
      return AppendTypeAndIndex(NameSpace::kType);
    case Immediates::kBrOnCast:
      return AppendCast();
    case Immediates::kFence: {
      uint8_t zero;
      if (!reader_.U8(&zero)) return false;
      return zero == 0 || Fail("zero byte expected");
    }
  }
  return false;
}

bool BodyPrinter::AppendIndex(NameSpace space) {
  uint32_t index;
  if (!reader_.VarU32(&index)) return false;
  out_->push_back(' ');
  names_.AppendUse(space, index, out_);
  return true;
}

void BodyPrinter::AppendUnlessZero(NameSpace space, uint32_t index) {
  if (index == 0) return;
  out_->push_back(' ');
  names_.AppendUse(space, index, out_);
}

bool BodyPrinter::AppendNumber() {
  uint32_t number;
  if (!reader_.VarU32(&number)) return false;
  absl::StrAppend(out_, " ", number);
  return true;
}

bool BodyPrinter::AppendLabel() {
  uint32_t depth;
  if (!reader_.VarU32(&depth)) return false;
  out_->push_back(' ');
  if (depth < frames_.size()) {
    const auto index = static_cast<uint32_t>(frames_.size() - 1 - depth);
    const absl::string_view label = frames_[index].label;
    // A label of the same name further in hides this one.
    if (!label.empty() && labels_.at(label) == index && names_.TakeUse(label)) {
      absl::StrAppend(out_, label);
      return true;
    }
  }
  absl::StrAppend(out_, depth);
  return true;
}

bool BodyPrinter::AppendLabelTable() {
  uint32_t count;
  if (!reader_.VarU32(&count)) return false;
  if (count >= reader_.remaining()) return reader_.FailAtEnd();
  for (uint64_t i = 0; i <= count; ++i) {
    if (!AppendLabel()) return false;
  }
  return true;
}

bool BodyPrinter::ReadMemoryIndex(uint32_t* index) {
  if (options_.features.Has(Feature::kMultiMemory)) return reader_.VarU32(index);
  uint8_t zero;
  if (!reader_.U8(&zero)) return false;
  *index = 0;
  return zero == 0 || Fail("zero byte expected");
}

bool BodyPrinter::AppendMemArg(uint32_t natural_align) {
  constexpr uint32_t kHasMemory = 0x40;
  const bool wide = options_.features.Has(Feature::kMemory64);
  uint32_t flags;
  uint32_t memory = 0;
  if (!reader_.VarU32(&flags)) return false;
  if (options_.features.Has(Feature::kMultiMemory) && (flags & kHasMemory) != 0) {
    flags &= ~kHasMemory;
    if (!reader_.VarU32(&memory)) return false;
  }
  if (flags >= kHasMemory) return Fail("malformed memop flags");
  uint64_t offset;
  if (wide) {
    if (!reader_.VarU64(&offset)) return false;
  } else {
    uint32_t narrow;
    if (!reader_.VarU32(&narrow)) return false;
    offset = narrow;
  }
  AppendUnlessZero(NameSpace::kMemory, memory);
  if (offset != 0) absl::StrAppend(out_, " offset=", offset);
  if (flags != natural_align) absl::StrAppend(out_, " align=", uint64_t{1} << flags);
  return true;
}

bool BodyPrinter::AppendLane() {
  uint8_t lane;
  if (!reader_.U8(&lane)) return false;
  absl::StrAppend(out_, " ", static_cast<int>(lane));
  return true;
}

bool BodyPrinter::AppendTypeAndIndex(NameSpace space) {
  return AppendIndex(NameSpace::kType) && AppendIndex(space);
}

bool BodyPrinter::AppendTypeAndField() {
  uint32_t type;
  uint32_t field;
  if (!reader_.VarU32(&type) || !reader_.VarU32(&field)) return false;
  out_->push_back(' ');
  names_.AppendUse(NameSpace::kType, type, out_);
  out_->push_back(' ');
  names_.AppendUse(NameSpace::kField, type, field, out_);
  return true;
}

bool BodyPrinter::AppendTypeAndTable() {
  uint32_t type;
  uint32_t table = 0;
  if (!reader_.VarU32(&type)) return false;
  if (options_.features.Has(Feature::kReferenceTypes)) {
    if (!reader_.VarU32(&table)) return false;
  } else {
    uint8_t zero;
    if (!reader_.U8(&zero)) return false;
    if (zero != 0) return Fail("zero byte expected");
  }
  AppendUnlessZero(NameSpace::kTable, table);
  absl::StrAppend(out_, " (type ");
  names_.AppendUse(NameSpace::kType, type, out_);
  absl::StrAppend(out_, ")");
  return true;
}

bool BodyPrinter::AppendPair(NameSpace space) {
  uint32_t destination;
  uint32_t source;
  if (space == NameSpace::kMemory) {
    if (!ReadMemoryIndex(&destination) || !ReadMemoryIndex(&source)) return false;
  } else if (!reader_.VarU32(&destination) || !reader_.VarU32(&source)) {
    return false;
  }
  if (destination == 0 && source == 0) return true;
  for (uint32_t index : {destination, source}) {
    out_->push_back(' ');
    names_.AppendUse(space, index, out_);
  }
  return true;
}

bool BodyPrinter::AppendSegmentAndTarget(NameSpace segment, NameSpace target) {
  uint32_t segment_index;
  uint32_t target_index;
  if (!reader_.VarU32(&segment_index)) return false;
  if (target == NameSpace::kMemory ? !ReadMemoryIndex(&target_index)
                                   : !reader_.VarU32(&target_index)) {
    return false;
  }
  AppendUnlessZero(target, target_index);
  out_->push_back(' ');
  names_.AppendUse(segment, segment_index, out_);
  return true;
}

void BodyPrinter::AppendReferenceType(HeapType type, bool nullable) {
  absl::StrAppend(out_, nullable ? " (ref null " : " (ref ");
  AppendHeapType(type, names_, out_);
  out_->push_back(')');
}

bool BodyPrinter::AppendHeapTypeOf(Opcode op) {
  HeapType type = HeapType::Abstract(AbstractHeapType::kAny);
  if (!ReadHeapType(reader_, type_context(), &type)) return false;
  if (op == Opcode::kRefNull) {
    out_->push_back(' ');
    AppendHeapType(type, names_, out_);
  } else {
    AppendReferenceType(type, op == Opcode::kRefTestNull || op == Opcode::kRefCastNull);
  }
  return true;
}

bool BodyPrinter::AppendSelectTypes() {
  uint32_t count;
  if (!reader_.Count(options_.limits.function_results, "result types", &count)) return false;
  absl::StrAppend(out_, " (result");
  for (; count > 0; --count) {
    ValType type;
    if (!ReadValType(reader_, type_context(), &type)) return false;
    out_->push_back(' ');
    AppendValType(type, names_, out_);
  }
  out_->push_back(')');
  return true;
}

bool BodyPrinter::AppendCast() {
  uint8_t flags;
  HeapType from = HeapType::Abstract(AbstractHeapType::kAny);
  HeapType to = from;
  if (!reader_.U8(&flags)) return false;
  if (flags > 3) return Fail("malformed br_on_cast flags");
  if (!AppendLabel() || !ReadHeapType(reader_, type_context(), &from) ||
      !ReadHeapType(reader_, type_context(), &to)) {
    return false;
  }
  AppendReferenceType(from, (flags & 1) != 0);
  AppendReferenceType(to, (flags & 2) != 0);
  return true;
}

bool BodyPrinter::AppendVector() {
  absl::StrAppend(out_, " i32x4");
  for (int i = 0; i < 4; ++i) {
    uint32_t lane;
    if (!reader_.Fixed32(&lane)) return false;
    absl::StrAppend(out_, " 0x", absl::Hex(lane, absl::kZeroPad8));
  }
  return true;
}

bool BodyPrinter::AppendConstant(Opcode op) {
  out_->push_back(' ');
  switch (op) {
    case Opcode::kI32Const: {
      int32_t value;
      if (!reader_.VarS32(&value)) return false;
      absl::StrAppend(out_, value);
      return true;
    }
    case Opcode::kI64Const: {
      int64_t value;
      if (!reader_.VarS64(&value)) return false;
      absl::StrAppend(out_, value);
      return true;
    }
    case Opcode::kF32Const: {
      uint32_t bits;
      if (!reader_.Fixed32(&bits)) return false;
      absl::StrAppend(out_, PrintF32(bits));
      return true;
    }
    default: {
      uint64_t bits;
      if (!reader_.Fixed64(&bits)) return false;
      absl::StrAppend(out_, PrintF64(bits));
      return true;
    }
  }
}

}  // namespace gantry::wasm::text
