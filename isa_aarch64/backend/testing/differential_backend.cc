#include <memory>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "codegen/differential/backend.h"
#include "isa_aarch64/backend/isa.h"
#include "isa_aarch64/backend/testing/native.h"

namespace gantry::aarch64 {
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

// With the variant of precise stores. The others may leave part of a store that traps: the
// architecture allows it, and QEMU does it with 16 bytes.
std::vector<Variant> WithPreciseStores(std::vector<Variant> variants) {
  for (Variant& variant : variants) variant.tears_stores = true;
  variants.push_back({"precise stores", true, {{"precise_stores", "true"}}});
  return variants;
}

class Backend final : public codegen::DifferentialBackend {
 public:
  std::vector<Variant> AllVariants(uint64_t seed) const override {
    return WithPreciseStores({
        {"host", true},
        {"baseline", false},
        {"spilled", true, {{"force_spilling", "true"}}},
        {"chaos", true, {{"chaos_seed", absl::StrCat(seed + 1)}, {"force_islands", "true"}}},
        {"framed", false, {{"frameless_leaf", "false"}, {"spectre_mitigation", "false"}}},
        {"hardened",
         true,
         {{"sign_return_address", "true"},
          {"sign_return_address_all", "true"},
          {"use_bti", "true"}}},
    });
  }

  std::vector<Variant> VectorVariants(uint64_t seed) const override {
    return WithPreciseStores({
        {"host", true},
        {"spilled", true, {{"force_spilling", "true"}}},
        {"chaos", true, {{"chaos_seed", absl::StrCat(seed + 1)}, {"force_islands", "true"}}},
    });
  }

  std::unique_ptr<codegen::NativeProgram> MakeProgram(const Variant& variant) const override {
    return std::make_unique<NativeProgram>(MakeIsa(variant));
  }
};

}  // namespace
}  // namespace gantry::aarch64

namespace gantry::codegen {

const DifferentialBackend& TestedBackend() {
  static const auto* const backend = new aarch64::Backend();
  return *backend;
}

}  // namespace gantry::codegen
