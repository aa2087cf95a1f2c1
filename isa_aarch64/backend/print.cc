#include "isa_aarch64/backend/print.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace gantry::aarch64 {
namespace {

const char* OpName(Op op) {
  switch (op) {
    case Op::kRow:
      return "row";
    case Op::kMove:
      return "move";
    case Op::kMovImm:
      return "mov_imm";
    case Op::kLoad:
      return "load";
    case Op::kStore:
      return "store";
    case Op::kLea:
      return "lea";
    case Op::kConstF:
      return "const_f";
    case Op::kVecConst:
      return "vec_const";
    case Op::kCset:
      return "cset";
    case Op::kCsel:
      return "csel";
    case Op::kTrapCsel:
      return "trap_csel";
    case Op::kFcsel:
      return "fcsel";
    case Op::kTrapIf:
      return "trap_if";
    case Op::kTrapIfZero:
      return "trap_if_zero";
    case Op::kTrapIfBit:
      return "trap_if_bit";
    case Op::kBranch:
      return "branch";
    case Op::kBranchZero:
      return "branch_zero";
    case Op::kBranchBit:
      return "branch_bit";
    case Op::kTrapIfMinByMinusOne:
      return "trap_if_min_by_minus_one";
    case Op::kFlagsCset:
      return "flags_cset";
    case Op::kCarry:
      return "carry";
    case Op::kCheckToInt:
      return "check_to_int";
    case Op::kTbl2:
      return "tbl2";
    case Op::kAtomicLoad:
      return "atomic_load";
    case Op::kAtomicStore:
      return "atomic_store";
    case Op::kAtomicFetch:
      return "atomic_fetch";
    case Op::kAtomicSwap:
      return "atomic_swap";
    case Op::kAtomicLoop:
      return "atomic_loop";
    case Op::kAtomicCas:
      return "atomic_cas";
    case Op::kFence:
      return "fence";
    case Op::kJump:
      return "jump";
    case Op::kJumpTable:
      return "jump_table";
    case Op::kCall:
      return "call";
    case Op::kCallIndirect:
      return "call_indirect";
    case Op::kTailCall:
      return "tail_call";
    case Op::kTailCallIndirect:
      return "tail_call_indirect";
    case Op::kReturn:
      return "return";
    case Op::kTrap:
      return "trap";
    case Op::kArguments:
      return "arguments";
    case Op::kFuelCharge:
      return "fuel_charge";
    case Op::kFuelCheck:
      return "fuel_check";
    case Op::kPollWord:
      return "poll_word";
    case Op::kPollPage:
      return "poll_page";
    case Op::kFuncAddr:
      return "func_addr";
    case Op::kFramePointer:
      return "frame_pointer";
    case Op::kStackPointer:
      return "stack_pointer";
    case Op::kReturnAddress:
      return "return_address";
  }
  return "?";
}

const char* CondName(Cond cc) {
  if (cc == Cond::kOne) return "one";
  if (cc == Cond::kUeq) return "ueq";
  return ConditionText(static_cast<Condition>(cc));
}

const char* AddrName(AddrKind kind) {
  constexpr const char* kNames[] = {"base",  "base+index", "base+index*size",
                                    "slots", "incoming",   "outgoing"};
  return kNames[static_cast<int>(kind)];
}

// Those whose `number` is a row.
bool HasRow(Op op) {
  switch (op) {
    case Op::kRow:
    case Op::kCset:
    case Op::kCsel:
    case Op::kTrapCsel:
    case Op::kFcsel:
    case Op::kTrapIf:
    case Op::kBranch:
    case Op::kFlagsCset:
    case Op::kCarry:
      return true;
    default:
      return false;
  }
}

bool HasCondition(Op op) {
  switch (op) {
    case Op::kCset:
    case Op::kCsel:
    case Op::kTrapCsel:
    case Op::kFcsel:
    case Op::kTrapIf:
    case Op::kTrapIfZero:
    case Op::kTrapIfBit:
    case Op::kBranch:
    case Op::kBranchZero:
    case Op::kBranchBit:
    case Op::kFlagsCset:
      return true;
    default:
      return false;
  }
}

bool HasAddress(Op op) { return op == Op::kLoad || op == Op::kStore || op == Op::kLea; }
bool IsBranch(Op op) { return op == Op::kBranch || op == Op::kBranchZero || op == Op::kBranchBit; }

}  // namespace

std::string PrintInst(const Inst& inst, absl::Span<const std::string> operands) {
  std::string text = OpName(inst.op);
  if (HasRow(inst.op)) absl::StrAppend(&text, " ", RowInfoOf(inst.row()).name);
  if (inst.op == Op::kLoad || inst.op == Op::kStore) {
    absl::StrAppend(&text, " ", MemInfoOf(inst.mem()).text, ".", inst.size * 8);
  }
  if (HasCondition(inst.op)) absl::StrAppend(&text, ".", CondName(inst.cc));
  if (!operands.empty()) absl::StrAppend(&text, " ", absl::StrJoin(operands, ", "));
  if (HasRow(inst.op) && inst.bits != 0) {
    absl::StrAppend(&text, " bits=0x", absl::Hex(inst.bits));
  }
  if (HasAddress(inst.op)) {
    absl::StrAppend(&text, " [", AddrName(inst.addr), inst.disp < 0 ? "" : "+", inst.disp, "]");
  } else if (inst.has(Inst::kChain)) {
    const Link link = Link::Unpack(inst.disp);
    absl::StrAppend(&text, " then ", RowInfoOf(link.row).name, " bits=0x", absl::Hex(link.bits));
  } else if (inst.disp != 0) {
    absl::StrAppend(&text, " #", inst.disp);
  }
  if (IsBranch(inst.op)) {
    absl::StrAppend(&text, " block", inst.low(), " else block", inst.high());
  } else if (inst.op == Op::kJump) {
    absl::StrAppend(&text, " block", inst.low());
  } else if (inst.imm64 != 0) {
    absl::StrAppend(&text, " 0x", absl::Hex(inst.imm64));
  }
  if (inst.has(Inst::kHasTrap)) absl::StrAppend(&text, " trap=", inst.code);
  return text;
}

}  // namespace gantry::aarch64
