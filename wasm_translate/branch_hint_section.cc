#include "wasm_translate/branch_hint_section.h"

#include "wasm_translate/binary_reader.h"
#include "wasm_translate/binary_writer.h"

namespace gantry::wasm {
namespace {

bool ReadHint(BinaryReader& reader, BranchHints::Hint* hint) {
  uint32_t size;
  uint32_t value;
  if (!reader.VarU32(&hint->offset) || !reader.VarU32(&size) || !reader.VarU32(&value)) {
    return false;
  }
  hint->likely = value == 1;
  return size == 1 && value <= 1;
}

bool ReadAll(BinaryReader& reader, FuncIndex first_function, FuncIndex end_function,
             BranchHints* out) {
  uint32_t functions;
  if (!reader.VarU32(&functions)) return false;
  for (uint32_t i = 0; i < functions; ++i) {
    uint32_t raw;
    uint32_t count;
    if (!reader.VarU32(&raw) || !reader.VarU32(&count)) return false;
    const FuncIndex func(raw);
    if (func < first_function || func >= end_function) return false;
    if (i > 0 && func <= out->functions.back().func) return false;
    BranchHints::Function entry;
    entry.func = func;
    entry.begin = static_cast<uint32_t>(out->hints.size());
    for (uint32_t j = 0; j < count; ++j) {
      BranchHints::Hint hint;
      if (!ReadHint(reader, &hint)) return false;
      if (j > 0 && hint.offset <= out->hints.back().offset) return false;
      out->hints.push_back(hint);
    }
    entry.end = static_cast<uint32_t>(out->hints.size());
    out->functions.push_back(entry);
  }
  return reader.done();
}

}  // namespace

BranchHints ReadBranchHints(absl::Span<const uint8_t> bytes, FuncIndex first_function,
                            FuncIndex end_function) {
  BranchHints hints;
  BinaryReader reader(bytes, 0);
  if (!ReadAll(reader, first_function, end_function, &hints)) return {};
  return hints;
}

std::vector<uint8_t> EncodeBranchHints(const BranchHints& hints) {
  ByteWriter out;
  out.VarU32(static_cast<uint32_t>(hints.functions.size()));
  for (const BranchHints::Function& function : hints.functions) {
    out.VarU32(function.func.raw()).VarU32(function.end - function.begin);
    for (const BranchHints::Hint& hint : hints.of(function.func)) {
      out.VarU32(hint.offset).VarU32(1).VarU32(hint.likely ? 1 : 0);
    }
  }
  return out.Take();
}

}  // namespace gantry::wasm
