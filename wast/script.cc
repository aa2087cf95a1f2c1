#include "wast/script.h"

#include <cstdio>
#include <memory>
#include <utility>

#include "absl/strings/numbers.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "nlohmann/json.hpp"
#include "wast/file.h"

namespace gantry::wast {
namespace {

using Json = nlohmann::json;
using wasm::ValType;

// A member of an object as text, empty where it is missing or no string.
std::string Text(const Json& object, const char* key) {
  const auto found = object.find(key);
  if (found == object.end() || !found->is_string()) return "";
  return found->get<std::string>();
}

absl::StatusOr<ValType> TypeFromName(absl::string_view name) {
  using enum wasm::AbstractHeapType;
  if (name == "i32") return ValType::I32();
  if (name == "i64") return ValType::I64();
  if (name == "f32") return ValType::F32();
  if (name == "f64") return ValType::F64();
  if (name == "v128") return ValType::V128();
  for (int code = 0; code <= static_cast<int>(kNoExn); ++code) {
    const ValType type =
        ValType::Ref(wasm::HeapType::Abstract(static_cast<wasm::AbstractHeapType>(code)), true);
    if (name == type.ToString()) return type;
  }
  return absl::InvalidArgumentError(absl::StrCat("unknown value type ", name));
}

uint8_t LaneBits(absl::string_view lane_type) {
  if (lane_type == "i8") return 8;
  if (lane_type == "i16") return 16;
  if (lane_type == "i64" || lane_type == "f64") return 64;
  return 32;
}

absl::StatusOr<Pattern::Lane> LaneFromText(absl::string_view text) {
  Pattern::Lane lane;
  if (text == "nan:canonical") {
    lane.kind = Pattern::LaneKind::kCanonicalNan;
  } else if (text == "nan:arithmetic") {
    lane.kind = Pattern::LaneKind::kArithmeticNan;
  } else if (!absl::SimpleAtoi(text, &lane.bits)) {
    // Lanes of integers may be written as negative numbers.
    int64_t negative;
    if (!absl::SimpleAtoi(text, &negative)) {
      return absl::InvalidArgumentError(absl::StrCat("bad number ", text));
    }
    lane.bits = static_cast<uint64_t>(negative);
  }
  return lane;
}

absl::StatusOr<Pattern> PatternFromJson(const Json& json) {
  Pattern pattern;
  ASSIGN_OR_RETURN(pattern.type, TypeFromName(Text(json, "type")));
  const auto value = json.find("value");
  if (pattern.type.is_ref()) {
    const std::string text = Text(json, "value");
    pattern.is_null = text == "null";
    pattern.any_reference = !pattern.is_null && !absl::SimpleAtoi(text, &pattern.reference);
    return pattern;
  }
  if (value == json.end()) return absl::InvalidArgumentError("a number without a value");
  if (pattern.type.is_vector()) {
    if (!value->is_array()) return absl::InvalidArgumentError("a vector without lanes");
    pattern.lane_bits = LaneBits(Text(json, "lane_type"));
    for (const Json& lane : *value) {
      if (!lane.is_string()) return absl::InvalidArgumentError("a lane that is no string");
      ASSIGN_OR_RETURN(Pattern::Lane parsed, LaneFromText(lane.get<std::string>()));
      pattern.lanes.push_back(parsed);
    }
    if (pattern.lanes.size() * pattern.lane_bits != 128) {
      return absl::InvalidArgumentError("a vector of other than 128 bits");
    }
    return pattern;
  }
  pattern.lane_bits = pattern.type == ValType::I64() || pattern.type == ValType::F64() ? 64 : 32;
  ASSIGN_OR_RETURN(Pattern::Lane lane, LaneFromText(Text(json, "value")));
  pattern.lanes.push_back(lane);
  return pattern;
}

uint64_t LaneMask(uint8_t bits) { return bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1; }

absl::StatusOr<Value> ValueFromJson(const Json& json) {
  ASSIGN_OR_RETURN(const Pattern pattern, PatternFromJson(json));
  Value value;
  value.type = pattern.type;
  value.is_null = pattern.is_null;
  value.low = pattern.reference;
  int at = 0;
  for (const Pattern::Lane& lane : pattern.lanes) {
    if (lane.kind != Pattern::LaneKind::kExact) {
      return absl::InvalidArgumentError("an argument that is a pattern");
    }
    (at < 64 ? value.low : value.high) |= (lane.bits & LaneMask(pattern.lane_bits)) << (at % 64);
    at += pattern.lane_bits;
  }
  return value;
}

absl::Status ActionFromJson(const Json& json, Action* action) {
  action->kind = Text(json, "type") == "get" ? Action::Kind::kGet : Action::Kind::kInvoke;
  action->module = Text(json, "module");
  action->field = Text(json, "field");
  const auto arguments = json.find("args");
  if (arguments == json.end() || !arguments->is_array()) return absl::OkStatus();
  for (const Json& argument : *arguments) {
    ASSIGN_OR_RETURN(Value value, ValueFromJson(argument));
    action->arguments.push_back(value);
  }
  return absl::OkStatus();
}

Command::Kind KindFromName(absl::string_view name) {
  for (int kind = 0; kind < static_cast<int>(Command::Kind::kUnknown); ++kind) {
    if (CommandName(static_cast<Command::Kind>(kind)) == name) {
      return static_cast<Command::Kind>(kind);
    }
  }
  return Command::Kind::kUnknown;
}

absl::StatusOr<Command> CommandFromJson(const Json& json) {
  Command command;
  const std::string type = Text(json, "type");
  command.kind = KindFromName(type);
  const auto line = json.find("line");
  if (line != json.end() && line->is_number_integer()) command.line = line->get<int>();
  command.file = Text(json, "filename");
  command.is_text = Text(json, "module_type") == "text";
  command.name = Text(json, "name");
  command.as = Text(json, "as");
  command.text = command.kind == Command::Kind::kUnknown ? type : Text(json, "text");
  const auto action = json.find("action");
  if (action != json.end()) RETURN_IF_ERROR(ActionFromJson(*action, &command.action));
  const auto expected = json.find("expected");
  if (command.kind == Command::Kind::kAssertReturn && expected != json.end() &&
      expected->is_array()) {
    for (const Json& each : *expected) {
      ASSIGN_OR_RETURN(Pattern pattern, PatternFromJson(each));
      command.expected.push_back(std::move(pattern));
    }
  }
  return command;
}

std::string Hex(uint64_t bits) { return absl::StrCat("0x", absl::Hex(bits)); }

bool IsArithmeticNan(uint64_t bits, uint8_t lane_bits) {
  const uint64_t quiet = lane_bits == 64 ? 0x7FF8000000000000 : 0x7FC00000;
  return (bits & quiet) == quiet;
}

bool IsCanonicalNan(uint64_t bits, uint8_t lane_bits) {
  const uint64_t sign = uint64_t{1} << (lane_bits - 1);
  return (bits & ~sign) == (lane_bits == 64 ? 0x7FF8000000000000 : 0x7FC00000);
}

}  // namespace

absl::string_view CommandName(Command::Kind kind) {
  switch (kind) {
    case Command::Kind::kModule:
      return "module";
    case Command::Kind::kRegister:
      return "register";
    case Command::Kind::kAction:
      return "action";
    case Command::Kind::kAssertReturn:
      return "assert_return";
    case Command::Kind::kAssertTrap:
      return "assert_trap";
    case Command::Kind::kAssertExhaustion:
      return "assert_exhaustion";
    case Command::Kind::kAssertInvalid:
      return "assert_invalid";
    case Command::Kind::kAssertMalformed:
      return "assert_malformed";
    case Command::Kind::kAssertUnlinkable:
      return "assert_unlinkable";
    case Command::Kind::kAssertUninstantiable:
      return "assert_uninstantiable";
    case Command::Kind::kUnknown:
      break;
  }
  return "unknown command";
}

std::string Value::ToString() const {
  const std::string name = type.ToString();
  if (type.is_ref()) return absl::StrCat(name, ":", is_null ? "null" : absl::StrCat(low));
  if (type.is_vector()) {
    return absl::StrCat(name, ":0x", absl::Hex(high, absl::kZeroPad16),
                        absl::Hex(low, absl::kZeroPad16));
  }
  const bool is_float = type == ValType::F32() || type == ValType::F64();
  return absl::StrCat(name, ":", is_float ? Hex(low) : absl::StrCat(low));
}

bool Pattern::Matches(const Value& value) const {
  if (type.is_ref()) {
    // The script names the top of the hierarchy or the value's own type.
    if (!value.type.is_ref() || value.is_null != is_null) return false;
    return is_null || any_reference || value.low == reference;
  }
  if (!(type == value.type)) return false;
  int at = 0;
  for (const Lane& lane : lanes) {
    const uint64_t mask = LaneMask(lane_bits);
    const uint64_t bits = ((at < 64 ? value.low : value.high) >> (at % 64)) & mask;
    at += lane_bits;
    switch (lane.kind) {
      case LaneKind::kExact:
        if (bits != (lane.bits & mask)) return false;
        break;
      case LaneKind::kCanonicalNan:
        if (!IsCanonicalNan(bits, lane_bits)) return false;
        break;
      case LaneKind::kArithmeticNan:
        if (!IsArithmeticNan(bits, lane_bits)) return false;
        break;
    }
  }
  return true;
}

std::string Pattern::ToString() const {
  std::string out = absl::StrCat(type.ToString(), ":");
  if (type.is_ref()) {
    return absl::StrCat(out, is_null ? "null" : any_reference ? "any" : absl::StrCat(reference));
  }
  const bool is_integer = type == ValType::I32() || type == ValType::I64();
  for (size_t i = 0; i < lanes.size(); ++i) {
    if (i > 0) out += ",";
    switch (lanes[i].kind) {
      case LaneKind::kExact:
        absl::StrAppend(&out, is_integer ? absl::StrCat(lanes[i].bits) : Hex(lanes[i].bits));
        break;
      case LaneKind::kCanonicalNan:
        absl::StrAppend(&out, "nan:canonical");
        break;
      case LaneKind::kArithmeticNan:
        absl::StrAppend(&out, "nan:arithmetic");
        break;
    }
  }
  return out;
}

absl::StatusOr<Script> ParseScript(absl::string_view json, absl::string_view directory) {
  const Json parsed = Json::parse(json.begin(), json.end(), nullptr, /*allow_exceptions=*/false);
  if (parsed.is_discarded() || !parsed.is_object()) {
    return absl::InvalidArgumentError("not the JSON of a script");
  }
  Script script;
  script.source = Text(parsed, "source_filename");
  script.directory = std::string(directory);
  const auto commands = parsed.find("commands");
  if (commands == parsed.end() || !commands->is_array()) {
    return absl::InvalidArgumentError("a script without commands");
  }
  for (const Json& each : *commands) {
    absl::StatusOr<Command> command = CommandFromJson(each);
    if (!command.ok()) {
      return absl::InvalidArgumentError(
          absl::StrCat(script.source, ": ", command.status().message(), " in ", each.dump()));
    }
    script.commands.push_back(*std::move(command));
  }
  return script;
}

absl::StatusOr<Script> ReadScript(const std::string& json_path) {
  ASSIGN_OR_RETURN(const std::string json, ReadFile(json_path));
  const size_t slash = json_path.rfind('/');
  return ParseScript(json, slash == std::string::npos ? "." : json_path.substr(0, slash));
}

}  // namespace gantry::wast
