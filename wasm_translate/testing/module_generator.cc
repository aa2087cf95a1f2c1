#include "wasm_translate/testing/module_generator.h"

#include "wasm_translate/testing/body_generator.h"
#include "wasm_translate/testing/field_generator.h"
#include "wasm_translate/testing/generator_context.h"
#include "wasm_translate/testing/module_draft.h"
#include "wasm_translate/testing/type_generator.h"

namespace gantry::wasm::testing {

std::vector<uint8_t> GenerateModule(ByteSource& source, const GeneratorOptions& options) {
  ModuleDraft draft;
  if (source.exhausted()) return EncodeDraft(draft, options.features);
  GeneratorContext context(source, options, draft);
  GenerateTypes(context);
  GenerateFields(context);
  const OperatorLists operators(options.features);
  for (size_t i = 0; i < draft.bodies.size(); ++i) {
    const FuncIndex func = draft.module.func_index(DefinedFuncIndex::FromIndex(i));
    draft.bodies[i] = BodyGenerator(context, operators, func).Run();
  }
  return EncodeDraft(draft, options.features);
}

}  // namespace gantry::wasm::testing
