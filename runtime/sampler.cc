#include "runtime/sampler.h"

#include <cerrno>
#include <new>
#include <optional>
#include <system_error>
#include <utility>

#include "base/check.h"
#include "runtime/activation.h"
#include "runtime/code_object.h"
#include "runtime/host_arch.h"

namespace gantry::runtime {
namespace {

// The one that runs, for the signal handler.
std::atomic<Sampler*> current{nullptr};

// Words in front of a sample's addresses: the time, and their number with the flag.
constexpr size_t kHeaderWords = 2;
constexpr uintptr_t kInGuest = uintptr_t{1} << 32;

// Addresses of one sample, innermost first.
class Frames {
 public:
  explicit Frames(uintptr_t* out) : out_(out) {}
  // An address inside of an instruction. What is no code of ours is left out.
  void Add(uintptr_t address) {
    if (count_ < Sampler::kMaxFrames && CodeObject::Find(address) != nullptr) {
      out_[count_++] = address;
    }
  }
  size_t count() const { return count_; }

 private:
  uintptr_t* const out_;
  size_t count_ = 0;
};

// Follows frame records from `fp` up to `entry_fp`, as long as they ascend between the two: a
// record that was read at the wrong moment ends the walk and nothing more.
void WalkRecords(uintptr_t fp, uintptr_t entry_fp, Frames& frames) {
  while (fp != 0 && fp < entry_fp && fp % sizeof(uintptr_t) == 0) {
    const uintptr_t caller = host_arch::CallerFramePointer(fp);
    if (caller == entry_fp) return;
    if (caller <= fp || caller > entry_fp) return;
    frames.Add(host_arch::ReturnAddress(fp) - 1);
    fp = caller;
  }
}

// From the instruction that the signal interrupted. False where that is none of a guest.
bool WalkFromPc(const host_arch::Registers& registers, uintptr_t entry_fp, Frames& frames) {
  const CodeObject* code = CodeObject::Find(registers.pc);
  if (code == nullptr) return false;
  const environ::FunctionRecord* function = code->FindFunction(registers.pc);
  // In front of an entry's record of itself the registers are the host's.
  if (registers.fp > entry_fp || registers.sp > entry_fp) return true;
  frames.Add(registers.pc);
  if (function != nullptr) {
    const int64_t distance =
        function->frame().FramelessSize(code->TextOffset(registers.pc) - function->offset);
    if (distance >= 0 && registers.sp + static_cast<uintptr_t>(distance) < entry_fp) {
      const host_arch::FramelessCaller caller =
          host_arch::CallerOfFrameless(registers, static_cast<size_t>(distance));
      frames.Add(caller.return_address - 1);
    }
  }
  if (registers.fp >= registers.sp) WalkRecords(registers.fp, entry_fp, frames);
  return true;
}

// The boundaries that an activation has crossed: its store's, unless the store has been entered
// again since, which keeps them.
const BoundaryRegisters& BoundaryOf(const Activation& activation, const Activation* innermost) {
  const BoundaryRegisters* boundary = &activation.store->last;
  for (const Activation* inner = innermost; inner != &activation; inner = inner->outer_on_thread) {
    if (inner->store == activation.store) boundary = &inner->outer;
  }
  return *boundary;
}

}  // namespace

Sampler::Sampler(const Options& options)
    : options_(options),
      start_(std::chrono::steady_clock::now()),
      buffer_(new uintptr_t[options.capacity]),
      watched_(pthread_self()) {}

absl::StatusOr<std::unique_ptr<Sampler>> Sampler::Start(const Options& options) {
  try {
    std::unique_ptr<Sampler> sampler(new Sampler(options));
    Sampler* none = nullptr;
    if (!current.compare_exchange_strong(none, sampler.get())) {
      return absl::FailedPreconditionError("a sampler runs already; there is one in a process");
    }
    sampler->running_ = true;
    // Stays for good, so that a late signal ends nothing.
    struct sigaction action = {};
    action.sa_sigaction = &HandleSignal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESTART;
    sigemptyset(&action.sa_mask);
    CHECK_EQ(sigaction(SIGPROF, &action, nullptr), 0);
    sampler->thread_ = std::thread([sampler = sampler.get()] { sampler->Run(); });
    return sampler;
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("no memory for samples");
  } catch (const std::system_error&) {
    return absl::ResourceExhaustedError("no thread to take samples");
  }
}

Sampler::~Sampler() { End(); }

void Sampler::End() {
  if (!running_) return;
  running_ = false;
  stop_.store(true);
  if (thread_.joinable()) thread_.join();
  current.store(nullptr);
}

void Sampler::Run() {
  auto next = start_ + options_.interval;
  while (!stop_.load()) {
    std::this_thread::sleep_until(next);
    if (stop_.load()) return;
    pthread_kill(watched_, SIGPROF);
    next += options_.interval;
    const auto now = std::chrono::steady_clock::now();
    if (next < now) next = now + options_.interval;
  }
}

void Sampler::HandleSignal(int, siginfo_t*, void* ucontext) {
  const int saved_errno = errno;
  Sampler* const sampler = current.load();
  if (sampler != nullptr && pthread_equal(pthread_self(), sampler->watched_)) {
    sampler->Take(ucontext);
  }
  errno = saved_errno;
}

// Runs in a signal handler on the watched thread.
void Sampler::Take(const void* ucontext) {
  if (options_.capacity - used_ < kHeaderWords + kMaxFrames) {
    ++lost_;
    return;
  }
  uintptr_t* const sample = &buffer_[used_];
  Frames frames(sample + kHeaderWords);
  bool in_guest = false;
  const Activation* const innermost = CurrentActivation();
  for (const Activation* activation = innermost; activation != nullptr;
       activation = activation->outer_on_thread) {
    const BoundaryRegisters& boundary = BoundaryOf(*activation, innermost);
    if (activation == innermost) {
      in_guest = WalkFromPc(host_arch::GetRegisters(ucontext), boundary.entry_fp, frames);
      if (in_guest) continue;
    }
    WalkRecords(boundary.exit_fp, boundary.entry_fp, frames);
  }
  sample[0] = static_cast<uintptr_t>((std::chrono::steady_clock::now() - start_).count());
  sample[1] = frames.count() | (in_guest ? kInGuest : 0);
  used_ += kHeaderWords + frames.count();
  ++num_samples_;
}

Sampler::Samples Sampler::Stop() {
  End();
  Samples out;
  out.duration = std::chrono::steady_clock::now() - start_;
  out.interval = options_.interval;
  out.lost = lost_;
  out.buffer = std::move(buffer_);
  for (size_t at = 0; at < used_;) {
    const uintptr_t* const sample = &out.buffer[at];
    const size_t count = sample[1] & (kInGuest - 1);
    out.samples.push_back({std::chrono::nanoseconds(sample[0]),
                           absl::MakeConstSpan(sample + kHeaderWords, count),
                           (sample[1] & kInGuest) != 0});
    at += kHeaderWords + count;
  }
  return out;
}

}  // namespace gantry::runtime
