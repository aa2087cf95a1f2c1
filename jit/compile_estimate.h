// How much a body asks of a compiler, in units that depend on the module alone: one for each
// operator that control can reach, each local, and each label of a br_table, and four more for each
// block, loop and if. An optimizing compiler takes some microsecond for a unit.
//
//   if (CompileEstimate(module, key) > budget) ... the baseline compiler's ...
//
// Tested by composite_compiler_test.
#ifndef GANTRY_JIT_COMPILE_ESTIMATE_H_
#define GANTRY_JIT_COMPILE_ESTIMATE_H_

#include <cstdint>

#include "environ/translation/module_translation.h"
#include "wasm_translate/module.h"

namespace gantry::jit {

// Reads the whole body. One that is not valid is counted up to where that shows.
uint64_t CompileEstimate(const environ::ModuleTranslation& module, const wasm::FunctionBody& body);

// No body of so many bytes has a greater estimate, under the module's limits; for bodies that are
// not worth reading.
uint64_t MaxCompileEstimate(const environ::ModuleTranslation& module,
                            const wasm::FunctionBody& body);

}  // namespace gantry::jit

#endif  // GANTRY_JIT_COMPILE_ESTIMATE_H_
