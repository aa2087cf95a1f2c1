// FuncEnvironment: everything that translation to IR has to ask about its surroundings. The
// translator knows wasm and the IR; how memories, tables, globals and functions are reached
// at run time is the environment's.
//
//   class MyEnvironment : public FuncEnvironment { ... };
//   FunctionTranslator translator(module, features, limits);
//   RETURN_IF_ERROR(translator.Translate(body, environment, func));
//
// Each hook inserts instructions at the builder's position and may start new blocks: the
// builder's position afterwards is where translation goes on. Values of wasm types i32, i64,
// f32, f64, v128 have the IR types of the same names; what a reference is, the environment says.
// Indices and lengths of 32-bit tables and memories come as I32.
#ifndef GANTRY_WASM_TRANSLATE_TRANSLATOR_ENVIRONMENT_H_
#define GANTRY_WASM_TRANSLATE_TRANSLATOR_ENVIRONMENT_H_

#include <cstdint>
#include <optional>

#include "absl/types/span.h"
#include "codegen/ir/builder.h"
#include "codegen/ir/signature.h"
#include "codegen/relaxed_choices.h"
#include "wasm_translate/operators.h"
#include "wasm_translate/types.h"

namespace gantry::wasm {

// Trap codes that translation puts into the IR, by number of the environment's choice.
struct TranslationTraps {
  codegen::TrapCode unreachable{};
  codegen::TrapCode memory_out_of_bounds{};
  codegen::TrapCode integer_overflow{};
  codegen::TrapCode integer_divide_by_zero{};
  codegen::TrapCode invalid_conversion_to_integer{};
  codegen::TrapCode null_reference{};
  codegen::TrapCode null_i31_reference{};
  codegen::TrapCode unaligned_atomic{};
};

// What WebAssembly leaves open and code is to settle.
struct TranslationChoices {
  // Whether every NaN that an operation on floats makes is the canonical one, positive and with
  // no bit set but the payload's topmost.
  bool canonical_nans = false;
  // What relaxed operations on vectors do. The default is the deterministic profile.
  codegen::RelaxedChoices relaxed;
};

enum class CallKind : uint8_t {
  kNormal,
  kTail,  // ends the function: the callee returns to its caller
  // A tail call in code that stands in place of a call: an ordinary one of the function around.
  kInlinedTail,
};

// How one memory is accessed from the position at hand.
struct HeapAccess {
  // Address of byte 0, an I64.
  codegen::Value base;
  // For accesses that are not checked, flags say that they trap.
  codegen::MemFlags flags;
  // Whether this access has to be compared with `length`, an I64 of bytes; for memories with
  // 64-bit indices it always has to.
  bool check_bounds = false;
  codegen::Value length;
  // Whether the index alone is to be below the length: this access at any such index, plus its
  // static offset, finds the memory or traps as flags say.
  bool index_only = false;
  // Whether a checked address is also masked, so that misspeculation past the check reads
  // nothing but the memory's own bytes.
  bool mask = false;
  // This access at the base plus its static offset finds the memory's own bytes or faults.
  bool offset_is_own = false;
  // Bytes that the memory has at least: they need no check.
  uint64_t min_bytes = 0;
};

class FuncEnvironment {
 public:
  virtual ~FuncEnvironment() = default;

  virtual const TranslationTraps& traps() const = 0;

  virtual TranslationChoices choices() const { return {}; }

  // The IR type of values of a wasm type; nothing where values of it cannot be compiled.
  virtual std::optional<codegen::Type> TypeOf(ValType type) const = 0;
  // Whether values of a reference type have to be marked as references.
  virtual bool IsTraced(ValType type) const = 0;

  // Fills the signature of the function to be translated.
  virtual void MakeSignature(const FuncType& type, codegen::Signature& signature) = 0;
  // How many parameters of a signature come before the wasm ones.
  virtual size_t num_leading_params() const = 0;
  // A new function begins, or the same one again: the position is in the entry block, whose
  // parameters are there.
  virtual void Begin(codegen::InstBuilder& builder) = 0;

  // Interrupts. Whether OnOperator is to be called for each operator, before it, with its offset in
  // the module, and OnJoin where control may arrive from elsewhere, in front of the jump to there.
  virtual bool counts_operators() const { return false; }
  virtual void OnOperator(codegen::InstBuilder&, Opcode, uint32_t /*offset*/) {}
  virtual void OnJoin() {}
  // Whether KeepLocal is to be called: in the order of the locals with what each begins with,
  // behind Begin, and whenever one is written.
  virtual bool keeps_locals() const { return false; }
  virtual void KeepLocal(codegen::InstBuilder&, uint32_t /*local*/, codegen::Value) {}
  // At function entry, behind Begin, and at each loop header.
  virtual void OnFunctionEntry(codegen::InstBuilder&) {}
  virtual void OnLoopHeader(codegen::InstBuilder&) {}
  // In front of a tail call.
  virtual void OnTailCall(codegen::InstBuilder&) {}
  // For account of the calls under way. A body begins, the function's own or one that stands in
  // place of a call; it returns, or is about to make a direct tail call in such a place; and what
  // follows is translated for the one around it again. Other tail calls end their body by CallKind.
  virtual void OnBodyBegin(codegen::InstBuilder&, FuncIndex) {}
  virtual void OnBodyReturn(codegen::InstBuilder&) {}
  virtual void OnBodyDone() {}
  // The function is complete.
  virtual void Finish(codegen::InstBuilder&) {}

  // An access of `size` bytes at any index plus the static `offset`.
  virtual HeapAccess AccessHeap(codegen::InstBuilder& builder, MemoryIndex memory, uint64_t offset,
                                uint32_t size) = 0;
  // Sizes and growth in pages, in the memory's index type.
  virtual codegen::Value MemorySize(codegen::InstBuilder& builder, MemoryIndex memory) = 0;
  virtual codegen::Value MemoryGrow(codegen::InstBuilder& builder, MemoryIndex memory,
                                    codegen::Value delta) = 0;
  virtual void MemoryInit(codegen::InstBuilder& builder, MemoryIndex memory, DataIndex data,
                          codegen::Value destination, codegen::Value source,
                          codegen::Value length) = 0;
  virtual void MemoryCopy(codegen::InstBuilder& builder, MemoryIndex destination_memory,
                          MemoryIndex source_memory, codegen::Value destination,
                          codegen::Value source, codegen::Value length) = 0;
  virtual void MemoryFill(codegen::InstBuilder& builder, MemoryIndex memory,
                          codegen::Value destination, codegen::Value value,
                          codegen::Value length) = 0;
  virtual void DataDrop(codegen::InstBuilder& builder, DataIndex data) = 0;
  // At an aligned `address` within the memory, an I64 that may be out of bounds. `expected` is an
  // I32 or I64, as wide as the access. The result is an I32.
  virtual codegen::Value AtomicWait(codegen::InstBuilder& builder, MemoryIndex memory,
                                    codegen::Value address, codegen::Value expected,
                                    codegen::Value timeout) = 0;
  virtual codegen::Value AtomicNotify(codegen::InstBuilder& builder, MemoryIndex memory,
                                      codegen::Value address, codegen::Value count) = 0;

  virtual codegen::Value GlobalGet(codegen::InstBuilder& builder, GlobalIndex global) = 0;
  virtual void GlobalSet(codegen::InstBuilder& builder, GlobalIndex global,
                         codegen::Value value) = 0;

  virtual codegen::Value TableGet(codegen::InstBuilder& builder, TableIndex table,
                                  codegen::Value index) = 0;
  virtual void TableSet(codegen::InstBuilder& builder, TableIndex table, codegen::Value index,
                        codegen::Value value) = 0;
  virtual codegen::Value TableSize(codegen::InstBuilder& builder, TableIndex table) = 0;
  virtual codegen::Value TableGrow(codegen::InstBuilder& builder, TableIndex table,
                                   codegen::Value value, codegen::Value delta) = 0;
  virtual void TableFill(codegen::InstBuilder& builder, TableIndex table,
                         codegen::Value destination, codegen::Value value,
                         codegen::Value length) = 0;
  virtual void TableCopy(codegen::InstBuilder& builder, TableIndex destination_table,
                         TableIndex source_table, codegen::Value destination, codegen::Value source,
                         codegen::Value length) = 0;
  virtual void TableInit(codegen::InstBuilder& builder, TableIndex table, ElemIndex elem,
                         codegen::Value destination, codegen::Value source,
                         codegen::Value length) = 0;
  virtual void ElemDrop(codegen::InstBuilder& builder, ElemIndex elem) = 0;

  virtual codegen::Value RefNull(codegen::InstBuilder& builder, ValType type) = 0;
  virtual codegen::Value RefIsNull(codegen::InstBuilder& builder, ValType type,
                                   codegen::Value reference) = 0;
  virtual codegen::Value RefFunc(codegen::InstBuilder& builder, FuncIndex function) = 0;

  // Calls. The results are those of the returned instruction, which has none where the call is a
  // tail call.
  virtual codegen::Inst Call(codegen::InstBuilder& builder, CallKind kind, FuncIndex callee,
                             absl::Span<const codegen::Value> args) = 0;
  virtual codegen::Inst CallIndirect(codegen::InstBuilder& builder, CallKind kind, TableIndex table,
                                     TypeIndex type, codegen::Value index,
                                     absl::Span<const codegen::Value> args) = 0;
  virtual codegen::Inst CallRef(codegen::InstBuilder& builder, CallKind kind, TypeIndex type,
                                codegen::Value callee, absl::Span<const codegen::Value> args) = 0;
};

}  // namespace gantry::wasm

#endif  // GANTRY_WASM_TRANSLATE_TRANSLATOR_ENVIRONMENT_H_
