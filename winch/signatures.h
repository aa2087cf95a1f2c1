// Where arguments and results of functions are, by type, found once a module.
#ifndef GANTRY_WINCH_SIGNATURES_H_
#define GANTRY_WINCH_SIGNATURES_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "cranelift_shared/wasm_values.h"
#include "environ/translation/module_translation.h"
#include "winch/machine.h"

namespace gantry::winch {

// In a register, or `offset` bytes into the arguments on the stack or the result area.
struct ValuePlace {
  ValueKind kind = ValueKind::kI32;
  Reg reg;
  uint32_t offset = 0;
};

struct Signature {
  std::vector<ValuePlace> params;
  std::vector<ValuePlace> results;
  uint32_t argument_bytes = 0;  // on the stack
  uint32_t result_bytes = 0;    // of the result area; 0: there is none
};

// `Masm` has AssignArguments and AssignResults (x64_abi.h).
template <class Masm>
class Signatures {
 public:
  explicit Signatures(const environ::ModuleTranslation& module)
      : module_(module), by_type_(module.parsed.types.size()) {}

  const Signature& Of(wasm::TypeIndex type) {
    std::unique_ptr<Signature>& known = by_type_[type.index()];
    if (known == nullptr) known = std::make_unique<Signature>(Make(module_.parsed.func_type(type)));
    return *known;
  }

 private:
  Signature Make(const wasm::FuncType& type) const;

  const environ::ModuleTranslation& module_;
  std::vector<std::unique_ptr<Signature>> by_type_;
};

}  // namespace gantry::winch

#endif  // GANTRY_WINCH_SIGNATURES_H_
