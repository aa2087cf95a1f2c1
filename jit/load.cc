#include "jit/load.h"

#include <cstring>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "environ/artifact/artifact.h"
#include "jit/host_features.h"
#include "runtime/host_arch.h"
#include "runtime/mmap.h"

namespace gantry::jit {

absl::StatusOr<std::shared_ptr<const runtime::CodeObject>> LoadArtifact(
    absl::Span<const uint8_t> artifact, const LoadOptions& options) {
  // A copy first: what is checked must be what is used.
  ASSIGN_OR_RETURN(runtime::Mmap mapping, runtime::Mmap::Allocate(artifact.size()));
  if (!artifact.empty()) std::memcpy(mapping.data(), artifact.data(), artifact.size());
  auto owner = std::make_shared<runtime::Mmap>(std::move(mapping));
  ASSIGN_OR_RETURN(environ::ArtifactView view, environ::ArtifactView::Parse(absl::MakeConstSpan(
                                                   owner->data(), artifact.size())));
  environ::ArtifactExpectation expectation;
  expectation.target = std::string(HostTriple());
  expectation.tunables = options.tunables;
  expectation.host_has_feature = HostHasFeature;
  RETURN_IF_ERROR(view.CheckCompatible(expectation));
  if (options.verify_text) RETURN_IF_ERROR(view.VerifyText());

  RETURN_IF_ERROR(owner->MakeReadOnly(0, owner->size()));
  const absl::Span<const uint8_t> text = view.text();
  if (!text.empty()) {
    const uint64_t start = text.data() - owner->data();
    if (start % runtime::HostPageSize() != 0) {
      return absl::FailedPreconditionError(
          absl::StrCat("the artifact's text lies at offset ", start,
                       ", which is no multiple of this host's page size of ",
                       runtime::HostPageSize(), "; compile the module again on this host"));
    }
    // The text lies within the mapping, whose size is rounded up, so the rounding fits.
    const uint64_t length = *runtime::RoundUpToPage(text.size());
    RETURN_IF_ERROR(owner->MakeExecutable(start, length));
    runtime::host_arch::FlushInstructionCache(owner->data() + start, text.size());
  }

  runtime::CodeObject::Parts parts;
  parts.text = text;
  parts.tables = view.tables();
  for (environ::ArtifactView::Module& module : view.mutable_modules()) {
    parts.modules.push_back(std::move(module.info));
    parts.data.push_back(module.data);
  }
  parts.artifact = absl::MakeConstSpan(owner->data(), artifact.size());
  parts.owner = std::move(owner);
  return runtime::CodeObject::Create(std::move(parts));
}

}  // namespace gantry::jit
