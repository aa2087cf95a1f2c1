#include "runtime/store.h"

#include <algorithm>
#include <limits>
#include <new>
#include <utility>

#include "absl/base/attributes.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "runtime/builtins.h"
#include "runtime/code_object.h"
#include "runtime/instance.h"
#include "runtime/sanitizers.h"
#include "runtime/stack_oracle.h"
#include "runtime/thread_stack.h"
#include "runtime/trap.h"

namespace gantry::runtime {
namespace {

// Ids are dealt out to threads by the block, so that those who make stores do not wait for one
// another.
constexpr uint64_t kStoreIdBlock = uint64_t{1} << 16;
std::atomic<uint64_t> next_store_ids{kStoreIdBlock};

// Not inlined, so that no thread-local address is kept across a switch of stacks.
ABSL_ATTRIBUTE_NOINLINE uint64_t NewStoreId() {
  thread_local uint64_t next = 0;
  if (next % kStoreIdBlock == 0) {
    next = next_store_ids.fetch_add(kStoreIdBlock, std::memory_order_relaxed);
  }
  return next++;
}

// Traps of functions that are in their prologue, or have nothing else.
bool IsUnnoted(environ::TrapCode code) {
  return code == environ::TrapCode::kCallStackExhausted ||
         code == environ::TrapCode::kCannotCompile;
}

}  // namespace

std::unique_ptr<Store> Store::Create(std::shared_ptr<Engine> engine, const Options& options) {
  return std::unique_ptr<Store>(new Store(std::move(engine), options));
}

Store::Store(std::shared_ptr<Engine> engine, const Options& options)
    : engine_(std::move(engine)),
      limiter_(options.limiter),
      id_(NewStoreId()),
      context_(*engine_->contexts().Acquire()) {
  context_.store = this;
  context_.builtins = BuiltinAddresses();
  if (engine_->tunables().shadow_stack) {
    shadow_ = std::make_unique<ShadowStack>();
    context_.shadow_top = shadow_->bottom();
  }
  references_.SetTracer([this](ReferenceHeap::Marker& marker) { Trace(marker); });
}

Store::~Store() {
  EndSuspended();
  CHECK(innermost_ == nullptr) << "a store was destroyed while its code ran";
  engine_->contexts().Release(&context_);
}

absl::Status Store::Call(const VMFuncRef* func_ref, ValRaw* values) {
  if (!Owns(*func_ref)) {
    return absl::InvalidArgumentError("the function belongs to another store");
  }
  if (func_ref->entry == nullptr) {
    return absl::FailedPreconditionError("the function was compiled without an entry from C++");
  }
  return EnterWith([&] {
    return func_ref->entry(&context_, func_ref->vmctx, nullptr, func_ref->wasm_call, values) != 0;
  });
}

absl::Status Store::PrepareNested(Activation& activation, OuterStack& outer) {
  if (suspended_) {
    return absl::FailedPreconditionError(
        "a call of this store is suspended; a store is used by one fiber at a time");
  }
  // The caller may be on another stack than the guest below: a fiber of another store that one of
  // its host functions runs.
  outer = {0, 0};
  if (stack_low_ != CurrentStackLow()) {
    outer = {stack_limit_, stack_low_};
    SetStackLimit(CurrentStackLow());
  }
  activation = {&context_, this, CurrentActivation(), innermost_, context_.last};
  context_.last.exit_pc = context_.last.exit_fp = 0;
  innermost_ = &activation;
  SetCurrentActivation(&activation);
  return absl::OkStatus();
}

void Store::LeaveNested(const Activation& activation, const OuterStack& outer) {
  context_.last = activation.outer;
  if (outer.low == 0) return;
  UseStackLimit(outer.limit);
  stack_low_ = outer.low;
}

absl::Status Store::PrepareThread() {
  if (engine_->handles_signals()) RETURN_IF_ERROR(PrepareThreadStack());
  SetStackLimit(CurrentStackLow());
  return absl::OkStatus();
}

absl::Status Store::AttachFiber(StoreFiber& fiber) {
  if (fiber_ != nullptr || innermost_ != nullptr) {
    return absl::FailedPreconditionError(
        "code of this store is running or suspended; a store is used by one fiber at a time");
  }
  fiber_ = &fiber;
  return absl::OkStatus();
}

void Store::DetachFiber() {
  CHECK(fiber_ != nullptr && innermost_ == nullptr) << "a run ended inside of its store's code";
  fiber_ = nullptr;
}

absl::Status Store::Suspend(Suspension why) {
  if (fiber_ != nullptr) return fiber_->Suspend(why);
  return absl::FailedPreconditionError(
      "what would have to wait was called on a thread's own stack, which cannot be left: it is to "
      "be called asynchronously");
}

namespace {

struct CallbackData {
  CallbackData(const HostCallback& of, void*) : callback(of) {}
  const HostCallback callback;
};

}  // namespace

void Store::AddHostFunctions(std::shared_ptr<const HostFunctionSet> set, void* owner,
                             absl::Span<VMFuncRef*> functions) {
  // Without a shadow stack calls pay nothing for it.
  const HostCall checked_call = shadow_ == nullptr ? nullptr : &Store::CheckAndCallHost;
  host_functions_.emplace_back(*this, &context_, std::move(set), owner, checked_call, functions);
}

absl::StatusOr<VMFuncRef*> Store::AddHostFunction(const wasm::FuncType& type,
                                                  HostCallback callback) {
  ASSIGN_OR_RETURN(auto found, engine_->HostFunctionTypeOf(type));
  std::vector<HostFunctionSet::Function> functions(1);
  functions[0] = {std::move(found),
                  HostCode::For<CallbackData>(&Store::CallHost, std::move(callback))};
  VMFuncRef* made = nullptr;
  AddHostFunctions(std::make_shared<const HostFunctionSet>(std::move(functions)), nullptr,
                   absl::MakeSpan(&made, 1));
  return made;
}

size_t Store::num_host_functions() const {
  size_t sum = 0;
  for (const HostFunctionBlock& block : host_functions_) sum += block.num_made();
  return sum;
}

void Store::RootParameters(VMHostFuncContext* context, const ValRaw* values) {
  const HostFunction& function = *reinterpret_cast<const HostFunction*>(context);
  for (const uint32_t param : function.type->reference_params) {
    function.store->references_.Root(values[param].reference);
  }
}

HostOutcome Store::CallHost(VMHostFuncContext* context, VMContext* caller, ValRaw* values) {
  return RunHostCall(context, values, [&] {
    RootParameters(context, values);
    return static_cast<const CallbackData*>(context->data)->callback(caller, values);
  });
}

HostOutcome Store::CheckAndCallHost(VMHostFuncContext* context, VMContext* caller, ValRaw* values) {
  const HostFunction& function = *reinterpret_cast<const HostFunction*>(context);
  function.store->CompareExitWithShadow(false);
  return function.call(context, caller, values);
}

absl::Status Store::CurrentExceptionStatus() {
  try {
    throw;
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("a host function ran out of memory");
  } catch (...) {
    return absl::InternalError("a host function threw an exception");
  }
}

absl::Status Store::CheckLimits(const environ::ModuleInfo& module) const {
  if (limiter_ == nullptr) return absl::OkStatus();
  const uint64_t memories = module.memories.size() - module.num_imported_memories;
  const uint64_t tables = module.tables.size() - module.num_imported_tables;
  const char* refused = nullptr;
  if (!limiter_->AllowInstances(instances_.size() + 1)) {
    refused = "instance";
  } else if (memories != 0 && !limiter_->AllowMemories(num_memories_ + memories)) {
    refused = "memory";
  } else if (tables != 0 && !limiter_->AllowTables(num_tables_ + tables)) {
    refused = "table";
  }
  if (refused == nullptr) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("the store's limiter refused another ", refused));
}

void Store::CountDefined(const environ::ModuleInfo& module) {
  num_memories_ += module.memories.size() - module.num_imported_memories;
  num_tables_ += module.tables.size() - module.num_imported_tables;
}

absl::StatusOr<MemorySpace> Store::NewMemory(const wasm::MemoryType& type,
                                             const environ::MemoryPlan& plan,
                                             const std::shared_ptr<const MemoryImage>& image) {
  const environ::Tunables& tunables = engine_->tunables();
  if (plan.bounds != environ::MemoryPlan::Bounds::kExplicit && !tunables.signals_based_traps) {
    return absl::InvalidArgumentError(
        "the module relies on faults for bounds of a memory, which the engine has turned off");
  }
  if (limiter_ != nullptr) {
    const unsigned shift = type.page_size_log2;
    const bool fits = shift == 0 || type.limits.min >> (64 - shift) == 0;
    if (fits && !limiter_->AllowMemory(0, type.limits.min << shift)) {
      return absl::ResourceExhaustedError(
          absl::StrCat("the store's limiter refused a memory of ", type.limits.min, " pages"));
    }
  }
  MemoryOptions options;
  options.reservation_for_growth = tunables.memory_reservation_for_growth;
  return engine_->allocator().AllocateMemory(type, plan, options, image);
}

absl::StatusOr<TableElements> Store::NewElements(const wasm::TableType& type) {
  if (limiter_ != nullptr && !limiter_->AllowTable(0, type.limits.min)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the store's limiter refused a table of ", type.limits.min, " elements"));
  }
  if (type.limits.min > Table::kDefaultMaxElements) {
    return absl::ResourceExhaustedError(absl::StrCat("a table of ", type.limits.min,
                                                     " elements is over the limit of ",
                                                     Table::kDefaultMaxElements, " elements"));
  }
  return engine_->allocator().AllocateTable(type.limits.min, Table::ElementSize(type));
}

void Store::Adopt(Memory& memory) {
  if (memory.plan().bounds != environ::MemoryPlan::Bounds::kExplicit) memories_.push_back(&memory);
  if (memory.shared()) shared_views_.emplace(memory.shared().get(), &memory);
}

absl::StatusOr<Memory*> Store::AddMemory(const wasm::MemoryType& type) {
  if (limiter_ != nullptr && !limiter_->AllowMemories(num_memories_ + 1)) {
    return absl::ResourceExhaustedError("the store's limiter refused another memory");
  }
  ASSIGN_OR_RETURN(MemorySpace space,
                   NewMemory(type, environ::MemoryPlan::For(type, engine_->tunables()), nullptr));
  std::unique_ptr<Memory> memory;
  if (type.shared) {
    ASSIGN_OR_RETURN(std::shared_ptr<SharedMemory> shared, engine_->Share(std::move(space)));
    memory = std::make_unique<Memory>(std::move(shared));
  } else {
    memory = std::make_unique<Memory>(std::move(space));
  }
  memory->set_store(this);
  host_memories_.push_back(std::move(memory));
  Adopt(*host_memories_.back());
  ++num_memories_;
  return host_memories_.back().get();
}

absl::StatusOr<Memory*> Store::ViewOf(const std::shared_ptr<SharedMemory>& shared) {
  const auto known = shared_views_.find(shared.get());
  if (known != shared_views_.end()) return known->second;
  if (limiter_ != nullptr &&
      (!limiter_->AllowMemories(num_memories_ + 1) || !limiter_->AllowMemory(0, shared->bytes()))) {
    return absl::ResourceExhaustedError("the store's limiter refused a shared memory");
  }
  host_memories_.push_back(Memory::ViewOf(shared));
  host_memories_.back()->set_store(this);
  Adopt(*host_memories_.back());
  ++num_memories_;
  return host_memories_.back().get();
}

absl::StatusOr<Table*> Store::AddTable(const wasm::TableType& type, ValRaw initial) {
  if (limiter_ != nullptr && !limiter_->AllowTables(num_tables_ + 1)) {
    return absl::ResourceExhaustedError("the store's limiter refused another table");
  }
  ASSIGN_OR_RETURN(TableElements elements, NewElements(type));
  auto table = std::make_unique<Table>(type, Table::kDefaultMaxElements, std::move(elements));
  RETURN_IF_ERROR(table->Grow(type.limits.min, initial).status());
  table->set_store(this);
  host_tables_.push_back(std::move(table));
  ++num_tables_;
  return host_tables_.back().get();
}

Global* Store::AddGlobal(const wasm::GlobalType& type, ValRaw initial) {
  host_globals_.push_back(std::make_unique<Global>(type, initial));
  host_globals_.back()->set_store(this);
  return host_globals_.back().get();
}

absl::Status Store::HoldType(wasm::ValType type) {
  if (!type.is_ref() || !type.heap_type().is_concrete()) return absl::OkStatus();
  // A type that refers to it holds it.
  ASSIGN_OR_RETURN(RegisteredTypes registered,
                   engine_->types().RegisterFunc(wasm::FuncType({type}, {})));
  for (const RegisteredTypes& held : held_types_) {
    if (held.ids().front() == registered.ids().front()) return absl::OkStatus();
  }
  held_types_.push_back(std::move(registered));
  return absl::OkStatus();
}

absl::StatusOr<Tag*> Store::AddTag(const wasm::FuncType& type) {
  if (!type.results().empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("a tag's type has no results; given: ", type.ToString()));
  }
  ASSIGN_OR_RETURN(RegisteredTypes registered, engine_->types().RegisterFunc(type));
  host_tags_.push_back(std::make_unique<Tag>(std::move(registered)));
  host_tags_.back()->set_store(this);
  return host_tags_.back().get();
}

absl::StatusOr<uint64_t> Store::GrowMemory(Memory& memory, uint64_t delta_pages) {
  const unsigned shift = memory.type().page_size_log2;
  const uint64_t limit = std::numeric_limits<uint64_t>::max() >> shift;
  if (limiter_ != nullptr && delta_pages != 0 && delta_pages <= limit - memory.pages() &&
      !limiter_->AllowMemory(memory.bytes(), (memory.pages() + delta_pages) << shift)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the store's limiter refused growth by ", delta_pages, " pages"));
  }
  return memory.Grow(delta_pages);
}

absl::StatusOr<uint64_t> Store::GrowTable(Table& table, uint64_t delta, ValRaw value) {
  if (limiter_ != nullptr && delta != 0 &&
      delta <= std::numeric_limits<uint64_t>::max() - table.size() &&
      !limiter_->AllowTable(table.size(), table.size() + delta)) {
    return absl::ResourceExhaustedError(
        absl::StrCat("the store's limiter refused growth by ", delta, " elements"));
  }
  return table.Grow(delta, value);
}

// ---- Fuel. The context has at most the interval in hand; what does not fit waits in the reserve.

void Store::TakeInHand(uint64_t units) {
  constexpr uint64_t kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  const uint64_t in_hand = std::min(units, fuel_interval_ == 0 ? kMost : fuel_interval_);
  context_.fuel = static_cast<int64_t>(in_hand);
  fuel_reserve_ = units - in_hand;
}

void Store::SetFuel(uint64_t units) { TakeInHand(units); }

void Store::SetFuelInterval(uint64_t units) {
  constexpr uint64_t kMost = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  fuel_interval_ = std::min(units, kMost);
  TakeInHand(fuel());
}

uint64_t Store::fuel() const {
  if (context_.fuel >= 0) return static_cast<uint64_t>(context_.fuel) + fuel_reserve_;
  // What was used beyond the units in hand comes out of the reserve.
  const uint64_t owed = uint64_t{0} - static_cast<uint64_t>(context_.fuel);
  return fuel_reserve_ > owed ? fuel_reserve_ - owed : 0;
}

uint32_t Store::OnOutOfFuel() {
  const uint64_t owed = uint64_t{0} - static_cast<uint64_t>(context_.fuel);
  if (context_.fuel < 0 && fuel_reserve_ >= owed) {
    TakeInHand(fuel_reserve_ - owed);
    // Without an interval there was more fuel than the counter holds.
    if (fuel_interval_ == 0) return 0;
    return Interrupt(InterruptHandler::Reason::kFuelInterval, environ::TrapCode::kOutOfFuel);
  }
  context_.fuel = 0;
  fuel_reserve_ = 0;
  return Interrupt(InterruptHandler::Reason::kOutOfFuel, environ::TrapCode::kOutOfFuel);
}

std::optional<uint32_t> Store::ChargeFuel(uint64_t units) {
  if (!engine_->tunables().consume_fuel) return std::nullopt;
  const uint64_t left = fuel();
  if (units <= left) {
    // As if it had been used step by step, whole intervals included.
    const bool in_hand = context_.fuel >= 0 && units <= static_cast<uint64_t>(context_.fuel);
    if (in_hand) {
      context_.fuel -= static_cast<int64_t>(units);
      return std::nullopt;
    }
    TakeInHand(left - units);
    if (fuel_interval_ == 0) return std::nullopt;
    const uint32_t status =
        Interrupt(InterruptHandler::Reason::kFuelInterval, environ::TrapCode::kOutOfFuel);
    return status == 0 ? std::nullopt : std::optional<uint32_t>(status);
  }
  context_.fuel = 0;
  fuel_reserve_ = 0;
  const uint32_t status =
      Interrupt(InterruptHandler::Reason::kOutOfFuel, environ::TrapCode::kOutOfFuel);
  return status == 0 ? std::nullopt : std::optional<uint32_t>(status);
}

// ---- Interrupts.

void Store::SetEpochDeadline(uint64_t delta) {
  const uint64_t now = engine_->epoch().load(std::memory_order_relaxed);
  const uint64_t deadline =
      delta > std::numeric_limits<uint64_t>::max() - now ? ~uint64_t{0} : now + delta;
  given_time_ = delta > 0;
  engine_->contexts().SetDeadline(context_, deadline, stack_limit_);
}

// 0 where the guest goes on.
uint32_t Store::Interrupt(InterruptHandler::Reason reason, environ::TrapCode trap) {
  using Reason = InterruptHandler::Reason;
  given_time_ = false;
  if (interrupt_handler_ != nullptr) {
    absl::Status status;
    // Arguments in registers are in no stack map.
    ReferenceHeap::Pause pause(references_);
    // Calls of the handler leave the guest by boundaries of their own.
    const BoundaryRegisters last = context_.last;
    try {
      status = interrupt_handler_->OnInterrupt(*this, reason);
    } catch (const std::bad_alloc&) {
      status = absl::ResourceExhaustedError("an interrupt's handler ran out of memory");
    } catch (...) {
      status = absl::InternalError("an interrupt's handler threw an exception");
    }
    context_.last = last;
    if (!status.ok()) return RaiseError(std::move(status));
  }
  bool goes_on = true;
  if (reason == Reason::kOutOfFuel) goes_on = fuel() > 0;
  if (reason == Reason::kEpochDeadline) goes_on = given_time_;
  return goes_on ? 0 : RaiseTrap(trap);
}

uint32_t Store::OnNewEpoch() {
  StoreContexts& contexts = engine_->contexts();
  if (contexts.IsDue(context_)) {
    const uint32_t status =
        Interrupt(InterruptHandler::Reason::kEpochDeadline, environ::TrapCode::kInterrupt);
    if (status != 0) {
      // The page is open again for the next call.
      contexts.Settle(context_, stack_limit_, true);
      return status;
    }
  }
  contexts.Settle(context_, stack_limit_, true);
  return 0;
}

uint32_t Store::OnStackLimit() {
  // The function's frame would begin where that of the shim ends, and has so many bytes.
  const uintptr_t sp = host_arch::CallerStackPointer(context_.last.exit_fp);
  const uintptr_t pc = context_.last.exit_pc - 1;
  const CodeObject* code = CodeObject::Find(pc);
  const environ::FunctionRecord* function = code == nullptr ? nullptr : code->FindFunction(pc);
  const uint64_t frame = function == nullptr ? 0 : function->frame_size;
  if (sp < stack_limit_ || sp - stack_limit_ < frame) {
    return RaiseTrap(environ::TrapCode::kCallStackExhausted);
  }
  if (shadow_ == nullptr) return OnNewEpoch();
  const ShadowStack::Unnoted unnoted(*shadow_, context_.last.exit_fp);
  return OnNewEpoch();
}

uint32_t Store::OnTrap() {
  const uintptr_t pc = context_.last.exit_pc - host_arch::kColdCallBytes;
  const CodeObject* code = CodeObject::Find(pc);
  CHECK(code != nullptr) << "a trap of unknown code";
  const std::optional<uint8_t> number = code->FindTrap(pc);
  const std::optional<environ::TrapCode> trap =
      number ? environ::TrapCodeFromNumber(*number) : std::nullopt;
  CHECK(trap.has_value()) << "a trap without a record";
  context_.fuel += code->FindRefund(pc);
  return RaiseTrap(*trap);
}

ParkingLot::Interrupt Store::EpochInterrupt() const {
  if (engine_->tunables().epoch_interruption == environ::EpochInterruption::kNone) {
    return ParkingLot::kNever;
  }
  return {&engine_->epoch(), context_.epoch_deadline.load(std::memory_order_relaxed)};
}

uint32_t Store::RaiseTrap(environ::TrapCode code) {
  pending_ = Pending::kTrap;
  pending_code_ = code;
  if (code == environ::TrapCode::kCannotCompile) {
    // The call of the built-in lies in front of its return address.
    const uintptr_t pc = context_.last.exit_pc - 1;
    RememberFunction(pc, CodeObject::Find(pc));
  }
  CaptureFromExit();
  if (shadow_ != nullptr) context_.shadow_top -= CompareExitWithShadow(IsUnnoted(code));
  return 1;
}

// Async-signal-safe.
void Store::RememberFunction(uintptr_t pc, const CodeObject* code) {
  const environ::FunctionRecord* function = code == nullptr ? nullptr : code->FindFunction(pc);
  pending_code_object_ = function == nullptr ? nullptr : code;
  if (function != nullptr) pending_function_ = function->func_key();
}

uint32_t Store::RaiseError(absl::Status status) {
  DCHECK(!status.ok());
  pending_ = Pending::kError;
  pending_error_ = std::move(status);
  CaptureFromExit();
  if (shadow_ != nullptr) context_.shadow_top -= CompareExitWithShadow(false);
  return 1;
}

bool Store::OwnsAddress(uintptr_t address) const {
  for (const Memory* memory : memories_) {
    if (memory->OwnsAddress(address)) return true;
  }
  return false;
}

// Runs in a signal handler.
void Store::RecordTrap(environ::TrapCode code, const host_arch::Registers& registers,
                       const CodeObject& object) {
  pending_ = Pending::kTrap;
  pending_code_ = code;
  if (engine_->tunables().consume_fuel) {
    context_.fuel = static_cast<int64_t>(registers.fuel + object.FindRefund(registers.pc));
  }
  if (code == environ::TrapCode::kCannotCompile) RememberFunction(registers.pc, &object);
  backtrace_.Clear();
  if (!WantsWalk() && shadow_ == nullptr) return;
  const environ::FunctionRecord* function = object.FindFunction(registers.pc);
  int64_t frameless_size = -1;
  if (function != nullptr) {
    frameless_size =
        function->frame().FramelessSize(object.TextOffset(registers.pc) - function->offset);
  }
  WalkFromTrap(registers, frameless_size, context_.last.entry_fp,
               [this](const StackFrame& frame) { backtrace_.Add(frame); });
  if (shadow_ != nullptr) {
    context_.shadow_top -= CompareWithShadow(IsUnnoted(code), [&](auto&& visit) {
      WalkFromTrap(registers, frameless_size, context_.last.entry_fp, visit);
    });
  }
  // The unwinder takes locks and memory, which ThreadSanitizer does not want to see in a
  // signal handler, although the signal came from code that holds neither.
  if (!kThreadSanitizer) AskOracle();
}

void Store::CaptureFromExit() {
  backtrace_.Clear();
  if (!WantsWalk()) return;
  WalkFromExit(context_.last, [this](const StackFrame& frame) { backtrace_.Add(frame); });
  AskOracle();
}

bool Store::WantsWalk() const {
  return engine_->options().backtrace || engine_->options().coredump || GANTRY_DCHECK_IS_ON();
}

void Store::AskOracle() {
  if (GANTRY_DCHECK_IS_ON() && CompareWithUnwinder(backtrace_)) ++oracle_comparisons_;
}

template <typename Walk>
uint64_t Store::CompareWithShadow(bool unnoted, Walk&& walk_innermost) {
  ShadowStack::Comparison comparison(*shadow_, context_.shadow_top);
  const auto visit = [&](const StackFrame& frame) {
    VisitWasmFrames(frame.InstructionAddress(), [&](const WasmFrame& wasm) {
      if (std::exchange(unnoted, false)) return;
      comparison.Visit(wasm.function, [&](const VMContext* vmctx) {
        return &vmctx->instance->module().info() == wasm.module;
      });
    });
  };
  walk_innermost(visit);
  const uint64_t innermost = comparison.visited();
  const BoundaryRegisters* registers = nullptr;
  for (const Activation* activation = innermost_; activation != nullptr;
       activation = activation->outer_in_store) {
    if (registers != nullptr) {
      unnoted = shadow_->IsUnnoted(registers->exit_fp);
      WalkFromExit(*registers, visit);
    }
    registers = &activation->outer;
  }
  comparison.Finish();
  return innermost;
}

uint64_t Store::CompareExitWithShadow(bool unnoted) {
  return CompareWithShadow(unnoted || shadow_->IsUnnoted(context_.last.exit_fp),
                           [&](auto&& visit) { WalkFromExit(context_.last, visit); });
}

absl::Status Store::PendingTrap() const {
  if (pending_code_ == environ::TrapCode::kCannotCompile && pending_code_object_ != nullptr &&
      pending_function_.kind() == environ::FuncKeyKind::kWasmFunction &&
      pending_function_.module().index() < pending_code_object_->num_modules()) {
    const environ::ModuleInfo& info = pending_code_object_->module(pending_function_.module());
    const wasm::Unimplemented* missing = info.WhyUncompiled(pending_function_.defined_function());
    if (missing != nullptr) return CannotCompileStatus(*missing);
  }
  return TrapStatus(pending_code_);
}

absl::Status Store::TakePending() {
  const Pending pending = std::exchange(pending_, Pending::kNothing);
  CHECK(pending != Pending::kNothing) << "compiled code stopped without a reason";
  try {
    absl::Status status =
        pending == Pending::kTrap ? PendingTrap() : std::exchange(pending_error_, absl::Status());
    if (engine_->options().backtrace && !backtrace_.addresses().empty()) {
      TrapFrames frames;
      backtrace_.AppendTo(frames);
      frames.AppendTo(status);
    }
    if (pending == Pending::kTrap && engine_->options().coredump) {
      AttachCoredump(status, MakeCoredump());
    }
    return status;
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("no memory to report a trap");
  }
}

void Store::Trace(ReferenceHeap::Marker& marker) {
  for (const auto& table : host_tables_) {
    if (table->holds_functions()) continue;
    for (uint32_t handle : table->references()) marker.Visit(handle);
  }
  for (const auto& global : host_globals_) {
    const wasm::ValType type = global->type().content;
    if (type.is_ref() && !IsFuncReference(type)) marker.Visit(global->Get().reference);
  }
  for (const auto& instance : instances_) instance->Trace(marker);
  const auto visit_frame = [&](const StackFrame& frame) {
    const CodeObject* code = CodeObject::Find(frame.InstructionAddress());
    CHECK(code != nullptr) << "a frame of unknown code during a collection";
    const auto slots = code->FindStackMap(frame.pc);
    // A call without a map is no safepoint, and then nothing may be collected at it
    // (lessons.md row 3).
    CHECK(slots.has_value()) << "a call without a stack map";
    for (uint32_t slot : *slots) {
      marker.Visit(static_cast<uint32_t>(host_arch::ReadStackWord(frame.sp + slot)));
    }
  };
  const BoundaryRegisters* registers = &context_.last;
  for (const Activation* activation = innermost_; activation != nullptr;
       activation = activation->outer_in_store) {
    WalkFromExit(*registers, visit_frame);
    registers = &activation->outer;
  }
}

}  // namespace gantry::runtime
