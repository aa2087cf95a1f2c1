// The path_* calls. Each resolves its paths beneath the descriptor's directory first, and then
// works on the parent and the plain last name without following links.
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/status_macros.h"
#include "wasi/context.h"
#include "wasi/guest_io.h"

namespace gantry::wasi {
namespace {

Errno HostResult(int result) { return result == 0 ? Errno::kSuccess : LastHostErrno(); }

ErrnoOr<LastLink> LastLinkOf(uint32_t lookup_flags) {
  if ((lookup_flags & ~lookupflags::kSymlinkFollow) != 0) return Errno::kInval;
  return lookup_flags != 0 ? LastLink::kFollow : LastLink::kFollowForTrailingSlash;
}

// What is at the path, itself; kNotdir where a trailing slash asks for a directory.
Errno Stat(const ResolvedPath& path, struct stat* status) {
  if (fstatat(path.parent(), path.leaf.c_str(), status, AT_SYMLINK_NOFOLLOW) != 0) {
    return LastHostErrno();
  }
  if (path.needs_directory && !S_ISDIR(status->st_mode)) return Errno::kNotdir;
  return Errno::kSuccess;
}

Errno CheckTrailingSlash(const ResolvedPath& path) {
  if (!path.needs_directory) return Errno::kSuccess;
  struct stat status;
  return Stat(path, &status);
}

// Whether a new entry that is not a directory may get this name.
Errno CheckNewName(const ResolvedPath& path) {
  if (path.is_parent) return Errno::kExist;
  if (!path.needs_directory) return Errno::kSuccess;
  struct stat status;
  const Errno error = Stat(path, &status);
  return error == Errno::kSuccess || error == Errno::kNotdir ? Errno::kExist : error;
}

// A file may not come to where the embedder granted more than where it is.
Errno CheckGrants(const Descriptor& from, const Descriptor& to) {
  return (to.granted & ~from.granted) == 0 ? Errno::kSuccess : Errno::kNotcapable;
}

}  // namespace

Errno Context::PathCreateDirectory(GuestMemory memory, uint32_t fd, uint32_t path,
                                   uint32_t path_length) {
  ASSIGN_OR_RETURN(Descriptor * directory,
                   descriptors_.GetDirectory(fd, rights::kPathCreateDirectory));
  ASSIGN_OR_RETURN(const std::string name, LoadPath(memory, path, path_length));
  ASSIGN_OR_RETURN(const ResolvedPath resolved,
                   ResolveBeneath(strategy_, directory->host.get(), name, LastLink::kKeep));
  if (resolved.is_parent) return Errno::kExist;
  return HostResult(mkdirat(resolved.parent(), resolved.leaf.c_str(), 0777));
}

Errno Context::PathFilestatGet(GuestMemory memory, uint32_t fd, uint32_t lookup_flags,
                               uint32_t path, uint32_t path_length, uint32_t filestat_out) {
  GANTRY_RETURN_IF_ERRNO(memory.Range(filestat_out, layout::Filestat::kSize).status());
  ASSIGN_OR_RETURN(Descriptor * directory, descriptors_.GetDirectory(fd, rights::kPathFilestatGet));
  ASSIGN_OR_RETURN(const LastLink last_link, LastLinkOf(lookup_flags));
  ASSIGN_OR_RETURN(const std::string name, LoadPath(memory, path, path_length));
  ASSIGN_OR_RETURN(const ResolvedPath resolved,
                   ResolveBeneath(strategy_, directory->host.get(), name, last_link));
  struct stat status;
  GANTRY_RETURN_IF_ERRNO(Stat(resolved, &status));
  return StoreFilestat(memory, filestat_out, status, FiletypeOfMode(status.st_mode));
}

Errno Context::PathFilestatSetTimes(GuestMemory memory, uint32_t fd, uint32_t lookup_flags,
                                    uint32_t path, uint32_t path_length, uint64_t access_time,
                                    uint64_t modification_time, uint32_t flags) {
  ASSIGN_OR_RETURN(Descriptor * directory,
                   descriptors_.GetDirectory(fd, rights::kPathFilestatSetTimes));
  ASSIGN_OR_RETURN(const LastLink last_link, LastLinkOf(lookup_flags));
  ASSIGN_OR_RETURN(const auto times, MakeTimes(access_time, modification_time, flags));
  ASSIGN_OR_RETURN(const std::string name, LoadPath(memory, path, path_length));
  ASSIGN_OR_RETURN(const ResolvedPath resolved,
                   ResolveBeneath(strategy_, directory->host.get(), name, last_link));
  GANTRY_RETURN_IF_ERRNO(CheckTrailingSlash(resolved));
  return HostResult(
      utimensat(resolved.parent(), resolved.leaf.c_str(), times.data(), AT_SYMLINK_NOFOLLOW));
}

Errno Context::PathLink(GuestMemory memory, uint32_t old_fd, uint32_t old_lookup_flags,
                        uint32_t old_path, uint32_t old_path_length, uint32_t new_fd,
                        uint32_t new_path, uint32_t new_path_length) {
  ASSIGN_OR_RETURN(Descriptor * from, descriptors_.GetDirectory(old_fd, rights::kPathLinkSource));
  ASSIGN_OR_RETURN(Descriptor * to, descriptors_.GetDirectory(new_fd, rights::kPathLinkTarget));
  GANTRY_RETURN_IF_ERRNO(CheckGrants(*from, *to));
  ASSIGN_OR_RETURN(const LastLink last_link, LastLinkOf(old_lookup_flags));
  ASSIGN_OR_RETURN(const std::string old_name, LoadPath(memory, old_path, old_path_length));
  ASSIGN_OR_RETURN(const std::string new_name, LoadPath(memory, new_path, new_path_length));
  ASSIGN_OR_RETURN(const ResolvedPath source,
                   ResolveBeneath(strategy_, from->host.get(), old_name, last_link));
  ASSIGN_OR_RETURN(const ResolvedPath target,
                   ResolveBeneath(strategy_, to->host.get(), new_name, LastLink::kKeep));
  if (source.is_parent) return Errno::kPerm;
  GANTRY_RETURN_IF_ERRNO(CheckTrailingSlash(source));
  GANTRY_RETURN_IF_ERRNO(CheckNewName(target));
  return HostResult(
      linkat(source.parent(), source.leaf.c_str(), target.parent(), target.leaf.c_str(), 0));
}

Errno Context::PathOpen(GuestMemory memory, uint32_t fd, uint32_t lookup_flags, uint32_t path,
                        uint32_t path_length, uint32_t open_flags, uint64_t base,
                        uint64_t inheriting, uint32_t flags, uint32_t fd_out) {
  GANTRY_RETURN_IF_ERRNO(memory.Range(fd_out, sizeof(uint32_t)).status());
  // Creating and truncating need rights of their own; synchronised writing that of a sync, which
  // for both kinds the stronger one includes.
  Rights needed = rights::kPathOpen;
  if ((open_flags & oflags::kCreat) != 0) needed |= rights::kPathCreateFile;
  if ((open_flags & oflags::kTrunc) != 0) needed |= rights::kPathFilestatSetSize;
  if ((flags & (fdflags::kRsync | fdflags::kSync)) != 0) needed |= rights::kFdSync;
  ASSIGN_OR_RETURN(Descriptor * directory, descriptors_.GetDirectory(fd, needed));
  if ((flags & fdflags::kDsync) != 0 &&
      (directory->base & (rights::kFdDatasync | rights::kFdSync)) == 0) {
    return Errno::kNotcapable;
  }
  if (((base | inheriting) & ~directory->inheriting) != 0) return Errno::kNotcapable;

  if ((open_flags & ~oflags::kKnown) != 0 || (flags & ~fdflags::kKnown) != 0) return Errno::kInval;
  ASSIGN_OR_RETURN(const LastLink last_link, LastLinkOf(lookup_flags));
  const bool only_directory = (open_flags & oflags::kDirectory) != 0;
  if (only_directory && (open_flags & oflags::kCreat) != 0) return Errno::kInval;

  // The host's access mode is the least that serves the rights.
  const bool reads = (base & (rights::kFdRead | rights::kFdReaddir)) != 0;
  const bool writes =
      (base & (rights::kFdWrite | rights::kFdAllocate | rights::kFdFilestatSetSize)) != 0 &&
      !only_directory;
  if (writes && directory->read_only) return Errno::kRofs;
  int host_flags = !writes ? O_RDONLY : reads ? O_RDWR : O_WRONLY;
  if (only_directory) host_flags |= O_DIRECTORY;
  if ((open_flags & oflags::kCreat) != 0) host_flags |= O_CREAT;
  if ((open_flags & oflags::kExcl) != 0) host_flags |= O_EXCL;
  if ((open_flags & oflags::kTrunc) != 0) host_flags |= O_TRUNC;
  if ((flags & fdflags::kAppend) != 0) host_flags |= O_APPEND;
  if ((flags & fdflags::kNonblock) != 0) host_flags |= O_NONBLOCK;
  if ((flags & fdflags::kDsync) != 0) host_flags |= O_DSYNC;
  if ((flags & (fdflags::kRsync | fdflags::kSync)) != 0) host_flags |= O_SYNC;
  if (last_link != LastLink::kFollow) host_flags |= O_NOFOLLOW;

  ASSIGN_OR_RETURN(const std::string name, LoadPath(memory, path, path_length));
  if (!descriptors_.HasRoom()) return Errno::kMfile;
  Descriptor opened;
  ASSIGN_OR_RETURN(opened.host,
                   OpenBeneath(strategy_, directory->host.get(), name, host_flags, 0666));
  ASSIGN_OR_RETURN(opened.type, FiletypeOf(opened.host.get()));
  switch (opened.type) {
    case Filetype::kDirectory:
      opened.base = base & rights::kDirectory;
      opened.inheriting = inheriting;
      break;
    case Filetype::kRegularFile:
    case Filetype::kBlockDevice:
      opened.base = base & rights::kRegularFile;
      break;
    case Filetype::kCharacterDevice:
      opened.base =
          base & (isatty(opened.host.get()) == 1 ? rights::kStream : rights::kRegularFile);
      break;
    default:
      opened.base = base & rights::kStream;
      opened.pipe = true;
  }
  opened.flags = flags;
  opened.read_only = directory->read_only;
  opened.granted = directory->granted;
  ASSIGN_OR_RETURN(const uint32_t number, descriptors_.Insert(std::move(opened)));
  return memory.Store<uint32_t>(fd_out, number);
}

Errno Context::PathReadlink(GuestMemory memory, uint32_t fd, uint32_t path, uint32_t path_length,
                            uint32_t buffer_out, uint32_t buffer_length, uint32_t used_out) {
  GANTRY_RETURN_IF_ERRNO(memory.Range(used_out, sizeof(uint32_t)).status());
  ASSIGN_OR_RETURN(const absl::Span<uint8_t> buffer, memory.Range(buffer_out, buffer_length));
  ASSIGN_OR_RETURN(Descriptor * directory, descriptors_.GetDirectory(fd, rights::kPathReadlink));
  ASSIGN_OR_RETURN(const std::string name, LoadPath(memory, path, path_length));
  ASSIGN_OR_RETURN(
      const ResolvedPath resolved,
      ResolveBeneath(strategy_, directory->host.get(), name, LastLink::kFollowForTrailingSlash));
  GANTRY_RETURN_IF_ERRNO(CheckTrailingSlash(resolved));
  std::array<char, PATH_MAX> text;
  const ssize_t length =
      readlinkat(resolved.parent(), resolved.leaf.c_str(), text.data(), text.size());
  if (length < 0) return LastHostErrno();
  // Where an absolute link leads is the host's business.
  if (length > 0 && text[0] == '/') return Errno::kPerm;
  const uint32_t used =
      std::min(static_cast<uint32_t>(length), static_cast<uint32_t>(buffer.size()));
  std::copy(text.begin(), text.begin() + used, buffer.begin());
  return memory.Store<uint32_t>(used_out, used);
}

Errno Context::PathRemoveDirectory(GuestMemory memory, uint32_t fd, uint32_t path,
                                   uint32_t path_length) {
  ASSIGN_OR_RETURN(Descriptor * directory,
                   descriptors_.GetDirectory(fd, rights::kPathRemoveDirectory));
  ASSIGN_OR_RETURN(const std::string name, LoadPath(memory, path, path_length));
  ASSIGN_OR_RETURN(const ResolvedPath resolved,
                   ResolveBeneath(strategy_, directory->host.get(), name, LastLink::kKeep));
  if (resolved.is_parent) return Errno::kInval;
  return HostResult(unlinkat(resolved.parent(), resolved.leaf.c_str(), AT_REMOVEDIR));
}

Errno Context::PathRename(GuestMemory memory, uint32_t old_fd, uint32_t old_path,
                          uint32_t old_path_length, uint32_t new_fd, uint32_t new_path,
                          uint32_t new_path_length) {
  ASSIGN_OR_RETURN(Descriptor * from, descriptors_.GetDirectory(old_fd, rights::kPathRenameSource));
  ASSIGN_OR_RETURN(Descriptor * to, descriptors_.GetDirectory(new_fd, rights::kPathRenameTarget));
  GANTRY_RETURN_IF_ERRNO(CheckGrants(*from, *to));
  ASSIGN_OR_RETURN(const std::string old_name, LoadPath(memory, old_path, old_path_length));
  ASSIGN_OR_RETURN(const std::string new_name, LoadPath(memory, new_path, new_path_length));
  ASSIGN_OR_RETURN(const ResolvedPath source,
                   ResolveBeneath(strategy_, from->host.get(), old_name, LastLink::kKeep));
  ASSIGN_OR_RETURN(const ResolvedPath target,
                   ResolveBeneath(strategy_, to->host.get(), new_name, LastLink::kKeep));
  if (source.is_parent || target.is_parent) return Errno::kBusy;
  if (source.needs_directory || target.needs_directory) {
    struct stat status;
    GANTRY_RETURN_IF_ERRNO(Stat(source, &status));
    if (!S_ISDIR(status.st_mode)) return Errno::kNotdir;
  }
  return HostResult(
      renameat(source.parent(), source.leaf.c_str(), target.parent(), target.leaf.c_str()));
}

Errno Context::PathSymlink(GuestMemory memory, uint32_t target, uint32_t target_length, uint32_t fd,
                           uint32_t path, uint32_t path_length) {
  ASSIGN_OR_RETURN(Descriptor * directory, descriptors_.GetDirectory(fd, rights::kPathSymlink));
  ASSIGN_OR_RETURN(const std::string text, LoadPath(memory, target, target_length));
  ASSIGN_OR_RETURN(const std::string name, LoadPath(memory, path, path_length));
  if (text.empty()) return Errno::kNoent;
  // The guest could not follow it, but a program on the host would.
  if (text.front() == '/') return Errno::kPerm;
  ASSIGN_OR_RETURN(const ResolvedPath resolved,
                   ResolveBeneath(strategy_, directory->host.get(), name, LastLink::kKeep));
  GANTRY_RETURN_IF_ERRNO(CheckNewName(resolved));
  return HostResult(symlinkat(text.c_str(), resolved.parent(), resolved.leaf.c_str()));
}

Errno Context::PathUnlinkFile(GuestMemory memory, uint32_t fd, uint32_t path,
                              uint32_t path_length) {
  ASSIGN_OR_RETURN(Descriptor * directory, descriptors_.GetDirectory(fd, rights::kPathUnlinkFile));
  ASSIGN_OR_RETURN(const std::string name, LoadPath(memory, path, path_length));
  ASSIGN_OR_RETURN(const ResolvedPath resolved,
                   ResolveBeneath(strategy_, directory->host.get(), name, LastLink::kKeep));
  if (resolved.is_parent) return Errno::kIsdir;
  if (resolved.needs_directory) {
    GANTRY_RETURN_IF_ERRNO(CheckTrailingSlash(resolved));
    return Errno::kIsdir;
  }
  return HostResult(unlinkat(resolved.parent(), resolved.leaf.c_str(), 0));
}

}  // namespace gantry::wasi
