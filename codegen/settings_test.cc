#include "codegen/settings.h"

#include <bit>
#include <set>

#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

TEST(SettingsTest, DefaultsAreThoseOfTheTable) {
  const SharedFlags flags;
  EXPECT_EQ(flags.opt_level(), OptLevel::kSpeed);
  EXPECT_TRUE(flags.spectre_mitigation());
  EXPECT_FALSE(flags.regalloc_checker());
  EXPECT_EQ(flags.chaos_seed(), 0);
  for (const FlagInfo& flag : kSharedFlagTable.flags) {
    EXPECT_EQ(flags.set().Get(flag.name), flag.default_value) << flag.name;
    EXPECT_NE(std::string(flag.help), "") << flag.name;
  }
}

TEST(SettingsTest, NamesAreUnique) {
  std::set<std::string> names;
  for (const FlagInfo& flag : kSharedFlagTable.flags) {
    EXPECT_TRUE(names.insert(flag.name).second) << flag.name;
  }
}

TEST(SettingsTest, SetsEachKind) {
  SharedFlags flags;
  ASSERT_TRUE(flags.Set("opt_level", "none").ok());
  ASSERT_TRUE(flags.Set("regalloc_checker", "on").ok());
  ASSERT_TRUE(flags.Set("chaos_seed", "18446744073709551615").ok());
  ASSERT_TRUE(flags.Enable("force_spilling").ok());
  EXPECT_EQ(flags.opt_level(), OptLevel::kNone);
  EXPECT_TRUE(flags.regalloc_checker());
  EXPECT_TRUE(flags.force_spilling());
  EXPECT_EQ(flags.chaos_seed(), ~uint64_t{0});
  SharedFlags other;
  EXPECT_FALSE(flags == other);
  EXPECT_TRUE(other == SharedFlags());
}

TEST(SettingsTest, SetsAreNamesJoinedByPlus) {
  SharedFlags flags;
  EXPECT_EQ(flags.pass_skip(), 0u);
  EXPECT_EQ(flags.set().Get("pass_skip"), "none");
  ASSERT_TRUE(flags.Set("pass_skip", "dead_code+gvn").ok());
  EXPECT_EQ(flags.pass_skip() & 2, 2u);
  EXPECT_EQ(std::popcount(flags.pass_skip()), 2);
  EXPECT_EQ(flags.set().Get("pass_skip"), "gvn+dead_code");
  const absl::Status status = flags.Set("pass_skip", "gvn+fast");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_NE(status.message().find("any joined by +"), absl::string_view::npos) << status;
  EXPECT_FALSE(flags.Set("pass_skip", "").ok());
  ASSERT_TRUE(flags.Set("pass_skip", "none").ok());
  EXPECT_TRUE(flags == SharedFlags());
}

TEST(SettingsTest, ErrorsNameFlagAndValues) {
  SharedFlags flags;
  absl::Status status = flags.Set("fast", "true");
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "there is no shared flag 'fast'");
  status = flags.Set("opt_level", "3");
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(),
            "flag 'opt_level' of group shared can't be '3': it takes one of none,speed");
  status = flags.Set("padding", "268435457");
  EXPECT_EQ(
      status.message(),
      "flag 'padding' of group shared can't be '268435457': it takes a number from 0 to 268435456");
  EXPECT_FALSE(flags.Set("chaos_seed", "-1").ok());
  EXPECT_FALSE(flags.Set("padding", "12x").ok());
  EXPECT_FALSE(flags.Enable("opt_level").ok());
  EXPECT_TRUE(flags == SharedFlags());
}

}  // namespace
}  // namespace gantry::codegen
