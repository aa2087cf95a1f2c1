#include "wasm_translate/operators.h"

#include <algorithm>
#include <array>
#include <iterator>

#include "wasm_translate/types.h"

namespace gantry::wasm {
namespace {

constexpr uint8_t KindOf(char letter) {
  switch (letter) {
    case 'i':
      return static_cast<uint8_t>(ValType::Kind::kI32);
    case 'l':
      return static_cast<uint8_t>(ValType::Kind::kI64);
    case 'f':
      return static_cast<uint8_t>(ValType::Kind::kF32);
    case 'd':
      return static_cast<uint8_t>(ValType::Kind::kF64);
    case 'v':
      return static_cast<uint8_t>(ValType::Kind::kV128);
    default:
      return OperatorInfo::kAddressKind;
  }
}

constexpr OperatorInfo Row(const char* name, OperatorClass op_class, Feature feature,
                           Immediates immediates, const char* signature, uint8_t align_or_lanes) {
  OperatorInfo info;
  info.name = name;
  info.op_class = op_class;
  info.feature = feature;
  info.immediates = immediates;
  info.align_or_lanes = align_or_lanes;
  const char* p = signature;
  for (; *p != ':' && *p != 0; ++p) info.results[info.num_results++] = KindOf(*p);
  if (*p == ':') ++p;
  for (; *p != 0; ++p) info.params[info.num_params++] = KindOf(*p);
  return info;
}

constexpr std::array<OperatorInfo, kNumOpcodes> MakeTable() {
  std::array<OperatorInfo, kNumOpcodes> table;
#define GANTRY_OP(name, text, prefix, code, feature, immediates) \
  table[OpcodeNumber(prefix, code)] =                            \
      Row(text, OperatorClass::kSpecial, Feature::feature, Immediates::immediates, "", 0);
#define GANTRY_OP_SIMPLE(name, text, prefix, code, feature, signature) \
  table[OpcodeNumber(prefix, code)] =                                  \
      Row(text, OperatorClass::kSimple, Feature::feature, Immediates::kNone, signature, 0);
#define GANTRY_OP_MEMORY(name, text, prefix, code, feature, immediates, signature, align) \
  table[OpcodeNumber(prefix, code)] = Row(text, OperatorClass::kMemory, Feature::feature, \
                                          Immediates::immediates, signature, align);
#define GANTRY_OP_LANE(name, text, prefix, code, feature, signature, lanes) \
  table[OpcodeNumber(prefix, code)] =                                       \
      Row(text, OperatorClass::kLane, Feature::feature, Immediates::kLane, signature, lanes);
#include "wasm_translate/operators.def"
  return table;
}

constexpr Opcode kAll[] = {
#define GANTRY_OP(name, ...) Opcode::name,
#define GANTRY_OP_SIMPLE(name, ...) Opcode::name,
#define GANTRY_OP_MEMORY(name, ...) Opcode::name,
#define GANTRY_OP_LANE(name, ...) Opcode::name,
#include "wasm_translate/operators.def"
};

constexpr std::array<Opcode, std::size(kAll)> Sorted() {
  std::array<Opcode, std::size(kAll)> all{};
  std::copy(std::begin(kAll), std::end(kAll), all.begin());
  std::sort(all.begin(), all.end());
  return all;
}

constexpr auto kTable = MakeTable();
constexpr auto kSorted = Sorted();

using operators_internal::ByteOperator;

constexpr ValType TypeOf(uint8_t kind) {
  return kind == OperatorInfo::kAddressKind
             ? ValType::I32()
             : ValType::OfSimpleKind(static_cast<ValType::Kind>(kind));
}

constexpr ByteOperator::Shape ShapeOf(Opcode op) {
  switch (op) {
    case Opcode::kBlock:
    case Opcode::kLoop:
    case Opcode::kIf:
      return ByteOperator::kBlock;
    case Opcode::kEnd:
      return ByteOperator::kEnd;
    case Opcode::kBrIf:
      return ByteOperator::kBrIf;
    case Opcode::kCall:
      return ByteOperator::kCall;
    case Opcode::kDrop:
      return ByteOperator::kDrop;
    case Opcode::kSelect:
      return ByteOperator::kSelect;
    case Opcode::kLocalGet:
      return ByteOperator::kLocalGet;
    case Opcode::kLocalSet:
      return ByteOperator::kLocalSet;
    case Opcode::kLocalTee:
      return ByteOperator::kLocalTee;
    case Opcode::kGlobalGet:
      return ByteOperator::kGlobalGet;
    case Opcode::kGlobalSet:
      return ByteOperator::kGlobalSet;
    case Opcode::kI32Const:
      return ByteOperator::kI32Const;
    case Opcode::kI64Const:
      return ByteOperator::kI64Const;
    default:
      return ByteOperator::kOther;
  }
}

constexpr ByteOperator MakeByteOperator(uint8_t byte) {
  const OperatorInfo& info = kTable[byte];
  ByteOperator op;
  if (info.op_class == OperatorClass::kSpecial) op.shape = ShapeOf(static_cast<Opcode>(byte));
  const bool simple = info.op_class == OperatorClass::kSimple;
  const bool memory = info.op_class == OperatorClass::kMemory;
  if ((!simple && !memory) || info.feature != Feature::kMvp) return op;
  if (info.num_params == 1 && info.num_results == 1) {
    op.shape = simple ? ByteOperator::kUnary : ByteOperator::kLoad;
  } else if (info.num_params == 2 && info.num_results == (simple ? 1 : 0)) {
    op.shape = simple ? ByteOperator::kBinary : ByteOperator::kStore;
  } else {
    return op;
  }
  for (int i = 0; i < info.num_params; ++i) op.operands[i] = TypeOf(info.params[i]).bits();
  if (info.num_results == 1) op.result = TypeOf(info.results[0]);
  op.natural_align = info.align_or_lanes;
  return op;
}

constexpr std::array<ByteOperator, 256> MakeByteOperators() {
  std::array<ByteOperator, 256> operators;
  for (int byte = 0; byte < 256; ++byte) {
    operators[byte] = MakeByteOperator(static_cast<uint8_t>(byte));
  }
  return operators;
}

constexpr auto kBytes = MakeByteOperators();

}  // namespace

namespace operators_internal {
const std::array<OperatorInfo, kNumOpcodes> kOperatorTable = kTable;
const std::array<ByteOperator, 256> kByteOperators = kBytes;
}  // namespace operators_internal

absl::string_view OpcodeName(Opcode op) { return GetOperatorInfo(op).name; }

std::ostream& operator<<(std::ostream& out, Opcode op) { return out << GetOperatorInfo(op).name; }

std::optional<Opcode> OpcodeFromEncoding(uint32_t prefix, uint32_t code) {
  const uint32_t page_size = prefix == 0xFB || prefix == 0xFC ? 0x40
                             : prefix == 0xFE                 ? 0x80
                             : prefix == 0xFD                 ? 0x200
                                                              : 0x100;
  if (code >= page_size) return std::nullopt;
  const uint32_t number = OpcodeNumber(prefix, code);
  if (kTable[number].op_class == OperatorClass::kInvalid) return std::nullopt;
  return static_cast<Opcode>(number);
}

OpcodeEncoding EncodingOf(Opcode op) {
  const uint32_t number = static_cast<uint32_t>(op);
  if (number >= 0x200) return {0xFD, number - 0x200};
  if (number >= 0x180) return {0xFE, number - 0x180};
  if (number >= 0x140) return {0xFC, number - 0x140};
  if (number >= 0x100) return {0xFB, number - 0x100};
  return {0, number};
}

absl::Span<const Opcode> AllOpcodes() { return kSorted; }

}  // namespace gantry::wasm
