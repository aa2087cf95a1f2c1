// ModuleDraft: a module in the making, as its generator sees it: the tables that validation
// would make (module.h), with expressions and bodies already encoded.
#ifndef GANTRY_WASM_TRANSLATE_TESTING_MODULE_DRAFT_H_
#define GANTRY_WASM_TRANSLATE_TESTING_MODULE_DRAFT_H_

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "wasm_translate/features.h"
#include "wasm_translate/module.h"
#include "wasm_translate/types.h"

namespace gantry::wasm::testing {

using EncodedBytes = std::vector<uint8_t>;

struct ElementDraft {
  SegmentMode mode = SegmentMode::kPassive;
  ValType type = ValType::FuncRef();
  TableIndex table;     // active only
  EncodedBytes offset;  // active only
  // Written as function indices, or as expressions.
  bool with_expressions = false;
  std::vector<FuncIndex> functions;
  std::vector<EncodedBytes> expressions;

  size_t size() const { return with_expressions ? expressions.size() : functions.size(); }
};

struct DataDraft {
  SegmentMode mode = SegmentMode::kPassive;
  MemoryIndex memory;   // active only
  EncodedBytes offset;  // active only
  EncodedBytes bytes;
};

struct BranchHint {
  uint32_t offset = 0;  // from the start of the body
  bool likely = false;
};

struct BodyDraft {
  EncodedBytes bytes;
  std::vector<BranchHint> hints;  // by rising offset
  uint32_t num_locals = 0;        // parameters included
};

struct CustomDraft {
  // Stands before the section of this id; before the code section for none.
  uint8_t before = 0;
  std::string name;
  EncodedBytes bytes;
};

struct ModuleDraft {
  // Types, imports, index spaces, exports, start, referenced functions. Types have equal
  // canonical ids only where they were made as copies, so that subtyping as seen here is
  // contained in the real one.
  Module module;
  // Empty where a table has none.
  std::vector<EncodedBytes> table_initializers;
  std::vector<EncodedBytes> global_initializers;
  std::vector<ElementDraft> elements;
  std::vector<DataDraft> data;
  bool data_count = false;
  std::vector<BodyDraft> bodies;
  std::vector<CustomDraft> customs;
  bool names = false;

  // What is known of the tables after instantiation: none for null or unknown.
  std::vector<std::vector<FuncIndex>> table_functions;
};

// The binary format of a draft.
EncodedBytes EncodeDraft(const ModuleDraft& draft, Features features);

}  // namespace gantry::wasm::testing

#endif  // GANTRY_WASM_TRANSLATE_TESTING_MODULE_DRAFT_H_
