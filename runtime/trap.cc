#include "runtime/trap.h"

#include <cstring>

#include "absl/strings/cord.h"
#include "absl/strings/str_cat.h"

namespace gantry::runtime {
namespace {

using environ::TrapCode;

constexpr absl::string_view kTypeUrl = "type.gantry/trap";
constexpr uint32_t kNoOffset = 0xFFFFFFFF;

// The payload's encoding: numbers in the host's byte order, texts with their length in
// front; it never leaves the process.
class Writer {
 public:
  void Number(uint64_t value) { out_.append(reinterpret_cast<const char*>(&value), sizeof(value)); }
  void Text(absl::string_view text) {
    Number(text.size());
    out_.append(text.data(), text.size());
  }
  std::string Take() { return std::move(out_); }

 private:
  std::string out_;
};

// Reads what Writer wrote. A payload that someone else made under our name reads as zeroes.
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

std::string Encode(const TrapInfo& trap) {
  Writer writer;
  writer.Number(trap.code.has_value() ? static_cast<uint64_t>(*trap.code) : 0);
  writer.Number(trap.omitted_frames);
  for (const TrapFrame& frame : trap.frames) {
    writer.Text(frame.module_name);
    writer.Number(frame.func_index);
    writer.Text(frame.func_name);
    writer.Number(frame.module_offset.value_or(kNoOffset));
  }
  return writer.Take();
}

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
  TrapInfo trap;
  trap.code = code;
  trap.frames.assign(frames.begin(), frames.end());
  status.SetPayload(kTypeUrl, absl::Cord(Encode(trap)));
  return status;
}

absl::Status CannotCompileStatus(const wasm::Unimplemented& missing) {
  absl::Status status = wasm::UnimplementedStatus(missing);
  TrapInfo trap;
  trap.code = TrapCode::kCannotCompile;
  status.SetPayload(kTypeUrl, absl::Cord(Encode(trap)));
  return status;
}

void AppendTrapFrames(absl::Status& status, absl::Span<const TrapFrame> frames,
                      uint64_t omitted_frames) {
  TrapInfo trap = GetTrapInfo(status).value_or(TrapInfo());
  trap.frames.insert(trap.frames.end(), frames.begin(), frames.end());
  trap.omitted_frames += omitted_frames;
  status.SetPayload(kTypeUrl, absl::Cord(Encode(trap)));
}

std::optional<TrapInfo> GetTrapInfo(const absl::Status& status) {
  const absl::optional<absl::Cord> payload = status.GetPayload(kTypeUrl);
  if (!payload.has_value()) return std::nullopt;
  return Decode(std::string(*payload));
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
    text += "\n";
  }
  if (trap.omitted_frames > 0) {
    absl::StrAppend(&text, "    ... and ", trap.omitted_frames, " outer frames\n");
  }
  return text;
}

}  // namespace gantry::runtime
