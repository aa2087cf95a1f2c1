#include "runtime/stack_walk.h"

#include "environ/core/func_key.h"
#include "environ/core/module_info.h"
#include "runtime/code_object.h"

namespace gantry::runtime {

std::vector<TrapFrame> RawBacktrace::Symbolize() const {
  std::vector<TrapFrame> frames;
  frames.reserve(count_);
  for (uintptr_t address : addresses()) {
    const CodeObject* code = CodeObject::Find(address);
    if (code == nullptr) continue;
    const environ::FunctionRecord* function = code->FindFunction(address);
    if (function == nullptr) continue;
    const environ::FuncKey key = function->func_key();
    if (key.kind() != environ::FuncKeyKind::kWasmFunction) continue;
    const environ::ModuleInfo& module = code->module(key.module());
    const wasm::FuncIndex func = module.Index(key.defined_function());
    TrapFrame frame;
    frame.module_name = module.name;
    frame.func_index = func.raw();
    frame.func_name = std::string(module.FuncNameOf(func));
    frame.module_offset = code->FindWasmOffset(address);
    frames.push_back(std::move(frame));
  }
  return frames;
}

}  // namespace gantry::runtime
