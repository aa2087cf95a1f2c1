// Where arguments and results of functions are, by type, found once a module.
#ifndef GANTRY_WINCH_SIGNATURES_H_
#define GANTRY_WINCH_SIGNATURES_H_

#include <cstdint>
#include <memory>
#include <vector>

#include "absl/types/span.h"
#include "codegen/abi_places.h"
#include "cranelift_shared/wasm_values.h"
#include "environ/translation/module_translation.h"
#include "winch/machine.h"

namespace gantry::winch {

// In a register, or `offset` bytes into the arguments on the stack or the result area.
struct ValuePlace {
  ValueKind kind = ValueKind::kI32;
  Reg reg;
  uint32_t offset = 0;
};

struct Signature {
  std::vector<ValuePlace> params;
  std::vector<ValuePlace> results;
  uint32_t argument_bytes = 0;  // on the stack
  uint32_t result_bytes = 0;    // of the result area; 0: there is none
};

namespace signatures_internal {

inline ValueKind KindOfShape(const cranelift::AbiShape& shape, wasm::ValType type) {
  if (shape.is_vector) {
    return shape.bytes == 4   ? ValueKind::kF32
           : shape.bytes == 8 ? ValueKind::kF64
                              : ValueKind::kV128;
  }
  if (type.is_ref()) return shape.bytes == 4 ? ValueKind::kRef : ValueKind::kFunc;
  return shape.bytes == 4 ? ValueKind::kI32 : ValueKind::kI64;
}

}  // namespace signatures_internal

// `Masm` has AssignArguments and AssignResults: its ISA's AssignWasmArguments and
// AssignWasmResults (wasm_abi.h).
template <class Masm>
class Signatures {
 public:
  explicit Signatures(const environ::ModuleTranslation& module)
      : module_(module), by_type_(module.parsed.types.size()) {}

  const Signature& Of(wasm::TypeIndex type) {
    std::unique_ptr<Signature>& known = by_type_[type.index()];
    if (known == nullptr) known = std::make_unique<Signature>(Make(module_.parsed.func_type(type)));
    return *known;
  }

 private:
  Signature Make(const wasm::FuncType& type) const {
    Signature signature;
    const std::vector<codegen::AbiValue> params = ValuesOf(type.params());
    const std::vector<codegen::AbiValue> results = ValuesOf(type.results());
    std::vector<codegen::AbiPlace> result_places(results.size());
    std::vector<codegen::AbiPlace> param_places(params.size());
    signature.result_bytes = Masm::AssignResults(results, absl::MakeSpan(result_places));
    signature.argument_bytes =
        Masm::AssignArguments(params, signature.result_bytes != 0, absl::MakeSpan(param_places));
    signature.params = PlacesOf(type.params(), param_places);
    signature.results = PlacesOf(type.results(), result_places);
    return signature;
  }

  std::vector<codegen::AbiValue> ValuesOf(absl::Span<const wasm::ValType> types) const {
    std::vector<codegen::AbiValue> values;
    values.reserve(types.size());
    for (const wasm::ValType type : types) {
      const cranelift::AbiShape shape = cranelift::ShapeOf(module_, type);
      values.push_back(
          {shape.is_vector ? codegen::AbiClass::kVector : codegen::AbiClass::kInt, shape.bytes});
    }
    return values;
  }

  std::vector<ValuePlace> PlacesOf(absl::Span<const wasm::ValType> types,
                                   absl::Span<const codegen::AbiPlace> abi) const {
    std::vector<ValuePlace> places(types.size());
    for (size_t i = 0; i < types.size(); ++i) {
      places[i].kind =
          signatures_internal::KindOfShape(cranelift::ShapeOf(module_, types[i]), types[i]);
      switch (abi[i].kind) {
        case codegen::AbiPlace::Kind::kInt:
          places[i].reg = Reg::Int(abi[i].encoding);
          break;
        case codegen::AbiPlace::Kind::kVector:
          places[i].reg = Reg::Vector(abi[i].encoding);
          break;
        case codegen::AbiPlace::Kind::kMemory:
          places[i].offset = abi[i].offset;
          break;
      }
    }
    return places;
  }

  const environ::ModuleTranslation& module_;
  std::vector<std::unique_ptr<Signature>> by_type_;
};

}  // namespace gantry::winch

#endif  // GANTRY_WINCH_SIGNATURES_H_
