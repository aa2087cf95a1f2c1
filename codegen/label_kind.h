// Labels, and the ways in which instructions refer to them.
//
// An ISA describes each form of reference (x64 rel8 and rel32, AArch64's 14, 19 and 26-bit
// branches, adr, ldr literal) by a row of a constant table: how far it reaches, how its
// field is patched, and which longer form a veneer would jump on with. MachBuffer knows
// nothing else of an ISA.
#ifndef GANTRY_CODEGEN_LABEL_KIND_H_
#define GANTRY_CODEGEN_LABEL_KIND_H_

#include <cstdint>

#include "codegen/code_records.h"
#include "entity/entity_id.h"

namespace gantry::codegen {

// A place in a function's control flow, or a piece of its data, bound to an offset at most
// once. Jump threading may resolve it to where a jump found there leads.
GANTRY_ENTITY_ID(MachLabel, "label");

// Row of the ISA's LabelKindTable.
enum class LabelKind : uint8_t {};

// One form of reference. `delta` is always (target offset) - (offset of the use); the bias
// of the machine's own pc stands in the field as an addend, which patching preserves.
struct LabelKindInfo {
  const char* name;
  // Deltas that the form can express, both inclusive. max_delta also is the furthest that a
  // veneer may stand behind the use.
  int32_t min_delta;
  int32_t max_delta;
  // Bytes from the offset of the use that patching reads or writes.
  uint8_t size;
  // Adds `delta` to the field in the bytes at `use`. Called only for deltas in reach.
  void (*patch)(uint8_t* use, int32_t delta);
  // A veneer for this form: code of `veneer_size` bytes, written by `write_veneer`, that
  // jumps on to the label by a use of form `veneer_kind` at `veneer_use_offset` in it. Size
  // 0: the form has none (data, or nothing longer exists).
  uint8_t veneer_size;
  uint8_t veneer_use_offset;
  LabelKind veneer_kind;
  void (*write_veneer)(uint8_t* at);
};

// Everything MachBuffer has to know of an ISA. A constant with static lifetime.
struct LabelKindTable {
  static constexpr int kMaxKinds = 8;
  // Rows in order of reach: a veneer's form comes behind the form it serves.
  LabelKindInfo kinds[kMaxKinds];
  uint8_t kind_count;
  // Instructions are aligned to this; islands and veneers begin at such offsets.
  uint8_t instruction_alignment;
  // Bytes of the instruction that traps always, and its length.
  uint8_t trap_size;
  uint8_t trap_bytes[4];
  // A constant emitted in an earlier island is used again by code at most this far behind
  // it, else emitted once more.
  int32_t constant_reach;

  const LabelKindInfo& operator[](LabelKind kind) const {
    return kinds[static_cast<uint8_t>(kind)];
  }
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_LABEL_KIND_H_
