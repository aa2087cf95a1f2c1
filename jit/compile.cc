#include "jit/compile.h"

#ifdef __GLIBC__
#include <malloc.h>
#endif

#include <algorithm>
#include <atomic>
#include <chrono>
#include <limits>
#include <map>
#include <mutex>
#include <new>
#include <thread>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "cranelift_shared/compiler_builder.h"
#include "cranelift_shared/native_dwarf.h"
#include "environ/artifact/artifact.h"
#include "environ/core/builtins.h"
#include "environ/translation/debug_sections.h"
#include "environ/translation/packed_functions.h"
#include "jit/composite_compiler.h"
#include "winch/compiler_builder.h"

namespace gantry::jit {
namespace {

using environ::CompiledFunction;
using environ::Compiler;
using environ::FuncKey;
using environ::FuncKeyKind;
using environ::ModuleId;
using environ::ModuleTranslation;
using environ::PackedFunction;
using environ::PackedFunctions;

// Adds up the time of the steps around the compiler.
class PhaseClock {
 public:
  explicit PhaseClock(CompileStats* stats) : stats_(stats), last_(Now()) {}
  void Finish(const char* phase, uint64_t work = 0) {
    const Clock::time_point now = Now();
    if (stats_ != nullptr) {
      const auto spent = std::chrono::duration_cast<std::chrono::nanoseconds>(now - last_);
      stats_->phases.push_back({phase, static_cast<uint64_t>(spent.count()), work});
    }
    last_ = now;
  }

 private:
  using Clock = std::chrono::steady_clock;
  static Clock::time_point Now() { return Clock::now(); }
  CompileStats* stats_;
  Clock::time_point last_;
};

// Functions, text, artifact and its mapping hold the same bytes one after the other. What one of
// them was made of the C library keeps when it is freed; where that was much, it gives the pages
// back, so that not all are in memory at once.
constexpr size_t kMuch = size_t{8} << 20;
void ReleaseFreeMemory(size_t freed_bytes) {
#ifdef __GLIBC__
  if (freed_bytes >= kMuch) malloc_trim(0);
#else
  static_cast<void>(freed_bytes);
#endif
}

// Everything that one compilation makes, in the order of the keys, which is that of the text.
class FunctionSet {
 public:
  FunctionSet(const Compiler& compiler, const ModuleTranslation& module)
      : compiler_(compiler), module_(module) {
    const size_t bodies = module.info.functions.size() - module.info.num_imported_functions;
    keys_.reserve(bodies + 2 * module.signatures().size() + environ::kBuiltinCount);
    for (size_t i = 0; i < bodies; ++i) {
      keys_.push_back(module.KeyOf(wasm::DefinedFuncIndex::FromIndex(i)));
    }
    for (const wasm::TypeIndex type : module.signatures()) {
      keys_.push_back(FuncKey::EntryTrampoline(module.id, type));
    }
    for (const wasm::TypeIndex type : module.signatures()) {
      keys_.push_back(FuncKey::ExitTrampoline(module.id, type));
    }
    for (uint32_t i = 0; i < environ::kBuiltinCount; ++i) {
      keys_.push_back(FuncKey::BuiltinShim(i));
    }
    functions_.resize(keys_.size());
  }

  // Compiles all keys. The error is that of the first key that fails, whatever the threads.
  absl::Status Compile(uint32_t threads) {
    if (threads == 0) threads = std::max(1u, std::thread::hardware_concurrency());
    threads =
        static_cast<uint32_t>(std::min<size_t>(threads, (keys_.size() + kChunk - 1) / kChunk));
    packed_ = std::vector<PackedFunctions>(std::max(1u, threads));
    std::vector<std::thread> helpers;
    for (uint32_t i = 1; i < threads; ++i) {
      // Fewer threads than asked for are as good: the work is shared by those there are.
      try {
        helpers.emplace_back([this, i] { Work(packed_[i]); });
      } catch (const std::system_error&) {
        break;
      }
    }
    Work(packed_[0]);
    for (std::thread& helper : helpers) helper.join();
    return error_;
  }

  // Puts the text together from the functions, which are gone then.
  absl::StatusOr<environ::LinkedText> Link() && {
    size_t code_bytes = 0;
    for (const PackedFunction* function : functions_) code_bytes += function->code_size();
    if (code_bytes >= kMuch) {
      compiler_.ReleaseMemory();
      ReleaseFreeMemory(code_bytes);
    }
    std::vector<environ::NamedFunction> named;
    named.reserve(keys_.size());
    for (size_t i = 0; i < keys_.size(); ++i) named.push_back({keys_[i], functions_[i]});
    absl::StatusOr<environ::LinkedText> text = compiler_.AppendText(named);
    std::vector<environ::NamedFunction>().swap(named);
    std::vector<const PackedFunction*>().swap(functions_);
    packed_.clear();
    if (text.ok()) ReleaseFreeMemory(text->text.size());
    return text;
  }

  // Says in `info` which functions could not be compiled.
  void NameUncompiled(environ::ModuleInfo& info) {
    std::sort(missing_.begin(), missing_.end(),
              [](const auto& a, const auto& b) { return a.first < b.first; });
    std::map<std::pair<wasm::Feature, std::string>, uint32_t> reasons;
    for (const auto& [position, missing] : missing_) {
      const auto [reason, inserted] = reasons.try_emplace(
          {missing.feature, missing.what}, static_cast<uint32_t>(info.missing.size()));
      if (inserted) info.missing.push_back(missing);
      info.uncompiled.push_back({keys_[position].defined_function(), reason->second});
    }
  }
  uint64_t inlined_calls() const { return inlined_calls_; }
  // By DefinedFuncIndex.
  std::vector<uint32_t> DebugAreas() const {
    std::vector<uint32_t> areas;
    for (size_t i = 0; i < keys_.size(); ++i) {
      if (keys_[i].kind() != FuncKeyKind::kWasmFunction) break;
      areas.push_back(functions_[i]->debug_area());
    }
    return areas;
  }
  bool all_compiled() const { return missing_.empty(); }

 private:
  // Keys that a thread takes at once: enough that the counter is not fought over.
  static constexpr size_t kChunk = 8;

  void Work(PackedFunctions& packed) {
    CompiledFunction function;
    uint64_t inlined_calls = 0;
    while (true) {
      const size_t first = next_.fetch_add(kChunk, std::memory_order_relaxed);
      if (first >= keys_.size()) break;
      const size_t last = std::min(first + kChunk, keys_.size());
      for (size_t i = first; i < last; ++i) {
        // What comes after a failure does not matter any more; what comes before does.
        if (i > failed_.load(std::memory_order_relaxed)) return;
        const absl::Status status = CompileOne(i, function, packed);
        if (!status.ok()) Fail(i, status);
        inlined_calls += function.inlined_calls;
      }
    }
    inlined_calls_.fetch_add(inlined_calls, std::memory_order_relaxed);
  }

  // Into functions_[position], by way of `function`.
  absl::Status CompileOne(size_t position, CompiledFunction& function, PackedFunctions& packed) {
    const FuncKey& key = keys_[position];
    try {
      RETURN_IF_ERROR(CompileInto(key, function));
      functions_[position] = packed.Add(function);
      if (function.missing.has_value()) {
        const std::lock_guard<std::mutex> lock(mutex_);
        missing_.emplace_back(position, *function.missing);
      }
      return absl::OkStatus();
    } catch (const std::bad_alloc&) {
      return absl::ResourceExhaustedError(
          absl::StrCat("out of memory while compiling ", key.Symbol()));
    }
  }

  absl::Status CompileInto(const FuncKey& key, CompiledFunction& out) {
    switch (key.kind()) {
      case FuncKeyKind::kWasmFunction:
        return compiler_.CompileFunction(module_, key, out);
      case FuncKeyKind::kEntryTrampoline:
      case FuncKeyKind::kExitTrampoline:
        return compiler_.CompileTrampoline(module_, key, out);
      case FuncKeyKind::kBuiltinShim:
        return compiler_.CompileBuiltinShim(key, out);
      case FuncKeyKind::kModuleStart:
        break;
    }
    return absl::InternalError(absl::StrCat("no code is made for ", key.Symbol()));
  }

  void Fail(size_t position, const absl::Status& status) {
    std::lock_guard<std::mutex> lock(mutex_);
    if (position >= failed_.load(std::memory_order_relaxed)) return;
    failed_.store(position, std::memory_order_relaxed);
    error_ = status;
  }

  const Compiler& compiler_;
  const ModuleTranslation& module_;
  std::vector<FuncKey> keys_;
  // By position in keys_; they lie in packed_, of which each thread has one.
  std::vector<const PackedFunction*> functions_;
  std::vector<PackedFunctions> packed_;
  std::atomic<uint64_t> inlined_calls_{0};
  std::atomic<size_t> next_{0};
  std::atomic<size_t> failed_{std::numeric_limits<size_t>::max()};
  std::mutex mutex_;
  absl::Status error_;
  // What bodies could not be compiled for, by position.
  std::vector<std::pair<size_t, wasm::Unimplemented>> missing_;
};

bool WantsDebugInfo(const environ::ArtifactSettings& flags) {
  return std::any_of(flags.begin(), flags.end(), [](const auto& flag) {
    return flag.first == "debug_info" && flag.second == "true";
  });
}

// Its number in DWARF: rbp, x29.
uint8_t FramePointerOf(absl::string_view target) {
  return absl::StartsWith(target, "aarch64") ? 29 : 6;
}

absl::StatusOr<std::vector<uint8_t>> CompileTranslation(const Compiler& compiler,
                                                        const ModuleTranslation& module,
                                                        uint32_t threads, PhaseClock& clock,
                                                        CompileStats* stats) {
  FunctionSet functions(compiler, module);
  RETURN_IF_ERROR(functions.Compile(threads));
  clock.Finish("functions");
  // Named in a copy: other compilations may share the translation.
  std::optional<environ::ModuleInfo> info;
  if (!functions.all_compiled()) functions.NameUncompiled(info.emplace(module.info));
  if (stats != nullptr) {
    stats->functions = module.info.functions.size() - module.info.num_imported_functions;
    stats->inlined_calls = functions.inlined_calls();
  }
  const bool wants_debug_info = WantsDebugInfo(compiler.flags());
  std::vector<uint32_t> debug_areas;
  if (wants_debug_info) debug_areas = functions.DebugAreas();
  ASSIGN_OR_RETURN(environ::LinkedText text, std::move(functions).Link());
  clock.Finish("link", text.work);

  environ::ArtifactContents contents;
  contents.compiler = std::string(compiler.name());
  contents.target = std::string(compiler.triple());
  contents.flags = compiler.flags();
  contents.isa_flags = compiler.isa_flags();
  contents.marks_branch_targets = compiler.marks_branch_targets();
  contents.tunables = compiler.tunables();
  contents.page_alignment = compiler.page_alignment();
  contents.text = &text;
  const environ::NativeDebug native_debug =
      wants_debug_info
          ? cranelift::MakeNativeDwarf(module, text, {FramePointerOf(contents.target), debug_areas})
          : environ::NativeDebug();
  contents.native_debug = &native_debug;
  const std::vector<uint8_t> debug = environ::DebugSectionsOf(module);
  contents.modules.push_back(
      {.info = info.has_value() ? &*info : &module.info,
       .data = module.data,
       .debug = debug,
       .wasm = compiler.tunables().tier_up ? module.bytes : absl::Span<const uint8_t>()});
  absl::StatusOr<std::vector<uint8_t>> artifact = environ::WriteArtifact(contents);
  clock.Finish("artifact", artifact.ok() ? artifact->size() : 0);
  const size_t code_bytes = text.text.size();
  if (stats != nullptr) stats->code_bytes = code_bytes;
  text = environ::LinkedText();
  ReleaseFreeMemory(code_bytes);
  return artifact;
}

}  // namespace

absl::StatusOr<std::unique_ptr<environ::CompilerBuilder>> NewCompilerBuilder(
    const CompilerOptions& options) {
  switch (options.strategy) {
    case Strategy::kAuto:
    case Strategy::kOptimizing:
      if (options.compile_budget == 0) return cranelift::NewCompilerBuilder();
      return NewCompositeBuilder(cranelift::NewCompilerBuilder(), winch::NewCompilerBuilder(),
                                 {.mixed_seed = std::nullopt, .budget = options.compile_budget});
    case Strategy::kWinch:
      return winch::NewCompilerBuilder();
    case Strategy::kMixed:
      return NewCompositeBuilder(cranelift::NewCompilerBuilder(), winch::NewCompilerBuilder(),
                                 {.mixed_seed = options.mixed_seed, .budget = 0});
  }
  UNREACHABLE() << "not an enumerator";
}

absl::StatusOr<std::vector<uint8_t>> CompileModule(const Compiler& compiler,
                                                   absl::Span<const uint8_t> bytes,
                                                   const CompileOptions& options,
                                                   CompileStats* stats) {
  try {
    PhaseClock clock(stats);
    ASSIGN_OR_RETURN(const std::unique_ptr<ModuleTranslation> module,
                     ModuleTranslation::Parse(bytes, ModuleId(0), options.translation));
    clock.Finish("parse", bytes.size());
    uint32_t threads = options.threads;
    if (!options.explain.empty()) {
      const size_t bodies = module->info.functions.size() - module->info.num_imported_functions;
      for (size_t i = 0; i < bodies; ++i) {
        const FuncKey key = module->KeyOf(wasm::DefinedFuncIndex::FromIndex(i));
        for (const environ::Form form : options.explain) {
          ASSIGN_OR_RETURN(const std::string text, compiler.Explain(*module, key, form));
          options.explain_sink(form, key, text);
        }
      }
      threads = 1;
      clock.Finish("explain");
    }
    return CompileTranslation(compiler, *module, threads, clock, stats);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory while compiling the module");
  }
}

absl::StatusOr<std::vector<uint8_t>> CompileTrampolines(const Compiler& compiler,
                                                        absl::Span<const wasm::FuncType> types) {
  try {
    PhaseClock clock(nullptr);
    environ::TranslationOptions options;
    options.tunables = compiler.tunables();
    const std::unique_ptr<ModuleTranslation> module =
        ModuleTranslation::OfTypes(types, ModuleId(0), options);
    return CompileTranslation(compiler, *module, 1, clock, nullptr);
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("out of memory while making trampolines");
  }
}

}  // namespace gantry::jit
