// IsaFlags: the target and the flags that a user sets by name, kept until a compiler is
// built. Shared by the builders of all compilers, so that one flag is set and listed the same
// way in each; the only place that decides when host features are inferred.
//
//   IsaFlags flags;
//   RETURN_IF_ERROR(flags.SetTarget("x86_64"));            // optional: else the host
//   RETURN_IF_ERROR(flags.Set("has_avx2", "false"));
//   ASSIGN_OR_RETURN(ConfiguredIsa isa, flags.Configure({{"opt_level", "none"}}));
//   ASSIGN_OR_RETURN(std::shared_ptr<const codegen::TargetIsa> target, isa.builder->Build());
#ifndef GANTRY_CRANELIFT_SHARED_ISA_FLAGS_H_
#define GANTRY_CRANELIFT_SHARED_ISA_FLAGS_H_

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "codegen/isa.h"
#include "cranelift_shared/isa_registry.h"
#include "environ/translation/compiler.h"

namespace gantry::cranelift {

struct ConfiguredIsa {
  const LinkedIsa* isa = nullptr;
  std::unique_ptr<codegen::IsaBuilder> builder;
};

class IsaFlags {
 public:
  // As environ::CompilerBuilder has them.
  absl::Status SetTarget(absl::string_view triple);
  absl::Status Set(absl::string_view name, absl::string_view value);
  absl::Status Enable(absl::string_view name);
  std::string triple() const;
  std::vector<environ::SettingInfo> Settings() const;

  // A builder of the target with every flag set: first those of the host's processor where
  // no target was chosen, then `defaults`, then the user's.
  absl::StatusOr<ConfiguredIsa> Configure(const environ::SettingValues& defaults) const;

 private:
  // Whether some linked ISA takes the value; else why the chosen one does not.
  absl::Status Check(absl::string_view name, absl::string_view value) const;
  absl::StatusOr<const LinkedIsa*> Isa() const;

  // Null for the host.
  const LinkedIsa* target_ = nullptr;
  std::vector<std::pair<std::string, std::string>> values_;
};

// Name and value of every flag of a set.
environ::SettingValues ValuesOf(const codegen::FlagSet& flags);

}  // namespace gantry::cranelift

#endif  // GANTRY_CRANELIFT_SHARED_ISA_FLAGS_H_
