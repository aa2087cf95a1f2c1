#include "codegen/filetest/file.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace gantry::codegen {
namespace {

absl::Status ErrorAt(int line, absl::string_view message) {
  return absl::InvalidArgumentError(absl::StrCat(line, ": ", message));
}

std::vector<std::string> SplitList(absl::string_view text) {
  std::vector<std::string> parts;
  if (absl::StripAsciiWhitespace(text).empty()) return parts;
  for (absl::string_view part : absl::StrSplit(text, ',')) {
    parts.emplace_back(absl::StripAsciiWhitespace(part));
  }
  return parts;
}

// The text behind "; WORD:" in a line.
bool ConsumeDirective(absl::string_view line, absl::string_view word, absl::string_view* rest) {
  line = absl::StripLeadingAsciiWhitespace(line);
  if (!absl::ConsumePrefix(&line, ";")) return false;
  line = absl::StripLeadingAsciiWhitespace(line);
  if (!absl::ConsumePrefix(&line, word) || !absl::ConsumePrefix(&line, ":")) return false;
  absl::ConsumePrefix(&line, " ");
  *rest = line;
  return true;
}

absl::StatusOr<RunLine> ReadRunLine(int number, absl::string_view text) {
  RunLine run;
  run.line = number;
  run.text = std::string(absl::StripAsciiWhitespace(text));
  absl::string_view rest = run.text;
  const size_t open = rest.find('(');
  const size_t close = rest.find(')');
  if (!absl::ConsumePrefix(&rest, "%") || open == absl::string_view::npos ||
      close == absl::string_view::npos || close < open) {
    return ErrorAt(number, "a run line is written %name(args) == values");
  }
  run.function = run.text.substr(1, open - 1);
  run.args = SplitList(absl::string_view(run.text).substr(open + 1, close - open - 1));
  rest = absl::StripAsciiWhitespace(absl::string_view(run.text).substr(close + 1));
  uint32_t code = 0;
  if (absl::ConsumePrefix(&rest, "==")) {
    run.values = SplitList(rest);
  } else if (absl::ConsumePrefix(&rest, "traps tc")) {
    if (!absl::SimpleAtoi(rest, &code) || code > 255) {
      return ErrorAt(number, "expected a trap code such as tc3");
    }
    run.expected = Outcome::Trapped(static_cast<TrapCode>(code));
  } else if (absl::ConsumePrefix(&rest, "throws tag")) {
    const std::vector<std::string> parts = SplitList(rest);
    uint32_t handle = 0;
    if (parts.size() != 2 || !absl::SimpleAtoi(parts[0], &code) ||
        !absl::SimpleAtoi(parts[1], &handle)) {
      return ErrorAt(number, "expected a tag and a handle such as tag1, 5");
    }
    run.expected = Outcome::Threw(code, handle);
  } else if (rest == "runs out of fuel") {
    run.expected.kind = Outcome::Kind::kOutOfFuel;
  } else if (rest == "overflows the stack") {
    run.expected.kind = Outcome::Kind::kStackOverflow;
  } else if (!rest.empty()) {
    return ErrorAt(number,
                   "expected == values, traps, throws, runs out of fuel or overflows the stack");
  }
  return run;
}

absl::Status ReadCommand(int number, absl::string_view line, Filetest* file) {
  std::vector<std::string> words = absl::StrSplit(line, ' ', absl::SkipWhitespace());
  if (words.empty()) return absl::OkStatus();
  if (words[0] == "test") {
    if (words.size() < 2 || words.size() > 3) return ErrorAt(number, "expected test COMMAND");
    file->commands.push_back({words[1], words.size() == 3 ? words[2] : ""});
  } else if (words[0] == "target") {
    if (words.size() < 2) return ErrorAt(number, "expected target ISA SETTING...");
    file->targets.push_back({words[1], {words.begin() + 2, words.end()}});
  }
  // Anything else in the head is a remark.
  return absl::OkStatus();
}

// "0x" and 32 digits, or lanes, the lowest first, behind their shape: "i32x4[1 -2 3 0]".
absl::StatusOr<RawValue> ParseVector(absl::string_view text) {
  const auto bad = [&] {
    return absl::InvalidArgumentError(
        absl::StrCat("'", text, "' is not v128, such as i32x4[1 -2 3 0]"));
  };
  RawValue value;
  absl::string_view rest = text;
  if (absl::ConsumePrefix(&rest, "0x")) {
    if (rest.size() != 32 || !absl::SimpleHexAtoi(rest.substr(0, 16), &value.hi) ||
        !absl::SimpleHexAtoi(rest.substr(16), &value.lo)) {
      return bad();
    }
    return value;
  }
  const size_t open = std::min(rest.find('['), rest.size());
  const std::optional<Type> shape = TypeFromName(rest.substr(0, open));
  if (!shape.has_value() || !IsShape(*shape)) return bad();
  rest.remove_prefix(open);
  if (!absl::ConsumePrefix(&rest, "[") || !absl::ConsumeSuffix(&rest, "]")) return bad();
  const std::vector<std::string> lanes = absl::StrSplit(rest, ' ', absl::SkipWhitespace());
  if (lanes.size() != LaneCount(*shape)) return bad();
  for (uint32_t i = 0; i < lanes.size(); ++i) {
    ASSIGN_OR_RETURN(const RawValue lane, ParseRunValue(LaneType(*shape), lanes[i]));
    const uint32_t at = i * LaneBits(*shape);
    (at < 64 ? value.lo : value.hi) |= lane.lo << at % 64;
  }
  return value;
}

}  // namespace

absl::StatusOr<RawValue> ParseRunValue(Type type, absl::string_view text) {
  if (type == Type::kV128) return ParseVector(text);
  if (IsFloat(type)) {
    ASSIGN_OR_RETURN(const uint64_t bits, ParseFloat(type, text));
    return RawValue(bits);
  }
  absl::string_view digits = text;
  const bool negative = absl::ConsumePrefix(&digits, "-");
  uint64_t magnitude = 0;
  const bool read = absl::StartsWith(digits, "0x") ? absl::SimpleHexAtoi(digits, &magnitude)
                                                   : absl::SimpleAtoi(digits, &magnitude);
  if (!IsInt(type) || !read ||
      magnitude > (negative ? uint64_t{1} << (TypeBits(type) - 1) : TypeMask(type))) {
    return absl::InvalidArgumentError(absl::StrCat("'", text, "' is not ", TypeName(type)));
  }
  return RawValue((negative ? -magnitude : magnitude) & TypeMask(type));
}

absl::StatusOr<Filetest> ReadFiletest(absl::string_view text) {
  Filetest file;
  ASSIGN_OR_RETURN(std::vector<ParsedFunction> functions, ParseFunctions(text));
  for (ParsedFunction& parsed : functions) {
    file.functions.emplace_back();
    file.functions.back().parsed = std::move(parsed);
  }
  // Comments belong to the function before them, those before the first to the file.
  size_t next = 0;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    while (next < file.functions.size() && file.functions[next].parsed.first_line <= number) ++next;
    absl::string_view rest;
    if (next == 0) {
      rest = absl::StripLeadingAsciiWhitespace(line);
      if (absl::ConsumePrefix(&rest, ";")) RETURN_IF_ERROR(ReadCommand(number, rest, &file));
      continue;
    }
    FiletestFunction& func = file.functions[next - 1];
    if (number <= func.parsed.last_line) continue;
    const bool interpret = ConsumeDirective(line, "interpret", &rest);
    if (interpret || ConsumeDirective(line, "run", &rest)) {
      ASSIGN_OR_RETURN(RunLine run, ReadRunLine(number, rest));
      run.interpreter_only = interpret;
      func.runs.push_back(std::move(run));
    } else if (ConsumeDirective(line, "check", &rest)) {
      if (func.first_check_line == 0) {
        func.first_check_line = number;
      } else if (func.last_check_line + 1 != number) {
        return ErrorAt(number, "the check lines of a function stand together");
      }
      func.last_check_line = number;
      func.checks.emplace_back(rest);
    }
  }
  if (file.commands.empty()) return ErrorAt(1, "a filetest starts with ; test COMMAND");
  return file;
}

}  // namespace gantry::codegen
