// Every case of lowering is in a filetest: what random functions make the backend emit, the
// functions of filetests have to make it emit too. A case is an instruction of the VCode with its
// width, its kind, the form of its operand in memory, and whether it has an immediate and a trap.
// What no filetest has is printed with a function that has it:
//
//   bazel-bin/isa_x64/backend/testing/coverage_test FILE...
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
#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "base/check.h"
#include "codegen/context.h"
#include "codegen/filetest/file.h"
#include "codegen/generate/generate.h"
#include "codegen/ir/print.h"
#include "codegen/ir/verifier.h"
#include "codegen/isa.h"
#include "isa_x64/backend/isa.h"

namespace gantry::x64 {
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

// x86-64 as it was, its third level, and its fourth.
std::vector<std::shared_ptr<const codegen::TargetIsa>> Isas() {
  std::vector<const char*> features;
  std::vector<std::shared_ptr<const codegen::TargetIsa>> isas = {MakeIsa(features)};
  features = {"has_sse3", "has_ssse3", "has_sse41", "has_sse42", "has_popcnt", "has_avx",
              "has_avx2", "has_fma",   "has_bmi1",  "has_bmi2",  "has_lzcnt"};
  isas.push_back(MakeIsa(features));
  for (const char* feature : {"has_avx512f", "has_avx512vl", "has_avx512dq", "has_avx512bw"}) {
    features.push_back(feature);
  }
  isas.push_back(MakeIsa(features));
  return isas;
}

// "alu.32.5 [base+index+16] imm=7 trap=1" without its numbers, but for width and kind.
std::string CaseOf(const std::string& text) {
  std::string out;
  const size_t name_end = std::min(text.find(' '), text.size());
  out = text.substr(0, name_end);
  if (const size_t open = text.find('['); open != std::string::npos) {
    // "base+index*4+16": the last term is the displacement.
    std::string address =
        text.substr(open + 1, text.find_first_of("]*0123456789-", open) - open - 1);
    while (!address.empty() && (address.back() == '+' || address.back() == ' ')) address.pop_back();
    absl::StrAppend(&out, " [", address, "]");
  }
  if (text.find(" imm=") != std::string::npos) out += " imm";
  if (text.find(" trap=") != std::string::npos) out += " trap";
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
}  // namespace gantry::x64

int main(int argc, char** argv) { return gantry::x64::Main(argc, argv); }
