#include "cranelift_shared/isa_registry.h"

#include <algorithm>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cranelift_shared/linked_isas.h"

namespace gantry::cranelift {
namespace {

// What can be linked.
struct KnownIsa {
  absl::string_view name;
  absl::string_view architecture;
};
constexpr KnownIsa kKnownIsas[] = {{"aarch64", "aarch64"}, {"x64", "x86_64"}};

bool Names(absl::string_view target, absl::string_view name, absl::string_view architecture) {
  return target == name || *absl::StrSplit(target, absl::MaxSplits('-', 1)).begin() == architecture;
}

absl::Status NotLinked(absl::string_view target) {
  std::vector<std::string> names;
  std::vector<std::string> flag;
  for (const LinkedIsa* isa : LinkedIsas()) {
    names.push_back(absl::StrCat(isa->default_triple(), " (", isa->name(), ")"));
    flag.emplace_back(isa->name());
  }
  bool known = false;
  for (const KnownIsa& isa : kKnownIsas) {
    if (!Names(target, isa.name, isa.architecture)) continue;
    flag.emplace_back(isa.name);
    known = true;
  }
  return absl::NotFoundError(absl::StrCat(
      "no compiler for target ", target, known ? " is linked into this program" : " is known",
      "; there is: ", names.empty() ? "none" : absl::StrJoin(names, ", "),
      known ? absl::StrCat(". Build Gantry with --//codegen:isas=", absl::StrJoin(flag, ","),
                           " to have it")
            : ""));
}

// "aarch64", "aarch64-linux", "aarch64-unknown-linux-gnu"
bool IsForLinux(absl::string_view target) {
  const std::vector<absl::string_view> parts = absl::StrSplit(target, '-');
  return parts.size() == 1 || std::find(parts.begin(), parts.end(), "linux") != parts.end();
}

}  // namespace

absl::Span<const LinkedIsa* const> LinkedIsas() {
  static const std::vector<const LinkedIsa*>* const isas = new std::vector<const LinkedIsa*>{
#ifdef GANTRY_LINK_ISA_AARCH64
      AArch64Isa(),
#endif
#ifdef GANTRY_LINK_ISA_X64
      X64Isa(),
#endif
  };
  return *isas;
}

absl::StatusOr<const LinkedIsa*> FindIsa(absl::string_view target) {
  for (const LinkedIsa* isa : LinkedIsas()) {
    if (!Names(target, isa->name(), isa->architecture())) continue;
    if (IsForLinux(target)) return isa;
    return absl::NotFoundError(absl::StrCat("no compiler for target ", target,
                                            " is known: code is for Linux alone; ",
                                            isa->default_triple(), " is there"));
  }
  return NotLinked(target);
}

absl::StatusOr<const LinkedIsa*> FindHostIsa() {
#if defined(__x86_64__)
  return FindIsa("x86_64");
#elif defined(__aarch64__)
  return FindIsa("aarch64");
#else
  return NotLinked("of this host");
#endif
}

}  // namespace gantry::cranelift
