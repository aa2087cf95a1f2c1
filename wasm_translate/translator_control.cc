// The function's frame, blocks and branches.
#include "absl/strings/str_cat.h"
#include "wasm_translate/translator_visitor.h"
#include "wasm_translate/unimplemented.h"

namespace gantry::wasm {

using codegen::Block;
using codegen::Inst;
using codegen::Type;
using codegen::Value;

void TranslatingVisitor::Start(FuncEnvironment* environment, codegen::Function* func,
                               const FunctionBody& body, const InlinePlan* plan) {
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
  choices_ = environment->choices();
  status_ = absl::OkStatus();
  failed_ = false;
  stack_.clear();
  frames_.clear();
  saved_.clear();
  for (Value& zero : zeros_) zero = Value::None();
  // Many times what any compiler's output needs, and linear in the body.
  locals_.Start(func, 4096 + body_size * 64);
}

absl::Status TranslatingVisitor::status() const {
  if (locals_.overflowed()) {
    return absl::ResourceExhaustedError(
        "too many values meet at the function's branches; it has to be split");
  }
  return status_;
}

void TranslatingVisitor::OnUnsupported(Opcode op) {
  const absl::string_view name = OpcodeName(op);
  Fail(UnimplementedStatus({GetOperatorInfo(op).feature, std::string(name)}));
}

void TranslatingVisitor::FailType(ValType type) {
  // All numbers and references have an IR type.
  Fail(UnimplementedStatus({Feature::kSimd, absl::StrCat("a value of type ", type.ToString())}));
}

void TranslatingVisitor::OnBegin(const FunctionState& state) {
  state_ = &state;
  const FuncType& type = state.module().func_type(state.func());
  FindHints();
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
  keeps_locals_ = env_->keeps_locals();
  if (!keeps_locals_) return;
  for (uint32_t i = 0; i < type.params().size(); ++i) {
    env_->KeepLocal(builder_, i, locals_.Get(i));
  }
}

void TranslatingVisitor::OnLocals(uint32_t count, ValType type) {
  const std::optional<Type> ir = Lower(type);
  if (!ir.has_value()) return;
  const bool traced = type.is_ref() && env_->IsTraced(type);
  if (count == 0) return;
  const Value zero = Zero(*ir);
  for (; count > 0; --count) {
    if (keeps_locals_ && !is_inlined()) {
      env_->KeepLocal(builder_, static_cast<uint32_t>(locals_.size()), zero);
    }
    locals_.Declare(*ir, traced, zero);
  }
}

void TranslatingVisitor::OnUnreachable() {
  At(Opcode::kUnreachable);
  builder_.Trap(env_->traps().unreachable);
}

void TranslatingVisitor::OnBlock(const ControlFrame& frame) {
  At(Opcode::kBlock);
  PushFrame(FrameKind::kBlock, frame.height);
}

void TranslatingVisitor::OnLoop(const ControlFrame& frame) {
  At(Opcode::kLoop);
  const Block header = builder_.MakeBlock();
  const absl::Span<const ValType> params = frame.params();
  if (!AppendParams(header, params)) return;
  ++loop_depth_;
  Frame& f = PushFrame(FrameKind::kLoop, frame.height);
  f.label = header;
  locals_.AddEdge(f.edges, builder_.Jump(header, Top(params.size())), 0);
  stack_.resize(f.height);
  Enter(header);
  f.junction = locals_.BeginLoop(header, f.edges);
  env_->OnLoopHeader(builder_);
}

void TranslatingVisitor::OnIf(const ControlFrame& frame) {
  At(Opcode::kIf);
  const Value condition = Pop();
  const Block then_block = builder_.MakeBlock();
  Frame& f = PushFrame(FrameKind::kIf, frame.height);
  f.first_saved = static_cast<uint32_t>(saved_.size());
  const Expected expected = TakeHint();
  func_->dfg.mutable_block(then_block).cold = expected == Expected::kFalse;
  f.else_is_cold = expected == Expected::kTrue;
  const absl::Span<const Value> params = Top(frame.params().size());
  saved_.insert(saved_.end(), params.begin(), params.end());
  // Where the condition leads if false is known at the else or the end.
  f.branch = builder_.Brif(condition, then_block, {}, Block::None(), {});
  locals_.AddEdge(f.false_edge, f.branch, 1);
  builder_.Begin(then_block);
}

void TranslatingVisitor::OnElse(const ControlFrame& frame, bool fallthrough) {
  Frame& f = frames_.back();
  if (fallthrough) {
    At(Opcode::kElse);
    JumpTo(f, frame.results());
  }
  const Block else_block = builder_.MakeBlock();
  func_->dfg.mutable_block(else_block).cold = f.else_is_cold;
  SetFalseTarget(f, else_block, {});
  builder_.Begin(else_block);
  locals_.Join(f.open, else_block, f.false_edge);
  stack_.resize(f.height);
  stack_.insert(stack_.end(), saved_.begin() + f.first_saved, saved_.end());
}

void TranslatingVisitor::OnEnd(const ControlFrame& frame, bool fallthrough) {
  Frame& f = frames_.back();
  if (fallthrough) {
    At(Opcode::kEnd);
    const bool joins =
        frame.kind != FrameKind::kLoop && (frame.kind != FrameKind::kBlock || f.label.is_some());
    if (counts_operators_ && joins) env_->OnJoin();
  }
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

void TranslatingVisitor::OnBr(uint32_t depth) {
  At(Opcode::kBr);
  BranchTo(depth);
}

void TranslatingVisitor::OnBrIf(uint32_t depth) {
  At(Opcode::kBrIf);
  const Value condition = Pop();
  Frame& f = FrameAt(depth);
  const absl::Span<const ValType> types = state_->frame(depth).label_types();
  if (!MakeLabel(f, types)) return;
  Expected expected = TakeHint();
  // How a loop goes on is known better without a hint: what comes behind it is as warm as what
  // stood before.
  if (f.kind == FrameKind::kLoop || f.loop_depth < loop_depth_) expected = Expected::kEither;
  const Block next = builder_.MakeBlock();
  if (expected == Expected::kFalse) {
    // Others may come to the label too: it is the way there that is rare.
    const Block rare = builder_.MakeBlock();
    func_->dfg.mutable_block(rare).cold = true;
    builder_.Brif(condition, rare, {}, next, {});
    builder_.Begin(rare);
    locals_.AddEdge(f.edges, builder_.Jump(f.label, Top(types.size())), 0);
  } else {
    func_->dfg.mutable_block(next).cold = expected == Expected::kTrue;
    const Inst inst = builder_.Brif(condition, f.label, Top(types.size()), next, {});
    locals_.AddEdge(f.edges, inst, 0);
  }
  builder_.Begin(next);
}

void TranslatingVisitor::OnBrTable(absl::Span<const uint32_t> depths) {
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

void TranslatingVisitor::OnReturn() {
  At(Opcode::kReturn);
  ReturnTop();
}

void TranslatingVisitor::OnBrOnNull(uint32_t depth) {
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

void TranslatingVisitor::OnBrOnNonNull(uint32_t depth) {
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

// ---- Frames and labels.

Value TranslatingVisitor::Zero(Type type) {
  Value fresh;
  Value& zero = is_inlined() ? fresh : zeros_[static_cast<size_t>(type) & 15];
  if (zero.is_some()) return zero;
  if (type == Type::kF32) {
    zero = builder_.F32const(0);
  } else if (type == Type::kF64) {
    zero = builder_.F64const(0);
  } else if (type == Type::kV128) {
    zero = builder_.V128const(0, 0);
  } else {
    zero = builder_.Iconst(type, 0);
  }
  return zero;
}

TranslatingVisitor::Frame& TranslatingVisitor::PushFrame(FrameKind kind, uint32_t height) {
  Frame frame = {};
  frame.kind = kind;
  frame.height = at_.stack_base + height;
  frame.open = locals_.Now();
  frame.first_saved = static_cast<uint32_t>(saved_.size());
  frame.loop_depth = loop_depth_;
  frames_.push_back(frame);
  return frames_.back();
}

bool TranslatingVisitor::AppendParams(Block block, absl::Span<const ValType> types) {
  for (const ValType type : types) {
    const std::optional<Type> ir = Lower(type);
    if (!ir.has_value()) return false;
    Trace(type, func_->dfg.AppendBlockParam(block, *ir));
  }
  return true;
}

bool TranslatingVisitor::MakeLabel(Frame& frame, absl::Span<const ValType> types) {
  if (frame.label.is_some()) return true;
  frame.label = builder_.MakeBlock();
  return AppendParams(frame.label, types);
}

void TranslatingVisitor::Enter(Block block) {
  builder_.Begin(block);
  const absl::Span<const Value> params = func_->dfg.block_params(block);
  stack_.insert(stack_.end(), params.begin(), params.end());
}

void TranslatingVisitor::JumpTo(Frame& frame, absl::Span<const ValType> types) {
  if (!MakeLabel(frame, types)) return;
  locals_.AddEdge(frame.edges, builder_.Jump(frame.label, Top(types.size())), 0);
}

void TranslatingVisitor::BranchTo(uint32_t depth) {
  Frame& frame = FrameAt(depth);
  const absl::Span<const ValType> types = state_->frame(depth).label_types();
  if (frame.kind == FrameKind::kFunction) {
    Return(Top(types.size()));
  } else {
    JumpTo(frame, types);
  }
}

void TranslatingVisitor::ReturnTop() { BranchTo(static_cast<uint32_t>(state_->num_frames() - 1)); }

void TranslatingVisitor::SetFalseTarget(const Frame& frame, Block block,
                                        absl::Span<const Value> args) {
  const codegen::BlockCall call = func_->dfg.MakeBlockCall(block, args);
  func_->dfg.mutable_inst(frame.branch).set_block_call(1, call);
}

void TranslatingVisitor::EndBlock(Frame& f, const ControlFrame& frame, bool fallthrough) {
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

void TranslatingVisitor::EndFunction(Frame& f, const ControlFrame& frame, bool fallthrough) {
  if (fallthrough) Return(Top(frame.results().size()));
  if (f.label.is_some()) {
    stack_.clear();
    Enter(f.label);
    Return(stack_);
  }
  stack_.clear();
  frames_.clear();
  env_->Finish(builder_);
  func_->ResolveAliases();
}

// ---- Branch hints.

void TranslatingVisitor::FindHints() {
  at_.hints = {};
  const Module& module = state_->module();
  if (module.branch_hints.empty()) return;
  at_.hints = module.branch_hints.of(state_->func());
  at_.body_offset = module.bodies[*module.defined(state_->func())].offset;
}

TranslatingVisitor::Expected TranslatingVisitor::TakeHint() {
  absl::Span<const BranchHints::Hint>& hints = at_.hints;
  if (hints.empty()) return Expected::kEither;
  const uint64_t offset = state_->offset() - at_.body_offset;
  // Both come in order.
  while (!hints.empty() && hints.front().offset < offset) hints.remove_prefix(1);
  if (hints.empty() || hints.front().offset != offset) return Expected::kEither;
  return hints.front().likely ? Expected::kTrue : Expected::kFalse;
}

}  // namespace gantry::wasm
