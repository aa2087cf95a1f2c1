// Instance: a module with its imports bound and its state laid out: a VMContext for compiled
// code, and objects for C++. All of it lies in one block of memory, which begins with the Instance
// and ends with the VMContext; what a function or an element of a table needs is made when it is
// asked for, and so are the objects of globals and tags.
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
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "environ/core/const_expr.h"
#include "environ/core/module_info.h"
#include "environ/core/trap_code.h"
#include "runtime/global.h"
#include "runtime/instance_allocator.h"
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
  // kMatched: the imports are known to be of the types asked for; only whether they live in the
  // store is looked at.
  enum class ImportTypes { kUnknown, kMatched };
  static absl::StatusOr<Instance*> Create(Store& store, std::shared_ptr<const Module> module,
                                          absl::Span<const Extern> imports,
                                          ImportTypes types = ImportTypes::kUnknown);
  Instance(const Instance&) = delete;
  Instance& operator=(const Instance&) = delete;

  static Instance& Of(const VMContext* vmctx) { return *vmctx->instance; }

  Store& store() const { return store_; }
  const Module& module() const { return *module_; }
  VMContext* vmctx() const { return reinterpret_cast<VMContext*>(vmctx_); }

  // Nothing where there is no such export.
  std::optional<Extern> GetExport(absl::string_view name);
  Extern Get(const environ::EntityRef& entity);

  // Entities by index, imported or defined.
  // A function that the module defines must be one that escapes (ModuleInfo::functions); its
  // reference is made on demand and stays at its place.
  VMFuncRef* FuncRef(wasm::FuncIndex index) override;
  Memory& memory(wasm::MemoryIndex index) { return *memories_[index.index()]; }
  Table& table(wasm::TableIndex index) { return *tables_[index.index()]; }
  Global& global(wasm::GlobalIndex index);
  Tag& tag(wasm::TagIndex index);

  // The instructions of the same names, with bounds checks; nothing, or why they trap.
  using Trap = std::optional<environ::TrapCode>;
  Trap MemoryInit(wasm::MemoryIndex memory, wasm::DataIndex segment, uint64_t destination,
                  uint64_t source, uint64_t length);
  Trap TableInit(wasm::TableIndex table, wasm::ElemIndex segment, uint64_t destination,
                 uint64_t source, uint64_t length);
  void DropData(wasm::DataIndex segment) { data_dropped_.Set(segment.index()); }
  void DropElem(wasm::ElemIndex segment) { elem_dropped_.Set(segment.index()); }

  // Reports the references that tables and globals defined here hold.
  void Trace(ReferenceHeap::Marker& marker) const;

 private:
  friend class Store;
  // Where things lie in the block.
  struct Layout;
  // Bits in the block, all 0 at first.
  class Bits {
   public:
    Bits() = default;
    Bits(uint64_t* words, size_t size);
    bool Get(size_t i) const { return (words_[i / 64] >> i % 64 & 1) != 0; }
    void Set(size_t i) { words_[i / 64] |= uint64_t{1} << i % 64; }

   private:
    uint64_t* words_ = nullptr;
  };

  Instance(Store& store, std::shared_ptr<const Module> module, const Layout& layout,
           const InstanceAllocator::Block& block);
  ~Instance();
  // Ends the instance and gives its block back.
  static void Destroy(Instance* instance);

  absl::Status Initialize(absl::Span<const Extern> imports, ImportTypes types);
  void InitializeContext();
  absl::Status BindImports(absl::Span<const Extern> imports, ImportTypes types);
  absl::Status BindImport(const environ::ImportInfo& import, const Extern& value, bool check_type);
  absl::Status MakeMemories();
  absl::Status MakeTables();
  void MakeTags();
  void MakeGlobals();
  absl::Status ApplySegments();
  absl::Status RunStart();
  VMFuncRef MakeFuncRef(wasm::FuncIndex index) const;
  ValRaw Evaluate(const environ::ConstExpr& expression);
  ValRaw GlobalValue(wasm::GlobalIndex index) const;
  Trap WriteData(Memory& to, const environ::DataSegment* segment, uint64_t destination,
                 uint64_t source, uint64_t length);
  Trap WriteElements(Table& to, const environ::ElemSegment& segment, bool is_dropped,
                     uint64_t destination, uint64_t source, uint64_t length);

  template <typename T>
  T* At(uint32_t offset) const {
    return reinterpret_cast<T*>(vmctx_ + offset);
  }

  Store& store_;
  const std::shared_ptr<const Module> module_;
  const InstanceAllocator::Block block_;
  // Of the block so many bytes may have been written.
  uint64_t written_;
  // All of these lie in the block.
  uint8_t* const vmctx_;
  Memory** const memories_;          // by MemoryIndex
  Table** const tables_;             // by TableIndex
  Global** const imported_globals_;  // by GlobalIndex
  Tag** const imported_tags_;        // by TagIndex
  Memory* const defined_memories_;   // the first num_memories_ are made
  Table* const defined_tables_;      // the first num_tables_ are made
  Global* const defined_globals_;    // those of globals_made_ are made
  Tag* const defined_tags_;          // those of tags_made_ are made
  Bits globals_made_;
  Bits tags_made_;
  Bits data_dropped_;
  Bits elem_dropped_;
  uint32_t num_memories_ = 0;
  uint32_t num_tables_ = 0;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_INSTANCE_H_
