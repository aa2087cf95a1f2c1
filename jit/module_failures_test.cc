// Every allocation and every mmap and mprotect of declaring, defining, finalizing and freeing fails
// once: each comes back as kResourceExhausted, what was there before works on, nothing leaks.
#include <memory>
#include <utility>
#include <vector>

#include "base/check.h"
#include "base/testing/failures.h"
#include "codegen/ir/builder.h"
#include "gtest/gtest.h"
#include "jit/module.h"
#include "jit/module_testing.h"

namespace gantry::jit {
namespace {

using codegen::DataId;
using codegen::FuncId;
using codegen::Linkage;
using IntFunction = int64_t (*)(int64_t);

int64_t Triple(int64_t x) { return 3 * x; }

// Drops the value where the status is the one that may come.
template <typename T>
bool Succeeded(const absl::StatusOr<T>& result) {
  EXPECT_TRUE(result.ok() || absl::IsResourceExhausted(result.status())) << result.status();
  return result.ok();
}
bool Succeeded(const absl::Status& status) {
  EXPECT_TRUE(status.ok() || absl::IsResourceExhausted(status)) << status;
  return status.ok();
}

class JitModuleFailuresTest : public testing::TestWithParam<FailureKinds> {
 protected:
  // Before anything that stays for the process's life is made under a failure.
  static void SetUpTestSuite() { UseOnce(HostIsa()); }

  static void UseOnce(std::shared_ptr<const codegen::TargetIsa> isa) {
    const auto module = JitModule::Create({.isa = std::move(isa)});
    CHECK_OK(module.status());
    const auto f = (*module)->DeclareFunction("f", Linkage::kExport, IntSignature(1));
    CHECK_OK(f.status());
    CHECK_OK(DefineFibonacci(**module, *f));
    CHECK_OK((*module)->Finalize());
  }
};

TEST_P(JitModuleFailuresTest, EachComesBackAndTheSameCallSucceedsThen) {
  const std::shared_ptr<const codegen::TargetIsa> isa = HostIsa();
  const Holdings at_start = CurrentHoldings();
  {
    std::unique_ptr<JitModule> module;
    const uint64_t creations = WithEachFailure(GetParam(), [&] {
      if (module != nullptr) return;
      auto made = JitModule::Create({.isa = isa});
      if (Succeeded(made)) module = *std::move(made);
    });
    EXPECT_GT(creations, 0u);
    ASSERT_NE(module, nullptr);

    // Runs on throughout.
    const FuncId before = *module->DeclareFunction("before", Linkage::kExport, IntSignature(1));
    ASSERT_TRUE(DefineFibonacci(*module, before).ok());
    ASSERT_TRUE(module->Finalize().ok());
    const auto still_works = [&] { return module->Function<IntFunction>(before)(10) == 55; };

    FuncId import, caller;
    DataId words;
    WithEachFailure(GetParam(), [&] {
      const auto a = module->DeclareFunction("import", Linkage::kImport, IntSignature(1));
      const auto b = module->DeclareFunction("caller", Linkage::kExport, IntSignature(1));
      const auto c = module->DeclareData("words", Linkage::kLocal, false);
      if (Succeeded(a)) import = *a;
      if (Succeeded(b)) caller = *b;
      if (Succeeded(c)) words = *c;
      EXPECT_TRUE(still_works());
    });
    ASSERT_TRUE(import.is_some() && caller.is_some() && words.is_some());
    WithEachFailure(GetParam(), [&] {
      Succeeded(module->SetAddress(import, reinterpret_cast<const void*>(&Triple)));
    });

    // The IR is the caller's business.
    WithEachFailure(
        GetParam(),
        [&] {
          auto draft = std::make_unique<FunctionDraft>(IntSignature(1));
          const codegen::Inst call =
              draft->b.Call(module->ReferTo(import, &draft->func), {draft->param(0)});
          draft->b.Return({draft->func.dfg.result(call)});
          return draft;
        },
        [&](const std::unique_ptr<FunctionDraft>& draft) {
          if (!module->is_defined(caller)) Succeeded(module->Define(caller, draft->func));
          EXPECT_TRUE(still_works());
        });
    ASSERT_TRUE(module->is_defined(caller));
    WithEachFailure(
        GetParam(),
        [&] {
          return codegen::DataContents{.bytes = std::vector<uint8_t>(16),
                                       .references = {{0, caller, 0}}};
        },
        [&](codegen::DataContents& contents) {
          if (!module->is_defined(words)) Succeeded(module->Define(words, std::move(contents)));
        });
    ASSERT_TRUE(module->is_defined(words));

    const uint64_t used = module->used();
    const uint64_t failures = WithEachFailure(GetParam(), [&] {
      if (module->Address(caller) != nullptr) return;
      if (!Succeeded(module->Finalize())) {
        EXPECT_EQ(module->used(), used);
        EXPECT_EQ(module->Address(caller), nullptr);
      }
      EXPECT_TRUE(still_works());
    });
    EXPECT_GT(failures, 0u);
    ASSERT_NE(module->Address(caller), nullptr);
    EXPECT_EQ(module->Function<IntFunction>(caller)(14), 42);
    EXPECT_TRUE(still_works());
  }
  const Holdings after = CurrentHoldings();
  EXPECT_EQ(after.allocated_bytes, at_start.allocated_bytes);
  EXPECT_EQ(after.mapped_bytes, at_start.mapped_bytes);
}

INSTANTIATE_TEST_SUITE_P(Kinds, JitModuleFailuresTest, testing::Values(kMappings, kAllocations));

}  // namespace
}  // namespace gantry::jit
