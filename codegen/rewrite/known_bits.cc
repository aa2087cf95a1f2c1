#include "codegen/rewrite/known_bits.h"

#include <bit>

namespace gantry::codegen::rewrite {
namespace {

// How many definitions are looked up in a row; of two operands both are.
constexpr int kMaxDepth = 3;

// Zeros above the bits that are needed for numbers up to `greatest`.
uint64_t ZerosAbove(uint64_t greatest) {
  const int bits = 64 - std::countl_zero(greatest);
  return bits == 64 ? 0 : ~uint64_t{0} << bits;
}

uint64_t Zeros(const DataFlowGraph& dfg, Value value, int depth) {
  const ValueDef& def = dfg.value_def(value);
  const uint64_t mask = TypeMask(def.type());
  if (!def.is_result()) return 0;
  const InstData& data = dfg.inst(def.inst());
  switch (data.opcode()) {
    case Opcode::kIconst:
      return ~data.const_bits() & mask;
    case Opcode::kIcmp:
    case Opcode::kFcmp:
    case Opcode::kVanyTrue:
    case Opcode::kVallTrue:
      return ~uint64_t{1} & mask;
    case Opcode::kVbitmask:
      return (~uint64_t{0} << LaneCount(data.type())) & mask;
    case Opcode::kVextractU:
      return ~TypeMask(LaneType(data.type())) & mask;
    case Opcode::kUload8:
      return ~uint64_t{0xFF} & mask;
    case Opcode::kUload16:
      return ~uint64_t{0xFFFF} & mask;
    case Opcode::kUload32:
      return ~uint64_t{0xFFFFFFFF} & mask;
    case Opcode::kUaddOverflow:
    case Opcode::kSaddOverflow:
    case Opcode::kUsubOverflow:
    case Opcode::kSsubOverflow:
    case Opcode::kUaddCarry:
    case Opcode::kUsubBorrow:
      return def.position() == 1 ? ~uint64_t{1} & mask : 0;
    case Opcode::kSelect:
      if (depth == 0 || !IsInt(def.type())) return 0;
      return Zeros(dfg, data.arg(1), depth - 1) & Zeros(dfg, data.arg(2), depth - 1);
    case Opcode::kUextend:
    case Opcode::kIreduce:
    case Opcode::kClz:
    case Opcode::kCtz:
    case Opcode::kPopcnt: {
      const uint64_t first = depth == 0 ? 0 : Zeros(dfg, data.arg(0), depth - 1);
      return ZerosOfResult(data.opcode(), data.type(), dfg.value_type(data.arg(0)), first, 0,
                           nullptr);
    }
    case Opcode::kIadd:
    case Opcode::kBand:
    case Opcode::kBor:
    case Opcode::kBxor:
    case Opcode::kIshl:
    case Opcode::kUshr:
    case Opcode::kImul:
    case Opcode::kUrem:
    case Opcode::kUdiv: {
      uint64_t first = 0;
      uint64_t second = 0;
      const uint64_t* constant = nullptr;
      uint64_t bits = 0;
      const ValueDef& right = dfg.value_def(data.arg(1));
      if (right.is_result() && dfg.inst(right.inst()).opcode() == Opcode::kIconst) {
        bits = dfg.inst(right.inst()).const_bits();
        constant = &bits;
      }
      if (depth > 0) {
        first = Zeros(dfg, data.arg(0), depth - 1);
        if (constant == nullptr) second = Zeros(dfg, data.arg(1), depth - 1);
      }
      return ZerosOfResult(data.opcode(), data.type(), data.type(), first, second, constant);
    }
    default:
      return 0;
  }
}

}  // namespace

uint64_t ZerosOfResult(Opcode opcode, Type type, Type from, uint64_t first, uint64_t second,
                       const uint64_t* second_constant) {
  const uint64_t mask = TypeMask(type);
  if (second_constant != nullptr) second = ~*second_constant & mask;
  // The greatest numbers that the operands can be.
  const uint64_t greatest_first = ~first & TypeMask(from);
  const uint64_t greatest_second = ~second & mask;
  const uint32_t bits = TypeBits(type);
  switch (opcode) {
    case Opcode::kUextend:
      return (first | ~TypeMask(from)) & mask;
    case Opcode::kIreduce:
      return first & mask;
    case Opcode::kClz:
    case Opcode::kCtz:
    case Opcode::kPopcnt:
      return ZerosAbove(bits) & mask;
    case Opcode::kBand:
      return first | second;
    case Opcode::kBor:
    case Opcode::kBxor:
      return first & second;
    case Opcode::kIadd: {
      uint64_t zeros = 0;
      // Low bits that are zero in both stay zero.
      const int low = std::countr_one(first & second);
      zeros |= low >= 64 ? ~uint64_t{0} : (uint64_t{1} << low) - 1;
      const uint64_t sum = greatest_first + greatest_second;
      if (sum >= greatest_first && sum <= mask) zeros |= ZerosAbove(sum);
      return zeros & mask;
    }
    case Opcode::kImul: {
      const int low = std::countr_one(first) + std::countr_one(second);
      uint64_t zeros = low >= 64 ? ~uint64_t{0} : (uint64_t{1} << low) - 1;
      const unsigned __int128 product =
          static_cast<unsigned __int128>(greatest_first) * greatest_second;
      if (product <= mask) zeros |= ZerosAbove(static_cast<uint64_t>(product));
      return zeros & mask;
    }
    case Opcode::kIshl: {
      if (second_constant == nullptr) return 0;
      const uint64_t amount = *second_constant % bits;
      return (first << amount | ((uint64_t{1} << amount) - 1)) & mask;
    }
    case Opcode::kUshr: {
      if (second_constant == nullptr) return 0;
      const uint64_t amount = *second_constant % bits;
      return ((first | ~mask) >> amount | ~(mask >> amount)) & mask;
    }
    // Quotients are no greater than what is divided, rests less than the divisor too.
    case Opcode::kUdiv:
      return ZerosAbove(greatest_first) & mask;
    case Opcode::kUrem:
      return (ZerosAbove(greatest_first) | ZerosAbove(greatest_second)) & mask;
    default:
      return 0;
  }
}

uint64_t KnownZeros(const DataFlowGraph& dfg, Value value) { return Zeros(dfg, value, kMaxDepth); }

bool IsArithmetic(const DataFlowGraph& dfg, Value value) {
  const ValueDef& def = dfg.value_def(value);
  if (!def.is_result()) return false;
  const InstData& data = dfg.inst(def.inst());
  const Opcode opcode = data.opcode();
  return IsFloat(NansMadeBy(opcode, data.type())) || opcode == Opcode::kFcvtFromSint ||
         opcode == Opcode::kFcvtFromUint;
}

}  // namespace gantry::codegen::rewrite
