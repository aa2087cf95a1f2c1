// What a code generator gives the filetest runner, so that the runner knows none.
//
// A test binary says which backends it has by linking a definition of
// RegisterFiletestBackends: `:interpreter_only` has none, a backend's own target registers
// itself.
//
//   void RegisterFiletestBackends(FiletestBackends* backends) {
//     backends->push_back(std::make_unique<X64FiletestBackend>());
//   }
#ifndef GANTRY_CODEGEN_FILETEST_BACKEND_H_
#define GANTRY_CODEGEN_FILETEST_BACKEND_H_

#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "codegen/interp/interpreter.h"
#include "codegen/ir/function.h"

namespace gantry::codegen {

// A target line of a file: "; target x64 has_bmi2 opt_level=2".
struct FiletestTarget {
  std::string isa;                    // A backend's name.
  std::vector<std::string> settings;  // "name" or "name=value", in order.
};

// The functions of a file, compiled and ready to be called.
class FiletestProgram {
 public:
  virtual ~FiletestProgram() = default;
  // Calls function number `index` of those the program was made of. Traps and results are
  // Outcomes; a Status means that the call could not be made.
  virtual absl::StatusOr<Outcome> Run(size_t index, absl::Span<const RawValue> args) = 0;
};

class FiletestBackend {
 public:
  virtual ~FiletestBackend() = default;
  virtual std::string name() const = 0;
  // The listing that `test compile` compares with check lines.
  virtual absl::StatusOr<std::string> Compile(const Function& func,
                                              const FiletestTarget& target) = 0;
  // Makes the functions callable; calls among them go by name. Null if this host can't run
  // the target's code, kUnimplemented if the backend lacks an opcode that they use.
  virtual absl::StatusOr<std::unique_ptr<FiletestProgram>> Load(
      absl::Span<const Function* const> functions, const FiletestTarget& target) = 0;
};

using FiletestBackends = std::vector<std::unique_ptr<FiletestBackend>>;

// Defined by one of the targets that a test binary links.
void RegisterFiletestBackends(FiletestBackends* backends);

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_FILETEST_BACKEND_H_
