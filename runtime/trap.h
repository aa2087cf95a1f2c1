// Traps as absl::Status: a trap is a status with a payload that names the reason and the
// WebAssembly functions that were running.
//
//   absl::Status status = store.Call(func_ref, values);
//   if (std::optional<TrapInfo> trap = GetTrapInfo(status)) {
//     if (trap->code == TrapCode::kUnreachable) ...
//   }
//
// The error of a host function passes through WebAssembly unchanged but for frames appended
// to its payload. Frames are innermost first.
#ifndef GANTRY_RUNTIME_TRAP_H_
#define GANTRY_RUNTIME_TRAP_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "environ/core/dwarf_lines.h"
#include "environ/core/trap_code.h"
#include "wasm_translate/unimplemented.h"

namespace gantry::runtime {

// One WebAssembly function on the stack.
struct TrapFrame {
  std::string module_name;                // Empty where the module has none.
  uint32_t func_index = 0;                // In the module's function index space.
  std::string func_name;                  // From the name section; may be empty.
  std::optional<uint32_t> module_offset;  // Of the instruction, from the module's first byte.
  std::optional<environ::SourcePosition> source = {};  // Where the module has DWARF line tables.

  friend bool operator==(const TrapFrame&, const TrapFrame&) = default;
};

struct TrapInfo {
  // Nothing for the error of a host function.
  std::optional<environ::TrapCode> code;
  std::vector<TrapFrame> frames;
  // Frames beyond those kept (a walk keeps the innermost ones).
  uint64_t omitted_frames = 0;

  friend bool operator==(const TrapInfo&, const TrapInfo&) = default;
};

// A status of a trap: kAborted, or kResourceExhausted for an exhausted stack, fuel, or memory
// of the host. Its message is the code's.
absl::Status TrapStatus(environ::TrapCode code, absl::Span<const TrapFrame> frames = {});

// The trap of a function whose body uses what its compiler cannot make: kCannotCompile, whose
// message and second payload (wasm::UnimplementedFeature) say what that is.
absl::Status CannotCompileStatus(const wasm::Unimplemented& missing);

// Frames on their way into a status, in the payload's form: no string is made for a frame.
class TrapFrames {
 public:
  void Add(absl::string_view module_name, uint32_t func_index, absl::string_view func_name,
           std::optional<uint32_t> module_offset,
           const std::optional<environ::SourcePosition>& source);
  void AddOmitted(uint64_t frames) { omitted_ += frames; }
  // Adds them as outer frames to a failed status: to the payload it has, or a new one without a
  // code.
  void AppendTo(absl::Status& status) const;

 private:
  std::string encoded_;
  uint64_t omitted_ = 0;
};

// The same with frames that are there already.
void AppendTrapFrames(absl::Status& status, absl::Span<const TrapFrame> frames,
                      uint64_t omitted_frames = 0);

// The payload; nothing where the status carries none.
std::optional<TrapInfo> GetTrapInfo(const absl::Status& status);

// A core dump (coredump.h) as another payload of a status. One that is there already stays: it is
// of the innermost guest.
void AttachCoredump(absl::Status& status, std::string coredump);
// Nothing where the status carries none.
std::optional<std::string> GetCoredump(const absl::Status& status);

// "    at name (module, function 3) offset 0x1f", a line a frame.
std::string BacktraceToString(const TrapInfo& trap);

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_TRAP_H_
