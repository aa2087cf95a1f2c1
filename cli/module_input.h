// A module that a command is given, in the text or the binary format.
//
//   ASSIGN_OR_RETURN(const ModuleInput input, ModuleInput::Read("a.wat", {}));
//   const absl::Status status = wasm::ValidateModule(input.bytes(), options);
//   if (!status.ok()) return input.Locate(status);    // a.wat:3:5: type mismatch ...
#ifndef GANTRY_CLI_MODULE_INPUT_H_
#define GANTRY_CLI_MODULE_INPUT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "wasm_translate/text/source.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry::cli {

class ModuleInput {
 public:
  // The file, or standard input where it is "-". What does not begin with the zero byte of a
  // binary module is text, and encoded. Errors: those of ReadFile and ParseText.
  static absl::StatusOr<ModuleInput> Read(const std::string& path,
                                          const wasm::text::TextOptions& options = {});
  // The same with what has been read already.
  static absl::StatusOr<ModuleInput> FromContents(const std::string& path,
                                                  std::vector<uint8_t> contents,
                                                  const wasm::text::TextOptions& options = {});

  // In the binary format.
  const std::vector<uint8_t>& bytes() const { return text_ ? text_->bytes : contents_; }
  // As they were read.
  const std::vector<uint8_t>& contents() const { return contents_; }
  bool is_text() const { return text_.has_value(); }

  // An error about bytes() as one about the file: with line, column and caret where it is
  // text, else with the file's name in front.
  absl::Status Locate(const absl::Status& status) const;

 private:
  wasm::text::SourceText source() const;

  std::string name_;
  std::vector<uint8_t> contents_;
  std::optional<wasm::text::TextModule> text_;
};

}  // namespace gantry::cli

#endif  // GANTRY_CLI_MODULE_INPUT_H_
