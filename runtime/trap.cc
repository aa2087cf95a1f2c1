#include "runtime/trap.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace gantry::runtime {
namespace {

using environ::TrapCode;

constexpr absl::string_view kTypeUrl = "type.gantry/trap";
constexpr absl::string_view kCoredumpUrl = "type.gantry/coredump";
constexpr uint32_t kNoOffset = 0xFFFFFFFF;

// The payload's encoding: code, number of omitted frames, frames. Numbers in the host's byte order,
// texts with their length in front; it never leaves the process.
void PutNumber(uint64_t value, std::string& out) {
  out.append(reinterpret_cast<const char*>(&value), sizeof(value));
}
void PutText(absl::string_view text, std::string& out) {
  PutNumber(text.size(), out);
  out.append(text.data(), text.size());
}
constexpr size_t kOmittedAt = sizeof(uint64_t);
constexpr size_t kHeaderSize = 2 * sizeof(uint64_t);

std::string Header(std::optional<TrapCode> code) {
  std::string header;
  PutNumber(code.has_value() ? static_cast<uint64_t>(*code) : 0, header);
  PutNumber(0, header);
  return header;
}

// Reads such a payload. One that someone else made under our name reads as zeroes.
class Reader {
 public:
  explicit Reader(absl::string_view in) : in_(in) {}
  uint64_t Number() {
    uint64_t value = 0;
    if (in_.size() < sizeof(value)) {
      in_ = {};
      return 0;
    }
    std::memcpy(&value, in_.data(), sizeof(value));
    in_.remove_prefix(sizeof(value));
    return value;
  }
  std::string Text() {
    const uint64_t size = Number();
    if (size > in_.size()) {
      in_ = {};
      return "";
    }
    std::string text(in_.substr(0, size));
    in_.remove_prefix(size);
    return text;
  }
  bool done() const { return in_.empty(); }

 private:
  absl::string_view in_;
};

TrapInfo Decode(absl::string_view bytes) {
  Reader reader(bytes);
  TrapInfo trap;
  trap.code = environ::TrapCodeFromNumber(static_cast<uint8_t>(reader.Number()));
  trap.omitted_frames = reader.Number();
  while (!reader.done()) {
    TrapFrame frame;
    frame.module_name = reader.Text();
    frame.func_index = static_cast<uint32_t>(reader.Number());
    frame.func_name = reader.Text();
    const uint32_t offset = static_cast<uint32_t>(reader.Number());
    if (offset != kNoOffset) frame.module_offset = offset;
    const uint32_t line = static_cast<uint32_t>(reader.Number());
    if (line != 0) {
      frame.source.emplace();
      frame.source->line = line;
      frame.source->column = static_cast<uint32_t>(reader.Number());
      frame.source->file = reader.Text();
    }
    trap.frames.push_back(std::move(frame));
  }
  return trap;
}

absl::StatusCode CodeOf(TrapCode code) {
  switch (code) {
    case TrapCode::kCallStackExhausted:
    case TrapCode::kOutOfFuel:
    case TrapCode::kOutOfMemory:
      return absl::StatusCode::kResourceExhausted;
    case TrapCode::kCannotCompile:
      return absl::StatusCode::kUnimplemented;
    default:
      return absl::StatusCode::kAborted;
  }
}

}  // namespace

absl::Status TrapStatus(TrapCode code, absl::Span<const TrapFrame> frames) {
  absl::Status status(CodeOf(code), environ::TrapMessage(code));
  status.SetPayload(kTypeUrl, absl::Cord(Header(code)));
  if (!frames.empty()) AppendTrapFrames(status, frames);
  return status;
}

absl::Status CannotCompileStatus(const wasm::Unimplemented& missing) {
  absl::Status status = wasm::UnimplementedStatus(missing);
  status.SetPayload(kTypeUrl, absl::Cord(Header(TrapCode::kCannotCompile)));
  return status;
}

void TrapFrames::Add(absl::string_view module_name, uint32_t func_index,
                     absl::string_view func_name, std::optional<uint32_t> module_offset,
                     const std::optional<environ::SourcePosition>& source) {
  PutText(module_name, encoded_);
  PutNumber(func_index, encoded_);
  PutText(func_name, encoded_);
  PutNumber(module_offset.value_or(kNoOffset), encoded_);
  // A line of 0 is none, and nothing follows it.
  PutNumber(source ? source->line : 0, encoded_);
  if (source && source->line != 0) {
    PutNumber(source->column, encoded_);
    PutText(source->file, encoded_);
  }
}

void TrapFrames::AppendTo(absl::Status& status) const {
  const absl::optional<absl::Cord> before = status.GetPayload(kTypeUrl);
  std::string payload = before.has_value() ? std::string(*before) : Header(std::nullopt);
  payload.resize(std::max(payload.size(), kHeaderSize));
  uint64_t omitted = 0;
  std::memcpy(&omitted, payload.data() + kOmittedAt, sizeof(omitted));
  omitted += omitted_;
  std::memcpy(payload.data() + kOmittedAt, &omitted, sizeof(omitted));
  payload += encoded_;
  status.SetPayload(kTypeUrl, absl::Cord(std::move(payload)));
}

void AppendTrapFrames(absl::Status& status, absl::Span<const TrapFrame> frames,
                      uint64_t omitted_frames) {
  TrapFrames encoded;
  for (const TrapFrame& frame : frames) {
    encoded.Add(frame.module_name, frame.func_index, frame.func_name, frame.module_offset,
                frame.source);
  }
  encoded.AddOmitted(omitted_frames);
  encoded.AppendTo(status);
}

std::optional<TrapInfo> GetTrapInfo(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kTypeUrl);
  if (!payload.has_value()) return std::nullopt;
  return Decode(std::string(*payload));
}

void AttachCoredump(absl::Status& status, std::string coredump) {
  if (status.GetPayload(kCoredumpUrl).has_value()) return;
  status.SetPayload(kCoredumpUrl, absl::Cord(std::move(coredump)));
}

std::optional<std::string> GetCoredump(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kCoredumpUrl);
  if (!payload.has_value()) return std::nullopt;
  return std::string(*payload);
}

std::string BacktraceToString(const TrapInfo& trap) {
  std::string text;
  for (const TrapFrame& frame : trap.frames) {
    absl::StrAppend(&text, "    at ", frame.func_name.empty() ? "<unnamed>" : frame.func_name, " (",
                    frame.module_name.empty() ? "module" : frame.module_name, ", function ",
                    frame.func_index, ")");
    if (frame.module_offset.has_value()) {
      absl::StrAppend(&text, " offset 0x", absl::Hex(*frame.module_offset));
    }
    if (frame.source) absl::StrAppend(&text, " ", frame.source->file, ":", frame.source->line);
    text += "\n";
  }
  if (trap.omitted_frames > 0) {
    absl::StrAppend(&text, "    ... and ", trap.omitted_frames, " outer frames\n");
  }
  return text;
}

}  // namespace gantry::runtime
