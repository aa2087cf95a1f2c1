#include "isa_aarch64/backend/flags.h"

#include "base/check.h"

#if defined(__aarch64__)
#include "cpu_features/cpuinfo_aarch64.h"
#endif

namespace gantry::aarch64 {
namespace {

constexpr codegen::FlagInfo kFlagInfos[] = {
#define GANTRY_AARCH64_INFO(name, help) \
  {#name, codegen::FlagKind::kBool, "false", "false,true", help},
    GANTRY_AARCH64_FLAGS(GANTRY_AARCH64_INFO)
#undef GANTRY_AARCH64_INFO
};

}  // namespace

const codegen::FlagTable kAArch64FlagTable = {"aarch64", kFlagInfos};

void InferHostFlags(codegen::FlagSet* flags) {
#if defined(__aarch64__)
  const cpu_features::Aarch64Features host = cpu_features::GetAarch64Info().features;
  CHECK_OK(flags->Set("has_lse", host.atomics ? "true" : "false"));
  CHECK_OK(flags->Set("has_pauth", host.paca ? "true" : "false"));
#else
  (void)flags;
#endif
}

}  // namespace gantry::aarch64
