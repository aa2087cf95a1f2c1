// Val: one WebAssembly value with its type.
//
//   Val x = Val::I32(7);
//   if (x.kind() == Val::Kind::kI32) use(x.i32());
//
// References belong to the store they come from; handing one to another store is an error
// that the call reports.
#ifndef GANTRY_API_VAL_H_
#define GANTRY_API_VAL_H_

#include <array>
#include <bit>
#include <cstdint>
#include <cstring>
#include <optional>
#include <string>

#include "api/extern.h"
#include "api/module.h"
#include "base/check.h"

namespace gantry {

class Val {
 public:
  // References by the hierarchy of their type: a null of any type of a hierarchy is the same.
  enum class Kind : uint8_t {
    kI32,
    kI64,
    kF32,
    kF64,
    kV128,
    kFuncRef,    // funcref and below: typed function references, nullfuncref
    kExternRef,  // externref, nullexternref
    kAnyRef,     // anyref, eqref, i31ref, structref, arrayref, typed objects, nullref
    kExnRef,     // exnref, nullexnref
  };

  // i32 zero.
  Val() = default;
  static Val I32(int32_t value) { return Val(Kind::kI32, static_cast<uint32_t>(value)); }
  static Val I64(int64_t value) { return Val(Kind::kI64, static_cast<uint64_t>(value)); }
  static Val F32(float value) { return Val(Kind::kF32, std::bit_cast<uint32_t>(value)); }
  static Val F64(double value) { return Val(Kind::kF64, std::bit_cast<uint64_t>(value)); }
  // Floats by their bits, so that NaN payloads survive any host.
  static Val F32Bits(uint32_t bits) { return Val(Kind::kF32, bits); }
  static Val F64Bits(uint64_t bits) { return Val(Kind::kF64, bits); }
  // The low half first.
  static Val V128(uint64_t low, uint64_t high) {
    Val value(Kind::kV128, low);
    value.high_ = high;
    return value;
  }
  static Val FuncRef(std::optional<Func> func) {
    Val value(Kind::kFuncRef, 0);
    value.func_ = func;
    return value;
  }
  static Val ExternRef(std::optional<gantry::ExternRef> reference) {
    Val value(Kind::kExternRef, 0);
    value.extern_ref_ = reference;
    return value;
  }
  static Val AnyRef(std::optional<gantry::AnyRef> reference) {
    Val value(Kind::kAnyRef, 0);
    value.any_ref_ = reference;
    return value;
  }
  // The low 31 bits of a number, unboxed.
  static Val I31(int32_t bits) { return AnyRef(gantry::AnyRef::I31(bits)); }
  static Val ExnRef(std::optional<gantry::ExnRef> reference) {
    Val value(Kind::kExnRef, 0);
    value.exn_ref_ = reference;
    return value;
  }
  // Zero or null of a type. A reference to a module's own type (by index, not canonical) is
  // taken for one to a function.
  static Val Default(ValType type);

  Kind kind() const { return kind_; }
  // Each only for its own kind.
  int32_t i32() const { return static_cast<int32_t>(Bits(Kind::kI32)); }
  int64_t i64() const { return static_cast<int64_t>(Bits(Kind::kI64)); }
  float f32() const { return std::bit_cast<float>(f32_bits()); }
  double f64() const { return std::bit_cast<double>(f64_bits()); }
  uint32_t f32_bits() const { return static_cast<uint32_t>(Bits(Kind::kF32)); }
  uint64_t f64_bits() const { return Bits(Kind::kF64); }
  std::array<uint64_t, 2> v128() const { return {Bits(Kind::kV128), high_}; }
  const std::optional<Func>& func_ref() const {
    CHECK(kind_ == Kind::kFuncRef);
    return func_;
  }
  const std::optional<gantry::ExternRef>& extern_ref() const {
    CHECK(kind_ == Kind::kExternRef);
    return extern_ref_;
  }

  const std::optional<gantry::AnyRef>& any_ref() const {
    CHECK(kind_ == Kind::kAnyRef);
    return any_ref_;
  }
  const std::optional<gantry::ExnRef>& exn_ref() const {
    CHECK(kind_ == Kind::kExnRef);
    return exn_ref_;
  }
  // Whether it is a reference, and null.
  bool is_null() const;

  // The type; that of a reference is the nullable top of its hierarchy.
  ValType type() const;
  // "7", "1.5", "nan:0x7fc00001", "null", "i31 7": as the command prints results.
  std::string ToString() const;

 private:
  Val(Kind kind, uint64_t low) : kind_(kind), low_(low) {}
  uint64_t Bits(Kind kind) const {
    CHECK(kind_ == kind) << "value is of another kind: " << static_cast<int>(kind_);
    return low_;
  }

  Kind kind_ = Kind::kI32;
  uint64_t low_ = 0;
  uint64_t high_ = 0;
  std::optional<Func> func_;
  std::optional<gantry::ExternRef> extern_ref_;
  std::optional<gantry::AnyRef> any_ref_;
  std::optional<gantry::ExnRef> exn_ref_;
};

}  // namespace gantry

#endif  // GANTRY_API_VAL_H_
