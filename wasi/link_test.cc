#include "wasi/link.h"

#include <memory>
#include <utility>

#include "api/config.h"
#include "api/engine.h"
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

}  // namespace
}  // namespace gantry::wasi
