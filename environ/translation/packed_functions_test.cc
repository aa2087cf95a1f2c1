#include "environ/translation/packed_functions.h"

#include <vector>

#include "gtest/gtest.h"

namespace gantry::environ {
namespace {

// Lists of `n` elements and a little more, all different.
CompiledFunction Sample(uint32_t n) {
  CompiledFunction f;
  f.alignment = 32;
  f.frame = {n, n + 1};
  f.debug_area = n + 2;
  const wasm::DefinedFuncIndex callee(n);
  for (uint32_t i = 0; i < n + 1; ++i) f.code.push_back(static_cast<uint8_t>(n + i));
  for (uint32_t i = 0; i < n; ++i) {
    f.relocations.push_back({i, 1, -4, FuncKey::WasmFunction(ModuleId(0), callee)});
    f.traps.push_back({i, static_cast<uint8_t>(n), i + 3});
    f.address_map.push_back({i, n + i});
    f.inline_ranges.push_back({i, n});
    f.inline_sites.push_back({i, n, 7});
    f.stack_maps.push_back({i, 0, n});
    f.stack_map_slots.push_back(i * n);
    f.handlers.push_back({i, 1, n});
    f.unwind.push_back(static_cast<uint8_t>(i));
  }
  return f;
}

void ExpectSame(const FunctionView& a, const FunctionView& b) {
  EXPECT_EQ(a.code, b.code);
  EXPECT_EQ(a.alignment, b.alignment);
  EXPECT_EQ(a.relocations, b.relocations);
  EXPECT_EQ(a.traps, b.traps);
  EXPECT_EQ(a.address_map, b.address_map);
  EXPECT_EQ(a.inline_ranges, b.inline_ranges);
  EXPECT_EQ(a.inline_sites, b.inline_sites);
  EXPECT_EQ(a.stack_maps, b.stack_maps);
  EXPECT_EQ(a.stack_map_slots, b.stack_map_slots);
  EXPECT_EQ(a.handlers, b.handlers);
  EXPECT_EQ(a.unwind, b.unwind);
  EXPECT_EQ(a.frame, b.frame);
}

TEST(PackedFunctionsTest, KeepsWhatWasAdded) {
  PackedFunctions functions;
  std::vector<const PackedFunction*> packed;
  // Some are larger than the pieces in which memory is taken.
  const std::vector<uint32_t> sizes = {0, 1, 5, 3000, 2, 40'000, 0, 7};
  for (int round = 0; round < 20; ++round) {
    for (const uint32_t n : sizes) packed.push_back(functions.Add(Sample(n)));
  }
  for (size_t i = 0; i < packed.size(); ++i) {
    const uint32_t n = sizes[i % sizes.size()];
    const CompiledFunction expected = Sample(n);
    ExpectSame(packed[i]->view(), expected);
    EXPECT_EQ(packed[i]->code_size(), expected.code.size());
    EXPECT_EQ(packed[i]->debug_area(), n + 2);
  }
  functions.clear();
  ExpectSame(functions.Add(Sample(3))->view(), Sample(3));
}

}  // namespace
}  // namespace gantry::environ
