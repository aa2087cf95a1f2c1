// CompileError: why one function could not be compiled, carried in an absl::Status so that
// it passes through code that knows only Status.
//
//   absl::Status status = CompileErrorStatus({.kind = CompileErrorKind::kTooLarge,
//                                             .message = "needs 70000 blocks, limit 65535"});
//   std::optional<CompileErrorKind> kind = GetCompileErrorKind(status);
//
// The kind decides what the caller does: a function that is too large for one compiler may
// be given to another; an invalid one makes the whole module invalid; an unsupported one
// fails when the compiler or engine is asked for, not at run time.
#ifndef GANTRY_ENVIRON_TRANSLATION_COMPILE_ERROR_H_
#define GANTRY_ENVIRON_TRANSLATION_COMPILE_ERROR_H_

#include <cstdint>
#include <optional>
#include <string>

#include "absl/status/status.h"

namespace gantry::environ {

enum class CompileErrorKind : uint8_t {
  // The body breaks a rule of WebAssembly; the message has its byte offset.
  kInvalid = 1,
  // The body uses what this compiler does not implement.
  kUnsupported = 2,
  // A limit of this compiler: number of values or blocks, size of frame or code.
  kTooLarge = 3,
};

struct CompileError {
  CompileErrorKind kind = CompileErrorKind::kUnsupported;
  std::string message;
};

// kInvalidArgument, kUnimplemented or kResourceExhausted by kind, with the kind as payload.
absl::Status CompileErrorStatus(const CompileError& error);

// The kind that `status` carries; nullopt if it is not from CompileErrorStatus.
std::optional<CompileErrorKind> GetCompileErrorKind(const absl::Status& status);

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_TRANSLATION_COMPILE_ERROR_H_
