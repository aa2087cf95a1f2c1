// What Linux's perf is told of code that was made at run time.
//
//   RETURN_IF_ERROR(AppendPerfMap(module));             // names, while the process lives
//
//   ASSIGN_OR_RETURN(std::unique_ptr<JitDump> dump, JitDump::Create("/tmp/profile"));
//   RETURN_IF_ERROR(dump->Append(module));              // names, code and source lines, for later
//
// A jitdump is for `perf record -k mono` and `perf inject --jit`, which makes an ELF file of each
// function, so that `perf annotate` shows its instructions and lines.
//
// Sources: tools/perf/Documentation/jit-interface.txt and jitdump-specification.txt of Linux.
// Tested by debugging_test and //tests/debugger:perf_test.
#ifndef GANTRY_API_PERF_H_
#define GANTRY_API_PERF_H_

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "api/module.h"

namespace gantry {

// Tells `perf` the names of a module's functions, and of those that take their place later: appends
// them to /tmp/perf-PID.map, where it looks for the symbols of code that was made at run time.
// Error: that of the file.
absl::Status AppendPerfMap(const Module& module);

class JitDump {
 public:
  // Makes DIRECTORY/jit-PID.dump, over one that is there. Error: that of the file.
  static absl::StatusOr<std::unique_ptr<JitDump>> Create(const std::string& directory);
  // Says that there is nothing more.
  ~JitDump();
  JitDump(const JitDump&) = delete;
  JitDump& operator=(const JitDump&) = delete;

  const std::string& path() const;
  // Each of the module's functions, from now on, and code that takes its place later. From any
  // thread. Error: that of the file.
  absl::Status Append(const Module& module);

 private:
  class File;

  explicit JitDump(std::shared_ptr<File> file) : file_(std::move(file)) {}

  // Modules whose code changes have it, too.
  const std::shared_ptr<File> file_;
};

}  // namespace gantry

#endif  // GANTRY_API_PERF_H_
