// dead_stores: a store goes whose bytes are written again, on every way on, before anything can
// read them.
//
// What a trap leaves behind can be seen, so nothing that may trap may come in between. A store
// that may trap itself goes only if the next thing with an effect is a store of the same bytes
// that traps alike: then it makes no difference which of the two stops. Bytes are the same by
// address value and offset; accesses of different regions (MemFlags) never overlap.
//
// Tests: codegen/filetest/testdata/pass_dead_stores.ir; pass_test, pass_fuzz and linear_test, which
// take every pass.
#ifndef GANTRY_CODEGEN_PASS_DEAD_STORES_H_
#define GANTRY_CODEGEN_PASS_DEAD_STORES_H_

#include <array>
#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "codegen/pass/pass.h"

namespace gantry::codegen {

class DeadStoresPass : public Pass {
 public:
  absl::string_view name() const override { return "dead_stores"; }
  bool Run(Function* func, PassAnalyses* analyses) override;

 private:
  // Bytes that will be written before they are read.
  struct Bytes {
    Value address;
    int32_t offset;
    uint32_t count;
    MemFlags flags;

    friend bool operator==(const Bytes&, const Bytes&) = default;
  };
  // The few that come next.
  static constexpr size_t kMaxKnown = 6;
  struct State {
    std::array<Bytes, kMaxKnown> known;
    size_t size = 0;
  };

  void Meet(Block block, State* state);
  bool Visit(Inst inst, State* state);
  bool IsOverwritten(const Bytes& store, const State& state) const;
  static void Read(const Bytes& load, State* state);

  Function* func_ = nullptr;
  const ControlFlowGraph* cfg_ = nullptr;
  std::vector<State> at_start_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_PASS_DEAD_STORES_H_
