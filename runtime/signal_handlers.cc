#include "runtime/signal_handlers.h"

#include <signal.h>

#include <cerrno>
#include <cstdint>
#include <mutex>
#include <optional>

#include "base/check.h"
#include "environ/core/trap_code.h"
#include "runtime/activation.h"
#include "runtime/code_object.h"
#include "runtime/host_arch.h"

namespace gantry::runtime {
namespace {

constexpr int kSignals[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE};
struct sigaction previous_actions[std::size(kSignals)];

// Whether the signal was a trap or an interrupt; `ucontext` then continues where that leads.
bool HandleTrap(int signal, const siginfo_t& info, void* ucontext) {
  // What kill() or sigqueue() sends is nobody's trap, wherever it arrives.
  if (info.si_code <= 0) return false;
  Activation* activation = CurrentActivation();
  if (activation == nullptr) return false;
  const host_arch::Registers registers = host_arch::GetRegisters(ucontext);
  const CodeObject* code = CodeObject::Find(registers.pc);
  if (code == nullptr) return false;
  if (signal == SIGSEGV &&
      activation->fault_handler->IsPollPage(reinterpret_cast<uintptr_t>(info.si_addr))) {
    // The guest is interrupted, and finds out in its own code.
    const uintptr_t poll = code->FindPoll(registers.pc);
    if (poll == 0) return false;
    host_arch::SetRegisters(ucontext, {poll, registers.sp, registers.fp});
    return true;
  }
  const std::optional<uint8_t> number = code->FindTrap(registers.pc);
  if (!number.has_value()) return false;
  const std::optional<environ::TrapCode> trap = environ::TrapCodeFromNumber(*number);
  if (!trap.has_value()) return false;
  if ((signal == SIGSEGV || signal == SIGBUS) &&
      !activation->fault_handler->OwnsAddress(reinterpret_cast<uintptr_t>(info.si_addr))) {
    return false;
  }
  activation->fault_handler->RecordTrap(*trap, registers, *code);
  const BoundaryRegisters& last = activation->store->last;
  host_arch::SetRegisters(ucontext, {last.entry_pc, last.entry_sp, last.entry_fp, 0});
  return true;
}

// Does what would have happened without us.
void CallPrevious(int signal, siginfo_t* info, void* ucontext) {
  for (size_t i = 0; i < std::size(kSignals); ++i) {
    if (kSignals[i] != signal) continue;
    const struct sigaction& previous = previous_actions[i];
    if ((previous.sa_flags & SA_SIGINFO) != 0) {
      previous.sa_sigaction(signal, info, ucontext);
    } else if (previous.sa_handler == SIG_IGN && info->si_code <= 0) {
      // Sent by someone, and ignored as before.
    } else if (previous.sa_handler == SIG_DFL || previous.sa_handler == SIG_IGN) {
      // The instruction faults again, now with the action of old; a signal that was sent is
      // sent again.
      sigaction(signal, &previous, nullptr);
      if (info->si_code <= 0) raise(signal);
    } else {
      previous.sa_handler(signal);
    }
    return;
  }
}

void Handler(int signal, siginfo_t* info, void* ucontext) {
  const int saved_errno = errno;
  if (!HandleTrap(signal, *info, ucontext)) CallPrevious(signal, info, ucontext);
  errno = saved_errno;
}

}  // namespace

void InstallSignalHandlers() {
  static std::once_flag once;
  std::call_once(once, [] {
    for (size_t i = 0; i < std::size(kSignals); ++i) {
      struct sigaction action = {};
      action.sa_sigaction = Handler;
      // On the thread's signal stack; not blocked while it runs, so that a fault in a chained
      // handler is seen.
      action.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER;
      sigemptyset(&action.sa_mask);
      CHECK_EQ(sigaction(kSignals[i], &action, &previous_actions[i]), 0);
    }
  });
}

}  // namespace gantry::runtime
