// ByteSource: the choices of a generator, read from bytes. The same bytes give the same
// choices, so that libFuzzer can mutate them and a seeded test can repeat them.
//
//   const std::vector<uint8_t> bytes = RandomBytes(/*seed=*/7, /*size=*/4096);
//   ByteSource source(bytes);
//   if (source.Percent(30)) type = types[source.Below(types.size())];
//
// Past the end every byte is zero: Below gives 0, Percent false. A generator whose first
// choice is always the way to stop thus ends soon after its bytes do.
#ifndef GANTRY_WASM_TRANSLATE_TESTING_BYTE_SOURCE_H_
#define GANTRY_WASM_TRANSLATE_TESTING_BYTE_SOURCE_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "absl/types/span.h"

namespace gantry::wasm::testing {

class ByteSource {
 public:
  // The bytes have to outlive the source.
  explicit ByteSource(absl::Span<const uint8_t> bytes) : bytes_(bytes) {}
  ByteSource(const ByteSource&) = delete;
  ByteSource& operator=(const ByteSource&) = delete;

  // Whether all bytes have been read.
  bool exhausted() const { return position_ >= bytes_.size(); }

  uint8_t Byte() { return exhausted() ? 0 : bytes_[position_++]; }
  // Little-endian.
  uint32_t U32() { return static_cast<uint32_t>(Bytes(4)); }
  uint64_t U64() { return Bytes(8); }

  // A number below `bound`, 0 where that is 0. Bounds up to 256 cost one byte, others four.
  size_t Below(size_t bound);
  // True in about this many of a hundred cases; 100 is always true, even past the end.
  bool Percent(uint32_t percent) { return Below(100) + percent >= 100; }
  // An element of something with size() and operator[] that is not empty.
  template <typename Container>
  const typename Container::value_type& Pick(const Container& container) {
    return container[Below(container.size())];
  }

 private:
  uint64_t Bytes(int count);

  absl::Span<const uint8_t> bytes_;
  size_t position_ = 0;
};

// Changes one byte at a place that is not among the first eight (a module's header).
void ChangeByte(ByteSource& source, std::vector<uint8_t>* bytes);

// Bytes that depend on the seed alone, on every machine.
std::vector<uint8_t> RandomBytes(uint64_t seed, size_t size);

}  // namespace gantry::wasm::testing

#endif  // GANTRY_WASM_TRANSLATE_TESTING_BYTE_SOURCE_H_
