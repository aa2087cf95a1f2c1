#include "runtime/host_functions.h"

#include <algorithm>

#include "base/check.h"

namespace gantry::runtime {
namespace {

size_t AlignUp(size_t offset, size_t alignment) {
  return (offset + alignment - 1) & ~(alignment - 1);
}

}  // namespace

HostFunctionSet::HostFunctionSet(std::vector<Function> functions)
    : functions_(std::move(functions)) {
  places_.reserve(functions_.size());
  for (const Function& function : functions_) {
    const size_t context = AlignUp(size_, alignof(HostFunction));
    const size_t data = AlignUp(context + sizeof(HostFunction), function.code.data_alignment);
    places_.push_back({context, data});
    size_ = data + function.code.data_size;
    alignment_ = std::max({alignment_, alignof(HostFunction), function.code.data_alignment});
  }
}

HostFunctionBlock::HostFunctionBlock(Store& store, VMStoreContext* store_context,
                                     std::shared_ptr<const HostFunctionSet> set, void* owner,
                                     HostCall checked_call, absl::Span<VMFuncRef*> functions)
    : set_(std::move(set)) {
  CHECK(functions.size() == set_->size());
  bytes_ = static_cast<std::byte*>(
      ::operator new(set_->size_, static_cast<std::align_val_t>(set_->alignment_)));
  try {
    for (size_t i = 0; i < functions.size(); ++i) {
      const HostFunctionSet::Place& place = set_->places_[i];
      HostFunction& function = *new (bytes_ + place.function) HostFunction;
      if (functions[i] == nullptr) {
        const HostCode& code = set_->functions_[i].code;
        const HostFunctionType& type = *set_->functions_[i].type;
        void* const data = bytes_ + place.data;
        code.make_data(code.source.get(), owner, data);
        function.store = &store;
        function.type = &type;
        function.call = code.call;
        VMHostFuncContext& context = function.context;
        context.store = store_context;
        context.host_call = checked_call != nullptr ? checked_call : code.call;
        context.data = data;
        context.func_ref.wasm_call = type.trampolines.exit;
        context.func_ref.vmctx = &context;
        context.func_ref.type_id = type.id();
        context.func_ref.entry = type.trampolines.entry;
        functions[i] = &context.func_ref;
        ++num_made_;
      }
      ++num_placed_;
    }
  } catch (...) {
    Destroy();
    throw;
  }
}

void HostFunctionBlock::Destroy() {
  if (bytes_ == nullptr) return;
  for (size_t i = num_placed_; i-- > 0;) {
    const HostFunctionSet::Place& place = set_->places_[i];
    if (reinterpret_cast<const HostFunction*>(bytes_ + place.function)->store == nullptr) continue;
    set_->functions_[i].code.destroy_data(bytes_ + place.data);
  }
  ::operator delete(bytes_, static_cast<std::align_val_t>(set_->alignment_));
  bytes_ = nullptr;
}

}  // namespace gantry::runtime
