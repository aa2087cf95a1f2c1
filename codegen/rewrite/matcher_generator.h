// Writes the matcher for a set of rules as C++, to be included by rewriter.cc.
//
// Per root opcode there is a function that decides along a tree: each node looks at one operand,
// goes on by its opcode, and falls back to the rules that take any operand there. Rules of one
// shape share the way to it and are told apart at its end. An operand is looked at once on a
// way, so matching takes time bounded by the rules, whatever the function.
#ifndef GANTRY_CODEGEN_REWRITE_MATCHER_GENERATOR_H_
#define GANTRY_CODEGEN_REWRITE_MATCHER_GENERATOR_H_

#include <string>
#include <vector>

#include "codegen/rewrite/rule.h"

namespace gantry::codegen::rewrite {

std::string GenerateMatcher(const std::vector<Rule>& rules);

}  // namespace gantry::codegen::rewrite

#endif  // GANTRY_CODEGEN_REWRITE_MATCHER_GENERATOR_H_
