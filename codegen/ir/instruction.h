// InstData: one instruction in 24 bytes, whatever its opcode.
//
// A header (opcode, controlling type, 16 bits of immediate) and five words. Fixed value
// operands come first, so that `args()` is a span over the words; what follows depends on
// the format. The last word is the first result, the others of the same instruction having
// the ids after it; brif has no results and uses that word for itself.
//
//   format              immediate       words
//   IntConst,F64Const                   low, high half of the bits
//   F32Const                            bits
//   V128Const                           bits, from the lowest 32 up
//   Unary,Convert                       x
//   TrappingConvert     two trap codes  x                          (NaN, out of range)
//   Binary,Ternary,*Pair                x y [z]
//   Lane,LaneBinary     lane            x [y]
//   Shuffle             lanes 12.8..15  x y, lanes 0..6.2, 6.2..12.8 (5 bits each)
//   Division            trap code       x y                        (by zero)
//   SignedDivision      two trap codes  x y                        (by zero, overflow)
//   Int/FloatCompare    condition       x y
//   Select                              condition, if true, if false
//   Load,AtomicLoad                     address, flags, offset
//   Store,AtomicStore                   value, address, flags, offset
//   AtomicRmw           AtomicRmwOp     value, address, flags, offset
//   AtomicCas                           expected, replacement, address, flags
//   StackAddr,StackLoad                 slot, offset
//   StackStore                          value, slot, offset
//   FuncAddr                            function
//   Call                                list, function, -, number of results
//   CallIndirect                        callee, list, signature, number of results
//   ReturnCall                          list, function
//   ReturnCallIndirect                  callee, list, signature
//   TryCall                             list, function, -, handlers
//   TryCallIndirect                     callee, list, signature, handlers
//   Jump                                block, list
//   Branch                              condition, block, list, block, list
//   BranchTable                         index, jump table
//   Return                              list
//   Trap                trap code
//   CondTrap            trap code       condition
//   TierCheck                           counter address, entry address
//   Charge                              amount
//   Poll                                address, -, offset
#ifndef GANTRY_CODEGEN_IR_INSTRUCTION_H_
#define GANTRY_CODEGEN_IR_INSTRUCTION_H_

#include <bit>
#include <cstdint>

#include "absl/types/span.h"
#include "base/check.h"
#include "codegen/ir/atomics.h"
#include "codegen/ir/conditions.h"
#include "codegen/ir/entities.h"
#include "codegen/ir/mem_flags.h"
#include "codegen/ir/opcodes.h"
#include "entity/entity_list.h"

namespace gantry::codegen {

using ValueList = entity::EntityList<Value>;
using ValuePool = entity::ListPool<Value>;

// A branch target with the values for the target's parameters.
struct BlockCall {
  Block block;
  ValueList args;
};

class InstData {
 public:
  static constexpr size_t kWords = 5;

  InstData() = default;
  InstData(Opcode opcode, Type type, uint16_t immediate = 0)
      : opcode_(opcode), type_(type), immediate_(immediate) {}

  Opcode opcode() const { return opcode_; }
  // The controlling type; kInvalid where the opcode has none.
  Type type() const { return type_; }
  Format format() const { return Info(opcode_).format; }

  // Fixed value operands.
  absl::Span<const Value> args() const { return {words_, Info(opcode_).num_args}; }
  absl::Span<Value> mutable_args() { return {words_, Info(opcode_).num_args}; }
  Value arg(size_t i) const {
    DCHECK(i < Info(opcode_).num_args);
    return words_[i];
  }

  // Bits of an iconst (zero-extended from its type), f32const or f64const.
  uint64_t const_bits() const { return words_[0].raw() | uint64_t{words_[1].raw()} << 32; }
  void set_const_bits(uint64_t bits) {
    set_word(0, static_cast<uint32_t>(bits));
    set_word(1, static_cast<uint32_t>(bits >> 32));
  }
  // Value of an iconst, sign-extended from its type.
  int64_t const_signed() const {
    const uint32_t unused = 64 - TypeBits(type_);
    return static_cast<int64_t>(const_bits() << unused) >> unused;
  }

  // The bits of a v128const; lane 0 of every shape is in the low bits of the low half.
  uint64_t v128_low() const { return const_bits(); }
  uint64_t v128_high() const { return words_[2].raw() | uint64_t{words_[3].raw()} << 32; }
  void set_v128(uint64_t low, uint64_t high) {
    set_const_bits(low);
    set_word(2, static_cast<uint32_t>(high));
    set_word(3, static_cast<uint32_t>(high >> 32));
  }

  uint16_t immediate() const { return immediate_; }
  void set_immediate(uint16_t immediate) { immediate_ = immediate; }
  IntCC int_cc() const {
    DCHECK(format() == Format::kIntCompare);
    return static_cast<IntCC>(immediate_);
  }
  FloatCC float_cc() const {
    DCHECK(format() == Format::kFloatCompare);
    return static_cast<FloatCC>(immediate_);
  }
  // Lane, LaneBinary.
  uint32_t lane() const {
    DCHECK(format() == Format::kLane || format() == Format::kLaneBinary);
    return immediate_;
  }
  // Shuffle: which byte of x (0 to 15) or y (16 to 31) goes to each byte of the result.
  ShuffleLanes shuffle_lanes() const {
    DCHECK(format() == Format::kShuffle);
    unsigned __int128 bits = word(2) | uint64_t{word(3)} << 32;
    bits |= static_cast<unsigned __int128>(immediate_) << 64;
    ShuffleLanes lanes;
    for (size_t i = 0; i < lanes.size(); ++i) lanes[i] = static_cast<uint8_t>(bits >> 5 * i & 31);
    return lanes;
  }
  void set_shuffle_lanes(const ShuffleLanes& lanes) {
    unsigned __int128 bits = 0;
    for (size_t i = 0; i < lanes.size(); ++i) {
      bits |= static_cast<unsigned __int128>(lanes[i] & 31) << 5 * i;
    }
    set_word(2, static_cast<uint32_t>(bits));
    set_word(3, static_cast<uint32_t>(bits >> 32));
    immediate_ = static_cast<uint16_t>(bits >> 64);
  }
  AtomicRmwOp atomic_op() const {
    DCHECK(format() == Format::kAtomicRmw);
    return static_cast<AtomicRmwOp>(immediate_);
  }
  // The trap code of trap, trapz, trapnz; of a division by zero; of converting a NaN.
  TrapCode trap_code() const { return static_cast<TrapCode>(immediate_ & 0xFF); }
  // The trap code of a signed division's overflow, of a conversion out of range.
  TrapCode second_trap_code() const { return static_cast<TrapCode>(immediate_ >> 8); }
  static uint16_t PackTrapCodes(TrapCode first, TrapCode second) {
    return static_cast<uint16_t>(static_cast<uint8_t>(first) | static_cast<uint8_t>(second) << 8);
  }

  // Load, Store and their atomic kin: what flags() and address() are for.
  bool is_memory_access() const {
    switch (format()) {
      case Format::kLoad:
      case Format::kStore:
      case Format::kAtomicLoad:
      case Format::kAtomicStore:
      case Format::kAtomicRmw:
      case Format::kAtomicCas:
        return true;
      default:
        return false;
    }
  }
  // The operand that is the address: the last one.
  Value address() const {
    DCHECK(is_memory_access());
    return words_[num_args() - 1];
  }
  MemFlags flags() const { return MemFlags::FromRaw(word(num_args())); }
  void set_flags(MemFlags flags) { set_word(num_args(), flags.raw()); }
  // Memory accesses but AtomicCas, which has none; StackAddr, StackLoad, StackStore, Poll: added to the
  // address, sign-extended.
  int32_t offset() const {
    DCHECK(format() != Format::kAtomicCas);
    return static_cast<int32_t>(word(num_args() + 1));
  }
  void set_offset(int32_t offset) {
    DCHECK(format() != Format::kAtomicCas);
    set_word(num_args() + 1, static_cast<uint32_t>(offset));
  }
  StackSlot stack_slot() const { return StackSlot(word(num_args())); }
  void set_stack_slot(StackSlot slot) { set_word(num_args(), slot.raw()); }

  // Charge.
  uint32_t amount() const {
    DCHECK(format() == Format::kCharge);
    return word(0);
  }
  void set_amount(uint32_t amount) {
    DCHECK(format() == Format::kCharge);
    set_word(0, amount);
  }

  // FuncAddr, Call, ReturnCall, TryCall.
  FuncRef func_ref() const { return FuncRef(word(format() == Format::kFuncAddr ? 0 : 1)); }
  void set_func_ref(FuncRef ref) { set_word(format() == Format::kFuncAddr ? 0 : 1, ref.raw()); }
  // CallIndirect, ReturnCallIndirect, TryCallIndirect.
  SigRef sig_ref() const { return SigRef(word(2)); }
  void set_sig_ref(SigRef ref) { set_word(2, ref.raw()); }
  // TryCall, TryCallIndirect.
  HandlerTable handler_table() const { return HandlerTable(word(3)); }
  void set_handler_table(HandlerTable table) { set_word(3, table.raw()); }
  // BranchTable.
  JumpTable jump_table() const { return JumpTable(word(1)); }
  void set_jump_table(JumpTable table) { set_word(1, table.raw()); }

  // The operand list of calls and return.
  bool has_list() const {
    switch (format()) {
      case Format::kCall:
      case Format::kCallIndirect:
      case Format::kReturnCall:
      case Format::kReturnCallIndirect:
      case Format::kTryCall:
      case Format::kTryCallIndirect:
      case Format::kReturn:
        return true;
      default:
        return false;
    }
  }
  ValueList list() const { return std::bit_cast<ValueList>(word(num_args())); }
  void set_list(ValueList list) { set_word(num_args(), std::bit_cast<uint32_t>(list)); }

  // Branch targets that lie in the instruction: 1 for jump, 2 for brif (taken if the
  // condition is not zero, then the other), else 0.
  size_t num_block_calls() const {
    return opcode_ == Opcode::kJump ? 1 : opcode_ == Opcode::kBrif ? 2 : 0;
  }
  BlockCall block_call(size_t i) const {
    DCHECK(i < num_block_calls());
    const size_t first = num_args() + 2 * i;
    return {Block(word(first)), std::bit_cast<ValueList>(word(first + 1))};
  }
  void set_block_call(size_t i, BlockCall call) {
    DCHECK(i < num_block_calls());
    const size_t first = num_args() + 2 * i;
    set_word(first, call.block.raw());
    set_word(first + 1, std::bit_cast<uint32_t>(call.args));
  }

  // Results: ids first_result(), first_result() + 1, ...
  size_t num_results() const {
    if (opcode_ == Opcode::kCall || opcode_ == Opcode::kCallIndirect) return word(3);
    return Info(opcode_).num_results;
  }
  void set_num_call_results(size_t count) { set_word(3, static_cast<uint32_t>(count)); }
  Value first_result() const { return words_[kWords - 1]; }
  void set_first_result(Value value) { words_[kWords - 1] = value; }

  uint32_t word(size_t i) const { return words_[i].raw(); }
  void set_word(size_t i, uint32_t bits) { words_[i] = Value(bits); }
  void set_arg(size_t i, Value value) {
    DCHECK(i < Info(opcode_).num_args);
    words_[i] = value;
  }

 private:
  size_t num_args() const { return Info(opcode_).num_args; }

  Opcode opcode_ = Opcode::kNop;
  Type type_ = Type::kInvalid;
  uint16_t immediate_ = 0;
  // Words that a format does not use are zero.
  Value words_[kWords] = {Value(0), Value(0), Value(0), Value(0), Value(0)};
};
static_assert(sizeof(InstData) == 24);

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_IR_INSTRUCTION_H_
