// Which proposals a module may use: each is a named flag, and a module that needs one that
// is off is refused by that name.
//
//   Features features = Features::Default();
//   features.Set(Feature::kSimd, false);
//   features.Has(Feature::kBulkMemory);    // true
#ifndef GANTRY_WASM_TRANSLATE_FEATURES_H_
#define GANTRY_WASM_TRANSLATE_FEATURES_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace gantry::wasm {

// name of the constant, name for people (the flag of the command), on by default.
// kMvp is WebAssembly 1.0, which cannot be turned off.
#define GANTRY_WASM_FEATURES(X)                             \
  X(kMvp, "mvp", true)                                      \
  X(kMutableGlobals, "mutable-global", true)                \
  X(kSignExtension, "sign-extension", true)                 \
  X(kSaturatingFloatToInt, "saturating-float-to-int", true) \
  X(kMultiValue, "multi-value", true)                       \
  X(kBulkMemory, "bulk-memory", true)                       \
  X(kReferenceTypes, "reference-types", true)               \
  X(kSimd, "simd", true)                                    \
  X(kRelaxedSimd, "relaxed-simd", true)                     \
  X(kTailCall, "tail-call", true)                           \
  X(kExtendedConst, "extended-const", true)                 \
  X(kMultiMemory, "multi-memory", true)                     \
  X(kMemory64, "memory64", true)                            \
  X(kFunctionReferences, "function-references", true)       \
  X(kGc, "gc", true)                                        \
  X(kExceptions, "exceptions", true)                        \
  X(kThreads, "threads", false)                             \
  X(kWideArithmetic, "wide-arithmetic", false)              \
  X(kCustomPageSizes, "custom-page-sizes", false)           \
  X(kBranchHinting, "branch-hinting", true)

enum class Feature : uint8_t {
#define GANTRY_WASM_FEATURE_ENUM(name, text, on) name,
  GANTRY_WASM_FEATURES(GANTRY_WASM_FEATURE_ENUM)
#undef GANTRY_WASM_FEATURE_ENUM
};

// "simd", "bulk-memory".
absl::string_view FeatureName(Feature feature);
std::optional<Feature> FeatureByName(absl::string_view name);
// All of them, in the order of declaration.
absl::Span<const Feature> AllFeatures();

// A set of features. Mvp is always in it.
class Features {
 public:
  // WebAssembly 1.0 alone.
  constexpr Features() = default;
  // WebAssembly 3.0.
  static constexpr Features Default() {
    Features features;
#define GANTRY_WASM_FEATURE_DEFAULT(name, text, on) features.Set(Feature::name, on);
    GANTRY_WASM_FEATURES(GANTRY_WASM_FEATURE_DEFAULT)
#undef GANTRY_WASM_FEATURE_DEFAULT
    return features;
  }
  // Everything the validator knows.
  static constexpr Features All() {
    Features features;
#define GANTRY_WASM_FEATURE_ALL(name, text, on) features.Set(Feature::name, true);
    GANTRY_WASM_FEATURES(GANTRY_WASM_FEATURE_ALL)
#undef GANTRY_WASM_FEATURE_ALL
    return features;
  }
  // WebAssembly 2.0 without vectors: what the first compilers execute.
  static constexpr Features Wasm2Scalar() {
    Features features;
    for (Feature feature :
         {Feature::kMutableGlobals, Feature::kSignExtension, Feature::kSaturatingFloatToInt,
          Feature::kMultiValue, Feature::kBulkMemory, Feature::kReferenceTypes}) {
      features.Set(feature, true);
    }
    return features;
  }

  constexpr bool Has(Feature feature) const {
    return (bits_ >> static_cast<int>(feature) & 1) != 0;
  }
  constexpr Features& Set(Feature feature, bool on) {
    const uint64_t bit = uint64_t{1} << static_cast<int>(feature);
    bits_ = (on ? bits_ | bit : bits_ & ~bit) | 1;
    return *this;
  }
  // One bit for each feature: for hashing into keys.
  constexpr uint64_t bits() const { return bits_; }

  friend constexpr bool operator==(Features, Features) = default;

 private:
  uint64_t bits_ = 1;
};

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_FEATURES_H_
