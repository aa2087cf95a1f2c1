#include "isa_aarch64/asm/assembler.h"

#include <bit>

namespace gantry::aarch64 {

using codegen::CodeOffset;
using codegen::MachLabel;

namespace {

// A conditional branch on the opposite condition.
constexpr uint32_t kInvertCondition = 1;
constexpr uint32_t kInvertCompare = 1u << 24;

constexpr uint32_t kUnscaled = 1u << 24;  // Cleared in the form with 9 bits of offset.
constexpr uint32_t kIndexed = 1u << 21 | 2u << 10;

uint32_t Fields(const RowInfo& info, absl::Span<const uint8_t> r) {
  const auto field = [](uint8_t reg, int at) {
    DCHECK(reg < 32);
    return uint32_t{reg} << at;
  };
  switch (info.shape) {
    case Shape::kD:
      DCHECK(r.size() == 1) << info.name;
      return field(r[0], 0);
    case Shape::kDN: {
      DCHECK(r.size() == 2) << info.name;
      const uint32_t twice = info.imm == Imm::kTwice ? field(r[0], 16) : 0;
      return field(r[0], 5) | field(r[1], 0) | twice;
    }
    case Shape::kDM:
      DCHECK(r.size() == 2) << info.name;
      return field(r[0], 16) | field(r[1], 0);
    case Shape::kDNM:
      DCHECK(r.size() == 3) << info.name;
      return field(r[0], 5) | field(r[1], 16) | field(r[2], 0);
    case Shape::kDNMA:
      DCHECK(r.size() == 4) << info.name;
      return field(r[0], 5) | field(r[1], 16) | field(r[2], 10) | field(r[3], 0);
    case Shape::kN:
      DCHECK(r.size() == 1) << info.name;
      return field(r[0], 5);
    case Shape::kNM:
      DCHECK(r.size() == 2) << info.name;
      return field(r[0], 5) | field(r[1], 16);
    case Shape::kAcc:
      DCHECK(r.size() == 2 && r[0] == r[1]) << info.name;
      return field(r[0], 0);
    case Shape::kAccN:
      DCHECK(r.size() == 3 && r[0] == r[2]) << info.name;
      return field(r[1], 5) | field(r[2], 0);
    case Shape::kAccNM:
      DCHECK(r.size() == 4 && r[0] == r[3]) << info.name;
      return field(r[1], 5) | field(r[2], 16) | field(r[3], 0);
  }
  return 0;
}

}  // namespace

void Assembler::Emit(Row row, absl::Span<const uint8_t> registers, uint32_t bits) {
  const RowInfo& info = RowInfoOf(row);
  Word(info.word | Fields(info, registers) | bits);
}

bool Assembler::EmitProbe(MemOp store, const Address& address) {
  DCHECK(IsStore(store));
  constexpr uint8_t kZero = 31;
  switch (MemInfoOf(store).bytes) {
    case 1:
      return false;
    case 2:
      Emit(MemOp::kLdrh, kZero, address);
      return true;
    case 4:
      Emit(MemOp::kLdrW, kZero, address);
      return true;
    case 8:
      Emit(MemOp::kLdrX, kZero, address);
      return true;
    default:
      Emit(MemOp::kLdrQ, kVectorScratch.encoding(), address);
      return true;
  }
}

void Assembler::Emit(MemOp op, uint8_t reg, const Address& address) {
  const MemInfo& info = MemInfoOf(op);
  uint32_t word = info.word | reg | uint32_t{address.base().encoding()} << 5;
  if (address.has_index()) {
    word = (word & ~kUnscaled) | kIndexed | ExtendBits(address.extend(), 0) |
           uint32_t{address.scaled()} << 12 | uint32_t{address.index()} << 16;
    return Word(word);
  }
  const int64_t offset = address.offset();
  if (offset >= 0 && offset % info.bytes == 0 && offset / info.bytes < 4096) {
    return Word(word | static_cast<uint32_t>(offset / info.bytes) << 10);
  }
  if (offset >= -256 && offset < 256) {
    return Word((word & ~kUnscaled) | (static_cast<uint32_t>(offset) & 0x1FF) << 12);
  }
  const int64_t low = offset & 0xFFF;
  if (offset > 0 && offset < 0x1000000 && low % info.bytes == 0) {
    // The lower 12 bits in the access, the upper ones in an addition.
    add(kScratch, address.base(), offset - low);
    return Emit(op, reg, Address(kScratch, low));
  }
  mov(kScratch, static_cast<uint64_t>(offset));
  Emit(op, reg, Address(address.base(), kScratch));
}

uint32_t Assembler::PairWord(PairOp op, uint8_t first, uint8_t second, XSp base, int32_t offset) {
  const MemInfo& info = PairInfoOf(op);
  const int32_t scaled = offset / info.bytes;
  CHECK(offset % info.bytes == 0 && scaled >= -64 && scaled < 64) << "offset of a pair";
  return info.word | first | uint32_t{second} << 10 | uint32_t{base.encoding()} << 5 |
         (static_cast<uint32_t>(scaled) & 0x7F) << 15;
}

void Assembler::Emit(PairOp op, uint8_t first, uint8_t second, XSp base, int32_t offset) {
  Word(PairWord(op, first, second, base, offset));
}

void Assembler::EmitPreIndexed(PairOp op, uint8_t first, uint8_t second, XSp base, int32_t offset) {
  Word(PairWord(op, first, second, base, offset) | 1u << 23);
}

void Assembler::EmitPostIndexed(PairOp op, uint8_t first, uint8_t second, XSp base,
                                int32_t offset) {
  Word(PairWord(op, first, second, base, offset) ^ 3u << 23);
}

void Assembler::Emit(AtomicOp op, uint8_t bytes, uint8_t t, X base, uint8_t s) {
  const AtomicInfo& info = AtomicInfoOf(op);
  uint32_t word = info.word | static_cast<uint32_t>(std::countr_zero(bytes)) << 30 | t |
                  uint32_t{base.encoding()} << 5;
  switch (info.shape) {
    case AtomicShape::kLoad:
    case AtomicShape::kStore:
      break;
    case AtomicShape::kStatus:
    case AtomicShape::kFetch:
    case AtomicShape::kSwap:
      word |= uint32_t{s} << 16;
      break;
  }
  Word(word);
}

void Assembler::add(XSp d, XSp n, int64_t imm) {
  const bool negative = imm < 0;
  const uint64_t amount = negative ? 0 - static_cast<uint64_t>(imm) : static_cast<uint64_t>(imm);
  const Row row = negative ? Row::kSubImmX : Row::kAddImmX;
  if (amount < 0x1000000) {
    const uint64_t high = amount & 0xFFF000;
    const uint64_t low = amount & 0xFFF;
    if (high != 0) Emit(row, {n.encoding(), d.encoding()}, *AddBits(high));
    if (low != 0 || (high == 0 && d != n)) {
      Emit(row, {high != 0 ? d.encoding() : n.encoding(), d.encoding()}, *AddBits(low));
    }
    return;
  }
  CHECK(n != XSp(kScratch)) << "a constant beyond 24 bits onto the scratch register";
  mov(kScratch, amount);
  Emit(negative ? Row::kSubSpX : Row::kAddSpX, {n.encoding(), kScratch.encoding(), d.encoding()});
}

void Assembler::mov(X d, uint64_t imm) {
  int zeroes = 0, ones = 0;
  for (int i = 0; i < 4; ++i) {
    const uint16_t part = static_cast<uint16_t>(imm >> (16 * i));
    zeroes += part == 0;
    ones += part == 0xFFFF;
  }
  const uint8_t reg = d.encoding();
  if (zeroes < 3 && ones < 3) {
    if (const auto bits = LogicalBits(imm, 64)) return Emit(Row::kOrrImmX, {31, reg}, *bits);
  }
  const bool invert = ones > zeroes;
  const uint16_t passed_over = invert ? 0xFFFF : 0;
  bool first = true;
  for (uint32_t i = 0; i < 4; ++i) {
    const uint16_t part = static_cast<uint16_t>(imm >> (16 * i));
    if (part == passed_over && !(first && i == 3)) continue;
    if (!first) {
      Emit(Row::kMovkX, {reg, reg}, MoveBits(part, i));
    } else if (invert) {
      Emit(Row::kMovnX, {reg}, MoveBits(static_cast<uint16_t>(~part), part == 0xFFFF ? 0 : i));
    } else {
      Emit(Row::kMovzX, {reg}, MoveBits(part, part == 0 ? 0 : i));
    }
    first = false;
  }
}

void Assembler::mov(W d, uint32_t imm) {
  const uint8_t reg = d.encoding();
  const uint16_t low = static_cast<uint16_t>(imm), high = static_cast<uint16_t>(imm >> 16);
  if (high == 0) return Emit(Row::kMovzW, {reg}, MoveBits(low, 0));
  if (low == 0) return Emit(Row::kMovzW, {reg}, MoveBits(high, 1));
  if (high == 0xFFFF) return Emit(Row::kMovnW, {reg}, MoveBits(static_cast<uint16_t>(~low), 0));
  if (low == 0xFFFF) return Emit(Row::kMovnW, {reg}, MoveBits(static_cast<uint16_t>(~high), 1));
  if (const auto bits = LogicalBits(imm, 32)) return Emit(Row::kOrrImmW, {31, reg}, *bits);
  Emit(Row::kMovzW, {reg}, MoveBits(low, 0));
  Emit(Row::kMovkW, {reg, reg}, MoveBits(high, 1));
}

void Assembler::adr(X d, MachLabel label) {
  const CodeOffset at = buffer_.offset();
  Word(0x10000000 | d.encoding());
  buffer_.UseLabel(at, label, kAdr21);
}

void Assembler::LoadConstant(V t, MachLabel constant, uint8_t bytes) {
  CHECK(bytes == 4 || bytes == 8 || bytes == 16) << "size of a constant";
  const uint32_t opc = bytes == 4 ? 0 : bytes == 8 ? 1 : 2;
  const CodeOffset at = buffer_.offset();
  Word(0x1C000000 | opc << 30 | t.encoding());
  buffer_.UseLabel(at, constant, kLiteral19);
}

void Assembler::b(MachLabel target) {
  const CodeOffset at = buffer_.offset();
  Word(0x14000000);
  buffer_.AddJump(at, at, target, kBranch26);
}

void Assembler::bl(MachLabel target) {
  const CodeOffset at = buffer_.offset();
  Word(0x94000000);
  buffer_.UseLabel(at, target, kBranch26);
}

void Assembler::b(Condition cond, MachLabel target) {
  const CodeOffset at = buffer_.offset();
  Word(0x54000000 | static_cast<uint32_t>(cond));
  buffer_.AddConditionalJump(at, at, target, kBranch19, kInvertCondition);
}

void Assembler::CompareBranch(uint32_t word, uint8_t reg, MachLabel target) {
  const CodeOffset at = buffer_.offset();
  Word(word | reg);
  buffer_.AddConditionalJump(at, at, target, kBranch19, kInvertCompare);
}

void Assembler::TestBranch(uint32_t word, X reg, uint32_t bit, MachLabel target) {
  DCHECK(bit < 64);
  const CodeOffset at = buffer_.offset();
  Word(word | (bit >> 5) << 31 | (bit & 31) << 19 | reg.encoding());
  buffer_.AddConditionalJump(at, at, target, kBranch14, kInvertCompare);
}

CodeOffset Assembler::b_name() {
  const CodeOffset at = buffer_.offset();
  Word(0x14000000);
  buffer_.EndFlow();
  return at;
}

CodeOffset Assembler::bl_name() {
  const CodeOffset at = buffer_.offset();
  Word(0x94000000);
  return at;
}

void Assembler::br(X target) {
  Word(0xD61F0000 | uint32_t{target.encoding()} << 5);
  buffer_.EndFlow();
}

void Assembler::ret() {
  Word(0xD65F03C0);
  buffer_.EndFlow();
}

}  // namespace gantry::aarch64
