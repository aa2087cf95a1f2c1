#include "wasi/host_file.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

namespace gantry::wasi {

void ScopedFd::Reset() {
  if (fd_ >= 0) close(std::exchange(fd_, -1));
}

Errno ScopedFd::Close() {
  if (fd_ < 0) return Errno::kBadf;
  // Linux releases the descriptor even where close reports EINTR, so it is not tried again.
  return close(std::exchange(fd_, -1)) == 0 ? Errno::kSuccess : LastHostErrno();
}

ErrnoOr<ScopedFd> Duplicate(int fd) {
  ScopedFd copy(fcntl(fd, F_DUPFD_CLOEXEC, 0));
  if (!copy.is_open()) return LastHostErrno();
  return copy;
}

Filetype FiletypeOfMode(mode_t mode) {
  switch (mode & S_IFMT) {
    case S_IFREG:
      return Filetype::kRegularFile;
    case S_IFDIR:
      return Filetype::kDirectory;
    case S_IFLNK:
      return Filetype::kSymbolicLink;
    case S_IFBLK:
      return Filetype::kBlockDevice;
    case S_IFCHR:
      return Filetype::kCharacterDevice;
    case S_IFSOCK:
      return Filetype::kSocketStream;
    default:
      return Filetype::kUnknown;
  }
}

ErrnoOr<Filetype> FiletypeOf(int fd) {
  struct stat status;
  if (fstat(fd, &status) != 0) return LastHostErrno();
  const Filetype type = FiletypeOfMode(status.st_mode);
  if (type != Filetype::kSocketStream) return type;
  int kind = 0;
  socklen_t length = sizeof(kind);
  if (getsockopt(fd, SOL_SOCKET, SO_TYPE, &kind, &length) != 0) return LastHostErrno();
  return kind == SOCK_DGRAM ? Filetype::kSocketDgram : Filetype::kSocketStream;
}

}  // namespace gantry::wasi
