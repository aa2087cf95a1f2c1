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
  MemoryOptions options;
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
  uint8_t* base = memory->data().data();
  base[65535] = 7;
  EXPECT_EQ(memory->Grow(2).value(), 1u);
  EXPECT_EQ(memory->data().data(), base);
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
  MemoryOptions options;
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
  const uintptr_t base = reinterpret_cast<uintptr_t>(memory->data().data());
  EXPECT_TRUE(memory->OwnsAddress(base));
  EXPECT_TRUE(memory->OwnsAddress(base + memory->plan().reservation + memory->plan().guard - 1));
  EXPECT_FALSE(memory->OwnsAddress(base + memory->plan().reservation + memory->plan().guard));
  EXPECT_FALSE(memory->OwnsAddress(base - 1));
}

MemoryType SharedType(uint64_t min, uint64_t max) {
  MemoryType type = Type(min, max);
  type.shared = true;
  return type;
}

// A memory that moves goes further each time, so that page by page it moves seldom.
TEST(MemoryTest, MovesSeldom) {
  Tunables tunables = Tunables::SmallReservations();
  tunables.memory_reservation_for_growth = 0;
  std::unique_ptr<Memory> memory = Make(Type(1, std::nullopt), tunables);
  int moves = 0;
  for (int i = 0; i < 1000; ++i) {
    const uint8_t* before = memory->data().data();
    ASSERT_TRUE(memory->Grow(1).ok());
    moves += memory->data().data() != before;
  }
  EXPECT_LT(moves, 20);
}

// Growth by either view is seen by both, whoever goes first; on any thread.
TEST(MemoryTest, ViewsOfASharedMemoryAreOne) {
  std::unique_ptr<Memory> first = Make(SharedType(1, 300), FixedReservation());
  ASSERT_NE(first->shared(), nullptr);
  std::unique_ptr<Memory> second = Memory::ViewOf(first->shared());
  EXPECT_EQ(first->definition(), second->definition());
  EXPECT_TRUE(first->Fill(7, 9, 1));
  EXPECT_EQ(second->shared()->base()[7], 9);
  EXPECT_EQ(second->Grow(2).value(), 1u);
  EXPECT_EQ(first->pages(), 3u);
  EXPECT_EQ(first->CurrentType().limits.min, 3u);
  EXPECT_TRUE(second->OwnsAddress(reinterpret_cast<uintptr_t>(first->shared()->base())));

  std::vector<std::thread> threads;
  for (Memory* memory : {first.get(), second.get()}) {
    threads.emplace_back([memory] {
      uint64_t last = 0;
      for (int i = 0; i < 100; ++i) {
        const uint64_t old_pages = memory->Grow(1).value();
        EXPECT_GE(old_pages, last);
        EXPECT_GT(memory->pages(), old_pages);
        // What has been grown is there.
        EXPECT_TRUE(memory->Fill(old_pages << 16, 1, 65536));
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
  EXPECT_EQ(second->shared()->base()[7], 9);
  EXPECT_EQ(second->Grow(97).value(), 203u);
  EXPECT_FALSE(second->Grow(1).ok());
}

TEST(MemoryTest, BulkOperationsBetweenPlainAndShared) {
  const uint8_t bytes[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  for (const bool to_shared : {false, true}) {
    for (const bool from_shared : {false, true}) {
      std::unique_ptr<Memory> to =
          Make(to_shared ? SharedType(1, 2) : Type(1, 2), FixedReservation());
      std::unique_ptr<Memory> from =
          Make(from_shared ? SharedType(1, 2) : Type(1, 2), FixedReservation());
      EXPECT_TRUE(from->Write(3, bytes));
      EXPECT_TRUE(to->Fill(0, 0xAA, 32));
      EXPECT_TRUE(Memory::Copy(*to, 6, *from, 4, 9));
      EXPECT_TRUE(Memory::Copy(*to, 8, *to, 6, 9));  // Onto itself, overlapping.
      const uint8_t expected[] = {0xAA, 0xAA, 2, 3, 2, 3, 4, 5, 6, 7, 8, 9, 10, 0xAA};
      const uint8_t* found = to->definition()->base + 4;
      EXPECT_TRUE(std::equal(std::begin(expected), std::end(expected), found));

      EXPECT_TRUE(to->Fill(65536, 1, 0));
      EXPECT_FALSE(to->Fill(65535, 1, 2));
      EXPECT_FALSE(to->Fill(~uint64_t{0}, 1, 2));
      EXPECT_FALSE(to->Write(65530, bytes));
      EXPECT_FALSE(Memory::Copy(*to, 65536, *from, 0, 1));
      EXPECT_FALSE(Memory::Copy(*to, 0, *from, 65536, 1));
    }
  }
}

}  // namespace
}  // namespace gantry::runtime
