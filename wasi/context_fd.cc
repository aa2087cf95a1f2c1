// The fd_* calls.
#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstring>

#include "base/status_macros.h"
#include "wasi/context.h"
#include "wasi/guest_io.h"

namespace gantry::wasi {
namespace {

constexpr uint64_t kMaxOffset = INT64_MAX;

Errno HostResult(int result) { return result == 0 ? Errno::kSuccess : LastHostErrno(); }

// Keeps a SIGPIPE that this thread causes from being delivered: the guest gets kPipe, and the
// embedder's disposition of the signal is left alone.
class SigpipeGuard {
 public:
  explicit SigpipeGuard(bool active) : active_(active) {
    if (!active_) return;
    sigemptyset(&pipe_);
    sigaddset(&pipe_, SIGPIPE);
    sigset_t pending;
    sigpending(&pending);
    was_pending_ = sigismember(&pending, SIGPIPE) == 1;
    pthread_sigmask(SIG_BLOCK, &pipe_, &saved_);
  }
  SigpipeGuard(const SigpipeGuard&) = delete;
  SigpipeGuard& operator=(const SigpipeGuard&) = delete;
  ~SigpipeGuard() {
    if (!active_) return;
    if (!was_pending_) {
      const timespec no_time = {0, 0};
      while (sigtimedwait(&pipe_, nullptr, &no_time) < 0 && errno == EINTR) {
      }
    }
    pthread_sigmask(SIG_SETMASK, &saved_, nullptr);
  }

 private:
  const bool active_;
  bool was_pending_ = false;
  sigset_t pipe_, saved_;
};

// kAgain where a shared descriptor that the guest set non-blocking is not ready for `events`.
Errno CheckEmulatedNonblock(const Descriptor& descriptor, short events) {
  if (!descriptor.shared || (descriptor.flags & fdflags::kNonblock) == 0) return Errno::kSuccess;
  pollfd ready = {descriptor.host.get(), events, 0};
  const int count = poll(&ready, 1, 0);
  if (count < 0 && errno != EINTR) return LastHostErrno();
  return count > 0 ? Errno::kSuccess : Errno::kAgain;
}

// Calls `operation` until it is not interrupted, and stores the bytes it moved.
template <typename Operation>
Errno Transfer(const GuestMemory& memory, uint32_t count_out, Operation operation) {
  for (;;) {
    const ssize_t moved = operation();
    if (moved >= 0) return memory.Store<uint32_t>(count_out, static_cast<uint32_t>(moved));
    if (errno != EINTR) return LastHostErrno();
  }
}

// Reads directory entries from where the descriptor stands.
class DirectoryReader {
 public:
  explicit DirectoryReader(int fd) : fd_(fd) {}

  struct Entry {
    int64_t next;  // the host's position after it
    uint64_t inode;
    Filetype type;
    const char* name;
    uint32_t name_length;
  };

  // The next entry, or nullopt at the end; the name lives until the next call.
  ErrnoOr<std::optional<Entry>> Next() {
    if (position_ == filled_) {
      const ssize_t size = getdents64(fd_, buffer_, sizeof(buffer_));
      if (size < 0) return LastHostErrno();
      if (size == 0) return std::optional<Entry>();
      position_ = 0;
      filled_ = static_cast<size_t>(size);
    }
    constexpr size_t kNameOffset = offsetof(dirent64, d_name);
    dirent64 header;
    std::memcpy(&header, buffer_ + position_, kNameOffset);
    Entry entry;
    entry.name = buffer_ + position_ + kNameOffset;
    entry.name_length = static_cast<uint32_t>(strnlen(entry.name, header.d_reclen - kNameOffset));
    entry.next = header.d_off;
    entry.inode = header.d_ino;
    entry.type = FiletypeOfMode(static_cast<mode_t>(header.d_type) << 12);
    struct stat status;
    const absl::string_view name(entry.name, entry.name_length);
    if (name == "..") {
      // The parent of what was handed in is none of the guest's business.
      if (fstat(fd_, &status) != 0) return LastHostErrno();
      entry.inode = status.st_ino;
    } else if (header.d_type == 0 && fstatat(fd_, entry.name, &status, AT_SYMLINK_NOFOLLOW) == 0) {
      entry.type = FiletypeOfMode(status.st_mode);
    }
    position_ += header.d_reclen;
    return std::optional<Entry>(entry);
  }

 private:
  const int fd_;
  size_t position_ = 0;
  size_t filled_ = 0;
  alignas(8) char buffer_[16384];
};

}  // namespace

Errno Context::FdAdvise(GuestMemory /*memory*/, uint32_t fd, uint64_t offset, uint64_t length,
                        uint32_t advice) {
  ASSIGN_OR_RETURN(Descriptor * descriptor, descriptors_.Get(fd, rights::kFdAdvise));
  static constexpr int kHostAdvice[] = {POSIX_FADV_NORMAL,   POSIX_FADV_SEQUENTIAL,
                                        POSIX_FADV_RANDOM,   POSIX_FADV_WILLNEED,
                                        POSIX_FADV_DONTNEED, POSIX_FADV_NOREUSE};
  if (advice >= std::size(kHostAdvice)) return Errno::kInval;
  if (offset > kMaxOffset || length > kMaxOffset) return Errno::kInval;
  // Advice on a directory has no meaning to the host, and is never wrong.
  if (descriptor->type == Filetype::kDirectory) return Errno::kSuccess;
  const int error = posix_fadvise(descriptor->host.get(), static_cast<off_t>(offset),
                                  static_cast<off_t>(length), kHostAdvice[advice]);
  return FromHostErrno(error);
}

Errno Context::FdAllocate(GuestMemory /*memory*/, uint32_t fd, uint64_t offset, uint64_t length) {
  ASSIGN_OR_RETURN(Descriptor * descriptor, descriptors_.Get(fd, rights::kFdAllocate));
  if (length == 0) return Errno::kInval;
  if (offset > kMaxOffset || length > kMaxOffset - offset) return Errno::kFbig;
  for (;;) {
    if (fallocate(descriptor->host.get(), 0, static_cast<off_t>(offset),
                  static_cast<off_t>(length)) == 0) {
      return Errno::kSuccess;
    }
    if (errno != EINTR) return LastHostErrno();
  }
}

Errno Context::FdClose(GuestMemory /*memory*/, uint32_t fd) {
  ASSIGN_OR_RETURN(Descriptor removed, descriptors_.Remove(fd));
  return removed.host.Close();
}

Errno Context::FdDatasync(GuestMemory /*memory*/, uint32_t fd) {
  ASSIGN_OR_RETURN(Descriptor * descriptor, descriptors_.Get(fd, rights::kFdDatasync));
  return HostResult(fdatasync(descriptor->host.get()));
}

Errno Context::FdFdstatGet(GuestMemory memory, uint32_t fd, uint32_t fdstat_out) {
  using layout::Fdstat;
  ASSIGN_OR_RETURN(const absl::Span<uint8_t> record, memory.Range(fdstat_out, Fdstat::kSize));
  ASSIGN_OR_RETURN(Descriptor * descriptor, descriptors_.Get(fd));
  std::fill(record.begin(), record.end(), uint8_t{0});
  GuestMemory::StoreTo<uint8_t>(record, Fdstat::kFiletype, static_cast<uint8_t>(descriptor->type));
  GuestMemory::StoreTo<uint16_t>(record, Fdstat::kFlags, static_cast<uint16_t>(descriptor->flags));
  GuestMemory::StoreTo<uint64_t>(record, Fdstat::kRightsBase, descriptor->base);
  GuestMemory::StoreTo<uint64_t>(record, Fdstat::kRightsInheriting, descriptor->inheriting);
  return Errno::kSuccess;
}

Errno Context::FdFdstatSetFlags(GuestMemory /*memory*/, uint32_t fd, uint32_t flags) {
  ASSIGN_OR_RETURN(Descriptor * descriptor, descriptors_.Get(fd, rights::kFdFdstatSetFlags));
  if ((flags & ~fdflags::kKnown) != 0) return Errno::kInval;
  const uint32_t changed = flags ^ descriptor->flags;
  // Linux cannot change how writes of an open file are synchronised.
  if ((changed & (fdflags::kDsync | fdflags::kRsync | fdflags::kSync)) != 0) return Errno::kNotsup;
  if (descriptor->shared) {
    if ((changed & fdflags::kAppend) != 0) return Errno::kNotsup;
  } else if (changed != 0) {
    int host_flags = fcntl(descriptor->host.get(), F_GETFL);
    if (host_flags < 0) return LastHostErrno();
    host_flags &= ~(O_APPEND | O_NONBLOCK);
    if ((flags & fdflags::kAppend) != 0) host_flags |= O_APPEND;
    if ((flags & fdflags::kNonblock) != 0) host_flags |= O_NONBLOCK;
    if (fcntl(descriptor->host.get(), F_SETFL, host_flags) != 0) return LastHostErrno();
  }
  descriptor->flags = flags;
  return Errno::kSuccess;
}

Errno Context::FdFdstatSetRights(GuestMemory /*memory*/, uint32_t fd, uint64_t base,
                                 uint64_t inheriting) {
  ASSIGN_OR_RETURN(Descriptor * descriptor, descriptors_.Get(fd));
  if ((base & ~descriptor->base) != 0 || (inheriting & ~descriptor->inheriting) != 0) {
    return Errno::kNotcapable;
  }
  descriptor->base = base;
  descriptor->inheriting = inheriting;
  return Errno::kSuccess;
}

Errno Context::FdFilestatGet(GuestMemory memory, uint32_t fd, uint32_t filestat_out) {
  GANTRY_RETURN_IF_ERRNO(memory.Range(filestat_out, layout::Filestat::kSize).status());
  ASSIGN_OR_RETURN(Descriptor * descriptor, descriptors_.Get(fd, rights::kFdFilestatGet));
  struct stat status;
  if (fstat(descriptor->host.get(), &status) != 0) return LastHostErrno();
  return StoreFilestat(memory, filestat_out, status, descriptor->type);
}

Errno Context::FdFilestatSetSize(GuestMemory /*memory*/, uint32_t fd, uint64_t size) {
  ASSIGN_OR_RETURN(Descriptor * descriptor, descriptors_.Get(fd, rights::kFdFilestatSetSize));
  if (size > kMaxOffset) return Errno::kFbig;
  for (;;) {
    if (ftruncate(descriptor->host.get(), static_cast<off_t>(size)) == 0) return Errno::kSuccess;
    if (errno != EINTR) return LastHostErrno();
  }
}

Errno Context::FdFilestatSetTimes(GuestMemory /*memory*/, uint32_t fd, uint64_t access_time,
                                  uint64_t modification_time, uint32_t flags) {
  ASSIGN_OR_RETURN(Descriptor * descriptor, descriptors_.Get(fd, rights::kFdFilestatSetTimes));
  ASSIGN_OR_RETURN(const auto times, MakeTimes(access_time, modification_time, flags));
  return HostResult(futimens(descriptor->host.get(), times.data()));
}

Errno Context::FdPread(GuestMemory memory, uint32_t fd, uint32_t iovs, uint32_t iovs_length,
                       uint64_t offset, uint32_t read_out) {
  GANTRY_RETURN_IF_ERRNO(memory.Range(read_out, sizeof(uint32_t)).status());
  ASSIGN_OR_RETURN(Descriptor * descriptor,
                   descriptors_.Get(fd, rights::kFdRead | rights::kFdSeek));
  if (offset > kMaxOffset) return Errno::kInval;
  ASSIGN_OR_RETURN(const std::vector<iovec> vectors, LoadIovecs(memory, iovs, iovs_length));
  return Transfer(memory, read_out, [&] {
    return preadv(descriptor->host.get(), vectors.data(), static_cast<int>(vectors.size()),
                  static_cast<off_t>(offset));
  });
}

Errno Context::FdPrestatGet(GuestMemory memory, uint32_t fd, uint32_t prestat_out) {
  using layout::Prestat;
  ASSIGN_OR_RETURN(const absl::Span<uint8_t> record, memory.Range(prestat_out, Prestat::kSize));
  ASSIGN_OR_RETURN(Descriptor * descriptor, descriptors_.Get(fd));
  if (!descriptor->preopen_name.has_value()) return Errno::kBadf;
  std::fill(record.begin(), record.end(), uint8_t{0});
  GuestMemory::StoreTo<uint32_t>(record, Prestat::kNameLen,
                                 static_cast<uint32_t>(descriptor->preopen_name->size()));
  return Errno::kSuccess;
}

Errno Context::FdPrestatDirName(GuestMemory memory, uint32_t fd, uint32_t path_out,
                                uint32_t path_length) {
  ASSIGN_OR_RETURN(const absl::Span<uint8_t> buffer, memory.Range(path_out, path_length));
  ASSIGN_OR_RETURN(Descriptor * descriptor, descriptors_.Get(fd));
  if (!descriptor->preopen_name.has_value()) return Errno::kBadf;
  const std::string& name = *descriptor->preopen_name;
  if (buffer.size() < name.size()) return Errno::kNametoolong;
  std::copy(name.begin(), name.end(), buffer.begin());
  return Errno::kSuccess;
}

Errno Context::FdPwrite(GuestMemory memory, uint32_t fd, uint32_t iovs, uint32_t iovs_length,
                        uint64_t offset, uint32_t written_out) {
  GANTRY_RETURN_IF_ERRNO(memory.Range(written_out, sizeof(uint32_t)).status());
  ASSIGN_OR_RETURN(Descriptor * descriptor,
                   descriptors_.Get(fd, rights::kFdWrite | rights::kFdSeek));
  if (offset > kMaxOffset) return Errno::kInval;
  ASSIGN_OR_RETURN(const std::vector<iovec> vectors, LoadIovecs(memory, iovs, iovs_length));
  return Transfer(memory, written_out, [&] {
    return pwritev(descriptor->host.get(), vectors.data(), static_cast<int>(vectors.size()),
                   static_cast<off_t>(offset));
  });
}

Errno Context::FdRead(GuestMemory memory, uint32_t fd, uint32_t iovs, uint32_t iovs_length,
                      uint32_t read_out) {
  GANTRY_RETURN_IF_ERRNO(memory.Range(read_out, sizeof(uint32_t)).status());
  ASSIGN_OR_RETURN(Descriptor * descriptor, descriptors_.Get(fd, rights::kFdRead));
  ASSIGN_OR_RETURN(const std::vector<iovec> vectors, LoadIovecs(memory, iovs, iovs_length));
  GANTRY_RETURN_IF_ERRNO(CheckEmulatedNonblock(*descriptor, POLLIN));
  return Transfer(memory, read_out, [&] {
    return readv(descriptor->host.get(), vectors.data(), static_cast<int>(vectors.size()));
  });
}

Errno Context::FdReaddir(GuestMemory memory, uint32_t fd, uint32_t buffer_out,
                         uint32_t buffer_length, uint64_t cookie, uint32_t used_out) {
  using layout::Dirent;
  GANTRY_RETURN_IF_ERRNO(memory.Range(used_out, sizeof(uint32_t)).status());
  ASSIGN_OR_RETURN(const absl::Span<uint8_t> buffer, memory.Range(buffer_out, buffer_length));
  ASSIGN_OR_RETURN(Descriptor * descriptor, descriptors_.GetDirectory(fd, rights::kFdReaddir));
  std::vector<int64_t>& listed = descriptor->listed;
  if (cookie > listed.size()) return Errno::kInval;
  const off_t position = cookie == 0 ? 0 : listed[cookie - 1];
  if (lseek(descriptor->host.get(), position, SEEK_SET) < 0) return LastHostErrno();
  // An entry that does not fit is cut: a full buffer tells the guest to ask again with more room.
  uint32_t used = 0;
  const auto append = [&](const void* bytes, size_t size) {
    const uint32_t taken = static_cast<uint32_t>(std::min<size_t>(size, buffer.size() - used));
    std::memcpy(buffer.data() + used, bytes, taken);
    used += taken;
  };
  DirectoryReader reader(descriptor->host.get());
  while (used < buffer.size()) {
    ASSIGN_OR_RETURN(const std::optional<DirectoryReader::Entry> entry, reader.Next());
    if (!entry.has_value()) break;
    if (cookie == listed.size()) listed.push_back(0);
    listed[cookie++] = entry->next;
    uint8_t header[Dirent::kSize] = {};
    const absl::Span<uint8_t> record(header);
    GuestMemory::StoreTo<uint64_t>(record, Dirent::kNext, cookie);
    GuestMemory::StoreTo<uint64_t>(record, Dirent::kIno, entry->inode);
    GuestMemory::StoreTo<uint32_t>(record, Dirent::kNamlen, entry->name_length);
    GuestMemory::StoreTo<uint8_t>(record, Dirent::kType, static_cast<uint8_t>(entry->type));
    append(header, sizeof(header));
    append(entry->name, entry->name_length);
  }
  return memory.Store<uint32_t>(used_out, used);
}

Errno Context::FdRenumber(GuestMemory /*memory*/, uint32_t from, uint32_t to) {
  return descriptors_.Renumber(from, to);
}

Errno Context::FdSeek(GuestMemory memory, uint32_t fd, uint64_t offset, uint32_t whence,
                      uint32_t position_out) {
  GANTRY_RETURN_IF_ERRNO(memory.Range(position_out, sizeof(uint64_t)).status());
  const bool only_tells = offset == 0 && whence == static_cast<uint32_t>(Whence::kCur);
  if (only_tells) return FdTell(memory, fd, position_out);
  ASSIGN_OR_RETURN(Descriptor * descriptor, descriptors_.Get(fd, rights::kFdSeek));
  static constexpr int kHostWhence[] = {SEEK_SET, SEEK_CUR, SEEK_END};
  if (whence >= std::size(kHostWhence)) return Errno::kInval;
  const off_t position =
      lseek(descriptor->host.get(), static_cast<off_t>(offset), kHostWhence[whence]);
  if (position < 0) return LastHostErrno();
  return memory.Store<uint64_t>(position_out, static_cast<uint64_t>(position));
}

Errno Context::FdSync(GuestMemory /*memory*/, uint32_t fd) {
  ASSIGN_OR_RETURN(Descriptor * descriptor, descriptors_.Get(fd, rights::kFdSync));
  return HostResult(fsync(descriptor->host.get()));
}

Errno Context::FdTell(GuestMemory memory, uint32_t fd, uint32_t position_out) {
  GANTRY_RETURN_IF_ERRNO(memory.Range(position_out, sizeof(uint64_t)).status());
  ASSIGN_OR_RETURN(Descriptor * descriptor, descriptors_.Get(fd));
  // The right to seek includes the right to ask where.
  if ((descriptor->base & (rights::kFdTell | rights::kFdSeek)) == 0) return Errno::kNotcapable;
  const off_t position = lseek(descriptor->host.get(), 0, SEEK_CUR);
  if (position < 0) return LastHostErrno();
  return memory.Store<uint64_t>(position_out, static_cast<uint64_t>(position));
}

Errno Context::FdWrite(GuestMemory memory, uint32_t fd, uint32_t iovs, uint32_t iovs_length,
                       uint32_t written_out) {
  GANTRY_RETURN_IF_ERRNO(memory.Range(written_out, sizeof(uint32_t)).status());
  ASSIGN_OR_RETURN(Descriptor * descriptor, descriptors_.Get(fd, rights::kFdWrite));
  ASSIGN_OR_RETURN(const std::vector<iovec> vectors, LoadIovecs(memory, iovs, iovs_length));
  GANTRY_RETURN_IF_ERRNO(CheckEmulatedNonblock(*descriptor, POLLOUT));
  const bool socket =
      descriptor->type == Filetype::kSocketStream || descriptor->type == Filetype::kSocketDgram;
  const SigpipeGuard guard(descriptor->pipe || socket);
  return Transfer(memory, written_out, [&] {
    return writev(descriptor->host.get(), vectors.data(), static_cast<int>(vectors.size()));
  });
}

}  // namespace gantry::wasi
