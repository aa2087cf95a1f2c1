#include "cli/invoke_values.h"

#include <bit>
#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <limits>
#include <optional>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"

namespace gantry::cli {
namespace {

absl::Status BadValue(absl::string_view text, ValType type, absl::string_view why) {
  return absl::InvalidArgumentError(
      absl::StrCat("\"", text, "\" is not a value of type ", type.ToString(), ": ", why));
}

// The bits of an integer of `width` bits: from the least signed to the largest unsigned.
std::optional<uint64_t> ParseInteger(absl::string_view text, int width) {
  const bool negative = absl::ConsumePrefix(&text, "-");
  if (!negative) absl::ConsumePrefix(&text, "+");
  uint64_t magnitude = 0;
  if (absl::StartsWith(text, "0x") || absl::StartsWith(text, "0X")) {
    // SimpleHexAtoi accepts spaces and signs around the digits; digits alone are wanted.
    const absl::string_view digits = text.substr(2);
    if (digits.empty() || !absl::ascii_isxdigit(digits.front())) return std::nullopt;
    if (!absl::SimpleHexAtoi(digits, &magnitude)) return std::nullopt;
  } else {
    if (text.empty() || !absl::ascii_isdigit(text.front())) return std::nullopt;
    if (!absl::SimpleAtoi(text, &magnitude)) return std::nullopt;
  }
  const uint64_t all = width == 64 ? std::numeric_limits<uint64_t>::max() : 0xFFFFFFFFu;
  if (negative) {
    if (magnitude > (uint64_t{1} << (width - 1))) return std::nullopt;
    return (uint64_t{0} - magnitude) & all;
  }
  if (magnitude > all) return std::nullopt;
  return magnitude;
}

// The bits of a NaN written as nan or nan:0xPAYLOAD, with an optional sign, for a format with
// `mantissa_bits` explicit mantissa bits and all exponent bits in `infinity`.
std::optional<uint64_t> ParseNan(absl::string_view text, int mantissa_bits, uint64_t infinity,
                                 uint64_t sign_bit) {
  uint64_t bits = infinity;
  if (absl::ConsumePrefix(&text, "-")) {
    bits |= sign_bit;
  } else {
    absl::ConsumePrefix(&text, "+");
  }
  if (!absl::ConsumePrefix(&text, "nan")) return std::nullopt;
  if (text.empty()) return bits | uint64_t{1} << (mantissa_bits - 1);
  uint64_t payload = 0;
  if (!absl::ConsumePrefix(&text, ":0x") || text.empty() || !absl::ascii_isxdigit(text.front()) ||
      !absl::SimpleHexAtoi(text, &payload)) {
    return std::nullopt;
  }
  if (payload == 0 || payload >> mantissa_bits != 0) return std::nullopt;
  return bits | payload;
}

// As results are printed: one number of 128 bits in hexadecimal.
std::optional<Val> ParseVector(absl::string_view text) {
  if (!absl::ConsumePrefix(&text, "0x") || text.empty() || text.size() > 32) return std::nullopt;
  uint64_t halves[2] = {};
  for (const char digit : text) {
    if (!absl::ascii_isxdigit(digit)) return std::nullopt;
    uint64_t value = 0;
    if (!absl::SimpleHexAtoi(absl::string_view(&digit, 1), &value)) return std::nullopt;
    halves[1] = halves[1] << 4 | halves[0] >> 60;
    halves[0] = halves[0] << 4 | value;
  }
  return Val::V128(halves[0], halves[1]);
}

}  // namespace

absl::StatusOr<Val> ParseValue(ValType type, absl::string_view text) {
  switch (type.kind()) {
    case ValType::Kind::kI32: {
      const std::optional<uint64_t> bits = ParseInteger(text, 32);
      if (!bits) return BadValue(text, type, "an integer from -2147483648 to 4294967295 is needed");
      return Val::I32(static_cast<int32_t>(static_cast<uint32_t>(*bits)));
    }
    case ValType::Kind::kI64: {
      const std::optional<uint64_t> bits = ParseInteger(text, 64);
      if (!bits) {
        return BadValue(text, type,
                        "an integer from -9223372036854775808 to 18446744073709551615 is needed");
      }
      return Val::I64(static_cast<int64_t>(*bits));
    }
    case ValType::Kind::kF32: {
      if (absl::StrContains(text, "nan")) {
        const std::optional<uint64_t> bits = ParseNan(text, 23, 0x7F800000, 0x80000000);
        if (!bits) return BadValue(text, type, "a NaN is nan or nan:0x1 to nan:0x7fffff");
        return Val::F32Bits(static_cast<uint32_t>(*bits));
      }
      const std::string copy(text);
      char* end = nullptr;
      const float value = std::strtof(copy.c_str(), &end);
      if (copy.empty() || *end != '\0') return BadValue(text, type, "a number is needed");
      return Val::F32(value);
    }
    case ValType::Kind::kF64: {
      if (absl::StrContains(text, "nan")) {
        const std::optional<uint64_t> bits =
            ParseNan(text, 52, 0x7FF0000000000000, 0x8000000000000000);
        if (!bits) return BadValue(text, type, "a NaN is nan or nan:0x1 to nan:0xfffffffffffff");
        return Val::F64Bits(*bits);
      }
      const std::string copy(text);
      char* end = nullptr;
      const double value = std::strtod(copy.c_str(), &end);
      if (copy.empty() || *end != '\0') return BadValue(text, type, "a number is needed");
      return Val::F64(value);
    }
    case ValType::Kind::kRef:
      if (text == "null" && type.is_nullable()) return Val::Default(type);
      return BadValue(text, type, "only null can be given on the command line");
    case ValType::Kind::kV128: {
      const std::optional<Val> value = ParseVector(text);
      if (!value) {
        return BadValue(text, type, "0x and one to 32 digits are needed, those of lane 0 last");
      }
      return *value;
    }
    case ValType::Kind::kBottom:
      break;
  }
  return BadValue(text, type, "values of this type cannot be given on the command line");
}

absl::StatusOr<std::vector<Val>> ParseArguments(const FuncType& type,
                                                const std::vector<std::string>& texts) {
  if (texts.size() != type.params().size()) {
    return absl::InvalidArgumentError(absl::StrCat("the function takes ", type.params().size(),
                                                   " arguments, its type being ", type.ToString(),
                                                   "; given: ", texts.size()));
  }
  std::vector<Val> values;
  values.reserve(texts.size());
  for (size_t i = 0; i < texts.size(); ++i) {
    ASSIGN_OR_RETURN(Val value, ParseValue(type.params()[i], texts[i]));
    values.push_back(std::move(value));
  }
  return values;
}

}  // namespace gantry::cli
