#include "wasm_translate/unimplemented.h"

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"
#include "absl/types/optional.h"

namespace gantry::wasm {
namespace {

// The payload: the feature's number, then what was met.
constexpr char kPayloadUrl[] = "type.gantry/unimplemented";

}  // namespace

std::string UnimplementedMessage(const Unimplemented& unimplemented) {
  return absl::StrCat(unimplemented.what, " needs ", FeatureName(unimplemented.feature),
                      ", which this compiler cannot make yet");
}

absl::Status UnimplementedStatus(const Unimplemented& unimplemented) {
  absl::Status status = absl::UnimplementedError(UnimplementedMessage(unimplemented));
  SetUnimplemented(status, unimplemented);
  return status;
}

void SetUnimplemented(absl::Status& status, const Unimplemented& unimplemented) {
  std::string payload(1, static_cast<char>(unimplemented.feature));
  payload += unimplemented.what;
  status.SetPayload(kPayloadUrl, absl::Cord(payload));
}

std::optional<Unimplemented> GetUnimplemented(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kPayloadUrl);
  if (!payload.has_value() || payload->empty()) return std::nullopt;
  const std::string bytes(*payload);
  const uint8_t number = static_cast<uint8_t>(bytes[0]);
  if (number >= AllFeatures().size()) return std::nullopt;
  return Unimplemented{static_cast<Feature>(number), bytes.substr(1)};
}

std::optional<Feature> UnimplementedFeature(const absl::Status& status) {
  const std::optional<Unimplemented> unimplemented = GetUnimplemented(status);
  if (!unimplemented.has_value()) return std::nullopt;
  return unimplemented->feature;
}

}  // namespace gantry::wasm
