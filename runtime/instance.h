// Instance: a module with its imports bound and its state laid out: a VMContext for compiled
// code, and objects for C++.
//
//   std::vector<Extern> imports = ...;          // in the order of module->info().imports
//   ASSIGN_OR_RETURN(Instance* instance, Instance::Create(store, module, imports));
//   std::optional<Extern> memory = instance->GetExport("memory");
//
// The store owns it. It outlives a failed creation too: a segment may already have put its
// functions into a table of another instance. (WebAssembly 3.0, "Instantiation".)
#ifndef GANTRY_RUNTIME_INSTANCE_H_
#define GANTRY_RUNTIME_INSTANCE_H_

#include <cstdint>
#include <cstdlib>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "environ/core/const_expr.h"
#include "environ/core/module_info.h"
#include "environ/core/trap_code.h"
#include "runtime/global.h"
#include "runtime/memory.h"
#include "runtime/module.h"
#include "runtime/store.h"
#include "runtime/table.h"
#include "runtime/tag.h"
#include "runtime/vm_structs.h"

namespace gantry::runtime {

// Anything that can be imported or exported.
using Extern = std::variant<VMFuncRef*, Table*, Memory*, Global*, Tag*>;

// "function (i32) -> ()", "memory 1 2": with types as they are now, for messages.
std::string DescribeExtern(const Engine& engine, const Extern& value);

class Instance final : private FunctionSource {
 public:
  // Binds, initialises, applies active segments and calls the start function. Errors:
  // kInvalidArgument where an import has another type (expected and found are named) or lives
  // in another store; kResourceExhausted; a trap of a segment or of the start function;
  // kUnimplemented (wasm::UnimplementedFeature) for constant expressions that make objects.
  static absl::StatusOr<Instance*> Create(Store& store, std::shared_ptr<const Module> module,
                                          absl::Span<const Extern> imports);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  static Instance& Of(const VMContext* vmctx) { return *vmctx->instance; }

  Store& store() const { return store_; }
  const Module& module() const { return *module_; }
  VMContext* vmctx() const { return reinterpret_cast<VMContext*>(vmctx_.get()); }

  // Nothing where there is no such export.
  std::optional<Extern> GetExport(absl::string_view name);
  Extern Get(const environ::EntityRef& entity);

  // Entities by index, imported or defined.
  // A function that the module defines must be one that escapes (ModuleInfo::functions); its
  // reference is made on demand and stays at its place.
  VMFuncRef* FuncRef(wasm::FuncIndex index) override;
  Memory& memory(wasm::MemoryIndex index) { return *memories_[index.index()]; }
  Table& table(wasm::TableIndex index) { return *tables_[index.index()]; }
  Global& global(wasm::GlobalIndex index) { return *globals_[index.index()]; }
  Tag& tag(wasm::TagIndex index) { return *tags_[index.index()]; }

  // The instructions of the same names, with bounds checks; nothing, or why they trap.
  using Trap = std::optional<environ::TrapCode>;
  Trap MemoryInit(wasm::MemoryIndex memory, wasm::DataIndex segment, uint64_t destination,
                  uint64_t source, uint64_t length);
  Trap TableInit(wasm::TableIndex table, wasm::ElemIndex segment, uint64_t destination,
                 uint64_t source, uint64_t length);
  void DropData(wasm::DataIndex segment) { data_dropped_[segment.index()] = true; }
  void DropElem(wasm::ElemIndex segment) { elem_dropped_[segment.index()] = true; }

  // Reports the references that tables and globals defined here hold.
  void Trace(ReferenceHeap::Marker& marker) const;

 private:
  struct Free {
    void operator()(void* memory) const { std::free(memory); }
  };

  Instance(Store& store, std::shared_ptr<const Module> module);

  absl::Status Initialize(absl::Span<const Extern> imports);
  absl::Status AllocateContext();
  absl::Status BindImports(absl::Span<const Extern> imports);
  absl::Status BindImport(const environ::ImportInfo& import, const Extern& value);
  absl::Status MakeMemories();
  absl::Status MakeTables();
  void MakeTags();
  void MakeGlobals();
  absl::Status ApplySegments();
  absl::Status RunStart();
  VMFuncRef MakeFuncRef(wasm::FuncIndex index) const;
  ValRaw Evaluate(const environ::ConstExpr& expression);

  template <typename T>
  T* At(uint32_t offset) const {
    return reinterpret_cast<T*>(vmctx_.get() + offset);
  }

  Store& store_;
  const std::shared_ptr<const Module> module_;
  std::unique_ptr<uint8_t, Free> vmctx_;
  std::vector<Memory*> memories_;
  std::vector<Table*> tables_;
  std::vector<Global*> globals_;
  std::vector<Tag*> tags_;
  std::vector<std::unique_ptr<Memory>> defined_memories_;
  std::vector<std::unique_ptr<Table>> defined_tables_;
  std::deque<Global> defined_globals_;
  std::deque<Tag> defined_tags_;
  std::vector<bool> data_dropped_;
  std::vector<bool> elem_dropped_;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_INSTANCE_H_
