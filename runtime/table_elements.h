// TableElements: the memory that a table's elements lie in, zero where nothing was written: from
// the host's heap, or a slot of a pool, which it goes back to.
//
//   ASSIGN_OR_RETURN(TableElements elements, TableElements::Allocate(bytes));
//   elements.Touch(offset, size);    // before the bytes are written
#ifndef GANTRY_RUNTIME_TABLE_ELEMENTS_H_
#define GANTRY_RUNTIME_TABLE_ELEMENTS_H_

#include <cstdint>
#include <cstdlib>
#include <utility>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"

namespace gantry::runtime {

// Takes slots back.
class TableSlotOwner {
 public:
  // All pages that may not be zero any more are marked as touched.
  virtual void TakeBackTable(uint32_t number) = 0;

 protected:
  ~TableSlotOwner() = default;
};

class TableElements {
 public:
  struct Slot {
    TableSlotOwner* owner = nullptr;
    uint32_t number = 0;
    uint8_t* base = nullptr;
    uint64_t bytes = 0;
    // A bit for each page of `1 << page_size_log2` bytes: whether it was touched.
    uint64_t* touched = nullptr;
    unsigned page_size_log2 = 0;
  };

  // No elements.
  TableElements() = default;
  explicit TableElements(const Slot& slot) : slot_(slot) {}
  TableElements(TableElements&& other) noexcept : slot_(std::exchange(other.slot_, Slot())) {}
  TableElements& operator=(TableElements&& other) noexcept {
    if (this != &other) {
      Release();
      slot_ = std::exchange(other.slot_, Slot());
    }
    return *this;
  }
  ~TableElements() { Release(); }

  // From the heap; untouched pages cost nothing. Error: kResourceExhausted.
  static absl::StatusOr<TableElements> Allocate(uint64_t bytes) {
    TableElements elements;
    // calloc may give null for 0.
    elements.slot_.base = static_cast<uint8_t*>(std::calloc(bytes == 0 ? 1 : bytes, 1));
    if (elements.slot_.base == nullptr) {
      return absl::ResourceExhaustedError(
          absl::StrCat("no memory for a table of ", bytes, " bytes"));
    }
    elements.slot_.bytes = bytes;
    return elements;
  }

  uint8_t* base() const { return slot_.base; }
  uint64_t bytes() const { return slot_.bytes; }
  // Whether it is as large as it can be.
  bool is_slot() const { return slot_.owner != nullptr; }

  // Has to be called before bytes are written, be it by compiled code later on.
  void Touch(uint64_t offset, uint64_t size) {
    if (slot_.touched == nullptr || size == 0) return;
    const uint64_t last = (offset + size - 1) >> slot_.page_size_log2;
    for (uint64_t page = offset >> slot_.page_size_log2; page <= last; ++page) {
      slot_.touched[page / 64] |= uint64_t{1} << page % 64;
    }
  }

 private:
  void Release() {
    if (slot_.owner != nullptr) {
      slot_.owner->TakeBackTable(slot_.number);
    } else {
      std::free(slot_.base);
    }
  }

  Slot slot_;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_TABLE_ELEMENTS_H_
