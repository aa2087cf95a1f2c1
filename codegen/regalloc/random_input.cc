#include "codegen/regalloc/random_input.h"

#include <algorithm>
#include <random>
#include <utility>
#include <vector>

namespace gantry::codegen::regalloc {
namespace {

constexpr RegClass kInt = RegClass::kInt;
constexpr RegClass kVector = RegClass::kVector;

class RandomBuilder {
 public:
  RandomBuilder(uint64_t seed, const MachineEnv& env, const RandomOptions& options,
                InputBuilder* out)
      : random_(seed), env_(env), options_(options), out_(out) {
    for (RegClass reg_class : kRegClasses) {
      std::vector<PReg>& regs = regs_[static_cast<size_t>(reg_class)];
      regs = env[reg_class].preferred;
      regs.insert(regs.end(), env[reg_class].non_preferred.begin(),
                  env[reg_class].non_preferred.end());
    }
  }

  void Run() {
    MakeGraph();
    FindDominators();
    MakeParams();
    for (uint32_t b = 0; b < count_; ++b) FillBlock(b);
    MakeEdges();
    if (Chance(64)) AddDebugValues();
    std::vector<BlockId> order;
    for (uint32_t b = 0; b < count_; ++b) order.push_back(BlockId(b));
    if (options_.shuffle_blocks) std::shuffle(order.begin() + 1, order.end(), random_);
    out_->Finish(order);
  }

 private:
  bool Chance(uint32_t in_256) { return random_() % 256 < in_256; }
  uint32_t Below(size_t bound) { return static_cast<uint32_t>(random_() % bound); }
  RegClass RandomClass() { return Chance(176) ? kInt : kVector; }

  // Forward edges make every block reachable; back edges go anywhere but to the entry, so that
  // the graph may be irreducible.
  void MakeGraph() {
    count_ = 1 + Below(options_.max_blocks);
    succs_.resize(count_);
    for (uint32_t b = 1; b < count_; ++b) {
      const uint32_t from = Chance(160) ? b - 1 : Below(b);
      succs_[from].push_back(b);
    }
    for (uint32_t b = 0; b + 1 < count_; ++b) {
      while (Chance(64)) succs_[b].push_back(b + 1 + Below(count_ - b - 1));
    }
    for (uint32_t b = 1; b < count_; ++b) {
      if (Chance(options_.back_edge_chance)) succs_[b].push_back(1 + Below(b));
    }
    std::vector<uint16_t> depth(count_, 0);
    for (uint32_t b = 1; b < count_; ++b) {
      for (uint32_t target : succs_[b]) {
        for (uint32_t inside = target; inside <= b; ++inside) ++depth[inside];
      }
    }
    for (uint32_t b = 0; b < count_; ++b) out_->AddBlock(depth[b], b > 0 && Chance(24));
    defines_at_end_.assign(count_, false);
    // A terminator may define values if all its targets have it as only predecessor; edges that
    // are split later do too.
    for (uint32_t b = 0; b < count_; ++b) {
      defines_at_end_[b] = !succs_[b].empty() && Chance(64);
    }
  }

  void FindDominators() {
    std::vector<std::vector<uint32_t>> preds(count_);
    for (uint32_t b = 0; b < count_; ++b) {
      for (uint32_t target : succs_[b]) preds[target].push_back(b);
    }
    // dominates_[b]: the set of blocks that dominate b, as flags.
    dominators_.assign(count_, std::vector<bool>(count_, true));
    dominators_[0].assign(count_, false);
    dominators_[0][0] = true;
    for (bool changed = true; changed;) {
      changed = false;
      for (uint32_t b = 1; b < count_; ++b) {
        std::vector<bool> set(count_, true);
        for (uint32_t pred : preds[b]) {
          for (uint32_t d = 0; d < count_; ++d) set[d] = set[d] && dominators_[pred][d];
        }
        set[b] = true;
        if (set != dominators_[b]) {
          dominators_[b] = set;
          changed = true;
        }
      }
    }
    has_preds_.resize(count_);
    for (uint32_t b = 0; b < count_; ++b) has_preds_[b] = !preds[b].empty();
  }

  VReg NewValue(RegClass reg_class, bool is_reference) {
    const VReg reg = out_->NewVReg(reg_class);
    if (is_reference) {
      out_->MarkReference(reg);
      references_.push_back(reg);
    }
    return reg;
  }
  bool IsReference(VReg reg) const {
    return std::find(references_.begin(), references_.end(), reg) != references_.end();
  }

  void MakeParams() {
    params_.resize(count_);
    defined_.resize(count_);
    for (uint32_t b = 1; b < count_; ++b) {
      if (!has_preds_[b]) continue;
      while (Chance(120) && params_[b].size() < 8) {
        const RegClass reg_class = RandomClass();
        const VReg param =
            NewValue(reg_class, reg_class == kInt && Chance(options_.reference_chance));
        params_[b].push_back(param);
        defined_[b].push_back(param);
        out_->AddParam(BlockId(b), param);
      }
    }
    // One value of each kind is always there.
    for (RegClass reg_class : kRegClasses) {
      const VReg reg = NewValue(reg_class, false);
      defined_[0].push_back(reg);
      out_->Append(BlockId(0), {Operand::Def(reg)}, kRematerializable);
    }
    const VReg reference = NewValue(kInt, true);
    defined_[0].push_back(reference);
    out_->Append(BlockId(0), {Operand::Def(reference)});
  }

  // Some value of the class that is defined when block b has been filled so far.
  VReg RandomValue(uint32_t b, RegClass reg_class, bool is_reference) {
    std::vector<VReg> choices;
    for (uint32_t d = 0; d < count_; ++d) {
      if (!dominators_[b][d]) continue;
      for (VReg reg : defined_[d]) {
        if (reg.reg_class() == reg_class && IsReference(reg) == is_reference) {
          choices.push_back(reg);
        }
      }
    }
    // Recent ones more often, old ones often enough for long live ranges.
    const size_t n = choices.size();
    if (Chance(128) && n > 4) return choices[n - 1 - Below(4)];
    return choices[Below(n)];
  }
  VReg AnyValue(uint32_t b, RegClass reg_class) {
    return RandomValue(b, reg_class, reg_class == kInt && Chance(options_.reference_chance));
  }

  void FillBlock(uint32_t b) {
    const uint32_t insts = Below(options_.max_insts_per_block + 1);
    for (uint32_t i = 0; i < insts; ++i) {
      if (Chance(options_.call_chance)) {
        AddCall(b, kNoFlags);
      } else if (Chance(24)) {
        AddMove(b);
      } else if (Chance(24)) {
        const RegClass reg_class = RandomClass();
        const VReg reg = NewValue(reg_class, false);
        out_->Append(BlockId(b), {Operand::Def(reg)}, kRematerializable);
        defined_[b].push_back(reg);
      } else {
        AddPlain(b, kNoFlags);
      }
    }
    AddTerminator(b);
  }

  void AddMove(uint32_t b) {
    const RegClass reg_class = RandomClass();
    const VReg from = AnyValue(b, reg_class);
    const VReg to = NewValue(reg_class, IsReference(from));
    out_->Append(BlockId(b),
                 {Operand::Use(from, Constraint::kAny), Operand::Def(to, Constraint::kAny)}, kMove);
    defined_[b].push_back(to);
  }

  // Registers for fixed operands of one instruction, each given once.
  PReg TakeFixed(RegClass reg_class, PRegSet* taken) {
    const std::vector<PReg>& regs = regs_[static_cast<size_t>(reg_class)];
    for (int tries = 0; tries < 8; ++tries) {
      const PReg reg = regs[Below(regs.size())];
      if (taken->contains(reg)) continue;
      taken->insert(reg);
      return reg;
    }
    return PReg::None();
  }

  // At most three register uses of a class, one late use or temporary, two definitions.
  void AddPlain(uint32_t b, uint8_t flags) {
    std::vector<Operand> operands;
    PRegSet fixed_uses;
    PRegSet fixed_defs;
    uint32_t uses_of_class[kNumRegClasses] = {0, 0};
    const uint32_t uses = Below(4);
    const bool commutative = uses >= 2 && Chance(64);
    RegClass commutative_class = RandomClass();
    for (uint32_t k = 0; k < uses; ++k) {
      const RegClass reg_class = commutative && k < 2 ? commutative_class : RandomClass();
      const VReg reg = AnyValue(b, reg_class);
      Constraint constraint = Constraint::kReg;
      if (Chance(64)) constraint = Constraint::kAny;
      if (Chance(8)) constraint = Constraint::kStack;
      if (commutative && k == 0) constraint = Constraint::kReg;
      ++uses_of_class[static_cast<size_t>(reg_class)];
      if (!(commutative && k < 2) && Chance(options_.fixed_chance)) {
        const PReg fixed = TakeFixed(reg_class, &fixed_uses);
        if (fixed.is_some()) {
          operands.push_back(Operand::FixedUse(reg, fixed));
          continue;
        }
      }
      operands.push_back(Operand::Use(reg, constraint));
    }
    if (Chance(24) && uses_of_class[0] < 3) {
      operands.push_back(Operand::Use(AnyValue(b, kInt),
                                      Chance(128) ? Constraint::kReg : Constraint::kAny,
                                      OperandPosition::kLate));
    } else if (Chance(24) && uses_of_class[0] < 3) {
      operands.push_back(Operand::Temp(out_->NewVReg(kInt)));
    }
    std::vector<VReg> defs;
    uint32_t def_count = Chance(200) ? 1 : Below(3);
    bool reused = false;
    for (uint32_t k = 0; k < def_count; ++k) {
      RegClass reg_class = RandomClass();
      if (!reused && !operands.empty() && operands[0].is_use() && operands[0].is_early() &&
          operands[0].constraint() == Constraint::kReg && Chance(commutative ? 224 : 100)) {
        reused = true;
        const VReg reg = NewValue(operands[0].reg_class(), false);
        operands.push_back(Operand::ReuseDef(reg, 0));
        defs.push_back(reg);
        continue;
      }
      const VReg reg = NewValue(reg_class, reg_class == kInt && Chance(options_.reference_chance));
      defs.push_back(reg);
      if (Chance(options_.fixed_chance)) {
        const PReg fixed = TakeFixed(reg_class, &fixed_defs);
        if (fixed.is_some()) {
          operands.push_back(Operand::FixedDef(reg, fixed));
          continue;
        }
      }
      Constraint constraint = Constraint::kReg;
      if (Chance(24)) constraint = Constraint::kAny;
      if (Chance(8)) constraint = Constraint::kStack;
      operands.push_back(Operand::Def(reg, constraint));
    }
    if (commutative) flags |= kCommutative;
    out_->Append(BlockId(b), std::move(operands), flags);
    defined_[b].insert(defined_[b].end(), defs.begin(), defs.end());
  }

  void AddCall(uint32_t b, uint8_t flags) {
    std::vector<Operand> operands;
    PRegSet fixed_uses;
    PRegSet fixed_defs;
    PRegSet clobbers;
    const bool clobbers_all = Chance(64) || (flags & kBranch) != 0;
    for (RegClass reg_class : kRegClasses) {
      for (PReg reg : env_[reg_class].preferred) {
        if (clobbers_all || Chance(224)) clobbers.insert(reg);
      }
      if (clobbers_all) {
        for (PReg reg : env_[reg_class].non_preferred) clobbers.insert(reg);
      }
    }
    // A function has only so many sets.
    if (clobber_sets_.size() < 64) {
      clobber_sets_.push_back(clobbers);
    } else if (!clobbers_all) {
      clobbers = clobber_sets_[Below(clobber_sets_.size())];
    }
    for (uint32_t k = Below(6); k > 0; --k) {
      const RegClass reg_class = RandomClass();
      const PReg fixed = TakeFixed(reg_class, &fixed_uses);
      const VReg reg = AnyValue(b, reg_class);
      if (fixed.is_some() && fixed_uses.size() < regs_[0].size()) {
        operands.push_back(Operand::FixedUse(reg, fixed));
      } else {
        operands.push_back(Operand::Use(reg, Constraint::kAny));
      }
    }
    std::vector<VReg> defs;
    for (uint32_t k = Below(4); k > 0; --k) {
      const RegClass reg_class = RandomClass();
      const VReg reg = NewValue(reg_class, reg_class == kInt && Chance(options_.reference_chance));
      const PReg fixed = TakeFixed(reg_class, &fixed_defs);
      if (fixed.is_some()) {
        operands.push_back(Operand::FixedDef(reg, fixed));
      } else {
        operands.push_back(Operand::Def(reg, Constraint::kAny));
      }
      defs.push_back(reg);
    }
    if (Chance(208)) flags |= kSafepoint;
    out_->Append(BlockId(b), std::move(operands), flags, clobbers);
    defined_[b].insert(defined_[b].end(), defs.begin(), defs.end());
  }

  void AddTerminator(uint32_t b) {
    if (succs_[b].empty()) {
      std::vector<Operand> operands;
      PRegSet fixed;
      for (uint32_t k = Below(4); k > 0; --k) {
        const RegClass reg_class = RandomClass();
        const PReg reg = TakeFixed(reg_class, &fixed);
        if (reg.is_some()) operands.push_back(Operand::FixedUse(AnyValue(b, reg_class), reg));
      }
      out_->Append(BlockId(b), std::move(operands), kReturn);
    } else if (defines_at_end_[b]) {
      AddCall(b, kBranch);
    } else if (succs_[b].size() == 1 && Chance(224)) {
      out_->Append(BlockId(b), {}, kBranch);
    } else {
      out_->Append(
          BlockId(b),
          {Operand::Use(AnyValue(b, kInt), Chance(128) ? Constraint::kReg : Constraint::kAny)},
          kBranch);
    }
  }

  void MakeEdges() {
    for (uint32_t b = 0; b < count_; ++b) {
      for (uint32_t target : succs_[b]) {
        std::vector<VReg> args;
        for (VReg param : params_[target]) {
          args.push_back(RandomValue(b, param.reg_class(), IsReference(param)));
        }
        out_->AddEdge(BlockId(b), BlockId(target), std::move(args));
      }
    }
  }

  void AddDebugValues() {
    uint32_t label = 0;
    for (const std::vector<VReg>& values : defined_) {
      for (VReg reg : values) {
        if (!Chance(96)) continue;
        const uint32_t begin = Below(2) == 0 ? 0 : Below(64);
        out_->AddDebugValue(
            DebugValue{reg, InstId(begin), InstId(begin + 1 + Below(256)), label++});
      }
    }
  }

  std::mt19937_64 random_;
  const MachineEnv& env_;
  const RandomOptions& options_;
  InputBuilder* out_;
  std::vector<PReg> regs_[kNumRegClasses];
  uint32_t count_ = 0;
  std::vector<std::vector<uint32_t>> succs_;
  std::vector<bool> defines_at_end_;
  std::vector<bool> has_preds_;
  std::vector<std::vector<bool>> dominators_;
  std::vector<std::vector<VReg>> params_;
  std::vector<std::vector<VReg>> defined_;
  std::vector<VReg> references_;
  std::vector<PRegSet> clobber_sets_;
};

}  // namespace

MachineEnv TestEnv(uint8_t ints, uint8_t vectors) {
  MachineEnv env;
  for (RegClass reg_class : kRegClasses) {
    MachineEnv::Class& regs = env.classes[static_cast<size_t>(reg_class)];
    const uint8_t count = reg_class == kInt ? ints : vectors;
    for (uint8_t r = 0; r < count; ++r) {
      (r < count - count / 3 ? regs.preferred : regs.non_preferred).push_back(PReg(reg_class, r));
    }
    regs.scratch = PReg(reg_class, 31);
    regs.slot_words = reg_class == kInt ? 1 : 2;
  }
  return env;
}

MachineEnv LargeTestEnv() {
  MachineEnv env = TestEnv(14, 15);
  MachineEnv::Class& ints = env.classes[0];
  ints.preferred.clear();
  ints.non_preferred.clear();
  for (uint8_t r = 0; r < 14; ++r) {
    (r < 9 ? ints.preferred : ints.non_preferred).push_back(PReg(kInt, r));
  }
  MachineEnv::Class& vectors = env.classes[1];
  vectors.preferred.insert(vectors.preferred.end(), vectors.non_preferred.begin(),
                           vectors.non_preferred.end());
  vectors.non_preferred.clear();
  return env;
}

RandomOptions RandomOptionsFor(uint64_t seed) {
  std::mt19937_64 random(seed ^ 0x5851F42D4C957F2D);
  RandomOptions options;
  options.max_blocks = 1 + random() % (random() % 8 == 0 ? 60 : 12);
  options.max_insts_per_block = 1 + random() % (random() % 4 == 0 ? 40 : 10);
  options.call_chance = random() % 64;
  options.fixed_chance = random() % 96;
  options.reference_chance = random() % 64;
  options.back_edge_chance = random() % 128;
  options.shuffle_blocks = random() % 8 == 0;
  return options;
}

void BuildRandomInput(uint64_t seed, const MachineEnv& env, const RandomOptions& options,
                      InputBuilder* builder) {
  RandomBuilder(seed, env, options, builder).Run();
}

}  // namespace gantry::codegen::regalloc
