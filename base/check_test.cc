#include "base/check.h"

#include "absl/status/status.h"
#include "gtest/gtest.h"

namespace gantry {
namespace {

TEST(CheckTest, PassesSilentlyAndEvaluatesOnce) {
  int calls = 0;
  auto next = [&] { return ++calls; };
  CHECK(next() == 1) << "not printed";
  CHECK_EQ(next(), 2);
  CHECK_OK(absl::OkStatus());
  EXPECT_EQ(calls, 2);
}

TEST(CheckTest, BindsToTheNearestIf) {
  bool reached_else = false;
  if (false)
    CHECK_EQ(1, 1);
  else
    reached_else = true;
  EXPECT_TRUE(reached_else);
}

TEST(CheckDeathTest, SaysWhereAndWhat) {
  EXPECT_DEATH(CHECK(1 == 2) << "extra", "check_test.cc:.*CHECK failed: 1 == 2 extra");
  EXPECT_DEATH(CHECK_LT(3, 2), "3 < 2 \\(3 vs. 2\\)");
  EXPECT_DEATH(CHECK_OK(absl::InternalError("boom")), "boom");
  EXPECT_DEATH(UNREACHABLE() << 7, "unreachable 7");
}

TEST(CheckDeathTest, DcheckFollowsTheBuild) {
  if (GANTRY_DCHECK_IS_ON()) {
    EXPECT_DEATH(DCHECK_EQ(1, 2), "CHECK failed");
  } else {
    DCHECK_EQ(1, 2);
  }
}

}  // namespace
}  // namespace gantry
