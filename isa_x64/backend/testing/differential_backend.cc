#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "codegen/differential/backend.h"
#include "isa_x64/backend/flags.h"
#include "isa_x64/backend/isa.h"
#include "isa_x64/backend/testing/native.h"

namespace gantry::x64 {
namespace {

using codegen::Variant;

std::shared_ptr<const codegen::TargetIsa> MakeIsa(const Variant& variant) {
  std::unique_ptr<codegen::IsaBuilder> builder = MakeIsaBuilder();
  if (variant.infer_host) {
    CHECK_OK(builder->InferHost());
  }
  CHECK_OK(builder->Enable("enable_verifier"));
  CHECK_OK(builder->Enable("regalloc_checker"));
  for (const auto& [flag, value] : variant.flags) CHECK_OK(builder->Set(flag, value));
  auto isa = builder->Build();
  CHECK_OK(isa.status());
  return *isa;
}

class Backend final : public codegen::DifferentialBackend {
 public:
  std::vector<Variant> AllVariants(uint64_t seed) const override {
    return {
        {"host", true, {}},
        {"baseline", false, {}},
        {"spilled", true, {{"force_spilling", "true"}}},
        {"chaos", true, {{"chaos_seed", absl::StrCat(seed + 1)}, {"force_islands", "true"}}},
        {"framed", false, {{"frameless_leaf", "false"}, {"spectre_mitigation", "false"}}},
    };
  }

  // All that the host has, AVX-512 off, AVX2 and FMA off too, SSE4.1 alone.
  std::vector<Variant> VectorVariants(uint64_t seed) const override {
    using Flags = std::vector<std::pair<std::string, std::string>>;
    Flags off;
    for (const codegen::FlagInfo& flag : kX64FlagTable.flags) {
      if (absl::StartsWith(flag.name, "has_avx512")) off.push_back({flag.name, "false"});
    }
    Flags avx_only = off;
    avx_only.push_back({"has_fma", "false"});
    avx_only.push_back({"has_avx2", "false"});
    std::vector<Variant> variants = {
        {"all", true, {}},
        {"avx512_off", true, off},
        {"avx2_off", true, avx_only},
        {"sse41", false, {{"has_sse3", "true"}, {"has_ssse3", "true"}, {"has_sse41", "true"}}},
        {"spilled", true, {{"force_spilling", "true"}}},
        {"chaos", true, {{"chaos_seed", absl::StrCat(seed + 1)}, {"force_islands", "true"}}},
    };
    for (Variant& variant : variants) {
      variant.has_fused = MakeIsa(variant)->isa_flags().Get("has_fma") == "true";
    }
    return variants;
  }

  std::unique_ptr<codegen::NativeProgram> MakeProgram(const Variant& variant) const override {
    return std::make_unique<NativeProgram>(MakeIsa(variant));
  }
};

}  // namespace
}  // namespace gantry::x64

namespace gantry::codegen {

const DifferentialBackend& TestedBackend() {
  static const auto* const backend = new x64::Backend();
  return *backend;
}

}  // namespace gantry::codegen
