#include "jit/host_features.h"

#include <cstddef>

#if defined(__x86_64__)
#include <cpuid.h>

#include "cpu_features/cpuinfo_x86.h"
#elif defined(__aarch64__)
#include "cpu_features/cpuinfo_aarch64.h"
#endif

namespace gantry::jit {
namespace {

struct Feature {
  absl::string_view name;
  bool present;
};

#if defined(__x86_64__)

constexpr absl::string_view kTriple = "x86_64-unknown-linux-gnu";

// cpu_features 0.7 does not report LZCNT (AMD64 manual 3, function 8000_0001h, ECX bit 5).
bool HasLzcnt() {
  unsigned eax, ebx, ecx, edx;
  return __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) != 0 && (ecx & (1u << 5)) != 0;
}

bool Has(absl::string_view name) {
  static const cpu_features::X86Features x = cpu_features::GetX86Info().features;
  static const Feature features[] = {
      {"has_sse3", x.sse3 != 0},
      {"has_ssse3", x.ssse3 != 0},
      {"has_sse41", x.sse4_1 != 0},
      {"has_sse42", x.sse4_2 != 0},
      {"has_popcnt", x.popcnt != 0},
      {"has_avx", x.avx != 0},
      {"has_avx2", x.avx2 != 0},
      {"has_fma", x.fma3 != 0},
      {"has_bmi1", x.bmi1 != 0},
      {"has_bmi2", x.bmi2 != 0},
      {"has_lzcnt", HasLzcnt()},
      {"has_adx", x.adx != 0},
      {"has_cmpxchg16b", x.cx16 != 0},
      {"has_avx512f", x.avx512f != 0},
      {"has_avx512vl", x.avx512vl != 0},
      {"has_avx512dq", x.avx512dq != 0},
      {"has_avx512bw", x.avx512bw != 0},
      {"has_avx512vbmi", x.avx512vbmi != 0},
      {"has_avx512bitalg", x.avx512bitalg != 0},
      {"has_avx512vnni", x.avx512vnni != 0},
  };
  for (const Feature& feature : features) {
    if (feature.name == name) return feature.present;
  }
  return false;
}

#elif defined(__aarch64__)

constexpr absl::string_view kTriple = "aarch64-unknown-linux-gnu";

bool Has(absl::string_view name) {
  static const cpu_features::Aarch64Features a = cpu_features::GetAarch64Info().features;
  static const Feature features[] = {
      {"has_lse", a.atomics != 0},
      {"has_fp16", a.fphp != 0},
      {"has_pauth", a.paca != 0},
      {"has_bti", a.bti != 0},
  };
  for (const Feature& feature : features) {
    if (feature.name == name) return feature.present;
  }
  return false;
}

#else
#error "no host of this architecture is supported yet"
#endif

}  // namespace

absl::string_view HostTriple() { return kTriple; }

bool HostHasFeature(absl::string_view name) { return Has(name); }

}  // namespace gantry::jit
