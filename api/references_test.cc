// Tags, references of every hierarchy, features and what the compiler cannot make, through the
// embedding API.
#include <any>
#include <array>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "api/engine.h"
#include "api/instance.h"
#include "api/linker.h"
#include "api/module.h"
#include "api/store.h"
#include "api/testing/test_flags.h"
#include "api/trap.h"
#include "api/val.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"
#include "wasm_translate/text/text_parser.h"

namespace gantry {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using wasm::AbstractHeapType;
using wasm::Feature;
using wasm::HeapType;

std::vector<uint8_t> Assemble(const char* text) {
  const auto module = wasm::text::ParseText(wasm::text::SourceText("test", text));
  EXPECT_TRUE(module.ok()) << module.status();
  return module->bytes;
}

ValType NullableRef(AbstractHeapType type) { return ValType::Ref(HeapType::Abstract(type), true); }

class ReferencesTest : public ::testing::Test {
 protected:
  ReferencesTest() : engine_(*Engine::Create(TestConfig())), store_(engine_) {}

  static Config TestConfig() {
    Config config;
    AddTestCompilerFlags(config);
    return config;
  }

  Module Compile(const char* text) {
    absl::StatusOr<Module> module = Module::Compile(engine_, Assemble(text));
    EXPECT_TRUE(module.ok()) << module.status();
    return *std::move(module);
  }
  Instance Instantiate(const Module& module, std::vector<Extern> imports = {}) {
    absl::StatusOr<Instance> instance = Instance::Create(store_, module, imports);
    EXPECT_TRUE(instance.ok()) << instance.status();
    return *std::move(instance);
  }
  absl::StatusOr<std::vector<Val>> Call(const Instance& instance, const char* name,
                                        std::vector<Val> arguments = {}) {
    return instance.GetFunc(store_, name)->Call(store_, arguments);
  }
  int32_t CallI32(const Instance& instance, const char* name, std::vector<Val> arguments) {
    const auto results = Call(instance, name, std::move(arguments));
    EXPECT_TRUE(results.ok()) << name << ": " << results.status();
    return results.ok() ? (*results)[0].i32() : -999;
  }
  std::string Failure(const Instance& instance, const char* name, std::vector<Val> arguments) {
    return std::string(Call(instance, name, std::move(arguments)).status().message());
  }

  Engine engine_;
  Store store_;
};

constexpr char kTagExporter[] = R"((module (tag (export "t") (param i32))))";
constexpr char kTagImporter[] =
    R"((module (import "m" "t" (tag (param i32))) (export "again" (tag 0))))";
constexpr char kOtherTagImporter[] = R"((module (import "m" "t" (tag (param i64)))))";

TEST_F(ReferencesTest, TagsAreExportedAndImported) {
  const TagType type{FuncType({ValType::I32()}, {})};
  const Module exporting = Compile(kTagExporter);
  EXPECT_EQ(std::get<TagType>(*exporting.GetExport("t")), type);
  EXPECT_EQ(ExternTypeToString(type), "tag (i32) -> ()");
  const Instance instance = Instantiate(exporting);
  const Tag tag = *instance.GetTag(store_, "t");
  EXPECT_EQ(*tag.type(store_), type);
  EXPECT_FALSE(instance.GetGlobal(store_, "t").ok());

  const Module importing = Compile(kTagImporter);
  EXPECT_EQ(std::get<TagType>(importing.imports()[0].type), type);
  Linker linker(engine_);
  EXPECT_THAT(std::string(linker.Instantiate(store_, importing).status().message()),
              StartsWith("unknown import"));
  ASSERT_TRUE(linker.DefineInstance(store_, "m", instance).ok());
  EXPECT_EQ(*linker.Instantiate(store_, importing)->GetTag(store_, "again"), tag);
  // Another instance has another tag, and so has the host.
  EXPECT_NE(*Instantiate(exporting).GetTag(store_, "t"), tag);
  const Tag host = *Tag::Create(store_, type.type);
  EXPECT_NE(host, tag);
  EXPECT_EQ(*Instantiate(importing, {host}).GetTag(store_, "again"), host);

  EXPECT_THAT(
      std::string(Instance::Create(store_, Compile(kOtherTagImporter), {tag}).status().message()),
      StartsWith("incompatible import type for \"m\" \"t\": expected tag (i64) -> (), "
                 "found tag (i32) -> ()"));
  EXPECT_EQ(Tag::Create(store_, FuncType({}, {ValType::I32()})).status().code(),
            absl::StatusCode::kInvalidArgument);
  Store other(engine_);
  EXPECT_EQ(tag.type(other).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Instance::Create(other, importing, {tag}).status().code(),
            absl::StatusCode::kInvalidArgument);
}

constexpr char kHandles[] = R"((module
  (func (export "i31") (param i32) (result (ref i31)) (ref.i31 (local.get 0)))
  (func (export "get_s") (param i31ref) (result i32) (i31.get_s (local.get 0)))
  (func (export "get_u") (param i31ref) (result i32) (i31.get_u (local.get 0)))
  (func (export "to_any") (param externref) (result anyref) (any.convert_extern (local.get 0)))
  (func (export "to_extern") (param anyref) (result externref)
    (extern.convert_any (local.get 0)))
  (func (export "eq") (param eqref eqref) (result i32) (ref.eq (local.get 0) (local.get 1)))
  (func (export "select") (param anyref anyref i32) (result anyref)
    (select (result anyref) (local.get 0) (local.get 1) (local.get 2)))
  (func (export "or_one") (param i31ref) (result i32)
    (block $null
      (return (i31.get_s (br_on_null $null (local.get 0)))))
    (i32.const 1))
  (func (export "non_null") (param anyref) (result i32)
    (drop (ref.as_non_null (local.get 0))) (i32.const 1))))";

TEST_F(ReferencesTest, I31sAreUnboxed) {
  const Instance instance = Instantiate(Compile(kHandles));
  for (const int32_t value : {0, 1, -1, 0x3FFFFFFF, -0x40000000, 0x7FFFFFFF}) {
    const Val made = (*Call(instance, "i31", {Val::I32(value)}))[0];
    ASSERT_EQ(made.kind(), Val::Kind::kAnyRef);
    EXPECT_EQ(*made.any_ref(), AnyRef::I31(value));
    EXPECT_EQ(*made.any_ref()->kind(store_), AnyRef::Kind::kI31);
    EXPECT_EQ(CallI32(instance, "get_s", {made}), AnyRef::I31(value).i31());
    EXPECT_EQ(CallI32(instance, "get_u", {Val::I31(value)}), value & 0x7FFFFFFF);
    EXPECT_EQ(CallI32(instance, "eq", {made, Val::I31(value)}), 1);
    EXPECT_EQ(CallI32(instance, "eq", {made, Val::I31(value ^ 1)}), 0);
    // It passes through externref and is no value of the host there.
    const Val external = (*Call(instance, "to_extern", {made}))[0];
    EXPECT_EQ(external.extern_ref()->Get(store_).status().code(),
              absl::StatusCode::kFailedPrecondition);
    EXPECT_EQ(*(*Call(instance, "to_any", {external}))[0].any_ref(), AnyRef::I31(value));
  }
  EXPECT_EQ(CallI32(instance, "or_one", {Val::I31(-9)}), -9);
  EXPECT_EQ(CallI32(instance, "or_one", {Val::AnyRef(std::nullopt)}), 1);
  for (const int32_t which : {0, 1}) {
    const Val chosen = (*Call(instance, "select", {Val::I31(1), Val::I31(0), Val::I32(which)}))[0];
    EXPECT_EQ(chosen.any_ref()->i31(), which);
  }
  const Val null = Val::AnyRef(std::nullopt);
  EXPECT_EQ(CallI32(instance, "eq", {null, null}), 1);
  EXPECT_EQ(Failure(instance, "get_s", {null}), "null i31 reference");
  EXPECT_EQ(Failure(instance, "get_u", {null}), "null i31 reference");
  EXPECT_EQ(Failure(instance, "non_null", {null}), "null reference");
  EXPECT_EQ(CallI32(instance, "non_null", {Val::I31(0)}), 1);
}

TEST_F(ReferencesTest, HostValuesPassThroughAny) {
  const Instance instance = Instantiate(Compile(kHandles));
  const ExternRef host = *ExternRef::Create(store_, std::string("host"));
  const Val any = (*Call(instance, "to_any", {Val::ExternRef(host)}))[0];
  EXPECT_EQ(*any.any_ref(), AnyRef::FromExtern(host));
  EXPECT_EQ(*any.any_ref()->kind(store_), AnyRef::Kind::kHost);
  const Val back = (*Call(instance, "to_extern", {any}))[0];
  EXPECT_EQ(*back.extern_ref(), host);
  EXPECT_EQ(std::any_cast<std::string>(**back.extern_ref()->Get(store_)), "host");
  EXPECT_TRUE((*Call(instance, "to_any", {Val::ExternRef(std::nullopt)}))[0].is_null());

  // It is an anyref, but no eqref and no i31ref; and hierarchies do not mix.
  EXPECT_THAT(Failure(instance, "eq", {any, any}), HasSubstr("of type eqref is expected"));
  EXPECT_THAT(Failure(instance, "get_s", {any}), HasSubstr("of type i31ref is expected"));
  EXPECT_FALSE(Call(instance, "to_extern", {Val::ExternRef(host)}).ok());
  EXPECT_FALSE(Call(instance, "to_extern", {Val::FuncRef(std::nullopt)}).ok());
  EXPECT_FALSE(Call(instance, "to_any", {Val::AnyRef(std::nullopt)}).ok());

  // An i31 belongs to no store, all else to one.
  Store other(engine_);
  const absl::StatusOr<Instance> elsewhere = Instance::Create(other, instance.module(), {});
  const Func to_extern = *elsewhere->GetFunc(other, "to_extern");
  EXPECT_TRUE(to_extern.Call(other, {Val::I31(5)}).ok());
  EXPECT_EQ(to_extern.Call(other, {any}).status().code(), absl::StatusCode::kInvalidArgument);
}

constexpr char kSubtypes[] = R"((module
  (type $0 (sub (func (result i32))))
  (type $1 (sub $0 (func (result i32))))
  (type $2 (func (result i32)))
  (table 4 funcref)
  (elem (i32.const 0) func $f0 $f1 $f2)
  (func $f0 (export "f0") (type $0) (i32.const 10))
  (func $f1 (export "f1") (type $1) (i32.const 11))
  (func $f2 (export "f2") (type $2) (i32.const 12))
  (func (export "c0") (param i32) (result i32) (call_indirect (type $0) (local.get 0)))
  (func (export "c1") (param i32) (result i32) (call_indirect (type $1) (local.get 0)))
  (func (export "c2") (param i32) (result i32) (call_indirect (type $2) (local.get 0)))
  (func (export "r") (param (ref null $0)) (result i32) (call_ref $0 (local.get 0)))))";

TEST_F(ReferencesTest, CallsAcceptSubtypes) {
  const Instance instance = Instantiate(Compile(kSubtypes));
  const std::string mismatch = "indirect call type mismatch";
  EXPECT_EQ(CallI32(instance, "c0", {Val::I32(0)}), 10);
  EXPECT_EQ(CallI32(instance, "c0", {Val::I32(1)}), 11);
  EXPECT_EQ(Failure(instance, "c0", {Val::I32(2)}), mismatch);
  EXPECT_EQ(Failure(instance, "c0", {Val::I32(3)}), "uninitialized element");
  EXPECT_EQ(Failure(instance, "c0", {Val::I32(4)}), "undefined element");
  EXPECT_EQ(Failure(instance, "c1", {Val::I32(0)}), mismatch);
  EXPECT_EQ(CallI32(instance, "c1", {Val::I32(1)}), 11);
  EXPECT_EQ(Failure(instance, "c1", {Val::I32(3)}), "uninitialized element");
  EXPECT_EQ(Failure(instance, "c2", {Val::I32(0)}), mismatch);
  EXPECT_EQ(CallI32(instance, "c2", {Val::I32(2)}), 12);
  EXPECT_EQ(Failure(instance, "c2", {Val::I32(3)}), "uninitialized element");

  const auto function = [&](const char* name) {
    return Val::FuncRef(*instance.GetFunc(store_, name));
  };
  EXPECT_EQ(CallI32(instance, "r", {function("f0")}), 10);
  EXPECT_EQ(CallI32(instance, "r", {function("f1")}), 11);
  EXPECT_EQ(Call(instance, "r", {function("f2")}).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(Failure(instance, "r", {Val::FuncRef(std::nullopt)}), "null function reference");
}

// Memories of any index and of either width are accessed; table64 likewise.
TEST_F(ReferencesTest, EveryMemoryIsReached) {
  const Instance instance = Instantiate(Compile(R"((module
    (memory $a 1) (memory $b i64 1 5) (memory $c i64 2)
    (table $t i64 3 externref)
    (data (memory $b) (i64.const 65534) "\07\08")
    (func (export "at") (param i64) (result i32) (i32.load8_u $b (local.get 0)))
    (func (export "far") (param i64) (result i32)
      (i32.load8_u $b offset=0xffff_ffff_ffff_fff0 (local.get 0)))
    (func (export "copy") (param i64 i32) (result i32)
      (memory.copy $a $b (i32.const 9) (local.get 0) (local.get 1))
      (i32.load8_u $a (i32.const 10)))
    (func (export "size") (result i64)
      (i64.add (memory.grow $b (i64.const 2))
               (i64.mul (i64.const 10) (i64.add (memory.size $b) (memory.size $c)))))
    (func (export "refuse") (result i64) (memory.grow $b (i64.const 0x1_0000_0000_0000)))
    (func (export "get") (param i64) (result i32) (ref.is_null (table.get $t (local.get 0))))
    (func (export "grow") (result i64) (table.grow $t (ref.null extern) (i64.const 4)))))"));
  const std::string outside = "out of bounds memory access";
  EXPECT_EQ(CallI32(instance, "at", {Val::I64(65535)}), 8);
  EXPECT_EQ(Failure(instance, "at", {Val::I64(65536)}), outside);
  EXPECT_EQ(Failure(instance, "at", {Val::I64(int64_t{1} << 32)}), outside);
  EXPECT_EQ(Failure(instance, "at", {Val::I64(-1)}), outside);
  EXPECT_EQ(Failure(instance, "far", {Val::I64(0)}), outside);
  // The sum wraps, the address does not.
  EXPECT_EQ(Failure(instance, "far", {Val::I64(65536)}), outside);
  EXPECT_EQ(CallI32(instance, "copy", {Val::I64(65534), Val::I32(2)}), 8);
  EXPECT_EQ(Failure(instance, "copy", {Val::I64(65535), Val::I32(2)}), outside);
  EXPECT_EQ((*Call(instance, "size"))[0].i64(), 1 + 10 * (3 + 2));
  EXPECT_EQ((*Call(instance, "refuse"))[0].i64(), -1);
  EXPECT_EQ(CallI32(instance, "get", {Val::I64(2)}), 1);
  EXPECT_EQ(Failure(instance, "get", {Val::I64(int64_t{1} << 32)}), "out of bounds table access");
  EXPECT_EQ((*Call(instance, "grow"))[0].i64(), 3);
}

// A host function whose type names a type of a module, of which no module has trampolines.
TEST_F(ReferencesTest, HostFunctionsTakeConcreteReferences) {
  const Module module = Compile(kSubtypes);
  const ValType concrete = std::get<FuncType>(*module.GetExport("r")).params()[0];
  ASSERT_TRUE(concrete.heap_type().is_canonical());
  const FuncType type({concrete, ValType::I64()}, {concrete});
  const Func host = *Func::Create(
      store_, type, [](Caller&, absl::Span<const Val> arguments, absl::Span<Val> results) {
        results[0] = arguments[0];
        return absl::OkStatus();
      });
  const Instance instance = Instantiate(module);
  const Func f1 = *instance.GetFunc(store_, "f1");
  EXPECT_EQ(*(*host.Call(store_, {Val::FuncRef(f1), Val::I64(1)}))[0].func_ref(), f1);
  EXPECT_TRUE((*host.Call(store_, {Val::FuncRef(std::nullopt), Val::I64(1)}))[0].is_null());
  EXPECT_EQ(host.Call(store_, {Val::FuncRef(*instance.GetFunc(store_, "f2")), Val::I64(1)})
                .status()
                .code(),
            absl::StatusCode::kInvalidArgument);
}

constexpr char kUncompiled[] = R"((module
  (global (export "v") v128 (v128.const i64x2 1 2))
  (func (export "throw") (throw $e))
  (func (export "new") (drop (struct.new_default $s)))
  (func (export "fine") (result i32) (i32.const 5))
  (type $s (struct))
  (tag $e)))";

TEST_F(ReferencesTest, WhatCannotBeCompiledNamesItsFeature) {
  const Module compiled = Compile(kUncompiled);
  const Module loaded = *Module::Deserialize(engine_, *compiled.Serialize());
  for (const Module& module : {compiled, loaded}) {
    const Instance instance = Instantiate(module);
    const Val vector = *instance.GetGlobal(store_, "v")->Get(store_);
    EXPECT_EQ(vector.v128(), (std::array<uint64_t, 2>{1, 2}));
    EXPECT_EQ(CallI32(instance, "fine", {}), 5);
    const absl::Status thrown = Call(instance, "throw").status();
    EXPECT_EQ(thrown.code(), absl::StatusCode::kUnimplemented);
    EXPECT_EQ(thrown.message(), "throw needs exceptions, which this compiler cannot make yet");
    EXPECT_EQ(UnimplementedFeature(thrown), Feature::kExceptions);
    EXPECT_EQ(GetTrap(thrown)->code, "cannot_compile");
    EXPECT_EQ(UnimplementedFeature(Call(instance, "new").status()), Feature::kGc);
  }
}

// The same where traps are raised by a call of the runtime, and where no stack is walked.
TEST_F(ReferencesTest, WhatCannotBeCompiledNamesItsFeatureEverywhere) {
  for (const bool signals : {false, true}) {
    const absl::StatusOr<Engine> engine =
        Engine::Create(TestConfig().SignalsBasedTraps(signals).WasmBacktrace(false));
    if (!engine.ok()) continue;
    const Module module = *Module::Compile(*engine, Assemble(kUncompiled));
    Store store(*engine);
    const Instance instance = *Instance::Create(store, module, {});
    EXPECT_EQ(UnimplementedFeature(instance.GetFunc(store, "throw")->Call(store, {}).status()),
              Feature::kExceptions);
  }
}

TEST_F(ReferencesTest, FeaturesThatAreOffAreRefusedByName) {
  Config config = TestConfig();
  config.WasmFeature(Feature::kSimd, false);
  const Engine without = *Engine::Create(config);
  const absl::Status status = Module::Compile(without, Assemble(kUncompiled)).status();
  EXPECT_EQ(status.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(status.message()), HasSubstr("simd"));
  // A body that needs it is refused like anything else, not made to trap.
  const absl::Status body =
      Module::Compile(without,
                      Assemble("(module (func) (func (drop (i32x4.splat (i32.const 0)))))"))
          .status();
  EXPECT_EQ(body.code(), absl::StatusCode::kUnimplemented);
  EXPECT_THAT(std::string(body.message()), HasSubstr("simd"));
  EXPECT_THAT(std::string(body.message()), HasSubstr("at offset 0x"));
  EXPECT_EQ(UnimplementedFeature(body), std::nullopt);
  EXPECT_TRUE(Module::Compile(without, Assemble(kTagExporter)).ok());
  config.WasmFeature(Feature::kExceptions, false);
  EXPECT_THAT(
      std::string(
          Module::Compile(*Engine::Create(config), Assemble(kTagExporter)).status().message()),
      HasSubstr("exceptions"));
  wasm::ValidatorLimits limits;
  limits.types = 2;
  config = TestConfig();
  config.ModuleLimits(limits);
  EXPECT_FALSE(Module::Compile(*Engine::Create(config), Assemble(kUncompiled)).ok());
}

// Types that no valid module can declare are refused where the host names them.
TEST_F(ReferencesTest, TheHostsTypesAreChecked) {
  const auto memory = [&](wasm::Limits limits, uint8_t page_size_log2, bool shared) {
    MemoryType type;
    type.limits = limits;
    type.page_size_log2 = page_size_log2;
    type.shared = shared;
    if (shared) return SharedMemory::Create(engine_, type).status().code();
    return Memory::Create(store_, type).status().code();
  };
  constexpr auto kInvalid = absl::StatusCode::kInvalidArgument;
  EXPECT_EQ(memory({1, 2}, 16, false), absl::StatusCode::kOk);
  EXPECT_EQ(memory({1, 2}, 16, true), absl::StatusCode::kOk);
  EXPECT_EQ(memory({1, 2}, 0, false), absl::StatusCode::kOk);
  EXPECT_EQ(memory({2, 1}, 16, false), kInvalid);
  EXPECT_EQ(memory({1, std::nullopt}, 16, true), kInvalid);
  EXPECT_EQ(memory({1, 65537}, 16, false), kInvalid);
  EXPECT_EQ(memory({uint64_t{1} << 32, std::nullopt}, 0, false), kInvalid);
  for (const uint8_t page_size_log2 : {1, 12, 17, 63, 64, 255}) {
    EXPECT_EQ(memory({1, 2}, page_size_log2, false), kInvalid);
  }
  TableType table;
  table.limits = {1, 0};
  EXPECT_EQ(Table::Create(store_, table, Val::FuncRef(std::nullopt)).status().code(), kInvalid);
  table.limits = {1, 2};
  table.element = ValType::I32();
  EXPECT_EQ(Table::Create(store_, table, Val::I32(0)).status().code(), kInvalid);
  table.element = ValType::Ref(HeapType::Canonical(12345), true);
  EXPECT_EQ(Table::Create(store_, table, Val::Default(table.element)).status().code(), kInvalid);
  table.element = NullableRef(AbstractHeapType::kI31);
  const Table made = *Table::Create(store_, table, Val::I31(9));
  EXPECT_EQ(made.Get(store_, 0)->any_ref()->i31(), 9);
  EXPECT_EQ(made.Set(store_, 0, Val::ExternRef(std::nullopt)).code(), kInvalid);
  EXPECT_TRUE(made.Set(store_, 0, Val::AnyRef(std::nullopt)).ok());
  const GlobalType exn{ValType::ExnRef(), true, false};
  EXPECT_TRUE(Global::Create(store_, exn, Val::ExnRef(std::nullopt))->Get(store_)->is_null());
  EXPECT_EQ(Global::Create(store_, {ValType::Bottom(), true, false}, Val::I32(0)).status().code(),
            kInvalid);
}

}  // namespace
}  // namespace gantry
