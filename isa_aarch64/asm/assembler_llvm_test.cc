// Every row of the table, with registers and immediates at their edges and where few all of them,
// against LLVM's assembler. GANTRY_LLVM_MC names the program; else llvm-mc, llvm-mc-19 or
// llvm-mc-14 is taken from PATH.
#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "base/check.h"
#include "codegen/mach_buffer.h"
#include "gtest/gtest.h"
#include "isa_aarch64/asm/assembler.h"

namespace gantry::aarch64 {
namespace {

constexpr char kAnyLlvmMc[] =
    "$(command -v llvm-mc || command -v llvm-mc-19 || command -v llvm-mc-14 || echo llvm-mc)";

std::string RunLlvmMc(const std::string& input) {
  const char* directory = std::getenv("TEST_TMPDIR");
  const std::string path =
      absl::StrCat(directory == nullptr ? "/tmp" : directory, "/llvm_mc_", getpid(), ".s");
  std::ofstream(path) << input;
  const char* program = std::getenv("GANTRY_LLVM_MC");
  const std::string command =
      absl::StrCat(program == nullptr ? kAnyLlvmMc : program,
                   " -triple=aarch64 --show-encoding -mattr=+lse,+v8.5a ", path, " 2>&1");
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

class Cases {
 public:
  Cases() : buffer_(kLabelKinds), as_(buffer_) {}

  // The last instruction that `emit` writes, and its text.
  template <typename Emit>
  void Add(const std::string& text, Emit&& emit) {
    buffer_.Reset();
    emit(as_);
    CHECK_OK(buffer_.Finish());
    const absl::Span<const uint8_t> bytes = buffer_.bytes();
    CHECK_EQ(bytes.size(), 4u) << text;
    uint32_t word;
    std::memcpy(&word, bytes.data(), sizeof word);
    texts_.push_back(text);
    words_.push_back(word);
  }

  void Check() {
    std::string input;
    for (const std::string& text : texts_) absl::StrAppend(&input, text, "\n");
    const std::string output = RunLlvmMc(input);
    static constexpr char kMark[] = "encoding: [";
    std::vector<uint32_t> expected;
    for (size_t at = output.find(kMark); at != std::string::npos; at = output.find(kMark, at)) {
      at += sizeof kMark - 1;
      uint32_t word = 0;
      for (int i = 0; i < 4; ++i) {
        word |= static_cast<uint32_t>(std::strtoul(&output[at + 5 * i], nullptr, 16)) << (8 * i);
      }
      expected.push_back(word);
    }
    ASSERT_EQ(expected.size(), texts_.size());
    int failures = 0;
    for (size_t i = 0; i < texts_.size(); ++i) {
      if (expected[i] == words_[i] || ++failures > 20) continue;
      ADD_FAILURE() << texts_[i] << ": " << absl::StrFormat("%08x", words_[i]) << ", llvm-mc has "
                    << absl::StrFormat("%08x", expected[i]);
    }
    EXPECT_EQ(failures, 0) << "of " << texts_.size();
    ::testing::Test::RecordProperty("instructions", static_cast<int>(texts_.size()));
  }

 private:
  codegen::MachBuffer buffer_;
  Assembler as_;
  std::vector<std::string> texts_;
  std::vector<uint32_t> words_;
};

// All values that logical immediates of so many bits have.
std::vector<uint64_t> LogicalValues(uint32_t bits) {
  std::set<uint64_t> values;
  for (uint32_t size = 2; size <= bits; size *= 2) {
    const uint64_t mask = size == 64 ? ~uint64_t{0} : (uint64_t{1} << size) - 1;
    for (uint32_t ones = 1; ones < size; ++ones) {
      for (uint32_t turn = 0; turn < size; ++turn) {
        const uint64_t run = (uint64_t{1} << ones) - 1;
        const uint64_t element = turn == 0 ? run : ((run << turn | run >> (size - turn)) & mask);
        uint64_t value = 0;
        for (uint32_t at = 0; at < bits; at += size) value |= element << at;
        values.insert(value);
      }
    }
  }
  return {values.begin(), values.end()};
}

// The bits of one immediate of every kind, in order.
std::vector<uint32_t> ImmediatesOf(Imm imm) {
  std::vector<uint32_t> all;
  const auto below = [&all](uint32_t count, auto bits) {
    for (uint32_t i = 0; i < count; ++i) all.push_back(bits(i));
  };
  const auto logical = [&all](uint32_t bits) {
    for (uint64_t value : LogicalValues(bits)) all.push_back(LogicalBits(value, bits).value());
  };
  const auto lanes = [&](uint32_t log2) {
    below(16u >> log2, [log2](uint32_t i) { return LaneBits(log2, i); });
  };
  switch (imm) {
    case Imm::kNone:
    case Imm::kTwice:
      return {0};
    case Imm::kShiftW:
    case Imm::kShiftX:
      for (ShiftOp op : {ShiftOp::kLsl, ShiftOp::kLsr, ShiftOp::kAsr}) {
        below(imm == Imm::kShiftW ? 32 : 64, [op](uint32_t i) { return ShiftBits(op, i); });
      }
      return all;
    case Imm::kExtend:
      for (ExtendOp op : {ExtendOp::kUxtb, ExtendOp::kUxth, ExtendOp::kUxtw, ExtendOp::kSxtb,
                          ExtendOp::kSxth, ExtendOp::kSxtw}) {
        below(5, [op](uint32_t i) { return ExtendBits(op, i); });
      }
      return all;
    case Imm::kAddW:
    case Imm::kAddX:
      for (uint64_t value : {0, 1, 2, 0x7FF, 0xFFF, 0x1000, 0x5A000, 0xFFF000}) {
        all.push_back(AddBits(value).value());
      }
      return all;
    case Imm::kLogicalW:
      logical(32);
      return all;
    case Imm::kLogicalX:
      logical(64);
      return all;
    case Imm::kBitfieldW:
    case Imm::kBitfieldX: {
      const uint32_t bits = imm == Imm::kBitfieldW ? 32 : 64;
      for (uint32_t top = 0; top < bits; ++top) {
        below(bits, [top](uint32_t i) { return BitfieldBits(i, top); });
      }
      return all;
    }
    case Imm::kExtractW:
      below(32, [](uint32_t i) { return i << 10; });
      return all;
    case Imm::kExtractX:
      below(64, [](uint32_t i) { return i << 10; });
      return all;
    case Imm::kMoveW:
    case Imm::kMoveX:
      for (uint32_t position = 0; position < (imm == Imm::kMoveW ? 2 : 4); ++position) {
        for (uint16_t value : {0, 1, 0x1234, 0x8000, 0xFFFF}) {
          all.push_back(MoveBits(value, position));
        }
      }
      return all;
    case Imm::kCondW:
    case Imm::kCondX:
      below(14, [](uint32_t i) { return i << 12; });
      return all;
    case Imm::kFlagsCondW:
    case Imm::kFlagsCondX:
      below(14 * 16, [](uint32_t i) { return i / 16 << 12 | i % 16; });
      return all;
    case Imm::kFlagsCondImmW:
    case Imm::kFlagsCondImmX:
      below(14 * 16, [](uint32_t i) { return i / 16 << 12 | i % 16 | (i * 7 & 31) << 16; });
      return all;
    case Imm::kFloat:
      below(256, [](uint32_t i) { return i << 13; });
      return all;
    case Imm::kShiftLeftB:
    case Imm::kShiftLeftH:
    case Imm::kShiftLeftS:
    case Imm::kShiftLeftD: {
      const uint32_t lane = 8u << (static_cast<int>(imm) - static_cast<int>(Imm::kShiftLeftB));
      below(lane, [lane](uint32_t i) { return ShiftLeftBits(lane, i); });
      return all;
    }
    case Imm::kShiftRightB:
    case Imm::kShiftRightH:
    case Imm::kShiftRightS:
    case Imm::kShiftRightD: {
      const uint32_t lane = 8u << (static_cast<int>(imm) - static_cast<int>(Imm::kShiftRightB));
      below(lane, [lane](uint32_t i) { return ShiftRightBits(lane, i + 1); });
      return all;
    }
    case Imm::kLaneB:
      lanes(0);
      return all;
    case Imm::kLaneH:
      lanes(1);
      return all;
    case Imm::kLaneS:
      lanes(2);
      return all;
    case Imm::kLaneD:
      lanes(3);
      return all;
    case Imm::kExt:
      below(16, [](uint32_t i) { return i << 11; });
      return all;
    case Imm::kVectorMove:
      for (uint32_t byte : {0, 1, 0x55, 0x80, 0xFF}) {
        for (uint32_t cmode = 0; cmode < 16; ++cmode) {
          for (uint32_t op = 0; op < 2; ++op) {
            // Odd ones up to 11 change their destination.
            if (cmode < 12 && cmode % 2 != 0) continue;
            all.push_back(op << 29 | (byte >> 5) << 16 | cmode << 12 | (byte & 31) << 5);
          }
        }
      }
      return all;
  }
  return all;
}

size_t OperandsOf(Shape shape) {
  switch (shape) {
    case Shape::kD:
    case Shape::kN:
      return 1;
    case Shape::kDN:
    case Shape::kDM:
    case Shape::kNM:
    case Shape::kAcc:
      return 2;
    case Shape::kDNM:
    case Shape::kAccN:
      return 3;
    case Shape::kDNMA:
    case Shape::kAccNM:
      return 4;
  }
  return 0;
}

bool ChangesFirst(Shape shape) {
  return shape == Shape::kAcc || shape == Shape::kAccN || shape == Shape::kAccNM;
}

TEST(AssemblerLlvm, EveryRowOfTheTable) {
  Cases cases;
  constexpr uint8_t kRegisters[][4] = {{1, 2, 3, 4},     {0, 0, 0, 0},     {31, 30, 29, 28},
                                       {30, 31, 16, 15}, {15, 16, 31, 17}, {17, 8, 9, 31}};
  for (size_t index = 0; index < kNumRows; ++index) {
    const Row row = static_cast<Row>(index);
    const RowInfo& info = RowInfoOf(row);
    const size_t count = OperandsOf(info.shape);
    const std::vector<uint32_t> immediates = ImmediatesOf(info.imm);
    for (size_t i = 0; i < std::max(immediates.size(), std::size(kRegisters)); ++i) {
      std::vector<uint8_t> registers(kRegisters[i % 6], kRegisters[i % 6] + count);
      if (ChangesFirst(info.shape)) registers.back() = registers.front();
      std::vector<std::string> numbers;
      for (uint8_t reg : registers) numbers.push_back(absl::StrCat(reg));
      const uint32_t bits = immediates[i % immediates.size()];
      cases.Add(RowText(row, numbers, bits), [&](Assembler& as) { as.Emit(row, registers, bits); });
    }
  }
  cases.Check();
}

TEST(AssemblerLlvm, Memory) {
  Cases cases;
#define GANTRY_A64_ENUM(name, ...) MemOp::k##name,
  constexpr MemOp kOps[] = {GANTRY_A64_MEMORY(GANTRY_A64_ENUM)};
#undef GANTRY_A64_ENUM
  for (MemOp op : kOps) {
    const MemInfo& info = MemInfoOf(op);
    for (uint8_t reg : {0, 7, 31}) {
      const bool is_general = info.letter == 'w' || info.letter == 'x';
      const std::string start =
          absl::StrCat(info.text, " ", std::string(1, info.letter),
                       reg == 31 && is_general ? std::string("zr") : absl::StrCat(reg), ", [");
      for (uint8_t base : {0, 9, 31}) {
        const XSp from = XSp::FromEncoding(base);
        const std::string name = base == 31 ? "sp" : absl::StrCat("x", base);
        for (int offset : {0, 1, -1, 255, -256, int{info.bytes}, -int{info.bytes},
                           4095 * info.bytes, 256 * info.bytes}) {
          cases.Add(absl::StrCat(start, name, ", #", offset, "]"),
                    [&](Assembler& as) { as.Emit(op, reg, Address(from, offset)); });
        }
        for (uint8_t index : {1, 30, 31}) {
          const std::string number = index == 31 ? "zr" : absl::StrCat(index);
          const int log2 = std::countr_zero(info.bytes);
          cases.Add(absl::StrCat(start, name, ", x", number, "]"),
                    [&](Assembler& as) { as.Emit(op, reg, Address(from, X(index))); });
          cases.Add(absl::StrCat(start, name, ", x", number, ", lsl #", log2, "]"),
                    [&](Assembler& as) { as.Emit(op, reg, Address(from, X(index), true)); });
          for (const auto& [extend, text] :
               {std::pair(ExtendOp::kUxtw, "uxtw"), std::pair(ExtendOp::kSxtw, "sxtw")}) {
            cases.Add(
                absl::StrCat(start, name, ", w", number, ", ", text, "]"),
                [&, e = extend](Assembler& as) { as.Emit(op, reg, Address(from, W(index), e)); });
            cases.Add(absl::StrCat(start, name, ", w", number, ", ", text, " #", log2, "]"),
                      [&, e = extend](Assembler& as) {
                        as.Emit(op, reg, Address(from, W(index), e, true));
                      });
          }
        }
      }
    }
  }
#define GANTRY_A64_ENUM(name, ...) PairOp::k##name,
  constexpr PairOp kPairs[] = {GANTRY_A64_PAIRS(GANTRY_A64_ENUM)};
#undef GANTRY_A64_ENUM
  for (PairOp op : kPairs) {
    const MemInfo& info = PairInfoOf(op);
    for (int count : {0, 1, -1, 63, -64}) {
      const int32_t offset = count * info.bytes;
      const std::string start =
          absl::StrFormat("%s %c3, %c30, [sp", info.text, info.letter, info.letter);
      cases.Add(absl::StrCat(start, ", #", offset, "]"),
                [&](Assembler& as) { as.Emit(op, 3, 30, sp, offset); });
      cases.Add(absl::StrCat(start, ", #", offset, "]!"),
                [&](Assembler& as) { as.EmitPreIndexed(op, 3, 30, sp, offset); });
      cases.Add(absl::StrCat(start, "], #", offset),
                [&](Assembler& as) { as.EmitPostIndexed(op, 3, 30, sp, offset); });
    }
  }
  cases.Check();
}

TEST(AssemblerLlvm, AtomicsAndPlain) {
  Cases cases;
#define GANTRY_A64_ENUM(name, ...) AtomicOp::k##name,
  constexpr AtomicOp kOps[] = {GANTRY_A64_ATOMICS(GANTRY_A64_ENUM)};
#undef GANTRY_A64_ENUM
  for (AtomicOp op : kOps) {
    const AtomicInfo& info = AtomicInfoOf(op);
    for (uint8_t bytes : {1, 2, 4, 8}) {
      const char letter = bytes == 8 ? 'x' : 'w';
      const char* const suffix = bytes == 1 ? "b" : bytes == 2 ? "h" : "";
      const std::string start = absl::StrCat(info.text, suffix, " ");
      switch (info.shape) {
        case AtomicShape::kLoad:
        case AtomicShape::kStore:
          cases.Add(absl::StrFormat("%s%c5, [x6]", start, letter),
                    [&](Assembler& as) { as.Emit(op, bytes, 5, x6); });
          break;
        case AtomicShape::kStatus:
          cases.Add(absl::StrFormat("%sw7, %c5, [x6]", start, letter),
                    [&](Assembler& as) { as.Emit(op, bytes, 5, x6, 7); });
          break;
        case AtomicShape::kFetch:
        case AtomicShape::kSwap: {
          cases.Add(absl::StrFormat("%s%c7, %c5, [x6]", start, letter, letter),
                    [&](Assembler& as) { as.Emit(op, bytes, 5, x6, 7); });
          break;
        }
      }
    }
  }
#define GANTRY_A64_ENUM(name, ...) PlainOp::k##name,
  for (PlainOp op : {GANTRY_A64_PLAIN(GANTRY_A64_ENUM)}) {
#undef GANTRY_A64_ENUM
    cases.Add(PlainInfoOf(op).text, [&](Assembler& as) { as.Emit(op); });
  }
  cases.Add("blr x9", [](Assembler& as) { as.blr(x9); });
  cases.Add("br x17", [](Assembler& as) { as.br(x17); });
  cases.Add("ret", [](Assembler& as) { as.ret(); });
  cases.Add("b #0", [](Assembler& as) { as.b_name(); });
  cases.Add("bl #0", [](Assembler& as) { as.bl_name(); });
  cases.Add("mov x3, x4", [](Assembler& as) { as.mov(x3, x4); });
  cases.Add("mov w3, w4", [](Assembler& as) { as.mov(w3, w4); });
  cases.Add("mov sp, x29", [](Assembler& as) { as.mov_sp(sp, x29); });
  cases.Add("mov x29, sp", [](Assembler& as) { as.mov_sp(x29, sp); });
  cases.Check();
}

// ---- Labels: the distance in the instruction's field.

// Two instructions with so many words from the first to the label that it refers to.
template <typename Emit>
void AddDistances(Cases& cases, const std::string& text, Emit&& emit) {
  // One word is all that a case may be; so distances are checked one by one here.
  for (int words : {-3, -1, 2, 5, 100}) {
    codegen::MachBuffer buffer(kLabelKinds);
    Assembler as(buffer);
    const codegen::MachLabel label = buffer.NewLabel();
    if (words < 0) as.bind(label);
    for (int i = words; i < 0; ++i) as.Emit(PlainOp::kNop);
    const codegen::CodeOffset at = buffer.offset();
    emit(as, label);
    for (int i = 1; i < words; ++i) as.Emit(PlainOp::kNop);
    if (words > 0) as.bind(label);
    as.Emit(PlainOp::kUdf);
    CHECK_OK(buffer.Finish());
    uint32_t word;
    std::memcpy(&word, buffer.bytes().data() + at, sizeof word);
    cases.Add(absl::StrCat(text, "#", 4 * words), [&](Assembler& out) { out.Word(word); });
  }
}

TEST(AssemblerLlvm, Labels) {
  Cases cases;
  AddDistances(cases, "b ", [](Assembler& as, auto label) { as.b(label); });
  AddDistances(cases, "b.lt ", [](Assembler& as, auto label) { as.b(Condition::kLt, label); });
  AddDistances(cases, "cbz w3, ", [](Assembler& as, auto label) { as.cbz(w3, label); });
  AddDistances(cases, "cbz x3, ", [](Assembler& as, auto label) { as.cbz(x3, label); });
  AddDistances(cases, "cbnz w3, ", [](Assembler& as, auto label) { as.cbnz(w3, label); });
  AddDistances(cases, "cbnz x3, ", [](Assembler& as, auto label) { as.cbnz(x3, label); });
  AddDistances(cases, "tbz w3, #5, ", [](Assembler& as, auto label) { as.tbz(x3, 5, label); });
  AddDistances(cases, "tbz x3, #63, ", [](Assembler& as, auto label) { as.tbz(x3, 63, label); });
  AddDistances(cases, "tbnz x3, #32, ", [](Assembler& as, auto label) { as.tbnz(x3, 32, label); });
  AddDistances(cases, "tbnz w3, #31, ", [](Assembler& as, auto label) { as.tbnz(x3, 31, label); });
  AddDistances(cases, "adr x3, ", [](Assembler& as, auto label) { as.adr(x3, label); });
  AddDistances(cases, "ldr s3, ",
               [](Assembler& as, auto label) { as.LoadConstant(V(3), label, 4); });
  AddDistances(cases, "ldr d3, ",
               [](Assembler& as, auto label) { as.LoadConstant(V(3), label, 8); });
  AddDistances(cases, "ldr q3, ",
               [](Assembler& as, auto label) { as.LoadConstant(V(3), label, 16); });
  cases.Check();
}

}  // namespace
}  // namespace gantry::aarch64
