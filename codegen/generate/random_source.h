// RandomSource: choices drawn from a fuzzer's bytes or from a seed.
//
//   RandomSource random(seed);             // or RandomSource(bytes)
//   if (random.Chance(1, 10)) ...
//
// When bytes run out every further choice is 0, which generators take as the plain or
// final one, so that they end.
#ifndef GANTRY_CODEGEN_GENERATE_RANDOM_SOURCE_H_
#define GANTRY_CODEGEN_GENERATE_RANDOM_SOURCE_H_

#include <cstdint>
#include <optional>

#include "absl/types/span.h"

namespace gantry::codegen {

class RandomSource {
 public:
  explicit RandomSource(uint64_t seed) : state_(seed) {}
  // The bytes have to outlive the source.
  explicit RandomSource(absl::Span<const uint8_t> bytes) : bytes_(bytes) {}

  uint8_t Byte() {
    if (!bytes_.has_value()) return static_cast<uint8_t>(Step() >> 56);
    if (bytes_->empty()) return 0;
    const uint8_t byte = bytes_->front();
    bytes_->remove_prefix(1);
    return byte;
  }
  uint64_t Bits64() {
    if (!bytes_.has_value()) return Step();
    uint64_t bits = 0;
    for (int i = 0; i < 8; ++i) bits = bits << 8 | Byte();
    return bits;
  }
  // 0..count-1; 0 for count 0.
  uint32_t Below(uint32_t count) {
    if (count <= 1) return 0;
    const uint32_t bits = count <= 256 ? Byte() : uint32_t{Byte()} << 8 | Byte();
    return bits % count;
  }
  bool Chance(uint32_t n, uint32_t of) { return Below(of) >= of - n; }
  bool exhausted() const { return bytes_.has_value() && bytes_->empty(); }

 private:
  // Steele, Lea, Flood, "Fast Splittable Pseudorandom Number Generators" (2014): splitmix64.
  uint64_t Step() {
    uint64_t z = state_ += 0x9E3779B97F4A7C15;
    z = (z ^ z >> 30) * 0xBF58476D1CE4E5B9;
    z = (z ^ z >> 27) * 0x94D049BB133111EB;
    return z ^ z >> 31;
  }

  uint64_t state_ = 0;
  std::optional<absl::Span<const uint8_t>> bytes_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_GENERATE_RANDOM_SOURCE_H_
