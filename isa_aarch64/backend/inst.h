// The machine instructions of AArch64 VCode: what lowering makes and emission turns into words.
//
// An Inst is 24 bytes and names no register. Its registers are its operands, whose order the
// opcode fixes (table below): uses first, definitions behind them. Most are one row of the
// assembler's table, with the row's own order of registers.
//
// Flags never live from one Inst to the next: whatever sets and reads them is one Inst, such
// as kBranch, which compares and jumps.
#ifndef GANTRY_ISA_AARCH64_BACKEND_INST_H_
#define GANTRY_ISA_AARCH64_BACKEND_INST_H_

#include <cstdint>

#include "codegen/vcode.h"
#include "isa_aarch64/asm/instructions.h"

namespace gantry::aarch64 {

// How the registers and the displacement of an Inst make an address.
enum class AddrKind : uint8_t {
  kBase,         // base + disp
  kIndex,        // base + index
  kIndexScaled,  // base + index * bytes of the access
  kSlot,         // The frame's slot area + disp.
  kIncoming,     // The stack arguments this function was passed + disp.
  kOutgoing,     // The stack arguments for a call + disp.
};

// The table of opcodes. Operands are written as uses -> definitions; "late" is a use that outlives
// definitions, "early" a definition apart from all uses.
//   compare: the registers of a row that sets the flags (`row` and `bits`), then `cc`. With kChain
//     those of a conditional comparison behind it (`disp`: Link), which `cc` is then of.
enum class Op : uint8_t {
  kRow,       // as the row has them: `row`, `bits`
  kMove,      // a -> d       a copy; emitted by register allocation
  kMovImm,    //   -> d       imm64; size 4 or 8
  kLoad,      // address -> d       mem()
  kStore,     // v address ->       mem(); kZero: xzr and no v
  kLea,       // address -> d       of kSlot and kOutgoing
  kConstF,    //   -> d       imm64; size 4 or 8
  kVecConst,  //   -> d       imm64: number of the VCode's vector constant
  // ---- Comparisons and what depends on them.
  kCset,        // compare -> d
  kCsel,        // compare t f -> d       select_row(); kZero, kZeroElse: t, f is xzr and missing.
                //                        With kOne f is late, with kUeq t.
  kTrapCsel,    // compare t f -> d       the same where the condition also traps with `code`
  kFcsel,       // compare t f -> d       size 4, 8 or 16
  kTrapIf,      // compare ->             code
  kTrapIfZero,  // n ->                   size; cc kEq or kNe; code
  kTrapIfBit,   // n ->                   bit in disp; cc kEq: clear; code
  kBranch,      // compare ->             taken and other target in imm64
  kBranchZero,  // n ->                   size; cc kEq or kNe
  kBranchBit,   // n ->                   bit in disp; cc kEq: clear
  // ---- Arithmetic that sets flags for its own next instruction.
  kTrapIfMinByMinusOne,  // n m ->        size; code: n is the least integer and m is -1
  kFlagsCset,            // n m -> d e    row sets the flags; e: cc
  kCarry,                // n m c -> d e  row is adcs or sbcs; e: carry or borrow
  kCheckToInt,           // n ->          size of n; imm64: ToIntRange; codes: code for NaN, disp
  // ---- Vectors.
  kTbl2,  // x(v29) y(v30) m -> d
  // ---- Atomic accesses of `size` bytes at the address in the last register used.
  kAtomicLoad,   // n -> d
  kAtomicStore,  // v n ->
  kAtomicFetch,  // v n -> d               atomic(): one of LSE's
  kAtomicSwap,   // e v n -> d             LSE: d in the place of e
  kAtomicLoop,   // v(late) n(late) -> d   exclusive accesses; row: what is done, kCount for nothing
  kAtomicCas,    // e(late) v(late) n(late) -> d
  kFence,        //   ->
  // ---- Control.
  kJump,              //   ->          target in imm64
  kJumpTable,         // index -> t (early)  disp: entries; imm64: the table; kMask
  kCall,              // arguments -> results   imm64: name; disp: bytes the callee pops
  kCallIndirect,      // n arguments -> results disp: bytes the callee pops
  kTailCall,          // arguments ->           imm64: name; disp: bytes of stack arguments
  kTailCallIndirect,  // n arguments ->         disp: bytes of stack arguments
  kReturn,            // results ->
  kTrap,              //   ->          code
  kArguments,         //   -> arguments in their registers
  // ---- Interrupts; all but the first are safepoints, whose cold code keeps all registers but x16
  // and x17.
  kFuelCharge,  //   ->          imm64
  kFuelCheck,   //   ->          imm64
  kPollWord,    // a ->          disp: from the address a
  kPollPage,    // a ->          disp
  // ---- The rest.
  kFuncAddr,       //   -> d       imm64: name
  kFramePointer,   //   -> d
  kStackPointer,   //   -> d
  kReturnAddress,  //   -> d
};

// The machine's conditions by encoding, and two that take two of its flags' conditions.
enum class Cond : uint8_t {
  kEq,
  kNe,
  kHs,
  kLo,
  kMi,
  kPl,
  kVs,
  kVc,
  kHi,
  kLs,
  kGe,
  kLt,
  kGt,
  kLe,
  kOne = 16,  // Floats: less or greater. kNe and kVc.
  kUeq = 17,  // Floats: equal or unordered. kEq or kVs.
};
constexpr Cond Inverse(Cond cc) { return static_cast<Cond>(static_cast<uint8_t>(cc) ^ 1); }
constexpr bool IsPair(Cond cc) { return cc >= Cond::kOne; }

// The result of a checked conversion.
struct ToIntRange {
  static constexpr uint64_t kTo64 = 1;
  static constexpr uint64_t kUnsigned = 2;
};

// A conditional comparison as 32 bits: what it is, and its immediate bits.
struct Link {
  static constexpr uint32_t kBits = 21;

  Row row = Row::kCcmpW;
  uint32_t bits = 0;

  int32_t Pack() const { return static_cast<int32_t>(static_cast<uint32_t>(row) << kBits | bits); }
  static Link Unpack(int32_t packed) {
    const uint32_t word = static_cast<uint32_t>(packed);
    return {static_cast<Row>(word >> kBits), word & ((1u << kBits) - 1)};
  }
};
static_assert(kNumRows <= 1u << (32 - Link::kBits));

struct Inst {
  // Bits of `flags`.
  static constexpr uint8_t kHasTrap = 1;  // The access to memory may fault: code in `code`.
  static constexpr uint8_t kZero = 2;
  static constexpr uint8_t kZeroElse = 4;
  static constexpr uint8_t kMask = 8;      // kJumpTable: against misspeculation.
  static constexpr uint8_t kBarrier = 16;  // kCsel, kTrapCsel: the result holds under speculation.
  static constexpr uint8_t kChain = 32;    // A comparison is followed by a conditional one.

  Op op = Op::kMove;
  uint8_t size = 8;
  // A row, or what else is a number of the assembler's: see mem(), atomic().
  uint16_t number = 0;
  Cond cc = Cond::kEq;
  AddrKind addr = AddrKind::kBase;
  uint8_t flags = 0;
  uint8_t code = 0;
  uint32_t bits = 0;
  int32_t disp = 0;
  uint64_t imm64 = 0;

  bool has(uint8_t flag) const { return (flags & flag) != 0; }
  Row row() const { return static_cast<Row>(number); }
  void set_row(Row row) { number = static_cast<uint16_t>(row); }
  MemOp mem() const { return static_cast<MemOp>(number); }
  void set_mem(MemOp op) { number = static_cast<uint16_t>(op); }
  AtomicOp atomic() const { return static_cast<AtomicOp>(number); }
  void set_atomic(AtomicOp op) { number = static_cast<uint16_t>(op); }
  Row select_row() const { return static_cast<Row>(imm64); }
  uint32_t low() const { return static_cast<uint32_t>(imm64); }
  uint32_t high() const { return static_cast<uint32_t>(imm64 >> 32); }
};
static_assert(sizeof(Inst) == sizeof(codegen::MachInst));

}  // namespace gantry::aarch64

#endif  // GANTRY_ISA_AARCH64_BACKEND_INST_H_
