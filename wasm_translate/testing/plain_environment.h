// PlainEnvironment: surroundings for translation that are as plain as can be. Everything
// lies behind the first parameter; what would take a built-in has no effect.
//
//   PlainEnvironment environment(module);
//   translator.Translate(body, environment, &func);
//
// At the context's address lie the base of every memory (offset 0), its length in bytes (8),
// and from offset 64 on the globals, 16 bytes each.
#ifndef GANTRY_WASM_TRANSLATE_TESTING_PLAIN_ENVIRONMENT_H_
#define GANTRY_WASM_TRANSLATE_TESTING_PLAIN_ENVIRONMENT_H_

#include <optional>
#include <vector>

#include "absl/types/span.h"
#include "codegen/ir/builder.h"
#include "codegen/ir/signature.h"
#include "wasm_translate/module.h"
#include "wasm_translate/translator_environment.h"
#include "wasm_translate/types.h"

namespace gantry::wasm::testing {

class PlainEnvironment final : public FuncEnvironment {
 public:
  // The module has to outlive the environment.
  explicit PlainEnvironment(const Module& module) : module_(module) {}

  // Whether accesses of 32-bit memories are checked; those of 64-bit ones always are.
  void set_check_bounds(bool check) { check_bounds_ = check; }

  // Whether values of v128 have a type; they have.
  void set_has_vectors(bool has) { has_vectors_ = has; }
  void set_choices(const TranslationChoices& choices) { choices_ = choices; }

  const TranslationTraps& traps() const override { return traps_; }
  TranslationChoices choices() const override { return choices_; }
  std::optional<codegen::Type> TypeOf(ValType type) const override;
  // All but references to functions, which are addresses.
  bool IsTraced(ValType type) const override;
  void MakeSignature(const FuncType& type, codegen::Signature& signature) override;
  size_t num_leading_params() const override { return 1; }
  void Begin(codegen::InstBuilder& b) override;

  HeapAccess AccessHeap(codegen::InstBuilder& b, MemoryIndex memory, uint64_t offset,
                        uint32_t size) override;
  codegen::Value MemorySize(codegen::InstBuilder& b, MemoryIndex memory) override;
  codegen::Value MemoryGrow(codegen::InstBuilder& b, MemoryIndex memory,
                            codegen::Value delta) override;
  void MemoryInit(codegen::InstBuilder&, MemoryIndex, DataIndex, codegen::Value, codegen::Value,
                  codegen::Value) override {}
  void MemoryCopy(codegen::InstBuilder&, MemoryIndex, MemoryIndex, codegen::Value, codegen::Value,
                  codegen::Value) override {}
  void MemoryFill(codegen::InstBuilder&, MemoryIndex, codegen::Value, codegen::Value,
                  codegen::Value) override {}
  void DataDrop(codegen::InstBuilder&, DataIndex) override {}
  // They change nothing and give what they were given.
  codegen::Value AtomicWait(codegen::InstBuilder& b, MemoryIndex, codegen::Value address,
                            codegen::Value, codegen::Value) override {
    return b.Ireduce(codegen::Type::kI32, address);
  }
  codegen::Value AtomicNotify(codegen::InstBuilder&, MemoryIndex, codegen::Value,
                              codegen::Value count) override {
    return count;
  }
  codegen::Value GlobalGet(codegen::InstBuilder& b, GlobalIndex global) override;
  void GlobalSet(codegen::InstBuilder& b, GlobalIndex global, codegen::Value value) override;
  codegen::Value TableGet(codegen::InstBuilder& b, TableIndex table, codegen::Value) override;
  void TableSet(codegen::InstBuilder&, TableIndex, codegen::Value, codegen::Value) override {}
  codegen::Value TableSize(codegen::InstBuilder& b, TableIndex table) override;
  codegen::Value TableGrow(codegen::InstBuilder&, TableIndex, codegen::Value,
                           codegen::Value delta) override {
    return delta;
  }
  void TableFill(codegen::InstBuilder&, TableIndex, codegen::Value, codegen::Value,
                 codegen::Value) override {}
  void TableCopy(codegen::InstBuilder&, TableIndex, TableIndex, codegen::Value, codegen::Value,
                 codegen::Value) override {}
  void TableInit(codegen::InstBuilder&, TableIndex, ElemIndex, codegen::Value, codegen::Value,
                 codegen::Value) override {}
  void ElemDrop(codegen::InstBuilder&, ElemIndex) override {}
  codegen::Value RefNull(codegen::InstBuilder& b, ValType type) override;
  codegen::Value RefIsNull(codegen::InstBuilder& b, ValType type,
                           codegen::Value reference) override;
  codegen::Value RefFunc(codegen::InstBuilder& b, FuncIndex function) override;
  codegen::Inst Call(codegen::InstBuilder& b, CallKind kind, FuncIndex callee,
                     absl::Span<const codegen::Value> args) override;
  codegen::Inst CallIndirect(codegen::InstBuilder& b, CallKind kind, TableIndex table,
                             TypeIndex type, codegen::Value index,
                             absl::Span<const codegen::Value> args) override;
  codegen::Inst CallRef(codegen::InstBuilder& b, CallKind kind, TypeIndex type,
                        codegen::Value callee, absl::Span<const codegen::Value> args) override;

 private:
  codegen::Inst CallCode(codegen::InstBuilder& b, CallKind kind, const FuncType& type,
                         codegen::Value code, absl::Span<const codegen::Value> args);
  codegen::SigRef Signature(codegen::InstBuilder& b, const FuncType& type);
  const std::vector<codegen::Value>& WithContext(absl::Span<const codegen::Value> args);

  const Module& module_;
  const TranslationTraps traps_ = {codegen::TrapCode{1}, codegen::TrapCode{2}, codegen::TrapCode{3},
                                   codegen::TrapCode{4}, codegen::TrapCode{5}, codegen::TrapCode{6},
                                   codegen::TrapCode{7}, codegen::TrapCode{8}};
  bool check_bounds_ = false;
  bool has_vectors_ = true;
  TranslationChoices choices_;
  codegen::Value context_;
  std::vector<codegen::Value> args_;
};

}  // namespace gantry::wasm::testing

#endif  // GANTRY_WASM_TRANSLATE_TESTING_PLAIN_ENVIRONMENT_H_
