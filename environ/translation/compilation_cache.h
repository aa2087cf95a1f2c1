// CompilationCache: where a compiler may look for what it made before. The embedder gives
// the store (memory, a directory, anything else); the compiler decides keys and contents.
//
// Values are opaque bytes, and they are not trusted: what a store returns is checked by the
// compiler before it is used. Both methods may be called from several threads at once.
#ifndef GANTRY_ENVIRON_TRANSLATION_COMPILATION_CACHE_H_
#define GANTRY_ENVIRON_TRANSLATION_COMPILATION_CACHE_H_

#include <optional>
#include <string>

#include "absl/strings/string_view.h"

namespace gantry::environ {

class CompilationCache {
 public:
  virtual ~CompilationCache() = default;

  // What was stored under `key` (32 bytes), nullopt where there is nothing.
  virtual std::optional<std::string> Get(absl::string_view key) = 0;
  // Stores a value. A store that fails or refuses simply does not have it later.
  virtual void Insert(absl::string_view key, absl::string_view value) = 0;
};

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_TRANSLATION_COMPILATION_CACHE_H_
