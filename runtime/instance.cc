#include "runtime/instance.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <type_traits>
#include <utility>

#include "absl/container/inlined_vector.h"
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

struct Instance::Layout {
  explicit Layout(const Module& module) {
    const ModuleInfo& info = module.info();
    const auto take = [&](uint64_t count, uint64_t size, uint64_t alignment) {
      end = (end + alignment - 1) & ~(alignment - 1);
      return std::exchange(end, end + count * size);
    };
    const auto words = [](uint64_t bits) { return (bits + 63) / 64; };
    const uint64_t globals = info.globals.size() - info.num_imported_globals;
    const uint64_t tags = info.tags.size() - info.num_imported_tags;
    memories = take(info.memories.size(), sizeof(Memory*), alignof(Memory*));
    tables = take(info.tables.size(), sizeof(Table*), alignof(Table*));
    imported_globals = take(info.num_imported_globals, sizeof(Global*), alignof(Global*));
    imported_tags = take(info.num_imported_tags, sizeof(Tag*), alignof(Tag*));
    globals_made = take(words(globals), sizeof(uint64_t), alignof(uint64_t));
    tags_made = take(words(tags), sizeof(uint64_t), alignof(uint64_t));
    data_dropped = take(words(info.data_segments.size()), sizeof(uint64_t), alignof(uint64_t));
    elem_dropped = take(words(info.elem_segments.size()), sizeof(uint64_t), alignof(uint64_t));
    defined_memories =
        take(info.memories.size() - info.num_imported_memories, sizeof(Memory), alignof(Memory));
    defined_tables =
        take(info.tables.size() - info.num_imported_tables, sizeof(Table), alignof(Table));
    defined_globals = take(globals, sizeof(Global), alignof(Global));
    defined_tags = take(tags, sizeof(Tag), alignof(Tag));
    vmctx = take(1, module.offsets().size(), 16);
  }

  // Every count is at most VMOffsets::kMaxCount, and every size small.
  uint64_t memories, tables, imported_globals, imported_tags;
  uint64_t globals_made, tags_made, data_dropped, elem_dropped;
  uint64_t defined_memories, defined_tables, defined_globals, defined_tags;
  uint64_t vmctx;
  uint64_t end = sizeof(Instance);
};

Instance::Bits::Bits(uint64_t* words, size_t size) : words_(words) {
  std::memset(words, 0, (size + 63) / 64 * sizeof(uint64_t));
}

Instance::Instance(Store& store, std::shared_ptr<const Module> module, const Layout& layout,
                   const InstanceAllocator::Block& block)
    : store_(store),
      module_(std::move(module)),
      block_(block),
      written_(layout.vmctx + module_->offsets().size_without_func_refs()),
      vmctx_(block.address + layout.vmctx),
      memories_(reinterpret_cast<Memory**>(block.address + layout.memories)),
      tables_(reinterpret_cast<Table**>(block.address + layout.tables)),
      imported_globals_(reinterpret_cast<Global**>(block.address + layout.imported_globals)),
      imported_tags_(reinterpret_cast<Tag**>(block.address + layout.imported_tags)),
      defined_memories_(reinterpret_cast<Memory*>(block.address + layout.defined_memories)),
      defined_tables_(reinterpret_cast<Table*>(block.address + layout.defined_tables)),
      defined_globals_(reinterpret_cast<Global*>(block.address + layout.defined_globals)),
      defined_tags_(reinterpret_cast<Tag*>(block.address + layout.defined_tags)) {
  const ModuleInfo& info = module_->info();
  const auto words = [&](uint64_t place) {
    return reinterpret_cast<uint64_t*>(block.address + place);
  };
  globals_made_ = Bits(words(layout.globals_made), info.globals.size() - info.num_imported_globals);
  tags_made_ = Bits(words(layout.tags_made), info.tags.size() - info.num_imported_tags);
  data_dropped_ = Bits(words(layout.data_dropped), info.data_segments.size());
  elem_dropped_ = Bits(words(layout.elem_dropped), info.elem_segments.size());
}

Instance::~Instance() {
  const ModuleInfo& info = module_->info();
  for (uint32_t i = num_tables_; i-- > 0;) defined_tables_[i].~Table();
  for (uint32_t i = num_memories_; i-- > 0;) defined_memories_[i].~Memory();
  for (size_t i = 0; i < info.tags.size() - info.num_imported_tags; ++i) {
    if (tags_made_.Get(i)) defined_tags_[i].~Tag();
  }
  static_assert(std::is_trivially_destructible_v<Global>);
}

void Instance::Destroy(Instance* instance) {
  InstanceAllocator& allocator = instance->store_.engine().allocator();
  const InstanceAllocator::Block block = instance->block_;
  const uint64_t written = instance->written_;
  instance->~Instance();
  allocator.FreeInstance(block, written);
}

void Store::InstanceDeleter::operator()(Instance* instance) const { Instance::Destroy(instance); }

absl::StatusOr<Instance*> Instance::Create(Store& store, std::shared_ptr<const Module> module,
                                           absl::Span<const Extern> imports, ImportTypes types) {
  if (&module->engine() != &store.engine()) {
    return absl::InvalidArgumentError("the module belongs to another engine than the store");
  }
  try {
    RETURN_IF_ERROR(store.CheckLimits(module->info()));
    const Layout layout(*module);
    ASSIGN_OR_RETURN(const InstanceAllocator::Block block,
                     store.engine().allocator().AllocateInstance(layout.end));
    Store::OwnedInstance instance(new (block.address)
                                      Instance(store, std::move(module), layout, block));
    Instance* const result = instance.get();
    RETURN_IF_ERROR(result->Initialize(imports, types));
    // From here on others can hold its functions.
    store.instances_.push_back(std::move(instance));
    store.CountDefined(result->module().info());
    for (uint32_t i = 0; i < result->num_memories_; ++i) {
      store.Adopt(result->defined_memories_[i]);
    }
    RETURN_IF_ERROR(result->ApplySegments());
    RETURN_IF_ERROR(result->RunStart());
    return result;
  } catch (const std::bad_alloc&) {
    return absl::ResourceExhaustedError("no memory for an instance");
  }
}

absl::Status Instance::Initialize(absl::Span<const Extern> imports, ImportTypes types) {
  InitializeContext();
  RETURN_IF_ERROR(BindImports(imports, types));
  if (const std::optional<wasm::Unimplemented>& missing = module_->missing_at_instantiation()) {
    return wasm::UnimplementedStatus(*missing);
  }
  RETURN_IF_ERROR(MakeMemories());
  MakeTags();
  MakeGlobals();
  return MakeTables();
}

void Instance::InitializeContext() {
  std::memset(vmctx_, 0, module_->offsets().size_without_func_refs());
  VMContext* context = vmctx();
  context->magic = environ::kVMContextMagic;
  context->store = store_.context();
  context->builtins = BuiltinAddresses();
  context->type_ids = module_->type_ids().data();
  context->instance = this;
  context->tier_table = module_->tier_table();
}

absl::Status Instance::BindImports(absl::Span<const Extern> imports, ImportTypes types) {
  const ModuleInfo& info = module_->info();
  if (imports.size() != info.imports.size()) {
    return absl::InvalidArgumentError(absl::StrCat("the module has ", info.imports.size(),
                                                   " imports, ", imports.size(), " were given"));
  }
  for (size_t i = 0; i < imports.size(); ++i) {
    RETURN_IF_ERROR(BindImport(info.imports[i], imports[i], types == ImportTypes::kUnknown));
  }
  return absl::OkStatus();
}

absl::Status Instance::BindImport(const ImportInfo& import, const Extern& value, bool check_type) {
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
          (check_type && (*func_ref)->type_id != expected &&
           !store_.engine().types().IsSubtype((*func_ref)->type_id, expected))) {
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
      tables_[index] = *table;
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
      memories_[index] = *memory;
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
      imported_globals_[index] = *global;
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
      imported_tags_[index] = *tag;
      return absl::OkStatus();
    }
  }
  UNREACHABLE();
}

absl::Status Instance::MakeMemories() {
  const ModuleInfo& info = module_->info();
  for (uint32_t i = info.num_imported_memories; i < info.memories.size(); ++i) {
    const wasm::MemoryIndex index(i);
    const wasm::DefinedMemoryIndex defined = info.Defined(index);
    const environ::MemoryInfo& memory_info = info.memories[index];
    ASSIGN_OR_RETURN(MemorySpace space,
                     store_.NewMemory(memory_info.type, memory_info.plan, module_->image(defined)));
    const uint32_t place = module_->offsets().Memory(defined);
    Memory* const memory = &defined_memories_[num_memories_];
    if (memory_info.type.shared) {
      ASSIGN_OR_RETURN(std::shared_ptr<SharedMemory> shared,
                       store_.engine().Share(std::move(space)));
      new (memory) Memory(std::move(shared));
      *At<VMMemoryDefinition*>(place) = memory->definition();
    } else {
      new (memory) Memory(std::move(space));
      memory->SetDefinition(At<VMMemoryDefinition>(place));
    }
    ++num_memories_;
    memory->set_store(&store_);
    memories_[i] = memory;
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
  for (uint32_t i = info.num_imported_tags; i < info.tags.size(); ++i) {
    const wasm::TagIndex index(i);
    At<VMTagDefinition>(module_->offsets().Tag(info.Defined(index)))->type_id =
        module_->type_id(index);
  }
}

// Each initialiser sees the globals before it.
void Instance::MakeGlobals() {
  const ModuleInfo& info = module_->info();
  for (const wasm::DefinedGlobalIndex defined : info.global_inits.ids()) {
    At<VMGlobalDefinition>(module_->offsets().Global(defined))->value =
        Evaluate(info.global_inits[defined]);
  }
}

absl::Status Instance::MakeTables() {
  const ModuleInfo& info = module_->info();
  for (uint32_t i = info.num_imported_tables; i < info.tables.size(); ++i) {
    const wasm::TableIndex index(i);
    const wasm::DefinedTableIndex defined = info.Defined(index);
    const wasm::TableType type = module_->Canonical(info.tables[index]);
    ASSIGN_OR_RETURN(TableElements elements, store_.NewElements(type));
    Table* const table = new (&defined_tables_[num_tables_])
        Table(type, Table::kDefaultMaxElements, std::move(elements));
    ++num_tables_;
    table->set_store(&store_);
    table->SetDefinition(At<VMTableDefinition>(module_->offsets().Table(defined)));
    const ConstExpr* init = info.table_inits.find(defined);
    const ValRaw initial = init == nullptr || init->empty() ? ValRaw() : Evaluate(*init);
    RETURN_IF_ERROR(table->Grow(type.limits.min, initial).status());
    if (const auto* preset = info.preset_tables.find(defined); preset && !preset->empty()) {
      table->SetPreset(*preset, this);
    }
    tables_[i] = table;
  }
  return absl::OkStatus();
}

Global& Instance::global(wasm::GlobalIndex index) {
  const ModuleInfo& info = module_->info();
  if (info.IsImported(index)) return *imported_globals_[index.index()];
  const wasm::DefinedGlobalIndex defined = info.Defined(index);
  Global* const global = &defined_globals_[defined.index()];
  if (!globals_made_.Get(defined.index())) {
    new (global) Global(module_->Canonical(info.globals[index]),
                        At<VMGlobalDefinition>(module_->offsets().Global(defined)));
    global->set_store(&store_);
    globals_made_.Set(defined.index());
  }
  return *global;
}

Tag& Instance::tag(wasm::TagIndex index) {
  const ModuleInfo& info = module_->info();
  if (info.IsImported(index)) return *imported_tags_[index.index()];
  const wasm::DefinedTagIndex defined = info.Defined(index);
  Tag* const tag = &defined_tags_[defined.index()];
  if (!tags_made_.Get(defined.index())) {
    new (tag) Tag(module_->type_id(index), At<VMTagDefinition>(module_->offsets().Tag(defined)));
    tag->set_store(&store_);
    tags_made_.Set(defined.index());
  }
  return *tag;
}

ValRaw Instance::GlobalValue(wasm::GlobalIndex index) const {
  const ModuleInfo& info = module_->info();
  if (info.IsImported(index)) return imported_globals_[index.index()]->Get();
  return At<VMGlobalDefinition>(module_->offsets().Global(info.Defined(index)))->value;
}

// Validated expressions of a module that can be instantiated: the stack never underflows, and
// operations that need a heap of structs do not occur.
ValRaw Instance::Evaluate(const ConstExpr& expression) {
  absl::InlinedVector<ValRaw, 4> stack;
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
        stack.push_back(GlobalValue(wasm::GlobalIndex(static_cast<uint32_t>(op.value[0]))));
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
  const uint8_t* const end = reinterpret_cast<const uint8_t*>(func_ref + 1);
  written_ = std::max(written_, static_cast<uint64_t>(end - block_.address));
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
  const environ::DataSegment& data = module_->info().data_segments[segment];
  // An active one is dropped once it is applied, and nothing runs before.
  const bool is_dropped = data.mode != SegmentMode::kPassive || data_dropped_.Get(segment.index());
  return WriteData(memory(memory_index), is_dropped ? nullptr : &data, destination, source, length);
}

// Null: a segment of no bytes.
Instance::Trap Instance::WriteData(Memory& to, const environ::DataSegment* segment,
                                   uint64_t destination, uint64_t source, uint64_t length) {
  absl::Span<const uint8_t> bytes;
  if (segment != nullptr) {
    bytes = module_->data().subspan(segment->data_offset, segment->data_length);
  }
  if (source > bytes.size() || length > bytes.size() - source ||
      !to.Write(destination, bytes.subspan(source, length))) {
    return TrapCode::kMemoryOutOfBounds;
  }
  return std::nullopt;
}

Instance::Trap Instance::TableInit(wasm::TableIndex table_index, wasm::ElemIndex segment,
                                   uint64_t destination, uint64_t source, uint64_t length) {
  const environ::ElemSegment& elements = module_->info().elem_segments[segment];
  const bool is_dropped =
      elements.mode != SegmentMode::kPassive || elem_dropped_.Get(segment.index());
  return WriteElements(table(table_index), elements, is_dropped, destination, source, length);
}

Instance::Trap Instance::WriteElements(Table& to, const environ::ElemSegment& segment,
                                       bool is_dropped, uint64_t destination, uint64_t source,
                                       uint64_t length) {
  const uint64_t size = is_dropped ? 0 : segment.size();
  if (!to.InBounds(destination, length) || source > size || length > size - source) {
    return TrapCode::kTableOutOfBounds;
  }
  for (uint64_t i = 0; i < length; ++i) {
    ValRaw value;
    if (segment.functions.empty()) {
      value = Evaluate(segment.expressions[source + i]);
    } else if (const wasm::FuncIndex func = segment.functions[source + i]; func.is_some()) {
      value = ValRaw::FuncRef(FuncRef(func));
    }
    to.Set(destination + i, value);
  }
  return std::nullopt;
}

// Element segments, then data segments, each in order; a failing one leaves the effects of those
// before it. What is preset is there already. (WebAssembly 3.0, "Instantiation", steps 26 to 29.)
absl::Status Instance::ApplySegments() {
  const ModuleInfo& info = module_->info();
  const auto offset_of = [&](const ConstExpr& expression, wasm::IndexType type) {
    const ValRaw value = Evaluate(expression);
    return type == wasm::IndexType::kI64 ? value.u64 : uint64_t{value.u32};
  };
  for (const wasm::ElemIndex index : module_->eager_elem_segments()) {
    const environ::ElemSegment& segment = info.elem_segments[index];
    Table& to = table(segment.table);
    const uint64_t offset = offset_of(segment.offset, to.type().index_type);
    if (Trap trap = WriteElements(to, segment, false, offset, 0, segment.size())) {
      // No data segment has come to its turn.
      for (uint32_t i = 0; i < num_memories_; ++i) {
        const auto& image = module_->image(wasm::DefinedMemoryIndex(i));
        if (image != nullptr) {
          const uint64_t end = std::min(image->end(), defined_memories_[i].bytes());
          CHECK(defined_memories_[i].Fill(image->offset(), 0, end - image->offset()));
        }
      }
      return TrapStatus(*trap);
    }
  }
  for (const wasm::DataIndex index : module_->eager_data_segments()) {
    const environ::DataSegment& segment = info.data_segments[index];
    Memory& to = memory(segment.memory);
    const uint64_t offset = offset_of(segment.offset, to.type().index_type);
    if (Trap trap = WriteData(to, &segment, offset, 0, segment.data_length)) {
      return TrapStatus(*trap);
    }
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
  const ModuleInfo& info = module_->info();
  for (uint32_t i = 0; i < num_tables_; ++i) {
    if (defined_tables_[i].holds_functions()) continue;
    for (uint32_t handle : defined_tables_[i].references()) marker.Visit(handle);
  }
  for (uint32_t i = info.num_imported_globals; i < info.globals.size(); ++i) {
    const wasm::GlobalIndex index(i);
    const wasm::ValType type = info.globals[index].content;
    if (type.is_ref() && !IsFuncReference(module_->Canonical(type))) {
      marker.Visit(GlobalValue(index).reference);
    }
  }
}

}  // namespace gantry::runtime
