// How code guards against branches to forged addresses: return addresses that are saved to the
// stack are signed (pointer authentication, FEAT_PAuth), and what indirect branches may lead to
// begins with a landing pad (branch target identification, FEAT_BTI). Without FEAT_PAuth and
// FEAT_BTI the instructions do nothing, but for retaa and retab, which want `has_pauth`.
//
//   const auto protection = BranchProtection::Of(is_on);
//   protection.Enter(as, /*signs=*/true, &unwind);    // the function's first instruction
//   ... stp x29, x30, ... ldp x29, x30 ...
//   protection.Return(as);
//
// A signature is made of the stack pointer at the function's entry (the CFA), to which sp must have
// returned when it is checked. Code that is signed may stand beside code that is not, and below it.
//
// Tested by backend/testing:listing_filetest (hardened.ir), and run by
// backend/testing:hardened_test.
#ifndef GANTRY_ISA_AARCH64_ASM_BRANCH_PROTECTION_H_
#define GANTRY_ISA_AARCH64_ASM_BRANCH_PROTECTION_H_

#include <cstdint>

#include "codegen/unwind.h"
#include "isa_aarch64/asm/assembler.h"

namespace gantry::aarch64 {

struct BranchProtection {
  enum class Key : uint8_t { kNone, kA, kB };

  // By the ISA's flags, each of which is_on(name) tells.
  template <typename IsOn>
  static BranchProtection Of(IsOn is_on) {
    BranchProtection protection;
    if (is_on("sign_return_address")) {
      protection.key = is_on("sign_return_address_with_bkey") ? Key::kB : Key::kA;
      protection.signs_all = is_on("sign_return_address_all");
    }
    protection.marks_targets = is_on("use_bti");
    protection.has_pauth = is_on("has_pauth");
    return protection;
  }

  // With which key return addresses are signed.
  Key key = Key::kNone;
  // Those of functions too that keep theirs in x30.
  bool signs_all = false;
  bool marks_targets = false;
  bool has_pauth = false;

  // Whether a function signs its return address.
  bool Signs(bool saves_link) const { return key != Key::kNone && (saves_link || signs_all); }

  // The function's first instruction, if there has to be one: signs x30, or is a landing pad alone.
  // A signing instruction is a landing pad as well. `unwind` may be null.
  void Enter(Assembler& as, bool signs, codegen::UnwindInfo* unwind) const;
  // Signs x30, and checks it again: x30 is plain behind that, or an address that faults.
  void Sign(Assembler& as, codegen::UnwindInfo* unwind) const;
  void Authenticate(Assembler& as, codegen::UnwindInfo* unwind) const;
  // Checks the address in x17 that was signed with x16 for sp, or signs it so.
  void Authenticate1716(Assembler& as) const;
  void Sign1716(Assembler& as) const;
  // Checks x30 and returns there. What stands behind it may want kRestoreState.
  void AuthenticateAndReturn(Assembler& as, codegen::UnwindInfo* unwind) const;
  // Where jump tables and `br` may lead.
  void JumpTarget(Assembler& as) const;
};

}  // namespace gantry::aarch64

#endif  // GANTRY_ISA_AARCH64_ASM_BRANCH_PROTECTION_H_
