#include "wasm_translate/binary_writer.h"

#include <cstdint>
#include <vector>

#include "gtest/gtest.h"
#include "wasm_translate/binary_reader.h"
#include "wasm_translate/binary_types.h"

namespace gantry::wasm {
namespace {

using Bytes = std::vector<uint8_t>;

// Numbers around each power of two and of -2 come back, in as few bytes as they need.
TEST(BinaryWriterTest, IntegersReadBack) {
  for (int bit = 0; bit < 64; ++bit) {
    for (int delta = -2; delta <= 2; ++delta) {
      const uint64_t value = (uint64_t{1} << bit) + static_cast<uint64_t>(delta);
      ByteWriter out;
      out.VarU64(value);
      BinaryReader reader(out.bytes(), 0);
      uint64_t read;
      ASSERT_TRUE(reader.VarU64(&read) && reader.done());
      EXPECT_EQ(read, value);
      size_t size = 1;
      while (7 * size < 64 && value >> (7 * size) != 0) ++size;
      EXPECT_EQ(out.size(), size) << value;
      for (const auto number : {static_cast<int64_t>(value), static_cast<int64_t>(0 - value)}) {
        ByteWriter writer;
        writer.VarS64(number);
        BinaryReader signed_reader(writer.bytes(), 0);
        int64_t signed_read;
        ASSERT_TRUE(signed_reader.VarS64(&signed_read) && signed_reader.done());
        EXPECT_EQ(signed_read, number);
        size_t signed_size = 1;
        while (7 * signed_size < 64 && number >> (7 * signed_size - 1) != 0 &&
               number >> (7 * signed_size - 1) != -1) {
          ++signed_size;
        }
        EXPECT_EQ(writer.size(), signed_size) << number;
      }
    }
  }
}

TEST(BinaryWriterTest, ValueTypesReadBack) {
  std::vector<ValType> types = {ValType::I32(), ValType::I64(), ValType::F32(), ValType::F64(),
                                ValType::V128()};
  for (bool nullable : {false, true}) {
    for (int i = 0; i <= static_cast<int>(AbstractHeapType::kNoExn); ++i) {
      types.push_back(ValType::Ref(HeapType::Abstract(static_cast<AbstractHeapType>(i)), nullable));
    }
    for (uint32_t index : {0u, 63u, 64u, 999'999u}) {
      types.push_back(ValType::ConcreteRef(TypeIndex(index), nullable));
    }
  }
  for (ValType type : types) {
    ByteWriter out;
    out.Type(type);
    BinaryReader reader(out.bytes(), 0);
    ValType read;
    ASSERT_TRUE(ReadValType(reader, {Features::All(), 1'000'000}, &read) && reader.done()) << type;
    EXPECT_EQ(read, type);
  }
  EXPECT_EQ(ByteWriter().Type(ValType::FuncRef()).bytes(), Bytes({0x70}));
}

TEST(BinaryWriterTest, Forms) {
  EXPECT_EQ(ByteWriter().Fixed32(0x01020304).Fixed64(5).bytes(),
            Bytes({4, 3, 2, 1, 5, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(ByteWriter().Name("ab").bytes(), Bytes({2, 'a', 'b'}));
  EXPECT_EQ(ByteWriter().Op(Opcode::kI32Add).Op(Opcode::kI32x4Abs).bytes(),
            Bytes({0x6A, 0xFD, 0xA0, 0x01}));
  EXPECT_EQ(ByteWriter().Func(FuncType({ValType::I32()}, {})).bytes(), Bytes({0x60, 1, 0x7F, 0}));
  EXPECT_EQ(ByteWriter().Field({StorageType::I8(), true}).bytes(), Bytes({0x78, 1}));
  EXPECT_EQ(ByteWriter().Global({ValType::F64(), false}).bytes(), Bytes({0x7C, 0}));
  TableType table;
  table.limits = {1, 2};
  table.index_type = IndexType::kI64;
  EXPECT_EQ(ByteWriter().Table(table).bytes(), Bytes({0x70, 5, 1, 2}));
  MemoryType memory;
  memory.limits = {1, 200};
  memory.shared = true;
  EXPECT_EQ(ByteWriter().Memory(memory).bytes(), Bytes({3, 1, 0xC8, 1}));
  memory.limits.max.reset();
  memory.shared = false;
  memory.page_size_log2 = 0;
  EXPECT_EQ(ByteWriter().Memory(memory).bytes(), Bytes({8, 1, 0}));
  EXPECT_EQ(ByteWriter().Section(3, Bytes({1, 0})).bytes(), Bytes({3, 2, 1, 0}));
}

}  // namespace
}  // namespace gantry::wasm
