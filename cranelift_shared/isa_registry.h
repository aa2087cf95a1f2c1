// The instruction sets that are linked into this program, and what the compilers need of each
// beyond codegen::TargetIsa: a builder, and the trampolines.
//
//   ASSIGN_OR_RETURN(const LinkedIsa* isa, FindIsa("x86_64-unknown-linux-gnu"));
//   std::unique_ptr<codegen::IsaBuilder> builder = isa->NewBuilder();
//   isa->EmitEntryTrampoline(*target, signature, false, buffer, &frame, &unwind);
//
// Which are linked is the build setting --//codegen:isas. This is the only place that names
// instruction sets; all others go through the interface.
#ifndef GANTRY_CRANELIFT_SHARED_ISA_REGISTRY_H_
#define GANTRY_CRANELIFT_SHARED_ISA_REGISTRY_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "codegen/isa.h"
#include "codegen/mach_buffer.h"
#include "codegen/unwind.h"
#include "cranelift_shared/wasm_values.h"
#include "environ/core/builtins.h"

namespace gantry::cranelift {

struct AbiSignature {
  absl::Span<const AbiShape> params;
  absl::Span<const AbiShape> results;
};

// Constants with static lifetime.
class LinkedIsa {
 public:
  virtual ~LinkedIsa() = default;

  // "x64".
  virtual absl::string_view name() const = 0;
  // The architecture in a triple: "x86_64".
  virtual absl::string_view architecture() const = 0;
  // The triple that an architecture alone stands for: "x86_64-unknown-linux-gnu".
  virtual absl::string_view default_triple() const = 0;

  virtual std::unique_ptr<codegen::IsaBuilder> NewBuilder() const = 0;
  virtual const codegen::LabelKindTable& label_kinds() const = 0;
  // Code as text for people, an instruction a line behind its offset.
  virtual std::string Disassemble(absl::Span<const uint8_t> code) const = 0;

  // Trampolines and shims (docs/abi.md), written into an empty buffer of label_kinds(), which
  // the caller finishes. Where things are in the run-time structures is environ's VMOffsets.
  // `target` is of this ISA, its settings those of the code that they lead to.
  // `fuel`: whether the code that they lead to counts fuel.
  virtual void EmitEntryTrampoline(const codegen::TargetIsa& target, const AbiSignature& signature,
                                   bool fuel, codegen::MachBuffer& buffer,
                                   codegen::FrameInfo* frame,
                                   codegen::UnwindInfo* unwind) const = 0;
  virtual void EmitExitTrampoline(const codegen::TargetIsa& target, const AbiSignature& signature,
                                  bool fuel, codegen::MachBuffer& buffer, codegen::FrameInfo* frame,
                                  codegen::UnwindInfo* unwind) const = 0;
  virtual void EmitBuiltinShim(const codegen::TargetIsa& target, environ::Builtin builtin,
                               bool fuel, codegen::MachBuffer& buffer, codegen::FrameInfo* frame,
                               codegen::UnwindInfo* unwind) const = 0;
};

// All that are linked.
absl::Span<const LinkedIsa* const> LinkedIsas();

// By triple ("aarch64-linux", "aarch64-unknown-linux-gnu"), architecture or name; code is for Linux
// alone. kNotFound names those that are linked, and how to link a known one that is not.
absl::StatusOr<const LinkedIsa*> FindIsa(absl::string_view target);

// The one of the processor that this program runs on; kNotFound if it is not linked.
absl::StatusOr<const LinkedIsa*> FindHostIsa();

}  // namespace gantry::cranelift

#endif  // GANTRY_CRANELIFT_SHARED_ISA_REGISTRY_H_
