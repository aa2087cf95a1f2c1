#include "codegen/regalloc/interface.h"

namespace gantry::codegen::regalloc {

std::ostream& operator<<(std::ostream& out, Operand operand) {
  out << (operand.is_use() ? "use " : "def ") << operand.reg();
  switch (operand.constraint()) {
    case Constraint::kAny:
      out << " any";
      break;
    case Constraint::kReg:
      out << " reg";
      break;
    case Constraint::kStack:
      out << " stack";
      break;
    case Constraint::kFixed:
      out << " fixed " << operand.fixed();
      break;
    case Constraint::kReuse:
      out << " reuse " << int{operand.reused_input()};
      break;
  }
  const bool usual = operand.is_use() == operand.is_early();
  if (!usual) out << (operand.is_early() ? " early" : " late");
  return out;
}

void Output::Clear() {
  allocations.clear();
  edits.clear();
  spill_words = 0;
  stack_maps.clear();
  stack_map_slots.clear();
  debug_locations.clear();
  written = PRegSet();
  statistics = Statistics();
}

}  // namespace gantry::codegen::regalloc
