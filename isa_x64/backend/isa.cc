#include "isa_x64/backend/isa.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "codegen/ir/signature.h"
#include "codegen/regalloc/interface.h"
#include "isa_x64/asm/label_kinds.h"
#include "isa_x64/backend/abi.h"
#include "isa_x64/backend/emit.h"
#include "isa_x64/backend/flags.h"
#include "isa_x64/backend/lowering.h"
#include "isa_x64/backend/print.h"
#include "isa_x64/link_rules.h"

namespace gantry::x64 {
namespace {

// At entry the CFA is rsp + 8, and the return address lies just below it.
constexpr uint8_t kInitialCfi[] = {
    0x0C,
    kDwarfRsp,
    8,  // DW_CFA_def_cfa
    0x80 | kDwarfReturnAddress,
    1,  // DW_CFA_offset, times the data alignment
};
constexpr codegen::UnwindFormat kUnwindFormat = {
    .code_alignment = 1,
    .data_alignment = -8,
    .return_address_register = kDwarfReturnAddress,
    .initial_instructions = kInitialCfi,
};

class X64Isa final : public codegen::TargetIsa {
 public:
  X64Isa(const codegen::SharedFlags& shared, const codegen::StackLimitCheck& stack_limit,
         const codegen::FlagSet& flags)
      : TargetIsa(shared, stack_limit), flags_(flags) {}

  absl::string_view name() const override { return "x64"; }
  absl::string_view triple() const override { return "x86_64-unknown-linux-gnu"; }
  const codegen::FlagSet& isa_flags() const override { return flags_.set(); }
  const codegen::regalloc::MachineEnv& machine_env() const override {
    return MachineEnvironment(shared_flags().fuel_register());
  }
  const codegen::LabelKindTable& label_kinds() const override { return kLabelKinds; }
  const codegen::LinkRules& link_rules() const override { return kLinkRules; }
  const codegen::UnwindFormat& unwind_format() const override { return kUnwindFormat; }
  uint32_t function_alignment() const override { return 16; }
  uint8_t page_size_log2() const override { return 12; }
  absl::string_view missing_for_vectors() const override {
    return flags_.has_sse41() ? "" : "has_sse41";
  }
  // pshufb, the blends, cvttps2dq and cvttpd2dq, minps and maxps, pmaddubsw, vpdpbusd.
  codegen::RelaxedChoices relaxed_choices() const override {
    return {.fused_multiply_add = flags_.has_fma(),
            .masked_swizzle = true,
            .blend_by_top_bit = true,
            .indefinite_conversions = true,
            .pseudo_min_max = true,
            .unsigned_dot = true,
            .unsigned_dot_add = flags_.has_avx512vnni() && flags_.has_avx512vl()};
  }

  std::unique_ptr<codegen::LowerBackend> MakeLowering() const override {
    return std::make_unique<X64Lowering>(shared_flags(), flags_);
  }
  absl::Status Emit(const codegen::VCode& vcode, const codegen::regalloc::Output& allocation,
                    const codegen::Signature& signature, codegen::MachBuffer* buffer,
                    codegen::FrameInfo* frame, codegen::UnwindInfo* unwind) const override {
    const bool has_vmctx = signature.ParamWithPurpose(codegen::ArgPurpose::kVmctx).has_value();
    return Emitter(*this, flags_, vcode, allocation, has_vmctx, buffer, frame, unwind).Run();
  }
  std::string Print(const codegen::MachInst& inst,
                    absl::Span<const std::string> operands) const override {
    return PrintInst(inst.As<Inst>(), operands);
  }

 private:
  X64Flags flags_;
};

class X64IsaBuilder final : public codegen::IsaBuilder {
 public:
  X64IsaBuilder() : IsaBuilder("x64", kX64FlagTable) {}

  absl::Status InferHost() override {
#if defined(__x86_64__)
    InferHostFlags(&isa_flags_);
    return absl::OkStatus();
#else
    return absl::FailedPreconditionError(
        "the host's flags can't be inferred for x64: this process runs on another ISA");
#endif
  }

  absl::StatusOr<std::shared_ptr<const codegen::TargetIsa>> Build() const override {
    // AVX forms and what comes after it build on each other.
    for (const auto& [flag, needs] : kImplied) {
      if (isa_flags_.Get(flag) == "true" && isa_flags_.Get(needs) != "true") {
        return absl::InvalidArgumentError(
            absl::StrCat("x64 flag '", flag, "' needs flag '", needs, "'"));
      }
    }
    return std::make_shared<X64Isa>(shared_flags_, stack_limit_, isa_flags_);
  }

 private:
  static constexpr std::pair<const char*, const char*> kImplied[] = {
      {"has_avx", "has_sse42"},
      {"has_avx2", "has_avx"},
      {"has_fma", "has_avx"},
      {"has_sse42", "has_sse41"},
      {"has_sse41", "has_ssse3"},
      {"has_ssse3", "has_sse3"},
      {"has_avx512f", "has_avx2"},
      {"has_avx512vl", "has_avx512f"},
      {"has_avx512dq", "has_avx512f"},
      {"has_avx512bw", "has_avx512f"},
      {"has_avx512vbmi", "has_avx512bw"},
      {"has_avx512bitalg", "has_avx512bw"},
      {"has_avx512vnni", "has_avx512f"},
  };
};

}  // namespace

std::unique_ptr<codegen::IsaBuilder> MakeIsaBuilder() { return std::make_unique<X64IsaBuilder>(); }

}  // namespace gantry::x64
