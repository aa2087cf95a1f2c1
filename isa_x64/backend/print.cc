#include "isa_x64/backend/print.h"

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"

namespace gantry::x64 {
namespace {

const char* OpName(Op op) {
  switch (op) {
    case Op::kMovImm:
      return "mov_imm";
    case Op::kMove:
      return "move";
    case Op::kAlu:
      return "alu";
    case Op::kAdd:
      return "add";
    case Op::kUnary:
      return "unary";
    case Op::kShiftImm:
      return "shift_imm";
    case Op::kShiftCl:
      return "shift_cl";
    case Op::kShiftX:
      return "shift_x";
    case Op::kRorX:
      return "ror_x";
    case Op::kAndn:
      return "andn";
    case Op::kImul:
      return "imul";
    case Op::kImulImm:
      return "imul_imm";
    case Op::kMulWide:
      return "mul_wide";
    case Op::kDiv:
      return "div";
    case Op::kExtend:
      return "extend";
    case Op::kLea:
      return "lea";
    case Op::kBits:
      return "bits";
    case Op::kBswap:
      return "bswap";
    case Op::kOverflow:
      return "overflow";
    case Op::kCarry:
      return "carry";
    case Op::kStore:
      return "store";
    case Op::kStoreImm:
      return "store_imm";
    case Op::kAluMem:
      return "alu_mem";
    case Op::kLoadF:
      return "load_f";
    case Op::kStoreF:
      return "store_f";
    case Op::kExchange:
      return "exchange";
    case Op::kExchangeAdd:
      return "exchange_add";
    case Op::kLockAlu:
      return "lock_alu";
    case Op::kUpdateLoop:
      return "update_loop";
    case Op::kCompareExchange:
      return "compare_exchange";
    case Op::kFence:
      return "fence";
    case Op::kSetcc:
      return "setcc";
    case Op::kCmov:
      return "cmov";
    case Op::kTrapCmov:
      return "trap_cmov";
    case Op::kSelectF:
      return "select_f";
    case Op::kTrapIf:
      return "trap_if";
    case Op::kJcc:
      return "jcc";
    case Op::kConstF:
      return "const_f";
    case Op::kSse:
      return "sse";
    case Op::kSqrt:
      return "sqrt";
    case Op::kRound:
      return "round";
    case Op::kRoundSse2:
      return "round_sse2";
    case Op::kMinMax:
      return "min_max";
    case Op::kCvtFloat:
      return "cvt_float";
    case Op::kCvtFromInt:
      return "cvt_from_int";
    case Op::kCvtFromUint64:
      return "cvt_from_uint64";
    case Op::kCvtToInt:
      return "cvt_to_int";
    case Op::kMoveToInt:
      return "move_to_int";
    case Op::kMoveToFloat:
      return "move_to_float";
    case Op::kVecConst:
      return "vec_const";
    case Op::kVec3:
      return "vec3";
    case Op::kVec2:
      return "vec2";
    case Op::kVec3Imm:
      return "vec3_imm";
    case Op::kVec2Imm:
      return "vec2_imm";
    case Op::kVecShift:
      return "vec_shift";
    case Op::kVecBroadcast:
      return "vec_broadcast";
    case Op::kVecVex3Imm:
      return "vec_vex3_imm";
    case Op::kVecBlendv:
      return "vec_blendv";
    case Op::kVecInsert:
      return "vec_insert";
    case Op::kVecExtract:
      return "vec_extract";
    case Op::kVecExtractStore:
      return "vec_extract_store";
    case Op::kVecLoadHalf:
      return "vec_load_half";
    case Op::kVecStoreHalf:
      return "vec_store_half";
    case Op::kVecMask:
      return "vec_mask";
    case Op::kVecLow64:
      return "vec_low64";
    case Op::kVecFma:
      return "vec_fma";
    case Op::kEvex3:
      return "evex3";
    case Op::kEvex3Acc:
      return "evex3_acc";
    case Op::kEvex2:
      return "evex2";
    case Op::kEvexShift:
      return "evex_shift";
    case Op::kEvexTernlog:
      return "evex_ternlog";
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
    case Op::kFuncAddr:
      return "func_addr";
    case Op::kFramePointer:
      return "frame_pointer";
    case Op::kStackPointer:
      return "stack_pointer";
    case Op::kReturnAddress:
      return "return_address";
    case Op::kTierCheck:
      return "tier_check";
    case Op::kFuelCharge:
      return "fuel_charge";
    case Op::kFuelCheck:
      return "fuel_check";
    case Op::kPollWord:
      return "poll_word";
    case Op::kPollPage:
      return "poll_page";
  }
  return "?";
}

const char* CondName(Cond cc) {
  constexpr const char* kNames[] = {"o",  "no", "b",  "ae", "e",  "ne", "be", "a",   "s",
                                    "ns", "p",  "np", "l",  "ge", "le", "g",  "feq", "fne"};
  return kNames[static_cast<int>(cc)];
}

const char* AddrName(AddrKind kind) {
  constexpr const char* kNames[] = {"",         "base",  "base+index", "index",   "constant",
                                    "vector #", "slots", "incoming",   "outgoing"};
  return kNames[static_cast<int>(kind)];
}

bool HasCondition(Op op) {
  return op == Op::kSetcc || op == Op::kCmov || op == Op::kTrapCmov || op == Op::kSelectF ||
         op == Op::kTrapIf || op == Op::kJcc || op == Op::kOverflow;
}

}  // namespace

std::string PrintInst(const Inst& inst, absl::Span<const std::string> operands) {
  std::string text = absl::StrCat(OpName(inst.op), ".", inst.size * 8);
  if (inst.sub != 0) absl::StrAppend(&text, ".", inst.sub);
  if (HasCondition(inst.op)) absl::StrAppend(&text, ".", CondName(inst.cc));
  if (!operands.empty()) absl::StrAppend(&text, " ", absl::StrJoin(operands, ", "));
  if (inst.addr == AddrKind::kConstant) {
    absl::StrAppend(&text, " [constant 0x", absl::Hex(inst.constant()), "]");
  } else if (inst.addr != AddrKind::kNone) {
    absl::StrAppend(&text, " [", AddrName(inst.addr));
    if (inst.scale != 0) absl::StrAppend(&text, "*", 1 << inst.scale);
    absl::StrAppend(&text, inst.disp < 0 ? "" : "+", inst.disp, "]");
  }
  if (inst.has(Inst::kHasImm)) absl::StrAppend(&text, " imm=", inst.imm);
  if (inst.op == Op::kJcc) {
    absl::StrAppend(&text, " block", inst.low(), " else block", inst.high());
  } else if (inst.op == Op::kJump) {
    absl::StrAppend(&text, " block", inst.low());
  } else if (inst.imm64 != 0) {
    absl::StrAppend(&text, " 0x", absl::Hex(inst.imm64));
  }
  if (inst.has(Inst::kHasTrap)) absl::StrAppend(&text, " trap=", inst.trap);
  return text;
}

}  // namespace gantry::x64
