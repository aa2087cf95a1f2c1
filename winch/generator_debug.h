// Part of the generator: what native debuggers are shown (CompiledFunction::debug_area).
#ifndef GANTRY_WINCH_GENERATOR_DEBUG_H_
#define GANTRY_WINCH_GENERATOR_DEBUG_H_

#include <algorithm>

#include "winch/generator.h"

namespace gantry::winch {

// Where parameters still are where they arrived.
template <class Masm>
void Generator<Masm>::BeginKeptLocals() {
  if (!keeps_locals_) return;
  const auto count =
      static_cast<uint32_t>(std::min<size_t>(locals_.size(), environ::kMaxKeptLocals));
  next_slot_ -= static_cast<int32_t>(8 * (1 + count));
  debug_area_ = next_slot_;
  masm_.StoreSlot(ValueKind::kI64, debug_area_, Masm::kVmctx);
  const uint32_t params = std::min(static_cast<uint32_t>(signature_->params.size()), count);
  for (uint32_t i = 0; i < params; ++i) KeepLocal(i);
  masm_.ZeroSlots(KeptSlot(params), KeptSlot(count));
}

template <class Masm>
void Generator<Masm>::KeepLocal(uint32_t index) {
  if (index >= environ::kMaxKeptLocals) return;
  const Local& local = locals_[index];
  if (local.kind == ValueKind::kV128) return;
  if (local.reg.is_none()) {
    masm_.CopySlot(local.kind, KeptSlot(index), local.slot);
  } else {
    masm_.StoreSlot(local.kind, KeptSlot(index), local.reg);
  }
}

}  // namespace gantry::winch

#endif  // GANTRY_WINCH_GENERATOR_DEBUG_H_
