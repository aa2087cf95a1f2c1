#include "wasm_translate/text/text_parser.h"

#include <cstddef>
#include <cstdint>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "wasm_translate/binary_writer.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/text/lexer.h"
#include "wasm_translate/text/testing/operator_samples.h"

namespace gantry::wasm::text {
namespace {

using ::testing::ElementsAre;
using ::testing::StartsWith;

using Bytes = std::vector<uint8_t>;

std::string ReadFile(const std::string& path) {
  std::ifstream in(path);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

Bytes Parse(absl::string_view text, bool names = false) {
  const auto module = ParseText(SourceText("test", text), {names, false});
  EXPECT_TRUE(module.ok()) << module.status().message();
  return module.ok() ? module->bytes : Bytes();
}

std::string Error(absl::string_view text) {
  const auto module = ParseText(SourceText("test", text));
  return module.ok() ? "parses" : BareMessage(module.status());
}

// Contents of the first section with this id, or of the first custom section of a name, as hex.
std::string SectionOf(const Bytes& module, uint8_t id, absl::string_view name = "") {
  size_t at = kModuleHeader.size();
  auto number = [&module, &at] {
    uint32_t value = 0;
    for (int shift = 0;; shift += 7) {
      const uint8_t byte = module.at(at++);
      value |= static_cast<uint32_t>(byte & 0x7F) << shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < module.size()) {
    const uint8_t found = module[at++];
    const uint32_t size = number();
    absl::string_view contents(reinterpret_cast<const char*>(module.data()) + at, size);
    at += size;
    if (found != id) continue;
    if (id != 0) return absl::BytesToHexString(contents);
    const std::string prefix = absl::StrCat(std::string(1, static_cast<char>(name.size())), name);
    if (contents.substr(0, prefix.size()) == prefix) {
      return absl::BytesToHexString(contents.substr(prefix.size()));
    }
  }
  return "none";
}

// Ids of the sections, custom ones with their names.
std::vector<std::string> SectionsOf(const Bytes& bytes) {
  std::vector<std::string> sections;
  size_t at = kModuleHeader.size();
  while (at < bytes.size()) {
    const uint8_t id = bytes[at++];
    uint32_t size = 0;
    for (int shift = 0;; shift += 7) {
      const uint8_t byte = bytes[at++];
      size |= static_cast<uint32_t>(byte & 0x7F) << shift;
      if (byte < 0x80) break;
    }
    sections.push_back(id == 0
                           ? std::string(reinterpret_cast<const char*>(&bytes[at + 1]), bytes[at])
                           : absl::StrCat(id));
    at += size;
  }
  return sections;
}

// The code section's entries, without count, size and locals, of a module with one function.
std::string BodyOf(absl::string_view instructions, absl::string_view fields = "") {
  const std::string code =
      SectionOf(Parse(absl::StrCat("(module ", fields, "(func ", instructions, "))")), 10);
  return code.size() < 6 ? code : code.substr(6);
}

TEST(TextParserTest, Empty) {
  EXPECT_EQ(Parse(""), Bytes(kModuleHeader.begin(), kModuleHeader.end()));
  EXPECT_EQ(Parse("(module)"), Parse(" ;; nothing"));
  EXPECT_EQ(Parse("(module $m)"), Parse(""));
}

TEST(TextParserTest, Types) {
  auto types = [](absl::string_view text) { return SectionOf(Parse(text), 1); };
  EXPECT_EQ(types("(type (func (param i32) (param $x i64) (result f32 f64)))"), "0160027f7e027d7c");
  EXPECT_EQ(types("(rec (type (func)))"), "01600000");
  EXPECT_EQ(types("(rec)"), "014e00");
  EXPECT_EQ(types("(rec (type $a (struct (field (ref null $b)))) (type $b (array (mut i8))))"),
            "014e025f01630100"
            "5e7801");
  EXPECT_EQ(types("(type (sub final (func)))"), "01600000");
  EXPECT_EQ(types("(type (sub (func)))"), "015000600000");
  EXPECT_EQ(types("(type $a (sub (func))) (type (sub final $a (func)))"),
            "025000600000"
            "4f0100600000");
  EXPECT_EQ(types("(type (struct (field $x i16) (field i32 (mut anyref)) (field)))"),
            "015f0377007f006e01");
  // Only implied ones come last, each once, and are those that are already there.
  EXPECT_EQ(types("(func (param i32)) (func (result i32)) (type (func (result i32)))"
                  "(func (block (param i32)))"),
            "036000017f60017f00"
            "600000");
  // A type in a larger group is another one.
  EXPECT_EQ(types("(rec (type (func)) (type (func))) (func)"),
            "024e02600000600000"
            "600000");
}

TEST(TextParserTest, Folding) {
  EXPECT_EQ(BodyOf("(i32.add (i32.const 1) (i32.mul (i32.const 2) (i32.const 3)))"),
            BodyOf("i32.const 1 i32.const 2 i32.const 3 i32.mul i32.add"));
  EXPECT_EQ(BodyOf("(if $l (i32.const 1) (then (br $l)) (else (nop) br $l))"),
            BodyOf("i32.const 1 if $l br $l else nop br $l end $l"));
  EXPECT_EQ(BodyOf("(if (then))"), "04400b0b");
  EXPECT_EQ(BodyOf("(if (then) (else))"), "0440050b0b");
  EXPECT_EQ(BodyOf("(if (nop) (nop) (then))"),
            "01"
            "01"
            "04400b0b");
  EXPECT_EQ(BodyOf("(block $a (loop $b (br $a) br $b (br 1)))"),
            "02400340"
            "0c01"
            "0c00"
            "0c01"
            "0b0b0b");
  EXPECT_EQ(BodyOf("(drop (block (result i32) (i32.const 1)))"), "027f41010b1a0b");
  EXPECT_EQ(BodyOf("(block $a (block $a (br $a)) (br $a))"), "024002400c000b0c000b0b");
  EXPECT_EQ(BodyOf("(try_table (catch $e 0) (catch_ref $e 1) (catch_all 0) (catch_all_ref 1))",
                   "(tag $e)"),
            "1f4004"
            "000000"
            "010001"
            "0200"
            "0301"
            "0b0b");
}

TEST(TextParserTest, BlockTypes) {
  EXPECT_EQ(BodyOf("block end block (result externref) unreachable end"), "02400b026f000b0b");
  EXPECT_EQ(BodyOf("block (type 0) end", "(type (func))"), "02000b0b");
  EXPECT_EQ(BodyOf("block (result i32 i32) unreachable end"), "0201000b0b");
}

TEST(TextParserTest, Locals) {
  auto code = [](absl::string_view text) { return SectionOf(Parse(text), 10); };
  EXPECT_EQ(code("(func (local i32 i32) (local $x i32) (local) (local f64 i32))"),
            "010803"
            "037f"
            "017c"
            "017f"
            "0b");
  EXPECT_EQ(code("(func (param $p i32) (local $l i64) (local.get $p) local.get $l)"),
            "010801017e"
            "2000"
            "2001"
            "0b");
  EXPECT_EQ(code("(type (func (param i32 i32))) (func (type 0) (local $l i64) (local.get $l))"),
            "010601017e20020b");
}

TEST(TextParserTest, Immediates) {
  const char* kFields =
      "(memory $m 1) (memory $n 1) (table $t 1 funcref) (table $u 1 funcref)"
      "(type $s (struct (field $f i32) (field $g i32))) (type $a (array (mut i32)))"
      "(elem $e func) (data $d) (func $h)";
  auto body = [kFields](absl::string_view text) {
    const std::string code = SectionOf(Parse(absl::StrCat(kFields, "(func ", text, ")")), 10);
    return code.substr(12, code.size() - 14);
  };
  EXPECT_EQ(body("i32.load"), "280200");
  EXPECT_EQ(body("i32.load offset=300 align=1"), "2800ac02");
  EXPECT_EQ(body("i32.load $n offset=0x1"), "28420101");
  EXPECT_EQ(body("i64.store 1 align=8"), "37430100");
  EXPECT_EQ(body("v128.load8_lane 15"), "fd5400000f");
  EXPECT_EQ(body("v128.load8_lane 1 15"), "fd544001000f");
  EXPECT_EQ(body("v128.load8_lane $m offset=1 15"), "fd5400010f");
  EXPECT_EQ(body("v128.load8_lane 1 align=1 15"), "fd544001000f");
  EXPECT_EQ(body("memory.init $d"), "fc080000");
  EXPECT_EQ(body("memory.init $n $d"), "fc080001");
  EXPECT_EQ(body("memory.copy"), "fc0a0000");
  EXPECT_EQ(body("memory.copy $n 0"), "fc0a0100");
  EXPECT_EQ(body("memory.fill 1"), "fc0b01");
  EXPECT_EQ(body("table.init $u $e"), "fc0c0001");
  EXPECT_EQ(body("table.init $e"), "fc0c0000");
  EXPECT_EQ(body("table.copy $u $t"), "fc0e0100");
  EXPECT_EQ(body("table.get"), "2500");
  EXPECT_EQ(body("call_indirect"), "110200");
  EXPECT_EQ(body("call_indirect $u (type $s)"), "110001");
  EXPECT_EQ(body("call $h"), "1000");
  EXPECT_EQ(body("select"), "1b");
  EXPECT_EQ(body("select (result)"), "1c00");
  EXPECT_EQ(body("select (result i32) (result i64)"), "1c027f7e");
  EXPECT_EQ(body("br_table 0"), "0e0000");
  EXPECT_EQ(body("br_table 1 2 0x3"), "0e02010203");
  EXPECT_EQ(body("struct.get $s $g"), "fb020001");
  EXPECT_EQ(body("struct.set 0 0"), "fb050000");
  EXPECT_EQ(body("array.new_fixed $a 200"), "fb0801c801");
  EXPECT_EQ(body("array.copy $a $a"), "fb110101");
  EXPECT_EQ(body("array.new_data $a $d"), "fb090100");
  EXPECT_EQ(body("ref.null $s ref.null any"), "d000d06e");
  EXPECT_EQ(body("ref.test anyref ref.test (ref $s) ref.cast (ref null 1) ref.cast (ref eq)"),
            "fb156e"
            "fb1400"
            "fb1701"
            "fb166d");
  EXPECT_EQ(body("block $l br_on_cast $l anyref (ref $s) end"),
            "0240"
            "fb1801006e00"
            "0b");
  EXPECT_EQ(body("br_on_cast_fail 0 (ref any) (ref null $s)"), "fb1902006e00");
  EXPECT_EQ(body("atomic.fence"), "fe0300");
  EXPECT_EQ(body("i32.const -1 i32.const 0xffffffff i64.const -0x8000000000000000"),
            "417f"
            "417f"
            "428080808080808080807f");
  EXPECT_EQ(body("f32.const 1.5 f64.const -nan:0x1"),
            "430000c03f"
            "44010000000000f0ff");
  EXPECT_EQ(body("v128.const i16x8 1 2 3 4 5 6 7 -1"),
            "fd0c01000200030004000500060007"
            "00ffff");
  EXPECT_EQ(body("v128.const f64x2 1 nan"), "fd0c000000000000f03f000000000000f87f");
  EXPECT_EQ(body("i8x16.shuffle 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 31"),
            "fd0d000102030405060708090a0b0c0d0e1f");
}

// Every operator by its name, flat and folded.
TEST(TextParserTest, EveryOperator) {
  for (const OperatorSample& sample : OperatorSamples()) {
    const std::string hex = absl::BytesToHexString(
        absl::string_view(reinterpret_cast<const char*>(sample.bytes.data()), sample.bytes.size()));
    EXPECT_EQ(BodyOf(sample.text), hex + "0b") << sample.text;
    EXPECT_EQ(BodyOf(absl::StrCat("(", sample.text, " (nop))")), "01" + hex + "0b") << sample.text;
  }
  // block, loop, if, try_table, else and end are not among them.
  EXPECT_EQ(OperatorSamples().size(), AllOpcodes().size() - 6);
}

TEST(TextParserTest, ImportsAndExports) {
  const Bytes in_place = Parse(
      "(func $f (export \"e\") (export \"g\") (import \"a\" \"b\") (param i32))"
      "(table (import \"a\" \"t\") i64 1 2 externref) (memory (import \"a\" \"m\") 1 2 shared)"
      "(global (import \"a\" \"x\") (mut i32)) (tag (import \"a\" \"y\") (param i32))");
  EXPECT_EQ(in_place, Parse("(import \"a\" \"b\" (func (param i32)))"
                            "(import \"a\" \"t\" (table i64 1 2 externref))"
                            "(import \"a\" \"m\" (memory 1 2 shared))"
                            "(import \"a\" \"x\" (global (mut i32)))"
                            "(import \"a\" \"y\" (tag (param i32)))"
                            "(export \"e\" (func 0)) (export \"g\" (func 0))"));
  EXPECT_EQ(SectionOf(in_place, 2),
            "05"
            "0161"
            "0162"
            "0000"
            "0161"
            "0174"
            "016f050102"
            "0161"
            "016d"
            "02030102"
            "0161"
            "0178"
            "037f01"
            "0161"
            "0179"
            "040000");
  EXPECT_EQ(SectionOf(in_place, 7),
            "02"
            "01650000"
            "01670000");
  EXPECT_EQ(SectionOf(Parse("(func $a) (func $b) (start $b)"), 8), "01");
}

TEST(TextParserTest, TablesAndElements) {
  auto elements = [](absl::string_view text) {
    return SectionOf(Parse(absl::StrCat("(table 9 funcref) (table 9 funcref) (func $f) ", text)),
                     9);
  };
  EXPECT_EQ(elements("(elem (i32.const 1) $f 0)"), "010041010b020000");
  EXPECT_EQ(elements("(elem (table 0) (offset i32.const 1) func $f)"), "010041010b0100");
  EXPECT_EQ(elements("(elem 1 (i32.const 1) $f)"), "01020141010b000100");
  EXPECT_EQ(elements("(elem (table 1) (i32.const 1) func $f)"), "01020141010b000100");
  EXPECT_EQ(elements("(elem func $f)"), "0101000100");
  EXPECT_EQ(elements("(elem declare func $f)"), "0103000100");
  EXPECT_EQ(elements("(elem (i32.const 1) funcref (ref.func $f) (item ref.null func))"),
            "010441010b02d2000bd0700b");
  EXPECT_EQ(elements("(elem (i32.const 1) (ref func) (ref.func $f))"), "01060041010b647001d2000b");
  EXPECT_EQ(elements("(elem funcref (item (ref.func $f)))"), "01057001d2000b");
  EXPECT_EQ(elements("(elem declare (ref null func) (ref.func $f))"), "01077001d2000b");
  EXPECT_EQ(elements("(elem (table 1) (i32.const 1) funcref (ref.func $f))"),
            "01060141010b7001d2000b");

  const Bytes in_place = Parse("(table funcref (elem $f $f)) (func $f)");
  EXPECT_EQ(SectionOf(in_place, 4), "0170010202");
  EXPECT_EQ(SectionOf(in_place, 9), "010041000b020000");
  EXPECT_EQ(SectionOf(Parse("(table 0 funcref) (table i64 funcref (elem $f)) (func $f)"), 9),
            "01020142000b000100");
  EXPECT_EQ(SectionOf(Parse("(table funcref (elem (ref.null func)))"), 9), "010441000b01d0700b");
  EXPECT_EQ(SectionOf(Parse("(table externref (elem (ref.null extern)))"), 9),
            "01060041000b6f01d06f0b");
  EXPECT_EQ(SectionOf(Parse("(table 1 2 funcref (ref.null func))"), 4), "01400070010102d0700b");
}

TEST(TextParserTest, MemoriesAndData) {
  EXPECT_EQ(SectionOf(Parse("(memory 1)(memory i64 1 2)(memory 1 2 shared)(memory 1 (pagesize 1))"
                            "(memory 1 (pagesize 65536))"),
                      5),
            "05"
            "0001"
            "050102"
            "030102"
            "080100"
            "0001");
  const Bytes in_place =
      Parse("(memory (data \"a\" \"\\ff\")) (memory i64 (pagesize 1) (data \"xy\"))");
  EXPECT_EQ(SectionOf(in_place, 5),
            "02"
            "010101"
            "0d020200");
  EXPECT_EQ(SectionOf(in_place, 11),
            "02"
            "0041000b0261ff"
            "020142000b027879");
  EXPECT_EQ(SectionOf(Parse("(data \"a\") (data (i32.const 1)) (data (memory 1) (offset "
                            "global.get 0) \"b\") (data 1 (i32.const 1))"),
                      11),
            "04"
            "010161"
            "0041010b00"
            "020123000b0162"
            "020141010b00");
  EXPECT_EQ(SectionOf(Parse("(data \"a\") (func)"), 12), "none");
  for (const char* op :
       {"data.drop 0", "memory.init 0", "array.new_data 0 0", "array.init_data 0 0"}) {
    EXPECT_EQ(SectionOf(Parse(absl::StrCat("(data \"a\") (func ", op, ")")), 12), "01") << op;
  }
}

TEST(TextParserTest, NameSection) {
  EXPECT_EQ(SectionOf(Parse("(module)", true), 0, "name"), "none");
  EXPECT_EQ(SectionOf(Parse("(module $m (func))", true), 0, "name"), "0002016d");
  EXPECT_EQ(SectionOf(Parse("(module $m (@name \"n\"))", true), 0, "name"), "0002016e");
  EXPECT_EQ(SectionOf(Parse("(@name \"n\") (func)", true), 0, "name"), "0002016e");
  const Bytes all = Parse(
      "(type $T (struct (field $x i32) (field i32) (field (@name \"y\") i32)))"
      "(import \"\" \"\" (func $i (param $p i32)))"
      "(func (@name \"f\") (param i32) (local $l i32) (block $b) (block (loop $c)))"
      "(table $t 0 funcref) (memory $m 0) (global $g i32 (i32.const 0)) (elem $e func)"
      "(data $d) (tag $a)",
      true);
  EXPECT_EQ(SectionOf(all, 0, "name"),
            "0107"
            "02"
            "000169"
            "010166"
            "020b"
            "02"
            "00"
            "01"
            "000170"
            "01"
            "01"
            "01016c"
            "0309"
            "01"
            "01"
            "02"
            "000162"
            "020163"
            "0404"
            "01"
            "000154"
            "0504"
            "01"
            "000174"
            "0604"
            "01"
            "00016d"
            "0704"
            "01"
            "000167"
            "0804"
            "01"
            "000165"
            "0904"
            "01"
            "000164"
            "0a09"
            "01"
            "00"
            "02"
            "000178"
            "020179"
            "0b04"
            "01"
            "000161");
  EXPECT_EQ(SectionOf(Parse("(module $m (func $f))", false), 0, "name"), "none");
  EXPECT_EQ(ParseText(SourceText("", "(module $\"a\\u{62}\")"))->id, "ab");
}

TEST(TextParserTest, CustomSections) {
  const Bytes bytes = Parse(
      "(@custom \"z\") (@custom \"a\" (before first) \"x\" \"y\") (func $f) (@custom \"b\" (after "
      "func))"
      "(@custom \"c\" (before code)) (@custom \"d\" (after last)) (@custom \"e\" (before data))"
      "(@custom \"f\" (after data)) (@custom \"g\" (after datacount))",
      true);
  EXPECT_THAT(SectionsOf(bytes),
              ElementsAre("a", "1", "3", "b", "g", "c", "10", "e", "f", "name", "z", "d"));
  EXPECT_EQ(SectionOf(bytes, 0, "a"), "7879");
}

TEST(TextParserTest, BranchHints) {
  const Bytes bytes = Parse(
      "(func) (func (local i32)"
      "  (@metadata.code.branch_hint \"\\01\") (if (i32.const 1) (then"
      "    i32.const 0 (@metadata.code.branch_hint \"\\00\") br_if 0)))");
  EXPECT_THAT(SectionsOf(bytes), ElementsAre("1", "3", "metadata.code.branch_hint", "10"));
  // Function 1: at 5, behind the locals and the condition, and at 9.
  EXPECT_EQ(SectionOf(bytes, 0, "metadata.code.branch_hint"),
            "01"
            "01"
            "02"
            "050101"
            "090100");
}

TEST(TextParserTest, Errors) {
  EXPECT_EQ(Error("(module (fun))"), "unknown operator fun, expected a module field");
  EXPECT_EQ(Error("(module (param))"), "unexpected token \"(param\", expected a module field");
  EXPECT_EQ(Error("(module) (module)"),
            "unexpected token \"(module\", expected the end of the text");
  EXPECT_EQ(Error("(module"),
            "unexpected token at the end of the text, expected a module field or \")\"");
  EXPECT_EQ(Error("(func (call $g))"), "unknown function $g");
  EXPECT_EQ(Error("(func (local.get $g))"), "unknown local $g");
  EXPECT_EQ(Error("(func (br $g))"), "unknown label $g");
  EXPECT_EQ(Error("(func block $g end br $g)"), "unknown label $g");
  EXPECT_EQ(Error("(func (struct.get 0 $g))"), "unknown field $g");
  EXPECT_EQ(Error("(elem $e func) (elem $e func)"), "duplicate elem segment $e");
  EXPECT_EQ(Error("(func (param $x i32) (local $x i32))"), "duplicate local $x");
  EXPECT_EQ(Error("(type (struct (field $x i32) (field $x i32)))"), "duplicate field $x");
  EXPECT_EQ(Error("(func (call $" + std::string(10'000'000, 'x') + "))"),
            "unknown function $" + std::string(39, 'x') + "...");
  EXPECT_EQ(Error("(func (call $\"a\\u{7f}\"))"), "unknown function $\"a\\u{7f}\"");
  EXPECT_EQ(Error("(func block $a end $b)"), "mismatching label $b");
  EXPECT_EQ(Error("(func block)"), "unexpected token \")\", expected an instruction or end");
  EXPECT_EQ(Error("(func end)"), "unexpected token \"end\", expected an instruction or \")\"");
  EXPECT_EQ(Error("(func if else else end)"),
            "unexpected token \"else\", expected an instruction or end");
  EXPECT_EQ(Error("(func (if (then) (then)))"),
            "unexpected token \"(then\", expected (else or \")\"");
  EXPECT_EQ(Error("(func (if))"), "unexpected token \")\", expected a folded instruction or (then");
  EXPECT_EQ(Error("(func (nop nop))"),
            "unexpected token \"nop\", expected a folded instruction or \")\"");
  EXPECT_EQ(Error("(func (i32.const 4294967296))"), "constant out of range for i32");
  EXPECT_EQ(Error("(func (i32.load align=3))"), "alignment must be a power of two");
  EXPECT_EQ(Error("(func (i32.load offset=18446744073709551616))"), "offset out of range");
  EXPECT_EQ(Error("(func (br 4294967296))"), "i32 constant out of range");
  EXPECT_EQ(Error("(global (ref 33554432) (ref.null 33554432))"), "unknown type 33554432");
  EXPECT_EQ(Error("(func (type 1) (param i32))"), "unknown type 1");
  EXPECT_EQ(Error("(type (struct)) (func (type 0) (param i32))"),
            "inline function type differs from type 0");
  EXPECT_EQ(Error("(func) (import \"\" \"\" (func))"),
            "import after function: imports come before definitions");
  EXPECT_EQ(Error("(func (@name \"a\") (@name \"b\"))"),
            "misplaced @name annotation, expected an instruction or \")\"");
  EXPECT_EQ(Error("(func (@name \"\\ff\"))"), "@name annotation: malformed UTF-8 encoding");
  EXPECT_EQ(Error("(func (@metadata.code.branch_hint \"\\02\") br_if 0)"),
            "@metadata.code.branch_hint annotation: invalid value, expected \"\\00\" or \"\\01\"");
  EXPECT_EQ(Error("(export \"\\ff\" (func 0))"), "malformed UTF-8 encoding");
}

TEST(TextParserTest, ErrorsShowThePlace) {
  const auto module = ParseText(SourceText("a.wat", "(module\n  (func (i32.ad)))"));
  EXPECT_EQ(module.status().message(),
            "a.wat:2:10: unknown operator i32.ad, expected an instruction or \")\"\n"
            "      (func (i32.ad)))\n"
            "             ^");
}

TEST(TextParserTest, DuplicatesAreShownWhereTheyStand) {
  for (const char* text : {"(func $f) (func\n$f)", "(func (param $f i32) (param\n$f i32))",
                           "(func (local $f i32) (local\n$f i32))",
                           "(import \"\" \"\" (func (param $f i32) (param\n$f i32)))",
                           "(type (struct (field $f i32) (field\n$f i32)))"}) {
    EXPECT_THAT(std::string(ParseText(SourceText("a.wat", text)).status().message()),
                StartsWith("a.wat:2:1: duplicate"))
        << text;
  }
}

TEST(TextParserTest, FieldsWithinALongerText) {
  const SourceText source("test", "(assert_invalid (module $m (@name \"n\") (func $f)) \"x\")");
  const auto tokens = Tokenize(source);
  ASSERT_TRUE(tokens.ok());
  TokenCursor cursor(source, *tokens);
  cursor.Take(4);
  const absl::string_view id = cursor.TextOf(cursor.Take());
  const auto module = ParseModuleFields(cursor, {}, id);
  ASSERT_TRUE(module.ok()) << module.status();
  EXPECT_EQ(module->id, "m");
  EXPECT_EQ(module->bytes, Parse("(module $m (@name \"n\") (func $f))", true));
  EXPECT_EQ(*cursor.ExpectString(), "x");
}

// Errors of validation point at the instruction or the field.
TEST(TextParserTest, PlacesOfValidationErrors) {
  auto error = [](absl::string_view text) {
    const SourceText source("a.wat", text);
    const auto module = ParseText(source, {true, true});
    EXPECT_TRUE(module.ok()) << module.status();
    for (size_t i = 1; i < module->places.size(); ++i) {
      EXPECT_LE(module->places[i - 1].first, module->places[i].first);
    }
    const absl::Status status = ValidateModule(module->bytes, {});
    EXPECT_FALSE(status.ok());
    return WithTextPlace(status, *module, source);
  };
  absl::Status status = error(
      "(module\n  (func (result i32)\n    (i32.add (i32.const 1)\n"
      "      (i64.const 2))))");
  EXPECT_EQ(status.message(),
            "a.wat:3:6: type mismatch: expected i32, found i64\n        (i32.add (i32.const 1)\n"
            "         ^");
  EXPECT_THAT(BareMessage(status), StartsWith("type mismatch"));
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  // `end`, a field of each section, an expression.
  EXPECT_THAT(std::string(error("(func)\n(func (result i32)\n)").message()),
              StartsWith("a.wat:3:1"));
  EXPECT_THAT(std::string(error("(func)\n(func (type 7))").message()), StartsWith("a.wat:2:1"));
  EXPECT_THAT(std::string(error("(func)\n(export \"a\" (func 7))").message()),
              StartsWith("a.wat:2:1"));
  EXPECT_THAT(
      std::string(error("(global i32 (i32.const 0))\n(global i64 (i32.const 0))").message()),
      StartsWith("a.wat:2:"));
  EXPECT_THAT(std::string(error("(type (func))\n(type (sub 7 (func)))").message()),
              StartsWith("a.wat:2:1"));
  EXPECT_THAT(std::string(error("(table 0 funcref)\n(elem (i64.const 0) func)").message()),
              StartsWith("a.wat:2:7"));
  status = error("(memory 1 2 shared)");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument) << status;
  EXPECT_THAT(std::string(status.message()), StartsWith("a.wat:1:1: malformed limits flags"));
  // Any other status stays as it is.
  EXPECT_EQ(WithTextPlace(absl::NotFoundError("x"), {}, SourceText("", "")),
            absl::NotFoundError("x"));
}

// Every beginning of a text is refused or parses.
TEST(TextParserTest, Truncated) {
  const std::string text =
      "(module $m (@name \"n\") (type $t (sub final (struct (field $x (mut i32)) (field i8)))) "
      "(rec (type (array (ref null $t)))) (import \"a\" \"b\" (func $i (param $p i32) (result "
      "i32)))"
      "(table $tab i64 funcref (elem $i)) (memory 1 2 shared) (memory (data \"a\" \"b\")) (tag "
      "(param i32))"
      "(func $f (export \"e\") (param i32) (local $l i32) (block $b (if $c (i32.const 1) (then (br "
      "$b)) "
      "(else nop))) (@metadata.code.branch_hint \"\\01\") (br_if 0 (i32.load offset=8 align=4 "
      "(local.get $l)))"
      " loop $d br_table 0 $d end v128.const i32x4 1 2 3 4 (try_table (catch_all 0)) "
      "call_indirect (type 0) (select (result i32))) (elem declare func $f) (start $f) "
      "(data (offset i32.const 0) \"x\") (global (mut f32) (f32.const nan:0x200)) (@custom \"c\" "
      "(after data) \"d\"))";
  ASSERT_TRUE(ParseText(SourceText("", text)).ok()) << ParseText(SourceText("", text)).status();
  for (size_t size = 0; size < text.size(); ++size) {
    const auto module = ParseText(SourceText("", text.substr(0, size)));
    EXPECT_EQ(module.ok(), size == 0) << size;
  }
}

// The file that has what wat2wasm cannot read.
TEST(TextParserTest, EverythingValidates) {
  const std::string text = ReadFile("wasm_translate/text/testdata/everything.wat");
  const SourceText source("everything.wat", text);
  const auto module = ParseText(source, {true, true});
  ASSERT_TRUE(module.ok()) << module.status().message();
  ParseOptions options;
  options.features = Features::All();
  const absl::Status status =
      WithTextPlace(ValidateModule(module->bytes, options), *module, source);
  EXPECT_TRUE(status.ok()) << status.message();
  EXPECT_THAT(SectionsOf(module->bytes),
              ElementsAre("1", "2", "3", "4", "5", "13", "6", "7", "9", "12", "mine",
                          "metadata.code.branch_hint", "10", "11", "name"));
}

// Tokens left out, put in and exchanged: what parses is refused or taken by validation, and
// what is wrong with it has a place.
TEST(TextParserTest, ShuffledTokens) {
  std::mt19937 random(1);
  size_t parsed = 0;
  size_t valid = 0;
  for (const char* file : {"everything.wat", "wabt.wat"}) {
    const std::string text = ReadFile(absl::StrCat("wasm_translate/text/testdata/", file));
    const SourceText source(file, text);
    const auto tokens = Tokenize(source);
    ASSERT_TRUE(tokens.ok());
    const size_t count = tokens->size() - 1;
    for (int i = 0; i < 5000; ++i) {
      std::vector<Token> changed(tokens->begin(), tokens->end() - 1);
      for (uint32_t changes = random() % 3; changes <= 2; ++changes) {
        const size_t at = random() % changed.size();
        const Token& other = (*tokens)[random() % count];
        switch (random() % 8) {
          case 0:
            changed.erase(changed.begin() + static_cast<std::ptrdiff_t>(at));
            break;
          case 1:
            changed.insert(changed.begin() + static_cast<std::ptrdiff_t>(at), other);
            break;
          case 2:
            changed[at] = other;
            break;
          default:
            // One of the same kind, which gets further.
            for (int tries = 0; tries < 20; ++tries) {
              const Token& like = (*tokens)[random() % count];
              if (like.kind != changed[at].kind) continue;
              changed[at] = like;
              break;
            }
        }
      }
      std::string shuffled;
      for (const Token& token : changed) {
        absl::StrAppend(&shuffled, absl::string_view(text).substr(token.offset, token.size), " ");
      }
      const SourceText shuffled_source("shuffled", shuffled);
      const auto module = ParseText(shuffled_source, {true, true});
      if (!module.ok()) {
        ASSERT_THAT(std::string(module.status().message()), StartsWith("shuffled:1:")) << shuffled;
        continue;
      }
      ++parsed;
      ParseOptions options;
      options.features = Features::All();
      const absl::Status status = ValidateModule(module->bytes, options);
      if (status.ok()) {
        ++valid;
      } else {
        const absl::Status placed = WithTextPlace(status, *module, shuffled_source);
        ASSERT_THAT(std::string(placed.message()), StartsWith("shuffled:1:")) << shuffled;
      }
    }
  }
  // Both happen.
  EXPECT_GT(parsed, 500u);
  EXPECT_GT(valid, 100u);
}

// 1,000,000 of anything, in linear time.
TEST(TextParserTest, Sizes) {
  auto repeat = [](absl::string_view text, size_t count) {
    std::string all;
    all.reserve(text.size() * count);
    for (; count > 0; --count) all.append(text.data(), text.size());
    return all;
  };
  auto validates = [](const std::string& text) {
    const auto module = ParseText(SourceText("", text), {true, true});
    if (!module.ok()) return std::string(module.status().message());
    const absl::Status status = ValidateModule(module->bytes, {});
    return std::string(status.message());
  };
  const size_t n = 100'000;
  EXPECT_EQ(validates("(func " + repeat("block ", n) + repeat("end ", n) + ")"), "");
  EXPECT_EQ(validates("(func " + repeat("(block ", n) + repeat(")", n) + ")"), "");
  EXPECT_EQ(validates("(func " + repeat("(if (i32.const 1) (then ", n) + repeat("))", n) + ")"),
            "");
  EXPECT_EQ(
      validates("(func (drop " + repeat("(i32.eqz ", n) + "(i32.const 0)" + repeat(")", n) + "))"),
      "");
  // Branches to the outermost of many labels, and many of one name.
  EXPECT_EQ(
      validates("(func block $out " + repeat("block $in br $out ", n) + repeat("end ", n) + "end)"),
      "");
  EXPECT_EQ(validates("(func (local " + repeat("i32 ", 50'000) + "))"), "");
  std::string locals;
  for (int i = 0; i < 50'000; ++i) absl::StrAppend(&locals, "(local $l", i, " i32)");
  EXPECT_EQ(validates("(func " + locals + ")"), "");
  EXPECT_EQ(validates("(func $" + repeat("x", 10'000'000) + ")"), "");
  EXPECT_EQ(validates("(func (export \"" + repeat("x", 10'000'000) + "\"))"), "");
  EXPECT_EQ(validates("(func (br_table" + repeat(" 0", 1'000'000) + " (i32.const 0)))"), "");
  EXPECT_EQ(validates(repeat("(type (func))", 1'000'000)), "");
  EXPECT_EQ(validates("(rec " + repeat("(type (func))", 1'000'000) + ")"), "");
  std::string types;
  for (int i = 0; i < 1'000'000; ++i) absl::StrAppend(&types, "(type $t", i, " (func))");
  EXPECT_EQ(validates(types), "");
  EXPECT_EQ(validates(repeat("(func)", 1'000'000)), "");
  EXPECT_THAT(Error(repeat("(", 1'000'000)), StartsWith("unexpected token \"(\""));
  EXPECT_THAT(Error("(func " + repeat("(drop ", 1'000'000)),
              StartsWith("unexpected token at the end"));
  EXPECT_EQ(Error(repeat("(@a ", 1'000'000)), "unclosed annotation");
  EXPECT_EQ(Error("(module " + repeat("(@a)", 1'000'000) + ")"), "parses");
}

}  // namespace
}  // namespace gantry::wasm::text
