#include "runtime/engine.h"

#include <algorithm>

#include "runtime/signal_handlers.h"

namespace gantry::runtime {

std::shared_ptr<Engine> Engine::Create(const Options& options) {
  if (options.tunables.signals_based_traps) InstallSignalHandlers();
  return std::shared_ptr<Engine>(new Engine(options));
}

Engine::Engine(const Options& options) : options_(options), types_(TypeRegistry::Create()) {}

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
