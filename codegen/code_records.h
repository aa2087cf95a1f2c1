// What machine code carries beside its bytes: traps, relocations, call sites, stack maps,
// source locations. Plain data without ISA or IR, shared by the IR (trap codes, source
// locations), MachBuffer (which collects the records) and compiled code (which keeps them).
#ifndef GANTRY_CODEGEN_CODE_RECORDS_H_
#define GANTRY_CODEGEN_CODE_RECORDS_H_

#include <cstdint>

#include "entity/entity_id.h"

namespace gantry::codegen {

// Byte offset from the start of a function's code.
using CodeOffset = uint32_t;

// Why a guest was stopped. Open-ended: codegen carries the number, `environ:core` gives it
// meaning.
enum class TrapCode : uint8_t {};

// Position in the source that an instruction came from (for wasm: a byte offset), or none.
GANTRY_ENTITY_ID(SourceLoc, "@");

// Something outside the function, as an index into the function's own table of names.
GANTRY_ENTITY_ID(ExternalName, "ext");

// The embedder's functions that cold code calls (docs/abi.md, "Cold shims"), which keep all
// registers. None: there is no such function.
struct ColdCalls {
  // Stops the guest for the reason in the call's trap record; without it traps are instructions that
  // fault.
  ExternalName raise_trap;
  // Returns where the guest may go on behind a fuel_check, or behind a poll.
  ExternalName out_of_fuel;
  ExternalName new_epoch;
  // Returns where the stack is not exhausted after all; without it the guest is stopped.
  ExternalName check_stack;
  friend bool operator==(const ColdCalls&, const ColdCalls&) = default;
};

// How a relocated field is computed. Open-ended: each ISA numbers its own.
enum class RelocKind : uint8_t {};

// The instruction at `offset` stops the guest with `code` when it faults.
struct TrapRecord {
  CodeOffset offset;
  TrapCode code;
  friend bool operator==(const TrapRecord&, const TrapRecord&) = default;
};

// The field at `offset` is to be filled with the address of `name` plus `addend`, in the
// form that `kind` names.
struct RelocRecord {
  CodeOffset offset;
  RelocKind kind;
  ExternalName name;
  int64_t addend;
  friend bool operator==(const RelocRecord&, const RelocRecord&) = default;
};

// A landing place of a call that may unwind into this function.
struct CallHandler {
  static constexpr uint32_t kCatchAll = 0xFFFFFFFF;
  // Not of a call but of the poll_page that begins at the site's offset: its cold code.
  static constexpr uint32_t kPoll = 0xFFFFFFFE;
  uint32_t tag;       // The function's own numbering of tags, kCatchAll or kPoll.
  CodeOffset target;  // Where control arrives.
  friend bool operator==(const CallHandler&, const CallHandler&) = default;
};

// A call, named by the offset just behind it. Its handlers, in order of search, are
// `handler_count` entries of the buffer's handler list starting at `first_handler`.
struct CallSite {
  CodeOffset return_offset;
  uint32_t first_handler;
  uint32_t handler_count;
  friend bool operator==(const CallSite&, const CallSite&) = default;
};

// The stack slots that hold live references while the call that returns to `return_offset`
// runs: `slot_count` entries of the buffer's slot list starting at `first_slot`, each a byte
// offset from sp at the call. Maps without slots are kept too, so that no lookup can fall
// through to another call's map.
struct StackMap {
  CodeOffset return_offset;
  uint32_t first_slot;
  uint32_t slot_count;
  friend bool operator==(const StackMap&, const StackMap&) = default;
};

// Code from `offset` up to the next entry (or the end) belongs to `loc`.
struct SourceLocEntry {
  CodeOffset offset;
  SourceLoc loc;
  friend bool operator==(const SourceLocEntry&, const SourceLocEntry&) = default;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_CODE_RECORDS_H_
