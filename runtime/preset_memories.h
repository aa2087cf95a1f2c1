// Preset memories: what active data segments write into memories, as images made when a module is
// loaded, so that nothing is copied when it is instantiated.
#ifndef GANTRY_RUNTIME_PRESET_MEMORIES_H_
#define GANTRY_RUNTIME_PRESET_MEMORIES_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "environ/core/module_info.h"
#include "runtime/memory_image.h"

namespace gantry::runtime {

struct PresetMemories {
  // By DefinedMemoryIndex: what each memory starts as; null for zero.
  std::vector<std::shared_ptr<const MemoryImage>> images;
  // The images hold the active ones of so many first data segments.
  size_t data_segments = 0;
};

// Takes the first active data segments, as long as each lies, at a constant offset, within the
// smallest size of an unshared memory of the module's own, and images do not grow much larger than
// their data. The first that does not, and all behind it, are left to be written at instantiation:
// whether they trap and what they overwrite shows only then. (WebAssembly 3.0, "Instantiation".)
// Where the host refuses an image, nothing is preset. `data` is the module's, with all its segments
// inside.
PresetMemories MakePresetMemories(ImageFile& file, const environ::ModuleInfo& info,
                                  absl::Span<const uint8_t> data);

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_PRESET_MEMORIES_H_
