#include "wast/script_forms.h"

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"

namespace gantry::wast {
namespace {

// "LINE:TEXT" of each form.
std::vector<std::string> Split(absl::string_view text) {
  std::vector<std::string> out;
  for (const Form& form : SplitForms(text)) out.push_back(absl::StrCat(form.line, ":", form.text));
  return out;
}

using Strings = std::vector<std::string>;

TEST(ScriptForms, Nothing) {
  for (const char* text : {"", " \t\r\n", ";; all\n;; of it", "(; a ;)", "(; a (; b ;) ;)"}) {
    EXPECT_EQ(Split(text), Strings()) << text;
  }
}

TEST(ScriptForms, Groups) {
  EXPECT_EQ(Split("(a)(b (c))\n(d\n)\n(e)"), (Strings{"1:(a)", "1:(b (c))", "2:(d\n)", "4:(e)"}));
}

TEST(ScriptForms, CommentsAndStringsHideParentheses) {
  EXPECT_EQ(Split("(a ;; )\n)(b (; ) ;) )"), (Strings{"1:(a ;; )\n)", "2:(b (; ) ;) )"}));
  EXPECT_EQ(Split("(a \")\" \"\\\")\" \"\\\\\")(b)"),
            (Strings{"1:(a \")\" \"\\\")\" \"\\\\\")", "1:(b)"}));
}

TEST(ScriptForms, WhatHasNoEndGoesToTheEnd) {
  EXPECT_EQ(Split("(a)\n(b (c)"), (Strings{"1:(a)", "2:(b (c)"}));
  EXPECT_EQ(Split("(a)\n(; b"), (Strings{"1:(a)", "2:(; b"}));
  // A string ends with its line.
  EXPECT_EQ(Split("(a \"b\n)(c)"), (Strings{"1:(a \"b\n)", "2:(c)"}));
}

TEST(ScriptForms, StrayCharacters) {
  EXPECT_EQ(Split("a ) \"b c\"(d)"), (Strings{"1:a", "1:)", "1:\"b c\"", "1:(d)"}));
}

TEST(ScriptForms, Indent) {
  const auto forms = SplitForms("  (a) (b)\n\t(c)\n(; x ;) (d)");
  ASSERT_EQ(forms.size(), 4u);
  EXPECT_EQ(forms[0].with_indent, "  (a)");
  EXPECT_EQ(forms[1].with_indent, "(b)");
  EXPECT_EQ(forms[2].with_indent, "\t(c)");
  EXPECT_EQ(forms[3].with_indent, "(d)");
}

// Every text of a few characters is covered by its forms, but for blanks and comments.
TEST(ScriptForms, AllSmallTexts) {
  constexpr char kCharacters[] = "(;)\"\\ \na";
  constexpr size_t kSize = 6;
  size_t count = 1;
  for (size_t i = 0; i < kSize; ++i) count *= 8;
  for (size_t number = 0; number < count; ++number) {
    std::string text;
    for (size_t rest = number, i = 0; i < kSize; ++i, rest /= 8) text += kCharacters[rest % 8];
    const char* at = text.data();
    for (const Form& form : SplitForms(text)) {
      ASSERT_FALSE(form.text.empty());
      ASSERT_GE(form.text.data(), at);
      at = form.text.data() + form.text.size();
      ASSERT_LE(at, text.data() + text.size());
    }
  }
}

}  // namespace
}  // namespace gantry::wast
