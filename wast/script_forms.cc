#include "wast/script_forms.h"

namespace gantry::wast {
namespace {

class Splitter {
 public:
  explicit Splitter(absl::string_view text) : text_(text) {}

  std::vector<Form> Split() {
    std::vector<Form> forms;
    while (true) {
      SkipBlanksAndComments();
      if (at_ == text_.size()) return forms;
      Form form;
      form.line = line_;
      const size_t begin = at_;
      const size_t indent = only_blanks_ ? line_begin_ : begin;
      only_blanks_ = false;
      if (text_[at_] == '(') {
        SkipGroup();
      } else {
        SkipRun();
      }
      form.text = text_.substr(begin, at_ - begin);
      form.with_indent = text_.substr(indent, at_ - indent);
      forms.push_back(form);
    }
  }

 private:
  bool At(absl::string_view word) const { return text_.substr(at_, word.size()) == word; }
  static bool IsBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

  void Advance() {
    if (text_[at_++] != '\n') return;
    ++line_;
    line_begin_ = at_;
    only_blanks_ = true;
  }

  // A comment without an end is left where it is: it belongs to a form then.
  void SkipBlanksAndComments() {
    while (at_ < text_.size()) {
      if (IsBlank(text_[at_])) {
        Advance();
      } else if (At(";;")) {
        SkipLine();
      } else if (At("(;")) {
        const Splitter before = *this;
        if (!SkipBlockComment()) {
          *this = before;
          return;
        }
        only_blanks_ = false;
      } else {
        return;
      }
    }
  }

  void SkipLine() {
    while (at_ < text_.size() && text_[at_] != '\n') ++at_;
  }

  // False where the text ends first; everything has been passed then.
  bool SkipBlockComment() {
    size_t depth = 0;
    while (at_ < text_.size()) {
      if (At("(;")) {
        ++depth;
        at_ += 2;
      } else if (At(";)")) {
        at_ += 2;
        if (--depth == 0) return true;
      } else {
        Advance();
      }
    }
    return false;
  }

  // A string ends with its line, if not before.
  void SkipString() {
    ++at_;
    while (at_ < text_.size() && text_[at_] != '\n') {
      const char c = text_[at_++];
      if (c == '"') return;
      if (c == '\\' && at_ < text_.size() && text_[at_] != '\n') ++at_;
    }
  }

  void SkipGroup() {
    size_t depth = 0;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      if (c == '"') {
        SkipString();
      } else if (At(";;")) {
        SkipLine();
      } else if (At("(;")) {
        SkipBlockComment();
      } else {
        Advance();
        if (c == '(') ++depth;
        if (c == ')' && --depth == 0) return;
      }
    }
  }

  void SkipRun() {
    if (text_[at_] == ')') return Advance();
    while (at_ < text_.size() && !IsBlank(text_[at_]) && text_[at_] != '(' && text_[at_] != ')' &&
           !At(";;")) {
      if (text_[at_] == '"') {
        SkipString();
      } else {
        Advance();
      }
    }
  }

  absl::string_view text_;
  size_t at_ = 0;
  uint32_t line_ = 1;
  size_t line_begin_ = 0;
  // Whether nothing but blanks stands between the line's begin and here.
  bool only_blanks_ = true;
};

}  // namespace

std::vector<Form> SplitForms(absl::string_view text) { return Splitter(text).Split(); }

}  // namespace gantry::wast
