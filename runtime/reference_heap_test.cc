#include "runtime/reference_heap.h"

#include <memory>
#include <string>

#include "gtest/gtest.h"

namespace gantry::runtime {
namespace {

TEST(ReferenceHeapTest, HandlesKeepTheLowBitFreeAndNullOut) {
  ReferenceHeap heap;
  for (int i = 0; i < 100; ++i) {
    const uint32_t handle = heap.Add(i).value();
    EXPECT_NE(handle, 0u);
    EXPECT_EQ(handle & 1, 0u);
    EXPECT_EQ(std::any_cast<int>(*heap.Get(handle)), i);
  }
  EXPECT_EQ(heap.Get(0), nullptr);
  EXPECT_EQ(heap.Get(1), nullptr);
  EXPECT_EQ(heap.Get(0xFFFFFFFE), nullptr);
}

TEST(ReferenceHeapTest, AScopeEndsItsRoots) {
  ReferenceHeap heap;
  const std::shared_ptr<int> token = std::make_shared<int>(1);
  const uint32_t outer = heap.Add(token).value();
  {
    ReferenceHeap::Scope scope(heap);
    heap.Add(token).value();
    heap.Add(token).value();
    heap.Collect();
    EXPECT_EQ(token.use_count(), 4);
  }
  heap.Collect();
  EXPECT_EQ(token.use_count(), 2);
  EXPECT_NE(heap.Get(outer), nullptr);
  EXPECT_EQ(heap.live_count(), 1u);
}

// lessons.md row 3: what guests hold survives, rooted or not, and a handle that reached the
// host is rooted before the next collection.
TEST(ReferenceHeapTest, TheTracerKeepsWhatGuestsHold) {
  ReferenceHeap heap;
  uint32_t held = 0;
  heap.SetTracer([&](ReferenceHeap::Marker& marker) {
    marker.Visit(held);
    marker.Visit(0);
    marker.Visit(3);  // an i31
  });
  {
    ReferenceHeap::Scope scope(heap);
    held = heap.Add(std::string("kept")).value();
    heap.Add(std::string("dropped")).value();
  }
  heap.Collect();
  EXPECT_EQ(heap.live_count(), 1u);
  EXPECT_EQ(std::any_cast<std::string>(*heap.Get(held)), "kept");
  ReferenceHeap::Scope scope(heap);
  heap.Root(held);
  const uint32_t handle = held;
  held = 0;
  heap.Collect();
  EXPECT_NE(heap.Get(handle), nullptr);
}

TEST(ReferenceHeapTest, GarbageIsReclaimedWithoutAsking) {
  ReferenceHeap heap;
  for (int i = 0; i < 100'000; ++i) {
    ReferenceHeap::Scope scope(heap);
    heap.Add(i).value();
  }
  EXPECT_LE(heap.live_count(), 2048u);
}

struct Reentrant {
  ReferenceHeap* heap;
  ~Reentrant() { heap->Collect(); }
};

TEST(ReferenceHeapTest, ADestructorMayCallBack) {
  ReferenceHeap heap;
  {
    ReferenceHeap::Scope scope(heap);
    heap.Add(std::make_shared<Reentrant>(Reentrant{&heap})).value();
  }
  heap.Collect();
  EXPECT_EQ(heap.live_count(), 0u);
}

}  // namespace
}  // namespace gantry::runtime
