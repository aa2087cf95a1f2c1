// Values between the API's form and raw slots, with every check that a hostile mix of stores
// and types needs. Private to `api`.
#ifndef GANTRY_API_CONVERT_H_
#define GANTRY_API_CONVERT_H_

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "api/store.h"
#include "api/val.h"
#include "runtime/val_raw.h"

namespace gantry::api_internal {

// A value as a slot of type `type` (references canonical). Error: kInvalidArgument naming
// expected and given type, or that a reference is of another store; `what` names the value.
absl::StatusOr<runtime::ValRaw> ToRaw(Store& store, const Val& value, ValType type,
                                      absl::string_view what);

// A slot that holds a valid value of `type`. References are rooted.
Val FromRaw(Store& store, ValType type, const runtime::ValRaw& raw);

}  // namespace gantry::api_internal

#endif  // GANTRY_API_CONVERT_H_
