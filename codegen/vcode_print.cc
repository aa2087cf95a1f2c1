#include <sstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "codegen/context.h"
#include "codegen/isa.h"
#include "codegen/vcode.h"

namespace gantry::codegen {
namespace {

template <typename T>
std::string Text(const T& value) {
  std::ostringstream out;
  out << value;
  return out.str();
}

std::string OperandText(const regalloc::Operand& operand, const Allocation* place) {
  std::string text = Text(operand.reg());
  if (place != nullptr && place->is_some()) absl::StrAppend(&text, "=", Text(*place));
  return text;
}

void PrintBlockHead(const VCode& vcode, size_t index, std::string* out) {
  const regalloc::Block& block = vcode.blocks()[index];
  absl::StrAppend(out, "block", index, "(");
  const char* separator = "";
  for (VReg param : vcode.RegallocInput().ParamsOf(regalloc::BlockId(index))) {
    absl::StrAppend(out, separator, Text(param));
    separator = ", ";
  }
  absl::StrAppend(out, ")");
  if (block.loop_depth != 0) absl::StrAppend(out, " loop_depth=", block.loop_depth);
  if (block.cold) absl::StrAppend(out, " cold");
  absl::StrAppend(out, ":\n");
}

}  // namespace

std::string PrintVCode(const VCode& vcode, const TargetIsa& isa,
                       const regalloc::Output* allocation) {
  std::string out;
  const regalloc::Input input = vcode.RegallocInput();
  size_t next_edit = 0;
  const auto print_edits = [&](regalloc::ProgramPoint until) {
    if (allocation == nullptr) return;
    for (; next_edit < allocation->edits.size() && allocation->edits[next_edit].point <= until;
         ++next_edit) {
      const regalloc::Edit& edit = allocation->edits[next_edit];
      absl::StrAppend(&out, "    ; ", Text(edit.to), " = ",
                      edit.rematerialized.is_some() ? Text(edit.rematerialized) : Text(edit.from),
                      "\n");
    }
  };
  for (uint32_t b = 0; b < vcode.num_blocks(); ++b) {
    PrintBlockHead(vcode, b, &out);
    const regalloc::IndexRange range = vcode.blocks()[b].insts;
    for (uint32_t i = range.begin; i < range.end; ++i) {
      print_edits(regalloc::ProgramPoint::Before(regalloc::InstId(i)));
      const regalloc::Inst& shape = vcode.regalloc_insts()[i];
      std::vector<std::string> operands;
      for (uint32_t k = 0; k < shape.operand_count; ++k) {
        const uint32_t at = shape.operands_begin + k;
        operands.push_back(OperandText(
            vcode.operands()[at], allocation == nullptr ? nullptr : &allocation->allocations[at]));
      }
      absl::StrAppend(&out, "    ", isa.Print(vcode.insts()[i], operands), "\n");
      print_edits(regalloc::ProgramPoint::After(regalloc::InstId(i)));
    }
    for (const regalloc::Edge& edge : input.EdgesOf(regalloc::BlockId(b))) {
      absl::StrAppend(&out, "    -> block", edge.target.index(), "(");
      const char* separator = "";
      for (VReg arg : input.ArgsOf(edge)) {
        absl::StrAppend(&out, separator, Text(arg));
        separator = ", ";
      }
      absl::StrAppend(&out, ")\n");
    }
  }
  return out;
}

}  // namespace gantry::codegen
