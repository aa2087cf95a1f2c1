// A guest for tests: a temporary host directory handed to a Context, a small guest memory,
// and WASI calls with strings and spans instead of addresses.
#ifndef GANTRY_WASI_TEST_GUEST_H_
#define GANTRY_WASI_TEST_GUEST_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "wasi/context.h"

namespace gantry::wasi {

// A directory that is removed with all it holds. Inside it, `sandbox` is what a guest gets and
// `outside` what it must never reach.
class TempTree {
 public:
  TempTree();
  ~TempTree();
  TempTree(const TempTree&) = delete;
  TempTree& operator=(const TempTree&) = delete;

  const std::string& root() const { return root_; }
  std::string sandbox() const { return root_ + "/sandbox"; }
  std::string outside() const { return root_ + "/outside"; }

  // Paths are relative to root().
  void MakeDirectory(const std::string& path) const;
  void WriteFile(const std::string& path, absl::string_view contents) const;
  void MakeLink(const std::string& target, const std::string& path) const;
  // The contents; "(missing)" when there is no such file.
  std::string ReadFile(const std::string& path) const;
  bool Exists(const std::string& path) const;
  // One line per entry below `path`: name, type, size, contents of files and links, times.
  std::string Snapshot(const std::string& path) const;

 private:
  std::string root_;
};

// Time that passes only when somebody waits.
class FakeClocks : public Clocks {
 public:
  ErrnoOr<uint64_t> Now(ClockId id) override;
  ErrnoOr<uint64_t> Resolution(ClockId id) override;
  Errno Wait(absl::Span<pollfd> descriptors, std::optional<uint64_t> timeout) override;

  uint64_t now = 1'000'000'000;
  uint64_t waited = 0;
};

// How many descriptors this process has open.
size_t CountHostDescriptors();

class TestGuest {
 public:
  explicit TestGuest(std::unique_ptr<Context> context)
      : context_(std::move(context)), bytes_(64 * 1024) {}

  // The first directory that was handed in.
  static constexpr uint32_t kRoot = 3;

  Context& context() { return *context_; }
  GuestMemory memory() { return GuestMemory(absl::MakeSpan(bytes_)); }
  std::vector<uint8_t>& bytes() { return bytes_; }

  // Where the helpers below put strings and results; tests use lower addresses.
  static constexpr uint32_t kPathA = 0x8000, kPathB = 0xa000, kResult = 0xf000, kIovec = 0xf100;
  static constexpr uint32_t kData = 0x1000, kDataSize = 0x6000;

  template <typename T>
  T Load(uint32_t address) {
    return *memory().Load<T>(address);
  }
  template <typename T>
  void Store(uint32_t address, T value) {
    CHECK(memory().Store<T>(address, value) == Errno::kSuccess);
  }
  void StoreText(uint32_t address, absl::string_view text);
  std::string LoadText(uint32_t address, uint32_t length);

  struct OpenOptions {
    uint32_t lookup = 0;
    uint32_t oflags = 0;
    Rights base = rights::kFdRead | rights::kFdSeek | rights::kFdTell | rights::kFdFilestatGet;
    Rights inheriting = 0;
    uint32_t fdflags = 0;
  };
  Errno Open(uint32_t dir, absl::string_view path, const OpenOptions& options, uint32_t* fd);
  // Opens for reading, following links; the errno alone, and nothing stays open.
  Errno TryOpen(uint32_t dir, absl::string_view path, uint32_t lookup, uint32_t oflags = 0,
                Rights base = rights::kFdRead);
  uint32_t OpenDirectory(uint32_t dir, absl::string_view path, Rights base = rights::kDirectory,
                         Rights inheriting = rights::kDirectoryInheriting);

  Errno Read(uint32_t fd, uint32_t length, std::string* data);
  Errno Write(uint32_t fd, absl::string_view data);
  Errno Pread(uint32_t fd, uint32_t length, uint64_t offset, std::string* data);
  Errno Pwrite(uint32_t fd, absl::string_view data, uint64_t offset);
  Errno Close(uint32_t fd) { return context_->FdClose(memory(), fd); }
  Errno Mkdir(uint32_t dir, absl::string_view path);
  Errno Rmdir(uint32_t dir, absl::string_view path);
  Errno Unlink(uint32_t dir, absl::string_view path);
  Errno Stat(uint32_t dir, absl::string_view path, uint32_t lookup);
  Errno SetTimes(uint32_t dir, absl::string_view path, uint32_t lookup, uint64_t time);
  Errno Symlink(absl::string_view target, uint32_t dir, absl::string_view path);
  Errno Readlink(uint32_t dir, absl::string_view path, std::string* target,
                 uint32_t room = kDataSize);
  Errno Link(uint32_t old_dir, uint32_t lookup, absl::string_view old_path, uint32_t new_dir,
             absl::string_view new_path);
  Errno Rename(uint32_t old_dir, absl::string_view old_path, uint32_t new_dir,
               absl::string_view new_path);

  struct DirectoryEntry {
    uint64_t next;
    std::string name;
    Filetype type;
  };
  // All entries but "." and "..", sorted by name, read with buffers of `room` bytes.
  Errno List(uint32_t dir, uint32_t room, std::vector<DirectoryEntry>* entries);

 private:
  std::unique_ptr<Context> context_;
  std::vector<uint8_t> bytes_;
};

// A guest over tree.sandbox() with all rights.
TestGuest MakeGuest(const TempTree& tree, ResolveStrategy strategy);

}  // namespace gantry::wasi

#endif  // GANTRY_WASI_TEST_GUEST_H_
