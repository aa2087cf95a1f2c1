// Arithmetic, on numbers and on vectors: most of it by rules.
#include "wasm_translate/translator_rules.h"
#include "wasm_translate/translator_visitor.h"

namespace gantry::wasm {

using codegen::InstData;
using codegen::Type;
using codegen::Value;
using Ir = codegen::Opcode;
using Kind = ArithmeticRule::Kind;

namespace {

constexpr uint32_t kCanonicalNan32 = 0x7FC00000;
constexpr uint64_t kCanonicalNan64 = 0x7FF8000000000000;

}  // namespace

Value TranslatingVisitor::Emit(codegen::Opcode opcode, Type type,
                               std::initializer_list<Value> operands, uint16_t immediate) {
  InstData data(opcode, type, immediate);
  size_t i = 0;
  for (const Value operand : operands) data.set_arg(i++, operand);
  const Value value = func_->dfg.result(builder_.Insert(data));
  return choices_.canonical_nans ? WithCanonicalNans(opcode, type, value) : value;
}

Value TranslatingVisitor::WithCanonicalNans(codegen::Opcode opcode, Type type, Value value) {
  const Type floats = TypeOfNewNans(opcode, type);
  if (floats == Type::kInvalid) return value;
  const bool wide = codegen::LaneBits(floats) == 64;
  // Only a NaN is not equal to itself.
  if (!codegen::IsVector(floats)) {
    const Value is_number = builder_.Fcmp(codegen::FloatCC::kEq, value, value);
    const Value nan =
        wide ? builder_.F64const(kCanonicalNan64) : builder_.F32const(kCanonicalNan32);
    return builder_.Select(is_number, value, nan);
  }
  const Value are_numbers = builder_.Vfcmp(floats, codegen::FloatCC::kEq, value, value);
  const uint64_t bits = wide ? kCanonicalNan64 : uint64_t{kCanonicalNan32} << 32 | kCanonicalNan32;
  return builder_.Vbitselect(are_numbers, value, builder_.V128const(bits, bits));
}

void TranslatingVisitor::OnSimple(Opcode op) {
  At(op);
  const ArithmeticRule& rule = RuleOfArithmetic(op);
  switch (rule.kind) {
    case Kind::kPlain:
      switch (GetOperatorInfo(op).num_params) {
        case 1:
          Push(Emit(rule.opcode, rule.type, {Pop()}, rule.condition));
          return;
        default: {
          const Value right = Pop();
          const Value left = Pop();
          Push(Emit(rule.opcode, rule.type, {left, right}, rule.condition));
          return;
        }
      }
    case Kind::kEqualToZero: {
      const Value value = Pop();
      Push(builder_.Icmp(codegen::IntCC::kEq, value, builder_.Iconst(rule.type, 0)));
      return;
    }
    case Kind::kExtendInPlace:
      Push(builder_.Sextend(rule.type, builder_.Ireduce(rule.narrow, Pop())));
      return;
    case Kind::kTrappingConvert: {
      const TranslationTraps& traps = env_->traps();
      Push(Emit(
          rule.opcode, rule.type, {Pop()},
          InstData::PackTrapCodes(traps.invalid_conversion_to_integer, traps.integer_overflow)));
      return;
    }
    case Kind::kDivide: {
      const Value right = Pop();
      const Value left = Pop();
      Push(Emit(rule.opcode, rule.type, {left, right},
                static_cast<uint8_t>(env_->traps().integer_divide_by_zero)));
      return;
    }
    case Kind::kDivideSigned: {
      const Value right = Pop();
      const Value left = Pop();
      const TranslationTraps& traps = env_->traps();
      Push(Emit(rule.opcode, rule.type, {left, right},
                InstData::PackTrapCodes(traps.integer_divide_by_zero, traps.integer_overflow)));
      return;
    }
    case Kind::kNone:
      break;
  }
  switch (GetOperatorInfo(op).feature) {
    case Feature::kWideArithmetic:
      OnWideArithmetic(op);
      return;
    case Feature::kSimd:
      OnVectorTernary(op);
      return;
    case Feature::kRelaxedSimd:
      OnRelaxed(op);
      return;
    default:
      OnUnsupported(op);
      return;
  }
}

// Numbers of 128 bits are two operands, the low half first (the wide-arithmetic proposal).
void TranslatingVisitor::OnWideArithmetic(Opcode op) {
  codegen::InstBuilder::ValuePair result;
  switch (op) {
    case Opcode::kI64MulWideS:
    case Opcode::kI64MulWideU: {
      const Value right = Pop();
      const Value left = Pop();
      result = op == Opcode::kI64MulWideS ? builder_.SmulWide(left, right)
                                          : builder_.UmulWide(left, right);
      break;
    }
    case Opcode::kI64Add128:
    case Opcode::kI64Sub128: {
      const Value right_high = Pop();
      const Value right_low = Pop();
      const Value left_high = Pop();
      const Value left_low = Pop();
      if (op == Opcode::kI64Add128) {
        const auto [low, carry] = builder_.UaddOverflow(left_low, right_low);
        result = {low, builder_.UaddCarry(left_high, right_high, carry).first};
      } else {
        const auto [low, borrow] = builder_.UsubOverflow(left_low, right_low);
        result = {low, builder_.UsubBorrow(left_high, right_high, borrow).first};
      }
      break;
    }
    default:
      OnUnsupported(op);
      return;
  }
  Push(result.first);
  Push(result.second);
}

}  // namespace gantry::wasm
