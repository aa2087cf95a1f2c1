// Comparing instructions with those of LLVM's assembler: the text of each case goes through one
// llvm-mc process, and the bytes must be equal. (The assembler chooses among equal encodings as
// LLVM does, so there is no list of exceptions.)
//
//   Cases cases;
//   cases.Add("addl %ecx,%eax", [](Assembler& as) { as.add(eax, ecx); });
//   cases.Check();
//
// GANTRY_LLVM_MC names the program; else llvm-mc, llvm-mc-19 or llvm-mc-14 is taken from PATH.
#ifndef GANTRY_ISA_X64_ASM_LLVM_MC_TESTING_H_
#define GANTRY_ISA_X64_ASM_LLVM_MC_TESTING_H_

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
using Bytes = std::vector<uint8_t>;

inline constexpr char kAnyLlvmMc[] =
    "$(command -v llvm-mc || command -v llvm-mc-19 || command -v llvm-mc-14 || echo llvm-mc)";

inline constexpr Width kWidths[] = {Width::k8, Width::k16, Width::k32, Width::k64};
inline constexpr Width kNotByte[] = {Width::k16, Width::k32, Width::k64};
inline constexpr Width kWide[] = {Width::k32, Width::k64};

inline const char* Suffix(Width width) {
  static const char* const kSuffixes[] = {"b", "w", "l", "q"};
  return kSuffixes[static_cast<int>(width)];
}

inline std::string RegName(Width width, int encoding) {
  static const char* const kLow[4][8] = {{"al", "cl", "dl", "bl", "spl", "bpl", "sil", "dil"},
                                         {"ax", "cx", "dx", "bx", "sp", "bp", "si", "di"},
                                         {"eax", "ecx", "edx", "ebx", "esp", "ebp", "esi", "edi"},
                                         {"rax", "rcx", "rdx", "rbx", "rsp", "rbp", "rsi", "rdi"}};
  static const char* const kHighSuffix[] = {"b", "w", "d", ""};
  if (encoding < 8) return absl::StrCat("%", kLow[static_cast<int>(width)][encoding]);
  return absl::StrCat("%r", encoding, kHighSuffix[static_cast<int>(width)]);
}

inline std::string XmmName(int encoding) { return absl::StrCat("%xmm", encoding); }

// "and_" is the method of "and"; "imul1" is imul with one operand.
inline std::string Mnemonic(absl::string_view method) {
  absl::ConsumeSuffix(&method, "_");
  absl::ConsumeSuffix(&method, "1");
  return std::string(method);
}

// An address and its text; relative to rip if the text is empty.
struct TestAddress {
  Address address;
  std::string text;
};

inline std::string DisplacementText(int32_t displacement) {
  return displacement == 0 ? "" : absl::StrCat(displacement);
}

inline TestAddress BaseAddress(int base, int32_t displacement) {
  return {Address(Gpr64(base), displacement),
          absl::StrCat(DisplacementText(displacement), "(", RegName(Width::k64, base), ")")};
}

inline TestAddress IndexAddress(int base, int index, int scale, int32_t displacement) {
  return {Address(Gpr64(base), Gpr64(index), static_cast<Scale>(scale), displacement),
          absl::StrCat(DisplacementText(displacement), "(", RegName(Width::k64, base), ",",
                       RegName(Width::k64, index), ",", 1 << scale, ")")};
}

inline TestAddress ScaledAddress(int index, int scale, int32_t displacement) {
  return {Address::Scaled(Gpr64(index), static_cast<Scale>(scale), displacement),
          absl::StrCat(displacement, "(,", RegName(Width::k64, index), ",", 1 << scale, ")")};
}

inline constexpr int32_t kDisplacements[] = {0, 1, -1, 127, -128, 128, -129, 0x7FFFFFFF, INT32_MIN};

// Each base with each displacement, each base with each index and scale.
inline std::vector<TestAddress> AllAddresses() {
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
inline std::vector<TestAddress> EdgeAddresses() {
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
                     " -mattr=+avx,+avx2,+fma,+bmi,+bmi2,+lzcnt,+popcnt,+adx,+avx512f,+avx512vl,"
                     "+avx512bw,+avx512dq,+avx512vbmi,+avx512bitalg,+avx512vnni ",
                     path, " 2>&1");
    FILE* pipe = popen(command.c_str(), "r");
    CHECK(pipe != nullptr);
    std::string output;
    std::array<char, 65536> chunk;
    for (size_t n; (n = fread(chunk.data(), 1, chunk.size(), pipe)) > 0;) {
      output.append(chunk.data(), n);
    }
    const int status = pclose(pipe);
    unlink(path.c_str());
    const size_t error = output.find("error:");
    CHECK(status == 0) << "llvm-mc (Debian package llvm) failed: "
                       << output.substr(error == std::string::npos ? 0 : error, 2000);
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

inline constexpr int32_t kImmediates8[] = {0, 1, -1, 5, 127, -128, 255};
inline constexpr int32_t kImmediates16[] = {0, 1, -1, 127, -128, 128, -129, 32767, -32768, 65535};
inline constexpr int32_t kImmediates32[] = {0,    1,      -1,         127,        -128,     128,
                                            -129, 0xFFFF, 0x12345678, 0x7FFFFFFF, INT32_MIN};

inline std::vector<int32_t> ImmediatesFor(Width width) {
  const auto all = [](const auto& array) {
    return std::vector<int32_t>(std::begin(array), std::end(array));
  };
  return width == Width::k8    ? all(kImmediates8)
         : width == Width::k16 ? all(kImmediates16)
                               : all(kImmediates32);
}

inline std::string ImmText(Width width, int32_t imm) {
  // In the form that llvm-mc takes for short immediates at this width.
  if (width == Width::k8) return absl::StrCat("$", static_cast<int8_t>(imm));
  if (width == Width::k16) return absl::StrCat("$", static_cast<int16_t>(imm));
  return absl::StrCat("$", imm);
}

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_ASM_LLVM_MC_TESTING_H_
