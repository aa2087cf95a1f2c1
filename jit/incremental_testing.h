// Compiling modules with and without an incremental cache, for its tests and figures.
#ifndef GANTRY_JIT_INCREMENTAL_TESTING_H_
#define GANTRY_JIT_INCREMENTAL_TESTING_H_

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "environ/translation/compilation_cache.h"
#include "environ/translation/compiler.h"

namespace gantry::jit {

using CompilerSettings = std::vector<std::pair<std::string, std::string>>;

// A compiler for this host; `cache` may be null.
std::unique_ptr<environ::Compiler> MakeCompiler(std::shared_ptr<environ::CompilationCache> cache,
                                                const CompilerSettings& settings = {});

// The artifact.
absl::StatusOr<std::vector<uint8_t>> CompileWith(const environ::Compiler& compiler,
                                                 absl::Span<const uint8_t> module,
                                                 uint32_t threads = 1);

// Which functions a compiler looked for and where it found them.
struct CacheCounts {
  uint64_t lookups = 0, by_body = 0, by_stencil = 0;
  uint64_t compiled() const { return lookups - by_body - by_stencil; }
};
CacheCounts CountsOf(const environ::Compiler& compiler);

// A store that can be looked into and damaged.
class OpenCache final : public environ::CompilationCache {
 public:
  std::optional<std::string> Get(absl::string_view key) override;
  void Insert(absl::string_view key, absl::string_view value) override;
  std::map<std::string, std::string>& entries() { return entries_; }

 private:
  std::mutex mutex_;
  std::map<std::string, std::string> entries_;
};

// The module with a nop in front of the code of its n-th function.
std::vector<uint8_t> WithNop(absl::Span<const uint8_t> module, size_t function);
// The same with a constant that is dropped again, which changes the IR and not what it computes.
std::vector<uint8_t> WithConstant(absl::Span<const uint8_t> module, size_t function);
// The module with the last byte of its last section of this kind changed.
std::vector<uint8_t> WithSectionChanged(absl::Span<const uint8_t> module, uint8_t id);
// The module with another name for its first export: as far as its bodies are concerned another
// module. Unchanged if it exports nothing.
std::vector<uint8_t> WithExportRenamed(absl::Span<const uint8_t> module);

}  // namespace gantry::jit

#endif  // GANTRY_JIT_INCREMENTAL_TESTING_H_
