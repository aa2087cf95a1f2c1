// Atomic accesses: each operation and width, of constants and variables, results used or not, at
// every kind of address and at the last bytes of memory. Compiled code against the interpreter.
#include <vector>

#include "codegen/differential/differential.h"
#include "codegen/ir/builder.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

constexpr Type kInts[] = {Type::kI8, Type::kI16, Type::kI32, Type::kI64};
constexpr int32_t kEnd = static_cast<int32_t>(Differential::kMemoryBytes);
const MemFlags kFlags = MemFlags::Trapping(TrapCode{1});

// The last place where the type fits, and the first behind it.
std::vector<int32_t> Offsets(Type type) {
  return {kEnd - static_cast<int32_t>(TypeBytes(type)), kEnd, 64};
}

// A function of the address of memory and two numbers.
struct Parts {
  Function& func;
  InstBuilder b;
  Value address;
  Value x;
  Value y;
};
Parts Start(Differential& differential, Type type, std::vector<Type> returns) {
  Function& func = differential.NewFunction({Type::kI64, type, type}, std::move(returns));
  InstBuilder b(&func);
  const Block entry = b.MakeEntryBlock();
  const absl::Span<const Value> params = func.dfg.block_params(entry);
  return {func, b, params[0], params[1], params[2]};
}

TEST(AtomicsTest, LoadsAndStores) {
  Differential differential;
  for (Type type : kInts) {
    for (int32_t offset : Offsets(type)) {
      Parts load = Start(differential, type, {type});
      load.b.Return({load.b.AtomicLoad(type, kFlags, load.address, offset)});
      differential.Try({MemoryAddress(), RawValue(0), RawValue(0)});
      // Not folded into what uses it.
      Parts sum = Start(differential, type, {type});
      const Value loaded = sum.b.AtomicLoad(type, kFlags, sum.address, offset);
      sum.b.Return({sum.b.Iadd(sum.x, loaded)});
      for (uint64_t x : EdgeValues(type)) {
        differential.Try({MemoryAddress(), RawValue(x), RawValue(0)});
      }
      Parts store = Start(differential, type, {});
      store.b.AtomicStore(kFlags, store.x, store.address, offset);
      store.b.Return({});
      for (uint64_t x : EdgeValues(type)) {
        differential.Try({MemoryAddress(), RawValue(x), RawValue(0)});
      }
      for (uint64_t x : EdgeValues(type)) {
        Parts constant = Start(differential, type, {});
        constant.b.AtomicStore(kFlags, constant.b.Iconst(type, static_cast<int64_t>(x)),
                               constant.address, offset);
        constant.b.Return({});
        differential.Try({MemoryAddress(), RawValue(0), RawValue(0)});
      }
    }
  }
  differential.Run();
}

TEST(AtomicsTest, ReadModifyWrite) {
  Differential differential;
  for (Type type : kInts) {
    for (size_t op = 0; op < kNumAtomicRmwOps; ++op) {
      for (int32_t offset : Offsets(type)) {
        for (const bool used : {true, false}) {
          std::vector<Type> returns;
          if (used) returns.push_back(type);
          const auto add = [&](bool constant, uint64_t bits) {
            Parts parts = Start(differential, type, returns);
            const Value operand =
                constant ? parts.b.Iconst(type, static_cast<int64_t>(bits)) : parts.x;
            const Value old = parts.b.AtomicRmw(static_cast<AtomicRmwOp>(op), kFlags, operand,
                                                parts.address, offset);
            if (used) {
              parts.b.Return({old});
            } else {
              parts.b.Return({});
            }
          };
          add(false, 0);
          for (uint64_t x : EdgeValues(type)) {
            differential.Try({MemoryAddress(), RawValue(x), RawValue(0)});
          }
          for (uint64_t x : EdgeValues(type)) {
            add(true, x);
            differential.Try({MemoryAddress(), RawValue(0), RawValue(0)});
          }
        }
      }
    }
  }
  differential.Run();
}

// The operand is the address, what was there before, or wanted afterwards.
TEST(AtomicsTest, OperandsInOtherUse) {
  Differential differential;
  for (Type type : kInts) {
    for (size_t i = 0; i < kNumAtomicRmwOps; ++i) {
      const AtomicRmwOp op = static_cast<AtomicRmwOp>(i);
      Parts parts = Start(differential, type, {type, type});
      const Value first = parts.b.AtomicRmw(op, kFlags, parts.x, parts.address, 8);
      const Value second = parts.b.AtomicRmw(op, kFlags, first, parts.address, 8);
      parts.b.Return({parts.b.Iadd(parts.x, second), first});
      for (uint64_t x : EdgeValues(type)) {
        differential.Try({MemoryAddress(), RawValue(x), RawValue(0)});
      }
    }
  }
  for (size_t i = 0; i < kNumAtomicRmwOps; ++i) {
    Parts parts = Start(differential, Type::kI64, {Type::kI64});
    const Value masked = parts.b.Band(parts.address, parts.b.I64(0xFFF));
    const Value old =
        parts.b.AtomicRmw(static_cast<AtomicRmwOp>(i), kFlags, masked, parts.address, 16);
    parts.b.Return({parts.b.Bxor(old, masked)});
    differential.Try({MemoryAddress(), RawValue(0), RawValue(0)});
  }
  differential.Run();
}

TEST(AtomicsTest, CompareAndSwap) {
  Differential differential;
  for (Type type : kInts) {
    for (int32_t offset : Offsets(type)) {
      for (const bool used : {true, false}) {
        // As memory is, and after a store of what is expected.
        for (const bool matches : {true, false}) {
          std::vector<Type> returns;
          if (used) returns.push_back(type);
          Parts parts = Start(differential, type, returns);
          const Value address = parts.b.Iadd(parts.address, parts.b.I64(offset));
          if (matches) parts.b.Store(kFlags, parts.x, address, 0);
          const Value old = parts.b.AtomicCas(kFlags, parts.x, parts.y, address);
          if (used) {
            parts.b.Return({old});
          } else {
            parts.b.Return({});
          }
          for (uint64_t x : EdgeValues(type)) {
            differential.Try({MemoryAddress(), RawValue(x), RawValue(5)});
            differential.Try({MemoryAddress(), RawValue(x), RawValue(x)});
          }
          // Constants.
          Parts constant = Start(differential, type, returns);
          const Value at = constant.b.Iadd(constant.address, constant.b.I64(offset));
          const Value expected = constant.b.Iconst(type, -3);
          if (matches) constant.b.Store(kFlags, expected, at, 0);
          const Value before =
              constant.b.AtomicCas(kFlags, expected, constant.b.Iconst(type, 7), at);
          if (used) {
            constant.b.Return({before});
          } else {
            constant.b.Return({});
          }
          differential.Try({MemoryAddress(), RawValue(0), RawValue(0)});
        }
      }
    }
    // The result decides: the usual loop of a compare and swap.
    Parts parts = Start(differential, type, {Type::kI32});
    const Value old = parts.b.AtomicCas(kFlags, parts.x, parts.y, parts.address);
    parts.b.Return({parts.b.Icmp(IntCC::kEq, old, parts.x)});
    for (uint64_t x : EdgeValues(type)) {
      differential.Try({MemoryAddress(), RawValue(x), RawValue(1)});
    }
  }
  differential.Run();
}

// Narrow results are zero-extended in their registers, so extending them costs nothing.
TEST(AtomicsTest, NarrowResultsAreExtended) {
  Differential differential;
  for (Type type : {Type::kI8, Type::kI16, Type::kI32}) {
    for (int kind = 0; kind < 9; ++kind) {
      Parts parts = Start(differential, type, {Type::kI64});
      Value old;
      if (kind < 6) {
        old = parts.b.AtomicRmw(static_cast<AtomicRmwOp>(kind), kFlags, parts.x, parts.address, 24);
      } else if (kind == 6) {
        old = parts.b.AtomicLoad(type, kFlags, parts.address, 24);
      } else {
        if (kind == 8) parts.b.Store(kFlags, parts.x, parts.address, 0);
        old = parts.b.AtomicCas(kFlags, parts.x, parts.y, parts.address);
      }
      parts.b.Return({parts.b.Iadd(parts.b.Uextend(Type::kI64, old), parts.address)});
      for (uint64_t x : EdgeValues(type)) {
        differential.Try({MemoryAddress(), RawValue(x), RawValue(3)});
      }
    }
  }
  differential.Run();
}

// 32-bit indices that wrap (lessons.md row 8), scaled and not.
TEST(AtomicsTest, ComputedAddresses) {
  Differential differential;
  for (const bool wide : {false, true}) {
    const Type type = wide ? Type::kI64 : Type::kI32;
    for (int shape = 0; shape < 3; ++shape) {
      for (int kind = 0; kind < 4; ++kind) {
        Parts parts = Start(differential, type, {Type::kI64});
        InstBuilder& b = parts.b;
        Value index = shape == 0   ? b.Iadd(parts.x, parts.y)
                      : shape == 1 ? b.Ishl(parts.x, b.Iconst(type, 3))
                                   : b.Iadd(parts.y, b.Ishl(parts.x, b.Iconst(type, 3)));
        if (!wide) index = b.Uextend(Type::kI64, index);
        const Block access = b.MakeBlock();
        const Block skip = b.MakeBlock();
        const Value aligned = b.Icmp(IntCC::kEq, b.Band(index, b.I64(7)), b.I64(0));
        const Value inside = b.Icmp(IntCC::kUle, index, b.I64(kEnd - 16));
        b.Brif(b.Band(aligned, inside), access, {}, skip, {});
        b.Begin(skip);
        b.Return({index});
        b.Begin(access);
        const Value address = b.Iadd(parts.address, index);
        const Value operand = b.I64(0x0102030405060708);
        switch (kind) {
          case 0:
            b.Return({b.AtomicLoad(Type::kI64, kFlags, address, 8)});
            break;
          case 1:
            b.AtomicStore(kFlags, operand, address, 8);
            b.Return({index});
            break;
          case 2:
            b.Return({b.AtomicRmw(AtomicRmwOp::kAnd, kFlags, operand, address, 8)});
            break;
          default:
            b.Return({b.AtomicCas(kFlags, operand, index, address)});
            break;
        }
        for (uint64_t p : EdgeValues(type)) {
          for (uint64_t q : EdgeValues(type)) {
            differential.Try({MemoryAddress(), RawValue(p), RawValue(q)});
          }
        }
      }
    }
  }
  differential.Run();
}

TEST(AtomicsTest, Fences) {
  Differential differential;
  Parts parts = Start(differential, Type::kI64, {Type::kI64});
  parts.b.Store(kFlags, parts.x, parts.address, 0);
  parts.b.Fence();
  const Value loaded = parts.b.Load(Type::kI64, kFlags, parts.address, 0);
  parts.b.Fence();
  parts.b.Return({parts.b.Iadd(loaded, parts.y)});
  differential.Try({MemoryAddress(), RawValue(40), RawValue(2)});
  differential.Run();
}

}  // namespace
}  // namespace gantry::codegen
