#include "wasm_translate/testing/module_builder.h"

#include <cstring>

namespace gantry::wasm::testing {
std::vector<uint8_t> ModuleHeaderBytes() { return {kModuleHeader.begin(), kModuleHeader.end()}; }

CodeBuilder& CodeBuilder::Locals(uint32_t count, ValType type) {
  locals_.emplace_back(count, type);
  return *this;
}

CodeBuilder& CodeBuilder::Op(Opcode op, absl::Span<const uint8_t> immediates) {
  code_.Op(op).Bytes(immediates);
  return *this;
}

CodeBuilder& CodeBuilder::Op(Opcode op, std::initializer_list<uint64_t> immediates) {
  Op(op);
  for (uint64_t immediate : immediates) code_.VarU64(immediate);
  return *this;
}

CodeBuilder& CodeBuilder::Raw(Opcode op, std::initializer_list<uint8_t> immediates) {
  return Op(op, absl::Span<const uint8_t>(immediates.begin(), immediates.size()));
}

CodeBuilder& CodeBuilder::I32Const(int32_t value) {
  Op(Opcode::kI32Const);
  code_.VarS64(value);
  return *this;
}

CodeBuilder& CodeBuilder::I64Const(int64_t value) {
  Op(Opcode::kI64Const);
  code_.VarS64(value);
  return *this;
}

CodeBuilder& CodeBuilder::F32Const(float value) {
  uint8_t bytes[sizeof(value)];
  std::memcpy(bytes, &value, sizeof(value));
  return Op(Opcode::kF32Const, absl::MakeConstSpan(bytes));
}

CodeBuilder& CodeBuilder::F64Const(double value) {
  uint8_t bytes[sizeof(value)];
  std::memcpy(bytes, &value, sizeof(value));
  return Op(Opcode::kF64Const, absl::MakeConstSpan(bytes));
}

CodeBuilder& CodeBuilder::Open(Opcode op, ValType result) {
  Op(op);
  code_.Type(result);
  return *this;
}

CodeBuilder& CodeBuilder::Open(Opcode op, TypeIndex type) {
  Op(op);
  code_.VarS64(type.raw());
  return *this;
}

CodeBuilder& CodeBuilder::BrTable(std::initializer_list<uint32_t> depths) {
  Op(Opcode::kBrTable);
  code_.VarU64(depths.size() - 1);
  for (uint32_t depth : depths) code_.VarU32(depth);
  return *this;
}

CodeBuilder& CodeBuilder::Memory(Opcode op, uint64_t offset) {
  return Op(op, {GetOperatorInfo(op).align_or_lanes, offset});
}

std::vector<uint8_t> CodeBuilder::Body() const {
  ByteWriter out;
  out.VarU64(locals_.size());
  for (const auto& [count, type] : locals_) out.VarU32(count).Type(type);
  return out.Bytes(Expression()).bytes();
}

std::vector<uint8_t> CodeBuilder::Expression() const {
  ByteWriter out = code_;
  return out.U8(0x0B).bytes();
}

TypeIndex ModuleBuilder::Type(const FuncType& type) {
  func_types_.push_back(type);
  types_.bytes.Func(type);
  return TypeIndex(types_.count++);
}

FuncIndex ModuleBuilder::ImportFunc(absl::string_view module, absl::string_view name,
                                    TypeIndex type) {
  ++imports_.count;
  imports_.bytes.Name(module).Name(name).U8(0).VarU32(type.raw());
  return FuncIndex(num_functions_++);
}

TableIndex ModuleBuilder::ImportTable(absl::string_view module, absl::string_view name,
                                      const TableType& type) {
  ++imports_.count;
  imports_.bytes.Name(module).Name(name).U8(1).Table(type);
  return TableIndex(num_tables_++);
}

MemoryIndex ModuleBuilder::ImportMemory(absl::string_view module, absl::string_view name,
                                        const MemoryType& type) {
  ++imports_.count;
  imports_.bytes.Name(module).Name(name).U8(2).Memory(type);
  return MemoryIndex(num_memories_++);
}

GlobalIndex ModuleBuilder::ImportGlobal(absl::string_view module, absl::string_view name,
                                        const GlobalType& type) {
  ++imports_.count;
  imports_.bytes.Name(module).Name(name).U8(3).Global(type);
  return GlobalIndex(num_globals_++);
}

FuncIndex ModuleBuilder::Func(TypeIndex type, const CodeBuilder& code) {
  return RawFunc(type, code.Body());
}

FuncIndex ModuleBuilder::Func(const FuncType& type, const CodeBuilder& code) {
  for (size_t i = 0; i < func_types_.size(); ++i) {
    if (func_types_[i] == type) return Func(TypeIndex::FromIndex(i), code);
  }
  return Func(Type(type), code);
}

FuncIndex ModuleBuilder::RawFunc(TypeIndex type, absl::Span<const uint8_t> body) {
  ++functions_.count;
  functions_.bytes.VarU32(type.raw());
  ++code_.count;
  code_.bytes.VarU64(body.size()).Bytes(body);
  return FuncIndex(num_functions_++);
}

TableIndex ModuleBuilder::Table(const TableType& type) {
  ++tables_.count;
  tables_.bytes.Table(type);
  return TableIndex(num_tables_++);
}

MemoryIndex ModuleBuilder::Memory(uint64_t min_pages, std::optional<uint64_t> max_pages) {
  MemoryType type;
  type.limits = {min_pages, max_pages};
  return Memory(type);
}

MemoryIndex ModuleBuilder::Memory(const MemoryType& type) {
  ++memories_.count;
  memories_.bytes.Memory(type);
  return MemoryIndex(num_memories_++);
}

GlobalIndex ModuleBuilder::Global(const GlobalType& type, const CodeBuilder& initializer) {
  ++globals_.count;
  globals_.bytes.Global(type).Bytes(initializer.Expression());
  return GlobalIndex(num_globals_++);
}

void ModuleBuilder::ExportFunc(absl::string_view name, FuncIndex func) {
  Export(name, ExternKind::kFunc, func.raw());
}

void ModuleBuilder::Export(absl::string_view name, ExternKind kind, uint32_t index) {
  ++exports_.count;
  exports_.bytes.Name(name).U8(static_cast<uint8_t>(kind)).VarU32(index);
}

void ModuleBuilder::Start(FuncIndex func) { start_ = func; }

ElemIndex ModuleBuilder::ActiveElements(TableIndex table, const CodeBuilder& offset,
                                        absl::Span<const FuncIndex> functions) {
  ByteWriter& out = elements_.bytes;
  const bool first_table = table == TableIndex(0);
  out.VarU32(first_table ? 0 : 2);
  if (!first_table) out.VarU32(table.raw());
  out.Bytes(offset.Expression());
  if (!first_table) out.U8(0);
  out.VarU64(functions.size());
  for (FuncIndex func : functions) out.VarU32(func.raw());
  return ElemIndex(elements_.count++);
}

ElemIndex ModuleBuilder::PassiveElements(absl::Span<const FuncIndex> functions) {
  ByteWriter& out = elements_.bytes;
  out.VarU32(1).U8(0).VarU64(functions.size());
  for (FuncIndex func : functions) out.VarU32(func.raw());
  return ElemIndex(elements_.count++);
}

DataIndex ModuleBuilder::ActiveData(MemoryIndex memory, const CodeBuilder& offset,
                                    absl::string_view bytes) {
  if (memory == MemoryIndex(0)) {
    data_.bytes.VarU32(0);
  } else {
    data_.bytes.VarU32(2).VarU32(memory.raw());
  }
  data_.bytes.Bytes(offset.Expression()).Name(bytes);
  return DataIndex(data_.count++);
}

DataIndex ModuleBuilder::PassiveData(absl::string_view bytes) {
  data_.bytes.VarU32(1).Name(bytes);
  return DataIndex(data_.count++);
}

void ModuleBuilder::FunctionName(FuncIndex func, absl::string_view name) {
  ++names_.count;
  names_.bytes.VarU32(func.raw()).Name(name);
}

void ModuleBuilder::CustomSection(absl::string_view name, absl::string_view bytes) {
  ByteWriter contents;
  contents.Name(name).Bytes(BytesOf(bytes));
  custom_.Section(0, contents.bytes());
}

void ModuleBuilder::RawSection(uint8_t id, absl::Span<const uint8_t> contents) {
  raw_.Section(id, contents);
}

std::vector<uint8_t> ModuleBuilder::Build() const {
  ByteWriter out;
  out.Bytes(ModuleHeaderBytes()).Bytes(raw_.bytes());
  auto section = [&out](uint8_t id, const Entries& entries) {
    if (entries.count == 0) return;
    ByteWriter contents;
    contents.VarU32(entries.count).Bytes(entries.bytes.bytes());
    out.Section(id, contents.bytes());
  };
  section(1, types_);
  section(2, imports_);
  section(3, functions_);
  section(4, tables_);
  section(5, memories_);
  section(6, globals_);
  section(7, exports_);
  if (start_.has_value()) {
    ByteWriter contents;
    contents.VarU32(start_->raw());
    out.Section(8, contents.bytes());
  }
  section(9, elements_);
  if (with_data_count_) {
    ByteWriter contents;
    contents.VarU32(data_.count);
    out.Section(12, contents.bytes());
  }
  section(10, code_);
  section(11, data_);
  if (names_.count > 0) {
    ByteWriter map;
    map.VarU32(names_.count).Bytes(names_.bytes.bytes());
    ByteWriter contents;
    contents.Name("name").U8(1).VarU64(map.size()).Bytes(map.bytes());
    out.Section(0, contents.bytes());
  }
  return out.Bytes(custom_.bytes()).bytes();
}

}  // namespace gantry::wasm::testing
