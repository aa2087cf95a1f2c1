// Every instruction on vector registers and every shape of its operands against LLVM's assembler.
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "gtest/gtest.h"
#include "isa_x64/asm/assembler.h"
#include "isa_x64/asm/llvm_mc_testing.h"

namespace gantry::x64 {
namespace {

// Memory widths of the rows, so that every operand in memory has the right one.
#define GANTRY_X64_TEST_WIDTH(name, Name, prefix, map, opcode, width) Width::width,
#define GANTRY_X64_TEST_WIDTHS(FAMILY) \
  std::vector<Width> { FAMILY(GANTRY_X64_TEST_WIDTH) }

TEST(LlvmMc, VectorThreeOperands) {
  Cases cases;
  const std::vector<Width> widths = GANTRY_X64_TEST_WIDTHS(GANTRY_X64_SSE_RVM);
  size_t row = 0;
  for (const auto& named : GANTRY_X64_TEST_ROWS(SseRvmOp, GANTRY_X64_SSE_RVM)) {
    const std::string& name = named.name;
    const auto op = named.op;
    const Width width = widths[row++];
    for (int dst = 0; dst < 16; ++dst) {
      for (int src = 0; src < 16; ++src) {
        cases.Add(absl::StrCat(name, " ", XmmName(src), ",", XmmName(dst)),
                  [&](Assembler& as) { as.sse(op, Xmm(dst), Xmm(src)); });
        const int a = (dst * 3 + src * 5 + 1) % 16;
        cases.Add(absl::StrCat("v", name, " ", XmmName(src), ",", XmmName(a), ",", XmmName(dst)),
                  [&](Assembler& as) { as.vex(op, Xmm(dst), Xmm(a), Xmm(src)); });
      }
    }
    int r = 0;
    cases.AddEdges(
        [&](Assembler& as, const Address& m) { as.sse(op, Xmm(r % 16), AnyMem(width, m)); },
        [&](const std::string& m) { return absl::StrCat(name, " ", m, ",", XmmName(r++ % 16)); });
    cases.AddEdges(
        [&](Assembler& as, const Address& m) {
          as.vex(op, Xmm(r % 16), Xmm((r + 9) % 16), AnyMem(width, m));
        },
        [&](const std::string& m) {
          const int dst = r++;
          return absl::StrCat("v", name, " ", m, ",", XmmName((dst + 9) % 16), ",",
                              XmmName(dst % 16));
        });
  }
  cases.Check();
}

TEST(LlvmMc, VectorTwoOperands) {
  Cases cases;
  const std::vector<Width> widths = GANTRY_X64_TEST_WIDTHS(GANTRY_X64_SSE_RM);
  size_t row = 0;
  for (const auto& named : GANTRY_X64_TEST_ROWS(SseRmOp, GANTRY_X64_SSE_RM)) {
    const std::string& name = named.name;
    const auto op = named.op;
    const Width width = widths[row++];
    // Narrowing from memory names its size.
    const bool narrows = op == SseRmOp::kCvtpd2ps || op == SseRmOp::kCvttpd2dq;
    const std::string memory_name = narrows ? name + "x" : name;
    for (int dst = 0; dst < 16; ++dst) {
      for (int src = 0; src < 16; ++src) {
        const std::string operands = absl::StrCat(" ", XmmName(src), ",", XmmName(dst));
        cases.Add(name + operands, [&](Assembler& as) { as.sse(op, Xmm(dst), Xmm(src)); });
        cases.Add("v" + name + operands, [&](Assembler& as) { as.vex(op, Xmm(dst), Xmm(src)); });
      }
    }
    int r = 0;
    cases.AddEdges(
        [&](Assembler& as, const Address& m) { as.sse(op, Xmm(r % 16), AnyMem(width, m)); },
        [&](const std::string& m) { return absl::StrCat(name, " ", m, ",", XmmName(r++ % 16)); });
    cases.AddEdges(
        [&](Assembler& as, const Address& m) { as.vex(op, Xmm(r % 16), AnyMem(width, m)); },
        [&](const std::string& m) {
          return absl::StrCat("v", memory_name, " ", m, ",", XmmName(r++ % 16));
        });
  }
  const std::vector<Width> imm_widths = GANTRY_X64_TEST_WIDTHS(GANTRY_X64_SSE_RM_IMM);
  row = 0;
  for (const auto& named : GANTRY_X64_TEST_ROWS(SseRmImmOp, GANTRY_X64_SSE_RM_IMM)) {
    const std::string& name = named.name;
    const auto op = named.op;
    const Width width = imm_widths[row++];
    for (int dst = 0; dst < 16; ++dst) {
      for (int src = 0; src < 16; ++src) {
        const std::string operands = absl::StrCat(" $9,", XmmName(src), ",", XmmName(dst));
        cases.Add(name + operands, [&](Assembler& as) { as.sse(op, Xmm(dst), Xmm(src), 9); });
        cases.Add("v" + name + operands, [&](Assembler& as) { as.vex(op, Xmm(dst), Xmm(src), 9); });
      }
    }
    int r = 0;
    cases.AddEdges(
        [&](Assembler& as, const Address& m) { as.sse(op, Xmm(r % 16), AnyMem(width, m), 255); },
        [&](const std::string& m) {
          return absl::StrCat(name, " $255,", m, ",", XmmName(r++ % 16));
        });
    cases.AddEdges(
        [&](Assembler& as, const Address& m) { as.vex(op, Xmm(r % 16), AnyMem(width, m), 255); },
        [&](const std::string& m) {
          return absl::StrCat("v", name, " $255,", m, ",", XmmName(r++ % 16));
        });
  }
  cases.Check();
}

TEST(LlvmMc, VectorImmediates) {
  Cases cases;
  const std::vector<Width> widths = GANTRY_X64_TEST_WIDTHS(GANTRY_X64_SSE_RVM_IMM);
  size_t row = 0;
  for (const auto& named : GANTRY_X64_TEST_ROWS(SseRvmImmOp, GANTRY_X64_SSE_RVM_IMM)) {
    const std::string& name = named.name;
    const auto op = named.op;
    const Width width = widths[row++];
    for (int dst = 0; dst < 16; ++dst) {
      for (int src = 0; src < 16; ++src) {
        const int imm = (dst + src) % 8;
        cases.Add(absl::StrCat(name, " $", imm, ",", XmmName(src), ",", XmmName(dst)),
                  [&](Assembler& as) { as.sse(op, Xmm(dst), Xmm(src), imm); });
        const int a = (dst * 3 + src * 5 + 1) % 16;
        cases.Add(absl::StrCat("v", name, " $", imm, ",", XmmName(src), ",", XmmName(a), ",",
                               XmmName(dst)),
                  [&](Assembler& as) { as.vex(op, Xmm(dst), Xmm(a), Xmm(src), imm); });
      }
    }
    int r = 0;
    cases.AddEdges(
        [&](Assembler& as, const Address& m) { as.sse(op, Xmm(r % 16), AnyMem(width, m), 3); },
        [&](const std::string& m) {
          return absl::StrCat(name, " $3,", m, ",", XmmName(r++ % 16));
        });
    cases.AddEdges(
        [&](Assembler& as, const Address& m) {
          as.vex(op, Xmm(r % 16), Xmm((r + 9) % 16), AnyMem(width, m), 3);
        },
        [&](const std::string& m) {
          const int dst = r++;
          return absl::StrCat("v", name, " $3,", m, ",", XmmName((dst + 9) % 16), ",",
                              XmmName(dst % 16));
        });
  }
  for (const auto& named : GANTRY_X64_TEST_ROWS(SseShiftImmOp, GANTRY_X64_SSE_SHIFT_IMM)) {
    const std::string& name = named.name;
    const auto op = named.op;
    for (int dst = 0; dst < 16; ++dst) {
      cases.Add(absl::StrCat(name, " $7,", XmmName(dst)),
                [&](Assembler& as) { as.sse(op, Xmm(dst), 7); });
      for (int src = 0; src < 16; ++src) {
        cases.Add(absl::StrCat("v", name, " $31,", XmmName(src), ",", XmmName(dst)),
                  [&](Assembler& as) { as.vex(op, Xmm(dst), Xmm(src), 31); });
      }
    }
  }
  cases.Check();
}

TEST(LlvmMc, VectorMoves) {
  Cases cases;
#define GANTRY_X64_TEST_MOVE_WIDTH(name, Name, prefix, map, load, store_prefix, store, width) \
  Width::width,
  const std::vector<Width> widths = {GANTRY_X64_SSE_MOVE(GANTRY_X64_TEST_MOVE_WIDTH)};
  size_t row = 0;
  for (const auto& named : GANTRY_X64_TEST_ROWS(SseMoveOp, GANTRY_X64_SSE_MOVE)) {
    const std::string& name = named.name;
    const auto op = named.op;
    const Width width = widths[row++];
    for (int dst = 0; dst < 16; ++dst) {
      for (int src = 0; src < 16; ++src) {
        const std::string operands = absl::StrCat(XmmName(src), ",", XmmName(dst));
        cases.Add(absl::StrCat(name, " ", operands),
                  [&](Assembler& as) { as.sse(op, Xmm(dst), Xmm(src)); });
        if (op == SseMoveOp::kMovss || op == SseMoveOp::kMovsd) {
          const int high = (dst * 3 + src * 5 + 1) % 16;
          cases.Add(
              absl::StrCat("v", name, " ", XmmName(src), ",", XmmName(high), ",", XmmName(dst)),
              [&](Assembler& as) { as.vmov_merge(op, Xmm(dst), Xmm(high), Xmm(src)); });
        } else {
          cases.Add(absl::StrCat("v", name, " ", operands),
                    [&](Assembler& as) { as.vex(op, Xmm(dst), Xmm(src)); });
        }
      }
    }
    int r = 0;
    for (const bool v : {false, true}) {
      const std::string mnemonic = absl::StrCat(v ? "v" : "", name, " ");
      cases.AddEdges(
          [&](Assembler& as, const Address& m) {
            v ? as.vex(op, Xmm(r % 16), AnyMem(width, m))
              : as.sse(op, Xmm(r % 16), AnyMem(width, m));
          },
          [&](const std::string& m) { return absl::StrCat(mnemonic, m, ",", XmmName(r++ % 16)); });
      cases.AddEdges(
          [&](Assembler& as, const Address& m) {
            v ? as.vex(op, AnyMem(width, m), Xmm(r % 16))
              : as.sse(op, AnyMem(width, m), Xmm(r % 16));
          },
          [&](const std::string& m) { return absl::StrCat(mnemonic, XmmName(r++ % 16), ",", m); });
    }
  }
  for (Width w : kWide) {
    const std::string mnemonic = w == Width::k32 ? "movd " : "movq ";
    for (int x = 0; x < 16; ++x) {
      for (int g = 0; g < 16; ++g) {
        const std::string to = absl::StrCat(RegName(w, g), ",", XmmName(x));
        const std::string from = absl::StrCat(XmmName(x), ",", RegName(w, g));
        cases.Add(mnemonic + to, [&](Assembler& as) { as.mov_to_xmm(w, Xmm(x), Gpr(g)); });
        cases.Add(mnemonic + from, [&](Assembler& as) { as.mov_to_gpr(w, Gpr(g), Xmm(x)); });
        cases.Add("v" + mnemonic + to, [&](Assembler& as) { as.vmov_to_xmm(w, Xmm(x), Gpr(g)); });
        cases.Add("v" + mnemonic + from, [&](Assembler& as) { as.vmov_to_gpr(w, Gpr(g), Xmm(x)); });
      }
    }
  }
  cases.Check();
}

TEST(LlvmMc, Conversions) {
  Cases cases;
#define GANTRY_X64_TEST_CVT_WIDTH(name, Name, prefix, opcode, width) Width::width,
  const std::vector<Width> widths = {GANTRY_X64_CVT_TO_GPR(GANTRY_X64_TEST_CVT_WIDTH)};
  for (Width w : kWide) {
    size_t row = 0;
    for (const auto& named : GANTRY_X64_TEST_ROWS(CvtToGprOp, GANTRY_X64_CVT_TO_GPR)) {
      const std::string& name = named.name;
      const auto op = named.op;
      const Width width = widths[row++];
      for (int g = 0; g < 16; ++g) {
        for (int x = 0; x < 16; ++x) {
          const std::string operands = absl::StrCat(" ", XmmName(x), ",", RegName(w, g));
          cases.Add(name + operands, [&](Assembler& as) { as.cvt_to_gpr(op, w, Gpr(g), Xmm(x)); });
          cases.Add("v" + name + operands,
                    [&](Assembler& as) { as.vcvt_to_gpr(op, w, Gpr(g), Xmm(x)); });
        }
      }
      int r = 0;
      cases.AddEdges([&](Assembler& as,
                         const Address& m) { as.cvt_to_gpr(op, w, Gpr(r % 16), AnyMem(width, m)); },
                     [&](const std::string& m) {
                       return absl::StrCat(name, " ", m, ",", RegName(w, r++ % 16));
                     });
      cases.AddEdges(
          [&](Assembler& as, const Address& m) {
            as.vcvt_to_gpr(op, w, Gpr(r % 16), AnyMem(width, m));
          },
          [&](const std::string& m) {
            return absl::StrCat("v", name, " ", m, ",", RegName(w, r++ % 16));
          });
    }
    for (const auto& named : GANTRY_X64_TEST_ROWS(CvtFromGprOp, GANTRY_X64_CVT_FROM_GPR)) {
      const std::string& name = named.name;
      const auto op = named.op;
      const std::string mnemonic = absl::StrCat(name, Suffix(w), " ");
      for (int g = 0; g < 16; ++g) {
        for (int x = 0; x < 16; ++x) {
          const int high = (x * 3 + g + 1) % 16;
          cases.Add(absl::StrCat(mnemonic, RegName(w, g), ",", XmmName(x)),
                    [&](Assembler& as) { as.cvt_from_gpr(op, w, Xmm(x), Gpr(g)); });
          cases.Add(absl::StrCat("v", mnemonic, RegName(w, g), ",", XmmName(high), ",", XmmName(x)),
                    [&](Assembler& as) { as.vcvt_from_gpr(op, w, Xmm(x), Xmm(high), Gpr(g)); });
        }
      }
      int r = 0;
      cases.AddEdges(
          [&](Assembler& as, const Address& m) { as.cvt_from_gpr(op, w, Xmm(r % 16), m); },
          [&](const std::string& m) { return absl::StrCat(mnemonic, m, ",", XmmName(r++ % 16)); });
      cases.AddEdges(
          [&](Assembler& as, const Address& m) {
            as.vcvt_from_gpr(op, w, Xmm(r % 16), Xmm((r + 9) % 16), m);
          },
          [&](const std::string& m) {
            const int dst = r++;
            return absl::StrCat("v", mnemonic, m, ",", XmmName((dst + 9) % 16), ",",
                                XmmName(dst % 16));
          });
    }
  }
  for (const auto& named : GANTRY_X64_TEST_ROWS(MaskToGprOp, GANTRY_X64_MASK_TO_GPR)) {
    const std::string& name = named.name;
    const auto op = named.op;
    for (int g = 0; g < 16; ++g) {
      for (int x = 0; x < 16; ++x) {
        const std::string operands = absl::StrCat(" ", XmmName(x), ",", RegName(Width::k32, g));
        cases.Add(name + operands, [&](Assembler& as) { as.mask_to_gpr(op, Gpr32(g), Xmm(x)); });
        cases.Add("v" + name + operands,
                  [&](Assembler& as) { as.vmask_to_gpr(op, Gpr32(g), Xmm(x)); });
      }
    }
  }
  cases.Check();
}

TEST(LlvmMc, FusedMultiplyAdd) {
  Cases cases;
#define GANTRY_X64_TEST_FMA(name, Name, wide, opcode, width) {#name, FmaOp::k##Name, Width::width},
  struct FmaRow {
    std::string name;
    FmaOp op;
    Width width;
  };
  const std::vector<FmaRow> rows = {GANTRY_X64_FMA(GANTRY_X64_TEST_FMA)};
  for (const FmaRow& row : rows) {
    for (int dst = 0; dst < 16; ++dst) {
      for (int b = 0; b < 16; ++b) {
        const int a = (dst * 3 + b * 5 + 1) % 16;
        cases.Add(absl::StrCat(row.name, " ", XmmName(b), ",", XmmName(a), ",", XmmName(dst)),
                  [&](Assembler& as) { as.fma(row.op, Xmm(dst), Xmm(a), Xmm(b)); });
      }
    }
    int r = 0;
    cases.AddEdges(
        [&](Assembler& as, const Address& m) {
          as.fma(row.op, Xmm(r % 16), Xmm((r + 9) % 16), AnyMem(row.width, m));
        },
        [&](const std::string& m) {
          const int dst = r++;
          return absl::StrCat(row.name, " ", m, ",", XmmName((dst + 9) % 16), ",",
                              XmmName(dst % 16));
        });
  }
  cases.Check();
}

TEST(LlvmMc, VectorLanes) {
  Cases cases;
  struct InsertRow {
    std::string name;
    InsertOp op;
    Width width;
  };
#define GANTRY_X64_TEST_INSERT(name, Name, map, opcode, wide, width) \
  {#name, InsertOp::k##Name, Width::width},
  const std::vector<InsertRow> inserts = {GANTRY_X64_INSERT(GANTRY_X64_TEST_INSERT)};
  for (const InsertRow& row : inserts) {
    const Width gpr = LaneGpr(row.width);
    for (int x = 0; x < 16; ++x) {
      for (int g = 0; g < 16; ++g) {
        const int lane = (x + g) % (16 >> static_cast<int>(row.width));
        const int a = (x * 3 + g * 5 + 1) % 16;
        const std::string operands =
            absl::StrCat(" $", lane, ",", RegName(gpr, g), ",", XmmName(x));
        cases.Add(row.name + operands,
                  [&](Assembler& as) { as.sse(row.op, Xmm(x), Gpr(g), lane); });
        cases.Add(absl::StrCat("v", row.name, " $", lane, ",", RegName(gpr, g), ",", XmmName(a),
                               ",", XmmName(x)),
                  [&](Assembler& as) { as.vex(row.op, Xmm(x), Xmm(a), Gpr(g), lane); });
      }
    }
    int r = 0;
    cases.AddEdges([&](Assembler& as,
                       const Address& m) { as.sse(row.op, Xmm(r % 16), AnyMem(row.width, m), 1); },
                   [&](const std::string& m) {
                     return absl::StrCat(row.name, " $1,", m, ",", XmmName(r++ % 16));
                   });
    cases.AddEdges(
        [&](Assembler& as, const Address& m) {
          as.vex(row.op, Xmm(r % 16), Xmm((r + 9) % 16), AnyMem(row.width, m), 1);
        },
        [&](const std::string& m) {
          const int dst = r++;
          return absl::StrCat("v", row.name, " $1,", m, ",", XmmName((dst + 9) % 16), ",",
                              XmmName(dst % 16));
        });
  }
  struct ExtractRow {
    std::string name;
    ExtractOp op;
    Width width;
  };
#define GANTRY_X64_TEST_EXTRACT(name, Name, opcode, wide, width) \
  {#name, ExtractOp::k##Name, Width::width},
  const std::vector<ExtractRow> extracts = {GANTRY_X64_EXTRACT(GANTRY_X64_TEST_EXTRACT)};
  for (const ExtractRow& row : extracts) {
    const Width gpr = LaneGpr(row.width);
    for (int x = 0; x < 16; ++x) {
      for (int g = 0; g < 16; ++g) {
        const int lane = (x + g) % (16 >> static_cast<int>(row.width));
        const std::string operands =
            absl::StrCat(" $", lane, ",", XmmName(x), ",", RegName(gpr, g));
        cases.Add(row.name + operands,
                  [&](Assembler& as) { as.sse(row.op, Gpr(g), Xmm(x), lane); });
        cases.Add("v" + row.name + operands,
                  [&](Assembler& as) { as.vex(row.op, Gpr(g), Xmm(x), lane); });
      }
    }
    int r = 0;
    for (const bool v : {false, true}) {
      cases.AddEdges(
          [&](Assembler& as, const Address& m) {
            const AnyMem mem(row.width, m);
            v ? as.vex(row.op, mem, Xmm(r % 16), 1) : as.sse(row.op, mem, Xmm(r % 16), 1);
          },
          [&](const std::string& m) {
            return absl::StrCat(v ? "v" : "", row.name, " $1,", XmmName(r++ % 16), ",", m);
          });
    }
  }
  for (const auto& named : GANTRY_X64_TEST_ROWS(SseHalfOp, GANTRY_X64_SSE_HALF)) {
    const std::string& name = named.name;
    const auto op = named.op;
    int r = 0;
    cases.AddEdges(
        [&](Assembler& as, const Address& m) { as.sse(op, Xmm(r % 16), Mem64(m)); },
        [&](const std::string& m) { return absl::StrCat(name, " ", m, ",", XmmName(r++ % 16)); });
    cases.AddEdges(
        [&](Assembler& as, const Address& m) { as.sse(op, Mem64(m), Xmm(r % 16)); },
        [&](const std::string& m) { return absl::StrCat(name, " ", XmmName(r++ % 16), ",", m); });
    cases.AddEdges([&](Assembler& as,
                       const Address& m) { as.vex(op, Xmm(r % 16), Xmm((r + 9) % 16), Mem64(m)); },
                   [&](const std::string& m) {
                     const int dst = r++;
                     return absl::StrCat("v", name, " ", m, ",", XmmName((dst + 9) % 16), ",",
                                         XmmName(dst % 16));
                   });
    cases.AddEdges([&](Assembler& as, const Address& m) { as.vex(op, Mem64(m), Xmm(r % 16)); },
                   [&](const std::string& m) {
                     return absl::StrCat("v", name, " ", XmmName(r++ % 16), ",", m);
                   });
  }
  cases.Check();
}

TEST(LlvmMc, VectorBlends) {
  Cases cases;
  for (const auto& named : GANTRY_X64_TEST_ROWS(BlendvOp, GANTRY_X64_BLENDV)) {
    const std::string& name = named.name;
    const auto op = named.op;
    for (int dst = 0; dst < 16; ++dst) {
      for (int src = 0; src < 16; ++src) {
        const int a = (dst * 3 + src * 5 + 1) % 16;
        const int mask = (dst * 7 + src + 2) % 16;
        cases.Add(absl::StrCat(name, " %xmm0,", XmmName(src), ",", XmmName(dst)),
                  [&](Assembler& as) { as.sse(op, Xmm(dst), Xmm(src)); });
        cases.Add(absl::StrCat("v", name, " ", XmmName(mask), ",", XmmName(src), ",", XmmName(a),
                               ",", XmmName(dst)),
                  [&](Assembler& as) { as.vex(op, Xmm(dst), Xmm(a), Xmm(src), Xmm(mask)); });
      }
    }
    int r = 0;
    cases.AddEdges([&](Assembler& as, const Address& m) { as.sse(op, Xmm(r % 16), Mem128(m)); },
                   [&](const std::string& m) {
                     return absl::StrCat(name, " %xmm0,", m, ",", XmmName(r++ % 16));
                   });
    cases.AddEdges(
        [&](Assembler& as, const Address& m) {
          as.vex(op, Xmm(r % 16), Xmm((r + 9) % 16), Mem128(m), Xmm((r + 5) % 16));
        },
        [&](const std::string& m) {
          const int dst = r++;
          return absl::StrCat("v", name, " ", XmmName((dst + 5) % 16), ",", m, ",",
                              XmmName((dst + 9) % 16), ",", XmmName(dst % 16));
        });
  }
  cases.Check();
}

// Two operands, by a method that takes the family's operation.
template <typename Op, typename EmitRegisters, typename EmitMemory>
void AddTwoOperands(Cases& cases, const std::string& name, const std::string& memory_name, Op op,
                    Width width, EmitRegisters&& registers, EmitMemory&& memory) {
  for (int dst = 0; dst < 16; ++dst) {
    for (int src = 0; src < 16; ++src) {
      cases.Add(absl::StrCat(name, " ", XmmName(src), ",", XmmName(dst)),
                [&](Assembler& as) { registers(as, op, Xmm(dst), Xmm(src)); });
    }
  }
  int r = 0;
  cases.AddEdges(
      [&](Assembler& as, const Address& m) { memory(as, op, Xmm(r % 16), AnyMem(width, m)); },
      [&](const std::string& m) {
        return absl::StrCat(memory_name, " ", m, ",", XmmName(r++ % 16));
      });
}

// Three operands and perhaps an immediate, of which `imm` is the text.
template <typename Op, typename EmitRegisters, typename EmitMemory>
void AddThreeOperands(Cases& cases, const std::string& name, const std::string& imm, Op op,
                      Width width, EmitRegisters&& registers, EmitMemory&& memory) {
  for (int dst = 0; dst < 16; ++dst) {
    for (int src = 0; src < 16; ++src) {
      const int a = (dst * 3 + src * 5 + 1) % 16;
      cases.Add(absl::StrCat(name, " ", imm, XmmName(src), ",", XmmName(a), ",", XmmName(dst)),
                [&](Assembler& as) { registers(as, op, Xmm(dst), Xmm(a), Xmm(src)); });
    }
  }
  int r = 0;
  cases.AddEdges(
      [&](Assembler& as, const Address& m) {
        memory(as, op, Xmm(r % 16), Xmm((r + 9) % 16), AnyMem(width, m));
      },
      [&](const std::string& m) {
        const int dst = r++;
        return absl::StrCat(name, " ", imm, m, ",", XmmName((dst + 9) % 16), ",",
                            XmmName(dst % 16));
      });
}

TEST(LlvmMc, VexOnly) {
  Cases cases;
#define GANTRY_X64_TEST_VEX(name, Name, map, opcode, width) Width::width,
  const std::vector<Width> widths = {GANTRY_X64_VEX_RM(GANTRY_X64_TEST_VEX)};
  size_t row = 0;
  for (const auto& named : GANTRY_X64_TEST_ROWS(VexRmOp, GANTRY_X64_VEX_RM)) {
    AddTwoOperands(
        cases, named.name, named.name, named.op, widths[row++],
        [](Assembler& as, VexRmOp op, Xmm dst, Xmm src) { as.vex(op, dst, src); },
        [](Assembler& as, VexRmOp op, Xmm dst, const AnyMem& m) { as.vex(op, dst, m); });
  }
  for (const auto& named : GANTRY_X64_TEST_ROWS(VexRvmImmOp, GANTRY_X64_VEX_RVM_IMM)) {
    AddThreeOperands(
        cases, named.name, "$5,", named.op, Width::k128,
        [](Assembler& as, VexRvmImmOp op, Xmm dst, Xmm a, Xmm b) { as.vex(op, dst, a, b, 5); },
        [](Assembler& as, VexRvmImmOp op, Xmm dst, Xmm a, const AnyMem& b) {
          as.vex(op, dst, a, b, 5);
        });
  }
  cases.Check();
}

TEST(LlvmMc, Evex) {
  Cases cases;
  for (const auto& named : GANTRY_X64_TEST_ROWS(EvexRvmOp, GANTRY_X64_EVEX_RVM)) {
    AddThreeOperands(
        cases, named.name, "", named.op, Width::k128,
        [](Assembler& as, EvexRvmOp op, Xmm dst, Xmm a, Xmm b) { as.evex(op, dst, a, b); },
        [](Assembler& as, EvexRvmOp op, Xmm dst, Xmm a, const AnyMem& b) {
          as.evex(op, dst, a, b);
        });
  }
  for (const auto& named : GANTRY_X64_TEST_ROWS(EvexRvmImmOp, GANTRY_X64_EVEX_RVM_IMM)) {
    AddThreeOperands(
        cases, named.name, "$202,", named.op, Width::k128,
        [](Assembler& as, EvexRvmImmOp op, Xmm dst, Xmm a, Xmm b) { as.evex(op, dst, a, b, 202); },
        [](Assembler& as, EvexRvmImmOp op, Xmm dst, Xmm a, const AnyMem& b) {
          as.evex(op, dst, a, b, 202);
        });
  }
#define GANTRY_X64_TEST_EVEX(name, Name, prefix, map, wide, opcode, width) Width::width,
  const std::vector<Width> widths = {GANTRY_X64_EVEX_RM(GANTRY_X64_TEST_EVEX)};
  size_t row = 0;
  for (const auto& named : GANTRY_X64_TEST_ROWS(EvexRmOp, GANTRY_X64_EVEX_RM)) {
    // Narrowing from memory names its size.
    const std::string memory_name =
        named.op == EvexRmOp::kVcvttpd2udq ? named.name + "x" : named.name;
    AddTwoOperands(
        cases, named.name, memory_name, named.op, widths[row++],
        [](Assembler& as, EvexRmOp op, Xmm dst, Xmm src) { as.evex(op, dst, src); },
        [](Assembler& as, EvexRmOp op, Xmm dst, const AnyMem& m) { as.evex(op, dst, m); });
  }
  for (const auto& named : GANTRY_X64_TEST_ROWS(EvexShiftImmOp, GANTRY_X64_EVEX_SHIFT_IMM)) {
    for (int dst = 0; dst < 16; ++dst) {
      for (int src = 0; src < 16; ++src) {
        cases.Add(absl::StrCat(named.name, " $13,", XmmName(src), ",", XmmName(dst)),
                  [&](Assembler& as) { as.evex(named.op, Xmm(dst), Xmm(src), 13); });
      }
    }
  }
  // Displacements of one byte count operands.
  for (int32_t displacement = -2200; displacement <= 2200; displacement += 4) {
    for (const int base : {0, 4, 13}) {
      cases.AddMemory(
          BaseAddress(base, displacement),
          [](Assembler& as, const Address& m) { as.vpabsq(xmm1, Mem128(m)); },
          [](const std::string& m) { return absl::StrCat("vpabsq ", m, ",%xmm1"); });
      cases.AddMemory(
          IndexAddress(base, 9, 2, displacement),
          [](Assembler& as, const Address& m) { as.vcvtudq2pd(xmm9, Mem64(m)); },
          [](const std::string& m) { return absl::StrCat("vcvtudq2pd ", m, ",%xmm9"); });
    }
  }
  cases.Check();
}

}  // namespace
}  // namespace gantry::x64
