// Every instruction and every shape of its operands against LLVM's assembler: the text of
// each case goes through one llvm-mc process, and the bytes must be equal. (The assembler
// chooses among equal encodings as LLVM does, so there is no list of exceptions.)
//
// GANTRY_LLVM_MC names the program; else llvm-mc, llvm-mc-19 or llvm-mc-14 is taken from PATH.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "absl/strings/strip.h"
#include "codegen/mach_buffer.h"
#include "gtest/gtest.h"
#include "isa_x64/asm/assembler.h"

namespace gantry::x64 {
namespace {

using Bytes = std::vector<uint8_t>;

constexpr char kAnyLlvmMc[] =
    "$(command -v llvm-mc || command -v llvm-mc-19 || command -v llvm-mc-14 || echo llvm-mc)";

constexpr Width kWidths[] = {Width::k8, Width::k16, Width::k32, Width::k64};
constexpr Width kNotByte[] = {Width::k16, Width::k32, Width::k64};
constexpr Width kWide[] = {Width::k32, Width::k64};

const char* Suffix(Width width) {
  static const char* const kSuffixes[] = {"b", "w", "l", "q"};
  return kSuffixes[static_cast<int>(width)];
}

std::string RegName(Width width, int encoding) {
  static const char* const kLow[4][8] = {{"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"},
                                         {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"},
                                         {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"},
                                         {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"}};
  static const char* const kHighSuffix[] = {"b", "w", "d", ""};
  if (encoding < 8) return absl::StrCat("%", kLow[static_cast<int>(width)][encoding]);
  return absl::StrCat("%r", encoding, kHighSuffix[static_cast<int>(width)]);
}

std::string XmmName(int encoding) { return absl::StrCat("%xmm", encoding); }

// "and_" is the method of "and"; "imul1" is imul with one operand.
std::string Mnemonic(absl::string_view method) {
  absl::ConsumeSuffix(&method, "_");
  absl::ConsumeSuffix(&method, "1");
  return std::string(method);
}

// An address and its text; relative to rip if the text is empty.
struct TestAddress {
  Address address;
  std::string text;
};

std::string DisplacementText(int32_t displacement) {
  return displacement == 0 ? "" : absl::StrCat(displacement);
}

TestAddress BaseAddress(int base, int32_t displacement) {
  return {Address(Gpr64(base), displacement),
          absl::StrCat(DisplacementText(displacement), "(", RegName(Width::k64, base), ")")};
}

TestAddress IndexAddress(int base, int index, int scale, int32_t displacement) {
  return {Address(Gpr64(base), Gpr64(index), static_cast<Scale>(scale), displacement),
          absl::StrCat(DisplacementText(displacement), "(", RegName(Width::k64, base), ",",
                       RegName(Width::k64, index), ",", 1 << scale, ")")};
}

TestAddress ScaledAddress(int index, int scale, int32_t displacement) {
  return {Address::Scaled(Gpr64(index), static_cast<Scale>(scale), displacement),
          absl::StrCat(displacement, "(,", RegName(Width::k64, index), ",", 1 << scale, ")")};
}

constexpr int32_t kDisplacements[] = {0, 1, -1, 127, -128, 128, -129, 0x7FFFFFFF, INT32_MIN};

// Each base with each displacement, each base with each index and scale.
std::vector<TestAddress> AllAddresses() {
  std::vector<TestAddress> addresses;
  int n = 0;
  for (int base = 0; base < 16; ++base) {
    for (int32_t displacement : kDisplacements)
      addresses.push_back(BaseAddress(base, displacement));
    for (int index = 0; index < 16; ++index) {
      if (index == 4) continue;
      for (int scale = 0; scale < 4; ++scale) {
        addresses.push_back(IndexAddress(base, index, scale, kDisplacements[n++ % 9]));
      }
    }
  }
  for (int index = 0; index < 16; ++index) {
    if (index == 4) continue;
    for (int scale = 0; scale < 4; ++scale) {
      addresses.push_back(ScaledAddress(index, scale, kDisplacements[n++ % 9]));
    }
  }
  return addresses;
}

// The ones with rules of their own: for every instruction.
std::vector<TestAddress> EdgeAddresses() {
  std::vector<TestAddress> addresses;
  for (int base : {0, 4, 5, 7, 8, 12, 13, 15}) {
    addresses.push_back(BaseAddress(base, 0));
    addresses.push_back(BaseAddress(base, -128));
    addresses.push_back(BaseAddress(base, 1000));
    addresses.push_back(IndexAddress(base, 1, 2, 0));
    addresses.push_back(IndexAddress(base, 12, 3, 127));
    addresses.push_back(IndexAddress(base, 13, 0, -70000));
  }
  addresses.push_back(ScaledAddress(5, 3, 16));
  addresses.push_back(ScaledAddress(14, 1, 0));
  addresses.push_back({Address(codegen::MachLabel(0)), ""});
  addresses.push_back({Address(codegen::MachLabel(0), 24), "+24"});
  return addresses;
}

class Cases {
 public:
  Cases() : buffer_(kLabelKinds), as_(buffer_), edges_(EdgeAddresses()) {}

  // One instruction and its text.
  template <typename Emit>
  void Add(const std::string& text, Emit&& emit) {
    buffer_.Reset();
    emit(as_);
    CHECK_OK(buffer_.Finish());
    texts_.push_back(text);
    bytes_.emplace_back(buffer_.bytes().begin(), buffer_.bytes().end());
  }

  // One with an operand in memory; `text(operand)` makes the text.
  template <typename Emit, typename Text>
  void AddMemory(const TestAddress& address, Emit&& emit, Text&& text) {
    buffer_.Reset();
    // Label 0, for addresses relative to rip, is the start of the code.
    buffer_.Bind(buffer_.NewLabel());
    emit(as_, address.address);
    CHECK_OK(buffer_.Finish());
    std::string operand = address.text;
    if (address.address.label().is_some()) {
      const int32_t displacement = address.text.empty() ? 0 : 24;
      operand = absl::StrCat(displacement - static_cast<int32_t>(buffer_.bytes().size()), "(%rip)");
    }
    texts_.push_back(text(operand));
    bytes_.emplace_back(buffer_.bytes().begin(), buffer_.bytes().end());
  }

  template <typename Emit, typename Text>
  void AddEdges(Emit&& emit, Text&& text) {
    for (const TestAddress& address : edges_) AddMemory(address, emit, text);
  }

  size_t size() const { return texts_.size(); }

  // Runs everything through llvm-mc and reports the first differences.
  void Check() {
    const std::vector<Bytes> expected = Assemble(texts_);
    ASSERT_EQ(expected.size(), texts_.size());
    int failures = 0;
    for (size_t i = 0; i < texts_.size(); ++i) {
      if (expected[i] == bytes_[i] || ++failures > 20) continue;
      ADD_FAILURE() << texts_[i] << ": " << Hex(bytes_[i]) << ", llvm-mc has " << Hex(expected[i]);
    }
    EXPECT_EQ(failures, 0) << "of " << texts_.size();
    ::testing::Test::RecordProperty("instructions", static_cast<int>(texts_.size()));
  }

 private:
  static std::string Hex(const Bytes& bytes) {
    std::string text;
    for (uint8_t byte : bytes) absl::StrAppendFormat(&text, "%02x ", byte);
    return text;
  }

  static std::string Run(const std::string& options, const std::string& input) {
    const char* directory = std::getenv("TEST_TMPDIR");
    const std::string path =
        absl::StrCat(directory == nullptr ? "/tmp" : directory, "/llvm_mc_", getpid(), ".s");
    std::ofstream(path) << input;
    const char* program = std::getenv("GANTRY_LLVM_MC");
    const std::string command =
        absl::StrCat(program == nullptr ? kAnyLlvmMc : program, " -triple=x86_64 ", options,
                     " -mattr=+avx,+avx2,+fma,+bmi,+bmi2,+lzcnt,+popcnt,+adx ", path, " 2>&1");
    FILE* pipe = popen(command.c_str(), "r");
    CHECK(pipe != nullptr);
    std::string output;
    std::array<char, 65536> chunk;
    for (size_t n; (n = fread(chunk.data(), 1, chunk.size(), pipe)) > 0;) {
      output.append(chunk.data(), n);
    }
    const int status = pclose(pipe);
    unlink(path.c_str());
    CHECK(status == 0) << "llvm-mc (Debian package llvm) failed: " << output.substr(0, 2000);
    return output;
  }

  static std::vector<Bytes> Assemble(const std::vector<std::string>& texts) {
    std::string input;
    for (const std::string& text : texts) absl::StrAppend(&input, text, "\n");
    const std::string output = Run("--show-encoding", input);
    std::vector<Bytes> all;
    static constexpr char kMark[] = "encoding: [";
    for (size_t at = output.find(kMark); at != std::string::npos; at = output.find(kMark, at)) {
      at += sizeof kMark - 1;
      Bytes bytes;
      while (output[at - 1] != ']') {
        bytes.push_back(static_cast<uint8_t>(std::strtoul(&output[at], nullptr, 16)));
        at += 5;  // 0x12 and the separator.
      }
      all.push_back(std::move(bytes));
    }
    return all;
  }

  codegen::MachBuffer buffer_;
  Assembler as_;
  std::vector<TestAddress> edges_;
  std::vector<std::string> texts_;
  std::vector<Bytes> bytes_;
};

template <typename Op>
struct Row {
  std::string name;
  Op op;
};
#define GANTRY_X64_TEST_ROW(name, Name, ...) {Mnemonic(#name), RowOp::k##Name},
#define GANTRY_X64_TEST_ROWS(Op, FAMILY)                      \
  [] {                                                        \
    using RowOp = Op;                                         \
    return std::vector<Row<Op>>{FAMILY(GANTRY_X64_TEST_ROW)}; \
  }()

constexpr int32_t kImmediates8[] = {0, 1, -1, 5, 127, -128, 255};
constexpr int32_t kImmediates16[] = {0, 1, -1, 127, -128, 128, -129, 32767, -32768, 65535};
constexpr int32_t kImmediates32[] = {0,    1,      -1,         127,        -128,     128,
                                     -129, 0xFFFF, 0x12345678, 0x7FFFFFFF, INT32_MIN};

std::vector<int32_t> ImmediatesFor(Width width) {
  const auto all = [](const auto& array) {
    return std::vector<int32_t>(std::begin(array), std::end(array));
  };
  return width == Width::k8    ? all(kImmediates8)
         : width == Width::k16 ? all(kImmediates16)
                               : all(kImmediates32);
}

std::string ImmText(Width width, int32_t imm) {
  // In the form that llvm-mc takes for short immediates at this width.
  if (width == Width::k8) return absl::StrCat("$", static_cast<int8_t>(imm));
  if (width == Width::k16) return absl::StrCat("$", static_cast<int16_t>(imm));
  return absl::StrCat("$", imm);
}

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
    const std::string memory_name = op == SseRmOp::kCvtpd2ps ? name + "x" : name;
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
