#include "runtime/reference_heap.h"

#include <algorithm>
#include <utility>

#include "absl/status/status.h"

namespace gantry::runtime {
namespace {

// Room for `size` elements in all, growing geometrically.
void ReserveFor(std::vector<uint32_t>& list, size_t size) {
  if (list.capacity() < size) list.reserve(std::max(size, list.capacity() * 2));
}

}  // namespace

absl::StatusOr<uint32_t> ReferenceHeap::Add(std::any value) {
  if (live_ >= threshold_) {
    Collect();
    // At most half the work of the next collection is for what survived this one.
    threshold_ = std::max(kFirstThreshold, live_ * 2);
  }
  uint32_t slot;
  if (!free_.empty()) {
    slot = free_.back();
    // Room for the root first: past it nothing can fail.
    ReserveFor(roots_, roots_.size() + 1);
    free_.pop_back();
  } else {
    if (slots_.size() >= kMaxSlots) {
      return absl::ResourceExhaustedError("the store holds the largest number of references");
    }
    slot = static_cast<uint32_t>(slots_.size());
    ReserveFor(roots_, roots_.size() + 1);
    // So that a sweep has room for every slot.
    ReserveFor(free_, slots_.size() + 1);
    slots_.emplace_back();
  }
  slots_[slot].value = std::move(value);
  slots_[slot].live = true;
  ++live_;
  const uint32_t handle = HandleOf(slot);
  roots_.push_back(handle);
  return handle;
}

ReferenceHeap::Slot* ReferenceHeap::Find(uint32_t handle) {
  if (handle == 0 || (handle & 1) != 0) return nullptr;
  const uint32_t slot = (handle >> 1) - 1;
  if (slot >= slots_.size() || !slots_[slot].live) return nullptr;
  return &slots_[slot];
}

std::any* ReferenceHeap::Get(uint32_t handle) {
  Slot* slot = Find(handle);
  return slot == nullptr ? nullptr : &slot->value;
}

void ReferenceHeap::EndRoots(size_t size) { roots_.resize(size); }

void ReferenceHeap::Root(uint32_t handle) {
  if (Find(handle) != nullptr) roots_.push_back(handle);
}

void ReferenceHeap::Mark(uint32_t handle) {
  if (Slot* slot = Find(handle)) slot->marked = true;
}

void ReferenceHeap::Collect() {
  if (pauses_ != 0) return;
  Marker marker(*this);
  for (uint32_t root : roots_) Mark(root);
  if (tracer_) tracer_(marker);
  // A destructor may call back into the heap, so values die after the sweep.
  std::vector<std::any> dead;
  dead.reserve(live_);
  for (uint32_t i = 0; i < slots_.size(); ++i) {
    Slot& slot = slots_[i];
    if (slot.live && !slot.marked) {
      dead.push_back(std::move(slot.value));
      slot.value.reset();
      slot.live = false;
      --live_;
      free_.push_back(i);
    }
    slot.marked = false;
  }
}

}  // namespace gantry::runtime
