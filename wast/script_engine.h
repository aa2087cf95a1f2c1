// What a script is run against: anything that can validate, instantiate and call modules.
#ifndef GANTRY_WAST_SCRIPT_ENGINE_H_
#define GANTRY_WAST_SCRIPT_ENGINE_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "wast/script.h"

namespace gantry::wast {

// One engine runs one script, or one thread of it; the host module `spectest` is there from the
// start. What goes wrong is told by the status code:
//
//   kInvalidArgument     the module is malformed or invalid
//   kFailedPrecondition  an import is missing or of another type
//   kAborted             a trap, and the message begins with the specification's for it
//   kResourceExhausted   the call stack or memory ran out
//   kUnknown             an exception that nothing caught
//   kUnimplemented       the engine cannot do this yet; LackingFeature names what it lacks
class ScriptEngine {
 public:
  // Names a module and an instance.
  using ModuleId = uint32_t;
  using InstanceId = uint32_t;

  virtual ~ScriptEngine() = default;

  // Whether anything but Validate is there. Without, a module command passes where the module
  // is valid, and commands about what modules do are skipped.
  virtual bool executes() const { return true; }

  virtual absl::Status Validate(absl::Span<const uint8_t> module) = 0;
  virtual absl::StatusOr<ModuleId> Compile(absl::Span<const uint8_t> module) = 0;
  // The start function and active segments included. An instance whose instantiation trapped
  // has no id, though what it did to others stays done.
  virtual absl::StatusOr<InstanceId> Instantiate(ModuleId module) = 0;
  // From now on, modules can import the instance's exports from `name`.
  virtual absl::Status Register(InstanceId instance, absl::string_view name) = 0;
  virtual absl::StatusOr<std::vector<Value>> Invoke(InstanceId instance, absl::string_view field,
                                                    absl::Span<const Value> arguments) = 0;
  virtual absl::StatusOr<Value> Get(InstanceId instance, absl::string_view field) = 0;

  // An engine for a thread that runs beside this one, and is used by it alone. Its instances with
  // the ids 0, 1 ... hold the shared memories that those of `shared` export, and nothing else;
  // nothing is registered in it but `spectest`.
  virtual absl::StatusOr<std::unique_ptr<ScriptEngine>> Fork(
      absl::Span<const InstanceId> shared) = 0;
};

// kUnimplemented, for what needs a feature ("simd") that the engine lacks.
absl::Status LacksFeature(absl::string_view feature, absl::string_view message);
// The feature; empty for any other status.
std::string LackingFeature(const absl::Status& status);

}  // namespace gantry::wast

#endif  // GANTRY_WAST_SCRIPT_ENGINE_H_
