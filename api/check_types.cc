// Tested by references_test.cc.
#include "api/check_types.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace gantry::api_internal {

absl::Status CheckLimits(const wasm::Limits& limits, uint64_t most, absl::string_view what) {
  if (limits.max.has_value() && *limits.max < limits.min) {
    return absl::InvalidArgumentError(
        absl::StrCat("size minimum must not be greater than maximum: a ", what, " of ", limits.min,
                     " to ", *limits.max));
  }
  if (std::max(limits.min, limits.max.value_or(0)) > most) {
    return absl::InvalidArgumentError(absl::StrCat(what, " size: a bound is over ", most));
  }
  return absl::OkStatus();
}

absl::Status CheckMemoryType(const wasm::MemoryType& type) {
  if (type.page_size_log2 != 0 && type.page_size_log2 != wasm::MemoryType::kDefaultPageSizeLog2) {
    return absl::InvalidArgumentError(
        absl::StrCat("invalid custom page size: it must be 1 or 65536, not 2 to the ",
                     static_cast<int>(type.page_size_log2)));
  }
  if (type.shared && !type.limits.max.has_value()) {
    return absl::InvalidArgumentError("shared memory must have maximum");
  }
  const bool wide = type.index_type == wasm::IndexType::kI64;
  // As many bytes as there are addresses; pages of one byte have to be countable.
  const uint64_t most = type.page_size_log2 == 0
                            ? (wide ? ~uint64_t{0} : uint64_t{0xFFFFFFFF})
                            : uint64_t{1} << ((wide ? 64 : 32) - type.page_size_log2);
  return CheckLimits(type.limits, most, "memory");
}

}  // namespace gantry::api_internal
