// Validates modules on demand and says how long each took: one side of bench/validate.
//
//   validate_speed < PATHS
//
// For every path read, one validation of that module (read before, and kept) and a line
// with the nanoseconds of processor time that the process spent on it.
#include <cstdint>
#include <ctime>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "wasm_translate/features.h"
#include "wasm_translate/module_validator.h"

namespace {

int64_t ProcessorNanoseconds() {
  timespec now;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
  return int64_t{1'000'000'000} * now.tv_sec + now.tv_nsec;
}

}  // namespace

int main() {
  gantry::wasm::ParseOptions options;
  // As the other side.
  options.features.Set(gantry::wasm::Feature::kThreads, true);
  std::map<std::string, std::vector<uint8_t>> modules;
  std::string path;
  while (std::getline(std::cin, path)) {
    std::vector<uint8_t>& bytes = modules[path];
    if (bytes.empty()) {
      std::ifstream in(path, std::ios::binary);
      bytes.assign(std::istreambuf_iterator<char>(in), std::istreambuf_iterator<char>());
    }
    const int64_t start = ProcessorNanoseconds();
    const absl::Status status = gantry::wasm::ValidateModule(bytes, options);
    const int64_t end = ProcessorNanoseconds();
    if (!status.ok()) {
      std::cerr << path << ": " << status.message() << "\n";
      return 1;
    }
    std::cout << end - start << std::endl;
  }
  return 0;
}
