#include "codegen/pass/passes.h"

#include "codegen/pass/branches.h"
#include "codegen/pass/dead_stores.h"
#include "codegen/pass/early_return.h"
#include "codegen/pass/hoist.h"
#include "codegen/pass/if_convert.h"
#include "codegen/pass/loop_invert.h"
#include "codegen/pass/polls.h"
#include "codegen/pass/sink.h"
#include "codegen/pass/switches.h"
#include "codegen/pass/widen.h"

namespace gantry::codegen {
namespace {

// `polls` is behind what works on loops, in front of what takes out what it leaves.
constexpr const char* kPassNames[] = {"early_return", "gvn",        "unreachable", "block_params",
                                      "switches",     "if_convert", "branches",    "loop_invert",
                                      "hoist",        "widen",      "polls",       "dead_stores",
                                      "sink",         "dead_code"};

}  // namespace

std::unique_ptr<Pass> MakePass(absl::string_view name) {
  if (name == "early_return") return std::make_unique<EarlyReturnPass>();
  if (name == "gvn") return std::make_unique<GvnPass>();
  if (name == "unreachable") return std::make_unique<UnreachablePass>();
  if (name == "block_params") return std::make_unique<BlockParamsPass>();
  if (name == "dead_code") return std::make_unique<DeadCodePass>();
  if (name == "switches") return std::make_unique<SwitchesPass>();
  if (name == "if_convert") return std::make_unique<IfConvertPass>();
  if (name == "branches") return std::make_unique<BranchesPass>();
  if (name == "hoist") return std::make_unique<HoistPass>();
  if (name == "widen") return std::make_unique<WidenPass>();
  if (name == "dead_stores") return std::make_unique<DeadStoresPass>();
  if (name == "polls") return std::make_unique<PollsPass>();
  if (name == "loop_invert") return std::make_unique<LoopInvertPass>();
  if (name == "sink") return std::make_unique<SinkPass>();
  return nullptr;
}

absl::Span<const char* const> PassNames() { return kPassNames; }

void AddDefaultPasses(PassPipeline* pipeline, bool polls) {
  for (const absl::string_view name : kPassNames) {
    if (polls || name != "polls") pipeline->Add(MakePass(name));
  }
}

}  // namespace gantry::codegen
