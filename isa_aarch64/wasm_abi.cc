#include "isa_aarch64/wasm_abi.h"

namespace gantry::aarch64 {

uint32_t AssignWasmArguments(absl::Span<const AbiValue> params, bool result_area,
                             absl::Span<AbiPlace> places) {
  static_assert(kResultArea.encoding() == kIntArguments[0]);
  const absl::Span<const uint8_t> ints = kIntArguments;
  return codegen::AssignAbiPlaces(
      {.ints = ints.subspan(result_area ? 1 : 0), .vector_count = kVectorArgumentCount}, params,
      places);
}

uint32_t AssignWasmResults(absl::Span<const AbiValue> results, absl::Span<AbiPlace> places) {
  return codegen::AssignAbiPlaces({.ints = kIntResults, .vector_count = kVectorResultCount},
                                  results, places);
}

}  // namespace gantry::aarch64
