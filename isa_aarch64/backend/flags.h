// What an AArch64 processor can do, and how code is hardened, as flags: `gantry settings` lists
// them, the host's are inferred by InferHostFlags (what the processor has; hardening is the user's
// choice and runs on any processor), anything else starts from the baseline (Armv8.0).
#ifndef GANTRY_ISA_AARCH64_BACKEND_FLAGS_H_
#define GANTRY_ISA_AARCH64_BACKEND_FLAGS_H_

#include "codegen/settings.h"

namespace gantry::aarch64 {

// clang-format off
#define GANTRY_AARCH64_FLAGS(BOOL) \
  BOOL(has_lse, "LSE: atomic operations in one instruction (Armv8.1)")                              \
  BOOL(has_pauth, "PAuth: signed return addresses checked by the return itself (Armv8.3)")          \
  BOOL(sign_return_address, "Sign return addresses that are saved to the stack (pointer authentication)") \
  BOOL(sign_return_address_all, "Sign return addresses of all functions; needs sign_return_address") \
  BOOL(sign_return_address_with_bkey, "Sign with the second key; needs sign_return_address")        \
  BOOL(use_bti, "Mark all targets of indirect branches (branch target identification)")             \
  BOOL(precise_stores, "Load in front of each store that may fault: processors may write what is in bounds of a store over the end of memory before it traps")
// clang-format on

extern const codegen::FlagTable kAArch64FlagTable;

class AArch64Flags {
 public:
  AArch64Flags() : set_(kAArch64FlagTable) {}
  explicit AArch64Flags(const codegen::FlagSet& set) : set_(set) {}

  const codegen::FlagSet& set() const { return set_; }

#define GANTRY_AARCH64_ACCESSOR(name, help) \
  bool name() const { return set_.value(k_##name) != 0; }
  GANTRY_AARCH64_FLAGS(GANTRY_AARCH64_ACCESSOR)
#undef GANTRY_AARCH64_ACCESSOR

 private:
  enum Index : uint8_t {
#define GANTRY_AARCH64_INDEX(name, help) k_##name,
    GANTRY_AARCH64_FLAGS(GANTRY_AARCH64_INDEX)
#undef GANTRY_AARCH64_INDEX
  };
  codegen::FlagSet set_;
};

// Sets the flags to what the processor that runs this has. Does nothing on another architecture.
void InferHostFlags(codegen::FlagSet* flags);

}  // namespace gantry::aarch64

#endif  // GANTRY_ISA_AARCH64_BACKEND_FLAGS_H_
