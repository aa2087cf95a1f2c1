#include "codegen/differential/differential.h"

#include <sys/mman.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "codegen/ir/print.h"
#include "gtest/gtest.h"

namespace gantry::codegen {

Differential::Differential() = default;
Differential::~Differential() = default;

uint8_t* Differential::Memory() {
  static uint8_t* const end = [] {
    void* pages = mmap(nullptr, 3 * 4096, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    CHECK(pages != MAP_FAILED);
    uint8_t* page = static_cast<uint8_t*>(pages) + 4096;
    CHECK(mprotect(page, 4096, PROT_READ | PROT_WRITE) == 0);
    return page + 4096;
  }();
  return end - kMemoryBytes;
}

void Differential::FillMemory() {
  uint32_t state = 12345;
  for (size_t i = 0; i < kMemoryBytes; ++i) {
    state = state * 1664525 + 1013904223;
    Memory()[i] = static_cast<uint8_t>(state >> 24);
  }
}

Function& Differential::NewFunction(std::vector<Type> params, std::vector<Type> returns) {
  functions_.push_back(std::make_unique<Function>());
  Function& func = *functions_.back();
  func.params.name.text = absl::StrCat("f", functions_.size() - 1);
  for (Type type : params) func.signature.params.push_back(type);
  for (Type type : returns) func.signature.returns.push_back(type);
  return func;
}

void Differential::Try(std::vector<RawValue> args) {
  calls_.push_back({functions_.size() - 1, std::move(args), {}, {}});
}

void Differential::Run() { Run(TestedBackend().AllVariants(calls_.size())); }

void Differential::Run(const std::vector<Variant>& variants) {
  Interpreter interpreter;
  for (const auto& func : functions_) interpreter.AddFunction(func.get());
  interpreter.AddMemory({Memory(), kMemoryBytes});
  for (Call& call : calls_) {
    FillMemory();
    absl::StatusOr<Outcome> outcome = interpreter.Run(*functions_[call.func], call.args);
    ASSERT_TRUE(outcome.ok()) << outcome.status() << "\n" << PrintFunction(*functions_[call.func]);
    call.expected = *outcome;
    call.memory_after.assign(Memory(), Memory() + kMemoryBytes);
  }
  for (const Variant& variant : variants) {
    SCOPED_TRACE(variant.name);
    const std::unique_ptr<NativeProgram> program = TestedBackend().MakeProgram(variant);
    for (const auto& func : functions_) {
      const absl::Status status = program->Add(*func);
      ASSERT_TRUE(status.ok()) << status << "\n" << PrintFunction(*func);
    }
    ASSERT_TRUE(program->Link().ok());
    for (const Call& call : calls_) {
      const Function& func = *functions_[call.func];
      FillMemory();
      const absl::StatusOr<Outcome> outcome = program->Call(call.func, call.args);
      ASSERT_TRUE(outcome.ok()) << outcome.status() << "\n" << PrintFunction(func);
      std::string args;
      for (const RawValue& arg : call.args) {
        absl::StrAppend(&args, " 0x");
        if (arg.hi != 0) absl::StrAppend(&args, absl::Hex(arg.hi), "'");
        absl::StrAppend(&args, absl::Hex(arg.lo));
      }
      ASSERT_TRUE(OutcomesAgree(call.expected, *outcome, func.signature))
          << "with" << args << ": expected " << DescribeOutcome(call.expected, func.signature)
          << ", found " << DescribeOutcome(*outcome, func.signature) << "\n"
          << PrintFunction(func);
      // A store over the end of memory has at most 15 bytes in front of it.
      const bool may_be_torn =
          variant.tears_stores && call.expected.kind == Outcome::Kind::kTrapped;
      const size_t compared = may_be_torn ? kMemoryBytes - 15 : kMemoryBytes;
      ASSERT_EQ(std::memcmp(Memory(), call.memory_after.data(), compared), 0)
          << "memory with" << args << "\n"
          << PrintFunction(func);
    }
  }
}

RawValue MemoryAddress() { return RawValue(reinterpret_cast<uint64_t>(Differential::Memory())); }

codegen::Value MakeConstant(InstBuilder& builder, Type type, const RawValue& value) {
  switch (type) {
    case Type::kF32:
      return builder.F32const(static_cast<uint32_t>(value.lo));
    case Type::kF64:
      return builder.F64const(value.lo);
    case Type::kV128:
      return builder.V128const(value.lo, value.hi);
    default:
      return builder.Iconst(type, static_cast<int64_t>(value.lo));
  }
}

VectorPairs EdgePairs(Type shape) {
  std::vector<uint64_t> edges = EdgeValues(LaneType(shape));
  // NaNs of other bits, one signalling.
  if (shape == Type::kF32X4) edges.insert(edges.end(), {0xFFC12345, 0x7F800001});
  if (shape == Type::kF64X2) edges.insert(edges.end(), {0xFFF8000000012345, 0x7FF0000000000001});
  const uint32_t bits = LaneBits(shape);
  VectorPairs pairs;
  uint32_t at = 128;
  for (uint64_t x : edges) {
    for (uint64_t y : edges) {
      if (at == 128) {
        pairs.first.emplace_back();
        pairs.second.emplace_back();
        at = 0;
      }
      (at < 64 ? pairs.first.back().lo : pairs.first.back().hi) |= x << at % 64;
      (at < 64 ? pairs.second.back().lo : pairs.second.back().hi) |= y << at % 64;
      at += bits;
    }
  }
  return pairs;
}

std::vector<uint64_t> EdgeValues(Type type) {
  switch (type) {
    case Type::kF32:
      return {0,          0x80000000, 0x3F800000, 0xBF800000, 0x3FC00000, 0x4F000000, 0xCF000000,
              0x4F800000, 0x5F000000, 0x7F800000, 0xFF800000, 0x7FC00000, 0x00000001, 0x4B000001};
    case Type::kF64:
      return {0,
              0x8000000000000000,
              0x3FF0000000000000,
              0xBFF8000000000000,
              0x3FE0000000000000,
              0x41E0000000000000,
              0xC1E0000000200000,
              0xC1E00000001FFFFF,
              0x41EFFFFFFFE00000,
              0x43E0000000000000,
              0xC3E0000000000000,
              0x43F0000000000000,
              0x7FF0000000000000,
              0xFFF0000000000000,
              0x7FF8000000000000,
              0x4330000000000001};
    default:
      break;
  }
  const uint64_t mask = TypeMask(type);
  const uint64_t top = uint64_t{1} << (TypeBits(type) - 1);
  std::vector<uint64_t> values = {0,       1,       2,           3,           7,        8,
                                  0x7F,    0x80,    0xFF,        mask,        mask - 1, top,
                                  top - 1, top + 1, mask ^ 0x7F, mask ^ 0x80, 5,        10};
  if (TypeBits(type) > 8) values.insert(values.end(), {0x100, 0x7FFF, 0x8000, 0xFFFF});
  if (TypeBits(type) > 16) values.insert(values.end(), {0x10000, 0x7FFFFFFF, 0xFFFFFFFF});
  if (TypeBits(type) > 32) {
    values.insert(values.end(), {0x80000000, 0x100000000, 0xFFFFFFFF80000000, 0xFFFFFFFF7FFFFFFF,
                                 0x123456789ABCDEF0});
  }
  return values;
}

}  // namespace gantry::codegen
