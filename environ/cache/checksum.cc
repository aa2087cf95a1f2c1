#include "environ/cache/checksum.h"

#include <cstring>

namespace gantry::environ {
namespace {

// Odd numbers without a pattern: the first bits of the fractions of square roots.
constexpr uint64_t kSalt[] = {0x6a09e667f3bcc909, 0xbb67ae8584caa73b, 0x3c6ef372fe94f82b,
                              0xa54ff53a5f1d36f1};

// Both halves of the product, in which every bit of the factors has its part.
uint64_t Mixed(uint64_t a, uint64_t b) {
  const unsigned __int128 product = static_cast<unsigned __int128>(a) * b;
  return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
}

class Sum {
 public:
  void Add(uint64_t first, uint64_t second) {
    sum_[0] = Mixed(sum_[0] ^ first ^ kSalt[0], second ^ kSalt[1]);
    sum_[1] = Mixed(sum_[1] ^ second ^ kSalt[2], first ^ kSalt[3]);
  }
  // The last bytes filled up with zeros; the caller adds the length.
  void Add(const char* bytes, size_t size) {
    uint64_t words[2];
    for (; size >= sizeof words; bytes += sizeof words, size -= sizeof words) {
      std::memcpy(words, bytes, sizeof words);
      Add(words[0], words[1]);
    }
    if (size == 0) return;
    words[0] = words[1] = 0;
    std::memcpy(words, bytes, size);
    Add(words[0], words[1]);
  }
  Checksum Finish() {
    Add(sum_[1], sum_[0]);
    return sum_;
  }

 private:
  Checksum sum_ = {kSalt[1], kSalt[3]};
};

}  // namespace

Checksum ChecksumOf(const Digest& key, absl::string_view value) {
  Sum sum;
  sum.Add(reinterpret_cast<const char*>(key.data()), key.size());
  sum.Add(value.size(), kSalt[2]);
  sum.Add(value.data(), value.size());
  return sum.Finish();
}

}  // namespace gantry::environ
