// Writes files of random bytes, from which fuzz targets over the module generator start:
//
//   write_random FOLDER    # random0.bin, random1.bin, ...
#include <cstdio>
#include <fstream>
#include <string>

#include "wasm_translate/testing/byte_source.h"

int main(int argc, char** argv) {
  if (argc != 2) {
    std::fprintf(stderr, "usage: write_random FOLDER\n");
    return 2;
  }
  for (int i = 0; i < 8; ++i) {
    const auto bytes = gantry::wasm::testing::RandomBytes(i, 256 << (i % 5));
    std::ofstream file(std::string(argv[1]) + "/random" + std::to_string(i) + ".bin",
                       std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()),
               static_cast<std::streamsize>(bytes.size()));
    if (!file) return 1;
  }
  return 0;
}
