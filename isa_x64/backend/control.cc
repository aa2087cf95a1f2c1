// Lowering of control flow and calls.
#include <algorithm>
#include <limits>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "isa_x64/backend/lowering.h"

namespace gantry::x64 {

using codegen::Opcode;
using codegen::regalloc::kBranch;
using codegen::regalloc::kReturn;
using codegen::regalloc::kSafepoint;

void X64Lowering::Begin(Lowering& ctx) {
  ctx_ = &ctx;
  const codegen::FunctionStencil& func = ctx.func();
  abi_known_.assign(func.dfg.signatures().size(), false);
  if (abis_.size() < abi_known_.size()) abis_.resize(abi_known_.size());
  if (absl::Status status = own_abi_.Assign(func.signature); !status.ok()) ctx.Fail(status);
  ctx.vcode().frame.incoming_bytes = own_abi_.stack_bytes();
  ctx.vcode().frame.callee_pops = own_abi_.callee_pops();
  ctx.vcode().cold_calls = func.cold_calls;
  result_area_ = own_abi_.result_area_bytes() != 0 ? NewInt() : VReg::None();
  uses_result_area_ = false;
  shared_constants_.clear();
  ctx.LayOutStackSlots(&slot_offsets_);
}

const AbiSignature& X64Lowering::AbiOf(codegen::SigRef sig) {
  AbiSignature& abi = abis_[sig.index()];
  if (!abi_known_[sig.index()]) {
    if (absl::Status status = abi.Assign(ctx_->dfg().signature(sig)); !status.ok()) {
      ctx_->Fail(status);
    }
    abi_known_[sig.index()] = true;
  }
  return abi;
}

void X64Lowering::LowerEntry(Lowering& ctx, absl::Span<const Value> params) {
  Builder arguments(Op::kArguments);
  if (uses_result_area_) arguments.DefFixed(result_area_, own_abi_.result_area_reg());
  const absl::Span<const ValuePlace> places = own_abi_.params();
  for (size_t i = 0; i < params.size(); ++i) {
    if (places[i].reg.is_some() && ctx.IsUsed(params[i])) {
      arguments.DefFixed(ctx.RegOf(params[i]), places[i].reg);
    }
  }
  if (!arguments.operands.empty()) Emit(arguments);
  for (size_t i = 0; i < params.size(); ++i) {
    if (places[i].reg.is_some() || !ctx.IsUsed(params[i])) continue;
    ctx.vcode().frame.needs_frame_pointer = true;
    Address address;
    address.kind = AddrKind::kIncoming;
    address.disp = places[i].offset;
    EmitLoad(ctx.RegOf(params[i]), places[i].type, address);
  }
  EmitSharedConstants();
}

void X64Lowering::LowerJump(Lowering& ctx, uint32_t target) {
  Builder builder(Op::kJump);
  builder.inst.imm64 = target;
  ctx_ = &ctx;
  Emit(builder, kBranch);
}

void X64Lowering::LowerBranch(IrInst inst, absl::Span<const uint32_t> targets) {
  Builder builder(Op::kJcc);
  AddCompare(builder, MatchCondition(ctx_->data(inst).arg(0)));
  builder.inst.imm64 = targets[0] | uint64_t{targets[1]} << 32;
  Emit(builder, kBranch);
}

void X64Lowering::LowerBranchTable(IrInst inst, absl::Span<const uint32_t> targets) {
  const InstData& data = ctx_->data(inst);
  const absl::Span<const uint32_t> of_entry = ctx_->target_of_entry();
  const size_t entries = of_entry.size() - 1;
  if (targets.size() == 1) {
    LowerJump(*ctx_, targets[0]);
    return;
  }
  const VReg index = Low32(data.arg(0));
  if (entries == 1) {
    Builder builder(Op::kJcc, 4);
    builder.inst.sub = static_cast<uint8_t>(CompareKind::kCmp);
    builder.inst.cc = Cond::kE;
    builder.inst.imm64 = targets[of_entry[0]] | uint64_t{targets[of_entry[1]]} << 32;
    Emit(builder.Imm(0).UseAny(index), kBranch);
    return;
  }
  if (entries > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    ctx_->Fail(absl::ResourceExhaustedError("function too large: a br_table"));
    return;
  }
  std::vector<uint32_t> table;
  table.reserve(of_entry.size());
  for (uint32_t target : of_entry) table.push_back(targets[target]);
  Builder builder(Op::kJumpTable, 4);
  builder.Imm(static_cast<int32_t>(entries));
  builder.inst.imm64 = ctx_->vcode().AddJumpTable(std::move(table));
  if (shared_.spectre_mitigation()) builder.inst.flags |= Inst::kMask;
  Emit(builder.Use(index).Temp(NewInt()), kBranch);
}

void X64Lowering::PassArguments(Builder& call, const AbiSignature& abi,
                                absl::Span<const Value> args, VReg result_area) {
  const absl::Span<const ValuePlace> places = abi.params();
  for (size_t i = 0; i < args.size(); ++i) {
    if (places[i].reg.is_some()) continue;
    Address address;
    address.kind = AddrKind::kOutgoing;
    address.disp = places[i].offset;
    const VReg value = ctx_->Reg(args[i]);
    // A slot of eight bytes holds a narrow integer zero-extended, as a register does.
    EmitStore(value, codegen::IsInt(places[i].type) ? Type::kI64 : places[i].type, address);
  }
  if (result_area.is_some()) call.UseFixed(result_area, abi.result_area_reg());
  for (size_t i = 0; i < args.size(); ++i) {
    if (places[i].reg.is_some()) call.UseFixed(ctx_->Reg(args[i]), places[i].reg);
  }
}

void X64Lowering::LowerCall(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const bool indirect = data.opcode() == Opcode::kCallIndirect;
  const AbiSignature& abi = AbiOf(ctx_->dfg().call_signature(inst));
  codegen::VCode::FrameNeeds& frame = ctx_->vcode().frame;
  frame.has_calls = true;
  frame.outgoing_bytes =
      std::max(frame.outgoing_bytes, abi.stack_bytes() + abi.result_area_bytes());

  Builder call(indirect ? Op::kCallIndirect : Op::kCall);
  VReg area;
  if (abi.result_area_bytes() != 0) {
    area = NewInt();
    Builder lea(Op::kLea, 8);
    lea.inst.addr = AddrKind::kOutgoing;
    lea.inst.disp = static_cast<int32_t>(abi.stack_bytes());
    Emit(lea.Def(area));
  }
  if (indirect) {
    AddRm(call, data.arg(0), 8);
  } else {
    call.inst.imm64 = ctx_->dfg().ext_func(data.func_ref()).name.raw();
  }
  PassArguments(call, abi, ctx_->dfg().list_args(inst), area);
  call.inst.imm = abi.callee_pops() ? static_cast<int32_t>(abi.stack_bytes()) : 0;
  const absl::Span<const ValuePlace> returns = abi.returns();
  for (size_t i = 0; i < returns.size(); ++i) {
    if (returns[i].reg.is_some()) call.DefFixed(ctx_->Result(inst, i), returns[i].reg);
  }
  ctx_->Emit(codegen::MachInst::From(call.inst), call.operands, kSafepoint, CallClobbers());
  for (size_t i = 0; i < returns.size(); ++i) {
    if (returns[i].reg.is_some() || !ctx_->IsResultUsed(inst, i)) continue;
    Address address;
    address.kind = AddrKind::kOutgoing;
    address.disp = abi.stack_bytes() + returns[i].offset;
    EmitLoad(ctx_->Result(inst, i), returns[i].type, address);
  }
}

void X64Lowering::LowerTailCall(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const bool indirect = data.opcode() == Opcode::kReturnCallIndirect;
  const AbiSignature& abi = AbiOf(ctx_->dfg().call_signature(inst));
  if (!abi.callee_pops() || !own_abi_.callee_pops()) {
    ctx_->Fail(absl::UnimplementedError("a tail call under the system_v convention"));
    return;
  }
  codegen::VCode::FrameNeeds& frame = ctx_->vcode().frame;
  frame.has_tail_calls = true;
  frame.outgoing_bytes = std::max(frame.outgoing_bytes, abi.stack_bytes());
  Builder call(indirect ? Op::kTailCallIndirect : Op::kTailCall);
  VReg area;
  if (abi.result_area_bytes() != 0) {
    // The callee returns the same results, into the same area.
    area = result_area_;
    uses_result_area_ = true;
  }
  if (indirect) {
    call.Use(ctx_->Reg(data.arg(0)));
  } else {
    call.inst.imm64 = ctx_->dfg().ext_func(data.func_ref()).name.raw();
  }
  PassArguments(call, abi, ctx_->dfg().list_args(inst), area);
  call.inst.imm = static_cast<int32_t>(abi.stack_bytes());
  Emit(call, kReturn);
}

void X64Lowering::LowerReturn(IrInst inst) {
  const absl::Span<const Value> values = ctx_->dfg().list_args(inst);
  const absl::Span<const ValuePlace> places = own_abi_.returns();
  Builder builder(Op::kReturn);
  for (size_t i = 0; i < values.size(); ++i) {
    if (places[i].reg.is_some()) continue;
    uses_result_area_ = true;
    Address address;
    address.kind = AddrKind::kBase;
    address.base = result_area_;
    address.disp = places[i].offset;
    EmitStore(ctx_->Reg(values[i]), codegen::IsInt(places[i].type) ? Type::kI64 : places[i].type,
              address);
  }
  for (size_t i = 0; i < values.size(); ++i) {
    if (places[i].reg.is_some()) builder.UseFixed(ctx_->Reg(values[i]), places[i].reg);
  }
  Emit(builder, kReturn);
}

void X64Lowering::LowerFuel(IrInst inst) {
  const auto step = ctx_->FuelStepOf(inst, shared_.fuel_register());
  if (!step.has_value()) return;
  Builder builder(step->checks ? Op::kFuelCheck : Op::kFuelCharge);
  builder.Imm(static_cast<int32_t>(step->amount));
  Emit(builder, step->checks ? kSafepoint : codegen::regalloc::kNoFlags);
}

void X64Lowering::LowerPoll(IrInst inst) {
  if (!ctx_->CheckPoll()) return;
  const InstData& data = ctx_->data(inst);
  Builder builder(data.opcode() == Opcode::kPollWord ? Op::kPollWord : Op::kPollPage);
  builder.inst.disp = data.offset();
  Emit(builder.UseAny(ctx_->Reg(data.arg(0))), kSafepoint);
}

void X64Lowering::LowerTerminator(Lowering& ctx, IrInst inst, absl::Span<const uint32_t> targets) {
  ctx_ = &ctx;
  const InstData& data = ctx.data(inst);
  switch (data.opcode()) {
    case Opcode::kJump:
      LowerJump(ctx, targets[0]);
      return;
    case Opcode::kBrif:
      LowerBranch(inst, targets);
      return;
    case Opcode::kBrTable:
      LowerBranchTable(inst, targets);
      return;
    case Opcode::kReturn:
      LowerReturn(inst);
      return;
    case Opcode::kReturnCall:
    case Opcode::kReturnCallIndirect:
      LowerTailCall(inst);
      return;
    case Opcode::kTrap: {
      Builder builder(Op::kTrap);
      builder.inst.extra = static_cast<uint8_t>(data.trap_code());
      Emit(builder, kReturn);
      return;
    }
    default:
      ctx.Fail(absl::UnimplementedError(
          absl::StrCat("the x64 backend does not compile ", Info(data.opcode()).name)));
      // Something that ends the block.
      Emit(Builder(Op::kTrap), kReturn);
      return;
  }
}

}  // namespace gantry::x64
