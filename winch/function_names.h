// What external names stand for in the code of one function: built-ins first, then the module's
// functions.
#ifndef GANTRY_WINCH_FUNCTION_NAMES_H_
#define GANTRY_WINCH_FUNCTION_NAMES_H_

#include <cstdint>

#include "codegen/code_records.h"
#include "environ/core/builtins.h"
#include "wasm_translate/types.h"

namespace gantry::winch {

inline codegen::ExternalName NameOfBuiltin(environ::Builtin builtin) {
  return codegen::ExternalName(static_cast<uint32_t>(builtin));
}
inline codegen::ExternalName NameOfFunction(wasm::DefinedFuncIndex function) {
  return codegen::ExternalName(environ::kBuiltinCount + function.raw());
}

}  // namespace gantry::winch

#endif  // GANTRY_WINCH_FUNCTION_NAMES_H_
