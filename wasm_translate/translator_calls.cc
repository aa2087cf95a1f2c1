// Calls, and code that stands in their place.
#include "wasm_translate/translator_visitor.h"

namespace gantry::wasm {

using codegen::Inst;
using codegen::Type;
using codegen::Value;

void TranslatingVisitor::OnCall(FuncIndex callee, const FuncType& type) {
  At(Opcode::kCall);
  TranslateCall(callee, type, Position());
}

void TranslatingVisitor::OnCallIndirect(TableIndex table, TypeIndex index, const FuncType& type) {
  At(Opcode::kCallIndirect);
  const Value element = Pop();
  FinishCall(type, env_->CallIndirect(builder_, CallKind::kNormal, table, index, element,
                                      Top(type.params().size())));
}

void TranslatingVisitor::OnCallRef(TypeIndex index, const FuncType& type) {
  At(Opcode::kCallRef);
  const Value callee = Pop();
  FinishCall(type,
             env_->CallRef(builder_, CallKind::kNormal, index, callee, Top(type.params().size())));
}

// A tail call in code that stands in place of a call is a call of the function around it, made
// where that call stood, for its own function has no frame any more; then control goes on behind
// it. A tail call of the function itself is never replaced by the callee's code: further tail
// calls would not be in tail position there, and the stack would grow with them.

void TranslatingVisitor::OnReturnCall(FuncIndex callee, const FuncType& type) {
  At(Opcode::kReturnCall);
  if (is_inlined()) {
    env_->OnBodyReturn(builder_);
    TranslateCall(callee, type, func_->CallOf(at_.site));
    ReturnTop();
    return;
  }
  env_->OnTailCall(builder_);
  env_->Call(builder_, CallKind::kTail, callee, Top(type.params().size()));
}

void TranslatingVisitor::OnReturnCallIndirect(TableIndex table, TypeIndex index,
                                              const FuncType& type) {
  At(Opcode::kReturnCallIndirect);
  const Value element = Pop();
  const absl::Span<const Value> args = Top(type.params().size());
  if (is_inlined()) {
    const Inst call =
        env_->CallIndirect(builder_, CallKind::kInlinedTail, table, index, element, args);
    FinishTailCall(type, call);
    return;
  }
  env_->OnTailCall(builder_);
  env_->CallIndirect(builder_, CallKind::kTail, table, index, element, args);
}

void TranslatingVisitor::OnReturnCallRef(TypeIndex index, const FuncType& type) {
  At(Opcode::kReturnCallRef);
  const Value callee = Pop();
  const absl::Span<const Value> args = Top(type.params().size());
  if (is_inlined()) {
    FinishTailCall(type, env_->CallRef(builder_, CallKind::kInlinedTail, index, callee, args));
    return;
  }
  env_->OnTailCall(builder_);
  env_->CallRef(builder_, CallKind::kTail, index, callee, args);
}

codegen::CodeOrigin TranslatingVisitor::Position() const {
  return {codegen::SourceLoc(static_cast<uint32_t>(state_->offset())), at_.site};
}

void TranslatingVisitor::TranslateCall(FuncIndex callee, const FuncType& type,
                                       const codegen::CodeOrigin& origin) {
  if (plan_ != nullptr && Inline(callee, type, origin)) return;
  const Inst call = env_->Call(builder_, CallKind::kNormal, callee, Top(type.params().size()));
  func_->SetLoc(call, origin.loc, origin.site);
  FinishCall(type, call);
}

void TranslatingVisitor::FinishTailCall(const FuncType& type, Inst call) {
  // The checks before it are the tail caller's.
  const codegen::CodeOrigin origin = func_->CallOf(at_.site);
  func_->SetLoc(call, origin.loc, origin.site);
  FinishCall(type, call);
  ReturnTop();
}

void TranslatingVisitor::FinishCall(const FuncType& type, Inst call) {
  stack_.resize(stack_.size() - type.params().size());
  size_t position = 0;
  for (const ValType result : type.results()) {
    if (!Lower(result).has_value()) return;
    PushTraced(result, func_->dfg.result(call, position++));
  }
}

// ---- Inlining.

bool TranslatingVisitor::IsConstant(Value value) const {
  const Inst inst = func_->dfg.defining_inst(value);
  if (inst.is_none()) return false;
  switch (func_->dfg.opcode(inst)) {
    case codegen::Opcode::kIconst:
    case codegen::Opcode::kF32const:
    case codegen::Opcode::kF64const:
    case codegen::Opcode::kV128const:
      return true;
    default:
      return false;
  }
}

uint32_t TranslatingVisitor::TimesAround(FuncIndex function) const {
  uint32_t times = at_.func == function;
  for (const Place& place : inlined_) times += place.func == function;
  return times;
}

bool TranslatingVisitor::Inline(FuncIndex callee, const FuncType& type,
                                const codegen::CodeOrigin& origin) {
  // One after another, calls of a function in a row count once.
  if (considered_.empty() || considered_.back() != callee) considered_.push_back(callee);
  const InlinePlan::Callee* planned = plan_->Find(callee);
  if (planned == nullptr) return false;
  InlineBudget::Site site;
  for (const Value argument : Top(type.params().size())) {
    site.constant_args += IsConstant(argument);
  }
  site.loop_depth = loop_depth_;
  site.is_cold = state_->precedes_unreachable() || func_->dfg.block(builder_.block()).cold;
  site.depth = static_cast<uint32_t>(inlined_.size());
  site.recursion = TimesAround(callee);
  if (site.depth >= kMaxInlineDepth || !budget_.Take(*planned, site)) return false;

  const Module& module = state_->module();
  const FunctionBody& body = module.bodies[*module.defined(callee)];
  const FunctionState* const caller = state_;
  const Place caller_place = at_;
  at_.site = func_->AddInlineSite(origin.site, origin.loc, callee.raw(),
                                  codegen::SourceLoc(static_cast<uint32_t>(body.offset)));
  at_.func = callee;
  at_.stack_base = static_cast<uint32_t>(stack_.size() - type.params().size());
  at_.first_local = static_cast<uint32_t>(locals_.size());
  inlined_.push_back(caller_place);
  locals_.AddSteps(body.bytes.size() * 64);
  builder_.SetLoc(codegen::SourceLoc::None(), at_.site);
  ++num_inlined_;

  const absl::Status status = runner_->Run(body, site.depth);
  // Plans have no bodies that are not valid.
  if (!status.ok()) Fail(status);
  // They return, too.
  env_->OnBodyReturn(builder_);
  env_->OnBodyDone();
  locals_.Truncate(at_.first_local);
  inlined_.pop_back();
  at_ = caller_place;
  state_ = caller;
  return true;
}

void TranslatingVisitor::BeginInlined(const FuncType& type) {
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

}  // namespace gantry::wasm
