// A conformance script as a list of commands: plain data, made by script_parser.h and run by
// script_runner.h.
//
// (The commands are those of the specification's interpreter, "Scripts"; `thread` and `wait`
// those of the threads proposal.)
#ifndef GANTRY_WAST_SCRIPT_H_
#define GANTRY_WAST_SCRIPT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wasm_translate/types.h"

namespace gantry::wast {

// A value handed to or returned by a function.
struct Value {
  // Of a reference that is not null the most precise abstract type that is known; `any` is a
  // host value that was internalised.
  wasm::ValType type;
  // The bits of a number, low half first for v128; of an i31 its 31 bits, sign-extended.
  uint64_t low = 0;
  uint64_t high = 0;
  // References only.
  bool is_null = false;
  // The script's number for a reference of the host; none for one that it never made.
  std::optional<uint32_t> host = {};

  static Value I32(uint32_t bits) { return {wasm::ValType::I32(), bits}; }
  static Value I64(uint64_t bits) { return {wasm::ValType::I64(), bits}; }
  static Value F32(uint32_t bits) { return {wasm::ValType::F32(), bits}; }
  static Value F64(uint64_t bits) { return {wasm::ValType::F64(), bits}; }
  static Value V128(uint64_t low, uint64_t high) { return {wasm::ValType::V128(), low, high}; }
  static Value Null(wasm::AbstractHeapType heap);
  // Not null.
  static Value Ref(wasm::AbstractHeapType heap);
  static Value I31(uint32_t bits);
  // ref.extern and ref.host.
  static Value Extern(uint32_t number);
  static Value Host(uint32_t number);

  // "i32:7", "f32:0.5", "ref.extern:1", "ref.null:func".
  std::string ToString() const;
};

// What a result has to look like.
struct Pattern {
  enum class Kind : uint8_t {
    kLanes,      // a number, or a vector lane by lane
    kNull,       // a null reference of the hierarchy of `heap`; of any without it
    kReference,  // a reference of type `heap` that is not null
    kEither,     // one of `alternatives`
  };
  enum class LaneKind : uint8_t { kExact, kCanonicalNan, kArithmeticNan };
  struct Lane {
    LaneKind kind = LaneKind::kExact;
    uint64_t bits = 0;
  };

  Kind kind = Kind::kLanes;
  // kLanes: one lane for a scalar, several for a vector, and whether they are floats.
  wasm::ValType type;
  std::vector<Lane> lanes;
  uint8_t lane_bits = 32;
  bool float_lanes = false;
  // References.
  std::optional<wasm::AbstractHeapType> heap;
  std::optional<uint32_t> host = {};
  std::vector<Pattern> alternatives;

  bool Matches(const Value& value) const;
  std::string ToString() const;
};

struct Action {
  enum class Kind : uint8_t { kInvoke, kGet };

  Kind kind = Kind::kInvoke;
  std::string instance;  // empty for the last one
  std::string field;
  std::vector<Value> arguments;
};

// A module as a script gives it.
struct ScriptModule {
  enum class Form : uint8_t { kText, kBinary, kQuote };

  Form form = Form::kText;
  // In the binary format; where it is text that cannot be parsed, the error (text/source.h).
  absl::StatusOr<std::vector<uint8_t>> bytes = std::vector<uint8_t>();
};

struct Command {
  enum class Kind : uint8_t {
    kModule,      // defines and instantiates
    kDefinition,  // defines only
    kInstance,    // instantiates a definition
    kRegister,
    kAction,
    kAssertReturn,
    kAssertTrap,  // of an action, or of the instantiation of a module
    kAssertException,
    kAssertExhaustion,
    kAssertInvalid,
    kAssertMalformed,
    kAssertInvalidCustom,
    kAssertMalformedCustom,
    kAssertUnlinkable,
    kThread,
    kWait,
    kUnreadable,  // what cannot be parsed; `error` says why
  };

  Kind kind = Kind::kUnreadable;
  uint32_t line = 0;
  // kModule, kDefinition, and assertions about modules.
  std::optional<ScriptModule> module;
  // Name, without $, of the module, instance or thread that is made or waited for; of
  // kRegister the instance. May be empty: then the last one is meant.
  std::string name;
  // kInstance: the definition; empty for the last one.
  std::string definition;
  // kRegister: what to register as.
  std::string as;
  Action action;
  std::vector<Pattern> expected;
  // The message expected of a failure.
  std::string text;
  // kThread: the instances whose shared memories it sees, and what it runs.
  std::vector<std::string> shared;
  std::vector<Command> commands;
  absl::Status error;
};

// "assert_return"; "command" for what cannot be read.
absl::string_view CommandName(Command::Kind kind);

struct Script {
  // The .wast file, as it was given to the parser.
  std::string source;
  std::vector<Command> commands;
};

// The abstract type at the top of the hierarchy: any, func, extern or exn.
wasm::AbstractHeapType HierarchyOf(wasm::AbstractHeapType type);

}  // namespace gantry::wast

#endif  // GANTRY_WAST_SCRIPT_H_
