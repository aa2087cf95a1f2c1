// CompilerEnvironment: how compiled code reaches memories, tables, globals, functions and
// built-ins through its VMContext (environ/core/vm_offsets.h). The optimizing compiler's
// answer to wasm::FuncEnvironment.
//
// One per thread and module, reused from function to function: what it caches per function
// lies in arrays that a new stamp empties.
#ifndef GANTRY_CRANELIFT_SHARED_COMPILER_ENVIRONMENT_H_
#define GANTRY_CRANELIFT_SHARED_COMPILER_ENVIRONMENT_H_

#include <cstdint>
#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "codegen/ir/builder.h"
#include "codegen/ir/function.h"
#include "environ/core/builtins.h"
#include "environ/core/func_key.h"
#include "environ/core/memory_plan.h"
#include "environ/core/trap_code.h"
#include "environ/core/tunables.h"
#include "environ/translation/module_translation.h"
#include "wasm_translate/operator_costs.h"
#include "wasm_translate/translator_environment.h"

namespace gantry::cranelift {

// Numbers of MemFlags' regions: accesses of different ones never overlap.
enum Region : uint32_t {
  kRegionHeap = 1,      // the bytes of linear memories
  kRegionContext = 2,   // fixed parts of the VMContext and what it points to
  kRegionMemory = 3,    // VMMemoryDefinitions
  kRegionTable = 4,     // VMTableDefinitions
  kRegionElements = 5,  // tables' elements
  kRegionStore = 6,     // the VMStoreContext
  kRegionImported = 7,  // imported globals, any two of which may be one
  kRegionGlobals = 16,  // this one and up: defined globals, one each
};

// What stands behind a name in the IR of a wasm function: a FuncKey in two halves.
codegen::UserExternalName NameOf(const environ::FuncKey& key);
environ::FuncKey KeyOf(const codegen::UserExternalName& name);

class CompilerEnvironment final : public wasm::FuncEnvironment {
 public:
  // `relaxed`: what the target does best, where the tunables leave the choice.
  CompilerEnvironment(const environ::ModuleTranslation& module,
                      const codegen::RelaxedChoices& relaxed);

  const wasm::TranslationTraps& traps() const override;
  wasm::TranslationChoices choices() const override;
  std::optional<codegen::Type> TypeOf(wasm::ValType type) const override;
  bool IsTraced(wasm::ValType type) const override;
  void MakeSignature(const wasm::FuncType& type, codegen::Signature& signature) override;
  size_t num_leading_params() const override { return 1; }
  void Begin(codegen::InstBuilder& b) override;
  // Before a body is translated: whose it is. Where functions tier up, it calls all but itself by
  // the module's tier table.
  void SetFunction(wasm::FuncIndex function) { root_ = function; }

  // Whether what locals hold is kept in the frame, for debuggers (CompiledFunction::debug_area).
  void set_keeps_locals(bool keeps) { keeps_locals_ = keeps; }
  bool keeps_locals() const override { return keeps_locals_; }
  void KeepLocal(codegen::InstBuilder& b, uint32_t local, codegen::Value value) override;

  bool counts_operators() const override { return tunables_.consume_fuel; }
  void OnOperator(codegen::InstBuilder& b, wasm::Opcode op, uint32_t offset) override;
  void OnJoin() override;
  void OnFunctionEntry(codegen::InstBuilder& b) override;
  void OnLoopHeader(codegen::InstBuilder& b) override;
  void OnTailCall(codegen::InstBuilder& b) override;
  void OnBodyBegin(codegen::InstBuilder& b, wasm::FuncIndex function) override;
  void OnBodyReturn(codegen::InstBuilder& b) override;
  void OnBodyDone() override;
  void Finish(codegen::InstBuilder& b) override;
  // What a trap of the operator at an offset of the module gives back, in the function that was
  // translated last.
  uint32_t RefundAt(uint32_t offset) const;

  wasm::HeapAccess AccessHeap(codegen::InstBuilder& b, wasm::MemoryIndex memory, uint64_t offset,
                              uint32_t size) override;
  codegen::Value MemorySize(codegen::InstBuilder& b, wasm::MemoryIndex memory) override;
  codegen::Value MemoryGrow(codegen::InstBuilder& b, wasm::MemoryIndex memory,
                            codegen::Value delta) override;
  void MemoryInit(codegen::InstBuilder& b, wasm::MemoryIndex memory, wasm::DataIndex data,
                  codegen::Value destination, codegen::Value source,
                  codegen::Value length) override;
  void MemoryCopy(codegen::InstBuilder& b, wasm::MemoryIndex destination_memory,
                  wasm::MemoryIndex source_memory, codegen::Value destination,
                  codegen::Value source, codegen::Value length) override;
  void MemoryFill(codegen::InstBuilder& b, wasm::MemoryIndex memory, codegen::Value destination,
                  codegen::Value value, codegen::Value length) override;
  void DataDrop(codegen::InstBuilder& b, wasm::DataIndex data) override;
  codegen::Value AtomicWait(codegen::InstBuilder& b, wasm::MemoryIndex memory,
                            codegen::Value address, codegen::Value expected,
                            codegen::Value timeout) override;
  codegen::Value AtomicNotify(codegen::InstBuilder& b, wasm::MemoryIndex memory,
                              codegen::Value address, codegen::Value count) override;

  codegen::Value GlobalGet(codegen::InstBuilder& b, wasm::GlobalIndex global) override;
  void GlobalSet(codegen::InstBuilder& b, wasm::GlobalIndex global, codegen::Value value) override;

  codegen::Value TableGet(codegen::InstBuilder& b, wasm::TableIndex table,
                          codegen::Value index) override;
  void TableSet(codegen::InstBuilder& b, wasm::TableIndex table, codegen::Value index,
                codegen::Value value) override;
  codegen::Value TableSize(codegen::InstBuilder& b, wasm::TableIndex table) override;
  codegen::Value TableGrow(codegen::InstBuilder& b, wasm::TableIndex table, codegen::Value value,
                           codegen::Value delta) override;
  void TableFill(codegen::InstBuilder& b, wasm::TableIndex table, codegen::Value destination,
                 codegen::Value value, codegen::Value length) override;
  void TableCopy(codegen::InstBuilder& b, wasm::TableIndex destination_table,
                 wasm::TableIndex source_table, codegen::Value destination, codegen::Value source,
                 codegen::Value length) override;
  void TableInit(codegen::InstBuilder& b, wasm::TableIndex table, wasm::ElemIndex elem,
                 codegen::Value destination, codegen::Value source, codegen::Value length) override;
  void ElemDrop(codegen::InstBuilder& b, wasm::ElemIndex elem) override;

  codegen::Value RefNull(codegen::InstBuilder& b, wasm::ValType type) override;
  codegen::Value RefIsNull(codegen::InstBuilder& b, wasm::ValType type,
                           codegen::Value reference) override;
  codegen::Value RefFunc(codegen::InstBuilder& b, wasm::FuncIndex function) override;

  codegen::Inst Call(codegen::InstBuilder& b, wasm::CallKind kind, wasm::FuncIndex callee,
                     absl::Span<const codegen::Value> args) override;
  codegen::Inst CallIndirect(codegen::InstBuilder& b, wasm::CallKind kind, wasm::TableIndex table,
                             wasm::TypeIndex type, codegen::Value index,
                             absl::Span<const codegen::Value> args) override;
  codegen::Inst CallRef(codegen::InstBuilder& b, wasm::CallKind kind, wasm::TypeIndex type,
                        codegen::Value callee, absl::Span<const codegen::Value> args) override;

 private:
  // Entries made for a function other than the present one count as absent.
  template <typename T>
  struct Stamped {
    uint32_t stamp = 0;
    T value;
  };
  template <typename T>
  class Cache {
   public:
    explicit Cache(size_t size) : entries_(size) {}
    // Null where there is none for the function of this stamp.
    const T* Find(size_t index, uint32_t stamp) const {
      const Stamped<T>& entry = entries_[index];
      return entry.stamp == stamp ? &entry.value : nullptr;
    }
    T Insert(size_t index, uint32_t stamp, T value) {
      entries_[index] = {stamp, value};
      return value;
    }

   private:
    std::vector<Stamped<T>> entries_;
  };
  // Where a definition lies: in the VMContext or behind a pointer that it holds.
  struct Place {
    codegen::Value base;
    int32_t offset = 0;
  };
  struct TableView {
    codegen::Value base;
    codegen::Value length;                 // I64
    std::optional<uint64_t> fixed_length;  // where the table cannot grow
    uint64_t min_length = 0;               // elements that there always are
    uint32_t element_size_log2 = 0;
  };
  // An element within a table's bounds.
  struct Element {
    codegen::Value base;
    int32_t offset = 0;
  };

  // A builder at the end of what the entry block holds of our own, so that what it makes is
  // there for the whole function.
  template <typename Make>
  codegen::Value InEntry(Make make);
  codegen::Value ContextField(codegen::InstBuilder& b, uint32_t offset);
  codegen::Value Extended(codegen::InstBuilder& b, codegen::Value index);
  // As a value of a table's or memory's index type.
  codegen::Value Narrowed(codegen::InstBuilder& b, codegen::Value value, wasm::IndexType type);
  // A branch to a block that is rarely run and then joins, made by `body`.
  template <typename Body>
  void Rarely(codegen::InstBuilder& b, codegen::Value condition, Body body);

  Place MemoryPlace(codegen::InstBuilder& b, wasm::MemoryIndex memory);
  codegen::Value MemoryLength(codegen::InstBuilder& b, wasm::MemoryIndex memory);
  Place GlobalPlace(codegen::InstBuilder& b, wasm::GlobalIndex global, codegen::MemFlags* flags);
  TableView ViewTable(codegen::InstBuilder& b, wasm::TableIndex table);
  bool IsFuncTable(wasm::TableIndex table) const;
  codegen::Value LoadElement(codegen::InstBuilder& b, codegen::Type type, const Element& element,
                             uint32_t field);
  Element BoundedElement(codegen::InstBuilder& b, const TableView& view, codegen::Value index,
                         environ::TrapCode out_of_bounds);

  codegen::SigRef SignatureOf(codegen::Function& func, wasm::TypeIndex type, bool with_caller);
  codegen::FuncRef FunctionOf(codegen::Function& func, wasm::FuncIndex function);
  codegen::Inst CallBuiltin(codegen::InstBuilder& b, environ::Builtin builtin,
                            std::initializer_list<codegen::Value> args);
  codegen::Inst CallCode(codegen::InstBuilder& b, wasm::CallKind kind, wasm::TypeIndex type,
                         codegen::Value code, codegen::Value callee_vmctx,
                         absl::Span<const codegen::Value> args);
  void CloseLine();
  void CheckFuel(codegen::InstBuilder& b);
  void Poll(codegen::InstBuilder& b);
  codegen::Value StoreContext();

  const environ::ModuleTranslation& module_;
  const environ::ModuleInfo& info_;
  const environ::VMOffsets& offsets_;
  const environ::Tunables& tunables_;
  const codegen::RelaxedChoices relaxed_;

  codegen::Function* func_ = nullptr;
  uint32_t stamp_ = 0;
  wasm::FuncIndex root_ = wasm::FuncIndex::None();
  codegen::Value vmctx_;
  codegen::Block entry_;
  // The last instruction that InEntry made.
  codegen::Inst last_in_entry_;
  Cache<codegen::SigRef> signatures_;
  Cache<codegen::SigRef> signatures_with_caller_;
  Cache<codegen::FuncRef> functions_;
  Cache<codegen::FuncRef> builtins_;
  Cache<codegen::Value> memory_bases_;
  std::vector<codegen::Value> args_;
  codegen::Value store_;
  // Where the shadow stack ended before each of the bodies that the position is in.
  std::vector<codegen::Value> shadow_;
  bool keeps_locals_ = false;
  std::vector<codegen::StackSlot> local_slots_;
  wasm::FuelMeter meter_;
  // Of the open line.
  codegen::Inst charge_;
  std::vector<wasm::FuelRefund> refunds_;
};

}  // namespace gantry::cranelift

#endif  // GANTRY_CRANELIFT_SHARED_COMPILER_ENVIRONMENT_H_
