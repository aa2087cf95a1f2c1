#include "wasm_translate/text/index_spaces.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "wasm_translate/binary_writer.h"
#include "wasm_translate/text/literals.h"

namespace gantry::wasm::text {
namespace {

enum Subsection : uint8_t {
  kModuleName,
  kFunctionNames,
  kLocalNames,
  kLabelNames,
  kTypeNames,
  kTableNames,
  kMemoryNames,
  kGlobalNames,
  kElemNames,
  kDataNames,
  kFieldNames,
  kTagNames,
};

void AppendNames(Subsection id, const NameMap& names, ByteWriter* out) {
  if (names.empty()) return;
  ByteWriter contents;
  contents.VarU64(names.size());
  for (const auto& [index, name] : names) contents.VarU32(index).Name(name);
  out->Section(id, contents.bytes());
}

void AppendIndirectNames(Subsection id, const std::vector<IndirectName>& names, ByteWriter* out) {
  if (names.empty()) return;
  uint32_t groups = 0;
  ByteWriter entries;
  for (size_t begin = 0; begin < names.size();) {
    size_t end = begin;
    while (end < names.size() && names[end].outer == names[begin].outer) ++end;
    ++groups;
    entries.VarU32(names[begin].outer).VarU64(end - begin);
    for (; begin < end; ++begin) entries.VarU32(names[begin].inner).Name(names[begin].name);
  }
  ByteWriter contents;
  contents.VarU32(groups).Bytes(entries.bytes());
  out->Section(id, contents.bytes());
}

}  // namespace

absl::string_view SpaceName(Space space) {
  switch (space) {
    case Space::kType:
      return "type";
    case Space::kFunc:
      return "function";
    case Space::kTable:
      return "table";
    case Space::kMemory:
      return "memory";
    case Space::kGlobal:
      return "global";
    case Space::kTag:
      return "tag";
    case Space::kElem:
      return "elem segment";
    case Space::kData:
      return "data segment";
  }
  return "";
}

absl::string_view IndexSpaces::NameOf(absl::string_view id_token) {
  id_token.remove_prefix(1);
  if (id_token[0] != '"') return id_token;
  if (id_token.find('\\') == absl::string_view::npos) {
    return id_token.substr(1, id_token.size() - 2);
  }
  return owned_.emplace_back(UnescapeString(id_token));
}

absl::Status IndexSpaces::ReadGivenName(TokenCursor& cursor, GivenName* name) {
  *name = {};
  if (cursor.AtId()) {
    name->id_token = &cursor.Take();
    name->id = NameOf(cursor.TextOf(*name->id_token));
    name->debug = name->id;
    name->has_debug = true;
  }
  if (!cursor.AtAnnotation(kNameAnnotation)) return absl::OkStatus();
  cursor.Take();
  if (!cursor.AtString()) {
    return cursor.Error("@name annotation: unexpected token, expected a name in quotation marks");
  }
  const Token& token = cursor.Peek();
  std::string text = UnescapeString(cursor.TextOf(token));
  if (!IsUtf8(text)) {
    return cursor.ErrorAt(token, "@name annotation: malformed UTF-8 encoding");
  }
  cursor.Take();
  name->debug = owned_.emplace_back(std::move(text));
  name->has_debug = true;
  if (cursor.kind() != TokenKind::kClose) {
    return cursor.Error("@name annotation: unexpected token, expected \")\"");
  }
  cursor.Take();
  return absl::OkStatus();
}

absl::Status IndexSpaces::Declare(TokenCursor& cursor, Space space) {
  GivenName name;
  RETURN_IF_ERROR(ReadGivenName(cursor, &name));
  const uint32_t index = DeclareUnnamed(space);
  if (!name.id.empty() && !ids_[Slot(space)].emplace(name.id, index).second) {
    return cursor.ErrorAt(*name.id_token, absl::StrCat("duplicate ", SpaceName(space), " ",
                                                       cursor.Shown(*name.id_token)));
  }
  if (name.has_debug) names_[Slot(space)].emplace_back(index, name.debug);
  return absl::OkStatus();
}

absl::Status IndexSpaces::ReadIndex(TokenCursor& cursor, Space space, uint32_t* index) {
  return ReadIndex(cursor, ids_[Slot(space)], SpaceName(space), index);
}

absl::Status IndexSpaces::ReadIndex(TokenCursor& cursor, const IdMap& ids, absl::string_view what,
                                    uint32_t* index) {
  if (!cursor.AtId()) {
    if (cursor.kind() == TokenKind::kNumber) return ReadU32(cursor, "an index", index);
    return cursor.Unexpected(absl::StrCat("a ", what, " by index or identifier"));
  }
  const Token& token = cursor.Peek();
  const absl::string_view name = NameOf(cursor.TextOf(token));
  const auto found = ids.find(name);
  if (found == ids.end()) {
    return cursor.ErrorAt(token, absl::StrCat("unknown ", what, " ", cursor.Shown(token)));
  }
  *index = found->second;
  cursor.Take();
  return absl::OkStatus();
}

absl::Status ReadU32(TokenCursor& cursor, absl::string_view what, uint32_t* value) {
  if (cursor.kind() != TokenKind::kNumber) return cursor.Unexpected(what);
  const Literal literal = ParseUnsigned(cursor.TextOf(cursor.Peek()), 32);
  if (literal.error == LiteralError::kSyntax) return cursor.Unexpected(what);
  if (literal.error == LiteralError::kRange) return cursor.Error("i32 constant out of range");
  *value = static_cast<uint32_t>(literal.bits);
  cursor.Take();
  return absl::OkStatus();
}

std::vector<uint8_t> EncodeNames(const IndexSpaces& spaces, const GivenName& module) {
  ByteWriter out;
  if (module.has_debug) {
    ByteWriter contents;
    contents.Name(module.debug);
    out.Section(kModuleName, contents.bytes());
  }
  AppendNames(kFunctionNames, spaces.names(Space::kFunc), &out);
  AppendIndirectNames(kLocalNames, spaces.local_names, &out);
  AppendIndirectNames(kLabelNames, spaces.label_names, &out);
  AppendNames(kTypeNames, spaces.names(Space::kType), &out);
  AppendNames(kTableNames, spaces.names(Space::kTable), &out);
  AppendNames(kMemoryNames, spaces.names(Space::kMemory), &out);
  AppendNames(kGlobalNames, spaces.names(Space::kGlobal), &out);
  AppendNames(kElemNames, spaces.names(Space::kElem), &out);
  AppendNames(kDataNames, spaces.names(Space::kData), &out);
  AppendIndirectNames(kFieldNames, spaces.field_names, &out);
  AppendNames(kTagNames, spaces.names(Space::kTag), &out);
  return out.Take();
}

}  // namespace gantry::wasm::text
