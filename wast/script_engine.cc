#include "wast/script_engine.h"

#include "absl/strings/cord.h"

namespace gantry::wast {
namespace {

constexpr char kFeaturePayload[] = "gantry/wast-feature";

}  // namespace

absl::Status LacksFeature(absl::string_view feature, absl::string_view message) {
  absl::Status status = absl::UnimplementedError(message);
  status.SetPayload(kFeaturePayload, absl::Cord(feature));
  return status;
}

std::string LackingFeature(const absl::Status& status) {
  const auto payload = status.GetPayload(kFeaturePayload);
  return payload.has_value() ? std::string(*payload) : "";
}

}  // namespace gantry::wast
