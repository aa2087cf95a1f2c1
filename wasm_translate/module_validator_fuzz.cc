// Any bytes are a module or are refused with an offset; what is read from slices is read the
// same; and validation alone agrees with validation with a visitor.
#include <cstddef>
#include <cstdint>

#include "absl/types/span.h"
#include "base/check.h"
#include "wasm_translate/error.h"
#include "wasm_translate/function_validator.h"
#include "wasm_translate/module_validator.h"

namespace {

using namespace gantry::wasm;

// Sees everything, does nothing but check heights against its own frames.
class Checker : public VisitorBase<Checker> {
 public:
  void OnBegin(const FunctionState& state) { state_ = &state; }
  void OnUnsupported(Opcode) { CHECK(state_->num_frames() > 0); }
  void OnEnd(const ControlFrame& frame, bool fallthrough) {
    CHECK(!fallthrough || frame.end_live);
    CHECK(state_->operand_height() == frame.height + frame.results().size());
  }
  void OnDrop(ValType type) { CHECK(!type.is_bottom()); }
  void OnSelect(ValType type) { CHECK(!type.is_bottom()); }

 private:
  const FunctionState* state_ = nullptr;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const absl::Span<const uint8_t> bytes(data, size);
  ParseOptions options;
  options.features = Features::All();
  const absl::StatusOr<Module> module = ParseModule(bytes, options);
  if (!module.ok()) {
    CHECK(ErrorOffset(module.status()).has_value()) << module.status();
    CHECK(*ErrorOffset(module.status()) <= size) << module.status();
    return 0;
  }
  FunctionValidator<Checker> with_visitor(*module, options.features, options.limits);
  FunctionValidator<NoVisitor> alone(*module, options.features, options.limits);
  for (const FunctionBody& body : module->bodies) {
    Checker checker;
    NoVisitor none;
    const absl::Status status = alone.Run(body, none);
    CHECK(with_visitor.Run(body, checker) == status) << status;
    if (!status.ok()) {
      CHECK(ErrorOffset(status).has_value()) << status;
    }
  }
  return 0;
}
