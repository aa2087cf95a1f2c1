// Calls between functions of AArch64: by their 26 bits where that reaches, by a veneer else; beyond
// 128 MiB, and under rules whose reach is short.
#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "cranelift_shared/text_builder.h"
#include "gtest/gtest.h"
#include "isa_aarch64/asm/label_kinds.h"
#include "isa_aarch64/link_rules.h"

namespace gantry::cranelift {
namespace {

using environ::CompiledFunction;
using environ::FuncKey;
using environ::LinkedText;

constexpr uint32_t kCall = 0x94000000;  // bl

FuncKey Key(uint32_t index) {
  return FuncKey::WasmFunction(environ::ModuleId(0), wasm::DefinedFuncIndex(index));
}

// A function of `words` words whose first ones are calls to `targets`.
CompiledFunction MakeFunction(uint32_t words, const std::vector<uint32_t>& targets) {
  CompiledFunction function;
  std::vector<uint32_t> code(words, 0xD503201F);
  for (uint32_t i = 0; i < targets.size(); ++i) {
    code[i] = kCall;
    function.relocations.push_back({.offset = 4 * i,
                                    .kind = static_cast<uint8_t>(aarch64::kRelocBranch26),
                                    .addend = 0,
                                    .target = Key(targets[i])});
  }
  function.code.resize(4 * words);
  std::memcpy(function.code.data(), code.data(), function.code.size());
  return function;
}

uint32_t WordAt(const LinkedText& text, uint64_t at) {
  uint32_t word;
  std::memcpy(&word, text.text.data() + at, sizeof word);
  return word;
}

int64_t Distance(const LinkedText& text, uint32_t at) {
  return static_cast<int64_t>(uint64_t{WordAt(text, at)} << 38) >> 38 << 2;
}

// Where control arrives from the call at `at`, by one veneer at most.
uint64_t Destination(const LinkedText& text, uint32_t at, bool* veneer) {
  EXPECT_EQ(WordAt(text, at) >> 26, kCall >> 26);
  const uint64_t to = static_cast<uint64_t>(int64_t{at} + Distance(text, at));
  *veneer = false;
  for (const auto& [start, size] : text.veneers) *veneer |= to >= start && to < start + size;
  if (!*veneer) return to;
  // adr x16, table; ldr x17, [x16]; add x16, x16, x17; br x16; table: the distance from itself.
  EXPECT_EQ(WordAt(text, to), 0x10000090u);
  EXPECT_EQ(WordAt(text, to + 4), 0xF9400211u);
  EXPECT_EQ(WordAt(text, to + 8), 0x8B110210u);
  EXPECT_EQ(WordAt(text, to + 12), 0xD61F0200u);
  int64_t distance;
  std::memcpy(&distance, text.text.data() + to + 16, sizeof distance);
  return static_cast<uint64_t>(static_cast<int64_t>(to + 16) + distance);
}

std::map<FuncKey, uint32_t> Offsets(const LinkedText& text) {
  std::map<FuncKey, uint32_t> offsets;
  for (const environ::TextFunction& f : text.functions) offsets[f.key] = f.offset;
  return offsets;
}

TEST(TextBuilderAArch64Test, CallsBeyondTheReachOfABranch) {
  constexpr uint32_t kPadding = 70u << 20;
  TextBuilder builder(aarch64::kLinkRules, {.padding = kPadding});
  const std::vector<std::vector<uint32_t>> targets = {{0, 1, 2, 3}, {0, 3}, {0, 1}, {0, 2, 3}};
  for (uint32_t i = 0; i < targets.size(); ++i) {
    ASSERT_TRUE(builder.Append(Key(i), MakeFunction(8, targets[i])).ok());
  }
  const absl::StatusOr<LinkedText> text = std::move(builder).Finish();
  ASSERT_TRUE(text.ok()) << text.status();
  const std::map<FuncKey, uint32_t> offsets = Offsets(*text);
  for (uint32_t i = 0; i < targets.size(); ++i) {
    for (uint32_t c = 0; c < targets[i].size(); ++c) {
      const uint32_t at = offsets.at(Key(i)) + 4 * c;
      const uint32_t target = offsets.at(Key(targets[i][c]));
      bool veneer = false;
      EXPECT_EQ(Destination(*text, at, &veneer), target);
      const int64_t distance = int64_t{target} - at;
      const bool reaches = distance >= -(int64_t{1} << 27) && distance < int64_t{1} << 27;
      // What is called forward may be too far to wait for, and near in the end.
      EXPECT_TRUE(distance > 0 ? veneer || reaches : veneer == !reaches)
          << i << " calls " << targets[i][c];
    }
  }
}

TEST(TextBuilderAArch64Test, EveryCallArrivesWhereReachIsShort) {
  codegen::LinkRules rules = aarch64::kLinkRules;
  rules.rules[0].min_delta = -1000;
  rules.rules[0].max_delta = 1000;
  for (uint32_t seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    const TextOptions options = {.padding = seed % 3 == 0 ? random() % 750 * 4 : 0,
                                 .force_jump_veneer = seed % 5 == 0};
    TextBuilder builder(rules, options);
    const uint32_t count = 1 + random() % 60;
    std::vector<std::vector<uint32_t>> targets(count);
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t calls = random() % 6;
      for (uint32_t c = 0; c < calls; ++c) targets[i].push_back(random() % count);
      ASSERT_TRUE(builder.Append(Key(i), MakeFunction(calls + 1 + random() % 25, targets[i])).ok());
    }
    const absl::StatusOr<LinkedText> text = std::move(builder).Finish();
    ASSERT_TRUE(text.ok()) << text.status();
    const std::map<FuncKey, uint32_t> offsets = Offsets(*text);
    for (uint32_t i = 0; i < count; ++i) {
      for (uint32_t c = 0; c < targets[i].size(); ++c) {
        const uint32_t at = offsets.at(Key(i)) + 4 * c;
        bool veneer = false;
        EXPECT_EQ(Destination(*text, at, &veneer), offsets.at(Key(targets[i][c])));
        EXPECT_TRUE(veneer || !options.force_jump_veneer);
        EXPECT_LE(std::abs(Distance(*text, at)), 1000);
      }
    }
  }
}

}  // namespace
}  // namespace gantry::cranelift
