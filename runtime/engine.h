// Engine: what the stores and modules of one configuration share at run time: canonical
// types, trampolines by type, the epoch, signal handlers.
//
//   ASSIGN_OR_RETURN(std::shared_ptr<Engine> engine, Engine::Create(options));
//
// Safe to use from any number of threads.
#ifndef GANTRY_RUNTIME_ENGINE_H_
#define GANTRY_RUNTIME_ENGINE_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "environ/core/memory_plan.h"
#include "environ/core/tunables.h"
#include "runtime/instance_allocator.h"
#include "runtime/memory_image.h"
#include "runtime/shared_memory.h"
#include "runtime/stack_pool.h"
#include "runtime/store_contexts.h"
#include "runtime/type_registry.h"
#include "runtime/vm_structs.h"
#include "wasm_translate/types.h"

namespace gantry::runtime {

class Module;

// The code that leads from C++ to a function of some type and from compiled code to a host
// function of that type.
struct Trampolines {
  EntryTrampoline entry = nullptr;
  const void* exit = nullptr;
  // Keeps the code loaded.
  std::shared_ptr<const Module> owner;
};

// A type of host functions with what makes them callable, found once for any number of them.
struct HostFunctionType {
  wasm::FuncType type;
  // Holds the id.
  RegisteredTypes registered;
  Trampolines trampolines;
  // Positions of the parameters that are handles of the reference heap.
  std::vector<uint32_t> reference_params;

  uint32_t id() const { return registered.ids().front(); }
};

// The tunables for this process: the defaults, or small reservations (environ::Tunables) where
// the environment variable GANTRY_SMALL_RESERVATIONS is set to anything but 0, and in builds
// with AddressSanitizer or ThreadSanitizer, which pay for address space.
environ::Tunables HostTunables();

// The type with every concrete reference, which must be canonical, replaced by one to the top
// of its hierarchy: values of both pass the same way.
wasm::FuncType WithoutConcreteTypes(const wasm::FuncType& type);

class Engine : public std::enable_shared_from_this<Engine> {
 public:
  struct Options {
    environ::Tunables tunables;
    // Bytes of stack that compiled code may use in one call from the host.
    uint64_t max_wasm_stack = uint64_t{512} << 10;
    // Whether traps carry the WebAssembly call stack.
    bool backtrace = true;
    // Whether traps carry a core dump (coredump.h) of their store.
    bool coredump = false;
    // How often a function is entered, or a loop of it goes round, until there is to be better code
    // for it (the tunable tier_up); 1 to TierTable::kMaxThreshold.
    uint32_t tier_up_threshold = 1;
    // Stacks of fibers. They must be possible (StackPool::CheckOptions).
    StackPool::Options stacks;
    // Null: everything on demand.
    std::shared_ptr<InstanceAllocator> allocator;
  };

  // Installs the signal handlers where the tunables ask for them.
  static std::shared_ptr<Engine> Create(const Options& options);
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  const Options& options() const { return options_; }
  const environ::Tunables& tunables() const { return options_.tunables; }
  TypeRegistry& types() const { return *types_; }
  StackPool& stacks() const { return *stacks_; }
  InstanceAllocator& allocator() const { return *allocator_; }
  ImageFile& images() const { return *images_; }
  // A memory of no store. Errors as InstanceAllocator::AllocateMemory.
  absl::StatusOr<std::shared_ptr<SharedMemory>> NewSharedMemory(const wasm::MemoryType& type,
                                                                const environ::MemoryPlan& plan);
  // The same in space from the allocator.
  absl::StatusOr<std::shared_ptr<SharedMemory>> Share(MemorySpace space) {
    return SharedMemory::Of(std::move(space), allocator_);
  }

  // Whether a value of one type may stand where the other is asked for. References, if
  // concrete, are canonical and held. (WebAssembly 3.0, "Matching", value types.)
  bool Matches(wasm::ValType sub, wasm::ValType super) const;

  // Counts the epoch and interrupts stores whose deadline it is. Async-signal-safe.
  void IncrementEpoch() { contexts_.IncrementEpoch(); }
  const std::atomic<uint64_t>& epoch() const { return contexts_.epoch(); }
  StoreContexts& contexts() { return contexts_; }
  // Whether its code may fault for the sake of a guest.
  bool handles_signals() const {
    return tunables().signals_based_traps ||
           tunables().epoch_interruption == environ::EpochInterruption::kPage;
  }

  // Trampolines for functions of a canonical type, whose id is given, from any module that is
  // alive and has both; nothing where there are none. Modules offer theirs when they are
  // created. Those of a type that differs only in what references refer to serve as well
  // (WithoutConcreteTypes).
  std::optional<Trampolines> FindTrampolines(const wasm::FuncType& type, uint32_t type_id) const;
  // The references of `type`, if concrete, are canonical. Errors: kNotFound where no module of the
  // engine has trampolines for the type; such a module is to be compiled then. kResourceExhausted.
  absl::StatusOr<std::shared_ptr<const HostFunctionType>> HostFunctionTypeOf(
      const wasm::FuncType& type) const;

 private:
  friend class Module;
  struct Offer {
    EntryTrampoline entry;
    const void* exit;
    const Module* module;
    std::weak_ptr<const Module> owner;
  };

  explicit Engine(const Options& options);
  std::optional<Trampolines> FindOffer(uint32_t type_id) const;
  void OfferTrampolines(uint32_t type_id, EntryTrampoline entry, const void* exit,
                        const std::shared_ptr<const Module>& owner);
  void WithdrawTrampolines(uint32_t type_id, const Module* module);

  const Options options_;
  const std::shared_ptr<TypeRegistry> types_;
  StoreContexts contexts_;
  const std::unique_ptr<StackPool> stacks_;
  const std::shared_ptr<InstanceAllocator> allocator_;
  const std::shared_ptr<ImageFile> images_ = ImageFile::Create();
  mutable std::mutex mutex_;
  std::unordered_map<uint32_t, std::vector<Offer>> offers_;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_ENGINE_H_
