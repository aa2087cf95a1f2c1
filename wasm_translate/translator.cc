#include "wasm_translate/translator.h"

#include <cstdint>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "codegen/ir/builder.h"
#include "wasm_translate/function_validator.h"
#include "wasm_translate/inline_plan.h"
#include "wasm_translate/translator_locals.h"
#include "wasm_translate/unimplemented.h"
#include "wasm_translate/visitor.h"

namespace gantry::wasm {
namespace {

using codegen::Block;
using codegen::FloatCC;
using codegen::Inst;
using codegen::IntCC;
using codegen::MemFlags;
using codegen::Type;
using codegen::Value;

// Below this an offset may stay in an access whose address was masked to null: no page
// there is ever mapped.
constexpr uint64_t kNeverMapped = 4096;

// What validators of inlined bodies are made with.
struct ValidatorSettings {
  const Module& module;
  Features features;
  const ValidatorLimits& limits;
};

// What the operators do, one callback each (visitor.h).
class TranslatingVisitor : public VisitorBase<TranslatingVisitor> {
 public:
  explicit TranslatingVisitor(const ValidatorSettings* settings)
      : builder_(nullptr), settings_(settings) {}

  using Validator = FunctionValidator<TranslatingVisitor>;

  // `plan` may be null.
  void Start(FuncEnvironment* environment, codegen::Function* func, const FunctionBody& body,
             const InlinePlan* plan) {
    const size_t body_size = body.bytes.size();
    plan_ = plan;
    if (plan != nullptr) budget_.Start(plan->limits(), body_size);
    inlined_.clear();
    at_ = Place();
    at_.func = body.func;
    loop_depth_ = 0;
    num_inlined_ = 0;
    env_ = environment;
    func_ = func;
    builder_ = codegen::InstBuilder(func);
    counts_operators_ = environment->counts_operators();
    status_ = absl::OkStatus();
    failed_ = false;
    stack_.clear();
    frames_.clear();
    saved_.clear();
    for (Value& zero : zeros_) zero = Value::None();
    // Many times what any compiler's output needs, and linear in the body.
    locals_.Start(func, 4096 + body_size * 64);
  }

  size_t num_inlined() const { return num_inlined_; }
  bool failed() const { return failed_ || locals_.overflowed(); }
  absl::Status status() const {
    if (locals_.overflowed()) {
      return absl::ResourceExhaustedError(
          "too many values meet at the function's branches; it has to be split");
    }
    return status_;
  }

  void OnUnsupported(Opcode op) {
    const absl::string_view name = OpcodeName(op);
    Fail(UnimplementedStatus({GetOperatorInfo(op).feature, std::string(name)}));
  }

  // ---- The function's frame.

  void OnBegin(const FunctionState& state) {
    state_ = &state;
    const FuncType& type = state.module().func_type(state.func());
    if (is_inlined()) {
      BeginInlined(type);
      return;
    }
    env_->MakeSignature(type, func_->signature);
    const Block entry = builder_.MakeEntryBlock();
    PushFrame(FrameKind::kFunction, 0);
    size_t position = env_->num_leading_params();
    for (const ValType param : type.params()) {
      const std::optional<Type> ir = Lower(param);
      if (!ir.has_value()) return;
      const Value value = func_->dfg.block_params(entry)[position++];
      locals_.Declare(*ir, Trace(param, value), value);
    }
    for (const ValType result : type.results()) {
      if (!Lower(result).has_value()) return;
    }
    env_->Begin(builder_);
  }

  void OnLocals(uint32_t count, ValType type) {
    const std::optional<Type> ir = Lower(type);
    if (!ir.has_value()) return;
    const bool traced = type.is_ref() && env_->IsTraced(type);
    if (count == 0) return;
    const Value zero = Zero(*ir);
    for (; count > 0; --count) locals_.Declare(*ir, traced, zero);
  }

  void OnCode() { env_->OnFunctionEntry(builder_); }

  // ---- Control.

  void OnNop() {}

  void OnUnreachable() {
    At(Opcode::kUnreachable);
    builder_.Trap(env_->traps().unreachable);
  }

  void OnBlock(const ControlFrame& frame) {
    At(Opcode::kBlock);
    PushFrame(FrameKind::kBlock, frame.height);
  }

  void OnLoop(const ControlFrame& frame) {
    At(Opcode::kLoop);
    const Block header = builder_.MakeBlock();
    const absl::Span<const ValType> params = frame.params();
    if (!AppendParams(header, params)) return;
    Frame& f = PushFrame(FrameKind::kLoop, frame.height);
    ++loop_depth_;
    f.label = header;
    locals_.AddEdge(f.edges, builder_.Jump(header, Top(params.size())), 0);
    stack_.resize(f.height);
    Enter(header);
    f.junction = locals_.BeginLoop(header, f.edges);
    env_->OnLoopHeader(builder_);
  }

  void OnIf(const ControlFrame& frame) {
    At(Opcode::kIf);
    const Value condition = Pop();
    const Block then_block = builder_.MakeBlock();
    Frame& f = PushFrame(FrameKind::kIf, frame.height);
    f.first_saved = static_cast<uint32_t>(saved_.size());
    const absl::Span<const Value> params = Top(frame.params().size());
    saved_.insert(saved_.end(), params.begin(), params.end());
    // Where the condition leads if false is known at the else or the end.
    f.branch = builder_.Brif(condition, then_block, {}, Block::None(), {});
    locals_.AddEdge(f.false_edge, f.branch, 1);
    builder_.Begin(then_block);
  }

  void OnElse(const ControlFrame& frame, bool fallthrough) {
    Frame& f = frames_.back();
    if (fallthrough) {
      At(Opcode::kElse);
      JumpTo(f, frame.results());
    }
    const Block else_block = builder_.MakeBlock();
    SetFalseTarget(f, else_block, {});
    builder_.Begin(else_block);
    locals_.Join(f.open, else_block, f.false_edge);
    stack_.resize(f.height);
    stack_.insert(stack_.end(), saved_.begin() + f.first_saved, saved_.end());
  }

  void OnEnd(const ControlFrame& frame, bool fallthrough) {
    if (fallthrough) At(Opcode::kEnd);
    Frame& f = frames_.back();
    switch (frame.kind) {
      case FrameKind::kFunction:
        if (!is_inlined()) {
          EndFunction(f, frame, fallthrough);
          return;
        }
        EndBlock(f, frame, fallthrough);
        break;
      case FrameKind::kLoop:
        --loop_depth_;
        locals_.EndLoop(f.junction, f.edges);
        if (!fallthrough) stack_.resize(f.height);
        break;
      default:
        EndBlock(f, frame, fallthrough);
        break;
    }
    saved_.resize(f.first_saved);
    frames_.pop_back();
  }

  void OnBr(uint32_t depth) {
    At(Opcode::kBr);
    BranchTo(depth);
  }

  void OnBrIf(uint32_t depth) {
    At(Opcode::kBrIf);
    const Value condition = Pop();
    Frame& f = FrameAt(depth);
    const absl::Span<const ValType> types = state_->frame(depth).label_types();
    if (!MakeLabel(f, types)) return;
    const Block next = builder_.MakeBlock();
    const Inst inst = builder_.Brif(condition, f.label, Top(types.size()), next, {});
    locals_.AddEdge(f.edges, inst, 0);
    builder_.Begin(next);
  }

  void OnBrTable(absl::Span<const uint32_t> depths) {
    At(Opcode::kBrTable);
    const Value index = Pop();
    if (depths.size() == 1) {
      BranchTo(depths[0]);
      return;
    }
    // Each distinct target gets a block of its own that branches on, so that a table of many
    // entries does not carry arguments many times.
    ++table_number_;
    targets_.clear();
    table_.clear();
    for (const uint32_t depth : depths) {
      Frame& f = FrameAt(depth);
      if (f.table_number != table_number_) {
        f.table_number = table_number_;
        f.table_block = builder_.MakeBlock();
        targets_.push_back(depth);
      }
      table_.push_back({f.table_block, {}});
    }
    const codegen::BlockCall default_target = table_.back();
    table_.pop_back();
    builder_.BrTable(index, func_->dfg.MakeJumpTable(table_, default_target));
    for (const uint32_t depth : targets_) {
      builder_.Begin(FrameAt(depth).table_block);
      BranchTo(depth);
      if (failed_) return;
    }
  }

  void OnReturn() {
    At(Opcode::kReturn);
    BranchTo(static_cast<uint32_t>(state_->num_frames() - 1));
  }

  void OnBrOnNull(uint32_t depth) {
    At(Opcode::kBrOnNull);
    const Value reference = Pop();
    Frame& f = FrameAt(depth);
    const absl::Span<const ValType> types = state_->frame(depth).label_types();
    if (!MakeLabel(f, types)) return;
    const Block next = builder_.MakeBlock();
    const Value is_null = env_->RefIsNull(builder_, state_->operand(0), reference);
    const Inst inst = builder_.Brif(is_null, f.label, Top(types.size()), next, {});
    locals_.AddEdge(f.edges, inst, 0);
    builder_.Begin(next);
    Push(reference);
  }

  void OnBrOnNonNull(uint32_t depth) {
    At(Opcode::kBrOnNonNull);
    Frame& f = FrameAt(depth);
    const absl::Span<const ValType> types = state_->frame(depth).label_types();
    if (!MakeLabel(f, types)) return;
    const Block next = builder_.MakeBlock();
    const Value is_null = env_->RefIsNull(builder_, types.back(), stack_.back());
    const Inst inst = builder_.Brif(is_null, next, {}, f.label, Top(types.size()));
    locals_.AddEdge(f.edges, inst, 1);
    builder_.Begin(next);
    Pop();
  }

  // ---- Calls.

  void OnCall(FuncIndex callee, const FuncType& type) {
    At(Opcode::kCall);
    if (plan_ != nullptr && Inline(callee, type)) return;
    FinishCall(type, env_->Call(builder_, callee, Top(type.params().size())));
  }

  void OnCallIndirect(TableIndex table, TypeIndex index, const FuncType& type) {
    At(Opcode::kCallIndirect);
    const Value element = Pop();
    FinishCall(type,
               env_->CallIndirect(builder_, table, index, element, Top(type.params().size())));
  }

  void OnCallRef(TypeIndex index, const FuncType& type) {
    At(Opcode::kCallRef);
    const Value callee = Pop();
    FinishCall(type, env_->CallRef(builder_, index, callee, Top(type.params().size())));
  }

  // Of two proposals, of which it is the calls in tail position that are lacking.
  void OnReturnCallRef(TypeIndex, const FuncType&) {
    Fail(UnimplementedStatus({Feature::kTailCall, "return_call_ref"}));
  }

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
    locals_.Set(at_.first_local + local.raw(), Pop());
  }
  void OnLocalTee(LocalIndex local, ValType) {
    At(Opcode::kLocalTee);
    locals_.Set(at_.first_local + local.raw(), stack_.back());
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

  void OnMemorySize(MemoryIndex memory) {
    At(Opcode::kMemorySize);
    Push(env_->MemorySize(builder_, memory));
  }
  void OnMemoryGrow(MemoryIndex memory) {
    At(Opcode::kMemoryGrow);
    Push(env_->MemoryGrow(builder_, memory, Pop()));
  }
  void OnMemoryInit(DataIndex data, MemoryIndex memory) {
    At(Opcode::kMemoryInit);
    const auto [destination, source, length] = Pop3();
    env_->MemoryInit(builder_, memory, data, destination, source, length);
  }
  void OnMemoryCopy(MemoryIndex to, MemoryIndex from) {
    At(Opcode::kMemoryCopy);
    const auto [destination, source, length] = Pop3();
    env_->MemoryCopy(builder_, to, from, destination, source, length);
  }
  void OnMemoryFill(MemoryIndex memory) {
    At(Opcode::kMemoryFill);
    const auto [destination, value, length] = Pop3();
    env_->MemoryFill(builder_, memory, destination, value, length);
  }
  void OnDataDrop(DataIndex data) {
    At(Opcode::kDataDrop);
    env_->DataDrop(builder_, data);
  }

  // ---- Tables and references.

  void OnTableGet(TableIndex table, const TableType& type) {
    At(Opcode::kTableGet);
    if (!Lower(type.element).has_value()) return;
    PushTraced(type.element, env_->TableGet(builder_, table, Pop()));
  }
  void OnTableSet(TableIndex table, const TableType& type) {
    At(Opcode::kTableSet);
    if (!Lower(type.element).has_value()) return;
    const Value value = Pop();
    env_->TableSet(builder_, table, Pop(), value);
  }
  void OnTableSize(TableIndex table) {
    At(Opcode::kTableSize);
    Push(env_->TableSize(builder_, table));
  }
  void OnTableGrow(TableIndex table, const TableType& type) {
    At(Opcode::kTableGrow);
    if (!Lower(type.element).has_value()) return;
    const Value delta = Pop();
    const Value value = Pop();
    Push(env_->TableGrow(builder_, table, value, delta));
  }
  void OnTableFill(TableIndex table, const TableType& type) {
    At(Opcode::kTableFill);
    if (!Lower(type.element).has_value()) return;
    const auto [destination, value, length] = Pop3();
    env_->TableFill(builder_, table, destination, value, length);
  }
  void OnTableCopy(TableIndex to, TableIndex from) {
    At(Opcode::kTableCopy);
    const auto [destination, source, length] = Pop3();
    env_->TableCopy(builder_, to, from, destination, source, length);
  }
  void OnTableInit(ElemIndex elem, TableIndex table) {
    At(Opcode::kTableInit);
    const auto [destination, source, length] = Pop3();
    env_->TableInit(builder_, table, elem, destination, source, length);
  }
  void OnElemDrop(ElemIndex elem) {
    At(Opcode::kElemDrop);
    env_->ElemDrop(builder_, elem);
  }
  void OnRefNull(ValType type) {
    At(Opcode::kRefNull);
    if (!Lower(type).has_value()) return;
    Push(env_->RefNull(builder_, type));
  }
  void OnRefIsNull(ValType type) {
    At(Opcode::kRefIsNull);
    Push(env_->RefIsNull(builder_, type, Pop()));
  }
  void OnRefFunc(FuncIndex function) {
    At(Opcode::kRefFunc);
    Push(env_->RefFunc(builder_, function));
  }
  void OnRefAsNonNull(ValType type) {
    At(Opcode::kRefAsNonNull);
    builder_.Trapnz(env_->RefIsNull(builder_, type, stack_.back()), env_->traps().null_reference);
  }

  void OnRefEq() {
    At(Opcode::kRefEq);
    Compare(IntCC::kEq);
  }

  // ---- The GC heap: what needs no heap of it.

  void OnGc(Opcode op, const GcImmediates&) {
    At(op);
    switch (op) {
      case Opcode::kRefI31: {
        // The 31 bits above a set bit, in place of a handle.
        const Value shifted = builder_.Ishl(Pop(), builder_.I32(1));
        PushTraced(state_->operand(0), builder_.Bor(shifted, builder_.I32(1)));
        return;
      }
      case Opcode::kI31GetS:
      case Opcode::kI31GetU: {
        const Value reference = Pop();
        builder_.Trapz(reference, env_->traps().null_i31_reference);
        const Value one = builder_.I32(1);
        Push(op == Opcode::kI31GetS ? builder_.Sshr(reference, one)
                                    : builder_.Ushr(reference, one));
        return;
      }
      // Both hierarchies have the same handles.
      case Opcode::kAnyConvertExtern:
      case Opcode::kExternConvertAny:
        return;
      default:
        OnUnsupported(op);
    }
  }

  // ---- Arithmetic.

  void OnSimple(Opcode op);

 private:
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
    // Of a loop.
    uint32_t junction = 0;
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
  };
  struct ValueTriple {
    Value first, second, third;
  };
  // The address to access, as a value plus a static offset.
  struct Address {
    Value base;
    int32_t offset = 0;
    MemFlags flags;
  };

  void Fail(absl::Status status) {
    if (failed_) return;
    failed_ = true;
    status_ = std::move(status);
  }

  // Begins an operator.
  void At(Opcode op) {
    builder_.SetLoc(codegen::SourceLoc(static_cast<uint32_t>(state_->offset())), at_.site);
    if (counts_operators_) env_->OnOperator(builder_, op);
  }

  std::optional<Type> Lower(ValType type) {
    const std::optional<Type> ir = env_->TypeOf(type);
    if (!ir.has_value()) {
      // All numbers and references have an IR type.
      Fail(
          UnimplementedStatus({Feature::kSimd, absl::StrCat("a value of type ", type.ToString())}));
    }
    return ir;
  }
  // Marks the value where the type asks for it, and returns whether it does.
  bool Trace(ValType type, Value value) {
    if (!type.is_ref() || !env_->IsTraced(type)) return false;
    func_->dfg.MarkReference(value);
    return true;
  }
  // Constants of the entry block, or where a callee's code begins. References are null where all
  // bits are zero.
  Value Zero(Type type) {
    Value fresh;
    Value& zero = is_inlined() ? fresh : zeros_[static_cast<size_t>(type) & 15];
    if (zero.is_some()) return zero;
    if (type == Type::kF32) {
      zero = builder_.F32const(0);
    } else if (type == Type::kF64) {
      zero = builder_.F64const(0);
    } else {
      zero = builder_.Iconst(type, 0);
    }
    return zero;
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

  Frame& PushFrame(FrameKind kind, uint32_t height) {
    Frame frame = {};
    frame.kind = kind;
    frame.height = at_.stack_base + height;
    frame.open = locals_.Now();
    frame.first_saved = static_cast<uint32_t>(saved_.size());
    frames_.push_back(frame);
    return frames_.back();
  }
  Frame& FrameAt(uint32_t depth) { return frames_[frames_.size() - 1 - depth]; }

  bool AppendParams(Block block, absl::Span<const ValType> types) {
    for (const ValType type : types) {
      const std::optional<Type> ir = Lower(type);
      if (!ir.has_value()) return false;
      Trace(type, func_->dfg.AppendBlockParam(block, *ir));
    }
    return true;
  }
  bool MakeLabel(Frame& frame, absl::Span<const ValType> types) {
    if (frame.label.is_some()) return true;
    frame.label = builder_.MakeBlock();
    return AppendParams(frame.label, types);
  }
  // Moves to `block` and pushes its parameters.
  void Enter(Block block) {
    builder_.Begin(block);
    const absl::Span<const Value> params = func_->dfg.block_params(block);
    stack_.insert(stack_.end(), params.begin(), params.end());
  }
  void JumpTo(Frame& frame, absl::Span<const ValType> types) {
    if (!MakeLabel(frame, types)) return;
    locals_.AddEdge(frame.edges, builder_.Jump(frame.label, Top(types.size())), 0);
  }
  // An unconditional branch; the operands stay.
  void BranchTo(uint32_t depth) {
    Frame& frame = FrameAt(depth);
    const absl::Span<const ValType> types = state_->frame(depth).label_types();
    if (frame.kind == FrameKind::kFunction) {
      builder_.Return(Top(types.size()));
    } else {
      JumpTo(frame, types);
    }
  }
  void SetFalseTarget(const Frame& frame, Block block, absl::Span<const Value> args) {
    const codegen::BlockCall call = func_->dfg.MakeBlockCall(block, args);
    func_->dfg.mutable_inst(frame.branch).set_block_call(1, call);
  }

  void EndBlock(Frame& f, const ControlFrame& frame, bool fallthrough) {
    if (frame.kind == FrameKind::kIf) {
      // No else: a false condition leads here, with the parameters as results.
      if (!MakeLabel(f, frame.results())) return;
      SetFalseTarget(f, f.label, absl::MakeConstSpan(saved_).subspan(f.first_saved));
      locals_.Prepend(f.edges, f.false_edge);
    }
    if (f.label.is_none()) {
      // Nothing branches here: control goes on in the same block, or not at all.
      if (!fallthrough) stack_.resize(f.height);
      return;
    }
    if (fallthrough) JumpTo(f, frame.results());
    stack_.resize(f.height);
    Enter(f.label);
    locals_.Join(f.open, f.label, f.edges);
  }

  void EndFunction(Frame& f, const ControlFrame& frame, bool fallthrough) {
    if (fallthrough) builder_.Return(Top(frame.results().size()));
    if (f.label.is_some()) {
      stack_.clear();
      Enter(f.label);
      builder_.Return(stack_);
    }
    stack_.clear();
    frames_.clear();
    func_->ResolveAliases();
  }

  // ---- Inlining.

  bool is_inlined() const { return !inlined_.empty(); }
  bool IsConstant(Value value) const {
    const Inst inst = func_->dfg.defining_inst(value);
    if (inst.is_none()) return false;
    const codegen::Opcode opcode = func_->dfg.opcode(inst);
    return opcode == codegen::Opcode::kIconst || opcode == codegen::Opcode::kF32const ||
           opcode == codegen::Opcode::kF64const;
  }
  // How often the function is among those whose code the position lies in.
  uint32_t TimesAround(FuncIndex function) const {
    uint32_t times = at_.func == function;
    for (const Place& place : inlined_) times += place.func == function;
    return times;
  }
  // Translates the callee's body in place of a call of it, whose arguments are the top operands,
  // where plan and budget allow it.
  bool Inline(FuncIndex callee, const FuncType& type) {
    const InlinePlan::Callee* planned = plan_->Find(callee);
    if (planned == nullptr) return false;
    InlineBudget::Site site;
    for (const Value argument : Top(type.params().size())) {
      site.constant_args += IsConstant(argument);
    }
    site.loop_depth = loop_depth_;
    site.is_cold = state_->precedes_unreachable();
    site.depth = static_cast<uint32_t>(inlined_.size());
    site.recursion = TimesAround(callee);
    if (site.depth >= kMaxInlineDepth || !budget_.Take(*planned, site)) return false;

    const Module& module = state_->module();
    const FunctionBody& body = module.bodies[*module.defined(callee)];
    const FunctionState* const caller = state_;
    const Place caller_place = at_;
    at_.site =
        func_->AddInlineSite(at_.site, codegen::SourceLoc(static_cast<uint32_t>(state_->offset())),
                             callee.raw(), codegen::SourceLoc(static_cast<uint32_t>(body.offset)));
    at_.func = callee;
    at_.stack_base = static_cast<uint32_t>(stack_.size() - type.params().size());
    at_.first_local = static_cast<uint32_t>(locals_.size());
    inlined_.push_back(caller_place);
    locals_.AddSteps(body.bytes.size() * 64);
    builder_.SetLoc(codegen::SourceLoc::None(), at_.site);
    ++num_inlined_;

    const absl::Status status = NestedValidator(site.depth).Run(body, *this);
    // Plans have no bodies that are not valid.
    if (!status.ok()) Fail(status);
    locals_.Truncate(at_.first_local);
    inlined_.pop_back();
    at_ = caller_place;
    state_ = caller;
    return true;
  }
  Validator& NestedValidator(size_t depth);
  void BeginInlined(const FuncType& type) {
    size_t argument = at_.stack_base;
    for (const ValType param : type.params()) {
      const std::optional<Type> ir = Lower(param);
      if (!ir.has_value()) return;
      locals_.Declare(*ir, param.is_ref() && env_->IsTraced(param), stack_[argument++]);
    }
    stack_.resize(at_.stack_base);
    // Returns are branches behind the call.
    PushFrame(FrameKind::kBlock, 0);
  }

  void FinishCall(const FuncType& type, Inst call) {
    stack_.resize(stack_.size() - type.params().size());
    size_t position = 0;
    for (const ValType result : type.results()) {
      if (!Lower(result).has_value()) return;
      PushTraced(result, func_->dfg.result(call, position++));
    }
  }

  Value Extended(Value index) {
    if (func_->dfg.value_type(index) == Type::kI64) return index;
    return builder_.Uextend(Type::kI64, index);
  }
  std::optional<uint64_t> AsConstant(Value value) const;
  Address PrepareAddress(const MemArg& arg, uint32_t size, Value index);
  Value CheckedAddress(const HeapAccess& heap, Value index, uint64_t offset, uint32_t size,
                       bool index_is_32_bits);

  void Unary(Value (codegen::InstBuilder::*make)(Value)) { Push((builder_.*make)(Pop())); }
  void Binary(Value (codegen::InstBuilder::*make)(Value, Value)) {
    const Value right = Pop();
    const Value left = Pop();
    Push((builder_.*make)(left, right));
  }
  void Compare(IntCC cc) {
    const Value right = Pop();
    const Value left = Pop();
    Push(builder_.Icmp(cc, left, right));
  }
  void Compare(FloatCC cc) {
    const Value right = Pop();
    const Value left = Pop();
    Push(builder_.Fcmp(cc, left, right));
  }
  void Convert(Value (codegen::InstBuilder::*make)(Type, Value), Type to) {
    Push((builder_.*make)(to, Pop()));
  }
  void TruncateFloat(Value (codegen::InstBuilder::*make)(Type, Value, codegen::TrapCode,
                                                         codegen::TrapCode),
                     Type to) {
    Push((builder_.*make)(to, Pop(), env_->traps().invalid_conversion_to_integer,
                          env_->traps().integer_overflow));
  }
  void Divide(Value (codegen::InstBuilder::*make)(Value, Value, codegen::TrapCode)) {
    const Value right = Pop();
    const Value left = Pop();
    Push((builder_.*make)(left, right, env_->traps().integer_divide_by_zero));
  }
  // The remainder of the least value by -1 is 0 (WebAssembly, "Integer Operations").
  void DivideSigned() {
    const Value right = Pop();
    const Value left = Pop();
    Push(builder_.Sdiv(left, right, env_->traps().integer_divide_by_zero,
                       env_->traps().integer_overflow));
  }
  void EqualToZero(Type type) {
    const Value value = Pop();
    Push(builder_.Icmp(IntCC::kEq, value, builder_.Iconst(type, 0)));
  }
  // Sign-extends from the low bits of the value's own type.
  void ExtendInPlace(Type from, Type to) {
    Push(builder_.Sextend(to, builder_.Ireduce(from, Pop())));
  }

  const FunctionState* state_ = nullptr;
  FuncEnvironment* env_ = nullptr;
  codegen::Function* func_ = nullptr;
  codegen::InstBuilder builder_;
  bool counts_operators_ = false;
  bool failed_ = false;
  absl::Status status_;

  // Null where nothing is inlined.
  const InlinePlan* plan_ = nullptr;
  InlineBudget budget_;
  Place at_;
  // Callers of inlined code around the position, the outermost first.
  std::vector<Place> inlined_;
  std::vector<std::unique_ptr<Validator>> validators_;
  const ValidatorSettings* settings_ = nullptr;
  uint32_t loop_depth_ = 0;
  size_t num_inlined_ = 0;

  LocalVariables locals_;
  std::vector<Value> stack_;
  std::vector<Frame> frames_;
  // Parameters of open ifs, for their else.
  std::vector<Value> saved_;
  std::vector<codegen::BlockCall> table_;
  std::vector<uint32_t> targets_;
  uint32_t table_number_ = 0;
  Value zeros_[16];
};

TranslatingVisitor::Validator& TranslatingVisitor::NestedValidator(size_t depth) {
  while (validators_.size() <= depth) {
    validators_.push_back(
        std::make_unique<Validator>(settings_->module, settings_->features, settings_->limits));
  }
  return *validators_[depth];
}

std::optional<uint64_t> TranslatingVisitor::AsConstant(Value value) const {
  const Inst inst = func_->dfg.defining_inst(value);
  if (inst.is_none() || func_->dfg.opcode(inst) != codegen::Opcode::kIconst) return std::nullopt;
  return func_->dfg.inst(inst).const_bits();
}

Value TranslatingVisitor::CheckedAddress(const HeapAccess& heap, Value index, uint64_t offset,
                                         uint32_t size, bool index_is_32_bits) {
  // The access is in bounds if index + offset + size <= length, without overflow.
  const bool never = offset > std::numeric_limits<uint64_t>::max() - size;
  const Value extent = builder_.I64(static_cast<int64_t>(never ? ~uint64_t{0} : offset + size));
  Value out_of_bounds;
  if (index_is_32_bits && !never) {
    // Offsets of 32-bit memories are below 2^32: the sum does not overflow.
    const Value end = builder_.Iadd(index, extent);
    out_of_bounds = builder_.Icmp(IntCC::kUgt, end, heap.length);
  } else {
    const auto [end, overflow] = builder_.UaddOverflow(index, extent);
    out_of_bounds = builder_.Bor(overflow, builder_.Icmp(IntCC::kUgt, end, heap.length));
    if (never) out_of_bounds = builder_.I32(1);
  }
  builder_.Trapnz(out_of_bounds, env_->traps().memory_out_of_bounds);
  Value address = builder_.Iadd(heap.base, index);
  if (offset >= kNeverMapped) {
    address = builder_.Iadd(address, builder_.I64(static_cast<int64_t>(offset)));
  }
  if (!heap.mask) return address;
  return builder_.SelectSpectreGuard(out_of_bounds, builder_.I64(0), address);
}

// The one place where an address is computed from an index and a static offset.
TranslatingVisitor::Address TranslatingVisitor::PrepareAddress(const MemArg& arg, uint32_t size,
                                                               Value index) {
  const HeapAccess heap = env_->AccessHeap(builder_, arg.memory, arg.offset, size);
  const bool index_is_32_bits = func_->dfg.value_type(index) == Type::kI32;
  constexpr uint64_t kMaxOffset = std::numeric_limits<int32_t>::max();
  if (!heap.check_bounds) {
    DCHECK(index_is_32_bits);
    const std::optional<uint64_t> constant = AsConstant(index);
    // A constant index joins the offset: both are below 2^32, so the sum is exact.
    if (constant.has_value() && *constant + arg.offset <= kMaxOffset) {
      return {heap.base, static_cast<int32_t>(*constant + arg.offset), heap.flags};
    }
    const Value address = builder_.Iadd(heap.base, Extended(index));
    if (arg.offset <= kMaxOffset) return {address, static_cast<int32_t>(arg.offset), heap.flags};
    return {builder_.Iadd(address, builder_.I64(static_cast<int64_t>(arg.offset))), 0, heap.flags};
  }
  const Value address = CheckedAddress(heap, Extended(index), arg.offset, size, index_is_32_bits);
  return {address, arg.offset < kNeverMapped ? static_cast<int32_t>(arg.offset) : 0, heap.flags};
}

void TranslatingVisitor::OnLoad(Opcode op, const MemArg& arg) {
  At(op);
  using Make = Value (codegen::InstBuilder::*)(Type, MemFlags, Value, int32_t);
  Make make = &codegen::InstBuilder::Load;
  Type type = Type::kI32;
  switch (op) {
    case Opcode::kI32Load:
      break;
    case Opcode::kI64Load:
      type = Type::kI64;
      break;
    case Opcode::kF32Load:
      type = Type::kF32;
      break;
    case Opcode::kF64Load:
      type = Type::kF64;
      break;
    case Opcode::kI32Load8S:
      make = &codegen::InstBuilder::Sload8;
      break;
    case Opcode::kI32Load8U:
      make = &codegen::InstBuilder::Uload8;
      break;
    case Opcode::kI32Load16S:
      make = &codegen::InstBuilder::Sload16;
      break;
    case Opcode::kI32Load16U:
      make = &codegen::InstBuilder::Uload16;
      break;
    case Opcode::kI64Load8S:
      make = &codegen::InstBuilder::Sload8;
      type = Type::kI64;
      break;
    case Opcode::kI64Load8U:
      make = &codegen::InstBuilder::Uload8;
      type = Type::kI64;
      break;
    case Opcode::kI64Load16S:
      make = &codegen::InstBuilder::Sload16;
      type = Type::kI64;
      break;
    case Opcode::kI64Load16U:
      make = &codegen::InstBuilder::Uload16;
      type = Type::kI64;
      break;
    case Opcode::kI64Load32S:
      make = &codegen::InstBuilder::Sload32;
      type = Type::kI64;
      break;
    case Opcode::kI64Load32U:
      make = &codegen::InstBuilder::Uload32;
      type = Type::kI64;
      break;
    default:
      OnUnsupported(op);
      return;
  }
  const uint32_t size = uint32_t{1} << GetOperatorInfo(op).align_or_lanes;
  const Address address = PrepareAddress(arg, size, Pop());
  Push((builder_.*make)(type, address.flags, address.base, address.offset));
}

void TranslatingVisitor::OnStore(Opcode op, const MemArg& arg) {
  At(op);
  using Make = Inst (codegen::InstBuilder::*)(MemFlags, Value, Value, int32_t);
  Make make = &codegen::InstBuilder::Store;
  switch (op) {
    case Opcode::kI32Store:
    case Opcode::kI64Store:
    case Opcode::kF32Store:
    case Opcode::kF64Store:
      break;
    case Opcode::kI32Store8:
    case Opcode::kI64Store8:
      make = &codegen::InstBuilder::Istore8;
      break;
    case Opcode::kI32Store16:
    case Opcode::kI64Store16:
      make = &codegen::InstBuilder::Istore16;
      break;
    case Opcode::kI64Store32:
      make = &codegen::InstBuilder::Istore32;
      break;
    default:
      OnUnsupported(op);
      return;
  }
  const uint32_t size = uint32_t{1} << GetOperatorInfo(op).align_or_lanes;
  const Value value = Pop();
  const Address address = PrepareAddress(arg, size, Pop());
  (builder_.*make)(address.flags, value, address.base, address.offset);
}

void TranslatingVisitor::OnSimple(Opcode op) {
  using B = codegen::InstBuilder;
  At(op);
  switch (op) {
    case Opcode::kI32Eqz:
      return EqualToZero(Type::kI32);
    case Opcode::kI64Eqz:
      return EqualToZero(Type::kI64);
    case Opcode::kI32Eq:
    case Opcode::kI64Eq:
      return Compare(IntCC::kEq);
    case Opcode::kI32Ne:
    case Opcode::kI64Ne:
      return Compare(IntCC::kNe);
    case Opcode::kI32LtS:
    case Opcode::kI64LtS:
      return Compare(IntCC::kSlt);
    case Opcode::kI32LtU:
    case Opcode::kI64LtU:
      return Compare(IntCC::kUlt);
    case Opcode::kI32GtS:
    case Opcode::kI64GtS:
      return Compare(IntCC::kSgt);
    case Opcode::kI32GtU:
    case Opcode::kI64GtU:
      return Compare(IntCC::kUgt);
    case Opcode::kI32LeS:
    case Opcode::kI64LeS:
      return Compare(IntCC::kSle);
    case Opcode::kI32LeU:
    case Opcode::kI64LeU:
      return Compare(IntCC::kUle);
    case Opcode::kI32GeS:
    case Opcode::kI64GeS:
      return Compare(IntCC::kSge);
    case Opcode::kI32GeU:
    case Opcode::kI64GeU:
      return Compare(IntCC::kUge);
    case Opcode::kF32Eq:
    case Opcode::kF64Eq:
      return Compare(FloatCC::kEq);
    case Opcode::kF32Ne:
    case Opcode::kF64Ne:
      return Compare(FloatCC::kNe);
    case Opcode::kF32Lt:
    case Opcode::kF64Lt:
      return Compare(FloatCC::kLt);
    case Opcode::kF32Gt:
    case Opcode::kF64Gt:
      return Compare(FloatCC::kGt);
    case Opcode::kF32Le:
    case Opcode::kF64Le:
      return Compare(FloatCC::kLe);
    case Opcode::kF32Ge:
    case Opcode::kF64Ge:
      return Compare(FloatCC::kGe);

    case Opcode::kI32Clz:
    case Opcode::kI64Clz:
      return Unary(&B::Clz);
    case Opcode::kI32Ctz:
    case Opcode::kI64Ctz:
      return Unary(&B::Ctz);
    case Opcode::kI32Popcnt:
    case Opcode::kI64Popcnt:
      return Unary(&B::Popcnt);
    case Opcode::kI32Add:
    case Opcode::kI64Add:
      return Binary(&B::Iadd);
    case Opcode::kI32Sub:
    case Opcode::kI64Sub:
      return Binary(&B::Isub);
    case Opcode::kI32Mul:
    case Opcode::kI64Mul:
      return Binary(&B::Imul);
    case Opcode::kI32DivS:
    case Opcode::kI64DivS:
      return DivideSigned();
    case Opcode::kI32DivU:
    case Opcode::kI64DivU:
      return Divide(&B::Udiv);
    case Opcode::kI32RemS:
    case Opcode::kI64RemS:
      return Divide(&B::Srem);
    case Opcode::kI32RemU:
    case Opcode::kI64RemU:
      return Divide(&B::Urem);
    case Opcode::kI32And:
    case Opcode::kI64And:
      return Binary(&B::Band);
    case Opcode::kI32Or:
    case Opcode::kI64Or:
      return Binary(&B::Bor);
    case Opcode::kI32Xor:
    case Opcode::kI64Xor:
      return Binary(&B::Bxor);
    case Opcode::kI32Shl:
    case Opcode::kI64Shl:
      return Binary(&B::Ishl);
    case Opcode::kI32ShrS:
    case Opcode::kI64ShrS:
      return Binary(&B::Sshr);
    case Opcode::kI32ShrU:
    case Opcode::kI64ShrU:
      return Binary(&B::Ushr);
    case Opcode::kI32Rotl:
    case Opcode::kI64Rotl:
      return Binary(&B::Rotl);
    case Opcode::kI32Rotr:
    case Opcode::kI64Rotr:
      return Binary(&B::Rotr);

    case Opcode::kF32Abs:
    case Opcode::kF64Abs:
      return Unary(&B::Fabs);
    case Opcode::kF32Neg:
    case Opcode::kF64Neg:
      return Unary(&B::Fneg);
    case Opcode::kF32Ceil:
    case Opcode::kF64Ceil:
      return Unary(&B::Ceil);
    case Opcode::kF32Floor:
    case Opcode::kF64Floor:
      return Unary(&B::Floor);
    case Opcode::kF32Trunc:
    case Opcode::kF64Trunc:
      return Unary(&B::Trunc);
    case Opcode::kF32Nearest:
    case Opcode::kF64Nearest:
      return Unary(&B::Nearest);
    case Opcode::kF32Sqrt:
    case Opcode::kF64Sqrt:
      return Unary(&B::Sqrt);
    case Opcode::kF32Add:
    case Opcode::kF64Add:
      return Binary(&B::Fadd);
    case Opcode::kF32Sub:
    case Opcode::kF64Sub:
      return Binary(&B::Fsub);
    case Opcode::kF32Mul:
    case Opcode::kF64Mul:
      return Binary(&B::Fmul);
    case Opcode::kF32Div:
    case Opcode::kF64Div:
      return Binary(&B::Fdiv);
    case Opcode::kF32Min:
    case Opcode::kF64Min:
      return Binary(&B::Fmin);
    case Opcode::kF32Max:
    case Opcode::kF64Max:
      return Binary(&B::Fmax);
    case Opcode::kF32Copysign:
    case Opcode::kF64Copysign:
      return Binary(&B::Fcopysign);

    case Opcode::kI32WrapI64:
      return Convert(&B::Ireduce, Type::kI32);
    case Opcode::kI64ExtendI32S:
      return Convert(&B::Sextend, Type::kI64);
    case Opcode::kI64ExtendI32U:
      return Convert(&B::Uextend, Type::kI64);
    case Opcode::kI32Extend8S:
      return ExtendInPlace(Type::kI8, Type::kI32);
    case Opcode::kI32Extend16S:
      return ExtendInPlace(Type::kI16, Type::kI32);
    case Opcode::kI64Extend8S:
      return ExtendInPlace(Type::kI8, Type::kI64);
    case Opcode::kI64Extend16S:
      return ExtendInPlace(Type::kI16, Type::kI64);
    case Opcode::kI64Extend32S:
      return ExtendInPlace(Type::kI32, Type::kI64);
    case Opcode::kI32TruncF32S:
    case Opcode::kI32TruncF64S:
      return TruncateFloat(&B::FcvtToSint, Type::kI32);
    case Opcode::kI32TruncF32U:
    case Opcode::kI32TruncF64U:
      return TruncateFloat(&B::FcvtToUint, Type::kI32);
    case Opcode::kI64TruncF32S:
    case Opcode::kI64TruncF64S:
      return TruncateFloat(&B::FcvtToSint, Type::kI64);
    case Opcode::kI64TruncF32U:
    case Opcode::kI64TruncF64U:
      return TruncateFloat(&B::FcvtToUint, Type::kI64);
    case Opcode::kI32TruncSatF32S:
    case Opcode::kI32TruncSatF64S:
      return Convert(&B::FcvtToSintSat, Type::kI32);
    case Opcode::kI32TruncSatF32U:
    case Opcode::kI32TruncSatF64U:
      return Convert(&B::FcvtToUintSat, Type::kI32);
    case Opcode::kI64TruncSatF32S:
    case Opcode::kI64TruncSatF64S:
      return Convert(&B::FcvtToSintSat, Type::kI64);
    case Opcode::kI64TruncSatF32U:
    case Opcode::kI64TruncSatF64U:
      return Convert(&B::FcvtToUintSat, Type::kI64);
    case Opcode::kF32ConvertI32S:
    case Opcode::kF32ConvertI64S:
      return Convert(&B::FcvtFromSint, Type::kF32);
    case Opcode::kF32ConvertI32U:
    case Opcode::kF32ConvertI64U:
      return Convert(&B::FcvtFromUint, Type::kF32);
    case Opcode::kF64ConvertI32S:
    case Opcode::kF64ConvertI64S:
      return Convert(&B::FcvtFromSint, Type::kF64);
    case Opcode::kF64ConvertI32U:
    case Opcode::kF64ConvertI64U:
      return Convert(&B::FcvtFromUint, Type::kF64);
    case Opcode::kF32DemoteF64:
      return Convert(&B::Fdemote, Type::kF32);
    case Opcode::kF64PromoteF32:
      return Convert(&B::Fpromote, Type::kF64);
    case Opcode::kI32ReinterpretF32:
      return Convert(&B::Bitcast, Type::kI32);
    case Opcode::kI64ReinterpretF64:
      return Convert(&B::Bitcast, Type::kI64);
    case Opcode::kF32ReinterpretI32:
      return Convert(&B::Bitcast, Type::kF32);
    case Opcode::kF64ReinterpretI64:
      return Convert(&B::Bitcast, Type::kF64);
    default:
      return OnUnsupported(op);
  }
}

}  // namespace

class FunctionTranslator::Impl {
 public:
  Impl(const Module& module, Features features, const ValidatorLimits& limits)
      : settings_{module, features, limits},
        validator_(module, features, limits),
        visitor_(&settings_) {}

  absl::Status Translate(const FunctionBody& body, FuncEnvironment& environment,
                         codegen::Function* func) {
    const absl::Status status = Translate(body, environment, func, plan_);
    if (status.ok() || visitor_.num_inlined() == 0) return status;
    // A failure may be that of a callee, which is for its own compilation to report.
    return Translate(body, environment, func, nullptr);
  }

  void set_inline_plan(const InlinePlan* plan) { plan_ = plan; }
  size_t num_inlined() const { return visitor_.num_inlined(); }

 private:
  absl::Status Translate(const FunctionBody& body, FuncEnvironment& environment,
                         codegen::Function* func, const InlinePlan* plan) {
    func->Clear();
    visitor_.Start(&environment, func, body, plan);
    RETURN_IF_ERROR(validator_.Run(body, visitor_));
    return visitor_.status();
  }

  const ValidatorSettings settings_;
  FunctionValidator<TranslatingVisitor> validator_;
  TranslatingVisitor visitor_;
  const InlinePlan* plan_ = nullptr;
};

FunctionTranslator::FunctionTranslator(const Module& module, Features features,
                                       const ValidatorLimits& limits)
    : impl_(std::make_unique<Impl>(module, features, limits)) {}

FunctionTranslator::~FunctionTranslator() = default;

absl::Status FunctionTranslator::Translate(const FunctionBody& body, FuncEnvironment& environment,
                                           codegen::Function* func) {
  return impl_->Translate(body, environment, func);
}

void FunctionTranslator::set_inline_plan(const InlinePlan* plan) { impl_->set_inline_plan(plan); }
size_t FunctionTranslator::num_inlined() const { return impl_->num_inlined(); }

}  // namespace gantry::wasm
