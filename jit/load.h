// Loading: from the bytes of an artifact to registered, executable code. Needs no compiler.
//
//   ASSIGN_OR_RETURN(std::shared_ptr<const runtime::CodeObject> code,
//                    LoadArtifact(bytes, {.tunables = &tunables}));
#ifndef GANTRY_JIT_LOAD_H_
#define GANTRY_JIT_LOAD_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "environ/artifact/artifact.h"
#include "environ/core/linked_text.h"
#include "environ/core/tunables.h"
#include "runtime/code_object.h"

namespace gantry::jit {

struct LoadOptions {
  // What the process runs with; the artifact must have been made for the same.
  const environ::Tunables* tunables = nullptr;
  // kTrusted only for what was compiled here, and for files that nobody could change who may not
  // run code in this process anyway; it is read where it is used and not before.
  environ::Verification verification = environ::Verification::kFull;
  // Whether the C++ runtime learns the code's call frame information, so that its own
  // backtraces pass through. That information is not checked: only for code compiled here.
  bool register_unwind_info = false;
  // Whether debuggers learn names and frames of the functions (load_debugger.h). Takes time for
  // each.
  bool register_debugger = false;
  // Of added text, what environ::Compiler says of it; an artifact says it itself.
  bool marks_branch_targets = false;
};

// Copies an artifact into memory of its own, makes its text executable and registers it. The
// memory is never writable and executable at once, and what is not code is read-only.
// Errors: kInvalidArgument for a damaged artifact (as far as it is verified), kFailedPrecondition
// naming the difference for one of another version, target, settings or CPU, kResourceExhausted.
absl::StatusOr<std::shared_ptr<const runtime::CodeObject>> LoadArtifact(
    absl::Span<const uint8_t> artifact, const LoadOptions& options);

// The same from a file, which is mapped and not copied: processes that load the same file share its
// pages, and those that are not used are not read. Until the code is gone the file must not be
// changed or cut, as that of a shared library must not; it may be removed or replaced by another.
// Errors also: kNotFound or kPermissionDenied where it cannot be opened.
absl::StatusOr<std::shared_ptr<const runtime::CodeObject>> LoadArtifactFile(
    const std::string& path, const LoadOptions& options);

// Code that was compiled later, more functions of the modules of `base`: made executable in memory
// of its own and registered, with its tables, as an artifact's is. It is trusted. Error:
// kResourceExhausted.
absl::StatusOr<std::shared_ptr<const runtime::CodeObject>> LoadAddedText(
    environ::LinkedText text, std::shared_ptr<const runtime::CodeObject> base,
    const LoadOptions& options);

}  // namespace gantry::jit

#endif  // GANTRY_JIT_LOAD_H_
