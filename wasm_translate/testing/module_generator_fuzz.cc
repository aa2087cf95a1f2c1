// Any bytes give a valid module, under all features, few, and in every profile.
#include <cstddef>
#include <cstdint>

#include "base/check.h"
#include "wasm_translate/module_validator.h"
#include "wasm_translate/testing/module_generator.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace gantry::wasm;
  using testing::GeneratorOptions;
  for (const Features features : {Features::All(), Features::Wasm2Scalar(), Features()}) {
    for (const auto profile :
         {GeneratorOptions::Profile::kAny, GeneratorOptions::Profile::kExecutable}) {
      GeneratorOptions options;
      options.features = features;
      options.profile = profile;
      options.canonicalize_nans = profile == GeneratorOptions::Profile::kExecutable;
      testing::ByteSource source({data, size});
      const std::vector<uint8_t> module = testing::GenerateModule(source, options);
      ParseOptions parse;
      parse.features = features;
      CHECK_OK(ValidateModule(module, parse));
    }
  }
  return 0;
}
