// The machine instructions of x64 VCode: what lowering makes and emission turns into bytes.
//
// An Inst is 24 bytes and names no register. Its registers are its operands, whose order the
// opcode fixes (table below): uses first, definitions behind them. Where an opcode takes "rm",
// that is either one register-or-spill-slot operand (addr == kNone) or the registers of an
// address: base, then index, as the kind of address has them.
//
// Flags never live from one Inst to the next: whatever sets and reads them is one Inst, such
// as kJcc, which compares and jumps. So moves between instructions are free to change flags.
#ifndef GANTRY_ISA_X64_BACKEND_INST_H_
#define GANTRY_ISA_X64_BACKEND_INST_H_

#include <bit>
#include <cstdint>

#include "codegen/vcode.h"

namespace gantry::x64 {

// How the registers and the displacement of an Inst make an address.
enum class AddrKind : uint8_t {
  kNone,       // No address: "rm" is one operand.
  kBase,       // base + disp
  kBaseIndex,  // base + (index << scale) + disp
  kIndex,      // (index << scale) + disp
  kConstant,   // The constant pool's copy of constant(), as many bytes as the opcode reads.
  kVector,     // The constant pool's copy of the VCode's vector constant number disp, 16 bytes.
  kSlot,       // The frame's slot area + disp.
  kIncoming,   // The stack arguments this function was passed + disp.
  kOutgoing,   // The stack arguments for a call + disp.
};

// The table of opcodes. Operands are written as uses -> definitions; "=n" is a definition in
// the place of use n, "?" a register or spill slot, "late" a use that outlives definitions.
enum class Op : uint8_t {
  // ---- Integers. `size` is 4 or 8 if nothing else is said; 4 clears the upper half.
  kMovImm,    //                   -> d        imm64
  kMove,      // a?                -> d?       a copy; emitted by register allocation
  kAlu,       // a rm | a          -> =0       sub: AluKind; imm if kHasImm
  kAdd,       // a b? | a          -> d        three operands; imm if kHasImm
  kUnary,     // a                 -> =0       sub: UnaryKind
  kShiftImm,  // a                 -> =0       sub: ShiftKind, imm
  kShiftCl,   // a rcx             -> =0       sub: ShiftKind
  kShiftX,    // count rm          -> d        BMI2; sub: ShiftKind (shl, shr, sar)
  kRorX,      // rm                -> d        BMI2; imm
  kAndn,      // a rm              -> d        BMI1: d = ~a & rm
  kImul,      // a rm              -> =0
  kImulImm,   // rm                -> d        imm
  kMulWide,   // rax rm            -> rax rdx  kSigned or not: low and high half
  kDiv,       // rax b(late)       -> rax rdx  kSigned or not, kRemainder: which one counts;
              //                               codes: trap for zero, extra for overflow
  kExtend,    // rm                -> d        sub: bytes read; kSigned; size: of the result
  kLea,       // address           -> d
  kBits,      // rm                -> d        sub: BitsKind
  kBswap,     // a                 -> =0
  kOverflow,  // a rm              -> =0 d     sub: AluKind; cc: what the second result is
  kCarry,     // a rm c            -> =0 d     add or subtract with carry in and out
  // ---- Memory. `size` 1, 2, 4, 8; for floats 4, 8 or 16.
  kStore,     // v address         ->
  kStoreImm,  // address           ->          imm
  kAluMem,    // v address | address ->        memory op= v or imm; sub: AluKind
  kLoadF,     // address           -> d
  kStoreF,    // v address         ->
  // ---- Atomic accesses to memory, `size` 1, 2, 4 or 8, in one order of all (a plain load is one,
  // too). What memory held comes in the low bytes; below 4 bytes, what is above is not cleared.
  kExchange,     // v address            -> =0     memory = v
  kExchangeAdd,  // v address            -> =0     memory += v
  kLockAlu,      // v address | address  ->        memory op= v or imm; sub: AluKind
  kUpdateLoop,   // v(late) address(late) | address(late) -> rax t(early)
                 //                                memory = memory op v or imm; all of rax is clear
  kCompareExchange,  // rax v address    -> rax    memory = v if it is rax; the rest of rax stays
  kFence,            //                  ->
  // ---- Comparisons and what depends on them: first the comparison's operands.
  //   compare: CompareKind; kHasImm: rm against imm, else a against rm.
  kSetcc,     // compare            -> d        cc
  kCmov,      // compare t? f       -> =f       cc; int; `extra`: size of the moved value
  kTrapCmov,  // compare t? f       -> =f       cc: traps, and moves where it was mispredicted; int;
              //                                `extra`: size of the moved value; trap code in imm64
  kSelectF,   // compare t f        -> =f       cc; vector
  kTrapIf,    // compare            ->          cc; extra: trap code
  kJcc,       // compare            ->          cc; taken and other target in imm64
  // ---- Floats. `size` 4 or 8, 16 for packed bits.
  kConstF,         //                   -> d        imm64
  kSse,            // a rm              -> =0 | d   sub: SseKind; three operands with AVX
  kSqrt,           // rm                -> d
  kRound,          // rm                -> d        SSE4.1; imm: mode
  kRoundSse2,      // a(late)        -> d t      the same without; t vector, early
  kMinMax,         // a b(late)         -> =0       sub: 0 min, 1 max, wasm's
  kCvtFloat,       // rm                -> d        between f32 and f64; size: of the result
  kCvtFromInt,     // rm             -> d        size: of the result; sub: bytes of the source
  kCvtFromUint64,  // a            -> d t      size: of the result; t integer, early
  kCvtToInt,       // a                 -> d        sub: CvtOp; size: of the source
                   //                               codes: trap for NaN, extra for out of range
  kMoveToInt,      // a?             -> d        bits; size
  kMoveToFloat,    // rm             -> d        bits; size
  // ---- Vectors: instructions of the assembler's tables, `sub` says which. `extra` is the
  // immediate
  //      byte: a lane, a shift's amount. "d!" is a definition with AVX, "=0" without. `size` is
  //      what memory operands have, 16 if nothing else is said.
  kVecConst,         //             -> d        sub: VecConstKind; imm64
  kVec3,             // a rm        -> d!       SseRvmOp
  kVec2,             // rm          -> d        SseRmOp
  kVec3Imm,          // a rm        -> d!       SseRvmImmOp
  kVec2Imm,          // rm          -> d        SseRmImmOp
  kVecShift,         // a           -> d!       SseShiftImmOp
  kVecBroadcast,     // rm          -> d        VexRmOp
  kVecVex3Imm,       // a rm        -> d        VexRvmImmOp
  kVecBlendv,        // a b mask    -> d!       BlendvOp; b where mask; the mask is xmm0 without AVX
  kVecInsert,        // a rm        -> d!       InsertOp; an integer rm
  kVecExtract,       // a           -> d        ExtractOp; an integer d
  kVecExtractStore,  // a address   ->          ExtractOp
  kVecLoadHalf,      // a address   -> d!       SseHalfOp
  kVecStoreHalf,     // a address   ->          SseHalfOp
  kVecMask,          // a           -> d        MaskToGprOp; an integer d
  kVecLow64,         // rm          -> d        the low half, above it zero
  kVecFma,           // a b rm      -> =0       FmaOp
  kEvex3,            // a rm        -> d        EvexRvmOp
  kEvex3Acc,         // a b rm      -> =0       EvexRvmOp that also read the destination
  kEvex2,            // rm          -> d        EvexRmOp
  kEvexShift,        // a           -> d        EvexShiftImmOp
  kEvexTernlog,      // a b rm      -> =0       extra: the function's table
  // ---- Control.
  kJump,              //                  ->          target in imm64
  kJumpTable,         // index            -> t (early)  imm: entries; imm64: the table
  kCall,              // arguments        -> results  imm64: name; imm: bytes the callee pops
  kCallIndirect,      // rm arguments  -> results  imm: bytes the callee pops
  kTailCall,          // arguments        ->          imm64: name; imm: bytes of stack arguments
  kTailCallIndirect,  // r arguments ->        imm: bytes of stack arguments
  kReturn,            // results          ->
  kTrap,              //                  ->          extra: trap code
  kArguments,         //                  -> arguments in their registers
  // ---- The rest.
  kFuncAddr,       //             -> d        imm64: name
  kFramePointer,   //             -> d
  kStackPointer,   //             -> d
  kReturnAddress,  //             -> d
  kTierCheck,      // counter entry ->        both registers
  // ---- Interrupts; all but the first are safepoints, whose cold code keeps all registers but r11.
  kFuelCharge,  //             ->          imm
  kFuelCheck,   //             ->          imm
  kPollWord,    // a?          ->          disp: from the address a
  kPollPage,    // a?          ->          disp
};

// In the order of the machine's /digit.
enum class AluKind : uint8_t { kAdd, kOr, kAdc, kSbb, kAnd, kSub, kXor, kCmp };
enum class UnaryKind : uint8_t { kNot, kNeg };
enum class ShiftKind : uint8_t { kRol = 0, kRor = 1, kShl = 4, kShr = 5, kSar = 7 };
enum class BitsKind : uint8_t {
  kLzcnt,
  kTzcnt,
  kPopcnt,
  kClzByBsr,  // Without LZCNT.
  kCtzByBsf,  // Without TZCNT.
};
enum class SseKind : uint8_t { kAdd, kMul, kSub, kDiv, kAnd, kAndn, kOr, kXor };
enum class CompareKind : uint8_t { kCmp, kTest, kUcomis, kPtest };
// How a vector constant is made: of nothing, or from the constant pool.
enum class VecConstKind : uint8_t {
  kZero,
  kOnes,
  kSplat4,  // imm64: 4 bytes; AVX.
  kSplat8,  // imm64: 8 bytes; AVX.
  kPool,    // imm64: number of the VCode's vector constant.
};

// Result of kCvtToInt: bytes, signedness, what happens out of range.
struct CvtOp {
  static constexpr uint8_t kTo64 = 1;
  static constexpr uint8_t kUnsigned = 2;
  static constexpr uint8_t kSaturating = 4;
};

// The machine's conditions by encoding, and two that take both ZF and PF.
enum class Cond : uint8_t {
  kO,
  kNo,
  kB,
  kAe,
  kE,
  kNe,
  kBe,
  kA,
  kS,
  kNs,
  kP,
  kNp,
  kL,
  kGe,
  kLe,
  kG,
  kFloatEq,  // e and np
  kFloatNe,  // ne or p
};
constexpr Cond Inverse(Cond cc) { return static_cast<Cond>(static_cast<uint8_t>(cc) ^ 1); }

struct Inst {
  // Bits of `flags`.
  static constexpr uint8_t kHasImm = 1;
  static constexpr uint8_t kHasTrap = 2;  // The access to memory may fault: code in `trap`.
  static constexpr uint8_t kSigned = 4;
  static constexpr uint8_t kRemainder = 8;
  static constexpr uint8_t kCheckZero = 16;      // kDiv: code in `trap`.
  static constexpr uint8_t kCheckOverflow = 32;  // kDiv: code in `extra`, or no trap for rests.
  static constexpr uint8_t kMask = 64;           // kJumpTable: against misspeculation.

  Op op = Op::kMove;
  uint8_t size = 8;
  uint8_t sub = 0;
  Cond cc = Cond::kO;
  AddrKind addr : 4 = AddrKind::kNone;
  uint8_t scale : 4 = 0;
  uint8_t flags = 0;
  uint8_t trap = 0;
  uint8_t extra = 0;
  int32_t disp = 0;
  int32_t imm = 0;
  // kJcc: taken target low, other target high.
  uint64_t imm64 = 0;

  bool has(uint8_t flag) const { return (flags & flag) != 0; }
  CompareKind compare() const { return static_cast<CompareKind>(sub); }
  // The constant of a kConstant address; an access of 16 bytes sees it twice.
  uint64_t constant() const {
    return static_cast<uint32_t>(disp) | uint64_t{static_cast<uint32_t>(imm)} << 32;
  }
  void set_constant(uint64_t bits) {
    disp = static_cast<int32_t>(bits);
    imm = static_cast<int32_t>(bits >> 32);
  }
  uint32_t low() const { return static_cast<uint32_t>(imm64); }
  uint32_t high() const { return static_cast<uint32_t>(imm64 >> 32); }
  // How many operands the "rm" has.
  static constexpr uint32_t AddressRegs(AddrKind kind) {
    switch (kind) {
      case AddrKind::kBase:
      case AddrKind::kIndex:
        return 1;
      case AddrKind::kBaseIndex:
        return 2;
      default:
        return 0;
    }
  }
  uint32_t rm_operands() const { return addr == AddrKind::kNone ? 1 : AddressRegs(addr); }
};
static_assert(sizeof(Inst) == sizeof(codegen::MachInst));

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_BACKEND_INST_H_
