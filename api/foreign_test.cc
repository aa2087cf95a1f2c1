// lessons.md row 19: whatever belongs to one store or engine is refused by another, at every
// function of the API that takes both, and nothing has changed afterwards.
#include <any>
#include <functional>
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
#include "api/typed_func.h"
#include "api/val.h"
#include "gtest/gtest.h"

namespace gantry {
namespace {

constexpr char kGuest[] = R"((module
  (import "env" "f" (func $f))
  (memory (export "memory") 1)
  (table (export "table") 2 funcref)
  (table (export "refs") 2 externref)
  (global (export "global") (mut funcref) (ref.null func))
  (tag (export "tag") (param i32))
  (func (export "g") (param funcref externref anyref) (result funcref) (local.get 0))))";

// A store with one of everything.
struct World {
  World(const Engine& engine, const Module& module)
      : store(engine),
        f(*Func::Wrap(store, [] {})),
        instance(*Instance::Create(store, module, {f})),
        g(*instance.GetFunc(store, "g")),
        memory(*instance.GetMemory(store, "memory")),
        table(*instance.GetTable(store, "table")),
        refs(*instance.GetTable(store, "refs")),
        global(*instance.GetGlobal(store, "global")),
        tag(*instance.GetTag(store, "tag")),
        reference(*ExternRef::Create(store, std::string("value"))) {}
  Store store;
  Func f;
  Instance instance;
  Func g;
  Memory memory;
  Table table;
  Table refs;
  Global global;
  Tag tag;
  ExternRef reference;
};

struct Attempt {
  std::string what;
  std::function<absl::Status()> act;
};

// Everything that can be tried with the objects of one store in the other.
std::vector<Attempt> Attempts(World& mine, World& other) {
  Store& store = mine.store;
  const Val func = Val::FuncRef(other.f);
  const Val external = Val::ExternRef(other.reference);
  const Val no_func = Val::FuncRef(std::nullopt);
  const Val no_extern = Val::ExternRef(std::nullopt);
  const Val no_any = Val::AnyRef(std::nullopt);
  TableType functions;
  functions.limits.min = 1;
  GlobalType reference;
  reference.content = ValType::ExternRef();
  using Keep =
      std::optional<Func>(std::optional<Func>, std::optional<ExternRef>, std::optional<AnyRef>);
  return {
      {"Func::type", [&] { return other.f.type(store).status(); }},
      {"Func::Call", [&] { return other.f.Call(store, {}).status(); }},
      {"Func::Typed", [&] { return other.f.Typed<void()>(store).status(); }},
      {"TypedFunc::Call", [&] { return other.f.Typed<void()>(other.store)->Call(store); }},
      {"TypedFunc::Call by array",
       [&] {
         return other.g.Typed<Keep>(other.store)
             ->Call(store, std::nullopt, std::nullopt, std::nullopt)
             .status();
       }},
      {"a funcref argument",
       [&, func] {
         return mine.g.Call(store, {func, no_extern, no_any}).status();
       }},
      {"an externref argument",
       [&, external] {
         return mine.g.Call(store, {no_func, external, no_any}).status();
       }},
      {"an anyref argument",
       [&] {
         const Val any = Val::AnyRef(AnyRef::FromExtern(other.reference));
         return mine.g.Call(store, {no_func, no_extern, any}).status();
       }},
      {"a typed argument",
       [&] {
         return mine.g.Typed<Keep>(store)
             ->Call(store, other.f, std::nullopt, std::nullopt)
             .status();
       }},
      {"a host function's result",
       [&] {
         const Func give = *Func::Wrap(store, [&other] { return std::optional<Func>(other.f); });
         return give.Call(store, {}).status();
       }},
      {"Memory::type", [&] { return other.memory.type(store).status(); }},
      {"Memory::size", [&] { return other.memory.size(store).status(); }},
      {"Memory::data", [&] { return other.memory.data(store).status(); }},
      {"Memory::Grow", [&] { return other.memory.Grow(store, 1).status(); }},
      {"Table::Create",
       [&, functions, func] { return Table::Create(store, functions, func).status(); }},
      {"Table::type", [&] { return other.table.type(store).status(); }},
      {"Table::size", [&] { return other.table.size(store).status(); }},
      {"Table::Get", [&] { return other.table.Get(store, 0).status(); }},
      {"Table::Set", [&, no_func] { return other.table.Set(store, 0, no_func); }},
      {"Table::Set of a function", [&, func] { return mine.table.Set(store, 0, func); }},
      {"Table::Set of an externref", [&, external] { return mine.refs.Set(store, 0, external); }},
      {"Table::Grow", [&, no_func] { return other.table.Grow(store, 1, no_func).status(); }},
      {"Table::Grow by a function", [&, func] { return mine.table.Grow(store, 1, func).status(); }},
      {"Global::Create",
       [&, reference, external] { return Global::Create(store, reference, external).status(); }},
      {"Global::type", [&] { return other.global.type(store).status(); }},
      {"Global::Get", [&] { return other.global.Get(store).status(); }},
      {"Global::Set", [&, no_func] { return other.global.Set(store, no_func); }},
      {"Global::Set to a function", [&, func] { return mine.global.Set(store, func); }},
      {"Tag::type", [&] { return other.tag.type(store).status(); }},
      {"ExternRef::Get", [&] { return other.reference.Get(store).status(); }},
      {"AnyRef::kind", [&] { return AnyRef::FromExtern(other.reference).kind(store).status(); }},
      {"Instance::GetExport", [&] { return other.instance.GetExport(store, "g").status(); }},
      {"Instance::GetFunc", [&] { return other.instance.GetFunc(store, "g").status(); }},
      {"Instance::GetTypedFunc",
       [&] { return other.instance.GetTypedFunc<Keep>(store, "g").status(); }},
      {"Instance::GetMemory", [&] { return other.instance.GetMemory(store, "memory").status(); }},
      {"Instance::GetTable", [&] { return other.instance.GetTable(store, "table").status(); }},
      {"Instance::GetGlobal", [&] { return other.instance.GetGlobal(store, "global").status(); }},
      {"Instance::GetTag", [&] { return other.instance.GetTag(store, "tag").status(); }},
      {"Instance::Exports", [&] { return other.instance.Exports(store).status(); }},
      {"Instance::Create",
       [&] { return Instance::Create(store, mine.instance.module(), {other.f}).status(); }},
      {"Linker::Get",
       [&] {
         Linker linker(store.engine());
         const absl::Status defined = linker.Define("env", "f", other.f);
         return defined.ok() ? linker.Get(store, "env", "f").status() : defined;
       }},
      {"Linker::Instantiate",
       [&] {
         Linker linker(store.engine());
         const absl::Status defined = linker.Define("env", "f", other.f);
         return defined.ok() ? linker.Instantiate(store, mine.instance.module()).status() : defined;
       }},
      {"Linker::DefineInstance",
       [&] {
         Linker linker(store.engine());
         return linker.DefineInstance(store, "env", other.instance);
       }},
  };
}

class ForeignTest : public ::testing::Test {
 protected:
  ForeignTest() : engine_(MakeEngine()), module_(*Module::CompileText(engine_, kGuest)) {}
  static Engine MakeEngine() {
    Config config;
    AddTestCompilerFlags(config);
    return *Engine::Create(config);
  }
  static void ExpectRefused(World& mine, World& other) {
    for (const Attempt& attempt : Attempts(mine, other)) {
      const absl::Status status = attempt.act();
      EXPECT_EQ(status.code(), absl::StatusCode::kInvalidArgument)
          << attempt.what << ": " << status;
    }
    for (World* world : {&mine, &other}) {
      EXPECT_EQ(*world->memory.size(world->store), 1u);
      EXPECT_EQ(*world->table.size(world->store), 2u);
      EXPECT_TRUE(world->table.Get(world->store, 0)->is_null());
      EXPECT_TRUE(world->refs.Get(world->store, 0)->is_null());
      EXPECT_TRUE(world->global.Get(world->store)->is_null());
      EXPECT_TRUE(world->f.Call(world->store, {}).ok());
    }
  }

  Engine engine_;
  Module module_;
};

TEST_F(ForeignTest, AnotherStore) {
  World mine(engine_, module_);
  World other(engine_, module_);
  ExpectRefused(mine, other);
}

TEST_F(ForeignTest, AStoreOfAnotherEngine) {
  const Engine second = MakeEngine();
  const Module module = *Module::CompileText(second, kGuest);
  World mine(engine_, module_);
  World other(second, module);
  ExpectRefused(mine, other);
  EXPECT_EQ(Instance::Create(mine.store, module, {mine.f}).status().code(),
            absl::StatusCode::kInvalidArgument);
  Linker linker(second);
  ASSERT_TRUE(linker.Func("env", "f", [] {}).ok());
  EXPECT_EQ(linker.Instantiate(mine.store, module).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(linker.Instantiate(other.store, module_).status().code(),
            absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(linker.Get(mine.store, "env", "f").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(linker.DefineUnknownImportsAsTraps(module_).code(), absl::StatusCode::kInvalidArgument);
}

// A dead store's handles are not those of a store that took its place.
TEST_F(ForeignTest, AStoreThatIsGone) {
  std::optional<Func> func;
  std::optional<Instance> instance;
  {
    World gone(engine_, module_);
    func = gone.f;
    instance = gone.instance;
  }
  World mine(engine_, module_);
  EXPECT_EQ(func->Call(mine.store, {}).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(func->type(mine.store).status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(instance->GetFunc(mine.store, "g").status().code(), absl::StatusCode::kInvalidArgument);
  EXPECT_EQ(mine.table.Set(mine.store, 0, Val::FuncRef(func)).code(),
            absl::StatusCode::kInvalidArgument);
}

}  // namespace
}  // namespace gantry
