// Algebra of vectors: what an instruction on vectors is the same as, by its operands and what
// defines them. The rules of codegen/rewrite are about scalars; these few are by hand, because
// lanes of a shuffle and masks of 128 bits are no terms of that language. They keep its laws: both
// sides the same by codegen/interp/semantics.h, the right one no dearer, and each step has fewer
// operations or fewer different operands.
//
//   const VectorResult same = SimplifyVector(dfg, inst);
//   if (same.value.is_some()) ...   // every use of the result may be one of that value
//   if (same.changed) ...           // same.inst may stand in the instruction's place
#ifndef GANTRY_CODEGEN_PASS_VECTOR_ALGEBRA_H_
#define GANTRY_CODEGEN_PASS_VECTOR_ALGEBRA_H_

#include "codegen/ir/function.h"

namespace gantry::codegen {

// Neither, or one of the two.
struct VectorResult {
  Value value;
  InstData inst;
  bool changed = false;
};

// The operands of `inst` and theirs are no aliases, and constants stand right in what commutes.
VectorResult SimplifyVector(const DataFlowGraph& dfg, Inst inst);

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_PASS_VECTOR_ALGEBRA_H_
