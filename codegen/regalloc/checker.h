// The checker proves that an allocation does what its input says, by abstract interpretation.
//
// Definition. A place is a register, or a run of spill words together with the class it was last
// written at. A state maps each place to the set of virtual registers whose current value it is
// known to hold. A program is checked from the empty state at the entry; where control flow
// joins, places keep the intersection. The steps are
//   edit `to = from`       to := from, if both are of one class; all overlapping words are lost
//   edit by doing again    to := the constant, a place of its own that nothing overwrites and that
//                          holds what the instruction defines from the start
//   use of v at place p    demands v in p, and p as the constraint says
//   clobber of r           r := {}
//   definition of v at p   v leaves all sets; p := {v}
//   kMove v to w at p      demands v in p; w leaves all sets and joins p
//   safepoint              demands that each reference that lives across it is in a listed slot,
//                          and that each listed slot holds a reference; all other places that
//                          held a reference are empty afterwards
//   edge with arguments    the parameters leave all sets and join those that held the argument
// in the order that interface.h gives to the parts of an instruction. An allocation is accepted
// if every demand holds at the fixed point. Then, by induction over any execution, each use reads
// the value that the input gives it. Liveness of references is computed here anew.
//
// What it does not prove: that the input is what was meant (lowering, clobber sets, reference
// marks), that the emitter does as the output says, that an instruction marked as one that can
// be done again is one, that prologue and epilogue save what they should, and debug locations. It
// may refuse a correct allocation that depends on two values being equal other than by kMove and
// by edges; the allocator makes none of those.
#ifndef GANTRY_CODEGEN_REGALLOC_CHECKER_H_
#define GANTRY_CODEGEN_REGALLOC_CHECKER_H_

#include "absl/status/status.h"
#include "codegen/regalloc/interface.h"

namespace gantry::codegen::regalloc {

// OK, or kInternal with the instruction and the demand that fails. Needs memory in proportion to
// blocks times places: for tests, fuzzing and debugging, not for every compilation.
absl::Status CheckAllocation(const Input& input, const MachineEnv& env, const Output& output);

// OK, or kInvalidArgument if the input breaks a rule of interface.h: shapes of blocks and edges,
// positions in range, single definitions that dominate their uses, constraints that make sense.
absl::Status ValidateInput(const Input& input, const MachineEnv& env);

}  // namespace gantry::codegen::regalloc

#endif  // GANTRY_CODEGEN_REGALLOC_CHECKER_H_
