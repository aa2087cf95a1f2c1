// Tested by debugging_test.cc.
#include "api/profiler.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <string>

#include "absl/strings/str_cat.h"
#include "api/module_state.h"
#include "base/status_macros.h"
#include "runtime/firefox_profile.h"

namespace gantry {
namespace {

// A function by the names of module and name section where there are such, else by its key.
std::string SymbolOf(const runtime::CodeObject& code, const environ::FuncKey& key) {
  if (key.kind() == environ::FuncKeyKind::kWasmFunction) {
    const environ::ModuleInfo& info = code.module(key.module());
    const absl::string_view name = info.FuncNameOf(info.Index(key.defined_function()));
    if (!name.empty()) {
      return info.name.empty() ? std::string(name) : absl::StrCat(info.name, "!", name);
    }
  }
  return key.Symbol();
}

}  // namespace

absl::StatusOr<GuestProfiler> GuestProfiler::Start(std::chrono::microseconds interval) {
  if (interval.count() <= 0) {
    return absl::InvalidArgumentError("a profiler's interval has to be positive");
  }
  const std::chrono::duration<double, std::milli> now =
      std::chrono::system_clock::now().time_since_epoch();
  runtime::Sampler::Options options;
  options.interval = interval;
  ASSIGN_OR_RETURN(std::unique_ptr<runtime::Sampler> sampler, runtime::Sampler::Start(options));
  return GuestProfiler(std::move(sampler), now.count());
}

std::string GuestProfiler::Stop(absl::string_view name) {
  return runtime::FirefoxProfile(sampler_->Stop(), name, start_ms_);
}

namespace {

absl::Status AppendPerfMap(const runtime::CodeObject& code) {
  const uintptr_t start = reinterpret_cast<uintptr_t>(code.text().data());
  std::string text;
  for (const environ::FunctionRecord& function : code.tables().functions) {
    std::string symbol = SymbolOf(code, function.func_key());
    // A line each; names are a guest's.
    for (char& c : symbol) {
      if (static_cast<unsigned char>(c) < 0x20) c = '?';
    }
    absl::StrAppend(&text, absl::Hex(start + function.offset), " ", absl::Hex(function.size), " ",
                    symbol, "\n");
  }
  const std::string path = absl::StrCat("/tmp/perf-", getpid(), ".map");
  // Not through a link that somebody else has put there.
  const int fd = open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
  if (fd < 0) return absl::ErrnoToStatus(errno, path);
  absl::Status status;
  for (size_t written = 0; written < text.size();) {
    const ssize_t count = write(fd, text.data() + written, text.size() - written);
    if (count >= 0) {
      written += static_cast<size_t>(count);
    } else if (errno != EINTR) {
      status = absl::ErrnoToStatus(errno, path);
      break;
    }
  }
  close(fd);
  return status;
}

}  // namespace

absl::Status AppendPerfMap(const Module& module) {
  const runtime::Module& loaded = *module.state()->runtime();
  RETURN_IF_ERROR(AppendPerfMap(loaded.code()));
  if (loaded.tier_up() != nullptr) {
    // What a profiler misses is told nobody: the guest goes on.
    loaded.tier_up()->Listen([](const runtime::CodeObject& added) { (void)AppendPerfMap(added); });
  }
  return absl::OkStatus();
}

}  // namespace gantry
