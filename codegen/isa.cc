#include "codegen/isa.h"

#include <atomic>

#include "absl/strings/str_cat.h"

namespace gantry::codegen {
namespace {

std::atomic<uint64_t> next_serial{1};

}  // namespace

TargetIsa::TargetIsa(const SharedFlags& shared_flags, const StackLimitCheck& stack_limit)
    : serial_(next_serial.fetch_add(1, std::memory_order_relaxed)),
      shared_flags_(shared_flags),
      stack_limit_(stack_limit) {}

absl::Status IsaBuilder::Set(absl::string_view flag, absl::string_view value) {
  if (shared_flags_.set().Has(flag)) return shared_flags_.Set(flag, value);
  if (isa_flags_.Has(flag)) return isa_flags_.Set(flag, value);
  return absl::NotFoundError(absl::StrCat("there is no flag '", flag, "', neither shared nor of ",
                                          name_, "; `gantry settings` lists them"));
}

absl::Status IsaBuilder::Enable(absl::string_view flag) {
  if (shared_flags_.set().Has(flag)) return shared_flags_.Enable(flag);
  if (isa_flags_.Has(flag)) return isa_flags_.Enable(flag);
  return Set(flag, "true");
}

}  // namespace gantry::codegen
