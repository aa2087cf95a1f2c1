// Makes binary modules by hand in tests, valid or not.
//
//   ModuleBuilder builder;
//   TypeIndex type = builder.Type({ValType::I32()}, {ValType::I32()});
//   FuncIndex add1 = builder.Func(
//       type, CodeBuilder().LocalGet(0).I32Const(1).Op(Opcode::kI32Add));
//   builder.ExportFunc("add1", add1);
//   std::vector<uint8_t> bytes = builder.Build();
//
// Nothing is checked. Imports have to be added before definitions of their kind, since they
// take the lower indices.
#ifndef GANTRY_WASM_TRANSLATE_TESTING_MODULE_BUILDER_H_
#define GANTRY_WASM_TRANSLATE_TESTING_MODULE_BUILDER_H_

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "wasm_translate/binary_writer.h"
#include "wasm_translate/operators.h"
#include "wasm_translate/types.h"

namespace gantry::wasm::testing {

using wasm::ByteWriter;

// The operators of a body or a constant expression. `end` of the whole is put by Build.
class CodeBuilder {
 public:
  // A run of locals, after the parameters.
  CodeBuilder& Locals(uint32_t count, ValType type);

  // An operator and whatever immediates, already encoded.
  CodeBuilder& Op(Opcode op, absl::Span<const uint8_t> immediates = {});
  // An operator with immediates that are all unsigned numbers.
  CodeBuilder& Op(Opcode op, std::initializer_list<uint64_t> immediates);

  CodeBuilder& I32Const(int32_t value);
  CodeBuilder& I64Const(int64_t value);
  CodeBuilder& F32Const(float value);
  CodeBuilder& F64Const(double value);
  CodeBuilder& LocalGet(uint32_t local) { return Op(Opcode::kLocalGet, {local}); }
  CodeBuilder& LocalSet(uint32_t local) { return Op(Opcode::kLocalSet, {local}); }
  CodeBuilder& LocalTee(uint32_t local) { return Op(Opcode::kLocalTee, {local}); }
  CodeBuilder& GlobalGet(uint32_t global) { return Op(Opcode::kGlobalGet, {global}); }
  CodeBuilder& GlobalSet(uint32_t global) { return Op(Opcode::kGlobalSet, {global}); }
  CodeBuilder& Call(FuncIndex func) { return Op(Opcode::kCall, {func.raw()}); }
  CodeBuilder& CallIndirect(TypeIndex type, uint32_t table = 0) {
    return Op(Opcode::kCallIndirect, {type.raw(), table});
  }
  // block, loop or if: of no type, one result, or a function type.
  CodeBuilder& Open(Opcode op) { return Raw(op, {0x40}); }
  CodeBuilder& Open(Opcode op, ValType result);
  CodeBuilder& Open(Opcode op, TypeIndex type);
  CodeBuilder& Else() { return Op(Opcode::kElse); }
  CodeBuilder& End() { return Op(Opcode::kEnd); }
  CodeBuilder& Br(uint32_t depth) { return Op(Opcode::kBr, {depth}); }
  CodeBuilder& BrIf(uint32_t depth) { return Op(Opcode::kBrIf, {depth}); }
  // The last depth is the default's.
  CodeBuilder& BrTable(std::initializer_list<uint32_t> depths);
  // A load or store with natural alignment.
  CodeBuilder& Memory(Opcode op, uint64_t offset = 0);

  // The locals, the operators, and the `end`.
  std::vector<uint8_t> Body() const;
  // Without locals.
  std::vector<uint8_t> Expression() const;

 private:
  CodeBuilder& Raw(Opcode op, std::initializer_list<uint8_t> immediates);

  std::vector<std::pair<uint32_t, ValType>> locals_;
  ByteWriter code_;
};

class ModuleBuilder {
 public:
  TypeIndex Type(const FuncType& type);
  TypeIndex Type(std::initializer_list<ValType> params, std::initializer_list<ValType> results) {
    return Type(FuncType(params, results));
  }

  FuncIndex ImportFunc(absl::string_view module, absl::string_view name, TypeIndex type);
  TableIndex ImportTable(absl::string_view module, absl::string_view name, const TableType& type);
  MemoryIndex ImportMemory(absl::string_view module, absl::string_view name,
                           const MemoryType& type);
  GlobalIndex ImportGlobal(absl::string_view module, absl::string_view name,
                           const GlobalType& type);

  FuncIndex Func(TypeIndex type, const CodeBuilder& code);
  // Adds the type where it is new.
  FuncIndex Func(const FuncType& type, const CodeBuilder& code);
  // A body as it is, `end` included.
  FuncIndex RawFunc(TypeIndex type, absl::Span<const uint8_t> body);
  TableIndex Table(const TableType& type);
  MemoryIndex Memory(uint64_t min_pages, std::optional<uint64_t> max_pages = std::nullopt);
  MemoryIndex Memory(const MemoryType& type);
  GlobalIndex Global(const GlobalType& type, const CodeBuilder& initializer);

  void ExportFunc(absl::string_view name, FuncIndex func);
  void Export(absl::string_view name, ExternKind kind, uint32_t index);
  void Start(FuncIndex func);

  // Functions into a table from `offset` on, or passive.
  ElemIndex ActiveElements(TableIndex table, const CodeBuilder& offset,
                           absl::Span<const FuncIndex> functions);
  ElemIndex PassiveElements(absl::Span<const FuncIndex> functions);
  DataIndex ActiveData(MemoryIndex memory, const CodeBuilder& offset, absl::string_view bytes);
  DataIndex PassiveData(absl::string_view bytes);
  // Puts a data count section in, as memory.init and data.drop ask for.
  void WithDataCount() { with_data_count_ = true; }

  void FunctionName(FuncIndex func, absl::string_view name);
  // Goes last.
  void CustomSection(absl::string_view name, absl::string_view bytes);
  // Any section, before those that Build makes: for malformed modules.
  void RawSection(uint8_t id, absl::Span<const uint8_t> contents);

  std::vector<uint8_t> Build() const;

 private:
  struct Entries {
    uint32_t count = 0;
    ByteWriter bytes;
  };

  std::vector<FuncType> func_types_;
  Entries types_, imports_, functions_, tables_, memories_, globals_, exports_, elements_, code_,
      data_, names_;
  uint32_t num_functions_ = 0;
  uint32_t num_tables_ = 0;
  uint32_t num_memories_ = 0;
  uint32_t num_globals_ = 0;
  std::optional<FuncIndex> start_;
  bool with_data_count_ = false;
  ByteWriter custom_;
  ByteWriter raw_;
};

// The eight bytes that begin every module.
std::vector<uint8_t> ModuleHeaderBytes();

}  // namespace gantry::wasm::testing

#endif  // GANTRY_WASM_TRANSLATE_TESTING_MODULE_BUILDER_H_
