// What an artifact keeps of a module for people who look for the source of a trap.
//
// Tested by api:debugging_test.
#ifndef GANTRY_ENVIRON_TRANSLATION_DEBUG_SECTIONS_H_
#define GANTRY_ENVIRON_TRANSLATION_DEBUG_SECTIONS_H_

#include <cstdint>
#include <vector>

#include "environ/translation/module_translation.h"

namespace gantry::environ {

// Where the contents of the code section begin in the module, from which DWARF counts addresses; 0 where
// there is none.
uint32_t CodeSectionOffset(const ModuleTranslation& module);

// The module's ModuleDebug, encoded: where its functions' bodies lie, and its DWARF line tables.
std::vector<uint8_t> DebugSectionsOf(const ModuleTranslation& module);

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_TRANSLATION_DEBUG_SECTIONS_H_
