// Store: where instances live, together with everything that their code shares: stack limit,
// fuel, the reference heap, pending traps. The owner of all run-time objects; nothing in it
// is freed before the store is.
//
//   std::unique_ptr<Store> store = Store::Create(engine, {});
//   ASSIGN_OR_RETURN(Instance* instance, Instance::Create(*store, module, imports));
//   ValRaw values[2] = {ValRaw::I32(1), ValRaw::I32(2)};
//   RETURN_IF_ERROR(store->Call(func_ref, values));        // results in values
//
// A store is used by one thread at a time.
#ifndef GANTRY_RUNTIME_STORE_H_
#define GANTRY_RUNTIME_STORE_H_

#include <algorithm>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/check.h"
#include "environ/core/func_key.h"
#include "environ/core/module_info.h"
#include "environ/core/trap_code.h"
#include "runtime/activation.h"
#include "runtime/engine.h"
#include "runtime/global.h"
#include "runtime/host_arch.h"
#include "runtime/host_functions.h"
#include "runtime/memory.h"
#include "runtime/memory_image.h"
#include "runtime/memory_space.h"
#include "runtime/parking_lot.h"
#include "runtime/reference_heap.h"
#include "runtime/resource_limiter.h"
#include "runtime/shadow_stack.h"
#include "runtime/stack_walk.h"
#include "runtime/table.h"
#include "runtime/table_elements.h"
#include "runtime/tag.h"
#include "runtime/thread_stack.h"
#include "runtime/thread_state.h"
#include "runtime/vm_structs.h"

namespace gantry::runtime {

class Instance;

class Store;

// What a store does when its guest is interrupted. Called on the guest's stack and the thread that
// runs it; may suspend both. It may call into the store; memories and tables may grow, but the
// guest's references are not collected meanwhile.
class InterruptHandler {
 public:
  enum class Reason : uint8_t {
    // So many units of fuel were used as Store::SetFuelInterval says, and there are more.
    kFuelInterval,
    // All were. The guest goes on if there are some afterwards, and traps otherwise.
    kOutOfFuel,
    // The epoch has reached the store's deadline. The guest goes on if it is before the deadline
    // afterwards, and traps otherwise.
    kEpochDeadline,
  };

  virtual ~InterruptHandler() = default;
  // An error stops the guest, as that of a host function does.
  virtual absl::Status OnInterrupt(Store& store, Reason reason) = 0;
};

// What a host function does: arguments in `values` on entry, results on return. `caller` is
// the calling instance's context, null where the host called. An error becomes a trap in the
// guest that called, and comes out of the host's call unchanged but for the backtrace.
using HostCallback = std::function<absl::Status(VMContext* caller, ValRaw* values)>;

// Why a store's code leaves its stack in the middle.
enum class Suspension : uint8_t {
  kWaiting,  // for something that will tell when it has come
  kYielded,  // for the sake of others; it can go on at any time
};

// A stack of its own that a store's code runs on, to be left in the middle: async_run.h.
class StoreFiber {
 public:
  // On that stack: leaves it until it is resumed. Errors: kCancelled where it was resumed to end;
  // kFailedPrecondition where it cannot be left here.
  virtual absl::Status Suspend(Suspension why) = 0;
  // Ends what is suspended; its store is about to go.
  virtual void Cancel() = 0;

 protected:
  ~StoreFiber() = default;
};

class Store final : private FaultHandler {
 public:
  struct Options {
    // Must outlive the store; null allows everything.
    ResourceLimiter* limiter = nullptr;
  };

  static std::unique_ptr<Store> Create(std::shared_ptr<Engine> engine, const Options& options);
  ~Store();
  Store(const Store&) = delete;
  Store& operator=(const Store&) = delete;

  // Differs from every other store's of the process, dead ones included.
  uint64_t id() const { return id_; }
  Engine& engine() const { return *engine_; }
  VMStoreContext* context() { return &context_; }
  // Code takes the stack limit from the context; only this may set it, since interrupts do so, too.
  void UseStackLimit(uint64_t limit) {
    stack_limit_ = limit;
    engine_->contexts().Settle(context_, limit, false);
  }
  uint64_t stack_limit() const { return stack_limit_; }
  // The store that a context of compiled code belongs to.
  static Store& Of(const VMContext* vmctx) { return *vmctx->store->store; }
  // Whether the function lives in this store.
  bool Owns(const VMFuncRef& func_ref) const { return StoreContextOf(func_ref) == &context_; }

  // Calls a function. `values` holds the arguments and receives the results: as many slots as
  // the larger number of the two. They must be of the function's types and of this store.
  // References among the results are to be rooted (references().Root) before anything else is
  // done with the store.
  // Errors: a trap (trap.h); the error of a host function; kInvalidArgument where the function
  // belongs to another store; kFailedPrecondition where no entry trampoline was compiled, or
  // where a suspended call of the store has to end first.
  absl::Status Call(const VMFuncRef* func_ref, ValRaw* values);

  // One entry into compiled code: what Call is made of. `enter` goes through an entry trampoline or
  // a direct entry (direct_entry.h) of a function of this store and returns whether it trapped.
  // Errors as Call's.
  template <typename Enter>
  ABSL_ATTRIBUTE_ALWAYS_INLINE absl::Status EnterWith(Enter&& enter) {
    // `enter` is inlined once, so that what it captures stays in registers.
    const bool nested = innermost_ != nullptr || suspended_;
    Activation activation;
    OuterStack outer_stack;
    if (ABSL_PREDICT_FALSE(nested)) {
      absl::Status prepared = PrepareNested(activation, outer_stack);
      if (!prepared.ok()) return prepared;
    } else {
      ThreadState& thread = CurrentThreadState();
      if (ABSL_PREDICT_FALSE(thread.prepared_stack_low == 0)) {
        absl::Status prepared = PrepareThread();
        if (!prepared.ok()) return prepared;
      } else {
        SetStackLimit(thread.prepared_stack_low);
      }
      activation.store = &context_;
      activation.fault_handler = this;
      activation.outer_on_thread = thread.activation;
      activation.outer_in_store = nullptr;
      // Before a signal handler can find the activation.
      context_.last.exit_pc = context_.last.exit_fp = 0;
      thread.activation = innermost_ = &activation;
    }
    const bool trapped = enter();
    CurrentThreadState().activation = activation.outer_on_thread;
    innermost_ = activation.outer_in_store;
    if (ABSL_PREDICT_FALSE(nested)) LeaveNested(activation, outer_stack);
    if (ABSL_PREDICT_TRUE(!trapped)) return absl::OkStatus();
    return TakePending();
  }

  // From here to DetachFiber, calls of this store may suspend on that stack. Error:
  // kFailedPrecondition where the store has one already, or its code is running.
  absl::Status AttachFiber(StoreFiber& fiber);
  void DetachFiber();
  // Whether its code is somewhere on that stack and nothing else may enter it.
  void SetSuspended(bool suspended) { suspended_ = suspended; }
  // Ends what is suspended on that stack, if anything is.
  void EndSuspended() {
    if (suspended_) fiber_->Cancel();
  }
  // Null where calls cannot suspend.
  StoreFiber* fiber() const { return fiber_; }

  // Called by host functions and built-ins: suspends the code that called them. Errors:
  // StoreFiber's, and kFailedPrecondition where the store's code runs on no fiber. An error is to
  // be passed on, so that the guest ends.
  absl::Status Suspend(Suspension why);

  // A host function. The references of `type`, if concrete, are canonical. Error: kNotFound
  // where no module of the engine has trampolines for the type; such a module is to be
  // compiled then. kResourceExhausted.
  absl::StatusOr<VMFuncRef*> AddHostFunction(const wasm::FuncType& type, HostCallback callback);
  // Host functions whose types were looked up before: makes those that are null in `functions`, one
  // for each of the set, and puts them there. `owner` is passed on to where their data is made. May
  // throw what that throws, or std::bad_alloc: no function was made then, and what is in
  // `functions` is not to be used.
  void AddHostFunctions(std::shared_ptr<const HostFunctionSet> set, void* owner,
                        absl::Span<VMFuncRef*> functions);
  // For HostCode::call: `body` puts the results in `values` and returns a Status, an error of
  // which, or an exception, stops the guest. References that it roots live until it returns.
  template <typename Body>
  static HostOutcome RunHostCall(VMHostFuncContext* context, const ValRaw* values, Body&& body) {
    Store& store = *context->store->store;
    if (GANTRY_DCHECK_IS_ON()) store.CaptureFromExit();
    absl::Status status;
    try {
      ReferenceHeap::Scope scope(store.references_);
      status = body();
    } catch (...) {
      status = CurrentExceptionStatus();
    }
    if (ABSL_PREDICT_TRUE(status.ok())) return {0, values->words[0]};
    return {store.RaiseError(std::move(status)), 0};
  }
  // Within that: roots the references among a host function's parameters.
  static void RootParameters(VMHostFuncContext* context, const ValRaw* values);
  // Objects made by the host. Types are canonical and held (HoldType); memories follow the
  // engine's tunables.
  absl::StatusOr<Memory*> AddMemory(const wasm::MemoryType& type);
  // This store's view of a shared memory; made when it is first asked for. Error:
  // kResourceExhausted where the limiter refuses.
  absl::StatusOr<Memory*> ViewOf(const std::shared_ptr<SharedMemory>& shared);
  absl::StatusOr<Table*> AddTable(const wasm::TableType& type, ValRaw initial);
  Global* AddGlobal(const wasm::GlobalType& type, ValRaw initial);
  // A tag of a function type without results. Error: kInvalidArgument where it has results.
  absl::StatusOr<Tag*> AddTag(const wasm::FuncType& type);

  // Keeps a type of an object made by the host alive as long as the store; only concrete ones
  // need it. Error: kInvalidArgument where nobody holds it any more.
  absl::Status HoldType(wasm::ValType type);

  // Must outlive the store or be replaced; null allows everything. Holds for what is made and for
  // calls that are entered afterwards.
  void SetLimiter(ResourceLimiter* limiter) { limiter_ = limiter; }

  // Growth with the limiter asked. Errors: kResourceExhausted.
  absl::StatusOr<uint64_t> GrowMemory(Memory& memory, uint64_t delta_pages);
  absl::StatusOr<uint64_t> GrowTable(Table& table, uint64_t delta, ValRaw value);

  // Whether an object was made by this store or one of its instances.
  bool Owns(const Memory& memory) const { return memory.store() == this; }
  bool Owns(const Table& table) const { return table.store() == this; }
  bool Owns(const Global& global) const { return global.store() == this; }
  bool Owns(const Tag& tag) const { return tag.store() == this; }

  ReferenceHeap& references() { return references_; }

  // Units left. Only meaningful where the engine's tunables count fuel, and while the store's code
  // does not run or has called C++.
  uint64_t fuel() const;
  void SetFuel(uint64_t units);
  // The handler is called each time that so many units were used; 0: only when all were.
  void SetFuelInterval(uint64_t units);
  // Takes units that an operator of the runtime costs. Nothing where the guest may go on; else it
  // is stopped, and this is what the built-in returns.
  std::optional<uint32_t> ChargeFuel(uint64_t units);

  // The deadline is so many epochs from now; a store starts without one.
  void SetEpochDeadline(uint64_t delta);

  // Null: out of fuel and at a deadline the guest traps. Must outlive the store's calls.
  void SetInterruptHandler(InterruptHandler* handler) { interrupt_handler_ = handler; }
  // What the cold shims of code call: 0, or the status of a stopped guest.
  uint32_t OnOutOfFuel();
  uint32_t OnNewEpoch();
  uint32_t OnStackLimit();
  uint32_t OnTrap();

  // What ends a wait of this store's code: the epoch, where code compares it at all.
  ParkingLot::Interrupt EpochInterrupt() const;

  // For built-ins and host functions: records why the guest stops, with its stack, and
  // returns the status that the trampoline raises on.
  uint32_t RaiseTrap(environ::TrapCode code);
  uint32_t RaiseError(absl::Status status);

  // How many stack walks were compared with the C++ runtime's unwinder (stack_oracle.h): at
  // every host call, failed built-in and trap, in builds where DCHECK is on.
  uint64_t oracle_comparisons() const { return oracle_comparisons_; }

  // How many stack walks were compared with the shadow stack (shadow_stack.h), where code keeps
  // one.
  uint64_t shadow_comparisons() const { return shadow_ == nullptr ? 0 : shadow_->comparisons(); }

  size_t num_host_functions() const;
  size_t num_instances() const { return instances_.size(); }

 private:
  friend class Instance;
  struct InstanceDeleter {
    void operator()(Instance* instance) const;
  };
  using OwnedInstance = std::unique_ptr<Instance, InstanceDeleter>;
  enum class Pending : uint8_t { kNothing, kTrap, kError };

  Store(std::shared_ptr<Engine> engine, const Options& options);

  static HostOutcome CallHost(VMHostFuncContext* context, VMContext* caller, ValRaw* values);
  // In place of a host function's own code where there is a shadow stack.
  static HostOutcome CheckAndCallHost(VMHostFuncContext* context, VMContext* caller,
                                      ValRaw* values);
  // FaultHandler:
  bool OwnsAddress(uintptr_t address) const override;
  bool IsPollPage(uintptr_t address) const override {
    return engine_->contexts().IsPollPage(context_, address);
  }
  void RecordTrap(environ::TrapCode code, const host_arch::Registers& registers,
                  const CodeObject& object) override;

  // The status of the exception being handled.
  static absl::Status CurrentExceptionStatus();
  // Asks whether a module can be instantiated, before anything is made for it; and counts what it
  // has brought.
  absl::Status CheckLimits(const environ::ModuleInfo& module) const;
  void CountDefined(const environ::ModuleInfo& module);

  absl::Status PrepareThread();
  bool WantsWalk() const;
  void RememberFunction(uintptr_t pc, const CodeObject* code);
  void CaptureFromExit();
  void AskOracle();
  // Compares the store's whole stack, the innermost activation of which was left where
  // `walk_innermost(visit)` begins, with the shadow stack. Returns how many calls of that there
  // are. `unnoted`: the innermost frame has not noted itself yet.
  template <typename Walk>
  uint64_t CompareWithShadow(bool unnoted, Walk&& walk_innermost);
  uint64_t CompareExitWithShadow(bool unnoted);
  // For an entry while a guest of the store has been entered already, maybe on another stack, whose
  // limit is kept then.
  struct OuterStack {
    uint64_t limit;
    uintptr_t low;  // 0: the same stack
  };
  absl::Status PrepareNested(Activation& activation, OuterStack& outer);
  void LeaveNested(const Activation& activation, const OuterStack& outer);
  // For a guest that has just stopped: the store's instances, their memories and globals, and the
  // stack, in the core dump format (coredump.h). A frame of a module of which the store has several
  // instances is said to be the first one's.
  std::string MakeCoredump() const;
  absl::Status PendingTrap() const;
  absl::Status TakePending();
  // Wasm may use the bytes allowed from here, but never the end of the stack, which host functions
  // need.
  void SetStackLimit(uintptr_t stack_low) {
    stack_low_ = stack_low;
    const uintptr_t sp = host_arch::CurrentStackPointer();
    const uintptr_t end = stack_low + HostStackReserve();
    uint64_t wanted = engine_->options().max_wasm_stack;
    if (limiter_ != nullptr) wanted = std::min(wanted, limiter_->MaxStack());
    UseStackLimit(wanted < sp ? std::max<uint64_t>(end, sp - wanted) : end);
  }
  uint32_t Interrupt(InterruptHandler::Reason reason, environ::TrapCode trap);
  void TakeInHand(uint64_t units);
  void Trace(ReferenceHeap::Marker& marker);
  // Space for a memory, and for the elements of a table, with the limiter asked.
  absl::StatusOr<MemorySpace> NewMemory(const wasm::MemoryType& type,
                                        const environ::MemoryPlan& plan,
                                        const std::shared_ptr<const MemoryImage>& image);
  absl::StatusOr<TableElements> NewElements(const wasm::TableType& type);
  // Makes faults in the memory this store's, and a view of a shared one known. It must live as
  // long as the store.
  void Adopt(Memory& memory);

  const std::shared_ptr<Engine> engine_;
  ResourceLimiter* limiter_;
  const uint64_t id_;
  // The engine's, so that whoever counts its epoch finds it until the engine is gone.
  VMStoreContext& context_;
  Activation* innermost_ = nullptr;
  // Of the stack that the limit in context_ is for: CurrentStackLow().
  uintptr_t stack_low_ = 0;
  StoreFiber* fiber_ = nullptr;
  bool suspended_ = false;

  Pending pending_ = Pending::kNothing;
  environ::TrapCode pending_code_ = environ::TrapCode::kUnreachable;
  absl::Status pending_error_;
  // Of a kCannotCompile: the function that trapped, in code that an instance of this store
  // holds.
  const CodeObject* pending_code_object_ = nullptr;
  environ::FuncKey pending_function_ = environ::FuncKey::BuiltinShim(0);
  RawBacktrace backtrace_;

  ReferenceHeap references_;
  // Beyond what the context has in hand, which is at most the interval.
  uint64_t fuel_reserve_ = 0;
  // Whether the deadline was moved since code was interrupted last.
  bool given_time_ = false;
  uint64_t fuel_interval_ = 0;
  uint64_t stack_limit_ = ~uint64_t{0};
  InterruptHandler* interrupt_handler_ = nullptr;
  uint64_t oracle_comparisons_ = 0;
  std::unique_ptr<ShadowStack> shadow_;

  // Empty vectors, unlike deques, allocate nothing.
  std::vector<HostFunctionBlock> host_functions_;
  std::vector<std::unique_ptr<Memory>> host_memories_;
  std::vector<std::unique_ptr<Table>> host_tables_;
  std::vector<std::unique_ptr<Global>> host_globals_;
  std::vector<std::unique_ptr<Tag>> host_tags_;
  std::vector<RegisteredTypes> held_types_;
  std::vector<Memory*> memories_;
  std::unordered_map<const SharedMemory*, Memory*> shared_views_;
  std::vector<OwnedInstance> instances_;
  // Of the host and of instances.
  uint64_t num_memories_ = 0;
  uint64_t num_tables_ = 0;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_STORE_H_
