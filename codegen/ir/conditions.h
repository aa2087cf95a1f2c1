// Conditions of icmp and fcmp.
#ifndef GANTRY_CODEGEN_IR_CONDITIONS_H_
#define GANTRY_CODEGEN_IR_CONDITIONS_H_

#include <cstdint>
#include <optional>
#include <ostream>

#include "absl/strings/string_view.h"

namespace gantry::codegen {

// Integer comparison: S is signed, U unsigned.
enum class IntCC : uint8_t {
  kEq,
  kNe,
  kSlt,
  kSge,
  kSgt,
  kSle,
  kUlt,
  kUge,
  kUgt,
  kUle,
};
inline constexpr int kNumIntCCs = 10;

// Float comparison. Those without U are false when an operand is a NaN; those with U
// ("unordered or") are true then. kNe is the IEEE 754 "not equal": true on a NaN.
enum class FloatCC : uint8_t {
  kOrdered,    // Neither is a NaN.
  kUnordered,  // One is a NaN.
  kEq,
  kNe,
  kLt,
  kLe,
  kGt,
  kGe,
  kUeq,  // Equal or unordered.
  kOne,  // Less or greater.
  kUlt,
  kUle,
  kUgt,
  kUge,
};
inline constexpr int kNumFloatCCs = 14;

namespace condition_internal {
inline constexpr const char* kIntNames[] = {"eq",  "ne",  "slt", "sge", "sgt",
                                            "sle", "ult", "uge", "ugt", "ule"};
inline constexpr const char* kFloatNames[] = {"ord", "uno", "eq",  "ne",  "lt",  "le",  "gt",
                                              "ge",  "ueq", "one", "ult", "ule", "ugt", "uge"};
}  // namespace condition_internal

constexpr const char* ConditionName(IntCC cc) {
  return condition_internal::kIntNames[static_cast<int>(cc)];
}
constexpr const char* ConditionName(FloatCC cc) {
  return condition_internal::kFloatNames[static_cast<int>(cc)];
}
inline std::optional<IntCC> IntCCFromName(absl::string_view name) {
  for (int i = 0; i < kNumIntCCs; ++i) {
    if (name == condition_internal::kIntNames[i]) return static_cast<IntCC>(i);
  }
  return std::nullopt;
}
inline std::optional<FloatCC> FloatCCFromName(absl::string_view name) {
  for (int i = 0; i < kNumFloatCCs; ++i) {
    if (name == condition_internal::kFloatNames[i]) return static_cast<FloatCC>(i);
  }
  return std::nullopt;
}
inline std::ostream& operator<<(std::ostream& out, IntCC cc) { return out << ConditionName(cc); }
inline std::ostream& operator<<(std::ostream& out, FloatCC cc) { return out << ConditionName(cc); }

// True where `cc` is false and the reverse.
constexpr IntCC Inverse(IntCC cc) {
  switch (cc) {
    case IntCC::kEq:
      return IntCC::kNe;
    case IntCC::kNe:
      return IntCC::kEq;
    case IntCC::kSlt:
      return IntCC::kSge;
    case IntCC::kSge:
      return IntCC::kSlt;
    case IntCC::kSgt:
      return IntCC::kSle;
    case IntCC::kSle:
      return IntCC::kSgt;
    case IntCC::kUlt:
      return IntCC::kUge;
    case IntCC::kUge:
      return IntCC::kUlt;
    case IntCC::kUgt:
      return IntCC::kUle;
    case IntCC::kUle:
      return IntCC::kUgt;
  }
  return cc;
}
// The condition that holds for (y, x) exactly where `cc` holds for (x, y).
constexpr IntCC Swapped(IntCC cc) {
  switch (cc) {
    case IntCC::kEq:
    case IntCC::kNe:
      return cc;
    case IntCC::kSlt:
      return IntCC::kSgt;
    case IntCC::kSge:
      return IntCC::kSle;
    case IntCC::kSgt:
      return IntCC::kSlt;
    case IntCC::kSle:
      return IntCC::kSge;
    case IntCC::kUlt:
      return IntCC::kUgt;
    case IntCC::kUge:
      return IntCC::kUle;
    case IntCC::kUgt:
      return IntCC::kUlt;
    case IntCC::kUle:
      return IntCC::kUge;
  }
  return cc;
}
constexpr bool IsSigned(IntCC cc) {
  return cc == IntCC::kSlt || cc == IntCC::kSge || cc == IntCC::kSgt || cc == IntCC::kSle;
}

constexpr FloatCC Inverse(FloatCC cc) {
  switch (cc) {
    case FloatCC::kOrdered:
      return FloatCC::kUnordered;
    case FloatCC::kUnordered:
      return FloatCC::kOrdered;
    case FloatCC::kEq:
      return FloatCC::kNe;
    case FloatCC::kNe:
      return FloatCC::kEq;
    case FloatCC::kLt:
      return FloatCC::kUge;
    case FloatCC::kLe:
      return FloatCC::kUgt;
    case FloatCC::kGt:
      return FloatCC::kUle;
    case FloatCC::kGe:
      return FloatCC::kUlt;
    case FloatCC::kUeq:
      return FloatCC::kOne;
    case FloatCC::kOne:
      return FloatCC::kUeq;
    case FloatCC::kUlt:
      return FloatCC::kGe;
    case FloatCC::kUle:
      return FloatCC::kGt;
    case FloatCC::kUgt:
      return FloatCC::kLe;
    case FloatCC::kUge:
      return FloatCC::kLt;
  }
  return cc;
}
constexpr FloatCC Swapped(FloatCC cc) {
  switch (cc) {
    case FloatCC::kLt:
      return FloatCC::kGt;
    case FloatCC::kLe:
      return FloatCC::kGe;
    case FloatCC::kGt:
      return FloatCC::kLt;
    case FloatCC::kGe:
      return FloatCC::kLe;
    case FloatCC::kUlt:
      return FloatCC::kUgt;
    case FloatCC::kUle:
      return FloatCC::kUge;
    case FloatCC::kUgt:
      return FloatCC::kUlt;
    case FloatCC::kUge:
      return FloatCC::kUle;
    default:
      return cc;
  }
}

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_IR_CONDITIONS_H_
