#include "codegen/rewrite/rule.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <tuple>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/match.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_split.h"
#include "base/status_macros.h"
#include "codegen/ir/conditions.h"
#include "codegen/rewrite/constant_functions.h"
#include "codegen/rewrite/cost.h"

namespace gantry::codegen::rewrite {
namespace {

constexpr uint32_t kNone = Node::kNoType;
constexpr uint32_t kAllTypesMask = (1u << kNumRuleTypes) - 1;
constexpr uint32_t kIntMask = 0xF;
constexpr uint32_t kFloatMask = 0x30;

uint32_t MaskOf(Type type) {
  for (uint32_t i = 0; i < kNumRuleTypes; ++i) {
    if (kRuleTypes[i] == type) return 1u << i;
  }
  return 0;
}

// ---- Words.

struct Token {
  enum class Kind { kEnd, kPunctuation, kWord, kInteger, kFloat };
  Kind kind = Kind::kEnd;
  std::string text;
};

bool IsWordChar(char c) { return absl::ascii_isalnum(static_cast<unsigned char>(c)) || c == '_'; }

absl::StatusOr<std::vector<Token>> Tokenize(absl::string_view text) {
  std::vector<Token> tokens;
  for (size_t i = 0; i < text.size();) {
    const char c = text[i];
    if (absl::ascii_isspace(static_cast<unsigned char>(c))) {
      ++i;
      continue;
    }
    const size_t begin = i;
    const bool negative = c == '-' && i + 1 < text.size() &&
                          absl::ascii_isdigit(static_cast<unsigned char>(text[i + 1]));
    if (negative || absl::ascii_isdigit(static_cast<unsigned char>(c))) {
      ++i;
      while (i < text.size() && (IsWordChar(text[i]) || text[i] == '.' || text[i] == ':')) ++i;
      const std::string word(text.substr(begin, i - begin));
      const bool is_float = absl::StrContains(word, '.');
      tokens.push_back({is_float ? Token::Kind::kFloat : Token::Kind::kInteger, word});
    } else if (IsWordChar(c)) {
      while (i < text.size() && (IsWordChar(text[i]) || text[i] == '.' || text[i] == ':')) ++i;
      tokens.push_back({Token::Kind::kWord, std::string(text.substr(begin, i - begin))});
    } else if (absl::StartsWith(text.substr(i), "=>")) {
      tokens.push_back({Token::Kind::kPunctuation, "=>"});
      i += 2;
    } else if (absl::StrContains("()[],!=", c)) {
      tokens.push_back({Token::Kind::kPunctuation, std::string(1, c)});
      ++i;
    } else {
      return absl::InvalidArgumentError(
          absl::StrCat("unexpected character '", std::string(1, c), "'"));
    }
  }
  tokens.push_back({});
  return tokens;
}

// "{a,b} {c,d}" is "a c" and "b d".
absl::StatusOr<std::vector<std::string>> ExpandBraces(const std::string& text) {
  size_t count = 0;
  std::vector<std::string> results;
  for (size_t round = 0; round == 0 || round < count; ++round) {
    std::string out;
    for (size_t i = 0; i < text.size(); ++i) {
      if (text[i] != '{') {
        out += text[i];
        continue;
      }
      const size_t end = text.find('}', i);
      if (end == std::string::npos) return absl::InvalidArgumentError("'{' without '}'");
      const std::vector<std::string> parts = absl::StrSplit(text.substr(i + 1, end - i - 1), ',');
      if (count == 0) count = parts.size();
      if (parts.size() != count) {
        return absl::InvalidArgumentError("braces of different numbers of alternatives");
      }
      absl::StrAppend(&out, absl::StripAsciiWhitespace(parts[round]));
      i = end;
    }
    results.push_back(std::move(out));
    if (count == 0) break;
  }
  return results;
}

// ---- One rule.

class RuleParser {
 public:
  RuleParser(Rule rule, std::vector<Token> tokens)
      : rule_(std::move(rule)), tokens_(std::move(tokens)) {}

  absl::StatusOr<Rule> Parse() {
    ASSIGN_OR_RETURN(rule_.left, ParseTerm(Side::kLeft));
    num_left_nodes_ = rule_.nodes.size();
    Node& root = rule_.nodes[rule_.left];
    if (root.kind != Node::Kind::kOp) return Error("the left side is no instruction");
    if (root.one_use) return Error("the root's uses can't be counted");
    if (TakeWord("if")) {
      do RETURN_IF_ERROR(ParseGuard());
      while (Take(","));
    }
    if (!Take("=>")) return Error(absl::StrCat("expected '=>', found '", Now().text, "'"));
    RETURN_IF_ERROR(ParseRight());
    if (Now().kind != Token::Kind::kEnd) {
      return Error(absl::StrCat("'", Now().text, "' behind the rule"));
    }
    RETURN_IF_ERROR(CheckBound());
    RETURN_IF_ERROR(Unified());
    RETURN_IF_ERROR(FindInstances());
    RETURN_IF_ERROR(CheckCost());
    return std::move(rule_);
  }

 private:
  enum class Side { kLeft, kRight };

  absl::Status Error(absl::string_view message) const {
    return absl::InvalidArgumentError(message);
  }

  // ---- Words.
  const Token& Now() const { return tokens_[position_]; }
  bool Take(absl::string_view punctuation) {
    if (Now().kind != Token::Kind::kPunctuation || Now().text != punctuation) return false;
    ++position_;
    return true;
  }
  bool TakeWord(absl::string_view word) {
    if (Now().kind != Token::Kind::kWord || Now().text != word) return false;
    ++position_;
    return true;
  }
  absl::Status Expect(absl::string_view punctuation) {
    if (Take(punctuation)) return absl::OkStatus();
    return Error(absl::StrCat("expected '", punctuation, "', found '", Now().text, "'"));
  }
  absl::StatusOr<std::string> Word() {
    if (Now().kind != Token::Kind::kWord) {
      return Error(absl::StrCat("expected a word, found '", Now().text, "'"));
    }
    return tokens_[position_++].text;
  }

  // ---- Types: a forest of sets, the root of each having what is allowed.
  uint32_t NewType(uint32_t allowed, std::string name = "") {
    rule_.types.push_back({std::move(name), allowed, kNone});
    parents_.push_back(static_cast<uint32_t>(parents_.size()));
    return parents_.back();
  }
  uint32_t ConcreteType(Type type) { return NewType(MaskOf(type)); }
  uint32_t Find(uint32_t type) const {
    while (parents_[type] != type) type = parents_[type];
    return type;
  }
  void Unify(uint32_t a, uint32_t b) {
    a = Find(a);
    b = Find(b);
    if (a == b) return;
    parents_[b] = a;
    TypeTerm& x = rule_.types[a];
    const TypeTerm& y = rule_.types[b];
    x.allowed &= y.allowed;
    if (x.name.empty()) x.name = y.name;
    if (x.half == kNone) x.half = y.half;
  }
  void Restrict(uint32_t type, uint32_t allowed) { rule_.types[Find(type)].allowed &= allowed; }
  uint32_t NamedType(const std::string& name) {
    if (const std::optional<Type> type = TypeFromName(name)) return ConcreteType(*type);
    const auto [it, added] = type_names_.emplace(name, 0);
    if (!added) return it->second;
    if (name[0] == '2') {
      const uint32_t half = NamedType(name.substr(1));
      Restrict(half, kIntMask);
      const uint32_t twice = NewType(kIntMask, name);
      rule_.types[twice].half = half;
      return type_names_[name] = twice;
    }
    return type_names_[name] = NewType(kAllTypesMask, name);
  }

  // ---- Terms.
  uint32_t Add(Node node) {
    rule_.nodes.push_back(std::move(node));
    return static_cast<uint32_t>(rule_.nodes.size() - 1);
  }
  uint32_t TypeOf(uint32_t node) const { return rule_.nodes[node].value_type; }

  absl::StatusOr<uint32_t> ParseTerm(Side side) {
    if (Now().kind == Token::Kind::kInteger || Now().kind == Token::Kind::kFloat) {
      return ParseNumber();
    }
    if (Take("(")) return ParseOp(side, ")", false);
    if (Take("[")) {
      if (side == Side::kRight) return Error("uses are counted on the left side");
      return ParseOp(side, "]", true);
    }
    ASSIGN_OR_RETURN(const std::string word, Word());
    // name=(op ...) names a term; the name stands for the same instruction.
    if (Take("=")) {
      if (side == Side::kRight || named_.contains(word)) {
        return Error(absl::StrCat("terms are named once, on the left side, not ", word));
      }
      ASSIGN_OR_RETURN(const uint32_t term, ParseTerm(side));
      return named_[word] = term;
    }
    if (const auto it = named_.find(word); it != named_.end()) return it->second;
    const std::vector<std::string> parts = absl::StrSplit(word, ':');
    Node node;
    if (parts[0] == "width") {
      node.kind = Node::Kind::kLiteral;
      node.is_width = true;
      node.value_type = parts.size() > 1 ? NamedType(parts[1]) : NewType(kIntMask);
      Restrict(node.value_type, kIntMask);
      return Add(node);
    }
    const bool constant = absl::ascii_isupper(static_cast<unsigned char>(parts[0][0]));
    node.kind = constant ? Node::Kind::kConstant : Node::Kind::kValue;
    std::vector<Variable>& variables = constant ? rule_.constants : rule_.values;
    uint32_t i = 0;
    while (i < variables.size() && variables[i].name != parts[0]) ++i;
    if (i == variables.size()) {
      if (side == Side::kRight) return Error(absl::StrCat(parts[0], " is not on the left side"));
      variables.push_back({parts[0], NewType(kAllTypesMask)});
    }
    node.variable = i;
    node.value_type = variables[i].type;
    if (parts.size() > 1) Unify(node.value_type, NamedType(parts[1]));
    return Add(node);
  }

  absl::StatusOr<uint32_t> ParseNumber() {
    Token token = tokens_[position_++];
    Node node;
    node.kind = Node::Kind::kLiteral;
    node.value_type = NewType(kAllTypesMask);
    if (const size_t colon = token.text.find(':'); colon != std::string::npos) {
      Unify(node.value_type, NamedType(token.text.substr(colon + 1)));
      token.text.resize(colon);
    }
    if (token.kind == Token::Kind::kFloat) {
      double value = 0;
      if (!absl::SimpleAtod(token.text, &value))
        return Error(absl::StrCat("bad number ", token.text));
      node.is_float = true;
      node.literal = std::bit_cast<int64_t>(value);
      Restrict(node.value_type, kFloatMask);
      return Add(node);
    }
    uint64_t bits = 0;
    const bool hexadecimal = absl::StartsWith(token.text, "0x");
    if (hexadecimal ? !absl::SimpleHexAtoi(token.text, &bits)
                    : !absl::SimpleAtoi(token.text, &node.literal)) {
      return Error(absl::StrCat("bad number ", token.text));
    }
    if (hexadecimal) node.literal = static_cast<int64_t>(bits);
    Restrict(node.value_type, kIntMask);
    return Add(node);
  }

  absl::StatusOr<uint32_t> ParseOp(Side side, absl::string_view close, bool one_use) {
    ASSIGN_OR_RETURN(const std::string word, Word());
    std::string name = word;
    std::string annotation;
    uint32_t result = 0;
    if (const size_t colon = name.find(':'); colon != std::string::npos) {
      if (!absl::SimpleAtoi(name.substr(colon + 1), &result) || result > 1) {
        return Error(absl::StrCat("bad result number in ", word));
      }
      name.resize(colon);
    }
    if (const size_t dot = name.find('.'); dot != std::string::npos) {
      annotation = name.substr(dot + 1);
      name.resize(dot);
    }
    if (IsConstantFunction(name)) return ParseFunction(name, side, close);
    const std::optional<Opcode> opcode = OpcodeFromName(name);
    if (!opcode.has_value()) return Error(absl::StrCat("there is no opcode ", name));
    const OpcodeInfo& info = Info(*opcode);
    if (absl::StrContains(info.args, 'v') || absl::StrContains(info.results, 'v')) {
      return Error(absl::StrCat("rules are about scalars, ", name, " is about vectors"));
    }
    const bool is_root = rule_.nodes.empty();
    Node node;
    node.kind = Node::Kind::kOp;
    node.opcode = *opcode;
    node.one_use = one_use;
    node.result = static_cast<uint8_t>(result);
    if (info.types != TypeSet::kNone) {
      uint32_t allowed = 0;
      for (Type type : kRuleTypes) {
        if (Contains(info.types, type)) allowed |= MaskOf(type);
      }
      node.type = !annotation.empty() ? NamedType(annotation)
                  : is_root           ? NamedType("t")
                                      : NewType(kAllTypesMask);
      Restrict(node.type, allowed);
    }
    const uint32_t id = Add(node);
    if (info.format == Format::kIntCompare || info.format == Format::kFloatCompare) {
      ASSIGN_OR_RETURN(rule_.nodes[id].condition,
                       ParseCondition(side, info.format == Format::kFloatCompare));
    }
    for (size_t i = 0; i < info.num_args; ++i) {
      ASSIGN_OR_RETURN(const uint32_t arg, ParseTerm(side));
      rule_.nodes[id].args.push_back(arg);
      ApplyLetter(info.args[i], rule_.nodes[id].type, TypeOf(arg));
    }
    if (HasOffset(*opcode)) {
      ASSIGN_OR_RETURN(const uint32_t offset, ParseTerm(side));
      rule_.nodes[id].offset = offset;
      Restrict(TypeOf(offset), MaskOf(Type::kI64));
    }
    if (info.num_results > result) {
      const char letter = info.results[result];
      rule_.nodes[id].value_type =
          letter == 't' ? rule_.nodes[id].type : ConcreteType(ResultTypeOf(letter, Type::kI32));
    }
    RETURN_IF_ERROR(Expect(close));
    return id;
  }

  // What an operand's letter in opcodes.def says apart from comparisons of widths.
  void ApplyLetter(char letter, uint32_t type, uint32_t arg) {
    switch (letter) {
      case 't':
        Unify(type, arg);
        break;
      case 'i':
        Restrict(arg, MaskOf(Type::kI32));
        break;
      case 'l':
        Restrict(arg, MaskOf(Type::kI64));
        break;
      case 'c':
      case 'j':
        Restrict(arg, MaskOf(Type::kI32) | MaskOf(Type::kI64));
        break;
      case 'n':
      case 'w':
        Restrict(arg, kIntMask);
        break;
      case 'f':
        Restrict(arg, kFloatMask);
        break;
      case 'F':
        Restrict(arg, MaskOf(Type::kF32));
        break;
      case 'D':
        Restrict(arg, MaskOf(Type::kF64));
        break;
      default:
        break;
    }
  }

  absl::StatusOr<uint32_t> ParseFunction(const std::string& name, Side side,
                                         absl::string_view close) {
    Node node;
    node.kind = Node::Kind::kFunction;
    node.function = name;
    node.value_type = NewType(kAllTypesMask);
    const uint32_t id = Add(node);
    while (!Take(close)) {
      ASSIGN_OR_RETURN(const uint32_t arg, ParseTerm(side));
      rule_.nodes[id].args.push_back(arg);
      Unify(rule_.nodes[id].value_type, TypeOf(arg));
    }
    if (rule_.nodes[id].args.size() != 1) return Error(absl::StrCat(name, " takes one constant"));
    return id;
  }

  absl::StatusOr<ConditionTerm> ParseCondition(Side side, bool is_float) {
    ConditionTerm term;
    bool call = false;
    if (Take("(")) {
      call = true;
      ASSIGN_OR_RETURN(const std::string function, Word());
      if (side == Side::kLeft) return Error("a condition of the left side is a name");
      if (function == "inverse") {
        term.inverse = true;
      } else if (function == "swapped") {
        term.swapped = true;
      } else {
        return Error(absl::StrCat("no function of conditions: ", function));
      }
    }
    ASSIGN_OR_RETURN(const std::string name, Word());
    if (call) RETURN_IF_ERROR(Expect(")"));
    if (const std::optional<uint8_t> code = CodeOf(name, is_float)) {
      term.code = *code;
      return term;
    }
    term.is_variable = true;
    ASSIGN_OR_RETURN(term.variable, ConditionVariable(name, side, is_float));
    return term;
  }
  static std::optional<uint8_t> CodeOf(const std::string& name, bool is_float) {
    if (is_float) {
      if (const auto cc = FloatCCFromName(name)) return static_cast<uint8_t>(*cc);
    } else if (const auto cc = IntCCFromName(name)) {
      return static_cast<uint8_t>(*cc);
    }
    return std::nullopt;
  }
  absl::StatusOr<uint32_t> ConditionVariable(const std::string& name, Side side, bool is_float) {
    for (uint32_t i = 0; i < rule_.conditions.size(); ++i) {
      if (rule_.conditions[i] != name) continue;
      if (rule_.condition_is_float[i] != is_float)
        return Error(absl::StrCat(name, " of two kinds"));
      return i;
    }
    if (side == Side::kRight) return Error(absl::StrCat("no condition is called ", name));
    rule_.conditions.push_back(name);
    rule_.condition_is_float.push_back(is_float);
    return static_cast<uint32_t>(rule_.conditions.size() - 1);
  }

  absl::Status ParseGuard() {
    Guard guard;
    guard.negated = Take("!");
    ASSIGN_OR_RETURN(const std::string guard_name, Word());
    RETURN_IF_ERROR(Expect("("));
    const std::optional<GuardKind> kind = GuardFromName(guard_name);
    if (!kind.has_value()) return Error(absl::StrCat("there is no guard ", guard_name));
    guard.kind = *kind;
    const GuardShape shape = ShapeOf(*kind);
    switch (shape) {
      case GuardShape::kConditions: {
        ASSIGN_OR_RETURN(const std::string name, Word());
        for (uint32_t i = 0; i < rule_.conditions.size(); ++i) {
          if (rule_.conditions[i] == name) guard.condition = i;
        }
        while (Take(",")) {
          ASSIGN_OR_RETURN(const std::string code, Word());
          const auto value = CodeOf(code, rule_.condition_is_float[guard.condition]);
          if (!value.has_value()) return Error(absl::StrCat("no condition is called ", code));
          guard.codes.push_back(*value);
        }
        break;
      }
      case GuardShape::kTypes:
        do {
          if (Now().kind == Token::Kind::kInteger) {
            if (!absl::SimpleAtoi(Now().text, &guard.bits)) return Error("bad width");
            ++position_;
          } else {
            ASSIGN_OR_RETURN(const std::string name, Word());
            if (!type_names_.contains(name)) return Error(absl::StrCat("there is no type ", name));
            guard.types.push_back(type_names_[name]);
          }
        } while (Take(","));
        break;
      default:
        do {
          ASSIGN_OR_RETURN(const uint32_t term, ParseTerm(Side::kRight));
          guard.terms.push_back(term);
        } while (Take(","));
        break;
    }
    if (shape == GuardShape::kTwoConstants || shape == GuardShape::kValueAndConstant) {
      if (guard.terms.size() != 2) return Error(absl::StrCat(guard_name, " takes two terms"));
      Unify(TypeOf(guard.terms[0]), TypeOf(guard.terms[1]));
    }
    if (guard.kind == GuardKind::kFitsOffset) Restrict(TypeOf(guard.terms[0]), MaskOf(Type::kI64));
    rule_.guards.push_back(std::move(guard));
    return Expect(")");
  }

  absl::Status ParseRight() {
    const Node root = rule_.nodes[rule_.left];
    const OpcodeInfo& info = Info(root.opcode);
    const size_t count = std::max<size_t>(info.num_results, 1);
    if (count == 2) {
      RETURN_IF_ERROR(Expect("("));
      ASSIGN_OR_RETURN(const std::string word, Word());
      if (word != "pair") return Error("the right side of two results is (pair a b)");
    }
    for (size_t i = 0; i < count; ++i) {
      ASSIGN_OR_RETURN(const uint32_t term, ParseTerm(Side::kRight));
      rule_.right.push_back(term);
      if (info.num_results != 0) {
        const char letter = info.results[i];
        if (TypeOf(term) == kNone) return Error("the right side has no result");
        Unify(TypeOf(term),
              letter == 't' ? root.type : ConcreteType(ResultTypeOf(letter, Type::kI32)));
      } else {
        // What stays in its place and changes its operands.
        const Node& right = rule_.nodes[term];
        if (right.kind != Node::Kind::kOp || Info(right.opcode).format != info.format) {
          return Error("the right side must be of the same format");
        }
      }
    }
    return count == 2 ? Expect(")") : absl::OkStatus();
  }

  // ---- Checks.
  absl::Status CheckBound() {
    std::set<std::pair<bool, uint32_t>> bound;
    const std::function<absl::Status(uint32_t)> walk = [&](uint32_t id) -> absl::Status {
      const Node& node = rule_.nodes[id];
      if (node.kind == Node::Kind::kValue) bound.insert({false, node.variable});
      if (node.kind == Node::Kind::kConstant) bound.insert({true, node.variable});
      if (node.kind == Node::Kind::kFunction) return Error("a function on the left side");
      if (node.kind == Node::Kind::kOp && IsCommutative(node.opcode) &&
          rule_.nodes[node.args[0]].kind != Node::Kind::kOp &&
          rule_.nodes[node.args[0]].kind != Node::Kind::kValue) {
        return Error("constants stand right in what commutes");
      }
      for (uint32_t arg : node.args) RETURN_IF_ERROR(walk(arg));
      if (node.offset != kNone) RETURN_IF_ERROR(walk(node.offset));
      return absl::OkStatus();
    };
    RETURN_IF_ERROR(walk(rule_.left));
    // An instruction on the right that may trap takes the root's codes.
    for (uint32_t right : rule_.right) {
      const std::function<absl::Status(uint32_t)> check = [&](uint32_t id) -> absl::Status {
        const Node& node = rule_.nodes[id];
        if (node.kind == Node::Kind::kOp && !IsConstantTerm(rule_, id) && !IsPure(node.opcode)) {
          const Effects effects = Info(node.opcode).effects;
          const bool traps_too =
              effects == kTraps && (Info(rule_.nodes[rule_.left].opcode).effects & kTraps) != 0;
          if (id != right && !traps_too) {
            return Error("only the right side's root may have an effect");
          }
        }
        for (uint32_t arg : node.args) RETURN_IF_ERROR(check(arg));
        return absl::OkStatus();
      };
      RETURN_IF_ERROR(check(right));
    }
    return absl::OkStatus();
  }

  // Numbers the sets of types anew, and uses the numbers.
  absl::Status Unified() {
    std::vector<uint32_t> number(rule_.types.size(), kNone);
    std::vector<TypeTerm> types;
    std::set<uint32_t> used;
    const auto map = [&](uint32_t& type) {
      if (type == kNone) return;
      const uint32_t root = Find(type);
      if (number[root] == kNone) {
        number[root] = static_cast<uint32_t>(types.size());
        types.push_back(rule_.types[root]);
      }
      type = number[root];
    };
    for (Node& node : rule_.nodes) {
      map(node.type);
      map(node.value_type);
    }
    for (Variable& variable : rule_.values) map(variable.type);
    for (Variable& variable : rule_.constants) map(variable.type);
    for (Guard& guard : rule_.guards) {
      for (uint32_t& type : guard.types) map(type);
    }
    for (size_t i = 0; i < types.size(); ++i) {
      uint32_t half = types[i].half;
      map(half);
      types[i].half = half;
    }
    rule_.types = std::move(types);
    return absl::OkStatus();
  }

  absl::Status FindInstances() {
    std::vector<Type> chosen(rule_.types.size(), Type::kInvalid);
    Choose(0, chosen);
    if (rule_.instances.empty()) return Error("no types fit");
    // The matcher looks at each type alone, at doubled widths and at guards: that has to be
    // enough to know that the right side fits.
    const size_t found = rule_.instances.size();
    std::vector<std::vector<Type>> all = std::move(rule_.instances);
    rule_.instances.clear();
    for (size_t i = 0; i < rule_.types.size(); ++i) {
      rule_.types[i].allowed = 0;
      for (const std::vector<Type>& types : all) rule_.types[i].allowed |= MaskOf(types[i]);
    }
    left_only_ = true;
    Choose(0, chosen);
    left_only_ = false;
    const size_t matched = rule_.instances.size();
    rule_.instances = std::move(all);
    if (matched != found) return Error("the right side asks for types that no guard ensures");
    return absl::OkStatus();
  }
  void Choose(size_t i, std::vector<Type>& chosen) {
    if (i == chosen.size()) {
      if (Fits(chosen)) rule_.instances.push_back(chosen);
      return;
    }
    for (Type type : kRuleTypes) {
      if ((rule_.types[i].allowed & MaskOf(type)) == 0) continue;
      chosen[i] = type;
      Choose(i + 1, chosen);
    }
  }
  bool Fits(const std::vector<Type>& chosen) const {
    for (size_t i = 0; i < chosen.size(); ++i) {
      const uint32_t half = rule_.types[i].half;
      if (half != kNone && TypeBits(chosen[i]) != 2 * TypeBits(chosen[half])) return false;
    }
    for (size_t id = 0; id < rule_.nodes.size(); ++id) {
      const Node& node = rule_.nodes[id];
      if (left_only_ && id >= num_left_nodes_) break;
      if (node.kind == Node::Kind::kLiteral) {
        const Type type = chosen[node.value_type];
        if (node.is_float) continue;
        const uint32_t bits = TypeBits(type);
        if (bits < 64 &&
            (node.literal >= int64_t{1} << bits || node.literal < -(int64_t{1} << (bits - 1)))) {
          return false;
        }
      }
      if (node.kind != Node::Kind::kOp) continue;
      const OpcodeInfo& info = Info(node.opcode);
      const Type type = node.type == kNone ? Type::kInvalid : chosen[node.type];
      if (!Contains(info.types, type)) return false;
      for (size_t k = 0; k < node.args.size(); ++k) {
        if (!LetterAccepts(info.args[k], type, chosen[rule_.nodes[node.args[k]].value_type])) {
          return false;
        }
      }
    }
    for (const Guard& guard : rule_.guards) {
      if (guard.kind == GuardKind::kNarrower &&
          (TypeBits(chosen[guard.types[0]]) < TypeBits(chosen[guard.types[1]])) == guard.negated) {
        return false;
      }
      if (guard.kind == GuardKind::kIsWidth &&
          (TypeBits(chosen[guard.types[0]]) == guard.bits) == guard.negated) {
        return false;
      }
    }
    return true;
  }

  struct Measure {
    uint32_t latency = 0;
    uint32_t weight = 0;
    // How many operands are values from outside, and how deep constants lie, in all.
    uint32_t values = 0;
    uint32_t depth = 0;
  };
  // Comparisons with zero of equality first, then strict ones.
  static uint32_t ConditionWeight(const Node& node) {
    if (node.condition.is_variable) return 0;
    if (Info(node.opcode).format == Format::kFloatCompare) {
      // Of some conditions several flags have to be looked at.
      const FloatCC cc = static_cast<FloatCC>(node.condition.code);
      return cc == FloatCC::kOrdered || cc == FloatCC::kUnordered ? 0
             : cc == FloatCC::kEq || cc == FloatCC::kNe           ? 2
                                                                  : 1;
    }
    if (Info(node.opcode).format != Format::kIntCompare) return 0;
    switch (static_cast<IntCC>(node.condition.code)) {
      case IntCC::kEq:
      case IntCC::kNe:
        return 0;
      case IntCC::kUlt:
      case IntCC::kUgt:
        return 1;
      case IntCC::kSlt:
      case IntCC::kSgt:
        return 2;
      case IntCC::kUge:
      case IntCC::kUle:
        return 3;
      default:
        return 4;
    }
  }
  void Weigh(uint32_t id, uint32_t depth, bool left, std::set<std::string>& seen, Measure& sum) {
    const Node& node = rule_.nodes[id];
    if (IsConstantTerm(rule_, id)) {
      const bool zero = node.kind == Node::Kind::kLiteral && node.literal == 0 && !node.is_width;
      if (!zero) sum.depth += depth;
      return;
    }
    if (node.kind == Node::Kind::kValue) ++sum.values;
    if (node.kind != Node::Kind::kOp) return;
    // The same term twice is one instruction.
    if (!seen.insert(TermText(rule_, id)).second) return;
    if (!left || id == rule_.left || node.one_use) sum.latency += Latency(node.opcode);
    sum.weight += Weight(node.opcode) + ConditionWeight(node);
    for (uint32_t arg : node.args) Weigh(arg, depth + 1, left, seen, sum);
  }
  void CollectPresent(uint32_t id, std::set<std::string>& present) {
    for (uint32_t arg : rule_.nodes[id].args) {
      const Node& node = rule_.nodes[arg];
      if (node.kind == Node::Kind::kOp && !node.one_use) present.insert(TermText(rule_, arg));
      CollectPresent(arg, present);
    }
  }
  absl::Status CheckCost() {
    Measure left;
    Measure right;
    std::set<std::string> seen;
    Weigh(rule_.left, 0, true, seen, left);
    // What the left side has computed is there already, unless that was the only use of it.
    std::set<std::string> present;
    CollectPresent(rule_.left, present);
    for (uint32_t term : rule_.right) Weigh(term, 0, false, present, right);
    Measure alone;
    seen.clear();
    for (uint32_t term : rule_.right) Weigh(term, 0, false, seen, alone);
    right.weight = alone.weight;
    right.values = alone.values;
    right.depth = alone.depth;
    if (right.latency > left.latency) {
      return Error(absl::StrCat("the right side costs ", right.latency, ", the left ", left.latency,
                                " of what has no other use; mark it [so]"));
    }
    const auto order = [](const Measure& m) { return std::tuple(m.weight, m.values, m.depth); };
    if (order(right) >= order(left)) {
      const auto text = [](const Measure& m) {
        return absl::StrCat("weight ", m.weight, ", ", m.values, " values, constants at depth ",
                            m.depth);
      };
      return Error(absl::StrCat("the right side has ", text(right), ", the left ", text(left),
                                ": rewriting might not end"));
    }
    return absl::OkStatus();
  }

  Rule rule_;
  std::vector<Token> tokens_;
  size_t position_ = 0;
  std::vector<uint32_t> parents_;
  std::map<std::string, uint32_t> type_names_;
  std::map<std::string, uint32_t> named_;
  size_t num_left_nodes_ = 0;
  // Whether Fits looks at the left side and guards only.
  bool left_only_ = false;
};

absl::StatusOr<Rule> ParseRule(absl::string_view file, int line, const std::string& text) {
  Rule rule;
  rule.file = std::string(file);
  rule.line = line;
  rule.text = text;
  const size_t colon = text.find(':');
  if (colon == std::string::npos)
    return absl::InvalidArgumentError("a rule begins with its name and ':'");
  rule.name = text.substr(0, colon);
  if (!std::all_of(rule.name.begin(), rule.name.end(), IsWordChar)) {
    return absl::InvalidArgumentError(absl::StrCat("'", rule.name, "' is no name"));
  }
  ASSIGN_OR_RETURN(std::vector<Token> tokens, Tokenize(text.substr(colon + 1)));
  return RuleParser(std::move(rule), std::move(tokens)).Parse();
}

}  // namespace

absl::StatusOr<std::vector<Rule>> ParseRules(absl::string_view file, absl::string_view text) {
  // A line that begins with a space goes on with the rule before it.
  std::vector<std::pair<int, std::string>> pieces;
  int number = 0;
  for (absl::string_view line : absl::StrSplit(text, '\n')) {
    ++number;
    if (const size_t comment = line.find('#'); comment != line.npos) line = line.substr(0, comment);
    line = absl::StripTrailingAsciiWhitespace(line);
    if (line.empty()) continue;
    if (line[0] == ' ' && !pieces.empty()) {
      absl::StrAppend(&pieces.back().second, " ", absl::StripLeadingAsciiWhitespace(line));
    } else {
      pieces.emplace_back(number, line);
    }
  }
  std::vector<Rule> rules;
  std::vector<std::string> errors;
  for (const auto& [line, piece] : pieces) {
    const auto fail = [&, line = line](const absl::Status& status, absl::string_view what) {
      errors.push_back(absl::StrCat(file, ":", line, ": ", status.message(), "\n  ", what));
    };
    const absl::StatusOr<std::vector<std::string>> expanded = ExpandBraces(piece);
    if (!expanded.ok()) {
      fail(expanded.status(), piece);
      continue;
    }
    for (const std::string& one : *expanded) {
      absl::StatusOr<Rule> rule = ParseRule(file, line, one);
      if (rule.ok()) {
        rules.push_back(*std::move(rule));
      } else {
        fail(rule.status(), one);
      }
    }
  }
  if (!errors.empty()) return absl::InvalidArgumentError(absl::StrJoin(errors, "\n"));
  return rules;
}

std::string TermText(const Rule& rule, uint32_t id) {
  const Node& node = rule.nodes[id];
  std::string out =
      absl::StrCat(static_cast<int>(node.kind), ",", node.variable, ",", node.literal, ",",
                   node.is_width, node.function, ",", static_cast<int>(node.opcode), ",");
  if (node.kind == Node::Kind::kOp || node.kind == Node::Kind::kLiteral) {
    absl::StrAppend(&out, node.kind == Node::Kind::kOp ? node.type : node.value_type, ",");
  }
  absl::StrAppend(&out, node.condition.code, node.condition.variable, node.condition.is_variable,
                  node.condition.inverse, node.condition.swapped, "(");
  for (uint32_t arg : node.args) absl::StrAppend(&out, TermText(rule, arg), " ");
  return out + ")";
}

bool IsConstantTerm(const Rule& rule, uint32_t id) {
  const Node& node = rule.nodes[id];
  if (node.kind == Node::Kind::kValue) return false;
  for (uint32_t arg : node.args) {
    if (!IsConstantTerm(rule, arg)) return false;
  }
  return true;
}

}  // namespace gantry::codegen::rewrite
