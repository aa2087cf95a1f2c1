// CHECK: stops the process when what must be true is not.
//
// For the impossible only; what a user can cause is an absl::Status. CHECK stays on in
// every build (the sandbox rests on some of them); DCHECK vanishes under NDEBUG. Extra
// text is streamed, and evaluated only on failure:
//
//   CHECK(index < size) << "while lowering " << inst;
//   CHECK_EQ(a, b);
//   CHECK_OK(status);
#ifndef GANTRY_BASE_CHECK_H_
#define GANTRY_BASE_CHECK_H_

#include <optional>
#include <ostream>
#include <sstream>
#include <string>
#include <type_traits>

#include "absl/base/attributes.h"
#include "absl/base/optimization.h"
#include "absl/status/status.h"

namespace gantry::base_internal {

// Collects the message of one failed check and aborts when destroyed.
class CheckFailure {
 public:
  CheckFailure(const char* file, int line, const char* condition);
  ABSL_ATTRIBUTE_NORETURN ~CheckFailure();
  std::ostream& stream() { return stream_; }

 private:
  std::ostringstream stream_;
};

// Turns a streamed failure into void so that it fits the other arm of a conditional.
struct Voidify {
  void operator&(std::ostream&) const {}
};

// Prints a value if it can be printed, its address class otherwise.
template <typename T>
void PrintOperand(std::ostream& out, const T& value) {
  if constexpr (requires { out << value; }) {
    out << value;
  } else if constexpr (std::is_enum_v<T>) {
    out << static_cast<long long>(value);
  } else {
    out << "(unprintable)";
  }
}

template <typename A, typename B>
ABSL_ATTRIBUTE_NOINLINE std::string OperandText(const A& a, const B& b) {
  std::ostringstream out;
  out << "(";
  PrintOperand(out, a);
  out << " vs. ";
  PrintOperand(out, b);
  out << ") ";
  return out.str();
}

// Nothing where the comparison holds, the operands' text where it does not.
template <typename A, typename B, typename Compare>
std::optional<std::string> CompareOperands(const A& a, const B& b, Compare compare) {
  if (ABSL_PREDICT_TRUE(compare(a, b))) return std::nullopt;
  return OperandText(a, b);
}

}  // namespace gantry::base_internal

#define CHECK(condition)                 \
  ABSL_PREDICT_TRUE(condition)           \
  ? (void)0                              \
  : ::gantry::base_internal::Voidify() & \
          ::gantry::base_internal::CheckFailure(__FILE__, __LINE__, #condition).stream()

// Keeps an else that follows a check from binding to the check's own if.
#define GANTRY_AMBIGUOUS_ELSE_BLOCKER \
  switch (0)                          \
  case 0:                             \
  default:

#define GANTRY_CHECK_OP(a, op, b)                                                         \
  GANTRY_AMBIGUOUS_ELSE_BLOCKER                                                           \
  if (const auto gantry_operands = ::gantry::base_internal::CompareOperands(              \
          (a), (b), [](const auto& x, const auto& y) { return x op y; });                 \
      ABSL_PREDICT_TRUE(!gantry_operands.has_value())) {                                  \
  } else                                                                                  \
    ::gantry::base_internal::CheckFailure(__FILE__, __LINE__, #a " " #op " " #b).stream() \
        << *gantry_operands

#define CHECK_EQ(a, b) GANTRY_CHECK_OP(a, ==, b)
#define CHECK_NE(a, b) GANTRY_CHECK_OP(a, !=, b)
#define CHECK_LT(a, b) GANTRY_CHECK_OP(a, <, b)
#define CHECK_LE(a, b) GANTRY_CHECK_OP(a, <=, b)
#define CHECK_GT(a, b) GANTRY_CHECK_OP(a, >, b)
#define CHECK_GE(a, b) GANTRY_CHECK_OP(a, >=, b)

#define CHECK_OK(expression)                                                                      \
  GANTRY_AMBIGUOUS_ELSE_BLOCKER                                                                   \
  if (const ::absl::Status gantry_status = (expression); ABSL_PREDICT_TRUE(gantry_status.ok())) { \
  } else                                                                                          \
    ::gantry::base_internal::CheckFailure(__FILE__, __LINE__, #expression " is OK").stream()      \
        << gantry_status << " "

#ifdef NDEBUG
#define GANTRY_DCHECK_IS_ON() false
#else
#define GANTRY_DCHECK_IS_ON() true
#endif

#define DCHECK(condition) CHECK(!GANTRY_DCHECK_IS_ON() || (condition))
#define DCHECK_EQ(a, b) DCHECK((a) == (b))
#define DCHECK_NE(a, b) DCHECK((a) != (b))
#define DCHECK_LT(a, b) DCHECK((a) < (b))
#define DCHECK_LE(a, b) DCHECK((a) <= (b))
#define DCHECK_GT(a, b) DCHECK((a) > (b))
#define DCHECK_GE(a, b) DCHECK((a) >= (b))

// Marks a place that control never reaches, such as after an exhaustive switch.
#define UNREACHABLE() \
  ::gantry::base_internal::CheckFailure(__FILE__, __LINE__, "unreachable").stream()

#endif  // GANTRY_BASE_CHECK_H_
