#include "wasm_translate/testing/byte_source.h"

#include <random>

namespace gantry::wasm::testing {

size_t ByteSource::Below(size_t bound) {
  if (bound <= 1) return 0;
  if (bound <= 256) return static_cast<size_t>(Byte()) * bound >> 8;
  return static_cast<size_t>(uint64_t{U32()} * static_cast<uint32_t>(bound) >> 32);
}

uint64_t ByteSource::Bytes(int count) {
  uint64_t value = 0;
  for (int i = 0; i < count; ++i) value |= uint64_t{Byte()} << (8 * i);
  return value;
}

void ChangeByte(ByteSource& source, std::vector<uint8_t>* bytes) {
  constexpr size_t kHeaderSize = 8;
  if (bytes->size() <= kHeaderSize) return;
  uint8_t& byte = (*bytes)[kHeaderSize + source.Below(bytes->size() - kHeaderSize)];
  // Neighbouring values more often than others: they are indices, counts and operators of
  // the same kind.
  switch (source.Below(4)) {
    case 0:
      byte = source.Byte();
      break;
    case 1:
      byte = static_cast<uint8_t>(byte ^ 1 << source.Below(8));
      break;
    case 2:
      ++byte;
      break;
    default:
      --byte;
      break;
  }
}

std::vector<uint8_t> RandomBytes(uint64_t seed, size_t size) {
  std::mt19937_64 random(seed);
  std::vector<uint8_t> bytes(size);
  for (size_t i = 0; i < size; i += 8) {
    const uint64_t word = random();
    for (size_t j = i; j < size && j < i + 8; ++j) {
      bytes[j] = static_cast<uint8_t>(word >> (8 * (j - i)));
    }
  }
  return bytes;
}

}  // namespace gantry::wasm::testing
