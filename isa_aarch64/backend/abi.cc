#include "isa_aarch64/backend/abi.h"

namespace gantry::aarch64 {
namespace {

using codegen::AbiParam;
using codegen::ArgPurpose;
using codegen::CallConv;
using codegen::PReg;
using codegen::PRegSet;
using codegen::RegClass;
using codegen::Type;

// The C convention for scalars (Procedure Call Standard for the Arm 64-bit Architecture, 6.8).
constexpr uint8_t kCIntParams[] = {0, 1, 2, 3, 4, 5, 6, 7};
constexpr uint8_t kCIntResults[] = {0, 1};
constexpr uint32_t kCVectorParams = 8;
constexpr uint32_t kCVectorResults = 2;
// Offsets among arguments and results stay far within 32 bits.
constexpr size_t kMaxParams = 100000;
// v31 and x16, x17 are scratch, x18 is the platform's.
constexpr uint8_t kVectorCount = 31;
constexpr uint8_t kCallerSavedInts = 16;

AbiValue ValueOf(Type type) {
  return {codegen::IsInt(type) ? AbiClass::kInt : AbiClass::kVector,
          static_cast<uint8_t>(codegen::TypeBytes(type))};
}

ValuePlace PlaceOf(Type type, const AbiPlace& place) {
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

PRegSet CalleeSavedSet() {
  PRegSet set;
  for (uint8_t i = kFirstCalleeSaved; i <= kLastCalleeSaved; ++i) set.insert(IntReg(i));
  return set;
}

PRegSet CallClobbers() {
  PRegSet set;
  for (uint8_t i = 0; i < kCallerSavedInts; ++i) set.insert(IntReg(i));
  for (uint8_t i = 0; i < kVectorCount; ++i) set.insert(VectorReg(i));
  return set;
}

const codegen::regalloc::MachineEnv& MachineEnvironment(bool fuel_register) {
  const auto make = [](bool but_fuel) {
    auto* made = new codegen::regalloc::MachineEnv;
    auto& ints = made->classes[static_cast<size_t>(RegClass::kInt)];
    // The contexts' registers last: they hold what lives long.
    for (uint8_t i = 2; i < kCallerSavedInts; ++i) ints.preferred.push_back(IntReg(i));
    ints.preferred.push_back(IntReg(kCallerVmctx.encoding()));
    ints.preferred.push_back(IntReg(kCalleeVmctx.encoding()));
    for (uint8_t i = kFirstCalleeSaved; i <= kLastCalleeSaved; ++i) {
      if (!but_fuel || IntReg(i) != kFuelRegister) ints.non_preferred.push_back(IntReg(i));
    }
    // The assembler takes x16 for addresses of slots that are far from sp.
    ints.scratch = IntReg(17);
    ints.slot_words = 1;
    auto& vectors = made->classes[static_cast<size_t>(RegClass::kVector)];
    for (uint8_t i = 0; i < kVectorCount; ++i) vectors.preferred.push_back(VectorReg(i));
    vectors.scratch = VectorReg(31);
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
  if (!callee_pops_) return AssignC(signature);
  AssignWasm(signature);
  return absl::OkStatus();
}

void AbiSignature::AssignWasm(const codegen::Signature& signature) {
  values_.clear();
  for (const AbiParam& param : signature.returns) values_.push_back(ValueOf(param.type));
  places_.resize(values_.size());
  result_area_bytes_ = AssignWasmResults(values_, absl::MakeSpan(places_));
  for (size_t i = 0; i < places_.size(); ++i) {
    returns_.push_back(PlaceOf(signature.returns[i].type, places_[i]));
  }
  if (result_area_bytes_ != 0) result_area_reg_ = IntReg(kResultArea.encoding());

  values_.clear();
  for (const AbiParam& param : signature.params) {
    if (param.purpose == ArgPurpose::kNormal) values_.push_back(ValueOf(param.type));
  }
  places_.resize(values_.size());
  stack_bytes_ = AssignWasmArguments(values_, result_area_bytes_ != 0, absl::MakeSpan(places_));
  size_t next = 0;
  for (const AbiParam& param : signature.params) {
    if (param.purpose == ArgPurpose::kNormal) {
      params_.push_back(PlaceOf(param.type, places_[next++]));
      continue;
    }
    ValuePlace place;
    place.type = param.type;
    place.reg = IntReg(param.purpose == ArgPurpose::kVmctx ? kCalleeVmctx.encoding()
                                                           : kCallerVmctx.encoding());
    params_.push_back(place);
  }
}

absl::Status AbiSignature::AssignC(const codegen::Signature& signature) {
  values_.clear();
  for (const AbiParam& param : signature.returns) values_.push_back(ValueOf(param.type));
  places_.resize(values_.size());
  result_area_bytes_ = codegen::AssignAbiPlaces(
      {.ints = kCIntResults, .vector_count = kCVectorResults}, values_, absl::MakeSpan(places_));
  if (result_area_bytes_ != 0) {
    return absl::UnimplementedError("a function of the C convention with results in memory");
  }
  for (size_t i = 0; i < places_.size(); ++i) {
    returns_.push_back(PlaceOf(signature.returns[i].type, places_[i]));
  }
  values_.clear();
  for (const AbiParam& param : signature.params) values_.push_back(ValueOf(param.type));
  places_.resize(values_.size());
  stack_bytes_ = codegen::AssignAbiPlaces({.ints = kCIntParams, .vector_count = kCVectorParams},
                                          values_, absl::MakeSpan(places_));
  for (size_t i = 0; i < places_.size(); ++i) {
    params_.push_back(PlaceOf(signature.params[i].type, places_[i]));
  }
  return absl::OkStatus();
}

}  // namespace gantry::aarch64
