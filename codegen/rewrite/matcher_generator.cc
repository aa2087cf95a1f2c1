#include "codegen/rewrite/matcher_generator.h"

#include <algorithm>
#include <bit>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "base/check.h"
#include "codegen/rewrite/constant_functions.h"

namespace gantry::codegen::rewrite {
namespace {

constexpr uint32_t kNone = Node::kNoType;

// "kUaddOverflow" from the table.
std::string OpcodeName(Opcode opcode) {
  static constexpr const char* kNames[] = {
#define OP(Camel, ...) #Camel,
#include "codegen/ir/opcodes.def"
#undef OP
  };
  return absl::StrCat("Opcode::k", kNames[static_cast<size_t>(opcode)]);
}
std::string CamelName(Opcode opcode) { return OpcodeName(opcode).substr(9); }

std::string TypeLiteral(Type type) {
  std::string name(TypeName(type));
  name[0] = static_cast<char>(name[0] - 'a' + 'A');
  return absl::StrCat("Type::k", name);
}

// A place in the tree of the left side: operands from the root down, as in "01".
using Path = std::string;

enum class Shape { kAny, kIntConstant, kFloatConstant, kAnyConstant, kOp };

// One variant of a rule, and which of its terms stands where.
struct Entry {
  const Rule* rule;
  size_t number;
  std::map<Path, uint32_t> at;
  // Where each instruction is looked into.
  std::map<uint32_t, Path> first;

  bool IsRepeated(const Path& path) const {
    const auto it = first.find(at.find(path)->second);
    return it != first.end() && it->second != path;
  }
  const Node& node(const Path& path) const { return rule->nodes[at.find(path)->second]; }
  Shape shape(const Path& path) const {
    const Node& n = node(path);
    if (IsRepeated(path)) return Shape::kAny;
    switch (n.kind) {
      case Node::Kind::kOp:
        return Shape::kOp;
      case Node::Kind::kConstant:
      case Node::Kind::kLiteral: {
        bool ints = false;
        bool floats = false;
        for (const std::vector<Type>& types : rule->instances) {
          (IsFloat(types[n.value_type]) ? floats : ints) = true;
        }
        return ints && floats ? Shape::kAnyConstant
               : ints         ? Shape::kIntConstant
                              : Shape::kFloatConstant;
      }
      default:
        return Shape::kAny;
    }
  }
};

// A term that stands in several places is looked into at the first only.
void Place(const Rule& rule, uint32_t id, const Path& path, std::map<Path, uint32_t>& at,
           std::map<uint32_t, Path>& first) {
  at[path] = id;
  const Node& node = rule.nodes[id];
  if (node.kind == Node::Kind::kOp && !first.emplace(id, path).second) return;
  for (size_t i = 0; i < node.args.size(); ++i) {
    Place(rule, node.args[i], absl::StrCat(path, i), at, first);
  }
}

class MatcherWriter {
 public:
  explicit MatcherWriter(const std::vector<Rule>& rules) {
    for (size_t i = 0; i < rules.size(); ++i) {
      for (Rule& variant : CommutedVariants(rules[i])) {
        variants_.push_back(std::make_unique<Rule>(std::move(variant)));
        Entry entry{variants_.back().get(), i, {}, {}};
        Place(*entry.rule, entry.rule->left, "", entry.at, entry.first);
        by_root_[entry.rule->nodes[entry.rule->left].opcode].push_back(std::move(entry));
      }
    }
    for (const Rule& rule : rules) names_.push_back(rule.name);
  }

  std::string Write() {
    out_ = "// Made from the rules; see matcher_generator.h.\n\n";
    Line("constexpr const char* kRuleNames[] = {");
    for (const std::string& name : names_) Line(absl::StrCat("    \"", name, "\","));
    Line("};\n");
    Line("constexpr bool kHasRules[kNumOpcodes] = {");
    for (size_t i = 0; i < kNumOpcodes; ++i) {
      Line(absl::StrCat("    ", by_root_.contains(static_cast<Opcode>(i)) ? "true" : "false", ","));
    }
    Line("};\n");
    for (const auto& [opcode, entries] : by_root_) WriteRoot(opcode, entries);
    Line("bool RewriteContext::Dispatch(Opcode opcode) {");
    Line("  switch (opcode) {");
    for (const auto& [opcode, entries] : by_root_) {
      Line(absl::StrCat("    case ", OpcodeName(opcode), ": return Match", CamelName(opcode),
                        "();"));
    }
    Line("    default: return false;");
    Line("  }\n}");
    return out_;
  }
  // The declarations that belong into the class.
  std::string Declarations() const {
    std::string out;
    for (const auto& [opcode, entries] : by_root_) {
      absl::StrAppend(&out, "  bool Match", CamelName(opcode), "();\n");
    }
    return out;
  }

 private:
  void Line(absl::string_view text) { absl::StrAppend(&out_, text, "\n"); }

  void WriteRoot(Opcode opcode, const std::vector<Entry>& entries) {
    Line(absl::StrCat("bool RewriteContext::Match", CamelName(opcode), "() {"));
    Line("  const InstData& n = Root();");
    std::vector<Path> pending;
    const size_t count = Info(opcode).num_args;
    for (size_t i = 0; i < count; ++i) {
      Line(absl::StrCat("  [[maybe_unused]] const Value v", i, " = n.arg(", i, ");"));
    }
    // Of two operands the right one tells more: constants stand there.
    for (size_t i = count; i-- > 0;) pending.push_back(absl::StrCat(i));
    std::vector<const Entry*> all;
    for (const Entry& entry : entries) all.push_back(&entry);
    WriteTree(all, pending);
    Line("  return false;\n}\n");
  }

  // Decides between entries of which what stands at `pending` is not looked at yet. Falls
  // through where none matches.
  void WriteTree(const std::vector<const Entry*>& entries, std::vector<Path> pending) {
    if (entries.empty()) return;
    if (pending.empty()) {
      for (const Entry* entry : entries) WriteLeaf(*entry);
      return;
    }
    const Path path = pending.front();
    pending.erase(pending.begin());
    // By shape, in the order of the first rule of each; what takes anything comes last.
    std::vector<std::pair<std::pair<Shape, Opcode>, std::vector<const Entry*>>> groups;
    std::vector<const Entry*> any;
    for (const Entry* entry : entries) {
      const Shape shape = entry->shape(path);
      if (shape == Shape::kAny) {
        any.push_back(entry);
        continue;
      }
      const std::pair<Shape, Opcode> key{
          shape, shape == Shape::kOp ? entry->node(path).opcode : Opcode::kNop};
      const auto found = std::find_if(groups.begin(), groups.end(),
                                      [&](const auto& group) { return group.first == key; });
      if (found == groups.end()) {
        groups.push_back({key, {entry}});
      } else {
        found->second.push_back(entry);
      }
    }
    if (!groups.empty()) {
      const std::string n = absl::StrCat("n", path);
      Line("  {");
      Line(absl::StrCat("  [[maybe_unused]] const InstData& ", n, " = Definition(v", path, ");"));
      // Constants of both kinds together can't share a switch with the others.
      std::vector<const Entry*> both;
      Line(absl::StrCat("  switch (", n, ".opcode()) {"));
      for (const auto& [key, group] : groups) {
        switch (key.first) {
          case Shape::kIntConstant:
            Line("  case Opcode::kIconst: {");
            break;
          case Shape::kFloatConstant:
            Line("  case Opcode::kF32const: case Opcode::kF64const: {");
            break;
          case Shape::kAnyConstant:
            both = group;
            continue;
          default:
            Line(absl::StrCat("  case ", OpcodeName(key.second), ": {"));
            break;
        }
        std::vector<Path> rest = pending;
        if (key.first == Shape::kOp) {
          for (size_t i = 0; i < Info(key.second).num_args; ++i) {
            Line(absl::StrCat("  [[maybe_unused]] const Value v", path, i, " = ", n, ".arg(", i,
                              ");"));
          }
          for (size_t i = Info(key.second).num_args; i-- > 0;) {
            rest.push_back(absl::StrCat(path, i));
          }
        }
        WriteTree(group, rest);
        Line("  break;\n  }");
      }
      Line("  default: break;\n  }");
      if (!both.empty()) {
        Line(absl::StrCat("  if (IsConstant(", n, ")) {"));
        WriteTree(both, pending);
        Line("  }");
      }
      Line("  }");
    }
    WriteTree(any, pending);
  }

  // ---- A leaf: everything that the shape does not say, then the right side.

  struct Leaf {
    const Entry* entry;
    std::vector<std::string> checks;
    // Expressions for types, values, constants and conditions that are known.
    std::map<uint32_t, std::string> types;
    std::map<uint32_t, std::string> values;
    std::map<uint32_t, std::string> constants;
    std::map<uint32_t, std::string> conditions;
  };

  static std::string NodeName(const Path& path) { return absl::StrCat("n", path); }

  void WriteLeaf(const Entry& entry) {
    const Rule& rule = *entry.rule;
    Leaf leaf{&entry, {}, {}, {}, {}, {}};
    BindTypes(leaf);
    for (const auto& [path, id] : entry.at) BindNode(leaf, path, rule.nodes[id]);
    CheckTypes(leaf);
    std::vector<std::string> guards;
    for (const Guard& guard : rule.guards) guards.push_back(GuardText(leaf, guard));
    Line(absl::StrCat("  // ", rule.name));
    std::string condition = absl::StrJoin(leaf.checks, " && ");
    if (condition.empty()) condition = "true";
    Line(absl::StrCat("  if (", condition, ") {"));
    WriteTypes(leaf);
    for (size_t i = 0; i < rule.constants.size(); ++i) {
      const auto it = leaf.constants.find(static_cast<uint32_t>(i));
      if (it == leaf.constants.end()) continue;  // Of a guard only, which is an error before.
      Line(absl::StrCat("    [[maybe_unused]] const BitVector c", i, " = ", it->second, ";"));
    }
    for (const auto& [variable, text] : leaf.conditions) {
      Line(absl::StrCat("    [[maybe_unused]] const ",
                        rule.condition_is_float[variable] ? "FloatCC" : "IntCC", " cc", variable,
                        " = ", text, ";"));
    }
    if (!guards.empty()) Line(absl::StrCat("    if (", absl::StrJoin(guards, " && "), ") {"));
    Line(absl::StrCat("      Fire(", entry.number, ");"));
    WriteRight(leaf);
    Line("      return true;");
    if (!guards.empty()) Line("    }");
    Line("  }");
  }

  // The expression that has each type at match time.
  void BindTypes(Leaf& leaf) {
    const Rule& rule = *leaf.entry->rule;
    for (const auto& [path, id] : leaf.entry->at) {
      const Node& node = rule.nodes[id];
      if (leaf.entry->IsRepeated(path)) continue;
      if (node.kind == Node::Kind::kOp && node.type != kNone) {
        Bind(leaf, node.type, absl::StrCat(NodeName(path), ".type()"), path, true);
      } else if (node.kind != Node::Kind::kOp && node.value_type != kNone) {
        Bind(leaf, node.value_type, absl::StrCat("TypeOf(v", path, ")"), path, false);
      }
    }
  }
  void Bind(Leaf& leaf, uint32_t type, const std::string& text, const Path& path, bool is_op) {
    const auto [it, added] = leaf.types.emplace(type, text);
    if (added || Implied(leaf, path, type, is_op)) return;
    leaf.checks.push_back(absl::StrCat(text, " == ", it->second));
  }
  // True if the verifier says that the term at `path` has the type, given its parent's.
  static bool Implied(const Leaf& leaf, const Path& path, uint32_t type, bool is_op) {
    if (path.empty()) return false;
    const Entry& entry = *leaf.entry;
    const Node& parent = entry.node(path.substr(0, path.size() - 1));
    const char letter = Info(parent.opcode).args[path.back() - '0'];
    const Node& node = entry.node(path);
    // The controlling type is the value's only where the result's letter says so.
    if (is_op && Info(node.opcode).results[node.result] != 't') return false;
    if (letter == 't') return parent.type == type;
    return letter == 'i' || letter == 'l' || letter == 'F' || letter == 'D';
  }

  static uint32_t Bit(Type type) {
    return 1u << (std::find(std::begin(kRuleTypes), std::end(kRuleTypes), type) -
                  std::begin(kRuleTypes));
  }
  // What the table of opcodes allows for a type, given where it stands on the left.
  static uint32_t Possible(const Entry& entry, uint32_t type) {
    uint32_t possible = (1u << kNumRuleTypes) - 1;
    const auto only = [&](auto accepts) {
      for (Type t : kRuleTypes) {
        if (!accepts(t)) possible &= ~Bit(t);
      }
    };
    for (const auto& [path, id] : entry.at) {
      const Node& node = entry.rule->nodes[id];
      if (node.kind == Node::Kind::kOp && node.type == type) {
        only([&](Type t) { return Contains(Info(node.opcode).types, t); });
      }
      if (node.value_type != type || path.empty()) continue;
      const Node& parent = entry.node(path.substr(0, path.size() - 1));
      switch (Info(parent.opcode).args[path.back() - '0']) {
        case 'i':
          only([](Type t) { return t == Type::kI32; });
          break;
        case 'l':
          only([](Type t) { return t == Type::kI64; });
          break;
        case 'c':
        case 'j':
          only([](Type t) { return t == Type::kI32 || t == Type::kI64; });
          break;
        case 'n':
        case 'w':
          only([](Type t) { return IsInt(t); });
          break;
        case 'f':
          only([](Type t) { return IsFloat(t); });
          break;
        case 'F':
          only([](Type t) { return t == Type::kF32; });
          break;
        case 'D':
          only([](Type t) { return t == Type::kF64; });
          break;
        default:
          break;
      }
      if (node.kind == Node::Kind::kLiteral && !node.is_float)
        only([](Type t) { return IsInt(t); });
    }
    return possible;
  }
  void CheckTypes(Leaf& leaf) {
    const Rule& rule = *leaf.entry->rule;
    for (const auto& [type, text] : leaf.types) {
      uint32_t allowed = 0;
      for (const std::vector<Type>& types : rule.instances) allowed |= Bit(types[type]);
      // Any type that the opcodes take, v128 included: then the rule hands it on unseen.
      if (allowed == Possible(*leaf.entry, type)) continue;
      if (std::has_single_bit(allowed)) {
        const std::string only = TypeLiteral(kRuleTypes[std::countr_zero(allowed)]);
        // The type of an offset is a literal itself.
        if (text != only) leaf.checks.push_back(absl::StrCat(text, " == ", only));
      } else {
        leaf.checks.push_back(absl::StrCat("TypeIn(", text, ", ", allowed, ")"));
      }
    }
    for (const auto& [type, text] : leaf.types) {
      const uint32_t half = rule.types[type].half;
      if (half == kNone) continue;
      CHECK(leaf.types.contains(half)) << rule.name;
      leaf.checks.push_back(
          absl::StrCat("TypeBits(", text, ") == 2 * TypeBits(", leaf.types[half], ")"));
    }
  }
  void WriteTypes(Leaf& leaf) {
    const Rule& rule = *leaf.entry->rule;
    for (uint32_t i = 0; i < rule.types.size(); ++i) {
      std::string text;
      if (leaf.types.contains(i)) {
        text = leaf.types[i];
      } else if (rule.types[i].half != kNone) {
        text = absl::StrCat("*IntTypeOfBits(2 * TypeBits(", leaf.types[rule.types[i].half], "))");
      } else {
        // Right sides may name types of their own.
        for (const std::vector<Type>& types : rule.instances) {
          CHECK(types[i] == rule.instances[0][i])
              << rule.file << ":" << rule.line << ": " << rule.name
              << ": a type of the right side depends on nothing";
        }
        text = TypeLiteral(rule.instances[0][i]);
      }
      Line(absl::StrCat("    [[maybe_unused]] const Type t", i, " = ", text, ";"));
    }
  }

  void BindNode(Leaf& leaf, const Path& path, const Node& node) {
    const std::string n = NodeName(path);
    switch (node.kind) {
      case Node::Kind::kValue: {
        const auto [it, added] = leaf.values.emplace(node.variable, absl::StrCat("v", path));
        if (!added) leaf.checks.push_back(absl::StrCat("v", path, " == ", it->second));
        break;
      }
      case Node::Kind::kConstant: {
        const auto [it, added] =
            leaf.constants.emplace(node.variable, absl::StrCat("BitsOf(", n, ")"));
        if (!added) leaf.checks.push_back(absl::StrCat("BitsOf(", n, ") == ", it->second));
        break;
      }
      case Node::Kind::kLiteral:
        leaf.checks.push_back(
            absl::StrCat(n, ".const_bits() == ", LiteralText(node, n + ".type()")));
        break;
      case Node::Kind::kOp: {
        if (leaf.entry->IsRepeated(path)) {
          leaf.checks.push_back(
              absl::StrCat("v", path, " == v", leaf.entry->first.at(leaf.entry->at.at(path))));
          break;
        }
        const Format format = Info(node.opcode).format;
        if (!path.empty() && Info(node.opcode).num_results > 1) {
          leaf.checks.push_back(absl::StrCat("PositionOf(v", path, ") == ", node.result));
        }
        if (format == Format::kIntCompare || format == Format::kFloatCompare) {
          BindCondition(leaf, n, node.condition, format == Format::kFloatCompare);
        }
        if (node.one_use) leaf.checks.push_back(absl::StrCat("HasOneUse(v", path, ")"));
        if (node.offset != kNone) {
          const Node& offset = leaf.entry->rule->nodes[node.offset];
          CHECK(offset.kind == Node::Kind::kConstant && path.empty());
          leaf.constants[offset.variable] = absl::StrCat("OffsetOf(", n, ")");
          leaf.types.emplace(offset.value_type, "Type::kI64");
        }
        break;
      }
      default:
        UNREACHABLE();
    }
  }
  void BindCondition(Leaf& leaf, const std::string& n, const ConditionTerm& term, bool is_float) {
    const std::string found =
        absl::StrCat(term.swapped ? "Swapped(" : "", n, is_float ? ".float_cc()" : ".int_cc()",
                     term.swapped ? ")" : "");
    if (!term.is_variable) {
      leaf.checks.push_back(absl::StrCat(n, ".immediate() == ", term.code));
      return;
    }
    const auto [it, added] = leaf.conditions.emplace(term.variable, found);
    if (!added) leaf.checks.push_back(absl::StrCat(found, " == ", it->second));
  }

  static std::string LiteralText(const Node& node, const std::string& type) {
    if (node.is_width) return absl::StrCat("TypeBits(", type, ")");
    if (node.is_float) {
      return absl::StrCat("FloatBits(", type, ", uint64_t{0x",
                          absl::Hex(static_cast<uint64_t>(node.literal)), "})");
    }
    if (node.literal == 0) return "0";
    if (node.literal > 0) return absl::StrCat("uint64_t{0x", absl::Hex(node.literal), "}");
    return absl::StrCat("(uint64_t{0x", absl::Hex(static_cast<uint64_t>(node.literal)),
                        "} & TypeMask(", type, "))");
  }

  // ---- Constant terms: an expression of type BitVector.
  std::string ConstantText(const Leaf& leaf, uint32_t id) const {
    const Rule& rule = *leaf.entry->rule;
    const Node& node = rule.nodes[id];
    switch (node.kind) {
      case Node::Kind::kConstant:
        return absl::StrCat("c", node.variable);
      case Node::Kind::kLiteral: {
        const std::string type = absl::StrCat("t", node.value_type);
        return absl::StrCat("BitVector(TypeBits(", type, "), ", LiteralText(node, type), ")");
      }
      case Node::Kind::kFunction:
        return absl::StrCat("EvaluateFunction(\"", node.function, "\", ",
                            ConstantText(leaf, node.args[0]), ")");
      default:
        break;
    }
    std::vector<std::string> args;
    if (node.type != kNone) args.push_back(absl::StrCat("t", node.type));
    const Format format = Info(node.opcode).format;
    if (format == Format::kConvert) {
      args.push_back(absl::StrCat("t", rule.nodes[node.args[0]].value_type));
    }
    if (format == Format::kIntCompare || format == Format::kFloatCompare) {
      args.push_back(ConditionText(node.condition, format == Format::kFloatCompare));
    }
    for (uint32_t arg : node.args) args.push_back(ConstantText(leaf, arg));
    const bool guarded = format == Format::kDivision || format == Format::kSignedDivision;
    return absl::StrCat("Sem::", CamelName(node.opcode), "(", absl::StrJoin(args, ", "), ")",
                        guarded ? ".value" : "");
  }
  static std::string ConditionText(const ConditionTerm& term, bool is_float) {
    std::string text =
        term.is_variable
            ? absl::StrCat("cc", term.variable)
            : absl::StrCat("static_cast<", is_float ? "FloatCC" : "IntCC", ">(", term.code, ")");
    if (term.swapped) text = absl::StrCat("Swapped(", text, ")");
    if (term.inverse) text = absl::StrCat("Inverse(", text, ")");
    return text;
  }

  std::string GuardText(const Leaf& leaf, const Guard& guard) const {
    const Rule& rule = *leaf.entry->rule;
    std::string text;
    switch (ShapeOf(guard.kind)) {
      case GuardShape::kTypes:
        text =
            guard.kind == GuardKind::kNarrower
                ? absl::StrCat("TypeBits(t", guard.types[0], ") < TypeBits(t", guard.types[1], ")")
                : absl::StrCat("TypeBits(t", guard.types[0], ") == ", guard.bits);
        break;
      case GuardShape::kConditions: {
        std::vector<std::string> tests;
        for (uint8_t code : guard.codes) {
          tests.push_back(absl::StrCat("static_cast<int>(cc", guard.condition, ") == ", code));
        }
        text = absl::StrCat("(", absl::StrJoin(tests, " || "), ")");
        break;
      }
      case GuardShape::kValueAndConstant:
        text = absl::StrCat("IsZero(", ValueOfGuard(leaf, guard.terms[0]), ", ",
                            ConstantText(leaf, guard.terms[1]), ")");
        break;
      case GuardShape::kValue:
        text = absl::StrCat("IsArithmetic(*dfg_, ", ValueOfGuard(leaf, guard.terms[0]), ")");
        break;
      default:
        if (IsConcreteGuard(guard.kind)) {
          text = absl::StrCat("EvaluateConcreteGuard(GuardKind::", EnumeratorOf(guard.kind), ", ",
                              ConstantText(leaf, guard.terms[0]), ")");
        } else {
          text = absl::StrCat("Guard(GuardKind::", EnumeratorOf(guard.kind), ", ",
                              ConstantText(leaf, guard.terms[0]), ", ",
                              ConstantText(leaf, guard.terms.back()), ")");
        }
        break;
    }
    CHECK(!rule.name.empty());
    return guard.negated ? absl::StrCat("!(", text, ")") : text;
  }
  static std::string ValueOfGuard(const Leaf& leaf, uint32_t id) {
    const Node& node = leaf.entry->rule->nodes[id];
    CHECK(node.kind == Node::Kind::kValue) << leaf.entry->rule->name;
    return leaf.values.at(node.variable);
  }

  // ---- Right sides.
  void WriteRight(const Leaf& leaf) {
    const Rule& rule = *leaf.entry->rule;
    next_name_ = 0;
    const Node& root = rule.nodes[rule.left];
    if (rule.right.size() == 2) {
      const std::string a = WriteTerm(leaf, rule.right[0]);
      const std::string b = WriteTerm(leaf, rule.right[1]);
      Line(absl::StrCat("      BecomePair(", a, ", ", b, ");"));
      return;
    }
    const uint32_t id = rule.right[0];
    const Node& right = rule.nodes[id];
    if (IsConstantTerm(rule, id)) {
      Line(absl::StrCat("      BecomeConstant(t", right.value_type, ", ", ConstantText(leaf, id),
                        ");"));
      return;
    }
    if (right.kind == Node::Kind::kValue) {
      Line(absl::StrCat("      BecomeValue(", leaf.values.at(right.variable), ");"));
      return;
    }
    if (right.offset == kNone && Info(root.opcode).num_results == 1) {
      const std::string text = TermText(rule, id);
      for (const auto& [path, left] : leaf.entry->at) {
        if (!path.empty() && rule.nodes[left].kind == Node::Kind::kOp &&
            rule.nodes[left].result == right.result && TermText(rule, left) == text) {
          Line(absl::StrCat("      BecomeValue(v", path, ");"));
          return;
        }
      }
    }
    const std::string args = WriteArgs(leaf, right);
    if (Info(root.opcode).num_results == 0 || right.offset != kNone) {
      const std::string offset =
          right.offset == kNone ? "nullptr" : absl::StrCat("&", WriteOffset(leaf, right.offset));
      Line(absl::StrCat("      BecomeInPlace(", OpcodeName(right.opcode), ", ",
                        right.type == kNone ? "Type::kInvalid" : absl::StrCat("t", right.type),
                        ", {", args, "}, ", offset, ");"));
      return;
    }
    Line(absl::StrCat("      Become(", MadeText(right), ", {", args, "});"));
  }
  std::string WriteOffset(const Leaf& leaf, uint32_t id) {
    Line(absl::StrCat("      const BitVector offset = ", ConstantText(leaf, id), ";"));
    return "offset";
  }
  // Opcode, type and immediate of an instruction that is made.
  std::string MadeText(const Node& node) const {
    const Format format = Info(node.opcode).format;
    std::string immediate = "0";
    if (format == Format::kIntCompare || format == Format::kFloatCompare) {
      immediate = absl::StrCat("static_cast<uint16_t>(",
                               ConditionText(node.condition, format == Format::kFloatCompare), ")");
    } else if ((Info(node.opcode).effects & kTraps) != 0) {
      immediate = absl::StrCat("TrapCodes(", OpcodeName(node.opcode), ")");
    }
    return absl::StrCat(OpcodeName(node.opcode), ", t", node.type, ", ", immediate);
  }
  std::string WriteArgs(const Leaf& leaf, const Node& node) {
    std::vector<std::string> args;
    for (uint32_t arg : node.args) args.push_back(WriteTerm(leaf, arg));
    return absl::StrJoin(args, ", ");
  }
  // Emits what makes the term and returns the name of its value.
  std::string WriteTerm(const Leaf& leaf, uint32_t id) {
    const Rule& rule = *leaf.entry->rule;
    const Node& node = rule.nodes[id];
    if (node.kind == Node::Kind::kValue) return leaf.values.at(node.variable);
    if (IsConstantTerm(rule, id)) {
      const std::string name = absl::StrCat("k", next_name_++);
      Line(absl::StrCat("      const Value ", name, " = Constant(t", node.value_type, ", ",
                        ConstantText(leaf, id), ");"));
      return name;
    }
    // What the left side has computed is there.
    const std::string text = TermText(rule, id);
    for (const auto& [path, left] : leaf.entry->at) {
      if (!path.empty() && rule.nodes[left].kind == Node::Kind::kOp &&
          rule.nodes[left].result == node.result && !rule.nodes[left].one_use &&
          TermText(rule, left) == text) {
        return absl::StrCat("v", path);
      }
    }
    const std::string args = WriteArgs(leaf, node);
    const std::string name = absl::StrCat("r", next_name_++);
    Line(absl::StrCat("      const Value ", name, " = Emit(", MadeText(node), ", {", args, "}",
                      node.result != 0 ? ", 1" : "", ");"));
    return name;
  }

  std::map<Opcode, std::vector<Entry>> by_root_;
  std::vector<std::unique_ptr<Rule>> variants_;
  std::vector<std::string> names_;
  std::string out_;
  int next_name_ = 0;
};

}  // namespace

std::string GenerateMatcher(const std::vector<Rule>& rules) {
  MatcherWriter writer(rules);
  const std::string code = writer.Write();
  return absl::StrCat("#ifdef GANTRY_REWRITE_DECLARATIONS\n", writer.Declarations(), "#else\n",
                      code, "#endif\n");
}

}  // namespace gantry::codegen::rewrite
