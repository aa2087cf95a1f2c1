// A module cut into slices anywhere gives the same parts as the whole: the first byte of the
// input says how long the slices are.
#include <algorithm>
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "wasm_translate/parser.h"

namespace {

using namespace gantry::wasm;

// Sum over where the parts lie, or an error's message.
struct Digest {
  uint64_t parts = 0;
  uint64_t offsets = 0;
  bool ok = true;
};

Digest Parse(absl::Span<const uint8_t> bytes, size_t step) {
  Digest digest;
  Parser parser;
  size_t begin = 0;
  size_t end = std::min(step, bytes.size());
  while (true) {
    const bool at_end = end == bytes.size();
    const auto result = parser.Next(bytes.subspan(begin, end - begin), at_end);
    if (!result.ok()) {
      digest.ok = false;
      return digest;
    }
    if (!result->payload.has_value()) {
      CHECK(!at_end);
      end = std::min(end + step, bytes.size());
      continue;
    }
    begin += result->consumed;
    ++digest.parts;
    digest.offsets = digest.offsets * 31 + begin;
    if (std::holds_alternative<EndOfModule>(*result->payload)) return digest;
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size == 0) return 0;
  const absl::Span<const uint8_t> bytes(data + 1, size - 1);
  const Digest whole = Parse(bytes, std::max<size_t>(bytes.size(), 1));
  const Digest sliced = Parse(bytes, data[0] + size_t{1});
  CHECK(whole.ok == sliced.ok);
  if (whole.ok) {
    CHECK(whole.parts == sliced.parts && whole.offsets == sliced.offsets);
  }
  return 0;
}
