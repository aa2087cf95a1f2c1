// Tested from outside, by tests/cli.
#include "cli/module_input.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/options.h"

namespace gantry::cli {

using wasm::text::SourceText;

absl::StatusOr<ModuleInput> ModuleInput::Read(const std::string& path,
                                              const wasm::text::TextOptions& options) {
  ASSIGN_OR_RETURN(std::vector<uint8_t> contents, ReadFile(path));
  return FromContents(path, std::move(contents), options);
}

absl::StatusOr<ModuleInput> ModuleInput::FromContents(const std::string& path,
                                                      std::vector<uint8_t> contents,
                                                      const wasm::text::TextOptions& options) {
  ModuleInput input;
  input.name_ = path == "-" ? "<stdin>" : path;
  input.contents_ = std::move(contents);
  if (!input.contents_.empty() && input.contents_[0] == 0) return input;
  if (input.contents_.size() > SourceText::kMaxSize) {
    return absl::InvalidArgumentError(
        absl::StrCat(input.name_, ": too large for a text: ", input.contents_.size(),
                     " bytes, the limit is ", SourceText::kMaxSize));
  }
  wasm::text::TextOptions with_places = options;
  with_places.places = true;
  ASSIGN_OR_RETURN(input.text_, wasm::text::ParseText(input.source(), with_places));
  return input;
}

SourceText ModuleInput::source() const {
  return SourceText(name_, {reinterpret_cast<const char*>(contents_.data()), contents_.size()});
}

absl::Status ModuleInput::Locate(const absl::Status& status) const {
  if (status.ok()) return status;
  if (text_.has_value()) {
    absl::Status located = wasm::text::WithTextPlace(status, *text_, source());
    if (located != status) return located;
  }
  return absl::Status(status.code(), absl::StrCat(name_, ": ", status.message()));
}

}  // namespace gantry::cli
