// The ids of everything a function of the IR is made of.
#ifndef GANTRY_CODEGEN_IR_ENTITIES_H_
#define GANTRY_CODEGEN_IR_ENTITIES_H_

#include "codegen/code_records.h"
#include "entity/entity_id.h"

namespace gantry::codegen {

// An SSA value: the result of an instruction or a parameter of a block.
GANTRY_ENTITY_ID(Value, "v");
GANTRY_ENTITY_ID(Inst, "inst");
GANTRY_ENTITY_ID(Block, "block");
// A signature that calls of this function use.
GANTRY_ENTITY_ID(SigRef, "sig");
// A function that this one calls or takes the address of: a name and a signature.
GANTRY_ENTITY_ID(FuncRef, "fn");
// Bytes in this function's frame.
GANTRY_ENTITY_ID(StackSlot, "ss");
// The targets of a br_table.
GANTRY_ENTITY_ID(JumpTable, "jt");
// The landing places of a try_call.
GANTRY_ENTITY_ID(HandlerTable, "ht");
// Bytes of a constant wider than 64 bits.
GANTRY_ENTITY_ID(Constant, "const");
// A call whose callee's code stands in its place.
GANTRY_ENTITY_ID(InlineSite, "site");

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_IR_ENTITIES_H_
