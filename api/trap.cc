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
    Frame out;
    out.module_name = std::move(frame.module_name);
    out.func_index = frame.func_index;
    out.func_name = std::move(frame.func_name);
    out.module_offset = frame.module_offset;
    if (frame.source) {
      out.source_file = std::move(frame.source->file);
      out.source_line = frame.source->line;
      out.source_column = frame.source->column;
    }
    trap.backtrace.push_back(std::move(out));
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
    if (frame.source_line != 0) {
      absl::StrAppend(&text, "\n       at ", frame.source_file, ":", frame.source_line);
      if (frame.source_column != 0) absl::StrAppend(&text, ":", frame.source_column);
    }
  }
  if (omitted_frames > 0) absl::StrAppend(&text, "\n  ... and ", omitted_frames, " more");
  return text;
}

std::optional<std::string> GetCoredump(const absl::Status& status) {
  return runtime::GetCoredump(status);
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
