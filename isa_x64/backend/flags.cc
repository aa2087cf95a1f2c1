#include "isa_x64/backend/flags.h"

#include "base/check.h"

#if defined(__x86_64__)
#include <cpuid.h>

#include "cpu_features/cpuinfo_x86.h"
#endif

namespace gantry::x64 {
namespace {

constexpr codegen::FlagInfo kFlagInfos[] = {
#define GANTRY_X64_INFO(name, help) {#name, codegen::FlagKind::kBool, "false", "false,true", help},
    GANTRY_X64_FLAGS(GANTRY_X64_INFO)
#undef GANTRY_X64_INFO
};

#if defined(__x86_64__)
// cpu_features knows no LZCNT: bit 5 of ecx of leaf 0x80000001 (AMD64 manual, volume 3, E.4.2).
bool HasLzcnt() {
  unsigned eax = 0, ebx = 0, ecx = 0, edx = 0;
  if (__get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) == 0) return false;
  return (ecx & 1u << 5) != 0;
}
#endif

}  // namespace

const codegen::FlagTable kX64FlagTable = {"x64", kFlagInfos};

void InferHostFlags(codegen::FlagSet* flags) {
#if defined(__x86_64__)
  const cpu_features::X86Features host = cpu_features::GetX86Info().features;
  const auto set = [&](absl::string_view name, bool value) {
    CHECK_OK(flags->Set(name, value ? "true" : "false"));
  };
  set("has_sse3", host.sse3);
  set("has_ssse3", host.ssse3);
  set("has_sse41", host.sse4_1);
  set("has_sse42", host.sse4_2);
  set("has_popcnt", host.popcnt);
  set("has_avx", host.avx);
  set("has_avx2", host.avx2);
  set("has_fma", host.fma3);
  set("has_bmi1", host.bmi1);
  set("has_bmi2", host.bmi2);
  set("has_lzcnt", HasLzcnt());
  set("has_adx", host.adx);
  set("has_cmpxchg16b", host.cx16);
  set("has_avx512f", host.avx512f);
  set("has_avx512vl", host.avx512vl);
  set("has_avx512dq", host.avx512dq);
  set("has_avx512bw", host.avx512bw);
  set("has_avx512vbmi", host.avx512vbmi);
  set("has_avx512bitalg", host.avx512bitalg);
  set("has_avx512vnni", host.avx512vnni);
#else
  (void)flags;
#endif
}

}  // namespace gantry::x64
