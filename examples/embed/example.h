// What every example here begins and ends with: a function that returns a Status, and a main that
// says how it went.
#ifndef GANTRY_EXAMPLES_EMBED_EXAMPLE_H_
#define GANTRY_EXAMPLES_EMBED_EXAMPLE_H_

#include <iostream>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/status_macros.h"

// Fails the example where a condition does not hold.
#define EXAMPLE_EXPECT(condition) \
  if (!(condition)) return absl::InternalError("not so: " #condition)

absl::Status Example();

int main() {
  const absl::Status status = Example();
  std::cout << status << "\n";
  return status.ok() ? 0 : 1;
}

#endif  // GANTRY_EXAMPLES_EMBED_EXAMPLE_H_
