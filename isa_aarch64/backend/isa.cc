#include "isa_aarch64/backend/isa.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "codegen/ir/signature.h"
#include "codegen/regalloc/interface.h"
#include "isa_aarch64/asm/branch_protection.h"
#include "isa_aarch64/asm/label_kinds.h"
#include "isa_aarch64/backend/abi.h"
#include "isa_aarch64/backend/emit.h"
#include "isa_aarch64/backend/flags.h"
#include "isa_aarch64/backend/lowering.h"
#include "isa_aarch64/backend/print.h"
#include "isa_aarch64/link_rules.h"
#include "isa_aarch64/trampolines.h"

namespace gantry::aarch64 {
namespace {

// At entry the CFA is sp, and the return address in x30.
constexpr uint8_t kInitialCfi[] = {0x0C, kDwarfStackPointer, 0};  // DW_CFA_def_cfa
constexpr codegen::UnwindFormat kUnwindFormat = {
    .code_alignment = 4,
    .data_alignment = -8,
    .return_address_register = kDwarfLink,
    .initial_instructions = kInitialCfi,
};

constexpr codegen::UnwindFormat kUnwindFormatWithKeyB = {
    .code_alignment = 4,
    .data_alignment = -8,
    .return_address_register = kDwarfLink,
    .initial_instructions = kInitialCfi,
    .augmentation = "B",
};

BranchProtection ProtectionOf(const codegen::FlagSet& flags) {
  return BranchProtection::Of([&](const char* flag) { return flags.Get(flag) == "true"; });
}

class AArch64Isa final : public codegen::TargetIsa {
 public:
  AArch64Isa(const codegen::SharedFlags& shared, const codegen::StackLimitCheck& stack_limit,
             const codegen::FlagSet& flags)
      : TargetIsa(shared, stack_limit), flags_(flags), protection_(ProtectionOf(flags)) {}

  absl::string_view name() const override { return "aarch64"; }
  absl::string_view triple() const override { return "aarch64-unknown-linux-gnu"; }
  const codegen::FlagSet& isa_flags() const override { return flags_.set(); }
  const codegen::regalloc::MachineEnv& machine_env() const override {
    return MachineEnvironment(shared_flags().fuel_register());
  }
  const codegen::LabelKindTable& label_kinds() const override { return kLabelKinds; }
  const codegen::LinkRules& link_rules() const override { return kLinkRules; }
  const codegen::UnwindFormat& unwind_format() const override {
    return protection_.key == BranchProtection::Key::kB ? kUnwindFormatWithKeyB : kUnwindFormat;
  }
  uint32_t function_alignment() const override { return 16; }
  // Kernels come with pages of 4, 16 and 64 KiB.
  uint8_t page_size_log2() const override { return 16; }
  bool marks_branch_targets() const override { return protection_.marks_targets; }
  // fmla; tbl, the saturating conversions, fmin and fmax do what is defined without choices.
  codegen::RelaxedChoices relaxed_choices() const override { return {.fused_multiply_add = true}; }

  std::unique_ptr<codegen::LowerBackend> MakeLowering() const override {
    return std::make_unique<AArch64Lowering>(shared_flags(), flags_);
  }
  absl::Status Emit(const codegen::VCode& vcode, const codegen::regalloc::Output& allocation,
                    const codegen::Signature& signature, codegen::MachBuffer* buffer,
                    codegen::FrameInfo* frame, codegen::UnwindInfo* unwind) const override {
    const bool has_vmctx = signature.ParamWithPurpose(codegen::ArgPurpose::kVmctx).has_value();
    return Emitter(*this, protection_, flags_.precise_stores(), vcode, allocation, has_vmctx,
                   buffer, frame, unwind)
        .Run();
  }
  std::string Print(const codegen::MachInst& inst,
                    absl::Span<const std::string> operands) const override {
    return PrintInst(inst.As<Inst>(), operands);
  }

 private:
  AArch64Flags flags_;
  BranchProtection protection_;
};

class AArch64IsaBuilder final : public codegen::IsaBuilder {
 public:
  AArch64IsaBuilder() : IsaBuilder("aarch64", kAArch64FlagTable) {}

  absl::Status InferHost() override {
#if defined(__aarch64__)
    InferHostFlags(&isa_flags_);
    return absl::OkStatus();
#else
    return absl::FailedPreconditionError(
        "the host's flags can't be inferred for aarch64: this process runs on another ISA");
#endif
  }

  absl::StatusOr<std::shared_ptr<const codegen::TargetIsa>> Build() const override {
    const AArch64Flags flags(isa_flags_);
    for (const auto& [name, is_on] :
         {std::pair<const char*, bool>("sign_return_address_all", flags.sign_return_address_all()),
          {"sign_return_address_with_bkey", flags.sign_return_address_with_bkey()}}) {
      if (is_on && !flags.sign_return_address()) {
        return absl::InvalidArgumentError(
            absl::StrCat("the flag ", name, " needs the flag sign_return_address"));
      }
    }
    return std::make_shared<AArch64Isa>(shared_flags_, stack_limit_, isa_flags_);
  }
};

}  // namespace

std::unique_ptr<codegen::IsaBuilder> MakeIsaBuilder() {
  return std::make_unique<AArch64IsaBuilder>();
}

}  // namespace gantry::aarch64
