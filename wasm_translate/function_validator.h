// Decodes and validates function bodies in one pass, with a visitor along (visitor.h has
// the contract). Work and memory are linear in the body; nothing is allocated per operator,
// and a validator's stacks are reused from one body to the next.
//
//   NoVisitor none;
//   FunctionValidator<NoVisitor> validator(module, features, limits);
//   for (const FunctionBody& body : module.bodies) {
//     RETURN_IF_ERROR(validator.Run(body, none));
//   }
//
// (WebAssembly 3.0, "Validation", instructions, and "Validation Algorithm".)
#ifndef GANTRY_WASM_TRANSLATE_FUNCTION_VALIDATOR_H_
#define GANTRY_WASM_TRANSLATE_FUNCTION_VALIDATOR_H_

#include <array>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "absl/status/status.h"
#include "absl/types/span.h"
#include "wasm_translate/function_state.h"
#include "wasm_translate/operators.h"
#include "wasm_translate/visitor.h"

namespace gantry::wasm {

// Whether the operator may stand in a constant expression under these features.
bool IsConstantOperator(Opcode op, Features features);

template <class Visitor>
class FunctionValidator : public FunctionState {
 public:
  // The module and the limits have to outlive the validator. Of the module everything but
  // bodies and data segments has to be there.
  FunctionValidator(const Module& module, Features features, const ValidatorLimits& limits)
      : FunctionState(module, features, limits) {}

  // Whether the body is valid; an error has the offset of the operator at fault (error.h).
  absl::Status Run(const FunctionBody& body, Visitor& visitor) {
    visitor_ = &visitor;
    Reset(body.func, body.bytes, body.offset);
    if (!RunFunction()) return reader_.status();
    return absl::OkStatus();
  }

  // Validates the constant expression at the start of the reader's bytes, up to and
  // including its `end`, and moves the reader past it. Only operators that are constant are
  // allowed; the visitor sees them as in a function. On error the reader has it too.
  bool RunConstant(BinaryReader& reader, ValType type, Visitor& visitor) {
    visitor_ = &visitor;
    Reset(FuncIndex::None(), absl::MakeConstSpan(reader.position(), reader.remaining()),
          reader.offset());
    ControlFrame frame;
    frame.SetResult(type);
    const bool ok = PushFrame(FrameKind::kFunction, frame) && Start() && RunOperators<true>();
    absl::Span<const uint8_t> used;
    CHECK(reader.Bytes(reader_.offset() - reader.offset(), &used));
    if (!ok) reader.TakeError(reader_);
    return ok;
  }

 private:
  static constexpr bool kVisits = !std::is_same_v<Visitor, NoVisitor>;

  template <typename F>
  ABSL_ATTRIBUTE_ALWAYS_INLINE void Visit(F callback) {
    if constexpr (kVisits) {
      if (visiting_) {
        callback(*visitor_);
        if (visitor_->failed()) {
          visitor_failed_ = true;
          visiting_ = false;
        }
      }
    }
  }

  // To be called when the innermost frame or its liveness has changed.
  void UpdateVisiting() {
    if constexpr (kVisits) {
      visiting_ = !visitor_failed_ && num_frames_ > 0 && innermost().live;
    }
  }

  bool Start() {
    visitor_failed_ = false;
    UpdateVisiting();
    Visit([&](Visitor& v) { v.OnBegin(*this); });
    return true;
  }

  bool RunFunction() {
    const FuncType& type = module_.func_type(func_);
    ControlFrame frame;
    frame.SetResults(type.results());
    for (ValType param : type.params()) {
      if (!AddLocals(1, param)) return false;
    }
    num_params_ = type.params().size();
    if (!PushFrame(FrameKind::kFunction, frame) || !Start()) return false;
    uint32_t runs;
    if (!reader_.Count(limits_.function_locals, "locals", &runs)) return false;
    for (; runs > 0; --runs) {
      operator_offset_ = reader_.offset();
      uint32_t count;
      ValType local;
      if (!reader_.VarU32(&count) || !ReadValType(reader_, type_context(), &local) ||
          !AddLocals(count, local)) {
        return false;
      }
      Visit([&](Visitor& v) { v.OnLocals(count, local); });
    }
    Visit([&](Visitor& v) { v.OnCode(); });
    if (!RunOperators<false>()) return false;
    if (!reader_.done()) {
      operator_offset_ = reader_.offset();
      return Fail("END opcode expected as the last byte of a function, found more after it");
    }
    return true;
  }

  template <bool kConstant>
  bool RunOperators() {
    do {
      operator_offset_ = reader_.offset();
      uint8_t byte = 0;
      if (!reader_.U8(&byte)) return false;
      if constexpr (kConstant) {
        if (byte < 0xFB && !CheckConstant(static_cast<Opcode>(byte))) return false;
      }
      if (!RunOperator<kConstant>(byte)) return false;
    } while (num_frames_ > 0);
    return true;
  }

  bool CheckConstant(Opcode op) {
    if (GetOperatorInfo(op).op_class == OperatorClass::kInvalid) {
      return FailOpcode(0, static_cast<uint32_t>(op));
    }
    return IsConstantOperator(op, features_) || Fail("constant expression required");
  }

  ABSL_ATTRIBUTE_ALWAYS_INLINE bool Require(Opcode op, Feature feature) {
    return ABSL_PREDICT_TRUE(features_.Has(feature)) || FailFeature(op);
  }

  // Control cannot go on after the operator at hand.
  bool EndOfLiveCode() {
    MakeUnreachable();
    visiting_ = false;
    return true;
  }

  template <bool kConstant>
  ABSL_ATTRIBUTE_ALWAYS_INLINE bool RunOperator(uint8_t byte) {
    const Opcode op = static_cast<Opcode>(byte);
    switch (op) {
      case Opcode::kNop:
        Visit([&](Visitor& v) { v.OnNop(); });
        return true;
      case Opcode::kUnreachable:
        Visit([&](Visitor& v) { v.OnUnreachable(); });
        return EndOfLiveCode();
      case Opcode::kBlock:
      case Opcode::kLoop:
      case Opcode::kIf:
        return RunBlock(op);
      case Opcode::kElse:
        return RunElse();
      case Opcode::kEnd:
        return RunEnd();
      case Opcode::kBr: {
        uint32_t depth;
        if (!ReadLabel(&depth) || !CheckTop(frame(depth).label_types())) return false;
        Branch(depth);
        Visit([&](Visitor& v) { v.OnBr(depth); });
        return EndOfLiveCode();
      }
      case Opcode::kBrIf: {
        uint32_t depth;
        if (!ReadLabel(&depth) || !Pop(ValType::I32())) return false;
        const auto types = frame(depth).label_types();
        if (!types.empty() && (!PopAll(types) || !PushAll(types))) return false;
        Branch(depth);
        Visit([&](Visitor& v) { v.OnBrIf(depth); });
        return true;
      }
      case Opcode::kBrTable:
        return RunBrTable();
      case Opcode::kReturn:
        if (!CheckTop(results())) return false;
        Visit([&](Visitor& v) { v.OnReturn(); });
        return EndOfLiveCode();
      case Opcode::kCall: {
        FuncIndex callee;
        if (!ReadFunc(&callee)) return false;
        const FuncType& type = module_.func_type(callee);
        if (!CheckCall(type)) return false;
        Visit([&](Visitor& v) { v.OnCall(callee, type); });
        return true;
      }
      case Opcode::kCallIndirect: {
        TypeIndex index;
        TableIndex table;
        if (!ReadTypeTable(&index, &table)) return false;
        const FuncType& type = module_.func_type(index);
        if (!Pop(AddressType(table)) || !CheckCall(type)) return false;
        Visit([&](Visitor& v) { v.OnCallIndirect(table, index, type); });
        return true;
      }
      case Opcode::kDrop: {
        ValType type;
        if (!PopAny(&type)) return false;
        Visit([&](Visitor& v) { v.OnDrop(type); });
        return true;
      }
      case Opcode::kSelect: {
        ValType type;
        if (!CheckSelect(&type)) return false;
        Visit([&](Visitor& v) { v.OnSelect(type); });
        return true;
      }
      case Opcode::kLocalGet: {
        uint32_t index;
        if (!reader_.VarU32(&index)) return false;
        if (ABSL_PREDICT_FALSE(index >= locals_.size())) return FailIndex("unknown local", index);
        const ValType type = locals_[index];
        if (ABSL_PREDICT_FALSE(has_unset_locals_) && !CheckUnset(LocalIndex(index))) return false;
        if (!Push(type)) return false;
        Visit([&](Visitor& v) { v.OnLocalGet(LocalIndex(index), type); });
        return true;
      }
      case Opcode::kLocalSet:
      case Opcode::kLocalTee: {
        uint32_t index;
        if (!reader_.VarU32(&index)) return false;
        if (ABSL_PREDICT_FALSE(index >= locals_.size())) return FailIndex("unknown local", index);
        const ValType type = locals_[index];
        if (!Pop(type)) return false;
        if (ABSL_PREDICT_FALSE(has_unset_locals_) && !CheckLocalSet(LocalIndex(index))) {
          return false;
        }
        if (op == Opcode::kLocalSet) {
          Visit([&](Visitor& v) { v.OnLocalSet(LocalIndex(index), type); });
          return true;
        }
        if (!Push(type)) return false;
        Visit([&](Visitor& v) { v.OnLocalTee(LocalIndex(index), type); });
        return true;
      }
      case Opcode::kGlobalGet: {
        GlobalIndex index;
        if (!ReadGlobal(&index)) return false;
        const GlobalType& global = module_.globals[index];
        if constexpr (kConstant) {
          if (global.is_mutable) return Fail("constant expression required");
          if (!module_.is_imported(index) && !features_.Has(Feature::kGc)) {
            return FailIndex("unknown global", index.raw());
          }
        }
        if (!Push(global.content)) return false;
        Visit([&](Visitor& v) { v.OnGlobalGet(index, global); });
        return true;
      }
      case Opcode::kGlobalSet: {
        GlobalIndex index;
        if (!ReadGlobal(&index)) return false;
        const GlobalType& global = module_.globals[index];
        if (!global.is_mutable) return FailImmutable(index);
        if (!Pop(global.content)) return false;
        Visit([&](Visitor& v) { v.OnGlobalSet(index, global); });
        return true;
      }
      case Opcode::kI32Const: {
        int32_t value;
        if (!reader_.VarS32(&value) || !Push(ValType::I32())) return false;
        Visit([&](Visitor& v) { v.OnI32Const(value); });
        return true;
      }
      case Opcode::kI64Const: {
        int64_t value;
        if (!reader_.VarS64(&value) || !Push(ValType::I64())) return false;
        Visit([&](Visitor& v) { v.OnI64Const(value); });
        return true;
      }
      case Opcode::kF32Const: {
        uint32_t bits;
        if (!reader_.Fixed32(&bits) || !Push(ValType::F32())) return false;
        Visit([&](Visitor& v) { v.OnF32Const(bits); });
        return true;
      }
      case Opcode::kF64Const: {
        uint64_t bits;
        if (!reader_.Fixed64(&bits) || !Push(ValType::F64())) return false;
        Visit([&](Visitor& v) { v.OnF64Const(bits); });
        return true;
      }
      default:
        break;
    }
    const OperatorInfo& info = operators_internal::kOperatorTable[byte];
    if (ABSL_PREDICT_TRUE(info.op_class == OperatorClass::kSimple)) {
      return RunSimple(op, info);
    }
    if (ABSL_PREDICT_TRUE(info.op_class == OperatorClass::kMemory)) {
      return RunMemory(op, info);
    }
    return RunRare<kConstant>(op);
  }

  ABSL_ATTRIBUTE_ALWAYS_INLINE bool RunSimple(Opcode op, const OperatorInfo& info) {
    if (!Require(op, info.feature)) return false;
    // One or two operands of the right types, by far the most frequent.
    const ptrdiff_t arity = info.num_params;
    if (ABSL_PREDICT_TRUE(arity <= 2 && info.num_results == 1 && top_ - floor_ >= arity &&
                          top_[-1].bits() == info.params[arity - 1] &&
                          (arity == 1 || top_[-2].bits() == info.params[0]))) {
      top_ -= arity - 1;
      top_[-1] = ValType::OfSimpleKind(static_cast<ValType::Kind>(info.results[0]));
    } else if (!CheckSignature(info, ValType::I32())) {
      return false;
    }
    Visit([&](Visitor& v) { v.OnSimple(op); });
    return true;
  }

  ABSL_ATTRIBUTE_NOINLINE bool RunMemory(Opcode op, const OperatorInfo& info) {
    if (!Require(op, info.feature)) return false;
    MemArg arg;
    const bool atomic = info.feature == Feature::kThreads;
    if (!ReadMemArg(info.align_or_lanes, atomic, &arg)) return false;
    const bool with_lane = info.immediates == Immediates::kMemArgLane;
    uint8_t lane = 0;
    if (with_lane) {
      if (!reader_.U8(&lane)) return false;
      if (lane >= 16 >> info.align_or_lanes) return Fail("invalid lane index");
    }
    if (!CheckSignature(info, AddressType(arg.memory))) return false;
    Visit([&](Visitor& v) {
      if (atomic) {
        v.OnAtomic(op, arg);
      } else if (info.num_results > 0) {
        with_lane ? v.OnLoadLane(op, arg, lane) : v.OnLoad(op, arg);
      } else {
        with_lane ? v.OnStoreLane(op, arg, lane) : v.OnStore(op, arg);
      }
    });
    return true;
  }

  ABSL_ATTRIBUTE_NOINLINE bool RunBlock(Opcode op) {
    ControlFrame frame;
    if (!ReadBlockType(&frame)) return false;
    if (op == Opcode::kIf && !Pop(ValType::I32())) return false;
    if (!PopAll(frame.params())) return false;
    const FrameKind kind = op == Opcode::kBlock  ? FrameKind::kBlock
                           : op == Opcode::kLoop ? FrameKind::kLoop
                                                 : FrameKind::kIf;
    if (!PushFrame(kind, frame) || !PushAll(frame.params())) return false;
    Visit([&](Visitor& v) {
      const ControlFrame& opened = innermost();
      op == Opcode::kBlock  ? v.OnBlock(opened)
      : op == Opcode::kLoop ? v.OnLoop(opened)
                            : v.OnIf(opened);
    });
    return true;
  }

  ABSL_ATTRIBUTE_NOINLINE bool RunElse() {
    ControlFrame& frame = innermost();
    if (frame.kind != FrameKind::kIf) return Fail("unexpected else: there is no open if");
    if (!PopFrame()) return false;
    const bool fallthrough = frame.live;
    frame.end_live |= fallthrough;
    frame.kind = FrameKind::kElse;
    frame.unreachable = false;
    frame.live = frame.start_live;
    ++num_frames_;
    floor_ = operands_.get() + frame.height;
    if (!PushAll(frame.params())) return false;
    UpdateVisiting();
    Visit([&](Visitor& v) { v.OnElse(innermost(), fallthrough); });
    return true;
  }

  ABSL_ATTRIBUTE_NOINLINE bool RunEnd() {
    if (!PopFrame()) return false;
    // Still there: only the count of frames has gone down.
    ControlFrame& frame = frames_[num_frames_];
    if (frame.kind == FrameKind::kIf) {
      // Without else, the parameters are the results.
      const auto params = frame.params();
      const auto results = frame.results();
      bool equal = params.size() == results.size();
      for (size_t i = 0; equal && i < params.size(); ++i) {
        equal = params[i] == results[i] || Matches(params[i], results[i]);
      }
      if (!equal) {
        return Fail("type mismatch: an if whose type is not that of its parameters needs an else");
      }
      frame.end_live |= frame.start_live;
    }
    const bool fallthrough = frame.live;
    frame.end_live |= fallthrough;
    if (!PushAll(frame.results())) return false;
    if constexpr (kVisits) {
      visiting_ = frame.start_live && !visitor_failed_;
      Visit([&](Visitor& v) { v.OnEnd(frame, fallthrough); });
    }
    if (num_frames_ > 0) innermost().live &= frame.end_live;
    UpdateVisiting();
    return true;
  }

  ABSL_ATTRIBUTE_NOINLINE bool RunBrTable() {
    if (!ReadLabelTable()) return false;
    Visit([&](Visitor& v) { v.OnBrTable(br_depths_); });
    return EndOfLiveCode();
  }

  // Everything else with a byte of its own.
  template <bool kConstant>
  ABSL_ATTRIBUTE_NOINLINE bool RunRare(Opcode op);
  template <bool kConstant>
  ABSL_ATTRIBUTE_NOINLINE bool RunPrefixed(uint8_t prefix);
  bool RunBulk(Opcode op);
  bool RunVector(Opcode op, const OperatorInfo& info);

  Visitor* visitor_ = nullptr;
  // Whether callbacks are made at the current position.
  bool visiting_ = false;
  bool visitor_failed_ = false;
};

template <class Visitor>
template <bool kConstant>
bool FunctionValidator<Visitor>::RunRare(Opcode op) {
  const OperatorInfo& info = GetOperatorInfo(op);
  if (info.op_class == OperatorClass::kInvalid) {
    const uint8_t byte = static_cast<uint8_t>(op);
    if (byte >= 0xFB && byte <= 0xFE) return RunPrefixed<kConstant>(byte);
    return FailOpcode(0, byte);
  }
  if (!Require(op, info.feature)) return false;
  switch (op) {
    case Opcode::kTryTable: {
      ControlFrame frame;
      if (!ReadBlockType(&frame) || !ReadCatches() || !PopAll(frame.params()) ||
          !PushFrame(FrameKind::kTryTable, frame) || !PushAll(frame.params())) {
        return false;
      }
      Visit([&](Visitor& v) { v.OnTryTable(innermost(), catches_); });
      return true;
    }
    case Opcode::kThrow: {
      TagIndex tag;
      if (!ReadTag(&tag) || !PopAll(module_.func_type(tag).params())) return false;
      Visit([&](Visitor& v) { v.OnThrow(tag, module_.func_type(tag)); });
      return EndOfLiveCode();
    }
    case Opcode::kThrowRef:
      if (!Pop(ValType::ExnRef())) return false;
      Visit([&](Visitor& v) { v.OnThrowRef(); });
      return EndOfLiveCode();
    case Opcode::kReturnCall: {
      FuncIndex callee;
      if (!ReadFunc(&callee)) return false;
      const FuncType& type = module_.func_type(callee);
      if (!CheckReturnCall(type)) return false;
      Visit([&](Visitor& v) { v.OnReturnCall(callee, type); });
      return EndOfLiveCode();
    }
    case Opcode::kReturnCallIndirect: {
      TypeIndex index;
      TableIndex table;
      if (!ReadTypeTable(&index, &table)) return false;
      const FuncType& type = module_.func_type(index);
      if (!Pop(AddressType(table)) || !CheckReturnCall(type)) return false;
      Visit([&](Visitor& v) { v.OnReturnCallIndirect(table, index, type); });
      return EndOfLiveCode();
    }
    case Opcode::kCallRef: {
      TypeIndex index;
      if (!ReadFuncType(&index) || !Pop(ValType::ConcreteRef(index, true))) return false;
      const FuncType& type = module_.func_type(index);
      if (!CheckCall(type)) return false;
      Visit([&](Visitor& v) { v.OnCallRef(index, type); });
      return true;
    }
    case Opcode::kReturnCallRef: {
      TypeIndex index;
      if (!ReadFuncType(&index) || !Pop(ValType::ConcreteRef(index, true))) return false;
      const FuncType& type = module_.func_type(index);
      if (!CheckReturnCall(type)) return false;
      Visit([&](Visitor& v) { v.OnReturnCallRef(index, type); });
      return EndOfLiveCode();
    }
    case Opcode::kSelectTyped: {
      ValType type;
      if (!CheckSelectTyped(&type)) return false;
      Visit([&](Visitor& v) { v.OnSelect(type); });
      return true;
    }
    case Opcode::kTableGet: {
      TableIndex table;
      if (!ReadTable(&table) || !Pop(AddressType(table))) return false;
      const TableType& type = module_.tables[table];
      if (!Push(type.element)) return false;
      Visit([&](Visitor& v) { v.OnTableGet(table, type); });
      return true;
    }
    case Opcode::kTableSet: {
      TableIndex table;
      if (!ReadTable(&table)) return false;
      const TableType& type = module_.tables[table];
      if (!Pop(type.element) || !Pop(AddressType(table))) return false;
      Visit([&](Visitor& v) { v.OnTableSet(table, type); });
      return true;
    }
    case Opcode::kMemorySize: {
      MemoryIndex memory;
      if (!ReadMemory(&memory) || !Push(AddressType(memory))) return false;
      Visit([&](Visitor& v) { v.OnMemorySize(memory); });
      return true;
    }
    case Opcode::kMemoryGrow: {
      MemoryIndex memory;
      if (!ReadMemory(&memory) || !Pop(AddressType(memory)) || !Push(AddressType(memory))) {
        return false;
      }
      Visit([&](Visitor& v) { v.OnMemoryGrow(memory); });
      return true;
    }
    case Opcode::kRefNull: {
      HeapType heap_type = HeapType::Abstract(AbstractHeapType::kFunc);
      if (!ReadHeapType(reader_, type_context(), &heap_type)) return false;
      const ValType type = ValType::Ref(heap_type, true);
      if (!Push(type)) return false;
      Visit([&](Visitor& v) { v.OnRefNull(type); });
      return true;
    }
    case Opcode::kRefIsNull: {
      ValType type;
      if (!PopRef(&type) || !Push(ValType::I32())) return false;
      Visit([&](Visitor& v) { v.OnRefIsNull(type); });
      return true;
    }
    case Opcode::kRefFunc: {
      FuncIndex func;
      if (!ReadFunc(&func)) return false;
      if constexpr (!kConstant) {
        if (!module_.referenced_functions.contains(func)) {
          return Fail("undeclared function reference");
        }
      }
      if (!Push(RefFuncType(func))) return false;
      Visit([&](Visitor& v) { v.OnRefFunc(func); });
      return true;
    }
    case Opcode::kRefAsNonNull: {
      ValType type;
      if (!PopRef(&type)) return false;
      if (!Push(type.is_bottom() ? type : type.WithNullable(false))) return false;
      Visit([&](Visitor& v) { v.OnRefAsNonNull(type); });
      return true;
    }
    case Opcode::kRefEq: {
      const ValType eq = ValType::Ref(HeapType::Abstract(AbstractHeapType::kEq), true);
      if (!Pop(eq) || !Pop(eq) || !Push(ValType::I32())) return false;
      Visit([&](Visitor& v) { v.OnRefEq(); });
      return true;
    }
    case Opcode::kBrOnNull: {
      uint32_t depth;
      if (!ReadLabel(&depth) || !CheckBrOnNull(depth)) return false;
      Branch(depth);
      Visit([&](Visitor& v) { v.OnBrOnNull(depth); });
      return true;
    }
    case Opcode::kBrOnNonNull: {
      uint32_t depth;
      if (!ReadLabel(&depth) || !CheckBrOnNonNull(depth)) return false;
      Branch(depth);
      Visit([&](Visitor& v) { v.OnBrOnNonNull(depth); });
      return true;
    }
    default:
      return FailOpcode(0, static_cast<uint32_t>(op));
  }
}

template <class Visitor>
template <bool kConstant>
bool FunctionValidator<Visitor>::RunPrefixed(uint8_t prefix) {
  uint32_t code;
  if (!reader_.VarU32(&code)) return false;
  const auto found = OpcodeFromEncoding(prefix, code);
  if (!found.has_value()) return FailOpcode(prefix, code);
  const Opcode op = *found;
  if constexpr (kConstant) {
    if (!IsConstantOperator(op, features_)) return Fail("constant expression required");
  }
  const OperatorInfo& info = GetOperatorInfo(op);
  if (!Require(op, info.feature)) return false;
  switch (info.op_class) {
    case OperatorClass::kSimple:
      return RunSimple(op, info);
    case OperatorClass::kMemory:
      return RunMemory(op, info);
    default:
      break;
  }
  if (prefix == 0xFB) {
    GcImmediates immediates;
    if (!CheckGc(op, &immediates)) return false;
    Visit([&](Visitor& v) { v.OnGc(op, immediates); });
    return true;
  }
  if (prefix == 0xFC) return RunBulk(op);
  if (prefix == 0xFD) return RunVector(op, info);
  // The fence.
  uint8_t zero = 0;
  if (!reader_.U8(&zero)) return false;
  if (zero != 0) return Fail("zero byte expected");
  Visit([&](Visitor& v) { v.OnAtomicFence(); });
  return true;
}

template <class Visitor>
bool FunctionValidator<Visitor>::RunVector(Opcode op, const OperatorInfo& info) {
  if (op == Opcode::kV128Const || op == Opcode::kI8x16Shuffle) {
    absl::Span<const uint8_t> bytes;
    if (!reader_.Bytes(16, &bytes)) return false;
    std::array<uint8_t, 16> value;
    std::memcpy(value.data(), bytes.data(), value.size());
    if (op == Opcode::kV128Const) {
      if (!Push(ValType::V128())) return false;
      Visit([&](Visitor& v) { v.OnV128Const(value); });
      return true;
    }
    for (uint8_t lane : value) {
      if (lane >= 32) return Fail("invalid lane index");
    }
    if (!Pop(ValType::V128()) || !Pop(ValType::V128()) || !Push(ValType::V128())) return false;
    Visit([&](Visitor& v) { v.OnShuffle(value); });
    return true;
  }
  uint8_t lane = 0;
  if (!reader_.U8(&lane)) return false;
  if (lane >= info.align_or_lanes) return Fail("invalid lane index");
  if (!CheckSignature(info, ValType::I32())) return false;
  Visit([&](Visitor& v) { v.OnLane(op, lane); });
  return true;
}

template <class Visitor>
bool FunctionValidator<Visitor>::RunBulk(Opcode op) {
  switch (op) {
    case Opcode::kMemoryInit: {
      DataIndex data;
      MemoryIndex memory;
      if (!ReadDataMemory(&data, &memory) || !CheckMemoryInit(memory)) return false;
      Visit([&](Visitor& v) { v.OnMemoryInit(data, memory); });
      return true;
    }
    case Opcode::kDataDrop: {
      DataIndex data;
      if (!ReadData(&data)) return false;
      Visit([&](Visitor& v) { v.OnDataDrop(data); });
      return true;
    }
    case Opcode::kMemoryCopy: {
      MemoryIndex destination;
      MemoryIndex source;
      if (!ReadMemory(&destination) || !ReadMemory(&source) ||
          !CheckMemoryCopy(destination, source)) {
        return false;
      }
      Visit([&](Visitor& v) { v.OnMemoryCopy(destination, source); });
      return true;
    }
    case Opcode::kMemoryFill: {
      MemoryIndex memory;
      if (!ReadMemory(&memory) || !Pop(AddressType(memory)) || !Pop(ValType::I32()) ||
          !Pop(AddressType(memory))) {
        return false;
      }
      Visit([&](Visitor& v) { v.OnMemoryFill(memory); });
      return true;
    }
    case Opcode::kTableInit: {
      ElemIndex elem;
      TableIndex table;
      if (!ReadElemTable(&elem, &table) || !CheckTableInit(elem, table)) return false;
      Visit([&](Visitor& v) { v.OnTableInit(elem, table); });
      return true;
    }
    case Opcode::kElemDrop: {
      ElemIndex elem;
      if (!ReadElem(&elem)) return false;
      Visit([&](Visitor& v) { v.OnElemDrop(elem); });
      return true;
    }
    case Opcode::kTableCopy: {
      TableIndex destination;
      TableIndex source;
      if (!ReadTable(&destination) || !ReadTable(&source) || !CheckTableCopy(destination, source)) {
        return false;
      }
      Visit([&](Visitor& v) { v.OnTableCopy(destination, source); });
      return true;
    }
    case Opcode::kTableGrow: {
      TableIndex table;
      if (!ReadTable(&table)) return false;
      const TableType& type = module_.tables[table];
      if (!Pop(AddressType(table)) || !Pop(type.element) || !Push(AddressType(table))) return false;
      Visit([&](Visitor& v) { v.OnTableGrow(table, type); });
      return true;
    }
    case Opcode::kTableSize: {
      TableIndex table;
      if (!ReadTable(&table) || !Push(AddressType(table))) return false;
      Visit([&](Visitor& v) { v.OnTableSize(table); });
      return true;
    }
    case Opcode::kTableFill: {
      TableIndex table;
      if (!ReadTable(&table)) return false;
      const TableType& type = module_.tables[table];
      if (!Pop(AddressType(table)) || !Pop(type.element) || !Pop(AddressType(table))) return false;
      Visit([&](Visitor& v) { v.OnTableFill(table, type); });
      return true;
    }
    default:
      return FailOpcode(0xFC, EncodingOf(op).code);
  }
}

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_FUNCTION_VALIDATOR_H_
