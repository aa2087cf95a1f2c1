// Runs filetests given as arguments.
//
//   filetest [--rewrite] [--coverage] FILE...
//
// --rewrite writes what was found into the check lines, as does GANTRY_REWRITE_GOLDENS, which
// holds the root of the checkout; --coverage fails if the interpreter executed some opcode in
// none of the files.

#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "absl/strings/match.h"
#include "codegen/filetest/backend.h"
#include "codegen/filetest/runner.h"
#include "codegen/ir/opcodes.h"

namespace gantry::codegen {
namespace {

int Main(int argc, char** argv) {
  bool rewrite = false;
  bool coverage = false;
  std::vector<std::string> paths;
  // `bazel run` starts elsewhere; names are relative to the workspace.
  const char* workspace = std::getenv("BUILD_WORKSPACE_DIRECTORY");
  if (const char* root = std::getenv("GANTRY_REWRITE_GOLDENS"); root != nullptr) {
    rewrite = true;
    workspace = root;
  }
  for (int i = 1; i < argc; ++i) {
    const std::string arg = argv[i];
    if (arg == "--rewrite") {
      rewrite = true;
    } else if (arg == "--coverage") {
      coverage = true;
    } else if (absl::StartsWith(arg, "-")) {
      std::cerr << "usage: filetest [--rewrite] [--coverage] FILE...\n";
      return 2;
    } else {
      paths.push_back(workspace != nullptr && arg[0] != '/' ? std::string(workspace) + "/" + arg
                                                            : arg);
    }
  }
  FiletestBackends backends;
  RegisterFiletestBackends(&backends);
  std::vector<uint64_t> counts(kNumOpcodes, 0);
  size_t failures = 0;
  size_t runs = 0;
  for (const std::string& path : paths) {
    std::ifstream in(path, std::ios::binary);
    if (!in) {
      std::cerr << path << ": can't be read\n";
      return 2;
    }
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    in.close();
    FiletestResult result = RunFiletest(path, text, backends);
    for (size_t i = 0; i < result.opcode_counts.size(); ++i) counts[i] += result.opcode_counts[i];
    for (const std::string& refused : result.refused) std::cout << "refused: " << refused << "\n";
    runs += result.runs;
    if (rewrite && result.rewritten != text) {
      std::ofstream out(path, std::ios::binary);
      out << result.rewritten;
      std::cout << path << (out.good() ? ": rewritten\n" : ": can't be written\n");
      continue;
    }
    for (const std::string& failure : result.failures) std::cout << failure << "\n";
    if (!result.failures.empty()) {
      std::cout << "  to accept what was found: bazel run //codegen/filetest -- --rewrite " << path
                << "\n";
    }
    failures += result.failures.size();
  }
  if (coverage) {
    for (size_t i = 0; i < kNumOpcodes; ++i) {
      if (counts[i] != 0) continue;
      std::cout << "no filetest executes " << kOpcodeTable[i].name
                << "; add one to codegen/filetest/testdata\n";
      ++failures;
    }
  }
  std::cout << paths.size() << " files, " << runs << " runs, " << failures << " failures\n";
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace gantry::codegen

int main(int argc, char** argv) { return gantry::codegen::Main(argc, argv); }
