#include "runtime/store_contexts.h"

#include <csetjmp>
#include <csignal>
#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace gantry::runtime {
namespace {

using environ::EpochInterruption;

constexpr uint64_t kLimit = 4096;
constexpr uint64_t kInterrupted = ~uint64_t{0};

sigjmp_buf fault;

// Whether the page in front of the context can be read.
bool PageIsOpen(const VMStoreContext& context) {
  struct sigaction action = {}, previous;
  action.sa_handler = [](int) { siglongjmp(fault, 1); };
  sigaction(SIGSEGV, &action, &previous);
  // Kept over the jump.
  volatile bool open = false;
  if (sigsetjmp(fault, 1) == 0) {
    const auto* page = reinterpret_cast<const volatile char*>(&context) +
                       environ::VMStoreContextOffsets::kPollPage;
    static_cast<void>(*page);
    open = true;
  }
  sigaction(SIGSEGV, &previous, nullptr);
  return open;
}

class StoreContextsTest : public ::testing::TestWithParam<EpochInterruption> {
 protected:
  bool pages() const { return GetParam() == EpochInterruption::kPage; }
  void ExpectInterrupted(const VMStoreContext& context, bool interrupted) {
    EXPECT_EQ(context.stack_limit.load(), interrupted ? kInterrupted : kLimit);
    EXPECT_EQ(context.interrupt.load(), interrupted ? 1u : 0u);
    if (pages()) {
      EXPECT_EQ(PageIsOpen(context), !interrupted);
    }
  }
};

TEST_P(StoreContextsTest, DeadlinesInterruptTheirStoreAlone) {
  StoreContexts contexts(GetParam());
  VMStoreContext* a = contexts.Acquire();
  VMStoreContext* b = contexts.Acquire();
  ASSERT_NE(a, b);
  contexts.Settle(*a, kLimit, false);
  contexts.Settle(*b, kLimit, false);
  contexts.SetDeadline(*a, 2, kLimit);
  contexts.IncrementEpoch();
  ExpectInterrupted(*a, false);
  contexts.IncrementEpoch();
  ExpectInterrupted(*a, true);
  ExpectInterrupted(*b, false);
  // A new limit does not end it; a later deadline does.
  contexts.Settle(*a, kLimit, true);
  ExpectInterrupted(*a, true);
  contexts.SetDeadline(*a, 3, kLimit);
  ExpectInterrupted(*a, false);
  contexts.IncrementEpoch();
  ExpectInterrupted(*a, true);
  // One that has passed already interrupts at once.
  contexts.SetDeadline(*b, 3, kLimit);
  ExpectInterrupted(*b, true);
  contexts.Release(a);
  contexts.Release(b);
}

TEST_P(StoreContextsTest, AContextIsAsNewWhenItIsUsedAgain) {
  StoreContexts contexts(GetParam());
  VMStoreContext* first = contexts.Acquire();
  contexts.SetDeadline(*first, 0, kLimit);
  first->fuel = 7;
  contexts.Release(first);
  VMStoreContext* again = contexts.Acquire();
  EXPECT_EQ(first, again);
  EXPECT_EQ(again->fuel, 0);
  EXPECT_EQ(again->epoch_deadline.load(), StoreContexts::kNoDeadline);
  contexts.Settle(*again, kLimit, false);
  contexts.IncrementEpoch();
  ExpectInterrupted(*again, false);
  contexts.Release(again);
}

TEST_P(StoreContextsTest, ManyContextsAreApart) {
  StoreContexts contexts(GetParam());
  std::set<VMStoreContext*> all;
  for (int i = 0; i < 100; ++i) all.insert(contexts.Acquire());
  EXPECT_EQ(all.size(), 100u);
  VMStoreContext* before = nullptr;
  for (VMStoreContext* context : all) {
    if (before != nullptr) {
      EXPECT_GE(context, before + 1);
    }
    before = context;
    contexts.Settle(*context, kLimit, false);
    contexts.SetDeadline(*context, 1, kLimit);
  }
  contexts.IncrementEpoch();
  for (VMStoreContext* context : all) {
    EXPECT_EQ(context->interrupt.load(), 1u);
    contexts.Release(context);
  }
}

// Others count while stores come, set deadlines and go: no interrupt is lost.
TEST_P(StoreContextsTest, NoInterruptIsLost) {
  StoreContexts contexts(GetParam());
  std::atomic<bool> done{false};
  std::thread counter([&] {
    while (!done.load()) contexts.IncrementEpoch();
  });
  std::vector<std::thread> users;
  for (int t = 0; t < 2; ++t) {
    users.emplace_back([&] {
      for (int i = 0; i < 300; ++i) {
        VMStoreContext* context = contexts.Acquire();
        contexts.SetDeadline(*context, contexts.epoch().load() + 2, kLimit);
        while (context->interrupt.load() == 0) std::this_thread::yield();
        EXPECT_TRUE(contexts.IsDue(*context));
        EXPECT_EQ(context->stack_limit.load(), kInterrupted);
        contexts.Release(context);
      }
    });
  }
  for (std::thread& user : users) user.join();
  done.store(true);
  counter.join();
}

INSTANTIATE_TEST_SUITE_P(Ways, StoreContextsTest,
                         ::testing::Values(EpochInterruption::kCounter, EpochInterruption::kPage));

TEST(StoreContextsOffTest, NothingIsInterrupted) {
  StoreContexts contexts(EpochInterruption::kNone);
  VMStoreContext* context = contexts.Acquire();
  contexts.SetDeadline(*context, 1, kLimit);
  contexts.IncrementEpoch();
  EXPECT_EQ(contexts.epoch().load(), 1u);
  EXPECT_EQ(context->stack_limit.load(), kLimit);
  contexts.Release(context);
}

}  // namespace
}  // namespace gantry::runtime
