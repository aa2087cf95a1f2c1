// What an ISA gives the tests of this folder: the settings to try, and a program that runs on the
// host. A test binary links the one definition of TestedBackend() that it is for.
#ifndef GANTRY_CODEGEN_DIFFERENTIAL_BACKEND_H_
#define GANTRY_CODEGEN_DIFFERENTIAL_BACKEND_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "codegen/interp/interpreter.h"
#include "codegen/ir/function.h"

namespace gantry::codegen {

// Settings that a test tries: a name, whether the host's flags are on, and flags.
struct Variant {
  std::string name;
  bool infer_host = true;
  std::vector<std::pair<std::string, std::string>> flags = {};
  // Whether this host has vfma and vfnma under them.
  bool has_fused = true;
  // Whether of a store that traps the bytes in front of the fault may have been written, though the
  // IR says that they have not.
  bool tears_stores = false;
};

// Functions compiled and laid out in executable memory, to be called. One thread only.
class NativeProgram {
 public:
  virtual ~NativeProgram() = default;
  // Compiles a function and adds it; functions are numbered in order.
  virtual absl::Status Add(const Function& func) = 0;
  // Makes everything callable. No Add afterwards.
  virtual absl::Status Link() = 0;
  // Traps and results are Outcomes; a Status means that the call went wrong.
  virtual absl::StatusOr<Outcome> Call(size_t index, absl::Span<const RawValue> args) = 0;
};

class DifferentialBackend {
 public:
  virtual ~DifferentialBackend() = default;
  // Host flags, baseline, forced spilling, and chaos drawn from `seed`.
  virtual std::vector<Variant> AllVariants(uint64_t seed) const = 0;
  // Settings that make other code of vectors, forced spilling, and chaos drawn from `seed`.
  virtual std::vector<Variant> VectorVariants(uint64_t seed) const = 0;
  // The verifier and the allocation checker are on too.
  virtual std::unique_ptr<NativeProgram> MakeProgram(const Variant& variant) const = 0;
};

const DifferentialBackend& TestedBackend();

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_DIFFERENTIAL_BACKEND_H_
