#include "environ/core/trap_code.h"

namespace gantry::environ {

absl::string_view TrapName(TrapCode code) {
  switch (code) {
#define GANTRY_X(enumerator, number, name, message) \
  case TrapCode::enumerator:                        \
    return name;
    GANTRY_TRAP_CODES(GANTRY_X)
#undef GANTRY_X
  }
  return "?";
}

absl::string_view TrapMessage(TrapCode code) {
  switch (code) {
#define GANTRY_X(enumerator, number, name, message) \
  case TrapCode::enumerator:                        \
    return message;
    GANTRY_TRAP_CODES(GANTRY_X)
#undef GANTRY_X
  }
  return "unknown trap";
}

std::optional<TrapCode> TrapCodeFromNumber(uint8_t number) {
  switch (number) {
#define GANTRY_X(enumerator, number, name, message) \
  case number:                                      \
    return TrapCode::enumerator;
    GANTRY_TRAP_CODES(GANTRY_X)
#undef GANTRY_X
  }
  return std::nullopt;
}

std::optional<TrapCode> TrapCodeFromName(absl::string_view name) {
#define GANTRY_X(enumerator, number, text, message) \
  if (name == text) return TrapCode::enumerator;
  GANTRY_TRAP_CODES(GANTRY_X)
#undef GANTRY_X
  return std::nullopt;
}

std::ostream& operator<<(std::ostream& out, TrapCode code) { return out << TrapName(code).data(); }

}  // namespace gantry::environ
