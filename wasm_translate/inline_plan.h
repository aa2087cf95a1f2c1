// InlinePlan: which functions of a module may stand in place of calls of them, and what that
// costs; made once per module, before anything is compiled, from the small bodies alone.
//
//   const InlinePlan plan(module, features, limits, InlineLimits());
//   if (const InlinePlan::Callee* callee = plan.Find(function)) ... callee->cost ...
//
// The unit of cost is an operator that computes, accesses or branches; reading and writing
// locals, constants and structure are free. The cost of a function holds that of the functions
// that its own calls would be replaced by, found bottom-up over the call graph; a call that
// closes a cycle counts as a call. InlineBudget decides for each call while its caller is
// translated, so that no function waits for another and the outcome depends on the module alone.
#ifndef GANTRY_WASM_TRANSLATE_INLINE_PLAN_H_
#define GANTRY_WASM_TRANSLATE_INLINE_PLAN_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "entity/secondary_map.h"
#include "wasm_translate/features.h"
#include "wasm_translate/limits.h"
#include "wasm_translate/module.h"
#include "wasm_translate/types.h"

namespace gantry::wasm {

struct InlineLimits {
  // Callees up to this cost are inlined where nothing speaks for it but the call itself.
  uint32_t max_cost = 20;
  // What a function may grow by: this cost, and so many percent of its body's bytes.
  uint32_t min_growth = 150;
  uint32_t growth_percent = 10;
  // How many calls deep a function is inlined into another; at most kMaxInlineDepth.
  uint32_t max_depth = 4;
  // How many levels deep a function that calls itself is inlined into itself, and what all those
  // calls together may cost. Every level is whole: with two calls in the body and three levels, 14
  // calls become one function.
  uint32_t max_recursion = 3;
  uint32_t max_recursive_growth = 300;
  // Whether functions with loops are inlined into others than themselves.
  bool loops = false;
};

// More is never done, whatever the limits say: translation nests so deep.
inline constexpr uint32_t kMaxInlineDepth = 8;

class InlinePlan {
 public:
  struct Callee {
    // With what its own calls would be replaced by, and without.
    uint32_t cost = 0;
    uint32_t own_cost = 0;
    bool has_loop = false;
    // Whether it makes no call but such as would be replaced.
    bool is_leaf = false;
    // How many levels deep calls of itself are replaced in it.
    uint32_t self_levels = 0;
  };

  // Reads every body that is small enough. One that is not valid, needs what cannot be
  // translated, or never returns is never inlined. Linear in the size of the module.
  InlinePlan(const Module& module, Features features, const ValidatorLimits& validator_limits,
             const InlineLimits& limits);

  // Null for a function that is never inlined.
  const Callee* Find(FuncIndex function) const {
    const uint32_t position = positions_.Get(function);
    return position == kNone ? nullptr : &callees_[position];
  }
  const InlineLimits& limits() const { return limits_; }
  // How many functions may be inlined.
  size_t size() const { return callees_.size(); }
  // Bytes that were read and calls that were followed.
  uint64_t work() const { return work_; }

 private:
  struct Call {
    FuncIndex callee;
    uint32_t cost = 0;
  };
  // Those of callees_[i] are [call_ends[i - 1], call_ends[i]) of `calls` (from 0 for i = 0).
  static constexpr uint32_t kNone = 0xFFFFFFFF;

  uint32_t SelfLevels(uint32_t self_calls, uint32_t cost) const;
  void AddCalleesCosts(const std::vector<Call>& calls, const std::vector<uint32_t>& call_ends);

  InlineLimits limits_;
  entity::SecondaryMap<FuncIndex, uint32_t> positions_{kNone};
  std::vector<Callee> callees_;
  uint64_t work_ = 0;
};

// What may still be inlined into one function.
class InlineBudget {
 public:
  // A call as its caller sees it.
  struct Site {
    uint32_t constant_args = 0;
    uint32_t loop_depth = 0;
    // How many calls around it are inlined already, and how many of the functions that it so
    // lies in, the outermost included, are the callee.
    uint32_t depth = 0;
    uint32_t recursion = 0;
    // Whether the call is not expected to return.
    bool is_cold = false;
  };

  // `body_size` is the caller's, in bytes.
  void Start(const InlineLimits& limits, size_t body_size);
  // Whether the call is to be replaced; if so its cost is taken off.
  bool Take(const InlinePlan::Callee& callee, const Site& site);

 private:
  InlineLimits limits_;
  uint64_t growth_ = 0;
  uint64_t left_ = 0;
};

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_INLINE_PLAN_H_
