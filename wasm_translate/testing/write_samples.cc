// Writes the sample modules into a folder, as a corpus for fuzz targets:
//
//   write_samples FOLDER
#include <fstream>
#include <iostream>
#include <string>

#include "wasm_translate/testing/sample_modules.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::cerr << "usage: write_samples FOLDER\n";
    return 1;
  }
  for (const auto& sample : gantry::wasm::testing::SampleModules()) {
    std::ofstream file(std::string(argv[1]) + "/" + sample.name + ".wasm", std::ios::binary);
    file.write(reinterpret_cast<const char*>(sample.bytes.data()),
               static_cast<std::streamsize>(sample.bytes.size()));
    if (!file) {
      std::cerr << "cannot write into " << argv[1] << "\n";
      return 1;
    }
  }
  return 0;
}
