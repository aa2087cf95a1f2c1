// Calls of random signatures, 0 to 40 arguments and results: direct, indirect, through chains of
// tail calls whose stack arguments grow and shrink, and under the C convention. Compiled code
// against the interpreter; the caller is the harness, so that both sides of the convention are
// met.
#include <vector>

#include "codegen/differential/differential.h"
#include "codegen/generate/random_source.h"
#include "codegen/ir/builder.h"
#include "gtest/gtest.h"

namespace gantry::codegen {
namespace {

// The last for those that have vectors.
constexpr Type kTypes[] = {Type::kI32, Type::kI64, Type::kF32, Type::kF64,
                           Type::kI8,  Type::kI64, Type::kV128};

std::vector<Type> RandomTypes(RandomSource& random, uint32_t most, bool vectors) {
  std::vector<Type> types(random.Below(most + 1));
  for (Type& type : types) type = kTypes[random.Below(vectors ? 7 : 6)];
  return types;
}

std::vector<Value> Begin(Function& func, InstBuilder& b) {
  const Block entry = b.MakeEntryBlock();
  return {func.dfg.block_params(entry).begin(), func.dfg.block_params(entry).end()};
}

FuncRef Declare(Function& func, const Function& callee) {
  return func.dfg.ImportFunction({func.DeclareName(0, 0, callee.params.name.text),
                                  func.dfg.ImportSignature(callee.signature)});
}

// Values of the wanted types out of those at hand, the last first, or constants.
std::vector<Value> Choose(Function& func, InstBuilder& b, const std::vector<Value>& from,
                          const Signature::ParamList& wanted) {
  std::vector<Value> chosen;
  size_t next = from.size();
  for (const AbiParam& param : wanted) {
    Value value = Value::None();
    for (size_t i = 0; i < from.size() && value.is_none(); ++i) {
      next = next == 0 ? from.size() - 1 : next - 1;
      if (func.dfg.value_type(from[next]) == param.type) value = from[next];
    }
    if (value.is_none()) {
      value = param.type == Type::kF32    ? b.F32(1.5f)
              : param.type == Type::kF64  ? b.F64(-2.5)
              : param.type == Type::kV128 ? b.V128const(0x1122334455667788, 5)
                                          : b.Iconst(param.type, 77);
    }
    chosen.push_back(value);
  }
  return chosen;
}

void TryRandom(Differential& differential, const Function& func, RandomSource& random) {
  for (int i = 0; i < 3; ++i) {
    std::vector<RawValue> args;
    for (const AbiParam& param : func.signature.params) {
      const uint64_t bits = random.Bits64();
      // A NaN's bits are not for comparing.
      const bool is_float = IsFloat(param.type);
      args.push_back(
          RawValue(is_float ? EdgeValues(param.type)[bits % 9] : bits & TypeMask(param.type)));
      if (param.type == Type::kV128) args.back().hi = random.Bits64();
    }
    differential.Try(args);
  }
}

void Chain(uint64_t seed, CallConv call_conv, uint32_t most_params, uint32_t most_returns,
           bool vectors) {
  SCOPED_TRACE(seed);
  RandomSource random(seed);
  Differential differential;
  const std::vector<Type> returns = RandomTypes(random, most_returns, vectors);
  const bool wasm = call_conv == CallConv::kWasm;
  // A leaf, then functions that call the one before them, in turn directly, indirectly, and by
  // tail calls of both kinds, each with parameters of its own.
  const Function* previous = nullptr;
  for (int depth = 0; depth < 6; ++depth) {
    Function& func = differential.NewFunction(RandomTypes(random, most_params, vectors), returns);
    func.signature.call_conv = call_conv;
    InstBuilder b(&func);
    std::vector<Value> values = Begin(func, b);
    if (depth == 0) {
      b.Return(Choose(func, b, values, func.signature.returns));
    } else {
      const FuncRef callee = Declare(func, *previous);
      const std::vector<Value> args = Choose(func, b, values, previous->signature.params);
      const SigRef sig = func.dfg.ext_func(callee).signature;
      const uint32_t kind = random.Below(wasm ? 4 : 2);
      if (kind == 2) {
        b.ReturnCall(callee, args);
      } else if (kind == 3) {
        b.ReturnCallIndirect(sig, b.FuncAddr(callee), args);
      } else {
        const Inst call =
            kind == 0 ? b.Call(callee, args) : b.CallIndirect(sig, b.FuncAddr(callee), args);
        // What was there before the call is used behind it too.
        for (Value result : func.dfg.results(call)) values.push_back(result);
        const Inst again = b.Call(callee, args);
        for (Value result : func.dfg.results(again)) values.push_back(result);
        b.Return(Choose(func, b, values, func.signature.returns));
      }
    }
    TryRandom(differential, func, random);
    previous = &func;
  }
  differential.Run(vectors ? TestedBackend().VectorVariants(seed)
                           : TestedBackend().AllVariants(seed));
}

TEST(CallsTest, WasmConvention) {
  for (uint64_t seed = 0; seed < 150 && !HasFatalFailure(); ++seed) {
    Chain(seed, CallConv::kWasm, 2 + seed % 39, seed % 41, seed % 2 == 1);
  }
}

TEST(CallsTest, SystemVConvention) {
  for (uint64_t seed = 0; seed < 50 && !HasFatalFailure(); ++seed) {
    Chain(seed, CallConv::kSystemV, seed % 41, 1, seed % 2 == 1);
  }
}

}  // namespace
}  // namespace gantry::codegen
