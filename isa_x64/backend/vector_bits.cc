// Lowering of comparisons of vectors, of logic on their bits, and of tests of all lanes.
#include "isa_x64/backend/lowering.h"

namespace gantry::x64 {

using codegen::FloatCC;
using codegen::IntCC;
using codegen::Opcode;

namespace {

int LaneIndex(codegen::Type shape) {
  switch (codegen::LaneBits(shape)) {
    case 8:
      return 0;
    case 16:
      return 1;
    case 32:
      return 2;
    default:
      return 3;
  }
}

constexpr SseRvmOp kEquals[] = {SseRvmOp::kPcmpeqb, SseRvmOp::kPcmpeqw, SseRvmOp::kPcmpeqd,
                                SseRvmOp::kPcmpeqq};
constexpr SseRvmOp kGreater[] = {SseRvmOp::kPcmpgtb, SseRvmOp::kPcmpgtw, SseRvmOp::kPcmpgtd,
                                 SseRvmOp::kPcmpgtq};

bool IsCompare(Opcode opcode) { return opcode == Opcode::kVicmp || opcode == Opcode::kVfcmp; }

// Truth tables of three operands: bit 4a + 2b + c.
constexpr uint8_t kTableA = 0xF0;
constexpr uint8_t kTableB = 0xCC;
constexpr uint8_t kTableC = 0xAA;

uint8_t Combine(Opcode opcode, uint8_t x, uint8_t y) {
  switch (opcode) {
    case Opcode::kVand:
      return x & y;
    case Opcode::kVor:
      return x | y;
    case Opcode::kVxor:
      return x ^ y;
    case Opcode::kVandNot:
      return static_cast<uint8_t>(x & ~y);
    default:
      return static_cast<uint8_t>(~x);
  }
}

bool IsLogic(Opcode opcode) {
  return opcode == Opcode::kVand || opcode == Opcode::kVor || opcode == Opcode::kVxor ||
         opcode == Opcode::kVandNot || opcode == Opcode::kVnot;
}

// How the machine compares: the relation, by operands in order or exchanged.
enum class Relation : uint8_t { kEqual, kGreater, kMaxEqual, kMinEqual };
struct Comparison {
  Relation relation;
  bool is_unsigned;
  bool swap;
  bool inverse;  // It says where the condition does not hold.
};

Comparison ComparisonOf(IntCC cc, bool is_wide, bool has_wide_minmax) {
  switch (cc) {
    case IntCC::kEq:
      return {Relation::kEqual, false, false, false};
    case IntCC::kNe:
      return {Relation::kEqual, false, false, true};
    case IntCC::kSgt:
      return {Relation::kGreater, false, false, false};
    case IntCC::kSlt:
      return {Relation::kGreater, false, true, false};
    case IntCC::kSge:
      if (is_wide && !has_wide_minmax) return {Relation::kGreater, false, true, true};
      return {Relation::kMaxEqual, false, false, false};
    case IntCC::kSle:
      if (is_wide && !has_wide_minmax) return {Relation::kGreater, false, false, true};
      return {Relation::kMinEqual, false, false, false};
    case IntCC::kUge:
      if (is_wide && !has_wide_minmax) return {Relation::kGreater, true, true, true};
      return {Relation::kMaxEqual, true, false, false};
    case IntCC::kUle:
      if (is_wide && !has_wide_minmax) return {Relation::kGreater, true, false, true};
      return {Relation::kMinEqual, true, false, false};
    case IntCC::kUgt:
      if (is_wide && !has_wide_minmax) return {Relation::kGreater, true, false, false};
      return {Relation::kMinEqual, true, false, true};
    case IntCC::kUlt:
      if (is_wide && !has_wide_minmax) return {Relation::kGreater, true, true, false};
      return {Relation::kMaxEqual, true, false, true};
  }
  return {Relation::kEqual, false, false, false};
}

}  // namespace

// --- Comparisons -----------------------------------------------------------------------

bool X64Lowering::CompareIsInverse(Type shape, IntCC cc) const {
  return ComparisonOf(cc, shape == Type::kI64X2, has_avx512()).inverse;
}

X64Lowering::VReg X64Lowering::CompareVectors(Type shape, IntCC cc, Value x, Value y, VReg to) {
  const int lane = LaneIndex(shape);
  const Comparison comparison = ComparisonOf(cc, lane == 3, has_avx512());
  switch (comparison.relation) {
    case Relation::kEqual: {
      if (IsMemoryVector(x) && !IsMemoryVector(y)) std::swap(x, y);
      const VReg a = VecReg(x);
      const VectorRm b = VectorRmOf(y);
      return Vec(kEquals[lane], a, b, to);
    }
    case Relation::kGreater: {
      if (comparison.swap) std::swap(x, y);
      const VReg a = VecReg(x);
      if (lane < 3) {
        const VectorRm b = VectorRmOf(y);
        return Vec(kGreater[lane], a, b, to);
      }
      const VReg b = VecReg(y);
      if (!comparison.is_unsigned) return CompareGreater64(a, b, to);
      const Bits128 sign = SplatBits(uint64_t{1} << 63, 64);
      const VReg signed_a = Vec(SseRvmOp::kPxor, a, sign);
      const VReg signed_b = Vec(SseRvmOp::kPxor, b, sign);
      return CompareGreater64(signed_a, signed_b, to);
    }
    case Relation::kMaxEqual:
    case Relation::kMinEqual:
      break;
  }
  // x is the greater (the lesser) of the two.
  const bool max = comparison.relation == Relation::kMaxEqual;
  const VReg a = VecReg(x);
  const VectorRm b = VectorRmOf(y);
  VReg extreme;
  if (lane == 3) {
    constexpr EvexRvmOp kOps[2][2] = {{EvexRvmOp::kVpminsq, EvexRvmOp::kVpminuq},
                                      {EvexRvmOp::kVpmaxsq, EvexRvmOp::kVpmaxuq}};
    extreme = Vec(kOps[max][comparison.is_unsigned], a, b);
  } else {
    constexpr SseRvmOp kOps[2][2][3] = {
        {{SseRvmOp::kPminsb, SseRvmOp::kPminsw, SseRvmOp::kPminsd},
         {SseRvmOp::kPminub, SseRvmOp::kPminuw, SseRvmOp::kPminud}},
        {{SseRvmOp::kPmaxsb, SseRvmOp::kPmaxsw, SseRvmOp::kPmaxsd},
         {SseRvmOp::kPmaxub, SseRvmOp::kPmaxuw, SseRvmOp::kPmaxud}}};
    extreme = Vec(kOps[max][comparison.is_unsigned][lane], a, b);
  }
  return Vec(kEquals[lane], extreme, a, to);
}

X64Lowering::VReg X64Lowering::CompareGreater64(VReg x, VReg y, VReg to) {
  if (flags_.has_sse42()) return Vec(SseRvmOp::kPcmpgtq, x, y, to);
  // By the high halves or, where these are equal, by the borrow of y - x, which is then all of the
  // difference's high half.
  const VReg difference = Vec(SseRvmOp::kPsubq, y, x);
  const VReg equal = Vec(SseRvmOp::kPcmpeqd, x, y);
  const VReg borrow = Vec(SseRvmOp::kPand, equal, difference);
  const VReg greater = Vec(SseRvmOp::kPcmpgtd, x, y);
  const VReg high = Vec(SseRvmOp::kPor, borrow, greater);
  return Vec(SseRmImmOp::kPshufd, high, 0xF5, to);
}

void X64Lowering::LowerVectorCompare(const InstData& data, IntCC cc, VReg result) {
  if (!CompareIsInverse(data.type(), cc)) {
    CompareVectors(data.type(), cc, data.arg(0), data.arg(1), result);
    return;
  }
  const VReg opposite = CompareVectors(data.type(), cc, data.arg(0), data.arg(1), VReg());
  VectorNot(opposite, result);
}

void X64Lowering::LowerVectorFloatCompare(const InstData& data, FloatCC cc, VReg result) {
  const SseRvmImmOp op = data.type() == Type::kF32X4 ? SseRvmImmOp::kCmpps : SseRvmImmOp::kCmppd;
  Value x = data.arg(0);
  Value y = data.arg(1);
  // cmpps's: 0 equal, 1 less, 2 less or equal, 3 unordered, 4 to 7 their opposites.
  uint8_t predicate = 0;
  bool swap = false;
  switch (cc) {
    case FloatCC::kOrdered:
      predicate = 7;
      break;
    case FloatCC::kUnordered:
      predicate = 3;
      break;
    case FloatCC::kEq:
      predicate = 0;
      break;
    case FloatCC::kNe:
      predicate = 4;
      break;
    case FloatCC::kLt:
      predicate = 1;
      break;
    case FloatCC::kLe:
      predicate = 2;
      break;
    case FloatCC::kGt:
      predicate = 1;
      swap = true;
      break;
    case FloatCC::kGe:
      predicate = 2;
      swap = true;
      break;
    case FloatCC::kUlt:  // Not greater or equal.
      predicate = 6;
      swap = true;
      break;
    case FloatCC::kUle:
      predicate = 5;
      swap = true;
      break;
    case FloatCC::kUgt:
      predicate = 6;
      break;
    case FloatCC::kUge:
      predicate = 5;
      break;
    case FloatCC::kUeq:
    case FloatCC::kOne: {
      const bool equal = cc == FloatCC::kUeq;
      if (flags_.has_avx()) {
        predicate = equal ? 8 : 12;
        break;
      }
      const VReg a = VecReg(x);
      const VReg b = VecReg(y);
      const VReg first = Vec(op, a, b, equal ? 0 : 4);
      const VReg second = Vec(op, a, b, equal ? 3 : 7);
      Vec(equal ? SseRvmOp::kPor : SseRvmOp::kPand, first, second, result);
      return;
    }
  }
  if (swap) std::swap(x, y);
  // Those that don't mind the order.
  const bool commutes = predicate == 0 || predicate == 3 || predicate == 4 || predicate >= 7;
  if (commutes && IsMemoryVector(x) && !IsMemoryVector(y)) std::swap(x, y);
  const VReg a = VecReg(x);
  const VectorRm b = VectorRmOf(y);
  Vec(op, a, b, predicate, result);
}

bool X64Lowering::IsByteMask(Value value) const {
  if (const std::optional<Bits128> constant = VectorConstant(value)) {
    for (int i = 0; i < 16; ++i) {
      const uint8_t byte = static_cast<uint8_t>((*constant)[i / 8] >> (8 * (i % 8)));
      if (byte != 0 && byte != 0xFF) return false;
    }
    return true;
  }
  const IrInst def = ctx_->DefInst(value);
  if (def.is_none()) return false;
  const InstData& data = ctx_->data(def);
  if (IsCompare(data.opcode())) return true;
  if (!IsLogic(data.opcode())) return false;
  // One level of logic on comparisons.
  for (Value operand : data.args()) {
    const IrInst inner = ctx_->DefInst(operand);
    if (inner.is_none() || !IsCompare(ctx_->data(inner).opcode())) return false;
  }
  return true;
}

// --- Logic -----------------------------------------------------------------------------

void X64Lowering::LowerVectorLogic(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const Opcode opcode = data.opcode();
  const VReg result = ctx_->Result(inst);
  if (opcode == Opcode::kVor && LowerVectorRotate(inst)) return;
  if (has_avx512() && LowerVectorTernary(inst)) return;
  switch (opcode) {
    case Opcode::kVnot: {
      // The opposite of a comparison is another one.
      const IrInst compare = ctx_->DefInst(data.arg(0));
      if (compare.is_some() && ctx_->HasOneUse(data.arg(0))) {
        const InstData& compared = ctx_->data(compare);
        if (compared.opcode() == Opcode::kVicmp) {
          return LowerVectorCompare(compared, codegen::Inverse(compared.int_cc()), result);
        }
        if (compared.opcode() == Opcode::kVfcmp) {
          return LowerVectorFloatCompare(compared, codegen::Inverse(compared.float_cc()), result);
        }
      }
      VectorNot(VecReg(data.arg(0)), result);
      return;
    }
    case Opcode::kVandNot: {
      const IrInst compare = ctx_->DefInst(data.arg(1), Opcode::kVicmp);
      if (compare.is_some() && ctx_->HasOneUse(data.arg(1))) {
        const InstData& compared = ctx_->data(compare);
        if (CompareIsInverse(compared.type(), compared.int_cc())) {
          const VectorRm x = VectorRmOf(data.arg(0));
          const VReg opposite = CompareVectors(compared.type(), compared.int_cc(), compared.arg(0),
                                               compared.arg(1), VReg());
          Vec(SseRvmOp::kPand, opposite, x, result);
          return;
        }
      }
      // The machine inverts the first operand.
      const VReg inverted = VecReg(data.arg(1));
      const VectorRm x = VectorRmOf(data.arg(0));
      Vec(SseRvmOp::kPandn, inverted, x, result);
      return;
    }
    case Opcode::kVand:
      // A comparison of which the machine has the opposite.
      for (int i = 0; i < 2; ++i) {
        const IrInst compare = ctx_->DefInst(data.arg(i), Opcode::kVicmp);
        if (compare.is_none() || !ctx_->HasOneUse(data.arg(i))) continue;
        const InstData& compared = ctx_->data(compare);
        if (!CompareIsInverse(compared.type(), compared.int_cc())) continue;
        const VectorRm other = VectorRmOf(data.arg(1 - i));
        const VReg opposite = CompareVectors(compared.type(), compared.int_cc(), compared.arg(0),
                                             compared.arg(1), VReg());
        Vec(SseRvmOp::kPandn, opposite, other, result);
        return;
      }
      return LowerVector3(inst, SseRvmOp::kPand, true);
    case Opcode::kVor:
      return LowerVector3(inst, SseRvmOp::kPor, true);
    default:
      return LowerVector3(inst, SseRvmOp::kPxor, true);
  }
}

// Logic whose operands are logic with no other user, of three values in all: one instruction.
bool X64Lowering::LowerVectorTernary(IrInst inst) {
  const InstData& root = ctx_->data(inst);
  std::array<Value, 3> leaves;
  size_t count = 0;
  // The leaf's number; 3 if there are too many.
  const auto leaf = [&](Value value) -> size_t {
    for (size_t i = 0; i < count; ++i) {
      if (ctx_->IsSame(leaves[i], value)) return i;
    }
    if (count == leaves.size()) return 3;
    leaves[count] = value;
    return count++;
  };
  struct Node {
    IrInst inner;  // None for a leaf.
    size_t leaf[2] = {0, 0};
  };
  std::array<Node, 2> nodes;
  const size_t operands = root.args().size();
  bool merges = false;
  // What is a leaf for certain first, then what may be taken apart while values are left.
  for (size_t i = 0; i < operands; ++i) {
    const IrInst inner = ctx_->DefInst(root.arg(i));
    if (inner.is_some() && IsLogic(ctx_->data(inner).opcode()) && ctx_->HasOneUse(root.arg(i))) {
      nodes[i].inner = inner;
    } else {
      nodes[i].leaf[0] = leaf(root.arg(i));
    }
  }
  for (size_t i = 0; i < operands; ++i) {
    if (nodes[i].inner.is_none()) continue;
    const std::array<Value, 3> saved_leaves = leaves;
    const size_t saved_count = count;
    const InstData& inner = ctx_->data(nodes[i].inner);
    // Leaves room for the other operand, which is one value at least.
    const size_t limit = i == 0 && operands == 2 && nodes[1].inner.is_some() ? 2 : 3;
    bool fits = true;
    for (size_t k = 0; k < inner.args().size(); ++k) {
      nodes[i].leaf[k] = leaf(inner.arg(k));
      fits = fits && nodes[i].leaf[k] < limit;
    }
    if (fits) {
      merges = true;
      continue;
    }
    leaves = saved_leaves;
    count = saved_count;
    nodes[i].inner = IrInst::None();
    nodes[i].leaf[0] = leaf(root.arg(i));
    if (nodes[i].leaf[0] == 3) return false;
  }
  if (!merges || count < 2) return false;
  // The last place may be in memory; the first is overwritten, best by a value that ends here.
  std::array<size_t, 3> order = {0, 1, 2};
  for (size_t i = 0; i + 1 < count; ++i) {
    if (IsMemoryVector(leaves[order[i]])) {
      std::swap(order[i], order[count - 1]);
      break;
    }
  }
  for (size_t i = 1; i < 2; ++i) {
    if (!ctx_->HasOneUse(leaves[order[0]]) && ctx_->HasOneUse(leaves[order[i]]) &&
        !(count == 2 && IsMemoryVector(leaves[order[i]]))) {
      std::swap(order[0], order[i]);
    }
  }
  constexpr uint8_t kTables[] = {kTableA, kTableB, kTableC};
  std::array<uint8_t, 3> table_of = {};
  for (size_t i = 0; i < count; ++i) table_of[order[i]] = kTables[i];
  uint8_t tables[2] = {0, 0};
  for (size_t i = 0; i < operands; ++i) {
    const Node& node = nodes[i];
    tables[i] = node.inner.is_none() ? table_of[node.leaf[0]]
                                     : Combine(ctx_->data(node.inner).opcode(),
                                               table_of[node.leaf[0]], table_of[node.leaf[1]]);
  }
  const uint8_t table = Combine(root.opcode(), tables[0], tables[1]);
  const VReg a = VecReg(leaves[order[0]]);
  const VReg b = VecReg(leaves[order[1]]);
  if (count == 2) {
    Ternlog(table, a, b, b, ctx_->Result(inst));
    return true;
  }
  const VectorRm c = VectorRmOf(leaves[order[2]]);
  Ternlog(table, a, b, c, ctx_->Result(inst));
  return true;
}

void X64Lowering::LowerVectorBitselect(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const VReg result = ctx_->Result(inst);
  Value if_set = data.arg(1);
  Value if_clear = data.arg(2);
  const bool is_byte_mask = IsByteMask(data.arg(0));
  VReg mask;
  const IrInst compare = ctx_->DefInst(data.arg(0), Opcode::kVicmp);
  if (compare.is_some() && ctx_->HasOneUse(data.arg(0)) &&
      CompareIsInverse(ctx_->data(compare).type(), ctx_->data(compare).int_cc())) {
    const InstData& compared = ctx_->data(compare);
    mask = CompareVectors(compared.type(), compared.int_cc(), compared.arg(0), compared.arg(1),
                          VReg());
    std::swap(if_set, if_clear);
  } else {
    mask = VecReg(data.arg(0));
  }
  const VReg x = VecReg(if_set);
  if (has_avx512()) {
    const VectorRm y = VectorRmOf(if_clear);
    Ternlog(0xCA, mask, x, y, result);
    return;
  }
  const VReg y = VecReg(if_clear);
  if (is_byte_mask && flags_.has_avx()) {
    Blendv(BlendvOp::kPblendvb, y, x, mask, result);
    return;
  }
  const VReg from_x = Vec(SseRvmOp::kPand, x, mask);
  const VReg from_y = Vec(SseRvmOp::kPandn, mask, y);
  Vec(SseRvmOp::kPor, from_x, from_y, result);
}

void X64Lowering::LowerVectorBlend(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  const BlendvOp op = data.type() == Type::kI8X16   ? BlendvOp::kPblendvb
                      : data.type() == Type::kI32X4 ? BlendvOp::kBlendvps
                                                    : BlendvOp::kBlendvpd;
  const VReg mask = VecReg(data.arg(0));
  const VReg x = VecReg(data.arg(1));
  const VReg y = VecReg(data.arg(2));
  Blendv(op, y, x, mask, ctx_->Result(inst));
}

// --- Tests -----------------------------------------------------------------------------

void X64Lowering::LowerVectorTest(IrInst inst) { LowerIcmpOrFcmp(inst); }

// ptest a, b: ZF if a & b is zero, CF if ~a & b is. The condition comes as "not equal" or "equal".
void X64Lowering::AddVectorTest(Builder& builder, const Condition& condition) {
  const InstData& test = ctx_->data(condition.vector);
  const Value value = test.arg(0);
  const bool single = condition.single && ctx_->HasOneUse(value);
  const IrInst def = ctx_->DefInst(value);
  const Opcode opcode = def.is_some() ? ctx_->data(def).opcode() : Opcode::kNop;
  HasVectors();
  const auto use_carry = [&] {
    builder.inst.cc = builder.inst.cc == Cond::kNe ? Cond::kAe : Cond::kB;
  };
  const auto test_pair = [&](VReg a, const VectorRm& b) {
    builder.Use(a);
    AddVectorRm(builder, b);
  };
  const auto test_alone = [&](VReg reg) { builder.Use(reg).UseAny(reg); };
  const auto difference = [&](const InstData& compared) {
    const VReg a = VecReg(compared.arg(0));
    const VectorRm b = VectorRmOf(compared.arg(1), single);
    return Vec(SseRvmOp::kPxor, a, b);
  };
  constexpr Bits128 kOnes = {~uint64_t{0}, ~uint64_t{0}};
  if (test.opcode() == Opcode::kVanyTrue) {
    if (single && opcode == Opcode::kVand) {
      const VReg a = VecReg(ctx_->data(def).arg(0));
      const VectorRm b = VectorRmOf(ctx_->data(def).arg(1), single);
      test_pair(a, b);
    } else if (single && opcode == Opcode::kVandNot) {
      const VReg inverted = VecReg(ctx_->data(def).arg(1));
      const VectorRm b = VectorRmOf(ctx_->data(def).arg(0), single);
      test_pair(inverted, b);
      use_carry();
    } else if (single && opcode == Opcode::kVnot) {
      test_pair(VecReg(ctx_->data(def).arg(0)), kOnes);
      use_carry();
    } else if (single && opcode == Opcode::kVicmp && ctx_->data(def).int_cc() == IntCC::kNe) {
      test_alone(difference(ctx_->data(def)));
    } else {
      test_alone(VecReg(value));
    }
    return;
  }
  // Lanes of a comparison are all ones or zero, and so are lanes that are parts of these.
  const uint32_t bits = codegen::LaneBits(test.type());
  if (IsCompare(opcode) && codegen::LaneBits(ctx_->data(def).type()) >= bits) {
    const InstData& compared = ctx_->data(def);
    if (single && opcode == Opcode::kVicmp && compared.int_cc() == IntCC::kEq) {
      test_alone(difference(compared));
    } else if (single && opcode == Opcode::kVicmp &&
               CompareIsInverse(compared.type(), compared.int_cc())) {
      test_alone(CompareVectors(compared.type(), compared.int_cc(), compared.arg(0),
                                compared.arg(1), VReg()));
    } else {
      test_pair(VecReg(value), kOnes);
      use_carry();
    }
    return;
  }
  const VReg zero = Zero();
  const VectorRm lanes = VectorRmOf(value, condition.single);
  test_alone(Vec(kEquals[LaneIndex(test.type())], zero, lanes));
}

void X64Lowering::LowerVectorBitmask(IrInst inst) {
  const InstData& data = ctx_->data(inst);
  VReg value = VecReg(data.arg(0));
  const VReg result = ctx_->Result(inst);
  MaskToGprOp op;
  switch (codegen::LaneBits(data.type())) {
    case 8:
    case 16:
      op = MaskToGprOp::kPmovmskb;
      break;
    case 32:
      op = MaskToGprOp::kMovmskps;
      break;
    default:
      op = MaskToGprOp::kMovmskpd;
      break;
  }
  const bool words = data.type() == Type::kI16X8;
  // Saturation keeps the signs; what is in the upper half of the bytes is cut off.
  if (words) value = Vec(SseRvmOp::kPacksswb, value, value);
  const VReg mask = words ? NewInt() : result;
  Builder builder(Op::kVecMask, 16);
  builder.inst.sub = static_cast<uint8_t>(op);
  Emit(builder.Use(value).Def(mask));
  if (words) EmitZeroExtend(result, mask, 1);
}

}  // namespace gantry::x64
