// Tested from outside, by tests/cli.
#include "cli/module_cache.h"

#include <vector>

#include "absl/strings/str_cat.h"
#include "base/build_id.h"
#include "environ/core/version.h"

namespace gantry::cli {
namespace {

constexpr uint64_t kMaxBytes = uint64_t{2} << 30;

}  // namespace

std::unique_ptr<ModuleCache> ModuleCache::Open(const EngineOptions& options) {
  const std::optional<std::string> path = options.ModuleCachePath();
  if (!path.has_value()) return nullptr;
  absl::StatusOr<std::shared_ptr<environ::DirectoryCache>> store = environ::DirectoryCache::Open(
      {.path = *path, .max_bytes = kMaxBytes, .report = ReportCacheFailure});
  if (!store.ok()) {
    ReportCacheFailure(store.status());
    return nullptr;
  }
  std::string settings = absl::StrCat(environ::kVersion, "\n", BuildId(), "\n", options.KeyText());
  // What is inferred from the host stands among the defaults.
  if (const auto compiler = ListCompilerSettings(); compiler.ok()) {
    for (const SettingDescription& setting : *compiler) {
      absl::StrAppend(&settings, setting.name, "=", setting.default_value, "\n");
    }
  }
  return std::unique_ptr<ModuleCache>(new ModuleCache(*std::move(store), std::move(settings)));
}

environ::Digest ModuleCache::KeyOf(absl::Span<const uint8_t> contents) const {
  return environ::Digester().Add(absl::string_view(settings_)).Add(contents).Finish();
}

std::optional<Module> ModuleCache::Find(const Engine& engine, absl::Span<const uint8_t> contents) {
  const environ::Digest key = KeyOf(contents);
  absl::StatusOr<Module> module = Module::DeserializeFile(
      engine, store_->PathOf(environ::KeyOf(key)), Module::Verification::kFull);
  // Whatever is wrong with an entry, the module is compiled, and the entry replaced.
  if (!module.ok()) return std::nullopt;
  store_->Touch(environ::KeyOf(key));
  return *std::move(module);
}

void ModuleCache::Insert(absl::Span<const uint8_t> contents, const Module& module) {
  const absl::StatusOr<std::vector<uint8_t>> artifact = module.Serialize();
  if (!artifact.ok()) return;
  store_->Insert(environ::KeyOf(KeyOf(contents)),
                 {reinterpret_cast<const char*>(artifact->data()), artifact->size()});
}

}  // namespace gantry::cli
