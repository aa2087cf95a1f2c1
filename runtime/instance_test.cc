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
  bool AllowInstance(uint64_t count) override { return count <= max_instances; }
  uint64_t max_bytes = ~uint64_t{0};
  uint64_t max_elements = ~uint64_t{0};
  uint64_t max_instances = ~uint64_t{0};
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

TEST_F(InstanceTest, FuelBeyondTheCounterWaitsInReserve) {
  Instance* instance = Instantiate(ModuleInfo()).value();
  VMStoreContext& context = *store_->context();
  store_->SetFuel(10);
  EXPECT_EQ(context.fuel_consumed, -10);
  context.fuel_consumed += 4;
  EXPECT_EQ(store_->fuel(), 6u);
  context.fuel_consumed += 6;
  EXPECT_EQ(store_->fuel(), 0u);
  EXPECT_NE(CallBuiltin<uint32_t>(instance, Builtin::kOutOfFuel), 0u);

  store_->SetFuel(~uint64_t{0});
  EXPECT_EQ(store_->fuel(), ~uint64_t{0});
  context.fuel_consumed = 5;  // all in hand used, and five more
  EXPECT_EQ(CallBuiltin<uint32_t>(instance, Builtin::kOutOfFuel), 0u);
  EXPECT_EQ(store_->fuel(), (uint64_t{1} << 63) - 5);
}

TEST_F(InstanceTest, EpochDeadlines) {
  EXPECT_EQ(store_->context()->epoch_deadline, ~uint64_t{0});
  engine_->IncrementEpoch();
  store_->SetEpochDeadline(2);
  EXPECT_EQ(store_->context()->epoch_deadline, 3u);
  EXPECT_EQ(store_->context()->epoch_counter->load(), 1u);
  store_->SetEpochDeadline(~uint64_t{0});
  EXPECT_EQ(store_->context()->epoch_deadline, ~uint64_t{0});
}

TEST_F(InstanceTest, HostFunctionsNeedTrampolines) {
  EXPECT_EQ(store_->AddHostFunction(wasm::FuncType(), nullptr).status().code(),
            absl::StatusCode::kNotFound);
}

}  // namespace
}  // namespace gantry::runtime
