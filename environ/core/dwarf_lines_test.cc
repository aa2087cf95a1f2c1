#include "environ/core/dwarf_lines.h"

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "environ/core/dwarf_lines_testing.h"
#include "environ/core/module_debug.h"
#include "gtest/gtest.h"

namespace gantry::environ {
namespace {

std::string At(const DwarfLines& lines, uint32_t address) {
  const std::optional<SourcePosition> position = lines.Find(address);
  if (!position) return "none";
  return position->file + ":" + std::to_string(position->line) + ":" +
         std::to_string(position->column);
}

ByteWriter Program() {
  // Functions out of order, and one that was dropped.
  ByteWriter program = LineSequence({{100, 1, 9, 3}, {110, 1, 1, 0}, {120, 2, -5, 7}}, 130);
  program.Append(LineSequence({{0, 1, 50, 0}}, 40));
  program.Append(LineSequence({{20, 2, 0, 1}}, 30));
  return program;
}

TEST(DwarfLinesTest, Versions2To4) {
  for (uint16_t version : {2, 3, 4}) {
    ByteWriter unit = LineUnit(version, NamesBefore5("dir", "a.c", "b.h"), Program());
    const DwarfLines lines({unit.bytes, {}, {}});
    EXPECT_EQ(At(lines, 100), "a.c:10:3");
    EXPECT_EQ(At(lines, 109), "a.c:10:3");
    EXPECT_EQ(At(lines, 110), "a.c:11:0");
    EXPECT_EQ(At(lines, 129), "dir/b.h:6:7");
    EXPECT_EQ(At(lines, 130), "none");
    EXPECT_EQ(At(lines, 20), "dir/b.h:1:1");
    EXPECT_EQ(At(lines, 19), "none");
    EXPECT_EQ(At(lines, 35), "none");
    EXPECT_FALSE(DwarfLines::UsesStr(unit.bytes));
  }
}

TEST(DwarfLinesTest, Version5NamesFilesByAllForms) {
  ByteWriter line_str, str;
  line_str.Text("/src").Text("inc");
  str.Text("a.c").Text("b.h");
  ByteWriter names;
  // Directories: path by line_strp. Files: path by strp, directory by udata, a digest.
  names.U8(1).Small(1).Small(0x1F).Small(2).U32(0).U32(5);
  names.U8(3).Small(1).Small(0x0E).Small(2).Small(0x0F).Small(5).Small(0x1E).Small(3);
  for (const auto& [text, directory] : {std::pair{0u, 0}, {0u, 0}, {4u, 1}}) {
    names.U32(text).Small(static_cast<uint8_t>(directory));
    for (int i = 0; i < 16; ++i) names.U8(0xAB);
  }
  ByteWriter unit = LineUnit(5, names, Program());
  // A second unit, of an unknown version, is passed over.
  ByteWriter section = LineUnit(77, names, Program());
  section.Append(unit);
  const DwarfLines lines({section.bytes, line_str.bytes, str.bytes});
  EXPECT_EQ(At(lines, 105), "/src/a.c:10:3");
  EXPECT_EQ(At(lines, 125), "inc/b.h:6:7");
  EXPECT_TRUE(DwarfLines::UsesStr(section.bytes));
}

TEST(DwarfLinesTest, SpecialOpcodesAdvanceBoth) {
  ByteWriter program;
  program.U8(0).Small(5).U8(2).U32(50);
  program.U8(13 + 14 * 2 + 7);  // address by 2, line by -5 + 7
  program.U8(8);                // const_add_pc: as opcode 255 would
  program.U8(13 + 14 * 1 + 5);  // address by 1, line by 0
  program.U8(2).Small(10);      // advance_pc
  program.U8(0).Small(1).U8(1);
  ByteWriter unit = LineUnit(4, NamesBefore5("d", "a.c", "b.c"), program);
  const DwarfLines lines({unit.bytes, {}, {}});
  EXPECT_EQ(At(lines, 52), "a.c:3:0");
  EXPECT_EQ(At(lines, 52 + 17 + 1), "a.c:3:0");
  EXPECT_EQ(At(lines, 52 + 17 + 10), "a.c:3:0");
  EXPECT_EQ(At(lines, 52 + 17 + 11), "none");
}

// Each byte cut off or changed gives an answer.
TEST(DwarfLinesTest, DamagedSectionsAreRead) {
  const ByteWriter unit = LineUnit(4, NamesBefore5("dir", "a.c", "b.h"), Program());
  for (size_t size = 0; size < unit.bytes.size(); ++size) {
    const std::vector<uint8_t> cut(unit.bytes.begin(), unit.bytes.begin() + size);
    EXPECT_EQ(At(DwarfLines({cut, {}, {}}), 105), "none");
  }
  for (size_t i = 0; i < unit.bytes.size(); ++i) {
    for (int value : {0, 1, 0x7F, 0x80, 0xFF}) {
      std::vector<uint8_t> changed = unit.bytes;
      changed[i] = static_cast<uint8_t>(value);
      const DwarfLines lines({changed, changed, changed});
      for (uint32_t address : {0u, 20u, 105u, 129u, ~0u}) (void)lines.Find(address);
    }
  }
}

TEST(ModuleDebugTest, ComesBack) {
  const std::vector<uint32_t> bodies = {7, 19, 300};
  const std::vector<uint8_t> line = {1, 2, 3}, line_str = {}, str = {9};
  const std::vector<uint8_t> bytes =
      EncodeModuleDebug(ModuleDebug(5, bodies, {line, line_str, str}));
  EXPECT_EQ(bytes.size() % 8, 0u);
  const ModuleDebug debug = DecodeModuleDebug(bytes);
  EXPECT_EQ(debug.code_offset(), 5u);
  EXPECT_EQ(debug.BodyOffset(2), 300u);
  EXPECT_EQ(debug.BodyOffset(3), std::nullopt);
  EXPECT_EQ(debug.lines().line, absl::MakeConstSpan(line));
  EXPECT_TRUE(debug.lines().line_str.empty());
  EXPECT_EQ(debug.lines().str, absl::MakeConstSpan(str));
  for (size_t size = 0; size < bytes.size(); size += 8) {
    const ModuleDebug cut = DecodeModuleDebug(absl::MakeConstSpan(bytes).first(size));
    (void)cut.BodyOffset(2);
    EXPECT_LE(cut.lines().line.size(), 3u);
  }
}

}  // namespace
}  // namespace gantry::environ
