#include "wasi/function_table.h"

#include <set>
#include <string>

#include "gtest/gtest.h"
#include "wasi/test_guest.h"

namespace gantry::wasi {
namespace {

std::string Signature(const FunctionInfo& function) {
  std::string text = "(";
  for (ParamType param : function.params) text += param == ParamType::kI32 ? "i" : "I";
  return text + ")" + (function.has_result ? "i" : "");
}

TEST(FunctionTableTest, HoldsThePreview1Module) {
  EXPECT_EQ(FunctionTable().size(), 46u);
  std::set<absl::string_view> names;
  for (const FunctionInfo& function : FunctionTable()) {
    EXPECT_TRUE(names.insert(function.name).second) << function.name;
    EXPECT_LE(function.params.size(), kMaxParams);
  }
  EXPECT_EQ(FindFunction("fd_reed"), nullptr);
  // Signatures as compiled C programs import them.
  const std::pair<const char*, const char*> expected[] = {
      {"args_get", "(ii)i"},       {"clock_time_get", "(iIi)i"}, {"fd_seek", "(iIii)i"},
      {"fd_write", "(iiii)i"},     {"fd_readdir", "(iiiIi)i"},   {"path_open", "(iiiiiIIii)i"},
      {"poll_oneoff", "(iiii)i"},  {"proc_exit", "(i)"},         {"sched_yield", "()i"},
      {"fd_prestat_get", "(ii)i"}, {"fd_advise", "(iIIi)i"},     {"path_rename", "(iiiiii)i"},
  };
  for (const auto& [name, signature] : expected) {
    const FunctionInfo* function = FindFunction(name);
    ASSERT_NE(function, nullptr) << name;
    EXPECT_EQ(Signature(*function), signature) << name;
  }
}

TEST(FunctionTableTest, CallsReachTheMethods) {
  TempTree tree;
  TestGuest guest = MakeGuest(tree, DetectResolveStrategy());
  uint32_t result = 99;
  const auto call = [&](absl::string_view name, const std::vector<uint64_t>& args) {
    const FunctionInfo* function = FindFunction(name);
    CHECK(function != nullptr && function->params.size() == args.size());
    return function->call(guest.context(), guest.memory(), args.data(), &result);
  };
  // The high half of an i32 argument is no part of it.
  EXPECT_EQ(call("args_sizes_get", {0xdead'0000'0000, 0xbeef'0000'0004}), Outcome::kReturned);
  EXPECT_EQ(result, 0u);
  EXPECT_EQ(guest.Load<uint32_t>(0), 1u);
  EXPECT_EQ(call("fd_close", {77}), Outcome::kReturned);
  EXPECT_EQ(result, static_cast<uint32_t>(Errno::kBadf));
  EXPECT_EQ(call("proc_exit", {3}), Outcome::kExited);
  EXPECT_EQ(guest.context().exit_code(), 3u);
}

TEST(FunctionTableTest, ARaisedSignalExits) {
  TempTree tree;
  TestGuest guest = MakeGuest(tree, DetectResolveStrategy());
  uint32_t result = 99;
  const uint64_t abort_signal = 6, no_signal = 0;
  const FunctionInfo* raise = FindFunction("proc_raise");
  EXPECT_EQ(raise->call(guest.context(), guest.memory(), &no_signal, &result), Outcome::kReturned);
  EXPECT_EQ(raise->call(guest.context(), guest.memory(), &abort_signal, &result), Outcome::kExited);
  EXPECT_EQ(guest.context().exit_code(), 134u);
}

// Hostile values in every argument of every call: an errno comes back, and nothing outside the
// sandbox is touched.
TEST(FunctionTableTest, EveryCallStandsEveryEdgeValue) {
  TempTree tree;
  tree.WriteFile("outside/secret", "secret");
  tree.WriteFile("sandbox/file", "text");
  tree.MakeLink("..", "sandbox/up");
  const std::string before = tree.Snapshot("outside");
  const uint64_t edges[] = {0,          3,          4,          0x100,      65535,     65536,
                            0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff, UINT64_MAX};
  for (const FunctionInfo& function : FunctionTable()) {
    // All combinations would be 11^9: each argument in turn takes each value, over two
    // fillings of the others.
    for (uint64_t filling : {uint64_t{3}, uint64_t{0x100}}) {
      for (size_t i = 0; i < std::max<size_t>(function.params.size(), 1); ++i) {
        for (uint64_t edge : edges) {
          TestGuest guest = MakeGuest(tree, DetectResolveStrategy());
          guest.StoreText(0x100, "up/outside/secret");
          uint64_t args[kMaxParams];
          std::fill(std::begin(args), std::end(args), filling);
          args[i] = edge;
          if (!function.params.empty()) args[0] = i == 0 ? edge : 3;
          uint32_t result = 0;
          function.call(guest.context(), guest.memory(), args, &result);
          ASSERT_LE(result, static_cast<uint32_t>(Errno::kNotcapable)) << function.name;
        }
      }
    }
  }
  EXPECT_EQ(tree.Snapshot("outside"), before);
}

}  // namespace
}  // namespace gantry::wasi
