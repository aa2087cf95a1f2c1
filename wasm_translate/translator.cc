#include "wasm_translate/translator.h"

#include <memory>
#include <vector>

#include "base/status_macros.h"
#include "wasm_translate/function_validator.h"
#include "wasm_translate/translator_visitor.h"

namespace gantry::wasm {

class FunctionTranslator::Impl final : private TranslatingVisitor::BodyRunner {
 public:
  Impl(const Module& module, Features features, const ValidatorLimits& limits)
      : module_(module),
        features_(features),
        limits_(limits),
        validator_(module, features, limits),
        visitor_(this) {}

  absl::Status Translate(const FunctionBody& body, FuncEnvironment& environment,
                         codegen::Function* func) {
    visitor_.ForgetConsidered();
    const absl::Status status = Translate(body, environment, func, plan_);
    if (status.ok() || visitor_.num_inlined() == 0) return status;
    // A failure may be that of a callee, which is for its own compilation to report.
    return Translate(body, environment, func, nullptr);
  }

  void set_inline_plan(const InlinePlan* plan) { plan_ = plan; }
  size_t num_inlined() const { return visitor_.num_inlined(); }
  absl::Span<const FuncIndex> considered_callees() const { return visitor_.considered(); }
  uint64_t work() const { return work_ + visitor_.work(); }

 private:
  using Validator = FunctionValidator<TranslatingVisitor>;

  absl::Status Translate(const FunctionBody& body, FuncEnvironment& environment,
                         codegen::Function* func, const InlinePlan* plan) {
    func->Clear();
    visitor_.Start(&environment, func, body, plan);
    work_ += body.bytes.size();
    RETURN_IF_ERROR(validator_.Run(body, visitor_));
    const codegen::DataFlowGraph& dfg = func->dfg;
    work_ += dfg.num_insts() + dfg.num_blocks() + dfg.num_values();
    return visitor_.status();
  }

  // Of code that is inlined.
  absl::Status Run(const FunctionBody& body, size_t depth) override {
    while (nested_.size() <= depth) {
      nested_.push_back(std::make_unique<Validator>(module_, features_, limits_));
    }
    work_ += body.bytes.size();
    return nested_[depth]->Run(body, visitor_);
  }

  const Module& module_;
  const Features features_;
  const ValidatorLimits& limits_;
  Validator validator_;
  std::vector<std::unique_ptr<Validator>> nested_;
  TranslatingVisitor visitor_;
  const InlinePlan* plan_ = nullptr;
  uint64_t work_ = 0;
};

FunctionTranslator::FunctionTranslator(const Module& module, Features features,
                                       const ValidatorLimits& limits)
    : impl_(std::make_unique<Impl>(module, features, limits)) {}

FunctionTranslator::~FunctionTranslator() = default;

absl::Status FunctionTranslator::Translate(const FunctionBody& body, FuncEnvironment& environment,
                                           codegen::Function* func) {
  return impl_->Translate(body, environment, func);
}

void FunctionTranslator::set_inline_plan(const InlinePlan* plan) { impl_->set_inline_plan(plan); }
size_t FunctionTranslator::num_inlined() const { return impl_->num_inlined(); }
absl::Span<const FuncIndex> FunctionTranslator::considered_callees() const {
  return impl_->considered_callees();
}
uint64_t FunctionTranslator::work() const { return impl_->work(); }

}  // namespace gantry::wasm
