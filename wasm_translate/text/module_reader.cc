#include "wasm_translate/text/module_reader.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "wasm_translate/binary_writer.h"
#include "wasm_translate/text/code_reader.h"
#include "wasm_translate/text/custom_sections.h"
#include "wasm_translate/text/index_spaces.h"
#include "wasm_translate/text/literals.h"
#include "wasm_translate/text/type_reader.h"
#include "wasm_translate/types.h"

namespace gantry::wasm::text {
namespace {

constexpr absl::string_view kKeptAnnotations[] = {kNameAnnotation, kCustomAnnotation,
                                                  kBranchHintAnnotation};

// Kinds of fields in the order of names.
enum class Field : uint8_t {
  kType,
  kRec,
  kImport,
  kFunc,
  kTable,
  kMemory,
  kGlobal,
  kTag,
  kExport,
  kStart,
  kElem,
  kData,
  kNone,
};

constexpr absl::string_view kFieldNames[] = {"type",   "rec", "import", "func",  "table", "memory",
                                             "global", "tag", "export", "start", "elem",  "data"};

// The field that begins at the cursor's parenthesis.
Field FieldAt(const TokenCursor& cursor) {
  const Token& next = cursor.Peek(1);
  if (cursor.kind() != TokenKind::kOpen || next.kind != TokenKind::kKeyword) return Field::kNone;
  const absl::string_view word = cursor.TextOf(next);
  size_t field = 0;
  while (field < std::size(kFieldNames) && kFieldNames[field] != word) ++field;
  return static_cast<Field>(field);
}

struct ExternSpace {
  Field field;
  Space space;
  ExternKind kind;
};

// What can be imported, exported and defined in place.
constexpr ExternSpace kExternSpaces[] = {
    {Field::kFunc, Space::kFunc, ExternKind::kFunc},
    {Field::kTable, Space::kTable, ExternKind::kTable},
    {Field::kMemory, Space::kMemory, ExternKind::kMemory},
    {Field::kGlobal, Space::kGlobal, ExternKind::kGlobal},
    {Field::kTag, Space::kTag, ExternKind::kTag},
};

const ExternSpace* FindExtern(Field field) {
  for (const ExternSpace& candidate : kExternSpaces) {
    if (candidate.field == field) return &candidate;
  }
  return nullptr;
}

// First bytes of element and data segments.
enum SegmentFlags : uint8_t {
  kPassive = 1,        // or declarative
  kExplicitIndex = 2,  // of an active one; with kPassive: declarative
  kExpressions = 4,
};

constexpr uint8_t kElemKindFunc = 0;

class ModuleReader {
 public:
  ModuleReader(TokenCursor& cursor, const TextOptions& options)
      : cursor_(cursor),
        options_(options),
        types_(spaces_, options.places),
        code_(cursor, spaces_, types_, options.places) {
    cursor_.KeepAnnotations(kKeptAnnotations);
  }

  absl::StatusOr<TextModule> Read(absl::string_view id_token) {
    TextModule module;
    RETURN_IF_ERROR(ReadModuleName(id_token, &module));
    const size_t begin = cursor_.Mark();
    RETURN_IF_ERROR(DeclareFields());
    for (size_t mark : type_marks_) {
      cursor_.ReturnTo(mark);
      RETURN_IF_ERROR(types_.ReadTypeField(cursor_));
    }
    cursor_.ReturnTo(begin);
    index_ = {};
    while (cursor_.kind() != TokenKind::kClose && !cursor_.AtEnd()) RETURN_IF_ERROR(ReadField());
    RETURN_IF_ERROR(Assemble(&module));
    return module;
  }

 private:
  // Sections of which entries are collected here, by place in kSectionOrder.
  enum Place : size_t {
    kTypes,
    kImports,
    kFunctions,
    kTables,
    kMemories,
    kTags,
    kGlobals,
    kExports,
    kStart,
    kElements,
    kDataCount,
    kCode,
    kData,
    kNumPlaces,
  };
  static_assert(kNumPlaces == kSectionOrder.size());

  // First walk.
  absl::Status ReadModuleName(absl::string_view id_token, TextModule* module);
  absl::Status DeclareFields();
  absl::Status DeclareField(Field field);
  absl::Status DeclareTypes();
  absl::Status DeclareImport();
  absl::Status DeclareExtern(const ExternSpace& kind);
  absl::Status CheckImportOrder(const Token& token) const;

  // Second walk.
  absl::Status ReadField();
  absl::Status ReadImport();
  absl::Status ReadImportedType(const ExternSpace& kind);
  absl::Status ReadExtern(const ExternSpace& kind);
  absl::Status ReadFunc(uint32_t index, const Token& token);
  absl::Status ReadTable(uint32_t index, const Token& token);
  absl::Status ReadInlineElements(uint32_t table, TableType* type, const Token& token);
  absl::Status ReadMemory(uint32_t index, const Token& token);
  absl::Status ReadInlineData(uint32_t memory, MemoryType* type, const Token& token);
  absl::Status ReadGlobal(const Token& token);
  absl::Status ReadTag(const Token& token);
  absl::Status ReadExport();
  absl::Status ReadStart();
  absl::Status ReadElem();
  absl::Status ReadElements(bool may_omit_kind, uint8_t flags, uint32_t table,
                            const SectionEntries& offset);
  absl::Status ReadFunctionList(uint32_t* count, ByteWriter* out);
  absl::Status ReadExpressionList(uint32_t* count, SectionEntries* out);
  absl::Status ReadData();
  absl::Status ReadOffset(SectionEntries* out);
  void AppendStrings(ByteWriter* out);

  // Notes a new entry of a section.
  SectionEntries& Begin(Place place, const Token& token) {
    SectionEntries& section = place == kTypes ? types_.section() : sections_[place];
    if (options_.places) {
      section.places.emplace_back(static_cast<uint32_t>(section.bytes.size()), token.offset);
    }
    ++section.count;
    return section;
  }
  static void AppendWithPlaces(const SectionEntries& from, SectionEntries* to);
  // The constant 0 of an index type, as an offset.
  static void AppendZero(IndexType type, ByteWriter* out);
  void NoteHints(uint32_t func);
  absl::Status Assemble(TextModule* module);
  SectionEntries& SectionAt(size_t place) {
    return place == kTypes ? types_.section() : sections_[place];
  }

  TokenCursor& cursor_;
  const TextOptions options_;
  IndexSpaces spaces_;
  TypeReader types_;
  CodeReader code_;
  CustomSections customs_;
  GivenName name_;

  std::vector<size_t> type_marks_;
  // The kind that was defined first; kNone while there are imports only.
  Field defined_ = Field::kNone;
  // In the second walk: the next index of each space.
  std::array<uint32_t, kNumSpaces> index_{};
  std::array<SectionEntries, kNumPlaces> sections_;
  // By function: index, number of hints, hints.
  uint32_t hinted_functions_ = 0;
  ByteWriter hints_;
  Signature signature_;
};

absl::Status ModuleReader::ReadModuleName(absl::string_view id_token, TextModule* module) {
  if (!id_token.empty()) {
    name_.id = spaces_.NameOf(id_token);
    name_.debug = name_.id;
    name_.has_debug = true;
    module->id = std::string(name_.id);
  }
  if (!cursor_.AtAnnotation(kNameAnnotation)) return absl::OkStatus();
  RETURN_IF_ERROR(spaces_.ReadGivenName(cursor_, &name_));
  return cursor_.AtAnnotation(kNameAnnotation)
             ? cursor_.Error("@name annotation: multiple module names")
             : absl::OkStatus();
}

absl::Status ModuleReader::DeclareFields() {
  while (cursor_.kind() != TokenKind::kClose && !cursor_.AtEnd()) {
    if (cursor_.AtAnnotation(kCustomAnnotation)) {
      cursor_.SkipForm();
      continue;
    }
    const Field field = FieldAt(cursor_);
    if (field == Field::kNone) {
      if (cursor_.AtAnnotation(kBranchHintAnnotation)) {
        return cursor_.Error("@metadata.code.branch_hint annotation: not in a function");
      }
      return cursor_.Unexpected("a module field");
    }
    RETURN_IF_ERROR(DeclareField(field));
  }
  return absl::OkStatus();
}

absl::Status ModuleReader::DeclareField(Field field) {
  switch (field) {
    case Field::kType:
    case Field::kRec:
      return DeclareTypes();
    case Field::kImport:
      return DeclareImport();
    case Field::kExport:
    case Field::kStart:
      cursor_.SkipForm();
      return absl::OkStatus();
    case Field::kElem:
    case Field::kData:
      cursor_.Take(2);
      RETURN_IF_ERROR(
          spaces_.Declare(cursor_, field == Field::kElem ? Space::kElem : Space::kData));
      cursor_.SkipToClose();
      return absl::OkStatus();
    default:
      return DeclareExtern(*FindExtern(field));
  }
}

absl::Status ModuleReader::DeclareTypes() {
  type_marks_.push_back(cursor_.Mark());
  if (FieldAt(cursor_) == Field::kType) {
    cursor_.Take(2);
    RETURN_IF_ERROR(spaces_.Declare(cursor_, Space::kType));
  } else {
    cursor_.Take(2);
    while (cursor_.TakeOpen("type")) {
      RETURN_IF_ERROR(spaces_.Declare(cursor_, Space::kType));
      cursor_.SkipToClose();
    }
  }
  cursor_.SkipToClose();
  return absl::OkStatus();
}

absl::Status ModuleReader::CheckImportOrder(const Token& token) const {
  if (defined_ == Field::kNone) return absl::OkStatus();
  const ExternSpace& kind = *FindExtern(defined_);
  return cursor_.ErrorAt(token, absl::StrCat("import after ", SpaceName(kind.space),
                                             ": imports come before definitions"));
}

absl::Status ModuleReader::DeclareImport() {
  RETURN_IF_ERROR(CheckImportOrder(cursor_.Peek()));
  cursor_.Take(2);
  for (int i = 0; i < 2 && cursor_.AtString(); ++i) cursor_.Take();
  // What is malformed is found by the second walk.
  if (const ExternSpace* kind = FindExtern(FieldAt(cursor_))) {
    cursor_.Take(2);
    RETURN_IF_ERROR(spaces_.Declare(cursor_, kind->space));
    cursor_.SkipToClose();
  }
  cursor_.SkipToClose();
  return absl::OkStatus();
}

absl::Status ModuleReader::DeclareExtern(const ExternSpace& kind) {
  const Token& token = cursor_.Peek();
  cursor_.Take(2);
  RETURN_IF_ERROR(spaces_.Declare(cursor_, kind.space));
  while (cursor_.AtOpen("export")) cursor_.SkipForm();
  if (cursor_.AtOpen("import")) {
    RETURN_IF_ERROR(CheckImportOrder(token));
  } else if (defined_ == Field::kNone) {
    defined_ = kind.field;
  }
  if (kind.field == Field::kTable || kind.field == Field::kMemory) {
    // Segments in place take the next index of theirs.
    const bool table = kind.field == Field::kTable;
    for (; cursor_.kind() != TokenKind::kClose && !cursor_.AtEnd(); cursor_.SkipForm()) {
      if (cursor_.AtOpen(table ? "elem" : "data")) {
        spaces_.DeclareUnnamed(table ? Space::kElem : Space::kData);
      }
    }
  }
  cursor_.SkipToClose();
  return absl::OkStatus();
}

absl::Status ModuleReader::ReadField() {
  if (cursor_.AtAnnotation(kCustomAnnotation)) return customs_.Read(cursor_);
  const Field field = FieldAt(cursor_);
  switch (field) {
    case Field::kType:
    case Field::kRec:
      cursor_.SkipForm();
      return absl::OkStatus();
    case Field::kImport:
      return ReadImport();
    case Field::kExport:
      return ReadExport();
    case Field::kStart:
      return ReadStart();
    case Field::kElem:
      return ReadElem();
    case Field::kData:
      return ReadData();
    case Field::kNone:
      return cursor_.Unexpected("a module field");
    default:
      return ReadExtern(*FindExtern(field));
  }
}

absl::Status ModuleReader::ReadImport() {
  const Token& token = cursor_.Peek();
  cursor_.Take(2);
  SectionEntries& imports = Begin(kImports, token);
  for (int i = 0; i < 2; ++i) {
    ASSIGN_OR_RETURN(const std::string name, cursor_.ExpectName());
    imports.bytes.Name(name);
  }
  const ExternSpace* kind = FindExtern(FieldAt(cursor_));
  if (kind == nullptr) return cursor_.Unexpected("(func, (table, (memory, (global or (tag");
  cursor_.Take(2);
  GivenName name;
  RETURN_IF_ERROR(spaces_.ReadGivenName(cursor_, &name));
  RETURN_IF_ERROR(ReadImportedType(*kind));
  RETURN_IF_ERROR(cursor_.ExpectClose());
  return cursor_.ExpectClose();
}

absl::Status ModuleReader::ReadImportedType(const ExternSpace& kind) {
  ByteWriter& out = sections_[kImports].bytes;
  out.U8(static_cast<uint8_t>(kind.kind));
  const uint32_t index = index_[static_cast<size_t>(kind.space)]++;
  switch (kind.kind) {
    case ExternKind::kFunc: {
      uint32_t type = 0;
      RETURN_IF_ERROR(types_.ReadTypeUse(cursor_, true, &signature_, &type));
      out.VarU32(type);
      RETURN_IF_ERROR(code_.DeclareParameters(index, signature_));
      break;
    }
    case ExternKind::kTable: {
      TableType type;
      type.index_type = types_.ReadIndexType(cursor_);
      RETURN_IF_ERROR(types_.ReadTableType(cursor_, &type));
      out.Table(type);
      break;
    }
    case ExternKind::kMemory: {
      MemoryType type;
      type.index_type = types_.ReadIndexType(cursor_);
      RETURN_IF_ERROR(types_.ReadMemoryType(cursor_, &type));
      out.Memory(type);
      break;
    }
    case ExternKind::kGlobal: {
      GlobalType type;
      RETURN_IF_ERROR(types_.ReadGlobalType(cursor_, &type));
      out.Global(type);
      break;
    }
    case ExternKind::kTag: {
      uint32_t type = 0;
      RETURN_IF_ERROR(types_.ReadTypeUse(cursor_, true, &signature_, &type));
      out.U8(0).VarU32(type);
      break;
    }
  }
  return absl::OkStatus();
}

absl::Status ModuleReader::ReadExtern(const ExternSpace& kind) {
  const Token& token = cursor_.Peek();
  cursor_.Take(2);
  GivenName name;
  RETURN_IF_ERROR(spaces_.ReadGivenName(cursor_, &name));
  const uint32_t index = index_[static_cast<size_t>(kind.space)];
  while (cursor_.AtOpen("export")) {
    SectionEntries& exports = Begin(kExports, cursor_.Peek());
    cursor_.Take(2);
    ASSIGN_OR_RETURN(const std::string export_name, cursor_.ExpectName());
    exports.bytes.Name(export_name).U8(static_cast<uint8_t>(kind.kind)).VarU32(index);
    RETURN_IF_ERROR(cursor_.ExpectClose());
  }
  if (cursor_.TakeOpen("import")) {
    SectionEntries& imports = Begin(kImports, token);
    for (int i = 0; i < 2; ++i) {
      ASSIGN_OR_RETURN(const std::string import_name, cursor_.ExpectName());
      imports.bytes.Name(import_name);
    }
    RETURN_IF_ERROR(cursor_.ExpectClose());
    RETURN_IF_ERROR(ReadImportedType(kind));
    return cursor_.ExpectClose();
  }
  ++index_[static_cast<size_t>(kind.space)];
  switch (kind.kind) {
    case ExternKind::kFunc:
      RETURN_IF_ERROR(ReadFunc(index, token));
      break;
    case ExternKind::kTable:
      RETURN_IF_ERROR(ReadTable(index, token));
      break;
    case ExternKind::kMemory:
      RETURN_IF_ERROR(ReadMemory(index, token));
      break;
    case ExternKind::kGlobal:
      RETURN_IF_ERROR(ReadGlobal(token));
      break;
    case ExternKind::kTag:
      RETURN_IF_ERROR(ReadTag(token));
      break;
  }
  return cursor_.ExpectClose();
}

absl::Status ModuleReader::ReadFunc(uint32_t index, const Token& token) {
  uint32_t type = 0;
  RETURN_IF_ERROR(types_.ReadTypeUse(cursor_, true, &signature_, &type));
  Begin(kFunctions, token).bytes.VarU32(type);
  RETURN_IF_ERROR(code_.ReadBody(index, signature_, type, &Begin(kCode, token)));
  NoteHints(index);
  return absl::OkStatus();
}

void ModuleReader::NoteHints(uint32_t func) {
  const std::vector<BranchHint>& hints = code_.hints();
  if (hints.empty()) return;
  ++hinted_functions_;
  hints_.VarU32(func).VarU64(hints.size());
  for (const BranchHint& hint : hints) hints_.VarU32(hint.offset).U8(1).U8(hint.value);
}

absl::Status ModuleReader::ReadTable(uint32_t index, const Token& token) {
  TableType type;
  type.index_type = types_.ReadIndexType(cursor_);
  if (TypeReader::AtRefType(cursor_)) return ReadInlineElements(index, &type, token);
  RETURN_IF_ERROR(types_.ReadTableType(cursor_, &type));
  SectionEntries& tables = Begin(kTables, token);
  if (cursor_.kind() == TokenKind::kClose) {
    tables.bytes.Table(type);
    return absl::OkStatus();
  }
  tables.bytes.U8(0x40).U8(0).Table(type);
  return code_.ReadExpression(&tables);
}

absl::Status ModuleReader::ReadInlineElements(uint32_t table, TableType* type, const Token& token) {
  RETURN_IF_ERROR(types_.ReadRefType(cursor_, &type->element));
  const Token& elem_token = cursor_.Peek();
  if (!cursor_.TakeOpen("elem")) return cursor_.Unexpected("(elem");
  const bool is_func = type->element.heap_type().Is(AbstractHeapType::kFunc);
  const bool by_index = IndexSpaces::AtIndex(cursor_) || cursor_.kind() == TokenKind::kClose;
  const bool expressions = !is_func || !by_index;
  const bool first_table = table == 0 && (!expressions || type->element == ValType::FuncRef());
  SectionEntries& elements = Begin(kElements, elem_token);
  elements.bytes.U8(
      static_cast<uint8_t>((first_table ? 0 : kExplicitIndex) | (expressions ? kExpressions : 0)));
  if (!first_table) elements.bytes.VarU32(table);
  AppendZero(type->index_type, &elements.bytes);
  if (!first_table) {
    if (expressions) {
      elements.bytes.Type(type->element);
    } else {
      elements.bytes.U8(kElemKindFunc);
    }
  }
  uint32_t count = 0;
  SectionEntries list;
  if (!by_index) {
    RETURN_IF_ERROR(ReadExpressionList(&count, &list));
  } else if (is_func) {
    RETURN_IF_ERROR(ReadFunctionList(&count, &list.bytes));
  } else {
    for (; IndexSpaces::AtIndex(cursor_); ++count) {
      uint32_t func = 0;
      RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, Space::kFunc, &func));
      list.bytes.Op(Opcode::kRefFunc).VarU32(func).Op(Opcode::kEnd);
    }
  }
  RETURN_IF_ERROR(cursor_.ExpectClose());
  elements.bytes.VarU32(count);
  AppendWithPlaces(list, &elements);
  type->limits = {count, count};
  Begin(kTables, token).bytes.Table(*type);
  return absl::OkStatus();
}

absl::Status ModuleReader::ReadMemory(uint32_t index, const Token& token) {
  MemoryType type;
  type.index_type = types_.ReadIndexType(cursor_);
  if (cursor_.AtOpen("data") || cursor_.AtOpen("pagesize")) {
    return ReadInlineData(index, &type, token);
  }
  RETURN_IF_ERROR(types_.ReadMemoryType(cursor_, &type));
  Begin(kMemories, token).bytes.Memory(type);
  return absl::OkStatus();
}

absl::Status ModuleReader::ReadInlineData(uint32_t memory, MemoryType* type, const Token& token) {
  RETURN_IF_ERROR(types_.ReadPageSize(cursor_, type));
  const Token& data_token = cursor_.Peek();
  if (!cursor_.TakeOpen("data")) return cursor_.Unexpected("(data");
  SectionEntries& data = Begin(kData, data_token);
  data.bytes.U8(memory == 0 ? 0 : kExplicitIndex);
  if (memory != 0) data.bytes.VarU32(memory);
  AppendZero(type->index_type, &data.bytes);
  ByteWriter bytes;
  AppendStrings(&bytes);
  data.bytes.VarU64(bytes.size()).Bytes(bytes.bytes());
  const uint64_t page_size = type->page_size();
  const uint64_t pages = (bytes.size() + page_size - 1) / page_size;
  type->limits = {pages, pages};
  Begin(kMemories, token).bytes.Memory(*type);
  return cursor_.ExpectClose();
}

absl::Status ModuleReader::ReadGlobal(const Token& token) {
  GlobalType type;
  RETURN_IF_ERROR(types_.ReadGlobalType(cursor_, &type));
  SectionEntries& globals = Begin(kGlobals, token);
  globals.bytes.Global(type);
  return code_.ReadExpression(&globals);
}

absl::Status ModuleReader::ReadTag(const Token& token) {
  uint32_t type = 0;
  RETURN_IF_ERROR(types_.ReadTypeUse(cursor_, true, &signature_, &type));
  Begin(kTags, token).bytes.U8(0).VarU32(type);
  return absl::OkStatus();
}

absl::Status ModuleReader::ReadExport() {
  SectionEntries& exports = Begin(kExports, cursor_.Peek());
  cursor_.Take(2);
  ASSIGN_OR_RETURN(const std::string name, cursor_.ExpectName());
  const ExternSpace* kind = FindExtern(FieldAt(cursor_));
  if (kind == nullptr) return cursor_.Unexpected("(func, (table, (memory, (global or (tag");
  cursor_.Take(2);
  uint32_t index = 0;
  RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, kind->space, &index));
  exports.bytes.Name(name).U8(static_cast<uint8_t>(kind->kind)).VarU32(index);
  RETURN_IF_ERROR(cursor_.ExpectClose());
  return cursor_.ExpectClose();
}

absl::Status ModuleReader::ReadStart() {
  const Token& token = cursor_.Peek();
  if (sections_[kStart].count > 0) return cursor_.Error("multiple start sections");
  cursor_.Take(2);
  uint32_t index = 0;
  RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, Space::kFunc, &index));
  Begin(kStart, token).bytes.VarU32(index);
  return cursor_.ExpectClose();
}

absl::Status ModuleReader::ReadOffset(SectionEntries* out) {
  if (!cursor_.TakeOpen("offset")) return code_.ReadFoldedExpression(out);
  RETURN_IF_ERROR(code_.ReadExpression(out));
  return cursor_.ExpectClose();
}

absl::Status ModuleReader::ReadElem() {
  Begin(kElements, cursor_.Peek());
  cursor_.Take(2);
  GivenName name;
  RETURN_IF_ERROR(spaces_.ReadGivenName(cursor_, &name));
  SectionEntries offset;
  uint32_t table = 0;
  if (cursor_.TakeKeyword("declare")) {
    RETURN_IF_ERROR(ReadElements(false, kPassive | kExplicitIndex, 0, offset));
  } else if (cursor_.kind() == TokenKind::kNumber) {
    // As WebAssembly 1.0 had it.
    RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, Space::kTable, &table));
    RETURN_IF_ERROR(ReadOffset(&offset));
    RETURN_IF_ERROR(ReadElements(true, table == 0 ? 0 : kExplicitIndex, table, offset));
  } else if (cursor_.TakeOpen("table")) {
    RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, Space::kTable, &table));
    RETURN_IF_ERROR(cursor_.ExpectClose());
    RETURN_IF_ERROR(ReadOffset(&offset));
    RETURN_IF_ERROR(ReadElements(false, table == 0 ? 0 : kExplicitIndex, table, offset));
  } else if (cursor_.kind() == TokenKind::kOpen && !TypeReader::AtRefType(cursor_)) {
    RETURN_IF_ERROR(ReadOffset(&offset));
    RETURN_IF_ERROR(ReadElements(true, 0, 0, offset));
  } else {
    RETURN_IF_ERROR(ReadElements(false, kPassive, 0, offset));
  }
  return cursor_.ExpectClose();
}

absl::Status ModuleReader::ReadElements(bool may_omit_kind, uint8_t flags, uint32_t table,
                                        const SectionEntries& offset) {
  ValType type = ValType::FuncRef();
  bool expressions = false;
  if (TypeReader::AtRefType(cursor_)) {
    RETURN_IF_ERROR(types_.ReadRefType(cursor_, &type));
    expressions = true;
  } else if (!cursor_.TakeKeyword("func") &&
             !(may_omit_kind &&
               (IndexSpaces::AtIndex(cursor_) || cursor_.kind() == TokenKind::kClose))) {
    return cursor_.Unexpected("func or a reference type");
  }
  const bool active = (flags & kPassive) == 0;
  if (expressions) {
    flags |= kExpressions;
    if (active && type != ValType::FuncRef()) flags |= kExplicitIndex;
  }
  SectionEntries& elements = sections_[kElements];
  elements.bytes.U8(flags);
  if (active && (flags & kExplicitIndex) != 0) elements.bytes.VarU32(table);
  AppendWithPlaces(offset, &elements);
  if ((flags & (kPassive | kExplicitIndex)) != 0) {
    if (expressions) {
      elements.bytes.Type(type);
    } else {
      elements.bytes.U8(kElemKindFunc);
    }
  }
  uint32_t count = 0;
  SectionEntries list;
  RETURN_IF_ERROR(expressions ? ReadExpressionList(&count, &list)
                              : ReadFunctionList(&count, &list.bytes));
  elements.bytes.VarU32(count);
  AppendWithPlaces(list, &elements);
  return absl::OkStatus();
}

absl::Status ModuleReader::ReadFunctionList(uint32_t* count, ByteWriter* out) {
  for (; IndexSpaces::AtIndex(cursor_); ++*count) {
    uint32_t func = 0;
    RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, Space::kFunc, &func));
    out->VarU32(func);
  }
  return absl::OkStatus();
}

absl::Status ModuleReader::ReadExpressionList(uint32_t* count, SectionEntries* out) {
  for (; cursor_.kind() == TokenKind::kOpen; ++*count) {
    if (cursor_.TakeOpen("item")) {
      RETURN_IF_ERROR(code_.ReadExpression(out));
      RETURN_IF_ERROR(cursor_.ExpectClose());
    } else {
      RETURN_IF_ERROR(code_.ReadFoldedExpression(out));
    }
  }
  return absl::OkStatus();
}

absl::Status ModuleReader::ReadData() {
  SectionEntries& data = Begin(kData, cursor_.Peek());
  cursor_.Take(2);
  GivenName name;
  RETURN_IF_ERROR(spaces_.ReadGivenName(cursor_, &name));
  uint32_t memory = 0;
  // A number for the memory, as WebAssembly 1.0 had it.
  const bool by_number = cursor_.kind() == TokenKind::kNumber;
  if (by_number) RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, Space::kMemory, &memory));
  if (cursor_.kind() == TokenKind::kOpen || by_number) {
    if (!by_number && cursor_.TakeOpen("memory")) {
      RETURN_IF_ERROR(spaces_.ReadIndex(cursor_, Space::kMemory, &memory));
      RETURN_IF_ERROR(cursor_.ExpectClose());
    }
    data.bytes.U8(memory == 0 ? 0 : kExplicitIndex);
    if (memory != 0) data.bytes.VarU32(memory);
    RETURN_IF_ERROR(ReadOffset(&data));
  } else {
    data.bytes.U8(kPassive);
  }
  ByteWriter bytes;
  AppendStrings(&bytes);
  data.bytes.VarU64(bytes.size()).Bytes(bytes.bytes());
  return cursor_.ExpectClose();
}

void ModuleReader::AppendStrings(ByteWriter* out) {
  while (cursor_.AtString()) out->Bytes(BytesOf(UnescapeString(cursor_.TextOf(cursor_.Take()))));
}

void ModuleReader::AppendWithPlaces(const SectionEntries& from, SectionEntries* to) {
  for (const auto& [offset, text_offset] : from.places) {
    to->places.emplace_back(static_cast<uint32_t>(to->bytes.size() + offset), text_offset);
  }
  to->bytes.Bytes(from.bytes.bytes());
}

void ModuleReader::AppendZero(IndexType type, ByteWriter* out) {
  out->Op(type == IndexType::kI64 ? Opcode::kI64Const : Opcode::kI32Const)
      .VarS64(0)
      .Op(Opcode::kEnd);
}

absl::Status ModuleReader::Assemble(TextModule* module) {
  constexpr uint8_t kCustomSection = 0;
  if (code_.needs_data_count()) {
    sections_[kDataCount].count = 1;
    sections_[kDataCount].bytes.VarU32(sections_[kData].count);
  }
  ByteWriter out;
  out.Bytes(kModuleHeader);
  customs_.Append(0, &out);
  for (size_t place = 0; place < kNumPlaces; ++place) {
    customs_.Append(2 * place + 1, &out);
    if (place == kCode && hinted_functions_ > 0) {
      ByteWriter hints;
      hints.Name(kBranchHintAnnotation).VarU32(hinted_functions_).Bytes(hints_.bytes());
      out.Section(kCustomSection, hints.bytes());
    }
    const SectionEntries& section = SectionAt(place);
    if (section.count > 0) {
      // These two have no count in front.
      const bool counted = place != kStart && place != kDataCount;
      ByteWriter count;
      if (counted) count.VarU32(section.count);
      out.U8(kSectionOrder[place].id).VarU64(count.size() + section.bytes.size());
      out.Bytes(count.bytes());
      for (const auto& [offset, text_offset] : section.places) {
        module->places.emplace_back(static_cast<uint32_t>(out.size() + offset), text_offset);
      }
      out.Bytes(section.bytes.bytes());
    }
    customs_.Append(2 * place + 2, &out);
  }
  if (options_.names) {
    const std::vector<uint8_t> names = EncodeNames(spaces_, name_);
    if (!names.empty()) {
      ByteWriter contents;
      contents.Name("name").Bytes(names);
      out.Section(kCustomSection, contents.bytes());
    }
  }
  customs_.Append(CustomSections::kLastGap, &out);
  if (out.size() > SourceText::kMaxSize) {
    return absl::ResourceExhaustedError("module larger than 4 GiB");
  }
  module->bytes = out.Take();
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<TextModule> ReadModule(TokenCursor& cursor, const TextOptions& options,
                                      absl::string_view id_token) {
  return ModuleReader(cursor, options).Read(id_token);
}

}  // namespace gantry::wasm::text
