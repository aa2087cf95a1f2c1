// Generator: the code generator of the baseline compiler, a visitor of the validator (contract in
// wasm_translate/visitor.h). Each operator's code is written once, when it has been validated, and
// never looked at again. The machine is the template's argument (x64_masm.h).
//
// OPERANDS. The operand stack holds where each value is: a constant, a local (read when it is
// needed), a register of its own, its slot in the frame, or the flags (the top operand alone, right
// behind a comparison). Every height of the stack has one slot, whose place follows from the types
// below it, so that all ways to a label agree on it.
//
// LOCALS have a slot each and, where one is held, a register besides; a register that is `dirty`
// has a value that the slot has not. A register has one holder: a local or an operand. Who holds
// what is kept per register, so that nothing is ever a scan over locals.
//
// LABELS. At the start of a block all operands below it are settled: constants, or in their slots.
// So the state at a label is which locals are in which registers (RegState), the same for every way
// to it: that of the first branch, to which the others conform; a clean register of a label that
// is not bound yet can still be given up for free. One value of a branch travels in a register,
// several in their slots. A loop's state is that of its entry.
//
// INTERRUPTS. Where code may be interrupted (function entry, loop head) every reference is in its
// slot, and all else stays in its register: what is called there keeps them.
//
// Work is linear in the body: a step per operator, register and value moved.
#ifndef GANTRY_WINCH_GENERATOR_H_
#define GANTRY_WINCH_GENERATOR_H_

#include <array>
#include <cstdint>
#include <initializer_list>
#include <limits>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "base/check.h"
#include "codegen/code_records.h"
#include "codegen/mach_buffer.h"
#include "codegen/relaxed_choices.h"
#include "codegen/unwind.h"
#include "cranelift_shared/wasm_values.h"
#include "environ/core/builtins.h"
#include "environ/core/trap_code.h"
#include "environ/core/vm_offsets.h"
#include "environ/translation/compiled_function.h"
#include "environ/translation/module_translation.h"
#include "wasm_translate/function_state.h"
#include "wasm_translate/operator_costs.h"
#include "wasm_translate/operators.h"
#include "wasm_translate/unimplemented.h"
#include "wasm_translate/visitor.h"
#include "winch/function_names.h"
#include "winch/machine.h"
#include "winch/parallel_moves.h"
#include "winch/signatures.h"

namespace gantry::winch {

inline ValueKind KindOf(const environ::ModuleTranslation& module, wasm::ValType type) {
  switch (type.kind()) {
    case wasm::ValType::Kind::kI32:
      return ValueKind::kI32;
    case wasm::ValType::Kind::kI64:
      return ValueKind::kI64;
    case wasm::ValType::Kind::kF32:
      return ValueKind::kF32;
    case wasm::ValType::Kind::kF64:
      return ValueKind::kF64;
    case wasm::ValType::Kind::kV128:
      return ValueKind::kV128;
    default:
      return cranelift::IsFunctionReference(module, type) ? ValueKind::kFunc : ValueKind::kRef;
  }
}

constexpr uint8_t TrapNumber(environ::TrapCode code) { return static_cast<uint8_t>(code); }

template <class Masm>
class Generator : public wasm::VisitorBase<Generator<Masm>> {
 public:
  // What a compiled function has beyond its buffer's records.
  struct Result {
    codegen::FrameInfo frame;
    codegen::UnwindInfo unwind;
    // Bytes at the buffer's start that are not part of the function.
    codegen::CodeOffset skip = 0;
    absl::Span<const codegen::StackMap> stack_maps;
    absl::Span<const uint32_t> stack_map_slots;
    // Null where they are not recorded or there is no loop.
    const environ::LoopFrames* loop_frames = nullptr;
    // CompiledFunction::debug_area.
    uint32_t debug_area = 0;
  };

  // Module, masm and signatures outlive the generator.
  Generator(const environ::ModuleTranslation& module, Masm& masm, Signatures<Masm>& signatures,
            bool records_loops, bool keeps_locals);

  // Before the validator runs.
  void Start(const wasm::FunctionBody& body);
  bool failed() const { return failed_; }
  // kUnimplemented for an operator that has no code here (unimplemented.h), kResourceExhausted.
  const absl::Status& status() const { return status_; }
  // Steps beside those per operator, of all functions: operands and references looked at again.
  uint64_t work() const { return work_; }
  // After a run that was valid and has not failed: finishes the buffer. The result lives until the
  // next Start.
  absl::Status Finish(Result* result);
  // What a trap at an offset of the module gives back, in the function finished last.
  uint32_t RefundAt(uint32_t offset) const;

  // --- The visitor -----------------------------------------------------------------------

  void OnUnsupported(wasm::Opcode op);
  void OnBegin(const wasm::FunctionState& state);
  void OnLocals(uint32_t count, wasm::ValType type);
  void OnCode();
  void OnSimple(wasm::Opcode op);
  void OnNop() { At(wasm::Opcode::kNop); }
  void OnUnreachable();
  void OnBlock(const wasm::ControlFrame& frame);
  void OnLoop(const wasm::ControlFrame& frame);
  void OnIf(const wasm::ControlFrame& frame);
  void OnElse(const wasm::ControlFrame& frame, bool fallthrough);
  void OnEnd(const wasm::ControlFrame& frame, bool fallthrough);
  void OnBr(uint32_t depth);
  void OnBrIf(uint32_t depth);
  void OnBrTable(absl::Span<const uint32_t> depths);
  void OnReturn();
  void OnBrOnNull(uint32_t depth);
  void OnBrOnNonNull(uint32_t depth);
  void OnCall(wasm::FuncIndex callee, const wasm::FuncType& type);
  void OnCallIndirect(wasm::TableIndex table, wasm::TypeIndex index, const wasm::FuncType& type);
  void OnCallRef(wasm::TypeIndex index, const wasm::FuncType& type);
  void OnReturnCall(wasm::FuncIndex callee, const wasm::FuncType& type);
  void OnReturnCallIndirect(wasm::TableIndex table, wasm::TypeIndex index,
                            const wasm::FuncType& type);
  void OnReturnCallRef(wasm::TypeIndex index, const wasm::FuncType& type);
  void OnDrop(wasm::ValType type);
  void OnSelect(wasm::ValType type);
  void OnLocalGet(wasm::LocalIndex local, wasm::ValType type);
  void OnLocalSet(wasm::LocalIndex local, wasm::ValType type);
  void OnLocalTee(wasm::LocalIndex local, wasm::ValType type);
  void OnGlobalGet(wasm::GlobalIndex global, const wasm::GlobalType& type);
  void OnGlobalSet(wasm::GlobalIndex global, const wasm::GlobalType& type);
  void OnI32Const(int32_t value) {
    At(wasm::Opcode::kI32Const);
    PushConstant(ValueKind::kI32, static_cast<uint32_t>(value));
  }
  void OnI64Const(int64_t value) {
    At(wasm::Opcode::kI64Const);
    PushConstant(ValueKind::kI64, static_cast<uint64_t>(value));
  }
  void OnF32Const(uint32_t bits) {
    At(wasm::Opcode::kF32Const);
    PushConstant(ValueKind::kF32, bits);
  }
  void OnF64Const(uint64_t bits) {
    At(wasm::Opcode::kF64Const);
    PushConstant(ValueKind::kF64, bits);
  }
  void OnV128Const(const std::array<uint8_t, 16>& bytes);
  void OnLoad(wasm::Opcode op, const wasm::MemArg& arg);
  void OnStore(wasm::Opcode op, const wasm::MemArg& arg);
  void OnMemorySize(wasm::MemoryIndex memory);
  void OnMemoryGrow(wasm::MemoryIndex memory);
  void OnMemoryInit(wasm::DataIndex data, wasm::MemoryIndex memory);
  void OnDataDrop(wasm::DataIndex data);
  void OnMemoryCopy(wasm::MemoryIndex destination, wasm::MemoryIndex source);
  void OnMemoryFill(wasm::MemoryIndex memory);
  void OnTableGet(wasm::TableIndex table, const wasm::TableType& type);
  void OnTableSet(wasm::TableIndex table, const wasm::TableType& type);
  void OnTableSize(wasm::TableIndex table);
  void OnTableGrow(wasm::TableIndex table, const wasm::TableType& type);
  void OnTableFill(wasm::TableIndex table, const wasm::TableType& type);
  void OnTableCopy(wasm::TableIndex destination, wasm::TableIndex source);
  void OnTableInit(wasm::ElemIndex elem, wasm::TableIndex table);
  void OnElemDrop(wasm::ElemIndex elem);
  void OnRefNull(wasm::ValType type);
  void OnRefIsNull(wasm::ValType type);
  void OnRefFunc(wasm::FuncIndex function);
  void OnRefAsNonNull(wasm::ValType type);
  void OnRefEq();
  void OnLane(wasm::Opcode op, uint8_t lane);
  void OnShuffle(const std::array<uint8_t, 16>& lanes);
  void OnLoadLane(wasm::Opcode op, const wasm::MemArg& arg, uint8_t lane);
  void OnStoreLane(wasm::Opcode op, const wasm::MemArg& arg, uint8_t lane);
  void OnAtomic(wasm::Opcode op, const wasm::MemArg& arg);
  void OnAtomicFence();
  void OnGc(wasm::Opcode op, const wasm::GcImmediates& immediates);

 private:
  // --- State -----------------------------------------------------------------------------

  struct Operand {
    enum class Where : uint8_t { kConstant, kLocal, kReg, kSlot, kFlags };
    Where where = Where::kConstant;
    ValueKind kind = ValueKind::kI32;
    // kReg; kFlags: the condition's code.
    uint8_t reg = 0;
    int32_t slot = 0;
    // kConstant: the bits; kLocal: the local.
    uint64_t bits = 0;

    bool is_constant() const { return where == Where::kConstant; }
    uint32_t local() const { return static_cast<uint32_t>(bits); }
  };
  using Where = typename Operand::Where;

  struct Local {
    int32_t slot = 0;
    ValueKind kind = ValueKind::kI32;
    Reg reg;
    // Operands that stand for it.
    uint32_t aliases = 0;
    // Stamped while a state is conformed to.
    uint32_t mark = 0;
  };

  // Which locals are in which registers.
  struct RegState {
    RegSet locals;
    RegSet dirty;
    bool has_vmctx = false;
    bool has_base = false;
    // Of a label with one value.
    Reg result;
    std::array<uint32_t, Reg::kCount> held;

    // `held` is read where it has been written: not worth a fill.
    RegState() {}  // NOLINT(modernize-use-equals-default)
  };
  static constexpr uint32_t kNoState = 0xFFFFFFFF;

  struct Frame {
    wasm::FrameKind kind = wasm::FrameKind::kBlock;
    codegen::MachLabel label;
    codegen::MachLabel else_label;
    // The operands below.
    uint32_t height = 0;
    // The label's, none before the first branch; and the one at an `if`.
    uint32_t state = kNoState;
    uint32_t else_state = kNoState;
    // For br_table: the label of the code that leads here, good for the table of this stamp.
    codegen::MachLabel stub;
    uint32_t stub_stamp = 0;
  };

  // A call through a table whose element has to be found by the runtime: code that is written
  // behind the function.
  struct Deferred {
    codegen::MachLabel label;
    codegen::MachLabel resume;
    codegen::SourceLoc loc;
    codegen::StackMap map;
    uint32_t table = 0;
    Reg index;
    // Of indirect_args_.
    uint32_t first_arg = 0;
    uint32_t arg_count = 0;
  };
  // A check that failed: the call of a built-in that keeps all registers, behind the function.
  struct Interrupt {
    environ::Builtin builtin = environ::Builtin::kOutOfFuel;
    codegen::MachLabel label;
    codegen::MachLabel back;
    codegen::SourceLoc loc;
    codegen::StackMap map;
    bool reloads_base = false;
  };
  // An argument that a call of the runtime would lose; `store`: its slot does not have it.
  struct IndirectArgument {
    ValueKind kind;
    Reg reg;
    int32_t slot;
    bool store;
  };

  // A counter that has run out at a loop: code that is written behind the function.
  struct RunOutLoop {
    codegen::MachLabel label;
    codegen::MachLabel resume;
  };

  // An argument of a built-in.
  struct Argument {
    Argument(const Operand& v) : operand(v) {}  // NOLINT(google-explicit-constructor)
    Argument(uint32_t value) {                  // NOLINT(google-explicit-constructor)
      operand.bits = value;
    }
    Operand operand;
  };

  // What a call goes to.
  struct Callee {
    enum class Kind : uint8_t { kFunction, kImport, kEntry };
    Kind kind = Kind::kFunction;
    wasm::FuncIndex function = wasm::FuncIndex::None();
  };

  static constexpr uint32_t kOperandHolder = uint32_t{1} << 31;
  static constexpr uint32_t kMaxInlineValues = 8;
  static constexpr int64_t kMaxOffset = std::numeric_limits<int32_t>::max();

  // --- generator_registers.h ---------------------------------------------------------------

  ValueKind Kind(wasm::ValType type) const { return KindOf(module_, type); }
  void Fail(absl::Status status);
  // Flags that the top operand stands for become a value.
  void FlushFlags() {
    if (ABSL_PREDICT_FALSE(has_flags_)) MaterializeFlags();
  }
  void MaterializeFlags();
  // What comes next may trap or call.
  void Locate() {
    masm_.buffer().SetSourceLoc(codegen::SourceLoc(static_cast<uint32_t>(state_->offset())));
  }

  int32_t NextSlot(ValueKind kind) const {
    return (stack_.empty() ? stack_begin_ : stack_.back().slot) - SlotBytes(kind);
  }
  void UseSlot(int32_t slot) { lowest_slot_ = std::min(lowest_slot_, slot); }
  Operand& Push(Where where, ValueKind kind);
  void PushConstant(ValueKind kind, uint64_t bits) {
    FlushFlags();
    Push(Where::kConstant, kind).bits = bits;
  }
  void PushReg(ValueKind kind, Reg reg);
  void PushFlags(Condition condition);
  void PushLocal(uint32_t local);
  // What was popped and used, again.
  void PushBack(const Operand& operand, Reg reg);
  Operand Pop();
  // The value in a register: the operand's own, the local's, or a new one.
  Reg Use(const Operand& operand);
  // Into a register that the operator owns, to be overwritten.
  Reg UseOwned(const Operand& operand, RegSet avoid = RegSet());
  // Writes the value there; the register is the operator's.
  void PlaceIn(const Operand& operand, Reg reg);
  // For the operator; what holds it moves away.
  void Vacate(Reg reg);
  // An operand that was popped in `reg` goes elsewhere.
  void MoveAway(Operand& operand, Reg reg, RegSet avoid = RegSet());
  Reg Allocate(RegClass reg_class, RegSet avoid = RegSet());
  Reg AllocateForLocal(ValueKind kind, RegSet avoid = RegSet());
  // Where a result goes: the local's register that the next operator sets, `preferred` if the
  // operator owns it, another that it owns, or a new one; none of `avoid`. `lookahead`: bytes of
  // operators before the one that may set a local.
  Reg ResultReg(ValueKind kind, Reg preferred = Reg(), RegSet avoid = RegSet(),
                uint32_t lookahead = 0);
  Reg NextSetLocal(ValueKind kind, RegSet avoid, uint32_t lookahead);
  Reg Take(Reg reg);
  Reg Evict(RegClass reg_class, RegSet avoid);
  void EvictReg(Reg reg);
  void DropLocalReg(Reg reg);
  void HoldLocal(uint32_t local, Reg reg, bool dirty);
  void SpillOperand(uint32_t index);
  void PopRef() {
    ref_operands_.pop_back();
    known_refs_ = std::min(known_refs_, ref_operands_.size());
  }
  // An operand has got a slot.
  void ForgetMapOf(uint32_t index, ValueKind kind) {
    if (kind != ValueKind::kRef) return;
    while (known_refs_ > 0 && ref_operands_[known_refs_ - 1].index >= index) --known_refs_;
  }
  // The end of an operator: what it still owns is free.
  void Release() {
    free_ |= owned_;
    owned_ = RegSet();
    pinned_ = RegSet();
  }
  void SetLocal(uint32_t local, const Operand& value);
  void MaterializeAliases(uint32_t local);
  // All operands in their slots or constants.
  void Settle();
  // They are.
  void MarkSettled() {
    ForgetRecorded(settled_);
    settled_ = static_cast<uint32_t>(stack_.size());
  }
  void SpillTop(uint32_t count);
  void Truncate(uint32_t height);
  void EnsureVmctx();
  void EnsureBase();
  // The first memory's address, where the VMContext is in its register.
  void LoadBase();

  // --- generator_interrupts.h ---------------------------------------------------------------

  // The function on the shadow stack, and off it again; where code keeps none nothing.
  void NoteCall();
  void ForgetCall();
  // At the beginning of each operator.
  void At(wasm::Opcode op) {
    if (ABSL_PREDICT_FALSE(notes_operators_)) Note(op);
  }
  void Note(wasm::Opcode op);
  void Meter(wasm::Opcode op);
  // A line of operators that are charged for together ends.
  void CloseLine();
  // Locals that are references leave their registers.
  void EvictReferences();
  // At the place at hand, where all references are in their slots.
  Interrupt& AddInterrupt(environ::Builtin builtin);
  void CheckFuel();
  void Poll();
  // What stands at a function's entry, behind its prologue and the zeroes of its locals, and at a
  // loop's head.
  void EnterFunction();
  void EnterLoop();
  // What is recorded of operands from `height` on does not hold any more.
  void ForgetRecorded(uint32_t height) {
    if (recorded_.size() > height) recorded_.resize(height);
  }
  // At the head of a loop, where all operands are settled.
  void RecordLoop(codegen::MachLabel head);
  void FinishLoopFrames(codegen::CodeOffset skip);
  void EmitInterrupts();

  // --- generator_control.h -----------------------------------------------------------------

  void LoadForLoop();
  uint32_t NewState();
  void FreeState(uint32_t state);
  void CaptureState(RegState& state) const;
  void AdoptState(const RegState& state);
  Frame& FrameAt(uint32_t depth) { return frames_[frames_.size() - 1 - depth]; }
  Frame& PushFrame(const wasm::ControlFrame& frame);
  absl::Span<const wasm::ValType> LabelTypes(uint32_t depth) const {
    return state_->frame(depth).label_types();
  }
  // Whether a label's values are in their slots.
  static bool ValuesInSlots(const Frame& frame, size_t count) {
    return count > 1 || (count == 1 && frame.kind == wasm::FrameKind::kLoop);
  }
  // From the present state to the label's, which is made if there is none; the present one stays.
  void Transfer(Frame& frame, absl::Span<const wasm::ValType> types);
  void Conform(RegState& state, bool is_fixed);
  void MoveValuesToSlots(const Frame& frame, absl::Span<const wasm::ValType> types);
  int32_t SlotAtHeight(uint32_t height) const {
    return height == 0 ? stack_begin_ : stack_[height - 1].slot;
  }
  void EmitBranch(uint32_t depth);
  void EmitReturn();
  void BranchIf(Condition condition, uint32_t depth);
  // In front of code that branches in more than one way.
  void PrepareValues(size_t count) {
    if (count > kMaxInlineValues) SpillTop(static_cast<uint32_t>(count));
  }
  Condition PopCondition();
  void BindLabel(Frame& frame, absl::Span<const wasm::ValType> types);
  void EndIf(Frame& frame, absl::Span<const wasm::ValType> types, bool fallthrough);
  void EmitDeferred();

  // --- generator_calls.h -------------------------------------------------------------------

  ParallelMoves<Masm>& moves() { return moves_; }
  void AddMove(Reg to, const Operand& from);
  // Values that a call would lose go to their slots: operands below `height`, and locals.
  void SaveForCall(uint32_t height);
  bool IsLostByCall(Reg reg, ValueKind kind) const {
    return kind == ValueKind::kRef || !Masm::kCalleeSaved.contains(reg);
  }
  void AfterCall();
  // `all_in_slots`: operands in registers are in their slots by then.
  codegen::StackMap FindStackMap(uint32_t height, bool all_in_slots);
  // Of the call that has just been written.
  void RecordStackMap(codegen::StackMap map);
  void PlaceArguments(const Signature& signature, uint32_t count);
  void EmitCall(const Callee& callee, wasm::TypeIndex type, const wasm::FuncType& func_type);
  void EmitTailCall(const Callee& callee, wasm::TypeIndex type);
  void PushResults(const Signature& signature, const wasm::FuncType& type);
  void GoToCallee(const Callee& callee, bool tail);
  void PrepareIndirect(wasm::TableIndex table, wasm::TypeIndex type);
  void PrepareRef();
  void CallBuiltin(environ::Builtin builtin, std::initializer_list<Argument> args);
  // The result of a built-in just called.
  Reg BuiltinResult(ValueKind kind);

  // --- generator_tier.h --------------------------------------------------------------------

  typename Masm::TierCounter Counter() const;
  // Counts a round of the loop whose label has just been bound.
  void CountLoop();
  void EmitRunOutLoops();
  // Cold code of the entry, the last of the function; nothing where entries are not counted.
  std::optional<typename Masm::CountedEntry> CountEntry();

  // --- generator_debug.h -------------------------------------------------------------------

  // The context and what locals begin with, for debuggers.
  void BeginKeptLocals();
  int32_t KeptSlot(uint32_t local) const {
    return debug_area_ + static_cast<int32_t>(8 * (1 + local));
  }
  // A local's value as it is now.
  void KeepLocal(uint32_t index);

  // --- generator_memory.h ------------------------------------------------------------------

  struct Place {
    Reg base;
    int32_t offset = 0;
  };
  // Of the definition, whose address goes to `temp` where it is not the VMContext's part.
  Place MemoryPlace(wasm::MemoryIndex memory, Reg temp);
  Reg BaseOf(wasm::MemoryIndex memory);
  MemOperand PrepareAddress(const wasm::MemArg& arg, uint32_t size, const Operand& index);
  MemOperand CheckedAddress(const wasm::MemArg& arg, uint32_t size, const Operand& index,
                            bool index_only);
  void CheckAligned(const Operand& index, uint64_t offset, uint32_t size);
  Operand EffectiveAddress(const Operand& index, uint64_t offset);
  Place TablePlace(wasm::TableIndex table, Reg temp);
  bool IsFuncTable(wasm::TableIndex table) const {
    return cranelift::IsFunctionReference(module_, module_.info.tables[table].element);
  }
  // Traps where it is out of bounds, which is the condition.
  Condition CheckTableIndex(wasm::TableIndex table, const Place& place, Reg index,
                            environ::TrapCode out_of_bounds);
  // The address of an element in bounds, in `to`.
  void TableElement(wasm::TableIndex table, Reg index, environ::TrapCode out_of_bounds, Reg to);
  void PushIndexResult(wasm::IndexType type, Reg reg);

  // --- generator_numeric.h -----------------------------------------------------------------

  void IntBinary(IntOp op, ValueKind kind, bool commutes);
  void IntMultiply(ValueKind kind);
  void IntShift(ShiftOp op, ValueKind kind);
  bool FuseShiftedAdd(ValueKind kind, uint8_t amount, const Operand& value);
  void IntDivide(ValueKind kind, bool is_signed, bool remainder);
  void DivideFixed(ValueKind kind, bool is_signed, bool remainder, Operand left, Operand right,
                   uint8_t zero_trap, uint8_t overflow_trap);
  void IntCompare(IntCond cond, ValueKind kind);
  void IntEqualsZero(ValueKind kind);
  void FloatCompare(FloatCond cond, ValueKind kind);
  void OnInteger(wasm::Opcode op);
  void OnFloat(wasm::Opcode op);
  void OnConversion(wasm::Opcode op);
  void OnWide(wasm::Opcode op);
  void OnVector(wasm::Opcode op);
  template <typename Emit>
  void Unary(ValueKind from, ValueKind to, Emit emit);

  const environ::ModuleTranslation& module_;
  const environ::ModuleInfo& info_;
  const environ::VMOffsets& offsets_;
  const environ::Tunables& tunables_;
  Masm& masm_;
  Signatures<Masm>& signatures_;
  ParallelMoves<Masm> moves_;

  const wasm::FunctionState* state_ = nullptr;
  bool failed_ = false;
  absl::Status status_;

  std::vector<Operand> stack_;
  // Operands below are constants or in their slots.
  uint32_t settled_ = 0;
  bool has_flags_ = false;
  // The operator at hand has been done by the one before.
  bool fused_ = false;
  // Operands that are references, ascending, and how many slots a stack map has up to each.
  struct RefOperand {
    uint32_t index = 0;
    uint32_t map_slots = 0;
  };
  std::vector<RefOperand> ref_operands_;
  std::vector<Local> locals_;
  std::vector<int32_t> ref_locals_;  // their slots
  std::vector<Frame> frames_;
  std::vector<RegState> states_;
  std::vector<uint32_t> free_states_;
  std::vector<Deferred> deferred_;
  std::vector<IndirectArgument> indirect_args_;
  std::vector<RunOutLoop> run_out_loops_;
  std::vector<Interrupt> interrupts_;
  bool has_interrupts_ = false;

  const bool counts_fuel_;
  // Whether locals are also kept where debuggers find them, and every operator's code has its place
  // in the address map; and whether At has anything to do.
  const bool keeps_locals_;
  const bool notes_operators_;
  // Whether code is interrupted at loop heads, so that references are in their slots there.
  const bool interrupts_loops_;
  wasm::FuelMeter meter_;
  // Of the open line.
  codegen::CodeOffset charge_ = 0;
  std::vector<wasm::FuelRefund> refunds_;

  // The heads of loops (RecordLoop), their labels, and where in them settled operands are, from the
  // bottom.
  const bool records_loops_;
  environ::LoopFrames loop_frames_;
  std::vector<codegen::MachLabel> loop_labels_;
  std::vector<uint32_t> recorded_;

  // Callee-saved registers that the function may use, and of those the one that the first memory's
  // address is kept in where it lives over calls.
  RegSet callee_saved_;
  Reg permanent_base_;

  // Who holds each register that is in one of the two sets below: a local, or an operand.
  std::array<uint32_t, Reg::kCount> holder_;
  RegSet allocatable_;
  RegSet free_;
  RegSet held_by_locals_;
  RegSet held_by_operands_;
  RegSet dirty_;
  // The operator's own, and all that it uses.
  RegSet owned_;
  RegSet pinned_;
  RegSet saved_;  // callee-saved ones that are used
  uint8_t evict_cursor_ = 0;
  bool has_vmctx_ = false;
  bool has_base_ = false;
  // Where the first memory's address is kept; none where there is no such memory.
  Reg base_reg_;
  bool base_survives_calls_ = false;
  uint32_t loop_depth_ = 0;
  bool has_calls_ = false;
  uint32_t mark_ = 0;
  uint64_t work_ = 0;
  uint32_t table_stamp_ = 0;

  // Of the function.
  const Signature* signature_ = nullptr;
  codegen::MachLabel epilogue_;
  int32_t area_slot_ = 0;
  int32_t locals_begin_ = 0;  // of those that start out as zero
  int32_t next_slot_ = 0;
  int32_t stack_begin_ = 0;
  int32_t debug_area_ = 0;
  int32_t lowest_slot_ = 0;
  uint32_t outgoing_bytes_ = 0;
  // Of the tail call at hand.
  uint32_t outgoing_bytes_of_tail_ = 0;

  // Slots from the frame pointer until the frame's size is known.
  std::vector<codegen::StackMap> stack_maps_;
  std::vector<uint32_t> stack_map_slots_;
  bool has_map_ = false;
  uint32_t first_map_slot_ = 0;
  // So many reference operands are as the list at first_map_slot_ has them.
  size_t known_refs_ = 0;
};

}  // namespace gantry::winch

#endif  // GANTRY_WINCH_GENERATOR_H_
