#include "wasm_translate/text/testing/operator_samples.h"

#include "absl/strings/str_cat.h"
#include "wasm_translate/binary_writer.h"

namespace gantry::wasm::text {
namespace {

// The immediates as text, and as bytes behind the operator.
std::string WriteImmediates(Opcode op, ByteWriter* out) {
  const OperatorInfo& info = GetOperatorInfo(op);
  switch (info.immediates) {
    case Immediates::kNone:
    case Immediates::kBlockType:
    case Immediates::kTryTable:
      return "";
    case Immediates::kLabel:
    case Immediates::kFunc:
    case Immediates::kType:
    case Immediates::kTag:
    case Immediates::kGlobal:
    case Immediates::kTable:
    case Immediates::kElem:
    case Immediates::kMemory:
    case Immediates::kData:
    case Immediates::kLocal:
      out->VarU32(200);
      return " 200";
    case Immediates::kLabelTable:
      out->VarU32(1).VarU32(200).VarU32(2);
      return " 200 2";
    case Immediates::kTypeTable:
      out->VarU32(2).VarU32(200);
      return " 200 (type 2)";
    case Immediates::kElemTable:
    case Immediates::kDataMemory:
      out->VarU32(2).VarU32(200);
      return " 200 2";
    case Immediates::kTableTable:
    case Immediates::kMemoryMemory:
    case Immediates::kTypeField:
    case Immediates::kTypeCount:
    case Immediates::kTypeData:
    case Immediates::kTypeElem:
    case Immediates::kTypeType:
      out->VarU32(200).VarU32(2);
      return " 200 2";
    case Immediates::kMemArg:
      out->U8(info.align_or_lanes).VarU32(200);
      return " offset=200";
    case Immediates::kMemArgLane:
      out->U8(info.align_or_lanes).VarU32(200).U8(1);
      return " offset=200 1";
    case Immediates::kLane:
      out->U8(1);
      return " 1";
    case Immediates::kShuffle:
      for (uint8_t lane = 0; lane < 16; ++lane) out->U8(31 - lane);
      return " 31 30 29 28 27 26 25 24 23 22 21 20 19 18 17 16";
    case Immediates::kI32:
    case Immediates::kI64:
      out->VarS64(-200);
      return " -200";
    case Immediates::kF32:
      out->Fixed32(0x3F80'0000);
      return " 1";
    case Immediates::kF64:
      out->Fixed64(uint64_t{0x3FF} << 52);
      return " 1";
    case Immediates::kV128:
      out->Fixed64(1).Fixed64(~uint64_t{0});
      return " i64x2 1 -1";
    case Immediates::kSelectTypes:
      out->TypeList({ValType::I32()});
      return " (result i32)";
    case Immediates::kHeapType:
      if (op == Opcode::kRefNull) {
        out->U8(0x6F);
        return " extern";
      }
      out->VarS64(200);
      return op == Opcode::kRefTestNull || op == Opcode::kRefCastNull ? " (ref null 200)"
                                                                      : " (ref 200)";
    case Immediates::kBrOnCast:
      out->U8(1).VarU32(200).VarS64(2).U8(0x6E);
      return " 200 (ref null 2) (ref any)";
    case Immediates::kFence:
      out->U8(0);
      return "";
  }
  return "";
}

}  // namespace

std::vector<OperatorSample> OperatorSamples() {
  std::vector<OperatorSample> samples;
  for (Opcode op : AllOpcodes()) {
    const Immediates immediates = GetOperatorInfo(op).immediates;
    if (immediates == Immediates::kBlockType || immediates == Immediates::kTryTable ||
        op == Opcode::kElse || op == Opcode::kEnd) {
      continue;
    }
    ByteWriter bytes;
    bytes.Op(op);
    const std::string text = WriteImmediates(op, &bytes);
    samples.push_back({op, absl::StrCat(OpcodeName(op), text), bytes.Take()});
  }
  return samples;
}

}  // namespace gantry::wasm::text
