// A third opinion on stack walks: a list of the calls under way that compiled code keeps itself,
// where Tunables::shadow_stack is on (docs/abi.md, "Shadow stack"). It shares nothing with frames,
// frame pointers, tables of frames and of inlined calls, or call frame information.
//
//   ShadowStack::Comparison comparison(shadow, context.shadow_top);
//   for (frames of all activations of the store, innermost first) comparison.Visit(function, ...);
//   comparison.Finish();
//
// For tests of Gantry itself. (lessons.md row 13.)
#ifndef GANTRY_RUNTIME_SHADOW_STACK_H_
#define GANTRY_RUNTIME_SHADOW_STACK_H_

#include <cstdint>
#include <string>

#include "base/check.h"
#include "runtime/mmap.h"
#include "runtime/vm_structs.h"
#include "wasm_translate/types.h"

namespace gantry::runtime {

// Of one store.
class ShadowStack {
 public:
  // Takes address space for as many calls as no thread's stack can hold. The process stops where
  // the host has none.
  ShadowStack();
  ShadowStack(const ShadowStack&) = delete;
  ShadowStack& operator=(const ShadowStack&) = delete;

  ShadowFrame* bottom() const { return reinterpret_cast<ShadowFrame*>(memory_.data()); }
  uint64_t comparisons() const { return comparisons_; }

  // While it lives: the function that was left by the frame record `exit_fp` was left in its
  // prologue, and has not noted itself. Several are nested as calls are.
  class Unnoted {
   public:
    Unnoted(ShadowStack& shadow, uintptr_t exit_fp)
        : shadow_(shadow), exit_fp_(exit_fp), outer_(shadow.unnoted_) {
      shadow.unnoted_ = this;
    }
    ~Unnoted() { shadow_.unnoted_ = outer_; }
    Unnoted(const Unnoted&) = delete;
    Unnoted& operator=(const Unnoted&) = delete;

   private:
    friend class ShadowStack;
    ShadowStack& shadow_;
    const uintptr_t exit_fp_;
    const Unnoted* const outer_;
  };
  bool IsUnnoted(uintptr_t exit_fp) const;

  // One comparison, from the innermost call to the outermost. A difference stops the process.
  // Async-signal-safe as far as there is none.
  class Comparison {
   public:
    Comparison(ShadowStack& shadow, const ShadowFrame* top);

    // The walk's next call is of this function; is_instance(vmctx) says whether that of an instance
    // is one of the function's module.
    template <typename IsInstance>
    void Visit(wasm::FuncIndex function, IsInstance&& is_instance) {
      CHECK(next_ != shadow_.bottom())
          << "call " << visited_ << " of the walk, of " << function << ", was not noted";
      --next_;
      CHECK(next_->function == function.raw())
          << "call " << visited_ << " of the walk is of " << function << ", and " << next_->function
          << " was noted";
      CHECK(is_instance(next_->vmctx))
          << "call " << visited_ << " of the walk, of " << function << ", is in another module";
      ++visited_;
    }
    uint64_t visited() const { return visited_; }
    // There are no more.
    void Finish();

   private:
    ShadowStack& shadow_;
    const ShadowFrame* next_;
    uint64_t visited_ = 0;
  };

 private:
  Mmap memory_;
  const Unnoted* unnoted_ = nullptr;
  uint64_t comparisons_ = 0;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_SHADOW_STACK_H_
