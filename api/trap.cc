#include "api/trap.h"

#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "environ/core/trap_code.h"
#include "runtime/trap.h"

namespace gantry {
namespace {

constexpr char kExitUrl[] = "type.gantry/exit";

}  // namespace

std::optional<Trap> GetTrap(const absl::Status& status) {
  // An exit passes through WebAssembly frames as a trap does, and is none.
  if (GetExitCode(status)) return std::nullopt;
  std::optional<runtime::TrapInfo> info = runtime::GetTrapInfo(status);
  if (!info) return std::nullopt;
  Trap trap;
  trap.message = std::string(status.message());
  if (info->code) trap.code = std::string(environ::TrapName(*info->code));
  trap.omitted_frames = info->omitted_frames;
  for (runtime::TrapFrame& frame : info->frames) {
    trap.backtrace.push_back({std::move(frame.module_name), frame.func_index,
                              std::move(frame.func_name), frame.module_offset});
  }
  return trap;
}

std::string Trap::ToString() const {
  std::string text = code.empty() ? message : absl::StrCat("wasm trap: ", message);
  if (!backtrace.empty()) absl::StrAppend(&text, "\nwasm backtrace:");
  for (size_t i = 0; i < backtrace.size(); ++i) {
    const Frame& frame = backtrace[i];
    absl::StrAppend(&text, "\n  ", i, ": ");
    if (frame.module_offset) {
      absl::StrAppend(&text, "0x", absl::Hex(*frame.module_offset), " - ");
    }
    absl::StrAppend(&text, frame.module_name.empty() ? "<module>" : frame.module_name, "!");
    if (frame.func_name.empty()) {
      absl::StrAppend(&text, "<function ", frame.func_index, ">");
    } else {
      absl::StrAppend(&text, frame.func_name);
    }
  }
  if (omitted_frames > 0) absl::StrAppend(&text, "\n  ... and ", omitted_frames, " more");
  return text;
}

absl::Status ExitStatus(int32_t code) {
  absl::Status status = absl::CancelledError(absl::StrCat("the program exited with code ", code));
  status.SetPayload(kExitUrl, absl::Cord(absl::StrCat(code)));
  return status;
}

std::optional<int32_t> GetExitCode(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kExitUrl);
  if (!payload) return std::nullopt;
  int32_t code = 0;
  if (!absl::SimpleAtoi(std::string(*payload), &code)) return std::nullopt;
  return code;
}

}  // namespace gantry
