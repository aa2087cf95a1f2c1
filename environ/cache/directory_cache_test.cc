#include "environ/cache/directory_cache.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/testing/failures.h"
#include "gtest/gtest.h"

namespace gantry::environ {
namespace {

namespace fs = std::filesystem;

// A directory of its own for each test, gone behind it.
class DirectoryCacheTest : public testing::Test {
 protected:
  DirectoryCacheTest() {
    std::string name = testing::TempDir() + "/cache.XXXXXX";
    CHECK(mkdtemp(name.data()) != nullptr);
    top_ = name;
    path_ = name + "/deep/er";
  }
  ~DirectoryCacheTest() override { fs::remove_all(top_); }

  DirectoryCache::Options OptionsOf(uint64_t max_bytes) {
    return {.path = path_,
            .max_bytes = max_bytes,
            .touch_after_seconds = 0,
            .report = [this](const absl::Status& status) { reports_.push_back(status); }};
  }
  std::shared_ptr<DirectoryCache> Open(uint64_t max_bytes = 1 << 20) {
    auto cache = DirectoryCache::Open(OptionsOf(max_bytes));
    EXPECT_TRUE(cache.ok()) << cache.status();
    return cache.ok() ? *std::move(cache) : nullptr;
  }
  static std::string Key(int number) {
    std::string key = absl::StrCat("key ", number);
    key.resize(32, '.');
    return key;
  }
  uint64_t BytesThere() const {
    uint64_t bytes = 0;
    for (const auto& entry : fs::directory_iterator(path_)) {
      if (entry.path().filename() != "usage") bytes += entry.file_size();
    }
    return bytes;
  }
  size_t FilesThere() const {
    size_t count = 0;
    for ([[maybe_unused]] const auto& entry : fs::directory_iterator(path_)) ++count;
    return count;
  }

  std::string top_, path_;
  std::vector<absl::Status> reports_;
};

TEST_F(DirectoryCacheTest, WhatOneProcessInsertsTheNextFinds) {
  const std::string large(300'000, 'x');
  {
    const auto cache = Open();
    EXPECT_EQ(cache->Get(Key(1)), std::nullopt);
    cache->Insert(Key(1), "one");
    cache->Insert(Key(2), large);
    cache->Insert(Key(3), "");
    cache->Insert(Key(1), "another one");
    EXPECT_EQ(cache->Get(Key(1)), "another one");
  }
  const auto cache = Open();
  EXPECT_EQ(cache->Get(Key(1)), "another one");
  EXPECT_EQ(cache->Get(Key(2)), large);
  EXPECT_EQ(cache->Get(Key(3)), "");
  EXPECT_EQ(cache->Get(Key(4)), std::nullopt);
  std::ifstream file(cache->PathOf(Key(1)));
  std::string contents;
  std::getline(file, contents);
  EXPECT_EQ(contents, "another one");
  EXPECT_TRUE(reports_.empty());
  EXPECT_EQ(FilesThere(), 4u) << "three entries and the count";
}

TEST_F(DirectoryCacheTest, TheLeastRecentlyUsedGoFirst) {
  const std::string value(1000, 'x');
  {
    const auto cache = Open(10'500);
    for (int i = 0; i < 10; ++i) {
      cache->Insert(Key(i), value);
      // Times apart, however coarse the file system's clock is.
      const timespec times[2] = {{1'000'000 + i, 0}, {1'000'000 + i, 0}};
      CHECK(utimensat(AT_FDCWD, cache->PathOf(Key(i)).c_str(), times, 0) == 0);
    }
    EXPECT_TRUE(cache->Get(Key(0)).has_value()) << "and is the most recently used now";
    cache->Insert(Key(10), value);
    cache->Settle();
    EXPECT_LE(BytesThere(), 10'500u);
    EXPECT_TRUE(cache->Get(Key(0)).has_value());
    EXPECT_FALSE(cache->Get(Key(1)).has_value());
    EXPECT_TRUE(cache->Get(Key(9)).has_value());
    EXPECT_TRUE(cache->Get(Key(10)).has_value());
    cache->Insert(Key(11), std::string(20'000, 'x'));
    EXPECT_FALSE(cache->Get(Key(11)).has_value()) << "larger than the cache";
  }
  // One that writes all the time is held to the bound, too, and so are processes after each other.
  for (int round = 0; round < 5; ++round) {
    const auto cache = Open(10'500);
    for (int i = 0; i < 100; ++i) cache->Insert(Key(1000 + 100 * round + i), value);
  }
  EXPECT_LE(BytesThere(), 10'500u);
  EXPECT_GT(BytesThere(), 5'000u);
}

TEST_F(DirectoryCacheTest, ALostCountIsMadeAnew) {
  const std::string value(1000, 'x');
  {
    const auto cache = Open(1 << 20);
    for (int i = 0; i < 20; ++i) cache->Insert(Key(i), value);
  }
  for (const char* damage : {"", "nonsense", "18446744073709551615"}) {
    std::ofstream(path_ + "/usage") << damage;
    const auto cache = Open(10'000);
    cache->Insert(Key(100), value);
    cache->Settle();
    EXPECT_LE(BytesThere(), 10'000u) << damage;
    for (int i = 0; i < 20; ++i) cache->Insert(Key(i), value);
  }
  EXPECT_TRUE(reports_.empty());
}

TEST_F(DirectoryCacheTest, OnlyADirectoryOfOnesOwnIsUsed) {
  Open();
  CHECK(chmod(path_.c_str(), 0750) == 0);
  const absl::Status open_to_others = DirectoryCache::Open(OptionsOf(1000)).status();
  EXPECT_EQ(open_to_others.code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_NE(open_to_others.message().find(path_), absl::string_view::npos) << open_to_others;
  CHECK(chmod(path_.c_str(), 0700) == 0);
  if (geteuid() == 0) {
    CHECK(chown(path_.c_str(), 1, 1) == 0);
    EXPECT_EQ(DirectoryCache::Open(OptionsOf(1000)).status().code(),
              absl::StatusCode::kFailedPrecondition);
  }
  path_ = top_ + "/file";
  std::ofstream(path_) << "not a directory";
  EXPECT_EQ(DirectoryCache::Open(OptionsOf(1000)).status().code(), absl::StatusCode::kUnavailable);
  path_.clear();
  EXPECT_FALSE(DirectoryCache::Open(OptionsOf(1000)).ok());
}

TEST_F(DirectoryCacheTest, ADirectoryThatIsTakenAwayCostsNothingButTheCaching) {
  const auto cache = Open();
  cache->Insert(Key(1), "one");
  fs::remove_all(path_);
  EXPECT_EQ(cache->Get(Key(1)), std::nullopt);
  cache->Insert(Key(2), "two");
  cache->Insert(Key(3), "three");
  EXPECT_EQ(cache->Get(Key(2)), std::nullopt);
  EXPECT_EQ(reports_.size(), 1u) << "one line";
}

TEST_F(DirectoryCacheTest, EveryFailingFileCallCostsNothingButTheCaching) {
  { Open()->Insert(Key(0), "kept"); }
  const std::string value(5000, 'x');
  uint64_t n = 1;
  for (bool is_over = false; !is_over; ++n) {
    reports_.clear();
    std::shared_ptr<DirectoryCache> cache;
    const DirectoryCache::Options options = OptionsOf(3000 + n * 100);
    FailNth fail(kFiles, n);
    if (auto opened = DirectoryCache::Open(options); opened.ok()) {
      cache = *std::move(opened);
      const auto kept = cache->Get(Key(0));
      EXPECT_EQ(kept.value_or("kept"), "kept");
      cache->Insert(Key(1), "one");
      const auto one = cache->Get(Key(1));
      EXPECT_EQ(one.value_or("one"), "one");
      cache->Insert(Key(2), value);
      cache = nullptr;
    } else {
      EXPECT_EQ(opened.status().code(), absl::StatusCode::kUnavailable);
      EXPECT_TRUE(fail.happened());
    }
    EXPECT_LE(reports_.size(), 1u);
    is_over = !fail.happened();
  }
  EXPECT_GT(n, 10u);
  reports_.clear();
  const auto cache = Open();
  cache->Insert(Key(5), "five");
  EXPECT_EQ(cache->Get(Key(5)), "five");
  EXPECT_TRUE(reports_.empty());
}

// Readers see whole values or none, whatever others write, replace and remove meanwhile.
TEST_F(DirectoryCacheTest, ProcessesWriteAtOnce) {
  Open();
  const auto value_of = [](int key, int version) {
    return absl::StrCat(key, " ", std::string(2000 + 100 * key, static_cast<char>('a' + version)));
  };
  std::vector<pid_t> children;
  for (int p = 0; p < 4; ++p) {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child > 0) {
      children.push_back(child);
      continue;
    }
    int failed = 0;
    {
      auto cache = DirectoryCache::Open({.path = path_,
                                         .max_bytes = 60'000,
                                         .touch_after_seconds = 0,
                                         .report = [&](const absl::Status&) { ++failed; }});
      for (int i = 0; i < 400; ++i) {
        const int key = (i * 13 + p * 7) % 40;
        if (const auto found = (*cache)->Get(Key(key))) {
          const char version = found->back();
          if (*found != value_of(key, version - 'a')) failed += 100;
        }
        (*cache)->Insert(Key(key), value_of(key, (i + p) % 26));
      }
    }
    _exit(failed);
  }
  for (const pid_t child : children) {
    int status = 0;
    CHECK(waitpid(child, &status, 0) == child);
    EXPECT_TRUE(WIFEXITED(status));
    EXPECT_EQ(WEXITSTATUS(status), 0);
  }
  // Each may add a quarter of the limit before it looks.
  EXPECT_LE(BytesThere(), 60'000u * 2);
  for (const auto& entry : fs::directory_iterator(path_)) {
    EXPECT_EQ(entry.path().filename().string().find("tmp."), std::string::npos) << entry.path();
  }
}

}  // namespace
}  // namespace gantry::environ
