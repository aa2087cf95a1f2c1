// The visitor that turns a constant expression under validation into plain data.
#ifndef GANTRY_WASM_TRANSLATE_CONST_EXPR_COLLECTOR_H_
#define GANTRY_WASM_TRANSLATE_CONST_EXPR_COLLECTOR_H_

#include <array>
#include <cstdint>
#include <cstring>

#include "base/check.h"
#include "entity/entity_set.h"
#include "wasm_translate/const_expr.h"
#include "wasm_translate/operators.h"
#include "wasm_translate/types.h"
#include "wasm_translate/visitor.h"

namespace gantry::wasm {

class ConstExprCollector : public VisitorBase<ConstExprCollector> {
 public:
  // Appends to `out`, and inserts functions referred to into `referenced`.
  ConstExprCollector(ConstExpr* out, entity::EntitySet<FuncIndex>* referenced)
      : out_(out), referenced_(referenced) {}

  // The validator lets through only what is constant.
  void OnUnsupported(Opcode op) { UNREACHABLE() << op << " is not constant"; }

  void OnI32Const(int32_t value) {
    Add(ConstOp::Kind::kI32Const).bits = static_cast<uint32_t>(value);
  }
  void OnI64Const(int64_t value) {
    Add(ConstOp::Kind::kI64Const).bits = static_cast<uint64_t>(value);
  }
  void OnF32Const(uint32_t bits) { Add(ConstOp::Kind::kF32Const).bits = bits; }
  void OnF64Const(uint64_t bits) { Add(ConstOp::Kind::kF64Const).bits = bits; }
  void OnV128Const(const std::array<uint8_t, 16>& value) {
    ConstOp& op = Add(ConstOp::Kind::kV128Const);
    std::memcpy(&op.bits, value.data(), sizeof(op.bits));
    std::memcpy(&op.high_bits, value.data() + sizeof(op.bits), sizeof(op.high_bits));
  }
  void OnRefNull(ValType type) { Add(ConstOp::Kind::kRefNull).type = type; }
  void OnRefFunc(FuncIndex func) {
    referenced_->insert(func);
    Add(ConstOp::Kind::kRefFunc).index = func.raw();
  }
  void OnGlobalGet(GlobalIndex global, const GlobalType&) {
    Add(ConstOp::Kind::kGlobalGet).index = global.raw();
  }
  void OnSimple(Opcode op) { Add(KindOf(op)); }
  void OnGc(Opcode op, const GcImmediates& immediates) {
    ConstOp& added = Add(KindOf(op));
    if (immediates.type.is_some()) added.index = immediates.type.raw();
    added.bits = immediates.count;
  }

 private:
  static ConstOp::Kind KindOf(Opcode op) {
    switch (op) {
      case Opcode::kI32Add:
        return ConstOp::Kind::kI32Add;
      case Opcode::kI32Sub:
        return ConstOp::Kind::kI32Sub;
      case Opcode::kI32Mul:
        return ConstOp::Kind::kI32Mul;
      case Opcode::kI64Add:
        return ConstOp::Kind::kI64Add;
      case Opcode::kI64Sub:
        return ConstOp::Kind::kI64Sub;
      case Opcode::kI64Mul:
        return ConstOp::Kind::kI64Mul;
      case Opcode::kStructNew:
        return ConstOp::Kind::kStructNew;
      case Opcode::kStructNewDefault:
        return ConstOp::Kind::kStructNewDefault;
      case Opcode::kArrayNew:
        return ConstOp::Kind::kArrayNew;
      case Opcode::kArrayNewDefault:
        return ConstOp::Kind::kArrayNewDefault;
      case Opcode::kArrayNewFixed:
        return ConstOp::Kind::kArrayNewFixed;
      case Opcode::kRefI31:
        return ConstOp::Kind::kRefI31;
      case Opcode::kAnyConvertExtern:
        return ConstOp::Kind::kAnyConvertExtern;
      case Opcode::kExternConvertAny:
        return ConstOp::Kind::kExternConvertAny;
      default:
        UNREACHABLE() << op << " is not constant";
    }
  }

  ConstOp& Add(ConstOp::Kind kind) {
    out_->ops.emplace_back();
    out_->ops.back().kind = kind;
    return out_->ops.back();
  }

  ConstExpr* out_;
  entity::EntitySet<FuncIndex>* referenced_;
};

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_CONST_EXPR_COLLECTOR_H_
