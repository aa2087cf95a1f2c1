// Table: one table of references. A table of functions holds VMFuncTableEntry, with all that
// call_indirect needs inline; any other holds 32-bit handles into the store's reference heap.
//
//   ASSIGN_OR_RETURN(std::unique_ptr<Table> table, Table::Create(type, ValRaw(), limits));
//   table->Set(0, ValRaw::FuncRef(func_ref));
//
// As with Memory, compiled code sees a VMTableDefinition that is kept current. A function
// table starts as zero pages, which are untouched elements: each stands for what the table's preset
// has at its place, else for null, and becomes that when it is first read.
#ifndef GANTRY_RUNTIME_TABLE_H_
#define GANTRY_RUNTIME_TABLE_H_

#include <cstdint>
#include <cstdlib>
#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "runtime/table_elements.h"
#include "runtime/vm_structs.h"
#include "wasm_translate/types.h"

namespace gantry::runtime {

// Whose functions a preset table holds; makes references to them when they are asked for.
class FunctionSource {
 public:
  virtual VMFuncRef* FuncRef(wasm::FuncIndex function) = 0;

 protected:
  ~FunctionSource() = default;
};

// Whether references of this type, canonical if concrete, are VMFuncRef* rather than handles.
bool IsFuncReference(wasm::ValType type);

class Table {
 public:
  // The default of the JavaScript API's specification.
  static constexpr uint64_t kDefaultMaxElements = 10'000'000;

  // A table of the type's minimum size, filled with `initial`.
  // Error: kResourceExhausted where it is larger than `max_elements` or the host has no memory.
  static absl::StatusOr<std::unique_ptr<Table>> Create(const wasm::TableType& type, ValRaw initial,
                                                       uint64_t max_elements = kDefaultMaxElements);

  // A table in `elements`, which are zero, and of no size yet: Grow makes it as large as the type
  // says. None: it allocates for itself.
  Table(const wasm::TableType& type, uint64_t max_elements, TableElements elements);

  // Bytes of an element of such a table.
  static uint64_t ElementSize(const wasm::TableType& type) {
    return IsFuncReference(type.element) ? sizeof(VMFuncTableEntry) : sizeof(uint32_t);
  }

  Table(const Table&) = delete;
  Table& operator=(const Table&) = delete;

  // Element types are canonical (type_registry.h), so that tables of two modules compare.
  const wasm::TableType& type() const { return type_; }
  // The type with the current size as minimum, as an import sees it.
  wasm::TableType CurrentType() const;
  bool holds_functions() const { return holds_functions_; }

  uint64_t size() const { return definition_->length; }
  // `index` must be less than size().
  ValRaw Get(uint64_t index);
  void Set(uint64_t index, ValRaw value);

  // Adds elements; returns the size before. Error: kResourceExhausted, nothing has changed.
  absl::StatusOr<uint64_t> Grow(uint64_t delta, ValRaw value);

  bool InBounds(uint64_t offset, uint64_t length) const {
    return offset <= size() && length <= size() - offset;
  }
  // Both ranges must be in bounds; they may overlap. Both tables hold the same kind.
  static void Copy(Table& destination, uint64_t destination_offset, Table& source,
                   uint64_t source_offset, uint64_t length);
  // The range must be in bounds.
  void Fill(uint64_t offset, ValRaw value, uint64_t length);

  // What the untouched elements of a function table stand for: functions by position, none for
  // null, no more than there are elements. Both have to outlive the table.
  void SetPreset(absl::Span<const wasm::FuncIndex> preset, FunctionSource* functions);

  // The handles of a table that does not hold functions.
  absl::Span<const uint32_t> references() const {
    return absl::MakeConstSpan(static_cast<const uint32_t*>(definition_->base), size());
  }

  // The store that it lives in, which sets it once; null outside of any.
  const Store* store() const { return store_; }
  void set_store(const Store* store) { store_ = store; }

  VMTableDefinition* definition() const { return definition_; }
  // Moves the definition that compiled code reads; `definition` must outlive the table.
  void SetDefinition(VMTableDefinition* definition);

 private:
  size_t element_size() const {
    return holds_functions_ ? sizeof(VMFuncTableEntry) : sizeof(uint32_t);
  }
  VMFuncTableEntry* entries() const { return static_cast<VMFuncTableEntry*>(definition_->base); }
  VMFuncTableEntry& Touched(uint64_t index);
  // Has to be called before elements are written.
  void Touch(uint64_t index, uint64_t length) {
    elements_.Touch(index * element_size(), length * element_size());
  }
  uint32_t* handles() const { return static_cast<uint32_t*>(definition_->base); }

  wasm::TableType type_;
  uint64_t max_elements_;
  bool holds_functions_;
  TableElements elements_;
  VMTableDefinition own_definition_;
  VMTableDefinition* definition_ = &own_definition_;
  const Store* store_ = nullptr;
  absl::Span<const wasm::FuncIndex> preset_;
  FunctionSource* functions_ = nullptr;
};

// The table element for a function; the null element for null.
VMFuncTableEntry MakeFuncTableEntry(VMFuncRef* func_ref);

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_TABLE_H_
