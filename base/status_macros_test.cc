#include "base/status_macros.h"

#include <memory>

#include "gtest/gtest.h"

namespace gantry {
namespace {

absl::StatusOr<std::unique_ptr<int>> Make(int value) {
  if (value < 0) return absl::OutOfRangeError("negative");
  return std::make_unique<int>(value);
}

absl::Status Require(bool condition) {
  return condition ? absl::OkStatus() : absl::FailedPreconditionError("required");
}

absl::StatusOr<int> Sum(int a, int b) {
  RETURN_IF_ERROR(Require(a != 13));
  ASSIGN_OR_RETURN(std::unique_ptr<int> first, Make(a));
  ASSIGN_OR_RETURN(const auto second, Make(b));
  return *first + *second;
}

TEST(StatusMacrosTest, PassValuesAndErrorsOn) {
  EXPECT_EQ(*Sum(1, 2), 3);
  EXPECT_EQ(Sum(13, 2).status().code(), absl::StatusCode::kFailedPrecondition);
  EXPECT_EQ(Sum(-1, 2).status().message(), "negative");
  EXPECT_EQ(Sum(1, -2).status().message(), "negative");
}

}  // namespace
}  // namespace gantry
