// Every module in text of the official scripts: those that a script defines parse and
// validate; those that it says are malformed or invalid are refused, with the message that it
// gives. Forms other than modules are the business of //wast.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "gtest/gtest.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/text/lexer.h"
#include "wasm_translate/text/source.h"
#include "wasm_translate/text/text_parser.h"
#include "wasm_translate/text/token_cursor.h"
#include "wast/testsuite.h"

namespace gantry::wasm::text {
namespace {

namespace fs = std::filesystem;

struct Counts {
  int files = 0;
  int defined = 0;
  int refused_by_text = 0;
  int refused_by_validation = 0;
  int binary = 0;
  int other_wording = 0;
};

std::string ReadFile(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  return std::string(std::istreambuf_iterator<char>(in), {});
}

// One script.
class ScriptReader {
 public:
  ScriptReader(const std::string& name, absl::string_view text, Counts* counts)
      : source_(name, text), counts_(*counts) {}

  absl::Status Read() {
    ASSIGN_OR_RETURN(const std::vector<Token> tokens, Tokenize(source_));
    TokenCursor cursor(source_, tokens);
    if (!cursor.AtOpen("module") && !IsScript(cursor)) return ReadWhole();
    while (!cursor.AtEnd()) {
      if (cursor.kind() != TokenKind::kOpen) return cursor.Unexpected("a command");
      RETURN_IF_ERROR(ReadForm(cursor));
    }
    return absl::OkStatus();
  }

 private:
  // Scripts may be the fields of one module (inline-module.wast).
  static bool IsScript(const TokenCursor& cursor) {
    const absl::string_view word = cursor.TextOf(cursor.Peek(1));
    return absl::StartsWith(word, "assert_") || word == "invoke" || word == "register" ||
           word == "thread" || word == "wait" || word == "get";
  }

  absl::Status ReadWhole() {
    Accept(ParseText(source_, {true, true}), source_, 0);
    return absl::OkStatus();
  }

  absl::Status ReadForm(TokenCursor& cursor) {
    if (cursor.AtOpen("module")) return ReadDefined(cursor);
    TokenCursor form = cursor;
    cursor.SkipForm();
    const absl::string_view word = form.TextOf(form.Peek(1));
    form.Take(2);
    if (word == "thread") {
      // (thread $t (shared ...) command*)
      if (form.AtId()) form.Take();
      while (form.kind() == TokenKind::kOpen) RETURN_IF_ERROR(ReadForm(form));
      return absl::OkStatus();
    }
    if (!form.AtOpen("module")) return absl::OkStatus();
    if (word == "assert_malformed" || word == "assert_malformed_custom") {
      return ReadRefused(form, true);
    }
    if (word == "assert_invalid" || word == "assert_invalid_custom") {
      return ReadRefused(form, false);
    }
    if (word == "assert_unlinkable" || word == "assert_trap") return ReadDefined(form);
    return absl::OkStatus();
  }

  // The module behind the cursor: bytes or the error of its text. A binary one is none.
  struct Result {
    bool is_text = true;
    std::string quoted;
    absl::StatusOr<TextModule> module = TextModule();
  };

  Result ReadModule(TokenCursor& cursor) {
    Result result;
    cursor.Take(2);
    cursor.TakeKeyword("definition");
    absl::string_view id;
    if (cursor.AtId()) id = cursor.TextOf(cursor.Take());
    if (cursor.AtKeyword("binary") || cursor.AtKeyword("instance")) {
      result.is_text = false;
      cursor.SkipToClose();
      return result;
    }
    if (cursor.TakeKeyword("quote")) {
      while (cursor.AtString()) {
        absl::StrAppend(&result.quoted, *cursor.ExpectString(), " ");
      }
      cursor.SkipToClose();
      result.module = ParseText(SourceText("quote", result.quoted), {true, true});
      return result;
    }
    result.module = ParseModuleFields(cursor, {true, true}, id);
    return result;
  }

  absl::Status ReadDefined(TokenCursor& cursor) {
    const Token& token = cursor.Peek();
    TokenCursor after = cursor;
    after.SkipForm();
    const Result result = ReadModule(cursor);
    const SourceText quoted("quote", result.quoted);
    if (result.is_text) {
      Accept(result.module, result.quoted.empty() ? source_ : quoted, token.offset);
    } else {
      ++counts_.binary;
    }
    cursor = after;
    return absl::OkStatus();
  }

  void Accept(const absl::StatusOr<TextModule>& module, const SourceText& source, uint32_t offset) {
    const uint32_t line = source_.PositionOf(offset).line;
    if (!module.ok()) {
      ADD_FAILURE() << source_.name() << ":" << line << ": " << module.status().message();
      return;
    }
    ++counts_.defined;
    const absl::Status status = Validate(*module, source);
    EXPECT_TRUE(status.ok()) << source_.name() << ":" << line << ": " << status.message();
  }

  absl::Status Validate(const TextModule& module, const SourceText& source) const {
    ParseOptions options;
    options.features = Features::All();
    if (absl::StrContains(source_.name(), "threads")) {
      // That proposal is older than these.
      options.features.Set(Feature::kMultiMemory, false).Set(Feature::kReferenceTypes, false);
    }
    return WithTextPlace(ValidateModule(module.bytes, options), module, source);
  }

  absl::Status ReadRefused(TokenCursor form, bool malformed) {
    const uint32_t line = source_.PositionOf(form.Peek().offset).line;
    TokenCursor after = form;
    after.SkipForm();
    ASSIGN_OR_RETURN(const std::string expected, after.ExpectString());
    const Result result = ReadModule(form);
    if (!result.is_text) {
      ++counts_.binary;
      return absl::OkStatus();
    }
    absl::Status status = result.module.status();
    if (status.ok()) {
      ++counts_.refused_by_validation;
      const SourceText quoted("quote", result.quoted);
      status = Validate(*result.module, result.quoted.empty() ? source_ : quoted);
    } else {
      ++counts_.refused_by_text;
    }
    if (status.ok()) {
      ADD_FAILURE() << source_.name() << ":" << line << ": not refused: " << expected << "\n"
                    << result.quoted;
    } else if (!absl::StartsWith(BareMessage(status), expected)) {
      // The wording of validation is compared by //wast, which knows its equivalents. Sizes
      // past 32 bits are malformed for proposals that are older than memory64.
      if (malformed && expected != "i32 constant out of range") {
        ADD_FAILURE() << source_.name() << ":" << line << ": expected \"" << expected
                      << "\", got:\n"
                      << status.message();
      } else {
        ++counts_.other_wording;
        std::cout << source_.name() << ":" << line << ": \"" << expected << "\" is "
                  << BareMessage(status) << "\n";
      }
    }
    return absl::OkStatus();
  }

  const SourceText source_;
  Counts& counts_;
};

TEST(TextScriptsTest, EveryModule) {
  const auto folder = wast::TestsuiteFolder();
  if (!folder.has_value()) {
    std::cout << "the official scripts are not here: set GANTRY_TESTSUITE to their folder\n";
    GTEST_SKIP();
  }
  std::vector<fs::path> scripts;
  for (const auto& entry : fs::recursive_directory_iterator(*folder)) {
    if (entry.path().extension() == ".wast") scripts.push_back(entry.path());
  }
  std::sort(scripts.begin(), scripts.end());
  Counts counts;
  for (const fs::path& path : scripts) {
    const std::string text = ReadFile(path);
    const std::string name = fs::relative(path, *folder).string();
    const absl::Status status = ScriptReader(name, text, &counts).Read();
    EXPECT_TRUE(status.ok()) << status.message();
    ++counts.files;
  }
  std::cout << counts.files << " scripts: " << counts.defined << " modules defined by text; "
            << counts.refused_by_text << " refused by the text parser, "
            << counts.refused_by_validation << " by validation (" << counts.other_wording
            << " with another wording); " << counts.binary << " binary ones left out\n";
  EXPECT_GT(counts.defined, 2000);
  EXPECT_GT(counts.refused_by_text, 1000);
}

}  // namespace
}  // namespace gantry::wasm::text
