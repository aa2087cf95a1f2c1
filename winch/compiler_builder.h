// The baseline compiler's entry point for `jit`: everything else is environ's interface.
//
//   std::unique_ptr<environ::CompilerBuilder> builder = winch::NewCompilerBuilder();
//   RETURN_IF_ERROR(builder->SetTunables(tunables));
//   ASSIGN_OR_RETURN(std::unique_ptr<environ::Compiler> compiler, builder->Build());
#ifndef GANTRY_WINCH_COMPILER_BUILDER_H_
#define GANTRY_WINCH_COMPILER_BUILDER_H_

#include <memory>

#include "environ/translation/compiler.h"

namespace gantry::winch {

// Fails in Build, naming it, for a target that there is no baseline compiler for.
std::unique_ptr<environ::CompilerBuilder> NewCompilerBuilder();

}  // namespace gantry::winch

#endif  // GANTRY_WINCH_COMPILER_BUILDER_H_
