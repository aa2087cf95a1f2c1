// What the parts of the module generator share: source, options, the draft, and questions
// about types that they all ask.
#ifndef GANTRY_WASM_TRANSLATE_TESTING_GENERATOR_CONTEXT_H_
#define GANTRY_WASM_TRANSLATE_TESTING_GENERATOR_CONTEXT_H_

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "absl/types/span.h"
#include "wasm_translate/binary_writer.h"
#include "wasm_translate/subtyping.h"
#include "wasm_translate/testing/byte_source.h"
#include "wasm_translate/testing/generator_options.h"
#include "wasm_translate/testing/module_draft.h"
#include "wasm_translate/types.h"

namespace gantry::wasm::testing {

constexpr ValType AbstractRef(AbstractHeapType type, bool nullable) {
  return ValType::Ref(HeapType::Abstract(type), nullable);
}

class GeneratorContext {
 public:
  GeneratorContext(ByteSource& source, const GeneratorOptions& options, ModuleDraft& draft)
      : source(source), options(options), draft(draft), module(draft.module) {}

  bool Has(Feature feature) const { return options.features.Has(feature); }
  bool executable() const { return options.profile == GeneratorOptions::Profile::kExecutable; }
  bool Matches(ValType sub, ValType super) const { return IsSubtype(module, sub, super); }
  bool AllMatch(absl::Span<const ValType> sub, absl::Span<const ValType> super) const;

  // Whether the features allow the type to be written: in a local, a global, a block type.
  bool IsAllowed(ValType type) const;
  // The type of ref.func.
  ValType RefFuncType(FuncIndex func) const;

  // Every reference type that may be written here, concrete ones up to `num_types`.
  std::vector<ValType> ReferenceTypes(uint32_t num_types) const;
  std::vector<ValType> ReferenceTypes() const {
    return ReferenceTypes(static_cast<uint32_t>(module.types.size()));
  }
  // Some type for a value; concrete references are to types below `num_types`.
  ValType SomeValType(uint32_t num_types);
  ValType SomeValType() { return SomeValType(static_cast<uint32_t>(module.types.size())); }
  ValType SomeNumericType();
  // A reference type that may be written; none where there is no such.
  std::optional<ValType> SomeReferenceType(uint32_t num_types);
  // A type that matches `type`, or that it matches: itself at least. What is no reference
  // stays what it is.
  ValType SomeSubtype(ValType type);
  ValType SomeSupertype(ValType type);

  // Types of one kind.
  std::vector<TypeIndex> FuncTypes() const;
  std::vector<TypeIndex> StructTypes() const;
  std::vector<TypeIndex> ArrayTypes() const;
  // A function type with these results and parameters; none where there is no such.
  std::optional<TypeIndex> FindFuncType(absl::Span<const ValType> params,
                                        absl::Span<const ValType> results) const;

  // Numbers with a liking for edges.
  int32_t SomeI32();
  int64_t SomeI64();
  uint32_t SomeF32Bits();
  uint64_t SomeF64Bits();
  // The operator for a constant of a numeric or vector type, with a value.
  void WriteConstant(ValType type, ByteWriter& out);
  void WriteInteger(IndexType type, uint64_t value, ByteWriter& out);
  // A name of a few characters, ASCII or not, or none at all.
  std::string SomeName();

  ByteSource& source;
  const GeneratorOptions& options;
  ModuleDraft& draft;
  Module& module;
};

}  // namespace gantry::wasm::testing

#endif  // GANTRY_WASM_TRANSLATE_TESTING_GENERATOR_CONTEXT_H_
