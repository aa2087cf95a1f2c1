#include "codegen/abi_places.h"

#include "base/check.h"

namespace gantry::codegen {

uint32_t AssignAbiPlaces(const AbiRegisters& registers, absl::Span<const AbiValue> values,
                         absl::Span<AbiPlace> places) {
  CHECK_EQ(values.size(), places.size());
  size_t next_int = 0;
  uint32_t next_vector = 0;
  uint32_t memory = 0;
  for (size_t i = 0; i < values.size(); ++i) {
    const AbiValue value = values[i];
    if (value.abi_class == AbiClass::kInt) {
      DCHECK(value.bytes == 1 || value.bytes == 2 || value.bytes == 4 || value.bytes == 8);
      if (next_int < registers.ints.size()) {
        places[i] = {AbiPlace::Kind::kInt, registers.ints[next_int++], 0};
        continue;
      }
    } else {
      DCHECK(value.bytes == 4 || value.bytes == 8 || value.bytes == 16);
      if (next_vector < registers.vector_count) {
        places[i] = {AbiPlace::Kind::kVector, static_cast<uint8_t>(next_vector++), 0};
        continue;
      }
    }
    const uint32_t size = value.bytes == 16 ? 16 : 8;
    const uint32_t offset = (memory + size - 1) & ~(size - 1);
    memory = offset + size;
    places[i] = {AbiPlace::Kind::kMemory, 0, offset};
  }
  return (memory + 15) & ~15u;
}

}  // namespace gantry::codegen
