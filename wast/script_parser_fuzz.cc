// Scripts of any bytes: they are cut into forms that follow each other, and every form but
// annotations becomes commands with lines that do not go back.
#include <cstddef>
#include <cstdint>

#include "absl/strings/string_view.h"
#include "base/check.h"
#include "wast/script_forms.h"
#include "wast/script_parser.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::string_view text(reinterpret_cast<const char*>(data), size);
  const char* at = text.data();
  for (const gantry::wast::Form& form : gantry::wast::SplitForms(text)) {
    CHECK(!form.text.empty() && form.text.data() >= at);
    at = form.text.data() + form.text.size();
    CHECK(at <= text.data() + text.size());
  }
  uint32_t line = 1;
  for (const gantry::wast::Command& command :
       gantry::wast::ParseScript("fuzz.wast", text).commands) {
    CHECK(command.line >= line);
    line = command.line;
    CHECK(command.kind != gantry::wast::Command::Kind::kUnreadable || !command.error.ok());
  }
  return 0;
}
