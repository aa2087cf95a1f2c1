#include "runtime/stack_oracle.h"

#include <unwind.h>

#include "base/check.h"
#include "environ/core/func_key.h"
#include "runtime/code_object.h"
#include "runtime/direct_entry.h"

namespace gantry::runtime {
namespace {

using environ::FuncKeyKind;

struct Comparison {
  RawBacktrace found;
  bool reached_entry = false;
};

_Unwind_Reason_Code VisitFrame(_Unwind_Context* context, void* argument) {
  Comparison& comparison = *static_cast<Comparison*>(argument);
  int before_instruction = 0;
  StackFrame frame;
  frame.pc = _Unwind_GetIPInfo(context, &before_instruction);
  frame.exact = before_instruction != 0;
  const uintptr_t address = frame.InstructionAddress();
  if (host_arch::InDirectEntry(address)) {
    comparison.reached_entry = true;
    return _URC_END_OF_STACK;
  }
  const CodeObject* code = CodeObject::Find(address);
  if (code == nullptr) return _URC_NO_REASON;
  const environ::FunctionRecord* function = code->FindFunction(address);
  CHECK(function != nullptr) << "a return into code of no function";
  const FuncKeyKind kind = function->func_key().kind();
  if (kind == FuncKeyKind::kEntryTrampoline) {
    comparison.reached_entry = true;
    return _URC_END_OF_STACK;
  }
  if (kind == FuncKeyKind::kWasmFunction) comparison.found.Add(frame);
  return _URC_NO_REASON;
}

}  // namespace

bool CompareWithUnwinder(const RawBacktrace& walked) {
  Comparison comparison;
  _Unwind_Backtrace(VisitFrame, &comparison);
  if (!comparison.reached_entry) return false;
  const RawBacktrace& found = comparison.found;
  CHECK_EQ(walked.addresses().size(), found.addresses().size());
  CHECK_EQ(walked.omitted(), found.omitted());
  for (size_t i = 0; i < found.addresses().size(); ++i) {
    CHECK(walked.addresses()[i] == found.addresses()[i])
        << "frame " << i << " of " << found.addresses().size() << ": walked to "
        << walked.addresses()[i] << ", unwound to " << found.addresses()[i];
  }
  return true;
}

}  // namespace gantry::runtime
