// Verifier: is a function well formed? Structure, types, references to declarations, and
// that every definition dominates its uses.
//
//   Verifier verifier;                           // reused
//   RETURN_IF_ERROR(verifier.Verify(func));
//
// A failure is kInvalidArgument with a line per error (at most kMaxErrors), each naming the
// instruction in its text form and what was expected and found:
//
//   inst7 in block2: v9 = iadd.i32 v1, v2: v2 is i64, must be i32
#ifndef GANTRY_CODEGEN_IR_VERIFIER_H_
#define GANTRY_CODEGEN_IR_VERIFIER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "codegen/analysis/cfg.h"
#include "codegen/analysis/dominators.h"
#include "codegen/ir/function.h"
#include "entity/entity_set.h"
#include "entity/secondary_map.h"

namespace gantry::codegen {

class Verifier {
 public:
  static constexpr size_t kMaxErrors = 16;

  // Linear in the function but for dominators (see there). Does not change or keep it.
  absl::Status Verify(const Function& func);

 private:
  void CheckDeclarations();
  // True if block structure is sound enough to build a control-flow graph on.
  bool CheckBlocks();
  void CheckInst(Inst inst);
  // No two instructions may share a table or a list: changing one would change the other.
  void CheckOwnership(Inst inst, const InstData& data);
  void CheckTypes(Inst inst, const InstData& data);
  void CheckImmediates(Inst inst, const InstData& data);
  void CheckCall(Inst inst, const InstData& data);
  void CheckReturn(Inst inst);
  void CheckBlockCalls(Inst inst, const InstData& data);
  void CheckBlockCall(Inst inst, const BlockCall& call, absl::Span<const Type> passed);
  void CheckUses();
  void CheckUse(Block block, Inst inst, Value value);
  void CheckList(Inst inst, absl::Span<const Value> values, const Signature::ParamList& types,
                 absl::string_view what);
  // True if the value and, for a result, the tables it depends on exist.
  bool Exists(Inst inst, Value value);

  void Fail(Inst inst, absl::string_view message);
  void Fail(absl::string_view message);
  // The instruction's text, or its opcode where its parts can't be printed.
  std::string Describe(Inst inst);

  const Function* func_ = nullptr;
  bool printable_ = true;
  std::vector<std::string> errors_;
  ControlFlowGraph cfg_;
  DominatorTree dominators_;
  // Position of an instruction in its block, from 1.
  entity::SecondaryMap<Inst, uint32_t> position_;
  std::vector<Type> passed_;
  entity::EntitySet<JumpTable> jump_tables_;
  entity::EntitySet<HandlerTable> handler_tables_;
  // By the lists' handles.
  entity::EntitySet<Value> lists_;
};

// The same with a verifier of its own, for tests.
absl::Status VerifyFunction(const Function& func);

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_IR_VERIFIER_H_
