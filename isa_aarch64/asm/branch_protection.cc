#include "isa_aarch64/asm/branch_protection.h"

namespace gantry::aarch64 {

using codegen::UnwindOp;

namespace {

void Toggle(Assembler& as, codegen::UnwindInfo* unwind) {
  if (unwind != nullptr) unwind->Add(as.buffer().offset(), UnwindOp::kToggleSigned);
}

}  // namespace

void BranchProtection::Enter(Assembler& as, bool signs, codegen::UnwindInfo* unwind) const {
  if (signs && key != Key::kNone) {
    Sign(as, unwind);
  } else if (marks_targets) {
    as.Emit(PlainOp::kBtiC);
  }
}

void BranchProtection::Sign(Assembler& as, codegen::UnwindInfo* unwind) const {
  as.Emit(key == Key::kB ? PlainOp::kPacibsp : PlainOp::kPaciasp);
  Toggle(as, unwind);
}

void BranchProtection::Authenticate(Assembler& as, codegen::UnwindInfo* unwind) const {
  as.Emit(key == Key::kB ? PlainOp::kAutibsp : PlainOp::kAutiasp);
  Toggle(as, unwind);
}

void BranchProtection::Authenticate1716(Assembler& as) const {
  as.Emit(key == Key::kB ? PlainOp::kAutib1716 : PlainOp::kAutia1716);
}

void BranchProtection::Sign1716(Assembler& as) const {
  as.Emit(key == Key::kB ? PlainOp::kPacib1716 : PlainOp::kPacia1716);
}

void BranchProtection::AuthenticateAndReturn(Assembler& as, codegen::UnwindInfo* unwind) const {
  if (has_pauth) {
    as.Emit(key == Key::kB ? PlainOp::kRetab : PlainOp::kRetaa);
    as.buffer().EndFlow();
    return;
  }
  Authenticate(as, unwind);
  as.ret();
}

void BranchProtection::JumpTarget(Assembler& as) const {
  if (marks_targets) as.Emit(PlainOp::kBtiJ);
}

}  // namespace gantry::aarch64
