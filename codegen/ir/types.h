// Type: what a value of the IR is, in one byte.
//
// The low four bits name a lane, the high four bits are the logarithm of the lane count:
// I32 is one lane, I32X4 four of them. Addresses are I64.
// Values that are vectors all have the type V128, 128 bits that nothing divides; I8X16 to
// F64X2 are shapes, which only instructions have: how this operation sees the lanes.
// References are integers (I32 handles, I64 for funcref) that the function marks.
//
//   TypeBits(Type::kV128) == 128
//   LaneType(Type::kI32X4) == Type::kI32
//   TypeName(Type::kF64) == "f64"
#ifndef GANTRY_CODEGEN_IR_TYPES_H_
#define GANTRY_CODEGEN_IR_TYPES_H_

#include <array>
#include <cstdint>
#include <optional>
#include <ostream>

#include "absl/strings/string_view.h"

namespace gantry::codegen {

enum class Type : uint8_t {
  kInvalid = 0x00,
  kI8 = 0x01,
  kI16 = 0x02,
  kI32 = 0x03,
  kI64 = 0x04,
  kF32 = 0x08,
  kF64 = 0x09,
  kV128 = 0x0F,
  kI8X16 = 0x41,
  kI16X8 = 0x32,
  kI32X4 = 0x23,
  kI64X2 = 0x14,
  kF32X4 = 0x28,
  kF64X2 = 0x19,
};

// The type of addresses.
inline constexpr Type kAddressType = Type::kI64;

constexpr Type LaneType(Type type) { return static_cast<Type>(static_cast<uint8_t>(type) & 0x0F); }
constexpr uint32_t LaneCount(Type type) { return 1u << (static_cast<uint8_t>(type) >> 4); }
// Bits of one lane; 0 for kInvalid.
constexpr uint32_t LaneBits(Type type) {
  switch (LaneType(type)) {
    case Type::kI8:
      return 8;
    case Type::kI16:
      return 16;
    case Type::kI32:
    case Type::kF32:
      return 32;
    case Type::kI64:
    case Type::kF64:
      return 64;
    case Type::kV128:
      return 128;
    default:
      return 0;
  }
}
constexpr uint32_t TypeBits(Type type) { return LaneBits(type) * LaneCount(type); }
constexpr uint32_t TypeBytes(Type type) { return TypeBits(type) / 8; }
// V128 and the shapes; the shapes alone.
constexpr bool IsVector(Type type) { return static_cast<uint8_t>(type) >= 0x0F; }
constexpr bool IsShape(Type type) { return static_cast<uint8_t>(type) >= 0x10; }
// Scalar integer, scalar float.
constexpr bool IsInt(Type type) {
  return static_cast<uint8_t>(type) >= 0x01 && static_cast<uint8_t>(type) <= 0x04;
}
constexpr bool IsFloat(Type type) { return type == Type::kF32 || type == Type::kF64; }
constexpr bool IsScalar(Type type) { return IsInt(type) || IsFloat(type); }
// What a value may have.
constexpr bool IsValueType(Type type) { return IsScalar(type) || type == Type::kV128; }

// The scalar that a lane of a shape is made of and read as: I32 for lanes of up to 32 bits.
constexpr Type LaneScalar(Type shape) {
  const Type lane = LaneType(shape);
  return lane == Type::kI8 || lane == Type::kI16 ? Type::kI32 : lane;
}

// The scalar integer of so many bits; none where there is no such type.
constexpr std::optional<Type> IntTypeOfBits(uint32_t bits) {
  switch (bits) {
    case 8:
      return Type::kI8;
    case 16:
      return Type::kI16;
    case 32:
      return Type::kI32;
    case 64:
      return Type::kI64;
    default:
      return std::nullopt;
  }
}
// All ones in the low TypeBits(type) bits of a scalar of at most 64 bits.
constexpr uint64_t TypeMask(Type type) {
  return TypeBits(type) >= 64 ? ~uint64_t{0} : (uint64_t{1} << TypeBits(type)) - 1;
}

constexpr const char* TypeNameCString(Type type) {
  switch (type) {
    case Type::kInvalid:
      return "invalid";
    case Type::kI8:
      return "i8";
    case Type::kI16:
      return "i16";
    case Type::kI32:
      return "i32";
    case Type::kI64:
      return "i64";
    case Type::kF32:
      return "f32";
    case Type::kF64:
      return "f64";
    case Type::kV128:
      return "v128";
    case Type::kI8X16:
      return "i8x16";
    case Type::kI16X8:
      return "i16x8";
    case Type::kI32X4:
      return "i32x4";
    case Type::kI64X2:
      return "i64x2";
    case Type::kF32X4:
      return "f32x4";
    case Type::kF64X2:
      return "f64x2";
  }
  return "invalid";
}
constexpr absl::string_view TypeName(Type type) { return TypeNameCString(type); }

inline constexpr Type kAllTypes[] = {
    Type::kI8,    Type::kI16,   Type::kI32,   Type::kI64,   Type::kF32,   Type::kF64,   Type::kV128,
    Type::kI8X16, Type::kI16X8, Type::kI32X4, Type::kI64X2, Type::kF32X4, Type::kF64X2,
};

inline constexpr Type kShapes[] = {
    Type::kI8X16, Type::kI16X8, Type::kI32X4, Type::kI64X2, Type::kF32X4, Type::kF64X2,
};

// The byte of two vectors, one behind the other, that goes to each byte of a shuffle's result.
using ShuffleLanes = std::array<uint8_t, 16>;

// The type of that name.
inline std::optional<Type> TypeFromName(absl::string_view name) {
  for (Type type : kAllTypes) {
    if (TypeName(type) == name) return type;
  }
  return std::nullopt;
}

inline std::ostream& operator<<(std::ostream& out, Type type) {
  return out << TypeNameCString(type);
}

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_IR_TYPES_H_
