// No path leaves the directory: escape attempts enumerated over shapes and operations, run
// through both ways of resolving, which must also agree with each other on all paths.
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "wasi/test_guest.h"

namespace gantry::wasi {
namespace {

constexpr uint32_t kRoot = TestGuest::kRoot;
constexpr uint32_t kFollow = lookupflags::kSymlinkFollow;

// A sandbox full of links that lead out of it.
void Plant(const TempTree& tree) {
  tree.WriteFile("outside/secret", "secret");
  tree.MakeDirectory("outside/dir");
  tree.WriteFile("outside/dir/inner", "inner");
  tree.MakeDirectory("sandbox/a/b/c");
  tree.WriteFile("sandbox/file", "inside");
  tree.WriteFile("sandbox/a/file", "inside too");
  tree.MakeLink("..", "sandbox/up");
  tree.MakeLink("../", "sandbox/up_slash");
  tree.MakeLink("../..", "sandbox/a/up_twice");
  tree.MakeLink("a/../..", "sandbox/around");
  tree.MakeLink("../outside", "sandbox/out");
  tree.MakeLink("../outside/", "sandbox/out_slash");
  tree.MakeLink("./a/b/../../../outside/./", "sandbox/out_winding");
  tree.MakeLink(tree.outside(), "sandbox/out_absolute");
  tree.MakeLink("/", "sandbox/slash");
  tree.MakeLink("//", "sandbox/slashes");
  tree.MakeLink(tree.sandbox(), "sandbox/home_absolute");
  tree.MakeLink("../sandbox", "sandbox/home_around");
  tree.MakeLink("chain2", "sandbox/chain1");
  tree.MakeLink("a/chain3", "sandbox/chain2");
  tree.MakeLink("../../outside", "sandbox/a/chain3");
  tree.MakeLink("../outside/secret", "sandbox/secret");
  tree.MakeLink(tree.outside() + "/secret", "sandbox/secret_absolute");
  tree.MakeLink("out/secret", "sandbox/secret_through_link");
  tree.MakeLink("../outside/new", "sandbox/dangling");
  tree.MakeLink(tree.outside() + "/new", "sandbox/dangling_absolute");
  tree.MakeLink("/proc/self/root", "sandbox/magic");
  tree.MakeLink("/dev/null", "sandbox/device");
}

struct Attempt {
  std::string path;
  // The last component, but for slashes, is a link that leads out: what does not follow it may
  // act on the link.
  bool ends_in_link;
};

std::vector<Attempt> Attempts(const TempTree& tree) {
  // Ways to stand outside.
  const std::vector<std::string> ways_out = {
      "..",         "./..",          "a/../..",     "a/b/../../..",   "a/b/c/../../../..",
      "up",         "a/up_twice",    "around",      "home_around/..", "up_slash",
      ".//..",      "a//..//..",     "a/./.././..", "slash",          "slashes",
      "magic",      "a/up_twice/..", "up/sandbox",  "up/../..",       "home_absolute",
      "home_around"};
  const std::vector<std::string> links_to_outside = {"out", "out_slash", "out_winding",
                                                     "out_absolute", "chain1"};
  std::vector<Attempt> attempts;
  const auto is_link = [](const std::string& path) {
    return path.substr(path.size() - 2) != ".." && path.find("up/") == std::string::npos;
  };
  for (const std::string& way : ways_out) {
    attempts.push_back({way, is_link(way)});
    for (const char* rest : {"/", "/.", "/..", "/outside", "/outside/secret", "/outside/new",
                             "/outside/dir/inner", "//outside//dir//", "/sandbox/file", "/file"}) {
      attempts.push_back({way + rest, is_link(way) && absl::string_view(rest) == "/"});
    }
  }
  for (const std::string& link : links_to_outside) {
    attempts.push_back({link, true});
    for (const char* rest : {"/", "/.", "/..", "/secret", "/new", "/dir", "/dir/", "/dir/inner",
                             "/../sandbox/file", "//dir/../secret"}) {
      attempts.push_back({link + rest, absl::string_view(rest) == "/"});
    }
  }
  for (const char* link : {"secret", "secret_absolute", "secret_through_link", "dangling",
                           "dangling_absolute", "device"}) {
    attempts.push_back({link, true});
    attempts.push_back({absl::StrCat("a/../", link), true});
    attempts.push_back({absl::StrCat("./", link), true});
  }
  for (const std::string& absolute :
       {std::string("/"), std::string("//"), std::string("/etc/passwd"), std::string("/file"),
        std::string("//file"), tree.sandbox() + "/file", tree.outside() + "/secret"}) {
    attempts.push_back({absolute, false});
  }
  return attempts;
}

struct Operation {
  const char* name;
  LastLink follows;
  std::function<Errno(TestGuest&, const std::string&)> run;
};

std::vector<Operation> Operations() {
  constexpr Rights kWriting = rights::kFdRead | rights::kFdWrite;
  return {
      {"open", LastLink::kFollow, [](auto& g, auto& p) { return g.TryOpen(kRoot, p, kFollow); }},
      {"open directory", LastLink::kFollow,
       [](auto& g, auto& p) {
         return g.TryOpen(kRoot, p, kFollow, oflags::kDirectory, rights::kFdReaddir);
       }},
      {"open to write", LastLink::kFollow,
       [](auto& g, auto& p) { return g.TryOpen(kRoot, p, kFollow, 0, kWriting); }},
      {"create", LastLink::kFollow,
       [](auto& g, auto& p) { return g.TryOpen(kRoot, p, kFollow, oflags::kCreat, kWriting); }},
      {"truncate", LastLink::kFollow,
       [](auto& g, auto& p) {
         return g.TryOpen(kRoot, p, kFollow, oflags::kCreat | oflags::kTrunc, kWriting);
       }},
      {"create new", LastLink::kKeep,
       [](auto& g, auto& p) {
         return g.TryOpen(kRoot, p, kFollow, oflags::kCreat | oflags::kExcl, kWriting);
       }},
      {"open no follow", LastLink::kFollowForTrailingSlash,
       [](auto& g, auto& p) { return g.TryOpen(kRoot, p, 0); }},
      {"create no follow", LastLink::kFollowForTrailingSlash,
       [](auto& g, auto& p) { return g.TryOpen(kRoot, p, 0, oflags::kCreat, kWriting); }},
      {"stat", LastLink::kFollow, [](auto& g, auto& p) { return g.Stat(kRoot, p, kFollow); }},
      {"stat no follow", LastLink::kFollowForTrailingSlash,
       [](auto& g, auto& p) { return g.Stat(kRoot, p, 0); }},
      {"set times", LastLink::kFollow,
       [](auto& g, auto& p) { return g.SetTimes(kRoot, p, kFollow, 5); }},
      {"set times no follow", LastLink::kFollowForTrailingSlash,
       [](auto& g, auto& p) { return g.SetTimes(kRoot, p, 0, 5); }},
      {"mkdir", LastLink::kKeep, [](auto& g, auto& p) { return g.Mkdir(kRoot, p); }},
      {"rmdir", LastLink::kKeep, [](auto& g, auto& p) { return g.Rmdir(kRoot, p); }},
      {"unlink", LastLink::kKeep, [](auto& g, auto& p) { return g.Unlink(kRoot, p); }},
      {"readlink", LastLink::kFollowForTrailingSlash,
       [](auto& g, auto& p) {
         std::string target;
         return g.Readlink(kRoot, p, &target);
       }},
      {"symlink at", LastLink::kKeep, [](auto& g, auto& p) { return g.Symlink("file", kRoot, p); }},
      {"rename from", LastLink::kKeep,
       [](auto& g, auto& p) { return g.Rename(kRoot, p, kRoot, "stolen"); }},
      {"rename to", LastLink::kKeep,
       [](auto& g, auto& p) { return g.Rename(kRoot, "file", kRoot, p); }},
      {"link from", LastLink::kFollow,
       [](auto& g, auto& p) { return g.Link(kRoot, kFollow, p, kRoot, "stolen"); }},
      {"link from no follow", LastLink::kFollowForTrailingSlash,
       [](auto& g, auto& p) { return g.Link(kRoot, 0, p, kRoot, "stolen"); }},
      {"link to", LastLink::kKeep,
       [](auto& g, auto& p) { return g.Link(kRoot, kFollow, "file", kRoot, p); }},
  };
}

class SandboxTest : public testing::TestWithParam<ResolveStrategy> {
 protected:
  void SetUp() override {
    if (GetParam() == ResolveStrategy::kKernel &&
        DetectResolveStrategy() != ResolveStrategy::kKernel) {
      GTEST_SKIP() << "this kernel has no openat2";
    }
  }
};

INSTANTIATE_TEST_SUITE_P(Strategies, SandboxTest,
                         testing::Values(ResolveStrategy::kKernel, ResolveStrategy::kWalk),
                         [](const auto& info) {
                           return info.param == ResolveStrategy::kKernel ? "Kernel" : "Walk";
                         });

TEST_P(SandboxTest, NoPathLeavesByAnyOperation) {
  const std::vector<Operation> operations = Operations();
  TempTree names;
  const size_t count = Attempts(names).size();
  for (const Operation& operation : operations) {
    for (size_t i = 0; i < count;) {
      // A tree serves until an operation acts on one of its links.
      TempTree tree;
      Plant(tree);
      TestGuest guest = MakeGuest(tree, GetParam());
      const std::string before = tree.Snapshot("outside");
      const std::vector<Attempt> attempts = Attempts(tree);
      for (; i < count; ++i) {
        const Attempt& attempt = attempts[i];
        const Errno error = operation.run(guest, attempt.path);
        const bool follows =
            operation.follows == LastLink::kFollow ||
            (operation.follows == LastLink::kFollowForTrailingSlash && attempt.path.back() == '/');
        if (!attempt.ends_in_link || follows) {
          ASSERT_EQ(error, Errno::kPerm) << operation.name << " " << attempt.path;
        } else if (error == Errno::kSuccess) {
          ASSERT_EQ(tree.Snapshot("outside"), before) << operation.name << " " << attempt.path;
          ++i;
          break;
        }
      }
      ASSERT_EQ(tree.Snapshot("outside"), before) << operation.name;
      ASSERT_TRUE(tree.Exists("sandbox/a"));
    }
  }
}

TEST_P(SandboxTest, LinksThatStayInsideWork) {
  TempTree tree;
  Plant(tree);
  tree.MakeLink("a/b/../file", "sandbox/good");
  tree.MakeLink("good", "sandbox/good2");
  tree.MakeLink("b/c/../../..", "sandbox/a/home");
  tree.MakeLink("fresh", "sandbox/dangling_inside");
  TestGuest guest = MakeGuest(tree, GetParam());
  for (const char* path :
       {"good", "good2", "a/home/good", "a/home/a/home/good2", "a/home/a/file"}) {
    uint32_t fd = 0;
    std::string data;
    ASSERT_EQ(guest.Open(kRoot, path, {.lookup = kFollow}, &fd), Errno::kSuccess) << path;
    EXPECT_EQ(guest.Read(fd, 100, &data), Errno::kSuccess);
    EXPECT_EQ(data, "inside too") << path;
    EXPECT_EQ(guest.Close(fd), Errno::kSuccess);
  }
  // Without following, a link at the end is itself; in the middle it is always followed.
  EXPECT_EQ(guest.TryOpen(kRoot, "good", 0), Errno::kLoop);
  EXPECT_EQ(guest.TryOpen(kRoot, "a/home/file", 0), Errno::kSuccess);
  // A new file is made where a dangling link leads.
  EXPECT_EQ(guest.TryOpen(kRoot, "dangling_inside", kFollow, oflags::kCreat, rights::kFdWrite),
            Errno::kSuccess);
  EXPECT_TRUE(tree.Exists("sandbox/fresh"));
  EXPECT_EQ(guest.TryOpen(kRoot, "dangling_inside", kFollow, oflags::kCreat | oflags::kExcl,
                          rights::kFdWrite),
            Errno::kExist);
}

TEST_P(SandboxTest, LoopsAndLengthsEnd) {
  TempTree tree;
  TestGuest guest = MakeGuest(tree, GetParam());
  tree.MakeLink("loop2", "sandbox/loop1");
  tree.MakeLink("loop1", "sandbox/loop2");
  tree.MakeLink("self/x", "sandbox/self");
  tree.WriteFile("sandbox/end", "");
  tree.MakeLink("end", "sandbox/link0");
  for (int i = 1; i <= 50; ++i) {
    tree.MakeLink(absl::StrCat("link", i - 1), absl::StrCat("sandbox/link", i));
  }
  for (const char* path : {"loop1", "loop1/x", "self", "self/x", "link40", "link50"}) {
    EXPECT_EQ(guest.Stat(kRoot, path, kFollow), Errno::kLoop) << path;
    EXPECT_EQ(guest.TryOpen(kRoot, path, kFollow), Errno::kLoop) << path;
  }
  EXPECT_EQ(guest.Stat(kRoot, "link39", kFollow), Errno::kSuccess);
  EXPECT_EQ(guest.TryOpen(kRoot, "link39", kFollow), Errno::kSuccess);
  const std::string long_name(256, 'n');
  EXPECT_EQ(guest.Stat(kRoot, long_name, kFollow), Errno::kNametoolong);
  std::string deep;
  for (int i = 0; i < 2000; ++i) deep += "./";
  EXPECT_EQ(guest.Stat(kRoot, deep + "end", kFollow), Errno::kSuccess);
  for (int i = 0; i < 100; ++i) deep += "./";
  EXPECT_EQ(guest.Stat(kRoot, deep + "end", kFollow), Errno::kNametoolong);
}

TEST_P(SandboxTest, PathsThatAreNoPaths) {
  TempTree tree;
  Plant(tree);
  TestGuest guest = MakeGuest(tree, GetParam());
  for (const Operation& operation : Operations()) {
    EXPECT_EQ(operation.run(guest, std::string("file\0", 5)), Errno::kInval) << operation.name;
    EXPECT_EQ(operation.run(guest, std::string("\0file", 5)), Errno::kInval) << operation.name;
    EXPECT_EQ(operation.run(guest, std::string("a\0/../../outside/secret", 23)), Errno::kInval);
    EXPECT_EQ(operation.run(guest, "\xff"), Errno::kIlseq) << operation.name;
    EXPECT_EQ(operation.run(guest, ""), Errno::kNoent) << operation.name;
  }
}

TEST_P(SandboxTest, TrailingSlashes) {
  TempTree tree;
  Plant(tree);
  tree.MakeLink("a", "sandbox/to_dir");
  tree.MakeLink("file", "sandbox/to_file");
  TestGuest guest = MakeGuest(tree, GetParam());
  for (const char* slashes : {"/", "//", "///"}) {
    const std::string s = slashes;
    EXPECT_EQ(guest.TryOpen(kRoot, "file" + s, kFollow), Errno::kNotdir);
    EXPECT_EQ(guest.Stat(kRoot, "file" + s, 0), Errno::kNotdir);
    EXPECT_EQ(guest.Stat(kRoot, "to_file" + s, 0), Errno::kNotdir);
    EXPECT_EQ(guest.SetTimes(kRoot, "file" + s, 0, 1), Errno::kNotdir);
    EXPECT_EQ(guest.Unlink(kRoot, "file" + s), Errno::kNotdir);
    EXPECT_EQ(guest.Unlink(kRoot, "a" + s), Errno::kIsdir);
    EXPECT_EQ(guest.Rmdir(kRoot, "file" + s), Errno::kNotdir);
    EXPECT_EQ(guest.Rmdir(kRoot, "to_dir" + s), Errno::kNotdir);
    EXPECT_EQ(guest.Rename(kRoot, "file", kRoot, "new" + s), Errno::kNotdir);
    EXPECT_EQ(guest.Rename(kRoot, "file" + s, kRoot, "new"), Errno::kNotdir);
    EXPECT_EQ(guest.Link(kRoot, 0, "file", kRoot, "new" + s), Errno::kNoent);
    EXPECT_EQ(guest.Link(kRoot, 0, "file", kRoot, "a" + s), Errno::kExist);
    EXPECT_EQ(guest.Symlink("file", kRoot, "new" + s), Errno::kNoent);
    EXPECT_EQ(guest.Symlink("file", kRoot, "a" + s), Errno::kExist);
    EXPECT_EQ(guest.TryOpen(kRoot, "new" + s, kFollow, oflags::kCreat, rights::kFdWrite),
              Errno::kIsdir);
    EXPECT_EQ(guest.TryOpen(kRoot, "a" + s, 0), Errno::kSuccess);
    EXPECT_EQ(guest.TryOpen(kRoot, "to_dir" + s, 0), Errno::kSuccess);
    EXPECT_EQ(guest.Stat(kRoot, "to_dir" + s, 0), Errno::kSuccess);
    EXPECT_EQ(guest.Load<uint8_t>(TestGuest::kResult + layout::Filestat::kFiletype),
              static_cast<uint8_t>(Filetype::kDirectory));
    EXPECT_EQ(guest.Mkdir(kRoot, "made" + s), Errno::kSuccess);
    EXPECT_EQ(guest.Rename(kRoot, "made" + s, kRoot, "moved" + s), Errno::kSuccess);
    EXPECT_EQ(guest.Rmdir(kRoot, "moved" + s), Errno::kSuccess);
  }
}

TEST_P(SandboxTest, TheDirectoryItselfIsNotAnEntry) {
  TempTree tree;
  Plant(tree);
  TestGuest guest = MakeGuest(tree, GetParam());
  for (const char* path : {".", "./", "a/..", "a/../", "a/b/../.."}) {
    EXPECT_EQ(guest.Mkdir(kRoot, path), Errno::kExist) << path;
    EXPECT_EQ(guest.Rmdir(kRoot, path), Errno::kInval) << path;
    EXPECT_EQ(guest.Unlink(kRoot, path), Errno::kIsdir) << path;
    EXPECT_EQ(guest.Rename(kRoot, path, kRoot, "new"), Errno::kBusy) << path;
    EXPECT_EQ(guest.Rename(kRoot, "a", kRoot, path), Errno::kBusy) << path;
    EXPECT_EQ(guest.Symlink("file", kRoot, path), Errno::kExist) << path;
    EXPECT_EQ(guest.Link(kRoot, 0, path, kRoot, "new"), Errno::kPerm) << path;
    EXPECT_EQ(guest.Stat(kRoot, path, 0), Errno::kSuccess) << path;
    EXPECT_EQ(guest.SetTimes(kRoot, path, 0, 1000), Errno::kSuccess) << path;
    EXPECT_EQ(guest.TryOpen(kRoot, path, 0), Errno::kSuccess) << path;
  }
}

// A directory opened below a preopened one is a sandbox of its own.
TEST_P(SandboxTest, EachDirectoryDescriptorIsARoot) {
  TempTree tree;
  Plant(tree);
  tree.MakeLink("../file", "sandbox/a/to_parent");
  TestGuest guest = MakeGuest(tree, GetParam());
  const uint32_t a = guest.OpenDirectory(kRoot, "a");
  EXPECT_EQ(guest.TryOpen(a, "file", 0), Errno::kSuccess);
  EXPECT_EQ(guest.TryOpen(a, "../file", 0), Errno::kPerm);
  EXPECT_EQ(guest.TryOpen(a, "to_parent", kFollow), Errno::kPerm);
  EXPECT_EQ(guest.TryOpen(kRoot, "a/to_parent", kFollow), Errno::kSuccess);
  EXPECT_EQ(guest.Rename(a, "file", kRoot, "renamed"), Errno::kSuccess);
}

TEST_P(SandboxTest, GuestsCannotPlantAbsoluteLinks) {
  TempTree tree;
  TestGuest guest = MakeGuest(tree, GetParam());
  EXPECT_EQ(guest.Symlink("/etc/passwd", kRoot, "link"), Errno::kPerm);
  EXPECT_EQ(guest.Symlink(tree.sandbox(), kRoot, "link"), Errno::kPerm);
  EXPECT_FALSE(tree.Exists("sandbox/link"));
  // A relative one may dangle or lead out, but is not followed out.
  EXPECT_EQ(guest.Symlink("../outside", kRoot, "link"), Errno::kSuccess);
  EXPECT_EQ(guest.TryOpen(kRoot, "link", kFollow), Errno::kPerm);
  EXPECT_EQ(guest.Rename(kRoot, "link", kRoot, "link2"), Errno::kSuccess);
  EXPECT_EQ(guest.Link(kRoot, kFollow, "link2", kRoot, "link3"), Errno::kPerm);
  EXPECT_EQ(guest.Link(kRoot, 0, "link2", kRoot, "link3"), Errno::kSuccess);
  EXPECT_EQ(guest.Stat(kRoot, "link3/x", kFollow), Errno::kPerm);
}

// While another thread exchanges a directory with a link that leads out, nothing outside is seen
// or changed.
TEST_P(SandboxTest, ExchangingDirectoriesForLinksGainsNothing) {
  TempTree tree;
  tree.WriteFile("outside/secret", "secret");
  tree.WriteFile("outside/victim", "victim");
  tree.MakeDirectory("sandbox/swap");
  tree.WriteFile("sandbox/swap/secret", "public");
  tree.MakeLink("../outside", "sandbox/link");
  TestGuest guest = MakeGuest(tree, GetParam());
  const std::string before = tree.Snapshot("outside");
  std::atomic<bool> stop = false;
  std::thread swapper([&] {
    const std::string a = tree.sandbox() + "/swap", b = tree.sandbox() + "/link";
    while (!stop.load()) renameat2(AT_FDCWD, a.c_str(), AT_FDCWD, b.c_str(), RENAME_EXCHANGE);
  });
  int reads = 0;
  for (int i = 0; i < 3000; ++i) {
    uint32_t fd = 0;
    std::string data;
    if (guest.Open(kRoot, "swap/secret", {.lookup = kFollow}, &fd) == Errno::kSuccess) {
      ASSERT_EQ(guest.Read(fd, 100, &data), Errno::kSuccess);
      ASSERT_EQ(data, "public");
      ASSERT_EQ(guest.Close(fd), Errno::kSuccess);
      ++reads;
    }
    guest.TryOpen(kRoot, "swap/new", kFollow, oflags::kCreat | oflags::kTrunc, rights::kFdWrite);
    guest.Unlink(kRoot, "swap/victim");
    guest.Mkdir(kRoot, "swap/made");
    guest.Rename(kRoot, "swap/new", kRoot, "swap/renamed");
    guest.SetTimes(kRoot, "swap/victim", kFollow, 1);
  }
  stop = true;
  swapper.join();
  EXPECT_EQ(tree.Snapshot("outside"), before);
  EXPECT_GT(reads, 0);
}

TEST_P(SandboxTest, HostDescriptorsCloseOnExecAndDoNotLeak) {
  const size_t before = CountHostDescriptors();
  {
    TempTree tree;
    Plant(tree);
    TestGuest guest = MakeGuest(tree, GetParam());
    uint32_t fd = 0;
    ASSERT_EQ(guest.Open(kRoot, "file", {.lookup = kFollow}, &fd), Errno::kSuccess);
    guest.OpenDirectory(kRoot, "a/b");
    for (int host = 3; host < 64; ++host) {
      const int flags = fcntl(host, F_GETFD);
      // Others in this process (the test runner's) may do as they like with the first few.
      if (flags >= 0 && static_cast<size_t>(host) >= before) {
        EXPECT_NE(flags & FD_CLOEXEC, 0) << host;
      }
    }
    const size_t open = CountHostDescriptors();
    for (const Operation& operation : Operations()) {
      for (const Attempt& attempt : Attempts(tree)) operation.run(guest, attempt.path);
      ASSERT_EQ(CountHostDescriptors(), open) << operation.name;
    }
  }
  EXPECT_EQ(CountHostDescriptors(), before);
}

// Enumerates all paths of up to four components over a small tree and asks both strategies.
TEST(StrategiesTest, AgreeOnAllSmallPaths) {
  if (DetectResolveStrategy() != ResolveStrategy::kKernel) GTEST_SKIP() << "no openat2";
  TempTree tree;
  tree.MakeDirectory("sandbox/d/d");
  tree.WriteFile("sandbox/f", "");
  tree.WriteFile("sandbox/d/f", "");
  tree.MakeLink("..", "sandbox/d/up");
  tree.MakeLink("..", "sandbox/up");
  tree.MakeLink("d/", "sandbox/l");
  tree.MakeLink("../f", "sandbox/d/l");
  tree.MakeLink("o", "sandbox/o");
  tree.MakeLink("d/none/x", "sandbox/n");
  tree.MakeLink("/", "sandbox/d/n");
  const int root = open(tree.sandbox().c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  ASSERT_GE(root, 0);
  const std::vector<std::string> names = {"d", "f", "up", "l", "o", "n", "..", ".", "", "x"};
  const auto inode = [](const ScopedFd& fd) {
    struct stat status = {};
    CHECK_EQ(fstat(fd.get(), &status), 0);
    return status.st_ino;
  };
  const auto check = [&](const std::string& path) {
    for (int flags : {0, O_NOFOLLOW, O_DIRECTORY, O_DIRECTORY | O_NOFOLLOW}) {
      auto kernel = OpenBeneath(ResolveStrategy::kKernel, root, path, flags, 0);
      auto walk = OpenBeneath(ResolveStrategy::kWalk, root, path, flags, 0);
      ASSERT_EQ(kernel.status(), walk.status()) << "open " << path << " " << flags;
      if (kernel.ok()) {
        ASSERT_EQ(inode(*kernel), inode(*walk)) << path;
      }
    }
    for (LastLink last : {LastLink::kKeep, LastLink::kFollowForTrailingSlash, LastLink::kFollow}) {
      auto kernel = ResolveBeneath(ResolveStrategy::kKernel, root, path, last);
      auto walk = ResolveBeneath(ResolveStrategy::kWalk, root, path, last);
      ASSERT_EQ(kernel.status(), walk.status()) << "resolve " << path;
      if (!kernel.ok()) continue;
      ASSERT_EQ(kernel->leaf, walk->leaf) << path;
      ASSERT_EQ(kernel->is_parent, walk->is_parent) << path;
      ASSERT_EQ(kernel->needs_directory, walk->needs_directory) << path;
      ASSERT_EQ(kernel->leaf.find('/'), std::string::npos) << path;
      ASSERT_FALSE(kernel->leaf.empty() || kernel->leaf == "..") << path;
      struct stat a, b;
      ASSERT_EQ(fstat(kernel->parent(), &a), 0);
      ASSERT_EQ(fstat(walk->parent(), &b), 0);
      ASSERT_EQ(a.st_ino, b.st_ino) << path;
    }
  };
  const std::function<void(const std::string&, int)> visit = [&](const std::string& prefix,
                                                                 int left) {
    for (const std::string& name : names) {
      const std::string path = prefix.empty() ? name : prefix + "/" + name;
      check(path);
      if (testing::Test::HasFatalFailure()) return;
      if (left > 1 && !path.empty()) visit(path, left - 1);
    }
  };
  visit("", 4);
  close(root);
}

}  // namespace
}  // namespace gantry::wasi
