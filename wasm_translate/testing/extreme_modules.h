// Modules as large or as deep as modules may be in one respect: what a validator and a
// compiler have to get through without recursion and in bounded memory.
#ifndef GANTRY_WASM_TRANSLATE_TESTING_EXTREME_MODULES_H_
#define GANTRY_WASM_TRANSLATE_TESTING_EXTREME_MODULES_H_

#include <cstddef>
#include <cstdint>
#include <vector>

#include "wasm_translate/operators.h"
#include "wasm_translate/testing/module_builder.h"

namespace gantry::wasm::testing {

// A module from sections as they are.
class SectionWriter {
 public:
  SectionWriter();
  SectionWriter& Add(uint8_t id, const ByteWriter& contents);
  const std::vector<uint8_t>& bytes() const { return module_.bytes(); }

 private:
  ByteWriter module_;
};

// One function of type [] -> [] with this body, locals and `end` included; exported as "f".
std::vector<uint8_t> OneFunction(const ByteWriter& body);

// `depth` of block, loop, if with else, or try_table, each first in the one before.
std::vector<uint8_t> NestedBlocks(Opcode op, int depth);
// `count` locals of type i64 in one run.
std::vector<uint8_t> ManyLocals(uint32_t count);
// As many locals, each set to a number and later added up.
std::vector<uint8_t> ManyUsedLocals(uint32_t count);
// A br_table of `targets` targets and a default, to two labels in turn.
std::vector<uint8_t> LargeBranchTable(uint32_t targets);
// An export's name of `size` bytes.
std::vector<uint8_t> LongName(size_t size);
// `count` types of functions, each in a group of its own, each different from all before.
std::vector<uint8_t> ManyTypes(uint32_t count);

}  // namespace gantry::wasm::testing

#endif  // GANTRY_WASM_TRANSLATE_TESTING_EXTREME_MODULES_H_
