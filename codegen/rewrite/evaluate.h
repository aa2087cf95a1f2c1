// Evaluates terms of rules by the definitions of codegen/interp/semantics.h over a domain:
// numbers for tests, formulas for the solver.
//
//   Evaluator<ConcreteDomain> evaluator(rule, types, values, constants, conditions);
//   Evaluation<ConcreteDomain> left = evaluator.Left();
#ifndef GANTRY_CODEGEN_REWRITE_EVALUATE_H_
#define GANTRY_CODEGEN_REWRITE_EVALUATE_H_

#include <bit>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "base/check.h"
#include "codegen/interp/semantics.h"
#include "codegen/rewrite/constant_functions.h"
#include "codegen/rewrite/rule.h"

namespace gantry::codegen::rewrite {

// The low bits of a number in a rule.
inline uint64_t LiteralBits(const Node& node, Type type) {
  if (node.is_width) return TypeBits(type);
  if (!node.is_float) return static_cast<uint64_t>(node.literal) & TypeMask(type);
  const double value = std::bit_cast<double>(node.literal);
  return type == Type::kF32 ? std::bit_cast<uint32_t>(static_cast<float>(value))
                            : std::bit_cast<uint64_t>(value);
}

// What a side does. Of an instruction without results, `outputs` has what it depends on: the
// address and the bytes stored of an access, 1 or 0 for a condition.
template <typename D>
struct Evaluation {
  std::vector<typename D::Bits> outputs;
  typename D::Bool first_trap;
  typename D::Bool second_trap;
};

template <typename D>
class Evaluator {
 public:
  using Bits = typename D::Bits;
  using Bool = typename D::Bool;
  using Sem = Semantics<D>;

  // A type per entry of rule.types; bits per value and constant; a code per condition.
  Evaluator(const Rule& rule, const std::vector<Type>& types, std::vector<Bits> values,
            std::vector<Bits> constants, std::vector<uint8_t> conditions)
      : rule_(rule),
        types_(types),
        values_(std::move(values)),
        constants_(std::move(constants)),
        conditions_(std::move(conditions)),
        first_trap_(False()),
        second_trap_(False()) {}

  Evaluation<D> Left() { return Side({rule_.left}); }
  Evaluation<D> Right() { return Side(rule_.right); }
  Bits Term(uint32_t id) { return Results(id)[rule_.nodes[id].result]; }

  // What the guards say, those over types and conditions included. Of a value that is "zero"
  // or "arithmetic" it says what is known of it then.
  Bool Guards() {
    Bool all = D::BoolNot(False());
    for (const Guard& guard : rule_.guards) {
      const Bool holds = Holds(guard);
      all = D::BoolAnd(all, guard.negated ? D::BoolNot(holds) : holds);
    }
    return all;
  }

 private:
  static Bool False() { return D::Eq(D::Constant(1, 0), D::Constant(1, 1)); }
  static Bool Boolean(bool value) { return value ? D::BoolNot(False()) : False(); }
  Type TypeAt(uint32_t index) const {
    return index == Node::kNoType ? Type::kInvalid : types_[index];
  }

  Bool Holds(const Guard& guard) {
    switch (ShapeOf(guard.kind)) {
      case GuardShape::kTypes:
        return Boolean(guard.kind == GuardKind::kNarrower
                           ? TypeBits(types_[guard.types[0]]) < TypeBits(types_[guard.types[1]])
                           : TypeBits(types_[guard.types[0]]) == guard.bits);
      case GuardShape::kConditions: {
        bool found = false;
        for (uint8_t code : guard.codes) found |= code == conditions_[guard.condition];
        return Boolean(found);
      }
      case GuardShape::kValueAndConstant: {
        const Bits x = Term(guard.terms[0]);
        return D::Eq(D::And(x, Term(guard.terms[1])), D::Constant(D::Width(x), 0));
      }
      case GuardShape::kValue: {
        const Bits x = Term(guard.terms[0]);
        const Type type = TypeAt(rule_.nodes[guard.terms[0]].value_type);
        const uint64_t quiet = uint64_t{1} << (type == Type::kF32 ? 22 : 51);
        const Bits zero = D::Constant(D::Width(x), 0);
        return D::BoolOr(D::BoolNot(Sem::IsNan(type, x)),
                         D::BoolNot(D::Eq(D::And(x, D::Constant(D::Width(x), quiet)), zero)));
      }
      default: {
        const Bits x = Term(guard.terms[0]);
        if constexpr (std::is_same_v<D, ConcreteDomain>) {
          if (IsConcreteGuard(guard.kind)) return EvaluateConcreteGuard(guard.kind, x);
        }
        return EvaluateGuard<D>(guard.kind, x, guard.terms.size() > 1 ? Term(guard.terms[1]) : x);
      }
    }
  }

  Evaluation<D> Side(const std::vector<uint32_t>& terms) {
    first_trap_ = second_trap_ = False();
    std::vector<Bits> outputs;
    for (uint32_t id : terms) {
      const Node& node = rule_.nodes[id];
      const Format format =
          node.kind == Node::Kind::kOp ? Info(node.opcode).format : Format::kNullary;
      if (format == Format::kLoad || format == Format::kStore) {
        outputs.push_back(
            D::Add(Term(node.args[format == Format::kLoad ? 0 : 1]), Term(node.offset)));
        if (format == Format::kStore) {
          outputs.push_back(D::Extract(Term(node.args[0]), 0, StoredBits(node)));
        }
      } else if (format == Format::kCondTrap || format == Format::kBranch) {
        Bool condition = Sem::IsTrue(Term(node.args[0]));
        if (node.opcode == Opcode::kTrapz) condition = D::BoolNot(condition);
        outputs.push_back(D::Ite(condition, D::Constant(1, 1), D::Constant(1, 0)));
      } else if (terms.size() > 1 || rule_.nodes[id].result != 0) {
        outputs.push_back(Term(id));
      } else {
        for (const Bits& bits : Results(id)) outputs.push_back(bits);
      }
    }
    return {std::move(outputs), first_trap_, second_trap_};
  }
  uint32_t StoredBits(const Node& node) const {
    switch (node.opcode) {
      case Opcode::kIstore8:
        return 8;
      case Opcode::kIstore16:
        return 16;
      case Opcode::kIstore32:
        return 32;
      default:
        return TypeBits(types_[node.type]);
    }
  }

  std::vector<Bits> Results(uint32_t id) {
    const Node& node = rule_.nodes[id];
    switch (node.kind) {
      case Node::Kind::kValue:
        return {values_[node.variable]};
      case Node::Kind::kConstant:
        return {constants_[node.variable]};
      case Node::Kind::kLiteral: {
        const Type type = types_[node.value_type];
        return {D::Constant(TypeBits(type), LiteralBits(node, type))};
      }
      case Node::Kind::kFunction:
        if constexpr (std::is_same_v<D, ConcreteDomain>) {
          return {EvaluateFunction(node.function, Term(node.args[0]))};
        }
        UNREACHABLE();
      case Node::Kind::kOp:
        return Operation(node);
    }
    UNREACHABLE();
  }

  std::vector<Bits> Unpack(const Bits& x) { return {x}; }
  std::vector<Bits> Unpack(const typename Sem::Pair& pair) { return {pair.first, pair.second}; }
  std::vector<Bits> Unpack(const typename Sem::Guarded& guarded) {
    first_trap_ = D::BoolOr(first_trap_, guarded.first_trap);
    second_trap_ = D::BoolOr(second_trap_, guarded.second_trap);
    return {guarded.value};
  }

  uint8_t Code(const ConditionTerm& term, bool is_float) const {
    uint8_t code = term.is_variable ? conditions_[term.variable] : term.code;
    if (is_float) {
      FloatCC cc = static_cast<FloatCC>(code);
      if (term.swapped) cc = Swapped(cc);
      if (term.inverse) cc = Inverse(cc);
      return static_cast<uint8_t>(cc);
    }
    IntCC cc = static_cast<IntCC>(code);
    if (term.swapped) cc = Swapped(cc);
    if (term.inverse) cc = Inverse(cc);
    return static_cast<uint8_t>(cc);
  }

  std::vector<Bits> Operation(const Node& node) {
    std::vector<Bits> x;
    for (uint32_t arg : node.args) x.push_back(Term(arg));
    const Type type = TypeAt(node.type);
    const Type from =
        node.args.empty() ? Type::kInvalid : TypeAt(rule_.nodes[node.args[0]].value_type);
    switch (node.opcode) {
#define GANTRY_EVALUATE_Unary(Camel) \
  case Opcode::k##Camel:             \
    return Unpack(Sem::Camel(type, x[0]));
#define GANTRY_EVALUATE_Convert(Camel) \
  case Opcode::k##Camel:               \
    return Unpack(Sem::Camel(type, from, x[0]));
#define GANTRY_EVALUATE_TrappingConvert(Camel) GANTRY_EVALUATE_Convert(Camel)
#define GANTRY_EVALUATE_Binary(Camel) \
  case Opcode::k##Camel:              \
    return Unpack(Sem::Camel(type, x[0], x[1]));
#define GANTRY_EVALUATE_BinaryPair(Camel) GANTRY_EVALUATE_Binary(Camel)
#define GANTRY_EVALUATE_Division(Camel) GANTRY_EVALUATE_Binary(Camel)
#define GANTRY_EVALUATE_SignedDivision(Camel) GANTRY_EVALUATE_Binary(Camel)
#define GANTRY_EVALUATE_TernaryPair(Camel) \
  case Opcode::k##Camel:                   \
    return Unpack(Sem::Camel(type, x[0], x[1], x[2]));
#define GANTRY_EVALUATE_Select(Camel) GANTRY_EVALUATE_TernaryPair(Camel)
#define GANTRY_EVALUATE_IntCompare(Camel) \
  case Opcode::k##Camel:                  \
    return Unpack(Sem::Camel(type, static_cast<IntCC>(Code(node.condition, false)), x[0], x[1]));
#define GANTRY_EVALUATE_FloatCompare(Camel) \
  case Opcode::k##Camel:                    \
    return Unpack(Sem::Camel(type, static_cast<FloatCC>(Code(node.condition, true)), x[0], x[1]));
      // No others compute, or rules have nothing to do with them.
#define GANTRY_EVALUATE_V128Const(Camel)
#define GANTRY_EVALUATE_Ternary(Camel)
#define GANTRY_EVALUATE_Lane(Camel)
#define GANTRY_EVALUATE_LaneBinary(Camel)
#define GANTRY_EVALUATE_Shuffle(Camel)
#define GANTRY_EVALUATE_AtomicLoad(Camel)
#define GANTRY_EVALUATE_AtomicStore(Camel)
#define GANTRY_EVALUATE_AtomicRmw(Camel)
#define GANTRY_EVALUATE_AtomicCas(Camel)
#define GANTRY_EVALUATE_Nullary(Camel)
#define GANTRY_EVALUATE_Effect(Camel)
#define GANTRY_EVALUATE_IntConst(Camel)
#define GANTRY_EVALUATE_F32Const(Camel)
#define GANTRY_EVALUATE_F64Const(Camel)
#define GANTRY_EVALUATE_Load(Camel)
#define GANTRY_EVALUATE_Store(Camel)
#define GANTRY_EVALUATE_StackAddr(Camel)
#define GANTRY_EVALUATE_StackLoad(Camel)
#define GANTRY_EVALUATE_StackStore(Camel)
#define GANTRY_EVALUATE_FuncAddr(Camel)
#define GANTRY_EVALUATE_Call(Camel)
#define GANTRY_EVALUATE_CallIndirect(Camel)
#define GANTRY_EVALUATE_ReturnCall(Camel)
#define GANTRY_EVALUATE_ReturnCallIndirect(Camel)
#define GANTRY_EVALUATE_TryCall(Camel)
#define GANTRY_EVALUATE_TryCallIndirect(Camel)
#define GANTRY_EVALUATE_Jump(Camel)
#define GANTRY_EVALUATE_Branch(Camel)
#define GANTRY_EVALUATE_BranchTable(Camel)
#define GANTRY_EVALUATE_Return(Camel)
#define GANTRY_EVALUATE_Trap(Camel)
#define GANTRY_EVALUATE_CondTrap(Camel)
#define GANTRY_EVALUATE_TierCheck(Camel)
#define GANTRY_EVALUATE_Charge(Camel)
#define GANTRY_EVALUATE_Poll(Camel)
#define OP(Camel, name, format, ...) GANTRY_EVALUATE_##format(Camel)
#include "codegen/ir/opcodes.def"
#undef OP
      default:
        UNREACHABLE();
    }
  }

  const Rule& rule_;
  const std::vector<Type>& types_;
  std::vector<Bits> values_;
  std::vector<Bits> constants_;
  std::vector<uint8_t> conditions_;
  Bool first_trap_;
  Bool second_trap_;
};

}  // namespace gantry::codegen::rewrite

#endif  // GANTRY_CODEGEN_REWRITE_EVALUATE_H_
