// Modules that arrive in slices are the same as whole ones, and nothing of them is copied.
#include <algorithm>
#include <functional>
#include <memory>
#include <random>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "base/status_macros.h"
#include "gtest/gtest.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/parser.h"
#include "wasm_translate/testing/extreme_modules.h"
#include "wasm_translate/testing/module_builder.h"
#include "wasm_translate/testing/sample_modules.h"

namespace gantry::wasm {
namespace {

using Bytes = std::vector<uint8_t>;
using ByteSpan = absl::Span<const uint8_t>;

bool Within(ByteSpan part, ByteSpan whole) {
  return std::less_equal<>()(whole.data(), part.data()) &&
         std::less_equal<>()(part.data() + part.size(), whole.data() + whole.size());
}

// What a part is made of; none of its own where it has no bytes.
ByteSpan BytesOf(const Payload& payload) {
  if (const auto* section = std::get_if<Section>(&payload)) return section->bytes;
  if (const auto* entry = std::get_if<CodeEntry>(&payload)) return entry->bytes;
  return {};
}

// A module as it arrives: slices end at the given positions, in order, and at its end. Every
// slice lies, with what has not been consumed yet, in memory of its own that is just as large,
// so that a sanitizer sees a read past it. All of that memory is kept.
class Arrival {
 public:
  explicit Arrival(const Bytes& bytes) : bytes_(bytes) {}

  absl::StatusOr<Module> Parse(const std::vector<size_t>& ends) {
    const ParseOptions options;
    Parser parser(options.limits);
    ModuleValidator validator(options);
    size_t begin = 0;
    auto end = ends.begin();
    ByteSpan input = Receive(begin, end == ends.end() ? bytes_.size() : *end);
    while (true) {
      const bool at_end = end == ends.end();
      ASSIGN_OR_RETURN(Parser::Step step, parser.Next(input, at_end));
      if (!step.payload.has_value()) {
        EXPECT_FALSE(at_end);
        EXPECT_EQ(step.consumed, 0u);
        ++end;
        input = Receive(begin, end == ends.end() ? bytes_.size() : *end);
        continue;
      }
      const ByteSpan part = BytesOf(*step.payload);
      EXPECT_TRUE(part.empty() || Within(part, input.first(step.consumed)));
      begin += step.consumed;
      input.remove_prefix(step.consumed);
      EXPECT_EQ(parser.offset(), begin);
      RETURN_IF_ERROR(validator.Add(*step.payload));
      if (std::holds_alternative<EndOfModule>(*step.payload)) return validator.Finish();
    }
  }

  // Whether bytes lie in memory that the parser was given.
  bool Has(ByteSpan part) const {
    return std::any_of(received_.begin(), received_.end(), [&](const auto& slice) {
      return Within(part, ByteSpan(slice.memory.get(), slice.size));
    });
  }

 private:
  struct Slice {
    std::unique_ptr<uint8_t[]> memory;
    size_t size;
  };

  ByteSpan Receive(size_t begin, size_t end) {
    const size_t size = end - begin;
    received_.push_back({std::make_unique<uint8_t[]>(size), size});
    std::copy_n(bytes_.begin() + static_cast<ptrdiff_t>(begin), size,
                received_.back().memory.get());
    return {received_.back().memory.get(), size};
  }

  const Bytes& bytes_;
  std::vector<Slice> received_;
};

std::string Text(ByteSpan bytes) { return std::string(bytes.begin(), bytes.end()); }

// All that slices could make different.
std::string Describe(const Module& module) {
  std::string text;
  for (TypeIndex type : module.types.ids()) {
    absl::StrAppend(&text, " type ", module.canonical_types[type]);
    if (const FuncType* func = module.types[type].func()) absl::StrAppend(&text, func->ToString());
  }
  for (const Import& import : module.imports) {
    absl::StrAppend(&text, " import ", import.module, ".", import.name, " ", import.entity.raw);
  }
  for (const Export& each : module.exports) {
    absl::StrAppend(&text, " export ", each.name, " ", each.entity.raw);
  }
  for (TypeIndex type : module.functions) absl::StrAppend(&text, " func ", type.raw());
  for (const ElementSegment& segment : module.elements) {
    absl::StrAppend(&text, " elem ", segment.size());
  }
  for (const DataSegment& segment : module.data) {
    absl::StrAppend(&text, " data @", segment.bytes_offset, " ", Text(segment.bytes));
  }
  for (const FunctionBody& body : module.bodies) {
    absl::StrAppend(&text, " body ", body.func.raw(), "@", body.offset, " ", Text(body.bytes));
  }
  for (const CustomSection& section : module.custom_sections) {
    absl::StrAppend(&text, " custom ", section.name, "@", section.offset, Text(section.bytes));
  }
  for (const auto& [func, name] : module.names.functions) {
    absl::StrAppend(&text, " name ", func.raw(), " ", name);
  }
  return text;
}

// The module's description and whether its bodies are valid, or the error's message.
std::string Outcome(const absl::StatusOr<Module>& module) {
  if (!module.ok()) return std::string(module.status().message());
  const absl::Status bodies = ValidateBodies(*module, {});
  return absl::StrCat(Describe(*module), " / ", std::string(bodies.message()));
}

std::vector<size_t> Every(size_t step, size_t size) {
  std::vector<size_t> ends;
  for (size_t end = step; end < size; end += step) ends.push_back(end);
  return ends;
}

TEST(Slices, CutAnywhere) {
  for (const auto& sample : testing::SampleModules()) {
    const std::string whole = Outcome(ParseModule(sample.bytes, {}));
    for (size_t cut = 0; cut <= sample.bytes.size(); ++cut) {
      Arrival arrival(sample.bytes);
      ASSERT_EQ(Outcome(arrival.Parse({cut})), whole) << sample.name << " cut at " << cut;
    }
    for (size_t step : {1, 2, 3, 7, 64}) {
      Arrival arrival(sample.bytes);
      ASSERT_EQ(Outcome(arrival.Parse(Every(step, sample.bytes.size()))), whole)
          << sample.name << " in slices of " << step;
    }
  }
}

TEST(Slices, CutTwiceAnywhere) {
  for (const auto& sample : testing::SampleModules()) {
    if (sample.bytes.size() > 200) continue;
    const std::string whole = Outcome(ParseModule(sample.bytes, {}));
    for (size_t first = 0; first <= sample.bytes.size(); ++first) {
      for (size_t second = first; second <= sample.bytes.size(); ++second) {
        Arrival arrival(sample.bytes);
        ASSERT_EQ(Outcome(arrival.Parse({first, second})), whole) << first << " " << second;
      }
    }
  }
}

TEST(Slices, LargeModulesCutAtRandom) {
  testing::ModuleBuilder builder;
  builder.Memory(1);
  for (int i = 0; i < 2000; ++i) {
    testing::CodeBuilder code;
    for (int j = 0; j < i % 100; ++j) code.I32Const(j * i).Op(Opcode::kDrop);
    builder.Func(FuncType(), code);
    builder.FunctionName(FuncIndex(static_cast<uint32_t>(i)), absl::StrCat("function ", i));
    builder.PassiveData(std::string(static_cast<size_t>(i % 50), 'd'));
  }
  std::mt19937_64 random(1);
  for (const Bytes& bytes : {builder.Build(), testing::LargeBranchTable(100'000),
                             testing::ManyTypes(10'000), testing::LongName(100'000)}) {
    const std::string whole = Outcome(ParseModule(bytes, {}));
    for (size_t slices : {1, 2, 5, 20, 100}) {
      std::vector<size_t> ends;
      for (size_t i = 0; i < slices; ++i) ends.push_back(random() % (bytes.size() + 1));
      std::sort(ends.begin(), ends.end());
      Arrival arrival(bytes);
      ASSERT_EQ(Outcome(arrival.Parse(ends)), whole) << slices;
    }
  }
}

// Of a module that ends within its code section, a parser that has all of it says so at once.
bool IsCutCode(absl::string_view message) {
  return absl::StartsWith(message, "length out of bounds: the code section");
}

TEST(Slices, BadModulesAreRefusedForTheSameReason) {
  for (const auto& sample : testing::SampleModules()) {
    Bytes bytes = sample.bytes;
    for (size_t at = 0; at < bytes.size(); ++at) {
      for (int change : {0x01, 0x80, 0xFF}) {
        bytes[at] = static_cast<uint8_t>(sample.bytes[at] ^ change);
        const auto parsed = ParseModule(bytes, {});
        const std::string whole = Outcome(parsed);
        for (size_t step : {1, 5}) {
          Arrival arrival(bytes);
          const auto sliced = arrival.Parse(Every(step, bytes.size()));
          ASSERT_EQ(sliced.ok(), parsed.ok());
          if (IsCutCode(whole)) continue;
          ASSERT_EQ(Outcome(sliced), whole) << sample.name << " byte " << at << " ^ " << change;
        }
      }
      bytes[at] = sample.bytes[at];
    }
  }
}

// Bodies, segments and custom sections are the bytes that were handed over.
TEST(Slices, NothingIsCopied) {
  for (const auto& sample : testing::SampleModules()) {
    const auto whole = ParseModule(sample.bytes, {});
    ASSERT_TRUE(whole.ok());
    for (const FunctionBody& body : whole->bodies) {
      EXPECT_EQ(body.bytes.data(), sample.bytes.data() + body.offset);
    }
    for (const DataSegment& segment : whole->data) {
      EXPECT_EQ(segment.bytes.data(), sample.bytes.data() + segment.bytes_offset);
    }
    for (const CustomSection& section : whole->custom_sections) {
      EXPECT_EQ(section.bytes.data(), sample.bytes.data() + section.offset);
    }

    Arrival arrival(sample.bytes);
    const auto sliced = arrival.Parse(Every(10, sample.bytes.size()));
    ASSERT_TRUE(sliced.ok());
    for (const FunctionBody& body : sliced->bodies) EXPECT_TRUE(arrival.Has(body.bytes));
    for (const DataSegment& segment : sliced->data) EXPECT_TRUE(arrival.Has(segment.bytes));
    for (const CustomSection& section : sliced->custom_sections) {
      EXPECT_TRUE(arrival.Has(section.bytes));
    }
  }
}

}  // namespace
}  // namespace gantry::wasm
