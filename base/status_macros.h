// RETURN_IF_ERROR and ASSIGN_OR_RETURN, for functions that return absl::Status or StatusOr.
//
//   RETURN_IF_ERROR(Validate(module));
//   ASSIGN_OR_RETURN(std::vector<uint8_t> bytes, ReadFile(path));
#ifndef GANTRY_BASE_STATUS_MACROS_H_
#define GANTRY_BASE_STATUS_MACROS_H_

#include <utility>

#include "absl/base/optimization.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"

#define RETURN_IF_ERROR(expression)                                                           \
  do {                                                                                        \
    if (::absl::Status gantry_status = (expression); ABSL_PREDICT_FALSE(!gantry_status.ok())) \
      return gantry_status;                                                                   \
  } while (false)

#define GANTRY_CONCAT_INNER(a, b) a##b
#define GANTRY_CONCAT(a, b) GANTRY_CONCAT_INNER(a, b)

#define ASSIGN_OR_RETURN(target, expression) \
  GANTRY_ASSIGN_OR_RETURN(GANTRY_CONCAT(gantry_status_or_, __LINE__), target, expression)

#define GANTRY_ASSIGN_OR_RETURN(holder, target, expression)                \
  auto holder = (expression);                                              \
  if (ABSL_PREDICT_FALSE(!holder.ok())) return std::move(holder).status(); \
  target = *std::move(holder)

#endif  // GANTRY_BASE_STATUS_MACROS_H_
