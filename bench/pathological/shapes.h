// The makers of modules behind Cases(), each compiled by `linear_test`.
#ifndef GANTRY_BENCH_PATHOLOGICAL_SHAPES_H_
#define GANTRY_BENCH_PATHOLOGICAL_SHAPES_H_

#include <cstdint>
#include <vector>

namespace gantry::bench {

using Bytes = std::vector<uint8_t>;

// ---- Whole modules, and straight code (straight_shapes.cc).
Bytes EmptyFunctions(uint32_t size);
Bytes DataSegment(uint32_t size);
Bytes DataSegments(uint32_t size);
Bytes Globals(uint32_t size);
Bytes ConstantsInCode(uint32_t size);
Bytes FloatConstantsInCode(uint32_t size);
Bytes Locals(uint32_t size);
Bytes LiveLocals(uint32_t size);
Bytes ChainOfAdds(uint32_t size);
Bytes ChainOfLoads(uint32_t size);
Bytes TreeOfAdds(uint32_t size);
Bytes DeepOperandStack(uint32_t size);
Bytes MemoryAccesses(uint32_t size);
Bytes StoresAndLoads(uint32_t size);
Bytes SelectsOfEarlyValues(uint32_t size);
Bytes Divisions(uint32_t size);

// ---- Branches (branch_shapes.cc).
Bytes ManyBlocks(uint32_t size);
Bytes TinyBlocksLongLives(uint32_t size);
Bytes TableOfTwoTargets(uint32_t size);
Bytes TableOfDistinctTargets(uint32_t size);
Bytes TablesInARow(uint32_t size);
Bytes ManyPredecessors(uint32_t size);
Bytes ManyPredecessorsManyLocals(uint32_t size);
Bytes NestedBlocks(uint32_t size);
Bytes NestedIfs(uint32_t size);
Bytes NestedElses(uint32_t size);
Bytes IfElsesInARow(uint32_t size);
Bytes SameConditions(uint32_t size);
Bytes BoundsChecks(uint32_t size);
Bytes EarlyReturns(uint32_t size);
Bytes ThreadedArguments(uint32_t size);

// ---- Loops and calls (loop_shapes.cc).
Bytes NestedLoops(uint32_t size);
Bytes NestedLoopsWithVariables(uint32_t size);
Bytes NestedLatches(uint32_t size);
Bytes HeadTestedLoop(uint32_t size);
Bytes TableIntoLoop(uint32_t size);
Bytes LoopsInARow(uint32_t size);
Bytes LoopsThatShareVariables(uint32_t size);
Bytes LoopOfManyBlocks(uint32_t size);
Bytes SwitchInALoop(uint32_t size);
Bytes ThreadedLoops(uint32_t size);
Bytes ThreadedStates(uint32_t size);
Bytes InvariantLoads(uint32_t size);
Bytes InlinedCalls(uint32_t size);
Bytes InlinedChain(uint32_t size);
Bytes CallsWithLiveValues(uint32_t size);
Bytes IndirectCalls(uint32_t size);
Bytes ReferencesOverCalls(uint32_t size);

}  // namespace gantry::bench

#endif  // GANTRY_BENCH_PATHOLOGICAL_SHAPES_H_
