// Part of the generator: functions, calls, built-ins, and the function's own beginning and end.
#ifndef GANTRY_WINCH_GENERATOR_CALLS_H_
#define GANTRY_WINCH_GENERATOR_CALLS_H_

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "winch/generator.h"

namespace gantry::winch {

// --- The function -----------------------------------------------------------------------

namespace generator_internal {

// What the engine was told is a setting that has been checked.
inline wasm::OperatorCosts CostsOf(const environ::Tunables& tunables) {
  absl::StatusOr<wasm::OperatorCosts> costs = wasm::OperatorCosts::Parse(tunables.operator_costs);
  CHECK_OK(costs.status());
  return *costs;
}

}  // namespace generator_internal

template <class Masm>
Generator<Masm>::Generator(const environ::ModuleTranslation& module, Masm& masm,
                           Signatures<Masm>& signatures, bool records_loops, bool keeps_locals)
    : module_(module),
      info_(module.info),
      offsets_(module.offsets),
      tunables_(module.options.tunables),
      masm_(masm),
      signatures_(signatures),
      counts_fuel_(tunables_.consume_fuel),
      keeps_locals_(keeps_locals),
      notes_operators_(counts_fuel_ || keeps_locals_),
      interrupts_loops_(counts_fuel_ ||
                        tunables_.epoch_interruption != environ::EpochInterruption::kNone),
      meter_(generator_internal::CostsOf(tunables_)),
      records_loops_(records_loops),
      callee_saved_(Masm::kCalleeSaved),
      permanent_base_(Masm::kPermanentBase) {
  if (counts_fuel_) {
    callee_saved_.remove(Masm::kFuel);
    permanent_base_ = Masm::kPermanentBaseBesideFuel;
  }
}

template <class Masm>
void Generator<Masm>::Start(const wasm::FunctionBody& body) {
  failed_ = false;
  status_ = absl::OkStatus();
  stack_.clear();
  settled_ = 0;
  has_flags_ = false;
  fused_ = false;
  ref_operands_.clear();
  locals_.clear();
  ref_locals_.clear();
  frames_.clear();
  states_.clear();
  free_states_.clear();
  deferred_.clear();
  interrupts_.clear();
  has_interrupts_ = false;
  refunds_.clear();
  loop_frames_.clear();
  loop_labels_.clear();
  recorded_.clear();
  if (counts_fuel_) meter_.Start();
  run_out_loops_.clear();
  held_by_locals_ = held_by_operands_ = dirty_ = owned_ = pinned_ = saved_ = RegSet();
  evict_cursor_ = 0;
  has_vmctx_ = true;
  has_base_ = false;
  loop_depth_ = 0;
  has_calls_ = false;
  mark_ = table_stamp_ = 0;
  next_slot_ = Masm::kFirstFreeSlot;
  debug_area_ = 0;
  outgoing_bytes_ = 0;
  stack_maps_.clear();
  stack_map_slots_.clear();
  has_map_ = false;
  known_refs_ = 0;
  first_map_slot_ = 0;
  indirect_args_.clear();

  // A small function hardly needs its memory's address after a call.
  constexpr size_t kSmallBody = 96;
  allocatable_ = Masm::kAllocatable;
  if (counts_fuel_) allocatable_.remove(Masm::kFuel);
  base_reg_ = Reg();
  base_survives_calls_ = false;
  if (!info_.memories.empty()) {
    base_survives_calls_ =
        !info_.memories[wasm::MemoryIndex(0)].plan.may_move && body.bytes.size() >= kSmallBody;
    base_reg_ = base_survives_calls_ ? permanent_base_ : Masm::kTemporaryBase;
    allocatable_.remove(base_reg_);
  }
  free_ = allocatable_;
}

template <class Masm>
void Generator<Masm>::OnUnsupported(wasm::Opcode op) {
  const absl::string_view name = wasm::OpcodeName(op);
  Fail(wasm::UnimplementedStatus(
      {wasm::GetOperatorInfo(op).feature, std::string(name.data(), name.size())}));
}

template <class Masm>
void Generator<Masm>::OnBegin(const wasm::FunctionState& state) {
  state_ = &state;
  const wasm::TypeIndex type = module_.parsed.functions[state.func()];
  signature_ = &signatures_.Of(type);
  codegen::MachBuffer& buffer = masm_.buffer();
  masm_.ReservePrologue(/*counts_entry=*/tunables_.tier_up);
  epilogue_ = buffer.NewLabel();
  Frame& frame = frames_.emplace_back();
  frame.kind = wasm::FrameKind::kFunction;
  frame.label = epilogue_;
  if (signature_->result_bytes != 0) {
    next_slot_ -= 8;
    area_slot_ = next_slot_;
    masm_.StoreSlot(ValueKind::kI64, area_slot_, Masm::kResultArea);
  }
  for (size_t i = 0; i < signature_->params.size(); ++i) {
    const ValuePlace& place = signature_->params[i];
    Local& local = locals_.emplace_back();
    local.kind = place.kind;
    if (place.reg.is_none()) {
      // Its slot is where it arrives: the function may overwrite its arguments.
      local.slot = Masm::kIncomingArguments + static_cast<int32_t>(place.offset);
    } else {
      next_slot_ -= SlotBytes(place.kind);
      local.slot = next_slot_;
      HoldLocal(static_cast<uint32_t>(i), place.reg, /*dirty=*/true);
    }
    if (local.kind == ValueKind::kRef) ref_locals_.push_back(local.slot);
  }
  locals_begin_ = next_slot_;
}

template <class Masm>
void Generator<Masm>::OnLocals(uint32_t count, wasm::ValType type) {
  Local local;
  local.kind = Kind(type);
  for (; count > 0; --count) {
    next_slot_ -= SlotBytes(local.kind);
    local.slot = next_slot_;
    locals_.push_back(local);
    if (local.kind == ValueKind::kRef) ref_locals_.push_back(local.slot);
  }
}

template <class Masm>
void Generator<Masm>::OnCode() {
  masm_.ZeroSlots(next_slot_, locals_begin_);
  BeginKeptLocals();
  stack_begin_ = lowest_slot_ = next_slot_;
  NoteCall();
  EnterFunction();
}

template <class Masm>
absl::Status Generator<Masm>::Finish(Result* result) {
  codegen::MachBuffer& buffer = masm_.buffer();
  buffer.Bind(epilogue_);
  ForgetCall();
  masm_.Epilogue(saved_, signature_->argument_bytes);
  EmitDeferred();
  EmitInterrupts();
  EmitRunOutLoops();
  masm_.EmitColdTraps();
  if (counts_fuel_) {
    CloseLine();
    refunds_ = meter_.TakeRefunds();
  }

  constexpr uint64_t kMaxFrame = uint64_t{1} << 30;
  const uint64_t frame_bytes =
      (uint64_t{0} - static_cast<uint64_t>(int64_t{lowest_slot_}) + outgoing_bytes_ + 15) &
      ~uint64_t{15};
  if (frame_bytes > kMaxFrame) return absl::ResourceExhaustedError("function too large: its frame");
  typename Masm::FrameShape shape;
  shape.frame_bytes = static_cast<uint32_t>(frame_bytes);
  shape.saved = saved_;
  shape.has_calls = has_calls_;
  shape.has_interrupts = has_interrupts_ || !run_out_loops_.empty();
  shape.store_offset = environ::VMContextOffsets::kStore;
  shape.limit_offset = environ::VMStoreContextOffsets::kStackLimit;
  if (Masm::ChecksStack(shape)) {
    const codegen::MachLabel exhausted = buffer.NewLabel();
    buffer.Bind(exhausted);
    buffer.SetSourceLoc(codegen::SourceLoc::None());
    if (tunables_.epoch_interruption == environ::EpochInterruption::kNone) {
      masm_.Trap(TrapNumber(environ::TrapCode::kCallStackExhausted));
    } else {
      masm_.CallCold(environ::Builtin::kCheckStack);
      // Arguments are still in registers: nothing is collected.
      RecordStackMap({});
      shape.back = masm_.JumpToPrologue();
    }
    shape.exhausted = buffer.OffsetOf(exhausted);
  }
  masm_.EmitColdJumps();
  shape.counted_entry = CountEntry();
  result->unwind.Clear();
  result->skip = masm_.Prologue(shape, &result->frame, &result->unwind);
  for (uint32_t& slot : stack_map_slots_) {
    slot += result->frame.frame_size;
  }
  result->stack_maps = stack_maps_;
  result->stack_map_slots = stack_map_slots_;
  RETURN_IF_ERROR(buffer.Finish());
  FinishLoopFrames(result->skip);
  result->debug_area = static_cast<uint32_t>(-debug_area_);
  result->loop_frames = loop_labels_.empty() ? nullptr : &loop_frames_;
  return absl::OkStatus();
}

// --- What a call changes ----------------------------------------------------------------

template <class Masm>
void Generator<Masm>::AddMove(Reg to, const Operand& from) {
  switch (from.where) {
    case Where::kReg:
      moves_.FromReg(from.kind, to, Reg::FromCode(from.reg));
      return;
    case Where::kSlot:
      moves_.FromSlot(from.kind, to, from.slot);
      return;
    case Where::kConstant:
      moves_.FromConstant(from.kind, to, from.bits);
      return;
    case Where::kLocal: {
      const Local& local = locals_[from.local()];
      if (local.reg.is_none()) {
        moves_.FromSlot(from.kind, to, local.slot);
      } else {
        moves_.FromReg(from.kind, to, local.reg);
      }
      return;
    }
    case Where::kFlags:
      break;
  }
  UNREACHABLE();
}

// Registers keep what they have, for the arguments' moves.
template <class Masm>
void Generator<Masm>::SaveForCall(uint32_t height) {
  for (RegSet set = dirty_; !set.empty();) {
    const Reg reg = set.TakeFirst();
    const Local& local = locals_[holder_[reg.code()]];
    if (!IsLostByCall(reg, local.kind)) continue;
    masm_.StoreSlot(local.kind, local.slot, reg);
    dirty_.remove(reg);
  }
  for (RegSet set = held_by_operands_; !set.empty();) {
    const Reg reg = set.TakeFirst();
    const uint32_t index = holder_[reg.code()] & ~kOperandHolder;
    if (index < height && IsLostByCall(reg, stack_[index].kind)) SpillOperand(index);
  }
}

template <class Masm>
void Generator<Masm>::AfterCall() {
  for (RegSet set = held_by_locals_; !set.empty();) {
    const Reg reg = set.TakeFirst();
    if (IsLostByCall(reg, locals_[holder_[reg.code()]].kind)) DropLocalReg(reg);
  }
  has_calls_ = true;
  has_vmctx_ = false;
  has_base_ = has_base_ && base_survives_calls_;
}

// The references of locals, then those of operands. Maps are prefixes of one list as long as what
// is below does not change, so that many references on the stack over many calls stay linear.
template <class Masm>
codegen::StackMap Generator<Masm>::FindStackMap(uint32_t height, bool all_in_slots) {
  size_t refs = ref_operands_.size();
  while (refs > 0 && ref_operands_[refs - 1].index >= height) --refs;
  std::vector<uint32_t>& slots = stack_map_slots_;
  if (!has_map_) {
    for (const int32_t slot : ref_locals_) slots.push_back(static_cast<uint32_t>(slot));
    has_map_ = true;
  }
  size_t i = std::min(known_refs_, refs);
  uint32_t count =
      i == 0 ? static_cast<uint32_t>(ref_locals_.size()) : ref_operands_[i - 1].map_slots;
  for (; i < refs; ++i) {
    ++work_;
    const Operand& operand = stack_[ref_operands_[i].index];
    // One that stands for a local is in that local's slot, and a null needs none.
    if (operand.where == Where::kSlot || (all_in_slots && operand.where == Where::kReg)) {
      const uint32_t slot = static_cast<uint32_t>(operand.slot);
      const size_t at = first_map_slot_ + count;
      if (at < slots.size() && slots[at] != slot) {
        const size_t begin = first_map_slot_;
        first_map_slot_ = static_cast<uint32_t>(slots.size());
        for (uint32_t k = 0; k < count; ++k) slots.push_back(slots[begin + k]);
        work_ += count;
      }
      if (first_map_slot_ + count == slots.size()) slots.push_back(slot);
      ++count;
    }
    ref_operands_[i].map_slots = count;
  }
  known_refs_ = std::max(known_refs_, refs);
  return {0, first_map_slot_, count};
}

template <class Masm>
void Generator<Masm>::RecordStackMap(codegen::StackMap map) {
  map.return_offset = masm_.buffer().offset();
  stack_maps_.push_back(map);
}

// --- Calls of functions -----------------------------------------------------------------

// The topmost `count` operands, which stay on the stack.
template <class Masm>
void Generator<Masm>::PlaceArguments(const Signature& signature, uint32_t count) {
  const size_t first = stack_.size() - count;
  for (uint32_t i = 0; i < count; ++i) {
    const ValuePlace& place = signature.params[i];
    const Operand& value = stack_[first + i];
    if (!place.reg.is_none()) {
      AddMove(place.reg, value);
      continue;
    }
    switch (value.where) {
      case Where::kConstant:
        masm_.StoreOutgoingConstant(value.kind, place.offset, value.bits);
        break;
      case Where::kReg:
        masm_.StoreOutgoing(value.kind, place.offset, Reg::FromCode(value.reg));
        break;
      case Where::kSlot:
        masm_.StoreOutgoingSlot(value.kind, place.offset, value.slot);
        break;
      case Where::kLocal: {
        const Local& local = locals_[value.local()];
        if (local.reg.is_none()) {
          masm_.StoreOutgoingSlot(value.kind, place.offset, local.slot);
        } else {
          masm_.StoreOutgoing(value.kind, place.offset, local.reg);
        }
        break;
      }
      case Where::kFlags:
        UNREACHABLE();
    }
  }
  moves_.Emit(masm_);
}

template <class Masm>
void Generator<Masm>::GoToCallee(const Callee& callee, bool tail) {
  using environ::VMFunctionImportOffsets;
  const codegen::ExternalName name = callee.kind == Callee::Kind::kFunction
                                         ? NameOfFunction(info_.Defined(callee.function))
                                         : codegen::ExternalName::None();
  if (tail) ForgetCall();
  switch (callee.kind) {
    case Callee::Kind::kFunction:
      EnsureVmctx();
      break;
    case Callee::Kind::kImport: {
      EnsureVmctx();
      const int32_t import = static_cast<int32_t>(offsets_.ImportedFunction(callee.function));
      masm_.LoadField(ValueKind::kI64, Masm::kScratch, Masm::kVmctx,
                      import + static_cast<int32_t>(VMFunctionImportOffsets::kWasmCall));
      masm_.Move(ValueKind::kI64, Masm::kCallerVmctx, Masm::kVmctx);
      masm_.LoadField(ValueKind::kI64, Masm::kVmctx, Masm::kVmctx,
                      import + static_cast<int32_t>(VMFunctionImportOffsets::kVmctx));
      break;
    }
    case Callee::Kind::kEntry:
      // A table's element or a function reference, which begin alike.
      static_assert(environ::VMFuncTableEntryOffsets::kWasmCall ==
                        environ::VMFuncRefOffsets::kWasmCall &&
                    environ::VMFuncTableEntryOffsets::kVmctx == environ::VMFuncRefOffsets::kVmctx);
      masm_.LoadField(ValueKind::kI64, Masm::kScratch, Masm::kCallerVmctx,
                      environ::VMFuncRefOffsets::kWasmCall);
      masm_.LoadField(ValueKind::kI64, Masm::kVmctx, Masm::kCallerVmctx,
                      environ::VMFuncRefOffsets::kVmctx);
      masm_.LoadSlot(ValueKind::kI64, Masm::kCallerVmctx, Masm::kVmctxSlot);
      break;
  }
  has_calls_ = true;
  if (tail) {
    masm_.TailCallEpilogue(saved_, signature_->argument_bytes, outgoing_bytes_of_tail_);
    if (name.is_none()) {
      masm_.TailCall(Masm::kScratch);
    } else {
      masm_.TailCall(name);
    }
  } else if (name.is_none()) {
    masm_.Call(Masm::kScratch);
  } else {
    masm_.Call(name);
  }
}

template <class Masm>
void Generator<Masm>::EmitCall(const Callee& callee, wasm::TypeIndex type,
                               const wasm::FuncType& func_type) {
  const Signature& signature = signatures_.Of(type);
  const uint32_t count = static_cast<uint32_t>(signature.params.size());
  const uint32_t height = static_cast<uint32_t>(stack_.size()) - count;
  SaveForCall(height);
  PlaceArguments(signature, count);
  outgoing_bytes_ = std::max(outgoing_bytes_, signature.argument_bytes + signature.result_bytes);
  if (signature.result_bytes != 0) {
    masm_.AddressOfOutgoing(Masm::kResultArea, signature.argument_bytes);
  }
  GoToCallee(callee, /*tail=*/false);
  RecordStackMap(FindStackMap(height, /*all_in_slots=*/false));
  masm_.GrowStack(signature.argument_bytes);
  Truncate(height);
  Release();
  AfterCall();
  PushResults(signature, func_type);
}

template <class Masm>
void Generator<Masm>::PushResults(const Signature& signature, const wasm::FuncType& type) {
  static_cast<void>(type);
  for (const ValuePlace& place : signature.results) {
    if (place.reg.is_none()) {
      const Operand& operand = Push(Where::kSlot, place.kind);
      UseSlot(operand.slot);
      masm_.CopyOutgoingToSlot(place.kind, operand.slot, signature.argument_bytes + place.offset);
    } else {
      // What a local had there has been lost by the call.
      PushReg(place.kind, place.reg);
    }
  }
}

// The callee's arguments take the place of ours; what frame there is has to hold both.
template <class Masm>
void Generator<Masm>::EmitTailCall(const Callee& callee, wasm::TypeIndex type) {
  const Signature& signature = signatures_.Of(type);
  const uint32_t count = static_cast<uint32_t>(signature.params.size());
  PlaceArguments(signature, count);
  // From here on every way out restores the same registers.
  saved_ |= callee_saved_;
  outgoing_bytes_of_tail_ = signature.argument_bytes;
  outgoing_bytes_ = std::max(outgoing_bytes_, 2 * signature.argument_bytes + 32);
  if (signature.result_bytes != 0) {
    masm_.LoadSlot(ValueKind::kI64, Masm::kResultArea, area_slot_);
  }
  GoToCallee(callee, /*tail=*/true);
}

template <class Masm>
void Generator<Masm>::OnCall(wasm::FuncIndex callee, const wasm::FuncType& type) {
  At(wasm::Opcode::kCall);
  FlushFlags();
  Locate();
  const auto kind = info_.IsImported(callee) ? Callee::Kind::kImport : Callee::Kind::kFunction;
  EmitCall({kind, callee}, module_.parsed.functions[callee], type);
}

template <class Masm>
void Generator<Masm>::OnReturnCall(wasm::FuncIndex callee, const wasm::FuncType&) {
  At(wasm::Opcode::kReturnCall);
  FlushFlags();
  Locate();
  const auto kind = info_.IsImported(callee) ? Callee::Kind::kImport : Callee::Kind::kFunction;
  EmitTailCall({kind, callee}, module_.parsed.functions[callee]);
}

// The address of what is called, checked, in kCallerVmctx: of the table's element if its type is
// the expected one. Else the runtime finds the function or traps; the arguments step aside
// meanwhile, in code that is written behind the function.
template <class Masm>
void Generator<Masm>::PrepareIndirect(wasm::TableIndex table, wasm::TypeIndex type) {
  using environ::VMFuncTableEntryOffsets;
  FlushFlags();
  Locate();
  const Operand index = Pop();
  const Reg entry = Masm::kCallerVmctx;
  const Reg index_reg = Use(index);
  TableElement(table, index_reg, environ::TrapCode::kUndefinedElement, entry);
  if (base_reg_ == entry) has_base_ = false;
  EnsureVmctx();
  const uint32_t count = static_cast<uint32_t>(signatures_.Of(type).params.size());
  SaveForCall(static_cast<uint32_t>(stack_.size()) - count);
  masm_.LoadField(ValueKind::kI64, Masm::kScratch, Masm::kVmctx,
                  environ::VMContextOffsets::kTypeIds);
  masm_.LoadField(ValueKind::kI32, Masm::kScratch, Masm::kScratch,
                  static_cast<int32_t>(4 * type.raw()));
  masm_.CompareField(ValueKind::kI32, Masm::kScratch, entry, VMFuncTableEntryOffsets::kTypeId);
  Deferred& resolve = deferred_.emplace_back();
  resolve.label = masm_.buffer().NewLabel();
  resolve.resume = masm_.buffer().NewLabel();
  resolve.loc = codegen::SourceLoc(static_cast<uint32_t>(state_->offset()));
  resolve.map = FindStackMap(static_cast<uint32_t>(stack_.size()), /*all_in_slots=*/true);
  resolve.table = table.raw();
  resolve.index = index_reg;
  resolve.first_arg = static_cast<uint32_t>(indirect_args_.size());
  for (size_t i = stack_.size() - count; i < stack_.size(); ++i) {
    const Operand& operand = stack_[i];
    if (operand.where == Where::kReg) {
      const Reg reg = Reg::FromCode(operand.reg);
      if (!IsLostByCall(reg, operand.kind)) continue;
      UseSlot(operand.slot);
      indirect_args_.push_back({operand.kind, reg, operand.slot, /*store=*/true});
    } else if (operand.where == Where::kLocal) {
      const Local& local = locals_[operand.local()];
      if (local.reg.is_none() || !IsLostByCall(local.reg, local.kind)) continue;
      indirect_args_.push_back({local.kind, local.reg, local.slot, /*store=*/false});
    }
  }
  resolve.arg_count = static_cast<uint32_t>(indirect_args_.size()) - resolve.first_arg;
  masm_.Branch(Masm::NotEqual(), resolve.label);
  if (tunables_.spectre_masking) {
    // Past a check that misspeculates there is no element.
    masm_.LoadConstant(ValueKind::kI64, Masm::kScratch, 0);
    masm_.SelectGuarded(Masm::NotEqual(), entry, Masm::kScratch, entry);
  }
  masm_.buffer().Bind(resolve.resume);
  Release();
}

template <class Masm>
void Generator<Masm>::OnCallIndirect(wasm::TableIndex table, wasm::TypeIndex index,
                                     const wasm::FuncType& type) {
  At(wasm::Opcode::kCallIndirect);
  PrepareIndirect(table, index);
  EmitCall({Callee::Kind::kEntry}, index, type);
}

template <class Masm>
void Generator<Masm>::OnReturnCallIndirect(wasm::TableIndex table, wasm::TypeIndex index,
                                           const wasm::FuncType&) {
  At(wasm::Opcode::kReturnCallIndirect);
  PrepareIndirect(table, index);
  EmitTailCall({Callee::Kind::kEntry}, index);
}

template <class Masm>
void Generator<Masm>::PrepareRef() {
  FlushFlags();
  Locate();
  const Operand callee = Pop();
  const Reg reg = Use(callee);
  masm_.TrapIf(masm_.CompareImmediate(IntCond::kEq, ValueKind::kFunc, reg, 0),
               TrapNumber(environ::TrapCode::kNullFunctionReference));
  masm_.Move(ValueKind::kFunc, Masm::kCallerVmctx, reg);
  if (base_reg_ == Masm::kCallerVmctx) has_base_ = false;
  Release();
}

template <class Masm>
void Generator<Masm>::OnCallRef(wasm::TypeIndex index, const wasm::FuncType& type) {
  At(wasm::Opcode::kCallRef);
  PrepareRef();
  EmitCall({Callee::Kind::kEntry}, index, type);
}

template <class Masm>
void Generator<Masm>::OnReturnCallRef(wasm::TypeIndex index, const wasm::FuncType&) {
  At(wasm::Opcode::kReturnCallRef);
  PrepareRef();
  EmitTailCall({Callee::Kind::kEntry}, index);
}

// --- Built-ins --------------------------------------------------------------------------

// The operands have been popped; the VMContext is put in front of them.
template <class Masm>
void Generator<Masm>::CallBuiltin(environ::Builtin builtin, std::initializer_list<Argument> args) {
  const uint32_t height = static_cast<uint32_t>(stack_.size());
  SaveForCall(height);
  size_t position = 1;
  for (const Argument& argument : args) {
    AddMove(Masm::kBuiltinArguments[position++], argument.operand);
  }
  moves_.Emit(masm_);
  EnsureVmctx();
  masm_.Call(NameOfBuiltin(builtin));
  RecordStackMap(FindStackMap(height, /*all_in_slots=*/false));
  Release();
  AfterCall();
}

template <class Masm>
Reg Generator<Masm>::BuiltinResult(ValueKind kind) {
  if constexpr (!Masm::kAllocatable.contains(Masm::kBuiltinResult)) {
    const Reg reg = Allocate(RegClass::kInt);
    // Of 32 bits a move clears the upper half.
    masm_.Move(kind, reg, Masm::kBuiltinResult);
    return reg;
  } else {
    const Reg reg = Take(Masm::kBuiltinResult);
    // C++ leaves the upper half of an integer open.
    if (Is32(kind)) masm_.ZeroExtend32(reg, reg);
    return reg;
  }
}

}  // namespace gantry::winch

#endif  // GANTRY_WINCH_GENERATOR_CALLS_H_
