// TargetIsa: one instruction set with its settings, all that the neutral part of the compiler
// knows of it. IsaBuilder makes one from a name, flags set by name, or the host's own flags.
//
//   ASSIGN_OR_RETURN(std::unique_ptr<IsaBuilder> builder, IsaRegistry::Find("x64"));
//   RETURN_IF_ERROR(builder->Set("has_avx", "true"));
//   ASSIGN_OR_RETURN(std::shared_ptr<const TargetIsa> isa, builder->Build());
//
// A TargetIsa never changes and is shared by all threads.
#ifndef GANTRY_CODEGEN_ISA_H_
#define GANTRY_CODEGEN_ISA_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "codegen/code_records.h"
#include "codegen/relaxed_choices.h"
#include "codegen/settings.h"
#include "codegen/unwind.h"

namespace gantry::codegen {

namespace regalloc {
struct MachineEnv;
struct Output;
}  // namespace regalloc
class LowerBackend;
class MachBuffer;
class VCode;
struct LabelKindTable;
struct LinkRules;
struct MachInst;
struct Signature;

// Where compiled functions find the lowest address their stack may reach: at
// [[vmctx + store_offset] + limit_offset]. A function that would go below traps with `code`.
// Checked in functions whose signature has a vmctx.
struct StackLimitCheck {
  bool enabled = false;
  int32_t store_offset = 0;
  int32_t limit_offset = 0;
  TrapCode code{};
  friend bool operator==(const StackLimitCheck&, const StackLimitCheck&) = default;
};

class TargetIsa {
 public:
  virtual ~TargetIsa() = default;

  // "x64".
  virtual absl::string_view name() const = 0;
  // Apart for every object that was ever made, unlike its address.
  uint64_t serial() const { return serial_; }
  // "x86_64-unknown-linux-gnu".
  virtual absl::string_view triple() const = 0;
  const SharedFlags& shared_flags() const { return shared_flags_; }
  virtual const FlagSet& isa_flags() const = 0;
  const StackLimitCheck& stack_limit() const { return stack_limit_; }

  virtual const regalloc::MachineEnv& machine_env() const = 0;
  virtual const LabelKindTable& label_kinds() const = 0;
  virtual const LinkRules& link_rules() const = 0;
  virtual const UnwindFormat& unwind_format() const = 0;
  // Functions start at multiples of this.
  virtual uint32_t function_alignment() const = 0;
  // Logarithm of the largest page size that the ISA's systems map code with.
  virtual uint8_t page_size_log2() const = 0;

  // The flag that operations on vectors need and that is off; empty where they can be compiled.
  virtual absl::string_view missing_for_vectors() const { return ""; }
  // Whether everything that an indirect branch may lead to says so by its first instruction, so that
  // the system can be told to refuse branches to anything else.
  virtual bool marks_branch_targets() const { return false; }
  // What it does best where several results are permitted, under its flags.
  virtual RelaxedChoices relaxed_choices() const { return {}; }

  // Lowers functions, one after another; used by one thread.
  virtual std::unique_ptr<LowerBackend> MakeLowering() const = 0;
  // Writes a function's code, whose registers are `allocation`'s, into the empty buffer. Does
  // not finish the buffer.
  virtual absl::Status Emit(const VCode& vcode, const regalloc::Output& allocation,
                            const Signature& signature, MachBuffer* buffer, FrameInfo* frame,
                            UnwindInfo* unwind) const = 0;
  // One instruction for people, its operands as given by `operands` in order.
  virtual std::string Print(const MachInst& inst, absl::Span<const std::string> operands) const = 0;

 protected:
  TargetIsa(const SharedFlags& shared_flags, const StackLimitCheck& stack_limit);

 private:
  const uint64_t serial_;
  SharedFlags shared_flags_;
  StackLimitCheck stack_limit_;
};

class IsaBuilder {
 public:
  virtual ~IsaBuilder() = default;

  absl::string_view name() const { return name_; }
  // Sets a shared flag or one of the ISA's. kNotFound naming the flag, or kInvalidArgument
  // naming flag and what it accepts.
  absl::Status Set(absl::string_view flag, absl::string_view value);
  absl::Status Enable(absl::string_view flag);
  // Sets the ISA's flags to what this process's processor has. kFailedPrecondition if that is
  // of another ISA.
  virtual absl::Status InferHost() = 0;
  void set_stack_limit(const StackLimitCheck& check) { stack_limit_ = check; }

  const SharedFlags& shared_flags() const { return shared_flags_; }
  const FlagSet& isa_flags() const { return isa_flags_; }

  // Checks that the settings go together.
  virtual absl::StatusOr<std::shared_ptr<const TargetIsa>> Build() const = 0;

 protected:
  IsaBuilder(absl::string_view name, const FlagTable& isa_table)
      : name_(name), isa_flags_(isa_table) {}

  std::string name_;
  SharedFlags shared_flags_;
  FlagSet isa_flags_;
  StackLimitCheck stack_limit_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_ISA_H_
