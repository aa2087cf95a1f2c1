#include "codegen/unwind.h"

#include <vector>

#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

constexpr UnwindFormat kFormat = {1, -8, 16, {}};

std::vector<uint8_t> Encode(const UnwindInfo& unwind) {
  std::vector<uint8_t> bytes;
  AppendCallFrameInstructions(unwind, kFormat, &bytes);
  return bytes;
}

TEST(UnwindTest, PrologueOfAFramePointerFunction) {
  UnwindInfo unwind;
  unwind.Add(1, UnwindOp::kCfaOffset, 0, 16);
  unwind.Add(1, UnwindOp::kSavedAt, 6, -16);
  unwind.Add(4, UnwindOp::kCfaRegister, 6);
  EXPECT_EQ(Encode(unwind),
            (std::vector<uint8_t>{0x41, 0x0E, 16,    // advance 1, def_cfa_offset 16
                                  0x86, 2,           // offset r6 at cfa-16
                                  0x43, 0x0D, 6}));  // advance 3, def_cfa_register r6
}

TEST(UnwindTest, LongDistancesAndState) {
  UnwindInfo unwind;
  unwind.Add(0x3F, UnwindOp::kRememberState);
  unwind.Add(0x3F + 0x40, UnwindOp::kCfa, 7, 200);
  unwind.Add(0x3F + 0x40 + 0x1234, UnwindOp::kSame, 3);
  unwind.Add(0x3F + 0x40 + 0x1234 + 0x12345, UnwindOp::kRestoreState);
  EXPECT_EQ(Encode(unwind),
            (std::vector<uint8_t>{0x7F, 0x0A, 0x02, 0x40, 0x0C, 7, 0xC8, 0x01, 0x03, 0x34, 0x12,
                                  0xC3, 0x04, 0x45, 0x23, 0x01, 0x00, 0x0B}));
}

// Registers beyond the short forms, and a frame address below the stack pointer.
TEST(UnwindTest, LongForms) {
  UnwindInfo unwind;
  unwind.Add(4, UnwindOp::kSavedAt, 72, -96);
  unwind.Add(8, UnwindOp::kCfa, 31, -32);
  unwind.Add(8, UnwindOp::kCfa, 31, -1024);
  unwind.Add(12, UnwindOp::kSame, 72);
  EXPECT_EQ(Encode(unwind), (std::vector<uint8_t>{0x44, 0x05, 72, 12, 0x44, 0x12, 31, 4, 0x12, 31,
                                                  0x80, 0x01, 0x44, 0x06, 72}));
}

// Of AArch64's pointer authentication: signed, saved, plain again where the frame is given up.
TEST(UnwindTest, SignedReturnAddresses) {
  UnwindInfo unwind;
  unwind.Add(4, UnwindOp::kToggleSigned);
  unwind.Add(8, UnwindOp::kCfaOffset, 0, 16);
  unwind.Add(20, UnwindOp::kToggleSigned);
  EXPECT_EQ(Encode(unwind), (std::vector<uint8_t>{0x44, 0x2D, 0x44, 0x0E, 16, 0x4C, 0x2D}));
}

TEST(UnwindTest, NothingForALeaf) { EXPECT_TRUE(Encode(UnwindInfo()).empty()); }

}  // namespace
}  // namespace gantry::codegen
