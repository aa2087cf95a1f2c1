// Context: one guest's view of the system, with every WASI preview 1 call as a method.
//
// A guest starts with nothing; ContextBuilder says what it gets. The library knows of no engine:
// a call takes the guest's memory as a GuestMemory and integers, and answers with an Errno.
//
//   ASSIGN_OR_RETURN(std::unique_ptr<wasi::Context> context,
//                    wasi::ContextBuilder()
//                        .Args({"program", "input.txt"})
//                        .InheritStdio()
//                        .PreopenDirectory("/data", ".", wasi::ContextBuilder::Access::kReadOnly)
//                        .Build());
//   wasi::Errno error = context->FdWrite(memory, 1, iovs, iovs_length, written);
//
// Order of checks in each call: pointers that results go to (kFault), the descriptor (kBadf,
// kNotdir), its rights (kNotcapable), the other arguments (kInval), then the host. A call that
// fails has changed nothing in guest memory but, at most, the contents of data buffers.
//
// One thread at a time may use a Context.
//
// Source: wasi_snapshot_preview1.witx.
#ifndef GANTRY_WASI_CONTEXT_H_
#define GANTRY_WASI_CONTEXT_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "wasi/clocks.h"
#include "wasi/descriptor_table.h"
#include "wasi/errno.h"
#include "wasi/guest_memory.h"
#include "wasi/host_file.h"
#include "wasi/path_resolver.h"
#include "wasi/types.h"

namespace gantry::wasi {

// Fills the span with random bytes; kIo and the like when it cannot.
using RandomSource = std::function<Errno(absl::Span<uint8_t>)>;

class Context {
 public:
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // Set once the guest has called proc_exit (or proc_raise with a signal that ends a process):
  // its execution must be stopped, with this as the exit code.
  std::optional<uint32_t> exit_code() const { return exit_code_; }

  // How many descriptors the guest has open.
  size_t open_descriptors() const { return descriptors_.size(); }

  // The calls, in functions.inc's order. Parameters are those of the witx; `*_out` are guest
  // addresses for results.
  Errno ArgsGet(GuestMemory memory, uint32_t argv_out, uint32_t buffer_out);
  Errno ArgsSizesGet(GuestMemory memory, uint32_t count_out, uint32_t size_out);
  Errno EnvironGet(GuestMemory memory, uint32_t environ_out, uint32_t buffer_out);
  Errno EnvironSizesGet(GuestMemory memory, uint32_t count_out, uint32_t size_out);

  Errno ClockResGet(GuestMemory memory, uint32_t id, uint32_t resolution_out);
  Errno ClockTimeGet(GuestMemory memory, uint32_t id, uint64_t precision, uint32_t time_out);

  Errno FdAdvise(GuestMemory memory, uint32_t fd, uint64_t offset, uint64_t length,
                 uint32_t advice);
  Errno FdAllocate(GuestMemory memory, uint32_t fd, uint64_t offset, uint64_t length);
  Errno FdClose(GuestMemory memory, uint32_t fd);
  Errno FdDatasync(GuestMemory memory, uint32_t fd);
  Errno FdFdstatGet(GuestMemory memory, uint32_t fd, uint32_t fdstat_out);
  Errno FdFdstatSetFlags(GuestMemory memory, uint32_t fd, uint32_t flags);
  Errno FdFdstatSetRights(GuestMemory memory, uint32_t fd, uint64_t base, uint64_t inheriting);
  Errno FdFilestatGet(GuestMemory memory, uint32_t fd, uint32_t filestat_out);
  Errno FdFilestatSetSize(GuestMemory memory, uint32_t fd, uint64_t size);
  Errno FdFilestatSetTimes(GuestMemory memory, uint32_t fd, uint64_t access_time,
                           uint64_t modification_time, uint32_t flags);
  Errno FdPread(GuestMemory memory, uint32_t fd, uint32_t iovs, uint32_t iovs_length,
                uint64_t offset, uint32_t read_out);
  Errno FdPrestatGet(GuestMemory memory, uint32_t fd, uint32_t prestat_out);
  Errno FdPrestatDirName(GuestMemory memory, uint32_t fd, uint32_t path_out, uint32_t path_length);
  Errno FdPwrite(GuestMemory memory, uint32_t fd, uint32_t iovs, uint32_t iovs_length,
                 uint64_t offset, uint32_t written_out);
  Errno FdRead(GuestMemory memory, uint32_t fd, uint32_t iovs, uint32_t iovs_length,
               uint32_t read_out);
  Errno FdReaddir(GuestMemory memory, uint32_t fd, uint32_t buffer_out, uint32_t buffer_length,
                  uint64_t cookie, uint32_t used_out);
  Errno FdRenumber(GuestMemory memory, uint32_t from, uint32_t to);
  Errno FdSeek(GuestMemory memory, uint32_t fd, uint64_t offset, uint32_t whence,
               uint32_t position_out);
  Errno FdSync(GuestMemory memory, uint32_t fd);
  Errno FdTell(GuestMemory memory, uint32_t fd, uint32_t position_out);
  Errno FdWrite(GuestMemory memory, uint32_t fd, uint32_t iovs, uint32_t iovs_length,
                uint32_t written_out);

  Errno PathCreateDirectory(GuestMemory memory, uint32_t fd, uint32_t path, uint32_t path_length);
  Errno PathFilestatGet(GuestMemory memory, uint32_t fd, uint32_t lookup_flags, uint32_t path,
                        uint32_t path_length, uint32_t filestat_out);
  Errno PathFilestatSetTimes(GuestMemory memory, uint32_t fd, uint32_t lookup_flags, uint32_t path,
                             uint32_t path_length, uint64_t access_time, uint64_t modification_time,
                             uint32_t flags);
  Errno PathLink(GuestMemory memory, uint32_t old_fd, uint32_t old_lookup_flags, uint32_t old_path,
                 uint32_t old_path_length, uint32_t new_fd, uint32_t new_path,
                 uint32_t new_path_length);
  Errno PathOpen(GuestMemory memory, uint32_t fd, uint32_t lookup_flags, uint32_t path,
                 uint32_t path_length, uint32_t open_flags, uint64_t base, uint64_t inheriting,
                 uint32_t flags, uint32_t fd_out);
  Errno PathReadlink(GuestMemory memory, uint32_t fd, uint32_t path, uint32_t path_length,
                     uint32_t buffer_out, uint32_t buffer_length, uint32_t used_out);
  Errno PathRemoveDirectory(GuestMemory memory, uint32_t fd, uint32_t path, uint32_t path_length);
  Errno PathRename(GuestMemory memory, uint32_t old_fd, uint32_t old_path, uint32_t old_path_length,
                   uint32_t new_fd, uint32_t new_path, uint32_t new_path_length);
  Errno PathSymlink(GuestMemory memory, uint32_t target, uint32_t target_length, uint32_t fd,
                    uint32_t path, uint32_t path_length);
  Errno PathUnlinkFile(GuestMemory memory, uint32_t fd, uint32_t path, uint32_t path_length);

  Errno PollOneoff(GuestMemory memory, uint32_t subscriptions, uint32_t events_out, uint32_t count,
                   uint32_t count_out);
  // Sets exit_code(); the caller stops the guest.
  void ProcExit(GuestMemory memory, uint32_t code);
  // Never raises a signal on the host: one that would end a process sets exit_code() to
  // 128 + its Linux number, one that is ignored by default does nothing, one that stops is kNotsup.
  Errno ProcRaise(GuestMemory memory, uint32_t signal);
  Errno SchedYield(GuestMemory memory);
  Errno RandomGet(GuestMemory memory, uint32_t buffer_out, uint32_t buffer_length);

  Errno SockAccept(GuestMemory memory, uint32_t fd, uint32_t flags, uint32_t fd_out);
  Errno SockRecv(GuestMemory memory, uint32_t fd, uint32_t iovs, uint32_t iovs_length,
                 uint32_t flags, uint32_t read_out, uint32_t flags_out);
  Errno SockSend(GuestMemory memory, uint32_t fd, uint32_t iovs, uint32_t iovs_length,
                 uint32_t flags, uint32_t written_out);
  Errno SockShutdown(GuestMemory memory, uint32_t fd, uint32_t how);

 private:
  friend class ContextBuilder;

  explicit Context(uint32_t descriptor_limit) : descriptors_(descriptor_limit) {}

  std::vector<std::string> args_;
  std::vector<std::string> environment_;  // "NAME=value"
  DescriptorTable descriptors_;
  std::unique_ptr<Clocks> clocks_;
  RandomSource random_;
  ResolveStrategy strategy_ = ResolveStrategy::kWalk;
  std::optional<uint32_t> exit_code_;
};

// Says what a guest gets. Descriptors 0, 1 and 2 are the standard streams (an empty input and
// discarded output unless given), then come the directories in the order given, then the sockets.
class ContextBuilder {
 public:
  enum class Access { kReadOnly, kReadWrite };

  // The program's name and arguments, in place of any given before.
  ContextBuilder& Args(std::vector<std::string> args);
  // One environment variable; a later value for a name replaces the earlier one.
  ContextBuilder& Env(std::string name, std::string value);

  // The embedder's own standard streams. Their flags on the host are never changed.
  ContextBuilder& InheritStdio();
  // A stream of the embedder's, handed over.
  ContextBuilder& Stdin(ScopedFd fd);
  ContextBuilder& Stdout(ScopedFd fd);
  ContextBuilder& Stderr(ScopedFd fd);
  // Standard input that holds these bytes.
  ContextBuilder& StdinBytes(std::string bytes);

  // The host directory `host_path` as `guest_path`. Below a read-only one everything that would
  // change a file or directory fails with kRofs, as on a read-only mount.
  ContextBuilder& PreopenDirectory(std::string host_path, std::string guest_path,
                                   Access access = Access::kReadWrite);
  // The same with chosen rights; those that mean nothing on a directory are dropped from `base`.
  ContextBuilder& PreopenDirectory(std::string host_path, std::string guest_path, Rights base,
                                   Rights inheriting);
  // A connected or listening socket, handed over.
  ContextBuilder& Socket(ScopedFd fd);

  // For tests and for embedders with needs of their own; the host's by default.
  ContextBuilder& WithClocks(std::unique_ptr<Clocks> clocks);
  ContextBuilder& WithRandom(RandomSource random);
  // How many descriptors the guest may have open; 1024 by default.
  ContextBuilder& DescriptorLimit(uint32_t limit);
  // Chooses how paths are resolved; by default DetectResolveStrategy().
  ContextBuilder& PathStrategy(ResolveStrategy strategy);

  // Opens everything; the Status names the directory or stream that cannot be had, or is
  // kResourceExhausted. The builder is used up.
  absl::StatusOr<std::unique_ptr<Context>> Build();

 private:
  struct Preopen {
    std::string host_path;
    std::string guest_path;
    Rights base;
    Rights inheriting;
    bool read_only;
  };
  struct Stream {
    bool inherit = false;
    ScopedFd fd;
    std::optional<std::string> bytes;
  };

  absl::Status AddStream(Context& context, int number);
  absl::Status AddDescriptor(Context& context, Descriptor descriptor);

  std::vector<std::string> args_;
  std::vector<std::pair<std::string, std::string>> environment_;
  Stream streams_[3];
  std::vector<Preopen> preopens_;
  std::vector<ScopedFd> sockets_;
  std::unique_ptr<Clocks> clocks_;
  RandomSource random_;
  uint32_t descriptor_limit_ = 1024;
  std::optional<ResolveStrategy> strategy_;
};

}  // namespace gantry::wasi

#endif  // GANTRY_WASI_CONTEXT_H_
