// Shuffles: each place of the result from each byte of both operands, every pattern that a single
// instruction makes and random ones; of different operands, the same one twice (lessons.md row 9),
// zeros and memory. Compiled code against the interpreter, under the settings of VectorVariants.
#include <algorithm>
#include <set>
#include <vector>

#include "absl/types/span.h"
#include "codegen/differential/differential.h"
#include "codegen/generate/random_source.h"
#include "codegen/ir/builder.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

using Lanes = std::vector<ShuffleLanes>;

// Where the operands come from.
enum class Operands {
  kTwo,
  kSame,        // The first twice.
  kZeroSecond,  // A constant 0.
  kZeroFirst,
  kLoadSecond,  // The last 16 bytes of memory.
  kLoadFirst,
  kLoadedSame,
};
constexpr Operands kAllOperands[] = {
    Operands::kTwo,        Operands::kSame,      Operands::kZeroSecond, Operands::kZeroFirst,
    Operands::kLoadSecond, Operands::kLoadFirst, Operands::kLoadedSame};

// Bytes that are all different and never zero.
const RawValue kFirst(0x0807060504030201, 0x100F0E0D0C0B0A09);
const RawValue kSecond(0x8887868584838281, 0x908F8E8D8C8B8A89);

void Add(Differential& differential, const ShuffleLanes& lanes, Operands operands) {
  Function& func = differential.NewFunction({Type::kI64, Type::kV128, Type::kV128}, {Type::kV128});
  InstBuilder b(&func);
  const Block entry = b.MakeEntryBlock();
  const Value address = func.dfg.block_params(entry)[0];
  Value x = func.dfg.block_params(entry)[1];
  Value y = func.dfg.block_params(entry)[2];
  const auto load = [&] {
    return b.Load(Type::kV128, MemFlags::Trapping(TrapCode{1}), address,
                  Differential::kMemoryBytes - 16);
  };
  switch (operands) {
    case Operands::kTwo:
      break;
    case Operands::kSame:
      y = x;
      break;
    case Operands::kZeroSecond:
      y = b.V128const(0, 0);
      break;
    case Operands::kZeroFirst:
      x = b.V128const(0, 0);
      break;
    case Operands::kLoadSecond:
      y = load();
      break;
    case Operands::kLoadFirst:
      x = load();
      break;
    case Operands::kLoadedSame:
      x = y = load();
      break;
  }
  b.Return({b.Vshuffle(x, y, lanes)});
  differential.Try({MemoryAddress(), kFirst, kSecond});
}

void TryAll(const Lanes& patterns, absl::Span<const Operands> operands = kAllOperands) {
  const std::set<ShuffleLanes> distinct(patterns.begin(), patterns.end());
  for (const Operands kind : operands) {
    Differential differential;
    for (const ShuffleLanes& lanes : distinct) Add(differential, lanes, kind);
    differential.Run(TestedBackend().VectorVariants(0));
  }
}

// Pattern whose lanes of `width` bytes are lane(i) of the 32 / width lanes of both operands.
template <typename Lane>
ShuffleLanes Wide(uint32_t width, Lane lane) {
  ShuffleLanes lanes;
  for (uint32_t i = 0; i < 16; ++i) {
    lanes[i] = static_cast<uint8_t>(lane(i / width) % (32 / width) * width + i % width);
  }
  return lanes;
}

// With the operands changed over.
Lanes AndSwapped(Lanes patterns) {
  const size_t count = patterns.size();
  for (size_t i = 0; i < count; ++i) {
    ShuffleLanes lanes = patterns[i];
    for (uint8_t& lane : lanes) lane ^= 16;
    patterns.push_back(lanes);
  }
  return patterns;
}

TEST(VectorShuffleTest, EachPlaceFromEachByte) {
  Lanes patterns;
  for (uint32_t to = 0; to < 16; ++to) {
    for (uint8_t from = 0; from < 32; ++from) {
      // Alone, in the identity, and in a pattern that no single instruction makes.
      ShuffleLanes alone = {};
      ShuffleLanes identity = Wide(1, [](uint32_t i) { return i; });
      ShuffleLanes mixed = {5, 19, 2, 30, 30, 7, 16, 0, 9, 21, 11, 4, 26, 13, 1, 31};
      alone[to] = identity[to] = mixed[to] = from;
      patterns.insert(patterns.end(), {alone, identity, mixed});
    }
  }
  TryAll(patterns, {Operands::kTwo, Operands::kSame});
}

TEST(VectorShuffleTest, RepeatedLanes) {
  Lanes patterns;
  for (uint32_t width : {1, 2, 4, 8}) {
    for (uint32_t lane = 0; lane < 32 / width; ++lane) {
      patterns.push_back(Wide(width, [&](uint32_t) { return lane; }));
    }
  }
  TryAll(patterns);
}

TEST(VectorShuffleTest, LanesByTurns) {
  Lanes patterns;
  for (uint32_t width : {1, 2, 4, 8}) {
    const uint32_t count = 16 / width;
    for (uint32_t start : {0u, count / 2}) {
      // Both operands' low or high halves, and one operand's with itself.
      patterns.push_back(Wide(width, [&](uint32_t i) { return start + i / 2 + i % 2 * count; }));
      patterns.push_back(Wide(width, [&](uint32_t i) { return start + i / 2; }));
    }
    // Even and odd lanes of both, and of pairs.
    for (uint32_t odd : {0u, 1u}) {
      patterns.push_back(Wide(width, [&](uint32_t i) { return 2 * i + odd; }));
      patterns.push_back(Wide(width, [&](uint32_t i) { return i / 2 * 2 + odd + i % 2 * count; }));
      patterns.push_back(Wide(width, [&](uint32_t i) { return i / 2 * 2 + odd; }));
    }
  }
  TryAll(AndSwapped(patterns));
}

// Runs of bytes over both operands: shifts by bytes where one is zero.
TEST(VectorShuffleTest, Runs) {
  Lanes patterns;
  for (uint32_t start = 0; start < 32; ++start) {
    patterns.push_back(Wide(1, [&](uint32_t i) { return start + i; }));
    // With any byte of zeros behind or before the run.
    for (uint8_t zero : {0, 3, 15, 16, 20, 31}) {
      if (start > 16) continue;
      ShuffleLanes behind, before;
      for (uint32_t i = 0; i < 16; ++i) {
        behind[i] = i + start < 16 ? static_cast<uint8_t>(i + start) : zero;
        before[i] = i >= start ? static_cast<uint8_t>(i - start) : zero;
      }
      patterns.insert(patterns.end(), {behind, before});
    }
  }
  TryAll(AndSwapped(patterns));
}

TEST(VectorShuffleTest, LanesOf32BitsOfOne) {
  Lanes patterns;
  for (uint32_t k = 0; k < 256; ++k) {
    patterns.push_back(Wide(4, [&](uint32_t i) { return k >> 2 * i & 3; }));
    patterns.push_back(Wide(4, [&](uint32_t i) { return 4 + (k >> 2 * i & 3); }));
  }
  TryAll(patterns);
}

// Two lanes of each operand, by turns or not.
TEST(VectorShuffleTest, LanesOf32BitsOfTwo) {
  Lanes patterns;
  for (uint32_t k = 0; k < 256; ++k) {
    patterns.push_back(Wide(4, [&](uint32_t i) { return (k >> 2 * i & 3) + (i >= 2 ? 4 : 0); }));
    if (k % 3 != 0) continue;
    patterns.push_back(
        Wide(4, [&](uint32_t i) { return (k >> 2 * i & 3) + (i % 2 == 1 ? 4 : 0); }));
  }
  TryAll(AndSwapped(patterns), {Operands::kTwo, Operands::kSame, Operands::kLoadSecond});
}

TEST(VectorShuffleTest, OneLaneOf32BitsReplaced) {
  Lanes patterns;
  for (uint32_t to = 0; to < 4; ++to) {
    for (uint32_t from = 0; from < 8; ++from) {
      patterns.push_back(Wide(4, [&](uint32_t i) { return i == to ? from : i; }));
      // Others zero where the second operand is.
      patterns.push_back(Wide(4, [&](uint32_t i) { return i == to ? from : 4; }));
    }
  }
  TryAll(AndSwapped(patterns));
}

TEST(VectorShuffleTest, LanesOf16BitsOfOneHalf) {
  Lanes patterns;
  for (uint32_t k = 0; k < 256; ++k) {
    patterns.push_back(Wide(2, [&](uint32_t i) { return i < 4 ? k >> 2 * i & 3 : i; }));
    patterns.push_back(Wide(2, [&](uint32_t i) { return i < 4 ? i : 4 + (k >> 2 * (i - 4) & 3); }));
    if (k % 5 != 0) continue;
    patterns.push_back(Wide(2, [&](uint32_t i) {
      return i < 4 ? k >> 2 * i & 3 : 4 + ((255 - k) >> 2 * (i - 4) & 3);
    }));
  }
  TryAll(AndSwapped(patterns), {Operands::kTwo, Operands::kSame, Operands::kLoadFirst});
}

TEST(VectorShuffleTest, BytesThatStayInTheirPlaces) {
  Lanes patterns;
  for (uint32_t k = 0; k < 256; ++k) {
    patterns.push_back(Wide(2, [&](uint32_t i) { return i + ((k >> i & 1) != 0 ? 8 : 0); }));
  }
  for (uint32_t k = 0; k < 65536; k += 257) {
    const uint32_t mask = k * 40503 & 0xFFFF;
    patterns.push_back(Wide(1, [&](uint32_t i) { return i + ((mask >> i & 1) != 0 ? 16 : 0); }));
  }
  TryAll(patterns);
}

TEST(VectorShuffleTest, Reversals) {
  Lanes patterns;
  for (uint32_t width : {1, 2, 4, 8}) {
    for (uint32_t group = 2 * width; group <= 16; group *= 2) {
      // Lanes in reverse within groups: byte swaps, rotations by half.
      patterns.push_back(Wide(width, [&](uint32_t i) {
        const uint32_t lanes = group / width;
        return i / lanes * lanes + (lanes - 1 - i % lanes);
      }));
      for (uint32_t by = 1; by < group / width; ++by) {
        patterns.push_back(Wide(width, [&](uint32_t i) {
          const uint32_t lanes = group / width;
          return i / lanes * lanes + (i + by) % lanes;
        }));
      }
    }
  }
  TryAll(AndSwapped(patterns));
}

// Lanes with zeros between, in either order: extensions where one operand is zero.
TEST(VectorShuffleTest, Extensions) {
  Lanes patterns;
  for (uint32_t narrow : {1, 2, 4}) {
    for (uint32_t wide = 2 * narrow; wide <= 8; wide *= 2) {
      for (uint32_t start = 0; start + 16 / wide * narrow <= 16; start += narrow) {
        for (uint8_t zero : {16, 31}) {
          ShuffleLanes lanes;
          for (uint32_t i = 0; i < 16; ++i) {
            lanes[i] = i % wide < narrow
                           ? static_cast<uint8_t>(start + i / wide * narrow + i % wide)
                           : zero;
          }
          patterns.push_back(lanes);
        }
      }
    }
  }
  TryAll(AndSwapped(patterns));
}

TEST(VectorShuffleTest, RandomPatterns) {
  RandomSource random(3);
  Lanes patterns;
  for (int k = 0; k < 300; ++k) {
    for (uint32_t width : {1, 2, 4, 8}) {
      patterns.push_back(Wide(width, [&](uint32_t) { return random.Below(32 / width); }));
    }
  }
  TryAll(patterns);
}

// A shuffle of a shuffle, and of what is made of lanes.
TEST(VectorShuffleTest, Chains) {
  RandomSource random(4);
  Differential differential;
  for (int k = 0; k < 400; ++k) {
    Function& func = differential.NewFunction({Type::kV128, Type::kV128}, {Type::kV128});
    InstBuilder b(&func);
    const Block entry = b.MakeEntryBlock();
    std::vector<Value> values = {func.dfg.block_params(entry)[0], func.dfg.block_params(entry)[1]};
    for (int i = 0; i < 4; ++i) {
      const uint32_t width = 1u << random.Below(4);
      const uint32_t count = static_cast<uint32_t>(values.size());
      const Value x = values[random.Below(count)];
      const Value y = values[random.Below(count)];
      values.push_back(b.Vshuffle(x, y, Wide(width, [&](uint32_t lane) {
                                    return random.Chance(1, 3) ? lane : random.Below(32 / width);
                                  })));
    }
    b.Return({values.back()});
    differential.Try({kFirst, kSecond});
  }
  differential.Run(TestedBackend().VectorVariants(0));
}

// Swizzles by every constant index in every place, and by variable ones.
TEST(VectorShuffleTest, Swizzles) {
  Differential differential;
  RandomSource random(6);
  const auto add = [&](bool masked, bool constant, const RawValue& indices, bool same) {
    Function& func = differential.NewFunction({Type::kV128, Type::kV128}, {Type::kV128});
    InstBuilder b(&func);
    const Block entry = b.MakeEntryBlock();
    const Value x = func.dfg.block_params(entry)[0];
    Value y = func.dfg.block_params(entry)[1];
    if (constant) y = b.V128const(indices.lo, indices.hi);
    if (same) y = x;
    b.Return({masked ? b.VswizzleMasked(Type::kI8X16, x, y) : b.Vswizzle(Type::kI8X16, x, y)});
  };
  for (const bool masked : {false, true}) {
    std::vector<RawValue> all;
    for (uint64_t index = 0; index < 256; ++index) {
      all.emplace_back(index * 0x0101010101010101, (255 - index) * 0x0101010101010101);
      all.emplace_back(0x0706050403020100 ^ index << 8 * (index % 8),
                       0x0F0E0D0C0B0A0908 ^ (255 - index) << 8 * (index % 8));
      all.emplace_back(random.Bits64(), random.Bits64());
      all.emplace_back(random.Bits64() & 0x0F0F0F0F0F0F0F0F, random.Bits64() & 0x0F0F0F0F0F0F0F0F);
    }
    for (const RawValue& indices : all) {
      add(masked, true, indices, false);
      differential.Try({kFirst, kSecond});
    }
    add(masked, false, {}, false);
    for (const RawValue& indices : all) differential.Try({kFirst, indices});
    add(masked, false, {}, true);
    for (const RawValue& indices : all) differential.Try({indices, kSecond});
  }
  differential.Run(TestedBackend().VectorVariants(0));
}

}  // namespace
}  // namespace gantry::codegen
