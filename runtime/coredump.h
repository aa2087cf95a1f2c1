// Core dumps of guests in the WebAssembly core dump format: a module that holds memories and
// globals as they were and, in custom sections, the stack; for post-mortem debuggers. (WebAssembly
// tool conventions, Coredump.md.)
//
//   Coredump dump;
//   dump.frames.push_back({.instance = 0, .function = 3, .code_offset = 17});
//   std::string file = EncodeCoredump(dump);
#ifndef GANTRY_RUNTIME_COREDUMP_H_
#define GANTRY_RUNTIME_COREDUMP_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "runtime/val_raw.h"
#include "wasm_translate/types.h"

namespace gantry::runtime {

struct Coredump {
  struct Instance {
    uint32_t module = 0;  // position in `modules`
    // Positions in `memories` and `globals`, in the instance's index spaces.
    std::vector<uint32_t> memories;
    std::vector<uint32_t> globals;
  };
  struct Memory {
    wasm::MemoryType type;  // its minimum is the size
    absl::Span<const uint8_t> bytes;
    // Whether others write the bytes meanwhile.
    bool shared = false;
  };
  struct Global {
    wasm::ValType type;
    ValRaw value;
  };
  struct Frame {
    uint32_t instance = 0;  // position in `instances`
    uint32_t function = 0;  // in its module's index space
    // Of the instruction from the start of the function's body; 0 where it is not known.
    uint32_t code_offset = 0;
  };

  std::string process;
  std::vector<std::string> modules;
  std::vector<Instance> instances;
  std::vector<Memory> memories;
  std::vector<Global> globals;
  std::vector<Frame> frames;  // innermost first
};

// Zero pages of memories are left out. Locals and operands are given as missing, references as
// nulls.
std::string EncodeCoredump(const Coredump& dump);

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_COREDUMP_H_
