// KnownZeros: which bits of a value are zero whatever the function is given. Looks a few
// definitions up and no further, so it costs little and knows little: masks, narrow loads,
// comparisons, extensions, shifts by constants.
//
//   KnownZeros(dfg, v) == 0xFFFFFF00   // v = uload8.i32 ...
#ifndef GANTRY_CODEGEN_REWRITE_KNOWN_BITS_H_
#define GANTRY_CODEGEN_REWRITE_KNOWN_BITS_H_

#include <cstdint>

#include "codegen/ir/function.h"

namespace gantry::codegen::rewrite {

// Bits above the type's width are not set. The value is an integer and no alias.
uint64_t KnownZeros(const DataFlowGraph& dfg, Value value);

// True if the float is no signalling NaN: the result of arithmetic, or a constant that is none.
bool IsArithmetic(const DataFlowGraph& dfg, Value value);

// What an instruction's operands say of its result: of `opcode` to `type`, with those bits of
// the first and second operand (of types `from`) known to be zero; a known constant second operand
// has all bits known. Exposed for its test.
uint64_t ZerosOfResult(Opcode opcode, Type type, Type from, uint64_t first, uint64_t second,
                       const uint64_t* second_constant);

}  // namespace gantry::codegen::rewrite

#endif  // GANTRY_CODEGEN_REWRITE_KNOWN_BITS_H_
