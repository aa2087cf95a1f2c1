// The x64 macro assembler of the baseline compiler: WebAssembly's operations on registers, an
// operation a method, written straight into the buffer. The code generator (generator.h) knows
// the machine by this class alone; another ISA has one of the same shape.
//
// Operands of three-operand methods may be the same registers in any way unless a method says
// otherwise. r11 and xmm15 are scratch inside every method. rdi holds the VMContext.
//
// A label that ends a method is never jumped to by a short jump: what comes behind may be a jump,
// for whose target, however far, the label then stands.
//
// Tested by wast:winch_official_test and tests/differential.
#ifndef GANTRY_WINCH_X64_MASM_H_
#define GANTRY_WINCH_X64_MASM_H_

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "codegen/abi_places.h"
#include "codegen/isa.h"
#include "codegen/mach_buffer.h"
#include "codegen/relaxed_choices.h"
#include "codegen/unwind.h"
#include "environ/core/builtins.h"
#include "isa_x64/asm/assembler.h"
#include "wasm_translate/operators.h"
#include "winch/machine.h"

namespace gantry::winch {

// What the processor has beyond SSE4.1's absence or presence; named as the ISA's flags.
struct X64Features {
  bool sse41 = false;
  bool sse42 = false;
  bool popcnt = false;
  bool bmi1 = false;
  bool bmi2 = false;
  bool lzcnt = false;
};

class X64Masm {
 public:
  using Features = X64Features;
  static Features FeaturesOf(const codegen::TargetIsa& target);

  // --- What the code generator has to know of the machine --------------------------------

  static constexpr Reg kVmctx = Reg::Int(7);
  static constexpr Reg kCallerVmctx = Reg::Int(6);
  // Free between operations, and never allocated.
  static constexpr Reg kScratch = Reg::Int(11);
  static constexpr Reg kVectorScratch = Reg::Vector(15);
  // A pointer that lives until the next call. Never allocated.
  static constexpr Reg kTemporaryBase = Reg::Int(6);
  // Holds the fuel where that is counted, and is then nothing else.
  static constexpr Reg kFuel = Reg::Int(15);
  // One that lives until the end of the function; allocated where it is not used so.
  static constexpr Reg kPermanentBase = Reg::Int(15);
  static constexpr Reg kPermanentBaseBesideFuel = Reg::Int(14);
  static constexpr Reg kResultArea = Reg::Int(0);
  static constexpr RegSet kCalleeSaved =
      RegSet::Of(Reg::Int(3), Reg::Int(12), Reg::Int(13), Reg::Int(14), Reg::Int(15));
  static constexpr RegSet kAllocatable =
      RegSet::Of(Reg::Int(0), Reg::Int(1), Reg::Int(2), Reg::Int(8), Reg::Int(9), Reg::Int(10)) |
      kCalleeSaved | RegSet(uint64_t{0x7FFF} << Reg::kFirstVector);
  // Arguments of built-ins, the VMContext first.
  static constexpr std::array<Reg, 6> kBuiltinArguments = {Reg::Int(7), Reg::Int(6), Reg::Int(2),
                                                           Reg::Int(1), Reg::Int(8), Reg::Int(9)};
  static constexpr Reg kBuiltinResult = Reg::Int(0);
  // Registers that operations want: the dividend's and the quotient's (also the low half of wide
  // products, and what compare-and-exchange compares), the remainder's (also the high half), the
  // amount of a shift.
  static constexpr bool kDividesAnyRegisters = false;
  static constexpr Reg kQuotient = Reg::Int(0);
  static constexpr Reg kRemainder = Reg::Int(2);
  static constexpr Reg kShiftAmount = Reg::Int(1);
  // Slots that the prologue fills, as offsets from the frame pointer.
  static constexpr int32_t kVmctxSlot = -8;
  static constexpr int32_t kSavedBegin = -8;
  static constexpr int32_t kFirstFreeSlot = kSavedBegin - 8 * 5;
  // Of the first incoming stack argument, from the frame pointer.
  static constexpr int32_t kIncomingArguments = 16;
  // Places of values by the convention (wasm_abi.h); bytes of arguments on the stack, and of the
  // result area.
  static uint32_t AssignArguments(absl::Span<const codegen::AbiValue> params, bool result_area,
                                  absl::Span<codegen::AbiPlace> places);
  static uint32_t AssignResults(absl::Span<const codegen::AbiValue> results,
                                absl::Span<codegen::AbiPlace> places);

  X64Masm(codegen::MachBuffer& buffer, const Features& features,
          const codegen::RelaxedChoices& relaxed);

  codegen::MachBuffer& buffer() { return buffer_; }
  const codegen::RelaxedChoices& relaxed() const { return relaxed_; }
  // Whether the shift by a register wants kShiftAmount.
  bool ShiftWantsRegister(ShiftOp op) const { return !features_.bmi2 || op > ShiftOp::kShrU; }

  // --- Frame ----------------------------------------------------------------------------

  // Where a function's counter is and what it counts for (docs/abi.md, "Tier-up").
  struct TierCounter {
    // Of the table's address, in the VMContext; of the code and the counter, in the table.
    int32_t table_offset = 0;
    int32_t code_offset = 0;
    int32_t counter_offset = 0;
    // By which the runtime knows the function.
    uint32_t function = 0;
    codegen::ExternalName shim;
  };
  // Of a function whose entries are counted: cold code for a counter that has run out, and for
  // better code that is there.
  struct CountedEntry {
    TierCounter counter;
    codegen::CodeOffset run_out = 0;  // begins with push rbp
    codegen::CodeOffset popped = 0;   // the frame is gone again
    codegen::CodeOffset better = 0;
  };
  struct FrameShape {
    uint32_t frame_bytes = 0;
    RegSet saved;
    bool has_calls = false;
    // Calls from cold code that return.
    bool has_interrupts = false;
    // Where the store context's address, and in it the stack limit, are.
    int32_t store_offset = 0;
    int32_t limit_offset = 0;
    // Of code for lack of stack, and in it the field of JumpToPrologue (0: it does not come back).
    codegen::CodeOffset exhausted = 0;
    codegen::CodeOffset back = 0;
    std::optional<CountedEntry> counted_entry;
  };
  // A frame of a leaf up to this needs no check of the stack limit; a larger one is checked in
  // full.
  static constexpr uint32_t kSmallFrame = 1024;
  // Room for the prologue, written at the end by Prologue.
  void ReservePrologue(bool counts_entry);
  // Whether the stack limit is to be checked.
  static bool ChecksStack(const FrameShape& frame) {
    return frame.has_calls || frame.frame_bytes > kSmallFrame;
  }
  // Fills the room from its end. Returns how many bytes in front are not used: a multiple of 16.
  codegen::CodeOffset Prologue(const FrameShape& frame, codegen::FrameInfo* info,
                               codegen::UnwindInfo* unwind);
  // Restores `saved`, gives the frame up and returns, with `popped` bytes of arguments.
  void Epilogue(RegSet saved, uint32_t popped);
  // In front of a TailCall: restores `saved`, and replaces `incoming` bytes of arguments by the
  // `outgoing` ones at the stack pointer.
  void TailCallEpilogue(RegSet saved, uint32_t incoming, uint32_t outgoing);
  void GrowStack(uint32_t bytes);

  // --- Tier-up (x64_masm_tier.cc) --------------------------------------------------------

  // One less on the counter. The condition: it has run out.
  Condition CountDown(const TierCounter& counter);
  // Tells the runtime that the counter has run out; keeps all registers.
  void CallCounterShim(const TierCounter& counter);
  // The cold code of a counted entry. It is the last of the function.
  CountedEntry EmitCountedEntry(const TierCounter& counter);

  // --- Moves -----------------------------------------------------------------------------

  void Move(ValueKind kind, Reg to, Reg from);
  void LoadConstant(ValueKind kind, Reg to, uint64_t bits);
  void LoadVectorConstant(Reg to, uint64_t low, uint64_t high);
  // Slots of the frame, by offsets from the frame pointer; integers take all 8 bytes.
  void LoadSlot(ValueKind kind, Reg to, int32_t slot);
  void StoreSlot(ValueKind kind, int32_t slot, Reg from);
  void StoreSlotConstant(ValueKind kind, int32_t slot, uint64_t bits);
  void CopySlot(ValueKind kind, int32_t to, int32_t from);
  // [begin, end), both multiples of 8.
  void ZeroSlots(int32_t begin, int32_t end);
  // `count` times 8 bytes between places of the frame; overlapping, the target above the source.
  void CopySlots(int32_t to_low, int32_t from_low, uint32_t count);
  // Outgoing arguments, from the stack pointer.
  void StoreOutgoing(ValueKind kind, uint32_t offset, Reg from);
  void StoreOutgoingConstant(ValueKind kind, uint32_t offset, uint64_t bits);
  void StoreOutgoingSlot(ValueKind kind, uint32_t offset, int32_t slot);
  void AddressOfOutgoing(Reg to, uint32_t offset);
  void CopyOutgoingToSlot(ValueKind kind, int32_t slot, uint32_t offset);
  // From and to plain memory; never trap.
  void LoadField(ValueKind kind, Reg to, Reg base, int32_t offset);
  void StoreField(ValueKind kind, Reg base, int32_t offset, Reg from);
  void StoreFieldConstant(ValueKind kind, Reg base, int32_t offset, uint64_t bits);
  void StoreFieldSlot(ValueKind kind, Reg base, int32_t offset, int32_t slot);

  // --- Integers --------------------------------------------------------------------------

  void Int(IntOp op, ValueKind kind, Reg to, Reg a, Reg b);
  void IntImmediate(IntOp op, ValueKind kind, Reg to, Reg a, int32_t b);
  // to = a + b in 64 bits, and the condition that the sum does not fit.
  Condition AddCarry(Reg to, Reg a, Reg b);
  void IntSlot(IntOp op, ValueKind kind, Reg to, Reg a, int32_t slot);
  void Multiply(ValueKind kind, Reg to, Reg a, Reg b);
  void MultiplyImmediate(ValueKind kind, Reg to, Reg a, int32_t b);
  // `amount` is kShiftAmount where shifts want it, and then `to` and `a` are not.
  void Shift(ShiftOp op, ValueKind kind, Reg to, Reg a, Reg amount);
  void ShiftImmediate(ShiftOp op, ValueKind kind, Reg to, Reg a, uint8_t amount);
  // a + (b << scale), scale up to 3.
  void AddScaled(ValueKind kind, Reg to, Reg a, Reg b, uint8_t scale);
  // kQuotient by `divisor`, which is another than kQuotient and kRemainder: both results there.
  // Zero traps; so does the signed quotient that does not fit unless only the remainder is wanted.
  void Divide(ValueKind kind, bool is_signed, bool remainder, Reg divisor, uint8_t zero_trap,
              uint8_t overflow_trap);
  // kQuotient by `b`, into kQuotient (low) and kRemainder (high).
  void MultiplyWide(bool is_signed, Reg b);
  // low, high += b; `low` and `high` are no operand of b.
  void AddWide(bool subtract, Reg low, Reg high, Reg b_low, Reg b_high);
  void CountLeadingZeros(ValueKind kind, Reg to, Reg from);
  void CountTrailingZeros(ValueKind kind, Reg to, Reg from);
  // `temp` is no operand; used where the processor has no instruction.
  void CountOnes(ValueKind kind, Reg to, Reg from, Reg temp);
  // Sign of the low `bits` bits.
  void ExtendSigned(ValueKind kind, Reg to, Reg from, int bits);
  void ZeroExtend32(Reg to, Reg from);

  // --- Conditions ------------------------------------------------------------------------

  Condition Compare(IntCond cond, ValueKind kind, Reg a, Reg b);
  Condition CompareImmediate(IntCond cond, ValueKind kind, Reg a, int32_t b);
  Condition CompareSlot(IntCond cond, ValueKind kind, Reg a, int32_t slot);
  Condition CompareFloat(FloatCond cond, ValueKind kind, Reg a, Reg b);
  static Condition Inverse(Condition condition);
  void SetCondition(Reg to, Condition condition);
  void Branch(Condition condition, codegen::MachLabel target);
  void Jump(codegen::MachLabel target) { as_.jmp(target); }
  // to = condition ? a : b. The flags stay.
  void Select(ValueKind kind, Condition condition, Reg to, Reg a, Reg b);
  // The same of 64 bits, where what comes behind must not be executed speculatively with the
  // other of both: past a check that is mispredicted.
  void SelectGuarded(Condition condition, Reg to, Reg a, Reg b) {
    Select(ValueKind::kI64, condition, to, a, b);
  }
  // Code does not go on behind it.
  void Trap(uint8_t code);
  void TrapIf(Condition condition, uint8_t code);
  // To targets[index], which is in range; `index` is overwritten, `temp` another register.
  // Binds a label that a JumpTable leads to.
  void BindJumpTableTarget(codegen::MachLabel target) { buffer_.Bind(target); }
  void JumpTable(Reg index, Reg temp, absl::Span<const codegen::MachLabel> targets) {
    as_.jmp_table(G64(index), G64(temp), targets);
  }

  // --- Traps and interrupts (docs/abi.md) --------------------------------------------------

  // Forgets what is left of the function before.
  void Start();
  // All that a function is which only traps.
  void TrapAlone(uint8_t code, codegen::FrameInfo* info, codegen::UnwindInfo* unwind);
  // Takes fuel, how much SetCharge says, and leaves the flags as they are.
  codegen::CodeOffset ChargeFuel();
  // The same, and goes to the label where it has become negative.
  codegen::CodeOffset ChargeFuelOr(codegen::MachLabel exhausted);
  void SetCharge(codegen::CodeOffset charge, uint32_t units);
  // Reads from [store + offset] into the scratch register; a fault leads to `interrupted`.
  void PollPage(Reg store, int32_t offset, codegen::MachLabel interrupted);
  // Calls a built-in that keeps all registers but the scratch register, by way of EmitColdJumps.
  void CallCold(environ::Builtin builtin);
  // To behind the check of the stack; Prologue fills it in.
  codegen::CodeOffset JumpToPrologue();
  // Where TrapIf leads.
  void EmitColdTraps();
  void EmitColdJumps();

  // --- Floats ----------------------------------------------------------------------------
  // By WebAssembly's operators.

  // Whether the result must not be an operand's register.
  static bool WantsFreshResult(wasm::Opcode op);
  void FloatUnary(wasm::Opcode op, Reg to, Reg from);
  void FloatBinary(wasm::Opcode op, Reg to, Reg a, Reg b);
  // Between floats and integers, and of bits.
  void Convert(wasm::Opcode op, Reg to, Reg from);
  // In place: a NaN becomes the canonical one.
  void CanonicalizeNan(ValueKind kind, Reg reg);
  // Of lanes of 4 or 8 bytes.
  void CanonicalizeLanes(int lane_bytes, Reg reg);

  // --- Memory ----------------------------------------------------------------------------

  void Load(wasm::Opcode op, Reg to, const MemOperand& from);
  void Store(wasm::Opcode op, const MemOperand& to, Reg from);
  void StoreConstant(wasm::Opcode op, const MemOperand& to, int32_t value);
  static bool CanStoreConstant(wasm::Opcode op, int32_t value);
  void LoadAddress(Reg to, const MemOperand& from);
  void CompareField(ValueKind kind, Reg a, Reg base, int32_t offset);
  void CompareFieldConstant(ValueKind kind, Reg base, int32_t offset, int32_t value);
  void AddField(Reg base, int32_t offset, int32_t value);
  // Conditions after CompareField and its kin, unsigned.
  static Condition AboveOrEqual();
  static Condition Above();
  static Condition NotEqual();
  static Condition Equal();
  static Condition SignedGreaterOrEqual();
  // The flags of `a & mask`.
  void TestBits(ValueKind kind, Reg a, int32_t mask);

  void AtomicLoad(wasm::Opcode op, Reg to, const MemOperand& from);
  // `value` is overwritten.
  void AtomicStore(wasm::Opcode op, const MemOperand& to, Reg value);
  // The old value, zero-extended, into `to`, which is `value` for sums, differences and exchanges;
  // for the others kQuotient, with `temp` overwritten, and neither is an operand.
  void AtomicUpdate(wasm::Opcode op, Reg to, const MemOperand& memory, Reg value, Reg temp);
  static bool UpdatesInPlace(wasm::Opcode op);
  // Expected and old value in kQuotient.
  void CompareExchange(wasm::Opcode op, const MemOperand& memory, Reg replacement);
  void Fence();

  // --- Vectors ---------------------------------------------------------------------------
  // `to` is no operand but the first unless a method says otherwise. Temporaries are neither.

  void VectorUnary(wasm::Opcode op, Reg to, Reg a, Reg temp1, Reg temp2);
  void VectorBinary(wasm::Opcode op, Reg to, Reg a, Reg b, Reg temp1, Reg temp2);
  void VectorTernary(wasm::Opcode op, Reg to, Reg a, Reg b, Reg c, Reg temp1, Reg temp2);
  // Tests: the result is an integer.
  void VectorTest(wasm::Opcode op, Reg to, Reg a);
  // `amount` is overwritten.
  void VectorShift(wasm::Opcode op, Reg to, Reg a, Reg amount, Reg temp1, Reg temp2);
  void VectorShiftImmediate(wasm::Opcode op, Reg to, Reg a, uint8_t amount, Reg temp);
  void Splat(wasm::Opcode op, Reg to, Reg from);
  void ExtractLane(wasm::Opcode op, Reg to, Reg vector, uint8_t lane);
  void ReplaceLane(wasm::Opcode op, Reg to, Reg vector, Reg value, uint8_t lane);
  void Shuffle(Reg to, Reg a, Reg b, const std::array<uint8_t, 16>& lanes);
  void LoadLane(wasm::Opcode op, Reg to, const MemOperand& from, uint8_t lane);
  void StoreLane(wasm::Opcode op, const MemOperand& to, Reg vector, uint8_t lane);

  // --- Calls -----------------------------------------------------------------------------

  void Call(codegen::ExternalName name) { as_.call(name); }
  void Call(Reg code) { as_.call(G64(code)); }
  void TailCall(codegen::ExternalName name) {
    as_.jmp(name);
    EndEpilogue();
  }
  void TailCall(Reg code) {
    as_.jmp(G64(code));
    EndEpilogue();
  }

 private:
  static constexpr x64::Gpr G(Reg reg) { return x64::Gpr(reg.encoding()); }
  static constexpr x64::Gpr64 G64(Reg reg) { return x64::Gpr64(reg.encoding()); }
  static constexpr x64::Gpr32 G32(Reg reg) { return x64::Gpr32(reg.encoding()); }
  static constexpr x64::Xmm X(Reg reg) { return x64::Xmm(reg.encoding()); }
  static constexpr x64::Width W(ValueKind kind) {
    return Is32(kind) ? x64::Width::k32 : x64::Width::k64;
  }
  static x64::Address Slot(int32_t slot) { return x64::Address(x64::rbp, slot); }
  static x64::Address AddressOf(const MemOperand& mem) {
    return mem.index.is_none()
               ? x64::Address(G64(mem.base), mem.offset)
               : x64::Address(G64(mem.base), G64(mem.index), x64::Scale::k1, mem.offset);
  }
  // To be called right before the instruction that accesses it.
  x64::Address Access(const MemOperand& mem) {
    if (mem.trap != 0) buffer_.AddTrap(static_cast<codegen::TrapCode>(mem.trap));
    return AddressOf(mem);
  }
  void Load(ValueKind kind, Reg to, const x64::Address& from);
  void Store(ValueKind kind, const x64::Address& to, Reg from);
  void StoreConstant(ValueKind kind, const x64::Address& to, uint64_t bits);
  void Copy(ValueKind kind, const x64::Address& to, const x64::Address& from);
  // Begins an epilogue.
  void RestoreSaved(RegSet saved);
  void LeaveFrame();
  void EndEpilogue() { epilogues_.back().end = buffer_.offset(); }
  x64::Mem128 Constant128(uint64_t low, uint64_t high);
  x64::Mem128 Splat64(uint64_t bits) { return Constant128(bits, bits); }
  x64::Mem128 Splat32(uint32_t bits) { return Splat64(uint64_t{bits} << 32 | bits); }
  x64::Mem128 Splat16(uint16_t bits) { return Splat32(uint32_t{bits} << 16 | bits); }
  x64::Mem128 Splat8(uint8_t bits) { return Splat16(static_cast<uint16_t>(bits << 8 | bits)); }
  void MoveVector(x64::Xmm to, x64::Xmm from) {
    if (to != from) as_.movaps(to, from);
  }
  // A scalar or vector operation that reads its destination: to = a op b.
  void Sse(x64::SseRvmOp op, x64::Xmm to, x64::Xmm a, x64::Xmm b);
  // The same where the order of a and b does not matter.
  void SseCommutative(x64::SseRvmOp op, x64::Xmm to, x64::Xmm a, x64::Xmm b);
  void FloatMinMax(bool is_64, bool max, x64::Xmm to, x64::Xmm a, x64::Xmm b);
  void Round(bool is_64, int mode, x64::Xmm to, x64::Xmm from);
  void RoundWithoutSse41(bool is_64, int mode, x64::Xmm to, x64::Xmm from);
  void TruncateSigned(bool from_64, bool to_64, bool saturating, x64::Gpr to, x64::Xmm from);
  void TruncateUnsigned32(bool from_64, bool saturating, x64::Gpr to, x64::Xmm from);
  void TruncateUnsigned64(bool from_64, bool saturating, x64::Gpr to, x64::Xmm from);
  void ConvertUnsigned64(bool to_64, x64::Xmm to, x64::Gpr from);
  void Ucomis(bool is_64, x64::Xmm a, x64::Xmm b);
  void UcomisConstant(bool is_64, x64::Xmm a, uint64_t bits);
  x64::AnyMem FloatConstant(bool is_64, uint64_t bits);
  void TrapIf(x64::Condition condition, uint8_t code);
  void CallRaiseTrap(uint8_t code);

  void VectorCompare(wasm::Opcode op, x64::Xmm to, x64::Xmm a, x64::Xmm b, x64::Xmm temp1,
                     x64::Xmm temp2);
  void CompareGreater64(x64::Xmm to, x64::Xmm a, x64::Xmm b, x64::Xmm temp);
  void Not(x64::Xmm reg);
  void VectorFloatMinMax(bool is_64, bool max, x64::Xmm to, x64::Xmm a, x64::Xmm b, x64::Xmm temp1,
                         x64::Xmm temp2);
  void Multiply64(x64::Xmm to, x64::Xmm a, x64::Xmm b, x64::Xmm temp1, x64::Xmm temp2);
  void ExtendHigh(int lane, bool is_signed, x64::Xmm to, x64::Xmm from);
  void ExtendedMultiply(wasm::Opcode op, x64::Xmm to, x64::Xmm a, x64::Xmm b, x64::Xmm temp);
  void TruncateLanesF32(bool is_signed, bool saturating, x64::Xmm to, x64::Xmm a, x64::Xmm temp1,
                        x64::Xmm temp2);
  void TruncateLanesF64(bool is_signed, bool saturating, x64::Xmm to, x64::Xmm a, x64::Xmm temp1,
                        x64::Xmm temp2);
  void RelaxedDot(x64::Xmm to, x64::Xmm a, x64::Xmm b, x64::Xmm temp1, x64::Xmm temp2);
  void DotUnsignedPairs(x64::Xmm to, x64::Xmm unsigned_bytes, x64::Xmm signed_bytes, x64::Xmm temp1,
                        x64::Xmm temp2);
  // to = mask ? a : b, bit by bit; `to` may be the mask alone.
  void BitSelect(x64::Xmm to, x64::Xmm a, x64::Xmm b, x64::Xmm mask);

  // Where the frame is given up, for unwind info: from `restored` on the registers in `saved` are
  // the caller's, from `left` on the return address is at the stack pointer.
  struct EpilogueShape {
    RegSet saved;
    codegen::CodeOffset restored = 0;
    codegen::CodeOffset left = 0;
    codegen::CodeOffset end = 0;
  };
  // Displacements in the prologue of a counted entry, filled when it is known where that lies.
  struct EntryFields {
    codegen::CodeOffset self = 0;
    codegen::CodeOffset better = 0;
    codegen::CodeOffset run_out = 0;
  };
  static EntryFields EmitEntryCount(const CountedEntry& entry, codegen::MachBuffer& code);
  static void PatchEntryCount(const CountedEntry& entry, const EntryFields& fields,
                              codegen::CodeOffset skip, codegen::MachBuffer& code);

  x64::Assembler as_;
  codegen::MachBuffer& buffer_;
  // Kept, for it allocates when it is made.
  codegen::MachBuffer prologue_;
  // So many bytes that do nothing.
  std::array<std::array<uint8_t, 16>, 16> paddings_ = {};
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

#endif  // GANTRY_WINCH_X64_MASM_H_
