// Errno: what a WASI call answers, and ErrnoOr<T>: a value or such an answer.
//
// Guest-visible failures are never an absl::Status: the guest may see nothing but the
// codes that the specification lists. ErrnoOr works with ASSIGN_OR_RETURN in functions that
// return Errno or ErrnoOr; GANTRY_RETURN_IF_ERRNO serves calls that return Errno alone.
//
//   ErrnoOr<uint32_t> size = memory.Load<uint32_t>(address);
//   GANTRY_RETURN_IF_ERRNO(memory.Store<uint32_t>(result, *size));
//
// Source: typenames.witx of wasi_snapshot_preview1, `errno`.
#ifndef GANTRY_WASI_ERRNO_H_
#define GANTRY_WASI_ERRNO_H_

#include <cstdint>
#include <optional>
#include <ostream>
#include <utility>

#include "absl/base/optimization.h"
#include "absl/strings/string_view.h"
#include "base/check.h"

namespace gantry::wasi {

enum class Errno : uint16_t {
#define GANTRY_WASI_ERRNO(enumerator, value, name, host) enumerator = value,
#include "wasi/errnos.inc"
#undef GANTRY_WASI_ERRNO
};

// The specification's name of the code, such as "notcapable"; "unknown" for other numbers.
absl::string_view ErrnoName(Errno error);

std::ostream& operator<<(std::ostream& out, Errno error);

// The code for a host errno value. Host errors that WASI does not know become kIo.
Errno FromHostErrno(int host_errno);

// FromHostErrno of the calling thread's current errno.
Errno LastHostErrno();

// A value, or the reason why there is none (never kSuccess).
template <typename T>
class [[nodiscard]] ErrnoOr {
 public:
  ErrnoOr(Errno error) : error_(error) {  // NOLINT: converts, so that functions can return either
    DCHECK(error != Errno::kSuccess);
  }
  ErrnoOr(T value) : value_(std::move(value)) {}  // NOLINT: as above

  bool ok() const { return value_.has_value(); }
  Errno status() const { return error_; }

  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return *std::move(value_); }
  T* operator->() { return &*value_; }

 private:
  Errno error_ = Errno::kSuccess;
  std::optional<T> value_;
};

}  // namespace gantry::wasi

#define GANTRY_RETURN_IF_ERRNO(expression)                                   \
  do {                                                                       \
    if (const ::gantry::wasi::Errno gantry_errno = (expression);             \
        ABSL_PREDICT_FALSE(gantry_errno != ::gantry::wasi::Errno::kSuccess)) \
      return gantry_errno;                                                   \
  } while (false)

#endif  // GANTRY_WASI_ERRNO_H_
