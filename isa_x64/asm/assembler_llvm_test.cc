// Every instruction on general registers and every shape of its operands against LLVM's assembler.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/types/span.h"
#include "gtest/gtest.h"
#include "isa_x64/asm/assembler.h"
#include "isa_x64/asm/llvm_mc_testing.h"

namespace gantry::x64 {
namespace {

TEST(LlvmMc, Alu) {
  Cases cases;
  for (const auto& named : GANTRY_X64_TEST_ROWS(AluOp, GANTRY_X64_ALU)) {
    const std::string& name = named.name;
    const auto op = named.op;
    for (Width w : kWidths) {
      const std::string mnemonic = absl::StrCat(name, Suffix(w), " ");
      for (int dst = 0; dst < 16; ++dst) {
        for (int src = 0; src < 16; ++src) {
          cases.Add(absl::StrCat(mnemonic, RegName(w, src), ",", RegName(w, dst)),
                    [&](Assembler& as) { as.alu(op, w, Gpr(dst), Gpr(src)); });
        }
        for (int32_t imm : ImmediatesFor(w)) {
          cases.Add(absl::StrCat(mnemonic, ImmText(w, imm), ",", RegName(w, dst)),
                    [&](Assembler& as) { as.alu(op, w, Gpr(dst), imm); });
        }
      }
      int reg = 0;
      cases.AddEdges([&](Assembler& as, const Address& a) { as.alu(op, w, Gpr(reg % 16), a); },
                     [&](const std::string& m) {
                       return absl::StrCat(mnemonic, m, ",", RegName(w, reg++ % 16));
                     });
      cases.AddEdges([&](Assembler& as, const Address& a) { as.alu(op, w, a, Gpr(reg % 16)); },
                     [&](const std::string& m) {
                       return absl::StrCat(mnemonic, RegName(w, reg++ % 16), ",", m);
                     });
      for (int32_t imm : ImmediatesFor(w)) {
        cases.AddEdges(
            [&](Assembler& as, const Address& a) { as.alu(op, w, a, imm); },
            [&](const std::string& m) { return absl::StrCat(mnemonic, ImmText(w, imm), ",", m); });
      }
    }
  }
  cases.Check();
}

TEST(LlvmMc, Locked) {
  Cases cases;
  for (Width w : kWidths) {
    int reg = 0;
    const auto with_register = [&](const std::string& mnemonic, const auto& emit) {
      for (int r = 0; r < 16; ++r) {
        cases.AddMemory(
            BaseAddress(7, 4), [&](Assembler& as, const Address& a) { emit(as, a, Gpr(r)); },
            [&](const std::string& m) { return absl::StrCat(mnemonic, RegName(w, r), ",", m); });
      }
      cases.AddEdges([&](Assembler& as, const Address& a) { emit(as, a, Gpr(reg % 16)); },
                     [&](const std::string& m) {
                       return absl::StrCat(mnemonic, RegName(w, reg++ % 16), ",", m);
                     });
    };
    for (const auto& named : GANTRY_X64_TEST_ROWS(AluOp, GANTRY_X64_LOCK_ALU)) {
      const AluOp op = named.op;
      const std::string mnemonic = absl::StrCat("lock ", named.name, Suffix(w), " ");
      with_register(mnemonic,
                    [&](Assembler& as, const Address& a, Gpr r) { as.lock_alu(op, w, a, r); });
      for (int32_t imm : ImmediatesFor(w)) {
        cases.AddEdges(
            [&](Assembler& as, const Address& a) { as.lock_alu(op, w, a, imm); },
            [&](const std::string& m) { return absl::StrCat(mnemonic, ImmText(w, imm), ",", m); });
      }
    }
    for (const auto& named : GANTRY_X64_TEST_ROWS(LockExchangeOp, GANTRY_X64_LOCK_EXCHANGE)) {
      const LockExchangeOp op = named.op;
      with_register(absl::StrCat("lock ", named.name, Suffix(w), " "),
                    [&](Assembler& as, const Address& a, Gpr r) { as.lock_exchange(op, w, a, r); });
    }
  }
  cases.Check();
}

TEST(LlvmMc, Addresses) {
  Cases cases;
  int reg = 0;
  for (const TestAddress& address : AllAddresses()) {
    const int r = reg++ % 16;
    cases.AddMemory(
        address, [&](Assembler& as, const Address& a) { as.mov(Width::k32, Gpr(r), a); },
        [&](const std::string& m) {
          return absl::StrCat("movl ", m, ",", RegName(Width::k32, r));
        });
    cases.AddMemory(
        address, [&](Assembler& as, const Address& a) { as.mov(Width::k8, a, Gpr(r)); },
        [&](const std::string& m) { return absl::StrCat("movb ", RegName(Width::k8, r), ",", m); });
    cases.AddMemory(
        address, [&](Assembler& as, const Address& a) { as.lea(Width::k64, Gpr(r), a); },
        [&](const std::string& m) {
          return absl::StrCat("leaq ", m, ",", RegName(Width::k64, r));
        });
    cases.AddMemory(
        address, [&](Assembler& as, const Address& a) { as.mulsd(Xmm(r), Mem64(a)); },
        [&](const std::string& m) { return absl::StrCat("mulsd ", m, ",", XmmName(r)); });
    cases.AddMemory(
        address, [&](Assembler& as, const Address& a) { as.vaddss(Xmm(r), Xmm(15 - r), Mem32(a)); },
        [&](const std::string& m) {
          return absl::StrCat("vaddss ", m, ",", XmmName(15 - r), ",", XmmName(r));
        });
    cases.AddMemory(
        address,
        [&](Assembler& as, const Address& a) {
          as.bmi_rmv(BmiRmvOp::kShlx, Width::k64, Gpr(r), a, Gpr(15 - r));
        },
        [&](const std::string& m) {
          return absl::StrCat("shlxq ", RegName(Width::k64, 15 - r), ",", m, ",",
                              RegName(Width::k64, r));
        });
  }
  cases.Check();
}

TEST(LlvmMc, TestAndMov) {
  Cases cases;
  for (Width w : kWidths) {
    const std::string test = absl::StrCat("test", Suffix(w), " ");
    const std::string mov = absl::StrCat("mov", Suffix(w), " ");
    const std::string xchg = absl::StrCat("xchg", Suffix(w), " ");
    for (int a = 0; a < 16; ++a) {
      for (int b = 0; b < 16; ++b) {
        const std::string operands = absl::StrCat(RegName(w, b), ",", RegName(w, a));
        cases.Add(test + operands, [&](Assembler& as) { as.test(w, Gpr(a), Gpr(b)); });
        cases.Add(mov + operands, [&](Assembler& as) { as.mov(w, Gpr(a), Gpr(b)); });
        // (Of rax with itself llvm-mc makes other forms.)
        if (a != b) cases.Add(xchg + operands, [&](Assembler& as) { as.xchg(w, Gpr(a), Gpr(b)); });
      }
      for (int32_t imm : ImmediatesFor(w)) {
        cases.Add(absl::StrCat(test, ImmText(w, imm), ",", RegName(w, a)),
                  [&](Assembler& as) { as.test(w, Gpr(a), imm); });
      }
    }
    int r = 0;
    const auto reg_last = [&](const std::string& mnemonic) {
      return [&r, w, mnemonic](const std::string& m) {
        return absl::StrCat(mnemonic, m, ",", RegName(w, r++ % 16));
      };
    };
    const auto reg_first = [&](const std::string& mnemonic) {
      return [&r, w, mnemonic](const std::string& m) {
        return absl::StrCat(mnemonic, RegName(w, r++ % 16), ",", m);
      };
    };
    cases.AddEdges([&](Assembler& as, const Address& a) { as.test(w, a, Gpr(r % 16)); },
                   reg_first(test));
    cases.AddEdges([&](Assembler& as, const Address& a) { as.mov(w, Gpr(r % 16), a); },
                   reg_last(mov));
    cases.AddEdges([&](Assembler& as, const Address& a) { as.mov(w, a, Gpr(r % 16)); },
                   reg_first(mov));
    cases.AddEdges([&](Assembler& as, const Address& a) { as.xchg(w, Gpr(r % 16), a); },
                   reg_first(xchg));
    for (int32_t imm : ImmediatesFor(w)) {
      cases.AddEdges(
          [&](Assembler& as, const Address& a) { as.test(w, a, imm); },
          [&](const std::string& m) { return absl::StrCat(test, ImmText(w, imm), ",", m); });
      cases.AddEdges(
          [&](Assembler& as, const Address& a) { as.mov(w, a, imm); },
          [&](const std::string& m) { return absl::StrCat(mov, ImmText(w, imm), ",", m); });
    }
  }
  for (int r = 0; r < 16; ++r) {
    for (int64_t imm : {int64_t{0}, int64_t{1}, int64_t{0x7FFFFFFF}, int64_t{0x80000000},
                        int64_t{0xFFFFFFFF}, int64_t{-1}, int64_t{INT32_MIN}}) {
      cases.Add(absl::StrCat("movl $", imm, ",", RegName(Width::k32, r)),
                [&](Assembler& as) { as.mov_imm(Width::k32, Gpr(r), imm); });
    }
    for (int64_t imm :
         {int64_t{0}, int64_t{0x7FFFFFFF}, int64_t{0x80000000}, int64_t{0xFFFFFFFF}}) {
      cases.Add(absl::StrCat("movl $", imm, ",", RegName(Width::k32, r)),
                [&](Assembler& as) { as.mov_imm(Width::k64, Gpr(r), imm); });
    }
    for (int64_t imm : {int64_t{-1}, int64_t{-1000}, int64_t{INT32_MIN}}) {
      cases.Add(absl::StrCat("movq $", imm, ",", RegName(Width::k64, r)),
                [&](Assembler& as) { as.mov_imm(Width::k64, Gpr(r), imm); });
    }
    for (int64_t imm : {int64_t{0x100000000}, int64_t{INT32_MIN} - 1, INT64_MAX, INT64_MIN}) {
      cases.Add(absl::StrCat("movabsq $", imm, ",", RegName(Width::k64, r)),
                [&](Assembler& as) { as.mov_imm(Width::k64, Gpr(r), imm); });
    }
  }
  cases.Check();
}

TEST(LlvmMc, ShiftsAndUnary) {
  Cases cases;
  for (Width w : kWidths) {
    for (const auto& named : GANTRY_X64_TEST_ROWS(ShiftOp, GANTRY_X64_SHIFT)) {
      const std::string& name = named.name;
      const auto op = named.op;
      const std::string mnemonic = absl::StrCat(name, Suffix(w), " ");
      const int last = static_cast<int>(BitsOf(w)) - 1;
      for (int r = 0; r < 16; ++r) {
        cases.Add(absl::StrCat(mnemonic, "%cl,", RegName(w, r)),
                  [&](Assembler& as) { as.shift_cl(op, w, Gpr(r)); });
        cases.Add(absl::StrCat(mnemonic, RegName(w, r)),
                  [&](Assembler& as) { as.shift_imm(op, w, Gpr(r), 1); });
        for (int amount : {0, 2, last}) {
          cases.Add(absl::StrCat(mnemonic, "$", amount, ",", RegName(w, r)),
                    [&](Assembler& as) { as.shift_imm(op, w, Gpr(r), amount); });
        }
      }
      cases.AddEdges([&](Assembler& as, const Address& a) { as.shift_cl(op, w, a); },
                     [&](const std::string& m) { return absl::StrCat(mnemonic, "%cl,", m); });
      cases.AddEdges([&](Assembler& as, const Address& a) { as.shift_imm(op, w, a, 1); },
                     [&](const std::string& m) { return absl::StrCat(mnemonic, m); });
      cases.AddEdges(
          [&](Assembler& as, const Address& a) { as.shift_imm(op, w, a, last); },
          [&](const std::string& m) { return absl::StrCat(mnemonic, "$", last, ",", m); });
    }
    for (const auto& named : GANTRY_X64_TEST_ROWS(UnaryOp, GANTRY_X64_UNARY)) {
      const std::string& name = named.name;
      const auto op = named.op;
      const std::string mnemonic = absl::StrCat(name, Suffix(w), " ");
      for (int r = 0; r < 16; ++r) {
        cases.Add(mnemonic + RegName(w, r), [&](Assembler& as) { as.unary(op, w, Gpr(r)); });
      }
      cases.AddEdges([&](Assembler& as, const Address& a) { as.unary(op, w, a); },
                     [&](const std::string& m) { return mnemonic + m; });
    }
  }
  cases.Check();
}

TEST(LlvmMc, RegisterFromRegisterOrMemory) {
  Cases cases;
  const auto family = [&](const auto& rows, absl::Span<const Width> widths) {
    for (const auto& named : rows) {
      const std::string& name = named.name;
      const auto op = named.op;
      for (Width w : widths) {
        const std::string mnemonic = absl::StrCat(name, Suffix(w), " ");
        for (int dst = 0; dst < 16; ++dst) {
          for (int src = 0; src < 16; ++src) {
            cases.Add(absl::StrCat(mnemonic, RegName(w, src), ",", RegName(w, dst)),
                      [&](Assembler& as) { as.gpr_rm(op, w, Gpr(dst), Gpr(src)); });
          }
        }
        int r = 0;
        cases.AddEdges([&](Assembler& as, const Address& a) { as.gpr_rm(op, w, Gpr(r % 16), a); },
                       [&](const std::string& m) {
                         return absl::StrCat(mnemonic, m, ",", RegName(w, r++ % 16));
                       });
      }
    }
  };
  family(GANTRY_X64_TEST_ROWS(GprRmOp, GANTRY_X64_GPR_RM), kNotByte);
  family(GANTRY_X64_TEST_ROWS(GprRmOp, GANTRY_X64_GPR_RM_WIDE), kWide);
  static const char* const kConditions[] = {"o", "no", "b", "ae", "e", "ne", "be", "a",
                                            "s", "ns", "p", "np", "l", "ge", "le", "g"};
  for (int c = 0; c < 16; ++c) {
    const Condition condition = static_cast<Condition>(c);
    for (Width w : kNotByte) {
      const std::string mnemonic = absl::StrCat("cmov", kConditions[c], Suffix(w), " ");
      for (int dst = 0; dst < 16; ++dst) {
        const int src = (dst * 7 + c) % 16;
        cases.Add(absl::StrCat(mnemonic, RegName(w, src), ",", RegName(w, dst)),
                  [&](Assembler& as) { as.cmov(condition, w, Gpr(dst), Gpr(src)); });
      }
      int r = 0;
      cases.AddEdges(
          [&](Assembler& as, const Address& a) { as.cmov(condition, w, Gpr(r % 16), a); },
          [&](const std::string& m) {
            return absl::StrCat(mnemonic, m, ",", RegName(w, r++ % 16));
          });
    }
    for (int r = 0; r < 16; ++r) {
      cases.Add(absl::StrCat("set", kConditions[c], " ", RegName(Width::k8, r)),
                [&](Assembler& as) { as.setcc(condition, Gpr8(r)); });
    }
    cases.AddEdges(
        [&](Assembler& as, const Address& a) { as.setcc(condition, Mem8(a)); },
        [&](const std::string& m) { return absl::StrCat("set", kConditions[c], " ", m); });
  }
  for (Width w : kNotByte) {
    const std::string mnemonic = absl::StrCat("imul", Suffix(w), " ");
    for (int32_t imm : ImmediatesFor(w)) {
      for (int dst = 0; dst < 16; ++dst) {
        const int src = (dst * 5 + 3) % 16;
        cases.Add(
            absl::StrCat(mnemonic, ImmText(w, imm), ",", RegName(w, src), ",", RegName(w, dst)),
            [&](Assembler& as) { as.imul(w, Gpr(dst), Gpr(src), imm); });
      }
      int r = 0;
      cases.AddEdges([&](Assembler& as, const Address& a) { as.imul(w, Gpr(r % 16), a, imm); },
                     [&](const std::string& m) {
                       return absl::StrCat(mnemonic, ImmText(w, imm), ",", m, ",",
                                           RegName(w, r++ % 16));
                     });
    }
  }
  cases.Check();
}

TEST(LlvmMc, Extensions) {
  Cases cases;
  for (Width to : kNotByte) {
    for (Width from : {Width::k8, Width::k16, Width::k32}) {
      if (from >= to) continue;
      const std::string zero =
          from == Width::k32 ? "movl " : absl::StrCat("movz", Suffix(from), Suffix(to), " ");
      const Width zero_to = from == Width::k32 ? Width::k32 : to;
      const std::string sign = absl::StrCat("movs", Suffix(from), Suffix(to), " ");
      for (int dst = 0; dst < 16; ++dst) {
        for (int src = 0; src < 16; ++src) {
          cases.Add(absl::StrCat(zero, RegName(from, src), ",", RegName(zero_to, dst)),
                    [&](Assembler& as) { as.movzx(to, Gpr(dst), from, Gpr(src)); });
          cases.Add(absl::StrCat(sign, RegName(from, src), ",", RegName(to, dst)),
                    [&](Assembler& as) { as.movsx(to, Gpr(dst), from, Gpr(src)); });
        }
      }
      int r = 0;
      cases.AddEdges([&](Assembler& as, const Address& a) { as.movzx(to, Gpr(r % 16), from, a); },
                     [&](const std::string& m) {
                       return absl::StrCat(zero, m, ",", RegName(zero_to, r++ % 16));
                     });
      cases.AddEdges(
          [&](Assembler& as, const Address& a) { as.movsx(to, Gpr(r % 16), from, a); },
          [&](const std::string& m) { return absl::StrCat(sign, m, ",", RegName(to, r++ % 16)); });
    }
  }
  for (Width w : kWide) {
    int r = 0;
    cases.AddEdges([&](Assembler& as, const Address& a) { as.lea(w, Gpr(r % 16), a); },
                   [&](const std::string& m) {
                     return absl::StrCat("lea", Suffix(w), " ", m, ",", RegName(w, r++ % 16));
                   });
    for (int dst = 0; dst < 16; ++dst) {
      cases.Add(absl::StrCat("bswap", Suffix(w), " ", RegName(w, dst)),
                [&](Assembler& as) { as.bswap(w, Gpr(dst)); });
    }
  }
  cases.Check();
}

TEST(LlvmMc, BitsAndDoubleShifts) {
  Cases cases;
  for (Width w : kNotByte) {
    const int last = static_cast<int>(BitsOf(w)) - 1;
    for (const auto& named : GANTRY_X64_TEST_ROWS(BitOp, GANTRY_X64_BIT)) {
      const std::string& name = named.name;
      const auto op = named.op;
      const std::string mnemonic = absl::StrCat(name, Suffix(w), " ");
      for (int a = 0; a < 16; ++a) {
        for (int b = 0; b < 16; ++b) {
          cases.Add(absl::StrCat(mnemonic, RegName(w, b), ",", RegName(w, a)),
                    [&](Assembler& as) { as.bit(op, w, Gpr(a), Gpr(b)); });
        }
        for (int index : {0, 7, last}) {
          cases.Add(absl::StrCat(mnemonic, "$", index, ",", RegName(w, a)),
                    [&](Assembler& as) { as.bit(op, w, Gpr(a), static_cast<uint8_t>(index)); });
        }
      }
      cases.AddEdges(
          [&](Assembler& as, const Address& a) { as.bit(op, w, a, static_cast<uint8_t>(last)); },
          [&](const std::string& m) { return absl::StrCat(mnemonic, "$", last, ",", m); });
    }
    for (const auto& named : GANTRY_X64_TEST_ROWS(DoubleShiftOp, GANTRY_X64_DOUBLE_SHIFT)) {
      const std::string& name = named.name;
      const auto op = named.op;
      const std::string mnemonic = absl::StrCat(name, Suffix(w), " ");
      for (int a = 0; a < 16; ++a) {
        for (int b = 0; b < 16; ++b) {
          const std::string operands = absl::StrCat(RegName(w, b), ",", RegName(w, a));
          cases.Add(absl::StrCat(mnemonic, "%cl,", operands),
                    [&](Assembler& as) { as.double_shift_cl(op, w, Gpr(a), Gpr(b)); });
          cases.Add(absl::StrCat(mnemonic, "$", last, ",", operands),
                    [&](Assembler& as) { as.double_shift_imm(op, w, Gpr(a), Gpr(b), last); });
        }
      }
    }
  }
  cases.Check();
}

TEST(LlvmMc, Bmi) {
  Cases cases;
  for (Width w : kWide) {
    const auto triple = [&](const std::string& name, int first, int second, int third) {
      return absl::StrCat(name, Suffix(w), " ", RegName(w, first), ",", RegName(w, second), ",",
                          RegName(w, third));
    };
    for (const auto& named : GANTRY_X64_TEST_ROWS(BmiRvmOp, GANTRY_X64_BMI_RVM)) {
      const std::string& name = named.name;
      const auto op = named.op;
      for (int dst = 0; dst < 16; ++dst) {
        for (int b = 0; b < 16; ++b) {
          const int a = (dst * 3 + b * 5 + 1) % 16;
          cases.Add(triple(name, b, a, dst),
                    [&](Assembler& as) { as.bmi_rvm(op, w, Gpr(dst), Gpr(a), Gpr(b)); });
        }
      }
      int r = 0;
      cases.AddEdges(
          [&](Assembler& as, const Address& b) {
            as.bmi_rvm(op, w, Gpr(r % 16), Gpr((r + 9) % 16), b);
          },
          [&](const std::string& m) {
            const int dst = r++;
            return absl::StrCat(name, Suffix(w), " ", m, ",", RegName(w, (dst + 9) % 16), ",",
                                RegName(w, dst % 16));
          });
    }
    for (const auto& named : GANTRY_X64_TEST_ROWS(BmiRmvOp, GANTRY_X64_BMI_RMV)) {
      const std::string& name = named.name;
      const auto op = named.op;
      for (int dst = 0; dst < 16; ++dst) {
        for (int src = 0; src < 16; ++src) {
          const int control = (dst * 3 + src * 5 + 1) % 16;
          cases.Add(triple(name, control, src, dst),
                    [&](Assembler& as) { as.bmi_rmv(op, w, Gpr(dst), Gpr(src), Gpr(control)); });
        }
      }
      int r = 0;
      cases.AddEdges(
          [&](Assembler& as, const Address& src) {
            as.bmi_rmv(op, w, Gpr(r % 16), src, Gpr((r + 9) % 16));
          },
          [&](const std::string& m) {
            const int dst = r++;
            return absl::StrCat(name, Suffix(w), " ", RegName(w, (dst + 9) % 16), ",", m, ",",
                                RegName(w, dst % 16));
          });
    }
    for (const auto& named : GANTRY_X64_TEST_ROWS(BmiVmOp, GANTRY_X64_BMI_VM)) {
      const std::string& name = named.name;
      const auto op = named.op;
      const std::string mnemonic = absl::StrCat(name, Suffix(w), " ");
      for (int dst = 0; dst < 16; ++dst) {
        for (int src = 0; src < 16; ++src) {
          cases.Add(absl::StrCat(mnemonic, RegName(w, src), ",", RegName(w, dst)),
                    [&](Assembler& as) { as.bmi_vm(op, w, Gpr(dst), Gpr(src)); });
        }
      }
      int r = 0;
      cases.AddEdges([&](Assembler& as, const Address& a) { as.bmi_vm(op, w, Gpr(r % 16), a); },
                     [&](const std::string& m) {
                       return absl::StrCat(mnemonic, m, ",", RegName(w, r++ % 16));
                     });
    }
    const std::string rorx = absl::StrCat("rorx", Suffix(w), " $13,");
    for (int dst = 0; dst < 16; ++dst) {
      for (int src = 0; src < 16; ++src) {
        cases.Add(absl::StrCat(rorx, RegName(w, src), ",", RegName(w, dst)),
                  [&](Assembler& as) { as.rorx(w, Gpr(dst), Gpr(src), 13); });
      }
    }
    int r = 0;
    cases.AddEdges(
        [&](Assembler& as, const Address& a) { as.rorx(w, Gpr(r % 16), a, 13); },
        [&](const std::string& m) { return absl::StrCat(rorx, m, ",", RegName(w, r++ % 16)); });
  }
  cases.Check();
}

TEST(LlvmMc, StackControlAndPlain) {
  Cases cases;
  for (int r = 0; r < 16; ++r) {
    const std::string name = RegName(Width::k64, r);
    cases.Add("pushq " + name, [&](Assembler& as) { as.push(Gpr64(r)); });
    cases.Add("popq " + name, [&](Assembler& as) { as.pop(Gpr64(r)); });
    cases.Add("jmpq *" + name, [&](Assembler& as) { as.jmp(Gpr64(r)); });
    cases.Add("callq *" + name, [&](Assembler& as) { as.call(Gpr64(r)); });
  }
  cases.AddEdges([](Assembler& as, const Address& m) { as.push(Mem64(m)); },
                 [](const std::string& m) { return "pushq " + m; });
  cases.AddEdges([](Assembler& as, const Address& m) { as.pop(Mem64(m)); },
                 [](const std::string& m) { return "popq " + m; });
  cases.AddEdges([](Assembler& as, const Address& m) { as.jmp(Mem64(m)); },
                 [](const std::string& m) { return "jmpq *" + m; });
  cases.AddEdges([](Assembler& as, const Address& m) { as.call(Mem64(m)); },
                 [](const std::string& m) { return "callq *" + m; });
  for (int32_t imm : kImmediates32) {
    cases.Add(absl::StrCat("pushq $", imm), [&](Assembler& as) { as.push(imm); });
  }
  for (const auto& named : GANTRY_X64_TEST_ROWS(PlainOp, GANTRY_X64_PLAIN)) {
    const std::string& name = named.name;
    const auto op = named.op;
    cases.Add(name == "int3" ? "int3" : name, [&](Assembler& as) { as.plain(op); });
  }
  cases.Add("lfence", [](Assembler& as) { as.lfence(); });
  cases.Add("mfence", [](Assembler& as) { as.mfence(); });
  cases.Add("cltd", [](Assembler& as) { as.cdq(); });
  cases.Add("cqto", [](Assembler& as) { as.cqo(); });
  cases.Add("retq", [](Assembler& as) { as.ret(); });
  cases.Add("retq", [](Assembler& as) { as.ret(0); });
  cases.Add("retq $16", [](Assembler& as) { as.ret(16); });
  cases.Add("retq $65520", [](Assembler& as) { as.ret(65520); });
  cases.Add("ud2", [](Assembler& as) { as.ud2(codegen::TrapCode{1}); });
  cases.Add("nop", [](Assembler& as) { as.nop(1); });
  cases.Add("nopl (%rax)", [](Assembler& as) { as.nop(3); });
  cases.Check();
}

}  // namespace
}  // namespace gantry::x64
