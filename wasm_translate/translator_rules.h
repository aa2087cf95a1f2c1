// What becomes of operators that are one instruction or two: rules found by the operator's
// number, made from the lists in translator_rules.cc. What takes more is written out where it is
// translated.
//
//   const ArithmeticRule& rule = RuleOfArithmetic(Opcode::kI32Add);   // {kPlain, kIadd, kI32}
#ifndef GANTRY_WASM_TRANSLATE_TRANSLATOR_RULES_H_
#define GANTRY_WASM_TRANSLATE_TRANSLATOR_RULES_H_

#include <cstdint>

#include "codegen/ir/opcodes.h"
#include "codegen/ir/types.h"
#include "wasm_translate/operators.h"

namespace gantry::wasm {

// An operator without immediates.
struct ArithmeticRule {
  enum class Kind : uint8_t {
    kNone,             // no rule
    kPlain,            // the operands in order
    kEqualToZero,      // compares its operand with zero
    kExtendInPlace,    // extends the low bits of its operand, as many as `narrow` has
    kTrappingConvert,  // traps on NaNs and out of range
    kDivide,           // traps on zero
    kDivideSigned,     // and on overflow
  };

  Kind kind = Kind::kNone;
  codegen::Opcode opcode = codegen::Opcode::kNop;
  // The controlling type: for vectors a shape.
  codegen::Type type = codegen::Type::kInvalid;
  codegen::Type narrow = codegen::Type::kInvalid;
  // Of a comparison: an IntCC or FloatCC.
  uint8_t condition = 0;
};

// A load: an access, and what makes the operator's value of what was read.
struct LoadRule {
  // kNop: no rule.
  codegen::Opcode opcode = codegen::Opcode::kNop;
  codegen::Type type = codegen::Type::kInvalid;
  // kNop: nothing more. Extensions of vectors first have the loaded value put in lane 0.
  codegen::Opcode then = codegen::Opcode::kNop;
  codegen::Type shape = codegen::Type::kInvalid;
};

// A load into or a store from one lane of a vector.
struct LaneAccessRule {
  codegen::Opcode opcode = codegen::Opcode::kNop;
  codegen::Type type = codegen::Type::kInvalid;
  codegen::Type shape = codegen::Type::kInvalid;
};

const ArithmeticRule& RuleOfArithmetic(Opcode op);
const LoadRule& RuleOfLoad(Opcode op);
// kNop where there is no rule.
codegen::Opcode RuleOfStore(Opcode op);
LaneAccessRule RuleOfLaneAccess(Opcode op);

// Whether the result may be a NaN whose bits WebAssembly leaves open, and if so the type by
// which it is made of floats; kInvalid if not ("NaN Propagation": operators on bits, copies and
// choices among operands give the bits they are given).
codegen::Type TypeOfNewNans(codegen::Opcode opcode, codegen::Type type);

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_TRANSLATOR_RULES_H_
