#include "wasm_translate/text/token_cursor.h"

#include <string>
#include <vector>

#include "gtest/gtest.h"

namespace gantry::wasm::text {
namespace {

// Text with its tokens and a cursor over them.
struct Fixture {
  explicit Fixture(absl::string_view text)
      : source("test", text), tokens(*Tokenize(source)), cursor(source, tokens) {}

  SourceText source;
  std::vector<Token> tokens;
  TokenCursor cursor;
};

std::string UnexpectedAt(absl::string_view text) {
  return BareMessage(Fixture(text).cursor.Unexpected("a field"));
}

TEST(TokenCursorTest, ReadsAModule) {
  Fixture f("(module $m (func) \"a\\00b\" \"c\")");
  TokenCursor& cursor = f.cursor;
  EXPECT_FALSE(cursor.AtOpen("func"));
  ASSERT_TRUE(cursor.TakeOpen("module"));
  ASSERT_TRUE(cursor.AtId());
  EXPECT_EQ(cursor.TextOf(cursor.Take()), "$m");
  const TokenCursor bookmark = cursor;
  EXPECT_TRUE(cursor.ExpectOpen().ok());
  EXPECT_TRUE(cursor.ExpectKeyword("func").ok());
  EXPECT_TRUE(cursor.ExpectClose().ok());
  EXPECT_EQ(*cursor.ExpectString(), std::string("a\0b", 3));
  EXPECT_EQ(*cursor.ExpectName(), "c");
  EXPECT_TRUE(cursor.ExpectClose().ok());
  EXPECT_TRUE(cursor.AtEnd());
  EXPECT_EQ(cursor.Take().kind, TokenKind::kEnd);
  EXPECT_TRUE(cursor.AtEnd());
  cursor = bookmark;
  EXPECT_TRUE(cursor.AtOpen("func"));
}

TEST(TokenCursorTest, PassesAnnotations) {
  Fixture f("(@a) (@b (x)) ( (@c) module (@d)) (@e)");
  EXPECT_TRUE(f.cursor.AtOpen("module"));
  f.cursor.Take(2);
  EXPECT_EQ(f.cursor.kind(), TokenKind::kClose);
  f.cursor.Take();
  EXPECT_TRUE(f.cursor.AtEnd());
}

TEST(TokenCursorTest, KeepsAnnotations) {
  constexpr absl::string_view kNames[] = {"name"};
  Fixture f("(module (@a) (@name \"x\") (@\"name\" \"y\") (@b) (func))");
  f.cursor.Take(2);
  EXPECT_TRUE(f.cursor.AtOpen("func"));
  f.cursor.KeepAnnotations(kNames);
  ASSERT_TRUE(f.cursor.AtAnnotation("name"));
  EXPECT_FALSE(f.cursor.AtAnnotation("a"));
  f.cursor.Take();
  EXPECT_EQ(*f.cursor.ExpectString(), "x");
  EXPECT_TRUE(f.cursor.ExpectClose().ok());
  ASSERT_TRUE(f.cursor.AtAnnotation("name"));
  f.cursor.SkipForm();
  EXPECT_TRUE(f.cursor.AtOpen("func"));
}

TEST(TokenCursorTest, SkipsForms) {
  Fixture f("a (b (c)) d) e");
  f.cursor.SkipForm();
  f.cursor.SkipForm();
  EXPECT_TRUE(f.cursor.AtKeyword("d"));
  f.cursor.SkipForm();
  EXPECT_EQ(f.cursor.kind(), TokenKind::kClose);
  f.cursor.SkipForm();
  EXPECT_EQ(f.cursor.kind(), TokenKind::kClose);
  f.cursor.SkipToClose();
  EXPECT_TRUE(f.cursor.AtKeyword("e"));
  f.cursor.SkipToClose();
  EXPECT_TRUE(f.cursor.AtEnd());

  const size_t n = 1'000'000;
  Fixture deep("x " + std::string(n, '('));
  deep.cursor.SkipToClose();
  EXPECT_TRUE(deep.cursor.AtEnd());
}

TEST(TokenCursorTest, Unexpected) {
  EXPECT_EQ(UnexpectedAt("func"), "unexpected token \"func\", expected a field");
  EXPECT_EQ(UnexpectedAt("(func)"), "unexpected token \"(func\", expected a field");
  EXPECT_EQ(UnexpectedAt("()"), "unexpected token \"(\", expected a field");
  EXPECT_EQ(UnexpectedAt(")"), "unexpected token \")\", expected a field");
  EXPECT_EQ(UnexpectedAt("\"a\""), "unexpected token \"a\", expected a field");
  EXPECT_EQ(UnexpectedAt("$a"), "unexpected token \"$a\", expected a field");
  EXPECT_EQ(UnexpectedAt(""), "unexpected token at the end of the text, expected a field");
  EXPECT_EQ(UnexpectedAt("fun"), "unknown operator fun, expected a field");
  EXPECT_EQ(UnexpectedAt("( @a)"), "unknown operator @a, expected a field");
  EXPECT_EQ(UnexpectedAt("-1.5"), "unexpected token \"-1.5\", expected a field");
  EXPECT_EQ(UnexpectedAt("0x"), "unknown operator 0x, expected a field");
  EXPECT_EQ(UnexpectedAt("nan:0x1"), "unexpected token \"nan:0x1\", expected a field");
  EXPECT_EQ(UnexpectedAt("nan:canonical"), "unexpected token \"nan:canonical\", expected a field");
  EXPECT_EQ(UnexpectedAt("offset=1"), "unexpected token \"offset=1\", expected a field");
  EXPECT_EQ(UnexpectedAt("offset=-1"), "unknown operator offset=-1, expected a field");
  EXPECT_EQ(UnexpectedAt("i32.add"), "unexpected token \"i32.add\", expected a field");
  EXPECT_EQ(UnexpectedAt(std::string(100, 'x')),
            "unknown operator " + std::string(40, 'x') + "..., expected a field");
}

TEST(TokenCursorTest, Names) {
  Fixture f("\"\\ff\"");
  EXPECT_EQ(BareMessage(f.cursor.ExpectName().status()), "malformed UTF-8 encoding");
  EXPECT_EQ(*f.cursor.ExpectString(), "\xff");
  EXPECT_EQ(BareMessage(f.cursor.ExpectClose()),
            "unexpected token at the end of the text, expected \")\"");
}

}  // namespace
}  // namespace gantry::wasm::text
