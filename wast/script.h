// A conformance script as a list of commands, read from the JSON that Debian's `wast2json`
// makes of a .wast file (modules lie beside it as files).
//
//   ASSIGN_OR_RETURN(Script script, ReadScript("/tmp/x/i32.json"));
//   for (const Command& command : script.commands) ...
//
// (The format is that of wabt's documentation of wast2json; the commands are those of the
// specification's interpreter, "Scripts".)
#ifndef GANTRY_WAST_SCRIPT_H_
#define GANTRY_WAST_SCRIPT_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wasm_translate/types.h"

namespace gantry::wast {

// A value handed to or returned by a function.
struct Value {
  wasm::ValType type;
  // The bits of a number (low half first for v128); the host's number of an externref.
  uint64_t low = 0;
  uint64_t high = 0;
  // References only.
  bool is_null = false;

  static Value I32(uint32_t bits) { return {wasm::ValType::I32(), bits}; }
  static Value I64(uint64_t bits) { return {wasm::ValType::I64(), bits}; }
  static Value F32(uint32_t bits) { return {wasm::ValType::F32(), bits}; }
  static Value F64(uint64_t bits) { return {wasm::ValType::F64(), bits}; }
  static Value Null(wasm::ValType type) { return {type, 0, 0, true}; }

  // "i32:7", "f32:0x7fc00000", "externref:1", "funcref:null".
  std::string ToString() const;
};

// What a result has to look like.
struct Pattern {
  enum class LaneKind : uint8_t { kExact, kCanonicalNan, kArithmeticNan };
  struct Lane {
    LaneKind kind = LaneKind::kExact;
    uint64_t bits = 0;
  };

  wasm::ValType type;
  // One for a scalar, several for a vector, none for a reference.
  std::vector<Lane> lanes;
  uint8_t lane_bits = 32;
  // References: null, or a number of the host's, or else any that is not null.
  bool is_null = false;
  bool any_reference = false;
  uint64_t reference = 0;

  bool Matches(const Value& value) const;
  std::string ToString() const;
};

struct Action {
  enum class Kind : uint8_t { kInvoke, kGet };

  Kind kind = Kind::kInvoke;
  std::string module;  // empty for the last one
  std::string field;
  std::vector<Value> arguments;
};

struct Command {
  enum class Kind : uint8_t {
    kModule,
    kRegister,
    kAction,
    kAssertReturn,
    kAssertTrap,
    kAssertExhaustion,
    kAssertInvalid,
    kAssertMalformed,
    kAssertUnlinkable,
    kAssertUninstantiable,
    // One that this reader does not know; `text` is its name.
    kUnknown,
  };

  Kind kind = Kind::kUnknown;
  int line = 0;
  // Module commands and assertions about modules: the file, and whether it is text.
  std::string file;
  bool is_text = false;
  // Name of a module ($x), or for kRegister of the one registered; may be empty.
  std::string name;
  // kRegister: what to register as.
  std::string as;
  Action action;
  std::vector<Pattern> expected;
  // The message expected of a failure.
  std::string text;
};

// "assert_return".
absl::string_view CommandName(Command::Kind kind);

struct Script {
  // The .wast file, as it was given to the converter.
  std::string source;
  // Where the module files lie.
  std::string directory;
  std::vector<Command> commands;
  // Names under which modules should stand that were left out: a module that imports from
  // them is skipped.
  std::vector<std::string> unregistered;
};

// Parses the JSON. Errors: kInvalidArgument saying what is not as expected.
absl::StatusOr<Script> ParseScript(absl::string_view json, absl::string_view directory);

// Reads and parses a file. Errors: kNotFound for a file that cannot be read.
absl::StatusOr<Script> ReadScript(const std::string& json_path);

}  // namespace gantry::wast

#endif  // GANTRY_WAST_SCRIPT_H_
