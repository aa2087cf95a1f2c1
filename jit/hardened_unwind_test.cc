// Call frame information of signed return addresses: the C++ runtime's unwinder checks the
// signatures of frames that an exception of the host passes, in calls and behind tail calls, with
// each key.
#include <unwind.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/check.h"
#include "codegen/ir/builder.h"
#include "cranelift_shared/isa_registry.h"
#include "gtest/gtest.h"
#include "jit/module.h"
#include "jit/module_testing.h"

namespace gantry::jit {
namespace {

using codegen::CallConv;
using codegen::FuncId;
using codegen::Linkage;
using codegen::Type;
using codegen::Value;

using Flags = std::vector<std::pair<std::string, std::string>>;

std::shared_ptr<const codegen::TargetIsa> IsaWith(const Flags& flags) {
  const auto linked = cranelift::FindHostIsa();
  CHECK_OK(linked.status());
  const std::unique_ptr<codegen::IsaBuilder> builder = (*linked)->NewBuilder();
  CHECK_OK(builder->InferHost());
  for (const auto& [flag, value] : flags) CHECK_OK(builder->Set(flag, value));
  auto isa = builder->Build();
  CHECK_OK(isa.status());
  return *std::move(isa);
}

constexpr int64_t kThrows = 1000;

int64_t Host(int64_t value) {
  if (value >= kThrows) throw value;
  return 2 * value;
}

// Of so many i64 to one, by the convention of WebAssembly.
codegen::Signature Taking(size_t params) {
  codegen::Signature signature(CallConv::kWasm);
  signature.params.assign(params, Type::kI64);
  signature.returns = {Type::kI64};
  return signature;
}

class HardenedUnwindTest : public ::testing::TestWithParam<Flags> {};

TEST_P(HardenedUnwindTest, ExceptionsPass) {
  auto made = JitModule::Create({.isa = IsaWith(GetParam()), .register_unwind_info = true});
  ASSERT_TRUE(made.ok()) << made.status();
  JitModule& module = **made;
  const auto declare = [&](const char* name, Linkage linkage, const codegen::Signature& signature) {
    const auto id = module.DeclareFunction(name, linkage, signature);
    CHECK_OK(id.status());
    return *id;
  };
  const FuncId host = declare("host", Linkage::kImport, IntSignature(1));
  CHECK_OK(module.SetAddress(host, reinterpret_cast<const void*>(&Host)));
  const FuncId inner = declare("inner", Linkage::kLocal, IntSignature(1));
  CHECK_OK(DefineCallPlus(module, inner, host, 1));
  // Tail calls that take more and fewer arguments on the stack than their caller has.
  const size_t counts[] = {2, 19, 9, 1};
  std::vector<FuncId> links;
  for (size_t i = 0; i < std::size(counts); ++i) {
    links.push_back(
        declare(("link" + std::to_string(i)).c_str(), Linkage::kLocal, Taking(counts[i])));
  }
  for (size_t i = 0; i < links.size(); ++i) {
    FunctionDraft draft(Taking(counts[i]));
    const codegen::FuncRef callee = module.ReferTo(inner, &draft.func);
    const Value called = draft.func.dfg.result(draft.b.Call(callee, {draft.param(counts[i] - 1)}));
    if (i + 1 == links.size()) {
      draft.b.Return({called});
    } else {
      std::vector<Value> arguments(counts[i + 1], called);
      draft.b.ReturnCall(module.ReferTo(links[i + 1], &draft.func), arguments);
    }
    CHECK_OK(module.Define(links[i], draft.func));
  }
  const FuncId outer = declare("outer", Linkage::kLocal, IntSignature(1));
  {
    FunctionDraft draft(IntSignature(1));
    const codegen::FuncRef callee = module.ReferTo(links[0], &draft.func);
    const codegen::Inst call = draft.b.Call(callee, {draft.param(0), draft.param(0)});
    draft.b.Return({draft.b.Iadd(draft.func.dfg.result(call), draft.b.I64(5))});
    CHECK_OK(module.Define(outer, draft.func));
  }
  ASSERT_TRUE(module.Finalize().ok());
  auto* const run = module.Function<int64_t (*)(int64_t)>(outer);
  // x -> 2 x + 1, four times; then 5.
  EXPECT_EQ(run(3), 16 * 3 + 15 + 5);
  // At each link in turn.
  for (const int64_t start : {int64_t{kThrows}, kThrows / 2, kThrows / 4, kThrows / 8}) {
    int64_t caught = 0;
    try {
      run(start);
    } catch (int64_t value) {
      caught = value;
    }
    EXPECT_GE(caught, kThrows) << start;
  }
}

INSTANTIATE_TEST_SUITE_P(
    Flags, HardenedUnwindTest,
    ::testing::Values(Flags{}, Flags{{"use_bti", "true"}},
                      Flags{{"sign_return_address", "true"}, {"use_bti", "true"}},
                      Flags{{"sign_return_address", "true"},
                            {"sign_return_address_with_bkey", "true"},
                            {"has_pauth", "false"}},
                      Flags{{"sign_return_address", "true"}, {"sign_return_address_all", "true"}}));

}  // namespace
}  // namespace gantry::jit
