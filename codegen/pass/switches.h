// switches: a br_table of few ways becomes comparisons.
//
// By number of runs of equal ways (the default, from the last entry on, counts as one): up to four
// become a tree of comparisons, as do more where the table would be long for them; two or three
// different ways of up to 64 entries become tests of a bit in a constant. What is left is for a
// jump table. Comparisons load nothing, so no index needs masking against speculation.
//
// Tests: codegen/filetest/testdata/pass_switches.ir; pass_test, pass_fuzz and linear_test, which
// take every pass.
#ifndef GANTRY_CODEGEN_PASS_SWITCHES_H_
#define GANTRY_CODEGEN_PASS_SWITCHES_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "codegen/pass/pass.h"

namespace gantry::codegen {

class SwitchesPass : public Pass {
 public:
  absl::string_view name() const override { return "switches"; }
  bool Run(Function* func, PassAnalyses* analyses) override;

 private:
  // Entries from `first` to before the next run's first; the last is the default's.
  struct Stretch {
    uint32_t first;
    uint32_t way;
  };
  // A part of them, to be told apart in `block`.
  struct Part {
    Block block;
    size_t begin;
    size_t end;
  };

  bool Visit(Inst table);
  bool FindRuns(Inst table);
  void MakeTree(Inst table, Value index);
  void MakeBitTests(Inst table, Value index, uint32_t entries);
  // The call of a way, with a list of its own.
  BlockCall CallOf(uint32_t way);
  Block NewBlock(Block after);

  Function* func_ = nullptr;
  std::vector<Stretch> runs_;
  std::vector<BlockCall> ways_;
  std::vector<Part> parts_;
  std::vector<Value> args_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_PASS_SWITCHES_H_
