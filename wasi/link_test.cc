#include "wasi/link.h"

#include <memory>
#include <utility>

#include "api/config.h"
#include "api/engine.h"
#include "api/trap.h"
#include "api/val.h"
#include "base/check.h"
#include "gtest/gtest.h"
#include "wasi/function_table.h"

namespace gantry::wasi {
namespace {

struct HostState {
  std::unique_ptr<Context> wasi;
};

class LinkTest : public testing::Test {
 protected:
  static Engine MakeEngine() {
    absl::StatusOr<Engine> engine = Engine::Create(Config());
    CHECK_OK(engine.status());
    return *std::move(engine);
  }
  static HostState MakeState() {
    absl::StatusOr<std::unique_ptr<Context>> context = ContextBuilder().Args({"a", "b"}).Build();
    CHECK_OK(context.status());
    return HostState{*std::move(context)};
  }
  static absl::Status Add(Linker& linker) {
    return AddToLinker(linker,
                       [](Caller& caller) -> Context& { return *caller.data<HostState>()->wasi; });
  }
  // Called by the host there is no memory: pointers are faults.
  absl::StatusOr<std::vector<Val>> Call(absl::string_view name, std::vector<Val> arguments) {
    absl::StatusOr<std::optional<Extern>> function = linker_.Get(store_, kModuleName, name);
    CHECK_OK(function.status());
    CHECK(function->has_value());
    return std::get<Func>(**function).Call(store_, arguments);
  }

  Engine engine_ = MakeEngine();
  StoreOf<HostState> store_{engine_, MakeState()};
  Linker linker_{engine_};
};

TEST_F(LinkTest, DefinesEveryFunctionOnce) {
  ASSERT_TRUE(Add(linker_).ok());
  for (const FunctionInfo& function : FunctionTable()) {
    EXPECT_TRUE(linker_.Has(kModuleName, function.name)) << function.name;
  }
  EXPECT_EQ(Add(linker_).code(), absl::StatusCode::kAlreadyExists);
}

TEST_F(LinkTest, TypesAreThoseOfTheTable) {
  ASSERT_TRUE(Add(linker_).ok());
  for (const FunctionInfo& function : FunctionTable()) {
    absl::StatusOr<std::optional<Extern>> defined = linker_.Get(store_, kModuleName, function.name);
    ASSERT_TRUE(defined.ok() && defined->has_value()) << function.name;
    absl::StatusOr<FuncType> type = std::get<Func>(**defined).type(store_);
    ASSERT_TRUE(type.ok());
    ASSERT_EQ(type->params().size(), function.params.size()) << function.name;
    for (size_t i = 0; i < function.params.size(); ++i) {
      EXPECT_EQ(type->params()[i], function.params[i] == ParamType::kI32 ? wasm::ValType::I32()
                                                                         : wasm::ValType::I64());
    }
    EXPECT_EQ(type->results().size(), function.has_result ? 1u : 0u);
  }
}

TEST_F(LinkTest, CallsReachTheStoresContext) {
  ASSERT_TRUE(Add(linker_).ok());
  absl::StatusOr<std::vector<Val>> result = Call("fd_close", {Val::I32(0)});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->at(0).i32(), 0);
  EXPECT_EQ(store_.data().wasi->open_descriptors(), 2u);
  result = Call("fd_close", {Val::I32(0)});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->at(0).i32(), static_cast<int32_t>(Errno::kBadf));
  result = Call("args_sizes_get", {Val::I32(0), Val::I32(4)});
  ASSERT_TRUE(result.ok()) << result.status();
  EXPECT_EQ(result->at(0).i32(), static_cast<int32_t>(Errno::kFault));
}

TEST_F(LinkTest, ExitIsAStatus) {
  ASSERT_TRUE(Add(linker_).ok());
  const absl::Status status = Call("proc_exit", {Val::I32(7)}).status();
  EXPECT_EQ(GetExitCode(status), 7) << status;
}

}  // namespace
}  // namespace gantry::wasi
