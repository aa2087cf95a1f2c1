#include "wasm_translate/text/printer.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "wasm_translate/binary_reader.h"
#include "wasm_translate/binary_types.h"
#include "wasm_translate/branch_hint_section.h"
#include "wasm_translate/name_section.h"
#include "wasm_translate/parser.h"
#include "wasm_translate/text/literals.h"
#include "wasm_translate/text/printer_body.h"
#include "wasm_translate/text/printer_layout.h"
#include "wasm_translate/text/printer_names.h"
#include "wasm_translate/text/printer_types.h"

namespace gantry::wasm::text {
namespace {

// A function's parameters and results are repeated beside its type where there are no more.
constexpr size_t kShortSignature = 16;
// Bytes of a data segment on one line.
constexpr size_t kDataLine = 64;

NameSpace SpaceOf(ExternKind kind) {
  switch (kind) {
    case ExternKind::kFunc:
      return NameSpace::kFunc;
    case ExternKind::kTable:
      return NameSpace::kTable;
    case ExternKind::kMemory:
      return NameSpace::kMemory;
    case ExternKind::kGlobal:
      return NameSpace::kGlobal;
    case ExternKind::kTag:
      return NameSpace::kTag;
  }
  UNREACHABLE();
}

const char* KeywordOf(ExternKind kind) {
  return kind == ExternKind::kFunc ? "func" : ExternKindName(kind);
}

absl::string_view ToString(absl::Span<const uint8_t> bytes) {
  return {reinterpret_cast<const char*>(bytes.data()), bytes.size()};
}

// Prints one module. Types, names and bodies come from the decoded module; expressions and
// segments are read a second time from their sections, since the module has only what they
// mean and not how they were written.
class ModulePrinter {
 public:
  ModulePrinter(const Module& module, const ModuleLayout& layout, const PrintOptions& options,
                bool with_names, bool with_hints, size_t module_size)
      : module_(module),
        layout_(layout),
        options_(options),
        with_names_(with_names),
        with_hints_(with_hints),
        names_(module, with_names, module_size),
        bodies_(module, options.parse, names_) {}

  absl::Status Print() {
    out_ = "(module";
    names_.AppendModuleName(&out_);
    out_ += '\n';
    PrintCustomSections(std::nullopt);
    for (SectionId id : SectionsInOrder()) {
      RETURN_IF_ERROR(PrintSection(id));
      PrintCustomSections(id);
      RETURN_IF_ERROR(CheckSize());
    }
    out_ += ")\n";
    return absl::OkStatus();
  }

  // Whether each hint is at a branch, and so has been printed.
  bool hints_fit() const { return bodies_.hints_fit(); }

  // The comment in front and the text.
  std::string Take() { return absl::StrCat(Dropped(), out_); }

 private:
  absl::Status CheckSize() const {
    if (out_.size() <= options_.max_size) return absl::OkStatus();
    return absl::ResourceExhaustedError(
        absl::StrCat("text too large: the limit is ", options_.max_size, " characters"));
  }

  // What of the name section the text does not say.
  std::string Dropped() const {
    if (!with_names_) return "";
    std::vector<std::string> parts;
    const size_t nameless = names_.total() - names_.defined();
    if (nameless > 0) {
      parts.push_back(absl::StrCat(nameless, " of its names, for what is not there"));
    }
    if (layout_.NameContents() != absl::MakeConstSpan(EncodeNameSection(module_.names))) {
      parts.push_back("the encoding, which is not the shortest");
    }
    if (!layout_.NameSectionIsInPlace()) {
      parts.push_back("the place, which is before other sections");
    }
    if (parts.empty()) return "";
    return absl::StrCat(";; dropped: of the name section: ", absl::StrJoin(parts, "; "), "\n");
  }

  void PrintCustomSections(std::optional<SectionId> after) {
    // The parser puts those `(after last)` behind the names.
    const bool names_in_place = with_names_ && layout_.NameSectionIsInPlace();
    const size_t names_at =
        names_in_place ? layout_.FindCustom("name") : layout_.custom_sections.size();
    for (size_t i = 0; i < layout_.custom_sections.size(); ++i) {
      const ModuleLayout::Custom& custom = layout_.custom_sections[i];
      if (custom.after != after) continue;
      if (with_names_ && custom.name == "name") continue;
      if (with_hints_ && custom.name == kBranchHintSectionName) continue;
      std::string place = "before first";
      if (i > names_at) {
        place = "after last";
      } else if (after.has_value()) {
        place = absl::StrCat("after ", SectionKeyword(*after));
      }
      absl::StrAppend(&out_, "  (@custom ", QuoteString(custom.name), " (", place, ")");
      AppendBytes(custom.bytes);
    }
  }

  // The rest of a field that ends with bytes.
  void AppendBytes(absl::Span<const uint8_t> bytes) {
    if (bytes.size() <= kDataLine) {
      absl::StrAppend(&out_, " ", QuoteString(ToString(bytes)), ")\n");
      return;
    }
    for (; !bytes.empty(); bytes.remove_prefix(std::min(bytes.size(), kDataLine))) {
      absl::StrAppend(&out_, "\n    ", QuoteString(ToString(bytes.subspan(0, kDataLine))));
    }
    out_ += "\n  )\n";
  }

  absl::Status PrintSection(SectionId id) {
    switch (id) {
      case SectionId::kType:
        PrintTypeSection(module_, names_, &out_);
        return absl::OkStatus();
      case SectionId::kImport:
        PrintImports();
        return absl::OkStatus();
      case SectionId::kTable:
        return PrintEntries(id, &ModulePrinter::PrintTable);
      case SectionId::kMemory:
        PrintMemories();
        return absl::OkStatus();
      case SectionId::kTag:
        PrintTags();
        return absl::OkStatus();
      case SectionId::kGlobal:
        return PrintEntries(id, &ModulePrinter::PrintGlobal);
      case SectionId::kExport:
        PrintExports();
        return absl::OkStatus();
      case SectionId::kStart:
        if (module_.start.has_value()) {
          out_ += "  (start ";
          names_.AppendUse(NameSpace::kFunc, module_.start->raw(), &out_);
          out_ += ")\n";
        }
        return absl::OkStatus();
      case SectionId::kElement:
        return PrintEntries(id, &ModulePrinter::PrintElements);
      case SectionId::kCode:
        return PrintFunctions();
      case SectionId::kData:
        return PrintEntries(id, &ModulePrinter::PrintData);
      case SectionId::kCustom:
      case SectionId::kFunction:
      case SectionId::kDataCount:
        return absl::OkStatus();
    }
    UNREACHABLE();
  }

  // Reads the entries of a section again, which the module has been parsed from: `print`
  // moves the reader past the one whose number in its index space it is given.
  absl::Status PrintEntries(SectionId id, bool (ModulePrinter::*print)(uint32_t)) {
    const Section* section = layout_.Find(id);
    if (section == nullptr) return absl::OkStatus();
    reader_ = BinaryReader(section->bytes, section->offset);
    const uint32_t imported = id == SectionId::kTable    ? module_.num_imported_tables
                              : id == SectionId::kGlobal ? module_.num_imported_globals
                                                         : 0;
    uint32_t count;
    if (!reader_.VarU32(&count)) return reader_.status();
    for (uint32_t i = 0; i < count; ++i) {
      if (!(this->*print)(imported + i)) return reader_.status();
      RETURN_IF_ERROR(CheckSize());
    }
    return absl::OkStatus();
  }

  TypeContext type_context() const {
    return {options_.parse.features, static_cast<uint32_t>(module_.types.size())};
  }

  // `(KEYWORD $id` at the start of a line.
  void BeginField(absl::string_view keyword, NameSpace space, uint32_t index) {
    absl::StrAppend(&out_, "  (", keyword);
    names_.AppendDefinition(space, index, &out_);
  }

  // ` (type N)`, and the parameters and results again where that is no lot, or where they
  // have names.
  void AppendTypeUse(TypeIndex type, FuncIndex func) {
    out_ += " (type ";
    names_.AppendUse(NameSpace::kType, type.raw(), &out_);
    out_ += ')';
    const FuncType& signature = module_.func_type(type);
    const auto num_params = static_cast<uint32_t>(signature.params().size());
    const bool is_named =
        func.is_some() && names_.HasAny(NameSpace::kLocal, func.raw(), 0, num_params);
    if (!is_named && num_params + signature.results().size() > kShortSignature) return;
    if (is_named) {
      AppendVariables("param", func, 0, signature.params(), names_, &out_);
    } else {
      AppendTypeList("param", signature.params(), names_, &out_);
    }
    AppendTypeList("result", signature.results(), names_, &out_);
  }

  void PrintImports() {
    for (const Import& import : module_.imports) {
      absl::StrAppend(&out_, "  (import ", QuoteString(import.module), " ",
                      QuoteString(import.name), " (", KeywordOf(import.entity.kind));
      names_.AppendDefinition(SpaceOf(import.entity.kind), import.entity.raw, &out_);
      switch (import.entity.kind) {
        case ExternKind::kFunc:
          AppendTypeUse(module_.functions[import.entity.func()], import.entity.func());
          break;
        case ExternKind::kTable:
          out_ += ' ';
          AppendTableType(module_.tables[import.entity.table()], names_, &out_);
          break;
        case ExternKind::kMemory:
          out_ += ' ';
          AppendMemoryType(module_.memories[import.entity.memory()], &out_);
          break;
        case ExternKind::kGlobal:
          out_ += ' ';
          AppendGlobalType(module_.globals[import.entity.global()], names_, &out_);
          break;
        case ExternKind::kTag:
          AppendTypeUse(module_.tags[import.entity.tag()].type, FuncIndex::None());
          break;
      }
      out_ += "))\n";
    }
  }

  // Past the types that the module has decoded.
  bool SkipTableType() {
    ValType element;
    uint8_t flags;
    uint64_t bound;
    return ReadRefType(reader_, type_context(), &element) && reader_.U8(&flags) &&
           reader_.VarU64(&bound) && ((flags & 1) == 0 || reader_.VarU64(&bound));
  }
  bool SkipGlobalType() {
    ValType type;
    uint8_t is_mutable;
    return ReadValType(reader_, type_context(), &type) && reader_.U8(&is_mutable);
  }

  bool PrintTable(uint32_t index) {
    constexpr uint8_t kWithInitializer = 0x40;
    const bool with_initializer = !reader_.done() && reader_.Peek() == kWithInitializer;
    uint8_t byte;
    if (with_initializer && (!reader_.U8(&byte) || !reader_.U8(&byte))) return false;
    if (!SkipTableType()) return false;
    BeginField("table", NameSpace::kTable, index);
    out_ += ' ';
    AppendTableType(module_.tables[TableIndex(index)], names_, &out_);
    if (with_initializer) {
      out_ += ' ';
      if (!bodies_.AppendExpression(reader_, "", &out_)) return false;
    }
    out_ += ")\n";
    return true;
  }

  void PrintMemories() {
    for (uint32_t i = module_.num_imported_memories; i < module_.memories.size(); ++i) {
      BeginField("memory", NameSpace::kMemory, i);
      out_ += ' ';
      AppendMemoryType(module_.memories[MemoryIndex(i)], &out_);
      out_ += ")\n";
    }
  }

  void PrintTags() {
    for (uint32_t i = module_.num_imported_tags; i < module_.tags.size(); ++i) {
      BeginField("tag", NameSpace::kTag, i);
      AppendTypeUse(module_.tags[TagIndex(i)].type, FuncIndex::None());
      out_ += ")\n";
    }
  }

  bool PrintGlobal(uint32_t index) {
    if (!SkipGlobalType()) return false;
    BeginField("global", NameSpace::kGlobal, index);
    out_ += ' ';
    AppendGlobalType(module_.globals[GlobalIndex(index)], names_, &out_);
    out_ += ' ';
    if (!bodies_.AppendExpression(reader_, "", &out_)) return false;
    out_ += ")\n";
    return true;
  }

  void PrintExports() {
    for (const Export& entry : module_.exports) {
      absl::StrAppend(&out_, "  (export ", QuoteString(entry.name), " (",
                      KeywordOf(entry.entity.kind), " ");
      names_.AppendUse(SpaceOf(entry.entity.kind), entry.entity.raw, &out_);
      out_ += "))\n";
    }
  }

  bool PrintElements(uint32_t index) {
    const ElementSegment& segment = module_.elements[ElemIndex(index)];
    enum : uint32_t { kNotActive = 1, kDeclaredOrTable = 2, kExpressions = 4 };
    uint32_t flags;
    uint32_t ignored;
    if (!reader_.VarU32(&flags)) return false;
    const bool is_active = segment.mode == SegmentMode::kActive;
    if (is_active && (flags & kDeclaredOrTable) != 0 && !reader_.VarU32(&ignored)) return false;
    BeginField("elem", NameSpace::kElem, index);
    if (segment.mode == SegmentMode::kDeclared) out_ += " declare";
    if (is_active && segment.table.raw() != 0) {
      out_ += " (table ";
      names_.AppendUse(NameSpace::kTable, segment.table.raw(), &out_);
      out_ += ')';
    }
    if (is_active) {
      out_ += ' ';
      if (!bodies_.AppendExpression(reader_, "offset", &out_)) return false;
    }
    const bool with_kind = (flags & (kNotActive | kDeclaredOrTable)) != 0;
    const bool with_expressions = (flags & kExpressions) != 0;
    out_ += ' ';
    if (with_expressions) {
      ValType type;
      if (with_kind && !ReadRefType(reader_, type_context(), &type)) return false;
      AppendValType(segment.type, names_, &out_);
    } else {
      uint8_t kind;
      if (with_kind && !reader_.U8(&kind)) return false;
      out_ += "func";
    }
    uint32_t count;
    if (!reader_.VarU32(&count)) return false;
    for (; count > 0 && out_.size() <= options_.max_size; --count) {
      out_ += ' ';
      if (with_expressions) {
        if (!bodies_.AppendExpression(reader_, "item", &out_)) return false;
        continue;
      }
      uint32_t func;
      if (!reader_.VarU32(&func)) return false;
      names_.AppendUse(NameSpace::kFunc, func, &out_);
    }
    out_ += ")\n";
    return true;
  }

  bool PrintData(uint32_t index) {
    const DataSegment& segment = module_.data[DataIndex(index)];
    constexpr uint32_t kWithMemory = 2;
    uint32_t flags;
    uint32_t ignored;
    if (!reader_.VarU32(&flags)) return false;
    if (flags == kWithMemory && !reader_.VarU32(&ignored)) return false;
    BeginField("data", NameSpace::kData, index);
    if (segment.mode == SegmentMode::kActive) {
      if (segment.memory.raw() != 0) {
        out_ += " (memory ";
        names_.AppendUse(NameSpace::kMemory, segment.memory.raw(), &out_);
        out_ += ')';
      }
      out_ += ' ';
      if (!bodies_.AppendExpression(reader_, "offset", &out_)) return false;
    }
    uint32_t size;
    absl::Span<const uint8_t> bytes;
    if (!reader_.VarU32(&size) || !reader_.Bytes(size, &bytes)) return false;
    AppendBytes(bytes);
    return true;
  }

  absl::Status PrintFunctions() {
    for (const FunctionBody& body : module_.bodies) {
      BeginField("func", NameSpace::kFunc, body.func.raw());
      AppendTypeUse(module_.functions[body.func], body.func);
      out_ += '\n';
      RETURN_IF_ERROR(bodies_.PrintBody(
          body,
          with_hints_ ? module_.branch_hints.of(body.func) : absl::Span<const BranchHints::Hint>(),
          options_.max_size, &out_));
      out_ += "  )\n";
    }
    return absl::OkStatus();
  }

  const Module& module_;
  const ModuleLayout& layout_;
  const PrintOptions& options_;
  const bool with_names_;
  const bool with_hints_;
  PrinterNames names_;
  BodyPrinter bodies_;
  BinaryReader reader_;
  std::string out_;
};

bool HasNames(const Names& names) {
  return names.module.data() != nullptr || !EncodeNameSection(names).empty();
}

// Whether annotations at branches come to just these hints. (That each is at a branch shows
// when the bodies are decoded.)
bool HintsAreSaid(const BranchHints& hints, const ModuleLayout& layout) {
  const bool none_is_empty =
      std::all_of(hints.functions.begin(), hints.functions.end(),
                  [](const BranchHints::Function& func) { return func.begin < func.end; });
  return !hints.empty() && none_is_empty && layout.HintSectionIsInPlace() &&
         layout.HintContents() == absl::MakeConstSpan(EncodeBranchHints(hints));
}

}  // namespace

absl::StatusOr<std::string> PrintModule(absl::Span<const uint8_t> bytes,
                                        const PrintOptions& options) {
  ASSIGN_OR_RETURN(const Module module, ParseModule(bytes, options.parse));
  ASSIGN_OR_RETURN(const ModuleLayout layout, ReadModuleLayout(bytes, options.parse.limits));
  const bool with_names =
      options.names && layout.NumCustomSections("name") == 1 && HasNames(module.names);
  bool with_hints = HintsAreSaid(module.branch_hints, layout);
  while (true) {
    ModulePrinter printer(module, layout, options, with_names, with_hints, bytes.size());
    RETURN_IF_ERROR(printer.Print());
    if (printer.hints_fit()) return printer.Take();
    // Some of the hints are at no branch, which no annotation says.
    with_hints = false;
  }
}

}  // namespace gantry::wasm::text
