// FunctionCompilerOf: the function compiler over a macro assembler; an ISA's function_compiler_*.cc
// makes one.
#ifndef GANTRY_WINCH_FUNCTION_COMPILER_OF_H_
#define GANTRY_WINCH_FUNCTION_COMPILER_OF_H_

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/status_macros.h"
#include "codegen/mach_buffer.h"
#include "environ/core/builtins.h"
#include "wasm_translate/function_validator.h"
#include "winch/function_compiler.h"
#include "winch/generator.h"
#include "winch/generator_calls.h"
#include "winch/generator_control.h"
#include "winch/generator_debug.h"
#include "winch/generator_interrupts.h"
#include "winch/generator_memory.h"
#include "winch/generator_numeric.h"
#include "winch/generator_registers.h"
#include "winch/generator_tier.h"

namespace gantry::winch {

inline codegen::RelaxedChoices ChoicesOf(const environ::ModuleTranslation& module,
                                         const codegen::TargetIsa& target) {
  if (module.options.tunables.relaxed_simd_deterministic) return {};
  return target.relaxed_choices();
}

template <class Masm>
class FunctionCompilerOf final : public FunctionCompiler {
 public:
  FunctionCompilerOf(const environ::ModuleTranslation& module, const codegen::TargetIsa& target,
                     bool loop_frames)
      : module_(module),
        unwind_format_(target.unwind_format()),
        alignment_(target.function_alignment()),
        buffer_(target.label_kinds()),
        masm_(buffer_, Masm::FeaturesOf(target), ChoicesOf(module, target)),
        signatures_(module),
        generator_(module, masm_, signatures_, loop_frames, target.shared_flags().debug_info()),
        validator_(module.parsed, module.options.features, module.options.limits) {}

  uint64_t work() const override { return work_ + generator_.work(); }

  absl::Status Compile(const wasm::FunctionBody& body) override {
    work_ += body.bytes.size();
    missing_.reset();
    buffer_.Reset();
    masm_.Start();
    generator_.Start(body);
    RETURN_IF_ERROR(validator_.Run(body, generator_));
    if (generator_.failed()) {
      missing_ = wasm::GetUnimplemented(generator_.status());
      if (!missing_.has_value()) return generator_.status();
      return MakeStub();
    }
    RETURN_IF_ERROR(generator_.Finish(&result_));
    Publish();
    return absl::OkStatus();
  }

  const codegen::CompiledCode& code() const override { return code_; }
  codegen::CodeOffset skip() const override { return result_.skip; }
  const std::optional<wasm::Unimplemented>& missing() const override { return missing_; }
  const environ::LoopFrames* loop_frames() const override { return result_.loop_frames; }
  uint32_t debug_area() const override { return result_.debug_area; }
  uint32_t RefundAt(uint32_t offset) const override {
    return missing_.has_value() ? 0 : generator_.RefundAt(offset);
  }

 private:
  // Code that stops whoever calls it.
  absl::Status MakeStub() {
    buffer_.Reset();
    masm_.Start();
    result_ = {};
    masm_.TrapAlone(static_cast<uint8_t>(environ::TrapCode::kCannotCompile), &result_.frame,
                    &result_.unwind);
    RETURN_IF_ERROR(buffer_.Finish());
    Publish();
    return absl::OkStatus();
  }

  void Publish() {
    call_frame_.clear();
    if (module_.options.tunables.generate_unwind_info) {
      codegen::AppendCallFrameInstructions(result_.unwind, unwind_format_, &call_frame_);
    }
    code_.bytes = buffer_.bytes();
    code_.alignment = std::max(buffer_.alignment(), alignment_);
    code_.code_end = buffer_.code_end();
    code_.traps = buffer_.traps();
    code_.relocs = buffer_.relocs();
    code_.call_sites = buffer_.call_sites();
    code_.call_handlers = buffer_.call_handlers();
    code_.stack_maps = result_.stack_maps;
    code_.stack_map_slots = result_.stack_map_slots;
    code_.source_locs = buffer_.source_locs();
    code_.frame = result_.frame;
    code_.call_frame_instructions = call_frame_;
    work_ += buffer_.bytes().size() + buffer_.work() + code_.traps.size() + code_.relocs.size() +
             code_.source_locs.size() + code_.stack_maps.size() + code_.stack_map_slots.size();
  }

  const environ::ModuleTranslation& module_;
  const codegen::UnwindFormat& unwind_format_;
  const uint32_t alignment_;
  codegen::MachBuffer buffer_;
  Masm masm_;
  Signatures<Masm> signatures_;
  Generator<Masm> generator_;
  wasm::FunctionValidator<Generator<Masm>> validator_;
  typename Generator<Masm>::Result result_;
  codegen::CompiledCode code_;
  std::vector<uint8_t> call_frame_;
  uint64_t work_ = 0;
  std::optional<wasm::Unimplemented> missing_;
};

}  // namespace gantry::winch

#endif  // GANTRY_WINCH_FUNCTION_COMPILER_OF_H_
