#include "wast/script_parser.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "gtest/gtest.h"
#include "wasm_translate/text/source.h"

namespace gantry::wast {
namespace {

using Kind = Command::Kind;

// The one command of a text.
Command One(absl::string_view text) {
  Script script = ParseScript("t.wast", text);
  EXPECT_EQ(script.commands.size(), 1u) << text;
  if (script.commands.empty()) return Command();
  return std::move(script.commands[0]);
}

std::string Error(absl::string_view text) {
  const Command command = One(text);
  EXPECT_EQ(command.kind, Kind::kUnreadable) << text;
  return wasm::text::BareMessage(command.error);
}

// "LINE NAME" of each command, those of threads in parentheses.
std::string Outline(const std::vector<Command>& commands) {
  std::vector<std::string> out;
  for (const Command& command : commands) {
    out.push_back(absl::StrCat(command.line, " ", CommandName(command.kind)));
    if (command.kind == Kind::kThread) out.back() += "(" + Outline(command.commands) + ")";
  }
  return absl::StrJoin(out, ", ");
}
std::string Outline(absl::string_view text) {
  return Outline(ParseScript("t.wast", text).commands);
}

std::string Bytes(const Command& command) {
  if (!command.module.has_value()) return "no module";
  if (!command.module->bytes.ok()) return command.module->bytes.status().ToString();
  return std::string(command.module->bytes->begin(), command.module->bytes->end());
}

constexpr absl::string_view kEmptyModule("\0asm\1\0\0\0", 8);

TEST(ScriptParser, Modules) {
  for (const char* text : {"(module)", "(module quote \"\")", "(module quote)",
                           "(module binary \"\\00asm\" \"\\01\\00\\00\\00\")"}) {
    const Command command = One(text);
    EXPECT_EQ(command.kind, Kind::kModule) << text;
    EXPECT_EQ(command.name, "");
    EXPECT_EQ(Bytes(command), kEmptyModule) << text;
  }
  EXPECT_EQ(One("(module)").module->form, ScriptModule::Form::kText);
  EXPECT_EQ(One("(module quote)").module->form, ScriptModule::Form::kQuote);
  EXPECT_EQ(One("(module binary)").module->form, ScriptModule::Form::kBinary);
  for (const char* text :
       {"(module $m)", "(module $m binary)", "(module $m quote \"\")", "(module $\"m\" quote)"}) {
    EXPECT_EQ(One(text).name, "m") << text;
  }
  for (const char* text : {"(module definition $m)", "(module definition $m binary)",
                           "(module definition $m quote)"}) {
    EXPECT_EQ(One(text).kind, Kind::kDefinition) << text;
    EXPECT_EQ(One(text).name, "m") << text;
  }
  EXPECT_EQ(One("(module definition)").name, "");
  EXPECT_EQ(Bytes(One("(module quote \"(module)\")")), kEmptyModule);
  EXPECT_EQ(Bytes(One("(module quote \"(mod\" \"ule)\")")), kEmptyModule);
}

TEST(ScriptParser, Instances) {
  const Command both = One("(module instance $i $m)");
  EXPECT_EQ(both.kind, Kind::kInstance);
  EXPECT_EQ(both.name, "i");
  EXPECT_EQ(both.definition, "m");
  EXPECT_EQ(One("(module instance $i)").definition, "");
  EXPECT_EQ(One("(module instance)").name, "");
  EXPECT_EQ(Error("(module instance (func))").substr(0, 16), "unexpected token");
}

TEST(ScriptParser, AModuleThatCannotBeParsedIsStillACommand) {
  for (const char* text : {"(module (frob))", "(module quote \"(frob)\")", "(module (func)",
                           "(module definition (frob (a) (b \")\")))"}) {
    const Command command = One(text);
    ASSERT_TRUE(command.module.has_value()) << text;
    EXPECT_FALSE(command.module->bytes.ok()) << text;
  }
  EXPECT_EQ(Outline("(assert_invalid (module (frob (a))) \"x\")\n(invoke \"f\")"),
            "1 assert_invalid, 2 action");
}

TEST(ScriptParser, QuotedModulesNameTheirLine) {
  const Command command = One("\n(module quote\n  \"(func)\"\n  \"\\n(frob)\")");
  EXPECT_EQ(command.line, 2u);
  const std::string message(command.module->bytes.status().message());
  EXPECT_EQ(message.substr(0, 11), "t.wast:4:2:") << message;
}

TEST(ScriptParser, AScriptMayBeTheFieldsOfOneModule) {
  const Command command = One("\n(@a) (func) (memory 0) (func (export \"f\"))");
  EXPECT_EQ(command.kind, Kind::kModule);
  EXPECT_EQ(command.line, 2u);
  EXPECT_TRUE(command.module->bytes.ok()) << command.module->bytes.status();
  EXPECT_FALSE(One("(func) (frob)").module->bytes.ok());
}

TEST(ScriptParser, Register) {
  const Command command = One("(register \"a\\62\" $m)");
  EXPECT_EQ(command.kind, Kind::kRegister);
  EXPECT_EQ(command.as, "ab");
  EXPECT_EQ(command.name, "m");
  EXPECT_EQ(One("(register \"a\")").name, "");
  EXPECT_EQ(Error("(register \"\\ff\")"), "malformed UTF-8 encoding");
}

TEST(ScriptParser, Actions) {
  const Command get = One("(get $m \"g\")");
  EXPECT_EQ(get.kind, Kind::kAction);
  EXPECT_EQ(get.action.kind, Action::Kind::kGet);
  EXPECT_EQ(get.action.instance, "m");
  EXPECT_EQ(get.action.field, "g");
  EXPECT_EQ(One("(get \"g\")").action.instance, "");
  const Command invoke = One("(invoke $m \"f\" (i32.const 1) (ref.null func))");
  EXPECT_EQ(invoke.action.kind, Action::Kind::kInvoke);
  EXPECT_EQ(invoke.action.instance, "m");
  ASSERT_EQ(invoke.action.arguments.size(), 2u);
  EXPECT_EQ(invoke.action.arguments[1].ToString(), "ref.null:func");
}

TEST(ScriptParser, Constants) {
  const std::pair<const char*, const char*> cases[] = {
      {"i32.const -1", "i32:4294967295"},
      {"i32.const 0xffff_ffff", "i32:4294967295"},
      {"i64.const -0x8000_0000_0000_0000", "i64:9223372036854775808"},
      {"f32.const 0x1p-149", "f32:1e-45"},
      {"f64.const -inf", "f64:-inf"},
      {"f32.const nan", "f32:nan"},
      {"f32.const -nan:0x200000", "f32:-nan:0x200000"},
      {"v128.const i8x16 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 -1",
       "v128:0xff0f0e0d0c0b0a090807060504030201"},
      {"v128.const i16x8 1 2 3 4 5 6 7 -2", "v128:0xfffe0007000600050004000300020001"},
      {"v128.const i32x4 1 2 3 4", "v128:0x00000004000000030000000200000001"},
      {"v128.const i64x2 1 2", "v128:0x00000000000000020000000000000001"},
      {"v128.const f32x4 0 1 0 -0", "v128:0x80000000000000003f80000000000000"},
      {"v128.const f64x2 0 1", "v128:0x3ff00000000000000000000000000000"},
      {"ref.null any", "ref.null:any"},
      {"ref.null noextern", "ref.null:noextern"},
      {"ref.extern 7", "ref.extern:7"},
      {"ref.host 0x7", "ref.host:7"},
  };
  for (const auto& [text, expected] : cases) {
    const Command command = One(absl::StrCat("(invoke \"f\" (", text, "))"));
    ASSERT_EQ(command.action.arguments.size(), 1u) << text << ": " << command.error;
    EXPECT_EQ(command.action.arguments[0].ToString(), expected);
  }
}

TEST(ScriptParser, BadConstants) {
  const std::pair<const char*, const char*> cases[] = {
      {"i32.const", "unexpected token"},
      {"i32.const 1x", "unknown operator"},
      {"i32.const 1 2", "unexpected token"},
      {"i32.const 0x1_0000_0000", "constant out of range"},
      {"f32.const 1e99", "constant out of range"},
      {"f32.const nan:canonical", "unexpected token"},
      {"v128.const", "unexpected token"},
      {"v128.const i32x2 1 2", "unknown operator"},
      {"v128.const i32x4 1 2 3", "unexpected token"},
      {"v128.const i32x4 1 2 3 4 5", "unexpected token"},
      {"v128.const i8x16 256 0 0 0 0 0 0 0 0 0 0 0 0 0 0 0", "constant out of range"},
      {"ref.null", "unexpected token"},
      {"ref.null frob", "unknown operator"},
      {"ref.null $t", "unexpected token"},
      {"ref.extern", "unexpected token"},
      {"ref.extern 0x1_0000_0000", "constant out of range"},
      {"ref.func", "unexpected token"},
      {"ref.frob", "unknown operator"},
      {"either (i32.const 1)", "unexpected token"},
      {"(i32.const 1)", "unexpected token"},
      {"1", "unexpected token"},
  };
  for (const auto& [text, expected] : cases) {
    const std::string error = Error(absl::StrCat("(invoke \"f\" (", text, "))"));
    EXPECT_EQ(error.substr(0, std::string(expected).size()), expected) << text;
  }
}

TEST(ScriptParser, Results) {
  const std::pair<const char*, const char*> cases[] = {
      {"(i32.const 7)", "i32:7"},
      {"(f32.const nan:canonical)", "f32:nan:canonical"},
      {"(f64.const nan:arithmetic)", "f64:nan:arithmetic"},
      {"(f64.const 1.5)", "f64:1.5"},
      {"(v128.const f32x4 nan:canonical nan:arithmetic 1 -2)",
       "v128:nan:canonical,nan:arithmetic,1,-2"},
      {"(v128.const i64x2 1 2)", "v128:1,2"},
      {"(ref.null)", "ref.null"},
      {"(ref.null func)", "ref.null:func"},
      {"(ref.extern)", "ref.extern"},
      {"(ref.extern 1)", "ref.extern:1"},
      {"(ref.host 2)", "ref.host:2"},
      {"(ref.func)", "ref.func"},
      {"(ref.i31)", "ref.i31"},
      {"(ref.struct)", "ref.struct"},
      {"(ref.array)", "ref.array"},
      {"(ref.eq)", "ref.eq"},
      {"(ref.any)", "ref.any"},
      {"(ref.exn)", "ref.exn"},
      {"(either (i32.const 1) (i32.const 2))", "either(i32:1 i32:2)"},
      {"(either (i32.const 1) (either (i32.const 2) (i32.const 3)))", "either(i32:1 i32:2 i32:3)"},
  };
  for (const auto& [text, expected] : cases) {
    const Command command = One(absl::StrCat("(assert_return (invoke \"f\") ", text, ")"));
    EXPECT_EQ(command.kind, Kind::kAssertReturn);
    ASSERT_EQ(command.expected.size(), 1u) << text << ": " << command.error;
    EXPECT_EQ(command.expected[0].ToString(), expected);
  }
  EXPECT_EQ(One("(assert_return (get \"f\") (i32.const 1) (i64.const 2))").expected.size(), 2u);
  for (const char* text : {"(i32.const nan:canonical)", "(frob)", "(either", "7", "(ref.func 1)",
                           "(ref.i31 1)", "(v128.const f32x4 nan:canonical)"}) {
    Error(absl::StrCat("(assert_return (invoke \"f\") ", text, ")"));
  }
}

TEST(ScriptParser, Assertions) {
  const std::pair<const char*, Kind> of_actions[] = {
      {"assert_trap", Kind::kAssertTrap}, {"assert_exhaustion", Kind::kAssertExhaustion}};
  for (const auto& [name, kind] : of_actions) {
    const Command command = One(absl::StrCat("(", name, " (invoke \"f\") \"why\")"));
    EXPECT_EQ(command.kind, kind);
    EXPECT_EQ(command.action.field, "f");
    EXPECT_EQ(command.text, "why");
    EXPECT_FALSE(command.module.has_value());
    Error(absl::StrCat("(", name, " (invoke \"f\"))"));
    Error(absl::StrCat("(", name, " \"why\")"));
  }
  EXPECT_EQ(One("(assert_exception (invoke \"f\"))").kind, Kind::kAssertException);
  Error("(assert_exception (invoke \"f\") \"why\")");
  Error("(assert_exhaustion (module) \"why\")");
  const std::pair<const char*, Kind> of_modules[] = {
      {"assert_trap", Kind::kAssertTrap},
      {"assert_invalid", Kind::kAssertInvalid},
      {"assert_malformed", Kind::kAssertMalformed},
      {"assert_invalid_custom", Kind::kAssertInvalidCustom},
      {"assert_malformed_custom", Kind::kAssertMalformedCustom},
      {"assert_unlinkable", Kind::kAssertUnlinkable}};
  for (const auto& [name, kind] : of_modules) {
    for (const char* module : {"(module)", "(module $m binary)", "(module quote \"(frob)\")"}) {
      const Command command = One(absl::StrCat("(", name, " ", module, " \"why\")"));
      EXPECT_EQ(command.kind, kind);
      EXPECT_EQ(command.text, "why");
      EXPECT_TRUE(command.module.has_value());
    }
    Error(absl::StrCat("(", name, " (module))"));
    Error(absl::StrCat("(", name, " (module) \"why\" \"more\")"));
    Error(absl::StrCat("(", name, " (frob) \"why\")"));
  }
  Error("(assert_frob (module) \"why\")");
}

TEST(ScriptParser, Threads) {
  const Command thread = One(R"((thread $t (shared (module $a)) (shared (module $b))
    (module)
    (invoke "f")
    (frob (x))
    (thread $u (wait $v))
    (wait $u)
  ))");
  EXPECT_EQ(thread.name, "t");
  EXPECT_EQ(thread.shared, (std::vector<std::string>{"a", "b"}));
  EXPECT_EQ(Outline({thread}), "1 thread(2 module, 3 action, 4 command, 5 thread(5 wait), 6 wait)");
  EXPECT_EQ(One("(wait $t)").name, "t");
  for (const char* text : {"(thread)", "(thread (module))", "(thread $t (shared))", "(wait)",
                           "(thread $t (shared (module)))", "(wait $t $u)"}) {
    Error(text);
  }
  // One that is not closed holds what is left, and says so.
  EXPECT_EQ(Outline("(thread $t (module)"), "1 thread(1 module, 1 command)");
  std::string deep;
  for (int i = 0; i < 1000; ++i) deep += "(thread $t ";
  int depth = 0;
  const Script script = ParseScript("t.wast", deep + std::string(1000, ')'));
  for (const std::vector<Command>* at = &script.commands; !at->empty();
       at = &at->front().commands) {
    ++depth;
  }
  EXPECT_EQ(depth, kMaxThreadDepth + 1);
}

TEST(ScriptParser, GoesOnAfterWhatCannotBeRead) {
  EXPECT_EQ(Outline("(frob (a (b) \")\"))\n(module)"), "1 command, 2 module");
  EXPECT_EQ(Outline(") (module)\nx\n(wait $t)"), "1 command, 1 module, 2 command, 3 wait");
  EXPECT_EQ(Outline("(module \"a\n)\n(module)"), "1 command, 3 module");
  EXPECT_EQ(Outline("(module)\n(; no end"), "1 module, 2 command");
  EXPECT_EQ(Outline("(module)\n(invoke \"f\""), "1 module, 2 command");
  EXPECT_EQ(Outline("(@annotation (x)) (module)"), "1 module");
  EXPECT_EQ(Outline("(@) (module)"), "1 command, 1 module");
  EXPECT_EQ(Outline(""), "");
}

TEST(ScriptParser, ErrorsPointIntoTheText) {
  const std::string message(One("\n\n  (invoke \"f\"\n   (frob))").error.message());
  EXPECT_EQ(message.substr(0, 11), "t.wast:4:5:") << message;
}

// Input drives no recursion, and no work that grows faster than it.
TEST(ScriptParser, LargeInputs) {
  constexpr int kMany = 100'000;
  std::string nested = "(assert_return (invoke \"f\") ";
  for (int i = 0; i < kMany; ++i) nested += "(either ";
  EXPECT_EQ(One(nested + std::string(kMany, ')') + ")").kind, Kind::kAssertReturn);
  EXPECT_EQ(One(std::string(kMany, '(')).kind, Kind::kUnreadable);
  EXPECT_EQ(One("(frob " + std::string(kMany, '(') + std::string(kMany, ')') + ")").kind,
            Kind::kUnreadable);
  std::string bad;
  for (int i = 0; i < kMany; ++i) bad += "(frob)\n";
  EXPECT_EQ(ParseScript("t.wast", bad).commands.size(), size_t{kMany});
}

}  // namespace
}  // namespace gantry::wast
