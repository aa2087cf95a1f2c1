// A validated constant expression as plain data: the operators in order, for a stack
// machine of a few lines. Initialisers of globals and tables, offsets of segments and
// elements of segments are such expressions.
//
// (WebAssembly 3.0, "Constant Expressions"; extended-const included.)
#ifndef GANTRY_WASM_TRANSLATE_CONST_EXPR_H_
#define GANTRY_WASM_TRANSLATE_CONST_EXPR_H_

#include <cstdint>
#include <optional>

#include "absl/container/inlined_vector.h"
#include "wasm_translate/types.h"

namespace gantry::wasm {

// One operator. Which field of `value` or `index` counts depends on the kind.
struct ConstOp {
  enum class Kind : uint8_t {
    kI32Const,   // low 32 bits of bits
    kI64Const,   // bits
    kF32Const,   // low 32 bits of bits
    kF64Const,   // bits
    kV128Const,  // bits, high_bits
    kRefNull,    // type: the null reference type
    kRefFunc,    // func()
    kGlobalGet,  // global()
    kI32Add,
    kI32Sub,
    kI32Mul,
    kI64Add,
    kI64Sub,
    kI64Mul,
    kStructNew,         // type_index()
    kStructNewDefault,  // type_index()
    kArrayNew,          // type_index()
    kArrayNewDefault,   // type_index()
    kArrayNewFixed,     // type_index(), bits: the number of elements
    kRefI31,
    kAnyConvertExtern,
    kExternConvertAny,
  };

  Kind kind = Kind::kI32Const;
  ValType type;        // of a null reference
  uint32_t index = 0;  // raw index of the function, global or type
  uint64_t bits = 0;
  uint64_t high_bits = 0;

  FuncIndex func() const { return FuncIndex(index); }
  GlobalIndex global() const { return GlobalIndex(index); }
  TypeIndex type_index() const { return TypeIndex(index); }

  friend bool operator==(const ConstOp&, const ConstOp&) = default;
};

// At least one operator; leaves exactly one value.
struct ConstExpr {
  absl::InlinedVector<ConstOp, 1> ops;

  // The value where the whole expression is one i32.const or i64.const.
  std::optional<uint64_t> AsInteger() const {
    if (ops.size() != 1) return std::nullopt;
    if (ops[0].kind == ConstOp::Kind::kI32Const) return static_cast<uint32_t>(ops[0].bits);
    if (ops[0].kind == ConstOp::Kind::kI64Const) return ops[0].bits;
    return std::nullopt;
  }

  friend bool operator==(const ConstExpr& a, const ConstExpr& b) { return a.ops == b.ops; }
};

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_CONST_EXPR_H_
