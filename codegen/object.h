// ObjectModule: a Module that becomes a relocatable ELF file for the system's linker.
//
//   ObjectModule module(isa);
//   ...                                          // declare and define, module.h
//   ASSIGN_OR_RETURN(std::vector<uint8_t> file, module.Finish());
//
// Code goes into .text, data into .rodata or, where it is written or holds addresses, into .data
// or .data.rel.ro; frames are described in .eh_frame, so that debuggers and exceptions of other
// languages pass through. Symbols declared and never referred to are left out if they are imports.
// The same declarations and definitions in the same order give the same bytes.
//
// Source: System V ABI, generic, chapter 4 (object files).
//
// Tested by jit:object_test.
#ifndef GANTRY_CODEGEN_OBJECT_H_
#define GANTRY_CODEGEN_OBJECT_H_

#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "codegen/module.h"

namespace gantry::codegen {

class ObjectModule final : public Module {
 public:
  explicit ObjectModule(std::shared_ptr<const TargetIsa> isa) : Module(std::move(isa)) {}

  // The file. Errors: kFailedPrecondition naming what was declared as defined here and is not;
  // kUnimplemented for an ISA of which no object files are written; kResourceExhausted for code or
  // data of 2 GiB or more, or without memory. The module is as before, whatever comes.
  absl::StatusOr<std::vector<uint8_t>> Finish() const;
};

}  // namespace gantry::codegen

#endif  // GANTRY_CODEGEN_OBJECT_H_
