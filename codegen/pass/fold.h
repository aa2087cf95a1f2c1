// Constant folding: what an instruction computes when all its operands are constants. By
// the definitions of codegen/interp/semantics.h, so to the bit.
//
//   std::optional<FoldedConstant> folded = FoldInst(func, inst);
#ifndef GANTRY_CODEGEN_PASS_FOLD_H_
#define GANTRY_CODEGEN_PASS_FOLD_H_

#include <cstdint>
#include <optional>

#include "codegen/ir/function.h"

namespace gantry::codegen {

// A constant of any type.
struct FoldedConstant {
  Type type;
  uint64_t bits;
  uint64_t high = 0;  // Of a vector.
};

// The bits of a scalar that a constant instruction defines.
std::optional<uint64_t> ConstantBits(const DataFlowGraph& dfg, Value value);

// The single result of a computing instruction, nothing where an operand is no constant, it
// would trap, or its result is a NaN of unspecified bits.
std::optional<FoldedConstant> FoldInst(const DataFlowGraph& dfg, Inst inst);

// The instruction that makes the constant.
InstData ConstantInst(const FoldedConstant& constant);

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_PASS_FOLD_H_
