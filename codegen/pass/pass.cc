#include "codegen/pass/pass.h"

#include <algorithm>
#include <chrono>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gantry::codegen {
bool PassPipeline::IsSkipped(absl::string_view name) const {
  return std::find(options_.skip.begin(), options_.skip.end(), name) != options_.skip.end();
}

absl::Status PassPipeline::Verify(const Function& func, absl::string_view where) {
  if (!options_.verify) return absl::OkStatus();
  const absl::Status status = verifier_.Verify(func);
  if (status.ok()) return status;
  return absl::InternalError(absl::StrCat(where, ": ", status.message()));
}

void PassPipeline::AddToTotals(size_t pass, const PassRecord& record) {
  if (totals_.size() < passes_.size()) totals_.resize(passes_.size());
  PassTotals& totals = totals_[pass];
  totals.pass = record.pass;
  ++totals.runs;
  totals.changed += record.changed ? 1 : 0;
  totals.nanoseconds += static_cast<uint64_t>(record.nanoseconds);
  totals.work += record.work;
  totals.insts_added += record.insts_added;
  totals.insts_removed += record.insts_removed;
}

absl::Status PassPipeline::Run(Function* func) {
  RETURN_IF_ERROR(Verify(*func, "before the passes"));
  analyses_.Invalidate();
  const bool count = options_.record || options_.measure;
  for (size_t i = 0; i < passes_.size(); ++i) {
    Pass& pass = *passes_[i];
    if (runs_++ >= options_.bisect_limit || IsSkipped(pass.name())) continue;
    if (options_.dump) options_.dump("before", pass.name(), *func);
    PassRecord record;
    const size_t insts_before = count ? func->layout.num_insts() : 0;
    const size_t made_before = func->dfg.num_insts();
    const uint64_t work_before = pass.work() + analyses_.work();
    const auto start =
        count ? std::chrono::steady_clock::now() : std::chrono::steady_clock::time_point();
    record.changed = pass.Run(func, &analyses_);
    if (count) {
      const auto end = std::chrono::steady_clock::now();
      record.pass = std::string(pass.name());
      record.nanoseconds =
          std::chrono::duration_cast<std::chrono::nanoseconds>(end - start).count();
      record.work = pass.work() + analyses_.work() - work_before + func->dfg.num_insts() +
                    func->dfg.num_blocks() + func->dfg.num_values();
      record.insts_added = func->dfg.num_insts() - made_before;
      record.insts_removed = insts_before + record.insts_added - func->layout.num_insts();
    }
    if (options_.measure) AddToTotals(i, record);
    if (options_.dump) options_.dump("after", pass.name(), *func);
    if (options_.changed && record.changed) options_.changed(pass.name(), *func);
    if (options_.record) records_.push_back(std::move(record));
    RETURN_IF_ERROR(Verify(*func, absl::StrCat("after pass ", pass.name())));
  }
  return absl::OkStatus();
}

}  // namespace gantry::codegen
