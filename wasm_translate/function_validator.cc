#include "wasm_translate/function_validator.h"

namespace gantry::wasm {

bool IsConstantOperator(Opcode op, Features features) {
  switch (op) {
    case Opcode::kI32Const:
    case Opcode::kI64Const:
    case Opcode::kF32Const:
    case Opcode::kF64Const:
    case Opcode::kV128Const:
    case Opcode::kRefNull:
    case Opcode::kRefFunc:
    case Opcode::kGlobalGet:
    case Opcode::kEnd:
      return true;
    case Opcode::kI32Add:
    case Opcode::kI32Sub:
    case Opcode::kI32Mul:
    case Opcode::kI64Add:
    case Opcode::kI64Sub:
    case Opcode::kI64Mul:
      return features.Has(Feature::kExtendedConst);
    case Opcode::kStructNew:
    case Opcode::kStructNewDefault:
    case Opcode::kArrayNew:
    case Opcode::kArrayNewDefault:
    case Opcode::kArrayNewFixed:
    case Opcode::kRefI31:
    case Opcode::kAnyConvertExtern:
    case Opcode::kExternConvertAny:
      return features.Has(Feature::kGc);
    default:
      return false;
  }
}

template class FunctionValidator<NoVisitor>;

}  // namespace gantry::wasm
