#include "wasi/link.h"

#include <new>
#include <utility>
#include <vector>

#include "api/host_func.h"
#include "api/trap.h"
#include "base/status_macros.h"
#include "wasi/function_table.h"

namespace gantry::wasi {
namespace {

FuncType TypeOf(const FunctionInfo& function) {
  std::vector<wasm::ValType> params;
  for (ParamType param : function.params) {
    params.push_back(param == ParamType::kI32 ? wasm::ValType::I32() : wasm::ValType::I64());
  }
  std::vector<wasm::ValType> results;
  if (function.has_result) results.push_back(wasm::ValType::I32());
  return FuncType(absl::MakeConstSpan(params), absl::MakeConstSpan(results));
}

}  // namespace

absl::Status AddToLinker(Linker& linker, std::function<Context&(Caller&)> context) try {
  for (const FunctionInfo& function : FunctionTable()) {
    RETURN_IF_ERROR(linker.RawFunc(
        kModuleName, function.name, TypeOf(function),
        [&function, context](Caller& caller, runtime::ValRaw* values) -> absl::Status {
          uint64_t args[kMaxParams];
          for (size_t i = 0; i < function.params.size(); ++i) {
            args[i] = function.params[i] == ParamType::kI32 ? HostValue<uint32_t>::Load(values[i])
                                                            : HostValue<uint64_t>::Load(values[i]);
          }
          Context& guest = context(caller);
          uint32_t result = 0;
          const Outcome outcome =
              function.call(guest, GuestMemory(caller.MemoryBytes()), args, &result);
          if (outcome == Outcome::kExited) {
            return ExitStatus(static_cast<int32_t>(*guest.exit_code()));
          }
          if (function.has_result) HostValue<uint32_t>::Store(result, values[0]);
          return absl::OkStatus();
        }));
  }
  return absl::OkStatus();
} catch (const std::bad_alloc&) {
  return absl::ResourceExhaustedError("out of memory in a linker");
}

}  // namespace gantry::wasi
