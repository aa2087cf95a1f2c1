// Writes random valid modules as files, for tools outside this repository:
//
//   generate_modules FOLDER COUNT [--first_seed=N] [--features=all|default|NAME,NAME...]
//                                 [--executable]
//
// FOLDER/SEED.wasm each. Without features named, those that are on by default.
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "wasm_translate/testing/module_generator.h"

namespace gantry::wasm::testing {
namespace {

int Usage() {
  std::fprintf(stderr,
               "usage: generate_modules FOLDER COUNT [--first_seed=N] "
               "[--features=all|default|NAME,NAME...] [--executable]\n");
  return 2;
}

int Main(const std::vector<std::string>& arguments) {
  if (arguments.size() < 2) return Usage();
  GeneratorOptions options;
  uint64_t first_seed = 0;
  for (size_t i = 2; i < arguments.size(); ++i) {
    const std::pair<std::string, std::string> parts =
        absl::StrSplit(arguments[i], absl::MaxSplits('=', 1));
    const auto& [name, value] = parts;
    if (name == "--first_seed") {
      first_seed = std::strtoull(value.c_str(), nullptr, 10);
    } else if (name == "--executable") {
      options.profile = GeneratorOptions::Profile::kExecutable;
    } else if (name == "--features" && value == "all") {
      options.features = Features::All();
    } else if (name == "--features" && value == "default") {
      options.features = Features::Default();
    } else if (name == "--features") {
      options.features = Features();
      for (absl::string_view feature_name : absl::StrSplit(value, ',', absl::SkipEmpty())) {
        const auto feature = FeatureByName(feature_name);
        if (!feature.has_value()) {
          std::fprintf(stderr, "there is no feature %s\n", std::string(feature_name).c_str());
          return 2;
        }
        options.features.Set(*feature, true);
      }
    } else {
      return Usage();
    }
  }
  const uint64_t count = std::strtoull(arguments[1].c_str(), nullptr, 10);
  for (uint64_t seed = first_seed; seed < first_seed + count; ++seed) {
    const std::vector<uint8_t> random = RandomBytes(seed, 64 + seed * 37 % 4096);
    ByteSource source(random);
    const std::vector<uint8_t> module = GenerateModule(source, options);
    const std::string path = absl::StrCat(arguments[0], "/", seed, ".wasm");
    std::ofstream file(path, std::ios::binary);
    file.write(reinterpret_cast<const char*>(module.data()),
               static_cast<std::streamsize>(module.size()));
    if (!file) {
      std::fprintf(stderr, "cannot write %s\n", path.c_str());
      return 1;
    }
  }
  return 0;
}

}  // namespace
}  // namespace gantry::wasm::testing

int main(int argc, char** argv) {
  return gantry::wasm::testing::Main(std::vector<std::string>(argv + 1, argv + argc));
}
