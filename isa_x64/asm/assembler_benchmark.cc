// Time per emitted instruction. To count executed instructions instead:
//   valgrind --tool=callgrind --toggle-collect='*EmitMix*' assembler_benchmark --count
#include <cstring>

#include "benchmark/benchmark.h"
#include "isa_x64/asm/assembler.h"

namespace gantry::x64 {
namespace {

using codegen::MachBuffer;
using codegen::MachLabel;

constexpr int kMixInstructions = 16;

// About what a compiler emits: moves, arithmetic, loads and stores, some floats, a branch.
// Operations and registers come from data, as they do in a compiler.
__attribute__((noinline)) void EmitMix(Assembler& as, const uint8_t* data, MachLabel target) {
  const auto reg = [&](int i) { return Gpr(data[i] & 15); };
  const auto reg64 = [&](int i) { return Gpr64(data[i] & 15); };
  const auto width = [&](int i) { return data[i] & 1 ? Width::k64 : Width::k32; };
  const auto op = [&](int i) { return static_cast<AluOp>(data[i] & 7); };
  as.mov(width(0), reg(1), reg(2));
  as.alu(op(3), width(4), reg(5), reg(6));
  as.alu(op(7), width(8), reg(9), data[10]);
  as.mov(width(11), reg(12), Address(reg64(13), data[14]));
  as.mov(width(15), Address(reg64(16), Gpr64(1), Scale::k4, 1000), reg(17));
  as.lea(Width::k32, reg(18), Address(reg64(19), Gpr64(2), Scale::k1));
  as.mov_imm(Width::k32, reg(20), data[21]);
  as.shift_imm(ShiftOp::kShl, width(22), reg(23), 3);
  as.vex(SseRvmOp::kAddsd, Xmm(data[24] & 15), Xmm(data[25] & 15), Xmm(data[26] & 15));
  as.sse(SseMoveOp::kMovsd, Xmm(data[27] & 15), Mem64(rsp, 16));
  as.movzx(Width::k32, reg(28), Width::k8, Address(reg64(29), 1));
  as.mov(width(30), reg(31), reg(32));
  as.test(Width::k32, reg(33), reg(33));
  as.alu(op(34), width(35), reg(36), Address(rsp, 40));
  as.alu(AluOp::kCmp, width(37), reg(38), reg(39));
  as.jcc(static_cast<Condition>(data[40] & 15), target);
}

constexpr int kMixes = 256;

void EmitFunction(MachBuffer& buffer, const uint8_t* data) {
  Assembler as(buffer);
  buffer.Reset();
  const MachLabel labels = buffer.NewLabels(kMixes);
  for (int i = 0; i < kMixes; ++i) {
    buffer.Bind(MachLabel(labels.raw() + i));
    // A third of the branches go back.
    const uint32_t target = i % 3 == 0 ? i / 2 : i + (kMixes - i) / 2;
    EmitMix(as, data + i, MachLabel(labels.raw() + (target < kMixes ? target : kMixes - 1)));
  }
  CHECK_OK(buffer.Finish());
}

const uint8_t* Data() {
  static uint8_t data[kMixes + 64];
  uint32_t state = 1;
  for (uint8_t& byte : data) {
    state = state * 1664525 + 1013904223;
    byte = static_cast<uint8_t>(state >> 24);
  }
  return data;
}

void BM_EmitMix(benchmark::State& state) {
  MachBuffer buffer(kLabelKinds);
  const uint8_t* data = Data();
  for (auto _ : state) {
    EmitFunction(buffer, data);
    benchmark::DoNotOptimize(buffer.bytes().data());
  }
  state.SetItemsProcessed(state.iterations() * kMixes * kMixInstructions);
  state.SetBytesProcessed(state.iterations() * static_cast<int64_t>(buffer.bytes().size()));
}
BENCHMARK(BM_EmitMix);

void BM_EmptyFunction(benchmark::State& state) {
  MachBuffer buffer(kLabelKinds);
  Assembler as(buffer);
  for (auto _ : state) {
    buffer.Reset();
    as.ret();
    CHECK_OK(buffer.Finish());
  }
}
BENCHMARK(BM_EmptyFunction);

}  // namespace
}  // namespace gantry::x64

int main(int argc, char** argv) {
  if (argc == 2 && std::strcmp(argv[1], "--count") == 0) {
    gantry::codegen::MachBuffer buffer(gantry::x64::kLabelKinds);
    gantry::x64::EmitFunction(buffer, gantry::x64::Data());
    return 0;
  }
  benchmark::Initialize(&argc, argv);
  benchmark::RunSpecifiedBenchmarks();
  return 0;
}
