// JitModule: a codegen::Module whose functions run in this process. Needs no WebAssembly.
//
//   ASSIGN_OR_RETURN(std::unique_ptr<JitModule> module, JitModule::Create({.isa = isa}));
//   ...                                             // declare and define, codegen/module.h
//   RETURN_IF_ERROR(module->Finalize());
//   auto* add = module->Function<int64_t (*)(int64_t, int64_t)>(id);
//   add(1, 2);
//
// Finalize makes runnable what was defined since the last time; more may be defined and finalized
// after it, and refer to what there is. Addresses stay good until the module goes, and all of
// it at once. Memory is never writable and executable at once.
//
// A failure (out of memory, of address space, of mappings, of the reservation) is a
// kResourceExhausted that changes nothing: what was finalized before runs on, what was defined and
// is not finalized still waits. Functions that trap raise the machine's signal; TrapAt says why.
#ifndef GANTRY_JIT_MODULE_H_
#define GANTRY_JIT_MODULE_H_

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "codegen/module.h"
#include "runtime/mmap.h"

namespace gantry::jit {

struct JitModuleOptions {
  // For the host's processor.
  std::shared_ptr<const codegen::TargetIsa> isa = nullptr;
  // Address space for everything that is ever defined, within what calls of every ISA reach. No
  // memory is taken until it is used.
  uint64_t reservation = uint64_t{32} << 20;
  // Where imported functions are that SetAddress was not called for; null for nowhere.
  std::function<const void*(const std::string& name)> resolve = nullptr;
  // Whether the C++ runtime learns the code's call frame information, so that backtraces and
  // exceptions of the host pass through. Costs time for each function that is finalized.
  bool register_unwind_info = false;
};

class JitModule final : public codegen::Module {
 public:
  // Errors: kInvalidArgument for an ISA that is not the host's, and for a reservation of nothing or
  // beyond the reach of the ISA's references; kResourceExhausted.
  static absl::StatusOr<std::unique_ptr<JitModule>> Create(JitModuleOptions options);
  // Frees code and data.
  ~JitModule() override;

  // Says where an imported function is, for what is finalized from now on. Error:
  // kResourceExhausted.
  absl::Status SetAddress(codegen::FuncId import, const void* address);

  // Makes all that is defined runnable. Errors: kFailedPrecondition naming what is referred to and
  // is neither defined nor found; kResourceExhausted.
  absl::Status Finalize();

  // Null until it is finalized; of an import what SetAddress or `resolve` said.
  const void* Address(codegen::FuncId id) const;
  // Null until it is finalized. Points to memory that can be written only if the data can.
  uint8_t* Address(codegen::DataId id) const;
  // The same as a pointer to a function of type F, whose convention must be the signature's
  // (system_v for the host's). The function must be finalized.
  template <typename F>
  F Function(codegen::FuncId id) const {
    return reinterpret_cast<F>(reinterpret_cast<uintptr_t>(Address(id)));
  }

  // Why the instruction at this address traps; nothing where it does not, or is not of this module.
  std::optional<codegen::TrapCode> TrapAt(const void* pc) const;
  // Bytes of the reservation that are in use.
  uint64_t used() const { return used_; }

 private:
  struct Layout;

  JitModule(JitModuleOptions options, runtime::Mmap memory)
      : Module(options.isa), options_(std::move(options)), memory_(std::move(memory)) {}

  absl::Status FinalizeWithinMemory();
  absl::Status FindImports(Layout& layout);
  absl::Status Place(Layout& layout) const;
  absl::Status Write(const Layout& layout);
  absl::Status Patch(const Layout& layout, uint8_t* field, const CodeReference& reference) const;
  const uint8_t* AddressIn(const Layout& layout, const codegen::SymbolId& symbol) const;

  const JitModuleOptions options_;
  runtime::Mmap memory_;
  uint64_t used_ = 0;
  // By position of the id; null for what is not finalized.
  std::vector<const void*> function_addresses_;
  std::vector<uint8_t*> data_addresses_;
  // By address.
  std::map<uintptr_t, codegen::TrapCode> traps_;
  // Starts of the .eh_frame sections that the C++ runtime knows.
  std::vector<void*> frames_;
};

}  // namespace gantry::jit

#endif  // GANTRY_JIT_MODULE_H_
