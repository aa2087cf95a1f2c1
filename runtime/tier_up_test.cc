#include "runtime/tier_up.h"

#include <cstring>
#include <memory>
#include <vector>

#include "environ/core/vm_offsets.h"
#include "gtest/gtest.h"

namespace gantry::runtime {
namespace {

using environ::VMTierTableOffsets;
using wasm::DefinedFuncIndex;

// As compiled code sees it.
const void* CodeAt(const TierTable& table, DefinedFuncIndex function) {
  const void* code;
  std::memcpy(&code,
              reinterpret_cast<const char*>(table.base()) + VMTierTableOffsets::Code(function),
              sizeof code);
  return code;
}
int32_t CounterAt(const TierTable& table, DefinedFuncIndex function) {
  int32_t counter;
  std::memcpy(&counter,
              reinterpret_cast<const char*>(table.base()) + VMTierTableOffsets::Counter(function),
              sizeof counter);
  return counter;
}

TEST(TierTable, LiesAsTheOffsetsSay) {
  for (const size_t size : {0, 1, 2, 3, 8, 1001}) {
    std::vector<char> code(size + 1);
    std::vector<const void*> codes;
    for (size_t i = 0; i < size; ++i) codes.push_back(&code[i]);
    const std::shared_ptr<TierTable> table = *TierTable::Create(codes, 7);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(table->base()) % 8, 0u);
    ASSERT_EQ(table->size(), size);
    for (size_t i = 0; i < size; ++i) {
      const DefinedFuncIndex function = DefinedFuncIndex::FromIndex(i);
      EXPECT_EQ(CodeAt(*table, function), codes[i]);
      EXPECT_EQ(table->Code(function), codes[i]);
      EXPECT_EQ(CounterAt(*table, function), 6);
    }
    for (size_t i = 0; i < size; i += 2) {
      table->Publish(DefinedFuncIndex::FromIndex(i), &code[size]);
      table->Rest(DefinedFuncIndex::FromIndex(i));
    }
    for (size_t i = 0; i < size; ++i) {
      const DefinedFuncIndex function = DefinedFuncIndex::FromIndex(i);
      EXPECT_EQ(CodeAt(*table, function), i % 2 == 0 ? &code[size] : codes[i]);
      EXPECT_EQ(CounterAt(*table, function),
                i % 2 == 0 ? static_cast<int32_t>(TierTable::kMaxThreshold) : 6);
    }
  }
}

}  // namespace
}  // namespace gantry::runtime
