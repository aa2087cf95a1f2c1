#include "runtime/trap.h"

#include "absl/strings/cord.h"
#include "gtest/gtest.h"

namespace gantry::runtime {
namespace {

using environ::TrapCode;

TEST(TrapTest, CodeAndFramesComeBack) {
  const TrapFrame inner{"", 3, "leaf", 0x1f};
  const TrapFrame outer{"app", 0, "", std::nullopt};
  absl::Status status = TrapStatus(TrapCode::kIntegerDivideByZero, {inner});
  EXPECT_EQ(status.code(), absl::StatusCode::kAborted);
  EXPECT_EQ(status.message(), "integer divide by zero");
  AppendTrapFrames(status, {outer}, 2);
  const std::optional<TrapInfo> trap = GetTrapInfo(status);
  ASSERT_TRUE(trap.has_value());
  EXPECT_EQ(trap->code, TrapCode::kIntegerDivideByZero);
  EXPECT_EQ(trap->frames, (std::vector<TrapFrame>{inner, outer}));
  EXPECT_EQ(BacktraceToString(*trap),
            "    at leaf (module, function 3) offset 0x1f\n"
            "    at <unnamed> (app, function 0)\n"
            "    ... and 2 outer frames\n");
}

TEST(TrapTest, ResourcesOfTheHost) {
  EXPECT_EQ(TrapStatus(TrapCode::kCallStackExhausted).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(TrapStatus(TrapCode::kOutOfFuel).code(), absl::StatusCode::kResourceExhausted);
}

// The error of a host function keeps its code, message and payloads.
TEST(TrapTest, AHostErrorGainsFramesOnly) {
  absl::Status status = absl::NotFoundError("no such file");
  EXPECT_FALSE(GetTrapInfo(status).has_value());
  status.SetPayload("other", absl::Cord("kept"));
  AppendTrapFrames(status, {TrapFrame{"m", 1, "f", 2}});
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "no such file");
  EXPECT_EQ(status.GetPayload("other"), absl::Cord("kept"));
  const std::optional<TrapInfo> trap = GetTrapInfo(status);
  ASSERT_TRUE(trap.has_value());
  EXPECT_FALSE(trap->code.has_value());
  EXPECT_EQ(trap->frames.size(), 1u);
}

TEST(TrapTest, AForeignPayloadIsNotFatal) {
  absl::Status status = absl::AbortedError("x");
  status.SetPayload("type.gantry/trap", absl::Cord("short"));
  ASSERT_TRUE(GetTrapInfo(status).has_value());
  status.SetPayload("type.gantry/trap", absl::Cord(std::string(64, '\xff')));
  ASSERT_TRUE(GetTrapInfo(status).has_value());
}

TEST(TrapTest, CannotCompileNamesTheFeature) {
  absl::Status status = CannotCompileStatus({wasm::Feature::kSimd, "i32x4.add"});
  AppendTrapFrames(status, {});
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(status.message(), "i32x4.add needs simd, which this compiler cannot make yet");
  EXPECT_EQ(GetTrapInfo(status)->code, environ::TrapCode::kCannotCompile);
  EXPECT_EQ(wasm::UnimplementedFeature(status), wasm::Feature::kSimd);
}

}  // namespace
}  // namespace gantry::runtime
