#include <string>

#include "codegen/ir/parse.h"
#include "codegen/ir/print.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

std::string RoundTrip(absl::string_view text) {
  absl::StatusOr<Function> func = ParseFunction(text);
  if (!func.ok()) return std::string(func.status().message());
  return PrintFunction(*func, {.renumber = true});
}

void ExpectSame(const std::string& text) { EXPECT_EQ(RoundTrip(text), text); }

std::string ErrorOf(absl::string_view text) {
  absl::StatusOr<Function> func = ParseFunction(text);
  return func.ok() ? "parsed" : std::string(func.status().message());
}

TEST(TextTest, EveryFormatRoundTrips) {
  ExpectSame(
      R"(function u3:4 %"a b\"c"(i64 vmctx, i32, f64) -> i32, f32 wasm {
    ext0 = u0:7
    ext1 = %puts
    sig0 = (i32) -> i32, i64 system_v
    sig1 = () wasm
    fn0 = ext0 sig0
    fn1 = ext1 sig1 far
    ss0 = 16 align 8
    const0 = 0x00ff10

block0(v0: i64, v1: i32 ref, v2: f64):
    v3 = iconst.i8 -128
    v4 = iconst.i64 -1
    v5 = f32const -0x1.8p+1
    v6 = f64const -nan:0x8000000000000
    v7 = iadd.i32 v1, v1
    v8, v9 = uadd_overflow.i64 v4, v4
    v10, v11 = uadd_carry.i64 v4, v4, v9
    v12 = sdiv.i32 v1, v1, tc1, tc2
    v13 = udiv.i32 v1, v1, tc1
    v14 = icmp.i32 ult v1, v12
    v15 = fcmp.f64 uge v2, v2
    v16 = select.f64 v14, v2, v2
    v17 = uextend.i64 v1
    v18 = fcvt_to_sint.i32 v2, tc3, tc4
    v19 = fdemote v2
    v20:ref = load.i32 tc9 region3 readonly movable aligned v0+16
    v21 = sload32 v0-2147483648
    store.f32 tc255 v5, v0+2147483647
    v22 = stack_addr ss0+4
    v23 = stack_load.f64 ss0
    stack_store.f64 v23, ss0-8
    v24 = func_addr fn0
    @1f v25, v26 = call fn0(v1)
    v27:ref, v28 = call_indirect sig0, v24(v20)
    trapz v14, tc3
    tier_check v0, v0
    nop
    v29 = get_frame_pointer
    v30 = v128const 0x0123456789abcdeffedcba9876543210
    v31 = vadd.i8x16 v30, v30
    v32 = vneg.i64x2 v31
    v33 = vbitselect v30, v31, v32
    v34 = vfma.f64x2 v33, v33, v30
    v35 = vextract_s.i16x8 v34, 7
    v36 = vreplace.f64x2 v34, v23, 1
    v37 = vicmp.i64x2 sge v36, v30
    v38 = vfcmp.f32x4 uno v36, v30
    v39 = vshuffle v38, v37, 0 31 1 30 2 29 3 28 15 16 14 17 13 18 12 19
    store.v128 tc1 region2 v39, v0+16
    v40 = atomic_load.i8 tc1 region1 v0-1
    atomic_store.i16 v3, v0
    v41 = atomic_rmw.i64 xchg tc7 region1 aligned v4, v0+8
    v42 = atomic_cas.i32 tc2 v1, v12, v0
    fence
    brif v14, block1(v1, v2), block2

block1(v43: i32, v44: f64) cold:
    br_table v43, block2, [block1(v43, v44), block3]

block2:
    try_call fn0(v1), block4, [tag7: block5(v1), default: block6]

block3:
    try_call_indirect sig1, v24(), block3, []

block4(v45: i32, v46: i64):
    @2a return v45, v5

block5(v47: i32, v48: i32):
    return_call fn1()

block6(v49: i32):
    return_call_indirect sig1, v24()

block7:
    jump block8

block8:
    trap tc0

block9:
    return
}
)");
}

TEST(TextTest, ValuesAndBlocksAreNumberedByDefinition) {
  EXPECT_EQ(RoundTrip(R"(function %f(i32) {
      fn0 = %g(i32) -> i32
      block7(v10: i32):
        jump block3
      block5:
        return v99   ; defined below
      block3:
        v99 = call fn0(v10)
        jump block5
      })"),
            R"(function %f(i32) wasm {
    ext0 = %g
    sig0 = (i32) -> i32 wasm
    fn0 = ext0 sig0

block0(v0: i32):
    jump block2

block1:
    return v1

block2:
    v1 = call fn0(v0)
    jump block1
}
)");
}

TEST(TextTest, ErrorsNameThePlaceAndWhatWasExpected) {
  EXPECT_EQ(ErrorOf("func"), "1:1: expected 'function', found 'func'");
  EXPECT_EQ(ErrorOf("function"),
            "1:9: expected a name such as %main or u0:1, found the end of "
            "the text");
  EXPECT_EQ(ErrorOf("function %f() {\nblock0:\n  v0 = iadd.i32 v1, v2\n}"),
            "3:17: v1 is not defined");
  EXPECT_EQ(ErrorOf("function %f() {\nblock0:\n  v0 = iad.i32 v1\n}"),
            "3:8: there is no instruction 'iad'");
  EXPECT_EQ(ErrorOf("function %f() {\nblock0:\n  v0 = iadd v1\n}"),
            "3:8: iadd needs a type, such as iadd.i32");
  EXPECT_EQ(ErrorOf("function %f() {\nblock0:\n  v0 = iadd.f32 v1\n}"),
            "3:8: iadd does not exist for f32");
  EXPECT_EQ(ErrorOf("function %f() {\nblock0:\n  v0 = iconst.i8 256\n}"),
            "3:18: the constant does not fit i8");
  EXPECT_EQ(ErrorOf("function %f() {\nblock0:\n  v0 = iconst.i8 1\n v0 = iconst.i8 2\n}"),
            "4:2: v0 is defined twice");
  EXPECT_EQ(ErrorOf("function %f() {\nblock0:\n  iconst.i8 1\n}"),
            "3:3: iconst.i8 here has 1 results, but 0 are named");
  EXPECT_EQ(ErrorOf("function %f() {\nblock0:\n jump block1\n}"), "3:7: block1 is not defined");
  EXPECT_EQ(ErrorOf("function %f() {\nblock0:\n trap tc256\n}"), "3:7: trap codes end at tc255");
  EXPECT_EQ(ErrorOf("function %f() {\nsig1 = ()\n}"),
            "2:1: declarations are numbered in order: expected sig0");
  EXPECT_EQ(ErrorOf("function %f() {\nblock0:\n call fn0()\n}"), "3:7: fn0 is not declared");
  EXPECT_EQ(ErrorOf("function %f() { } function"), "1:19: expected one function only");
}

TEST(TextTest, FloatsAreExact) {
  for (uint64_t bits : {0x0ull, 0x8000000000000000ull, 0x1ull, 0x000fffffffffffffull,
                        0x3ff0000000000000ull, 0x7fefffffffffffffull, 0x7ff0000000000000ull,
                        0xfff8000000000001ull, 0x7ff0000000000001ull, 0x3fb999999999999aull}) {
    const std::string text = PrintFloat(Type::kF64, bits);
    absl::StatusOr<uint64_t> read = ParseFloat(Type::kF64, text);
    ASSERT_TRUE(read.ok()) << text;
    EXPECT_EQ(*read, bits) << text;
  }
  for (uint32_t bits : {0x0u, 0x80000000u, 0x1u, 0x7fffffu, 0x3f800000u, 0x7f7fffffu, 0x7f800000u,
                        0xffc00001u, 0x7f800001u, 0x3dcccccdu}) {
    const std::string text = PrintFloat(Type::kF32, bits);
    absl::StatusOr<uint64_t> read = ParseFloat(Type::kF32, text);
    ASSERT_TRUE(read.ok()) << text;
    EXPECT_EQ(*read, bits) << text;
  }
  EXPECT_EQ(*ParseFloat(Type::kF64, "0.5"), 0x3fe0000000000000u);
  EXPECT_FALSE(ParseFloat(Type::kF64, "nan:0x0").ok());
  EXPECT_FALSE(ParseFloat(Type::kF32, "1e999").ok());
  EXPECT_FALSE(ParseFloat(Type::kF32, "1.5x").ok());
}

TEST(TextTest, InlineSitesGoBothWays) {
  const std::string text =
      "function %f() wasm {\n"
      "    site0 = @a call 7 @20\n"
      "    site1 = @22 site0 call 8 @40\n"
      "    site2 = site1 call 7\n"
      "\n"
      "block0:\n"
      "    @8 nop\n"
      "    @23 site0 nop\n"
      "    @45 site1 nop\n"
      "    site2 nop\n"
      "    @10 return\n"
      "}\n";
  const absl::StatusOr<Function> func = ParseFunction(text);
  ASSERT_TRUE(func.ok()) << func.status();
  EXPECT_EQ(PrintFunction(*func), text);
  EXPECT_EQ(ErrorOf("function %f() {\nblock0:\n @1 site0 nop\n}"), "3:5: site0 is not declared");
  EXPECT_EQ(ErrorOf("function %f() {\nsite0 = @2 site0 call 1\n}"), "2:12: site0 is not declared");
}

TEST(TextTest, FilesKeepTheLinesOfTheirFunctions) {
  absl::StatusOr<std::vector<ParsedFunction>> file = ParseFunctions(
      "; head\nfunction %a() {\nblock0:\n return\n}\n; run\n\nfunction %b() {\nblock0:\n trap "
      "tc1\n}\n");
  ASSERT_TRUE(file.ok()) << file.status();
  ASSERT_EQ(file->size(), 2u);
  EXPECT_EQ((*file)[0].first_line, 2);
  EXPECT_EQ((*file)[0].last_line, 5);
  EXPECT_EQ((*file)[1].first_line, 8);
}

}  // namespace
}  // namespace gantry::codegen
