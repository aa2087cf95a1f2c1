// Clocks: all that WASI calls know of time, so that tests can supply their own.
//
// HostClocks reads the host's. A test derives from Clocks and makes Wait advance a
// simulated time instead of sleeping.
#ifndef GANTRY_WASI_CLOCKS_H_
#define GANTRY_WASI_CLOCKS_H_

#include <poll.h>

#include <cstdint>
#include <optional>

#include "absl/types/span.h"
#include "wasi/errno.h"
#include "wasi/types.h"

namespace gantry::wasi {

class Clocks {
 public:
  virtual ~Clocks() = default;

  // Nanoseconds since the clock's start (1970 for kRealtime). kInval for an unknown id.
  virtual ErrnoOr<uint64_t> Now(ClockId id) = 0;

  // The smallest step of the clock, in nanoseconds, never 0. kInval for an unknown id.
  virtual ErrnoOr<uint64_t> Resolution(ClockId id) = 0;

  // Waits until a descriptor is ready or `timeout` nanoseconds have passed (nullopt: without
  // limit), as poll(2) does, and fills in `revents`. May return early with nothing ready.
  virtual Errno Wait(absl::Span<pollfd> descriptors, std::optional<uint64_t> timeout) = 0;
};

class HostClocks : public Clocks {
 public:
  ErrnoOr<uint64_t> Now(ClockId id) override;
  ErrnoOr<uint64_t> Resolution(ClockId id) override;
  Errno Wait(absl::Span<pollfd> descriptors, std::optional<uint64_t> timeout) override;
};

}  // namespace gantry::wasi

#endif  // GANTRY_WASI_CLOCKS_H_
