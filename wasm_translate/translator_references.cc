// Tables and references.
#include "wasm_translate/translator_visitor.h"

namespace gantry::wasm {

using codegen::Value;

void TranslatingVisitor::OnTableGet(TableIndex table, const TableType& type) {
  At(Opcode::kTableGet);
  if (!Lower(type.element).has_value()) return;
  PushTraced(type.element, env_->TableGet(builder_, table, Pop()));
}

void TranslatingVisitor::OnTableSet(TableIndex table, const TableType& type) {
  At(Opcode::kTableSet);
  if (!Lower(type.element).has_value()) return;
  const Value value = Pop();
  env_->TableSet(builder_, table, Pop(), value);
}

void TranslatingVisitor::OnTableSize(TableIndex table) {
  At(Opcode::kTableSize);
  Push(env_->TableSize(builder_, table));
}

void TranslatingVisitor::OnTableGrow(TableIndex table, const TableType& type) {
  At(Opcode::kTableGrow);
  if (!Lower(type.element).has_value()) return;
  const Value delta = Pop();
  const Value value = Pop();
  Push(env_->TableGrow(builder_, table, value, delta));
}

void TranslatingVisitor::OnTableFill(TableIndex table, const TableType& type) {
  At(Opcode::kTableFill);
  if (!Lower(type.element).has_value()) return;
  const auto [destination, value, length] = Pop3();
  env_->TableFill(builder_, table, destination, value, length);
}

void TranslatingVisitor::OnTableCopy(TableIndex to, TableIndex from) {
  At(Opcode::kTableCopy);
  const auto [destination, source, length] = Pop3();
  env_->TableCopy(builder_, to, from, destination, source, length);
}

void TranslatingVisitor::OnTableInit(ElemIndex elem, TableIndex table) {
  At(Opcode::kTableInit);
  const auto [destination, source, length] = Pop3();
  env_->TableInit(builder_, table, elem, destination, source, length);
}

void TranslatingVisitor::OnElemDrop(ElemIndex elem) {
  At(Opcode::kElemDrop);
  env_->ElemDrop(builder_, elem);
}

void TranslatingVisitor::OnRefNull(ValType type) {
  At(Opcode::kRefNull);
  if (!Lower(type).has_value()) return;
  Push(env_->RefNull(builder_, type));
}

void TranslatingVisitor::OnRefIsNull(ValType type) {
  At(Opcode::kRefIsNull);
  Push(env_->RefIsNull(builder_, type, Pop()));
}

void TranslatingVisitor::OnRefFunc(FuncIndex function) {
  At(Opcode::kRefFunc);
  Push(env_->RefFunc(builder_, function));
}

void TranslatingVisitor::OnRefAsNonNull(ValType type) {
  At(Opcode::kRefAsNonNull);
  builder_.Trapnz(env_->RefIsNull(builder_, type, stack_.back()), env_->traps().null_reference);
}

void TranslatingVisitor::OnRefEq() {
  At(Opcode::kRefEq);
  const Value right = Pop();
  const Value left = Pop();
  Push(builder_.Icmp(codegen::IntCC::kEq, left, right));
}

void TranslatingVisitor::OnGc(Opcode op, const GcImmediates&) {
  At(op);
  switch (op) {
    case Opcode::kRefI31: {
      // The 31 bits above a set bit, in place of a handle.
      const Value shifted = builder_.Ishl(Pop(), builder_.I32(1));
      PushTraced(state_->operand(0), builder_.Bor(shifted, builder_.I32(1)));
      return;
    }
    case Opcode::kI31GetS:
    case Opcode::kI31GetU: {
      const Value reference = Pop();
      builder_.Trapz(reference, env_->traps().null_i31_reference);
      const Value one = builder_.I32(1);
      Push(op == Opcode::kI31GetS ? builder_.Sshr(reference, one) : builder_.Ushr(reference, one));
      return;
    }
    // Both hierarchies have the same handles.
    case Opcode::kAnyConvertExtern:
    case Opcode::kExternConvertAny:
      return;
    default:
      OnUnsupported(op);
  }
}

}  // namespace gantry::wasm
