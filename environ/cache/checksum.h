// ChecksumOf: 128 bits that tell whether a value that was kept is still the one that was put in
// under its key. It finds damage, not forgery, which nothing that lies beside a value could:
// whoever can change the one can change the other. Much faster than a Digest: XXH3 of 128 bits,
// seeded with that of the key.
//
// The same on every machine with the same byte order; part of what caches keep.
#ifndef GANTRY_ENVIRON_CACHE_CHECKSUM_H_
#define GANTRY_ENVIRON_CACHE_CHECKSUM_H_

#include <array>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "environ/cache/digest.h"

namespace gantry::environ {

using Checksum = std::array<uint64_t, 2>;

Checksum ChecksumOf(const Digest& key, absl::string_view value);

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CACHE_CHECKSUM_H_
