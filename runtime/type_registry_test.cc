#include "runtime/type_registry.h"

#include <set>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace gantry::runtime {
namespace {

using wasm::FuncType;
using wasm::SubType;
using wasm::TypeIndex;
using wasm::ValType;

SubType Func(FuncType type) {
  SubType entry;
  entry.composite = std::move(type);
  return entry;
}

TEST(TypeRegistryTest, EqualTypesOfTwoModulesShareAnId) {
  auto registry = TypeRegistry::Create();
  const FuncType a({ValType::I32()}, {});
  const FuncType b({}, {ValType::I32()});
  RegisteredTypes first = *registry->Register({Func(a), Func(b), Func(a)});
  RegisteredTypes second = *registry->Register({Func(b)});
  EXPECT_EQ(first.ids()[0], first.ids()[2]);
  EXPECT_NE(first.ids()[0], first.ids()[1]);
  EXPECT_EQ(second.id(TypeIndex(0)), first.ids()[1]);
  EXPECT_EQ(*registry->FuncTypeOf(first.ids()[0]), a);
  EXPECT_EQ(registry->size(), 2u);
  first = RegisteredTypes();
  EXPECT_EQ(registry->size(), 1u);
  EXPECT_EQ(*registry->FuncTypeOf(second.ids()[0]), b);
  second = RegisteredTypes();
  EXPECT_EQ(registry->size(), 0u);
}

TEST(TypeRegistryTest, ReferencesOutOfAGroupCompareById) {
  auto registry = TypeRegistry::Create();
  const SubType leaf = Func(FuncType({ValType::I64()}, {}));
  // The same function type at another index: (ref 0) here is (ref 1) there.
  const auto user = [](uint32_t index) {
    return Func(FuncType({ValType::ConcreteRef(TypeIndex(index), true)}, {}));
  };
  RegisteredTypes first = *registry->Register({leaf, user(0)});
  RegisteredTypes second = *registry->Register({Func(FuncType({}, {})), leaf, user(1), user(0)});
  EXPECT_EQ(first.ids()[1], second.ids()[2]);
  EXPECT_NE(first.ids()[1], second.ids()[3]);
  EXPECT_EQ(registry->FuncTypeOf(first.ids()[1])->params()[0].heap_type().canonical_id(),
            first.ids()[0]);
}

// Two functions that name each other, as one group, at different places of two modules.
TEST(TypeRegistryTest, GroupsCompareByPosition) {
  auto registry = TypeRegistry::Create();
  const auto pair = [](uint32_t start, bool swapped) {
    std::vector<SubType> group = {
        Func(FuncType({ValType::ConcreteRef(TypeIndex(start + (swapped ? 0 : 1)), true)}, {})),
        Func(FuncType({}, {ValType::ConcreteRef(TypeIndex(start), true)}))};
    for (SubType& type : group) {
      type.group_start = TypeIndex(start);
      type.group_size = 2;
    }
    return group;
  };
  std::vector<SubType> shifted = {Func(FuncType({}, {}))};
  for (const SubType& type : pair(1, false)) shifted.push_back(type);
  RegisteredTypes first = *registry->Register(pair(0, false));
  RegisteredTypes second = *registry->Register(shifted);
  RegisteredTypes other = *registry->Register(pair(0, true));
  EXPECT_EQ(first.ids()[0], second.ids()[1]);
  EXPECT_EQ(first.ids()[1], second.ids()[2]);
  EXPECT_NE(first.ids()[0], other.ids()[0]);
  EXPECT_NE(first.ids()[1], other.ids()[1]);
}

TEST(TypeRegistryTest, FinalityAndSupertypesAreParts) {
  auto registry = TypeRegistry::Create();
  SubType open = Func(FuncType({}, {}));
  open.is_final = false;
  SubType child = Func(FuncType({}, {}));
  child.supertype = TypeIndex(0);
  RegisteredTypes types = *registry->Register({open, child, Func(FuncType({}, {}))});
  EXPECT_EQ(std::set<uint32_t>(types.ids().begin(), types.ids().end()).size(), 3u);
  EXPECT_TRUE(registry->IsSubtype(types.ids()[1], types.ids()[0]));
  EXPECT_FALSE(registry->IsSubtype(types.ids()[0], types.ids()[1]));
  EXPECT_FALSE(registry->IsSubtype(types.ids()[2], types.ids()[0]));
  EXPECT_TRUE(registry->IsSubtype(types.ids()[2], types.ids()[2]));
}

// lessons.md row 12: an id that someone holds is never another type's.
TEST(TypeRegistryTest, IdsComeBackOnlyWhenNoneIsFresh) {
  auto registry = TypeRegistry::Create(/*max_id=*/6);
  const auto type = [](size_t params) {
    const std::vector<ValType> types(params);
    return FuncType(absl::MakeConstSpan(types), {});
  };
  RegisteredTypes held = *registry->RegisterFunc(type(0));
  const uint32_t dropped = registry->RegisterFunc(type(1))->ids()[0];
  RegisteredTypes third = *registry->RegisterFunc(type(2));
  EXPECT_NE(third.ids()[0], dropped);
  RegisteredTypes reused = *registry->RegisterFunc(type(3));
  EXPECT_EQ(reused.ids()[0], dropped);
  const absl::Status full = registry->RegisterFunc(type(4)).status();
  EXPECT_EQ(full.code(), absl::StatusCode::kResourceExhausted);
  // A registration that fails half-way leaves nothing behind.
  EXPECT_FALSE(registry->Register({Func(type(0)), Func(type(5))}).ok());
  EXPECT_EQ(registry->size(), 3u);
  EXPECT_EQ(*registry->FuncTypeOf(held.ids()[0]), type(0));
}

// What is no function type has the other half of the ids.
TEST(TypeRegistryTest, ParityTellsFunctions) {
  auto registry = TypeRegistry::Create(/*max_id=*/3);
  SubType structure;
  structure.composite = wasm::StructType{{{ValType::I32(), false}}};
  SubType array;
  array.composite = wasm::ArrayType{{wasm::StorageType::I8(), true}};
  array.group_start = TypeIndex(1);
  SubType func = Func(FuncType({}, {}));
  func.group_start = TypeIndex(1);
  RegisteredTypes types = *registry->Register({structure, func});
  EXPECT_EQ(types.ids()[0], 2u);
  EXPECT_EQ(types.ids()[1], 1u);
  EXPECT_EQ(registry->KindOf(2), wasm::AbstractHeapType::kStruct);
  EXPECT_EQ(registry->KindOf(1), wasm::AbstractHeapType::kFunc);
  EXPECT_TRUE(wasm::HeapType::Canonical(types.ids()[1]).is_canonical_func());
  // The even ids are used up, of the odd ones one is left.
  EXPECT_EQ(registry->Register({func, array}).status().code(),
            absl::StatusCode::kResourceExhausted);
  types = RegisteredTypes();
  types = *registry->Register({func, array});
  EXPECT_EQ(types.ids()[0], 3u);
  EXPECT_EQ(registry->KindOf(types.ids()[1]), wasm::AbstractHeapType::kArray);
}

// A type that another one names lives as long as that one, whoever registered it.
TEST(TypeRegistryTest, TypesHoldWhatTheyReferTo) {
  auto registry = TypeRegistry::Create();
  RegisteredTypes leaf = *registry->RegisterFunc(FuncType({ValType::I64()}, {}));
  const uint32_t leaf_id = leaf.ids()[0];
  const auto user = [](uint32_t id) {
    return FuncType({ValType::Ref(wasm::HeapType::Canonical(id), true)}, {});
  };
  RegisteredTypes middle = *registry->RegisterFunc(user(leaf_id));
  RegisteredTypes outer = *registry->RegisterFunc(user(middle.ids()[0]));
  leaf = RegisteredTypes();
  middle = RegisteredTypes();
  EXPECT_EQ(registry->size(), 3u);
  EXPECT_EQ(registry->FuncTypeOf(leaf_id)->params()[0], ValType::I64());
  outer = RegisteredTypes();
  EXPECT_EQ(registry->size(), 0u);
  // An id that nobody holds is no type.
  EXPECT_EQ(registry->RegisterFunc(user(leaf_id)).status().code(),
            absl::StatusCode::kInvalidArgument);
}

// Recursive types are equal if they unroll to the same, not merely if they look alike.
TEST(TypeRegistryTest, EqualityIsIsoRecursive) {
  auto registry = TypeRegistry::Create();
  const auto self = [](uint32_t index) {
    wasm::SubType type;
    type.composite = wasm::StructType{{{ValType::ConcreteRef(TypeIndex(index), true), false}}};
    type.group_start = TypeIndex(index);
    return type;
  };
  // (rec (type (struct (ref null 0)))) twice is one type ...
  RegisteredTypes types = *registry->Register({self(0), self(1)});
  EXPECT_EQ(types.ids()[0], types.ids()[1]);
  // ... and a struct that refers to it from outside of its group is another.
  SubType outside = self(0);
  outside.group_start = TypeIndex(1);
  RegisteredTypes more = *registry->Register({self(0), outside});
  EXPECT_EQ(more.ids()[0], types.ids()[0]);
  EXPECT_NE(more.ids()[1], types.ids()[0]);
  // A group of two is not two groups of one.
  SubType first = self(0), second = self(1);
  first.group_size = second.group_size = 2;
  second.group_start = TypeIndex(0);
  RegisteredTypes pair = *registry->Register({first, second});
  EXPECT_NE(pair.ids()[0], types.ids()[0]);
  EXPECT_NE(pair.ids()[0], pair.ids()[1]);
}

TEST(TypeRegistryTest, ThreadsAgree) {
  auto registry = TypeRegistry::Create();
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&registry, t] {
      for (int i = 0; i < 500; ++i) {
        const std::vector<ValType> params((i * 7 + t) % 13, ValType::I32());
        const FuncType type(absl::MakeConstSpan(params), {});
        RegisteredTypes first = *registry->RegisterFunc(type);
        RegisteredTypes second = *registry->RegisterFunc(type);
        EXPECT_EQ(first.ids()[0], second.ids()[0]);
        EXPECT_EQ(*registry->FuncTypeOf(first.ids()[0]), type);
      }
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(registry->size(), 0u);
}

}  // namespace
}  // namespace gantry::runtime
