// Examples of rules: constants and values that a rule's guards allow, and functions that have
// its left side. For tests and for writing goldens.
#ifndef GANTRY_CODEGEN_REWRITE_SAMPLER_H_
#define GANTRY_CODEGEN_REWRITE_SAMPLER_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "codegen/generate/random_source.h"
#include "codegen/interp/bit_vector.h"
#include "codegen/ir/function.h"
#include "codegen/rewrite/rule.h"

namespace gantry::codegen::rewrite {

struct Sample {
  std::vector<BitVector> values;
  std::vector<BitVector> constants;
  std::vector<uint8_t> conditions;
};

// None if no constants that the guards allow were found in a reasonable number of tries. Edge
// cases are favoured.
std::optional<Sample> DrawSample(const Rule& rule, const std::vector<Type>& types,
                                 RandomSource* random);

// What a rule's two sides do for a sample: "" if the same, else both.
std::string CompareSides(const Rule& rule, const std::vector<Type>& types, const Sample& sample);

// True if a NaN that the left side gives may have any bits that an arithmetic NaN can have.
bool NanBitsAreFree(const Rule& rule);

// All of the build's rules, numbered as the matcher does: the files in `paths`.
std::vector<Rule> ReadRuleFiles(const std::vector<std::string>& paths);

// A function %name that computes the left side of `rule` with the sample's constants, its
// parameters being the values, and returns it. Of a rule over accesses the address is a
// parameter.
Function MakeExample(const Rule& rule, const std::vector<Type>& types, const Sample& sample,
                     absl::string_view name);

}  // namespace gantry::codegen::rewrite

#endif  // GANTRY_CODEGEN_REWRITE_SAMPLER_H_
