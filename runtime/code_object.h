// CodeObject: the executable code of one artifact with everything known about it, and the
// process-wide way from a program counter to it.
//
//   ASSIGN_OR_RETURN(std::shared_ptr<const CodeObject> code, CodeObject::Create(parts));
//   const void* body = code->FunctionByKey(FuncKey::WasmFunction(module, index));
//
//   // In a signal handler:
//   if (const CodeObject* code = CodeObject::Find(pc)) code->FindTrap(pc);
//
// A CodeObject is immutable and registered for as long as it lives. Whoever runs its code
// holds it; so what Find returns for a pc on the stack stays good while that code runs.
#ifndef GANTRY_RUNTIME_CODE_OBJECT_H_
#define GANTRY_RUNTIME_CODE_OBJECT_H_

#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "environ/core/code_tables.h"
#include "environ/core/dwarf_lines.h"
#include "environ/core/func_key.h"
#include "environ/core/module_debug.h"
#include "environ/core/module_info.h"

namespace gantry::runtime {

class CodeObject {
 public:
  struct Parts {
    // Executable memory, mapped for as long as `owner` lives.
    absl::Span<const uint8_t> text;
    environ::CodeTables tables;
    // Whether somebody has checked them, or trusts where they come from: looking at all of them
    // would read them from the file that they may lie in.
    bool tables_are_checked = false;
    // One for each core module of the artifact, by ModuleId.
    std::vector<environ::ModuleInfo> modules;
    // Bytes of the data segments that the ModuleInfos refer to, by ModuleId.
    std::vector<absl::Span<const uint8_t>> data;
    // What people want to know (module_debug.h), by ModuleId; nothing for those past the end.
    std::vector<absl::Span<const uint8_t>> debug;
    // The modules themselves in the binary format, by ModuleId; nothing for those past the end.
    std::vector<absl::Span<const uint8_t>> wasm;
    // The code that this one adds functions to, of the same modules: what is known of them is
    // there, and the four lists above are empty. Null for code that stands alone.
    std::shared_ptr<const CodeObject> base;
    // The artifact that all of it was loaded from.
    absl::Span<const uint8_t> artifact;
    // Keeps text, tables, data and artifact alive.
    std::shared_ptr<const void> owner;
  };

  // Registers the code. Error: kInvalidArgument where a table contradicts the text, or a data
  // segment lies outside of the data.
  static absl::StatusOr<std::shared_ptr<const CodeObject>> Create(Parts parts);
  ~CodeObject();
  CodeObject(const CodeObject&) = delete;
  CodeObject& operator=(const CodeObject&) = delete;

  absl::Span<const uint8_t> text() const { return parts_.text; }
  const environ::CodeTables& tables() const { return parts_.tables; }
  absl::Span<const uint8_t> artifact() const { return parts_.artifact; }
  // Whether it adds functions to other code (Parts::base).
  bool is_added() const { return parts_.base != nullptr; }
  size_t num_modules() const { return modules().size(); }
  // By ModuleId.
  const std::vector<environ::ModuleInfo>& modules() const { return base().parts_.modules; }
  const environ::ModuleInfo& module(environ::ModuleId id) const { return modules().at(id.index()); }
  absl::Span<const uint8_t> data(environ::ModuleId id) const {
    return base().parts_.data.at(id.index());
  }
  // Nothing where the artifact does not have it.
  absl::Span<const uint8_t> wasm(environ::ModuleId id) const {
    const auto& wasm = base().parts_.wasm;
    return id.index() < wasm.size() ? wasm[id.index()] : absl::Span<const uint8_t>();
  }

  environ::ModuleDebug debug(environ::ModuleId id) const;
  // The source position of an instruction of the module; nothing where the module does not have
  // line tables, or they do not say. The first call for a module reads all of them.
  std::optional<environ::SourcePosition> FindSource(environ::ModuleId id,
                                                    uint32_t module_offset) const;

  // First instruction of a function; null where the artifact has none of that key.
  const void* FunctionByKey(const environ::FuncKey& key) const;

  // Lookups by program counter: async-signal-safe, logarithmic, nothing for a pc outside.
  bool Contains(uintptr_t pc) const { return pc - start() < parts_.text.size(); }
  // Only for a pc inside.
  uint32_t TextOffset(uintptr_t pc) const { return static_cast<uint32_t>(pc - start()); }
  const environ::FunctionRecord* FindFunction(uintptr_t pc) const;
  std::optional<uint8_t> FindTrap(uintptr_t pc) const;
  // Fuel that the trap at the pc gives back.
  uint32_t FindRefund(uintptr_t pc) const;
  // Where the poll of a page at the pc continues when it faults; 0 where there is none.
  uintptr_t FindPoll(uintptr_t pc) const;
  std::optional<uint32_t> FindWasmOffset(uintptr_t pc) const;
  std::optional<uint32_t> FindInlineSite(uintptr_t pc) const;
  std::optional<absl::Span<const uint32_t>> FindStackMap(uintptr_t return_pc) const;

  // The code that holds the pc, of any engine; null where it is no code of ours.
  // Async-signal-safe: takes no lock and allocates nothing.
  static const CodeObject* Find(uintptr_t pc);

 private:
  explicit CodeObject(Parts parts) : parts_(std::move(parts)) {}
  const CodeObject& base() const { return parts_.base == nullptr ? *this : *parts_.base; }
  uintptr_t start() const { return reinterpret_cast<uintptr_t>(parts_.text.data()); }

  Parts parts_;
  bool registered_ = false;
  // By ModuleId, as they are asked for.
  mutable std::mutex lines_mutex_;
  mutable std::vector<std::unique_ptr<environ::DwarfLines>> lines_;
};

}  // namespace gantry::runtime

#endif  // GANTRY_RUNTIME_CODE_OBJECT_H_
