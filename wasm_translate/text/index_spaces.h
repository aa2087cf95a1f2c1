// The names of a module in the text format: identifiers, which stand for indices while it is
// read, and what goes into its name section.
//
//   IndexSpaces spaces;
//   RETURN_IF_ERROR(spaces.Declare(cursor, Space::kFunc));     // "$f (@name "g")", or nothing
//   uint32_t index;
//   RETURN_IF_ERROR(spaces.ReadIndex(cursor, Space::kFunc, &index));   // "$f" or "0"
#ifndef GANTRY_WASM_TRANSLATE_TEXT_INDEX_SPACES_H_
#define GANTRY_WASM_TRANSLATE_TEXT_INDEX_SPACES_H_

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <unordered_map>
#include <utility>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "wasm_translate/text/token_cursor.h"

namespace gantry::wasm::text {

// Annotations that the text parser reads itself.
inline constexpr absl::string_view kNameAnnotation = "name";
inline constexpr absl::string_view kCustomAnnotation = "custom";
inline constexpr absl::string_view kBranchHintAnnotation = "metadata.code.branch_hint";

enum class Space : uint8_t { kType, kFunc, kTable, kMemory, kGlobal, kTag, kElem, kData };
inline constexpr size_t kNumSpaces = 8;

// "function", "elem segment": as messages have it.
absl::string_view SpaceName(Space space);

// What an identifier and a (@name) annotation say of the thing they stand behind.
struct GivenName {
  // Empty where there is none.
  absl::string_view id;
  const Token* id_token = nullptr;
  // What goes into the name section.
  absl::string_view debug;
  bool has_debug = false;
};

// Names by index, in ascending order.
using NameMap = std::vector<std::pair<uint32_t, absl::string_view>>;
// Names by index within something that has an index, ascending.
struct IndirectName {
  uint32_t outer;
  uint32_t inner;
  absl::string_view name;
};

// Identifiers of one scope.
using IdMap = std::unordered_map<absl::string_view, uint32_t, absl::Hash<absl::string_view>>;

class IndexSpaces {
 public:
  // The name that an id token spells. Borrowed from the source where nothing is escaped.
  absl::string_view NameOf(absl::string_view id_token);

  // Takes an identifier and a (@name) annotation, as far as they stand there.
  absl::Status ReadGivenName(TokenCursor& cursor, GivenName* name);
  // The same, and gives the next index of the space to it. Error: "duplicate function $f".
  absl::Status Declare(TokenCursor& cursor, Space space);
  // An index without a name.
  uint32_t DeclareUnnamed(Space space) { return counts_[Slot(space)]++; }
  uint32_t count(Space space) const { return counts_[Slot(space)]; }

  static bool AtIndex(const TokenCursor& cursor) {
    return cursor.kind() == TokenKind::kNumber || cursor.AtId();
  }
  // Takes a number, or an identifier that has been declared: else "unknown function $f".
  absl::Status ReadIndex(TokenCursor& cursor, Space space, uint32_t* index);
  // The same among identifiers of another kind.
  absl::Status ReadIndex(TokenCursor& cursor, const IdMap& ids, absl::string_view what,
                         uint32_t* index);

  const NameMap& names(Space space) const { return names_[Slot(space)]; }

  // Of parameters and locals by function, labels by function, fields by type.
  std::vector<IndirectName> local_names;
  std::vector<IndirectName> label_names;
  std::vector<IndirectName> field_names;

 private:
  static size_t Slot(Space space) { return static_cast<size_t>(space); }

  std::array<IdMap, kNumSpaces> ids_;
  std::array<uint32_t, kNumSpaces> counts_{};
  std::array<NameMap, kNumSpaces> names_;
  // Names with escapes resolved.
  std::deque<std::string> owned_;
};

// The contents of a name section; empty where nothing has a name. Empty subsections are left
// out; those that are there come in the order of their ids.
// (WebAssembly 3.0, appendix "Custom Sections"; the extended-name-section proposal.)
std::vector<uint8_t> EncodeNames(const IndexSpaces& spaces, const GivenName& module);

// Takes an unsigned number: else "unexpected token X, expected WHAT" or "i32 constant out of
// range".
absl::Status ReadU32(TokenCursor& cursor, absl::string_view what, uint32_t* value);

}  // namespace gantry::wasm::text

#endif  // GANTRY_WASM_TRANSLATE_TEXT_INDEX_SPACES_H_
