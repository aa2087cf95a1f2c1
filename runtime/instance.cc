#include "runtime/instance.h"

#include <cstring>
#include <new>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "runtime/builtins.h"
#include "runtime/trap.h"
#include "wasm_translate/unimplemented.h"

namespace gantry::runtime {
namespace {

using environ::ConstExpr;
using environ::ConstOp;
using environ::EntityRef;
using environ::ImportInfo;
using environ::ModuleInfo;
using environ::SegmentMode;
using environ::TrapCode;
using wasm::ExternKind;

// "function (i32) -> ()", "tag (i32) -> ()".
std::string DescribeByType(const Engine& engine, const char* kind, uint32_t type_id) {
  const wasm::FuncType* type = engine.types().FuncTypeOf(type_id);
  return absl::StrCat(kind, " ", type == nullptr ? "of an unknown type" : type->ToString());
}
std::string DescribeFunction(const Engine& engine, uint32_t type_id) {
  return DescribeByType(engine, "function", type_id);
}
std::string DescribeTag(const Engine& engine, uint32_t type_id) {
  return DescribeByType(engine, "tag", type_id);
}

ExternKind KindOf(const Extern& value) {
  if (std::holds_alternative<VMFuncRef*>(value)) return ExternKind::kFunc;
  if (std::holds_alternative<Table*>(value)) return ExternKind::kTable;
  if (std::holds_alternative<Memory*>(value)) return ExternKind::kMemory;
  if (std::holds_alternative<Global*>(value)) return ExternKind::kGlobal;
  return ExternKind::kTag;
}

// Whether limits as they are now satisfy those of an import. (WebAssembly 3.0, "Matching",
// limits.)
bool LimitsMatch(const wasm::Limits& found, const wasm::Limits& expected) {
  if (found.min < expected.min) return false;
  if (!expected.max.has_value()) return true;
  return found.max.has_value() && *found.max <= *expected.max;
}

absl::Status Incompatible(const ImportInfo& import, absl::string_view expected,
                          absl::string_view found) {
  return absl::InvalidArgumentError(absl::StrCat("incompatible import type for \"", import.module,
                                                 "\" \"", import.name, "\": expected ", expected,
                                                 ", found ", found));
}

absl::Status ForeignImport(const ImportInfo& import) {
  return absl::InvalidArgumentError(absl::StrCat("the import \"", import.module, "\" \"",
                                                 import.name, "\" belongs to another store"));
}

}  // namespace

std::string DescribeExtern(const Engine& engine, const Extern& value) {
  switch (KindOf(value)) {
    case ExternKind::kFunc:
      return DescribeFunction(engine, std::get<VMFuncRef*>(value)->type_id);
    case ExternKind::kTable:
      return absl::StrCat("table ", std::get<Table*>(value)->CurrentType().ToString());
    case ExternKind::kMemory:
      return absl::StrCat("memory ", std::get<Memory*>(value)->CurrentType().ToString());
    case ExternKind::kGlobal:
      return absl::StrCat("global ", std::get<Global*>(value)->type().ToString());
    case ExternKind::kTag:
      return DescribeTag(engine, std::get<Tag*>(value)->type_id());
  }
  UNREACHABLE();
}

Instance::Instance(Store& store, std::shared_ptr<const Module> module)
    : store_(store), module_(std::move(module)) {}

absl::StatusOr<Instance*> Instance::Create(Store& store, std::shared_ptr<const Module> module,
                                           absl::Span<const Extern> imports) {
  if (&module->engine() != &store.engine()) {
    return absl::InvalidArgumentError("the module belongs to another engine than the store");
  }
  try {
    RETURN_IF_ERROR(store.CheckLimits(module->info()));
    std::unique_ptr<Instance> instance(new Instance(store, std::move(module)));
    Instance* const result = instance.get();
    RETURN_IF_ERROR(result->Initialize(imports));
    // From here on others can hold its functions.
    store.instances_.push_back(std::move(instance));
    store.CountDefined(result->module().info());
    for (const auto& memory : result->defined_memories_) store.Adopt(*memory);
    RETURN_IF_ERROR(result->ApplySegments());
    RETURN_IF_ERROR(result->RunStart());
    return result;
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("no memory for an instance");
  }
}

absl::Status Instance::Initialize(absl::Span<const Extern> imports) {
  RETURN_IF_ERROR(AllocateContext());
  RETURN_IF_ERROR(BindImports(imports));
  if (const std::optional<wasm::Unimplemented>& missing = module_->missing_at_instantiation()) {
    return wasm::UnimplementedStatus(*missing);
  }
  RETURN_IF_ERROR(MakeMemories());
  MakeTags();
  MakeGlobals();
  RETURN_IF_ERROR(MakeTables());
  data_dropped_.resize(module_->info().data_segments.size());
  elem_dropped_.resize(module_->info().elem_segments.size());
  return absl::OkStatus();
}

absl::Status Instance::AllocateContext() {
  // Sizes are multiples of 16, as aligned_alloc wants them.
  const uint32_t size = module_->offsets().size();
  vmctx_.reset(static_cast<uint8_t*>(std::aligned_alloc(16, size)));
  if (vmctx_ == nullptr) {
    return absl::ResourceExhaustedError(
        absl::StrCat("no memory for an instance's context of ", size, " bytes"));
  }
  std::memset(vmctx_.get(), 0, module_->offsets().size_without_func_refs());
  VMContext* context = vmctx();
  context->magic = environ::kVMContextMagic;
  context->store = store_.context();
  context->builtins = BuiltinAddresses();
  context->type_ids = module_->type_ids().data();
  context->instance = this;
  return absl::OkStatus();
}

absl::Status Instance::BindImports(absl::Span<const Extern> imports) {
  const ModuleInfo& info = module_->info();
  if (imports.size() != info.imports.size()) {
    return absl::InvalidArgumentError(absl::StrCat("the module has ", info.imports.size(),
                                                   " imports, ", imports.size(), " were given"));
  }
  memories_.reserve(info.memories.size());
  tables_.reserve(info.tables.size());
  globals_.reserve(info.globals.size());
  tags_.reserve(info.tags.size());
  for (size_t i = 0; i < imports.size(); ++i) {
    RETURN_IF_ERROR(BindImport(info.imports[i], imports[i]));
  }
  return absl::OkStatus();
}

// Imports of a kind come in the order of their indices, so each goes to the end of its list.
absl::Status Instance::BindImport(const ImportInfo& import, const Extern& value) {
  const ModuleInfo& info = module_->info();
  const environ::VMOffsets& offsets = module_->offsets();
  const uint32_t index = import.entity.index;
  const auto incompatible = [&](std::string expected) {
    return Incompatible(import, expected, DescribeExtern(store_.engine(), value));
  };
  switch (import.entity.kind) {
    case ExternKind::kFunc: {
      const wasm::FuncIndex func(index);
      const uint32_t expected = module_->type_id(func);
      VMFuncRef* const* func_ref = std::get_if<VMFuncRef*>(&value);
      if (func_ref == nullptr ||
          !store_.engine().types().IsSubtype((*func_ref)->type_id, expected)) {
        return incompatible(DescribeFunction(store_.engine(), expected));
      }
      if (!store_.Owns(**func_ref)) return ForeignImport(import);
      VMFunctionImport* slot = At<VMFunctionImport>(offsets.ImportedFunction(func));
      *slot = {(*func_ref)->wasm_call, (*func_ref)->vmctx, *func_ref};
      return absl::OkStatus();
    }
    case ExternKind::kTable: {
      const wasm::TableType expected = module_->Canonical(info.tables[wasm::TableIndex(index)]);
      Table* const* table = std::get_if<Table*>(&value);
      if (table == nullptr || (*table)->type().element != expected.element ||
          (*table)->type().index_type != expected.index_type ||
          (*table)->type().shared != expected.shared ||
          !LimitsMatch((*table)->CurrentType().limits, expected.limits)) {
        return incompatible(absl::StrCat("table ", expected.ToString()));
      }
      if (!store_.Owns(**table)) return ForeignImport(import);
      *At<VMTableDefinition*>(offsets.ImportedTable(wasm::TableIndex(index))) =
          (*table)->definition();
      tables_.push_back(*table);
      return absl::OkStatus();
    }
    case ExternKind::kMemory: {
      const environ::MemoryInfo& expected = info.memories[wasm::MemoryIndex(index)];
      Memory* const* memory = std::get_if<Memory*>(&value);
      if (memory == nullptr || (*memory)->type().index_type != expected.type.index_type ||
          (*memory)->type().shared != expected.type.shared ||
          (*memory)->type().page_size_log2 != expected.type.page_size_log2 ||
          !LimitsMatch((*memory)->CurrentType().limits, expected.type.limits)) {
        return incompatible(absl::StrCat("memory ", expected.type.ToString()));
      }
      if (!store_.Owns(**memory)) return ForeignImport(import);
      // Code was compiled for the plan; a memory that promises less would let it escape.
      const environ::MemoryPlan& plan = (*memory)->plan();
      using Bounds = environ::MemoryPlan::Bounds;
      const bool guarded = plan.bounds != Bounds::kExplicit && plan.guard >= expected.plan.guard;
      const bool serves = expected.plan.bounds == Bounds::kExplicit ||
                          (expected.plan.bounds == Bounds::kIndex && guarded) ||
                          (plan.bounds == Bounds::kNone && guarded &&
                           plan.reservation >= expected.plan.reservation);
      if (!serves || ((*memory)->CanMove() && !expected.plan.may_move)) {
        return Incompatible(import, absl::StrCat("memory with ", expected.plan.ToString()),
                            absl::StrCat("memory with ", plan.ToString()));
      }
      *At<VMMemoryDefinition*>(offsets.ImportedMemory(wasm::MemoryIndex(index))) =
          (*memory)->definition();
      memories_.push_back(*memory);
      return absl::OkStatus();
    }
    case ExternKind::kGlobal: {
      const wasm::GlobalType expected = module_->Canonical(info.globals[wasm::GlobalIndex(index)]);
      Global* const* global = std::get_if<Global*>(&value);
      // A mutable global is written from both sides, so its type is exact.
      if (global == nullptr || (*global)->type().is_mutable != expected.is_mutable ||
          (*global)->type().shared != expected.shared ||
          (expected.is_mutable
               ? (*global)->type().content != expected.content
               : !store_.engine().Matches((*global)->type().content, expected.content))) {
        return incompatible(absl::StrCat("global ", expected.ToString()));
      }
      if (!store_.Owns(**global)) return ForeignImport(import);
      *At<VMGlobalDefinition*>(offsets.ImportedGlobal(wasm::GlobalIndex(index))) =
          (*global)->definition();
      globals_.push_back(*global);
      return absl::OkStatus();
    }
    case ExternKind::kTag: {
      const uint32_t expected = module_->type_id(wasm::TagIndex(index));
      Tag* const* tag = std::get_if<Tag*>(&value);
      if (tag == nullptr || (*tag)->type_id() != expected) {
        return incompatible(DescribeTag(store_.engine(), expected));
      }
      if (!store_.Owns(**tag)) return ForeignImport(import);
      *At<VMTagDefinition*>(offsets.ImportedTag(wasm::TagIndex(index))) = (*tag)->definition();
      tags_.push_back(*tag);
      return absl::OkStatus();
    }
  }
  UNREACHABLE();
}

absl::Status Instance::MakeMemories() {
  const ModuleInfo& info = module_->info();
  for (const wasm::MemoryIndex index : info.memories.ids()) {
    if (info.IsImported(index)) continue;
    const environ::MemoryInfo& memory_info = info.memories[index];
    ASSIGN_OR_RETURN(std::unique_ptr<Memory> memory,
                     store_.NewMemory(memory_info.type, memory_info.plan));
    const uint32_t place = module_->offsets().Memory(info.Defined(index));
    if (memory->shared()) {
      *At<VMMemoryDefinition*>(place) = memory->definition();
    } else {
      memory->SetDefinition(At<VMMemoryDefinition>(place));
    }
    memories_.push_back(memory.get());
    defined_memories_.push_back(std::move(memory));
  }
  return absl::OkStatus();
}

VMFuncRef Instance::MakeFuncRef(wasm::FuncIndex index) const {
  const ModuleInfo& info = module_->info();
  VMFuncRef func_ref;
  func_ref.wasm_call = module_->FunctionCode(info.Defined(index));
  func_ref.vmctx = vmctx();
  func_ref.type_id = module_->type_id(index);
  func_ref.entry = module_->EntryFor(info.functions[index].type);
  return func_ref;
}

void Instance::MakeTags() {
  const ModuleInfo& info = module_->info();
  for (const wasm::TagIndex index : info.tags.ids()) {
    if (info.IsImported(index)) continue;
    auto* definition = At<VMTagDefinition>(module_->offsets().Tag(info.Defined(index)));
    Tag& tag = defined_tags_.emplace_back(module_->type_id(index), definition);
    tag.set_store(&store_);
    tags_.push_back(&tag);
  }
}

void Instance::MakeGlobals() {
  const ModuleInfo& info = module_->info();
  for (const wasm::GlobalIndex index : info.globals.ids()) {
    if (info.IsImported(index)) continue;
    const wasm::DefinedGlobalIndex defined = info.Defined(index);
    auto* definition = At<VMGlobalDefinition>(module_->offsets().Global(defined));
    // Its initialiser sees the globals before it.
    definition->value = Evaluate(info.global_inits[defined]);
    Global& global =
        defined_globals_.emplace_back(module_->Canonical(info.globals[index]), definition);
    global.set_store(&store_);
    globals_.push_back(&global);
  }
}

absl::Status Instance::MakeTables() {
  const ModuleInfo& info = module_->info();
  for (const wasm::TableIndex index : info.tables.ids()) {
    if (info.IsImported(index)) continue;
    const wasm::DefinedTableIndex defined = info.Defined(index);
    const ConstExpr* init = info.table_inits.find(defined);
    const ValRaw initial = init == nullptr || init->empty() ? ValRaw() : Evaluate(*init);
    ASSIGN_OR_RETURN(std::unique_ptr<Table> table,
                     store_.NewTable(module_->Canonical(info.tables[index]), initial));
    table->SetDefinition(At<VMTableDefinition>(module_->offsets().Table(defined)));
    if (const auto* preset = info.preset_tables.find(defined); preset && !preset->empty()) {
      table->SetPreset(*preset, this);
    }
    tables_.push_back(table.get());
    defined_tables_.push_back(std::move(table));
  }
  return absl::OkStatus();
}

// Validated expressions of a module that can be instantiated: the stack never underflows, and
// operations that need a heap of structs do not occur.
ValRaw Instance::Evaluate(const ConstExpr& expression) {
  std::vector<ValRaw> stack;
  const auto binary = [&](auto operation) {
    const ValRaw right = stack.back();
    stack.pop_back();
    stack.back() = operation(stack.back(), right);
  };
  for (const ConstOp& op : expression.ops()) {
    using Kind = ConstOp::Kind;
    switch (op.kind) {
      case Kind::kI32Const:
      case Kind::kI64Const:
      case Kind::kF32Const:
      case Kind::kF64Const:
      case Kind::kV128Const:
        stack.push_back(ValRaw::V128(op.value[0], op.value[1]));
        break;
      case Kind::kGlobalGet:
        stack.push_back(global(wasm::GlobalIndex(static_cast<uint32_t>(op.value[0]))).Get());
        break;
      case Kind::kRefNull:
        stack.push_back(ValRaw());
        break;
      case Kind::kRefFunc:
        stack.push_back(
            ValRaw::FuncRef(FuncRef(wasm::FuncIndex(static_cast<uint32_t>(op.value[0])))));
        break;
      case Kind::kI32Add:
        binary([](ValRaw a, ValRaw b) { return ValRaw::I32(static_cast<int32_t>(a.u32 + b.u32)); });
        break;
      case Kind::kI32Sub:
        binary([](ValRaw a, ValRaw b) { return ValRaw::I32(static_cast<int32_t>(a.u32 - b.u32)); });
        break;
      case Kind::kI32Mul:
        binary([](ValRaw a, ValRaw b) { return ValRaw::I32(static_cast<int32_t>(a.u32 * b.u32)); });
        break;
      case Kind::kI64Add:
        binary([](ValRaw a, ValRaw b) { return ValRaw::I64(static_cast<int64_t>(a.u64 + b.u64)); });
        break;
      case Kind::kI64Sub:
        binary([](ValRaw a, ValRaw b) { return ValRaw::I64(static_cast<int64_t>(a.u64 - b.u64)); });
        break;
      case Kind::kI64Mul:
        binary([](ValRaw a, ValRaw b) { return ValRaw::I64(static_cast<int64_t>(a.u64 * b.u64)); });
        break;
      case Kind::kRefI31:
        // An i31 is its 31 bits with the low bit set.
        stack.back() = ValRaw::Reference(stack.back().u32 << 1 | 1);
        break;
      // Both hierarchies have the same handles.
      case Kind::kAnyConvertExtern:
      case Kind::kExternConvertAny:
        break;
      case Kind::kStructNew:
      case Kind::kStructNewDefault:
      case Kind::kArrayNew:
      case Kind::kArrayNewDefault:
      case Kind::kArrayNewFixed:
        CHECK(false) << "constant operation " << static_cast<int>(op.kind)
                     << " in a module that was accepted";
    }
  }
  CHECK(stack.size() == 1) << "constant expression leaves " << stack.size() << " values";
  return stack.front();
}

VMFuncRef* Instance::FuncRef(wasm::FuncIndex index) {
  const ModuleInfo& info = module_->info();
  if (info.IsImported(index)) {
    return At<VMFunctionImport>(module_->offsets().ImportedFunction(index))->func_ref;
  }
  // The place holds garbage at first; made anew, a reference is the same.
  auto* func_ref = At<VMFuncRef>(module_->offsets().FuncRef(info.functions[index].func_ref));
  *func_ref = MakeFuncRef(index);
  return func_ref;
}

Extern Instance::Get(const EntityRef& entity) {
  switch (entity.kind) {
    case ExternKind::kFunc:
      return FuncRef(wasm::FuncIndex(entity.index));
    case ExternKind::kTable:
      return &table(wasm::TableIndex(entity.index));
    case ExternKind::kMemory:
      return &memory(wasm::MemoryIndex(entity.index));
    case ExternKind::kGlobal:
      return &global(wasm::GlobalIndex(entity.index));
    case ExternKind::kTag:
      return &tag(wasm::TagIndex(entity.index));
  }
  UNREACHABLE();
}

std::optional<Extern> Instance::GetExport(absl::string_view name) {
  const std::optional<EntityRef> entity = module_->FindExport(name);
  if (!entity.has_value()) return std::nullopt;
  return Get(*entity);
}

Instance::Trap Instance::MemoryInit(wasm::MemoryIndex memory_index, wasm::DataIndex segment,
                                    uint64_t destination, uint64_t source, uint64_t length) {
  Memory& to = memory(memory_index);
  absl::Span<const uint8_t> bytes;
  if (!data_dropped_[segment.index()]) {
    const environ::DataSegment& data = module_->info().data_segments[segment];
    bytes = module_->data().subspan(data.data_offset, data.data_length);
  }
  if (source > bytes.size() || length > bytes.size() - source ||
      !to.Write(destination, bytes.subspan(source, length))) {
    return TrapCode::kMemoryOutOfBounds;
  }
  return std::nullopt;
}

Instance::Trap Instance::TableInit(wasm::TableIndex table_index, wasm::ElemIndex segment,
                                   uint64_t destination, uint64_t source, uint64_t length) {
  Table& to = table(table_index);
  const environ::ElemSegment& elements = module_->info().elem_segments[segment];
  const uint64_t size = elem_dropped_[segment.index()] ? 0 : elements.size();
  if (!to.InBounds(destination, length) || source > size || length > size - source) {
    return TrapCode::kTableOutOfBounds;
  }
  for (uint64_t i = 0; i < length; ++i) {
    ValRaw value;
    if (elements.functions.empty()) {
      value = Evaluate(elements.expressions[source + i]);
    } else if (const wasm::FuncIndex func = elements.functions[source + i]; func.is_some()) {
      value = ValRaw::FuncRef(FuncRef(func));
    }
    to.Set(destination + i, value);
  }
  return std::nullopt;
}

// Element segments, then data segments, each in order; a failing one leaves the effects of
// those before it. (WebAssembly 3.0, "Instantiation", steps 26 to 29.)
absl::Status Instance::ApplySegments() {
  const ModuleInfo& info = module_->info();
  const auto offset_of = [&](const ConstExpr& expression, wasm::IndexType type) {
    const ValRaw value = Evaluate(expression);
    return type == wasm::IndexType::kI64 ? value.u64 : uint64_t{value.u32};
  };
  for (const wasm::ElemIndex index : info.elem_segments.ids()) {
    const environ::ElemSegment& segment = info.elem_segments[index];
    if (segment.mode == SegmentMode::kActive) {
      const uint64_t offset = offset_of(segment.offset, table(segment.table).type().index_type);
      if (Trap trap = TableInit(segment.table, index, offset, 0, segment.size())) {
        return TrapStatus(*trap);
      }
    }
    if (segment.mode != SegmentMode::kPassive) DropElem(index);
  }
  for (const wasm::DataIndex index : info.data_segments.ids()) {
    const environ::DataSegment& segment = info.data_segments[index];
    if (segment.mode != SegmentMode::kActive) continue;
    const uint64_t offset = offset_of(segment.offset, memory(segment.memory).type().index_type);
    if (Trap trap = MemoryInit(segment.memory, index, offset, 0, segment.data_length)) {
      return TrapStatus(*trap);
    }
    DropData(index);
  }
  return absl::OkStatus();
}

absl::Status Instance::RunStart() {
  const wasm::FuncIndex start = module_->info().start;
  if (start.is_none()) return absl::OkStatus();
  ValRaw unused;
  if (module_->info().IsImported(start)) return store_.Call(FuncRef(start), &unused);
  const VMFuncRef func_ref = MakeFuncRef(start);
  return store_.Call(&func_ref, &unused);
}

void Instance::Trace(ReferenceHeap::Marker& marker) const {
  for (const auto& table : defined_tables_) {
    if (table->holds_functions()) continue;
    for (uint32_t handle : table->references()) marker.Visit(handle);
  }
  for (const Global& global : defined_globals_) {
    const wasm::ValType type = global.type().content;
    if (type.is_ref() && !IsFuncReference(type)) marker.Visit(global.Get().reference);
  }
}

}  // namespace gantry::runtime
