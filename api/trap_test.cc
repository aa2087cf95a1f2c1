#include "api/trap.h"

#include <limits>

#include "gtest/gtest.h"
#include "runtime/trap.h"

namespace gantry {
namespace {

TEST(TrapTest, CarriesReasonAndFrames) {
  absl::Status status = runtime::TrapStatus(environ::TrapCode::kIntegerDivideByZero);
  runtime::TrapFrame frame;
  frame.func_index = 3;
  frame.module_offset = 0x1f;
  runtime::TrapFrame named = frame;
  named.module_name = "mod";
  named.func_name = "main";
  runtime::AppendTrapFrames(status, {frame, named});
  const std::optional<Trap> trap = GetTrap(status);
  ASSERT_TRUE(trap.has_value());
  EXPECT_EQ(trap->message, "integer divide by zero");
  EXPECT_EQ(trap->code, "int_divz");
  EXPECT_EQ(trap->ToString(),
            "wasm trap: integer divide by zero\nwasm backtrace:\n"
            "  0: 0x1f - <module>!<function 3>\n"
            "  1: 0x1f - mod!main");
}

TEST(TrapTest, OtherStatusesAreNone) {
  EXPECT_FALSE(GetTrap(absl::OkStatus()).has_value());
  EXPECT_FALSE(GetTrap(absl::InternalError("x")).has_value());
}

TEST(TrapTest, ExitIsNoTrapEvenWithFrames) {
  for (const int32_t code : {0, 1, 255, -1, std::numeric_limits<int32_t>::min()}) {
    absl::Status status = ExitStatus(code);
    runtime::AppendTrapFrames(status, {runtime::TrapFrame()});
    EXPECT_EQ(GetExitCode(status), code);
    EXPECT_FALSE(GetTrap(status).has_value());
  }
  EXPECT_EQ(GetExitCode(absl::CancelledError("x")), std::nullopt);
}

}  // namespace
}  // namespace gantry
