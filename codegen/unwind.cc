#include "codegen/unwind.h"

#include "base/check.h"

namespace gantry::codegen {
namespace {

// DW_CFA_* (DWARF 5, 7.24); the first three hold an operand in their low six bits.
constexpr uint8_t kAdvanceLoc = 0x40;
constexpr uint8_t kOffset = 0x80;
constexpr uint8_t kRestore = 0xC0;
constexpr uint8_t kAdvanceLoc1 = 0x02;
constexpr uint8_t kAdvanceLoc2 = 0x03;
constexpr uint8_t kAdvanceLoc4 = 0x04;
constexpr uint8_t kRememberState = 0x0A;
constexpr uint8_t kRestoreState = 0x0B;
constexpr uint8_t kDefCfa = 0x0C;
constexpr uint8_t kDefCfaRegister = 0x0D;
constexpr uint8_t kDefCfaOffset = 0x0E;
constexpr uint8_t kDefCfaSigned = 0x12;
constexpr uint8_t kOffsetExtended = 0x05;
constexpr uint8_t kRestoreExtended = 0x06;
// DW_CFA_AARCH64_negate_ra_state (DWARF for the Arm 64-bit Architecture, 4.4).
constexpr uint8_t kNegateReturnAddressState = 0x2D;

void PutUleb(uint64_t value, std::vector<uint8_t>* out) {
  do {
    const uint8_t low = value & 0x7F;
    value >>= 7;
    out->push_back(value != 0 ? low | 0x80 : low);
  } while (value != 0);
}

void PutSleb(int64_t value, std::vector<uint8_t>* out) {
  while (value < -64 || value > 63) {
    out->push_back(static_cast<uint8_t>(value & 0x7F) | 0x80);
    value >>= 7;
  }
  out->push_back(static_cast<uint8_t>(value & 0x7F));
}

void PutLittleEndian(uint32_t value, int bytes, std::vector<uint8_t>* out) {
  for (int i = 0; i < bytes; ++i) out->push_back(static_cast<uint8_t>(value >> (8 * i)));
}

void Advance(uint32_t distance, std::vector<uint8_t>* out) {
  if (distance == 0) return;
  if (distance < 0x40) {
    out->push_back(static_cast<uint8_t>(kAdvanceLoc | distance));
  } else if (distance <= 0xFF) {
    out->push_back(kAdvanceLoc1);
    PutLittleEndian(distance, 1, out);
  } else if (distance <= 0xFFFF) {
    out->push_back(kAdvanceLoc2);
    PutLittleEndian(distance, 2, out);
  } else {
    out->push_back(kAdvanceLoc4);
    PutLittleEndian(distance, 4, out);
  }
}

}  // namespace

void AppendCallFrameInstructions(const UnwindInfo& unwind, const UnwindFormat& format,
                                 std::vector<uint8_t>* out) {
  CodeOffset at = 0;
  for (const UnwindInst& inst : unwind.insts()) {
    CHECK_LE(at, inst.offset);
    Advance((inst.offset - at) / format.code_alignment, out);
    at = inst.offset;
    switch (inst.op) {
      case UnwindOp::kCfaOffset:
        out->push_back(kDefCfaOffset);
        PutUleb(static_cast<uint32_t>(inst.value), out);
        break;
      case UnwindOp::kCfaRegister:
        out->push_back(kDefCfaRegister);
        PutUleb(inst.reg, out);
        break;
      case UnwindOp::kCfa:
        if (inst.value < 0) {
          CHECK_EQ(inst.value % format.data_alignment, 0);
          out->push_back(kDefCfaSigned);
          PutUleb(inst.reg, out);
          PutSleb(inst.value / format.data_alignment, out);
          break;
        }
        out->push_back(kDefCfa);
        PutUleb(inst.reg, out);
        PutUleb(static_cast<uint32_t>(inst.value), out);
        break;
      case UnwindOp::kSavedAt: {
        CHECK_EQ(inst.value % format.data_alignment, 0);
        const int32_t factored = inst.value / format.data_alignment;
        CHECK_GE(factored, 0);
        if (inst.reg < 0x40) {
          out->push_back(kOffset | inst.reg);
        } else {
          out->push_back(kOffsetExtended);
          PutUleb(inst.reg, out);
        }
        PutUleb(static_cast<uint32_t>(factored), out);
        break;
      }
      case UnwindOp::kSame:
        if (inst.reg < 0x40) {
          out->push_back(kRestore | inst.reg);
        } else {
          out->push_back(kRestoreExtended);
          PutUleb(inst.reg, out);
        }
        break;
      case UnwindOp::kToggleSigned:
        out->push_back(kNegateReturnAddressState);
        break;
      case UnwindOp::kRememberState:
        out->push_back(kRememberState);
        break;
      case UnwindOp::kRestoreState:
        out->push_back(kRestoreState);
        break;
    }
  }
}

}  // namespace gantry::codegen
