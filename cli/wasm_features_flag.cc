#include "cli/wasm_features_flag.h"

#include <optional>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gantry::cli {
namespace {

using wasm::Feature;
using wasm::Features;

constexpr char kAllProposals[] = "all-proposals";

}  // namespace

std::string WasmFeatureNames() {
  std::string names = kAllProposals;
  for (const Feature feature : wasm::AllFeatures()) {
    if (feature != Feature::kMvp) absl::StrAppend(&names, ", ", wasm::FeatureName(feature));
  }
  return names;
}

absl::Status ApplyWasmFeatures(const std::vector<FlagEntry>& entries, Features* features,
                               std::vector<FlagEntry>* others) {
  for (const FlagEntry& entry : entries) {
    if (entry.name != kAllProposals) continue;
    ASSIGN_OR_RETURN(const bool enable, ParseFlagBool("-W", entry));
    *features = enable ? Features::All() : Features();
  }
  for (const FlagEntry& entry : entries) {
    if (entry.name == kAllProposals) continue;
    const std::optional<Feature> feature = wasm::FeatureByName(entry.name);
    // WebAssembly 1.0 cannot be turned off, so it is no name here.
    if (!feature.has_value() || *feature == Feature::kMvp) {
      others->push_back(entry);
      continue;
    }
    ASSIGN_OR_RETURN(const bool enable, ParseFlagBool("-W", entry));
    features->Set(*feature, enable);
  }
  return absl::OkStatus();
}

absl::StatusOr<Features> ParseWasmFeatures(const std::vector<std::string>& lists) {
  Features features = Features::Default();
  std::vector<FlagEntry> others;
  RETURN_IF_ERROR(ApplyWasmFeatures(SplitFlagList(lists), &features, &others));
  if (!others.empty()) return UnknownFlag("-W", others.front(), WasmFeatureNames());
  return features;
}

}  // namespace gantry::cli
