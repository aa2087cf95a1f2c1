#include "isa_aarch64/backend/disassembler.h"

#include <cstdint>
#include <cstring>
#include <map>
#include <optional>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "isa_aarch64/disassemble.h"

namespace gantry::aarch64 {
namespace {

// Where a branch, adr or literal load at `offset` leads.
std::optional<uint64_t> TargetOf(uint32_t word, uint64_t offset) {
  const auto field = [&](int from, int bits) {
    return static_cast<int64_t>(uint64_t{word >> from} << (64 - bits)) >> (64 - bits);
  };
  if ((word & 0x7C000000) == 0x14000000) return offset + static_cast<uint64_t>(field(0, 26) * 4);
  if ((word & 0xFF000010) == 0x54000000 || (word & 0x7E000000) == 0x34000000 ||
      (word & 0x3B000000) == 0x18000000) {
    return offset + static_cast<uint64_t>(field(5, 19) * 4);
  }
  if ((word & 0x7E000000) == 0x36000000) return offset + static_cast<uint64_t>(field(5, 14) * 4);
  if ((word & 0x9F000000) == 0x10000000) {
    return offset + static_cast<uint64_t>(field(5, 19) * 4) + (word >> 29 & 3);
  }
  return std::nullopt;
}

}  // namespace

std::string Disassemble(const codegen::CompiledCode& code) {
  const auto word_at = [&](codegen::CodeOffset at) {
    uint32_t word;
    std::memcpy(&word, code.bytes.data() + at, sizeof word);
    return word;
  };
  std::map<codegen::CodeOffset, codegen::RelocRecord> relocs;
  for (const codegen::RelocRecord& reloc : code.relocs) relocs.emplace(reloc.offset, reloc);
  std::map<codegen::CodeOffset, codegen::TrapCode> traps;
  for (const codegen::TrapRecord& trap : code.traps) traps[trap.offset] = trap.code;
  std::map<uint64_t, std::string> labels;
  for (codegen::CodeOffset at = 0; at < code.code_end; at += 4) {
    const std::optional<uint64_t> target = TargetOf(word_at(at), at);
    if (target.has_value() && *target < code.code_end && !relocs.contains(at)) labels[*target];
  }
  int next_label = 0;
  for (auto& [offset, name] : labels) name = absl::StrCat("L", next_label++);

  std::string out;
  for (codegen::CodeOffset at = 0; at < code.code_end; at += 4) {
    if (const auto label = labels.find(at); label != labels.end()) {
      absl::StrAppend(&out, label->second, ":\n");
    }
    std::string text = DisassembleWord(word_at(at), at);
    const size_t last_space = text.rfind(' ');
    const absl::string_view head = absl::string_view(text).substr(0, last_space + 1);
    const std::optional<uint64_t> target = TargetOf(word_at(at), at);
    if (const auto reloc = relocs.find(at); reloc != relocs.end()) {
      text = absl::StrCat(head, "name", reloc->second.name.raw());
    } else if (target.has_value() && labels.contains(*target)) {
      text = absl::StrCat(head, labels[*target]);
    } else if (target.has_value()) {
      // Constants and tables stand behind the code, at places that goldens need not know.
      text = absl::StrCat(head, "data");
    }
    absl::StrAppend(&out, "  ", text);
    if (const auto trap = traps.find(at); trap != traps.end()) {
      absl::StrAppend(&out, "  ; trap ", static_cast<int>(trap->second));
    }
    absl::StrAppend(&out, "\n");
  }
  const size_t data = code.bytes.size() - code.code_end;
  if (data != 0) absl::StrAppend(&out, "  ; ", data, " bytes of data\n");
  return out;
}

}  // namespace gantry::aarch64
