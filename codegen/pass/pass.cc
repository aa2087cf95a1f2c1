#include "codegen/pass/pass.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gantry::codegen {
namespace {

size_t CountInsts(const Function& func) {
  size_t count = 0;
  for (Block block : func.layout.blocks()) {
    for (Inst inst : func.layout.insts(block)) {
      static_cast<void>(inst);
      ++count;
    }
  }
  return count;
}

}  // namespace

bool PassPipeline::IsSkipped(absl::string_view name) const {
  return std::find(options_.skip.begin(), options_.skip.end(), name) != options_.skip.end();
}

absl::Status PassPipeline::Verify(const Function& func, absl::string_view where) {
  if (!options_.verify) return absl::OkStatus();
  const absl::Status status = verifier_.Verify(func);
  if (status.ok()) return status;
  return absl::InternalError(absl::StrCat(where, ": ", status.message()));
}

absl::Status PassPipeline::Run(Function* func) {
  RETURN_IF_ERROR(Verify(*func, "before the passes"));
  analyses_.Invalidate();
  for (const std::unique_ptr<Pass>& pass : passes_) {
    if (runs_++ >= options_.bisect_limit || IsSkipped(pass->name())) continue;
    if (options_.dump) options_.dump("before", pass->name(), *func);
    PassRecord record;
    const size_t insts_before = options_.record ? CountInsts(*func) : 0;
    const size_t made_before = func->dfg.num_insts();
    const auto start = std::chrono::steady_clock::now();
    record.changed = pass->Run(func, &analyses_);
    if (options_.record) {
      const auto end = std::chrono::steady_clock::now();
      record.pass = std::string(pass->name());
      record.nanoseconds =
          std::chrono::duration_cast<std::chrono::nanoseconds>(end - start).count();
      record.insts_added = func->dfg.num_insts() - made_before;
      record.insts_removed = insts_before + record.insts_added - CountInsts(*func);
      records_.push_back(std::move(record));
    }
    if (options_.dump) options_.dump("after", pass->name(), *func);
    RETURN_IF_ERROR(Verify(*func, absl::StrCat("after pass ", pass->name())));
  }
  return absl::OkStatus();
}

}  // namespace gantry::codegen
