// ModuleInfo: what is left of a module once its code is compiled, as plain data. It is all
// that instantiation and reflection need, made by `environ:translation` from a parsed module
// or read from an artifact.
//
//   for (const ImportInfo& import : info.imports) ...
//   VMOffsets offsets(info.VMCounts());
//
// Index spaces are complete: imports first, in order, then definitions.
#ifndef GANTRY_ENVIRON_CORE_MODULE_INFO_H_
#define GANTRY_ENVIRON_CORE_MODULE_INFO_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "entity/primary_map.h"
#include "environ/core/const_expr.h"
#include "environ/core/memory_plan.h"
#include "environ/core/vm_offsets.h"
#include "wasm_translate/types.h"
#include "wasm_translate/unimplemented.h"

namespace gantry::environ {

// An import or an export refers to an entity by kind and position in that kind's space.
struct EntityRef {
  wasm::ExternKind kind = wasm::ExternKind::kFunc;
  uint32_t index = 0;

  static EntityRef Func(wasm::FuncIndex i) { return {wasm::ExternKind::kFunc, i.raw()}; }
  static EntityRef Table(wasm::TableIndex i) { return {wasm::ExternKind::kTable, i.raw()}; }
  static EntityRef Memory(wasm::MemoryIndex i) { return {wasm::ExternKind::kMemory, i.raw()}; }
  static EntityRef Global(wasm::GlobalIndex i) { return {wasm::ExternKind::kGlobal, i.raw()}; }
  static EntityRef Tag(wasm::TagIndex i) { return {wasm::ExternKind::kTag, i.raw()}; }

  friend bool operator==(const EntityRef&, const EntityRef&) = default;
};

struct ImportInfo {
  std::string module;
  std::string name;
  EntityRef entity;

  friend bool operator==(const ImportInfo&, const ImportInfo&) = default;
};

struct ExportInfo {
  std::string name;
  EntityRef entity;

  friend bool operator==(const ExportInfo&, const ExportInfo&) = default;
};

struct FuncInfo {
  wasm::TypeIndex type;
  // Its place among the instance's VMFuncRefs; none for a function that never escapes. An
  // imported function has none: its importer passes the exporter's reference on.
  FuncRefIndex func_ref = FuncRefIndex::None();

  friend bool operator==(const FuncInfo&, const FuncInfo&) = default;
};

struct MemoryInfo {
  wasm::MemoryType type;
  MemoryPlan plan;

  friend bool operator==(const MemoryInfo&, const MemoryInfo&) = default;
};

// Numbers are part of artifacts. kPreset: was active; what it did lies in `preset_tables`, and it
// counts as dropped from the start.
enum class SegmentMode : uint8_t { kActive, kPassive, kDeclared, kPreset };

struct ElemSegment {
  SegmentMode mode = SegmentMode::kPassive;
  wasm::TableIndex table;  // Of an active or preset segment.
  ConstExpr offset;        // Of an active or preset segment.
  wasm::ValType type = wasm::ValType::FuncRef();
  // Exactly one of these is used: plain functions (a none is a null), or an expression each.
  std::vector<wasm::FuncIndex> functions;
  std::vector<ConstExpr> expressions;

  size_t size() const { return functions.empty() ? expressions.size() : functions.size(); }

  friend bool operator==(const ElemSegment&, const ElemSegment&) = default;
};

struct DataSegment {
  SegmentMode mode = SegmentMode::kPassive;
  wasm::MemoryIndex memory;  // Of an active segment.
  ConstExpr offset;          // Of an active segment.
  // Its bytes, as a range of the data that accompanies the ModuleInfo.
  uint64_t data_offset = 0;
  uint64_t data_length = 0;

  friend bool operator==(const DataSegment&, const DataSegment&) = default;
};

// A function's name from the name section, for backtraces.
struct FuncName {
  wasm::FuncIndex func;
  std::string name;

  friend bool operator==(const FuncName&, const FuncName&) = default;
};

// A function whose body uses what its compiler cannot make: calls of it trap.
struct UncompiledFunc {
  wasm::DefinedFuncIndex func;
  uint32_t reason = 0;  // Position in `missing`.

  friend bool operator==(const UncompiledFunc&, const UncompiledFunc&) = default;
};

struct ModuleInfo {
  std::string name;  // From the name section; may be empty.

  entity::PrimaryMap<wasm::TypeIndex, wasm::SubType> types;
  entity::PrimaryMap<wasm::FuncIndex, FuncInfo> functions;
  entity::PrimaryMap<wasm::TableIndex, wasm::TableType> tables;
  entity::PrimaryMap<wasm::MemoryIndex, MemoryInfo> memories;
  entity::PrimaryMap<wasm::GlobalIndex, wasm::GlobalType> globals;
  entity::PrimaryMap<wasm::TagIndex, wasm::TagType> tags;

  uint32_t num_imported_functions = 0;
  uint32_t num_imported_tables = 0;
  uint32_t num_imported_memories = 0;
  uint32_t num_imported_globals = 0;
  uint32_t num_imported_tags = 0;
  // Functions with a FuncRefIndex.
  uint32_t num_func_refs = 0;

  std::vector<ImportInfo> imports;  // In the order of the module.
  std::vector<ExportInfo> exports;  // In the order of the module; names are distinct.

  entity::PrimaryMap<wasm::DefinedGlobalIndex, ConstExpr> global_inits;
  // Initial element; empty for null.
  entity::PrimaryMap<wasm::DefinedTableIndex, ConstExpr> table_inits;
  // Functions that elements start with, none for null (preset_tables.h): as many as the table's
  // smallest size or fewer. Empty, or one for each defined table.
  entity::PrimaryMap<wasm::DefinedTableIndex, std::vector<wasm::FuncIndex>> preset_tables;
  entity::PrimaryMap<wasm::ElemIndex, ElemSegment> elem_segments;
  entity::PrimaryMap<wasm::DataIndex, DataSegment> data_segments;
  wasm::FuncIndex start = wasm::FuncIndex::None();

  std::vector<FuncName> func_names;  // In ascending order of `func`.

  std::vector<UncompiledFunc> uncompiled;    // In ascending order of `func`.
  std::vector<wasm::Unimplemented> missing;  // Distinct.

  VMContextCounts VMCounts() const;

  bool IsImported(wasm::FuncIndex i) const { return i.raw() < num_imported_functions; }
  bool IsImported(wasm::TableIndex i) const { return i.raw() < num_imported_tables; }
  bool IsImported(wasm::MemoryIndex i) const { return i.raw() < num_imported_memories; }
  bool IsImported(wasm::GlobalIndex i) const { return i.raw() < num_imported_globals; }
  bool IsImported(wasm::TagIndex i) const { return i.raw() < num_imported_tags; }

  // Position among the definitions; only for what is not imported.
  wasm::DefinedFuncIndex Defined(wasm::FuncIndex i) const {
    return wasm::DefinedFuncIndex(Minus(i.raw(), num_imported_functions));
  }
  wasm::DefinedTableIndex Defined(wasm::TableIndex i) const {
    return wasm::DefinedTableIndex(Minus(i.raw(), num_imported_tables));
  }
  wasm::DefinedMemoryIndex Defined(wasm::MemoryIndex i) const {
    return wasm::DefinedMemoryIndex(Minus(i.raw(), num_imported_memories));
  }
  wasm::DefinedGlobalIndex Defined(wasm::GlobalIndex i) const {
    return wasm::DefinedGlobalIndex(Minus(i.raw(), num_imported_globals));
  }
  wasm::DefinedTagIndex Defined(wasm::TagIndex i) const {
    return wasm::DefinedTagIndex(Minus(i.raw(), num_imported_tags));
  }
  // Position in the whole index space.
  wasm::FuncIndex Index(wasm::DefinedFuncIndex i) const {
    return wasm::FuncIndex(i.raw() + num_imported_functions);
  }
  wasm::TableIndex Index(wasm::DefinedTableIndex i) const {
    return wasm::TableIndex(i.raw() + num_imported_tables);
  }
  wasm::MemoryIndex Index(wasm::DefinedMemoryIndex i) const {
    return wasm::MemoryIndex(i.raw() + num_imported_memories);
  }
  wasm::GlobalIndex Index(wasm::DefinedGlobalIndex i) const {
    return wasm::GlobalIndex(i.raw() + num_imported_globals);
  }

  // The type of a function of this module.
  const wasm::FuncType& FuncTypeOf(wasm::FuncIndex i) const {
    const wasm::FuncType* type = types[functions[i].type].func();
    CHECK(type != nullptr) << i << " has no function type";
    return *type;
  }

  // A function type with every reference to a type of the module replaced by one to the top of
  // its hierarchy: functions of the same shape share trampolines.
  wasm::FuncType ShapeOf(const wasm::FuncType& type) const;

  // Why calls of a function trap; null where it was compiled.
  const wasm::Unimplemented* WhyUncompiled(wasm::DefinedFuncIndex i) const;

  // What instantiation needs and cannot have: objects of the GC heap in constant expressions.
  // Nothing for almost every module.
  std::optional<wasm::Unimplemented> MissingAtInstantiation() const;

  // Name from the name section; empty where there is none.
  absl::string_view FuncNameOf(wasm::FuncIndex i) const;

  // The export of this name; nothing where there is none. Linear: an instance keeps an index.
  std::optional<EntityRef> FindExport(absl::string_view export_name) const;

  friend bool operator==(const ModuleInfo&, const ModuleInfo&) = default;

 private:
  static uint32_t Minus(uint32_t index, uint32_t imported) {
    CHECK(index >= imported) << index << " is imported";
    return index - imported;
  }
};

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_CORE_MODULE_INFO_H_
