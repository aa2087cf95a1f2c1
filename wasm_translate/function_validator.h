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
    NextFrame().SetResult(type);
    PushFrame(FrameKind::kFunction);
    const bool ok = Start() && RunOperators<true>();
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
    if (!AddParams(type.params())) return false;
    NextFrame().SetResults(type.results());
    PushFrame(FrameKind::kFunction);
    if (!Start()) return false;
    uint32_t runs;
    if (!reader_.Count(limits_.function_locals, "locals", &runs)) return false;
    for (; runs > 0; --runs) {
      operator_ = reader_.position();
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
      operator_ = reader_.position();
      return Fail("END opcode expected as the last byte of a function, found more after it");
    }
    return true;
  }

  // The two parts of the state that nearly every operator changes, apart from the rest so
  // that the loop over the operators keeps them in registers: kept in memory, each would be a
  // chain of stores and loads through all of them. What is called out of line finds them in
  // the state (Save) and leaves them there (Saved).
  struct Cursor {
    const uint8_t* position;
    ValType* top;
  };
  ABSL_ATTRIBUTE_ALWAYS_INLINE void Save(Cursor at) {
    reader_.set_position(at.position);
    top_ = at.top;
  }
  ABSL_ATTRIBUTE_ALWAYS_INLINE Cursor Saved() const { return {reader_.position(), top_}; }

  // Visit, from within the loop.
  template <typename F>
  ABSL_ATTRIBUTE_ALWAYS_INLINE void VisitAt(Cursor at, F callback) {
    if constexpr (kVisits) {
      if (visiting_) {
        Save(at);
        Visit(callback);
      }
    }
  }

  // The primitives of BinaryReader and FunctionState on a cursor.
  ABSL_ATTRIBUTE_ALWAYS_INLINE bool VarU32At(Cursor& at, uint32_t* out) {
    if (ABSL_PREDICT_TRUE(at.position != reader_.end() && *at.position < 0x80)) {
      *out = *at.position++;
      return true;
    }
    Leb128 number = UnsignedLeb128(32, at.position, reader_.end());
    if (ABSL_PREDICT_FALSE(number.next == nullptr)) {
      Save(at);
      uint32_t value;
      if (!reader_.VarU32(&value)) return false;
      number = {value, reader_.position()};
    }
    *out = static_cast<uint32_t>(number.value);
    at.position = number.next;
    return true;
  }
  template <int bits>
  ABSL_ATTRIBUTE_ALWAYS_INLINE bool VarSignedAt(Cursor& at, int64_t* out) {
    if (ABSL_PREDICT_TRUE(at.position != reader_.end() && *at.position < 0x80)) {
      *out = static_cast<int64_t>(static_cast<uint64_t>(*at.position++) << 57) >> 57;
      return true;
    }
    Leb128 number = SignedLeb128(bits, at.position, reader_.end());
    if (ABSL_PREDICT_FALSE(number.next == nullptr)) {
      Save(at);
      int64_t value;
      if (!(bits == 32 ? reader_.VarS32As64(&value) : reader_.VarS64(&value))) return false;
      number = {static_cast<uint64_t>(value), reader_.position()};
    }
    *out = static_cast<int64_t>(number.value);
    at.position = number.next;
    return true;
  }
  ABSL_ATTRIBUTE_ALWAYS_INLINE bool PushAt(Cursor& at, ValType type) {
    if (ABSL_PREDICT_FALSE(at.top == limit_)) {
      Save(at);
      if (!Grow(1)) return false;
      at = Saved();
    }
    *at.top++ = type;
    return true;
  }
  ABSL_ATTRIBUTE_ALWAYS_INLINE bool PopAt(Cursor& at, ValType expected) {
    if (ABSL_PREDICT_TRUE(at.top > floor_ && at.top[-1] == expected)) {
      --at.top;
      return true;
    }
    Save(at);
    if (!PopSlow(expected)) return false;
    at = Saved();
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

  // Runs what is out of line from within the loop.
  template <typename F>
  ABSL_ATTRIBUTE_ALWAYS_INLINE bool Outside(Cursor& at, F run) {
    Save(at);
    if (ABSL_PREDICT_FALSE(!run())) return false;
    at = Saved();
    return true;
  }

  template <bool kConstant>
  bool RunOperators() {
    using operators_internal::ByteOperator;
    const ValType* const locals = locals_.data();
    const size_t num_locals = locals_.size();
    const ByteOperator* const operators = operators_internal::kByteOperators.data();
    Cursor at = Saved();
    while (true) {
      operator_ = at.position;
      if (ABSL_PREDICT_FALSE(at.position == reader_.end())) {
        Save(at);
        return reader_.FailAtEnd();
      }
      const uint8_t byte = *at.position++;
      const Opcode op = static_cast<Opcode>(byte);
      if constexpr (kConstant) {
        if (byte < 0xFB && !CheckConstant(op)) return false;
      }
      const ByteOperator& info = operators[byte];
      switch (info.shape) {
        case ByteOperator::kUnary:
          if (ABSL_PREDICT_TRUE(at.top > floor_ && at.top[-1].bits() == info.operands[0])) {
            at.top[-1] = info.result;
          } else if (!Outside(at, [&] { return RunMistyped(op); })) {
            return false;
          }
          VisitAt(at, [&](Visitor& v) { v.OnSimple(op); });
          continue;
        case ByteOperator::kBinary:
          if (ABSL_PREDICT_TRUE(at.top - floor_ >= 2 && at.top[-1].bits() == info.operands[1] &&
                                at.top[-2].bits() == info.operands[0])) {
            --at.top;
            at.top[-1] = info.result;
          } else if (!Outside(at, [&] { return RunMistyped(op); })) {
            return false;
          }
          VisitAt(at, [&](Visitor& v) { v.OnSimple(op); });
          continue;
        case ByteOperator::kLoad: {
          MemArg arg;
          if (ABSL_PREDICT_TRUE(at.top > floor_ && at.top[-1] == ValType::I32() &&
                                PlainMemArg(at, info.natural_align, &arg))) {
            at.top[-1] = info.result;
            VisitAt(at, [&](Visitor& v) { v.OnLoad(op, arg); });
          } else if (!Outside(at, [&] { return RunMemory(op, GetOperatorInfo(op)); })) {
            return false;
          }
          continue;
        }
        case ByteOperator::kStore: {
          MemArg arg;
          if (ABSL_PREDICT_TRUE(at.top - floor_ >= 2 && at.top[-1].bits() == info.operands[1] &&
                                at.top[-2] == ValType::I32() &&
                                PlainMemArg(at, info.natural_align, &arg))) {
            at.top -= 2;
            VisitAt(at, [&](Visitor& v) { v.OnStore(op, arg); });
          } else if (!Outside(at, [&] { return RunMemory(op, GetOperatorInfo(op)); })) {
            return false;
          }
          continue;
        }
        case ByteOperator::kLocalGet: {
          uint32_t index;
          if (!VarU32At(at, &index)) return false;
          if (ABSL_PREDICT_FALSE(index >= num_locals)) return FailIndex("unknown local", index);
          const ValType type = locals[index];
          if (ABSL_PREDICT_FALSE(has_unset_locals_) && !CheckUnset(LocalIndex(index))) return false;
          if (!PushAt(at, type)) return false;
          VisitAt(at, [&](Visitor& v) { v.OnLocalGet(LocalIndex(index), type); });
          continue;
        }
        case ByteOperator::kLocalSet: {
          uint32_t index;
          if (!VarU32At(at, &index)) return false;
          if (ABSL_PREDICT_FALSE(index >= num_locals)) return FailIndex("unknown local", index);
          const ValType type = locals[index];
          if (!PopAt(at, type)) return false;
          if (ABSL_PREDICT_FALSE(has_unset_locals_)) SetLocal(LocalIndex(index));
          VisitAt(at, [&](Visitor& v) { v.OnLocalSet(LocalIndex(index), type); });
          continue;
        }
        case ByteOperator::kLocalTee: {
          uint32_t index;
          if (!VarU32At(at, &index)) return false;
          if (ABSL_PREDICT_FALSE(index >= num_locals)) return FailIndex("unknown local", index);
          const ValType type = locals[index];
          if (!PopAt(at, type) || !PushAt(at, type)) return false;
          if (ABSL_PREDICT_FALSE(has_unset_locals_)) SetLocal(LocalIndex(index));
          VisitAt(at, [&](Visitor& v) { v.OnLocalTee(LocalIndex(index), type); });
          continue;
        }
        case ByteOperator::kI32Const: {
          int64_t value;
          if (!VarSignedAt<32>(at, &value) || !PushAt(at, ValType::I32())) return false;
          VisitAt(at, [&](Visitor& v) { v.OnI32Const(static_cast<int32_t>(value)); });
          continue;
        }
        case ByteOperator::kI64Const: {
          int64_t value;
          if (!VarSignedAt<64>(at, &value) || !PushAt(at, ValType::I64())) return false;
          VisitAt(at, [&](Visitor& v) { v.OnI64Const(value); });
          continue;
        }
        case ByteOperator::kGlobalGet: {
          uint32_t index;
          if (!VarU32At(at, &index)) return false;
          const GlobalType* global = module_.globals.find(GlobalIndex(index));
          if (global == nullptr) return FailIndex("unknown global", index);
          if constexpr (kConstant) {
            if (global->is_mutable) return Fail("constant expression required");
            if (!module_.is_imported(GlobalIndex(index)) && !features_.Has(Feature::kGc)) {
              return FailIndex("unknown global", index);
            }
          }
          if (!PushAt(at, global->content)) return false;
          VisitAt(at, [&](Visitor& v) { v.OnGlobalGet(GlobalIndex(index), *global); });
          continue;
        }
        case ByteOperator::kGlobalSet: {
          uint32_t index;
          if (!VarU32At(at, &index)) return false;
          const GlobalType* global = module_.globals.find(GlobalIndex(index));
          if (global == nullptr) return FailIndex("unknown global", index);
          if (!global->is_mutable) return FailImmutable(GlobalIndex(index));
          if (!PopAt(at, global->content)) return false;
          VisitAt(at, [&](Visitor& v) { v.OnGlobalSet(GlobalIndex(index), *global); });
          continue;
        }
        case ByteOperator::kBrIf: {
          uint32_t depth;
          if (!VarU32At(at, &depth)) return false;
          if (ABSL_PREDICT_FALSE(depth >= num_frames_)) return FailIndex("unknown label", depth);
          if (!PopAt(at, ValType::I32())) return false;
          const auto types = frame(depth).label_types();
          if (!types.empty() && !Outside(at, [&] { return PopAll(types) && PushAll(types); })) {
            return false;
          }
          Branch(depth);
          VisitAt(at, [&](Visitor& v) { v.OnBrIf(depth); });
          continue;
        }
        case ByteOperator::kBlock:
          if (!Outside(at, [&] { return RunBlock(op); })) return false;
          continue;
        case ByteOperator::kEnd:
          if (!Outside(at, [&] { return RunEnd(); })) return false;
          if (num_frames_ == 0) return true;
          continue;
        case ByteOperator::kCall:
          if (!Outside(at, [&] { return RunCall(); })) return false;
          continue;
        case ByteOperator::kDrop: {
          ValType type;
          if (ABSL_PREDICT_TRUE(at.top > floor_)) {
            type = *--at.top;
          } else if (!Outside(at, [&] { return PopAny(&type); })) {
            return false;
          }
          VisitAt(at, [&](Visitor& v) { v.OnDrop(type); });
          continue;
        }
        case ByteOperator::kSelect:
          if (ABSL_PREDICT_TRUE(at.top - floor_ >= 3 && at.top[-1] == ValType::I32() &&
                                at.top[-2] == at.top[-3] && !at.top[-2].is_ref())) {
            at.top -= 2;
          } else if (!Outside(at, [&] { return CheckSelect(); })) {
            return false;
          }
          VisitAt(at, [&](Visitor& v) { v.OnSelect(at.top[-1]); });
          continue;
        case ByteOperator::kOther:
          if (!Outside(at, [&] { return RunOther<kConstant>(op); })) return false;
          continue;
      }
    }
  }

  // The memory argument of nearly every access: of memory 0, whose addresses are i32. False
  // leaves the cursor where it is and says nothing of the argument.
  ABSL_ATTRIBUTE_ALWAYS_INLINE bool PlainMemArg(Cursor& at, uint8_t natural_align, MemArg* arg) {
    if (reader_.end() - at.position < 2 || *at.position > natural_align || !has_plain_memory_) {
      return false;
    }
    const uint8_t* const offset = at.position + 1;
    Leb128 number{*offset, offset + 1};
    if (number.value >= 0x80) number = UnsignedLeb128(32, offset, reader_.end());
    if (ABSL_PREDICT_FALSE(number.next == nullptr)) return false;
    arg->memory = MemoryIndex(0);
    arg->offset = number.value;
    arg->align_log2 = *at.position;
    at.position = number.next;
    return true;
  }

  // A unary or binary operator whose operands are not just there as it wants them: they may
  // still be good in unreachable code.
  ABSL_ATTRIBUTE_NOINLINE bool RunMistyped(Opcode op) {
    return CheckSignature(GetOperatorInfo(op), ValType::I32());
  }

  ABSL_ATTRIBUTE_NOINLINE bool RunCall() {
    FuncIndex callee;
    const FuncType* type = nullptr;
    if (!ReadCallee(&callee, &type) || !CheckCall(*type)) return false;
    Visit([&](Visitor& v) { v.OnCall(callee, *type); });
    return true;
  }

  // What is not in the loop itself.
  template <bool kConstant>
  ABSL_ATTRIBUTE_NOINLINE bool RunOther(Opcode op) {
    switch (op) {
      case Opcode::kNop:
        Visit([&](Visitor& v) { v.OnNop(); });
        return true;
      case Opcode::kUnreachable:
        Visit([&](Visitor& v) { v.OnUnreachable(); });
        return EndOfLiveCode();
      case Opcode::kElse:
        return RunElse();
      case Opcode::kBr: {
        uint32_t depth;
        if (!ReadLabel(&depth) || !CheckTop(frame(depth).label_types())) return false;
        Branch(depth);
        Visit([&](Visitor& v) { v.OnBr(depth); });
        return EndOfLiveCode();
      }
      case Opcode::kBrTable:
        return RunBrTable();
      case Opcode::kReturn:
        if (!CheckTop(results())) return false;
        Visit([&](Visitor& v) { v.OnReturn(); });
        return EndOfLiveCode();
      case Opcode::kCallIndirect: {
        TypeIndex index;
        TableIndex table;
        if (!ReadTypeTable(&index, &table)) return false;
        const FuncType& type = module_.func_type(index);
        if (!Pop(AddressType(table)) || !CheckCall(type)) return false;
        Visit([&](Visitor& v) { v.OnCallIndirect(table, index, type); });
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
    const OperatorInfo& info = GetOperatorInfo(op);
    if (info.op_class == OperatorClass::kSimple) return RunSimple(op, info);
    if (info.op_class == OperatorClass::kMemory) return RunMemory(op, info);
    return RunRare<kConstant>(op);
  }

  bool RunSimple(Opcode op, const OperatorInfo& info) {
    if (!Require(op, info.feature) || !CheckSignature(info, ValType::I32())) return false;
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
    ControlFrame& frame = NextFrame();
    if (!ReadBlockType(&frame)) return false;
    if (op == Opcode::kIf && !Pop(ValType::I32())) return false;
    const auto params = frame.params();
    if (!params.empty() && !PopAll(params)) return false;
    const FrameKind kind = op == Opcode::kBlock  ? FrameKind::kBlock
                           : op == Opcode::kLoop ? FrameKind::kLoop
                                                 : FrameKind::kIf;
    PushFrame(kind);
    if (!params.empty() && !PushAll(params)) return false;
    Visit([&](Visitor& v) {
      op == Opcode::kBlock  ? v.OnBlock(frame)
      : op == Opcode::kLoop ? v.OnLoop(frame)
                            : v.OnIf(frame);
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
      if (!MatchesAll(frame.params(), frame.results())) {
        return Fail("type mismatch: an if whose type is not that of its parameters needs an else");
      }
      frame.end_live |= frame.start_live;
    }
    const bool fallthrough = frame.live;
    frame.end_live |= fallthrough;
    const auto results = frame.results();
    if (!results.empty() && !PushAll(results)) return false;
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
      ControlFrame& frame = NextFrame();
      if (!ReadBlockType(&frame) || !ReadCatches() || !PopAll(frame.params())) return false;
      PushFrame(FrameKind::kTryTable);
      if (!PushAll(frame.params())) return false;
      Visit([&](Visitor& v) { v.OnTryTable(frame, catches_); });
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
