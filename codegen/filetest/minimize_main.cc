// Makes a function of the IR that shows a failure as small as it gets.
//
//   minimize --pass=NAME FILE        what the pass (or all: default) breaks, by the verifier or
//                                    by running it before and after in the interpreter
//   minimize --command=CMD FILE      what makes `CMD FILE` exit with another code than 0
//
// FILE has one function. The result is printed; exit code 2 if there is no failure to begin with.

#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <string>

#include "absl/strings/match.h"
#include "absl/strings/string_view.h"
#include "absl/strings/strip.h"
#include "codegen/filetest/minimize.h"
#include "codegen/ir/parse.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verifier.h"
#include "codegen/pass/passes.h"

namespace gantry::codegen {
namespace {

int Main(int argc, char** argv) {
  StillFails fails;
  std::string path;
  for (int i = 1; i < argc; ++i) {
    absl::string_view arg = argv[i];
    if (absl::ConsumePrefix(&arg, "--pass=")) {
      std::shared_ptr<Pass> pass = MakePass(arg);
      if (pass == nullptr && arg != "default") {
        std::cerr << "there is no pass " << arg << "\n";
        return 2;
      }
      fails = pass != nullptr ? FailsUnderPass(std::move(pass)) : FailsUnderDefaultPasses();
    } else if (absl::ConsumePrefix(&arg, "--command=")) {
      fails = FailsUnderCommand(std::string(arg));
    } else {
      path = std::string(arg);
    }
  }
  if (path.empty() || fails == nullptr) {
    std::cerr << "usage: minimize --pass=NAME|--command=CMD FILE\n";
    return 2;
  }
  std::ifstream in(path, std::ios::binary);
  const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
  const absl::StatusOr<Function> func = ParseFunction(text);
  Verifier verifier;
  const absl::Status status = func.ok() ? verifier.Verify(*func) : func.status();
  if (!status.ok()) {
    std::cerr << path << ": " << status.message() << "\n";
    return 2;
  }
  if (!fails(*func)) {
    std::cerr << path << ": shows no failure\n";
    return 2;
  }
  const Function small = Minimize(*func, fails);
  std::cout << PrintFunction(small);
  std::cerr << func->layout.num_insts() << " instructions in " << func->layout.num_blocks()
            << " blocks became " << small.layout.num_insts() << " in " << small.layout.num_blocks()
            << "\n";
  return 0;
}

}  // namespace
}  // namespace gantry::codegen

int main(int argc, char** argv) { return gantry::codegen::Main(argc, argv); }
