#include "jit/compile_estimate.h"

#include "wasm_translate/function_validator.h"

namespace gantry::jit {
namespace {

constexpr uint64_t kUnitsPerBlock = 4;

class Counter : public wasm::VisitorBase<Counter> {
 public:
  uint64_t units() const { return units_; }

  // Every operator without a callback of its own here.
  void OnUnsupported(wasm::Opcode) { ++units_; }
  void OnLocals(uint32_t count, wasm::ValType) { units_ += count; }
  void OnBlock(const wasm::ControlFrame&) { units_ += 1 + kUnitsPerBlock; }
  void OnLoop(const wasm::ControlFrame&) { units_ += 1 + kUnitsPerBlock; }
  void OnIf(const wasm::ControlFrame&) { units_ += 1 + kUnitsPerBlock; }
  void OnTryTable(const wasm::ControlFrame&, absl::Span<const wasm::CatchClause> clauses) {
    units_ += 1 + kUnitsPerBlock + clauses.size();
  }
  void OnBrTable(absl::Span<const uint32_t> depths) { units_ += 1 + depths.size(); }

 private:
  uint64_t units_ = 0;
};

}  // namespace

uint64_t CompileEstimate(const environ::ModuleTranslation& module, const wasm::FunctionBody& body) {
  Counter counter;
  wasm::FunctionValidator<Counter> validator(module.parsed, module.options.features,
                                             module.options.limits);
  // A body that is not valid is for whoever compiles it to report.
  static_cast<void>(validator.Run(body, counter));
  return counter.units();
}

uint64_t MaxCompileEstimate(const environ::ModuleTranslation& module,
                            const wasm::FunctionBody& body) {
  return (1 + kUnitsPerBlock) * body.bytes.size() + module.options.limits.function_locals;
}

}  // namespace gantry::jit
