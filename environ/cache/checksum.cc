#include "environ/cache/checksum.h"

// Of the library's header alone.
#define XXH_INLINE_ALL
#include <xxhash.h>

namespace gantry::environ {

Checksum ChecksumOf(const Digest& key, absl::string_view value) {
  const XXH128_hash_t sum =
      XXH3_128bits_withSeed(value.data(), value.size(), XXH3_64bits(key.data(), key.size()));
  return {sum.low64, sum.high64};
}

}  // namespace gantry::environ
