#include "wasi/errno.h"

#include <cerrno>

namespace gantry::wasi {

absl::string_view ErrnoName(Errno error) {
  switch (error) {
#define GANTRY_WASI_ERRNO(enumerator, value, name, host) \
  case Errno::enumerator:                                \
    return name;
#include "wasi/errnos.inc"
#undef GANTRY_WASI_ERRNO
  }
  return "unknown";
}

std::ostream& operator<<(std::ostream& out, Errno error) {
  return out << ErrnoName(error) << " (" << static_cast<int>(error) << ")";
}

Errno FromHostErrno(int host_errno) {
  switch (host_errno) {
#define GANTRY_WASI_ERRNO(enumerator, value, name, host) \
  case host:                                             \
    return Errno::enumerator;
#include "wasi/errnos.inc"
#undef GANTRY_WASI_ERRNO
    default:
      return Errno::kIo;
  }
}

Errno LastHostErrno() {
  const Errno error = FromHostErrno(errno);
  // A failed call that left errno at 0, or at a value that means "no capability" here, still
  // failed.
  if (error == Errno::kSuccess || error == Errno::kNotcapable) return Errno::kIo;
  return error;
}

}  // namespace gantry::wasi
