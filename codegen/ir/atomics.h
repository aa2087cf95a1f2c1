// AtomicRmwOp: what an atomic_rmw does to the value that memory holds.
//
//   Outcome in memory: old op operand; the instruction's result is old.
#ifndef GANTRY_CODEGEN_IR_ATOMICS_H_
#define GANTRY_CODEGEN_IR_ATOMICS_H_

#include <cstddef>
#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace gantry::codegen {

enum class AtomicRmwOp : uint8_t {
  kAdd,
  kSub,
  kAnd,
  kOr,
  kXor,
  kXchg,  // The operand itself.
};
inline constexpr size_t kNumAtomicRmwOps = 6;

constexpr absl::string_view AtomicRmwOpName(AtomicRmwOp op) {
  constexpr absl::string_view kNames[kNumAtomicRmwOps] = {"add", "sub", "and", "or", "xor", "xchg"};
  return kNames[static_cast<size_t>(op)];
}
inline std::optional<AtomicRmwOp> AtomicRmwOpFromName(absl::string_view name) {
  for (size_t i = 0; i < kNumAtomicRmwOps; ++i) {
    if (name == AtomicRmwOpName(static_cast<AtomicRmwOp>(i))) return static_cast<AtomicRmwOp>(i);
  }
  return std::nullopt;
}

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_IR_ATOMICS_H_
