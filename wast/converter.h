// From .wast files to scripts, through Debian's `wast2json` (package wabt, 1.0.32).
//
//   ASSIGN_OR_RETURN(Converted converted, ConvertScript("/suite/i32.wast", "/tmp/x"));
//   RunScript(converted.script, engine);
//
// That converter knows an older language than the official scripts are written in. What it
// cannot read is left out command by command: the top-level form that it complains about is
// blanked, with what depends on it, and the rest is converted again; every form left out is
// reported. A few spellings that it lacks are replaced by ones that mean the same.
#ifndef GANTRY_WAST_CONVERTER_H_
#define GANTRY_WAST_CONVERTER_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "wast/script.h"

namespace gantry::wast {

struct Converted {
  Script script;
  // "FILE:LINE: why", one for each top-level form left out because the converter cannot read
  // it, and how many forms went with them because they come after a module left out.
  std::vector<std::string> unreadable;
  size_t dependent = 0;
  // Names whose `register` went too.
  std::vector<std::string> unregistered;
};

struct ConvertOptions {
  // Takes tags out of modules first, so that an engine without exceptions can still run the
  // rest of a module that happens to have one. Scripts that throw are left as they are.
  bool without_tags = false;
};

// Converts one file; what comes out goes into `directory`, which has to be there. Errors:
// kNotFound where the file or the converter is missing; kInvalidArgument where the converter
// dies or nothing of the file is left.
absl::StatusOr<Converted> ConvertScript(const std::string& wast_path, const std::string& directory,
                                        const ConvertOptions& options = {});

// A top-level form of a script: its first byte, one past its last, and its line (from 1).
struct Form {
  size_t begin = 0;
  size_t end = 0;
  int line = 0;
  // The first word, and the second one where there is one: "module", "binary".
  std::string head;
  std::string second;
};

// Comments and strings are understood, nothing else is.
std::vector<Form> TopLevelForms(absl::string_view text);

}  // namespace gantry::wast

#endif  // GANTRY_WAST_CONVERTER_H_
