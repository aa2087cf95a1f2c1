#include "api/testing/test_flags.h"

#include <cstdlib>
#include <string>
#include <utility>

#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/check.h"

namespace gantry {

void AddTestCompilerFlags(Config& config) {
  config.CompilerFlag("regalloc_checker", "true").CompilerFlag("enable_verifier", "true");
  if (const char* compiler = std::getenv("GANTRY_TEST_COMPILER"); compiler != nullptr) {
    const absl::string_view name = compiler;
    if (name == "winch") {
      config.Compiler(Strategy::kWinch);
    } else if (name == "mixed") {
      config.Compiler(Strategy::kMixed);
    } else if (name == "tier") {
      config.TierUp(true).TierUpThreshold(1).TierUpSynchronously(true);
    } else {
      CHECK(name == "tier_background") << "GANTRY_TEST_COMPILER=" << name;
      config.TierUp(true).TierUpThreshold(20).TierUpThreads(2);
    }
  }
  if (TestMode("fuel")) config.ConsumeFuel(true);
  if (TestMode("epochs_counter")) config.EpochInterruption(EpochInterruption::kCounter);
  if (TestMode("epochs_page")) config.EpochInterruption(EpochInterruption::kPage);
  if (TestMode("signals_free")) config.SignalsBasedTraps(false);
  if (TestMode("shadow_stack")) config.ShadowStack(true);
  const char* flags = std::getenv("GANTRY_TEST_COMPILER_FLAGS");
  if (flags == nullptr) return;
  for (absl::string_view flag : absl::StrSplit(flags, ',', absl::SkipEmpty())) {
    const std::pair<std::string, std::string> parts = absl::StrSplit(flag, absl::MaxSplits('=', 1));
    config.CompilerFlag(parts.first, parts.second.empty() ? "true" : parts.second);
  }
}

bool TestMode(absl::string_view name) {
  const char* modes = std::getenv("GANTRY_TEST_MODES");
  if (modes == nullptr) return false;
  for (absl::string_view mode : absl::StrSplit(modes, ',')) {
    if (mode == name) return true;
  }
  return false;
}

}  // namespace gantry
