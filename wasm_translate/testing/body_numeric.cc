// Steps on numbers, vectors and variables.
#include <algorithm>

#include "absl/strings/match.h"
#include "wasm_translate/testing/body_generator.h"

namespace gantry::wasm::testing {
namespace {

ValType TypeOf(uint8_t kind) { return ValType::OfSimpleKind(static_cast<ValType::Kind>(kind)); }

// Whether the specification leaves open which NaN the operator gives.
bool HasOpenNan(Opcode op) {
  const OperatorInfo& info = GetOperatorInfo(op);
  if (info.op_class != OperatorClass::kSimple || info.num_results != 1) return false;
  const absl::string_view name = info.name;
  const size_t dot = name.find('.');
  const absl::string_view shape = name.substr(0, dot);
  if (shape != "f32" && shape != "f64" && shape != "f32x4" && shape != "f64x2") return false;
  const absl::string_view what = name.substr(dot + 1);
  for (absl::string_view each :
       {"ceil", "floor", "trunc", "nearest", "sqrt", "add", "sub", "mul", "div", "min", "max"}) {
    if (what == each) return true;
  }
  return absl::StartsWith(what, "demote") || absl::StartsWith(what, "promote") ||
         absl::StartsWith(what, "relaxed");
}

bool IsDivision(Opcode op) {
  return (op >= Opcode::kI32DivS && op <= Opcode::kI32RemU) ||
         (op >= Opcode::kI64DivS && op <= Opcode::kI64RemU);
}

bool IsTruncation(Opcode op) {
  return (op >= Opcode::kI32TruncF32S && op <= Opcode::kI32TruncF64U) ||
         (op >= Opcode::kI64TruncF32S && op <= Opcode::kI64TruncF64U);
}

}  // namespace

bool BodyGenerator::MayTrap(Opcode op) { return IsDivision(op) || IsTruncation(op); }

bool BodyGenerator::StepConstant() {
  const ValType type = context_.Has(Feature::kSimd) && source_.Percent(20)
                           ? ValType::V128()
                           : context_.SomeNumericType();
  ProduceConstant(type);
  return true;
}

bool BodyGenerator::StepVariable() {
  const size_t choice = source_.Below(5);
  if (choice >= 3) {
    if (module_.globals.empty()) return false;
    const GlobalIndex global = GlobalIndex::FromIndex(source_.Below(module_.globals.size()));
    const GlobalType type = module_.globals[global];
    if (choice == 4 && type.is_mutable) {
      Need({type.content});
      Op(Opcode::kGlobalSet, {global.raw()});
      Take(1);
    } else {
      Op(Opcode::kGlobalGet, {global.raw()});
      Push(type.content);
    }
    return true;
  }
  if (locals_.empty()) return false;
  const uint32_t local = static_cast<uint32_t>(source_.Below(locals_.size()));
  const ValType type = locals_[local].type;
  if (choice == 0) {
    if (!locals_[local].is_set) return false;
    Op(Opcode::kLocalGet, {local});
    Push(type);
    return true;
  }
  if (locals_[local].reserved) return false;
  Need({type});
  Take(1);
  Op(choice == 1 ? Opcode::kLocalSet : Opcode::kLocalTee, {local});
  MarkSet(local);
  if (choice == 2) Push(type);
  return true;
}

bool BodyGenerator::StepNumeric() {
  const Opcode op = source_.Pick(operators_.numeric);
  if (context_.executable() && (CarefulDivision(op) || CarefulTruncation(op))) {
    Simple(op);
    return true;
  }
  const OperatorInfo& info = GetOperatorInfo(op);
  std::vector<ValType> params;
  for (size_t i = 0; i < info.num_params; ++i) params.push_back(TypeOf(info.params[i]));
  Need(params);
  Simple(op);
  return true;
}

void BodyGenerator::Simple(Opcode op) {
  const OperatorInfo& info = GetOperatorInfo(op);
  Op(op);
  Take(info.num_params);
  for (size_t i = 0; i < info.num_results; ++i) Push(TypeOf(info.results[i]));
  if (options_.canonicalize_nans) CanonicalizeNan(op);
}

// Makes the operands of a division: the divisor is odd, so that it is not zero.
bool BodyGenerator::CarefulDivision(Opcode op) {
  if (!IsDivision(op) || !Careful()) return false;
  const ValType type = TypeOf(GetOperatorInfo(op).params[0]);
  const bool wide = type == ValType::I64();
  Need({type});
  Produce(type, 0);
  ProduceInteger(wide ? IndexType::kI64 : IndexType::kI32, 1);
  Simple(wide ? Opcode::kI64Or : Opcode::kI32Or);
  return true;
}

// Makes the operand of a conversion to an integer: half of some integer, so that it is in
// range and no NaN.
bool BodyGenerator::CarefulTruncation(Opcode op) {
  if (!IsTruncation(op) || !Careful()) return false;
  const bool wide = TypeOf(GetOperatorInfo(op).params[0]) == ValType::F64();
  const bool is_signed = absl::EndsWith(OpcodeName(op), "_s");
  Need({ValType::I32()});
  if (wide) {
    Simple(is_signed ? Opcode::kF64ConvertI32S : Opcode::kF64ConvertI32U);
  } else {
    Simple(is_signed ? Opcode::kF32ConvertI32S : Opcode::kF32ConvertI32U);
  }
  Op(wide ? Opcode::kF64Const : Opcode::kF32Const);
  wide ? code_.Fixed64(0x3FE0000000000000) : code_.Fixed32(0x3F000000);
  Push(wide ? ValType::F64() : ValType::F32());
  Simple(wide ? Opcode::kF64Mul : Opcode::kF32Mul);
  return true;
}

void BodyGenerator::CanonicalizeNan(Opcode op) {
  if (!HasOpenNan(op)) return;
  // x, or the canonical NaN where x is not equal to itself.
  const ValType type = stack_.back();
  const bool in_vector = type.is_vector();
  const bool wide = absl::StartsWith(OpcodeName(op), "f64");
  std::optional<uint32_t>& local =
      nan_locals_[static_cast<int>(type.kind()) - static_cast<int>(ValType::Kind::kF32)];
  if (!local.has_value()) {
    local = AddLocal(type);
    locals_[*local].reserved = true;
    // Nobody else reads it: what it holds is not determined.
    locals_[*local].is_set = false;
  }
  Op(Opcode::kLocalTee, {*local});
  if (in_vector) {
    Op(Opcode::kV128Const);
    const uint64_t nan = wide ? 0x7FF8000000000000 : 0x7FC000007FC00000;
    code_.Fixed64(nan).Fixed64(nan);
  } else {
    Op(wide ? Opcode::kF64Const : Opcode::kF32Const);
    wide ? code_.Fixed64(0x7FF8000000000000) : code_.Fixed32(0x7FC00000);
  }
  Op(Opcode::kLocalGet, {*local});
  Op(Opcode::kLocalGet, {*local});
  if (in_vector) {
    Op(wide ? Opcode::kF64x2Eq : Opcode::kF32x4Eq);
    Op(Opcode::kV128Bitselect);
  } else {
    Op(wide ? Opcode::kF64Eq : Opcode::kF32Eq);
    Op(Opcode::kSelect);
  }
}

bool BodyGenerator::StepVector() {
  const Opcode op = source_.Pick(operators_.vector);
  if (op == Opcode::kV128Const) {
    ProduceConstant(ValType::V128());
    return true;
  }
  const OperatorInfo& info = GetOperatorInfo(op);
  std::vector<ValType> params;
  if (op == Opcode::kI8x16Shuffle) params = {ValType::V128(), ValType::V128()};
  for (size_t i = 0; i < info.num_params; ++i) params.push_back(TypeOf(info.params[i]));
  Need(params);
  if (op == Opcode::kI8x16Shuffle) {
    Op(op);
    for (int i = 0; i < 16; ++i) code_.U8(static_cast<uint8_t>(source_.Below(32)));
    Take(2);
    Push(ValType::V128());
  } else if (info.op_class == OperatorClass::kLane) {
    Op(op);
    code_.U8(static_cast<uint8_t>(source_.Below(info.align_or_lanes)));
    Take(info.num_params);
    Push(TypeOf(info.results[0]));
  } else {
    Simple(op);
  }
  return true;
}

bool BodyGenerator::StepParametric() {
  switch (source_.Below(4)) {
    case 0:
      Op(Opcode::kNop);
      return true;
    case 1:
      if (available() == 0 && !innermost().unreachable) return false;
      Op(Opcode::kDrop);
      Take(1);
      return true;
    case 2: {
      // Without a type: of two numbers or vectors.
      ValType type = context_.SomeNumericType();
      if (context_.Has(Feature::kSimd) && source_.Percent(20)) type = ValType::V128();
      if (available() > 0 && !stack_.back().is_ref() && !stack_.back().is_bottom()) {
        type = stack_.back();
      }
      Need({type, type, ValType::I32()});
      Op(Opcode::kSelect);
      Take(1);
      const ValType second = Pop();
      const ValType first = Pop();
      Push(first.is_bottom() ? second : first);
      return true;
    }
    default: {
      if (!context_.Has(Feature::kReferenceTypes)) return false;
      ValType type = context_.SomeValType();
      if (available() > 0 && context_.IsAllowed(stack_.back()) && source_.Percent(50)) {
        type = context_.SomeSupertype(stack_.back());
      }
      Need({type, type, ValType::I32()});
      Op(Opcode::kSelectTyped);
      code_.VarU32(1).Type(type);
      Take(3);
      Push(type);
      return true;
    }
  }
}

}  // namespace gantry::wasm::testing
