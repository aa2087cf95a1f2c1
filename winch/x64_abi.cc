// Where the convention of WebAssembly functions on x64 (isa_x64/wasm_abi.h) has values.
#include <vector>

#include "isa_x64/wasm_abi.h"
#include "winch/signatures.h"
#include "winch/x64_masm.h"

namespace gantry::winch {
namespace {

ValueKind KindOfShape(const environ::ModuleTranslation& module, wasm::ValType type) {
  const cranelift::AbiShape shape = cranelift::ShapeOf(module, type);
  if (shape.is_vector) {
    return shape.bytes == 4   ? ValueKind::kF32
           : shape.bytes == 8 ? ValueKind::kF64
                              : ValueKind::kV128;
  }
  if (type.is_ref()) return shape.bytes == 4 ? ValueKind::kRef : ValueKind::kFunc;
  return shape.bytes == 4 ? ValueKind::kI32 : ValueKind::kI64;
}

std::vector<x64::AbiValue> ValuesOf(const environ::ModuleTranslation& module,
                                    absl::Span<const wasm::ValType> types) {
  std::vector<x64::AbiValue> values;
  values.reserve(types.size());
  for (const wasm::ValType type : types) {
    const cranelift::AbiShape shape = cranelift::ShapeOf(module, type);
    values.push_back({shape.is_vector ? x64::AbiClass::kVector : x64::AbiClass::kInt, shape.bytes});
  }
  return values;
}

std::vector<ValuePlace> PlacesOf(const environ::ModuleTranslation& module,
                                 absl::Span<const wasm::ValType> types,
                                 absl::Span<const x64::AbiPlace> abi) {
  std::vector<ValuePlace> places(types.size());
  for (size_t i = 0; i < types.size(); ++i) {
    places[i].kind = KindOfShape(module, types[i]);
    switch (abi[i].kind) {
      case x64::AbiPlace::Kind::kInt:
        places[i].reg = Reg::Int(abi[i].encoding);
        break;
      case x64::AbiPlace::Kind::kVector:
        places[i].reg = Reg::Vector(abi[i].encoding);
        break;
      case x64::AbiPlace::Kind::kMemory:
        places[i].offset = abi[i].offset;
        break;
    }
  }
  return places;
}

}  // namespace

template <>
Signature Signatures<X64Masm>::Make(const wasm::FuncType& type) const {
  Signature signature;
  const std::vector<x64::AbiValue> params = ValuesOf(module_, type.params());
  const std::vector<x64::AbiValue> results = ValuesOf(module_, type.results());
  std::vector<x64::AbiPlace> result_places(results.size());
  std::vector<x64::AbiPlace> param_places(params.size());
  signature.result_bytes = x64::AssignWasmResults(results, absl::MakeSpan(result_places));
  signature.argument_bytes =
      x64::AssignWasmArguments(params, signature.result_bytes != 0, absl::MakeSpan(param_places));
  signature.params = PlacesOf(module_, type.params(), param_places);
  signature.results = PlacesOf(module_, type.results(), result_places);
  return signature;
}

// Registers that the convention and the macro assembler have to agree on.
static_assert(x64::kCalleeVmctx.encoding() == X64Masm::kVmctx.encoding());
static_assert(x64::kCallerVmctx.encoding() == X64Masm::kCallerVmctx.encoding());
static_assert(x64::kResultArea.encoding() == X64Masm::kResultArea.encoding());
static_assert(x64::kScratch.encoding() == X64Masm::kScratch.encoding());
static_assert(x64::kVectorScratch.encoding() == X64Masm::kVectorScratch.encoding());

}  // namespace gantry::winch
