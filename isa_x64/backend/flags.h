// What an x64 processor can do, as flags: `gantry settings` lists them, the host's are inferred
// by InferHostFlags, anything else starts from the baseline (SSE2).
#ifndef GANTRY_ISA_X64_BACKEND_FLAGS_H_
#define GANTRY_ISA_X64_BACKEND_FLAGS_H_

#include "codegen/settings.h"

namespace gantry::x64 {

// clang-format off
#define GANTRY_X64_FLAGS(BOOL)                                                      \
  BOOL(has_sse3, "SSE3")                                                            \
  BOOL(has_ssse3, "SSSE3: byte shuffles")                                           \
  BOOL(has_sse41, "SSE4.1: rounding, blends, insert and extract; SIMD needs it")    \
  BOOL(has_sse42, "SSE4.2: 64-bit vector compare")                                  \
  BOOL(has_popcnt, "POPCNT")                                                        \
  BOOL(has_avx, "AVX: three-operand vector instructions")                           \
  BOOL(has_avx2, "AVX2: broadcasts and variable vector shifts")                     \
  BOOL(has_fma, "FMA: fused multiply and add")                                      \
  BOOL(has_bmi1, "BMI1: andn, tzcnt, blsr")                                         \
  BOOL(has_bmi2, "BMI2: shlx, shrx, sarx, rorx, mulx")                              \
  BOOL(has_lzcnt, "LZCNT")                                                          \
  BOOL(has_adx, "ADX: adcx, adox")                                                  \
  BOOL(has_cmpxchg16b, "CMPXCHG16B")                                                \
  BOOL(has_avx512f, "AVX-512 foundation")                                           \
  BOOL(has_avx512vl, "AVX-512 on 128 and 256 bits")                                 \
  BOOL(has_avx512dq, "AVX-512 doubleword and quadword instructions")                \
  BOOL(has_avx512bw, "AVX-512 byte and word instructions")                          \
  BOOL(has_avx512vbmi, "AVX-512 byte permutes")                                     \
  BOOL(has_avx512bitalg, "AVX-512 byte and word population count")                  \
  BOOL(has_avx512vnni, "AVX-512 dot products of bytes and words")
// clang-format on

extern const codegen::FlagTable kX64FlagTable;

class X64Flags {
 public:
  X64Flags() : set_(kX64FlagTable) {}
  explicit X64Flags(const codegen::FlagSet& set) : set_(set) {}

  const codegen::FlagSet& set() const { return set_; }
  codegen::FlagSet& set() { return set_; }

#define GANTRY_X64_ACCESSOR(name, help) \
  bool name() const { return set_.value(k_##name) != 0; }
  GANTRY_X64_FLAGS(GANTRY_X64_ACCESSOR)
#undef GANTRY_X64_ACCESSOR

 private:
  enum Index : uint8_t {
#define GANTRY_X64_INDEX(name, help) k_##name,
    GANTRY_X64_FLAGS(GANTRY_X64_INDEX)
#undef GANTRY_X64_INDEX
  };
  codegen::FlagSet set_;
};

// Sets the flags to what the processor that runs this has, and what its operating system lets
// programs use. Does nothing on another architecture.
void InferHostFlags(codegen::FlagSet* flags);

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_BACKEND_FLAGS_H_
