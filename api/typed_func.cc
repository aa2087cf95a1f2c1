// Tested by typed_func_test.cc.
#include "api/typed_func.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gantry::api_internal {

absl::Status CheckFuncType(Store& store, const Func& func, const FuncType& expected) {
  ASSIGN_OR_RETURN(const FuncType found, func.type(store));
  if (found == expected) return absl::OkStatus();
  return absl::InvalidArgumentError(absl::StrCat("a function of type ", expected.ToString(),
                                                 " is expected, found is one of type ",
                                                 found.ToString()));
}

absl::Status FuncOfAnotherStore() {
  return absl::InvalidArgumentError(
      "the function belongs to another store than the one it is used with");
}

}  // namespace gantry::api_internal
