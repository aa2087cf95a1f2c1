#include "wasi/context.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "wasi/test_guest.h"

namespace gantry::wasi {
namespace {

constexpr uint32_t kRoot = TestGuest::kRoot;
constexpr Rights kReadWrite = rights::kRegularFile;

TestGuest Build(ContextBuilder& builder) {
  absl::StatusOr<std::unique_ptr<Context>> context = builder.Build();
  CHECK_OK(context.status());
  return TestGuest(*std::move(context));
}

TestGuest SandboxGuest(const TempTree& tree) { return MakeGuest(tree, DetectResolveStrategy()); }

uint32_t Create(TestGuest& guest, absl::string_view path, uint32_t flags = 0) {
  uint32_t fd = 0;
  const Errno error = guest.Open(kRoot, path, {0, oflags::kCreat, kReadWrite, 0, flags}, &fd);
  CHECK(error == Errno::kSuccess) << error;
  return fd;
}

TEST(ArgsTest, PointersAndStrings) {
  ContextBuilder builder;
  builder.Args({"prog", "", "two words"}).Env("A", "1").Env("B", "x=y").Env("A", "2");
  TestGuest guest = Build(builder);
  ASSERT_EQ(guest.context().ArgsSizesGet(guest.memory(), 0, 4), Errno::kSuccess);
  EXPECT_EQ(guest.Load<uint32_t>(0), 3u);
  EXPECT_EQ(guest.Load<uint32_t>(4), 16u);
  ASSERT_EQ(guest.context().ArgsGet(guest.memory(), 16, 100), Errno::kSuccess);
  EXPECT_EQ(guest.LoadText(guest.Load<uint32_t>(16), 5), std::string("prog\0", 5));
  EXPECT_EQ(guest.LoadText(guest.Load<uint32_t>(20), 1), std::string("\0", 1));
  EXPECT_EQ(guest.LoadText(guest.Load<uint32_t>(24), 10), std::string("two words\0", 10));
  ASSERT_EQ(guest.context().EnvironSizesGet(guest.memory(), 0, 4), Errno::kSuccess);
  EXPECT_EQ(guest.Load<uint32_t>(0), 2u);
  EXPECT_EQ(guest.Load<uint32_t>(4), 10u);
  ASSERT_EQ(guest.context().EnvironGet(guest.memory(), 16, 100), Errno::kSuccess);
  EXPECT_EQ(guest.LoadText(100, 10), std::string("A=2\0B=x=y\0", 10));
}

TEST(ArgsTest, FaultsWriteNothing) {
  ContextBuilder builder;
  builder.Args({"prog", "arg"});
  TestGuest guest = Build(builder);
  const std::vector<uint8_t> before = guest.bytes();
  Context& context = guest.context();
  EXPECT_EQ(context.ArgsGet(guest.memory(), 65536 - 7, 0), Errno::kFault);
  EXPECT_EQ(context.ArgsGet(guest.memory(), 0, 65536 - 8), Errno::kFault);
  EXPECT_EQ(context.ArgsGet(guest.memory(), 0xfffffffc, 0), Errno::kFault);
  EXPECT_EQ(context.ArgsSizesGet(guest.memory(), 65533, 0), Errno::kFault);
  EXPECT_EQ(context.ArgsSizesGet(guest.memory(), 0, 65533), Errno::kFault);
  EXPECT_EQ(guest.bytes(), before);
}

TEST(BuilderTest, SaysWhatIsWrong) {
  TempTree tree;
  EXPECT_EQ(ContextBuilder().PreopenDirectory("/nonexistent/x", ".").Build().status().message(),
            "directory \"/nonexistent/x\" cannot be opened: noent");
  EXPECT_FALSE(ContextBuilder().Env("", "x").Build().ok());
  EXPECT_FALSE(ContextBuilder().Env("A=B", "x").Build().ok());
  EXPECT_FALSE(ContextBuilder().Args({std::string("a\0b", 3)}).Build().ok());
  EXPECT_FALSE(ContextBuilder().DescriptorLimit(2).Build().ok());
  EXPECT_FALSE(
      ContextBuilder().Socket(ScopedFd(open("/dev/null", O_RDONLY | O_CLOEXEC))).Build().ok());
  EXPECT_TRUE(ContextBuilder().PreopenDirectory(tree.sandbox(), "/").Build().ok());
}

TEST(StdioTest, BytesInAndDiscardedOut) {
  ContextBuilder builder;
  builder.StdinBytes("hello");
  TestGuest guest = Build(builder);
  std::string data;
  ASSERT_EQ(guest.Read(0, 3, &data), Errno::kSuccess);
  EXPECT_EQ(data, "hel");
  ASSERT_EQ(guest.Read(0, 100, &data), Errno::kSuccess);
  EXPECT_EQ(data, "lo");
  ASSERT_EQ(guest.Read(0, 100, &data), Errno::kSuccess);
  EXPECT_EQ(data, "");
  EXPECT_EQ(guest.Write(1, "out"), Errno::kSuccess);
  EXPECT_EQ(guest.Load<uint32_t>(TestGuest::kResult), 3u);
  EXPECT_EQ(guest.Write(0, "x"), Errno::kNotcapable);
  EXPECT_EQ(guest.Read(1, 1, &data), Errno::kNotcapable);
  EXPECT_EQ(guest.Write(3, "x"), Errno::kBadf);
  EXPECT_EQ(guest.Write(0xffffffff, "x"), Errno::kBadf);
}

TEST(StdioTest, PipeWithoutAReaderIsAnErrorNotASignal) {
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  ContextBuilder builder;
  builder.Stdout(ScopedFd(ends[1]));
  TestGuest guest = Build(builder);
  std::string data(4, 0);
  EXPECT_EQ(guest.Write(1, "text"), Errno::kSuccess);
  ASSERT_EQ(read(ends[0], data.data(), 4), 4);
  EXPECT_EQ(data, "text");
  close(ends[0]);
  EXPECT_EQ(guest.Write(1, "text"), Errno::kPipe);
}

TEST(StdioTest, FlagsOfSharedStreamsStayTheHosts) {
  ContextBuilder builder;
  builder.InheritStdio();
  int ends[2];
  ASSERT_EQ(pipe2(ends, O_CLOEXEC), 0);
  const int saved = dup(0);
  dup2(ends[0], 0);
  TestGuest guest = Build(builder);
  if (saved >= 0) dup2(saved, 0);
  std::string data;
  EXPECT_EQ(guest.context().FdFdstatSetFlags(guest.memory(), 0, fdflags::kNonblock),
            Errno::kSuccess);
  EXPECT_EQ(fcntl(ends[0], F_GETFL) & O_NONBLOCK, 0);
  EXPECT_EQ(guest.Read(0, 1, &data), Errno::kAgain);
  ASSERT_EQ(write(ends[1], "z", 1), 1);
  EXPECT_EQ(guest.Read(0, 1, &data), Errno::kSuccess);
  EXPECT_EQ(data, "z");
  EXPECT_EQ(guest.context().FdFdstatSetFlags(guest.memory(), 0, fdflags::kAppend), Errno::kNotsup);
  close(ends[0]);
  close(ends[1]);
  close(saved);
}

TEST(FileTest, ReadWriteSeekTell) {
  TempTree tree;
  TestGuest guest = SandboxGuest(tree);
  const uint32_t fd = Create(guest, "file");
  std::string data;
  EXPECT_EQ(fd, 4u);
  EXPECT_EQ(guest.Write(fd, "0123456789"), Errno::kSuccess);
  EXPECT_EQ(guest.Pwrite(fd, "ab", 3), Errno::kSuccess);
  EXPECT_EQ(tree.ReadFile("sandbox/file"), "012ab56789");
  EXPECT_EQ(guest.Pread(fd, 4, 2, &data), Errno::kSuccess);
  EXPECT_EQ(data, "2ab5");
  EXPECT_EQ(guest.context().FdTell(guest.memory(), fd, 0), Errno::kSuccess);
  EXPECT_EQ(guest.Load<uint64_t>(0), 10u);
  const auto seek = [&](int64_t offset, Whence whence) {
    return guest.context().FdSeek(guest.memory(), fd, static_cast<uint64_t>(offset),
                                  static_cast<uint32_t>(whence), 0);
  };
  EXPECT_EQ(seek(-4, Whence::kEnd), Errno::kSuccess);
  EXPECT_EQ(guest.Load<uint64_t>(0), 6u);
  EXPECT_EQ(seek(-2, Whence::kCur), Errno::kSuccess);
  EXPECT_EQ(guest.Load<uint64_t>(0), 4u);
  EXPECT_EQ(guest.Read(fd, 2, &data), Errno::kSuccess);
  EXPECT_EQ(data, "b5");
  EXPECT_EQ(seek(-1, Whence::kSet), Errno::kInval);
  EXPECT_EQ(seek(-100, Whence::kCur), Errno::kInval);
  EXPECT_EQ(guest.context().FdSeek(guest.memory(), fd, 1, 3, 0), Errno::kInval);
  EXPECT_EQ(guest.Pread(fd, 1, UINT64_MAX, &data), Errno::kInval);
  EXPECT_EQ(guest.Pwrite(fd, "x", uint64_t{1} << 63), Errno::kInval);
  EXPECT_EQ(guest.Pread(fd, 1, 1000, &data), Errno::kSuccess);
  EXPECT_EQ(data, "");
  EXPECT_EQ(guest.Close(fd), Errno::kSuccess);
  EXPECT_EQ(guest.Close(fd), Errno::kBadf);
  // The lowest free number is used again.
  EXPECT_EQ(Create(guest, "file2"), fd);
}

TEST(FileTest, SeveralVectorsAndOverlaps) {
  TempTree tree;
  TestGuest guest = SandboxGuest(tree);
  const uint32_t fd = Create(guest, "file");
  ASSERT_EQ(guest.Write(fd, "abcdefgh"), Errno::kSuccess);
  const auto vector = [&](uint32_t index, uint32_t buffer, uint32_t length) {
    guest.Store<uint32_t>(0x100 + index * 8, buffer);
    guest.Store<uint32_t>(0x104 + index * 8, length);
  };
  Context& context = guest.context();
  vector(0, 0x400, 3);
  vector(1, 0x500, 0);
  vector(2, 0x401, 3);  // over the first
  vector(3, 0x100, 2);  // over the vectors themselves, which were read before
  ASSERT_EQ(context.FdPread(guest.memory(), fd, 0x100, 4, 0, 0), Errno::kSuccess);
  EXPECT_EQ(guest.Load<uint32_t>(0), 8u);
  EXPECT_EQ(guest.LoadText(0x400, 4), "adef");
  EXPECT_EQ(guest.LoadText(0x100, 2), "gh");
  // The result may lie over a buffer; it is stored last.
  vector(0, 0x400, 8);
  ASSERT_EQ(context.FdPread(guest.memory(), fd, 0x100, 1, 0, 0x400), Errno::kSuccess);
  EXPECT_EQ(guest.Load<uint32_t>(0x400), 8u);
  EXPECT_EQ(guest.LoadText(0x404, 4), "efgh");
}

TEST(FileTest, FaultsHaveNoEffect) {
  TempTree tree;
  TestGuest guest = SandboxGuest(tree);
  const uint32_t fd = Create(guest, "file");
  ASSERT_EQ(guest.Write(fd, "abcdefgh"), Errno::kSuccess);
  Context& context = guest.context();
  guest.Store<uint32_t>(0x100, TestGuest::kData);
  guest.Store<uint32_t>(0x104, 4);
  guest.Store<uint32_t>(0x108, 65535);
  guest.Store<uint32_t>(0x10c, 2);
  const GuestMemory memory = guest.memory();
  EXPECT_EQ(context.FdWrite(memory, fd, 0x100, 2, 0), Errno::kFault);
  EXPECT_EQ(context.FdWrite(memory, fd, 0x100, 1, 65533), Errno::kFault);
  EXPECT_EQ(context.FdWrite(memory, fd, 0x100, 0x20000001, 0), Errno::kFault);
  EXPECT_EQ(context.FdWrite(memory, fd, 0xfffffff8, 1, 0), Errno::kFault);
  EXPECT_EQ(tree.ReadFile("sandbox/file"), "abcdefgh");
  guest.StoreText(0x200, "new");
  EXPECT_EQ(
      context.PathOpen(memory, kRoot, 0, 0x200, 3, oflags::kCreat, rights::kFdWrite, 0, 0, 65534),
      Errno::kFault);
  EXPECT_FALSE(tree.Exists("sandbox/new"));
  EXPECT_EQ(context.FdFilestatGet(memory, fd, 65536 - 63), Errno::kFault);
  EXPECT_EQ(context.FdFdstatGet(memory, fd, 65536 - 23), Errno::kFault);
  EXPECT_EQ(context.RandomGet(memory, 65535, 2), Errno::kFault);
  EXPECT_EQ(context.RandomGet(memory, 65536, 0), Errno::kSuccess);
  EXPECT_EQ(context.ClockTimeGet(memory, 0, 0, 65529), Errno::kFault);
  EXPECT_EQ(context.FdReaddir(memory, kRoot, 0, 0xffffffff, 0, 0), Errno::kFault);
}

TEST(FileTest, AppendAndFlags) {
  TempTree tree;
  tree.WriteFile("sandbox/file", "abc");
  TestGuest guest = SandboxGuest(tree);
  const uint32_t fd = Create(guest, "file", fdflags::kAppend);
  EXPECT_EQ(guest.Write(fd, "def"), Errno::kSuccess);
  EXPECT_EQ(tree.ReadFile("sandbox/file"), "abcdef");
  Context& context = guest.context();
  ASSERT_EQ(context.FdFdstatGet(guest.memory(), fd, 0), Errno::kSuccess);
  EXPECT_EQ(guest.Load<uint16_t>(layout::Fdstat::kFlags), fdflags::kAppend);
  EXPECT_EQ(guest.Load<uint8_t>(0), static_cast<uint8_t>(Filetype::kRegularFile));
  EXPECT_EQ(guest.Load<uint64_t>(layout::Fdstat::kRightsBase), kReadWrite);
  EXPECT_EQ(guest.Load<uint64_t>(layout::Fdstat::kRightsInheriting), 0u);
  EXPECT_EQ(context.FdFdstatSetFlags(guest.memory(), fd, 0), Errno::kSuccess);
  EXPECT_EQ(guest.Pwrite(fd, "X", 0), Errno::kSuccess);
  EXPECT_EQ(tree.ReadFile("sandbox/file"), "Xbcdef");
  EXPECT_EQ(context.FdFdstatSetFlags(guest.memory(), fd, 32), Errno::kInval);
  EXPECT_EQ(context.FdFdstatSetFlags(guest.memory(), fd, fdflags::kSync), Errno::kNotsup);
  for (uint32_t flag : {fdflags::kDsync, fdflags::kRsync, fdflags::kSync, fdflags::kNonblock}) {
    const uint32_t flagged = Create(guest, "file", flag);
    EXPECT_EQ(guest.Write(flagged, "Y"), Errno::kSuccess);
  }
}

TEST(FileTest, SizesAndTimes) {
  TempTree tree;
  TestGuest guest = SandboxGuest(tree);
  const uint32_t fd = Create(guest, "file");
  Context& context = guest.context();
  EXPECT_EQ(context.FdFilestatSetSize(guest.memory(), fd, 100), Errno::kSuccess);
  EXPECT_EQ(context.FdFilestatSetSize(guest.memory(), fd, uint64_t{1} << 63), Errno::kFbig);
  EXPECT_EQ(context.FdAllocate(guest.memory(), fd, 50, 150), Errno::kSuccess);
  EXPECT_EQ(context.FdAllocate(guest.memory(), fd, 0, 0), Errno::kInval);
  EXPECT_EQ(context.FdAllocate(guest.memory(), fd, INT64_MAX, 1), Errno::kFbig);
  EXPECT_EQ(context.FdAllocate(guest.memory(), fd, 1, UINT64_MAX), Errno::kFbig);
  EXPECT_EQ(context.FdFilestatSetTimes(guest.memory(), fd, 1'000'000'007, 2'000'000'009,
                                       fstflags::kAtim | fstflags::kMtim),
            Errno::kSuccess);
  ASSERT_EQ(context.FdFilestatGet(guest.memory(), fd, 0), Errno::kSuccess);
  EXPECT_EQ(guest.Load<uint64_t>(layout::Filestat::kFileSize), 200u);
  EXPECT_EQ(guest.Load<uint64_t>(layout::Filestat::kAtim), 1'000'000'007u);
  EXPECT_EQ(guest.Load<uint64_t>(layout::Filestat::kMtim), 2'000'000'009u);
  EXPECT_EQ(guest.Load<uint64_t>(layout::Filestat::kNlink), 1u);
  ASSERT_EQ(guest.Stat(kRoot, "file", 0), Errno::kSuccess);
  EXPECT_EQ(guest.LoadText(TestGuest::kResult, layout::Filestat::kSize),
            guest.LoadText(0, layout::Filestat::kSize));
  EXPECT_EQ(guest.SetTimes(kRoot, "file", 0, 77), Errno::kSuccess);
  ASSERT_EQ(context.FdFilestatGet(guest.memory(), fd, 0), Errno::kSuccess);
  EXPECT_EQ(guest.Load<uint64_t>(layout::Filestat::kMtim), 77u);
  EXPECT_EQ(context.FdFilestatSetTimes(guest.memory(), fd, 0, 0, fstflags::kMtimNow),
            Errno::kSuccess);
  ASSERT_EQ(context.FdFilestatGet(guest.memory(), fd, 0), Errno::kSuccess);
  EXPECT_EQ(guest.Load<uint64_t>(layout::Filestat::kAtim), 77u);
  EXPECT_GT(guest.Load<uint64_t>(layout::Filestat::kMtim), 1'500'000'000'000'000'000u);
  for (uint32_t advice = 0; advice < 6; ++advice) {
    EXPECT_EQ(context.FdAdvise(guest.memory(), fd, 0, 10, advice), Errno::kSuccess);
  }
  EXPECT_EQ(context.FdAdvise(guest.memory(), fd, 0, 10, 6), Errno::kInval);
  EXPECT_EQ(context.FdAdvise(guest.memory(), fd, UINT64_MAX, 10, 0), Errno::kInval);
  EXPECT_EQ(context.FdSync(guest.memory(), fd), Errno::kSuccess);
  EXPECT_EQ(context.FdDatasync(guest.memory(), fd), Errno::kSuccess);
}

TEST(FileTest, OpenModes) {
  TempTree tree;
  tree.WriteFile("sandbox/file", "abc");
  tree.MakeDirectory("sandbox/dir");
  TestGuest guest = SandboxGuest(tree);
  EXPECT_EQ(guest.TryOpen(kRoot, "none", 0), Errno::kNoent);
  EXPECT_EQ(guest.TryOpen(kRoot, "file", 0, oflags::kDirectory), Errno::kNotdir);
  EXPECT_EQ(guest.TryOpen(kRoot, "file", 0, oflags::kCreat | oflags::kExcl), Errno::kExist);
  EXPECT_EQ(guest.TryOpen(kRoot, "new", 0, oflags::kCreat | oflags::kDirectory), Errno::kInval);
  EXPECT_EQ(guest.TryOpen(kRoot, "new", 0, 16), Errno::kInval);
  EXPECT_EQ(guest.TryOpen(kRoot, "file", 2), Errno::kInval);
  EXPECT_EQ(guest.TryOpen(kRoot, "file/x", 0), Errno::kNotdir);
  EXPECT_EQ(guest.TryOpen(kRoot, "dir", 0, 0, rights::kFdWrite), Errno::kIsdir);
  EXPECT_EQ(guest.TryOpen(kRoot, "file", 0, oflags::kTrunc, rights::kFdWrite), Errno::kSuccess);
  EXPECT_EQ(tree.ReadFile("sandbox/file"), "");
  // A path below what is not a directory descriptor.
  const uint32_t fd = Create(guest, "file");
  EXPECT_EQ(guest.TryOpen(fd, "x", 0), Errno::kNotdir);
  EXPECT_EQ(guest.TryOpen(1, "x", 0), Errno::kNotdir);
  EXPECT_EQ(guest.TryOpen(99, "x", 0), Errno::kBadf);
  EXPECT_EQ(guest.Mkdir(fd, "x"), Errno::kNotdir);
  // A directory opened without saying so is one all the same.
  uint32_t dir = 0;
  ASSERT_EQ(guest.Open(kRoot, "dir", {0, 0, rights::kFdReaddir, 0, 0}, &dir), Errno::kSuccess);
  std::vector<TestGuest::DirectoryEntry> entries;
  EXPECT_EQ(guest.List(dir, 1000, &entries), Errno::kSuccess);
}

TEST(FileTest, DescriptorLimit) {
  TempTree tree;
  ContextBuilder builder;
  builder.PreopenDirectory(tree.sandbox(), ".").DescriptorLimit(6);
  TestGuest guest = Build(builder);
  Create(guest, "a");
  Create(guest, "b");
  EXPECT_EQ(guest.TryOpen(kRoot, "c", 0, oflags::kCreat, rights::kFdWrite), Errno::kMfile);
  EXPECT_FALSE(tree.Exists("sandbox/c"));
  EXPECT_EQ(guest.Close(4), Errno::kSuccess);
  EXPECT_EQ(guest.TryOpen(kRoot, "c", 0, oflags::kCreat, rights::kFdWrite), Errno::kSuccess);
}

TEST(DirectoryTest, CreateListRemove) {
  TempTree tree;
  TestGuest guest = SandboxGuest(tree);
  std::vector<std::string> names;
  for (int i = 0; i < 300; ++i) {
    names.push_back(absl::StrCat("entry", i, std::string(static_cast<size_t>(i % 50), 'x')));
    if (i % 3 == 0) {
      ASSERT_EQ(guest.Mkdir(kRoot, names.back()), Errno::kSuccess);
    } else if (i % 3 == 1) {
      tree.WriteFile("sandbox/" + names.back(), "");
    } else {
      ASSERT_EQ(guest.Symlink("nowhere", kRoot, names.back()), Errno::kSuccess);
    }
  }
  EXPECT_EQ(guest.Mkdir(kRoot, names[0]), Errno::kExist);
  std::sort(names.begin(), names.end());
  std::vector<TestGuest::DirectoryEntry> entries;
  for (uint32_t room : {100u, 101u, 500u, 4096u, TestGuest::kDataSize}) {
    ASSERT_EQ(guest.List(kRoot, room, &entries), Errno::kSuccess);
    ASSERT_EQ(entries.size(), names.size());
    for (size_t i = 0; i < names.size(); ++i) ASSERT_EQ(entries[i].name, names[i]);
  }
  for (const auto& entry : entries) {
    const int kind = std::stoi(entry.name.substr(5)) % 3;
    EXPECT_EQ(entry.type, kind == 0   ? Filetype::kDirectory
                          : kind == 1 ? Filetype::kRegularFile
                                      : Filetype::kSymbolicLink);
    if (kind == 0) {
      EXPECT_EQ(guest.Unlink(kRoot, entry.name), Errno::kIsdir);
      EXPECT_EQ(guest.Rmdir(kRoot, entry.name), Errno::kSuccess);
    } else {
      EXPECT_EQ(guest.Rmdir(kRoot, entry.name), Errno::kNotdir);
      EXPECT_EQ(guest.Unlink(kRoot, entry.name), Errno::kSuccess);
    }
  }
  EXPECT_EQ(guest.context().FdReaddir(guest.memory(), kRoot, 0, 100, uint64_t{1} << 63, 1000),
            Errno::kInval);
  EXPECT_EQ(guest.context().FdReaddir(guest.memory(), 0, 0, 100, 0, 1000), Errno::kNotdir);
  // Cookies are those that were given out.
  EXPECT_EQ(guest.context().FdReaddir(guest.memory(), kRoot, 0, 100, 1, 1000), Errno::kSuccess);
  EXPECT_EQ(guest.context().FdReaddir(guest.memory(), kRoot, 0, 100, 303, 1000), Errno::kInval);
  // No room at all is no error.
  EXPECT_EQ(guest.context().FdReaddir(guest.memory(), kRoot, 0, 0, 0, 1000), Errno::kSuccess);
  EXPECT_EQ(guest.Load<uint32_t>(1000), 0u);
}

TEST(DirectoryTest, ParentInodeIsHidden) {
  TempTree tree;
  TestGuest guest = SandboxGuest(tree);
  struct stat outside;
  ASSERT_EQ(stat(tree.root().c_str(), &outside), 0);
  ASSERT_EQ(guest.context().FdReaddir(guest.memory(), kRoot, 0, 1000, 0, 2000), Errno::kSuccess);
  const uint32_t used = guest.Load<uint32_t>(2000);
  ASSERT_GT(used, 0u);
  for (uint32_t at = 0; at < used;) {
    EXPECT_NE(guest.Load<uint64_t>(at + layout::Dirent::kIno), outside.st_ino);
    at += layout::Dirent::kSize + guest.Load<uint32_t>(at + layout::Dirent::kNamlen);
  }
}

TEST(DirectoryTest, LinksAndRenames) {
  TempTree tree;
  TestGuest guest = SandboxGuest(tree);
  tree.WriteFile("sandbox/file", "abc");
  ASSERT_EQ(guest.Mkdir(kRoot, "dir"), Errno::kSuccess);
  EXPECT_EQ(guest.Link(kRoot, 0, "file", kRoot, "dir/hard"), Errno::kSuccess);
  EXPECT_EQ(tree.ReadFile("sandbox/dir/hard"), "abc");
  EXPECT_EQ(guest.Link(kRoot, 0, "file", kRoot, "dir/hard"), Errno::kExist);
  EXPECT_EQ(guest.Link(kRoot, 0, "dir", kRoot, "dir2"), Errno::kPerm);
  EXPECT_EQ(guest.Link(kRoot, 4, "file", kRoot, "x"), Errno::kInval);
  EXPECT_EQ(guest.Symlink("dir/hard", kRoot, "soft"), Errno::kSuccess);
  EXPECT_EQ(guest.Link(kRoot, lookupflags::kSymlinkFollow, "soft", kRoot, "hard2"),
            Errno::kSuccess);
  EXPECT_EQ(tree.ReadFile("sandbox/hard2"), "abc");
  std::string target;
  EXPECT_EQ(guest.Readlink(kRoot, "soft", &target), Errno::kSuccess);
  EXPECT_EQ(target, "dir/hard");
  EXPECT_EQ(guest.Readlink(kRoot, "soft", &target, 3), Errno::kSuccess);
  EXPECT_EQ(target, "dir");
  EXPECT_EQ(guest.Readlink(kRoot, "file", &target), Errno::kInval);
  EXPECT_EQ(guest.Symlink("", kRoot, "empty"), Errno::kNoent);
  EXPECT_EQ(guest.Rename(kRoot, "soft", kRoot, "dir/soft"), Errno::kSuccess);
  EXPECT_EQ(guest.Rename(kRoot, "none", kRoot, "x"), Errno::kNoent);
  EXPECT_EQ(guest.Rename(kRoot, "file", kRoot, "dir"), Errno::kIsdir);
  EXPECT_EQ(guest.Rename(kRoot, "dir", kRoot, "dir/inside"), Errno::kInval);
  EXPECT_EQ(guest.Rmdir(kRoot, "dir"), Errno::kNotempty);
  EXPECT_EQ(guest.Rename(kRoot, "file", kRoot, "hard2"), Errno::kSuccess);
}

TEST(DirectoryTest, Prestats) {
  TempTree tree;
  tree.MakeDirectory("sandbox/a");
  ContextBuilder builder;
  builder.PreopenDirectory(tree.sandbox(), "/work").PreopenDirectory(tree.sandbox() + "/a", "");
  TestGuest guest = Build(builder);
  Context& context = guest.context();
  ASSERT_EQ(context.FdPrestatGet(guest.memory(), 3, 0), Errno::kSuccess);
  EXPECT_EQ(guest.Load<uint8_t>(0), 0u);
  EXPECT_EQ(guest.Load<uint32_t>(4), 5u);
  EXPECT_EQ(context.FdPrestatDirName(guest.memory(), 3, 16, 4), Errno::kNametoolong);
  ASSERT_EQ(context.FdPrestatDirName(guest.memory(), 3, 16, 5), Errno::kSuccess);
  EXPECT_EQ(guest.LoadText(16, 5), "/work");
  ASSERT_EQ(context.FdPrestatGet(guest.memory(), 4, 0), Errno::kSuccess);
  EXPECT_EQ(guest.Load<uint32_t>(4), 0u);
  EXPECT_EQ(context.FdPrestatGet(guest.memory(), 5, 0), Errno::kBadf);
  EXPECT_EQ(context.FdPrestatGet(guest.memory(), 0, 0), Errno::kBadf);
  const uint32_t opened = guest.OpenDirectory(3, "a");
  EXPECT_EQ(context.FdPrestatGet(guest.memory(), opened, 0), Errno::kBadf);
}

TEST(RenumberTest, MovesAndCloses) {
  TempTree tree;
  TestGuest guest = SandboxGuest(tree);
  const size_t host = CountHostDescriptors();
  const uint32_t a = Create(guest, "a"), b = Create(guest, "b");
  Context& context = guest.context();
  EXPECT_EQ(context.FdRenumber(guest.memory(), a, 50), Errno::kBadf);
  EXPECT_EQ(context.FdRenumber(guest.memory(), 50, a), Errno::kBadf);
  EXPECT_EQ(context.FdRenumber(guest.memory(), a, a), Errno::kSuccess);
  EXPECT_EQ(context.FdRenumber(guest.memory(), a, b), Errno::kSuccess);
  EXPECT_EQ(guest.Write(b, "to a"), Errno::kSuccess);
  EXPECT_EQ(tree.ReadFile("sandbox/a"), "to a");
  EXPECT_EQ(guest.Write(a, "x"), Errno::kBadf);
  EXPECT_EQ(CountHostDescriptors(), host + 1);
  EXPECT_EQ(context.open_descriptors(), 5u);
}

TEST(ClockTest, TimesAndResolutions) {
  ContextBuilder builder;
  TestGuest guest = Build(builder);
  for (uint32_t id = 0; id < 4; ++id) {
    ASSERT_EQ(guest.context().ClockTimeGet(guest.memory(), id, 1, 0), Errno::kSuccess);
    const uint64_t first = guest.Load<uint64_t>(0);
    ASSERT_EQ(guest.context().ClockTimeGet(guest.memory(), id, 1, 0), Errno::kSuccess);
    EXPECT_GE(guest.Load<uint64_t>(0), first);
    ASSERT_EQ(guest.context().ClockResGet(guest.memory(), id, 0), Errno::kSuccess);
    EXPECT_GT(guest.Load<uint64_t>(0), 0u);
  }
  EXPECT_EQ(guest.context().ClockTimeGet(guest.memory(), 4, 1, 0), Errno::kInval);
  EXPECT_EQ(guest.context().ClockResGet(guest.memory(), 0xffffffff, 0), Errno::kInval);
}

TEST(ProcessTest, ExitRaiseYield) {
  ContextBuilder builder;
  TestGuest guest = Build(builder);
  Context& context = guest.context();
  EXPECT_EQ(context.SchedYield(guest.memory()), Errno::kSuccess);
  EXPECT_EQ(context.ProcRaise(guest.memory(), 0), Errno::kSuccess);
  EXPECT_EQ(context.ProcRaise(guest.memory(), 18), Errno::kNotsup);  // stop
  EXPECT_EQ(context.ProcRaise(guest.memory(), 31), Errno::kInval);
  EXPECT_FALSE(context.exit_code().has_value());
  EXPECT_EQ(context.ProcRaise(guest.memory(), 6), Errno::kSuccess);  // abrt
  EXPECT_EQ(context.exit_code(), 134u);
  context.ProcExit(guest.memory(), 42);
  EXPECT_EQ(context.exit_code(), 42u);
}

TEST(RandomTest, InjectedAndHost) {
  ContextBuilder builder;
  builder.WithRandom([](absl::Span<uint8_t> bytes) {
    std::fill(bytes.begin(), bytes.end(), uint8_t{7});
    return Errno::kSuccess;
  });
  TestGuest guest = Build(builder);
  ASSERT_EQ(guest.context().RandomGet(guest.memory(), 0, 16), Errno::kSuccess);
  EXPECT_EQ(guest.LoadText(0, 17), std::string(16, 7) + std::string(1, 0));
  ContextBuilder host_builder;
  TestGuest host = Build(host_builder);
  ASSERT_EQ(host.context().RandomGet(host.memory(), 0, 65536), Errno::kSuccess);
  EXPECT_NE(host.LoadText(0, 32), host.LoadText(32, 32));
}

class PollTest : public testing::Test {
 protected:
  static constexpr uint32_t kIn = 0, kOut = 0x4000, kCount = 0x8000;

  PollTest() : clocks_(new FakeClocks()), guest_(MakeContext(clocks_)) {}

  static TestGuest MakeContext(FakeClocks* clocks) {
    ContextBuilder builder;
    builder.StdinBytes("12345").WithClocks(std::unique_ptr<Clocks>(clocks));
    int ends[2];
    CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
    // A pipe whose reader waits in vain: kept open by the test process.
    builder.Stdout(ScopedFd(ends[1]));
    builder.Stderr(ScopedFd(dup(ends[0])));
    close(ends[0]);
    return Build(builder);
  }

  void Clock(uint32_t index, uint64_t userdata, uint32_t id, uint64_t timeout, uint16_t flags) {
    using layout::Subscription;
    const uint32_t at = kIn + index * Subscription::kSize;
    guest_.Store<uint64_t>(at + Subscription::kUserdata, userdata);
    guest_.Store<uint8_t>(at + Subscription::kTag, 0);
    guest_.Store<uint32_t>(at + Subscription::kClockId, id);
    guest_.Store<uint64_t>(at + Subscription::kTimeout, timeout);
    guest_.Store<uint64_t>(at + Subscription::kPrecision, 0);
    guest_.Store<uint16_t>(at + Subscription::kClockFlags, flags);
  }
  void Fd(uint32_t index, uint64_t userdata, EventType type, uint32_t fd) {
    using layout::Subscription;
    const uint32_t at = kIn + index * Subscription::kSize;
    guest_.Store<uint64_t>(at + Subscription::kUserdata, userdata);
    guest_.Store<uint8_t>(at + Subscription::kTag, static_cast<uint8_t>(type));
    guest_.Store<uint32_t>(at + Subscription::kFd, fd);
  }
  struct Event {
    uint64_t userdata;
    Errno error;
    uint8_t type;
    uint64_t bytes;
  };
  Errno Poll(uint32_t count, std::vector<Event>* events) {
    const Errno error = guest_.context().PollOneoff(guest_.memory(), kIn, kOut, count, kCount);
    events->clear();
    if (error != Errno::kSuccess) return error;
    for (uint32_t i = 0; i < guest_.Load<uint32_t>(kCount); ++i) {
      const uint32_t at = kOut + i * layout::Event::kSize;
      events->push_back({guest_.Load<uint64_t>(at),
                         static_cast<Errno>(guest_.Load<uint16_t>(at + layout::Event::kError)),
                         guest_.Load<uint8_t>(at + layout::Event::kType),
                         guest_.Load<uint64_t>(at + layout::Event::kNbytes)});
    }
    return error;
  }

  FakeClocks* clocks_;
  TestGuest guest_;
  std::vector<Event> events_;
};

TEST_F(PollTest, SleepsForTheFirstClock) {
  Clock(0, 11, 1, 500, 0);
  Clock(1, 22, 0, 300, 0);
  Clock(2, 33, 1, 300, 0);
  ASSERT_EQ(Poll(3, &events_), Errno::kSuccess);
  ASSERT_EQ(events_.size(), 2u);
  EXPECT_EQ(events_[0].userdata, 22u);
  EXPECT_EQ(events_[1].userdata, 33u);
  EXPECT_EQ(clocks_->waited, 300u);
}

TEST_F(PollTest, AbsoluteTimes) {
  Clock(0, 1, 1, clocks_->now + 1000, subclockflags::kAbstime);
  ASSERT_EQ(Poll(1, &events_), Errno::kSuccess);
  EXPECT_EQ(clocks_->waited, 1000u);
  Clock(0, 1, 1, 5, subclockflags::kAbstime);  // long past
  ASSERT_EQ(Poll(1, &events_), Errno::kSuccess);
  EXPECT_EQ(clocks_->waited, 1000u);
  EXPECT_EQ(events_.size(), 1u);
}

TEST_F(PollTest, ReadyDescriptorsEndTheWait) {
  Clock(0, 1, 1, UINT64_MAX, 0);
  Fd(1, 2, EventType::kFdRead, 0);
  Fd(2, 3, EventType::kFdWrite, 1);
  Fd(3, 4, EventType::kFdRead, 0);
  ASSERT_EQ(Poll(4, &events_), Errno::kSuccess);
  ASSERT_EQ(events_.size(), 3u);
  EXPECT_EQ(events_[0].userdata, 2u);
  EXPECT_EQ(events_[0].bytes, 5u);
  EXPECT_EQ(events_[0].type, 1u);
  EXPECT_EQ(events_[1].userdata, 3u);
  EXPECT_EQ(events_[1].type, 2u);
  EXPECT_EQ(clocks_->waited, 0u);
}

TEST_F(PollTest, FailuresAreEvents) {
  Fd(0, 1, EventType::kFdRead, 77);
  Fd(1, 2, EventType::kFdRead, 1);  // not readable
  Clock(2, 3, 99, 0, 0);
  Clock(3, 4, 2, 0, 0);  // process time
  Clock(4, 5, 1, 0, 8);
  Clock(5, 6, 1, 1000, 0);  // not due, and not waited for
  Fd(6, 7, EventType::kFdRead, 0);
  ASSERT_EQ(Poll(7, &events_), Errno::kSuccess);
  ASSERT_EQ(events_.size(), 6u);
  const Errno expected[] = {Errno::kBadf,   Errno::kNotcapable, Errno::kInval,
                            Errno::kNotsup, Errno::kInval,      Errno::kSuccess};
  for (size_t i = 0; i < events_.size(); ++i) {
    EXPECT_EQ(events_[i].error, expected[i]) << i;
  }
  EXPECT_EQ(events_[5].userdata, 7u);
  EXPECT_EQ(clocks_->waited, 0u);
}

TEST_F(PollTest, BadRequests) {
  EXPECT_EQ(Poll(0, &events_), Errno::kInval);
  Clock(0, 1, 1, 0, 0);
  guest_.Store<uint8_t>(kIn + layout::Subscription::kTag, 3);
  EXPECT_EQ(Poll(1, &events_), Errno::kInval);
  Context& context = guest_.context();
  EXPECT_EQ(context.PollOneoff(guest_.memory(), 65536 - 47, 0, 1, kCount), Errno::kFault);
  EXPECT_EQ(context.PollOneoff(guest_.memory(), 0, 65536 - 31, 1, kCount), Errno::kFault);
  EXPECT_EQ(context.PollOneoff(guest_.memory(), 0, 0, 1, 65533), Errno::kFault);
  // 48 * 0x05555556 wraps to 32.
  EXPECT_EQ(context.PollOneoff(guest_.memory(), 0, 0, 0x05555556, kCount), Errno::kFault);
}

TEST(SocketTest, SendReceiveShutdown) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends), 0);
  ContextBuilder builder;
  builder.Socket(ScopedFd(ends[0]));
  TestGuest guest = Build(builder);
  Context& context = guest.context();
  guest.StoreText(0x100, "ping");
  guest.Store<uint32_t>(0, 0x100);
  guest.Store<uint32_t>(4, 4);
  ASSERT_EQ(context.SockSend(guest.memory(), 3, 0, 1, 0, 8), Errno::kSuccess);
  EXPECT_EQ(guest.Load<uint32_t>(8), 4u);
  EXPECT_EQ(context.SockSend(guest.memory(), 3, 0, 1, 1, 8), Errno::kInval);
  char buffer[4];
  ASSERT_EQ(read(ends[1], buffer, 4), 4);
  ASSERT_EQ(write(ends[1], "pong", 4), 4);
  ASSERT_EQ(context.SockRecv(guest.memory(), 3, 0, 1, riflags::kRecvPeek, 8, 12), Errno::kSuccess);
  EXPECT_EQ(guest.LoadText(0x100, 4), "pong");
  ASSERT_EQ(context.SockRecv(guest.memory(), 3, 0, 1, riflags::kRecvWaitall, 8, 12),
            Errno::kSuccess);
  EXPECT_EQ(guest.Load<uint16_t>(12), 0u);
  EXPECT_EQ(context.SockRecv(guest.memory(), 3, 0, 1, 4, 8, 12), Errno::kInval);
  EXPECT_EQ(context.SockAccept(guest.memory(), 3, 0, 8), Errno::kNotcapable);
  EXPECT_EQ(context.SockShutdown(guest.memory(), 3, 0), Errno::kInval);
  EXPECT_EQ(context.SockShutdown(guest.memory(), 3, 4), Errno::kInval);
  EXPECT_EQ(context.SockShutdown(guest.memory(), 3, sdflags::kWr), Errno::kSuccess);
  EXPECT_EQ(context.SockSend(guest.memory(), 3, 0, 1, 0, 8), Errno::kPipe);
  EXPECT_EQ(guest.Write(3, "x"), Errno::kPipe);
  EXPECT_EQ(context.SockSend(guest.memory(), 1, 0, 1, 0, 8), Errno::kNotsock);
  close(ends[1]);
}

TEST(SocketTest, DatagramsAreCutAndSaySo) {
  int ends[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, ends), 0);
  ContextBuilder builder;
  builder.Socket(ScopedFd(ends[0]));
  TestGuest guest = Build(builder);
  ASSERT_EQ(write(ends[1], "long", 4), 4);
  guest.Store<uint32_t>(0, 0x100);
  guest.Store<uint32_t>(4, 2);
  ASSERT_EQ(guest.context().SockRecv(guest.memory(), 3, 0, 1, 0, 8, 12), Errno::kSuccess);
  EXPECT_EQ(guest.Load<uint16_t>(12), roflags::kRecvDataTruncated);
  ASSERT_EQ(guest.context().FdFdstatGet(guest.memory(), 3, 0x200), Errno::kSuccess);
  EXPECT_EQ(guest.Load<uint8_t>(0x200), static_cast<uint8_t>(Filetype::kSocketDgram));
  close(ends[1]);
}

TEST(SocketTest, Accepts) {
  const int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_un address = {};
  address.sun_family = AF_UNIX;  // no name: the kernel picks an abstract one
  ASSERT_EQ(bind(listener, reinterpret_cast<sockaddr*>(&address), sizeof(sa_family_t)), 0);
  ASSERT_EQ(listen(listener, 1), 0);
  socklen_t length = sizeof(address);
  ASSERT_EQ(getsockname(listener, reinterpret_cast<sockaddr*>(&address), &length), 0);
  const int client = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
  ASSERT_EQ(connect(client, reinterpret_cast<sockaddr*>(&address), length), 0);

  ContextBuilder builder;
  builder.Socket(ScopedFd(listener));
  TestGuest guest = Build(builder);
  Context& context = guest.context();
  EXPECT_EQ(context.SockAccept(guest.memory(), 3, fdflags::kAppend, 8), Errno::kInval);
  ASSERT_EQ(context.SockAccept(guest.memory(), 3, fdflags::kNonblock, 8), Errno::kSuccess);
  const uint32_t fd = guest.Load<uint32_t>(8);
  ASSERT_EQ(fd, 4u);
  std::string data;
  EXPECT_EQ(guest.Read(fd, 4, &data), Errno::kAgain);
  ASSERT_EQ(write(client, "hi", 2), 2);
  EXPECT_EQ(guest.Read(fd, 4, &data), Errno::kSuccess);
  EXPECT_EQ(data, "hi");
  EXPECT_EQ(context.SockSend(guest.memory(), 3, 0, 0, 0, 8), Errno::kNotcapable);
  close(client);
}

}  // namespace
}  // namespace gantry::wasi
