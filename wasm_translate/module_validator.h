// From the parts of a module to its tables (module.h), every rule of the specification
// checked on the way.
//
//   ASSIGN_OR_RETURN(Module module, ParseModule(bytes, {}));   // all but the bodies
//   RETURN_IF_ERROR(ValidateBodies(module, {}));               // and those
//
// or part by part, as they come from a Parser:
//
//   ModuleValidator validator(options);
//   RETURN_IF_ERROR(validator.Add(payload));                   // each, in order
//   ASSIGN_OR_RETURN(Module module, validator.Finish());
//
// (WebAssembly 3.0, "Validation" and "Binary Format", modules.)
#ifndef GANTRY_WASM_TRANSLATE_MODULE_VALIDATOR_H_
#define GANTRY_WASM_TRANSLATE_MODULE_VALIDATOR_H_

#include <cstdint>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "wasm_translate/features.h"
#include "wasm_translate/limits.h"
#include "wasm_translate/module.h"
#include "wasm_translate/parser.h"

namespace gantry::wasm {

struct ParseOptions {
  Features features = Features::Default();
  ValidatorLimits limits;
};

class ModuleValidator {
 public:
  explicit ModuleValidator(const ParseOptions& options);
  ~ModuleValidator();
  ModuleValidator(const ModuleValidator&) = delete;
  ModuleValidator& operator=(const ModuleValidator&) = delete;

  // Decodes and checks the next part, which has to come from one Parser, in order. The
  // bytes behind it have to outlive the module. Bodies are kept as they are. After an error
  // the validator is good for nothing.
  absl::Status Add(const Payload& payload);

  // The tables as far as they have been filled: once CodeSection has been added, all that
  // the validation of bodies needs.
  const Module& module() const;

  // The module, after EndOfModule has been added.
  absl::StatusOr<Module> Finish();

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

// Everything but the bodies decoded and checked. The module borrows from `bytes`.
absl::StatusOr<Module> ParseModule(absl::Span<const uint8_t> bytes, const ParseOptions& options);

// Checks the bodies of a module from ParseModule; of several bad ones, the error is that at
// the lowest offset.
absl::Status ValidateBodies(const Module& module, const ParseOptions& options);

// Both.
absl::Status ValidateModule(absl::Span<const uint8_t> bytes, const ParseOptions& options);

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_MODULE_VALIDATOR_H_
