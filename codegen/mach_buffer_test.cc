#include "codegen/mach_buffer.h"

#include <cstring>
#include <random>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "codegen/code_records.h"
#include "codegen/label_kind.h"
#include "codegen/mach_buffer_testing.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

using testing::CompareToyRuns;
using testing::kLoad;
using testing::kLong;
using testing::kMiddle;
using testing::kShort;
using testing::MakeToyProgram;
using testing::ToyKinds;
using Bytes = std::vector<uint8_t>;

const LabelKindTable& Kinds() {
  static const LabelKindTable table = ToyKinds();
  return table;
}

Bytes Code(const MachBuffer& buffer) { return Bytes(buffer.bytes().begin(), buffer.bytes().end()); }

// Instructions of the toy machine: 0x90 does nothing, 0x12 jumps, 0x22 branches.
void Nop(MachBuffer& buffer) { buffer.Put1(0x90); }
void Jump(MachBuffer& buffer, MachLabel target) {
  const CodeOffset start = buffer.offset();
  buffer.Put1(0x12);
  buffer.Put4(0);
  buffer.AddJump(start, start + 1, target, kLong);
}
void Branch(MachBuffer& buffer, MachLabel target) {
  const CodeOffset start = buffer.offset();
  buffer.Put1(0x22);
  buffer.Put2(7);
  buffer.Put4(0);
  buffer.AddConditionalJump(start, start + 3, target, kLong, 0x40);
}
void ShortBranch(MachBuffer& buffer, MachLabel target) {
  const CodeOffset start = buffer.offset();
  buffer.Put1(0x20);
  buffer.Put2(7);
  buffer.Put1(0);
  buffer.AddConditionalJump(start, start + 3, target, kShort, 0x40);
}

TEST(MachBufferJumps, FallthroughVanishes) {
  MachBuffer buffer(Kinds());
  const MachLabel next = buffer.NewLabel();
  Nop(buffer);
  Branch(buffer, next);
  Jump(buffer, next);
  buffer.Bind(next);
  Nop(buffer);
  ASSERT_TRUE(buffer.Finish().ok());
  EXPECT_EQ(Code(buffer), Bytes({0x90, 0x90}));
  EXPECT_EQ(buffer.OffsetOf(next), 1u);
}

TEST(MachBufferJumps, ConditionOverJumpIsInverted) {
  MachBuffer buffer(Kinds());
  const MachLabel next = buffer.NewLabel();
  const MachLabel far = buffer.NewLabel();
  Branch(buffer, next);
  Jump(buffer, far);
  buffer.Bind(next);
  Nop(buffer);
  buffer.Bind(far);
  ASSERT_TRUE(buffer.Finish().ok());
  EXPECT_EQ(Code(buffer), Bytes({0x62, 7, 0, 5, 0, 0, 0, 0x90}));
}

TEST(MachBufferJumps, ConditionOverJumpBackIsInverted) {
  MachBuffer buffer(Kinds());
  const MachLabel loop = buffer.NewLabel();
  const MachLabel next = buffer.NewLabel();
  buffer.Bind(loop);
  Nop(buffer);
  Branch(buffer, next);
  Jump(buffer, loop);
  buffer.Bind(next);
  ASSERT_TRUE(buffer.Finish().ok());
  EXPECT_EQ(Code(buffer), Bytes({0x90, 0x62, 7, 0, 0xFC, 0xFF, 0xFF, 0xFF}));
}

TEST(MachBufferJumps, NotInvertedWhereTheJumpIsOutOfReach) {
  MachBuffer buffer(Kinds());
  const MachLabel loop = buffer.NewLabel();
  const MachLabel next = buffer.NewLabel();
  buffer.Bind(loop);
  buffer.PutBytes(Bytes(200, 0x90));
  ShortBranch(buffer, next);
  Jump(buffer, loop);
  buffer.Bind(next);
  Nop(buffer);
  ASSERT_TRUE(buffer.Finish().ok());
  EXPECT_EQ(buffer.bytes().size(), 200u + 4 + 5 + 1);
  EXPECT_EQ(buffer.bytes()[203], 6);
}

TEST(MachBufferJumps, JumpsToJumpsAreThreaded) {
  MachBuffer buffer(Kinds());
  const MachLabel a = buffer.NewLabel();
  const MachLabel b = buffer.NewLabel();
  const MachLabel end = buffer.NewLabel();
  Branch(buffer, a);
  Nop(buffer);
  Jump(buffer, b);
  buffer.Bind(a);
  Jump(buffer, b);  // Nothing but `a` leads here, so it goes.
  buffer.Bind(b);
  Jump(buffer, end);
  Nop(buffer);
  buffer.Bind(end);
  ASSERT_TRUE(buffer.Finish().ok());
  // The branch leads straight to the end; its jump and that of the fallthrough became one.
  EXPECT_EQ(Code(buffer), Bytes({0x22, 7, 0, 11, 0, 0, 0, 0x90, 0x12, 5, 0, 0, 0, 0x90}));
}

TEST(MachBufferJumps, EndlessLoopsStay) {
  MachBuffer buffer(Kinds());
  const MachLabel self = buffer.NewLabel();
  const MachLabel a = buffer.NewLabel();
  const MachLabel b = buffer.NewLabel();
  Branch(buffer, a);
  buffer.Bind(self);
  Jump(buffer, self);
  buffer.Bind(a);
  Jump(buffer, b);
  buffer.Bind(b);
  Jump(buffer, a);
  ASSERT_TRUE(buffer.Finish().ok());
  EXPECT_EQ(buffer.bytes().size(), 17u);
  EXPECT_EQ(buffer.OffsetOf(a), 12u);
  EXPECT_EQ(buffer.OffsetOf(b), 12u);
}

TEST(MachBufferJumps, JumpBehindTheEndOfFlowVanishes) {
  MachBuffer buffer(Kinds());
  const MachLabel end = buffer.NewLabel();
  buffer.Put1(0x30);
  buffer.EndFlow();
  Jump(buffer, end);
  Nop(buffer);
  buffer.Bind(end);
  ASSERT_TRUE(buffer.Finish().ok());
  EXPECT_EQ(Code(buffer), Bytes({0x30, 0x90}));
}

TEST(MachBufferJumps, RecordsSettleTheOffset) {
  MachBuffer buffer(Kinds());
  const MachLabel next = buffer.NewLabel();
  buffer.Put1(0x34);
  buffer.AddCallSite();
  buffer.AddStackMap({});
  Jump(buffer, next);
  buffer.AddTrap(TrapCode{9});
  buffer.Bind(next);
  buffer.Put1(0x31);
  ASSERT_TRUE(buffer.Finish().ok());
  ASSERT_EQ(buffer.traps().size(), 1u);
  EXPECT_EQ(buffer.bytes()[buffer.traps()[0].offset], 0x31);
  // lessons.md row 3: maps without slots are there too.
  ASSERT_EQ(buffer.stack_maps().size(), 1u);
  EXPECT_EQ(buffer.stack_maps()[0].return_offset, 1u);
}

TEST(MachBufferJumps, SourceLocationsFollowRemovedJumps) {
  MachBuffer buffer(Kinds());
  const MachLabel next = buffer.NewLabel();
  buffer.SetSourceLoc(SourceLoc(1));
  Nop(buffer);
  buffer.SetSourceLoc(SourceLoc(2));
  Branch(buffer, next);
  buffer.SetSourceLoc(SourceLoc(3));
  Jump(buffer, next);
  buffer.SetSourceLoc(SourceLoc(4));
  buffer.Bind(next);
  Nop(buffer);
  ASSERT_TRUE(buffer.Finish().ok());
  const std::vector<SourceLocEntry> locs(buffer.source_locs().begin(), buffer.source_locs().end());
  EXPECT_EQ(locs,
            (std::vector<SourceLocEntry>{{0, SourceLoc(1)}, {1, SourceLoc(4)}, {2, SourceLoc()}}));
}

// Many blocks that hold nothing but a branch, all to one place, then the place itself: each
// is taken back in constant time.
TEST(MachBufferJumps, ChainsOfEmptyBlocksAreLinear) {
  MachBuffer buffer(Kinds());
  const int kBlocks = 300000;
  const MachLabel blocks = buffer.NewLabels(kBlocks + 1);
  for (int i = 0; i < kBlocks; ++i) {
    buffer.Bind(MachLabel(blocks.raw() + i));
    Branch(buffer, MachLabel(blocks.raw() + kBlocks));
  }
  buffer.Bind(MachLabel(blocks.raw() + kBlocks));
  Nop(buffer);
  ASSERT_TRUE(buffer.Finish().ok());
  EXPECT_EQ(buffer.bytes().size(), 1u);
  EXPECT_EQ(buffer.OffsetOf(blocks), 0u);

  buffer.Reset();
  const MachLabel jumps = buffer.NewLabels(kBlocks + 1);
  for (int i = 0; i < kBlocks; ++i) {
    Nop(buffer);
    buffer.Bind(MachLabel(jumps.raw() + i));
    Jump(buffer, MachLabel(jumps.raw() + i + 1));
  }
  buffer.Bind(MachLabel(jumps.raw() + kBlocks));
  ASSERT_TRUE(buffer.Finish().ok());
  for (int i = 0; i < kBlocks; ++i) {
    ASSERT_EQ(buffer.OffsetOf(MachLabel(jumps.raw() + i)), buffer.code_end());
  }
}

TEST(MachBufferData, ConstantsAreSharedAndAligned) {
  MachBuffer buffer(Kinds());
  std::vector<MachLabel> labels;
  for (int round = 0; round < 2; ++round) {
    for (uint32_t i = 0; i < 200; ++i) {
      labels.push_back(buffer.Constant8(i));
      labels.push_back(buffer.Constant4(i));
    }
  }
  const Bytes wide(64, 0xAB);
  const MachLabel wide_label = buffer.Constant(wide);
  for (uint32_t i = 0; i < 400; ++i) EXPECT_EQ(labels[i], labels[400 + i]);
  Nop(buffer);
  buffer.UseLabel(buffer.offset(), wide_label, kLong);
  buffer.Put4(0);
  ASSERT_TRUE(buffer.Finish().ok());
  EXPECT_EQ(buffer.alignment(), 64u);
  EXPECT_EQ(buffer.OffsetOf(wide_label), 64u);
  EXPECT_EQ(buffer.code_end(), 5u);
  EXPECT_EQ(buffer.bytes().size(), 64u + 64 + 200 * 12);
  for (uint32_t i = 0; i < 400; ++i) {
    uint64_t value = 0;
    const size_t size = i % 2 == 0 ? 8 : 4;
    const CodeOffset at = buffer.OffsetOf(labels[i]);
    EXPECT_EQ(at % size, 0u);
    std::memcpy(&value, &buffer.bytes()[at], size);
    EXPECT_EQ(value, i / 2);
  }
}

TEST(MachBufferData, JumpTableEntriesAreRelativeToTheTable) {
  MachBuffer buffer(Kinds());
  const MachLabel first = buffer.NewLabel();
  const MachLabel second = buffer.NewLabel();
  const MachLabel table = buffer.JumpTable({first, second, first}, kLong);
  buffer.UseLabel(buffer.offset(), table, kLong);
  buffer.Put4(0);
  buffer.Bind(first);
  Nop(buffer);
  buffer.Bind(second);
  Nop(buffer);
  ASSERT_TRUE(buffer.Finish().ok());
  const int32_t at = buffer.OffsetOf(table);
  EXPECT_EQ(at, 8);
  int32_t entries[3];
  std::memcpy(entries, &buffer.bytes()[at], sizeof entries);
  EXPECT_EQ(entries[0], 4 - at);
  EXPECT_EQ(entries[1], 5 - at);
  EXPECT_EQ(entries[2], 4 - at);
}

TEST(MachBufferData, OutOfLineTrapsKeepTheirSourceLocation) {
  MachBuffer buffer(Kinds());
  buffer.SetSourceLoc(SourceLoc(11));
  Branch(buffer, buffer.OutOfLineTrap(TrapCode{5}));
  buffer.SetSourceLoc(SourceLoc(12));
  buffer.Put1(0x30);
  ASSERT_TRUE(buffer.Finish().ok());
  ASSERT_EQ(buffer.traps().size(), 1u);
  EXPECT_EQ(buffer.traps()[0], (TrapRecord{8, TrapCode{5}}));
  EXPECT_EQ(buffer.source_locs()[2], (SourceLocEntry{8, SourceLoc(11)}));
}

TEST(MachBufferLimits, TooLargeIsAStatus) {
  MachBufferSettings settings;
  settings.max_size = 100000;
  MachBuffer buffer(Kinds(), settings);
  const MachLabel end = buffer.NewLabel();
  for (int i = 0; i < 50000; ++i) {
    Branch(buffer, end);
    if (i % 1000 == 0) {
      buffer.Put4(0);
      buffer.UseLabel(buffer.offset() - 4, buffer.Constant8(i), kLong);
    }
    if (buffer.NeedsIsland(64)) buffer.EmitIsland(64);
  }
  buffer.PutBytes(Bytes(500000, 0));
  buffer.Bind(end);
  const absl::Status status = buffer.Finish();
  EXPECT_EQ(status.code(), absl::StatusCode::kResourceExhausted) << status;
  buffer.Reset();
  Nop(buffer);
  EXPECT_TRUE(buffer.Finish().ok());
}

TEST(MachBufferLimits, UseWithoutVeneerOutOfReachIsAStatus) {
  MachBuffer buffer(Kinds());
  const MachLabel far = buffer.NewLabel();
  buffer.UseLabel(0, far, kLoad);
  buffer.Put4(0);
  buffer.PutBytes(Bytes(40000, 0));
  buffer.Bind(far);
  EXPECT_EQ(buffer.Finish().code(), absl::StatusCode::kResourceExhausted);
}

// --- Label kinds with the fields of real machines, their reach scaled down ----------------

template <int kShift, int kBits, int kScale>
void PatchField(uint8_t* use, int32_t delta) {
  uint32_t word;
  std::memcpy(&word, use, 4);
  const uint32_t mask = ((1u << kBits) - 1) << kShift;
  const uint32_t field = (word + (static_cast<uint32_t>(delta >> kScale) << kShift)) & mask;
  word = (word & ~mask) | field;
  std::memcpy(use, &word, 4);
}

void PatchAdr(uint8_t* use, int32_t delta) {
  uint32_t word;
  std::memcpy(&word, use, 4);
  word |= (static_cast<uint32_t>(delta) & 3) << 29;
  word |= ((static_cast<uint32_t>(delta) >> 2) & 0x7FFFF) << 5;
  std::memcpy(use, &word, 4);
}

void Patch32(uint8_t* use, int32_t delta) {
  int32_t word;
  std::memcpy(&word, use, 4);
  word += delta;
  std::memcpy(use, &word, 4);
}

void WriteB(uint8_t* at) {
  const uint32_t b = 0x14000000;
  std::memcpy(at, &b, 4);
}

// A word to add to its own address stands at 16.
void WriteLongJump(uint8_t* at) {
  const uint32_t code[] = {0x10000090, 0xB9800211, 0x8B110210, 0xD61F0200, 0};
  std::memcpy(at, code, sizeof code);
}

constexpr LabelKind kTest14{0}, kCondition19{1}, kLoad19{2}, kAdr21{3}, kBranch26{4}, kWord32{5};

// AArch64's forms with 1/`scale` of their reach.
LabelKindTable ScaledAArch64Kinds(int32_t scale) {
  LabelKindTable table{};
  const auto row = [&](LabelKind kind, const char* name, int32_t reach, auto patch) -> auto& {
    LabelKindInfo& info = table.kinds[static_cast<int>(kind)];
    info = {name, -reach / scale, reach / scale - 4, 4, patch, 0, 0, LabelKind{0}, nullptr};
    return info;
  };
  const auto veneer = [](LabelKindInfo& info, int size, int use, LabelKind kind, auto write) {
    info.veneer_size = static_cast<uint8_t>(size);
    info.veneer_use_offset = static_cast<uint8_t>(use);
    info.veneer_kind = kind;
    info.write_veneer = write;
  };
  veneer(row(kTest14, "test14", 1 << 15, PatchField<5, 14, 2>), 4, 0, kBranch26, WriteB);
  veneer(row(kCondition19, "condition19", 1 << 20, PatchField<5, 19, 2>), 4, 0, kBranch26, WriteB);
  row(kLoad19, "load19", 1 << 20, PatchField<5, 19, 2>);
  row(kAdr21, "adr21", 1 << 20, PatchAdr);
  veneer(row(kBranch26, "branch26", 1 << 27, PatchField<0, 26, 2>), 20, 16, kWord32, WriteLongJump);
  row(kWord32, "word32", INT32_MAX, Patch32).max_delta = INT32_MAX;
  table.kinds[static_cast<int>(kWord32)].min_delta = INT32_MIN;
  table.kind_count = 6;
  table.instruction_alignment = 4;
  table.trap_size = 4;
  table.constant_reach = (1 << 20) / scale - 4;
  return table;
}

int64_t SignedField(uint32_t word, int shift, int bits) {
  return static_cast<int64_t>(uint64_t{word} << (64 - shift - bits)) >> (64 - bits);
}

// Follows a branch at `at` through veneers to where it leads; counts them.
int64_t Follow(const Bytes& code, int64_t at, LabelKind kind, int& veneers) {
  const auto word = [&](int64_t offset) {
    uint32_t value;
    std::memcpy(&value, &code[offset], 4);
    return value;
  };
  int64_t target = kind == kTest14        ? at + 4 * SignedField(word(at), 5, 14)
                   : kind == kCondition19 ? at + 4 * SignedField(word(at), 5, 19)
                                          : at + 4 * SignedField(word(at), 0, 26);
  for (;;) {
    if (target + 4 > static_cast<int64_t>(code.size())) return target;
    if ((word(target) & 0xFC000000) == 0x14000000) {
      target += 4 * SignedField(word(target), 0, 26);
    } else if (word(target) == 0x10000090) {
      target += 16 + static_cast<int32_t>(word(target + 16));
    } else {
      return target;
    }
    ++veneers;
  }
}

// Every kind driven past its reach, in both directions, at several scales.
TEST(MachBufferIslands, AArch64KindsBeyondTheirReach) {
  for (const int32_t scale : {16, 64, 200}) {
    for (const bool force : {false, true}) {
      const LabelKindTable kinds = ScaledAArch64Kinds(scale);
      MachBufferSettings settings;
      settings.force_veneers = force;
      MachBuffer buffer(kinds, settings);
      std::mt19937 random(scale);
      struct Site {
        CodeOffset at;
        LabelKind kind;
        uint32_t label;
      };
      std::vector<Site> sites;
      const uint32_t kLabels = 64;
      const MachLabel labels = buffer.NewLabels(kLabels);
      // At the smallest scale enough code for the 26-bit form to run out as well.
      const uint32_t kWords = scale == 200 ? 400000 : 100000;
      uint32_t bound = 0;
      for (uint32_t i = 0; i < kWords; ++i) {
        if (buffer.NeedsIsland(8 + 32)) {
          const MachLabel around = buffer.NewLabel();
          const CodeOffset start = buffer.offset();
          buffer.Put4(0x14000000);
          buffer.AddJump(start, start, around, kBranch26);
          buffer.EmitIsland(8 + 32);
          buffer.Bind(around);
        }
        const uint32_t die = random() % 64;
        const uint32_t label = random() % kLabels;
        const CodeOffset at = buffer.offset();
        if (die < 3) {
          const LabelKind kind = die == 0 ? kTest14 : die == 1 ? kCondition19 : kBranch26;
          buffer.Put4(die == 0 ? 0x36000000 : die == 1 ? 0x54000000 : 0x94000000);
          buffer.UseLabel(at, MachLabel(labels.raw() + label), kind);
          sites.push_back({at, kind, label});
        } else if (die == 3) {
          buffer.Put4(0x58000000);
          buffer.UseLabel(at, buffer.Constant8(random() % 8), kLoad19);
        } else {
          buffer.Put4(0xD503201F);
        }
        if (bound < kLabels && i > (bound + 1) * (kWords / kLabels) - 100) {
          buffer.Bind(MachLabel(labels.raw() + bound++));
          buffer.Put4(0xD503201F);
        }
      }
      while (bound < kLabels) buffer.Bind(MachLabel(labels.raw() + bound++));
      buffer.Put4(0xD65F03C0);
      ASSERT_TRUE(buffer.Finish().ok()) << "scale " << scale;
      const Bytes code = Code(buffer);
      int veneers = 0;
      for (const Site& site : sites) {
        ASSERT_EQ(Follow(code, site.at, site.kind, veneers),
                  buffer.OffsetOf(MachLabel(labels.raw() + site.label)))
            << kinds[site.kind].name << " at " << site.at << ", scale " << scale;
      }
      EXPECT_GT(veneers, 0);
      for (CodeOffset at = 0; at < buffer.code_end(); at += 4) {
        uint32_t word;
        std::memcpy(&word, &code[at], 4);
        if ((word & 0xFF00001F) != 0x58000000) continue;
        uint64_t value;
        std::memcpy(&value, &code[at + 4 * SignedField(word, 5, 19)], 8);
        ASSERT_LT(value, 8u) << "constant read at " << at;
      }
    }
  }
}

// What is bound right here needs no island, however far away the next question is; what is bound
// later does.
TEST(MachBufferIslands, TheLabelThatComesNextIsNotWaitedFor) {
  const LabelKindTable kinds = ToyKinds(100, 1000, 1000);
  MachBuffer buffer(kinds);
  const MachLabel next = buffer.NewLabel(), later = buffer.NewLabel();
  ShortBranch(buffer, next);
  for (int i = 0; i < 40; ++i) Nop(buffer);
  EXPECT_TRUE(buffer.NeedsIsland(90));
  EXPECT_FALSE(buffer.NeedsIsland(90, next));
  ShortBranch(buffer, later);
  EXPECT_TRUE(buffer.NeedsIsland(200, next));
  EXPECT_FALSE(buffer.NeedsIsland(50, next));
  buffer.Bind(next);
  buffer.Bind(later);
  EXPECT_TRUE(buffer.Finish().ok());
}

// A use gets no veneer while it can still reach: the island that one urgent use needs leaves
// the others in their queues.
TEST(MachBufferIslands, OnlyUrgentUsesGetVeneers) {
  const LabelKindTable kinds = ToyKinds(100, 1000, 1000);
  MachBuffer buffer(kinds);
  const MachLabel end = buffer.NewLabel();
  ShortBranch(buffer, end);
  for (int i = 0; i < 50; ++i) Nop(buffer);
  ShortBranch(buffer, end);
  EXPECT_FALSE(buffer.NeedsIsland(10));
  for (int i = 0; i < 30; ++i) Nop(buffer);
  EXPECT_TRUE(buffer.NeedsIsland(10));
  buffer.EmitIsland(10);
  EXPECT_FALSE(buffer.NeedsIsland(10));
  const CodeOffset after = buffer.offset();
  EXPECT_EQ(after, 4u + 50 + 4 + 30 + 3);  // One veneer.
  Nop(buffer);
  buffer.Bind(end);
  ASSERT_TRUE(buffer.Finish().ok());
  EXPECT_EQ(buffer.bytes()[3], 88 - 3);                   // To the veneer,
  EXPECT_EQ(buffer.bytes()[89], after + 1 - 89);          // which leads to the end;
  EXPECT_EQ(buffer.bytes()[4 + 50 + 3], after + 1 - 57);  // the other straight there.
}

TEST(MachBufferPrograms, RandomProgramsBehaveLikeTheTwoPassReference) {
  std::mt19937 random(20);
  for (int i = 0; i < 3000; ++i) {
    uint8_t seed[8];
    for (uint8_t& byte : seed) byte = static_cast<uint8_t>(random());
    const testing::ToyProgram program = MakeToyProgram(seed);
    MachBuffer buffer(program.kinds, program.settings);
    ASSERT_EQ(CompareToyRuns(program, buffer), "") << "program " << i;
    // The same bytes again from reused storage.
    const Bytes first = Code(buffer);
    testing::AssembleWithBuffer(program, buffer);
    ASSERT_EQ(Code(buffer), first) << "program " << i;
  }
}

}  // namespace
}  // namespace gantry::codegen
