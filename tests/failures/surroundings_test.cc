// The n-th request to the host fails while guests use what is around them: files through WASI,
// memories that several stores share; and through the interface for C. As failures_test.cc
// otherwise.
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "api/c/gantry.h"
#include "api/c/wasm.h"
#include "api/engine.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/typed_func.h"
#include "base/testing/failures.h"
#include "gtest/gtest.h"
#include "tests/failures/each_failure.h"
#include "wasi/context.h"
#include "wasi/link.h"

namespace gantry::testing {
namespace {

// ---- Files of a guest.

// Each call's error number is returned, where it is one.
constexpr char kFileGuest[] = R"((module
  (import "wasi_snapshot_preview1" "path_open"
    (func $open (param i32 i32 i32 i32 i32 i64 i64 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_pread" (func $pread (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_filestat_get" (func $stat (param i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_readdir" (func $list (param i32 i32 i32 i64 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_close" (func $close (param i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_create_directory" (func $mkdir (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_rename"
    (func $rename (param i32 i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_filestat_get"
    (func $path_stat (param i32 i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_unlink_file" (func $unlink (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "path_remove_directory" (func $rmdir (param i32 i32 i32) (result i32)))
  (memory (export "memory") 1)
  (data (i32.const 8) "\40\00\00\00\05\00\00\00")
  (data (i32.const 64) "hello")
  (data (i32.const 128) "sub") (data (i32.const 144) "sub/a") (data (i32.const 160) "sub/b")
  (func (export "run") (result i32) (local $e i32)
    (if (local.tee $e (call $mkdir (i32.const 3) (i32.const 128) (i32.const 3)))
      (then (return (local.get $e))))
    (if (local.tee $e (call $open (i32.const 3) (i32.const 0) (i32.const 144) (i32.const 5)
        (i32.const 9) (i64.const 2097254) (i64.const 0) (i32.const 0) (i32.const 0)))
      (then (return (local.get $e))))
    (if (local.tee $e (call $write (i32.load (i32.const 0)) (i32.const 8) (i32.const 1) (i32.const 16)))
      (then (return (local.get $e))))
    (i32.store (i32.const 8) (i32.const 80))
    (if (local.tee $e (call $pread (i32.load (i32.const 0)) (i32.const 8) (i32.const 1) (i64.const 1)
        (i32.const 16)))
      (then (return (local.get $e))))
    (i32.store (i32.const 8) (i32.const 64))
    (if (i32.ne (i32.load (i32.const 80)) (i32.const 0x6F6C6C65)) (then (unreachable)))
    (if (local.tee $e (call $stat (i32.load (i32.const 0)) (i32.const 256)))
      (then (return (local.get $e))))
    (if (i64.ne (i64.load (i32.const 288)) (i64.const 5)) (then (unreachable)))
    (if (local.tee $e (call $close (i32.load (i32.const 0)))) (then (return (local.get $e))))
    (if (local.tee $e (call $rename (i32.const 3) (i32.const 144) (i32.const 5)
        (i32.const 3) (i32.const 160) (i32.const 5)))
      (then (return (local.get $e))))
    (if (local.tee $e (call $path_stat (i32.const 3) (i32.const 0) (i32.const 160) (i32.const 5)
        (i32.const 256)))
      (then (return (local.get $e))))
    (if (local.tee $e (call $list (i32.const 3) (i32.const 512) (i32.const 512) (i64.const 0)
        (i32.const 16)))
      (then (return (local.get $e))))
    (if (local.tee $e (call $unlink (i32.const 3) (i32.const 160) (i32.const 5)))
      (then (return (local.get $e))))
    (call $rmdir (i32.const 3) (i32.const 128) (i32.const 3))))
)";

class WasiFailuresTest : public EachFailure {
 protected:
  WasiFailuresTest()
      : engine_(*Engine::Create(Config().CompilationThreads(1))),
        module_(*Module::CompileText(engine_, kFileGuest)),
        folder_(::testing::TempDir() + "/guest") {}
  ~WasiFailuresTest() override { std::filesystem::remove_all(folder_); }

  absl::Status Cycle() override {
    std::optional<wasi::ContextBuilder> builder;
    {
      PauseFailures pause;
      std::filesystem::remove_all(folder_);
      std::filesystem::create_directory(folder_);
      builder.emplace();
      builder->PreopenDirectory(folder_, ".");
    }
    absl::StatusOr<std::unique_ptr<wasi::Context>> context = builder->Build();
    // What the host says of the folder is told as it is.
    if (!context.ok()) return Refused();
    absl::StatusOr<Linker> linker = Linker::Create(engine_);
    if (!linker.ok()) return linker.status();
    absl::Status status =
        wasi::AddToLinker(*linker, [&context](Caller&) -> wasi::Context& { return **context; });
    if (!status.ok()) return status;
    const absl::StatusOr<std::unique_ptr<Store>> store = Store::Create(engine_);
    if (!store.ok()) return store.status();
    const absl::StatusOr<Instance> instance = linker->Instantiate(**store, module_);
    if (!instance.ok()) return instance.status();
    const auto run = instance->GetTypedFunc<int32_t()>(**store, "run");
    if (!run.ok()) return run.status();
    const absl::StatusOr<int32_t> error = run->Call(**store);
    if (!error.ok()) return error.status();
    return *error == 0 ? absl::OkStatus() : Refused();
  }

  const Engine engine_;
  const Module module_;
  const std::string folder_;
};

TEST_F(WasiFailuresTest, EveryMapping) { TryAll(kMappings, 1, 1, kNoEnd); }
TEST_F(WasiFailuresTest, EveryFileOperation) {
  TryAll(kFiles, 1, 1, kNoEnd);
  EXPECT_GT(CountRequests(kFiles), 15u);
}
TEST_F(WasiFailuresTest, Allocations) { TryAll(kAllocations, 1, All() ? 1 : 3, kNoEnd); }

// ---- Memories that several stores share.

constexpr char kSharing[] = R"((module
  (import "env" "memory" (memory 1 40 shared))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "wake") (result i32)
    (drop (memory.atomic.wait32 (i32.const 0) (i32.const 0) (i64.const 1000)))
    (memory.atomic.notify (i32.const 0) (i32.const 1)))
  (func (export "store") (param i32) (i32.atomic.store (local.get 0) (i32.const 7)))))";

// The memory's reservation is large, or so small that its bytes are backed as it grows.
class SharedMemoryFailuresTest : public EachFailure,
                                 public ::testing::WithParamInterface<uint64_t> {
 protected:
  SharedMemoryFailuresTest() {
    Config config;
    config.CompilationThreads(1).WasmFeature(wasm::Feature::kThreads, true);
    config.MemoryReservation(GetParam()).MemoryGuardSize(1 << 16);
    engine_.emplace(*Engine::Create(config));
    module_.emplace(*Module::CompileText(*engine_, kSharing));
  }

  absl::Status Cycle() override {
    MemoryType type;
    type.shared = true;
    type.limits = {1, 40};
    const absl::StatusOr<SharedMemory> memory = SharedMemory::Create(*engine_, type);
    if (!memory.ok()) return memory.status();
    uint64_t pages = 1;
    for (int i = 0; i < 2; ++i) {
      if (absl::Status status = UseStore(*memory, &pages); !status.ok()) return status;
    }
    const absl::StatusOr<uint64_t> before = memory->Grow(3);
    if (!before.ok()) return before.status();
    EXPECT_EQ(*before, pages);
    return absl::OkStatus();
  }

  absl::Status UseStore(const SharedMemory& memory, uint64_t* pages) {
    const absl::StatusOr<std::unique_ptr<Store>> store = Store::Create(*engine_);
    if (!store.ok()) return store.status();
    const absl::StatusOr<Instance> instance = Instance::Create(**store, *module_, {memory});
    if (!instance.ok()) return instance.status();
    const auto grow = instance->GetTypedFunc<int32_t(int32_t)>(**store, "grow");
    if (!grow.ok()) return grow.status();
    const absl::StatusOr<int32_t> before = grow->Call(**store, 15);
    if (!before.ok()) return before.status();
    if (*before == -1) return Refused();
    EXPECT_EQ(static_cast<uint64_t>(*before), *pages);
    *pages += 15;
    const auto put = instance->GetTypedFunc<void(int32_t)>(**store, "store");
    if (!put.ok()) return put.status();
    absl::Status status = put->Call(**store, static_cast<int32_t>((*pages << 16) - 4));
    if (!status.ok()) return status;
    const auto wake = instance->GetTypedFunc<int32_t()>(**store, "wake");
    if (!wake.ok()) return wake.status();
    return wake->Call(**store).status();
  }

  std::optional<Engine> engine_;
  std::optional<Module> module_;
};

TEST_P(SharedMemoryFailuresTest, EveryMapping) { TryAll(kMappings, 1, 1, kNoEnd); }
TEST_P(SharedMemoryFailuresTest, Allocations) { TryAll(kAllocations, 1, 1, kNoEnd); }

INSTANTIATE_TEST_SUITE_P(Reservations, SharedMemoryFailuresTest,
                         ::testing::Values(uint64_t{1} << 16, uint64_t{16} << 20));

// ---- The interface for C.

constexpr char kGuest[] = R"((module
  (import "env" "triple" (func $triple (param i32) (result i32)))
  (memory (export "memory") 1 8)
  (global (export "count") (mut i64) (i64.const 5))
  (table (export "table") 2 10 externref)
  (func $call (export "call") (param i32) (result i32) (call $triple (local.get 0)))
  (func (export "trap") (param i32) (result i32)
    (i32.div_u (call $call (i32.const 1)) (local.get 0)))))";

wasm_trap_t* Triple(void*, const wasm_val_vec_t* args, wasm_val_vec_t* results) {
  results->data[0].of.i32 = 3 * args->data[0].of.i32;
  return nullptr;
}

template <typename T, void (*kDelete)(T*)>
struct Deleter {
  void operator()(T* object) const { kDelete(object); }
};
template <typename T, void (*kDelete)(T*)>
using Owned = std::unique_ptr<T, Deleter<T, kDelete>>;

class CFailuresTest : public EachFailure {
 protected:
  // What could not be had: a function that fails has said why.
  static absl::Status Lacking() {
    EXPECT_STRNE(gantry_last_error(), "");
    return Refused();
  }

  absl::Status Cycle() override {
    wasm_config_t* const config = wasm_config_new();
    if (config == nullptr) return Lacking();
    gantry_config_compilation_threads(config, 1);
    gantry_config_memory_reservation(config, 1 << 16);
    const Owned<wasm_engine_t, wasm_engine_delete> engine(wasm_engine_new_with_config(config));
    if (engine == nullptr) return Lacking();
    const Owned<wasm_store_t, wasm_store_delete> store(wasm_store_new(engine.get()));
    if (store == nullptr) return Lacking();
    const Owned<wasm_module_t, wasm_module_delete> compiled(
        gantry_module_new_text(store.get(), kGuest, sizeof(kGuest) - 1));
    if (compiled == nullptr) return Lacking();
    wasm_byte_vec_t artifact = {0, nullptr};
    wasm_module_serialize(compiled.get(), &artifact);
    if (artifact.data == nullptr) return Lacking();
    const std::string path = Write(artifact);
    const Owned<wasm_module_t, wasm_module_delete> mapped(
        gantry_module_deserialize_file(store.get(), path.c_str()));
    const Owned<wasm_module_t, wasm_module_delete> module(
        wasm_module_deserialize(store.get(), &artifact));
    wasm_byte_vec_delete(&artifact);
    if (mapped == nullptr || module == nullptr) return Lacking();
    const Owned<gantry_linker_t, gantry_linker_delete> linker(gantry_linker_new(engine.get()));
    if (linker == nullptr) return Lacking();
    if (absl::Status status = Define(linker.get()); !status.ok()) return status;
    wasm_trap_t* trap = nullptr;
    const Owned<wasm_instance_t, wasm_instance_delete> instance(
        gantry_linker_instantiate(linker.get(), store.get(), module.get(), &trap));
    if (instance == nullptr) {
      wasm_trap_delete(trap);
      return Lacking();
    }
    for (const absl::Status& step :
         {Call(instance.get(), false), Call(instance.get(), true), Trap(instance.get()),
          GrowMemory(instance.get()), MakeForeign(store.get())}) {
      if (!step.ok()) return step;
    }
    return absl::OkStatus();
  }

  static std::string Write(const wasm_byte_vec_t& artifact) {
    PauseFailures pause;
    std::string path = ::testing::TempDir() + "/surroundings_test.cwasm";
    std::ofstream(path, std::ios::binary)
        .write(artifact.data, static_cast<std::streamsize>(artifact.size));
    return path;
  }

  static absl::Status Define(gantry_linker_t* linker) {
    wasm_valtype_t* const param = wasm_valtype_new(WASM_I32);
    wasm_valtype_t* const result = wasm_valtype_new(WASM_I32);
    if (param == nullptr || result == nullptr) {
      wasm_valtype_delete(param);
      wasm_valtype_delete(result);
      return Lacking();
    }
    const Owned<wasm_functype_t, wasm_functype_delete> type(wasm_functype_new_1_1(param, result));
    if (type == nullptr) return Lacking();
    const bool defined =
        gantry_linker_define_func(linker, "env", "triple", type.get(), Triple, nullptr, nullptr);
    return defined ? absl::OkStatus() : Lacking();
  }

  using OwnedExtern = Owned<wasm_extern_t, wasm_extern_delete>;
  static absl::Status Call(const wasm_instance_t* instance, bool async) {
    const OwnedExtern found(gantry_instance_export(instance, "call"));
    if (found == nullptr) return Lacking();
    const wasm_func_t* const func = wasm_extern_as_func(found.get());
    gantry_val_t argument = {}, result = {};
    argument.kind = WASM_I32;
    argument.of.i32 = 14;
    wasm_trap_t* trap;
    if (async) {
      const Owned<gantry_call_t, gantry_call_delete> call(
          gantry_func_call_async(func, &argument, 1));
      if (call == nullptr) return Lacking();
      EXPECT_TRUE(gantry_call_resume(call.get()));
      trap = gantry_call_result(call.get(), &result, 1);
    } else {
      trap = gantry_func_call(func, &argument, 1, &result, 1);
    }
    if (trap != nullptr) {
      wasm_trap_delete(trap);
      return Lacking();
    }
    EXPECT_EQ(result.of.i32, 42);
    return absl::OkStatus();
  }

  static absl::Status Trap(const wasm_instance_t* instance) {
    const OwnedExtern found(gantry_instance_export(instance, "trap"));
    if (found == nullptr) return Lacking();
    gantry_val_t argument = {}, result = {};
    argument.kind = WASM_I32;
    const Owned<wasm_trap_t, wasm_trap_delete> trap(
        gantry_func_call(wasm_extern_as_func(found.get()), &argument, 1, &result, 1));
    EXPECT_NE(trap, nullptr);
    wasm_message_t message = {0, nullptr};
    wasm_trap_message(trap.get(), &message);
    if (message.data == nullptr) return Lacking();
    const bool divided =
        absl::string_view(message.data, message.size).find("divide") != absl::string_view::npos;
    wasm_byte_vec_delete(&message);
    if (!divided) return Lacking();
    wasm_frame_vec_t frames = {0, nullptr};
    wasm_trap_trace(trap.get(), &frames);
    const bool traced = frames.data != nullptr;
    wasm_frame_vec_delete(&frames);
    return traced ? absl::OkStatus() : Lacking();
  }

  static absl::Status GrowMemory(const wasm_instance_t* instance) {
    const OwnedExtern found(gantry_instance_export(instance, "memory"));
    if (found == nullptr) return Lacking();
    wasm_memory_t* const memory = wasm_extern_as_memory(found.get());
    if (!wasm_memory_grow(memory, 3)) return Lacking();
    EXPECT_EQ(wasm_memory_size(memory), 4u);
    return absl::OkStatus();
  }

  static absl::Status MakeForeign(wasm_store_t* store) {
    const Owned<wasm_foreign_t, wasm_foreign_delete> foreign(wasm_foreign_new(store));
    if (foreign == nullptr) return Lacking();
    const Owned<wasm_foreign_t, wasm_foreign_delete> copy(wasm_foreign_copy(foreign.get()));
    return copy != nullptr ? absl::OkStatus() : Lacking();
  }
};

TEST_F(CFailuresTest, EveryMapping) { TryAll(kMappings, 1, 1, kNoEnd); }
TEST_F(CFailuresTest, EveryFileOperation) { TryAll(kFiles, 1, 1, kNoEnd); }
TEST_F(CFailuresTest, TheFirstAllocations) { TryAll(kAllocations, 1, All() ? 1 : 13, 2000); }
TEST_F(CFailuresTest, SamplesOfAllAllocations) { TrySamples(kAllocations, All() ? 2000 : 200); }

}  // namespace
}  // namespace gantry::testing
