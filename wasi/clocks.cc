#include "wasi/clocks.h"

#include <cerrno>
#include <ctime>

#include "base/status_macros.h"

namespace gantry::wasi {
namespace {

constexpr uint64_t kNanosPerSecond = 1'000'000'000;

ErrnoOr<clockid_t> HostClockId(ClockId id) {
  switch (id) {
    case ClockId::kRealtime:
      return CLOCK_REALTIME;
    case ClockId::kMonotonic:
      return CLOCK_MONOTONIC;
    case ClockId::kProcessCputime:
      return CLOCK_PROCESS_CPUTIME_ID;
    case ClockId::kThreadCputime:
      return CLOCK_THREAD_CPUTIME_ID;
  }
  return Errno::kInval;
}

uint64_t ToNanos(const timespec& time) {
  if (time.tv_sec < 0) return 0;
  return static_cast<uint64_t>(time.tv_sec) * kNanosPerSecond + static_cast<uint64_t>(time.tv_nsec);
}

}  // namespace

ErrnoOr<uint64_t> HostClocks::Now(ClockId id) {
  ASSIGN_OR_RETURN(const clockid_t host_id, HostClockId(id));
  timespec time;
  if (clock_gettime(host_id, &time) != 0) return LastHostErrno();
  return ToNanos(time);
}

ErrnoOr<uint64_t> HostClocks::Resolution(ClockId id) {
  ASSIGN_OR_RETURN(const clockid_t host_id, HostClockId(id));
  timespec time;
  if (clock_getres(host_id, &time) != 0) return LastHostErrno();
  const uint64_t nanos = ToNanos(time);
  return nanos == 0 ? uint64_t{1} : nanos;
}

Errno HostClocks::Wait(absl::Span<pollfd> descriptors, std::optional<uint64_t> timeout) {
  timespec limit;
  if (timeout.has_value()) {
    limit.tv_sec = static_cast<time_t>(*timeout / kNanosPerSecond);
    limit.tv_nsec = static_cast<long>(*timeout % kNanosPerSecond);
  }
  const int ready = ppoll(descriptors.data(), descriptors.size(),
                          timeout.has_value() ? &limit : nullptr, nullptr);
  if (ready >= 0) return Errno::kSuccess;
  if (errno != EINTR) return LastHostErrno();
  for (pollfd& descriptor : descriptors) descriptor.revents = 0;
  return Errno::kSuccess;
}

}  // namespace gantry::wasi
