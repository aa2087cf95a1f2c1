#include "codegen/filetest/minimize.h"

#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "codegen/generate/generate.h"
#include "codegen/interp/interpreter.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verifier.h"
#include "codegen/pass/edit.h"
#include "codegen/pass/passes.h"
#include "entity/entity_set.h"

namespace gantry::codegen {
namespace {

// Argument lists that a function is run with before and after a pass.
constexpr uint64_t kRuns = 24;
constexpr size_t kMemoryBytes = 65536;
constexpr uint64_t kFuel = 100'000;

class Minimizer {
 public:
  Minimizer(const Function& func, const StillFails& fails, const MinimizeOptions& options)
      : best_(func), fails_(fails), tries_left_(options.max_tries) {}

  Function Run() {
    for (bool changed = true; changed && tries_left_ > 0;) {
      changed = RunPasses();
      changed |= SimplifyTerminators();
      changed |= DropParams();
      changed |= DropInsts();
    }
    return std::move(best_);
  }

 private:
  // Takes the candidate if it is well formed and still fails.
  bool Take(Function candidate) {
    if (tries_left_ == 0) return false;
    --tries_left_;
    if (!verifier_.Verify(candidate).ok() || !fails_(candidate)) return false;
    best_ = std::move(candidate);
    return true;
  }

  bool RunPasses() {
    bool changed = false;
    for (const char* name : {"unreachable", "block_params", "dead_code", "branches"}) {
      Function candidate = best_;
      PassAnalyses analyses;
      if (!MakePass(name)->Run(&candidate, &analyses)) continue;
      const bool smaller = candidate.layout.num_insts() < best_.layout.num_insts() ||
                           candidate.layout.num_blocks() < best_.layout.num_blocks() ||
                           absl::string_view(name) == "block_params";
      if (smaller) changed |= Take(std::move(candidate));
    }
    return changed;
  }

  static Value Zero(Function* func, Type type, Inst before) {
    const Opcode opcode = IsInt(type)          ? Opcode::kIconst
                          : type == Type::kF32 ? Opcode::kF32const
                          : type == Type::kF64 ? Opcode::kF64const
                                               : Opcode::kV128const;
    const Inst inst = func->dfg.MakeInst(InstData(opcode, type));
    func->layout.InsertBefore(inst, before);
    return func->dfg.result(inst);
  }

  std::vector<Block> Blocks() const {
    std::vector<Block> blocks;
    for (Block block : best_.layout.blocks()) blocks.push_back(block);
    return blocks;
  }

  bool SimplifyTerminators() {
    bool changed = false;
    for (Block block : Blocks()) {
      if (!best_.layout.contains(block)) continue;
      changed |= ReturnAtOnce(block);
      changed |= TakeOneWay(block);
    }
    return changed;
  }

  bool ReturnAtOnce(Block block) {
    const Inst last = best_.layout.last_inst(block);
    if (best_.dfg.opcode(last) == Opcode::kReturn) return false;
    Function candidate = best_;
    std::vector<Value> zeros;
    for (const AbiParam& param : candidate.signature.returns) {
      zeros.push_back(Zero(&candidate, param.type, last));
    }
    candidate.layout.Remove(last);
    InstData data(Opcode::kReturn, Type::kInvalid);
    data.set_list(candidate.dfg.MakeList(zeros));
    candidate.layout.Append(candidate.dfg.MakeInst(data), block);
    return Take(WithoutUnreachable(std::move(candidate)));
  }

  bool TakeOneWay(Block block) {
    const Inst last = best_.layout.last_inst(block);
    const Opcode opcode = best_.dfg.opcode(last);
    if (opcode != Opcode::kBrif && opcode != Opcode::kBrTable) return false;
    std::vector<BlockCall> ways;
    best_.dfg.ForEachBlockCall(last, [&](const BlockCall& call) { ways.push_back(call); });
    for (const BlockCall& way : ways) {
      Function candidate = best_;
      candidate.dfg.ReplaceInst(last, JumpTo(way));
      if (Take(WithoutUnreachable(std::move(candidate)))) return true;
    }
    return false;
  }

  static Function WithoutUnreachable(Function func) {
    ControlFlowGraph cfg;
    cfg.Compute(func);
    RemoveUnreachableBlocks(cfg, &func);
    return func;
  }

  // Each parameter of a block as a zero.
  bool DropParams() {
    bool changed = false;
    for (Block block : Blocks()) {
      if (block == best_.layout.entry()) continue;
      for (size_t i = best_.dfg.block_params(block).size(); i-- > 0;) {
        const Value param = best_.dfg.block_params(block)[i];
        if (best_.dfg.IsReference(param)) continue;
        Function candidate = best_;
        const Value zero =
            Zero(&candidate, candidate.dfg.value_type(param), candidate.layout.first_inst(block));
        DropBlockArgs(&candidate,
                      [&](Block target, size_t at) { return target == block && at == i; });
        candidate.dfg.RemoveBlockParam(block, i);
        candidate.dfg.ChangeToAlias(param, zero);
        candidate.ResolveAliases();
        changed |= Take(std::move(candidate));
      }
    }
    return changed;
  }

  // Runs of instructions, long ones first, their results as zeros.
  bool DropInsts() {
    bool changed = false;
    for (size_t length = best_.layout.num_insts(); length > 0; length /= 2) {
      for (size_t begin = 0; begin < best_.layout.num_insts() && tries_left_ > 0;) {
        if (Drop(begin, length)) {
          changed = true;
        } else {
          begin += length;
        }
      }
    }
    return changed;
  }

  bool Drop(size_t begin, size_t length) {
    std::vector<Inst> dropped;
    size_t position = 0;
    for (Block block : best_.layout.blocks()) {
      for (Inst inst : best_.layout.insts(block)) {
        const bool in_run = position >= begin && position < begin + length;
        ++position;
        const Opcode opcode = best_.dfg.opcode(inst);
        if (!in_run || IsTerminator(opcode)) continue;
        bool references = false;
        for (Value v : best_.dfg.results(inst)) references |= best_.dfg.IsReference(v);
        if (!references) dropped.push_back(inst);
      }
    }
    if (dropped.empty()) return false;
    // Results that what stays needs become zeros.
    Function candidate = best_;
    for (Inst inst : dropped) candidate.layout.Remove(inst);
    entity::EntitySet<Value> needed;
    for (Block block : candidate.layout.blocks()) {
      for (Inst inst : candidate.layout.insts(block)) {
        candidate.dfg.ForEachArg(inst, [&](Value v) { needed.insert(v); });
      }
    }
    bool simpler = false;
    for (Inst inst : dropped) {
      const Block block = best_.layout.block_of(inst);
      const Inst before = candidate.layout.first_inst(block);
      bool stays = false;
      for (Value v : candidate.dfg.results(inst)) {
        if (!needed.contains(v)) continue;
        candidate.dfg.ChangeToAlias(v, Zero(&candidate, candidate.dfg.value_type(v), before));
        stays = true;
      }
      simpler |= !stays || !IsConstant(inst);
    }
    if (!simpler) return false;
    candidate.ResolveAliases();
    return Take(std::move(candidate));
  }

  bool IsConstant(Inst inst) const {
    const Format format = best_.dfg.inst(inst).format();
    return format == Format::kIntConst || format == Format::kF32Const ||
           format == Format::kF64Const || format == Format::kV128Const;
  }

  Function best_;
  const StillFails& fails_;
  size_t tries_left_;
  Verifier verifier_;
};

// Whether the change that `run` makes to a function can be told.
bool Differs(const Function& func, const std::function<absl::Status(Function*)>& run) {
  Function after = func;
  if (!run(&after).ok()) return true;
  Verifier verifier;
  if (!verifier.Verify(after).ok()) return true;
  const bool has_memory =
      !func.signature.params.empty() && func.signature.params[0].type == Type::kI64;
  std::vector<uint8_t> memory[3];
  for (uint64_t seed = 0; seed < kRuns; ++seed) {
    RandomSource random(seed);
    std::vector<RawValue> args = GenerateArgs(func.signature, &random);
    // The function twice, since it may return what is nobody's business (addresses), then what
    // the pass made of it.
    std::vector<Outcome> outcomes;
    for (int i = 0; i < 3; ++i) {
      memory[i].assign(kMemoryBytes, static_cast<uint8_t>(seed));
      if (has_memory) args[0] = reinterpret_cast<uint64_t>(memory[i].data());
      Interpreter interpreter;
      interpreter.AddMemory(absl::MakeSpan(memory[i]));
      interpreter.set_fuel(i < 2 ? kFuel : 4 * kFuel);
      absl::StatusOr<Outcome> outcome = interpreter.Run(i < 2 ? func : after, args);
      if (!outcome.ok()) {
        if (i == 2) return true;
        break;
      }
      if (i < 2 && outcome->kind == Outcome::Kind::kOutOfFuel) break;
      outcomes.push_back(*std::move(outcome));
      if (i == 1 && !(outcomes[0] == outcomes[1] && memory[0] == memory[1])) break;
    }
    if (outcomes.size() == 3 && !(outcomes[0] == outcomes[2] && memory[0] == memory[2])) {
      return true;
    }
  }
  return false;
}

}  // namespace

Function Minimize(const Function& func, const StillFails& fails, const MinimizeOptions& options) {
  return Minimizer(func, fails, options).Run();
}

StillFails FailsUnderPass(std::shared_ptr<Pass> pass) {
  return [pass = std::move(pass)](const Function& func) {
    return Differs(func, [&](Function* after) {
      PassAnalyses analyses;
      pass->Run(after, &analyses);
      return absl::OkStatus();
    });
  };
}

StillFails FailsUnderDefaultPasses() {
  auto pipeline = std::make_shared<PassPipeline>();
  AddDefaultPasses(pipeline.get());
  pipeline->options().verify = true;
  return [pipeline](const Function& func) {
    return Differs(func, [&](Function* after) { return pipeline->Run(after); });
  };
}

StillFails FailsUnderCommand(std::string command) {
  return [command = std::move(command)](const Function& func) {
    std::string name = (std::filesystem::temp_directory_path() / "minimizeXXXXXX").string();
    const int file = mkstemp(name.data());
    if (file < 0) return false;
    close(file);
    std::ofstream(name, std::ios::binary) << PrintFunction(func);
    const int code = std::system(absl::StrCat(command, " ", name, " >/dev/null 2>&1").c_str());
    unlink(name.c_str());
    return code != 0;
  };
}

}  // namespace gantry::codegen
