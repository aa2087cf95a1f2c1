// For tests: whether code keeps sp a multiple of 16 by each single instruction, told from the
// words.
#ifndef GANTRY_ISA_AARCH64_STACK_POINTER_TESTING_H_
#define GANTRY_ISA_AARCH64_STACK_POINTER_TESTING_H_

#include <cstdint>
#include <string>

#include "absl/types/span.h"

namespace gantry::aarch64::testing {

struct StackPointerReport {
  // Instructions that change sp.
  uint64_t changes = 0;
  // The first that does so by anything but a multiple of 16, or to a value of which nothing is
  // known: its offset and text. Empty where there is none.
  std::string broken;
};

// Adds what `code` does, instructions alone, to the report. sp is a multiple of 16 at its start and
// x29 is one, too, wherever it is moved to sp.
void ScanStackPointer(absl::Span<const uint8_t> code, StackPointerReport* report);

}  // namespace gantry::aarch64::testing

#endif  // GANTRY_ISA_AARCH64_STACK_POINTER_TESTING_H_
