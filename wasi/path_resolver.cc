#include "wasi/path_resolver.h"

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gantry::wasi {
namespace {

// As the kernel: the 41st link on the way is one too many.
constexpr int kMaxLinks = 40;

// How often a resolution that the kernel gave up for a concurrent rename is tried again.
constexpr int kMaxRaces = 32;

constexpr int kAlwaysFlags = O_CLOEXEC | O_NOCTTY;

bool IsDots(absl::string_view name) { return name == "." || name == ".."; }

// Without its trailing slashes; "" for a path of nothing else.
absl::string_view StripSlashes(absl::string_view path) {
  while (!path.empty() && path.back() == '/') path.remove_suffix(1);
  return path;
}

Errno CheckRelative(absl::string_view path) {
  if (path.empty()) return Errno::kNoent;
  if (path.front() == '/') return Errno::kPerm;
  if (path.size() >= PATH_MAX) return Errno::kNametoolong;
  return Errno::kSuccess;
}

// The text of the link `name` in `directory` (of `directory` itself when `name` is empty and
// it was opened as a link). kInval for what is not a link.
ErrnoOr<std::string> ReadLink(int directory, const char* name) {
  std::array<char, PATH_MAX> text;
  const ssize_t length = readlinkat(directory, name, text.data(), text.size());
  if (length < 0) return LastHostErrno();
  if (static_cast<size_t>(length) >= text.size()) return Errno::kNametoolong;
  if (length == 0) return Errno::kNoent;
  if (text[0] == '/') return Errno::kPerm;
  return std::string(text.data(), static_cast<size_t>(length));
}

// openat2 beneath `root`. kAgain when it kept racing with renames.
ErrnoOr<ScopedFd> KernelOpen(int root, const std::string& path, int flags, mode_t mode) {
  open_how how = {};
  how.flags = static_cast<uint64_t>(flags);
  how.mode = (flags & O_CREAT) != 0 ? mode : 0;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  for (int attempt = 0; attempt < kMaxRaces;) {
    const long fd = syscall(SYS_openat2, root, path.c_str(), &how, sizeof(how));
    if (fd >= 0) return ScopedFd(static_cast<int>(fd));
    if (errno == EINTR) continue;
    if (errno == EXDEV) return Errno::kPerm;
    if (errno != EAGAIN) return LastHostErrno();
    ++attempt;
  }
  return Errno::kAgain;
}

ErrnoOr<ScopedFd> PlainOpen(int directory, const std::string& name, int flags, mode_t mode) {
  for (;;) {
    ScopedFd fd(openat(directory, name.c_str(), flags | O_NOFOLLOW, mode));
    if (fd.is_open()) return fd;
    if (errno != EINTR) return LastHostErrno();
  }
}

// The state of one component-wise walk: where it stands, and what is left to go.
class Walk {
 public:
  explicit Walk(int root) : root_(root) {}

  ErrnoOr<ResolvedPath> Run(absl::string_view path, LastLink last_link) {
    GANTRY_RETURN_IF_ERRNO(CheckRelative(path));
    if (path.back() == '/') needs_directory_ = true;
    Push(path);
    while (!pending_.empty()) {
      const std::string name = std::move(pending_.back());
      pending_.pop_back();
      const bool last = pending_.empty();
      if (name == "." || name == "..") {
        if (name == "..") GANTRY_RETURN_IF_ERRNO(GoUp());
        if (last) return Finish(".");
        continue;
      }
      if (last && last_link != LastLink::kFollow &&
          !(last_link == LastLink::kFollowForTrailingSlash && needs_directory_)) {
        return Finish(name);
      }
      ErrnoOr<ScopedFd> next = PlainOpen(here(), name, O_PATH | O_CLOEXEC, 0);
      if (!next.ok()) {
        // The operation on a missing last name finds out by itself, or creates it.
        if (last && next.status() == Errno::kNoent) return Finish(name);
        return next.status();
      }
      struct stat status;
      if (fstat(next->get(), &status) != 0) return LastHostErrno();
      if (S_ISLNK(status.st_mode)) {
        if (++links_ > kMaxLinks) return Errno::kLoop;
        // The text is read from the very link that was opened, whatever bears its name by now.
        ASSIGN_OR_RETURN(const std::string target, ReadLink(next->get(), ""));
        if (last && target.back() == '/') needs_directory_ = true;
        Push(target);
        continue;
      }
      if (last) return Finish(name);
      if (!S_ISDIR(status.st_mode)) return Errno::kNotdir;
      here_ = *std::move(next);
      entered_.push_back(name);
    }
    return Finish(".");
  }

 private:
  int here() const { return here_.is_open() ? here_.get() : root_; }

  // Puts the components of `path` before what is left to go.
  void Push(absl::string_view path) {
    size_t end = path.size();
    while (end > 0) {
      while (end > 0 && path[end - 1] == '/') --end;
      size_t begin = end;
      while (begin > 0 && path[begin - 1] != '/') --begin;
      if (begin < end) pending_.emplace_back(path.substr(begin, end - begin));
      end = begin;
    }
  }

  // To the parent, by walking down again from the root: opening ".." would follow wherever the
  // directory was moved meanwhile, and a descriptor per level would let a path use them up.
  Errno GoUp() {
    if (entered_.empty()) return Errno::kPerm;
    entered_.pop_back();
    here_.Reset();
    for (const std::string& name : entered_) {
      ErrnoOr<ScopedFd> next = PlainOpen(here(), name, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
      if (!next.ok()) return next.status();
      here_ = *std::move(next);
    }
    return Errno::kSuccess;
  }

  ResolvedPath Finish(std::string leaf) {
    ResolvedPath result;
    result.borrowed = root_;
    result.owned = std::move(here_);
    result.is_parent = leaf == ".";
    result.leaf = std::move(leaf);
    result.needs_directory = needs_directory_;
    return result;
  }

  const int root_;
  ScopedFd here_;                     // empty at the root
  std::vector<std::string> entered_;  // names from the root to here, none of them a link
  std::vector<std::string> pending_;  // components left, the next one at the back
  int links_ = 0;
  bool needs_directory_ = false;
};

ErrnoOr<ResolvedPath> KernelResolve(int root, absl::string_view guest_path, LastLink last_link) {
  std::string path(guest_path);
  bool needs_directory = false;
  for (int links = 0;;) {
    GANTRY_RETURN_IF_ERRNO(CheckRelative(path));
    absl::string_view rest = StripSlashes(path);
    if (rest.size() != path.size()) needs_directory = true;
    const size_t slash = rest.rfind('/');
    absl::string_view directory =
        slash == absl::string_view::npos ? absl::string_view() : rest.substr(0, slash);
    std::string leaf(slash == absl::string_view::npos ? rest : rest.substr(slash + 1));
    if (IsDots(leaf)) {
      directory = rest;
      leaf = ".";
    }
    ResolvedPath result;
    result.borrowed = root;
    result.needs_directory = needs_directory;
    if (!directory.empty()) {
      ErrnoOr<ScopedFd> parent =
          KernelOpen(root, std::string(directory), O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
      if (!parent.ok()) return parent.status();
      result.owned = *std::move(parent);
    }
    const bool follow = last_link == LastLink::kFollow ||
                        (last_link == LastLink::kFollowForTrailingSlash && needs_directory);
    if (leaf != "." && follow) {
      ErrnoOr<std::string> target = ReadLink(result.parent(), leaf.c_str());
      if (target.ok()) {
        if (++links > kMaxLinks) return Errno::kLoop;
        path = directory.empty() ? *std::move(target) : absl::StrCat(directory, "/", *target);
        continue;
      }
      // Not a link, or nothing there: the operation finds out by itself.
      if (target.status() != Errno::kInval && target.status() != Errno::kNoent) {
        return target.status();
      }
    }
    result.is_parent = leaf == ".";
    result.leaf = std::move(leaf);
    return result;
  }
}

ErrnoOr<ScopedFd> WalkOpen(int root, absl::string_view path, int flags, mode_t mode) {
  // As open(2): an exclusive creation finds a link at the end to exist, wherever it leads.
  const bool exclusive = (flags & (O_CREAT | O_EXCL)) == (O_CREAT | O_EXCL);
  const bool follow = (flags & O_NOFOLLOW) == 0 && !exclusive;
  for (int attempt = 0; attempt < kMaxRaces; ++attempt) {
    ASSIGN_OR_RETURN(
        ResolvedPath resolved,
        Walk(root).Run(path, follow ? LastLink::kFollow : LastLink::kFollowForTrailingSlash));
    if ((flags & O_CREAT) != 0 && (resolved.needs_directory || resolved.is_parent)) {
      return Errno::kIsdir;
    }
    const int directory_flag = resolved.needs_directory ? O_DIRECTORY : 0;
    ErrnoOr<ScopedFd> fd =
        PlainOpen(resolved.parent(), resolved.leaf, flags | directory_flag, mode);
    // The name became a link after it was found not to be one.
    if (!fd.ok() && fd.status() == Errno::kLoop && follow) continue;
    return fd;
  }
  return Errno::kAgain;
}

}  // namespace

ResolveStrategy DetectResolveStrategy() {
  open_how how = {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS;
  const ScopedFd root(open("/", O_PATH | O_DIRECTORY | O_CLOEXEC));
  if (!root.is_open()) return ResolveStrategy::kWalk;
  const ScopedFd fd(static_cast<int>(syscall(SYS_openat2, root.get(), ".", &how, sizeof(how))));
  return fd.is_open() ? ResolveStrategy::kKernel : ResolveStrategy::kWalk;
}

ErrnoOr<ResolvedPath> ResolveBeneath(ResolveStrategy strategy, int root, absl::string_view path,
                                     LastLink last_link) {
  if (strategy == ResolveStrategy::kKernel) {
    ErrnoOr<ResolvedPath> resolved = KernelResolve(root, path, last_link);
    if (resolved.ok() || resolved.status() != Errno::kAgain) return resolved;
  }
  return Walk(root).Run(path, last_link);
}

ErrnoOr<ScopedFd> OpenBeneath(ResolveStrategy strategy, int root, absl::string_view path, int flags,
                              mode_t mode) {
  GANTRY_RETURN_IF_ERRNO(CheckRelative(path));
  flags |= kAlwaysFlags;
  // The kernel refuses to create "name/" before it looks where that would be.
  const bool creates_with_slash = (flags & O_CREAT) != 0 && path.back() == '/';
  if (strategy == ResolveStrategy::kKernel && !creates_with_slash) {
    ErrnoOr<ScopedFd> fd = KernelOpen(root, std::string(path), flags, mode);
    if (fd.ok() || fd.status() != Errno::kAgain) return fd;
  }
  return WalkOpen(root, path, flags, mode);
}

}  // namespace gantry::wasi
