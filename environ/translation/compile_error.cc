#include "environ/translation/compile_error.h"

#include <string>

#include "absl/strings/cord.h"
#include "absl/types/optional.h"

namespace gantry::environ {
namespace {

constexpr char kPayloadUrl[] = "gantry/compile-error-kind";

absl::StatusCode CodeOf(CompileErrorKind kind) {
  switch (kind) {
    case CompileErrorKind::kInvalid:
      return absl::StatusCode::kInvalidArgument;
    case CompileErrorKind::kUnsupported:
      return absl::StatusCode::kUnimplemented;
    case CompileErrorKind::kTooLarge:
      return absl::StatusCode::kResourceExhausted;
  }
  return absl::StatusCode::kInternal;
}

}  // namespace

absl::Status CompileErrorStatus(const CompileError& error) {
  absl::Status status(CodeOf(error.kind), error.message);
  status.SetPayload(kPayloadUrl, absl::Cord(std::string(1, static_cast<char>(error.kind))));
  return status;
}

std::optional<CompileErrorKind> GetCompileErrorKind(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  if (!payload.has_value() || payload->size() != 1) return std::nullopt;
  return static_cast<CompileErrorKind>((*payload)[0]);
}

}  // namespace gantry::environ
