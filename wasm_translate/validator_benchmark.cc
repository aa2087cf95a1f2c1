// How fast bodies are validated: bytes per second, and nanoseconds per operator.
//
// With WASM_FILE=FILE in the environment, of that module; else of one made here, whose
// operators are mixed as compilers mix them.
#include <cstdint>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

#include "base/check.h"
#include "benchmark/benchmark.h"
#include "wasm_translate/function_validator.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/testing/module_builder.h"

namespace gantry::wasm {
namespace {

using testing::CodeBuilder;
using testing::ModuleBuilder;

std::vector<uint8_t> MadeModule() {
  ModuleBuilder builder;
  builder.Memory(1);
  builder.Table({ValType::FuncRef(), {1, {}}});
  const TypeIndex type = builder.Type({ValType::I32(), ValType::I64()}, {ValType::I32()});
  CodeBuilder body;
  body.Locals(4, ValType::I32());
  for (int i = 0; i < 200; ++i) {
    body.Open(Opcode::kBlock)
        .LocalGet(0)
        .LocalGet(2)
        .Op(Opcode::kI32Add)
        .LocalTee(3)
        .Memory(Opcode::kI32Load, 16)
        .I32Const(1000)
        .Op(Opcode::kI32LtU)
        .BrIf(0)
        .LocalGet(3)
        .LocalGet(0)
        .I32Const(4)
        .Op(Opcode::kI32Shl)
        .Memory(Opcode::kI32Store, 1024)
        .LocalGet(2)
        .LocalGet(1)
        .Call(FuncIndex(0))
        .LocalSet(4)
        .LocalGet(1)
        .Op(Opcode::kI32WrapI64)
        .Open(Opcode::kIf)
        .LocalGet(4)
        .LocalSet(2)
        .Else()
        .I32Const(0)
        .LocalSet(2)
        .End()
        .End();
  }
  body.LocalGet(2);
  for (int i = 0; i < 300; ++i) builder.Func(type, body);
  return builder.Build();
}

std::vector<uint8_t> Bytes() {
  const char* path = std::getenv("WASM_FILE");
  if (path == nullptr) return MadeModule();
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Counts operators in live code, and shows what a visitor costs.
class Counter : public VisitorBase<Counter> {
 public:
  void OnUnsupported(Opcode) { ++count_; }
  void OnEnd(const ControlFrame&, bool) { ++count_; }
  void OnElse(const ControlFrame&, bool) { ++count_; }
  uint64_t count() const { return count_; }

 private:
  uint64_t count_ = 0;
};

uint64_t BodyBytes(const Module& module) {
  uint64_t bytes = 0;
  for (const FunctionBody& body : module.bodies) bytes += body.bytes.size();
  return bytes;
}

template <class Visitor>
void Validate(benchmark::State& state, const Module& module) {
  const ParseOptions options;
  FunctionValidator<Visitor> validator(module, options.features, options.limits);
  for (auto _ : state) {
    Visitor visitor;
    for (const FunctionBody& body : module.bodies) CHECK_OK(validator.Run(body, visitor));
    benchmark::DoNotOptimize(visitor);
  }
  Counter counter;
  FunctionValidator<Counter> counting(module, options.features, options.limits);
  for (const FunctionBody& body : module.bodies) CHECK_OK(counting.Run(body, counter));
  const double operators = static_cast<double>(counter.count()) * state.iterations();
  state.SetBytesProcessed(static_cast<int64_t>(BodyBytes(module) * state.iterations()));
  state.counters["per_operator"] =
      benchmark::Counter(operators, benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

void BM_ValidateBodies(benchmark::State& state) {
  const auto bytes = Bytes();
  const auto module = ParseModule(bytes, {});
  CHECK_OK(module.status());
  Validate<NoVisitor>(state, *module);
}
BENCHMARK(BM_ValidateBodies);

void BM_ValidateBodiesWithVisitor(benchmark::State& state) {
  const auto bytes = Bytes();
  const auto module = ParseModule(bytes, {});
  CHECK_OK(module.status());
  Validate<Counter>(state, *module);
}
BENCHMARK(BM_ValidateBodiesWithVisitor);

void BM_ParseModule(benchmark::State& state) {
  const auto bytes = Bytes();
  for (auto _ : state) CHECK_OK(ParseModule(bytes, {}).status());
  state.SetBytesProcessed(static_cast<int64_t>(bytes.size() * state.iterations()));
}
BENCHMARK(BM_ParseModule);

void BM_ValidateModule(benchmark::State& state) {
  const auto bytes = Bytes();
  for (auto _ : state) CHECK_OK(ValidateModule(bytes, {}));
  state.SetBytesProcessed(static_cast<int64_t>(bytes.size() * state.iterations()));
}
BENCHMARK(BM_ValidateModule);

}  // namespace
}  // namespace gantry::wasm
