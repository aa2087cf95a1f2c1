// Module: functions and data under names, for languages other than WebAssembly. A frontend
// declares symbols, writes IR that refers to them, and defines them one by one; what becomes of
// the code is a derived class's matter: jit/module.h runs it, object.h writes a file for a linker.
//
//   ASSIGN_OR_RETURN(FuncId add, module.DeclareFunction("add", Linkage::kExport, signature));
//   Function func;                                  // reused: func.Clear()
//   func.signature = module.function(add).signature;
//   InstBuilder b(&func);
//   ...
//   b.Call(module.ReferTo(other, &func), {x});      // a call of another function
//   Value table = b.FuncAddr(module.ReferTo(data, &func));
//   RETURN_IF_ERROR(module.Define(add, func));
//
// Symbols may be referred to before they are defined, also mutually. A failed call, for whatever
// reason, changes nothing: what was declared and defined before is as it was, and the same call
// may be made again. Not thread-safe; modules are independent of each other.
//
// Tested by jit:module_test.
#ifndef GANTRY_CODEGEN_MODULE_H_
#define GANTRY_CODEGEN_MODULE_H_

#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "codegen/code_records.h"
#include "codegen/context.h"
#include "codegen/ir/function.h"
#include "codegen/isa.h"
#include "codegen/pass/pass.h"
#include "entity/entity_id.h"
#include "entity/primary_map.h"

namespace gantry::codegen {

GANTRY_ENTITY_ID(FuncId, "function");
GANTRY_ENTITY_ID(DataId, "data");
using SymbolId = std::variant<FuncId, DataId>;

enum class Linkage : uint8_t {
  kImport,  // Defined elsewhere.
  kLocal,   // Defined here, for this module alone.
  kExport,  // Defined here, for others too.
};

struct FunctionDeclaration {
  std::string name;
  Linkage linkage = Linkage::kLocal;
  Signature signature;
};

struct DataDeclaration {
  std::string name;
  Linkage linkage = Linkage::kLocal;
  bool writable = false;
};

// A symbol's address, written into data at `offset` (8 bytes) with `addend` added.
struct DataReference {
  uint64_t offset = 0;
  SymbolId target;
  int64_t addend = 0;
};

struct DataContents {
  std::vector<uint8_t> bytes = {};
  // A power of two, at most 4096.
  uint32_t alignment = 8;
  std::vector<DataReference> references = {};
};

class Module {
 public:
  virtual ~Module();
  Module(const Module&) = delete;
  Module& operator=(const Module&) = delete;

  // Declares a symbol, or finds it where one of that name is declared. Declaring an import again
  // as something that is defined here makes it that. Errors: kInvalidArgument where the name is
  // empty or was declared as something else (a function of another signature; data, not a
  // function; data of other use), kResourceExhausted.
  absl::StatusOr<FuncId> DeclareFunction(absl::string_view name, Linkage linkage,
                                         const Signature& signature);
  absl::StatusOr<DataId> DeclareData(absl::string_view name, Linkage linkage, bool writable);

  const FunctionDeclaration& function(FuncId id) const { return functions_[id].declaration; }
  const DataDeclaration& data(DataId id) const { return data_[id].declaration; }
  // None where there is no such function, no such data.
  FuncId FindFunction(absl::string_view name) const;
  DataId FindData(absl::string_view name) const;

  // What stands for the symbol in the IR of `func`: to be called, or for its address (func_addr).
  // An imported function's address may be that of a jump to it. The address of data that another
  // object file or the host has is not reached this way from JIT code: there it is a constant.
  FuncRef ReferTo(FuncId id, Function* func) const;
  FuncRef ReferTo(DataId id, Function* func) const;

  // Compiles a function, whose IR the passes change. Its names are those that ReferTo made.
  // Errors: kInvalidArgument for another signature than the declared one, a name of no symbol, or
  // IR that the verifier refuses (the setting enable_verifier); kFailedPrecondition where it is an
  // import or was defined before; kUnimplemented for what the ISA can't do; kResourceExhausted.
  absl::Status Define(FuncId id, Function& func);
  // Errors: likewise; kInvalidArgument for an alignment or a reference that can't be.
  absl::Status Define(DataId id, DataContents contents);

  bool is_defined(FuncId id) const { return functions_[id].code != nullptr; }
  bool is_defined(DataId id) const { return data_[id].contents != nullptr; }
  const TargetIsa& isa() const { return *isa_; }

 protected:
  // A field of code that is filled with where a symbol lies (link_rules.h).
  struct CodeReference {
    uint32_t offset = 0;
    uint8_t kind = 0;
    int64_t addend = 0;
    SymbolId target;
  };
  struct FunctionCode {
    std::vector<uint8_t> bytes;
    uint32_t alignment = 1;
    std::vector<CodeReference> references;
    std::vector<TrapRecord> traps;
    // Call frame instructions (unwind.h).
    std::vector<uint8_t> unwind;
  };
  struct FunctionEntry {
    FunctionDeclaration declaration;
    // Null until it is defined.
    std::unique_ptr<FunctionCode> code;
  };
  struct DataEntry {
    DataDeclaration declaration;
    std::unique_ptr<DataContents> contents;
  };

  explicit Module(std::shared_ptr<const TargetIsa> isa);

  const entity::PrimaryMap<FuncId, FunctionEntry>& functions() const { return functions_; }
  const entity::PrimaryMap<DataId, DataEntry>& all_data() const { return data_; }
  entity::PrimaryMap<FuncId, FunctionEntry>& mutable_functions() { return functions_; }
  entity::PrimaryMap<DataId, DataEntry>& mutable_data() { return data_; }
  const std::string& NameOf(const SymbolId& symbol) const;

 private:
  // The mid-end, and memory that is kept from function to function.
  struct Compiler;

  template <typename Declare>
  auto Declared(Declare declare) -> decltype(declare());
  absl::StatusOr<SymbolId> TargetOf(const UserExternalName& name) const;
  absl::StatusOr<std::unique_ptr<FunctionCode>> Compile(Function& func);

  const std::shared_ptr<const TargetIsa> isa_;
  // Null at first, and behind a failure that may have left it half grown.
  std::unique_ptr<Compiler> compiler_;
  entity::PrimaryMap<FuncId, FunctionEntry> functions_;
  entity::PrimaryMap<DataId, DataEntry> data_;
  std::map<std::string, SymbolId, std::less<>> names_;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_MODULE_H_
