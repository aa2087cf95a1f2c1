// poll_oneoff and the sock_* calls.
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>

#include "base/status_macros.h"
#include "wasi/context.h"
#include "wasi/guest_io.h"

namespace gantry::wasi {
namespace {

// More subscriptions than this in one call are refused: the host keeps some memory for each.
constexpr uint32_t kMaxSubscriptions = 1u << 16;

// One subscription, copied out of guest memory, and what came of it.
struct Subscription {
  uint64_t userdata = 0;
  uint8_t tag = 0;
  // Clocks: when it fires.
  ClockId clock = ClockId::kMonotonic;
  uint64_t deadline = 0;
  // Descriptors: which of the polled ones.
  size_t polled = 0;
  int host = -1;
  // The event.
  bool fired = false;
  Errno error = Errno::kSuccess;
  uint64_t bytes = 0;
  uint16_t flags = 0;

  void Fail(Errno reason) {
    fired = true;
    error = reason;
  }
};

uint64_t AddSaturating(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }

// Marks what the poll of its descriptor says.
void TakeReadiness(const pollfd& polled, Subscription& subscription) {
  if (polled.revents == 0) return;
  if ((polled.revents & POLLNVAL) != 0) return subscription.Fail(Errno::kBadf);
  subscription.fired = true;
  if ((polled.revents & POLLERR) != 0) {
    // For a pipe without a reader POLLERR is no failure of the poll: the write will tell.
    if ((polled.revents & (POLLIN | POLLOUT | POLLHUP)) == 0) subscription.error = Errno::kIo;
  }
  if ((polled.revents & POLLHUP) != 0) subscription.flags |= eventrwflags::kHangup;
  if (subscription.tag == static_cast<uint8_t>(EventType::kFdRead)) {
    int available = 0;
    if (ioctl(polled.fd, FIONREAD, &available) == 0 && available > 0) {
      subscription.bytes = static_cast<uint64_t>(available);
    }
  }
}

void StoreEvent(absl::Span<uint8_t> record, const Subscription& subscription) {
  using layout::Event;
  std::fill(record.begin(), record.end(), uint8_t{0});
  GuestMemory::StoreTo<uint64_t>(record, Event::kUserdata, subscription.userdata);
  GuestMemory::StoreTo<uint16_t>(record, Event::kError, static_cast<uint16_t>(subscription.error));
  GuestMemory::StoreTo<uint8_t>(record, Event::kType, subscription.tag);
  GuestMemory::StoreTo<uint64_t>(record, Event::kNbytes, subscription.bytes);
  GuestMemory::StoreTo<uint16_t>(record, Event::kFlags, subscription.flags);
}

bool IsSocket(const Descriptor& descriptor) {
  return descriptor.type == Filetype::kSocketStream || descriptor.type == Filetype::kSocketDgram;
}

ErrnoOr<Descriptor*> GetSocket(DescriptorTable& table, uint32_t fd, Rights needed) {
  ASSIGN_OR_RETURN(Descriptor * descriptor, table.Get(fd));
  if (!IsSocket(*descriptor)) return Errno::kNotsock;
  return table.Get(fd, needed);
}

}  // namespace

Errno Context::PollOneoff(GuestMemory memory, uint32_t subscriptions, uint32_t events_out,
                          uint32_t count, uint32_t count_out) {
  using Record = layout::Subscription;
  GANTRY_RETURN_IF_ERRNO(memory.Range(count_out, sizeof(uint32_t)).status());
  ASSIGN_OR_RETURN(const absl::Span<uint8_t> records,
                   memory.Array(subscriptions, count, Record::kSize));
  ASSIGN_OR_RETURN(const absl::Span<uint8_t> events,
                   memory.Array(events_out, count, layout::Event::kSize));
  if (count == 0 || count > kMaxSubscriptions) return Errno::kInval;

  std::vector<Subscription> pending(count);
  std::vector<pollfd> polled;
  bool any_fired = false;
  for (uint32_t i = 0; i < count; ++i) {
    const absl::Span<const uint8_t> record = records.subspan(i * Record::kSize, Record::kSize);
    Subscription& subscription = pending[i];
    subscription.userdata = GuestMemory::LoadFrom<uint64_t>(record, Record::kUserdata);
    subscription.tag = GuestMemory::LoadFrom<uint8_t>(record, Record::kTag);
    switch (static_cast<EventType>(subscription.tag)) {
      case EventType::kClock: {
        const auto clock =
            static_cast<ClockId>(GuestMemory::LoadFrom<uint32_t>(record, Record::kClockId));
        const uint64_t timeout = GuestMemory::LoadFrom<uint64_t>(record, Record::kTimeout);
        const uint16_t flags = GuestMemory::LoadFrom<uint16_t>(record, Record::kClockFlags);
        const bool cpu_time = clock == ClockId::kProcessCputime || clock == ClockId::kThreadCputime;
        const ErrnoOr<uint64_t> now = clocks_->Now(clock);
        if ((flags & ~subclockflags::kAbstime) != 0) {
          subscription.Fail(Errno::kInval);
        } else if (!now.ok()) {
          subscription.Fail(now.status());
        } else if (cpu_time) {
          // Waiting uses none of it up.
          subscription.Fail(Errno::kNotsup);
        } else {
          subscription.clock = clock;
          subscription.deadline = flags != 0 ? timeout : AddSaturating(*now, timeout);
        }
        break;
      }
      case EventType::kFdRead:
      case EventType::kFdWrite: {
        const bool reads = subscription.tag == static_cast<uint8_t>(EventType::kFdRead);
        ErrnoOr<Descriptor*> descriptor =
            descriptors_.Get(GuestMemory::LoadFrom<uint32_t>(record, Record::kFd));
        if (!descriptor.ok()) {
          subscription.Fail(descriptor.status());
          break;
        }
        const Rights needed =
            rights::kPollFdReadwrite | (reads ? rights::kFdRead : rights::kFdWrite);
        if (((*descriptor)->base & needed) != needed) {
          subscription.Fail(Errno::kNotcapable);
          break;
        }
        subscription.host = (*descriptor)->host.get();
        subscription.polled = polled.size();
        polled.push_back({subscription.host, static_cast<short>(reads ? POLLIN : POLLOUT), 0});
        break;
      }
      default:
        return Errno::kInval;
    }
    any_fired = any_fired || subscription.fired;
  }

  // What has failed already is reported at once, with whatever else is ready by now.
  bool may_wait = !any_fired;
  do {
    std::optional<uint64_t> timeout;
    if (!may_wait) timeout = 0;
    for (const Subscription& subscription : pending) {
      if (subscription.fired || subscription.host >= 0) continue;
      ASSIGN_OR_RETURN(const uint64_t now, clocks_->Now(subscription.clock));
      const uint64_t left = subscription.deadline > now ? subscription.deadline - now : 0;
      timeout = std::min(timeout.value_or(left), left);
    }
    GANTRY_RETURN_IF_ERRNO(clocks_->Wait(absl::MakeSpan(polled), timeout));
    for (Subscription& subscription : pending) {
      if (subscription.fired) continue;
      if (subscription.host >= 0) {
        TakeReadiness(polled[subscription.polled], subscription);
      } else {
        ASSIGN_OR_RETURN(const uint64_t now, clocks_->Now(subscription.clock));
        subscription.fired = now >= subscription.deadline;
      }
      any_fired = any_fired || subscription.fired;
    }
  } while (!any_fired);

  uint32_t stored = 0;
  for (const Subscription& subscription : pending) {
    if (!subscription.fired) continue;
    StoreEvent(events.subspan(stored * layout::Event::kSize, layout::Event::kSize), subscription);
    ++stored;
  }
  return memory.Store<uint32_t>(count_out, stored);
}

Errno Context::SockAccept(GuestMemory memory, uint32_t fd, uint32_t flags, uint32_t fd_out) {
  GANTRY_RETURN_IF_ERRNO(memory.Range(fd_out, sizeof(uint32_t)).status());
  ASSIGN_OR_RETURN(Descriptor * listener, GetSocket(descriptors_, fd, rights::kSockAccept));
  if ((flags & ~fdflags::kNonblock) != 0) return Errno::kInval;
  if (!descriptors_.HasRoom()) return Errno::kMfile;
  Descriptor accepted;
  for (;;) {
    accepted.host =
        ScopedFd(accept4(listener->host.get(), nullptr, nullptr,
                         SOCK_CLOEXEC | ((flags & fdflags::kNonblock) != 0 ? SOCK_NONBLOCK : 0)));
    if (accepted.host.is_open()) break;
    if (errno != EINTR) return LastHostErrno();
  }
  accepted.type = listener->type;
  accepted.base = listener->inheriting & rights::kSocket;
  accepted.flags = flags;
  ASSIGN_OR_RETURN(const uint32_t number, descriptors_.Insert(std::move(accepted)));
  return memory.Store<uint32_t>(fd_out, number);
}

Errno Context::SockRecv(GuestMemory memory, uint32_t fd, uint32_t iovs, uint32_t iovs_length,
                        uint32_t flags, uint32_t read_out, uint32_t flags_out) {
  GANTRY_RETURN_IF_ERRNO(memory.Range(read_out, sizeof(uint32_t)).status());
  GANTRY_RETURN_IF_ERRNO(memory.Range(flags_out, sizeof(uint16_t)).status());
  ASSIGN_OR_RETURN(Descriptor * descriptor, GetSocket(descriptors_, fd, rights::kFdRead));
  if ((flags & ~riflags::kKnown) != 0) return Errno::kInval;
  ASSIGN_OR_RETURN(std::vector<iovec> vectors, LoadIovecs(memory, iovs, iovs_length));
  msghdr message = {};
  message.msg_iov = vectors.data();
  message.msg_iovlen = vectors.size();
  const int host_flags = ((flags & riflags::kRecvPeek) != 0 ? MSG_PEEK : 0) |
                         ((flags & riflags::kRecvWaitall) != 0 ? MSG_WAITALL : 0);
  for (;;) {
    const ssize_t received = recvmsg(descriptor->host.get(), &message, host_flags);
    if (received >= 0) {
      const bool truncated = (message.msg_flags & MSG_TRUNC) != 0;
      GANTRY_RETURN_IF_ERRNO(memory.Store<uint32_t>(read_out, static_cast<uint32_t>(received)));
      return memory.Store<uint16_t>(flags_out,
                                    truncated ? roflags::kRecvDataTruncated : uint16_t{0});
    }
    if (errno != EINTR) return LastHostErrno();
  }
}

Errno Context::SockSend(GuestMemory memory, uint32_t fd, uint32_t iovs, uint32_t iovs_length,
                        uint32_t flags, uint32_t written_out) {
  GANTRY_RETURN_IF_ERRNO(memory.Range(written_out, sizeof(uint32_t)).status());
  ASSIGN_OR_RETURN(Descriptor * descriptor, GetSocket(descriptors_, fd, rights::kFdWrite));
  if (flags != 0) return Errno::kInval;
  ASSIGN_OR_RETURN(std::vector<iovec> vectors, LoadIovecs(memory, iovs, iovs_length));
  msghdr message = {};
  message.msg_iov = vectors.data();
  message.msg_iovlen = vectors.size();
  for (;;) {
    const ssize_t sent = sendmsg(descriptor->host.get(), &message, MSG_NOSIGNAL);
    if (sent >= 0) return memory.Store<uint32_t>(written_out, static_cast<uint32_t>(sent));
    if (errno != EINTR) return LastHostErrno();
  }
}

Errno Context::SockShutdown(GuestMemory /*memory*/, uint32_t fd, uint32_t how) {
  ASSIGN_OR_RETURN(Descriptor * descriptor, GetSocket(descriptors_, fd, rights::kSockShutdown));
  if (how == 0 || (how & ~sdflags::kKnown) != 0) return Errno::kInval;
  const int host_how = how == sdflags::kKnown ? SHUT_RDWR : how == sdflags::kRd ? SHUT_RD : SHUT_WR;
  return shutdown(descriptor->host.get(), host_how) == 0 ? Errno::kSuccess : LastHostErrno();
}

}  // namespace gantry::wasi
