#include "environ/cache/directory_cache.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "absl/strings/escaping.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gantry::environ {
namespace {

// How many bytes entries take all together, as text; locked by whoever changes it.
constexpr char kUsage[] = "usage";
constexpr char kTemporary[] = "tmp.";
// A temporary file that is older was left by a process that ended.
constexpr time_t kAbandonedAfter = 3600;
// A directory is trimmed to so many parts of a hundred of the limit, not to be full again at once.
constexpr uint64_t kTrimToPercent = 80;
// A millisecond lies between attempts to lock the count.
constexpr int kLockAttempts = 200;

absl::Status Failure(absl::string_view what, absl::string_view name) {
  const int error = errno;
  return absl::UnavailableError(absl::StrCat("cannot ", what, " ", name, ": ", strerror(error)));
}

std::string NameOf(absl::string_view key) { return absl::BytesToHexString(key); }

bool IsEntry(absl::string_view name) {
  return name.size() >= 16 && name.find_first_not_of("0123456789abcdef") == absl::string_view::npos;
}

absl::Status MakeDirectories(const std::string& path) {
  for (size_t slash = path.find('/', 1);; slash = path.find('/', slash + 1)) {
    const std::string prefix = path.substr(0, slash);
    if (mkdir(prefix.c_str(), 0700) != 0 && errno != EEXIST) {
      return Failure("make the directory", prefix);
    }
    if (slash == std::string::npos) return absl::OkStatus();
  }
}

}  // namespace

// An open file, closed in the end.
class DirectoryCache::File {
 public:
  explicit File(int descriptor) : descriptor_(descriptor) {}
  ~File() {
    if (descriptor_ >= 0) close(descriptor_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;

  bool is_open() const { return descriptor_ >= 0; }
  int descriptor() const { return descriptor_; }

  // False where reading fails or the file is shorter.
  bool Read(char* to, size_t size) const {
    while (size > 0) {
      const ssize_t count = read(descriptor_, to, size);
      if (count < 0 && errno == EINTR) continue;
      if (count <= 0) return false;
      to += count;
      size -= static_cast<size_t>(count);
    }
    return true;
  }
  bool Write(absl::string_view bytes) const {
    while (!bytes.empty()) {
      const ssize_t count = write(descriptor_, bytes.data(), bytes.size());
      if (count < 0 && errno == EINTR) continue;
      if (count < 0) return false;
      bytes.remove_prefix(static_cast<size_t>(count));
    }
    return true;
  }

 private:
  const int descriptor_;
};

absl::StatusOr<std::shared_ptr<DirectoryCache>> DirectoryCache::Open(Options options) {
  if (options.path.empty()) return absl::UnavailableError("a cache directory without a name");
  RETURN_IF_ERROR(MakeDirectories(options.path));
  const int directory = open(options.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) return Failure("open the directory", options.path);
  struct stat status;
  if (fstat(directory, &status) != 0) {
    const absl::Status failure = Failure("look at the directory", options.path);
    close(directory);
    return failure;
  }
  if (status.st_uid != geteuid() || (status.st_mode & 077) != 0) {
    close(directory);
    return absl::FailedPreconditionError(
        absl::StrCat(options.path,
                     status.st_uid != geteuid() ? " belongs to another user" : " is open to others",
                     "; a cache of code has to be the user's own (chmod 700)"));
  }
  return std::shared_ptr<DirectoryCache>(new DirectoryCache(std::move(options), directory));
}

DirectoryCache::~DirectoryCache() {
  try {
    Settle();
  } catch (const std::bad_alloc&) {
    // The bytes are counted when the directory is listed the next time.
  }
  close(directory_);
}

void DirectoryCache::Report(const absl::Status& status) {
  if (options_.report) std::call_once(reported_, [&] { options_.report(status); });
}

std::string DirectoryCache::PathOf(absl::string_view key) const {
  return absl::StrCat(options_.path, "/", NameOf(key));
}

void DirectoryCache::Touch(absl::string_view key) {
  utimensat(directory_, NameOf(key).c_str(), nullptr, 0);
}

std::optional<std::string> DirectoryCache::Get(absl::string_view key) {
  const std::string name = NameOf(key);
  const File file(openat(directory_, name.c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!file.is_open()) {
    if (errno != ENOENT) Report(Failure("open the cache entry", PathOf(key)));
    return std::nullopt;
  }
  struct stat status;
  if (fstat(file.descriptor(), &status) != 0 || !S_ISREG(status.st_mode)) {
    Report(Failure("look at the cache entry", PathOf(key)));
    return std::nullopt;
  }
  std::string value(static_cast<size_t>(status.st_size), '\0');
  if (!file.Read(value.data(), value.size())) {
    Report(Failure("read the cache entry", PathOf(key)));
    return std::nullopt;
  }
  // A failure costs the entry its place in the order.
  if (time(nullptr) - status.st_mtime >= static_cast<time_t>(options_.touch_after_seconds)) {
    futimens(file.descriptor(), nullptr);
  }
  return value;
}

void DirectoryCache::Insert(absl::string_view key, absl::string_view value) {
  if (is_broken_.load(std::memory_order_relaxed) || value.size() > options_.max_bytes) return;
  const absl::Status status = Write(NameOf(key), value);
  if (!status.ok()) {
    // A full disk or one that can't be written is not tried again and again.
    is_broken_.store(true, std::memory_order_relaxed);
    Report(status);
    return;
  }
  // No process gets far over the limit before it looks.
  const uint64_t before = written_.fetch_add(value.size(), std::memory_order_relaxed);
  if (before + value.size() > options_.max_bytes / 4) Settle();
}

absl::Status DirectoryCache::Write(const std::string& name, absl::string_view value) {
  const std::string temporary =
      absl::StrCat(kTemporary, getpid(), ".", next_name_.fetch_add(1, std::memory_order_relaxed));
  {
    // One of that name is a leftover of an ended process of the same number.
    const File file(
        openat(directory_, temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
    if (!file.is_open()) return Failure("write to the cache", options_.path);
    if (!file.Write(value)) {
      const absl::Status failure = Failure("write to the cache", options_.path);
      unlinkat(directory_, temporary.c_str(), 0);
      return failure;
    }
  }
  if (renameat(directory_, temporary.c_str(), directory_, name.c_str()) != 0) {
    const absl::Status failure = Failure("write to the cache", options_.path);
    unlinkat(directory_, temporary.c_str(), 0);
    return failure;
  }
  return absl::OkStatus();
}

void DirectoryCache::Settle() {
  const std::lock_guard<std::mutex> lock(settling_);
  if (written_.load(std::memory_order_relaxed) == 0) return;
  const absl::Status status = Count();
  if (!status.ok()) {
    is_broken_.store(true, std::memory_order_relaxed);
    Report(status);
  }
}

absl::Status DirectoryCache::Count() {
  const File usage(openat(directory_, kUsage, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600));
  if (!usage.is_open()) return Failure("count the bytes of the cache", options_.path);
  for (int attempt = 0; flock(usage.descriptor(), LOCK_EX | LOCK_NB) != 0; ++attempt) {
    if (errno != EWOULDBLOCK && errno != EINTR) {
      return Failure("count the bytes of the cache", options_.path);
    }
    if (attempt == kLockAttempts) {
      // Whoever has it is stuck. Without the count the next one lists the directory.
      unlinkat(directory_, kUsage, 0);
      return absl::OkStatus();
    }
    const timespec pause = {0, 1'000'000};
    nanosleep(&pause, nullptr);
  }
  char text[32] = {};
  const ssize_t length = read(usage.descriptor(), text, sizeof text - 1);
  uint64_t total = 0;
  // More than any disk holds is damage.
  const bool is_known =
      length > 0 &&
      absl::SimpleAtoi(absl::string_view(text, static_cast<size_t>(length)), &total) &&
      total >> 60 == 0;
  if (!is_known) total = 0;
  total += written_.exchange(0, std::memory_order_relaxed);
  if (!is_known || total > options_.max_bytes) RETURN_IF_ERROR(Trim(&total));
  const std::string counted = absl::StrCat(total, "\n");
  if (lseek(usage.descriptor(), 0, SEEK_SET) != 0 || !usage.Write(counted) ||
      ftruncate(usage.descriptor(), static_cast<off_t>(counted.size())) != 0) {
    return Failure("count the bytes of the cache", options_.path);
  }
  return absl::OkStatus();
}

// Lists the directory and removes what is too much, the oldest first.
absl::Status DirectoryCache::Trim(uint64_t* total) {
  struct Entry {
    timespec used;
    uint64_t bytes;
    std::string name;
  };
  // The descriptor's position is shared, so the listing gets one of its own.
  const int listed = openat(directory_, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  DIR* const listing = listed < 0 ? nullptr : fdopendir(listed);
  if (listing == nullptr) {
    const absl::Status failure = Failure("list the cache", options_.path);
    if (listed >= 0) close(listed);
    return failure;
  }
  const std::unique_ptr<DIR, int (*)(DIR*)> closed(listing, closedir);
  std::vector<Entry> entries;
  *total = 0;
  const time_t now = time(nullptr);
  while (const dirent* found = readdir(listing)) {
    const absl::string_view name = found->d_name;
    struct stat status;
    const bool is_temporary = absl::StartsWith(name, kTemporary);
    if (!is_temporary && !IsEntry(name)) continue;
    if (fstatat(directory_, found->d_name, &status, AT_SYMLINK_NOFOLLOW) != 0) continue;
    if (is_temporary) {
      if (now - status.st_mtime > kAbandonedAfter) unlinkat(directory_, found->d_name, 0);
      continue;
    }
    entries.push_back({status.st_mtim, static_cast<uint64_t>(status.st_size), std::string(name)});
    *total += entries.back().bytes;
  }
  if (*total <= options_.max_bytes) return absl::OkStatus();
  std::sort(entries.begin(), entries.end(), [](const Entry& a, const Entry& b) {
    if (a.used.tv_sec != b.used.tv_sec) return a.used.tv_sec < b.used.tv_sec;
    if (a.used.tv_nsec != b.used.tv_nsec) return a.used.tv_nsec < b.used.tv_nsec;
    return a.name < b.name;
  });
  for (const Entry& entry : entries) {
    if (*total <= options_.max_bytes / 100 * kTrimToPercent) break;
    if (unlinkat(directory_, entry.name.c_str(), 0) != 0 && errno != ENOENT) {
      return Failure("remove old entries of the cache", options_.path);
    }
    *total -= entry.bytes;
  }
  return absl::OkStatus();
}

}  // namespace gantry::environ
