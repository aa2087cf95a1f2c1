#include "isa_aarch64/wasm_abi.h"

#include <memory>
#include <random>
#include <vector>

#include "gtest/gtest.h"
#include "isa_aarch64/wasm_abi_testing.h"

namespace gantry::aarch64 {
namespace {

using testing::AbiTestCall;
using testing::AbiTestContext;
using testing::AbiTestSignature;
using testing::AbiTestValue;
using testing::NativeCode;

constexpr AbiValue kI32{AbiClass::kInt, 4};
constexpr AbiValue kI64{AbiClass::kInt, 8};
constexpr AbiValue kF32{AbiClass::kVector, 4};
constexpr AbiValue kF64{AbiClass::kVector, 8};
constexpr AbiValue kV128{AbiClass::kVector, 16};

AbiPlace Int(uint8_t reg) { return {AbiPlace::Kind::kInt, reg, 0}; }
AbiPlace Vector(uint8_t encoding) { return {AbiPlace::Kind::kVector, encoding, 0}; }
AbiPlace Memory(uint32_t offset) { return {AbiPlace::Kind::kMemory, 0, offset}; }

TEST(WasmAbi, ArgumentsInOrderEachClassAlone) {
  std::vector<AbiPlace> places(4);
  EXPECT_EQ(AssignWasmArguments({kI32, kF64, kI64, kF32}, false, absl::MakeSpan(places)), 0u);
  EXPECT_EQ(places, (std::vector<AbiPlace>{Int(2), Vector(0), Int(3), Vector(1)}));
}

TEST(WasmAbi, ArgumentsBeyondTheRegistersGoToTheStack) {
  std::vector<AbiValue> params(7, kI64);
  params.insert(params.end(), 9, kF32);
  params.push_back(kV128);
  params.push_back(kI32);
  std::vector<AbiPlace> places(params.size());
  // i64 at 0, f32 at 8, v128 at 16, i32 at 32.
  EXPECT_EQ(AssignWasmArguments(params, false, absl::MakeSpan(places)), 48u);
  EXPECT_EQ(places[5], Int(7));
  EXPECT_EQ(places[6], Memory(0));
  EXPECT_EQ(places[14], Vector(7));
  EXPECT_EQ(places[15], Memory(8));
  EXPECT_EQ(places[16], Memory(16));
  EXPECT_EQ(places[17], Memory(32));
}

TEST(WasmAbi, ResultAreaTakesTheFirstIntegerRegister) {
  std::vector<AbiPlace> places(6);
  EXPECT_EQ(AssignWasmArguments(std::vector<AbiValue>(6, kI32), true, absl::MakeSpan(places)), 16u);
  EXPECT_EQ(places[0], Int(3));
  EXPECT_EQ(places[5], Memory(0));
}

TEST(WasmAbi, ResultsBeyondTheRegistersGoToTheArea) {
  const std::vector<AbiValue> results = {kI32, kI32, kI32, kI32,  kI64, kF64,
                                         kF64, kF64, kF64, kV128, kI32};
  std::vector<AbiPlace> places(results.size());
  EXPECT_EQ(AssignWasmResults(results, absl::MakeSpan(places)), 48u);
  EXPECT_EQ(places[3], Int(5));
  EXPECT_EQ(places[4], Memory(0));
  EXPECT_EQ(places[8], Vector(3));
  EXPECT_EQ(places[9], Memory(16));
  EXPECT_EQ(places[10], Memory(32));
}

#if defined(__aarch64__)

// What one hand-assembled function passes, the other receives.
TEST(WasmAbi, HandAssembledFunctionsAgree) {
  std::mt19937_64 random(1);
  for (int i = 0; i < 300; ++i) {
    const AbiTestSignature signature = testing::RandomAbiSignature(random);
    SCOPED_TRACE(signature.ToString());
    const NativeCode callee(
        [&](codegen::MachBuffer& buffer) { testing::EmitRecordingCallee(signature, buffer); });
    const NativeCode caller(
        [&](codegen::MachBuffer& buffer) { testing::EmitCheckingCaller(signature, buffer); });
    const auto arguments = testing::RandomAbiValues(signature.params, random);
    const auto results = testing::RandomAbiValues(signature.results, random);
    std::vector<AbiTestValue> seen_arguments(arguments.size());
    std::vector<AbiTestValue> seen_results(results.size());
    AbiTestContext context;
    context.results = results.data();
    context.arguments = seen_arguments.data();
    const uint64_t caller_context = random();
    const AbiTestCall call = {callee.entry(), &context,
                              reinterpret_cast<const void*>(caller_context), arguments.data(),
                              seen_results.data()};
    EXPECT_EQ(caller.As<uint64_t(const AbiTestCall*)>()(&call), 0u);
    EXPECT_EQ(context.calls, 1u);
    EXPECT_EQ(context.broken, 0u);
    EXPECT_EQ(context.caller, caller_context);
    for (size_t k = 0; k < arguments.size(); ++k) {
      EXPECT_EQ(testing::MaskAbiValue(signature.params[k], seen_arguments[k], true), arguments[k])
          << "argument " << k;
    }
    for (size_t k = 0; k < results.size(); ++k) {
      EXPECT_EQ(testing::MaskAbiValue(signature.results[k], seen_results[k], true), results[k])
          << "result " << k;
    }
    if (HasFailure()) break;
  }
}

// Functions of different signatures, each tail-calling the next; results come straight back
// to the first caller, whose stack is whole again (lessons.md row 13: tail calls).
TEST(WasmAbi, TailCallChains) {
  std::mt19937_64 random(2);
  for (int i = 0; i < 100; ++i) {
    std::vector<AbiTestSignature> chain(2 + random() % 5);
    for (AbiTestSignature& signature : chain) {
      signature = testing::RandomAbiSignature(random);
      signature.results = chain[0].results;
    }
    std::vector<std::unique_ptr<NativeCode>> code;
    for (size_t k = 0; k < chain.size(); ++k) {
      code.push_back(std::make_unique<NativeCode>([&](codegen::MachBuffer& buffer) {
        if (k + 1 < chain.size()) {
          testing::EmitTailCaller(chain[k], chain[k + 1].params, buffer);
        } else {
          testing::EmitRecordingCallee(chain[k], buffer);
        }
      }));
    }
    const NativeCode caller(
        [&](codegen::MachBuffer& buffer) { testing::EmitCheckingCaller(chain[0], buffer); });
    const auto results = testing::RandomAbiValues(chain[0].results, random);
    std::vector<std::vector<AbiTestValue>> arguments;
    std::vector<std::vector<AbiTestValue>> seen;
    for (const AbiTestSignature& signature : chain) {
      arguments.push_back(testing::RandomAbiValues(signature.params, random));
      seen.emplace_back(signature.params.size());
    }
    std::vector<AbiTestContext> contexts(chain.size());
    for (size_t k = 0; k < chain.size(); ++k) {
      contexts[k].arguments = seen[k].data();
      contexts[k].results = results.data();
      if (k + 1 == chain.size()) break;
      contexts[k].tail_code = code[k + 1]->entry();
      contexts[k].tail_context = &contexts[k + 1];
      contexts[k].tail_arguments = arguments[k + 1].data();
    }
    std::vector<AbiTestValue> seen_results(results.size());
    const AbiTestCall call = {code[0]->entry(), &contexts[0], nullptr, arguments[0].data(),
                              seen_results.data()};
    ASSERT_EQ(caller.As<uint64_t(const AbiTestCall*)>()(&call), 0u) << i;
    for (size_t k = 0; k < chain.size(); ++k) {
      ASSERT_EQ(contexts[k].calls, 1u);
      ASSERT_EQ(contexts[k].broken, 0u);
      for (size_t n = 0; n < arguments[k].size(); ++n) {
        ASSERT_EQ(testing::MaskAbiValue(chain[k].params[n], seen[k][n], true), arguments[k][n])
            << chain[k].ToString() << " argument " << n;
      }
    }
    for (size_t n = 0; n < results.size(); ++n) {
      ASSERT_EQ(testing::MaskAbiValue(chain[0].results[n], seen_results[n], true), results[n]);
    }
  }
}

#endif  // defined(__aarch64__)

}  // namespace
}  // namespace gantry::aarch64
