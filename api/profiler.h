// GuestProfiler: which functions of guests a thread spends its time in.
//
//   ASSIGN_OR_RETURN(GuestProfiler profiler, GuestProfiler::Start());
//   ... call guests on this thread ...
//   std::string json = profiler.Stop("my program");   // for profiler.firefox.com
//
// The thread is interrupted by SIGPROF and its guests' frames are kept, a thousand times a second
// unless told otherwise; guests run the same code as without.
//
// Tested by debugging_test.
#ifndef GANTRY_API_PROFILER_H_
#define GANTRY_API_PROFILER_H_

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "runtime/sampler.h"

namespace gantry {

class GuestProfiler {
 public:
  // Watches the calling thread. Errors: kFailedPrecondition where a profiler of the process runs
  // already; kInvalidArgument for an interval that is not positive; kResourceExhausted.
  static absl::StatusOr<GuestProfiler> Start(
      std::chrono::microseconds interval = std::chrono::milliseconds(1));

  // How many samples were taken, for the watched thread alone.
  uint64_t num_samples() const { return sampler_->num_samples(); }

  // On the same thread, once, while the modules live: ends the watch. The profile is in the
  // processed format of the Firefox profiler; `name` is what it shows for the program.
  std::string Stop(absl::string_view name);

 private:
  GuestProfiler(std::unique_ptr<runtime::Sampler> sampler, double start_ms)
      : sampler_(std::move(sampler)), start_ms_(start_ms) {}
  std::unique_ptr<runtime::Sampler> sampler_;
  double start_ms_;
};

}  // namespace gantry

#endif  // GANTRY_API_PROFILER_H_
