#include "cli/options.h"

#include <algorithm>
#include <cstdlib>
#include <string>

#include "CLI/CLI.hpp"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gantry::cli {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::Pair;

struct Parsed {
  CLI::App app;
  EngineOptions engine;
  GuestOptions guest;

  explicit Parsed(std::vector<std::string> words) {
    engine.AddTo(app);
    guest.AddTo(app);
    TakeProgramAndArguments(app);
    std::reverse(words.begin(), words.end());
    app.parse(words);
  }
};

TEST(OptionsTest, EngineOptionsReachTheConfig) {
  Parsed parsed({"-O", "opt-level=0,memory-reservation=65536", "-C", "threads=3,spectre=n", "-C",
                 "regalloc_checker,foo=bar", "-W",
                 "fuel=7,nan-canonicalization,relaxed-simd-deterministic", "-O", "epochs=counter", "-W",
                 "operator-cost=call:5,fuel-bulk-bytes=16", "a.wasm"});
  const Config config = *parsed.engine.ToConfig();
  EXPECT_EQ(config.opt_level(), OptLevel::kNone);
  EXPECT_EQ(config.memory_reservation(), 65536u);
  EXPECT_EQ(config.compilation_threads(), 3u);
  EXPECT_FALSE(config.spectre_mitigations());
  EXPECT_TRUE(config.consume_fuel());
  EXPECT_EQ(config.epoch_interruption(), EpochInterruption::kCounter);
  EXPECT_EQ(config.fuel_bulk_bytes(), 16u);
  EXPECT_THAT(config.operator_costs(), ElementsAre(Pair("call", 5u)));
  EXPECT_TRUE(config.nan_canonicalization());
  EXPECT_TRUE(config.relaxed_simd_deterministic());
  EXPECT_EQ(*parsed.engine.Fuel(), 7u);
  EXPECT_THAT(config.compiler_flags(),
              ElementsAre(Pair("regalloc_checker", "true"), Pair("foo", "bar")));
}

TEST(OptionsTest, AsynchronousCalls) {
  EXPECT_FALSE(*Parsed({"-O", "opt-level=0", "x"}).engine.Async());
  Parsed parsed({"-O", "async,async-stack-size=4194304", "-O",
                 "async-stack-keep-resident=65536,async-stack-zeroing", "x"});
  EXPECT_TRUE(*parsed.engine.Async());
  const Config config = *parsed.engine.ToConfig();
  EXPECT_EQ(config.async_stack_size(), 4194304u);
  EXPECT_EQ(config.async_stack_keep_resident(), 65536u);
  EXPECT_TRUE(config.async_stack_zeroing());
  EXPECT_FALSE(Parsed({"-O", "async=maybe", "x"}).engine.ToConfig().ok());
}

TEST(OptionsTest, PoolsReachTheConfig) {
  const Config config = *Parsed({"-O",
                                 "pooling-allocator=y,pooling-total-instances=30,"
                                 "pooling-max-memory-size=65536,pooling-memory-keep-resident=0",
                                 "-O", "pooling-total-tables=4,pooling-max-warm-slots=3", "a.wasm"})
                             .engine.ToConfig();
  ASSERT_TRUE(config.pooling().has_value());
  EXPECT_EQ(config.pooling()->total_instances, 30u);
  EXPECT_EQ(config.pooling()->total_memories, std::nullopt);
  EXPECT_EQ(config.pooling()->total_tables, 4u);
  EXPECT_EQ(config.pooling()->max_memory_size, 65536u);
  EXPECT_EQ(config.pooling()->memory_keep_resident, 0u);
  EXPECT_EQ(config.pooling()->max_warm_slots, 3u);
  EXPECT_FALSE(Parsed({"-O", "pooling-allocator=n", "a"}).engine.ToConfig()->pooling().has_value());
  EXPECT_THAT(
      std::string(Parsed({"-O", "pooling-nope=1", "x"}).engine.ToConfig().status().message()),
      HasSubstr("-O pooling-nope is not known"));
}

TEST(OptionsTest, FeaturesReachTheConfig) {
  Parsed parsed({"-W", "threads,simd=n", "-W", "max-wasm-stack=70000", "a.wasm"});
  const Config config = *parsed.engine.ToConfig();
  wasm::Features expected = wasm::Features::Default();
  expected.Set(wasm::Feature::kThreads, true).Set(wasm::Feature::kSimd, false);
  EXPECT_EQ(config.features(), expected);
  EXPECT_EQ(config.max_wasm_stack(), 70000u);
  EXPECT_THAT(std::string(Parsed({"-W", "nope", "x"}).engine.ToConfig().status().message()),
              HasSubstr("-W nope is not known; there are: fuel, operator-cost, fuel-bulk-bytes, "
                        "max-wasm-stack, nan-canonicalization, relaxed-simd-deterministic, "
                        "all-proposals"));
}

TEST(OptionsTest, FeaturesOverOthers) {
  const Parsed parsed({"-W", "threads,simd=n,fuel=3", "a.wasm"});
  wasm::Features base;
  base.Set(wasm::Feature::kSimd, true).Set(wasm::Feature::kGc, true);
  wasm::Features expected;
  expected.Set(wasm::Feature::kGc, true).Set(wasm::Feature::kThreads, true);
  EXPECT_EQ(*parsed.engine.FeaturesOver(base), expected);
}

TEST(OptionsTest, BadOptionsSayWhatThereIs) {
  EXPECT_THAT(std::string(Parsed({"-O", "nope=1", "x"}).engine.ToConfig().status().message()),
              HasSubstr("-O nope is not known; there are: opt-level"));
  EXPECT_FALSE(Parsed({"-O", "opt-level=9", "x"}).engine.ToConfig().ok());
  EXPECT_FALSE(Parsed({"-C", "threads=x", "x"}).engine.ToConfig().ok());
  EXPECT_FALSE(Parsed({"-C", "spectre=maybe", "x"}).engine.ToConfig().ok());
  EXPECT_FALSE(Parsed({"-W", "fuel=-1", "x"}).engine.ToConfig().ok());
  EXPECT_FALSE(Parsed({"-W", "operator-cost=call", "x"}).engine.ToConfig().ok());
  EXPECT_FALSE(Parsed({"-O", "epochs=maybe", "x"}).engine.ToConfig().ok());
}

TEST(OptionsTest, WhatFollowsTheFileBelongsToTheGuest) {
  const Parsed parsed({"--dir", "a::b", "--env", "X=1=2", "prog.wasm", "--dir", "c", "-x", "--"});
  EXPECT_THAT(*ProgramAndArguments(parsed.app), ElementsAre("prog.wasm", "--dir", "c", "-x", "--"));
  ASSERT_EQ(parsed.guest.Directories().size(), 1u);
  EXPECT_EQ(parsed.guest.Directories()[0].host, "a");
  EXPECT_EQ(parsed.guest.Directories()[0].guest, "b");
  EXPECT_THAT(*parsed.guest.Environment(), ElementsAre(Pair("X", "1=2")));
}

TEST(OptionsTest, MissingFilesAndUnknownOptionsAreNamed) {
  EXPECT_THAT(std::string(ProgramAndArguments(Parsed({}).app).status().message()),
              HasSubstr("FILE is missing"));
  EXPECT_THAT(std::string(ProgramAndArguments(Parsed({"--nope", "x"}).app).status().message()),
              HasSubstr("unknown option --nope"));
}

TEST(OptionsTest, GuestOptionsAreChecked) {
  EXPECT_FALSE(Parsed({"--env", "=1", "x"}).guest.Environment().ok());
  EXPECT_FALSE(Parsed({"--env", "GANTRY_NO_SUCH_VARIABLE", "x"}).guest.Environment().ok());
  setenv("GANTRY_TEST_VARIABLE", "v", 1);
  EXPECT_THAT(*Parsed({"--env", "GANTRY_TEST_VARIABLE", "x"}).guest.Environment(),
              ElementsAre(Pair("GANTRY_TEST_VARIABLE", "v")));
  EXPECT_FALSE(Parsed({"--preload", "name", "x"}).guest.Preloads().ok());
  EXPECT_THAT(*Parsed({"--preload", "env=f.wasm", "x"}).guest.Preloads(),
              ElementsAre(Pair("env", "f.wasm")));
}

TEST(OptionsTest, FilesAreWrittenWholeOrNotAtAll) {
  const std::string directory = ::testing::TempDir();
  const std::string path = directory + "/options_test_file";
  const std::vector<uint8_t> bytes(200'000, 7);
  ASSERT_TRUE(WriteFile(path, bytes).ok());
  EXPECT_EQ(*ReadFile(path), bytes);
  ASSERT_TRUE(WriteFile(path, {1, 2}).ok());
  EXPECT_EQ(ReadFile(path)->size(), 2u);
  const absl::Status missing = ReadFile(directory + "/no/such/file").status();
  EXPECT_EQ(missing.code(), absl::StatusCode::kNotFound);
  EXPECT_THAT(std::string(missing.message()), HasSubstr("/no/such/file"));
  EXPECT_FALSE(WriteFile(directory + "/no/such/file", bytes).ok());
  EXPECT_FALSE(ReadFile(directory).ok());
}

}  // namespace
}  // namespace gantry::cli
