#include <algorithm>
#include <sstream>
#include <vector>

#include "base/status_macros.h"
#include "codegen/regalloc/checker.h"

namespace gantry::codegen::regalloc {
namespace {

constexpr uint32_t kNone = 0xFFFFFFFF;

template <typename... Parts>
absl::Status Invalid(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return absl::InvalidArgumentError(out.str());
}

class Validator {
 public:
  Validator(const Input& input, const MachineEnv& env) : input_(input), env_(env) {}

  absl::Status Run() {
    for (RegClass reg_class : kRegClasses) {
      for (PReg reg : env_[reg_class].preferred) allocatable_.insert(reg);
      for (PReg reg : env_[reg_class].non_preferred) allocatable_.insert(reg);
    }
    RETURN_IF_ERROR(CheckBlocks());
    RETURN_IF_ERROR(CheckDefinitions());
    for (uint32_t b = 0; b < input_.blocks.size(); ++b) {
      RETURN_IF_ERROR(CheckEdges(b));
      const IndexRange insts = input_.blocks[b].insts;
      for (uint32_t i = insts.begin; i < insts.end; ++i) {
        RETURN_IF_ERROR(CheckInst(i, i + 1 == insts.end));
      }
    }
    return CheckDominance();
  }

 private:
  absl::Status CheckBlocks() {
    if (input_.blocks.empty()) return Invalid("there is no block");
    if (!input_.clobber_sets.empty() && !input_.clobber_sets[0].empty()) {
      return Invalid("clobber set 0 is not empty");
    }
    uint32_t next_inst = 0;
    std::vector<std::vector<uint32_t>> preds(input_.blocks.size());
    for (uint32_t b = 0; b < input_.blocks.size(); ++b) {
      const Block& block = input_.blocks[b];
      if (block.insts.begin != next_inst || block.insts.empty()) {
        return Invalid(BlockId(b), " does not continue the instructions, or has none");
      }
      next_inst = block.insts.end;
      for (const Edge& edge : input_.EdgesOf(BlockId(b))) {
        if (edge.target.index() >= input_.blocks.size()) {
          return Invalid(BlockId(b), " has an edge to nowhere");
        }
        preds[edge.target.index()].push_back(b);
      }
    }
    if (next_inst != input_.insts.size()) return Invalid("instructions outside all blocks");
    if (!preds[0].empty() || !input_.blocks[0].params.empty()) {
      return Invalid("the entry has predecessors or parameters");
    }
    for (uint32_t b = 0; b < input_.blocks.size(); ++b) {
      std::vector<uint32_t> given;
      for (BlockId pred : input_.PredsOf(BlockId(b))) given.push_back(pred.raw());
      std::sort(given.begin(), given.end());
      if (given != preds[b]) return Invalid(BlockId(b), " has other predecessors than it says");
    }
    return absl::OkStatus();
  }

  absl::Status Define(VReg reg, uint32_t block) {
    if (reg.is_none() || reg.index() >= input_.num_vregs) {
      return Invalid(reg, " is out of range");
    }
    if (def_block_[reg.index()] != kNone) return Invalid(reg, " is defined twice");
    def_block_[reg.index()] = block;
    class_[reg.index()] = reg.reg_class();
    return absl::OkStatus();
  }

  absl::Status CheckDefinitions() {
    def_block_.assign(input_.num_vregs, kNone);
    class_.assign(input_.num_vregs, RegClass::kInt);
    for (uint32_t b = 0; b < input_.blocks.size(); ++b) {
      const Block& block = input_.blocks[b];
      for (VReg param : input_.ParamsOf(BlockId(b))) {
        RETURN_IF_ERROR(Define(param, b));
      }
      for (uint32_t i = block.insts.begin; i < block.insts.end; ++i) {
        for (const Operand& operand : input_.OperandsOf(InstId(i))) {
          if (operand.is_def()) RETURN_IF_ERROR(Define(operand.reg(), b));
        }
      }
    }
    for (VReg reg : input_.reference_vregs) {
      if (reg.reg_class() != RegClass::kInt) return Invalid(reg, " is a reference of class vector");
    }
    return absl::OkStatus();
  }

  absl::Status CheckEdges(uint32_t b) {
    const absl::Span<const Edge> edges = input_.EdgesOf(BlockId(b));
    const uint32_t terminator = input_.blocks[b].insts.end - 1;
    const Inst& inst = input_.insts[terminator];
    for (const Edge& edge : edges) {
      const bool at_end = edges.size() == 1 && inst.operand_count == 0 &&
                          input_.ClobbersOf(InstId(terminator)).empty();
      if (!at_end && input_.PredsOf(edge.target).size() != 1) {
        return Invalid("the edge from ", BlockId(b), " to ", edge.target, " has to be split");
      }
      const absl::Span<const VReg> params = input_.ParamsOf(edge.target);
      const absl::Span<const VReg> args = input_.ArgsOf(edge);
      for (size_t k = 0; k < params.size(); ++k) {
        if (args[k].reg_class() != params[k].reg_class()) {
          return Invalid("argument ", k, " of the edge from ", BlockId(b), " has a wrong class");
        }
      }
    }
    return absl::OkStatus();
  }

  absl::Status CheckInst(uint32_t i, bool is_last) {
    const Inst& inst = input_.insts[i];
    const absl::Span<const Operand> operands = input_.OperandsOf(InstId(i));
    if (((inst.flags & (kBranch | kReturn)) != 0) != is_last) {
      return Invalid(InstId(i), " is a terminator or the last of its block, but not both");
    }
    if (inst.clobber_set != 0 && inst.clobber_set >= input_.clobber_sets.size()) {
      return Invalid(InstId(i), " has no such clobber set");
    }
    if (inst.is(kMove) && (operands.size() != 2 || !operands[0].is_use() || !operands[1].is_def() ||
                           operands[0].reg_class() != operands[1].reg_class())) {
      return Invalid(InstId(i), " is not the move that it says");
    }
    if (inst.is(kRematerializable) &&
        (operands.size() != 1 || !operands[0].is_def() ||
         operands[0].constraint() != Constraint::kReg || !input_.ClobbersOf(InstId(i)).empty())) {
      return Invalid(InstId(i), " can't be done again");
    }
    if (inst.is(kCommutative) &&
        (operands.size() < 2 || !operands[0].is_use() || !operands[1].is_use() ||
         !operands[0].is_early() || !operands[1].is_early() ||
         operands[0].reg_class() != operands[1].reg_class())) {
      return Invalid(InstId(i), " is not commutative");
    }
    for (const Operand& operand : operands) RETURN_IF_ERROR(CheckOperand(i, operand, operands));
    return absl::OkStatus();
  }

  absl::Status CheckOperand(uint32_t i, const Operand& operand,
                            absl::Span<const Operand> operands) {
    if (operand.is_use() &&
        (operand.reg().index() >= input_.num_vregs || def_block_[operand.reg().index()] == kNone)) {
      return Invalid(InstId(i), " uses ", operand.reg(), ", which is not defined");
    }
    if (operand.is_use() && class_[operand.reg().index()] != operand.reg_class()) {
      return Invalid(InstId(i), " uses ", operand.reg(), ", which is of the other class");
    }
    if (operand.constraint() == Constraint::kFixed &&
        (!allocatable_.contains(operand.fixed()) ||
         operand.fixed().reg_class() != operand.reg_class())) {
      return Invalid(InstId(i), ": ", operand.fixed(), " is not allocatable for ", operand.reg());
    }
    if (operand.constraint() == Constraint::kReuse) {
      const size_t k = operand.reused_input();
      if (operand.is_use() || operand.is_early() || k >= operands.size() || !operands[k].is_use() ||
          !operands[k].is_early() || operands[k].constraint() != Constraint::kReg ||
          operands[k].reg_class() != operand.reg_class()) {
        return Invalid(InstId(i), " can't reuse operand ", k);
      }
    }
    return absl::OkStatus();
  }

  // Uses are reached only through their definitions: data flow over the sets of values that are
  // defined on every path.
  absl::Status CheckDominance() {
    const size_t num_blocks = input_.blocks.size();
    std::vector<std::vector<bool>> defined(num_blocks);
    std::vector<uint32_t> worklist = {0};
    // One more than there are values, so that a set that was reached is never empty.
    defined[0].assign(size_t{input_.num_vregs} + 1, false);
    const auto define_in = [&](uint32_t b, std::vector<bool>* set) {
      for (VReg param : input_.ParamsOf(BlockId(b))) (*set)[param.index()] = true;
      const IndexRange insts = input_.blocks[b].insts;
      for (uint32_t i = insts.begin; i < insts.end; ++i) {
        for (const Operand& operand : input_.OperandsOf(InstId(i))) {
          if (operand.is_def()) (*set)[operand.reg().index()] = true;
        }
      }
    };
    while (!worklist.empty()) {
      const uint32_t b = worklist.back();
      worklist.pop_back();
      std::vector<bool> at_end = defined[b];
      define_in(b, &at_end);
      for (const Edge& edge : input_.EdgesOf(BlockId(b))) {
        std::vector<bool>& target = defined[edge.target.index()];
        bool changed = target.empty();
        if (changed) {
          target = at_end;
        } else {
          for (size_t v = 0; v < target.size(); ++v) {
            if (target[v] && !at_end[v]) {
              target[v] = false;
              changed = true;
            }
          }
        }
        if (changed) worklist.push_back(edge.target.raw());
      }
    }
    for (uint32_t b = 0; b < num_blocks; ++b) {
      if (defined[b].empty()) continue;
      std::vector<bool> now = defined[b];
      for (VReg param : input_.ParamsOf(BlockId(b))) now[param.index()] = true;
      const IndexRange insts = input_.blocks[b].insts;
      for (uint32_t i = insts.begin; i < insts.end; ++i) {
        for (const Operand& operand : input_.OperandsOf(InstId(i))) {
          if (operand.is_use() && !now[operand.reg().index()]) {
            return Invalid(InstId(i), " uses ", operand.reg(), " before its definition");
          }
        }
        for (const Operand& operand : input_.OperandsOf(InstId(i))) {
          if (operand.is_def()) now[operand.reg().index()] = true;
        }
      }
      for (const Edge& edge : input_.EdgesOf(BlockId(b))) {
        for (VReg arg : input_.ArgsOf(edge)) {
          if (arg.index() >= input_.num_vregs || !now[arg.index()]) {
            return Invalid(BlockId(b), " passes ", arg, " before its definition");
          }
        }
      }
    }
    return absl::OkStatus();
  }

  const Input& input_;
  const MachineEnv& env_;
  PRegSet allocatable_;
  std::vector<uint32_t> def_block_;
  std::vector<RegClass> class_;
};

}  // namespace

absl::Status ValidateInput(const Input& input, const MachineEnv& env) {
  return Validator(input, env).Run();
}

}  // namespace gantry::codegen::regalloc
