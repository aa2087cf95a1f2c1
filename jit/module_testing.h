// Small functions in IR, for the tests of codegen::Module and what is made of it.
#ifndef GANTRY_JIT_MODULE_TESTING_H_
#define GANTRY_JIT_MODULE_TESTING_H_

#include <cstdint>
#include <memory>

#include "codegen/ir/builder.h"
#include "codegen/module.h"

namespace gantry::jit {

// This host's instruction set, with all that its processor has.
std::shared_ptr<const codegen::TargetIsa> HostIsa();

// Of so many i64 to one i64, by the host's convention.
codegen::Signature IntSignature(size_t params);

// A function with that signature, in whose entry block `b` stands.
struct FunctionDraft {
  explicit FunctionDraft(const codegen::Signature& signature);
  codegen::Value param(size_t i) const { return func.dfg.block_params(entry)[i]; }
  codegen::Function func;
  codegen::InstBuilder b;
  codegen::Block entry;
};

// f(n) = n < 2 ? n : f(n - 1) + f(n - 2), defined as the function that is declared.
absl::Status DefineFibonacci(codegen::Module& module, codegen::FuncId id);
// f(x) = callee(x) + addend.
absl::Status DefineCallPlus(codegen::Module& module, codegen::FuncId id, codegen::FuncId callee,
                            int64_t addend);
// f() = the 8 bytes at data + offset.
absl::Status DefineLoad(codegen::Module& module, codegen::FuncId id, codegen::DataId data,
                        int32_t offset);

}  // namespace gantry::jit

#endif  // GANTRY_JIT_MODULE_TESTING_H_
