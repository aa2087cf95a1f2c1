// What the validator says of every module in a folder:
//
//   judge_modules FOLDER [FEATURE...]
//
// prints a line for each *.wasm, in order of their names: NAME valid, or NAME invalid and
// the error's message. Features are those of WebAssembly 3.0 and the ones named.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <vector>

#include "absl/status/status.h"
#include "wasm_translate/features.h"
#include "wasm_translate/module_validator.h"

namespace {

namespace wasm = gantry::wasm;

int Judge(const std::filesystem::path& folder, const wasm::ParseOptions& options) {
  std::vector<std::filesystem::path> files;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (entry.path().extension() == ".wasm") files.push_back(entry.path());
  }
  std::sort(files.begin(), files.end());
  for (const auto& file : files) {
    std::ifstream in(file, std::ios::binary);
    const std::vector<uint8_t> bytes{std::istreambuf_iterator<char>(in),
                                     std::istreambuf_iterator<char>()};
    if (!in) {
      std::cerr << "cannot read " << file << "\n";
      return 1;
    }
    const absl::Status status = wasm::ValidateModule(bytes, options);
    std::cout << file.filename().string();
    if (status.ok()) {
      std::cout << " valid\n";
    } else {
      std::cout << " invalid " << status.message() << "\n";
    }
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) {
    std::cerr << "usage: judge_modules FOLDER [FEATURE...]\n";
    return 1;
  }
  wasm::ParseOptions options;
  for (int i = 2; i < argc; ++i) {
    const std::optional<wasm::Feature> feature = wasm::FeatureByName(argv[i]);
    if (!feature.has_value()) {
      std::cerr << "no such feature: " << argv[i] << "\n";
      return 1;
    }
    options.features.Set(*feature, true);
  }
  return Judge(argv[1], options);
}
