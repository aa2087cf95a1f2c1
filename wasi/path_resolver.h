// Path resolution that cannot leave a directory: every path that a guest names goes through here.
//
// A path is relative to a directory descriptor and resolves to something beneath it, or fails with
// kPerm: absolute paths, `..` above the directory, and symbolic links that lead out, wherever in
// the path they stand. A resolved path is a descriptor of the parent directory and one plain
// name; operations on it use the *at calls without following links, so that no later change of
// the tree can redirect them out of the directory.
//
//   ErrnoOr<ResolvedPath> path = ResolveBeneath(strategy, root, "a/b", LastLink::kKeep);
//   unlinkat(path->parent(), path->leaf.c_str(), 0);
//
// Two strategies give the same answers: the kernel's (openat2 with RESOLVE_BENEATH), and a walk
// that opens one component at a time without following and expands links itself.
//
// Source: WASI filesystem path resolution (wasi-filesystem, path-resolution.md); openat2(2).
#ifndef GANTRY_WASI_PATH_RESOLVER_H_
#define GANTRY_WASI_PATH_RESOLVER_H_

#include <sys/types.h>

#include <string>

#include "absl/strings/string_view.h"
#include "wasi/errno.h"
#include "wasi/host_file.h"

namespace gantry::wasi {

enum class ResolveStrategy { kKernel, kWalk };

// kKernel where the running kernel (and its seccomp filter) lets openat2 through.
ResolveStrategy DetectResolveStrategy();

// Whether a symbolic link at the end of the path is followed.
enum class LastLink {
  kKeep,                    // never: the operation is on the link itself
  kFollowForTrailingSlash,  // only in "link/", as lstat(2) does
  kFollow,                  // always
};

struct ResolvedPath {
  // The directory that holds `leaf`: `owned`, or the descriptor that was resolved against.
  int parent() const { return owned.is_open() ? owned.get() : borrowed; }

  ScopedFd owned;
  int borrowed = -1;
  // A plain name, never "", ".." or one with slashes; nothing by that name need exist. Where
  // the path ends at the parent itself it is ".", and `is_parent` says so.
  std::string leaf;
  bool is_parent = false;
  // The path ended in a slash: what is there has to be a directory.
  bool needs_directory = false;
};

// Resolves `path` beneath the directory `root`. kNoent for an empty path or missing directory,
// kNotdir, kLoop after 40 links, kNametoolong, kPerm for a path that leaves `root`, and what the
// host reports. `path` holds no NUL.
ErrnoOr<ResolvedPath> ResolveBeneath(ResolveStrategy strategy, int root, absl::string_view path,
                                     LastLink last_link);

// Opens `path` beneath `root` as openat(2) does with `flags` and `mode`; O_CLOEXEC and O_NOCTTY are
// added. A link at the end is followed unless `flags` has O_NOFOLLOW.
ErrnoOr<ScopedFd> OpenBeneath(ResolveStrategy strategy, int root, absl::string_view path, int flags,
                              mode_t mode);

}  // namespace gantry::wasi

#endif  // GANTRY_WASI_PATH_RESOLVER_H_
