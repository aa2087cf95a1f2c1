#include "wasm_translate/name_section.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "wasm_translate/testing/module_builder.h"

namespace gantry::wasm {
namespace {

using ::gantry::wasm::testing::ByteWriter;
using ::testing::ElementsAre;

void Subsection(ByteWriter& out, uint8_t id, const ByteWriter& contents) {
  out.U8(id).VarU32(static_cast<uint32_t>(contents.size())).Bytes(contents.bytes());
}

// Every name as a line, in the order of the tables.
std::vector<std::string> Lines(const Names& names) {
  std::vector<std::string> lines;
  if (names.module.data() != nullptr) lines.push_back(absl::StrCat("module ", names.module));
  const auto add_map = [&](const char* kind, const auto& map) {
    for (const auto& [index, name] : map) {
      lines.push_back(absl::StrCat(kind, " ", index.raw(), " ", name));
    }
  };
  add_map("func", names.functions);
  for (const auto& entry : names.locals) {
    lines.push_back(
        absl::StrCat("local ", entry.func.raw(), " ", entry.local.raw(), " ", entry.name));
  }
  for (const auto& entry : names.labels) {
    lines.push_back(absl::StrCat("label ", entry.func.raw(), " ", entry.label, " ", entry.name));
  }
  add_map("type", names.types);
  add_map("table", names.tables);
  add_map("memory", names.memories);
  add_map("global", names.globals);
  add_map("elem", names.elements);
  add_map("data", names.data);
  for (const auto& entry : names.fields) {
    lines.push_back(
        absl::StrCat("field ", entry.type.raw(), " ", entry.field.raw(), " ", entry.name));
  }
  add_map("tag", names.tags);
  return lines;
}

ByteWriter EverySubsection() {
  ByteWriter out;
  Subsection(out, 0, ByteWriter().Name("m"));
  for (uint8_t id = 1; id <= 11; ++id) {
    ByteWriter contents;
    const std::string name = absl::StrCat("n", id);
    const bool indirect = id == 2 || id == 3 || id == 10;
    if (indirect) contents.VarU32(2).VarU32(1).VarU32(1).VarU32(0).Name("x").VarU32(300);
    contents.VarU32(2).VarU32(id).Name(name).VarU32(200).Name(absl::StrCat(name, "b"));
    Subsection(out, id, contents);
  }
  return out;
}

TEST(NameSectionTest, ReadsEverySubsection) {
  const ByteWriter bytes = EverySubsection();
  EXPECT_THAT(Lines(ReadNameSection(bytes.bytes())),
              ElementsAre("module m", "func 1 n1", "func 200 n1b", "local 1 0 x", "local 300 2 n2",
                          "local 300 200 n2b", "label 1 0 x", "label 300 3 n3", "label 300 200 n3b",
                          "type 4 n4", "type 200 n4b", "table 5 n5", "table 200 n5b", "memory 6 n6",
                          "memory 200 n6b", "global 7 n7", "global 200 n7b", "elem 8 n8",
                          "elem 200 n8b", "data 9 n9", "data 200 n9b", "field 1 0 x",
                          "field 300 10 n10", "field 300 200 n10b", "tag 11 n11", "tag 200 n11b"));
}

TEST(NameSectionTest, WritesWhatItReads) {
  const ByteWriter bytes = EverySubsection();
  EXPECT_EQ(EncodeNameSection(ReadNameSection(bytes.bytes())), bytes.bytes());
  EXPECT_TRUE(EncodeNameSection(Names()).empty());
  ByteWriter empty_name;
  Subsection(empty_name, 0, ByteWriter().Name(""));
  EXPECT_EQ(EncodeNameSection(ReadNameSection(empty_name.bytes())), empty_name.bytes());
}

TEST(NameSectionTest, KeepsTheFirstNameOfAnIndexAndSorts) {
  ByteWriter out;
  Subsection(out, 1,
             ByteWriter().VarU32(3).VarU32(7).Name("a").VarU32(3).Name("b").VarU32(7).Name("c"));
  Subsection(out, 2,
             ByteWriter()
                 .VarU32(2)
                 .VarU32(5)
                 .VarU32(1)
                 .VarU32(0)
                 .Name("x")
                 .VarU32(4)
                 .VarU32(2)
                 .VarU32(1)
                 .Name("y")
                 .VarU32(1)
                 .Name("z"));
  EXPECT_THAT(Lines(ReadNameSection(out.bytes())),
              ElementsAre("func 3 b", "func 7 a", "local 4 1 y", "local 5 0 x"));
}

TEST(NameSectionTest, KeepsWhatComesBeforeAnError) {
  ByteWriter out;
  // More names announced than there are, then bytes that are not UTF-8.
  Subsection(out, 1, ByteWriter().VarU32(2).VarU32(0).Name("f"));
  Subsection(out, 7, ByteWriter().VarU32(2).VarU32(0).Name("g").VarU32(1).Name("\xFF"));
  Subsection(out, 40, ByteWriter().VarU32(2));
  out.U8(4).VarU32(100);
  EXPECT_THAT(Lines(ReadNameSection(out.bytes())), ElementsAre("func 0 f", "global 0 g"));
}

TEST(NameSectionTest, AnyPrefixIsRead) {
  const std::vector<uint8_t> bytes = EverySubsection().bytes();
  size_t lines = 0;
  for (size_t size = 0; size <= bytes.size(); ++size) {
    const size_t found = Lines(ReadNameSection(absl::MakeConstSpan(bytes).first(size))).size();
    EXPECT_GE(found, lines);
    lines = found;
  }
  EXPECT_EQ(lines, 26u);
}

}  // namespace
}  // namespace gantry::wasm
