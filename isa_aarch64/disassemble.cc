#include "isa_aarch64/disassemble.h"

#include <capstone/capstone.h>

#include <cstring>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "isa_aarch64/asm/instructions.h"

namespace gantry::aarch64 {
namespace {

// Hints among them, which Capstone 4 prints as numbers; null for other words.
const char* PlainText(uint32_t word) {
#define GANTRY_A64_ENUM(name, ...) PlainOp::k##name,
  for (PlainOp op : {GANTRY_A64_PLAIN(GANTRY_A64_ENUM)}) {
#undef GANTRY_A64_ENUM
    if (PlainInfoOf(op).word == word) return PlainInfoOf(op).text;
  }
  return nullptr;
}

// Capstone 4 knows none of LSE's instructions.
std::string AtomicText(uint32_t word) {
#define GANTRY_A64_ENUM(name, ...) AtomicOp::k##name,
  for (AtomicOp op : {GANTRY_A64_ATOMICS(GANTRY_A64_ENUM)}) {
#undef GANTRY_A64_ENUM
    const AtomicInfo& info = AtomicInfoOf(op);
    const bool has_s = info.shape == AtomicShape::kFetch || info.shape == AtomicShape::kSwap;
    if (!has_s || (word & 0x3FE0FC00) != info.word) continue;
    static constexpr const char* kSuffixes[] = {"b", "h", "", ""};
    const uint32_t size = word >> 30;
    const char reg = size == 3 ? 'x' : 'w';
    return absl::StrFormat("%s%s %c%d, %c%d, [x%d]", info.text, kSuffixes[size], reg,
                           word >> 16 & 31, reg, word & 31, word >> 5 & 31);
  }
  return absl::StrFormat(".word 0x%08x", word);
}

class Capstone {
 public:
  Capstone() { open_ = cs_open(CS_ARCH_ARM64, CS_MODE_LITTLE_ENDIAN, &handle_) == CS_ERR_OK; }
  ~Capstone() {
    if (open_) cs_close(&handle_);
  }
  std::string Text(uint32_t word, uint64_t offset) const {
    uint8_t bytes[4];
    std::memcpy(bytes, &word, sizeof bytes);
    cs_insn* instruction = nullptr;
    if (!open_ || cs_disasm(handle_, bytes, sizeof bytes, offset, 1, &instruction) == 0) {
      return AtomicText(word);
    }
    std::string text = instruction->mnemonic;
    if (instruction->op_str[0] != 0) absl::StrAppend(&text, " ", instruction->op_str);
    cs_free(instruction, 1);
    return text;
  }

 private:
  csh handle_ = 0;
  bool open_ = false;
};

}  // namespace

std::string DisassembleWord(uint32_t word, uint64_t offset) {
  if (const char* const text = PlainText(word)) return text;
  thread_local const Capstone capstone;
  return capstone.Text(word, offset);
}

std::string Disassemble(absl::Span<const uint8_t> code) {
  std::string text;
  for (size_t offset = 0; offset + 4 <= code.size(); offset += 4) {
    uint32_t word;
    std::memcpy(&word, code.data() + offset, sizeof word);
    absl::StrAppendFormat(&text, "%4x: %s\n", offset, DisassembleWord(word, offset));
  }
  return text;
}

}  // namespace gantry::aarch64
