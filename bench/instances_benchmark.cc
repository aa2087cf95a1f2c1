// What instances from a pool cost: made, called and dropped; on two threads beside two processes;
// ten thousand at once. Times are processor time, also as multiples of an indirect C++ call of the
// same run.
//
//   bazel run //bench:instances_benchmark [-- --seconds=N]
//
// The instances that are timed are looked at, too: each finds its memory as its module says, zero
// elsewhere, and leaves it written all over; the program ends where one finds what another left.
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <functional>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "api/engine.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/typed_func.h"
#include "base/check.h"

namespace gantry {
namespace {

using Clock = std::chrono::steady_clock;

// One page of 64 KiB with data. "write" finds the data and zeroes as they are at first, leaves
// other bytes there, and returns what it found.
constexpr char kSmallModule[] = R"((module
  (memory 1)
  (table 4 funcref)
  (global $calls (mut i32) (i32.const 0))
  (data (i32.const 8192) "\2a\00\00\00")
  (func $one (result i32) (i32.const 1))
  (elem (i32.const 1) $one)
  (func (export "write") (param i32) (result i32) (local $found i32)
    (local.set $found (i32.add (i32.load (i32.const 8192)) (i32.load (i32.const 8200))))
    (i32.store (i32.const 8192) (local.get 0))
    (i32.store (i32.const 8200) (local.get 0))
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (i32.add (local.get $found) (i32.mul (i32.const 1000) (global.get $calls))))
  ;; All of the memory: the sum of its words; and a table call.
  (func (export "look") (result i32) (local $i i32) (local $sum i32)
    (loop $l
      (local.set $sum (i32.add (local.get $sum) (i32.load (local.get $i))))
      (local.set $i (i32.add (local.get $i) (i32.const 4)))
      (br_if $l (i32.lt_u (local.get $i) (i32.const 65536))))
    (i32.add (local.get $sum) (call_indirect (result i32) (i32.const 1))))
  (func (export "soil") (param i32)
    (memory.fill (i32.const 0) (local.get 0) (i32.const 65536))
    (table.set (i32.const 1) (ref.null func)))))";
// What "write" finds, and what "look" finds, in a fresh instance.
constexpr int32_t kFound = 42 + 1000;
constexpr int32_t kLooked = 42 + 1;

// So many functions, so many of them in a table.
std::string LargeModule(int functions, int elements) {
  std::string text = absl::StrCat("(module (memory 1) (table ", elements, " funcref) ");
  for (int i = 0; i < functions; ++i) {
    absl::StrAppend(&text, "(func $f", i, " (param i32) (result i32) (i32.add (local.get 0) ",
                    "(i32.const ", i, ")))");
  }
  absl::StrAppend(&text, "(elem (i32.const 0)");
  for (int i = 0; i < elements; ++i) {
    absl::StrAppend(&text, " $f", static_cast<int64_t>(i) * functions / elements);
  }
  absl::StrAppend(&text,
                  ") (func (export \"call\") (param i32) (result i32) (call_indirect (param i32) "
                  "(result i32) (i32.const 1) (local.get 0))))");
  return text;
}

Engine NewEngine(uint32_t instances) {
  PoolingOptions pool;
  pool.total_instances = instances;
  absl::StatusOr<Engine> engine = Engine::Create(Config().PoolingAllocation(pool));
  CHECK_OK(engine.status());
  return *engine;
}

InstancePre Prepare(const Engine& engine, const std::string& text) {
  absl::StatusOr<Module> module = Module::CompileText(engine, text);
  CHECK_OK(module.status());
  absl::StatusOr<InstancePre> pre = Linker(engine).InstantiatePre(*module);
  CHECK_OK(pre.status());
  return *pre;
}

template <typename T>
T Checked(absl::StatusOr<T> value) {
  CHECK_OK(value.status());
  return *std::move(value);
}

// Processor time of this thread, so that what else the machine does is not counted.
double CpuNanoseconds() {
  timespec now;
  CHECK(clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now) == 0);
  return 1e9 * static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec);
}

double Median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values[values.size() / 2];
}

__attribute__((noinline)) int32_t Add(int32_t a, int32_t b) { return a + b; }

double IndirectCall() {
  int32_t (*volatile function)(int32_t, int32_t) = Add;
  std::vector<double> rounds;
  for (int round = 0; round < 11; ++round) {
    constexpr int kCalls = 200'000;
    int32_t sum = 0;
    const double start = CpuNanoseconds();
    for (int i = 0; i < kCalls; ++i) sum = function(sum, i);
    rounds.push_back((CpuNanoseconds() - start) / kCalls);
    CHECK(sum != 1);
  }
  return Median(rounds);
}

// As many functions of the host as a program with a system interface imports, each a callable with
// state of its own.
constexpr int kHostFunctions = 20;

InstancePre PrepareWithHostFunctions(const Engine& engine) {
  Linker linker(engine);
  std::string text = kSmallModule;
  std::string imports = "(module ";
  for (int i = 0; i < kHostFunctions; ++i) {
    const std::string name = absl::StrCat("f", i);
    CHECK_OK(linker.Func("env", name, [i](int32_t a) { return a + i; }));
    absl::StrAppend(&imports, "(import \"env\" \"", name, "\" (func (param i32) (result i32)))");
  }
  CHECK(absl::StartsWith(text, "(module"));
  text.replace(0, std::string("(module").size(), imports);
  absl::StatusOr<Module> module = Module::CompileText(engine, text);
  CHECK_OK(module.status());
  absl::StatusOr<InstancePre> pre = linker.InstantiatePre(*module);
  CHECK_OK(pre.status());
  return *pre;
}

// (b) One store, instance, call and drop.
void Cycle(const Engine& engine, const InstancePre& pre, int32_t value) {
  Store store(engine);
  const Instance instance = Checked(pre.Instantiate(store));
  const auto write =
      Checked(Checked(instance.GetFunc(store, "write")).Typed<int32_t(int32_t)>(store));
  const int32_t found = Checked(write.Call(store, value));
  CHECK(found == kFound) << "an instance found " << found << " where " << kFound << " was to be";
}

// Instances one after another, each soiled from end to end.
void CheckIsolation() {
  const Engine engine = NewEngine(3);
  const InstancePre small = Prepare(engine, kSmallModule);
  const InstancePre other = Prepare(engine, "(module (memory 1) (data (i32.const 0) \"other\"))");
  for (int i = 1; i <= 2000; ++i) {
    Store store(engine);
    if (i % 7 == 0) Checked(other.Instantiate(store));
    const Instance instance = Checked(small.Instantiate(store));
    const auto look = Checked(Checked(instance.GetFunc(store, "look")).Typed<int32_t()>(store));
    const int32_t found = Checked(look.Call(store));
    CHECK(found == kLooked) << "an instance found " << found << " where " << kLooked
                            << " was to be";
    const auto soil = Checked(Checked(instance.GetFunc(store, "soil")).Typed<void(int32_t)>(store));
    CHECK_OK(soil.Call(store, i));
    Cycle(engine, small, i);
  }
  std::printf("isolation: 4000 instances found zeroes and their image\n");
}

// (a) Nanoseconds to instantiate in a store that exists, in slots used before.
double Instantiate(const std::string& text, double seconds) {
  constexpr int kBatch = 50;
  const Engine engine = NewEngine(100);
  const InstancePre pre = Prepare(engine, text);
  std::vector<double> batches;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (batches.size() < 20 || Clock::now() < end) {
    Store store(engine);
    const double start = CpuNanoseconds();
    for (int i = 0; i < kBatch; ++i) CHECK_OK(pre.Instantiate(store).status());
    batches.push_back((CpuNanoseconds() - start) / kBatch);
  }
  return Median(batches);
}

constexpr int kWarmUp = 1000;

// Cycles within the time, after some to warm up.
uint64_t CyclesWithin(const Engine& engine, const InstancePre& pre, double seconds) {
  for (int i = 0; i < kWarmUp; ++i) Cycle(engine, pre, i);
  uint64_t cycles = 0;
  const auto end = Clock::now() + std::chrono::duration<double>(seconds);
  while (Clock::now() < end) {
    for (int i = 0; i < 100; ++i) Cycle(engine, pre, i);
    cycles += 100;
  }
  return cycles;
}

uint64_t TwoThreads(double seconds) {
  const Engine engine = NewEngine(100);
  const InstancePre pre = Prepare(engine, kSmallModule);
  uint64_t cycles[2] = {};
  std::vector<std::thread> threads;
  for (uint64_t& of : cycles) {
    threads.emplace_back([&] { of = CyclesWithin(engine, pre, seconds); });
  }
  for (std::thread& thread : threads) thread.join();
  return cycles[0] + cycles[1];
}

uint64_t TwoProcesses(double seconds) {
  int ends[2];
  CHECK(pipe(ends) == 0);
  for (int i = 0; i < 2; ++i) {
    const pid_t child = fork();
    CHECK(child >= 0);
    if (child != 0) continue;
    const Engine engine = NewEngine(100);
    const InstancePre pre = Prepare(engine, kSmallModule);
    const uint64_t cycles = CyclesWithin(engine, pre, seconds);
    _exit(write(ends[1], &cycles, sizeof cycles) == sizeof cycles ? 0 : 1);
  }
  uint64_t sum = 0;
  for (int i = 0; i < 2; ++i) {
    uint64_t cycles = 0;
    int status = 0;
    CHECK(read(ends[0], &cycles, sizeof cycles) == sizeof cycles);
    CHECK(wait(&status) > 0 && status == 0);
    sum += cycles;
  }
  close(ends[0]);
  close(ends[1]);
  return sum;
}

// A line of /proc/self/status, in KiB.
int64_t StatusKib(const char* name) {
  std::ifstream file("/proc/self/status");
  std::string line;
  while (std::getline(file, line)) {
    int64_t kib = 0;
    if (absl::StartsWith(line, name) && std::sscanf(line.c_str() + 7, "%ld", &kib) == 1) return kib;
  }
  return 0;
}

void ManyLive() {
  constexpr int kInstances = 10'000;
  const Engine engine = NewEngine(kInstances);
  const InstancePre pre = Prepare(engine, kSmallModule);
  { Cycle(engine, pre, 1); }
  const int64_t resident = StatusKib("VmRSS:"), tables = StatusKib("VmPTE:");
  std::vector<std::unique_ptr<Store>> stores;
  for (int i = 0; i < kInstances; ++i) {
    stores.push_back(std::make_unique<Store>(engine));
    const Instance instance = Checked(pre.Instantiate(*stores.back()));
    const auto write = Checked(
        Checked(instance.GetFunc(*stores.back(), "write")).Typed<int32_t(int32_t)>(*stores.back()));
    CHECK(Checked(write.Call(*stores.back(), i)) == kFound);
  }
  const double each = 1.0 / kInstances;
  const double guest_kib = static_cast<double>(sysconf(_SC_PAGESIZE)) / 1024;
  std::printf("%d live instances, each with one page of its memory written:\n", kInstances);
  std::printf("  VmRSS %.1f KiB each beyond that page, VmPTE %.1f KiB each\n",
              static_cast<double>(StatusKib("VmRSS:") - resident) * each - guest_kib,
              static_cast<double>(StatusKib("VmPTE:") - tables) * each);
}

void ManyCycles() {
  const Engine engine = NewEngine(100);
  const InstancePre pre = Prepare(engine, kSmallModule);
  for (int i = 0; i < 1000; ++i) Cycle(engine, pre, i);
  const int64_t before = StatusKib("VmRSS:");
  for (int i = 0; i < 100'000; ++i) Cycle(engine, pre, i);
  std::printf("100000 cycles after 1000 change VmRSS by %ld KiB\n", StatusKib("VmRSS:") - before);
}

void Run(double seconds) {
  CheckIsolation();
  const double call = IndirectCall();
  std::printf("processor time; an indirect C++ call: %.2f ns\n", call);
  const auto print = [&](const char* what, double nanoseconds) {
    std::printf("%-62s %8.0f ns  %7.0f calls\n", what, nanoseconds, nanoseconds / call);
  };
  print("instantiate, small module", Instantiate(kSmallModule, seconds));
  print("instantiate, 3000 functions, 700 table elements",
        Instantiate(LargeModule(3000, 700), seconds));
  print("instantiate, 30000 functions, 7000 table elements",
        Instantiate(LargeModule(30000, 7000), seconds));
  const auto cycles_of = [&](const Engine& engine, const InstancePre& pre) {
    std::vector<double> rounds;
    for (int round = 0; round < 9; ++round) {
      const double start = CpuNanoseconds();
      const uint64_t cycles = CyclesWithin(engine, pre, seconds / 9) + kWarmUp;
      rounds.push_back((CpuNanoseconds() - start) / static_cast<double>(cycles));
    }
    return Median(rounds);
  };
  {
    const Engine engine = NewEngine(100);
    print("store, instantiate, call that writes a page, drop",
          cycles_of(engine, Prepare(engine, kSmallModule)));
    print(
        absl::StrCat("the same, with ", kHostFunctions, " functions of the host imported").c_str(),
        cycles_of(engine, PrepareWithHostFunctions(engine)));
  }
  std::vector<double> ratios;
  for (int round = 0; round < 5; ++round) {
    const double processes = static_cast<double>(TwoProcesses(seconds / 3));
    ratios.push_back(static_cast<double>(TwoThreads(seconds / 3)) / processes);
  }
  std::printf("two threads reach %.2f of two processes (median of 5)\n", Median(ratios));
  ManyLive();
  ManyCycles();
}

}  // namespace
}  // namespace gantry

int main(int argc, char** argv) {
  double seconds = 1;
  for (int i = 1; i < argc; ++i) {
    absl::string_view argument = argv[i];
    if (!absl::ConsumePrefix(&argument, "--seconds=") || !absl::SimpleAtod(argument, &seconds)) {
      std::fprintf(stderr, "usage: instances_benchmark [--seconds=N]\n");
      return 2;
    }
  }
  gantry::Run(seconds);
  return 0;
}
