// The instructions as values: an enum for each family of instructions.inc, for whoever selects
// instructions at run time.
#ifndef GANTRY_ISA_X64_ASM_OPERATIONS_H_
#define GANTRY_ISA_X64_ASM_OPERATIONS_H_

#include <cstdint>

#include "isa_x64/asm/instructions.inc"

namespace gantry::x64 {

#define GANTRY_X64_ENUMERATOR(name, Name, ...) k##Name,
enum class AluOp : uint8_t { GANTRY_X64_ALU(GANTRY_X64_ENUMERATOR) };
enum class LockExchangeOp : uint8_t { GANTRY_X64_LOCK_EXCHANGE(GANTRY_X64_ENUMERATOR) };
enum class ShiftOp : uint8_t { GANTRY_X64_SHIFT(GANTRY_X64_ENUMERATOR) };
enum class UnaryOp : uint8_t { GANTRY_X64_UNARY(GANTRY_X64_ENUMERATOR) };
enum class GprRmOp : uint8_t {
  GANTRY_X64_GPR_RM(GANTRY_X64_ENUMERATOR) GANTRY_X64_GPR_RM_WIDE(GANTRY_X64_ENUMERATOR)
};
enum class BitOp : uint8_t { GANTRY_X64_BIT(GANTRY_X64_ENUMERATOR) };
enum class DoubleShiftOp : uint8_t { GANTRY_X64_DOUBLE_SHIFT(GANTRY_X64_ENUMERATOR) };
enum class BmiRvmOp : uint8_t { GANTRY_X64_BMI_RVM(GANTRY_X64_ENUMERATOR) };
enum class BmiRmvOp : uint8_t { GANTRY_X64_BMI_RMV(GANTRY_X64_ENUMERATOR) };
enum class BmiVmOp : uint8_t { GANTRY_X64_BMI_VM(GANTRY_X64_ENUMERATOR) };
enum class SseRvmOp : uint8_t { GANTRY_X64_SSE_RVM(GANTRY_X64_ENUMERATOR) };
enum class SseRmOp : uint8_t { GANTRY_X64_SSE_RM(GANTRY_X64_ENUMERATOR) };
enum class SseRvmImmOp : uint8_t { GANTRY_X64_SSE_RVM_IMM(GANTRY_X64_ENUMERATOR) };
enum class SseRmImmOp : uint8_t { GANTRY_X64_SSE_RM_IMM(GANTRY_X64_ENUMERATOR) };
enum class SseShiftImmOp : uint8_t { GANTRY_X64_SSE_SHIFT_IMM(GANTRY_X64_ENUMERATOR) };
enum class SseMoveOp : uint8_t { GANTRY_X64_SSE_MOVE(GANTRY_X64_ENUMERATOR) };
enum class CvtToGprOp : uint8_t { GANTRY_X64_CVT_TO_GPR(GANTRY_X64_ENUMERATOR) };
enum class CvtFromGprOp : uint8_t { GANTRY_X64_CVT_FROM_GPR(GANTRY_X64_ENUMERATOR) };
enum class MaskToGprOp : uint8_t { GANTRY_X64_MASK_TO_GPR(GANTRY_X64_ENUMERATOR) };
enum class FmaOp : uint8_t { GANTRY_X64_FMA(GANTRY_X64_ENUMERATOR) };
enum class PlainOp : uint8_t { GANTRY_X64_PLAIN(GANTRY_X64_ENUMERATOR) };
enum class InsertOp : uint8_t { GANTRY_X64_INSERT(GANTRY_X64_ENUMERATOR) };
enum class ExtractOp : uint8_t { GANTRY_X64_EXTRACT(GANTRY_X64_ENUMERATOR) };
enum class SseHalfOp : uint8_t { GANTRY_X64_SSE_HALF(GANTRY_X64_ENUMERATOR) };
enum class BlendvOp : uint8_t { GANTRY_X64_BLENDV(GANTRY_X64_ENUMERATOR) };
enum class VexRmOp : uint8_t { GANTRY_X64_VEX_RM(GANTRY_X64_ENUMERATOR) };
enum class VexRvmImmOp : uint8_t { GANTRY_X64_VEX_RVM_IMM(GANTRY_X64_ENUMERATOR) };
enum class EvexRvmOp : uint8_t { GANTRY_X64_EVEX_RVM(GANTRY_X64_ENUMERATOR) };
enum class EvexRmOp : uint8_t { GANTRY_X64_EVEX_RM(GANTRY_X64_ENUMERATOR) };
enum class EvexRvmImmOp : uint8_t { GANTRY_X64_EVEX_RVM_IMM(GANTRY_X64_ENUMERATOR) };
enum class EvexShiftImmOp : uint8_t { GANTRY_X64_EVEX_SHIFT_IMM(GANTRY_X64_ENUMERATOR) };
#undef GANTRY_X64_ENUMERATOR

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_ASM_OPERATIONS_H_
