#include "environ/core/module_info.h"

#include <algorithm>

namespace gantry::environ {
namespace {

// The name of the first operator of the expression that makes an object; null without one.
const char* AllocatingOperator(const ConstExpr& expr) {
  for (const ConstOp& op : expr.ops()) {
    switch (op.kind) {
      case ConstOp::Kind::kStructNew:
        return "struct.new";
      case ConstOp::Kind::kStructNewDefault:
        return "struct.new_default";
      case ConstOp::Kind::kArrayNew:
        return "array.new";
      case ConstOp::Kind::kArrayNewDefault:
        return "array.new_default";
      case ConstOp::Kind::kArrayNewFixed:
        return "array.new_fixed";
      default:
        break;
    }
  }
  return nullptr;
}

}  // namespace

VMContextCounts ModuleInfo::VMCounts() const {
  VMContextCounts counts;
  counts.imported_functions = num_imported_functions;
  counts.imported_tables = num_imported_tables;
  counts.imported_memories = num_imported_memories;
  counts.imported_globals = num_imported_globals;
  counts.imported_tags = num_imported_tags;
  counts.defined_tables = static_cast<uint32_t>(tables.size()) - num_imported_tables;
  counts.defined_memories = static_cast<uint32_t>(memories.size()) - num_imported_memories;
  counts.defined_globals = static_cast<uint32_t>(globals.size()) - num_imported_globals;
  counts.defined_tags = static_cast<uint32_t>(tags.size()) - num_imported_tags;
  counts.func_refs = num_func_refs;
  return counts;
}

wasm::FuncType ModuleInfo::ShapeOf(const wasm::FuncType& type) const {
  const auto map = [this](absl::Span<const wasm::ValType> list) {
    std::vector<wasm::ValType> mapped(list.begin(), list.end());
    for (wasm::ValType& t : mapped) {
      if (!t.is_ref() || !t.heap_type().is_concrete()) continue;
      const wasm::HeapType heap = t.heap_type();
      const bool is_func =
          heap.is_canonical() ? heap.is_canonical_func() : types[heap.index()].is_func();
      t = wasm::ValType::Ref(wasm::HeapType::Abstract(is_func ? wasm::AbstractHeapType::kFunc
                                                              : wasm::AbstractHeapType::kAny),
                             t.is_nullable());
    }
    return mapped;
  };
  return wasm::FuncType(absl::MakeConstSpan(map(type.params())),
                        absl::MakeConstSpan(map(type.results())));
}

const wasm::Unimplemented* ModuleInfo::WhyUncompiled(wasm::DefinedFuncIndex i) const {
  const auto at = std::lower_bound(
      uncompiled.begin(), uncompiled.end(), i,
      [](const UncompiledFunc& entry, wasm::DefinedFuncIndex func) { return entry.func < func; });
  if (at == uncompiled.end() || at->func != i) return nullptr;
  return &missing[at->reason];
}

std::optional<wasm::Unimplemented> ModuleInfo::MissingAtInstantiation() const {
  const char* name = nullptr;
  const auto look = [&](const ConstExpr& expr) {
    if (name == nullptr) name = AllocatingOperator(expr);
  };
  for (const ConstExpr& init : global_inits) look(init);
  for (const ConstExpr& init : table_inits) look(init);
  for (const ElemSegment& segment : elem_segments) {
    for (const ConstExpr& expr : segment.expressions) look(expr);
  }
  if (name == nullptr) return std::nullopt;
  return wasm::Unimplemented{wasm::Feature::kGc, name};
}

absl::string_view ModuleInfo::FuncNameOf(wasm::FuncIndex i) const {
  const auto at = std::lower_bound(
      func_names.begin(), func_names.end(), i,
      [](const FuncName& entry, wasm::FuncIndex func) { return entry.func < func; });
  if (at == func_names.end() || at->func != i) return {};
  return at->name;
}

std::optional<EntityRef> ModuleInfo::FindExport(absl::string_view export_name) const {
  for (const ExportInfo& candidate : exports) {
    if (candidate.name == export_name) return candidate.entity;
  }
  return std::nullopt;
}

}  // namespace gantry::environ
