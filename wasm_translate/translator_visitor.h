// TranslatingVisitor: what the translator does at each operator, one callback each (visitor.h).
// Private to the translator; translator.h is its interface. By subject:
//
//   translator_control.cc      the function's frame, blocks, branches
//   translator_calls.cc        calls, tail calls, inlining
//   translator_memory.cc       addresses, loads and stores of all widths
//   translator_atomics.cc      atomic accesses, waiting and notifying
//   translator_references.cc   tables, references
//   translator_numeric.cc      arithmetic by the rules of translator_rules.h
//   translator_vector.cc       lanes, shuffles, relaxed operations
#ifndef GANTRY_WASM_TRANSLATE_TRANSLATOR_VISITOR_H_
#define GANTRY_WASM_TRANSLATE_TRANSLATOR_VISITOR_H_

#include <array>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/check.h"
#include "codegen/ir/builder.h"
#include "codegen/ir/function.h"
#include "wasm_translate/function_state.h"
#include "wasm_translate/inline_plan.h"
#include "wasm_translate/module.h"
#include "wasm_translate/operators.h"
#include "wasm_translate/translator_environment.h"
#include "wasm_translate/translator_locals.h"
#include "wasm_translate/types.h"
#include "wasm_translate/visitor.h"

namespace gantry::wasm {

class TranslatingVisitor : public VisitorBase<TranslatingVisitor> {
 public:
  using Value = codegen::Value;

  // Validates bodies with the visitor riding along; several may be at work, one within another,
  // each at a depth of its own.
  class BodyRunner {
   public:
    virtual ~BodyRunner() = default;
    virtual absl::Status Run(const FunctionBody& body, size_t depth) = 0;
  };

  // The runner has to outlive the visitor.
  explicit TranslatingVisitor(BodyRunner* runner) : builder_(nullptr), runner_(runner) {}

  // `plan` may be null.
  void Start(FuncEnvironment* environment, codegen::Function* func, const FunctionBody& body,
             const InlinePlan* plan);

  size_t num_inlined() const { return num_inlined_; }
  // Callees about which a plan was asked since they were forgotten; Start does not forget them.
  absl::Span<const FuncIndex> considered() const { return considered_; }
  void ForgetConsidered() { considered_.clear(); }
  // Steps of finding locals' values (translator_locals.h) since the object was made.
  uint64_t work() const { return locals_.work(); }
  bool failed() const { return failed_ || locals_.overflowed(); }
  absl::Status status() const;

  void OnUnsupported(Opcode op);

  // ---- The function's frame.
  void OnBegin(const FunctionState& state);
  void OnLocals(uint32_t count, ValType type);
  void OnCode() {
    env_->OnBodyBegin(builder_, at_.func);
    env_->OnFunctionEntry(builder_);
  }

  // ---- Control.
  void OnNop() { At(Opcode::kNop); }
  void OnUnreachable();
  void OnBlock(const ControlFrame& frame);
  void OnLoop(const ControlFrame& frame);
  void OnIf(const ControlFrame& frame);
  void OnElse(const ControlFrame& frame, bool fallthrough);
  void OnEnd(const ControlFrame& frame, bool fallthrough);
  void OnBr(uint32_t depth);
  void OnBrIf(uint32_t depth);
  void OnBrTable(absl::Span<const uint32_t> depths);
  void OnReturn();
  void OnBrOnNull(uint32_t depth);
  void OnBrOnNonNull(uint32_t depth);

  // ---- Calls.
  void OnCall(FuncIndex callee, const FuncType& type);
  void OnCallIndirect(TableIndex table, TypeIndex index, const FuncType& type);
  void OnCallRef(TypeIndex index, const FuncType& type);
  void OnReturnCall(FuncIndex callee, const FuncType& type);
  void OnReturnCallIndirect(TableIndex table, TypeIndex index, const FuncType& type);
  void OnReturnCallRef(TypeIndex index, const FuncType& type);

  // ---- Variables and constants.
  void OnDrop(ValType) {
    At(Opcode::kDrop);
    Pop();
  }
  void OnSelect(ValType type) {
    At(Opcode::kSelect);
    const Value condition = Pop();
    const Value if_false = Pop();
    const Value if_true = Pop();
    PushTraced(type, builder_.Select(condition, if_true, if_false));
  }
  void OnLocalGet(LocalIndex local, ValType) {
    At(Opcode::kLocalGet);
    Push(locals_.Get(at_.first_local + local.raw()));
  }
  void OnLocalSet(LocalIndex local, ValType) {
    At(Opcode::kLocalSet);
    SetLocal(local, Pop());
  }
  void OnLocalTee(LocalIndex local, ValType) {
    At(Opcode::kLocalTee);
    SetLocal(local, stack_.back());
  }
  void OnGlobalGet(GlobalIndex global, const GlobalType& type) {
    At(Opcode::kGlobalGet);
    if (!Lower(type.content).has_value()) return;
    PushTraced(type.content, env_->GlobalGet(builder_, global));
  }
  void OnGlobalSet(GlobalIndex global, const GlobalType& type) {
    At(Opcode::kGlobalSet);
    if (!Lower(type.content).has_value()) return;
    env_->GlobalSet(builder_, global, Pop());
  }
  void OnI32Const(int32_t value) {
    At(Opcode::kI32Const);
    Push(builder_.I32(value));
  }
  void OnI64Const(int64_t value) {
    At(Opcode::kI64Const);
    Push(builder_.I64(value));
  }
  void OnF32Const(uint32_t bits) {
    At(Opcode::kF32Const);
    Push(builder_.F32const(bits));
  }
  void OnF64Const(uint64_t bits) {
    At(Opcode::kF64Const);
    Push(builder_.F64const(bits));
  }

  // ---- Memory.
  void OnLoad(Opcode op, const MemArg& arg);
  void OnStore(Opcode op, const MemArg& arg);
  void OnMemorySize(MemoryIndex memory);
  void OnMemoryGrow(MemoryIndex memory);
  void OnMemoryInit(DataIndex data, MemoryIndex memory);
  void OnMemoryCopy(MemoryIndex to, MemoryIndex from);
  void OnMemoryFill(MemoryIndex memory);
  void OnDataDrop(DataIndex data);
  void OnAtomic(Opcode op, const MemArg& arg);
  void OnAtomicFence();

  // ---- Tables and references.
  void OnTableGet(TableIndex table, const TableType& type);
  void OnTableSet(TableIndex table, const TableType& type);
  void OnTableSize(TableIndex table);
  void OnTableGrow(TableIndex table, const TableType& type);
  void OnTableFill(TableIndex table, const TableType& type);
  void OnTableCopy(TableIndex to, TableIndex from);
  void OnTableInit(ElemIndex elem, TableIndex table);
  void OnElemDrop(ElemIndex elem);
  void OnRefNull(ValType type);
  void OnRefIsNull(ValType type);
  void OnRefFunc(FuncIndex function);
  void OnRefAsNonNull(ValType type);
  void OnRefEq();
  // What needs no heap of objects.
  void OnGc(Opcode op, const GcImmediates& immediates);

  // ---- Arithmetic.
  void OnSimple(Opcode op);

  // ---- Vectors.
  void OnV128Const(const std::array<uint8_t, 16>& bytes);
  void OnLane(Opcode op, uint8_t lane);
  void OnShuffle(const std::array<uint8_t, 16>& lanes);
  void OnLoadLane(Opcode op, const MemArg& arg, uint8_t lane);
  void OnStoreLane(Opcode op, const MemArg& arg, uint8_t lane);

 private:
  using Block = codegen::Block;
  using Inst = codegen::Inst;
  using Type = codegen::Type;

  struct Frame {
    FrameKind kind;
    // Operands below the frame's own.
    uint32_t height;
    // Where branches to the frame go: a loop's header, else the block behind its end, which
    // is made by the first branch.
    Block label;
    LocalVariables::EdgeList edges;
    LocalVariables::Moment open;
    // Of an if: its branch, the edge taken where the condition is false, and its parameters.
    Inst branch;
    LocalVariables::EdgeList false_edge;
    uint32_t first_saved;
    // Whether what stands behind its else is not expected to be run.
    bool else_is_cold = false;
    // Of a loop.
    uint32_t junction = 0;
    // How many loops it lies in, itself included.
    uint32_t loop_depth = 0;
    // The block by which the br_table of this number comes here.
    uint32_t table_number = 0;
    Block table_block;
  };
  // The function whose body is being translated: the one asked for, or one that stands in place
  // of a call.
  struct Place {
    FuncIndex func;
    codegen::InlineSite site;
    // Where its operands and locals begin among those of all.
    uint32_t stack_base = 0;
    uint32_t first_local = 0;
    // Hints about its branches from the position on, by offset in the body.
    absl::Span<const BranchHints::Hint> hints;
    uint64_t body_offset = 0;
  };
  // What a hint says of a condition.
  enum class Expected : uint8_t { kEither, kFalse, kTrue };
  struct ValueTriple {
    Value first, second, third;
  };
  // The address to access, as a value plus a static offset.
  struct Address {
    Value base;
    int32_t offset = 0;
    codegen::MemFlags flags;
  };

  void Fail(absl::Status status) {
    if (failed_) return;
    failed_ = true;
    status_ = std::move(status);
  }

  // Begins an operator.
  void At(Opcode op) {
    builder_.SetLoc(codegen::SourceLoc(static_cast<uint32_t>(state_->offset())), at_.site);
    if (counts_operators_) {
      env_->OnOperator(builder_, op, static_cast<uint32_t>(state_->offset()));
    }
  }

  // Fails where values of the type cannot be compiled.
  std::optional<Type> Lower(ValType type) {
    const std::optional<Type> ir = env_->TypeOf(type);
    if (!ir.has_value()) FailType(type);
    return ir;
  }
  void FailType(ValType type);
  // Marks the value where the type asks for it, and returns whether it does.
  bool Trace(ValType type, Value value) {
    if (!type.is_ref() || !env_->IsTraced(type)) return false;
    func_->dfg.MarkReference(value);
    return true;
  }

  void Push(Value value) { stack_.push_back(value); }
  void PushTraced(ValType type, Value value) {
    Trace(type, value);
    Push(value);
  }
  Value Pop() {
    DCHECK(!stack_.empty());
    const Value value = stack_.back();
    stack_.pop_back();
    return value;
  }
  // The third from the top first, as written in the text format.
  ValueTriple Pop3() {
    const Value third = Pop();
    const Value second = Pop();
    const Value first = Pop();
    return {first, second, third};
  }
  absl::Span<const Value> Top(size_t count) const {
    return absl::MakeConstSpan(stack_).last(count);
  }

  // ---- translator_control.cc
  // Constants of the entry block, or where a callee's code begins. References are null where all
  // bits are zero.
  Value Zero(Type type);
  Frame& PushFrame(FrameKind kind, uint32_t height);
  Frame& FrameAt(uint32_t depth) { return frames_[frames_.size() - 1 - depth]; }
  bool AppendParams(Block block, absl::Span<const ValType> types);
  bool MakeLabel(Frame& frame, absl::Span<const ValType> types);
  // Moves to `block` and pushes its parameters.
  void Enter(Block block);
  void JumpTo(Frame& frame, absl::Span<const ValType> types);
  // An unconditional branch; the operands stay.
  void BranchTo(uint32_t depth);
  // From the function whose body is being translated; the operands stay.
  void ReturnTop();
  // Hints of the body that begins, and the one of the operator at hand.
  void FindHints();
  Expected TakeHint();
  void Return(absl::Span<const Value> results) {
    env_->OnBodyReturn(builder_);
    builder_.Return(results);
  }
  void SetFalseTarget(const Frame& frame, Block block, absl::Span<const Value> args);
  void EndBlock(Frame& f, const ControlFrame& frame, bool fallthrough);
  void EndFunction(Frame& f, const ControlFrame& frame, bool fallthrough);

  // ---- translator_calls.cc
  bool is_inlined() const { return !inlined_.empty(); }
  void SetLocal(LocalIndex local, codegen::Value value) {
    locals_.Set(at_.first_local + local.raw(), value);
    if (keeps_locals_ && !is_inlined()) env_->KeepLocal(builder_, local.raw(), value);
  }
  bool IsConstant(Value value) const;
  // How often the function is among those whose code the position lies in.
  uint32_t TimesAround(FuncIndex function) const;
  // Where the operator at hand stands.
  codegen::CodeOrigin Position() const;
  // A call, or its callee's code, for a call that stands at `origin`.
  void TranslateCall(FuncIndex callee, const FuncType& type, const codegen::CodeOrigin& origin);
  // A tail call in inlined code.
  void FinishTailCall(const FuncType& type, Inst call);
  // Translates the callee's body in place of a call of it, whose arguments are the top operands,
  // where plan and budget allow it.
  bool Inline(FuncIndex callee, const FuncType& type, const codegen::CodeOrigin& origin);
  void BeginInlined(const FuncType& type);
  void FinishCall(const FuncType& type, Inst call);

  // ---- translator_memory.cc
  Value Extended(Value index) {
    if (func_->dfg.value_type(index) == Type::kI64) return index;
    return builder_.Uextend(Type::kI64, index);
  }
  std::optional<uint64_t> AsConstant(Value value) const;
  // The one place where an address is computed from an index and a static offset, for an access
  // of `size` bytes.
  Address PrepareAddress(const MemArg& arg, uint32_t size, Value index);
  Address CheckedAddress(const HeapAccess& heap, Value index, uint64_t offset, uint32_t size,
                         bool index_is_32_bits);
  Value IsOutOfBounds(const HeapAccess& heap, Value index, uint64_t offset, uint32_t size,
                      bool index_is_32_bits);
  Value EmitLoad(codegen::Opcode opcode, Type type, const Address& address);
  void EmitStore(codegen::Opcode opcode, Value value, const Address& address);

  // ---- translator_atomics.cc
  // Traps where index plus offset is no multiple of `size`.
  void CheckAligned(Value index, uint64_t offset, uint32_t size);
  Value EffectiveAddress(Value index, uint64_t offset);
  Address PrepareAtomic(const MemArg& arg, uint32_t size, Value index);

  // ---- translator_numeric.cc
  // An instruction of fixed operands and one result, made canonical where it is a NaN and that
  // is asked for. `type` is the controlling type: for vectors a shape.
  Value Emit(codegen::Opcode opcode, Type type, std::initializer_list<Value> operands,
             uint16_t immediate = 0);
  Value WithCanonicalNans(codegen::Opcode opcode, Type type, Value value);
  void OnWideArithmetic(Opcode op);

  // ---- translator_vector.cc
  void OnVectorTernary(Opcode op);
  void OnRelaxed(Opcode op);
  void RelaxedTruncate(Type floats, bool is_signed);
  void RelaxedMultiplyAdd(Type floats, bool negated);
  void RelaxedLaneSelect(Type shape);
  void RelaxedMinMax(Type floats, codegen::Opcode exact, codegen::Opcode pseudo);
  Value RelaxedDot(Value left, Value right);

  const FunctionState* state_ = nullptr;
  FuncEnvironment* env_ = nullptr;
  codegen::Function* func_ = nullptr;
  codegen::InstBuilder builder_;
  bool counts_operators_ = false;
  TranslationChoices choices_;
  bool failed_ = false;
  absl::Status status_;

  // Null where nothing is inlined.
  const InlinePlan* plan_ = nullptr;
  InlineBudget budget_;
  Place at_;
  // Callers of inlined code around the position, the outermost first.
  std::vector<Place> inlined_;
  BodyRunner* const runner_;
  uint32_t loop_depth_ = 0;
  size_t num_inlined_ = 0;
  std::vector<FuncIndex> considered_;

  LocalVariables locals_;
  bool keeps_locals_ = false;
  std::vector<Value> stack_;
  std::vector<Frame> frames_;
  // Parameters of open ifs, for their else.
  std::vector<Value> saved_;
  std::vector<codegen::BlockCall> table_;
  std::vector<uint32_t> targets_;
  uint32_t table_number_ = 0;
  Value zeros_[16];
};

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_TRANSLATOR_VISITOR_H_
