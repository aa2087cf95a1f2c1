#include "jit/incremental_testing.h"

#include <cstdio>

#include "base/check.h"
#include "environ/translation/module_translation.h"
#include "jit/compile.h"

namespace gantry::jit {
namespace {

constexpr size_t kHeader = 8;
constexpr uint8_t kExportSection = 7;
constexpr uint8_t kCodeSection = 10;

uint64_t ReadLeb(absl::Span<const uint8_t> bytes, size_t& at) {
  uint64_t value = 0;
  for (int shift = 0;; shift += 7) {
    const uint8_t byte = bytes[at++];
    value |= uint64_t{byte & 0x7Fu} << shift;
    if ((byte & 0x80) == 0) return value;
  }
}

void AppendLeb(uint64_t value, std::vector<uint8_t>& out) {
  do {
    const uint8_t low = value & 0x7F;
    value >>= 7;
    out.push_back(value != 0 ? low | 0x80 : low);
  } while (value != 0);
}

// Calls visit(id, contents) for each section, which gives what is to stand there.
template <typename Visit>
std::vector<uint8_t> MapSections(absl::Span<const uint8_t> module, Visit visit) {
  std::vector<uint8_t> out(module.begin(), module.begin() + kHeader);
  for (size_t at = kHeader; at < module.size();) {
    const uint8_t id = module[at++];
    const uint64_t size = ReadLeb(module, at);
    const std::vector<uint8_t> contents = visit(id, module.subspan(at, size));
    at += size;
    out.push_back(id);
    AppendLeb(contents.size(), out);
    out.insert(out.end(), contents.begin(), contents.end());
  }
  return out;
}

std::vector<uint8_t> WithCode(absl::Span<const uint8_t> module, size_t function,
                              absl::Span<const uint8_t> code_in_front) {
  return MapSections(module, [&](uint8_t id, absl::Span<const uint8_t> contents) {
    if (id != kCodeSection) return std::vector<uint8_t>(contents.begin(), contents.end());
    std::vector<uint8_t> out;
    size_t at = 0;
    const uint64_t count = ReadLeb(contents, at);
    AppendLeb(count, out);
    for (uint64_t i = 0; i < count; ++i) {
      const uint64_t size = ReadLeb(contents, at);
      const absl::Span<const uint8_t> body = contents.subspan(at, size);
      at += size;
      std::vector<uint8_t> changed(body.begin(), body.end());
      if (i == function) {
        // Behind the declarations of locals, a count and a type each.
        size_t code = 0;
        for (uint64_t left = ReadLeb(body, code); left > 0; --left) {
          ReadLeb(body, code);
          ++code;
        }
        changed.insert(changed.begin() + static_cast<ptrdiff_t>(code), code_in_front.begin(),
                       code_in_front.end());
      }
      AppendLeb(changed.size(), out);
      out.insert(out.end(), changed.begin(), changed.end());
    }
    return out;
  });
}

}  // namespace

std::unique_ptr<environ::Compiler> MakeCompiler(std::shared_ptr<environ::CompilationCache> cache,
                                                const CompilerSettings& settings) {
  auto builder = NewCompilerBuilder(Strategy::kOptimizing);
  CHECK_OK(builder.status());
  for (const auto& [name, value] : settings) CHECK_OK((*builder)->Set(name, value));
  (*builder)->EnableTiming();
  if (cache != nullptr) {
    CHECK_OK((*builder)->EnableIncrementalCompilation(std::move(cache)));
  }
  auto compiler = (*builder)->Build();
  CHECK_OK(compiler.status());
  return *std::move(compiler);
}

absl::StatusOr<std::vector<uint8_t>> CompileWith(const environ::Compiler& compiler,
                                                 absl::Span<const uint8_t> module,
                                                 uint32_t threads) {
  CompileOptions options;
  options.translation.tunables = compiler.tunables();
  options.threads = threads;
  return CompileModule(compiler, module, options);
}

CacheCounts CountsOf(const environ::Compiler& compiler) {
  CacheCounts counts;
  for (const environ::PhaseTime& phase : compiler.Timing()) {
    if (phase.name != "incremental cache") continue;
    unsigned long long lookups, by_body, by_stencil;
    CHECK(std::sscanf(phase.note.c_str(), "%llu functions: %llu found by body, %llu by stencil",
                      &lookups, &by_body, &by_stencil) == 3)
        << phase.note;
    counts = {lookups, by_body, by_stencil};
  }
  return counts;
}

std::optional<std::string> OpenCache::Get(absl::string_view key) {
  const std::lock_guard<std::mutex> lock(mutex_);
  const auto found = entries_.find(std::string(key));
  if (found == entries_.end()) return std::nullopt;
  return found->second;
}

void OpenCache::Insert(absl::string_view key, absl::string_view value) {
  const std::lock_guard<std::mutex> lock(mutex_);
  entries_[std::string(key)] = std::string(value);
}

std::vector<uint8_t> WithNop(absl::Span<const uint8_t> module, size_t function) {
  return WithCode(module, function, {0x01});
}

std::vector<uint8_t> WithConstant(absl::Span<const uint8_t> module, size_t function) {
  // i32.const 4321, drop
  return WithCode(module, function, {0x41, 0xE1, 0x21, 0x1A});
}

std::vector<uint8_t> WithSectionChanged(absl::Span<const uint8_t> module, uint8_t id) {
  return MapSections(module, [&](uint8_t found, absl::Span<const uint8_t> contents) {
    std::vector<uint8_t> out(contents.begin(), contents.end());
    if (found == id && !out.empty()) out.back() ^= 1;
    return out;
  });
}

std::vector<uint8_t> WithExportRenamed(absl::Span<const uint8_t> module) {
  return MapSections(module, [](uint8_t id, absl::Span<const uint8_t> contents) {
    std::vector<uint8_t> out(contents.begin(), contents.end());
    if (id != kExportSection) return out;
    size_t at = 0;
    const uint64_t count = ReadLeb(contents, at);
    if (count == 0) return out;
    const uint64_t length = ReadLeb(contents, at);
    if (length == 0) return out;
    // Only in ASCII is the last bit no matter of the encoding.
    if (out[at] < 0x80) out[at] ^= 1;
    return out;
  });
}

}  // namespace gantry::jit
