// LocalVariables: turns a function's locals into SSA values while it is translated from
// front to back.
//
//   locals.Set(x, value);                        // local.set
//   Value v = locals.Get(x);                     // local.get: may make block parameters
//
// A local becomes a parameter of a block only where a read needs it, so that no block has
// parameters for locals that are dead there (after Braun et al., "Simple and Efficient
// Construction of Static Single Assignment Form", 2013, but using that wasm is structured).
//
// THE IDEA. Everything happens at a time, a number that counts up. A write of a local is
// recorded with its time. Where control arrives other than from the line before (the end of
// a block that is branched to, an else, a loop), a Junction is made: it stands for the
// stretch of time since its frame was opened, whose writes lie on paths of their own. The
// junctions that the current position has behind it form a chain of disjoint stretches. To
// read a local is to find its last write and the one junction, if any, whose stretch holds
// it: none, and the value is the one written; a forward junction, and the value is what its
// incoming branches agree on or a parameter with one argument from each; a loop, whose
// stretch is all of the past, and it is a parameter as long as the loop's end is not known.
// Both lists are searched by skipping pointers, and the past (the state at a branch) is
// searched as the present is. When a loop ends, its parameters that turned out to have one
// value only become aliases of it, and what comes behind it gets a forward junction with one
// branch, so that locals which the loop does not write are found in front of it in one step.
//
// Work is linear in the function but for logarithms and for arguments of parameters, of which
// there can be as many as locals times branches; that work is limited (see `overflowed`).
#ifndef GANTRY_WASM_TRANSLATE_TRANSLATOR_LOCALS_H_
#define GANTRY_WASM_TRANSLATE_TRANSLATOR_LOCALS_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "codegen/ir/builder.h"
#include "codegen/ir/function.h"

namespace gantry::wasm {

class LocalVariables {
 public:
  using Time = uint32_t;
  // A place in the past: a time and the junctions behind it.
  struct Moment {
    Time time = 0;
    uint32_t junction = 0;
  };
  // A branch to a junction that has been or will be made: the block call `slot` of `inst`.
  struct Edge {
    codegen::Inst inst;
    uint32_t slot = 0;
    Moment at;
  };
  // Edges to one label, in order of time; kept until the function is done.
  struct EdgeList {
    uint32_t first = kNone;
    uint32_t last = kNone;
    uint32_t count = 0;
  };
  static constexpr uint32_t kNone = 0xFFFFFFFF;

  // Forgets everything and keeps the memory. `max_steps` limits how many incoming branches
  // may be asked for a value, counted each time, and how many loops may be passed from within.
  void Start(codegen::Function* func, size_t max_steps);

  // Declares the next local. One that holds a reference has its parameters marked.
  // Locals may be declared at any time, with values that are there at that position, and are
  // gone when the number is cut down again: those of a callee whose code stands in place of a
  // call.
  void Declare(codegen::Type type, bool is_reference, codegen::Value initial);
  size_t size() const { return locals_.size(); }
  void Truncate(size_t size) { locals_.resize(size); }
  // More code is to come than Start was told of.
  void AddSteps(size_t steps) { steps_left_ += steps; }

  void Set(uint32_t local, codegen::Value value) {
    Local& l = locals_[local];
    ++now_;
    l.value = value;
    l.known_since = now_;
    l.last_write = PushWrite(l.last_write, value);
  }
  codegen::Value Get(uint32_t local) {
    Local& l = locals_[local];
    if (l.known_since >= known_from_) return l.value;
    return GetSlow(local);
  }

  // The current position, to be kept when a frame is opened and by branches.
  Moment Now() const { return {now_, current_}; }
  // Adds a branch that stands at the current position.
  void AddEdge(EdgeList& edges, codegen::Inst inst, uint32_t slot);

  // Puts the edges of `more`, which are earlier, in front.
  void Prepend(EdgeList& edges, const EdgeList& more);

  // Control continues in `block`, where exactly `edges` arrive, all from within the frame
  // opened at `open` (an else: the one edge of the condition).
  void Join(const Moment& open, codegen::Block block, const EdgeList& edges);
  // Control continues at the loop header `block`; `entry` is the edge from before it.
  // Returns the junction's number for EndLoop.
  uint32_t BeginLoop(codegen::Block block, const EdgeList& entry);
  // No further branch to the header will come; `edges` are all of them, the entry first. The
  // current position is behind the loop.
  void EndLoop(uint32_t junction, const EdgeList& edges);

  // True once the steps were not enough. Values are wrong from then on: the function has to
  // be given up.
  bool overflowed() const { return overflowed_; }

  // Steps of all searches and lists since the object was made.
  uint64_t work() const { return work_counter_; }

 private:
  struct Local {
    codegen::Value value;
    // `value` is the local's at every position with the junctions of now from this time on.
    Time known_since = 0;
    uint32_t last_write = kNone;
    codegen::Type type = codegen::Type::kInvalid;
    bool is_reference = false;
  };
  // One write of a local; `previous` and `skip` are earlier ones of the same local.
  struct Write {
    Time time;
    codegen::Value value;
    uint32_t previous;
    uint32_t skip;
    uint32_t depth;
  };
  struct EdgeNode {
    Edge edge;
    uint32_t next;
  };
  enum class Kind : uint8_t { kForward, kOpenLoop, kLoop };
  struct Junction {
    Kind kind;
    // Writes in (open, begin) are resolved here; open is 0 for a loop.
    Time open;
    Time begin;
    // Of a loop that has ended.
    Time end;
    codegen::Block block;
    EdgeList edges;
    uint32_t previous;
    uint32_t skip;
    uint32_t depth;
    // Of an open loop: its parameters for locals, a list in pending_.
    uint32_t first_pending;
    uint32_t last_pending;
  };
  struct Pending {
    uint32_t local;
    codegen::Value param;
    uint32_t next;
  };
  // A junction whose incoming values are being collected.
  struct Work {
    uint32_t junction;
    uint32_t edge;
    uint32_t first_value;
    codegen::Value param;
    // The local is not written in the loop: its entry alone is asked.
    bool passes;
  };
  // Open-addressed table from (junction, local) to value, emptied by a new stamp.
  class Memo {
   public:
    void Clear();
    codegen::Value* Find(uint64_t key);
    void Insert(uint64_t key, codegen::Value value);

   private:
    struct Slot {
      uint64_t key;
      codegen::Value value;
      uint32_t stamp = 0;
    };
    void Grow();
    size_t Position(uint64_t key) const;

    std::vector<Slot> slots_;
    size_t used_ = 0;
    uint32_t stamp_ = 0;
  };

  static uint64_t Key(uint32_t junction, uint32_t local) {
    return uint64_t{junction} << 32 | local;
  }
  uint32_t PushWrite(uint32_t previous, codegen::Value value);
  // The last write of the chain that is not after `time`.
  uint32_t WriteAt(uint32_t last, Time time);
  uint32_t PushJunction(Junction junction, uint32_t previous);
  // The junction at or before `junction` that holds a write of time `written`; kNone if the
  // write is seen directly.
  uint32_t JunctionOver(uint32_t junction, Time written);
  // Takes off what is left to be done; false, and overflowed, where that is less.
  bool TakeSteps(size_t count);

  void ResolvePending(uint32_t junction, const EdgeList& edges);
  // Control has left the loop that `entry` led into.
  void PassLoop(Moment entry);

  codegen::Value GetSlow(uint32_t local);
  // The value of a local at a moment.
  codegen::Value ValueAt(uint32_t local, Moment at);
  codegen::Value Finish(uint32_t local, const Work& work);
  // The one value among values_[first...] other than `param`; none if there are several.
  codegen::Value OnlyValue(size_t first, codegen::Value param) const;
  // Makes the collected values from `first` on the arguments of the edges.
  void AppendArgs(const EdgeList& edges, size_t first);
  codegen::Value NewParam(uint32_t local, codegen::Block block);
  codegen::Value Resolve(codegen::Value value) const { return func_->dfg.CompressAlias(value); }

  codegen::Function* func_ = nullptr;
  std::vector<Local> locals_;
  std::vector<Write> writes_;
  std::vector<Junction> junctions_;
  std::vector<EdgeNode> edges_;
  std::vector<Pending> pending_;
  std::vector<Work> work_;
  std::vector<codegen::Value> values_;
  std::vector<bool> keep_;
  Memo memo_;
  Time now_ = 0;
  Time known_from_ = 0;
  uint32_t current_ = kNone;
  size_t steps_left_ = 0;
  uint64_t work_counter_ = 0;
  bool overflowed_ = false;
};

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_TRANSLATOR_LOCALS_H_
