#include "runtime/table.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"

namespace gantry::runtime {

bool IsFuncReference(wasm::ValType type) {
  CHECK(type.is_ref()) << type;
  return wasm::TopOfHierarchy(type.heap_type()) == wasm::AbstractHeapType::kFunc;
}

VMFuncTableEntry MakeFuncTableEntry(VMFuncRef* func_ref) {
  if (func_ref == nullptr) return {nullptr, nullptr, nullptr, environ::kNullTypeId, 0};
  return {func_ref->wasm_call, func_ref->vmctx, func_ref, func_ref->type_id, 0};
}

Table::Table(const wasm::TableType& type, uint64_t max_elements, TableElements elements)
    : type_(type),
      max_elements_(std::min(max_elements, type.limits.max.value_or(~uint64_t{0}))),
      holds_functions_(IsFuncReference(type.element)),
      elements_(std::move(elements)) {
  own_definition_.base = elements_.base();
}

absl::StatusOr<std::unique_ptr<Table>> Table::Create(const wasm::TableType& type, ValRaw initial,
                                                     uint64_t max_elements) {
  if (type.limits.min > max_elements) {
    return absl::ResourceExhaustedError(absl::StrCat("a table of ", type.limits.min,
                                                     " elements is over the limit of ",
                                                     max_elements, " elements"));
  }
  std::unique_ptr<Table> table(new Table(type, max_elements, TableElements()));
  absl::StatusOr<uint64_t> grown = table->Grow(type.limits.min, initial);
  if (!grown.ok()) return grown.status();
  return table;
}

wasm::TableType Table::CurrentType() const {
  wasm::TableType type = type_;
  type.limits.min = size();
  return type;
}

void Table::SetPreset(absl::Span<const wasm::FuncIndex> preset, FunctionSource* functions) {
  CHECK(holds_functions_ && preset.size() <= size()) << preset.size() << " of " << size();
  preset_ = preset;
  functions_ = functions;
}

// An element in bounds, which is not untouched any more.
VMFuncTableEntry& Table::Touched(uint64_t index) {
  VMFuncTableEntry& entry = entries()[index];
  if (entry.type_id == environ::kUntouchedTypeId) {
    Touch(index, 1);
    const bool is_preset = index < preset_.size() && preset_[index].is_some();
    entry = MakeFuncTableEntry(is_preset ? functions_->FuncRef(preset_[index]) : nullptr);
  }
  return entry;
}

ValRaw Table::Get(uint64_t index) {
  CHECK(index < size()) << index << " of " << size();
  if (holds_functions_) return ValRaw::FuncRef(Touched(index).func_ref);
  return ValRaw::Reference(handles()[index]);
}

void Table::Set(uint64_t index, ValRaw value) {
  CHECK(index < size()) << index << " of " << size();
  if (holds_functions_) {
    Touch(index, 1);
    entries()[index] = MakeFuncTableEntry(value.func_ref);
  } else {
    handles()[index] = value.reference;
  }
}

absl::StatusOr<uint64_t> Table::Grow(uint64_t delta, ValRaw value) {
  const uint64_t old_size = size();
  if (delta > max_elements_ || old_size > max_elements_ - delta) {
    return absl::ResourceExhaustedError(absl::StrCat("a table of ", old_size,
                                                     " elements cannot grow by ", delta,
                                                     ": its limit is ", max_elements_));
  }
  const uint64_t new_size = old_size + delta;
  if (new_size > elements_.bytes() / element_size()) {
    if (elements_.is_slot()) {
      return absl::ResourceExhaustedError(absl::StrCat(
          "a table of ", new_size, " elements is over the pool's max_table_elements of ",
          elements_.bytes() / element_size()));
    }
    // Exactly the size at first, then half as much again; never past the limit.
    uint64_t capacity = new_size;
    if (old_size > 0) {
      capacity = std::clamp(old_size + old_size / 2, new_size, max_elements_);
    }
    if (capacity > ~size_t{0} / element_size()) {
      return absl::ResourceExhaustedError(
          absl::StrCat("a table of ", new_size, " elements does not fit the address space"));
    }
    ASSIGN_OR_RETURN(TableElements elements, TableElements::Allocate(capacity * element_size()));
    if (old_size > 0) std::memcpy(elements.base(), definition_->base, old_size * element_size());
    elements_ = std::move(elements);
    definition_->base = elements_.base();
  }
  // Compiled code writes handles without a word.
  if (!holds_functions_) Touch(old_size, delta);
  definition_->length = new_size;
  // Beyond the old size all is zero: tables never shrink.
  if (value.words[0] != 0) Fill(old_size, value, delta);
  return old_size;
}

void Table::Copy(Table& destination, uint64_t destination_offset, Table& source,
                 uint64_t source_offset, uint64_t length) {
  CHECK(destination.InBounds(destination_offset, length));
  CHECK(source.InBounds(source_offset, length));
  CHECK(destination.holds_functions_ == source.holds_functions_);
  if (length == 0) return;
  // What an untouched element stands for depends on its place.
  if (source.holds_functions_) {
    for (uint64_t i = 0; i < length; ++i) source.Touched(source_offset + i);
  }
  destination.Touch(destination_offset, length);
  const size_t size = destination.element_size();
  std::memmove(static_cast<uint8_t*>(destination.definition_->base) + destination_offset * size,
               static_cast<const uint8_t*>(source.definition_->base) + source_offset * size,
               length * size);
}

void Table::Fill(uint64_t offset, ValRaw value, uint64_t length) {
  CHECK(InBounds(offset, length));
  Touch(offset, length);
  if (holds_functions_) {
    std::fill_n(entries() + offset, length, MakeFuncTableEntry(value.func_ref));
  } else {
    std::fill_n(handles() + offset, length, value.reference);
  }
}

void Table::SetDefinition(VMTableDefinition* definition) {
  *definition = *definition_;
  definition_ = definition;
}

}  // namespace gantry::runtime
