// The DWARF of a C program (//tests/debugger:guest_program.c), made native for a text that is put
// together here; then with each byte of it changed, and cut. What debuggers make of it is tested in
// //tests/debugger.
#include "cranelift_shared/native_dwarf.h"

#include <cstring>
#include <fstream>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/check.h"
#include "cranelift_shared/dwarf_expression.h"
#include "environ/core/dwarf_rows.h"
#include "environ/translation/debug_sections.h"
#include "gtest/gtest.h"

namespace gantry::cranelift {
namespace {

using environ::ModuleTranslation;
using environ::NativeDebug;

class NativeDwarfTest : public testing::Test {
 protected:
  NativeDwarfTest() {
    std::ifstream file("tests/debugger/guest_program.wasm", std::ios::binary);
    CHECK(file.good());
    bytes_.assign(std::istreambuf_iterator<char>(file), {});
    auto parsed =
        ModuleTranslation::Parse(bytes_, environ::ModuleId(0), environ::TranslationOptions());
    CHECK_OK(parsed.status());
    module_ = *std::move(parsed);
    code_offset_ = environ::CodeSectionOffset(*module_);
    // A byte of machine code for each byte of a body, in the other order of functions.
    uint32_t at = 16;
    std::vector<environ::TextFunction> functions;
    for (size_t i = module_->parsed.bodies.size(); i-- > 0;) {
      const auto index = wasm::DefinedFuncIndex::FromIndex(i);
      const wasm::FunctionBody& body = module_->parsed.bodies[index];
      const uint32_t size = static_cast<uint32_t>(body.bytes.size());
      text_.functions.push_back({.key = module_->KeyOf(index), .offset = at, .size = size});
      for (uint32_t b = 0; b < size; ++b) {
        text_.address_offsets.push_back(at + b);
        text_.address_wasm_offsets.push_back(static_cast<uint32_t>(body.offset) + b);
      }
      at += size;
    }
    areas_.assign(module_->parsed.bodies.size(), 64);
    sections_ = Sections();
  }

  DwarfSections Sections() const {
    DwarfSections sections;
    for (const wasm::CustomSection& section : module_->parsed.custom_sections) {
      if (section.name == ".debug_info") sections.info = section.bytes;
      if (section.name == ".debug_abbrev") sections.abbrev = section.bytes;
      if (section.name == ".debug_line") sections.line = section.bytes;
      if (section.name == ".debug_str") sections.str = section.bytes;
      if (section.name == ".debug_ranges") sections.ranges = section.bytes;
      if (section.name == ".debug_loc") sections.loc = section.bytes;
    }
    return sections;
  }

  NativeDebug Make(const DwarfSections& sections) const {
    return MakeNativeDwarf(sections, *module_, code_offset_, text_, {6, areas_});
  }

  // Reads all of it back. Fails where it is not as it should be.
  struct Read {
    std::map<std::string, std::pair<uint64_t, uint64_t>> subprograms;
    std::set<std::string> located;  // variables with a place
    size_t entries = 0;
  };
  static Read ReadBack(const NativeDebug& debug) {
    Read read;
    DwarfSections sections;
    sections.info = debug.sections[NativeDebug::kInfo];
    sections.abbrev = debug.sections[NativeDebug::kAbbrev];
    sections.str = debug.sections[NativeDebug::kStr];
    DwarfUnit unit;
    size_t at = 0;
    std::set<size_t> offsets;
    std::vector<uint64_t> references;
    for (; at < sections.info.size(); at = unit.end) {
      EXPECT_TRUE(ReadUnitHeader(sections.info, at, unit));
      EXPECT_EQ(unit.version, 4);
      EXPECT_EQ(unit.address_size, 8);
      if (testing::Test::HasFailure()) return read;
      const AbbrevTable abbrevs(sections.abbrev, unit.abbrev_offset);
      DwarfCursor in(sections.info.first(unit.end), unit.entries);
      DwarfEntry entry;
      int depth = 0;
      do {
        EXPECT_TRUE(ReadEntry(in, unit, abbrevs, sections, entry)) << at;
        if (testing::Test::HasFailure()) return read;
        if (entry.kind == nullptr) {
          --depth;
          continue;
        }
        ++read.entries;
        offsets.insert(entry.offset);
        depth += entry.kind->has_children ? 1 : 0;
        for (const DwarfValue& value : entry.values) {
          if (value.is_reference()) references.push_back(value.number);
        }
        const DwarfValue* const name = entry.Find(0x03);
        const DwarfValue* const low = entry.Find(kAtLowPc);
        const DwarfValue* const high = entry.Find(kAtHighPc);
        if (entry.kind->tag == kTagSubprogram && name != nullptr && low != nullptr &&
            high != nullptr) {
          read.subprograms[std::string(name->text())] = {low->number, high->number};
        }
        if (name != nullptr && entry.Find(kAtLocation) != nullptr) {
          read.located.insert(std::string(name->text()));
        }
      } while (depth > 0);
      EXPECT_TRUE(in.done());
    }
    EXPECT_EQ(at, sections.info.size());
    for (const uint64_t reference : references) EXPECT_EQ(offsets.count(reference), 1u);
    for (const NativeDebug::Address& address : debug.addresses) {
      EXPECT_LE(address.offset + 8u, debug.sections[address.section].size());
    }
    return read;
  }

  std::vector<uint8_t> bytes_;
  std::unique_ptr<ModuleTranslation> module_;
  uint32_t code_offset_ = 0;
  environ::LinkedText text_;
  std::vector<uint32_t> areas_;
  DwarfSections sections_;
};

TEST_F(NativeDwarfTest, FunctionsVariablesAndLinesAreNative) {
  const NativeDebug debug = Make(sections_);
  const Read read = ReadBack(debug);
  for (const char* name : {"inner", "outer", "main"}) {
    const auto found = read.subprograms.find(name);
    ASSERT_NE(found, read.subprograms.end()) << name;
    bool is_function = false;
    for (const environ::TextFunction& function : text_.functions) {
      is_function |=
          found->second == std::make_pair(uint64_t{function.offset}, uint64_t{function.size});
    }
    EXPECT_TRUE(is_function) << name;
  }
  for (const char* name :
       {"count", "where", "sum", "i", "total", "number", "half", "place", "result"}) {
    EXPECT_EQ(read.located.count(name), 1u) << name;
  }
  // The first address of inner has the line of inner's beginning.
  const environ::DwarfRows rows(environ::DwarfLines::Sections{
      .line = debug.sections[NativeDebug::kLine], .line_str = {}, .str = {}});
  const auto [begin, size] = read.subprograms.at("inner");
  const std::vector<environ::DwarfRows::Row> lines = rows.Around(static_cast<uint32_t>(begin));
  ASSERT_GE(lines.size(), 5u);
  EXPECT_EQ(lines.front().address, begin);
  EXPECT_EQ(lines.back().address, begin + size);
  EXPECT_TRUE(lines.back().is_end);
  const std::optional<std::string> file = rows.FileOf(lines.front());
  ASSERT_TRUE(file.has_value());
  EXPECT_NE(file->find("guest_program.c"), std::string::npos);
}

TEST_F(NativeDwarfTest, WithoutAreasThereAreNoPlacesButOfStatics) {
  areas_.assign(areas_.size(), 0);
  const Read read = ReadBack(Make(sections_));
  EXPECT_EQ(read.subprograms.count("inner"), 1u);
  EXPECT_EQ(read.located.count("sum"), 0u);
  EXPECT_EQ(read.located.count("total"), 1u);
}

TEST_F(NativeDwarfTest, DamageIsNoDanger) {
  for (absl::Span<const uint8_t> DwarfSections::*section :
       {&DwarfSections::info, &DwarfSections::abbrev, &DwarfSections::line, &DwarfSections::ranges,
        &DwarfSections::str}) {
    std::vector<uint8_t> bytes((sections_.*section).begin(), (sections_.*section).end());
    DwarfSections changed = sections_;
    changed.*section = bytes;
    const size_t step = bytes.size() / 300 + 1;
    for (size_t at = 0; at < bytes.size(); at += step) {
      for (const uint8_t flip : {1, 0x80, 0xFF}) {
        bytes[at] ^= flip;
        const NativeDebug debug = Make(changed);
        if (!debug.empty()) ReadBack(debug);
        ASSERT_FALSE(HasFailure()) << at;
        bytes[at] ^= flip;
      }
    }
    for (size_t size = 0; size < bytes.size(); size += step) {
      changed.*section = absl::MakeConstSpan(bytes).first(size);
      const NativeDebug debug = Make(changed);
      if (!debug.empty()) ReadBack(debug);
      ASSERT_FALSE(HasFailure()) << size;
    }
  }
}

class ExpressionTest : public NativeDwarfTest {
 protected:
  std::optional<std::vector<uint8_t>> Translate(std::vector<uint8_t> expression,
                                                std::vector<uint8_t> frame_base = {}) {
    CodePlaces::Function function;
    function.index = wasm::DefinedFuncIndex(0);
    function.debug_area = 64;
    ExpressionTranslator translator(*module_, 6, 4);
    translator.SetFunction(&function, frame_base);
    return translator.Translate(expression);
  }
};

TEST_F(ExpressionTest, WhatCantBeSaidIsLeftOut) {
  for (const std::vector<uint8_t>& expression : std::vector<std::vector<uint8_t>>{
           {},
           {0xED, 0x00},              // a local without a number
           {0xED, 0x00, 0xFF, 0x7F},  // far too high a number
           {0xED, 0x02, 0x00},        // the operand stack
           {0xED, 0x01, 0xFF, 0x01},  // a global that is not there
           {0x91, 0x04},              // a frame base that is not there
           {0x50},                    // a register of some machine
           {0x28, 0x00, 0x00},        // a branch
           {0x31, 0x9F, 0x31},        // more behind a value
           {0x31, 0x93, 0x04},        // a piece
           {0x0C, 0x01},              // cut
       }) {
    EXPECT_EQ(Translate(expression), std::nullopt);
  }
  EXPECT_EQ(Translate({0x91, 0x04}, {0x91, 0x04}), std::nullopt) << "a frame base by itself";
}

TEST_F(ExpressionTest, Constants) {
  EXPECT_EQ(Translate({0x35, 0x9F}), (std::vector<uint8_t>{0x35, 0x9F}));
}

}  // namespace
}  // namespace gantry::cranelift
