// Atomic accesses of every operation and width at each shape of address, up to the last bytes of
// memory and past them, with operands that live on or not, are the same, or come from memory:
// compiled code against the interpreter. What threads see of each other is tested in tests/threads.
#include <algorithm>
#include <cstdint>
#include <string>
#include <vector>

#include "codegen/differential/differential.h"
#include "codegen/ir/atomics.h"
#include "codegen/ir/builder.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

constexpr Type kTypes[] = {Type::kI8, Type::kI16, Type::kI32, Type::kI64};
constexpr MemFlags kFlags = MemFlags::Trapping(TrapCode{1}).WithAligned();

struct Operation {
  enum Kind { kLoad, kStore, kReadModifyWrite, kCompareExchange } kind = kLoad;
  AtomicRmwOp op = AtomicRmwOp::kAdd;
};

std::vector<Operation> AllOperations() {
  std::vector<Operation> operations = {
      {Operation::kLoad, {}}, {Operation::kStore, {}}, {Operation::kCompareExchange, {}}};
  for (size_t i = 0; i < kNumAtomicRmwOps; ++i) {
    operations.push_back({Operation::kReadModifyWrite, static_cast<AtomicRmwOp>(i)});
  }
  return operations;
}

struct Place {
  Value address;
  int32_t offset = 0;
};

// Parameters of all functions: the first byte of memory, an index, a value, one to expect.
struct Arguments {
  Value base, index, value, expected;
};

// What the index is multiplied by, and the place; with an index of zero all lead to the same one,
// `disp` bytes into memory.
struct Shape {
  uint64_t scale;
  Place (*make)(InstBuilder&, const Arguments&, int32_t disp);
};

constexpr Shape kShapes[] = {
    {0,
     [](InstBuilder&, const Arguments& a, int32_t disp) {
       return Place{a.base, disp};
     }},
    {1,
     [](InstBuilder& b, const Arguments& a, int32_t disp) {
       return Place{b.Iadd(b.Iadd(a.base, a.index), b.I64(disp)), 0};
     }},
    {8,
     [](InstBuilder& b, const Arguments& a, int32_t disp) {
       const Value scaled = b.Ishl(a.index, b.I64(3));
       return Place{b.Iadd(a.base, b.Iadd(scaled, b.I64(disp - 16))), 16};
     }},
    // The narrow addition wraps, and must not become part of the address (lessons row 8).
    {1,
     [](InstBuilder& b, const Arguments& a, int32_t disp) {
       const Value low = b.Ireduce(Type::kI32, a.index);
       const Value wrapped = b.Iadd(b.Iadd(low, b.I32(-64)), b.I32(64));
       return Place{b.Iadd(a.base, b.Uextend(Type::kI64, wrapped)), disp};
     }},
};

// The instruction, and a copy of what it found, or of the value where it finds nothing.
Value Emit(InstBuilder& b, const Operation& operation, Type type, Value value, Value expected,
           const Place& place) {
  switch (operation.kind) {
    case Operation::kLoad:
      return b.AtomicLoad(type, kFlags, place.address, place.offset);
    case Operation::kStore:
      b.AtomicStore(kFlags, value, place.address, place.offset);
      return value;
    case Operation::kReadModifyWrite:
      return b.AtomicRmw(operation.op, kFlags, value, place.address, place.offset);
    case Operation::kCompareExchange: {
      Value address = place.address;
      if (place.offset != 0) address = b.Iadd(address, b.I64(place.offset));
      return b.AtomicCas(kFlags, expected, value, address);
    }
  }
  return value;
}

class AtomicAddressesTest : public ::testing::TestWithParam<Type> {
 protected:
  Type type() const { return GetParam(); }
  int32_t bytes() const { return static_cast<int32_t>(TypeBytes(type())); }

  // A function that `body` makes of its parameters and the type.
  template <typename Body>
  void Build(std::vector<Type> returns, Body body) {
    Function& func =
        differential_.NewFunction({Type::kI64, Type::kI64, type(), type()}, std::move(returns));
    InstBuilder b(&func);
    const Block entry = b.MakeEntryBlock();
    const std::vector<Value> p(func.dfg.block_params(entry).begin(),
                               func.dfg.block_params(entry).end());
    body(b, Arguments{p[0], p[1], p[2], p[3]});
  }

  // Accesses at `disp`, and from there to behind the end of memory.
  void Try(const Shape& shape, int32_t disp) {
    const std::vector<uint64_t> edges = EdgeValues(type());
    const uint64_t unit = shape.scale == 0 ? 1 : std::max<uint64_t>(bytes() / shape.scale, 1);
    const uint64_t last = (Differential::kMemoryBytes - static_cast<uint64_t>(disp)) /
                          std::max<uint64_t>(shape.scale, 1);
    for (uint64_t index : {uint64_t{0}, last - unit, last}) {
      if (shape.scale == 0 && index != 0) continue;
      for (size_t i = 0; i < edges.size(); i += 3) {
        differential_.Try(
            {Base(), RawValue(index), RawValue(edges[i]), RawValue(edges[(i + 5) % edges.size()])});
      }
    }
  }

  static RawValue Base() { return RawValue(reinterpret_cast<uint64_t>(Differential::Memory())); }

  Differential differential_;
};

// All operands in registers; with the result, value and address wanted later or not.
TEST_P(AtomicAddressesTest, InRegisters) {
  for (const Operation& operation : AllOperations()) {
    for (const Shape& shape : kShapes) {
      for (const int32_t disp : {0, 16, static_cast<int32_t>(Differential::kMemoryBytes) - 8}) {
        for (const bool wanted : {true, false}) {
          for (const bool live : {true, false}) {
            std::vector<Type> returns;
            if (wanted) returns.push_back(Type::kI64);
            if (live) {
              for (const Type each : {type(), type(), Type::kI64, Type::kI64}) {
                returns.push_back(each);
              }
            }
            Build(returns, [&](InstBuilder& b, const Arguments& a) {
              const Place place = shape.make(b, a, disp);
              const Value found = Emit(b, operation, type(), a.value, a.expected, place);
              std::vector<Value> results;
              // Widened for nothing: what is above a narrow result has to be clear (row 1).
              if (wanted) {
                results.push_back(type() == Type::kI64 ? found : b.Uextend(Type::kI64, found));
              }
              if (live) {
                for (const Value v : {a.value, a.expected, a.base, a.index}) {
                  results.push_back(v);
                }
              }
              b.Return(results);
            });
            Try(shape, disp);
          }
        }
      }
    }
  }
  differential_.Run();
}

TEST_P(AtomicAddressesTest, ConstantsAndTheSameRegisters) {
  for (const Operation& operation : AllOperations()) {
    std::vector<uint64_t> constants = EdgeValues(type());
    for (size_t i = 0; i < constants.size(); ++i) {
      for (const bool wanted : {true, false}) {
        Build(wanted ? std::vector<Type>{type()} : std::vector<Type>{},
              [&](InstBuilder& b, const Arguments& a) {
                const Value constant = b.Iconst(type(), static_cast<int64_t>(constants[i]));
                const Value expected = i % 2 == 0 ? a.expected : constant;
                const Value found = Emit(b, operation, type(), constant, expected, {a.base, 8});
                wanted ? b.Return({found}) : b.Return({});
              });
        Try(kShapes[0], 8);
      }
    }
    // The value is the address, or its low bytes; value and expected are one.
    for (const bool wanted : {true, false}) {
      Build(wanted ? std::vector<Type>{type()} : std::vector<Type>{},
            [&](InstBuilder& b, const Arguments& a) {
              const Value value = type() == Type::kI64 ? a.base : b.Ireduce(type(), a.base);
              const Value found = Emit(b, operation, type(), value, value, {a.base, 16});
              wanted ? b.Return({found}) : b.Return({});
            });
      Try(kShapes[0], 16);
    }
  }
  differential_.Run();
}

// Operands loaded from the last bytes of memory, and a comparison that succeeds, for it expects
// what was read before.
TEST_P(AtomicAddressesTest, OperandsFromMemory) {
  const int32_t last = static_cast<int32_t>(Differential::kMemoryBytes) - bytes();
  for (const Operation& operation : AllOperations()) {
    for (const int32_t at : {last, 32}) {
      Build({type(), type()}, [&](InstBuilder& b, const Arguments& a) {
        const Value value = b.Load(type(), kFlags, a.base, last);
        const Value expected = b.Load(type(), kFlags, a.base, at);
        const Value found = Emit(b, operation, type(), value, expected, {a.base, at});
        b.Return({found, b.AtomicLoad(type(), kFlags, a.base, at)});
      });
      Try(kShapes[0], at);
    }
  }
  differential_.Run();
}

// Plain loads keep their places on both sides of an atomic access, whatever it accesses.
TEST_P(AtomicAddressesTest, PlainLoadsStayOnTheirSide) {
  for (const Operation& operation : AllOperations()) {
    Build({type(), type(), type()}, [&](InstBuilder& b, const Arguments& a) {
      const Value before = b.Load(type(), kFlags, a.base, 24);
      const Value found = Emit(b, operation, type(), a.value, a.expected, {a.base, 24});
      b.Fence();
      const Value after = b.Load(type(), kFlags, a.base, 24);
      b.Return({b.Iadd(before, a.value), b.Bxor(found, before), b.Isub(after, a.value)});
    });
    Try(kShapes[0], 24);
  }
  differential_.Run();
}

INSTANTIATE_TEST_SUITE_P(Widths, AtomicAddressesTest, ::testing::ValuesIn(kTypes),
                         [](const auto& info) {
                           return "I" + std::to_string(8 * TypeBytes(info.param));
                         });

}  // namespace
}  // namespace gantry::codegen
