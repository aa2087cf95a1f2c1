#include "bench/pathological/cases.h"

#include "bench/pathological/shapes.h"

namespace gantry::bench {
namespace {

constexpr Case kCases[] = {
    {"empty_functions", "functions of nothing", 100'000, EmptyFunctions},
    {"data", "bytes of one data segment", 10'000'000, DataSegment},
    {"data_segments", "data segments of 100 bytes", 100'000, DataSegments},
    {"globals", "globals, each read and written by a function of its own", 20'000, Globals},
    {"constants", "constants of 8 bytes in code", 400'000, ConstantsInCode},
    {"float_constants", "floating-point constants in code", 400'000, FloatConstantsInCode},
    {"locals", "locals, each set and read", 100'000, Locals},
    {"live_locals", "locals that live through a loop", 50'000, LiveLocals},
    {"adds", "additions, each of the one before", 20'000, ChainOfAdds},
    {"loads", "loads, each from where the one before says", 20'000, ChainOfLoads},
    {"tree", "leaves of a balanced tree of additions", 65'536, TreeOfAdds},
    {"operand_stack", "operands on the stack at once", 50'000, DeepOperandStack},
    {"accesses", "loads and stores of the same few places", 50'000, MemoryAccesses},
    {"stores_and_loads", "stores that are all read again", 50'000, StoresAndLoads},
    {"selects", "selects between values from the function's start", 50'000, SelectsOfEarlyValues},
    {"divisions", "divisions by constants and by variables", 30'000, Divisions},

    {"blocks", "blocks, each left by a br_if", 500'000, ManyBlocks},
    {"tiny_blocks", "blocks of an addition, between definition and use of 64 values", 50'000,
     TinyBlocksLongLives},
    {"table_two", "entries of a br_table to two labels", 50'000, TableOfTwoTargets},
    {"table_distinct", "entries of a br_table to labels of their own", 50'000,
     TableOfDistinctTargets},
    {"tables", "br_tables of ten entries", 10'000, TablesInARow},
    {"predecessors", "branches to one label, each with a value", 10'000, ManyPredecessors},
    {"predecessors_locals", "branches to one label, between which 20 locals change", 10'000,
     ManyPredecessorsManyLocals},
    {"nested_blocks", "blocks around one another", 100'000, NestedBlocks},
    {"nested_ifs", "ifs in one another", 50'000, NestedIfs},
    {"nested_elses", "ifs in the else of the one before, as of a long else-if", 50'000,
     NestedElses},
    {"if_elses", "ifs with else in a row, on loaded data", 50'000, IfElsesInARow},
    {"same_conditions", "ifs in a row on two conditions in turn", 50'000, SameConditions},
    {"bounds_checks", "comparisons of one index with growing bounds", 50'000, BoundsChecks},
    {"returns", "returns out of ifs, each with the sum so far", 50'000, EarlyReturns},
    {"threaded_arguments", "edges whose way on is known, and that many values that it passes",
     4'000, ThreadedArguments},

    {"nested_loops", "loops around one another", 20'000, NestedLoops},
    {"nested_variables", "loops around one another, each with a variable of its own", 2'000,
     NestedLoopsWithVariables},
    {"nested_latches", "loops around one another, each with a branch to the outermost", 20'000,
     NestedLatches},
    {"head_tested", "variables of a loop that is left at its head", 20'000, HeadTestedLoop},
    {"table_into_loop", "entries of a br_table that lead to a loop", 50'000, TableIntoLoop},
    {"loops", "loops in a row", 50'000, LoopsInARow},
    {"loops_sharing", "loops in a row that use the same 24 variables", 20'000,
     LoopsThatShareVariables},
    {"loop_of_blocks", "ifs in one loop", 50'000, LoopOfManyBlocks},
    {"switch_loop", "cases of a switch in a loop", 20'000, SwitchInALoop},
    {"threaded_loops", "loops that threading enters behind their heads", 10'000, ThreadedLoops},
    {"threaded_states", "states of a machine whose next state is a constant", 10'000,
     ThreadedStates},
    {"invariant_loads", "loads in a loop that nothing in it changes", 20'000, InvariantLoads},
    {"inlined_calls", "calls of small functions that are inlined", 50'000, InlinedCalls},
    {"inlined_chain", "small functions that each call the one before twice", 50'000, InlinedChain},
    {"calls_live", "calls over which 24 values live", 20'000, CallsWithLiveValues},
    {"indirect_calls", "calls through a table", 20'000, IndirectCalls},
    {"references", "calls over which references live", 20'000, ReferencesOverCalls},
};

}  // namespace

absl::Span<const Case> Cases() { return kCases; }

wasm::ValidatorLimits RaisedLimits() {
  wasm::ValidatorLimits limits;
  limits.function_locals = 1'000'000;
  limits.function_size = 100'000'000;
  limits.data_segments = 1'000'000;
  return limits;
}

}  // namespace gantry::bench
