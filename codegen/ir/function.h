// Function: one function of the IR, as a stencil plus parameters.
//
// The stencil is all that compilation depends on; equal stencils compile to equal code, so
// it is what an incremental cache hashes. The parameters are what the finished code is
// completed with: real names behind the stencil's ExternalName indices, and the absolute
// position to which its source locations are relative.
//
//   Function func;                                  // reused: func.Clear()
//   func.signature.params = {Type::kI32};
//   func.signature.returns = {Type::kI32};
//   InstBuilder b(&func);
//   Block entry = b.MakeEntryBlock();
//   Value x = func.dfg.block_params(entry)[0];
//   b.Return({b.Iadd(x, b.Iconst(Type::kI32, 1))});
#ifndef GANTRY_CODEGEN_IR_FUNCTION_H_
#define GANTRY_CODEGEN_IR_FUNCTION_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "codegen/ir/dfg.h"
#include "codegen/ir/entities.h"
#include "codegen/ir/layout.h"
#include "codegen/ir/signature.h"
#include "entity/primary_map.h"
#include "entity/secondary_map.h"

namespace gantry::codegen {

// What stands behind an ExternalName: two numbers whose meaning is the embedder's (for wasm
// a FuncKey), and for tests and messages optionally a text.
struct UserExternalName {
  uint32_t space = 0;
  uint32_t index = 0;
  std::string text;
  friend bool operator==(const UserExternalName&, const UserExternalName&) = default;
};

// All that compiling a function depends on, settings apart.
struct FunctionStencil {
  Signature signature;
  DataFlowGraph dfg;
  Layout layout;
  // Distance of an instruction's source location from the function's base (modulo 2^32);
  // kNoLoc where it has none. Kept relative so that a function that only moved in its
  // module has the same stencil.
  static constexpr uint32_t kNoLoc = 0xFFFFFFFF;
  entity::SecondaryMap<Inst, uint32_t> relative_locs{kNoLoc};

  // Makes the entry block, first in the layout, with a parameter for each of the
  // signature's.
  Block MakeEntryBlock();

  // Rewrites every use of an alias to the value it stands for. Linear in the function.
  void ResolveAliases();

  // A digest input: equal for stencils that compile to the same code, whatever garbage
  // their arenas hold; different for others. Appends to `out`; the form is not stable
  // between versions.
  void AppendKey(std::string* out) const;

  void ClearStencil();
};

// What compiled code is completed with.
struct FunctionParameters {
  UserExternalName name;
  // The first source location set; relative ones count from it.
  SourceLoc base_loc;
  // What the stencil's ExternalNames stand for.
  entity::PrimaryMap<ExternalName, UserExternalName> names;
};

struct Function : FunctionStencil {
  FunctionParameters params;

  // Gives the instruction a source location; the first one set becomes the base.
  void SetLoc(Inst inst, SourceLoc loc) {
    if (loc.is_none()) return;
    if (params.base_loc.is_none()) params.base_loc = loc;
    relative_locs[inst] = loc.raw() - params.base_loc.raw();
  }
  // None where it has none.
  SourceLoc LocOf(Inst inst) const {
    const uint32_t relative = relative_locs.Get(inst);
    if (relative == kNoLoc || params.base_loc.is_none()) return SourceLoc::None();
    return SourceLoc(params.base_loc.raw() + relative);
  }
  // Declares a name; not deduplicated.
  ExternalName DeclareName(uint32_t space, uint32_t index, absl::string_view text = "") {
    return params.names.Push({space, index, std::string(text)});
  }

  // Forgets everything and keeps the memory, for the next function.
  void Clear() {
    ClearStencil();
    params.name = UserExternalName();
    params.base_loc = SourceLoc::None();
    params.names.clear();
  }
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_IR_FUNCTION_H_
