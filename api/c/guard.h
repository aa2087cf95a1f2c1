// What every function of the C interface does with a failure: nothing is thrown through it, and the
// last error of the thread says what it was. Private to `api/c`.
//
// Tested by gantry_test.c.
#ifndef GANTRY_API_C_GUARD_H_
#define GANTRY_API_C_GUARD_H_

#include <new>
#include <utility>

#include "absl/status/status.h"

namespace gantry::c_api {

void SetLastError(const absl::Status& status);
void SetOutOfMemory();

// Runs `body`, which returns what the function does; `failed` where memory runs out.
template <typename Result, typename Body>
Result Guard(Result failed, Body&& body) {
  try {
    return body();
  } catch (const std::bad_alloc&) {
    SetOutOfMemory();
    return failed;
  }
}
template <typename Body>
void GuardVoid(Body&& body) {
  try {
    body();
  } catch (const std::bad_alloc&) {
    SetOutOfMemory();
  }
}

// A StatusOr's value as a pointer that is given to the caller, made by `make`; null and the last
// error otherwise.
template <typename Value, typename Make>
auto Give(Value&& value, Make&& make) -> decltype(make(*std::forward<Value>(value))) {
  if (value.ok()) return make(*std::forward<Value>(value));
  SetLastError(value.status());
  return nullptr;
}

}  // namespace gantry::c_api

#endif  // GANTRY_API_C_GUARD_H_
