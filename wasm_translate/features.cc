#include "wasm_translate/features.h"

#include <cstddef>
#include <iterator>

namespace gantry::wasm {
namespace {

constexpr Feature kAll[] = {
#define GANTRY_WASM_FEATURE_VALUE(name, text, on) Feature::name,
    GANTRY_WASM_FEATURES(GANTRY_WASM_FEATURE_VALUE)
#undef GANTRY_WASM_FEATURE_VALUE
};

constexpr const char* kNames[] = {
#define GANTRY_WASM_FEATURE_NAME(name, text, on) text,
    GANTRY_WASM_FEATURES(GANTRY_WASM_FEATURE_NAME)
#undef GANTRY_WASM_FEATURE_NAME
};
static_assert(std::size(kAll) <= 64);

}  // namespace

absl::string_view FeatureName(Feature feature) { return kNames[static_cast<size_t>(feature)]; }

std::optional<Feature> FeatureByName(absl::string_view name) {
  for (Feature feature : kAll) {
    if (FeatureName(feature) == name) return feature;
  }
  return std::nullopt;
}

absl::Span<const Feature> AllFeatures() { return kAll; }

}  // namespace gantry::wasm
