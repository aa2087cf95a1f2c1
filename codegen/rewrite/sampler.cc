#include "codegen/rewrite/sampler.h"

#include <bit>
#include <fstream>
#include <iterator>
#include <map>
#include <sstream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "codegen/interp/semantics.h"
#include "codegen/ir/builder.h"
#include "codegen/rewrite/evaluate.h"

namespace gantry::codegen::rewrite {
namespace {

using Sem = Semantics<ConcreteDomain>;

BitVector DrawBits(Type type, RandomSource* random) {
  const uint32_t bits = TypeBits(type);
  if (IsFloat(type)) {
    static constexpr double kNumbers[] = {0.0,  -0.0, 1.0,    -1.0,    2.0,   -2.0,        0.5,
                                          -0.5, 3.0,  0.1,    1e30,    -1e9,  4.0,         0.25,
                                          8.0,  -7.5, 1e-310, 1.5e-45, 1e308, 2147483648.0};
    const uint64_t infinity = type == Type::kF32 ? 0x7F800000 : 0x7FF0000000000000;
    switch (random->Below(6)) {
      case 0:
        return BitVector(bits, infinity | (random->Chance(1, 2) ? uint64_t{1} << (bits - 1) : 0));
      case 1:  // A NaN, perhaps a signalling one.
        return BitVector(bits, infinity | 1 | random->Bits64());
      case 2:
        return BitVector(bits, random->Bits64());
      default: {
        const double number = kNumbers[random->Below(std::size(kNumbers))];
        return type == Type::kF32
                   ? BitVector(32, std::bit_cast<uint32_t>(static_cast<float>(number)))
                   : BitVector(64, std::bit_cast<uint64_t>(number));
      }
    }
  }
  const uint64_t bit = uint64_t{1} << random->Below(bits);
  switch (random->Below(9)) {
    case 0:
      return BitVector(bits, random->Below(5));
    case 1:
      return BitVector(bits, ~uint64_t{random->Below(4)});
    case 2:
      return BitVector(bits, bit);
    case 3:
      return BitVector(bits, bit - 1);
    case 4:
      return BitVector(bits, ~(bit - 1));
    case 5:  // Ones in a run.
      return BitVector(bits, ((uint64_t{1} << random->Below(bits)) - 1) << random->Below(bits));
    case 6:  // An amount of a shift.
      return BitVector(bits, random->Below(bits));
    case 7:
      return BitVector(bits, random->Bits64() >> random->Below(64));
    default:
      return BitVector(bits, random->Bits64());
  }
}

// Both of a term that is evaluated with values that do not matter.
BitVector EvaluateConstant(const Rule& rule, const std::vector<Type>& types, const Sample& sample,
                           uint32_t term) {
  return Evaluator<ConcreteDomain>(rule, types, sample.values, sample.constants, sample.conditions)
      .Term(term);
}

}  // namespace

std::optional<Sample> DrawSample(const Rule& rule, const std::vector<Type>& types,
                                 RandomSource* random) {
  for (int attempt = 0; attempt < 3000; ++attempt) {
    Sample sample;
    for (const Variable& value : rule.values) {
      sample.values.push_back(DrawBits(types[value.type], random));
    }
    for (const Variable& constant : rule.constants) {
      sample.constants.push_back(DrawBits(types[constant.type], random));
    }
    for (size_t i = 0; i < rule.conditions.size(); ++i) {
      sample.conditions.push_back(static_cast<uint8_t>(
          random->Below(rule.condition_is_float[i] ? kNumFloatCCs : kNumIntCCs)));
    }
    for (const Guard& guard : rule.guards) {
      if (guard.negated) continue;
      if (guard.kind == GuardKind::kCcIn) {
        sample.conditions[guard.condition] = guard.codes[random->Below(guard.codes.size())];
      } else if (guard.kind == GuardKind::kFitsOffset) {
        // Accesses: small offsets, so that sums fit now and then.
        for (BitVector& c : sample.constants) {
          if (c.width() == 64 && random->Chance(3, 4)) {
            c = BitVector(64, static_cast<uint64_t>(int64_t{random->Below(4096)} - 2048));
          }
        }
      }
    }
    // What is said to be equal to something is made so.
    for (const Guard& guard : rule.guards) {
      if (guard.negated || guard.kind != GuardKind::kEq) continue;
      const Node& first = rule.nodes[guard.terms[0]];
      if (first.kind == Node::Kind::kConstant) {
        sample.constants[first.variable] = EvaluateConstant(rule, types, sample, guard.terms[1]);
      }
    }
    for (const Guard& guard : rule.guards) {
      if (guard.negated) continue;
      const bool zero = guard.kind == GuardKind::kZero;
      if (!zero && guard.kind != GuardKind::kArithmetic) continue;
      const Node& node = rule.nodes[guard.terms[0]];
      BitVector& value = sample.values[node.variable];
      if (zero) {
        const BitVector mask = EvaluateConstant(rule, types, sample, guard.terms[1]);
        value = BitVector(value.width(), value.word() & ~mask.word());
      } else if (Sem::IsNan(types[node.value_type], value)) {
        value = Sem::CanonicalNan(types[node.value_type]);
      }
    }
    Evaluator<ConcreteDomain> evaluator(rule, types, sample.values, sample.constants,
                                        sample.conditions);
    if (evaluator.Guards()) return sample;
  }
  return std::nullopt;
}

bool NanBitsAreFree(const Rule& rule) {
  const Node* node = &rule.nodes[rule.left];
  while (node->kind == Node::Kind::kOp && node->opcode == Opcode::kFneg) {
    node = &rule.nodes[node->args[0]];
  }
  if (node->kind != Node::Kind::kOp) return false;
  // Of which width matters not.
  return IsFloat(NansMadeBy(node->opcode, Type::kF64));
}

std::string CompareSides(const Rule& rule, const std::vector<Type>& types, const Sample& sample) {
  const auto evaluator = [&] {
    return Evaluator<ConcreteDomain>(rule, types, sample.values, sample.constants,
                                     sample.conditions);
  };
  const Evaluation<ConcreteDomain> left = evaluator().Left();
  const Evaluation<ConcreteDomain> right = evaluator().Right();
  const uint32_t type_id = rule.nodes[rule.left].value_type;
  const Type type = type_id == Node::kNoType ? Type::kInvalid : types[type_id];
  bool same = left.first_trap == right.first_trap &&
              (left.first_trap || left.second_trap == right.second_trap);
  if (same && !left.first_trap && !left.second_trap) {
    for (size_t i = 0; i < left.outputs.size(); ++i) {
      if (left.outputs[i] == right.outputs[i]) continue;
      const bool free = IsFloat(type) && NanBitsAreFree(rule) &&
                        Sem::IsNan(type, left.outputs[i]) && Sem::IsNan(type, right.outputs[i]) &&
                        (right.outputs[i].low() >> (type == Type::kF32 ? 22 : 51) & 1) != 0;
      same &= free;
    }
  }
  if (same) return "";
  std::ostringstream out;
  out << rule.name << ":";
  for (Type t : types) out << " " << t;
  out << ", values";
  for (const BitVector& x : sample.values) out << " " << x;
  out << ", constants";
  for (const BitVector& x : sample.constants) out << " " << x;
  out << ", conditions";
  for (uint8_t code : sample.conditions) out << " " << int{code};
  for (const auto& [name, side] : {std::pair("left", &left), std::pair("right", &right)}) {
    out << "; " << name;
    for (const BitVector& x : side->outputs) out << " " << x;
    if (side->first_trap) out << " first trap";
    if (side->second_trap) out << " second trap";
  }
  return out.str();
}

std::vector<Rule> ReadRuleFiles(const std::vector<std::string>& paths) {
  std::vector<Rule> rules;
  for (const std::string& path : paths) {
    std::ifstream in(path);
    CHECK(in.good()) << path;
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    absl::StatusOr<std::vector<Rule>> read = ParseRules(path, text);
    CHECK_OK(read.status());
    for (Rule& rule : *read) rules.push_back(std::move(rule));
  }
  return rules;
}

namespace {

// Builds the left side's instructions.
class ExampleBuilder {
 public:
  ExampleBuilder(const Rule& rule, const std::vector<Type>& types, const Sample& sample,
                 Function* func)
      : rule_(rule), types_(types), sample_(sample), func_(func), builder_(func) {}

  void Build() {
    for (const Variable& value : rule_.values) AddParameter(types_[value.type]);
    const Node& root = rule_.nodes[rule_.left];
    const bool is_store = Info(root.opcode).format == Format::kStore;
    for (size_t i = 0; i < Info(root.opcode).num_results; ++i) {
      const char letter = Info(root.opcode).results[i];
      func_->signature.returns.push_back(
          {ResultTypeOf(letter, root.type == Node::kNoType ? Type::kI32 : types_[root.type])});
    }
    if (Info(root.opcode).format == Format::kBranch)
      func_->signature.returns.push_back({Type::kI32});
    // A float that must not be a signalling NaN is made a sum of two parameters; a number with
    // zeros that have to be known, two masked ones together.
    for (const Guard& guard : rule_.guards) {
      if (guard.negated) continue;
      if (guard.kind != GuardKind::kArithmetic && guard.kind != GuardKind::kZero) continue;
      AddParameter(types_[rule_.nodes[guard.terms[0]].value_type]);
    }
    const Block entry = builder_.MakeEntryBlock();
    size_t next = 0;
    for (size_t i = 0; i < rule_.values.size(); ++i) {
      values_.push_back(func_->dfg.block_params(entry)[next++]);
    }
    for (const Guard& guard : rule_.guards) {
      if (guard.negated) continue;
      if (guard.kind == GuardKind::kArithmetic) {
        const uint32_t variable = rule_.nodes[guard.terms[0]].variable;
        values_[variable] =
            builder_.Fadd(values_[variable], func_->dfg.block_params(entry)[next++]);
      } else if (guard.kind == GuardKind::kZero) {
        const uint32_t variable = rule_.nodes[guard.terms[0]].variable;
        const Type type = types_[rule_.nodes[guard.terms[0]].value_type];
        const BitVector mask = Evaluator<ConcreteDomain>(rule_, types_, sample_.values,
                                                         sample_.constants, sample_.conditions)
                                   .Term(guard.terms[1]);
        const Value keep =
            builder_.Iconst(type, static_cast<int64_t>(~mask.low() & TypeMask(type)));
        values_[variable] =
            builder_.Bor(builder_.Band(values_[variable], keep),
                         builder_.Band(func_->dfg.block_params(entry)[next++], keep));
      }
    }
    const Inst made = Term(rule_.left);
    Finish(made, is_store);
  }

 private:
  void AddParameter(Type type) { func_->signature.params.push_back({type}); }

  void Finish(Inst made, bool is_store) {
    if (is_store) {
      builder_.Return({});
      return;
    }
    if (func_->dfg.opcode(made) == Opcode::kBrif) {
      const Block blocks[] = {builder_.MakeBlock(), builder_.MakeBlock()};
      InstData& data = func_->dfg.mutable_inst(made);
      for (size_t i = 0; i < 2; ++i) data.set_block_call(i, {blocks[i], {}});
      for (int i = 0; i < 2; ++i) {
        builder_.Begin(blocks[i]);
        builder_.Return({builder_.I32(i + 1)});
      }
      return;
    }
    std::vector<Value> results;
    for (Value v : func_->dfg.results(made)) results.push_back(v);
    builder_.Return(results);
  }

  // A term that stands in several places is one instruction.
  Inst Term(uint32_t id) {
    const auto it = made_.find(id);
    return it != made_.end() ? it->second : made_[id] = Make(id);
  }
  Inst Make(uint32_t id) {
    const Node& node = rule_.nodes[id];
    std::vector<Value> args;
    for (uint32_t arg : node.args) args.push_back(ValueOf(arg));
    uint16_t immediate = 0;
    const OpcodeInfo& info = Info(node.opcode);
    if (info.format == Format::kIntCompare || info.format == Format::kFloatCompare) {
      immediate = node.condition.is_variable ? sample_.conditions[node.condition.variable]
                                             : node.condition.code;
    } else if ((info.effects & kTraps) != 0) {
      const bool two =
          info.format == Format::kSignedDivision || info.format == Format::kTrappingConvert;
      immediate = InstData::PackTrapCodes(TrapCode{1}, TrapCode{static_cast<uint8_t>(two ? 2 : 0)});
    }
    InstData data(node.opcode, node.type == Node::kNoType ? Type::kInvalid : types_[node.type],
                  immediate);
    for (size_t i = 0; i < args.size(); ++i) data.set_arg(i, args[i]);
    if (node.offset != Node::kNoType) {
      const BitVector offset = sample_.constants[rule_.nodes[node.offset].variable];
      data.set_flags(MemFlags::Trapping(TrapCode{1}));
      data.set_offset(static_cast<int32_t>(offset.low()));
    }
    return builder_.Insert(data);
  }
  Value ValueOf(uint32_t id) {
    const Node& node = rule_.nodes[id];
    switch (node.kind) {
      case Node::Kind::kValue:
        return values_[node.variable];
      case Node::Kind::kConstant:
        return Constant(types_[node.value_type], sample_.constants[node.variable].low());
      case Node::Kind::kLiteral:
        return Constant(types_[node.value_type], LiteralBits(node, types_[node.value_type]));
      default:
        return func_->dfg.result(Term(id), node.result);
    }
  }
  Value Constant(Type type, uint64_t bits) {
    if (type == Type::kF32) return builder_.F32const(static_cast<uint32_t>(bits));
    if (type == Type::kF64) return builder_.F64const(bits);
    return builder_.Iconst(type, static_cast<int64_t>(bits));
  }

  const Rule& rule_;
  const std::vector<Type>& types_;
  const Sample& sample_;
  Function* func_;
  InstBuilder builder_;
  std::vector<Value> values_;
  std::map<uint32_t, Inst> made_;
};

}  // namespace

Function MakeExample(const Rule& rule, const std::vector<Type>& types, const Sample& sample,
                     absl::string_view name) {
  Function func;
  func.params.name.text = std::string(name);
  ExampleBuilder(rule, types, sample, &func).Build();
  return func;
}

}  // namespace gantry::codegen::rewrite
