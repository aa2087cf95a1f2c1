// Rewriter: applies the rules (README.md) to one instruction at a time.
//
//   Rewriter rewriter;                       // reused from function to function
//   rewriter.Start(func);
//   switch (rewriter.Rewrite(inst)) {
//     case Rewriter::Result::kNone: ...      // no rule applies
//     case Rewriter::Result::kChanged: ...   // look again, from first_new() up to `inst`
//     case Rewriter::Result::kReplaced: ...  // its results are aliases; it is out of the layout
//   }
//
// New instructions stand right before the one that is rewritten. The operands of the
// instruction, and theirs, must not be aliases, and constants must stand right in what
// commutes (Canonicalize).
#ifndef GANTRY_CODEGEN_REWRITE_REWRITER_H_
#define GANTRY_CODEGEN_REWRITE_REWRITER_H_

#include <cstdint>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "codegen/ir/function.h"

namespace gantry::codegen::rewrite {

class Rewriter {
 public:
  enum class Result { kNone, kChanged, kReplaced };

  // Counts uses. Linear in the function.
  void Start(Function* func);

  // Puts operands that commute, those of comparisons included, in their order: constants right,
  // parameters before them, else the lower number of opcode and then of value left. Of comparisons
  // that are not of equality only constants move. True if that changed something.
  bool Canonicalize(Inst inst);
  // Applies the first rule that matches, if any.
  Result Rewrite(Inst inst);
  // After kChanged: the first instruction that was made, or the one given if none was.
  Inst first_new() const { return first_new_; }

  // To be told when another value takes over the uses of one.
  void Merged(Value value, Value with) { uses_[with.index()] += uses_[value.index()]; }
  // To be told when an instruction is taken out.
  void Removed(Inst inst) {
    for (Value v : func_->dfg.inst(inst).args()) {
      if (uses_[v.index()] != 0) --uses_[v.index()];
    }
  }

  // To be told when an instruction is about to become another.
  void Changed(Inst inst, const InstData& to) {
    Removed(inst);
    for (Value v : to.args()) ++uses_[v.index()];
  }

  // Uses of a value, roughly: what is dead still counts.
  uint32_t uses(Value value) const { return uses_[value.index()]; }

  // How often each rule was applied since the rewriter was made, by its number.
  absl::Span<const uint64_t> counts() const { return counts_; }

 private:
  friend class RewriteContext;

  Function* func_ = nullptr;
  std::vector<uint32_t> uses_;
  std::vector<uint64_t> counts_;
  Inst first_new_;
  // Stands for what defines a parameter: an instruction that no rule names.
  const InstData parameter_ = InstData();
};

// Rules are numbered from 0, in the order of the files that the build lists.
size_t NumRules();
absl::string_view RuleName(size_t number);

}  // namespace gantry::codegen::rewrite

#endif  // GANTRY_CODEGEN_REWRITE_REWRITER_H_
