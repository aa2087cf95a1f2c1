#include "cranelift_shared/isa_flags.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gantry::cranelift {
namespace {

std::string AcceptedValues(const codegen::FlagInfo& flag) {
  switch (flag.kind) {
    case codegen::FlagKind::kBool:
      return "true,false";
    case codegen::FlagKind::kEnum:
      return flag.values;
    case codegen::FlagKind::kNumber:
      return absl::StrCat("0..", flag.values);
    case codegen::FlagKind::kSet:
      return absl::StrCat("none, or names of ", flag.values, " joined by +");
  }
  return "";
}

void AppendSettings(const codegen::FlagSet& values, const codegen::FlagSet& defaults,
                    std::vector<environ::SettingInfo>* out) {
  for (const codegen::FlagInfo& flag : values.table().flags) {
    environ::SettingInfo info;
    info.group = values.table().group;
    info.name = flag.name;
    info.value = values.Get(flag.name);
    info.default_value = defaults.Get(flag.name);
    info.accepted = AcceptedValues(flag);
    info.description = flag.help;
    out->push_back(std::move(info));
  }
}

}  // namespace

absl::StatusOr<const LinkedIsa*> IsaFlags::Isa() const {
  if (target_ != nullptr) return target_;
  return FindHostIsa();
}

absl::Status IsaFlags::SetTarget(absl::string_view triple) {
  ASSIGN_OR_RETURN(target_, FindIsa(triple));
  return absl::OkStatus();
}

std::string IsaFlags::triple() const {
  const absl::StatusOr<const LinkedIsa*> isa = Isa();
  return isa.ok() ? std::string((*isa)->default_triple()) : "";
}

absl::Status IsaFlags::Check(absl::string_view name, absl::string_view value) const {
  ASSIGN_OR_RETURN(const LinkedIsa* chosen, Isa());
  const absl::Status status = chosen->NewBuilder()->Set(name, value);
  if (!absl::IsNotFound(status)) return status;
  // The target may be chosen later.
  for (const LinkedIsa* isa : LinkedIsas()) {
    if (isa->NewBuilder()->Set(name, value).ok()) return absl::OkStatus();
  }
  return status;
}

absl::Status IsaFlags::Set(absl::string_view name, absl::string_view value) {
  RETURN_IF_ERROR(Check(name, value));
  for (auto& [known, old] : values_) {
    if (known == name) {
      old = std::string(value);
      return absl::OkStatus();
    }
  }
  values_.emplace_back(name, value);
  return absl::OkStatus();
}

absl::Status IsaFlags::Enable(absl::string_view name) {
  ASSIGN_OR_RETURN(const LinkedIsa* chosen, Isa());
  const absl::Status status = chosen->NewBuilder()->Enable(name);
  if (!status.ok() && !absl::IsNotFound(status)) return status;
  return Set(name, "true");
}

absl::StatusOr<ConfiguredIsa> IsaFlags::Configure(const environ::SettingValues& defaults) const {
  ConfiguredIsa configured;
  ASSIGN_OR_RETURN(configured.isa, Isa());
  configured.builder = configured.isa->NewBuilder();
  if (target_ == nullptr) RETURN_IF_ERROR(configured.builder->InferHost());
  for (const auto& [name, value] : defaults) {
    RETURN_IF_ERROR(configured.builder->Set(name, value));
  }
  for (const auto& [name, value] : values_) {
    RETURN_IF_ERROR(configured.builder->Set(name, value));
  }
  return configured;
}

std::vector<environ::SettingInfo> IsaFlags::Settings() const {
  std::vector<environ::SettingInfo> settings;
  const absl::StatusOr<ConfiguredIsa> now = Configure({});
  IsaFlags unset;
  unset.target_ = target_;
  const absl::StatusOr<ConfiguredIsa> defaults = unset.Configure({});
  if (!now.ok() || !defaults.ok()) return settings;
  AppendSettings(now->builder->shared_flags().set(), defaults->builder->shared_flags().set(),
                 &settings);
  AppendSettings(now->builder->isa_flags(), defaults->builder->isa_flags(), &settings);
  return settings;
}

environ::SettingValues ValuesOf(const codegen::FlagSet& flags) {
  environ::SettingValues values;
  for (const codegen::FlagInfo& flag : flags.table().flags) {
    values.emplace_back(flag.name, flags.Get(flag.name));
  }
  return values;
}

}  // namespace gantry::cranelift
