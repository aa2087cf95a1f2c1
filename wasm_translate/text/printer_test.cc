// testdata/every_operator.wat has every operator once, in a body that is no valid one;
// testdata/every_form.wat has everything else that a text can say, and is what the printer
// makes of itself. They are goldens: tools/rewrite_goldens writes what the printer prints.
#include "wasm_translate/text/printer.h"

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <map>
#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "gtest/gtest.h"
#include "wasm_translate/error.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/operators.h"
#include "wasm_translate/testing/module_builder.h"
#include "wasm_translate/text/source.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry::wasm::text {
namespace {

using ::gantry::wasm::testing::ByteWriter;
using ::gantry::wasm::testing::CodeBuilder;
using ::gantry::wasm::testing::ModuleBuilder;

PrintOptions AllFeatures() {
  PrintOptions options;
  options.parse.features = Features::All();
  return options;
}

std::string Print(absl::Span<const uint8_t> bytes, const PrintOptions& options = AllFeatures()) {
  const auto text = PrintModule(bytes, options);
  EXPECT_TRUE(text.ok()) << text.status();
  return text.ok() ? *text : "";
}

std::string ReadFile(const std::string& path) {
  std::ifstream file(path);
  EXPECT_TRUE(file) << path;
  std::ostringstream contents;
  contents << file.rdbuf();
  return contents.str();
}

void ExpectGolden(const std::string& text, const std::string& path) {
  if (const char* folder = std::getenv("GANTRY_REWRITE_GOLDENS")) {
    std::ofstream(absl::StrCat(folder, "/", path)) << text;
  }
  EXPECT_EQ(text, ReadFile(path));
}

// Immediates that are not what is left out by default.
ByteWriter SampleImmediates(Opcode op) {
  const OperatorInfo& info = GetOperatorInfo(op);
  ByteWriter out;
  switch (info.immediates) {
    case Immediates::kNone:
      break;
    case Immediates::kBlockType:
      out.U8(0x40);
      break;
    case Immediates::kTryTable:
      out.U8(0x7F).VarU32(4);
      out.U8(0).VarU32(7).VarU32(0).U8(1).VarU32(7).VarU32(1).U8(2).VarU32(0).U8(3).VarU32(0);
      break;
    case Immediates::kLabelTable:
      out.VarU32(2).VarU32(1).VarU32(0).VarU32(0);
      break;
    case Immediates::kLabel:
    case Immediates::kFunc:
    case Immediates::kType:
    case Immediates::kTag:
    case Immediates::kLocal:
    case Immediates::kGlobal:
    case Immediates::kTable:
    case Immediates::kElem:
    case Immediates::kMemory:
    case Immediates::kData:
      out.VarU32(1);
      break;
    case Immediates::kTypeTable:
    case Immediates::kTableTable:
    case Immediates::kElemTable:
    case Immediates::kMemoryMemory:
    case Immediates::kDataMemory:
    case Immediates::kTypeField:
    case Immediates::kTypeCount:
    case Immediates::kTypeData:
    case Immediates::kTypeElem:
    case Immediates::kTypeType:
      out.VarU32(2).VarU32(3);
      break;
    case Immediates::kMemArg:
    case Immediates::kMemArgLane:
      // With a memory, and half the natural alignment where there is a half.
      out.VarU32(0x40 | (info.align_or_lanes > 0 ? info.align_or_lanes - 1u : 0u));
      out.VarU32(1).VarU32(300);
      if (info.immediates == Immediates::kMemArgLane) out.U8(1);
      break;
    case Immediates::kLane:
      out.U8(1);
      break;
    case Immediates::kShuffle:
      for (uint8_t lane = 0; lane < 16; ++lane) out.U8(static_cast<uint8_t>(31 - 2 * lane));
      break;
    case Immediates::kI32:
      out.VarS64(-1234567);
      break;
    case Immediates::kI64:
      out.VarS64(INT64_MIN);
      break;
    case Immediates::kF32:
      out.Bytes({0x00, 0x00, 0xC0, 0x3F});
      break;
    case Immediates::kF64:
      out.Bytes({0x01, 0x00, 0x00, 0x00, 0x00, 0x00, 0xF0, 0xFF});
      break;
    case Immediates::kV128:
      for (uint8_t i = 0; i < 16; ++i) out.U8(static_cast<uint8_t>(i * 17));
      break;
    case Immediates::kSelectTypes:
      out.VarU32(1).U8(0x63).VarU32(1);
      break;
    case Immediates::kHeapType:
      out.U8(0x6B);
      break;
    case Immediates::kBrOnCast:
      out.U8(2).VarU32(0).U8(0x6E).VarU32(1);
      break;
    case Immediates::kFence:
      out.U8(0);
      break;
  }
  return out;
}

std::vector<uint8_t> Parse(absl::string_view text) {
  const auto module = ParseText(SourceText("text", text));
  EXPECT_TRUE(module.ok()) << module.status().message();
  return module.ok() ? module->bytes : std::vector<uint8_t>();
}

std::vector<uint8_t> EveryOperator() {
  CodeBuilder code;
  for (Opcode op : AllOpcodes()) {
    if (op == Opcode::kElse || op == Opcode::kEnd) continue;
    code.Op(op, SampleImmediates(op).bytes());
    if (op == Opcode::kIf) code.Op(Opcode::kElse);
    if (GetOperatorInfo(op).immediates == Immediates::kBlockType || op == Opcode::kTryTable) {
      code.End();
    }
  }
  ModuleBuilder builder;
  builder.Func(FuncType({}, {}), code);
  builder.WithDataCount();
  return builder.Build();
}

TEST(PrinterTest, EveryOperator) {
  const std::string text = Print(EveryOperator());
  ExpectGolden(text, "wasm_translate/text/testdata/every_operator.wat");
  // No operator is missing there; two may share a name.
  std::map<std::string, int> lines;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    line = absl::StripLeadingAsciiWhitespace(line);
    ++lines[std::string(line.substr(0, line.find(' ')))];
  }
  for (Opcode op : AllOpcodes()) {
    EXPECT_GT(lines[std::string(OpcodeName(op))]--, 0) << OpcodeName(op);
  }
  EXPECT_EQ(Parse(text), EveryOperator());
}

TEST(PrinterTest, EveryForm) {
  const std::string path = "wasm_translate/text/testdata/every_form.wat";
  const std::vector<uint8_t> bytes = Parse(ReadFile(path));
  EXPECT_TRUE(ValidateModule(bytes, AllFeatures().parse).ok())
      << ValidateModule(bytes, AllFeatures().parse);
  const std::string text = Print(bytes);
  ExpectGolden(text, path);
  EXPECT_EQ(Parse(text), bytes);
  PrintOptions without = AllFeatures();
  without.names = false;
  EXPECT_EQ(Parse(Print(bytes, without)), bytes);
}

TEST(PrinterTest, WhatIsTheDefaultIsLeftOut) {
  ModuleBuilder builder;
  builder.Memory(1);
  CodeBuilder code;
  code.Op(Opcode::kI32Load, {2, 0}).Op(Opcode::kI32Load, {0, 0}).Op(Opcode::kI64Store8, {0, 7});
  code.Op(Opcode::kMemorySize, {0}).Op(Opcode::kMemoryCopy, {0, 0});
  code.Op(Opcode::kMemoryCopy, {0, 1}).Op(Opcode::kMemoryInit, {5, 0});
  code.Op(Opcode::kTableGet, {0}).Op(Opcode::kTableInit, {5, 0}).Op(Opcode::kTableCopy, {0, 0});
  code.Op(Opcode::kCallIndirect, {0, 0});
  builder.Func(FuncType({}, {}), code);
  EXPECT_EQ(Print(builder.Build()), R"((module
  (type (func))
  (memory 1)
  (func (type 0)
    i32.load
    i32.load align=1
    i64.store8 offset=7
    memory.size
    memory.copy
    memory.copy 0 1
    memory.init 5
    table.get
    table.init 5
    table.copy
    call_indirect (type 0)
  )
)
)");
}

TEST(PrinterTest, ABodyMustBeWellFormedButNotValid) {
  const auto print = [](std::vector<uint8_t> body, const PrintOptions& options) {
    ModuleBuilder builder;
    builder.RawFunc(builder.Type({}, {}), body);
    return PrintModule(builder.Build(), options).status();
  };
  const auto refused = [&](std::vector<uint8_t> body, absl::string_view message) {
    const absl::Status status = print(body, AllFeatures());
    EXPECT_TRUE(absl::StartsWith(status.message(), message)) << status;
    EXPECT_TRUE(ErrorOffset(status).has_value()) << status;
  };
  EXPECT_TRUE(print({0x00, 0x6A, 0x20, 0x63, 0x0C, 0x09, 0x0B}, AllFeatures()).ok());
  refused({0x00, 0x6A}, "unexpected end of section or function");
  refused({0x00, 0x0B, 0x0B}, "END opcode expected");
  refused({0x00, 0x05, 0x0B}, "unexpected else");
  refused({0x00, 0x04, 0x40, 0x05, 0x05, 0x0B, 0x0B}, "unexpected else");
  refused({0x00, 0x02, 0x40, 0x05, 0x0B, 0x0B}, "unexpected else");
  refused({0x00, 0xFF, 0x0B}, "illegal opcode ff");
  refused({0x00, 0xFC, 0x30, 0x0B}, "illegal opcode fc 30");
  refused({0x00, 0x02, 0x00, 0x0B}, "unexpected end");
  refused({0x00, 0x02, 0x41, 0x0B, 0x0B}, "malformed value type");
  refused({0x00, 0x28, 0x80, 0x01, 0x00, 0x0B}, "malformed memop flags");
  refused({0x00, 0x0E, 0x7F, 0x00, 0x0B}, "unexpected end");
  refused({0x00, 0x41, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00}, "integer representation too long");
  refused({0x00, 0xFE, 0x03, 0x01, 0x0B}, "zero byte expected");
  refused({0x01, 0xFF, 0xFF, 0xFF, 0xFF, 0x0F, 0x7F, 0x0B}, "too many locals");
  PrintOptions mvp;
  mvp.parse.features = Features();
  const absl::Status status = print({0x00, 0xC0, 0x0B}, mvp);
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented) << status;
  EXPECT_TRUE(absl::StrContains(status.message(), "sign-extension")) << status;
}

TEST(PrinterTest, EveryPrefixOfABodyIsRefused) {
  const std::vector<uint8_t> whole = EveryOperator();
  const auto module = ParseModule(whole, AllFeatures().parse);
  ASSERT_TRUE(module.ok()) << module.status();
  const auto body = module->bodies[DefinedFuncIndex(0)].bytes;
  for (size_t size = 0; size < body.size(); ++size) {
    ModuleBuilder builder;
    builder.RawFunc(builder.Type({}, {}), body.first(size));
    EXPECT_FALSE(PrintModule(builder.Build(), AllFeatures()).ok()) << size;
  }
}

// Appends a name section.
std::vector<uint8_t> WithNames(const ModuleBuilder& builder, absl::Span<const uint8_t> contents) {
  ByteWriter section;
  section.Name("name").Bytes(contents);
  ByteWriter whole;
  whole.Bytes(builder.Build()).U8(0).VarU32(static_cast<uint32_t>(section.size()));
  return whole.Bytes(section.bytes()).bytes();
}

// Deep nesting takes neither stack nor more than its share of indentation.
TEST(PrinterTest, ManyNestedBlocks) {
  constexpr int kDepth = 100'000;
  CodeBuilder code;
  for (int i = 0; i < kDepth; ++i) code.Open(i % 3 == 0 ? Opcode::kLoop : Opcode::kBlock);
  code.Br(kDepth - 1);
  for (int i = 0; i < kDepth; ++i) code.End();
  ModuleBuilder builder;
  builder.Func(FuncType({}, {}), code);
  const std::vector<uint8_t> bytes = builder.Build();
  const std::string text = Print(bytes);
  EXPECT_TRUE(absl::StrContains(text, absl::StrCat(" br ", kDepth - 1, "\n")));
  EXPECT_LT(text.size(), size_t{kDepth} * 2 * 70);
  EXPECT_EQ(Parse(text), bytes);
}

// Each label hides the one before it, and is there again when the block ends.
TEST(PrinterTest, ManyLabelsOfOneName) {
  constexpr uint32_t kDepth = 20'000;
  CodeBuilder code;
  for (uint32_t i = 0; i < kDepth; ++i) code.Open(Opcode::kBlock);
  code.Br(1);
  for (uint32_t i = 0; i < kDepth; ++i) code.Br(0).End();
  ModuleBuilder builder;
  builder.Func(FuncType({}, {}), code);
  ByteWriter labels;
  labels.VarU32(1).VarU32(0).VarU32(kDepth);
  for (uint32_t i = 0; i < kDepth; ++i) labels.VarU32(i).Name(i == 7 ? "" : "l");
  const std::vector<uint8_t> bytes =
      WithNames(builder, ByteWriter().Section(3, labels.bytes()).bytes());
  const std::string text = Print(bytes);
  EXPECT_TRUE(absl::StrContains(text, "block $l\n"));
  EXPECT_TRUE(absl::StrContains(text, "block (@name \"\")\n"));
  EXPECT_TRUE(absl::StrContains(text, "br 1\n"));
  EXPECT_TRUE(absl::StrContains(text, "br $l\n"));
  EXPECT_TRUE(absl::StrContains(text, "br 0\n"));
  EXPECT_EQ(Parse(text), bytes);
}

TEST(PrinterTest, MuchOfEverything) {
  // A name of 10 MB that is called a thousand times, half of them by a function with the most
  // locals.
  ModuleBuilder builder;
  const TypeIndex type = builder.Type({}, {});
  CodeBuilder calls;
  for (int i = 0; i < 500; ++i) calls.Call(FuncIndex(0));
  const FuncIndex f = builder.Func(type, calls);
  builder.Func(type, calls.Locals(50'000, ValType::I32()));
  builder.FunctionName(f, std::string(10'000'000, 'n'));
  // A table of a million branches.
  CodeBuilder table;
  ByteWriter depths;
  depths.VarU32(1'000'000);
  for (int i = 0; i <= 1'000'000; ++i) depths.VarU32(0);
  table.I32Const(0).Op(Opcode::kBrTable, depths.bytes());
  builder.Func(type, table);
  const std::vector<uint8_t> bytes = builder.Build();
  const std::string text = Print(bytes);
  EXPECT_LT(text.size(), 2 * bytes.size() + 10'000'000);
  EXPECT_EQ(Parse(text), bytes);
}

TEST(PrinterTest, AMillionTypes) {
  ByteWriter types;
  types.VarU32(1'000'000);
  for (int i = 0; i < 1'000'000; ++i) types.Func(FuncType({ValType::I32()}, {}));
  ByteWriter module;
  module.Bytes(kModuleHeader).Section(1, types.bytes());
  EXPECT_EQ(Parse(Print(module.bytes())), module.bytes());
}

TEST(PrinterTest, ATextHasALargestSize) {
  ModuleBuilder builder;
  const TypeIndex type = builder.Type({}, {});
  for (int i = 0; i < 100; ++i) {
    builder.Func(type, CodeBuilder().Locals(50'000, ValType::I32()));
  }
  PrintOptions options;
  EXPECT_TRUE(PrintModule(builder.Build(), options).ok());
  options.max_size = 1'000'000;
  EXPECT_EQ(PrintModule(builder.Build(), options).status().code(),
            absl::StatusCode::kResourceExhausted);
}

TEST(PrinterTest, NamesInThePlacesOfNumbers) {
  ModuleBuilder builder;
  const TypeIndex type = builder.Type({ValType::I32()}, {});
  const FuncIndex f = builder.Func(type, CodeBuilder().LocalGet(0).Call(FuncIndex(1)));
  const FuncIndex g = builder.Func(type, CodeBuilder());
  builder.FunctionName(f, "f");
  builder.FunctionName(g, "a b");
  EXPECT_EQ(Print(builder.Build()), R"((module
  (type (func (param i32)))
  (func $f (type 0) (param i32)
    local.get 0
    call $"a b"
  )
  (func $"a b" (type 0) (param i32)
  )
)
)");
  PrintOptions without = AllFeatures();
  without.names = false;
  EXPECT_TRUE(
      absl::StrContains(Print(builder.Build(), without),
                        "(@custom \"name\" (after code) \"\\01\\09\\02\\00\\01f\\01\\03a b\")"));
}

TEST(PrinterTest, SaysWhatItDrops) {
  ModuleBuilder builder;
  builder.Func(FuncType({}, {}), CodeBuilder());
  const auto first_line = [](absl::string_view text) { return text.substr(0, text.find('\n')); };
  const std::vector<uint8_t> good = {1, 4, 1, 0, 1, 'f'};
  EXPECT_EQ(first_line(Print(WithNames(builder, good))), "(module");
  const std::vector<uint8_t> long_size = {1, 0x84, 0, 1, 0, 1, 'f'};
  EXPECT_EQ(first_line(Print(WithNames(builder, long_size))),
            ";; dropped: of the name section: the encoding, which is not the shortest");
  const std::vector<uint8_t> nobody = {1, 4, 1, 9, 1, 'f'};
  EXPECT_EQ(first_line(Print(WithNames(builder, nobody))),
            ";; dropped: of the name section: 1 of its names, for what is not there");
  // What is no name section is a custom section like any other.
  EXPECT_TRUE(absl::StrContains(Print(WithNames(builder, {1, 9})),
                                "(@custom \"name\" (after code) \"\\01\\09\")"));
  EXPECT_TRUE(
      absl::StrContains(Print(WithNames(builder, {})), "(@custom \"name\" (after code) \"\")"));
  // One before the code.
  const std::vector<uint8_t> plain = builder.Build();
  std::vector<uint8_t> moved = WithNames(builder, good);
  std::rotate(moved.begin() + 8, moved.begin() + static_cast<ptrdiff_t>(plain.size()), moved.end());
  EXPECT_EQ(first_line(Print(moved)),
            ";; dropped: of the name section: the place, which is before other sections");
}

TEST(PrinterTest, CustomSectionsAroundTheNames) {
  ModuleBuilder builder;
  builder.Func(FuncType({}, {}), CodeBuilder());
  builder.CustomSection("before", "\x01\"");
  std::vector<uint8_t> bytes = WithNames(builder, {1, 4, 1, 0, 1, 'f'});
  const std::vector<uint8_t> custom = {0, 2, 1, 'x'};
  bytes.insert(bytes.end(), custom.begin(), custom.end());
  bytes.insert(bytes.begin() + 8, custom.begin(), custom.end());
  EXPECT_EQ(Print(bytes), R"((module
  (@custom "x" (before first) "")
  (type (func))
  (func $f (type 0)
  )
  (@custom "before" (after code) "\01\"")
  (@custom "x" (after last) "")
)
)");
}

}  // namespace
}  // namespace gantry::wasm::text
