// Splits the binary format into its parts: sections, and the bodies of the code section one
// by one, from slices as they arrive. Nothing is copied and nothing inside a section is
// looked at, but that sections come in order and sizes add up.
//
//   Parser parser(limits);
//   while (true) {
//     ASSIGN_OR_RETURN(Parser::Step step, parser.Next(input, no_more_to_come));
//     if (!step.payload.has_value()) { ...append to input, try again...; continue; }
//     input.remove_prefix(step.consumed);
//     if (std::holds_alternative<EndOfModule>(*step.payload)) break;
//     ...
//   }
//
// (WebAssembly 3.0, "Binary Format", modules.) Decoding the payloads is ModuleValidator's
// (module_validator.h), which also has ParseModule for whole modules.
#ifndef GANTRY_WASM_TRANSLATE_PARSER_H_
#define GANTRY_WASM_TRANSLATE_PARSER_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "wasm_translate/binary_reader.h"
#include "wasm_translate/limits.h"

namespace gantry::wasm {

enum class SectionId : uint8_t {
  kCustom = 0,
  kType = 1,
  kImport = 2,
  kFunction = 3,
  kTable = 4,
  kMemory = 5,
  kGlobal = 6,
  kExport = 7,
  kStart = 8,
  kElement = 9,
  kCode = 10,
  kData = 11,
  kDataCount = 12,
  kTag = 13,
};

// "type", "data count".
absl::string_view SectionName(SectionId id);

// The eight bytes in front.
struct ModuleHeader {};

// A section but for the code section, whole.
struct Section {
  SectionId id = SectionId::kCustom;
  absl::Span<const uint8_t> bytes;  // the contents
  uint64_t offset = 0;              // of the contents
};

// The code section begins; `count` bodies follow.
struct CodeSection {
  uint32_t count = 0;
  uint64_t offset = 0;  // of the contents
};

// One body, without the size in front.
struct CodeEntry {
  absl::Span<const uint8_t> bytes;
  uint64_t offset = 0;
};

struct EndOfModule {
  uint64_t offset = 0;  // the module's size
};

using Payload = std::variant<ModuleHeader, Section, CodeSection, CodeEntry, EndOfModule>;

class Parser {
 public:
  struct Step {
    // None where more bytes are needed; then nothing has been consumed.
    std::optional<Payload> payload;
    // How many bytes at the front of the input the payload took.
    size_t consumed = 0;
  };

  explicit Parser(const ValidatorLimits& limits = {}) : limits_(limits) {}

  // The next part at the front of `input`, which has to go on where the last consumed part
  // ended. `at_end` says that no bytes will follow it: then there is always a payload or an
  // error, and EndOfModule once nothing is left. After an error or the end of the module
  // there is nothing more to ask.
  absl::StatusOr<Step> Next(absl::Span<const uint8_t> input, bool at_end);

  // Module offset of the front of the next input.
  uint64_t offset() const { return offset_; }

 private:
  enum class State : uint8_t { kHeader, kSections, kBodies };

  // Each moves the reader past one part and returns it; none where bytes are missing.
  absl::StatusOr<std::optional<Payload>> Header(BinaryReader& reader);
  absl::StatusOr<std::optional<Payload>> NextSection(BinaryReader& reader, bool at_end);
  absl::StatusOr<std::optional<Payload>> NextBody(BinaryReader& reader, bool at_end);
  absl::Status CheckOrder(SectionId id, uint64_t offset);

  ValidatorLimits limits_;
  State state_ = State::kHeader;
  uint64_t offset_ = 0;
  int last_order_ = 0;
  uint32_t bodies_left_ = 0;
  uint64_t code_end_ = 0;
};

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_PARSER_H_
