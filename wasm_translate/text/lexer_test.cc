#include "wasm_translate/text/lexer.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "wasm_translate/text/source.h"

namespace gantry::wasm::text {
namespace {

using ::testing::ElementsAre;

// "(" and ")" for parentheses, else a letter for the kind and the characters.
std::vector<std::string> Lex(absl::string_view text) {
  const SourceText source("test", text);
  const auto tokens = Tokenize(source);
  if (!tokens.ok()) return {BareMessage(tokens.status())};
  EXPECT_EQ(tokens->back().kind, TokenKind::kEnd);
  EXPECT_EQ(tokens->back().offset, text.size());
  std::vector<std::string> shown;
  for (const Token& token : absl::MakeConstSpan(*tokens).first(tokens->size() - 1)) {
    shown.push_back(absl::StrCat(std::string(1, "()akNsirE"[static_cast<int>(token.kind)]), ":",
                                 text.substr(token.offset, token.size)));
  }
  return shown;
}

TEST(LexerTest, Kinds) {
  EXPECT_THAT(Lex("(func $f \"x\" 1 -0x1p+3 +inf nan offset=8 A _1 .5)"),
              ElementsAre("(:(", "k:func", "i:$f", "s:\"x\"", "N:1", "N:-0x1p+3", "N:+inf", "k:nan",
                          "k:offset=8", "r:A", "r:_1", "r:.5", "):)"));
  EXPECT_THAT(Lex(""), ElementsAre());
  EXPECT_THAT(Lex(", [] {} ;"), ElementsAre("r:,", "r:[]", "r:{}", "r:;"));
}

TEST(LexerTest, WhatStandsTogetherIsOneToken) {
  EXPECT_THAT(Lex("0$x"), ElementsAre("N:0$x"));
  EXPECT_THAT(Lex("$l\"a\""), ElementsAre("r:$l\"a\""));
  EXPECT_THAT(Lex("\"a\"\"b\""), ElementsAre("r:\"a\"\"b\""));
  EXPECT_THAT(Lex("data\"a\""), ElementsAre("r:data\"a\""));
  EXPECT_THAT(Lex("\"a\"x"), ElementsAre("r:\"a\"x"));
  EXPECT_THAT(Lex("$\"a\"$x"), ElementsAre("r:$\"a\"$x"));
  EXPECT_THAT(Lex("$\"a\"\"b\""), ElementsAre("r:$\"a\"\"b\""));
  EXPECT_THAT(Lex("\"a\"(\"b\")"), ElementsAre("s:\"a\"", "(:(", "s:\"b\"", "):)"));
  EXPECT_THAT(Lex("a;b;;c"), ElementsAre("r:a;b"));
}

TEST(LexerTest, Comments) {
  EXPECT_THAT(Lex("a;;b\nc;;d\re;;"), ElementsAre("k:a", "k:c", "k:e"));
  EXPECT_THAT(Lex("a(;b(;c;)d;)e(;;)(;;;)(;(;;););;)f"), ElementsAre("k:a", "k:e"));
  EXPECT_THAT(Lex("(;\x01\x7f\";)x"), ElementsAre("k:x"));
  EXPECT_THAT(Lex("a (;(;;)"), ElementsAre("unclosed comment"));
  EXPECT_THAT(Lex("a ;)"), ElementsAre("k:a", "r:;", "):)"));
  EXPECT_THAT(Lex(";; \xff"), ElementsAre("malformed UTF-8 encoding"));
  EXPECT_THAT(Lex("(; \xff"), ElementsAre("malformed UTF-8 encoding"));
}

TEST(LexerTest, Strings) {
  EXPECT_THAT(Lex(R"("\t\n\r\"\'\\\00\fF\u{1_0fFfF}")"),
              ElementsAre(R"(s:"\t\n\r\"\'\\\00\fF\u{1_0fFfF}")"));
  EXPECT_THAT(Lex("\"\xc3\xa9\""), ElementsAre("s:\"\xc3\xa9\""));
  EXPECT_THAT(Lex("\""), ElementsAre("unclosed string"));
  EXPECT_THAT(Lex("\"\\"), ElementsAre("unclosed string"));
  EXPECT_THAT(Lex("\"a\nb\""), ElementsAre("unclosed string"));
  EXPECT_THAT(Lex("\"a\tb\""), ElementsAre("illegal control character in string"));
  EXPECT_THAT(Lex("\"a\xff\""), ElementsAre("malformed UTF-8 encoding"));
  for (const char* escape :
       {"\\x", "\\0", "\\0g", "\\u0041", "\\u{}", "\\u{110000}", "\\u{d800}", "\\u{dfff}",
        "\\u{_1}", "\\u{1_}", "\\u{1__2}", "\\u{41", "\\u{100000000000041}"}) {
    EXPECT_THAT(Lex(absl::StrCat("\"", escape, "\"")), ElementsAre("illegal escape")) << escape;
  }
}

TEST(LexerTest, Identifiers) {
  EXPECT_THAT(Lex("$!?@#a$%^&*b-+_.:9'`|/\\<=>~"), ElementsAre("i:$!?@#a$%^&*b-+_.:9'`|/\\<=>~"));
  EXPECT_THAT(Lex("$\" \\u{41}\""), ElementsAre("i:$\" \\u{41}\""));
  for (const char* empty : {"$", "$ \"a\"", "$\"\"", "$\"a\nb\"", "$\"a\tb\"", "$(@a)f"}) {
    EXPECT_THAT(Lex(empty), ElementsAre("empty identifier")) << empty;
  }
  EXPECT_THAT(Lex("$\"\\ef\""), ElementsAre("malformed UTF-8 encoding"));
}

TEST(LexerTest, Annotations) {
  EXPECT_THAT(Lex("(@a x (@ y) (@b) , \")\") z"),
              ElementsAre("a:(@a", "k:x", "(:(", "r:@", "k:y", "):)", "(:(", "r:@b", "):)", "r:,",
                          "s:\")\"", "):)", "k:z"));
  EXPECT_THAT(Lex("(@\"a b\")"), ElementsAre("a:(@\"a b\"", "):)"));
  EXPECT_THAT(Lex("( @a)"), ElementsAre("(:(", "r:@a", "):)"));
  for (const char* empty : {"(@)", "(@ x)", "(@(@a)x)", "(@\"\")", "(@ \"a\")", "(@\"\n\")"}) {
    EXPECT_THAT(Lex(empty), ElementsAre("empty annotation id")) << empty;
  }
  for (const char* open : {"(@x ", "(@x ()", "(@x (y (z))", "(@x (@y )"}) {
    EXPECT_THAT(Lex(open), ElementsAre("unclosed annotation")) << open;
  }
  EXPECT_THAT(Lex("(@x \")"), ElementsAre("unclosed string"));
  EXPECT_THAT(Lex("(@x Hei\xc3\x9f)"), ElementsAre("illegal character"));
}

TEST(LexerTest, EveryByteAlone) {
  for (int c = 0; c < 256; ++c) {
    const std::string text(1, static_cast<char>(c));
    const std::vector<std::string> tokens = Lex(text);
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
      EXPECT_THAT(tokens, ElementsAre()) << c;
    } else if (c == '"') {
      EXPECT_THAT(tokens, ElementsAre("unclosed string"));
    } else if (c == '$') {
      EXPECT_THAT(tokens, ElementsAre("empty identifier"));
    } else if (c > 0x20 && c < 0x7F) {
      ASSERT_EQ(tokens.size(), 1u) << c;
      EXPECT_EQ(tokens[0].substr(2), text);
    } else {
      EXPECT_THAT(tokens, ElementsAre(c < 0x80 ? "illegal character" : "malformed UTF-8 encoding"))
          << c;
    }
  }
}

TEST(LexerTest, ErrorsShowThePlace) {
  const SourceText source("a.wat", "(func\n  \"\xc3\xa9\" \"x)");
  const auto tokens = Tokenize(source);
  ASSERT_FALSE(tokens.ok());
  EXPECT_EQ(tokens.status().message(),
            "a.wat:2:7: unclosed string\n      \"\xc3\xa9\" \"x)\n          ^");
}

TEST(LexerTest, DeepAndLong) {
  const size_t n = 1'000'000;
  std::string nested;
  for (size_t i = 0; i < n; ++i) nested += "(;";
  for (size_t i = 0; i < n; ++i) nested += ";)";
  EXPECT_THAT(Lex(nested), ElementsAre());
  nested = "(@a " + std::string(n, '(') + std::string(n, ')') + ")";
  EXPECT_EQ(Lex(nested).size(), 2 * n + 2);
  EXPECT_EQ(Lex(std::string(10 * n, 'a')).size(), 1u);
}

}  // namespace
}  // namespace gantry::wasm::text
