#include "environ/core/tunables.h"

#include "absl/strings/str_cat.h"

namespace gantry::environ {
namespace {

std::string ValueText(bool value) { return value ? "true" : "false"; }
std::string ValueText(uint32_t value) { return absl::StrCat(value); }
std::string ValueText(uint64_t value) { return absl::StrCat(value); }
std::string ValueText(const std::string& value) { return value; }
std::string ValueText(EpochInterruption value) {
  switch (value) {
    case EpochInterruption::kNone:
      return "none";
    case EpochInterruption::kCounter:
      return "counter";
    case EpochInterruption::kPage:
      return "page";
  }
  return "?";
}

}  // namespace

Tunables Tunables::SmallReservations() {
  Tunables tunables;
  tunables.memory_reservation = 0;
  tunables.memory_guard_size = uint64_t{64} << 10;
  tunables.memory_reservation_for_growth = uint64_t{1} << 20;
  return tunables;
}

std::string Tunables::CanonicalText() const {
  std::string text;
#define GANTRY_X(type, name, default_value, meaning) \
  absl::StrAppend(&text, #name "=", ValueText(name), "\n");
  GANTRY_TUNABLES(GANTRY_X)
#undef GANTRY_X
  return text;
}

std::vector<std::string> Tunables::Differences(const Tunables& other) const {
  std::vector<std::string> differences;
#define GANTRY_X(type, name, default_value, meaning)                                      \
  if (name != other.name) {                                                               \
    differences.push_back(                                                                \
        absl::StrCat(#name " (", ValueText(name), ", not ", ValueText(other.name), ")")); \
  }
  GANTRY_TUNABLES(GANTRY_X)
#undef GANTRY_X
  return differences;
}

}  // namespace gantry::environ
