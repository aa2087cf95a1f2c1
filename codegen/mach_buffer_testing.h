// A toy machine for testing MachBuffer, and random programs for it.
//
// A program is a list of operations over labels. It is assembled twice: through MachBuffer,
// with simplification, islands and veneers, and by a naive two-pass assembler that knows
// only the longest form of each branch. Both codes are run on the machine, whose conditions
// are drawn from the number of the branch and how often it ran; their traces (work done,
// constants read, source locations, calls and their records, traps) must be equal.
#ifndef GANTRY_CODEGEN_MACH_BUFFER_TESTING_H_
#define GANTRY_CODEGEN_MACH_BUFFER_TESTING_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "codegen/label_kind.h"
#include "codegen/mach_buffer.h"

namespace gantry::codegen::testing {

// Label kinds of the toy machine. Displacements are relative to the field itself.
inline constexpr LabelKind kShort{0};   // 1-byte branch; veneer of kind kMiddle.
inline constexpr LabelKind kMiddle{1};  // 2-byte branch; veneer of kind kLong.
inline constexpr LabelKind kLoad{2};    // 2-byte load of a constant; no veneer.
inline constexpr LabelKind kLong{3};    // 4-byte branch, address, or table entry.

// The table, with the reach of kShort, kMiddle and kLoad given (deltas of both signs).
LabelKindTable ToyKinds(int32_t short_reach = 127, int32_t middle_reach = 32767,
                        int32_t load_reach = 32767);

enum class ToyOpKind : uint8_t {
  kWork,        // Does work `number` with `value` bytes of padding.
  kBind,        // Binds label `label`.
  kJump,        // To `label` in form `kind`.
  kBranch,      // To `label` in form `kind`, on condition `number`.
  kSwitch,      // Through a table over `labels`.
  kConstant,    // Reads constant `value`.
  kCall,        // Call `number` with handlers `labels` and `value` stack slots.
  kTrapBranch,  // To an out-of-line trap `value` on condition `number`.
  kTrap,        // Trap `value`; ends the run.
  kReturn,      // Ends the run.
  kSourceLoc,   // Sets the source location to `value` (kNoLoc for none).
};

struct ToyOp {
  static constexpr uint32_t kNoLoc = 0xFFFFFFFF;
  ToyOpKind kind;
  LabelKind form = kLong;
  uint32_t number = 0;
  uint32_t value = 0;
  uint32_t label = 0;
  std::vector<uint32_t> labels;
};

struct ToyProgram {
  uint32_t label_count = 0;
  std::vector<ToyOp> ops;
  LabelKindTable kinds;
  MachBufferSettings settings;
};

// A program made from the choices in `data`, and beyond its end from a generator seeded with
// it. Every label is bound; control never leaves the program.
ToyProgram MakeToyProgram(absl::Span<const uint8_t> data);

// Machine code with what the machine looks up while it runs.
struct ToyCode {
  std::vector<uint8_t> bytes;
  std::vector<TrapRecord> traps;
  std::vector<CallSite> call_sites;
  std::vector<CallHandler> handlers;
  std::vector<StackMap> stack_maps;
  std::vector<uint32_t> stack_map_slots;
  std::vector<SourceLocEntry> source_locs;
};

// Assembles through `buffer`, which is reset first.
ToyCode AssembleWithBuffer(const ToyProgram& program, MachBuffer& buffer);
// Assembles by two passes over the operations.
ToyCode AssembleNaively(const ToyProgram& program);

// What the machine did in at most `max_steps` instructions that are not plain jumps. A line each.
std::vector<std::string> RunToy(const ToyCode& code, int max_steps);

// Runs `program` both ways; empty if the traces agree, else what differs.
std::string CompareToyRuns(const ToyProgram& program, MachBuffer& buffer);

}  // namespace gantry::codegen::testing

#endif  // GANTRY_CODEGEN_MACH_BUFFER_TESTING_H_
