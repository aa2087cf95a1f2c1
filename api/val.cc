#include "api/val.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace gantry {
namespace {

// The shortest decimal that reads back as the same number.
template <typename Float>
std::string ShortestDecimal(Float value, int max_digits) {
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char text[64];
  for (int digits = 1; digits <= max_digits; ++digits) {
    std::snprintf(text, sizeof(text), "%.*g", digits, static_cast<double>(value));
    if (static_cast<Float>(std::strtod(text, nullptr)) == value) break;
  }
  return text;
}

std::string NanText(bool negative, uint64_t payload, uint64_t canonical_payload) {
  const char* sign = negative ? "-" : "";
  if (payload == canonical_payload) return absl::StrCat(sign, "nan");
  return absl::StrFormat("%snan:0x%x", sign, payload);
}

}  // namespace

Val Val::Default(ValType type) {
  switch (type.kind()) {
    case ValType::Kind::kI32:
      return I32(0);
    case ValType::Kind::kI64:
      return I64(0);
    case ValType::Kind::kF32:
      return F32Bits(0);
    case ValType::Kind::kF64:
      return F64Bits(0);
    case ValType::Kind::kV128:
      return V128(0, 0);
    case ValType::Kind::kRef: {
      const wasm::HeapType heap = type.heap_type();
      if (heap.is_concrete() && !heap.is_canonical()) return FuncRef(std::nullopt);
      switch (wasm::TopOfHierarchy(heap)) {
        case wasm::AbstractHeapType::kFunc:
          return FuncRef(std::nullopt);
        case wasm::AbstractHeapType::kExtern:
          return ExternRef(std::nullopt);
        case wasm::AbstractHeapType::kExn:
          return ExnRef(std::nullopt);
        default:
          return AnyRef(std::nullopt);
      }
    }
    case ValType::Kind::kBottom:
      break;
  }
  UNREACHABLE() << type;
}

ValType Val::type() const {
  switch (kind_) {
    case Kind::kI32:
      return ValType::I32();
    case Kind::kI64:
      return ValType::I64();
    case Kind::kF32:
      return ValType::F32();
    case Kind::kF64:
      return ValType::F64();
    case Kind::kV128:
      return ValType::V128();
    case Kind::kFuncRef:
      return ValType::FuncRef();
    case Kind::kExternRef:
      return ValType::ExternRef();
    case Kind::kAnyRef:
      return ValType::Ref(wasm::HeapType::Abstract(wasm::AbstractHeapType::kAny), true);
    case Kind::kExnRef:
      return ValType::ExnRef();
  }
  UNREACHABLE() << static_cast<int>(kind_);
}

bool Val::is_null() const {
  switch (kind_) {
    case Kind::kFuncRef:
      return !func_.has_value();
    case Kind::kExternRef:
      return !extern_ref_.has_value();
    case Kind::kAnyRef:
      return !any_ref_.has_value();
    case Kind::kExnRef:
      return !exn_ref_.has_value();
    default:
      return false;
  }
}

std::string Val::ToString() const {
  switch (kind_) {
    case Kind::kI32:
      return absl::StrCat(i32());
    case Kind::kI64:
      return absl::StrCat(i64());
    case Kind::kF32: {
      const uint32_t bits = f32_bits();
      if (std::isnan(f32())) return NanText(bits >> 31 != 0, bits & 0x7FFFFF, 0x400000);
      return ShortestDecimal(f32(), 9);
    }
    case Kind::kF64: {
      const uint64_t bits = f64_bits();
      if (std::isnan(f64())) {
        return NanText(bits >> 63 != 0, bits & 0xFFFFFFFFFFFFF, uint64_t{1} << 51);
      }
      return ShortestDecimal(f64(), 17);
    }
    case Kind::kV128:
      return absl::StrFormat("0x%016x%016x", high_, low_);
    case Kind::kFuncRef:
      return func_ ? "funcref" : "null";
    case Kind::kExternRef:
      return extern_ref_ ? "externref" : "null";
    case Kind::kAnyRef:
      if (!any_ref_) return "null";
      return any_ref_->is_i31() ? absl::StrCat("i31 ", any_ref_->i31()) : "anyref";
    case Kind::kExnRef:
      return exn_ref_ ? "exnref" : "null";
  }
  UNREACHABLE() << static_cast<int>(kind_);
}

}  // namespace gantry
