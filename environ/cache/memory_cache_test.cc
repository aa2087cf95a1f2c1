#include "environ/cache/memory_cache.h"

#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace gantry::environ {
namespace {

TEST(MemoryCacheTest, WhatWasInsertedIsFound) {
  MemoryCache cache(1000);
  EXPECT_EQ(cache.Get("a"), std::nullopt);
  cache.Insert("a", "one");
  cache.Insert("b", std::string("t\0wo", 4));
  EXPECT_EQ(cache.Get("a"), "one");
  EXPECT_EQ(cache.Get("b"), std::string("t\0wo", 4));
  cache.Insert("a", "three");
  EXPECT_EQ(cache.Get("a"), "three");
  EXPECT_EQ(cache.entries(), 2u);
  EXPECT_EQ(cache.bytes(), 6u + 5u);
}

TEST(MemoryCacheTest, TheLeastRecentlyUsedGoFirst) {
  MemoryCache cache(30);
  const std::string value(9, 'x');
  cache.Insert("a", value);
  cache.Insert("b", value);
  cache.Insert("c", value);
  EXPECT_TRUE(cache.Get("a").has_value());
  cache.Insert("d", value);
  EXPECT_FALSE(cache.Get("b").has_value());
  EXPECT_TRUE(cache.Get("a").has_value());
  EXPECT_LE(cache.bytes(), 30u);
  cache.Insert("e", std::string(100, 'x'));
  EXPECT_FALSE(cache.Get("e").has_value()) << "larger than the cache";
  EXPECT_EQ(cache.entries(), 3u);
}

TEST(MemoryCacheTest, ThreadsShareIt) {
  MemoryCache cache(1 << 12);
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&cache, t] {
      for (int i = 0; i < 2000; ++i) {
        const std::string key = std::to_string((i * 7 + t) % 300);
        EXPECT_EQ(cache.Get(key).value_or("value of " + key), "value of " + key);
        cache.Insert(key, "value of " + key);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_LE(cache.bytes(), uint64_t{1} << 12);
}

}  // namespace
}  // namespace gantry::environ
