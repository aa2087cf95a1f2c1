#include "codegen/rewrite/rewriter.h"

#include <bit>
#include <initializer_list>
#include <iterator>

#include "codegen/interp/semantics.h"
#include "codegen/rewrite/constant_functions.h"
#include "codegen/rewrite/known_bits.h"

namespace gantry::codegen::rewrite {

// What the generated matcher is written in. One object per instruction looked at.
class RewriteContext {
 public:
  RewriteContext(Rewriter* rewriter, Inst inst)
      : rewriter_(rewriter),
        func_(rewriter->func_),
        dfg_(&rewriter->func_->dfg),
        inst_(inst),
        root_immediate_(dfg_->inst(inst).immediate()) {
    rewriter_->first_new_ = inst;
  }

  bool Dispatch(Opcode opcode);
  bool replaced() const { return replaced_; }

 private:
  using Sem = Semantics<ConcreteDomain>;

#define GANTRY_REWRITE_DECLARATIONS
#include "codegen/rewrite/matcher.inc"
#undef GANTRY_REWRITE_DECLARATIONS

  // ---- Looking.
  const InstData& Root() const { return dfg_->inst(inst_); }
  // What defines a value; a parameter is defined by something that no rule names.
  const InstData& Definition(Value value) const {
    const ValueDef& def = dfg_->value_def(value);
    return def.is_result() ? dfg_->inst(def.inst()) : rewriter_->parameter_;
  }
  Type TypeOf(Value value) const { return dfg_->value_type(value); }
  uint32_t PositionOf(Value value) const { return dfg_->value_def(value).position(); }
  bool HasOneUse(Value value) const { return rewriter_->uses_[value.index()] <= 1; }
  [[gnu::noinline]] bool IsZero(Value value, const BitVector& bits) const {
    return (bits.low() & ~KnownZeros(*dfg_, value)) == 0;
  }
  static bool IsConstant(const InstData& data) {
    return data.format() == Format::kIntConst || data.format() == Format::kF32Const ||
           data.format() == Format::kF64Const;
  }
  static bool TypeIn(Type type, uint32_t set) {
    const uint32_t bit = IsInt(type)          ? static_cast<uint32_t>(type) - 1
                         : type == Type::kF32 ? 4
                         : type == Type::kF64 ? 5
                                              : 31;
    return (set >> bit & 1) != 0;
  }
  static BitVector BitsOf(const InstData& data) {
    return BitVector(TypeBits(data.type()), data.const_bits());
  }
  static BitVector OffsetOf(const InstData& data) {
    return BitVector(64, static_cast<uint64_t>(int64_t{data.offset()}));
  }
  static uint64_t FloatBits(Type type, uint64_t bits) {
    return type == Type::kF32
               ? std::bit_cast<uint32_t>(static_cast<float>(std::bit_cast<double>(bits)))
               : bits;
  }
  [[gnu::noinline]] static bool Guard(GuardKind guard, const BitVector& x, const BitVector& y) {
    return EvaluateGuard<ConcreteDomain>(guard, x, y);
  }
  // Being cold, this makes the compiler put what follows it out of the way of matching.
  [[gnu::noinline, gnu::cold]] void Fire(size_t rule) { ++rewriter_->counts_[rule]; }

  // ---- Making.
  void Use(Value value) { ++rewriter_->uses_[value.index()]; }
  // One use less. What then has none is dead, and uses its operands no more.
  [[gnu::noinline]] void Release(Value value) {
    Value queue[8] = {value};
    for (size_t count = 1; count > 0;) {
      const Value now = queue[--count];
      uint32_t& uses = rewriter_->uses_[now.index()];
      if (uses == 0 || --uses != 0) continue;
      const Inst inst = dfg_->defining_inst(now);
      if (inst.is_none() || !IsPure(dfg_->opcode(inst)) || dfg_->num_results(inst) != 1) continue;
      for (Value arg : dfg_->inst(inst).args()) {
        if (count < std::size(queue)) queue[count++] = arg;
      }
    }
  }
  [[gnu::noinline]] Value Insert(const InstData& data, size_t result = 0) {
    const Inst made = dfg_->MakeInst(data);
    func_->layout.InsertBefore(made, inst_);
    const uint32_t loc = func_->relative_locs.Get(inst_);
    if (loc != FunctionStencil::kNoLoc) func_->relative_locs[made] = loc;
    if (rewriter_->first_new_ == inst_) rewriter_->first_new_ = made;
    rewriter_->uses_.resize(dfg_->num_values(), 0);
    for (Value v : data.args()) Use(v);
    return dfg_->result(made, result);
  }
  [[gnu::noinline]] Value Emit(Opcode opcode, Type type, uint16_t immediate,
                               std::initializer_list<Value> args, size_t result = 0) {
    return Insert(Make(opcode, type, immediate, args), result);
  }
  static InstData Make(Opcode opcode, Type type, uint16_t immediate,
                       std::initializer_list<Value> args) {
    InstData data(opcode, type, immediate);
    size_t i = 0;
    for (Value v : args) data.set_arg(i++, v);
    return data;
  }
  static InstData MakeConstant(Type type, const BitVector& bits) {
    const Opcode opcode = type == Type::kF32   ? Opcode::kF32const
                          : type == Type::kF64 ? Opcode::kF64const
                                               : Opcode::kIconst;
    InstData data(opcode, type);
    data.set_const_bits(bits.low());
    return data;
  }
  [[gnu::noinline]] Value Constant(Type type, const BitVector& bits) {
    return Insert(MakeConstant(type, bits));
  }
  // The root's trap codes for an instruction of another number of them. Where the root has one
  // and the instruction two, the second trap can't happen.
  uint16_t TrapCodes(Opcode opcode) const {
    const uint16_t first = root_immediate_ & 0xFF;
    const bool two = Info(opcode).format == Format::kSignedDivision ||
                     Info(opcode).format == Format::kTrappingConvert;
    if (!two) return first;
    const uint16_t second = root_immediate_ >> 8;
    return static_cast<uint16_t>(first | (second != 0 ? second : first) << 8);
  }

  // The root becomes another instruction of the same result.
  [[gnu::noinline]] void Become(Opcode opcode, Type type, uint16_t immediate,
                                std::initializer_list<Value> args) {
    BecomeInst(Make(opcode, type, immediate, args));
  }
  [[gnu::noinline]] void BecomeConstant(Type type, const BitVector& bits) {
    BecomeInst(MakeConstant(type, bits));
  }
  void BecomeInst(const InstData& data) {
    for (Value v : data.args()) Use(v);
    const InstData old = dfg_->inst(inst_);
    dfg_->ReplaceInst(inst_, data);
    for (Value v : old.args()) Release(v);
  }
  // The root gets other operands, and an access another offset; what else it has stays.
  [[gnu::noinline]] void BecomeInPlace(Opcode opcode, Type type, std::initializer_list<Value> args,
                                       const BitVector* offset) {
    const InstData old = dfg_->inst(inst_);
    InstData data(opcode, type, old.immediate());
    for (size_t i = 0; i < InstData::kWords; ++i) data.set_word(i, old.word(i));
    size_t i = 0;
    for (Value v : args) data.set_arg(i++, v);
    if (offset != nullptr) data.set_offset(static_cast<int32_t>(offset->low()));
    for (Value v : args) Use(v);
    dfg_->mutable_inst(inst_) = data;
    for (Value v : old.args()) Release(v);
  }
  void BecomeValue(Value value) { BecomeValues({value}); }
  void BecomePair(Value first, Value second) { BecomeValues({first, second}); }
  [[gnu::noinline]] void BecomeValues(std::initializer_list<Value> values) {
    size_t i = 0;
    for (Value v : values) {
      const Value result = dfg_->result(inst_, i++);
      dfg_->ChangeToAlias(result, v);
      rewriter_->uses_[v.index()] += rewriter_->uses_[result.index()];
    }
    for (Value v : dfg_->inst(inst_).args()) Release(v);
    func_->layout.Remove(inst_);
    replaced_ = true;
  }

  Rewriter* rewriter_;
  Function* func_;
  DataFlowGraph* dfg_;
  Inst inst_;
  uint16_t root_immediate_;
  bool replaced_ = false;
};

#include "codegen/rewrite/matcher.inc"

size_t NumRules() { return std::size(kRuleNames); }
absl::string_view RuleName(size_t number) { return kRuleNames[number]; }

void Rewriter::Start(Function* func) {
  func_ = func;
  counts_.resize(NumRules(), 0);
  uses_.assign(func->dfg.num_values(), 0);
  for (Block block : func->layout.blocks()) {
    for (Inst inst : func->layout.insts(block)) {
      func->dfg.ForEachArg(inst, [&](Value v) { ++uses_[v.index()]; });
    }
  }
}

bool Rewriter::Canonicalize(Inst inst) {
  DataFlowGraph& dfg = func_->dfg;
  InstData& data = dfg.mutable_inst(inst);
  const Format format = data.format();
  const bool int_compare = format == Format::kIntCompare;
  const bool float_compare = format == Format::kFloatCompare;
  if (!IsCommutative(data.opcode()) && !int_compare && !float_compare) return false;
  // Constants last, before them parameters, before them results by their opcode.
  constexpr uint32_t kConstant = kNumOpcodes + 1;
  const auto order_of = [&](Value v) {
    const Inst def = dfg.defining_inst(v);
    if (def.is_none()) return static_cast<uint32_t>(kNumOpcodes);
    const InstData& made = dfg.inst(def);
    const Format f = made.format();
    return f == Format::kIntConst || f == Format::kF32Const || f == Format::kF64Const ||
                   f == Format::kV128Const
               ? kConstant
               : static_cast<uint32_t>(made.opcode());
  };
  const Value first = data.arg(0);
  const Value second = data.arg(1);
  const uint32_t left = order_of(first);
  const uint32_t right = order_of(second);
  // Orders of two values keep their sense: it is as good as the other.
  const bool any_order =
      (!int_compare && !float_compare) ||
      (int_compare && (data.int_cc() == IntCC::kEq || data.int_cc() == IntCC::kNe));
  const bool swap = any_order ? left > right || (left == right && second < first)
                              : left == kConstant && right != kConstant;
  if (!swap) return false;
  data.set_arg(0, second);
  data.set_arg(1, first);
  if (int_compare) data.set_immediate(static_cast<uint16_t>(Swapped(data.int_cc())));
  if (float_compare) data.set_immediate(static_cast<uint16_t>(Swapped(data.float_cc())));
  return true;
}

Rewriter::Result Rewriter::Rewrite(Inst inst) {
  const DataFlowGraph& dfg = func_->dfg;
  // References are tracked by the values that are marked; they stay what they are.
  const Opcode opcode = dfg.opcode(inst);
  if (!kHasRules[static_cast<size_t>(opcode)]) return Result::kNone;
  for (Value v : dfg.results(inst)) {
    if (dfg.IsReference(v)) return Result::kNone;
  }
  RewriteContext context(this, inst);
  if (!context.Dispatch(opcode)) return Result::kNone;
  return context.replaced() ? Result::kReplaced : Result::kChanged;
}

}  // namespace gantry::codegen::rewrite
