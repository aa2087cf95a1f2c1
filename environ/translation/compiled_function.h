// CompiledFunction: what a compiler hands over for one FuncKey. Plain data that knows no
// ISA, the same from every compiler; one place makes it from a finished machine buffer
// (cranelift_shared/make_compiled_function.h).
//
// Every offset is from the start of `code` unless it says otherwise, and every list is
// sorted by it, so that the text builder concatenates lists without sorting.
//
// An object is meant to be cleared and filled again for the next function: vectors keep
// their memory.
#ifndef GANTRY_ENVIRON_TRANSLATION_COMPILED_FUNCTION_H_
#define GANTRY_ENVIRON_TRANSLATION_COMPILED_FUNCTION_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "environ/core/func_key.h"
#include "environ/core/linked_text.h"
#include "wasm_translate/unimplemented.h"

namespace gantry::environ {

// A reference from code to other code. Its encoding (which bits are patched, how far it
// reaches) is a number whose meaning the ISA gives (codegen's relocation kinds).
struct CodeRelocation {
  uint32_t offset = 0;
  uint8_t kind = 0;
  int32_t addend = 0;
  FuncKey target = FuncKey::BuiltinShim(0);

  friend bool operator==(const CodeRelocation&, const CodeRelocation&) = default;
};

// The instruction at `offset` may trap for the reason `code` (environ core's TrapCode).
struct TrapRecord {
  uint32_t offset = 0;
  uint8_t code = 0;
  // Fuel that it gives back.
  uint32_t refund = 0;

  friend bool operator==(const TrapRecord&, const TrapRecord&) = default;
};

// From `offset` on, code belongs to the wasm instruction at `wasm_offset`, an offset into
// the module; kNoWasmOffset where it belongs to none.
struct AddressMapEntry {
  uint32_t offset = 0;
  uint32_t wasm_offset = 0;

  friend bool operator==(const AddressMapEntry&, const AddressMapEntry&) = default;
};

// From `offset` on, code lies in the callee of `inline_sites[site]`, or, where that is
// kNoInlineSite, in none that was inlined. The first entry is the first that lies in one.
struct InlineRange {
  uint32_t offset = 0;
  uint32_t site = kNoInlineSite;

  friend bool operator==(const InlineRange&, const InlineRange&) = default;
};

// At the return address `offset`, the references that the frame holds live lie in
// `slots[first_slot, first_slot + slot_count)`, each a distance in bytes from sp. There is
// one for every safepoint, also where no reference is live (lessons.md row 3).
struct StackMapEntry {
  uint32_t offset = 0;
  uint32_t first_slot = 0;
  uint32_t slot_count = 0;

  friend bool operator==(const StackMapEntry&, const StackMapEntry&) = default;
};

// What a debugger wants and nothing else reads; apart, so that compilation without it does
// not pay. Ranges of code where a wasm local lives in a register or stack slot.
struct DebugMetadata {
  struct ValueRange {
    uint32_t local = 0;
    uint32_t start = 0;
    uint32_t end = 0;
    // A DWARF location expression.
    std::vector<uint8_t> location;
  };
  std::vector<ValueRange> ranges;
};

// Where locals and operands are at the heads of loops, so that execution can go on from there in other
// code of the same function; apart, for it is made where it is asked for alone
// (CompilerBuilder::RecordLoopFrames). Linear in the body: what several heads have in common is here
// once.
struct LoopFrames {
  enum class Type : uint8_t { kI32, kI64, kF32, kF64, kV128, kReference, kFuncRef };
  enum class Place : uint8_t { kSlot, kConstant };
  static constexpr uint32_t kNone = 0xFFFFFFFF;

  // A local's home, a distance in bytes from the frame pointer: where it is where it is in no register.
  struct Local {
    Type type = Type::kI32;
    int32_t slot = 0;

    friend bool operator==(const Local&, const Local&) = default;
  };
  // A local in a register: 0 to 31 are integer registers, from 32 on vector registers, as numbered
  // by the machine.
  struct Register {
    uint32_t local = 0;
    uint8_t reg = 0;

    friend bool operator==(const Register&, const Register&) = default;
  };
  struct Operand {
    Type type = Type::kI32;
    Place place = Place::kSlot;
    int32_t slot = 0;
    // The bits of a constant, which is of at most 8 bytes.
    uint64_t bits = 0;
    // The operand below, a position in `operands`; kNone for the lowest.
    uint32_t below = kNone;

    friend bool operator==(const Operand&, const Operand&) = default;
  };
  // In order of `offset`.
  struct Loop {
    // Of the head, in the code, and of the operator, in the module.
    uint32_t offset = 0;
    uint32_t wasm_offset = 0;
    uint32_t first_register = 0;
    uint32_t register_count = 0;
    // The topmost operand, a loop's parameters being operands; kNone where there is none.
    uint32_t top_operand = kNone;

    friend bool operator==(const Loop&, const Loop&) = default;
  };

  std::vector<Local> locals;
  std::vector<Register> registers;
  std::vector<Operand> operands;
  std::vector<Loop> loops;

  void clear() {
    locals.clear();
    registers.clear();
    operands.clear();
    loops.clear();
  }
};

inline constexpr uint32_t kMaxKeptLocals = 1000;

struct CompiledFunction {
  std::vector<uint8_t> code;
  // A power of two.
  uint32_t alignment = 1;
  std::vector<CodeRelocation> relocations;
  std::vector<TrapRecord> traps;
  // Of inlined code the innermost function's.
  std::vector<AddressMapEntry> address_map;
  std::vector<InlineRange> inline_ranges;
  std::vector<InlineSite> inline_sites;
  // How many calls of the body were inlined, those of inlined bodies included.
  uint32_t inlined_calls = 0;
  std::vector<StackMapEntry> stack_maps;
  std::vector<uint32_t> stack_map_slots;
  std::vector<HandlerEntry> handlers;
  // Null where none were asked for, or the body has no loop.
  std::unique_ptr<LoopFrames> loop_frames;
  // The function's DWARF call-frame instructions, to follow the ISA's common ones
  // (environ::UnwindFormat); empty where nothing differs from them or unwind info is off.
  std::vector<uint8_t> unwind;
  FrameInfo frame;
  // Where locals are kept for debuggers: at the frame pointer less this the context, behind it 8
  // bytes for each of the first kMaxKeptLocals (none for vectors). 0: nowhere.
  uint32_t debug_area = 0;
  std::unique_ptr<DebugMetadata> debug;
  // Set where the body uses what the compiler cannot make: the code then only traps.
  std::optional<wasm::Unimplemented> missing;

  // Back to the state of a new object, memory kept.
  void clear() {
    code.clear();
    alignment = 1;
    relocations.clear();
    traps.clear();
    address_map.clear();
    inline_ranges.clear();
    inline_sites.clear();
    inlined_calls = 0;
    stack_maps.clear();
    stack_map_slots.clear();
    handlers.clear();
    unwind.clear();
    frame = FrameInfo();
    loop_frames.reset();
    debug_area = 0;
    debug.reset();
    missing.reset();
  }
};

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_TRANSLATION_COMPILED_FUNCTION_H_
