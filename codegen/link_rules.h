// What the text builder has to know of an ISA to resolve references between functions: how
// far each form of reference reaches, how its field is filled, and what a veneer looks like
// that reaches everywhere.
//
// Between functions a veneer is free to take more room than inside one (label_kind.h): there
// is one form per ISA and it spans the whole text section.
#ifndef GANTRY_CODEGEN_LINK_RULES_H_
#define GANTRY_CODEGEN_LINK_RULES_H_

#include <cstdint>

#include "codegen/code_records.h"

namespace gantry::codegen {

// One form of reference. `delta` is (target + addend) - (offset of the field).
struct LinkRule {
  const char* name;
  // Deltas that the form can express, both inclusive.
  int64_t min_delta;
  int64_t max_delta;
  // Bytes from the field's offset that patching reads or writes.
  uint8_t size;
  // Fills the field. Called only for deltas in reach.
  void (*patch)(uint8_t* field, int64_t delta);
  // The same as an ELF relocation (object.h): to anything, and to a function that another file may
  // define, for which the linker may put a jump of its own in between. 0: there is none.
  uint32_t elf_type = 0;
  uint32_t elf_function_type = 0;
};

// A constant with static lifetime, one per ISA.
struct LinkRules {
  static constexpr int kMaxRules = 4;
  // Indexed by RelocKind.
  LinkRule rules[kMaxRules];
  uint8_t rule_count;
  // Functions and veneers are aligned to this at least, a power of two.
  uint8_t function_alignment;
  // Fills gaps between functions; executing it traps.
  uint8_t padding_byte;
  // A jump of `veneer_size` bytes to `delta` bytes past its own beginning, without
  // clobbering anything that a call passes or preserves.
  uint8_t veneer_size;
  void (*write_veneer)(uint8_t* at, int64_t delta);

  // For ELF object files: the machine's number, and the relocations for a whole address of 64 bits
  // and for a distance of 32. 0: none are written for this ISA.
  uint16_t elf_machine = 0;
  uint32_t elf_address_type = 0;
  uint32_t elf_distance_type = 0;

  // Null for a kind that the ISA does not have.
  const LinkRule* find(uint8_t kind) const { return kind < rule_count ? &rules[kind] : nullptr; }
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_LINK_RULES_H_
