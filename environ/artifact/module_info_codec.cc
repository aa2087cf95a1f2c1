#include "environ/artifact/module_info_codec.h"

#include <cstring>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>
#include <variant>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace gantry::environ {
namespace {

// Writes what it is shown.
class Encoder {
 public:
  static constexpr bool kReading = false;

  template <typename T>
  void Number(T& value) {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
    const size_t at = bytes_.size();
    bytes_.resize(at + sizeof value);
    std::memcpy(bytes_.data() + at, &value, sizeof value);
  }
  // Number of elements of a list, each at least `element_size` bytes long.
  size_t Count(size_t count, size_t) {
    uint64_t number = count;
    Number(number);
    return count;
  }
  void Bytes(void* data, size_t size) {
    const uint8_t* first = static_cast<const uint8_t*>(data);
    bytes_.insert(bytes_.end(), first, first + size);
  }
  bool ok() const { return true; }
  void Fail(const char*) {}

  std::vector<uint8_t> bytes_;
};

// Fills what it is shown; after the first failure everything reads as zero and empty.
class Decoder {
 public:
  static constexpr bool kReading = true;

  explicit Decoder(absl::Span<const uint8_t> bytes) : rest_(bytes), size_(bytes.size()) {}

  template <typename T>
  void Number(T& value) {
    static_assert(std::is_arithmetic_v<T> || std::is_enum_v<T>);
    if constexpr (std::is_same_v<T, bool>) {
      uint8_t byte = 0;
      Bytes(&byte, 1);
      if (byte > 1) Fail("a truth value that is neither 0 nor 1");
      value = byte == 1;
    } else {
      value = T{};
      Bytes(&value, sizeof value);
    }
  }
  size_t Count(size_t, size_t element_size) {
    uint64_t count = 0;
    Number(count);
    if (count > rest_.size() / element_size) {
      Fail("a list longer than the bytes that are left");
      return 0;
    }
    return count;
  }
  void Bytes(void* data, size_t size) {
    if (size > rest_.size()) {
      Fail("an end in the middle");
      return;
    }
    if (size != 0) std::memcpy(data, rest_.data(), size);
    rest_.remove_prefix(size);
  }
  bool ok() const { return error_ == nullptr; }
  bool at_end() const { return rest_.empty(); }
  void Fail(const char* what) {
    if (error_ != nullptr) return;
    error_ = what;
    error_offset_ = size_ - rest_.size();
    rest_ = {};
  }
  absl::Status status() const {
    if (ok()) return absl::OkStatus();
    return absl::InvalidArgumentError(absl::StrCat("not a usable artifact: its module data has ",
                                                   error_, " (at byte ", error_offset_, ")"));
  }

 private:
  absl::Span<const uint8_t> rest_;
  size_t size_;
  const char* error_ = nullptr;
  size_t error_offset_ = 0;
};

// An enumerator, checked against the largest there is.
template <typename Archive, typename E>
void Enum(Archive& archive, E& value, E last) {
  archive.Number(value);
  if (value > last) {
    archive.Fail("a kind that does not exist");
    value = E{};
  }
}

template <typename Archive, typename Id>
void IdField(Archive& archive, Id& id) {
  uint32_t raw = id.raw();
  archive.Number(raw);
  if constexpr (Archive::kReading) id = Id(raw);
}

template <typename Archive>
void Text(Archive& archive, std::string& text) {
  const size_t size = archive.Count(text.size(), 1);
  if constexpr (Archive::kReading) text.resize(size);
  archive.Bytes(text.data(), size);
}

// A list: `transfer(archive, element)` for each. `Element` must have a default.
template <typename Archive, typename List, typename Transfer>
void ForEach(Archive& archive, List& list, size_t element_size, Transfer transfer) {
  const size_t count = archive.Count(list.size(), element_size);
  if constexpr (Archive::kReading) {
    list.clear();
    list.reserve(count);
    for (size_t i = 0; i < count && archive.ok(); ++i) {
      typename List::value_type element{};
      transfer(archive, element);
      if constexpr (requires { list.Push(element); }) {
        list.Push(std::move(element));
      } else {
        list.push_back(std::move(element));
      }
    }
  } else {
    for (auto& element : list) transfer(archive, element);
  }
}

template <typename Archive>
void Transfer(Archive& archive, wasm::HeapType& type) {
  bool concrete = type.is_concrete();
  bool shared = type.is_shared();
  archive.Number(concrete);
  archive.Number(shared);
  if (concrete) {
    uint32_t index = Archive::kReading ? 0 : type.index().raw();
    archive.Number(index);
    if (index > wasm::HeapType::kMaxIndex) {
      archive.Fail("a type index out of range");
      index = 0;
    }
    if constexpr (Archive::kReading) type = wasm::HeapType::Concrete(wasm::TypeIndex(index));
  } else {
    wasm::AbstractHeapType abstract =
        Archive::kReading ? wasm::AbstractHeapType::kFunc : type.abstract();
    Enum(archive, abstract, wasm::AbstractHeapType::kNoExn);
    if constexpr (Archive::kReading) type = wasm::HeapType::Abstract(abstract, shared);
  }
}

template <typename Archive>
void Transfer(Archive& archive, wasm::ValType& type) {
  using Kind = wasm::ValType::Kind;
  Kind kind = type.kind();
  Enum(archive, kind, Kind::kRef);
  bool nullable = kind == Kind::kRef && type.is_ref() && type.is_nullable();
  wasm::HeapType heap =
      type.is_ref() ? type.heap_type() : wasm::HeapType::Abstract(wasm::AbstractHeapType::kFunc);
  if (kind == Kind::kRef) {
    archive.Number(nullable);
    Transfer(archive, heap);
  }
  if constexpr (Archive::kReading) {
    switch (kind) {
      case Kind::kI32:
        type = wasm::ValType::I32();
        break;
      case Kind::kI64:
        type = wasm::ValType::I64();
        break;
      case Kind::kF32:
        type = wasm::ValType::F32();
        break;
      case Kind::kF64:
        type = wasm::ValType::F64();
        break;
      case Kind::kV128:
        type = wasm::ValType::V128();
        break;
      case Kind::kRef:
      case Kind::kBottom:
        type = wasm::ValType::Ref(heap, nullable);
        break;
    }
  }
}

template <typename Archive>
void Transfer(Archive& archive, wasm::FuncType& type) {
  std::vector<wasm::ValType> params(type.params().begin(), type.params().end());
  std::vector<wasm::ValType> results(type.results().begin(), type.results().end());
  const auto each = [](Archive& a, wasm::ValType& t) { Transfer(a, t); };
  ForEach(archive, params, 1, each);
  ForEach(archive, results, 1, each);
  if constexpr (Archive::kReading) type = wasm::FuncType(params, results);
}

template <typename Archive>
void Transfer(Archive& archive, wasm::FieldType& field) {
  wasm::StorageType::Packed packed = field.storage.packed();
  Enum(archive, packed, wasm::StorageType::Packed::kI16);
  wasm::ValType value = field.storage.unpacked();
  Transfer(archive, value);
  archive.Number(field.is_mutable);
  if constexpr (Archive::kReading) {
    switch (packed) {
      case wasm::StorageType::Packed::kNone:
        field.storage = wasm::StorageType(value);
        break;
      case wasm::StorageType::Packed::kI8:
        field.storage = wasm::StorageType::I8();
        break;
      case wasm::StorageType::Packed::kI16:
        field.storage = wasm::StorageType::I16();
        break;
    }
  }
}

template <typename Archive>
void Transfer(Archive& archive, wasm::SubType& type) {
  uint8_t kind = static_cast<uint8_t>(type.composite.index());
  archive.Number(kind);
  if constexpr (Archive::kReading) {
    if (kind == 0) {
      type.composite.emplace<wasm::FuncType>();
    } else if (kind == 1) {
      type.composite.emplace<wasm::StructType>();
    } else if (kind == 2) {
      type.composite.emplace<wasm::ArrayType>();
    } else {
      archive.Fail("a kind of type that does not exist");
    }
  }
  if (auto* func = std::get_if<wasm::FuncType>(&type.composite)) {
    Transfer(archive, *func);
  } else if (auto* fields = std::get_if<wasm::StructType>(&type.composite)) {
    ForEach(archive, fields->fields, 3,
            [](Archive& a, wasm::FieldType& field) { Transfer(a, field); });
  } else if (auto* array = std::get_if<wasm::ArrayType>(&type.composite)) {
    Transfer(archive, array->element);
  }
  IdField(archive, type.supertype);
  archive.Number(type.is_final);
  IdField(archive, type.group_start);
  archive.Number(type.group_size);
}

template <typename Archive>
void Transfer(Archive& archive, wasm::Limits& limits) {
  archive.Number(limits.min);
  bool has_max = limits.max.has_value();
  archive.Number(has_max);
  if (!has_max) return;
  uint64_t max = limits.max.value_or(0);
  archive.Number(max);
  limits.max = max;
}

template <typename Archive>
void Transfer(Archive& archive, wasm::TableType& type) {
  Transfer(archive, type.element);
  Transfer(archive, type.limits);
  Enum(archive, type.index_type, wasm::IndexType::kI64);
  archive.Number(type.shared);
}

template <typename Archive>
void Transfer(Archive& archive, MemoryInfo& memory) {
  Transfer(archive, memory.type.limits);
  Enum(archive, memory.type.index_type, wasm::IndexType::kI64);
  archive.Number(memory.type.shared);
  archive.Number(memory.type.page_size_log2);
  Enum(archive, memory.plan.index_type, wasm::IndexType::kI64);
  archive.Number(memory.plan.page_size_log2);
  archive.Number(memory.plan.reservation);
  archive.Number(memory.plan.guard);
  Enum(archive, memory.plan.bounds, MemoryPlan::Bounds::kExplicit);
  archive.Number(memory.plan.may_move);
  if (memory.type.page_size_log2 > 16 || memory.plan.page_size_log2 > 16) {
    archive.Fail("a page size out of range");
  }
}

template <typename Archive>
void Transfer(Archive& archive, wasm::GlobalType& type) {
  Transfer(archive, type.content);
  archive.Number(type.is_mutable);
  archive.Number(type.shared);
}

template <typename Archive>
void Transfer(Archive& archive, EntityRef& ref) {
  Enum(archive, ref.kind, wasm::ExternKind::kTag);
  archive.Number(ref.index);
}

template <typename Archive>
void Transfer(Archive& archive, ConstExpr& expr) {
  std::vector<ConstOp> ops(expr.ops().begin(), expr.ops().end());
  ForEach(archive, ops, 17, [](Archive& a, ConstOp& op) {
    Enum(a, op.kind, ConstOp::Kind::kExternConvertAny);
    a.Number(op.value[0]);
    a.Number(op.value[1]);
  });
  if constexpr (Archive::kReading) expr = ConstExpr(std::move(ops));
}

template <typename Archive>
void Transfer(Archive& archive, ElemSegment& segment) {
  Enum(archive, segment.mode, SegmentMode::kPreset);
  IdField(archive, segment.table);
  Transfer(archive, segment.offset);
  Transfer(archive, segment.type);
  ForEach(archive, segment.functions, 4,
          [](Archive& a, wasm::FuncIndex& function) { IdField(a, function); });
  ForEach(archive, segment.expressions, 8, [](Archive& a, ConstExpr& expr) { Transfer(a, expr); });
}

template <typename Archive>
void Transfer(Archive& archive, DataSegment& segment) {
  Enum(archive, segment.mode, SegmentMode::kDeclared);
  IdField(archive, segment.memory);
  Transfer(archive, segment.offset);
  archive.Number(segment.data_offset);
  archive.Number(segment.data_length);
}

template <typename Archive>
void Transfer(Archive& archive, ModuleInfo& info) {
  const auto transfer = [](Archive& a, auto& element) { Transfer(a, element); };
  Text(archive, info.name);
  ForEach(archive, info.types, 14, transfer);
  ForEach(archive, info.functions, 8, [](Archive& a, FuncInfo& function) {
    IdField(a, function.type);
    IdField(a, function.func_ref);
  });
  ForEach(archive, info.tables, 12, transfer);
  ForEach(archive, info.memories, 30, transfer);
  ForEach(archive, info.globals, 3, transfer);
  ForEach(archive, info.tags, 4, [](Archive& a, wasm::TagType& tag) { IdField(a, tag.type); });
  archive.Number(info.num_imported_functions);
  archive.Number(info.num_imported_tables);
  archive.Number(info.num_imported_memories);
  archive.Number(info.num_imported_globals);
  archive.Number(info.num_imported_tags);
  archive.Number(info.num_func_refs);
  ForEach(archive, info.imports, 21, [](Archive& a, ImportInfo& import) {
    Text(a, import.module);
    Text(a, import.name);
    Transfer(a, import.entity);
  });
  ForEach(archive, info.exports, 13, [](Archive& a, ExportInfo& exported) {
    Text(a, exported.name);
    Transfer(a, exported.entity);
  });
  ForEach(archive, info.global_inits, 8, transfer);
  ForEach(archive, info.table_inits, 8, transfer);
  ForEach(archive, info.preset_tables, 8, [](Archive& a, std::vector<wasm::FuncIndex>& preset) {
    ForEach(a, preset, 4, [](Archive& b, wasm::FuncIndex& function) { IdField(b, function); });
  });
  ForEach(archive, info.elem_segments, 30, transfer);
  ForEach(archive, info.data_segments, 29, transfer);
  IdField(archive, info.start);
  ForEach(archive, info.func_names, 12, [](Archive& a, FuncName& name) {
    IdField(a, name.func);
    Text(a, name.name);
  });
  ForEach(archive, info.uncompiled, 8, [](Archive& a, UncompiledFunc& function) {
    IdField(a, function.func);
    a.Number(function.reason);
  });
  ForEach(archive, info.missing, 9, [](Archive& a, wasm::Unimplemented& missing) {
    Enum(a, missing.feature, wasm::AllFeatures().back());
    Text(a, missing.what);
  });
}

// Whether a decoded module's indices all lie in their spaces, so that the runtime can follow
// them without asking.
class Checker {
 public:
  Checker(const ModuleInfo& info, uint64_t data_size) : info_(info), data_size_(data_size) {}

  absl::Status Check() {
    CheckTypes();
    CheckCounts();
    for (const ImportInfo& import : info_.imports) CheckEntity(import.entity);
    for (const ExportInfo& exported : info_.exports) {
      CheckEntity(exported.entity);
      if (exported.entity.kind == wasm::ExternKind::kFunc) {
        CheckEscaping(wasm::FuncIndex(exported.entity.index));
      }
    }
    // A global's initialiser sees the globals before it.
    for (const auto& [global, init] : info_.global_inits.entries()) {
      CheckExpr(init, uint64_t{info_.num_imported_globals} + global.raw());
    }
    for (const ConstExpr& init : info_.table_inits) {
      if (!init.empty()) CheckExpr(init);
    }
    CheckPresets();
    for (const ElemSegment& segment : info_.elem_segments) CheckSegment(segment);
    for (const DataSegment& segment : info_.data_segments) CheckSegment(segment);
    if (info_.start.is_some()) Expect(info_.functions.contains(info_.start), "a start function");
    for (const FuncName& name : info_.func_names) {
      Expect(info_.functions.contains(name.func), "a named function");
    }
    for (size_t i = 0; i < info_.uncompiled.size(); ++i) {
      Expect(info_.uncompiled[i].reason < info_.missing.size() &&
                 (i == 0 || info_.uncompiled[i - 1].func < info_.uncompiled[i].func),
             "a function that was not compiled");
    }
    if (error_ == nullptr) return absl::OkStatus();
    return absl::InvalidArgumentError(
        absl::StrCat("not a usable artifact: its module data has ", error_, " out of range"));
  }

 private:
  void Expect(bool condition, const char* what) {
    if (!condition && error_ == nullptr) error_ = what;
  }
  void CheckType(wasm::ValType type) { CheckType(type, info_.types.size()); }
  // A reference to one of the first `visible` types.
  void CheckType(wasm::ValType type, uint64_t visible) {
    if (type.is_ref() && type.heap_type().is_concrete()) {
      Expect(type.heap_type().index().raw() < visible, "a type");
    }
  }
  bool IsFuncType(wasm::TypeIndex type) const {
    const wasm::SubType* found = info_.types.find(type);
    return found != nullptr && found->is_func();
  }
  void CheckTypes() {
    // Groups follow each other without gaps, and types refer to their own group or earlier ones.
    uint64_t group_start = 0, group_end = 0;
    for (const auto& [index, type] : info_.types.entries()) {
      if (index.raw() == group_end) {
        group_start = group_end;
        group_end += type.group_size;
      }
      Expect(type.group_start.raw() == group_start && type.group_size == group_end - group_start &&
                 index.raw() < group_end && group_end <= info_.types.size(),
             "a recursion group");
      if (const wasm::FuncType* func = type.func()) {
        for (const wasm::ValType t : func->params()) CheckType(t, group_end);
        for (const wasm::ValType t : func->results()) CheckType(t, group_end);
      } else if (const wasm::StructType* fields = type.struct_type()) {
        for (const wasm::FieldType& field : fields->fields) {
          CheckType(field.storage.unpacked(), group_end);
        }
      } else {
        CheckType(type.array()->element.storage.unpacked(), group_end);
      }
      Expect(type.supertype.is_none() || type.supertype < index, "a supertype");
    }
    for (const FuncInfo& function : info_.functions) {
      Expect(IsFuncType(function.type), "a function's type");
      Expect(function.func_ref.is_none() || function.func_ref.raw() < info_.num_func_refs,
             "a function reference");
    }
    for (const wasm::TableType& table : info_.tables) {
      CheckType(table.element);
      Expect(table.element.is_ref(), "a table's type");
    }
    for (const wasm::GlobalType& global : info_.globals) CheckType(global.content);
    for (const wasm::TagType& tag : info_.tags) Expect(IsFuncType(tag.type), "a tag's type");
  }
  void CheckCounts() {
    Expect(info_.num_imported_functions <= info_.functions.size(), "the imported functions");
    Expect(info_.num_imported_tables <= info_.tables.size(), "the imported tables");
    Expect(info_.num_imported_memories <= info_.memories.size(), "the imported memories");
    Expect(info_.num_imported_globals <= info_.globals.size(), "the imported globals");
    Expect(info_.num_imported_tags <= info_.tags.size(), "the imported tags");
    if (error_ != nullptr) return;
    Expect(info_.num_func_refs <= info_.functions.size(), "the function references");
    Expect(info_.global_inits.size() == info_.globals.size() - info_.num_imported_globals,
           "the globals' values");
    Expect(info_.table_inits.size() == info_.tables.size() - info_.num_imported_tables,
           "the tables' values");
    uint64_t imports = uint64_t{info_.num_imported_functions} + info_.num_imported_tables +
                       info_.num_imported_memories + info_.num_imported_globals +
                       info_.num_imported_tags;
    Expect(imports == info_.imports.size(), "the imports");
    for (const size_t size : {info_.functions.size(), info_.tables.size(), info_.memories.size(),
                              info_.globals.size(), info_.tags.size()}) {
      Expect(size <= VMOffsets::kMaxCount, "the size of an index space");
    }
  }
  void CheckEntity(const EntityRef& ref) {
    size_t size = 0;
    switch (ref.kind) {
      case wasm::ExternKind::kFunc:
        size = info_.functions.size();
        break;
      case wasm::ExternKind::kTable:
        size = info_.tables.size();
        break;
      case wasm::ExternKind::kMemory:
        size = info_.memories.size();
        break;
      case wasm::ExternKind::kGlobal:
        size = info_.globals.size();
        break;
      case wasm::ExternKind::kTag:
        size = info_.tags.size();
        break;
    }
    Expect(ref.index < size, "an import or export");
  }
  const wasm::SubType* TypeAt(uint64_t index) const {
    if (index >= info_.types.size()) return nullptr;
    return &info_.types[wasm::TypeIndex(static_cast<uint32_t>(index))];
  }
  // Indices, and that there are operands for each operation and one result.
  void CheckExpr(const ConstExpr& expr) { CheckExpr(expr, info_.globals.size()); }
  void CheckExpr(const ConstExpr& expr, uint64_t visible_globals) {
    uint64_t depth = 0;
    for (const ConstOp& op : expr.ops()) {
      uint64_t operands = 0;
      switch (op.kind) {
        case ConstOp::Kind::kI32Const:
        case ConstOp::Kind::kI64Const:
        case ConstOp::Kind::kF32Const:
        case ConstOp::Kind::kF64Const:
        case ConstOp::Kind::kV128Const:
        case ConstOp::Kind::kRefNull:
          break;
        case ConstOp::Kind::kGlobalGet:
          Expect(op.value[0] < visible_globals, "a global of a constant expression");
          break;
        case ConstOp::Kind::kRefFunc:
          Expect(op.value[0] < info_.functions.size(), "a function of a constant expression");
          CheckEscaping(wasm::FuncIndex(static_cast<uint32_t>(op.value[0])));
          break;
        case ConstOp::Kind::kI32Add:
        case ConstOp::Kind::kI32Sub:
        case ConstOp::Kind::kI32Mul:
        case ConstOp::Kind::kI64Add:
        case ConstOp::Kind::kI64Sub:
        case ConstOp::Kind::kI64Mul:
          operands = 2;
          break;
        case ConstOp::Kind::kRefI31:
        case ConstOp::Kind::kAnyConvertExtern:
        case ConstOp::Kind::kExternConvertAny:
          operands = 1;
          break;
        case ConstOp::Kind::kStructNew:
        case ConstOp::Kind::kStructNewDefault: {
          const wasm::SubType* type = TypeAt(op.value[0]);
          const bool is_struct = type != nullptr && type->struct_type() != nullptr;
          Expect(is_struct, "a struct of a constant expression");
          if (is_struct && op.kind == ConstOp::Kind::kStructNew) {
            operands = type->struct_type()->fields.size();
          }
          break;
        }
        case ConstOp::Kind::kArrayNew:
        case ConstOp::Kind::kArrayNewDefault:
        case ConstOp::Kind::kArrayNewFixed: {
          const wasm::SubType* type = TypeAt(op.value[0]);
          Expect(type != nullptr && type->array() != nullptr, "an array of a constant expression");
          operands = op.kind == ConstOp::Kind::kArrayNew          ? 2
                     : op.kind == ConstOp::Kind::kArrayNewDefault ? 1
                                                                  : op.value[1];
          break;
        }
      }
      Expect(operands <= depth, "an operand of a constant expression");
      if (error_ != nullptr) return;
      depth += 1 - operands;
    }
    Expect(depth == 1, "the result of a constant expression");
  }
  // A function of which there are references has a place for them.
  void CheckEscaping(wasm::FuncIndex function) {
    const FuncInfo* found = info_.functions.find(function);
    Expect(found != nullptr && (info_.IsImported(function) || found->func_ref.is_some()),
           "a function that escapes");
  }
  void CheckPresets() {
    Expect(info_.preset_tables.empty() ||
               info_.preset_tables.size() == info_.tables.size() - info_.num_imported_tables,
           "the presets of tables");
    if (error_ != nullptr) return;
    for (const auto& [table, preset] : info_.preset_tables.entries()) {
      const wasm::TableType& type = info_.tables[info_.Index(table)];
      const wasm::HeapType heap = type.element.heap_type();
      const bool holds_functions =
          heap.is_concrete() ? IsFuncType(heap.index())
                             : wasm::TopOfHierarchy(heap) == wasm::AbstractHeapType::kFunc;
      Expect(preset.empty() || (holds_functions && preset.size() <= type.limits.min),
             "a table's preset");
      for (const wasm::FuncIndex function : preset) {
        if (function.is_some()) CheckEscaping(function);
      }
    }
  }
  void CheckSegment(const ElemSegment& segment) {
    CheckType(segment.type);
    if (segment.mode == SegmentMode::kPreset) {
      Expect(segment.size() == 0, "a preset element segment");
    }
    if (segment.mode == SegmentMode::kActive || segment.mode == SegmentMode::kPreset) {
      Expect(info_.tables.contains(segment.table), "the table of an element segment");
      CheckExpr(segment.offset);
    }
    Expect(segment.functions.empty() || segment.expressions.empty(), "an element segment");
    for (const wasm::FuncIndex function : segment.functions) {
      if (function.is_some()) CheckEscaping(function);
    }
    for (const ConstExpr& expr : segment.expressions) CheckExpr(expr);
  }
  void CheckSegment(const DataSegment& segment) {
    if (segment.mode == SegmentMode::kActive) {
      Expect(info_.memories.contains(segment.memory), "the memory of a data segment");
      CheckExpr(segment.offset);
    }
    Expect(segment.data_offset <= data_size_ &&
               segment.data_length <= data_size_ - segment.data_offset,
           "a data segment");
  }

  const ModuleInfo& info_;
  const uint64_t data_size_;
  const char* error_ = nullptr;
};

}  // namespace

std::vector<uint8_t> EncodeModuleInfo(const ModuleInfo& info) {
  Encoder encoder;
  // The archive's functions take what a decoder would write; an encoder only reads it.
  Transfer(encoder, const_cast<ModuleInfo&>(info));
  return std::move(encoder.bytes_);
}

absl::StatusOr<ModuleInfo> DecodeModuleInfo(absl::Span<const uint8_t> bytes, uint64_t data_size) {
  Decoder decoder(bytes);
  ModuleInfo info;
  Transfer(decoder, info);
  if (decoder.ok() && !decoder.at_end()) decoder.Fail("bytes left over");
  RETURN_IF_ERROR(decoder.status());
  RETURN_IF_ERROR(Checker(info, data_size).Check());
  return info;
}

}  // namespace gantry::environ
