// Each pass does linear work: functions of a few shapes at three sizes, of which each doubling
// may cost at most 2.6 times the steps that the passes count.

#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "codegen/ir/builder.h"
#include "codegen/ir/verifier.h"
#include "codegen/pass/passes.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

using Make = void (*)(uint32_t size, Function* func);

// An i32 and an address in; the entry is left open.
Block Start(Function* func, InstBuilder& b) {
  func->Clear();
  func->signature.params = {{Type::kI32}, {Type::kI64}};
  func->signature.returns = {{Type::kI32}};
  return b.MakeEntryBlock();
}
MemFlags Heap() { return MemFlags::Trapping(static_cast<TrapCode>(1)).WithRegion(1); }

void ChainOfSums(uint32_t size, Function* func) {
  InstBuilder b(func);
  const Block entry = Start(func, b);
  Value x = func->dfg.block_params(entry)[0];
  for (uint32_t i = 0; i < size; ++i) x = b.Iadd(x, b.I32(static_cast<int32_t>(i)));
  b.Return({x});
}

void ChainOfLoads(uint32_t size, Function* func) {
  InstBuilder b(func);
  const Block entry = Start(func, b);
  Value x = func->dfg.block_params(entry)[0];
  const Value base = func->dfg.block_params(entry)[1];
  for (uint32_t i = 0; i < size; ++i) {
    const Value index = b.Ishl(b.Band(x, b.I32(255)), b.I32(2));
    x = b.Load(Type::kI32, Heap(), b.Iadd(base, b.Uextend(Type::kI64, index)), 16);
    b.Store(Heap(), x, base, static_cast<int32_t>(i % 64));
  }
  b.Return({x});
}

// Diamonds in a row, each on the same condition as the one before the last.
void Diamonds(uint32_t size, Function* func) {
  InstBuilder b(func);
  const Block entry = Start(func, b);
  const Value first = func->dfg.block_params(entry)[0];
  Value x = first;
  for (uint32_t i = 0; i < size; ++i) {
    const Block yes = b.MakeBlock(), no = b.MakeBlock(), meet = b.MakeBlock();
    const Value param = func->dfg.AppendBlockParam(meet, Type::kI32);
    b.Brif(b.Icmp(IntCC::kUlt, i % 2 == 0 ? first : x, b.I32(7)), yes, {}, no, {});
    b.Begin(yes);
    const Value sum = b.Iadd(x, b.I32(1));
    b.Jump(meet, {sum});
    b.Begin(no);
    const Value constant = b.I32(5);
    b.Jump(meet, {constant});
    b.Begin(meet);
    x = param;
  }
  b.Return({x});
}

// A ladder: every block may leave to one that all lead to.
void ManyPredecessors(uint32_t size, Function* func) {
  InstBuilder b(func);
  const Block entry = Start(func, b);
  const Value x = func->dfg.block_params(entry)[0];
  const Block end = b.MakeBlock();
  const Value param = func->dfg.AppendBlockParam(end, Type::kI32);
  for (uint32_t i = 0; i < size; ++i) {
    const Value y = b.Iadd(x, b.I32(static_cast<int32_t>(i)));
    const Block next = b.MakeBlock();
    b.Brif(b.Icmp(IntCC::kEq, x, y), end, {y}, next, {});
    b.Begin(next);
  }
  b.Jump(end, {x});
  b.Begin(end);
  b.Return({param});
}

// Loops around one another, the innermost with what none of them changes.
void NestedLoops(uint32_t size, Function* func) {
  InstBuilder b(func);
  const Block entry = Start(func, b);
  const Value x = func->dfg.block_params(entry)[0];
  const Value base = func->dfg.block_params(entry)[1];
  std::vector<Block> headers;
  for (uint32_t i = 0; i < size; ++i) {
    headers.push_back(b.MakeBlock());
    b.Jump(headers.back());
    b.Begin(headers.back());
  }
  Value y = b.Imul(x, x);
  y = b.Iadd(y, b.Load(Type::kI32, MemFlags::Trusted().WithRegion(2).WithMovable(), base, 8));
  while (!headers.empty()) {
    const Block next = b.MakeBlock();
    const Value z = b.Imul(x, b.I32(static_cast<int32_t>(headers.size())));
    b.Brif(b.Icmp(IntCC::kUlt, z, y), headers.back(), {}, next, {});
    headers.pop_back();
    b.Begin(next);
  }
  b.Return({y});
}

// Loops one behind another, each entered from two blocks, and cycles entered in two places.
void LoopsInARow(uint32_t size, Function* func) {
  InstBuilder b(func);
  const Block entry = Start(func, b);
  const Value x = func->dfg.block_params(entry)[0];
  for (uint32_t i = 0; i < size; ++i) {
    const Block one = b.MakeBlock(), other = b.MakeBlock(), head = b.MakeBlock();
    const Block next = b.MakeBlock();
    const Value param = func->dfg.AppendBlockParam(head, Type::kI32);
    b.Brif(x, one, {}, other, {});
    b.Begin(one);
    if (i % 3 == 0) {
      b.Brif(x, other, {}, head, {x});
    } else {
      b.Jump(head, {x});
    }
    b.Begin(other);
    const Value constant = b.I32(100);
    if (i % 3 == 0) {
      b.Brif(x, one, {}, head, {constant});
    } else {
      b.Jump(head, {constant});
    }
    b.Begin(head);
    const Value less = b.Isub(param, b.Imul(x, x));
    b.Brif(less, head, {less}, next, {});
    b.Begin(next);
  }
  b.Return({x});
}

// Loops in a row and around one another that poll; what each computes is used behind it.
void PollingLoops(uint32_t size, Function* func) {
  InstBuilder b(func);
  const Block entry = Start(func, b);
  Value x = func->dfg.block_params(entry)[0];
  const Value address = func->dfg.block_params(entry)[1];
  for (uint32_t i = 0; i < size; ++i) {
    const Block outer = b.MakeBlock(), inner = b.MakeBlock(), latch = b.MakeBlock();
    const Block next = b.MakeBlock();
    const Value variable = func->dfg.AppendBlockParam(outer, Type::kI32);
    const Value count = func->dfg.AppendBlockParam(inner, Type::kI32);
    b.Jump(outer, {x});
    b.Begin(outer);
    b.PollPage(address, 0);
    b.Jump(inner, {i % 2 == 0 ? variable : b.I32(200)});
    b.Begin(inner);
    b.PollPage(address, 0);
    const Value less = b.Isub(count, b.I32(1));
    b.Brif(less, inner, {less}, latch, {});
    b.Begin(latch);
    const Value sum = b.Iadd(variable, count);
    b.Brif(b.Icmp(IntCC::kUlt, sum, less), outer, {sum}, next, {});
    b.Begin(next);
    x = sum;
  }
  b.Return({x});
}

void WideTable(uint32_t size, Function* func) {
  InstBuilder b(func);
  const Block entry = Start(func, b);
  const Value x = func->dfg.block_params(entry)[0];
  std::vector<Block> targets;
  std::vector<BlockCall> calls;
  for (uint32_t i = 0; i < size; ++i) {
    if (i % 3 != 1) targets.push_back(b.MakeBlock());
    calls.push_back(func->dfg.MakeBlockCall(targets.back(), {}));
  }
  const BlockCall last = calls.back();
  calls.pop_back();
  b.BrTable(x, func->dfg.MakeJumpTable(calls, last));
  for (size_t i = 0; i < targets.size(); ++i) {
    b.Begin(targets[i]);
    b.Return({b.I32(static_cast<int32_t>(i))});
  }
}

constexpr struct {
  const char* name;
  Make make;
} kShapes[] = {
    {"chain of sums", ChainOfSums}, {"chain of loads", ChainOfLoads},
    {"diamonds", Diamonds},         {"many predecessors", ManyPredecessors},
    {"nested loops", NestedLoops},  {"loops in a row", LoopsInARow},
    {"wide table", WideTable},      {"polling loops", PollingLoops},
};

TEST(LinearTest, DoublingTheSizeDoublesTheWork) {
  constexpr uint32_t kSize = 4000;
  std::vector<absl::string_view> names(PassNames().begin(), PassNames().end());
  for (const auto& shape : kShapes) {
    for (const absl::string_view name : names) {
      uint64_t before = 0;
      for (uint32_t size : {kSize / 4, kSize / 2, kSize}) {
        Function func;
        shape.make(size, &func);
        Verifier verifier;
        ASSERT_TRUE(verifier.Verify(func).ok()) << shape.name;
        PassAnalyses analyses;
        const std::unique_ptr<Pass> pass = MakePass(name);
        pass->Run(&func, &analyses);
        ASSERT_TRUE(verifier.Verify(func).ok()) << shape.name << ", " << name;
        const uint64_t work = pass->work();
        // Below a step an element there is nothing to see.
        if (before > size / 2) {
          EXPECT_LE(static_cast<double>(work), 2.6 * static_cast<double>(before))
              << shape.name << ", " << name << " at " << size;
        }
        before = work;
      }
    }
  }
}

// Large functions, for which only the time limit of the test is the check; a quadratic pass
// would take hours.
TEST(LinearTest, LargeFunctionsTakeNoTime) {
  constexpr uint32_t kSize = 60000;
  for (const auto& shape : kShapes) {
    Function func;
    shape.make(kSize, &func);
    PassPipeline pipeline;
    AddDefaultPasses(&pipeline, /*polls=*/true);
    ASSERT_TRUE(pipeline.Run(&func).ok()) << shape.name;
    Verifier verifier;
    const absl::Status status = verifier.Verify(func);
    EXPECT_TRUE(status.ok()) << shape.name << ": " << status;
  }
}

}  // namespace
}  // namespace gantry::codegen
