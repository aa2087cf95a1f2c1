// The x64 instance of codegen::LinkRules: calls by 32-bit displacement, and a veneer that
// reaches any distance through r11, the scratch register of the wasm ABI (docs/abi.md).
#ifndef GANTRY_ISA_X64_LINK_RULES_H_
#define GANTRY_ISA_X64_LINK_RULES_H_

#include "codegen/link_rules.h"

namespace gantry::x64 {

extern const codegen::LinkRules kLinkRules;

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_LINK_RULES_H_
