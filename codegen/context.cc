#include "codegen/context.h"

#include <algorithm>
#include <chrono>
#include <limits>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "codegen/ir/print.h"
#include "codegen/regalloc/checker.h"

namespace gantry::codegen {

absl::string_view PhaseName(Phase phase) {
  switch (phase) {
    case Phase::kVerify:
      return "verify";
    case Phase::kMidEnd:
      return "mid-end";
    case Phase::kAnalysis:
      return "analysis";
    case Phase::kLower:
      return "lower";
    case Phase::kRegalloc:
      return "register allocation";
    case Phase::kCheck:
      return "allocation check";
    case Phase::kEmit:
      return "emit";
  }
  return "";
}

void PhaseTimes::Add(const PhaseTimes& other) {
  for (size_t i = 0; i < kNumPhases; ++i) {
    ns[i] += other.ns[i];
    work[i] += other.work[i];
  }
  functions += other.functions;
}

// Charges the time between two calls to the phase that the first began.
class Context::Timer {
 public:
  explicit Timer(PhaseTimes* times) : times_(times) {}
  ~Timer() { Stop(); }
  void Begin(Phase phase) {
    if (times_ == nullptr) return;
    Stop();
    phase_ = phase;
    start_ = std::chrono::steady_clock::now();
    running_ = true;
  }

 private:
  void Stop() {
    if (!running_) return;
    const auto spent = std::chrono::steady_clock::now() - start_;
    times_->ns[static_cast<size_t>(phase_)] +=
        static_cast<uint64_t>(std::chrono::duration_cast<std::chrono::nanoseconds>(spent).count());
    running_ = false;
  }

  PhaseTimes* times_;
  Phase phase_ = Phase::kVerify;
  bool running_ = false;
  std::chrono::steady_clock::time_point start_;
};

Context::Context() = default;
Context::~Context() = default;

absl::StatusOr<CompiledCode> Context::Compile(Function& func, const TargetIsa& isa,
                                              const CompileOptions& options) {
  const SharedFlags& flags = isa.shared_flags();
  const uint64_t analysis_before = cfg_.work() + dominators_.work() + loops_.work();
  Timer timer(options.times);
  SelectIsa(isa);

  timer.Begin(Phase::kVerify);
  if (flags.enable_verifier()) RETURN_IF_ERROR(verifier_.Verify(func));

  timer.Begin(Phase::kMidEnd);
  if (options.midend != nullptr) {
    RETURN_IF_ERROR(options.midend->Run(&func));
    if (flags.enable_verifier()) RETURN_IF_ERROR(verifier_.Verify(func));
  }
  if (options.ir_text != nullptr) *options.ir_text = PrintFunction(func);

  timer.Begin(Phase::kAnalysis);
  const absl::Span<const uint16_t> loop_depths = LoopDepths(func);

  timer.Begin(Phase::kLower);
  RETURN_IF_ERROR(lowering_.Run(func, loop_depths, flags.chaos_seed(), *backend_));

  timer.Begin(Phase::kRegalloc);
  RETURN_IF_ERROR(AllocateRegisters(isa));
  if (options.vcode_text != nullptr) {
    *options.vcode_text = PrintVCode(lowering_.vcode(), isa, &allocation_);
  }

  timer.Begin(Phase::kCheck);
  if (flags.regalloc_checker()) {
    RETURN_IF_ERROR(regalloc::CheckAllocation(lowering_.vcode().RegallocInput(), isa.machine_env(),
                                              allocation_));
  }

  timer.Begin(Phase::kEmit);
  RETURN_IF_ERROR(Emit(func, isa));
  if (options.times != nullptr) AddWork(analysis_before, options.times);
  return Result(isa);
}

void Context::AddWork(uint64_t analysis_before, PhaseTimes* times) const {
  const auto add = [&](Phase phase, uint64_t work) {
    times->work[static_cast<size_t>(phase)] += work;
  };
  const VCode& code = lowering_.vcode();
  add(Phase::kAnalysis, cfg_.work() + dominators_.work() + loops_.work() - analysis_before);
  add(Phase::kLower, lowering_.work());
  add(Phase::kRegalloc, allocation_.statistics.work);
  add(Phase::kEmit, buffer_->work() + code.insts().size() + code.operands().size() +
                        allocation_.edits.size() + allocation_.stack_map_slots.size());
  ++times->functions;
}

void Context::SelectIsa(const TargetIsa& isa) {
  if (isa_serial_ == isa.serial()) return;
  isa_serial_ = isa.serial();
  backend_ = isa.MakeLowering();
  buffer_.emplace(isa.label_kinds());
}

absl::Span<const uint16_t> Context::LoopDepths(const Function& func) {
  cfg_.Compute(func);
  dominators_.Compute(cfg_);
  loops_.Compute(cfg_, dominators_);
  loop_depths_.assign(func.dfg.num_blocks(), 0);
  if (loops_.num_loops() == 0) return loop_depths_;
  for (Block block : cfg_.reverse_postorder()) {
    loop_depths_[block.index()] = static_cast<uint16_t>(
        std::min<uint32_t>(loops_.depth(block), std::numeric_limits<uint16_t>::max()));
  }
  return loop_depths_;
}

absl::Status Context::AllocateRegisters(const TargetIsa& isa) {
  const SharedFlags& flags = isa.shared_flags();
  const regalloc::Input input = lowering_.vcode().RegallocInput();
  if (flags.regalloc_checker()) {
    RETURN_IF_ERROR(regalloc::ValidateInput(input, isa.machine_env()));
  }
  regalloc::Options options;
  options.chaos_seed = flags.chaos_seed();
  options.spill_everything = flags.force_spilling();
  return allocator_.Allocate(input, isa.machine_env(), options, &allocation_);
}

absl::Status Context::Emit(const Function& func, const TargetIsa& isa) {
  MachBufferSettings settings;
  settings.force_veneers = isa.shared_flags().force_islands();
  settings.force_island_period = isa.shared_flags().force_islands() ? 1 : 0;
  buffer_->Reset(settings);
  unwind_.Clear();
  frame_ = FrameInfo();
  RETURN_IF_ERROR(
      isa.Emit(lowering_.vcode(), allocation_, func.signature, &*buffer_, &frame_, &unwind_));
  RETURN_IF_ERROR(buffer_->Finish());
  call_frame_instructions_.clear();
  if (isa.shared_flags().unwind_info()) {
    AppendCallFrameInstructions(unwind_, isa.unwind_format(), &call_frame_instructions_);
  }
  return absl::OkStatus();
}

CompiledCode Context::Result(const TargetIsa& isa) {
  CompiledCode code;
  code.bytes = buffer_->bytes();
  code.alignment = std::max(buffer_->alignment(), isa.function_alignment());
  code.code_end = buffer_->code_end();
  code.traps = buffer_->traps();
  code.relocs = buffer_->relocs();
  code.call_sites = buffer_->call_sites();
  code.call_handlers = buffer_->call_handlers();
  code.stack_maps = buffer_->stack_maps();
  code.stack_map_slots = buffer_->stack_map_slots();
  code.source_locs = buffer_->source_locs();
  code.frame = frame_;
  code.call_frame_instructions = call_frame_instructions_;
  return code;
}

}  // namespace gantry::codegen
