#include "runtime/code_object.h"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace gantry::runtime {
namespace {

using environ::FuncKey;
using environ::FunctionRecord;
using environ::ModuleId;

struct Storage {
  std::vector<uint8_t> text = std::vector<uint8_t>(64);
  std::vector<FunctionRecord> functions;
  std::vector<uint32_t> by_key = {0, 1, 2, 3};
  std::vector<uint32_t> trap_offsets = {4};
  std::vector<uint8_t> trap_codes = {9};

  Storage() {
    for (uint32_t i = 0; i < 4; ++i) {
      FunctionRecord record;
      record.key = FuncKey::WasmFunction(ModuleId(0), wasm::DefinedFuncIndex(2 * i)).packed();
      record.offset = 16 * i;
      record.size = 10;
      functions.push_back(record);
    }
  }
};

CodeObject::Parts PartsOf(const std::shared_ptr<Storage>& storage) {
  CodeObject::Parts parts;
  parts.text = storage->text;
  parts.tables.functions = storage->functions;
  parts.tables.by_key = storage->by_key;
  parts.tables.trap_offsets = storage->trap_offsets;
  parts.tables.trap_codes = storage->trap_codes;
  parts.owner = storage;
  return parts;
}

TEST(CodeObjectTest, FindsFunctionsByKeyAndPc) {
  auto storage = std::make_shared<Storage>();
  const auto code = *CodeObject::Create(PartsOf(storage));
  const uintptr_t start = reinterpret_cast<uintptr_t>(storage->text.data());
  for (uint32_t i = 0; i < 8; ++i) {
    const void* found =
        code->FunctionByKey(FuncKey::WasmFunction(ModuleId(0), wasm::DefinedFuncIndex(i)));
    EXPECT_EQ(found, i % 2 == 0 ? storage->text.data() + 8 * i : nullptr) << i;
  }
  EXPECT_EQ(code->FindFunction(start + 17), &storage->functions[1]);
  EXPECT_EQ(code->FindFunction(start + 12), nullptr);
  EXPECT_EQ(code->FindFunction(start - 1), nullptr);
  EXPECT_EQ(code->FindTrap(start + 4), 9);
  EXPECT_EQ(code->FindTrap(start + 5), std::nullopt);
  EXPECT_EQ(code->FindTrap(start + 64), std::nullopt);
}

TEST(CodeObjectTest, IsRegisteredWhileItLives) {
  auto first = std::make_shared<Storage>();
  auto second = std::make_shared<Storage>();
  const uintptr_t start = reinterpret_cast<uintptr_t>(first->text.data());
  auto code = *CodeObject::Create(PartsOf(first));
  auto other = *CodeObject::Create(PartsOf(second));
  EXPECT_EQ(CodeObject::Find(start), code.get());
  EXPECT_EQ(CodeObject::Find(start + 63), code.get());
  EXPECT_EQ(CodeObject::Find(reinterpret_cast<uintptr_t>(second->text.data())), other.get());
  EXPECT_EQ(CodeObject::Find(0), nullptr);
  code.reset();
  EXPECT_EQ(CodeObject::Find(start), nullptr);
  EXPECT_EQ(CodeObject::Find(reinterpret_cast<uintptr_t>(second->text.data())), other.get());
}

TEST(CodeObjectTest, RefusesWhatContradictsItself) {
  auto storage = std::make_shared<Storage>();
  storage->functions[3].key = storage->functions[0].key;
  EXPECT_EQ(CodeObject::Create(PartsOf(storage)).status().code(),
            absl::StatusCode::kInvalidArgument);
  storage = std::make_shared<Storage>();
  storage->text.resize(50);
  EXPECT_EQ(CodeObject::Create(PartsOf(storage)).status().code(),
            absl::StatusCode::kInvalidArgument);
  storage = std::make_shared<Storage>();
  CodeObject::Parts parts = PartsOf(storage);
  parts.modules.emplace_back();
  environ::DataSegment segment;
  segment.data_offset = 1;
  segment.data_length = ~uint64_t{0};
  parts.modules.back().data_segments.Push(segment);
  parts.data.push_back(storage->text);
  EXPECT_EQ(CodeObject::Create(std::move(parts)).status().code(),
            absl::StatusCode::kInvalidArgument);
}

TEST(CodeObjectTest, ReadersAndWritersRace) {
  auto fixed = std::make_shared<Storage>();
  const auto code = *CodeObject::Create(PartsOf(fixed));
  const uintptr_t pc = reinterpret_cast<uintptr_t>(fixed->text.data()) + 20;
  std::atomic<bool> done{false};
  std::vector<std::thread> readers;
  for (int i = 0; i < 2; ++i) {
    readers.emplace_back([&] {
      while (!done.load()) EXPECT_EQ(CodeObject::Find(pc), code.get());
    });
  }
  for (int i = 0; i < 500; ++i) {
    auto storage = std::make_shared<Storage>();
    const auto passing = *CodeObject::Create(PartsOf(storage));
    EXPECT_EQ(CodeObject::Find(reinterpret_cast<uintptr_t>(storage->text.data())), passing.get());
  }
  done = true;
  for (std::thread& reader : readers) reader.join();
}

}  // namespace
}  // namespace gantry::runtime
