// ReferenceHeap: the host values that a store's guests hold as externref.
//
// A guest sees a 32-bit handle: 0 is null, the low bit is kept for unboxed i31 values, the
// rest is a slot number. Handles are not addresses: a handle that was made up by a broken
// compiler finds another value of the same store at worst.
//
//   ReferenceHeap::Scope scope(heap);                 // at every entry of a host function
//   ASSIGN_OR_RETURN(uint32_t handle, heap.Add(std::string("host value")));
//   std::any* value = heap.Get(handle);
//
// Memory is reclaimed by marking from roots and sweeping: what guests hold (stack slots in
// stack maps, globals, tables: the tracer reports them) and what the host holds. A handle
// that reaches the host is rooted in the innermost Scope and so lives until that scope ends;
// outside any scope, until the heap dies. Rooting comes before every possible collection
// (lessons.md row 3), which is only in Add.
#ifndef GANTRY_RUNTIME_REFERENCE_HEAP_H_
#define GANTRY_RUNTIME_REFERENCE_HEAP_H_

#include <any>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <vector>

#include "absl/base/optimization.h"
#include "absl/status/statusor.h"

namespace gantry::runtime {

class ReferenceHeap {
 public:
  // Given to the tracer for each reference found; null and i31 are ignored.
  class Marker {
   public:
    void Visit(uint32_t handle) { heap_.Mark(handle); }

   private:
    friend class ReferenceHeap;
    explicit Marker(ReferenceHeap& heap) : heap_(heap) {}
    ReferenceHeap& heap_;
  };
  using Tracer = std::function<void(Marker&)>;

  // Roots taken while a scope is the innermost one end with it.
  class Scope {
   public:
    explicit Scope(ReferenceHeap& heap) : heap_(heap), size_(heap.roots_.size()) {}
    ~Scope() {
      if (ABSL_PREDICT_FALSE(heap_.roots_.size() != size_)) heap_.EndRoots(size_);
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    ReferenceHeap& heap_;
    size_t size_;
  };

  // Nothing is collected while one exists; the heap grows instead.
  class Pause {
   public:
    explicit Pause(ReferenceHeap& heap) : heap_(heap) { ++heap_.pauses_; }
    ~Pause() { --heap_.pauses_; }
    Pause(const Pause&) = delete;
    Pause& operator=(const Pause&) = delete;

   private:
    ReferenceHeap& heap_;
  };

  ReferenceHeap() = default;
  ReferenceHeap(const ReferenceHeap&) = delete;
  ReferenceHeap& operator=(const ReferenceHeap&) = delete;

  // Called in a collection to report every reference that guests hold.
  void SetTracer(Tracer tracer) { tracer_ = std::move(tracer); }

  // Stores a value and roots its handle in the innermost scope. May collect.
  // Error: kResourceExhausted where all handles or the host's memory are used up.
  absl::StatusOr<uint32_t> Add(std::any value);

  // The value; null where the handle is null, an i31, or not live.
  std::any* Get(uint32_t handle);

  // Keeps a handle that came from a guest alive in the innermost scope. Null is fine.
  void Root(uint32_t handle);

  // Drops every value that no root reaches, but for the time of a Pause.
  void Collect();

  size_t live_count() const { return live_; }

 private:
  struct Slot {
    std::any value;
    bool live = false;
    bool marked = false;
  };
  static constexpr uint32_t kMaxSlots = (uint32_t{1} << 31) - 2;
  static constexpr size_t kFirstThreshold = 1024;

  // Slot i has handle (i + 1) << 1.
  static uint32_t HandleOf(uint32_t slot) { return (slot + 1) << 1; }
  Slot* Find(uint32_t handle);
  // Out of line: most scopes end without a root.
  void EndRoots(size_t size);
  void Mark(uint32_t handle);

  // A deque: slots keep their address while others are added.
  std::deque<Slot> slots_;
  std::vector<uint32_t> free_;
  std::vector<uint32_t> roots_;
  Tracer tracer_;
  size_t live_ = 0;
  size_t threshold_ = kFirstThreshold;
  uint32_t pauses_ = 0;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_REFERENCE_HEAP_H_
