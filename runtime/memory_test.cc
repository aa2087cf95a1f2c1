#include "runtime/memory.h"

#include <algorithm>
#include <thread>
#include <vector>

#include "environ/core/tunables.h"
#include "gtest/gtest.h"

namespace gantry::runtime {
namespace {

using environ::MemoryPlan;
using environ::Tunables;
using wasm::MemoryType;

MemoryType Type(uint64_t min, std::optional<uint64_t> max) {
  MemoryType type;
  type.limits = {min, max};
  return type;
}

std::unique_ptr<Memory> Make(const MemoryType& type, const Tunables& tunables) {
  Memory::Options options;
  options.reservation_for_growth = tunables.memory_reservation_for_growth;
  absl::StatusOr<std::unique_ptr<Memory>> memory =
      Memory::Create(type, MemoryPlan::For(type, tunables), options);
  EXPECT_TRUE(memory.ok()) << memory.status();
  return *std::move(memory);
}

// Small enough for sanitizers and emulators, large enough not to move.
Tunables FixedReservation() {
  Tunables tunables = Tunables::SmallReservations();
  tunables.memory_reservation = uint64_t{16} << 20;
  return tunables;
}

bool AllZero(absl::Span<const uint8_t> bytes) {
  return std::all_of(bytes.begin(), bytes.end(), [](uint8_t byte) { return byte == 0; });
}

TEST(MemoryTest, GrowsInPlaceInsideItsReservation) {
  std::unique_ptr<Memory> memory = Make(Type(1, std::nullopt), FixedReservation());
  VMMemoryDefinition definition;
  memory->SetDefinition(&definition);
  uint8_t* base = memory->base();
  base[65535] = 7;
  EXPECT_EQ(memory->Grow(2).value(), 1u);
  EXPECT_EQ(memory->base(), base);
  EXPECT_EQ(definition.base, base);
  EXPECT_EQ(definition.length, 3u * 65536);
  EXPECT_EQ(base[65535], 7);
  EXPECT_TRUE(AllZero(memory->data().subspan(65536)));
  EXPECT_EQ(memory->CurrentType().limits.min, 3u);
}

TEST(MemoryTest, MovesPastItsReservation) {
  std::unique_ptr<Memory> memory = Make(Type(1, std::nullopt), Tunables::SmallReservations());
  for (uint64_t pages = 1; pages < 40; ++pages) {
    memory->data()[pages * 65536 - 1] = static_cast<uint8_t>(pages);
    EXPECT_EQ(memory->Grow(1).value(), pages);
    EXPECT_TRUE(AllZero(memory->data().subspan(pages * 65536)));
  }
  for (uint64_t pages = 1; pages < 40; ++pages) {
    EXPECT_EQ(memory->data()[pages * 65536 - 1], pages);
  }
}

TEST(MemoryTest, RefusesAndStaysAsItWas) {
  std::unique_ptr<Memory> memory = Make(Type(1, 3), Tunables::SmallReservations());
  EXPECT_EQ(memory->Grow(3).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(memory->Grow(~uint64_t{0}).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(memory->pages(), 1u);
  EXPECT_EQ(memory->Grow(2).value(), 1u);
  EXPECT_EQ(memory->Grow(0).value(), 3u);

  Tunables fixed = FixedReservation();
  fixed.memory_may_move = false;
  memory = Make(Type(1, std::nullopt), fixed);
  EXPECT_EQ(memory->Grow(256).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(memory->pages(), 1u);
}

TEST(MemoryTest, WhatTheHostDoesNotHave) {
  MemoryType huge = Type(uint64_t{1} << 48, std::nullopt);
  huge.index_type = wasm::IndexType::kI64;
  EXPECT_EQ(Memory::Create(huge, MemoryPlan::For(huge, Tunables()), {}).status().code(),
            absl::StatusCode::kResourceExhausted);
  huge.limits.min = uint64_t{1} << 31;  // 2^47 bytes
  EXPECT_EQ(Memory::Create(huge, MemoryPlan::For(huge, Tunables()), {}).status().code(),
            absl::StatusCode::kResourceExhausted);
  Memory::Options options;
  options.max_bytes = 65536;
  const MemoryType two = Type(2, std::nullopt);
  EXPECT_EQ(Memory::Create(two, MemoryPlan::For(two, Tunables::SmallReservations()), options)
                .status()
                .code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(MemoryTest, EmptyAndBytePages) {
  std::unique_ptr<Memory> empty = Make(Type(0, 0), Tunables::SmallReservations());
  EXPECT_EQ(empty->bytes(), 0u);
  EXPECT_TRUE(empty->InBounds(0, 0));
  EXPECT_FALSE(empty->InBounds(0, 1));
  MemoryType bytes = Type(100, 5000);
  bytes.page_size_log2 = 0;
  std::unique_ptr<Memory> small = Make(bytes, Tunables::SmallReservations());
  EXPECT_EQ(small->bytes(), 100u);
  small->data()[99] = 1;
  EXPECT_EQ(small->Grow(4900).value(), 100u);
  EXPECT_EQ(small->data()[99], 1);
  EXPECT_EQ(small->data()[4999], 0);
  EXPECT_FALSE(small->InBounds(~uint64_t{0}, 2));
}

TEST(MemoryTest, OwnsItsReservationAndGuard) {
  std::unique_ptr<Memory> memory = Make(Type(1, std::nullopt), FixedReservation());
  const uintptr_t base = reinterpret_cast<uintptr_t>(memory->base());
  EXPECT_TRUE(memory->OwnsAddress(base));
  EXPECT_TRUE(memory->OwnsAddress(base + memory->plan().reservation + memory->plan().guard - 1));
  EXPECT_FALSE(memory->OwnsAddress(base + memory->plan().reservation + memory->plan().guard));
  EXPECT_FALSE(memory->OwnsAddress(base - 1));
}

// Growth from either view is seen by both, whoever goes first; on any thread.
TEST(MemoryTest, ViewsOfASharedMemoryAreOne) {
  MemoryType type = Type(1, 300);
  type.shared = true;
  std::unique_ptr<Memory> first = Make(type, FixedReservation());
  VMMemoryDefinition definition;
  first->SetDefinition(&definition);
  std::unique_ptr<Memory> second = first->NewView();
  EXPECT_EQ(first->base(), second->base());
  first->data()[7] = 9;
  EXPECT_EQ(second->data()[7], 9);
  EXPECT_EQ(second->Grow(2).value(), 1u);
  EXPECT_EQ(first->pages(), 3u);
  EXPECT_EQ(definition.length, 3u << 16);
  EXPECT_TRUE(second->OwnsAddress(reinterpret_cast<uintptr_t>(first->base())));

  std::vector<std::thread> threads;
  for (Memory* memory : {first.get(), second.get()}) {
    threads.emplace_back([memory] {
      uint64_t last = 0;
      for (int i = 0; i < 100; ++i) {
        const uint64_t old_pages = memory->Grow(1).value();
        EXPECT_GE(old_pages, last);
        EXPECT_GT(memory->pages(), old_pages);
        last = old_pages + 1;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(first->pages(), 203u);
  EXPECT_EQ(second->pages(), 203u);
  EXPECT_FALSE(second->Grow(98).ok());
  // The bytes live as long as one of them.
  first.reset();
  EXPECT_EQ(second->data()[7], 9);
  EXPECT_EQ(second->Grow(97).value(), 203u);
}

}  // namespace
}  // namespace gantry::runtime
