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

constexpr PReg kSystemVIntParams[] = {kRdi, kRsi, kRdx, kRcx, kR8, kR9};
constexpr PReg kSystemVIntResults[] = {kRax, kRdx};
constexpr uint8_t kSystemVVectorParams = 8;
constexpr uint8_t kSystemVVectorResults = 2;
// Offsets among arguments and results stay far within 32 bits.
constexpr size_t kMaxParams = 100000;

// Hands out registers of both classes, then memory, as the C convention does for scalars
// (System V Application Binary Interface, AMD64, 3.2.3).
class SystemVAssigner {
 public:
  SystemVAssigner(absl::Span<const PReg> ints, uint8_t vectors) : ints_(ints), vectors_(vectors) {}

  ValuePlace Next(Type type) {
    ValuePlace place;
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

AbiValue WasmValue(Type type) {
  return {codegen::IsInt(type) ? AbiClass::kInt : AbiClass::kVector,
          static_cast<uint8_t>(codegen::TypeBytes(type))};
}

ValuePlace FromWasm(Type type, const AbiPlace& place) {
  ValuePlace result;
  result.type = type;
  switch (place.kind) {
    case AbiPlace::Kind::kInt:
      result.reg = IntReg(place.encoding);
      break;
    case AbiPlace::Kind::kVector:
      result.reg = VectorReg(place.encoding);
      break;
    case AbiPlace::Kind::kMemory:
      result.offset = place.offset;
      break;
  }
  return result;
}

}  // namespace

PRegSet CallClobbers() {
  PRegSet set = {kRax, kRcx, kRdx, kRsi, kRdi, kR8, kR9, kR10};
  for (uint8_t i = 0; i < 15; ++i) set.insert(VectorReg(i));
  return set;
}

const codegen::regalloc::MachineEnv& MachineEnvironment(bool fuel_register) {
  static const auto make = [](bool without) {
    auto* made = new codegen::regalloc::MachineEnv;
    auto& ints = made->classes[static_cast<size_t>(RegClass::kInt)];
    ints.preferred = {kRax, kRcx, kRdx, kRsi, kRdi, kR8, kR9, kR10};
    ints.non_preferred = {kRbx, kR12, kR13, kR14, kR15};
    static_assert(kFuelRegister == kR15);
    if (without) ints.non_preferred.pop_back();
    ints.scratch = kScratchInt;
    ints.slot_words = 1;
    auto& vectors = made->classes[static_cast<size_t>(RegClass::kVector)];
    for (uint8_t i = 0; i < 15; ++i) vectors.preferred.push_back(VectorReg(i));
    vectors.scratch = kScratchVec;
    vectors.slot_words = 2;
    return made;
  };
  static const codegen::regalloc::MachineEnv* const all = make(false);
  static const codegen::regalloc::MachineEnv* const but_fuel = make(true);
  return fuel_register ? *but_fuel : *all;
}

absl::Status AbiSignature::Assign(const codegen::Signature& signature) {
  params_.clear();
  returns_.clear();
  result_area_reg_ = PReg::None();
  if (signature.params.size() > kMaxParams || signature.returns.size() > kMaxParams) {
    return absl::ResourceExhaustedError("function too large: too many parameters or results");
  }
  callee_pops_ = signature.call_conv == CallConv::kWasm;
  if (callee_pops_) {
    AssignWasm(signature);
    return absl::OkStatus();
  }
  return AssignSystemV(signature);
}

void AbiSignature::AssignWasm(const codegen::Signature& signature) {
  values_.clear();
  for (const AbiParam& param : signature.returns) values_.push_back(WasmValue(param.type));
  places_.resize(values_.size());
  result_area_bytes_ = AssignWasmResults(values_, absl::MakeSpan(places_));
  for (size_t i = 0; i < places_.size(); ++i) {
    returns_.push_back(FromWasm(signature.returns[i].type, places_[i]));
  }
  if (result_area_bytes_ != 0) result_area_reg_ = IntReg(kResultArea.encoding());

  values_.clear();
  for (const AbiParam& param : signature.params) {
    if (param.purpose == ArgPurpose::kNormal) values_.push_back(WasmValue(param.type));
  }
  places_.resize(values_.size());
  stack_bytes_ = AssignWasmArguments(values_, result_area_bytes_ != 0, absl::MakeSpan(places_));
  size_t next = 0;
  for (const AbiParam& param : signature.params) {
    if (param.purpose == ArgPurpose::kNormal) {
      params_.push_back(FromWasm(param.type, places_[next++]));
      continue;
    }
    ValuePlace place;
    place.type = param.type;
    place.reg = IntReg(param.purpose == ArgPurpose::kVmctx ? kCalleeVmctx.encoding()
                                                           : kCallerVmctx.encoding());
    params_.push_back(place);
  }
}

absl::Status AbiSignature::AssignSystemV(const codegen::Signature& signature) {
  SystemVAssigner results(kSystemVIntResults, kSystemVVectorResults);
  for (const AbiParam& param : signature.returns) returns_.push_back(results.Next(param.type));
  result_area_bytes_ = results.memory_bytes();
  if (result_area_bytes_ != 0) {
    return absl::UnimplementedError("a system_v function with results in memory");
  }
  SystemVAssigner params(kSystemVIntParams, kSystemVVectorParams);
  for (const AbiParam& param : signature.params) params_.push_back(params.Next(param.type));
  stack_bytes_ = params.memory_bytes();
  return absl::OkStatus();
}

}  // namespace gantry::x64
