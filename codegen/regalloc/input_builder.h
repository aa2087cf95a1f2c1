// Builds a regalloc::Input block by block, for tests, fuzzing and benchmarks.
//
//   InputBuilder builder;
//   const BlockId entry = builder.AddBlock();
//   const VReg a = builder.NewVReg(RegClass::kInt);
//   builder.Append(entry, {Operand::Def(a)});
//   builder.Append(entry, {Operand::Use(a)}, kReturn);
//   builder.Finish();
//   Use(builder.input());
//
// Blocks can be filled in any order. Finish splits critical edges by adding blocks, numbers
// everything, and fills in predecessors.
#ifndef GANTRY_CODEGEN_REGALLOC_INPUT_BUILDER_H_
#define GANTRY_CODEGEN_REGALLOC_INPUT_BUILDER_H_

#include <cstdint>
#include <string>
#include <vector>

#include "codegen/regalloc/interface.h"

namespace gantry::codegen::regalloc {

class InputBuilder {
 public:
  BlockId AddBlock(uint16_t loop_depth = 0, bool cold = false);
  VReg NewVReg(RegClass reg_class);
  void AddParam(BlockId block, VReg param);
  void Append(BlockId block, std::vector<Operand> operands, uint8_t flags = kNoFlags,
              PRegSet clobbers = PRegSet());
  // After the terminator. Arguments as many as the target has parameters.
  void AddEdge(BlockId from, BlockId to, std::vector<VReg> args = {});
  // Terminators of common shape: with their edges.
  void Jump(BlockId from, BlockId to, std::vector<VReg> args = {});
  void MarkReference(VReg reg) { references_.push_back(reg); }
  void AddDebugValue(DebugValue value) { debug_values_.push_back(value); }

  // `order`, if not empty, is the final order of the blocks added so far, the entry first.
  void Finish(const std::vector<BlockId>& order = {});

  // Good until the builder is changed or destroyed.
  const Input& input() const { return input_; }

 private:
  struct PlainInst {
    std::vector<Operand> operands;
    uint8_t flags;
    PRegSet clobbers;
  };
  struct PlainEdge {
    uint32_t target;
    std::vector<VReg> args;
  };
  struct PlainBlock {
    std::vector<VReg> params;
    std::vector<PlainInst> insts;
    std::vector<PlainEdge> edges;
    uint16_t loop_depth = 0;
    bool cold = false;
  };
  void SplitCriticalEdges(std::vector<uint32_t>* order);

  std::vector<PlainBlock> plain_;
  uint32_t num_vregs_ = 0;
  std::vector<VReg> references_;
  std::vector<DebugValue> debug_values_;

  std::vector<Inst> insts_;
  std::vector<Operand> operands_;
  std::vector<PRegSet> clobber_sets_;
  std::vector<Block> blocks_;
  std::vector<Edge> edges_;
  std::vector<VReg> edge_args_;
  std::vector<BlockId> preds_;
  std::vector<VReg> block_params_;
  Input input_;
};

// The input as text, with the places of `output` if there is one: for reading failures.
std::string InputText(const Input& input, const Output* output = nullptr);

}  // namespace gantry::codegen::regalloc

#endif  // GANTRY_CODEGEN_REGALLOC_INPUT_BUILDER_H_
