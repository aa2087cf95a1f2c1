#include "isa_aarch64/stack_pointer_testing.h"

#include <cstring>
#include <vector>

#include "gtest/gtest.h"
#include "isa_aarch64/asm/assembler.h"

namespace gantry::aarch64::testing {
namespace {

template <typename Emit>
StackPointerReport Scan(Emit emit) {
  codegen::MachBuffer buffer(kLabelKinds);
  Assembler as(buffer);
  emit(as);
  EXPECT_TRUE(buffer.Finish().ok());
  StackPointerReport report;
  ScanStackPointer(buffer.bytes(), &report);
  return report;
}

TEST(StackPointerScan, AllowsWhatKeepsItAligned) {
  const StackPointerReport report = Scan([](Assembler& as) {
    as.EmitPreIndexed(PairOp::kStpX, 29, 30, sp, -16);
    as.mov_sp(x29, sp);
    as.sub(sp, sp, int64_t{4096 + 32});
    as.sub(sp, sp, int64_t{1} << 25);
    as.EmitPreIndexed(PairOp::kStpQ, 0, 1, sp, -32);
    as.EmitPreIndexed(PairOp::kStpD, 0, 1, sp, -16);
    as.add(x9, x9, 8);
    as.cmp(x9, xzr);
    as.mov_sp(sp, x29);
    as.EmitPostIndexed(PairOp::kLdpX, 29, 30, sp, 16);
    as.ret();
  });
  EXPECT_EQ(report.broken, "");
  EXPECT_EQ(report.changes, 8u);
}

TEST(StackPointerScan, FindsEachWayToBreakIt) {
  using Emit = void (*)(Assembler&);
  for (const Emit emit : {
           Emit{[](Assembler& as) { as.sub(sp, sp, int64_t{8}); }},
           Emit{[](Assembler& as) { as.add(sp, sp, int64_t{24}); }},
           Emit{[](Assembler& as) { as.sub(sp, sp, (int64_t{1} << 25) + 8); }},
           Emit{[](Assembler& as) { as.mov_sp(sp, x9); }},
           Emit{[](Assembler& as) { as.EmitPreIndexed(PairOp::kStpX, 29, 30, sp, -8); }},
           Emit{[](Assembler& as) { as.EmitPostIndexed(PairOp::kLdpD, 0, 1, sp, 8); }},
           // str x0, [sp, #-8]!; ldr x0, [sp], #8
           Emit{[](Assembler& as) { as.Word(0xF81F8FE0); }},
           Emit{[](Assembler& as) { as.Word(0xF84087E0); }},
       }) {
    EXPECT_NE(Scan(emit).broken, "");
  }
}

}  // namespace
}  // namespace gantry::aarch64::testing
