// widen: an address that is computed in 32 bits and then extended is computed in 64 bits, where
// bounds show that the 32 bits can't wrap: extend(x * 8 + 16) becomes extend(x) * 8 + 16. Scale
// and constant then are part of the access, and the 32-bit operations go.
//
// Only where nothing but addresses of accesses comes of it, since there it costs no instruction.
#ifndef GANTRY_CODEGEN_PASS_WIDEN_H_
#define GANTRY_CODEGEN_PASS_WIDEN_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "codegen/pass/pass.h"
#include "codegen/pass/upper_bounds.h"

namespace gantry::codegen {

class WidenPass : public Pass {
 public:
  absl::string_view name() const override { return "widen"; }
  bool Run(Function* func, PassAnalyses* analyses) override;

 private:
  // The value index << scale + constant, all in 64 bits.
  struct Parts {
    Value index;
    uint64_t scale;
    uint64_t constant;
  };

  void CountUses();
  template <typename BoundOf>
  Parts Split(Value value, BoundOf bound_of);
  bool Replace(Inst extend, const Parts& parts);

  Function* func_ = nullptr;
  UpperBounds bounds_;
  // Uses of each value, and those of them that end in addresses of accesses only.
  std::vector<uint32_t> uses_, address_uses_;
  std::vector<Inst> sums_;
  std::vector<std::pair<Inst, Parts>> found_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_PASS_WIDEN_H_
