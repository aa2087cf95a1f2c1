// Flags and their conflicts, what is refused and how, dumps, frames as described for unwinders,
// and the check of the stack limit.
#include "isa_x64/backend/isa.h"

#include <memory>
#include <string>

#include "base/check.h"
#include "codegen/context.h"
#include "codegen/ir/builder.h"
#include "gtest/gtest.h"
#include "isa_x64/backend/testing/native.h"

namespace gantry::x64 {
namespace {

using codegen::ArgPurpose;
using codegen::Context;
using codegen::Function;
using codegen::InstBuilder;
using codegen::IntCC;
using codegen::Outcome;
using codegen::RawValue;
using codegen::TrapCode;
using codegen::Type;
using codegen::Value;

std::shared_ptr<const codegen::TargetIsa> Baseline() {
  auto isa = MakeIsaBuilder()->Build();
  CHECK_OK(isa.status());
  return *isa;
}

TEST(X64IsaTest, FlagsAreSetByNameAndCheckedTogether) {
  std::unique_ptr<codegen::IsaBuilder> builder = MakeIsaBuilder();
  EXPECT_TRUE(builder->Set("opt_level", "none").ok());
  EXPECT_TRUE(builder->Enable("has_avx").ok());
  const absl::Status conflict = builder->Build().status();
  EXPECT_EQ(conflict.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(conflict.message(), "x64 flag 'has_avx' needs flag 'has_sse42'");
  const absl::Status unknown = builder->Set("has_wings", "true");
  EXPECT_EQ(unknown.code(), absl::StatusCode::kNotFound);
  EXPECT_NE(unknown.message().find("has_wings"), absl::string_view::npos);
  EXPECT_FALSE(builder->Set("has_bmi2", "maybe").ok());
}

TEST(X64IsaTest, TheHostsFlagsGoTogether) {
  std::unique_ptr<codegen::IsaBuilder> builder = MakeIsaBuilder();
  ASSERT_TRUE(builder->InferHost().ok());
  EXPECT_TRUE(builder->Build().ok());
  EXPECT_EQ(builder->isa_flags().Get("has_sse3"), "true");
}

TEST(X64IsaTest, WhatIsRefusedIsNamed) {
  Function func;
  func.signature.params = {Type::kI64, Type::kI64};
  InstBuilder b(&func);
  const codegen::Block entry = b.MakeEntryBlock();
  b.TierCheck(func.dfg.block_params(entry)[0], func.dfg.block_params(entry)[1]);
  b.Return({});
  Context context;
  const absl::Status status = context.Compile(func, *Baseline()).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_EQ(status.message(), "the x64 backend does not compile tier_check");
}

// f(vmctx, n) = n == 0 ? 0 : f(vmctx, n - 1) + 1, so deep that the limit is met. `bytes` of the
// frame make it a large one.
void BuildRecursive(Function* func, uint32_t bytes) {
  func->params.name.text = "deep";
  func->signature.params = {{Type::kI64, ArgPurpose::kVmctx}, {Type::kI64}};
  func->signature.returns = {Type::kI64};
  InstBuilder b(func);
  const codegen::Block entry = b.MakeEntryBlock();
  const Value vmctx = func->dfg.block_params(entry)[0];
  const Value n = func->dfg.block_params(entry)[1];
  const codegen::Block end = b.MakeBlock();
  const codegen::Block more = b.MakeBlock();
  const codegen::StackSlot slot = func->dfg.MakeStackSlot({bytes, 3});
  b.Brif(b.Icmp(IntCC::kEq, n, b.I64(0)), end, {}, more, {});
  b.Begin(end);
  b.Return({n});
  b.Begin(more);
  b.StackStore(n, slot, 0);
  const codegen::FuncRef self = func->dfg.ImportFunction(
      {func->DeclareName(0, 0, "deep"), func->dfg.ImportSignature(func->signature)});
  const codegen::Inst call = b.Call(self, {vmctx, b.Iadd(n, b.I64(-1))});
  b.Return({b.Iadd(func->dfg.result(call), b.I64(1))});
}

TEST(X64IsaTest, RecursionEndsAtTheStackLimit) {
  struct {
    uint64_t magic = 0;
    uint64_t* store;
  } vmctx;
  uint64_t store[3] = {};
  vmctx.store = store;
  std::unique_ptr<codegen::IsaBuilder> builder = MakeIsaBuilder();
  builder->set_stack_limit({true, 8, 16, TrapCode{9}});
  ASSERT_TRUE(builder->Enable("regalloc_checker").ok());
  auto isa = builder->Build();
  ASSERT_TRUE(isa.ok());
  for (const uint32_t bytes : {8u, 4096u}) {
    SCOPED_TRACE(bytes);
    Function func;
    BuildRecursive(&func, bytes);
    NativeProgram program(*isa);
    ASSERT_TRUE(program.Add(func).ok());
    ASSERT_TRUE(program.Link().ok());
    const auto call = [&](uint64_t depth) {
      auto outcome = program.Call(0, {RawValue(reinterpret_cast<uint64_t>(&vmctx)), depth});
      CHECK_OK(outcome.status());
      return *outcome;
    };
    // No limit: the guard page below the stack would be met. A limit that leaves 64 KiB: trap.
    store[2] = 0;
    EXPECT_EQ(call(50), Outcome::Returned({RawValue(50)}));
    store[2] = NativeProgram::StackTop() - 65536;
    EXPECT_EQ(call(5), Outcome::Returned({RawValue(5)}));
    EXPECT_EQ(call(1000000), Outcome::Trapped(TrapCode{9}));
    store[2] = ~uint64_t{0} >> 1;
    EXPECT_EQ(call(1), Outcome::Trapped(TrapCode{9}));
  }
}

TEST(X64IsaTest, FramesAreDescribed) {
  Function leaf;
  leaf.signature.params = {Type::kI32};
  leaf.signature.returns = {Type::kI32};
  InstBuilder b(&leaf);
  const codegen::Block entry = b.MakeEntryBlock();
  b.Return({leaf.dfg.block_params(entry)[0]});
  Context context;
  auto code = context.Compile(leaf, *Baseline());
  ASSERT_TRUE(code.ok());
  EXPECT_EQ(code->frame.frame_begin, codegen::FrameInfo::kNoFrame);
  EXPECT_EQ(code->frame.frame_size, 0u);
  EXPECT_TRUE(code->call_frame_instructions.empty());

  Function deep;
  BuildRecursive(&deep, 40);
  codegen::PhaseTimes times;
  std::string ir;
  std::string vcode;
  codegen::CompileOptions options;
  options.times = &times;
  options.ir_text = &ir;
  options.vcode_text = &vcode;
  code = context.Compile(deep, *Baseline(), options);
  ASSERT_TRUE(code.ok());
  // Behind the return in front of the recursion.
  EXPECT_GT(code->frame.frame_begin, 0u);
  EXPECT_LT(code->frame.frame_begin, 32u);
  EXPECT_GE(code->frame.frame_size, 40u);
  EXPECT_EQ(code->frame.frame_size % 16, 0u);
  EXPECT_FALSE(code->call_frame_instructions.empty());
  // One call, one map, with no slot in it (lessons row 3).
  ASSERT_EQ(code->call_sites.size(), 1u);
  ASSERT_EQ(code->stack_maps.size(), 1u);
  EXPECT_EQ(code->stack_maps[0].return_offset, code->call_sites[0].return_offset);
  EXPECT_EQ(code->stack_maps[0].slot_count, 0u);
  EXPECT_EQ(times.functions, 1u);
  EXPECT_NE(ir.find("stack_store"), std::string::npos);
  EXPECT_NE(vcode.find("call"), std::string::npos);
}

}  // namespace
}  // namespace gantry::x64
