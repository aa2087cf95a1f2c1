#include "runtime/engine.h"

#include <cstdlib>
#include <cstring>

#include "runtime/sanitizers.h"
#include "runtime/signal_handlers.h"

namespace gantry::runtime {

environ::Tunables HostTunables() {
  const char* small = std::getenv("GANTRY_SMALL_RESERVATIONS");
  const bool asked = small != nullptr && std::strcmp(small, "0") != 0;
  return asked || kSanitized ? environ::Tunables::SmallReservations() : environ::Tunables();
}

std::shared_ptr<Engine> Engine::Create(const Options& options) {
  if (options.tunables.signals_based_traps) InstallSignalHandlers();
  return std::shared_ptr<Engine>(new Engine(options));
}

Engine::Engine(const Options& options) : options_(options), types_(TypeRegistry::Create()) {}

bool Engine::Matches(wasm::ValType sub, wasm::ValType super) const {
  if (sub == super) return true;
  if (!sub.is_ref() || !super.is_ref()) return false;
  if (sub.is_nullable() && !super.is_nullable()) return false;
  const wasm::HeapType from = sub.heap_type();
  const wasm::HeapType to = super.heap_type();
  if (from == to) return true;
  using wasm::AbstractHeapType;
  const auto is_func = [this](wasm::HeapType type) {
    return types_->FuncTypeOf(type.canonical_id()) != nullptr;
  };
  if (from.is_canonical() && to.is_canonical()) {
    return types_->IsSubtype(from.canonical_id(), to.canonical_id());
  }
  if (from.is_canonical()) {
    return to.is_abstract() &&
           (is_func(from) ? to.Is(AbstractHeapType::kFunc)
                          : to.Is(AbstractHeapType::kAny) || to.Is(AbstractHeapType::kEq));
  }
  if (to.is_canonical()) {
    return from.is_abstract() &&
           from.Is(is_func(to) ? AbstractHeapType::kNoFunc : AbstractHeapType::kNone);
  }
  return from.is_shared() == to.is_shared() &&
         wasm::IsAbstractSubtype(from.abstract(), to.abstract());
}

std::optional<Trampolines> Engine::FindTrampolines(uint32_t type_id) const {
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
  offers_[type_id].push_back({entry, exit, owner.get(), owner});
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
