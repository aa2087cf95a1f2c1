#include "runtime/fiber.h"

#include <cstdint>
#include <cstring>
#include <functional>
#include <memory>
#include <stdexcept>
#include <thread>
#include <vector>

#include "gtest/gtest.h"
#include "runtime/thread_stack.h"

namespace gantry::runtime {
namespace {

class FiberTest : public testing::Test {
 protected:
  void Start(Fiber& fiber, std::function<void()>& body) {
    fiber.Start(
        pool_->Take().value(),
        [](void* argument) { (*static_cast<std::function<void()>*>(argument))(); }, &body);
  }
  std::unique_ptr<StackPool> pool_ = std::make_unique<StackPool>(StackPool::Options());
};

TEST_F(FiberTest, RunsInPieces) {
  std::vector<int> order;
  Fiber fiber;
  std::function<void()> body = [&] {
    for (int i = 0; i < 3; ++i) {
      order.push_back(i);
      EXPECT_EQ(Fiber::Current(), &fiber);
      Fiber::Current()->Suspend();
    }
  };
  Start(fiber, body);
  EXPECT_FALSE(fiber.unfinished());
  for (int i = 0; i < 3; ++i) {
    EXPECT_FALSE(fiber.Resume());
    EXPECT_TRUE(fiber.unfinished());
    EXPECT_EQ(Fiber::Current(), nullptr);
    order.push_back(10 + i);
  }
  EXPECT_EQ(pool_->num_idle(), 0u);
  EXPECT_TRUE(fiber.Resume());
  EXPECT_EQ(pool_->num_idle(), 1u);
  EXPECT_EQ(order, (std::vector<int>{0, 10, 1, 11, 2, 12}));
}

TEST_F(FiberTest, NeverRunCostsNothing) {
  Fiber fiber;
  std::function<void()> body = [] { FAIL(); };
  Start(fiber, body);
}

TEST_F(FiberTest, FibersNest) {
  Fiber outer, inner;
  std::vector<int> order;
  std::function<void()> inner_body = [&] {
    order.push_back(1);
    inner.Suspend();
    order.push_back(3);
  };
  std::function<void()> outer_body = [&] {
    EXPECT_FALSE(inner.Resume());
    EXPECT_EQ(Fiber::Current(), &outer);
    order.push_back(2);
    outer.Suspend();
    EXPECT_TRUE(inner.Resume());
  };
  Start(inner, inner_body);
  Start(outer, outer_body);
  EXPECT_FALSE(outer.Resume());
  EXPECT_TRUE(outer.Resume());
  EXPECT_EQ(order, (std::vector<int>{1, 2, 3}));
}

// The end of the stack is the fiber's while it runs, on whatever thread.
TEST_F(FiberTest, TakesItsStackAlong) {
  const uintptr_t own = CurrentStackLow();
  uintptr_t first = 0, second = 0;
  Fiber fiber;
  std::function<void()> body = [&] {
    first = CurrentStackLow();
    fiber.Suspend();
    second = CurrentStackLow();
    const uintptr_t here = reinterpret_cast<uintptr_t>(__builtin_frame_address(0));
    EXPECT_GT(here, second);
    EXPECT_LT(here - second, pool_->options().stack_size);
  };
  Start(fiber, body);
  EXPECT_FALSE(fiber.Resume());
  EXPECT_EQ(CurrentStackLow(), own);
  std::thread([&] {
    const uintptr_t others = CurrentStackLow();
    EXPECT_TRUE(fiber.Resume());
    EXPECT_EQ(CurrentStackLow(), others);
  }).join();
  EXPECT_EQ(first, second);
  EXPECT_NE(first, own);
}

// Activations on a fiber's stack are the thread's only while it runs them.
TEST_F(FiberTest, TakesItsActivationsAlong) {
  Activation on_thread = {}, outer = {}, inner = {};
  Fiber fiber;
  std::function<void()> body = [&] {
    EXPECT_EQ(CurrentActivation(), &on_thread);
    outer.outer_on_thread = CurrentActivation();
    SetCurrentActivation(&outer);
    inner.outer_on_thread = &outer;
    SetCurrentActivation(&inner);
    fiber.Suspend();
    EXPECT_EQ(CurrentActivation(), &inner);
    EXPECT_EQ(outer.outer_on_thread, nullptr);
    SetCurrentActivation(outer.outer_on_thread);
    fiber.Suspend();
    EXPECT_EQ(CurrentActivation(), &on_thread);
  };
  Start(fiber, body);
  SetCurrentActivation(&on_thread);
  EXPECT_FALSE(fiber.Resume());
  EXPECT_EQ(CurrentActivation(), &on_thread);
  std::thread([&] {
    EXPECT_FALSE(fiber.Resume());
    EXPECT_EQ(CurrentActivation(), nullptr);
  }).join();
  EXPECT_TRUE(fiber.Resume());
  SetCurrentActivation(nullptr);
}

TEST_F(FiberTest, ExceptionsStayInside) {
  Fiber fiber;
  int caught = 0;
  std::function<void()> body = [&] {
    for (int i = 0; i < 3; ++i) {
      try {
        throw std::runtime_error("inside");
      } catch (const std::runtime_error&) {
        ++caught;
      }
      fiber.Suspend();
    }
  };
  Start(fiber, body);
  while (!fiber.Resume()) {
    EXPECT_THROW(throw 7, int);
  }
  EXPECT_EQ(caught, 3);
}

__attribute__((noinline)) int Deep(int depth) {
  volatile char frame[512];
  std::memset(const_cast<char*>(frame), depth, sizeof frame);
  return depth == 0 ? frame[0] : Deep(depth - 1) + frame[17] - depth;
}

// Stacks are used again where frames were left on them, which sanitizers remember.
TEST_F(FiberTest, StacksAreUsedAgain) {
  for (int round = 0; round < 100; ++round) {
    Fiber fiber;
    std::function<void()> body = [&] {
      EXPECT_EQ(Deep(round), 0);
      fiber.Suspend();
      EXPECT_EQ(Deep(round / 2), 0);
    };
    Start(fiber, body);
    EXPECT_FALSE(fiber.Resume());
    EXPECT_TRUE(fiber.Resume());
  }
  EXPECT_EQ(pool_->num_stacks(), 1u);
}

// Each fiber wanders over all threads.
TEST_F(FiberTest, FibersMoveBetweenThreads) {
  constexpr int kFibers = 8;
  constexpr int kThreads = 4;
  struct State {
    Fiber fiber;
    std::function<void()> body;
    int sum = 0;
  };
  std::vector<std::unique_ptr<State>> states;
  for (int i = 0; i < kFibers; ++i) {
    State& state = *states.emplace_back(std::make_unique<State>());
    state.body = [&state] {
      for (int round = 0; round < kThreads; ++round) {
        state.sum += Deep(10) + 1;
        state.fiber.Suspend();
      }
    };
    Start(state.fiber, state.body);
  }
  for (int round = 0; round < kThreads; ++round) {
    std::vector<std::thread> threads;
    for (int t = 0; t < kThreads; ++t) {
      threads.emplace_back([&, t] {
        for (int i = 0; i < kFibers; ++i) {
          if ((i + round) % kThreads != t) continue;
          EXPECT_FALSE(states[i]->fiber.Resume());
        }
      });
    }
    for (std::thread& thread : threads) thread.join();
  }
  for (auto& state : states) {
    EXPECT_TRUE(state->fiber.Resume());
    EXPECT_EQ(state->sum, kThreads);
  }
}

TEST_F(FiberTest, MisuseStopsTheProcess) {
  EXPECT_DEATH(
      {
        Fiber fiber;
        std::function<void()> body = [&] { fiber.Suspend(); };
        Start(fiber, body);
        fiber.Resume();
      },
      "destroyed in its middle");
  Fiber fiber;
  std::function<void()> body = [] {};
  Start(fiber, body);
  EXPECT_TRUE(fiber.Resume());
  EXPECT_DEATH(fiber.Resume(), "cannot be resumed");
  EXPECT_DEATH(fiber.Suspend(), "does not run here");
}

}  // namespace
}  // namespace gantry::runtime
