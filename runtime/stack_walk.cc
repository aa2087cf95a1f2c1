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
  for (uintptr_t address : addresses()) {
    VisitWasmFrames(address, [&](const WasmFrame& frame) {
      if (kept == kMaxFrames) {
        ++omitted;
        return;
      }
      ++kept;
      frames.Add(frame.module->name, frame.function.raw(), frame.module->FuncNameOf(frame.function),
                 frame.module_offset, frame.Source());
    });
  }
  frames.AddOmitted(omitted);
}

}  // namespace gantry::runtime
