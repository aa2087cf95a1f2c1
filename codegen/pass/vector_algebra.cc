#include "codegen/pass/vector_algebra.h"

#include <algorithm>
#include <array>
#include <initializer_list>

namespace gantry::codegen {
namespace {

constexpr uint64_t kOnes = ~uint64_t{0};

class Simplifier {
 public:
  Simplifier(const DataFlowGraph& dfg, const InstData& data)
      : dfg_(dfg), data_(data), type_(data.type()) {
    for (size_t i = 0; i < data.args().size(); ++i) arg_[i] = data.arg(i);
  }

  VectorResult Run() const {
    switch (data_.opcode()) {
      case Opcode::kVand:
        return And();
      case Opcode::kVor:
        return Or();
      case Opcode::kVxor:
        return Xor();
      case Opcode::kVandNot:
        return AndNot();
      case Opcode::kVbitselect:
        return Bitselect();
      case Opcode::kVblend:
        return Blend();
      // Twice is nothing.
      case Opcode::kVnot:
      case Opcode::kVneg:
      case Opcode::kVfneg:
        return SameOfSame();
      case Opcode::kVfabs:
        if (Def(0, Opcode::kVfabs) != nullptr) return Is(arg_[0]);
        if (const InstData* neg = Def(0, Opcode::kVfneg)) return Becomes({neg->arg(0)});
        return None();
      case Opcode::kVadd:
        return IsConstant(1, 0) ? Is(arg_[0]) : None();
      case Opcode::kVsub:
        if (arg_[0] == arg_[1]) return Constant(0);
        return IsConstant(1, 0) ? Is(arg_[0]) : None();
      case Opcode::kVmul:
        return IsConstant(1, 0) ? Is(arg_[1]) : None();
      case Opcode::kVminS:
      case Opcode::kVminU:
      case Opcode::kVmaxS:
      case Opcode::kVmaxU:
      case Opcode::kVavgU:
        return arg_[0] == arg_[1] ? Is(arg_[0]) : None();
      case Opcode::kVshl:
      case Opcode::kVshrS:
      case Opcode::kVshrU:
        return Shift();
      case Opcode::kVicmp:
        return Compare();
      case Opcode::kVshuffle:
        return Shuffle();
      case Opcode::kVswizzle:
      case Opcode::kVswizzleMasked:
        return Swizzle();
      case Opcode::kVextractU:
      case Opcode::kVextractS:
        return Extract();
      case Opcode::kVreplace:
        return Replace();
      default:
        return None();
    }
  }

 private:
  static VectorResult None() { return {}; }
  static VectorResult Is(Value value) { return {value, InstData(), false}; }
  static VectorResult Made(const InstData& inst) { return {Value::None(), inst, true}; }
  static VectorResult Constant(uint64_t both_halves) {
    InstData inst(Opcode::kV128const, Type::kV128);
    inst.set_v128(both_halves, both_halves);
    return Made(inst);
  }
  VectorResult Make(Opcode opcode, Type type, std::initializer_list<Value> args,
                    uint16_t immediate = 0) const {
    InstData inst(opcode, type, immediate);
    size_t i = 0;
    for (Value v : args) inst.set_arg(i++, v);
    return Made(inst);
  }
  // The same operation of other operands.
  VectorResult Becomes(std::initializer_list<Value> args) const {
    return Make(data_.opcode(), type_, args, data_.immediate());
  }

  // What defines an operand, if it has that opcode.
  const InstData* DefOf(Value value, Opcode opcode) const {
    const Inst def = dfg_.defining_inst(value);
    if (def.is_none() || dfg_.opcode(def) != opcode) return nullptr;
    return &dfg_.inst(def);
  }
  const InstData* Def(size_t i, Opcode opcode) const { return DefOf(arg_[i], opcode); }
  bool IsConstant(size_t i, uint64_t both_halves) const {
    const InstData* constant = Def(i, Opcode::kV128const);
    return constant != nullptr && constant->v128_low() == both_halves &&
           constant->v128_high() == both_halves;
  }

  VectorResult SameOfSame() const {
    const InstData* inner = Def(0, data_.opcode());
    return inner != nullptr && inner->type() == type_ ? Is(inner->arg(0)) : None();
  }
  VectorResult And() const {
    if (arg_[0] == arg_[1] || IsConstant(1, kOnes)) return Is(arg_[0]);
    if (IsConstant(1, 0)) return Is(arg_[1]);
    for (size_t i = 0; i < 2; ++i) {
      if (const InstData* inverse = Def(i, Opcode::kVnot)) {
        return Make(Opcode::kVandNot, Type::kV128, {arg_[1 - i], inverse->arg(0)});
      }
    }
    return None();
  }
  VectorResult Or() const {
    if (arg_[0] == arg_[1] || IsConstant(1, 0)) return Is(arg_[0]);
    return IsConstant(1, kOnes) ? Is(arg_[1]) : None();
  }
  VectorResult Xor() const {
    if (arg_[0] == arg_[1]) return Constant(0);
    if (IsConstant(1, 0)) return Is(arg_[0]);
    return IsConstant(1, kOnes) ? Make(Opcode::kVnot, Type::kV128, {arg_[0]}) : None();
  }
  VectorResult AndNot() const {
    if (arg_[0] == arg_[1] || IsConstant(1, kOnes)) return Constant(0);
    if (IsConstant(0, 0) || IsConstant(1, 0)) return Is(arg_[0]);
    if (IsConstant(0, kOnes)) return Make(Opcode::kVnot, Type::kV128, {arg_[1]});
    const InstData* inverse = Def(1, Opcode::kVnot);
    return inverse == nullptr ? None()
                              : Make(Opcode::kVand, Type::kV128, {arg_[0], inverse->arg(0)});
  }
  VectorResult Bitselect() const {
    const auto [mask, x, y] = arg_;
    if (x == y || IsConstant(0, kOnes)) return Is(x);
    if (IsConstant(0, 0)) return Is(y);
    if (const InstData* inverse = Def(0, Opcode::kVnot)) return Becomes({inverse->arg(0), y, x});
    if (IsConstant(2, 0)) {
      return IsConstant(1, kOnes) ? Is(mask) : Make(Opcode::kVand, Type::kV128, {x, mask});
    }
    if (IsConstant(1, 0)) return Make(Opcode::kVandNot, Type::kV128, {y, mask});
    if (IsConstant(1, kOnes)) return Make(Opcode::kVor, Type::kV128, {y, mask});
    return None();
  }
  VectorResult Blend() const {
    const auto [mask, x, y] = arg_;
    if (x == y || IsConstant(0, kOnes)) return Is(x);
    if (IsConstant(0, 0)) return Is(y);
    const InstData* inverse = Def(0, Opcode::kVnot);
    return inverse == nullptr ? None() : Becomes({inverse->arg(0), y, x});
  }
  VectorResult Shift() const {
    const InstData* amount = Def(1, Opcode::kIconst);
    if (amount == nullptr) return None();
    return amount->const_bits() % LaneBits(type_) == 0 ? Is(arg_[0]) : None();
  }
  VectorResult Compare() const {
    if (arg_[0] != arg_[1]) return None();
    switch (data_.int_cc()) {
      case IntCC::kEq:
      case IntCC::kSge:
      case IntCC::kSle:
      case IntCC::kUge:
      case IntCC::kUle:
        return Constant(kOnes);
      default:
        return Constant(0);
    }
  }

  static VectorResult ShuffleOf(Value x, Value y, const ShuffleLanes& lanes) {
    InstData inst(Opcode::kVshuffle, Type::kI8X16);
    inst.set_arg(0, x);
    inst.set_arg(1, y);
    inst.set_shuffle_lanes(lanes);
    return Made(inst);
  }
  // Lanes of one vector: with itself as the second, numbers below 16.
  VectorResult Shuffle() const {
    const auto [x, y, none] = arg_;
    ShuffleLanes lanes = data_.shuffle_lanes();
    const bool from_x = std::all_of(lanes.begin(), lanes.end(), [](uint8_t i) { return i < 16; });
    const bool from_y = std::all_of(lanes.begin(), lanes.end(), [](uint8_t i) { return i >= 16; });
    if (x != y && !from_x && !from_y) return None();
    for (uint8_t& lane : lanes) lane %= 16;
    const Value source = from_y ? y : x;
    bool identity = true;
    for (uint8_t i = 0; i < 16; ++i) identity &= lanes[i] == i;
    if (identity) return Is(source);
    if (const InstData* inner = DefOf(source, Opcode::kVshuffle)) {
      ShuffleLanes through;
      for (size_t i = 0; i < 16; ++i) through[i] = inner->shuffle_lanes()[lanes[i]];
      const auto is_first = [](uint8_t i) { return i < 16; };
      // Two cheap shuffles of two vectors can make one that is dear; of one it never is.
      if (inner->arg(0) == inner->arg(1) || std::all_of(through.begin(), through.end(), is_first) ||
          std::none_of(through.begin(), through.end(), is_first)) {
        return ShuffleOf(inner->arg(0), inner->arg(1), through);
      }
    }
    if (DefOf(source, Opcode::kVsplat) != nullptr &&
        LaneBits(DefOf(source, Opcode::kVsplat)->type()) == 8) {
      return Is(source);
    }
    if (x == y && lanes == data_.shuffle_lanes()) return None();
    return ShuffleOf(source, source, lanes);
  }
  // By constant indices that all are of lanes there are.
  VectorResult Swizzle() const {
    const InstData* indices = Def(1, Opcode::kV128const);
    if (indices == nullptr) return None();
    ShuffleLanes lanes;
    for (uint32_t i = 0; i < 16; ++i) {
      const uint64_t half = i < 8 ? indices->v128_low() : indices->v128_high();
      lanes[i] = static_cast<uint8_t>(half >> i % 8 * 8);
      if (data_.opcode() == Opcode::kVswizzleMasked && lanes[i] < 128) lanes[i] %= 16;
      if (lanes[i] > 15) return None();
    }
    return ShuffleOf(arg_[0], arg_[0], lanes);
  }

  VectorResult Extract() const {
    const bool whole = LaneBits(type_) == TypeBits(LaneScalar(type_));
    if (const InstData* splat = Def(0, Opcode::kVsplat)) {
      if (splat->type() == type_ && whole) return Is(splat->arg(0));
    }
    if (const InstData* scalar = Def(0, Opcode::kVscalar)) {
      if (scalar->type() == type_ && data_.lane() == 0) return Is(scalar->arg(0));
    }
    if (const InstData* replace = Def(0, Opcode::kVreplace)) {
      if (replace->type() != type_) return None();
      if (replace->lane() != data_.lane()) return Becomes({replace->arg(0)});
      if (whole) return Is(replace->arg(1));
    }
    return None();
  }
  // What is replaced twice is as the second time.
  VectorResult Replace() const {
    const InstData* inner = Def(0, Opcode::kVreplace);
    if (inner == nullptr || inner->type() != type_ || inner->lane() != data_.lane()) return None();
    return Becomes({inner->arg(0), arg_[1]});
  }

  const DataFlowGraph& dfg_;
  const InstData& data_;
  const Type type_;
  std::array<Value, 3> arg_;
};

}  // namespace

VectorResult SimplifyVector(const DataFlowGraph& dfg, Inst inst) {
  const InstData& data = dfg.inst(inst);
  if (!IsVector(data.type()) || data.args().empty()) return {};
  return Simplifier(dfg, data).Run();
}

}  // namespace gantry::codegen
