// How x64 code refers to labels and to names outside the function.
#ifndef GANTRY_ISA_X64_ASM_LABEL_KINDS_H_
#define GANTRY_ISA_X64_ASM_LABEL_KINDS_H_

#include "codegen/code_records.h"
#include "codegen/label_kind.h"

namespace gantry::x64 {

// One-byte displacement from the end of the field; its veneer is a jmp rel32.
inline constexpr codegen::LabelKind kRel8{0};
// Four-byte displacement from the place that the addend in the field says: -4 where the
// field ends the instruction, less where an immediate follows, the distance from the table
// in a jump table's entry.
inline constexpr codegen::LabelKind kRel32{1};

extern const codegen::LabelKindTable kLabelKinds;

// Four-byte field: name + addend - address of the field. (Behind a call or jump the addend
// is -4, as in ELF's R_X86_64_PLT32.)
inline constexpr codegen::RelocKind kRelocPcRel32{0};
// Eight-byte field: name + addend. Not for code: no absolute address stands there.
inline constexpr codegen::RelocKind kRelocAbs64{1};

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_ASM_LABEL_KINDS_H_
