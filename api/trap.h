// Traps: what went wrong in a guest, as the payload of an absl::Status.
//
//   absl::StatusOr<std::vector<Val>> results = func.Call(store, arguments);
//   if (std::optional<Trap> trap = GetTrap(results.status())) Log(trap->ToString());
#ifndef GANTRY_API_TRAP_H_
#define GANTRY_API_TRAP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "wasm_translate/unimplemented.h"

namespace gantry {

// One WebAssembly function on the stack, innermost first.
struct Frame {
  std::string module_name;                // empty where the module has none
  uint32_t func_index = 0;                // in the module's function index space
  std::string func_name;                  // from the name section; may be empty
  std::optional<uint32_t> module_offset;  // of the instruction, in bytes from the module's start
  // Of the instruction in the source, where the module has DWARF line tables; a line of 0 is none,
  // a column of 0 too.
  std::string source_file = {};
  uint32_t source_line = 0;
  uint32_t source_column = 0;
};

struct Trap {
  // The reason as the specification's scripts name it, such as "integer divide by zero";
  // for an error of a host function its message.
  std::string message;
  // Short name of the trap code, such as "int_divz"; empty for a host function's error.
  std::string code;
  std::vector<Frame> backtrace;
  // Frames beyond those that the backtrace keeps.
  uint64_t omitted_frames = 0;

  // The message and one line a frame.
  std::string ToString() const;
};

// The feature for lack of which a module could not be instantiated or a function not be run;
// nothing where the failure has another reason.
using wasm::UnimplementedFeature;

// What a failed call carries; nothing where the status is no trap.
std::optional<Trap> GetTrap(const absl::Status& status);

// The store as it was at the trap, where Config::CoredumpOnTrap is on: a file in the WebAssembly
// core dump format. Nothing where the status carries none.
std::optional<std::string> GetCoredump(const absl::Status& status);

// The status by which a host function ends the program with an exit code (WASI proc_exit),
// and the way to tell.
absl::Status ExitStatus(int32_t code);
std::optional<int32_t> GetExitCode(const absl::Status& status);

}  // namespace gantry

#endif  // GANTRY_API_TRAP_H_
