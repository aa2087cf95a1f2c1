// Line 7 of what the embedding API promises: the n-th request to the host fails, anywhere between
// making an engine and dropping a store; it comes out as kResourceExhausted (or as a refusal that
// the guest sees), nothing is leaked, and the same engine works afterwards.
//
// A slice of the allocations is tried unless GANTRY_ALL_FAILURES is set: every one of the first
// 2,000 then, and 2,000 samples of the rest.
#include "base/testing/failures.h"

#include <any>
#include <cstdio>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "api/async.h"
#include "api/engine.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/typed_func.h"
#include "api/val.h"
#include "gtest/gtest.h"
#include "tests/failures/each_failure.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry::testing {
namespace {

constexpr char kGuest[] = R"((module $guest
  (type $pair (func (param i32 i64) (result i64 i32)))
  (import "env" "add" (func $add (param i32 i32) (result i32)))
  (import "env" "keep" (func $keep (param externref) (result externref)))
  (memory (export "memory") 1 8)
  (memory $second (export "second") 1)
  (table (export "table") 4 20 externref)
  (table $functions 8 funcref)
  (global $count (export "count") (mut i64) (i64.const 5))
  (elem (table $functions) (i32.const 1) func $fib $swap)
  (elem declare func $trap)
  (data (i32.const 100) "some bytes")
  (start $start)
  (func $start (global.set $count (i64.const 6)))
  (func $fib (export "fib") (param i32) (result i32)
    (if (result i32) (i32.lt_u (local.get 0) (i32.const 2))
      (then (local.get 0))
      (else (call $add (call $fib (i32.sub (local.get 0) (i32.const 1)))
                       (call $fib (i32.sub (local.get 0) (i32.const 2)))))))
  (func $swap (type $pair) (local.get 1) (local.get 0))
  (func (export "swap") (param i32 i64) (result i64 i32)
    (call_indirect $functions (type $pair) (local.get 0) (local.get 1) (i32.const 2)))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "grow_second") (param i32) (result i32) (memory.grow $second (local.get 0)))
  (func (export "grow_table") (param i32) (result i32)
    (table.grow 0 (ref.null extern) (local.get 0)))
  (func (export "keep") (param externref) (result externref)
    (table.set 0 (i32.const 0) (call $keep (local.get 0)))
    (table.get 0 (i32.const 0)))
  (func $trap (export "trap") (drop (i32.div_u (i32.const 1) (global.get $zero))))
  (global $zero (mut i32) (i32.const 0))
  (func $deep (export "deep") (param i32)
    (if (i32.eqz (local.get 0)) (then (call $trap)))
    (call $deep (i32.sub (local.get 0) (i32.const 1))))
  (func (export "switch") (param i32) (result i32)
    (block (block (block (block (br_table 0 1 2 3 (local.get 0)))
      (return (i32.const 10))) (return (i32.const 20))) (return (i32.const 30)))
    (f64.const 1.5) (i32.trunc_sat_f64_s))))";

// How the cycle's instances are made and called.
struct Mode {
  const char* name;
  bool pool = false;
  bool async = false;
};

class FailuresTest : public EachFailure, public ::testing::WithParamInterface<Mode> {
 protected:
  FailuresTest() {
    const wasm::text::SourceText source("guest", kGuest);
    absl::StatusOr<wasm::text::TextModule> text = wasm::text::ParseText(source);
    EXPECT_TRUE(text.ok()) << text.status();
    wasm_ = text->bytes;
    // One thread, so that the n-th request is always the same one. Memories that move are grown by
    // what may fail most.
    config_.CompilationThreads(1).MemoryReservation(1 << 20).MemoryGuardSize(1 << 16);
    if (GetParam().pool) {
      PoolingOptions options;
      options.total_instances = 4;
      options.total_memories = 8;
      options.total_tables = 8;
      options.max_table_elements = 100;
      options.max_memory_size = 4 << 20;
      options.max_warm_slots = 2;
      config_.PoolingAllocation(options);
    }
    engine_.emplace(*Engine::Create(config_));
    const Module module = *Module::Compile(*engine_, wasm_);
    artifact_ = *module.Serialize();
    // Bazel gives each test a folder of its own.
    path_ = ::testing::TempDir() + "/failures_test.cwasm";
    std::ofstream(path_, std::ios::binary)
        .write(reinterpret_cast<const char*>(artifact_.data()),
               static_cast<std::streamsize>(artifact_.size()));
  }
  ~FailuresTest() override { std::remove(path_.c_str()); }

  absl::Status Cycle() override {
    const absl::StatusOr<Engine> second = Engine::Create(config_);
    if (!second.ok()) return second.status();
    const absl::StatusOr<Module> compiled = Module::Compile(*engine_, wasm_);
    if (!compiled.ok()) return compiled.status();
    if (absl::Status valid = Module::Validate(*engine_, wasm_); !valid.ok()) return valid;
    const auto serialized = compiled->Serialize();
    if (!serialized.ok()) return serialized.status();
    // What was short changes no code: nothing is compiled in another way for it.
    EXPECT_TRUE(*serialized == artifact_);
    const absl::StatusOr<Module> loaded = Module::Deserialize(*engine_, *serialized);
    if (!loaded.ok()) return loaded.status();
    const absl::StatusOr<Module> mapped = Module::DeserializeFile(*engine_, path_);
    if (!mapped.ok()) return mapped.status();
    for (const Module* module : {&*compiled, &*loaded, &*mapped}) {
      if (absl::Status status = Run(*module); !status.ok()) return status;
    }
    return absl::OkStatus();
  }

  absl::Status Run(const Module& module) {
    absl::StatusOr<Linker> linker = Linker::Create(*engine_);
    if (!linker.ok()) return linker.status();
    absl::Status status = linker->Func(
        "env", "add", [](Caller& caller, int32_t a, int32_t b) -> absl::StatusOr<int32_t> {
          if (absl::Status yielded = Yield(caller.store()); !yielded.ok()) return yielded;
          return a + b;
        });
    if (!status.ok()) return status;
    status = linker->Func("env", "keep", [](std::optional<ExternRef> kept) { return kept; });
    if (!status.ok()) return status;
    const absl::StatusOr<std::unique_ptr<Store>> made = Store::Create(*engine_);
    if (!made.ok()) return made.status();
    Store& store = **made;
    if (!GetParam().async) return Use(store, *linker, module);
    if (absl::Status status = UseAsync(store, *linker, module); !status.ok()) return status;
    // Everything on one stack, which is left now and then.
    auto run = RunAsync(store, [&] { return Use(store, *linker, module); });
    while (run.Resume() != CallState::kDone) {
    }
    return run.TakeResult();
  }

  absl::Status Use(Store& store, const Linker& linker, const Module& module) {
    const absl::StatusOr<Instance> instance = linker.Instantiate(store, module);
    if (!instance.ok()) return instance.status();
    for (const absl::Status& step : {CallAll(store, *instance), GrowAll(store, *instance),
                                     MakeAll(store), Trap(store, *instance)}) {
      if (!step.ok()) return step;
    }
    return absl::OkStatus();
  }

  // Calls that are awaited, and one that is dropped where it waits.
  absl::Status UseAsync(Store& store, const Linker& linker, const Module& module) {
    auto instantiation = linker.InstantiateAsync(store, module);
    while (instantiation.Resume() != CallState::kDone) {
    }
    const absl::StatusOr<Instance> instance = instantiation.TakeResult();
    if (!instance.ok()) return instance.status();
    const auto fib = instance->GetTypedFunc<int32_t(int32_t)>(store, "fib");
    if (!fib.ok()) return fib.status();
    auto call = fib->CallAsync(store, 6);
    while (call.Resume() != CallState::kDone) {
    }
    const absl::StatusOr<int32_t> number = call.TakeResult();
    if (!number.ok()) return number.status();
    EXPECT_EQ(*number, 8);
    auto dropped = fib->CallAsync(store, 6);
    dropped.Resume();
    dropped.Cancel();
    return absl::OkStatus();
  }

  absl::Status CallAll(Store& store, const Instance& instance) {
    const auto fib = instance.GetTypedFunc<int32_t(int32_t)>(store, "fib");
    if (!fib.ok()) return fib.status();
    const absl::StatusOr<int32_t> number = fib->Call(store, 6);
    if (!number.ok()) return number.status();
    EXPECT_EQ(*number, 8);
    const auto swap = instance.GetFunc(store, "swap");
    if (!swap.ok()) return swap.status();
    const auto swapped = swap->Call(store, {Val::I32(1), Val::I64(2)});
    if (!swapped.ok()) return swapped.status();
    EXPECT_EQ((*swapped)[0].i64(), 2);
    std::any value;
    {
      PauseFailures pause;
      value = std::string("a value of the host that is not small");
    }
    const absl::StatusOr<ExternRef> reference = ExternRef::Create(store, std::move(value));
    if (!reference.ok()) return reference.status();
    const auto keep =
        instance.GetTypedFunc<std::optional<ExternRef>(std::optional<ExternRef>)>(store, "keep");
    if (!keep.ok()) return keep.status();
    return keep->Call(store, *reference).status();
  }

  absl::Status GrowAll(Store& store, const Instance& instance) {
    // Within the reservation, and past it by moving.
    struct Growth {
      const char* name;
      int32_t by;
      int32_t before;
    };
    constexpr Growth kGrowths[] = {
        {"grow", 2, 1}, {"grow_second", 3, 1}, {"grow_second", 40, 4}, {"grow_table", 10, 4}};
    for (const Growth& growth : kGrowths) {
      const auto grow = instance.GetTypedFunc<int32_t(int32_t)>(store, growth.name);
      if (!grow.ok()) return grow.status();
      const absl::StatusOr<int32_t> before = grow->Call(store, growth.by);
      if (!before.ok()) return before.status();
      if (*before == -1) return Refused();
      EXPECT_EQ(*before, growth.before) << growth.name;
    }
    const auto memory = instance.GetMemory(store, "memory");
    if (!memory.ok()) return memory.status();
    const auto data = memory->data(store);
    EXPECT_TRUE(!data.ok() || (*data)[100] == 's');
    const auto grown = memory->Grow(store, 1);
    if (!grown.ok()) return grown.status();
    const auto table = instance.GetTable(store, "table");
    if (!table.ok()) return table.status();
    return table->Grow(store, 1, Val::ExternRef(std::nullopt)).status();
  }

  absl::Status MakeAll(Store& store) {
    MemoryType memory;
    memory.limits = {1, 3};
    if (const auto made = Memory::Create(store, memory); !made.ok()) return made.status();
    memory.shared = true;
    if (const auto made = SharedMemory::Create(*engine_, memory); !made.ok()) return made.status();
    TableType table;
    table.limits.min = 3;
    if (const auto made = Table::Create(store, table, Val::FuncRef(std::nullopt)); !made.ok()) {
      return made.status();
    }
    GlobalType global;
    global.content = ValType::I64();
    if (const auto made = Global::Create(store, global, Val::I64(1)); !made.ok()) {
      return made.status();
    }
    const auto func = Func::Wrap(store, [](double x, float y) { return x + y; });
    if (!func.ok()) return func.status();
    return func->Call(store, {Val::F64(1), Val::F32(2)}).status();
  }

  absl::Status Trap(Store& store, const Instance& instance) {
    const auto deep = instance.GetTypedFunc<void(int32_t)>(store, "deep");
    if (!deep.ok()) return deep.status();
    const absl::Status trapped = deep->Call(store, 10);
    EXPECT_FALSE(trapped.ok());
    return trapped.code() == absl::StatusCode::kAborted ? absl::OkStatus() : trapped;
  }

  Config config_;
  std::optional<Engine> engine_;
  std::vector<uint8_t> wasm_;
  std::vector<uint8_t> artifact_;
  std::string path_;
};

TEST_P(FailuresTest, Nothing) { ExpectCyclesKeepNothing(100); }

TEST_P(FailuresTest, EveryMapping) {
  TryAll(kMappings, 1, 1, kNoEnd);
  EXPECT_GT(CountRequests(kMappings), 30u);
}

TEST_P(FailuresTest, EveryFileOperation) {
  TryAll(kFiles, 1, 1, kNoEnd);
  EXPECT_GE(CountRequests(kFiles), 2u);
}

TEST_P(FailuresTest, TheFirstAllocations) { TryAll(kAllocations, 1, All() ? 1 : 17, 2000); }

TEST_P(FailuresTest, SamplesOfAllAllocations) {
  ASSERT_GT(CountRequests(kAllocations), 2000u);
  TrySamples(kAllocations, All() ? 2000 : 200);
}

INSTANTIATE_TEST_SUITE_P(Modes, FailuresTest,
                         ::testing::Values(Mode{"on_demand"}, Mode{"pool", true},
                                           Mode{"async", false, true},
                                           Mode{"pool_async", true, true}),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace gantry::testing
