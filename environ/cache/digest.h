// Digester: SHA-256 of what is fed to it piece by piece, for keys and checks of caches.
//
//   Digester digester;                      // reused; one thread
//   digester.Add(settings).Add(body.bytes);
//   const Digest key = digester.Finish();
//
// Each piece counts with its length, so that pieces cannot be shifted into each other.
#ifndef GANTRY_ENVIRON_CACHE_DIGEST_H_
#define GANTRY_ENVIRON_CACHE_DIGEST_H_

#include <array>
#include <cstdint>
#include <memory>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace gantry::environ {

using Digest = std::array<uint8_t, 32>;

class Digester {
 public:
  Digester();
  ~Digester();
  Digester(const Digester&) = delete;
  Digester& operator=(const Digester&) = delete;

  Digester& Add(absl::Span<const uint8_t> bytes);
  Digester& Add(absl::string_view text);
  Digester& Add(const Digest& digest) { return Add(absl::MakeConstSpan(digest)); }
  Digester& Add(uint64_t number);
  // Of all pieces since the last call; the next Add starts anew.
  Digest Finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// A digest as the bytes of a key.
inline absl::string_view KeyOf(const Digest& digest) {
  return {reinterpret_cast<const char*>(digest.data()), digest.size()};
}

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CACHE_DIGEST_H_
