// The AArch64 macro assembler of the baseline compiler: WebAssembly's operations on registers, an
// operation a method, as x64_masm.h has them for x64; what its comments say of methods holds here.
//
// Operands of three-operand methods may be the same registers in any way unless a method says
// otherwise. Three integer registers are scratch inside of methods (x14, x15; x16 is the
// assembler's) and two vector registers (v29, v30); the generator's own scratch (x17, v31) is
// changed only where a method says so. x0 holds the VMContext. sp is a multiple of 16 at all times.
//
// Branches reach as far as they do: every method first makes an island where the buffer asks for
// one, jumped around, which changes neither registers nor flags.
//
// Tested by wast:winch_official_test with --config=aarch64.
#ifndef GANTRY_WINCH_AARCH64_MASM_H_
#define GANTRY_WINCH_AARCH64_MASM_H_

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/base/optimization.h"
#include "absl/types/span.h"
#include "codegen/abi_places.h"
#include "codegen/isa.h"
#include "codegen/mach_buffer.h"
#include "codegen/relaxed_choices.h"
#include "codegen/unwind.h"
#include "environ/core/builtins.h"
#include "isa_aarch64/asm/assembler.h"
#include "isa_aarch64/asm/branch_protection.h"
#include "wasm_translate/operators.h"
#include "winch/machine.h"

namespace gantry::winch {

// What the processor has beyond Armv8.0, and how code is hardened; named as the ISA's flags.
struct AArch64Features {
  bool lse = false;
  bool precise_stores = false;
  aarch64::BranchProtection protection;
};

class AArch64Masm {
 public:
  using Features = AArch64Features;
  static Features FeaturesOf(const codegen::TargetIsa& target);

  // --- What the code generator has to know of the machine --------------------------------

  static constexpr Reg kVmctx = Reg::Int(0);
  static constexpr Reg kCallerVmctx = Reg::Int(1);
  static constexpr Reg kScratch = Reg::Int(17);
  static constexpr Reg kVectorScratch = Reg::Vector(31);
  static constexpr Reg kTemporaryBase = kCallerVmctx;
  static constexpr Reg kFuel = Reg::Int(28);
  static constexpr Reg kPermanentBase = Reg::Int(27);
  static constexpr Reg kPermanentBaseBesideFuel = kPermanentBase;
  static constexpr Reg kResultArea = Reg::Int(2);
  // x19 to x28.
  static constexpr RegSet kCalleeSaved = RegSet(uint64_t{0x3FF} << 19);
  // x2 to x13 and the callee-saved ones; v0 to v28.
  static constexpr RegSet kAllocatable =
      RegSet(uint64_t{0xFFF} << 2) | kCalleeSaved | RegSet(uint64_t{0x1FFFFFFF} << 32);
  static constexpr std::array<Reg, 6> kBuiltinArguments = {Reg::Int(0), Reg::Int(1), Reg::Int(2),
                                                           Reg::Int(3), Reg::Int(4), Reg::Int(5)};
  static constexpr Reg kBuiltinResult = Reg::Int(0);
  // Wide products, in registers of the generator's choice; and what compare-and-exchange compares.
  static constexpr bool kDividesAnyRegisters = true;
  static constexpr Reg kQuotient = Reg::Int(8);
  static constexpr Reg kRemainder = Reg::Int(9);
  static constexpr Reg kShiftAmount = Reg::Int(10);
  static constexpr int32_t kVmctxSlot = -8;
  static constexpr int32_t kSavedBegin = -8;
  static constexpr int32_t kFirstFreeSlot = kSavedBegin - 8 * 10;
  static constexpr int32_t kIncomingArguments = 16;
  static uint32_t AssignArguments(absl::Span<const codegen::AbiValue> params, bool result_area,
                                  absl::Span<codegen::AbiPlace> places);
  static uint32_t AssignResults(absl::Span<const codegen::AbiValue> results,
                                absl::Span<codegen::AbiPlace> places);

  AArch64Masm(codegen::MachBuffer& buffer, const Features& features,
              const codegen::RelaxedChoices& relaxed)
      : as_(buffer), buffer_(buffer), features_(features), relaxed_(relaxed) {}

  codegen::MachBuffer& buffer() { return buffer_; }
  const codegen::RelaxedChoices& relaxed() const { return relaxed_; }
  bool ShiftWantsRegister(ShiftOp) const { return false; }

  // --- Frame ----------------------------------------------------------------------------

  struct TierCounter {
    int32_t table_offset = 0;
    int32_t code_offset = 0;
    int32_t counter_offset = 0;
    uint32_t function = 0;
    codegen::ExternalName shim;
  };
  struct CountedEntry {
    TierCounter counter;
    codegen::CodeOffset run_out = 0;
    codegen::CodeOffset popped = 0;
    // Where the return address is plain again.
    codegen::CodeOffset authenticated = 0;
    codegen::CodeOffset better = 0;
  };
  struct FrameShape {
    uint32_t frame_bytes = 0;
    RegSet saved;
    bool has_calls = false;
    bool has_interrupts = false;
    int32_t store_offset = 0;
    int32_t limit_offset = 0;
    codegen::CodeOffset exhausted = 0;
    codegen::CodeOffset back = 0;
    std::optional<CountedEntry> counted_entry;
  };
  static constexpr uint32_t kSmallFrame = 1024;
  void ReservePrologue(bool counts_entry);
  static bool ChecksStack(const FrameShape& frame) {
    return frame.has_calls || frame.frame_bytes > kSmallFrame;
  }
  codegen::CodeOffset Prologue(const FrameShape& frame, codegen::FrameInfo* info,
                               codegen::UnwindInfo* unwind);
  void Epilogue(RegSet saved, uint32_t popped);
  void TailCallEpilogue(RegSet saved, uint32_t incoming, uint32_t outgoing);
  void GrowStack(uint32_t bytes);

  // --- Moves -----------------------------------------------------------------------------

  void Move(ValueKind kind, Reg to, Reg from);
  void LoadConstant(ValueKind kind, Reg to, uint64_t bits);
  void LoadVectorConstant(Reg to, uint64_t low, uint64_t high);
  void LoadSlot(ValueKind kind, Reg to, int32_t slot);
  void StoreSlot(ValueKind kind, int32_t slot, Reg from);
  void StoreSlotConstant(ValueKind kind, int32_t slot, uint64_t bits);
  void CopySlot(ValueKind kind, int32_t to, int32_t from);
  void ZeroSlots(int32_t begin, int32_t end);
  void CopySlots(int32_t to_low, int32_t from_low, uint32_t count);
  void StoreOutgoing(ValueKind kind, uint32_t offset, Reg from);
  void StoreOutgoingConstant(ValueKind kind, uint32_t offset, uint64_t bits);
  void StoreOutgoingSlot(ValueKind kind, uint32_t offset, int32_t slot);
  void AddressOfOutgoing(Reg to, uint32_t offset);
  void CopyOutgoingToSlot(ValueKind kind, int32_t slot, uint32_t offset);
  void LoadField(ValueKind kind, Reg to, Reg base, int32_t offset);
  void StoreField(ValueKind kind, Reg base, int32_t offset, Reg from);
  void StoreFieldConstant(ValueKind kind, Reg base, int32_t offset, uint64_t bits);
  void StoreFieldSlot(ValueKind kind, Reg base, int32_t offset, int32_t slot);

  // --- Integers --------------------------------------------------------------------------

  void Int(IntOp op, ValueKind kind, Reg to, Reg a, Reg b);
  void IntImmediate(IntOp op, ValueKind kind, Reg to, Reg a, int32_t b);
  Condition AddCarry(Reg to, Reg a, Reg b);
  void Multiply(ValueKind kind, Reg to, Reg a, Reg b);
  void MultiplyImmediate(ValueKind kind, Reg to, Reg a, int32_t b);
  void Shift(ShiftOp op, ValueKind kind, Reg to, Reg a, Reg amount);
  void ShiftImmediate(ShiftOp op, ValueKind kind, Reg to, Reg a, uint8_t amount);
  void AddScaled(ValueKind kind, Reg to, Reg a, Reg b, uint8_t scale);
  // to = a / b, or the remainder. Zero traps; so does the signed quotient that does not fit.
  void Divide(ValueKind kind, bool is_signed, bool remainder, Reg to, Reg a, Reg b,
              uint8_t zero_trap, uint8_t overflow_trap);
  void MultiplyWide(bool is_signed, Reg b);
  void AddWide(bool subtract, Reg low, Reg high, Reg b_low, Reg b_high);
  void CountLeadingZeros(ValueKind kind, Reg to, Reg from);
  void CountTrailingZeros(ValueKind kind, Reg to, Reg from);
  void CountOnes(ValueKind kind, Reg to, Reg from, Reg temp);
  void ExtendSigned(ValueKind kind, Reg to, Reg from, int bits);
  void ZeroExtend32(Reg to, Reg from);

  // --- Conditions ------------------------------------------------------------------------

  Condition Compare(IntCond cond, ValueKind kind, Reg a, Reg b);
  Condition CompareImmediate(IntCond cond, ValueKind kind, Reg a, int32_t b);
  Condition CompareFloat(FloatCond cond, ValueKind kind, Reg a, Reg b);
  static Condition Inverse(Condition condition) {
    return {static_cast<uint8_t>(condition.code ^ 1)};
  }
  void SetCondition(Reg to, Condition condition);
  void Branch(Condition condition, codegen::MachLabel target);
  void Jump(codegen::MachLabel target);
  void Select(ValueKind kind, Condition condition, Reg to, Reg a, Reg b);
  void SelectGuarded(Condition condition, Reg to, Reg a, Reg b);
  void Trap(uint8_t code);
  void TrapIf(Condition condition, uint8_t code);
  void JumpTable(Reg index, Reg temp, absl::Span<const codegen::MachLabel> targets);
  void BindJumpTableTarget(codegen::MachLabel target) {
    buffer_.Bind(target);
    features_.protection.JumpTarget(as_);
  }

  // --- Traps and interrupts --------------------------------------------------------------

  void Start();
  void TrapAlone(uint8_t code, codegen::FrameInfo* info, codegen::UnwindInfo* unwind);
  codegen::CodeOffset ChargeFuel();
  codegen::CodeOffset ChargeFuelOr(codegen::MachLabel exhausted);
  void SetCharge(codegen::CodeOffset charge, uint32_t units);
  void PollPage(Reg store, int32_t offset, codegen::MachLabel interrupted);
  void CallCold(environ::Builtin builtin);
  codegen::CodeOffset JumpToPrologue();
  void EmitColdTraps();
  void EmitColdJumps();

  // --- Tier-up (aarch64_masm_tier.cc) ----------------------------------------------------

  Condition CountDown(const TierCounter& counter);
  void CallCounterShim(const TierCounter& counter);
  CountedEntry EmitCountedEntry(const TierCounter& counter);

  // --- Floats ----------------------------------------------------------------------------

  static bool WantsFreshResult(wasm::Opcode) { return false; }
  void FloatUnary(wasm::Opcode op, Reg to, Reg from);
  void FloatBinary(wasm::Opcode op, Reg to, Reg a, Reg b);
  void Convert(wasm::Opcode op, Reg to, Reg from);
  void CanonicalizeNan(ValueKind kind, Reg reg);
  void CanonicalizeLanes(int lane_bytes, Reg reg);

  // --- Memory ----------------------------------------------------------------------------

  void Load(wasm::Opcode op, Reg to, const MemOperand& from);
  void Store(wasm::Opcode op, const MemOperand& to, Reg from);
  void StoreConstant(wasm::Opcode op, const MemOperand& to, int32_t value);
  // Zero is a register.
  static bool CanStoreConstant(wasm::Opcode op, int32_t value);
  void LoadAddress(Reg to, const MemOperand& from);
  void CompareField(ValueKind kind, Reg a, Reg base, int32_t offset);
  void CompareFieldConstant(ValueKind kind, Reg base, int32_t offset, int32_t value);
  void AddField(Reg base, int32_t offset, int32_t value);
  static Condition AboveOrEqual() { return Of(aarch64::Condition::kHs); }
  static Condition Above() { return Of(aarch64::Condition::kHi); }
  static Condition NotEqual() { return Of(aarch64::Condition::kNe); }
  void TestBits(ValueKind kind, Reg a, int32_t mask);

  void AtomicLoad(wasm::Opcode op, Reg to, const MemOperand& from);
  void AtomicStore(wasm::Opcode op, const MemOperand& to, Reg value);
  // Both change the generator's scratch where the processor has no instruction.
  void AtomicUpdate(wasm::Opcode op, Reg to, const MemOperand& memory, Reg value, Reg temp);
  static bool UpdatesInPlace(wasm::Opcode) { return true; }
  void CompareExchange(wasm::Opcode op, const MemOperand& memory, Reg replacement);
  void Fence();

  // --- Vectors ---------------------------------------------------------------------------

  void VectorUnary(wasm::Opcode op, Reg to, Reg a, Reg temp1, Reg temp2);
  void VectorBinary(wasm::Opcode op, Reg to, Reg a, Reg b, Reg temp1, Reg temp2);
  void VectorTernary(wasm::Opcode op, Reg to, Reg a, Reg b, Reg c, Reg temp1, Reg temp2);
  void VectorTest(wasm::Opcode op, Reg to, Reg a);
  void VectorShift(wasm::Opcode op, Reg to, Reg a, Reg amount, Reg temp1, Reg temp2);
  void VectorShiftImmediate(wasm::Opcode op, Reg to, Reg a, uint8_t amount, Reg temp);
  void Splat(wasm::Opcode op, Reg to, Reg from);
  void ExtractLane(wasm::Opcode op, Reg to, Reg vector, uint8_t lane);
  void ReplaceLane(wasm::Opcode op, Reg to, Reg vector, Reg value, uint8_t lane);
  void Shuffle(Reg to, Reg a, Reg b, const std::array<uint8_t, 16>& lanes);
  void LoadLane(wasm::Opcode op, Reg to, const MemOperand& from, uint8_t lane);
  void StoreLane(wasm::Opcode op, const MemOperand& to, Reg vector, uint8_t lane);

  // --- Calls -----------------------------------------------------------------------------

  void Call(codegen::ExternalName name);
  void Call(Reg code);
  void TailCall(codegen::ExternalName name);
  void TailCall(Reg code);

 private:
  static constexpr uint8_t kZero = 31;
  static constexpr uint32_t kJumpWord = 0x14000000;
  // Scratch registers of methods, by encoding.
  static constexpr uint8_t kS1 = 15;
  static constexpr uint8_t kS2 = 14;
  static constexpr uint8_t kV1 = 30;
  static constexpr uint8_t kV2 = 29;
  // At most so many bytes, and entries of the buffer's, come of one method.
  static constexpr uint32_t kIslandDistance = 1024;

  static constexpr Condition Of(aarch64::Condition condition) {
    return {static_cast<uint8_t>(condition)};
  }
  static constexpr aarch64::Condition Machine(Condition condition) {
    return static_cast<aarch64::Condition>(condition.code);
  }
  static constexpr uint8_t E(Reg reg) { return reg.encoding(); }
  static constexpr aarch64::X GX(Reg reg) { return aarch64::X(reg.encoding()); }
  static constexpr aarch64::W GW(Reg reg) { return aarch64::W(reg.encoding()); }
  static constexpr aarch64::V GV(Reg reg) { return aarch64::V(reg.encoding()); }
  static aarch64::Address Slot(int32_t slot) { return aarch64::Address(aarch64::x29, slot); }
  static aarch64::Address Outgoing(uint32_t offset) {
    return aarch64::Address(aarch64::sp, int64_t{offset});
  }
  // The row of a family for W or X.
  static constexpr aarch64::Row Sized(aarch64::Row row, ValueKind kind) {
    return row + (Is32(kind) ? 0 : 1);
  }
  // Where the buffer asks for an island, one; to be called between instructions only.
  void Begin(uint32_t distance = kIslandDistance) {
    if (ABSL_PREDICT_FALSE(buffer_.NeedsIsland(distance))) EmitIsland(distance);
  }
  void EmitIsland(uint32_t distance);
  void RRR(aarch64::Row row, uint8_t d, uint8_t n, uint8_t m, uint32_t bits = 0) {
    as_.Emit(row, {n, m, d}, bits);
  }
  void RR(aarch64::Row row, uint8_t d, uint8_t n, uint32_t bits = 0) {
    as_.Emit(row, {n, d}, bits);
  }
  // An operation that also reads what it changes.
  void Accumulate(aarch64::Row row, uint8_t d, uint8_t n, uint8_t m) {
    as_.Emit(row, {d, n, m, d});
  }
  void MoveV(uint8_t to, uint8_t from) {
    if (to != from) RR(aarch64::Row::kVMov, to, from);
  }
  void MoveImmediate(ValueKind kind, uint8_t to, uint64_t bits);
  void Load(ValueKind kind, Reg to, const aarch64::Address& from);
  void Store(ValueKind kind, const aarch64::Address& to, Reg from);
  void StoreConstant(ValueKind kind, const aarch64::Address& to, uint64_t bits);
  void Copy(ValueKind kind, const aarch64::Address& to, const aarch64::Address& from);
  // Begins an epilogue.
  void RestoreSaved(RegSet saved);
  void LeaveFrame();
  void Authenticate();
  bool Signs() const { return features_.protection.Signs(/*saves_link=*/true); }
  void EndEpilogue() { epilogues_.back().end = buffer_.offset(); }
  // [base, index] with an offset: the sum of index and offset is made in the assembler's scratch.
  aarch64::Address AddressOf(const MemOperand& mem);
  void Access(aarch64::MemOp op, uint8_t reg, const MemOperand& mem);
  // The address in one register: the operand's base, or the assembler's scratch.
  aarch64::X AddressIn(const MemOperand& mem);
  // Of the instruction just written.
  void RecordTrap(const MemOperand& mem) {
    if (mem.trap != 0) {
      buffer_.AddTrapAt(buffer_.offset() - 4, static_cast<codegen::TrapCode>(mem.trap));
    }
  }
  void Vector(uint8_t to, uint64_t low, uint64_t high);
  void FloatConstant(bool is_64, uint8_t to, uint64_t bits);
  void CheckToInt(bool from_64, bool to_64, bool is_signed, uint8_t from);
  void Copysign(bool is_64, uint8_t to, uint8_t a, uint8_t b);
  void TrapIf(aarch64::Condition condition, uint8_t code);
  codegen::MachLabel TrapLabel(uint8_t code);
  void CallRaiseTrap(uint8_t code);
  void CallColdJump(environ::Builtin builtin);

  void Multiply64(uint8_t to, uint8_t a, uint8_t b, uint8_t temp1, uint8_t temp2);
  void PseudoMinMax(bool is_64, bool max, uint8_t to, uint8_t a, uint8_t b);
  void DotSigned(aarch64::Row low, aarch64::Row high, aarch64::Row pairs, uint8_t to, uint8_t a,
                 uint8_t b);

  // Words in the prologue of a counted entry, filled when it is known where that lies.
  struct EntryFields {
    codegen::CodeOffset self = 0;
    codegen::CodeOffset better = 0;
    codegen::CodeOffset run_out = 0;
  };
  static void OverwriteWord(codegen::MachBuffer& buffer, codegen::CodeOffset at, uint32_t word);
  static void OverwriteJump(codegen::MachBuffer& buffer, codegen::CodeOffset at, uint32_t delta);
  // The address of the function's code in the table, and what is there: x17, x16.
  static void LoadBetterCode(const TierCounter& counter, aarch64::Assembler& as);
  static EntryFields EmitEntryCount(const CountedEntry& entry, codegen::MachBuffer& code);
  static void PatchEntryCount(const CountedEntry& entry, const EntryFields& fields,
                              codegen::CodeOffset begin, codegen::CodeOffset skip,
                              codegen::MachBuffer& code);

  // Where the frame is given up, for unwind info: from `restored` on the registers in `saved` are
  // the caller's, from `left` on all is in registers, from `authenticated` on (0: never) the return
  // address is plain, and from `popped` on the arguments are gone.
  struct EpilogueShape {
    RegSet saved;
    uint32_t popped_bytes = 0;
    codegen::CodeOffset restored = 0;
    codegen::CodeOffset left = 0;
    codegen::CodeOffset authenticated = 0;
    codegen::CodeOffset popped = 0;
    codegen::CodeOffset end = 0;
  };

  aarch64::Assembler as_;
  codegen::MachBuffer& buffer_;
  const Features features_;
  const codegen::RelaxedChoices relaxed_;
  std::vector<EpilogueShape> epilogues_;
  uint32_t prologue_room_ = 0;

  struct ColdTrap {
    codegen::MachLabel label;
    codegen::SourceLoc loc;
    uint8_t code;
  };
  std::vector<ColdTrap> cold_traps_;
  // Of the built-ins from kFirstCold on; none where one is not called.
  static constexpr environ::Builtin kFirstCold = environ::Builtin::kOutOfFuel;
  static constexpr size_t kColdCount = 4;
  std::array<codegen::MachLabel, kColdCount> cold_jumps_;
};

}  // namespace gantry::winch

#endif  // GANTRY_WINCH_AARCH64_MASM_H_
