// Artifacts: compiled modules as an ELF file, and as what a loader sees of one.
//
//   ASSIGN_OR_RETURN(std::vector<uint8_t> file, WriteArtifact(contents));
//   ...
//   ASSIGN_OR_RETURN(ArtifactView view, ArtifactView::Parse(file));
//   RETURN_IF_ERROR(view.CheckCompatible({.target = triple, .tunables = &tunables}));
//   map view.text(), keep view.tables(), instantiate from view.modules()[0].info
//
// Sections:
//
//   .gantry.meta        ArtifactMetadata (metadata.proto), constant in size
//   .gantry.modules     per module: sizes, ModuleInfo (module_info_codec.h)
//   .gantry.functions   FunctionRecord each, by offset (environ/core/code_tables.h)
//   .gantry.keys        u32 each: positions in .gantry.functions, by FuncKey
//   .gantry.traps.*, .gantry.addresses.*, .gantry.stackmaps.*, .gantry.handlers
//                       flat sorted arrays, searched in place
//   .text, .eh_frame    code, every call resolved, and its unwind table
//   .gantry.data        the modules' data segments
//   .gantry.debug       the modules' ModuleDebug (environ/core/module_debug.h)
//   .gantry.wasm        the modules themselves, where functions are compiled anew while they run
//                       (the tunable tier_up); else empty
//   .debug_info, ...    NativeDebug (environ/core/native_debug.h), where there is some, and in
//   .gantry.debug.at    where it has addresses
//   .symtab             a symbol for each FuncKey
//
// VERIFICATION. Headers, metadata and module data are checked always: every offset, length and
// index before it is used, and their digests. Everything else (tables, text, data segments, what
// debuggers read), which is all but a few kilobytes of a file, is read only where a full
// verification is asked for; then no bit of it that was changed goes unnoticed. A file that is
// trusted is one that nobody could change who may not run code anyway: what it does is what its
// code does, whatever digests say.
//
// COMPATIBILITY. An artifact is for one version of Gantry, one target and one set of tunables, and
// for processors that have the features that it was compiled for; CheckCompatible names each
// difference. The numbers of trap codes, built-ins and kinds of keys are never reused within a
// version's life, but that is all: another version refuses it, and whoever keeps artifacts keeps
// the modules too. docs/artifacts.md has the whole policy.
#ifndef GANTRY_ENVIRON_ARTIFACT_ARTIFACT_H_
#define GANTRY_ENVIRON_ARTIFACT_ARTIFACT_H_

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "environ/artifact/verification.h"
#include "environ/core/code_tables.h"
#include "environ/core/func_key.h"
#include "environ/core/linked_text.h"
#include "environ/core/module_info.h"
#include "environ/core/native_debug.h"
#include "environ/core/tunables.h"

namespace gantry::environ {

// What made the code: name and value of each setting, in the compiler's order.
using ArtifactSettings = std::vector<std::pair<std::string, std::string>>;

// One module to be written.
struct ArtifactModule {
  const ModuleInfo* info = nullptr;
  // The bytes that info->data_segments has ranges of.
  absl::Span<const uint8_t> data;
  // EncodeModuleDebug; may be empty.
  absl::Span<const uint8_t> debug = {};
  // The module in the binary format; may be empty.
  absl::Span<const uint8_t> wasm = {};
};

struct ArtifactContents {
  std::string compiler;
  std::string target;
  ArtifactSettings flags;
  ArtifactSettings isa_flags;
  // environ::Compiler::marks_branch_targets.
  bool marks_branch_targets = false;
  Tunables tunables;
  // The text section is placed at a multiple of this in the file.
  uint32_t page_alignment = 4096;
  const LinkedText* text = nullptr;
  std::vector<ArtifactModule> modules;
  // For native debuggers; may be null.
  const NativeDebug* native_debug = nullptr;
};

// The same contents give the same bytes. kInvalidArgument for a target whose architecture
// has no ELF machine number here.
absl::StatusOr<std::vector<uint8_t>> WriteArtifact(const ArtifactContents& contents);

// True if the bytes begin as an artifact does and a wasm module does not.
bool LooksLikeArtifact(absl::Span<const uint8_t> bytes);

// What the process that wants to run an artifact is like.
struct ArtifactExpectation {
  std::string target;
  const Tunables* tunables = nullptr;
  // Whether the host has an ISA feature that a flag `has_...` which is "true" in the artifact
  // names; empty: not asked.
  std::function<bool(absl::string_view)> host_has_feature = nullptr;
};

// Reads an artifact where it lies. The bytes have to be 8-aligned and outlive the view.
class ArtifactView {
 public:
  struct Module {
    ModuleInfo info;
    absl::Span<const uint8_t> data;
    absl::Span<const uint8_t> debug;
    absl::Span<const uint8_t> wasm;
  };

  // kInvalidArgument says what is not as it should be. Of an artifact of another version only
  // the metadata is read: ask CheckCompatible before anything else.
  static absl::StatusOr<ArtifactView> Parse(absl::Span<const uint8_t> file,
                                            Verification verification = Verification::kFull);

  // kFailedPrecondition naming each difference (version, target, tunables, CPU features).
  absl::Status CheckCompatible(const ArtifactExpectation& expectation) const;

  absl::string_view version() const { return version_; }
  absl::string_view compiler() const { return compiler_; }
  absl::string_view target() const { return target_; }
  const ArtifactSettings& flags() const { return flags_; }
  const ArtifactSettings& isa_flags() const { return isa_flags_; }
  absl::string_view tunables_text() const { return tunables_; }

  absl::Span<const uint8_t> text() const { return text_; }
  // Of text() in the file, a multiple of text_alignment().
  size_t text_offset() const { return text_offset_; }
  uint32_t text_alignment() const { return text_alignment_; }
  // ArtifactContents::marks_branch_targets.
  bool marks_branch_targets() const { return marks_branch_targets_; }
  const CodeTables& tables() const { return tables_; }
  // Empty if there is none. It lies `eh_frame_distance()` bytes behind the start of the text
  // and refers to it by distance, so the two have to be mapped together.
  absl::Span<const uint8_t> eh_frame() const { return eh_frame_; }
  size_t eh_frame_distance() const { return eh_frame_distance_; }
  // By NativeDebug::SectionIndex, placed for a text at text_offset(); empty where there is none.
  absl::Span<const absl::Span<const uint8_t>> debug_sections() const { return debug_sections_; }
  absl::Span<const NativeDebug::Address> debug_addresses() const { return debug_addresses_; }

  const std::vector<Module>& modules() const { return modules_; }
  std::vector<Module>& mutable_modules() { return modules_; }

 private:
  std::string version_, compiler_, target_, tunables_;
  ArtifactSettings flags_, isa_flags_;
  absl::Span<const uint8_t> text_, eh_frame_;
  std::vector<absl::Span<const uint8_t>> debug_sections_;
  absl::Span<const NativeDebug::Address> debug_addresses_;
  size_t text_offset_ = 0;
  size_t eh_frame_distance_ = 0;
  uint32_t text_alignment_ = 0;
  bool marks_branch_targets_ = false;
  CodeTables tables_;
  std::vector<Module> modules_;
};

}  // namespace gantry::environ

#endif  // GANTRY_ENVIRON_ARTIFACT_ARTIFACT_H_
