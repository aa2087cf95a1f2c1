#include "codegen/pass/passes.h"

namespace gantry::codegen {
namespace {

constexpr const char* kPassNames[] = {"gvn", "unreachable", "block_params", "dead_code"};

}  // namespace

std::unique_ptr<Pass> MakePass(absl::string_view name) {
  if (name == "gvn") return std::make_unique<GvnPass>();
  if (name == "unreachable") return std::make_unique<UnreachablePass>();
  if (name == "block_params") return std::make_unique<BlockParamsPass>();
  if (name == "dead_code") return std::make_unique<DeadCodePass>();
  return nullptr;
}

absl::Span<const char* const> PassNames() { return kPassNames; }

void AddDefaultPasses(PassPipeline* pipeline) {
  for (const char* name : kPassNames) pipeline->Add(MakePass(name));
}

}  // namespace gantry::codegen
