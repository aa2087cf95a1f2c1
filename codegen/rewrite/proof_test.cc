// Proves every rule: at each width that it applies to by Z3, from the definitions that the
// interpreter uses, constants being any that its guards allow. What the solver does not settle
// (unproven.txt lists it) holds at 8 and 16 bits where it can be scaled, and for edge and random
// values. Where the solver takes long (the same file lists that as "slow") a run with --attempt
// proves it, and tries the rest of the list too.
//
//   proof_test [--attempt] [--seconds=N] unproven.txt RULES...
//
// A test per rule, so that shards share the work.

#include <algorithm>
#include <bit>
#include <fstream>
#include <functional>
#include <iostream>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_replace.h"
#include "base/check.h"
#include "codegen/rewrite/evaluate.h"
#include "codegen/rewrite/sampler.h"
#include "codegen/rewrite/z3_domain.h"
#include "gtest/gtest.h"

namespace gantry::codegen::rewrite {
namespace {

using Z3Sem = Semantics<Z3Domain>;

// Per query; --seconds=N sets another limit.
uint32_t timeout_milliseconds = 60000;

// What unproven.txt lists: "name i32 i64", an instance, or "slow name", all of a rule's.
std::set<std::string> unproven;
std::set<std::string> slow;
bool attempt = false;

std::string InstanceName(const Rule& rule, const std::vector<Type>& types) {
  std::string name = rule.name;
  for (Type type : types) absl::StrAppend(&name, " ", TypeName(type));
  return name;
}

// Calls visit for every choice of conditions that the guards allow.
void ForEachConditions(const Rule& rule,
                       const std::function<void(const std::vector<uint8_t>&)>& visit) {
  std::vector<uint8_t> codes(rule.conditions.size(), 0);
  const std::function<void(size_t)> go = [&](size_t i) {
    if (i == codes.size()) {
      for (const Guard& guard : rule.guards) {
        if (guard.kind != GuardKind::kCcIn) continue;
        bool found = false;
        for (uint8_t code : guard.codes) found |= code == codes[guard.condition];
        if (found == guard.negated) return;
      }
      visit(codes);
      return;
    }
    const int count = rule.condition_is_float[i] ? kNumFloatCCs : kNumIntCCs;
    for (int code = 0; code < count; ++code) {
      codes[i] = static_cast<uint8_t>(code);
      go(i + 1);
    }
  };
  go(0);
}

// Functions of constants that only exist for given ones.
bool IsConcrete(const Rule& rule) {
  for (const Node& node : rule.nodes) {
    if (node.kind == Node::Kind::kFunction) return true;
  }
  for (const Guard& guard : rule.guards) {
    if (IsConcreteGuard(guard.kind)) return true;
  }
  return false;
}

// A variable whose every value falls into one of as many cases as its type has bits: powers of
// two by their exponent, amounts of shifts by what counts of them. Multiplications and shifts are
// much easier to compare when that is a number.
struct Split {
  bool is_constant = false;
  uint32_t variable = 0;
  bool is_power = false;
  bool is_negated = false;
};
std::optional<Split> FindSplit(const Rule& rule) {
  for (const Guard& guard : rule.guards) {
    if (guard.kind != GuardKind::kPowerOf2 || guard.negated) continue;
    const Node* node = &rule.nodes[guard.terms[0]];
    const bool negated = node->kind == Node::Kind::kOp && node->opcode == Opcode::kIneg;
    if (negated) node = &rule.nodes[node->args[0]];
    if (node->kind == Node::Kind::kConstant) return Split{true, node->variable, true, negated};
  }
  for (const Node& node : rule.nodes) {
    if (node.kind != Node::Kind::kOp) continue;
    switch (node.opcode) {
      case Opcode::kIshl:
      case Opcode::kUshr:
      case Opcode::kSshr:
      case Opcode::kRotl:
      case Opcode::kRotr:
        break;
      default:
        continue;
    }
    const Node& amount = rule.nodes[node.args[1]];
    if (amount.kind == Node::Kind::kConstant) return Split{true, amount.variable, false, false};
    if (amount.kind == Node::Kind::kValue) return Split{false, amount.variable, false, false};
  }
  return std::nullopt;
}
// The variable in case `number`.
z3::expr CaseOf(const Split& split, uint32_t width, uint32_t number, const std::string& name) {
  if (split.is_power) {
    const z3::expr power = Z3Domain::Constant(width, uint64_t{1} << number);
    return split.is_negated ? -power : power;
  }
  const uint32_t counting = static_cast<uint32_t>(std::countr_zero(width));
  return Z3Domain::Concat(Z3Domain::Context().bv_const(name.c_str(), width - counting),
                          Z3Domain::Constant(counting, number));
}

// What the solver says of one instance under one choice of conditions, in all cases or one: "" if
// it is proven.
std::string Solve(const Rule& rule, const std::vector<Type>& types,
                  const std::vector<uint8_t>& codes, const std::optional<Split>& split,
                  uint32_t number, uint32_t milliseconds) {
  z3::context context;
  Z3Domain::Use use(&context);
  const auto variables = [&](const std::vector<Variable>& list, bool constants) {
    std::vector<z3::expr> bits;
    for (uint32_t i = 0; i < list.size(); ++i) {
      const uint32_t width = TypeBits(types[list[i].type]);
      const bool is_split =
          split.has_value() && split->is_constant == constants && split->variable == i;
      bits.push_back(is_split ? CaseOf(*split, width, number, list[i].name)
                              : context.bv_const(list[i].name.c_str(), width));
    }
    return bits;
  };
  const std::vector<z3::expr> values = variables(rule.values, false);
  const std::vector<z3::expr> constants = variables(rule.constants, true);
  Evaluator<Z3Domain> evaluator(rule, types, values, constants, codes);
  z3::solver solver(context);
  z3::params params(context);
  params.set("timeout", milliseconds);
  solver.set(params);
  solver.add(evaluator.Guards());
  // The offset of an access is a signed number of 32 bits.
  const Node& root = rule.nodes[rule.left];
  if (root.offset != Node::kNoType) {
    const z3::expr& offset = constants[rule.nodes[root.offset].variable];
    solver.add(Z3Domain::SExt(64, Z3Domain::Extract(offset, 0, 32)) == offset);
  }
  const Evaluation<Z3Domain> left = evaluator.Left();
  const Evaluation<Z3Domain> right = evaluator.Right();
  z3::expr same_values = context.bool_val(true);
  for (size_t i = 0; i < left.outputs.size(); ++i) {
    z3::expr same = left.outputs[i] == right.outputs[i];
    if (root.value_type != Node::kNoType && IsFloat(types[root.value_type]) &&
        NanBitsAreFree(rule)) {
      const Type type = types[root.value_type];
      const z3::expr quiet =
          Z3Domain::Constant(TypeBits(type), uint64_t{1} << (type == Type::kF32 ? 22 : 51));
      same = same || (Z3Sem::IsNan(type, left.outputs[i]) && Z3Sem::IsNan(type, right.outputs[i]) &&
                      (right.outputs[i] & quiet) == quiet);
    }
    same_values = same_values && same;
  }
  const z3::expr traps = left.first_trap || left.second_trap;
  solver.add(!(left.first_trap == right.first_trap &&
               (left.first_trap || left.second_trap == right.second_trap) &&
               (traps || same_values)));
  switch (solver.check()) {
    case z3::unsat:
      return "";
    case z3::sat:
      return absl::StrCat("WRONG, for ",
                          absl::StrReplaceAll(solver.get_model().to_string(), {{"\n", " "}}));
    default:
      return absl::StrCat("unknown: ", solver.reason_unknown());
  }
}

// At once, or where that takes long and there are cases, by them. The time is shared by all.
std::string Prove(const Rule& rule, const std::vector<Type>& types,
                  const std::vector<uint8_t>& codes) {
  const std::optional<Split> split = FindSplit(rule);
  if (!split.has_value()) return Solve(rule, types, codes, split, 0, timeout_milliseconds);
  const std::string at_once =
      Solve(rule, types, codes, std::nullopt, 0, std::min(timeout_milliseconds, 1000u));
  if (!absl::StartsWith(at_once, "unknown")) return at_once;
  const std::vector<Variable>& list = split->is_constant ? rule.constants : rule.values;
  const uint32_t width = TypeBits(types[list[split->variable].type]);
  for (uint32_t number = 0; number < width; ++number) {
    const std::string result =
        Solve(rule, types, codes, split, number, std::max(timeout_milliseconds / width, 1000u));
    if (!result.empty()) return absl::StrCat(result, ", case ", number);
  }
  return "";
}

// The instance with all integers narrower by a factor, if nothing in the rule is of a fixed
// width; else empty.
std::vector<Type> Scaled(const Rule& rule, const std::vector<Type>& types, uint32_t factor) {
  for (const Node& node : rule.nodes) {
    if (node.kind == Node::Kind::kLiteral && !node.is_width &&
        (node.is_float || node.literal > 4 || node.literal < -4)) {
      return {};
    }
    // Results that are i32 whatever the operands are, and conditions, are of a fixed width.
    if (node.kind == Node::Kind::kOp && node.value_type != node.type &&
        node.value_type != Node::kNoType) {
      return {};
    }
  }
  std::vector<Type> scaled;
  for (Type type : types) {
    if (!IsInt(type)) return {};
    const std::optional<Type> narrow = IntTypeOfBits(TypeBits(type) / factor);
    if (!narrow.has_value()) return {};
    scaled.push_back(*narrow);
  }
  return scaled;
}

// All values and constants of an instance, if that is no more than 2^20 cases.
bool CheckAll(const Rule& rule, const std::vector<Type>& types, std::string* wrong) {
  uint32_t bits = 0;
  for (const Variable& v : rule.values) bits += TypeBits(types[v.type]);
  for (const Variable& v : rule.constants) bits += TypeBits(types[v.type]);
  if (bits > 20) return false;
  ForEachConditions(rule, [&](const std::vector<uint8_t>& codes) {
    for (uint64_t number = 0; number < uint64_t{1} << bits && wrong->empty(); ++number) {
      uint64_t rest = number;
      Sample sample;
      sample.conditions = codes;
      for (const auto& [list, out] : {std::pair(&rule.values, &sample.values),
                                      std::pair(&rule.constants, &sample.constants)}) {
        for (const Variable& v : *list) {
          out->push_back(BitVector(TypeBits(types[v.type]), rest));
          rest >>= TypeBits(types[v.type]);
        }
      }
      if (Evaluator<ConcreteDomain>(rule, types, sample.values, sample.constants, codes).Guards()) {
        *wrong = CompareSides(rule, types, sample);
      }
    }
  });
  return true;
}

void CheckSamples(const Rule& rule, const std::vector<Type>& types, int count, std::string* wrong) {
  RandomSource random(types.size());
  for (int i = 0; i < count && wrong->empty(); ++i) {
    if (const std::optional<Sample> sample = DrawSample(rule, types, &random)) {
      *wrong = CompareSides(rule, types, *sample);
    } else {
      *wrong = "no constants were found that the guards allow";
    }
  }
}

// What stands in for a proof. "" if nothing is wrong.
std::string CheckConcretely(const Rule& rule, const std::vector<Type>& types) {
  std::string wrong;
  for (const uint32_t factor : {2, 4, 8}) {
    const std::vector<Type> scaled = Scaled(rule, types, factor);
    if (scaled.empty()) continue;
    if (!CheckAll(rule, scaled, &wrong)) CheckSamples(rule, scaled, 2000, &wrong);
  }
  if (!CheckAll(rule, types, &wrong)) CheckSamples(rule, types, 20000, &wrong);
  return wrong;
}

class ProofTest : public testing::Test {
 public:
  explicit ProofTest(const Rule* rule) : rule_(rule) {}

  void TestBody() override {
    for (const std::vector<Type>& types : rule_->instances) CheckInstance(types);
  }

 private:
  void CheckInstance(const std::vector<Type>& types) {
    const std::string name = InstanceName(*rule_, types);
    const bool is_unproven = unproven.contains(name);
    const bool is_slow = slow.contains(rule_->name);
    std::string result = "listed";
    if (IsConcrete(*rule_)) {
      result = "it has functions of given constants only";
    } else if (attempt || (!is_unproven && !is_slow)) {
      result = "";
      ForEachConditions(*rule_, [&](const std::vector<uint8_t>& codes) {
        if (result.empty()) result = Prove(*rule_, types, codes);
      });
    }
    ASSERT_FALSE(absl::StartsWith(result, "WRONG"))
        << rule_->file << ":" << rule_->line << ": " << name << "\n"
        << rule_->text << "\n"
        << result;
    if (result.empty()) {
      EXPECT_FALSE(is_unproven) << name << " is proven; take it out of unproven.txt";
      return;
    }
    const std::string wrong = CheckConcretely(*rule_, types);
    ASSERT_EQ(wrong, "") << rule_->file << ":" << rule_->line << "\n" << rule_->text;
    if (is_slow) {
      EXPECT_FALSE(attempt) << name << " is not proven: " << result;
      return;
    }
    std::cout << "UNPROVEN " << name << "\n";
    EXPECT_TRUE(is_unproven) << name << " is not proven (" << result << ") and not in unproven.txt";
  }

  const Rule* rule_;
};

}  // namespace

int Main(int argc, char** argv) {
  testing::InitGoogleTest(&argc, argv);
  std::vector<std::string> paths;
  std::string list;
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--attempt") {
      attempt = true;
    } else if (absl::StartsWith(arg, "--seconds=")) {
      CHECK(absl::SimpleAtoi(arg.substr(10), &timeout_milliseconds));
      timeout_milliseconds *= 1000;
    } else if (absl::EndsWith(arg, ".txt")) {
      list = arg;
    } else {
      paths.push_back(arg);
    }
  }
  static const std::vector<Rule>* const rules = new std::vector<Rule>(ReadRuleFiles(paths));
  std::ifstream in(list);
  std::string line;
  while (std::getline(in, line)) {
    if (line.empty() || line[0] == '#') continue;
    if (absl::StartsWith(line, "slow ")) {
      slow.insert(line.substr(5));
    } else {
      unproven.insert(line);
    }
  }
  // Every line must name an instance that there is.
  std::set<std::string> instances;
  std::set<std::string> names;
  for (const Rule& rule : *rules) {
    names.insert(rule.name);
    for (const std::vector<Type>& types : rule.instances) {
      instances.insert(InstanceName(rule, types));
    }
    testing::RegisterTest("ProofTest", rule.name.c_str(), nullptr, nullptr, __FILE__, __LINE__,
                          [&rule]() -> ProofTest* { return new ProofTest(&rule); });
  }
  for (const std::string& name : unproven) {
    CHECK(instances.contains(name)) << list << " lists '" << name << "', which is no rule's";
  }
  for (const std::string& name : slow) {
    CHECK(names.contains(name)) << list << " lists '" << name << "', which is no rule";
  }
  std::cout << rules->size() << " rules, " << instances.size() << " instances, " << unproven.size()
            << " unproven, " << slow.size() << " slow\n";
  return RUN_ALL_TESTS();
}

}  // namespace gantry::codegen::rewrite

// Read by ThreadSanitizer, which does not see how Debian's solver, built without it, synchronises
// its timer thread.
extern "C" const char* __tsan_default_suppressions();
extern "C" const char* __tsan_default_suppressions() {
  return "mutex:libz3.so\nrace:libz3.so\ncalled_from_lib:libz3.so\n";
}

int main(int argc, char** argv) { return gantry::codegen::rewrite::Main(argc, argv); }
