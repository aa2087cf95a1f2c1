#include "codegen/regalloc/execute.h"

#include <algorithm>
#include <random>
#include <sstream>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gantry::codegen::regalloc {
namespace {

struct Value {
  uint64_t low = 0;
  uint64_t high = 0;
  friend bool operator==(const Value& a, const Value& b) = default;
};

uint64_t Mix(uint64_t a, uint64_t b) {
  uint64_t z = (a ^ 0x9E3779B97F4A7C15) * 0xBF58476D1CE4E5B9 + b;
  z = (z ^ z >> 29) * 0x94D049BB133111EB;
  return z ^ z >> 32;
}

class Machine {
 public:
  Machine(const Input& input, const Output& output, uint64_t seed)
      : input_(input), output_(output), random_(seed) {
    values_.resize(input.num_vregs);
    defined_.assign(input.num_vregs, false);
    is_reference_.assign(input.num_vregs, false);
    for (VReg reg : input.reference_vregs) is_reference_[reg.index()] = true;
    for (Value& reg : regs_) reg = Value{random_(), random_()};
    words_.resize(output.spill_words + 16);
    for (uint64_t& word : words_) word = random_();
  }

  absl::Status Run(uint32_t max_steps) {
    uint32_t block = 0;
    for (uint32_t steps = 0; steps < max_steps;) {
      const IndexRange insts = input_.blocks[block].insts;
      for (uint32_t i = insts.begin; i < insts.end; ++i, ++steps) {
        ApplyEdits(ProgramPoint::Before(InstId(i)));
        RETURN_IF_ERROR(CheckDebugLocations(ProgramPoint::Before(InstId(i))));
        RETURN_IF_ERROR(Step(i));
        RETURN_IF_ERROR(CheckDebugLocations(ProgramPoint::After(InstId(i))));
        ApplyEdits(ProgramPoint::After(InstId(i)));
      }
      const absl::Span<const Edge> edges = input_.EdgesOf(BlockId(block));
      if (edges.empty()) return absl::OkStatus();
      const Edge& edge = edges[random_() % edges.size()];
      const absl::Span<const VReg> params = input_.ParamsOf(edge.target);
      const absl::Span<const VReg> args = input_.ArgsOf(edge);
      std::vector<Value> arguments;
      for (VReg arg : args) arguments.push_back(values_[arg.index()]);
      for (size_t k = 0; k < params.size(); ++k) {
        values_[params[k].index()] = arguments[k];
        defined_[params[k].index()] = true;
      }
      block = edge.target.raw();
    }
    return absl::OkStatus();
  }

 private:
  Value Read(Allocation place, RegClass reg_class) const {
    Value value;
    if (place.is_reg()) {
      value = regs_[place.reg().index()];
    } else {
      value.low = words_[place.slot().word()];
      value.high = words_[place.slot().word() + 1];
    }
    if (reg_class == RegClass::kInt) value.high = 0;
    return value;
  }
  void Write(Allocation place, RegClass reg_class, Value value) {
    if (place.is_reg()) {
      regs_[place.reg().index()] = value;
      return;
    }
    words_[place.slot().word()] = value.low;
    if (reg_class == RegClass::kVector) words_[place.slot().word() + 1] = value.high;
  }
  Value Garbage() { return Value{random_(), random_()}; }
  Value ResultOf(uint32_t inst, size_t operand, uint64_t inputs, RegClass reg_class) const {
    const uint64_t low = Mix(Mix(inst, operand), inputs);
    return Value{low, reg_class == RegClass::kInt ? 0 : Mix(low, 1)};
  }

  void ApplyEdits(ProgramPoint point) {
    auto edit = std::lower_bound(output_.edits.begin(), output_.edits.end(), point,
                                 [](const Edit& e, ProgramPoint p) { return e.point < p; });
    for (; edit != output_.edits.end() && edit->point == point; ++edit) {
      const RegClass reg_class = edit->to.reg_class();
      if (edit->rematerialized.is_some()) {
        Write(edit->to, reg_class, ResultOf(edit->rematerialized.raw(), 0, 0, reg_class));
      } else {
        Write(edit->to, reg_class, Read(edit->from, reg_class));
      }
    }
  }

  Allocation PlaceOf(uint32_t inst, size_t k) const {
    return output_.allocations[input_.insts[inst].operands_begin + k];
  }
  void WriteDefs(uint32_t inst, absl::Span<const Operand> operands, bool early, bool garbage) {
    for (size_t k = 0; k < operands.size(); ++k) {
      if (!operands[k].is_def() || operands[k].is_early() != early) continue;
      Write(PlaceOf(inst, k), operands[k].reg_class(),
            garbage ? Garbage() : values_[operands[k].reg().index()]);
    }
  }
  absl::Status CheckUses(uint32_t inst, absl::Span<const Operand> operands, bool early) const {
    const auto reads = [&](size_t k, size_t value) {
      return Read(PlaceOf(inst, k), operands[k].reg_class()) ==
             values_[operands[value].reg().index()];
    };
    const bool swapped = early && input_.insts[inst].is(kCommutative) && reads(0, 1) && reads(1, 0);
    for (size_t k = 0; k < operands.size(); ++k) {
      if (!operands[k].is_use() || operands[k].is_early() != early) continue;
      if (swapped && k < 2) continue;
      if (!reads(k, k)) {
        std::ostringstream out;
        out << "inst" << inst << " operand " << k << " reads a wrong " << operands[k].reg()
            << " in " << PlaceOf(inst, k);
        return absl::InternalError(out.str());
      }
    }
    return absl::OkStatus();
  }

  absl::Status Step(uint32_t inst) {
    const absl::Span<const Operand> operands = input_.OperandsOf(InstId(inst));
    if (input_.insts[inst].is(kMove)) {
      const VReg from = operands[0].reg();
      const VReg to = operands[1].reg();
      if (!(Read(PlaceOf(inst, 1), to.reg_class()) == values_[from.index()])) {
        return absl::InternalError(absl::StrCat("inst", inst, " moves a wrong value"));
      }
      values_[to.index()] = values_[from.index()];
      defined_[to.index()] = true;
      return absl::OkStatus();
    }
    WriteDefs(inst, operands, /*early=*/true, /*garbage=*/true);
    RETURN_IF_ERROR(CheckUses(inst, operands, /*early=*/true));
    for (PReg reg : input_.ClobbersOf(InstId(inst))) regs_[reg.index()] = Garbage();
    if (input_.insts[inst].is(kSafepoint)) RETURN_IF_ERROR(MoveReferences(inst));
    WriteDefs(inst, operands, /*early=*/false, /*garbage=*/true);
    RETURN_IF_ERROR(CheckUses(inst, operands, /*early=*/false));

    uint64_t inputs = 0;
    for (size_t k = 0; k < operands.size(); ++k) {
      if (!operands[k].is_use()) continue;
      const Value value = values_[operands[k].reg().index()];
      const bool unordered = input_.insts[inst].is(kCommutative) && k < 2;
      inputs += Mix(value.low ^ value.high, unordered ? 0 : k + 1);
    }
    for (size_t k = 0; k < operands.size(); ++k) {
      if (!operands[k].is_def()) continue;
      values_[operands[k].reg().index()] = ResultOf(inst, k, inputs, operands[k].reg_class());
      defined_[operands[k].reg().index()] = true;
    }
    WriteDefs(inst, operands, /*early=*/false, /*garbage=*/false);
    WriteDefs(inst, operands, /*early=*/true, /*garbage=*/false);
    return absl::OkStatus();
  }

  absl::Status CheckDebugLocations(ProgramPoint point) const {
    for (const DebugLocation& location : output_.debug_locations) {
      if (point < location.begin || location.end <= point) continue;
      const auto is_meant = [&](const DebugValue& debug) {
        return debug.label == location.label &&
               Read(location.place, debug.reg.reg_class()) == values_[debug.reg.index()];
      };
      if (std::none_of(input_.debug_values.begin(), input_.debug_values.end(), is_meant)) {
        std::ostringstream out;
        out << point << ": variable " << location.label << " is not in " << location.place;
        return absl::InternalError(out.str());
      }
    }
    return absl::OkStatus();
  }

  absl::Status MoveReferences(uint32_t inst) {
    const auto map = std::find_if(output_.stack_maps.begin(), output_.stack_maps.end(),
                                  [inst](const StackMap& m) { return m.inst == InstId(inst); });
    if (map == output_.stack_maps.end()) {
      return absl::InternalError(absl::StrCat("inst", inst, " has no stack map"));
    }
    for (SpillSlot slot : output_.SlotsOf(*map)) {
      uint64_t& word = words_[slot.word()];
      bool is_reference = false;
      for (VReg reg : input_.reference_vregs) {
        is_reference |= defined_[reg.index()] && values_[reg.index()].low == word;
      }
      if (!is_reference) {
        return absl::InternalError(absl::StrCat("inst", inst, " lists a slot without reference"));
      }
      word = Mix(word, 7);
    }
    for (VReg reg : input_.reference_vregs) {
      values_[reg.index()].low = Mix(values_[reg.index()].low, 7);
    }
    return absl::OkStatus();
  }

  const Input& input_;
  const Output& output_;
  std::mt19937_64 random_;
  std::vector<Value> values_;
  std::vector<bool> defined_;
  std::vector<bool> is_reference_;
  Value regs_[PReg::kCount];
  std::vector<uint64_t> words_;
};

}  // namespace

absl::Status ExecuteAllocation(const Input& input, const Output& output, uint64_t seed,
                               uint32_t max_steps) {
  return Machine(input, output, seed).Run(max_steps);
}

}  // namespace gantry::codegen::regalloc
