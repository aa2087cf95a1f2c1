// Vectors through the embedding API: arguments, results, globals and host functions; the settings
// by which floats and relaxed operations give the same bits everywhere.
#include <array>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "api/engine.h"
#include "api/host_func.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/testing/test_flags.h"
#include "api/trap.h"
#include "api/val.h"
#include "base/check.h"
#include "gtest/gtest.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry {
namespace {

using Vector = std::array<uint64_t, 2>;

std::vector<uint8_t> Assemble(const std::string& text) {
  const auto module = wasm::text::ParseText(wasm::text::SourceText("test", text));
  CHECK(module.ok()) << module.status();
  return module->bytes;
}

// An engine with one instance.
class Guest {
 public:
  Guest(const std::string& text, Config config) {
    AddTestCompilerFlags(config);
    engine_.emplace(*Engine::Create(config));
    linker_.emplace(*engine_);
    store_.emplace(*engine_);
    CHECK_OK(linker_->Func("host", "swap", [](Vector v) { return Vector{v[1], v[0]}; }));
    const FuncType many({ValType::V128(), ValType::I32(), ValType::V128(), ValType::F32()},
                        {ValType::F32(), ValType::V128(), ValType::I32(), ValType::V128()});
    CHECK_OK(linker_->Func("host", "reverse", many,
                           [](Caller&, absl::Span<const Val> arguments, absl::Span<Val> results) {
                             for (size_t i = 0; i < 4; ++i) results[i] = arguments[3 - i];
                             return absl::OkStatus();
                           }));
    const absl::StatusOr<Module> module = Module::Compile(*engine_, Assemble(text));
    CHECK(module.ok()) << module.status();
    const absl::StatusOr<Instance> instance = linker_->Instantiate(*store_, *module);
    CHECK(instance.ok()) << instance.status();
    instance_.emplace(*instance);
  }

  Store& store() { return *store_; }
  const Instance& instance() const { return *instance_; }
  std::vector<Val> Call(const char* name, std::vector<Val> arguments) {
    const auto results = instance_->GetFunc(*store_, name)->Call(*store_, arguments);
    EXPECT_TRUE(results.ok()) << name << ": " << results.status();
    return results.ok() ? *results : std::vector<Val>();
  }
  Vector CallVector(const char* name, std::vector<Val> arguments) {
    const std::vector<Val> results = Call(name, std::move(arguments));
    return results.empty() ? Vector{} : results[0].v128();
  }

 private:
  std::optional<Engine> engine_;
  std::optional<Linker> linker_;
  std::optional<Store> store_;
  std::optional<Instance> instance_;
};

constexpr char kWays[] = R"((module
  (import "host" "swap" (func $swap (param v128) (result v128)))
  (import "host" "reverse"
    (func $reverse (param v128 i32 v128 f32) (result f32 v128 i32 v128)))
  (global $mutable (export "mutable") (mut v128) (v128.const i64x2 1 2))
  (global $fixed (export "fixed") v128 (v128.const i64x2 3 4))
  (memory 1)
  (func (export "swap") (param v128) (result v128) (call $swap (local.get 0)))
  (func (export "reverse") (param v128 i32 v128 f32) (result f32 v128 i32 v128)
    (call $reverse (local.get 0) (local.get 1) (local.get 2) (local.get 3)))
  (func (export "exchange") (param v128) (result v128)
    (global.get $mutable) (global.set $mutable (local.get 0)))
  (func (export "fixed_value") (result v128) (global.get $fixed))
  (func (export "zero") (result v128) (local v128) (local.get 0))
  ;; Twenty vectors live at once, so that some lie in the frame, across calls.
  (func $pressure (export "pressure") (param v128 i32) (result v128)
    (local v128 v128 v128 v128 v128 v128 v128 v128 v128 v128)
    (local v128 v128 v128 v128 v128 v128 v128 v128 v128 v128)
    LETS
    (if (local.get 1)
      (then (local.set 0 (call $pressure (local.get 0) (i32.sub (local.get 1) (i32.const 1))))))
    (local.get 0)
    ADDS)
  (func (export "by_number") (param i32 v128 v128) (result v128)
    (select (local.get 1) (local.get 2) (local.get 0)))
  (func (export "blocks") (param i32 v128) (result v128)
    (local.get 1)
    (loop $again (param v128) (result v128)
      (i32x4.add (v128.const i32x4 1 2 3 4))
      (br_if $again (local.tee 0 (i32.sub (local.get 0) (i32.const 1))))))
))";

std::string Ways() {
  std::string text = kWays, lets, adds;
  for (int i = 0; i < 20; ++i) {
    absl::StrAppend(&lets, "(local.set ", 2 + i, " (i64x2.add (local.get 0) (v128.const i64x2 ", i,
                    " ", 100 * i, ")))");
    absl::StrAppend(&adds, "(i64x2.add (local.get ", 2 + i, "))");
  }
  text.replace(text.find("LETS"), 4, lets);
  text.replace(text.find("ADDS"), 4, adds);
  return text;
}

TEST(VectorsTest, GoEveryWay) {
  for (const OptLevel level : {OptLevel::kNone, OptLevel::kSpeed}) {
    Guest guest(Ways(), Config().OptLevel(level));
    EXPECT_EQ(guest.CallVector("swap", {Val::V128(1, 2)}), (Vector{2, 1}));
    const std::vector<Val> reversed =
        guest.Call("reverse", {Val::V128(1, 2), Val::I32(-3), Val::V128(4, 5), Val::F32(6.5f)});
    ASSERT_EQ(reversed.size(), 4u);
    EXPECT_EQ(reversed[0].f32(), 6.5f);
    EXPECT_EQ(reversed[1].v128(), (Vector{4, 5}));
    EXPECT_EQ(reversed[2].i32(), -3);
    EXPECT_EQ(reversed[3].v128(), (Vector{1, 2}));

    EXPECT_EQ(guest.CallVector("exchange", {Val::V128(7, 8)}), (Vector{1, 2}));
    const Global global = *guest.instance().GetGlobal(guest.store(), "mutable");
    EXPECT_EQ(global.Get(guest.store())->v128(), (Vector{7, 8}));
    CHECK_OK(global.Set(guest.store(), Val::V128(9, ~uint64_t{0})));
    EXPECT_EQ(guest.CallVector("exchange", {Val::V128(0, 0)}), (Vector{9, ~uint64_t{0}}));
    EXPECT_EQ(guest.CallVector("fixed_value", {}), (Vector{3, 4}));
    EXPECT_EQ(guest.CallVector("zero", {}), (Vector{0, 0}));

    // Each level gives 21 times its argument and the sums of what was added.
    EXPECT_EQ(guest.CallVector("pressure", {Val::V128(1, 2), Val::I32(0)}),
              (Vector{21 + 190, 42 + 19000}));
    const uint64_t low = 21 + 190, high = 42 + 19000;
    EXPECT_EQ(guest.CallVector("pressure", {Val::V128(1, 2), Val::I32(1)}),
              (Vector{low + 20 + 190, high + 40 + 19000}));
    EXPECT_EQ(guest.CallVector("by_number", {Val::I32(5), Val::V128(1, 2), Val::V128(3, 4)}),
              (Vector{1, 2}));
    EXPECT_EQ(guest.CallVector("by_number", {Val::I32(0), Val::V128(1, 2), Val::V128(3, 4)}),
              (Vector{3, 4}));
    EXPECT_EQ(guest.CallVector("blocks", {Val::I32(10), Val::V128(0, 0)}),
              (Vector{uint64_t{20} << 32 | 10, uint64_t{40} << 32 | 30}));
  }
}

TEST(VectorsTest, AnArgumentOfAnotherTypeIsRefused) {
  Guest guest(Ways(), Config());
  const Func swap = *guest.instance().GetFunc(guest.store(), "swap");
  EXPECT_EQ(swap.Call(guest.store(), {Val::I64(1)}).status().code(),
            absl::StatusCode::kInvalidArgument);
  const Global fixed = *guest.instance().GetGlobal(guest.store(), "fixed");
  EXPECT_FALSE(fixed.Set(guest.store(), Val::V128(1, 1)).ok());
}

constexpr char kFloats[] = R"((module
  (func (export "f32.add") (param f32 f32) (result f32) (f32.add (local.get 0) (local.get 1)))
  (func (export "f32.sqrt") (param f32 f32) (result f32) (f32.sqrt (local.get 0)))
  (func (export "f32.min") (param f32 f32) (result f32) (f32.min (local.get 0) (local.get 1)))
  (func (export "f32.ceil") (param f32 f32) (result f32) (f32.ceil (local.get 0)))
  (func (export "f32.folded") (param f32 f32) (result f32)
    (f32.mul (f32.const nan:0x12345) (f32.const 1)))
  (func (export "f32.demote") (param f32 f32) (result f32)
    (f32.demote_f64 (f64.add (f64.promote_f32 (local.get 0)) (f64.const 1))))
  (func (export "f32.neg") (param f32 f32) (result f32) (f32.neg (local.get 0)))
  (func (export "f32.select") (param f32 f32) (result f32)
    (select (local.get 0) (local.get 1) (i32.const 1)))
  (func (export "f32x4.div") (param v128 v128) (result v128)
    (f32x4.div (local.get 0) (local.get 1)))
  (func (export "f32x4.max") (param v128 v128) (result v128)
    (f32x4.max (local.get 0) (local.get 1)))
  (func (export "f32x4.pmax") (param v128 v128) (result v128)
    (f32x4.pmax (local.get 0) (local.get 1)))
  (func (export "f64x2.mul") (param v128 v128) (result v128)
    (f64x2.mul (local.get 0) (local.get 1)))
  (func (export "f64x2.nearest") (param v128 v128) (result v128) (f64x2.nearest (local.get 0)))
  (func (export "f64x2.promote") (param v128 v128) (result v128)
    (f64x2.promote_low_f32x4 (local.get 0)))
  (func (export "f32x4.demote") (param v128 v128) (result v128)
    (f32x4.demote_f64x2_zero (local.get 0)))
  (func (export "f32x4.madd") (param v128 v128) (result v128)
    (f32x4.relaxed_madd (local.get 0) (local.get 1) (local.get 1)))
))";

// WebAssembly 3.0, "Profiles", deterministic profile: every NaN that is made is the canonical one.
TEST(VectorsTest, NansAreCanonicalWhereThatIsAskedFor) {
  for (const OptLevel level : {OptLevel::kNone, OptLevel::kSpeed}) {
    Guest guest(kFloats, Config().OptLevel(level).NanCanonicalization(true));
    const Val odd = Val::F32Bits(0xFFA12345);  // negative, signalling
    const Val one = Val::F32(1);
    for (const char* name :
         {"f32.add", "f32.sqrt", "f32.min", "f32.ceil", "f32.folded", "f32.demote"}) {
      EXPECT_EQ(guest.Call(name, {odd, one})[0].f32_bits(), 0x7FC00000u) << name;
    }
    EXPECT_EQ(guest.Call("f32.add", {one, one})[0].f32(), 2);
    // What only passes bits on does.
    EXPECT_EQ(guest.Call("f32.neg", {odd, one})[0].f32_bits(), 0x7FA12345u);
    EXPECT_EQ(guest.Call("f32.select", {odd, one})[0].f32_bits(), 0xFFA12345u);

    const uint64_t odd_and_one = uint64_t{0xFFA12345} << 32 | 0x3F800000;
    const uint64_t nan_and_one = uint64_t{0x7FC00000} << 32 | 0x3F800000;
    const Val lanes = Val::V128(odd_and_one, 0x3F8000003F800000);
    const Val ones = Val::V128(0x3F8000003F800000, 0x3F8000003F800000);
    const Vector expected = {nan_and_one, 0x3F8000003F800000};
    EXPECT_EQ(guest.CallVector("f32x4.div", {lanes, ones}), expected);
    EXPECT_EQ(guest.CallVector("f32x4.max", {lanes, ones}), expected);
    EXPECT_EQ(guest.CallVector("f32x4.pmax", {lanes, ones}),
              (Vector{odd_and_one, 0x3F8000003F800000}));
    // Zero by zero has a negative NaN on many machines.
    EXPECT_EQ(guest.CallVector("f32x4.div", {Val::V128(0, 0), Val::V128(0, 0)}),
              (Vector{0x7FC000007FC00000, 0x7FC000007FC00000}));
    const Val wide = Val::V128(0xFFF4567812345678, 0x4000000000000000);
    const Val wide_ones = Val::V128(0x3FF0000000000000, 0x3FF0000000000000);
    const Vector wide_expected = {0x7FF8000000000000, 0x4000000000000000};
    EXPECT_EQ(guest.CallVector("f64x2.mul", {wide, wide_ones}), wide_expected);
    EXPECT_EQ(guest.CallVector("f64x2.nearest", {wide, wide}), wide_expected);
    EXPECT_EQ(guest.CallVector("f64x2.promote", {lanes, lanes}),
              (Vector{0x3FF0000000000000, 0x7FF8000000000000}));
    EXPECT_EQ(guest.CallVector("f32x4.demote", {wide, wide}),
              (Vector{uint64_t{0x40000000} << 32 | 0x7FC00000, 0}));
    EXPECT_EQ(guest.CallVector("f32x4.madd", {lanes, ones})[0] >> 32, 0x7FC00000u);
  }
}

constexpr char kRelaxed[] = R"((module
  (func (export "swizzle") (param v128 v128 v128) (result v128)
    (i8x16.relaxed_swizzle (local.get 0) (local.get 1)))
  (func (export "trunc_s") (param v128 v128 v128) (result v128)
    (i32x4.relaxed_trunc_f32x4_s (local.get 0)))
  (func (export "trunc_u") (param v128 v128 v128) (result v128)
    (i32x4.relaxed_trunc_f64x2_u_zero (local.get 0)))
  (func (export "madd") (param v128 v128 v128) (result v128)
    (f64x2.relaxed_madd (local.get 0) (local.get 1) (local.get 2)))
  (func (export "nmadd") (param v128 v128 v128) (result v128)
    (f64x2.relaxed_nmadd (local.get 0) (local.get 1) (local.get 2)))
  (func (export "laneselect") (param v128 v128 v128) (result v128)
    (i8x16.relaxed_laneselect (local.get 0) (local.get 1) (local.get 2)))
  (func (export "min") (param v128 v128 v128) (result v128)
    (f32x4.relaxed_min (local.get 0) (local.get 1)))
  (func (export "max") (param v128 v128 v128) (result v128)
    (f64x2.relaxed_max (local.get 0) (local.get 1)))
  (func (export "q15mulr") (param v128 v128 v128) (result v128)
    (i16x8.relaxed_q15mulr_s (local.get 0) (local.get 1)))
  (func (export "dot") (param v128 v128 v128) (result v128)
    (i16x8.relaxed_dot_i8x16_i7x16_s (local.get 0) (local.get 1)))
  (func (export "dot_add") (param v128 v128 v128) (result v128)
    (i32x4.relaxed_dot_i8x16_i7x16_add_s (local.get 0) (local.get 1) (local.get 2)))
))";

// The first of the results that each relaxed operation may have ("Relaxed Operations"), at operands
// where it may have several.
TEST(VectorsTest, RelaxedOperationsAreThoseOfTheDeterministicProfile) {
  for (const OptLevel level : {OptLevel::kNone, OptLevel::kSpeed}) {
    Guest guest(kRelaxed,
                Config().OptLevel(level).RelaxedSimdDeterministic(true).NanCanonicalization(true));
    const auto call = [&](const char* name, Vector x, Vector y = {}, Vector z = {}) {
      return guest.CallVector(
          name, {Val::V128(x[0], x[1]), Val::V128(y[0], y[1]), Val::V128(z[0], z[1])});
    };
    // Indices from 16 up give 0.
    EXPECT_EQ(call("swizzle", {0x0706050403020110, 0x0F0E0D0C0B0A0908}, {0x10117F80FF0F0100, 0}),
              (Vector{0x00000000000F0110, 0x1010101010101010}));
    // Saturated: 3e9, -3e9, NaN, -1.5; from 5e9 and -1.
    EXPECT_EQ(call("trunc_s", {0xCF32D05E4F32D05E, 0xBFC000007FC00000}),
              (Vector{0x800000007FFFFFFF, 0xFFFFFFFF00000000}));
    EXPECT_EQ(call("trunc_u", {0x41F2A05F20000000, 0xBFF0000000000000}), (Vector{0xFFFFFFFF, 0}));
    // (1 + 2^-30) squared minus (1 + 2^-29): 2^-60 where it is rounded once.
    const uint64_t near_one = 0x3FF0000000400000, square = 0x3FF0000000800000;
    EXPECT_EQ(call("madd", {near_one, near_one}, {near_one, near_one},
                   {square | uint64_t{1} << 63, square | uint64_t{1} << 63}),
              (Vector{0, 0}));
    EXPECT_EQ(call("nmadd", {near_one, near_one}, {near_one, near_one}, {square, square}),
              (Vector{0, 0}));
    EXPECT_EQ(call("laneselect", {~uint64_t{0}, 0}, {0, ~uint64_t{0}},
                   {0x80017F00FF0F1020, 0x80017F00FF0F1020}),
              (Vector{0x80017F00FF0F1020, ~uint64_t{0x80017F00FF0F1020}}));
    // A NaN with 1, and zeros of both signs in both orders.
    EXPECT_EQ(call("min", {0x3F800000FFC12345, 0x8000000000000000},
                   {0xFFC123453F800000, 0x0000000080000000}),
              (Vector{0x7FC000007FC00000, 0x8000000080000000}));
    EXPECT_EQ(call("max", {0x8000000000000000, 0}, {0, 0x8000000000000000}), (Vector{0, 0}));
    EXPECT_EQ(call("q15mulr", {0x8000, 0}, {0x8000, 0}), (Vector{0x7FFF, 0}));
    // -128 * -127 * 2, both signed.
    EXPECT_EQ(call("dot", {0x8080, 0}, {0x8181, 0}), (Vector{32512, 0}));
    EXPECT_EQ(call("dot_add", {0x80808080, 0}, {0x81818181, 0}, {1, 5}), (Vector{65025, 5}));
  }
}

// The settings are part of what code depends on.
TEST(VectorsTest, ArtifactsOfOtherSettingsAreRefused) {
  Config plain;
  AddTestCompilerFlags(plain);
  const Engine engine = *Engine::Create(plain);
  const std::vector<uint8_t> artifact = *Module::Compile(engine, Assemble(kRelaxed))->Serialize();
  EXPECT_TRUE(Module::Deserialize(engine, artifact).ok());
  for (const char* name : {"nan_canonicalization", "relaxed_simd_deterministic"}) {
    Config other = plain;
    other.NanCanonicalization(name[0] == 'n').RelaxedSimdDeterministic(name[0] == 'r');
    const absl::Status status = Module::Deserialize(*Engine::Create(other), artifact).status();
    EXPECT_FALSE(status.ok());
    EXPECT_NE(std::string(status.message()).find(name), std::string::npos) << status;
  }
}

}  // namespace
}  // namespace gantry
