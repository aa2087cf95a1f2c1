// Tunables: everything that changes the code made for a module and that its run-time
// surroundings have to agree with. One value, compared when an artifact is loaded and
// hashed into artifact and cache keys.
//
//   Tunables tunables;
//   tunables.consume_fuel = true;
//   key.Append(tunables.CanonicalText());   // the same bytes in every process
//
// A tunable is declared once, in GANTRY_TUNABLES, from which member, default, canonical text
// and comparison follow.
#ifndef GANTRY_ENVIRON_CORE_TUNABLES_H_
#define GANTRY_ENVIRON_CORE_TUNABLES_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"

namespace gantry::environ {

// How code finds out that the epoch has reached its store's deadline (docs/abi.md, "Epochs").
enum class EpochInterruption : uint8_t {
  kNone,
  kCounter,  // loops compare a word of the store
  kPage,     // loops read from a page that is made inaccessible
};

// X(type, name, default, meaning)
#define GANTRY_TUNABLES(X)                                                                    \
  X(uint32_t, opt_level, 2, "0 no optimization, 1 for size and speed, 2 for speed")           \
  X(uint64_t, memory_reservation, uint64_t{4} << 30,                                          \
    "bytes of address space reserved for a memory, within which it grows without moving")     \
  X(uint64_t, memory_guard_size, uint64_t{32} << 20,                                          \
    "inaccessible bytes behind a memory's reservation")                                       \
  X(uint64_t, memory_reservation_for_growth, uint64_t{2} << 30,                               \
    "bytes reserved beyond its size when a memory moves")                                     \
  X(bool, memory_may_move, true,                                                              \
    "whether a memory that outgrows its reservation may move; else its growth fails")         \
  X(bool, signals_based_traps, true,                                                          \
    "whether faulting instructions become traps; else every check is explicit")               \
  X(bool, spectre_masking, true, "whether explicit bounds checks also mask the index")        \
  X(bool, nan_canonicalization, false,                                                        \
    "whether each NaN made by an operation on floats is the canonical one")                   \
  X(bool, relaxed_simd_deterministic, false,                                                  \
    "whether relaxed vector operations are those of the deterministic profile")               \
  X(bool, consume_fuel, false, "whether code counts fuel")                                    \
  X(std::string, operator_costs, "",                                                          \
    "what operators cost that differ from the default, as OperatorCosts::ToString has it")    \
  X(uint32_t, fuel_bulk_bytes, 64,                                                            \
    "bytes that a bulk operator moves for one unit of fuel; 0: they cost nothing")            \
  X(EpochInterruption, epoch_interruption, EpochInterruption::kNone,                          \
    "whether and how code finds out about deadlines of epochs")                               \
  X(bool, shadow_stack, false, "whether code notes its calls, for a test of stack walks")     \
  X(bool, tier_up, false,                                                                     \
    "whether functions start as baseline code and are replaced while they run")               \
  X(bool, generate_address_map, true, "whether code offsets map back to module offsets")      \
  X(bool, generate_unwind_info, true, "whether artifacts carry DWARF call frame information") \
  X(uint32_t, padding_between_functions, 0,                                                   \
    "bytes of padding between functions, for tests of calls out of range")                    \
  X(bool, force_jump_veneer, false,                                                           \
    "whether every call between functions takes a veneer, for "                               \
    "tests")

struct Tunables {
#define GANTRY_X(type, name, default_value, meaning) type name = default_value;
  GANTRY_TUNABLES(GANTRY_X)
#undef GANTRY_X

  // Address space in small pieces, explicit bounds, memories that move: for sanitizers,
  // emulators and hosts with little address space.
  static Tunables SmallReservations();

  // One line "name=value" each, in the order of declaration: for hashing and for people.
  std::string CanonicalText() const;

  // The names of those that differ, with both values: "consume_fuel (true, not false)".
  std::vector<std::string> Differences(const Tunables& other) const;

  friend bool operator==(const Tunables&, const Tunables&) = default;
};

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CORE_TUNABLES_H_
