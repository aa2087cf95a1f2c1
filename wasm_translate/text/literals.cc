#include "wasm_translate/text/literals.h"

#include <algorithm>
#include <charconv>
#include <cstring>
#include <system_error>

#include "base/check.h"

namespace gantry::wasm::text {
namespace {

using absl::string_view;

constexpr Literal kNoNumber = {LiteralError::kSyntax, 0};
constexpr Literal kOutOfRange = {LiteralError::kRange, 0};

// Exponents are held within this: far beyond what any digits can make up for.
constexpr int64_t kExponentBound = int64_t{1} << 50;

int DigitValue(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return 16;
}

bool Consume(string_view* text, string_view prefix) {
  if (text->substr(0, prefix.size()) != prefix) return false;
  text->remove_prefix(prefix.size());
  return true;
}

// Takes a sign; true for minus.
bool ConsumeSign(string_view* text) {
  if (Consume(text, "-")) return true;
  Consume(text, "+");
  return false;
}

// Takes digits with single underscores between them; empty where there is no digit.
string_view ConsumeDigits(string_view* text, int base) {
  size_t size = 0;
  while (size < text->size()) {
    if (DigitValue((*text)[size]) < base) {
      ++size;
    } else if ((*text)[size] == '_' && size > 0 && size + 1 < text->size() &&
               DigitValue((*text)[size + 1]) < base) {
      size += 2;
    } else {
      break;
    }
  }
  const string_view digits = text->substr(0, size);
  text->remove_prefix(size);
  return digits;
}

// A float cut into its parts, digits with their underscores.
struct FloatParts {
  bool negative = false;
  enum Kind : uint8_t { kDecimal, kHex, kInfinity, kNan, kNanPayload } kind = kDecimal;
  string_view integer;
  string_view fraction;
  string_view payload;
  int64_t exponent = 0;
};

bool ParseExponent(string_view text, int64_t* exponent) {
  const bool negative = ConsumeSign(&text);
  const string_view digits = ConsumeDigits(&text, 10);
  if (digits.empty() || !text.empty()) return false;
  int64_t value = 0;
  for (char c : digits) {
    if (c != '_') value = std::min(value * 10 + DigitValue(c), kExponentBound);
  }
  *exponent = negative ? -value : value;
  return true;
}

bool CutFloat(string_view text, FloatParts* parts) {
  parts->negative = ConsumeSign(&text);
  if (text == "inf") {
    parts->kind = FloatParts::kInfinity;
    return true;
  }
  if (Consume(&text, "nan")) {
    parts->kind = text.empty() ? FloatParts::kNan : FloatParts::kNanPayload;
    if (text.empty()) return true;
    if (!Consume(&text, ":0x")) return false;
    parts->payload = ConsumeDigits(&text, 16);
    return !parts->payload.empty() && text.empty();
  }
  const bool hex = Consume(&text, "0x");
  parts->kind = hex ? FloatParts::kHex : FloatParts::kDecimal;
  parts->integer = ConsumeDigits(&text, hex ? 16 : 10);
  if (parts->integer.empty()) return false;
  if (Consume(&text, ".")) parts->fraction = ConsumeDigits(&text, hex ? 16 : 10);
  if (text.empty()) return true;
  const char mark = static_cast<char>(text[0] | 0x20);
  text.remove_prefix(1);
  return mark == (hex ? 'p' : 'e') && ParseExponent(text, &parts->exponent);
}

// An IEEE format, by the number of bits after the point.
template <typename Float>
struct Format;
template <>
struct Format<float> {
  static constexpr int kMantissaBits = 23;
  static constexpr int kBias = 127;
  static constexpr uint64_t kSign = uint64_t{1} << 31;
};
template <>
struct Format<double> {
  static constexpr int kMantissaBits = 52;
  static constexpr int kBias = 1023;
  static constexpr uint64_t kSign = uint64_t{1} << 63;
};

template <typename Float>
constexpr uint64_t InfinityBits() {
  return static_cast<uint64_t>(2 * Format<Float>::kBias + 1) << Format<Float>::kMantissaBits;
}

// The 64 leading bits of the digits, their exponent, and whether any bit below them is set.
struct Significand {
  uint64_t bits = 0;
  int64_t exponent = 0;
  bool sticky = false;

  void Add(string_view digits, bool fraction) {
    for (char c : digits) {
      if (c == '_') continue;
      const auto digit = static_cast<uint64_t>(DigitValue(c));
      if (bits >> 60 == 0) {
        bits = bits << 4 | digit;
        if (fraction) exponent -= 4;
      } else {
        sticky = sticky || digit != 0;
        if (!fraction) exponent += 4;
      }
    }
  }
};

// Rounds to nearest, ties to even.
template <typename Float>
Literal HexFloat(const FloatParts& parts) {
  constexpr int kMantissaBits = Format<Float>::kMantissaBits;
  constexpr int kBias = Format<Float>::kBias;
  Significand value;
  value.Add(parts.integer, false);
  value.Add(parts.fraction, true);
  if (value.bits == 0) return {};
  const int leading = __builtin_clzll(value.bits);
  const uint64_t bits = value.bits << leading;
  // The number is 1.xxx * 2^exponent.
  const int64_t exponent = value.exponent + parts.exponent - leading + 63;
  if (exponent > kBias) return kOutOfRange;
  const int64_t below = std::max<int64_t>(0, 1 - kBias - exponent);
  const int64_t dropped = 63 - kMantissaBits + below;
  if (dropped > 64) return {};
  uint64_t mantissa = dropped == 64 ? 0 : bits >> dropped;
  const uint64_t half = uint64_t{1} << (dropped - 1);
  const uint64_t rest = dropped == 64 ? bits : bits & (half * 2 - 1);
  if (rest > half || (rest == half && (value.sticky || (mantissa & 1) != 0))) ++mantissa;
  // A carry out of the mantissa is the next exponent, also from denormal to normal.
  const uint64_t biased = below > 0 ? 0 : static_cast<uint64_t>(exponent + kBias - 1);
  const uint64_t result = (biased << kMantissaBits) + mantissa;
  if (result >= InfinityBits<Float>()) return kOutOfRange;
  return {LiteralError::kNone, result};
}

// Power of ten of the first digit that is not 0; for numbers that overflow or underflow.
int64_t DecimalMagnitude(const FloatParts& parts) {
  int64_t digits = 0;
  bool nonzero = false;
  for (char c : parts.integer) {
    if (c == '_') continue;
    nonzero = nonzero || c != '0';
    if (nonzero) ++digits;
  }
  for (char c : parts.fraction) {
    if (nonzero || (c != '0' && c != '_')) break;
    if (c == '0') --digits;
  }
  return digits + parts.exponent;
}

template <typename Float>
Literal DecimalFloat(const FloatParts& parts) {
  std::string plain;
  plain.reserve(parts.integer.size() + parts.fraction.size() + 24);
  auto append = [&plain](string_view digits) {
    for (char c : digits) {
      if (c != '_') plain.push_back(c);
    }
  };
  append(parts.integer);
  if (!parts.fraction.empty()) {
    plain.push_back('.');
    append(parts.fraction);
  }
  if (parts.exponent != 0) {
    plain.push_back('e');
    plain += std::to_string(parts.exponent);
  }
  Float value = 0;
  const auto [end, error] = std::from_chars(plain.data(), plain.data() + plain.size(), value);
  if (error == std::errc::result_out_of_range) {
    return DecimalMagnitude(parts) > 0 ? kOutOfRange : Literal{};
  }
  CHECK(error == std::errc() && end == plain.data() + plain.size());
  Literal result;
  std::memcpy(&result.bits, &value, sizeof(value));
  return result.bits >= InfinityBits<Float>() ? kOutOfRange : result;
}

template <typename Float>
Literal ParseFloat(string_view text) {
  FloatParts parts;
  if (!CutFloat(text, &parts)) return kNoNumber;
  Literal result;
  switch (parts.kind) {
    case FloatParts::kDecimal:
      result = DecimalFloat<Float>(parts);
      break;
    case FloatParts::kHex:
      result = HexFloat<Float>(parts);
      break;
    case FloatParts::kInfinity:
      result.bits = InfinityBits<Float>();
      break;
    case FloatParts::kNan:
      result.bits = InfinityBits<Float>() | uint64_t{1} << (Format<Float>::kMantissaBits - 1);
      break;
    case FloatParts::kNanPayload: {
      uint64_t payload = 0;
      for (char c : parts.payload) {
        if (c == '_') continue;
        payload = payload << 4 | static_cast<uint64_t>(DigitValue(c));
        if (payload >> Format<Float>::kMantissaBits != 0) return kOutOfRange;
      }
      if (payload == 0) return kOutOfRange;
      result.bits = InfinityBits<Float>() | payload;
      break;
    }
  }
  if (result.ok() && parts.negative) result.bits |= Format<Float>::kSign;
  return result;
}

template <typename Float>
std::string PrintFloat(uint64_t bits) {
  const bool negative = (bits & Format<Float>::kSign) != 0;
  const uint64_t magnitude = bits & ~Format<Float>::kSign;
  std::string text = negative ? "-" : "";
  if (magnitude < InfinityBits<Float>()) {
    Float value;
    std::memcpy(&value, &magnitude, sizeof(value));
    char digits[64];
    const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), value);
    CHECK(error == std::errc());
    return text.append(digits, end);
  }
  const uint64_t payload = magnitude - InfinityBits<Float>();
  if (payload == 0) return text + "inf";
  text += "nan";
  if (payload == uint64_t{1} << (Format<Float>::kMantissaBits - 1)) return text;
  char digits[20];
  const auto [end, error] = std::to_chars(digits, digits + sizeof(digits), payload, 16);
  CHECK(error == std::errc());
  return text.append(":0x").append(digits, end);
}

void AppendUtf8(uint32_t code, std::string* out) {
  if (code < 0x80) {
    out->push_back(static_cast<char>(code));
  } else if (code < 0x800) {
    out->push_back(static_cast<char>(0xC0 | code >> 6));
    out->push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else if (code < 0x1'0000) {
    out->push_back(static_cast<char>(0xE0 | code >> 12));
    out->push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3F)));
  } else {
    out->push_back(static_cast<char>(0xF0 | code >> 18));
    out->push_back(static_cast<char>(0x80 | (code >> 12 & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (code >> 6 & 0x3F)));
    out->push_back(static_cast<char>(0x80 | (code & 0x3F)));
  }
}

// Size of the UTF-8 sequence at the beginning; 0 where it is malformed.
size_t Utf8SequenceSize(string_view bytes) {
  const auto at = [bytes](size_t i) { return static_cast<uint8_t>(bytes[i]); };
  const uint8_t first = at(0);
  if (first < 0x80) return 1;
  if (first < 0xC2 || first > 0xF4) return 0;
  const size_t size = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
  if (bytes.size() < size) return 0;
  const uint8_t low = first == 0xE0 ? 0xA0 : first == 0xF0 ? 0x90 : 0x80;
  const uint8_t high = first == 0xED ? 0x9F : first == 0xF4 ? 0x8F : 0xBF;
  if (at(1) < low || at(1) > high) return 0;
  for (size_t i = 2; i < size; ++i) {
    if ((at(i) & 0xC0) != 0x80) return 0;
  }
  return size;
}

}  // namespace

Literal ParseUnsigned(string_view text, int width) {
  const int base = Consume(&text, "0x") ? 16 : 10;
  const string_view digits = ConsumeDigits(&text, base);
  if (digits.empty() || !text.empty()) return kNoNumber;
  const uint64_t max = ~uint64_t{0} >> (64 - width);
  Literal result;
  for (char c : digits) {
    if (c == '_') continue;
    const auto digit = static_cast<uint64_t>(DigitValue(c));
    if (digit > max || result.bits > (max - digit) / static_cast<uint64_t>(base)) {
      return kOutOfRange;
    }
    result.bits = result.bits * static_cast<uint64_t>(base) + digit;
  }
  return result;
}

Literal ParseInteger(string_view text, int width) {
  const bool negative = ConsumeSign(&text);
  Literal result = ParseUnsigned(text, width);
  if (!result.ok() || !negative) return result;
  if (result.bits > uint64_t{1} << (width - 1)) return kOutOfRange;
  result.bits = (0 - result.bits) & ~uint64_t{0} >> (64 - width);
  return result;
}

Literal ParseF32(string_view text) { return ParseFloat<float>(text); }
Literal ParseF64(string_view text) { return ParseFloat<double>(text); }

bool IsNumber(string_view text) {
  FloatParts parts;
  return CutFloat(text, &parts);
}

std::string UnescapeString(string_view quoted) {
  DCHECK(quoted.size() >= 2);
  const string_view text = quoted.substr(1, quoted.size() - 2);
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const size_t escape = std::min(text.find('\\', i), text.size());
    out.append(text.data() + i, escape - i);
    if (escape == text.size()) break;
    i = escape + 2;
    switch (const char c = text[escape + 1]) {
      case 't':
        out.push_back('\t');
        break;
      case 'n':
        out.push_back('\n');
        break;
      case 'r':
        out.push_back('\r');
        break;
      case '"':
      case '\'':
      case '\\':
        out.push_back(c);
        break;
      case 'u': {
        uint32_t code = 0;
        for (++i; text[i] != '}'; ++i) {
          if (text[i] != '_') code = code * 16 + static_cast<uint32_t>(DigitValue(text[i]));
        }
        ++i;
        AppendUtf8(code, &out);
        break;
      }
      default:
        out.push_back(static_cast<char>(DigitValue(c) * 16 + DigitValue(text[i])));
        ++i;
    }
  }
  return out;
}

std::string IdName(string_view token) {
  token.remove_prefix(1);
  return token.substr(0, 1) == "\"" ? UnescapeString(token) : std::string(token);
}

std::string PrintF32(uint32_t bits) { return PrintFloat<float>(bits); }
std::string PrintF64(uint64_t bits) { return PrintFloat<double>(bits); }

std::string QuoteString(string_view bytes) {
  static constexpr char kHex[] = "0123456789abcdef";
  std::string out = "\"";
  out.reserve(bytes.size() + 2);
  while (!bytes.empty()) {
    const auto c = static_cast<uint8_t>(bytes[0]);
    size_t size = Utf8SequenceSize(bytes);
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(static_cast<char>(c));
    } else if (size == 0 || c < 0x20 || c == 0x7F ||
               (c == 0xC2 && static_cast<uint8_t>(bytes[1]) < 0xA0)) {
      // Control characters, those past ASCII too, and what is not UTF-8.
      size = std::max<size_t>(size, 1);
      for (size_t i = 0; i < size; ++i) {
        const auto byte = static_cast<uint8_t>(bytes[i]);
        out.append({'\\', kHex[byte >> 4], kHex[byte & 15]});
      }
    } else {
      out.append(bytes.data(), size);
    }
    bytes.remove_prefix(size);
  }
  out.push_back('"');
  return out;
}

size_t FirstMalformedUtf8(string_view bytes) {
  size_t i = 0;
  while (i < bytes.size()) {
    uint64_t word;
    if (bytes.size() - i >= sizeof(word)) {
      std::memcpy(&word, bytes.data() + i, sizeof(word));
      if ((word & 0x8080'8080'8080'8080) == 0) {
        i += sizeof(word);
        continue;
      }
    }
    const size_t size = Utf8SequenceSize(bytes.substr(i));
    if (size == 0) return i;
    i += size;
  }
  return string_view::npos;
}

}  // namespace gantry::wasm::text
