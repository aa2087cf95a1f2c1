// Types in the binary format, as sections and bodies both have them.
#ifndef GANTRY_WASM_TRANSLATE_BINARY_TYPES_H_
#define GANTRY_WASM_TRANSLATE_BINARY_TYPES_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "wasm_translate/binary_reader.h"
#include "wasm_translate/features.h"
#include "wasm_translate/types.h"

namespace gantry::wasm {

// What decides whether a type that is well formed is also allowed.
struct TypeContext {
  Features features;
  // Indices from here on are unknown types.
  uint32_t num_types = 0;
};

// Each reads one, false with an error in the reader where it is malformed, refers to an
// unknown type or needs a feature that is off.
bool ReadValType(BinaryReader& reader, const TypeContext& context, ValType* out);
bool ReadRefType(BinaryReader& reader, const TypeContext& context, ValType* out);
bool ReadHeapType(BinaryReader& reader, const TypeContext& context, HeapType* out);
bool ReadStorageType(BinaryReader& reader, const TypeContext& context, StorageType* out);

// False, with "WHAT needs the feature NAME, which is not enabled", where it is off.
bool RequireFeature(BinaryReader& reader, uint64_t offset, Features features, Feature feature,
                    absl::string_view what);

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_BINARY_TYPES_H_
