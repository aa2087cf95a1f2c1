// The operators of WebAssembly as an enum and a table of what is fixed about each. Names,
// features, immediates and simple types all come from operators.def.
//
//   Opcode op = *OpcodeFromEncoding(0xFC, 0x0A);   // kMemoryCopy
//   OpcodeName(op);                                // "memory.copy"
#ifndef GANTRY_WASM_TRANSLATE_OPERATORS_H_
#define GANTRY_WASM_TRANSLATE_OPERATORS_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <ostream>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "wasm_translate/features.h"
#include "wasm_translate/types.h"

namespace gantry::wasm {

// What follows an operator's code in the binary format.
enum class Immediates : uint8_t {
  kNone,
  kBlockType,
  kTryTable,  // block type and catch clauses
  kLabel,
  kLabelTable,
  kFunc,
  kType,
  kTypeTable,  // type, then table
  kTag,
  kLocal,
  kGlobal,
  kTable,
  kTableTable,  // destination, then source
  kElemTable,   // element segment, then table
  kElem,
  kMemory,
  kMemoryMemory,  // destination, then source
  kDataMemory,    // data segment, then memory
  kData,
  kMemArg,
  kMemArgLane,
  kLane,
  kShuffle,
  kI32,
  kI64,
  kF32,
  kF64,
  kV128,
  kSelectTypes,
  kHeapType,
  kTypeField,
  kTypeCount,
  kTypeData,
  kTypeElem,
  kTypeType,
  kBrOnCast,
  kFence,  // one zero byte
};

// How the typing rule of an operator is found.
enum class OperatorClass : uint8_t {
  kInvalid,  // no such operator
  kSpecial,  // by a rule of its own
  kSimple,   // by its signature
  kMemory,   // by its signature, address type and alignment
  kLane,     // by its signature and number of lanes
};

// Dense numbers: 0..255 are the one-byte operators under their own codes, then one page for
// each prefix.
constexpr uint32_t kNumOpcodes = 0x400;
constexpr uint32_t OpcodeNumber(uint32_t prefix, uint32_t code) {
  switch (prefix) {
    case 0xFB:
      return 0x100 + code;
    case 0xFC:
      return 0x140 + code;
    case 0xFE:
      return 0x180 + code;
    case 0xFD:
      return 0x200 + code;
    default:
      return code;
  }
}

enum class Opcode : uint16_t {
#define GANTRY_OP(name, text, prefix, code, ...) name = OpcodeNumber(prefix, code),
#define GANTRY_OP_SIMPLE(name, text, prefix, code, ...) name = OpcodeNumber(prefix, code),
#define GANTRY_OP_MEMORY(name, text, prefix, code, ...) name = OpcodeNumber(prefix, code),
#define GANTRY_OP_LANE(name, text, prefix, code, ...) name = OpcodeNumber(prefix, code),
#include "wasm_translate/operators.def"
};

// What is fixed about one operator. Value kinds are those of ValType::Kind, or kAddressKind
// for the address type of the memory accessed.
struct OperatorInfo {
  static constexpr uint8_t kAddressKind = 0xFF;

  const char* name = "";
  OperatorClass op_class = OperatorClass::kInvalid;
  Feature feature = Feature::kMvp;
  Immediates immediates = Immediates::kNone;
  uint8_t num_params = 0;
  uint8_t num_results = 0;
  // kMemory: exponent of the natural alignment, and width; kLane: number of lanes.
  uint8_t align_or_lanes = 0;
  uint8_t params[4] = {};
  uint8_t results[2] = {};
};

// "i32.add", "select" for both of them.
absl::string_view OpcodeName(Opcode op);
std::ostream& operator<<(std::ostream& out, Opcode op);

// Operator for a prefix (0 where there is none) and a code; none where there is no such.
std::optional<Opcode> OpcodeFromEncoding(uint32_t prefix, uint32_t code);

// 0 for a one-byte operator, and the code after the prefix.
struct OpcodeEncoding {
  uint8_t prefix;
  uint32_t code;
};
OpcodeEncoding EncodingOf(Opcode op);

// Every operator, in order of their numbers.
absl::Span<const Opcode> AllOpcodes();

namespace operators_internal {
// Indexed by opcode number.
extern const std::array<OperatorInfo, kNumOpcodes> kOperatorTable;

// The part of a row that the loop over a body needs, in 16 bytes, for the operators with a
// byte of their own. An address is an i32.
struct ByteOperator {
  // The shapes that the loop has a case for; dense, so that the loop can jump by them.
  enum Shape : uint8_t {
    kOther,  // none of these, or no such operator
    // Of WebAssembly 1.0, so that no feature has to be asked for:
    kUnary,   // one operand, one result
    kBinary,  // two operands, one result
    kLoad,    // unary at an address
    kStore,   // two operands, none left
    // One operator each.
    kBlock,  // or loop or if
    kEnd,
    kBrIf,
    kCall,
    kDrop,
    kSelect,
    kLocalGet,
    kLocalSet,
    kLocalTee,
    kGlobalGet,
    kGlobalSet,
    kI32Const,
    kI64Const,
  };

  // As ValType::bits, the topmost last.
  uint32_t operands[2] = {};
  ValType result;
  Shape shape = kOther;
  uint8_t natural_align = 0;
};
extern const std::array<ByteOperator, 256> kByteOperators;
}  // namespace operators_internal

// The row of an operator.
inline const OperatorInfo& GetOperatorInfo(Opcode op) {
  return operators_internal::kOperatorTable[static_cast<uint32_t>(op)];
}

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_OPERATORS_H_
