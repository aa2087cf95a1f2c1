// A module as tables: what the binary's sections say, decoded and checked, bodies left as
// bytes.
//
//   ASSIGN_OR_RETURN(Module module, ParseModule(bytes, options));
//   module.func_type(FuncIndex(0)).params();
//   for (const FunctionBody& body : module.bodies) ...
//
// A Module is plain data. It borrows bodies, segment bytes, debug names and custom sections
// from the bytes it was parsed from, which have to outlive it; all else is its own.
#ifndef GANTRY_WASM_TRANSLATE_MODULE_H_
#define GANTRY_WASM_TRANSLATE_MODULE_H_

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "entity/entity_set.h"
#include "entity/primary_map.h"
#include "wasm_translate/const_expr.h"
#include "wasm_translate/types.h"

namespace gantry::wasm {

// Something imported or exported: its kind and its number in that kind's index space.
struct EntityIndex {
  ExternKind kind = ExternKind::kFunc;
  uint32_t raw = 0;

  FuncIndex func() const { return FuncIndex(raw); }
  TableIndex table() const { return TableIndex(raw); }
  MemoryIndex memory() const { return MemoryIndex(raw); }
  GlobalIndex global() const { return GlobalIndex(raw); }
  TagIndex tag() const { return TagIndex(raw); }

  friend bool operator==(const EntityIndex&, const EntityIndex&) = default;
};

// The type of an import stands in the module's table for its kind.
struct Import {
  std::string module;
  std::string name;
  EntityIndex entity;
};

struct Export {
  std::string name;
  EntityIndex entity;
};

// The body of one function: local declarations and code, without the size in front.
struct FunctionBody {
  FuncIndex func;
  // Of bytes[0] in the module.
  uint64_t offset = 0;
  absl::Span<const uint8_t> bytes;
};

enum class SegmentMode : uint8_t { kActive, kPassive, kDeclared };

// Elements are either all functions by index (None for null), or expressions. A segment
// written with expressions that are only ref.func and ref.null becomes the former.
struct ElementSegment {
  SegmentMode mode = SegmentMode::kPassive;
  ValType type = ValType::FuncRef();
  TableIndex table;  // active only
  ConstExpr offset;  // active only
  std::vector<FuncIndex> functions;
  std::vector<ConstExpr> expressions;

  size_t size() const { return functions.empty() ? expressions.size() : functions.size(); }
};

struct DataSegment {
  SegmentMode mode = SegmentMode::kPassive;
  MemoryIndex memory;  // active only
  ConstExpr offset;    // active only
  absl::Span<const uint8_t> bytes;
  uint64_t bytes_offset = 0;  // of bytes[0] in the module
};

struct CustomSection {
  absl::string_view name;
  absl::Span<const uint8_t> bytes;
  uint64_t offset = 0;  // of bytes[0] in the module
};

// What the name section says, as far as it is well formed; a bad name section is no error.
// Each list ascends by index, one name for an index.
struct Names {
  template <typename Index>
  using Map = std::vector<std::pair<Index, absl::string_view>>;

  struct LocalName {
    FuncIndex func;
    LocalIndex local;
    absl::string_view name;
  };
  // Labels are numbered through a function, in the order in which their blocks begin.
  struct LabelName {
    FuncIndex func;
    uint32_t label = 0;
    absl::string_view name;
  };
  struct FieldName {
    TypeIndex type;
    FieldIndex field;
    absl::string_view name;
  };

  // Without characters but not null where the name is empty, null where there is none.
  absl::string_view module;
  Map<FuncIndex> functions;
  std::vector<LocalName> locals;
  std::vector<LabelName> labels;
  Map<TypeIndex> types;
  Map<TableIndex> tables;
  Map<MemoryIndex> memories;
  Map<GlobalIndex> globals;
  Map<ElemIndex> elements;
  Map<DataIndex> data;
  std::vector<FieldName> fields;
  Map<TagIndex> tags;

  // Empty where the function has none.
  absl::string_view function(FuncIndex func) const;
};

// Which way conditional branches are expected to go: the custom section
// metadata.code.branch_hint, where it is well formed and the feature branch-hinting is on.
struct BranchHints {
  struct Hint {
    // Of a br_if or if, from the first byte of FunctionBody::bytes. That such an operator
    // begins there has not been checked: a hint anywhere else means nothing.
    uint32_t offset = 0;
    // The condition is expected not to be zero.
    bool likely = false;

    friend bool operator==(const Hint&, const Hint&) = default;
  };
  // The hints of one function, ascending by offset, are hints[begin, end).
  struct Function {
    FuncIndex func;
    uint32_t begin = 0;
    uint32_t end = 0;

    friend bool operator==(const Function&, const Function&) = default;
  };

  std::vector<Function> functions;  // ascending by index
  std::vector<Hint> hints;

  absl::Span<const Hint> of(FuncIndex func) const;
  bool empty() const { return functions.empty(); }

  friend bool operator==(const BranchHints&, const BranchHints&) = default;
};

struct Module {
  // The type index space. canonical_types gives equal ids to types of this module that are
  // equivalent, and only to them.
  entity::PrimaryMap<TypeIndex, SubType> types;
  entity::PrimaryMap<TypeIndex, uint32_t> canonical_types;
  // Recursion groups without types, by the type that comes next: of no meaning, kept so that
  // a module can be written again as it was.
  std::vector<TypeIndex> empty_recursion_groups;

  // In order of the import section; index spaces begin with them.
  std::vector<Import> imports;
  uint32_t num_imported_functions = 0;
  uint32_t num_imported_tables = 0;
  uint32_t num_imported_memories = 0;
  uint32_t num_imported_globals = 0;
  uint32_t num_imported_tags = 0;

  entity::PrimaryMap<FuncIndex, TypeIndex> functions;
  entity::PrimaryMap<TableIndex, TableType> tables;
  entity::PrimaryMap<MemoryIndex, MemoryType> memories;
  entity::PrimaryMap<GlobalIndex, GlobalType> globals;
  entity::PrimaryMap<TagIndex, TagType> tags;

  // None where a table starts with nulls.
  entity::PrimaryMap<DefinedTableIndex, std::optional<ConstExpr>> table_initializers;
  entity::PrimaryMap<DefinedGlobalIndex, ConstExpr> global_initializers;

  std::vector<Export> exports;
  std::optional<FuncIndex> start;
  entity::PrimaryMap<ElemIndex, ElementSegment> elements;
  // What the data count section announces, where there is one.
  std::optional<uint32_t> data_count;
  entity::PrimaryMap<DataIndex, DataSegment> data;

  entity::PrimaryMap<DefinedFuncIndex, FunctionBody> bodies;

  // Functions to which the module can make references: those in exports, globals and
  // segments (WebAssembly, "ref.func"). They need a VMFuncRef; others never do.
  entity::EntitySet<FuncIndex> referenced_functions;

  Names names;
  BranchHints branch_hints;
  std::vector<CustomSection> custom_sections;

  bool is_imported(FuncIndex i) const { return i.raw() < num_imported_functions; }
  bool is_imported(TableIndex i) const { return i.raw() < num_imported_tables; }
  bool is_imported(MemoryIndex i) const { return i.raw() < num_imported_memories; }
  bool is_imported(GlobalIndex i) const { return i.raw() < num_imported_globals; }
  bool is_imported(TagIndex i) const { return i.raw() < num_imported_tags; }

  // None for an import.
  std::optional<DefinedFuncIndex> defined(FuncIndex i) const {
    return Defined<DefinedFuncIndex>(i, num_imported_functions);
  }
  std::optional<DefinedTableIndex> defined(TableIndex i) const {
    return Defined<DefinedTableIndex>(i, num_imported_tables);
  }
  std::optional<DefinedMemoryIndex> defined(MemoryIndex i) const {
    return Defined<DefinedMemoryIndex>(i, num_imported_memories);
  }
  std::optional<DefinedGlobalIndex> defined(GlobalIndex i) const {
    return Defined<DefinedGlobalIndex>(i, num_imported_globals);
  }
  std::optional<DefinedTagIndex> defined(TagIndex i) const {
    return Defined<DefinedTagIndex>(i, num_imported_tags);
  }
  FuncIndex func_index(DefinedFuncIndex i) const {
    return FuncIndex(i.raw() + num_imported_functions);
  }
  TableIndex table_index(DefinedTableIndex i) const {
    return TableIndex(i.raw() + num_imported_tables);
  }
  MemoryIndex memory_index(DefinedMemoryIndex i) const {
    return MemoryIndex(i.raw() + num_imported_memories);
  }
  GlobalIndex global_index(DefinedGlobalIndex i) const {
    return GlobalIndex(i.raw() + num_imported_globals);
  }

  // The type must be a function type; those of functions and tags always are.
  const FuncType& func_type(TypeIndex type) const {
    const FuncType* func = types[type].func();
    CHECK(func != nullptr) << type << " is no function type";
    return *func;
  }
  const FuncType& func_type(FuncIndex func) const { return func_type(functions[func]); }
  const FuncType& func_type(TagIndex tag) const { return func_type(tags[tag].type); }

 private:
  template <typename DefinedIndex, typename Index>
  static std::optional<DefinedIndex> Defined(Index index, uint32_t num_imported) {
    if (index.raw() < num_imported) return std::nullopt;
    return DefinedIndex(index.raw() - num_imported);
  }
};

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_MODULE_H_
