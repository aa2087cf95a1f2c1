// A module run by several threads at once, each in a store and an instance of its own, over one
// shared memory, which the module imports as "env" "memory".
//
//   ThreadedGuest guest(OptLevel::kSpeed, text, /*pages=*/16, /*threads=*/4);
//   guest.OnEachThread([&](ThreadedGuest::Thread& thread) {
//     EXPECT_EQ(thread.Call("run", {Val::I32(1)}), 0);
//   });
#ifndef GANTRY_TESTS_THREADS_THREADED_GUEST_H_
#define GANTRY_TESTS_THREADS_THREADED_GUEST_H_

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "api/config.h"
#include "api/engine.h"
#include "api/instance.h"
#include "api/module.h"
#include "api/store.h"
#include "api/val.h"

namespace gantry::testing {

// Where threads wait until all have come, again and again.
class Rendezvous {
 public:
  explicit Rendezvous(int threads) : threads_(threads) {}
  void Arrive();

 private:
  std::mutex mutex_;
  std::condition_variable condition_;
  const int threads_;
  int arrived_ = 0;
  uint64_t generation_ = 0;
};

class ThreadedGuest {
 public:
  class Thread {
   public:
    Thread(const Module& module, const SharedMemory& memory, int number);

    int number() const { return number_; }
    // A function of the module, which must not fail; its only result, 0 if it has none.
    int64_t Call(const char* name, std::vector<Val> arguments);

   private:
    const int number_;
    std::unique_ptr<Store> store_;
    std::unique_ptr<Instance> instance_;
  };

  ThreadedGuest(OptLevel level, const std::string& text, uint64_t pages, int threads);

  const SharedMemory& memory() const { return memory_; }
  // Runs `body` on all threads at once, until it has returned on each.
  void OnEachThread(const std::function<void(Thread&)>& body);

 private:
  const Engine engine_;
  const SharedMemory memory_;
  std::deque<Thread> threads_;
};

}  // namespace gantry::testing

#endif  // GANTRY_TESTS_THREADS_THREADED_GUEST_H_
