// Rules: rewrites of IR as data, read from text. The matcher that the compiler runs, the
// solver's queries and the tests of rules are all made from what this reads.
//
//   # Multiplying by a power of two shifts.
//   mul_by_power_of_two: (imul x C) if power_of_2(C) => (ishl x (ctz C))
//
// README.md describes the language. A rule read without error is well typed: `instances` lists
// every choice of types under which both sides are instructions that the verifier accepts, and
// is not empty.
#ifndef GANTRY_CODEGEN_REWRITE_RULE_H_
#define GANTRY_CODEGEN_REWRITE_RULE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "codegen/ir/opcodes.h"
#include "codegen/ir/types.h"
#include "codegen/rewrite/constant_functions.h"

namespace gantry::codegen::rewrite {

// A condition of icmp or fcmp: one of the table, or a variable that stands for any.
struct ConditionTerm {
  bool is_variable = false;
  uint8_t code = 0;       // IntCC or FloatCC.
  uint32_t variable = 0;  // Index into Rule::conditions.
  // Applied to it, in this order; right sides only.
  bool inverse = false;
  bool swapped = false;
};

// A term of either side. Indices are positions in Rule::nodes.
struct Node {
  enum class Kind : uint8_t {
    kValue,     // A value: x.
    kConstant,  // A constant: C.
    kLiteral,   // A number, or `width`: the bits of its type.
    kOp,        // An instruction.
    kFunction,  // A function of constants that is no opcode (constant_functions.h).
  };
  static constexpr uint32_t kNoType = 0xFFFFFFFF;

  Kind kind = Kind::kValue;
  // Of the value, as an index into Rule::types; kNoType where there is none (a store).
  uint32_t value_type = kNoType;
  // kValue, kConstant: index into Rule::values, Rule::constants.
  uint32_t variable = 0;
  // kLiteral: a number that is sign-extended to its type, or the bits of a double.
  int64_t literal = 0;
  bool is_float = false;
  bool is_width = false;
  // kFunction.
  std::string function;
  // kOp.
  Opcode opcode = Opcode::kNop;
  uint32_t type = kNoType;  // The controlling type.
  ConditionTerm condition;
  bool one_use = false;  // [op ...]: no other use of the value.
  uint8_t result = 0;    // op:1 is the second of a pair.
  std::vector<uint32_t> args;
  // Of an access: what is added to the address, an i64. Else kNoType.
  uint32_t offset = kNoType;
};

// A type of a rule: what it may be, and its name.
struct TypeTerm {
  std::string name;
  // A bit per member of kRuleTypes.
  uint32_t allowed = 0;
  // If not kNoType, the integer type of twice the bits of that one.
  uint32_t half = Node::kNoType;
};
inline constexpr Type kRuleTypes[] = {Type::kI8,  Type::kI16, Type::kI32,
                                      Type::kI64, Type::kF32, Type::kF64};
inline constexpr uint32_t kNumRuleTypes = 6;

// What has to hold for the rule to be used.
struct Guard {
  GuardKind kind = GuardKind::kEq;
  bool negated = false;
  // Terms, in order: constants, or for some guards a value.
  std::vector<uint32_t> terms;
  // Types, for guards over them, and a number of bits.
  std::vector<uint32_t> types;
  uint32_t bits = 0;
  // cc_in: the variable and its conditions.
  uint32_t condition = 0;
  std::vector<uint8_t> codes;
};

struct Variable {
  std::string name;
  uint32_t type = Node::kNoType;
};

struct Rule {
  std::string name;
  std::string file;
  int line = 0;
  std::string text;
  std::vector<Node> nodes;
  uint32_t left = 0;
  // A term per result of the root (one for a root without results).
  std::vector<uint32_t> right;
  std::vector<Guard> guards;
  std::vector<Variable> values;
  std::vector<Variable> constants;
  // Names of condition variables, and whether they are fcmp's.
  std::vector<std::string> conditions;
  std::vector<bool> condition_is_float;
  std::vector<TypeTerm> types;
  // Each a type per entry of `types`.
  std::vector<std::vector<Type>> instances;

  const Node& node(uint32_t i) const { return nodes[i]; }
};

// Reads a file of rules. Errors say file, line, rule and what is wrong; they include rules
// whose right side costs more than the left (cost.h) or would not end.
absl::StatusOr<std::vector<Rule>> ParseRules(absl::string_view file, absl::string_view text);

// True if the term's value is known when its constants are: no value under it.
bool IsConstantTerm(const Rule& rule, uint32_t node);

// The term as text that equal terms share, whichever result of a pair is taken.
std::string TermText(const Rule& rule, uint32_t node);

// Every order of the operands of commutative instructions on the left side that can't be
// assumed to be the canonical one (constants stand right), each as a rule; the rule itself
// is first.
std::vector<Rule> CommutedVariants(const Rule& rule);

// True for the formats of loads, and of stores, that take a constant offset.
inline bool HasOffset(Opcode opcode) {
  const Format format = Info(opcode).format;
  return format == Format::kLoad || format == Format::kStore;
}

}  // namespace gantry::codegen::rewrite

#endif  // GANTRY_CODEGEN_REWRITE_RULE_H_
