#include "runtime/pooling_allocator.h"

#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstring>
#include <functional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/sanitizers.h"
#include "runtime/table.h"

namespace gantry::runtime {
namespace {

using environ::MemoryPlan;
using environ::Tunables;

PoolingOptions Small(uint32_t instances) {
  PoolingOptions options;
  options.total_instances = instances;
  options.max_instance_size = 4096;
  options.max_table_elements = 1000;
  options.max_memory_size = uint64_t{1} << 20;
  return options;
}

std::shared_ptr<PoolingAllocator> Make(const PoolingOptions& options) {
  Tunables tunables = Tunables::SmallReservations();
  return *PoolingAllocator::Create(options, tunables);
}

TEST(PoolingAllocatorTest, LimitsAreNamed) {
  PoolingOptions options = Small(3);
  options.total_memories = 1;
  options.total_tables = 2;
  const auto pool = Make(options);
  const auto named = [](const absl::Status& status, const char* limit) {
    return status.code() == absl::StatusCode::kResourceExhausted &&
           status.message().find(limit) != std::string::npos;
  };
  EXPECT_TRUE(named(pool->AllocateInstance(4097).status(), "max_instance_size of 4096"));
  std::vector<InstanceAllocator::Block> blocks;
  std::set<uint8_t*> addresses;
  for (int i = 0; i < 3; ++i) {
    blocks.push_back(*pool->AllocateInstance(4096));
    EXPECT_TRUE(addresses.insert(blocks.back().address).second);
    std::memset(blocks.back().address, 0xEE, 4096);
  }
  EXPECT_TRUE(named(pool->AllocateInstance(1).status(), "total_instances is 3"));
  for (const auto& block : blocks) pool->FreeInstance(block, 4096);
  EXPECT_TRUE(pool->AllocateInstance(4096).ok());

  EXPECT_TRUE(named(pool->AllocateTable(1001, 32).status(), "max_table_elements of 1000"));
  const TableElements a = *pool->AllocateTable(1, 32), b = *pool->AllocateTable(0, 4);
  EXPECT_TRUE(named(pool->AllocateTable(1, 32).status(), "total_tables is 2"));

  wasm::MemoryType type;
  type.limits = {1, std::nullopt};
  const MemoryPlan plan = MemoryPlan::For(type, Tunables::SmallReservations());
  const MemorySpace space = *pool->AllocateMemory(type, plan, {}, nullptr);
  EXPECT_TRUE(named(pool->AllocateMemory(type, plan, {}, nullptr).status(), "total_memories is 1"));
}

// Elements are zero for each next user, however the one before wrote them.
TEST(PoolingAllocatorTest, ElementsAreZeroAgain) {
  std::mt19937 random(23);
  for (const uint64_t keep : {0, 4096, 16384, 1 << 20}) {
    PoolingOptions options = Small(1);
    options.table_keep_resident = keep;
    const auto pool = Make(options);
    wasm::TableType functions, handles;
    functions.limits = {700, std::nullopt};
    handles.limits = {900, 1000};
    handles.element = wasm::ValType::ExternRef();
    VMFuncRef func_ref;
    func_ref.type_id = 7;
    for (int round = 0; round < 40; ++round) {
      const wasm::TableType& type = round % 3 == 2 ? handles : functions;
      TableElements elements = *pool->AllocateTable(type.limits.min, Table::ElementSize(type));
      for (uint64_t i = 0; i < elements.bytes(); ++i) {
        ASSERT_EQ(elements.base()[i], 0) << keep << " " << round << " " << i;
      }
      Table table(type, Table::kDefaultMaxElements, std::move(elements));
      ASSERT_TRUE(table.Grow(type.limits.min, ValRaw()).ok());
      const ValRaw value =
          table.holds_functions() ? ValRaw::FuncRef(&func_ref) : ValRaw::Reference(8);
      for (int n = random() % 6; n > 0; --n) {
        const uint64_t at = random() % table.size();
        switch (random() % 5) {
          case 0:
            table.Set(at, value);
            break;
          case 1:
            static_cast<void>(table.Get(at));
            break;
          case 2:
            table.Fill(at, value, random() % (table.size() - at));
            break;
          case 3: {
            const uint64_t length = random() % (table.size() - at);
            Table::Copy(table, at, table, random() % (table.size() - length), length);
            break;
          }
          default:
            static_cast<void>(table.Grow(random() % 100, random() % 2 == 0 ? value : ValRaw()));
        }
      }
      // Compiled code writes handles where it likes.
      if (!table.holds_functions()) {
        static_cast<uint32_t*>(table.definition()->base)[random() % table.size()] = 10;
      }
    }
  }
}

TEST(PoolingAllocatorTest, TablesGrowWithinTheirSlot) {
  const auto pool = Make(Small(1));
  wasm::TableType type;
  type.limits = {1, std::nullopt};
  Table table(type, Table::kDefaultMaxElements, *pool->AllocateTable(1, 32));
  ASSERT_TRUE(table.Grow(1, ValRaw()).ok());
  const void* const base = table.definition()->base;
  EXPECT_TRUE(table.Grow(999, ValRaw()).ok());
  EXPECT_EQ(table.definition()->base, base);
  const absl::Status refused = table.Grow(100, ValRaw()).status();
  EXPECT_EQ(refused.code(), absl::StatusCode::kResourceExhausted);
  EXPECT_NE(refused.message().find("max_table_elements"), std::string::npos) << refused;
}

// Runs in a child, whose limits and mappings are nobody else's; returns its exit code.
int InChild(const std::function<int()>& body) {
  const pid_t child = fork();
  if (child == 0) _exit(body());
  int status = 0;
  EXPECT_EQ(waitpid(child, &status, 0), child);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

TEST(PoolingAllocatorTest, LittleAddressSpaceGivesExplicitBounds) {
  if (kSanitized) GTEST_SKIP() << "sanitizers need the address space";
  EXPECT_EQ(InChild([] {
              const rlimit limit = {uint64_t{8} << 30, uint64_t{8} << 30};
              if (setrlimit(RLIMIT_AS, &limit) != 0) return 1;
              PoolingOptions options;
              options.total_instances = 100;
              Tunables tunables;
              const auto pool = PoolingAllocator::Create(options, tunables);
              if (!pool.ok()) return 2;
              if ((*pool)->max_memory_size() < uint64_t{1} << 20) return 3;
              wasm::MemoryType type;
              type.limits = {1, std::nullopt};
              const MemoryPlan plan = MemoryPlan::For(type, tunables);
              if (plan.bounds == MemoryPlan::Bounds::kNone) return 4;
              absl::StatusOr<MemorySpace> space = (*pool)->AllocateMemory(type, plan, {}, nullptr);
              if (!space.ok() || !space->MakeRoom((*pool)->max_memory_size()).ok()) return 5;
              // What was asked for by name is never made smaller.
              options.max_memory_size = uint64_t{1} << 32;
              Tunables others;
              return PoolingAllocator::Create(options, others).status().code() ==
                             absl::StatusCode::kResourceExhausted
                         ? 0
                         : 6;
            }),
            0);
}

}  // namespace
}  // namespace gantry::runtime
