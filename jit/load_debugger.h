// DebuggerEntry: tells debuggers of code that was loaded, by GDB's JIT interface (also lldb's): the
// names of functions, how to unwind their frames, and lines and variables where the artifact has
// DWARF.
//
//   ASSIGN_OR_RETURN(std::unique_ptr<DebuggerEntry> entry,
//                    DebuggerEntry::Register({.text = ..., .tables = ..., .eh_frame = ...}));
//
// What is registered is an ELF image of its own in memory, with a symbol per function at the
// address where it lies; making it takes time for each function, so that it is only done where it
// is asked for (LoadOptions::register_debugger). The debugger, if one is attached, stops the
// process for a moment; else nothing happens until one is.
//
// Source: GDB manual, "JIT Compilation Interface".
//
// Tested by tests/debugger.
#ifndef GANTRY_JIT_LOAD_DEBUGGER_H_
#define GANTRY_JIT_LOAD_DEBUGGER_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "environ/core/code_tables.h"
#include "environ/core/module_info.h"
#include "environ/core/native_debug.h"

namespace gantry::jit {

// The entry of the interface's list.
struct DebuggerListNode;

class DebuggerEntry {
 public:
  struct Code {
    // Where it lies.
    absl::Span<const uint8_t> text;
    const environ::CodeTables* tables = nullptr;
    // By ModuleId, for names of functions; those without have their key's symbol.
    absl::Span<const environ::ModuleInfo> modules;
    // Behind the text, empty for none; its distances are from where it lies.
    absl::Span<const uint8_t> eh_frame;
    // By environ::NativeDebug::SectionIndex, or none: DWARF for a text at `debug_base`, and where
    // it has addresses.
    absl::Span<const absl::Span<const uint8_t>> debug_sections = {};
    absl::Span<const environ::NativeDebug::Address> debug_addresses = {};
    uint64_t debug_base = 0;
  };

  // Error: kResourceExhausted.
  static absl::StatusOr<std::unique_ptr<DebuggerEntry>> Register(const Code& code);
  // Takes it back.
  ~DebuggerEntry();
  DebuggerEntry(const DebuggerEntry&) = delete;
  DebuggerEntry& operator=(const DebuggerEntry&) = delete;

  absl::Span<const uint8_t> image() const { return image_; }

 private:
  DebuggerEntry();

  std::vector<uint8_t> image_;
  const std::unique_ptr<DebuggerListNode> node_;
};

}  // namespace gantry::jit

#endif  // GANTRY_JIT_LOAD_DEBUGGER_H_
