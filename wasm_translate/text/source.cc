#include "wasm_translate/text/source.h"

#include <algorithm>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace gantry::wasm::text {
namespace {

constexpr char kMessagePayload[] = "gantry/text-message";
// How much of a line an error shows on either side of the caret, in bytes.
constexpr size_t kContext = 60;

bool IsContinuation(char c) { return (static_cast<uint8_t>(c) & 0xC0) == 0x80; }

size_t CountCharacters(absl::string_view text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return !IsContinuation(c); }));
}

// The line around `offset`, cut, and the caret below it. Control characters become blanks,
// so that the caret stays in its column.
std::string LineWithCaret(absl::string_view text, size_t offset) {
  size_t begin = offset == 0 ? absl::string_view::npos : text.rfind('\n', offset - 1);
  begin = begin == absl::string_view::npos ? 0 : begin + 1;
  size_t end = std::min(text.find('\n', offset), text.size());
  if (offset - begin > kContext) {
    begin = offset - kContext;
    while (begin < offset && IsContinuation(text[begin])) ++begin;
  }
  if (end - offset > kContext) {
    end = offset + kContext;
    while (end > offset && IsContinuation(text[end])) --end;
  }
  std::string line(text.substr(begin, end - begin));
  for (char& c : line) {
    if (static_cast<uint8_t>(c) < 0x20 || c == 0x7F) c = ' ';
  }
  const size_t column = CountCharacters(text.substr(begin, offset - begin));
  return absl::StrCat("    ", line, "\n    ", std::string(column, ' '), "^");
}

}  // namespace

Position SourceText::PositionOf(uint32_t offset) const {
  const absl::string_view before = text_.substr(0, offset);
  const auto lines = static_cast<uint32_t>(std::count(before.begin(), before.end(), '\n'));
  const size_t newline = before.rfind('\n');
  const absl::string_view line =
      newline == absl::string_view::npos ? before : before.substr(newline + 1);
  return {first_line_ + lines, static_cast<uint32_t>(CountCharacters(line)) + 1};
}

absl::Status TextErrorAt(const SourceText& source, uint32_t offset, absl::string_view message) {
  const size_t place = std::min<size_t>(offset, source.text().size());
  const Position position = source.PositionOf(static_cast<uint32_t>(place));
  absl::Status status = absl::InvalidArgumentError(
      absl::StrCat(source.name(), ":", position.line, ":", position.column, ": ", message, "\n",
                   LineWithCaret(source.text(), place)));
  status.SetPayload(kMessagePayload, absl::Cord(message));
  return status;
}

std::string BareMessage(const absl::Status& status) {
  const auto payload = status.GetPayload(kMessagePayload);
  return payload.has_value() ? std::string(*payload) : std::string(status.message());
}

}  // namespace gantry::wasm::text
