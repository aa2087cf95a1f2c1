#include "runtime/stack_walk.h"

#include <optional>
#include <string>
#include <utility>

#include "environ/core/func_key.h"
#include "environ/core/module_info.h"
#include "runtime/code_object.h"

namespace gantry::runtime {

void RawBacktrace::AddOmitted(uintptr_t address) {
  // Deep stacks are recursions: mostly it is the address of the frame before.
  if (address != last_omitted_) {
    last_omitted_ = address;
    last_inlined_ = 0;
    const CodeObject* code = CodeObject::Find(address);
    if (code != nullptr) {
      const absl::Span<const environ::InlineSite> sites = code->tables().inline_sites;
      std::optional<uint32_t> site = code->FindInlineSite(address);
      for (uint32_t s = site.value_or(environ::kNoInlineSite); s != environ::kNoInlineSite;
           s = sites[s].parent) {
        ++last_inlined_;
      }
    }
  }
  omitted_ += 1 + last_inlined_;
}

void RawBacktrace::AppendTo(TrapFrames& frames) const {
  size_t kept = 0;
  uint64_t omitted = omitted_;
  const auto add = [&](const environ::ModuleInfo& module, wasm::FuncIndex function,
                       std::optional<uint32_t> module_offset) {
    if (kept == kMaxFrames) {
      ++omitted;
      return;
    }
    ++kept;
    frames.Add(module.name, function.raw(), module.FuncNameOf(function), module_offset);
  };
  for (uintptr_t address : addresses()) {
    const CodeObject* code = CodeObject::Find(address);
    if (code == nullptr) continue;
    const environ::FunctionRecord* function = code->FindFunction(address);
    if (function == nullptr) continue;
    const environ::FuncKey key = function->func_key();
    if (key.kind() != environ::FuncKeyKind::kWasmFunction) continue;
    const environ::ModuleInfo& module = code->module(key.module());
    std::optional<uint32_t> offset = code->FindWasmOffset(address);
    // Inlined callees first, each followed by the function that called it.
    const std::optional<uint32_t> innermost = code->FindInlineSite(address);
    for (uint32_t site = innermost.value_or(environ::kNoInlineSite);
         site != environ::kNoInlineSite;) {
      const environ::InlineSite& inlined = code->tables().inline_sites[site];
      add(module, wasm::FuncIndex(inlined.function), offset);
      offset = inlined.wasm_offset == environ::kNoWasmOffset
                   ? std::nullopt
                   : std::optional<uint32_t>(inlined.wasm_offset);
      site = inlined.parent;
    }
    add(module, module.Index(key.defined_function()), offset);
  }
  frames.AddOmitted(omitted);
}

}  // namespace gantry::runtime
