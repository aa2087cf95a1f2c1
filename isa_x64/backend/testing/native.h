// Runs compiled functions on this machine, for tests: lays them out in executable memory, calls
// them by their signatures on a stack of their own, and turns traps into Outcomes.
//
//   NativeProgram program(isa);
//   RETURN_IF_ERROR(program.Add(func));       // any number; calls among them go by name
//   RETURN_IF_ERROR(program.Link());
//   ASSIGN_OR_RETURN(Outcome outcome, program.Call(0, args));
//
// Every call checks that the callee left the callee-saved registers and the stack pointer as
// they were. One thread only.
#ifndef GANTRY_ISA_X64_BACKEND_TESTING_NATIVE_H_
#define GANTRY_ISA_X64_BACKEND_TESTING_NATIVE_H_

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "codegen/context.h"
#include "codegen/differential/backend.h"
#include "codegen/interp/interpreter.h"
#include "codegen/ir/function.h"
#include "codegen/isa.h"

namespace gantry::x64 {

class NativeProgram final : public codegen::NativeProgram {
 public:
  explicit NativeProgram(std::shared_ptr<const codegen::TargetIsa> isa);
  ~NativeProgram() override;
  NativeProgram(const NativeProgram&) = delete;
  NativeProgram& operator=(const NativeProgram&) = delete;

  absl::Status Add(const codegen::Function& func) override;
  // A function of the host, with the C convention, that others may call by that name.
  void AddHost(const std::string& name, const void* address);
  absl::Status Link() override;
  absl::StatusOr<codegen::Outcome> Call(size_t index,
                                        absl::Span<const codegen::RawValue> args) override;
  // The highest address of the stack that calls run on.
  static uint64_t StackTop();
  // Where a function's code lies, after Link.
  const uint8_t* AddressOf(size_t index) const;

 private:
  struct Piece {
    std::vector<uint8_t> bytes;
    uint32_t alignment = 1;
    std::vector<codegen::TrapRecord> traps;
    std::vector<codegen::RelocRecord> relocs;
    std::vector<std::string> names;
    codegen::Signature signature;
    size_t offset = 0;
  };

  std::shared_ptr<const codegen::TargetIsa> isa_;
  codegen::Context context_;
  std::vector<Piece> pieces_;
  std::map<std::string, size_t> piece_of_;
  std::map<std::string, const void*> hosts_;
  std::map<uint64_t, codegen::TrapCode> traps_;  // By address.
  uint8_t* memory_ = nullptr;
  size_t memory_bytes_ = 0;
};

// The key under which a function or name is found.
std::string NameKey(const codegen::UserExternalName& name);

}  // namespace gantry::x64

#endif  // GANTRY_ISA_X64_BACKEND_TESTING_NATIVE_H_
