// Every case of lowering is in a filetest: what random functions make the backend emit, the
// functions of filetests have to make it emit too. A case is an instruction of the VCode with its
// row, its condition, the form of its operand in memory, and whether it has an immediate and a
// trap. What no filetest has is printed with a function that has it:
//
//   bazel-bin/isa_aarch64/backend/testing/coverage_test FILE...
#include <algorithm>
#include <cstdint>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/strings/string_view.h"
#include "base/check.h"
#include "codegen/context.h"
#include "codegen/filetest/file.h"
#include "codegen/generate/generate.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verifier.h"
#include "codegen/isa.h"
#include "isa_aarch64/backend/isa.h"

namespace gantry::aarch64 {
namespace {

using codegen::Function;

constexpr uint64_t kSeeds = 4000;
// Cases that only rare random functions have say nothing about filetests.
constexpr uint64_t kOften = 3;

std::shared_ptr<const codegen::TargetIsa> MakeIsa(const std::vector<const char*>& features) {
  std::unique_ptr<codegen::IsaBuilder> builder = MakeIsaBuilder();
  for (const char* feature : features) CHECK_OK(builder->Enable(feature));
  absl::StatusOr<std::shared_ptr<const codegen::TargetIsa>> isa = builder->Build();
  CHECK_OK(isa.status());
  return *std::move(isa);
}

// Without and with LSE.
std::vector<std::shared_ptr<const codegen::TargetIsa>> Isas() {
  return {MakeIsa({}), MakeIsa({"has_lse"})};
}

// "branch CmpW.lt bits=0x1400 block1 else block2" without its numbers: what it is, its row and
// condition or its access, the form of its address, and whether it has an immediate and a trap.
std::string CaseOf(const std::string& text) {
  std::string out;
  for (absl::string_view part : absl::StrSplit(text, ' ')) {
    if (absl::StartsWith(part, "bits=")) {
      out += " bits";
    } else if (absl::StartsWith(part, "trap=")) {
      out += " trap";
    } else if (absl::StartsWith(part, "[")) {
      absl::StrAppend(&out, " ", part.substr(0, part.find_last_of("+-")));
    } else if (!absl::StartsWith(part, "block") && part != "else" && part[0] != '#' &&
               !absl::StartsWith(part, "0x")) {
      absl::StrAppend(&out, " ", part);
    }
  }
  return out;
}

class Coverage {
 public:
  Coverage() : isas_(Isas()) {}

  // Calls seen(case) for each instruction that the function becomes with any of the ISAs.
  template <typename Seen>
  void Compile(const Function& func, Seen seen) {
    for (const auto& isa : isas_) {
      Function copy = func;
      if (!context_.Compile(copy, *isa).ok()) continue;
      for (const codegen::MachInst& inst : context_.vcode().insts()) {
        seen(CaseOf(isa->Print(inst, {})));
      }
    }
  }

 private:
  std::vector<std::shared_ptr<const codegen::TargetIsa>> isas_;
  codegen::Context context_;
};

int Main(int argc, char** argv) {
  Coverage coverage;
  std::set<std::string> covered;
  for (int i = 1; i < argc; ++i) {
    std::ifstream in(argv[i], std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    const absl::StatusOr<codegen::Filetest> file = codegen::ReadFiletest(text);
    if (!file.ok()) {
      std::cout << argv[i] << ":" << file.status().message() << "\n";
      return 1;
    }
    for (const codegen::FiletestFunction& function : file->functions) {
      if (!codegen::VerifyFunction(function.parsed.func).ok()) continue;
      coverage.Compile(function.parsed.func,
                       [&](std::string found) { covered.insert(std::move(found)); });
    }
  }

  struct Missing {
    uint64_t functions = 0;
    std::string smallest;
  };
  std::map<std::string, Missing> missing;
  std::set<std::string> reached;
  for (uint64_t seed = 0; seed < kSeeds; ++seed) {
    codegen::RandomSource random(seed);
    codegen::GenerateOptions options;
    options.memory_bytes = seed % 2 == 0 ? 64 : 0;
    options.narrow_ints = seed % 3 != 0;
    options.max_blocks = 1 + seed % 5;
    options.max_insts_per_block = 2 + seed % 11;
    Function func;
    GenerateFunction(options, &random, &func);
    std::set<std::string> cases;
    coverage.Compile(func, [&](std::string found) { cases.insert(std::move(found)); });
    reached.insert(cases.begin(), cases.end());
    for (const std::string& found : cases) {
      if (covered.contains(found)) continue;
      Missing& entry = missing[found];
      ++entry.functions;
      std::string text = codegen::PrintFunction(func);
      if (entry.smallest.empty() || text.size() < entry.smallest.size()) {
        entry.smallest = std::move(text);
      }
    }
  }
  size_t failures = 0;
  for (const auto& [name, entry] : missing) {
    if (entry.functions < kOften) continue;
    ++failures;
    std::cout << "no filetest makes: " << name << "\n" << entry.smallest << "\n";
  }
  std::cout << covered.size() << " cases of lowering in filetests, " << reached.size()
            << " in random functions, of which " << failures << " in no filetest\n";
  return failures == 0 && reached.size() > 100 ? 0 : 1;
}

}  // namespace
}  // namespace gantry::aarch64

int main(int argc, char** argv) { return gantry::aarch64::Main(argc, argv); }
