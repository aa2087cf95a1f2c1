#include "jit/tier_manager.h"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <new>
#include <optional>
#include <set>
#include <system_error>
#include <utility>

#include "absl/container/inlined_vector.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "base/check.h"
#include "jit/compile_estimate.h"
#include "jit/load.h"

namespace gantry::jit {

using environ::CompiledFunction;
using environ::FuncKey;
using environ::FuncKeyKind;
using environ::ModuleTranslation;
using runtime::CodeObject;
using wasm::DefinedFuncIndex;

// What guests, threads and the manager share; it outlives whoever goes first.
class TierManager::Queue {
 public:
  // What one thread takes at once, of one module.
  // So many functions, or so many bytes of their baseline code: each piece of code takes pages of
  // its own and a place in the process's registry, and all of it becomes usable at once.
  static constexpr size_t kMaxFunctions = 32;
  static constexpr size_t kMaxBytes = size_t{32} << 10;
  struct Batch {
    std::shared_ptr<Module> module;
    absl::InlinedVector<DefinedFuncIndex, kMaxFunctions> functions;
  };

  // False where nobody would take it any more. May throw std::bad_alloc.
  bool Push(std::shared_ptr<Module> module, DefinedFuncIndex function);
  // False where there is nothing: waiting for something, where there will be nothing more.
  bool Pop(bool wait, Batch& batch);
  // Drops what is left of a module.
  void Remove(const Module& module);
  // Drops everything; from now on all is refused.
  void Close();
  bool closed() const { return closed_.load(std::memory_order_relaxed); }

  // A function that was asked for is made (with so many bytes of code) or refused.
  void OnRequest() {
    Count([](TierStats& stats) { ++stats.requested; });
  }
  void OnOptimized() {
    Count([](TierStats& stats) { ++stats.optimized; });
  }
  void OnRefused() {
    Count([](TierStats& stats) { ++stats.refused; });
  }
  void OnCode(uint64_t bytes) {
    Count([bytes](TierStats& stats) { stats.code_bytes += bytes; });
  }
  TierStats stats() const {
    const std::lock_guard<std::mutex> lock(mutex_);
    return stats_;
  }
  // Until `done`, which is looked at whenever something was made or refused.
  template <typename Done>
  void WaitUntil(Done done) const {
    std::unique_lock<std::mutex> lock(mutex_);
    progress_.wait(lock, [&] { return done(stats_); });
  }

 private:
  struct Job {
    std::shared_ptr<Module> module;
    DefinedFuncIndex function;
  };
  template <typename Change>
  void Count(Change change) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      change(stats_);
    }
    progress_.notify_all();
  }

  mutable std::mutex mutex_;
  std::condition_variable work_;
  mutable std::condition_variable progress_;
  std::deque<Job> jobs_;              // guarded by mutex_
  TierStats stats_;                   // guarded by mutex_
  std::atomic<bool> closed_ = false;  // written under mutex_
};

class TierManager::Module final : public runtime::TierUp,
                                  public std::enable_shared_from_this<TierManager::Module> {
 public:
  Module(std::shared_ptr<Queue> queue, std::shared_ptr<const CodeObject> code, environ::ModuleId id,
         const TierOptions& options)
      : queue_(std::move(queue)), base_(std::move(code)), id_(id), options_(options) {}

  void Start(std::shared_ptr<runtime::TierTable> table) override {
    table_ = std::move(table);
    states_ = std::vector<std::atomic<State>>(table_->size());
  }

  void Request(DefinedFuncIndex function) override {
    std::atomic<State>& state = states_.at(function.index());
    State expected = State::kBaseline;
    if (!state.compare_exchange_strong(expected, State::kRequested, std::memory_order_relaxed)) {
      return;
    }
    queue_->OnRequest();
    bool pushed = false;
    try {
      pushed = queue_->Push(shared_from_this(), function);
    } catch (const std::bad_alloc&) {
    }
    if (!pushed) return Refuse(function);
    if (!options_.synchronous) return;
    queue_->WaitUntil([&](const TierStats&) {
      return state.load(std::memory_order_acquire) != State::kRequested;
    });
  }

  void Stop() override {
    stopped_.store(true, std::memory_order_relaxed);
    queue_->Remove(*this);
  }

  void Listen(std::function<void(const CodeObject&)> listener) override {
    const std::lock_guard<std::mutex> lock(mutex_);
    listener_ = std::move(listener);
    for (const std::shared_ptr<const CodeObject>& code : added_) listener_(*code);
  }

  // On a thread of the manager.
  void Compile(const environ::Compiler& compiler, absl::Span<const DefinedFuncIndex> functions) {
    bool published = false;
    try {
      published = CompileOrThrow(compiler, functions);
    } catch (const std::bad_alloc&) {
    }
    if (published) return;
    for (const DefinedFuncIndex function : functions) Refuse(function);
  }

  void Refuse(DefinedFuncIndex function) { Settle(function, State::kRefused); }
  // Of its baseline code.
  size_t CodeBytes(DefinedFuncIndex function) const {
    const environ::FunctionRecord* record =
        base_->tables().FindKey(FuncKey::WasmFunction(id_, function));
    return record == nullptr ? 0 : record->size;
  }

 private:
  enum class State : uint8_t { kBaseline, kRequested, kOptimized, kRefused };

  void Settle(DefinedFuncIndex function, State state) {
    State expected = State::kRequested;
    if (!states_[function.index()].compare_exchange_strong(expected, state,
                                                           std::memory_order_acq_rel)) {
      return;
    }
    if (state == State::kOptimized) {
      queue_->OnOptimized();
    } else {
      queue_->OnRefused();
    }
  }

  bool IsDropped() const { return stopped_.load(std::memory_order_relaxed) || queue_->closed(); }

  // Null where there is none to be had. It is made from what the artifact has kept, at the first
  // need.
  const ModuleTranslation* Translation() {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!translated_) {
      translated_ = true;
      const absl::Span<const uint8_t> bytes = base_->wasm(id_);
      if (!bytes.empty()) {
        absl::StatusOr<std::unique_ptr<ModuleTranslation>> module =
            ModuleTranslation::Parse(bytes, id_, options_.translation);
        // What the bytes of an artifact from elsewhere say has to fit the code beside them.
        if (module.ok() && (*module)->info.num_imported_functions + table_->size() ==
                               (*module)->info.functions.size()) {
          translation_ = *std::move(module);
        }
      }
    }
    return translation_.get();
  }

  bool IsWithinBudget(const ModuleTranslation& module, DefinedFuncIndex function) const {
    const wasm::FunctionBody& body = module.parsed.bodies[function];
    return options_.compile_budget == 0 ||
           MaxCompileEstimate(module, body) <= options_.compile_budget ||
           CompileEstimate(module, body) <= options_.compile_budget;
  }

  // Whether some are published, with those that are not refused by then.
  bool CompileOrThrow(const environ::Compiler& compiler,
                      absl::Span<const DefinedFuncIndex> functions) {
    const ModuleTranslation* module = Translation();
    if (module == nullptr) return false;
    std::vector<DefinedFuncIndex> compiled;
    std::deque<CompiledFunction> code;
    std::vector<environ::NamedFunction> named;
    std::set<FuncKey> shims;
    for (const DefinedFuncIndex function : functions) {
      const FuncKey key = module->KeyOf(function);
      CompiledFunction& out = code.emplace_back();
      if (IsDropped() || !IsWithinBudget(*module, function) ||
          !compiler.CompileFunction(*module, key, out).ok() || out.missing.has_value()) {
        code.pop_back();
        Refuse(function);
        continue;
      }
      for (const environ::CodeRelocation& relocation : out.relocations) {
        if (relocation.target.kind() == FuncKeyKind::kBuiltinShim) shims.insert(relocation.target);
      }
      compiled.push_back(function);
      named.push_back({key, &out});
    }
    if (compiled.empty()) return true;
    for (const FuncKey& shim : shims) {
      CompiledFunction& out = code.emplace_back();
      if (!compiler.CompileBuiltinShim(shim, out).ok()) return false;
      named.push_back({shim, &out});
    }
    absl::StatusOr<environ::LinkedText> text = compiler.AppendText(named);
    if (!text.ok()) return false;
    absl::StatusOr<std::shared_ptr<const CodeObject>> added =
        LoadAddedText(*std::move(text), base_,
                      {.tunables = nullptr,
                       .verification = environ::Verification::kTrusted,
                       .register_unwind_info = options_.register_unwind_info,
                       .register_debugger = options_.register_debugger,
                       .marks_branch_targets = compiler.marks_branch_targets()});
    if (!added.ok()) return false;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      added_.push_back(*added);
      if (listener_ != nullptr) listener_(**added);
    }
    queue_->OnCode((*added)->text().size());
    for (const DefinedFuncIndex function : compiled) {
      const void* entry = (*added)->FunctionByKey(module->KeyOf(function));
      CHECK(entry != nullptr) << function;
      table_->Publish(function, entry);
      Settle(function, State::kOptimized);
    }
    return true;
  }

  const std::shared_ptr<Queue> queue_;
  const std::shared_ptr<const CodeObject> base_;
  const environ::ModuleId id_;
  const TierOptions options_;
  std::shared_ptr<runtime::TierTable> table_;
  std::vector<std::atomic<State>> states_;
  std::atomic<bool> stopped_ = false;

  std::mutex mutex_;
  bool translated_ = false;                               // guarded by mutex_
  std::unique_ptr<const ModuleTranslation> translation_;  // made under mutex_, then constant
  std::vector<std::shared_ptr<const CodeObject>> added_;  // guarded by mutex_
  std::function<void(const CodeObject&)> listener_;       // guarded by mutex_
};

bool TierManager::Queue::Push(std::shared_ptr<Module> module, DefinedFuncIndex function) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (closed()) return false;
    jobs_.push_back({std::move(module), function});
  }
  work_.notify_one();
  return true;
}

bool TierManager::Queue::Pop(bool wait, Batch& batch) {
  std::unique_lock<std::mutex> lock(mutex_);
  if (wait) work_.wait(lock, [&] { return closed() || !jobs_.empty(); });
  if (closed() || jobs_.empty()) return false;
  batch.functions.clear();
  batch.module = jobs_.front().module;
  size_t bytes = 0;
  while (!jobs_.empty() && jobs_.front().module == batch.module &&
         batch.functions.size() < kMaxFunctions && bytes < kMaxBytes) {
    bytes += batch.module->CodeBytes(jobs_.front().function);
    batch.functions.push_back(jobs_.front().function);
    jobs_.pop_front();
  }
  return true;
}

void TierManager::Queue::Remove(const Module& module) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto end = std::remove_if(jobs_.begin(), jobs_.end(),
                                    [&](const Job& job) { return job.module.get() == &module; });
    stats_.refused += static_cast<uint64_t>(jobs_.end() - end);
    jobs_.erase(end, jobs_.end());
  }
  progress_.notify_all();
}

void TierManager::Queue::Close() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    closed_.store(true, std::memory_order_relaxed);
  }
  work_.notify_all();
  // One by one: whoever waits for one is told, and no memory is needed.
  while (true) {
    std::optional<Job> job;
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      if (jobs_.empty()) return;
      job = std::move(jobs_.front());
      jobs_.pop_front();
    }
    job->module->Refuse(job->function);
  }
}

TierManager::TierManager(std::unique_ptr<environ::Compiler> compiler, const TierOptions& options)
    : compiler_(std::move(compiler)), options_(options), queue_(std::make_shared<Queue>()) {
  CHECK(compiler_->tunables().tier_up);
  if (options_.threads == TierOptions::kNoThreads) return;
  uint32_t threads = options_.threads;
  if (threads == 0) threads = std::clamp(std::thread::hardware_concurrency(), 2u, 9u) - 1;
  for (uint32_t i = 0; i < threads; ++i) {
    // Fewer are as good; with none at all everything is refused.
    try {
      threads_.emplace_back([this] { Work(/*wait=*/true); });
    } catch (const std::system_error&) {
      break;
    }
  }
  if (threads_.empty()) queue_->Close();
}

TierManager::~TierManager() {
  queue_->Close();
  for (std::thread& thread : threads_) thread.join();
}

std::shared_ptr<runtime::TierUp> TierManager::NewModule(std::shared_ptr<const CodeObject> code,
                                                        environ::ModuleId id) const {
  return std::make_shared<Module>(queue_, std::move(code), id, options_);
}

TierStats TierManager::stats() const { return queue_->stats(); }

void TierManager::Wait() const {
  queue_->WaitUntil(
      [](const TierStats& stats) { return stats.requested <= stats.optimized + stats.refused; });
}

void TierManager::CompileNow() const { Work(/*wait=*/false); }

void TierManager::Work(bool wait) const {
  Queue::Batch batch;
  while (queue_->Pop(wait, batch)) {
    batch.module->Compile(*compiler_, batch.functions);
    // A module that is gone is not held until there is more to do.
    batch.module = nullptr;
  }
}

}  // namespace gantry::jit
