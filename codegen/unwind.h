// UnwindInfo: how a function's prologue and epilogues change its frame, said without any ISA's
// registers or DWARF's encoding, and its translation into DWARF call frame instructions.
//
// The "canonical frame address" (CFA, DWARF 5 section 6.4) is the value sp had before the call
// that entered the function. Each op holds from its offset on.
//
//   UnwindInfo unwind;
//   unwind.Add(1, UnwindOp::kCfaOffset, /*reg=*/0, 16);       // behind `push rbp`
//   unwind.Add(1, UnwindOp::kSavedAt, kDwarfRbp, -16);
//   std::vector<uint8_t> cfi;
//   AppendCallFrameInstructions(unwind, format, &cfi);
//
// The bytes go into a frame description entry, behind a common information entry that whoever
// writes .eh_frame makes from UnwindFormat::initial_instructions.
#ifndef GANTRY_CODEGEN_UNWIND_H_
#define GANTRY_CODEGEN_UNWIND_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "codegen/code_records.h"

namespace gantry::codegen {

enum class UnwindOp : uint8_t {
  kCfaOffset,      // The CFA is the present CFA register plus `value`.
  kCfaRegister,    // The CFA is `reg` plus the present offset.
  kCfa,            // The CFA is `reg` plus `value`.
  kSavedAt,        // The caller's `reg` is saved at CFA plus `value`.
  kSame,           // The caller's `reg` is in that register again.
  kToggleSigned,   // The return address is signed from here on, or no longer is.
  kRememberState,  // Pushes all of the above.
  kRestoreState,   // Pops it.
};

// `reg` is a register's DWARF number.
struct UnwindInst {
  CodeOffset offset;
  UnwindOp op;
  uint8_t reg;
  int32_t value;
  friend bool operator==(const UnwindInst&, const UnwindInst&) = default;
};

class UnwindInfo {
 public:
  // Ascending by offset.
  void Add(CodeOffset offset, UnwindOp op, uint8_t reg = 0, int32_t value = 0) {
    insts_.push_back({offset, op, reg, value});
  }
  void Clear() { insts_.clear(); }
  absl::Span<const UnwindInst> insts() const { return insts_; }

 private:
  std::vector<UnwindInst> insts_;
};

// What an ISA's frame descriptions have in common. A constant with static lifetime.
struct UnwindFormat {
  // Distances in code and of saved registers are multiples of these.
  uint8_t code_alignment;
  int8_t data_alignment;
  // DWARF number of the column that stands for the return address.
  uint8_t return_address_register;
  // Call frame instructions that hold at the entry of every function.
  absl::Span<const uint8_t> initial_instructions;
  // What the augmentation string says besides, without data: "B" where return addresses are signed
  // with AArch64's second key (DWARF for the Arm 64-bit Architecture, 4.2).
  const char* augmentation = "";
};

// How a stack walk passes over the frame of a function.
struct FrameInfo {
  static constexpr CodeOffset kNoFrame = 0xFFFFFFFF;

  // Code in front of this has no frame record: sp is at the return address, and the frame-pointer
  // chain passes the function by. Nothing is called there. kNoFrame: that is all of the code.
  CodeOffset frame_begin = 0;
  // Bytes between sp in the body and the saved frame pointer, or the return address in a function
  // without frame record.
  uint32_t frame_size = 0;
  // Bytes between the first stack slot and the saved frame pointer.
  uint32_t slots_begin = 0;
};

// Appends the DWARF call frame instructions (DWARF 5, 6.4.2) for the ops, in the form that
// follows the format's initial instructions.
void AppendCallFrameInstructions(const UnwindInfo& unwind, const UnwindFormat& format,
                                 std::vector<uint8_t>* out);

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_UNWIND_H_
