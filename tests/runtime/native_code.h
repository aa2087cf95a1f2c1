// A module written by hand in the host's machine code, so that the runtime's traps, stack
// walks and boundaries are tested for real without a compiler.
#ifndef GANTRY_TESTS_RUNTIME_NATIVE_CODE_H_
#define GANTRY_TESTS_RUNTIME_NATIVE_CODE_H_

#include <memory>

#include "runtime/code_object.h"
#include "wasm_translate/types.h"

namespace gantry::runtime {

// Functions of the module, in the order of their indices after one imported function.
enum class NativeFunction : uint32_t {
  kAdd = 1,           // (a, b): a + b, without a frame
  kTrap,              // ud2 in a frame
  kLeafTrap,          // ud2 without a frame
  kLeafTrapPushed,    // the same after a push
  kDivide,            // (a, b): a / b, without a frame
  kLoad,              // (address): the 8 bytes there, without a frame
  kMiddle,            // calls its neighbour kTrap
  kOuter,             // calls kMiddle
  kCallHost,          // (a, b): calls the import with them
  kTailCallHost,      // the same by a tail call, without a frame
  kCallTailCallHost,  // calls kTailCallHost
  kRecurse,           // calls itself after a stack check
  kFill,              // (destination, length): memory.fill with 7 by the built-in
  kGrow,              // (pages): memory.grow by the built-in
  kHoldReference,     // (reference): holds it in a slot while the import runs, returns it
};
inline constexpr uint32_t kNativeFunctionCount = 16;

// Code offsets map to module offsets as 1000 times the function's index, 1 more at its trap.
inline uint32_t NativeModuleOffset(NativeFunction function) {
  return 1000 * static_cast<uint32_t>(function);
}

// The module has one imported function "host" "call" (i64 i64) -> (i64), one memory of one
// page (at most 4), and exports each function by the name of its enumerator without the k,
// and the memory. Null where no code is written for this platform.
std::shared_ptr<const CodeObject> NativeCode(const environ::MemoryPlan& plan);

inline wasm::FuncType NativeType() {
  return wasm::FuncType({wasm::ValType::I64(), wasm::ValType::I64()}, {wasm::ValType::I64()});
}
inline wasm::MemoryType NativeMemoryType() {
  wasm::MemoryType type;
  type.limits = {1, 4};
  return type;
}

}  // namespace gantry::runtime

#endif  // GANTRY_TESTS_RUNTIME_NATIVE_CODE_H_
