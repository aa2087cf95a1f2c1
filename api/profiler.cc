// Tested by debugging_test.cc.
#include "api/profiler.h"

#include "base/status_macros.h"
#include "runtime/firefox_profile.h"

namespace gantry {
absl::StatusOr<GuestProfiler> GuestProfiler::Start(std::chrono::microseconds interval) {
  if (interval.count() <= 0) {
    return absl::InvalidArgumentError("a profiler's interval has to be positive");
  }
  const std::chrono::duration<double, std::milli> now =
      std::chrono::system_clock::now().time_since_epoch();
  runtime::Sampler::Options options;
  options.interval = interval;
  ASSIGN_OR_RETURN(std::unique_ptr<runtime::Sampler> sampler, runtime::Sampler::Start(options));
  return GuestProfiler(std::move(sampler), now.count());
}

std::string GuestProfiler::Stop(absl::string_view name) {
  return runtime::FirefoxProfile(sampler_->Stop(), name, start_ms_);
}

}  // namespace gantry
