#include "isa_x64/asm/assembler.h"

#include <sys/mman.h>

#include <cstring>
#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"

namespace gantry::x64 {
namespace {

using codegen::MachBuffer;
using codegen::MachLabel;
using Bytes = std::vector<uint8_t>;

// Width is a type: what mixes widths does not compile.
template <typename... Operands>
concept CanAdd = requires(Assembler as, Operands... operands) {
  as.add(operands...);
};
template <typename... Operands>
concept CanMov = requires(Assembler as, Operands... operands) {
  as.mov(operands...);
};
template <typename... Operands>
concept CanMovzx = requires(Assembler as, Operands... operands) {
  as.movzx(operands...);
};
template <typename... Operands>
concept CanAddss = requires(Assembler as, Operands... operands) {
  as.addss(operands...);
};
template <typename... Operands>
concept CanShlx = requires(Assembler as, Operands... operands) {
  as.shlx(operands...);
};
template <typename... Operands>
concept CanAddress = requires(Operands... operands) {
  Address(operands...);
};
template <typename... Operands>
concept CanAlu = requires(Assembler as, Operands... operands) {
  as.alu(AluOp::kAdd, Width::k32, operands...);
};

static_assert(CanAdd<Gpr32, Gpr32>);
static_assert(!CanAdd<Gpr32, Gpr64>);
static_assert(!CanAdd<Gpr64, Gpr32>);
static_assert(!CanAdd<Gpr8, Gpr32>);
static_assert(CanAdd<Gpr32, Mem32>);
static_assert(!CanAdd<Gpr32, Mem64>);
static_assert(!CanAdd<Mem64, Gpr32>);
static_assert(!CanAdd<Gpr32, Address>);
static_assert(!CanAdd<Gpr32, Xmm>);
static_assert(!CanMov<Gpr64, Gpr32>);
static_assert(!CanMov<Gpr64, Mem32>);
static_assert(CanMovzx<Gpr32, Gpr8>);
static_assert(CanMovzx<Gpr32, Mem16>);
static_assert(!CanMovzx<Gpr32, Gpr32>);
static_assert(!CanMovzx<Gpr16, Gpr32>);
static_assert(CanAddss<Xmm, Mem32>);
static_assert(!CanAddss<Xmm, Mem64>);
static_assert(!CanAddss<Xmm, Gpr32>);
static_assert(CanShlx<Gpr32, Gpr32, Gpr32>);
static_assert(!CanShlx<Gpr32, Gpr32, Gpr64>);
static_assert(!CanShlx<Gpr16, Gpr16, Gpr16>);
// Addresses are made of 64-bit registers (lessons.md row 8), and a register that has a width
// does not pass for one without.
static_assert(CanAddress<Gpr64>);
static_assert(!CanAddress<Gpr32>);
static_assert(!CanAddress<Gpr64, Gpr32, Scale>);
static_assert(CanAlu<Gpr, Gpr>);
static_assert(!CanAlu<Gpr32, Gpr32>);

Bytes Assemble(absl::FunctionRef<void(Assembler&)> emit) {
  MachBuffer buffer(kLabelKinds);
  Assembler as(buffer);
  emit(as);
  CHECK_OK(buffer.Finish());
  return Bytes(buffer.bytes().begin(), buffer.bytes().end());
}

// Runs code with the C calling convention.
template <typename Function, typename... Args>
auto RunNative(absl::FunctionRef<void(Assembler&)> emit, Args... args) {
  const Bytes bytes = Assemble(emit);
  void* code =
      mmap(nullptr, bytes.size(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  CHECK(code != MAP_FAILED);
  std::memcpy(code, bytes.data(), bytes.size());
  CHECK(mprotect(code, bytes.size(), PROT_READ | PROT_EXEC) == 0);
  const auto result = reinterpret_cast<Function*>(code)(args...);
  munmap(code, bytes.size());
  return result;
}

// A typed method and the family's method with the operation as a value: the same bytes.
TEST(Assembler, TypedMethodsNameTheirRow) {
  const auto same = [](absl::FunctionRef<void(Assembler&)> a,
                       absl::FunctionRef<void(Assembler&)> b) {
    EXPECT_EQ(Assemble(a), Assemble(b));
  };
  const Address address(rbx, rcx, Scale::k8, 24);
  const Gpr dst(9), src(2);
  same([&](auto& as) { as.xor_(Gpr32(dst), Gpr32(src)); },
       [&](auto& as) { as.alu(AluOp::kXor, Width::k32, dst, src); });
  same([&](auto& as) { as.cmp(Mem16(address), Gpr16(src)); },
       [&](auto& as) { as.alu(AluOp::kCmp, Width::k16, address, src); });
  same([&](auto& as) { as.sbb(Gpr64(dst), Mem64(address)); },
       [&](auto& as) { as.alu(AluOp::kSbb, Width::k64, dst, address); });
  same([&](auto& as) { as.sar(Gpr8(dst), 7); },
       [&](auto& as) { as.shift_imm(ShiftOp::kSar, Width::k8, dst, 7); });
  same([&](auto& as) { as.rol_cl(Mem32(address)); },
       [&](auto& as) { as.shift_cl(ShiftOp::kRol, Width::k32, address); });
  same([&](auto& as) { as.idiv(Gpr64(dst)); },
       [&](auto& as) { as.unary(UnaryOp::kIdiv, Width::k64, dst); });
  same([&](auto& as) { as.popcnt(Gpr32(dst), Mem32(address)); },
       [&](auto& as) { as.gpr_rm(GprRmOp::kPopcnt, Width::k32, dst, address); });
  same([&](auto& as) { as.adox(Gpr64(dst), Gpr64(src)); },
       [&](auto& as) { as.gpr_rm(GprRmOp::kAdox, Width::k64, dst, src); });
  same([&](auto& as) { as.btr(Gpr32(dst), 31); },
       [&](auto& as) { as.bit(BitOp::kBtr, Width::k32, dst, uint8_t{31}); });
  same([&](auto& as) { as.shrd_cl(Gpr64(dst), Gpr64(src)); },
       [&](auto& as) { as.double_shift_cl(DoubleShiftOp::kShrd, Width::k64, dst, src); });
  same([&](auto& as) { as.mulx(Gpr64(dst), rax, Gpr64(src)); },
       [&](auto& as) { as.bmi_rvm(BmiRvmOp::kMulx, Width::k64, dst, Gpr(0), src); });
  same([&](auto& as) { as.sarx(Gpr32(dst), Mem32(address), ecx); },
       [&](auto& as) { as.bmi_rmv(BmiRmvOp::kSarx, Width::k32, dst, address, Gpr(1)); });
  same([&](auto& as) { as.blsmsk(Gpr64(dst), Gpr64(src)); },
       [&](auto& as) { as.bmi_vm(BmiVmOp::kBlsmsk, Width::k64, dst, src); });
  same([&](auto& as) { as.vmaxsd(xmm1, xmm2, Mem64(address)); },
       [&](auto& as) { as.vex(SseRvmOp::kMaxsd, xmm1, xmm2, AnyMem(Width::k64, address)); });
  same([&](auto& as) { as.ucomiss(xmm1, xmm2); },
       [&](auto& as) { as.sse(SseRmOp::kUcomiss, xmm1, xmm2); });
  same([&](auto& as) { as.vroundsd(xmm1, xmm2, xmm3, 9); },
       [&](auto& as) { as.vex(SseRvmImmOp::kRoundsd, xmm1, xmm2, xmm3, 9); });
  same([&](auto& as) { as.cvttsd2si(Gpr64(dst), xmm3); },
       [&](auto& as) { as.cvt_to_gpr(CvtToGprOp::kCvttsd2si, Width::k64, dst, xmm3); });
  same([&](auto& as) { as.cvtsi2ss(xmm3, Mem32(address)); },
       [&](auto& as) { as.cvt_from_gpr(CvtFromGprOp::kCvtsi2ss, Width::k32, xmm3, address); });
  same([&](auto& as) { as.vfnmadd231sd(xmm1, xmm2, xmm3); },
       [&](auto& as) { as.fma(FmaOp::kFnmadd231sd, xmm1, xmm2, xmm3); });
}

TEST(AssemblerDeathTest, WidthsAndImmediatesAreChecked) {
  MachBuffer buffer(kLabelKinds);
  Assembler as(buffer);
  // lessons.md row 14: an operand in memory keeps the width that was written.
  EXPECT_DEATH(as.sse(SseRvmOp::kAddss, xmm0, AnyMem(Width::k64, Address(rax))),
               "64-bit memory operand for an instruction on 32 bits");
  EXPECT_DEATH(as.alu(AluOp::kAdd, Width::k8, Gpr(0), 256), "256 does not fit 8 bits");
  EXPECT_DEATH(as.alu(AluOp::kAdd, Width::k16, Gpr(0), -32769), "does not fit 16 bits");
  EXPECT_DEATH(as.shift_imm(ShiftOp::kShl, Width::k32, Gpr(0), 32), "shift of 32 bits by 32");
  EXPECT_DEATH(as.mov_imm(Width::k32, Gpr(0), int64_t{1} << 33), "does not fit 32 bits");
  EXPECT_DEATH(Address(rax, rsp, Scale::k1), "rsp can't be an index");
}

TEST(AssemblerJumps, BackwardJumpsAreShortWhereTheyReach) {
  for (uint32_t distance = 0; distance < 300; ++distance) {
    for (const bool conditional : {false, true}) {
      const Bytes code = Assemble([&](Assembler& as) {
        const MachLabel loop = as.buffer().NewLabel();
        as.bind(loop);
        as.nop(distance);
        if (distance == 0) as.buffer().AddTrap(codegen::TrapCode{0});
        conditional ? as.jcc(Condition::kLess, loop) : as.jmp(loop);
      });
      const bool is_short = distance + 2 <= 128;
      EXPECT_EQ(code.size() - distance, is_short ? 2u : conditional ? 6u : 5u) << distance;
      if (is_short) {
        EXPECT_EQ(static_cast<int8_t>(code.back()), -static_cast<int>(distance) - 2);
      } else {
        int32_t displacement;
        std::memcpy(&displacement, &code[code.size() - 4], 4);
        EXPECT_EQ(displacement, -static_cast<int>(code.size()));
      }
    }
  }
}

TEST(AssemblerJumps, ConditionsAreTurnedAround) {
  // jl next; jmp far; next:   becomes   jge far
  const Bytes code = Assemble([](Assembler& as) {
    const MachLabel next = as.buffer().NewLabel();
    const MachLabel far = as.buffer().NewLabel();
    as.jcc(Condition::kLess, next);
    as.jmp(far);
    as.bind(next);
    as.nop(1);
    as.bind(far);
    as.ret();
  });
  EXPECT_EQ(code, Bytes({0x0F, 0x8D, 1, 0, 0, 0, 0x90, 0xC3}));
  const Bytes short_code = Assemble([](Assembler& as) {
    const MachLabel next = as.buffer().NewLabel();
    const MachLabel far = as.buffer().NewLabel();
    as.jcc_short(Condition::kParity, next);
    as.jmp_short(far);
    as.bind(next);
    as.nop(1);
    as.bind(far);
    as.ret();
  });
  EXPECT_EQ(short_code, Bytes({0x7B, 1, 0x90, 0xC3}));
}

// A short jump that turns out to be long goes by a veneer.
TEST(AssemblerJumps, ShortJumpsBeyondTheirReachGetVeneers) {
  const Bytes code = Assemble([](Assembler& as) {
    const MachLabel far = as.buffer().NewLabel();
    as.jcc_short(Condition::kEqual, far);
    for (int i = 0; i < 60; ++i) {
      if (as.buffer().NeedsIsland(32)) {
        const MachLabel around = as.buffer().NewLabel();
        as.jmp(around);
        as.buffer().EmitIsland(32);
        as.bind(around);
      }
      as.nop(9);
    }
    as.bind(far);
    as.ret();
  });
  // From the condition to a jmp rel32, and from there to the ret.
  const size_t veneer = 2 + code[1];
  ASSERT_EQ(code[veneer], 0xE9);
  int32_t displacement;
  std::memcpy(&displacement, &code[veneer + 1], 4);
  EXPECT_EQ(veneer + 5 + displacement, code.size() - 1);
}

TEST(AssemblerJumps, JumpTable) {
  for (uint64_t index = 0; index < 5; ++index) {
    const uint64_t result = RunNative<uint64_t(uint64_t)>(
        [](Assembler& as) {
          std::vector<MachLabel> targets;
          for (int i = 0; i < 5; ++i) targets.push_back(as.buffer().NewLabel());
          as.jmp_table(rdi, r11, targets);
          for (int i = 4; i >= 0; --i) {
            as.bind(targets[i]);
            as.mov(eax, 100 + i);
            as.ret();
          }
        },
        index);
    EXPECT_EQ(result, 100 + index);
  }
}

TEST(Assembler, CallsWithinTheCode) {
  const uint64_t result = RunNative<uint64_t(uint64_t)>(
      [](Assembler& as) {
        const MachLabel square = as.buffer().NewLabel();
        as.call(square);
        as.add(rax, 1);
        as.ret();
        as.bind(square);
        as.mov(rax, rdi);
        as.imul(rax, rdi);
        as.ret();
      },
      12);
  EXPECT_EQ(result, 145u);
}

TEST(Assembler, ConstantsBesideImmediates) {
  // The immediate behind a rip-relative displacement moves its base: each size once.
  const uint64_t result = RunNative<uint64_t()>([](Assembler& as) {
    MachBuffer& buffer = as.buffer();
    const Address constant(buffer.Constant4(1000));
    as.imul(eax, Mem32(constant), 3);     // 3000
    as.imul(ecx, Mem32(constant), 1000);  // 1000000
    as.add(eax, ecx);
    as.xor_(edx, edx);
    as.cmp(Mem32(constant), 1000);
    as.setcc(Condition::kEqual, dl);
    as.add(eax, edx);               // + 1
    as.test(Mem8(constant), 0xE8);  // 1000 is 0x3E8.
    as.setcc(Condition::kNotEqual, dl);
    as.add(eax, edx);                                                      // + 1
    as.movsd(xmm0, Mem64(Address(buffer.Constant8(0x4059000000000000))));  // 100.0
    as.cvttsd2si(ecx, xmm0);
    as.add(eax, ecx);  // + 100
    as.ret();
  });
  EXPECT_EQ(result, 1003102u);
}

TEST(Assembler, ExternalNamesAreRelocations) {
  MachBuffer buffer(kLabelKinds);
  Assembler as(buffer);
  as.call(codegen::ExternalName(3));
  as.lea(r9, codegen::ExternalName(4), 16);
  as.jmp(codegen::ExternalName(5));
  ASSERT_TRUE(buffer.Finish().ok());
  const std::vector<codegen::RelocRecord> relocs(buffer.relocs().begin(), buffer.relocs().end());
  EXPECT_EQ(relocs,
            (std::vector<codegen::RelocRecord>{{1, kRelocPcRel32, codegen::ExternalName(3), -4},
                                               {8, kRelocPcRel32, codegen::ExternalName(4), 12},
                                               {13, kRelocPcRel32, codegen::ExternalName(5), -4}}));
  EXPECT_EQ(buffer.bytes()[5], 0x4C);
}

TEST(Assembler, NopsAndAlignment) {
  for (uint32_t count = 1; count < 40; ++count) {
    EXPECT_EQ(RunNative<uint64_t()>([&](Assembler& as) {
                as.mov(eax, static_cast<int64_t>(count));
                as.nop(count);
                as.align(32);
                as.ret();
              }),
              count);
  }
  MachBuffer buffer(kLabelKinds);
  Assembler as(buffer);
  as.ret();
  as.align(64);
  ASSERT_TRUE(buffer.Finish().ok());
  EXPECT_EQ(buffer.bytes().size(), 64u);
  EXPECT_EQ(buffer.alignment(), 64u);
}

TEST(Assembler, TrapsAreRecorded) {
  MachBuffer buffer(kLabelKinds);
  Assembler as(buffer);
  as.nop(3);
  as.ud2(codegen::TrapCode{7});
  ASSERT_TRUE(buffer.Finish().ok());
  ASSERT_EQ(buffer.traps().size(), 1u);
  EXPECT_EQ(buffer.traps()[0], (codegen::TrapRecord{3, codegen::TrapCode{7}}));
}

}  // namespace
}  // namespace gantry::x64
