#include "runtime/zero_bytes.h"

#include "absl/base/attributes.h"

namespace gantry::runtime {
namespace {

// Members, since the attributes would be lost on a template's argument.
struct By16 {
  typedef uint64_t Vector __attribute__((vector_size(16), may_alias, aligned(1)));
};
struct By32 {
  typedef uint64_t Vector __attribute__((vector_size(32), may_alias, aligned(1)));
};

// Four sums, so that no load waits for the one before.
template <typename By>
ABSL_ATTRIBUTE_ALWAYS_INLINE inline bool AreZeroBy(const uint8_t* start, size_t size) {
  using Vector = typename By::Vector;
  for (const uint8_t* block = start; block != start + size; block += kZeroBlock) {
    const Vector* const from = reinterpret_cast<const Vector*>(block);
    Vector a = {}, b = {}, c = {}, d = {};
    for (size_t i = 0; i < kZeroBlock / sizeof(Vector); i += 4) {
      a |= from[i];
      b |= from[i + 1];
      c |= from[i + 2];
      d |= from[i + 3];
    }
    a |= b | c | d;
    uint64_t any = 0;
    for (size_t i = 0; i < sizeof(Vector) / sizeof(uint64_t); ++i) any |= a[i];
    if (any != 0) return false;
  }
  return true;
}

#if defined(__x86_64__)
__attribute__((target("avx2"))) bool AreZeroAvx2(const uint8_t* start, size_t size) {
  return AreZeroBy<By32>(start, size);
}
#endif

}  // namespace

bool AreZero(const uint8_t* start, size_t size) {
#if defined(__x86_64__)
  static const bool has_avx2 = __builtin_cpu_supports("avx2");
  if (has_avx2) return AreZeroAvx2(start, size);
#endif
  return AreZeroBy<By16>(start, size);
}

}  // namespace gantry::runtime
