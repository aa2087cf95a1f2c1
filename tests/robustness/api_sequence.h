// Sequences of API calls made from any bytes: four engines, one of them over a pool, one with fuel
// and epochs, several stores, instances that are made and dropped in any order, calls that are
// interrupted, suspended and dropped, handles of all of them mixed.
#ifndef GANTRY_TESTS_ROBUSTNESS_API_SEQUENCE_H_
#define GANTRY_TESTS_ROBUSTNESS_API_SEQUENCE_H_

#include <cstdint>
#include <string>

#include "absl/types/span.h"

namespace gantry::testing {

// How often things happened, to see that a sequence does not pass for lack of any.
struct SequenceCounts {
  uint64_t instances = 0;
  uint64_t calls = 0;
  uint64_t traps = 0;
  uint64_t refusals = 0;  // of what belongs to another store or engine
  uint64_t reads = 0;     // of memory, compared with what it must hold
  uint64_t fuel = 0;      // calls that consumed what they must
  uint64_t interrupts = 0;
  uint64_t suspensions = 0;
};

// Reads operations until the bytes end. Every result is held against a model: what was written is
// read back, and the rest of a memory is zero or its data segment, whoever used its place before;
// a handle of another store or engine is refused whatever is done with it. Stops the process where
// that is not so.
SequenceCounts RunApiSequence(absl::Span<const uint8_t> operations);

}  // namespace gantry::testing

#endif  // GANTRY_TESTS_ROBUSTNESS_API_SEQUENCE_H_
