#include "wasm_translate/testing/module_draft.h"

#include "absl/strings/str_cat.h"
#include "wasm_translate/binary_writer.h"

namespace gantry::wasm::testing {
namespace {

enum SectionNumber : uint8_t {
  kCustomSection = 0,
  kTypeSection = 1,
  kImportSection = 2,
  kFunctionSection = 3,
  kTableSection = 4,
  kMemorySection = 5,
  kGlobalSection = 6,
  kExportSection = 7,
  kStartSection = 8,
  kElementSection = 9,
  kCodeSection = 10,
  kDataSection = 11,
  kDataCountSection = 12,
  kTagSection = 13,
};

// WebAssembly 3.0, "Modules" (binary format): sections in the order they have to come.
constexpr SectionNumber kOrder[] = {
    kTypeSection,      kImportSection, kFunctionSection, kTableSection, kMemorySection,
    kTagSection,       kGlobalSection, kExportSection,   kStartSection, kElementSection,
    kDataCountSection, kCodeSection,   kDataSection};

class DraftEncoder {
 public:
  DraftEncoder(const ModuleDraft& draft, Features features)
      : draft_(draft), module_(draft.module), features_(features) {}

  EncodedBytes Encode() {
    out_.Bytes(kModuleHeader);
    for (SectionNumber section : kOrder) {
      Customs(section);
      if (section == kCodeSection) BranchHints();
      ByteWriter contents;
      if (Contents(section, contents)) out_.Section(section, contents.bytes());
    }
    if (draft_.names) Names();
    return out_.bytes();
  }

 private:
  void Custom(absl::string_view name, absl::Span<const uint8_t> bytes) {
    ByteWriter contents;
    contents.Name(name).Bytes(bytes);
    out_.Section(kCustomSection, contents.bytes());
  }
  void Customs(SectionNumber before) {
    for (const CustomDraft& custom : draft_.customs) {
      if (custom.before == before) Custom(custom.name, custom.bytes);
    }
  }

  // False where the section has nothing to say and is left out.
  bool Contents(SectionNumber section, ByteWriter& out) {
    switch (section) {
      case kTypeSection:
        return Types(out);
      case kImportSection:
        out.VarU64(module_.imports.size());
        for (const Import& import : module_.imports) ImportEntry(import, out);
        return !module_.imports.empty();
      case kFunctionSection:
        out.VarU64(draft_.bodies.size());
        for (size_t i = module_.num_imported_functions; i < module_.functions.size(); ++i) {
          out.VarU32(module_.functions[FuncIndex::FromIndex(i)].raw());
        }
        return !draft_.bodies.empty();
      case kTableSection:
        out.VarU64(draft_.table_initializers.size());
        for (size_t i = 0; i < draft_.table_initializers.size(); ++i) {
          const EncodedBytes& initializer = draft_.table_initializers[i];
          if (!initializer.empty()) out.U8(0x40).U8(0);
          out.Table(module_.tables[TableIndex::FromIndex(i + module_.num_imported_tables)]);
          out.Bytes(initializer);
        }
        return !draft_.table_initializers.empty();
      case kMemorySection: {
        const size_t imported = module_.num_imported_memories;
        out.VarU64(module_.memories.size() - imported);
        for (size_t i = imported; i < module_.memories.size(); ++i) {
          out.Memory(module_.memories[MemoryIndex::FromIndex(i)]);
        }
        return module_.memories.size() > imported;
      }
      case kTagSection: {
        const size_t imported = module_.num_imported_tags;
        out.VarU64(module_.tags.size() - imported);
        for (size_t i = imported; i < module_.tags.size(); ++i) {
          out.U8(0).VarU32(module_.tags[TagIndex::FromIndex(i)].type.raw());
        }
        return module_.tags.size() > imported;
      }
      case kGlobalSection:
        out.VarU64(draft_.global_initializers.size());
        for (size_t i = 0; i < draft_.global_initializers.size(); ++i) {
          out.Global(module_.globals[GlobalIndex::FromIndex(i + module_.num_imported_globals)]);
          out.Bytes(draft_.global_initializers[i]);
        }
        return !draft_.global_initializers.empty();
      case kExportSection:
        out.VarU64(module_.exports.size());
        for (const Export& entry : module_.exports) {
          out.Name(entry.name).U8(static_cast<uint8_t>(entry.entity.kind)).VarU32(entry.entity.raw);
        }
        return !module_.exports.empty();
      case kStartSection:
        if (module_.start.has_value()) out.VarU32(module_.start->raw());
        return module_.start.has_value();
      case kElementSection:
        out.VarU64(draft_.elements.size());
        for (const ElementDraft& segment : draft_.elements) Elements(segment, out);
        return !draft_.elements.empty();
      case kDataCountSection:
        out.VarU64(draft_.data.size());
        return draft_.data_count;
      case kCodeSection:
        out.VarU64(draft_.bodies.size());
        for (const BodyDraft& body : draft_.bodies) {
          out.VarU64(body.bytes.size()).Bytes(body.bytes);
        }
        return !draft_.bodies.empty();
      case kDataSection:
        out.VarU64(draft_.data.size());
        for (const DataDraft& segment : draft_.data) Data(segment, out);
        return !draft_.data.empty();
      case kCustomSection:
        break;
    }
    return false;
  }

  bool Types(ByteWriter& out) {
    ByteWriter groups;
    uint32_t count = 0;
    for (size_t i = 0; i < module_.types.size(); ++count) {
      const SubType& first = module_.types[TypeIndex::FromIndex(i)];
      // For a group of one, the form without `rec` is short for the one with it.
      if (first.group_size > 1) groups.U8(0x4E).VarU32(first.group_size);
      for (uint32_t j = 0; j < first.group_size; ++j) {
        OneType(module_.types[TypeIndex::FromIndex(i + j)], groups);
      }
      i += first.group_size;
    }
    out.VarU32(count).Bytes(groups.bytes());
    return count > 0;
  }

  void OneType(const SubType& type, ByteWriter& out) {
    if (!type.is_final || type.supertype.is_some()) {
      out.U8(type.is_final ? 0x4F : 0x50);
      out.VarU32(type.supertype.is_some() ? 1 : 0);
      if (type.supertype.is_some()) out.VarU32(type.supertype.raw());
    }
    if (const FuncType* func = type.func()) {
      out.Func(*func);
    } else if (const StructType* struct_type = type.struct_type()) {
      out.U8(0x5F).VarU64(struct_type->fields.size());
      for (const FieldType& field : struct_type->fields) out.Field(field);
    } else {
      out.U8(0x5E);
      out.Field(type.array()->element);
    }
  }

  void ImportEntry(const Import& import, ByteWriter& out) {
    out.Name(import.module).Name(import.name).U8(static_cast<uint8_t>(import.entity.kind));
    switch (import.entity.kind) {
      case ExternKind::kFunc:
        out.VarU32(module_.functions[import.entity.func()].raw());
        break;
      case ExternKind::kTable:
        out.Table(module_.tables[import.entity.table()]);
        break;
      case ExternKind::kMemory:
        out.Memory(module_.memories[import.entity.memory()]);
        break;
      case ExternKind::kGlobal:
        out.Global(module_.globals[import.entity.global()]);
        break;
      case ExternKind::kTag:
        out.U8(0).VarU32(module_.tags[import.entity.tag()].type.raw());
        break;
    }
  }

  void Elements(const ElementDraft& segment, ByteWriter& out) {
    enum : uint32_t { kNotActive = 1, kDeclaredOrTable = 2, kExpressions = 4 };
    uint32_t flags = 0;
    if (segment.with_expressions) flags |= kExpressions;
    if (segment.mode == SegmentMode::kActive) {
      // The short form is for table 0, and with expressions for funcref only.
      const bool short_form = segment.table == TableIndex(0) &&
                              (!segment.with_expressions || segment.type == ValType::FuncRef());
      if (!short_form) flags |= kDeclaredOrTable;
    } else {
      flags |= kNotActive;
      if (segment.mode == SegmentMode::kDeclared) flags |= kDeclaredOrTable;
    }
    out.VarU32(flags);
    if (segment.mode == SegmentMode::kActive) {
      if ((flags & kDeclaredOrTable) != 0) out.VarU32(segment.table.raw());
      out.Bytes(segment.offset);
    }
    if ((flags & (kNotActive | kDeclaredOrTable)) != 0) {
      segment.with_expressions ? out.Type(segment.type) : out.U8(0);
    }
    out.VarU64(segment.size());
    for (FuncIndex func : segment.functions) out.VarU32(func.raw());
    for (const EncodedBytes& expression : segment.expressions) out.Bytes(expression);
  }

  void Data(const DataDraft& segment, ByteWriter& out) {
    if (segment.mode == SegmentMode::kPassive) {
      out.U8(1);
    } else {
      const bool short_form = segment.memory == MemoryIndex(0);
      out.U8(short_form ? 0 : 2);
      if (!short_form) out.VarU32(segment.memory.raw());
      out.Bytes(segment.offset);
    }
    out.VarU64(segment.bytes.size()).Bytes(segment.bytes);
  }

  // The branch-hinting proposal, "metadata.code.branch_hint".
  void BranchHints() {
    ByteWriter functions;
    uint32_t count = 0;
    for (size_t i = 0; i < draft_.bodies.size(); ++i) {
      const std::vector<BranchHint>& hints = draft_.bodies[i].hints;
      if (hints.empty()) continue;
      ++count;
      functions.VarU64(i + module_.num_imported_functions).VarU64(hints.size());
      for (const BranchHint& hint : hints) {
        functions.VarU32(hint.offset).VarU32(1).U8(hint.likely ? 1 : 0);
      }
    }
    if (count == 0) return;
    ByteWriter contents;
    contents.VarU32(count).Bytes(functions.bytes());
    Custom("metadata.code.branch_hint", contents.bytes());
  }

  // WebAssembly 3.0, appendix "Name Section": module, functions, locals, types, tags.
  void Names() {
    ByteWriter contents;
    auto names = [&](uint8_t id, size_t count, absl::string_view prefix) {
      ByteWriter map;
      map.VarU64(count);
      for (size_t i = 0; i < count; ++i) map.VarU64(i).Name(absl::StrCat(prefix, i));
      contents.Section(id, map.bytes());
    };
    ByteWriter module_name;
    contents.Section(0, module_name.Name("generated").bytes());
    names(1, module_.functions.size(), "function ");
    ByteWriter locals;
    locals.VarU64(draft_.bodies.size());
    for (size_t i = 0; i < draft_.bodies.size(); ++i) {
      const uint32_t count = draft_.bodies[i].num_locals;
      locals.VarU64(i + module_.num_imported_functions).VarU32(count);
      for (uint32_t j = 0; j < count; ++j) locals.VarU32(j).Name(absl::StrCat("local", j));
    }
    contents.Section(2, locals.bytes());
    names(4, module_.types.size(), "type");
    if (features_.Has(Feature::kExceptions)) names(11, module_.tags.size(), "tag");
    Custom("name", contents.bytes());
  }

  const ModuleDraft& draft_;
  const Module& module_;
  const Features features_;
  ByteWriter out_;
};

}  // namespace

EncodedBytes EncodeDraft(const ModuleDraft& draft, Features features) {
  return DraftEncoder(draft, features).Encode();
}

}  // namespace gantry::wasm::testing
