#include "runtime/coredump.h"

#include <cstring>
#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace gantry::runtime {
namespace {

using testing::EndsWith;
using testing::HasSubstr;
using testing::StartsWith;

std::string Bytes(std::initializer_list<int> bytes) {
  std::string out;
  for (int byte : bytes) out.push_back(static_cast<char>(byte));
  return out;
}

TEST(CoredumpTest, NothingIsAModule) {
  const std::string file = EncodeCoredump(Coredump());
  EXPECT_THAT(file, StartsWith(std::string("\0asm\1\0\0\0", 8)));
  EXPECT_THAT(file, HasSubstr(Bytes({0, 7, 4}) + "core" + Bytes({0, 0})));
  EXPECT_THAT(file, EndsWith(Bytes({11, 1, 0})));
}

TEST(CoredumpTest, StackAndInstances) {
  Coredump dump;
  dump.process = "prog";
  dump.modules = {"a", "b"};
  dump.instances = {{0, {0}, {}}, {1, {0, 1}, {2}}};
  dump.frames = {{1, 300, 17}, {0, 2, 0}};
  const std::string file = EncodeCoredump(dump);
  EXPECT_THAT(file, HasSubstr("coremodules" + Bytes({2, 0, 1, 'a', 0, 1, 'b'})));
  EXPECT_THAT(file, HasSubstr("coreinstances" + Bytes({2, 0, 0, 1, 0, 0, 0, 1, 2, 0, 1, 1, 2})));
  EXPECT_THAT(file, HasSubstr("corestack" + Bytes({0, 4}) + "main" +
                              Bytes({2, 0, 1, 0xAC, 2, 17, 0, 0, 0, 0, 2, 0, 0, 0})));
}

TEST(CoredumpTest, GlobalsAreConstants) {
  Coredump dump;
  dump.globals = {{wasm::ValType::I32(), ValRaw::I32(-1)},
                  {wasm::ValType::I64(), ValRaw::I64(128)},
                  {wasm::ValType::F32(), ValRaw::F32(1.0f)},
                  {wasm::ValType::FuncRef(), ValRaw::FuncRef(nullptr)},
                  {wasm::ValType::ExternRef(), ValRaw::Reference(6)}};
  EXPECT_THAT(EncodeCoredump(dump),
              HasSubstr(Bytes({6,    30, 5,    0x7F, 0,    0x41, 0x7F, 0x0B, 0x7E, 0,    0x42,
                               0x80, 1,  0x0B, 0x7D, 0,    0x43, 0,    0,    0x80, 0x3F, 0x0B,
                               0x70, 0,  0xD0, 0x70, 0x0B, 0x6F, 0,    0xD0, 0x6F, 0x0B})));
}

// Only what is not zero is there, at its place.
TEST(CoredumpTest, MemoriesWithoutTheirZeroPages) {
  std::vector<uint8_t> first(3 * 65536), second(65536);
  first[5000] = 1;
  first[12287] = 2;
  first[131072] = 3;
  second.back() = 4;
  Coredump dump;
  Coredump::Memory memory;
  memory.type.limits = {3, 7};
  memory.bytes = first;
  dump.memories.push_back(memory);
  memory.type.limits = {1, std::nullopt};
  memory.type.index_type = wasm::IndexType::kI64;
  memory.bytes = second;
  for (bool shared : {false, true}) {
    memory.shared = shared;
    dump.memories.resize(1);
    dump.memories.push_back(memory);
    const std::string file = EncodeCoredump(dump);
    EXPECT_THAT(file, HasSubstr(Bytes({5, 6, 2, 1, 3, 7, 4, 1})));
    // Two pages from 4096 on, one from 131072, one from 61440 of the second memory.
    EXPECT_THAT(file, HasSubstr(Bytes({3, 0, 0x41, 0x80, 0x20, 0x0B, 0x80, 0x40})));
    EXPECT_THAT(file, HasSubstr(Bytes({2, 0, 0x41, 0x80, 0x80, 8, 0x0B, 0x80, 0x20, 3, 0})));
    EXPECT_THAT(file, HasSubstr(Bytes({0, 2, 1, 0x42, 0x80, 0xE0, 3, 0x0B, 0x80, 0x20, 0})));
    EXPECT_THAT(file, EndsWith(Bytes({0, 4})));
    EXPECT_LT(file.size(), 4 * 4096u + 300u);
  }
}

}  // namespace
}  // namespace gantry::runtime
