// ModuleCache: the artifacts of modules that `gantry run` compiled, kept per user, so that a
// program is compiled the first time it is run.
//
//   const std::unique_ptr<ModuleCache> cache = ModuleCache::Open(options);       // perhaps null
//   if (std::optional<Module> module = cache->Find(engine, contents)) ...
//   cache->Insert(contents, *module);
//
// The key is a digest of the module's bytes, of the options that code depends on, of what the
// processor has, and of the version and build of Gantry. What is found is verified in full before
// it is used, and mapped, so that processes that run the same program share its pages. The
// directory is -C cache=DIR, else gantry/modules of $XDG_CACHE_HOME or ~/.cache; -C cache=n is for
// none.
//
// Tested by tests/cli:cli_test.
#ifndef GANTRY_CLI_MODULE_CACHE_H_
#define GANTRY_CLI_MODULE_CACHE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "absl/types/span.h"
#include "api/engine.h"
#include "api/module.h"
#include "cli/options.h"
#include "environ/cache/digest.h"
#include "environ/cache/directory_cache.h"

namespace gantry::cli {

class ModuleCache {
 public:
  // Null where there is none, or none that can be used: in the latter case one line on standard
  // error says why, and that is all that it costs.
  static std::unique_ptr<ModuleCache> Open(const EngineOptions& options);

  // Nothing where it was not compiled before, or what is there does not fit.
  std::optional<Module> Find(const Engine& engine, absl::Span<const uint8_t> contents);
  void Insert(absl::Span<const uint8_t> contents, const Module& module);

 private:
  ModuleCache(std::shared_ptr<environ::DirectoryCache> store, std::string settings)
      : store_(std::move(store)), settings_(std::move(settings)) {}
  environ::Digest KeyOf(absl::Span<const uint8_t> contents) const;

  const std::shared_ptr<environ::DirectoryCache> store_;
  // What code depends on besides the module.
  const std::string settings_;
};

}  // namespace gantry::cli

#endif  // GANTRY_CLI_MODULE_CACHE_H_
