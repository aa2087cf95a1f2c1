#include "cli/options.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "CLI/CLI.hpp"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/status_macros.h"
#include "cli/flag_list.h"
#include "cli/wasm_features_flag.h"
#include "environ/cache/directory_cache.h"

namespace gantry::cli {
namespace {

// The numbers of -O that are about a pool.
absl::StatusOr<bool> SetPoolingOption(const FlagEntry& entry, PoolingOptions& options) {
  static constexpr absl::string_view kPrefix = "pooling-";
  absl::string_view name = entry.name;
  if (!absl::ConsumePrefix(&name, kPrefix)) return false;
  const auto as_u32 = [](uint64_t number) {
    return static_cast<uint32_t>(std::min<uint64_t>(number, ~uint32_t{0}));
  };
  const auto set = [&](auto setter) -> absl::StatusOr<bool> {
    ASSIGN_OR_RETURN(const uint64_t number, ParseFlagNumber("-O", entry));
    setter(number);
    return true;
  };
  if (name == "total-instances") return set([&](auto n) { options.total_instances = as_u32(n); });
  if (name == "total-memories") return set([&](auto n) { options.total_memories = as_u32(n); });
  if (name == "total-tables") return set([&](auto n) { options.total_tables = as_u32(n); });
  if (name == "max-instance-size") return set([&](auto n) { options.max_instance_size = n; });
  if (name == "max-table-elements") return set([&](auto n) { options.max_table_elements = n; });
  if (name == "max-memory-size") return set([&](auto n) { options.max_memory_size = n; });
  if (name == "memory-keep-resident") return set([&](auto n) { options.memory_keep_resident = n; });
  if (name == "table-keep-resident") return set([&](auto n) { options.table_keep_resident = n; });
  if (name == "max-warm-slots") return set([&](auto n) { options.max_warm_slots = as_u32(n); });
  return false;
}

absl::Status FileError(const std::string& path, int error) {
  return absl::ErrnoToStatus(error, path);
}

}  // namespace

void EngineOptions::AddTo(CLI::App& command) {
  command
      .add_option("-O,--optimize", optimize_,
                  "Optimization: opt-level=0|2|s, tier-up[=y|n] (start on baseline code), "
                  "tier-up-threshold=N (entries and rounds of loops until a function is hot), "
                  "memory-reservation=BYTES, "
                  "memory-guard-size=BYTES, signals-based-traps=y|n, epochs=none|counter|page; "
                  "calls on stacks of their own: "
                  "async=y|n, async-stack-size=BYTES, async-stack-keep-resident=BYTES, "
                  "async-stack-zeroing=y|n; pooling-allocator=y|n, "
                  "and of the pool: pooling-total-instances=N, pooling-total-memories=N, "
                  "pooling-total-tables=N, pooling-max-instance-size=BYTES, "
                  "pooling-max-table-elements=N, pooling-max-memory-size=BYTES, "
                  "pooling-memory-keep-resident=BYTES, pooling-table-keep-resident=BYTES, "
                  "pooling-max-warm-slots=N")
      ->allow_extra_args(false);
  command
      .add_option("-C,--codegen", codegen_,
                  "Code generation: compiler=auto|cranelift|winch|mixed, mixed_seed=N, "
                  "parallel-compilation=y|n, "
                  "threads=N, spectre=y|n, cache=y|n|DIR (whole modules, run alone), "
                  "incremental-cache=DIR (functions), debugger=y|n (gdb and lldb learn of guests), "
                  "verify=full|trusted (artifacts), or any "
                  "setting that `gantry settings` lists")
      ->allow_extra_args(false);
  command
      .add_option(
          "-W,--wasm", wasm_,
          absl::StrCat("Guests: fuel=UNITS, operator-cost=OPERATOR:UNITS, fuel-bulk-bytes=BYTES, "
                       "max-wasm-stack=BYTES, nan-canonicalization=y|n, "
                       "relaxed-simd-deterministic=y|n, and proposals by name=y|n: ",
                       WasmFeatureNames()))
      ->allow_extra_args(false);
  command.add_option("--target", target_, "Compile for this target instead of the host");
}

absl::StatusOr<Config> EngineOptions::ToConfig() const {
  Config config;
  PoolingOptions pooling_options;
  bool pooling = false;
  for (const FlagEntry& entry : SplitFlagList(optimize_)) {
    if (entry.name == "opt-level") {
      if (entry.value == "0") {
        config.OptLevel(OptLevel::kNone);
      } else if (entry.value == "1" || entry.value == "2") {
        config.OptLevel(OptLevel::kSpeed);
      } else if (entry.value == "s") {
        config.OptLevel(OptLevel::kSpeedAndSize);
      } else {
        return absl::InvalidArgumentError(
            absl::StrCat("-O opt-level=", entry.value, ": 0, 1, 2 or s is needed"));
      }
    } else if (entry.name == "tier-up") {
      bool enable = true;
      if (!entry.value.empty()) {
        ASSIGN_OR_RETURN(enable, ParseFlagBool("-O", entry));
      }
      config.TierUp(enable);
    } else if (entry.name == "tier-up-threshold") {
      ASSIGN_OR_RETURN(const uint64_t count, ParseFlagNumber("-O", entry));
      config.TierUpThreshold(static_cast<uint32_t>(std::min<uint64_t>(count, 0xFFFFFFFF)));
    } else if (entry.name == "memory-reservation") {
      ASSIGN_OR_RETURN(const uint64_t bytes, ParseFlagNumber("-O", entry));
      config.MemoryReservation(bytes);
    } else if (entry.name == "memory-guard-size") {
      ASSIGN_OR_RETURN(const uint64_t bytes, ParseFlagNumber("-O", entry));
      config.MemoryGuardSize(bytes);
    } else if (entry.name == "signals-based-traps") {
      ASSIGN_OR_RETURN(const bool enable, ParseFlagBool("-O", entry));
      config.SignalsBasedTraps(enable);
    } else if (entry.name == "epochs") {
      if (entry.value == "none") {
        config.EpochInterruption(EpochInterruption::kNone);
      } else if (entry.value == "counter") {
        config.EpochInterruption(EpochInterruption::kCounter);
      } else if (entry.value == "page") {
        config.EpochInterruption(EpochInterruption::kPage);
      } else {
        return absl::InvalidArgumentError(
            absl::StrCat("-O epochs=", entry.value, ": none, counter or page is needed"));
      }
    } else if (entry.name == "async") {
      RETURN_IF_ERROR(ParseFlagBool("-O", entry).status());
    } else if (entry.name == "async-stack-size") {
      ASSIGN_OR_RETURN(const uint64_t bytes, ParseFlagNumber("-O", entry));
      config.AsyncStackSize(bytes);
    } else if (entry.name == "async-stack-keep-resident") {
      ASSIGN_OR_RETURN(const uint64_t bytes, ParseFlagNumber("-O", entry));
      config.AsyncStackKeepResident(bytes);
    } else if (entry.name == "async-stack-zeroing") {
      ASSIGN_OR_RETURN(const bool enable, ParseFlagBool("-O", entry));
      config.AsyncStackZeroing(enable);
    } else if (entry.name == "pooling-allocator") {
      ASSIGN_OR_RETURN(pooling, ParseFlagBool("-O", entry));
    } else {
      ASSIGN_OR_RETURN(const bool known, SetPoolingOption(entry, pooling_options));
      if (known) continue;
      return UnknownFlag("-O", entry,
                         "opt-level, tier-up, tier-up-threshold, memory-reservation, "
                         "memory-guard-size, signals-based-traps, epochs, "
                         "async, async-stack-size, async-stack-keep-resident, "
                         "async-stack-zeroing, "
                         "pooling-allocator, pooling-total-instances, pooling-total-memories, "
                         "pooling-total-tables, pooling-max-instance-size, "
                         "pooling-max-table-elements, pooling-max-memory-size, "
                         "pooling-memory-keep-resident, pooling-table-keep-resident, "
                         "pooling-max-warm-slots");
    }
  }
  if (pooling) config.PoolingAllocation(pooling_options);
  for (const FlagEntry& entry : SplitFlagList(codegen_)) {
    if (entry.name == "compiler") {
      if (entry.value == "auto") {
        config.Compiler(Strategy::kAuto);
      } else if (entry.value == "cranelift") {
        config.Compiler(Strategy::kOptimizing);
      } else if (entry.value == "winch") {
        config.Compiler(Strategy::kWinch);
      } else if (entry.value == "mixed") {
        config.Compiler(Strategy::kMixed);
      } else {
        return absl::InvalidArgumentError(absl::StrCat(
            "-C compiler=", entry.value, ": auto, cranelift, winch or mixed is needed"));
      }
    } else if (entry.name == "mixed_seed") {
      ASSIGN_OR_RETURN(const uint64_t seed, ParseFlagNumber("-C", entry));
      config.MixedSeed(seed);
    } else if (entry.name == "parallel-compilation") {
      ASSIGN_OR_RETURN(const bool enable, ParseFlagBool("-C", entry));
      config.CompilationThreads(enable ? 0 : 1);
    } else if (entry.name == "threads") {
      ASSIGN_OR_RETURN(const uint64_t threads, ParseFlagNumber("-C", entry));
      config.CompilationThreads(static_cast<uint32_t>(std::min<uint64_t>(threads, 1024)));
    } else if (entry.name == "debugger") {
      ASSIGN_OR_RETURN(const bool enable, ParseFlagBool("-C", entry));
      config.RegisterWithDebuggers(enable);
    } else if (entry.name == "incremental-cache") {
      absl::StatusOr<std::shared_ptr<environ::DirectoryCache>> cache =
          environ::DirectoryCache::Open({.path = entry.value, .report = ReportCacheFailure});
      if (cache.ok()) {
        config.IncrementalCache(*std::move(cache));
      } else {
        ReportCacheFailure(cache.status());
      }
    } else if (entry.name == "cache" || entry.name == "verify") {
      // Not the engine's: ModuleCachePath, VerifiesFully.
    } else if (entry.name == "spectre") {
      ASSIGN_OR_RETURN(const bool enable, ParseFlagBool("-C", entry));
      config.SpectreMitigations(enable);
    } else {
      config.CompilerFlag(entry.name, entry.value == "y"   ? "true"
                                      : entry.value == "n" ? "false"
                                                           : entry.value);
    }
  }
  wasm::Features features = config.features();
  std::vector<FlagEntry> other_flags;
  RETURN_IF_ERROR(ApplyWasmFeatures(SplitFlagList(wasm_), &features, &other_flags));
  config.WasmFeatures(features);
  for (const FlagEntry& entry : other_flags) {
    if (entry.name == "fuel") {
      RETURN_IF_ERROR(ParseFlagNumber("-W", entry).status());
      config.ConsumeFuel(true);
    } else if (entry.name == "operator-cost") {
      const size_t colon = entry.value.rfind(':');
      uint64_t units = 0;
      if (colon == std::string::npos || !absl::SimpleAtoi(entry.value.substr(colon + 1), &units)) {
        return absl::InvalidArgumentError(
            absl::StrCat("-W operator-cost=", entry.value, ": OPERATOR:UNITS is needed"));
      }
      config.OperatorCost(entry.value.substr(0, colon), units);
    } else if (entry.name == "fuel-bulk-bytes") {
      ASSIGN_OR_RETURN(const uint64_t bytes, ParseFlagNumber("-W", entry));
      config.FuelBulkBytes(static_cast<uint32_t>(std::min<uint64_t>(bytes, 0xFFFFFFFF)));
    } else if (entry.name == "max-wasm-stack") {
      ASSIGN_OR_RETURN(const uint64_t bytes, ParseFlagNumber("-W", entry));
      config.MaxWasmStack(bytes);
    } else if (entry.name == "nan-canonicalization") {
      ASSIGN_OR_RETURN(const bool enable, ParseFlagBool("-W", entry));
      config.NanCanonicalization(enable);
    } else if (entry.name == "relaxed-simd-deterministic") {
      ASSIGN_OR_RETURN(const bool enable, ParseFlagBool("-W", entry));
      config.RelaxedSimdDeterministic(enable);
    } else {
      return UnknownFlag("-W", entry,
                         absl::StrCat("fuel, operator-cost, fuel-bulk-bytes, max-wasm-stack, "
                                      "nan-canonicalization, "
                                      "relaxed-simd-deterministic, ",
                                      WasmFeatureNames()));
    }
  }
  if (!target_.empty()) config.Target(target_);
  return config;
}

void ReportCacheFailure(const absl::Status& status) {
  std::fprintf(stderr, "gantry: going on without the cache: %s\n",
               std::string(status.message()).c_str());
}

absl::StatusOr<wasm::Features> EngineOptions::FeaturesOver(wasm::Features base) const {
  std::vector<FlagEntry> other_flags;
  RETURN_IF_ERROR(ApplyWasmFeatures(SplitFlagList(wasm_), &base, &other_flags));
  return base;
}

absl::StatusOr<bool> EngineOptions::Async() const {
  bool async = false;
  for (const FlagEntry& entry : SplitFlagList(optimize_)) {
    if (entry.name != "async") continue;
    ASSIGN_OR_RETURN(async, ParseFlagBool("-O", entry));
  }
  return async;
}

std::optional<std::string> EngineOptions::ModuleCachePath() const {
  std::optional<std::string> chosen;
  for (const FlagEntry& entry : SplitFlagList(codegen_)) {
    if (entry.name == "cache") chosen = entry.value;
  }
  if (chosen == "n" || chosen == "false") return std::nullopt;
  if (chosen.has_value() && !chosen->empty() && chosen != "y" && chosen != "true") return chosen;
  const auto variable = [](const char* name) -> std::string {
    const char* value = std::getenv(name);
    return value == nullptr ? "" : value;
  };
  // Relative ones are to be ignored (XDG Base Directory Specification).
  if (const std::string base = variable("XDG_CACHE_HOME"); !base.empty() && base[0] == '/') {
    return base + "/gantry/modules";
  }
  if (const std::string home = variable("HOME"); !home.empty() && home[0] == '/') {
    return home + "/.cache/gantry/modules";
  }
  return std::nullopt;
}

absl::StatusOr<bool> EngineOptions::VerifiesFully() const {
  bool fully = true;
  for (const FlagEntry& entry : SplitFlagList(codegen_)) {
    if (entry.name != "verify") continue;
    if (entry.value != "full" && entry.value != "trusted") {
      return absl::InvalidArgumentError(
          absl::StrCat("-C verify=", entry.value, ": full or trusted is needed"));
    }
    fully = entry.value == "full";
  }
  return fully;
}

std::string EngineOptions::KeyText() const {
  std::string text;
  for (const auto& [option, values] : {std::pair("-O", &optimize_), std::pair("-W", &wasm_)}) {
    for (const std::string& value : *values) absl::StrAppend(&text, option, " ", value, "\n");
  }
  for (const FlagEntry& entry : SplitFlagList(codegen_)) {
    if (entry.name == "cache" || entry.name == "incremental-cache" || entry.name == "verify" ||
        entry.name == "threads" || entry.name == "parallel-compilation") {
      continue;
    }
    absl::StrAppend(&text, "-C ", entry.name, "=", entry.value, "\n");
  }
  absl::StrAppend(&text, "--target ", target_, "\n");
  return text;
}

absl::StatusOr<std::optional<uint64_t>> EngineOptions::Fuel() const {
  std::optional<uint64_t> fuel;
  for (const FlagEntry& entry : SplitFlagList(wasm_)) {
    if (entry.name != "fuel") continue;
    ASSIGN_OR_RETURN(fuel, ParseFlagNumber("-W", entry));
  }
  return fuel;
}

void GuestOptions::AddTo(CLI::App& command) {
  command
      .add_option("--dir", directory_texts,
                  "Give the guest a directory of the host, as HOST or HOST::GUEST")
      ->allow_extra_args(false);
  command
      .add_option("--env", environment_texts,
                  "Set a variable of the guest's environment, as NAME=VALUE; NAME alone passes "
                  "the host's value on")
      ->allow_extra_args(false);
  command
      .add_option("--preload", preload_texts,
                  "Instantiate another module first and offer its exports, as NAME=FILE")
      ->allow_extra_args(false);
  command.add_option("--argv0", argv0, "The guest's argv[0] instead of the file's name");
}

std::vector<GuestOptions::Mapping> GuestOptions::Directories() const {
  std::vector<Mapping> mappings;
  for (const std::string& text : directory_texts) {
    const size_t separator = text.find("::");
    if (separator == std::string::npos) {
      mappings.push_back({text, text});
    } else {
      mappings.push_back({text.substr(0, separator), text.substr(separator + 2)});
    }
  }
  return mappings;
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> GuestOptions::Environment() const {
  std::vector<std::pair<std::string, std::string>> variables;
  for (const std::string& text : environment_texts) {
    const size_t separator = text.find('=');
    const std::string name = text.substr(0, separator);
    if (name.empty()) {
      return absl::InvalidArgumentError(absl::StrCat("--env \"", text, "\": NAME=VALUE is needed"));
    }
    if (separator != std::string::npos) {
      variables.emplace_back(name, text.substr(separator + 1));
    } else if (const char* value = std::getenv(name.c_str())) {
      variables.emplace_back(name, value);
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("--env ", name, ": the host has no such variable; NAME=VALUE sets one"));
    }
  }
  return variables;
}

absl::StatusOr<std::vector<std::pair<std::string, std::string>>> GuestOptions::Preloads() const {
  std::vector<std::pair<std::string, std::string>> preloads;
  for (const std::string& text : preload_texts) {
    const size_t separator = text.find('=');
    if (separator == std::string::npos || separator == 0 || separator + 1 == text.size()) {
      return absl::InvalidArgumentError(
          absl::StrCat("--preload \"", text, "\": NAME=FILE is needed"));
    }
    preloads.emplace_back(text.substr(0, separator), text.substr(separator + 1));
  }
  return preloads;
}

void TakeProgramAndArguments(CLI::App& command) { command.prefix_command(); }

absl::StatusOr<std::vector<std::string>> ProgramAndArguments(const CLI::App& command) {
  std::vector<std::string> words = command.remaining();
  if (!words.empty() && words.front() == "--") {
    words.erase(words.begin());
  } else if (!words.empty() && words.front().size() > 1 && words.front()[0] == '-') {
    return absl::InvalidArgumentError(absl::StrCat("unknown option ", words.front(), "; `gantry ",
                                                   command.get_name(), " --help` lists them"));
  }
  if (words.empty()) {
    return absl::InvalidArgumentError(
        absl::StrCat("FILE is missing; `gantry ", command.get_name(), " --help` shows examples"));
  }
  return words;
}

absl::StatusOr<std::vector<uint8_t>> ReadFile(const std::string& path) {
  const bool is_stdin = path == "-";
  const int fd = is_stdin ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) return FileError(path, errno);
  std::vector<uint8_t> bytes;
  struct stat info;
  if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode)) bytes.reserve(info.st_size + 1);
  int error = 0;
  while (true) {
    const size_t old_size = bytes.size();
    bytes.resize(std::max(bytes.capacity(), old_size + (64 << 10)));
    const ssize_t count = read(fd, bytes.data() + old_size, bytes.size() - old_size);
    bytes.resize(old_size + (count > 0 ? count : 0));
    if (count == 0) break;
    if (count < 0 && errno != EINTR) {
      error = errno;
      break;
    }
  }
  if (!is_stdin) close(fd);
  if (error != 0) return FileError(path, error);
  return bytes;
}

absl::Status WriteFile(const std::string& path, const std::vector<uint8_t>& bytes) {
  const bool is_stdout = path == "-";
  const std::string temporary = absl::StrCat(path, ".", getpid(), ".tmp");
  const int fd = is_stdout ? STDOUT_FILENO
                           : open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (fd < 0) return FileError(path, errno);
  int error = 0;
  for (size_t written = 0; written < bytes.size();) {
    const ssize_t count = write(fd, bytes.data() + written, bytes.size() - written);
    if (count >= 0) {
      written += count;
    } else if (errno != EINTR) {
      error = errno;
      break;
    }
  }
  if (is_stdout) return error == 0 ? absl::OkStatus() : FileError("standard output", error);
  if (close(fd) != 0 && error == 0) error = errno;
  if (error == 0 && rename(temporary.c_str(), path.c_str()) != 0) error = errno;
  if (error != 0) {
    unlink(temporary.c_str());
    return FileError(path, error);
  }
  return absl::OkStatus();
}

}  // namespace gantry::cli
