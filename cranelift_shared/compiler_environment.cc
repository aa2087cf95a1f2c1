#include "cranelift_shared/compiler_environment.h"

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "cranelift_shared/wasm_values.h"
#include "environ/core/trap_code.h"
#include "environ/core/vm_offsets.h"
#include "environ/translation/compiled_function.h"

namespace gantry::cranelift {
namespace {

using codegen::AbiParam;
using codegen::ArgPurpose;
using codegen::Block;
using codegen::CallConv;
using codegen::Inst;
using codegen::InstBuilder;
using codegen::IntCC;
using codegen::MemFlags;
using codegen::Type;
using codegen::Value;
using environ::Builtin;
using environ::BuiltinType;
using environ::EpochInterruption;
using environ::MemoryPlan;
using environ::VMContextOffsets;
using environ::VMFuncRefOffsets;
using environ::VMFuncTableEntryOffsets;
using environ::VMFunctionImportOffsets;
using environ::VMMemoryDefinitionOffsets;
using environ::VMStoreContextOffsets;
using environ::VMTableDefinitionOffsets;
using wasm::ValType;

codegen::TrapCode Trap(environ::TrapCode code) {
  return static_cast<codegen::TrapCode>(static_cast<uint8_t>(code));
}

constexpr MemFlags Access(uint32_t region) { return MemFlags::Trusted().WithRegion(region); }
// What does not change while an instance lives.
constexpr MemFlags Constant(uint32_t region) { return Access(region).WithReadonly().WithMovable(); }

// Defined globals far beyond what is usual share the last region.
uint32_t GlobalRegion(wasm::DefinedGlobalIndex global) {
  return std::min<uint32_t>(kRegionGlobals + std::min<uint32_t>(global.raw(), MemFlags::kMaxRegion),
                            MemFlags::kMaxRegion);
}

// Elements up to this are reached by offsets from the first one.
constexpr uint64_t kMaxConstantElement = uint64_t{1} << 24;

Type TypeOfBuiltin(BuiltinType type) {
  return type == BuiltinType::kI32 || type == BuiltinType::kReference ? Type::kI32 : Type::kI64;
}

// Whoever made the tunables has checked them.
wasm::OperatorCosts CostsOf(const environ::Tunables& tunables) {
  const absl::StatusOr<wasm::OperatorCosts> costs =
      wasm::OperatorCosts::Parse(tunables.operator_costs);
  CHECK(costs.ok()) << costs.status();
  return *costs;
}

}  // namespace

codegen::UserExternalName NameOf(const environ::FuncKey& key) {
  const uint64_t packed = key.packed();
  codegen::UserExternalName name;
  name.space = static_cast<uint32_t>(packed >> 32);
  name.index = static_cast<uint32_t>(packed);
  return name;
}

environ::FuncKey KeyOf(const codegen::UserExternalName& name) {
  const auto key = environ::FuncKey::FromPacked(uint64_t{name.space} << 32 | name.index);
  CHECK(key.has_value()) << "name " << name.space << ":" << name.index;
  return *key;
}

CompilerEnvironment::CompilerEnvironment(const environ::ModuleTranslation& module,
                                         const codegen::RelaxedChoices& relaxed)
    : module_(module),
      info_(module.info),
      offsets_(module.offsets),
      tunables_(module.options.tunables),
      relaxed_(relaxed),
      signatures_(module.parsed.types.size()),
      signatures_with_caller_(module.parsed.types.size()),
      functions_(module.parsed.functions.size()),
      builtins_(environ::kBuiltinCount),
      memory_bases_(module.parsed.memories.size()),
      meter_(CostsOf(tunables_)) {}

const wasm::TranslationTraps& CompilerEnvironment::traps() const {
  static constexpr auto number = [](environ::TrapCode code) {
    return static_cast<codegen::TrapCode>(static_cast<uint8_t>(code));
  };
  static constexpr wasm::TranslationTraps kTraps = {
      .unreachable = number(environ::TrapCode::kUnreachable),
      .memory_out_of_bounds = number(environ::TrapCode::kMemoryOutOfBounds),
      .integer_overflow = number(environ::TrapCode::kIntegerOverflow),
      .integer_divide_by_zero = number(environ::TrapCode::kIntegerDivideByZero),
      .invalid_conversion_to_integer = number(environ::TrapCode::kInvalidConversionToInteger),
      .null_reference = number(environ::TrapCode::kNullReference),
      .null_i31_reference = number(environ::TrapCode::kNullI31Reference),
      .unaligned_atomic = number(environ::TrapCode::kUnalignedAtomic),
  };
  return kTraps;
}

wasm::TranslationChoices CompilerEnvironment::choices() const {
  wasm::TranslationChoices choices;
  choices.canonical_nans = tunables_.nan_canonicalization;
  if (!tunables_.relaxed_simd_deterministic) choices.relaxed = relaxed_;
  return choices;
}

std::optional<Type> CompilerEnvironment::TypeOf(ValType type) const {
  switch (type.kind()) {
    case ValType::Kind::kI32:
      return Type::kI32;
    case ValType::Kind::kI64:
      return Type::kI64;
    case ValType::Kind::kF32:
      return Type::kF32;
    case ValType::Kind::kF64:
      return Type::kF64;
    case ValType::Kind::kRef:
      return IsFunctionReference(module_, type) ? Type::kI64 : Type::kI32;
    case ValType::Kind::kV128:
      return Type::kV128;
    case ValType::Kind::kBottom:
      return std::nullopt;
  }
  return std::nullopt;
}

bool CompilerEnvironment::IsTraced(ValType type) const {
  return !IsFunctionReference(module_, type);
}

void CompilerEnvironment::MakeSignature(const wasm::FuncType& type, codegen::Signature& signature) {
  signature.Clear();
  signature.params.push_back({Type::kI64, ArgPurpose::kVmctx});
  // A type that cannot be compiled is refused by whoever looks at values of it.
  for (const ValType param : type.params()) {
    signature.params.push_back(TypeOf(param).value_or(Type::kI64));
  }
  for (const ValType result : type.results()) {
    signature.returns.push_back(TypeOf(result).value_or(Type::kI64));
  }
}

void CompilerEnvironment::Begin(InstBuilder& b) {
  ++stamp_;
  last_in_entry_ = Inst::None();
  store_ = Value::None();
  shadow_.clear();
  func_ = &b.func();
  entry_ = b.block();
  vmctx_ = func_->dfg.block_params(entry_)[0];
  const auto name_of = [this](Builtin builtin) {
    const codegen::UserExternalName name =
        NameOf(environ::FuncKey::BuiltinShim(static_cast<uint32_t>(builtin)));
    return func_->DeclareName(name.space, name.index);
  };
  func_->cold_calls.raise_trap = name_of(Builtin::kRaiseTrap);
  if (tunables_.consume_fuel) {
    func_->cold_calls.out_of_fuel = name_of(Builtin::kOutOfFuel);
    meter_.Start();
    charge_ = Inst::None();
    refunds_.clear();
  }
  if (tunables_.epoch_interruption != EpochInterruption::kNone) {
    func_->cold_calls.new_epoch = name_of(Builtin::kNewEpoch);
    func_->cold_calls.check_stack = name_of(Builtin::kCheckStack);
  }
  if (keeps_locals_) {
    local_slots_.clear();
    const codegen::StackSlot slot = func_->dfg.MakeStackSlot({.bytes = 8, .align_log2 = 3});
    b.StackStore(vmctx_, slot, 0);
  }
}

// The slots are the function's first ones, and follow each other in its frame.
void CompilerEnvironment::KeepLocal(InstBuilder& b, uint32_t local, Value value) {
  if (local >= environ::kMaxKeptLocals) return;
  if (local == local_slots_.size()) {
    local_slots_.push_back(func_->dfg.MakeStackSlot({.bytes = 8, .align_log2 = 3}));
  }
  if (func_->dfg.value_type(value) == Type::kV128) return;
  b.StackStore(value, local_slots_[local], 0);
}

template <typename Make>
Value CompilerEnvironment::InEntry(Make make) {
  InstBuilder b(func_);
  if (last_in_entry_.is_some()) {
    b.SetAfter(last_in_entry_);
  } else if (const Inst first = func_->layout.first_inst(entry_); first.is_some()) {
    b.SetBefore(first);
  } else {
    b.SetEnd(entry_);
  }
  const Value value = make(b);
  last_in_entry_ = func_->dfg.defining_inst(value);
  return value;
}

Value CompilerEnvironment::ContextField(InstBuilder& b, uint32_t offset) {
  return b.Load(Type::kI64, Constant(kRegionContext), vmctx_, static_cast<int32_t>(offset));
}

Value CompilerEnvironment::Extended(InstBuilder& b, Value index) {
  if (func_->dfg.value_type(index) == Type::kI64) return index;
  return b.Uextend(Type::kI64, index);
}

Value CompilerEnvironment::Narrowed(InstBuilder& b, Value value, wasm::IndexType type) {
  return type == wasm::IndexType::kI64 ? value : b.Ireduce(Type::kI32, value);
}

template <typename Body>
void CompilerEnvironment::Rarely(InstBuilder& b, Value condition, Body body) {
  const Block rare = b.MakeBlock();
  const Block next = b.MakeBlock();
  func_->dfg.mutable_block(rare).cold = true;
  b.Brif(condition, rare, {}, next, {});
  b.Begin(rare);
  if (body()) b.Jump(next);
  b.Begin(next);
}

// ---- Interrupts.

void CompilerEnvironment::OnOperator(InstBuilder& b, wasm::Opcode op, uint32_t offset) {
  if (meter_.is_open() && meter_.IsFull(op)) CloseLine();
  if (!meter_.is_open() && meter_.costs().of(op) != 0) {
    charge_ = b.FuelCharge(0);
    meter_.Open();
  }
  meter_.Add(op, offset);
  if (wasm::EndsLine(op)) CloseLine();
}

void CompilerEnvironment::OnJoin() { CloseLine(); }

void CompilerEnvironment::CloseLine() {
  if (!meter_.is_open()) return;
  func_->dfg.mutable_inst(charge_).set_amount(meter_.Close());
}

// A line begins, and with it what may not be done without fuel.
void CompilerEnvironment::CheckFuel(InstBuilder& b) {
  if (!tunables_.consume_fuel) return;
  CloseLine();
  charge_ = b.FuelCheck(0);
  meter_.Open();
}

Value CompilerEnvironment::StoreContext() {
  if (store_.is_none()) {
    store_ = InEntry([&](InstBuilder& e) { return ContextField(e, VMContextOffsets::kStore); });
  }
  return store_;
}

void CompilerEnvironment::Poll(InstBuilder& b) {
  if (tunables_.epoch_interruption == EpochInterruption::kNone) return;
  const Value store = StoreContext();
  if (tunables_.epoch_interruption == EpochInterruption::kPage) {
    b.PollPage(store, VMStoreContextOffsets::kPollPage);
  } else {
    b.PollWord(store, static_cast<int32_t>(VMStoreContextOffsets::kInterrupt));
  }
}

// Epochs are looked at where the stack is: see docs/abi.md.
void CompilerEnvironment::OnFunctionEntry(InstBuilder& b) { CheckFuel(b); }
void CompilerEnvironment::OnLoopHeader(InstBuilder& b) {
  CheckFuel(b);
  Poll(b);
}
void CompilerEnvironment::OnTailCall(InstBuilder& b) { Poll(b); }

// The shadow stack: see docs/abi.md.
void CompilerEnvironment::OnBodyBegin(InstBuilder& b, wasm::FuncIndex function) {
  if (!tunables_.shadow_stack) return;
  using environ::ShadowFrameOffsets;
  const Value store = StoreContext();
  const MemFlags flags = Access(kRegionStore);
  constexpr auto kTop = static_cast<int32_t>(VMStoreContextOffsets::kShadowTop);
  const Value top = b.Load(Type::kI64, flags, store, kTop);
  b.Store(flags, vmctx_, top, ShadowFrameOffsets::kVmctx);
  b.Store(flags, b.I64(function.raw()), top, ShadowFrameOffsets::kFunction);
  b.Store(flags, b.Iadd(top, b.I64(ShadowFrameOffsets::kSize)), store, kTop);
  shadow_.push_back(top);
}

void CompilerEnvironment::OnBodyReturn(InstBuilder& b) {
  if (!tunables_.shadow_stack) return;
  b.Store(Access(kRegionStore), shadow_.back(), StoreContext(),
          static_cast<int32_t>(VMStoreContextOffsets::kShadowTop));
}

void CompilerEnvironment::OnBodyDone() {
  if (tunables_.shadow_stack) shadow_.pop_back();
}

void CompilerEnvironment::Finish(InstBuilder&) {
  if (!tunables_.consume_fuel) return;
  CloseLine();
  refunds_ = meter_.TakeRefunds();
}

uint32_t CompilerEnvironment::RefundAt(uint32_t offset) const {
  const auto found = std::lower_bound(
      refunds_.begin(), refunds_.end(), offset,
      [](const wasm::FuelRefund& refund, uint32_t at) { return refund.offset < at; });
  return found != refunds_.end() && found->offset == offset ? found->units : 0;
}

// ---- Memories.

CompilerEnvironment::Place CompilerEnvironment::MemoryPlace(InstBuilder& b,
                                                            wasm::MemoryIndex memory) {
  if (info_.IsImported(memory)) return {ContextField(b, offsets_.ImportedMemory(memory)), 0};
  const uint32_t offset = offsets_.Memory(info_.Defined(memory));
  // All who see a shared memory see one definition, which lies elsewhere.
  if (info_.memories[memory].type.shared) return {ContextField(b, offset), 0};
  return {vmctx_, static_cast<int32_t>(offset)};
}

Value CompilerEnvironment::MemoryLength(InstBuilder& b, wasm::MemoryIndex memory) {
  const Place place = MemoryPlace(b, memory);
  return b.Load(Type::kI64, Access(kRegionMemory), place.base,
                place.offset + static_cast<int32_t>(VMMemoryDefinitionOffsets::kLength));
}

wasm::HeapAccess CompilerEnvironment::AccessHeap(InstBuilder& b, wasm::MemoryIndex memory,
                                                 uint64_t offset, uint32_t size) {
  const MemoryPlan& plan = info_.memories[memory].plan;
  const auto load_base = [&](InstBuilder& at, MemFlags flags) {
    const Place place = MemoryPlace(at, memory);
    return at.Load(Type::kI64, flags, place.base,
                   place.offset + static_cast<int32_t>(VMMemoryDefinitionOffsets::kBase));
  };
  wasm::HeapAccess access;
  if (plan.may_move) {
    access.base = load_base(b, Access(kRegionMemory));
  } else if (const Value* base = memory_bases_.Find(memory.index(), stamp_)) {
    access.base = *base;
  } else {
    access.base = memory_bases_.Insert(memory.index(), stamp_, InEntry([&](InstBuilder& e) {
                                         return load_base(e, Constant(kRegionMemory));
                                       }));
  }
  access.flags = MemFlags().WithRegion(kRegionHeap);
  access.check_bounds = !plan.NeedsNoCheck(offset, size);
  access.index_only = plan.NeedsOnlyIndex(offset, size);
  if (access.check_bounds) {
    access.length = MemoryLength(b, memory);
    access.mask = tunables_.spectre_masking;
    // Behind the base lies the reservation, and the guard behind that.
    access.offset_is_own = offset <= plan.guard && size <= plan.guard - offset;
  }
  if (!access.check_bounds || access.index_only) {
    access.flags = access.flags.WithTrap(Trap(environ::TrapCode::kMemoryOutOfBounds));
  }
  const wasm::MemoryType& type = info_.memories[memory].type;
  if (type.limits.min <= ~uint64_t{0} >> type.page_size_log2) {
    access.min_bytes = type.limits.min << type.page_size_log2;
  }
  return access;
}

Value CompilerEnvironment::MemorySize(InstBuilder& b, wasm::MemoryIndex memory) {
  const environ::MemoryInfo& m = info_.memories[memory];
  Value length;
  if (m.type.shared) {
    // In one order with all that threads do; growth by one is never unseen by another that knows.
    const Place place = MemoryPlace(b, memory);
    length = b.AtomicLoad(Type::kI64, Access(kRegionMemory), place.base,
                          place.offset + static_cast<int32_t>(VMMemoryDefinitionOffsets::kLength));
  } else {
    length = MemoryLength(b, memory);
  }
  const Value pages = b.Ushr(length, b.I64(m.type.page_size_log2));
  return Narrowed(b, pages, m.type.index_type);
}

Value CompilerEnvironment::MemoryGrow(InstBuilder& b, wasm::MemoryIndex memory, Value delta) {
  const Inst call = CallBuiltin(b, Builtin::kMemoryGrow, {b.I32(memory.raw()), Extended(b, delta)});
  return Narrowed(b, func_->dfg.result(call), info_.memories[memory].type.index_type);
}

void CompilerEnvironment::MemoryInit(InstBuilder& b, wasm::MemoryIndex memory, wasm::DataIndex data,
                                     Value destination, Value source, Value length) {
  CallBuiltin(b, Builtin::kMemoryInit,
              {b.I32(memory.raw()), b.I32(data.raw()), Extended(b, destination), source, length});
}

void CompilerEnvironment::MemoryCopy(InstBuilder& b, wasm::MemoryIndex destination_memory,
                                     wasm::MemoryIndex source_memory, Value destination,
                                     Value source, Value length) {
  CallBuiltin(b, Builtin::kMemoryCopy,
              {b.I32(destination_memory.raw()), Extended(b, destination),
               b.I32(source_memory.raw()), Extended(b, source), Extended(b, length)});
}

void CompilerEnvironment::MemoryFill(InstBuilder& b, wasm::MemoryIndex memory, Value destination,
                                     Value value, Value length) {
  CallBuiltin(b, Builtin::kMemoryFill,
              {b.I32(memory.raw()), Extended(b, destination), value, Extended(b, length)});
}

void CompilerEnvironment::DataDrop(InstBuilder& b, wasm::DataIndex data) {
  CallBuiltin(b, Builtin::kDataDrop, {b.I32(data.raw())});
}

Value CompilerEnvironment::AtomicWait(InstBuilder& b, wasm::MemoryIndex memory, Value address,
                                      Value expected, Value timeout) {
  const Builtin builtin = func_->dfg.value_type(expected) == Type::kI32
                              ? Builtin::kMemoryAtomicWait32
                              : Builtin::kMemoryAtomicWait64;
  return func_->dfg.result(
      CallBuiltin(b, builtin, {b.I32(memory.raw()), address, expected, timeout}));
}

Value CompilerEnvironment::AtomicNotify(InstBuilder& b, wasm::MemoryIndex memory, Value address,
                                        Value count) {
  return func_->dfg.result(
      CallBuiltin(b, Builtin::kMemoryAtomicNotify, {b.I32(memory.raw()), address, count}));
}

// ---- Globals.

CompilerEnvironment::Place CompilerEnvironment::GlobalPlace(InstBuilder& b,
                                                            wasm::GlobalIndex global,
                                                            MemFlags* flags) {
  if (info_.IsImported(global)) {
    *flags = Access(kRegionImported);
    return {ContextField(b, offsets_.ImportedGlobal(global)), 0};
  }
  const wasm::DefinedGlobalIndex defined = info_.Defined(global);
  *flags = Access(GlobalRegion(defined));
  return {vmctx_, static_cast<int32_t>(offsets_.Global(defined))};
}

Value CompilerEnvironment::GlobalGet(InstBuilder& b, wasm::GlobalIndex global) {
  const wasm::GlobalType& type = info_.globals[global];
  if (!type.is_mutable && !info_.IsImported(global)) {
    const environ::ConstExpr& init = info_.global_inits[info_.Defined(global)];
    if (init.ops().size() == 1) {
      const environ::ConstOp& op = init.ops()[0];
      switch (op.kind) {
        case environ::ConstOp::Kind::kI32Const:
          return b.I32(static_cast<int32_t>(op.value[0]));
        case environ::ConstOp::Kind::kI64Const:
          return b.I64(static_cast<int64_t>(op.value[0]));
        case environ::ConstOp::Kind::kF32Const:
          return b.F32const(static_cast<uint32_t>(op.value[0]));
        case environ::ConstOp::Kind::kF64Const:
          return b.F64const(op.value[0]);
        case environ::ConstOp::Kind::kV128Const:
          return b.V128const(op.value[0], op.value[1]);
        default:
          break;
      }
    }
  }
  MemFlags flags;
  const Place place = GlobalPlace(b, global, &flags);
  if (!type.is_mutable) flags = flags.WithReadonly().WithMovable();
  return b.Load(*TypeOf(type.content), flags, place.base, place.offset);
}

void CompilerEnvironment::GlobalSet(InstBuilder& b, wasm::GlobalIndex global, Value value) {
  MemFlags flags;
  const Place place = GlobalPlace(b, global, &flags);
  b.Store(flags, value, place.base, place.offset);
}

// ---- Tables.

bool CompilerEnvironment::IsFuncTable(wasm::TableIndex table) const {
  return IsFunctionReference(module_, info_.tables[table].element);
}

CompilerEnvironment::TableView CompilerEnvironment::ViewTable(InstBuilder& b,
                                                              wasm::TableIndex table) {
  const wasm::TableType& type = info_.tables[table];
  TableView view;
  if (type.limits.max == type.limits.min) view.fixed_length = type.limits.min;
  view.min_length = type.limits.min;
  view.element_size_log2 = IsFuncTable(table) ? VMFuncTableEntryOffsets::kSizeLog2 : 2;
  Place place;
  if (info_.IsImported(table)) {
    place = {ContextField(b, offsets_.ImportedTable(table)), 0};
  } else {
    place = {vmctx_, static_cast<int32_t>(offsets_.Table(info_.Defined(table)))};
  }
  const MemFlags flags = view.fixed_length ? Constant(kRegionTable) : Access(kRegionTable);
  view.base = b.Load(Type::kI64, flags, place.base,
                     place.offset + static_cast<int32_t>(VMTableDefinitionOffsets::kBase));
  if (view.fixed_length) {
    view.length = b.I64(static_cast<int64_t>(*view.fixed_length));
  } else {
    view.length = b.Load(Type::kI64, flags, place.base,
                         place.offset + static_cast<int32_t>(VMTableDefinitionOffsets::kLength));
  }
  return view;
}

CompilerEnvironment::Element CompilerEnvironment::BoundedElement(InstBuilder& b,
                                                                 const TableView& view, Value index,
                                                                 environ::TrapCode out_of_bounds) {
  const Inst inst = func_->dfg.defining_inst(index);
  if (inst.is_some() && func_->dfg.opcode(inst) == codegen::Opcode::kIconst) {
    // Tables do not shrink.
    const uint64_t constant = func_->dfg.inst(inst).const_bits();
    if (constant < view.min_length && constant < kMaxConstantElement) {
      return {view.base, static_cast<int32_t>(constant << view.element_size_log2)};
    }
  }
  Value wide = Extended(b, index);
  const Value outside = b.Icmp(IntCC::kUge, wide, view.length);
  b.Trapnz(outside, Trap(out_of_bounds));
  if (tunables_.spectre_masking) wide = b.SelectSpectreGuard(outside, b.I64(0), wide);
  return {b.Iadd(view.base, b.Ishl(wide, b.I64(view.element_size_log2))), 0};
}

Value CompilerEnvironment::TableGet(InstBuilder& b, wasm::TableIndex table, Value index) {
  const TableView view = ViewTable(b, table);
  const Element element = BoundedElement(b, view, index, environ::TrapCode::kTableOutOfBounds);
  if (!IsFuncTable(table)) {
    return b.Load(Type::kI32, Access(kRegionElements), element.base, element.offset);
  }
  const Value type_id = LoadElement(b, Type::kI32, element, VMFuncTableEntryOffsets::kTypeId);
  const Value func_ref = LoadElement(b, Type::kI64, element, VMFuncTableEntryOffsets::kFuncRef);
  const Block next = b.MakeBlock();
  const Value value = func_->dfg.AppendBlockParam(next, Type::kI64);
  const Block untouched = b.MakeBlock();
  func_->dfg.mutable_block(untouched).cold = true;
  b.Brif(b.Icmp(IntCC::kEq, type_id, b.I32(environ::kUntouchedTypeId)), untouched, {}, next,
         {func_ref});
  b.Begin(untouched);
  const Inst call =
      CallBuiltin(b, Builtin::kTableGetFunc, {b.I32(table.raw()), Extended(b, index)});
  b.Jump(next, {func_->dfg.result(call)});
  b.Begin(next);
  return value;
}

Value CompilerEnvironment::LoadElement(InstBuilder& b, Type type, const Element& element,
                                       uint32_t field) {
  return b.Load(type, Access(kRegionElements), element.base,
                element.offset + static_cast<int32_t>(field));
}

void CompilerEnvironment::TableSet(InstBuilder& b, wasm::TableIndex table, Value index,
                                   Value value) {
  const TableView view = ViewTable(b, table);
  const Element element = BoundedElement(b, view, index, environ::TrapCode::kTableOutOfBounds);
  const auto store = [&](uint32_t field, Value stored) {
    b.Store(Access(kRegionElements), stored, element.base,
            element.offset + static_cast<int32_t>(field));
  };
  if (!IsFuncTable(table)) {
    store(0, value);
    return;
  }
  // A function over what was touched is written here. Nulls are the runtime's, and so is the first
  // touch, of which it keeps account.
  const Block rare = b.MakeBlock();
  const Block touched = b.MakeBlock();
  const Block inline_block = b.MakeBlock();
  const Block next = b.MakeBlock();
  func_->dfg.mutable_block(rare).cold = true;
  const Value type_id = LoadElement(b, Type::kI32, element, VMFuncTableEntryOffsets::kTypeId);
  b.Brif(b.Icmp(IntCC::kEq, type_id, b.I32(environ::kUntouchedTypeId)), rare, {}, touched, {});
  b.Begin(touched);
  b.Brif(b.Icmp(IntCC::kEq, value, b.I64(0)), rare, {}, inline_block, {});
  b.Begin(rare);
  CallBuiltin(b, Builtin::kTableSetFunc, {b.I32(table.raw()), Extended(b, index), value});
  b.Jump(next);
  b.Begin(inline_block);
  const MemFlags flags = Access(kRegionContext).WithReadonly();
  store(VMFuncTableEntryOffsets::kWasmCall,
        b.Load(Type::kI64, flags, value, VMFuncRefOffsets::kWasmCall));
  store(VMFuncTableEntryOffsets::kVmctx,
        b.Load(Type::kI64, flags, value, VMFuncRefOffsets::kVmctx));
  store(VMFuncTableEntryOffsets::kTypeId,
        b.Load(Type::kI32, flags, value, VMFuncRefOffsets::kTypeId));
  store(VMFuncTableEntryOffsets::kFuncRef, value);
  b.Jump(next);
  b.Begin(next);
}

Value CompilerEnvironment::TableSize(InstBuilder& b, wasm::TableIndex table) {
  return Narrowed(b, ViewTable(b, table).length, info_.tables[table].index_type);
}

Value CompilerEnvironment::TableGrow(InstBuilder& b, wasm::TableIndex table, Value value,
                                     Value delta) {
  const Builtin builtin = IsFuncTable(table) ? Builtin::kTableGrowFunc : Builtin::kTableGrowRef;
  const Inst call = CallBuiltin(b, builtin, {b.I32(table.raw()), Extended(b, delta), value});
  return Narrowed(b, func_->dfg.result(call), info_.tables[table].index_type);
}

void CompilerEnvironment::TableFill(InstBuilder& b, wasm::TableIndex table, Value destination,
                                    Value value, Value length) {
  const Builtin builtin = IsFuncTable(table) ? Builtin::kTableFillFunc : Builtin::kTableFillRef;
  CallBuiltin(b, builtin,
              {b.I32(table.raw()), Extended(b, destination), value, Extended(b, length)});
}

void CompilerEnvironment::TableCopy(InstBuilder& b, wasm::TableIndex destination_table,
                                    wasm::TableIndex source_table, Value destination, Value source,
                                    Value length) {
  CallBuiltin(b, Builtin::kTableCopy,
              {b.I32(destination_table.raw()), b.I32(source_table.raw()), Extended(b, destination),
               Extended(b, source), Extended(b, length)});
}

void CompilerEnvironment::TableInit(InstBuilder& b, wasm::TableIndex table, wasm::ElemIndex elem,
                                    Value destination, Value source, Value length) {
  CallBuiltin(b, Builtin::kTableInit,
              {b.I32(table.raw()), b.I32(elem.raw()), Extended(b, destination), source, length});
}

void CompilerEnvironment::ElemDrop(InstBuilder& b, wasm::ElemIndex elem) {
  CallBuiltin(b, Builtin::kElemDrop, {b.I32(elem.raw())});
}

// ---- References.

Value CompilerEnvironment::RefNull(InstBuilder& b, ValType type) {
  return b.Iconst(*TypeOf(type), 0);
}

Value CompilerEnvironment::RefIsNull(InstBuilder& b, ValType, Value reference) {
  return b.Icmp(IntCC::kEq, reference, b.Iconst(func_->dfg.value_type(reference), 0));
}

Value CompilerEnvironment::RefFunc(InstBuilder& b, wasm::FuncIndex function) {
  if (info_.IsImported(function)) {
    return ContextField(b, offsets_.ImportedFunction(function) + VMFunctionImportOffsets::kFuncRef);
  }
  return func_->dfg.result(CallBuiltin(b, Builtin::kRefFunc, {b.I32(function.raw())}));
}

// ---- Calls.

codegen::SigRef CompilerEnvironment::SignatureOf(codegen::Function& func, wasm::TypeIndex type,
                                                 bool with_caller) {
  Cache<codegen::SigRef>& cache = with_caller ? signatures_with_caller_ : signatures_;
  if (const codegen::SigRef* known = cache.Find(type.index(), stamp_)) return *known;
  codegen::Signature signature;
  MakeSignature(module_.parsed.func_type(type), signature);
  if (with_caller) {
    signature.params.insert(signature.params.begin() + 1,
                            AbiParam(Type::kI64, ArgPurpose::kCallerVmctx));
  }
  return cache.Insert(type.index(), stamp_, func.dfg.ImportSignature(std::move(signature)));
}

codegen::FuncRef CompilerEnvironment::FunctionOf(codegen::Function& func,
                                                 wasm::FuncIndex function) {
  if (const codegen::FuncRef* known = functions_.Find(function.index(), stamp_)) return *known;
  const codegen::UserExternalName name = NameOf(module_.KeyOf(info_.Defined(function)));
  codegen::ExtFunc callee;
  callee.name = func.DeclareName(name.space, name.index);
  callee.signature = SignatureOf(func, module_.parsed.functions[function], false);
  return functions_.Insert(function.index(), stamp_, func.dfg.ImportFunction(callee));
}

Inst CompilerEnvironment::CallBuiltin(InstBuilder& b, Builtin builtin,
                                      std::initializer_list<Value> args) {
  codegen::FuncRef callee;
  const size_t number = static_cast<size_t>(builtin);
  if (const codegen::FuncRef* known = builtins_.Find(number, stamp_)) {
    callee = *known;
  } else {
    const environ::BuiltinInfo& info = environ::GetBuiltinInfo(builtin);
    codegen::Signature signature(CallConv::kSystemV);
    for (const BuiltinType type : info.params) signature.params.push_back(TypeOfBuiltin(type));
    if (info.result != BuiltinType::kNone) signature.returns.push_back(TypeOfBuiltin(info.result));
    const codegen::UserExternalName name =
        NameOf(environ::FuncKey::BuiltinShim(static_cast<uint32_t>(builtin)));
    codegen::ExtFunc function;
    function.name = func_->DeclareName(name.space, name.index);
    function.signature = func_->dfg.ImportSignature(std::move(signature));
    callee = builtins_.Insert(number, stamp_, func_->dfg.ImportFunction(function));
  }
  args_.assign(1, vmctx_);
  args_.insert(args_.end(), args.begin(), args.end());
  return b.Call(callee, args_);
}

Inst CompilerEnvironment::CallCode(InstBuilder& b, wasm::CallKind kind, wasm::TypeIndex type,
                                   Value code, Value callee_vmctx, absl::Span<const Value> args) {
  args_.assign({callee_vmctx, vmctx_});
  args_.insert(args_.end(), args.begin(), args.end());
  const codegen::SigRef signature = SignatureOf(*func_, type, true);
  if (kind != wasm::CallKind::kNormal) OnBodyReturn(b);
  return kind == wasm::CallKind::kTail ? b.ReturnCallIndirect(signature, code, args_)
                                       : b.CallIndirect(signature, code, args_);
}

Inst CompilerEnvironment::Call(InstBuilder& b, wasm::CallKind kind, wasm::FuncIndex callee,
                               absl::Span<const Value> args) {
  if (!info_.IsImported(callee)) {
    args_.assign(1, vmctx_);
    args_.insert(args_.end(), args.begin(), args.end());
    if (tunables_.tier_up && callee != root_) {
      // By whatever code the callee has when it is called, all of which is seen (docs/abi.md,
      // "Tier-up").
      const Value table = ContextField(b, VMContextOffsets::kTierTable);
      const Value code = b.AtomicLoad(Type::kI64, Access(kRegionContext), table,
                                      environ::VMTierTableOffsets::Code(info_.Defined(callee)));
      const codegen::SigRef signature =
          SignatureOf(*func_, module_.parsed.functions[callee], /*with_caller=*/false);
      if (kind != wasm::CallKind::kNormal) OnBodyReturn(b);
      return kind == wasm::CallKind::kTail ? b.ReturnCallIndirect(signature, code, args_)
                                           : b.CallIndirect(signature, code, args_);
    }
    const codegen::FuncRef function = FunctionOf(*func_, callee);
    if (kind != wasm::CallKind::kNormal) OnBodyReturn(b);
    return kind == wasm::CallKind::kTail ? b.ReturnCall(function, args_) : b.Call(function, args_);
  }
  const uint32_t import = offsets_.ImportedFunction(callee);
  const Value code = ContextField(b, import + VMFunctionImportOffsets::kWasmCall);
  const Value vmctx = ContextField(b, import + VMFunctionImportOffsets::kVmctx);
  return CallCode(b, kind, module_.parsed.functions[callee], code, vmctx, args);
}

// Everything a call needs lies in the table's element, if that has been touched and its type is the
// expected one: the id alone decides. Else the runtime finds the function or traps, and what the
// call needs is read from its reference. (WebAssembly 3.0, "call_indirect".)
Inst CompilerEnvironment::CallIndirect(InstBuilder& b, wasm::CallKind kind, wasm::TableIndex table,
                                       wasm::TypeIndex type, Value index,
                                       absl::Span<const Value> args) {
  const TableView view = ViewTable(b, table);
  const Element element = BoundedElement(b, view, index, environ::TrapCode::kUndefinedElement);
  const Value type_ids = ContextField(b, VMContextOffsets::kTypeIds);
  const Value expected =
      b.Load(Type::kI32, Constant(kRegionContext), type_ids, static_cast<int32_t>(4 * type.raw()));
  const Value found = LoadElement(b, Type::kI32, element, VMFuncTableEntryOffsets::kTypeId);
  const Value mismatch = b.Icmp(IntCC::kNe, found, expected);
  const Block rare = b.MakeBlock();
  const Block exact = b.MakeBlock();
  const Block join = b.MakeBlock();
  const Value code = func_->dfg.AppendBlockParam(join, Type::kI64);
  const Value vmctx = func_->dfg.AppendBlockParam(join, Type::kI64);
  func_->dfg.mutable_block(rare).cold = true;
  b.Brif(mismatch, rare, {}, exact, {});
  b.Begin(rare);
  const Value callee = func_->dfg.result(CallBuiltin(
      b, Builtin::kResolveIndirect, {b.I32(table.raw()), Extended(b, index), expected}));
  const MemFlags flags = Access(kRegionContext).WithReadonly();
  b.Jump(join, {b.Load(Type::kI64, flags, callee, VMFuncRefOffsets::kWasmCall),
                b.Load(Type::kI64, flags, callee, VMFuncRefOffsets::kVmctx)});
  b.Begin(exact);
  // Guarded code: null where a check that was speculated past has failed.
  Value exact_code = LoadElement(b, Type::kI64, element, VMFuncTableEntryOffsets::kWasmCall);
  if (tunables_.spectre_masking) exact_code = b.SelectSpectreGuard(mismatch, b.I64(0), exact_code);
  b.Jump(join, {exact_code, LoadElement(b, Type::kI64, element, VMFuncTableEntryOffsets::kVmctx)});
  b.Begin(join);
  return CallCode(b, kind, type, code, vmctx, args);
}

Inst CompilerEnvironment::CallRef(InstBuilder& b, wasm::CallKind kind, wasm::TypeIndex type,
                                  Value callee, absl::Span<const Value> args) {
  b.Trapz(callee, Trap(environ::TrapCode::kNullFunctionReference));
  const MemFlags flags = Access(kRegionContext).WithReadonly();
  const Value code = b.Load(Type::kI64, flags, callee, VMFuncRefOffsets::kWasmCall);
  const Value vmctx = b.Load(Type::kI64, flags, callee, VMFuncRefOffsets::kVmctx);
  return CallCode(b, kind, type, code, vmctx, args);
}

}  // namespace gantry::cranelift
