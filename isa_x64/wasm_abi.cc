#include "isa_x64/wasm_abi.h"

#include <array>
#include <iterator>

namespace gantry::x64 {
namespace {

template <size_t kCount>
constexpr std::array<uint8_t, kCount> Encodings(const Gpr64 (&registers)[kCount]) {
  std::array<uint8_t, kCount> encodings{};
  for (size_t i = 0; i < kCount; ++i) encodings[i] = registers[i].encoding();
  return encodings;
}

constexpr auto kArgumentEncodings = Encodings(kIntArguments);
constexpr auto kResultEncodings = Encodings(kIntResults);

}  // namespace

uint32_t AssignWasmArguments(absl::Span<const AbiValue> params, bool result_area,
                             absl::Span<AbiPlace> places) {
  static_assert(kResultArea == kIntArguments[0]);
  const absl::Span<const uint8_t> ints = kArgumentEncodings;
  return codegen::AssignAbiPlaces(
      {.ints = ints.subspan(result_area ? 1 : 0), .vector_count = kVectorArgumentCount}, params,
      places);
}

uint32_t AssignWasmResults(absl::Span<const AbiValue> results, absl::Span<AbiPlace> places) {
  return codegen::AssignAbiPlaces({.ints = kResultEncodings, .vector_count = kVectorResultCount},
                                  results, places);
}

}  // namespace gantry::x64
