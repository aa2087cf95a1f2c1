// A second opinion on stack walks: the frames of compiled code as the C++ runtime's unwinder
// finds them from call frame information, which shares nothing with the frame-pointer chain.
// Debug builds compare the two at every host call, failed built-in and trap.
// (lessons.md row 13.)
#ifndef GANTRY_RUNTIME_STACK_ORACLE_H_
#define GANTRY_RUNTIME_STACK_ORACLE_H_

#include <cstdint>

#include "runtime/stack_walk.h"

namespace gantry::runtime {

// Unwinds from the caller to the innermost entry trampoline and stops the process if `walked`
// differs from what it finds. False, without comparing, where the unwinder does not get there:
// code without call frame information, or not registered.
bool CompareWithUnwinder(const RawBacktrace& walked);

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_STACK_ORACLE_H_
