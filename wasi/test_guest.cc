#include "wasi/test_guest.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "absl/strings/str_cat.h"

namespace gantry::wasi {

namespace fs = std::filesystem;

TempTree::TempTree() {
  // Thousands of these are made: in memory where there is such a place.
  const char* base = std::getenv("TEST_TMPDIR");
  if (base == nullptr) base = "/tmp";
  if (access("/dev/shm", W_OK) == 0) base = "/dev/shm";
  root_ = absl::StrCat(base, "/gantry_wasi_XXXXXX");
  CHECK(mkdtemp(root_.data()) != nullptr);
  MakeDirectory("sandbox");
  MakeDirectory("outside");
}

TempTree::~TempTree() {
  std::error_code ignored;
  fs::remove_all(root_, ignored);
}

void TempTree::MakeDirectory(const std::string& path) const {
  fs::create_directories(root_ + "/" + path);
}

void TempTree::WriteFile(const std::string& path, absl::string_view contents) const {
  std::ofstream out(root_ + "/" + path, std::ios::binary);
  out.write(contents.data(), static_cast<std::streamsize>(contents.size()));
  CHECK(out.good()) << path;
}

void TempTree::MakeLink(const std::string& target, const std::string& path) const {
  CHECK_EQ(symlink(target.c_str(), (root_ + "/" + path).c_str()), 0);
}

std::string TempTree::ReadFile(const std::string& path) const {
  std::ifstream in(root_ + "/" + path, std::ios::binary);
  if (!in) return "(missing)";
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

bool TempTree::Exists(const std::string& path) const {
  struct stat status;
  return lstat((root_ + "/" + path).c_str(), &status) == 0;
}

std::string TempTree::Snapshot(const std::string& path) const {
  std::vector<std::string> lines;
  const std::string top = root_ + "/" + path;
  const auto describe = [&](const std::string& name) {
    struct stat status;
    CHECK_EQ(lstat(name.c_str(), &status), 0);
    std::string text;
    if (S_ISREG(status.st_mode)) text = ReadFile(name.substr(root_.size() + 1));
    if (S_ISLNK(status.st_mode)) text = fs::read_symlink(name).string();
    lines.push_back(absl::StrCat(name.substr(top.size()), " ", status.st_mode, " ", status.st_nlink,
                                 " ", status.st_size, " ", status.st_mtim.tv_sec, ".",
                                 status.st_mtim.tv_nsec, " ", text));
  };
  describe(top);
  for (const auto& entry : fs::recursive_directory_iterator(top)) describe(entry.path().string());
  std::sort(lines.begin(), lines.end());
  std::string result;
  for (const std::string& line : lines) absl::StrAppend(&result, line, "\n");
  return result;
}

ErrnoOr<uint64_t> FakeClocks::Now(ClockId id) {
  if (static_cast<uint32_t>(id) > 3) return Errno::kInval;
  return now;
}

ErrnoOr<uint64_t> FakeClocks::Resolution(ClockId id) {
  if (static_cast<uint32_t>(id) > 3) return Errno::kInval;
  return uint64_t{5};
}

Errno FakeClocks::Wait(absl::Span<pollfd> descriptors, std::optional<uint64_t> timeout) {
  const int ready = poll(descriptors.data(), descriptors.size(), 0);
  if (ready < 0) return LastHostErrno();
  if (ready > 0) return Errno::kSuccess;
  // Nothing would ever become ready in a test that waits without a limit.
  CHECK(timeout.has_value());
  now = *timeout > UINT64_MAX - now ? UINT64_MAX : now + *timeout;
  waited += *timeout;
  return Errno::kSuccess;
}

size_t CountHostDescriptors() {
  size_t count = 0;
  DIR* directory = opendir("/proc/self/fd");
  CHECK(directory != nullptr);
  while (readdir(directory) != nullptr) ++count;
  closedir(directory);
  return count;
}

void TestGuest::StoreText(uint32_t address, absl::string_view text) {
  CHECK_LE(address + text.size(), bytes_.size());
  std::copy(text.begin(), text.end(), bytes_.begin() + address);
}

std::string TestGuest::LoadText(uint32_t address, uint32_t length) {
  CHECK_LE(uint64_t{address} + length, bytes_.size());
  return std::string(bytes_.begin() + address, bytes_.begin() + address + length);
}

#define GANTRY_PATH_A(path) (StoreText(kPathA, path), kPathA), static_cast<uint32_t>((path).size())
#define GANTRY_PATH_B(path) (StoreText(kPathB, path), kPathB), static_cast<uint32_t>((path).size())

Errno TestGuest::Open(uint32_t dir, absl::string_view path, const OpenOptions& options,
                      uint32_t* fd) {
  const Errno error =
      context_->PathOpen(memory(), dir, options.lookup, GANTRY_PATH_A(path), options.oflags,
                         options.base, options.inheriting, options.fdflags, kResult);
  if (error == Errno::kSuccess) *fd = Load<uint32_t>(kResult);
  return error;
}

Errno TestGuest::TryOpen(uint32_t dir, absl::string_view path, uint32_t lookup, uint32_t oflags,
                         Rights base) {
  uint32_t fd = 0;
  const Errno error = Open(dir, path, {lookup, oflags, base, 0, 0}, &fd);
  if (error == Errno::kSuccess) CHECK(Close(fd) == Errno::kSuccess);
  return error;
}

uint32_t TestGuest::OpenDirectory(uint32_t dir, absl::string_view path, Rights base,
                                  Rights inheriting) {
  uint32_t fd = 0;
  const Errno error = Open(dir, path, {0, oflags::kDirectory, base, inheriting, 0}, &fd);
  CHECK(error == Errno::kSuccess) << error;
  return fd;
}

Errno TestGuest::Read(uint32_t fd, uint32_t length, std::string* data) {
  CHECK_LE(length, kDataSize);
  Store<uint32_t>(kIovec, kData);
  Store<uint32_t>(kIovec + 4, length);
  const Errno error = context_->FdRead(memory(), fd, kIovec, 1, kResult);
  if (error == Errno::kSuccess) *data = LoadText(kData, Load<uint32_t>(kResult));
  return error;
}

Errno TestGuest::Write(uint32_t fd, absl::string_view data) {
  CHECK_LE(data.size(), kDataSize);
  StoreText(kData, data);
  Store<uint32_t>(kIovec, kData);
  Store<uint32_t>(kIovec + 4, static_cast<uint32_t>(data.size()));
  return context_->FdWrite(memory(), fd, kIovec, 1, kResult);
}

Errno TestGuest::Pread(uint32_t fd, uint32_t length, uint64_t offset, std::string* data) {
  CHECK_LE(length, kDataSize);
  Store<uint32_t>(kIovec, kData);
  Store<uint32_t>(kIovec + 4, length);
  const Errno error = context_->FdPread(memory(), fd, kIovec, 1, offset, kResult);
  if (error == Errno::kSuccess) *data = LoadText(kData, Load<uint32_t>(kResult));
  return error;
}

Errno TestGuest::Pwrite(uint32_t fd, absl::string_view data, uint64_t offset) {
  StoreText(kData, data);
  Store<uint32_t>(kIovec, kData);
  Store<uint32_t>(kIovec + 4, static_cast<uint32_t>(data.size()));
  return context_->FdPwrite(memory(), fd, kIovec, 1, offset, kResult);
}

Errno TestGuest::Mkdir(uint32_t dir, absl::string_view path) {
  return context_->PathCreateDirectory(memory(), dir, GANTRY_PATH_A(path));
}

Errno TestGuest::Rmdir(uint32_t dir, absl::string_view path) {
  return context_->PathRemoveDirectory(memory(), dir, GANTRY_PATH_A(path));
}

Errno TestGuest::Unlink(uint32_t dir, absl::string_view path) {
  return context_->PathUnlinkFile(memory(), dir, GANTRY_PATH_A(path));
}

Errno TestGuest::Stat(uint32_t dir, absl::string_view path, uint32_t lookup) {
  return context_->PathFilestatGet(memory(), dir, lookup, GANTRY_PATH_A(path), kResult);
}

Errno TestGuest::SetTimes(uint32_t dir, absl::string_view path, uint32_t lookup, uint64_t time) {
  return context_->PathFilestatSetTimes(memory(), dir, lookup, GANTRY_PATH_A(path), time, time,
                                        fstflags::kAtim | fstflags::kMtim);
}

Errno TestGuest::Symlink(absl::string_view target, uint32_t dir, absl::string_view path) {
  return context_->PathSymlink(memory(), GANTRY_PATH_B(target), dir, GANTRY_PATH_A(path));
}

Errno TestGuest::Readlink(uint32_t dir, absl::string_view path, std::string* target,
                          uint32_t room) {
  const Errno error =
      context_->PathReadlink(memory(), dir, GANTRY_PATH_A(path), kData, room, kResult);
  if (error == Errno::kSuccess) *target = LoadText(kData, Load<uint32_t>(kResult));
  return error;
}

Errno TestGuest::Link(uint32_t old_dir, uint32_t lookup, absl::string_view old_path,
                      uint32_t new_dir, absl::string_view new_path) {
  return context_->PathLink(memory(), old_dir, lookup, GANTRY_PATH_A(old_path), new_dir,
                            GANTRY_PATH_B(new_path));
}

Errno TestGuest::Rename(uint32_t old_dir, absl::string_view old_path, uint32_t new_dir,
                        absl::string_view new_path) {
  return context_->PathRename(memory(), old_dir, GANTRY_PATH_A(old_path), new_dir,
                              GANTRY_PATH_B(new_path));
}

Errno TestGuest::List(uint32_t dir, uint32_t room, std::vector<DirectoryEntry>* entries) {
  using layout::Dirent;
  CHECK_LE(room, kDataSize);
  entries->clear();
  uint64_t cookie = 0;
  for (;;) {
    const Errno error = context_->FdReaddir(memory(), dir, kData, room, cookie, kResult);
    if (error != Errno::kSuccess) return error;
    const uint32_t used = Load<uint32_t>(kResult);
    CHECK_LE(used, room);
    uint32_t at = 0;
    bool progress = false;
    while (used - at >= Dirent::kSize) {
      const uint32_t length = Load<uint32_t>(kData + at + Dirent::kNamlen);
      if (used - at - Dirent::kSize < length) break;
      DirectoryEntry entry{Load<uint64_t>(kData + at + Dirent::kNext),
                           LoadText(kData + at + Dirent::kSize, length),
                           static_cast<Filetype>(Load<uint8_t>(kData + at + Dirent::kType))};
      cookie = entry.next;
      progress = true;
      at += Dirent::kSize + length;
      if (entry.name != "." && entry.name != "..") entries->push_back(std::move(entry));
    }
    if (used < room) break;
    CHECK(progress) << "an entry does not fit in " << room << " bytes";
  }
  std::sort(entries->begin(), entries->end(),
            [](const DirectoryEntry& a, const DirectoryEntry& b) { return a.name < b.name; });
  return Errno::kSuccess;
}

TestGuest MakeGuest(const TempTree& tree, ResolveStrategy strategy) {
  absl::StatusOr<std::unique_ptr<Context>> context = ContextBuilder()
                                                         .Args({"test"})
                                                         .PreopenDirectory(tree.sandbox(), ".")
                                                         .WithClocks(std::make_unique<FakeClocks>())
                                                         .PathStrategy(strategy)
                                                         .Build();
  CHECK_OK(context.status());
  return TestGuest(*std::move(context));
}

}  // namespace gantry::wasi
