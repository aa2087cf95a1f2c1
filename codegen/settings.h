// Code-generation settings: flags declared in tables, set by name, read by typed accessors.
//
// A FlagTable lists the flags of one group: the shared ones, which mean the same to every
// ISA, here; one more table per ISA in that ISA's folder. A FlagSet holds one value per
// flag of its table. Everything `gantry settings` prints comes from the tables.
//
//   SharedFlags flags;
//   RETURN_IF_ERROR(flags.Set("opt_level", "none"));
//   RETURN_IF_ERROR(flags.Set("regalloc_checker", "true"));
//   if (flags.opt_level() == OptLevel::kNone) ...
//
// A wrong name or value is a Status that names the flag and what it accepts.
#ifndef GANTRY_CODEGEN_SETTINGS_H_
#define GANTRY_CODEGEN_SETTINGS_H_

#include <array>
#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace gantry::codegen {

enum class FlagKind : uint8_t { kBool, kEnum, kNumber, kSet };

// One row of a table. `values` are the names an enum accepts, separated by commas, or of which a
// set has any, joined by + (at most 64; the empty set is none); for a number `default_value` is
// written in decimal and `values` names the largest accepted.
struct FlagInfo {
  const char* name;
  FlagKind kind;
  const char* default_value;
  const char* values;
  const char* help;
};

// A group of flags. Tables are constants with static storage.
struct FlagTable {
  const char* group;
  absl::Span<const FlagInfo> flags;
};

// Values for the flags of one table. At most kMaxFlags flags; small enough to copy.
class FlagSet {
 public:
  static constexpr size_t kMaxFlags = 48;

  // Every flag at its default.
  explicit FlagSet(const FlagTable& table);

  // Sets a flag from text: true or false (also 1, 0, yes, no, on, off), a name of the enum,
  // a decimal number, names of a set joined by + (or none). kNotFound for a name not in the
  // table, kInvalidArgument for a value the flag does not accept; nothing changes then.
  absl::Status Set(absl::string_view name, absl::string_view value);
  // As Set(name, "true"); a flag that is not a bool is kInvalidArgument.
  absl::Status Enable(absl::string_view name);

  bool Has(absl::string_view name) const;
  // The value as Set takes it; the flag must exist.
  std::string Get(absl::string_view name) const;

  // Position-based access for generated accessors.
  uint64_t value(size_t index) const { return values_[index]; }
  void set_value(size_t index, uint64_t value) { values_[index] = value; }

  const FlagTable& table() const { return *table_; }
  // `name=value` for every flag, one per line in table order: the part of a cache key, and
  // what dumps print.
  std::string ToString() const;

  friend bool operator==(const FlagSet& a, const FlagSet& b) {
    return a.table_ == b.table_ && a.values_ == b.values_;
  }

 private:
  std::string Format(size_t index) const;

  const FlagTable* table_;
  std::array<uint64_t, kMaxFlags> values_{};
};

enum class OptLevel : uint8_t { kNone, kSpeed };

// The shared flags. Kind, name, default (a set's is none), accepted values, help.
//
// clang-format off
#define GANTRY_SHARED_FLAGS(BOOL, ENUM, NUMBER, SET)                                                \
  ENUM(OptLevel, opt_level, "speed", "none,speed",                                                  \
       "How much to optimize: none translates straight to machine code, speed runs the mid-end.")   \
  BOOL(inlining, "true",                                                                            \
       "Inline functions of the same module into each other, where opt_level is not none.")         \
  NUMBER(inline_cost, "20", "1000",                                                                 \
       "Operators that a function may have to be inlined where nothing else speaks for it.")        \
  NUMBER(inline_growth, "10", "1000",                                                               \
       "Operators inlined into a function, in percent of its body's bytes.")                        \
  NUMBER(inline_min_growth, "150", "100000",                                                        \
       "Operators that may be inlined into a function of any size besides.")                        \
  NUMBER(inline_depth, "4", "8",                                                                    \
       "How many calls deep functions are inlined into each other.")                                \
  NUMBER(inline_recursion, "3", "8",                                                                \
       "How many levels deep a function is inlined into itself.")                                         \
  BOOL(inline_loops, "false",                                                                       \
       "Inline functions with loops, too, into others than themselves.")                            \
  BOOL(debug_info, "false",                                                                         \
       "Describe lines and variables of the module's DWARF to native debuggers; nothing is optimized.") \
  BOOL(enable_verifier, "false",                                                                    \
       "Verify the IR before compilation and after each pass.")                                     \
  BOOL(regalloc_checker, "false",                                                                   \
       "Prove each register allocation by abstract interpretation of the code it made.")            \
  BOOL(spectre_mitigation, "true",                                                                  \
       "Mask the index of a jump table on the path that misspeculates past its bounds check.")      \
  BOOL(frameless_leaf, "true",                                                                      \
       "Leave out the frame of a function that calls nothing and needs no stack.")                  \
  BOOL(fuel_register, "false",                                                                      \
       "Keep one callee-saved register for the fuel; set where fuel is counted.")                    \
  BOOL(unwind_info, "true",                                                                         \
       "Describe frames for DWARF unwinders.")                                                      \
  BOOL(address_map, "true",                                                                         \
       "Record which source location each machine instruction comes from.")                         \
  NUMBER(padding, "0", "268435456",                                                                 \
       "Bytes left empty between two functions in the text section; a test of long calls.")         \
  BOOL(force_jump_veneer, "false",                                                                  \
       "Call other functions through veneers even where they are near; a test of veneers.")         \
  BOOL(force_spilling, "false",                                                                     \
       "Keep every value in a stack slot where the machine instruction allows; a test.")            \
  BOOL(force_islands, "false",                                                                      \
       "Put an island after every block; a test of islands.")                                       \
  NUMBER(chaos_seed, "0", "18446744073709551615",                                                   \
       "Seed of arbitrary choices among equally right ones, such as block order; 0 is off.")        \
  SET(pass_skip, "early_return,gvn,unreachable,block_params,switches,if_convert,branches,loop_invert,hoist,widen,polls,dead_stores,sink,dead_code",  \
      "Passes of the mid-end to leave out.")                                                        \
  NUMBER(pass_bisect_limit, "18446744073709551615", "18446744073709551615",                         \
         "Leave out all runs of passes from this one on; function F's pass P is run F * passes + P.")
// clang-format on

extern const FlagTable kSharedFlagTable;

class SharedFlags {
 public:
  SharedFlags() : set_(kSharedFlagTable) {}

  absl::Status Set(absl::string_view name, absl::string_view value) {
    return set_.Set(name, value);
  }
  absl::Status Enable(absl::string_view name) { return set_.Enable(name); }
  const FlagSet& set() const { return set_; }
  FlagSet& set() { return set_; }

#define GANTRY_FLAG_BOOL(name, ...) \
  bool name() const { return set_.value(k_##name) != 0; }
#define GANTRY_FLAG_ENUM(type, name, ...) \
  type name() const { return static_cast<type>(set_.value(k_##name)); }
#define GANTRY_FLAG_NUMBER(name, ...) \
  uint64_t name() const { return set_.value(k_##name); }
  // A bit per name, the first in the lowest.
#define GANTRY_FLAG_SET(name, ...) \
  uint64_t name() const { return set_.value(k_##name); }
  GANTRY_SHARED_FLAGS(GANTRY_FLAG_BOOL, GANTRY_FLAG_ENUM, GANTRY_FLAG_NUMBER, GANTRY_FLAG_SET)
#undef GANTRY_FLAG_BOOL
#undef GANTRY_FLAG_ENUM
#undef GANTRY_FLAG_NUMBER
#undef GANTRY_FLAG_SET

  friend bool operator==(const SharedFlags& a, const SharedFlags& b) { return a.set_ == b.set_; }

 private:
  enum Index : uint8_t {
#define GANTRY_FLAG_BOOL(name, ...) k_##name,
#define GANTRY_FLAG_ENUM(type, name, ...) k_##name,
#define GANTRY_FLAG_NUMBER(name, ...) k_##name,
#define GANTRY_FLAG_SET(name, ...) k_##name,
    GANTRY_SHARED_FLAGS(GANTRY_FLAG_BOOL, GANTRY_FLAG_ENUM, GANTRY_FLAG_NUMBER, GANTRY_FLAG_SET)
#undef GANTRY_FLAG_BOOL
#undef GANTRY_FLAG_ENUM
#undef GANTRY_FLAG_NUMBER
#undef GANTRY_FLAG_SET
  };

  FlagSet set_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_SETTINGS_H_
