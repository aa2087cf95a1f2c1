// Constant expressions as plain data: what initialises globals, tables and segments.
//
//   ConstExpr offset({ConstOp::I32Const(16)});
//   ConstExpr from_import({ConstOp::GlobalGet(GlobalIndex(0)), ConstOp::I32Const(4),
//                          ConstOp::I32Add()});
//
// Operations are in the order of the binary format, without the final `end`: a stack
// machine whose one remaining value is the result. The expression was validated; its
// evaluation needs nothing but an instance. (WebAssembly 3.0, "Constant Expressions".)
#ifndef GANTRY_ENVIRON_CORE_CONST_EXPR_H_
#define GANTRY_ENVIRON_CORE_CONST_EXPR_H_

#include <cstdint>
#include <utility>
#include <vector>

#include "absl/types/span.h"
#include "wasm_translate/types.h"

namespace gantry::environ {

struct ConstOp {
  // Numbers are part of artifacts: append, never renumber.
  enum class Kind : uint8_t {
    kI32Const,   // value[0], zero-extended
    kI64Const,   // value[0]
    kF32Const,   // value[0]: the bits
    kF64Const,   // value[0]: the bits
    kV128Const,  // value[0] the low half, value[1] the high half
    kGlobalGet,  // value[0]: GlobalIndex
    kRefNull,    // value[0]: bits of the ValType of the null
    kRefFunc,    // value[0]: FuncIndex
    kI32Add,
    kI32Sub,
    kI32Mul,
    kI64Add,
    kI64Sub,
    kI64Mul,
    // Aggregates and conversions of the GC proposal; value[0]: TypeIndex where there is one,
    // value[1]: length of array_new_fixed.
    kRefI31,
    kStructNew,
    kStructNewDefault,
    kArrayNew,
    kArrayNewDefault,
    kArrayNewFixed,
    kAnyConvertExtern,
    kExternConvertAny,
  };

  Kind kind;
  uint64_t value[2] = {0, 0};

  static ConstOp I32Const(uint32_t value) { return {Kind::kI32Const, {value, 0}}; }
  static ConstOp I64Const(uint64_t value) { return {Kind::kI64Const, {value, 0}}; }
  static ConstOp F32Const(uint32_t bits) { return {Kind::kF32Const, {bits, 0}}; }
  static ConstOp F64Const(uint64_t bits) { return {Kind::kF64Const, {bits, 0}}; }
  static ConstOp V128Const(uint64_t low, uint64_t high) { return {Kind::kV128Const, {low, high}}; }
  static ConstOp GlobalGet(wasm::GlobalIndex index) { return {Kind::kGlobalGet, {index.raw(), 0}}; }
  static ConstOp RefNull(wasm::ValType type) { return {Kind::kRefNull, {type.bits(), 0}}; }
  static ConstOp RefFunc(wasm::FuncIndex index) { return {Kind::kRefFunc, {index.raw(), 0}}; }
  static ConstOp Simple(Kind kind) { return {kind, {0, 0}}; }

  friend bool operator==(const ConstOp&, const ConstOp&) = default;
};

class ConstExpr {
 public:
  ConstExpr() = default;
  explicit ConstExpr(std::vector<ConstOp> ops) : ops_(std::move(ops)) {}

  absl::Span<const ConstOp> ops() const { return ops_; }
  // No expression, as for a table whose elements start as null.
  bool empty() const { return ops_.empty(); }

  friend bool operator==(const ConstExpr&, const ConstExpr&) = default;

 private:
  std::vector<ConstOp> ops_;
};

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CORE_CONST_EXPR_H_
