// What llvm-mc does not tell: constants, offsets that no instruction has, labels out of reach. Code
// is followed word by word by a small machine, so that the tests run on any host.
#include "isa_aarch64/asm/assembler.h"

#include <cstring>
#include <limits>
#include <random>
#include <set>
#include <vector>

#include "absl/functional/function_ref.h"
#include "gtest/gtest.h"

namespace gantry::aarch64 {
namespace {

using codegen::MachBuffer;
using codegen::MachLabel;

uint32_t Bits(uint32_t word, int from, int width) { return word >> from & ((1u << width) - 1); }

// Executes constant making: movz, movn, movk, orr, add and sub with immediates and registers.
class Machine {
 public:
  uint64_t regs[32] = {};  // 31 is sp; xzr reads as zero.

  uint64_t Get(uint32_t reg, bool sp_form) const { return reg == 31 && !sp_form ? 0 : regs[reg]; }

  void Run(absl::FunctionRef<void(Assembler&)> emit) {
    MachBuffer buffer(kLabelKinds);
    Assembler as(buffer);
    emit(as);
    ASSERT_TRUE(buffer.Finish().ok());
    for (size_t at = 0; at < buffer.bytes().size(); at += 4) {
      uint32_t word;
      std::memcpy(&word, buffer.bytes().data() + at, 4);
      Step(word);
    }
    count = buffer.bytes().size() / 4;
  }

  size_t count = 0;
  // The last access to memory.
  uint64_t address = 0;

 private:
  void Step(uint32_t word) {
    const uint32_t d = Bits(word, 0, 5), n = Bits(word, 5, 5);
    const bool wide = word >> 31 != 0;
    const uint64_t mask = wide ? ~uint64_t{0} : 0xFFFFFFFF;
    const uint64_t part = uint64_t{Bits(word, 5, 16)} << (16 * Bits(word, 21, 2));
    if (Bits(word, 23, 6) == 0x25) {
      const uint32_t opc = Bits(word, 29, 2);
      if (opc == 0) regs[d] = ~part & mask;
      if (opc == 2) regs[d] = part & mask;
      if (opc == 3) {
        regs[d] = ((regs[d] & ~(uint64_t{0xFFFF} << (16 * Bits(word, 21, 2)))) | part) & mask;
      }
      return;
    }
    if (Bits(word, 23, 6) == 0x22) {  // add, sub immediate
      uint64_t value = Bits(word, 10, 12);
      if (Bits(word, 22, 1) != 0) value <<= 12;
      regs[d] = Bits(word, 30, 1) != 0 ? regs[n] - value : regs[n] + value;
      return;
    }
    if (Bits(word, 21, 8) == 0x59) {  // add, sub extended
      const uint64_t m = Get(Bits(word, 16, 5), false);
      regs[d] = Bits(word, 30, 1) != 0 ? regs[n] - m : regs[n] + m;
      return;
    }
    if (Bits(word, 23, 6) == 0x24 && Bits(word, 29, 2) == 1) {  // orr immediate
      const std::string text = ImmText(wide ? Imm::kLogicalX : Imm::kLogicalW, word);
      regs[d] = Get(n, false) | std::stoull(text.substr(1), nullptr, 16);
      return;
    }
    if (Bits(word, 27, 3) == 7) {  // ldr, str
      const uint32_t log2 = Bits(word, 30, 2);
      if (Bits(word, 24, 1) != 0) {
        address = regs[n] + (uint64_t{Bits(word, 10, 12)} << log2);
      } else if (Bits(word, 21, 1) != 0) {
        address = regs[n] + Get(Bits(word, 16, 5), false);
      } else {
        const int64_t offset = static_cast<int64_t>(uint64_t{Bits(word, 12, 9)} << 55) >> 55;
        address = regs[n] + static_cast<uint64_t>(offset);
      }
      return;
    }
    FAIL() << "instruction " << std::hex << word;
  }
};

std::vector<uint64_t> Interesting() {
  std::vector<uint64_t> values = {0, 1, 0xFFFF, 0x10000, 0xFFFFFFFF, 0x100000000, 0x12345678};
  for (int i = 0; i < 64; ++i) {
    values.push_back(uint64_t{1} << i);
    values.push_back(~(uint64_t{1} << i));
    values.push_back((uint64_t{1} << i) - 1);
    values.push_back(uint64_t{0xABCD} << i);
    values.push_back(~(uint64_t{0xABCD} << i));
  }
  std::mt19937_64 random(1);
  for (int i = 0; i < 2000; ++i) {
    const uint64_t value = random();
    values.push_back(value);
    values.push_back(value & 0xFFFF0000FFFF0000);
    values.push_back(value | 0xFFFF0000FFFF0000);
    values.push_back(value >> (value & 63));
  }
  return values;
}

TEST(Assembler, ConstantsOfBothWidths) {
  for (uint64_t value : Interesting()) {
    Machine machine;
    machine.Run([&](Assembler& as) { as.mov(x3, value); });
    ASSERT_EQ(machine.regs[3], value);
    EXPECT_LE(machine.count, 4u);
    machine.Run([&](Assembler& as) { as.mov(w3, static_cast<uint32_t>(value)); });
    ASSERT_EQ(machine.regs[3], static_cast<uint32_t>(value));
    EXPECT_LE(machine.count, 2u);
  }
}

TEST(Assembler, AdditionsOfConstants) {
  for (uint64_t value : Interesting()) {
    for (const auto& [d, n] : {std::pair(x3, x4), std::pair(x3, x3)}) {
      Machine machine;
      machine.regs[n.encoding()] = 0x123456789ABCDEF0;
      machine.Run(
          [&, to = d, from = n](Assembler& as) { as.add(to, from, static_cast<int64_t>(value)); });
      ASSERT_EQ(machine.regs[3], 0x123456789ABCDEF0 + value) << value;
    }
    Machine machine;
    machine.regs[31] = 0x7FFFFFFF0000;
    machine.Run([&](Assembler& as) { as.sub(sp, sp, static_cast<int64_t>(value)); });
    ASSERT_EQ(machine.regs[31], 0x7FFFFFFF0000 - value) << value;
  }
}

TEST(Assembler, AnyOffset) {
  for (MemOp op :
       {MemOp::kLdrb, MemOp::kLdrh, MemOp::kLdrW, MemOp::kLdrX, MemOp::kStrb, MemOp::kStrX}) {
    for (uint64_t value : Interesting()) {
      Machine machine;
      machine.regs[4] = 0x5555000000;
      machine.Run([&](Assembler& as) { as.Emit(op, 5, Address(x4, static_cast<int64_t>(value))); });
      ASSERT_EQ(machine.address, machine.regs[4] + value) << value;
    }
  }
}

TEST(Immediates, LogicalOnesAreAllThatThereAre) {
  std::set<uint64_t> seen;
  // From all fields back to values.
  for (uint32_t n = 0; n < 2; ++n) {
    for (uint32_t rotate = 0; rotate < 64; ++rotate) {
      for (uint32_t imms = 0; imms < 63; ++imms) {
        if (n == 0 && (imms & 0x3E) == 0x3E) continue;  // No element.
        const uint32_t bits = n << 22 | rotate << 16 | imms << 10;
        const uint64_t value = std::stoull(ImmText(Imm::kLogicalX, bits).substr(1), nullptr, 16);
        if (value == ~uint64_t{0}) continue;  // All ones of an element: reserved.
        ASSERT_TRUE(LogicalBits(value, 64).has_value()) << std::hex << value;
        seen.insert(value);
      }
    }
  }
  EXPECT_EQ(seen.size(), 5334u);
  std::mt19937_64 random(2);
  for (int i = 0; i < 100000; ++i) {
    const uint64_t value = random() & random() & random();
    ASSERT_EQ(LogicalBits(value, 64).has_value(), seen.count(value) != 0);
    const uint64_t twice = (value & 0xFFFFFFFF) * 0x100000001;
    ASSERT_EQ(LogicalBits(value & 0xFFFFFFFF, 32).has_value(), seen.count(twice) != 0);
  }
}

// AdvSIMDExpandImm of the manual's pseudocode.
uint64_t Expand(uint32_t bits) {
  const uint64_t byte = Bits(bits, 16, 3) << 5 | Bits(bits, 5, 5);
  const uint32_t cmode = Bits(bits, 12, 4);
  const bool op = Bits(bits, 29, 1) != 0;
  const auto words = [](uint64_t word) { return word << 32 | word; };
  uint64_t value = 0;
  if (cmode < 8) {
    value = words(byte << (8 * (cmode / 2)));
  } else if (cmode < 12) {
    value = words((byte << (8 * (cmode / 2 - 4))) * 0x10001);
  } else if (cmode < 14) {
    value = words(byte << (8 * (cmode - 11)) | ((1u << (8 * (cmode - 11))) - 1));
  } else if (cmode == 14 && !op) {
    return byte * 0x0101010101010101;
  } else if (cmode == 14) {
    for (int i = 0; i < 8; ++i) value |= (byte >> i & 1) != 0 ? uint64_t{0xFF} << (8 * i) : 0;
    return value;
  } else if (!op) {
    const uint64_t b = byte >> 6 & 1;
    return words((byte >> 7) << 31 | (b ^ 1) << 30 | (b != 0 ? uint64_t{0x1F} << 25 : 0) |
                 (byte & 63) << 19);
  } else {
    const uint64_t b = byte >> 6 & 1;
    return (byte >> 7) << 63 | (b ^ 1) << 62 | (b != 0 ? uint64_t{0xFF} << 54 : 0) |
           (byte & 63) << 48;
  }
  return op ? ~value : value;
}

TEST(Immediates, VectorMoves) {
  // All that there are come back as what they are.
  for (uint32_t byte = 0; byte < 256; ++byte) {
    for (uint32_t cmode = 0; cmode < 16; ++cmode) {
      for (uint32_t op = 0; op < 2; ++op) {
        if (cmode < 12 && cmode % 2 != 0) continue;
        const uint64_t value =
            Expand(op << 29 | (byte >> 5) << 16 | cmode << 12 | (byte & 31) << 5);
        const std::optional<uint32_t> bits = VectorMoveBits(value, value);
        ASSERT_TRUE(bits.has_value()) << std::hex << value;
        ASSERT_EQ(Expand(*bits), value);
        EXPECT_FALSE(VectorMoveBits(value, value ^ 1).has_value());
      }
    }
  }
  for (uint64_t value : Interesting()) {
    for (uint64_t v :
         {value, (value & 0xFFFFFFFF) * 0x100000001, (value & 0xFFFF) * 0x1000100010001}) {
      const std::optional<uint32_t> bits = VectorMoveBits(v, v);
      if (!bits.has_value()) continue;
      ASSERT_EQ(Expand(*bits), v);
    }
  }
}

TEST(Immediates, Floats) {
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const uint32_t vector = (byte >> 5) << 16 | 15 << 12 | (byte & 31) << 5;
    EXPECT_EQ(FloatBits8(Expand(vector) & 0xFFFFFFFF, 32), byte << 13);
    EXPECT_EQ(FloatBits8(Expand(vector | 1u << 29), 64), byte << 13);
  }
  EXPECT_FALSE(FloatBits8(0, 64).has_value());
  EXPECT_FALSE(FloatBits8(0x3FF0000000000001, 64).has_value());
  EXPECT_FALSE(FloatBits8(0x7F800000, 32).has_value());
}

// ---- Reach.

int64_t Displacement(uint32_t word, int from, int width) {
  return static_cast<int64_t>(uint64_t{Bits(word, from, width)} << (64 - width)) >> (64 - width)
                                                                                        << 2;
}

// Where control goes from the branch at `at`, veneers passed.
size_t Follow(absl::Span<const uint8_t> code, size_t at) {
  for (int i = 0; i < 3; ++i) {
    uint32_t word;
    std::memcpy(&word, code.data() + at, 4);
    int64_t delta;
    if (word >> 26 == 5) {
      delta = Displacement(word, 0, 26);
    } else if (Bits(word, 25, 6) == 0x1B) {
      delta = Displacement(word, 5, 14);
    } else if (Bits(word, 25, 6) == 0x1A || word >> 24 == 0x54) {
      delta = Displacement(word, 5, 19);
    } else {
      break;
    }
    at = static_cast<size_t>(static_cast<int64_t>(at) + delta);
  }
  return at;
}

// A branch over more code than it reaches goes by a veneer.
TEST(Assembler, BranchesBeyondTheirReach) {
  constexpr size_t kTooFarFor14 = 40000, kTooFarFor19 = 1100000;
  for (int form = 0; form < 4; ++form) {
    const size_t words = (form < 2 ? kTooFarFor14 : kTooFarFor19) / 4;
    MachBuffer buffer(kLabelKinds);
    Assembler as(buffer);
    const MachLabel target = buffer.NewLabel();
    switch (form) {
      case 0:
        as.tbz(x3, 40, target);
        break;
      case 1:
        as.tbnz(x3, 3, target);
        break;
      case 2:
        as.cbz(w3, target);
        break;
      default:
        as.b(Condition::kGt, target);
        break;
    }
    for (size_t i = 0; i < words; ++i) {
      if (i % 256 == 0 && buffer.NeedsIsland(1100)) {
        const MachLabel over = buffer.NewLabel();
        as.b(over);
        buffer.EmitIsland(1100);
        as.bind(over);
      }
      as.Emit(PlainOp::kNop);
    }
    as.bind(target);
    as.ret();
    ASSERT_TRUE(buffer.Finish().ok());
    EXPECT_EQ(Follow(buffer.bytes(), 0), buffer.OffsetOf(target)) << form;
  }
}

// Constants stand in an island within the reach of their loads.
TEST(Assembler, ConstantsBeyondTheirReach) {
  MachBuffer buffer(kLabelKinds);
  Assembler as(buffer);
  as.LoadConstant(v0, buffer.Constant8(0x1122334455667788), 8);
  for (size_t i = 0; i < 1500000 / 4; ++i) {
    if (i % 256 == 0 && buffer.NeedsIsland(1100)) {
      const MachLabel over = buffer.NewLabel();
      as.b(over);
      buffer.EmitIsland(1100);
      as.bind(over);
    }
    as.Emit(PlainOp::kNop);
  }
  as.LoadConstant(v0, buffer.Constant8(0x1122334455667788), 8);
  const codegen::CodeOffset last = buffer.offset() - 4;
  as.ret();
  ASSERT_TRUE(buffer.Finish().ok());
  for (codegen::CodeOffset at : {codegen::CodeOffset{0}, last}) {
    uint32_t word;
    std::memcpy(&word, buffer.bytes().data() + at, 4);
    uint64_t constant;
    std::memcpy(&constant, buffer.bytes().data() + at + Displacement(word, 5, 19), 8);
    EXPECT_EQ(constant, 0x1122334455667788u);
  }
}

// A conditional branch over a plain one becomes its opposite, where that is known to reach.
TEST(Assembler, ConditionsTurnAround) {
  for (int form = 0; form < 3; ++form) {
    MachBuffer buffer(kLabelKinds);
    Assembler as(buffer);
    const MachLabel here = buffer.NewLabel(), there = buffer.NewLabel();
    as.bind(there);
    as.Emit(PlainOp::kNop);
    form == 0 ? as.b(Condition::kLo, here) : form == 1 ? as.cbz(x1, here) : as.tbz(x1, 9, here);
    as.b(there);
    as.bind(here);
    as.ret();
    ASSERT_TRUE(buffer.Finish().ok());
    uint32_t word;
    std::memcpy(&word, buffer.bytes().data() + 4, 4);
    EXPECT_EQ(buffer.bytes().size(), 12u);
    EXPECT_EQ(word, form == 0 ? 0x54FFFFE2u : form == 1 ? 0xB5FFFFE1u : 0x374FFFE1u);
  }
}

}  // namespace
}  // namespace gantry::aarch64
