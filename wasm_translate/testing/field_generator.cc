#include "wasm_translate/testing/field_generator.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "wasm_translate/testing/constant_generator.h"

namespace gantry::wasm::testing {
namespace {

// In bytes, of the memories whose pages are one byte.
constexpr uint64_t kMaxSmallMemory = 70'000;
constexpr size_t kMaxDataSize = 40;
constexpr size_t kMaxElements = 8;
constexpr size_t kMaxCustomSize = 12;

class FieldGenerator {
 public:
  explicit FieldGenerator(GeneratorContext& context)
      : context_(context),
        source_(context.source),
        options_(context.options),
        draft_(context.draft),
        module_(context.module) {}

  void Run() {
    for (size_t i = source_.Below(options_.max_imports + 1); i > 0; --i) AddImport();
    const size_t least = context_.executable() ? 1 : 0;
    const size_t functions = std::max(least, source_.Below(options_.max_functions + 1));
    for (size_t i = 0; i < functions; ++i) {
      module_.functions.Push(source_.Pick(context_.FuncTypes()));
      draft_.bodies.emplace_back();
    }
    for (size_t i = Some(options_.max_tables); i > 0; --i) AddTable();
    for (size_t i = Some(options_.max_memories); i > 0; --i) AddMemory();
    for (size_t i = Some(options_.max_tags); i > 0; --i) AddTag();
    for (size_t i = Some(options_.max_globals); i > 0; --i) AddGlobal();
    options_.export_everything ? ExportEverything() : AddExports();
    AddStart();
    for (size_t i = Some(options_.max_segments); i > 0; --i) AddElements();
    for (size_t i = Some(options_.max_segments); i > 0; --i) AddData();
    if (options_.custom_sections) AddCustoms();
  }

 private:
  // None less often than the source's bytes would have it.
  size_t Some(uint32_t most) {
    return most == 0 ? 0 : std::min<size_t>(most, source_.Below(most + 3));
  }

  bool CanAddTable() const {
    return module_.tables.empty() || context_.Has(Feature::kReferenceTypes);
  }
  bool CanAddMemory() const {
    return module_.memories.empty() || context_.Has(Feature::kMultiMemory);
  }

  std::optional<TypeIndex> SomeTagType() {
    std::vector<TypeIndex> found;
    for (TypeIndex type : context_.FuncTypes()) {
      if (module_.func_type(type).results().empty()) found.push_back(type);
    }
    if (found.empty() || !context_.Has(Feature::kExceptions)) return std::nullopt;
    return source_.Pick(found);
  }

  void AddImport() {
    Import import;
    import.module = context_.SomeName();
    import.name = context_.SomeName();
    import.entity.kind = static_cast<ExternKind>(source_.Below(5));
    switch (import.entity.kind) {
      case ExternKind::kFunc:
        import.entity.raw = module_.num_imported_functions++;
        module_.functions.Push(source_.Pick(context_.FuncTypes()));
        break;
      case ExternKind::kTable:
        if (!CanAddTable()) return;
        import.entity.raw = module_.num_imported_tables++;
        module_.tables.Push(SomeTableType());
        draft_.table_functions.emplace_back();
        break;
      case ExternKind::kMemory:
        if (!CanAddMemory()) return;
        import.entity.raw = module_.num_imported_memories++;
        module_.memories.Push(SomeMemoryType());
        break;
      case ExternKind::kGlobal: {
        import.entity.raw = module_.num_imported_globals++;
        GlobalType type;
        type.content = context_.SomeValType();
        type.is_mutable = context_.Has(Feature::kMutableGlobals) && source_.Percent(40);
        module_.globals.Push(type);
        break;
      }
      case ExternKind::kTag: {
        const auto type = SomeTagType();
        if (!type.has_value()) return;
        import.entity.raw = module_.num_imported_tags++;
        module_.tags.Push({*type});
        break;
      }
    }
    module_.imports.push_back(std::move(import));
  }

  TableType SomeTableType() {
    TableType type;
    if (source_.Percent(50)) {
      const auto element = context_.SomeReferenceType(static_cast<uint32_t>(module_.types.size()));
      if (element.has_value()) type.element = *element;
    }
    const uint64_t least = context_.executable() ? 4 : 0;
    type.limits.min = std::max<uint64_t>(least, source_.Below(options_.max_table_size + 1));
    if (source_.Percent(50)) type.limits.max = type.limits.min + source_.Below(10);
    if (context_.Has(Feature::kMemory64) && source_.Percent(20)) {
      type.index_type = IndexType::kI64;
      if (source_.Percent(10)) type.limits.max = ~uint64_t{0};
    } else if (source_.Percent(5)) {
      type.limits.max = 0xFFFFFFFF;
    }
    return type;
  }

  void AddTable() {
    if (!CanAddTable()) return;
    TableType type = SomeTableType();
    EncodedBytes initializer;
    const bool wanted = !type.element.is_nullable() || source_.Percent(30);
    if (wanted && context_.Has(Feature::kFunctionReferences)) {
      if (auto made = GenerateConstant(context_, type.element)) initializer = std::move(*made);
    }
    if (initializer.empty()) type.element = type.element.WithNullable(true);
    module_.tables.Push(type);
    draft_.table_initializers.push_back(std::move(initializer));
    draft_.table_functions.emplace_back(static_cast<size_t>(type.limits.min), FuncIndex::None());
  }

  MemoryType SomeMemoryType() {
    MemoryType type;
    const bool small_pages = context_.Has(Feature::kCustomPageSizes) && source_.Percent(30);
    if (small_pages) type.page_size_log2 = 0;
    if (context_.Has(Feature::kMemory64) && source_.Percent(25)) type.index_type = IndexType::kI64;
    const uint64_t least = context_.executable() ? (small_pages ? 1024 : 1) : 0;
    type.limits.min = std::max<uint64_t>(
        least, source_.Below((small_pages ? kMaxSmallMemory : options_.max_pages) + 1));
    type.shared = context_.Has(Feature::kThreads) && source_.Percent(40);
    // What runs grows to the same size wherever it runs.
    if (type.shared || context_.executable() || source_.Percent(60)) {
      type.limits.max = type.limits.min + source_.Below(4);
    }
    return type;
  }

  void AddMemory() {
    if (CanAddMemory()) module_.memories.Push(SomeMemoryType());
  }

  void AddTag() {
    if (const auto type = SomeTagType()) module_.tags.Push({*type});
  }

  void AddGlobal() {
    GlobalType type;
    type.content = context_.SomeValType();
    type.is_mutable = source_.Percent(60);
    auto initializer = GenerateConstant(context_, type.content);
    if (!initializer.has_value()) {
      // Nothing of this type can be had here, but null can.
      type.content = type.content.WithNullable(true);
      initializer = GenerateConstant(context_, type.content);
    }
    if (!initializer.has_value()) return;
    module_.globals.Push(type);
    draft_.global_initializers.push_back(std::move(*initializer));
  }

  bool CanExport(EntityIndex entity) const {
    return entity.kind != ExternKind::kGlobal || context_.Has(Feature::kMutableGlobals) ||
           !module_.globals[entity.global()].is_mutable;
  }
  size_t NumberOf(ExternKind kind) const {
    switch (kind) {
      case ExternKind::kFunc:
        return module_.functions.size();
      case ExternKind::kTable:
        return module_.tables.size();
      case ExternKind::kMemory:
        return module_.memories.size();
      case ExternKind::kGlobal:
        return module_.globals.size();
      case ExternKind::kTag:
        return module_.tags.size();
    }
    UNREACHABLE();
  }
  size_t NumberOfImported(ExternKind kind) const {
    switch (kind) {
      case ExternKind::kFunc:
        return module_.num_imported_functions;
      case ExternKind::kTable:
        return module_.num_imported_tables;
      case ExternKind::kMemory:
        return module_.num_imported_memories;
      case ExternKind::kGlobal:
        return module_.num_imported_globals;
      case ExternKind::kTag:
        return module_.num_imported_tags;
    }
    UNREACHABLE();
  }

  void AddExport(std::string name, EntityIndex entity) {
    if (!CanExport(entity)) return;
    if (entity.kind == ExternKind::kFunc) module_.referenced_functions.insert(entity.func());
    module_.exports.push_back({std::move(name), entity});
  }

  void ExportEverything() {
    static constexpr const char* kNames[] = {"func", "table", "memory", "global", "tag"};
    for (int i = 0; i < 5; ++i) {
      const ExternKind kind = static_cast<ExternKind>(i);
      for (size_t j = NumberOfImported(kind); j < NumberOf(kind); ++j) {
        AddExport(absl::StrCat(kNames[i], j), {kind, static_cast<uint32_t>(j)});
      }
    }
  }

  void AddExports() {
    const size_t count = Some(options_.max_exports);
    for (size_t i = 0; i < count; ++i) {
      // Functions most often.
      const size_t choice = source_.Below(8);
      const ExternKind kind = static_cast<ExternKind>(choice < 5 ? choice : 0);
      const size_t number = NumberOf(kind);
      if (number == 0) continue;
      // The number makes it unique.
      AddExport(absl::StrCat(context_.SomeName(), i),
                {kind, static_cast<uint32_t>(source_.Below(number))});
    }
  }

  void AddStart() {
    if (!options_.start_function || !source_.Percent(context_.executable() ? 5 : 15)) return;
    std::vector<FuncIndex> found;
    for (size_t i = 0; i < module_.functions.size(); ++i) {
      const FuncType& type = module_.func_type(FuncIndex::FromIndex(i));
      if (type.params().empty() && type.results().empty()) found.push_back(FuncIndex::FromIndex(i));
    }
    if (!found.empty()) module_.start = source_.Pick(found);
  }

  // Where something of this length goes in a space of `size`; outside now and then.
  uint64_t SomePlace(uint64_t size, uint64_t length, bool wide) {
    if (!context_.executable() && source_.Percent(4)) {
      return wide ? source_.U64() : source_.U32();
    }
    return length >= size ? 0 : source_.Below(static_cast<size_t>(size - length + 1));
  }

  void AddElements() {
    ElementDraft segment;
    const bool bulk = context_.Has(Feature::kBulkMemory);
    const bool expressions = bulk && context_.Has(Feature::kReferenceTypes) && source_.Percent(50);
    segment.with_expressions = expressions;
    const ValType of_functions =
        ValType::FuncRef().WithNullable(!context_.Has(Feature::kFunctionReferences));
    segment.type = of_functions;
    const size_t mode = bulk ? source_.Below(4) : 0;
    segment.mode = mode == 2   ? SegmentMode::kPassive
                   : mode == 3 ? SegmentMode::kDeclared
                               : SegmentMode::kActive;
    if (segment.mode == SegmentMode::kActive) {
      std::vector<TableIndex> tables;
      for (size_t i = 0;
           i < (bulk ? module_.tables.size() : std::min<size_t>(1, module_.tables.size())); ++i) {
        const TableIndex table = TableIndex::FromIndex(i);
        if (expressions || context_.Matches(of_functions, module_.tables[table].element)) {
          tables.push_back(table);
        }
      }
      if (tables.empty()) return;
      segment.table = source_.Pick(tables);
      if (expressions) segment.type = context_.SomeSubtype(module_.tables[segment.table].element);
    } else if (expressions) {
      const auto type = context_.SomeReferenceType(static_cast<uint32_t>(module_.types.size()));
      if (type.has_value()) segment.type = *type;
    }
    if (!context_.IsAllowed(segment.type)) segment.type = segment.type.WithNullable(true);
    uint64_t room = kMaxElements;
    if (segment.mode == SegmentMode::kActive) {
      room = std::min(room, module_.tables[segment.table].limits.min);
    }
    std::vector<FuncIndex> known;
    for (size_t i = source_.Below(static_cast<size_t>(room) + 1); i > 0; --i) {
      if (expressions) {
        auto element = GenerateConstant(context_, segment.type);
        if (!element.has_value()) break;
        segment.expressions.push_back(std::move(*element));
      } else if (!module_.functions.empty()) {
        const FuncIndex func = FuncIndex::FromIndex(source_.Below(module_.functions.size()));
        module_.referenced_functions.insert(func);
        segment.functions.push_back(func);
      }
    }
    if (segment.mode == SegmentMode::kActive) {
      const TableType& table = module_.tables[segment.table];
      const uint64_t place =
          SomePlace(table.limits.min, segment.size(), table.index_type == IndexType::kI64);
      segment.offset = GenerateOffset(context_, table.index_type, place);
      std::vector<FuncIndex>& contents = draft_.table_functions[segment.table.index()];
      for (size_t i = 0; i < segment.size() && place < contents.size(); ++i) {
        if (i >= contents.size() - static_cast<size_t>(place)) break;
        contents[static_cast<size_t>(place) + i] =
            expressions ? FuncIndex::None() : segment.functions[i];
      }
    }
    draft_.elements.push_back(std::move(segment));
  }

  void AddData() {
    DataDraft segment;
    const bool passive = context_.Has(Feature::kBulkMemory) && source_.Percent(50);
    if (passive) {
      segment.mode = SegmentMode::kPassive;
    } else {
      if (module_.memories.empty()) return;
      segment.mode = SegmentMode::kActive;
      const bool first_only = !context_.Has(Feature::kBulkMemory);
      segment.memory =
          MemoryIndex::FromIndex(first_only ? 0 : source_.Below(module_.memories.size()));
    }
    uint64_t room = kMaxDataSize;
    uint64_t size = 0;
    if (!passive) {
      const MemoryType& memory = module_.memories[segment.memory];
      size = memory.limits.min * memory.page_size();
      room = std::min(room, size);
    }
    segment.bytes.resize(source_.Below(static_cast<size_t>(room) + 1));
    for (uint8_t& byte : segment.bytes) byte = source_.Byte();
    if (!passive) {
      const IndexType index_type = module_.memories[segment.memory].index_type;
      segment.offset =
          GenerateOffset(context_, index_type,
                         SomePlace(size, segment.bytes.size(), index_type == IndexType::kI64));
    }
    draft_.data.push_back(std::move(segment));
    draft_.data_count =
        context_.Has(Feature::kBulkMemory) && (draft_.data_count || source_.Percent(40));
  }

  void AddCustoms() {
    draft_.names = source_.Percent(30);
    for (size_t i = source_.Percent(20) ? source_.Below(3) : 0; i > 0; --i) {
      CustomDraft custom;
      custom.before = static_cast<uint8_t>(1 + source_.Below(13));
      custom.name = absl::StrCat("custom", context_.SomeName());
      custom.bytes.resize(source_.Below(kMaxCustomSize));
      for (uint8_t& byte : custom.bytes) byte = source_.Byte();
      draft_.customs.push_back(std::move(custom));
    }
  }

  GeneratorContext& context_;
  ByteSource& source_;
  const GeneratorOptions& options_;
  ModuleDraft& draft_;
  Module& module_;
};

}  // namespace

void GenerateFields(GeneratorContext& context) { FieldGenerator(context).Run(); }

}  // namespace gantry::wasm::testing
