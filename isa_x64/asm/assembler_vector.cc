// The assembler's instructions on vector registers.
#include "isa_x64/asm/assembler.h"
#include "isa_x64/asm/assembler_internal.h"

namespace gantry::x64 {
namespace {

constexpr PackedEncoding Map0F3A(uint8_t opcode) {
  return PackedEncoding(opcode, OpcodeMap::k0F3A, Prefix::k66);
}

// An instruction on vector registers whose operand in memory has a width of its own.
struct SseEntry {
  PackedEncoding encoding;
  Width memory;
};
#define GANTRY_X64_ENTRY(name, Name, Mandatory, Table, Opcode, Memory) \
  {PackedEncoding(Opcode, OpcodeMap::Table, Prefix::Mandatory), Width::Memory},
constexpr SseEntry kSseRvmOps[] = {GANTRY_X64_SSE_RVM(GANTRY_X64_ENTRY)};
constexpr SseEntry kSseRmOps[] = {GANTRY_X64_SSE_RM(GANTRY_X64_ENTRY)};
constexpr SseEntry kSseRvmImmOps[] = {GANTRY_X64_SSE_RVM_IMM(GANTRY_X64_ENTRY)};
constexpr SseEntry kSseRmImmOps[] = {GANTRY_X64_SSE_RM_IMM(GANTRY_X64_ENTRY)};
#undef GANTRY_X64_ENTRY

struct SseShiftEntry {
  PackedEncoding encoding;
  uint8_t digit;
};
#define GANTRY_X64_ENTRY(name, Name, Mandatory, Digit, Opcode) \
  {Map0F(Opcode, Prefix::Mandatory), Digit},
constexpr SseShiftEntry kSseShiftImmOps[] = {GANTRY_X64_SSE_SHIFT_IMM(GANTRY_X64_ENTRY)};
#undef GANTRY_X64_ENTRY

struct SseMoveEntry {
  PackedEncoding load;
  PackedEncoding store;
  Width memory;
};
#define GANTRY_X64_ENTRY(name, Name, Mandatory, Table, Load, StoreMandatory, Store, Memory) \
  {PackedEncoding(Load, OpcodeMap::Table, Prefix::Mandatory),                               \
   PackedEncoding(Store, OpcodeMap::Table, Prefix::StoreMandatory), Width::Memory},
constexpr SseMoveEntry kSseMoveOps[] = {GANTRY_X64_SSE_MOVE(GANTRY_X64_ENTRY)};
#undef GANTRY_X64_ENTRY

#define GANTRY_X64_ENTRY(name, Name, Mandatory, Opcode, Memory) \
  {Map0F(Opcode, Prefix::Mandatory), Width::Memory},
constexpr SseEntry kCvtToGprOps[] = {GANTRY_X64_CVT_TO_GPR(GANTRY_X64_ENTRY)};
#undef GANTRY_X64_ENTRY
#define GANTRY_X64_ENTRY(name, Name, Mandatory, Opcode) Map0F(Opcode, Prefix::Mandatory),
constexpr PackedEncoding kCvtFromGprOps[] = {GANTRY_X64_CVT_FROM_GPR(GANTRY_X64_ENTRY)};
constexpr PackedEncoding kMaskToGprOps[] = {GANTRY_X64_MASK_TO_GPR(GANTRY_X64_ENTRY)};
#undef GANTRY_X64_ENTRY
#define GANTRY_X64_ENTRY(name, Name, IsWide, Opcode, Memory) \
  {Map0F38(Opcode, Prefix::k66).Wide(IsWide), Width::Memory},
constexpr SseEntry kFmaOps[] = {GANTRY_X64_FMA(GANTRY_X64_ENTRY)};
#undef GANTRY_X64_ENTRY

#define GANTRY_X64_ENTRY(name, Name, Table, Opcode, IsWide, Memory) \
  {PackedEncoding(Opcode, OpcodeMap::Table, Prefix::k66).Wide(IsWide), Width::Memory},
constexpr SseEntry kInsertOps[] = {GANTRY_X64_INSERT(GANTRY_X64_ENTRY)};
#undef GANTRY_X64_ENTRY
#define GANTRY_X64_ENTRY(name, Name, Opcode, IsWide, Memory) \
  {Map0F3A(Opcode).Wide(IsWide), Width::Memory},
constexpr SseEntry kExtractOps[] = {GANTRY_X64_EXTRACT(GANTRY_X64_ENTRY)};
#undef GANTRY_X64_ENTRY

struct OpcodePair {
  uint8_t first;
  uint8_t second;
};
#define GANTRY_X64_ENTRY(name, Name, First, Second) {First, Second},
// Load and store; legacy and VEX form.
constexpr OpcodePair kSseHalfOps[] = {GANTRY_X64_SSE_HALF(GANTRY_X64_ENTRY)};
constexpr OpcodePair kBlendvOps[] = {GANTRY_X64_BLENDV(GANTRY_X64_ENTRY)};
#undef GANTRY_X64_ENTRY

#define GANTRY_X64_ENTRY(name, Name, Table, Opcode, Memory) \
  {PackedEncoding(Opcode, OpcodeMap::Table, Prefix::k66), Width::Memory},
constexpr SseEntry kVexRmOps[] = {GANTRY_X64_VEX_RM(GANTRY_X64_ENTRY)};
constexpr SseEntry kVexRvmImmOps[] = {GANTRY_X64_VEX_RVM_IMM(GANTRY_X64_ENTRY)};
#undef GANTRY_X64_ENTRY
#define GANTRY_X64_ENTRY(name, Name, Mandatory, Table, IsWide, Opcode, Memory) \
  {PackedEncoding(Opcode, OpcodeMap::Table, Prefix::Mandatory).Wide(IsWide), Width::Memory},
constexpr SseEntry kEvexRvmOps[] = {GANTRY_X64_EVEX_RVM(GANTRY_X64_ENTRY)};
constexpr SseEntry kEvexRmOps[] = {GANTRY_X64_EVEX_RM(GANTRY_X64_ENTRY)};
constexpr SseEntry kEvexRvmImmOps[] = {GANTRY_X64_EVEX_RVM_IMM(GANTRY_X64_ENTRY)};
#undef GANTRY_X64_ENTRY
#define GANTRY_X64_ENTRY(name, Name, IsWide, Digit, Opcode) \
  {Map0F(Opcode, Prefix::k66).Wide(IsWide), Digit},
constexpr SseShiftEntry kEvexShiftImmOps[] = {GANTRY_X64_EVEX_SHIFT_IMM(GANTRY_X64_ENTRY)};
#undef GANTRY_X64_ENTRY

}  // namespace

void Assembler::sse(SseRvmOp op, Xmm dst, Xmm src) {
  EmitRegisters(buffer_, Lookup(kSseRvmOps, op).encoding, dst.encoding(), src.encoding());
}
void Assembler::sse(SseRvmOp op, Xmm dst, const AnyMem& src) {
  const SseEntry& entry = Lookup(kSseRvmOps, op);
  EmitMemory(buffer_, entry.encoding, dst.encoding(), Checked(src, entry.memory));
}
void Assembler::vex(SseRvmOp op, Xmm dst, Xmm a, Xmm b) {
  EmitVexRegisters(buffer_, Lookup(kSseRvmOps, op).encoding, dst.encoding(), a.encoding(),
                   b.encoding());
}
void Assembler::vex(SseRvmOp op, Xmm dst, Xmm a, const AnyMem& b) {
  const SseEntry& entry = Lookup(kSseRvmOps, op);
  EmitVexMemory(buffer_, entry.encoding, dst.encoding(), a.encoding(), Checked(b, entry.memory));
}

void Assembler::sse(SseRmOp op, Xmm dst, Xmm src) {
  EmitRegisters(buffer_, Lookup(kSseRmOps, op).encoding, dst.encoding(), src.encoding());
}
void Assembler::sse(SseRmOp op, Xmm dst, const AnyMem& src) {
  const SseEntry& entry = Lookup(kSseRmOps, op);
  EmitMemory(buffer_, entry.encoding, dst.encoding(), Checked(src, entry.memory));
}
void Assembler::vex(SseRmOp op, Xmm dst, Xmm src) {
  EmitVexRegisters(buffer_, Lookup(kSseRmOps, op).encoding, dst.encoding(), 0, src.encoding());
}
void Assembler::vex(SseRmOp op, Xmm dst, const AnyMem& src) {
  const SseEntry& entry = Lookup(kSseRmOps, op);
  EmitVexMemory(buffer_, entry.encoding, dst.encoding(), 0, Checked(src, entry.memory));
}

void Assembler::sse(SseRvmImmOp op, Xmm dst, Xmm src, uint8_t imm) {
  EmitRegisters(buffer_, Lookup(kSseRvmImmOps, op).encoding, dst.encoding(), src.encoding(),
                Imm8(imm));
}
void Assembler::sse(SseRvmImmOp op, Xmm dst, const AnyMem& src, uint8_t imm) {
  const SseEntry& entry = Lookup(kSseRvmImmOps, op);
  EmitMemory(buffer_, entry.encoding, dst.encoding(), Checked(src, entry.memory), Imm8(imm));
}
void Assembler::vex(SseRvmImmOp op, Xmm dst, Xmm a, Xmm b, uint8_t imm) {
  EmitVexRegisters(buffer_, Lookup(kSseRvmImmOps, op).encoding, dst.encoding(), a.encoding(),
                   b.encoding(), Imm8(imm));
}
void Assembler::vex(SseRvmImmOp op, Xmm dst, Xmm a, const AnyMem& b, uint8_t imm) {
  const SseEntry& entry = Lookup(kSseRvmImmOps, op);
  EmitVexMemory(buffer_, entry.encoding, dst.encoding(), a.encoding(), Checked(b, entry.memory),
                Imm8(imm));
}

void Assembler::sse(SseRmImmOp op, Xmm dst, Xmm src, uint8_t imm) {
  EmitRegisters(buffer_, Lookup(kSseRmImmOps, op).encoding, dst.encoding(), src.encoding(),
                Imm8(imm));
}
void Assembler::sse(SseRmImmOp op, Xmm dst, const AnyMem& src, uint8_t imm) {
  const SseEntry& entry = Lookup(kSseRmImmOps, op);
  EmitMemory(buffer_, entry.encoding, dst.encoding(), Checked(src, entry.memory), Imm8(imm));
}
void Assembler::vex(SseRmImmOp op, Xmm dst, Xmm src, uint8_t imm) {
  EmitVexRegisters(buffer_, Lookup(kSseRmImmOps, op).encoding, dst.encoding(), 0, src.encoding(),
                   Imm8(imm));
}
void Assembler::vex(SseRmImmOp op, Xmm dst, const AnyMem& src, uint8_t imm) {
  const SseEntry& entry = Lookup(kSseRmImmOps, op);
  EmitVexMemory(buffer_, entry.encoding, dst.encoding(), 0, Checked(src, entry.memory), Imm8(imm));
}

void Assembler::sse(SseShiftImmOp op, Xmm dst, uint8_t amount) {
  const SseShiftEntry& entry = Lookup(kSseShiftImmOps, op);
  EmitRegisters(buffer_, entry.encoding, entry.digit, dst.encoding(), Imm8(amount));
}
void Assembler::vex(SseShiftImmOp op, Xmm dst, Xmm src, uint8_t amount) {
  const SseShiftEntry& entry = Lookup(kSseShiftImmOps, op);
  EmitVexRegisters(buffer_, entry.encoding, entry.digit, dst.encoding(), src.encoding(),
                   Imm8(amount));
}

void Assembler::sse(SseMoveOp op, Xmm dst, Xmm src) {
  EmitRegisters(buffer_, Lookup(kSseMoveOps, op).load, dst.encoding(), src.encoding());
}
void Assembler::sse(SseMoveOp op, Xmm dst, const AnyMem& src) {
  const SseMoveEntry& entry = Lookup(kSseMoveOps, op);
  EmitMemory(buffer_, entry.load, dst.encoding(), Checked(src, entry.memory));
}
void Assembler::sse(SseMoveOp op, const AnyMem& dst, Xmm src) {
  const SseMoveEntry& entry = Lookup(kSseMoveOps, op);
  EmitMemory(buffer_, entry.store, src.encoding(), Checked(dst, entry.memory));
}
void Assembler::vex(SseMoveOp op, Xmm dst, Xmm src) {
  DCHECK(op != SseMoveOp::kMovss && op != SseMoveOp::kMovsd);
  const SseMoveEntry& entry = Lookup(kSseMoveOps, op);
  // The store's form keeps to the two-byte prefix where only the source needs a fourth bit.
  if (src.encoding() >= 8 && dst.encoding() < 8) {
    EmitVexRegisters(buffer_, entry.store, src.encoding(), 0, dst.encoding());
  } else {
    EmitVexRegisters(buffer_, entry.load, dst.encoding(), 0, src.encoding());
  }
}
void Assembler::vex(SseMoveOp op, Xmm dst, const AnyMem& src) {
  const SseMoveEntry& entry = Lookup(kSseMoveOps, op);
  EmitVexMemory(buffer_, entry.load, dst.encoding(), 0, Checked(src, entry.memory));
}
void Assembler::vex(SseMoveOp op, const AnyMem& dst, Xmm src) {
  const SseMoveEntry& entry = Lookup(kSseMoveOps, op);
  EmitVexMemory(buffer_, entry.store, src.encoding(), 0, Checked(dst, entry.memory));
}
void Assembler::vmov_merge(SseMoveOp op, Xmm dst, Xmm high, Xmm low) {
  DCHECK(op == SseMoveOp::kMovss || op == SseMoveOp::kMovsd);
  const SseMoveEntry& entry = Lookup(kSseMoveOps, op);
  if (low.encoding() >= 8 && dst.encoding() < 8) {
    EmitVexRegisters(buffer_, entry.store, low.encoding(), high.encoding(), dst.encoding());
  } else {
    EmitVexRegisters(buffer_, entry.load, dst.encoding(), high.encoding(), low.encoding());
  }
}

void Assembler::cvt_to_gpr(CvtToGprOp op, Width width, Gpr dst, Xmm src) {
  CheckWidth(width, Width::k32);
  EmitRegisters(buffer_, Lookup(kCvtToGprOps, op).encoding.ForWidth(width), dst.encoding(),
                src.encoding());
}
void Assembler::cvt_to_gpr(CvtToGprOp op, Width width, Gpr dst, const AnyMem& src) {
  CheckWidth(width, Width::k32);
  const SseEntry& entry = Lookup(kCvtToGprOps, op);
  EmitMemory(buffer_, entry.encoding.ForWidth(width), dst.encoding(), Checked(src, entry.memory));
}
void Assembler::vcvt_to_gpr(CvtToGprOp op, Width width, Gpr dst, Xmm src) {
  CheckWidth(width, Width::k32);
  EmitVexRegisters(buffer_, Lookup(kCvtToGprOps, op).encoding.ForWidth(width), dst.encoding(), 0,
                   src.encoding());
}
void Assembler::vcvt_to_gpr(CvtToGprOp op, Width width, Gpr dst, const AnyMem& src) {
  CheckWidth(width, Width::k32);
  const SseEntry& entry = Lookup(kCvtToGprOps, op);
  EmitVexMemory(buffer_, entry.encoding.ForWidth(width), dst.encoding(), 0,
                Checked(src, entry.memory));
}

void Assembler::cvt_from_gpr(CvtFromGprOp op, Width width, Xmm dst, Gpr src) {
  CheckWidth(width, Width::k32);
  EmitRegisters(buffer_, Lookup(kCvtFromGprOps, op).ForWidth(width), dst.encoding(),
                src.encoding());
}
void Assembler::cvt_from_gpr(CvtFromGprOp op, Width width, Xmm dst, const Address& src) {
  CheckWidth(width, Width::k32);
  EmitMemory(buffer_, Lookup(kCvtFromGprOps, op).ForWidth(width), dst.encoding(), src);
}
void Assembler::vcvt_from_gpr(CvtFromGprOp op, Width width, Xmm dst, Xmm high, Gpr src) {
  CheckWidth(width, Width::k32);
  EmitVexRegisters(buffer_, Lookup(kCvtFromGprOps, op).ForWidth(width), dst.encoding(),
                   high.encoding(), src.encoding());
}
void Assembler::vcvt_from_gpr(CvtFromGprOp op, Width width, Xmm dst, Xmm high, const Address& src) {
  CheckWidth(width, Width::k32);
  EmitVexMemory(buffer_, Lookup(kCvtFromGprOps, op).ForWidth(width), dst.encoding(),
                high.encoding(), src);
}

void Assembler::mask_to_gpr(MaskToGprOp op, Gpr32 dst, Xmm src) {
  EmitRegisters(buffer_, Lookup(kMaskToGprOps, op), dst.encoding(), src.encoding());
}
void Assembler::vmask_to_gpr(MaskToGprOp op, Gpr32 dst, Xmm src) {
  EmitVexRegisters(buffer_, Lookup(kMaskToGprOps, op), dst.encoding(), 0, src.encoding());
}

void Assembler::mov_to_xmm(Width width, Xmm dst, Gpr src) {
  CheckWidth(width, Width::k32);
  EmitRegisters(buffer_, Map0F(0x6E, Prefix::k66).ForWidth(width), dst.encoding(), src.encoding());
}
void Assembler::mov_to_gpr(Width width, Gpr dst, Xmm src) {
  CheckWidth(width, Width::k32);
  EmitRegisters(buffer_, Map0F(0x7E, Prefix::k66).ForWidth(width), src.encoding(), dst.encoding());
}
void Assembler::vmov_to_xmm(Width width, Xmm dst, Gpr src) {
  CheckWidth(width, Width::k32);
  EmitVexRegisters(buffer_, Map0F(0x6E, Prefix::k66).ForWidth(width), dst.encoding(), 0,
                   src.encoding());
}
void Assembler::vmov_to_gpr(Width width, Gpr dst, Xmm src) {
  CheckWidth(width, Width::k32);
  EmitVexRegisters(buffer_, Map0F(0x7E, Prefix::k66).ForWidth(width), src.encoding(), 0,
                   dst.encoding());
}

void Assembler::fma(FmaOp op, Xmm dst, Xmm a, Xmm b) {
  EmitVexRegisters(buffer_, Lookup(kFmaOps, op).encoding, dst.encoding(), a.encoding(),
                   b.encoding());
}
void Assembler::fma(FmaOp op, Xmm dst, Xmm a, const AnyMem& b) {
  const SseEntry& entry = Lookup(kFmaOps, op);
  EmitVexMemory(buffer_, entry.encoding, dst.encoding(), a.encoding(), Checked(b, entry.memory));
}

void Assembler::sse(InsertOp op, Xmm dst, Gpr src, uint8_t lane) {
  EmitRegisters(buffer_, Lookup(kInsertOps, op).encoding, dst.encoding(), src.encoding(),
                Imm8(lane));
}
void Assembler::sse(InsertOp op, Xmm dst, const AnyMem& src, uint8_t lane) {
  const SseEntry& entry = Lookup(kInsertOps, op);
  EmitMemory(buffer_, entry.encoding, dst.encoding(), Checked(src, entry.memory), Imm8(lane));
}
void Assembler::vex(InsertOp op, Xmm dst, Xmm a, Gpr src, uint8_t lane) {
  EmitVexRegisters(buffer_, Lookup(kInsertOps, op).encoding, dst.encoding(), a.encoding(),
                   src.encoding(), Imm8(lane));
}
void Assembler::vex(InsertOp op, Xmm dst, Xmm a, const AnyMem& src, uint8_t lane) {
  const SseEntry& entry = Lookup(kInsertOps, op);
  EmitVexMemory(buffer_, entry.encoding, dst.encoding(), a.encoding(), Checked(src, entry.memory),
                Imm8(lane));
}

// Of pextrw the older form has the general register in the register field.
void Assembler::sse(ExtractOp op, Gpr dst, Xmm src, uint8_t lane) {
  if (op == ExtractOp::kPextrw) {
    EmitRegisters(buffer_, Map0F(0xC5, Prefix::k66), dst.encoding(), src.encoding(), Imm8(lane));
    return;
  }
  EmitRegisters(buffer_, Lookup(kExtractOps, op).encoding, src.encoding(), dst.encoding(),
                Imm8(lane));
}
void Assembler::sse(ExtractOp op, const AnyMem& dst, Xmm src, uint8_t lane) {
  const SseEntry& entry = Lookup(kExtractOps, op);
  EmitMemory(buffer_, entry.encoding, src.encoding(), Checked(dst, entry.memory), Imm8(lane));
}
void Assembler::vex(ExtractOp op, Gpr dst, Xmm src, uint8_t lane) {
  if (op == ExtractOp::kPextrw) {
    EmitVexRegisters(buffer_, Map0F(0xC5, Prefix::k66), dst.encoding(), 0, src.encoding(),
                     Imm8(lane));
    return;
  }
  EmitVexRegisters(buffer_, Lookup(kExtractOps, op).encoding, src.encoding(), 0, dst.encoding(),
                   Imm8(lane));
}
void Assembler::vex(ExtractOp op, const AnyMem& dst, Xmm src, uint8_t lane) {
  const SseEntry& entry = Lookup(kExtractOps, op);
  EmitVexMemory(buffer_, entry.encoding, src.encoding(), 0, Checked(dst, entry.memory), Imm8(lane));
}

void Assembler::sse(SseHalfOp op, Xmm dst, const Mem64& src) {
  EmitMemory(buffer_, Map0F(Lookup(kSseHalfOps, op).first), dst.encoding(), src.address());
}
void Assembler::sse(SseHalfOp op, const Mem64& dst, Xmm src) {
  EmitMemory(buffer_, Map0F(Lookup(kSseHalfOps, op).second), src.encoding(), dst.address());
}
void Assembler::vex(SseHalfOp op, Xmm dst, Xmm a, const Mem64& src) {
  EmitVexMemory(buffer_, Map0F(Lookup(kSseHalfOps, op).first), dst.encoding(), a.encoding(),
                src.address());
}
void Assembler::vex(SseHalfOp op, const Mem64& dst, Xmm src) {
  EmitVexMemory(buffer_, Map0F(Lookup(kSseHalfOps, op).second), src.encoding(), 0, dst.address());
}

void Assembler::sse(BlendvOp op, Xmm dst, Xmm src) {
  EmitRegisters(buffer_, Map0F38(Lookup(kBlendvOps, op).first, Prefix::k66), dst.encoding(),
                src.encoding());
}
void Assembler::sse(BlendvOp op, Xmm dst, const Mem128& src) {
  EmitMemory(buffer_, Map0F38(Lookup(kBlendvOps, op).first, Prefix::k66), dst.encoding(),
             src.address());
}
// The mask is in the upper half of the immediate byte.
void Assembler::vex(BlendvOp op, Xmm dst, Xmm a, Xmm b, Xmm mask) {
  EmitVexRegisters(buffer_, Map0F3A(Lookup(kBlendvOps, op).second), dst.encoding(), a.encoding(),
                   b.encoding(), Imm8(mask.encoding() << 4));
}
void Assembler::vex(BlendvOp op, Xmm dst, Xmm a, const Mem128& b, Xmm mask) {
  EmitVexMemory(buffer_, Map0F3A(Lookup(kBlendvOps, op).second), dst.encoding(), a.encoding(),
                b.address(), Imm8(mask.encoding() << 4));
}

void Assembler::vex(VexRmOp op, Xmm dst, Xmm src) {
  EmitVexRegisters(buffer_, Lookup(kVexRmOps, op).encoding, dst.encoding(), 0, src.encoding());
}
void Assembler::vex(VexRmOp op, Xmm dst, const AnyMem& src) {
  const SseEntry& entry = Lookup(kVexRmOps, op);
  EmitVexMemory(buffer_, entry.encoding, dst.encoding(), 0, Checked(src, entry.memory));
}
void Assembler::vex(VexRvmImmOp op, Xmm dst, Xmm a, Xmm b, uint8_t imm) {
  EmitVexRegisters(buffer_, Lookup(kVexRvmImmOps, op).encoding, dst.encoding(), a.encoding(),
                   b.encoding(), Imm8(imm));
}
void Assembler::vex(VexRvmImmOp op, Xmm dst, Xmm a, const AnyMem& b, uint8_t imm) {
  const SseEntry& entry = Lookup(kVexRvmImmOps, op);
  EmitVexMemory(buffer_, entry.encoding, dst.encoding(), a.encoding(), Checked(b, entry.memory),
                Imm8(imm));
}

void Assembler::evex(EvexRvmOp op, Xmm dst, Xmm a, Xmm b) {
  EmitEvexRegisters(buffer_, Lookup(kEvexRvmOps, op).encoding, dst.encoding(), a.encoding(),
                    b.encoding());
}
void Assembler::evex(EvexRvmOp op, Xmm dst, Xmm a, const AnyMem& b) {
  const SseEntry& entry = Lookup(kEvexRvmOps, op);
  EmitEvexMemory(buffer_, entry.encoding, dst.encoding(), a.encoding(), Checked(b, entry.memory),
                 entry.memory);
}
void Assembler::evex(EvexRmOp op, Xmm dst, Xmm src) {
  EmitEvexRegisters(buffer_, Lookup(kEvexRmOps, op).encoding, dst.encoding(), 0, src.encoding());
}
void Assembler::evex(EvexRmOp op, Xmm dst, const AnyMem& src) {
  const SseEntry& entry = Lookup(kEvexRmOps, op);
  EmitEvexMemory(buffer_, entry.encoding, dst.encoding(), 0, Checked(src, entry.memory),
                 entry.memory);
}
void Assembler::evex(EvexRvmImmOp op, Xmm dst, Xmm a, Xmm b, uint8_t imm) {
  EmitEvexRegisters(buffer_, Lookup(kEvexRvmImmOps, op).encoding, dst.encoding(), a.encoding(),
                    b.encoding(), Imm8(imm));
}
void Assembler::evex(EvexRvmImmOp op, Xmm dst, Xmm a, const AnyMem& b, uint8_t imm) {
  const SseEntry& entry = Lookup(kEvexRvmImmOps, op);
  EmitEvexMemory(buffer_, entry.encoding, dst.encoding(), a.encoding(), Checked(b, entry.memory),
                 entry.memory, Imm8(imm));
}
void Assembler::evex(EvexShiftImmOp op, Xmm dst, Xmm src, uint8_t amount) {
  const SseShiftEntry& entry = Lookup(kEvexShiftImmOps, op);
  EmitEvexRegisters(buffer_, entry.encoding, entry.digit, dst.encoding(), src.encoding(),
                    Imm8(amount));
}

}  // namespace gantry::x64
