// What the next user of a slot reads is zero or its image, whatever was done before: lessons.md,
// rows 6 and 17.
#include "runtime/memory_pool.h"

#include <sys/mman.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "environ/core/tunables.h"
#include "gtest/gtest.h"

namespace gantry::runtime {
namespace {

using environ::MemoryPlan;
using wasm::MemoryType;

constexpr uint64_t kWasmPage = 65536;

MemoryType Type(uint64_t min, std::optional<uint64_t> max = std::nullopt) {
  MemoryType type;
  type.limits = {min, max};
  return type;
}

// Code that compares indices and relies on the guard.
MemoryPlan PlanOf(const MemoryType& type) {
  return MemoryPlan::For(type, environ::Tunables::SmallReservations());
}

MemoryPool::Options SmallPool(uint32_t slots) {
  MemoryPool::Options options;
  options.slots = slots;
  options.max_bytes = options.reservation = 16 * kWasmPage;
  options.guard = kWasmPage;
  options.keep_resident = 4 * HostPageSize();
  options.most_warm = 4;
  return options;
}

bool IsAccessible(const uint8_t* page) {
  // Asks without touching: what is not readable cannot be written to a pipe.
  int ends[2];
  EXPECT_EQ(pipe(ends), 0);
  const bool accessible = write(ends[1], page, 1) == 1;
  close(ends[0]);
  close(ends[1]);
  return accessible;
}

class MemoryPoolTest : public testing::Test {
 protected:
  // An image of whole pages whose bytes tell where they are from.
  std::shared_ptr<const MemoryImage> Image(uint64_t offset_pages, uint64_t pages, uint8_t first) {
    std::vector<uint8_t> bytes(pages * page_);
    for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(first + i / 251);
    const ImageFile::Piece piece[] = {{offset_pages * page_, bytes}};
    return *file_->Add(offset_pages * page_, bytes.size(), piece);
  }
  // Whether the first `bytes` are as the image says and zero elsewhere.
  static bool IsPristine(const uint8_t* base, uint64_t bytes, const MemoryImage* image) {
    for (uint64_t i = 0; i < bytes; ++i) {
      const bool in_image = image != nullptr && i >= image->offset() && i < image->end();
      if (base[i] != (in_image ? image->bytes()[i - image->offset()] : 0)) return false;
    }
    return true;
  }

  const uint64_t page_ = HostPageSize();
  std::shared_ptr<ImageFile> file_ = ImageFile::Create();
};

TEST_F(MemoryPoolTest, TheNextUserReadsZeroesOrTheImage) {
  for (const uint64_t keep : {uint64_t{0}, page_, 64 * page_}) {
    MemoryPool::Options options = SmallPool(1);
    options.keep_resident = keep;
    const auto pool = *MemoryPool::Create(options);
    const auto image = Image(1, 2, 7), other = Image(0, 1, 99);
    const MemoryType type = Type(1);
    for (const auto& of : {image, image, other, std::shared_ptr<const MemoryImage>(), image}) {
      const MemorySpace space = *pool->Take(type, PlanOf(type), {}, of);
      EXPECT_TRUE(IsPristine(space.base(), kWasmPage, of.get())) << keep;
      std::memset(space.base(), 0xEE, kWasmPage);
    }
  }
}

TEST_F(MemoryPoolTest, GrowthIsTakenBack) {
  const auto pool = *MemoryPool::Create(SmallPool(1));
  const MemoryType type = Type(1);
  for (int round = 0; round < 3; ++round) {
    MemorySpace space = *pool->Take(type, PlanOf(type), {}, nullptr);
    EXPECT_FALSE(IsAccessible(space.base() + kWasmPage));
    EXPECT_TRUE(space.OwnsAddress(reinterpret_cast<uintptr_t>(space.base()) + 16 * kWasmPage));
    ASSERT_TRUE(space.MakeRoom(16 * kWasmPage).ok());
    EXPECT_TRUE(IsPristine(space.base(), 16 * kWasmPage, nullptr)) << round;
    std::memset(space.base(), 0xEE, 16 * kWasmPage);
    const absl::Status refused = space.MakeRoom(17 * kWasmPage);
    EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_NE(refused.message().find("max_memory_size"), std::string::npos) << refused;
  }
}

TEST_F(MemoryPoolTest, LimitsAreNamed) {
  const auto pool = *MemoryPool::Create(SmallPool(2));
  const MemoryType type = Type(1), large = Type(17), wide = Type(0);
  const absl::Status too_large = pool->Take(large, PlanOf(large), {}, nullptr).status();
  EXPECT_EQ(too_large.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(too_large.message().find("max_memory_size of 1048576"), std::string::npos) << too_large;
  {
    const MemorySpace a = *pool->Take(type, PlanOf(type), {}, nullptr);
    const MemorySpace b = *pool->Take(wide, PlanOf(wide), {}, nullptr);
    EXPECT_FALSE(IsAccessible(b.base()));
    const absl::Status full = pool->Take(type, PlanOf(type), {}, nullptr).status();
    EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
    EXPECT_NE(full.message().find("total_memories is 2"), std::string::npos) << full;
  }
  EXPECT_TRUE(pool->Take(type, PlanOf(type), {}, nullptr).ok());
  // lessons.md row 6: a pool without slots or without pages.
  const auto empty = *MemoryPool::Create(SmallPool(0));
  EXPECT_EQ(empty->Take(type, PlanOf(type), {}, nullptr).status().code(),
            absl::StatusCode::kResourceExhausted);
  MemoryPool::Options no_pages = SmallPool(3);
  no_pages.max_bytes = no_pages.reservation = 0;
  const auto none = *MemoryPool::Create(no_pages);
  EXPECT_TRUE(none->Take(wide, PlanOf(wide), {}, nullptr).ok());
  EXPECT_FALSE(none->Take(type, PlanOf(type), {}, nullptr).ok());
  MemoryPool::Options huge = SmallPool(~uint32_t{0});
  huge.max_bytes = huge.reservation = uint64_t{1} << 40;
  EXPECT_EQ(MemoryPool::Create(huge).status().code(), absl::StatusCode::kResourceExhausted);
}

// Code that was compiled for more address space than a slot has would reach its neighbour.
TEST_F(MemoryPoolTest, PlansThatNeedMoreAreRefused) {
  const auto pool = *MemoryPool::Create(SmallPool(1));
  const MemoryType type = Type(1);
  const MemoryPlan unchecked = MemoryPlan::For(type, environ::Tunables());
  EXPECT_EQ(unchecked.bounds, MemoryPlan::Bounds::kNone);
  EXPECT_EQ(pool->Take(type, unchecked, {}, nullptr).status().code(),
            absl::StatusCode::kInvalidArgument);
  MemoryPlan guarded = PlanOf(type);
  guarded.guard = 2 * kWasmPage;
  EXPECT_EQ(pool->Take(type, guarded, {}, nullptr).status().code(),
            absl::StatusCode::kInvalidArgument);
  guarded.bounds = MemoryPlan::Bounds::kExplicit;
  EXPECT_TRUE(pool->Take(type, guarded, {}, nullptr).ok());
}

TEST_F(MemoryPoolTest, ASlotThatHasTheImageIsUsedAgain) {
  const auto pool = *MemoryPool::Create(SmallPool(8));
  const auto image = Image(0, 1, 7);
  const MemoryType type = Type(1);
  uint8_t* with_image = nullptr;
  {
    const MemorySpace plain = *pool->Take(type, PlanOf(type), {}, nullptr);
    const MemorySpace space = *pool->Take(type, PlanOf(type), {}, image);
    with_image = space.base();
  }
  EXPECT_EQ(pool->Take(type, PlanOf(type), {}, image)->base(), with_image);
  EXPECT_NE(pool->Take(type, PlanOf(type), {}, nullptr)->base(), with_image);
}

TEST_F(MemoryPoolTest, ForgottenImagesAreFreed) {
  const auto pool = *MemoryPool::Create(SmallPool(4));
  auto image = Image(0, 1, 7);
  const MemoryType type = Type(1);
  pool->Take(type, PlanOf(type), {}, image).IgnoreError();
  EXPECT_GT(image.use_count(), 1);
  pool->Forget(*image);
  EXPECT_EQ(image.use_count(), 1);
  EXPECT_EQ(pool->lost_slots(), 0u);
}

// Where the process has locked its memory, pages cannot be given back: the slot is mapped anew.
TEST_F(MemoryPoolTest, LockedMemory) {
  MemoryPool::Options options = SmallPool(1);
  options.keep_resident = 0;
  const auto pool = *MemoryPool::Create(options);
  const auto image = Image(0, 1, 7);
  const MemoryType type = Type(1);
  {
    const MemorySpace space = *pool->Take(type, PlanOf(type), {}, image);
    if (mlock(space.base(), kWasmPage) != 0) GTEST_SKIP() << "nothing can be locked here";
    std::memset(space.base(), 0xEE, kWasmPage);
  }
  const MemorySpace space = *pool->Take(type, PlanOf(type), {}, image);
  EXPECT_TRUE(IsPristine(space.base(), kWasmPage, image.get()));
  EXPECT_EQ(pool->lost_slots(), 0u);
}

// Pool x limits x images, in random order, with growth and writes anywhere.
TEST_F(MemoryPoolTest, RandomSequences) {
  std::mt19937 random(17);
  const auto below = [&](uint64_t n) { return static_cast<uint64_t>(random()) % n; };
  for (int round = 0; round < 30; ++round) {
    MemoryPool::Options options = SmallPool(static_cast<uint32_t>(1 + below(4)));
    options.max_bytes = (1 + below(4)) * kWasmPage;
    options.keep_resident = below(3) == 0 ? 0 : below(40) * page_;
    options.most_warm = static_cast<uint32_t>(below(4));
    const auto pool = *MemoryPool::Create(options);
    struct Kind {
      MemoryType type;
      std::shared_ptr<const MemoryImage> image;
    };
    std::vector<Kind> kinds = {{Type(0), nullptr}, {Type(1), nullptr}, {Type(2), nullptr}};
    kinds.push_back({Type(1), Image(0, 16, 1)});
    kinds.push_back({Type(1), Image(3, 2, 50)});
    kinds.push_back({Type(2), Image(15, 3, 90)});
    struct Live {
      MemorySpace space;
      Kind kind;
      uint64_t bytes;
    };
    std::vector<std::unique_ptr<Live>> live;
    for (int step = 0; step < 60; ++step) {
      const uint64_t choice = below(4);
      if (choice == 0 && !live.empty()) {
        live.erase(live.begin() + static_cast<ptrdiff_t>(below(live.size())));
        continue;
      }
      if (choice == 1 && !live.empty()) {
        Live& grown = *live[below(live.size())];
        const uint64_t bytes = grown.bytes + below(3) * kWasmPage;
        if (grown.space.MakeRoom(bytes).ok()) {
          for (uint64_t i = grown.bytes; i < bytes; ++i) ASSERT_EQ(grown.space.base()[i], 0);
          grown.bytes = bytes;
        }
        continue;
      }
      if (choice == 2 && !live.empty()) {
        Live& written = *live[below(live.size())];
        for (uint64_t n = below(20); n > 0 && written.bytes > 0; --n) {
          const uint64_t at = below(written.bytes);
          const uint64_t size = std::min(written.bytes - at, 1 + below(3 * page_));
          std::memset(written.space.base() + at, 0xEE, size);
        }
        continue;
      }
      const Kind& kind = kinds[below(kinds.size())];
      absl::StatusOr<MemorySpace> taken = pool->Take(kind.type, PlanOf(kind.type), {}, kind.image);
      if (!taken.ok()) {
        ASSERT_EQ(taken.status().code(), absl::StatusCode::kResourceExhausted);
        continue;
      }
      const uint64_t bytes = kind.type.limits.min * kWasmPage;
      ASSERT_TRUE(IsPristine(taken->base(), bytes, kind.image.get())) << round << " " << step;
      ASSERT_FALSE(IsAccessible(taken->base() + bytes));
      live.emplace_back(new Live{*std::move(taken), kind, bytes});
    }
    live.clear();
    EXPECT_EQ(pool->lost_slots(), 0u);
  }
}

}  // namespace
}  // namespace gantry::runtime
