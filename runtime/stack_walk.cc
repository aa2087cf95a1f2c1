#include "runtime/stack_walk.h"

#include <optional>
#include <string>
#include <utility>

#include "environ/core/func_key.h"
#include "environ/core/module_info.h"
#include "runtime/code_object.h"

namespace gantry::runtime {

namespace {

TrapFrame FrameOf(const environ::ModuleInfo& module, wasm::FuncIndex function,
                  std::optional<uint32_t> module_offset) {
  TrapFrame frame;
  frame.module_name = module.name;
  frame.func_index = function.raw();
  frame.func_name = std::string(module.FuncNameOf(function));
  frame.module_offset = module_offset;
  return frame;
}

}  // namespace

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

RawBacktrace::Symbolized RawBacktrace::Symbolize() const {
  Symbolized out;
  out.omitted = omitted_;
  out.frames.reserve(count_);
  const auto add = [&out](TrapFrame frame) {
    if (out.frames.size() < kMaxFrames) {
      out.frames.push_back(std::move(frame));
    } else {
      ++out.omitted;
    }
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
      add(FrameOf(module, wasm::FuncIndex(inlined.function), offset));
      offset = inlined.wasm_offset == environ::kNoWasmOffset
                   ? std::nullopt
                   : std::optional<uint32_t>(inlined.wasm_offset);
      site = inlined.parent;
    }
    add(FrameOf(module, module.Index(key.defined_function()), offset));
  }
  return out;
}

}  // namespace gantry::runtime
