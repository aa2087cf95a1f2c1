// The widening of addresses against the interpreter: random 32-bit expressions of the operations
// that it looks through, with operands that wrap and that don't.
#include "codegen/pass/widen.h"

#include <vector>

#include "codegen/generate/random_source.h"
#include "codegen/interp/interpreter.h"
#include "codegen/ir/builder.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verifier.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

constexpr size_t kMemory = 1 << 16;

class RandomAddresses {
 public:
  RandomAddresses(RandomSource* random, Function* func) : random_(*random), b_(func) {
    func->Clear();
    func->signature.params = {{Type::kI64}, {Type::kI32}, {Type::kI32}};
    func->signature.returns = {{Type::kI64}};
    const Block entry = b_.MakeEntryBlock();
    const absl::Span<const Value> params = func->dfg.block_params(entry);
    base_ = params[0];
    values_ = {params[1], params[2]};
    if (random_.Chance(1, 2)) CountingLoop(func);
    Value sum = b_.I64(0);
    for (int i = 0; i < 4; ++i) sum = b_.Iadd(sum, Access());
    b_.Return({sum});
  }

 private:
  // What follows is in a loop that counts up to a small constant.
  void CountingLoop(Function* func) {
    const Block head = b_.MakeBlock(), out = b_.MakeBlock();
    const Value counter = func->dfg.AppendBlockParam(head, Type::kI32);
    const Value start = random_.Chance(1, 2) ? b_.I32(0) : values_[0];
    b_.Jump(head, {start});
    b_.Begin(head);
    values_.push_back(counter);
    const Value loaded = Access();
    const Value next = b_.Iadd(counter, b_.I32(static_cast<int32_t>(1 + random_.Below(3))));
    const IntCC cc = random_.Chance(1, 2) ? IntCC::kUlt : IntCC::kSlt;
    const Value limit = b_.I32(static_cast<int32_t>(random_.Below(40)));
    b_.Brif(b_.Icmp(cc, next, limit), head, {next}, out, {});
    b_.Begin(out);
    values_.push_back(b_.Ireduce(Type::kI32, loaded));
  }
  Value Access() {
    const Value address = b_.Iadd(base_, b_.Uextend(Type::kI64, Expression(4)));
    const MemFlags flags = MemFlags::Trapping(static_cast<TrapCode>(1)).WithRegion(1);
    return b_.Uload8(Type::kI64, flags, address, static_cast<int32_t>(random_.Below(8)));
  }
  int32_t Constant() {
    switch (random_.Below(5)) {
      case 0:
        return -static_cast<int32_t>(random_.Below(40));
      case 1:
        return static_cast<int32_t>(0x7FFFFF00u + random_.Below(512));
      default:
        return static_cast<int32_t>(random_.Below(300));
    }
  }
  Value Expression(int depth) {
    const Value leaf = values_[random_.Below(static_cast<uint32_t>(values_.size()))];
    if (depth == 0) return b_.Band(leaf, b_.I32(static_cast<int32_t>(random_.Below(256))));
    const Value x = Expression(depth - 1);
    switch (random_.Below(7)) {
      case 0:
      case 1:
        return b_.Iadd(x, b_.I32(Constant()));
      case 2:
      case 3:
        return b_.Ishl(x, b_.I32(static_cast<int32_t>(random_.Below(5))));
      case 4:
        return b_.Ushr(x, b_.I32(static_cast<int32_t>(random_.Below(33))));
      case 5:
        return b_.Band(x, b_.I32(Constant()));
      default:
        return random_.Chance(1, 2) ? x : b_.Bor(x, leaf);
    }
  }

  RandomSource& random_;
  InstBuilder b_;
  Value base_;
  std::vector<Value> values_;
};

TEST(WidenTest, RandomAddressesStayTheSame) {
  std::vector<uint8_t> memory(kMemory);
  for (size_t i = 0; i < memory.size(); ++i) memory[i] = static_cast<uint8_t>(i * 37 + i / 256);
  WidenPass pass;
  Verifier verifier;
  size_t changed = 0, in_memory = 0;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    RandomSource random(seed);
    Function before;
    RandomAddresses(&random, &before);
    ASSERT_TRUE(verifier.Verify(before).ok()) << PrintFunction(before);
    Function after = before;
    PassAnalyses analyses;
    if (!pass.Run(&after, &analyses)) continue;
    ++changed;
    ASSERT_TRUE(verifier.Verify(after).ok()) << PrintFunction(after);
    for (const uint64_t x : {0u, 1u, 7u, 0x80u, 0x7FFFFFFFu, 0xFFFFFFF0u, 0xFFFFFFFFu}) {
      const std::vector<RawValue> args = {reinterpret_cast<uint64_t>(memory.data()), x,
                                          random.Below(1000)};
      Interpreter interpreter;
      interpreter.AddMemory(absl::MakeSpan(memory));
      interpreter.set_fuel(3000);
      const absl::StatusOr<Outcome> expected = interpreter.Run(before, args);
      const absl::StatusOr<Outcome> actual = interpreter.Run(after, args);
      ASSERT_TRUE(expected.ok() && actual.ok()) << expected.status();
      // A counter that starts beyond its limit may count for long.
      if (expected->kind == Outcome::Kind::kOutOfFuel) continue;
      ASSERT_EQ(*expected, *actual) << "seed " << seed << "\n"
                                    << PrintFunction(before) << PrintFunction(after);
      in_memory += expected->kind == Outcome::Kind::kReturned ? 1 : 0;
    }
  }
  EXPECT_GT(changed, 300u);
  EXPECT_GT(in_memory, 300u);
}

}  // namespace
}  // namespace gantry::codegen
