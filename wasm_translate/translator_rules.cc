#include "wasm_translate/translator_rules.h"

#include <array>

#include "codegen/ir/conditions.h"

namespace gantry::wasm {
namespace {

using codegen::FloatCC;
using codegen::IntCC;
using codegen::Type;
using Ir = codegen::Opcode;
using Kind = ArithmeticRule::Kind;

template <typename Rule>
using Table = std::array<Rule, kNumOpcodes>;

class ArithmeticTable {
 public:
  constexpr ArithmeticTable() {
    AddScalars();
    AddConversions();
    AddVectors();
    AddVectorFloats();
    AddVectorWidths();
  }

  constexpr const ArithmeticRule& operator[](Opcode op) const {
    return rules_[static_cast<size_t>(op)];
  }

 private:
  constexpr void Add(Opcode op, Ir opcode, Type type, Kind kind = Kind::kPlain) {
    ArithmeticRule& rule = rules_[static_cast<size_t>(op)];
    rule.kind = kind;
    rule.opcode = opcode;
    rule.type = type;
  }
  constexpr void AddCompare(Opcode op, Ir opcode, Type type, uint8_t condition) {
    Add(op, opcode, type);
    rules_[static_cast<size_t>(op)].condition = condition;
  }
  constexpr void AddCompare(Opcode op, Type type, IntCC cc) {
    const Ir opcode = codegen::IsVector(type) ? Ir::kVicmp : Ir::kIcmp;
    AddCompare(op, opcode, type, static_cast<uint8_t>(cc));
  }
  constexpr void AddCompare(Opcode op, Type type, FloatCC cc) {
    const Ir opcode = codegen::IsVector(type) ? Ir::kVfcmp : Ir::kFcmp;
    AddCompare(op, opcode, type, static_cast<uint8_t>(cc));
  }
  constexpr void AddExtend(Opcode op, Type narrow, Type type) {
    Add(op, Ir::kSextend, type, Kind::kExtendInPlace);
    rules_[static_cast<size_t>(op)].narrow = narrow;
  }

// The operator on each type that it exists for.
#define GANTRY_INTS(name, ir)                     \
  Add(Opcode::kI32##name, Ir::k##ir, Type::kI32); \
  Add(Opcode::kI64##name, Ir::k##ir, Type::kI64)
#define GANTRY_FLOATS(name, ir)                   \
  Add(Opcode::kF32##name, Ir::k##ir, Type::kF32); \
  Add(Opcode::kF64##name, Ir::k##ir, Type::kF64)
#define GANTRY_INT_COMPARES(name, cc)                    \
  AddCompare(Opcode::kI32##name, Type::kI32, IntCC::cc); \
  AddCompare(Opcode::kI64##name, Type::kI64, IntCC::cc)
#define GANTRY_FLOAT_COMPARES(name, cc)                        \
  AddCompare(Opcode::kF32##name, Type::kF32, FloatCC::cc);     \
  AddCompare(Opcode::kF64##name, Type::kF64, FloatCC::cc);     \
  AddCompare(Opcode::kF32x4##name, Type::kF32X4, FloatCC::cc); \
  AddCompare(Opcode::kF64x2##name, Type::kF64X2, FloatCC::cc)

  constexpr void AddScalars() {
    Add(Opcode::kI32Eqz, Ir::kIcmp, Type::kI32, Kind::kEqualToZero);
    Add(Opcode::kI64Eqz, Ir::kIcmp, Type::kI64, Kind::kEqualToZero);
    GANTRY_INT_COMPARES(Eq, kEq);
    GANTRY_INT_COMPARES(Ne, kNe);
    GANTRY_INT_COMPARES(LtS, kSlt);
    GANTRY_INT_COMPARES(LtU, kUlt);
    GANTRY_INT_COMPARES(GtS, kSgt);
    GANTRY_INT_COMPARES(GtU, kUgt);
    GANTRY_INT_COMPARES(LeS, kSle);
    GANTRY_INT_COMPARES(LeU, kUle);
    GANTRY_INT_COMPARES(GeS, kSge);
    GANTRY_INT_COMPARES(GeU, kUge);
    GANTRY_FLOAT_COMPARES(Eq, kEq);
    GANTRY_FLOAT_COMPARES(Ne, kNe);
    GANTRY_FLOAT_COMPARES(Lt, kLt);
    GANTRY_FLOAT_COMPARES(Gt, kGt);
    GANTRY_FLOAT_COMPARES(Le, kLe);
    GANTRY_FLOAT_COMPARES(Ge, kGe);

    GANTRY_INTS(Clz, Clz);
    GANTRY_INTS(Ctz, Ctz);
    GANTRY_INTS(Popcnt, Popcnt);
    GANTRY_INTS(Add, Iadd);
    GANTRY_INTS(Sub, Isub);
    GANTRY_INTS(Mul, Imul);
    GANTRY_INTS(And, Band);
    GANTRY_INTS(Or, Bor);
    GANTRY_INTS(Xor, Bxor);
    GANTRY_INTS(Shl, Ishl);
    GANTRY_INTS(ShrS, Sshr);
    GANTRY_INTS(ShrU, Ushr);
    GANTRY_INTS(Rotl, Rotl);
    GANTRY_INTS(Rotr, Rotr);
    for (const auto& [type, div_s, div_u, rem_s, rem_u] :
         {Divisions{Type::kI32, Opcode::kI32DivS, Opcode::kI32DivU, Opcode::kI32RemS,
                    Opcode::kI32RemU},
          Divisions{Type::kI64, Opcode::kI64DivS, Opcode::kI64DivU, Opcode::kI64RemS,
                    Opcode::kI64RemU}}) {
      Add(div_s, Ir::kSdiv, type, Kind::kDivideSigned);
      Add(div_u, Ir::kUdiv, type, Kind::kDivide);
      // The remainder of the least value by -1 is 0 (WebAssembly, "Integer Operations").
      Add(rem_s, Ir::kSrem, type, Kind::kDivide);
      Add(rem_u, Ir::kUrem, type, Kind::kDivide);
    }

    GANTRY_FLOATS(Abs, Fabs);
    GANTRY_FLOATS(Neg, Fneg);
    GANTRY_FLOATS(Ceil, Ceil);
    GANTRY_FLOATS(Floor, Floor);
    GANTRY_FLOATS(Trunc, Trunc);
    GANTRY_FLOATS(Nearest, Nearest);
    GANTRY_FLOATS(Sqrt, Sqrt);
    GANTRY_FLOATS(Add, Fadd);
    GANTRY_FLOATS(Sub, Fsub);
    GANTRY_FLOATS(Mul, Fmul);
    GANTRY_FLOATS(Div, Fdiv);
    GANTRY_FLOATS(Min, Fmin);
    GANTRY_FLOATS(Max, Fmax);
    GANTRY_FLOATS(Copysign, Fcopysign);
  }

  constexpr void AddConversions() {
    Add(Opcode::kI32WrapI64, Ir::kIreduce, Type::kI32);
    Add(Opcode::kI64ExtendI32S, Ir::kSextend, Type::kI64);
    Add(Opcode::kI64ExtendI32U, Ir::kUextend, Type::kI64);
    AddExtend(Opcode::kI32Extend8S, Type::kI8, Type::kI32);
    AddExtend(Opcode::kI32Extend16S, Type::kI16, Type::kI32);
    AddExtend(Opcode::kI64Extend8S, Type::kI8, Type::kI64);
    AddExtend(Opcode::kI64Extend16S, Type::kI16, Type::kI64);
    AddExtend(Opcode::kI64Extend32S, Type::kI32, Type::kI64);
#define GANTRY_TRUNC(to, from)                                                              \
  Add(Opcode::k##to##Trunc##from##S, Ir::kFcvtToSint, Type::k##to, Kind::kTrappingConvert); \
  Add(Opcode::k##to##Trunc##from##U, Ir::kFcvtToUint, Type::k##to, Kind::kTrappingConvert); \
  Add(Opcode::k##to##TruncSat##from##S, Ir::kFcvtToSintSat, Type::k##to);                   \
  Add(Opcode::k##to##TruncSat##from##U, Ir::kFcvtToUintSat, Type::k##to);                   \
  Add(Opcode::k##from##Convert##to##S, Ir::kFcvtFromSint, Type::k##from);                   \
  Add(Opcode::k##from##Convert##to##U, Ir::kFcvtFromUint, Type::k##from)
    GANTRY_TRUNC(I32, F32);
    GANTRY_TRUNC(I32, F64);
    GANTRY_TRUNC(I64, F32);
    GANTRY_TRUNC(I64, F64);
#undef GANTRY_TRUNC
    Add(Opcode::kF32DemoteF64, Ir::kFdemote, Type::kF32);
    Add(Opcode::kF64PromoteF32, Ir::kFpromote, Type::kF64);
    Add(Opcode::kI32ReinterpretF32, Ir::kBitcast, Type::kI32);
    Add(Opcode::kI64ReinterpretF64, Ir::kBitcast, Type::kI64);
    Add(Opcode::kF32ReinterpretI32, Ir::kBitcast, Type::kF32);
    Add(Opcode::kF64ReinterpretI64, Ir::kBitcast, Type::kF64);
  }
#undef GANTRY_INTS
#undef GANTRY_FLOATS
#undef GANTRY_INT_COMPARES
#undef GANTRY_FLOAT_COMPARES

// Vectors of integers: on lanes of 8 and 16 bits, of up to 32, and of all.
#define GANTRY_NARROW(name, ir)                       \
  Add(Opcode::kI8x16##name, Ir::k##ir, Type::kI8X16); \
  Add(Opcode::kI16x8##name, Ir::k##ir, Type::kI16X8)
#define GANTRY_UP_TO_32(name, ir) \
  GANTRY_NARROW(name, ir);        \
  Add(Opcode::kI32x4##name, Ir::k##ir, Type::kI32X4)
#define GANTRY_LANES(name, ir) \
  GANTRY_UP_TO_32(name, ir);   \
  Add(Opcode::kI64x2##name, Ir::k##ir, Type::kI64X2)
#define GANTRY_COMPARES_UP_TO_32(name, cc)                   \
  AddCompare(Opcode::kI8x16##name, Type::kI8X16, IntCC::cc); \
  AddCompare(Opcode::kI16x8##name, Type::kI16X8, IntCC::cc); \
  AddCompare(Opcode::kI32x4##name, Type::kI32X4, IntCC::cc)
#define GANTRY_COMPARES(name, cc)     \
  GANTRY_COMPARES_UP_TO_32(name, cc); \
  AddCompare(Opcode::kI64x2##name, Type::kI64X2, IntCC::cc)

  constexpr void AddVectors() {
    GANTRY_COMPARES(Eq, kEq);
    GANTRY_COMPARES(Ne, kNe);
    GANTRY_COMPARES(LtS, kSlt);
    GANTRY_COMPARES(GtS, kSgt);
    GANTRY_COMPARES(LeS, kSle);
    GANTRY_COMPARES(GeS, kSge);
    GANTRY_COMPARES_UP_TO_32(LtU, kUlt);
    GANTRY_COMPARES_UP_TO_32(GtU, kUgt);
    GANTRY_COMPARES_UP_TO_32(LeU, kUle);
    GANTRY_COMPARES_UP_TO_32(GeU, kUge);

    GANTRY_LANES(Splat, Vsplat);
    GANTRY_LANES(Abs, Vabs);
    GANTRY_LANES(Neg, Vneg);
    GANTRY_LANES(AllTrue, VallTrue);
    GANTRY_LANES(Bitmask, Vbitmask);
    GANTRY_LANES(Shl, Vshl);
    GANTRY_LANES(ShrS, VshrS);
    GANTRY_LANES(ShrU, VshrU);
    GANTRY_LANES(Add, Vadd);
    GANTRY_LANES(Sub, Vsub);
    Add(Opcode::kI16x8Mul, Ir::kVmul, Type::kI16X8);
    Add(Opcode::kI32x4Mul, Ir::kVmul, Type::kI32X4);
    Add(Opcode::kI64x2Mul, Ir::kVmul, Type::kI64X2);
    GANTRY_UP_TO_32(MinS, VminS);
    GANTRY_UP_TO_32(MinU, VminU);
    GANTRY_UP_TO_32(MaxS, VmaxS);
    GANTRY_UP_TO_32(MaxU, VmaxU);
    GANTRY_NARROW(AddSatS, VaddSatS);
    GANTRY_NARROW(AddSatU, VaddSatU);
    GANTRY_NARROW(SubSatS, VsubSatS);
    GANTRY_NARROW(SubSatU, VsubSatU);
    GANTRY_NARROW(AvgrU, VavgU);
    Add(Opcode::kI8x16Popcnt, Ir::kVpopcnt, Type::kI8X16);
    Add(Opcode::kI8x16Swizzle, Ir::kVswizzle, Type::kI8X16);
    Add(Opcode::kI16x8Q15mulrSatS, Ir::kVq15mulrSat, Type::kI16X8);
    // Of the two answers to -1 times -1, the saturated one.
    Add(Opcode::kI16x8RelaxedQ15mulrS, Ir::kVq15mulrSat, Type::kI16X8);

    Add(Opcode::kV128Not, Ir::kVnot, Type::kV128);
    Add(Opcode::kV128And, Ir::kVand, Type::kV128);
    Add(Opcode::kV128Andnot, Ir::kVandNot, Type::kV128);
    Add(Opcode::kV128Or, Ir::kVor, Type::kV128);
    Add(Opcode::kV128Xor, Ir::kVxor, Type::kV128);
    Add(Opcode::kV128AnyTrue, Ir::kVanyTrue, Type::kV128);
  }
#undef GANTRY_NARROW
#undef GANTRY_UP_TO_32
#undef GANTRY_LANES
#undef GANTRY_COMPARES_UP_TO_32
#undef GANTRY_COMPARES

  constexpr void AddVectorFloats() {
#define GANTRY_FLOAT_LANES(name, ir)                  \
  Add(Opcode::kF32x4##name, Ir::k##ir, Type::kF32X4); \
  Add(Opcode::kF64x2##name, Ir::k##ir, Type::kF64X2)
    GANTRY_FLOAT_LANES(Splat, Vsplat);
    GANTRY_FLOAT_LANES(Abs, Vfabs);
    GANTRY_FLOAT_LANES(Neg, Vfneg);
    GANTRY_FLOAT_LANES(Sqrt, Vsqrt);
    GANTRY_FLOAT_LANES(Ceil, Vceil);
    GANTRY_FLOAT_LANES(Floor, Vfloor);
    GANTRY_FLOAT_LANES(Trunc, Vtrunc);
    GANTRY_FLOAT_LANES(Nearest, Vnearest);
    GANTRY_FLOAT_LANES(Add, Vfadd);
    GANTRY_FLOAT_LANES(Sub, Vfsub);
    GANTRY_FLOAT_LANES(Mul, Vfmul);
    GANTRY_FLOAT_LANES(Div, Vfdiv);
    GANTRY_FLOAT_LANES(Min, Vfmin);
    GANTRY_FLOAT_LANES(Max, Vfmax);
    GANTRY_FLOAT_LANES(Pmin, Vfpmin);
    GANTRY_FLOAT_LANES(Pmax, Vfpmax);
#undef GANTRY_FLOAT_LANES
    Add(Opcode::kI32x4TruncSatF32x4S, Ir::kVfcvtToSintSat, Type::kF32X4);
    Add(Opcode::kI32x4TruncSatF32x4U, Ir::kVfcvtToUintSat, Type::kF32X4);
    Add(Opcode::kI32x4TruncSatF64x2SZero, Ir::kVfcvtToSintSat, Type::kF64X2);
    Add(Opcode::kI32x4TruncSatF64x2UZero, Ir::kVfcvtToUintSat, Type::kF64X2);
    Add(Opcode::kF32x4ConvertI32x4S, Ir::kVfcvtFromSint, Type::kF32X4);
    Add(Opcode::kF32x4ConvertI32x4U, Ir::kVfcvtFromUint, Type::kF32X4);
    Add(Opcode::kF64x2ConvertLowI32x4S, Ir::kVfcvtFromSint, Type::kF64X2);
    Add(Opcode::kF64x2ConvertLowI32x4U, Ir::kVfcvtFromUint, Type::kF64X2);
    Add(Opcode::kF64x2PromoteLowF32x4, Ir::kVpromoteLow, Type::kV128);
    Add(Opcode::kF32x4DemoteF64x2Zero, Ir::kVdemote, Type::kV128);
  }

  constexpr void AddVectorWidths() {
    Add(Opcode::kI8x16NarrowI16x8S, Ir::kVnarrowS, Type::kI8X16);
    Add(Opcode::kI8x16NarrowI16x8U, Ir::kVnarrowU, Type::kI8X16);
    Add(Opcode::kI16x8NarrowI32x4S, Ir::kVnarrowS, Type::kI16X8);
    Add(Opcode::kI16x8NarrowI32x4U, Ir::kVnarrowU, Type::kI16X8);
#define GANTRY_WIDEN(to, from, type)                                      \
  Add(Opcode::k##to##ExtendLow##from##S, Ir::kVextendLowS, Type::type);   \
  Add(Opcode::k##to##ExtendLow##from##U, Ir::kVextendLowU, Type::type);   \
  Add(Opcode::k##to##ExtendHigh##from##S, Ir::kVextendHighS, Type::type); \
  Add(Opcode::k##to##ExtendHigh##from##U, Ir::kVextendHighU, Type::type); \
  Add(Opcode::k##to##ExtmulLow##from##S, Ir::kVextmulLowS, Type::type);   \
  Add(Opcode::k##to##ExtmulLow##from##U, Ir::kVextmulLowU, Type::type);   \
  Add(Opcode::k##to##ExtmulHigh##from##S, Ir::kVextmulHighS, Type::type); \
  Add(Opcode::k##to##ExtmulHigh##from##U, Ir::kVextmulHighU, Type::type)
    GANTRY_WIDEN(I16x8, I8x16, kI16X8);
    GANTRY_WIDEN(I32x4, I16x8, kI32X4);
    GANTRY_WIDEN(I64x2, I32x4, kI64X2);
#undef GANTRY_WIDEN
    Add(Opcode::kI16x8ExtaddPairwiseI8x16S, Ir::kVextaddPairwiseS, Type::kI16X8);
    Add(Opcode::kI16x8ExtaddPairwiseI8x16U, Ir::kVextaddPairwiseU, Type::kI16X8);
    Add(Opcode::kI32x4ExtaddPairwiseI16x8S, Ir::kVextaddPairwiseS, Type::kI32X4);
    Add(Opcode::kI32x4ExtaddPairwiseI16x8U, Ir::kVextaddPairwiseU, Type::kI32X4);
    Add(Opcode::kI32x4DotI16x8S, Ir::kVdotS, Type::kI32X4);
  }

  struct Divisions {
    Type type;
    Opcode div_s, div_u, rem_s, rem_u;
  };

  Table<ArithmeticRule> rules_ = {};
};

constexpr Table<LoadRule> MakeLoads() {
  Table<LoadRule> table = {};
  const auto add = [&table](Opcode op, Ir opcode, Type type, Ir then = Ir::kNop,
                            Type shape = Type::kInvalid) {
    table[static_cast<size_t>(op)] = {opcode, type, then, shape};
  };
  add(Opcode::kI32Load, Ir::kLoad, Type::kI32);
  add(Opcode::kI64Load, Ir::kLoad, Type::kI64);
  add(Opcode::kF32Load, Ir::kLoad, Type::kF32);
  add(Opcode::kF64Load, Ir::kLoad, Type::kF64);
  add(Opcode::kI32Load8S, Ir::kSload8, Type::kI32);
  add(Opcode::kI32Load8U, Ir::kUload8, Type::kI32);
  add(Opcode::kI32Load16S, Ir::kSload16, Type::kI32);
  add(Opcode::kI32Load16U, Ir::kUload16, Type::kI32);
  add(Opcode::kI64Load8S, Ir::kSload8, Type::kI64);
  add(Opcode::kI64Load8U, Ir::kUload8, Type::kI64);
  add(Opcode::kI64Load16S, Ir::kSload16, Type::kI64);
  add(Opcode::kI64Load16U, Ir::kUload16, Type::kI64);
  add(Opcode::kI64Load32S, Ir::kSload32, Type::kI64);
  add(Opcode::kI64Load32U, Ir::kUload32, Type::kI64);

  add(Opcode::kV128Load, Ir::kLoad, Type::kV128);
  add(Opcode::kV128Load8x8S, Ir::kLoad, Type::kI64, Ir::kVextendLowS, Type::kI16X8);
  add(Opcode::kV128Load8x8U, Ir::kLoad, Type::kI64, Ir::kVextendLowU, Type::kI16X8);
  add(Opcode::kV128Load16x4S, Ir::kLoad, Type::kI64, Ir::kVextendLowS, Type::kI32X4);
  add(Opcode::kV128Load16x4U, Ir::kLoad, Type::kI64, Ir::kVextendLowU, Type::kI32X4);
  add(Opcode::kV128Load32x2S, Ir::kLoad, Type::kI64, Ir::kVextendLowS, Type::kI64X2);
  add(Opcode::kV128Load32x2U, Ir::kLoad, Type::kI64, Ir::kVextendLowU, Type::kI64X2);
  add(Opcode::kV128Load8Splat, Ir::kUload8, Type::kI32, Ir::kVsplat, Type::kI8X16);
  add(Opcode::kV128Load16Splat, Ir::kUload16, Type::kI32, Ir::kVsplat, Type::kI16X8);
  add(Opcode::kV128Load32Splat, Ir::kLoad, Type::kI32, Ir::kVsplat, Type::kI32X4);
  add(Opcode::kV128Load64Splat, Ir::kLoad, Type::kI64, Ir::kVsplat, Type::kI64X2);
  add(Opcode::kV128Load32Zero, Ir::kLoad, Type::kI32, Ir::kVscalar, Type::kI32X4);
  add(Opcode::kV128Load64Zero, Ir::kLoad, Type::kI64, Ir::kVscalar, Type::kI64X2);
  return table;
}

constexpr ArithmeticTable kArithmetic;
constexpr Table<LoadRule> kLoads = MakeLoads();

}  // namespace

const ArithmeticRule& RuleOfArithmetic(Opcode op) { return kArithmetic[op]; }
const LoadRule& RuleOfLoad(Opcode op) { return kLoads[static_cast<size_t>(op)]; }

codegen::Opcode RuleOfStore(Opcode op) {
  switch (op) {
    case Opcode::kI32Store:
    case Opcode::kI64Store:
    case Opcode::kF32Store:
    case Opcode::kF64Store:
    case Opcode::kV128Store:
      return Ir::kStore;
    case Opcode::kI32Store8:
    case Opcode::kI64Store8:
      return Ir::kIstore8;
    case Opcode::kI32Store16:
    case Opcode::kI64Store16:
      return Ir::kIstore16;
    case Opcode::kI64Store32:
      return Ir::kIstore32;
    default:
      return Ir::kNop;
  }
}

LaneAccessRule RuleOfLaneAccess(Opcode op) {
  switch (op) {
    case Opcode::kV128Load8Lane:
      return {Ir::kUload8, Type::kI32, Type::kI8X16};
    case Opcode::kV128Load16Lane:
      return {Ir::kUload16, Type::kI32, Type::kI16X8};
    case Opcode::kV128Load32Lane:
      return {Ir::kLoad, Type::kI32, Type::kI32X4};
    case Opcode::kV128Load64Lane:
      return {Ir::kLoad, Type::kI64, Type::kI64X2};
    case Opcode::kV128Store8Lane:
      return {Ir::kIstore8, Type::kI32, Type::kI8X16};
    case Opcode::kV128Store16Lane:
      return {Ir::kIstore16, Type::kI32, Type::kI16X8};
    case Opcode::kV128Store32Lane:
      return {Ir::kStore, Type::kI32, Type::kI32X4};
    case Opcode::kV128Store64Lane:
      return {Ir::kStore, Type::kI64, Type::kI64X2};
    default:
      return {};
  }
}

codegen::Type TypeOfNewNans(codegen::Opcode opcode, codegen::Type type) {
  switch (opcode) {
    case Ir::kFadd:
    case Ir::kFsub:
    case Ir::kFmul:
    case Ir::kFdiv:
    case Ir::kFmin:
    case Ir::kFmax:
    case Ir::kSqrt:
    case Ir::kCeil:
    case Ir::kFloor:
    case Ir::kTrunc:
    case Ir::kNearest:
    case Ir::kFdemote:
    case Ir::kFpromote:
    case Ir::kVfadd:
    case Ir::kVfsub:
    case Ir::kVfmul:
    case Ir::kVfdiv:
    case Ir::kVfmin:
    case Ir::kVfmax:
    case Ir::kVfma:
    case Ir::kVfnma:
    case Ir::kVsqrt:
    case Ir::kVceil:
    case Ir::kVfloor:
    case Ir::kVtrunc:
    case Ir::kVnearest:
      return type;
    case Ir::kVpromoteLow:
      return Type::kF64X2;
    case Ir::kVdemote:
      return Type::kF32X4;
    default:
      return Type::kInvalid;
  }
}

}  // namespace gantry::wasm
