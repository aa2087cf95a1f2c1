// Vectors in memory: at its last byte and one beyond, natively and folded into other
// instructions; loads of scalars folded into what makes vectors of them; lanes stored; addresses.
// Compiled code against the interpreter, under the settings of VectorVariants.
#include <vector>

#include "codegen/differential/differential.h"
#include "codegen/ir/builder.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

constexpr int32_t kEnd = static_cast<int32_t>(Differential::kMemoryBytes);
const MemFlags kFlags = MemFlags::Trapping(TrapCode{1});
const RawValue kVector(0x8877665544332211, 0x00FFEEDDCCBBAA99);

// A function of an address and a vector.
struct Parts {
  Function& func;
  InstBuilder b;
  Value address;
  Value vector;
};
Parts Start(Differential& differential, Type result) {
  std::vector<Type> returns;
  if (result != Type::kInvalid) returns.push_back(result);
  Function& func = differential.NewFunction({Type::kI64, Type::kV128}, returns);
  InstBuilder b(&func);
  const Block entry = b.MakeEntryBlock();
  return {func, b, func.dfg.block_params(entry)[0], func.dfg.block_params(entry)[1]};
}

// Bytes of an access, and how far behind the last place where it fits it goes: 0, 1 or all.
std::vector<int32_t> Offsets(int32_t bytes) { return {kEnd - bytes, kEnd - bytes + 1, kEnd, 0}; }

TEST(VectorMemoryTest, LoadsAndStoresAtTheEnd) {
  Differential differential;
  for (int32_t offset : Offsets(16)) {
    Parts load = Start(differential, Type::kV128);
    load.b.Return({load.b.Load(Type::kV128, kFlags, load.address, offset)});
    differential.Try({MemoryAddress(), kVector});
    Parts store = Start(differential, Type::kInvalid);
    store.b.Store(kFlags, store.vector, store.address, offset);
    store.b.Return({});
    differential.Try({MemoryAddress(), kVector});
    for (uint64_t bits : {uint64_t{0}, ~uint64_t{0}, uint64_t{0x123456789ABCDEF0}}) {
      Parts constant = Start(differential, Type::kInvalid);
      constant.b.Store(kFlags, constant.b.V128const(bits, bits), constant.address, offset);
      constant.b.Return({});
      differential.Try({MemoryAddress(), kVector});
    }
  }
  differential.Run(TestedBackend().VectorVariants(0));
}

// What makes a vector of a scalar that is loaded reads the scalar and no more (lessons.md row 14).
TEST(VectorMemoryTest, ScalarsIntoLanes) {
  Differential differential;
  const auto try_load = [&](int32_t bytes, auto make) {
    for (int32_t offset : Offsets(bytes)) {
      Parts parts = Start(differential, Type::kV128);
      parts.b.Return({make(parts, offset)});
      differential.Try({MemoryAddress(), kVector});
    }
  };
  for (Type shape : kShapes) {
    const Type scalar = LaneScalar(shape);
    const int32_t scalar_bytes = static_cast<int32_t>(TypeBytes(scalar));
    // The scalar as a whole, and as narrow as the lane.
    const auto whole = [&](Parts& parts, int32_t offset) {
      return parts.b.Load(scalar, kFlags, parts.address, offset);
    };
    const auto narrow = [&](Parts& parts, int32_t offset) {
      if (LaneBits(shape) == 8) return parts.b.Uload8(scalar, kFlags, parts.address, offset);
      if (LaneBits(shape) == 16) return parts.b.Sload16(scalar, kFlags, parts.address, offset);
      return whole(parts, offset);
    };
    const int32_t lane_bytes = static_cast<int32_t>(LaneBits(shape) / 8);
    try_load(scalar_bytes, [&](Parts& parts, int32_t offset) {
      return parts.b.Vsplat(shape, whole(parts, offset));
    });
    try_load(lane_bytes, [&](Parts& parts, int32_t offset) {
      return parts.b.Vsplat(shape, narrow(parts, offset));
    });
    for (uint32_t lane = 0; lane < LaneCount(shape); ++lane) {
      try_load(scalar_bytes, [&](Parts& parts, int32_t offset) {
        return parts.b.Vreplace(shape, parts.vector, whole(parts, offset), lane);
      });
      try_load(lane_bytes, [&](Parts& parts, int32_t offset) {
        return parts.b.Vreplace(shape, parts.vector, narrow(parts, offset), lane);
      });
    }
    if (LaneBits(shape) < 32) continue;
    try_load(scalar_bytes, [&](Parts& parts, int32_t offset) {
      return parts.b.Vscalar(shape, whole(parts, offset));
    });
  }
  differential.Run(TestedBackend().VectorVariants(0));
}

// Operations that need half of a vector or a quarter of it, given that much by a load.
TEST(VectorMemoryTest, PartsOfVectors) {
  using Make = Value (*)(InstBuilder&, Value);
  static constexpr Make kOfEight[] = {
      [](InstBuilder& b, Value x) { return b.VextendLowS(Type::kI16X8, x); },
      [](InstBuilder& b, Value x) { return b.VextendLowU(Type::kI16X8, x); },
      [](InstBuilder& b, Value x) { return b.VextendLowS(Type::kI32X4, x); },
      [](InstBuilder& b, Value x) { return b.VextendLowU(Type::kI32X4, x); },
      [](InstBuilder& b, Value x) { return b.VextendLowS(Type::kI64X2, x); },
      [](InstBuilder& b, Value x) { return b.VextendLowU(Type::kI64X2, x); },
      [](InstBuilder& b, Value x) { return b.VpromoteLow(x); },
      [](InstBuilder& b, Value x) { return b.VfcvtFromSint(Type::kF64X2, x); },
      [](InstBuilder& b, Value x) { return b.VfcvtFromUint(Type::kF64X2, x); },
      [](InstBuilder& b, Value x) {
        return b.Vshuffle(x, x, {0, 1, 2, 3, 4, 5, 6, 7, 0, 1, 2, 3, 4, 5, 6, 7});
      },
      [](InstBuilder& b, Value x) { return b.Vfadd(Type::kF64X2, x, x); },
      [](InstBuilder& b, Value x) { return b.Vnot(x); },
  };
  Differential differential;
  for (const Make make : kOfEight) {
    for (int32_t offset : Offsets(8)) {
      for (const Type scalar : {Type::kI64, Type::kF64}) {
        Parts parts = Start(differential, Type::kV128);
        const Value loaded = parts.b.Load(scalar, kFlags, parts.address, offset);
        const Type shape = scalar == Type::kI64 ? Type::kI64X2 : Type::kF64X2;
        parts.b.Return({make(parts.b, parts.b.Vscalar(shape, loaded))});
        differential.Try({MemoryAddress(), kVector});
      }
    }
    for (int32_t offset : Offsets(4)) {
      Parts parts = Start(differential, Type::kV128);
      const Value loaded = parts.b.Load(Type::kI32, kFlags, parts.address, offset);
      parts.b.Return({make(parts.b, parts.b.Vscalar(Type::kI32X4, loaded))});
      differential.Try({MemoryAddress(), kVector});
    }
    // All 16 bytes are loaded where the IR says so.
    for (int32_t offset : Offsets(16)) {
      Parts parts = Start(differential, Type::kV128);
      const Value loaded = parts.b.Load(Type::kV128, kFlags, parts.address, offset);
      parts.b.Return({make(parts.b, loaded)});
      differential.Try({MemoryAddress(), kVector});
    }
  }
  differential.Run(TestedBackend().VectorVariants(0));
}

TEST(VectorMemoryTest, LanesStored) {
  Differential differential;
  for (Type shape : kShapes) {
    const int32_t bytes = static_cast<int32_t>(LaneBits(shape) / 8);
    for (uint32_t lane = 0; lane < LaneCount(shape); ++lane) {
      for (int32_t offset : Offsets(bytes)) {
        Parts parts = Start(differential, Type::kInvalid);
        const Value scalar = parts.b.VextractU(shape, parts.vector, lane);
        if (bytes == 1) {
          parts.b.Istore8(kFlags, scalar, parts.address, offset);
        } else if (bytes == 2) {
          parts.b.Istore16(kFlags, scalar, parts.address, offset);
        } else {
          parts.b.Store(kFlags, scalar, parts.address, offset);
        }
        parts.b.Return({});
        differential.Try({MemoryAddress(), kVector});
      }
    }
  }
  differential.Run(TestedBackend().VectorVariants(0));
}

// Lanes of a vector that is loaded: the vector's 16 bytes are read, or those of the lane, but
// nothing outside.
TEST(VectorMemoryTest, LanesOfLoadedVectors) {
  Differential differential;
  for (Type shape : kShapes) {
    for (uint32_t lane = 0; lane < LaneCount(shape); ++lane) {
      for (int32_t offset : Offsets(16)) {
        Parts parts = Start(differential, LaneScalar(shape));
        const Value loaded = parts.b.Load(Type::kV128, kFlags, parts.address, offset);
        parts.b.Return({parts.b.VextractU(shape, loaded, lane)});
        differential.Try({MemoryAddress(), kVector});
      }
    }
  }
  differential.Run(TestedBackend().VectorVariants(0));
}

// A load may not be folded behind a store to the same bytes.
TEST(VectorMemoryTest, LoadsStayBeforeStores) {
  Differential differential;
  for (int32_t distance : {0, 1, 8, 15, 16}) {
    Parts parts = Start(differential, Type::kV128);
    const Value loaded = parts.b.Load(Type::kV128, kFlags, parts.address, 64);
    parts.b.Store(kFlags, parts.vector, parts.address, 64 + distance);
    parts.b.Return({parts.b.Vadd(Type::kI8X16, parts.vector, loaded)});
    differential.Try({MemoryAddress(), kVector});
  }
  differential.Run(TestedBackend().VectorVariants(0));
}

// 32-bit indices that wrap must wrap in the address of a vector too (lessons.md row 8).
TEST(VectorMemoryTest, IndicesKeepTheirWidth) {
  Differential differential;
  for (const bool wide : {false, true}) {
    const Type type = wide ? Type::kI64 : Type::kI32;
    for (int shape = 0; shape < 5; ++shape) {
      Function& func = differential.NewFunction({Type::kI64, type, type}, {Type::kV128});
      InstBuilder b(&func);
      const Block entry = b.MakeEntryBlock();
      const Value base = func.dfg.block_params(entry)[0];
      const Value x = func.dfg.block_params(entry)[1];
      const Value y = func.dfg.block_params(entry)[2];
      Value index = shape == 0   ? b.Iadd(x, y)
                    : shape == 1 ? b.Iadd(x, b.Iconst(type, 0x30))
                    : shape == 2 ? b.Ishl(x, b.Iconst(type, 4))
                    : shape == 3 ? b.Isub(x, y)
                                 : b.Iadd(y, b.Ishl(x, b.Iconst(type, 3)));
      if (!wide) index = b.Uextend(Type::kI64, index);
      const Block access = b.MakeBlock();
      const Block skip = b.MakeBlock();
      b.Brif(b.Icmp(IntCC::kUle, index, b.I64(kEnd - 32)), access, {}, skip, {});
      b.Begin(skip);
      b.Return({b.Vsplat(Type::kI64X2, index)});
      b.Begin(access);
      const Value address = b.Iadd(base, index);
      const Value loaded = b.Load(Type::kV128, kFlags, address, 16);
      const Value sum = b.Vadd(Type::kI32X4, b.Vsplat(Type::kI64X2, index), loaded);
      b.Store(kFlags, sum, address, 1);
      b.Return({b.Vxor(sum, b.Load(Type::kV128, kFlags, address, 8))});
      for (uint64_t p : EdgeValues(type)) {
        for (uint64_t q : EdgeValues(type)) {
          differential.Try({MemoryAddress(), RawValue(p), RawValue(q)});
        }
      }
    }
  }
  differential.Run(TestedBackend().VectorVariants(0));
}

// Slots of 16 bytes beside ones of 8, and vectors kept over calls, which keep no vector register:
// spilled and reloaded whole (lessons.md rows 1 and 2).
TEST(VectorMemoryTest, KeptOverCalls) {
  Differential differential;
  std::vector<Type> params = {Type::kI32, Type::kV128, Type::kF64, Type::kV128,
                              Type::kF32, Type::kV128, Type::kI64};
  std::vector<Type> returns = {Type::kV128, Type::kF64, Type::kV128, Type::kF32,
                               Type::kV128, Type::kI64, Type::kV128};
  Function& func = differential.NewFunction(params, returns);
  InstBuilder b(&func);
  const Block entry = b.MakeEntryBlock();
  const std::vector<Value> p(func.dfg.block_params(entry).begin(),
                             func.dfg.block_params(entry).end());
  const Block again = b.MakeBlock();
  const Block end = b.MakeBlock();
  b.Brif(p[0], again, {}, end, {p[1], p[2], p[3], p[4], p[5], p[6], p[1]});
  std::vector<Value> ends;
  for (Type type : returns) ends.push_back(func.dfg.AppendBlockParam(end, type));
  b.Begin(again);
  const FuncRef self = func.dfg.ImportFunction(
      {func.DeclareName(0, 0, func.params.name.text), func.dfg.ImportSignature(func.signature)});
  const Value sum = b.Vadd(Type::kI16X8, p[1], p[3]);
  const Value product = b.Fmul(p[2], b.F64(3.0));
  const Inst call =
      b.Call(self, {b.Isub(p[0], b.I32(1)), p[5], product, sum, p[4], b.Vnot(p[3]), p[6]});
  const auto result = [&](size_t i) { return func.dfg.result(call, i); };
  b.Jump(end,
         {b.Vsub(Type::kI8X16, result(0), p[5]), b.Fadd(result(1), p[2]), b.Vxor(result(2), sum),
          b.Fadd(result(3), p[4]), b.Vadd(Type::kI64X2, result(4), p[1]), b.Iadd(result(5), p[6]),
          b.Vbitselect(p[3], result(6), sum)});
  b.Begin(end);
  b.Return(ends);
  for (uint64_t depth : {0, 1, 2, 7}) {
    differential.Try({RawValue(depth), kVector, RawValue(0x3FF8000000000000),
                      RawValue(0x0102030405060708, 0x1112131415161718), RawValue(0x40490FDB),
                      RawValue(~uint64_t{0}, 5), RawValue(0x123456789)});
  }
  differential.Run(TestedBackend().VectorVariants(0));
}

}  // namespace
}  // namespace gantry::codegen
