#include "cranelift_shared/compiler.h"

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <new>
#include <optional>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "codegen/context.h"
#include "codegen/ir/builder.h"
#include "codegen/ir/function.h"
#include "codegen/ir/print.h"
#include "codegen/pass/pass.h"
#include "codegen/pass/passes.h"
#include "cranelift_shared/compiler_environment.h"
#include "cranelift_shared/function_codec.h"
#include "cranelift_shared/isa_flags.h"
#include "cranelift_shared/make_compiled_function.h"
#include "environ/core/trap_code.h"
#include "wasm_translate/translator.h"
#include "wasm_translate/unimplemented.h"

namespace gantry::cranelift {
namespace {

using environ::CompiledFunction;
using environ::FuncKey;
using environ::FuncKeyKind;
using environ::ModuleTranslation;

using Clock = std::chrono::steady_clock;

uint64_t NanosecondsSince(Clock::time_point start) {
  return static_cast<uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count());
}

// A function that stops whoever calls it. It takes no arguments off the stack, for it never
// returns.
void MakeStub(codegen::Function* func, environ::TrapCode code) {
  func->Clear();
  func->signature.params.push_back({codegen::Type::kI64, codegen::ArgPurpose::kVmctx});
  const codegen::UserExternalName raise_trap =
      NameOf(FuncKey::BuiltinShim(static_cast<uint32_t>(environ::Builtin::kRaiseTrap)));
  func->cold_calls.raise_trap = func->DeclareName(raise_trap.space, raise_trap.index);
  codegen::InstBuilder b(func);
  b.MakeEntryBlock();
  b.Trap(static_cast<codegen::TrapCode>(static_cast<uint8_t>(code)));
}

uint32_t WasmOffset(codegen::SourceLoc loc) {
  return loc.is_none() ? environ::kNoWasmOffset : loc.raw();
}
uint32_t SiteNumber(codegen::InlineSite site) {
  return site.is_none() ? environ::kNoInlineSite : site.raw();
}
// Everything that code depends on besides the module and this build of the compiler.
std::string SettingsText(const OptimizingCompilerOptions& options) {
  std::string text = absl::StrCat("cranelift\n", options.target.target->triple(), "\n",
                                  options.target.tunables.CanonicalText());
  for (const auto& values : {ValuesOf(options.target.target->shared_flags().set()),
                             ValuesOf(options.target.target->isa_flags())}) {
    for (const auto& [name, value] : values) absl::StrAppend(&text, name, "=", value, "\n");
  }
  return text;
}

std::unique_ptr<const IncrementalCache> MakeCache(const OptimizingCompilerOptions& options) {
  // What is found by its body alone would note another function's number.
  if (options.cache == nullptr || options.target.tunables.shadow_stack) return nullptr;
  return std::make_unique<const IncrementalCache>(options.cache, SettingsText(options),
                                                  options.target.target->link_rules());
}

// The mid-end as codegen::Context runs it.
class MidEnd final : public codegen::FunctionPass {
 public:
  MidEnd(const codegen::SharedFlags& flags, bool polls, bool measure) {
    codegen::AddDefaultPasses(&pipeline_, polls);
    codegen::PassOptions& options = pipeline_.options();
    options.verify = flags.enable_verifier();
    options.measure = measure;
    options.bisect_limit = flags.pass_bisect_limit();
    for (size_t i = 0; i < codegen::PassNames().size(); ++i) {
      if ((flags.pass_skip() >> i & 1) != 0) options.skip.push_back(codegen::PassNames()[i]);
    }
  }
  // Before Run: which function of the module comes. Runs are numbered by it, so that they are the
  // same ones whatever thread compiles it.
  void SetFunction(wasm::DefinedFuncIndex index) {
    pipeline_.StartAt(uint64_t{index.raw()} * codegen::PassNames().size());
  }
  // Where to add the IR behind each pass that changes it, null for nowhere.
  void SetText(std::string* text) {
    pipeline_.options().changed = nullptr;
    if (text == nullptr) return;
    pipeline_.options().changed = [text](absl::string_view pass, const codegen::Function& func) {
      absl::StrAppend(text, "; after ", pass, "\n", codegen::PrintFunction(func), "\n");
    };
  }
  absl::Status Run(codegen::Function* func) override { return pipeline_.Run(func); }
  const codegen::PassPipeline& pipeline() const { return pipeline_; }

 private:
  codegen::PassPipeline pipeline_;
};

// Adds pass by pass.
void AddTotals(const std::vector<codegen::PassTotals>& totals,
               std::vector<codegen::PassTotals>* sum) {
  if (sum->size() < totals.size()) sum->resize(totals.size());
  for (size_t i = 0; i < totals.size(); ++i) {
    codegen::PassTotals& pass = (*sum)[i];
    if (!totals[i].pass.empty()) pass.pass = totals[i].pass;
    pass.runs += totals[i].runs;
    pass.changed += totals[i].changed;
    pass.nanoseconds += totals[i].nanoseconds;
    pass.work += totals[i].work;
    pass.insts_added += totals[i].insts_added;
    pass.insts_removed += totals[i].insts_removed;
  }
}

}  // namespace

struct OptimizingCompiler::Worker {
  Worker(const codegen::SharedFlags& flags, bool polls, bool timing) {
    if (flags.opt_level() != codegen::OptLevel::kNone && !flags.debug_info()) {
      mid_end = std::make_unique<MidEnd>(flags, polls, timing);
    }
  }

  codegen::Context context;
  // Null without optimization.
  std::unique_ptr<MidEnd> mid_end;
  codegen::Function function;
  // For the module of this serial number.
  uint64_t module_serial = 0;
  std::optional<CompilerEnvironment> environment;
  std::shared_ptr<const ModuleFacts> facts;
  std::optional<wasm::FunctionTranslator> translator;
  // Made where there is a cache.
  std::unique_ptr<IncrementalCache::Work> cache_work;
  // Of the translators before this one.
  uint64_t earlier_translate_work = 0;
  uint64_t translate_work() const {
    return earlier_translate_work + (translator.has_value() ? translator->work() : 0);
  }

  codegen::PhaseTimes times;
  uint64_t translate_ns = 0;
  uint64_t finish_ns = 0;
  uint64_t cache_ns = 0;
  // Records and bytes that finished functions were made of.
  uint64_t finish_work = 0;

  // Of the function at hand.
  std::vector<environ::InlineSite> sites;
  void FindSites() {
    sites.clear();
    for (const auto& [site, callee] : function.params.inlined.entries()) {
      const codegen::CodeOrigin call = function.CallOf(site);
      sites.push_back({.parent = SiteNumber(call.site),
                       .function = callee.function,
                       .wasm_offset = WasmOffset(call.loc)});
    }
  }
};

struct OptimizingCompiler::Totals {
  codegen::PhaseTimes times;
  uint64_t translate_ns = 0, finish_ns = 0, cache_ns = 0;
  uint64_t translate_work = 0, finish_work = 0;
  std::vector<codegen::PassTotals> passes;

  void Add(const Worker& worker) {
    times.Add(worker.times);
    translate_ns += worker.translate_ns;
    finish_ns += worker.finish_ns;
    cache_ns += worker.cache_ns;
    translate_work += worker.translate_work();
    finish_work += worker.finish_work;
    if (worker.mid_end != nullptr) AddTotals(worker.mid_end->pipeline().totals(), &passes);
  }
};

class OptimizingCompiler::Lease {
 public:
  explicit Lease(const OptimizingCompiler& compiler) : compiler_(compiler) {
    {
      const std::lock_guard<std::mutex> lock(compiler_.mutex_);
      if (!compiler_.idle_.empty()) {
        worker_ = std::move(compiler_.idle_.back());
        compiler_.idle_.pop_back();
      }
    }
    if (worker_ == nullptr) {
      worker_ = std::make_unique<Worker>(compiler_.options_.target.target->shared_flags(),
                                         compiler_.options_.target.tunables.epoch_interruption !=
                                             environ::EpochInterruption::kNone,
                                         compiler_.options_.timing);
    }
  }
  // A worker that an exception passed is not used again: its containers may be half grown.
  ~Lease() {
    if (std::uncaught_exceptions() != exceptions_) return;
    const std::lock_guard<std::mutex> lock(compiler_.mutex_);
    try {
      compiler_.idle_.push_back(std::move(worker_));
    } catch (const std::bad_alloc&) {
      // The next function makes a worker of its own.
    }
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  Worker& operator*() { return *worker_; }
  Worker* operator->() { return worker_.get(); }

 private:
  const OptimizingCompiler& compiler_;
  const int exceptions_ = std::uncaught_exceptions();
  std::unique_ptr<Worker> worker_;
};

OptimizingCompiler::OptimizingCompiler(OptimizingCompilerOptions options)
    : options_(std::move(options)), support_(options_.target), cache_(MakeCache(options_)) {}
OptimizingCompiler::~OptimizingCompiler() = default;

absl::string_view OptimizingCompiler::triple() const { return options_.target.target->triple(); }
environ::SettingValues OptimizingCompiler::flags() const {
  return ValuesOf(options_.target.target->shared_flags().set());
}
environ::SettingValues OptimizingCompiler::isa_flags() const {
  return ValuesOf(options_.target.target->isa_flags());
}
bool OptimizingCompiler::marks_branch_targets() const {
  return options_.target.target->marks_branch_targets();
}
uint32_t OptimizingCompiler::page_alignment() const {
  return uint32_t{1} << options_.target.target->page_size_log2();
}

std::shared_ptr<const OptimizingCompiler::ModuleFacts> OptimizingCompiler::FactsOf(
    const ModuleTranslation& module) const {
  const std::lock_guard<std::mutex> lock(facts_mutex_);
  for (const auto& [serial, known] : facts_) {
    if (serial != module.serial) continue;
    if (std::shared_ptr<const ModuleFacts> facts = known.lock()) return facts;
  }
  const Clock::time_point start = Clock::now();
  auto facts = std::make_shared<ModuleFacts>();
  if (options_.inlining) {
    facts->plan.emplace(module.parsed, module.options.features, module.options.limits,
                        options_.inline_limits);
    plan_work_ += facts->plan->work();
  }
  if (cache_ != nullptr) {
    facts->digests = cache_->DigestsOf(module, facts->plan.has_value() ? &*facts->plan : nullptr);
  }
  facts_.erase(std::remove_if(facts_.begin(), facts_.end(),
                              [](const auto& entry) { return entry.second.expired(); }),
               facts_.end());
  facts_.emplace_back(module.serial, facts);
  plan_ns_ += NanosecondsSince(start);
  return facts;
}

void OptimizingCompiler::Prepare(const ModuleTranslation& module, Worker& worker) const {
  if (worker.module_serial == module.serial) return;
  worker.environment.emplace(module, options_.target.target->relaxed_choices());
  worker.environment->set_keeps_locals(options_.debug_info);
  worker.earlier_translate_work = worker.translate_work();
  worker.translator.emplace(module.parsed, module.options.features, module.options.limits);
  if (options_.inlining || cache_ != nullptr) {
    worker.facts = FactsOf(module);
    if (worker.facts->plan.has_value()) worker.translator->set_inline_plan(&*worker.facts->plan);
  }
  if (cache_ != nullptr && worker.cache_work == nullptr) {
    worker.cache_work = std::make_unique<IncrementalCache::Work>();
  }
  worker.module_serial = module.serial;
}

absl::Status OptimizingCompiler::Translate(const ModuleTranslation& module, const FuncKey& key,
                                           Worker& worker,
                                           std::optional<wasm::Unimplemented>& missing) const {
  if (worker.mid_end != nullptr) worker.mid_end->SetFunction(key.defined_function());
  worker.environment->SetFunction(module.info.Index(key.defined_function()));
  const absl::Status status = worker.translator->Translate(
      module.parsed.bodies[key.defined_function()], *worker.environment, &worker.function);
  // A feature that is off is the module's error; one that the compiler lacks is the function's.
  missing = wasm::GetUnimplemented(status);
  if (!missing.has_value()) return status;
  MakeStub(&worker.function, environ::TrapCode::kCannotCompile);
  return absl::OkStatus();
}

absl::Status OptimizingCompiler::CompileFunction(const ModuleTranslation& module,
                                                 const FuncKey& key, CompiledFunction& out) const {
  CHECK(key.kind() == FuncKeyKind::kWasmFunction) << key;
  try {
    Lease worker(*this);
    Clock::time_point start = Clock::now();
    Prepare(module, *worker);
    worker->translate_ns += NanosecondsSince(start);
    if (cache_ == nullptr) return CompileBody(module, key, *worker, out);

    start = Clock::now();
    const wasm::FunctionBody& body = module.parsed.bodies[key.defined_function()];
    const IncrementalCache::ModuleDigests& digests = *worker->facts->digests;
    const environ::Digest body_key = cache_->BodyKey(digests, module, body, *worker->cache_work);
    const bool is_found =
        cache_->FindBody(body_key, digests, module, body, *worker->cache_work, out);
    worker->cache_ns += NanosecondsSince(start);
    if (is_found) return absl::OkStatus();

    const absl::Status status = CompileBody(module, key, *worker, out);
    if (!status.ok() || out.missing.has_value()) return status;
    start = Clock::now();
    cache_->InsertBody(body_key, digests, module, body, worker->translator->considered_callees(),
                       out, *worker->cache_work);
    worker->cache_ns += NanosecondsSince(start);
    return absl::OkStatus();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(
        absl::StrCat("out of memory while compiling ", key.Symbol()));
  }
}

absl::Status OptimizingCompiler::CompileBody(const ModuleTranslation& module, const FuncKey& key,
                                             Worker& worker, CompiledFunction& out) const {
  const Clock::time_point start = Clock::now();
  std::optional<wasm::Unimplemented> missing;
  const absl::Status translated = Translate(module, key, worker, missing);
  if (!translated.ok()) return ExplainedFailure(translated, key);
  worker.translate_ns += NanosecondsSince(start);

  codegen::Function& function = worker.function;
  const size_t num_names = function.params.names.size();
  const bool is_cached = cache_ != nullptr && !missing.has_value();
  environ::Digest stencil_key;
  const StoredCode* stored = nullptr;
  if (is_cached) {
    const Clock::time_point lookup = Clock::now();
    stencil_key = cache_->StencilKey(function, *worker.cache_work);
    stored = cache_->FindStencil(stencil_key, function, *worker.cache_work);
    worker.cache_ns += NanosecondsSince(lookup);
  }
  codegen::CompiledCode code;
  if (stored != nullptr) {
    code = stored->code();
  } else {
    codegen::CompileOptions how;
    how.midend = worker.mid_end.get();
    if (options_.timing) how.times = &worker.times;
    const absl::StatusOr<codegen::CompiledCode> compiled =
        worker.context.Compile(function, *options_.target.target, how);
    if (!compiled.ok()) return ExplainedFailure(compiled.status(), key);
    code = *compiled;
    if (is_cached) {
      const Clock::time_point store = Clock::now();
      cache_->InsertStencil(stencil_key, code, function, num_names);
      worker.cache_ns += NanosecondsSince(store);
    }
  }

  // Completed with what is not the stencil's: names and positions.
  const Clock::time_point finish = Clock::now();
  const auto key_of = [&](codegen::ExternalName name) {
    return KeyOf(function.params.names[name]);
  };
  worker.FindSites();
  const auto origin_of = [&](codegen::SourceLoc loc) {
    return stored != nullptr ? stored->OriginOf(loc, function.params) : OriginOf(loc, function);
  };
  const std::function<uint32_t(uint32_t)> refund_at = [&](uint32_t offset) {
    return worker.environment->RefundAt(offset);
  };
  const bool counts = options_.target.tunables.consume_fuel && !missing.has_value();
  const CodeOrigins origins = {origin_of, worker.sites, counts ? &refund_at : nullptr};
  MakeCompiledFunction(code, key_of, function.params.base_loc.is_some() ? &origins : nullptr, out);
  out.inlined_calls = static_cast<uint32_t>(worker.translator->num_inlined());
  if (options_.debug_info && !missing.has_value()) out.debug_area = code.frame.slots_begin;
  out.missing = std::move(missing);
  worker.finish_work += code.bytes.size() + code.relocs.size() + code.traps.size() +
                        code.source_locs.size() + code.stack_maps.size() +
                        code.stack_map_slots.size() + code.call_handlers.size();
  worker.finish_ns += NanosecondsSince(finish);
  return absl::OkStatus();
}

absl::Status OptimizingCompiler::CompileTrampoline(const ModuleTranslation& module,
                                                   const FuncKey& key,
                                                   CompiledFunction& out) const {
  const Clock::time_point start = Clock::now();
  const absl::Status status = support_.CompileTrampoline(module, key, out);
  trampoline_ns_ += NanosecondsSince(start);
  return status;
}

absl::Status OptimizingCompiler::CompileBuiltinShim(const FuncKey& key,
                                                    CompiledFunction& out) const {
  return support_.CompileBuiltinShim(key, out);
}

absl::StatusOr<environ::LinkedText> OptimizingCompiler::AppendText(
    absl::Span<const environ::NamedFunction> functions) const {
  return support_.AppendText(functions);
}

absl::StatusOr<std::string> OptimizingCompiler::Explain(const ModuleTranslation& module,
                                                        const FuncKey& key,
                                                        environ::Form form) const {
  CHECK(key.kind() == FuncKeyKind::kWasmFunction) << key;
  Lease worker(*this);
  Prepare(module, *worker);
  std::optional<wasm::Unimplemented> missing;
  RETURN_IF_ERROR(Translate(module, key, *worker, missing));
  std::string ir, vcode, passes;
  if (form == environ::Form::kIrPasses) {
    passes = absl::StrCat("; as translated\n", codegen::PrintFunction(worker->function), "\n");
    if (worker->mid_end != nullptr) worker->mid_end->SetText(&passes);
  }
  codegen::CompileOptions compile_options;
  compile_options.ir_text = &ir;
  compile_options.vcode_text = &vcode;
  compile_options.midend = worker->mid_end.get();
  const absl::StatusOr<codegen::CompiledCode> compiled =
      worker->context.Compile(worker->function, *options_.target.target, compile_options);
  if (worker->mid_end != nullptr) worker->mid_end->SetText(nullptr);
  ASSIGN_OR_RETURN(const codegen::CompiledCode code, compiled);
  switch (form) {
    case environ::Form::kIr:
      return ir;
    case environ::Form::kVcode:
      return vcode;
    case environ::Form::kAssembly:
      return options_.target.isa->Disassemble(code.bytes.first(code.code_end));
    case environ::Form::kIrPasses:
      return passes;
  }
  UNREACHABLE();
}

void OptimizingCompiler::ReleaseMemory() const {
  std::vector<std::unique_ptr<Worker>> idle;
  const std::lock_guard<std::mutex> lock(mutex_);
  if (options_.timing) {
    if (released_ == nullptr) released_ = std::make_unique<Totals>();
    for (const std::unique_ptr<Worker>& worker : idle_) released_->Add(*worker);
  }
  idle.swap(idle_);
}

std::vector<environ::PhaseTime> OptimizingCompiler::Timing() const {
  std::vector<environ::PhaseTime> phases;
  if (!options_.timing) return phases;
  Totals totals;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (released_ != nullptr) totals = *released_;
    for (const std::unique_ptr<Worker>& worker : idle_) totals.Add(*worker);
  }
  // Whoever made a plan was about to translate.
  const uint64_t plan = plan_ns_.load();
  phases.push_back({"plan inlining", plan, plan_work_.load()});
  phases.push_back({"validate and translate",
                    totals.translate_ns - std::min(plan, totals.translate_ns),
                    totals.translate_work});
  for (size_t i = 0; i < codegen::kNumPhases; ++i) {
    const codegen::Phase phase = static_cast<codegen::Phase>(i);
    phases.push_back(
        {std::string(codegen::PhaseName(phase).data(), codegen::PhaseName(phase).size()),
         totals.times.of(phase), totals.times.work_of(phase)});
    if (phase != codegen::Phase::kMidEnd) continue;
    const size_t mid_end = phases.size() - 1;
    for (const codegen::PassTotals& pass : totals.passes) {
      phases[mid_end].work += pass.work;
      phases.push_back({pass.pass, pass.nanoseconds, pass.work, true,
                        absl::StrCat(pass.changed, " of ", pass.runs, " functions changed, +",
                                     pass.insts_added, " -", pass.insts_removed, " instructions")});
    }
  }
  phases.push_back({"finish", totals.finish_ns, totals.finish_work});
  phases.push_back({"trampolines", trampoline_ns_.load()});
  if (cache_ != nullptr) {
    const IncrementalCache::Counts counts = cache_->counts();
    phases.push_back({"incremental cache", totals.cache_ns, 0, false,
                      absl::StrCat(counts.lookups, " functions: ", counts.by_body,
                                   " found by body, ", counts.by_stencil, " by stencil")});
  }
  return phases;
}

}  // namespace gantry::cranelift
