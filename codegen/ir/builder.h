// InstBuilder: writes instructions at a position in a function.
//
//   InstBuilder b(&func);
//   b.SetEnd(block);
//   Value sum = b.Iadd(x, y);
//   Value loaded = b.Load(Type::kI32, MemFlags::Trapping(code), address, 16);
//   b.Brif(b.Icmp(IntCC::kUlt, sum, loaded), then_block, {sum}, else_block, {});
//
// There is a method per opcode, made from opcodes.def. The controlling type is taken from
// the first value operand of that type, or given as an argument where none has it. Types
// are not checked here: the verifier does that.
#ifndef GANTRY_CODEGEN_IR_BUILDER_H_
#define GANTRY_CODEGEN_IR_BUILDER_H_

#include <bit>
#include <cstdint>
#include <initializer_list>
#include <utility>

#include "absl/types/span.h"
#include "codegen/ir/function.h"

namespace gantry::codegen {

class InstBuilder {
 public:
  using ValuePair = std::pair<Value, Value>;

  // Stands nowhere until a position is set.
  explicit InstBuilder(Function* func) : func_(func) {}

  Function& func() const { return *func_; }

  // ---- Position. Instructions go to the end of `block`, or before `inst`.
  void SetEnd(Block block) {
    block_ = block;
    before_ = Inst::None();
  }
  void SetBefore(Inst inst) {
    block_ = func_->layout.block_of(inst);
    before_ = inst;
  }
  // Behind `inst`, in order of insertion.
  void SetAfter(Inst inst) {
    block_ = func_->layout.block_of(inst);
    before_ = func_->layout.next_inst(inst);
  }
  Block block() const { return block_; }
  // Source location of what is inserted from now on, none for none, and the inline site that it
  // lies in.
  void SetLoc(SourceLoc loc, InlineSite site = InlineSite::None()) {
    loc_ = loc;
    site_ = site;
  }
  SourceLoc loc() const { return loc_; }

  // ---- Blocks.
  // The entry block with the signature's parameters; the position moves to its end.
  Block MakeEntryBlock() {
    const Block entry = func_->MakeEntryBlock();
    SetEnd(entry);
    return entry;
  }
  Block MakeBlock() { return func_->dfg.MakeBlock(); }
  // Appends `block` to the layout and moves there.
  void Begin(Block block) {
    func_->layout.Append(block);
    SetEnd(block);
  }

  // Inserts an instruction with its results.
  Inst Insert(const InstData& data) {
    DCHECK(block_.is_some());
    const Inst inst = func_->dfg.MakeInst(data);
    if (before_.is_none()) {
      func_->layout.Append(inst, block_);
    } else {
      func_->layout.InsertBefore(inst, before_);
    }
    if (loc_.is_some() || site_.is_some()) func_->SetLoc(inst, loc_, site_);
    return inst;
  }

  // ---- A method per opcode, by format.
#define GANTRY_BUILD_Nullary(Name) \
  Value Name(Type type) { return InsertValue(InstData(Opcode::k##Name, type)); }
#define GANTRY_BUILD_Effect(Name) \
  Inst Name() { return Insert(InstData(Opcode::k##Name, Type::kInvalid)); }
  // The bits above the type are dropped.
#define GANTRY_BUILD_IntConst(Name)                                     \
  Value Name(Type type, int64_t value) {                                \
    InstData data(Opcode::k##Name, type);                               \
    data.set_const_bits(static_cast<uint64_t>(value) & TypeMask(type)); \
    return InsertValue(data);                                           \
  }
#define GANTRY_BUILD_F32Const(Name)             \
  Value Name(uint32_t bits) {                   \
    InstData data(Opcode::k##Name, Type::kF32); \
    data.set_const_bits(bits);                  \
    return InsertValue(data);                   \
  }
#define GANTRY_BUILD_F64Const(Name)             \
  Value Name(uint64_t bits) {                   \
    InstData data(Opcode::k##Name, Type::kF64); \
    data.set_const_bits(bits);                  \
    return InsertValue(data);                   \
  }
  // Low and high half of the bits.
#define GANTRY_BUILD_V128Const(Name)             \
  Value Name(uint64_t low, uint64_t high) {      \
    InstData data(Opcode::k##Name, Type::kV128); \
    data.set_v128(low, high);                    \
    return InsertValue(data);                    \
  }
  // Operations on lanes are given the shape first: Vadd(Type::kI32X4, x, y).
#define GANTRY_BUILD_Ternary(Name)                                   \
  Value Name(Value x, Value y, Value z) {                            \
    return InsertValue(Make(Opcode::k##Name, TypeOf(x), {x, y, z})); \
  }                                                                  \
  Value Name(Type shape, Value x, Value y, Value z) {                \
    return InsertValue(Make(Opcode::k##Name, shape, {x, y, z}));     \
  }
#define GANTRY_BUILD_Lane(Name)                                                         \
  Value Name(Type shape, Value x, uint32_t lane) {                                      \
    return InsertValue(Make(Opcode::k##Name, shape, {x}, static_cast<uint16_t>(lane))); \
  }
#define GANTRY_BUILD_LaneBinary(Name)                                                      \
  Value Name(Type shape, Value x, Value y, uint32_t lane) {                                \
    return InsertValue(Make(Opcode::k##Name, shape, {x, y}, static_cast<uint16_t>(lane))); \
  }
#define GANTRY_BUILD_Shuffle(Name)                               \
  Value Name(Value x, Value y, const ShuffleLanes& lanes) {      \
    InstData data = Make(Opcode::k##Name, Type::kI8X16, {x, y}); \
    data.set_shuffle_lanes(lanes);                               \
    return InsertValue(data);                                    \
  }
#define GANTRY_BUILD_Unary(Name)                                                     \
  Value Name(Value x) { return InsertValue(Make(Opcode::k##Name, TypeOf(x), {x})); } \
  Value Name(Type shape, Value x) { return InsertValue(Make(Opcode::k##Name, shape, {x})); }
#define GANTRY_BUILD_Convert(Name) \
  Value Name(Type to, Value x) { return InsertValue(Make(Opcode::k##Name, to, {x})); }
#define GANTRY_BUILD_TrappingConvert(Name)                                           \
  Value Name(Type to, Value x, TrapCode nan, TrapCode out_of_range) {                \
    return InsertValue(                                                              \
        Make(Opcode::k##Name, to, {x}, InstData::PackTrapCodes(nan, out_of_range))); \
  }
#define GANTRY_BUILD_Binary(Name)                                                                \
  Value Name(Value x, Value y) { return InsertValue(Make(Opcode::k##Name, TypeOf(x), {x, y})); } \
  Value Name(Type shape, Value x, Value y) {                                                     \
    return InsertValue(Make(Opcode::k##Name, shape, {x, y}));                                    \
  }
#define GANTRY_BUILD_BinaryPair(Name) \
  ValuePair Name(Value x, Value y) { return InsertPair(Make(Opcode::k##Name, TypeOf(x), {x, y})); }
#define GANTRY_BUILD_TernaryPair(Name)                                  \
  ValuePair Name(Value x, Value y, Value carry) {                       \
    return InsertPair(Make(Opcode::k##Name, TypeOf(x), {x, y, carry})); \
  }
#define GANTRY_BUILD_Division(Name)                                                              \
  Value Name(Value x, Value y, TrapCode by_zero) {                                               \
    return InsertValue(Make(Opcode::k##Name, TypeOf(x), {x, y}, static_cast<uint8_t>(by_zero))); \
  }
#define GANTRY_BUILD_SignedDivision(Name)                                                      \
  Value Name(Value x, Value y, TrapCode by_zero, TrapCode overflow) {                          \
    return InsertValue(                                                                        \
        Make(Opcode::k##Name, TypeOf(x), {x, y}, InstData::PackTrapCodes(by_zero, overflow))); \
  }
#define GANTRY_BUILD_IntCompare(Name)                                                       \
  Value Name(IntCC cc, Value x, Value y) {                                                  \
    return InsertValue(Make(Opcode::k##Name, TypeOf(x), {x, y}, static_cast<uint8_t>(cc))); \
  }                                                                                         \
  Value Name(Type shape, IntCC cc, Value x, Value y) {                                      \
    return InsertValue(Make(Opcode::k##Name, shape, {x, y}, static_cast<uint8_t>(cc)));     \
  }
#define GANTRY_BUILD_FloatCompare(Name)                                                     \
  Value Name(FloatCC cc, Value x, Value y) {                                                \
    return InsertValue(Make(Opcode::k##Name, TypeOf(x), {x, y}, static_cast<uint8_t>(cc))); \
  }                                                                                         \
  Value Name(Type shape, FloatCC cc, Value x, Value y) {                                    \
    return InsertValue(Make(Opcode::k##Name, shape, {x, y}, static_cast<uint8_t>(cc)));     \
  }
#define GANTRY_BUILD_Select(Name)                                                               \
  Value Name(Value condition, Value if_true, Value if_false) {                                  \
    return InsertValue(Make(Opcode::k##Name, TypeOf(if_true), {condition, if_true, if_false})); \
  }
#define GANTRY_BUILD_Load(Name)                                          \
  Value Name(Type type, MemFlags flags, Value address, int32_t offset) { \
    InstData data = Make(Opcode::k##Name, type, {address});              \
    data.set_flags(flags);                                               \
    data.set_offset(offset);                                             \
    return InsertValue(data);                                            \
  }
#define GANTRY_BUILD_Store(Name)                                            \
  Inst Name(MemFlags flags, Value value, Value address, int32_t offset) {   \
    InstData data = Make(Opcode::k##Name, TypeOf(value), {value, address}); \
    data.set_flags(flags);                                                  \
    data.set_offset(offset);                                                \
    return Insert(data);                                                    \
  }
#define GANTRY_BUILD_AtomicLoad(Name) GANTRY_BUILD_Load(Name)
#define GANTRY_BUILD_AtomicStore(Name) GANTRY_BUILD_Store(Name)
#define GANTRY_BUILD_AtomicRmw(Name)                                                       \
  Value Name(AtomicRmwOp op, MemFlags flags, Value value, Value address, int32_t offset) { \
    InstData data =                                                                        \
        Make(Opcode::k##Name, TypeOf(value), {value, address}, static_cast<uint8_t>(op));  \
    data.set_flags(flags);                                                                 \
    data.set_offset(offset);                                                               \
    return InsertValue(data);                                                              \
  }
#define GANTRY_BUILD_AtomicCas(Name)                                                              \
  Value Name(MemFlags flags, Value expected, Value replacement, Value address) {                  \
    InstData data = Make(Opcode::k##Name, TypeOf(replacement), {expected, replacement, address}); \
    data.set_flags(flags);                                                                        \
    return InsertValue(data);                                                                     \
  }
#define GANTRY_BUILD_StackAddr(Name)              \
  Value Name(StackSlot slot, int32_t offset) {    \
    InstData data(Opcode::k##Name, kAddressType); \
    data.set_stack_slot(slot);                    \
    data.set_offset(offset);                      \
    return InsertValue(data);                     \
  }
#define GANTRY_BUILD_StackLoad(Name)                      \
  Value Name(Type type, StackSlot slot, int32_t offset) { \
    InstData data(Opcode::k##Name, type);                 \
    data.set_stack_slot(slot);                            \
    data.set_offset(offset);                              \
    return InsertValue(data);                             \
  }
#define GANTRY_BUILD_StackStore(Name)                              \
  Inst Name(Value value, StackSlot slot, int32_t offset) {         \
    InstData data = Make(Opcode::k##Name, TypeOf(value), {value}); \
    data.set_stack_slot(slot);                                     \
    data.set_offset(offset);                                       \
    return Insert(data);                                           \
  }
#define GANTRY_BUILD_FuncAddr(Name)               \
  Value Name(FuncRef callee) {                    \
    InstData data(Opcode::k##Name, kAddressType); \
    data.set_func_ref(callee);                    \
    return InsertValue(data);                     \
  }
  // Results: func().dfg.results(inst).
#define GANTRY_BUILD_Call(Name)                             \
  Inst Name(FuncRef callee, absl::Span<const Value> args) { \
    return Insert(MakeCall(Opcode::k##Name, callee, args)); \
  }
#define GANTRY_BUILD_CallIndirect(Name)                                  \
  Inst Name(SigRef sig, Value callee, absl::Span<const Value> args) {    \
    return Insert(MakeIndirectCall(Opcode::k##Name, sig, callee, args)); \
  }
#define GANTRY_BUILD_ReturnCall(Name) GANTRY_BUILD_Call(Name)
#define GANTRY_BUILD_ReturnCallIndirect(Name) GANTRY_BUILD_CallIndirect(Name)
#define GANTRY_BUILD_TryCall(Name)                                                 \
  Inst Name(FuncRef callee, absl::Span<const Value> args, HandlerTable handlers) { \
    InstData data = MakeCall(Opcode::k##Name, callee, args);                       \
    data.set_handler_table(handlers);                                              \
    return Insert(data);                                                           \
  }
#define GANTRY_BUILD_TryCallIndirect(Name)                                                   \
  Inst Name(SigRef sig, Value callee, absl::Span<const Value> args, HandlerTable handlers) { \
    InstData data = MakeIndirectCall(Opcode::k##Name, sig, callee, args);                    \
    data.set_handler_table(handlers);                                                        \
    return Insert(data);                                                                     \
  }
#define GANTRY_BUILD_Jump(Name)                                     \
  Inst Name(Block target, absl::Span<const Value> args = {}) {      \
    InstData data(Opcode::k##Name, Type::kInvalid);                 \
    data.set_block_call(0, func_->dfg.MakeBlockCall(target, args)); \
    return Insert(data);                                            \
  }
#define GANTRY_BUILD_Branch(Name)                                                 \
  Inst Name(Value condition, Block then_block, absl::Span<const Value> then_args, \
            Block else_block, absl::Span<const Value> else_args) {                \
    InstData data = Make(Opcode::k##Name, Type::kInvalid, {condition});           \
    data.set_block_call(0, func_->dfg.MakeBlockCall(then_block, then_args));      \
    data.set_block_call(1, func_->dfg.MakeBlockCall(else_block, else_args));      \
    return Insert(data);                                                          \
  }
#define GANTRY_BUILD_BranchTable(Name)                              \
  Inst Name(Value index, JumpTable table) {                         \
    InstData data = Make(Opcode::k##Name, Type::kInvalid, {index}); \
    data.set_jump_table(table);                                     \
    return Insert(data);                                            \
  }
#define GANTRY_BUILD_Return(Name)                   \
  Inst Name(absl::Span<const Value> values) {       \
    InstData data(Opcode::k##Name, Type::kInvalid); \
    data.set_list(func_->dfg.MakeList(values));     \
    return Insert(data);                            \
  }
#define GANTRY_BUILD_Trap(Name)                                                           \
  Inst Name(TrapCode code) {                                                              \
    return Insert(InstData(Opcode::k##Name, Type::kInvalid, static_cast<uint8_t>(code))); \
  }
#define GANTRY_BUILD_CondTrap(Name)                                                                \
  Inst Name(Value condition, TrapCode code) {                                                      \
    return Insert(Make(Opcode::k##Name, Type::kInvalid, {condition}, static_cast<uint8_t>(code))); \
  }
#define GANTRY_BUILD_TierCheck(Name)                                                        \
  Inst Name(Value counter_address, Value entry_address) {                                   \
    return Insert(Make(Opcode::k##Name, Type::kInvalid, {counter_address, entry_address})); \
  }

#define GANTRY_BUILD_Charge(Name)                   \
  Inst Name(uint32_t amount) {                      \
    InstData data(Opcode::k##Name, Type::kInvalid); \
    data.set_amount(amount);                        \
    return Insert(data);                            \
  }
#define GANTRY_BUILD_Poll(Name)                                       \
  Inst Name(Value address, int32_t offset) {                          \
    InstData data = Make(Opcode::k##Name, Type::kInvalid, {address}); \
    data.set_offset(offset);                                          \
    return Insert(data);                                              \
  }

#define OP(Camel, name, format, ...) GANTRY_BUILD_##format(Camel)
#include "codegen/ir/opcodes.def"
#undef OP
#undef GANTRY_BUILD_AtomicCas
#undef GANTRY_BUILD_AtomicLoad
#undef GANTRY_BUILD_AtomicRmw
#undef GANTRY_BUILD_AtomicStore
#undef GANTRY_BUILD_Binary
#undef GANTRY_BUILD_BinaryPair
#undef GANTRY_BUILD_Branch
#undef GANTRY_BUILD_BranchTable
#undef GANTRY_BUILD_Call
#undef GANTRY_BUILD_CallIndirect
#undef GANTRY_BUILD_Charge
#undef GANTRY_BUILD_CondTrap
#undef GANTRY_BUILD_Convert
#undef GANTRY_BUILD_Division
#undef GANTRY_BUILD_Effect
#undef GANTRY_BUILD_F32Const
#undef GANTRY_BUILD_F64Const
#undef GANTRY_BUILD_FloatCompare
#undef GANTRY_BUILD_FuncAddr
#undef GANTRY_BUILD_IntCompare
#undef GANTRY_BUILD_IntConst
#undef GANTRY_BUILD_Jump
#undef GANTRY_BUILD_Lane
#undef GANTRY_BUILD_LaneBinary
#undef GANTRY_BUILD_Load
#undef GANTRY_BUILD_Nullary
#undef GANTRY_BUILD_Poll
#undef GANTRY_BUILD_Return
#undef GANTRY_BUILD_ReturnCall
#undef GANTRY_BUILD_ReturnCallIndirect
#undef GANTRY_BUILD_Select
#undef GANTRY_BUILD_SignedDivision
#undef GANTRY_BUILD_Shuffle
#undef GANTRY_BUILD_StackAddr
#undef GANTRY_BUILD_StackLoad
#undef GANTRY_BUILD_StackStore
#undef GANTRY_BUILD_Store
#undef GANTRY_BUILD_Ternary
#undef GANTRY_BUILD_TernaryPair
#undef GANTRY_BUILD_TierCheck
#undef GANTRY_BUILD_Trap
#undef GANTRY_BUILD_TrappingConvert
#undef GANTRY_BUILD_TryCall
#undef GANTRY_BUILD_TryCallIndirect
#undef GANTRY_BUILD_Unary
#undef GANTRY_BUILD_V128Const

  // ---- Conveniences.
  Value F32(float value) { return F32const(std::bit_cast<uint32_t>(value)); }
  Value F64(double value) { return F64const(std::bit_cast<uint64_t>(value)); }
  Value I32(int32_t value) { return Iconst(Type::kI32, value); }
  Value I64(int64_t value) { return Iconst(Type::kI64, value); }

 private:
  Type TypeOf(Value v) const { return func_->dfg.value_type(v); }

  static InstData Make(Opcode opcode, Type type, std::initializer_list<Value> args,
                       uint16_t immediate = 0) {
    InstData data(opcode, type, immediate);
    size_t i = 0;
    for (Value v : args) data.set_arg(i++, v);
    return data;
  }
  InstData MakeCall(Opcode opcode, FuncRef callee, absl::Span<const Value> args) {
    InstData data(opcode, Type::kInvalid);
    data.set_list(func_->dfg.MakeList(args));
    data.set_func_ref(callee);
    return data;
  }
  InstData MakeIndirectCall(Opcode opcode, SigRef sig, Value callee, absl::Span<const Value> args) {
    InstData data = Make(opcode, Type::kInvalid, {callee});
    data.set_list(func_->dfg.MakeList(args));
    data.set_sig_ref(sig);
    return data;
  }
  Value InsertValue(const InstData& data) { return func_->dfg.inst(Insert(data)).first_result(); }
  ValuePair InsertPair(const InstData& data) {
    const Inst inst = Insert(data);
    return {func_->dfg.result(inst, 0), func_->dfg.result(inst, 1)};
  }

  Function* func_;
  Block block_;
  Inst before_;
  SourceLoc loc_;
  InlineSite site_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_IR_BUILDER_H_
