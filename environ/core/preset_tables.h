// Preset tables: what active element segments put into tables, known at compile time.
//
//   PresetTables(info);    // once, by whoever makes the ModuleInfo
//   info.preset_tables     // by table: the function of each element, none where it stays null
//
// A table with a preset is not filled when a module is instantiated. Its elements are left
// untouched (VMFuncTableEntryOffsets) and each gets its function when it is first asked for.
#ifndef GANTRY_ENVIRON_CORE_PRESET_TABLES_H_
#define GANTRY_ENVIRON_CORE_PRESET_TABLES_H_

#include "environ/core/module_info.h"

namespace gantry::environ {

// Moves the contents of element segments into `info.preset_tables`; those segments become
// SegmentMode::kPreset and empty. Taken are the first active ones, as long as each names functions
// and nulls alone and lies, at a constant offset, within the smallest size of a table of the
// module's own that starts as null. The first that does not, and all behind it, are left: what they
// overwrite or whether they trap shows only when the module is instantiated. (WebAssembly 3.0,
// "Instantiation": segments take effect in order.) A preset is never much larger than the segments
// that it is made of.
void PresetTables(ModuleInfo& info);

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CORE_PRESET_TABLES_H_
