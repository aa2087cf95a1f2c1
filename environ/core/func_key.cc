#include "environ/core/func_key.h"

#include "absl/strings/str_cat.h"

namespace gantry::environ {

std::string FuncKey::Symbol() const {
  switch (kind_) {
    case FuncKeyKind::kWasmFunction:
      return absl::StrCat("wasm[", module_, "]::function[", index_, "]");
    case FuncKeyKind::kEntryTrampoline:
      return absl::StrCat("wasm[", module_, "]::entry[", index_, "]");
    case FuncKeyKind::kExitTrampoline:
      return absl::StrCat("wasm[", module_, "]::exit[", index_, "]");
    case FuncKeyKind::kBuiltinShim:
      return absl::StrCat("builtin[", index_, "]");
    case FuncKeyKind::kModuleStart:
      return absl::StrCat("wasm[", module_, "]::start");
  }
  UNREACHABLE();
}

}  // namespace gantry::environ
