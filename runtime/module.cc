#include "runtime/module.h"

#include <algorithm>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "base/string_view.h"
#include "environ/core/code_tables.h"

namespace gantry::runtime {
namespace {

using environ::FuncKey;

// For each type the first one of the same shape, by which the compiler names trampolines;
// itself for what is no function type.
std::vector<wasm::TypeIndex> FirstTypesBySignature(const environ::ModuleInfo& info) {
  std::vector<wasm::TypeIndex> first;
  first.reserve(info.types.size());
  std::unordered_map<wasm::FuncType, wasm::TypeIndex, absl::Hash<wasm::FuncType>> by_type;
  for (const wasm::TypeIndex index : info.types.ids()) {
    const wasm::FuncType* type = info.types[index].func();
    first.push_back(type == nullptr ? index
                                    : by_type.emplace(info.ShapeOf(*type), index).first->second);
  }
  return first;
}

}  // namespace

Module::Module(std::shared_ptr<Engine> engine, std::shared_ptr<const CodeObject> code,
               environ::ModuleId id)
    : engine_(std::move(engine)),
      code_(std::move(code)),
      id_(id),
      info_(&code_->module(id)),
      offsets_(info_->VMCounts()) {}

absl::StatusOr<std::shared_ptr<const Module>> Module::Create(std::shared_ptr<Engine> engine,
                                                             std::shared_ptr<const CodeObject> code,
                                                             environ::ModuleId id,
                                                             std::shared_ptr<TierUp> tier_up) {
  std::shared_ptr<Module> module(new Module(std::move(engine), std::move(code), id));
  const environ::ModuleInfo& info = module->info();
  ASSIGN_OR_RETURN(module->types_, module->engine_->types().Register(info.types.values()));
  module->signatures_ = FirstTypesBySignature(info);
  module->missing_ = info.MissingAtInstantiation();
  module->codes_.reserve(info.functions.size() - info.num_imported_functions);
  // Keys of a module's functions follow one another.
  const environ::CodeTables& tables = module->code_->tables();
  const absl::Span<const uint32_t> by_key = tables.by_key;
  auto at = std::lower_bound(
      by_key.begin(), by_key.end(), FuncKey::WasmFunction(id, wasm::DefinedFuncIndex(0)).packed(),
      [&](uint32_t position, uint64_t key) { return tables.functions[position].key < key; });
  for (const wasm::FuncIndex func : info.functions.ids()) {
    if (info.IsImported(func)) continue;
    const FuncKey key = FuncKey::WasmFunction(id, info.Defined(func));
    if (at == by_key.end() || tables.functions[*at].key != key.packed()) {
      return absl::InvalidArgumentError(absl::StrCat("the code has no ", key.Symbol()));
    }
    module->codes_.push_back(module->code_->text().data() + tables.functions[*at].offset);
    ++at;
  }
  if (module->engine_->tunables().tier_up) {
    ASSIGN_OR_RETURN(
        module->tier_table_,
        TierTable::Create(module->codes_, module->engine_->options().tier_up_threshold));
    if (tier_up != nullptr) {
      tier_up->Start(module->tier_table_);
      module->tier_up_ = std::move(tier_up);
    }
  }
  module->entries_.reserve(info.types.size());
  for (const wasm::TypeIndex type : info.types.ids()) {
    const FuncKey key = FuncKey::EntryTrampoline(id, module->FirstOfSignature(type));
    module->entries_.push_back(reinterpret_cast<EntryTrampoline>(
        reinterpret_cast<uintptr_t>(module->code_->FunctionByKey(key))));
  }
  module->MakePresets();
  module->exports_.reserve(info.exports.size());
  for (size_t i = 0; i < info.exports.size(); ++i) {
    module->exports_.emplace(info.exports[i].name, i);
  }
  std::unordered_set<uint32_t> offered;
  module->offered_.reserve(info.types.size());
  for (const wasm::TypeIndex type : info.types.ids()) {
    const EntryTrampoline entry = module->EntryFor(type);
    const void* exit = module->ExitFor(type);
    if (entry == nullptr || exit == nullptr) continue;
    // One offer a type id: a module may name a type twice.
    const uint32_t type_id = module->types_.id(type);
    if (!offered.insert(type_id).second) continue;
    module->engine_->OfferTrampolines(type_id, entry, exit, module);
    module->offered_.push_back(type_id);
  }
  return module;
}

void Module::MakePresets() {
  preset_memories_ = MakePresetMemories(engine_->images(), *info_, data());
  preset_memories_.images.resize(info_->memories.size() - info_->num_imported_memories);
  for (const wasm::ElemIndex index : info_->elem_segments.ids()) {
    if (info_->elem_segments[index].mode == environ::SegmentMode::kActive) {
      eager_elems_.push_back(index);
    }
  }
  for (const wasm::DataIndex index : info_->data_segments.ids()) {
    if (index.index() >= preset_memories_.data_segments &&
        info_->data_segments[index].mode == environ::SegmentMode::kActive) {
      eager_data_.push_back(index);
    }
  }
}

Module::~Module() {
  if (tier_up_ != nullptr) tier_up_->Stop();
  for (const auto& image : preset_memories_.images) {
    if (image != nullptr) engine_->allocator().Forget(*image);
  }
  for (uint32_t type_id : offered_) engine_->WithdrawTrampolines(type_id, this);
}

const void* Module::ExitFor(wasm::TypeIndex type) const {
  return code_->FunctionByKey(FuncKey::ExitTrampoline(id_, FirstOfSignature(type)));
}

void Module::OnCounterRanOut(wasm::DefinedFuncIndex func) const {
  CHECK(tier_table_ != nullptr) << "a counter without a table";
  tier_table_->Rest(func);
  if (tier_up_ != nullptr) tier_up_->Request(func);
}

std::optional<environ::EntityRef> Module::FindExport(absl::string_view name) const {
  const auto found = exports_.find(ToStd(name));
  if (found == exports_.end()) return std::nullopt;
  return info_->exports[found->second].entity;
}

}  // namespace gantry::runtime
