#include "wasm_translate/function_state.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "wasm_translate/subtyping.h"

namespace gantry::wasm {
namespace {

// What a hostile body may make of the operand stack (a call can push 1000 results in two
// bytes); far above what any compiler emits.
constexpr size_t kMaxOperands = 10'000'000;
constexpr size_t kFirstOperands = 256;

std::string Expected(ValType expected, absl::string_view found) {
  return absl::StrCat("type mismatch: expected ", expected.ToString(), ", found ", found);
}

}  // namespace

FunctionState::FunctionState(const Module& module, Features features, const ValidatorLimits& limits)
    : module_(module), features_(features), limits_(limits) {
  operands_ = std::make_unique<ValType[]>(kFirstOperands);
  limit_ = operands_.get() + kFirstOperands;
}

void FunctionState::Reset(FuncIndex func, absl::Span<const uint8_t> bytes, uint64_t offset) {
  reader_ = BinaryReader(bytes, offset);
  operator_ = bytes.data();
  func_ = func;
  top_ = floor_ = operands_.get();
  num_frames_ = 0;
  has_plain_memory_ = !module_.memories.empty() && AddressType(MemoryIndex(0)) == ValType::I32();
  locals_.clear();
  num_params_ = 0;
  has_unset_locals_ = false;
  local_is_set_.clear();
  set_locals_.clear();
}

bool FunctionState::AddParams(absl::Span<const ValType> types) {
  if (types.size() > limits_.function_locals) {
    return Fail(absl::StrCat("too many locals: the limit is ", limits_.function_locals));
  }
  locals_.assign(types.begin(), types.end());
  num_params_ = types.size();
  return true;
}

bool FunctionState::AddLocals(uint64_t count, ValType type) {
  if (count > limits_.function_locals || locals_.size() + count > limits_.function_locals) {
    return Fail(absl::StrCat("too many locals: the limit is ", limits_.function_locals));
  }
  locals_.resize(locals_.size() + static_cast<size_t>(count), type);
  const bool unset = !type.is_defaultable();
  if (unset && !has_unset_locals_) {
    has_unset_locals_ = true;
    local_is_set_.assign(locals_.size() - static_cast<size_t>(count), true);
  }
  if (has_unset_locals_) local_is_set_.resize(locals_.size(), !unset);
  return true;
}

bool FunctionState::FailIndex(absl::string_view what, uint64_t index) {
  return Fail(absl::StrCat(what, " ", index));
}

bool FunctionState::FailImmutable(GlobalIndex global) {
  return Fail(absl::StrCat("immutable global: global.set of global ", global.raw(),
                           ", which is not mutable"));
}

bool FunctionState::FailFeature(Opcode op) {
  return reader_.FailUnsupported(
      offset(), absl::StrCat(OpcodeName(op), " needs the feature ",
                             FeatureName(GetOperatorInfo(op).feature), ", which is not enabled"));
}

bool FunctionState::FailOpcode(uint32_t prefix, uint32_t code) {
  const std::string hex = absl::StrCat(absl::Hex(code, absl::kZeroPad2));
  if (prefix == 0) return Fail(absl::StrCat("illegal opcode ", hex));
  return Fail(absl::StrCat("illegal opcode ", absl::Hex(prefix), " ", hex));
}

bool FunctionState::Grow(size_t count) {
  const size_t height = operand_height();
  const size_t wanted = height + count;
  if (wanted > kMaxOperands) {
    return Fail(absl::StrCat("function too large: more than ", kMaxOperands, " operands"));
  }
  const size_t doubled = 2 * static_cast<size_t>(limit_ - operands_.get());
  const size_t capacity = std::max(wanted, std::min(doubled, kMaxOperands));
  auto grown = std::make_unique<ValType[]>(capacity);
  std::copy(operands_.get(), top_, grown.get());
  floor_ = grown.get() + (floor_ - operands_.get());
  operands_ = std::move(grown);
  top_ = operands_.get() + height;
  limit_ = operands_.get() + capacity;
  return true;
}

bool FunctionState::Matches(ValType sub, ValType super) const {
  return IsSubtype(module_, sub, super);
}

bool FunctionState::MatchesAll(absl::Span<const ValType> subs,
                               absl::Span<const ValType> supers) const {
  if (subs.size() != supers.size()) return false;
  for (size_t i = 0; i < subs.size(); ++i) {
    if (!Matches(subs[i], supers[i])) return false;
  }
  return true;
}

bool FunctionState::PopSlow(ValType expected) {
  if (top_ == floor_) {
    if (frames_[num_frames_ - 1].unreachable) return true;
    return Fail(Expected(expected, "nothing on the stack"));
  }
  const ValType found = top_[-1];
  if (!Matches(found, expected)) return Fail(Expected(expected, found.ToString()));
  --top_;
  return true;
}

bool FunctionState::PopAny(ValType* type) {
  if (top_ == floor_) {
    *type = ValType::Bottom();
    if (frames_[num_frames_ - 1].unreachable) return true;
    return Fail("type mismatch: expected a value, found nothing on the stack");
  }
  *type = *--top_;
  return true;
}

bool FunctionState::PopRef(ValType* type) {
  if (!PopAny(type)) return false;
  if (type->is_ref() || type->is_bottom()) return true;
  return Fail(absl::StrCat("type mismatch: expected a reference, found ", type->ToString()));
}

bool FunctionState::PopAll(absl::Span<const ValType> types) {
  size_t i = types.size();
  // While they are just the ones wanted.
  while (i > 0 && top_ > floor_ && top_[-1] == types[i - 1]) {
    --top_;
    --i;
  }
  for (; i > 0 && !OnlyUnknown(); --i) {
    if (!Pop(types[i - 1])) return false;
  }
  return true;
}

bool FunctionState::PushAll(absl::Span<const ValType> types) {
  if (static_cast<size_t>(limit_ - top_) < types.size() && !Grow(types.size())) return false;
  for (ValType type : types) *top_++ = type;
  return true;
}

bool FunctionState::CheckTop(absl::Span<const ValType> types) {
  const size_t available = static_cast<size_t>(top_ - floor_);
  for (size_t i = 0; i < types.size(); ++i) {
    const ValType expected = types[types.size() - 1 - i];
    if (i >= available) {
      return frames_[num_frames_ - 1].unreachable ||
             Fail(Expected(expected, "nothing on the stack"));
    }
    const ValType found = top_[-1 - static_cast<ptrdiff_t>(i)];
    if (found == expected || Matches(found, expected)) continue;
    return Fail(Expected(expected, found.ToString()));
  }
  return true;
}

bool FunctionState::ReadBlockType(ControlFrame* frame) {
  if (reader_.done()) return reader_.FailAtEnd();
  const uint8_t first = reader_.Peek();
  uint8_t byte = 0;
  if (first == 0x40) return reader_.U8(&byte);
  // A negative number of one byte is a value type, anything else a type index.
  if ((first & 0xC0) == 0x40) {
    ValType type;
    if (!ReadValType(reader_, type_context(), &type)) return false;
    frame->SetResult(type);
    return true;
  }
  const uint64_t start = reader_.offset();
  int64_t index;
  if (!reader_.VarS33(&index)) return false;
  if (index < 0) return reader_.Fail(start, "malformed block type");
  if (static_cast<uint64_t>(index) >= module_.types.size()) {
    return FailIndex("unknown type", static_cast<uint64_t>(index));
  }
  if (!RequireFeature(reader_, start, features_, Feature::kMultiValue,
                      "a block with parameters or several results")) {
    return false;
  }
  const FuncType* type = module_.types[TypeIndex(static_cast<uint32_t>(index))].func();
  if (type == nullptr) {
    return Fail(absl::StrCat("type mismatch: block type ", index, " is no function type"));
  }
  frame->SetType(*type);
  return true;
}

void FunctionState::PushFrame(FrameKind kind) {
  ControlFrame& frame = frames_[num_frames_];
  frame.kind = kind;
  frame.live = frame.start_live = num_frames_ == 0 || frames_[num_frames_ - 1].live;
  frame.height = static_cast<uint32_t>(operand_height());
  frame.num_initialized = static_cast<uint32_t>(set_locals_.size());
  floor_ = top_;
  ++num_frames_;
}

bool FunctionState::PopFrame() {
  const ControlFrame& frame = innermost();
  const auto results = frame.results();
  if (!results.empty() && !PopAll(results)) return false;
  if (ABSL_PREDICT_FALSE(top_ != floor_)) {
    return Fail(absl::StrCat("type mismatch: ", top_ - floor_,
                             " values remaining on the stack at the end of a block"));
  }
  --num_frames_;
  floor_ = operands_.get() + (num_frames_ > 0 ? innermost().height : 0);
  if (ABSL_PREDICT_FALSE(has_unset_locals_)) {
    for (size_t i = frame.num_initialized; i < set_locals_.size(); ++i) {
      local_is_set_[set_locals_[i]] = false;
    }
    set_locals_.resize(frame.num_initialized);
  }
  return true;
}

bool FunctionState::ReadLabel(uint32_t* depth) {
  if (!reader_.VarU32(depth)) return false;
  if (ABSL_PREDICT_FALSE(*depth >= num_frames_)) return FailIndex("unknown label", *depth);
  return true;
}

bool FunctionState::ReadLabelTable() {
  uint32_t count;
  if (!reader_.VarU32(&count)) return false;
  if (count >= reader_.remaining()) return reader_.FailAtEnd();
  br_depths_.clear();
  br_depths_.reserve(size_t{count} + 1);
  for (uint64_t i = 0; i <= count; ++i) {
    uint32_t depth;
    if (!ReadLabel(&depth)) return false;
    br_depths_.push_back(depth);
  }
  if (!Pop(ValType::I32())) return false;
  const size_t arity = frame(br_depths_.back()).label_types().size();
  // Runs of one label, and of labels of one type, are checked once.
  absl::Span<const ValType> checked;
  uint32_t checked_depth = static_cast<uint32_t>(num_frames_);
  for (uint32_t depth : br_depths_) {
    if (depth == checked_depth) continue;
    checked_depth = depth;
    const auto types = frame(depth).label_types();
    if (types.size() != arity) {
      return Fail(absl::StrCat("type mismatch: labels of a br_table take ", types.size(), " and ",
                               arity, " values"));
    }
    Branch(depth);
    if (types.data() == checked.data() && types.size() == checked.size()) continue;
    if (!CheckTop(types)) return false;
    checked = types;
  }
  return true;
}

bool FunctionState::ReadCatches() {
  uint32_t count;
  if (!reader_.Count(limits_.function_size, "catch clauses", &count)) return false;
  catches_.clear();
  for (; count > 0; --count) {
    CatchClause clause;
    uint8_t kind;
    if (!reader_.U8(&kind)) return false;
    if (kind > 3) return Fail("malformed catch clause");
    clause.kind = static_cast<CatchClause::Kind>(kind);
    // What the handler receives.
    absl::Span<const ValType> params;
    const bool with_tag =
        clause.kind == CatchClause::Kind::kCatch || clause.kind == CatchClause::Kind::kCatchRef;
    if (with_tag) {
      if (!ReadTag(&clause.tag)) return false;
      params = module_.func_type(clause.tag).params();
    }
    if (!ReadLabel(&clause.depth)) return false;
    const bool with_ref = clause.kind == CatchClause::Kind::kCatchRef ||
                          clause.kind == CatchClause::Kind::kCatchAllRef;
    const auto types = frame(clause.depth).label_types();
    bool matches = types.size() == params.size() + (with_ref ? 1 : 0);
    for (size_t i = 0; matches && i < params.size(); ++i) matches = Matches(params[i], types[i]);
    if (matches && with_ref) matches = Matches(ValType::ExnRef().WithNullable(false), types.back());
    if (!matches) {
      return Fail("type mismatch: the label of a catch clause does not take what it catches");
    }
    Branch(clause.depth);
    catches_.push_back(clause);
  }
  return true;
}

bool FunctionState::ReadMemory(MemoryIndex* memory) {
  const uint64_t start = reader_.offset();
  uint32_t index = 0;
  if (features_.Has(Feature::kMultiMemory)) {
    if (!reader_.VarU32(&index)) return false;
  } else {
    uint8_t byte = 0;
    if (!reader_.U8(&byte)) return false;
    if (byte != 0) return reader_.Fail(start, "zero byte expected");
  }
  *memory = MemoryIndex(index);
  return index < module_.memories.size() || FailIndex("unknown memory", index);
}

bool FunctionState::ReadMemArg(uint32_t natural_align, bool must_be_natural, MemArg* arg) {
  uint32_t flags;
  if (!reader_.VarU32(&flags)) return false;
  uint32_t memory = 0;
  if (features_.Has(Feature::kMultiMemory) && (flags & 0x40) != 0) {
    flags &= ~uint32_t{0x40};
    if (!reader_.VarU32(&memory)) return false;
  }
  if (flags >= 0x40) return Fail("malformed memop flags");
  arg->align_log2 = flags;
  arg->memory = MemoryIndex(memory);
  if (features_.Has(Feature::kMemory64)) {
    if (!reader_.VarU64(&arg->offset)) return false;
  } else {
    uint32_t offset;
    if (!reader_.VarU32(&offset)) return false;
    arg->offset = offset;
  }
  if (memory >= module_.memories.size()) return FailIndex("unknown memory", memory);
  if (flags > natural_align) return Fail("alignment must not be larger than natural");
  if (must_be_natural && flags != natural_align) {
    return Fail("atomic alignment must be natural");
  }
  if (arg->offset > 0xFFFFFFFF && AddressType(arg->memory) == ValType::I32()) {
    return Fail("offset out of range");
  }
  return true;
}

bool FunctionState::ReadTable(TableIndex* table) {
  uint32_t index;
  if (!reader_.VarU32(&index)) return false;
  *table = TableIndex(index);
  return index < module_.tables.size() || FailIndex("unknown table", index);
}

bool FunctionState::ReadFunc(FuncIndex* func) {
  uint32_t index;
  if (!reader_.VarU32(&index)) return false;
  *func = FuncIndex(index);
  return index < module_.functions.size() || FailIndex("unknown function", index);
}

bool FunctionState::ReadGlobal(GlobalIndex* global) {
  uint32_t index;
  if (!reader_.VarU32(&index)) return false;
  *global = GlobalIndex(index);
  return index < module_.globals.size() || FailIndex("unknown global", index);
}

bool FunctionState::ReadFuncType(TypeIndex* type) {
  uint32_t index;
  if (!reader_.VarU32(&index)) return false;
  if (index >= module_.types.size()) return FailIndex("unknown type", index);
  *type = TypeIndex(index);
  if (module_.types[*type].is_func()) return true;
  return Fail(absl::StrCat("type mismatch: type ", index, " is no function type"));
}

bool FunctionState::ReadCallee(FuncIndex* func, const FuncType** type) {
  uint32_t raw;
  if (!reader_.VarU32(&raw)) return false;
  *func = FuncIndex(raw);
  const TypeIndex* index = module_.functions.find(*func);
  if (index == nullptr) return FailIndex("unknown function", raw);
  *type = module_.types[*index].func();
  CHECK(*type != nullptr);
  return true;
}

bool FunctionState::ReadTag(TagIndex* tag) {
  uint32_t index;
  if (!reader_.VarU32(&index)) return false;
  *tag = TagIndex(index);
  return index < module_.tags.size() || FailIndex("unknown tag", index);
}

bool FunctionState::ReadData(DataIndex* data) {
  uint32_t index;
  if (!reader_.VarU32(&index)) return false;
  *data = DataIndex(index);
  return CheckData(*data);
}

bool FunctionState::ReadElem(ElemIndex* elem) {
  uint32_t index;
  if (!reader_.VarU32(&index)) return false;
  *elem = ElemIndex(index);
  return CheckElem(*elem);
}

bool FunctionState::CheckData(DataIndex data) {
  if (!module_.data_count.has_value()) return Fail("data count section required");
  return data.raw() < *module_.data_count || FailIndex("unknown data segment", data.raw());
}

bool FunctionState::CheckElem(ElemIndex elem) {
  return elem.raw() < module_.elements.size() || FailIndex("unknown elem segment", elem.raw());
}

bool FunctionState::ReadDataMemory(DataIndex* data, MemoryIndex* memory) {
  uint32_t index;
  if (!reader_.VarU32(&index) || !ReadMemory(memory)) return false;
  *data = DataIndex(index);
  return CheckData(*data);
}

bool FunctionState::ReadElemTable(ElemIndex* elem, TableIndex* table) {
  uint32_t index;
  if (!reader_.VarU32(&index) || !ReadTable(table)) return false;
  *elem = ElemIndex(index);
  return CheckElem(*elem);
}

bool FunctionState::ReadTypeTable(TypeIndex* type, TableIndex* table) {
  uint32_t type_index;
  if (!reader_.VarU32(&type_index)) return false;
  if (features_.Has(Feature::kReferenceTypes)) {
    if (!ReadTable(table)) return false;
  } else {
    uint8_t byte = 0;
    if (!reader_.U8(&byte)) return false;
    if (byte != 0) return Fail("zero byte expected");
    *table = TableIndex(0);
    if (module_.tables.empty()) return FailIndex("unknown table", 0);
  }
  if (type_index >= module_.types.size()) return FailIndex("unknown type", type_index);
  *type = TypeIndex(type_index);
  if (!module_.types[*type].is_func()) {
    return Fail(absl::StrCat("type mismatch: type ", type_index, " is no function type"));
  }
  const ValType element = module_.tables[*table].element;
  return Matches(element, ValType::FuncRef()) ||
         Fail(absl::StrCat("type mismatch: an indirect call through a table of ",
                           element.ToString()));
}

bool FunctionState::CheckReturnCall(const FuncType& type) {
  if (!MatchesAll(type.results(), results())) {
    return Fail("type mismatch: a tail call whose results are not those of its function");
  }
  return PopAll(type.params());
}

bool FunctionState::CheckSignature(const OperatorInfo& info, ValType address) {
  auto type = [&](uint8_t kind) {
    return kind == OperatorInfo::kAddressKind
               ? address
               : ValType::OfSimpleKind(static_cast<ValType::Kind>(kind));
  };
  for (size_t i = info.num_params; i-- > 0;) {
    if (!Pop(type(info.params[i]))) return false;
  }
  for (size_t i = 0; i < info.num_results; ++i) {
    if (!Push(type(info.results[i]))) return false;
  }
  return true;
}

ValType FunctionState::RefFuncType(FuncIndex func) const {
  if (!features_.Has(Feature::kFunctionReferences)) return ValType::FuncRef();
  return ValType::ConcreteRef(module_.functions[func], false);
}

bool FunctionState::CheckSelect() {
  ValType second;
  ValType first;
  if (!Pop(ValType::I32()) || !PopAny(&second) || !PopAny(&first)) return false;
  for (ValType operand : {second, first}) {
    if (operand.is_ref()) {
      return Fail(absl::StrCat("type mismatch: select without a type, of a ", operand.ToString()));
    }
  }
  if (!(first == second) && !first.is_bottom() && !second.is_bottom()) {
    return Fail(Expected(first, second.ToString()));
  }
  return Push(first.is_bottom() ? second : first);
}

bool FunctionState::CheckSelectTyped(ValType* type) {
  uint32_t count;
  if (!reader_.VarU32(&count)) return false;
  if (count != 1) return Fail("invalid result arity");
  if (!ReadValType(reader_, type_context(), type)) return false;
  return Pop(ValType::I32()) && Pop(*type) && Pop(*type) && Push(*type);
}

void FunctionState::SetLocal(LocalIndex local) {
  if (local_is_set_[local.index()]) return;
  local_is_set_[local.index()] = true;
  set_locals_.push_back(local.raw());
}

bool FunctionState::CheckUnset(LocalIndex local) {
  return local_is_set_[local.index()] || FailIndex("uninitialized local", local.raw());
}

bool FunctionState::CheckTableCopy(TableIndex destination, TableIndex source) {
  const TableType& to = module_.tables[destination];
  const TableType& from = module_.tables[source];
  if (!Matches(from.element, to.element))
    return Fail(Expected(to.element, from.element.ToString()));
  const bool wide = to.index_type == IndexType::kI64 && from.index_type == IndexType::kI64;
  return Pop(wide ? ValType::I64() : ValType::I32()) && Pop(AddressType(source)) &&
         Pop(AddressType(destination));
}

bool FunctionState::CheckTableInit(ElemIndex elem, TableIndex table) {
  const ValType to = module_.tables[table].element;
  const ValType from = module_.elements[elem].type;
  if (!Matches(from, to)) return Fail(Expected(to, from.ToString()));
  return Pop(ValType::I32()) && Pop(ValType::I32()) && Pop(AddressType(table));
}

bool FunctionState::CheckMemoryCopy(MemoryIndex destination, MemoryIndex source) {
  const bool wide = module_.memories[destination].index_type == IndexType::kI64 &&
                    module_.memories[source].index_type == IndexType::kI64;
  return Pop(wide ? ValType::I64() : ValType::I32()) && Pop(AddressType(source)) &&
         Pop(AddressType(destination));
}

bool FunctionState::CheckMemoryInit(MemoryIndex memory) {
  return Pop(ValType::I32()) && Pop(ValType::I32()) && Pop(AddressType(memory));
}

bool FunctionState::CheckBrOnNull(uint32_t depth) {
  ValType type;
  if (!PopRef(&type)) return false;
  const auto types = frame(depth).label_types();
  return PopAll(types) && PushAll(types) &&
         Push(type.is_bottom() ? type : type.WithNullable(false));
}

bool FunctionState::CheckBrOnNonNull(uint32_t depth) {
  const auto types = frame(depth).label_types();
  if (types.empty() || !types.back().is_ref()) {
    return Fail("type mismatch: the label of br_on_non_null takes no reference");
  }
  ValType type;
  if (!PopRef(&type)) return false;
  const ValType taken = type.is_bottom() ? type : type.WithNullable(false);
  if (!Matches(taken, types.back())) return Fail(Expected(types.back(), taken.ToString()));
  const auto rest = types.first(types.size() - 1);
  return PopAll(rest) && PushAll(rest);
}

}  // namespace gantry::wasm
