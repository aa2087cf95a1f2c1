#include "wasm_translate/error.h"

#include <limits>
#include <string>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"

namespace gantry::wasm {
namespace {

constexpr char kOffsetPayload[] = "gantry/wasm-offset";

absl::Status WithOffset(absl::StatusCode code, uint64_t offset, absl::string_view message) {
  absl::Status status(code, absl::StrCat(message, " (at offset 0x", absl::Hex(offset), ")"));
  status.SetPayload(kOffsetPayload, absl::Cord(absl::StrCat(offset)));
  return status;
}

}  // namespace

absl::Status ErrorAt(uint64_t offset, absl::string_view message) {
  return WithOffset(absl::StatusCode::kInvalidArgument, offset, message);
}

absl::Status UnsupportedAt(uint64_t offset, absl::string_view message) {
  return WithOffset(absl::StatusCode::kUnimplemented, offset, message);
}

std::optional<uint64_t> ErrorOffset(const absl::Status& status) {
  const auto payload = status.GetPayload(kOffsetPayload);
  uint64_t offset;
  if (!payload.has_value() || !absl::SimpleAtoi(std::string(*payload), &offset)) {
    return std::nullopt;
  }
  return offset;
}

absl::Status FirstError(absl::Status a, absl::Status b) {
  if (b.ok()) return a;
  if (a.ok()) return b;
  constexpr uint64_t kLast = std::numeric_limits<uint64_t>::max();
  return ErrorOffset(b).value_or(kLast) < ErrorOffset(a).value_or(kLast) ? b : a;
}

}  // namespace gantry::wasm
