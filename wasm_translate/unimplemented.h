// What a compiler cannot make yet, told by the feature of WebAssembly that it belongs to, in a
// form that passes through code that knows only Status.
//
//   absl::Status status = UnimplementedStatus({Feature::kSimd, "i32x4.add"});
//   // kUnimplemented: "i32x4.add needs simd, which this compiler cannot make yet"
//   UnimplementedFeature(status);                         // Feature::kSimd
#ifndef GANTRY_WASM_TRANSLATE_UNIMPLEMENTED_H_
#define GANTRY_WASM_TRANSLATE_UNIMPLEMENTED_H_

#include <optional>
#include <string>

#include "absl/status/status.h"
#include "wasm_translate/features.h"

namespace gantry::wasm {

struct Unimplemented {
  Feature feature = Feature::kMvp;
  // What was met: an operator's name, "a value of type v128".
  std::string what;

  friend bool operator==(const Unimplemented&, const Unimplemented&) = default;
};

std::string UnimplementedMessage(const Unimplemented& unimplemented);

// A kUnimplemented status of that message, which carries it.
absl::Status UnimplementedStatus(const Unimplemented& unimplemented);

// Makes a failed status carry it, whatever its code and message.
void SetUnimplemented(absl::Status& status, const Unimplemented& unimplemented);

// What the status carries; nothing where it carries none.
std::optional<Unimplemented> GetUnimplemented(const absl::Status& status);

// The feature for lack of which a module was not instantiated or a call trapped; nothing where
// the failure has another reason.
std::optional<Feature> UnimplementedFeature(const absl::Status& status);

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_UNIMPLEMENTED_H_
