// Runs bytes that may be a module through everything: parse, validate, compile with all
// checkers on, load, instantiate with made-up imports, and call every export under fuel.
#ifndef GANTRY_TESTS_ROBUSTNESS_HOSTILE_H_
#define GANTRY_TESTS_ROBUSTNESS_HOSTILE_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/types/span.h"
#include "api/engine.h"
#include "api/module.h"

namespace gantry::testing {

// An engine that counts fuel, checks each register allocation and verifies IR, with small
// reservations so that thousands of instances fit.
Engine HostileEngine();

struct HostileOutcome {
  // Of the compilation.
  absl::Status compiled;
  // Calls of exports that returned, and that ended in a trap.
  int returned = 0;
  int trapped = 0;
};

// Whatever the bytes are, this returns.
HostileOutcome RunHostile(const Engine& engine, absl::Span<const uint8_t> bytes,
                          uint64_t fuel_per_call = 20'000);

// Whether a refusal is of the kinds that a module may cause, and says where.
bool IsProperRefusal(const absl::Status& status);

}  // namespace gantry::testing

#endif  // GANTRY_TESTS_ROBUSTNESS_HOSTILE_H_
