// The built-ins that compiled code calls, implemented. (environ/core/builtins.h has the table
// and says how they are called.)
#ifndef GANTRY_RUNTIME_BUILTINS_H_
#define GANTRY_RUNTIME_BUILTINS_H_

namespace gantry::runtime {

// Addresses by environ::Builtin, for VMContext::builtins.
const void* const* BuiltinAddresses();

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_BUILTINS_H_
