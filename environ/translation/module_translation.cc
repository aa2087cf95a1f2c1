#include "environ/translation/module_translation.h"

#include <atomic>
#include <string>
#include <unordered_map>
#include <utility>

#include "absl/hash/hash.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "environ/core/preset_tables.h"
#include "wasm_translate/module_validator.h"

namespace gantry::environ {
namespace {

ConstOp ToConstOp(const wasm::ConstOp& op) {
  using From = wasm::ConstOp::Kind;
  using To = ConstOp::Kind;
  const auto with_type = [&](To kind) { return ConstOp{kind, {op.index, op.bits}}; };
  switch (op.kind) {
    case From::kI32Const:
      return ConstOp::I32Const(static_cast<uint32_t>(op.bits));
    case From::kI64Const:
      return ConstOp::I64Const(op.bits);
    case From::kF32Const:
      return ConstOp::F32Const(static_cast<uint32_t>(op.bits));
    case From::kF64Const:
      return ConstOp::F64Const(op.bits);
    case From::kV128Const:
      return ConstOp::V128Const(op.bits, op.high_bits);
    case From::kRefNull:
      return ConstOp::RefNull(op.type);
    case From::kRefFunc:
      return ConstOp::RefFunc(op.func());
    case From::kGlobalGet:
      return ConstOp::GlobalGet(op.global());
    case From::kI32Add:
      return ConstOp::Simple(To::kI32Add);
    case From::kI32Sub:
      return ConstOp::Simple(To::kI32Sub);
    case From::kI32Mul:
      return ConstOp::Simple(To::kI32Mul);
    case From::kI64Add:
      return ConstOp::Simple(To::kI64Add);
    case From::kI64Sub:
      return ConstOp::Simple(To::kI64Sub);
    case From::kI64Mul:
      return ConstOp::Simple(To::kI64Mul);
    case From::kStructNew:
      return with_type(To::kStructNew);
    case From::kStructNewDefault:
      return with_type(To::kStructNewDefault);
    case From::kArrayNew:
      return with_type(To::kArrayNew);
    case From::kArrayNewDefault:
      return with_type(To::kArrayNewDefault);
    case From::kArrayNewFixed:
      return with_type(To::kArrayNewFixed);
    case From::kRefI31:
      return ConstOp::Simple(To::kRefI31);
    case From::kAnyConvertExtern:
      return ConstOp::Simple(To::kAnyConvertExtern);
    case From::kExternConvertAny:
      return ConstOp::Simple(To::kExternConvertAny);
  }
  UNREACHABLE();
}

ConstExpr ToConstExpr(const wasm::ConstExpr& expr) {
  std::vector<ConstOp> ops;
  ops.reserve(expr.ops.size());
  for (const wasm::ConstOp& op : expr.ops) ops.push_back(ToConstOp(op));
  return ConstExpr(std::move(ops));
}

SegmentMode ToMode(wasm::SegmentMode mode) {
  switch (mode) {
    case wasm::SegmentMode::kActive:
      return SegmentMode::kActive;
    case wasm::SegmentMode::kPassive:
      return SegmentMode::kPassive;
    case wasm::SegmentMode::kDeclared:
      return SegmentMode::kDeclared;
  }
  UNREACHABLE();
}

EntityRef ToEntityRef(const wasm::EntityIndex& entity) { return {entity.kind, entity.raw}; }

ElemSegment ToElemSegment(const wasm::ElementSegment& segment) {
  ElemSegment out;
  out.mode = ToMode(segment.mode);
  if (segment.mode == wasm::SegmentMode::kActive) {
    out.table = segment.table;
    out.offset = ToConstExpr(segment.offset);
  }
  out.type = segment.type;
  out.functions = segment.functions;
  for (const wasm::ConstExpr& expr : segment.expressions) {
    out.expressions.push_back(ToConstExpr(expr));
  }
  return out;
}

}  // namespace

ModuleTranslation::ModuleTranslation(ModuleId id, const TranslationOptions& options)
    : id(id),
      serial([] {
        static std::atomic<uint64_t> next{1};
        return next.fetch_add(1, std::memory_order_relaxed);
      }()),
      options(options) {}

void ModuleTranslation::FillInfo() {
  info.name = std::string(parsed.names.module);
  info.types = parsed.types;
  uint32_t func_refs = 0;
  info.functions.reserve(parsed.functions.size());
  for (const auto& [function, type] : parsed.functions.entries()) {
    FuncInfo out;
    out.type = type;
    if (!parsed.is_imported(function) && parsed.referenced_functions.contains(function)) {
      out.func_ref = FuncRefIndex(func_refs++);
    }
    info.functions.Push(out);
  }
  info.num_func_refs = func_refs;
  info.tables = parsed.tables;
  for (const wasm::MemoryType& memory : parsed.memories) {
    info.memories.Push({.type = memory, .plan = MemoryPlan::For(memory, options.tunables)});
  }
  info.globals = parsed.globals;
  info.tags = parsed.tags;
  info.num_imported_functions = parsed.num_imported_functions;
  info.num_imported_tables = parsed.num_imported_tables;
  info.num_imported_memories = parsed.num_imported_memories;
  info.num_imported_globals = parsed.num_imported_globals;
  info.num_imported_tags = parsed.num_imported_tags;
  for (const wasm::Import& import : parsed.imports) {
    info.imports.push_back({import.module, import.name, ToEntityRef(import.entity)});
  }
  for (const wasm::Export& exported : parsed.exports) {
    info.exports.push_back({exported.name, ToEntityRef(exported.entity)});
  }
  for (const wasm::ConstExpr& init : parsed.global_initializers) {
    info.global_inits.Push(ToConstExpr(init));
  }
  for (const auto& init : parsed.table_initializers) {
    info.table_inits.Push(init.has_value() ? ToConstExpr(*init) : ConstExpr());
  }
  for (const wasm::ElementSegment& segment : parsed.elements) {
    info.elem_segments.Push(ToElemSegment(segment));
  }
  for (const wasm::DataSegment& segment : parsed.data) {
    DataSegment out;
    out.mode = ToMode(segment.mode);
    if (segment.mode == wasm::SegmentMode::kActive) {
      out.memory = segment.memory;
      out.offset = ToConstExpr(segment.offset);
    }
    out.data_offset = data.size();
    out.data_length = segment.bytes.size();
    data.insert(data.end(), segment.bytes.begin(), segment.bytes.end());
    info.data_segments.Push(std::move(out));
  }
  if (parsed.start.has_value()) info.start = *parsed.start;
  for (const auto& [function, name] : parsed.names.functions) {
    if (parsed.functions.contains(function)) {
      info.func_names.push_back({function, std::string(name)});
    }
  }
  PresetTables(info);
  offsets = VMOffsets(info.VMCounts());
}

void ModuleTranslation::FillSignatures() {
  // Of the standard library, as elsewhere on the way of a module: its maps are whole after a growth
  // that failed, Abseil's are not.
  std::unordered_map<wasm::FuncType, wasm::TypeIndex, absl::Hash<wasm::FuncType>> first_of;
  for (const auto& [index, type] : parsed.types.entries()) {
    wasm::TypeIndex first = wasm::TypeIndex::None();
    if (type.is_func()) {
      const auto [entry, inserted] = first_of.try_emplace(info.ShapeOf(*type.func()), index);
      if (inserted) distinct_signatures_.push_back(index);
      first = entry->second;
    }
    signatures_.Push(first);
  }
}

absl::StatusOr<std::unique_ptr<ModuleTranslation>> ModuleTranslation::Parse(
    absl::Span<const uint8_t> bytes, ModuleId id, const TranslationOptions& options) {
  std::unique_ptr<ModuleTranslation> module(new ModuleTranslation(id, options));
  ASSIGN_OR_RETURN(module->parsed, wasm::ParseModule(bytes, {.features = options.features,
                                                             .limits = options.limits}));
  module->bytes = bytes;
  module->FillInfo();
  module->FillSignatures();
  return module;
}

std::unique_ptr<ModuleTranslation> ModuleTranslation::OfTypes(
    absl::Span<const wasm::FuncType> types, ModuleId id, const TranslationOptions& options) {
  std::unique_ptr<ModuleTranslation> module(new ModuleTranslation(id, options));
  for (const wasm::FuncType& type : types) {
    wasm::SubType entry;
    entry.composite = type;
    entry.group_start = module->parsed.types.next_id();
    module->parsed.types.Push(std::move(entry));
  }
  module->FillInfo();
  module->FillSignatures();
  return module;
}

}  // namespace gantry::environ
