// Immediates and folded operands, enumerated: every logical immediate, sums and comparisons around
// the edges of what an instruction holds, shifts and extensions of operands by every amount, bit
// fields, rotations, tests of every bit, chains of conditions, products that are added, offsets of
// every class at every width of access, constants of floats and vectors (lessons rows 5, 8, 15 and
// 16). The enumerations are of AArch64's encodings, whose edges are other ISAs' ordinary constants.
//
// Many operations share a function, whose result is a mixture of theirs.
#include <bit>
#include <cstdint>
#include <functional>
#include <iterator>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "codegen/differential/differential.h"
#include "codegen/ir/builder.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

constexpr Type kInts[] = {Type::kI8, Type::kI16, Type::kI32, Type::kI64};
constexpr Type kWide[] = {Type::kI32, Type::kI64};

// A function of a few parameters that mixes values together, begun anew when it has many. The last
// one is whole when the mixer goes.
class Mixer {
 public:
  using Values = std::vector<Value>;
  static constexpr int kPerFunction = 48;

  Mixer(Differential& differential, std::vector<Type> params,
        std::vector<std::vector<RawValue>> args)
      : differential_(differential), params_(std::move(params)), args_(std::move(args)) {}
  ~Mixer() { Finish(); }

  // Adds what compute(builder, parameters) makes of them.
  void Add(const std::function<Value(InstBuilder&, const Values&)>& compute) {
    if (count_ == 0) Begin();
    Value value = compute(*builder_, values_);
    const Type type = func_->dfg.value_type(value);
    if (type == Type::kF64) {
      value = builder_->Bitcast(Type::kI64, value);
    } else if (type == Type::kF32) {
      value = builder_->Uextend(Type::kI64, builder_->Bitcast(Type::kI32, value));
    } else if (type != Type::kI64) {
      value = builder_->Uextend(Type::kI64, value);
    }
    sum_ = builder_->Bxor(builder_->Imul(sum_, builder_->I64(0x10000000233)), value);
    if (++count_ == kPerFunction) Finish();
  }

  // Ends the function under way.
  void Finish() {
    if (count_ == 0) return;
    builder_->Return({sum_});
    for (const std::vector<RawValue>& args : args_) differential_.Try(args);
    count_ = 0;
  }

 private:
  void Begin() {
    func_ = &differential_.NewFunction(params_, {Type::kI64});
    builder_.emplace(func_);
    const Block entry = builder_->MakeEntryBlock();
    values_.assign(func_->dfg.block_params(entry).begin(), func_->dfg.block_params(entry).end());
    sum_ = builder_->I64(0x1234567);
  }
  Differential& differential_;
  const std::vector<Type> params_;
  const std::vector<std::vector<RawValue>> args_;
  Function* func_ = nullptr;
  std::optional<InstBuilder> builder_;
  Values values_;
  Value sum_;
  int count_ = 0;
};

// Values that make every bit of an operand count, one after another.
std::vector<uint64_t> Samples(Type type) {
  const uint64_t mask = TypeMask(type);
  const uint64_t top = uint64_t{1} << (TypeBits(type) - 1);
  return {0, mask, top, 0x0123456789ABCDEF & mask, 0xFEDCBA9876543210 & mask};
}
std::vector<std::vector<RawValue>> OneSample(Type type) {
  std::vector<std::vector<RawValue>> args;
  for (uint64_t x : Samples(type)) args.push_back({RawValue(x)});
  return args;
}
std::vector<std::vector<RawValue>> TwoSamples(Type a, Type b) {
  std::vector<std::vector<RawValue>> args;
  const std::vector<uint64_t> xs = Samples(a), ys = Samples(b);
  for (size_t i = 0; i < xs.size(); ++i) {
    args.push_back({RawValue(xs[i]), RawValue(ys[(i + 2) % ys.size()])});
    args.push_back({RawValue(xs[i]), RawValue(ys[(2 * i + 1) % ys.size()])});
  }
  return args;
}

// All that a logical instruction of `bits` bits holds: runs of ones in elements of 2 to 64 bits,
// turned.
std::set<uint64_t> LogicalImmediates(uint32_t bits) {
  std::set<uint64_t> all;
  const uint64_t mask = bits == 64 ? ~uint64_t{0} : (uint64_t{1} << bits) - 1;
  for (uint32_t size = 2; size <= bits; size *= 2) {
    const uint64_t element_mask = size == 64 ? ~uint64_t{0} : (uint64_t{1} << size) - 1;
    for (uint32_t ones = 1; ones < size; ++ones) {
      const uint64_t run = (uint64_t{1} << ones) - 1;
      for (uint32_t turn = 0; turn < size; ++turn) {
        uint64_t element = run;
        if (turn != 0) element = (run >> turn | run << (size - turn)) & element_mask;
        uint64_t value = 0;
        for (uint32_t at = 0; at < bits; at += size) value |= element << at;
        all.insert(value & mask);
      }
    }
  }
  return all;
}

// Constants at the edges of twelve bits, of twelve bits shifted, and of each width.
std::vector<uint64_t> SumImmediates() {
  std::vector<uint64_t> values;
  for (uint64_t edge : {0x0, 0x1, 0xFF, 0xFFF, 0x1000, 0x2000, 0xFFF000, 0xFFFFFF, 0x1000000}) {
    for (uint64_t near : {edge - 1, edge, edge + 1}) {
      values.push_back(near);
      values.push_back(0 - near);
    }
  }
  for (int k = 0; k < 64; ++k) values.push_back(uint64_t{1} << k);
  return values;
}

MemFlags Checked() { return MemFlags::Trapping(TrapCode{1}); }

Value Constant(InstBuilder& b, Type type, uint64_t value) {
  return b.Iconst(type, static_cast<int64_t>(value));
}

TEST(ImmediatesTest, EveryLogicalImmediate) {
  Differential differential;
  for (const Type type : kWide) {
    Mixer mixer(differential, {type}, OneSample(type));
    const std::set<uint64_t> immediates = LogicalImmediates(TypeBits(type));
    EXPECT_EQ(immediates.size(), type == Type::kI64 ? 5334u : 1302u);
    uint32_t turn = 0;
    for (uint64_t imm : immediates) {
      // Each operation has its turn; and each now and then a neighbour that is none of them.
      const uint64_t value = imm + (turn % 16 == 15 ? 1 : 0);
      mixer.Add([&](InstBuilder& b, const Mixer::Values& v) {
        const Value c = Constant(b, type, value);
        switch (turn % 4) {
          case 0:
            return b.Band(v[0], c);
          case 1:
            return b.Bor(c, v[0]);
          case 2:
            return b.Bxor(v[0], c);
          default:
            return b.BandNot(v[0], c);
        }
      });
      ++turn;
    }
  }
  // All of them with each operation where they are few.
  for (const Type type : {Type::kI8, Type::kI16}) {
    Mixer mixer(differential, {type}, OneSample(type));
    for (uint64_t imm = 1; imm <= 0x100; ++imm) {
      const uint64_t value = type == Type::kI8 ? imm : imm * 0xFF;
      mixer.Add([&](InstBuilder& b, const Mixer::Values& v) {
        return b.Bxor(b.Band(v[0], Constant(b, type, value)),
                      b.Bor(b.BandNot(v[0], Constant(b, type, value + 1)),
                            b.Bxor(v[0], Constant(b, type, value))));
      });
    }
  }
  differential.Run();
}

TEST(ImmediatesTest, SumsAndComparisons) {
  Differential differential;
  for (const Type type : kInts) {
    Mixer mixer(differential, {type}, OneSample(type));
    for (uint64_t imm : SumImmediates()) {
      mixer.Add([&](InstBuilder& b, const Mixer::Values& v) {
        return b.Iadd(Constant(b, type, imm), v[0]);
      });
      mixer.Add([&](InstBuilder& b, const Mixer::Values& v) {
        return b.Isub(v[0], Constant(b, type, imm));
      });
      mixer.Add([&](InstBuilder& b, const Mixer::Values& v) {
        return b.Isub(Constant(b, type, imm), v[0]);
      });
    }
    // A comparison with the constant and its neighbours on either side, so that one bit off shows.
    Mixer compares(differential, {type}, OneSample(type));
    for (uint64_t imm : SumImmediates()) {
      for (int cc = 0; cc < kNumIntCCs; ++cc) {
        compares.Add([&](InstBuilder& b, const Mixer::Values& v) {
          const Value c = Constant(b, type, imm);
          const Value near = b.Iadd(b.Band(v[0], Constant(b, type, 1)), c);
          const Value found = b.Icmp(static_cast<IntCC>(cc), cc % 2 == 0 ? v[0] : near, c);
          return cc % 3 == 0 ? b.Uextend(Type::kI64, found) : b.Select(found, b.I64(5), b.I64(9));
        });
      }
    }
  }
  differential.Run();
}

// Operands shifted by every amount, on either side (the amount is the shift's own, taken modulo its
// own width: row 15).
TEST(ImmediatesTest, ShiftedOperands) {
  using Shift = Value (InstBuilder::*)(Value, Value);
  using Use = Value (*)(InstBuilder&, Value, Value);
  static constexpr Use kUses[] = {
      [](InstBuilder& b, Value x, Value y) { return b.Iadd(x, y); },
      [](InstBuilder& b, Value x, Value y) { return b.Isub(x, y); },
      [](InstBuilder& b, Value x, Value y) { return b.Band(x, y); },
      [](InstBuilder& b, Value x, Value y) { return b.Bor(x, y); },
      [](InstBuilder& b, Value x, Value y) { return b.Bxor(x, y); },
      [](InstBuilder& b, Value x, Value y) { return b.BandNot(x, y); },
      [](InstBuilder& b, Value x, Value y) { return b.Bor(x, b.Bnot(y)); },
      [](InstBuilder& b, Value x, Value y) { return b.Bxor(b.Bnot(x), y); },
      [](InstBuilder& b, Value, Value y) { return b.Ineg(y); },
      [](InstBuilder& b, Value, Value y) { return b.Bnot(y); },
      [](InstBuilder& b, Value x, Value y) { return b.Icmp(IntCC::kUlt, x, y); },
      [](InstBuilder& b, Value x, Value y) { return b.Icmp(IntCC::kSge, y, x); },
      [](InstBuilder& b, Value x, Value y) { return b.Icmp(IntCC::kEq, x, y); },
  };
  const std::pair<const char*, Shift> shifts[] = {{"ishl", &InstBuilder::Ishl},
                                                  {"ushr", &InstBuilder::Ushr},
                                                  {"sshr", &InstBuilder::Sshr},
                                                  {"rotr", &InstBuilder::Rotr},
                                                  {"rotl", &InstBuilder::Rotl}};
  Differential differential;
  for (const Type type : kInts) {
    const uint32_t step = TypeBits(type) < 32 ? 3 : 1;
    Mixer mixer(differential, {type, type}, TwoSamples(type, type));
    for (const auto& [name, shift] : shifts) {
      for (uint32_t amount = 0; amount <= TypeBits(type) + 1; amount += step) {
        for (size_t use = 0; use < std::size(kUses); ++use) {
          mixer.Add([&, shift = shift](InstBuilder& b, const Mixer::Values& v) {
            const Value shifted = (b.*shift)(v[1], Constant(b, type, amount));
            return (use + amount) % 2 == 0 ? kUses[use](b, v[0], shifted)
                                           : kUses[use](b, shifted, v[0]);
          });
        }
      }
    }
  }
  differential.Run();
}

// Operands extended from each width, with and without a shift: extended-register forms, and
// addresses' sums.
TEST(ImmediatesTest, ExtendedOperands) {
  Differential differential;
  for (const Type to : {Type::kI16, Type::kI32, Type::kI64}) {
    for (const Type from : {Type::kI8, Type::kI16, Type::kI32}) {
      if (TypeBits(from) >= TypeBits(to)) continue;
      Mixer mixer(differential, {to, from}, TwoSamples(to, from));
      for (uint32_t amount = 0; amount <= 6; ++amount) {
        for (int kind = 0; kind < 2; ++kind) {
          for (int use = 0; use < 6; ++use) {
            mixer.Add([&](InstBuilder& b, const Mixer::Values& v) {
              Value wide = kind == 0 ? b.Uextend(to, v[1]) : b.Sextend(to, v[1]);
              if (amount != 0) wide = b.Ishl(wide, Constant(b, to, amount));
              switch (use) {
                case 0:
                  return b.Iadd(v[0], wide);
                case 1:
                  return b.Iadd(wide, v[0]);
                case 2:
                  return b.Isub(v[0], wide);
                case 3:
                  return b.Isub(wide, v[0]);
                case 4:
                  return b.Icmp(IntCC::kUgt, v[0], wide);
                default:
                  return b.Icmp(IntCC::kSlt, wide, v[0]);
              }
            });
          }
        }
      }
      // Shifted first and extended then: the bits that fall off stay off (row 8).
      for (uint32_t amount = 0; amount < TypeBits(from); ++amount) {
        mixer.Add([&](InstBuilder& b, const Mixer::Values& v) {
          const Value shifted = b.Ishl(v[1], Constant(b, from, amount));
          return b.Iadd(v[0], amount % 2 == 0 ? b.Uextend(to, shifted) : b.Sextend(to, shifted));
        });
      }
    }
  }
  differential.Run();
}

// Two shifts, a shift and a mask, a field put into another value.
TEST(ImmediatesTest, BitFields) {
  Differential differential;
  for (const Type type : kWide) {
    const uint32_t bits = TypeBits(type);
    const uint32_t step = bits == 64 ? 5 : 1;
    Mixer mixer(differential, {type, type}, TwoSamples(type, type));
    for (uint32_t i = 0; i < bits; i += step) {
      for (uint32_t k = 0; k < bits; ++k) {
        const uint64_t low_ones = (uint64_t{2} << k) - 1;
        mixer.Add([&](InstBuilder& b, const Mixer::Values& v) {
          const Value left = b.Ishl(v[0], Constant(b, type, i));
          return k % 2 == 0 ? b.Ushr(left, Constant(b, type, k))
                            : b.Sshr(left, Constant(b, type, k));
        });
        mixer.Add([&](InstBuilder& b, const Mixer::Values& v) {
          return b.Band(b.Ushr(v[0], Constant(b, type, i)), Constant(b, type, low_ones));
        });
        mixer.Add([&](InstBuilder& b, const Mixer::Values& v) {
          return b.Ishl(b.Band(v[0], Constant(b, type, low_ones)), Constant(b, type, i));
        });
        if (k % 3 != 0) continue;
        mixer.Add([&](InstBuilder& b, const Mixer::Values& v) {
          const Value field =
              b.Ishl(b.Band(v[1], Constant(b, type, low_ones)), Constant(b, type, i));
          return b.Bor(b.Band(v[0], Constant(b, type, ~(low_ones << i))), field);
        });
      }
    }
  }
  // Extensions of what was shifted, and shifts of what was extended.
  for (const Type from : {Type::kI8, Type::kI16, Type::kI32}) {
    Mixer mixer(differential, {from}, OneSample(from));
    for (uint32_t k = 0; k < 64; ++k) {
      for (int kind = 0; kind < 2; ++kind) {
        mixer.Add([&](InstBuilder& b, const Mixer::Values& v) {
          const Value wide = kind == 0 ? b.Uextend(Type::kI64, v[0]) : b.Sextend(Type::kI64, v[0]);
          return k % 3 == 0   ? b.Ishl(wide, b.I64(k))
                 : k % 3 == 1 ? b.Ushr(wide, b.I64(k))
                              : b.Sshr(wide, b.I64(k));
        });
      }
    }
  }
  differential.Run();
}

// A field of one value put into another, at every place with every width: masked before it is
// shifted or behind, whole up to the top or down from it; and masks that are one bit off.
TEST(ImmediatesTest, Insertions) {
  Differential differential;
  for (const Type type : kWide) {
    const uint32_t bits = TypeBits(type);
    const uint64_t all = TypeMask(type);
    Mixer mixer(differential, {type, type}, TwoSamples(type, type));
    uint32_t turn = 0;
    for (uint32_t lsb = 0; lsb < bits; ++lsb) {
      for (uint32_t width = 1; lsb + width <= bits; ++width) {
        const uint64_t ones = (uint64_t{2} << (width - 1)) - 1;
        const uint64_t run = ones << lsb;
        ++turn;
        const uint64_t off = turn % 8 == 7 ? uint64_t{1} << (turn / 8 % bits) : 0;
        const auto add = [&](const std::function<Value(InstBuilder&, Value)>& field) {
          mixer.Add([&](InstBuilder& b, const Mixer::Values& v) {
            const Value kept = b.Band(v[0], Constant(b, type, (~run ^ off) & all));
            const Value inserted = field(b, v[1]);
            return turn % 2 == 0 ? b.Bor(kept, inserted) : b.Bor(inserted, kept);
          });
        };
        const auto constant = [&](InstBuilder& b, uint64_t value) {
          return Constant(b, type, value & all);
        };
        add([&](InstBuilder& b, Value y) {
          return b.Ishl(b.Band(y, constant(b, ones)), constant(b, lsb));
        });
        add([&](InstBuilder& b, Value y) {
          return b.Band(b.Ishl(y, constant(b, lsb)), constant(b, run));
        });
        add([&](InstBuilder& b, Value y) { return b.Ishl(y, constant(b, lsb)); });
        // From `lsb` to the bottom.
        const auto add_down = [&](const std::function<Value(InstBuilder&, Value)>& field) {
          mixer.Add([&](InstBuilder& b, const Mixer::Values& v) {
            const Value kept = b.Band(v[0], constant(b, ~ones ^ off));
            return b.Bor(kept, field(b, v[1]));
          });
        };
        add_down([&](InstBuilder& b, Value y) {
          return b.Band(b.Ushr(y, constant(b, lsb)), constant(b, ones));
        });
        if (lsb + width == bits) {
          add_down([&](InstBuilder& b, Value y) { return b.Ushr(y, constant(b, lsb)); });
        }
        if (lsb == 0)
          add_down([&](InstBuilder& b, Value y) { return b.Band(y, constant(b, ones)); });
      }
    }
  }
  differential.Run();
}

TEST(ImmediatesTest, RotationsAndExtractions) {
  Differential differential;
  for (const Type type : kInts) {
    const uint32_t bits = TypeBits(type);
    Mixer mixer(differential, {type, type}, TwoSamples(type, type));
    for (uint32_t k = 0; k <= 2 * bits; ++k) {
      mixer.Add([&](InstBuilder& b, const Mixer::Values& v) {
        return k % 2 == 0 ? b.Rotl(v[0], Constant(b, type, k)) : b.Rotr(v[0], Constant(b, type, k));
      });
      // One value's end and another's beginning; where they are one, a rotation.
      for (int same = 0; same < 2; ++same) {
        mixer.Add([&](InstBuilder& b, const Mixer::Values& v) {
          return b.Bor(b.Ushr(v[0], Constant(b, type, k)),
                       b.Ishl(v[same == 0 ? 1 : 0], Constant(b, type, bits - k)));
        });
      }
    }
  }
  differential.Run();
}

// A function for each: branches, choices and traps on every bit, on zero and on the sign.
TEST(ImmediatesTest, TestsOfEveryBit) {
  Differential differential;
  const auto condition = [](InstBuilder& b, Type type, Value x, uint32_t bit, int form) {
    const Value masked = b.Band(x, Constant(b, type, uint64_t{1} << bit));
    const Value zero = Constant(b, type, 0);
    switch (form) {
      case 0:
        return b.Icmp(IntCC::kNe, masked, zero);
      case 1:
        return b.Icmp(IntCC::kEq, masked, zero);
      case 2:
        return b.Icmp(IntCC::kSlt, b.Ishl(x, Constant(b, type, TypeBits(type) - 1 - bit)), zero);
      default:
        return b.Icmp(IntCC::kEq, masked, Constant(b, type, uint64_t{1} << bit));
    }
  };
  for (const Type type : kInts) {
    std::vector<std::vector<RawValue>> args = OneSample(type);
    for (uint32_t bit = 0; bit < TypeBits(type); ++bit) {
      for (int form = 0; form < 4; ++form) {
        Function& func = differential.NewFunction({type}, {Type::kI32});
        InstBuilder b(&func);
        const Block entry = b.MakeEntryBlock();
        const Value x = func.dfg.block_params(entry)[0];
        const int use = static_cast<int>(bit + static_cast<uint32_t>(form)) % 4;
        if (use == 3) {
          b.Trapnz(condition(b, type, x, bit, form), TrapCode{2});
          b.Return({b.I32(1)});
        } else if (use == 2) {
          b.Trapz(condition(b, type, x, bit, form), TrapCode{3});
          b.Return({b.I32(2)});
        } else {
          const Block yes = b.MakeBlock();
          const Block no = b.MakeBlock();
          b.Brif(condition(b, type, x, bit, form), yes, {}, no, {});
          b.Begin(yes);
          b.Return({b.Select(condition(b, type, x, bit, use), b.I32(7), b.I32(-3))});
          b.Begin(no);
          b.Return({condition(b, type, x, bit, 1)});
        }
        differential.Try({RawValue(uint64_t{1} << bit)});
        differential.Try({RawValue(~(uint64_t{1} << bit) & TypeMask(type))});
        differential.Try(args[bit % args.size()]);
      }
    }
  }
  differential.Run();
}

// Two comparisons joined, as values, in choices, branches and traps: immediates that conditional
// comparisons hold (0 to 31) and others.
TEST(ImmediatesTest, ChainsOfConditions) {
  Differential differential;
  for (const Type type : kWide) {
    for (const uint64_t imm : {0, 1, 15, 30, 31, 32, 33, -1, -31, -32, 4095, 4096}) {
      for (int first = 0; first < kNumIntCCs; ++first) {
        const IntCC cc = static_cast<IntCC>(first);
        const IntCC second = static_cast<IntCC>((static_cast<uint64_t>(first) * 7 + imm) %
                                                static_cast<uint64_t>(kNumIntCCs));
        Function& func = differential.NewFunction({type, type}, {Type::kI64});
        InstBuilder b(&func);
        const Block entry = b.MakeEntryBlock();
        const Value x = func.dfg.block_params(entry)[0];
        const Value y = func.dfg.block_params(entry)[1];
        const auto join = [&](int how) {
          const Value one = b.Icmp(cc, x, Constant(b, type, imm));
          const Value other = b.Icmp(second, y, how % 2 == 0 ? x : Constant(b, type, imm));
          return how < 2 ? b.Band(one, other) : b.Bor(other, one);
        };
        const Block yes = b.MakeBlock();
        const Block no = b.MakeBlock();
        const Value value = b.Uextend(Type::kI64, join(first % 4));
        const Value chosen = b.Select(join((first + 1) % 4), b.I64(3), b.I64(-8));
        const Value sum = b.Iadd(b.Ishl(value, b.I64(8)), chosen);
        b.Brif(join((first + 2) % 4), yes, {}, no, {});
        b.Begin(yes);
        b.Trapnz(join((first + 3) % 4), TrapCode{2});
        b.Return({sum});
        b.Begin(no);
        b.Return({b.Bnot(sum)});
        for (const uint64_t a : {imm - 1, imm, imm + 1, uint64_t{0}, uint64_t{1} << 63}) {
          for (const uint64_t c : {imm, imm + 1, ~uint64_t{0}}) {
            differential.Try({RawValue(a & TypeMask(type)), RawValue(c & TypeMask(type))});
          }
        }
      }
    }
  }
  differential.Run();
}

TEST(ImmediatesTest, ProductsAddedAndSubtracted) {
  Differential differential;
  for (const Type type : kInts) {
    std::vector<std::vector<RawValue>> args;
    const std::vector<uint64_t> samples = Samples(type);
    for (size_t i = 0; i < samples.size(); ++i) {
      for (size_t k = 0; k < samples.size(); ++k) {
        args.push_back({RawValue(samples[i]), RawValue(samples[k]),
                        RawValue(samples[(i + 2 * k + 1) % samples.size()])});
      }
    }
    Mixer mixer(differential, {type, type, type}, args);
    mixer.Add(
        [](InstBuilder& b, const Mixer::Values& v) { return b.Iadd(v[2], b.Imul(v[0], v[1])); });
    mixer.Add(
        [](InstBuilder& b, const Mixer::Values& v) { return b.Iadd(b.Imul(v[0], v[1]), v[2]); });
    mixer.Add(
        [](InstBuilder& b, const Mixer::Values& v) { return b.Isub(v[2], b.Imul(v[0], v[1])); });
    mixer.Add(
        [](InstBuilder& b, const Mixer::Values& v) { return b.Isub(b.Imul(v[0], v[1]), v[2]); });
    mixer.Add([](InstBuilder& b, const Mixer::Values& v) { return b.Imul(b.Ineg(v[0]), v[1]); });
    mixer.Add([](InstBuilder& b, const Mixer::Values& v) { return b.Ineg(b.Imul(v[0], v[1])); });
    mixer.Add([](InstBuilder& b, const Mixer::Values& v) {
      const Value product = b.Imul(v[0], v[1]);
      return b.Iadd(product, b.Isub(v[2], product));
    });
    for (uint64_t imm : SumImmediates()) {
      mixer.Add([&](InstBuilder& b, const Mixer::Values& v) {
        return b.Iadd(v[1], b.Imul(v[0], Constant(b, type, imm)));
      });
    }
    if (type == Type::kI64) continue;
    // Products of extended operands at the full width.
    for (int kinds = 0; kinds < 16; ++kinds) {
      mixer.Add([&](InstBuilder& b, const Mixer::Values& v) {
        const auto extend = [&](Value x, int bit) {
          return (kinds >> bit & 1) == 0 ? b.Uextend(Type::kI64, x) : b.Sextend(Type::kI64, x);
        };
        const Value product = b.Imul(extend(v[0], 0), extend(v[1], 1));
        const Value addend = extend(v[2], 2);
        return (kinds & 8) == 0 ? b.Iadd(addend, product) : b.Isub(addend, product);
      });
    }
  }
  differential.Run();
}

// Offsets at the edges of nine signed bits and of twelve bits scaled by each width, alone and
// beside an index that is extended and shifted. The base lies as far from memory as the offset is
// large.
TEST(ImmediatesTest, OffsetsOfEveryClass) {
  struct Access {
    uint32_t bytes;
    Value (*load)(InstBuilder&, Value, int32_t);
    void (*store)(InstBuilder&, Value, Value, int32_t);
  };
  static constexpr Access kAccesses[] = {
      {1, [](InstBuilder& b, Value a, int32_t o) { return b.Uload8(Type::kI64, Checked(), a, o); },
       [](InstBuilder& b, Value x, Value a, int32_t o) { b.Istore8(Checked(), x, a, o); }},
      {1, [](InstBuilder& b, Value a, int32_t o) { return b.Sload8(Type::kI32, Checked(), a, o); },
       [](InstBuilder& b, Value x, Value a, int32_t o) { b.Istore8(Checked(), x, a, o); }},
      {2, [](InstBuilder& b, Value a, int32_t o) { return b.Uload16(Type::kI64, Checked(), a, o); },
       [](InstBuilder& b, Value x, Value a, int32_t o) { b.Istore16(Checked(), x, a, o); }},
      {2, [](InstBuilder& b, Value a, int32_t o) { return b.Sload16(Type::kI64, Checked(), a, o); },
       [](InstBuilder& b, Value x, Value a, int32_t o) { b.Istore16(Checked(), x, a, o); }},
      {4, [](InstBuilder& b, Value a, int32_t o) { return b.Load(Type::kI32, Checked(), a, o); },
       [](InstBuilder& b, Value x, Value a, int32_t o) { b.Istore32(Checked(), x, a, o); }},
      {4, [](InstBuilder& b, Value a, int32_t o) { return b.Sload32(Type::kI64, Checked(), a, o); },
       [](InstBuilder& b, Value x, Value a, int32_t o) { b.Istore32(Checked(), x, a, o); }},
      {4, [](InstBuilder& b, Value a, int32_t o) { return b.Load(Type::kF32, Checked(), a, o); },
       [](InstBuilder& b, Value x, Value a, int32_t o) {
         b.Store(Checked(), b.Bitcast(Type::kF32, b.Ireduce(Type::kI32, x)), a, o);
       }},
      {8, [](InstBuilder& b, Value a, int32_t o) { return b.Load(Type::kI64, Checked(), a, o); },
       [](InstBuilder& b, Value x, Value a, int32_t o) { b.Store(Checked(), x, a, o); }},
      {8, [](InstBuilder& b, Value a, int32_t o) { return b.Load(Type::kF64, Checked(), a, o); },
       [](InstBuilder& b, Value x, Value a, int32_t o) {
         b.Store(Checked(), b.Bitcast(Type::kF64, x), a, o);
       }},
  };
  Differential differential;
  const uint64_t memory = MemoryAddress().lo;
  for (const Access& access : kAccesses) {
    const int32_t bytes = static_cast<int32_t>(access.bytes);
    std::set<int32_t> offsets = {-257, -256, -255, -1, 0, 1, 255, 256, 257};
    for (int32_t edge : {4095 * bytes, 4096 * bytes, 256 * bytes, 1 << 15, 1 << 24, 0x7FFFFF00}) {
      for (int32_t near : {edge - bytes, edge - 1, edge, edge + 1}) offsets.insert(near);
      offsets.insert(-edge);
    }
    for (int32_t offset : offsets) {
      // 0: the base alone; then an index of 32 bits, extended and scaled; then one of 64 bits.
      for (int form = 0; form < 3; ++form) {
        Function& func = differential.NewFunction(
            {Type::kI64, form == 1 ? Type::kI32 : Type::kI64, Type::kI64}, {Type::kI64});
        InstBuilder b(&func);
        const Block entry = b.MakeEntryBlock();
        const Value base = func.dfg.block_params(entry)[0];
        Value index = func.dfg.block_params(entry)[1];
        const Value x = func.dfg.block_params(entry)[2];
        Value address = base;
        if (form != 0) {
          if (form == 1) index = b.Uextend(Type::kI64, index);
          index = b.Ishl(index, b.I64(std::countr_zero(access.bytes)));
          address = b.Iadd(base, index);
        }
        Value loaded = access.load(b, address, offset);
        access.store(b, x, address, offset);
        const Type type = func.dfg.value_type(loaded);
        if (type == Type::kF64) loaded = b.Bitcast(Type::kI64, loaded);
        if (type == Type::kF32) loaded = b.Bitcast(Type::kI32, loaded);
        if (func.dfg.value_type(loaded) == Type::kI32) loaded = b.Uextend(Type::kI64, loaded);
        b.Return({loaded});
        for (const uint64_t at : {uint64_t{0}, uint64_t{16}, uint64_t{256} - access.bytes}) {
          const uint64_t moved = memory + at - static_cast<uint64_t>(int64_t{offset});
          const uint64_t scaled = uint64_t{3} * access.bytes;
          differential.Try({RawValue(form == 0 ? moved : moved - scaled), RawValue(3),
                            RawValue(0x1122334455667788)});
        }
      }
    }
  }
  differential.Run();
}

// What one instruction makes of eight bits, and its neighbours.
TEST(ImmediatesTest, FloatConstants) {
  Differential differential;
  Mixer mixer(
      differential, {Type::kF32, Type::kF64},
      {{RawValue(std::bit_cast<uint32_t>(1.5f)), RawValue(std::bit_cast<uint64_t>(-0.75))}});
  for (uint32_t byte = 0; byte < 256; ++byte) {
    const uint64_t sign = byte >> 7, exponent = byte >> 4 & 7, fraction = byte & 15;
    const uint64_t exponent32 = (exponent & 4) != 0 ? 0x7C + (exponent & 3) : 0x80 + exponent;
    const uint64_t exponent64 = (exponent & 4) != 0 ? 0x3FC + (exponent & 3) : 0x400 + exponent;
    const uint64_t single = sign << 31 | exponent32 << 23 | fraction << 19;
    const uint64_t wide = sign << 63 | exponent64 << 52 | fraction << 48;
    for (uint64_t off : {0, 1}) {
      mixer.Add([&](InstBuilder& b, const Mixer::Values&) {
        return b.F32const(static_cast<uint32_t>(single + off));
      });
      mixer.Add([&](InstBuilder& b, const Mixer::Values&) { return b.F64const(wide + off); });
      mixer.Add([&](InstBuilder& b, const Mixer::Values& v) {
        return b.Fmul(v[0], b.F32const(static_cast<uint32_t>(single + off)));
      });
      mixer.Add([&](InstBuilder& b, const Mixer::Values& v) {
        return b.Fadd(b.F64const(wide + off), v[1]);
      });
    }
  }
  mixer.Finish();
  differential.Run();
}

// Every immediate that a vector is made of, each at some bytes: lanes of 8, 16 and 32 bits with the
// byte in each place, with ones behind it, their complements; masks of bytes; floats.
TEST(ImmediatesTest, VectorConstants) {
  std::set<std::pair<uint64_t, uint64_t>> constants;
  const auto splat = [&](uint64_t lane, uint32_t bits) {
    uint64_t value = 0;
    for (uint32_t at = 0; at < 64; at += bits) value |= lane << at;
    constants.insert({value, value});
    constants.insert({~value, ~value});
    // One half alone, and one bit off.
    constants.insert({value, 0});
    constants.insert({value, value ^ 1});
  };
  for (uint64_t byte : {0, 1, 2, 0x7F, 0x80, 0x81, 0xAA, 0xFE, 0xFF}) {
    splat(byte, 8);
    for (uint32_t k = 0; k < 32; k += 8) {
      if (k < 16) splat(byte << k, 16);
      splat(byte << k, 32);
    }
    splat(byte << 8 | 0xFF, 32);
    splat(byte << 16 | 0xFFFF, 32);
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < 8; ++i) bytes |= (byte >> i & 1) != 0 ? uint64_t{0xFF} << 8 * i : 0;
    splat(bytes, 64);
    const uint64_t exponent = (byte & 0x40) != 0 ? 0x7C + (byte >> 4 & 3) : 0x80 + (byte >> 4 & 3);
    splat((byte >> 7) << 31 | exponent << 23 | (byte & 15) << 19, 32);
  }
  Differential differential;
  for (const auto& [low, high] : constants) {
    Function& func =
        differential.NewFunction({Type::kV128}, {Type::kV128, Type::kV128, Type::kV128});
    InstBuilder b(&func);
    const Block entry = b.MakeEntryBlock();
    const Value x = func.dfg.block_params(entry)[0];
    const Value c = b.V128const(low, high);
    b.Return({c, b.Vand(x, c), b.Vadd(Type::kI16X8, c, x)});
    differential.Try({RawValue(0x0123456789ABCDEF, 0xFEDCBA9876543210)});
  }
  differential.Run(TestedBackend().VectorVariants(0));
}

}  // namespace
}  // namespace gantry::codegen
