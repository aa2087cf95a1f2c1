#include "wasm_translate/parser.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "wasm_translate/testing/module_builder.h"
#include "wasm_translate/testing/sample_modules.h"

namespace gantry::wasm {
namespace {

std::string Describe(const Payload& payload) {
  if (std::holds_alternative<ModuleHeader>(payload)) return "header";
  if (const auto* section = std::get_if<Section>(&payload)) {
    return absl::StrCat(SectionName(section->id), "@", section->offset, "+", section->bytes.size());
  }
  if (const auto* code = std::get_if<CodeSection>(&payload)) {
    return absl::StrCat("code@", code->offset, "*", code->count);
  }
  if (const auto* entry = std::get_if<CodeEntry>(&payload)) {
    return absl::StrCat("body@", entry->offset, "+", entry->bytes.size());
  }
  return absl::StrCat("end@", std::get<EndOfModule>(payload).offset);
}

// Hands the module over in slices of `step` bytes more at a time.
std::vector<std::string> ParseInSlices(const std::vector<uint8_t>& bytes, size_t step) {
  std::vector<std::string> payloads;
  Parser parser;
  size_t begin = 0;
  size_t end = std::min(step, bytes.size());
  while (true) {
    const bool at_end = end == bytes.size();
    const auto result = parser.Next(absl::MakeConstSpan(bytes).subspan(begin, end - begin), at_end);
    if (!result.ok()) {
      payloads.emplace_back(result.status().message());
      return payloads;
    }
    if (!result->payload.has_value()) {
      EXPECT_FALSE(at_end);
      end = std::min(end + step, bytes.size());
      continue;
    }
    begin += result->consumed;
    EXPECT_EQ(parser.offset(), begin);
    payloads.push_back(Describe(*result->payload));
    if (std::holds_alternative<EndOfModule>(*result->payload)) return payloads;
  }
}

TEST(Parser, PartsOfAModule) {
  testing::ModuleBuilder builder;
  builder.Func(FuncType(), testing::CodeBuilder());
  builder.Func(FuncType(), testing::CodeBuilder().Op(Opcode::kNop));
  EXPECT_EQ(ParseInSlices(builder.Build(), 1000),
            (std::vector<std::string>{"header", "type@10+4", "function@16+3", "code@21*2",
                                      "body@23+2", "body@26+3", "end@29"}));
}

TEST(Parser, SlicesMakeNoDifference) {
  for (const auto& sample : testing::SampleModules()) {
    const auto whole = ParseInSlices(sample.bytes, sample.bytes.size());
    for (size_t step : {1, 2, 3, 7, 64}) EXPECT_EQ(ParseInSlices(sample.bytes, step), whole);
  }
}

TEST(Parser, SizesThatDoNotAddUp) {
  auto parse = [](std::vector<uint8_t> rest) {
    std::vector<uint8_t> bytes = testing::ModuleHeaderBytes();
    bytes.insert(bytes.end(), rest.begin(), rest.end());
    return ParseInSlices(bytes, 1000).back();
  };
  EXPECT_EQ(parse({1, 5, 0}).substr(0, 20), "length out of bounds");
  EXPECT_EQ(parse({10, 3, 1, 1, 0x0B, 0}).substr(0, 14), "unexpected end");
  EXPECT_EQ(parse({10, 4, 1, 1, 0x0B, 0}).substr(0, 21), "section size mismatch");
  EXPECT_EQ(parse({10, 2, 1, 9, 0x0B, 0}).substr(0, 14), "unexpected end");
  EXPECT_EQ(parse({0, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F}).substr(0, 20), "length out of bounds");
}

}  // namespace
}  // namespace gantry::wasm
