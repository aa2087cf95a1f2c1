// Traps, walks, nesting, host calls and collections with real machine code on the stack.
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/cord.h"
#include "environ/core/tunables.h"
#include "gtest/gtest.h"
#include "runtime/instance.h"
#include "runtime/module.h"
#include "runtime/sanitizers.h"
#include "runtime/store.h"
#include "runtime/trap.h"
#include "tests/runtime/native_code.h"

namespace gantry::runtime {
namespace {

using environ::TrapCode;

// The code above has no explicit bounds, so that its memory needs a guard; the reservation
// itself may be as small as the test's addresses.
environ::MemoryPlan SmallGuardedPlan() {
  environ::MemoryPlan plan;
  plan.reservation = uint64_t{1} << 20;
  plan.guard = uint64_t{1} << 20;
  plan.bounds = environ::MemoryPlan::Bounds::kNone;
  plan.may_move = false;
  return plan;
}

class NativeTest : public testing::Test {
 protected:
  void SetUp() override {
    code_ = NativeCode(SmallGuardedPlan());
    if (code_ == nullptr) GTEST_SKIP() << "no native code for " << host_arch::Name();
    Engine::Options options;
    options.max_wasm_stack = 64 << 10;
    engine_ = Engine::Create(options);
    module_ = *Module::Create(engine_, code_, environ::ModuleId(0));
  }

  struct Guest {
    std::unique_ptr<Store> store;
    Instance* instance = nullptr;

    VMFuncRef* Function(const char* name) {
      return std::get<VMFuncRef*>(instance->GetExport(name).value());
    }
    Memory& memory() { return *std::get<Memory*>(instance->GetExport("memory").value()); }
    absl::StatusOr<int64_t> Call(const char* name, int64_t a = 0, int64_t b = 0) {
      ValRaw values[2] = {ValRaw::I64(a), ValRaw::I64(b)};
      absl::Status status = store->Call(Function(name), values);
      if (!status.ok()) return status;
      return values[0].i64;
    }
  };

  Guest MakeGuest(HostCallback callback) {
    Guest guest;
    guest.store = Store::Create(engine_, {});
    VMFuncRef* host = guest.store->AddHostFunction(NativeType(), std::move(callback)).value();
    guest.instance = Instance::Create(*guest.store, module_, {host}).value();
    return guest;
  }
  static absl::Status Sum(VMContext*, ValRaw* values) {
    values[0] = ValRaw::I64(values[0].i64 + values[1].i64);
    return absl::OkStatus();
  }

  std::shared_ptr<const CodeObject> code_;
  std::shared_ptr<Engine> engine_;
  std::shared_ptr<const Module> module_;
};

TrapFrame Frame(const char* name, NativeFunction function, bool at_trap) {
  return {"native", static_cast<uint32_t>(function), name,
          NativeModuleOffset(function) + (at_trap ? 1 : 0)};
}

void ExpectTrap(const absl::Status& status, TrapCode code, const std::vector<TrapFrame>& frames) {
  const std::optional<TrapInfo> trap = GetTrapInfo(status);
  ASSERT_TRUE(trap.has_value()) << status;
  EXPECT_EQ(trap->code, code) << status;
  EXPECT_EQ(trap->frames, frames) << BacktraceToString(*trap);
}

TEST_F(NativeTest, CallsReturnResults) {
  Guest guest = MakeGuest(Sum);
  EXPECT_EQ(guest.Call("Add", 40, 2).value(), 42);
  EXPECT_EQ(guest.Call("Divide", 42, 6).value(), 7);
  EXPECT_EQ(guest.Call("CallHost", 1, 2).value(), 3);
  EXPECT_EQ(guest.Call("CallTailCallHost", 5, 6).value(), 11);
}

TEST_F(NativeTest, TrapsNameTheFrames) {
  Guest guest = MakeGuest(Sum);
  using enum NativeFunction;
  for (int round = 0; round < 3; ++round) {
    ExpectTrap(guest.Call("Outer").status(), TrapCode::kUnreachable,
               {Frame("Trap", kTrap, true), Frame("Middle", kMiddle, false),
                Frame("Outer", kOuter, false)});
    ExpectTrap(guest.Call("LeafTrap").status(), TrapCode::kIndirectCallTypeMismatch,
               {Frame("LeafTrap", kLeafTrap, true)});
    ExpectTrap(guest.Call("LeafTrapPushed").status(), TrapCode::kUndefinedElement,
               {Frame("LeafTrapPushed", kLeafTrapPushed, true)});
    ExpectTrap(guest.Call("Divide", 1, 0).status(), TrapCode::kIntegerDivideByZero,
               {Frame("Divide", kDivide, true)});
  }
  EXPECT_EQ(guest.Call("Add", 1, 2).value(), 3);
}

TEST_F(NativeTest, MemoryFaultsAreTrapsInsideTheMemoryOnly) {
  Guest guest = MakeGuest(Sum);
  guest.memory().data()[65528] = 9;
  EXPECT_EQ(guest.Call("Load", 65528).value(), 9);
  for (int64_t address : {65529, 65536, 1 << 20, (2 << 20) - 8}) {
    ExpectTrap(guest.Call("Load", address).status(), TrapCode::kMemoryOutOfBounds,
               {Frame("Load", NativeFunction::kLoad, true)});
  }
  EXPECT_EQ(guest.Call("Grow", 1).value(), 1);
  EXPECT_EQ(guest.Call("Load", 65536).value(), 0);
  EXPECT_EQ(guest.Call("Grow", 100).value(), -1);
  EXPECT_EQ(guest.memory().pages(), 2u);
}

TEST_F(NativeTest, BuiltinsFailWithTheirCallersFrames) {
  Guest guest = MakeGuest(Sum);
  EXPECT_TRUE(guest.Call("Fill", 10, 20).ok());
  EXPECT_EQ(guest.memory().data()[29], 7);
  EXPECT_EQ(guest.memory().data()[30], 0);
  ExpectTrap(guest.Call("Fill", 65530, 20).status(), TrapCode::kMemoryOutOfBounds,
             {Frame("Fill", NativeFunction::kFill, false)});
  ExpectTrap(guest.Call("Fill", -1, 2).status(), TrapCode::kMemoryOutOfBounds,
             {Frame("Fill", NativeFunction::kFill, false)});
}

TEST_F(NativeTest, TheStackEndsInATrap) {
  Guest guest = MakeGuest(Sum);
  for (int round = 0; round < 3; ++round) {
    const absl::Status status = guest.Call("Recurse").status();
    EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted);
    const std::optional<TrapInfo> trap = GetTrapInfo(status);
    ASSERT_TRUE(trap.has_value());
    EXPECT_EQ(trap->code, TrapCode::kCallStackExhausted);
    EXPECT_EQ(trap->frames.size(), RawBacktrace::kMaxFrames);
    // 16 bytes a frame of 64 KiB.
    EXPECT_NEAR(static_cast<double>(trap->frames.size() + trap->omitted_frames), 4096, 32);
  }
}

// The status of a host function passes through the guest, gaining frames.
// lessons.md row 13: also where a tail call took its caller's frame.
TEST_F(NativeTest, HostErrorsComeBackUnchanged) {
  Guest guest = MakeGuest([](VMContext*, ValRaw*) {
    absl::Status status = absl::NotFoundError("no such file");
    status.SetPayload("exit", absl::Cord("3"));
    return status;
  });
  absl::Status status = guest.Call("CallHost").status();
  EXPECT_EQ(status.code(), absl::StatusCode::kNotFound);
  EXPECT_EQ(status.message(), "no such file");
  EXPECT_EQ(status.GetPayload("exit"), absl::Cord("3"));
  std::optional<TrapInfo> trap = GetTrapInfo(status);
  ASSERT_TRUE(trap.has_value());
  EXPECT_FALSE(trap->code.has_value());
  EXPECT_EQ(trap->frames,
            (std::vector<TrapFrame>{Frame("CallHost", NativeFunction::kCallHost, false)}));
  status = guest.Call("CallTailCallHost").status();
  EXPECT_EQ(GetTrapInfo(status)->frames,
            (std::vector<TrapFrame>{
                Frame("CallTailCallHost", NativeFunction::kCallTailCallHost, false)}));
  // Tail call straight from the entry: no frame of the guest is left.
  status = guest.Call("TailCallHost").status();
  EXPECT_EQ(status.message(), "no such file");
}

TEST_F(NativeTest, HostExceptionsStopAtTheBoundary) {
  Guest guest = MakeGuest([](VMContext*, ValRaw*) -> absl::Status { throw std::bad_alloc(); });
  EXPECT_EQ(guest.Call("CallHost").status().code(), absl::StatusCode::kResourceExhausted);
  guest = MakeGuest([](VMContext*, ValRaw*) -> absl::Status { throw 7; });
  EXPECT_EQ(guest.Call("CallHost").status().code(), absl::StatusCode::kInternal);
}

// A guest in a host call in a guest: traps stop at the innermost entry, and the outer one goes
// on or fails with the frames of both.
TEST_F(NativeTest, EntriesNest) {
  Guest* self = nullptr;
  bool swallow = true;
  Guest guest = MakeGuest([&](VMContext* caller, ValRaw* values) -> absl::Status {
    EXPECT_EQ(&Instance::Of(caller), self->instance);
    if (values[0].i64 == 0) return self->Call("Outer").status();
    absl::Status inner = self->Call("CallHost", values[0].i64 - 1).status();
    if (swallow) {
      EXPECT_EQ(GetTrapInfo(inner)->code, TrapCode::kUnreachable);
      values[0] = ValRaw::I64(77);
      return absl::OkStatus();
    }
    return inner;
  });
  self = &guest;
  EXPECT_EQ(guest.Call("CallHost", 1).value(), 77);
  swallow = false;
  using enum NativeFunction;
  const TrapFrame host = Frame("CallHost", kCallHost, false);
  ExpectTrap(guest.Call("CallHost", 2).status(), TrapCode::kUnreachable,
             {Frame("Trap", kTrap, true), Frame("Middle", kMiddle, false),
              Frame("Outer", kOuter, false), host, host, host});
  EXPECT_EQ(guest.Call("Add", 2, 2).value(), 4);
}

TEST_F(NativeTest, StoresNest) {
  Guest inner = MakeGuest(Sum);
  Guest outer = MakeGuest([&](VMContext*, ValRaw*) { return inner.Call("Load", 65536).status(); });
  using enum NativeFunction;
  ExpectTrap(outer.Call("CallHost").status(), TrapCode::kMemoryOutOfBounds,
             {Frame("Load", kLoad, true), Frame("CallHost", kCallHost, false)});
  // The outer store's own memory still traps, so its activation is current again.
  ExpectTrap(outer.Call("Load", 65536).status(), TrapCode::kMemoryOutOfBounds,
             {Frame("Load", kLoad, true)});
}

// lessons.md row 19.
TEST_F(NativeTest, AFunctionOfAnotherStoreIsRefused) {
  Guest a = MakeGuest(Sum);
  Guest b = MakeGuest(Sum);
  ValRaw values[2];
  EXPECT_EQ(a.store->Call(b.Function("Add"), values).code(), absl::StatusCode::kInvalidArgument);
  const absl::Status status = Instance::Create(*a.store, module_, {b.Function("Add")}).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "the import \"host\" \"call\" belongs to another store");
}

TEST_F(NativeTest, ImportsOfAnotherTypeNameBoth) {
  Guest guest = MakeGuest(Sum);
  absl::Status status =
      Instance::Create(*guest.store, module_, {guest.Function("HoldReference")}).status();
  EXPECT_EQ(status.message(),
            "incompatible import type for \"host\" \"call\": expected function (i64 i64) -> "
            "(i64), found function (externref) -> (externref)");
  status = Instance::Create(*guest.store, module_, {&guest.memory()}).status();
  EXPECT_EQ(status.message(),
            "incompatible import type for \"host\" \"call\": expected function (i64 i64) -> "
            "(i64), found memory 1 4");
  EXPECT_FALSE(Instance::Create(*guest.store, module_, {}).ok());
}

// lessons.md row 3: a reference that only a slot of a frame holds survives a collection.
TEST_F(NativeTest, StackMapsKeepReferences) {
  Guest* self = nullptr;
  size_t live = 0;
  Guest guest = MakeGuest([&](VMContext*, ValRaw*) -> absl::Status {
    for (int i = 0; i < 10; ++i) self->store->references().Add(i).value();
    self->store->references().Collect();
    live = self->store->references().live_count();
    return absl::OkStatus();
  });
  self = &guest;
  ReferenceHeap& heap = guest.store->references();
  uint32_t handle = 0;
  ValRaw values[2];
  {
    ReferenceHeap::Scope scope(heap);
    handle = heap.Add(std::string("held")).value();
    heap.Add(std::string("not held")).value();
    values[0] = ValRaw::Reference(handle);
  }
  ASSERT_TRUE(guest.store->Call(guest.Function("HoldReference"), values).ok());
  EXPECT_EQ(live, 11u);
  EXPECT_EQ(values[0].reference, handle);
  EXPECT_EQ(std::any_cast<std::string>(*heap.Get(handle)), "held");
  heap.Collect();
  EXPECT_EQ(heap.live_count(), 0u);
}

// The frame-pointer walk agrees with the C++ unwinder wherever a walk begins: host calls,
// failed built-ins, traps in frames and in frameless leaves, behind tail calls, in nested
// entries. Every other test here is compared, too.
TEST_F(NativeTest, TheOracleAgreesWithEveryWalk) {
  if (!GANTRY_DCHECK_IS_ON()) GTEST_SKIP() << "the oracle is asked in debug builds alone";
  Guest guest = MakeGuest(Sum);
  const auto comparisons = [&](const char* name, int64_t a) {
    const uint64_t before = guest.store->oracle_comparisons();
    (void)guest.Call(name, a);
    return guest.store->oracle_comparisons() - before;
  };
  EXPECT_EQ(comparisons("CallHost", 1), 1u);
  EXPECT_EQ(comparisons("CallTailCallHost", 1), 1u);
  EXPECT_EQ(comparisons("Fill", -1), 1u);
  if (kThreadSanitizer) return;
  EXPECT_EQ(comparisons("Outer", 0), 1u);
  EXPECT_EQ(comparisons("LeafTrap", 0), 1u);
  EXPECT_EQ(comparisons("LeafTrapPushed", 0), 1u);
  EXPECT_EQ(comparisons("Divide", 0), 1u);
  EXPECT_EQ(comparisons("Recurse", 0), 1u);
}

// Trampolines are offered while their module lives, and not given out when it is dying.
// lessons.md row 12.
TEST_F(NativeTest, ModulesComeAndGoOnManyThreads) {
  module_.reset();
  std::atomic<int> found{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 100; ++i) {
        std::shared_ptr<const Module> module =
            *Module::Create(engine_, code_, environ::ModuleId(0));
        std::unique_ptr<Store> store = Store::Create(engine_, {});
        VMFuncRef* host = store->AddHostFunction(NativeType(), Sum).value();
        module.reset();
        ValRaw values[2] = {ValRaw::I64(1), ValRaw::I64(2)};
        if (store->Call(host, values).ok() && values[0].i64 == 3) ++found;
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(found, 400);
  EXPECT_EQ(engine_->types().size(), 0u);
}

TEST_F(NativeTest, WithoutBacktracesTheCodeRemains) {
  Engine::Options options;
  options.backtrace = false;
  engine_ = Engine::Create(options);
  module_ = *Module::Create(engine_, code_, environ::ModuleId(0));
  Guest guest = MakeGuest(Sum);
  ExpectTrap(guest.Call("Outer").status(), TrapCode::kUnreachable, {});
}

// Stores of several threads trap, walk and load at once.
TEST_F(NativeTest, ThreadsTrapIndependently) {
  std::atomic<int> failures{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 50; ++i) {
        Guest guest = MakeGuest(Sum);
        if (guest.Call("Load", 65536).ok() || guest.Call("Outer").ok() ||
            guest.Call("CallHost", i, 1).value() != i + 1 ||
            GetTrapInfo(guest.Call("Divide", 1, 0).status())->frames.size() != 1) {
          ++failures;
        }
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
}

sigjmp_buf back;
volatile sig_atomic_t last_signal = 0;

// The process's own handler, installed before the engine's.
void ProcessHandler(int signal, siginfo_t*, void*) {
  last_signal = signal;
  siglongjmp(back, 1);
}

// Runs in a process of its own, so that the order of the handlers is known.
void CheckThatOthersSignalsPassOn() {
  struct sigaction action = {};
  action.sa_sigaction = ProcessHandler;
  action.sa_flags = SA_SIGINFO | SA_NODEFER;
  for (int signal : {SIGSEGV, SIGFPE}) sigaction(signal, &action, nullptr);
  std::shared_ptr<Engine> engine = Engine::Create({});
  std::shared_ptr<const Module> module =
      *Module::Create(engine, NativeCode(SmallGuardedPlan()), environ::ModuleId(0));
  std::unique_ptr<Store> store = Store::Create(engine, {});
  void* const foreign = mmap(nullptr, 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  // A fault of the host itself, outside of any guest and inside a host call.
  if (sigsetjmp(back, 1) == 0) {
    *static_cast<volatile int*>(foreign) = 1;
    _exit(10);
  }
  if (last_signal != SIGSEGV) _exit(11);
  VMFuncRef* host = store
                        ->AddHostFunction(NativeType(),
                                          [&](VMContext*, ValRaw*) {
                                            raise(SIGFPE);
                                            return absl::OkStatus();
                                          })
                        .value();
  Instance* instance = Instance::Create(*store, module, {host}).value();
  // A guest whose memory base was corrupted: the address is not its own, so that this is no
  // trap even though the instruction may trap.
  Memory* memory = std::get<Memory*>(instance->GetExport("memory").value());
  uint8_t* const base = memory->definition()->base;
  memory->definition()->base = static_cast<uint8_t*>(foreign);
  last_signal = 0;
  ValRaw values[2];
  if (sigsetjmp(back, 1) == 0) {
    (void)store->Call(std::get<VMFuncRef*>(instance->GetExport("Load").value()), values);
    _exit(12);
  }
  if (last_signal != SIGSEGV) _exit(13);
  memory->definition()->base = base;
  last_signal = 0;
  if (sigsetjmp(back, 1) == 0) {
    (void)store->Call(std::get<VMFuncRef*>(instance->GetExport("CallHost").value()), values);
    _exit(14);
  }
  if (last_signal != SIGFPE) _exit(15);
  _exit(0);
}

TEST_F(NativeTest, OthersSignalsGoToTheHandlerBefore) {
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  EXPECT_EXIT(CheckThatOthersSignalsPassOn(), testing::ExitedWithCode(0), "");
}

}  // namespace
}  // namespace gantry::runtime
