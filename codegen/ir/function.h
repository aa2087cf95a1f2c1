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
  ColdCalls cold_calls;
  DataFlowGraph dfg;
  Layout layout;
  // Distance of an instruction's source location from the function's base (modulo 2^32);
  // kNoLoc where it has none. Kept relative so that a function that only moved in its
  // module has the same stencil.
  static constexpr uint32_t kNoLoc = 0xFFFFFFFF;
  entity::SecondaryMap<Inst, uint32_t> relative_locs{kNoLoc};

  // A call that was replaced by its callee's code: the call's location, relative to the base of
  // the code that it stood in, and the site of that code (none: the function's own).
  struct InlineSiteData {
    InlineSite parent;
    uint32_t relative_call = kNoLoc;
    friend bool operator==(const InlineSiteData&, const InlineSiteData&) = default;
  };
  // A parent has a lower number than what is inlined into it.
  entity::PrimaryMap<InlineSite, InlineSiteData> inline_sites;
  // What an entry of relative_locs with this bit is, without it, an index of: a location
  // relative to the base of its site's callee (kNoLoc: the site alone is known).
  static constexpr uint32_t kInlinedBit = 0x80000000;
  struct InlinedLoc {
    InlineSite site;
    uint32_t relative = kNoLoc;
    friend bool operator==(const InlinedLoc&, const InlinedLoc&) = default;
  };
  std::vector<InlinedLoc> inlined_locs;

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
  // Of each inline site: which function's code it is, a number of the embedder's, and the
  // location from which the site's relative ones count.
  struct InlinedCallee {
    uint32_t function = 0;
    SourceLoc base;
  };
  entity::PrimaryMap<InlineSite, InlinedCallee> inlined;
};

// Where code comes from: a location, and the site whose callee it lies in (none: the function
// itself). Either may be missing.
struct CodeOrigin {
  SourceLoc loc;
  InlineSite site;
  friend bool operator==(const CodeOrigin&, const CodeOrigin&) = default;
};

struct Function : FunctionStencil {
  FunctionParameters params;

  // Gives the instruction a source location; the first one set outside of inlined code, here
  // or by AddInlineSite, becomes the base.
  void SetLoc(Inst inst, SourceLoc loc, InlineSite site = InlineSite::None()) {
    if (site.is_none()) {
      if (loc.is_none()) return;
      if (params.base_loc.is_none()) params.base_loc = loc;
      const uint32_t relative = loc.raw() - params.base_loc.raw();
      if ((relative & kInlinedBit) == 0) {
        relative_locs[inst] = relative;
        return;
      }
    }
    const InlinedLoc inlined = {site, RelativeTo(site, loc)};
    if (inlined_locs.empty() || inlined_locs.back() != inlined) inlined_locs.push_back(inlined);
    relative_locs[inst] = kInlinedBit | static_cast<uint32_t>(inlined_locs.size() - 1);
  }
  // What the relative location that an instruction or its machine code carries stands for.
  CodeOrigin OriginOf(uint32_t relative) const {
    InlineSite site;
    if (relative != kNoLoc && (relative & kInlinedBit) != 0) {
      site = inlined_locs[relative & ~kInlinedBit].site;
      relative = inlined_locs[relative & ~kInlinedBit].relative;
    }
    return {Absolute(site, relative), site};
  }
  // None where it has none.
  SourceLoc LocOf(Inst inst) const { return OriginOf(relative_locs.Get(inst)).loc; }
  InlineSite SiteOf(Inst inst) const { return OriginOf(relative_locs.Get(inst)).site; }
  // Declares that the call at `call`, in code of `parent`, is replaced by the code of `callee`,
  // whose locations count from `base`.
  InlineSite AddInlineSite(InlineSite parent, SourceLoc call, uint32_t callee, SourceLoc base) {
    if (parent.is_none() && params.base_loc.is_none()) params.base_loc = call;
    params.inlined.Push({callee, base});
    return inline_sites.Push({parent, RelativeTo(parent, call)});
  }
  // Where a site's call stood.
  CodeOrigin CallOf(InlineSite site) const {
    const InlineSiteData& data = inline_sites[site];
    return {Absolute(data.parent, data.relative_call), data.parent};
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
    params.inlined.clear();
  }

 private:
  SourceLoc BaseOf(InlineSite site) const {
    return site.is_none() ? params.base_loc : params.inlined[site].base;
  }
  uint32_t RelativeTo(InlineSite site, SourceLoc loc) const {
    const SourceLoc base = BaseOf(site);
    return loc.is_none() || base.is_none() ? kNoLoc : loc.raw() - base.raw();
  }
  SourceLoc Absolute(InlineSite site, uint32_t relative) const {
    const SourceLoc base = BaseOf(site);
    if (relative == kNoLoc || base.is_none()) return SourceLoc::None();
    return SourceLoc(base.raw() + relative);
  }
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_IR_FUNCTION_H_
