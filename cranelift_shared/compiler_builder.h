// The optimizing compiler's entry point for `jit`: everything else is environ's interface.
//
//   std::unique_ptr<environ::CompilerBuilder> builder = cranelift::NewCompilerBuilder();
//   RETURN_IF_ERROR(builder->Set("opt_level", "speed"));
//   ASSIGN_OR_RETURN(std::unique_ptr<environ::Compiler> compiler, builder->Build());
#ifndef GANTRY_CRANELIFT_SHARED_COMPILER_BUILDER_H_
#define GANTRY_CRANELIFT_SHARED_COMPILER_BUILDER_H_

#include <memory>

#include "environ/translation/compiler.h"

namespace gantry::cranelift {

std::unique_ptr<environ::CompilerBuilder> NewCompilerBuilder();

}  // namespace gantry::cranelift

#endif  // GANTRY_CRANELIFT_SHARED_COMPILER_BUILDER_H_
