// Context: compiles functions, one after another, with memory that is kept between them.
//
//   Context context;
//   ASSIGN_OR_RETURN(CompiledCode code, context.Compile(func, *isa));
//   ... use code before the next Compile ...
//
// Compile reads as the pipeline: verify, mid-end, lower, allocate registers, emit. A Context is
// for one thread; any number of them share a TargetIsa.
#ifndef GANTRY_CODEGEN_CONTEXT_H_
#define GANTRY_CODEGEN_CONTEXT_H_

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "codegen/analysis/cfg.h"
#include "codegen/analysis/dominators.h"
#include "codegen/analysis/loops.h"
#include "codegen/compiled_code.h"
#include "codegen/ir/function.h"
#include "codegen/ir/verifier.h"
#include "codegen/isa.h"
#include "codegen/lower.h"
#include "codegen/mach_buffer.h"
#include "codegen/regalloc/allocator.h"
#include "codegen/regalloc/interface.h"

namespace gantry::codegen {

// The steps of a compilation, for timing.
enum class Phase : uint8_t { kVerify, kMidEnd, kAnalysis, kLower, kRegalloc, kCheck, kEmit };
inline constexpr size_t kNumPhases = 7;
absl::string_view PhaseName(Phase phase);

// Nanoseconds and steps per phase, summed over functions. Steps are what tests of linearity hold
// phases to: the sizes of what a phase walks over, and everything that it may do more often. The
// verifier and the allocation checker count none, and the mid-end counts for itself
// (codegen/pass/pass.h).
struct PhaseTimes {
  std::array<uint64_t, kNumPhases> ns{};
  std::array<uint64_t, kNumPhases> work{};
  uint64_t functions = 0;

  uint64_t of(Phase phase) const { return ns[static_cast<size_t>(phase)]; }
  uint64_t work_of(Phase phase) const { return work[static_cast<size_t>(phase)]; }
  void Add(const PhaseTimes& other);
};

// The mid-end, as the pipeline sees it: something that rewrites a function in place.
class FunctionPass {
 public:
  virtual ~FunctionPass() = default;
  virtual absl::Status Run(Function* func) = 0;
};

// What a person wants to see of a compilation.
struct CompileOptions {
  // Where to write the text of the IR as it is lowered, and of the VCode with the places that
  // registers were given; null for nowhere.
  std::string* ir_text = nullptr;
  std::string* vcode_text = nullptr;
  // Where to add time and steps of each phase; null for not measuring.
  PhaseTimes* times = nullptr;
  // Null for none.
  FunctionPass* midend = nullptr;
};

class Context {
 public:
  Context();
  ~Context();
  Context(const Context&) = delete;
  Context& operator=(const Context&) = delete;

  // Compiles `func`, which the mid-end, if one is given, changes. The result's views are good
  // until the next call. kResourceExhausted is "function too large" and nothing else: out of
  // memory, std::bad_alloc comes out, and the context is of no more use. kUnimplemented where the
  // ISA refuses an opcode; kInvalidArgument for IR that the verifier refuses and kInternal for an
  // allocation that the checker refuses, if they are on.
  absl::StatusOr<CompiledCode> Compile(Function& func, const TargetIsa& isa,
                                       const CompileOptions& options = {});

  const regalloc::Statistics& regalloc_statistics() const { return allocation_.statistics; }
  const VCode& vcode() const { return lowering_.vcode(); }

 private:
  class Timer;

  void SelectIsa(const TargetIsa& isa);
  absl::Span<const uint16_t> LoopDepths(const Function& func);
  void AddWork(uint64_t analysis_before, PhaseTimes* times) const;
  absl::Status AllocateRegisters(const TargetIsa& isa);
  absl::Status Emit(const Function& func, const TargetIsa& isa);
  CompiledCode Result(const TargetIsa& isa);

  // The serial number of the ISA that backend_ and buffer_ are for.
  uint64_t isa_serial_ = 0;
  std::shared_ptr<LowerBackend> backend_;
  std::optional<MachBuffer> buffer_;

  Verifier verifier_;
  ControlFlowGraph cfg_;
  DominatorTree dominators_;
  LoopForest loops_;
  std::vector<uint16_t> loop_depths_;
  Lowering lowering_;
  regalloc::Allocator allocator_;
  regalloc::Output allocation_;
  FrameInfo frame_;
  UnwindInfo unwind_;
  std::vector<uint8_t> call_frame_instructions_;
};

// The text of a VCode: blocks, instructions, operands as virtual registers, and where
// `allocation` is not null also the places they were given and the moves that were added.
std::string PrintVCode(const VCode& vcode, const TargetIsa& isa,
                       const regalloc::Output* allocation);

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_CONTEXT_H_
