// Host descriptors: an owner that closes, and what the sandbox asks of a host file.
//
// Every descriptor made here is close-on-exec.
#ifndef GANTRY_WASI_HOST_FILE_H_
#define GANTRY_WASI_HOST_FILE_H_

#include <sys/stat.h>

#include <utility>

#include "wasi/errno.h"
#include "wasi/types.h"

namespace gantry::wasi {

// Owns a host descriptor; -1 when empty.
class ScopedFd {
 public:
  ScopedFd() = default;
  explicit ScopedFd(int fd) : fd_(fd) {}
  ScopedFd(ScopedFd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  ScopedFd& operator=(ScopedFd&& other) noexcept {
    if (this != &other) {
      Reset();
      fd_ = std::exchange(other.fd_, -1);
    }
    return *this;
  }
  ~ScopedFd() { Reset(); }

  int get() const { return fd_; }
  bool is_open() const { return fd_ >= 0; }
  int Release() { return std::exchange(fd_, -1); }
  void Reset();

  // Closes and tells whether the host reported an error (a delayed write, for one).
  Errno Close();

 private:
  int fd_ = -1;
};

// A second, close-on-exec descriptor for the same open file.
ErrnoOr<ScopedFd> Duplicate(int fd);

// The WASI type for a host mode. Sockets are kSocketStream: only the descriptor can tell more.
Filetype FiletypeOfMode(mode_t mode);

// The WASI type of an open descriptor; asks a socket for its kind.
ErrnoOr<Filetype> FiletypeOf(int fd);

}  // namespace gantry::wasi

#endif  // GANTRY_WASI_HOST_FILE_H_
