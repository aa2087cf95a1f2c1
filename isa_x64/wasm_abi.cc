#include "isa_x64/wasm_abi.h"

#include <iterator>

#include "base/check.h"

namespace gantry::x64 {
namespace {

// Hands out the registers of both classes, each counted alone, then memory.
class Assigner {
 public:
  Assigner(absl::Span<const Gpr64> ints, uint32_t int_used, uint32_t vector_count)
      : ints_(ints), next_int_(int_used), vector_count_(vector_count) {}

  AbiPlace Next(AbiValue value) {
    if (value.abi_class == AbiClass::kInt) {
      // Narrower than 4 in no wasm function, but in functions of IR.
      DCHECK(value.bytes == 1 || value.bytes == 2 || value.bytes == 4 || value.bytes == 8);
      if (next_int_ < ints_.size()) {
        return {AbiPlace::Kind::kInt, ints_[next_int_++].encoding(), 0};
      }
    } else {
      DCHECK(value.bytes == 4 || value.bytes == 8 || value.bytes == 16);
      if (next_vector_ < vector_count_) {
        return {AbiPlace::Kind::kVector, static_cast<uint8_t>(next_vector_++), 0};
      }
    }
    const uint32_t size = value.bytes == 16 ? 16 : 8;
    const uint32_t offset = (memory_ + size - 1) & ~(size - 1);
    memory_ = offset + size;
    return {AbiPlace::Kind::kMemory, 0, offset};
  }

  uint32_t memory() const { return (memory_ + 15) & ~15u; }

 private:
  absl::Span<const Gpr64> ints_;
  uint32_t next_int_;
  uint32_t next_vector_ = 0;
  uint32_t vector_count_;
  uint32_t memory_ = 0;
};

uint32_t Assign(Assigner assigner, absl::Span<const AbiValue> values, absl::Span<AbiPlace> places) {
  CHECK_EQ(values.size(), places.size());
  for (size_t i = 0; i < values.size(); ++i) places[i] = assigner.Next(values[i]);
  return assigner.memory();
}

}  // namespace

uint32_t AssignWasmArguments(absl::Span<const AbiValue> params, bool result_area,
                             absl::Span<AbiPlace> places) {
  static_assert(kResultArea == kIntArguments[0]);
  return Assign(Assigner(kIntArguments, result_area ? 1 : 0, kVectorArgumentCount), params, places);
}

uint32_t AssignWasmResults(absl::Span<const AbiValue> results, absl::Span<AbiPlace> places) {
  return Assign(Assigner(kIntResults, 0, kVectorResultCount), results, places);
}

}  // namespace gantry::x64
