// What the incremental cache saves: compile time of modules the first time, again unchanged, with
// one function changed, and with all found by their stencils alone; and, for several modules that
// belong together (versions of a library, programs with one C library), what each finds of those
// before it.
//
//   bazel run //bench:incremental -- [--rounds N] [--directory] FILE.wasm...
//
// One thread, medians of the rounds, from bytes to artifact. --directory uses a cache in a new
// directory, else it is in memory.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "environ/cache/directory_cache.h"
#include "environ/cache/memory_cache.h"
#include "environ/translation/module_translation.h"
#include "jit/incremental_testing.h"

namespace gantry {
namespace {

constexpr uint64_t kCacheBytes = uint64_t{1} << 30;

std::string directory;
int next_cache = 0;

std::shared_ptr<environ::CompilationCache> NewCache() {
  if (directory.empty()) return std::make_shared<environ::MemoryCache>(kCacheBytes);
  auto cache = environ::DirectoryCache::Open(
      {.path = directory + "/" + std::to_string(next_cache++), .max_bytes = kCacheBytes});
  CHECK_OK(cache.status());
  return *cache;
}

std::vector<uint8_t> Read(const char* path) {
  std::ifstream file(path, std::ios::binary);
  CHECK(file.good()) << path;
  return {std::istreambuf_iterator<char>(file), {}};
}

// Milliseconds, and what was found.
struct Run {
  double ms = 0;
  jit::CacheCounts counts;
};

Run Compile(const std::shared_ptr<environ::CompilationCache>& cache,
            const std::vector<uint8_t>& module) {
  const auto compiler = jit::MakeCompiler(cache);
  const auto start = std::chrono::steady_clock::now();
  CHECK_OK(jit::CompileWith(*compiler, module).status());
  const std::chrono::duration<double, std::milli> spent = std::chrono::steady_clock::now() - start;
  return {spent.count(), jit::CountsOf(*compiler)};
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

size_t MiddleFunction(const std::vector<uint8_t>& module) {
  environ::TranslationOptions options;
  const auto parsed = environ::ModuleTranslation::Parse(module, environ::ModuleId(0), options);
  CHECK_OK(parsed.status());
  return (*parsed)->parsed.bodies.size() / 2;
}

void MeasureOne(const char* path, int rounds) {
  const std::vector<uint8_t> module = Read(path);
  const std::vector<uint8_t> changed = jit::WithConstant(module, MiddleFunction(module));
  const std::vector<uint8_t> moved = jit::WithExportRenamed(module);
  std::vector<double> plain, first, again, one, stencils;
  Run counted_first, counted_one, counted_moved;
  for (int i = 0; i < rounds; ++i) {
    plain.push_back(Compile(nullptr, module).ms);
    const auto cache = NewCache();
    counted_first = Compile(cache, module);
    first.push_back(counted_first.ms);
    again.push_back(Compile(cache, module).ms);
    counted_one = Compile(cache, changed);
    one.push_back(counted_one.ms);
    counted_moved = Compile(cache, moved);
    stencils.push_back(counted_moved.ms);
  }
  const double base = Median(plain);
  std::printf("%s: %.1f ms without a cache; in percent of that:\n", path, base);
  std::printf(
      "  first %.1f (%llu of %llu functions are like others), unchanged %.1f, one changed "
      "%.1f (%llu compiled), by stencil %.1f (%llu of %llu)\n",
      100 * Median(first) / base,
      static_cast<unsigned long long>(counted_first.counts.by_body +
                                      counted_first.counts.by_stencil),
      static_cast<unsigned long long>(counted_first.counts.lookups), 100 * Median(again) / base,
      100 * Median(one) / base, static_cast<unsigned long long>(counted_one.counts.compiled()),
      100 * Median(stencils) / base,
      static_cast<unsigned long long>(counted_moved.counts.by_stencil),
      static_cast<unsigned long long>(counted_moved.counts.lookups));
}

void MeasureGroup(const std::vector<const char*>& paths) {
  const auto cache = NewCache();
  std::printf("one after another, with one cache:\n");
  for (const char* path : paths) {
    const std::vector<uint8_t> module = Read(path);
    const double plain = Compile(nullptr, module).ms;
    const Run run = Compile(cache, module);
    const uint64_t found = run.counts.by_body + run.counts.by_stencil;
    std::printf("  %s: %llu of %llu functions found (%.1f %%), %.1f %% of the time\n", path,
                static_cast<unsigned long long>(found),
                static_cast<unsigned long long>(run.counts.lookups),
                run.counts.lookups == 0
                    ? 0.0
                    : 100.0 * static_cast<double>(found) / static_cast<double>(run.counts.lookups),
                100 * run.ms / plain);
  }
}

}  // namespace
}  // namespace gantry

int main(int argc, char** argv) {
  int rounds = 5;
  std::vector<const char*> paths;
  std::string made;
  for (int i = 1; i < argc; ++i) {
    const std::string argument = argv[i];
    if (argument == "--rounds" && i + 1 < argc) {
      rounds = std::max(1, std::atoi(argv[++i]));
    } else if (argument == "--directory") {
      made = std::filesystem::temp_directory_path() / "gantry_incremental.XXXXXX";
      CHECK(mkdtemp(made.data()) != nullptr);
      gantry::directory = made;
    } else {
      paths.push_back(argv[i]);
    }
  }
  if (paths.empty()) {
    std::fprintf(stderr, "usage: incremental [--rounds N] [--directory] FILE.wasm...\n");
    return 2;
  }
  for (const char* path : paths) gantry::MeasureOne(path, rounds);
  if (paths.size() > 1) gantry::MeasureGroup(paths);
  if (!made.empty()) std::filesystem::remove_all(made);
  return 0;
}
