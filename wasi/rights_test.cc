// Every call needs its rights, and no way leads to more than were given.
#include <functional>
#include <vector>

#include "gtest/gtest.h"
#include "wasi/test_guest.h"

namespace gantry::wasi {
namespace {

constexpr uint32_t kRoot = TestGuest::kRoot;

TestGuest GuestWith(const TempTree& tree, Rights base, Rights inheriting) {
  absl::StatusOr<std::unique_ptr<Context>> context =
      ContextBuilder().PreopenDirectory(tree.sandbox(), ".", base, inheriting).Build();
  CHECK_OK(context.status());
  return TestGuest(*std::move(context));
}

struct Need {
  const char* name;
  Rights rights;  // exactly what the call needs
  std::function<Errno(TestGuest&, uint32_t fd)> call;
};

// Calls on a regular file that is open for reading and writing.
std::vector<Need> FileNeeds() {
  using namespace rights;
  return {
      {"advise", kFdAdvise,
       [](auto& g, auto fd) { return g.context().FdAdvise(g.memory(), fd, 0, 1, 0); }},
      {"allocate", kFdAllocate,
       [](auto& g, auto fd) { return g.context().FdAllocate(g.memory(), fd, 0, 1); }},
      {"datasync", kFdDatasync,
       [](auto& g, auto fd) { return g.context().FdDatasync(g.memory(), fd); }},
      {"set flags", kFdFdstatSetFlags,
       [](auto& g, auto fd) { return g.context().FdFdstatSetFlags(g.memory(), fd, 0); }},
      {"filestat", kFdFilestatGet,
       [](auto& g, auto fd) { return g.context().FdFilestatGet(g.memory(), fd, 0); }},
      {"set size", kFdFilestatSetSize,
       [](auto& g, auto fd) { return g.context().FdFilestatSetSize(g.memory(), fd, 9); }},
      {"set times", kFdFilestatSetTimes,
       [](auto& g, auto fd) { return g.context().FdFilestatSetTimes(g.memory(), fd, 0, 0, 1); }},
      {"pread", kFdRead | kFdSeek,
       [](auto& g, auto fd) { return g.context().FdPread(g.memory(), fd, 0, 0, 0, 0); }},
      {"pwrite", kFdWrite | kFdSeek,
       [](auto& g, auto fd) { return g.context().FdPwrite(g.memory(), fd, 0, 0, 0, 0); }},
      {"read", kFdRead,
       [](auto& g, auto fd) { return g.context().FdRead(g.memory(), fd, 0, 0, 0); }},
      {"seek", kFdSeek,
       [](auto& g, auto fd) { return g.context().FdSeek(g.memory(), fd, 1, 0, 0); }},
      {"sync", kFdSync, [](auto& g, auto fd) { return g.context().FdSync(g.memory(), fd); }},
      {"write", kFdWrite,
       [](auto& g, auto fd) { return g.context().FdWrite(g.memory(), fd, 0, 0, 0); }},
  };
}

// Calls on a directory that holds the file "file", the directory "dir" and the link "link".
std::vector<Need> DirectoryNeeds() {
  using namespace rights;
  const auto open = [](uint32_t open_flags, uint32_t flags) {
    return [open_flags, flags](TestGuest& g, uint32_t fd) {
      uint32_t opened = 0;
      return g.Open(fd, "file", {0, open_flags, 0, 0, flags}, &opened);
    };
  };
  return {
      {"create directory", kPathCreateDirectory,
       [](auto& g, auto fd) { return g.Mkdir(fd, "new"); }},
      {"stat", kPathFilestatGet, [](auto& g, auto fd) { return g.Stat(fd, "file", 0); }},
      {"set times", kPathFilestatSetTimes,
       [](auto& g, auto fd) { return g.SetTimes(fd, "file", 0, 1); }},
      {"link", kPathLinkSource | kPathLinkTarget,
       [](auto& g, auto fd) { return g.Link(fd, 0, "file", fd, "hard"); }},
      {"open", kPathOpen, open(0, 0)},
      {"open to create", kPathOpen | kPathCreateFile, open(oflags::kCreat, 0)},
      {"open to truncate", kPathOpen | kPathFilestatSetSize, open(oflags::kTrunc, 0)},
      {"open synchronised", kPathOpen | kFdSync, open(0, fdflags::kSync)},
      {"open synchronised to read", kPathOpen | kFdSync, open(0, fdflags::kRsync)},
      {"readlink", kPathReadlink,
       [](auto& g, auto fd) {
         std::string target;
         return g.Readlink(fd, "link", &target);
       }},
      {"remove directory", kPathRemoveDirectory,
       [](auto& g, auto fd) { return g.Rmdir(fd, "dir"); }},
      {"rename", kPathRenameSource | kPathRenameTarget,
       [](auto& g, auto fd) { return g.Rename(fd, "file", fd, "renamed"); }},
      {"symlink", kPathSymlink, [](auto& g, auto fd) { return g.Symlink("x", fd, "soft"); }},
      {"unlink", kPathUnlinkFile, [](auto& g, auto fd) { return g.Unlink(fd, "file"); }},
      {"readdir", kFdReaddir,
       [](auto& g, auto fd) { return g.context().FdReaddir(g.memory(), fd, 0, 99, 0, 200); }},
      {"filestat", kFdFilestatGet,
       [](auto& g, auto fd) { return g.context().FdFilestatGet(g.memory(), fd, 0); }},
  };
}

// With exactly its rights a call works; without any one of them, all others granted, it does not.
void CheckNeeds(const std::vector<Need>& needs, Rights all,
                const std::function<Errno(const Need&, Rights)>& run) {
  for (const Need& need : needs) {
    EXPECT_EQ(run(need, need.rights), Errno::kSuccess) << need.name;
    for (Rights bit = 1; bit <= rights::kAll; bit <<= 1) {
      if ((need.rights & bit) != 0) {
        EXPECT_EQ(run(need, all & ~bit), Errno::kNotcapable) << need.name << " " << bit;
      }
    }
    EXPECT_EQ(run(need, 0), Errno::kNotcapable) << need.name;
  }
}

TEST(RightsTest, FileCallsNeedExactlyTheirRights) {
  CheckNeeds(FileNeeds(), rights::kRegularFile, [](const Need& need, Rights granted) {
    TempTree tree;
    tree.WriteFile("sandbox/file", "text");
    TestGuest guest = GuestWith(tree, rights::kAll, rights::kAll);
    uint32_t fd = 0;
    CHECK(guest.Open(kRoot, "file", {0, 0, rights::kRegularFile, 0, 0}, &fd) == Errno::kSuccess);
    CHECK(guest.context().FdFdstatSetRights(guest.memory(), fd, granted, 0) == Errno::kSuccess);
    return need.call(guest, fd);
  });
}

TEST(RightsTest, DirectoryCallsNeedExactlyTheirRights) {
  CheckNeeds(DirectoryNeeds(), rights::kDirectory, [](const Need& need, Rights granted) {
    TempTree tree;
    tree.WriteFile("sandbox/file", "text");
    tree.MakeDirectory("sandbox/dir");
    tree.MakeLink("file", "sandbox/link");
    TestGuest guest = GuestWith(tree, granted, rights::kAll);
    return need.call(guest, kRoot);
  });
}

TEST(RightsTest, TellingNeedsEitherRight) {
  TempTree tree;
  tree.WriteFile("sandbox/file", "text");
  for (Rights base : {rights::kFdSeek, rights::kFdTell, rights::kFdRead}) {
    TestGuest guest = GuestWith(tree, rights::kAll, rights::kAll);
    uint32_t fd = 0;
    ASSERT_EQ(guest.Open(kRoot, "file", {0, 0, base, 0, 0}, &fd), Errno::kSuccess);
    const Errno expected = base == rights::kFdRead ? Errno::kNotcapable : Errno::kSuccess;
    EXPECT_EQ(guest.context().FdTell(guest.memory(), fd, 0), expected);
    EXPECT_EQ(guest.context().FdSeek(guest.memory(), fd, 0, 1, 0), expected);
    EXPECT_EQ(guest.context().FdSeek(guest.memory(), fd, 1, 1, 0),
              base == rights::kFdSeek ? Errno::kSuccess : Errno::kNotcapable);
  }
}

TEST(RightsTest, DsyncNeedsEitherSync) {
  TempTree tree;
  tree.WriteFile("sandbox/file", "text");
  for (Rights sync : {rights::kFdSync, rights::kFdDatasync, Rights{0}}) {
    TestGuest guest = GuestWith(tree, rights::kPathOpen | sync, rights::kAll);
    uint32_t fd = 0;
    EXPECT_EQ(guest.Open(kRoot, "file", {0, 0, 0, 0, fdflags::kDsync}, &fd),
              sync == 0 ? Errno::kNotcapable : Errno::kSuccess);
  }
}

TEST(RightsTest, RightsOnlyShrink) {
  TempTree tree;
  TestGuest guest = GuestWith(tree, rights::kAll, rights::kAll);
  const auto set = [&](Rights base, Rights inheriting) {
    return guest.context().FdFdstatSetRights(guest.memory(), kRoot, base, inheriting);
  };
  const Rights base = rights::kPathOpen | rights::kFdReaddir;
  EXPECT_EQ(set(base, rights::kFdRead), Errno::kSuccess);
  EXPECT_EQ(set(base | rights::kPathSymlink, 0), Errno::kNotcapable);
  EXPECT_EQ(set(0, rights::kFdRead | rights::kFdWrite), Errno::kNotcapable);
  EXPECT_EQ(set(UINT64_MAX, 0), Errno::kNotcapable);
  ASSERT_EQ(guest.context().FdFdstatGet(guest.memory(), kRoot, 0), Errno::kSuccess);
  EXPECT_EQ(guest.Load<uint64_t>(layout::Fdstat::kRightsBase), base);
  EXPECT_EQ(guest.Load<uint64_t>(layout::Fdstat::kRightsInheriting), rights::kFdRead);
}

// For every right: a directory that does not pass it on opens nothing with it, directly or
// through directories below.
TEST(RightsTest, OpenedDescriptorsGetNoMoreThanIsInherited) {
  TempTree tree;
  tree.MakeDirectory("sandbox/dir/dir");
  tree.WriteFile("sandbox/dir/dir/file", "text");
  for (Rights bit = 1; bit <= rights::kAll; bit <<= 1) {
    if ((bit & rights::kDirectoryInheriting) == 0) continue;
    const Rights inheriting = rights::kDirectoryInheriting & ~bit;
    TestGuest guest = GuestWith(tree, rights::kDirectory, inheriting);
    EXPECT_EQ(guest.TryOpen(kRoot, "dir/dir/file", 0, 0, bit), Errno::kNotcapable) << bit;
    uint32_t fd = 0;
    EXPECT_EQ(guest.Open(kRoot, "dir/dir/file", {0, 0, 0, bit, 0}, &fd), Errno::kNotcapable);
    EXPECT_EQ(guest.Open(kRoot, "dir", {0, oflags::kDirectory, 0, bit, 0}, &fd),
              Errno::kNotcapable);
    if (bit == rights::kPathOpen) continue;
    const uint32_t dir =
        guest.OpenDirectory(kRoot, "dir", rights::kDirectory & inheriting, inheriting);
    EXPECT_EQ(guest.TryOpen(dir, "dir/file", 0, 0, bit), Errno::kNotcapable) << bit;
    const uint32_t deeper =
        guest.OpenDirectory(dir, "dir", rights::kDirectory & inheriting, inheriting);
    EXPECT_EQ(guest.TryOpen(deeper, "file", 0, 0, bit), Errno::kNotcapable) << bit;
  }
  TestGuest guest = GuestWith(tree, rights::kDirectory, rights::kAll);
  uint32_t fd = 0;
  EXPECT_EQ(guest.Open(kRoot, "dir", {0, 0, uint64_t{1} << 40, 0, 0}, &fd), Errno::kNotcapable);
}

TEST(RightsTest, FilesAndDirectoriesGetTheRightsThatFit) {
  TempTree tree;
  tree.MakeDirectory("sandbox/dir");
  tree.WriteFile("sandbox/file", "text");
  TestGuest guest = GuestWith(tree, rights::kAll, rights::kAll);
  uint32_t fd = 0;
  const auto fdstat = [&](uint32_t offset) {
    CHECK(guest.context().FdFdstatGet(guest.memory(), fd, 0) == Errno::kSuccess);
    return guest.Load<uint64_t>(offset);
  };
  ASSERT_EQ(guest.Open(kRoot, "file",
                       {0, 0, rights::kDirectoryInheriting, rights::kDirectoryInheriting, 0}, &fd),
            Errno::kSuccess);
  EXPECT_EQ(fdstat(layout::Fdstat::kRightsBase), rights::kRegularFile);
  EXPECT_EQ(fdstat(layout::Fdstat::kRightsInheriting), 0u);
  ASSERT_EQ(
      guest.Open(kRoot, "dir",
                 {0, oflags::kDirectory, rights::kDirectoryInheriting, rights::kFdRead, 0}, &fd),
      Errno::kSuccess);
  EXPECT_EQ(fdstat(layout::Fdstat::kRightsBase), rights::kDirectory);
  EXPECT_EQ(fdstat(layout::Fdstat::kRightsInheriting), rights::kFdRead);
}

// Moving or linking a file to a tree where more was granted would hand the guest those rights.
TEST(RightsTest, FilesDoNotMoveToWhereMoreIsGranted) {
  TempTree tree;
  tree.MakeDirectory("sandbox/less");
  tree.MakeDirectory("sandbox/more");
  tree.WriteFile("sandbox/less/file", "text");
  tree.WriteFile("sandbox/more/file2", "text");
  absl::StatusOr<std::unique_ptr<Context>> context =
      ContextBuilder()
          .PreopenDirectory(tree.sandbox() + "/less", "less", rights::kAll,
                            rights::kAll & ~rights::kFdWrite)
          .PreopenDirectory(tree.sandbox() + "/more", "more", rights::kAll, rights::kAll)
          .Build();
  ASSERT_TRUE(context.ok());
  TestGuest guest(*std::move(context));
  constexpr uint32_t kLess = 3, kMore = 4;
  EXPECT_EQ(guest.Link(kLess, 0, "file", kMore, "file"), Errno::kNotcapable);
  EXPECT_EQ(guest.Rename(kLess, "file", kMore, "file"), Errno::kNotcapable);
  EXPECT_EQ(guest.Rename(kMore, "file2", kLess, "file2"), Errno::kSuccess);
  EXPECT_EQ(guest.Rename(kLess, "file2", kMore, "file2"), Errno::kNotcapable);
}

TEST(RightsTest, ReadOnlyDirectoriesAreReadOnlyMounts) {
  TempTree tree;
  tree.MakeDirectory("sandbox/dir/empty");
  tree.WriteFile("sandbox/dir/file", "text");
  tree.MakeLink("file", "sandbox/dir/link");
  absl::StatusOr<std::unique_ptr<Context>> context =
      ContextBuilder()
          .PreopenDirectory(tree.sandbox(), "ro", ContextBuilder::Access::kReadOnly)
          .PreopenDirectory(tree.outside(), "rw")
          .Build();
  ASSERT_TRUE(context.ok());
  TestGuest guest(*std::move(context));
  const std::string before = tree.Snapshot("sandbox");
  const uint32_t dir = guest.OpenDirectory(kRoot, "dir");
  constexpr uint32_t kWritable = 4;
  std::string data;
  uint32_t fd = 0;
  EXPECT_EQ(guest.Mkdir(dir, "x"), Errno::kRofs);
  EXPECT_EQ(guest.Rmdir(dir, "empty"), Errno::kRofs);
  EXPECT_EQ(guest.Unlink(dir, "file"), Errno::kRofs);
  EXPECT_EQ(guest.Symlink("x", dir, "x"), Errno::kRofs);
  EXPECT_EQ(guest.SetTimes(dir, "file", 0, 1), Errno::kRofs);
  EXPECT_EQ(guest.Rename(dir, "file", dir, "x"), Errno::kRofs);
  EXPECT_EQ(guest.Rename(dir, "file", kWritable, "x"), Errno::kRofs);
  EXPECT_EQ(guest.Link(dir, 0, "file", kWritable, "x"), Errno::kRofs);
  for (uint32_t flags : {oflags::kCreat, oflags::kTrunc}) {
    EXPECT_EQ(guest.TryOpen(dir, "file", 0, flags), Errno::kRofs);
  }
  for (Rights right : {rights::kFdWrite, rights::kFdAllocate, rights::kFdFilestatSetSize}) {
    EXPECT_EQ(guest.TryOpen(dir, "file", 0, 0, right), Errno::kRofs);
  }
  EXPECT_EQ(guest.context().FdFilestatSetTimes(guest.memory(), dir, 1, 1, 5), Errno::kRofs);
  ASSERT_EQ(guest.Open(dir, "file", {.base = rights::kFdRead | rights::kFdFilestatSetTimes}, &fd),
            Errno::kSuccess);
  EXPECT_EQ(guest.context().FdFilestatSetTimes(guest.memory(), fd, 1, 1, 5), Errno::kRofs);
  EXPECT_EQ(guest.Read(fd, 10, &data), Errno::kSuccess);
  EXPECT_EQ(data, "text");
  EXPECT_EQ(tree.Snapshot("sandbox"), before);
}

}  // namespace
}  // namespace gantry::wasi
