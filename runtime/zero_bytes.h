// AreZero: whether memory reads as zero, at the speed of the first-level cache.
#ifndef GANTRY_RUNTIME_ZERO_BYTES_H_
#define GANTRY_RUNTIME_ZERO_BYTES_H_

#include <cstddef>
#include <cstdint>

namespace gantry::runtime {

// `size` is a multiple of kZeroBlock.
inline constexpr size_t kZeroBlock = 1024;
bool AreZero(const uint8_t* start, size_t size);

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_ZERO_BYTES_H_
