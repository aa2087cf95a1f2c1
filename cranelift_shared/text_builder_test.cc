#include "cranelift_shared/text_builder.h"

#include <cstdint>
#include <cstring>
#include <map>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "isa_x64/link_rules.h"

namespace gantry::cranelift {
namespace {

using environ::CompiledFunction;
using environ::FuncKey;
using environ::LinkedText;

FuncKey Key(uint32_t index) {
  return FuncKey::WasmFunction(environ::ModuleId(0), wasm::DefinedFuncIndex(index));
}

// A function of `size` bytes whose first calls go to `targets`: E8 and a field of 4 bytes each.
CompiledFunction MakeFunction(uint32_t size, const std::vector<uint32_t>& targets) {
  CompiledFunction function;
  function.code.assign(size, 0x90);
  uint32_t at = 0;
  for (const uint32_t target : targets) {
    function.code[at] = 0xE8;
    function.relocations.push_back(
        {.offset = at + 1, .kind = 0, .addend = -4, .target = Key(target)});
    at += 5;
  }
  return function;
}

// An ISA for tests whose calls reach 1000 bytes only, on the same encoding.
const codegen::LinkRules& ShortRules() {
  static const codegen::LinkRules rules = [] {
    codegen::LinkRules r = x64::kLinkRules;
    r.rules[0].min_delta = -1000;
    r.rules[0].max_delta = 1000;
    return r;
  }();
  return rules;
}

int64_t ReadField(const LinkedText& text, uint32_t at) {
  int32_t value;
  std::memcpy(&value, text.text.data() + at, sizeof value);
  return value;
}

bool IsVeneer(const LinkedText& text, uint32_t at) {
  for (const auto& [start, size] : text.veneers) {
    if (at >= start && at < start + size) return true;
  }
  return false;
}

// Where control arrives from the call whose field is at `field`, following one veneer.
uint32_t Destination(const LinkedText& text, uint32_t field, bool* veneer = nullptr) {
  const uint32_t at = static_cast<uint32_t>(field + 4 + ReadField(text, field));
  const bool through_veneer = IsVeneer(text, at);
  if (veneer != nullptr) *veneer = through_veneer;
  if (!through_veneer) return at;
  int64_t distance;
  std::memcpy(&distance, text.text.data() + at + 24, sizeof distance);
  return static_cast<uint32_t>(at + 24 + distance);
}

std::map<FuncKey, uint32_t> Offsets(const LinkedText& text) {
  std::map<FuncKey, uint32_t> offsets;
  for (const environ::TextFunction& f : text.functions) offsets[f.key] = f.offset;
  return offsets;
}

TEST(TextBuilderTest, NearCallsAreDirectBothWays) {
  TextBuilder builder(x64::kLinkRules, {});
  ASSERT_TRUE(builder.Append(Key(0), MakeFunction(20, {1, 0})).ok());
  ASSERT_TRUE(builder.Append(Key(1), MakeFunction(20, {0})).ok());
  const absl::StatusOr<LinkedText> text = std::move(builder).Finish();
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_TRUE(text->veneers.empty());
  ASSERT_EQ(text->functions.size(), 2u);
  EXPECT_EQ(text->functions[1].offset, 32u);
  EXPECT_EQ(Destination(*text, 1), 32u);
  EXPECT_EQ(Destination(*text, 6), 0u);
  EXPECT_EQ(Destination(*text, 33), 0u);
}

TEST(TextBuilderTest, ForcedVeneersLeadToTheTarget) {
  TextBuilder builder(x64::kLinkRules, {.force_jump_veneer = true});
  ASSERT_TRUE(builder.Append(Key(0), MakeFunction(20, {1, 0})).ok());
  ASSERT_TRUE(builder.Append(Key(1), MakeFunction(20, {0})).ok());
  const absl::StatusOr<LinkedText> text = std::move(builder).Finish();
  ASSERT_TRUE(text.ok()) << text.status();
  const std::map<FuncKey, uint32_t> offsets = Offsets(*text);
  bool veneer = false;
  EXPECT_EQ(Destination(*text, 1, &veneer), offsets.at(Key(1)));
  EXPECT_TRUE(veneer);
  EXPECT_EQ(Destination(*text, 6, &veneer), offsets.at(Key(0)));
  EXPECT_TRUE(veneer);
  EXPECT_EQ(Destination(*text, offsets.at(Key(1)) + 1, &veneer), offsets.at(Key(0)));
  EXPECT_TRUE(veneer);
}

// Random functions and calls under every combination of reach, padding and forcing: each
// call arrives, and no field lies out of its reach.
TEST(TextBuilderTest, EveryCallArrives) {
  for (uint32_t seed = 0; seed < 200; ++seed) {
    std::mt19937 random(seed);
    const bool near = seed % 2 == 0;
    const codegen::LinkRules& rules = near ? ShortRules() : x64::kLinkRules;
    const TextOptions options = {.padding = seed % 3 == 0 ? random() % 3000 : 0,
                                 .force_jump_veneer = seed % 5 == 0};
    TextBuilder builder(rules, options);
    const uint32_t count = 1 + random() % 60;
    std::vector<std::vector<uint32_t>> targets(count);
    for (uint32_t i = 0; i < count; ++i) {
      const uint32_t calls = random() % 6;
      for (uint32_t c = 0; c < calls; ++c) targets[i].push_back(random() % count);
      const auto offset =
          builder.Append(Key(i), MakeFunction(calls * 5 + random() % 100, targets[i]));
      ASSERT_TRUE(offset.ok()) << offset.status();
    }
    const absl::StatusOr<LinkedText> text = std::move(builder).Finish();
    ASSERT_TRUE(text.ok()) << text.status();
    const std::map<FuncKey, uint32_t> offsets = Offsets(*text);
    for (uint32_t i = 0; i < count; ++i) {
      for (size_t c = 0; c < targets[i].size(); ++c) {
        const uint32_t field = offsets.at(Key(i)) + 5 * c + 1;
        bool veneer = false;
        EXPECT_EQ(Destination(*text, field, &veneer), offsets.at(Key(targets[i][c])));
        EXPECT_TRUE(veneer || !options.force_jump_veneer);
        EXPECT_TRUE(!near || std::abs(ReadField(*text, field)) <= 1000);
      }
    }
  }
}

TEST(TextBuilderTest, TablesAreConcatenatedWithTextOffsets) {
  CompiledFunction first, second;
  first = MakeFunction(16, {});
  second = MakeFunction(16, {});
  for (CompiledFunction* function : {&first, &second}) {
    function->traps = {{.offset = 3, .code = 2}};
    function->address_map = {{.offset = 0, .wasm_offset = 100}, {.offset = 8, .wasm_offset = 110}};
    function->stack_maps = {{.offset = 5, .first_slot = 0, .slot_count = 2},
                            {.offset = 9, .first_slot = 2, .slot_count = 0}};
    function->stack_map_slots = {8, 16};
  }
  second.stack_maps = {{.offset = 4, .first_slot = 1, .slot_count = 1}};
  TextBuilder builder(x64::kLinkRules, {});
  ASSERT_TRUE(builder.Append(Key(0), first).ok());
  ASSERT_TRUE(builder.Append(Key(1), second).ok());
  const absl::StatusOr<LinkedText> text = std::move(builder).Finish();
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(text->trap_offsets, (std::vector<uint32_t>{3, 19}));
  EXPECT_EQ(text->address_offsets, (std::vector<uint32_t>{0, 8, 16, 24, 32}));
  EXPECT_EQ(text->address_wasm_offsets,
            (std::vector<uint32_t>{100, 110, 100, 110, environ::kNoWasmOffset}));
  EXPECT_EQ(text->stack_map_offsets, (std::vector<uint32_t>{5, 9, 20}));
  EXPECT_EQ(text->stack_map_lists, (std::vector<uint32_t>{1, 0, 2}));
  EXPECT_EQ(text->slot_lists, (std::vector<environ::SlotList>{{0, 0}, {0, 2}, {3, 1}}));
  EXPECT_EQ(text->stack_map_slots, (std::vector<uint32_t>{8, 16, 8, 16}));
}

TEST(TextBuilderTest, InlineSitesAreNumberedThroughout) {
  constexpr uint32_t kNone = environ::kNoInlineSite;
  CompiledFunction inlined = MakeFunction(16, {});
  inlined.inline_ranges = {
      {.offset = 2, .site = 1}, {.offset = 5, .site = kNone}, {.offset = 9, .site = 0}};
  inlined.inline_sites = {{kNone, 7, 70}, {0, 8, 80}};
  TextBuilder builder(x64::kLinkRules, {});
  ASSERT_TRUE(builder.Append(Key(0), inlined).ok());
  inlined.inline_ranges[0].offset = 0;
  ASSERT_TRUE(builder.Append(Key(1), inlined).ok());
  ASSERT_TRUE(builder.Append(Key(2), MakeFunction(16, {})).ok());
  inlined.inline_ranges.pop_back();
  ASSERT_TRUE(builder.Append(Key(3), inlined).ok());
  const absl::StatusOr<LinkedText> text = std::move(builder).Finish();
  ASSERT_TRUE(text.ok()) << text.status();
  EXPECT_EQ(text->inline_offsets, (std::vector<uint32_t>{2, 5, 9, 16, 21, 25, 32, 48, 53}));
  EXPECT_EQ(text->inline_range_sites,
            (std::vector<uint32_t>{1, kNone, 0, 3, kNone, 2, kNone, 5, kNone}));
  EXPECT_EQ(
      text->inline_sites,
      (std::vector<environ::InlineSite>{
          {kNone, 7, 70}, {0, 8, 80}, {kNone, 7, 70}, {2, 8, 80}, {kNone, 7, 70}, {4, 8, 80}}));
}

TEST(TextBuilderTest, MissingTargetIsAnError) {
  TextBuilder builder(x64::kLinkRules, {});
  ASSERT_TRUE(builder.Append(Key(0), MakeFunction(20, {9})).ok());
  const absl::StatusOr<LinkedText> text = std::move(builder).Finish();
  EXPECT_EQ(text.status().code(), absl::StatusCode::kInternal);
  EXPECT_NE(text.status().message().find("wasm[0]::function[9]"), absl::string_view::npos);
}

}  // namespace
}  // namespace gantry::cranelift
