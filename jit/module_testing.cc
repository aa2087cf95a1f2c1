#include "jit/module_testing.h"

#include "base/check.h"
#include "cranelift_shared/isa_registry.h"

namespace gantry::jit {

using codegen::Block;
using codegen::CallConv;
using codegen::DataId;
using codegen::FuncId;
using codegen::IntCC;
using codegen::MemFlags;
using codegen::Module;
using codegen::Signature;
using codegen::Type;
using codegen::Value;

std::shared_ptr<const codegen::TargetIsa> HostIsa() {
  const auto linked = cranelift::FindHostIsa();
  CHECK_OK(linked.status());
  const std::unique_ptr<codegen::IsaBuilder> builder = (*linked)->NewBuilder();
  CHECK_OK(builder->InferHost());
  CHECK_OK(builder->Enable("enable_verifier"));
  auto isa = builder->Build();
  CHECK_OK(isa.status());
  return *std::move(isa);
}

Signature IntSignature(size_t params) {
  Signature signature(CallConv::kSystemV);
  signature.params.assign(params, Type::kI64);
  signature.returns = {Type::kI64};
  return signature;
}

FunctionDraft::FunctionDraft(const Signature& signature) : b(&func) {
  func.signature = signature;
  entry = b.MakeEntryBlock();
}

absl::Status DefineFibonacci(Module& module, FuncId id) {
  FunctionDraft draft(module.function(id).signature);
  codegen::InstBuilder& b = draft.b;
  const Value n = draft.param(0);
  const codegen::FuncRef self = module.ReferTo(id, &draft.func);
  const Block small = b.MakeBlock(), large = b.MakeBlock();
  b.Brif(b.Icmp(IntCC::kSlt, n, b.Iconst(Type::kI64, 2)), small, {}, large, {});
  b.Begin(small);
  b.Return({n});
  b.Begin(large);
  const auto call = [&](int64_t less) {
    const codegen::Inst inst = b.Call(self, {b.Isub(n, b.Iconst(Type::kI64, less))});
    return draft.func.dfg.result(inst);
  };
  const Value one = call(1), two = call(2);
  b.Return({b.Iadd(one, two)});
  return module.Define(id, draft.func);
}

absl::Status DefineCallPlus(Module& module, FuncId id, FuncId callee, int64_t addend) {
  FunctionDraft draft(module.function(id).signature);
  codegen::InstBuilder& b = draft.b;
  const codegen::Inst call = b.Call(module.ReferTo(callee, &draft.func), {draft.param(0)});
  b.Return({b.Iadd(draft.func.dfg.result(call), b.Iconst(Type::kI64, addend))});
  return module.Define(id, draft.func);
}

absl::Status DefineLoad(Module& module, FuncId id, DataId data, int32_t offset) {
  FunctionDraft draft(module.function(id).signature);
  codegen::InstBuilder& b = draft.b;
  const Value address = b.FuncAddr(module.ReferTo(data, &draft.func));
  b.Return({b.Load(Type::kI64, MemFlags::Trusted(), address, offset)});
  return module.Define(id, draft.func);
}

}  // namespace gantry::jit
