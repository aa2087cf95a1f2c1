// Shared memories through the embedding API: one memory in several stores, its limits, atomic
// accesses, waiting and notifying, of guests and of the host.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "api/engine.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/testing/test_flags.h"
#include "api/trap.h"
#include "api/val.h"
#include "base/check.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using WaitResult = SharedMemory::WaitResult;

constexpr absl::StatusCode kInvalid = absl::StatusCode::kInvalidArgument;

std::vector<uint8_t> Assemble(const std::string& text) {
  const auto module = wasm::text::ParseText(wasm::text::SourceText("test", text));
  CHECK(module.ok()) << module.status();
  return module->bytes;
}

MemoryType SharedType(uint64_t min, uint64_t max) {
  MemoryType type;
  type.limits = {min, max};
  type.shared = true;
  return type;
}

class SharedMemoryTest : public ::testing::Test {
 protected:
  SharedMemoryTest() : engine_(*Engine::Create(TestConfig())), store_(engine_) {}

  static Config TestConfig() {
    Config config;
    AddTestCompilerFlags(config);
    config.WasmFeature(wasm::Feature::kThreads, true);
    return config;
  }
  Module Compile(const std::string& text) {
    absl::StatusOr<Module> module = Module::Compile(engine_, Assemble(text));
    CHECK(module.ok()) << module.status();
    return *std::move(module);
  }
  static Instance Instantiate(Store& store, const Module& module, std::vector<Extern> imports) {
    absl::StatusOr<Instance> instance = Instance::Create(store, module, imports);
    CHECK(instance.ok()) << instance.status();
    return *std::move(instance);
  }
  static absl::StatusOr<std::vector<Val>> Call(Store& store, const Instance& instance,
                                               const char* name, std::vector<Val> arguments = {}) {
    return instance.GetFunc(store, name)->Call(store, arguments);
  }
  static int32_t CallI32(Store& store, const Instance& instance, const char* name,
                         std::vector<Val> arguments = {}) {
    const auto results = Call(store, instance, name, std::move(arguments));
    EXPECT_TRUE(results.ok()) << name << ": " << results.status();
    return results.ok() ? (*results)[0].i32() : -999;
  }
  SharedMemory Make(uint64_t min, uint64_t max) {
    return *SharedMemory::Create(engine_, SharedType(min, max));
  }

  Engine engine_;
  Store store_;
};

constexpr char kUser[] = R"((module
  (memory (import "a" "m") 1 5 shared)
  (func (export "load") (param i32) (result i32) (i32.load (local.get 0)))
  (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
  (func (export "size") (result i32) (memory.size))
  (func (export "grow") (param i32) (result i32) (memory.grow (local.get 0)))
  (func (export "fill") (param i32 i32 i32)
    (memory.fill (local.get 0) (local.get 1) (local.get 2)))
  (func (export "copy") (param i32 i32 i32)
    (memory.copy (local.get 0) (local.get 1) (local.get 2)))
  (func (export "wait32") (param i32 i32 i64) (result i32)
    (memory.atomic.wait32 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "wait64") (param i32 i64 i64) (result i32)
    (memory.atomic.wait64 offset=8 (local.get 0) (local.get 1) (local.get 2)))
  (func (export "notify") (param i32 i32) (result i32)
    (memory.atomic.notify offset=4 (local.get 0) (local.get 1)))))";

TEST_F(SharedMemoryTest, TypesAreChecked) {
  const auto create = [&](MemoryType type) {
    return SharedMemory::Create(engine_, type).status().code();
  };
  EXPECT_EQ(create(SharedType(1, 2)), absl::StatusCode::kOk);
  EXPECT_EQ(create(SharedType(0, 0)), absl::StatusCode::kOk);
  EXPECT_EQ(create(SharedType(2, 1)), kInvalid);
  EXPECT_EQ(create(SharedType(1, 65537)), kInvalid);
  MemoryType type = SharedType(1, 1);
  type.limits.max = std::nullopt;
  EXPECT_THAT(std::string(SharedMemory::Create(engine_, type).status().message()),
              StartsWith("shared memory must have maximum"));
  type = SharedType(1, 1);
  type.shared = false;
  EXPECT_EQ(create(type), kInvalid);
  EXPECT_EQ(Memory::Create(store_, SharedType(1, 2)).status().code(), kInvalid);
}

// One memory in two stores, defined by a module of the first; it outlives that store.
TEST_F(SharedMemoryTest, IsOneForSeveralStores) {
  const Module definer = Compile(R"((module
    (memory (export "m") 1 5 shared)
    (data (i32.const 16) "\2a")
    (func (export "store") (param i32 i32) (i32.store (local.get 0) (local.get 1)))
    (func (export "size") (result i32) (memory.size))
    (func (export "grow") (result i32) (memory.grow (i32.const 1)))))");
  const Module user = Compile(kUser);
  std::optional<Store> first(std::in_place, engine_);
  const Instance a = Instantiate(*first, definer, {});
  const SharedMemory memory = *a.GetSharedMemory(*first, "m");
  EXPECT_THAT(std::string(a.GetMemory(*first, "m").status().message()), HasSubstr("shared"));
  const Instance b = Instantiate(store_, user, {memory});
  ASSERT_TRUE(Call(*first, a, "store", {Val::I32(8), Val::I32(77)}).ok());
  EXPECT_EQ(CallI32(store_, b, "load", {Val::I32(8)}), 77);
  EXPECT_EQ(CallI32(store_, b, "load", {Val::I32(16)}), 42);
  EXPECT_EQ(Call(store_, b, "load", {Val::I32(65536)}).status().message(),
            "out of bounds memory access");
  EXPECT_EQ(CallI32(*first, a, "grow"), 1);
  EXPECT_EQ(CallI32(store_, b, "size"), 2);
  EXPECT_EQ(CallI32(store_, b, "load", {Val::I32(65536)}), 0);
  EXPECT_EQ(CallI32(store_, b, "grow", {Val::I32(2)}), 2);
  EXPECT_EQ(CallI32(*first, a, "size"), 4);
  EXPECT_EQ(memory.size(), 4u);
  EXPECT_EQ(memory.type().limits.min, 4u);
  EXPECT_EQ(memory.Grow(2).status().code(), absl::StatusCode::kResourceExhausted);
  EXPECT_EQ(*memory.Grow(1), 4u);
  EXPECT_EQ(CallI32(*first, a, "grow"), -1);
  first.reset();
  EXPECT_EQ(CallI32(store_, b, "load", {Val::I32(8)}), 77);

  // Twice in one store it is the same, and so is what an instance exports again.
  const Module exporter =
      Compile(R"((module (memory (import "a" "m") 1 5 shared) (export "m" (memory 0))))");
  const Instance c = Instantiate(store_, exporter, {memory});
  EXPECT_EQ(*c.GetSharedMemory(store_, "m"), memory);
  EXPECT_FALSE(Make(1, 5) == memory);
}

TEST_F(SharedMemoryTest, ImportsMatch) {
  const Module user = Compile(kUser);
  const Module plain_user = Compile(R"((module (memory (import "a" "m") 1 5)))");
  const auto link = [&](const Module& module, Extern import) {
    return std::string(Instance::Create(store_, module, {import}).status().message());
  };
  const SharedMemory shared = Make(1, 5);
  MemoryType type;
  type.limits = {1, 5};
  const Memory plain = *Memory::Create(store_, type);
  EXPECT_EQ(link(user, shared), "");
  EXPECT_EQ(link(plain_user, plain), "");
  EXPECT_THAT(link(user, plain), StartsWith("incompatible import type"));
  EXPECT_THAT(link(plain_user, shared), StartsWith("incompatible import type"));
  EXPECT_THAT(link(user, Make(1, 6)), StartsWith("incompatible import type"));
  EXPECT_THAT(link(user, Make(0, 5)), StartsWith("incompatible import type"));
  EXPECT_EQ(link(user, Make(2, 3)), "");

  const Engine other = *Engine::Create(TestConfig());
  Store elsewhere(other);
  const Module same = *Module::Compile(other, Assemble(kUser));
  EXPECT_EQ(Instance::Create(elsewhere, same, {shared}).status().code(), kInvalid);
}

// By name in a linker it serves all stores.
TEST_F(SharedMemoryTest, IsLinkedIntoEachStore) {
  const Module user = Compile(kUser);
  Linker linker(engine_);
  ASSERT_TRUE(linker.Define("a", "m", Make(1, 5)).ok());
  Store second(engine_);
  const Instance a = *linker.Instantiate(store_, user);
  const Instance b = *linker.Instantiate(second, user);
  ASSERT_TRUE(Call(store_, a, "store", {Val::I32(4), Val::I32(5)}).ok());
  EXPECT_EQ(CallI32(second, b, "load", {Val::I32(4)}), 5);
}

TEST_F(SharedMemoryTest, BytesForTheHost) {
  const SharedMemory memory = Make(1, 2);
  const Instance user = Instantiate(store_, Compile(kUser), {Make(1, 5)});
  EXPECT_EQ(memory.bytes(), 65536u);
  const std::vector<uint8_t> bytes = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10};
  EXPECT_TRUE(memory.Write(65526, bytes).ok());
  EXPECT_EQ(memory.Write(65527, bytes).code(), absl::StatusCode::kOutOfRange);
  std::vector<uint8_t> read(10);
  EXPECT_TRUE(memory.Read(65526, absl::MakeSpan(read)).ok());
  EXPECT_EQ(read, bytes);
  EXPECT_EQ(memory.Read(~uint64_t{0}, absl::MakeSpan(read)).code(), absl::StatusCode::kOutOfRange);
  EXPECT_TRUE(memory.Read(65536, {}).ok());

  EXPECT_EQ(memory.At<uint32_t>(65528)->load(), 0x06050403u);
  EXPECT_EQ(memory.At<uint8_t>(65535)->fetch_add(1), 10);
  EXPECT_EQ(memory.At<uint8_t>(65535)->load(), 11);
  EXPECT_EQ(memory.At<uint64_t>(65532).status().code(), kInvalid);
  EXPECT_EQ(memory.At<uint16_t>(65536).status().code(), absl::StatusCode::kOutOfRange);
  EXPECT_EQ(memory.At<uint64_t>(uint64_t{1} << 63).status().code(), absl::StatusCode::kOutOfRange);
}

TEST_F(SharedMemoryTest, BulkOperationsOfGuests) {
  const SharedMemory memory = Make(1, 5);
  const Instance user = Instantiate(store_, Compile(kUser), {memory});
  ASSERT_TRUE(Call(store_, user, "fill", {Val::I32(3), Val::I32(7), Val::I32(20)}).ok());
  ASSERT_TRUE(Call(store_, user, "copy", {Val::I32(1), Val::I32(0), Val::I32(10)}).ok());
  std::vector<uint8_t> read(12);
  ASSERT_TRUE(memory.Read(0, absl::MakeSpan(read)).ok());
  EXPECT_EQ(read, (std::vector<uint8_t>{0, 0, 0, 0, 7, 7, 7, 7, 7, 7, 7, 7}));
  for (const char* name : {"fill", "copy"}) {
    EXPECT_EQ(
        Call(store_, user, name, {Val::I32(65535), Val::I32(0), Val::I32(2)}).status().message(),
        "out of bounds memory access")
        << name;
  }
}

TEST_F(SharedMemoryTest, WaitsAndNotifies) {
  const SharedMemory memory = Make(1, 5);
  const Module module = Compile(kUser);
  const Instance user = Instantiate(store_, module, {memory});
  EXPECT_EQ(CallI32(store_, user, "wait32", {Val::I32(0), Val::I32(1), Val::I64(-1)}), 1);
  EXPECT_EQ(CallI32(store_, user, "wait32", {Val::I32(0), Val::I32(0), Val::I64(1000)}), 2);
  EXPECT_EQ(CallI32(store_, user, "wait64", {Val::I32(0), Val::I64(1), Val::I64(-1)}), 1);
  EXPECT_EQ(CallI32(store_, user, "wait64", {Val::I32(0), Val::I64(0), Val::I64(0)}), 2);
  EXPECT_EQ(CallI32(store_, user, "notify", {Val::I32(0), Val::I32(-1)}), 0);
  EXPECT_EQ(*memory.Wait32(0, 1, std::nullopt), WaitResult::kNotEqual);
  EXPECT_EQ(*memory.Wait64(0, 0, std::chrono::nanoseconds(1)), WaitResult::kTimedOut);
  EXPECT_EQ(memory.Wait64(4, 0, std::nullopt).status().code(), kInvalid);
  EXPECT_EQ(memory.Notify(65536, 1).status().code(), absl::StatusCode::kOutOfRange);

  // A guest waits for the host, and the host for a guest. Notifying until someone was there needs
  // no time to be right.
  std::thread guest([&] {
    Store store(engine_);
    const Instance instance = Instantiate(store, module, {memory});
    EXPECT_EQ(CallI32(store, instance, "wait32", {Val::I32(64), Val::I32(0), Val::I64(-1)}), 0);
    EXPECT_EQ(CallI32(store, instance, "wait64", {Val::I32(64), Val::I64(0), Val::I64(-1)}), 0);
    while (CallI32(store, instance, "notify", {Val::I32(124), Val::I32(1)}) == 0) {
      std::this_thread::yield();
    }
  });
  while (*memory.Notify(64, 5) == 0) std::this_thread::yield();
  while (*memory.Notify(72, 5) == 0) std::this_thread::yield();
  EXPECT_EQ(*memory.Wait32(128, 0, std::nullopt), WaitResult::kWoken);
  guest.join();
}

// Misalignment comes before bounds, bounds before what is waited for. (lessons row 16: indices of
// 32 bits with static offsets, up to the last.)
TEST_F(SharedMemoryTest, TrapsInOrder) {
  constexpr char kText[] = R"((module
    (memory $i 1 1 $1)
    (func (export "load") (param $a) (result i32) (i32.atomic.load offset=6 (local.get 0)))
    (func (export "far") (param $a) (result i64)
      (i64.atomic.rmw.add offset=4294967288 (local.get 0) (i64.const 1)))
    (func (export "wait") (param $a) (result i32)
      (memory.atomic.wait32 offset=2 (local.get 0) (i32.const 1) (i64.const -1)))
    (func (export "notify") (param $a) (result i32)
      (memory.atomic.notify offset=2 (local.get 0) (i32.const 1)))))";
  constexpr char kUnaligned[] = "unaligned atomic";
  constexpr char kOutside[] = "out of bounds memory access";
  constexpr char kPlain[] = "expected shared memory";
  for (const bool wide : {false, true}) {
    for (const bool shared : {false, true}) {
      std::string text = kText;
      const auto replace = [&](const std::string& from, const std::string& to) {
        for (size_t at; (at = text.find(from)) != std::string::npos;) {
          text.replace(at, from.size(), to);
        }
      };
      replace("$i", wide ? "i64" : "");
      replace("$1", shared ? "shared" : "");
      replace("$a", wide ? "i64" : "i32");
      const Instance instance = Instantiate(store_, Compile(text), {});
      const auto failure = [&](const char* name, int64_t address) {
        const Val argument = wide ? Val::I64(address) : Val::I32(static_cast<int32_t>(address));
        return std::string(Call(store_, instance, name, {argument}).status().message());
      };
      EXPECT_EQ(failure("load", 0), kUnaligned);
      EXPECT_EQ(failure("load", 2), "");
      EXPECT_EQ(failure("load", 65526), "");
      EXPECT_EQ(failure("load", 65527), kUnaligned);
      EXPECT_EQ(failure("load", 65530), kOutside);
      EXPECT_EQ(failure("load", -6), kOutside);
      EXPECT_EQ(failure("load", -5), kUnaligned);
      EXPECT_EQ(failure("far", 1), kUnaligned);
      EXPECT_EQ(failure("far", 0), kOutside);
      EXPECT_EQ(failure("far", -8), kOutside);
      EXPECT_EQ(failure("wait", 0), kUnaligned);
      EXPECT_EQ(failure("wait", 65534), kOutside);
      EXPECT_EQ(failure("wait", -2), kOutside);
      EXPECT_EQ(failure("wait", 2), shared ? "" : kPlain);
      EXPECT_EQ(failure("notify", 1), kUnaligned);
      EXPECT_EQ(failure("notify", 65534), kOutside);
      EXPECT_EQ(failure("notify", -2), kOutside);
      EXPECT_EQ(failure("notify", 65530), "");
    }
  }
}

}  // namespace
}  // namespace gantry
