// Opcode and what the table opcodes.def says about each.
//
//   Info(Opcode::kIadd).name == "iadd"
//   IsTerminator(Opcode::kBrif)
#ifndef GANTRY_CODEGEN_IR_OPCODES_H_
#define GANTRY_CODEGEN_IR_OPCODES_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>

#include "absl/strings/string_view.h"
#include "codegen/ir/types.h"

namespace gantry::codegen {

enum class Opcode : uint8_t {
#define OP(Camel, ...) k##Camel,
#include "codegen/ir/opcodes.def"
#undef OP
};
inline constexpr size_t kNumOpcodes = 0
#define OP(...) +1
#include "codegen/ir/opcodes.def"
#undef OP
    ;

// How an instruction's operands lie in InstData; see the table in instruction.h.
enum class Format : uint8_t {
  kNullary,
  kEffect,
  kIntConst,
  kF32Const,
  kF64Const,
  kV128Const,
  kUnary,
  kConvert,
  kTrappingConvert,
  kBinary,
  kTernary,
  kLane,
  kLaneBinary,
  kShuffle,
  kBinaryPair,
  kTernaryPair,
  kDivision,
  kSignedDivision,
  kIntCompare,
  kFloatCompare,
  kSelect,
  kLoad,
  kStore,
  kAtomicLoad,
  kAtomicStore,
  kAtomicRmw,
  kAtomicCas,
  kStackAddr,
  kStackLoad,
  kStackStore,
  kFuncAddr,
  kCall,
  kCallIndirect,
  kReturnCall,
  kReturnCallIndirect,
  kTryCall,
  kTryCallIndirect,
  kJump,
  kBranch,
  kBranchTable,
  kReturn,
  kTrap,
  kCondTrap,
  kTierCheck,
  kCharge,
  kPoll,
};

// A set of types that an opcode's controlling type is out of.
enum class TypeSet : uint8_t {
  kNone,
  kInt,
  kInt16Up,
  kInt32Up,
  kI32,
  kI64,
  kF32,
  kF64,
  kFloat,
  kScalar,
  kV128,
  kValue,
  kI8X16,
  kI16X8,
  kI32X4,
  kLanes,
  kIntLanes,
  kFloatLanes,
  kInt16UpLanes,
  kInt8To16Lanes,
  kInt8To32Lanes,
  kInt16To32Lanes,
  kBlendLanes,
  kWideLanes,
};

// Effects of an opcode, a bit set.
using Effects = uint8_t;
inline constexpr Effects kPure = 0;
inline constexpr Effects kTraps = 1 << 0;
inline constexpr Effects kLoads = 1 << 1;
inline constexpr Effects kStores = 1 << 2;
inline constexpr Effects kSideEffect = 1 << 3;
inline constexpr Effects kCalls = 1 << 4;
inline constexpr Effects kTerminator = 1 << 5;

// One row of the table. `args` and `results` are letters as opcodes.def explains them.
struct OpcodeInfo {
  const char* name;
  Format format;
  TypeSet types;
  Effects effects;
  uint8_t num_args;     // Fixed value operands.
  uint8_t num_results;  // 0 for calls, whose signature decides.
  const char* args;
  const char* results;
};

inline constexpr OpcodeInfo kOpcodeTable[] = {
#define OP(Camel, name, format, types, args, results, effects) \
  {                                                            \
      #name,                                                   \
      Format::k##format,                                       \
      TypeSet::types,                                          \
      effects,                                                 \
      sizeof(args) - 1,                                        \
      sizeof(results) - 1,                                     \
      args,                                                    \
      results},
#include "codegen/ir/opcodes.def"
#undef OP
};

constexpr const OpcodeInfo& Info(Opcode opcode) {
  return kOpcodeTable[static_cast<size_t>(opcode)];
}
constexpr bool IsTerminator(Opcode opcode) { return (Info(opcode).effects & kTerminator) != 0; }
constexpr bool IsCall(Opcode opcode) { return (Info(opcode).effects & kCalls) != 0; }
// Same operands, same result, no effect: may be computed anywhere and any number of times.
constexpr bool IsPure(Opcode opcode) { return Info(opcode).effects == kPure; }
// x op y == y op x, the bits of NaN results apart.
constexpr bool IsCommutative(Opcode opcode) {
  switch (opcode) {
    case Opcode::kIadd:
    case Opcode::kImul:
    case Opcode::kUmulhi:
    case Opcode::kSmulhi:
    case Opcode::kUmulWide:
    case Opcode::kSmulWide:
    case Opcode::kUaddOverflow:
    case Opcode::kSaddOverflow:
    case Opcode::kUaddCarry:
    case Opcode::kBand:
    case Opcode::kBor:
    case Opcode::kBxor:
    case Opcode::kFadd:
    case Opcode::kFmul:
    case Opcode::kVadd:
    case Opcode::kVmul:
    case Opcode::kVaddSatS:
    case Opcode::kVaddSatU:
    case Opcode::kVminS:
    case Opcode::kVminU:
    case Opcode::kVmaxS:
    case Opcode::kVmaxU:
    case Opcode::kVavgU:
    case Opcode::kVand:
    case Opcode::kVor:
    case Opcode::kVxor:
    case Opcode::kVextmulLowS:
    case Opcode::kVextmulLowU:
    case Opcode::kVextmulHighS:
    case Opcode::kVextmulHighU:
    case Opcode::kVdotS:
    case Opcode::kVq15mulrSat:
    case Opcode::kVfadd:
    case Opcode::kVfmul:
      return true;
    default:
      return false;
  }
}

// The type of floats in a result among which may be NaNs of unspecified bits: one of F32, F64,
// F32X4, F64X2 for an instruction with that controlling type; kInvalid where there are none.
constexpr Type NansMadeBy(Opcode opcode, Type type) {
  switch (opcode) {
    case Opcode::kFadd:
    case Opcode::kFsub:
    case Opcode::kFmul:
    case Opcode::kFdiv:
    case Opcode::kFmin:
    case Opcode::kFmax:
    case Opcode::kSqrt:
    case Opcode::kCeil:
    case Opcode::kFloor:
    case Opcode::kTrunc:
    case Opcode::kNearest:
    case Opcode::kFpromote:
    case Opcode::kFdemote:
    case Opcode::kVfadd:
    case Opcode::kVfsub:
    case Opcode::kVfmul:
    case Opcode::kVfdiv:
    case Opcode::kVfmin:
    case Opcode::kVfmax:
    case Opcode::kVfma:
    case Opcode::kVfnma:
    case Opcode::kVsqrt:
    case Opcode::kVceil:
    case Opcode::kVfloor:
    case Opcode::kVtrunc:
    case Opcode::kVnearest:
      return type;
    case Opcode::kVpromoteLow:
      return Type::kF64X2;
    case Opcode::kVdemote:
      return Type::kF32X4;
    default:
      return Type::kInvalid;
  }
}

constexpr bool Contains(TypeSet set, Type type) {
  switch (set) {
    case TypeSet::kNone:
      return type == Type::kInvalid;
    case TypeSet::kInt:
      return IsInt(type);
    case TypeSet::kInt16Up:
      return IsInt(type) && type != Type::kI8;
    case TypeSet::kInt32Up:
      return type == Type::kI32 || type == Type::kI64;
    case TypeSet::kI32:
      return type == Type::kI32;
    case TypeSet::kI64:
      return type == Type::kI64;
    case TypeSet::kF32:
      return type == Type::kF32;
    case TypeSet::kF64:
      return type == Type::kF64;
    case TypeSet::kFloat:
      return IsFloat(type);
    case TypeSet::kScalar:
      return IsScalar(type);
    case TypeSet::kV128:
      return type == Type::kV128;
    case TypeSet::kValue:
      return IsValueType(type);
    case TypeSet::kI8X16:
      return type == Type::kI8X16;
    case TypeSet::kI16X8:
      return type == Type::kI16X8;
    case TypeSet::kI32X4:
      return type == Type::kI32X4;
    case TypeSet::kLanes:
      return IsShape(type);
    case TypeSet::kIntLanes:
      return IsShape(type) && IsInt(LaneType(type));
    case TypeSet::kFloatLanes:
      return IsShape(type) && IsFloat(LaneType(type));
    case TypeSet::kInt16UpLanes:
      return Contains(TypeSet::kIntLanes, type) && type != Type::kI8X16;
    case TypeSet::kInt8To16Lanes:
      return type == Type::kI8X16 || type == Type::kI16X8;
    case TypeSet::kInt8To32Lanes:
      return Contains(TypeSet::kIntLanes, type) && type != Type::kI64X2;
    case TypeSet::kInt16To32Lanes:
      return type == Type::kI16X8 || type == Type::kI32X4;
    case TypeSet::kBlendLanes:
      return Contains(TypeSet::kIntLanes, type) && type != Type::kI16X8;
    case TypeSet::kWideLanes:
      return IsShape(type) && LaneBits(type) >= 32;
  }
  return false;
}

// True if the set leaves a choice, so that text has to state the type: "iadd.i32".
constexpr bool HasTypeSuffix(TypeSet set) {
  switch (set) {
    case TypeSet::kInt:
    case TypeSet::kInt16Up:
    case TypeSet::kInt32Up:
    case TypeSet::kFloat:
    case TypeSet::kScalar:
    case TypeSet::kValue:
    case TypeSet::kLanes:
    case TypeSet::kIntLanes:
    case TypeSet::kFloatLanes:
    case TypeSet::kInt16UpLanes:
    case TypeSet::kInt8To16Lanes:
    case TypeSet::kInt8To32Lanes:
    case TypeSet::kInt16To32Lanes:
    case TypeSet::kBlendLanes:
    case TypeSet::kWideLanes:
      return true;
    default:
      return false;
  }
}
// The member of a set of one; kInvalid for kNone and sets of several.
constexpr Type OnlyType(TypeSet set) {
  switch (set) {
    case TypeSet::kI32:
      return Type::kI32;
    case TypeSet::kI64:
      return Type::kI64;
    case TypeSet::kF32:
      return Type::kF32;
    case TypeSet::kF64:
      return Type::kF64;
    case TypeSet::kV128:
      return Type::kV128;
    case TypeSet::kI8X16:
      return Type::kI8X16;
    case TypeSet::kI16X8:
      return Type::kI16X8;
    case TypeSet::kI32X4:
      return Type::kI32X4;
    default:
      return Type::kInvalid;
  }
}

// True if an operand of type `type` is what `letter` asks for under controlling type `t`.
constexpr bool LetterAccepts(char letter, Type t, Type type) {
  switch (letter) {
    case 't':
      return type == t;
    case 'i':
      return type == Type::kI32;
    case 'l':
      return type == Type::kI64;
    case 'c':
    case 'j':
      return type == Type::kI32 || type == Type::kI64;
    case 'n':
      return IsInt(type) && TypeBits(type) < TypeBits(t);
    case 'w':
      return IsInt(type) && TypeBits(type) > TypeBits(t);
    case 'f':
      return IsFloat(type);
    case 'F':
      return type == Type::kF32;
    case 'D':
      return type == Type::kF64;
    case 's':
      return IsScalar(type) && TypeBits(type) == TypeBits(t);
    case 'v':
      return type == Type::kV128;
    case 'e':
      return type == LaneScalar(t);
    default:
      return false;
  }
}
// The type of a result, whose letter is one of t, i, l, v, e.
constexpr Type ResultTypeOf(char letter, Type t) {
  switch (letter) {
    case 'i':
      return Type::kI32;
    case 'l':
      return Type::kI64;
    case 'v':
      return Type::kV128;
    case 'e':
      return LaneScalar(t);
    default:
      return t;
  }
}

inline std::optional<Opcode> OpcodeFromName(absl::string_view name) {
  for (size_t i = 0; i < kNumOpcodes; ++i) {
    if (name == kOpcodeTable[i].name) return static_cast<Opcode>(i);
  }
  return std::nullopt;
}
inline std::ostream& operator<<(std::ostream& out, Opcode opcode) {
  return out << Info(opcode).name;
}

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_IR_OPCODES_H_
