// The orders of operands that a rule's left side is matched in.

#include <algorithm>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "codegen/ir/conditions.h"
#include "codegen/rewrite/rule.h"

namespace gantry::codegen::rewrite {
namespace {

// How often each value stands under a term.
void CountValues(const Rule& rule, uint32_t id, std::map<uint32_t, int>& counts) {
  const Node& node = rule.nodes[id];
  if (node.kind == Node::Kind::kValue) ++counts[node.variable];
  for (uint32_t arg : node.args) CountValues(rule, arg, counts);
}

// Of two operands that are instructions the one whose opcode has the lower number stands left
// (Rewriter::Canonicalize), in comparisons of equality too.
bool HasCanonicalOrder(const Node& first, const Node& second) {
  return first.kind == Node::Kind::kOp && second.kind == Node::Kind::kOp &&
         first.opcode != second.opcode;
}
bool IsOrdered(const Node& node) {
  return IsCommutative(node.opcode) ||
         (Info(node.opcode).format == Format::kIntCompare && !node.condition.is_variable &&
          (node.condition.code == static_cast<uint8_t>(IntCC::kEq) ||
           node.condition.code == static_cast<uint8_t>(IntCC::kNe)));
}

bool OperandsMaySwap(const Rule& rule, uint32_t id, std::map<uint32_t, int>& counts) {
  const Node& node = rule.nodes[id];
  if (node.kind != Node::Kind::kOp) return false;
  const bool compare = Info(node.opcode).format == Format::kIntCompare ||
                       Info(node.opcode).format == Format::kFloatCompare;
  if (!IsCommutative(node.opcode) && !compare) return false;
  const Node& first = rule.nodes[node.args[0]];
  const Node& second = rule.nodes[node.args[1]];
  if (IsConstantTerm(rule, node.args[0]) || IsConstantTerm(rule, node.args[1])) return false;
  // Either of two operands that are anything: the other order is only another name for each,
  // unless a condition of the comparison tells them apart.
  const bool anything = first.kind == Node::Kind::kValue && second.kind == Node::Kind::kValue &&
                        counts[first.variable] == 1 && counts[second.variable] == 1;
  if (!anything) return !IsOrdered(node) || !HasCanonicalOrder(first, second);
  if (!compare || node.condition.is_variable) return false;
  return Info(node.opcode).format == Format::kIntCompare
             ? Swapped(static_cast<IntCC>(node.condition.code)) !=
                   static_cast<IntCC>(node.condition.code)
             : Swapped(static_cast<FloatCC>(node.condition.code)) !=
                   static_cast<FloatCC>(node.condition.code);
}

void SwapOperands(Rule& rule, uint32_t id) {
  Node& node = rule.nodes[id];
  std::swap(node.args[0], node.args[1]);
  if (Info(node.opcode).format != Format::kIntCompare &&
      Info(node.opcode).format != Format::kFloatCompare) {
    return;
  }
  if (node.condition.is_variable) {
    node.condition.swapped = !node.condition.swapped;
  } else if (Info(node.opcode).format == Format::kIntCompare) {
    node.condition.code = static_cast<uint8_t>(Swapped(static_cast<IntCC>(node.condition.code)));
  } else {
    node.condition.code = static_cast<uint8_t>(Swapped(static_cast<FloatCC>(node.condition.code)));
  }
}

void CollectLeft(const Rule& rule, uint32_t id, std::vector<uint32_t>& nodes) {
  nodes.push_back(id);
  for (uint32_t arg : rule.nodes[id].args) CollectLeft(rule, arg, nodes);
}

// The left side with variables numbered by their order in it.
void PrintShape(const Rule& rule, uint32_t id, std::map<std::pair<bool, uint32_t>, size_t>& names,
                std::string& out) {
  const Node& node = rule.nodes[id];
  switch (node.kind) {
    case Node::Kind::kValue:
    case Node::Kind::kConstant: {
      const auto [it, added] = names.emplace(
          std::make_pair(node.kind == Node::Kind::kConstant, node.variable), names.size());
      absl::StrAppend(&out, node.kind == Node::Kind::kConstant ? "C" : "x", it->second);
      break;
    }
    case Node::Kind::kLiteral:
      absl::StrAppend(&out, node.literal, node.is_float ? "f" : "", node.is_width ? "w" : "");
      break;
    default:
      absl::StrAppend(&out, "(", static_cast<int>(node.opcode), ":", node.result, ".", node.type,
                      ".", node.condition.is_variable, node.condition.code, node.condition.variable,
                      node.condition.swapped);
      break;
  }
  for (uint32_t arg : node.args) {
    out += " ";
    PrintShape(rule, arg, names, out);
  }
  if (node.kind == Node::Kind::kOp) out += ")";
}

}  // namespace

std::vector<Rule> CommutedVariants(const Rule& rule) {
  std::map<uint32_t, int> counts;
  CountValues(rule, rule.left, counts);
  // A guard tells a value from others too.
  for (const Guard& guard : rule.guards) {
    for (uint32_t term : guard.terms) CountValues(rule, term, counts);
  }
  std::vector<uint32_t> nodes;
  CollectLeft(rule, rule.left, nodes);
  std::sort(nodes.begin(), nodes.end());
  nodes.erase(std::unique(nodes.begin(), nodes.end()), nodes.end());
  std::vector<Rule> variants = {rule};
  for (uint32_t id : nodes) {
    const Node& node = rule.nodes[id];
    if (node.kind != Node::Kind::kOp || !IsOrdered(node)) continue;
    const Node& first = rule.nodes[node.args[0]];
    const Node& second = rule.nodes[node.args[1]];
    if (HasCanonicalOrder(first, second) && second.opcode < first.opcode) {
      SwapOperands(variants[0], id);
    }
  }
  for (uint32_t id : nodes) {
    if (!OperandsMaySwap(rule, id, counts)) continue;
    const size_t before = variants.size();
    for (size_t i = 0; i < before; ++i) {
      variants.push_back(variants[i]);
      SwapOperands(variants.back(), id);
    }
  }
  if (!rule.guards.empty()) return variants;
  // Of variants that match the same the first is enough.
  std::set<std::string> shapes;
  std::vector<Rule> distinct;
  for (Rule& variant : variants) {
    std::map<std::pair<bool, uint32_t>, size_t> names;
    std::string shape;
    PrintShape(variant, variant.left, names, shape);
    if (shapes.insert(shape).second) distinct.push_back(std::move(variant));
  }
  return distinct;
}

}  // namespace gantry::codegen::rewrite
