#include "wasi/context.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <new>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gantry::wasi {
namespace {

Errno HostRandom(absl::Span<uint8_t> bytes) {
  while (!bytes.empty()) {
    const ssize_t filled = getrandom(bytes.data(), bytes.size(), 0);
    if (filled < 0) {
      if (errno == EINTR) continue;
      return LastHostErrno();
    }
    bytes.remove_prefix(static_cast<size_t>(filled));
  }
  return Errno::kSuccess;
}

// The number of strings and their bytes with a NUL each.
Errno StoreSizes(const GuestMemory& memory, const std::vector<std::string>& strings,
                 uint32_t count_out, uint32_t size_out) {
  uint32_t size = 0;
  for (const std::string& text : strings) size += static_cast<uint32_t>(text.size()) + 1;
  GANTRY_RETURN_IF_ERRNO(memory.Range(size_out, sizeof(uint32_t)).status());
  GANTRY_RETURN_IF_ERRNO(memory.Store<uint32_t>(count_out, static_cast<uint32_t>(strings.size())));
  return memory.Store<uint32_t>(size_out, size);
}

// The strings, NUL-terminated, and an array of pointers to them.
Errno StoreStrings(const GuestMemory& memory, const std::vector<std::string>& strings,
                   uint32_t pointers_out, uint32_t buffer_out) {
  uint64_t size = 0;
  for (const std::string& text : strings) size += text.size() + 1;
  ErrnoOr<absl::Span<uint8_t>> pointers =
      memory.Array(pointers_out, static_cast<uint32_t>(strings.size()), sizeof(uint32_t));
  if (!pointers.ok()) return pointers.status();
  ErrnoOr<absl::Span<uint8_t>> buffer = memory.Range(buffer_out, size);
  if (!buffer.ok()) return buffer.status();
  uint32_t offset = 0;
  uint32_t index = 0;
  for (const std::string& text : strings) {
    std::memcpy(buffer->data() + offset, text.c_str(), text.size() + 1);
    GuestMemory::StoreTo<uint32_t>(*pointers, index * sizeof(uint32_t), buffer_out + offset);
    offset += static_cast<uint32_t>(text.size()) + 1;
    ++index;
  }
  return Errno::kSuccess;
}

// fdflags of an open host file.
uint32_t FlagsOfHost(int host_flags) {
  uint32_t flags = 0;
  if ((host_flags & O_APPEND) != 0) flags |= fdflags::kAppend;
  if ((host_flags & O_NONBLOCK) != 0) flags |= fdflags::kNonblock;
  if ((host_flags & O_SYNC) == O_SYNC) {
    flags |= fdflags::kSync | fdflags::kRsync;
  } else if ((host_flags & O_DSYNC) != 0) {
    flags |= fdflags::kDsync;
  }
  return flags;
}

// A descriptor for a host file that the embedder hands in, with all rights that fit its type and
// the way it was opened.
ErrnoOr<Descriptor> Describe(ScopedFd fd) {
  Descriptor descriptor;
  ASSIGN_OR_RETURN(descriptor.type, FiletypeOf(fd.get()));
  const int host_flags = fcntl(fd.get(), F_GETFL);
  if (host_flags < 0) return LastHostErrno();
  descriptor.flags = FlagsOfHost(host_flags);
  switch (descriptor.type) {
    case Filetype::kRegularFile:
    case Filetype::kBlockDevice:
      descriptor.base = rights::kRegularFile;
      break;
    case Filetype::kCharacterDevice:
      descriptor.base = isatty(fd.get()) == 1 ? rights::kStream : rights::kRegularFile;
      break;
    case Filetype::kSocketDgram:
    case Filetype::kSocketStream: {
      int listening = 0;
      socklen_t length = sizeof(listening);
      if (getsockopt(fd.get(), SOL_SOCKET, SO_ACCEPTCONN, &listening, &length) != 0) {
        return LastHostErrno();
      }
      descriptor.base = listening != 0 ? rights::kListeningSocket : rights::kSocket;
      descriptor.inheriting = listening != 0 ? rights::kSocket : 0;
      break;
    }
    default:
      descriptor.base = rights::kStream;
      descriptor.pipe = true;
  }
  const int access = host_flags & O_ACCMODE;
  if (access == O_WRONLY) descriptor.base &= ~rights::kFdRead;
  if (access == O_RDONLY) {
    descriptor.base &= ~(rights::kFdWrite | rights::kFdAllocate | rights::kFdFilestatSetSize);
  }
  descriptor.host = std::move(fd);
  return descriptor;
}

}  // namespace

Errno Context::ArgsGet(GuestMemory memory, uint32_t argv_out, uint32_t buffer_out) {
  return StoreStrings(memory, args_, argv_out, buffer_out);
}

Errno Context::ArgsSizesGet(GuestMemory memory, uint32_t count_out, uint32_t size_out) {
  return StoreSizes(memory, args_, count_out, size_out);
}

Errno Context::EnvironGet(GuestMemory memory, uint32_t environ_out, uint32_t buffer_out) {
  return StoreStrings(memory, environment_, environ_out, buffer_out);
}

Errno Context::EnvironSizesGet(GuestMemory memory, uint32_t count_out, uint32_t size_out) {
  return StoreSizes(memory, environment_, count_out, size_out);
}

Errno Context::ClockResGet(GuestMemory memory, uint32_t id, uint32_t resolution_out) {
  GANTRY_RETURN_IF_ERRNO(memory.Range(resolution_out, sizeof(uint64_t)).status());
  ErrnoOr<uint64_t> resolution = clocks_->Resolution(static_cast<ClockId>(id));
  if (!resolution.ok()) return resolution.status();
  return memory.Store<uint64_t>(resolution_out, *resolution);
}

Errno Context::ClockTimeGet(GuestMemory memory, uint32_t id, uint64_t /*precision*/,
                            uint32_t time_out) {
  GANTRY_RETURN_IF_ERRNO(memory.Range(time_out, sizeof(uint64_t)).status());
  ErrnoOr<uint64_t> time = clocks_->Now(static_cast<ClockId>(id));
  if (!time.ok()) return time.status();
  return memory.Store<uint64_t>(time_out, *time);
}

void Context::ProcExit(GuestMemory /*memory*/, uint32_t code) { exit_code_ = code; }

Errno Context::ProcRaise(GuestMemory /*memory*/, uint32_t signal) {
  // The witx numbers signals as Linux on x86-64 does up to 15, and skips stkflt (16) after that.
  constexpr uint32_t kChild = 16, kContinue = 17, kStop = 18, kTerminalOutput = 21, kUrgent = 22,
                     kWindow = 27, kLast = 30, kFirstShifted = 16;
  if (signal > kLast) return Errno::kInval;
  if (signal == 0 || signal == kChild || signal == kContinue || signal == kUrgent ||
      signal == kWindow) {
    return Errno::kSuccess;
  }
  if (signal >= kStop && signal <= kTerminalOutput) return Errno::kNotsup;
  exit_code_ = 128 + (signal >= kFirstShifted ? signal + 1 : signal);
  return Errno::kSuccess;
}

Errno Context::SchedYield(GuestMemory /*memory*/) {
  return sched_yield() == 0 ? Errno::kSuccess : LastHostErrno();
}

Errno Context::RandomGet(GuestMemory memory, uint32_t buffer_out, uint32_t buffer_length) {
  ErrnoOr<absl::Span<uint8_t>> buffer = memory.Range(buffer_out, buffer_length);
  if (!buffer.ok()) return buffer.status();
  return random_(*buffer);
}

ContextBuilder& ContextBuilder::Args(std::vector<std::string> args) {
  args_ = std::move(args);
  return *this;
}

ContextBuilder& ContextBuilder::Env(std::string name, std::string value) {
  for (auto& [known, old] : environment_) {
    if (known == name) {
      old = std::move(value);
      return *this;
    }
  }
  environment_.emplace_back(std::move(name), std::move(value));
  return *this;
}

ContextBuilder& ContextBuilder::InheritStdio() {
  for (Stream& stream : streams_) {
    stream = Stream();
    stream.inherit = true;
  }
  return *this;
}

ContextBuilder& ContextBuilder::Stdin(ScopedFd fd) {
  streams_[0] = Stream{false, std::move(fd), std::nullopt};
  return *this;
}

ContextBuilder& ContextBuilder::Stdout(ScopedFd fd) {
  streams_[1] = Stream{false, std::move(fd), std::nullopt};
  return *this;
}

ContextBuilder& ContextBuilder::Stderr(ScopedFd fd) {
  streams_[2] = Stream{false, std::move(fd), std::nullopt};
  return *this;
}

ContextBuilder& ContextBuilder::StdinBytes(std::string bytes) {
  streams_[0] = Stream{false, ScopedFd(), std::move(bytes)};
  return *this;
}

ContextBuilder& ContextBuilder::PreopenDirectory(std::string host_path, std::string guest_path,
                                                 Access access) {
  preopens_.push_back({std::move(host_path), std::move(guest_path), rights::kDirectory,
                       rights::kDirectoryInheriting, access == Access::kReadOnly});
  return *this;
}

ContextBuilder& ContextBuilder::PreopenDirectory(std::string host_path, std::string guest_path,
                                                 Rights base, Rights inheriting) {
  preopens_.push_back({std::move(host_path), std::move(guest_path), base & rights::kDirectory,
                       inheriting & rights::kDirectoryInheriting, false});
  return *this;
}

ContextBuilder& ContextBuilder::Socket(ScopedFd fd) {
  sockets_.push_back(std::move(fd));
  return *this;
}

ContextBuilder& ContextBuilder::WithClocks(std::unique_ptr<Clocks> clocks) {
  clocks_ = std::move(clocks);
  return *this;
}

ContextBuilder& ContextBuilder::WithRandom(RandomSource random) {
  random_ = std::move(random);
  return *this;
}

ContextBuilder& ContextBuilder::DescriptorLimit(uint32_t limit) {
  descriptor_limit_ = limit;
  return *this;
}

ContextBuilder& ContextBuilder::PathStrategy(ResolveStrategy strategy) {
  strategy_ = strategy;
  return *this;
}

absl::Status ContextBuilder::AddDescriptor(Context& context, Descriptor descriptor) {
  if (context.descriptors_.Insert(std::move(descriptor)).ok()) return absl::OkStatus();
  return absl::ResourceExhaustedError(
      absl::StrCat("more streams, directories and sockets than the guest's limit of ",
                   descriptor_limit_, " descriptors"));
}

absl::Status ContextBuilder::AddStream(Context& context, int number) {
  static constexpr const char* kNames[] = {"standard input", "standard output", "standard error"};
  const auto failed = [&](absl::string_view what) {
    return absl::FailedPreconditionError(
        absl::StrCat(kNames[number], ": ", what, ": ", ErrnoName(LastHostErrno())));
  };
  Stream& stream = streams_[number];
  ScopedFd fd = std::move(stream.fd);
  bool shared = false;
  if (stream.inherit) {
    ErrnoOr<ScopedFd> copy = Duplicate(number);
    if (copy.ok()) {
      fd = *std::move(copy);
      shared = true;
    } else if (copy.status() != Errno::kBadf) {
      return failed("cannot be duplicated");
    }
    // A stream that is closed in the embedder is an empty one for the guest.
  } else if (stream.bytes.has_value()) {
    fd = ScopedFd(memfd_create("stdin", MFD_CLOEXEC));
    if (!fd.is_open()) return failed("cannot make a memory file");
    absl::string_view rest = *stream.bytes;
    while (!rest.empty()) {
      const ssize_t written = write(fd.get(), rest.data(), rest.size());
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) return failed("cannot write the memory file");
      rest.remove_prefix(static_cast<size_t>(written));
    }
    if (lseek(fd.get(), 0, SEEK_SET) != 0) return failed("cannot rewind the memory file");
  }
  if (!fd.is_open()) {
    fd = ScopedFd(open("/dev/null", (number == 0 ? O_RDONLY : O_WRONLY) | O_CLOEXEC));
    if (!fd.is_open()) return failed("cannot open /dev/null");
  }
  ErrnoOr<Descriptor> descriptor = Describe(std::move(fd));
  if (!descriptor.ok()) {
    return absl::InvalidArgumentError(absl::StrCat(
        kNames[number], ": not a usable descriptor: ", ErrnoName(descriptor.status())));
  }
  descriptor->base &= number == 0 ? ~(rights::kFdWrite | rights::kFdAllocate |
                                      rights::kFdFilestatSetSize | rights::kFdFilestatSetTimes)
                                  : ~rights::kFdRead;
  descriptor->shared = shared;
  return AddDescriptor(context, *std::move(descriptor));
}

absl::StatusOr<std::unique_ptr<Context>> ContextBuilder::Build() try {
  std::unique_ptr<Context> context(new Context(descriptor_limit_));
  context->args_ = std::move(args_);
  for (const auto& [name, value] : environment_) {
    if (name.empty() || name.find('=') != std::string::npos) {
      return absl::InvalidArgumentError(absl::StrCat("environment variable \"", name,
                                                     "\": the name is empty or has a '=' in it"));
    }
    context->environment_.push_back(absl::StrCat(name, "=", value));
  }
  uint64_t text_size = 0;
  for (const std::vector<std::string>* list : {&context->args_, &context->environment_}) {
    for (const std::string& text : *list) {
      if (text.find('\0') != std::string::npos) {
        return absl::InvalidArgumentError(absl::StrCat("argument or environment variable \"",
                                                       text.substr(0, text.find('\0')),
                                                       "\": there is a NUL in it"));
      }
      text_size += text.size() + 1 + sizeof(uint32_t);
    }
  }
  if (text_size > UINT32_MAX) {
    return absl::InvalidArgumentError("arguments and environment together exceed 4 GiB");
  }
  context->clocks_ = clocks_ != nullptr ? std::move(clocks_) : std::make_unique<HostClocks>();
  context->random_ = random_ ? std::move(random_) : RandomSource(HostRandom);
  context->strategy_ = strategy_.has_value() ? *strategy_ : DetectResolveStrategy();

  for (int number = 0; number < 3; ++number) RETURN_IF_ERROR(AddStream(*context, number));
  for (Preopen& preopen : preopens_) {
    Descriptor descriptor;
    descriptor.host = ScopedFd(open(preopen.host_path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    if (!descriptor.host.is_open()) {
      return absl::NotFoundError(absl::StrCat("directory \"", preopen.host_path,
                                              "\" cannot be opened: ", ErrnoName(LastHostErrno())));
    }
    descriptor.type = Filetype::kDirectory;
    descriptor.base = preopen.base;
    descriptor.inheriting = preopen.inheriting;
    descriptor.granted = preopen.inheriting;
    descriptor.read_only = preopen.read_only;
    descriptor.preopen_name = std::move(preopen.guest_path);
    RETURN_IF_ERROR(AddDescriptor(*context, std::move(descriptor)));
  }
  for (ScopedFd& socket : sockets_) {
    const int number = socket.get();
    ErrnoOr<Descriptor> descriptor = Describe(std::move(socket));
    if (!descriptor.ok() || (descriptor->type != Filetype::kSocketDgram &&
                             descriptor->type != Filetype::kSocketStream)) {
      return absl::InvalidArgumentError(
          absl::StrCat("host descriptor ", number, " is not an open socket"));
    }
    RETURN_IF_ERROR(AddDescriptor(*context, *std::move(descriptor)));
  }
  return context;
} catch (const std::bad_alloc&) {
  return absl::ResourceExhaustedError("out of memory for a WASI context");
}

}  // namespace gantry::wasi
