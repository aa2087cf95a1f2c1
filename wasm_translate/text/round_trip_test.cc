// Binary to text to binary over every module of the official scripts, those that they say are
// invalid included where they can be decoded: the bytes stay what they are. Those that are not
// written as the text parser writes them stand in testdata/not_canonical.txt with the reason;
// they change once, and not a second time.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/text/lexer.h"
#include "wasm_translate/text/printer.h"
#include "wasm_translate/text/source.h"
#include "wasm_translate/text/text_parser.h"
#include "wasm_translate/text/token_cursor.h"
#include "wast/testsuite.h"

namespace gantry::wasm::text {
namespace {

namespace fs = std::filesystem;
using Bytes = std::vector<uint8_t>;

struct Counts {
  int modules = 0;
  int valid = 0;
  int refused = 0;  // neither decoded nor valid
  int identical = 0;
  int canonical_after = 0;
};

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  EXPECT_TRUE(in) << path;
  return std::string(std::istreambuf_iterator<char>(in), {});
}

ParseOptions AllFeatures() {
  ParseOptions options;
  options.features = Features::All();
  return options;
}

absl::StatusOr<Bytes> Parse(absl::string_view text) {
  auto module = ParseText(SourceText("printed", text));
  if (!module.ok()) return module.status();
  return std::move(module->bytes);
}

// The bytes behind each `(module` of a script, wherever it stands, with its offset; those whose
// text is malformed are left out.
std::vector<std::pair<uint32_t, Bytes>> ModulesOf(const SourceText& source) {
  std::vector<std::pair<uint32_t, Bytes>> modules;
  const auto tokens = Tokenize(source);
  EXPECT_TRUE(tokens.ok()) << tokens.status();
  if (!tokens.ok()) return modules;
  TokenCursor cursor(source, *tokens);
  // A script may be the fields of one module.
  if (const auto whole = ParseText(source); whole.ok()) {
    modules.emplace_back(0, whole->bytes);
    return modules;
  }
  while (!cursor.AtEnd()) {
    const uint32_t offset = cursor.Peek().offset;
    if (!cursor.TakeOpen("module")) {
      cursor.Take();
      continue;
    }
    cursor.TakeKeyword("definition");
    absl::string_view id;
    if (cursor.AtId()) id = cursor.TextOf(cursor.Take());
    if (cursor.AtKeyword("instance")) continue;
    const bool is_binary = cursor.TakeKeyword("binary");
    const bool is_quote = !is_binary && cursor.TakeKeyword("quote");
    if (is_binary || is_quote) {
      std::string contents;
      while (cursor.AtString()) absl::StrAppend(&contents, *cursor.ExpectString());
      if (is_binary) {
        modules.emplace_back(offset, Bytes(contents.begin(), contents.end()));
      } else if (auto quoted = Parse(contents); quoted.ok()) {
        modules.emplace_back(offset, *std::move(quoted));
      }
      continue;
    }
    TokenCursor fields = cursor;
    if (auto module = ParseModuleFields(fields, {}, id); module.ok()) {
      modules.emplace_back(offset, std::move(module->bytes));
    }
  }
  return modules;
}

// What became of a module.
enum class Outcome { kRefused, kIdentical, kCanonicalAfter };

Outcome RoundTrip(const Bytes& bytes, const std::string& where, Counts* counts) {
  const ParseOptions parse = AllFeatures();
  const bool valid = ValidateModule(bytes, parse).ok();
  counts->valid += valid ? 1 : 0;
  PrintOptions print;
  print.parse = parse;
  const auto text = PrintModule(bytes, print);
  if (!text.ok()) {
    EXPECT_FALSE(valid) << where << ": " << text.status();
    return Outcome::kRefused;
  }
  const auto second = Parse(*text);
  if (!second.ok()) {
    EXPECT_FALSE(valid) << where << ": " << second.status();
    return Outcome::kRefused;
  }
  if (*second == bytes) {
    // So they are where the name section is a custom section like any other.
    print.names = false;
    const auto numbers = PrintModule(bytes, print);
    EXPECT_TRUE(numbers.ok()) << where << ": " << numbers.status();
    const auto from_numbers = numbers.ok() ? Parse(*numbers) : numbers.status();
    EXPECT_TRUE(from_numbers.ok() && *from_numbers == bytes) << where << ": without names";
    return Outcome::kIdentical;
  }
  EXPECT_TRUE(!valid || ValidateModule(*second, parse).ok()) << where;
  const auto again = PrintModule(*second, print);
  EXPECT_TRUE(again.ok()) << where << ": " << again.status();
  if (!again.ok()) return Outcome::kRefused;
  const auto third = Parse(*again);
  EXPECT_TRUE(third.ok()) << where << ": " << third.status();
  EXPECT_TRUE(third.ok() && *third == *second) << where << ": changes a second time";
  return Outcome::kCanonicalAfter;
}

// `FILE:LINE: reason` lines, but for comments.
std::map<std::string, std::string> ReadListed() {
  std::map<std::string, std::string> listed;
  const std::string contents = ReadFile("wasm_translate/text/testdata/not_canonical.txt");
  for (absl::string_view line : absl::StrSplit(contents, '\n', absl::SkipEmpty())) {
    if (line[0] == '#') continue;
    const std::pair<absl::string_view, absl::string_view> halves =
        absl::StrSplit(line, absl::MaxSplits(": ", 1));
    EXPECT_FALSE(halves.second.empty()) << "without a reason: " << line;
    EXPECT_TRUE(listed.emplace(halves.first, halves.second).second) << "twice: " << line;
  }
  return listed;
}

TEST(RoundTripTest, EveryModuleOfTheScripts) {
  const auto folder = wast::TestsuiteFolder();
  if (!folder.has_value()) {
    std::cout << "the official scripts are not here: set GANTRY_TESTSUITE to their folder\n";
    GTEST_SKIP();
  }
  std::vector<fs::path> scripts;
  for (const auto& entry : fs::recursive_directory_iterator(*folder)) {
    if (entry.path().extension() == ".wast") scripts.push_back(entry.path());
  }
  std::sort(scripts.begin(), scripts.end());
  std::map<std::string, std::string> listed = ReadListed();
  Counts counts;
  for (const fs::path& path : scripts) {
    const std::string text = ReadFile(path);
    const std::string name = fs::relative(path, *folder).string();
    const SourceText source(name, text);
    for (const auto& [offset, bytes] : ModulesOf(source)) {
      const std::string where = absl::StrCat(name, ":", source.PositionOf(offset).line);
      ++counts.modules;
      switch (RoundTrip(bytes, where, &counts)) {
        case Outcome::kRefused:
          ++counts.refused;
          break;
        case Outcome::kIdentical:
          ++counts.identical;
          break;
        case Outcome::kCanonicalAfter:
          ++counts.canonical_after;
          EXPECT_EQ(listed.erase(where), 1u) << where << ": changes";
          break;
      }
    }
  }
  for (const auto& [where, reason] : listed) {
    ADD_FAILURE() << where << " is listed (" << reason << "), but does not change";
  }
  std::cout << scripts.size() << " scripts, " << counts.modules << " modules, " << counts.valid
            << " of them valid: " << counts.identical << " identical, " << counts.canonical_after
            << " canonical after the first time, " << counts.refused
            << " refused (none of them valid)\n";
  EXPECT_GT(counts.identical, 2500);
}

}  // namespace
}  // namespace gantry::wasm::text
