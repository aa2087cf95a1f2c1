// Instances of modules without code: what instantiation binds, fills and refuses, and the
// built-ins, called as a shim would call them.
#include "runtime/instance.h"

#include <string>
#include <vector>

#include "environ/core/builtins.h"
#include "gtest/gtest.h"
#include "runtime/builtins.h"
#include "runtime/trap.h"

namespace gantry::runtime {
namespace {

using environ::Builtin;
using environ::BuiltinResult;
using environ::ConstExpr;
using environ::ConstOp;
using environ::DataSegment;
using environ::ElemSegment;
using environ::EntityRef;
using environ::MemoryPlan;
using environ::ModuleInfo;
using environ::SegmentMode;
using environ::TrapCode;
using environ::Tunables;
using wasm::DataIndex;
using wasm::ElemIndex;
using wasm::GlobalIndex;
using wasm::GlobalType;
using wasm::MemoryIndex;
using wasm::MemoryType;
using wasm::TableIndex;
using wasm::TableType;
using wasm::ValType;

ConstExpr I32(uint32_t value) { return ConstExpr({ConstOp::I32Const(value)}); }

class CountingLimiter : public ResourceLimiter {
 public:
  bool AllowMemory(uint64_t, uint64_t desired) override { return desired <= max_bytes; }
  bool AllowTable(uint64_t, uint64_t desired) override { return desired <= max_elements; }
  bool AllowInstances(uint64_t count) override { return count <= max_instances; }
  bool AllowMemories(uint64_t count) override { return count <= max_memories; }
  bool AllowTables(uint64_t count) override { return count <= max_tables; }
  uint64_t MaxStack() override { return ~uint64_t{0}; }
  uint64_t max_bytes = ~uint64_t{0};
  uint64_t max_elements = ~uint64_t{0};
  uint64_t max_instances = ~uint64_t{0};
  uint64_t max_memories = ~uint64_t{0};
  uint64_t max_tables = ~uint64_t{0};
};

class InstanceTest : public testing::Test {
 protected:
  InstanceTest() {
    Engine::Options options;
    options.tunables = Tunables::SmallReservations();
    engine_ = Engine::Create(options);
    store_ = Store::Create(engine_, {&limiter_});
  }

  MemoryType AddMemory(ModuleInfo& info, uint64_t min, std::optional<uint64_t> max) {
    MemoryType type;
    type.limits = {min, max};
    info.memories.Push({type, MemoryPlan::For(type, engine_->tunables())});
    return type;
  }
  static TableType AddTable(ModuleInfo& info, ValType element, uint64_t min,
                            std::optional<uint64_t> max) {
    TableType type;
    type.element = element;
    type.limits = {min, max};
    info.tables.Push(type);
    info.table_inits.Push(ConstExpr());
    return type;
  }
  void AddData(ModuleInfo& info, SegmentMode mode, uint32_t offset, const std::string& bytes) {
    DataSegment segment;
    segment.mode = mode;
    segment.memory = MemoryIndex(0);
    segment.offset = I32(offset);
    segment.data_offset = data_->size();
    segment.data_length = bytes.size();
    *data_ += bytes;
    info.data_segments.Push(segment);
  }

  std::shared_ptr<const Module> MakeModule(ModuleInfo info) {
    CodeObject::Parts parts;
    parts.modules.push_back(std::move(info));
    parts.data.push_back(
        absl::MakeConstSpan(reinterpret_cast<const uint8_t*>(data_->data()), data_->size()));
    parts.owner = data_;
    data_ = std::make_shared<std::string>();
    return *Module::Create(engine_, *CodeObject::Create(std::move(parts)), environ::ModuleId(0));
  }
  absl::StatusOr<Instance*> Instantiate(ModuleInfo info, std::vector<Extern> imports = {}) {
    return Instance::Create(*store_, MakeModule(std::move(info)), imports);
  }

  CountingLimiter limiter_;
  std::shared_ptr<Engine> engine_;
  std::unique_ptr<Store> store_;
  std::shared_ptr<std::string> data_ = std::make_shared<std::string>();
};

TEST_F(InstanceTest, DataSegmentsInOrder) {
  ModuleInfo info;
  AddMemory(info, 1, std::nullopt);
  AddData(info, SegmentMode::kActive, 2, "abc");
  AddData(info, SegmentMode::kActive, 4, "XY");
  AddData(info, SegmentMode::kActive, 65536, "");
  info.exports.push_back({"memory", EntityRef::Memory(MemoryIndex(0))});
  Instance* instance = Instantiate(std::move(info)).value();
  Memory* memory = std::get<Memory*>(instance->GetExport("memory").value());
  EXPECT_EQ(std::string(memory->data().begin(), memory->data().begin() + 7),
            std::string("\0\0abXY", 6) + std::string(1, '\0'));
  EXPECT_FALSE(instance->GetExport("other").has_value());
}

// What a failing instantiation has done stays done.
TEST_F(InstanceTest, ASegmentOutOfBoundsIsATrapAfterThoseBefore) {
  MemoryType type;
  type.limits = {1, 1};
  Memory* memory = store_->AddMemory(type).value();
  ModuleInfo info;
  info.num_imported_memories = 1;
  AddMemory(info, 1, std::nullopt);
  info.imports.push_back({"m", "memory", EntityRef::Memory(MemoryIndex(0))});
  AddData(info, SegmentMode::kActive, 0, "first");
  AddData(info, SegmentMode::kActive, 65535, "ab");
  const absl::Status status = Instantiate(std::move(info), {memory}).status();
  EXPECT_EQ(status.message(), "out of bounds memory access");
  EXPECT_EQ(GetTrapInfo(status)->code, TrapCode::kMemoryOutOfBounds);
  EXPECT_EQ(memory->data()[0], 'f');
  EXPECT_EQ(memory->data()[65535], 0);
}

TEST_F(InstanceTest, GlobalsSeeThoseBefore) {
  ModuleInfo info;
  info.num_imported_globals = 1;
  for (ValType type : {ValType::I32(), ValType::I32(), ValType::I64(), ValType::V128()}) {
    info.globals.Push({type, false, false});
  }
  info.imports.push_back({"m", "g", EntityRef::Global(GlobalIndex(0))});
  info.global_inits.Push(
      ConstExpr({ConstOp::GlobalGet(GlobalIndex(0)), ConstOp::I32Const(5),
                 ConstOp::Simple(ConstOp::Kind::kI32Sub), ConstOp::I32Const(0x10001),
                 ConstOp::Simple(ConstOp::Kind::kI32Mul)}));
  info.global_inits.Push(ConstExpr({ConstOp::I64Const(~uint64_t{0}), ConstOp::I64Const(3),
                                    ConstOp::Simple(ConstOp::Kind::kI64Add)}));
  info.global_inits.Push(ConstExpr({ConstOp::V128Const(1, 2)}));
  Global* imported = store_->AddGlobal({ValType::I32(), false, false}, ValRaw::I32(3));
  Instance* instance = Instantiate(std::move(info), {imported}).value();
  // (3 - 5) * 0x10001 wraps and stays zero-extended.
  EXPECT_EQ(instance->global(GlobalIndex(1)).Get().words[0], 0xFFFDFFFEu);
  EXPECT_EQ(instance->global(GlobalIndex(2)).Get().i64, 2);
  EXPECT_EQ(instance->global(GlobalIndex(3)).Get().words[1], 2u);
  EXPECT_EQ(&instance->global(GlobalIndex(0)), imported);
}

TEST_F(InstanceTest, ImportsAreMatched) {
  Memory* memory;
  {
    MemoryType type;
    type.limits = {2, 5};
    memory = store_->AddMemory(type).value();
  }
  const auto import_memory = [&](uint64_t min, std::optional<uint64_t> max) {
    ModuleInfo info;
    info.num_imported_memories = 1;
    AddMemory(info, min, max);
    info.imports.push_back({"m", "memory", EntityRef::Memory(MemoryIndex(0))});
    return Instantiate(std::move(info), {memory}).status();
  };
  EXPECT_TRUE(import_memory(2, 5).ok());
  EXPECT_TRUE(import_memory(1, std::nullopt).ok());
  EXPECT_TRUE(import_memory(0, 6).ok());
  EXPECT_EQ(import_memory(3, std::nullopt).message(),
            "incompatible import type for \"m\" \"memory\": expected memory 3, found memory 2 5");
  EXPECT_FALSE(import_memory(2, 4).ok());
  // Its size now counts, not that of its declaration.
  EXPECT_TRUE(store_->GrowMemory(*memory, 3).ok());
  EXPECT_TRUE(import_memory(5, 5).ok());

  const auto import_global = [&](GlobalType found, GlobalType expected) {
    ModuleInfo info;
    info.num_imported_globals = 1;
    info.globals.Push(expected);
    info.imports.push_back({"m", "g", EntityRef::Global(GlobalIndex(0))});
    return Instantiate(std::move(info), {store_->AddGlobal(found, ValRaw())}).status();
  };
  const ValType non_null = ValType::FuncRef().WithNullable(false);
  EXPECT_TRUE(import_global({ValType::I32(), true, false}, {ValType::I32(), true, false}).ok());
  EXPECT_TRUE(import_global({non_null, false, false}, {ValType::FuncRef(), false, false}).ok());
  EXPECT_FALSE(import_global({non_null, true, false}, {ValType::FuncRef(), true, false}).ok());
  EXPECT_FALSE(import_global({ValType::FuncRef(), false, false}, {non_null, false, false}).ok());
  EXPECT_EQ(
      import_global({ValType::I32(), false, false}, {ValType::I32(), true, false}).message(),
      "incompatible import type for \"m\" \"g\": expected global (mut i32), found global i32");

  const auto import_table = [&](ValType element, uint64_t min, std::optional<uint64_t> max) {
    TableType type;
    type.limits = {3, 4};
    ModuleInfo info;
    info.num_imported_tables = 1;
    AddTable(info, element, min, max);
    info.table_inits.clear();
    info.imports.push_back({"m", "t", EntityRef::Table(TableIndex(0))});
    return Instantiate(std::move(info), {store_->AddTable(type, ValRaw()).value()}).status();
  };
  EXPECT_TRUE(import_table(ValType::FuncRef(), 3, 4).ok());
  EXPECT_EQ(import_table(ValType::ExternRef(), 3, 4).message(),
            "incompatible import type for \"m\" \"t\": expected table 3 4 externref, found table "
            "3 4 funcref");
  EXPECT_FALSE(import_table(ValType::FuncRef(), 3, 3).ok());
}

// lessons.md row 19: objects of another store are told apart at every boundary.
TEST_F(InstanceTest, ForeignImportsAreRefused) {
  std::unique_ptr<Store> other = Store::Create(engine_, {});
  MemoryType type;
  type.limits = {1, std::nullopt};
  Memory* memory = other->AddMemory(type).value();
  ModuleInfo info;
  info.num_imported_memories = 1;
  AddMemory(info, 1, std::nullopt);
  info.imports.push_back({"m", "memory", EntityRef::Memory(MemoryIndex(0))});
  EXPECT_EQ(Instantiate(std::move(info), {memory}).status().message(),
            "the import \"m\" \"memory\" belongs to another store");
  std::shared_ptr<Engine> other_engine = Engine::Create(engine_->options());
  std::unique_ptr<Store> third = Store::Create(other_engine, {});
  EXPECT_EQ(Instance::Create(*third, MakeModule(ModuleInfo()), {}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST_F(InstanceTest, LimitsAreAsked) {
  limiter_.max_bytes = 2 << 16;
  limiter_.max_elements = 10;
  limiter_.max_instances = 2;
  const auto with = [&](uint64_t pages, uint64_t elements) {
    ModuleInfo info;
    AddMemory(info, pages, std::nullopt);
    AddTable(info, ValType::ExternRef(), elements, std::nullopt);
    return Instantiate(std::move(info));
  };
  Instance* instance = with(1, 10).value();
  EXPECT_EQ(with(3, 1).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(with(1, 11).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(store_->GrowMemory(instance->memory(MemoryIndex(0)), 1).value(), 1u);
  EXPECT_EQ(store_->GrowMemory(instance->memory(MemoryIndex(0)), 1).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(store_->GrowTable(instance->table(TableIndex(0)), 1, ValRaw()).status().code(),
            absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(with(1, 1).ok());
  EXPECT_EQ(with(1, 1).status().code(), absl::StatusCode::kResourceExhausted);
  // What was refused does not count, whether before or after something was made for it.
  limiter_.max_instances = 5;
  limiter_.max_memories = limiter_.max_tables = 4;
  EXPECT_TRUE(with(1, 1).ok());
  EXPECT_FALSE(with(3, 1).ok());
  EXPECT_TRUE(with(1, 1).ok());
  EXPECT_EQ(with(1, 1).status().message(), "the store's limiter refused another memory");
  limiter_.max_memories = 5;
  EXPECT_EQ(with(1, 1).status().message(), "the store's limiter refused another table");
  limiter_.max_tables = 5;
  MemoryType memory;
  EXPECT_TRUE(store_->AddMemory(memory).ok());
  EXPECT_EQ(store_->AddMemory(memory).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_TRUE(Instantiate(ModuleInfo()).ok());
  EXPECT_FALSE(Instantiate(ModuleInfo()).ok());
  TableType table;
  EXPECT_TRUE(store_->AddTable(table, ValRaw()).ok());
  EXPECT_EQ(store_->AddTable(table, ValRaw()).status().code(),
            absl::StatusCode::kResourceExhausted);
}

// A plan that relies on faults must not meet an engine that does not catch them.
TEST_F(InstanceTest, PlansAreCheckedAgainstTheEngine) {
  Engine::Options options;
  options.tunables = Tunables::SmallReservations();
  options.tunables.signals_based_traps = false;
  engine_ = Engine::Create(options);
  store_ = Store::Create(engine_, {});
  ModuleInfo info;
  MemoryType type;
  type.limits = {1, std::nullopt};
  info.memories.Push({type, MemoryPlan::For(type, Tunables())});
  EXPECT_EQ(Instantiate(std::move(info)).status().code(), absl::StatusCode::kInvalidArgument);
}

TEST_F(InstanceTest, ReferencesInTablesAndGlobalsSurviveCollections) {
  ModuleInfo info;
  AddTable(info, ValType::ExternRef(), 4, std::nullopt);
  info.globals.Push({ValType::ExternRef(), true, false});
  info.global_inits.Push(ConstExpr({ConstOp::RefNull(ValType::ExternRef())}));
  Instance* instance = Instantiate(std::move(info)).value();
  ReferenceHeap& heap = store_->references();
  {
    ReferenceHeap::Scope scope(heap);
    instance->table(TableIndex(0)).Set(2, ValRaw::Reference(heap.Add(1).value()));
    instance->global(GlobalIndex(0)).Set(ValRaw::Reference(heap.Add(2).value()));
    store_->AddGlobal({ValType::ExternRef(), true, false}, ValRaw::Reference(heap.Add(3).value()));
    heap.Add(4).value();
  }
  heap.Collect();
  EXPECT_EQ(heap.live_count(), 3u);
}

// ---- Built-ins ----

template <typename Result, typename... Args>
Result CallBuiltin(Instance* instance, Builtin builtin, Args... args) {
  const auto function = reinterpret_cast<Result (*)(VMContext*, Args...)>(
      reinterpret_cast<uintptr_t>(BuiltinAddresses()[static_cast<uint32_t>(builtin)]));
  return function(instance->vmctx(), args...);
}

TEST_F(InstanceTest, MemoryBuiltins) {
  ModuleInfo info;
  AddMemory(info, 1, 2);
  AddMemory(info, 1, 1);
  AddData(info, SegmentMode::kPassive, 0, "abcdef");
  Instance* instance = Instantiate(std::move(info)).value();
  Memory& memory = instance->memory(MemoryIndex(0));
  const auto init = [&](uint64_t to, uint32_t from, uint32_t length) {
    return CallBuiltin<uint32_t, uint32_t, uint32_t, uint64_t, uint32_t, uint32_t>(
        instance, Builtin::kMemoryInit, 0, 0, to, from, length);
  };
  EXPECT_EQ(init(10, 2, 3), 0u);
  EXPECT_EQ(memory.data()[12], 'e');
  EXPECT_NE(init(10, 4, 3), 0u);
  EXPECT_NE(init(10, 0xFFFFFFFF, 2), 0u);
  EXPECT_NE(init(65535, 0, 2), 0u);
  EXPECT_EQ(init(65536, 6, 0), 0u);
  CallBuiltin<void, uint32_t>(instance, Builtin::kDataDrop, 0);
  EXPECT_NE(init(0, 0, 1), 0u);
  EXPECT_EQ(init(0, 0, 0), 0u);

  const auto copy = [&](uint64_t to, uint64_t from, uint64_t length) {
    return CallBuiltin<uint32_t, uint32_t, uint64_t, uint32_t, uint64_t, uint64_t>(
        instance, Builtin::kMemoryCopy, 1, to, 0, from, length);
  };
  EXPECT_EQ(copy(1, 10, 3), 0u);
  EXPECT_EQ(instance->memory(MemoryIndex(1)).data()[3], 'e');
  EXPECT_NE(copy(65534, 0, 3), 0u);
  EXPECT_NE(copy(~uint64_t{0}, 0, 2), 0u);

  const auto grow = [&](uint64_t delta) {
    return CallBuiltin<BuiltinResult, uint32_t, uint64_t>(instance, Builtin::kMemoryGrow, 0, delta);
  };
  EXPECT_EQ(grow(1).value, 1u);
  EXPECT_EQ(grow(1).value, ~uint64_t{0});
  EXPECT_EQ(grow(1).status, 0u);
}

TEST_F(InstanceTest, TableBuiltins) {
  ModuleInfo info;
  AddTable(info, ValType::ExternRef(), 4, 6);
  AddTable(info, ValType::FuncRef(), 2, 3);
  ElemSegment nulls;
  nulls.functions = {wasm::FuncIndex::None(), wasm::FuncIndex::None()};
  info.elem_segments.Push(nulls);
  Instance* instance = Instantiate(std::move(info)).value();
  Table& table = instance->table(TableIndex(0));
  const auto set = [&](uint64_t index, uint32_t value) {
    return CallBuiltin<uint32_t, uint32_t, uint64_t, uint32_t>(instance, Builtin::kTableSetRef, 0,
                                                               index, value);
  };
  EXPECT_EQ(set(1, 6), 0u);
  EXPECT_NE(set(4, 6), 0u);
  const auto get = [&](uint64_t index) {
    return CallBuiltin<BuiltinResult, uint32_t, uint64_t>(instance, Builtin::kTableGetRef, 0,
                                                          index);
  };
  EXPECT_EQ(get(1).value, 6u);
  EXPECT_NE(get(~uint64_t{0}).status, 0u);
  const auto fill = [&](uint64_t at, uint64_t length) {
    return CallBuiltin<uint32_t, uint32_t, uint64_t, uint32_t, uint64_t>(
        instance, Builtin::kTableFillRef, 0, at, 8, length);
  };
  EXPECT_EQ(fill(2, 2), 0u);
  EXPECT_EQ(table.Get(3).reference, 8u);
  EXPECT_NE(fill(3, 2), 0u);
  const BuiltinResult grown = CallBuiltin<BuiltinResult, uint32_t, uint64_t, uint32_t>(
      instance, Builtin::kTableGrowRef, 0, 2, 10);
  EXPECT_EQ(grown.value, 4u);
  EXPECT_EQ(table.Get(5).reference, 10u);
  const auto copy = [&](uint64_t to, uint64_t from, uint64_t length) {
    return CallBuiltin<uint32_t, uint32_t, uint32_t, uint64_t, uint64_t, uint64_t>(
        instance, Builtin::kTableCopy, 0, 0, to, from, length);
  };
  EXPECT_EQ(copy(0, 4, 2), 0u);
  EXPECT_EQ(table.Get(1).reference, 10u);
  EXPECT_NE(copy(5, 0, 2), 0u);
  const auto init = [&](uint64_t to, uint32_t from, uint32_t length) {
    return CallBuiltin<uint32_t, uint32_t, uint32_t, uint64_t, uint32_t, uint32_t>(
        instance, Builtin::kTableInit, 1, 0, to, from, length);
  };
  EXPECT_EQ(init(0, 0, 2), 0u);
  EXPECT_NE(init(1, 0, 2), 0u);
  CallBuiltin<void, uint32_t>(instance, Builtin::kElemDrop, 0);
  EXPECT_NE(init(0, 0, 1), 0u);
}

// ---- Fuel and epochs ----

// Counts interrupts, and gives fuel once.
class FuelHandler final : public InterruptHandler {
 public:
  absl::Status OnInterrupt(Store& store, Reason reason) override {
    reasons.push_back(reason);
    if (reason == Reason::kOutOfFuel) store.SetFuel(std::exchange(gift, 0));
    return status;
  }
  std::vector<Reason> reasons;
  uint64_t gift = 0;
  absl::Status status;
};

TEST_F(InstanceTest, FuelBeyondTheCounterWaitsInReserve) {
  VMStoreContext& context = *store_->context();
  store_->SetFuel(10);
  EXPECT_EQ(context.fuel, 10);
  context.fuel -= 4;
  EXPECT_EQ(store_->fuel(), 6u);
  context.fuel -= 7;
  EXPECT_EQ(store_->fuel(), 0u);
  EXPECT_NE(store_->OnOutOfFuel(), 0u);

  store_->SetFuel(~uint64_t{0});
  EXPECT_EQ(store_->fuel(), ~uint64_t{0});
  context.fuel = -5;  // all in hand used, and five more
  EXPECT_EQ(store_->fuel(), (uint64_t{1} << 63) - 5);
  EXPECT_EQ(store_->OnOutOfFuel(), 0u);
  EXPECT_EQ(store_->fuel(), (uint64_t{1} << 63) - 5);
}

TEST_F(InstanceTest, FuelIntervalsAndGifts) {
  using Reason = InterruptHandler::Reason;
  FuelHandler handler;
  store_->SetInterruptHandler(&handler);
  VMStoreContext& context = *store_->context();
  store_->SetFuel(25);
  store_->SetFuelInterval(10);
  EXPECT_EQ(context.fuel, 10);
  EXPECT_EQ(store_->fuel(), 25u);
  context.fuel -= 13;
  EXPECT_EQ(store_->OnOutOfFuel(), 0u);
  EXPECT_EQ(store_->fuel(), 12u);
  EXPECT_EQ(context.fuel, 10);
  context.fuel -= 13;  // one more than there is
  handler.gift = 7;
  EXPECT_EQ(store_->OnOutOfFuel(), 0u);
  EXPECT_EQ(store_->fuel(), 7u);
  context.fuel -= 8;
  EXPECT_NE(store_->OnOutOfFuel(), 0u);
  EXPECT_EQ(handler.reasons, (std::vector<Reason>{Reason::kFuelInterval, Reason::kOutOfFuel,
                                                  Reason::kOutOfFuel}));
  store_->SetFuel(30);
  context.fuel -= 11;
  handler.status = absl::DataLossError("not like this");
  EXPECT_NE(store_->OnOutOfFuel(), 0u);
  store_->SetInterruptHandler(nullptr);
}

TEST_F(InstanceTest, HostFunctionsNeedTrampolines) {
  EXPECT_EQ(store_->AddHostFunction(wasm::FuncType(), nullptr).status().code(),
            absl::StatusCode::kNotFound);
}

TEST_F(InstanceTest, TagsHaveIdentityAndType) {
  const auto exporter = [] {
    ModuleInfo info;
    wasm::SubType type;
    type.composite = wasm::FuncType({ValType::I32()}, {});
    info.types.Push(type);
    info.tags.Push({wasm::TypeIndex(0)});
    info.tags.Push({wasm::TypeIndex(0)});
    info.exports.push_back({"a", EntityRef::Tag(wasm::TagIndex(0))});
    info.exports.push_back({"b", EntityRef::Tag(wasm::TagIndex(1))});
    return info;
  };
  const auto importer = [](wasm::FuncType imported) {
    ModuleInfo info;
    wasm::SubType type;
    type.composite = std::move(imported);
    info.types.Push(type);
    info.tags.Push({wasm::TypeIndex(0)});
    info.num_imported_tags = 1;
    info.imports.push_back({"m", "t", EntityRef::Tag(wasm::TagIndex(0))});
    info.exports.push_back({"t", EntityRef::Tag(wasm::TagIndex(0))});
    return info;
  };
  Instance* instance = Instantiate(exporter()).value();
  Tag* a = std::get<Tag*>(*instance->GetExport("a"));
  Tag* b = std::get<Tag*>(*instance->GetExport("b"));
  EXPECT_NE(a->definition(), b->definition());
  EXPECT_EQ(a->type_id(), b->type_id());
  EXPECT_EQ(DescribeExtern(*engine_, a), "tag (i32) -> ()");

  const wasm::FuncType i32({ValType::I32()}, {});
  Instance* user = Instantiate(importer(i32), {a}).value();
  EXPECT_EQ(std::get<Tag*>(*user->GetExport("t")), a);
  const uint32_t slot = user->module().offsets().ImportedTag(wasm::TagIndex(0));
  EXPECT_EQ(*reinterpret_cast<VMTagDefinition**>(reinterpret_cast<uint8_t*>(user->vmctx()) + slot),
            a->definition());
  EXPECT_EQ(
      Instantiate(importer(wasm::FuncType({ValType::I64()}, {})), {a}).status().message(),
      "incompatible import type for \"m\" \"t\": expected tag (i64) -> (), found tag (i32) -> "
      "()");
  Global* global = store_->AddGlobal({ValType::I32(), false, false}, ValRaw());
  EXPECT_EQ(Instantiate(importer(i32), {global}).status().message(),
            "incompatible import type for \"m\" \"t\": expected tag (i32) -> (), found global i32");

  Tag* host = store_->AddTag(i32).value();
  EXPECT_TRUE(Instantiate(importer(i32), {host}).ok());
  EXPECT_EQ(store_->AddTag(wasm::FuncType({}, {ValType::I32()})).status().code(),
            absl::StatusCode::kInvalidArgument);
  std::unique_ptr<Store> other = Store::Create(engine_, {});
  EXPECT_EQ(Instantiate(importer(i32), {other->AddTag(i32).value()}).status().message(),
            "the import \"m\" \"t\" belongs to another store");
}

// A module of one imported function of the last of `types`.
ModuleInfo FunctionImporter(std::vector<wasm::SubType> types) {
  ModuleInfo info;
  for (wasm::SubType& type : types) {
    if (type.group_size == 1) type.group_start = info.types.next_id();
    info.types.Push(std::move(type));
  }
  info.functions.Push({.type = wasm::TypeIndex(static_cast<uint32_t>(info.types.size()) - 1)});
  info.num_imported_functions = 1;
  info.imports.push_back({"m", "f", EntityRef::Func(wasm::FuncIndex(0))});
  return info;
}

TEST_F(InstanceTest, FunctionsMatchByDeclaredSupertypes) {
  wasm::SubType open, child, grandchild;
  open.composite = child.composite = grandchild.composite = wasm::FuncType();
  open.is_final = child.is_final = false;
  child.supertype = wasm::TypeIndex(0);
  grandchild.supertype = wasm::TypeIndex(1);
  RegisteredTypes held = *engine_->types().Register([&] {
    std::vector<wasm::SubType> types = {open, child, grandchild};
    for (uint32_t i = 0; i < 3; ++i) types[i].group_start = wasm::TypeIndex(i);
    return types;
  }());
  VMContext context = {};
  context.store = store_->context();
  VMFuncRef functions[3];
  for (int i = 0; i < 3; ++i) {
    functions[i].vmctx = &context;
    functions[i].type_id = held.ids()[i];
  }
  const std::vector<wasm::SubType> chain = {open, child, grandchild};
  for (int wanted = 0; wanted < 3; ++wanted) {
    for (int given = 0; given < 3; ++given) {
      const absl::Status status =
          Instantiate(FunctionImporter({chain.begin(), chain.begin() + wanted + 1}),
                      {&functions[given]})
              .status();
      EXPECT_EQ(status.ok(), given >= wanted) << wanted << " " << given << " " << status;
    }
  }
  // A type that looks the same and is final is another one.
  wasm::SubType final_type = open;
  final_type.is_final = true;
  EXPECT_FALSE(Instantiate(FunctionImporter({final_type}), {&functions[0]}).ok());
}

TEST_F(InstanceTest, ConcreteReferencesMatchAcrossModules) {
  wasm::SubType structure;
  structure.composite = wasm::StructType{{{ValType::I32(), true}}};
  RegisteredTypes held = *engine_->types().Register({structure});
  const ValType canonical = ValType::Ref(wasm::HeapType::Canonical(held.ids()[0]), true);
  const auto import_global = [&](ValType found, ValType expected, bool is_mutable) {
    ModuleInfo info;
    info.types.Push(structure);
    info.globals.Push({expected, is_mutable, false});
    info.num_imported_globals = 1;
    info.imports.push_back({"m", "g", EntityRef::Global(GlobalIndex(0))});
    return Instantiate(std::move(info), {store_->AddGlobal({found, is_mutable, false}, ValRaw())})
        .ok();
  };
  const ValType concrete = ValType::ConcreteRef(wasm::TypeIndex(0), true);
  const auto abstract = [](wasm::AbstractHeapType type) {
    return ValType::Ref(wasm::HeapType::Abstract(type), true);
  };
  using wasm::AbstractHeapType;
  EXPECT_TRUE(import_global(canonical, concrete, false));
  EXPECT_TRUE(import_global(canonical, concrete, true));
  EXPECT_TRUE(import_global(canonical, abstract(AbstractHeapType::kStruct), false));
  EXPECT_TRUE(import_global(canonical, abstract(AbstractHeapType::kEq), false));
  EXPECT_TRUE(import_global(canonical, abstract(AbstractHeapType::kAny), false));
  EXPECT_FALSE(import_global(canonical, abstract(AbstractHeapType::kAny), true));
  EXPECT_FALSE(import_global(canonical, abstract(AbstractHeapType::kArray), false));
  EXPECT_FALSE(import_global(canonical, abstract(AbstractHeapType::kI31), false));
  EXPECT_FALSE(import_global(canonical, ValType::FuncRef(), false));
  EXPECT_TRUE(import_global(abstract(AbstractHeapType::kNone), concrete, false));
  EXPECT_FALSE(import_global(abstract(AbstractHeapType::kNoFunc), concrete, false));
  EXPECT_FALSE(import_global(abstract(AbstractHeapType::kStruct), concrete, false));
}

// References that are no functions are handles, whatever they refer to.
TEST_F(InstanceTest, ConstantsOfEveryReferenceType) {
  ModuleInfo info;
  wasm::SubType structure;
  structure.composite = wasm::StructType{};
  info.types.Push(structure);
  const ValType struct_ref = ValType::ConcreteRef(wasm::TypeIndex(0), true);
  const ValType any = ValType::Ref(wasm::HeapType::Abstract(wasm::AbstractHeapType::kAny), true);
  const ValType i31 = any;
  info.globals.Push({struct_ref, false, false});
  info.global_inits.Push(ConstExpr({ConstOp::RefNull(struct_ref)}));
  info.globals.Push({i31, false, false});
  info.global_inits.Push(
      ConstExpr({ConstOp::I32Const(0xFFFFFFFF), ConstOp::Simple(ConstOp::Kind::kRefI31)}));
  info.globals.Push({ValType::ExternRef(), false, false});
  info.global_inits.Push(ConstExpr(
      {ConstOp::GlobalGet(GlobalIndex(1)), ConstOp::Simple(ConstOp::Kind::kExternConvertAny)}));
  info.globals.Push({any, false, false});
  info.global_inits.Push(ConstExpr(
      {ConstOp::GlobalGet(GlobalIndex(2)), ConstOp::Simple(ConstOp::Kind::kAnyConvertExtern)}));
  TableType table;
  table.element = struct_ref;
  table.limits = {3, std::nullopt};
  info.tables.Push(table);
  info.table_inits.Push(ConstExpr());
  table.element = any;
  info.tables.Push(table);
  info.table_inits.Push(ConstExpr({ConstOp::GlobalGet(GlobalIndex(3))}));
  Instance* instance = Instantiate(std::move(info)).value();
  EXPECT_EQ(instance->global(GlobalIndex(0)).Get().words[0], 0u);
  EXPECT_EQ(instance->global(GlobalIndex(1)).Get().words[0], 0xFFFFFFFFu);
  EXPECT_EQ(instance->global(GlobalIndex(3)).Get().words[0], 0xFFFFFFFFu);
  EXPECT_FALSE(instance->table(TableIndex(0)).holds_functions());
  EXPECT_EQ(instance->table(TableIndex(1)).Get(2).reference, 0xFFFFFFFFu);
}

// Imports are judged first; then the module is refused before anything of it is made.
TEST_F(InstanceTest, ObjectsInConstantExpressionsNeedGc) {
  const auto module = [](int place, ConstOp::Kind kind) {
    ModuleInfo info;
    wasm::SubType type;
    type.composite = wasm::StructType{};
    info.types.Push(type);
    const ValType any = ValType::Ref(wasm::HeapType::Abstract(wasm::AbstractHeapType::kAny), true);
    const ConstExpr made({ConstOp::Simple(kind)});
    info.num_imported_globals = 1;
    info.globals.Push({ValType::I32(), false, false});
    info.imports.push_back({"m", "g", EntityRef::Global(GlobalIndex(0))});
    if (place == 0) {
      info.globals.Push({any, false, false});
      info.global_inits.Push(made);
    } else if (place == 1) {
      TableType table;
      table.element = any;
      info.tables.Push(table);
      info.table_inits.Push(made);
    } else {
      ElemSegment segment;
      segment.type = any;
      segment.expressions.push_back(made);
      info.elem_segments.Push(segment);
    }
    return info;
  };
  Global* right = store_->AddGlobal({ValType::I32(), false, false}, ValRaw());
  Global* wrong = store_->AddGlobal({ValType::I64(), false, false}, ValRaw());
  for (int place = 0; place < 3; ++place) {
    for (const ConstOp::Kind kind :
         {ConstOp::Kind::kStructNew, ConstOp::Kind::kStructNewDefault, ConstOp::Kind::kArrayNew,
          ConstOp::Kind::kArrayNewDefault, ConstOp::Kind::kArrayNewFixed}) {
      const absl::Status status = Instantiate(module(place, kind), {right}).status();
      EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
      EXPECT_EQ(wasm::UnimplementedFeature(status), wasm::Feature::kGc);
    }
    EXPECT_EQ(Instantiate(module(place, ConstOp::Kind::kStructNew), {wrong}).status().code(),
              absl::StatusCode::kInvalidArgument);
  }
}

// What no host can give is an error of instantiation.
TEST_F(InstanceTest, HugeMinimaAreRefused) {
  for (const uint8_t page_size_log2 : {0, 16}) {
    for (const wasm::IndexType index_type : {wasm::IndexType::kI32, wasm::IndexType::kI64}) {
      for (const bool shared : {false, true}) {
        ModuleInfo info;
        MemoryType type;
        type.page_size_log2 = page_size_log2;
        type.index_type = index_type;
        type.shared = shared;
        const uint64_t most = page_size_log2 == 0 ? ~uint64_t{0} : uint64_t{1} << 48;
        type.limits = {most, most};
        if (index_type == wasm::IndexType::kI32) continue;
        info.memories.Push({type, MemoryPlan::For(type, engine_->tunables())});
        EXPECT_EQ(Instantiate(std::move(info)).status().code(),
                  absl::StatusCode::kResourceExhausted);
      }
    }
  }
  for (const ValType element : {ValType::FuncRef(), ValType::ExternRef()}) {
    ModuleInfo info;
    TableType type;
    type.element = element;
    type.index_type = wasm::IndexType::kI64;
    type.limits = {~uint64_t{0}, std::nullopt};
    info.tables.Push(type);
    info.table_inits.Push(ConstExpr());
    EXPECT_EQ(Instantiate(std::move(info)).status().code(), absl::StatusCode::kResourceExhausted);
  }
}

// A maximum costs nothing; not even one of a shared memory, which never moves.
TEST_F(InstanceTest, HugeMaximaAreFine) {
  for (const bool shared : {false, true}) {
    ModuleInfo info;
    MemoryType type;
    type.index_type = wasm::IndexType::kI64;
    type.shared = shared;
    type.limits = {1, uint64_t{1} << 48};
    info.memories.Push({type, MemoryPlan::For(type, engine_->tunables())});
    Instance* instance = Instantiate(std::move(info)).value();
    Memory& memory = instance->memory(MemoryIndex(0));
    EXPECT_EQ(memory.bytes(), 65536u);
    EXPECT_EQ(memory.Grow(uint64_t{1} << 47).status().code(), absl::StatusCode::kResourceExhausted);
    EXPECT_EQ(memory.Grow(1).value(), 1u);
    EXPECT_EQ(memory.CanMove(), !shared);
  }
}

TEST_F(InstanceTest, PagesOfOneByte) {
  ModuleInfo info;
  MemoryType type;
  type.page_size_log2 = 0;
  type.limits = {3, 70000};
  info.memories.Push({type, MemoryPlan::For(type, engine_->tunables())});
  AddData(info, SegmentMode::kActive, 1, "xy");
  const std::shared_ptr<const Module> module = MakeModule(info);
  Instance* instance = Instance::Create(*store_, module, {}).value();
  Memory& memory = instance->memory(MemoryIndex(0));
  EXPECT_EQ(memory.bytes(), 3u);
  EXPECT_EQ(memory.data()[2], 'y');
  EXPECT_FALSE(memory.InBounds(3, 1));
  EXPECT_EQ(memory.Grow(1).value(), 3u);
  EXPECT_EQ(memory.data()[3], 0);
  EXPECT_EQ(memory.Grow(70000 - 4).value(), 4u);
  EXPECT_FALSE(memory.Grow(1).ok());
  AddData(info, SegmentMode::kActive, 2, "xy");
  EXPECT_EQ(Instance::Create(*store_, MakeModule(std::move(info)), {}).status().message(),
            "out of bounds memory access");
}

// Offsets of 64 bits do not wrap.
TEST_F(InstanceTest, WideSegmentsAreBounded) {
  for (const uint64_t offset : {uint64_t{65536}, uint64_t{1} << 32, ~uint64_t{0}, ~uint64_t{1}}) {
    ModuleInfo info;
    MemoryType memory;
    memory.index_type = wasm::IndexType::kI64;
    memory.limits = {1, std::nullopt};
    info.memories.Push({memory, MemoryPlan::For(memory, engine_->tunables())});
    AddData(info, SegmentMode::kActive, 0, "ab");
    info.data_segments[DataIndex(0)].offset = ConstExpr({ConstOp::I64Const(offset)});
    EXPECT_EQ(Instantiate(std::move(info)).status().message(), "out of bounds memory access");

    ModuleInfo with_table;
    TableType table;
    table.index_type = wasm::IndexType::kI64;
    table.limits = {4, std::nullopt};
    with_table.tables.Push(table);
    with_table.table_inits.Push(ConstExpr());
    ElemSegment segment;
    segment.mode = SegmentMode::kActive;
    segment.table = TableIndex(0);
    segment.offset = ConstExpr({ConstOp::I64Const(offset)});
    segment.functions = {wasm::FuncIndex::None(), wasm::FuncIndex::None()};
    with_table.elem_segments.Push(segment);
    EXPECT_EQ(Instantiate(std::move(with_table)).status().message(), "out of bounds table access");
  }
}

// Index type, page size and sharing are parts of a memory's type.
TEST_F(InstanceTest, MemoriesMatchByEveryPart) {
  std::vector<MemoryType> types;
  for (const wasm::IndexType index_type : {wasm::IndexType::kI32, wasm::IndexType::kI64}) {
    for (const uint8_t page_size_log2 : {0, 16}) {
      for (const bool shared : {false, true}) {
        MemoryType type;
        type.index_type = index_type;
        type.page_size_log2 = page_size_log2;
        type.shared = shared;
        type.limits = {1, 2};
        types.push_back(type);
      }
    }
  }
  for (const MemoryType& found : types) {
    Memory* memory = store_->AddMemory(found).value();
    for (const MemoryType& expected : types) {
      ModuleInfo info;
      info.num_imported_memories = 1;
      info.memories.Push({expected, MemoryPlan::For(expected, engine_->tunables())});
      info.imports.push_back({"m", "memory", EntityRef::Memory(MemoryIndex(0))});
      const absl::Status status = Instantiate(std::move(info), {memory}).status();
      EXPECT_EQ(status.ok(), found == expected)
          << found.ToString() << " for " << expected.ToString() << ": " << status;
    }
  }
}

TEST_F(InstanceTest, TheHostsTypesAreHeld) {
  wasm::SubType structure;
  structure.composite = wasm::StructType{};
  RegisteredTypes held = *engine_->types().Register({structure});
  const ValType type = ValType::Ref(wasm::HeapType::Canonical(held.ids()[0]), true);
  EXPECT_TRUE(store_->HoldType(type).ok());
  EXPECT_TRUE(store_->HoldType(ValType::ExternRef()).ok());
  held = RegisteredTypes();
  EXPECT_EQ(engine_->types().KindOf(type.heap_type().canonical_id()),
            wasm::AbstractHeapType::kStruct);
  store_ = nullptr;
  store_ = Store::Create(engine_, {});
  EXPECT_EQ(store_->HoldType(type).code(), absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace gantry::runtime
