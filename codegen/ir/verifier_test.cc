#include "codegen/ir/verifier.h"

#include <string>

#include "absl/strings/match.h"
#include "codegen/ir/builder.h"
#include "codegen/ir/parse.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

// The verifier's message about the function; "ok" if there is none.
std::string Verdict(const Function& func) {
  const absl::Status status = VerifyFunction(func);
  return status.ok() ? "ok" : std::string(status.message());
}

// Wraps a body in a function (i32, i64, f64) -> i32 with v0, v1, v2.
std::string VerdictOfBody(absl::string_view body) {
  const std::string text =
      absl::StrCat("function %f(i32, i64, f64) -> i32 {\n sig0 = (i32) -> i32, f64\n",
                   " fn0 = %g sig0\n fn1 = %h(i32) -> i32 system_v\n ss0 = 8\n",
                   "block0(v0: i32, v1: i64, v2: f64):\n", body, "\n}");
  absl::StatusOr<Function> func = ParseFunction(text);
  if (!func.ok()) return std::string(func.status().message());
  return Verdict(*func);
}

struct Case {
  const char* body;
  const char* message;  // Part of what must be said.
};

TEST(VerifierTest, AcceptsWellFormed) {
  EXPECT_EQ(VerdictOfBody("v3 = iadd.i32 v0, v0\n return v3"), "ok");
  EXPECT_EQ(VerdictOfBody("brif v1, block1(v0), block2\n block1(v3: i32):\n return v3\n block2:\n "
                          "jump block1(v0)"),
            "ok");
  EXPECT_EQ(VerdictOfBody("try_call fn0(v0), block1(v1), [default: block2]\n block1(v3: i64, v4: "
                          "i32, v5: f64):\n return v4\n block2(v6: i32):\n trap tc1"),
            "ok");
  // Unreachable code may use what does not dominate it.
  EXPECT_EQ(VerdictOfBody("return v0\n block1:\n return v4\n block2:\n v4 = iconst.i32 1\n return "
                          "v4"),
            "ok");
}

TEST(VerifierTest, NamesWhatIsWrong) {
  const Case cases[] = {
      {"v3 = iadd.i32 v0, v1\n return v3",
       "inst0 in block0: v3 = iadd.i32 v0, v1: v1 is i64, must be i32"},
      {"v3 = uextend.i64 v1\n return v0", "v1 is i64, must be a narrower integer"},
      {"v3 = ireduce.i64 v0\n return v0", "v0 is i32, must be a wider integer"},
      {"v3 = bitcast.f32 v1\n return v0", "v1 is i64, must be a scalar of the same width"},
      {"v3 = fdemote v0\n return v0", "v0 is i32, must be f64"},
      {"v3 = load.i32 v0\n return v3", "v0 is i32, must be i64"},
      {"v3 = select.i32 v2, v0, v0\n return v3", "v2 is f64, must be i32 or i64"},
      {"return v1", "v1 is i64, must be i32"},
      {"return", "0 values returned, must be 1"},
      {"v3, v4 = call fn0(v1)\n return v3", "v1 is i64, must be i32"},
      {"v3, v4 = call fn0()\n return v3", "0 arguments, must be 1"},
      {"return_call fn0(v0)", "has to return what this function does"},
      {"return_call fn1(v0)", "tail calls need the wasm calling convention"},
      {"nop", "the block has to end in a terminator"},
      {"return v0\n nop", "a terminator stands before the end of the block"},
      {"jump block1\n block1:", "block1 is empty"},
      {"jump block0(v0, v1, v2)", "branches to the entry block"},
      {"jump block1\n block1(v3: i32):\n return v3",
       "0 values go to block1, which has 1 parameters"},
      {"jump block1(v1)\n block1(v3: i32):\n return v3", "v1 is i64, but v3 of block1 is i32"},
      {"v3 = iadd.i32 v4, v0\n v4 = iconst.i32 1\n return v3",
       "v4, defined in block0, does not dominate this use"},
      {"brif v0, block1, block2\n block1:\n v3 = iconst.i32 1\n jump block2\n block2:\n return v3",
       "v3, defined in block1, does not dominate this use"},
      {"v3 = stack_load.i64 ss0+1\n return v0", "reaches out of ss0, which has 8 bytes"},
      {"v3 = stack_load.i64 ss0-1\n return v0", "reaches out of ss0"},
      {"v3:ref = iconst.i32 0\n jump block1(v3)\n block1(v4: i32):\n return v4",
       "v3 is a reference, but v4 of block1 is not marked as one"},
      {"v3:ref = fneg.f64 v2\n return v0", "can't be a reference"},
      {"v3 = v128const 0x00000000000000000000000000000000\n v4 = vadd.i8x16 v3, v0\n return v0",
       "v0 is i32, must be v128"},
      {"v3 = vsplat.i64x2 v0\n return v0", "v0 is i32, must be the scalar of a lane"},
      {"v3 = vadd.v128 v0, v0\n return v0", "vadd does not exist for v128"},
      {"v3 = load.i8x16 v1\n return v0", "load does not exist for i8x16"},
      {"jump block1(v0)\n block1(v3: i8x16):\n return v0", "v3 is i8x16, which no value can be"},
      {"v3 = atomic_load.f64 v1\n return v0", "atomic_load does not exist for f64"},
      {"v3 = atomic_cas.i64 v1, v0, v1\n return v0", "v0 is i32, must be i64"},
      {"try_call fn0(v0), block1, [default: block1]\n block1(v3: i32, v4: f64):\n return v3",
       "1 values go to block1, which has 2 parameters"},
  };
  for (const Case& c : cases) {
    const std::string verdict = VerdictOfBody(c.body);
    EXPECT_TRUE(absl::StrContains(verdict, c.message)) << c.body << "\nsays: " << verdict;
  }
}

TEST(VerifierTest, NothingHasAShapeForItsType) {
  const char* text = "function %f(i32x4) -> i32x4 {\nblock0(v0: i32x4):\n return v0\n}";
  EXPECT_TRUE(absl::StrContains(Verdict(*ParseFunction(text)),
                                "the signature: i32x4 is a shape of instructions; vectors have"));
  const char* callee = "function %f() {\n sig0 = () -> f64x2\nblock0:\n return\n}";
  EXPECT_TRUE(absl::StrContains(Verdict(*ParseFunction(callee)), "sig0: f64x2 is a shape"));
}

TEST(VerifierTest, ImmediatesExist) {
  Function func;
  func.signature.params = {Type::kV128, Type::kI64};
  InstBuilder b(&func);
  const Block entry = b.MakeEntryBlock();
  const Value x = func.dfg.block_params(entry)[0];
  const Value address = func.dfg.block_params(entry)[1];
  const Inst lane = func.dfg.defining_inst(b.VextractU(Type::kI64X2, x, 1));
  const Inst rmw =
      func.dfg.defining_inst(b.AtomicRmw(AtomicRmwOp::kXchg, MemFlags(), address, address, 0));
  b.Return({});
  EXPECT_EQ(Verdict(func), "ok");
  func.dfg.mutable_inst(lane).set_immediate(2);
  EXPECT_TRUE(absl::StrContains(Verdict(func), "there is no such lane"));
  func.dfg.mutable_inst(lane).set_immediate(0);
  func.dfg.mutable_inst(rmw).set_immediate(kNumAtomicRmwOps);
  EXPECT_TRUE(absl::StrContains(Verdict(func), "there is no such atomic operation"));
}

TEST(VerifierTest, ListsAndTablesHaveOneOwner) {
  Function func;
  InstBuilder b(&func);
  b.MakeEntryBlock();
  const Block target = b.MakeBlock();
  func.dfg.AppendBlockParam(target, Type::kI32);
  const Value x = b.I32(1);
  const BlockCall call = func.dfg.MakeBlockCall(target, {x});
  b.BrTable(x, func.dfg.MakeJumpTable({call, call}, call));
  b.Begin(target);
  b.Return({});
  EXPECT_TRUE(absl::StrContains(Verdict(func), "shares a table or a list")) << Verdict(func);
}

TEST(VerifierTest, FindsDamageThatTextCannotExpress) {
  Function func;
  func.signature.returns = {Type::kI32};
  InstBuilder b(&func);
  EXPECT_TRUE(absl::StrContains(Verdict(func), "there is no block"));
  const Block entry = b.MakeEntryBlock();
  const Value x = b.I32(1), y = b.I32(2);
  const Inst last = b.Return({b.Iadd(x, y)});
  EXPECT_EQ(Verdict(func), "ok");
  const Inst def = func.dfg.defining_inst(x);
  func.layout.Remove(def);
  EXPECT_TRUE(absl::StrContains(Verdict(func), "v0 is defined by nothing in the layout"));
  func.layout.InsertBefore(def, func.layout.first_inst(entry));
  func.dfg.mutable_inst(def).set_const_bits(uint64_t{1} << 32);
  EXPECT_TRUE(absl::StrContains(Verdict(func), "bits above its type"));
  func.dfg.mutable_inst(def).set_const_bits(1);
  func.dfg.mutable_inst(last).set_list(func.dfg.MakeList({Value(99)}));
  EXPECT_TRUE(absl::StrContains(Verdict(func), "v99 does not exist"));
  func.dfg.mutable_inst(last).set_list(func.dfg.MakeList({y}));
  func.dfg.ChangeToAlias(y, x);
  EXPECT_TRUE(absl::StrContains(Verdict(func), "does not know that it is a result"));
}

}  // namespace
}  // namespace gantry::codegen
