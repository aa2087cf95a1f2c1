#include "isa_x64/backend/disassembler.h"

#include <Zydis/Zydis.h>

#include <map>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"

namespace gantry::x64 {
namespace {

constexpr ZyanU64 kBase = 0;

struct Line {
  codegen::CodeOffset offset;
  ZydisDisassembledInstruction inst;
};

// Where a jump, call or rip-relative operand leads; nothing for other instructions.
bool TargetOf(const ZydisDisassembledInstruction& inst, ZyanU64* target) {
  for (int i = 0; i < inst.info.operand_count_visible; ++i) {
    const ZydisDecodedOperand& operand = inst.operands[i];
    if (operand.type == ZYDIS_OPERAND_TYPE_IMMEDIATE && operand.imm.is_relative) {
      return ZYAN_SUCCESS(
          ZydisCalcAbsoluteAddress(&inst.info, &operand, inst.runtime_address, target));
    }
  }
  return false;
}

}  // namespace

std::string Disassemble(const codegen::CompiledCode& code, const ListingOptions& options) {
  std::vector<Line> lines;
  std::map<ZyanU64, std::string> labels;
  for (codegen::CodeOffset at = 0; at < code.code_end;) {
    Line line = {at, {}};
    if (!ZYAN_SUCCESS(ZydisDisassembleIntel(ZYDIS_MACHINE_MODE_LONG_64, kBase + at,
                                            code.bytes.data() + at, code.bytes.size() - at,
                                            &line.inst))) {
      break;
    }
    at += line.inst.info.length;
    lines.push_back(line);
  }
  size_t reloc = 0;
  for (const Line& line : lines) {
    // The fields that a relocation fills lead elsewhere.
    if (reloc < code.relocs.size() &&
        code.relocs[reloc].offset < line.offset + line.inst.info.length) {
      ++reloc;
      continue;
    }
    ZyanU64 target = 0;
    if (TargetOf(line.inst, &target) && target < code.bytes.size()) labels[target] = "";
  }
  int next_label = 0;
  for (auto& [offset, name] : labels) name = absl::StrCat("L", next_label++);
  std::map<codegen::CodeOffset, codegen::TrapCode> traps;
  for (const codegen::TrapRecord& trap : code.traps) traps[trap.offset] = trap.code;

  std::string out;
  size_t next_reloc = 0;
  for (const Line& line : lines) {
    if (const auto label = labels.find(line.offset); label != labels.end()) {
      absl::StrAppend(&out, label->second, ":\n");
    }
    const codegen::CodeOffset end = line.offset + line.inst.info.length;
    std::string text = line.inst.text;
    ZyanU64 target = 0;
    const bool relocated = next_reloc < code.relocs.size() && code.relocs[next_reloc].offset < end;
    const absl::string_view mnemonic = absl::string_view(text).substr(0, text.find(' '));
    if (relocated) {
      text = absl::StrCat(mnemonic, " name", code.relocs[next_reloc].name.raw());
      ++next_reloc;
    } else if (TargetOf(line.inst, &target) && labels.contains(target)) {
      text = absl::StrCat(mnemonic, " ", labels[target]);
    } else if (const size_t rip = text.find("[0x");
               rip != std::string::npos && line.inst.info.attributes & ZYDIS_ATTRIB_IS_RELATIVE) {
      // Constants and tables stand behind the code, at places that goldens need not know.
      if (!options.addresses) {
        text =
            absl::StrCat(text.substr(0, rip), "[rip + data]", text.substr(text.find(']', rip) + 1));
      }
    }
    if (options.addresses) {
      absl::StrAppend(&out, absl::StrFormat("%6x  ", line.offset));
    } else {
      absl::StrAppend(&out, "  ");
    }
    absl::StrAppend(&out, text);
    if (const auto trap = traps.find(line.offset); trap != traps.end()) {
      absl::StrAppend(&out, "  ; trap ", static_cast<int>(trap->second));
    }
    absl::StrAppend(&out, "\n");
  }
  const size_t data = code.bytes.size() - code.code_end;
  if (data != 0) absl::StrAppend(&out, "  ; ", data, " bytes of data\n");
  return out;
}

}  // namespace gantry::x64
