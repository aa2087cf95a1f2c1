#include "runtime/engine.h"

#include <cstdlib>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "runtime/sanitizers.h"
#include "runtime/signal_handlers.h"

namespace gantry::runtime {

environ::Tunables HostTunables() {
  const char* small = std::getenv("GANTRY_SMALL_RESERVATIONS");
  const bool asked = small != nullptr && std::strcmp(small, "0") != 0;
  return asked || kSanitized ? environ::Tunables::SmallReservations() : environ::Tunables();
}

std::shared_ptr<Engine> Engine::Create(const Options& options) {
  std::shared_ptr<Engine> engine(new Engine(options));
  if (engine->handles_signals()) InstallSignalHandlers();
  return engine;
}

Engine::Engine(const Options& options)
    : options_(options),
      types_(TypeRegistry::Create()),
      contexts_(options.tunables.epoch_interruption),
      stacks_(std::make_unique<StackPool>(options.stacks)),
      allocator_(options.allocator != nullptr ? options.allocator : InstanceAllocator::OnDemand()) {
}

absl::StatusOr<std::shared_ptr<SharedMemory>> Engine::NewSharedMemory(
    const wasm::MemoryType& type, const environ::MemoryPlan& plan) {
  ASSIGN_OR_RETURN(MemorySpace space, allocator_->AllocateMemory(type, plan, {}, nullptr));
  return Share(std::move(space));
}

bool Engine::Matches(wasm::ValType sub, wasm::ValType super) const {
  if (sub == super) return true;
  if (!sub.is_ref() || !super.is_ref()) return false;
  if (sub.is_nullable() && !super.is_nullable()) return false;
  const wasm::HeapType from = sub.heap_type();
  const wasm::HeapType to = super.heap_type();
  if (from == to) return true;
  using wasm::AbstractHeapType;
  if (from.is_canonical() && to.is_canonical()) {
    return types_->IsSubtype(from.canonical_id(), to.canonical_id());
  }
  if (from.is_canonical()) {
    return to.is_abstract() && !to.is_shared() &&
           wasm::IsAbstractSubtype(types_->KindOf(from.canonical_id()), to.abstract());
  }
  if (to.is_canonical()) {
    return from.is_abstract() && !from.is_shared() &&
           from.Is(to.is_canonical_func() ? AbstractHeapType::kNoFunc : AbstractHeapType::kNone);
  }
  return from.is_shared() == to.is_shared() &&
         wasm::IsAbstractSubtype(from.abstract(), to.abstract());
}

wasm::FuncType WithoutConcreteTypes(const wasm::FuncType& type) {
  const auto map = [](absl::Span<const wasm::ValType> types) {
    std::vector<wasm::ValType> mapped(types.begin(), types.end());
    for (wasm::ValType& t : mapped) {
      if (!t.is_ref() || !t.heap_type().is_concrete()) continue;
      t = wasm::ValType::Ref(wasm::HeapType::Abstract(wasm::TopOfHierarchy(t.heap_type())),
                             t.is_nullable());
    }
    return mapped;
  };
  return wasm::FuncType(absl::MakeConstSpan(map(type.params())),
                        absl::MakeConstSpan(map(type.results())));
}

std::optional<Trampolines> Engine::FindTrampolines(const wasm::FuncType& type,
                                                   uint32_t type_id) const {
  if (std::optional<Trampolines> found = FindOffer(type_id)) return found;
  const wasm::FuncType same_shape = WithoutConcreteTypes(type);
  if (same_shape == type) return std::nullopt;
  const absl::StatusOr<RegisteredTypes> registered = types_->RegisterFunc(same_shape);
  if (!registered.ok()) return std::nullopt;
  return FindOffer(registered->ids().front());
}

absl::StatusOr<std::shared_ptr<const HostFunctionType>> Engine::HostFunctionTypeOf(
    const wasm::FuncType& type) const {
  auto found = std::make_shared<HostFunctionType>();
  found->type = type;
  ASSIGN_OR_RETURN(found->registered, types_->RegisterFunc(type));
  std::optional<Trampolines> trampolines = FindTrampolines(type, found->id());
  if (!trampolines.has_value()) {
    return absl::NotFoundError(absl::StrCat(
        "no loaded module has trampolines for host functions of type ", type.ToString()));
  }
  found->trampolines = *std::move(trampolines);
  for (size_t i = 0; i < type.params().size(); ++i) {
    const wasm::ValType param = type.params()[i];
    if (param.is_ref() &&
        wasm::TopOfHierarchy(param.heap_type()) != wasm::AbstractHeapType::kFunc) {
      found->reference_params.push_back(static_cast<uint32_t>(i));
    }
  }
  return std::shared_ptr<const HostFunctionType>(std::move(found));
}

std::optional<Trampolines> Engine::FindOffer(uint32_t type_id) const {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = offers_.find(type_id);
  if (found == offers_.end()) return std::nullopt;
  for (const Offer& offer : found->second) {
    // A module in its destructor still has its offers here, but can no longer be held.
    if (std::shared_ptr<const Module> owner = offer.owner.lock()) {
      return Trampolines{offer.entry, offer.exit, std::move(owner)};
    }
  }
  return std::nullopt;
}

void Engine::OfferTrampolines(uint32_t type_id, EntryTrampoline entry, const void* exit,
                              const std::shared_ptr<const Module>& owner) {
  std::lock_guard<std::mutex> lock(mutex_);
  const Offer offer = {entry, exit, owner.get(), owner};
  if (const auto found = offers_.find(type_id); found != offers_.end()) {
    found->second.push_back(offer);
    return;
  }
  // Where memory runs out there is no empty list left, which nobody would withdraw.
  std::vector<Offer> offers = {offer};
  offers_.emplace(type_id, std::move(offers));
}

void Engine::WithdrawTrampolines(uint32_t type_id, const Module* module) {
  std::lock_guard<std::mutex> lock(mutex_);
  const auto found = offers_.find(type_id);
  if (found == offers_.end()) return;
  std::vector<Offer>& offers = found->second;
  std::erase_if(offers, [&](const Offer& offer) { return offer.module == module; });
  if (offers.empty()) offers_.erase(found);
}

}  // namespace gantry::runtime
