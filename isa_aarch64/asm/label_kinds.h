// How AArch64 code refers to labels and to names outside the function.
#ifndef GANTRY_ISA_AARCH64_ASM_LABEL_KINDS_H_
#define GANTRY_ISA_AARCH64_ASM_LABEL_KINDS_H_

#include "codegen/code_records.h"
#include "codegen/label_kind.h"

namespace gantry::aarch64 {

// Each field counts from its own instruction, in words but for adr and data. Veneers are a plain
// branch.
inline constexpr codegen::LabelKind kBranch14{0};   // tbz, tbnz: 32 KiB.
inline constexpr codegen::LabelKind kBranch19{1};   // b.cond, cbz, cbnz: 1 MiB.
inline constexpr codegen::LabelKind kLiteral19{2};  // ldr from the constant pool: 1 MiB.
inline constexpr codegen::LabelKind kAdr21{3};      // adr: 1 MiB, in bytes.
inline constexpr codegen::LabelKind kBranch26{4};   // b: 128 MiB.
// Four bytes of data: distance plus the addend in the field.
inline constexpr codegen::LabelKind kRel32{5};

extern const codegen::LabelKindTable kLabelKinds;

// b and bl: name + addend - address of the instruction, in reach of 128 MiB.
inline constexpr codegen::RelocKind kRelocBranch26{0};
// A movz and a movk behind each other, which get the low 32 bits of name + addend - address of the
// movz.
inline constexpr codegen::RelocKind kRelocMovePair{1};

}  // namespace gantry::aarch64

#endif  // GANTRY_ISA_AARCH64_ASM_LABEL_KINDS_H_
