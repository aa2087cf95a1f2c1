#include "winch/compiler.h"

#include <chrono>
#include <exception>
#include <functional>
#include <new>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "cranelift_shared/isa_flags.h"
#include "cranelift_shared/make_compiled_function.h"
#include "environ/core/builtins.h"

namespace gantry::winch {

using environ::CompiledFunction;
using environ::FuncKey;
using environ::ModuleTranslation;

environ::FuncKey KeyOfName(environ::ModuleId module, codegen::ExternalName name) {
  if (name.raw() < environ::kBuiltinCount) return FuncKey::BuiltinShim(name.raw());
  return FuncKey::WasmFunction(module, wasm::DefinedFuncIndex(name.raw() - environ::kBuiltinCount));
}

FunctionCompilerFactory FactoryFor(absl::string_view isa) {
#ifdef GANTRY_LINK_ISA_X64
  if (isa == "x64") return &NewX64FunctionCompiler;
#endif
#ifdef GANTRY_LINK_ISA_AARCH64
  if (isa == "aarch64") return &NewAArch64FunctionCompiler;
#endif
  static_cast<void>(isa);
  return nullptr;
}

struct BaselineCompiler::Worker {
  // Of the module that the compiler is for.
  uint64_t module_serial = 0;
  std::unique_ptr<FunctionCompiler> compiler;
  uint64_t emit_ns = 0;
  // Steps of compilers before this one.
  uint64_t earlier_work = 0;
  uint64_t emit_work() const { return earlier_work + (compiler == nullptr ? 0 : compiler->work()); }
};

class BaselineCompiler::Lease {
 public:
  Lease(const BaselineCompiler& owner, const ModuleTranslation& module) : owner_(owner) {
    worker_.reset(owner_.spare_.exchange(nullptr, std::memory_order_acquire));
    if (worker_ == nullptr) {
      const std::lock_guard<std::mutex> lock(owner_.mutex_);
      if (!owner_.idle_.empty()) {
        worker_ = std::move(owner_.idle_.back());
        owner_.idle_.pop_back();
      }
    }
    if (worker_ == nullptr) worker_ = std::make_unique<Worker>();
    if (worker_->module_serial != module.serial) {
      worker_->earlier_work = worker_->emit_work();
      worker_->compiler = owner_.factory_(module, *owner_.target().target, owner_.loop_frames_);
      worker_->module_serial = module.serial;
    }
  }
  // A worker that an exception passed is not used again: its containers may be half grown.
  ~Lease() {
    if (std::uncaught_exceptions() != exceptions_) return;
    Worker* none = nullptr;
    if (owner_.spare_.compare_exchange_strong(none, worker_.get(), std::memory_order_release,
                                              std::memory_order_relaxed)) {
      worker_.release();
      return;
    }
    const std::lock_guard<std::mutex> lock(owner_.mutex_);
    try {
      owner_.idle_.push_back(std::move(worker_));
    } catch (const std::bad_alloc&) {
      // The next function makes a worker of its own.
    }
  }
  Lease(const Lease&) = delete;
  Lease& operator=(const Lease&) = delete;

  Worker* operator->() { return worker_.get(); }

 private:
  const BaselineCompiler& owner_;
  const int exceptions_ = std::uncaught_exceptions();
  std::unique_ptr<Worker> worker_;
};

BaselineCompiler::BaselineCompiler(cranelift::ConfiguredTarget target,
                                   FunctionCompilerFactory factory, bool loop_frames, bool timing)
    : support_(std::move(target)), factory_(factory), loop_frames_(loop_frames), timing_(timing) {}
BaselineCompiler::~BaselineCompiler() { delete spare_.load(std::memory_order_acquire); }

void BaselineCompiler::RetireSpare() const {
  idle_.reserve(idle_.size() + 1);
  std::unique_ptr<Worker> spare(spare_.exchange(nullptr, std::memory_order_acquire));
  if (spare != nullptr) idle_.push_back(std::move(spare));
}

absl::string_view BaselineCompiler::triple() const { return target().target->triple(); }
environ::SettingValues BaselineCompiler::flags() const {
  return cranelift::ValuesOf(target().target->shared_flags().set());
}
environ::SettingValues BaselineCompiler::isa_flags() const {
  return cranelift::ValuesOf(target().target->isa_flags());
}
bool BaselineCompiler::marks_branch_targets() const {
  return target().target->marks_branch_targets();
}
uint32_t BaselineCompiler::page_alignment() const {
  return uint32_t{1} << target().target->page_size_log2();
}

absl::Status BaselineCompiler::CompileFunction(const ModuleTranslation& module, const FuncKey& key,
                                               CompiledFunction& out) const {
  CHECK(key.kind() == environ::FuncKeyKind::kWasmFunction) << key;
  using Clock = std::chrono::steady_clock;
  try {
    Lease worker(*this, module);
    const Clock::time_point start = timing_ ? Clock::now() : Clock::time_point();
    FunctionCompiler& compiler = *worker->compiler;
    const wasm::FunctionBody& body = module.parsed.bodies[key.defined_function()];
    const absl::Status status = compiler.Compile(body);
    if (!status.ok()) return cranelift::ExplainedFailure(status, key);
    const codegen::CompiledCode& code = compiler.code();
    const auto key_of = [&](codegen::ExternalName name) { return KeyOfName(module.id, name); };
    const auto origin_of = [](codegen::SourceLoc loc) {
      cranelift::CodeOrigins::Origin origin;
      if (!loc.is_none()) origin.wasm_offset = loc.raw();
      return origin;
    };
    // What a trap gives back of the fuel is found by way of the address map.
    const environ::Tunables& tunables = target().tunables;
    const std::function<uint32_t(uint32_t)> refund_at = [&](uint32_t offset) {
      return compiler.RefundAt(offset);
    };
    const cranelift::CodeOrigins origins = {
        origin_of, {}, tunables.consume_fuel ? &refund_at : nullptr};
    const bool has_origins = tunables.generate_address_map || tunables.consume_fuel;
    cranelift::MakeCompiledFunction(code, key_of, has_origins ? &origins : nullptr, out,
                                    compiler.skip());
    out.missing = compiler.missing();
    out.debug_area = compiler.debug_area();
    if (const environ::LoopFrames* frames = compiler.loop_frames(); frames != nullptr) {
      out.loop_frames = std::make_unique<environ::LoopFrames>(*frames);
    }
    if (timing_) {
      worker->emit_ns += static_cast<uint64_t>(
          std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count());
    }
    return absl::OkStatus();
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError(
        absl::StrCat("out of memory while compiling ", key.Symbol()));
  }
}

absl::Status BaselineCompiler::CompileTrampoline(const ModuleTranslation& module,
                                                 const FuncKey& key, CompiledFunction& out) const {
  return support_.CompileTrampoline(module, key, out);
}

absl::Status BaselineCompiler::CompileBuiltinShim(const FuncKey& key, CompiledFunction& out) const {
  return support_.CompileBuiltinShim(key, out);
}

absl::StatusOr<environ::LinkedText> BaselineCompiler::AppendText(
    absl::Span<const environ::NamedFunction> functions) const {
  return support_.AppendText(functions);
}

absl::StatusOr<std::string> BaselineCompiler::Explain(const ModuleTranslation& module,
                                                      const FuncKey& key,
                                                      environ::Form form) const {
  CHECK(key.kind() == environ::FuncKeyKind::kWasmFunction) << key;
  if (form != environ::Form::kAssembly) {
    return absl::UnimplementedError(
        "the baseline compiler (winch) has no form of code but assembly: asm");
  }
  Lease worker(*this, module);
  FunctionCompiler& compiler = *worker->compiler;
  RETURN_IF_ERROR(compiler.Compile(module.parsed.bodies[key.defined_function()]));
  const codegen::CompiledCode& code = compiler.code();
  return target().isa->Disassemble(code.bytes.first(code.code_end).subspan(compiler.skip()));
}

void BaselineCompiler::ReleaseMemory() const {
  std::vector<std::unique_ptr<Worker>> idle;
  const std::lock_guard<std::mutex> lock(mutex_);
  RetireSpare();
  for (const std::unique_ptr<Worker>& worker : idle_) {
    emit_ns_ += worker->emit_ns;
    emit_work_ += worker->emit_work();
  }
  idle.swap(idle_);
}

std::vector<environ::PhaseTime> BaselineCompiler::Timing() const {
  if (!timing_) return {};
  const std::lock_guard<std::mutex> lock(mutex_);
  RetireSpare();
  environ::PhaseTime phase{"validate and emit", emit_ns_, emit_work_};
  for (const std::unique_ptr<Worker>& worker : idle_) {
    phase.nanoseconds += worker->emit_ns;
    phase.work += worker->emit_work();
  }
  return {phase};
}

}  // namespace gantry::winch
