// Sampler: looks every so often at what guest code a thread runs.
//
//   ASSIGN_OR_RETURN(std::unique_ptr<Sampler> sampler, Sampler::Start({}));
//   ... guests run on this thread ...
//   const Sampler::Samples samples = sampler->Stop();
//
// A thread of its own sends SIGPROF to the one that is watched, whose handler walks the frames of
// compiled code and keeps program counters: no allocation, no lock. A sample may miss a frame where
// the signal comes in a prologue or epilogue; it never follows what is no stack. One sampler at a
// time in a process.
//
// Tested by api:debugging_test.
#ifndef GANTRY_RUNTIME_SAMPLER_H_
#define GANTRY_RUNTIME_SAMPLER_H_

#include <pthread.h>
#include <signal.h>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"

namespace gantry::runtime {

class Sampler {
 public:
  struct Options {
    std::chrono::microseconds interval{1000};
    // Words of the buffer: two for each sample and one for each frame. When it is full, further
    // samples are only counted.
    size_t capacity = size_t{1} << 24;
  };
  // A sample keeps at most so many frames, the innermost ones.
  static constexpr size_t kMaxFrames = 256;

  // One look at the thread.
  struct Sample {
    std::chrono::nanoseconds time;  // since the start
    // Addresses in compiled code, innermost first. Empty where no guest was on the stack.
    absl::Span<const uintptr_t> addresses;
    // Whether the guest itself ran, not a function of the host that it called.
    bool in_guest = false;
  };
  struct Samples {
    std::vector<Sample> samples;
    uint64_t lost = 0;
    std::chrono::nanoseconds duration{0};
    std::chrono::microseconds interval{0};
    // Holds the addresses.
    std::unique_ptr<uintptr_t[]> buffer;
  };

  // Watches the calling thread from now on. Errors: kFailedPrecondition where another sampler
  // runs; kResourceExhausted.
  static absl::StatusOr<std::unique_ptr<Sampler>> Start(const Options& options);
  ~Sampler();
  Sampler(const Sampler&) = delete;
  Sampler& operator=(const Sampler&) = delete;

  // How many samples were taken, for the watched thread alone.
  uint64_t num_samples() const { return num_samples_; }

  // On the same thread: ends the watch and gives what was seen. The code that the addresses lie in
  // must be kept by others for as long as it is asked for. Called once.
  Samples Stop();

 private:
  explicit Sampler(const Options& options);
  static void HandleSignal(int signal, siginfo_t* info, void* ucontext);
  void Take(const void* ucontext);
  void Run();
  void End();

  const Options options_;
  const std::chrono::steady_clock::time_point start_;
  // Not touched before it is used.
  std::unique_ptr<uintptr_t[]> buffer_;
  size_t used_ = 0;  // by the watched thread alone
  uint64_t num_samples_ = 0;
  uint64_t lost_ = 0;
  const pthread_t watched_;
  std::atomic<bool> stop_{false};
  bool running_ = false;
  std::thread thread_;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_SAMPLER_H_
