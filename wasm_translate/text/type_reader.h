// Types in the text format: value types, type definitions, and type uses, which may stand
// for a type that is only implied and is then added to the module.
#ifndef GANTRY_WASM_TRANSLATE_TEXT_TYPE_READER_H_
#define GANTRY_WASM_TRANSLATE_TEXT_TYPE_READER_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/status/status.h"
#include "wasm_translate/binary_writer.h"
#include "wasm_translate/text/index_spaces.h"
#include "wasm_translate/text/token_cursor.h"
#include "wasm_translate/types.h"

namespace gantry::wasm::text {

// Entries of one section as they come, and where each stands in the text.
struct SectionEntries {
  uint32_t count = 0;
  ByteWriter bytes;
  // Offset in `bytes` and in the text, ascending by the former.
  std::vector<std::pair<uint32_t, uint32_t>> places;
};

// What (param) and (result) say.
struct Signature {
  std::vector<ValType> params;
  std::vector<ValType> results;
  // As many as params where names are allowed.
  std::vector<GivenName> param_names;

  bool empty() const { return params.empty() && results.empty(); }
};

class TypeReader {
 public:
  // Borrows. Places are kept if `places`.
  TypeReader(IndexSpaces& spaces, bool places) : spaces_(spaces), places_(places) {}

  // i32, anyref, (ref null $t).
  absl::Status ReadValType(TokenCursor& cursor, ValType* type);
  absl::Status ReadRefType(TokenCursor& cursor, ValType* type);
  // any, $t, 3. An index past those that a HeapType can hold is an "unknown type".
  absl::Status ReadHeapType(TokenCursor& cursor, HeapType* type);
  static bool AtRefType(const TokenCursor& cursor);

  // i64 or i32, if one of them stands there.
  IndexType ReadIndexType(TokenCursor& cursor);
  // One or two numbers of 64 bits: whether they suit the index type is for validation to say.
  absl::Status ReadLimits(TokenCursor& cursor, Limits* limits);
  // Limits and element type, behind the index type.
  absl::Status ReadTableType(TokenCursor& cursor, TableType* type);
  // Limits and what follows them, behind the index type.
  absl::Status ReadMemoryType(TokenCursor& cursor, MemoryType* type);
  absl::Status ReadPageSize(TokenCursor& cursor, MemoryType* type);
  absl::Status ReadGlobalType(TokenCursor& cursor, GlobalType* type);

  // The cursor stands at the parenthesis of a (type) or (rec), whose names have been declared.
  absl::Status ReadTypeField(TokenCursor& cursor);

  // (param)s, then (result)s. Parameters may have names if `names`.
  absl::Status ReadSignature(TokenCursor& cursor, bool names, Signature* signature);
  // An optional (type) and a signature. The index is that of (type), with which the signature
  // has to agree ("inline function type"), or of the first type like the signature, which is
  // added if there is none.
  absl::Status ReadTypeUse(TokenCursor& cursor, bool names, Signature* signature, uint32_t* index);
  // The same with nothing where neither (type) nor more than a single result stands there.
  absl::Status ReadBlockType(TokenCursor& cursor, Signature* signature,
                             std::optional<uint32_t>* index);

  // Of a function type by its index; null where that is something else.
  const FuncType* func(uint32_t index) const;
  // Takes a field of a struct type by number or name.
  absl::Status ReadFieldIndex(TokenCursor& cursor, uint32_t type, uint32_t* field);

  // One entry for each recursion group.
  SectionEntries& section() { return section_; }

 private:
  struct TypeInfo {
    std::optional<FuncType> func;
    std::unique_ptr<IdMap> fields;
  };

  absl::Status ReadTypeDefinition(TokenCursor& cursor, bool alone);
  absl::Status ReadSubType(TokenCursor& cursor, bool alone, TypeInfo* info);
  absl::Status ReadComposite(TokenCursor& cursor, bool plain, TypeInfo* info);
  absl::Status ReadStruct(TokenCursor& cursor, TypeInfo* info);
  absl::Status ReadField(TokenCursor& cursor, FieldType* type);
  absl::Status ReadExplicitType(TokenCursor& cursor, std::optional<uint32_t>* index);
  absl::Status ResolveTypeUse(const TokenCursor& cursor, const Token& at,
                              std::optional<uint32_t> explicit_index, const Signature& signature,
                              uint32_t* index);
  void AddPlace(const Token& token);

  IndexSpaces& spaces_;
  const bool places_;
  SectionEntries section_;
  std::vector<TypeInfo> types_;
  // The first type of each signature that is final, without supertypes and in no larger group.
  std::unordered_map<FuncType, uint32_t, absl::Hash<FuncType>> by_signature_;
  // Reused.
  Signature scratch_;
};

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_TYPE_READER_H_
