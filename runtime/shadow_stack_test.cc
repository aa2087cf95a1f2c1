#include "runtime/shadow_stack.h"

#include <vector>

#include "gtest/gtest.h"
#include "runtime/vm_structs.h"
#include "wasm_translate/types.h"

namespace gantry::runtime {
namespace {

struct Call {
  const VMContext* vmctx;
  uint32_t function;
};

class ShadowStackTest : public ::testing::Test {
 protected:
  // What code would have noted, the outermost first.
  void Note(const std::vector<Call>& calls) {
    top_ = shadow_.bottom();
    for (const Call& call : calls) *top_++ = {call.vmctx, call.function};
  }
  // What a walk found, the innermost first.
  void Compare(const std::vector<Call>& calls) {
    ShadowStack::Comparison comparison(shadow_, top_);
    for (const Call& call : calls) {
      comparison.Visit(wasm::FuncIndex(call.function),
                       [&](const VMContext* vmctx) { return vmctx == call.vmctx; });
    }
    EXPECT_EQ(comparison.visited(), calls.size());
    comparison.Finish();
  }

  VMContext a_ = {}, b_ = {};
  ShadowStack shadow_;
  ShadowFrame* top_ = shadow_.bottom();
};

TEST_F(ShadowStackTest, EqualStacks) {
  Compare({});
  Note({{&a_, 3}, {&b_, 3}, {&a_, 5}});
  Compare({{&a_, 5}, {&b_, 3}, {&a_, 3}});
  EXPECT_EQ(shadow_.comparisons(), 2u);
}

TEST_F(ShadowStackTest, EachDifferenceStopsTheProcess) {
  Note({{&a_, 3}, {&b_, 4}, {&a_, 5}});
  EXPECT_DEATH(Compare({{&a_, 5}, {&b_, 4}, {&a_, 2}}), "call 2 of the walk is of .*3 was noted");
  EXPECT_DEATH(Compare({{&a_, 5}, {&a_, 4}, {&a_, 3}}), "call 1 .* is in another module");
  EXPECT_DEATH(Compare({{&a_, 5}, {&b_, 4}}), "1 calls more were noted than the 2");
  EXPECT_DEATH(Compare({{&a_, 5}, {&b_, 4}, {&a_, 3}, {&a_, 3}}), "call 3 .* was not noted");
  EXPECT_DEATH(Compare({{&b_, 4}, {&a_, 3}}), "call 0 of the walk is of");
  top_ = shadow_.bottom() - 1;
  EXPECT_DEATH(Compare({}), "the end of the shadow stack is lost");
}

TEST_F(ShadowStackTest, FramesThatHaveNotNotedThemselves) {
  EXPECT_FALSE(shadow_.IsUnnoted(16));
  {
    const ShadowStack::Unnoted outer(shadow_, 16);
    {
      const ShadowStack::Unnoted inner(shadow_, 32);
      EXPECT_TRUE(shadow_.IsUnnoted(16));
      EXPECT_TRUE(shadow_.IsUnnoted(32));
    }
    EXPECT_TRUE(shadow_.IsUnnoted(16));
    EXPECT_FALSE(shadow_.IsUnnoted(32));
  }
  EXPECT_FALSE(shadow_.IsUnnoted(16));
}

}  // namespace
}  // namespace gantry::runtime
