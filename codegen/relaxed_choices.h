// RelaxedChoices: for each relaxed operation of WebAssembly which of the results that the
// specification permits an ISA gives with the least work, as plain data. Every choice names an
// operation of the IR, fully defined there, so that code means the same wherever it is compiled
// for the same choices.
//
//   if (choices.fused_multiply_add) ... vfma ... else ... vfmul, vfadd ...
//
// Made new it is the deterministic profile (WebAssembly 3.0, "Profiles").
#ifndef GANTRY_CODEGEN_RELAXED_CHOICES_H_
#define GANTRY_CODEGEN_RELAXED_CHOICES_H_

namespace gantry::codegen {

struct RelaxedChoices {
  // vfma and vfnma, rounded once; else two operations.
  bool fused_multiply_add = false;
  // vswizzle_masked; else vswizzle.
  bool masked_swizzle = false;
  // vblend; else vbitselect.
  bool blend_by_top_bit = false;
  // vfcvt_to_*_indefinite; else vfcvt_to_*_sat.
  bool indefinite_conversions = false;
  // vfpmin and vfpmax, the operands swapped; else vfmin and vfmax.
  bool pseudo_min_max = false;
  // vdot_us_sat; else vdot_s.
  bool unsigned_dot = false;
  // vdot_us_add; else the sum of a dot product's pairs.
  bool unsigned_dot_add = false;

  friend bool operator==(const RelaxedChoices&, const RelaxedChoices&) = default;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_RELAXED_CHOICES_H_
