// What each opcode that computes means: one function per opcode, named as in opcodes.def,
// over a domain of bits (bit_vector.h). The interpreter and constant folding evaluate them
// over numbers; a solver's domain makes formulas of them. docs/ir_semantics.md says the same
// in words.
//
//   Semantics<ConcreteDomain>::Iadd(Type::kI8, BitVector(8, 255), BitVector(8, 2))  // 1
//
// The parameters of a function follow from the opcode's format; the interpreter's dispatch is
// made from the table, so an opcode without a definition here does not compile.
// scalar_semantics.h has the operations on scalars, vector_semantics.h makes those on vectors
// of them.
#ifndef GANTRY_CODEGEN_INTERP_SEMANTICS_H_
#define GANTRY_CODEGEN_INTERP_SEMANTICS_H_

#include "codegen/interp/bit_vector.h"
#include "codegen/interp/vector_semantics.h"

namespace gantry::codegen {

template <typename D>
struct Semantics : VectorSemantics<D> {};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_INTERP_SEMANTICS_H_
