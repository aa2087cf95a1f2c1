// The AArch64 instance of codegen::LinkRules: calls by 26 bits of words, function addresses by a
// pair of moves, and a veneer that reaches any distance through x16 and x17, the scratch registers
// of the wasm ABI (docs/abi.md).
#ifndef GANTRY_ISA_AARCH64_LINK_RULES_H_
#define GANTRY_ISA_AARCH64_LINK_RULES_H_

#include "codegen/link_rules.h"

namespace gantry::aarch64 {

extern const codegen::LinkRules kLinkRules;

}  // namespace gantry::aarch64

#endif  // GANTRY_ISA_AARCH64_LINK_RULES_H_
