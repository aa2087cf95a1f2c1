// Module: compiled code and everything needed to instantiate it. Immutable, shared between
// threads and stores; a copy is another handle.
//
//   ASSIGN_OR_RETURN(gantry::Module module, gantry::Module::Compile(engine, bytes));
//   for (const gantry::ImportType& import : module.imports()) ...
#ifndef GANTRY_API_MODULE_H_
#define GANTRY_API_MODULE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "api/engine.h"
#include "environ/artifact/verification.h"
#include "wasm_translate/types.h"

namespace gantry {

namespace api_internal {
class InstancePreState;
class ModuleState;
}  // namespace api_internal

using wasm::FuncType;
using wasm::GlobalType;
using wasm::MemoryType;
using wasm::TableType;
using wasm::ValType;

// The type of a tag: what an exception carries, as the parameters of a function type without
// results.
struct TagType {
  FuncType type;

  friend bool operator==(const TagType&, const TagType&) = default;
};

// The type of an import or export. Types refer to no index of the module: concrete references
// are canonical, and mean something while the module lives.
using ExternType = std::variant<FuncType, TableType, MemoryType, GlobalType, TagType>;

// "function (i32) -> (i64)", "memory {min 1, max 2}": as used in error messages.
std::string ExternTypeToString(const ExternType& type);

struct ImportType {
  std::string module;
  std::string name;
  ExternType type;
};

struct ExportType {
  std::string name;
  ExternType type;
};

// Where compilation spent its time: phases in order of the pipeline.
struct CompileTiming {
  struct Phase {
    std::string name;
    absl::Duration time;
    uint64_t work = 0;      // steps that were counted; the same whatever machine and threads
    bool is_part = false;   // of the last phase before it that is not a part
    std::string note = {};  // what else was counted, in words
  };
  std::vector<Phase> phases;  // summed over threads
  absl::Duration wall;        // from the first byte to the finished text
  uint64_t functions = 0;
  uint64_t wasm_bytes = 0;
  uint64_t code_bytes = 0;
  uint64_t inlined_calls = 0;
};

class Module {
 public:
  // Compiles a module in the binary format.
  // Errors: kInvalidArgument for a module that is malformed or invalid, with the byte offset
  // (the lowest one); kUnimplemented, likewise, for one that needs a feature that is off
  // (Config::WasmFeature), by its name; kResourceExhausted past a limit or out of memory;
  // kFailedPrecondition where the engine's target is not this machine (see Precompile). A
  // function whose body uses what the compiler cannot make yet is no error: calling it is a trap
  // that names the feature (wasm_translate/unimplemented.h).
  static absl::StatusOr<Module> Compile(const Engine& engine, absl::Span<const uint8_t> bytes);

  // The same in the text format. Errors point into the text, with line and column.
  static absl::StatusOr<Module> CompileText(const Engine& engine, absl::string_view text);

  // The artifact of a module in the binary format, which Deserialize takes: the same bytes as
  // Serialize gives of the module that Compile makes. Nothing is loaded, so that the engine's
  // target and features (Config::Target) may be those of another machine. `timing`, where not null,
  // is filled for an engine with Config::CollectTiming. Errors as Compile's.
  static absl::StatusOr<std::vector<uint8_t>> Precompile(const Engine& engine,
                                                         absl::Span<const uint8_t> bytes,
                                                         CompileTiming* timing = nullptr);

  // Whether a module is valid, without compiling it. Errors as Compile's.
  static absl::Status Validate(const Engine& engine, absl::Span<const uint8_t> bytes);

  // The artifact (an ELF object) that Deserialize takes.
  absl::StatusOr<std::vector<uint8_t>> Serialize() const;

  // How much of an artifact is checked. kTrusted: that headers and metadata are as they were
  // written; code and tables are read where they are used and not before, which is what makes
  // loading quick. kFull: the digests of everything. Neither says that the code is harmless: load
  // only artifacts from where you would load a shared library from (docs/artifacts.md).
  using Verification = environ::Verification;

  // Loads what Serialize made.
  // Errors: kFailedPrecondition naming the difference where the artifact was made by another
  // version, for another target or with other settings; kInvalidArgument for a damaged one.
  static absl::StatusOr<Module> Deserialize(const Engine& engine,
                                            absl::Span<const uint8_t> artifact,
                                            Verification verification = Verification::kFull);

  // The same from a file, which is mapped: several processes share its pages. While the module
  // lives the file must not be changed or cut, as that of a shared library must not; it may be
  // removed or replaced. Errors also: kNotFound, kPermissionDenied.
  static absl::StatusOr<Module> DeserializeFile(const Engine& engine, const std::string& path,
                                                Verification verification = Verification::kFull);

  // Whether bytes begin like an artifact rather than like a module.
  static bool IsArtifact(absl::Span<const uint8_t> bytes);

  const Engine& engine() const;
  // From the name section; empty where there is none.
  absl::string_view name() const;
  const std::vector<ImportType>& imports() const;
  const std::vector<ExportType>& exports() const;
  // Null where the module has no such export.
  const ExternType* GetExport(absl::string_view name) const;

  // Set where Config::CollectTiming was on and the module was compiled, not loaded.
  const std::optional<CompileTiming>& timing() const;

  const std::shared_ptr<const api_internal::ModuleState>& state() const { return state_; }

 private:
  friend class api_internal::InstancePreState;
  explicit Module(std::shared_ptr<const api_internal::ModuleState> state)
      : state_(std::move(state)) {}
  template <typename MakeArtifact>
  static absl::StatusOr<Module> CompileWith(const Engine& engine, MakeArtifact&& make_artifact);
  template <typename LoadCode>
  static absl::StatusOr<Module> LoadWith(const Engine& engine, LoadCode&& load_code);
  std::shared_ptr<const api_internal::ModuleState> state_;
};

}  // namespace gantry

#endif  // GANTRY_API_MODULE_H_
