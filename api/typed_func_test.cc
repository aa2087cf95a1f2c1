// Typed calls both ways: registers and the array, every kind of value, traps, what is refused.
#include "api/typed_func.h"

#include <any>
#include <array>
#include <bit>
#include <limits>
#include <optional>
#include <string>
#include <tuple>
#include <vector>

#include "api/engine.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/testing/test_flags.h"
#include "api/trap.h"
#include "api/val.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gantry {
namespace {

using ::testing::HasSubstr;
using V128 = std::array<uint64_t, 2>;

constexpr char kGuest[] = R"((module $guest
  (import "env" "mixed" (func $mixed (param i32 f32 i64 f64 i32) (result f64)))
  (import "env" "pair" (func $pair (param i64) (result i64 f32)))
  (import "env" "by_value" (func $by_value))
  (import "env" "fail" (func $fail (param i32)))
  (import "env" "vector" (func $vector (param v128) (result v128)))
  (import "env" "keep" (func $keep (param externref funcref anyref) (result externref)))
  (import "env" "again" (func $again (param i32) (result i32)))
  (func (export "sub") (param i32 i32) (result i32) (i32.sub (local.get 0) (local.get 1)))
  (func (export "extend") (param i32) (result i64) (i64.extend_i32_s (local.get 0)))
  (func (export "five") (param i64 i32 i64 i32 i64) (result i64)
    (i64.add (i64.mul (i64.const 10000) (local.get 0))
    (i64.add (i64.mul (i64.const 1000) (i64.extend_i32_u (local.get 1)))
    (i64.add (i64.mul (i64.const 100) (local.get 2))
    (i64.add (i64.mul (i64.const 10) (i64.extend_i32_u (local.get 3)))
             (local.get 4))))))
  (func (export "six") (param i64 i64 i64 i64 i64 i64) (result i64)
    (i64.sub (local.get 0) (local.get 5)))
  (func (export "nine") (param f64 f64 f64 f64 f64 f64 f64 f64 f64) (result f64)
    (f64.sub (local.get 0) (local.get 8)))
  (func (export "interleaved") (param f32 i32 f64 i64 f32) (result f32)
    (f32.add (local.get 0) (f32.add (f32.convert_i32_s (local.get 1))
      (f32.add (f32.demote_f64 (local.get 2))
        (f32.add (f32.convert_i64_s (local.get 3)) (f32.mul (f32.const 1000) (local.get 4)))))))
  (func (export "same_f32") (param f32) (result f32) (local.get 0))
  (func (export "same_f64") (param f64) (result f64) (local.get 0))
  (func (export "same_v128") (param v128) (result v128) (local.get 0))
  (func (export "swap") (param i32 f64) (result f64 i32) (local.get 1) (local.get 0))
  (func (export "nothing"))
  (func (export "call_mixed") (param i32 f32 i64 f64 i32) (result f64)
    (call $mixed (local.get 0) (local.get 1) (local.get 2) (local.get 3) (local.get 4)))
  (func (export "call_pair") (param i64) (result i64 f32) (call $pair (local.get 0)))
  (func (export "call_by_value") (call $by_value))
  (func $call_fail (export "call_fail") (param i32) (call $fail (local.get 0)))
  (func (export "call_vector") (param v128) (result v128) (call $vector (local.get 0)))
  (func (export "call_keep") (param externref funcref anyref) (result externref)
    (call $keep (local.get 0) (local.get 1) (local.get 2)))
  (func $again_and_trap (export "again") (param i32) (result i32)
    (if (result i32) (i32.eqz (local.get 0))
      (then (unreachable))
      (else (call $again (i32.sub (local.get 0) (i32.const 1))))))
  (func $deep (export "deep") (param i32) (result i32)
    (i32.add (i32.const 1) (call $deep (i32.add (local.get 0) (i32.const 1)))))
  (func (export "divide") (param i32 i32) (result i32) (i32.div_s (local.get 0) (local.get 1)))
  (func (export "divide_floats") (param i32 f64) (result f64)
    (f64.convert_i32_s (i32.div_s (i32.const 7) (local.get 0))))
))";

struct Notes {
  std::vector<std::string> calls;
};

class TypedFuncTest : public ::testing::Test {
 protected:
  TypedFuncTest() : engine_(MakeEngine()), store_(engine_), linker_(engine_) {
    EXPECT_TRUE(linker_
                    .Func("env", "mixed",
                          [](int32_t a, float b, uint64_t c, double d, uint32_t e) {
                            return a + static_cast<double>(b) + static_cast<double>(c) + d + e;
                          })
                    .ok());
    EXPECT_TRUE(linker_
                    .Func("env", "pair",
                          [](int64_t a) {
                            return std::tuple<int64_t, float>(-a, static_cast<float>(a) / 2);
                          })
                    .ok());
    EXPECT_TRUE(
        linker_
            .Func("env", "by_value",
                  [](Caller caller) noexcept { caller.data<Notes>()->calls.push_back("by value"); })
            .ok());
    EXPECT_TRUE(linker_
                    .Func("env", "fail",
                          [](int32_t how) -> absl::Status {
                            if (how == 0) return absl::OkStatus();
                            if (how == 1) throw std::bad_alloc();
                            if (how == 2) throw 7;
                            return absl::DataLossError("gone");
                          })
                    .ok());
    EXPECT_TRUE(linker_
                    .Func("env", "vector",
                          [](V128 v) -> absl::StatusOr<V128> {
                            return V128{v[1], v[0]};
                          })
                    .ok());
    EXPECT_TRUE(linker_
                    .Func("env", "keep",
                          [](Caller& caller, std::optional<ExternRef> reference,
                             const std::optional<Func>& func, std::optional<AnyRef> any) {
                            Notes& notes = *caller.data<Notes>();
                            notes.calls.push_back(func ? "a function" : "no function");
                            notes.calls.push_back(any ? std::to_string(any->i31()) : "no i31");
                            return reference;
                          })
                    .ok());
    EXPECT_TRUE(linker_
                    .Func("env", "again",
                          [](Caller& caller, int32_t rounds) -> absl::StatusOr<int32_t> {
                            const Func func = std::get<Func>(*caller.GetExport("again"));
                            auto typed = func.Typed<int32_t(int32_t)>(caller.store());
                            if (!typed.ok()) return typed.status();
                            return typed->Call(caller.store(), rounds);
                          })
                    .ok());
    if (engine_.config().consume_fuel()) {
      EXPECT_TRUE(store_.SetFuel(kPlenty).ok());
    }
    absl::StatusOr<Module> module = Module::CompileText(engine_, kGuest);
    EXPECT_TRUE(module.ok()) << module.status();
    absl::StatusOr<Instance> instance = linker_.Instantiate(store_, *module);
    EXPECT_TRUE(instance.ok()) << instance.status();
    instance_.emplace(*instance);
  }
  static Engine MakeEngine() {
    Config config;
    AddTestCompilerFlags(config);
    return *Engine::Create(config);
  }
  template <typename Signature>
  TypedFunc<Signature> Get(const char* name) {
    absl::StatusOr<TypedFunc<Signature>> func = instance_->GetTypedFunc<Signature>(store_, name);
    EXPECT_TRUE(func.ok()) << func.status();
    return *func;
  }

  static constexpr uint64_t kPlenty = uint64_t{1} << 40;

  Engine engine_;
  StoreOf<Notes> store_;
  Linker linker_;
  std::optional<Instance> instance_;
};

TEST_F(TypedFuncTest, IntegersGoInRegistersInOrder) {
  EXPECT_EQ(*Get<int32_t(int32_t, int32_t)>("sub").Call(store_, 3, 10), -7);
  EXPECT_EQ(*Get<uint32_t(uint32_t, uint32_t)>("sub").Call(store_, 3, 10), 0xFFFFFFF9u);
  EXPECT_EQ(*Get<int64_t(int32_t)>("extend").Call(store_, -5), -5);
  auto five = Get<int64_t(int64_t, int32_t, int64_t, uint32_t, uint64_t)>("five");
  EXPECT_EQ(*five.Call(store_, 1, 2, 3, 4, 5), 12345);
  // An i32 arrives zero-extended whatever its sign.
  EXPECT_EQ(*five.Call(store_, 0, -1, 0, 0, 0), int64_t{1000} * 0xFFFFFFFF);
  EXPECT_EQ(*Get<int64_t(int64_t, int64_t, int64_t, int64_t, int64_t, int64_t)>("six").Call(
                store_, 1, 2, 3, 4, 5, 6),
            -5);
  EXPECT_TRUE(Get<void()>("nothing").Call(store_).ok());
}

// Consumed alike by calls through registers and through an array, at traps and in the host.
TEST_F(TypedFuncTest, FuelIsCountedWhicheverWayIsTaken) {
  if (!engine_.config().consume_fuel()) GTEST_SKIP() << "without fuel";
  const auto used_by = [&](auto call) {
    EXPECT_TRUE(store_.SetFuel(kPlenty).ok());
    call();
    return kPlenty - *store_.GetFuel();
  };
  const auto sub = Get<int32_t(int32_t, int32_t)>("sub");
  EXPECT_EQ(used_by([&] { EXPECT_EQ(*sub.Call(store_, 3, 10), -7); }), 3u);
  EXPECT_EQ(used_by([&] {
              EXPECT_TRUE(sub.func().Call(store_, {Val::I32(3), Val::I32(10)}).ok());
            }),
            3u);
  const auto same = Get<double(double)>("same_f64");
  EXPECT_EQ(used_by([&] { EXPECT_EQ(*same.Call(store_, 1.5), 1.5); }), 1u);
  EXPECT_EQ(used_by([&] { EXPECT_TRUE(Get<void()>("nothing").Call(store_).ok()); }), 0u);
  const auto again = Get<int32_t(int32_t)>("again");
  const uint64_t through_array =
      used_by([&] { EXPECT_FALSE(again.func().Call(store_, {Val::I32(3)}).ok()); });
  EXPECT_GT(through_array, 0u);
  EXPECT_EQ(used_by([&] { EXPECT_FALSE(again.Call(store_, 3).ok()); }), through_array);
  // Without any it is out before it has begun.
  EXPECT_TRUE(store_.SetFuel(0).ok());
  EXPECT_EQ(GetTrap(sub.Call(store_, 3, 10).status())->code, "out_of_fuel");
}

TEST_F(TypedFuncTest, FloatsKeepTheirBits) {
  auto same_f32 = Get<float(float)>("same_f32");
  auto same_f64 = Get<double(double)>("same_f64");
  for (uint32_t bits : {0u, 0x80000000u, 0x3F800000u, 0x7F800001u, 0xFFC12345u, 1u}) {
    EXPECT_EQ(std::bit_cast<uint32_t>(*same_f32.Call(store_, std::bit_cast<float>(bits))), bits);
  }
  for (uint64_t bits : {uint64_t{0}, uint64_t{1}, uint64_t{0x7FF0000000000001}, ~uint64_t{0}}) {
    EXPECT_EQ(std::bit_cast<uint64_t>(*same_f64.Call(store_, std::bit_cast<double>(bits))), bits);
  }
  EXPECT_EQ(*(Get<float(float, int32_t, double, int64_t, float)>("interleaved")
                  .Call(store_, 1, 2, 3, 4, 5)),
            5010);
  EXPECT_EQ(
      *(Get<double(double, double, double, double, double, double, double, double, double)>("nine")
            .Call(store_, 9, 0, 0, 0, 0, 0, 0, 0, 1)),
      8);
}

TEST_F(TypedFuncTest, OtherSignaturesGoThroughTheArray) {
  EXPECT_EQ(*Get<V128(V128)>("same_v128").Call(store_, V128{1, 2}), (V128{1, 2}));
  EXPECT_EQ((*Get<std::tuple<double, int32_t>(int32_t, double)>("swap").Call(store_, 3, 4.5)),
            (std::tuple<double, int32_t>(4.5, 3)));
}

TEST_F(TypedFuncTest, HostFunctionsGetAndGiveEveryKind) {
  EXPECT_EQ(*(Get<double(int32_t, float, uint64_t, double, uint32_t)>("call_mixed")
                  .Call(store_, -1, 0.5f, 1 << 20, 0.25, ~0u)),
            -1 + 0.5 + (1 << 20) + 0.25 + 4294967295.0);
  EXPECT_EQ((*Get<std::tuple<int64_t, float>(int64_t)>("call_pair").Call(store_, 5)),
            (std::tuple<int64_t, float>(-5, 2.5f)));
  EXPECT_TRUE(Get<void()>("call_by_value").Call(store_).ok());
  EXPECT_EQ(*Get<V128(V128)>("call_vector").Call(store_, V128{1, 2}), (V128{2, 1}));
  auto keep = Get<std::optional<ExternRef>(std::optional<ExternRef>, std::optional<Func>,
                                           std::optional<AnyRef>)>("call_keep");
  const ExternRef reference = *ExternRef::Create(store_, std::string("kept"));
  const std::optional<ExternRef> kept = *keep.Call(store_, reference, keep.func(), AnyRef::I31(9));
  EXPECT_EQ(*std::any_cast<std::string>(*kept->Get(store_)), "kept");
  EXPECT_EQ(*keep.Call(store_, std::nullopt, std::nullopt, std::nullopt), std::nullopt);
  EXPECT_THAT(store_.data().calls,
              ::testing::ElementsAre("by value", "a function", "9", "no function", "no i31"));
}

TEST_F(TypedFuncTest, ErrorsOfHostFunctionsComeOut) {
  auto fail = Get<void(int32_t)>("call_fail");
  EXPECT_TRUE(fail.Call(store_, 0).ok());
  EXPECT_EQ(fail.Call(store_, 1).code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(fail.Call(store_, 2).code(), absl::StatusCode::kInternal);
  const absl::Status status = fail.Call(store_, 3);
  EXPECT_EQ(status.message(), "gone");
  ASSERT_EQ(GetTrap(status)->backtrace.size(), 1u);
  EXPECT_EQ(GetTrap(status)->backtrace[0].func_name, "call_fail");
}

// lessons.md row 13: the walk ends at a direct entry as at a trampoline, however they nest.
TEST_F(TypedFuncTest, TrapsShowTheFramesOfEveryEntry) {
  auto again = Get<int32_t(int32_t)>("again");
  for (int round = 0; round < 3; ++round) {
    const absl::StatusOr<int32_t> result = again.Call(store_, 3);
    const std::optional<Trap> trap = GetTrap(result.status());
    ASSERT_TRUE(trap.has_value()) << result.status();
    EXPECT_EQ(trap->message, "unreachable");
    ASSERT_EQ(trap->backtrace.size(), 4u) << trap->ToString();
    for (const Frame& frame : trap->backtrace) EXPECT_EQ(frame.func_name, "again_and_trap");
  }
  EXPECT_EQ(*Get<int32_t(int32_t, int32_t)>("sub").Call(store_, 1, 1), 0);
}

TEST_F(TypedFuncTest, TrapsLeaveRegistersOfTheCallerAlone) {
  auto divide = Get<int32_t(int32_t, int32_t)>("divide");
  auto divide_floats = Get<double(int32_t, double)>("divide_floats");
  int64_t sum = 0;
  for (int32_t i = 0; i < 100; ++i) {
    const absl::StatusOr<int32_t> result = divide.Call(store_, 100, i % 3);
    if (i % 3 == 0) {
      EXPECT_EQ(GetTrap(result.status())->code, "int_divz");
      EXPECT_EQ(GetTrap(divide_floats.Call(store_, 0, 1).status())->code, "int_divz");
    } else {
      sum += *result;
      EXPECT_EQ(*divide_floats.Call(store_, 1, 1), 7);
    }
  }
  EXPECT_EQ(sum, 33 * 150);
  const absl::StatusOr<int32_t> deep = Get<int32_t(int32_t)>("deep").Call(store_, 0);
  EXPECT_EQ(deep.status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(GetTrap(deep.status())->code, "stk_ovf");
}

TEST_F(TypedFuncTest, TypeAndStoreAreChecked) {
  absl::Status status = instance_->GetTypedFunc<int64_t(int32_t, int32_t)>(store_, "sub").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_THAT(std::string(status.message()), HasSubstr("(i32 i32) -> (i64)"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("(i32 i32) -> (i32)"));
  EXPECT_EQ(instance_->GetTypedFunc<void()>(store_, "none").status().code(),
            absl::StatusCode::kNotFound);
  auto sub = Get<int32_t(int32_t, int32_t)>("sub");
  auto keep = Get<std::optional<ExternRef>(std::optional<ExternRef>, std::optional<Func>,
                                           std::optional<AnyRef>)>("call_keep");
  // lessons.md row 19.
  Store other(engine_);
  EXPECT_EQ(sub.Call(other, 1, 2).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(sub.func().Typed<int32_t(int32_t, int32_t)>(other).status().code(),
            absl::StatusCode::kInvalidArgument);
  const ExternRef foreign = *ExternRef::Create(other, 1);
  EXPECT_EQ(keep.Call(store_, foreign, std::nullopt, std::nullopt).status().code(),
            absl::StatusCode::kInvalidArgument);
  const Func foreign_func = *Func::Wrap(other, [] {});
  EXPECT_EQ(keep.Call(store_, std::nullopt, foreign_func, std::nullopt).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// A result of the wrong store is the host function's error.
TEST_F(TypedFuncTest, HostFunctionsCannotGiveForeignReferences) {
  Store other(engine_);
  const ExternRef foreign = *ExternRef::Create(other, 1);
  const Func give = *Func::Wrap(store_, [foreign] { return std::optional<ExternRef>(foreign); });
  EXPECT_EQ(give.Call(store_, {}).status().code(), absl::StatusCode::kInvalidArgument);
  auto typed = give.Typed<std::optional<ExternRef>()>(store_);
  ASSERT_TRUE(typed.ok());
  EXPECT_EQ(typed->Call(store_).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(TypedFuncTest, WrappedCallablesAreCalledByTheHostToo) {
  int calls = 0;
  const Func count = *Func::Wrap(store_, [&calls](int32_t by) { return calls += by; });
  auto typed = *count.Typed<int32_t(int32_t)>(store_);
  EXPECT_EQ(*typed.Call(store_, 2), 2);
  EXPECT_EQ(*typed.Call(store_, 3), 5);
  EXPECT_EQ((*count.Call(store_, {Val::I32(1)}))[0].i32(), 6);
  const Func function = *Func::Wrap(
      store_, +[](double x) { return x / 2; });
  EXPECT_EQ(*function.type(store_), FuncType({ValType::F64()}, {ValType::F64()}));
  EXPECT_EQ(*function.Typed<double(double)>(store_)->Call(store_, 5), 2.5);
}

// What a host function makes lives until it returns, and no longer.
TEST_F(TypedFuncTest, ReferencesMadeInAHostCallEndWithIt) {
  std::optional<ExternRef> leaked;
  const Func make = *Func::Wrap(store_, [&leaked](Caller& caller) {
    leaked = *ExternRef::Create(caller.store(), std::string("short"));
  });
  ASSERT_TRUE(make.Typed<void()>(store_)->Call(store_).ok());
  for (int i = 0; i < 5000; ++i) ASSERT_TRUE(ExternRef::Create(store_, i).ok());
  const auto found = leaked->Get(store_);
  EXPECT_TRUE(!found.ok() || std::any_cast<std::string>(*found) == nullptr);
}

}  // namespace
}  // namespace gantry
