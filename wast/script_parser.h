// Reads scripts: the text format with commands around the modules.
//
//   Script script = ParseScript("i32.wast", text);
//   for (const Command& command : script.commands) ...
//
// Every top-level form becomes a command, also one that cannot be parsed (kUnreadable, or a
// module whose bytes are an error); what follows it is read all the same. A script that
// begins with a module field is one module. Input drives no recursion; time and memory are
// linear in its size.
//
// (The specification's interpreter, "Scripts", of WebAssembly 3.0; the threads proposal.)
#ifndef GANTRY_WAST_SCRIPT_PARSER_H_
#define GANTRY_WAST_SCRIPT_PARSER_H_

#include "absl/strings/string_view.h"
#include "wast/script.h"

namespace gantry::wast {

// How deep threads may stand within threads.
inline constexpr int kMaxThreadDepth = 16;

// `name` is the file's, for errors.
Script ParseScript(absl::string_view name, absl::string_view text);

}  // namespace gantry::wast

#endif  // GANTRY_WAST_SCRIPT_PARSER_H_
