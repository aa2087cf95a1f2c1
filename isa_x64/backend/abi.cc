#include "isa_x64/backend/abi.h"

#include <algorithm>

#include "base/check.h"

namespace gantry::x64 {
namespace {

using codegen::AbiParam;
using codegen::ArgPurpose;
using codegen::CallConv;
using codegen::PReg;
using codegen::PRegSet;
using codegen::RegClass;
using codegen::Type;

constexpr PReg kWasmIntParams[] = {kRax, kRcx, kRdx, kR8, kR9, kR10};
constexpr PReg kWasmIntResults[] = {kRax, kRcx, kRdx, kR8};
constexpr PReg kSystemVIntParams[] = {kRdi, kRsi, kRdx, kRcx, kR8, kR9};
constexpr PReg kSystemVIntResults[] = {kRax, kRdx};
constexpr uint8_t kVectorParams = 8;
constexpr uint8_t kWasmVectorResults = 4;
constexpr uint8_t kSystemVVectorResults = 2;
// Offsets among arguments and results stay far within 32 bits.
constexpr size_t kMaxParams = 100000;

// Hands out registers of both classes, then memory.
class Assigner {
 public:
  Assigner(absl::Span<const PReg> ints, uint8_t vectors) : ints_(ints), vectors_(vectors) {}

  AbiPlace Next(Type type) {
    AbiPlace place;
    place.type = type;
    if (codegen::IsInt(type)) {
      if (next_int_ < ints_.size()) {
        place.reg = ints_[next_int_++];
        return place;
      }
    } else if (next_vector_ < vectors_) {
      place.reg = VectorReg(next_vector_++);
      return place;
    }
    const uint32_t size = codegen::TypeBytes(type) > 8 ? 16 : 8;
    bytes_ = (bytes_ + size - 1) & ~(size - 1);
    place.offset = bytes_;
    bytes_ += size;
    return place;
  }
  uint32_t memory_bytes() const { return (bytes_ + 15) & ~15u; }

 private:
  absl::Span<const PReg> ints_;
  uint8_t vectors_;
  size_t next_int_ = 0;
  uint8_t next_vector_ = 0;
  uint32_t bytes_ = 0;
};

}  // namespace

PRegSet CallClobbers() {
  PRegSet set = {kRax, kRcx, kRdx, kRsi, kRdi, kR8, kR9, kR10};
  for (uint8_t i = 0; i < 15; ++i) set.insert(VectorReg(i));
  return set;
}

const codegen::regalloc::MachineEnv& MachineEnvironment() {
  static const codegen::regalloc::MachineEnv* const env = [] {
    auto* made = new codegen::regalloc::MachineEnv;
    auto& ints = made->classes[static_cast<size_t>(RegClass::kInt)];
    ints.preferred = {kRax, kRcx, kRdx, kRsi, kRdi, kR8, kR9, kR10};
    ints.non_preferred = {kRbx, kR12, kR13, kR14, kR15};
    ints.scratch = kScratch;
    ints.slot_words = 1;
    auto& vectors = made->classes[static_cast<size_t>(RegClass::kVector)];
    for (uint8_t i = 0; i < 15; ++i) vectors.preferred.push_back(VectorReg(i));
    vectors.scratch = kScratchXmm;
    vectors.slot_words = 2;
    return made;
  }();
  return *env;
}

absl::Status AbiSignature::Assign(const codegen::Signature& signature) {
  params_.clear();
  returns_.clear();
  result_area_reg_ = PReg::None();
  if (signature.params.size() > kMaxParams || signature.returns.size() > kMaxParams) {
    return absl::ResourceExhaustedError("function too large: too many parameters or results");
  }
  const bool wasm = signature.call_conv == CallConv::kWasm;
  callee_pops_ = wasm;
  Assigner results = wasm ? Assigner(kWasmIntResults, kWasmVectorResults)
                          : Assigner(kSystemVIntResults, kSystemVVectorResults);
  for (const AbiParam& param : signature.returns) returns_.push_back(results.Next(param.type));
  result_area_bytes_ = results.memory_bytes();

  Assigner params = wasm ? Assigner(kWasmIntParams, kVectorParams)
                         : Assigner(kSystemVIntParams, kVectorParams);
  if (result_area_bytes_ != 0) {
    if (!wasm) return absl::UnimplementedError("a system_v call with results in memory");
    result_area_reg_ = params.Next(Type::kI64).reg;
  }
  for (const AbiParam& param : signature.params) {
    AbiPlace place;
    place.type = param.type;
    if (wasm && param.purpose == ArgPurpose::kVmctx) {
      place.reg = kRdi;
    } else if (wasm && param.purpose == ArgPurpose::kCallerVmctx) {
      place.reg = kRsi;
    } else {
      place = params.Next(param.type);
    }
    params_.push_back(place);
  }
  stack_bytes_ = params.memory_bytes();
  return absl::OkStatus();
}

}  // namespace gantry::x64
