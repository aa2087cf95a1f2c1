// FunctionTable: every WASI call by name, with its WebAssembly signature and a uniform way to
// call it. Binding WASI to any engine is a loop over this table.
//
//   for (const wasi::FunctionInfo& function : wasi::FunctionTable()) {
//     linker.Define(wasi::kModuleName, function.name, SignatureOf(function), ...);
//   }
//
// It is made from functions.inc; each line there is checked at compile time against the C++ type
// of the Context method that it names.
#ifndef GANTRY_WASI_FUNCTION_TABLE_H_
#define GANTRY_WASI_FUNCTION_TABLE_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "wasi/context.h"
#include "wasi/guest_memory.h"

namespace gantry::wasi {

inline constexpr absl::string_view kModuleName = "wasi_snapshot_preview1";

// WASI preview 1 uses no other parameter types; a result is always an i32 errno.
enum class ParamType : uint8_t { kI32, kI64 };

// No function has more parameters than this.
inline constexpr uint32_t kMaxParams = 9;

enum class Outcome {
  kReturned,  // back to the guest, with the result if the function has one
  kExited,    // stop the guest; Context::exit_code() has its code
};

struct FunctionInfo {
  absl::string_view name;
  absl::Span<const ParamType> params;
  bool has_result;
  // Calls it. `args` holds params.size() values, an i32 in the low half of each (the high half is
  // ignored). `*result` is written if the function has a result and returned.
  Outcome (*call)(Context& context, GuestMemory memory, const uint64_t* args, uint32_t* result);
};

// All functions, in the specification's order.
absl::Span<const FunctionInfo> FunctionTable();

// The function of that name, nullptr if there is none.
const FunctionInfo* FindFunction(absl::string_view name);

}  // namespace gantry::wasi

#endif  // GANTRY_WASI_FUNCTION_TABLE_H_
