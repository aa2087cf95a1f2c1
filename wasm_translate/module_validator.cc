#include "wasm_translate/module_validator.h"

#include <algorithm>
#include <optional>
#include <string>
#include <unordered_set>
#include <utility>
#include <variant>
#include <vector>

#include "absl/hash/hash.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/check.h"
#include "base/status_macros.h"
#include "wasm_translate/binary_reader.h"
#include "wasm_translate/binary_types.h"
#include "wasm_translate/branch_hint_section.h"
#include "wasm_translate/const_expr_collector.h"
#include "wasm_translate/error.h"
#include "wasm_translate/function_validator.h"
#include "wasm_translate/name_section.h"
#include "wasm_translate/subtyping.h"
#include "wasm_translate/type_section.h"

namespace gantry::wasm {
namespace {

// An implementation's bound on what the format leaves unbounded.
constexpr size_t kMaxCustomSections = 1'000'000;

// For how many data segments memory is set aside at once, whatever the limit.
constexpr uint32_t kDataSegmentsReserved = 100'000;

constexpr uint64_t kMaxPages32 = 65'536;
constexpr uint64_t kMaxTable32 = 0xFFFFFFFF;

// Bits of a limits byte.
enum LimitsFlag : uint8_t { kHasMax = 1, kIsShared = 2, kIsWide = 4, kHasPageSize = 8 };

// Of a name that may be megabytes long, what a message shows.
std::string Shortened(absl::string_view name) {
  constexpr size_t kShown = 100;
  if (name.size() <= kShown) return std::string(name);
  size_t size = kShown;
  // Up to where a character begins.
  while ((static_cast<uint8_t>(name[size]) & 0xC0) == 0x80) --size;
  return absl::StrCat(name.substr(0, size), "...");
}

ValType NullableTop(ValType type) { return type.WithNullable(true); }

}  // namespace

class ModuleValidator::Impl {
 public:
  explicit Impl(const ParseOptions& options)
      : options_(options),
        features_(options_.features),
        constants_(module_, options_.features, options_.limits) {}

  absl::Status Add(const Payload& payload) {
    if (const auto* section = std::get_if<Section>(&payload)) return AddSection(*section);
    if (const auto* code = std::get_if<CodeSection>(&payload)) return BeginCode(*code);
    if (const auto* entry = std::get_if<CodeEntry>(&payload)) {
      const DefinedFuncIndex index = module_.bodies.next_id();
      module_.bodies.Push({module_.func_index(index), entry->offset, entry->bytes});
      return absl::OkStatus();
    }
    if (const auto* end = std::get_if<EndOfModule>(&payload)) return AtEnd(*end);
    return absl::OkStatus();
  }

  const Module& module() const { return module_; }

  absl::StatusOr<Module> Finish() {
    CHECK(finished_) << "a module is finished before its end has been added";
    return std::move(module_);
  }

 private:
  // Shorthands for the section at hand, in reader_.
  bool Fail(uint64_t offset, absl::string_view message) { return reader_.Fail(offset, message); }
  bool Require(uint64_t offset, Feature feature, absl::string_view what) {
    return RequireFeature(reader_, offset, features_, feature, what);
  }
  TypeContext type_context() const {
    return {features_, static_cast<uint32_t>(module_.types.size())};
  }
  const ValidatorLimits& limits() const { return options_.limits; }

  absl::Status AddSection(const Section& section) {
    reader_ = BinaryReader(section.bytes, section.offset);
    if (section.id == SectionId::kCustom) return AddCustom();
    bool ok = false;
    switch (section.id) {
      case SectionId::kType:
        ok = ReadTypeSection(reader_, features_, limits(), &module_);
        break;
      case SectionId::kImport:
        ok = ReadEach(limits().imports, "imports", &Impl::ReadImport);
        break;
      case SectionId::kFunction:
        ok = ReadEach(limits().functions, "functions", &Impl::ReadFunction, [&](uint32_t count) {
          module_.functions.reserve(module_.functions.size() + count);
        });
        break;
      case SectionId::kTable:
        ok = ReadEach(limits().tables, "tables", &Impl::ReadTable);
        break;
      case SectionId::kMemory:
        ok = ReadEach(limits().memories, "memories", &Impl::ReadMemory);
        break;
      case SectionId::kTag:
        ok = Require(section.offset, Feature::kExceptions, "a tag section") &&
             ReadEach(limits().tags, "tags", &Impl::ReadTag);
        break;
      case SectionId::kGlobal:
        ok = ReadEach(limits().globals, "globals", &Impl::ReadGlobal);
        break;
      case SectionId::kExport:
        ok = ReadEach(limits().exports, "exports", &Impl::ReadExport);
        break;
      case SectionId::kStart:
        ok = ReadStart();
        break;
      case SectionId::kElement:
        ok = ReadEach(limits().element_segments, "element segments", &Impl::ReadElement);
        break;
      case SectionId::kDataCount:
        ok = Require(section.offset, Feature::kBulkMemory, "a data count section") &&
             ReadDataCount();
        break;
      case SectionId::kData:
        ok = ReadDataSection();
        break;
      case SectionId::kCode:
      case SectionId::kCustom:
        UNREACHABLE();
    }
    if (!ok) return reader_.status();
    if (!reader_.done()) {
      return ErrorAt(reader_.offset(),
                     absl::StrCat("section size mismatch: the ", SectionName(section.id),
                                  " section has more bytes"));
    }
    return absl::OkStatus();
  }

  // `expect` is told how many there are. Only where an entry takes little more memory than
  // bytes, or few are allowed, is there memory to be set aside for all of them: what follows
  // may not be entries at all.
  template <typename F>
  bool ReadEach(uint32_t limit, absl::string_view what, bool (Impl::*read)(), F expect) {
    uint32_t count;
    if (!reader_.Count(limit, what, &count)) return false;
    expect(count);
    for (; count > 0; --count) {
      entry_ = reader_.offset();
      if (!(this->*read)()) return false;
    }
    return true;
  }

  bool ReadEach(uint32_t limit, absl::string_view what, bool (Impl::*read)()) {
    return ReadEach(limit, what, read, [](uint32_t) {});
  }

  // An index space that imports and a section of its own both fill.
  bool CheckSpace(size_t size, uint32_t limit, absl::string_view what) {
    return size < limit || Fail(entry_, absl::StrCat("too many ", what, ": the limit is ", limit));
  }

  absl::Status AddCustom() {
    CustomSection section;
    if (!reader_.Name(&section.name)) return reader_.status();
    if (module_.custom_sections.size() >= kMaxCustomSections) {
      return ErrorAt(reader_.offset(),
                     absl::StrCat("too many custom sections: the limit is ", kMaxCustomSections));
    }
    section.offset = reader_.offset();
    CHECK(reader_.Bytes(reader_.remaining(), &section.bytes));
    if (section.name == "name") module_.names = ReadNameSection(section.bytes);
    const bool has_hints = section.name == kBranchHintSectionName && !in_code_ &&
                           features_.Has(Feature::kBranchHinting);
    if (has_hints && module_.branch_hints.empty()) {
      module_.branch_hints = ReadBranchHints(
          section.bytes, FuncIndex(module_.num_imported_functions), module_.functions.next_id());
    }
    module_.custom_sections.push_back(section);
    return absl::OkStatus();
  }

  bool ReadFuncTypeIndex(TypeIndex* index) {
    const uint64_t offset = reader_.offset();
    uint32_t raw;
    if (!reader_.VarU32(&raw)) return false;
    if (raw >= module_.types.size()) return Fail(offset, absl::StrCat("unknown type ", raw));
    *index = TypeIndex(raw);
    if (module_.types[*index].is_func()) return true;
    return Fail(offset, absl::StrCat("type mismatch: type ", raw, " is no function type"));
  }

  bool ReadFunction() {
    TypeIndex type;
    if (!ReadFuncTypeIndex(&type) ||
        !CheckSpace(module_.functions.size(), limits().functions, "functions")) {
      return false;
    }
    module_.functions.Push(type);
    return true;
  }

  // Reads the flags' remainder too; `flags` says which are allowed.
  bool ReadLimits(uint8_t allowed, uint8_t* flags, Limits* out) {
    const uint64_t offset = reader_.offset();
    if (!reader_.U8(flags)) return false;
    if ((*flags & ~allowed) != 0) return Fail(offset, "malformed limits flags");
    if ((*flags & kIsShared) != 0 && !features_.Has(Feature::kThreads)) {
      return Fail(offset,
                  "malformed limits flags: shared needs the feature threads, which is not "
                  "enabled");
    }
    if ((*flags & kHasPageSize) != 0 && !features_.Has(Feature::kCustomPageSizes)) {
      return Fail(offset,
                  "malformed limits flags: a page size needs the feature "
                  "custom-page-sizes, which is not enabled");
    }
    if ((*flags & kIsWide) != 0 && !features_.Has(Feature::kMemory64)) {
      return Fail(offset,
                  "malformed limits flags: 64-bit limits need the feature memory64, which "
                  "is not enabled");
    }
    if (!ReadBound(&out->min)) return false;
    if ((*flags & kHasMax) != 0) {
      uint64_t max;
      if (!ReadBound(&max)) return false;
      out->max = max;
    }
    return true;
  }

  bool ReadBound(uint64_t* out) {
    if (features_.Has(Feature::kMemory64)) return reader_.VarU64(out);
    uint32_t bound;
    if (!reader_.VarU32(&bound)) return false;
    *out = bound;
    return true;
  }

  bool CheckLimits(const Limits& bounds, uint64_t most, absl::string_view message) {
    if (bounds.min > most || (bounds.max.has_value() && *bounds.max > most)) {
      return Fail(entry_, message);
    }
    if (bounds.max.has_value() && bounds.min > *bounds.max) {
      return Fail(entry_, "size minimum must not be greater than maximum");
    }
    return true;
  }

  bool ReadTableType(TableType* type) {
    uint8_t flags;
    if (!ReadRefType(reader_, type_context(), &type->element) ||
        !ReadLimits(kHasMax | kIsWide, &flags, &type->limits)) {
      return false;
    }
    if ((flags & kIsWide) != 0) type->index_type = IndexType::kI64;
    const bool wide = type->index_type == IndexType::kI64;
    if (!CheckLimits(type->limits, wide ? ~uint64_t{0} : kMaxTable32,
                     "table size must be at most 2^32-1")) {
      return false;
    }
    if (!module_.tables.empty() && !features_.Has(Feature::kReferenceTypes)) {
      return reader_.FailUnsupported(
          entry_, "multiple tables need the feature reference-types, which is not enabled");
    }
    return CheckSpace(module_.tables.size(), limits().tables, "tables");
  }

  bool ReadTable() {
    TableType type;
    std::optional<ConstExpr> initializer;
    if (!reader_.done() && reader_.Peek() == 0x40) {
      uint8_t byte;
      if (!reader_.U8(&byte) || !reader_.U8(&byte)) return false;
      if (byte != 0) return Fail(entry_, "malformed table");
      if (!Require(entry_, Feature::kFunctionReferences, "a table with an initialiser") ||
          !ReadTableType(&type)) {
        return false;
      }
      initializer.emplace();
      if (!ReadConstant(type.element, &*initializer)) return false;
    } else {
      if (!ReadTableType(&type)) return false;
      if (!type.element.is_defaultable()) {
        return Fail(entry_, absl::StrCat("type mismatch: a table of ", type.element.ToString(),
                                         " needs an initialiser"));
      }
    }
    module_.tables.Push(type);
    module_.table_initializers.Push(std::move(initializer));
    return true;
  }

  bool ReadMemoryType(MemoryType* type) {
    uint8_t flags;
    if (!ReadLimits(kHasMax | kIsShared | kIsWide | kHasPageSize, &flags, &type->limits)) {
      return false;
    }
    type->shared = (flags & kIsShared) != 0;
    if ((flags & kIsWide) != 0) type->index_type = IndexType::kI64;
    if ((flags & kHasPageSize) != 0) {
      uint32_t log2;
      if (!reader_.VarU32(&log2)) return false;
      if (log2 != 0 && log2 != MemoryType::kDefaultPageSizeLog2) {
        return Fail(entry_, "invalid custom page size: it must be 1 or 65536");
      }
      type->page_size_log2 = static_cast<uint8_t>(log2);
    }
    const int address_bits = type->index_type == IndexType::kI64 ? 64 : 32;
    const int page_bits = type->page_size_log2;
    const uint64_t most =
        address_bits - page_bits == 64 ? ~uint64_t{0} : uint64_t{1} << (address_bits - page_bits);
    const std::string message = most == kMaxPages32
                                    ? "memory size must be at most 65536 pages (4GiB)"
                                    : absl::StrCat("memory size must be at most ", most, " pages");
    // With pages of one byte, the largest size is one short of the address space.
    const uint64_t bound = page_bits == 0 && address_bits == 32 ? most - 1 : most;
    if (!CheckLimits(type->limits, bound, message)) return false;
    if (type->shared && !type->limits.max.has_value()) {
      return Fail(entry_, "shared memory must have maximum");
    }
    if (!module_.memories.empty() && !features_.Has(Feature::kMultiMemory)) {
      return reader_.FailUnsupported(
          entry_, "multiple memories need the feature multi-memory, which is not enabled");
    }
    return CheckSpace(module_.memories.size(), limits().memories, "memories");
  }

  bool ReadMemory() {
    MemoryType type;
    if (!ReadMemoryType(&type)) return false;
    module_.memories.Push(type);
    return true;
  }

  bool ReadGlobalType(GlobalType* type) {
    if (!ReadValType(reader_, type_context(), &type->content)) return false;
    const uint64_t offset = reader_.offset();
    uint8_t is_mutable;
    if (!reader_.U8(&is_mutable)) return false;
    if (is_mutable > 1) return Fail(offset, "malformed mutability");
    type->is_mutable = is_mutable == 1;
    return CheckSpace(module_.globals.size(), limits().globals, "globals");
  }

  bool ReadGlobal() {
    GlobalType type;
    ConstExpr initializer;
    if (!ReadGlobalType(&type) || !ReadConstant(type.content, &initializer)) return false;
    module_.globals.Push(type);
    module_.global_initializers.Push(std::move(initializer));
    return true;
  }

  bool ReadTagType(TagType* type) {
    uint8_t attribute;
    if (!reader_.U8(&attribute)) return false;
    if (attribute != 0) return Fail(entry_, "malformed tag attribute");
    if (!ReadFuncTypeIndex(&type->type)) return false;
    if (!module_.func_type(type->type).results().empty()) {
      return Fail(entry_, "non-empty tag result type");
    }
    return CheckSpace(module_.tags.size(), limits().tags, "tags");
  }

  bool ReadTag() {
    TagType type;
    if (!ReadTagType(&type)) return false;
    module_.tags.Push(type);
    return true;
  }

  bool ReadImport() {
    Import import;
    absl::string_view module;
    absl::string_view name;
    if (!reader_.Name(&module) || !reader_.Name(&name)) return false;
    import.module = std::string(module);
    import.name = std::string(name);
    const uint64_t offset = reader_.offset();
    uint8_t kind;
    if (!reader_.U8(&kind)) return false;
    if (kind > static_cast<uint8_t>(ExternKind::kTag)) return Fail(offset, "malformed import kind");
    import.entity.kind = static_cast<ExternKind>(kind);
    switch (import.entity.kind) {
      case ExternKind::kFunc: {
        import.entity.raw = module_.num_imported_functions++;
        if (!ReadFunction()) return false;
        break;
      }
      case ExternKind::kTable: {
        TableType type;
        if (!ReadTableType(&type)) return false;
        import.entity.raw = module_.num_imported_tables++;
        module_.tables.Push(type);
        break;
      }
      case ExternKind::kMemory: {
        import.entity.raw = module_.num_imported_memories++;
        if (!ReadMemory()) return false;
        break;
      }
      case ExternKind::kGlobal: {
        GlobalType type;
        if (!ReadGlobalType(&type)) return false;
        if (type.is_mutable &&
            !Require(entry_, Feature::kMutableGlobals, "importing a mutable global")) {
          return false;
        }
        import.entity.raw = module_.num_imported_globals++;
        module_.globals.Push(type);
        break;
      }
      case ExternKind::kTag: {
        if (!Require(entry_, Feature::kExceptions, "importing a tag") || !ReadTag()) return false;
        import.entity.raw = module_.num_imported_tags++;
        break;
      }
    }
    module_.imports.push_back(std::move(import));
    return true;
  }

  bool ReadExport() {
    absl::string_view name;
    if (!reader_.Name(&name)) return false;
    const uint64_t offset = reader_.offset();
    Export entry;
    uint8_t kind;
    if (!reader_.U8(&kind) || !reader_.VarU32(&entry.entity.raw)) return false;
    if (kind > static_cast<uint8_t>(ExternKind::kTag)) return Fail(offset, "malformed export kind");
    entry.entity.kind = static_cast<ExternKind>(kind);
    size_t size = 0;
    switch (entry.entity.kind) {
      case ExternKind::kFunc:
        size = module_.functions.size();
        break;
      case ExternKind::kTable:
        size = module_.tables.size();
        break;
      case ExternKind::kMemory:
        size = module_.memories.size();
        break;
      case ExternKind::kGlobal:
        size = module_.globals.size();
        break;
      case ExternKind::kTag:
        size = module_.tags.size();
        break;
    }
    if (entry.entity.raw >= size) {
      return Fail(offset, absl::StrCat("unknown ", ExternKindName(entry.entity.kind), " ",
                                       entry.entity.raw));
    }
    if (entry.entity.kind == ExternKind::kFunc) {
      module_.referenced_functions.insert(entry.entity.func());
    }
    if (entry.entity.kind == ExternKind::kGlobal &&
        module_.globals[entry.entity.global()].is_mutable &&
        !Require(entry_, Feature::kMutableGlobals, "exporting a mutable global")) {
      return false;
    }
    if (!export_names_.insert(name).second) {
      return Fail(entry_, absl::StrCat("duplicate export name \"", Shortened(name), "\""));
    }
    entry.name = std::string(name);
    module_.exports.push_back(std::move(entry));
    return true;
  }

  bool ReadStart() {
    const uint64_t offset = reader_.offset();
    uint32_t raw;
    if (!reader_.VarU32(&raw)) return false;
    if (raw >= module_.functions.size())
      return Fail(offset, absl::StrCat("unknown function ", raw));
    const FuncType& type = module_.func_type(FuncIndex(raw));
    if (!type.params().empty() || !type.results().empty()) {
      return Fail(offset,
                  absl::StrCat("start function must have type () -> (), not ", type.ToString()));
    }
    module_.start = FuncIndex(raw);
    return true;
  }

  // A constant expression of the given type.
  bool ReadConstant(ValType type, ConstExpr* out) {
    ConstExprCollector collector(out, &module_.referenced_functions);
    if (!constants_.RunConstant(reader_, type, collector)) return false;
    return true;
  }

  // Elements given as expressions, in the plain form as long as that is possible.
  bool ReadElementExpressions(ElementSegment* segment, uint32_t count) {
    ConstExpr expression;
    for (uint32_t i = 0; i < count; ++i) {
      expression.ops.clear();
      if (!ReadConstant(segment->type, &expression)) return false;
      const ConstOp& op = expression.ops[0];
      const bool plain =
          segment->expressions.empty() && expression.ops.size() == 1 &&
          (op.kind == ConstOp::Kind::kRefFunc ||
           (op.kind == ConstOp::Kind::kRefNull && IsSubtype(module_, op.type, ValType::FuncRef())));
      if (plain) {
        segment->functions.push_back(op.kind == ConstOp::Kind::kRefFunc ? op.func()
                                                                        : FuncIndex::None());
        continue;
      }
      // The ones before become expressions too.
      for (FuncIndex func : segment->functions) {
        ConstOp before;
        before.kind = func.is_none() ? ConstOp::Kind::kRefNull : ConstOp::Kind::kRefFunc;
        before.type = NullableTop(segment->type);
        before.index = func.is_none() ? 0 : func.raw();
        segment->expressions.emplace_back();
        segment->expressions.back().ops.push_back(before);
      }
      segment->functions = {};
      segment->expressions.push_back(expression);
    }
    return true;
  }

  bool ReadElementFunctions(ElementSegment* segment, uint32_t count) {
    segment->functions.reserve(count);
    for (uint32_t i = 0; i < count; ++i) {
      const uint64_t offset = reader_.offset();
      uint32_t raw;
      if (!reader_.VarU32(&raw)) return false;
      if (raw >= module_.functions.size()) {
        return Fail(offset, absl::StrCat("unknown function ", raw));
      }
      module_.referenced_functions.insert(FuncIndex(raw));
      segment->functions.push_back(FuncIndex(raw));
    }
    return true;
  }

  bool ReadElement() {
    enum : uint32_t { kNotActive = 1, kDeclaredOrTable = 2, kExpressions = 4 };
    ElementSegment segment;
    uint32_t flags;
    if (!reader_.VarU32(&flags)) return false;
    if (flags > 7) return Fail(entry_, "malformed elements segment kind");
    if (flags != 0 && !Require(entry_, Feature::kBulkMemory, "an element segment of this form")) {
      return false;
    }
    const bool with_kind = (flags & (kNotActive | kDeclaredOrTable)) != 0;
    if ((flags & kNotActive) == 0) {
      segment.mode = SegmentMode::kActive;
      uint32_t table = 0;
      const uint64_t offset = reader_.offset();
      if ((flags & kDeclaredOrTable) != 0 && !reader_.VarU32(&table)) return false;
      if (table >= module_.tables.size())
        return Fail(offset, absl::StrCat("unknown table ", table));
      segment.table = TableIndex(table);
      if (!ReadConstant(ToValType(module_.tables[segment.table].index_type), &segment.offset)) {
        return false;
      }
    } else if ((flags & kDeclaredOrTable) != 0) {
      segment.mode = SegmentMode::kDeclared;
    }
    const bool expressions = (flags & kExpressions) != 0;
    if (!expressions) {
      // Function indices are never null.
      segment.type = ValType::FuncRef().WithNullable(!features_.Has(Feature::kFunctionReferences));
    }
    if (with_kind) {
      const uint64_t offset = reader_.offset();
      if (expressions) {
        if (!ReadRefType(reader_, type_context(), &segment.type)) return false;
      } else {
        uint8_t kind;
        if (!reader_.U8(&kind)) return false;
        if (kind != 0) return Fail(offset, "malformed element kind");
      }
    }
    if (segment.mode == SegmentMode::kActive) {
      const ValType wanted = module_.tables[segment.table].element;
      if (!IsSubtype(module_, segment.type, wanted)) {
        return Fail(entry_,
                    absl::StrCat("type mismatch: elements of type ", segment.type.ToString(),
                                 " in a table of ", wanted.ToString()));
      }
    }
    uint32_t count;
    if (!reader_.Count(limits().element_segment_entries, "elements of a segment", &count)) {
      return false;
    }
    if (expressions ? !ReadElementExpressions(&segment, count)
                    : !ReadElementFunctions(&segment, count)) {
      return false;
    }
    module_.elements.Push(std::move(segment));
    return true;
  }

  bool ReadDataCount() {
    uint32_t count;
    if (!reader_.VarU32(&count)) return false;
    if (count > limits().data_segments) {
      return Fail(reader_.offset(),
                  absl::StrCat("too many data segments: the limit is ", limits().data_segments));
    }
    module_.data_count = count;
    return true;
  }

  bool ReadDataSection() {
    return ReadEach(limits().data_segments, "data segments", &Impl::ReadData, [&](uint32_t count) {
      module_.data.reserve(std::min(count, kDataSegmentsReserved));
    });
  }

  bool ReadData() {
    DataSegment segment;
    uint32_t flags;
    if (!reader_.VarU32(&flags)) return false;
    if (flags > 2) return Fail(entry_, "malformed data segment kind");
    if (flags != 0 && !Require(entry_, Feature::kBulkMemory, "a data segment of this form")) {
      return false;
    }
    if (flags != 1) {
      segment.mode = SegmentMode::kActive;
      uint32_t memory = 0;
      if (flags == 2 && !reader_.VarU32(&memory)) return false;
      if (memory >= module_.memories.size()) {
        return Fail(entry_, absl::StrCat("unknown memory ", memory));
      }
      segment.memory = MemoryIndex(memory);
      if (!ReadConstant(ToValType(module_.memories[segment.memory].index_type), &segment.offset)) {
        return false;
      }
    }
    uint32_t size;
    if (!reader_.VarU32(&size)) return false;
    segment.bytes_offset = reader_.offset();
    if (!reader_.Bytes(size, &segment.bytes)) return false;
    module_.data.Push(std::move(segment));
    return true;
  }

  absl::Status BeginCode(const CodeSection& code) {
    in_code_ = true;
    if (code.count != module_.functions.size() - module_.num_imported_functions) {
      return ErrorAt(code.offset,
                     absl::StrCat("function and code section have inconsistent lengths: ",
                                  module_.functions.size() - module_.num_imported_functions,
                                  " and ", code.count));
    }
    module_.bodies.reserve(code.count);
    return absl::OkStatus();
  }

  absl::Status AtEnd(const EndOfModule& end) {
    const size_t defined = module_.functions.size() - module_.num_imported_functions;
    if (module_.bodies.size() != defined) {
      return ErrorAt(end.offset,
                     absl::StrCat("function and code section have inconsistent lengths: ", defined,
                                  " and ", module_.bodies.size()));
    }
    if (module_.data_count.has_value() && *module_.data_count != module_.data.size()) {
      return ErrorAt(end.offset,
                     absl::StrCat("data count and data section have inconsistent lengths: ",
                                  *module_.data_count, " and ", module_.data.size()));
    }
    finished_ = true;
    return absl::OkStatus();
  }

  const ParseOptions options_;
  const Features features_;
  Module module_;
  FunctionValidator<ConstExprCollector> constants_;
  BinaryReader reader_;
  // Where the entry of the section at hand begins.
  uint64_t entry_ = 0;
  // The names borrow from the module's bytes. The hash is not the same in every process, so
  // that no module can be made whose names all collide.
  std::unordered_set<absl::string_view, absl::Hash<absl::string_view>> export_names_;
  // Hints about branches have to come before this.
  bool in_code_ = false;
  bool finished_ = false;
};

ModuleValidator::ModuleValidator(const ParseOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}
ModuleValidator::~ModuleValidator() = default;

absl::Status ModuleValidator::Add(const Payload& payload) { return impl_->Add(payload); }
const Module& ModuleValidator::module() const { return impl_->module(); }
absl::StatusOr<Module> ModuleValidator::Finish() { return impl_->Finish(); }

absl::StatusOr<Module> ParseModule(absl::Span<const uint8_t> bytes, const ParseOptions& options) {
  Parser parser(options.limits);
  ModuleValidator validator(options);
  while (true) {
    ASSIGN_OR_RETURN(Parser::Step step, parser.Next(bytes, /*at_end=*/true));
    bytes.remove_prefix(step.consumed);
    RETURN_IF_ERROR(validator.Add(*step.payload));
    if (std::holds_alternative<EndOfModule>(*step.payload)) return validator.Finish();
  }
}

absl::Status ValidateBodies(const Module& module, const ParseOptions& options) {
  NoVisitor none;
  FunctionValidator<NoVisitor> validator(module, options.features, options.limits);
  // Bodies lie in order, so that the first error found is the one at the lowest offset.
  for (const FunctionBody& body : module.bodies) RETURN_IF_ERROR(validator.Run(body, none));
  return absl::OkStatus();
}

absl::Status ValidateModule(absl::Span<const uint8_t> bytes, const ParseOptions& options) {
  ASSIGN_OR_RETURN(const Module module, ParseModule(bytes, options));
  return ValidateBodies(module, options);
}

}  // namespace gantry::wasm
