#include "cranelift_shared/isa_registry.h"

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "cranelift_shared/linked_isas.h"

namespace gantry::cranelift {
namespace {

absl::Status NotLinked(absl::string_view target) {
  std::vector<std::string> names;
  for (const LinkedIsa* isa : LinkedIsas()) {
    names.push_back(absl::StrCat(isa->default_triple(), " (", isa->name(), ")"));
  }
  return absl::NotFoundError(absl::StrCat("no compiler for target ", target,
                                          " is linked into this program; there is: ",
                                          names.empty() ? "none" : absl::StrJoin(names, ", "),
                                          ". Build with --//codegen:isas to have others"));
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
  const absl::string_view architecture = *absl::StrSplit(target, absl::MaxSplits('-', 1)).begin();
  for (const LinkedIsa* isa : LinkedIsas()) {
    if (isa->name() == target || isa->architecture() == architecture) return isa;
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
