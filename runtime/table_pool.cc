#include "runtime/table_pool.h"

#include <bit>
#include <cstring>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "runtime/give_back.h"
#include "runtime/vm_structs.h"

namespace gantry::runtime {
namespace {

// Slots hold nothing but zeroes: any is as good as another.
constexpr uint64_t kAnyTable = 0;

}  // namespace

absl::StatusOr<std::unique_ptr<TablePool>> TablePool::Create(const Options& options) {
  constexpr uint64_t kMost = uint64_t{1} << 46;
  constexpr uint64_t kMostElements = kMost / sizeof(VMFuncTableEntry);
  std::optional<uint64_t> slot_bytes;
  if (options.max_elements <= kMostElements) {
    slot_bytes = RoundUpToPage(options.max_elements * sizeof(VMFuncTableEntry));
  }
  if (!slot_bytes.has_value() || (*slot_bytes > 0 && options.slots > kMost / *slot_bytes)) {
    return absl::ResourceExhaustedError(absl::StrCat("a pool of ", options.slots, " tables of ",
                                                     options.max_elements,
                                                     " elements does not fit the address space"));
  }
  ASSIGN_OR_RETURN(Mmap memory, Mmap::Allocate(options.slots * *slot_bytes));
  return std::unique_ptr<TablePool>(new TablePool(options, *slot_bytes, std::move(memory)));
}

TablePool::TablePool(const Options& options, uint64_t slot_bytes, Mmap memory)
    : options_(options),
      slot_bytes_(slot_bytes),
      page_size_log2_(static_cast<unsigned>(std::countr_zero(HostPageSize()))),
      words_per_slot_(((slot_bytes >> page_size_log2_) + 63) / 64),
      memory_(std::move(memory)),
      index_(options.slots, options.most_warm),
      touched_(words_per_slot_ * options.slots) {}

absl::StatusOr<TableElements> TablePool::Take(uint64_t elements, uint64_t element_size) {
  CHECK(element_size <= sizeof(VMFuncTableEntry)) << element_size;
  if (elements > options_.max_elements) {
    return absl::ResourceExhaustedError(
        absl::StrCat("a table of ", elements, " elements is over the pool's max_table_elements of ",
                     options_.max_elements));
  }
  const std::optional<uint32_t> number = index_.Take(kAnyTable);
  if (!number.has_value()) {
    return absl::ResourceExhaustedError(
        absl::StrCat("all tables of the pool are in use: total_tables is ", options_.slots));
  }
  TableElements::Slot slot;
  slot.owner = this;
  slot.number = *number;
  slot.base = memory_.data() + *number * slot_bytes_;
  slot.bytes = options_.max_elements * element_size;
  slot.touched = touched_.data() + *number * words_per_slot_;
  slot.page_size_log2 = page_size_log2_;
  return TableElements(slot);
}

void TablePool::TakeBackTable(uint32_t number) {
  // The host refuses to take pages where the process has locked them; then they are there to be
  // written.
  if (!MakeZero(number)) {
    std::memset(memory_.data() + number * slot_bytes_, 0, slot_bytes_);
  }
  index_.Give(number, kAnyTable);
}

bool TablePool::MakeZero(uint32_t number) {
  uint8_t* const base = memory_.data() + number * slot_bytes_;
  uint64_t* const touched = touched_.data() + number * words_per_slot_;
  const uint64_t page_size = uint64_t{1} << page_size_log2_;
  uint64_t keep = index_.warm_here() < options_.most_warm ? options_.keep_resident : 0;
  bool zero = true;
  for (uint64_t word = 0; word < words_per_slot_; ++word) {
    while (touched[word] != 0) {
      const unsigned bit = static_cast<unsigned>(std::countr_zero(touched[word]));
      uint8_t* const page = base + (word * 64 + bit) * page_size;
      if (keep >= page_size) {
        keep -= page_size;
        std::memset(page, 0, page_size);
        touched[word] &= touched[word] - 1;
        continue;
      }
      // From here on all goes back at once.
      const uint64_t rest = static_cast<uint64_t>(base + slot_bytes_ - page);
      zero = GiveBack(page, rest);
      std::memset(touched + word, 0, (words_per_slot_ - word) * sizeof(uint64_t));
      return zero;
    }
  }
  return zero;
}

}  // namespace gantry::runtime
