// Module: one core module of loaded code, its types registered with an engine: what
// instances are made from. Immutable, shared between threads and stores.
#ifndef GANTRY_RUNTIME_MODULE_H_
#define GANTRY_RUNTIME_MODULE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "environ/core/func_key.h"
#include "environ/core/module_info.h"
#include "environ/core/vm_offsets.h"
#include "runtime/code_object.h"
#include "runtime/engine.h"
#include "runtime/preset_memories.h"
#include "runtime/tier_up.h"
#include "runtime/type_registry.h"
#include "runtime/vm_structs.h"
#include "wasm_translate/unimplemented.h"

namespace gantry::runtime {

class Module : public std::enable_shared_from_this<Module> {
 public:
  // Error: kResourceExhausted where the engine has no more type ids; kInvalidArgument where
  // the code lacks a function that the module defines.
  // Where the engine's functions start as baseline code, `tier_up` makes better code of them; null:
  // they stay as they are.
  static absl::StatusOr<std::shared_ptr<const Module>> Create(
      std::shared_ptr<Engine> engine, std::shared_ptr<const CodeObject> code, environ::ModuleId id,
      std::shared_ptr<TierUp> tier_up = nullptr);
  ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  Engine& engine() const { return *engine_; }
  const CodeObject& code() const { return *code_; }
  const environ::ModuleInfo& info() const { return *info_; }
  const environ::VMOffsets& offsets() const { return offsets_; }
  // Bytes of the data segments.
  absl::Span<const uint8_t> data() const { return code_->data(id_); }

  // Canonical ids by TypeIndex.
  absl::Span<const uint32_t> type_ids() const { return types_.ids(); }
  uint32_t type_id(wasm::FuncIndex func) const { return types_.id(info_->functions[func].type); }
  uint32_t type_id(wasm::TagIndex tag) const { return types_.id(info_->tags[tag].type); }
  // The same types with canonical ids in place of the module's type indices.
  wasm::ValType Canonical(wasm::ValType type) const {
    return TypeRegistry::CanonicalType(type, types_.ids());
  }
  wasm::TableType Canonical(wasm::TableType type) const {
    type.element = Canonical(type.element);
    return type;
  }
  wasm::GlobalType Canonical(wasm::GlobalType type) const {
    type.content = Canonical(type.content);
    return type;
  }

  // ModuleInfo::MissingAtInstantiation, found once.
  const std::optional<wasm::Unimplemented>& missing_at_instantiation() const { return missing_; }

  // What a memory that the module defines starts as; null for zero.
  const std::shared_ptr<const MemoryImage>& image(wasm::DefinedMemoryIndex memory) const {
    return preset_memories_.images[memory.index()];
  }
  // Active segments that instantiation has to apply, in order: those that are in no preset.
  absl::Span<const wasm::ElemIndex> eager_elem_segments() const { return eager_elems_; }
  absl::Span<const wasm::DataIndex> eager_data_segments() const { return eager_data_; }

  // Code of a function that the module defines.
  const void* FunctionCode(wasm::DefinedFuncIndex func) const { return codes_[func.index()]; }
  // Null where the module has none for the type.
  EntryTrampoline EntryFor(wasm::TypeIndex type) const { return entries_[type.index()]; }
  const void* ExitFor(wasm::TypeIndex type) const;

  // What instances refer to; null where functions do not change.
  const void* const* tier_table() const {
    return tier_table_ == nullptr ? nullptr : tier_table_->base();
  }
  // Null where functions do not change, or nobody would make better code.
  TierUp* tier_up() const { return tier_up_.get(); }
  // Called by the guest whose counter has run out.
  void OnCounterRanOut(wasm::DefinedFuncIndex func) const;

  // The export of this name; nothing where there is none.
  std::optional<environ::EntityRef> FindExport(absl::string_view name) const;

 private:
  Module(std::shared_ptr<Engine> engine, std::shared_ptr<const CodeObject> code,
         environ::ModuleId id);
  void MakePresets();
  // The first type of the module with a signature of the same shape, by which trampolines are
  // keyed.
  wasm::TypeIndex FirstOfSignature(wasm::TypeIndex type) const { return signatures_[type.index()]; }

  const std::shared_ptr<Engine> engine_;
  const std::shared_ptr<const CodeObject> code_;
  const environ::ModuleId id_;
  const environ::ModuleInfo* const info_;
  const environ::VMOffsets offsets_;
  RegisteredTypes types_;
  std::optional<wasm::Unimplemented> missing_;
  std::vector<wasm::TypeIndex> signatures_;
  // By DefinedFuncIndex and by TypeIndex.
  std::vector<const void*> codes_;
  std::vector<EntryTrampoline> entries_;
  // Null without tier-up.
  std::shared_ptr<TierTable> tier_table_;
  std::shared_ptr<TierUp> tier_up_;
  PresetMemories preset_memories_;
  std::vector<wasm::ElemIndex> eager_elems_;
  std::vector<wasm::DataIndex> eager_data_;
  // Type ids for which this module offers trampolines.
  std::vector<uint32_t> offered_;
  // Position in `info().exports` by name; the names lie there.
  std::unordered_map<std::string_view, size_t> exports_;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_MODULE_H_
