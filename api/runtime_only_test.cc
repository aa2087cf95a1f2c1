// A program without a compiler: links, and says what it cannot do.
#include "api/engine.h"
#include "api/instance.h"
#include "api/module.h"
#include "api/store.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gantry {
namespace {

using ::testing::HasSubstr;

TEST(RuntimeOnlyTest, SaysThatThereIsNoCompiler) {
  const Engine engine = *Engine::Create(Config());
  const uint8_t empty_module[] = {0, 'a', 's', 'm', 1, 0, 0, 0};
  const absl::Status status = Module::Compile(engine, empty_module).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("linked without a compiler"));
  EXPECT_EQ(Module::Validate(engine, empty_module).code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(ListCompilerSettings().status().code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(Module::Deserialize(engine, empty_module).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(RuntimeOnlyTest, RefusesTierUp) {
  const absl::Status status = Engine::Create(Config().TierUp(true)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("TierUp"));
}

TEST(RuntimeOnlyTest, MakesMemoriesAndNamesMissingTrampolines) {
  Store store(*Engine::Create(Config()));
  MemoryType type;
  type.limits.min = 1;
  EXPECT_TRUE(Memory::Create(store, type).ok());
  const absl::Status status = Func::CreateRaw(store, FuncType(), [](Caller&, runtime::ValRaw*) {
                                return absl::OkStatus();
                              }).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
}

}  // namespace
}  // namespace gantry
